//! Custom routes: destinations and next hops (rules RT-8, RT-9, NH-8, NH-9).

use std::net::IpAddr;

use catalog::Catalog;
use ipnet::IpNet;
use model::{
    CidrError, Kind, NextHop, NextHopType, PeeringId, PortId, Route, RouteId, RouteTable, SYSTEM_RANGES, ServerId,
    Subnet, Vpc, never_routed, validate_description,
};

use crate::ipv6::validate_next_hop;
use crate::{Changes, Context, Error, Warning};

/// A next hop as a request names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextHopSpec {
    /// Its type.
    pub kind: NextHopType,
    /// Its id; the address for a virtual IP.
    pub id: String,
}

impl NextHopSpec {
    /// A next hop of this type.
    #[must_use]
    pub fn new(kind: NextHopType, id: impl ToString) -> Self {
        Self { kind, id: id.to_string() }
    }
}

/// A custom route to add, or to put in place of the one with the same destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRoute {
    /// Destination in canonical form (rule RT-8).
    pub destination: IpNet,
    /// Where packets go.
    pub next_hop: NextHopSpec,
    /// At most 255 characters. `None` is empty for a new route and "as it is" for a changed one.
    pub description: Option<String>,
}

impl NewRoute {
    /// A route without description.
    #[must_use]
    pub fn new(destination: IpNet, kind: NextHopType, next_hop: impl ToString) -> Self {
        Self { destination, next_hop: NextHopSpec::new(kind, next_hop), description: None }
    }
}

/// Checks a new route and makes its record; locks what it names.
pub(crate) fn new_route(
    catalog: &Catalog,
    ctx: &mut Context<'_>,
    vpc: &Vpc,
    table: &RouteTable,
    request: &NewRoute,
    changes: &mut Changes,
    warnings: &mut Vec<Warning>,
) -> Result<Route, Error> {
    let next_hop = resolve(catalog, vpc, &request.next_hop, changes)?;
    validate_next_hop(catalog, request.destination, next_hop)?;
    let description = request.description.clone().unwrap_or_default();
    validate_description(&description)?;
    warnings.extend(validate_destination(catalog, vpc, request.destination)?);
    Ok(Route {
        id: RouteId::new(ctx.ids.uuid()),
        project: table.project,
        table: table.id,
        vpc: vpc.id,
        destination: request.destination,
        next_hop,
        description,
        created_at: ctx.now,
    })
}

/// The next hop that a request names, with the locks that keep it there (rule NH-9).
pub(crate) fn resolve(
    catalog: &Catalog,
    vpc: &Vpc,
    spec: &NextHopSpec,
    changes: &mut Changes,
) -> Result<NextHop, Error> {
    // The same answer for what does not exist and for what belongs to others: existence is not revealed.
    let elsewhere =
        || Error::NextHopNotInVpc { kind: spec.kind, next_hop: spec.id.chars().take(64).collect::<String>() };
    match spec.kind {
        NextHopType::Peering => {
            let id: PeeringId = spec.id.parse().map_err(|_| elsewhere())?;
            let peering = catalog.peering(id).filter(|p| p.end_of(vpc.id).is_some()).ok_or_else(elsewhere)?;
            if !peering.status.is_live() {
                return Err(Error::NextHopState { peering: id, status: peering.status });
            }
            // Reject and expiry change the peering only; deletion locks the VPC too.
            changes.observe(catalog, Kind::Peering, id);
            Ok(NextHop::Peering(id))
        }
        NextHopType::Ecs => {
            let id: ServerId = spec.id.parse().map_err(|_| elsewhere())?;
            let port = catalog.server(id).and_then(|server| catalog.port(server.port));
            port.filter(|port| port.vpc == vpc.id).ok_or_else(elsewhere)?;
            changes.share(Kind::Server, id);
            Ok(NextHop::Ecs(id))
        }
        NextHopType::Eni => {
            let id: PortId = spec.id.parse().map_err(|_| elsewhere())?;
            let port = catalog.port(id).filter(|port| port.vpc == vpc.id && !port.is_vip());
            port.ok_or_else(elsewhere)?;
            changes.share(Kind::Port, id);
            Ok(NextHop::Eni(id))
        }
        NextHopType::Subeni => {
            let id: PortId = spec.id.parse().map_err(|_| elsewhere())?;
            let port = catalog.port(id).filter(|port| port.vpc == vpc.id && port.is_supplementary());
            port.ok_or_else(elsewhere)?;
            changes.share(Kind::Port, id);
            Ok(NextHop::Subeni(id))
        }
        NextHopType::Vip => {
            let address: IpAddr = spec.id.parse().map_err(|_| elsewhere())?;
            let port = virtual_ip(catalog, vpc, address).ok_or_else(elsewhere)?;
            changes.share(Kind::Port, port);
            Ok(NextHop::Vip(address))
        }
        kind => Err(Error::NextHopTypeNotSupported { kind }),
    }
}

