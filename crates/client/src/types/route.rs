//! Routes of the older family: entries of a VPC's default route table that lead into peerings (API specification of
//! VPC, section 2).

use serde::{Deserialize, Serialize};

/// A route of a VPC's default table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VpcRoute {
    /// UUID.
    pub id: String,
    /// `peering` (`type` on the wire).
    #[serde(rename = "type")]
    pub kind: String,
    /// A prefix.
    pub destination: String,
    /// The peering connection.
    pub nexthop: String,
    /// The VPC.
    pub vpc_id: String,
    /// The project.
    pub tenant_id: String,
}

/// A new route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VpcRouteCreate {
    /// `peering` (`type` on the wire).
    #[serde(rename = "type")]
    pub kind: String,
    /// The peering connection.
    pub nexthop: String,
    /// A prefix without host bits.
    pub destination: String,
    /// The VPC.
    pub vpc_id: String,
}

/// Which routes to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct VpcRouteFilter {
    /// This one.
    pub id: Option<String>,
    /// Of this type (`type` on the wire).
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Of this VPC.
    pub vpc_id: Option<String>,
    /// To this prefix.
    pub destination: Option<String>,
}
