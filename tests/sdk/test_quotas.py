"""Quotas, v1 (api-vpc §12, limits §1.1)."""

import huaweicloudsdkvpc.v2 as v2

import make
from make import refused


def quotas(account, **filters):
    found = account.vpc.show_quota(v2.ShowQuotaRequest(**filters)).quotas.resources
    return {item.type: (item.used, item.quota) for item in found}


def test_quotas_count_what_is_there(account):
    before = quotas(account)
    assert set(before) >= {
        "vpc", "subnet", "securityGroup", "securityGroupRule", "vpcPeer", "publicIp", "vpcContainRoutetable",
        "routetableContainRoutes", "firewall", "address_group", "flow_log"}
    assert before["vpc"] == (0, 150) and before["vpcPeer"] == (0, 50)
    a, b = make.vpc(account), make.vpc(account, "vpc-b", "10.1.0.0/16")
    make.subnet(account, a.id)
    make.peering(account, a.id, b.id)
    make.table(account, a.id)
    after = quotas(account)
    assert {kind: used for kind, (used, _) in after.items() if used != before[kind][0]} == {
        "vpc": 2, "subnet": 1, "vpcPeer": 1, "vpcContainRoutetable": 2}
    assert quotas(account, type="vpc") == {"vpc": (2, 150)}
    with refused(400, "VPC.1207", "resource type"):
        quotas(account, type="no such type")


def test_a_request_counts_for_who_sent_it(account, other):
    a, c = make.vpc(account), make.vpc(other, "vpc-c", "10.1.0.0/16")
    peering = make.peering(account, a.id, c.id, other.project)
    assert (quotas(account)["vpcPeer"][0], quotas(other)["vpcPeer"][0]) == (1, 0)
    other.vpc.accept_vpc_peering(v2.AcceptVpcPeeringRequest(peering.id))
    assert (quotas(account)["vpcPeer"][0], quotas(other)["vpcPeer"][0]) == (1, 1)


def test_the_fifty_first_peering_is_refused(account):
    hub = make.vpc(account, "hub").id
    vpcs = [make.vpc(account, f"vpc-{n}").id for n in range(51)]
    for number, vpc in enumerate(vpcs[:50]):
        make.peering(account, hub, vpc, name=f"peering-{number}")
    with refused(409, "409", "OverQuota"):
        make.peering(account, hub, vpcs[50], name="peering-50")
    assert quotas(account)["vpcPeer"] == (50, 50)
