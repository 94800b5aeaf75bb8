//! The tables of one VPC.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use abi::{
    CidrKey, ENDPOINT_GATEWAY, ENDPOINT_WORKLOAD, Endpoint, GATEWAY_MAC, Id, LEASE_HOURS_INFINITE, NO_ID, PORT_CHECKED,
    PORT_RUNNING, PORT_UNSECURED,
};
use catalog::Catalog;
use model::{Port, PortId, Server, ServerState, Subnet, Vpc, VpcId};
use tables::{Prefix, Tables};

use crate::acl::{Acls, add_acl};
use crate::guard::{Guard, exempt_from_acl};
use crate::hash::edge_site_id;
use crate::key::{cidr_key, endpoint_key};
use crate::policy::{Classes, Dependencies, add_policies};
use crate::route::{add_crossings, add_routes, vpc_ranges};
use crate::subnet::subnet_entry;
use crate::vip::{address_pairs, held_addresses};

/// The largest IP packet of every port in bytes, unless the installation sets another (rule MTU-1).
pub const DEFAULT_MTU: u16 = 1500;

/// What the installation sets for all VPCs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The largest IP packet of every port in bytes (rule MTU-1).
    pub mtu: u16,
}

impl Default for Settings {
    fn default() -> Self {
        Self { mtu: DEFAULT_MTU }
    }
}

/// The ports that are attached on this host, with the attachment of each (see [`abi::attachment`]).
pub type Attachments = BTreeMap<PortId, u32>;

/// What one VPC brings into the tables of a host.
#[derive(Clone, Debug)]
pub(crate) struct Fragment {
    /// All entries that belong to no other VPC: everything but `rules`, the tables of network ACLs, and the installation's
    /// `cidrs`.
    pub(crate) tables: Tables,
    /// The classes that its identities name, with their rules; VPCs share classes of the same content.
    pub(crate) classes: Classes,
    /// The network ACLs that its ports' subnets have, with their tables; VPCs share ACLs of the same content.
    pub(crate) acls: Acls,
    /// The VPC's ranges among those of the installation, which VPCs may share as well.
    pub(crate) ranges: BTreeSet<Prefix<CidrKey>>,
    /// What of other VPCs went into the policies.
    pub(crate) dependencies: Dependencies,
}

/// The tables of one VPC, with the rules of its classes, its network ACLs and its ranges among those of the installation.
/// Empty for a VPC that is not in the catalog.
#[must_use]
pub fn compile_vpc(catalog: &Catalog, vpc: VpcId, attachments: &Attachments, settings: Settings) -> Tables {
    let Some(fragment) = Fragment::of(catalog, vpc, attachments, settings) else { return Tables::default() };
    let mut tables = fragment.tables;
    tables.rules.extend(fragment.classes.into_values().flatten());
    fragment.acls.into_values().for_each(|acl| tables.extend(acl));
    tables.cidrs.extend(fragment.ranges.into_iter().map(|range| (range, IN_USE)));
    tables
}

/// What belongs to no single VPC: the ranges of all VPCs of the installation, under VNI 0 (rule PEER-7).
#[must_use]
pub fn compile_installation(catalog: &Catalog) -> Tables {
    let ranges = catalog.vpcs().flat_map(|vpc| vpc_ranges(catalog, vpc)).map(|range| (cidr_key(0, range), IN_USE));
    Tables { cidrs: ranges.collect(), ..Tables::default() }
}

/// Value of every entry of table `CIDRS`: that the range is there is all that it says.
pub(crate) const IN_USE: u32 = 1;

