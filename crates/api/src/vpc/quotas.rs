//! Quotas, v1 (api-vpc §12, limits §1.1).

use axum::Json;
use axum::extract::State as AxumState;
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::Identity;
use crate::error::Problem;
use crate::query::Query;
use crate::state::State;

/// A quota.
#[derive(Serialize, ToSchema)]
pub(crate) struct QuotaObject {
    #[serde(rename = "type")]
    kind: &'static str,
    used: usize,
    quota: usize,
    min: usize,
}

/// All quotas that were asked for.
#[derive(Serialize, ToSchema)]
pub(crate) struct QuotaResources {
    resources: Vec<QuotaObject>,
}

/// Quotas.
#[derive(Serialize, ToSchema)]
pub(crate) struct QuotaBody {
    quotas: QuotaResources,
}

/// What is reported and limits nothing here.
const UNUSED: [(&str, usize); 10] = [
    ("publicIp", 10),
    ("vpn", 5),
    ("vpngw", 2),
    ("loadbalancer", 10),
    ("listener", 10),
    ("physicalConnect", 10),
    ("virtualInterface", 50),
    ("shareBandwidthIP", 20),
    ("shareBandwidth", 5),
    ("flow_log", 10),
];

/// List the project's quotas and what is used of them.
#[utoipa::path(get, path = "/v1/{project_id}/quotas", tag = "Quotas", operation_id = "listQuotas",
    params(("type" = Option<String>, Query)), responses((status = 200, body = QuotaBody)))]
pub(crate) async fn list(
    AxumState(state): AxumState<State>,
    identity: Identity,
    query: Query,
) -> Result<Json<QuotaBody>, Problem> {
    let catalog = state.catalog();
    let limits = state.limits();
    let project = identity.project()?.id;
    let rules: usize = catalog.security_groups_of(project).map(|group| group.rules.len()).sum();
    // An active peering counts for both sides, a pending one for the requester only (lifecycle section 3).
    let peerings = catalog
        .peerings_of_project(project)
        .filter(|peering| match peering.status {
            model::PeeringStatus::Active => true,
            model::PeeringStatus::PendingAcceptance => peering.requester.project == project,
            model::PeeringStatus::Rejected | model::PeeringStatus::Expired => false,
        })
        .count();
    let most = |counts: Vec<usize>| counts.into_iter().max().unwrap_or(0);
    let tables = most(catalog.vpcs_of(project).map(|vpc| catalog.route_tables_of(vpc.id).count()).collect());
    let routes = most(catalog.vpcs_of(project).map(|vpc| catalog.routes_of_vpc(vpc.id).count()).collect());
    // Networks on no router count as the subnets that they become (api-vpc §5.6).
    let subnets = catalog.subnets_of_project(project).count() + catalog.networks_of(project).count();
    let used = [
        ("vpc", catalog.vpcs_of(project).count(), limits.vpcs),
        ("subnet", subnets, limits.subnets),
        ("securityGroup", catalog.security_groups_of(project).count(), limits.security_groups),
        ("securityGroupRule", rules, limits.security_group_rules),
        ("firewall", catalog.network_acls_of(project).count(), limits.network_acls),
        ("address_group", catalog.address_groups_of(project).count(), limits.address_groups),
        ("vpcPeer", peerings, limits.peerings),
        // Both are limits of each VPC: the fullest one is shown.
        ("vpcContainRoutetable", tables, limits.route_tables_per_vpc),
        ("routetableContainRoutes", routes, limits.routes_per_vpc),
    ];
    let unused = UNUSED.iter().map(|(kind, quota)| (*kind, 0, *quota));
    let resources: Vec<_> = used
        .into_iter()
        .chain(unused)
        .filter(|(kind, ..)| query.is("type", kind))
        .map(|(kind, used, quota)| QuotaObject { kind, used, quota, min: 0 })
        .collect();
    if resources.is_empty() {
        return Err(Problem::invalid("resource type is invalid."));
    }
    Ok(Json(QuotaBody { quotas: QuotaResources { resources } }))
}
