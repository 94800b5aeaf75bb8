"""Routes and route tables (clients 3.4, 3.5) and their data sources."""

import pytest

import scene
from lifecycle import create, destroy, life
from network import Route, RouteTable, default_table, route
from scene import refused


@pytest.fixture
def pair(tf):
    return scene.pair(tf)


def test_a_route_in_the_default_table(tf, pair):
    vpc, _, peering = pair
    state = life(tf, Route(), {"description": "peering rule"}, {"description": "changed"}, {"description": ""},
                 shared={"vpc_id": vpc, "destination": "172.16.0.0/16", "type": "peering", "nexthop": peering})
    assert state["route_table_id"] == default_table(tf, vpc)


def test_a_route_in_a_table_of_its_own(tf, pair):
    vpc, _, peering = pair
    table, _ = create(tf, RouteTable(), vpc_id=vpc, name="table-a")
    state = life(tf, Route(), {}, shared={"vpc_id": vpc, "destination": "172.16.8.0/24", "type": "peering",
                                         "nexthop": peering, "route_table_id": table})
    assert state["route_table_name"] == "table-a"


def test_a_route_changes_its_next_hop(tf, pair):
    vpc, _, peering = pair
    subnet, _ = scene.subnet(tf, vpc)
    server = scene.server(tf, subnet, "router")
    life(tf, Route(), {"type": "peering", "nexthop": peering}, {"type": "ecs", "nexthop": server["id"]},
         shared={"vpc_id": vpc, "destination": "172.16.0.0/16"})


def test_a_route_of_the_old_form_is_found_by_its_id(tf, pair):
    """States of old versions keep the id of v2.0; it is looked up, then replaced."""
    vpc, _, peering = pair
    identity = Route().create(tf, {"vpc_id": vpc, "destination": "172.16.0.0/16", "type": "peering",
                                   "nexthop": peering})
    [listed] = tf.all_by_marker(tf.v2(f"vpc/routes?vpc_id={vpc}"), "routes")
    found = tf.get(tf.v2(f"vpc/routes/{listed['id']}"))["route"]
    assert (found["destination"], found["nexthop"], found["vpc_id"]) == ("172.16.0.0/16", peering, vpc)
    Route().delete(tf, identity, Route().read(tf, identity))
    assert tf.status("GET", tf.v2(f"vpc/routes/{listed['id']}")) == 404


def test_a_table(tf, pair):
    """The acceptance test's steps: empty, with a route, with subnets."""
    vpc, _, peering = pair
    subnets = [scene.subnet(tf, vpc, f"192.168.{n}.0/24", f"subnet-{n}")[0] for n in (0, 10)]
    rule = route("172.16.0.0/16", peering, description="peering rule")
    life(tf, RouteTable(),
         {"description": "created by terraform", "route": [], "subnets": []},
         {"description": "created by terraform with routes", "route": [rule], "subnets": []},
         {"description": "created by terraform with subnets", "route": [rule], "subnets": subnets},
         {"description": "one subnet less", "route": [{**rule, "description": ""}], "subnets": subnets[:1]},
         {"description": "", "route": [], "subnets": subnets[1:]},
         shared={"vpc_id": vpc, "name": "tf_acc_table"})


def test_a_table_of_many_routes(tf, pair):
    vpc, _, peering = pair
    routes = [route(f"172.16.{n}.0/24", peering, description=f"rule {n}") for n in range(1, 7)]
    changed = [{**routes[0], "description": "changed"}, *routes[2:], route("172.16.9.0/24", peering)]
    # Into what create may carry, over it, and all verbs in one update.
    life(tf, RouteTable(), {"route": routes}, {"route": changed}, {"route": routes[:2]}, {"route": []},
         shared={"vpc_id": vpc, "name": "tf_acc_table"})
    life(tf, RouteTable(), {"route": routes[:5]}, shared={"vpc_id": vpc, "name": "tf_acc_table"})


def test_a_table_with_subnets_is_freed_first(tf, pair):
    vpc, _, _ = pair
    subnet, _ = scene.subnet(tf, vpc)
    table, state = create(tf, RouteTable(), vpc_id=vpc, name="table-a", subnets=[subnet])
    with refused(409):
        tf.delete(tf.v1(f"routetables/{table}"))
    destroy(tf, RouteTable(), table, state)


def test_table_data_source(tf, pair):
    """`vpc_route_table`: all pages of the list, by name or `default`, then the table."""
    vpc, _, _ = pair
    wanted = {create(tf, RouteTable(), vpc_id=vpc, name=f"table-{n}")[0] for n in range(3)} | {default_table(tf, vpc)}
    tables = tf.all_by_marker(tf.v1(f"routetables?vpc_id={vpc}"), "routetables")
    assert {table["id"] for table in tables} == wanted
    assert len([table for table in tables if table["default"]]) == 1
    for table in tables:
        assert [t["id"] for t in tf.all_by_marker(tf.v1(f"routetables?id={table['id']}"), "routetables")] == [
            table["id"]]
        assert tf.get(tf.v1(f"routetables/{table['id']}"))["routetable"]["name"] == table["name"]


def test_route_data_sources(tf, pair):
    """`vpc_routes`, `vpc_route`, `vpc_route_ids` of v2.0: both ends' routes, filtered."""
    a, b, peering = pair
    for vpc, destinations in ((a, ("172.16.1.0/24", "172.16.2.0/24")), (b, ("192.168.0.0/16",))):
        for destination in destinations:
            Route().create(tf, {"vpc_id": vpc, "destination": destination, "type": "peering", "nexthop": peering})

    def listed(query):
        return {found["destination"] for found in tf.all_by_marker(tf.v2("vpc/routes") + query, "routes")}
    assert listed("") == listed("?type=peering") == {"172.16.1.0/24", "172.16.2.0/24", "192.168.0.0/16"}
    assert listed(f"?vpc_id={a}") == {"172.16.1.0/24", "172.16.2.0/24"}
    assert listed("?destination=192.168.0.0/16") == {"192.168.0.0/16"}
    assert listed(f"?type=peering&vpc_id={b}&destination=172.16.1.0/24") == set()
