"""`huaweicloud_vpc_subnet` and its data sources (clients 3.7)."""

import re

import pytest

import scene
from lifecycle import create, life, read_tags, set_tags
from network import Subnet
from ports import CidrReservation, PrivateIp
from scene import DNS, refused
from test_vpc import by_tags


@pytest.fixture
def vpc(tf):
    return scene.vpc(tf)


def shared(vpc, **fields):
    return {"cidr": "192.168.0.0/24", "gateway_ip": "192.168.0.1", "vpc_id": vpc, **fields}


def test_basic(tf, vpc):
    """As large as the VPC; without DNS servers it gets the provider's two."""
    zone = scene.subnet(tf, scene.vpc(tf, "vpc-b"))[1]["availability_zone"]
    state = life(tf, Subnet(), {"name": "tf-acc-test"}, {"name": "tf-acc-test-updated"},
                 shared=shared(vpc, cidr="192.168.0.0/16", availability_zone=zone))
    assert (state["ipv6_enable"], state["dhcp_enable"], state["dns_list"]) == (False, True, DNS)
    assert state["ipv4_subnet_id"]


def test_everything_that_can_be_configured_comes_back(tf, vpc):
    life(tf, Subnet(),
         {"name": "subnet-a", "description": "first", "dns_list": ["10.0.0.2", "10.0.0.3", "10.0.0.4"]},
         {"name": "subnet-b", "description": "second", "dns_list": ["10.0.0.3"]},
         {"name": "subnet-b", "description": "", "dns_list": ["10.0.0.5", "10.0.0.6"], "dhcp_enable": False},
         shared=shared(vpc))


def test_primary_and_secondary_dns(tf, vpc):
    life(tf, Subnet(), {"primary_dns": "100.125.1.250", "secondary_dns": "100.125.129.250"},
         {"primary_dns": "8.8.4.4", "secondary_dns": "8.8.8.8"}, shared=shared(vpc, name="subnet-a"))


def test_dhcp_options(tf, vpc):
    """Set, changed, and cleared by null (trap 15); the lease time cannot be cleared."""
    life(tf, Subnet(),
         {"dhcp_lease_time": "24h", "ntp_server_address": "10.100.0.33,10.100.0.34", "dhcp_domain_name": "test.com"},
         {"dhcp_lease_time": "48h", "ntp_server_address": "10.100.0.34", "dhcp_domain_name": "test2.com"},
         {"dhcp_lease_time": "48h"},
         shared=shared(vpc, name="subnet-a"))


def test_dhcp_options_of_both_families(tf, vpc):
    """The acceptance test's values."""
    life(tf, Subnet(),
         {"dhcp_lease_time": "48h", "ntp_server_address": "10.100.0.33", "dhcp_ipv6_lease_time": "4h",
          "dhcp_domain_name": "test.domainname"},
         {"dhcp_lease_time": "72h", "ntp_server_address": "10.100.0.33,10.100.0.34", "dhcp_ipv6_lease_time": "8h",
          "dhcp_domain_name": "test.domainname.update"},
         shared=shared(vpc, name="subnet-a", ipv6_enable=True))


def test_ipv6(tf, vpc):
    """Turned on by an update; the acceptance test's patterns."""
    config = shared(vpc, name="subnet-a")
    identity, state = create(tf, Subnet(), **config, ipv6_enable=False)
    assert (state["ipv6_cidr"], state["ipv6_gateway"], state["ipv6_subnet_id"]) == ("", "", "")
    Subnet().update(tf, identity, {**config, "ipv6_enable": False}, {**config, "ipv6_enable": True})
    state = Subnet().read(tf, identity)
    assert state["ipv6_enable"] is True and state["ipv6_subnet_id"]
    assert re.fullmatch(r"([0-9a-f]*):([0-9a-f]*:){1,6}[0-9a-f]*/\d{1,3}", state["ipv6_cidr"])
    assert re.fullmatch(r"([0-9a-f]*):([0-9a-f]*:){1,6}([0-9a-f]){1,4}", state["ipv6_gateway"])
    life(tf, Subnet(), {"ipv6_enable": True}, shared={**config, "cidr": "192.168.9.0/24", "gateway_ip": "192.168.9.1"})


def test_tags(tf, vpc):
    life(tf, Subnet(), {"tags": {"foo": "bar", "key": "value"}}, {"tags": {"foo": "bar", "key": "value_updated"}},
         {"tags": {}}, shared=shared(vpc, name="subnet-a"))


