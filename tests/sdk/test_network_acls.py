"""Network ACLs: firewalls of v3 and firewall groups, policies and rules of v2.0 (api-vpc §9)."""

import huaweicloudsdkvpc.v2 as v2
import huaweicloudsdkvpc.v3 as v3

import make
from make import NOTHING, UUID, missing, refused


def create(account, dry_run=None, **fields):
    option = v3.CreateFirewallOption(**fields)
    return account.vpc3.create_firewall(
        v3.CreateFirewallRequest(v3.CreateFirewallRequestBody(firewall=option, dry_run=dry_run)))


def firewall(account, name="acl-a", **fields):
    return create(account, name=name, **fields).firewall


def show(account, firewall_id):
    return account.vpc3.show_firewall(v3.ShowFirewallRequest(firewall_id)).firewall


def update(account, firewall_id, **fields):
    option = v3.UpdateFirewallOption(**fields)
    return account.vpc3.update_firewall(
        v3.UpdateFirewallRequest(firewall_id, v3.UpdateFirewallRequestBody(firewall=option))).firewall


def delete(account, firewall_id):
    return account.vpc3.delete_firewall(v3.DeleteFirewallRequest(firewall_id))


def rule(name="", action="allow", protocol="tcp", ip_version=4, **fields):
    return v3.FirewallInsertRuleItemOption(
        name=name, action=action, protocol=protocol, ip_version=ip_version, **fields)


def insert(account, firewall_id, ingress=None, egress=None, after=None):
    option = v3.FirewallInsertRuleOption(ingress_rules=ingress, egress_rules=egress, insert_after_rule=after)
    return account.vpc3.add_firewall_rules(
        v3.AddFirewallRulesRequest(firewall_id, v3.AddFirewallRulesRequestBody(firewall=option))).firewall


def change(account, firewall_id, ingress=None, egress=None):
    option = v3.FirewallUpdateRuleOption(ingress_rules=ingress, egress_rules=egress)
    return account.vpc3.update_firewall_rules(
        v3.UpdateFirewallRulesRequest(firewall_id, v3.UpdateFirewallRulesRequestBody(firewall=option))).firewall


def remove(account, firewall_id, ingress=(), egress=()):
    option = v3.FirewallRemoveRuleOption(
        ingress_rules=[v3.FirewallRemoveRuleItemOption(item) for item in ingress],
        egress_rules=[v3.FirewallRemoveRuleItemOption(item) for item in egress])
    return account.vpc3.remove_firewall_rules(
        v3.RemoveFirewallRulesRequest(firewall_id, v3.RemoveFirewallRulesRequestBody(firewall=option))).firewall


def associate(account, firewall_id, *subnets):
    body = v3.AssociateSubnetFirewallRequestBody(subnets=[v3.FirewallAssociation(subnet) for subnet in subnets])
    return account.vpc3.associate_subnet_firewall(v3.AssociateSubnetFirewallRequest(firewall_id, body)).firewall


def disassociate(account, firewall_id, *subnets):
    body = v3.DisassociateSubnetFirewallRequestBody(subnets=[v3.FirewallAssociation(subnet) for subnet in subnets])
    return account.vpc3.disassociate_subnet_firewall(v3.DisassociateSubnetFirewallRequest(firewall_id, body)).firewall


def names(rules):
    return [item.name for item in rules]


def test_an_acl_is_made_changed_and_deleted(account):
    made = create(account, name="acl-a", description="first", admin_state_up=False)
    assert made.status_code == 201 and made.request_id
    acl = made.firewall
    assert UUID.fullmatch(acl.id)
    assert (acl.name, acl.description, acl.project_id) == ("acl-a", "first", account.project)
    assert (acl.admin_state_up, acl.status, acl.enterprise_project_id) == (False, "INACTIVE", "0")
    assert (acl.ingress_rules, acl.egress_rules, acl.associations, acl.tags) == ([], [], [], [])
    changed = update(account, acl.id, name="acl-b", admin_state_up=True)
    assert (changed.name, changed.description, changed.admin_state_up) == ("acl-b", "first", True)
    assert show(account, acl.id).name == "acl-b"
    [listed] = account.vpc3.list_firewall(v3.ListFirewallRequest(name=["acl-b"])).firewalls
    assert listed.id == acl.id
    assert delete(account, acl.id).status_code == 204
    missing(account.vpc3.show_firewall, v3.ShowFirewallRequest(acl.id), 404, "VPC.2204")


