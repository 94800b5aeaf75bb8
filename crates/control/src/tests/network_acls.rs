//! Network ACLs through the calls that work on one ACL.

use std::collections::BTreeSet;

use model::{
    AclAddress, Direction, IpVersion, NetworkAcl, NetworkAclId, NetworkAclRuleId, Protocol, RuleAction, ServiceRange,
    SubnetId,
};

use super::fixture::World;
use super::invariants::check;
use crate::{
    AclAddressUpdate, Caller, CreateNetworkAcl, Error, InsertNetworkAclRules, Limits, NewNetworkAclRule,
    UpdateNetworkAcl, UpdateNetworkAclRule, associate_subnets, create_network_acl, delete_network_acl, delete_subnet,
    disassociate_subnets, insert_network_acl_rules, network_acl, network_acls, remove_network_acl_rules,
    update_network_acl, update_network_acl_rules,
};

pub(super) fn acl(world: &mut World, caller: &Caller, name: &str) -> NetworkAcl {
    let request = CreateNetworkAcl { name: name.into(), ..CreateNetworkAcl::default() };
    world.ok(|c, x| create_network_acl(c, caller, x, request))
}

pub(super) fn named(name: &str) -> NewNetworkAclRule {
    NewNetworkAclRule { name: name.into(), ..NewNetworkAclRule::new(RuleAction::Allow) }
}

fn ingress(acl: NetworkAclId, names: &[&str], after: Option<NetworkAclRuleId>) -> InsertNetworkAclRules {
    let ingress = names.iter().map(|name| named(name)).collect();
    InsertNetworkAclRules { acl, ingress, egress: Vec::new(), after }
}

fn insert(world: &mut World, caller: &Caller, request: InsertNetworkAclRules) -> Result<NetworkAcl, Error> {
    let done = world.call(|c, x| insert_network_acl_rules(c, caller, x, request)).map(|(acl, _)| acl);
    check(&world.catalog, &world.limits);
    done
}

fn names(acl: &NetworkAcl, direction: Direction) -> Vec<&str> {
    acl.rules(direction).iter().map(|rule| rule.name.as_str()).collect()
}

fn set(subnets: &[SubnetId]) -> BTreeSet<SubnetId> {
    subnets.iter().copied().collect()
}

/// ACL-3: a new ACL has no rules; new rules go in front, in the order given, or behind one that is there.
#[test]
fn rules_keep_the_order_that_they_were_put_in() {
    let mut world = World::new();
    let a = world.a.clone();
    let id = acl(&mut world, &a, "acl").id;
    let first = insert(&mut world, &a, ingress(id, &["c", "d"], None)).unwrap();
    insert(&mut world, &a, ingress(id, &["a", "b"], None)).unwrap();
    let c = first.ingress[0].id;
    let last = insert(&mut world, &a, ingress(id, &["c1", "c2"], Some(c))).unwrap();
    assert_eq!(names(&last, Direction::Ingress), ["a", "b", "c", "c1", "c2", "d"]);
    assert!(last.egress.is_empty());
    let both = InsertNetworkAclRules { acl: id, ingress: vec![named("0")], egress: vec![named("e")], after: None };
    let last = insert(&mut world, &a, both.clone()).unwrap();
    assert_eq!(names(&last, Direction::Ingress)[..2], ["0", "a"]);
    assert_eq!(names(&last, Direction::Egress), ["e"]);

    let refused = |world: &mut World, request| insert(world, &a, request).unwrap_err().code();
    assert_eq!(refused(&mut world, InsertNetworkAclRules { after: Some(c), ..both.clone() }), "invalid_parameter");
    let egress = InsertNetworkAclRules { ingress: Vec::new(), after: Some(c), ..both };
    assert_eq!(refused(&mut world, egress), "rule_not_in_network_acl");
    assert_eq!(refused(&mut world, ingress(id, &[], None)), "invalid_parameter");
}

