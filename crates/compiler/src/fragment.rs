//! The tables of one VPC.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use abi::{CidrKey, ENDPOINT_GATEWAY, ENDPOINT_WORKLOAD, Endpoint, GATEWAY_MAC, NO_ID, PORT_CHECKED, PORT_RUNNING};
use catalog::Catalog;
use model::{Port, PortId, ServerState, Subnet, Vpc, VpcId};
use tables::{Prefix, Tables};

use crate::hash::{edge_site_id, policy_id};
use crate::key::{cidr_key, endpoint_key};
use crate::policy::{Classes, Dependencies, add_policies};
use crate::route::{add_crossings, add_routes, vpc_ranges};

/// The ports that are attached on this host: interface index of the host's end of each one's veth.
pub type Attachments = BTreeMap<PortId, u32>;

/// What one VPC brings into the tables of a host.
#[derive(Clone, Debug)]
pub(crate) struct Fragment {
    /// All entries that belong to no other VPC: everything but `rules` and the installation's `cidrs`.
    pub(crate) tables: Tables,
    /// The classes that its identities name, with their rules; VPCs share classes of the same content.
    pub(crate) classes: Classes,
    /// The VPC's ranges among those of the installation, which VPCs may share as well.
    pub(crate) ranges: BTreeSet<Prefix<CidrKey>>,
    /// What of other VPCs went into the policies.
    pub(crate) dependencies: Dependencies,
}

/// The tables of one VPC, with the rules of its classes and its ranges among those of the installation. Empty for a VPC
/// that is not in the catalog.
#[must_use]
pub fn compile_vpc(catalog: &Catalog, vpc: VpcId, attachments: &Attachments) -> Tables {
    let Some(fragment) = Fragment::of(catalog, vpc, attachments) else { return Tables::default() };
    let mut tables = fragment.tables;
    tables.rules.extend(fragment.classes.into_values().flatten());
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
    pub(crate) fn of(catalog: &Catalog, vpc: VpcId, attachments: &Attachments) -> Option<Self> {
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
        for subnet in catalog.subnets_of(vpc.id) {
            add_gateway(vpc, subnet, &mut tables);
        }
        let mut lists = BTreeSet::new();
        for port in catalog.ports_of_vpc(vpc.id) {
            if add_port(catalog, vpc, port, attachments, &mut tables) {
                lists.insert(port.security_groups.clone());
            }
        }
        let (classes, dependencies) = add_policies(catalog, vpc.id, &lists, &mut tables);
        Some(Self { tables, classes, ranges, dependencies })
    }
}

/// Adds the gateway addresses of a subnet (rule L2-1).
fn add_gateway(vpc: &Vpc, subnet: &Subnet, tables: &mut Tables) {
    let endpoint = Endpoint {
        port: NO_ID,
        subnet: subnet.id.table_id(),
        policy: NO_ID,
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

/// Adds a port that is attached to a server and to this host; whether it is.
fn add_port(catalog: &Catalog, vpc: &Vpc, port: &Port, attachments: &Attachments, tables: &mut Tables) -> bool {
    let Some(server) = port.server.and_then(|id| catalog.server(id)) else { return false };
    let Some(ifindex) = attachments.get(&port.id) else { return false };
    let Some(subnet) = catalog.subnet(port.subnet) else { return false };
    let flag = |on: bool, flag: u8| if on { flag } else { 0 };
    let flags = flag(port.source_dest_check, PORT_CHECKED) | flag(server.state == ServerState::Running, PORT_RUNNING);
    let policy = policy_id(vpc.id, &port.security_groups);
    let attached = abi::Port {
        port: port.id.table_id(),
        subnet: subnet.id.table_id(),
        table: subnet.route_table.table_id(),
        policy,
        vni: vpc.vni.number(),
        edge_site: edge_site_id(vpc.edge_site.as_ref()),
        mac: port.mac.0,
        flags,
        pad: 0,
    };
    let endpoint = Endpoint {
        port: attached.port,
        subnet: attached.subnet,
        policy,
        ifindex: *ifindex,
        mac: port.mac.0,
        kind: ENDPOINT_WORKLOAD,
        flags,
        vtep: [0; 16],
        pad: [0; 4],
    };
    tables.ports.insert(*ifindex, attached);
    for address in [Some(IpAddr::V4(port.ipv4)), port.ipv6.map(IpAddr::V6)].into_iter().flatten() {
        tables.endpoints.insert(endpoint_key(vpc.vni, address), endpoint);
    }
    true
}
