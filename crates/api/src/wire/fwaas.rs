//! Network ACLs as v2.0 shows them: firewall groups, policies and rules (api-vpc §9.2).

use model::{NetworkAcl, NetworkAclPolicy, NetworkAclRule, SubnetId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    FirewallRuleFields, Maybe, acl_action, acl_address, acl_status, body, list_v2, maybe, ports, request,
    version_number,
};

/// A firewall group: a network ACL.
#[derive(Serialize, ToSchema)]
pub(crate) struct FirewallGroup {
    pub(crate) id: String,
    name: String,
    description: String,
    ingress_firewall_policy_id: Option<String>,
    egress_firewall_policy_id: Option<String>,
    /// The router interfaces of the subnets that it guards.
    ports: Vec<String>,
    admin_state_up: bool,
    /// Always `false`.
    public: bool,
    /// `ACTIVE` when it guards a subnet, else `INACTIVE`.
    status: &'static str,
    tenant_id: String,
    project_id: String,
    created_at: String,
    updated_at: String,
}

impl FirewallGroup {
    pub(crate) fn new(acl: &NetworkAcl) -> Self {
        Self {
            id: acl.id.to_string(),
            name: acl.name.clone(),
            description: acl.description.clone(),
            ingress_firewall_policy_id: acl.ingress_policy.map(|policy| policy.to_string()),
            egress_firewall_policy_id: acl.egress_policy.map(|policy| policy.to_string()),
            ports: acl.subnets.iter().map(|subnet| router_interface(*subnet).hyphenated().to_string()).collect(),
            admin_state_up: acl.enabled,
            public: false,
            status: acl_status(acl),
            tenant_id: acl.project.to_string(),
            project_id: acl.project.to_string(),
            created_at: acl.created_at.without_zone(),
            updated_at: acl.updated_at.without_zone(),
        }
    }
}

/// The port id of a subnet's router interface: its gateway. A gateway has no port of its own here, so its id is made
/// from the subnet's, by an exchange of bits that also leads back.
pub(crate) fn router_interface(subnet: SubnetId) -> Uuid {
    exchange(subnet.uuid())
}

/// The subnet whose router interface has this id, if any has.
pub(crate) fn subnet_of_interface(interface: Uuid) -> SubnetId {
    SubnetId::new(exchange(interface))
}

fn exchange(id: Uuid) -> Uuid {
    // Bits behind the version and variant of a UUID.
    Uuid::from_u128(id.as_u128() ^ 0x726f_7574_6572)
}

/// A policy: the ordered rules of one direction.
#[derive(Serialize, ToSchema)]
pub(crate) struct FirewallPolicy {
    pub(crate) id: String,
    name: String,
    description: String,
    /// Ids, in their order.
    firewall_rules: Vec<String>,
    audited: bool,
    /// Always `false`.
    public: bool,
    tenant_id: String,
    project_id: String,
}

impl FirewallPolicy {
    pub(crate) fn new(policy: &NetworkAclPolicy) -> Self {
        Self {
            id: policy.id.to_string(),
            name: policy.name.clone(),
            description: policy.description.clone(),
            firewall_rules: policy.rules.iter().map(ToString::to_string).collect(),
            audited: policy.audited,
            public: false,
            tenant_id: policy.project.to_string(),
            project_id: policy.project.to_string(),
        }
    }
}

/// A rule.
#[derive(Serialize, ToSchema)]
pub(crate) struct FirewallRule {
    pub(crate) id: String,
    name: String,
    description: String,
    /// `null` for all.
    protocol: Option<String>,
    /// `80` or `1:30`; `null` for all.
    source_port: Option<String>,
    destination_port: Option<String>,
    ip_version: u8,
    /// `null` for any address.
    source_ip_address: Option<String>,
    destination_ip_address: Option<String>,
    /// `allow` or `deny`.
    action: &'static str,
    enabled: bool,
    /// Always `false`.
    public: bool,
    tenant_id: String,
    project_id: String,
}

impl FirewallRule {
    pub(crate) fn new(rule: &NetworkAclRule) -> Self {
        Self {
            id: rule.id.to_string(),
            name: rule.name.clone(),
            description: rule.description.clone(),
            protocol: rule.protocol.map(|protocol| protocol.to_string()),
            source_port: ports(&rule.source_ports, ':'),
            destination_port: ports(&rule.destination_ports, ':'),
            ip_version: version_number(rule.version),
            source_ip_address: acl_address(rule.source),
            destination_ip_address: acl_address(rule.destination),
            action: acl_action(rule.action),
            enabled: rule.enabled,
            public: false,
            tenant_id: rule.project.to_string(),
            project_id: rule.project.to_string(),
        }
    }
}

/// What a group is made from or changed to.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(crate) struct FirewallGroupFields {
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    #[serde(default, deserialize_with = "maybe")]
    #[schema(value_type = Option<String>)]
    pub(crate) ingress_firewall_policy_id: Maybe<String>,
    #[serde(default, deserialize_with = "maybe")]
    #[schema(value_type = Option<String>)]
    pub(crate) egress_firewall_policy_id: Maybe<String>,
    /// Router interfaces of subnets, in place of the present ones.
    pub(crate) ports: Option<Vec<String>>,
    pub(crate) admin_state_up: Option<bool>,
    /// Only `false`.
    pub(crate) public: Option<bool>,
}

/// What a policy is made from or changed to.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(crate) struct FirewallPolicyFields {
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) firewall_rules: Option<Vec<String>>,
    pub(crate) audited: Option<bool>,
    /// Only `false`.
    pub(crate) public: Option<bool>,
}

/// Put a rule into a policy, or take it out.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(crate) struct PolicyRuleRequest {
    pub(crate) firewall_rule_id: Option<String>,
    /// The rule to put it behind.
    pub(crate) insert_after: Option<String>,
    /// The rule to put it before; wins over `insert_after`. Without both it goes in front of all.
    pub(crate) insert_before: Option<String>,
}

request! {
    /// Create or update a firewall group.
    FirewallGroupRequest { firewall_group: FirewallGroupFields }
    /// Create or update a firewall policy.
    FirewallPolicyRequest { firewall_policy: FirewallPolicyFields }
    /// Create or update a firewall rule.
    FirewallRuleRequest { firewall_rule: FirewallRuleFields }
}
body! {
    /// A firewall group.
    FirewallGroupBody { "firewall_group" firewall_group: FirewallGroup }
    /// A firewall policy.
    FirewallPolicyBody { "firewall_policy" firewall_policy: FirewallPolicy }
    /// A firewall rule.
    FirewallRuleBody { "firewall_rule" firewall_rule: FirewallRule }
}
list_v2! {
    /// Firewall groups.
    FirewallGroupList { firewall_groups: FirewallGroup, firewall_groups_links }
    /// Firewall policies.
    FirewallPolicyList { firewall_policies: FirewallPolicy, firewall_policies_links }
    /// Firewall rules.
    FirewallRuleList { firewall_rules: FirewallRule, firewall_rules_links }
}
