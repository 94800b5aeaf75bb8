//! Network ACLs, their policies and rules (behaviour section 11; api-vpc section 9).
//!
//! A rule is an object of its own and so is a policy, an ordered list of rules; an ACL has one policy for each
//! direction. What the packets need, the rules themselves, stands in the ACL as well: [`NetworkAcl::ingress`] and
//! [`NetworkAcl::egress`] are written together with every change of a policy or rule.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::{
    AddressGroupId, Direction, IpVersion, NetworkAclId, NetworkAclPolicyId, NetworkAclRuleId, ProjectId, Protocol,
    RegionId, RuleAction, ServiceRange, SubnetId, Tags, Timestamp,
};

/// A network ACL: guards subnets (rule ACL-1). What no rule matches is denied, in both directions (rule ACL-3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkAcl {
    /// Its id.
    pub id: NetworkAclId,
    /// The owner's project.
    pub project: ProjectId,
    /// The project's region.
    pub region: RegionId,
    /// Name; need not be unique, may be empty.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Enterprise project, `"0"` for the default one.
    pub enterprise_project_id: String,
    /// Tags.
    #[serde(default)]
    pub tags: Tags,
    /// API: `admin_state_up`. An ACL that is not enabled has no effect at all (rule ACL-8).
    pub enabled: bool,
    /// The subnets that it guards; each is in one ACL at most.
    pub subnets: BTreeSet<SubnetId>,
    /// The policy that [`NetworkAcl::ingress`] comes from; without one the list is empty.
    pub ingress_policy: Option<NetworkAclPolicyId>,
    /// The policy that [`NetworkAcl::egress`] comes from; without one the list is empty.
    pub egress_policy: Option<NetworkAclPolicyId>,
    /// Rules for packets that enter the subnets; the first that matches decides.
    pub ingress: Vec<NetworkAclRule>,
    /// Rules for packets that leave the subnets; the first that matches decides.
    pub egress: Vec<NetworkAclRule>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it, its rules or its subnets were last changed.
    pub updated_at: Timestamp,
}

impl NetworkAcl {
    /// The rules for one direction, seen from the subnet, first the one that is asked first.
    #[must_use]
    pub fn rules(&self, direction: Direction) -> &[NetworkAclRule] {
        match direction {
            Direction::Ingress => &self.ingress,
            Direction::Egress => &self.egress,
        }
    }

    /// The policy of one direction.
    #[must_use]
    pub fn policy(&self, direction: Direction) -> Option<NetworkAclPolicyId> {
        match direction {
            Direction::Ingress => self.ingress_policy,
            Direction::Egress => self.egress_policy,
        }
    }

    /// The address groups that its rules name.
    #[must_use]
    pub fn address_groups(&self) -> BTreeSet<AddressGroupId> {
        self.ingress.iter().chain(&self.egress).flat_map(NetworkAclRule::address_groups).collect()
    }
}

/// An ordered list of rules for one direction of network ACLs (API: firewall policy).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkAclPolicy {
    /// Its id.
    pub id: NetworkAclPolicyId,
    /// The owner's project.
    pub project: ProjectId,
    /// The ACL that it was made with and is deleted with; `None` for one that was made by itself.
    pub owner: Option<NetworkAclId>,
    /// Name; may be empty.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Whether somebody declared it reviewed; no effect.
    pub audited: bool,
    /// The rules in the order in which they are asked, none twice.
    pub rules: Vec<NetworkAclRuleId>,
}

/// One rule. Matches when everything that it names matches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkAclRule {
    /// Its id.
    pub id: NetworkAclRuleId,
    /// The owner's project.
    pub project: ProjectId,
    /// Name; may be empty.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Allow or deny.
    pub action: RuleAction,
    /// Address family that it speaks of.
    pub version: IpVersion,
    /// Protocol; `None` for all.
    pub protocol: Option<Protocol>,
    /// Source of the packet.
    pub source: AclAddress,
    /// Destination of the packet.
    pub destination: AclAddress,
    /// Source ports; empty for all. Only with TCP and UDP.
    pub source_ports: Vec<ServiceRange>,
    /// Destination ports; empty for all. Only with TCP and UDP.
    pub destination_ports: Vec<ServiceRange>,
    /// A rule that is not enabled has no effect.
    pub enabled: bool,
}

impl NetworkAclRule {
    /// The address groups that it names: none, one or two.
    pub fn address_groups(&self) -> impl Iterator<Item = AddressGroupId> + use<> {
        [self.source, self.destination].into_iter().filter_map(|address| match address {
            AclAddress::AddressGroup(group) => Some(group),
            AclAddress::Any | AclAddress::Host(_) | AclAddress::Cidr(_) => None,
        })
    }
}

/// One side of a network ACL rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "type", content = "value", rename_all = "snake_case")]
pub enum AclAddress {
    /// Any address of the rule's family.
    Any,
    /// One address.
    Host(IpAddr),
    /// A range, in canonical form.
    Cidr(IpNet),
    /// The addresses of an address group.
    AddressGroup(AddressGroupId),
}

impl AclAddress {
    /// The range of an address or range; `None` for any address and for an address group.
    #[must_use]
    pub fn net(self) -> Option<IpNet> {
        match self {
            Self::Host(address) => Some(address.into()),
            Self::Cidr(net) => Some(net),
            Self::Any | Self::AddressGroup(_) => None,
        }
    }
}
