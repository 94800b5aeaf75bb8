"""Security groups and their rules in v1, v2.0 and v3 (api-vpc §8)."""

import huaweicloudsdkvpc.v2 as v2
import huaweicloudsdkvpc.v3 as v3
import pytest

import make
from make import NOTHING, UUID, missing, refused


def create_v1(account, **fields):
    option = v2.CreateSecurityGroupOption(**fields)
    return account.vpc.create_security_group(
        v2.CreateSecurityGroupRequest(v2.CreateSecurityGroupRequestBody(option)))


def show_v1(account, group_id):
    return account.vpc.show_security_group(v2.ShowSecurityGroupRequest(group_id)).security_group


def create_v2(account, **fields):
    option = v2.NeutronCreateSecurityGroupOption(**fields)
    return account.vpc.neutron_create_security_group(
        v2.NeutronCreateSecurityGroupRequest(v2.NeutronCreateSecurityGroupRequestBody(option)))


def show_v2(account, group_id):
    return account.vpc.neutron_show_security_group(v2.NeutronShowSecurityGroupRequest(group_id)).security_group


def show_v3(account, group_id):
    return account.vpc3.show_security_group(v3.ShowSecurityGroupRequest(group_id)).security_group


def update_v3(account, group_id, dry_run=None, **fields):
    option = v3.UpdateSecurityGroupOption(**fields)
    return account.vpc3.update_security_group(v3.UpdateSecurityGroupRequest(
        group_id, v3.UpdateSecurityGroupRequestBody(dry_run=dry_run, security_group=option)))


def rule_v1(account, group_id, direction="ingress", **fields):
    option = v2.CreateSecurityGroupRuleOption(security_group_id=group_id, direction=direction, **fields)
    return account.vpc.create_security_group_rule(
        v2.CreateSecurityGroupRuleRequest(v2.CreateSecurityGroupRuleRequestBody(option))).security_group_rule


def rule_v2(account, group_id, direction="ingress", **fields):
    option = v2.NeutronCreateSecurityGroupRuleOption(security_group_id=group_id, direction=direction, **fields)
    return account.vpc.neutron_create_security_group_rule(
        v2.NeutronCreateSecurityGroupRuleRequest(
            v2.NeutronCreateSecurityGroupRuleRequestBody(option))).security_group_rule


def show_rule_v1(account, rule_id):
    return account.vpc.show_security_group_rule(v2.ShowSecurityGroupRuleRequest(rule_id)).security_group_rule


def show_rule_v2(account, rule_id):
    return account.vpc.neutron_show_security_group_rule(
        v2.NeutronShowSecurityGroupRuleRequest(rule_id)).security_group_rule


def show_rule_v3(account, rule_id):
    return account.vpc3.show_security_group_rule(v3.ShowSecurityGroupRuleRequest(rule_id)).security_group_rule


def batch(account, group_id, rules, **fields):
    body = v3.BatchCreateSecurityGroupRulesRequestBody(
        security_group_rules=[v3.BatchCreateSecurityGroupRulesOption(**rule) for rule in rules], **fields)
    return account.vpc3.batch_create_security_group_rules(v3.BatchCreateSecurityGroupRulesRequest(group_id, body))


