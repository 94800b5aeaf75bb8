use model::{Direction, IpVersion, Protocol, Remote, RuleAction, SecurityGroup, SecurityGroupId, ServiceRange};

use super::fixture::World;
use crate::{
    Caller, CreatePort, CreateSecurityGroup, CreateSecurityGroupRules, Error, GroupUse, Limits, NewSecurityGroupRule,
    UpdateSecurityGroup, create_port, create_security_group, create_security_group_rules, delete_security_group,
    delete_security_group_rule, update_security_group,
};

fn group(world: &mut World, caller: &Caller, name: &str) -> SecurityGroup {
    let request = CreateSecurityGroup { name: name.into(), ..CreateSecurityGroup::default() };
    world.ok(|c, x| create_security_group(c, caller, x, request))
}

fn add(world: &mut World, caller: &Caller, group: SecurityGroupId, rule: NewSecurityGroupRule) -> Result<usize, Error> {
    let request = CreateSecurityGroupRules { group, rules: vec![rule], ignore_duplicates: false };
    world.call(|c, x| create_security_group_rules(c, caller, x, request)).map(|(added, _)| added.len())
}

fn ingress() -> NewSecurityGroupRule {
    NewSecurityGroupRule::allow(Direction::Ingress)
}

/// api-vpc section 8.1.
#[test]
fn a_new_group_has_four_default_rules() {
    let mut world = World::new();
    let a = world.a.clone();
    let group = group(&mut world, &a, "web");
    let mut rules: Vec<_> = group
        .rules
        .iter()
        .map(|rule| (rule.direction, rule.version, rule.action, rule.priority, rule.remote, rule.protocol))
        .collect();
    rules.sort_unstable();
    let row = |direction, version, remote| (direction, version, RuleAction::Allow, 100, remote, None);
    let own = Remote::Group(group.id);
    assert_eq!(
        rules,
        [
            row(Direction::Ingress, IpVersion::V4, own),
            row(Direction::Ingress, IpVersion::V6, own),
            row(Direction::Egress, IpVersion::V4, Remote::Any),
            row(Direction::Egress, IpVersion::V6, Remote::Any),
        ]
    );
}

/// SG-10.
#[test]
fn the_default_group_cannot_be_deleted_and_can_be_edited() {
    let mut world = World::new();
    let a = world.a.clone();
    let default = world.catalog.default_security_group(world.project(&a)).unwrap().clone();
    let error = world.refused(|c, x| delete_security_group(c, &a, x, default.id));
    assert_eq!(error, Error::DefaultGroup { group: default.id });
    let rename = UpdateSecurityGroup { name: Some("other".into()), description: None };
    assert_eq!(world.refused(|c, x| update_security_group(c, &a, x, default.id, rename)).code(), "default_group");
    let rule = default.rules[0].id;
    world.ok(|c, x| delete_security_group_rule(c, &a, x, rule));
    assert_eq!(world.catalog.security_group(default.id).unwrap().rules.len(), 5);
    assert_eq!(world.refused(|c, x| delete_security_group_rule(c, &a, x, rule)).code(), "not_found");
}

#[test]
fn a_group_in_use_cannot_be_deleted() {
    let mut world = World::new();
    let a = world.a.clone();
    let (web, db) = (group(&mut world, &a, "web").id, group(&mut world, &a, "db").id);
    add(&mut world, &a, db, NewSecurityGroupRule { remote: Remote::Group(web), ..ingress() }).unwrap();
    let error = world.refused(|c, x| delete_security_group(c, &a, x, web));
    assert_eq!(error, Error::GroupInUse { group: web, by: GroupUse::Rules(vec![db]) });
    let vpc = world.vpc(&a, "vpc", "10.0.0.0/16").id;
    let subnet = world.subnet(&a, vpc, "10.0.0.0/24").id;
    let request = CreatePort { security_groups: Some(vec![db]), ..CreatePort::new(subnet) };
    let port = world.ok(|c, x| create_port(c, &a, x, request)).id;
    let error = world.refused(|c, x| delete_security_group(c, &a, x, db));
    assert_eq!(error, Error::GroupInUse { group: db, by: GroupUse::Ports(vec![port]) });
}