/// ACL-3: a change keeps the place; all rules of a call change, or none.
#[test]
fn rules_are_changed_in_place_and_removed_for_good() {
    let mut world = World::new();
    let a = world.a.clone();
    let id = acl(&mut world, &a, "acl").id;
    let rules = insert(&mut world, &a, ingress(id, &["a", "b", "c"], None)).unwrap().ingress;
    let [a1, b1, c1] = [rules[0].id, rules[1].id, rules[2].id];
    let net = "10.0.0.0/24".parse().unwrap();
    let update = UpdateNetworkAclRule {
        action: Some(RuleAction::Deny),
        protocol: Some(Some(Protocol::TCP)),
        source: AclAddressUpdate::Set(AclAddress::Cidr(net)),
        destination_ports: Some(vec![ServiceRange { first: 445, last: 445 }]),
        ..UpdateNetworkAclRule::default()
    };
    let changed = world.ok(|c, x| update_network_acl_rules(c, &a, x, id, vec![(b1, update.clone())], vec![]));
    check(&world.catalog, &world.limits);
    let rule = &changed.ingress[1];
    assert_eq!((rule.id, rule.name.as_str(), rule.action), (b1, "b", RuleAction::Deny));
    assert_eq!((rule.source, rule.destination), (AclAddress::Cidr(net), AclAddress::Any));

    let wrong = UpdateNetworkAclRule { version: Some(IpVersion::V6), ..UpdateNetworkAclRule::default() };
    let both = vec![(a1, UpdateNetworkAclRule { enabled: Some(false), ..Default::default() }), (b1, wrong)];
    assert_eq!(world.refused(|c, x| update_network_acl_rules(c, &a, x, id, both, vec![])).code(), "invalid_parameter");
    let elsewhere = vec![(a1, UpdateNetworkAclRule::default())];
    let error = world.refused(|c, x| update_network_acl_rules(c, &a, x, id, vec![], elsewhere));
    assert_eq!(error, Error::RuleNotInNetworkAcl { rule: a1, acl: id, direction: Direction::Egress });

    let left = world.ok(|c, x| remove_network_acl_rules(c, &a, x, id, &[a1, c1], &[]));
    check(&world.catalog, &world.limits);
    assert_eq!(names(&left, Direction::Ingress), ["b"]);
    assert!(world.catalog.network_acl_rule(a1).is_none() && world.catalog.network_acl_rule(b1).is_some());
    let again = world.refused(|c, x| remove_network_acl_rules(c, &a, x, id, &[b1, a1], &[]));
    assert_eq!(again.code(), "rule_not_in_network_acl");
    let twice = world.refused(|c, x| remove_network_acl_rules(c, &a, x, id, &[b1, b1], &[]));
    assert_eq!(twice.code(), "invalid_parameter");
    assert_eq!(world.refused(|c, x| remove_network_acl_rules(c, &a, x, id, &[], &[])).code(), "invalid_parameter");
}

