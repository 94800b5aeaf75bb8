//! Tables written by hand, a line for each object.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use abi::{
    Address, CONTEXT_IN_PEERING, CONTEXT_IN_UNCHECKED, CONTEXT_IN_VPC, CONTEXT_OUT, CROSSING_ACTIVE, CidrKey, Crossing,
    CrossingKey, DOMAIN_BYTES, ENDPOINT_GATEWAY, ENDPOINT_WORKLOAD, Endpoint, EndpointKey, FAMILY_V4, FAMILY_V6,
    GATEWAY_MAC, Id, Identity, IdentityKey, Mac, NO_ID, PORT_CHECKED, PORT_RUNNING, Port, ROUTE_INSTANCE, ROUTE_LOCAL,
    ROUTE_PEERING, RULE_ALLOW, RULE_DENY, Route, RouteKey, Rule, RuleKey, Subnet, prefix_base,
};
use sim::World;
use sim::frame::Ends;
use tables::{Delta, Prefix, Tables};

pub const A: u32 = 0x0a_0001;
pub const B: u32 = 0x0b_0002;
pub const C: u32 = 0x0c_0003;

/// A policy that allows everything both ways.
pub const OPEN: Id = id(b'o', 0);

pub const fn id(kind: u8, number: u32) -> Id {
    let [a, b, c, d] = number.to_be_bytes();
    [kind, 0, 0, 1, a, b, c, d]
}

/// The default route table of a VPC.
pub const fn table(vni: u32) -> Id {
    id(b't', vni)
}

pub fn address(text: &str) -> Address {
    let mut address = [0; 16];
    match text.parse().unwrap() {
        IpAddr::V4(ip) => address[..4].copy_from_slice(&ip.octets()),
        IpAddr::V6(ip) => address = ip.octets(),
    }
    address
}

/// The family of an address or range as it is written.
pub fn family(text: &str) -> u8 {
    if text.contains(':') { FAMILY_V6 } else { FAMILY_V4 }
}

fn prefix(text: &str) -> (Address, u8) {
    let (base, len) = text.split_once('/').unwrap();
    (address(base), len.parse().unwrap())
}

/// A workload's interface.
#[derive(Clone, Copy, Debug)]
pub struct Host {
    pub ifindex: u32,
    pub mac: Mac,
    pub ip: Ipv4Addr,
}

impl Host {
    pub fn to(&self, other: &Host) -> Ends {
        self.towards(other.ip)
    }

    pub fn towards(&self, destination: Ipv4Addr) -> Ends {
        Ends::by_gateway(self.mac, self.ip, destination)
    }

    /// Sends with another's source address, as a router does.
    pub fn posing_as(&self, source: Ipv4Addr, destination: Ipv4Addr) -> Ends {
        Ends::by_gateway(self.mac, source, destination)
    }
}

/// The same with an IPv6 address.
#[derive(Clone, Copy, Debug)]
pub struct Dual {
    pub host: Host,
    pub ip: Ipv6Addr,
}

impl Dual {
    pub fn to(&self, other: &Dual) -> Ends {
        self.towards(other.ip)
    }

    pub fn towards(&self, destination: Ipv6Addr) -> Ends {
        Ends::by_gateway(self.host.mac, self.ip, destination)
    }

    pub fn posing_as(&self, source: Ipv6Addr, destination: Ipv6Addr) -> Ends {
        Ends::by_gateway(self.host.mac, source, destination)
    }
}

pub fn ip6(text: &str) -> Ipv6Addr {
    text.parse().unwrap()
}

pub fn ip(text: &str) -> Ipv4Addr {
    text.parse().unwrap()
}

#[derive(Clone, Debug, Default)]
pub struct Net {
    pub tables: Tables,
}

impl Net {
    pub fn new() -> Self {
        let mut net = Self::default();
        for context in [CONTEXT_OUT, CONTEXT_IN_VPC, CONTEXT_IN_PEERING, CONTEXT_IN_UNCHECKED] {
            net.remote(OPEN, context, "0.0.0.0/0", OPEN);
            net.remote(OPEN, context, "::/0", OPEN);
        }
        net.rule(OPEN, None, RULE_ALLOW);
        net
    }