impl Fragment {
    pub(crate) fn of(catalog: &Catalog, vpc: VpcId, attachments: &Attachments, settings: Settings) -> Option<Self> {
        let vpc = catalog.vpc(vpc)?;
        let vni = vpc.vni.number();
        let mut tables = Tables::default();
        add_routes(catalog, vpc, &mut tables);
        add_crossings(catalog, vpc, &mut tables);
        let mut ranges = BTreeSet::new();
        for range in vpc_ranges(catalog, vpc) {
            tables.cidrs.insert(cidr_key(vni, range), IN_USE);
            ranges.insert(cidr_key(0, range));
        }
        let mut acls = Acls::new();
        let mut acl_of = BTreeMap::new();
        for subnet in catalog.subnets_of(vpc.id) {
            add_gateway(vpc, subnet, &mut tables);
            tables.subnets.insert(subnet.id.table_id(), subnet_entry(subnet));
        }
        let mut guards = BTreeSet::new();
        for port in catalog.ports_of_vpc(vpc.id).filter(|port| !port.is_vip()) {
            let Some(server) = port.server.and_then(|id| catalog.server(id)) else { continue };
            let Some(ifindex) = attachments.get(&port.id) else { continue };
            let Some(subnet) = catalog.subnet(port.subnet) else { continue };
            // Groups and ACL are switched off together (rule SG-13).
            let acl = if port.profile.disable_security_groups {
                NO_ID
            } else {
                *acl_of.entry((subnet.id, exempt_from_acl(port))).or_insert_with_key(|(_, exempt)| {
                    // One that is not enabled has no effect, not even the denial at its end (rule ACL-8).
                    let acl = catalog.network_acl_of_subnet(subnet.id).filter(|acl| acl.enabled);
                    acl.map_or(NO_ID, |acl| add_acl(catalog, acl, exempt, &mut acls))
                })
            };
            let guard = Guard::of(port);
            let place = Place { catalog, vpc, subnet, policy: guard.policy_id(vpc.id), acl, settings };
            place.add_port(port, server, *ifindex, &mut tables);
            guards.insert(guard);
        }
        let (classes, dependencies) = add_policies(catalog, vpc.id, &guards, &mut tables);
        Some(Self { tables, classes, acls, ranges, dependencies })
    }
}

/// Adds the gateway addresses of a subnet (rule L2-1).
fn add_gateway(vpc: &Vpc, subnet: &Subnet, tables: &mut Tables) {
    let endpoint = Endpoint {
        port: NO_ID,
        subnet: subnet.id.table_id(),
        policy: NO_ID,
        acl: NO_ID,
        ifindex: 0,
        mac: GATEWAY_MAC,
        kind: ENDPOINT_GATEWAY,
        flags: 0,
        vtep: [0; 16],
        pad: [0; 4],
    };
    let gateways = [Some(IpAddr::V4(subnet.gateway)), subnet.ipv6.map(|range| IpAddr::V6(range.gateway))];
    for address in gateways.into_iter().flatten() {
        tables.endpoints.insert(endpoint_key(vpc.vni, address), endpoint);
    }
}

/// The lease time of a port's addresses as the tables have it.
fn lease_hours(port: &Port) -> u16 {
    port.lease.as_ref().map_or(0, |lease| lease.hours().unwrap_or(LEASE_HOURS_INFINITE))
}

/// Where a port is.
struct Place<'a> {
    catalog: &'a Catalog,
    vpc: &'a Vpc,
    subnet: &'a Subnet,
    /// What guards the port.
    policy: Id,
    /// The network ACL of the subnet that is in force.
    acl: Id,
    settings: Settings,
}

impl Place<'_> {
    /// Adds a port that is attached to a server and to this host, with the virtual IPs that it holds.
    fn add_port(&self, port: &Port, server: &Server, ifindex: u32, tables: &mut Tables) {
        let Self { catalog, vpc, subnet, policy, acl, settings } = *self;
        let flag = |on: bool, flag: u8| if on { flag } else { 0 };
        let running = flag(server.state == ServerState::Running, PORT_RUNNING);
        let unsecured = flag(!port.port_security_enabled, PORT_UNSECURED);
        let flags = flag(port.is_checked(), PORT_CHECKED) | unsecured | running;
        let attached = abi::Port {
            port: port.id.table_id(),
            subnet: subnet.id.table_id(),
            table: subnet.route_table.table_id(),
            policy,
            acl,
            vni: vpc.vni.number(),
            edge_site: edge_site_id(vpc.edge_site.as_ref()),
            mac: port.mac.0,
            flags,
            pad: 0,
            mtu: settings.mtu,
            lease_hours: lease_hours(port),
            ipv4: port.ipv4.octets(),
            ipv6: port.ipv6.map_or([0; 16], |ip| ip.octets()),
        };
        let endpoint = Endpoint {
            port: attached.port,
            subnet: attached.subnet,
            policy,
            acl,
            ifindex,
            mac: port.mac.0,
            kind: ENDPOINT_WORKLOAD,
            flags,
            vtep: [0; 16],
            pad: [0; 4],
        };
        tables.ports.insert(ifindex, attached);
        for address in port.addresses().chain(held_addresses(catalog, port)) {
            tables.endpoints.insert(endpoint_key(vpc.vni, address), endpoint);
        }
        tables.address_pairs.extend(address_pairs(catalog, port));
    }
}

#[cfg(test)]
mod tests;
