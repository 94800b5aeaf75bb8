"""A running server, for the tests with official clients."""

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time

import urllib3.util.connection

BINARY = pathlib.Path(os.environ.get("CAUSEWAY_BIN") or
                      pathlib.Path(__file__).resolve().parents[1] / "target/debug/causeway").resolve()
# The default domain of host names. No name server knows it: tests resolve its names to this machine themselves.
DOMAIN = "cloud.example"
START_LIMIT = 30.0
STOP_LIMIT = 20.0
REGION, OTHER_REGION = "region-1", "region-2"


class Server:
    """`causeway serve` with the simulated data plane and a data folder of its own, plain and over TLS."""

    def __init__(self, *arguments):
        self._folder = tempfile.TemporaryDirectory(prefix="causeway-clients-")
        self.data = pathlib.Path(self._folder.name) / "data"
        self._log_path = pathlib.Path(self._folder.name) / "log"
        with open(self._log_path, "wb") as log:
            self._process = subprocess.Popen(
                [BINARY, "serve", "--data", self.data, "--listen", "127.0.0.1:0", "--datapath", "sim",
                 "--tls-auto", "--tls-listen", "127.0.0.1:0", *arguments],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                # The mark that leads commands to a running server goes into the folder as well.
                env={**os.environ, "CAUSEWAY_RUN": str(pathlib.Path(self._folder.name) / "run")})
        self.credentials = self._wait()
        self.endpoint = self.credentials["endpoint"]
        self.port = int(self.endpoint.rsplit(":", 1)[1])
        self.tls_endpoint = self.credentials["tls"]["endpoint"]
        self.tls_port = int(self.tls_endpoint.rsplit(":", 1)[1])
        self.ca_file = self.credentials["tls"]["ca_file"]

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

    def host(self, service, region=None, tls=False):
        """The base address of a service by name, as `iam.region-1.<domain>`."""
        scheme, port = ("https", self.tls_port) if tls else ("http", self.port)
        return f"{scheme}://{'.'.join(filter(None, [service, region, DOMAIN]))}:{port}"

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
