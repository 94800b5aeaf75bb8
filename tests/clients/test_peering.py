"""Peering connections, their accepter, and the data sources (clients 3.1 to 3.3)."""

import datetime

import pytest

import scene
from lifecycle import change, create, destroy, life
from network import Accepter, Peering


def test_basic(tf):
    """The acceptance test: two VPCs of one project, ACTIVE at once, renamed, imported."""
    a, b = scene.vpc(tf, "vpc-a", "172.16.0.0/20"), scene.vpc(tf, "vpc-b", "172.16.128.0/20")
    state = life(tf, Peering(), {"name": "peering"}, {"name": "peering_update"},
                 {"name": "peering_update", "description": "for tests"}, {"name": "peering_update", "description": ""},
                 shared={"vpc_id": a, "peer_vpc_id": b})
    # The provider never sent it.
    assert (state["status"], state["peer_tenant_id"]) == ("ACTIVE", tf.project_id)


def ask(tf, other):
    a, b = scene.vpc(tf, "vpc-a", "10.1.0.0/16"), scene.vpc(other, "vpc-b", "10.2.0.0/16")
    return create(tf, Peering(), name="peering-ab", vpc_id=a, peer_vpc_id=b, peer_tenant_id=other.project_id)


@pytest.mark.parametrize("accept, status", [(True, "ACTIVE"), (False, "REJECTED")])
def test_another_account_accepts_or_rejects(tf, other, accept, status):
    identity, state = ask(tf, other)
    assert state["status"] == "PENDING_ACCEPTANCE"
    _, seen = create(other, Accepter(), vpc_peering_connection_id=identity, accept=accept)
    assert seen["status"] == Peering().read(tf, identity)["status"] == status
    change(tf, Peering(), identity, {"name": "peering-ab"}, name="renamed")
    destroy(tf, Peering(), identity, state)
    assert other.status("GET", other.v2(f"vpc/peerings/{identity}")) == 404


def test_what_is_active_cannot_be_accepted(tf):
    """The acceptance test of the accepter expects this error of the provider itself."""
    a, b = scene.vpc(tf, "vpc-a", "10.1.0.0/16"), scene.vpc(tf, "vpc-b", "10.2.0.0/16")
    identity = scene.peering(tf, a, b)
    with pytest.raises(ValueError, match="not in PENDING_ACCEPTANCE state"):
        create(tf, Accepter(), vpc_peering_connection_id=identity, accept=True)


def test_data_source(tf, other):
    """`vpc_peering_connection`: filters of the server, links, then the provider's own filters; exactly one remains."""
    identity, _ = ask(tf, other)
    peering = tf.get(tf.v2(f"vpc/peerings/{identity}"))["peering"]
    filters = {"id": identity, "name": "peering-ab", "status": "PENDING_ACCEPTANCE", "tenant_id": other.project_id,
               "vpc_id": peering["accept_vpc_info"]["vpc_id"]}
    for name, value in filters.items():
        assert [p["id"] for p in tf.all_by_link(tf.v2(f"vpc/peerings?{name}={value}"), "peerings")] == [identity]
        absent = "ACTIVE" if name == "status" else scene.NOTHING
        assert tf.all_by_link(tf.v2(f"vpc/peerings?{name}={absent}"), "peerings") == []
    everything = "&".join(f"{name}={value}" for name, value in filters.items())
    assert len(tf.all_by_link(tf.v2(f"vpc/peerings?{everything}"), "peerings")) == 1


def test_links_lead_through_all_pages(tf):
    hub = scene.vpc(tf, "hub", "10.0.0.0/16")
    wanted = {scene.peering(tf, hub, scene.vpc(tf, f"spoke-{n}", f"10.{n}.0.0/16"), f"peering-{n}")
              for n in range(1, 5)}
    found = tf.all_by_link(tf.v2("vpc/peerings?limit=2"), "peerings")
    assert {peering["id"] for peering in found} == wanted and len(found) == 4


def test_data_source_of_many(tf, other):
    """`vpc_peering_connections`: one page of 2000; it reads the times without a zone."""
    identity, _ = ask(tf, other)
    for provider in (tf, other):
        [peering] = provider.page(provider.v2("vpc/peerings?limit=2000"))["peerings"]
        assert peering["id"] == identity
        for field in ("created_at", "updated_at"):
            datetime.datetime.strptime(peering[field], "%Y-%m-%dT%H:%M:%S")
