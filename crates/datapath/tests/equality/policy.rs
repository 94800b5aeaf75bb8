//! Random security groups, network ACLs and address pairs.

use std::collections::BTreeSet;

use abi::{
    ACL_DESTINATION, ACL_EGRESS, ACL_INGRESS, ACL_RULES, ACL_SOURCE, ACL_WORDS, Acl, AclAddressKey, AclKey, AclPortKey,
    AclRules, AddressPair, AddressPairKey, FAMILY_V4, FAMILY_V6, Id, Identity, IdentityKey, PAIR_USABLE, PAIR_VIP,
    RULE_ALLOW, RULE_DENY, Rule, RuleKey, prefix_base,
};
use tables::{Prefix, Tables};

use super::{
    address::{Address, holds, masked},
    common::id,
    random::Random,
    topology::{any_host, lengths},
};

/// How many policies there are.
pub const POLICIES: u8 = 3;
/// How many network ACLs.
pub const ACLS: u8 = 3;

const FAMILIES: [u8; 2] = [FAMILY_V4, FAMILY_V6];

pub fn random(random: &mut Random, tables: &mut Tables) {
    identities(random, tables);
    rules(random, tables);
    for acl in 0..ACLS {
        for direction in [ACL_INGRESS, ACL_EGRESS] {
            for family in FAMILIES {
                acl_rules(random, tables, id(b'A', acl), direction, family);
            }
        }
    }
}

/// What a port may use beside its own address: its virtual IP, and some range.
pub fn pairs(random: &mut Random, tables: &mut Tables, port: Id, family: u8, vip: Address) {
    let mut add = |address: Address, len: u8, flags: u8| {
        let key = AddressPairKey { port, family, address: masked(address, len) };
        let prefix = Prefix { bits: prefix_base::ADDRESS_PAIR + u32::from(len), key };
        tables.address_pairs.insert(prefix, AddressPair { flags, pad: [0; 3] });
    };
    let [.., of_subnet, half, one] = lengths(family);
    if random.percent(30) {
        add(vip, one, PAIR_VIP | PAIR_USABLE);
    }
    if random.percent(15) {
        add(any_host(random, family), random.of(&[of_subnet, half, one]), random.of(&[PAIR_USABLE, PAIR_USABLE, 0]));
    }
}

fn identities(random: &mut Random, tables: &mut Tables) {
    for (policy, context, family) in
        (0..POLICIES).flat_map(|p| (0..4).flat_map(move |c| FAMILIES.map(move |family| (p, c, family))))
    {
        let [everything, wide, of_vpc, of_subnet, _, one] = lengths(family);
        for number in 0..1 + random.below(3) {
            // Most policies name every address, and some addresses apart.
            let len = if number == 0 {
                random.of(&[everything, everything, everything, wide, of_vpc])
            } else {
                random.of(&[wide, of_vpc, of_subnet, one])
            };
            let key = IdentityKey {
                policy: id(b'P', policy),
                context,
                family,
                address: masked(any_host(random, family), len),
            };
            let prefix = Prefix { bits: prefix_base::IDENTITY + u32::from(len), key };
            tables.identities.insert(prefix, Identity { class: id(b'c', random.byte(4)) });
        }
    }
}

fn rules(random: &mut Random, tables: &mut Tables) {
    for class in 0..4 {
        for number in 0..1 + random.below(4) {
            let protocol = random.of(&[1, 6, 17, 58]);
            let (bits, service) = if number == 0 {
                (prefix_base::RULE_ANY_PROTOCOL, [0, 0])
            } else {
                random.of(&[
                    (prefix_base::RULE_PROTOCOL, [0, 0]),
                    (prefix_base::RULE_PROTOCOL + 8, [3, 0]),
                    (prefix_base::RULE_PROTOCOL + 16, [0, 80]),
                    (prefix_base::RULE_PROTOCOL + 16, [8, 0]),
                    (prefix_base::RULE_PROTOCOL + 16, [128, 0]),
                ])
            };
            let protocol = if bits == prefix_base::RULE_ANY_PROTOCOL { 0 } else { protocol };
            let verdict = if random.percent(80) { RULE_ALLOW } else { RULE_DENY };
            tables.rules.insert(
                Prefix { bits, key: RuleKey { class: id(b'c', class), protocol, service } },
                Rule { rule: id(b'r', random.byte(200)), verdict, pad: [0; 7] },
            );
        }
    }
}

