//! The product's own names of refusals, and how the commonest ones are made.

use std::fmt;

use model::Kind;

use super::{CidrProblem, Error};

impl Error {
    /// The product's name of the refusal. The scenarios of the specification use the same names.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } | Self::RuleNotFound { .. } => "not_found",
            Self::NotAuthorized(_) => "not_authorized",
            Self::NoProject => "no_project",
            Self::InvalidName(_) => "invalid_name",
            Self::InvalidDescription(_) => "invalid_description",
            Self::InvalidParameter { .. } => "invalid_parameter",
            Self::NameTaken { .. } => "name_taken",
            Self::QuotaExceeded { .. } => "quota_exceeded",
            Self::InvalidTags(_) => "invalid_tags",
            Self::TagNotFound { .. } => "tag_not_found",
            Self::NotSupported(_) => "not_supported",
            Self::Exhausted { .. } => "exhausted",
            Self::InvalidCidr(_) => "invalid_cidr",
            Self::VpcCidr { problem, .. } => match problem {
                CidrProblem::Overlaps { .. } => "cidr_overlap",
                CidrProblem::NotOfVpc => "cidr_not_found",
                CidrProblem::HasSubnets { .. } => "cidr_in_use",
                CidrProblem::LeavesOut { .. } => "cidr_leaves_out_subnet",
            },
            Self::VpcInUse { .. } => "vpc_in_use",
            Self::CidrNotInVpc { .. } => "cidr_not_in_vpc",
            Self::SubnetOverlap { .. } => "subnet_overlap",
            Self::Ipv6PrefixInUse { .. } => "ipv6_prefix_in_use",
            Self::SubnetNotInVpc { .. } => "subnet_not_in_vpc",
            Self::SubnetInUse { .. } => "subnet_in_use",
            Self::InvalidAddress { .. } => "invalid_address",
            Self::AddressInUse { .. } => "address_in_use",
            Self::NoFreeAddress { .. } => "no_free_address",
            Self::PortInUse { .. } => "port_in_use",
            Self::PortCarries { .. } => "port_carries_interfaces",
            Self::VlanInUse { .. } => "vlan_in_use",
            Self::NextHopInUse { .. } => "next_hop_in_use",
            Self::RouteDuplicateDestination { .. } => "route_duplicate_destination",
            Self::RouteConflictsWithLocal { .. } => "route_conflicts_with_local",
            Self::NextHopNotInVpc { .. } => "next_hop_not_in_vpc",
            Self::NextHopFamily { .. } => "next_hop_family",
            Self::NextHopState { .. } | Self::InvalidState { .. } => "invalid_state",
            Self::NextHopTypeNotSupported { .. } => "next_hop_type_not_supported",
            Self::RouteNotFound { .. } => "route_not_found",
            Self::SystemRoute { .. } => "system_route",
            Self::DefaultTable { .. } => "default_table",
            Self::TableInUse { .. } => "table_in_use",
            Self::SubnetNotOnTable { .. } => "subnet_not_on_table",
            Self::PeerNotFound => "peer_not_found",
            Self::DifferentRegion => "different_region",
            Self::SelfPeering => "self_peering",
            Self::DuplicatePeering { .. } => "duplicate_peering",
            Self::GroupInUse { .. } => "group_in_use",
            Self::DefaultGroup { .. } => "default_group",
            Self::RuleExists { .. } => "rule_exists",
            Self::SubnetHasNetworkAcl { .. } => "subnet_has_network_acl",
            Self::SubnetNotOnNetworkAcl { .. } => "subnet_not_on_network_acl",
            Self::NetworkAclInUse { .. } => "network_acl_in_use",
            Self::RuleNotInNetworkAcl { .. } => "rule_not_in_network_acl",
            Self::NetworkAclPolicyInUse { .. } => "network_acl_policy_in_use",
            Self::NetworkAclRuleInUse { .. } => "network_acl_rule_in_use",
            Self::RuleInPolicy { .. } => "rule_in_policy",
            Self::RuleNotInPolicy { .. } => "rule_not_in_policy",
            Self::AddressGroupInUse { .. } => "address_group_in_use",
            Self::NetworkNotAttached { .. } => "network_not_attached",
            Self::NetworkAttached { .. } => "network_attached",
            Self::RouterInterfaceNotFound { .. } => "router_interface_not_found",
            Self::CidrReservationOverlap { .. } => "cidr_reservation_overlap",
            Self::NoFreeBlock { .. } => "no_free_block",
            Self::AccountInUse { .. } => "account_in_use",
            Self::PolicyInUse { .. } => "policy_in_use",
            Self::Busy => "busy",
            Self::Unavailable(_) => "unavailable",
        }
    }

    pub(crate) fn not_found(kind: Kind, id: impl fmt::Display) -> Self {
        Self::NotFound { kind, id: id.to_string() }
    }

    pub(crate) fn invalid(field: &'static str, reason: impl Into<String>) -> Self {
        Self::InvalidParameter { field, reason: reason.into() }
    }
}
