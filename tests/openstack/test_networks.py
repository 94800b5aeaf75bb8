"""Networks, subnets and routers, by OpenStack's own commands (api-vpc §5.6): views of subnets and VPCs."""

import pytest

from server import OTHER_REGION, REGION
from shell import Refused, fields


def network(account, name="net", cidr="10.0.1.0/24", subnet="sub", *arguments):
    """A network with a subnet, on no router."""
    made = account.run("network create", name)
    return made, account.run("subnet create", subnet, "--network", name, "--subnet-range", cidr, *arguments)


def test_a_network_from_beginning_to_end(account):
    made = account.run("network create", "net")
    assert (made["name"], made["status"], made["project_id"]) == ("net", "ACTIVE", account.project)
    assert (made["router:external"], made["shared"], made["subnets"]) == (False, False, [])
    listed = fields(account.run("network list"))
    assert [(row.id, row.name, row.subnets) for row in listed] == [(made["id"], "net", [])]
    account.run.text("network set", "net", "--name", "web")
    shown = account.run("network show", "web")
    assert (shown["id"], shown["admin_state_up"], shown["port_security_enabled"]) == (made["id"], True, True)
    account.run.text("network delete", "web")
    assert account.run("network list") == []
    with pytest.raises(Refused, match="1 of 1 networks failed"):
        account.run.text("network delete", "web")


def test_a_subnet_from_beginning_to_end(account):
    net, made = network(account, "net", "10.0.1.0/24", "sub", "--dns-nameserver", "10.0.0.53")
    assert (made["network_id"], made["cidr"], made["gateway_ip"]) == (net["id"], "10.0.1.0/24", "10.0.1.1")
    assert (made["ip_version"], made["enable_dhcp"], made["dns_nameservers"]) == (4, True, ["10.0.0.53"])
    listed = fields(account.run("subnet list"))
    assert [(row.id, row.name, row.network, row.subnet) for row in listed] == [
        (made["id"], "sub", net["id"], "10.0.1.0/24")]
    assert account.run("network show", "net")["subnets"] == [made["id"]]
    account.run.text("subnet set", "sub", "--dns-nameserver", "10.0.0.54")
    shown = account.run("subnet show", "sub")
    assert shown["id"] == made["id"] and sorted(shown["dns_nameservers"]) == ["10.0.0.53", "10.0.0.54"]
    account.run.text("subnet delete", "sub")
    assert account.run("subnet list") == []
    account.run.text("network delete", "net")


def test_a_router_makes_a_network_a_subnet_of_a_vpc(account, sdk):
    net, sub = network(account)
    router = account.run("router create", "router")
    assert (router["name"], router["status"], router["project_id"]) == ("router", "ACTIVE", account.project)
    assert [(row.id, row.name) for row in fields(account.run("router list"))] == [(router["id"], "router")]
    assert [(vpc.id, vpc.name, vpc.cidr) for vpc in sdk.vpcs()] == [(router["id"], "router", "")]
    assert list(sdk.subnets(vpc_id=router["id"])) == []

    account.run.text("router add subnet", "router", "sub")
    [subnet] = sdk.subnets(vpc_id=router["id"])
    assert (subnet.id, subnet.neutron_subnet_id, subnet.cidr) == (net["id"], sub["id"], "10.0.1.0/24")
    [interface] = account.run("router show", "router")["interfaces_info"]
    assert (interface["subnet_id"], interface["ip_address"]) == (sub["id"], "10.0.1.1")
    with pytest.raises(Refused, match="1 of 1 networks failed"):
        account.run.text("network delete", "net")
    with pytest.raises(Refused, match="1 of 1 routers failed"):
        account.run.text("router delete", "router")

    account.run.text("router set", "router", "--name", "hub")
    assert sdk.get_vpc(router["id"]).name == "hub"
    account.run.text("router remove subnet", "hub", "sub")
    assert list(sdk.subnets(vpc_id=router["id"])) == []
    assert account.run("network show", "net")["id"] == net["id"]
    account.run.text("router delete", "hub")
    account.run.text("network delete", "net")
    assert (account.run("router list"), account.run("network list")) == ([], [])