#[test]
fn malformed_rules_are_refused() {
    let mut world = World::new();
    let a = world.a.clone();
    let id = acl(&mut world, &a, "acl").id;
    let ports = |first, last| vec![ServiceRange { first, last }];
    let allow = || NewNetworkAclRule::new(RuleAction::Allow);
    let tcp = || NewNetworkAclRule { protocol: Some(Protocol::TCP), ..allow() };
    let wrong = [
        NewNetworkAclRule { protocol: Some(Protocol::ICMPV6), ..allow() },
        NewNetworkAclRule { protocol: Some(Protocol::ICMP), version: IpVersion::V6, ..allow() },
        NewNetworkAclRule { source: AclAddress::Cidr("::/0".parse().unwrap()), ..allow() },
        NewNetworkAclRule {
            destination: AclAddress::Host("10.0.0.1".parse().unwrap()),
            version: IpVersion::V6,
            ..allow()
        },
        NewNetworkAclRule { destination_ports: ports(80, 80), ..allow() },
        NewNetworkAclRule { source_ports: ports(80, 80), protocol: Some(Protocol::ICMP), ..allow() },
        NewNetworkAclRule { destination_ports: ports(0, 80), ..tcp() },
        NewNetworkAclRule { source_ports: ports(81, 80), ..tcp() },
        NewNetworkAclRule {
            destination_ports: (1..=21).map(|n| ServiceRange { first: n, last: n }).collect(),
            ..tcp()
        },
    ];
    for rule in wrong {
        let request = InsertNetworkAclRules { acl: id, ingress: vec![rule.clone()], egress: vec![], after: None };
        assert_eq!(insert(&mut world, &a, request).unwrap_err().code(), "invalid_parameter", "{rule:?}");
    }
    for (rule, code) in [
        (named("a b"), "invalid_name"),
        (named(&"n".repeat(65)), "invalid_name"),
        (NewNetworkAclRule { description: "<".into(), ..allow() }, "invalid_description"),
    ] {
        let request = InsertNetworkAclRules { acl: id, ingress: vec![], egress: vec![rule], after: None };
        assert_eq!(insert(&mut world, &a, request).unwrap_err().code(), code);
    }
}

/// ACL-1: a subnet has at most one ACL, an ACL many subnets, all of one project.
#[test]
fn a_subnet_is_under_one_acl_and_an_acl_in_use_cannot_be_deleted() {
    let mut world = World::new();
    let (a, b) = (world.a.clone(), world.b.clone());
    let vpc = world.vpc(&a, "vpc", "10.0.0.0/16").id;
    let [one, two] = ["10.0.1.0/24", "10.0.2.0/24"].map(|cidr| world.subnet(&a, vpc, cidr).id);
    let theirs = world.vpc(&b, "vpc", "10.0.0.0/16").id;
    let theirs = world.subnet(&b, theirs, "10.0.1.0/24").id;
    let (first, second) = (acl(&mut world, &a, "first").id, acl(&mut world, &a, "second").id);

    let on = world.ok(|c, x| associate_subnets(c, &a, x, first, set(&[one, two])));
    assert_eq!(on.subnets, set(&[one, two]));
    assert_eq!(world.catalog.network_acl_of_subnet(one).unwrap().id, first);
    // Again is no mistake, another ACL is.
    world.ok(|c, x| associate_subnets(c, &a, x, first, set(&[one])));
    let error = world.refused(|c, x| associate_subnets(c, &a, x, second, set(&[one])));
    assert_eq!(error, Error::SubnetHasNetworkAcl { subnet: one, acl: first, name: "first".into() });
    let error = world.refused(|c, x| associate_subnets(c, &a, x, second, set(&[theirs])));
    assert_eq!(error.code(), "not_found");
    assert_eq!(world.refused(|c, x| associate_subnets(c, &a, x, second, set(&[]))).code(), "invalid_parameter");
    assert_eq!(
        world.refused(|c, x| disassociate_subnets(c, &a, x, second, set(&[one]))).code(),
        "subnet_not_on_network_acl"
    );

    assert_eq!(world.refused(|c, x| delete_network_acl(c, &a, x, first)).code(), "network_acl_in_use");
    world.ok(|c, x| disassociate_subnets(c, &a, x, first, set(&[one])));
    world.ok(|c, x| associate_subnets(c, &a, x, second, set(&[one])));
    // EF-8: an ACL does not keep a subnet from being deleted.
    world.ok(|c, x| delete_subnet(c, &a, x, two, None));
    check(&world.catalog, &world.limits);
    world.ok(|c, x| delete_network_acl(c, &a, x, first));
    check(&world.catalog, &world.limits);
}

