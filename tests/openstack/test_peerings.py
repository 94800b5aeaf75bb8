"""Peering connections and routes, of one account and between two."""

import re

import pytest

from cloud import two_vpcs
from shell import Refused, fields


def test_a_peering_of_one_account_is_active_at_once(account):
    with two_vpcs(account) as (a, b):
        made = account.run("vpc peering create", "ab", "--local-router-id", a.id, "--peer-router-id", b.id,
                           "--description", "joined")
        assert (made["name"], made["status"], made["description"]) == ("ab", "ACTIVE", "joined")
        assert made["local_vpc_info"] == {"router_id": a.id, "project_id": account.project}
        assert made["peer_vpc_info"] == {"router_id": b.id, "project_id": account.project}
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", made["created_at"])
        with pytest.raises(Refused, match="These VPCs already have the peering ab"):
            account.run("vpc peering create", "again", "--local-router-id", a.id, "--peer-router-id", b.id)

        changed = account.run("vpc peering update", "ab", "--name", "ba", "--description", "still")
        assert (changed["name"], changed["description"]) == ("ba", "still")
        assert account.run("vpc peering show", made["id"])["name"] == "ba"
        assert account.run("vpc peering show", "ba")["id"] == made["id"]

        account.run.text("vpc peering delete", "ba")
        assert account.run("vpc peering list") == []
        with pytest.raises(Refused, match="No Peering found for ba"):
            account.run("vpc peering show", "ba")
        with pytest.raises(Refused, match="1 of 1 VPC peering"):
            account.run.text("vpc peering delete", "ba")


def test_lists_are_filtered_and_come_in_pages(account):
    names = ("a", "b", "c", "d")
    with two_vpcs(account, names, [f"10.{number}.0.0/16" for number in range(4)]) as vpcs:
        for vpc in vpcs[1:]:
            account.service("vpc").create_peering(name=f"a-{vpc.name}", local_vpc_info={"vpc_id": vpcs[0].id},
                                                 peer_vpc_info={"vpc_id": vpc.id})
        everything = fields(account.run("vpc peering list"))
        assert {row.name for row in everything} == {"a-b", "a-c", "a-d"}

        def names_of(*arguments):
            return sorted(row.name for row in fields(account.run("vpc peering list", *arguments)))

        assert names_of("--name", "a-b") == ["a-b"]
        assert names_of("--router-id", vpcs[2].id) == ["a-c"]
        assert names_of("--status", "rejected") == []
        assert names_of("--status", "active", "--project-id", account.project) == ["a-b", "a-c", "a-d"]
        assert names_of("--id", everything[0].id) == [everything[0].name]
        # The client asks page after page until one is empty.
        assert names_of("--limit", 1) == ["a-b", "a-c", "a-d"]
        assert len(names_of("--limit", 2, "--marker", everything[0].id)) == 2


def requested(account, other, name):
    """A request of an account to another, and the other's VPC."""
    a = account.service("vpc").create_vpc(name="a", cidr="10.1.0.0/16")
    b = other.service("vpc").create_vpc(name="b", cidr="10.2.0.0/16")
    made = account.run("vpc peering create", name, "--local-router-id", a.id, "--peer-router-id", b.id,
                       "--peer-project-id", other.project)
    assert made["status"] == "PENDING_ACCEPTANCE"
    assert made["peer_vpc_info"] == {"router_id": b.id, "project_id": other.project}
    return made, a, b


def test_the_other_account_accepts(account, other):
    made, a, b = requested(account, other, "join")
    with pytest.raises(Refused, match="only the account of the peer VPC can decide"):
        account.run("vpc peering set", "join", "--accept")
    seen = fields(other.run("vpc peering list", "--status", "pending_acceptance"))
    assert [(row.id, row.local_router_id, row.peer_router_id) for row in seen] == [(made["id"], a.id, b.id)]
    accepted = other.run("vpc peering set", "join", "--accept")
    assert (accepted["id"], accepted["status"]) == (made["id"], "ACTIVE")
    assert account.run("vpc peering show", "join")["status"] == "ACTIVE"
    other.run.text("vpc peering delete", made["id"])
    assert account.run("vpc peering list") == []


def test_the_other_account_rejects(account, other):
    made, _, _ = requested(account, other, "join")
    assert other.run("vpc peering set", made["id"], "--reject")["status"] == "REJECTED"
    assert account.run("vpc peering show", "join")["status"] == "REJECTED"
    with pytest.raises(Refused):
        other.run("vpc peering set", made["id"], "--accept")


def test_routes_are_added_listed_shown_and_deleted(account):
    with two_vpcs(account) as (a, b):
        peering = account.run("vpc peering create", "ab", "--local-router-id", a.id, "--peer-router-id", b.id)["id"]
        route = account.run("vpc route add", "--destination", "10.2.0.0/16", "--nexthop", peering,
                            "--router-id", a.id)
        assert (route["type"], route["nexthop"], route["destination"]) == ("peering", peering, "10.2.0.0/16")
        assert (route["router_id"], route["project_id"]) == (a.id, account.project)
        account.run("vpc route add", "--destination", "10.1.0.0/16", "--nexthop", peering, "--router-id", b.id)
        with pytest.raises(Refused, match="409|10.2.0.0/16"):
            account.run("vpc route add", "--destination", "10.2.0.0/16", "--nexthop", peering, "--router-id", a.id)

        rows = fields(account.run("vpc route list", "--type", "peering"))
        assert {(row.router_id, row.destination) for row in rows} == {(a.id, "10.2.0.0/16"), (b.id, "10.1.0.0/16")}
        found = fields(account.run("vpc route list", "--router-id", a.id, "--destination", "10.2.0.0/16"))
        assert [row.id for row in found] == [route["id"]]
        assert account.run("vpc route show", route["id"]) == route
        account.run.text("vpc route delete", *[row.id for row in rows])
        assert account.run("vpc route list") == []
        with pytest.raises(Refused, match="1 of 1 VPC route"):
            account.run.text("vpc route delete", route["id"])
