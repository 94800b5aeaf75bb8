//! IP address groups (API specification of VPC, section 10).

use serde::{Deserialize, Serialize};

/// An address group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AddressGroup {
    /// UUID.
    pub id: String,
    /// 1 to 64 characters; need not be unique.
    pub name: String,
    /// Free text.
    pub description: String,
    /// 4 or 6.
    pub ip_version: u8,
    /// Addresses, ranges and CIDR blocks, in the order and spelling given.
    pub ip_set: Vec<String>,
    /// The same with remarks.
    pub ip_extra_set: Vec<AddressWithRemarks>,
    /// How many entries it may have.
    pub max_capacity: u32,
    /// The project.
    pub tenant_id: String,
    /// `0` for the default one.
    pub enterprise_project_id: String,
    /// `NORMAL`.
    pub status: String,
    /// UTC.
    pub created_at: String,
    /// UTC.
    pub updated_at: String,
}

/// An entry with remarks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AddressWithRemarks {
    /// The entry.
    pub ip: String,
    /// Free text.
    pub remarks: String,
}

/// A new address group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct AddressGroupCreate {
    /// 1 to 64 characters.
    pub name: String,
    /// At most 255 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// 4 or 6.
    pub ip_version: u8,
    /// Addresses, ranges `first-last` and CIDR blocks.
    pub ip_set: Vec<String>,
    /// How many entries it may have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_capacity: Option<u32>,
}

/// What to change of an address group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct AddressGroupUpdate {
    /// New name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// New text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The entries, in place of the present ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_set: Option<Vec<String>>,
    /// How many entries it may have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_capacity: Option<u32>,
}

/// Which address groups to list; values of one member are alternatives.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct AddressGroupFilter {
    /// Ids.
    pub id: Vec<String>,
    /// Names.
    pub name: Vec<String>,
}

/// An address group with what names it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AddressGroupDependency {
    /// The address group.
    pub id: String,
    /// What names it in rules.
    pub dependency: Vec<AddressGroupUser>,
}

/// What names an address group in its rules.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AddressGroupUser {
    /// `sg` for a security group, `acl` for a network ACL.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its id.
    pub instance_id: String,
    /// Its name.
    pub instance_name: String,
}
