//! Route tables and routes as their owner sees them, with what becomes of each route (rules RT-9, RT-10, EF-3).

use std::sync::Arc;

use catalog::Catalog;
use ipnet::IpNet;
use model::{Kind, NextHop, PeeringStatus, Port, Route, RouteId, RouteTable, RouteTableId, ServerState, SubnetId, Vpc};

use crate::route::{shadowing, system_routes};
use crate::route_table::own_table;
use crate::{Caller, Error};

/// What becomes of packets that a route could match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RouteState {
    /// It carries them.
    Active,
    /// Its peering is not active: it matches and drops them (rules PEER-5, RT-12).
    Inactive,
    /// Local subnets cover part of the destination; packets to these stay in the VPC (rule RT-10).
    PartlyShadowed,
    /// Local subnets cover all of the destination: it never matches.
    Shadowed,
}

impl RouteState {
    /// The state in one word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::PartlyShadowed => "partly_shadowed",
            Self::Shadowed => "shadowed",
        }
    }
}

/// A custom route with its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteView {
    /// The route.
    pub route: Arc<Route>,
    /// Its state.
    pub state: RouteState,
    /// Why the state is not plainly active, and what can be done.
    pub note: Option<String>,
    /// The local subnets that shadow it.
    pub shadowed_by: Vec<IpNet>,
}

/// A system route (rule RT-3): type local, no next hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SystemRoute {
    /// Its destination.
    pub destination: IpNet,
}

/// A route table with its routes and subnets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteTableView {
    /// The table.
    pub table: Arc<RouteTable>,
    /// The subnets on it, by id.
    pub subnets: Vec<SubnetId>,
    /// System routes, by destination. 127.0.0.0/8 is among them though the API leaves it out (api-vpc section 3.5).
    pub system: Vec<SystemRoute>,
    /// Custom routes, by destination.
    pub routes: Vec<RouteView>,
}

/// A route table that the caller sees.
///
/// # Errors
/// [`Error::NotFound`].
pub fn route_table(catalog: &Catalog, caller: &Caller, id: RouteTableId) -> Result<RouteTableView, Error> {
    let (vpc, table) = own_table(catalog, caller, id)?;
    Ok(table_view(catalog, vpc, table))
}

/// The route tables that the caller sees, by id.
#[must_use]
pub fn route_tables(catalog: &Catalog, caller: &Caller) -> Vec<Arc<RouteTable>> {
    crate::query::seen(catalog, caller, |project| catalog.route_tables_of_project(project), |table| table.id)
}

/// A custom route that the caller sees.
///
/// # Errors
/// [`Error::NotFound`].
pub fn route(catalog: &Catalog, caller: &Caller, id: RouteId) -> Result<RouteView, Error> {
    let route = catalog.route(id).filter(|route| caller.sees(catalog, route.project));
    let route = route.ok_or_else(|| Error::not_found(Kind::Route, id))?;
    let vpc = catalog.vpc(route.vpc).ok_or_else(|| Error::not_found(Kind::Route, id))?;
    Ok(route_view(catalog, vpc, route))
}

/// The custom routes of all tables that the caller sees, by id.
#[must_use]
pub fn routes(catalog: &Catalog, caller: &Caller) -> Vec<RouteView> {
    let mut views: Vec<_> = crate::query::vpcs(catalog, caller)
        .iter()
        .flat_map(|vpc| catalog.routes_of_vpc(vpc.id).map(move |route| route_view(catalog, vpc, route)))
        .collect();
    views.sort_unstable_by_key(|view| view.route.id);
    views
}

fn table_view(catalog: &Catalog, vpc: &Vpc, table: &Arc<RouteTable>) -> RouteTableView {
    let mut routes: Vec<_> = catalog.routes_of(table.id).map(|route| route_view(catalog, vpc, route)).collect();
    routes.sort_unstable_by_key(|view| view.route.destination);
    RouteTableView {
        table: Arc::clone(table),
        subnets: catalog.subnets_on_table(table.id).map(|subnet| subnet.id).collect(),
        system: system_routes(catalog, vpc).into_iter().map(|destination| SystemRoute { destination }).collect(),
        routes,
    }
}

