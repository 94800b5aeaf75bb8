//! Random tables: mostly sensible, sometimes contradicting themselves.

use abi::{
    CROSSING_ACTIVE, CROSSING_PENDING, CidrKey, Crossing, CrossingKey, DOMAIN_BYTES, ENDPOINT_GATEWAY,
    ENDPOINT_WORKLOAD, Endpoint, FAMILY_V4, FAMILY_V6, GATEWAY_LINK_LOCAL, GATEWAY_MAC, Id, LEASE_HOURS_INFINITE,
    LEASE_INFINITE, Mac, NO_ID, PORT_CHECKED, PORT_RUNNING, PORT_UNSECURED, Port, ROUTE_INSTANCE, ROUTE_LOCAL,
    ROUTE_NAT, ROUTE_PEERING, ROUTE_SYSTEM, Route, RouteKey, SUBNET_DHCP, SUBNET_IPV6, Subnet, prefix_base,
};
use tables::{Prefix, Tables};

use super::{
    address::{Address, masked, v4, v6},
    common::id,
    policy,
    random::Random,
};

/// VPCs 1 to 4; the last has the addresses of the first.
pub const VPCS: u8 = 4;
const SUBNETS: u8 = 2;

/// The byte of the addresses of a VPC.
const fn network(vpc: u8) -> u8 {
    if vpc == VPCS { 1 } else { vpc }
}

/// A host of a subnet.
pub const fn host(family: u8, network: u8, subnet: u8, host: u8) -> Address {
    if family == FAMILY_V4 {
        v4([10, network, subnet, host])
    } else {
        v6([0xfd00, 0, 0, network as u16, subnet as u16, 0, 0, host as u16])
    }
}

/// The same with VPC and subnet left open, at random.
pub fn any_host(random: &mut Random, family: u8) -> Address {
    // 10.v.s.h and fd00:0:0:v:s::h: the ranges of VPCs and subnets have the lengths of `lengths`.
    let number = if random.percent(85) { 10 + random.byte(11) } else { 200 + random.byte(11) };
    host(family, 1 + random.byte(4), random.byte(3), number)
}

/// Prefix lengths: everything, something wide, a VPC, a subnet, half of one, an address.
pub const fn lengths(family: u8) -> [u8; 6] {
    if family == FAMILY_V4 { [0, 8, 16, 24, 29, 32] } else { [0, 8, 64, 80, 125, 128] }
}

/// A port as packets need it.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub ifindex: u32,
    pub ipv4: [u8; 4],
    pub ipv6: Address,
    pub mac: Mac,
    /// Network and number of the subnet.
    pub subnet: (u8, u8),
}

impl Place {
    /// The address of a family.
    pub const fn address(&self, family: u8) -> Address {
        if family == FAMILY_V4 { v4(self.ipv4) } else { self.ipv6 }
    }

    /// The link-local address (RFC 4291, appendix A).
    pub const fn link_local(&self) -> Address {
        let [a, b, c, d, e, f] = self.mac;
        [0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ 2, b, c, 0xff, 0xfe, d, e, f]
    }
}

/// Tables for ports behind `interfaces`.
pub fn random(random: &mut Random, interfaces: &[u32]) -> (Tables, Vec<Place>) {
    let mut tables = Tables::default();
    let mut places = Vec::new();
    // Which ACL each subnet has.
    let acls: Vec<Id> = (0..=VPCS * SUBNETS)
        .map(|_| if random.percent(55) { NO_ID } else { id(b'A', random.byte(policy::ACLS.into())) })
        .collect();
    let mtu = random.of(&[1500, 1500, 1500, 1280, 900, 576]);
    for (number, ifindex) in (0..).zip(interfaces) {
        places.push(port(random, &mut tables, number, *ifindex, &acls, mtu));
    }
    for vpc in 1..=VPCS {
        for subnet in 0..SUBNETS {
            gateways(random, &mut tables, vpc, subnet);
            if random.percent(92) {
                let guest = told(random, vpc, subnet);
                tables.subnets.insert(id(b's', vpc * 10 + subnet), guest);
            }
            for family in [FAMILY_V4, FAMILY_V6] {
                routes(random, &mut tables, vpc, subnet, family, &places);
            }
        }
        crossings(random, &mut tables, vpc);
        for (vni, family) in [(vpc, FAMILY_V4), (0, FAMILY_V4), (vpc, FAMILY_V6), (0, FAMILY_V6)] {
            if random.percent(70) {
                let [_, _, len, ..] = lengths(family);
                let key =
                    CidrKey { vni: [0, 0, 0, vni], family, address: masked(host(family, network(vpc), 0, 0), len) };
                tables.cidrs.insert(Prefix { bits: prefix_base::CIDR + u32::from(len), key }, 1);
            }
        }
    }
    policy::random(random, &mut tables);
    (tables, places)
}

