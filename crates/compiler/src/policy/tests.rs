#![allow(clippy::unwrap_used, reason = "a failed lookup is the failure of the test")]

use std::net::Ipv4Addr;

use abi::{FAMILY_V4, RULE_ALLOW};
use ipnet::Ipv4Net;
use proptest::prelude::*;

use super::*;
use crate::fixture::Fixture;
use crate::{Settings, compile_vpc, policy_id};

/// Two peered VPCs with equal addresses at `.7`, and a third one that nothing leads to.
const VPCS: &str = "
    group web
    group db
    vpc A 10.0.0.0/16
    vpc B 10.1.0.0/16
    vpc C 10.1.0.0/16
    subnet SA A 10.0.0.0/24
    subnet SB B 10.1.0.0/24
    subnet SC C 10.1.0.0/24
    server A-db SA 10.0.0.5 groups=db
    server A-web SA 10.0.0.7 groups=web
    server B-web SB 10.1.0.7 groups=web
    server C-web SC 10.1.0.8 groups=web
    peering AB A B
    route rtb-B 10.0.0.0/24 AB
";

/// What the tables say about a packet at the ports of `A` that are in `group`: the rule and whether it passes.
fn decide(fixture: &Fixture, groups: &[&str], context: u8, remote: [u8; 4], protocol: u8, service: u16) -> (Id, bool) {
    let vpc = fixture.vpc("A");
    let groups: Vec<_> = groups.iter().map(|name| SecurityGroupId::new(fixture.id(name))).collect();
    let tables = compile_vpc(&fixture.catalog, vpc, fixture.attachments(), Settings::default());
    let policy = policy_id(vpc, &groups);
    let class = tables
        .identities
        .iter()
        .filter(|(p, _)| p.key.policy == policy && p.key.context == context && p.key.family == FAMILY_V4)
        .filter(|(p, _)| {
            let [a, b, c, d, ..] = p.key.address;
            let net = Ipv4Net::new(Ipv4Addr::new(a, b, c, d), (p.bits - 80) as u8).unwrap();
            net.contains(&Ipv4Addr::from(remote))
        })
        .max_by_key(|(p, _)| p.bits)
        .map(|(_, identity)| identity.class);
    let Some(class) = class else { return ([0; 8], false) };
    tables
        .rules
        .iter()
        .filter(|(p, _)| p.key.class == class && (p.bits == 64 || p.key.protocol == protocol))
        .filter(|(p, _)| {
            let mask = ((0xffff_0000u32 >> (p.bits.max(72) - 72)) & 0xffff) as u16;
            service & mask == u16::from_be_bytes(p.key.service)
        })
        .max_by_key(|(p, _)| p.bits)
        .map_or(([0; 8], false), |(_, rule)| (rule.rule, rule.verdict == RULE_ALLOW))
}

/// SG-7.
#[test]
fn a_group_means_members_where_the_packet_came_from() {
    let mut fixture = Fixture::new(VPCS);
    fixture.run("rule db in allow 1 tcp/3306 sg:web");
    let tcp = |context, remote| decide(&fixture, &["db"], context, remote, 6, 3306).1;
    assert!(tcp(CONTEXT_IN_VPC, [10, 0, 0, 7]));
    assert!(!tcp(CONTEXT_IN_VPC, [10, 1, 0, 7]), "a member elsewhere is none here");
    assert!(tcp(CONTEXT_IN_PEERING, [10, 1, 0, 7]));
    assert!(!tcp(CONTEXT_IN_PEERING, [10, 0, 0, 7]), "a member here is none elsewhere");
    assert!(!tcp(CONTEXT_IN_PEERING, [10, 1, 0, 8]), "nothing leads from C to A");
    assert!(!tcp(CONTEXT_IN_PEERING, [10, 1, 0, 9]));
}

/// SG-7: a packet of a port with the check off matches any member.
#[test]
fn packets_of_unchecked_ports_match_members_on_either_side() {
    let mut fixture = Fixture::new(VPCS);
    fixture.run("rule db in allow 1 tcp/3306 sg:web");
    fixture.run("check B-web off");
    let tcp = |remote| decide(&fixture, &["db"], CONTEXT_IN_UNCHECKED, remote, 6, 3306).1;
    assert!(tcp([10, 0, 0, 7]) && tcp([10, 1, 0, 7]));
    assert!(!tcp([10, 0, 0, 5]), "no member");
}

