"""Peering connections, v2.0 (api-vpc §1, lifecycle)."""

import datetime

import huaweicloudsdkvpc.v2 as v2
import pytest

import make
from cloud import OTHER_REGION
from make import NOTHING, UUID, missing, refused


def accept(account, peering_id):
    return account.vpc.accept_vpc_peering(v2.AcceptVpcPeeringRequest(peering_id))


def reject(account, peering_id):
    return account.vpc.reject_vpc_peering(v2.RejectVpcPeeringRequest(peering_id))


def delete(account, peering_id):
    return account.vpc.delete_vpc_peering(v2.DeleteVpcPeeringRequest(peering_id))


def update(account, peering_id, **fields):
    body = v2.UpdateVpcPeeringRequestBody(v2.UpdateVpcPeeringOption(**fields))
    return account.vpc.update_vpc_peering(v2.UpdateVpcPeeringRequest(peering_id, body)).peering


def listed(account, **filters):
    return {item.name for item in account.vpc.list_vpc_peerings(v2.ListVpcPeeringsRequest(**filters)).peerings}


@pytest.fixture
def pending(account, other):
    """A request from one account's VPC to another's."""
    a = make.vpc(account, "vpc-a")
    c = make.vpc(other, "vpc-c", "10.1.0.0/16")
    return make.peering(account, a.id, c.id, other.project, name="peering-ac")


def test_a_peering_in_one_account_is_active_at_once(account):
    a, b = make.vpc(account, "vpc-a"), make.vpc(account, "vpc-b", "10.1.0.0/16")
    option = v2.CreateVpcPeeringOption(
        name="peering-ab", description="first",
        request_vpc_info=v2.VpcInfo(vpc_id=a.id), accept_vpc_info=v2.VpcInfo(vpc_id=b.id))
    made = account.vpc.create_vpc_peering(v2.CreateVpcPeeringRequest(v2.CreateVpcPeeringRequestBody(option)))
    assert made.status_code == 201
    peering = made.peering
    assert UUID.fullmatch(peering.id)
    assert (peering.name, peering.description, peering.status) == ("peering-ab", "first", "ACTIVE")
    # Both projects are there, though none was sent (clients §3.1).
    assert peering.request_vpc_info == v2.VpcInfo(vpc_id=a.id, tenant_id=account.project)
    assert peering.accept_vpc_info == v2.VpcInfo(vpc_id=b.id, tenant_id=account.project)
    assert abs(datetime.datetime.now(datetime.timezone.utc) - peering.created_at) < datetime.timedelta(minutes=5)
    # No zone in the text, or the Terraform data source shows 1970 (clients §6, trap 5).
    assert b'Z"' not in made.raw_content
    assert make.show_peering(account, peering.id) == peering
    # A peering alone makes no routes.
    assert make.custom(make.default_table(account, a.id)) == {}
    with refused(409, "409", "PeeringStatusInvalid"):
        accept(account, peering.id)

    changed = update(account, peering.id, name="peering-x", description="")
    assert (changed.name, changed.description, changed.status) == ("peering-x", "", "ACTIVE")

    deleted = delete(account, peering.id)
    assert deleted.status_code == 204 and not deleted.raw_content
    missing(account.vpc.show_vpc_peering, v2.ShowVpcPeeringRequest(peering.id), 404, "404", "PeeringNotFound")
    missing(account.vpc.delete_vpc_peering, v2.DeleteVpcPeeringRequest(peering.id), 404, "404", "PeeringNotFound")
    assert listed(account) == set()


def test_another_account_accepts(account, other, pending):
    assert pending.status == "PENDING_ACCEPTANCE"
    assert (pending.accept_vpc_info.tenant_id, pending.request_vpc_info.tenant_id) == (other.project, account.project)
    assert make.show_peering(other, pending.id) == pending
    with refused(403, "403", "PolicyNotAuthorized"):
        accept(account, pending.id)

    answer = accept(other, pending.id)
    # The bare object (clients §6, trap 1).
    assert answer.status_code == 200
    assert (answer.id, answer.name, answer.status) == (pending.id, "peering-ac", "ACTIVE")
    assert answer.request_vpc_info == pending.request_vpc_info
    assert make.show_peering(account, pending.id).status == "ACTIVE"
    for again in (accept, reject):
        with refused(409, "409", "ACTIVE"):
            again(other, pending.id)


def test_another_account_rejects(account, other, pending):
    with refused(403, "403", "PolicyNotAuthorized"):
        reject(account, pending.id)
    answer = reject(other, pending.id)
    assert answer.status_code == 200
    assert (answer.id, answer.status) == (pending.id, "REJECTED")
    assert make.show_peering(account, pending.id).status == "REJECTED"
    with refused(409, "409", "REJECTED"):
        accept(other, pending.id)
    # A rejected request is out of the way of the next one.
    again = make.peering(account, pending.request_vpc_info.vpc_id, pending.accept_vpc_info.vpc_id, other.project)
    assert again.status == "PENDING_ACCEPTANCE"
    assert delete(other, pending.id).status_code == 204


