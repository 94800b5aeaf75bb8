//! IP address groups, v3 (api-vpc §10).

use model::AddressGroup;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{NewTag, Tag, body_v3, list_v3, version_number};
use crate::lenient::Number;

/// An address group.
#[derive(Serialize, ToSchema)]
pub(crate) struct AddressGroupV3 {
    pub(crate) id: String,
    name: String,
    description: String,
    max_capacity: u32,
    /// In the order and spelling given.
    ip_set: Vec<String>,
    /// The same with remarks.
    ip_extra_set: Vec<ExtraAddress>,
    ip_version: u8,
    created_at: String,
    updated_at: String,
    tenant_id: String,
    enterprise_project_id: String,
    tags: Vec<Tag>,
    /// Always `NORMAL`: a change is in force when it is answered.
    status: &'static str,
    status_message: &'static str,
}

impl AddressGroupV3 {
    pub(crate) fn new(group: &AddressGroup) -> Self {
        Self {
            id: group.id.to_string(),
            name: group.name.clone(),
            description: group.description.clone(),
            max_capacity: group.max_capacity,
            ip_set: group.addresses.iter().map(|entry| entry.text.clone()).collect(),
            ip_extra_set: group
                .addresses
                .iter()
                .map(|entry| ExtraAddress { ip: entry.text.clone(), remarks: Some(entry.remarks.clone()) })
                .collect(),
            ip_version: version_number(group.version),
            created_at: group.created_at.with_zone(),
            updated_at: group.updated_at.with_zone(),
            tenant_id: group.project.to_string(),
            enterprise_project_id: group.enterprise_project_id.clone(),
            tags: Tag::list(&group.tags),
            status: "NORMAL",
            status_message: "",
        }
    }
}

/// An entry with remarks.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct ExtraAddress {
    pub(crate) ip: String,
    pub(crate) remarks: Option<String>,
}

/// What an address group is made from or changed to.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(crate) struct AddressGroupFields {
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    /// 4 or 6; only when it is made.
    pub(crate) ip_version: Option<Number>,
    /// Addresses, ranges `a-b` and CIDR blocks.
    pub(crate) ip_set: Option<Vec<String>>,
    /// The same with remarks; excludes `ip_set`.
    pub(crate) ip_extra_set: Option<Vec<ExtraAddress>>,
    /// 0 to 20.
    pub(crate) max_capacity: Option<Number>,
    pub(crate) enterprise_project_id: Option<String>,
    /// Only when it is made.
    pub(crate) tags: Option<Vec<NewTag>>,
}

/// Create or update an address group.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct AddressGroupRequest {
    /// Only check; answered with 202 when all is well.
    pub(crate) dry_run: Option<bool>,
    pub(crate) address_group: AddressGroupFields,
}

/// What names an address group.
#[derive(Serialize, ToSchema)]
pub(crate) struct DependencyV3 {
    /// `sg` for a security group, `acl` for a network ACL.
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) instance_id: String,
    pub(crate) instance_name: String,
}

/// An address group with what names it.
#[derive(Serialize, ToSchema)]
pub(crate) struct AddressGroupDependencyV3 {
    pub(crate) id: String,
    pub(crate) enterprise_project_id: String,
    pub(crate) dependency: Vec<DependencyV3>,
}

body_v3! {
    /// An address group.
    AddressGroupBody { address_group: AddressGroupV3 }
}
list_v3! {
    /// Address groups.
    AddressGroupList { address_groups: AddressGroupV3 }
    /// Address groups with what names them.
    AddressGroupDependencyList { address_groups: AddressGroupDependencyV3 }
}
