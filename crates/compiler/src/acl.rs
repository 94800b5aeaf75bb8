//! Network ACLs to bit vectors: the first match becomes the first bit that four lookups have in common (rule ACL-3).

use std::collections::BTreeMap;

use abi::{
    ACL_DESTINATION, ACL_EGRESS, ACL_INGRESS, ACL_RULES, ACL_SOURCE, ACL_WORDS, Acl, AclAddressKey, AclKey, AclPortKey,
    AclRules, FAMILY_V4, FAMILY_V6, Id, prefix_base,
};
use catalog::Catalog;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use model::{AclAddress, Direction, IpVersion, NetworkAcl, NetworkAclRule, Protocol, RuleAction, ServiceRange};
use tables::{Prefix, Tables};

use crate::guard::Exempt;
use crate::hash::Content;
use crate::key::address;

/// The tables of ACLs by their id; VPCs share ACLs of the same content.
pub(crate) type Acls = BTreeMap<Id, Tables>;

/// The rules of one direction and family that have a place in the tables behind `before` others, in the order in which
/// they are asked. What is behind the last place could only be allowed by more rules than there may be, and is denied like all that no rule
/// names.
fn placed(
    acl: &NetworkAcl,
    direction: Direction,
    version: IpVersion,
    before: usize,
) -> impl Iterator<Item = &NetworkAclRule> {
    let rules = acl.rules(direction).iter().filter(move |rule| rule.enabled && rule.version == version);
    rules.take((ACL_RULES as usize).saturating_sub(before))
}

/// The rule that stands at a place of an ACL's bit vectors, as the pipeline names it.
#[must_use]
pub fn acl_rule(acl: &NetworkAcl, direction: Direction, version: IpVersion, place: u32) -> Option<&NetworkAclRule> {
    placed(acl, direction, version, 0).nth(usize::try_from(place).ok()?)
}

/// A rule with its addresses looked up.
struct Rule {
    allow: bool,
    protocol: Option<u8>,
    source: Vec<IpNet>,
    destination: Vec<IpNet>,
    source_ports: Vec<(u16, u16)>,
    destination_ports: Vec<(u16, u16)>,
}

impl Rule {
    fn of(catalog: &Catalog, rule: &NetworkAclRule) -> Self {
        let ports = |ranges: &[ServiceRange]| match rule.protocol {
            Some(Protocol::TCP | Protocol::UDP) => ranges.iter().map(|range| (range.first, range.last)).collect(),
            // Other protocols have none.
            _ => Vec::new(),
        };
        Self {
            allow: rule.action == RuleAction::Allow,
            protocol: rule.protocol.map(|protocol| protocol.0),
            source: ranges(catalog, rule.source, rule.version),
            destination: ranges(catalog, rule.destination, rule.version),
            source_ports: ports(&rule.source_ports),
            destination_ports: ports(&rule.destination_ports),
        }
    }

    /// Allows everyone to use these services.
    fn to_services(protocol: Protocol, ports: Vec<(u16, u16)>, version: IpVersion) -> Self {
        Self {
            allow: true,
            protocol: Some(protocol.0),
            source: vec![everything(version)],
            destination: vec![everything(version)],
            source_ports: Vec::new(),
            destination_ports: ports,
        }
    }

    /// Adds everything that the pipeline will see of the rule.
    fn add_to(&self, content: &mut Content) {
        content.add(&[u8::from(self.allow), u8::from(self.protocol.is_some()), self.protocol.unwrap_or(0)]);
        for nets in [&self.source, &self.destination] {
            content.add(&(nets.len() as u64).to_be_bytes());
            for net in nets {
                content.add(&[net.prefix_len()]);
                content.add(&address(net.network()).1);
            }
        }
        for ports in [&self.source_ports, &self.destination_ports] {
            content.add(&(ports.len() as u64).to_be_bytes());
            for (first, last) in ports {
                content.add(&first.to_be_bytes());
                content.add(&last.to_be_bytes());
            }
        }
    }
}

