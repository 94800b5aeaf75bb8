#![allow(clippy::unwrap_used, reason = "a failed lookup is the failure of the test")]

use proptest::prelude::*;

use super::*;

/// The rules one after the other: the definition that painting has to equal.
fn first_match(rules: &[ServiceRule], protocol: u8, service: u16) -> (Id, bool) {
    rules
        .iter()
        .find(|rule| match rule.protocol {
            None => true,
            Some(p) => {
                p == protocol
                    && (rule.services.is_empty() || rule.services.iter().any(|(a, b)| (*a..=*b).contains(&service)))
            }
        })
        .map_or((NO_ID, false), |rule| (rule.id, rule.allow))
}

fn longest_match(entries: &[(Prefix<RuleKey>, Rule)], class: Id, protocol: u8, service: u16) -> (Id, bool) {
    let covers = |prefix: &Prefix<RuleKey>| {
        let [hi, lo] = prefix.key.service;
        prefix.key.class == class
            && match prefix.bits {
                64 => true,
                bits => {
                    let length = bits - 72;
                    let mask = ((0xffff_0000u32 >> length) & 0xffff) as u16;
                    prefix.key.protocol == protocol && service & mask == u16::from_be_bytes([hi, lo])
                }
            }
    };
    entries
        .iter()
        .filter(|(prefix, _)| covers(prefix))
        .max_by_key(|(prefix, _)| prefix.bits)
        .map_or((NO_ID, false), |(_, rule)| (rule.rule, rule.verdict == RULE_ALLOW))
}

fn rule() -> impl Strategy<Value = (bool, Option<u8>, Vec<(u16, u16)>)> {
    let range = (0u16..200, 0u16..50, prop::bool::ANY).prop_map(|(first, length, far)| {
        let base = if far { 65_200 } else { 0 };
        (base + first, (base + first).saturating_add(length))
    });
    let protocol = prop_oneof![1 => Just(None), 6 => prop::sample::select(vec![Some(1), Some(6), Some(17)])];
    (any::<bool>(), protocol, prop::collection::vec(range, 0..3))
}

proptest! {
    /// SG-3: the longest prefix is the first match.
    #[test]
    fn painting_equals_a_walk_through_the_rules(
        parts in prop::collection::vec(rule(), 0..8),
        protocol in prop::sample::select(vec![1u8, 6, 17, 47]),
        near in 0u16..300,
        far in prop::bool::ANY,
    ) {
        let rules: Vec<ServiceRule> = parts
            .into_iter()
            .enumerate()
            .map(|(i, (allow, protocol, services))| ServiceRule { id: [i as u8 + 1; 8], allow, protocol, services })
            .collect();
        let effective = effective(rules.iter());
        let class = class_id(&effective);
        let entries = paint(class, &effective);
        let keys: BTreeSet<_> = entries.iter().map(|(prefix, _)| *prefix).collect();
        prop_assert_eq!(keys.len(), entries.len(), "one entry for each prefix");
        let service = if far { 65_235 + near } else { near };
        prop_assert_eq!(longest_match(&entries, class, protocol, service), first_match(&rules, protocol, service));
    }
}

fn allow(protocol: Option<u8>, services: &[(u16, u16)]) -> ServiceRule {
    ServiceRule { id: [7; 8], allow: true, protocol, services: services.to_vec() }
}

#[test]
fn one_port_takes_one_entry() {
    let rule = allow(Some(6), &[(3306, 3306)]);
    let entries = paint([1; 8], &[&rule]);
    assert_eq!(entries.len(), 1);
    assert_eq!(entries.first().unwrap().0.bits, 88);
}

#[test]
fn allowing_everything_takes_one_entry() {
    let rule = allow(None, &[]);
    assert_eq!(paint([1; 8], &[&rule]).len(), 1);
}

#[test]
fn a_hole_costs_less_than_the_ranges_around_it() {
    let deny = ServiceRule { id: [8; 8], allow: false, protocol: Some(6), services: vec![(5432, 5432)] };
    let all = allow(Some(6), &[]);
    assert_eq!(paint([1; 8], &[&deny, &all]).len(), 2);
}

#[test]
fn classes_are_told_apart_by_content() {
    let (a, b) = (allow(Some(6), &[(1, 2)]), allow(Some(6), &[(1, 3)]));
    assert_ne!(class_id(&[&a]), class_id(&[&b]));
    assert_eq!(class_id(&[&a]), class_id(&[&a.clone()]));
    assert_ne!(class_id(&[&a, &b]), class_id(&[&b, &a]));
}
