//! Random network ACLs: what each packet meets is what the rules say, read as they are written.
#![allow(clippy::unwrap_used, reason = "a failed lookup is the failure of the test")]

use std::net::IpAddr;

use abi::DropReason;
use compiler::Compiler;
use compiler::fixture::Fixture;
use model::{AclAddress, Direction, IpVersion, NetworkAcl, Port, RuleAction, ServerId, ServiceRange};
use proptest::prelude::*;
use sim::World;
use sim::frame::{Ends, TcpFlags};

/// Two guarded subnets and an open one; everything else lets everything pass.
const NET: &str = "
    addresses some 10.0.0.10-10.0.0.15,10.1.0.40
    addresses some6 2001:db8:a:2::/64,2001:db8:a:1::20
    vpc A 10.0.0.0/16
    vpc B 10.1.0.0/16
    subnet S1 A 10.0.0.0/24 v6=2001:db8:a:1::/64
    subnet S2 A 10.0.1.0/24 v6=2001:db8:a:2::/64
    subnet SB B 10.1.0.0/24 v6=2001:db8:b:1::/64
    server a1 S1 10.0.0.10 ip6=2001:db8:a:1::10
    server a2 S1 10.0.0.20 ip6=2001:db8:a:1::20
    server a3 S2 10.0.1.30 ip6=2001:db8:a:2::30
    server b1 SB 10.1.0.40 ip6=2001:db8:b:1::40
    peering AB A B
    route rtb-A 10.1.0.0/16 AB
    route rtb-B 10.0.0.0/16 AB
    route rtb-A 2001:db8:b::/48 AB
    route rtb-B 2001:db8:a::/48 AB
    acl acl-1 S1
    acl acl-2 S2
";
const SERVERS: [&str; 4] = ["a1", "a2", "a3", "b1"];
const SIDES: [&str; 7] = ["any", "10.0.0.0/24", "10.0.0.0/15", "10.0.0.10", "10.1.0.0/16", "ag:some", "10.0.1.16/28"];
const SIDES_V6: [&str; 5] = ["any", "2001:db8:a:1::/64", "2001:db8:a::/48", "2001:db8:b:1::40", "ag:some6"];
const SERVICES: [&str; 4] = ["all", "tcp", "udp", "ICMP"];
const PORTS: [&str; 5] = ["", "80", "79-90,4000", "1024-65535", "0-79"];

/// A packet of a flow that nobody has seen.
#[derive(Clone, Copy, Debug)]
enum Packet {
    Tcp(u16, u16),
    Udp(u16, u16),
    Echo,
    Other,
}

const PACKETS: [Packet; 6] = [
    Packet::Tcp(4000, 80),
    Packet::Tcp(80, 4000),
    Packet::Tcp(1023, 79),
    Packet::Udp(4000, 90),
    Packet::Echo,
    Packet::Other,
];

impl Packet {
    fn frame(self, ends: &Ends) -> Vec<u8> {
        match self {
            Self::Tcp(from, to) => ends.tcp(from, to, TcpFlags::Syn),
            Self::Udp(from, to) => ends.udp(from, to),
            Self::Echo => ends.echo_request(7, 1),
            Self::Other => ends.ip(47),
        }
    }

    fn protocol(self, version: IpVersion) -> u8 {
        match (self, version) {
            (Self::Tcp(..), _) => 6,
            (Self::Udp(..), _) => 17,
            (Self::Echo, IpVersion::V4) => 1,
            (Self::Echo, IpVersion::V6) => 58,
            (Self::Other, _) => 47,
        }
    }

    fn ports(self) -> Option<(u16, u16)> {
        match self {
            Self::Tcp(from, to) | Self::Udp(from, to) => Some((from, to)),
            Self::Echo | Self::Other => None,
        }
    }
}