/// One rule of a network ACL: ranges of source and destination, a protocol (0: any), a destination port (0: any).
struct AclRule {
    ranges: [(Address, u8); 2],
    protocol: u8,
    port: u16,
    allows: bool,
}

fn acl_rule(random: &mut Random, family: u8) -> AclRule {
    let [everything, wide, of_vpc, of_subnet, half, one] = lengths(family);
    let ranges = [(); 2].map(|()| {
        let len = random.of(&[everything, everything, wide, of_vpc, of_subnet, half, one]);
        (masked(any_host(random, family), len), len)
    });
    let icmp = if family == FAMILY_V4 { 1 } else { 58 };
    let protocol = random.of(&[0, 0, 6, 17, icmp]);
    let port = if matches!(protocol, 6 | 17) { random.of(&[0, 0, 80, 443]) } else { 0 };
    AclRule { ranges, protocol, port, allows: random.percent(70) }
}

/// Rules as bit vectors: each entry has the rules of everything that holds it.
fn acl_rules(random: &mut Random, tables: &mut Tables, acl: Id, direction: u8, family: u8) {
    if random.percent(10) {
        return;
    }
    let mut rules: Vec<AclRule> = (0..random.below(6)).map(|_| acl_rule(random, family)).collect();
    if random.percent(60) {
        rules.push(AclRule { ranges: [([0; 16], 0); 2], protocol: 0, port: 0, allows: true });
    }
    // Where the rules stand in the vector: mostly close together, now and then in its last words.
    let first = if random.percent(20) { ACL_RULES as usize - rules.len() } else { 0 };
    let bits = |matches: &dyn Fn(&AclRule) -> bool| {
        let mut words = [0u64; ACL_WORDS];
        for (place, _) in (first..).zip(&rules).filter(|(_, rule)| matches(rule)) {
            words[place / 64] |= 1 << (place % 64);
        }
        words
    };
    let value = |words: [u64; ACL_WORDS]| AclRules { words: words.map(u64::to_ne_bytes) };
    tables.acls.insert(AclKey { acl, direction, family, pad: [0; 6] }, Acl { allow: bits(&|rule| rule.allows) });
    for (index, side) in [ACL_SOURCE, ACL_DESTINATION].into_iter().enumerate() {
        let ranges: BTreeSet<(Address, u8)> = rules.iter().map(|rule| rule.ranges[index]).collect();
        for (address, len) in ranges {
            let of = |rule: &AclRule| {
                rule.ranges[index].1 <= len && holds(rule.ranges[index].0, rule.ranges[index].1, address)
            };
            let key = AclAddressKey { acl, direction, side, family, address };
            tables
                .acl_addresses
                .insert(Prefix { bits: prefix_base::ACL_ADDRESS + u32::from(len), key }, value(bits(&of)));
        }
        let mut services: BTreeSet<(u8, u16)> = rules.iter().map(|rule| (rule.protocol, 0)).collect();
        if side == ACL_DESTINATION {
            services.extend(rules.iter().map(|rule| (rule.protocol, rule.port)));
        }
        for (protocol, port) in services {
            let of = |rule: &AclRule| {
                let any_port = side == ACL_SOURCE || rule.port == 0;
                rule.protocol == 0 || (rule.protocol == protocol && (any_port || rule.port == port))
            };
            let bits_of_key = match (protocol, port) {
                (0, _) => prefix_base::ACL_ANY_PROTOCOL,
                (_, 0) => prefix_base::ACL_PROTOCOL,
                _ => prefix_base::ACL_PROTOCOL + 16,
            };
            let key = AclPortKey { acl, direction, side, family, protocol, port: port.to_be_bytes() };
            tables.acl_ports.insert(Prefix { bits: bits_of_key, key }, value(bits(&of)));
        }
    }
}
