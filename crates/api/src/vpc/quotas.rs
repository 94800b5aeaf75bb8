//! Quotas, v1 and v3 (api-vpc §12, limits §1.1).

use axum::Json;
use axum::extract::State as AxumState;
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::Identity;
use crate::error::Problem;
use crate::frame::Frame;
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

/// What v3 shows for a quota that there is not: here nothing limits it, or there is nothing to limit.
const NO_QUOTA: i64 = -1;

/// The quotas of v3, by the names of the public models.
#[derive(Serialize, ToSchema)]
pub(crate) struct QuotasV3 {
    vpc: i64,
    virsubnet: i64,
    peering: i64,
    security_group: i64,
    security_group_rule: i64,
    secgroup_contain_rules: i64,
    eni_contain_secgroup: i64,
    address_group: i64,
    address_group_contain_ipset: i64,
    acl_policy_contain_rules: i64,
    virsubnet_contain_ipv4_cidr_reservations: i64,
    virsubnet_contain_ipv6_cidr_reservations: i64,
    #[serde(flatten)]
    #[schema(value_type = Object)]
    none: std::collections::BTreeMap<&'static str, i64>,
}

/// Names of quotas that there are not here.
const ABSENT_V3: [&str; 30] = [
    "clouddcn_acl_policy_contain_rules",
    "clouddcn_firewall_group",
    "edge_gateway",
    "firewall_policy_contain_ipv4_composite_rules",
    "firewall_policy_contain_ipv6_composite_rules",
    "forward_policy",
    "forward_policy_contain_ports",
    "forward_rule",
    "roce_cluster_contain_networks",
    "rtb_allow_sys_cidr_routes",
    "secgroup_referred_by_nic",
    "security_group_contain_egress_ipv4_composite_rules",
    "security_group_contain_egress_ipv6_composite_rules",
    "security_group_contain_ingress_ipv4_composite_rules",
    "security_group_contain_ingress_ipv6_composite_rules",
    "shared_bandwidth",
    "shared_bandwidth_contain_publicip",
    "subnet_contain_eni",
    "traffic_mirror_filter",
    "traffic_mirror_filter_contain_rules_each_direction",
    "traffic_mirror_filter_referred_by_session",
    "traffic_mirror_session",
    "traffic_mirror_session_contain_sources",
    "traffic_mirror_source_referred_by_session",
    "traffic_mirror_target_elb_referred_by_session",
    "traffic_mirror_target_eni_referred_by_session",
    "vip",
    "vpc_contain_eni",
    "vpc_contain_vip",
    "vpc_contain_virsubnet",
];

/// Quotas, v3.
#[derive(Serialize, ToSchema)]
pub(crate) struct QuotaBodyV3 {
    request_id: String,
    quota: QuotasV3,
}

/// Show the project's quotas; -1 stands for what is not limited.
#[utoipa::path(get, path = "/v3/{project_id}/vpc/quotas", tag = "Quotas", operation_id = "showQuotaV3",
    responses((status = 200, body = QuotaBodyV3)))]
pub(crate) async fn show_v3(
    AxumState(state): AxumState<State>,
    identity: Identity,
    frame: Frame,
) -> Result<Json<QuotaBodyV3>, Problem> {
    identity.project()?;
    let limits = state.limits();
    let number = |limit: usize| i64::try_from(limit).unwrap_or(i64::MAX);
    // One limit holds for both families together.
    let reservations = number(limits.cidr_reservations_per_subnet);
    let quota = QuotasV3 {
        vpc: number(limits.vpcs),
        virsubnet: number(limits.subnets),
        peering: number(limits.peerings),
        security_group: number(limits.security_groups),
        security_group_rule: number(limits.security_group_rules),
        secgroup_contain_rules: number(limits.rules_per_group),
        eni_contain_secgroup: number(limits.groups_per_port),
        address_group: number(limits.address_groups),
        address_group_contain_ipset: i64::from(limits.addresses_per_group),
        acl_policy_contain_rules: number(limits.rules_per_network_acl),
        virsubnet_contain_ipv4_cidr_reservations: reservations,
        virsubnet_contain_ipv6_cidr_reservations: reservations,
        none: ABSENT_V3.into_iter().map(|name| (name, NO_QUOTA)).collect(),
    };
    Ok(Json(QuotaBodyV3 { request_id: frame.request_id, quota }))
}