fn port(random: &mut Random, tables: &mut Tables, number: u8, ifindex: u32, acls: &[Id], mtu: u16) -> Place {
    let vpc = 1 + random.byte(VPCS.into());
    let subnet = random.byte(SUBNETS.into());
    let dual = random.percent(85);
    let place = Place {
        ifindex,
        ipv4: [10, network(vpc), subnet, 10 + number],
        ipv6: host(FAMILY_V6, network(vpc), subnet, 10 + number),
        mac: [2, 0, 0, vpc, subnet, number],
        subnet: (network(vpc), subnet),
    };
    let mut flags = 0;
    if random.percent(80) {
        flags |= PORT_CHECKED;
    }
    if random.percent(92) {
        flags |= PORT_RUNNING;
    }
    if random.percent(10) {
        flags |= PORT_UNSECURED;
    }
    let policy = if random.percent(4) { NO_ID } else { id(b'P', random.byte(policy::POLICIES.into())) };
    let acl = acls[usize::from(vpc * SUBNETS + subnet - 2)];
    let (port, subnet_id) = (id(b'p', number), id(b's', vpc * 10 + subnet));
    tables.ports.insert(
        ifindex,
        Port {
            port,
            subnet: subnet_id,
            table: id(b't', vpc * 10 + subnet),
            policy,
            acl,
            vni: vpc.into(),
            edge_site: if random.percent(15) { u32::from(1 + random.byte(2)) } else { 0 },
            mac: place.mac,
            flags,
            pad: 0,
            mtu,
            lease_hours: random.of(&[0, 0, 0, 5, 30_000, LEASE_HOURS_INFINITE]),
            ipv4: place.ipv4,
            ipv6: if dual { place.ipv6 } else { [0; 16] },
        },
    );
    let endpoint = Endpoint {
        port,
        subnet: subnet_id,
        policy,
        acl,
        ifindex: if random.percent(97) { ifindex } else { 0 },
        mac: place.mac,
        kind: ENDPOINT_WORKLOAD,
        flags,
        vtep: [0; 16],
        pad: [0; 4],
    };
    let families: &[u8] = if dual { &[FAMILY_V4, FAMILY_V6] } else { &[FAMILY_V4] };
    for family in families {
        tables.endpoints.insert(endpoint_key(vpc, *family, place.address(*family)), endpoint);
        // A virtual IP, held by this port and bound to it, or not.
        let vip = host(*family, network(vpc), subnet, 200 + number);
        if random.percent(25) {
            tables.endpoints.insert(endpoint_key(vpc, *family, vip), endpoint);
        }
        policy::pairs(random, tables, port, *family, vip);
    }
    place
}

const fn endpoint_key(vpc: u8, family: u8, address: Address) -> abi::EndpointKey {
    abi::EndpointKey { vni: vpc as u32, family, pad: [0; 3], address }
}

