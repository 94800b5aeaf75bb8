//! VPCs (API specification of VPC, section 4).

use serde::{Deserialize, Serialize};

/// A VPC as the v1 operations show it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Vpc {
    /// UUID.
    pub id: String,
    /// May be empty; unique in the project otherwise.
    pub name: String,
    /// Free text.
    pub description: String,
    /// The primary prefix; may be empty.
    pub cidr: String,
    /// `CREATING` or `OK`.
    pub status: String,
    /// `0` for the default one.
    pub enterprise_project_id: String,
    /// The project.
    pub tenant_id: String,
    /// The edge site the VPC lies in, empty for the region itself. Causeway's extension.
    pub edge_site: String,
    /// `yyyy-MM-ddTHH:mm:ss`, UTC.
    pub created_at: String,
    /// `yyyy-MM-ddTHH:mm:ss`, UTC.
    pub updated_at: String,
}

/// A VPC as the v3 operations show it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VpcV3 {
    /// UUID.
    pub id: String,
    /// May be empty.
    pub name: String,
    /// Free text.
    pub description: String,
    /// The primary prefix.
    pub cidr: String,
    /// The secondary prefixes.
    pub extend_cidrs: Vec<String>,
    /// `PENDING` or `ACTIVE`.
    pub status: String,
    /// The project.
    pub project_id: String,
    /// `0` for the default one.
    pub enterprise_project_id: String,
    /// UTC, with or without `Z`.
    pub created_at: String,
    /// UTC, with or without `Z`.
    pub updated_at: String,
    /// Tags.
    pub tags: Vec<ResourceTag>,
}

/// A tag.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ResourceTag {
    /// The key.
    pub key: String,
    /// The value; may be empty.
    pub value: String,
}

/// A new VPC.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct VpcCreate {
    /// 0 to 64 characters.
    pub name: String,
    /// In 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16.
    pub cidr: String,
    /// At most 255 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The default one if not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enterprise_project_id: Option<String>,
    /// `key*value`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// An edge site of the region. Causeway's extension.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edge_site: Option<String>,
}

/// Changes of a VPC; what is not set stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct VpcUpdate {
    /// The new name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The new text; an empty one clears it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The new primary prefix; must contain every subnet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cidr: Option<String>,
}

/// Which VPCs to list with the v3 operation; values of one member are alternatives.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct VpcFilter {
    /// Ids.
    pub id: Vec<String>,
    /// Names.
    pub name: Vec<String>,
    /// Primary prefixes.
    pub cidr: Vec<String>,
}