    pub fn world(&self) -> World {
        World::load(&self.tables)
    }

    /// A VPC with its range.
    pub fn vpc(&mut self, vni: u32, range: &str) {
        let (address, len) = prefix(range);
        for vni in [vni, 0] {
            let key = CidrKey { vni: vni.to_be_bytes(), family: family(range), address };
            self.tables.cidrs.insert(Prefix { bits: prefix_base::CIDR + u32::from(len), key }, 1);
        }
    }

    /// A subnet, its gateway (first address) and its route in the default table.
    pub fn subnet(&mut self, vni: u32, number: u32, range: &str) {
        let (mut gateway, _) = prefix(range);
        gateway[if family(range) == FAMILY_V4 { 3 } else { 15 }] |= 1;
        self.route_to(table(vni), range, ROUTE_LOCAL, id(b's', number), [0; 16]);
        self.tables.endpoints.insert(
            EndpointKey { vni, family: family(range), pad: [0; 3], address: gateway },
            Endpoint {
                port: NO_ID,
                subnet: id(b's', number),
                policy: NO_ID,
                acl: NO_ID,
                ifindex: 0,
                mac: GATEWAY_MAC,
                kind: ENDPOINT_GATEWAY,
                flags: 0,
                vtep: [0; 16],
                pad: [0; 4],
            },
        );
    }

    /// A running workload with the check on and everything allowed.
    pub fn host(&mut self, ifindex: u32, vni: u32, subnet: u32, address_text: &str) -> Host {
        let [_, _, c, d] = ifindex.to_be_bytes();
        let mac = [0x02, 0, 0, 0, c, d];
        let flags = PORT_CHECKED | PORT_RUNNING;
        self.tables.ports.insert(
            ifindex,
            Port {
                port: id(b'p', ifindex),
                subnet: id(b's', subnet),
                table: table(vni),
                policy: OPEN,
                acl: NO_ID,
                vni,
                edge_site: 0,
                mac,
                flags,
                pad: 0,
                mtu: 1500,
                lease_hours: 0,
                ipv4: ip(address_text).octets(),
                ipv6: [0; 16],
            },
        );
        let host = Host { ifindex, mac, ip: ip(address_text) };
        self.holds(&host, address_text);
        host
    }

    /// What the guests of a subnet are told: the services that its flags say.
    pub fn tell(&mut self, number: u32, change: impl FnOnce(&mut Subnet)) {
        let subnet = self.tables.subnets.entry(id(b's', number)).or_insert(Subnet {
            prefix_v6: [0; 16],
            gateway_v6: [0; 16],
            gateway: [0; 4],
            mask: [0; 4],
            dhcp_server: [0; 4],
            dns: [[0; 4]; 2],
            ntp: [[0; 4]; 4],
            lease_seconds: 0,
            lease_seconds_v6: 0,
            flags: 0,
            domain_len: 0,
            pad: [0; 2],
            domain: [0; DOMAIN_BYTES],
        });
        change(subnet);
    }

    /// Gives a workload its IPv6 address.
    pub fn dual(&mut self, host: Host, text: &str) -> Dual {
        self.tables.ports.get_mut(&host.ifindex).unwrap().ipv6 = address(text);
        self.holds(&host, text);
        Dual { host, ip: text.parse().unwrap() }
    }

    /// Gives a workload another address.
    pub fn holds(&mut self, host: &Host, address_text: &str) {
        let port = self.tables.ports[&host.ifindex];
        self.tables.endpoints.insert(
            EndpointKey { vni: port.vni, family: family(address_text), pad: [0; 3], address: address(address_text) },
            Endpoint {
                port: port.port,
                subnet: port.subnet,
                policy: port.policy,
                acl: port.acl,
                ifindex: host.ifindex,
                mac: host.mac,
                kind: ENDPOINT_WORKLOAD,
                flags: port.flags,
                vtep: [0; 16],
                pad: [0; 4],
            },
        );
    }

