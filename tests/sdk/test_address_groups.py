"""IP address groups, and the rules that name them (api-vpc §10)."""

import huaweicloudsdkvpc.v3 as v3

import make
from make import NOTHING, UUID, missing, refused


def create(account, **fields):
    option = v3.CreateAddressGroupOption(**{"name": "offices", "ip_version": 4, **fields})
    return account.vpc3.create_address_group(
        v3.CreateAddressGroupRequest(v3.CreateAddressGroupRequestBody(address_group=option)))


def group(account, **fields):
    return create(account, **fields).address_group


def show(account, group_id):
    return account.vpc3.show_address_group(v3.ShowAddressGroupRequest(group_id)).address_group


def update(account, group_id, **fields):
    option = v3.UpdateAddressGroupOption(**fields)
    return account.vpc3.update_address_group(v3.UpdateAddressGroupRequest(
        group_id, v3.UpdateAddressGroupRequestBody(address_group=option))).address_group


def test_a_group_keeps_order_and_spelling(account):
    """clients §6, trap 25."""
    entries = ["192.168.5.0/24", "10.0.0.9-10.0.0.12", "10.0.0.1"]
    made = create(account, description="text", ip_set=entries)
    assert made.status_code == 201 and made.request_id
    found = made.address_group
    assert UUID.fullmatch(found.id)
    assert (found.name, found.description, found.ip_set, found.ip_version) == ("offices", "text", entries, 4)
    assert (found.max_capacity, found.status, found.tenant_id) == (20, "NORMAL", account.project)
    assert [item.ip for item in found.ip_extra_set] == entries
    changed = update(account, found.id, name="branches", ip_extra_set=[v3.IpExtraSetOption("10.9.0.0/16", "lab")])
    assert (changed.name, changed.ip_set, changed.ip_extra_set[0].remarks) == ("branches", ["10.9.0.0/16"], "lab")
    assert show(account, found.id).ip_set == ["10.9.0.0/16"]
    six = group(account, name="six", ip_version=6, ip_set=["2001:db8::/32"])
    listed = account.vpc3.list_address_group(v3.ListAddressGroupRequest(ip_version=6)).address_groups
    assert [item.id for item in listed] == [six.id]
    assert account.vpc3.delete_address_group(v3.DeleteAddressGroupRequest(six.id)).status_code == 204
    missing(account.vpc3.show_address_group, v3.ShowAddressGroupRequest(six.id), 404, "VPC.2204")


def test_wrong_groups_are_refused(account, other):
    for wrong in [
        {"name": "a b"},
        {"ip_version": 5},
        {"ip_set": ["::1"]},
        {"ip_set": ["10.0.0.2-10.0.0.1"]},
        {"ip_set": ["10.0.0.1", "10.0.0.1"]},
        {"ip_set": [f"10.0.0.{number}" for number in range(21)]},
        {"max_capacity": 21},
    ]:
        with refused(400, "VPC.2500"):
            create(account, **wrong)
    theirs = group(other)
    with refused(404, "VPC.2204"):
        update(account, theirs.id, name="mine")
    missing(account.vpc3.delete_address_group, v3.DeleteAddressGroupRequest(NOTHING), 404, "VPC.2204")


def test_a_group_in_use_is_deleted_by_force_only(account):
    """SG-1."""
    found = group(account, ip_set=["10.0.0.0/8"])
    users = make.group(account, "web")
    rule = make.rule(account, users.id, remote_address_group_id=found.id)
    assert (rule.remote_address_group_id, rule.remote_ip_prefix) == (found.id, None)
    [listed] = account.vpc3.list_security_group_rules(
        v3.ListSecurityGroupRulesRequest(remote_address_group_id=[found.id])).security_group_rules
    assert listed.id == rule.id
    [dependent] = account.vpc3.list_address_groups_dependency(
        v3.ListAddressGroupsDependencyRequest(id=[found.id])).address_groups
    [user] = dependent.dependency
    assert (user.type, user.instance_id, user.instance_name) == ("sg", users.id, "web")
    with refused(409, "VPC.2204", "web"):
        account.vpc3.delete_address_group(v3.DeleteAddressGroupRequest(found.id))
    account.vpc3.delete_ip_address_group_force(v3.DeleteIpAddressGroupForceRequest(found.id))
    missing(account.vpc3.show_address_group, v3.ShowAddressGroupRequest(found.id), 404, "VPC.2204")
    rules = account.vpc3.list_security_group_rules(
        v3.ListSecurityGroupRulesRequest(security_group_id=[users.id])).security_group_rules
    assert rule.id not in [item.id for item in rules]
    with refused(400, "VPC.0601"):
        make.rule(account, users.id, remote_address_group_id=found.id)
