//! Names for people: an object's name, or its id where it has none or is gone.

use std::fmt::Display;

use catalog::Catalog;
use model::{
    AccountId, NextHop, PeeringId, PeeringStatus, Protocol, RouteId, RouteTableId, SecurityGroupId, ServerId, SubnetId,
    VpcId,
};

/// The name, unless it is missing or empty.
fn name_or(name: Option<&String>, id: impl Display) -> String {
    name.filter(|name| !name.is_empty()).cloned().unwrap_or_else(|| id.to_string())
}

pub(super) fn vpc(catalog: &Catalog, id: VpcId) -> String {
    name_or(catalog.vpc(id).map(|vpc| &vpc.name), id)
}

pub(super) fn subnet(catalog: &Catalog, id: SubnetId) -> String {
    name_or(catalog.subnet(id).map(|subnet| &subnet.name), id)
}

pub(super) fn table(catalog: &Catalog, id: RouteTableId) -> String {
    name_or(catalog.route_table(id).map(|table| &table.name), id)
}

pub(super) fn peering(catalog: &Catalog, id: PeeringId) -> String {
    name_or(catalog.peering(id).map(|peering| &peering.name), id)
}

pub(super) fn group(catalog: &Catalog, id: SecurityGroupId) -> String {
    name_or(catalog.security_group(id).map(|group| &group.name), id)
}

pub(super) fn server(catalog: &Catalog, id: ServerId) -> String {
    name_or(catalog.server(id).map(|server| &server.name), id)
}

pub(super) fn account(catalog: &Catalog, id: AccountId) -> String {
    name_or(catalog.account(id).map(|account| &account.name), id)
}

/// A route as `destination → next hop`.
pub(super) fn route(catalog: &Catalog, id: RouteId) -> String {
    catalog.route(id).map_or_else(
        || id.to_string(),
        |route| {
            let kind = route.next_hop.kind();
            let next_hop = match route.next_hop {
                NextHop::Peering(id) => peering(catalog, id),
                NextHop::Ecs(id) => server(catalog, id),
                other => other.to_string(),
            };
            format!("{} → {kind} {next_hop}", route.destination)
        },
    )
}

/// A state as the console words it (lifecycle section 1).
pub(super) const fn status(status: PeeringStatus) -> &'static str {
    match status {
        PeeringStatus::PendingAcceptance => "Awaiting acceptance",
        PeeringStatus::Active => "Accepted",
        PeeringStatus::Rejected => "Rejected",
        PeeringStatus::Expired => "Expired",
    }
}

/// `TCP 3306`, `ICMP`.
pub(super) fn service(protocol: Protocol, port: u16) -> String {
    let name = protocol.to_string().to_uppercase();
    match protocol {
        Protocol::TCP | Protocol::UDP => format!("{name} {port}"),
        Protocol::ICMP | Protocol::ICMPV6 => name,
        Protocol(number) => format!("protocol {number}"),
    }
}

/// The account that owns a VPC.
pub(super) fn owner(catalog: &Catalog, vpc: VpcId) -> Option<AccountId> {
    catalog.account_of(catalog.vpc(vpc)?.project)
}
