//! Two workloads in peered VPCs, as tables.

use abi::{
    Address, CONTEXT_IN_PEERING, CONTEXT_OUT, CROSSING_ACTIVE, Crossing, CrossingKey, ENDPOINT_WORKLOAD, Endpoint,
    EndpointKey, FAMILY_V4, GATEWAY_MAC, Id, Identity, IdentityKey, Mac, NO_ID, PORT_CHECKED, PORT_RUNNING, Port,
    ROUTE_LOCAL, ROUTE_PEERING, RULE_ALLOW, Route, RouteKey, Rule, RuleKey, prefix_base,
};
use tables::{Prefix, Tables};

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
    fn address(self) -> [u8; 4] {
        [10, self.number, 0, 10]
    }

    fn id(self, kind: u8) -> Id {
        [kind, 0, 0, 0, 0, 0, 0, self.number]
    }

    fn table(self) -> Id {
        self.id(b't')
    }
}

/// What is to be in force: both VPCs with a subnet and a route to the other, UDP allowed from everywhere.
pub fn tables(left: End, right: End) -> Tables {
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
                vni: end.vni,
                edge_site: 0,
                mac: end.mac,
                flags,
                pad: 0,
            },
        );
        tables.endpoints.insert(
            EndpointKey { vni: end.vni, family: FAMILY_V4, pad: [0; 3], address: wide(end.address()) },
            Endpoint {
                port,
                subnet,
                policy: POLICY,
                ifindex: end.ifindex,
                mac: end.mac,
                kind: ENDPOINT_WORKLOAD,
                flags,
                vtep: [0; 16],
                pad: [0; 4],
            },
        );
        let mut route = |number: u8, bits: u8, kind, target| {
            let address = wide([10, number, 0, 0]);
            let key = RouteKey { table: end.table(), family: FAMILY_V4, address };
            let route = Route { target, route: target, next_hop: [0; 16], kind, prefix_len: bits, pad: [0; 6] };
            tables.routes.insert(Prefix { bits: prefix_base::ROUTE + u32::from(bits), key }, route);
        };
        route(end.number, 24, ROUTE_LOCAL, subnet);
        route(other.number, 16, ROUTE_PEERING, PEERING);
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
        let key = IdentityKey { policy: POLICY, context, family: FAMILY_V4, address: [0; 16] };
        tables.identities.insert(Prefix { bits: prefix_base::IDENTITY, key }, Identity { class: CLASS });
    }
    tables.rules.insert(
        Prefix { bits: prefix_base::RULE_PROTOCOL, key: RuleKey { class: CLASS, protocol: UDP, service: [0; 2] } },
        Rule { rule: NO_ID, verdict: RULE_ALLOW, pad: [0; 7] },
    );
    tables
}

const UDP: u8 = 17;

fn wide(address: [u8; 4]) -> Address {
    let mut wide = [0; 16];
    wide[..4].copy_from_slice(&address);
    wide
}

/// A UDP packet of 64 bytes to the other VPC.
pub fn frame(from: End, to: End, source: u16, destination: u16) -> Vec<u8> {
    const PAYLOAD: usize = 22;
    let mut frame = [GATEWAY_MAC, from.mac].concat();
    frame.extend([0x08, 0x00, 0x45, 0, 0, 20 + 8 + PAYLOAD as u8, 0, 1, 0x40, 0, 64, UDP, 0, 0]);
    frame.extend(from.address());
    frame.extend(to.address());
    frame.extend(source.to_be_bytes());
    frame.extend(destination.to_be_bytes());
    frame.extend([0, 8 + PAYLOAD as u8, 0, 0]);
    frame.extend([0; PAYLOAD]);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_64_bytes_long() {
        let (left, right) = ends(1, 2);
        assert_eq!(frame(left, right, 1, 2).len(), 64);
    }
}