/// ACL-3: rules in their order, the first match decides, deny at the end.
fn allows(fixture: &Fixture, acl: &NetworkAcl, direction: Direction, ends: &Ends, packet: Packet) -> bool {
    let version = if ends.source.is_ipv4() { IpVersion::V4 } else { IpVersion::V6 };
    let inside = |side: AclAddress, ip: IpAddr| match side {
        AclAddress::Any => true,
        AclAddress::Host(host) => host == ip,
        AclAddress::Cidr(net) => net.contains(&ip),
        AclAddress::AddressGroup(group) => {
            let group = fixture.catalog.address_group(group).unwrap();
            group.version == version
                && group.addresses.iter().any(|entry| entry.range.first() <= ip && ip <= entry.range.last())
        }
    };
    let covers = |ranges: &[ServiceRange], port: Option<u16>| {
        ranges.is_empty() || port.is_some_and(|port| ranges.iter().any(|r| r.first <= port && port <= r.last))
    };
    let first = acl.rules(direction).iter().find(|rule| {
        rule.enabled
            && rule.version == version
            && rule.protocol.is_none_or(|protocol| protocol.0 == packet.protocol(version))
            && inside(rule.source, ends.source)
            && inside(rule.destination, ends.destination)
            && covers(&rule.source_ports, packet.ports().map(|(from, _)| from))
            && covers(&rule.destination_ports, packet.ports().map(|(_, to)| to))
    });
    first.is_some_and(|rule| rule.action == RuleAction::Allow)
}

/// ACL-2, ACL-6: out of the sender's subnet, then into the receiver's.
fn passes(fixture: &Fixture, from: &Port, to: &Port, ends: &Ends, packet: Packet) -> bool {
    let acl = |port: &Port| fixture.catalog.network_acl_of_subnet(port.subnet).filter(|acl| acl.enabled).cloned();
    let asked = |port: &Port, direction| acl(port).is_none_or(|acl| allows(fixture, &acl, direction, ends, packet));
    from.subnet == to.subnet || (asked(from, Direction::Egress) && asked(to, Direction::Ingress))
}

type RandomRule = ((bool, bool, bool, bool), (usize, usize, usize), (usize, usize), bool);

fn add(fixture: &mut Fixture, ((second, inbound, allow, six), (service, source, destination), ports, on): RandomRule) {
    let side = |n: usize| if six { SIDES_V6[n % SIDES_V6.len()] } else { SIDES[n % SIDES.len()] };
    let service = SERVICES[service % SERVICES.len()];
    let port = |n: usize| if service == "tcp" || service == "udp" { PORTS[n % PORTS.len()] } else { "" };
    fixture.run(&format!(
        "acl-rule {} {} {} {} {} {} sport={} dport={} family={} enabled={}",
        if second { "acl-2" } else { "acl-1" },
        if inbound { "in" } else { "out" },
        if allow { "allow" } else { "deny" },
        if service == "ICMP" { if six { "icmpv6" } else { "icmp" } } else { service },
        side(source),
        side(destination),
        port(ports.0),
        port(ports.1),
        if six { 6 } else { 4 },
        if on { "on" } else { "off" },
    ));
}

fn rules() -> impl Strategy<Value = Vec<RandomRule>> {
    let switches = (any::<bool>(), any::<bool>(), prop::bool::weighted(0.7), any::<bool>());
    let rule = (switches, any::<(usize, usize, usize)>(), any::<(usize, usize)>(), prop::bool::weighted(0.9));
    prop::collection::vec(rule, 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// ACL-1 to ACL-3, ACL-6, ACL-8, V6-6.
    #[test]
    fn packets_meet_what_the_rules_say(random in rules(), enabled in any::<bool>()) {
        let mut fixture = Fixture::new(NET);
        random.into_iter().for_each(|rule| add(&mut fixture, rule));
        fixture.run(if enabled { "enable acl-2 on" } else { "enable acl-2 off" });
        let mut world = World::load(&Compiler::default().full(&fixture.catalog, fixture.attachments()));
        let port = |name: &str| {
            let server = fixture.catalog.server(ServerId::new(fixture.id(name))).unwrap();
            (**fixture.catalog.port(server.port).unwrap()).clone()
        };
        for (from, to) in SERVERS.iter().flat_map(|from| SERVERS.iter().map(move |to| (from, to))).filter(|(a, b)| a != b) {
            let (from, to) = (port(from), port(to));
            for (source, destination) in from.addresses().zip(to.addresses()) {
                for packet in PACKETS {
                    let ends = Ends::by_gateway(from.mac.0, source, destination);
                    world.forget_flows();
                    let outcome = world.send(fixture.attachments()[&from.id], &mut packet.frame(&ends));
                    let expected = passes(&fixture, &from, &to, &ends, packet);
                    prop_assert_eq!(
                        outcome.delivered_to(), expected.then(|| fixture.attachments()[&to.id]), "{:?} {:?}", ends, packet
                    );
                    prop_assert_eq!(outcome.reason(), (!expected).then_some(DropReason::NetworkAcl));
                }
            }
        }
    }
}