    /// Changes a workload's port and, where they share a field, its endpoints.
    pub fn port(&mut self, host: &Host, change: impl FnOnce(&mut Port)) {
        let port = self.tables.ports.get_mut(&host.ifindex).unwrap();
        change(port);
        for endpoint in self.tables.endpoints.values_mut().filter(|endpoint| endpoint.port == port.port) {
            endpoint.flags = port.flags;
            endpoint.policy = port.policy;
        }
    }

    pub fn route_to(&mut self, table: Id, range: &str, kind: u8, target: Id, next_hop: Address) {
        let (address, len) = prefix(range);
        let route = Route { target, route: id(b'r', u32::from(len)), next_hop, kind, prefix_len: len, pad: [0; 6] };
        self.tables.routes.insert(route_prefix(table, family(range), address, len), route);
    }

    pub fn route_to_peering(&mut self, vni: u32, range: &str, peering: u32) {
        self.route_to(table(vni), range, ROUTE_PEERING, id(b'x', peering), [0; 16]);
    }

    pub fn route_to_instance(&mut self, vni: u32, range: &str, host: &Host) {
        let next_hop = address(&host.ip.to_string());
        self.route_to(table(vni), range, ROUTE_INSTANCE, id(b'p', host.ifindex), next_hop);
    }

    pub fn delete_route(&mut self, vni: u32, range: &str) {
        let (address, len) = prefix(range);
        self.tables.routes.remove(&route_prefix(table(vni), family(range), address, len)).unwrap();
    }

    /// A peering of two VPCs, ACTIVE, without routes.
    pub fn peering(&mut self, number: u32, one: u32, other: u32) {
        self.peering_in_state(number, one, other, CROSSING_ACTIVE);
    }

    pub fn peering_in_state(&mut self, number: u32, one: u32, other: u32, state: u8) {
        for (from_vni, vni) in [(one, other), (other, one)] {
            self.tables.crossings.insert(
                CrossingKey { peering: id(b'x', number), from_vni, pad: [0; 4] },
                Crossing { table: table(vni), vni, entry_vni: 0, edge_site: 0, state, pad: [0; 3] },
            );
        }
    }

    /// Places a VPC at an edge site.
    pub fn edge_site(&mut self, vni: u32, site: u32) {
        self.tables.ports.values_mut().filter(|port| port.vni == vni).for_each(|port| port.edge_site = site);
        self.tables.crossings.values_mut().filter(|other| other.vni == vni).for_each(|other| other.edge_site = site);
    }

    /// Puts a remote range into a class, for a policy and context.
    pub fn remote(&mut self, policy: Id, context: u8, range: &str, class: Id) {
        let (address, len) = prefix(range);
        let key = IdentityKey { policy, context, family: family(range), address };
        let prefix = Prefix { bits: prefix_base::IDENTITY + u32::from(len), key };
        self.tables.identities.insert(prefix, Identity { class });
    }

    /// A rule of a class: any protocol, or one with one service.
    pub fn rule(&mut self, class: Id, service: Option<(u8, [u8; 2])>, verdict: u8) {
        let (bits, protocol, service) = match service {
            None => (prefix_base::RULE_ANY_PROTOCOL, 0, [0; 2]),
            Some((protocol, service)) => (prefix_base::RULE_PROTOCOL + 16, protocol, service),
        };
        let key = RuleKey { class, protocol, service };
        self.tables.rules.insert(Prefix { bits, key }, Rule { rule: id(b'R', bits), verdict, pad: [0; 7] });
    }

    /// A policy that lets everything out, and in only one service from everywhere.
    pub fn policy_in(&mut self, number: u32, protocol: u8, service: [u8; 2]) -> Id {
        let policy = id(b'g', number);
        self.remote(policy, CONTEXT_OUT, "0.0.0.0/0", OPEN);
        for context in [CONTEXT_IN_VPC, CONTEXT_IN_PEERING, CONTEXT_IN_UNCHECKED] {
            self.remote(policy, context, "0.0.0.0/0", policy);
        }
        self.rule(policy, Some((protocol, service)), RULE_ALLOW);
        policy
    }

