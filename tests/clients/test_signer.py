"""The provider's signer against the vectors of api-iam 3.6 and 3.8, and against the server."""

import hashlib
import http.client
from urllib.parse import quote

from provider import USER_AGENT, authorization, canonical_request, now, sign

ACCESS, SECRET = "CAUSEWAYEXAMPLEAK001", "cAuSeWaYeXaMpLeSeCrEtKeY0123456789abcdef"
PROJECT = "0605767a9980d5792f4fc00ce5a7a1f1"
DATE = "20260102T030405Z"
HEADERS = {"Accept": "application/json", "User-Agent": USER_AGENT, "X-Sdk-Date": DATE}


def signature(header):
    return header.rpartition("Signature=")[2]


def test_a_get_is_signed_without_host_and_project():
    header = sign("GET", "/v3/projects", "name=region-a", HEADERS, b"", ACCESS, SECRET)
    assert "SignedHeaders=accept;user-agent;x-sdk-date," in header
    assert signature(header) == "a0a3117c87b334936bb84afb4f1efb4f823261a5101c28b458597db3f71b0fa0"


def test_a_post_is_signed_with_its_content_type_and_the_line_feed_of_its_body():
    body = b'{"vpc":{"name":"demo","cidr":"10.0.0.0/16"}}\n'
    assert hashlib.sha256(body).hexdigest() == "b3164616538b2e68966ec264a2c747259b359f1d47ec06a5761e6e0362af3ef9"
    headers = {**HEADERS, "Content-Type": "application/json"}
    header = sign("POST", f"/v1/{PROJECT}/vpcs", "", headers, body, ACCESS, SECRET)
    assert "SignedHeaders=accept;content-type;user-agent;x-sdk-date," in header
    assert signature(header) == "4973127261eb7cfeb1c8cf304c31b8729d32a0b5d28a0e36e51c7b89857853ff"


def test_the_canonical_request_of_the_sdk_vector_comes_out_as_documented():
    """api-iam 3.6 and 3.7: other clients' signed headers, the same canonical form."""
    headers = {"Content-Type": "application/json", "Host": "vpc.region-a.cloud.example", "X-Project-Id": PROJECT,
               "X-Sdk-Date": DATE}
    post = canonical_request("POST", f"/v1/{PROJECT}/vpcs", "",
                             {**headers, "User-Agent": "huaweicloud-usdk-python/3.0"},
                             b'{"vpc": {"name": "demo", "cidr": "10.0.0.0/16"}}')
    assert hashlib.sha256(post.encode()).hexdigest() == (
        "f96355632528da69433f6a4e0e5ad33f948fc33486ee93367c5cb4fddf7e1dce")
    query = "limit=10&name=dev%20net%2FA%2BB~%C3%A9&id=b&id=a&marker=&all=true"
    get = canonical_request("GET", f"/v1/{PROJECT}/vpcs", query, {**headers, "X-Security-Token": "tok-abc"}, b"")
    signed = authorization(get, "content-type;host;x-project-id;x-sdk-date;x-security-token", DATE, ACCESS, SECRET)
    assert signature(signed) == "9d54d6e49bfc11996d1fedeb7a8261d6f0c0c8b53cd94acb4236fce83892506e"


def raw(tf, header, url, headers):
    connection = http.client.HTTPConnection("127.0.0.1", tf.server.port, timeout=60)
    connection.request("GET", url, headers={**headers, "Authorization": header})
    status = connection.getresponse().status
    connection.close()
    return status


def test_the_server_checks_what_the_signature_covers(tf):
    path = tf.v1("vpcs")
    headers = {"Accept": "application/json", "User-Agent": USER_AGENT, "X-Sdk-Date": now()}
    header = sign("GET", path, "", headers, b"", tf.access_key, tf.secret_key)
    assert raw(tf, header, path, headers) == 200
    assert raw(tf, header, path + "?limit=1", headers) == 401
    assert raw(tf, header, path, {**headers, "User-Agent": "curl"}) == 401
    wrong = sign("GET", path, "", headers, b"", tf.access_key, tf.secret_key[::-1])
    assert raw(tf, wrong, path, headers) == 401
    old = {**headers, "X-Sdk-Date": DATE}
    assert raw(tf, sign("GET", path, "", old, b"", tf.access_key, tf.secret_key), path, old) == 401


def test_names_with_every_kind_of_character_are_signed_alike(tf):
    """The query goes over the wire in the form that the signature covers."""
    for name in ("a b", "a+b", "a/b", "é", "a%2Fb", "a&b=c", "~"):
        url = tf.v2(f"vpc/peerings?name={quote(name, safe='')}")
        assert tf.get(url)["peerings"] == []
