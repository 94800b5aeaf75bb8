//! Random tables: mostly sensible, sometimes contradicting themselves.

use abi::{
    CROSSING_ACTIVE, CROSSING_PENDING, CidrKey, Crossing, CrossingKey, ENDPOINT_GATEWAY, ENDPOINT_WORKLOAD, Endpoint,
    FAMILY_V4, GATEWAY_MAC, Identity, IdentityKey, Mac, NO_ID, PORT_CHECKED, PORT_RUNNING, Port, ROUTE_INSTANCE,
    ROUTE_LOCAL, ROUTE_NAT, ROUTE_PEERING, ROUTE_SYSTEM, RULE_ALLOW, RULE_DENY, Route, RouteKey, Rule, RuleKey,
    prefix_base,
};
use tables::{Prefix, Tables};

use super::{
    common::{endpoint_key, id, v4},
    random::Random,
};

/// VPCs 1 to 4; the last has the addresses of the first.
pub const VPCS: u8 = 4;
const SUBNETS: u8 = 2;

/// Second byte of the addresses of a VPC.
const fn network(vpc: u8) -> u8 {
    if vpc == VPCS { 1 } else { vpc }
}

/// A port as packets need it.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub ifindex: u32,
    pub address: [u8; 4],
    pub mac: Mac,
}

/// Tables for ports behind `interfaces`.
pub fn random(random: &mut Random, interfaces: &[u32]) -> (Tables, Vec<Place>) {
    let mut tables = Tables::default();
    let mut places = Vec::new();
    for (number, ifindex) in (0..).zip(interfaces) {
        places.push(port(random, &mut tables, number, *ifindex));
    }
    for vpc in 1..=VPCS {
        for subnet in 0..SUBNETS {
            let gateway = [10, network(vpc), subnet, 1];
            tables.endpoints.insert(endpoint_key(vpc.into(), gateway), gateway_endpoint(vpc, subnet));
            routes(random, &mut tables, vpc, subnet, &places);
        }
        crossings(random, &mut tables, vpc);
        for vni in [vpc, 0] {
            if random.percent(70) {
                let key = CidrKey { vni: [0, 0, 0, vni], family: FAMILY_V4, address: v4([10, network(vpc), 0, 0]) };
                tables.cidrs.insert(Prefix { bits: prefix_base::CIDR + 16, key }, 1);
            }
        }
    }
    policies(random, &mut tables);
    (tables, places)
}

fn port(random: &mut Random, tables: &mut Tables, number: u8, ifindex: u32) -> Place {
    let vpc = 1 + random.byte(VPCS.into());
    let subnet = random.byte(SUBNETS.into());
    let place =
        Place { ifindex, address: [10, network(vpc), subnet, 10 + number], mac: [2, 0, 0, vpc, subnet, number] };
    let mut flags = 0;
    if random.percent(80) {
        flags |= PORT_CHECKED;
    }
    if random.percent(92) {
        flags |= PORT_RUNNING;
    }
    let policy = if random.percent(4) { NO_ID } else { id(b'P', random.byte(3)) };
    let (port, subnet_id) = (id(b'p', number), id(b's', vpc * 10 + subnet));
    tables.ports.insert(
        ifindex,
        Port {
            port,
            subnet: subnet_id,
            table: id(b't', vpc * 10 + subnet),
            policy,
            vni: vpc.into(),
            edge_site: if random.percent(15) { u32::from(1 + random.byte(2)) } else { 0 },
            mac: place.mac,
            flags,
            pad: 0,
        },
    );
    let endpoint = Endpoint {
        port,
        subnet: subnet_id,
        policy,
        ifindex: if random.percent(97) { ifindex } else { 0 },
        mac: place.mac,
        kind: ENDPOINT_WORKLOAD,
        flags,
        vtep: [0; 16],
        pad: [0; 4],
    };
    tables.endpoints.insert(endpoint_key(vpc.into(), place.address), endpoint);
    // A virtual IP.
    if random.percent(25) {
        tables.endpoints.insert(endpoint_key(vpc.into(), [10, network(vpc), subnet, 200 + number]), endpoint);
    }
    place
}