/// The ranges of the rule's family that one side of it stands for.
fn ranges(catalog: &Catalog, side: AclAddress, version: IpVersion) -> Vec<IpNet> {
    let ranges = match side {
        AclAddress::Any => vec![everything(version)],
        AclAddress::Host(address) => vec![address.into()],
        AclAddress::Cidr(net) => vec![net.trunc()],
        AclAddress::AddressGroup(group) => catalog.address_group(group).map(|group| group.ranges()).unwrap_or_default(),
    };
    ranges.into_iter().filter(|net| matches!(net, IpNet::V4(_)) == (version == IpVersion::V4)).collect()
}

/// The range of all addresses of a family.
pub(crate) fn everything(version: IpVersion) -> IpNet {
    match version {
        IpVersion::V4 => IpNet::V4(Ipv4Net::default()),
        IpVersion::V6 => IpNet::V6(Ipv6Net::default()),
    }
}

/// Adds the tables of an ACL that is in force, if they are not there yet; returns its id. Services that are exempt are
/// asked about first by what enters the subnet (rule SG-14).
pub(crate) fn add_acl(catalog: &Catalog, acl: &NetworkAcl, exempt: &Exempt, acls: &mut Acls) -> Id {
    let mut content = Content::new("acl");
    let mut parts = Vec::new();
    for (direction, number) in [(Direction::Ingress, ACL_INGRESS), (Direction::Egress, ACL_EGRESS)] {
        for (version, family) in [(IpVersion::V4, FAMILY_V4), (IpVersion::V6, FAMILY_V6)] {
            let mut rules = Vec::new();
            if direction == Direction::Ingress {
                rules.extend(exempt.services().map(|(protocol, ports)| Rule::to_services(protocol, ports, version)));
            }
            let before = rules.len();
            rules.extend(placed(acl, direction, version, before).map(|rule| Rule::of(catalog, rule)));
            content.add(&(rules.len() as u64).to_be_bytes());
            rules.iter().for_each(|rule| rule.add_to(&mut content));
            parts.push((number, family, rules));
        }
    }
    let id = content.id();
    acls.entry(id).or_insert_with(|| {
        let mut tables = Tables::default();
        for (direction, family, rules) in &parts {
            let part = Part { acl: id, direction: *direction, family: *family };
            part.add(rules, &mut tables);
        }
        tables
    });
    id
}

/// The rules of one direction and family.
#[derive(Clone, Copy)]
struct Part {
    acl: Id,
    direction: u8,
    family: u8,
}

impl Part {
    fn add(self, rules: &[Rule], tables: &mut Tables) {
        if rules.is_empty() {
            return;
        }
        let mut allow = Places::default();
        rules.iter().enumerate().filter(|(_, rule)| rule.allow).for_each(|(place, _)| allow.insert(place));
        let key = AclKey { acl: self.acl, direction: self.direction, family: self.family, pad: [0; 6] };
        tables.acls.insert(key, Acl { allow: allow.0 });
        for (side, nets, ports) in [
            (
                ACL_SOURCE,
                rules.iter().map(|rule| &rule.source).collect(),
                rules.iter().map(|r| &r.source_ports).collect(),
            ),
            (
                ACL_DESTINATION,
                rules.iter().map(|rule| &rule.destination).collect(),
                rules.iter().map(|rule| &rule.destination_ports).collect::<Vec<_>>(),
            ),
        ] {
            self.add_addresses(side, nets, tables);
            self.add_ports(side, rules, ports, tables);
        }
    }

    fn add_addresses(self, side: u8, nets: Vec<&Vec<IpNet>>, tables: &mut Tables) {
        let mut named: BTreeMap<IpNet, Places> = BTreeMap::new();
        for (place, nets) in nets.into_iter().enumerate() {
            for net in nets {
                named.entry(*net).or_default().insert(place);
            }
        }
        let Self { acl, direction, family } = self;
        for (net, places) in accumulated(named, |outer, inner| outer.contains(inner)) {
            let key = AclAddressKey { acl, direction, side, family, address: address(net.network()).1 };
            let bits = prefix_base::ACL_ADDRESS + u32::from(net.prefix_len());
            tables.acl_addresses.insert(Prefix { bits, key }, places.words());
        }
    }

