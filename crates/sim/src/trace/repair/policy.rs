//! Proposals about security groups and network ACLs.

use ipnet::IpNet;
use model::{Direction, Protocol, RuleAction, SecurityGroup, SecurityGroupId, SecurityGroupRuleId};

use super::Change;
use super::candidates::{Alternative, Case, Proposal};
use crate::trace::{Fact, Leg, name};

/// Counts for everything that is taken away from a policy rather than added.
const REMOVES: u32 = 20;

impl Case<'_> {
    /// SG-3: a rule that allows exactly this packet, where it is asked before what refuses it; else the refusing rule
    /// goes.
    pub(super) fn security_group(&self) -> Vec<Alternative> {
        let refused = self.trace.lost_on().iter().rev().find_map(|step| match step.fact {
            Fact::SecurityGroup { port, direction, rule, allowed: false, .. } => Some((port, direction, rule)),
            _ => None,
        });
        let Some((port, direction, rule)) = refused else { return Vec::new() };
        let Some(port) = self.catalog.port(port) else { return Vec::new() };
        let groups = &port.security_groups;
        let mut found = Vec::new();
        match rule {
            None => {
                let mut groups: Vec<SecurityGroupId> = groups.clone();
                // The fewer members, the less is opened.
                groups.sort_by_key(|group| self.catalog.ports_with_group(*group).count());
                found.extend(groups.into_iter().filter_map(|group| self.allow(group, direction, 1)));
            }
            Some((group, rule)) => {
                let before = groups.iter().copied().take_while(|id| *id != group);
                let mut before: Vec<SecurityGroupId> = before.collect();
                before.sort_by_key(|group| self.catalog.ports_with_group(*group).count());
                let priority = self.priority(group, rule).unwrap_or(1);
                if priority > 1 {
                    found.extend(self.allow(group, direction, priority - 1));
                }
                found.extend(before.into_iter().filter_map(|group| self.allow(group, direction, 1)));
                found.extend(self.without(group, rule));
            }
        }
        found
    }

    fn priority(&self, group: SecurityGroupId, rule: SecurityGroupRuleId) -> Option<u8> {
        let group = self.catalog.security_group(group)?;
        group.rules.iter().find(|found| found.id == rule).map(|rule| rule.priority)
    }

    /// The service of the lost packet as rules speak of it: protocol and destination port.
    fn service(&self) -> (Protocol, Option<u16>) {
        let question = self.trace.question;
        let protocol = match question.protocol {
            Protocol::ICMP if self.destination.is_ipv6() => Protocol::ICMPV6,
            protocol => protocol,
        };
        let ports = matches!(protocol, Protocol::TCP | Protocol::UDP);
        // A reply goes to a port that the asking side has chosen.
        let port = (ports && self.trace.verdict.leg == Leg::Forward).then_some(question.port);
        (protocol, port)
    }

    fn allow(&self, group: SecurityGroupId, direction: Direction, priority: u8) -> Option<Alternative> {
        let members = self.catalog.ports_with_group(group).count();
        let (protocol, service) = self.service();
        let remote = IpNet::from(if direction == Direction::Ingress { self.source } else { self.destination });
        let mut warnings = Vec::new();
        if members > 1 {
            let (name, others) = (name::group(self.catalog, group), members - 1);
            let whom = if others == 1 { "1 other port".to_owned() } else { format!("{others} other ports") };
            warnings.push(format!("{name} guards {whom}, for which it is allowed too"));
        }
        if service.is_none() && matches!(protocol, Protocol::TCP | Protocol::UDP) {
            warnings
                .push("allows every port: it is for replies, which go to a port that the asking side chose".to_owned());
        }
        let change = Change::AddRule { group, direction, protocol: Some(protocol), service, remote, priority };
        let warning = (!warnings.is_empty()).then(|| warnings.join("; "));
        let penalty = u32::try_from(members.min(10)).unwrap_or(0);
        Some(Alternative::of(Proposal::new(change).warn(warning)).with_penalty(penalty))
    }

    fn without(&self, id: SecurityGroupId, rule: SecurityGroupRuleId) -> Option<Alternative> {
        let group: &SecurityGroup = self.catalog.security_group(id)?;
        group.rules.iter().find(|found| found.id == rule && found.action == RuleAction::Deny)?;
        let warning = format!(
            "what the rule refuses besides this packet is then left to the other rules of {}",
            name::group(self.catalog, id)
        );
        let change = Change::DeleteRule { group: id, rule };
        Some(Alternative::of(Proposal::new(change).warn(Some(warning))).with_penalty(REMOVES))
    }

    /// ACL-3: a rule in front that allows exactly this packet.
    pub(super) fn network_acl(&self) -> Vec<Alternative> {
        let refused = self.trace.lost_on().iter().rev().find_map(|step| match step.fact {
            Fact::NetworkAcl { acl, direction, allowed: false, .. } => Some((acl, direction)),
            _ => None,
        });
        let Some((acl, direction)) = refused else { return Vec::new() };
        let (protocol, destination_port) = self.service();
        let replies = matches!(protocol, Protocol::TCP | Protocol::UDP) && self.trace.verdict.leg == Leg::Return;
        let change = Change::AddAclRule {
            acl,
            direction,
            protocol,
            source: self.source,
            destination: self.destination,
            source_port: replies.then_some(self.trace.question.port),
            destination_port,
        };
        vec![Alternative::of(Proposal::new(change))]
    }
}
