//! Two workloads in peered VPCs, as tables.

use abi::{
    ACL_DESTINATION, ACL_EGRESS, ACL_INGRESS, ACL_SOURCE, Acl, AclAddressKey, AclKey, AclPortKey, AclRules, Address,
    CONTEXT_IN_PEERING, CONTEXT_OUT, CROSSING_ACTIVE, Crossing, CrossingKey, ENDPOINT_WORKLOAD, Endpoint, EndpointKey,
    FAMILY_V4, FAMILY_V6, GATEWAY_MAC, Id, Identity, IdentityKey, Mac, NO_ID, PORT_CHECKED, PORT_RUNNING, Port,
    ROUTE_LOCAL, ROUTE_PEERING, RULE_ALLOW, Route, RouteKey, Rule, RuleKey, prefix_base,
};
use tables::{Prefix, Tables};

use crate::path::{ROUTES, RULES};

/// Which packets, and what is in force beside the peering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variation {
    /// [`FAMILY_V4`] or [`FAMILY_V6`].
    pub family: u8,
    /// Network ACLs, many rules and many routes.
    pub configured: bool,
}

impl Variation {
    /// All of them; the first is what the others are compared with.
    pub const ALL: [Self; 4] = [
        Self { family: FAMILY_V4, configured: false },
        Self { family: FAMILY_V4, configured: true },
        Self { family: FAMILY_V6, configured: false },
        Self { family: FAMILY_V6, configured: true },
    ];

    /// The same packets with nothing configured.
    pub fn bare(self) -> Self {
        Self { configured: false, ..self }
    }

    /// In tables.
    pub fn name(self) -> &'static str {
        match (self.family, self.configured) {
            (FAMILY_V4, false) => "IPv4",
            (FAMILY_V4, true) => "IPv4, configured",
            (_, false) => "IPv6",
            (_, true) => "IPv6, configured",
        }
    }
}

/// A workload.
#[derive(Clone, Copy, Debug)]
pub struct End {
    /// Interface that its packets come in by.
    pub ifindex: u32,
    /// Its VPC; also the second byte of its address, 10.`vni`.0.10.
    pub vni: u32,
    number: u8,
    mac: Mac,
}

const PEERING: Id = *b"peering.";
const POLICY: Id = *b"policy..";
const CLASS: Id = *b"class...";

/// Two workloads behind these interfaces. A run of the program finds the frame as the one before left it, with the
/// gateway as its source: so the sender has the gateway's hardware address, and every run sees a valid packet.
pub fn ends(left: u32, right: u32) -> (End, End) {
    let end = |number, ifindex| End { ifindex, vni: u32::from(number), number, mac: GATEWAY_MAC };
    (end(1, left), end(2, right))
}

impl End {
    /// An address of its VPC: 10.n.0.`host`, fd00:0:0:n::`host`.
    fn address(self, family: u8, host: u8) -> Address {
        let mut address = [0; 16];
        if family == FAMILY_V4 {
            address[..4].copy_from_slice(&[10, self.number, 0, host]);
        } else {
            address[0] = 0xfd;
            address[7] = self.number;
            address[15] = host;
        }
        address
    }

    fn id(self, kind: u8) -> Id {
        [kind, 0, 0, 0, 0, 0, 0, self.number]
    }

    fn table(self) -> Id {
        self.id(b't')
    }
}

/// The workload's number among the addresses of its subnet.
const HOST: u8 = 10;

/// What is to be in force: both VPCs with a subnet and a route to the other, UDP allowed from everywhere.
pub fn tables(left: End, right: End, variation: Variation) -> Tables {
    let family = variation.family;
    let acl = if variation.configured { ACL } else { NO_ID };
    // A subnet's and a VPC's length of prefix.
    let (of_subnet, of_vpc) = if family == FAMILY_V4 { (24, 16) } else { (64, 64) };
    let mut tables = Tables::default();
    for (end, other) in [(left, right), (right, left)] {
        let (port, subnet, flags) = (end.id(b'p'), end.id(b's'), PORT_CHECKED | PORT_RUNNING);
        tables.ports.insert(
            end.ifindex,
            Port {
                port,
                subnet,
                table: end.table(),
                policy: POLICY,
                acl,
                vni: end.vni,
                edge_site: 0,
                mac: end.mac,
                flags,
                pad: 0,
                mtu: 1500,
                lease_hours: 0,
                ipv4: [10, end.number, 0, HOST],
                ipv6: end.address(FAMILY_V6, HOST),
            },
        );
        tables.endpoints.insert(
            EndpointKey { vni: end.vni, family, pad: [0; 3], address: end.address(family, HOST) },
            Endpoint {
                port,
                subnet,
                policy: POLICY,
                acl,
                ifindex: end.ifindex,
                mac: end.mac,
                kind: ENDPOINT_WORKLOAD,
                flags,
                vtep: [0; 16],
                pad: [0; 4],
            },
        );
        let mut route = |address: Address, bits: u8, kind, target| {
            let key = RouteKey { table: end.table(), family, address };
            let route = Route { target, route: target, next_hop: [0; 16], kind, prefix_len: bits, pad: [0; 6] };
            tables.routes.insert(Prefix { bits: prefix_base::ROUTE + u32::from(bits), key }, route);
        };
        route(end.address(family, 0), of_subnet, ROUTE_LOCAL, subnet);
        route(other.address(family, 0), of_vpc, ROUTE_PEERING, PEERING);
        if variation.configured {
            for number in 1..ROUTES {
                route(elsewhere(family, number), of_subnet, ROUTE_PEERING, PEERING);
            }
        }
        tables.crossings.insert(
            CrossingKey { peering: PEERING, from_vni: end.vni, pad: [0; 4] },
            Crossing {
                table: other.table(),
                vni: other.vni,
                entry_vni: 100 + other.vni,
                edge_site: 0,
                state: CROSSING_ACTIVE,
                pad: [0; 3],
            },
        );
    }
    for context in [CONTEXT_OUT, CONTEXT_IN_PEERING] {
        let key = IdentityKey { policy: POLICY, context, family, address: [0; 16] };
        tables.identities.insert(Prefix { bits: prefix_base::IDENTITY, key }, Identity { class: CLASS });
    }
    let mut rule = |bits: u32, protocol: u8, service: [u8; 2]| {
        tables.rules.insert(
            Prefix { bits, key: RuleKey { class: CLASS, protocol, service } },
            Rule { rule: NO_ID, verdict: RULE_ALLOW, pad: [0; 7] },
        );
    };
    rule(prefix_base::RULE_PROTOCOL, UDP, [0; 2]);
    if variation.configured {
        for number in 1..u16::try_from(RULES).unwrap_or(u16::MAX) {
            rule(prefix_base::RULE_PROTOCOL + 16, TCP, number.to_be_bytes());
        }
        network_acl(&mut tables, family);
    }
    tables
}

