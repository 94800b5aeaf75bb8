"""Network interfaces, virtual IPs and supplementary interfaces (clients 3.9, 3.10)."""

import pytest

import scene
from lifecycle import create, destroy, life
from ports import CHECK_OFF, NetworkInterface, SubNetworkInterface, VirtualIp, VirtualIpAssociate
from security import SecurityGroup
from scene import refused


@pytest.fixture
def subnet(tf):
    return scene.subnet(tf, scene.vpc(tf))[0]


@pytest.fixture
def groups(tf):
    return [create(tf, SecurityGroup(), name=f"secgroup-{n}")[0] for n in range(3)]


def test_an_interface(tf, subnet, groups):
    """The acceptance test without the lease time: the pair lies outside of the subnet; the name is taken away."""
    config = {"subnet_id": subnet, "name": "nic", "fixed_ip_v4": "192.168.0.111",
              "allowed_addresses": ["192.168.1.5"]}
    identity, state = create(tf, NetworkInterface(), **config)
    # Nobody named a group; the default one is in force and shown.
    assert len(state["security_group_ids"]) == 1 and state["mac_address"]
    later = {"subnet_id": subnet, "fixed_ip_v4": "192.168.0.111", "security_group_ids": groups[:1]}
    NetworkInterface().update(tf, identity, config, later)
    state = NetworkInterface().read(tf, identity)
    assert (state["name"], state["allowed_addresses"], state["security_group_ids"]) == ("", [], groups[:1])
    destroy(tf, NetworkInterface(), identity, state)


def test_the_lease_time_of_an_interface(tf, subnet):
    state = life(tf, NetworkInterface(), {"dhcp_lease_time": "2h"}, {"dhcp_lease_time": "1h"},
                 shared={"subnet_id": subnet, "fixed_ip_v4": "192.168.0.111"})
    assert state["dhcp_lease_time"] == "1h"


def test_tags_of_an_interface(tf, subnet):
    life(tf, NetworkInterface(), {"tags": {"foo": "bar", "key": "value"}}, {"tags": {"foo": "baz"}}, {"tags": {}},
         shared={"subnet_id": subnet})
    identity, _ = create(tf, NetworkInterface(), subnet_id=subnet, tags={"env": "one"})
    assert [tag["key"] for tag in tf.all_by_offset(tf.v3("ports/tags"), "tags")] == ["env"]
    # The data source sends "action": null away, so the body has tags alone.
    url = tf.v3("ports/resource-instances/filter")
    page = tf.post(f"{url}?offset=0", {"tags": [{"key": "env", "values": ["one"]}]})
    assert [item["resource_id"] for item in page["resources"]] == [identity]
    assert tf.post(f"{url}?offset=1", {"tags": [{"key": "env", "values": ["one"]}]})["resources"] == []


def test_groups_are_prepended(tf, subnet, groups):
    """`vpc_network_interface_prepend_security_groups`: the order that was sent is the order that is read."""
    config = {"subnet_id": subnet, "security_group_ids": groups[:1]}
    identity, _ = create(tf, NetworkInterface(), **config)
    wanted = [groups[2], groups[1], groups[0]]
    NetworkInterface().update(tf, identity, config, {**config, "security_group_ids": wanted})
    assert NetworkInterface().read(tf, identity)["security_group_ids"] == wanted


def test_an_interface_of_a_server_is_not_deleted(tf, subnet):
    server = scene.server(tf, subnet, "ecs-a")
    with refused(400, 409):
        tf.delete(tf.v1(f"ports/{server['port_id']}"))


