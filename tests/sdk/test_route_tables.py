"""Route tables, v1 (api-vpc §3), and legacy routes, v2.0 (§2)."""

import huaweicloudsdkvpc.v2 as v2
import pytest

import make
from make import NOTHING, UUID, missing, refused

SYSTEM = {"100.64.0.0/10", "198.19.128.0/20"}


@pytest.fixture
def network(account):
    """Two VPCs of one account with a subnet each, peered."""
    a, b = make.vpc(account, "vpc-a"), make.vpc(account, "vpc-b", "10.1.0.0/16")
    subnets = [make.subnet(account, a.id), make.subnet(account, b.id, "10.1.1.0/24", "subnet-b")]
    return a, b, subnets, make.peering(account, a.id, b.id)


def to(peering, destination, **fields):
    return {"type": "peering", "nexthop": peering.id, "destination": destination, **fields}


def action(account, table_id, associate=None, disassociate=None):
    body = v2.RoutetableAssociateReqbody(v2.AsscoiateReq(
        v2.AssociateRouteTableAndSubnetReq(associate=associate, disassociate=disassociate)))
    if associate:
        return account.vpc.associate_route_table(v2.AssociateRouteTableRequest(table_id, body)).routetable
    return account.vpc.disassociate_route_table(v2.DisassociateRouteTableRequest(table_id, body)).routetable


def test_a_vpc_has_a_default_table(account, network):
    vpc, _, [subnet, _], _ = network
    [item] = make.tables(account, vpc_id=vpc.id)
    # `default` is in lists too, `routes` is not (clients §6, trap 17).
    assert (item.default, item.vpc_id, item.tenant_id) == (True, vpc.id, account.project)
    assert "routes" not in item.attribute_map
    found = make.show_table(account, item.id)
    assert make.local(found) == SYSTEM | {"10.0.1.0/24"}
    assert {route.nexthop for route in found.routes} == {"-"}
    assert [item.id for item in found.subnets] == [subnet.id]
    assert make.tables(account, subnet_id=subnet.id) == make.tables(account, id=item.id) == [item]
    with refused(400, "VPC.2803", item.id):
        account.vpc.delete_route_table(v2.DeleteRouteTableRequest(item.id))


def test_a_custom_table_from_creation_to_deletion(account, network):
    vpc, _, _, peering = network
    routes = [v2.RouteTableRoute(**to(peering, "10.1.0.0/16", description="to b"))]
    option = v2.CreateRouteTableReq(name="table-a", description="first", vpc_id=vpc.id, routes=routes)
    made = account.vpc.create_route_table(v2.CreateRouteTableRequest(v2.CreateRoutetableReqBody(option)))
    assert made.status_code == 200
    table = made.routetable
    assert UUID.fullmatch(table.id)
    assert (table.name, table.description, table.default) == ("table-a", "first", False)
    assert (table.vpc_id, table.tenant_id, table.subnets) == (vpc.id, account.project, [])
    assert make.custom(table) == {"10.1.0.0/16": ("peering", peering.id)}
    assert [route.description for route in table.routes if route.type == "peering"] == ["to b"]
    assert make.show_table(account, table.id) == table
    assert {item.id for item in make.tables(account, vpc_id=vpc.id) if not item.default} == {table.id}

    changed = make.update_table(account, table.id, name="table-b", description="")
    assert (changed.name, changed.description) == ("table-b", "")
    assert account.vpc.delete_route_table(v2.DeleteRouteTableRequest(table.id)).status_code == 204
    missing(account.vpc.show_route_table, v2.ShowRouteTableRequest(table.id), 404, "VPC.2808", table.id)
    missing(account.vpc.delete_route_table, v2.DeleteRouteTableRequest(table.id), 404, "VPC.2808")


def test_routes_are_added_changed_and_deleted_together(account, network):
    vpc, b, _, peering = network
    c = make.vpc(account, "vpc-c", "10.2.0.0/16")
    other = make.peering(account, vpc.id, c.id, name="peering-ac")
    table = make.default_table(account, vpc.id)
    # More than 5 are good in an update (clients §6, trap 18).
    destinations = [f"172.16.{n}.0/24" for n in range(8)]
    found = make.update_table(
        account, table.id, add=[v2.AddRouteTableRoute(**to(peering, item)) for item in destinations])
    assert make.custom(found) == {item: ("peering", peering.id) for item in destinations}

    found = make.update_table(
        account, table.id,
        add=[v2.AddRouteTableRoute(**to(other, "172.16.0.0/24"))],
        mod=[v2.ModRouteTableRoute(**to(other, "172.16.1.0/24", description="moved"))],
        # A destination that goes may come again in the same call.
        delete=[v2.DelRouteTableRoute(destination=item) for item in destinations if item != "172.16.1.0/24"])
    assert make.custom(found) == {"172.16.0.0/24": ("peering", other.id), "172.16.1.0/24": ("peering", other.id)}
    assert make.show_table(account, table.id).routes == found.routes

    # All or nothing.
    with refused(400, "VPC.2805", "172.31.0.0/16"):
        make.update_table(account, table.id,
                          add=[v2.AddRouteTableRoute(**to(peering, "10.1.0.0/16"))],
                          delete=[v2.DelRouteTableRoute(destination="172.31.0.0/16")])
    assert make.show_table(account, table.id).routes == found.routes