def test_a_subnet_in_use_is_not_taken_for_deleted(tf, vpc):
    subnet, state = scene.subnet(tf, vpc)
    scene.server(tf, subnet, "ecs-a")
    # 400 and 404 would both mean "it is gone".
    assert tf.status("DELETE", Subnet().path(tf, subnet, state)) in (409, 500)
    assert Subnet().read(tf, subnet) == state


def test_data_sources_filter_what_a_list_without_limit_returns(tf, vpc):
    other_vpc = scene.vpc(tf, "vpc-b", "10.0.0.0/16")
    ids = {scene.subnet(tf, vpc, f"192.168.{n}.0/24", f"subnet-{n}")[0] for n in range(5)}
    stranger, _ = scene.subnet(tf, other_vpc, "10.0.0.0/24")
    assert {found["id"] for found in tf.page(tf.v1("subnets"))["subnets"]} == ids | {stranger}
    found = tf.page(tf.v1(f"subnets?vpc_id={vpc}"))["subnets"]
    assert {item["id"] for item in found} == ids
    for item in found:
        # What vpc_subnet and vpc_subnets show of each.
        assert {"name", "cidr", "gateway_ip", "dnsList", "ipv6_enable", "dhcp_enable", "primary_dns", "secondary_dns",
                "availability_zone", "vpc_id", "status", "neutron_subnet_id", "description"} <= item.keys()


def test_subnet_tags_of_the_project(tf, vpc):
    """`vpc_subnet_tags`: all keys with their values."""
    for n, value in enumerate(("one", "two")):
        subnet, _ = scene.subnet(tf, vpc, f"192.168.{n}.0/24")
        set_tags(tf, "subnets", subnet, {}, {"env": value})
        assert read_tags(tf, "subnets", subnet) == {"env": value}
    [tag] = tf.page(tf.v2_tags("subnets/tags"))["tags"]
    assert (tag["key"], sorted(tag["values"])) == ("env", ["one", "two"])


def test_subnets_by_tags(tf, vpc):
    subnet, _ = scene.subnet(tf, vpc)
    set_tags(tf, "subnets", subnet, {}, {"env": "test"})
    by_tags(tf, "subnets", {"env": ["test"]}, [subnet])


def test_private_ips(tf, vpc):
    """`vpc_subnet_private_ip` and the data source that pages through them."""
    subnet, _ = scene.subnet(tf, vpc)
    address, state = create(tf, PrivateIp(), subnet_id=subnet, ip_address="192.168.0.50")
    assert (state["status"], state["device_owner"]) == ("DOWN", "")
    create(tf, PrivateIp(), subnet_id=subnet)
    listed = tf.all_by_marker(tf.v1(f"subnets/{subnet}/privateips"), "privateips")
    assert address in [item["id"] for item in listed] and len(listed) >= 2
    for item in listed:
        assert {"id", "ip_address", "status", "device_owner", "subnet_id"} <= item.keys()
    with refused(409, 500):
        tf.post(tf.v1("privateips"), {"privateips": [{"subnet_id": subnet, "ip_address": "192.168.0.50"}]})
    tf.delete(PrivateIp().path(tf, address))
    assert tf.status("GET", PrivateIp().path(tf, address)) == 404


def test_ip_availability(tf, vpc):
    """`vpc_subnet_ip_availabilities`."""
    subnet, state = scene.subnet(tf, vpc)
    before = tf.get(tf.v2(f"network-ip-availabilities/{subnet}"))["network_ip_availability"]
    scene.server(tf, subnet, "ecs-a")
    after = tf.get(tf.v2(f"network-ip-availabilities/{subnet}"))["network_ip_availability"]
    assert (after["network_id"], after["network_name"]) == (subnet, "subnet-a")
    assert after["used_ips"] == before["used_ips"] + 1 and after["total_ips"] == before["total_ips"]
    [part] = after["subnet_ip_availability"]
    assert (part["cidr"], part["ip_version"], part["subnet_id"]) == ("192.168.0.0/24", 4, state["ipv4_subnet_id"])


def test_cidr_reservations(tf, vpc):
    """`vpc_subnet_cidr_reservation`: by range and by mask; the mask is read out of the range."""
    subnet, _ = scene.subnet(tf, vpc)
    life(tf, CidrReservation(), {"name": "a", "description": "first"}, {"name": "b", "description": "second"},
         shared={"subnet_id": subnet, "ip_version": 4, "cidr": "192.168.0.64/28"})
    identity, state = create(tf, CidrReservation(), subnet_id=subnet, ip_version=4, mask=28)
    assert (state["vpc_id"], state["project_id"]) == (vpc, tf.project_id)
    listed = tf.all_by_next_marker(tf.v3("vpc/virsubnet-cidr-reservations"), "virsubnet_cidr_reservations")
    assert [item["id"] for item in listed] == [identity]
