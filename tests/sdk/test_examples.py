"""The examples of the README work as printed, each against a server of its own."""

import json
import pathlib
import re
import subprocess
import sys

import hcl2
import huaweicloudsdkvpc.v2 as v2
import pytest

import cloud

ROOT = pathlib.Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"


@pytest.fixture
def fresh(recorder):
    """The first account of a server that has just started, and its `credentials.json`."""
    server = cloud.Server()
    try:
        yield cloud.operator(server, recorder), server.data / "credentials.json"
    finally:
        server.stop()


def routes(account):
    """Routes to peerings: VPC name, destination, name of the peering."""
    vpcs = {vpc.id: vpc.name for vpc in account.vpc.list_vpcs(v2.ListVpcsRequest()).vpcs}
    peerings = {peering.id: peering for peering in account.vpc.list_vpc_peerings(v2.ListVpcPeeringsRequest()).peerings}
    assert {peering.status for peering in peerings.values()} == {"ACTIVE"}
    found = account.vpc.list_vpc_routes(v2.ListVpcRoutesRequest()).routes
    return sorted((vpcs[route.vpc_id], route.destination, peerings[route.nexthop].name) for route in found)


def test_the_python_example_runs_as_it_is(fresh):
    account, credentials = fresh
    done = subprocess.run([sys.executable, EXAMPLES / "sdk.py", credentials], capture_output=True, text=True,
                          timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "sdk-a 172.18.0.0/16 reaches 172.19.0.0/16 by sdk-a-b, which is ACTIVE",
        "sdk-b 172.19.0.0/16 reaches 172.18.0.0/16 by sdk-a-b, which is ACTIVE",
    ]
    assert routes(account) == [("sdk-a", "172.19.0.0/16", "sdk-a-b"), ("sdk-b", "172.18.0.0/16", "sdk-a-b")]


class Configuration:
    """A Terraform file, as far as its expressions are references and texts with references in them."""

    def __init__(self, path, credentials):
        self.file = hcl2.loads(path.read_text())
        (server,) = [local["server"] for local in self.file["locals"]]
        assert server == "${jsondecode(file(var.credentials))}"
        self.known = {"local": {"server": json.loads(credentials.read_text())}}

    def blocks(self, kind):
        """(labels, arguments) of each block of a kind."""
        for block in self.file[kind]:
            labels = []
            while not block.get("__is_block__"):
                ((label, block),) = block.items()
                labels.append(label.strip('"'))
            yield tuple(labels), {name: value for name, value in block.items() if not name.startswith("__")}

    def value(self, expression):
        """What an argument is. KeyError: it refers to what is not made yet."""
        if isinstance(expression, dict):
            return {name: self.value(value) for name, value in expression.items() if not name.startswith("__")}
        if not isinstance(expression, str):
            return expression
        return re.sub(r"\$\{([^}]*)\}", lambda found: self.reference(found[1]), expression.strip('"'))

    def reference(self, path):
        value = self.known
        for name in path.split("."):
            value = value[name]
        return value


class Provider:
    """What the Terraform provider asks for to make a resource (clients §3), each call with its own statuses."""

    def __init__(self, account, arguments):
        base = account.server.endpoint
        assert set(arguments["endpoints"].values()) == {base}
        assert {"iam", "vpc"} <= set(arguments["endpoints"])
        assert arguments["auth_url"] == f"{base}/v3"
        assert (arguments["access_key"], arguments["secret_key"]) == (account.access, account.secret)
        # The provider would ask the public cloud who the customer is.
        assert arguments["cloud"] != "myhuaweicloud.com"
        self._call = account.call
        # Clients §1.2: the project has the region's name, the account is the only one.
        (project,) = self._call("GET", f"/v3/projects?name={arguments['region']}")["projects"]
        (domain,) = self._call("GET", "/v3/auth/domains")["domains"]
        assert domain["id"] == account.domain.id
        self._project = project["id"]

    def make(self, kind, arguments):
        """Makes a resource; its attributes."""
        return getattr(self, kind.removeprefix("huaweicloud_"))(dict(arguments))

    def vpc(self, arguments):
        made = self._call("POST", f"/v1/{self._project}/vpcs", {"vpc": arguments})["vpc"]
        read = self._call("GET", f"/v1/{self._project}/vpcs/{made['id']}")["vpc"]
        assert read["status"] == "OK"
        assert self._call("GET", f"/v3/{self._project}/vpc/vpcs/{made['id']}")["vpc"]["extend_cidrs"] == []
        return read

    def vpc_subnet(self, arguments):
        body = {**arguments, "dhcp_enable": True, "ipv6_enable": False}
        made = self._call("POST", f"/v1/{self._project}/subnets", {"subnet": body})["subnet"]
        read = self._call("GET", f"/v1/{self._project}/subnets/{made['id']}")["subnet"]
        assert read["status"] == "ACTIVE"
        assert {name: read[name] for name in arguments} == arguments
        return read

    def vpc_peering_connection(self, arguments):
        body = {"name": arguments["name"], "request_vpc_info": {"vpc_id": arguments["vpc_id"]},
                "accept_vpc_info": {"vpc_id": arguments["peer_vpc_id"]}}
        made = self._call("POST", "/v2.0/vpc/peerings", {"peering": body})["peering"]
        return self._call("GET", f"/v2.0/vpc/peerings/{made['id']}")["peering"]

    def vpc_route(self, arguments):
        vpc = arguments.pop("vpc_id")
        tables = self._call("GET", f"/v1/{self._project}/routetables?vpc_id={vpc}")["routetables"]
        (table,) = [table["id"] for table in tables if table["default"]]
        path = f"/v1/{self._project}/routetables/{table}"
        self._call("PUT", path, {"routetable": {"routes": {"add": [{**arguments, "description": ""}]}}})
        (route,) = [route for route in self._call("GET", path)["routetable"]["routes"]
                    if route["destination"] == arguments["destination"]]
        assert (route["type"], route["nexthop"]) == (arguments["type"], arguments["nexthop"])
        return {"id": f"{table}/{route['destination']}"}


def test_the_terraform_example_asks_for_what_the_server_makes(fresh):
    """Terraform is not here to run: its calls are replayed, in the order that the references say."""
    account, credentials = fresh
    configuration = Configuration(EXAMPLES / "terraform/main.tf", credentials)
    ((name,), arguments), = configuration.blocks("provider")
    assert name == "huaweicloud"
    provider = Provider(account, configuration.value(arguments))
    waiting = dict(configuration.blocks("resource"))
    while waiting:
        made = {}
        for (kind, label), arguments in waiting.items():
            try:
                values = configuration.value(arguments)
            except KeyError:
                continue
            made[kind, label] = provider.make(kind, values)
        assert made, f"nothing makes what these refer to: {list(waiting)}"
        for kind, label in made:
            configuration.known.setdefault(kind, {})[label] = made[kind, label]
            del waiting[kind, label]
    assert routes(account) == [("tf-a", "172.21.0.0/16", "tf-a-b"), ("tf-b", "172.20.0.0/16", "tf-a-b")]
    ((_, output),) = configuration.blocks("output")
    assert configuration.value(output["value"]) == "ACTIVE"


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
@pytest.mark.parametrize("example", ["sdk.py", "terraform/main.tf"])
def test_the_readme_shows_the_examples(readme, example):
    text = (ROOT / readme).read_text()
    assert f"```{'python' if example.endswith('.py') else 'hcl'}\n{(EXAMPLES / example).read_text()}```" in text