def test_a_group_in_v3(account):
    option = v3.CreateSecurityGroupOption(name="group-a", description="first")
    made = account.vpc3.create_security_group(
        v3.CreateSecurityGroupRequest(v3.CreateSecurityGroupRequestBody(security_group=option)))
    assert made.status_code == 201 and made.request_id
    group = made.security_group
    assert UUID.fullmatch(group.id)
    assert (group.name, group.description, group.project_id) == ("group-a", "first", account.project)
    assert (group.enterprise_project_id, group.tags) == ("0", [])
    # Four rules, each with the last priority (api-vpc §8.1).
    rules = {(rule.direction, rule.ethertype): rule for rule in group.security_group_rules}
    assert set(rules) == {(d, e) for d in ("ingress", "egress") for e in ("IPv4", "IPv6")}
    for (direction, _), rule in rules.items():
        assert (rule.action, rule.priority, rule.protocol, rule.multiport) == ("allow", 100, None, None)
        assert rule.remote_group_id == (group.id if direction == "ingress" else None)
        assert (rule.security_group_id, rule.project_id, rule.enabled) == (group.id, account.project, True)
    assert show_v3(account, group.id) == group
    assert update_v3(account, group.id, dry_run=True, name="group-b").status_code == 202
    changed = update_v3(account, group.id, name="group-b", description="")
    assert changed.status_code == 200
    assert (changed.security_group.name, changed.security_group.description) == ("group-b", "")
    assert account.vpc3.delete_security_group(v3.DeleteSecurityGroupRequest(group.id)).status_code == 204
    missing(account.vpc3.show_security_group, v3.ShowSecurityGroupRequest(group.id), 404, "VPC.2204", group.id)
    missing(account.vpc3.delete_security_group, v3.DeleteSecurityGroupRequest(group.id), 404, "VPC.2204")
    # The same group in the other families.
    missing(account.vpc.show_security_group, v2.ShowSecurityGroupRequest(group.id), 404, "VPC.0603")


def test_a_group_in_v1(account):
    made = create_v1(account, name="group-a")
    assert made.status_code == 200
    group = made.security_group
    assert (group.name, group.description, group.enterprise_project_id) == ("group-a", "", "0")
    assert len(group.security_group_rules) == 4
    assert {rule.tenant_id for rule in group.security_group_rules} == {account.project}
    assert show_v1(account, group.id) == group
    assert show_v3(account, group.id).name == show_v2(account, group.id).name == "group-a"
    assert account.vpc.delete_security_group(v2.DeleteSecurityGroupRequest(group.id)).status_code == 204
    missing(account.vpc.show_security_group, v2.ShowSecurityGroupRequest(group.id), 404, "VPC.0603", group.id)
    missing(account.vpc.delete_security_group, v2.DeleteSecurityGroupRequest(group.id), 404, "VPC.0603")
    missing(account.vpc.show_security_group, v2.ShowSecurityGroupRequest("no-id"), 400, "VPC.0601")


def test_a_group_in_v2_0(account):
    made = create_v2(account, name="group-a", description="first")
    assert made.status_code == 201 and b'Z"' not in made.raw_content
    group = made.security_group
    assert (group.name, group.description, group.project_id) == ("group-a", "first", account.project)
    assert group.tenant_id == account.project and len(group.security_group_rules) == 4
    assert show_v2(account, group.id) == group
    option = v2.NeutronUpdateSecurityGroupOption(name="group-b", description="second")
    changed = account.vpc.neutron_update_security_group(v2.NeutronUpdateSecurityGroupRequest(
        group.id, v2.NeutronUpdateSecurityGroupRequestBody(option)))
    assert changed.status_code == 200
    assert (changed.security_group.name, changed.security_group.description) == ("group-b", "second")

    def listed(**filters):
        found = account.vpc.neutron_list_security_groups(v2.NeutronListSecurityGroupsRequest(**filters))
        return {item.name for item in found.security_groups}

    assert listed(name="group-b") == listed(id=group.id) == listed(description="second") == {"group-b"}
    assert listed(name="group-a") == listed(tenant_id="0" * 32) == set()
    assert "group-b" in listed(tenant_id=account.project)
    deleted = account.vpc.neutron_delete_security_group(v2.NeutronDeleteSecurityGroupRequest(group.id))
    assert deleted.status_code == 204
    gone = v2.NeutronShowSecurityGroupRequest(group.id)
    missing(account.vpc.neutron_show_security_group, gone, 404, "404", "SecurityGroupNotFound")
    gone = v2.NeutronDeleteSecurityGroupRequest(group.id)
    missing(account.vpc.neutron_delete_security_group, gone, 404, "404", "SecurityGroupNotFound")


