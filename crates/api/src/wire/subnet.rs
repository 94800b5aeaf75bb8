//! Subnets (api-vpc §5).

use catalog::Catalog;
use control::NetworkView;
use model::{NetworkRange, RouteTableId, Subnet, VpcId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{NewTag, Tag, body, request};

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
    /// The VPC's edge site, or `center`.
    scope: String,
    tags: Vec<Tag>,
    enable_network_address_usage_metrics: bool,
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
            scope: scope(catalog, subnet),
            tags: Tag::list(&subnet.tags),
            enable_network_address_usage_metrics: subnet.address_usage_metrics,
            tenant_id: subnet.project.to_string(),
            available_ip_address_count: control::free_addresses(catalog, subnet.id, &NetworkRange::of(subnet)),
            created_at: subnet.created_at.without_zone(),
            updated_at: subnet.updated_at.without_zone(),
        }
    }

    /// A network on a router or on none; `None` before it has a range (api-vpc §5.6).
    pub(crate) fn of(catalog: &Catalog, network: &NetworkView) -> Option<Self> {
        if let Some(subnet) = catalog.subnet(network.id) {
            return Some(Self::new(catalog, subnet));
        }
        let range = network.range.clone()?;
        let region = catalog.network(network.id)?.region.clone();
        // What it will be on a router; the places that it has not yet are not shown.
        let subnet = Subnet {
            id: network.id,
            neutron_subnet_id: range.neutron_subnet_id,
            neutron_names: range.neutron_names,
            project: network.project,
            region,
            vpc: VpcId::new(Uuid::nil()),
            route_table: RouteTableId::new(Uuid::nil()),
            name: network.name.clone(),
            description: range.description,
            cidr: range.cidr,
            gateway: range.gateway,
            ipv6: range.ipv6,
            dhcp_enable: range.dhcp_enable,
            dns: range.dns,
            availability_zone: range.availability_zone,
            dhcp_options: range.dhcp_options,
            tags: range.tags,
            address_usage_metrics: range.address_usage_metrics,
            created_at: network.created_at,
            updated_at: network.updated_at,
        };
        Some(Self { vpc_id: String::new(), status: "UNKNOWN", ..Self::new(catalog, &subnet) })
    }
}

/// Where a subnet is: its VPC's edge site, or `center`.
fn scope(catalog: &Catalog, subnet: &Subnet) -> String {
    let site = catalog.vpc(subnet.vpc).and_then(|vpc| vpc.edge_site.as_ref());
    site.map_or_else(|| "center".to_owned(), ToString::to_string)
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
    pub(crate) enable_network_address_usage_metrics: Option<bool>,
    /// Only when it is made.
    pub(crate) tags: Option<Vec<NewTag>>,
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
