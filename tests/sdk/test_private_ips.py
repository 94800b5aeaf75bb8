"""Private IPs (api-vpc §7.1; codes of api-errors §3.4) and CIDR reservations (§16)."""

import huaweicloudsdkvpc.v2 as v2
import huaweicloudsdkvpc.v3 as v3
import pytest

import make
from make import NOTHING, UUID, missing, refused


@pytest.fixture
def subnet(account):
    return make.subnet(account, make.vpc(account).id)


def apply(account, *options):
    body = v2.CreatePrivateipRequestBody([v2.CreatePrivateipOption(**option) for option in options])
    return account.vpc.create_privateip(v2.CreatePrivateipRequest(body))


def reserve(account, subnet_id, ip_version=4, **fields):
    option = v3.CreateVirsubnetCidrReservationOption(virsubnet_id=subnet_id, ip_version=ip_version, **fields)
    body = v3.CreateVirsubnetCidrReservationRequestBody(virsubnet_cidr_reservation=option)
    return account.vpc3.create_virsubnet_cidr_reservation(v3.CreateVirsubnetCidrReservationRequest(body))


def test_private_ips_from_application_to_deletion(account, subnet):
    made = apply(account, {"subnet_id": subnet.id}, {"subnet_id": subnet.id, "ip_address": "10.0.1.2"})
    assert made.status_code == 200
    first, second = made.privateips
    assert (first.ip_address, second.ip_address) == ("10.0.1.3", "10.0.1.2")
    assert UUID.fullmatch(first.id)
    assert (first.subnet_id, first.tenant_id, first.device_owner, first.status) == (
        subnet.id, account.project, "", "DOWN")
    assert account.vpc.show_privateip(v2.ShowPrivateipRequest(first.id)).privateip == first
    # The same object as a port.
    port = account.vpc.show_port(v2.ShowPortRequest(first.id)).port
    assert [ip.ip_address for ip in port.fixed_ips] == ["10.0.1.3"]
    listed = lambda **page: account.vpc.list_privateips(v2.ListPrivateipsRequest(subnet.id, **page)).privateips
    found = sorted([first.id, second.id])
    assert [ip.id for ip in listed()] == found
    assert [ip.id for ip in listed(limit=1)] == found[:1]
    assert listed(marker=found[1]) == []
    assert account.vpc.delete_privateip(v2.DeletePrivateipRequest(first.id)).status_code == 204
    missing(account.vpc.show_privateip, v2.ShowPrivateipRequest(first.id), 404, "VPC.0704", first.id)
    missing(account.vpc.delete_privateip, v2.DeletePrivateipRequest(first.id), 404, "VPC.0704", first.id)


def test_private_ips_are_refused_with_their_codes_and_all_or_none(account, subnet):
    apply(account, {"subnet_id": subnet.id, "ip_address": "10.0.1.9"})
    with refused(500, "VPC.0701", "10.0.1.9"):
        apply(account, {"subnet_id": subnet.id}, {"subnet_id": subnet.id, "ip_address": "10.0.1.9"})
    with refused(400, "VPC.0705", "10.0.2.9"):
        apply(account, {"subnet_id": subnet.id, "ip_address": "10.0.2.9"})
    with refused(404, "VPC.2204", NOTHING):
        apply(account, {"subnet_id": NOTHING})
    with refused(404, "VPC.2204", NOTHING):
        account.vpc.list_privateips(v2.ListPrivateipsRequest(NOTHING))
    assert len(account.vpc.list_privateips(v2.ListPrivateipsRequest(subnet.id)).privateips) == 1
    small = make.subnet(account, make.vpc(account, "vpc-b", "10.1.0.0/16").id, "10.1.0.0/28")
    apply(account, *[{"subnet_id": small.id}] * 11)
    with refused(409, "VPC.0703", "no free address"):
        apply(account, {"subnet_id": small.id})


