use model::{AclAddress, AddressGroup, Direction, IpVersion, Remote, RuleAction};

use super::fixture::World;
use super::invariants::check;
use super::network_acls::acl;
use crate::{
    Caller, CreateAddressGroup, CreateSecurityGroupRules, Error, InsertNetworkAclRules, Limits, NewAddressEntry,
    NewNetworkAclRule, NewSecurityGroupRule, UpdateAddressGroup, address_group, create_address_group,
    create_security_group_rules, delete_address_group, force_delete_address_group, insert_network_acl_rules,
    update_address_group,
};

fn request(version: IpVersion, entries: &[&str]) -> CreateAddressGroup {
    CreateAddressGroup {
        name: "office".into(),
        description: String::new(),
        enterprise_project_id: None,
        tags: model::Tags::default(),
        version,
        addresses: entries.iter().map(|text| NewAddressEntry::new(*text)).collect(),
        max_capacity: None,
    }
}

fn group(world: &mut World, caller: &Caller, entries: &[&str]) -> AddressGroup {
    world.ok(|c, x| create_address_group(c, caller, x, request(IpVersion::V4, entries)))
}

fn remote(group: &AddressGroup) -> NewSecurityGroupRule {
    NewSecurityGroupRule { remote: Remote::AddressGroup(group.id), ..NewSecurityGroupRule::allow(Direction::Ingress) }
}

fn rules(world: &World, caller: &Caller, rule: NewSecurityGroupRule) -> CreateSecurityGroupRules {
    let group = world.catalog.default_security_group(world.project(caller)).unwrap().id;
    CreateSecurityGroupRules { group, rules: vec![rule], ignore_duplicates: false }
}

/// api-vpc section 10: order and spelling are kept.
#[test]
fn a_group_keeps_the_spelling_and_order_of_its_entries() {
    let mut world = World::new();
    let a = world.a.clone();
    let made = group(&mut world, &a, &["192.168.5.0/24", "10.0.0.9-10.0.0.12", "10.0.0.1"]);
    let texts: Vec<_> = made.addresses.iter().map(|entry| entry.text.as_str()).collect();
    assert_eq!(texts, ["192.168.5.0/24", "10.0.0.9-10.0.0.12", "10.0.0.1"]);
    let ranges: Vec<_> = made.ranges().iter().map(ToString::to_string).collect();
    assert_eq!(ranges, ["10.0.0.1/32", "10.0.0.9/32", "10.0.0.10/31", "10.0.0.12/32", "192.168.5.0/24"]);
    assert_eq!(made.max_capacity, 20);
}

