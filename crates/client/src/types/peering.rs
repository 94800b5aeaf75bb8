//! Peering connections (API specification of VPC, section 1).

use serde::{Deserialize, Serialize};

/// A peering connection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Peering {
    /// UUID.
    pub id: String,
    /// 1 to 64 characters.
    pub name: String,
    /// `PENDING_ACCEPTANCE`, `ACTIVE`, `REJECTED` or `EXPIRED`.
    pub status: String,
    /// The requester's VPC.
    pub request_vpc_info: PeeringVpc,
    /// The accepter's VPC.
    pub accept_vpc_info: PeeringVpc,
    /// Free text.
    pub description: String,
    /// `yyyy-MM-ddTHH:mm:ss`, UTC.
    pub created_at: String,
    /// `yyyy-MM-ddTHH:mm:ss`, UTC.
    pub updated_at: String,
}

/// A VPC of a peering connection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PeeringVpc {
    /// The VPC.
    pub vpc_id: String,
    /// Its project. In a request: the caller's own if empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub tenant_id: String,
}

/// A new peering connection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PeeringCreate {
    /// 1 to 64 characters.
    pub name: String,
    /// At most 255 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// A VPC of the caller's project.
    pub request_vpc_info: PeeringVpc,
    /// The other VPC, with its project unless that is the caller's too.
    pub accept_vpc_info: PeeringVpc,
}

/// Changes of a peering connection; at least one must be set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PeeringUpdate {
    /// The new name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The new text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// Which peering connections to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PeeringFilter {
    /// This one.
    pub id: Option<String>,
    /// Of this name.
    pub name: Option<String>,
    /// In this status.
    pub status: Option<String>,
    /// With this project on either side.
    pub tenant_id: Option<String>,
    /// With this VPC on either side.
    pub vpc_id: Option<String>,
}
