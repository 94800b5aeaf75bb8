//! Do security groups and network ACLs let anything in from the peer? (Rules SG-3, SG-7, ACL-3, ACL-8.)

use std::collections::BTreeMap;

use ipnet::IpNet;
use model::{
    AclAddress, Direction, IpVersion, Port, Remote, RuleAction, SecurityGroup, SecurityGroupId, SecurityGroupRule,
};

use super::{End, Exam, Item, listed, overlap};
use crate::trace::{Change, name};

impl Exam<'_> {
    /// Servers of one end whose groups allow nothing from the other end's addresses.
    pub(super) fn security_groups(&self, near: &End<'_>, far: &End<'_>) -> Option<Item> {
        if !near.known {
            let text = format!(
                "The security groups of {} are its owner's to see. They have to allow your ranges; groups of other \
                 accounts cannot be named in rules.",
                self.name(near)
            );
            return Some(self.not_told("security-groups", near, text));
        }
        if !far.ranges_known {
            return Some(self.not_told(
                "security-groups",
                near,
                "The peer's ranges, which rules have to allow, are told \
                                                                after acceptance.",
            ));
        }
        let theirs = self.ranges(far);
        let mut closed: BTreeMap<SecurityGroupId, Vec<String>> = BTreeMap::new();
        let (mut servers, mut bare) = (0, Vec::new());
        for port in self.catalog.ports_of_vpc(near.vpc.id) {
            let Some(server) = port.server else { continue };
            servers += 1;
            if self.lets_in(port, far, &theirs) {
                continue;
            }
            let server = name::server(self.catalog, server);
            match port.security_groups.first() {
                Some(group) => closed.entry(*group).or_default().push(server),
                None => bare.push(server),
            }
        }
        if closed.is_empty() && bare.is_empty() {
            let text = if servers == 0 {
                format!("{} has no servers.", self.name(near))
            } else {
                format!(
                    "The security groups of every server of {} allow something from the peer. Whether a given port is \
                     allowed, `causeway trace` tells.",
                    self.name(near)
                )
            };
            return Some(self.item("security-groups", near.side, false, text));
        }
        let names: Vec<String> = closed.values().flatten().chain(&bare).cloned().collect();
        let text = format!("The security groups of {} let nothing in from the peer.", listed(&names));
        let mut item = self.item("security-groups", near.side, true, text);
        let v4 = theirs.iter().filter(|range| range.addr().is_ipv4());
        let rules = v4.flat_map(|range| closed.keys().map(move |group| (*group, *range)));
        item.repairs = rules
            .flat_map(|(group, remote)| {
                let warning = "allows every protocol and port; narrow it with a protocol and --port".to_owned();
                let change = Change::AddRule {
                    group,
                    direction: Direction::Ingress,
                    protocol: None,
                    service: None,
                    remote,
                    priority: 1,
                };
                self.plan([(change, Some(warning))])
            })
            .collect();
        Some(item)
    }

    fn lets_in(&self, port: &Port, far: &End<'_>, theirs: &[IpNet]) -> bool {
        // No rule is asked about what reaches these (rules SG-13, SG-14).
        if !port.has_security_groups() || port.profile.has_service_ports() {
            return true;
        }
        let groups = port.security_groups.iter().filter_map(|group| self.catalog.security_group(*group));
        groups.flat_map(|group: &std::sync::Arc<SecurityGroup>| &group.rules).any(|rule| self.allows(rule, far, theirs))
    }

    fn allows(&self, rule: &SecurityGroupRule, far: &End<'_>, theirs: &[IpNet]) -> bool {
        let from_there = match rule.remote {
            Remote::Any => true,
            Remote::Cidr(range) => theirs.iter().any(|theirs| overlap(&range, theirs)),
            Remote::Group(group) => self.catalog.ports_with_group(group).any(|port| port.vpc == far.vpc.id),
            Remote::AddressGroup(group) => self.group_overlaps(group, theirs),
        };
        rule.enabled && rule.direction == Direction::Ingress && rule.action == RuleAction::Allow && from_there
    }

    fn group_overlaps(&self, group: model::AddressGroupId, theirs: &[IpNet]) -> bool {
        let Some(group) = self.catalog.address_group(group) else { return false };
        group.ranges().into_iter().any(|range| theirs.iter().any(|theirs| overlap(&range, theirs)))
    }

    /// Network ACLs of one end that let nothing in from, or nothing out to, the other end.
    pub(super) fn network_acls(&self, near: &End<'_>, far: &End<'_>) -> Option<Item> {
        if !near.known {
            let text = format!("The network ACLs of {} are its owner's to see.", self.name(near));
            return Some(self.not_told("network-acls", near, text));
        }
        let theirs: Option<Vec<IpNet>> = far.ranges_known.then(|| self.ranges(far));
        let mut texts = Vec::new();
        let mut guarded = 0;
        for subnet in self.catalog.subnets_of(near.vpc.id) {
            let Some(acl) = self.catalog.network_acl_of_subnet(subnet.id).filter(|acl| acl.enabled) else { continue };
            guarded += 1;
            for (direction, what) in [(Direction::Ingress, "in from"), (Direction::Egress, "out to")] {
                let passes = acl.rules(direction).iter().any(|rule| {
                    let remote = if direction == Direction::Ingress { rule.source } else { rule.destination };
                    let allows = rule.enabled && rule.action == RuleAction::Allow && rule.version == IpVersion::V4;
                    allows && theirs.as_deref().is_none_or(|theirs| self.acl_covers(remote, theirs))
                });
                if !passes {
                    let acl = name::network_acl(self.catalog, acl.id);
                    texts.push(format!("ACL {acl} of subnet {} lets nothing {what} the peer.", subnet.name));
                }
            }
        }
        Some(if !texts.is_empty() {
            let text =
                format!("{} Add rules that allow what you need (`causeway network-acl rule add`).", texts.join(" "));
            self.item("network-acls", near.side, true, text)
        } else if guarded == 0 {
            let text = format!("No network ACL is in force in {}.", self.name(near));
            self.item("network-acls", near.side, false, text)
        } else {
            let text = format!(
                "The network ACLs of {} let something pass to and from the peer. Whether a given packet passes, \
                 `causeway trace` tells.",
                self.name(near)
            );
            self.item("network-acls", near.side, false, text)
        })
    }

    fn acl_covers(&self, remote: AclAddress, theirs: &[IpNet]) -> bool {
        match remote {
            AclAddress::Any => true,
            AclAddress::AddressGroup(group) => self.group_overlaps(group, theirs),
            AclAddress::Host(address) => theirs.iter().any(|range| range.contains(&address)),
            AclAddress::Cidr(range) => theirs.iter().any(|theirs| overlap(&range, theirs)),
        }
    }
}
