//! Security groups to policies: who is meant by a rule, and which class of addresses each remote falls into.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use abi::{CONTEXT_IN_PEERING, CONTEXT_IN_UNCHECKED, CONTEXT_IN_VPC, CONTEXT_OUT, Id, Identity, NO_ID, Rule, RuleKey};
use catalog::Catalog;
use ipnet::IpNet;
use model::{Direction, IpVersion, Port, Remote, RuleAction, SecurityGroup, SecurityGroupId, SecurityGroupRule, VpcId};
use tables::{Prefix, Tables};

use crate::acl::everything;
use crate::guard::Guard;
use crate::key::identity_key;
use crate::paint::{ServiceRule, class_id, effective, paint};
use crate::route::subnet_ranges;
use crate::scope::{sources, targets};
use crate::vip::held_addresses;

/// Entries of table `RULES`.
pub(crate) type Rules = Vec<(Prefix<RuleKey>, Rule)>;

/// Entries of table `RULES` by class.
pub(crate) type Classes = BTreeMap<Id, Rules>;

/// What policies were made from, beside the groups and ports of the VPC itself: what has to make them again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Dependencies {
    /// What can be delivered in the VPC; only known when a group is named as a remote of an inbound rule.
    pub(crate) targets: Vec<IpNet>,
    /// The other VPCs whose packets can arrive.
    pub(crate) sources: BTreeSet<VpcId>,
    /// Groups whose members in `sources` were looked up.
    pub(crate) members: BTreeSet<SecurityGroupId>,
    /// Groups whose members anywhere were looked up.
    pub(crate) members_anywhere: BTreeSet<SecurityGroupId>,
}

/// Adds the policies for what guards a VPC's ports.
pub(crate) fn add_policies(
    catalog: &Catalog,
    vpc: VpcId,
    guards: &BTreeSet<Guard>,
    tables: &mut Tables,
) -> (Classes, Dependencies) {
    let groups: BTreeSet<SecurityGroupId> = guards.iter().flat_map(|guard| guard.groups()).copied().collect();
    let (members, dependencies) = Members::of(catalog, vpc, &groups);
    let mut classes = Classes::new();
    for guard in guards {
        let policy = guard.policy_id(vpc);
        if policy == NO_ID {
            continue;
        }
        for (direction, context) in [
            (Direction::Egress, CONTEXT_OUT),
            (Direction::Ingress, CONTEXT_IN_VPC),
            (Direction::Ingress, CONTEXT_IN_PEERING),
            (Direction::Ingress, CONTEXT_IN_UNCHECKED),
        ] {
            for version in [IpVersion::V4, IpVersion::V6] {
                let rules = ordered_rules(catalog, guard.groups(), direction, version);
                let before = match guard {
                    Guard::Open => vec![everything_allowed()],
                    Guard::Groups(_, exempt) if direction == Direction::Ingress => exempt.rules().collect(),
                    Guard::Groups(..) => Vec::new(),
                };
                let policy = Policy { id: policy, context, version };
                add_identities(policy, before, &rules, &members, tables, &mut classes);
            }
        }
    }
    (classes, dependencies)
}

/// The rules in the order in which they are tried: groups in the port's order; in a group by priority, deny before
/// allow (rule SG-3). Address families are kept apart (rule V6-6).
fn ordered_rules<'a>(
    catalog: &'a Catalog,
    list: &[SecurityGroupId],
    direction: Direction,
    version: IpVersion,
) -> Vec<&'a SecurityGroupRule> {
    let mut ordered = Vec::new();
    for group in list.iter().filter_map(|id| catalog.security_group(*id)) {
        let start = ordered.len();
        ordered.extend(group.rules.iter().filter(|r| r.enabled && r.direction == direction && r.version == version));
        if let Some(of_group) = ordered.get_mut(start..) {
            of_group.sort_by_key(|rule| (rule.priority, rule.action == RuleAction::Allow, rule.id));
        }
    }
    ordered
}

