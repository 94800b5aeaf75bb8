"""Security groups and their rules, by OpenStack's own commands."""

import pytest

from shell import Refused, fields


def test_a_group_from_beginning_to_end(account):
    made = account.run("security group create", "web", "--description", "front")
    assert (made["name"], made["description"], made["project_id"]) == ("web", "front", account.project)
    # Each group begins with what lets servers of it talk, out and to each other (api-vpc §8).
    rules = account.run("security group show", "web")["rules"]
    assert {rule["direction"] for rule in rules} == {"egress", "ingress"}
    assert {row.name for row in fields(account.run("security group list"))} == {"default", "web"}
    account.run.text("security group set", "web", "--name", "www", "--description", "changed")
    shown = account.run("security group show", "www")
    assert (shown["id"], shown["description"]) == (made["id"], "changed")
    account.run.text("security group delete", "www")
    assert [row.name for row in fields(account.run("security group list"))] == ["default"]
    with pytest.raises(Refused, match="(?i)no .*found for www"):
        account.run("security group show", "www")
    with pytest.raises(Refused, match="1 of 1 groups failed"):
        account.run.text("security group delete", "www")


def test_rules_from_beginning_to_end(account):
    account.run("security group create", "web")
    https = account.run("security group rule create", "web", "--protocol", "tcp", "--dst-port", "443",
                        "--remote-ip", "192.0.2.0/24", "--description", "https")
    assert (https["direction"], https["protocol"], https["remote_ip_prefix"]) == ("ingress", "tcp", "192.0.2.0/24")
    assert (https["port_range_min"], https["port_range_max"], https["ether_type"]) == (443, 443, "IPv4")
    inside = account.run("security group rule create", "web", "--protocol", "icmp", "--remote-group", "web")
    assert inside["remote_group_id"] == inside["security_group_id"]
    out = account.run("security group rule create", "web", "--egress", "--ethertype", "IPv6", "--protocol", "udp",
                      "--dst-port", "5000:6000", "--remote-ip", "2001:db8::/32")
    assert (out["direction"], out["port_range_min"], out["port_range_max"]) == ("egress", 5000, 6000)

    listed = {row.id: row for row in fields(account.run("security group rule list", "web"))}
    assert {https["id"], inside["id"], out["id"]} <= set(listed)
    assert listed[https["id"]].port_range == "443:443"
    ingress = {row.id for row in fields(account.run("security group rule list", "web", "--ingress"))}
    assert https["id"] in ingress and out["id"] not in ingress
    udp = [row.id for row in fields(account.run("security group rule list", "web", "--protocol", "udp"))]
    assert udp == [out["id"]]
    assert account.run("security group rule show", https["id"])["description"] == "https"
    account.run.text("security group rule delete", https["id"], inside["id"])
    assert {https["id"], inside["id"]}.isdisjoint(
        row.id for row in fields(account.run("security group rule list", "web")))
    with pytest.raises(Refused, match="1 of 1 rules failed"):
        account.run.text("security group rule delete", https["id"])
    with pytest.raises(Refused, match="already has this rule"):
        for _ in range(2):
            account.run("security group rule create", "web", "--protocol", "tcp", "--dst-port", "80")
