//! Route tables (API specification of VPC, section 3).

use serde::{Deserialize, Serialize};

/// A route table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RouteTable {
    /// UUID.
    pub id: String,
    /// 0 to 64 characters.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Whether it is the VPC's default table.
    pub default: bool,
    /// Absent in lists.
    pub routes: Vec<Route>,
    /// The subnets that use it.
    pub subnets: Vec<RouteTableSubnet>,
    /// The project.
    pub tenant_id: String,
    /// The VPC.
    pub vpc_id: String,
    /// `yyyy-MM-ddTHH:mm:ss`, UTC.
    pub created_at: String,
    /// `yyyy-MM-ddTHH:mm:ss`, UTC.
    pub updated_at: String,
}

/// A subnet of a route table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RouteTableSubnet {
    /// The subnet.
    pub id: String,
}

/// A route of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Route {
    /// `local`, `peering`, `ecs`, `eni`, `vip`, `nat`, ... (`type` on the wire).
    #[serde(rename = "type")]
    pub kind: String,
    /// A prefix, exactly as it was written.
    pub destination: String,
    /// An id, or an address for `vip`, or `-` for `local`.
    pub nexthop: String,
    /// Free text.
    pub description: String,
}

/// A route to write.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RouteSpec {
    /// `peering`, `ecs`, ... (`type` on the wire).
    #[serde(rename = "type")]
    pub kind: String,
    /// A prefix without host bits.
    pub destination: String,
    /// What the kind asks for.
    pub nexthop: String,
    /// At most 255 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// A route to delete.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RouteDestination {
    /// Its destination, as text.
    pub destination: String,
}

/// A new, custom route table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RouteTableCreate {
    /// The VPC.
    pub vpc_id: String,
    /// 0 to 64 characters.
    pub name: String,
    /// At most 255 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// At most five; [`RouteTableUpdate`] adds more.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<RouteSpec>,
}

/// Changes of a route table; what is not set stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RouteTableUpdate {
    /// The new name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The new text; an empty one clears it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Changes of routes; all or nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub routes: Option<RouteChanges>,
}

/// Changes of routes: deletions first, then modifications, then additions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RouteChanges {
    /// New routes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub add: Vec<RouteSpec>,
    /// Routes with another next hop or text; the destination says which.
    #[serde(rename = "mod", skip_serializing_if = "Vec::is_empty")]
    pub modify: Vec<RouteSpec>,
    /// Routes to delete.
    #[serde(rename = "del", skip_serializing_if = "Vec::is_empty")]
    pub delete: Vec<RouteDestination>,
}

/// Which route tables to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RouteTableFilter {
    /// This one.
    pub id: Option<String>,
    /// Those of this VPC.
    pub vpc_id: Option<String>,
    /// The one of this subnet.
    pub subnet_id: Option<String>,
}

/// A route of a table and whether it does anything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RouteState {
    /// Its id.
    pub id: String,
    /// As [`Route::kind`].
    #[serde(rename = "type")]
    pub kind: String,
    /// A prefix.
    pub destination: String,
    /// As [`Route::nexthop`].
    pub nexthop: String,
    /// Free text.
    pub description: String,
    /// `active`, `inactive`, `shadowed` or `partly_shadowed`.
    pub state: String,
    /// Why, where it is not active.
    pub note: String,
}
