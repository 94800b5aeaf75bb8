#![allow(clippy::unwrap_used, reason = "a failed lookup is the failure of the test")]

use std::net::IpAddr;

use proptest::prelude::*;
use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::*;
use crate::fixture::Fixture;

const START: &str = "
    addresses office 10.0.0.3-10.0.0.9,10.1.0.0/24,192.168.7.7
    addresses lab 2001:db8::5-2001:db8::9,2001:db8:1::/48
    vpc A 10.0.0.0/16
    subnet SA A 10.0.0.0/24 v6=2001:db8::/64
    acl guard SA
";

/// A packet that enters or leaves the subnet.
#[derive(Clone, Copy, Debug)]
struct Packet {
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
    ports: (u16, u16),
}

fn longest<K, V>(table: &BTreeMap<Prefix<K>, V>, bits: u32, key: K) -> Option<&V>
where
    K: FromBytes + IntoBytes + Immutable + Copy + Ord,
{
    (0..=bits).rev().find_map(|len| table.get(&Prefix { bits, key }.cut(len)))
}

/// What four lookups say: the place of the first rule that matches, and whether it allows.
fn looked_up(tables: &Tables, acl: Id, direction: Direction, packet: Packet) -> Option<(u32, bool)> {
    let direction = if direction == Direction::Ingress { ACL_INGRESS } else { ACL_EGRESS };
    let (family, source) = address(packet.source);
    let (_, destination) = address(packet.destination);
    let rules = tables.acls.get(&AclKey { acl, direction, family, pad: [0; 6] })?;
    let base = prefix_base::ACL_ADDRESS + abi::address_bits(family);
    let by_address =
        |side, address| longest(&tables.acl_addresses, base, AclAddressKey { acl, direction, side, family, address });
    let ported = packet.protocol == 6 || packet.protocol == 17;
    let by_port = |side, port: u16| {
        let port = if ported { port.to_be_bytes() } else { [0; 2] };
        let key = AclPortKey { acl, direction, side, family, protocol: packet.protocol, port };
        longest(&tables.acl_ports, prefix_base::ACL_PROTOCOL + 16, key)
    };
    let vectors = [
        by_address(ACL_SOURCE, source)?,
        by_address(ACL_DESTINATION, destination)?,
        by_port(ACL_SOURCE, packet.ports.0)?,
        by_port(ACL_DESTINATION, packet.ports.1)?,
    ];
    (0..ACL_RULES).find_map(|place| {
        let (word, bit) = ((place / 64) as usize, place % 64);
        let matches = vectors.iter().all(|rules| u64::from_ne_bytes(rules.words[word]) >> bit & 1 == 1);
        matches.then(|| (place, rules.allow[word] >> bit & 1 == 1))
    })
}

/// ACL-3 as it is written: the rules in their order; the first that matches protocol, addresses and ports decides.
fn first_match(fixture: &Fixture, acl: &NetworkAcl, direction: Direction, packet: Packet) -> Option<(u32, bool)> {
    let inside = |side: AclAddress, ip: IpAddr| match side {
        AclAddress::Any => true,
        AclAddress::Host(host) => host == ip,
        AclAddress::Cidr(net) => net.contains(&ip),
        AclAddress::AddressGroup(group) => {
            let group = fixture.catalog.address_group(group).unwrap();
            group.addresses.iter().any(|entry| {
                entry.range.first().is_ipv4() == ip.is_ipv4() && entry.range.first() <= ip && ip <= entry.range.last()
            })
        }
    };
    let covers = |ranges: &[ServiceRange], port: u16| {
        ranges.is_empty() || ranges.iter().any(|range| (range.first..=range.last).contains(&port))
    };
    let version = if packet.source.is_ipv4() { IpVersion::V4 } else { IpVersion::V6 };
    let rules = acl.rules(direction).iter().filter(|rule| rule.enabled && rule.version == version);
    rules.enumerate().find_map(|(place, rule)| {
        let matches = rule.protocol.is_none_or(|protocol| protocol.0 == packet.protocol)
            && inside(rule.source, packet.source)
            && inside(rule.destination, packet.destination)
            && covers(&rule.source_ports, packet.ports.0)
            && covers(&rule.destination_ports, packet.ports.1);
        matches.then(|| (place as u32, rule.action == RuleAction::Allow))
    })
}

