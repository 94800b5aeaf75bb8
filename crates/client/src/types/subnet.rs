//! Subnets (API specification of VPC, section 5).

use serde::{Deserialize, Serialize};

/// A subnet as the v1 operations show it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Subnet {
    /// UUID; the same as [`Subnet::neutron_network_id`].
    pub id: String,
    /// 1 to 64 characters.
    pub name: String,
    /// Free text.
    pub description: String,
    /// The prefix.
    pub cidr: String,
    /// The gateway's address.
    pub gateway_ip: String,
    /// Whether it has an IPv6 prefix too.
    pub ipv6_enable: bool,
    /// The IPv6 prefix, a /64.
    pub cidr_v6: Option<String>,
    /// The gateway's IPv6 address.
    pub gateway_ip_v6: Option<String>,
    /// Whether DHCP answers.
    pub dhcp_enable: bool,
    /// First DNS server.
    pub primary_dns: String,
    /// Second DNS server.
    pub secondary_dns: String,
    /// All DNS servers.
    #[serde(rename = "dnsList")]
    pub dns_list: Vec<String>,
    /// May be empty.
    pub availability_zone: String,
    /// The VPC.
    pub vpc_id: String,
    /// `UNKNOWN`, `ACTIVE` or `ERROR`.
    pub status: String,
    /// What ports call `network_id`.
    pub neutron_network_id: String,
    /// What IPv4 addresses of ports call `subnet_id`.
    pub neutron_subnet_id: String,
    /// What IPv6 addresses of ports call `subnet_id`.
    pub neutron_subnet_id_v6: Option<String>,
    /// `center` or an edge site's zone.
    pub scope: String,
    /// The project.
    pub tenant_id: String,
    /// `yyyy-MM-ddTHH:mm:ss`, UTC.
    pub created_at: String,
    /// `yyyy-MM-ddTHH:mm:ss`, UTC.
    pub updated_at: String,
}

/// A new subnet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SubnetCreate {
    /// 1 to 64 characters.
    pub name: String,
    /// Inside the VPC's primary prefix or one of its secondary ones.
    pub cidr: String,
    /// A host address of the prefix.
    pub gateway_ip: String,
    /// The VPC.
    pub vpc_id: String,
    /// At most 255 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether it gets an IPv6 prefix; not if not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipv6_enable: Option<bool>,
    /// A /64 that is free in the installation; chosen by the server if not set. Needs `ipv6_enable`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cidr_v6: Option<String>,
    /// Whether DHCP answers; it does if not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dhcp_enable: Option<bool>,
    /// DNS servers, at most five.
    #[serde(rename = "dnsList", skip_serializing_if = "Vec::is_empty")]
    pub dns_list: Vec<String>,
    /// Must exist.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub availability_zone: Option<String>,
    /// `key*value`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

/// Changes of a subnet; what is not set stays, but for the name, which must be sent, and DHCP, which is on if not set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SubnetUpdate {
    /// The new name, or the old one.
    pub name: String,
    /// The new text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Can be switched on, never off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipv6_enable: Option<bool>,
    /// Whether DHCP answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dhcp_enable: Option<bool>,
    /// DNS servers.
    #[serde(rename = "dnsList", skip_serializing_if = "Option::is_none")]
    pub dns_list: Option<Vec<String>>,
}

/// Which subnets to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SubnetFilter {
    /// Those of this VPC.
    pub vpc_id: Option<String>,
}
