"""Ports, by OpenStack's own commands."""

import pytest

from shell import Refused, fields


def test_a_port_is_listed_shown_changed_and_deleted(account, sdk):
    vpc = sdk.create_vpc(name="one", cidr="10.0.0.0/16")
    subnet = sdk.create_subnet(name="s", cidr="10.0.1.0/24", gateway_ip="10.0.1.1", vpc_id=vpc.id)
    network = account.service("network")
    port = network.create_port(network_id=subnet.id, name="nic", fixed_ips=[{"ip_address": "10.0.1.9"}])
    assert port.fixed_ips == [{"subnet_id": subnet.neutron_subnet_id, "ip_address": "10.0.1.9"}]

    listed = fields(account.run("port list"))
    assert [(row.id, row.name, row.mac_address) for row in listed] == [(port.id, "nic", port.mac_address)]
    group = account.run("security group create", "web")["id"]
    account.run.text("port set", "nic", "--name", "card", "--security-group", "web",
                     "--allowed-address", "ip-address=10.0.1.77")
    shown = account.run("port show", "card")
    assert (shown["id"], shown["admin_state_up"], shown["network_id"]) == (port.id, True, subnet.id)
    assert group in shown["security_group_ids"]
    assert [pair["ip_address"] for pair in shown["allowed_address_pairs"]] == ["10.0.1.77"]
    account.run.text("port unset", "card", "--security-group", "web")
    assert group not in account.run("port show", "card")["security_group_ids"]
    account.run.text("port delete", "card")
    assert account.run("port list") == []
    with pytest.raises(Refused, match="1 of 1 ports failed"):
        account.run.text("port delete", "card")


def test_extensions_are_told(account):
    aliases = {row.alias for row in fields(account.run("extension list", "--network"))}
    assert aliases == {"allowed-address-pairs", "binding", "extra_dhcp_opt", "fwaas_v2", "network-ip-availability",
                       "port-security", "router", "security-group"}
    assert account.run("extension show", "security-group")["alias"] == "security-group"
    with pytest.raises(Refused, match="(?i)no extension"):
        account.run("extension show", "qos")