/// A range that no packet is sent to: 172.16.0.0/24 and on, 2001:db8:0:n::/64.
fn elsewhere(family: u8, number: usize) -> Address {
    let [.., high, low] = number.to_be_bytes();
    let mut address = [0; 16];
    if family == FAMILY_V4 {
        address[..4].copy_from_slice(&[172, 16 + high, low, 0]);
    } else {
        address[..8].copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8, 0, 0, high, low]);
    }
    address
}

const ACL: Id = *b"acl.....";
/// Rules of the network ACL for a direction: all but the last refuse a range.
const ACL_REFUSING: usize = 20;

/// Twenty ranges refused, the rest allowed, in both directions.
fn network_acl(tables: &mut Tables, family: u8) {
    let words = |rules: &[usize]| {
        let mut words = [0u64; abi::ACL_WORDS];
        for rule in rules {
            words[rule / 64] |= 1 << (rule % 64);
        }
        words
    };
    let value = |rules: &[usize]| AclRules { words: words(rules).map(u64::to_ne_bytes) };
    for direction in [ACL_INGRESS, ACL_EGRESS] {
        let key = AclKey { acl: ACL, direction, family, pad: [0; 6] };
        tables.acls.insert(key, Acl { allow: words(&[ACL_REFUSING]) });
        let mut matching = |side, address, bits: u8, rules: &[usize]| {
            let key = AclAddressKey { acl: ACL, direction, side, family, address };
            let bits = prefix_base::ACL_ADDRESS + u32::from(bits);
            tables.acl_addresses.insert(Prefix { bits, key }, value(rules));
        };
        let all: Vec<usize> = (0..=ACL_REFUSING).collect();
        matching(ACL_SOURCE, [0; 16], 0, &[ACL_REFUSING]);
        matching(ACL_DESTINATION, [0; 16], 0, &all);
        for rule in 0..ACL_REFUSING {
            let bits = if family == FAMILY_V4 { 24 } else { 64 };
            matching(ACL_SOURCE, elsewhere(family, rule), bits, &[rule, ACL_REFUSING]);
        }
        for side in [ACL_SOURCE, ACL_DESTINATION] {
            let key = AclPortKey { acl: ACL, direction, side, family, protocol: 0, port: [0; 2] };
            tables.acl_ports.insert(Prefix { bits: prefix_base::ACL_ANY_PROTOCOL, key }, value(&all));
        }
    }
}

const TCP: u8 = 6;
const UDP: u8 = 17;

/// A UDP packet to the other VPC: 64 bytes, or 84 of IPv6.
pub fn frame(from: End, to: End, family: u8, source: u16, destination: u16) -> Vec<u8> {
    const PAYLOAD: usize = 22;
    const DATAGRAM: u8 = 8 + PAYLOAD as u8;
    let mut frame = [GATEWAY_MAC, from.mac].concat();
    if family == FAMILY_V4 {
        frame.extend([0x08, 0x00, 0x45, 0, 0, 20 + DATAGRAM, 0, 1, 0x40, 0, 64, UDP, 0, 0]);
        frame.extend(&from.address(family, HOST)[..4]);
        frame.extend(&to.address(family, HOST)[..4]);
    } else {
        frame.extend([0x86, 0xdd, 0x60, 0, 0, 0, 0, DATAGRAM, UDP, 64]);
        frame.extend(from.address(family, HOST));
        frame.extend(to.address(family, HOST));
    }
    frame.extend(source.to_be_bytes());
    frame.extend(destination.to_be_bytes());
    frame.extend([0, DATAGRAM, 0, 0]);
    frame.extend([0; PAYLOAD]);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_have_the_lengths_that_are_reported() {
        let (left, right) = ends(1, 2);
        assert_eq!(frame(left, right, FAMILY_V4, 1, 2).len(), 64);
        assert_eq!(frame(left, right, FAMILY_V6, 1, 2).len(), 84);
    }

    #[test]
    fn a_configured_variation_has_as_many_rules_and_routes_as_it_says() {
        let (left, right) = ends(1, 2);
        for family in [FAMILY_V4, FAMILY_V6] {
            let tables = tables(left, right, Variation { family, configured: true });
            assert_eq!((tables.rules.len(), tables.routes.len()), (RULES, 2 * (ROUTES + 1)));
            assert_eq!(tables.acls.len(), 2);
        }
    }
}