def test_a_dry_run_makes_nothing(account):
    assert create(account, dry_run=True, name="acl-a").status_code == 202
    assert account.vpc3.list_firewall(v3.ListFirewallRequest()).firewalls == []


def test_lists_are_paged_by_the_last_id(account):
    made = sorted(firewall(account, f"acl-{number}").id for number in range(5))
    seen, marker = [], None
    while True:
        page = account.vpc3.list_firewall(v3.ListFirewallRequest(limit=2, marker=marker))
        if not page.firewalls:
            break
        assert page.page_info.current_count == len(page.firewalls)
        marker = page.firewalls[-1].id
        seen += [item.id for item in page.firewalls]
    assert seen == made


def test_rules_keep_the_order_that_they_were_given(account):
    """ACL-3; clients §6, trap 25."""
    acl = firewall(account)
    first = insert(account, acl.id, [rule("c"), rule("d")], [rule("e", "deny", "any")])
    assert (names(first.ingress_rules), names(first.egress_rules)) == (["c", "d"], ["e"])
    insert(account, acl.id, [rule("a"), rule("b")])
    after = insert(account, acl.id, [rule("c1")], after=first.ingress_rules[0].id)
    assert names(after.ingress_rules) == ["a", "b", "c", "c1", "d"]
    assert names(show(account, acl.id).ingress_rules) == ["a", "b", "c", "c1", "d"]
    left = remove(account, acl.id, [after.ingress_rules[0].id, after.ingress_rules[4].id], [after.egress_rules[0].id])
    assert (names(left.ingress_rules), left.egress_rules) == (["b", "c", "c1"], [])


def test_every_field_of_a_rule_comes_back(account):
    acl = firewall(account)
    given = rule("full", "deny", "udp", 4, description="text", source_ip_address="10.0.0.0/24",
                 destination_ip_address="10.1.0.1", source_port="1-1024", destination_port="53,123", enabled=False)
    six = rule("six", "allow", "icmpv6", 6, source_ip_address="2001:db8::/32")
    made = insert(account, acl.id, [given, six])
    for option, found in zip([given, six], made.ingress_rules):
        for field in option.openapi_types:
            if getattr(option, field) is not None:
                assert getattr(found, field) == getattr(option, field), field
    changed = change(account, acl.id, [v3.FirewallUpdateRuleItemOption(
        id=made.ingress_rules[0].id, action="allow", protocol="tcp", destination_port="443", enabled=True)])
    found = changed.ingress_rules[0]
    assert (found.action, found.protocol, found.destination_port, found.enabled) == ("allow", "tcp", "443", True)
    assert (found.name, found.source_ip_address, found.source_port) == ("full", "10.0.0.0/24", "1-1024")


def test_wrong_rules_are_refused_as_a_whole(account):
    acl = firewall(account)
    for wrong in [
        rule(action="maybe"),
        rule(protocol="icmpv6"),
        rule(protocol="any", destination_port="80"),
        rule(destination_port="0"),
        rule(destination_port=",".join(str(port) for port in range(1, 22))),
        rule(source_ip_address="::/0"),
        rule(source_ip_address="10.0.0.0/8", source_address_group_id=NOTHING),
        rule(ip_version=5),
    ]:
        with refused(400, "VPC.2500"):
            insert(account, acl.id, [rule("good"), wrong])
    with refused(404, "VPC.2204", "address group"):
        insert(account, acl.id, [rule(source_address_group_id=NOTHING)])
    with refused(400, "VPC.2500", "not in the ingress rules"):
        remove(account, acl.id, [NOTHING])
    with refused(400, "VPC.2500", "not in the ingress rules"):
        change(account, acl.id, [v3.FirewallUpdateRuleItemOption(id=NOTHING)])
    with refused(400, "VPC.2500"):
        insert(account, acl.id, [rule("x")], [rule("y")], after=NOTHING)
    assert show(account, acl.id).ingress_rules == []


