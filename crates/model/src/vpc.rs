//! VPCs.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use crate::{EdgeSiteId, ProjectId, RegionId, RouteTableId, Tags, Timestamp, Vni, VpcId};

/// A virtual private cloud: an isolated network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vpc {
    /// Its id.
    pub id: VpcId,
    /// The owner's project.
    pub project: ProjectId,
    /// The project's region.
    pub region: RegionId,
    /// May be empty; unique in the project when not.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Primary range (rule NET-1); the API allows a VPC without one.
    pub cidr: Option<Ipv4Net>,
    /// Secondary ranges (rule NET-2), in the order they were added.
    pub secondary_cidrs: Vec<Ipv4Net>,
    /// Edge site, `None` for the centre (rule EDGE-1).
    pub edge_site: Option<EdgeSiteId>,
    /// How the data plane names it.
    pub vni: Vni,
    /// The default route table (rule RT-1).
    pub default_route_table: RouteTableId,
    /// Enterprise project, `"0"` for the default one.
    pub enterprise_project_id: String,
    /// Tags.
    #[serde(default)]
    pub tags: Tags,
    /// API: `enhanced_local_route`; once on it stays on (api-vpc section 4.1).
    #[serde(default = "on")]
    pub enhanced_local_route: bool,
    /// API: `block_service_endpoint_states`, `on` or `off` (api-vpc section 4.1).
    #[serde(default)]
    pub block_service_endpoints: bool,
    /// API: `enable_network_address_usage_metrics`.
    #[serde(default)]
    pub address_usage_metrics: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Vpc {
    /// Primary and secondary ranges.
    pub fn cidrs(&self) -> impl Iterator<Item = Ipv4Net> + '_ {
        self.cidr.into_iter().chain(self.secondary_cidrs.iter().copied())
    }

    /// The range of this VPC that the address lies in.
    #[must_use]
    pub fn range_of(&self, address: Ipv4Addr) -> Option<Ipv4Net> {
        self.cidrs().find(|c| c.contains(&address))
    }
}

/// What VPCs have that were stored before the field was.
fn on() -> bool {
    true
}
