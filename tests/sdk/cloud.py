"""A running server, its accounts, and the SDK's clients for them."""

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time
from types import SimpleNamespace

import huaweicloudsdkiam.v3 as iam
import huaweicloudsdkvpc.v2 as vpc
import huaweicloudsdkvpc.v3 as vpc3
import urllib3.util.connection
from huaweicloudsdkcore.auth.credentials import BasicCredentials, GlobalCredentials
from huaweicloudsdkcore.sdk_request import SdkRequest

BINARY = pathlib.Path(os.environ.get("CAUSEWAY_BIN") or
                      pathlib.Path(__file__).parents[2] / "target/debug/causeway").resolve()
# Names below this domain are this machine: they stand for the host names of services and regions.
DOMAIN = "cloud.test"
START_LIMIT = 30.0
STOP_LIMIT = 20.0
REGION, OTHER_REGION = "region-1", "region-2"


class Server:
    """`causeway serve` with the simulated data plane and a data folder of its own."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="causeway-sdk-")
        self.data = pathlib.Path(self._folder.name) / "data"
        self._log_path = pathlib.Path(self._folder.name) / "log"
        with open(self._log_path, "wb") as log:
            self._process = subprocess.Popen(
                [BINARY, "serve", "--data", self.data, "--listen", "127.0.0.1:0", "--datapath", "sim"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                # The mark that leads commands to a running server goes into the folder as well.
                env={**os.environ, "CAUSEWAY_RUN": str(pathlib.Path(self._folder.name) / "run")})
        self.credentials = self._wait()
        self.endpoint = self.credentials["endpoint"]
        self.port = int(self.endpoint.rsplit(":", 1)[1])

    def _wait(self):
        deadline = time.monotonic() + START_LIMIT
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise RuntimeError(f"{BINARY} ended with {self._process.returncode}:\n{self.log()}")
            with contextlib.suppress(OSError, ValueError):
                credentials = json.loads((self.data / "credentials.json").read_text())
                address, port = credentials["endpoint"].removeprefix("http://").rsplit(":", 1)
                socket.create_connection((address, int(port)), timeout=1).close()
                return credentials
            time.sleep(0.02)
        self.stop()
        raise RuntimeError(f"no answer within {START_LIMIT} s:\n{self.log()}")

    def log(self):
        """What the server has written."""
        return self._log_path.read_text(errors="replace")

    def host(self, service, region=None):
        """The base address of a service by name, as `iam.region-1.<domain>`."""
        return f"http://{'.'.join(filter(None, [service, region, DOMAIN]))}:{self.port}"

    def stop(self):
        """Ends the server and says how it ended."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_LIMIT)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._folder.cleanup()
        return self._process.returncode


class Account:
    """An account with its keys, and clients that call as it."""

    def __init__(self, server, recorder, *, domain, user, password, access, secret, projects):
        self.server, self.recorder = server, recorder
        self.domain, self.user, self.password = domain, user, password
        self.access, self.secret = access, secret
        self.projects = projects
        self.project = projects[REGION]
        self.vpc = self.client(vpc.VpcClient)
        self.vpc3 = self.client(vpc3.VpcClient)
        self.iam = self.client(iam.IamClient, GlobalCredentials(access, secret, domain.id))

    def basic(self, region=REGION):
        """Credentials of this account's project in a region."""
        return BasicCredentials(self.access, self.secret, self.projects[region])

    def client(self, kind, credentials=None, endpoint=None, region=None):
        """A client that the recorder watches."""
        builder = kind.new_builder().with_credentials(credentials or self.basic())
        builder = builder.with_region(region) if region else builder.with_endpoint(endpoint or self.server.endpoint)
        return self.recorder.watch(builder.build())

    def call(self, method, path, body=None):
        """A call that the SDK has no method for, signed by the SDK's signer."""
        text = "" if body is None else json.dumps(body)
        request = SdkRequest(method=method, schema="http", host=self.server.endpoint.removeprefix("http://"),
                             resource_path=path, query_params=[], body=text, stream=False,
                             header_params={"Content-Type": "application/json"})
        http = self.vpc.get_http_client()
        request = self.basic().process_auth_request(request, http).result()
        return json.loads(http.do_request_sync(request).content or "null")

    def create_account(self, name):
        """A new account; this one must be the operator's."""
        made = self.call("POST", "/causeway/v1/accounts", {"name": name})
        return Account(
            self.server, self.recorder,
            domain=named(made["account"]), user=named(made["user"]), password=made["user"]["password"],
            access=made["access_key"]["access"], secret=made["access_key"]["secret"],
            projects={project["name"]: project["id"] for project in made["projects"]})


def named(value):
    """An id and its name."""
    return SimpleNamespace(id=value["id"], name=value["name"])


def operator(server, recorder):
    """The account of `credentials.json`."""
    known = server.credentials
    return Account(
        server, recorder,
        domain=named(known["domain"]), user=named(known["user"]), password=known["password"],
        access=known["access_key"], secret=known["secret_key"],
        projects={project["region"]: project["id"] for project in known["projects"]})


@contextlib.contextmanager
def names_resolved():
    """Resolves every name below `DOMAIN` to this machine, without a name server."""
    original = urllib3.util.connection.create_connection

    def connect(address, *arguments, **named_arguments):
        host, port = address
        if host.endswith("." + DOMAIN):
            host = "127.0.0.1"
        return original((host, port), *arguments, **named_arguments)

    urllib3.util.connection.create_connection = connect
    try:
        yield
    finally:
        urllib3.util.connection.create_connection = original