def test_rules_in_three_families(account):
    """api-vpc §8.2: the same rule, two spellings of its ports."""
    group = make.group(account).id
    one = rule_v1(account, group, protocol="tcp", port_range_min=80, port_range_max=80,
                  remote_ip_prefix="10.1.0.0/16", description="web")
    assert (one.port_range_min, one.port_range_max, one.ethertype) == (80, 80, "IPv4")
    assert (one.remote_ip_prefix, one.description, one.tenant_id) == ("10.1.0.0/16", "web", account.project)
    assert show_rule_v1(account, one.id) == one
    seen = show_rule_v3(account, one.id)
    # 1 is the default, though the reference says 100 (clients §6, trap 20).
    assert (seen.multiport, seen.priority, seen.action, seen.remote_ip_prefix) == ("80", 1, "allow", "10.1.0.0/16")

    two = rule_v2(account, group, "egress", ethertype="IPv6", protocol="udp", port_range_min=1, port_range_max=30,
                  remote_ip_prefix="2001:558:FC00::/39")
    assert two.remote_ip_prefix == "2001:558:fc00::/39"
    assert two.project_id == two.tenant_id == account.project
    assert show_rule_v2(account, two.id) == two
    assert show_rule_v3(account, two.id).multiport == "1-30"

    three = make.rule(account, group, protocol="tcp", multiport="22,3389,8000-8100", action="deny", priority=50,
                      remote_group_id=group, description="no way", enabled=True)
    assert (three.multiport, three.action, three.priority) == ("22,3389,8000-8100", "deny", 50)
    assert (three.remote_group_id, three.remote_ip_prefix, three.project_id) == (group, None, account.project)
    assert show_rule_v3(account, three.id) == three
    # A list of ports has no form in v1.
    assert (show_rule_v1(account, three.id).port_range_min, show_rule_v1(account, three.id).port_range_max) == (None, None)

    ping = rule_v1(account, group, protocol="icmp", port_range_min=8, port_range_max=0)
    assert (ping.port_range_min, ping.port_range_max) == (8, 0)
    assert show_rule_v3(account, ping.id).multiport is None
    every = rule_v1(account, group)
    assert (every.protocol, every.port_range_min, every.remote_ip_prefix, every.remote_group_id) == (None,) * 4

    assert len(show_v3(account, group).security_group_rules) == 4 + 5
    assert {rule.id for rule in show_v1(account, group).security_group_rules} == {
        rule.id for rule in show_v2(account, group).security_group_rules} == {
        rule.id for rule in show_v3(account, group).security_group_rules}

    assert account.vpc.delete_security_group_rule(v2.DeleteSecurityGroupRuleRequest(one.id)).status_code == 204
    gone = account.vpc.neutron_delete_security_group_rule(v2.NeutronDeleteSecurityGroupRuleRequest(two.id))
    assert gone.status_code == 204
    assert account.vpc3.delete_security_group_rule(v3.DeleteSecurityGroupRuleRequest(three.id)).status_code == 204
    missing(account.vpc.show_security_group_rule, v2.ShowSecurityGroupRuleRequest(one.id), 404, "VPC.0603", one.id)
    missing(account.vpc.delete_security_group_rule, v2.DeleteSecurityGroupRuleRequest(one.id), 404, "VPC.0603")
    missing(account.vpc.neutron_show_security_group_rule, v2.NeutronShowSecurityGroupRuleRequest(two.id),
            404, "404", "SecurityGroupRuleNotFound")
    missing(account.vpc3.show_security_group_rule, v3.ShowSecurityGroupRuleRequest(three.id), 404, "VPC.2204")
    missing(account.vpc3.delete_security_group_rule, v3.DeleteSecurityGroupRuleRequest(three.id), 404, "VPC.2204")


def test_several_rules_at_once(account):
    group = make.group(account).id
    web, mail = ({"direction": "ingress", "protocol": "tcp", "multiport": port, "priority": 5} for port in ("80", "25"))
    made = batch(account, group, [web, mail])
    assert made.status_code == 201
    assert [(rule.multiport, rule.priority) for rule in made.security_group_rules] == [("80", 5), ("25", 5)]
    dns = {"direction": "egress", "protocol": "udp", "multiport": "53"}
    with refused(409, "VPC.0602"):
        batch(account, group, [dns, web])
    assert len(show_v3(account, group).security_group_rules) == 6
    made = batch(account, group, [dns, web], ignore_duplicate=True)
    assert [rule.multiport for rule in made.security_group_rules] == ["53"]
    with refused(404, "VPC.2204", NOTHING):
        batch(account, NOTHING, [web])


