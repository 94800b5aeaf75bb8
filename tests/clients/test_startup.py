"""What the provider calls before the first resource, for each way to authenticate (clients 1.2, api-iam 6.1)."""

import pytest

from provider import Provider, Refused


def test_an_access_key_and_a_region_are_enough(server, account):
    tf = Provider(server, region="region-1", access_key=account.access, secret_key=account.secret).start()
    assert (tf.project_id, tf.domain_id) == (account.projects["region-1"], account.domain.id)
    assert tf.calls == [("GET", "/v3/projects"), ("GET", "/v3/auth/domains")]
    assert tf.get(tf.v1("vpcs")) == {"vpcs": []}


def test_with_a_project_id_none_is_looked_up(server, account):
    tf = Provider(server, region="region-1", access_key=account.access, secret_key=account.secret,
                  project_id=account.projects["region-2"]).start()
    assert tf.calls == [("GET", "/v3/auth/domains")]
    assert tf.get(tf.v1("vpcs")) == {"vpcs": []}


def test_a_region_that_is_not_there_has_no_project(server, account):
    with pytest.raises(AssertionError):
        Provider(server, region="region-9", access_key=account.access, secret_key=account.secret).start()


def test_another_region_is_looked_up_by_name_and_domain(tf, account):
    found = tf.get(tf.auth(f"projects?name=region-2&domain_id={tf.domain_id}"))
    assert [project["id"] for project in found["projects"]] == [account.projects["region-2"]]
    assert found["links"]["next"] is None


@pytest.mark.parametrize("by", ["name", "id"])
def test_a_user_and_a_password_get_tokens(server, account, by):
    project = {"project_id": account.projects["region-1"]} if by == "id" else {}
    tf = Provider(server, region="region-1", user_name=account.user.name, password=account.password,
                  domain_name=account.domain.name, **project).start()
    assert (tf.project_id, tf.domain_id, tf.user_id) == (
        account.projects["region-1"], account.domain.id, account.user.id)
    assert tf.calls == [("POST", "/v3/auth/tokens"), ("POST", "/v3/auth/tokens"), ("GET", "/v3/auth/domains"),
                        ("GET", "/v3/users")]
    assert tf.get(tf.v1("vpcs")) == {"vpcs": []}
    assert tf.get(tf.v2("vpc/peerings")) == {"peerings": []}


def test_a_token_is_scoped_anew(server, account):
    first = Provider(server, region="region-1", user_name=account.user.name, password=account.password,
                     domain_name=account.domain.name).start()
    tf = Provider(server, region="region-1", token=first.token, domain_id=account.domain.id).start()
    assert tf.project_id == account.projects["region-1"]
    assert tf.calls[:2] == [("POST", "/v3/auth/tokens")] * 2
    assert tf.get(tf.v1("vpcs")) == {"vpcs": []}


def test_wrong_credentials_are_401_in_every_way(server, account):
    ways = [
        {"access_key": account.access, "secret_key": "x" * 40},
        {"access_key": "NOSUCHACCESSKEY00000", "secret_key": account.secret},
        {"user_name": account.user.name, "password": "wrong", "domain_name": account.domain.name},
        {"token": "no token", "domain_id": account.domain.id},
    ]
    for way in ways:
        with pytest.raises(Refused) as caught:
            Provider(server, region="region-1", **way).start()
        assert caught.value.status == 401, caught.value


def test_an_auth_url_with_a_slash_at_its_end_works(tf):
    """`/v3//projects`, as it comes from a configured `auth_url` that ends in a slash (api-iam 6)."""
    assert len(tf.get("/v3//projects?name=region-1")["projects"]) == 1


def test_an_auth_url_without_version_is_discovered(tf):
    """api-iam 4: status stable, an id with v3 in it, a self link to the host that was asked."""
    host = tf.server.host("iam", "region-1").removeprefix("http://")
    found = tf.get("/", ok=(200, 300), headers={"Host": host}, anonymous=True)
    [version] = [value for value in found["versions"]["values"] if "v3" in value["id"]]
    assert version["status"] in ("current", "supported", "stable")
    [link] = [link["href"] for link in version["links"] if link["rel"] == "self"]
    assert link == f"http://{host}/v3/"


def test_accounts_do_not_see_each_other(tf, other):
    for provider in (tf, other):
        provider.post(provider.v1("vpcs"), {"vpc": {"name": "vpc-a", "cidr": "10.0.0.0/16"}}, ok=(200,))
    [vpc] = tf.get(tf.v1("vpcs"))["vpcs"]
    assert other.status("GET", other.v1(f"vpcs/{vpc['id']}")) == 404
    assert other.status("GET", tf.v1("vpcs")) == 400