/// One context and family of a policy.
#[derive(Clone, Copy)]
struct Policy {
    id: Id,
    context: u8,
    version: IpVersion,
}

/// The rule of a port that no group guards (rule SG-13).
const fn everything_allowed() -> ServiceRule {
    ServiceRule { id: NO_ID, allow: true, protocol: None, services: Vec::new() }
}

/// Adds the classes of remote addresses in one context and family. The rules `before` come first, whatever the remote.
fn add_identities(
    policy: Policy,
    before: Vec<ServiceRule>,
    rules: &[&SecurityGroupRule],
    members: &Members<'_>,
    tables: &mut Tables,
    classes: &mut Classes,
) {
    let Policy { id: policy, context, version } = policy;
    let first = before.len();
    let mut named: BTreeMap<IpNet, Vec<usize>> = BTreeMap::new();
    if first > 0 {
        named.insert(everything(version), (0..first).collect());
    }
    let services: Vec<ServiceRule> = before.into_iter().chain(rules.iter().map(|rule| service_rule(rule))).collect();
    for (place, rule) in (first..).zip(rules) {
        for range in members.ranges(rule.remote, version, context) {
            named.entry(range).or_default().push(place);
        }
    }
    // Ranges that hold a range come before it in this order, so the innermost one is on top of the stack.
    let mut around: Vec<(IpNet, Vec<usize>, Id)> = Vec::new();
    let mut known: BTreeMap<Vec<usize>, Id> = BTreeMap::new();
    for (range, mut places) in named {
        while around.last().is_some_and(|(outer, ..)| !outer.contains(&range)) {
            around.pop();
        }
        let outer = around.last();
        if let Some((_, more, _)) = outer {
            places.extend(more);
            places.sort_unstable();
            places.dedup();
        }
        let class = match known.get(&places) {
            Some(class) => *class,
            None => {
                let rules = effective(places.iter().filter_map(|place| services.get(*place)));
                let class = class_id(&rules);
                classes.entry(class).or_insert_with(|| paint(class, &rules));
                known.insert(places.clone(), class);
                class
            }
        };
        if outer.is_none_or(|(.., of_outer)| *of_outer != class) {
            tables.identities.insert(identity_key(policy, context, range), Identity { class });
        }
        around.push((range, places, class));
    }
}

fn service_rule(rule: &SecurityGroupRule) -> ServiceRule {
    ServiceRule {
        id: rule.id.table_id(),
        allow: rule.action == RuleAction::Allow,
        protocol: rule.protocol.map(|protocol| protocol.0),
        services: rule.services.iter().map(|range| (range.first, range.last)).collect(),
    }
}

/// Addresses of the members of the groups that rules name, by where the members are (rule SG-7).
struct Members<'a> {
    catalog: &'a Catalog,
    own: BTreeMap<SecurityGroupId, BTreeSet<IpAddr>>,
    sources: BTreeMap<SecurityGroupId, BTreeSet<IpAddr>>,
    outside: BTreeMap<SecurityGroupId, BTreeSet<IpAddr>>,
    /// Whether a port here or in one of the sources has its check off.
    unchecked: bool,
}