/// The destinations of the routes that name a port as next hop, by either type (rule NH-3).
pub(crate) fn routes_to_port(catalog: &Catalog, port: PortId) -> impl Iterator<Item = IpNet> {
    let named = [NextHop::Eni(port), NextHop::Subeni(port)];
    named.into_iter().flat_map(|hop| catalog.routes_to(hop)).map(|route| route.destination)
}

fn virtual_ip(catalog: &Catalog, vpc: &Vpc, address: IpAddr) -> Option<PortId> {
    catalog.subnets_of(vpc.id).find_map(|subnet| catalog.vip_at(subnet.id, address)).map(|port| port.id)
}

/// Rules RT-8 and RT-9: canonical, and not inside a system route; a warning when it contains subnets.
pub(crate) fn validate_destination(catalog: &Catalog, vpc: &Vpc, destination: IpNet) -> Result<Option<Warning>, Error> {
    if destination.addr() != destination.network() {
        let (given, canonical) = (destination.to_string(), destination.trunc().to_string());
        return Err(CidrError::HostBits { given, canonical }.into());
    }
    if let Some(local) = system_routes(catalog, vpc).into_iter().find(|local| local.contains(&destination)) {
        return Err(Error::RouteConflictsWithLocal { destination, local });
    }
    if let Some(range) = never_routed(destination) {
        let reason =
            format!("{destination} is in {range}, which never leaves a subnet: the route would have no effect");
        return Err(Error::invalid("destination", reason));
    }
    let subnets = shadowing(catalog, vpc, destination);
    Ok((!subnets.is_empty()).then_some(Warning::RouteShadowed { destination, subnets }))
}

/// The subnets of the VPC that take packets from a route to this destination (rule RT-5).
pub(crate) fn shadowing(catalog: &Catalog, vpc: &Vpc, destination: IpNet) -> Vec<IpNet> {
    let mut subnets: Vec<_> = catalog
        .subnets_of(vpc.id)
        .flat_map(|subnet| ranges(subnet))
        .filter(|subnet| subnet.contains(&destination) || destination.contains(subnet))
        .collect();
    subnets.sort_unstable();
    subnets
}

/// The system routes of every table of the VPC, ascending (rule RT-3).
pub(crate) fn system_routes(catalog: &Catalog, vpc: &Vpc) -> Vec<IpNet> {
    let mut routes: Vec<IpNet> = SYSTEM_RANGES.iter().copied().map(IpNet::V4).collect();
    for subnet in catalog.subnets_of(vpc.id) {
        routes.extend(ranges(subnet));
    }
    routes.sort_unstable();
    routes
}

/// The local routes of a subnet: its IPv4 range, and its IPv6 range if it has one (rules RT-3, V6-3).
pub(crate) fn ranges(subnet: &Subnet) -> impl Iterator<Item = IpNet> + use<> {
    std::iter::once(IpNet::V4(subnet.cidr)).chain(subnet.ipv6.map(|ipv6| IpNet::V6(ipv6.cidr)))
}
