//! Policies and rules as objects of their own, and what happens when both forms and several callers meet.

use std::collections::BTreeSet;

use catalog::Catalog;
use model::{Direction, NetworkAcl, NetworkAclPolicy, NetworkAclRule, RuleAction};
use proptest::prelude::*;

use super::fixture::{World, net};
use super::interleaving::Bench;
use super::invariants::check;
use super::network_acls::{acl, named};
use crate::{
    Caller, Changes, Context, CreateAddressGroup, CreateNetworkAcl, CreateNetworkAclPolicy, CreateSubnet, CreateVpc,
    Error, InsertNetworkAclRules, Limits, NewAddressEntry, NewNetworkAclRule, Outcome, RulePlace, UpdateNetworkAcl,
    UpdateNetworkAclPolicy, UpdateNetworkAclRule, associate_subnets, create_address_group, create_network_acl,
    create_network_acl_policy, create_network_acl_rule, create_subnet, create_vpc, delete_address_group,
    delete_network_acl, delete_network_acl_policy, delete_network_acl_rule, delete_subnet, force_delete_address_group,
    insert_network_acl_rules, insert_rule_into_policy, remove_network_acl_rules, remove_rule_from_policy,
    update_network_acl, update_network_acl_policy, update_network_acl_rule, update_network_acl_rules,
};

fn rule(world: &mut World, caller: &Caller, name: &str) -> NetworkAclRule {
    world.ok(|c, x| create_network_acl_rule(c, caller, x, named(name)))
}

fn policy(world: &mut World, caller: &Caller, rules: &[&NetworkAclRule]) -> NetworkAclPolicy {
    let rules = rules.iter().map(|rule| rule.id).collect();
    let request = CreateNetworkAclPolicy { rules, ..CreateNetworkAclPolicy::default() };
    world.ok(|c, x| create_network_acl_policy(c, caller, x, request))
}

fn names(acl: &NetworkAcl, direction: Direction) -> Vec<&str> {
    acl.rules(direction).iter().map(|rule| rule.name.as_str()).collect()
}

/// ACL-3, api-vpc section 9.2: what is done to a policy or rule holds for every ACL that has it.
#[test]
fn a_policy_serves_many_acls_and_its_changes_reach_all_of_them() {
    let mut world = World::new();
    let a = world.a.clone();
    let [r1, r2, r3] = ["1", "2", "3"].map(|name| rule(&mut world, &a, name));
    let shared = policy(&mut world, &a, &[&r1, &r2]).id;
    let request =
        CreateNetworkAcl { ingress_policy: Some(shared), egress_policy: Some(shared), ..CreateNetworkAcl::default() };
    let first = world.ok(|c, x| create_network_acl(c, &a, x, request)).id;
    let second = acl(&mut world, &a, "second").id;
    let attach = UpdateNetworkAcl { egress_policy: Some(Some(shared)), ..UpdateNetworkAcl::default() };
    world.ok(|c, x| update_network_acl(c, &a, x, second, attach));
    let seen = |world: &World| {
        check(&world.catalog, &world.limits);
        let acls = [first, second].map(|id| world.catalog.network_acl(id).unwrap().clone());
        let lists = [
            names(&acls[0], Direction::Ingress),
            names(&acls[0], Direction::Egress),
            names(&acls[1], Direction::Egress),
        ];
        assert!(lists.iter().all(|list| *list == lists[0]));
        lists[0].join("")
    };
    assert_eq!(seen(&world), "12");
    world.ok(|c, x| insert_rule_into_policy(c, &a, x, shared, r3.id, RulePlace::Before(r2.id)));
    assert_eq!(seen(&world), "132");
    world.ok(|c, x| remove_rule_from_policy(c, &a, x, shared, r1.id));
    assert_eq!(seen(&world), "32");
    world.ok(|c, x| insert_rule_into_policy(c, &a, x, shared, r1.id, RulePlace::After(r2.id)));
    let rename = UpdateNetworkAclRule { name: Some("x".into()), ..UpdateNetworkAclRule::default() };
    world.ok(|c, x| update_network_acl_rule(c, &a, x, r2.id, rename));
    assert_eq!(seen(&world), "3x1");
    let reorder = UpdateNetworkAclPolicy { rules: Some(vec![r1.id, r3.id]), ..UpdateNetworkAclPolicy::default() };
    world.ok(|c, x| update_network_acl_policy(c, &a, x, shared, reorder));
    assert_eq!(seen(&world), "13");

    assert_eq!(world.refused(|c, x| delete_network_acl_policy(c, &a, x, shared)).code(), "network_acl_policy_in_use");
    assert_eq!(world.refused(|c, x| delete_network_acl_rule(c, &a, x, r1.id)).code(), "network_acl_rule_in_use");
    for acl in [first, second] {
        world.ok(|c, x| delete_network_acl(c, &a, x, acl));
    }
    // A policy that was made by itself outlives the ACLs, and its rules outlive it.
    world.ok(|c, x| delete_network_acl_policy(c, &a, x, shared));
    assert_eq!(world.catalog.network_acl_rules().count(), 3);
    world.ok(|c, x| delete_network_acl_rule(c, &a, x, r1.id));
}

