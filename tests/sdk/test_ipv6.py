"""Dual-stack subnets: their ranges, ports, routes and rules (behaviour V6-1 to V6-4; api-vpc §0.3, §5, §6)."""

import ipaddress

import huaweicloudsdkvpc.v2 as v2
import pytest

import make
from make import UUID, refused


def show(account, subnet_id):
    return account.vpc.show_subnet(v2.ShowSubnetRequest(subnet_id)).subnet


def turn(account, subnet, on):
    body = v2.UpdateSubnetRequestBody(v2.UpdateSubnetOption(name=subnet.name, ipv6_enable=on))
    return account.vpc.update_subnet(v2.UpdateSubnetRequest(subnet.vpc_id, subnet.id, body))


@pytest.fixture
def vpc(account):
    return make.vpc(account)


@pytest.fixture
def subnet(account, vpc):
    return make.subnet(account, vpc.id, ipv6_enable=True)


def test_a_dual_stack_subnet_has_a_prefix_of_its_own(account, vpc, subnet):
    found = show(account, subnet.id)
    assert found.ipv6_enable is True
    prefix = ipaddress.IPv6Network(found.cidr_v6)
    assert prefix.prefixlen == 64
    assert ipaddress.IPv6Address(found.gateway_ip_v6) == prefix[1]
    assert UUID.fullmatch(found.neutron_subnet_id_v6)
    assert found.neutron_subnet_id_v6 not in (found.id, found.neutron_subnet_id)
    other = make.subnet(account, vpc.id, cidr="10.0.2.0/24", name="subnet-b", ipv6_enable=True)
    assert show(account, other.id).cidr_v6 != found.cidr_v6
    # Every table of the VPC has it as a local route (V6-3).
    assert found.cidr_v6 in make.local(make.default_table(account, vpc.id))


def test_ipv6_is_turned_on_once_and_for_all(account, vpc):
    plain = make.subnet(account, vpc.id)
    assert (plain.ipv6_enable, plain.cidr_v6, plain.gateway_ip_v6) == (False, None, None)
    port = make.port(account, plain.id)
    turn(account, plain, False)
    turn(account, plain, True)
    prefix = show(account, plain.id).cidr_v6
    assert prefix
    turn(account, plain, True)
    assert show(account, plain.id).cidr_v6 == prefix
    with refused(400, "VPC.0201", "ipv6_enable"):
        turn(account, plain, False)
    # Who was there before stays as it is.
    found = account.vpc.show_port(v2.ShowPortRequest(port.id)).port
    assert len(found.fixed_ips) == 1


def test_ports_get_an_address_of_each_family(account, subnet):
    found = show(account, subnet.id)
    prefix = ipaddress.IPv6Network(found.cidr_v6)
    ids = [found.neutron_subnet_id, found.neutron_subnet_id_v6]
    port = make.port(account, subnet.id)
    assert [ip.subnet_id for ip in port.fixed_ips] == ids
    assert ipaddress.IPv6Address(port.fixed_ips[1].ip_address) in prefix
    wanted = str(prefix[0x111])
    chosen = make.port(account, subnet.id, fixed_ips=[v2.FixedIp(subnet_id=ids[1], ip_address=wanted)])
    assert chosen.fixed_ips[1].ip_address == wanted
    with refused(409, "VPC.0701", wanted):
        make.port(account, subnet.id, fixed_ips=[v2.FixedIp(ip_address=wanted)])
    with refused(400, "VPC.2500", str(prefix[1])):
        make.port(account, subnet.id, fixed_ips=[v2.FixedIp(ip_address=str(prefix[1]))])


def test_routes_and_peerings_carry_ipv6(account, vpc, subnet):
    prefix = show(account, subnet.id).cidr_v6
    peer = make.vpc(account, name="vpc-b", cidr="172.16.0.0/16")
    theirs = make.subnet(account, peer.id, cidr="172.16.1.0/24", ipv6_enable=True)
    peering = make.peering(account, vpc.id, peer.id)
    destination = show(account, theirs.id).cidr_v6
    route = make.route(account, vpc.id, destination, peering.id)
    assert (route.destination, route.nexthop) == (destination, peering.id)
    everything = make.route(account, vpc.id, "::/0", peering.id)
    assert everything.destination == "::/0"
    with refused(400, "400", "InvalidRouteDestination"):
        make.route(account, vpc.id, prefix, peering.id)
