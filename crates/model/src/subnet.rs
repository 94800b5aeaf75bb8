//! Subnets.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{ProjectId, RegionId, RouteTableId, SubnetId, Tags, Timestamp, VpcId, reserved_addresses};

/// A subnet of a VPC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subnet {
    /// Its id: the network id of the Neutron views (api-vpc §5.1).
    pub id: SubnetId,
    /// The Neutron subnet id of the IPv4 range; differs from `id`.
    pub neutron_subnet_id: Uuid,
    /// Names of the Neutron subnets, where they are not the subnet's own.
    #[serde(default)]
    pub neutron_names: NeutronNames,
    /// The owner's project.
    pub project: ProjectId,
    /// The project's region.
    pub region: RegionId,
    /// The VPC.
    pub vpc: VpcId,
    /// The route table that packets leaving the subnet are matched against (rule RT-2).
    pub route_table: RouteTableId,
    /// Name, 1 to 64 characters; 0 to 255 when it was made as a network (api-vpc §5.6).
    pub name: String,
    /// Free text.
    pub description: String,
    /// IPv4 range; never changes (rule NET-3).
    pub cidr: Ipv4Net,
    /// Gateway address.
    pub gateway: Ipv4Addr,
    /// IPv6 range, where the subnet has one (rule V6-1).
    pub ipv6: Option<Ipv6Range>,
    /// Whether DHCP answers.
    pub dhcp_enable: bool,
    /// DNS servers for the guests, at most 5.
    pub dns: Vec<Ipv4Addr>,
    /// Availability zone; may be empty.
    pub availability_zone: String,
    /// Further DHCP options as the API names them.
    pub dhcp_options: Vec<DhcpOption>,
    /// Tags.
    #[serde(default)]
    pub tags: Tags,
    /// API: `enable_network_address_usage_metrics`.
    #[serde(default)]
    pub address_usage_metrics: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Names that the Neutron views alone show (api-vpc §5.6). A Neutron subnet without one has the name of its network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NeutronNames {
    /// Of the IPv4 range.
    pub v4: Option<String>,
    /// Of the IPv6 range.
    pub v6: Option<String>,
}

/// The IPv6 half of a dual-stack subnet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ipv6Range {
    /// The Neutron subnet id of the range.
    pub neutron_subnet_id: Uuid,
    /// A /64, unique in the installation.
    pub cidr: Ipv6Net,
    /// Gateway address.
    pub gateway: Ipv6Addr,
}

/// A DHCP option as the API names it (api-vpc §5.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DhcpOption {
    /// `ntp`, `addresstime`, `ipv6_addresstime` or `domainname`.
    pub name: String,
    /// Its value.
    pub value: String,
}

impl Subnet {
    /// Addresses that no workload gets (rule NET-4).
    #[must_use]
    pub fn reserved(&self) -> Vec<Ipv4Addr> {
        reserved_addresses(self.cidr, self.gateway)
    }
}
