//! Security groups and their rules as the v3 operations show them (API specification of VPC, section 8).

use serde::{Deserialize, Serialize};

use super::yes;

/// A security group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SecurityGroup {
    /// UUID.
    pub id: String,
    /// 1 to 64 characters; need not be unique.
    pub name: String,
    /// Free text.
    pub description: String,
    /// The project.
    pub project_id: String,
    /// `0` for the default one.
    pub enterprise_project_id: String,
    /// Absent in lists.
    pub security_group_rules: Vec<SecurityGroupRule>,
    /// UTC.
    pub created_at: String,
    /// UTC.
    pub updated_at: String,
}

/// A new security group; it comes with four rules.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SecurityGroupCreate {
    /// 1 to 64 characters.
    pub name: String,
    /// At most 255 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// Which security groups to list; values of one member are alternatives.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SecurityGroupFilter {
    /// Ids.
    pub id: Vec<String>,
    /// Names.
    pub name: Vec<String>,
}

/// A rule of a security group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityGroupRule {
    /// UUID.
    #[serde(default)]
    pub id: String,
    /// The group.
    #[serde(default)]
    pub security_group_id: String,
    /// `ingress` or `egress`.
    #[serde(default)]
    pub direction: String,
    /// `IPv4` or `IPv6`.
    #[serde(default)]
    pub ethertype: String,
    /// Any if not set.
    #[serde(default)]
    pub protocol: Option<String>,
    /// `80`, `1-30`, `22,3389`; any if not set.
    #[serde(default)]
    pub multiport: Option<String>,
    /// Where the other end's address must be.
    #[serde(default)]
    pub remote_ip_prefix: Option<String>,
    /// The group the other end must be in.
    #[serde(default)]
    pub remote_group_id: Option<String>,
    /// The address group the other end must be in.
    #[serde(default)]
    pub remote_address_group_id: Option<String>,
    /// `allow` or `deny`.
    #[serde(default)]
    pub action: String,
    /// 1 to 100; 1 is looked at first.
    #[serde(default)]
    pub priority: u32,
    /// Whether it counts.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Free text.
    #[serde(default)]
    pub description: String,
    /// UTC.
    #[serde(default)]
    pub created_at: String,
    /// UTC.
    #[serde(default)]
    pub updated_at: String,
}

/// A new rule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SecurityGroupRuleCreate {
    /// The group.
    pub security_group_id: String,
    /// `ingress` or `egress`.
    pub direction: String,
    /// `IPv4` if not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ethertype: Option<String>,
    /// `tcp`, `udp`, `icmp`, `icmpv6` or a number; any if not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// `80`, `1-30`, `22,3389`; any if not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multiport: Option<String>,
    /// Excludes the other two remotes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote_ip_prefix: Option<String>,
    /// Excludes the other two remotes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote_group_id: Option<String>,
    /// Excludes the other two remotes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote_address_group_id: Option<String>,
    /// `allow` if not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// 1 to 100; 1 if not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<u32>,
    /// At most 255 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// Which rules to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SecurityGroupRuleFilter {
    /// Of this group.
    pub security_group_id: Option<String>,
    /// `ingress` or `egress`.
    pub direction: Option<String>,
    /// Of this protocol.
    pub protocol: Option<String>,
    /// That name this group.
    pub remote_group_id: Option<String>,
}
