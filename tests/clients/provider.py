"""The HTTP client inside the official Terraform provider: its signer, start-up calls, pagers, statuses and loops.

Spec: clients.md sections 1 and 2, api-iam.md section 3.
"""

import datetime
import gzip
import hashlib
import hmac
import http.client
import json
import time
import urllib.parse

USER_AGENT = "terraform-provider-iac golangsdk/2.0.0"
# clients 2.1: what a call accepts unless it says otherwise.
ACCEPTED = {"GET": (200,), "POST": (200, 201, 202), "PUT": (200, 201, 202),
            "PATCH": (200, 202, 204), "DELETE": (200, 202, 204)}
PAGE_ACCEPTED = (200, 202, 204, 300)
# Rounds after which a loop that does not end is taken for endless; the provider gives up after minutes.
ROUNDS = 1000


class Refused(Exception):
    """An answer with a status that the call does not accept."""

    def __init__(self, method, url, status, body):
        super().__init__(f"{method} {url}: {status} {body}")
        self.status, self.body = status, body


def encode(text):
    """Percent-encodes as signatures want it."""
    return urllib.parse.quote(text, safe="-_.~")


def canonical_request(method, path, query, headers, body):
    """api-iam 3.3 for these signed headers. `path` and `query` are as they go over the wire."""
    segments = urllib.parse.unquote(path).split("/")
    uri = "/".join(encode(segment) for segment in segments)
    uri = uri if uri.endswith("/") else uri + "/"
    pairs = sorted(urllib.parse.parse_qsl(query, keep_blank_values=True))
    signed = sorted((name.lower(), value.strip()) for name, value in headers.items())
    return "\n".join([
        method, uri, "&".join(f"{encode(name)}={encode(value)}" for name, value in pairs),
        "".join(f"{name}:{value}\n" for name, value in signed), ";".join(name for name, _ in signed),
        hashlib.sha256(body).hexdigest()])


def authorization(canonical, signed_headers, date, access, secret):
    """The header for a canonical request (api-iam 3.4)."""
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"SDK-HMAC-SHA256\n{date}\n{digest}"
    signature = hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    return f"SDK-HMAC-SHA256 Access={access}, SignedHeaders={signed_headers}, Signature={signature}"


def sign(method, path, query, headers, body, access, secret):
    """Signs the given headers: neither Host nor the project, which the provider adds afterwards."""
    names = ";".join(sorted(name.lower() for name in headers))
    canonical = canonical_request(method, path, query, headers, body)
    return authorization(canonical, names, headers["X-Sdk-Date"], access, secret)


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")


class Answer:
    """Status, headers and JSON of an answer."""

    def __init__(self, status, headers, text):
        self.status, self.headers, self.text = status, headers, text

    @property
    def json(self):
        return json.loads(self.text)