def test_a_subnet_is_under_one_acl(account):
    """ACL-1."""
    vpc = make.vpc(account)
    one, two = make.subnet(account, vpc.id), make.subnet(account, vpc.id, "10.0.2.0/24", "subnet-b")
    first, second = firewall(account, "first"), firewall(account, "second")
    on = associate(account, first.id, one.id, two.id)
    assert {item.virsubnet_id for item in on.associations} == {one.id, two.id} and on.status == "ACTIVE"
    with refused(409, "VPC.2500", "first"):
        associate(account, second.id, one.id)
    with refused(409, "VPC.0107"):
        delete(account, first.id)
    with refused(400, "VPC.2500", "not associated"):
        disassociate(account, second.id, one.id)
    assert len(disassociate(account, first.id, one.id).associations) == 1
    associate(account, second.id, one.id)
    make.delete_subnet(account, two)
    assert delete(account, first.id).status_code == 204


def test_acls_of_others_are_not_there(account, other):
    acl = firewall(other)
    missing(account.vpc3.show_firewall, v3.ShowFirewallRequest(acl.id), 404, "VPC.2204")
    with refused(404, "VPC.2204"):
        update(account, acl.id, name="mine")
    with refused(404, "VPC.2204"):
        delete(account, acl.id)
    own = firewall(account)
    theirs = make.subnet(other, make.vpc(other).id)
    with refused(404, "VPC.2204"):
        associate(account, own.id, theirs.id)


def rule_v2(account, **fields):
    option = v2.NeutronCreateFirewallRuleOption(**fields)
    return account.vpc.neutron_create_firewall_rule(v2.NeutronCreateFirewallRuleRequest(
        v2.NeutronCreateFirewallRuleRequestBody(option))).firewall_rule


def policy_v2(account, **fields):
    option = v2.NeutronCreateFirewallPolicyOption(**fields)
    return account.vpc.neutron_create_firewall_policy(v2.NeutronCreateFirewallPolicyRequest(
        v2.NeutronCreateFirewallPolicyRequestBody(option))).firewall_policy


def group_v2(account, **fields):
    option = v2.NeutronCreateFirewallGroupOption(**fields)
    return account.vpc.neutron_create_firewall_group(v2.NeutronCreateFirewallGroupRequest(
        v2.NeutronCreateFirewallGroupRequestBody(option))).firewall_group


def insert_v2(account, policy_id, rule_id, **fields):
    body = v2.NeutronInsertFirewallRuleRequestBody(firewall_rule_id=rule_id, **fields)
    return account.vpc.neutron_add_firewall_rule(v2.NeutronAddFirewallRuleRequest(policy_id, body))


def remove_v2(account, policy_id, rule_id):
    body = v2.NeutronRemoveFirewallRuleRequestBody(rule_id)
    return account.vpc.neutron_remove_firewall_rule(v2.NeutronRemoveFirewallRuleRequest(policy_id, body))