impl<'a> Members<'a> {
    /// The members of all groups named by rules of `groups`.
    fn of(catalog: &'a Catalog, vpc: VpcId, groups: &BTreeSet<SecurityGroupId>) -> (Self, Dependencies) {
        let of_rules = |direction| -> BTreeSet<SecurityGroupId> {
            groups.iter().filter_map(|id| catalog.security_group(*id)).flat_map(|g| remotes(g, direction)).collect()
        };
        let (inbound, outbound) = (of_rules(Direction::Ingress), of_rules(Direction::Egress));
        let none = BTreeMap::new;
        let mut members = Self { catalog, own: none(), sources: none(), outside: none(), unchecked: false };
        let mut dependencies = Dependencies::default();
        if inbound.is_empty() && outbound.is_empty() {
            return (members, dependencies);
        }
        let both = inbound.union(&outbound).copied().collect();
        let mut unchecked = members_of(catalog, vpc, &both, &mut members.own);
        if !inbound.is_empty() {
            dependencies.targets = targets(catalog, vpc);
            dependencies.sources = sources(catalog, vpc, &dependencies.targets);
            for source in &dependencies.sources {
                unchecked |= members_of(catalog, *source, &inbound, &mut members.sources);
            }
            // Where every port has its check on, no packet is of an unchecked port.
            members.unchecked = unchecked;
        }
        let own_ranges: Vec<IpNet> = catalog.subnets_of(vpc).flat_map(|subnet| subnet_ranges(subnet)).collect();
        for group in &outbound {
            // An address of an own subnet means whoever has it there, not a member elsewhere.
            let elsewhere = catalog.ports_with_group(*group).flat_map(|port| addresses(catalog, port));
            let elsewhere = elsewhere.filter(|ip| !own_ranges.iter().any(|range| range.contains(ip)));
            members.outside.entry(*group).or_default().extend(elsewhere);
        }
        dependencies.members_anywhere.extend(&outbound);
        dependencies.members = inbound;
        (members, dependencies)
    }

    /// The ranges of a family that a remote stands for in a context.
    fn ranges(&self, remote: Remote, version: IpVersion, context: u8) -> Vec<IpNet> {
        let of_family = |range: &IpNet| matches!(range, IpNet::V4(_)) == (version == IpVersion::V4);
        let of = |members: &[&BTreeMap<SecurityGroupId, BTreeSet<IpAddr>>], group| -> Vec<IpNet> {
            let addresses: BTreeSet<IpAddr> =
                members.iter().filter_map(|members| members.get(&group)).flatten().copied().collect();
            addresses.into_iter().map(IpNet::from).filter(of_family).collect()
        };
        match remote {
            Remote::Any => vec![everything(version)],
            Remote::Cidr(range) if of_family(&range) => vec![range.trunc()],
            Remote::Cidr(_) => Vec::new(),
            Remote::AddressGroup(id) => {
                let ranges = self.catalog.address_group(id).map(|group| group.ranges()).unwrap_or_default();
                ranges.into_iter().filter(of_family).collect()
            }
            Remote::Group(group) => match context {
                CONTEXT_OUT => of(&[&self.own, &self.outside], group),
                CONTEXT_IN_VPC => of(&[&self.own], group),
                CONTEXT_IN_PEERING => of(&[&self.sources], group),
                // Any member by address, as far as its packets can arrive here.
                _ if self.unchecked => of(&[&self.own, &self.sources], group),
                _ => Vec::new(),
            },
        }
    }
}

fn remotes(group: &SecurityGroup, direction: Direction) -> impl Iterator<Item = SecurityGroupId> {
    group.rules.iter().filter(move |rule| rule.enabled && rule.direction == direction).filter_map(|rule| {
        match rule.remote {
            Remote::Group(id) => Some(id),
            _ => None,
        }
    })
}

/// The addresses that stand for a member: its own, and the virtual IPs that it holds. A virtual IP is no member by
/// itself, whatever group its port is in.
fn addresses(catalog: &Catalog, port: &Port) -> BTreeSet<IpAddr> {
    let own = port.addresses().filter(|_| !port.is_vip());
    own.chain(held_addresses(catalog, port)).collect()
}

/// Notes the ports of a VPC that are members of `groups`; whether one of all its ports has its check off.
fn members_of(
    catalog: &Catalog,
    vpc: VpcId,
    groups: &BTreeSet<SecurityGroupId>,
    into: &mut BTreeMap<SecurityGroupId, BTreeSet<IpAddr>>,
) -> bool {
    let mut unchecked = false;
    for port in catalog.ports_of_vpc(vpc).filter(|port| !port.is_vip()) {
        unchecked |= !port.is_checked();
        for group in port.security_groups.iter().filter(|group| groups.contains(group)) {
            into.entry(*group).or_default().extend(addresses(catalog, port));
        }
    }
    unchecked
}

#[cfg(test)]
mod tests;