/// api-vpc section 9: both forms work on the same objects.
#[test]
fn rules_of_an_acl_can_be_changed_through_its_policy() {
    let mut world = World::new();
    let a = world.a.clone();
    let id = acl(&mut world, &a, "acl").id;
    let insert = InsertNetworkAclRules { acl: id, ingress: vec![named("own")], egress: vec![], after: None };
    let made = world.ok(|c, x| insert_network_acl_rules(c, &a, x, insert));
    let own = made.ingress_policy.unwrap();
    let extra = rule(&mut world, &a, "extra");
    world.ok(|c, x| insert_rule_into_policy(c, &a, x, own, extra.id, RulePlace::First));
    assert_eq!(names(world.catalog.network_acl(id).unwrap(), Direction::Ingress), ["extra", "own"]);
    let again = world.refused(|c, x| insert_rule_into_policy(c, &a, x, own, extra.id, RulePlace::First));
    assert_eq!(again, Error::RuleInPolicy { rule: extra.id, policy: own });
    let stray = rule(&mut world, &a, "stray").id;
    let error = world.refused(|c, x| remove_rule_from_policy(c, &a, x, own, stray));
    assert_eq!(error, Error::RuleNotInPolicy { rule: stray, policy: own });
    // Taken off, the policy stands by itself.
    let off = UpdateNetworkAcl { ingress_policy: Some(None), ..UpdateNetworkAcl::default() };
    assert!(world.ok(|c, x| update_network_acl(c, &a, x, id, off)).ingress.is_empty());
    check(&world.catalog, &world.limits);
    world.ok(|c, x| delete_network_acl(c, &a, x, id));
    assert_eq!(world.catalog.network_acl_policy(own).unwrap().rules.len(), 2);
    check(&world.catalog, &world.limits);
}

#[test]
fn what_belongs_to_others_cannot_be_named() {
    let mut world = World::new();
    let (a, b) = (world.a.clone(), world.b.clone());
    let theirs = rule(&mut world, &b, "theirs");
    let their_policy = policy(&mut world, &b, &[&theirs]).id;
    let ours = policy(&mut world, &a, &[]).id;
    let own = acl(&mut world, &a, "acl").id;
    let attach = UpdateNetworkAcl { ingress_policy: Some(Some(their_policy)), ..UpdateNetworkAcl::default() };
    let take = CreateNetworkAclPolicy { rules: vec![theirs.id], ..CreateNetworkAclPolicy::default() };
    let errors = [
        world.refused(|c, x| update_network_acl(c, &a, x, own, attach)),
        world.refused(|c, x| create_network_acl_policy(c, &a, x, take)),
        world.refused(|c, x| insert_rule_into_policy(c, &a, x, ours, theirs.id, RulePlace::First)),
        world.refused(|c, x| update_network_acl_rule(c, &a, x, theirs.id, UpdateNetworkAclRule::default())),
        world.refused(|c, x| delete_network_acl_policy(c, &a, x, their_policy)),
    ];
    assert!(errors.iter().all(|error| error.code() == "not_found"), "{errors:?}");
    let r = rule(&mut world, &a, "r").id;
    let twice = UpdateNetworkAclPolicy { rules: Some(vec![r, r]), ..UpdateNetworkAclPolicy::default() };
    assert_eq!(world.refused(|c, x| update_network_acl_policy(c, &a, x, ours, twice)).code(), "invalid_parameter");
}