fn gateways(random: &mut Random, tables: &mut Tables, vpc: u8, subnet: u8) {
    let endpoint = Endpoint {
        port: NO_ID,
        subnet: id(b's', vpc * 10 + subnet),
        policy: NO_ID,
        acl: NO_ID,
        ifindex: 0,
        mac: GATEWAY_MAC,
        kind: ENDPOINT_GATEWAY,
        flags: PORT_RUNNING,
        vtep: [0; 16],
        pad: [0; 4],
    };
    for family in [FAMILY_V4, FAMILY_V6] {
        if random.percent(95) {
            tables.endpoints.insert(endpoint_key(vpc, family, host(family, network(vpc), subnet, 1)), endpoint);
        }
    }
    if random.percent(5) {
        tables.endpoints.insert(endpoint_key(vpc, FAMILY_V6, GATEWAY_LINK_LOCAL), endpoint);
    }
}

/// What the guests of a subnet are told.
fn told(random: &mut Random, vpc: u8, subnet: u8) -> Subnet {
    let network = network(vpc);
    let mut flags = 0;
    if random.percent(85) {
        flags |= SUBNET_DHCP;
    }
    let ipv6 = random.percent(85);
    if ipv6 {
        flags |= SUBNET_IPV6;
    }
    let servers = |random: &mut Random| [10, 9, 9, 1 + random.byte(200)];
    let some = |random: &mut Random, percent: usize| if random.percent(percent) { servers(random) } else { [0; 4] };
    let lease = |random: &mut Random| random.of(&[3600, 86_400, 31_536_000, LEASE_INFINITE]);
    let mut domain = [0; DOMAIN_BYTES];
    let domain_len = if random.percent(40) { 1 + random.byte(DOMAIN_BYTES) } else { 0 };
    domain[..domain_len.into()].fill(b'd');
    Subnet {
        prefix_v6: if ipv6 { host(FAMILY_V6, network, subnet, 0) } else { [0; 16] },
        gateway_v6: if ipv6 { host(FAMILY_V6, network, subnet, 1) } else { [0; 16] },
        gateway: [10, network, subnet, 1],
        mask: [255, 255, 255, 0],
        dhcp_server: [10, network, subnet, 254],
        dns: [some(random, 70), some(random, 50)],
        ntp: [some(random, 40), some(random, 30), some(random, 20), some(random, 10)],
        lease_seconds: lease(random),
        lease_seconds_v6: lease(random),
        flags,
        domain_len,
        pad: [0; 2],
        domain,
    }
}

fn routes(random: &mut Random, tables: &mut Tables, vpc: u8, table: u8, family: u8, places: &[Place]) {
    let table_id = id(b't', vpc * 10 + table);
    let [everything, wide, of_vpc, of_subnet, half, one] = lengths(family);
    let mut add = |address: Address, len: u8, kind: u8, target: Id, next_hop: Address| {
        let key = RouteKey { table: table_id, family, address: masked(address, len) };
        tables.routes.insert(
            Prefix { bits: prefix_base::ROUTE + u32::from(len), key },
            Route { target, route: id(b'R', len), next_hop, kind, prefix_len: len, pad: [0; 6] },
        );
    };
    for subnet in 0..SUBNETS {
        if random.percent(97) {
            let range = host(family, network(vpc), subnet, 0);
            add(range, of_subnet, ROUTE_LOCAL, id(b's', vpc * 10 + subnet), [0; 16]);
        }
    }
    if family == FAMILY_V4 {
        add(v4([198, 19, 128, 0]), 17, ROUTE_SYSTEM, id(b'S', 0), [0; 16]);
    }
    for _ in 0..random.below(8) {
        let len = random.of(&[everything, wide, of_vpc, of_vpc, of_vpc, of_subnet, of_subnet, half, one]);
        let kind = random.of(&[ROUTE_PEERING, ROUTE_PEERING, ROUTE_PEERING, ROUTE_INSTANCE, ROUTE_NAT]);
        let target = if kind == ROUTE_PEERING { id(b'x', random.byte(5)) } else { id(b'i', 1) };
        let next_hop = places[random.below(places.len())].address(family);
        let address = any_host(random, family);
        add(address, len, kind, target, next_hop);
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