def test_the_second_form_shows_and_changes_the_same_acls(account):
    rules = [rule_v2(account, name=name, action="allow", protocol="tcp", destination_port="80:90") for name in "abc"]
    a, b, c = (item.id for item in rules)
    assert (rules[0].destination_port, rules[0].ip_version, rules[0].public) == ("80:90", 4, False)
    policy = policy_v2(account, name="policy", firewall_rules=[a, b], audited=True)
    assert policy.firewall_rules == [a, b] and policy.audited
    group = group_v2(account, name="group", ingress_firewall_policy_id=policy.id)
    assert (group.ingress_firewall_policy_id, group.ports, group.status) == (policy.id, [], "INACTIVE")
    assert insert_v2(account, policy.id, c, insert_before=b).firewall_rules == [a, c, b]
    assert names(show(account, group.id).ingress_rules) == ["a", "c", "b"]
    assert remove_v2(account, policy.id, a).firewall_rules == [c, b]
    account.vpc.neutron_update_firewall_rule(v2.NeutronUpdateFirewallRuleRequest(
        c, v2.NeutronUpdateFirewallRuleRequestBody(v2.NeutronUpdateFirewallRuleOption(name="x"))))
    assert names(show(account, group.id).ingress_rules) == ["x", "b"]
    account.vpc.neutron_update_firewall_policy(v2.NeutronUpdateFirewallPolicyRequest(
        policy.id, v2.NeutronUpdateFirewallPolicyRequestBody(
            v2.NeutronUpdateFirewallPolicyOption(firewall_rules=[b, a]))))
    assert names(show(account, group.id).ingress_rules) == ["b", "a"]
    with refused(409, "409", "FirewallPolicyInUse"):
        account.vpc.neutron_delete_firewall_policy(v2.NeutronDeleteFirewallPolicyRequest(policy.id))
    with refused(409, "409", "FirewallRuleInUse"):
        account.vpc.neutron_delete_firewall_rule(v2.NeutronDeleteFirewallRuleRequest(a))
    changed = account.vpc.neutron_update_firewall_group(v2.NeutronUpdateFirewallGroupRequest(
        group.id, v2.NeutronUpdateFirewallGroupRequestBody(
            v2.NeutronUpdateFirewallGroupOption(name="new", admin_state_up=False)))).firewall_group
    assert (changed.name, changed.admin_state_up) == ("new", False)
    shown = account.vpc.neutron_show_firewall_group(v2.NeutronShowFirewallGroupRequest(group.id)).firewall_group
    assert shown.name == "new"
    assert account.vpc.neutron_delete_firewall_group(
        v2.NeutronDeleteFirewallGroupRequest(group.id)).status_code == 204
    account.vpc.neutron_delete_firewall_policy(v2.NeutronDeleteFirewallPolicyRequest(policy.id))
    account.vpc.neutron_delete_firewall_rule(v2.NeutronDeleteFirewallRuleRequest(a))
    missing(account.vpc.neutron_show_firewall_rule, v2.NeutronShowFirewallRuleRequest(a), 404, "404",
            "FirewallRuleNotFound")


def test_an_acl_of_v3_is_a_group_with_policies(account):
    acl = firewall(account)
    made = insert(account, acl.id, [rule("r", source_ip_address="10.0.0.0/8")])
    [group] = account.vpc.neutron_list_firewall_groups(v2.NeutronListFirewallGroupsRequest(name=["acl-a"])).firewall_groups
    assert group.id == acl.id
    shown = account.vpc.neutron_show_firewall_policy(
        v2.NeutronShowFirewallPolicyRequest(group.ingress_firewall_policy_id)).firewall_policy
    assert shown.firewall_rules == [made.ingress_rules[0].id]
    [found] = account.vpc.neutron_list_firewall_rules(v2.NeutronListFirewallRulesRequest(name=["r"])).firewall_rules
    assert (found.id, found.source_ip_address) == (made.ingress_rules[0].id, "10.0.0.0/8")
    again = account.vpc.neutron_show_firewall_rule(v2.NeutronShowFirewallRuleRequest(found.id)).firewall_rule
    assert (again.name, again.action, again.ip_version) == ("r", "allow", 4)
    policies = account.vpc.neutron_list_firewall_policies(v2.NeutronListFirewallPoliciesRequest()).firewall_policies
    assert [item.id for item in policies] == [shown.id]


def test_the_second_form_names_subnets_by_their_router_interfaces(account):
    subnet = make.subnet(account, make.vpc(account).id)
    [interface] = account.vpc.neutron_list_ports(v2.NeutronListPortsRequest(
        device_owner="network:router_interface_distributed", network_id=subnet.id)).ports
    group = group_v2(account, name="group", ports=[interface.id])
    assert (group.ports, group.status) == ([interface.id], "ACTIVE")
    assert [item.virsubnet_id for item in show(account, group.id).associations] == [subnet.id]