/// Each pair would leave an ACL with rules that it should not have, or a reference to nothing.
#[test]
fn pairs_that_exclude_each_other_conflict_in_either_order() {
    let mut bench = Bench::new(11, Limits::default());
    let a = bench.a.clone();
    let request = CreateVpc { cidr: Some(net("10.0.0.0/16")), ..CreateVpc::default() };
    let vpc = bench.ok(|c, x| create_vpc(c, &a, x, request)).id;
    let subnet = bench.ok(|c, x| create_subnet(c, &a, x, CreateSubnet::new(vpc, "s", net("10.0.0.0/24")))).id;
    let [one, two] = [0, 1].map(|_| bench.ok(|c, x| create_network_acl(c, &a, x, CreateNetworkAcl::default())).id);
    let r = bench.ok(|c, x| create_network_acl_rule(c, &a, x, named("r"))).id;
    let s = bench.ok(|c, x| create_network_acl_rule(c, &a, x, named("s"))).id;
    let rules = CreateNetworkAclPolicy { rules: vec![r], ..CreateNetworkAclPolicy::default() };
    let policy = bench.ok(|c, x| create_network_acl_policy(c, &a, x, rules)).id;
    let addresses = CreateAddressGroup {
        name: "g".into(),
        description: String::new(),
        enterprise_project_id: None,
        tags: model::Tags::default(),
        version: model::IpVersion::V4,
        addresses: vec![NewAddressEntry::new("10.0.0.0/8")],
        max_capacity: None,
    };
    let addresses = bench.ok(|c, x| create_address_group(c, &a, x, addresses)).id;
    macro_rules! changes {
        ($use_case:expr) => {
            bench.decide($use_case).unwrap().changes
        };
    }
    let attach = |direction| match direction {
        Direction::Ingress => UpdateNetworkAcl { ingress_policy: Some(Some(policy)), ..UpdateNetworkAcl::default() },
        Direction::Egress => UpdateNetworkAcl { egress_policy: Some(Some(policy)), ..UpdateNetworkAcl::default() },
    };
    let deny = || UpdateNetworkAclRule { action: Some(RuleAction::Deny), ..UpdateNetworkAclRule::default() };
    let naming = NewNetworkAclRule {
        source: model::AclAddress::AddressGroup(addresses),
        ..NewNetworkAclRule::new(RuleAction::Allow)
    };
    let naming = InsertNetworkAclRules { acl: one, ingress: vec![naming], egress: vec![], after: None };
    let set = || BTreeSet::from([subnet]);
    let pairs: [(&str, Changes, Changes); 9] = [
        (
            "two ACLs for one subnet",
            changes!(|c, x| associate_subnets(c, &a, x, one, set())),
            changes!(|c, x| associate_subnets(c, &a, x, two, set())),
        ),
        (
            "delete a subnet, put it under an ACL",
            changes!(|c, x| delete_subnet(c, &a, x, subnet, None)),
            changes!(|c, x| associate_subnets(c, &a, x, one, set())),
        ),
        (
            "delete an ACL, put a subnet under it",
            changes!(|c, x| delete_network_acl(c, &a, x, one)),
            changes!(|c, x| associate_subnets(c, &a, x, one, set())),
        ),
        (
            "change a rule, attach its policy",
            changes!(|c, x| update_network_acl_rule(c, &a, x, r, deny())),
            changes!(|c, x| update_network_acl(c, &a, x, one, attach(Direction::Ingress))),
        ),
        (
            "change a policy, attach it",
            changes!(|c, x| remove_rule_from_policy(c, &a, x, policy, r)),
            changes!(|c, x| update_network_acl(c, &a, x, one, attach(Direction::Egress))),
        ),
        (
            "delete a policy, attach it",
            changes!(|c, x| delete_network_acl_policy(c, &a, x, policy)),
            changes!(|c, x| update_network_acl(c, &a, x, two, attach(Direction::Egress))),
        ),
        (
            "change a rule, put it into a policy",
            changes!(|c, x| update_network_acl_rule(c, &a, x, s, deny())),
            changes!(|c, x| insert_rule_into_policy(c, &a, x, policy, s, RulePlace::First)),
        ),
        (
            "delete a rule, put it into a policy",
            changes!(|c, x| delete_network_acl_rule(c, &a, x, s)),
            changes!(|c, x| insert_rule_into_policy(c, &a, x, policy, s, RulePlace::First)),
        ),
        (
            "delete an address group, name it in a rule",
            changes!(|c, x| delete_address_group(c, &a, x, addresses)),
            changes!(|c, x| insert_network_acl_rules(c, &a, x, naming)),
        ),
    ];
    for (what, first, second) in pairs {
        assert_eq!(bench.conflict([first, second]), [true; 2], "{what}");
    }
}