pub(crate) fn route_view(catalog: &Catalog, vpc: &Vpc, route: &Arc<Route>) -> RouteView {
    let shadowed_by = shadowing(catalog, vpc, route.destination);
    let mut notes = Vec::new();
    let mut state = RouteState::Active;
    if covered(route.destination, &shadowed_by) {
        state = RouteState::Shadowed;
        notes.push(format!("The subnets {} of the VPC always win; the route never matches.", listed(&shadowed_by)));
    } else {
        if !shadowed_by.is_empty() {
            state = RouteState::PartlyShadowed;
            notes.push(format!("Packets to the subnets {} stay in the VPC.", listed(&shadowed_by)));
        }
        if let Some((inactive, note)) = blocked(catalog, route) {
            state = if inactive { RouteState::Inactive } else { state };
            notes.push(note.to_owned());
        }
    }
    let note = (!notes.is_empty()).then(|| notes.join(" "));
    RouteView { route: Arc::clone(route), state, note, shadowed_by }
}

/// Whether the subnets, which never overlap each other, make up all of the destination.
fn covered(destination: IpNet, subnets: &[IpNet]) -> bool {
    if subnets.iter().any(|subnet| subnet.contains(&destination)) {
        return true;
    }
    // In units of the smallest subnet there is: a /32, or a /64 of IPv6. Longer destinations lie inside one subnet or
    // in none.
    let longest = if matches!(destination, IpNet::V4(_)) { 32 } else { 64_u8 };
    let size = |net: &IpNet| longest.checked_sub(net.prefix_len()).map_or(0, |bits| 1_u128 << bits);
    subnets.iter().map(size).sum::<u128>() == size(&destination).max(1)
}

/// Why the next hop does not take packets now, and whether that makes the route inactive.
fn blocked(catalog: &Catalog, route: &Route) -> Option<(bool, &'static str)> {
    match route.next_hop {
        NextHop::Peering(id) => match catalog.peering(id).map(|peering| peering.status) {
            Some(PeeringStatus::Active) => None,
            Some(PeeringStatus::PendingAcceptance) => {
                Some((true, "The peering is not accepted yet: packets are dropped."))
            }
            Some(PeeringStatus::Rejected) => {
                Some((true, "The peering was rejected: packets are dropped. Delete the route or make a new request."))
            }
            Some(PeeringStatus::Expired) => {
                Some((true, "The request expired: packets are dropped. Delete the route or make a new request."))
            }
            None => Some((true, "The peering does not exist: packets are dropped.")),
        },
        NextHop::Ecs(id) => {
            // A stopped server does not make the route inactive: it still matches (rule RT-12).
            match catalog.server(id) {
                Some(server) if server.state == ServerState::Running => instance(catalog, catalog.port(server.port)),
                _ => Some((false, "The server is stopped: packets are dropped.")),
            }
        }
        NextHop::Eni(id) | NextHop::Subeni(id) => instance(catalog, catalog.port(id)),
        NextHop::Vip(address) => {
            let vip = catalog.subnets_of(route.vpc).find_map(|subnet| catalog.vip_at(subnet.id, address));
            match vip.and_then(|vip| vip.holder) {
                Some(holder) => instance(catalog, catalog.port(holder)),
                None => Some((false, "No server has claimed the virtual IP: packets are dropped.")),
            }
        }
        NextHop::Nat(_) => None,
    }
}

/// Why the instance behind a port does not take packets that are not for it (rules NH-7, CHK-3).
fn instance(catalog: &Catalog, port: Option<&Arc<Port>>) -> Option<(bool, &'static str)> {
    let Some((port, server)) = port.and_then(|port| Some((port, catalog.server(port.server?)?))) else {
        return Some((false, "The interface is attached to no server: packets are dropped."));
    };
    if server.state == ServerState::Stopped {
        return Some((false, "The server is stopped: packets are dropped."));
    }
    let note = "The source/destination check of the server's interface is on: packets that are not for it are dropped.";
    port.is_checked().then_some((false, note))
}

fn listed(subnets: &[IpNet]) -> String {
    subnets.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