def test_interface_data_source(tf, subnet):
    """`vpc_network_interfaces`: one page, whatever its marker expression makes of it."""
    ids = {create(tf, NetworkInterface(), subnet_id=subnet, name=f"nic-{n}")[0] for n in range(4)}
    assert {port["id"] for port in tf.page(tf.v1("ports"))["ports"]} == ids
    assert {port["id"] for port in tf.page(tf.v1(f"ports?network_id={subnet}"))["ports"]} == ids
    [port] = tf.page(tf.v1("ports?name=nic-2"))["ports"]
    for query in (f"mac_address={port['mac_address']}", f"id={port['id']}",
                  f"fixed_ips=ip_address={port['fixed_ips'][0]['ip_address']}"):
        assert [p["id"] for p in tf.page(tf.v1(f"ports?{query}"))["ports"]] == [port["id"]], query


def test_port_data_source(tf, subnet):
    """`networking_port`: v2.0 with filters, exactly one must be left."""
    identity, state = create(tf, NetworkInterface(), subnet_id=subnet, name="nic-a")
    create(tf, NetworkInterface(), subnet_id=subnet, name="nic-b")
    query = f"id={identity}&network_id={subnet}&mac_address={state['mac_address']}&name=nic-a&admin_state_up=true"
    [port] = tf.all_by_link(tf.v2(f"ports?{query}"), "ports")
    assert port["fixed_ips"][0]["ip_address"] == state["fixed_ip_v4"]
    assert len([p for p in tf.all_by_link(tf.v2(f"ports?network_id={subnet}"), "ports")
                if p["device_owner"] != "network:router_interface_distributed"]) >= 2


def test_a_virtual_ip(tf, subnet):
    state = life(tf, VirtualIp(), {"name": "vip"}, {"name": "vip_update"}, shared={"network_id": subnet})
    assert (state["status"], state["ip_version"]) == ("ACTIVE", 4)
    life(tf, VirtualIp(), {}, shared={"network_id": subnet, "ip_address": "192.168.0.100", "ip_version": 4})


def test_a_virtual_ip_of_ipv6(tf):
    subnet, _ = scene.subnet(tf, scene.vpc(tf, "vpc-b"), ipv6_enable=True)
    life(tf, VirtualIp(), {"name": "vip"}, {"name": "vip_update"}, shared={"network_id": subnet, "ip_version": 6})


def test_a_virtual_ip_and_its_servers(tf, subnet):
    """The acceptance test: one server, imported, then two."""
    ports = [scene.server(tf, subnet, f"ecs-{n}")["port_id"] for n in range(2)]
    vip, _ = create(tf, VirtualIp(), network_id=subnet)
    identity, state = create(tf, VirtualIpAssociate(), vip_id=vip, port_ids=ports[:1])
    assert VirtualIpAssociate().read(tf, identity) == state
    identity, state = create(tf, VirtualIpAssociate(), vip_id=vip, port_ids=ports)
    for port in ports:
        pairs = tf.get(tf.v2(f"ports/{port}"))["port"]["allowed_address_pairs"]
        assert [pair["ip_address"] for pair in pairs] == [CHECK_OFF]
    VirtualIpAssociate().delete(tf, identity, state)
    assert VirtualIpAssociate().read(tf, identity)["port_ids"] == []


def test_a_supplementary_interface(tf, subnet, groups):
    parent = scene.server(tf, subnet, "ecs-a")["port_id"]
    state = life(tf, SubNetworkInterface(),
                 {"description": "created by terraform", "security_group_ids": groups[:1]},
                 {"description": "updated by terraform", "security_group_ids": groups[1:]},
                 {"description": "", "security_group_ids": groups[1:]},
                 shared={"subnet_id": subnet, "parent_id": parent, "vlan_id": "2001", "ip_address": "192.168.0.77"})
    assert state["status"] and state["mac_address"] and state["vpc_id"]
    # The acceptance test: one group without one being named.
    identity, state = create(tf, SubNetworkInterface(), subnet_id=subnet, parent_id=parent, vlan_id="3002")
    assert len(state["security_group_ids"]) == 1
    listed = tf.all_by_next_marker(tf.v3("vpc/sub-network-interfaces"), "sub_network_interfaces")
    assert [item["id"] for item in listed] == [identity]
