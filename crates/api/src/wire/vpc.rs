//! VPCs (api-vpc §4).

use catalog::Catalog;
use model::Vpc;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{NewTag, Tag, body, body_v3, list_v3, request};

/// A VPC as v1 shows it (api-vpc §4.1).
#[derive(Serialize, ToSchema)]
pub(crate) struct VpcV1 {
    pub(crate) id: String,
    name: String,
    description: String,
    /// Empty when the VPC has no primary range.
    cidr: String,
    /// `OK`: a VPC is usable as soon as it is there.
    status: &'static str,
    enterprise_project_id: String,
    /// Always empty: routes are in route tables.
    #[schema(value_type = Vec<Object>)]
    routes: [(); 0],
    enhanced_local_route: bool,
    /// Always off: there is no SNAT to share.
    enable_shared_snat: bool,
    /// `on` or `off`.
    block_service_endpoint_states: &'static str,
    enable_network_address_usage_metrics: bool,
    tenant_id: String,
    created_at: String,
    updated_at: String,
    /// Causeway's own: the edge site, for a VPC that is not in the centre.
    #[serde(skip_serializing_if = "Option::is_none")]
    edge_site: Option<String>,
}

impl VpcV1 {
    pub(crate) fn new(vpc: &Vpc) -> Self {
        Self {
            id: vpc.id.to_string(),
            name: vpc.name.clone(),
            description: vpc.description.clone(),
            cidr: vpc.cidr.map(|cidr| cidr.to_string()).unwrap_or_default(),
            status: "OK",
            enterprise_project_id: vpc.enterprise_project_id.clone(),
            routes: [],
            enhanced_local_route: vpc.enhanced_local_route,
            enable_shared_snat: false,
            block_service_endpoint_states: on_off(vpc.block_service_endpoints),
            enable_network_address_usage_metrics: vpc.address_usage_metrics,
            tenant_id: vpc.project.to_string(),
            created_at: vpc.created_at.without_zone(),
            updated_at: vpc.updated_at.without_zone(),
            edge_site: vpc.edge_site.as_ref().map(ToString::to_string),
        }
    }
}

fn on_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

/// How many objects of a kind a VPC has.
#[derive(Serialize, ToSchema)]
pub(crate) struct CloudResource {
    resource_type: &'static str,
    resource_count: usize,
}

/// A VPC as v3 shows it (api-vpc §4.3).
#[derive(Serialize, ToSchema)]
pub(crate) struct VpcV3 {
    pub(crate) id: String,
    name: String,
    description: String,
    cidr: String,
    extend_cidrs: Vec<String>,
    /// `ACTIVE`, where v1 says `OK`.
    status: &'static str,
    project_id: String,
    enterprise_project_id: String,
    created_at: String,
    updated_at: String,
    cloud_resources: Vec<CloudResource>,
    tags: Vec<Tag>,
    /// `on` or `off`.
    block_service_endpoint_states: &'static str,
    enable_network_address_usage_metrics: bool,
    /// Causeway's own: the edge site, for a VPC that is not in the centre.
    #[serde(skip_serializing_if = "Option::is_none")]
    edge_site: Option<String>,
}

impl VpcV3 {
    pub(crate) fn new(catalog: &Catalog, vpc: &Vpc) -> Self {
        let resources = [
            ("routetable", catalog.route_tables_of(vpc.id).count()),
            ("virsubnet", catalog.subnets_of(vpc.id).count()),
        ];
        Self {
            id: vpc.id.to_string(),
            name: vpc.name.clone(),
            description: vpc.description.clone(),
            cidr: vpc.cidr.map(|cidr| cidr.to_string()).unwrap_or_default(),
            extend_cidrs: vpc.secondary_cidrs.iter().map(ToString::to_string).collect(),
            status: "ACTIVE",
            project_id: vpc.project.to_string(),
            enterprise_project_id: vpc.enterprise_project_id.clone(),
            created_at: vpc.created_at.with_zone(),
            updated_at: vpc.updated_at.with_zone(),
            cloud_resources: resources
                .into_iter()
                .filter(|(_, count)| *count > 0)
                .map(|(resource_type, resource_count)| CloudResource { resource_type, resource_count })
                .collect(),
            tags: Tag::list(&vpc.tags),
            block_service_endpoint_states: on_off(vpc.block_service_endpoints),
            enable_network_address_usage_metrics: vpc.address_usage_metrics,
            edge_site: vpc.edge_site.as_ref().map(ToString::to_string),
        }
    }
}

/// What a VPC is made from.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct VpcFields {
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    /// Primary range; empty for none.
    pub(crate) cidr: Option<String>,
    pub(crate) enterprise_project_id: Option<String>,
    /// Causeway's own, v1 only: the edge site; absent for the centre.
    pub(crate) edge_site: Option<String>,
    /// Only when it is made.
    pub(crate) tags: Option<Vec<NewTag>>,
    /// Once on it cannot be turned off again.
    pub(crate) enhanced_local_route: Option<bool>,
    /// Only off.
    pub(crate) enable_shared_snat: Option<bool>,
    /// `on` or `off`; only when it is made.
    pub(crate) block_service_endpoint_states: Option<String>,
    pub(crate) enable_network_address_usage_metrics: Option<bool>,
    /// Only empty: routes are in route tables.
    pub(crate) routes: Option<Vec<serde_json::Value>>,
}

/// Secondary ranges to add or remove.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ExtendCidrs {
    pub(crate) extend_cidrs: Option<Vec<String>>,
}

request! {
    /// Create or update a VPC, v1.
    VpcRequest { vpc: VpcFields }
}

/// Create or update a VPC, v3.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct VpcRequestV3 {
    /// Only check; answered with 202 when all is well.
    pub(crate) dry_run: Option<bool>,
    pub(crate) vpc: VpcFields,
}

/// Add or remove secondary ranges.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ExtendCidrRequest {
    /// Only check; answered with 202 when all is well.
    pub(crate) dry_run: Option<bool>,
    pub(crate) vpc: ExtendCidrs,
}

body! {
    /// A VPC, v1.
    VpcBody { "vpc" vpc: VpcV1 }
    /// VPCs, v1.
    VpcListBody { "vpcs" vpcs: Vec<VpcV1> }
}
body_v3! {
    /// A VPC, v3.
    VpcBodyV3 { vpc: VpcV3 }
}
list_v3! {
    /// VPCs, v3.
    VpcListV3 { vpcs: VpcV3 }
}