fn compiled(fixture: &Fixture, acl: &NetworkAcl) -> (Id, Tables) {
    let mut acls = Acls::new();
    let id = add_acl(&fixture.catalog, acl, &Exempt::default(), &mut acls);
    (id, acls.remove(&id).unwrap())
}

const SIDES_V4: [&str; 9] = [
    "any",
    "10.0.0.0/8",
    "10.0.0.0/24",
    "10.0.0.7",
    "10.0.0.4/30",
    "10.1.0.0/16",
    "192.168.7.0/24",
    "ag:office",
    "10.0.0.8/29",
];
const SIDES_V6: [&str; 6] = ["any", "2001:db8::/32", "2001:db8::/64", "2001:db8::7", "2001:db8::8/125", "ag:lab"];
const PROTOCOLS: [&str; 6] = ["all", "tcp", "udp", "icmp", "icmpv6", "47"];
const PORTS: [&str; 7] = ["", "80", "1-1023", "80-90,443", "1024-65535", "0-65535", "85-87"];

type RandomRule = ((bool, bool, bool, bool), (usize, usize, usize), (usize, usize));

fn add(fixture: &mut Fixture, rule: RandomRule) {
    let ((inbound, allow, six, enabled), (protocol, source, destination), (sport, dport)) = rule;
    let side = |n: usize| if six { SIDES_V6[n % SIDES_V6.len()] } else { SIDES_V4[n % SIDES_V4.len()] };
    let protocol = PROTOCOLS[protocol % PROTOCOLS.len()];
    let ports = |n: usize| if protocol == "tcp" || protocol == "udp" { PORTS[n % PORTS.len()] } else { "" };
    fixture.run(&format!(
        "acl-rule guard {} {} {protocol} {} {} sport={} dport={} enabled={} family={}",
        if inbound { "in" } else { "out" },
        if allow { "allow" } else { "deny" },
        side(source),
        side(destination),
        ports(sport),
        ports(dport),
        if enabled { "on" } else { "off" },
        if six { 6 } else { 4 },
    ));
}

fn rules(max: usize) -> impl Strategy<Value = Vec<RandomRule>> {
    let switches = (any::<bool>(), any::<bool>(), any::<bool>(), prop::bool::weighted(0.9));
    prop::collection::vec((switches, any::<(usize, usize, usize)>(), any::<(usize, usize)>()), 0..max)
}

