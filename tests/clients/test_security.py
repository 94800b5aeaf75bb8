"""Security groups, rules, address groups, network ACLs and their data sources (clients 3.8, 3.10)."""

import pytest

import scene
from lifecycle import create, destroy, life
from security import AddressGroup, NetworkAcl, SecurityGroup, SecurityGroupRule, rules_of
from scene import refused
from test_vpc import by_tags


@pytest.fixture
def group(tf):
    return create(tf, SecurityGroup(), name="secgroup", description="for the rules")[0]


def test_a_group(tf):
    state = life(tf, SecurityGroup(), {"name": "secgroup-a", "description": "security group acceptance test"},
                 {"name": "secgroup-b", "description": "security group acceptance test updated"},
                 {"name": "secgroup-b", "description": ""})
    assert len(state["rules"]) == 4 and state["enterprise_project_id"] == "0"
    assert state["created_at"].endswith("Z")


def test_a_group_without_default_rules(tf):
    state = life(tf, SecurityGroup(), {"name": "secgroup-a", "description": "bare", "delete_default_rules": True})
    assert state["rules"] == []


def test_a_group_where_v3_is_missing(tf):
    """The provider's way back when v3 answers 404: v1, and v2.0 for the description."""
    group = tf.post(tf.v1("security-groups"), {"security_group": {"name": "secgroup-a"}}, ok=(200,))["security_group"]
    assert len(group["security_group_rules"]) == 4
    tf.put(tf.v2(f"security-groups/{group['id']}"), {"security_group": {"name": "secgroup-a", "description": "x"}},
           ok=(200,))
    state = SecurityGroup().read(tf, group["id"])
    assert (state["name"], state["description"]) == ("secgroup-a", "x")
    destroy(tf, SecurityGroup(), group["id"], state)


def test_tags_of_a_group(tf):
    life(tf, SecurityGroup(), {"tags": {"foo": "bar", "key": "value"}}, {"tags": {"foo": "baz"}}, {"tags": {}},
         shared={"name": "secgroup-a"})
    group, _ = create(tf, SecurityGroup(), name="secgroup-b", tags={"env": "test"})
    by_tags(tf, "security-groups", {"env": ["test"]}, [group])


def rule(tf, group, **config):
    return life(tf, SecurityGroupRule(), {"direction": "ingress", "ethertype": "IPv4", "security_group_id": group,
                                          **config})


def test_a_rule_with_ports(tf, group):
    state = rule(tf, group, ports="80", protocol="tcp", remote_ip_prefix="0.0.0.0/0",
                 description="This is a basic acc test")
    assert (state["priority"], state["action"]) == (1, "allow")
    assert (state["port_range_min"], state["port_range_max"]) == (80, 80)


def test_a_rule_with_a_range_of_ports(tf, group):
    """Without any of the newer parameters it is made through v1."""
    state = rule(tf, group, port_range_min=80, port_range_max=80, protocol="tcp", remote_ip_prefix="0.0.0.0/0")
    assert (state["priority"], state["ports"]) == (1, "80")
    assert rule(tf, group, port_range_min=80, port_range_max=90, protocol="udp")["ports"] == "80-90"


def test_a_rule_with_neither_ports_nor_remote(tf, group):
    state = rule(tf, group, protocol="tcp")
    assert (state["priority"], state["remote_ip_prefix"], state["ports"]) == (1, "", "")
    assert (state["port_range_min"], state["port_range_max"]) == (0, 0)


def test_a_rule_for_everything(tf, group):
    assert rule(tf, group, direction="egress", description="all")["protocol"] == ""


@pytest.mark.parametrize("action, priority", [("allow", 50), ("deny", 1), ("deny", 50)])
def test_a_rule_with_action_and_priority(tf, group, action, priority):
    rule(tf, group, ports="22,80-90,443", protocol="tcp", action=action, priority=priority,
         remote_ip_prefix="10.0.0.0/8")


def test_a_rule_with_a_remote_group(tf, group):
    rule(tf, group, ports="80", protocol="tcp", remote_group_id=group)


def test_a_rule_with_a_remote_address_group(tf, group):
    ranges = ["192.168.10.12", "192.168.11.0-192.168.11.9"]
    addresses, _ = create(tf, AddressGroup(), name="addresses", addresses=ranges)
    rule(tf, group, ports="80", protocol="tcp", remote_address_group_id=addresses)


def test_icmp(tf, group):
    rule(tf, group, protocol="icmp", remote_ip_prefix="0.0.0.0/0")
    rule(tf, group, protocol="icmpv6", ethertype="IPv6", remote_ip_prefix="::/0")