    /// One side's ports, for every protocol that a rule names and for all others.
    fn add_ports(self, side: u8, rules: &[Rule], ports: Vec<&Vec<(u16, u16)>>, tables: &mut Tables) {
        let mut of_protocol: BTreeMap<Option<u8>, BTreeMap<Ports, Places>> = BTreeMap::new();
        for protocol in rules.iter().map(|rule| rule.protocol) {
            of_protocol.entry(protocol).or_default();
        }
        for (protocol, named) in &mut of_protocol {
            for (place, (rule, ranges)) in rules.iter().zip(&ports).enumerate() {
                if rule.protocol.is_some() && rule.protocol != *protocol {
                    continue;
                }
                let prefixes: Vec<Ports> = match ranges.as_slice() {
                    [] => vec![Ports::ALL],
                    ranges => ranges.iter().flat_map(|(first, last)| Ports::covering(*first, *last)).collect(),
                };
                for prefix in prefixes {
                    named.entry(prefix).or_default().insert(place);
                }
            }
        }
        let Self { acl, direction, family } = self;
        for (protocol, named) in of_protocol {
            for (range, places) in accumulated(named, Ports::contains) {
                let base = if protocol.is_some() { prefix_base::ACL_PROTOCOL } else { prefix_base::ACL_ANY_PROTOCOL };
                let port = range.first.to_be_bytes();
                let key = AclPortKey { acl, direction, side, family, protocol: protocol.unwrap_or(0), port };
                tables.acl_ports.insert(Prefix { bits: base + u32::from(range.len), key }, places.words());
            }
        }
    }
}

/// Places of rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Places([u64; ACL_WORDS]);

impl Places {
    fn insert(&mut self, place: usize) {
        if let Some(word) = self.0.get_mut(place / 64) {
            *word |= 1 << (place % 64);
        }
    }

    fn and_those_of(self, other: &Self) -> Self {
        let mut both = self;
        both.0.iter_mut().zip(other.0).for_each(|(word, more)| *word |= more);
        both
    }

    fn words(self) -> AclRules {
        AclRules { words: self.0.map(u64::to_ne_bytes) }
    }
}

/// The longest match is the only one that the pipeline gets, so each prefix says what those around it say too. Prefixes
/// that say no more are left out. `K` must order a prefix before those inside it.
fn accumulated<K: Ord + Copy>(named: BTreeMap<K, Places>, contains: impl Fn(&K, &K) -> bool) -> Vec<(K, Places)> {
    let mut around: Vec<(K, Places)> = Vec::new();
    let mut out = Vec::new();
    for (key, places) in named {
        while around.last().is_some_and(|(outer, _)| !contains(outer, &key)) {
            around.pop();
        }
        let outer = around.last().map(|(_, places)| *places);
        let all = outer.map_or(places, |outer| places.and_those_of(&outer));
        if outer != Some(all) {
            out.push((key, all));
        }
        around.push((key, all));
    }
    out
}

/// A prefix of ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Ports {
    first: u16,
    len: u8,
}

impl Ports {
    const ALL: Self = Self { first: 0, len: 0 };

    fn last(&self) -> u16 {
        self.first | u16::MAX.checked_shr(u32::from(self.len)).unwrap_or(0)
    }

    fn contains(&self, other: &Self) -> bool {
        self.len <= other.len && (self.first..=self.last()).contains(&other.first)
    }

    /// The fewest prefixes that cover exactly an inclusive range.
    fn covering(first: u16, last: u16) -> Vec<Self> {
        let mut prefixes = Vec::new();
        let (mut next, end) = (u32::from(first), u32::from(last) + 1);
        while next < end {
            // The largest block that begins here and does not go beyond the end.
            let aligned = next.trailing_zeros().min(16);
            let bits = aligned.min((end - next).ilog2());
            prefixes.push(Self { first: next as u16, len: (16 - bits) as u8 });
            next += 1 << bits;
        }
        prefixes
    }
}

#[cfg(test)]
mod tests;
