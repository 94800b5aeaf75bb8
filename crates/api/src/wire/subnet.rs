//! Subnets (api-vpc §5).

use catalog::Catalog;
use model::Subnet;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{body, request};

/// A DHCP option.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct DhcpOptionV1 {
    pub(crate) opt_name: String,
    /// In a request `null` clears the option.
    pub(crate) opt_value: Option<String>,
}

/// A subnet as v1 shows it (api-vpc §5.2).
#[derive(Serialize, ToSchema)]
pub(crate) struct SubnetV1 {
    /// The network id; differs from `neutron_subnet_id`.
    pub(crate) id: String,
    name: String,
    description: String,
    cidr: String,
    gateway_ip: String,
    ipv6_enable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    cidr_v6: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gateway_ip_v6: Option<String>,
    dhcp_enable: bool,
    primary_dns: String,
    secondary_dns: String,
    #[serde(rename = "dnsList")]
    dns_list: Vec<String>,
    availability_zone: String,
    vpc_id: String,
    status: &'static str,
    neutron_network_id: String,
    neutron_subnet_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    neutron_subnet_id_v6: Option<String>,
    extra_dhcp_opts: Vec<DhcpOptionV1>,
    scope: String,
    tenant_id: String,
    available_ip_address_count: u64,
    created_at: String,
    updated_at: String,
}

impl SubnetV1 {
    pub(crate) fn new(catalog: &Catalog, subnet: &Subnet) -> Self {
        let dns: Vec<String> = subnet.dns.iter().map(ToString::to_string).collect();
        Self {
            id: subnet.id.to_string(),
            name: subnet.name.clone(),
            description: subnet.description.clone(),
            cidr: subnet.cidr.to_string(),
            gateway_ip: subnet.gateway.to_string(),
            ipv6_enable: subnet.ipv6.is_some(),
            cidr_v6: subnet.ipv6.map(|v6| v6.cidr.to_string()),
            gateway_ip_v6: subnet.ipv6.map(|v6| v6.gateway.to_string()),
            dhcp_enable: subnet.dhcp_enable,
            primary_dns: dns.first().cloned().unwrap_or_default(),
            secondary_dns: dns.get(1).cloned().unwrap_or_default(),
            dns_list: dns,
            availability_zone: subnet.availability_zone.clone(),
            vpc_id: subnet.vpc.to_string(),
            // Usable at once; clients that wait for it need not wait.
            status: "ACTIVE",
            neutron_network_id: subnet.id.to_string(),
            neutron_subnet_id: subnet.neutron_subnet_id.hyphenated().to_string(),
            neutron_subnet_id_v6: subnet.ipv6.map(|v6| v6.neutron_subnet_id.hyphenated().to_string()),
            extra_dhcp_opts: subnet
                .dhcp_options
                .iter()
                .map(|option| DhcpOptionV1 { opt_name: option.name.clone(), opt_value: Some(option.value.clone()) })
                .collect(),
            scope: "center".to_owned(),
            tenant_id: subnet.project.to_string(),
            available_ip_address_count: available(catalog, subnet),
            created_at: subnet.created_at.without_zone(),
            updated_at: subnet.updated_at.without_zone(),
        }
    }
}

/// Addresses of the subnet that are neither reserved nor in use (api-vpc §5.4).
fn available(catalog: &Catalog, subnet: &Subnet) -> u64 {
    let reserved = subnet.reserved();
    let total = 1_u64 << (32 - u32::from(subnet.cidr.prefix_len()));
    let used = catalog.ports_in(subnet.id).filter(|port| !reserved.contains(&port.ipv4)).count();
    total.saturating_sub(reserved.len() as u64).saturating_sub(used as u64)
}

/// What a subnet is made from (api-vpc §5.3).
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct SubnetFields {
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) cidr: Option<String>,
    pub(crate) gateway_ip: Option<String>,
    pub(crate) vpc_id: Option<String>,
    /// Once on it cannot be turned off again.
    pub(crate) ipv6_enable: Option<bool>,
    /// When created with `ipv6_enable`: a /64 that is free in the installation; chosen by the server when absent.
    pub(crate) cidr_v6: Option<String>,
    pub(crate) dhcp_enable: Option<bool>,
    pub(crate) primary_dns: Option<String>,
    pub(crate) secondary_dns: Option<String>,
    #[serde(rename = "dnsList")]
    pub(crate) dns_list: Option<Vec<String>>,
    pub(crate) availability_zone: Option<String>,
    pub(crate) extra_dhcp_opts: Option<Vec<DhcpOptionV1>>,
    /// Only empty.
    pub(crate) tags: Option<Vec<serde_json::Value>>,
}

/// What an update of a subnet answers (clients §6, trap 26).
#[derive(Serialize, ToSchema)]
pub(crate) struct SubnetUpdated {
    id: String,
    status: &'static str,
}

impl SubnetUpdated {
    pub(crate) fn new(subnet: &Subnet) -> Self {
        Self { id: subnet.id.to_string(), status: "ACTIVE" }
    }
}

request! {
    /// Create or update a subnet.
    SubnetRequest { subnet: SubnetFields }
}
body! {
    /// A subnet.
    SubnetBody { "subnet" subnet: SubnetV1 }
    /// Subnets.
    SubnetListBody { "subnets" subnets: Vec<SubnetV1> }
    /// An updated subnet.
    SubnetUpdatedBody { "subnet" subnet: SubnetUpdated }
}