def test_an_ipv6_prefix_comes_back_in_lower_case(tf, group):
    config = {"direction": "ingress", "ethertype": "IPv6", "security_group_id": group, "ports": "80",
              "protocol": "tcp"}
    identity = SecurityGroupRule().create(tf, {**config, "remote_ip_prefix": "2001:558:FC00::/39"})
    assert SecurityGroupRule().read(tf, identity)["remote_ip_prefix"] == "2001:558:fc00::/39"


def test_a_group_in_use_is_409(tf, group):
    subnet, _ = scene.subnet(tf, scene.vpc(tf))
    tf.post(tf.v1("ports"), {"port": {"network_id": subnet, "security_groups": [group]}})
    assert tf.status("DELETE", tf.v1(f"security-groups/{group}")) == 409


def test_group_data_sources(tf):
    """`networking_secgroups`: v3 with filters, marker = last id until a page is empty."""
    ids = {create(tf, SecurityGroup(), name=f"secgroup-{n}", description=f"number {n}")[0]: n for n in range(3)}
    url = tf.v3("vpc/security-groups")
    groups = tf.all_by_marker(url, "security_groups")
    assert ids.keys() < {group["id"] for group in groups}
    assert "default" in {group["name"] for group in groups}
    for identity, n in ids.items():
        for query in (f"id={identity}", f"name=secgroup-{n}", f"description=number%20{n}"):
            assert [g["id"] for g in tf.all_by_marker(f"{url}?{query}", "security_groups")] == [identity]
    assert ids.keys() < {g["id"] for g in tf.all_by_marker(f"{url}?enterprise_project_id=0", "security_groups")}
    # The way back when v3 fails.
    assert ids.keys() < {g["id"] for g in tf.all_by_marker(tf.v1("security-groups"), "security_groups")}


def test_rule_data_source(tf, group):
    """`networking_secgroup_rules` with each of its filters."""
    made, _ = create(tf, SecurityGroupRule(), direction="ingress", ethertype="IPv4", security_group_id=group,
                     ports="8080", protocol="tcp", action="deny", priority=7, remote_ip_prefix="10.0.0.0/8",
                     description="found")
    assert len(rules_of(tf, group)) == 5
    url = tf.v3(f"vpc/security-group-rules?security_group_id={group}")
    for query in (f"id={made}", "protocol=tcp", "description=found", "action=deny", "priority=7",
                  "remote_ip_prefix=10.0.0.0%2F8", "direction=ingress&protocol=tcp"):
        assert [r["id"] for r in tf.all_by_marker(f"{url}&{query}", "security_group_rules")] == [made], query


def test_an_address_group(tf):
    """The acceptance test's addresses: single ones, ranges, blocks."""
    first = ["192.168.3.2", "192.168.3.20-192.168.3.100"]
    state = life(tf, AddressGroup(), {"name": "group_a", "description": "created by acc test", "addresses": first},
                 {"name": "group_b", "description": "updated by acc test", "addresses": ["192.168.5.0/24", *first]},
                 {"name": "group_b", "description": "", "addresses": first, "max_capacity": 10})
    assert (state["ip_version"], state["max_capacity"]) == (4, 10)


def test_an_address_group_of_ipv6(tf):
    life(tf, AddressGroup(), {"addresses": ["2001:db8:a583:6e::/64", "2001:db8:a583:9e::5c"]},
         shared={"name": "group_a", "ip_version": 6})


def test_an_address_group_with_remarks(tf):
    """The newer form: every address with a remark."""
    first = [{"ip": "192.168.3.2", "remarks": "terraform test 1"},
             {"ip": "192.168.3.20-192.168.3.100", "remarks": "terraform test 2"}]
    life(tf, AddressGroup(), {"ip_extra_set": first}, {"ip_extra_set": [{**first[0], "remarks": "changed"}]},
         shared={"name": "group_a"})


def test_an_address_group_in_use_is_deleted_by_force_only(tf, group):
    addresses, state = create(tf, AddressGroup(), name="addresses", addresses=["192.168.10.12"])
    create(tf, SecurityGroupRule(), direction="ingress", ethertype="IPv4", security_group_id=group, ports="80",
           protocol="tcp", remote_address_group_id=addresses)
    [used] = tf.get(tf.v3(f"vpc/list-address-groups-dependency?id={addresses}"))["address_groups"]
    assert used["id"] == addresses
    with refused(409):
        AddressGroup().delete(tf, addresses, state)
    tf.delete(AddressGroup().path(tf, addresses) + "/force")
    assert tf.status("GET", AddressGroup().path(tf, addresses)) == 404
    assert len(rules_of(tf, group)) == 4