def test_filters_of_rules(account):
    a, b = make.group(account, "group-a").id, make.group(account, "group-b").id
    deny = make.rule(account, a, protocol="tcp", multiport="22", action="deny", priority=7, description="ssh")
    allow = make.rule(account, a, "egress", protocol="udp", multiport="53", remote_ip_prefix="10.0.0.0/8")

    def v1(**filters):
        found = account.vpc.list_security_group_rules(v2.ListSecurityGroupRulesRequest(**filters))
        return {rule.id for rule in found.security_group_rules}

    def v2_0(**filters):
        found = account.vpc.neutron_list_security_group_rules(v2.NeutronListSecurityGroupRulesRequest(**filters))
        return {rule.id for rule in found.security_group_rules}

    def v3_(**filters):
        found = account.vpc3.list_security_group_rules(v3.ListSecurityGroupRulesRequest(**filters))
        return {rule.id for rule in found.security_group_rules}

    of_a = {rule.id for rule in show_v3(account, a).security_group_rules}
    assert v1(security_group_id=a) == v2_0(security_group_id=a) == v3_(security_group_id=[a]) == of_a
    assert v3_(security_group_id=[a, b]) > of_a
    assert v1(remote_ip_prefix="10.0.0.0/8") == v2_0(remote_ip_prefix="10.0.0.0/8") == {allow.id}
    assert v2_0(security_group_id=a, protocol="tcp") == {deny.id}
    assert v2_0(security_group_id=a, port_range_min="22", port_range_max="22") == {deny.id}
    assert v2_0(security_group_id=a, direction="egress", protocol="udp") == v2_0(id=allow.id) == {allow.id}
    assert v2_0(description="ssh", ethertype="IPv4", tenant_id=account.project) == {deny.id}
    assert v3_(security_group_id=[a], protocol=["tcp", "icmp"]) == {deny.id}
    assert v3_(action="deny") == v3_(priority=[7]) == v3_(description=["ssh"]) == {deny.id}
    assert v3_(direction="egress", remote_ip_prefix="10.0.0.0/8", ethertype=["IPv4"]) == {allow.id}
    assert v3_(id=[deny.id, allow.id], enabled=True) == {deny.id, allow.id}
    assert v3_(enabled=False) == set()
    assert len(v3_(remote_group_id=[a])) == 2


def test_filters_of_groups(account):
    a, b = make.group(account, "group-a", description="one"), make.group(account, "group-b")

    def v3_(**filters):
        found = account.vpc3.list_security_groups(v3.ListSecurityGroupsRequest(**filters)).security_groups
        # Lists have no rules.
        assert all("security_group_rules" not in item.to_dict() for item in found)
        return {item.name for item in found}

    assert v3_() >= {"group-a", "group-b"}
    assert v3_(id=[a.id, b.id]) == v3_(name=["group-a", "group-b"]) == {"group-a", "group-b"}
    assert v3_(description=["one"]) == {"group-a"}
    assert v3_(enterprise_project_id=NOTHING) == v3_(name=["group"]) == set()
    names = {item.name for item in account.vpc.list_security_groups(
        v2.ListSecurityGroupsRequest(enterprise_project_id="0")).security_groups}
    assert names >= {"group-a", "group-b"}