/// SG-7: an address of an own subnet means whoever has it there.
#[test]
fn outbound_remotes_are_members_here_and_elsewhere() {
    let mut fixture = Fixture::new(VPCS);
    fixture.run("rule db out allow 1 all sg:web");
    let out = |remote| decide(&fixture, &["db"], CONTEXT_OUT, remote, 6, 80).1;
    assert!(out([10, 0, 0, 7]) && out([10, 1, 0, 7]) && out([10, 1, 0, 8]));
    assert!(!out([10, 0, 0, 5]) && !out([10, 1, 0, 9]));
}

/// SG-3: no group denies everything.
#[test]
fn a_port_without_groups_has_no_policy() {
    assert_eq!(policy_id(Fixture::new(VPCS).vpc("A"), &[]), abi::NO_ID);
}

/// SG-3 for one packet, as it is written. `member` tells whether the remote is a member of a group.
fn first_match(
    fixture: &Fixture,
    groups: &[&str],
    direction: Direction,
    member: impl Fn(SecurityGroupId) -> bool,
    remote: Ipv4Addr,
    protocol: u8,
    service: u16,
) -> (Id, bool) {
    for name in groups {
        let group = fixture.catalog.security_group(SecurityGroupId::new(fixture.id(name))).unwrap();
        for priority in 1..=100 {
            for action in [RuleAction::Deny, RuleAction::Allow] {
                let found = group.rules.iter().find(|rule| {
                    rule.direction == direction
                        && rule.priority == priority
                        && rule.action == action
                        && rule.protocol.is_none_or(|p| p.0 == protocol)
                        && (rule.protocol.is_none()
                            || rule.services.is_empty()
                            || rule.services.iter().any(|s| (s.first..=s.last).contains(&service)))
                        && match rule.remote {
                            Remote::Cidr(range) => range.contains(&IpAddr::V4(remote)),
                            Remote::Group(id) => member(id),
                            Remote::Any => true,
                            Remote::AddressGroup(_) => false,
                        }
                });
                if let Some(rule) = found {
                    return (rule.id.table_id(), action == RuleAction::Allow);
                }
            }
        }
    }
    ([0; 8], false)
}

type RandomRule = (bool, bool, bool, u8, usize, usize);

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// SG-3, SG-7.
    #[test]
    fn policies_decide_as_a_walk_through_groups_and_rules(
        rules in prop::collection::vec(any::<(bool, bool, bool, u8, usize, usize)>(), 0..12),
    ) {
        let mut fixture = Fixture::new(VPCS);
        fixture.run("groups A-db db,web");
        let remotes = ["0.0.0.0/0", "10.0.0.0/24", "10.1.0.0/24", "10.1.0.7/32", "10.0.0.4/30", "sg:web", "sg:db"];
        let services = ["all", "tcp", "tcp/80-90", "tcp/85", "udp", "icmp", "tcp/443,8000-9000"];
        for (group, inbound, allow, priority, service, remote) in rules {
            let rule: RandomRule = (group, inbound, allow, priority % 3 + 1, service % services.len(), remote % remotes.len());
            fixture.run(&format!(
                "rule {} {} {} {} {} {}",
                if rule.0 { "web" } else { "db" },
                if rule.1 { "in" } else { "out" },
                if rule.2 { "allow" } else { "deny" },
                rule.3, services[rule.4], remotes[rule.5],
            ));
        }
        let groups = ["db", "web"];
        for (direction, context) in
            [(Direction::Egress, CONTEXT_OUT), (Direction::Ingress, CONTEXT_IN_VPC), (Direction::Ingress, CONTEXT_IN_PEERING)]
        {
            for remote in [[10, 0, 0, 5], [10, 0, 0, 7], [10, 1, 0, 7], [10, 1, 0, 9], [8, 8, 8, 8]] {
                let member = |id: SecurityGroupId| {
                    let member_vpcs: &[&str] = match context {
                        CONTEXT_OUT => &["A", "B", "C"],
                        CONTEXT_IN_VPC => &["A"],
                        _ => &["B"],
                    };
                    fixture.catalog.ports_with_group(id).any(|port| {
                        port.ipv4.octets() == remote && member_vpcs.iter().any(|vpc| fixture.vpc(vpc) == port.vpc)
                    })
                };
                for (protocol, service) in [(6, 80), (6, 85), (6, 443), (6, 8500), (17, 53), (1, 0x0800), (47, 0)] {
                    prop_assert_eq!(
                        decide(&fixture, &groups, context, remote, protocol, service),
                        first_match(&fixture, &groups, direction, member, remote.into(), protocol, service)
                    );
                }
            }
        }
    }
}