def test_address_group_data_source(tf):
    ids = {create(tf, AddressGroup(), name=f"group-{n}", addresses=[f"10.0.0.{n}"])[0] for n in range(5)}
    url = tf.v3("vpc/address-groups")
    assert {g["id"] for g in tf.all_by_next_marker(url, "address_groups")} == ids
    assert {g["id"] for g in tf.all_by_next_marker(f"{url}?limit=2", "address_groups")} == ids
    assert [g["name"] for g in tf.all_by_next_marker(f"{url}?name=group-3", "address_groups")] == ["group-3"]


def acl_rule(**fields):
    return {"action": "allow", "ip_version": 4, "protocol": "tcp", "source_port": "22-30,33",
            "destination_ip_address": "0.0.0.0/0", "destination_port": "8001-8010", **fields}


def test_a_network_acl(tf):
    """The acceptance test's rules and subnets."""
    vpc = scene.vpc(tf)
    subnets = [scene.subnet(tf, vpc, f"192.168.{n}.0/24", f"subnet-{n}")[0] for n in (0, 1)]
    inbound, outbound = (acl_rule(source_ip_address=text) for text in ("192.168.0.0/24", "172.16.0.0/24"))
    ping = {"action": "deny", "ip_version": 4, "protocol": "icmp", "destination_ip_address": "0.0.0.0/0"}
    life(tf, NetworkAcl(),
         {"name": "acl", "description": "created by terraform", "enabled": True, "ingress_rules": [inbound],
          "egress_rules": [outbound], "associated_subnets": subnets[:1]},
         {"name": "acl-update", "description": "created by terraform update", "enabled": False,
          "ingress_rules": [inbound, {**ping, "source_ip_address": "192.168.0.0/24"}],
          "egress_rules": [outbound, {**ping, "source_ip_address": "172.16.0.0/24"}], "associated_subnets": subnets},
         {"name": "acl-update", "description": "", "enabled": True, "ingress_rules": [], "egress_rules": [outbound],
          "associated_subnets": subnets[1:]},
         shared={"enterprise_project_id": "0"})


def test_a_network_acl_with_names_and_address_groups(tf):
    addresses, _ = create(tf, AddressGroup(), name="addresses", addresses=["192.168.10.12"])
    acl = NetworkAcl().create(tf, {"name": "acl", "ingress_rules": [
        {"action": "allow", "ip_version": 4, "protocol": "any", "name": "named", "description": "described",
         "source_address_group_id": addresses}]})
    [found] = tf.get(NetworkAcl().path(tf, acl))["firewall"]["ingress_rules"]
    assert (found["name"], found["description"], found["source_address_group_id"], found["protocol"]) == (
        "named", "described", addresses, "any")


def test_tags_of_a_network_acl(tf):
    """v3 tags: 204 and nothing else."""
    life(tf, NetworkAcl(), {"tags": {"foo": "bar", "key": "value"}}, {"tags": {"foo": "bar1", "key1": "value"}},
         {"tags": {}}, shared={"name": "acl"})
    create(tf, NetworkAcl(), name="acl", tags={"env": "one"})
    create(tf, NetworkAcl(), name="acl-2", tags={"env": "two"})
    [tag] = tf.all_by_offset(tf.v3("firewalls/tags"), "tags")
    assert (tag["key"], sorted(tag["values"])) == ("env", ["one", "two"])


def test_network_acls_by_tags(tf):
    acl, _ = create(tf, NetworkAcl(), name="acl", tags={"env": "one"})
    create(tf, NetworkAcl(), name="acl-2", tags={"env": "two"})
    url = tf.v3("firewalls/resource-instances/filter")
    body = {"tags": [{"key": "env", "values": ["one"]}]}
    page = tf.post(f"{url}?offset=0", body)
    assert ([item["resource_id"] for item in page["resources"]], page["total_count"]) == ([acl], 1)
    assert tf.post(f"{url}?offset=1", body)["resources"] == []
    page = tf.post(f"{url}?offset=0", {"matches": [{"key": "resource_name", "value": "acl-2"}]})
    assert [item["resource_name"] for item in page["resources"]] == ["acl-2"]
    # Without any filter the body is empty.
    assert len(tf.post(f"{url}?offset=0", {})["resources"]) == 2


def test_network_acl_data_source(tf):
    """`vpc_network_acls`: marker = last id until a page is empty, then each ACL."""
    ids = {create(tf, NetworkAcl(), name=f"acl-{n}")[0]: n for n in range(3)}
    url = tf.v3("vpc/firewalls")
    for found in tf.all_by_marker(url, "firewalls"):
        n = ids.pop(found["id"])
        assert tf.get(NetworkAcl().path(tf, found["id"]))["firewall"]["name"] == f"acl-{n}"
        for query in (f"id={found['id']}", f"name=acl-{n}"):
            assert [a["id"] for a in tf.all_by_marker(f"{url}?{query}", "firewalls")] == [found["id"]]
    assert not ids