/// One call on whatever there is; the numbers choose.
fn step(catalog: &Catalog, caller: &Caller, x: &mut Context<'_>, what: u8, n: [u8; 3]) -> Result<Changes, Error> {
    fn pick<T: Copy>(from: &[T], n: u8) -> Result<T, Error> {
        from.get(usize::from(n) % from.len().max(1)).copied().ok_or(Error::Busy)
    }
    fn changes<T>(outcome: Result<Outcome<T>, Error>) -> Result<Changes, Error> {
        outcome.map(|outcome| outcome.changes)
    }
    let acls: Vec<_> = catalog.network_acls().map(|acl| acl.id).collect();
    let policies: Vec<_> = catalog.network_acl_policies().map(|policy| policy.id).collect();
    let rules: Vec<_> = catalog.network_acl_rules().map(|rule| rule.id).collect();
    let groups: Vec<_> = catalog.address_groups().map(|group| group.id).collect();
    let subnets: Vec<_> = catalog.subnets().map(|subnet| subnet.id).collect();
    let action = if n[2].is_multiple_of(2) { RuleAction::Allow } else { RuleAction::Deny };
    let mut new = NewNetworkAclRule::new(action);
    if let Ok(group) = pick(&groups, n[1])
        && n[2].is_multiple_of(3)
    {
        new.source = model::AclAddress::AddressGroup(group);
    }
    let change = UpdateNetworkAclRule { action: Some(action), ..UpdateNetworkAclRule::default() };
    match what {
        0 => changes(create_network_acl(catalog, caller, x, CreateNetworkAcl::default())),
        1 => changes(create_network_acl_rule(catalog, caller, x, new)),
        2 => {
            let rules = pick(&rules, n[0]).into_iter().collect();
            let request = CreateNetworkAclPolicy { rules, ..CreateNetworkAclPolicy::default() };
            changes(create_network_acl_policy(catalog, caller, x, request))
        }
        3 => changes(delete_network_acl(catalog, caller, x, pick(&acls, n[0])?)),
        4 => changes(delete_network_acl_policy(catalog, caller, x, pick(&policies, n[0])?)),
        5 => changes(delete_network_acl_rule(catalog, caller, x, pick(&rules, n[0])?)),
        6 => {
            let (policy, rule) = (pick(&policies, n[0])?, pick(&rules, n[1])?);
            changes(insert_rule_into_policy(catalog, caller, x, policy, rule, RulePlace::First))
        }
        7 => {
            let policy = catalog.network_acl_policy(pick(&policies, n[0])?).ok_or(Error::Busy)?;
            changes(remove_rule_from_policy(catalog, caller, x, policy.id, pick(&policy.rules, n[1])?))
        }
        8 => changes(update_network_acl_rule(catalog, caller, x, pick(&rules, n[0])?, change)),
        9 | 10 => {
            let mut rules = (vec![new], Vec::new());
            if what == 10 {
                std::mem::swap(&mut rules.0, &mut rules.1);
            }
            let (ingress, egress) = rules;
            let request = InsertNetworkAclRules { acl: pick(&acls, n[0])?, ingress, egress, after: None };
            changes(insert_network_acl_rules(catalog, caller, x, request))
        }
        11 => {
            let acl = catalog.network_acl(pick(&acls, n[0])?).ok_or(Error::Busy)?;
            let ids: Vec<_> = acl.ingress.iter().map(|rule| rule.id).collect();
            changes(remove_network_acl_rules(catalog, caller, x, acl.id, &[pick(&ids, n[1])?], &[]))
        }
        12 => {
            let acl = catalog.network_acl(pick(&acls, n[0])?).ok_or(Error::Busy)?;
            let ids: Vec<_> = acl.egress.iter().map(|rule| rule.id).collect();
            let rules = vec![(pick(&ids, n[1])?, change)];
            changes(update_network_acl_rules(catalog, caller, x, acl.id, Vec::new(), rules))
        }
        13 => {
            let policy = if n[2] > 100 { None } else { Some(pick(&policies, n[1])?) };
            let mut update = UpdateNetworkAcl::default();
            if n[2].is_multiple_of(2) {
                update.ingress_policy = Some(policy);
            } else {
                update.egress_policy = Some(policy);
            }
            changes(update_network_acl(catalog, caller, x, pick(&acls, n[0])?, update))
        }
        14 => {
            let subnets = BTreeSet::from([pick(&subnets, n[1])?]);
            changes(associate_subnets(catalog, caller, x, pick(&acls, n[0])?, subnets))
        }
        15 => changes(force_delete_address_group(catalog, caller, x, pick(&groups, n[0])?)),
        16 => {
            let request = CreateAddressGroup {
                name: "g".into(),
                description: String::new(),
                enterprise_project_id: None,
                tags: model::Tags::default(),
                version: model::IpVersion::V4,
                addresses: vec![NewAddressEntry::new("10.0.0.0/8")],
                max_capacity: None,
            };
            changes(create_address_group(catalog, caller, x, request))
        }
        _ => {
            let subnets = if n[1] > 200 { BTreeSet::new() } else { subnets.into_iter().collect() };
            let update = UpdateNetworkAcl { subnets: Some(subnets), ..UpdateNetworkAcl::default() };
            changes(update_network_acl(catalog, caller, x, pick(&acls, n[0])?, update))
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    /// ACL-1, ACL-3: calls that are decided on the same catalog and committed one after the other.
    #[test]
    fn what_the_guards_let_through_keeps_acls_policies_and_rules_in_step(
        seed: u64,
        steps in proptest::collection::vec((0..18_u8, any::<[u8; 3]>()), 1..80),
    ) {
        let limits = Limits { rules_per_network_acl: 4, network_acl_rules: 12, network_acls: 4, ..Limits::default() };
        let mut bench = Bench::new(seed, limits);
        let a = bench.a.clone();
        let request = CreateVpc { cidr: Some(net("10.0.0.0/16")), ..CreateVpc::default() };
        let vpc = bench.ok(|c, x| create_vpc(c, &a, x, request)).id;
        for cidr in ["10.0.0.0/24", "10.0.1.0/24"] {
            bench.ok(|c, x| create_subnet(c, &a, x, CreateSubnet::new(vpc, "s", net(cidr))));
        }
        for together in steps.chunks(4) {
            let decided: Vec<_> = together
                .iter()
                .filter_map(|(what, n)| {
                    let wrap = |c: &Catalog, x: &mut Context<'_>| {
                        step(c, &a, x, *what, *n).map(|changes| Outcome::new((), changes))
                    };
                    bench.decide(wrap).ok()
                })
                .collect();
            for outcome in decided {
                bench.commit(outcome.changes);
            }
            check(&bench.catalog, &bench.limits);
        }
    }
}

/// api-vpc section 9.2: a rule that was made by itself outlives its place in an ACL, and a policy that stands in both
/// directions loses it once.
#[test]
fn rules_that_were_made_by_themselves_stay_when_an_acl_loses_them() {
    let mut world = World::new();
    let a = world.a.clone();
    let r = rule(&mut world, &a, "r");
    let shared = policy(&mut world, &a, &[&r]).id;
    let request =
        CreateNetworkAcl { ingress_policy: Some(shared), egress_policy: Some(shared), ..CreateNetworkAcl::default() };
    let both = world.ok(|c, x| create_network_acl(c, &a, x, request)).id;
    let left = world.ok(|c, x| remove_network_acl_rules(c, &a, x, both, &[r.id], &[r.id]));
    assert!(names(&left, Direction::Ingress).is_empty() && names(&left, Direction::Egress).is_empty());
    assert!(world.catalog.network_acl_rule(r.id).is_some());
    assert!(world.catalog.network_acl_policy(shared).unwrap().rules.is_empty());
    check(&world.catalog, &world.limits);
}