def test_a_subnet_of_a_vpc_is_a_network(account, sdk):
    vpc = sdk.create_vpc(name="one", cidr="10.0.0.0/16")
    subnet = sdk.create_subnet(name="s", cidr="10.0.1.0/24", gateway_ip="10.0.1.1", vpc_id=vpc.id)
    [row] = fields(account.run("network list"))
    assert (row.id, row.name, row.subnets) == (subnet.id, "s", [subnet.neutron_subnet_id])
    shown = account.run("subnet show", subnet.neutron_subnet_id)
    assert (shown["cidr"], shown["gateway_ip"], shown["network_id"]) == ("10.0.1.0/24", "10.0.1.1", subnet.id)
    [interface] = account.run("router show", "one")["interfaces_info"]
    assert interface["subnet_id"] == subnet.neutron_subnet_id


def test_ports_are_made_on_networks_of_routers(account):
    net, sub = network(account)
    account.run.text("router create", "router")
    account.run.text("router add subnet", "router", "sub")
    port = account.run("port create", "nic", "--network", "net", "--fixed-ip", "subnet=sub,ip-address=10.0.1.9")
    assert (port["name"], port["network_id"], port["admin_state_up"]) == ("nic", net["id"], True)
    assert port["fixed_ips"] == [{"subnet_id": sub["id"], "ip_address": "10.0.1.9"}]
    assert port["id"] in {row.id for row in fields(account.run("port list", "--network", "net"))}
    assert [row.name for row in fields(account.run("port list", "--fixed-ip", "ip-address=10.0.1.9"))] == ["nic"]
    other = account.run("network create", "other")
    assert account.run("port list", "--network", other["id"]) == []
    with pytest.raises(Refused, match="10.0.1.9"):
        account.run("port create", "second", "--network", "net", "--fixed-ip", "subnet=sub,ip-address=10.0.1.9")
    with pytest.raises(Refused, match="in use by .*10.0.1.9"):
        account.run.text("router remove subnet", "router", "sub")
    account.run.text("port delete", "nic")
    account.run.text("router remove subnet", "router", "sub")


def test_one_account_sees_no_networks_of_another(account, other):
    net, sub = network(account)
    account.run.text("router create", "router")
    for kind in ("network", "subnet", "router"):
        assert other.run(f"{kind} list") == []
    for kind, found in (("network", net["id"]), ("subnet", sub["id"])):
        with pytest.raises(Refused, match="(?i)no .*found"):
            other.run(f"{kind} show", found)
        with pytest.raises(Refused, match="1 of 1"):
            other.run.text(f"{kind} delete", found)
        assert account.run(f"{kind} show", found)["id"] == found


def test_what_is_not_served_is_refused_in_words(account):
    for arguments, text in [
        (["network create", "net", "--external"], "router:external can only be false"),
        (["network create", "net", "--share"], "shared can only be false"),
        (["network create", "net", "--disable"], "admin_state_up can only be true"),
        (["network create", "net", "--disable-port-security"], "port_security_enabled can only be true"),
        (["router create", "router", "--disable"], "admin_state_up can only be true"),
    ]:
        with pytest.raises(Refused, match=text):
            account.run(*arguments)
    assert (account.run("network list"), account.run("router list")) == ([], [])


def test_services_and_endpoints_are_listed(account, server):
    services = {row.type: row for row in fields(account.run("service list"))}
    assert {"identity", "vpc", "network"} <= set(services)
    endpoints = [row for row in fields(account.run("endpoint list")) if row.service_type == "network"]
    assert {(row.region, row.interface) for row in endpoints} == {(REGION, "public"), (OTHER_REGION, "public")}
    assert {row.url for row in endpoints} == {f"{server.endpoint}/v2.0"}