    /// A policy that lets everything out and nothing in.
    pub fn policy_out_only(&mut self, number: u32) -> Id {
        let policy = id(b'g', number);
        self.remote(policy, CONTEXT_OUT, "0.0.0.0/0", OPEN);
        policy
    }

    /// A policy that lets everything in and nothing out.
    pub fn policy_in_only(&mut self, number: u32) -> Id {
        let policy = id(b'g', number);
        for context in [CONTEXT_IN_VPC, CONTEXT_IN_PEERING, CONTEXT_IN_UNCHECKED] {
            self.remote(policy, context, "0.0.0.0/0", OPEN);
        }
        policy
    }

    /// Turns the one rule of a policy of [`Net::policy_in`] into a denial.
    pub fn deny(&mut self, policy: Id) {
        self.tables.rules.iter_mut().filter(|(p, _)| p.key.class == policy).for_each(|(_, r)| r.verdict = RULE_DENY);
    }

    /// Makes the world's tables these, and bumps the generations of `vnis`.
    pub fn update(&self, world: &mut World, before: &Net, vnis: &[u32]) {
        let mut delta = Delta::between(&before.tables, &self.tables);
        delta.bumped = vnis.iter().copied().collect();
        world.apply(&delta);
    }
}

fn route_prefix(table: Id, family: u8, address: Address, len: u8) -> Prefix<RouteKey> {
    Prefix { bits: prefix_base::ROUTE + u32::from(len), key: RouteKey { table, family, address } }
}

/// VPC-A and VPC-B, peered as peering 1 with routes both ways; two hosts in A's subnet 1, one in A's subnet 2, one in B.
pub struct TwoVpcs {
    pub net: Net,
    pub a1: Host,
    pub a2: Host,
    pub a3: Host,
    pub b1: Host,
}

pub fn two_vpcs() -> TwoVpcs {
    let mut net = Net::new();
    net.vpc(A, "172.16.0.0/16");
    net.subnet(A, 1, "172.16.0.0/24");
    net.subnet(A, 2, "172.16.1.0/24");
    net.vpc(B, "172.17.0.0/16");
    net.subnet(B, 3, "172.17.0.0/24");
    let a1 = net.host(11, A, 1, "172.16.0.10");
    let a2 = net.host(12, A, 1, "172.16.0.20");
    let a3 = net.host(13, A, 2, "172.16.1.30");
    let b1 = net.host(21, B, 3, "172.17.0.40");
    net.peering(1, A, B);
    net.route_to_peering(A, "172.17.0.0/16", 1);
    net.route_to_peering(B, "172.16.0.0/16", 1);
    TwoVpcs { net, a1, a2, a3, b1 }
}

/// The same with IPv6: a /64 for each subnet, and a route for each range of the other VPC.
pub struct DualVpcs {
    pub net: Net,
    pub a1: Dual,
    pub a2: Dual,
    pub a3: Dual,
    pub b1: Dual,
}

pub fn dual_vpcs() -> DualVpcs {
    let TwoVpcs { mut net, a1, a2, a3, b1 } = two_vpcs();
    net.vpc(A, "2001:db8:a::/64");
    net.vpc(A, "2001:db8:a:1::/64");
    net.vpc(B, "2001:db8:b::/64");
    net.subnet(A, 1, "2001:db8:a::/64");
    net.subnet(A, 2, "2001:db8:a:1::/64");
    net.subnet(B, 3, "2001:db8:b::/64");
    net.route_to_peering(A, "2001:db8:b::/64", 1);
    net.route_to_peering(B, "2001:db8:a::/64", 1);
    net.route_to_peering(B, "2001:db8:a:1::/64", 1);
    let a1 = net.dual(a1, "2001:db8:a::10");
    let a2 = net.dual(a2, "2001:db8:a::20");
    let a3 = net.dual(a3, "2001:db8:a:1::30");
    let b1 = net.dual(b1, "2001:db8:b::40");
    DualVpcs { net, a1, a2, a3, b1 }
}
