"""Quotas, v1 and v3 (api-vpc §12, limits §1.1)."""

import huaweicloudsdkvpc.v2 as v2
import huaweicloudsdkvpc.v3 as v3

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


def test_v3_shows_the_same_limits(account):
    quota = account.vpc3.show_quota(v3.ShowQuotaRequest()).quota
    v1 = quotas(account)
    assert (quota.vpc, quota.virsubnet, quota.peering) == (v1["vpc"][1], v1["subnet"][1], v1["vpcPeer"][1])
    assert (quota.security_group, quota.security_group_rule) == (v1["securityGroup"][1], v1["securityGroupRule"][1])
    assert (quota.secgroup_contain_rules, quota.eni_contain_secgroup, quota.address_group_contain_ipset) == (50, 5, 20)
    # Every name of the model is there: what nothing limits is -1.
    assert set(quota.to_dict()) == set(v3.VpcQuotas.attribute_map) and None not in quota.to_dict().values()
    assert quota.traffic_mirror_session == -1


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