class Provider:
    """A configured provider. After `start` it knows its project and domain."""

    def __init__(self, server, *, region, access_key=None, secret_key=None, user_name=None, password=None, token=None,
                 project_id=None, domain_name=None, domain_id=None):
        self.server, self.region = server, region
        self.access_key, self.secret_key = access_key, secret_key
        self.user_name, self.password, self.token = user_name, password, token
        self.project_id, self.domain_name, self.domain_id = project_id, domain_name, domain_id
        self.user_id = None
        # Seconds between the rounds of a loop; the provider waits 3 to 8 s.
        self.delay = 0.01
        # (method, path) of every call, in order.
        self.calls = []

    @classmethod
    def of(cls, server, account):
        """With the access key and the project of an account."""
        provider = cls(server, region="region-1", access_key=account.access, secret_key=account.secret,
                       project_id=account.project, domain_id=account.domain.id)
        provider.account = account
        return provider

    # Addresses of the services (clients 1.1).
    def auth(self, path):
        return f"/v3/{path}"

    def v1(self, path):
        return f"/v1/{self.project_id}/{path}"

    def v2(self, path):
        return f"/v2.0/{path}"

    def v2_tags(self, path):
        return f"/v2.0/{self.project_id}/{path}"

    def v3(self, path):
        return f"/v3/{self.project_id}/{path}"

    def start(self):
        """The calls of clients 1.2 for the way of authentication that is configured."""
        if self.access_key:
            if not self.project_id:
                projects = self.get(self.auth(f"projects?name={self.region}"))["projects"]
                assert len(projects) == 1, projects
                self.project_id = projects[0]["id"]
        else:
            scope = {"project": {"id": self.project_id}} if self.project_id else {
                "project": {"name": self.region, "domain": self._domain()}}
            token, project_scoped = self._token(scope)
            _, domain_scoped = self._token({"domain": self._domain()})
            assert "project" not in domain_scoped, domain_scoped
            self.token = token
            self.project_id = project_scoped["project"]["id"]
            self.domain_id = project_scoped["project"]["domain"]["id"]
        domains = self.get(self.auth("auth/domains"))["domains"]
        assert len(domains) == 1, domains
        self.domain_id = self.domain_id or domains[0]["id"]
        if self.user_name:
            users = self.get(self.auth(f"users?name={self.user_name}"))["users"]
            assert len(users) == 1, users
            self.user_id = users[0]["id"]
        return self

    def _domain(self):
        return {"id": self.domain_id} if self.domain_id else {"name": self.domain_name}

    def _token(self, scope):
        """POST /v3/auth/tokens without credentials in headers: token and what it says."""
        if self.token:
            identity = {"methods": ["token"], "token": {"id": self.token}}
        else:
            user = {"name": self.user_name, "password": self.password, "domain": {"name": self.domain_name}}
            identity = {"methods": ["password"], "password": {"user": user}}
        answer = self.request("POST", self.auth("auth/tokens"), {"auth": {"identity": identity, "scope": scope}},
                              ok=(201,), anonymous=True)
        token = answer.json["token"]
        # The provider parses it strictly.
        datetime.datetime.fromisoformat(token["expires_at"])
        return answer.headers["X-Subject-Token"], token

    def send(self, method, url, body=None, headers=None, anonymous=False):
        """One request as the provider sends it; whatever status comes back."""
        path, _, query = url.partition("?")
        data = b"" if body is None else (json.dumps(body, separators=(",", ":")) + "\n").encode()
        signed = {"Accept": "application/json", "User-Agent": USER_AGENT, **(headers or {})}
        if data:
            signed["Content-Type"] = "application/json"
        unsigned = {"Accept-Encoding": "gzip"}
        if anonymous:
            pass
        elif self.token:
            signed["X-Auth-Token"] = self.token
        else:
            signed["X-Sdk-Date"] = now()
            unsigned["Authorization"] = sign(method, path, query, signed, data, self.access_key, self.secret_key)
        if self.project_id:
            unsigned["X-Project-Id"] = self.project_id
        self.calls.append((method, path))
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        try:
            connection.putrequest(method, url, skip_host="Host" in signed, skip_accept_encoding=True)
            for name, value in {**signed, **unsigned}.items():
                connection.putheader(name, value)
            if data:
                connection.putheader("Content-Length", str(len(data)))
            connection.endheaders(data or None)
            response = connection.getresponse()
            raw = response.read()
        finally:
            connection.close()
        if response.headers.get("Content-Encoding") == "gzip":
            raw = gzip.decompress(raw)
        return Answer(response.status, response.headers, raw.decode())

    def request(self, method, url, body=None, ok=None, headers=None, anonymous=False):
        """A request whose status has to be one of those that the call accepts."""
        answer = self.send(method, url, body, headers, anonymous)
        if answer.status not in (ok or ACCEPTED[method]):
            raise Refused(method, url, answer.status, answer.text)
        return answer

    def get(self, url, ok=None, headers=None, anonymous=False):
        return self.request("GET", url, ok=ok, headers=headers, anonymous=anonymous).json

    def post(self, url, body, ok=None):
        text = self.request("POST", url, body, ok).text
        return json.loads(text) if text else None

    def put(self, url, body=None, ok=None):
        text = self.request("PUT", url, body, ok).text
        return json.loads(text) if text else None

    def delete(self, url, ok=None):
        self.request("DELETE", url, ok=ok)

    def status(self, method, url, body=None):
        """The status alone."""
        return self.send(method, url, body).status

    # Pagers (clients 3.3, 3.4, 3.7, 3.10).
    def page(self, url):
        answer = self.request("GET", url, ok=PAGE_ACCEPTED)
        assert answer.headers["Content-Type"].startswith("application/json"), answer.headers["Content-Type"]
        return answer.json

    def all_by_marker(self, url, key):
        """marker = id of the last item, until a page is empty."""
        return self._pages(url, key, lambda page, items: items and {"marker": items[-1]["id"]})

    def all_by_next_marker(self, url, key):
        """marker = page_info.next_marker, until it is absent."""
        def following(page, items):
            marker = page["page_info"].get("next_marker")
            return marker and {"marker": marker}
        return self._pages(url, key, following)

    def all_by_offset(self, url, key):
        """Growing offset, until a page is empty."""
        seen = []

        def following(page, items):
            seen.extend(items)
            return items and {"offset": len(seen), "limit": len(items)}
        return self._pages(url, key, following)

    def all_by_link(self, url, key):
        """The link whose rel is next, until there is none."""
        items, rounds = [], 0
        while url:
            page = self.page(url)
            items += page[key]
            links = [link["href"] for link in page.get(f"{key}_links", []) if link["rel"] == "next"]
            parts = urllib.parse.urlsplit(links[0]) if links else None
            url = f"{parts.path}?{parts.query}" if parts else None
            rounds += 1
            assert rounds < ROUNDS, "the links never end"
        return items

    def _pages(self, url, key, following):
        separator = "&" if "?" in url else "?"
        items, extra = [], {}
        for _ in range(ROUNDS):
            page = self.page(url + (separator + urllib.parse.urlencode(extra) if extra else ""))
            items += page[key]
            extra = following(page, page[key])
            if not extra:
                return items
        raise AssertionError(f"{url}: the pages never end")

    # Loops (clients 2.3).
    def wait(self, refresh, pending, target):
        """Polls until the state is one of the target's; a state that is neither is an error."""
        for _ in range(ROUNDS):
            state = refresh()
            if state in target:
                return state
            assert state in pending, state
            time.sleep(self.delay)
        raise AssertionError(f"never {target}")

    def gone(self, get, delete, *, done=(404,), retry=(409,), read_retry=()):
        """GET, then DELETE, on every round until one of them says that the object is gone."""
        for _ in range(ROUNDS):
            try:
                self.get(get)
                self.delete(delete)
            except Refused as refusal:
                reading = str(refusal).startswith("GET")
                if refusal.status in ((404,) if reading else done):
                    return
                if refusal.status not in (read_retry if reading else retry):
                    raise
            time.sleep(self.delay)
        raise AssertionError(f"{delete}: never gone")
