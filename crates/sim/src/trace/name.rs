//! Names for people: an object's name, or its id where it has none or is gone.

use std::fmt::Display;

use catalog::Catalog;
use model::{
    AccountId, NetworkAclId, NextHop, PeeringId, PeeringStatus, PortId, Protocol, RouteId, RouteTableId,
    SecurityGroupId, ServerId, SubnetId, VpcId,
};

/// The name, unless it is missing or empty.
fn name_or(name: Option<&String>, id: impl Display) -> String {
    name.filter(|name| !name.is_empty()).cloned().unwrap_or_else(|| id.to_string())
}

pub(crate) fn vpc(catalog: &Catalog, id: VpcId) -> String {
    name_or(catalog.vpc(id).map(|vpc| &vpc.name), id)
}

pub(crate) fn subnet(catalog: &Catalog, id: SubnetId) -> String {
    name_or(catalog.subnet(id).map(|subnet| &subnet.name), id)
}

pub(crate) fn table(catalog: &Catalog, id: RouteTableId) -> String {
    name_or(catalog.route_table(id).map(|table| &table.name), id)
}

pub(crate) fn peering(catalog: &Catalog, id: PeeringId) -> String {
    name_or(catalog.peering(id).map(|peering| &peering.name), id)
}

pub(crate) fn group(catalog: &Catalog, id: SecurityGroupId) -> String {
    name_or(catalog.security_group(id).map(|group| &group.name), id)
}

pub(crate) fn network_acl(catalog: &Catalog, id: NetworkAclId) -> String {
    name_or(catalog.network_acl(id).map(|acl| &acl.name), id)
}

pub(crate) fn server(catalog: &Catalog, id: ServerId) -> String {
    name_or(catalog.server(id).map(|server| &server.name), id)
}

pub(crate) fn account(catalog: &Catalog, id: AccountId) -> String {
    name_or(catalog.account(id).map(|account| &account.name), id)
}

/// A route as `destination → next hop`.
pub(crate) fn route(catalog: &Catalog, id: RouteId) -> String {
    catalog.route(id).map_or_else(
        || id.to_string(),
        |route| {
            let kind = route.next_hop.kind();
            format!("{} → {kind} {}", route.destination, next_hop(catalog, route.next_hop))
        },
    )
}

/// A next hop: its name, or the address of a virtual IP.
pub(crate) fn next_hop(catalog: &Catalog, next_hop: NextHop) -> String {
    match next_hop {
        NextHop::Peering(id) => peering(catalog, id),
        NextHop::Ecs(id) => server(catalog, id),
        NextHop::Eni(id) | NextHop::Subeni(id) => port(catalog, id),
        other => other.to_string(),
    }
}

/// A port by its name, else by its server's, else by its id.
pub(crate) fn port(catalog: &Catalog, id: PortId) -> String {
    let Some(found) = catalog.port(id) else { return id.to_string() };
    match found.server {
        _ if !found.name.is_empty() => found.name.clone(),
        Some(of) => format!("{} of {}", found.ipv4, server(catalog, of)),
        None => id.to_string(),
    }
}

/// A state as the console words it (lifecycle section 1).
pub(crate) const fn status(status: PeeringStatus) -> &'static str {
    match status {
        PeeringStatus::PendingAcceptance => "Awaiting acceptance",
        PeeringStatus::Active => "Accepted",
        PeeringStatus::Rejected => "Rejected",
        PeeringStatus::Expired => "Expired",
    }
}

/// `TCP 3306`, `ICMP`.
pub(crate) fn service(protocol: Protocol, port: u16) -> String {
    let name = protocol.to_string().to_uppercase();
    match protocol {
        Protocol::TCP | Protocol::UDP => format!("{name} {port}"),
        Protocol::ICMP | Protocol::ICMPV6 => name,
        Protocol(number) => format!("protocol {number}"),
    }
}

/// The account that owns a VPC.
pub(crate) fn owner(catalog: &Catalog, vpc: VpcId) -> Option<AccountId> {
    catalog.account_of(catalog.vpc(vpc)?.project)
}