def test_a_private_ip_in_use_stays(account, subnet):
    body = {"server": {"name": "srv", "subnet_id": subnet.id}}
    server = account.call("POST", "/causeway/v1/servers", body)["server"]
    found = account.vpc.show_privateip(v2.ShowPrivateipRequest(server["port_id"])).privateip
    assert (found.ip_address, found.device_owner.startswith("compute:")) == (server["ip_address"], True)
    with refused(409, "VPC.0707", server["id"]):
        account.vpc.delete_privateip(v2.DeletePrivateipRequest(found.id))


def test_a_reservation_from_creation_to_deletion(account, subnet):
    made = reserve(account, subnet.id, mask=28, name="kept", description="text")
    assert made.status_code == 201
    kept = made.virsubnet_cidr_reservation
    assert (kept.cidr, kept.ip_version, kept.virsubnet_id, kept.vpc_id) == (
        "10.0.1.16/28", 4, subnet.id, subnet.vpc_id)
    assert (kept.name, kept.description, kept.project_id) == ("kept", "text", account.project)
    show = lambda: account.vpc3.show_virsubnet_cidr_reservation(
        v3.ShowVirsubnetCidrReservationRequest(kept.id)).virsubnet_cidr_reservation
    assert show() == kept
    found = account.vpc.show_subnet(v2.ShowSubnetRequest(subnet.id)).subnet
    assert found.available_ip_address_count == 251 - 16
    # 2 to 15 are given, then 32: what lies between only by name.
    given = [make.port(account, subnet.id).fixed_ips[0].ip_address for _ in range(15)]
    assert given[-2:] == ["10.0.1.15", "10.0.1.32"]
    named = make.port(account, subnet.id, fixed_ips=[v2.FixedIp(ip_address="10.0.1.20")])
    assert named.fixed_ips[0].ip_address == "10.0.1.20"

    listed = lambda **filters: [item.id for item in account.vpc3.list_virsubnet_cidr_reservations(
        v3.ListVirsubnetCidrReservationsRequest(**filters)).virsubnet_cidr_reservations]
    assert listed() == listed(virsubnet_id=[subnet.id], ip_version=[4, 6], cidr=["10.0.1.16/28"]) == [kept.id]
    assert listed(name=["other"]) == listed(id=[NOTHING]) == []
    option = v3.UpdateVirsubnetCidrReservationOption(name="new", description="")
    body = v3.UpdateVirsubnetCidrReservationRequestBody(virsubnet_cidr_reservation=option)
    changed = account.vpc3.update_virsubnet_cidr_reservation(
        v3.UpdateVirsubnetCidrReservationRequest(kept.id, body)).virsubnet_cidr_reservation
    assert (changed.name, changed.description, changed.cidr) == ("new", "", kept.cidr)
    request = v3.DeleteVirsubnetCidrReservationRequest(kept.id)
    assert account.vpc3.delete_virsubnet_cidr_reservation(request).status_code == 204
    missing(account.vpc3.delete_virsubnet_cidr_reservation, request, 404, "VPC.2204", kept.id)


def test_a_reservation_must_be_a_free_part(account, subnet):
    taken = make.port(account, subnet.id, fixed_ips=[v2.FixedIp(ip_address="10.0.1.40")])
    reserve(account, subnet.id, cidr="10.0.1.64/27")
    for fields, status, code, text in [
            ({"cidr": "10.0.1.32/28"}, 409, "VPC.0701", taken.id),
            ({"cidr": "10.0.1.80/28"}, 409, "VPC.2500", "10.0.1.64/27"),
            ({"cidr": "10.0.1.240/28"}, 400, "VPC.2500", "last"),
            ({"cidr": "10.0.1.128/25"}, 400, "VPC.2500", "/26"),
            ({"cidr": "10.0.1.96/28", "mask": 27}, 400, "VPC.2500", "27"),
            ({}, 400, "VPC.2500", "mask"),
            ({"mask": 30, "ip_version": 6}, 400, "VPC.2500", "IPv6")]:
        with refused(status, code, text):
            reserve(account, subnet.id, **fields)
    with refused(404, "VPC.2204", NOTHING):
        reserve(account, NOTHING, mask=28)