#[test]
fn malformed_groups_are_refused() {
    let mut world = World::new();
    let a = world.a.clone();
    let wrong = [
        request(IpVersion::V4, &["10.0.0.0/33"]),
        request(IpVersion::V4, &["::1"]),
        request(IpVersion::V6, &["10.0.0.1"]),
        request(IpVersion::V4, &["10.0.0.9-10.0.0.1"]),
        request(IpVersion::V4, &["10.0.0.0/24", "10.0.0.0-10.0.0.255"]),
        CreateAddressGroup { max_capacity: Some(1), ..request(IpVersion::V4, &["10.0.0.1", "10.0.0.2"]) },
        CreateAddressGroup { max_capacity: Some(21), ..request(IpVersion::V4, &[]) },
    ];
    for request in wrong {
        let error = world.refused(|c, x| create_address_group(c, &a, x, request.clone()));
        assert_eq!(error.code(), "invalid_parameter", "{request:?}");
    }
    let many: Vec<String> = (0..21).map(|n| format!("10.0.0.{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let error = world.refused(|c, x| create_address_group(c, &a, x, request(IpVersion::V4, &many)));
    assert_eq!(error.code(), "invalid_parameter");
    let unnamed = CreateAddressGroup { name: String::new(), ..request(IpVersion::V4, &[]) };
    assert_eq!(world.refused(|c, x| create_address_group(c, &a, x, unnamed)).code(), "invalid_name");
}

/// limits section 1.1.
#[test]
fn groups_are_limited() {
    let mut world = World::new();
    let a = world.a.clone();
    world.limits = Limits { address_groups: 1, ..Limits::default() };
    group(&mut world, &a, &[]);
    let error = world.refused(|c, x| create_address_group(c, &a, x, request(IpVersion::V4, &[])));
    assert_eq!(error.code(), "quota_exceeded");
}

/// SG-1: a rule may name an address group, one of its own project and family.
#[test]
fn security_group_rules_name_address_groups_of_their_project_and_family() {
    let mut world = World::new();
    let (a, b) = (world.a.clone(), world.b.clone());
    let own = group(&mut world, &a, &["10.0.0.0/8"]);
    let theirs = group(&mut world, &b, &["10.0.0.0/8"]);
    let add = rules(&world, &a, remote(&own));
    let made = world.ok(|c, x| create_security_group_rules(c, &a, x, add.clone()));
    assert_eq!(made[0].remote, Remote::AddressGroup(own.id));
    check(&world.catalog, &world.limits);
    assert_eq!(world.refused(|c, x| create_security_group_rules(c, &a, x, add)).code(), "rule_exists");
    let foreign = rules(&world, &a, remote(&theirs));
    assert_eq!(world.refused(|c, x| create_security_group_rules(c, &a, x, foreign)).code(), "not_found");
    let family = rules(&world, &a, NewSecurityGroupRule { version: IpVersion::V6, ..remote(&own) });
    assert_eq!(world.refused(|c, x| create_security_group_rules(c, &a, x, family)).code(), "invalid_parameter");
    assert_eq!(address_group(&world.catalog, &b, own.id).unwrap_err().code(), "not_found");
    assert_eq!(world.refused(|c, x| delete_address_group(c, &b, x, own.id)).code(), "not_found");
}

/// ACL-3 and api-vpc section 10: a group that a rule names goes only with the rule.
#[test]
fn a_group_in_use_is_deleted_by_force_only_and_takes_the_rules_along() {
    let mut world = World::new();
    let a = world.a.clone();
    let used = group(&mut world, &a, &["10.0.0.0/8"]);
    let add = rules(&world, &a, remote(&used));
    world.ok(|c, x| create_security_group_rules(c, &a, x, add));
    let id = acl(&mut world, &a, "acl").id;
    let naming = NewNetworkAclRule {
        destination: AclAddress::AddressGroup(used.id),
        ..NewNetworkAclRule::new(RuleAction::Deny)
    };
    let other = NewNetworkAclRule::new(RuleAction::Allow);
    let wrong = NewNetworkAclRule { version: IpVersion::V6, ..naming.clone() };
    let insert = |egress| InsertNetworkAclRules { acl: id, ingress: vec![], egress, after: None };
    let error = world.refused(|c, x| insert_network_acl_rules(c, &a, x, insert(vec![wrong])));
    assert_eq!(error.code(), "invalid_parameter");
    world.ok(|c, x| insert_network_acl_rules(c, &a, x, insert(vec![naming, other])));
    check(&world.catalog, &world.limits);
    assert!(matches!(world.refused(|c, x| delete_address_group(c, &a, x, used.id)), Error::AddressGroupInUse { .. }));
    assert_eq!(world.catalog.network_acls_naming(used.id).count(), 1);
    world.ok(|c, x| force_delete_address_group(c, &a, x, used.id));
    check(&world.catalog, &world.limits);
    let acl = world.catalog.network_acl(id).unwrap();
    assert_eq!(acl.egress.iter().map(|rule| rule.action).collect::<Vec<_>>(), [RuleAction::Allow]);
    let default = world.catalog.default_security_group(world.project(&a)).unwrap();
    assert!(default.rules.iter().all(|rule| !matches!(rule.remote, Remote::AddressGroup(_))));
}

#[test]
fn a_change_replaces_the_entries_and_an_empty_name_changes_nothing() {
    let mut world = World::new();
    let a = world.a.clone();
    let id = group(&mut world, &a, &["10.0.0.1", "10.0.0.2"]).id;
    let update = UpdateAddressGroup {
        name: Some(String::new()),
        description: Some("text".into()),
        addresses: Some(vec![NewAddressEntry { text: "10.9.0.0/16".into(), remarks: "lab".into() }]),
        ..UpdateAddressGroup::default()
    };
    let changed = world.ok(|c, x| update_address_group(c, &a, x, id, update));
    assert_eq!((changed.name.as_str(), changed.description.as_str()), ("office", "text"));
    assert_eq!((changed.addresses.len(), changed.addresses[0].remarks.as_str()), (1, "lab"));
    let smaller = UpdateAddressGroup { max_capacity: Some(0), ..UpdateAddressGroup::default() };
    assert_eq!(world.refused(|c, x| update_address_group(c, &a, x, id, smaller)).code(), "invalid_parameter");
    let family = UpdateAddressGroup { addresses: Some(vec![NewAddressEntry::new("::1")]), ..Default::default() };
    assert_eq!(world.refused(|c, x| update_address_group(c, &a, x, id, family)).code(), "invalid_parameter");
}