def test_routes_that_cannot_be(account, network):
    vpc, b, [subnet, _], peering = network
    table = make.default_table(account, vpc.id)

    def add(**route):
        return make.update_table(account, table.id, add=[v2.AddRouteTableRoute(**route)])

    with refused(400, "VPC.2809", "10.0.1.0/24"):
        add(**to(peering, "10.0.1.128/25"))
    with refused(400, "VPC.2809"):
        add(**to(peering, "100.64.1.0/24"))
    # System routes are nobody's to make or to delete.
    with refused(400, "VPC.2806", "local"):
        add(type="local", nexthop="-", destination="10.9.0.0/16")
    with refused(400, "VPC.2809"):
        make.update_table(account, table.id, delete=[v2.DelRouteTableRoute(destination="10.0.1.0/24")])
    with refused(400, "VPC.2801", "10.1.0.1/16"):
        add(**to(peering, "10.1.0.1/16"))
    with refused(400, "VPC.2806", NOTHING):
        add(type="peering", nexthop=NOTHING, destination="10.1.0.0/16")
    with refused(400, "VPC.2806", "nat"):
        add(type="nat", nexthop=NOTHING, destination="10.1.0.0/16")
    with refused(400, "VPC.2801"):
        add(type="no such type", nexthop=NOTHING, destination="10.1.0.0/16")
    c, d = make.vpc(account, "vpc-c", "10.2.0.0/16"), make.vpc(account, "vpc-d", "10.3.0.0/16")
    foreign = make.peering(account, c.id, d.id, name="peering-cd")
    with refused(400, "VPC.2806"):
        add(**to(foreign, "10.3.0.0/16"))
    add(**to(peering, "10.1.0.0/16"))
    with refused(400, "VPC.2809", "10.1.0.0/16"):
        add(**to(peering, "10.1.0.0/16"))
    six = [v2.RouteTableRoute(**to(peering, f"172.16.{n}.0/24")) for n in range(6)]
    with refused(400, "VPC.2801", "5"):
        make.table(account, vpc.id, routes=six)
    # Broader than a subnet is good: the longest prefix wins.
    assert "10.0.0.0/16" in make.custom(add(**to(peering, "10.0.0.0/16")))


def test_a_virtual_ip_can_be_a_next_hop(account, network):
    vpc, _, [subnet, _], _ = network
    port = make.port(account, subnet.id, device_owner="neutron:VIP_PORT")
    address = port.fixed_ips[0].ip_address
    table = make.default_table(account, vpc.id)
    route = v2.AddRouteTableRoute(type="vip", nexthop=address, destination="192.168.7.0/24")
    assert make.custom(make.update_table(account, table.id, add=[route])) == {"192.168.7.0/24": ("vip", address)}


def test_subnets_move_between_tables(account, network):
    vpc, b, [subnet, foreign], _ = network
    second = make.subnet(account, vpc.id, "10.0.2.0/24", "subnet-c")
    default = make.default_table(account, vpc.id)
    table, next_table = make.table(account, vpc.id), make.table(account, vpc.id, "table-b")

    def subnets(table_id):
        return {item.id for item in make.show_table(account, table_id).subnets}

    found = action(account, table.id, associate=[subnet.id, second.id])
    assert {item.id for item in found.subnets} == {subnet.id, second.id}
    assert subnets(default.id) == set()
    # It moves, without having been disassociated.
    action(account, next_table.id, associate=[second.id])
    assert (subnets(table.id), subnets(next_table.id)) == ({subnet.id}, {second.id})
    assert [item.id for item in make.tables(account, subnet_id=second.id)] == [next_table.id]

    with refused(409, "VPC.2804", subnet.id):
        account.vpc.delete_route_table(v2.DeleteRouteTableRequest(table.id))
    with refused(400, "VPC.2807"):
        action(account, table.id, associate=[foreign.id])
    with refused(400, "VPC.2807"):
        action(account, table.id, associate=[NOTHING])
    with refused(400, "VPC.2807"):
        action(account, table.id, disassociate=[second.id])
    with refused(400, "VPC.2803"):
        action(account, default.id, disassociate=[subnet.id])

    assert action(account, table.id, disassociate=[subnet.id]).subnets == []
    assert subnets(default.id) == {subnet.id}
    assert account.vpc.delete_route_table(v2.DeleteRouteTableRequest(table.id)).status_code == 204