#[test]
fn deleting_an_acl_leaves_nothing_of_it() {
    let mut world = World::new();
    let a = world.a.clone();
    let id = acl(&mut world, &a, "acl").id;
    let both = InsertNetworkAclRules { acl: id, ingress: vec![named("i")], egress: vec![named("e")], after: None };
    insert(&mut world, &a, both).unwrap();
    world.ok(|c, x| delete_network_acl(c, &a, x, id));
    assert_eq!(world.catalog.network_acls().count(), 0);
    assert_eq!(world.catalog.network_acl_policies().count(), 0);
    assert_eq!(world.catalog.network_acl_rules().count(), 0);
}

/// ACL-8; names of the v3 form have 64 characters of names, those of v2.0 255 of any.
#[test]
fn name_description_and_effect_can_be_changed() {
    let mut world = World::new();
    let a = world.a.clone();
    let id = acl(&mut world, &a, "").id;
    let request = UpdateNetworkAcl {
        name: Some("new".into()),
        description: Some("text".into()),
        enabled: Some(false),
        ..UpdateNetworkAcl::default()
    };
    let changed = world.ok(|c, x| update_network_acl(c, &a, x, id, request));
    assert_eq!((changed.name.as_str(), changed.description.as_str(), changed.enabled), ("new", "text", false));
    let long = |long_name| UpdateNetworkAcl { name: Some("n ".repeat(60)), long_name, ..UpdateNetworkAcl::default() };
    assert_eq!(world.refused(|c, x| update_network_acl(c, &a, x, id, long(false))).code(), "invalid_name");
    world.ok(|c, x| update_network_acl(c, &a, x, id, long(true)));
}

/// lifecycle section 2: what is another account's does not exist.
#[test]
fn others_see_and_change_nothing() {
    let mut world = World::new();
    let (a, b) = (world.a.clone(), world.b.clone());
    let id = acl(&mut world, &a, "acl").id;
    let rule = insert(&mut world, &a, ingress(id, &["r"], None)).unwrap().ingress[0].id;
    assert!(network_acls(&world.catalog, &b).is_empty());
    assert_eq!(network_acl(&world.catalog, &b, id).unwrap_err().code(), "not_found");
    let codes = [
        world.refused(|c, x| update_network_acl(c, &b, x, id, UpdateNetworkAcl::default())),
        world.refused(|c, x| delete_network_acl(c, &b, x, id)),
        world.refused(|c, x| insert_network_acl_rules(c, &b, x, ingress(id, &["x"], None))),
        world.refused(|c, x| remove_network_acl_rules(c, &b, x, id, &[rule], &[])),
        world.refused(|c, x| associate_subnets(c, &b, x, id, set(&[]))),
    ];
    assert!(codes.iter().all(|error| error.code() == "not_found"), "{codes:?}");
}

/// limits section 1.
#[test]
fn acls_and_rules_are_limited() {
    let mut world = World::new();
    let a = world.a.clone();
    world.limits = Limits { network_acls: 1, rules_per_network_acl: 2, network_acl_rules: 3, ..Limits::default() };
    let id = acl(&mut world, &a, "acl").id;
    assert_eq!(
        world.refused(|c, x| create_network_acl(c, &a, x, CreateNetworkAcl::default())).code(),
        "quota_exceeded"
    );
    assert_eq!(insert(&mut world, &a, ingress(id, &["a", "b", "c"], None)).unwrap_err().code(), "quota_exceeded");
    insert(&mut world, &a, ingress(id, &["a", "b"], None)).unwrap();
    let egress = InsertNetworkAclRules { acl: id, ingress: vec![], egress: vec![named("c"), named("d")], after: None };
    assert_eq!(insert(&mut world, &a, egress).unwrap_err().code(), "quota_exceeded");
    // More than the forwarding tables hold is refused whatever the installation's limit says.
    world.limits = Limits { rules_per_network_acl: 100_000, network_acl_rules: 100_000, ..Limits::default() };
    let many = vec!["x"; 255];
    assert_eq!(insert(&mut world, &a, ingress(id, &many, None)).unwrap_err().code(), "quota_exceeded");
    insert(&mut world, &a, ingress(id, &many[..254], None)).unwrap();
}