const fn gateway_endpoint(vpc: u8, subnet: u8) -> Endpoint {
    Endpoint {
        port: NO_ID,
        subnet: id(b's', vpc * 10 + subnet),
        policy: NO_ID,
        ifindex: 0,
        mac: GATEWAY_MAC,
        kind: ENDPOINT_GATEWAY,
        flags: PORT_RUNNING,
        vtep: [0; 16],
        pad: [0; 4],
    }
}

fn routes(random: &mut Random, tables: &mut Tables, vpc: u8, table: u8, places: &[Place]) {
    let table_id = id(b't', vpc * 10 + table);
    let mut add = |address: [u8; 4], len: u8, kind: u8, target: abi::Id, next_hop: [u8; 4]| {
        let key = RouteKey { table: table_id, family: FAMILY_V4, address: v4(masked(address, len)) };
        tables.routes.insert(
            Prefix { bits: prefix_base::ROUTE + u32::from(len), key },
            Route { target, route: id(b'R', len), next_hop: v4(next_hop), kind, prefix_len: len, pad: [0; 6] },
        );
    };
    for subnet in 0..SUBNETS {
        if random.percent(97) {
            add([10, network(vpc), subnet, 0], 24, ROUTE_LOCAL, id(b's', vpc * 10 + subnet), [0; 4]);
        }
    }
    add([198, 19, 128, 0], 17, ROUTE_SYSTEM, id(b'S', 0), [0; 4]);
    for _ in 0..random.below(8) {
        let len = random.of(&[0, 8, 16, 16, 16, 24, 24, 25, 32]);
        let address = [10, 1 + random.byte(3), random.byte(3), 10 + random.byte(8)];
        let kind = random.of(&[ROUTE_PEERING, ROUTE_PEERING, ROUTE_PEERING, ROUTE_INSTANCE, ROUTE_NAT]);
        let target = if kind == ROUTE_PEERING { id(b'x', random.byte(5)) } else { id(b'i', 1) };
        let place = random.below(places.len());
        add(address, len, kind, target, places[place].address);
    }
}

fn crossings(random: &mut Random, tables: &mut Tables, vpc: u8) {
    for peering in 0..5 {
        if random.percent(15) {
            continue;
        }
        let to = 1 + random.byte(VPCS.into());
        tables.crossings.insert(
            CrossingKey { peering: id(b'x', peering), from_vni: vpc.into(), pad: [0; 4] },
            Crossing {
                table: id(b't', to * 10 + random.byte(SUBNETS.into())),
                vni: to.into(),
                entry_vni: 100 + u32::from(to),
                edge_site: if random.percent(10) { u32::from(1 + random.byte(2)) } else { 0 },
                state: if random.percent(90) { CROSSING_ACTIVE } else { CROSSING_PENDING },
                pad: [0; 3],
            },
        );
    }
}

fn policies(random: &mut Random, tables: &mut Tables) {
    for policy in 0..3 {
        for context in 0..4 {
            for number in 0..1 + random.below(3) {
                // Most policies name every address, and some addresses apart.
                let len = if number == 0 { random.of(&[0, 0, 0, 8, 16]) } else { random.of(&[8, 16, 24, 32]) };
                let address = v4(masked([10, 1 + random.byte(3), random.byte(2), 10 + random.byte(8)], len));
                let key = IdentityKey { policy: id(b'P', policy), context, family: FAMILY_V4, address };
                let prefix = Prefix { bits: prefix_base::IDENTITY + u32::from(len), key };
                tables.identities.insert(prefix, Identity { class: id(b'c', random.byte(4)) });
            }
        }
    }
    for class in 0..4 {
        for number in 0..1 + random.below(4) {
            let protocol = random.of(&[1, 6, 17]);
            let (bits, service) = if number == 0 {
                (prefix_base::RULE_ANY_PROTOCOL, [0, 0])
            } else {
                random.of(&[
                    (prefix_base::RULE_PROTOCOL, [0, 0]),
                    (prefix_base::RULE_PROTOCOL + 8, [3, 0]),
                    (prefix_base::RULE_PROTOCOL + 16, [0, 80]),
                    (prefix_base::RULE_PROTOCOL + 16, [8, 0]),
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

fn masked(address: [u8; 4], len: u8) -> [u8; 4] {
    let mask = u32::MAX.checked_shl(32 - u32::from(len)).unwrap_or(0);
    (u32::from_be_bytes(address) & mask).to_be_bytes()
}
