"""Enterprise projects: lists that are filtered by them, and the calls of the service by which objects change them
(api-vpc §0.3 and §18). The service has an SDK of its own; its calls are signed here as that one signs them."""

import json

import huaweicloudsdkvpc.v2 as v2
import huaweicloudsdkvpc.v3 as v3
import pytest
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException

import make
from make import refused

ENTERPRISE = "0f3c52c0-87b4-4dc4-8bd4-1f9d8b1d6e5a"
ALL = "all_granted_eps"


def migrate(account, target, kind, identifier):
    body = {"resource_id": identifier, "resource_type": kind, "project_id": account.project, "region_id": "region-1"}
    return account.call("POST", f"/v1.0/enterprise-projects/{target}/resources-migrate", body)


def inside(account, target, kind):
    body = {"projects": [account.project], "resource_types": [kind]}
    found = account.call("POST", f"/v1.0/enterprise-projects/{target}/resources/filter", body)
    assert found["errors"] == [] and found["total_count"] == len(found["resources"])
    return [resource["resource_id"] for resource in found["resources"]]


def test_an_object_moves_as_terraform_moves_it(account):
    vpc = make.vpc(account)
    assert inside(account, ENTERPRISE, "vpcs") == []
    assert migrate(account, ENTERPRISE, "vpcs", vpc.id) is None
    assert inside(account, ENTERPRISE, "vpcs") == [vpc.id]
    assert account.vpc.show_vpc(v2.ShowVpcRequest(vpc.id)).vpc.enterprise_project_id == ENTERPRISE
    listed = account.call("GET", "/v1.0/enterprise-projects")["enterprise_projects"]
    assert [(project["id"], project["status"]) for project in listed] == [("0", 1), (ENTERPRISE, 1)]
    shown = account.call("GET", f"/v1.0/enterprise-projects/{ENTERPRISE}")["enterprise_project"]
    assert shown["id"] == ENTERPRISE


def test_somebody_elses_object_stays_where_it_is(account, other):
    vpc = make.vpc(account)
    with pytest.raises(ClientRequestException) as caught:
        migrate(other, ENTERPRISE, "vpcs", vpc.id)
    assert caught.value.status_code == 404
    assert account.vpc.show_vpc(v2.ShowVpcRequest(vpc.id)).vpc.enterprise_project_id == "0"
    with pytest.raises(ClientRequestException) as caught:
        migrate(account, "x", "vpcs", vpc.id)
    assert (caught.value.status_code, caught.value.error_code) == (400, "EPS.0002")


def test_lists_are_filtered(account):
    vpc = make.vpc(account, enterprise_project_id=ENTERPRISE)
    subnet = make.subnet(account, vpc.id)
    port = make.port(account, subnet.id)
    option = v3.CreateSecurityGroupOption(name="group", enterprise_project_id=ENTERPRISE)
    request = v3.CreateSecurityGroupRequest(v3.CreateSecurityGroupRequestBody(security_group=option))
    group = account.vpc3.create_security_group(request).security_group
    option = v3.CreateFirewallOption(name="acl", enterprise_project_id=ENTERPRISE)
    acl = account.vpc3.create_firewall(v3.CreateFirewallRequest(v3.CreateFirewallRequestBody(firewall=option))).firewall
    option = v3.CreateAddressGroupOption(name="group", ip_version=4, enterprise_project_id=ENTERPRISE)
    request = v3.CreateAddressGroupRequest(v3.CreateAddressGroupRequestBody(address_group=option))
    addresses = account.vpc3.create_address_group(request).address_group
    for made in (vpc, group, acl, addresses):
        assert made.enterprise_project_id == ENTERPRISE
    lists = [
        (vpc, lambda eps: account.vpc.list_vpcs(v2.ListVpcsRequest(enterprise_project_id=eps)).vpcs),
        (vpc, lambda eps: account.vpc3.list_vpcs(v3.ListVpcsRequest(enterprise_project_id=eps)).vpcs),
        (port, lambda eps: account.vpc.list_ports(v2.ListPortsRequest(enterprise_project_id=eps)).ports),
        (group, lambda eps: account.vpc.list_security_groups(
            v2.ListSecurityGroupsRequest(enterprise_project_id=eps)).security_groups),
        (group, lambda eps: account.vpc3.list_security_groups(
            v3.ListSecurityGroupsRequest(enterprise_project_id=eps)).security_groups),
        (acl, lambda eps: account.vpc3.list_firewall(
            v3.ListFirewallRequest(enterprise_project_id=[eps] if eps else None)).firewalls),
        (addresses, lambda eps: account.vpc3.list_address_group(
            v3.ListAddressGroupRequest(enterprise_project_id=eps)).address_groups),
    ]
    for made, call in lists:
        for eps, there in [(None, True), (ENTERPRISE, True), (ALL, True), ("0", False)]:
            assert (made.id in [item.id for item in call(eps)]) is there, (json.dumps(made.to_dict(), default=str), eps)
    with refused(400, "VPC.0011", "enterprise_project_id"):
        make.vpc(account, "vpc-b", enterprise_project_id="x")
