//! Route tables, ranges and crossings of a VPC.

use std::net::IpAddr;

use abi::{
    CROSSING_ACTIVE, CROSSING_EXPIRED, CROSSING_PENDING, CROSSING_REJECTED, Crossing, CrossingKey, Id, NO_ID,
    ROUTE_INSTANCE, ROUTE_LOCAL, ROUTE_NAT, ROUTE_PEERING, ROUTE_SYSTEM, Route,
};
use catalog::Catalog;
use ipnet::IpNet;
use model::{NextHop, PeeringStatus, SYSTEM_RANGES, Subnet, Vpc};
use tables::Tables;

use crate::hash::edge_site_id;
use crate::key::{address, route_key};

/// The ranges of a subnet, of either family (rule RT-3).
pub(crate) fn subnet_ranges(subnet: &Subnet) -> impl Iterator<Item = IpNet> {
    [Some(IpNet::V4(subnet.cidr)), subnet.ipv6.map(|range| IpNet::V6(range.cidr))].into_iter().flatten()
}

/// The ranges that count as the VPC's own when an address in no subnet arrives (rule PEER-7).
pub(crate) fn vpc_ranges(catalog: &Catalog, vpc: &Vpc) -> Vec<IpNet> {
    let assigned = catalog.subnets_of(vpc.id).filter_map(|subnet| subnet.ipv6).map(|range| IpNet::V6(range.cidr));
    catalog.ranges_of(vpc).into_iter().map(IpNet::V4).chain(assigned).collect()
}

/// Adds the routes of all tables of the VPC.
///
/// Custom routes inside a local subnet or a system range are left out, because those win even over longer prefixes
/// (rules RT-4, RT-5); among what is left the longest prefix is the right route (rule RT-7). Routes do not depend on
/// what becomes of their next hops (rule RT-12).
pub(crate) fn add_routes(catalog: &Catalog, vpc: &Vpc, tables: &mut Tables) {
    let mut system: Vec<(IpNet, Route)> =
        SYSTEM_RANGES.iter().map(|range| (IpNet::V4(*range), route(*range, ROUTE_SYSTEM, NO_ID, NO_ID))).collect();
    for subnet in catalog.subnets_of(vpc.id) {
        let id = subnet.id.table_id();
        system.extend(subnet_ranges(subnet).map(|range| (range, route(range, ROUTE_LOCAL, id, id))));
    }
    for table in catalog.route_tables_of(vpc.id) {
        let id = table.id.table_id();
        for custom in catalog.routes_of(table.id) {
            let destination = custom.destination;
            if !system.iter().any(|(range, _)| range.contains(&destination)) {
                tables.routes.insert(route_key(id, destination), custom_route(catalog, vpc, custom));
            }
        }
        tables.routes.extend(system.iter().map(|(range, route)| (route_key(id, *range), *route)));
    }
}

fn custom_route(catalog: &Catalog, vpc: &Vpc, custom: &model::Route) -> Route {
    let own = custom.id.table_id();
    let (kind, target, next_hop) = match custom.next_hop {
        NextHop::Peering(id) => (ROUTE_PEERING, id.table_id(), None),
        NextHop::Nat(id) => (ROUTE_NAT, half(id.as_bytes()), None),
        NextHop::Vip(address) => {
            let vip = catalog.subnets_of(vpc.id).find_map(|subnet| catalog.vip_at(subnet.id, address));
            let next_hop = vip.map(|_| address).filter(|address| is_of_family(*address, custom.destination));
            (ROUTE_INSTANCE, vip.map_or(NO_ID, |vip| vip.id.table_id()), next_hop)
        }
        NextHop::Ecs(id) => {
            let port = catalog.server(id).and_then(|server| catalog.port(server.port));
            (ROUTE_INSTANCE, id.table_id(), port.and_then(|port| hop_address(port, vpc, custom.destination)))
        }
        NextHop::Eni(id) | NextHop::Subeni(id) => {
            let port = catalog.port(id);
            (ROUTE_INSTANCE, id.table_id(), port.and_then(|port| hop_address(port, vpc, custom.destination)))
        }
    };
    // A next hop that is gone has address zero, which no endpoint has: `next_hop_down` (rule NH-7).
    let next_hop = next_hop.map_or([0; 16], |ip| address(ip).1);
    Route { next_hop, ..route(custom.destination, kind, target, own) }
}

fn is_of_family(address: IpAddr, range: IpNet) -> bool {
    address.is_ipv4() == matches!(range, IpNet::V4(_))
}

/// The address of the port that packets of the destination's family are handed to (rule V6-4).
fn hop_address(port: &model::Port, vpc: &Vpc, destination: IpNet) -> Option<IpAddr> {
    match destination {
        _ if port.vpc != vpc.id => None,
        IpNet::V4(_) => Some(port.ipv4.into()),
        IpNet::V6(_) => port.ipv6.map(IpAddr::V6),
    }
}

fn route(destination: impl Into<IpNet>, kind: u8, target: Id, route: Id) -> Route {
    let prefix_len = destination.into().prefix_len();
    Route { target, route, next_hop: [0; 16], kind, prefix_len, pad: [0; 6] }
}

fn half(uuid: &[u8; 16]) -> Id {
    let [a, b, c, d, e, f, g, h, ..] = *uuid;
    [a, b, c, d, e, f, g, h]
}

/// Adds what is at the other end of each peering of the VPC, in every state: a route to one that is not ACTIVE matches
/// and drops (rule PEER-5).
pub(crate) fn add_crossings(catalog: &Catalog, vpc: &Vpc, tables: &mut Tables) {
    for peering in catalog.peerings_of(vpc.id) {
        let Some(end) = peering.other_end(vpc.id) else { continue };
        let Some(other) = catalog.vpc(end.vpc) else { continue };
        let key = CrossingKey { peering: peering.id.table_id(), from_vni: vpc.vni.number(), pad: [0; 4] };
        let crossing = Crossing {
            table: other.default_route_table.table_id(),
            vni: other.vni.number(),
            entry_vni: end.entry_vni.number(),
            edge_site: edge_site_id(other.edge_site.as_ref()),
            state: match peering.status {
                PeeringStatus::Active => CROSSING_ACTIVE,
                PeeringStatus::PendingAcceptance => CROSSING_PENDING,
                PeeringStatus::Rejected => CROSSING_REJECTED,
                PeeringStatus::Expired => CROSSING_EXPIRED,
            },
            pad: [0; 3],
        };
        tables.crossings.insert(key, crossing);
    }
}

#[cfg(test)]
mod tests;
