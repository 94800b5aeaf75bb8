//! Security groups and their rules (behaviour section 10).

use std::fmt;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::{AddressGroupId, ProjectId, RegionId, SecurityGroupId, SecurityGroupRuleId, Tags, Timestamp};

/// A security group: guards ports, belongs to an account's project, not to a VPC (rule SG-2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityGroup {
    /// Its id.
    pub id: SecurityGroupId,
    /// The owner's project.
    pub project: ProjectId,
    /// The project's region.
    pub region: RegionId,
    /// Name; need not be unique.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Whether it is the project's default group (rule SG-10), which cannot be deleted.
    pub default: bool,
    /// Enterprise project, `"0"` for the default one.
    pub enterprise_project_id: String,
    /// Tags.
    #[serde(default)]
    pub tags: Tags,
    /// Its rules, by id.
    pub rules: Vec<SecurityGroupRule>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it or one of its rules was last changed.
    pub updated_at: Timestamp,
}

/// One rule of a group. Cannot be changed, only removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityGroupRule {
    /// Its id.
    pub id: SecurityGroupRuleId,
    /// Which way.
    pub direction: Direction,
    /// Allow or deny.
    pub action: RuleAction,
    /// 1 (first) to 100; at equal priority deny goes before allow (rule SG-3).
    pub priority: u8,
    /// Address family that it speaks of.
    pub version: IpVersion,
    /// Protocol; `None` for all.
    pub protocol: Option<Protocol>,
    /// Destination ports, or ICMP types and codes; empty for all.
    pub services: Vec<ServiceRange>,
    /// The other side.
    pub remote: Remote,
    /// Free text.
    pub description: String,
    /// A rule that is not enabled has no effect.
    pub enabled: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Direction of a rule, seen from the port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// To the port.
    Ingress,
    /// From the port.
    Egress,
}

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RuleAction {
    /// Lets the packet pass.
    Allow,
    /// Drops the packet.
    Deny,
}

/// IP version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum IpVersion {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// An IP protocol by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Protocol(pub u8);

impl Protocol {
    /// ICMP for IPv4.
    pub const ICMP: Self = Self(1);
    /// TCP.
    pub const TCP: Self = Self(6);
    /// UDP.
    pub const UDP: Self = Self(17);
    /// ICMP for IPv6.
    pub const ICMPV6: Self = Self(58);
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::ICMP => f.write_str("icmp"),
            Self::TCP => f.write_str("tcp"),
            Self::UDP => f.write_str("udp"),
            Self::ICMPV6 => f.write_str("icmpv6"),
            Self(number) => number.fmt(f),
        }
    }
}

/// An inclusive range of the 16-bit service number: the destination port for TCP and UDP; `type << 8 | code` for ICMP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ServiceRange {
    /// First.
    pub first: u16,
    /// Last, not smaller than `first`.
    pub last: u16,
}

/// The other side of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "type", content = "value", rename_all = "snake_case")]
pub enum Remote {
    /// Any address of the rule's family.
    Any,
    /// A range.
    Cidr(IpNet),
    /// The members of a group (rule SG-7).
    Group(SecurityGroupId),
    /// An address group.
    AddressGroup(AddressGroupId),
}