def test_legacy_routes_are_routes_of_the_default_table(account, network):
    vpc, b, _, peering = network
    option = v2.CreateVpcRouteOption(destination="10.1.0.0/16", nexthop=peering.id, type="peering", vpc_id=vpc.id)
    made = account.vpc.create_vpc_route(v2.CreateVpcRouteRequest(v2.CreateVpcRouteRequestBody(option)))
    assert made.status_code == 201
    route = made.route
    assert UUID.fullmatch(route.id)
    assert (route.type, route.destination, route.nexthop) == ("peering", "10.1.0.0/16", peering.id)
    assert (route.vpc_id, route.tenant_id) == (vpc.id, account.project)
    table = make.default_table(account, vpc.id)
    assert make.custom(table) == {"10.1.0.0/16": ("peering", peering.id)}

    # One that comes through the table is there as well, with an id that stays.
    make.update_table(account, table.id, add=[v2.AddRouteTableRoute(**to(peering, "10.2.0.0/16"))])
    back = make.route(account, b.id, "10.0.0.0/16", peering.id)

    def listed(**filters):
        found = account.vpc.list_vpc_routes(v2.ListVpcRoutesRequest(**filters)).routes
        return {item.destination: item.id for item in found}

    assert set(listed()) == {"10.1.0.0/16", "10.2.0.0/16", "10.0.0.0/16"}
    assert listed(vpc_id=b.id) == {"10.0.0.0/16": back.id}
    assert listed(id=route.id) == listed(destination="10.1.0.0/16") == {"10.1.0.0/16": route.id}
    assert listed(type="peering", tenant_id=account.project) == listed()
    assert listed(type="vpn") == listed(tenant_id="0" * 32) == {}
    other = listed(destination="10.2.0.0/16")["10.2.0.0/16"]
    assert account.vpc.show_vpc_route(v2.ShowVpcRouteRequest(other)).route.destination == "10.2.0.0/16"

    assert account.vpc.delete_vpc_route(v2.DeleteVpcRouteRequest(other)).status_code == 204
    assert make.custom(make.show_table(account, table.id)) == {"10.1.0.0/16": ("peering", peering.id)}
    make.update_table(account, table.id, delete=[v2.DelRouteTableRoute(destination="10.1.0.0/16")])
    missing(account.vpc.show_vpc_route, v2.ShowVpcRouteRequest(route.id), 404, "404", "RouteNotFound")
    missing(account.vpc.delete_vpc_route, v2.DeleteVpcRouteRequest(route.id), 404, "404", "RouteNotFound")


def test_legacy_routes_that_cannot_be(account, network):
    vpc, b, _, peering = network
    make.route(account, vpc.id, "10.1.0.0/16", peering.id)
    with refused(409, "409", "RouteExists"):
        make.route(account, vpc.id, "10.1.0.0/16", peering.id)
    with refused(400, "400", "InvalidRouteDestination"):
        make.route(account, vpc.id, "10.0.1.0/25", peering.id)
    with refused(400, "400", "InvalidRouteNexthop"):
        make.route(account, vpc.id, "10.2.0.0/16", NOTHING)
    with refused(400, "400", "InvalidInput"):
        make.route(account, vpc.id, "10.2.0.0/16", NOTHING, kind="ecs")
    with refused(404, "404", "VpcNotFound"):
        make.route(account, NOTHING, "10.2.0.0/16", peering.id)


def test_tables_that_cannot_be(account, network):
    vpc, *_ = network
    with refused(404, "VPC.0003"):
        make.table(account, NOTHING)
    with refused(400, "VPC.2801", "name"):
        make.table(account, vpc.id, "a name with spaces")
    missing(account.vpc.show_route_table, v2.ShowRouteTableRequest("no-id"), 404, "VPC.2808")
    for number in range(4):
        make.table(account, vpc.id, f"table-{number}")
    with refused(409, "VPC.2802", "route table"):
        make.table(account, vpc.id, "table-5")
