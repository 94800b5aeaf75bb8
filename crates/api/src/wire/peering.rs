//! Peering connections and the legacy routes to them (api-vpc §1 and §2).

use model::{Peering, PeeringEnd, Route};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{body, list_v2, request};

/// One end of a peering.
#[derive(Serialize, ToSchema)]
pub(crate) struct VpcInfo {
    vpc_id: String,
    /// The project that owns the VPC.
    tenant_id: String,
}

impl VpcInfo {
    fn new(end: &PeeringEnd) -> Self {
        Self { vpc_id: end.vpc.to_string(), tenant_id: end.project.to_string() }
    }
}

/// A peering connection (api-vpc §1.1).
#[derive(Serialize, ToSchema)]
pub(crate) struct PeeringObject {
    pub(crate) id: String,
    name: String,
    /// `PENDING_ACCEPTANCE`, `ACTIVE`, `REJECTED` or `EXPIRED`.
    status: &'static str,
    request_vpc_info: VpcInfo,
    accept_vpc_info: VpcInfo,
    description: String,
    /// UTC, without a zone (clients §6, trap 5).
    created_at: String,
    updated_at: String,
}

impl PeeringObject {
    pub(crate) fn new(peering: &Peering) -> Self {
        Self {
            id: peering.id.to_string(),
            name: peering.name.clone(),
            status: peering.status.as_str(),
            request_vpc_info: VpcInfo::new(&peering.requester),
            accept_vpc_info: VpcInfo::new(&peering.accepter),
            description: peering.description.clone(),
            created_at: peering.created_at.without_zone(),
            updated_at: peering.updated_at.without_zone(),
        }
    }
}

/// One end of a peering that is asked for.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct VpcInfoFields {
    pub(crate) vpc_id: Option<String>,
    /// Default: the caller's project. Required for another account's VPC.
    pub(crate) tenant_id: Option<String>,
}

/// What a peering is made from.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct PeeringFields {
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) request_vpc_info: Option<VpcInfoFields>,
    pub(crate) accept_vpc_info: Option<VpcInfoFields>,
}

/// A legacy route: a peering route of a VPC's default table (api-vpc §2.1).
#[derive(Serialize, ToSchema)]
pub(crate) struct LegacyRoute {
    pub(crate) id: String,
    /// Always `peering`.
    #[serde(rename = "type")]
    kind: &'static str,
    destination: String,
    nexthop: String,
    vpc_id: String,
    tenant_id: String,
}

impl LegacyRoute {
    pub(crate) fn new(route: &Route) -> Self {
        Self {
            id: route.id.to_string(),
            kind: "peering",
            destination: route.destination.to_string(),
            nexthop: route.next_hop.to_string(),
            vpc_id: route.vpc.to_string(),
            tenant_id: route.project.to_string(),
        }
    }
}

/// What a legacy route is made from.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct LegacyRouteFields {
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    pub(crate) nexthop: Option<String>,
    pub(crate) destination: Option<String>,
    pub(crate) vpc_id: Option<String>,
}

request! {
    /// Create or update a peering.
    PeeringRequest { peering: PeeringFields }
    /// Create a legacy route.
    LegacyRouteRequest { route: LegacyRouteFields }
}
body! {
    /// A peering.
    PeeringBody { "peering" peering: PeeringObject }
    /// A legacy route.
    LegacyRouteBody { "route" route: LegacyRoute }
}
list_v2! {
    /// Peerings.
    PeeringList { peerings: PeeringObject, peerings_links }
    /// Legacy routes.
    LegacyRouteList { routes: LegacyRoute, routes_links }
}