/// SG-8.
#[test]
fn rules_name_groups_of_the_same_account_and_region() {
    let mut world = World::new();
    let (a, b) = (world.a.clone(), world.b.clone());
    let abroad = world.elsewhere(&a);
    let (own, theirs, far) =
        (group(&mut world, &a, "own").id, group(&mut world, &b, "theirs").id, group(&mut world, &abroad, "far").id);
    let named = |group| NewSecurityGroupRule { remote: Remote::Group(group), ..ingress() };
    assert_eq!(add(&mut world, &a, own, named(own)), Ok(1));
    assert_eq!(add(&mut world, &a, own, named(theirs)).unwrap_err().code(), "not_found");
    assert_eq!(add(&mut world, &a, own, named(far)).unwrap_err().code(), "not_found");
    assert_eq!(add(&mut world, &a, theirs, ingress()).unwrap_err().code(), "not_found");
}

#[test]
fn malformed_rules_are_refused() {
    let mut world = World::new();
    let a = world.a.clone();
    let group = group(&mut world, &a, "g").id;
    let range = |first, last| vec![ServiceRange { first, last }];
    let wrong = [
        NewSecurityGroupRule { priority: 0, ..ingress() },
        NewSecurityGroupRule { priority: 101, ..ingress() },
        NewSecurityGroupRule { protocol: Some(Protocol::ICMPV6), ..ingress() },
        NewSecurityGroupRule { protocol: Some(Protocol::ICMP), version: IpVersion::V6, ..ingress() },
        NewSecurityGroupRule { remote: Remote::Cidr("::/0".parse().unwrap()), ..ingress() },
        NewSecurityGroupRule { services: range(80, 80), ..ingress() },
        NewSecurityGroupRule { services: range(80, 80), protocol: Some(Protocol(50)), ..ingress() },
        NewSecurityGroupRule { services: range(0, 80), protocol: Some(Protocol::TCP), ..ingress() },
        NewSecurityGroupRule { services: range(80, 79), protocol: Some(Protocol::UDP), ..ingress() },
        NewSecurityGroupRule {
            services: (1..=21).map(|n| ServiceRange { first: n, last: n }).collect(),
            protocol: Some(Protocol::TCP),
            ..ingress()
        },
    ];
    for rule in wrong {
        assert_eq!(add(&mut world, &a, group, rule.clone()).unwrap_err().code(), "invalid_parameter", "{rule:?}");
    }
    let described = NewSecurityGroupRule { description: "<".into(), ..ingress() };
    assert_eq!(add(&mut world, &a, group, described).unwrap_err().code(), "invalid_description");
}

#[test]
fn ranges_are_stored_in_canonical_form_and_duplicates_refused() {
    let mut world = World::new();
    let a = world.a.clone();
    let group = group(&mut world, &a, "g").id;
    let rule = |net: &str| NewSecurityGroupRule { remote: Remote::Cidr(net.parse().unwrap()), ..ingress() };
    add(&mut world, &a, group, rule("10.1.2.3/16")).unwrap();
    let stored = |world: &World| world.catalog.security_group(group).unwrap().rules.clone();
    assert!(stored(&world).iter().any(|rule| rule.remote == Remote::Cidr("10.1.0.0/16".parse().unwrap())));
    assert_eq!(add(&mut world, &a, group, rule("10.1.0.0/16")).unwrap_err().code(), "rule_exists");
    let rules = vec![rule("10.1.0.0/16"), rule("10.2.0.0/16")];
    let request = CreateSecurityGroupRules { group, rules, ignore_duplicates: true };
    assert_eq!(world.ok(|c, x| create_security_group_rules(c, &a, x, request)).len(), 1);
    assert_eq!(stored(&world).len(), 6);
}

/// SG-12.
#[test]
fn groups_and_rules_are_limited() {
    let mut world = World::new();
    let a = world.a.clone();
    world.limits = Limits { security_groups: 2, rules_per_group: 5, ..Limits::default() };
    let web = group(&mut world, &a, "web").id;
    let request = CreateSecurityGroup { name: "x".into(), ..CreateSecurityGroup::default() };
    assert_eq!(world.refused(|c, x| create_security_group(c, &a, x, request)).code(), "quota_exceeded");
    assert_eq!(add(&mut world, &a, web, ingress()), Ok(1));
    let second = NewSecurityGroupRule { priority: 2, ..ingress() };
    assert_eq!(add(&mut world, &a, web, second.clone()).unwrap_err().code(), "quota_exceeded");
    world.limits = Limits { security_group_rules: 11, ..Limits::default() };
    assert_eq!(add(&mut world, &a, web, second).unwrap_err().code(), "quota_exceeded");
}
