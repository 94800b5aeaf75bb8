//! Network ACLs as the v3 operations show them: firewalls (API specification of VPC, section 9.1).

use serde::{Deserialize, Serialize};

use super::yes;

/// A network ACL.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NetworkAcl {
    /// UUID.
    pub id: String,
    /// At most 64 characters; need not be unique, may be empty.
    pub name: String,
    /// Free text.
    pub description: String,
    /// The project.
    pub project_id: String,
    /// `0` for the default one.
    pub enterprise_project_id: String,
    /// Whether it has an effect.
    pub admin_state_up: bool,
    /// `ACTIVE` when it guards a subnet, else `INACTIVE`.
    pub status: String,
    /// The subnets that it guards.
    pub associations: Vec<AclAssociation>,
    /// For packets that enter the subnets, in their order; absent in lists.
    pub ingress_rules: Vec<NetworkAclRule>,
    /// For packets that leave the subnets, in their order; absent in lists.
    pub egress_rules: Vec<NetworkAclRule>,
    /// UTC.
    pub created_at: String,
    /// UTC.
    pub updated_at: String,
}

/// A subnet under a network ACL.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AclAssociation {
    /// The subnet.
    pub virsubnet_id: String,
}

/// A rule of a network ACL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkAclRule {
    /// UUID.
    #[serde(default)]
    pub id: String,
    /// May be empty.
    #[serde(default)]
    pub name: String,
    /// Free text.
    #[serde(default)]
    pub description: String,
    /// `allow` or `deny`.
    #[serde(default)]
    pub action: String,
    /// `any` for all.
    #[serde(default)]
    pub protocol: String,
    /// 4 or 6.
    #[serde(default)]
    pub ip_version: u8,
    /// Any address if not set.
    #[serde(default)]
    pub source_ip_address: Option<String>,
    /// Any address if not set.
    #[serde(default)]
    pub destination_ip_address: Option<String>,
    /// `80`, `1-30`, `22,3389`; any if not set.
    #[serde(default)]
    pub source_port: Option<String>,
    /// As the source port.
    #[serde(default)]
    pub destination_port: Option<String>,
    /// In place of an address.
    #[serde(default)]
    pub source_address_group_id: Option<String>,
    /// In place of an address.
    #[serde(default)]
    pub destination_address_group_id: Option<String>,
    /// Whether it counts.
    #[serde(default = "yes")]
    pub enabled: bool,
}

/// A new network ACL; without rules it denies everything that enters or leaves its subnets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct NetworkAclCreate {
    /// At most 64 characters.
    pub name: String,
    /// At most 255 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether it has an effect; it has if not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin_state_up: Option<bool>,
}

/// What to change of a network ACL.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct NetworkAclUpdate {
    /// New name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// New text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether it has an effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin_state_up: Option<bool>,
}

/// Which network ACLs to list; values of one member are alternatives.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct NetworkAclFilter {
    /// Ids.
    pub id: Vec<String>,
    /// Names.
    pub name: Vec<String>,
}

/// A new rule of a network ACL.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct NetworkAclRuleCreate {
    /// At most 64 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// At most 255 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// `allow` or `deny`.
    pub action: String,
    /// `tcp`, `udp`, `icmp`, `icmpv6`, a number, or `any`.
    pub protocol: String,
    /// 4 or 6.
    pub ip_version: u8,
    /// An address or range; any if not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_ip_address: Option<String>,
    /// An address or range; any if not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination_ip_address: Option<String>,
    /// `80`, `1-30`, `22,3389`; any if not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_port: Option<String>,
    /// As the source port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination_port: Option<String>,
    /// Excludes the source address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_address_group_id: Option<String>,
    /// Excludes the destination address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination_address_group_id: Option<String>,
    /// Whether it counts; it does if not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

/// Rules to put into a network ACL.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct NetworkAclInsertion {
    /// For packets that enter the subnets, in their order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ingress_rules: Vec<NetworkAclRuleCreate>,
    /// For packets that leave the subnets, in their order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub egress_rules: Vec<NetworkAclRuleCreate>,
    /// The rule to put them behind; in front of all if not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub insert_after_rule: Option<String>,
}

/// What to change of a rule; what is not set stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct NetworkAclRuleUpdate {
    /// The rule.
    pub id: String,
    /// New name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `allow` or `deny`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// Whether it counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}