def test_rules_that_cannot_be(account):
    group = make.group(account).id
    make.rule(account, group, protocol="tcp", multiport="80")
    with refused(409, "VPC.0602", "rule"):
        make.rule(account, group, protocol="tcp", multiport="80")
    with refused(409, "VPC.0602"):
        rule_v1(account, group, protocol="tcp", port_range_min=80, port_range_max=80)
    with refused(409, "409", "SecurityGroupRuleExists"):
        rule_v2(account, group, protocol="tcp", port_range_min=80, port_range_max=80)
    for fields in [
        {"direction": "sideways"}, {"ethertype": "IPv5"}, {"protocol": "no such protocol"}, {"protocol": "256"},
        {"protocol": "tcp", "multiport": "0"}, {"protocol": "tcp", "multiport": "80-22"},
        {"protocol": "tcp", "multiport": "65536"}, {"priority": 0}, {"priority": 101}, {"action": "maybe"},
        {"remote_ip_prefix": "no range"}, {"remote_ip_prefix": "2001:db8::/32"},
        {"remote_ip_prefix": "10.0.0.0/8", "remote_group_id": group}, {"description": "<b>"},
        {"protocol": "icmpv6"}, {"protocol": "icmp", "multiport": "8"}, {"multiport": "80"}, {"protocol": "tcp", "multiport": ",".join(str(n) for n in range(1, 22))},
    ]:
        with refused(400, "VPC.0601"):
            make.rule(account, group, **fields)
    with refused(400, "VPC.0601", "port_range"):
        rule_v1(account, group, protocol="tcp", port_range_min=90, port_range_max=80)
    # A wrong body of v3 is never 404 (clients §6, trap 21).
    with refused(400, "VPC.0601", NOTHING):
        make.rule(account, NOTHING)
    with refused(404, "VPC.0603", NOTHING):
        rule_v1(account, NOTHING)
    with refused(400, "VPC.0601", NOTHING):
        make.rule(account, group, remote_group_id=NOTHING)
    assert len(show_v3(account, group).security_group_rules) == 5


def test_groups_that_cannot_be(account):
    for name in ("", "n" * 65):
        with refused(400, "VPC.0601", "name"):
            make.group(account, name)
        with refused(400, "VPC.0601", "name"):
            create_v1(account, name=name)
        with refused(400, "400", "name"):
            create_v2(account, name=name)
    with refused(400, "VPC.0601", "description"):
        make.group(account, description="<b>")
    # Two of one name are good.
    assert make.group(account).id != make.group(account).id


def test_a_group_that_is_in_use_stays(account):
    group, remote = make.group(account, "group-a").id, make.group(account, "group-b").id
    subnet = make.subnet(account, make.vpc(account).id)
    port = make.port(account, subnet.id, security_groups=[group])
    rule = make.rule(account, group, remote_group_id=remote)
    for used, user in [(group, port.id), (remote, group)]:
        with refused(409, "VPC.0602", user):
            account.vpc3.delete_security_group(v3.DeleteSecurityGroupRequest(used))
        with refused(409, "VPC.0602", user):
            account.vpc.delete_security_group(v2.DeleteSecurityGroupRequest(used))
        with refused(409, "409", "SecurityGroupInUse"):
            account.vpc.neutron_delete_security_group(v2.NeutronDeleteSecurityGroupRequest(used))
    account.vpc3.delete_security_group_rule(v3.DeleteSecurityGroupRuleRequest(rule.id))
    account.vpc.delete_port(v2.DeletePortRequest(port.id))
    for unused in (group, remote):
        assert account.vpc3.delete_security_group(v3.DeleteSecurityGroupRequest(unused)).status_code == 204


def test_the_default_group_stays(account):
    make.port(account, make.subnet(account, make.vpc(account).id).id)
    [default] = account.vpc3.list_security_groups(v3.ListSecurityGroupsRequest(name=["default"])).security_groups
    # Not 409: Terraform would try until its time is over.
    with refused(403, "VPC.0010", "default"):
        account.vpc3.delete_security_group(v3.DeleteSecurityGroupRequest(default.id))
    with refused(403, "403", "SecurityGroupCannotRemoveDefault"):
        account.vpc.neutron_delete_security_group(v2.NeutronDeleteSecurityGroupRequest(default.id))
    # Its rules are the user's.
    rule = make.rule(account, default.id, protocol="tcp", multiport="5432")
    assert rule.security_group_id == default.id


@pytest.mark.parametrize("dry_run", [None, True])
def test_a_dry_run_of_a_creation(account, dry_run):
    body = v3.CreateSecurityGroupRequestBody(
        dry_run=dry_run, security_group=v3.CreateSecurityGroupOption(name="group-a"))
    made = account.vpc3.create_security_group(v3.CreateSecurityGroupRequest(body))
    assert made.status_code == (202 if dry_run else 201)
    found = account.vpc3.list_security_groups(v3.ListSecurityGroupsRequest(name=["group-a"])).security_groups
    assert len(found) == (0 if dry_run else 1)
