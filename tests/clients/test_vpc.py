"""`huaweicloud_vpc` and its data sources (clients 3.6)."""

import pytest

import scene
from lifecycle import change, create, destroy, life, read_tags
from network import Subnet, Vpc
from provider import Provider

NAME = {"name": "tf_acc_vpc", "cidr": "192.168.0.0/16"}
# What HW_ENTERPRISE_PROJECT_ID_TEST names in the acceptance tests.
ENTERPRISE = "0f3c52c0-87b4-4dc4-8bd4-1f9d8b1d6e5a"


def test_basic(tf):
    state = life(tf, Vpc(),
                 {"name": "tf_acc_vpc", "description": "created by acc test"},
                 {"name": "tf_acc_vpc_updated", "description": "updated by acc test"},
                 {"name": "tf_acc_vpc_updated", "description": ""},
                 shared={"cidr": "192.168.0.0/16"})
    assert (state["status"], state["enterprise_project_id"]) == ("OK", "0")


def test_the_calls_of_create_come_in_order(tf):
    identity, _ = create(tf, Vpc(), **NAME)
    v1, v3 = tf.v1("vpcs"), tf.v3("vpc/vpcs")
    made = tf.calls[tf.calls.index(("POST", v1)):]
    tags = ("GET", tf.v2_tags(f"vpcs/{identity}/tags"))
    read = [("GET", f"{v1}/{identity}"), tags, ("GET", f"{v3}/{identity}")]
    assert made == [("POST", v1), ("GET", f"{v1}/{identity}"), *read, *read]


def test_secondary_cidrs(tf):
    """One, then two on one VPC, then none; the ranges are those of the acceptance tests."""
    life(tf, Vpc(), {"secondary_cidrs": ["168.10.0.0/16"]},
         {"secondary_cidrs": ["168.10.0.0/16", "168.20.0.0/16"]},
         {"secondary_cidrs": []},
         {"secondary_cidrs": ["168.20.0.0/16", "168.10.0.0/16"]},
         {"secondary_cidrs": ["168.30.0.0/16"]},
         shared={**NAME, "description": "created by acc test"})


def test_the_cidr_can_grow(tf):
    life(tf, Vpc(), {"cidr": "10.0.0.0/24"}, {"cidr": "10.0.0.0/16"}, shared={"name": "vpc-a"})


def test_enhanced_local_route(tf):
    life(tf, Vpc(), {"enhanced_local_route": "false"}, {"enhanced_local_route": "true"}, shared=NAME)


def test_enhanced_local_route_stays_on(tf):
    on = {**NAME, "enhanced_local_route": "true"}
    identity, state = create(tf, Vpc(), **on)
    with scene.refused(400) as caught:
        Vpc().update(tf, identity, on, {**NAME, "enhanced_local_route": "false"})
    assert "enhanced_local_route" in caught.value.body
    assert Vpc().read(tf, identity) == state


def test_tags(tf):
    """The acceptance test's tags; a value may be empty."""
    life(tf, Vpc(), {"tags": {"foo": "bar", "key": "value"}},
         {"tags": {"foo1": "bar", "key": "value_updated"}}, {"tags": {"empty": ""}}, {"tags": {}}, shared=NAME)


def test_an_enterprise_project(tf):
    """One exists as long as something is in it (api-vpc 18): nothing has to be made before."""
    life(tf, Vpc(), {"enterprise_project_id": "0"}, {"enterprise_project_id": ENTERPRISE},
         {"enterprise_project_id": "0"}, shared=NAME)


def test_another_region(server, account, tf):
    there = Provider(server, region="region-2", access_key=account.access, secret_key=account.secret).start()
    here_id, there_id = scene.vpc(tf), scene.vpc(there)
    assert tf.status("GET", tf.v1(f"vpcs/{there_id}")) == 404
    assert there.get(there.v1(f"vpcs/{there_id}"))["vpc"]["tenant_id"] == account.projects["region-2"]
    assert here_id != there_id


def test_a_vpc_in_use_is_retried_until_it_is_free(tf):
    """409 while a subnet is in it; the provider deletes the subnet meanwhile."""
    vpc = scene.vpc(tf)
    subnet, state = scene.subnet(tf, vpc)
    assert tf.status("DELETE", tf.v1(f"vpcs/{vpc}")) == 409
    destroy(tf, Subnet(), subnet, state)
    destroy(tf, Vpc(), vpc, {})


def test_data_sources_filter_what_a_list_without_limit_returns(tf):
    """`vpc`, `vpcs`, `vpc_ids`: one page, then filters in the provider; tags are asked for each VPC."""
    ids = {scene.vpc(tf, f"vpc-{n}", f"10.{n}.0.0/16"): f"vpc-{n}" for n in range(4)}
    for query in ("", "?enterprise_project_id=all_granted_eps", "?enterprise_project_id=0"):
        vpcs = tf.page(tf.v1("vpcs") + query)["vpcs"]
        assert {vpc["id"]: vpc["name"] for vpc in vpcs} == ids
        assert {vpc["status"] for vpc in vpcs} == {"OK"}
    some = next(iter(ids))
    assert [vpc["id"] for vpc in tf.page(tf.v1(f"vpcs?id={some}"))["vpcs"]] == [some]


def test_the_vpcs_data_source_needs_the_tags_of_every_vpc(tf):
    """Every failure but 403 ends it; a VPC without tags has an empty list."""
    vpc = scene.vpc(tf)
    assert read_tags(tf, "vpcs", vpc) == {}


def test_vpcs_by_tags(tf):
    a, _ = create(tf, Vpc(), **NAME, tags={"env": "test"})
    create(tf, Vpc(), name="vpc-b", cidr="192.168.0.0/16", tags={"env": "prod"})
    by_tags(tf, "vpcs", {"env": ["test"]}, [a])
    by_tags(tf, "vpcs", {"env": ["test", "none"]}, [a])
    by_tags(tf, "vpcs", {}, [a], resource_name=NAME["name"])
    # Without any filter the body has an action and an offset alone.
    url = tf.v2_tags("vpcs/resource_instances/action")
    assert len(tf.post(url, {"action": "filter", "offset": 0})["resources"]) == 2


def by_tags(tf, kind, tags, wanted, **matches):
    """`*_by_tags` of v2.0: growing offset until a page is empty, then the count."""
    url = tf.v2_tags(f"{kind}/resource_instances/action")
    body = {}
    if tags:
        body["tags"] = [{"key": key, "values": values} for key, values in tags.items()]
    if matches:
        body["matches"] = [{"key": key, "value": value} for key, value in matches.items()]
    found = []
    for _ in range(100):
        page = tf.post(url, {"action": "filter", "offset": len(found), **body})
        assert page["total_count"] == len(wanted)
        if not page["resources"]:
            break
        found += [resource["resource_id"] for resource in page["resources"]]
    assert sorted(found) == sorted(wanted)
    assert tf.post(url, {"action": "count", **body})["total_count"] == len(wanted)


def test_a_changed_description_alone_is_a_change(tf):
    identity, state = create(tf, Vpc(), **NAME, description="a")
    change(tf, Vpc(), identity, {**NAME, "description": "a"}, **NAME, description="b")
    destroy(tf, Vpc(), identity, state)
