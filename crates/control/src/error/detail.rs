//! What refusals are about: quotas, ranges, and what is in the way of a deletion.

use std::fmt;
use std::net::Ipv4Addr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use model::{NetworkAclRuleId, PortId, SecurityGroupId, ServerId};

use super::listed;

/// A limited resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the limit of the same name")]
pub enum Quota {
    Vpcs,
    SecondaryCidrs,
    Subnets,
    RouteTables,
    Routes,
    Peerings,
    SecurityGroups,
    SecurityGroupRules,
    GroupsOfPort,
    NetworkAcls,
    RulesOfNetworkAcl,
    NetworkAclRules,
    NetworkAclPolicies,
    AddressGroups,
    AccessKeys,
    CidrReservations,
    Users,
    Policies,
    PoliciesOfUser,
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Vpcs => "VPCs of the project",
            Self::SecondaryCidrs => "secondary CIDR blocks of the VPC",
            Self::Subnets => "subnets of the project",
            Self::RouteTables => "route tables of the VPC",
            Self::Routes => "custom routes of the VPC",
            Self::Peerings => "peering connections of the project",
            Self::SecurityGroups => "security groups of the project",
            Self::SecurityGroupRules => "security group rules",
            Self::GroupsOfPort => "security groups of a port",
            Self::NetworkAcls => "network ACLs of the project",
            Self::RulesOfNetworkAcl => "rules of one direction of a network ACL",
            Self::NetworkAclRules => "network ACL rules of the project",
            Self::NetworkAclPolicies => "network ACL policies of the project",
            Self::AddressGroups => "address groups of the project",
            Self::AccessKeys => "access keys of the user",
            Self::CidrReservations => "CIDR reservations of the subnet",
            Self::Users => "users of the account",
            Self::Policies => "policies of the account",
            Self::PoliciesOfUser => "policies of the user",
        })
    }
}

/// What is wrong with a range of a VPC.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CidrProblem {
    /// Overlaps a range that the VPC has (rule NET-2).
    #[error("overlaps {with} of the VPC; choose another range")]
    Overlaps {
        /// The VPC's range.
        with: Ipv4Net,
    },
    /// To be removed, but not one of the VPC's secondary ranges.
    #[error("is no secondary CIDR block of the VPC")]
    NotOfVpc,
    /// To be removed, but subnets lie in it (rule EF-9).
    #[error("still has the subnets {}; delete them first", listed(subnets))]
    HasSubnets {
        /// Ranges of the subnets.
        subnets: Vec<Ipv4Net>,
    },
    /// To be the new primary range, but a subnet would be outside.
    #[error("does not contain the subnet {subnet}; choose a range that contains every subnet")]
    LeavesOut {
        /// The subnet's range.
        subnet: Ipv4Net,
    },
}

/// What keeps a VPC from being deleted (rule EF-7).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VpcUse {
    /// Subnets, by name.
    #[error("subnets {}", listed(_0))]
    Subnets(Vec<String>),
    /// Active peering connections, by name.
    #[error("active peering connections {}", listed(_0))]
    Peerings(Vec<String>),
    /// Custom routes, by destination.
    #[error("custom routes to {}", listed(_0))]
    Routes(Vec<IpNet>),
}

/// What keeps a subnet from being deleted (rule EF-8).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubnetUse {
    /// Servers, by id.
    #[error("servers {}", listed(_0))]
    Servers(Vec<ServerId>),
    /// Ports without server, virtual IPs included, by address.
    #[error("private addresses {}", listed(_0))]
    PrivateIps(Vec<Ipv4Addr>),
    /// Routes whose next hop is in the subnet, by destination.
    #[error("the next hop of routes to {}", listed(_0))]
    Routes(Vec<IpNet>),
    /// CIDR reservations, by block; they do not keep a subnet from being deleted, but from leaving its VPC.
    #[error("the CIDR reservations {}", listed(_0))]
    CidrReservations(Vec<IpNet>),
    /// The IPv6 range beside it; it keeps the IPv4 range of a network on no router.
    #[error("the network's IPv6 subnet {_0}")]
    Ipv6(Ipv6Net),
}

/// What keeps a security group from being deleted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GroupUse {
    /// Member ports.
    #[error("ports {}", listed(_0))]
    Ports(Vec<PortId>),
    /// Groups with a rule that names it.
    #[error("rules of security groups {}", listed(_0))]
    Rules(Vec<SecurityGroupId>),
}

/// What names an address group.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressGroupUse {
    /// Security groups, by name.
    #[error("rules of the security groups {}", listed(_0))]
    SecurityGroups(Vec<String>),
    /// Network ACLs, by name.
    #[error("rules of the network ACLs {}", listed(_0))]
    NetworkAcls(Vec<String>),
    /// Rules that are in no network ACL.
    #[error("the network ACL rules {}", listed(_0))]
    NetworkAclRules(Vec<NetworkAclRuleId>),
}

/// What keeps an account from being deleted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountUse {
    /// VPCs.
    #[error("{0} VPCs")]
    Vpcs(usize),
    /// Servers.
    #[error("{0} servers")]
    Servers(usize),
    /// Security groups besides the default ones.
    #[error("{0} security groups")]
    SecurityGroups(usize),
    /// Network ACLs, or policies and rules that are in none.
    #[error("{0} network ACLs, policies and rules")]
    NetworkAcls(usize),
    /// Address groups.
    #[error("{0} address groups")]
    AddressGroups(usize),
    /// Networks that are in no VPC.
    #[error("{0} networks on no router")]
    Networks(usize),
}