def test_deleting_takes_the_routes_of_both_sides(account, other, pending):
    accept(other, pending.id)
    a, c = pending.request_vpc_info.vpc_id, pending.accept_vpc_info.vpc_id
    make.route(account, a, "10.1.0.0/16", pending.id)
    make.route(other, c, "10.0.0.0/16", pending.id)
    assert make.custom(make.default_table(other, c)) == {"10.0.0.0/16": ("peering", pending.id)}
    # Each side sees its own routes only.
    [route] = account.vpc.list_vpc_routes(v2.ListVpcRoutesRequest()).routes
    assert route.vpc_id == a

    assert delete(other, pending.id).status_code == 204
    assert make.custom(make.default_table(account, a)) == make.custom(make.default_table(other, c)) == {}
    assert account.vpc.list_vpc_routes(v2.ListVpcRoutesRequest()).routes == []
    missing(account.vpc.show_vpc_peering, v2.ShowVpcPeeringRequest(pending.id), 404, "404", "PeeringNotFound")


def test_filters_match_either_side(account, other, pending):
    a, c = pending.request_vpc_info.vpc_id, pending.accept_vpc_info.vpc_id
    b = make.vpc(account, "vpc-b", "10.2.0.0/16")
    make.peering(account, a, b.id)
    both = {"peering-ab", "peering-ac"}
    assert listed(account) == both and listed(other) == {"peering-ac"}
    # clients §6, trap 4.
    assert listed(account, vpc_id=a) == both
    assert listed(account, vpc_id=c) == listed(account, tenant_id=other.project) == {"peering-ac"}
    assert listed(account, tenant_id=account.project) == both
    assert listed(account, vpc_id=b.id, status="ACTIVE") == {"peering-ab"}
    assert listed(account, status="PENDING_ACCEPTANCE") == listed(account, id=pending.id) == {"peering-ac"}
    assert listed(account, name="peering-ab") == {"peering-ab"}
    assert listed(account, name="peering") == listed(account, status="EXPIRED") == set()


def test_a_third_account_sees_nothing(operator, account, other, pending):
    third = operator
    assert pending.name not in listed(third)
    missing(third.vpc.show_vpc_peering, v2.ShowVpcPeeringRequest(pending.id), 404, "404", "PeeringNotFound")
    for call in (accept, reject, delete, lambda *to: update(*to, name="mine")):
        with refused(404, "404", "PeeringNotFound"):
            call(third, pending.id)
    assert make.show_peering(account, pending.id) == pending


def test_peerings_that_cannot_be(account, other):
    a, b = make.vpc(account, "vpc-a"), make.vpc(account, "vpc-b", "10.1.0.0/16")
    foreign = make.vpc(other, "vpc-c", "10.2.0.0/16")
    far = account.client(v2.VpcClient, account.basic(OTHER_REGION))
    option = v2.CreateVpcOption(name="vpc-far", cidr="10.3.0.0/16")
    far = far.create_vpc(v2.CreateVpcRequest(v2.CreateVpcRequestBody(option))).vpc

    with refused(400, "400", "PeeringVpcSame"):
        make.peering(account, a.id, a.id)
    with refused(404, "404", "VpcNotFound"):
        make.peering(account, a.id, NOTHING)
    with refused(404, "404", "VpcNotFound"):
        make.peering(account, NOTHING, b.id)
    # Whoever does not say whose it is, or says it wrong, does not find it.
    with refused(404, "404", "VpcNotFound"):
        make.peering(account, a.id, foreign.id)
    with refused(404, "404", "VpcNotFound"):
        make.peering(account, a.id, foreign.id, account.project)
    with refused(404, "404", "VpcNotFound"):
        make.peering(account, foreign.id, a.id)
    with refused(400, "400", "PeeringDifferentRegion"):
        make.peering(account, a.id, far.id, account.projects[OTHER_REGION])
    for name in ("", "n" * 65, "a name"):
        with refused(400, "400", "InvalidInput"):
            make.peering(account, a.id, b.id, name=name)
    with refused(400, "400", "InvalidInput"):
        make.peering(account, a.id, b.id, description="<b>")
    with refused(400, "400", "no-id"):
        make.peering(account, "no-id", b.id)
    assert listed(account) == set()

    peering = make.peering(account, a.id, b.id)
    for pair in [(a.id, b.id), (b.id, a.id)]:
        with refused(409, "409", "PeeringExists"):
            make.peering(account, *pair)
    with refused(400, "400", "InvalidInput"):
        update(account, peering.id)
    with refused(404, "404", "PeeringNotFound"):
        update(account, NOTHING, name="peering-x")
    missing(account.vpc.show_vpc_peering, v2.ShowVpcPeeringRequest("no-id"), 404, "404", "PeeringNotFound")


def test_vpcs_with_the_same_range_can_be_peered(account):
    a, b = make.vpc(account, "vpc-a"), make.vpc(account, "vpc-b")
    assert make.peering(account, a.id, b.id).status == "ACTIVE"
