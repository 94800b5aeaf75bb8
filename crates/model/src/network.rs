//! Networks that are on no router yet: what a Neutron client has made before it joins a VPC (api-vpc §5.6).

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    DhcpOption, Ipv6Range, NeutronNames, ProjectId, RegionId, Subnet, SubnetId, Tags, Timestamp, reserved_addresses,
};

/// A network that is in no VPC. It carries no packets and has no ports. When its Neutron subnet becomes an interface of a
/// router, the record becomes a [`Subnet`] of that VPC with the same ids; when the interface is removed, it comes back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// Its id: that of the subnet which it becomes (api-vpc §5.1).
    pub id: SubnetId,
    /// The owner's project.
    pub project: ProjectId,
    /// The project's region.
    pub region: RegionId,
    /// Name, 0 to 255 characters.
    pub name: String,
    /// The Neutron subnets on it; `None` before the first one is made.
    pub range: Option<NetworkRange>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// The Neutron subnets of a network that is in no VPC: what a [`Subnet`] has besides its places.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkRange {
    /// The Neutron subnet id of the IPv4 range.
    pub neutron_subnet_id: Uuid,
    /// Names of the Neutron subnets.
    pub neutron_names: NeutronNames,
    /// Free text, as v1 shows it.
    pub description: String,
    /// IPv4 range.
    pub cidr: Ipv4Net,
    /// Gateway address.
    pub gateway: Ipv4Addr,
    /// IPv6 range.
    pub ipv6: Option<Ipv6Range>,
    /// Whether DHCP will answer.
    pub dhcp_enable: bool,
    /// DNS servers for the guests, at most 5.
    pub dns: Vec<Ipv4Addr>,
    /// Availability zone; may be empty.
    pub availability_zone: String,
    /// Further DHCP options.
    pub dhcp_options: Vec<DhcpOption>,
    /// Tags.
    #[serde(default)]
    pub tags: Tags,
    /// API: `enable_network_address_usage_metrics`.
    #[serde(default)]
    pub address_usage_metrics: bool,
}

impl NetworkRange {
    /// What of a subnet stays when it leaves its VPC.
    #[must_use]
    pub fn of(subnet: &Subnet) -> Self {
        Self {
            neutron_subnet_id: subnet.neutron_subnet_id,
            neutron_names: subnet.neutron_names.clone(),
            description: subnet.description.clone(),
            cidr: subnet.cidr,
            gateway: subnet.gateway,
            ipv6: subnet.ipv6,
            dhcp_enable: subnet.dhcp_enable,
            dns: subnet.dns.clone(),
            availability_zone: subnet.availability_zone.clone(),
            dhcp_options: subnet.dhcp_options.clone(),
            tags: subnet.tags.clone(),
            address_usage_metrics: subnet.address_usage_metrics,
        }
    }

    /// Addresses that no workload will get (rule NET-4).
    #[must_use]
    pub fn reserved(&self) -> Vec<Ipv4Addr> {
        reserved_addresses(self.cidr, self.gateway)
    }
}
