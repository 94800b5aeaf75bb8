//! Security groups (api-vpc §8.1). One store, the same ids in all families.

use model::SecurityGroup;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{NewTag, RuleV1, RuleV3, Tag, body, body_v3, list_v2, list_v3, request};

/// A security group as v1 shows it.
#[derive(Serialize, ToSchema)]
pub(crate) struct GroupV1 {
    pub(crate) id: String,
    name: String,
    description: String,
    /// Deprecated and empty: a group belongs to no VPC.
    vpc_id: String,
    enterprise_project_id: String,
    security_group_rules: Vec<RuleV1>,
}

impl GroupV1 {
    pub(crate) fn new(group: &SecurityGroup) -> Self {
        Self {
            id: group.id.to_string(),
            name: group.name.clone(),
            description: group.description.clone(),
            vpc_id: String::new(),
            enterprise_project_id: group.enterprise_project_id.clone(),
            security_group_rules: group.rules.iter().map(|rule| RuleV1::v1(group, rule)).collect(),
        }
    }
}

/// A security group as v2.0 shows it.
#[derive(Serialize, ToSchema)]
pub(crate) struct GroupV2 {
    pub(crate) id: String,
    name: String,
    description: String,
    tenant_id: String,
    project_id: String,
    created_at: String,
    updated_at: String,
    security_group_rules: Vec<RuleV1>,
}

impl GroupV2 {
    pub(crate) fn new(group: &SecurityGroup) -> Self {
        Self {
            id: group.id.to_string(),
            name: group.name.clone(),
            description: group.description.clone(),
            tenant_id: group.project.to_string(),
            project_id: group.project.to_string(),
            created_at: group.created_at.without_zone(),
            updated_at: group.updated_at.without_zone(),
            security_group_rules: group.rules.iter().map(|rule| RuleV1::v2(group, rule)).collect(),
        }
    }
}

/// A security group as v3 shows it.
#[derive(Serialize, ToSchema)]
pub(crate) struct GroupV3 {
    pub(crate) id: String,
    name: String,
    description: String,
    project_id: String,
    enterprise_project_id: String,
    created_at: String,
    updated_at: String,
    tags: Vec<Tag>,
    /// Absent in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    security_group_rules: Option<Vec<RuleV3>>,
}

impl GroupV3 {
    /// The group with its rules.
    pub(crate) fn new(group: &SecurityGroup) -> Self {
        let rules = group.rules.iter().map(|rule| RuleV3::new(group, rule)).collect();
        Self { security_group_rules: Some(rules), ..Self::item(group) }
    }

    /// The group in a list.
    pub(crate) fn item(group: &SecurityGroup) -> Self {
        Self {
            id: group.id.to_string(),
            name: group.name.clone(),
            description: group.description.clone(),
            project_id: group.project.to_string(),
            enterprise_project_id: group.enterprise_project_id.clone(),
            created_at: group.created_at.with_zone(),
            updated_at: group.updated_at.with_zone(),
            tags: Tag::list(&group.tags),
            security_group_rules: None,
        }
    }
}

/// What a group is made from.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct GroupFields {
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) enterprise_project_id: Option<String>,
    /// Only when it is made.
    pub(crate) tags: Option<Vec<NewTag>>,
}

request! {
    /// Create or update a security group, v1 and v2.0.
    GroupRequest { security_group: GroupFields }
}

/// Create or update a security group, v3.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct GroupRequestV3 {
    /// Only check; answered with 202 when all is well.
    pub(crate) dry_run: Option<bool>,
    pub(crate) security_group: GroupFields,
}

body! {
    /// A security group, v1.
    GroupBodyV1 { "security_group" security_group: GroupV1 }
    /// Security groups, v1.
    GroupListV1 { "security_groups" security_groups: Vec<GroupV1> }
    /// A security group, v2.0.
    GroupBodyV2 { "security_group" security_group: GroupV2 }
}
list_v2! {
    /// Security groups, v2.0.
    GroupListV2 { security_groups: GroupV2, security_groups_links }
}
body_v3! {
    /// A security group, v3.
    GroupBodyV3 { security_group: GroupV3 }
}
list_v3! {
    /// Security groups, v3.
    GroupListV3 { security_groups: GroupV3 }
}