/// Addresses at and beside the edges of all ranges.
fn packets() -> Vec<Packet> {
    let four = ["10.0.0.2", "10.0.0.3", "10.0.0.7", "10.0.0.9", "10.0.0.10", "10.1.0.255", "192.168.7.7", "8.8.8.8"];
    let six = ["2001:db8::4", "2001:db8::5", "2001:db8::7", "2001:db8::9", "2001:db8:1::1", "2001:db9::1"];
    let services =
        [(6, 80), (6, 86), (6, 443), (6, 8080), (6, 0), (6, 65535), (17, 53), (17, 86), (1, 0), (58, 0), (47, 0)];
    let mut packets = Vec::new();
    for family in [&four[..], &six[..]] {
        for (i, source) in family.iter().enumerate() {
            for (j, destination) in family.iter().enumerate() {
                for (k, (protocol, port)) in services.iter().enumerate() {
                    let (source, destination) = (source.parse().unwrap(), destination.parse().unwrap());
                    let other = [1023, 1024, 88, 40_000][(i + j + k) % 4];
                    let ports = if (i + k) % 2 == 0 { (other, *port) } else { (*port, other) };
                    packets.push(Packet { source, destination, protocol: *protocol, ports });
                }
            }
        }
    }
    packets
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// ACL-3, V6-6: the bit vectors say what a walk through the rules says, and the place leads back to the rule.
    #[test]
    fn four_lookups_find_the_first_rule_that_matches(random in rules(24)) {
        let mut fixture = Fixture::new(START);
        random.into_iter().for_each(|rule| add(&mut fixture, rule));
        let acl = fixture.acl("guard");
        let (id, tables) = compiled(&fixture, &acl);
        for direction in [Direction::Ingress, Direction::Egress] {
            for packet in packets() {
                let expected = first_match(&fixture, &acl, direction, packet);
                prop_assert_eq!(looked_up(&tables, id, direction, packet), expected, "{:?}", packet);
                if let Some((place, allow)) = expected {
                    let version = if packet.source.is_ipv4() { IpVersion::V4 } else { IpVersion::V6 };
                    let rule = acl_rule(&acl, direction, version, place).unwrap();
                    prop_assert_eq!(rule.action == RuleAction::Allow, allow);
                }
            }
        }
    }

    #[test]
    fn a_range_of_ports_is_covered_exactly(a in any::<u16>(), b in any::<u16>()) {
        let (first, last) = (a.min(b), a.max(b));
        let prefixes = Ports::covering(first, last);
        prop_assert!(prefixes.len() <= 30);
        let mut next = u32::from(first);
        for prefix in prefixes {
            prop_assert_eq!(u32::from(prefix.first), next);
            next = u32::from(prefix.last()) + 1;
        }
        prop_assert_eq!(next, u32::from(last) + 1);
    }
}

/// ACL-3: rules beyond the last place allow nothing.
#[test]
fn the_last_place_is_the_last_rule_that_counts() {
    let mut fixture = Fixture::new(START);
    let mut acl = fixture.acl("guard");
    fixture.run("acl-rule guard in allow tcp 10.9.9.9 any");
    let rule = fixture.acl("guard").ingress[0].clone();
    let rules = 0..ACL_RULES;
    acl.ingress = rules
        .map(|n| NetworkAclRule { source: AclAddress::Host([10, 2, 0, n as u8].into()), ..rule.clone() })
        .collect();
    acl.ingress.push(NetworkAclRule { source: AclAddress::Host([10, 9, 9, 9].into()), ..rule });
    let (id, tables) = compiled(&fixture, &acl);
    let packet = |ip: &str| Packet {
        source: ip.parse().unwrap(),
        destination: "10.0.0.1".parse().unwrap(),
        protocol: 6,
        ports: (1, 2),
    };
    assert_eq!(looked_up(&tables, id, Direction::Ingress, packet("10.2.0.255")), Some((255, true)));
    assert_eq!(looked_up(&tables, id, Direction::Ingress, packet("10.9.9.9")), None);
    assert_eq!(acl_rule(&acl, Direction::Ingress, IpVersion::V4, 256), None);
}

/// ACL-3: no rules, no entries, nothing passes; and the id says what the rules say.
#[test]
fn ids_tell_contents_apart() {
    let mut fixture = Fixture::new(START);
    let (empty, tables) = compiled(&fixture, &fixture.acl("guard"));
    assert!(tables.is_empty() && empty != abi::NO_ID);
    let mut ids = std::collections::BTreeSet::from([empty]);
    for rule in [
        "in allow tcp any any dport=80",
        "out allow tcp any any dport=80",
        "in deny tcp any any dport=80",
        "in allow tcp any any sport=80",
        "in allow tcp any ag:office",
        "in allow tcp ag:office any",
        "in allow all any any family=6",
    ] {
        fixture.run("delete-acl-rules guard");
        fixture.run(&format!("acl-rule guard {rule}"));
        assert!(ids.insert(compiled(&fixture, &fixture.acl("guard")).0), "{rule}");
    }
    // What the group says counts, not which group it is.
    fixture.run("delete-acl-rules guard\nacl-rule guard in allow tcp ag:office any");
    let before = compiled(&fixture, &fixture.acl("guard")).0;
    fixture.run("set-addresses office 10.0.0.1");
    assert_ne!(compiled(&fixture, &fixture.acl("guard")).0, before);
}
