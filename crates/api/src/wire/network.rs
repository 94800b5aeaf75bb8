//! Networks, Neutron subnets and routers, v2.0 (api-vpc §5.6): views of subnets and VPCs; and how many addresses are in use
//! (§7.2).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use catalog::Catalog;
use control::{NetworkView, NeutronSubnet, address_count};
use model::{Span, Vpc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{body, list_v2, request, router_interface};
use crate::lenient::Number;

/// The kind of network that tenants have (api-vpc §5.6).
pub(crate) const NETWORK_TYPE: &str = "geneve";

/// The state of every network and router: usable as far as there is something to use.
pub(crate) const ACTIVE: &str = "ACTIVE";

/// A network: a subnet of a VPC, or one that is on no router yet.
#[derive(Serialize, ToSchema)]
pub(crate) struct NetworkV2 {
    pub(crate) id: String,
    name: String,
    status: &'static str,
    /// Ids of its Neutron subnets, IPv4 first.
    subnets: Vec<String>,
    admin_state_up: bool,
    shared: bool,
    #[serde(rename = "router:external")]
    external: bool,
    tenant_id: String,
    project_id: String,
    #[serde(rename = "provider:network_type")]
    network_type: &'static str,
    availability_zone_hints: Vec<String>,
    availability_zones: Vec<String>,
    port_security_enabled: bool,
    dns_domain: String,
    created_at: String,
    updated_at: String,
}

impl NetworkV2 {
    pub(crate) fn new(network: &NetworkView) -> Self {
        let zone = network.range.as_ref().map(|range| range.availability_zone.clone());
        Self {
            id: network.id.to_string(),
            name: network.name.clone(),
            status: ACTIVE,
            subnets: network.subnets().iter().map(|subnet| subnet.id.hyphenated().to_string()).collect(),
            admin_state_up: true,
            shared: false,
            external: false,
            tenant_id: network.project.to_string(),
            project_id: network.project.to_string(),
            network_type: NETWORK_TYPE,
            availability_zone_hints: Vec::new(),
            availability_zones: zone.into_iter().filter(|zone| !zone.is_empty()).collect(),
            port_security_enabled: true,
            dns_domain: String::new(),
            created_at: network.created_at.without_zone(),
            updated_at: network.updated_at.without_zone(),
        }
    }
}

/// What a network is made from or changed to.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NetworkFields {
    /// At most 255 characters; not `admin_external_net`.
    pub(crate) name: Option<String>,
    /// Only `true`.
    pub(crate) admin_state_up: Option<bool>,
    /// Only `false`.
    pub(crate) shared: Option<bool>,
    /// Only `false`.
    #[serde(rename = "router:external")]
    pub(crate) external: Option<bool>,
    /// Only `geneve`.
    #[serde(rename = "provider:network_type")]
    pub(crate) network_type: Option<String>,
    /// Only `true`.
    pub(crate) port_security_enabled: Option<bool>,
}

/// A run of addresses, both ends included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct AllocationPool {
    pub(crate) start: String,
    pub(crate) end: String,
}

impl AllocationPool {
    pub(crate) fn new(pool: Span, ipv6: bool) -> Self {
        let address = |number: u128| match u32::try_from(number) {
            Ok(number) if !ipv6 => IpAddr::V4(Ipv4Addr::from(number)).to_string(),
            _ => IpAddr::V6(Ipv6Addr::from(number)).to_string(),
        };
        Self { start: address(pool.first), end: address(pool.last) }
    }

    /// The pools of a Neutron subnet.
    pub(crate) fn of(subnet: &NeutronSubnet) -> Vec<Self> {
        subnet.pools.iter().map(|pool| Self::new(*pool, subnet.cidr.addr().is_ipv6())).collect()
    }
}

/// A Neutron subnet: the range of one family of a network.
#[derive(Serialize, ToSchema)]
pub(crate) struct NeutronSubnetV2 {
    pub(crate) id: String,
    name: String,
    network_id: String,
    cidr: String,
    gateway_ip: String,
    ip_version: u8,
    enable_dhcp: bool,
    /// Of the IPv4 range; the IPv6 one has none of its own.
    dns_nameservers: Vec<String>,
    allocation_pools: Vec<AllocationPool>,
    /// Always empty: routes are in route tables.
    #[schema(value_type = Vec<Object>)]
    host_routes: [(); 0],
    ipv6_address_mode: Option<&'static str>,
    ipv6_ra_mode: Option<&'static str>,
    subnetpool_id: Option<String>,
    tenant_id: String,
    project_id: String,
    created_at: String,
    updated_at: String,
}

impl NeutronSubnetV2 {
    pub(crate) fn new(network: &NetworkView, subnet: &NeutronSubnet) -> Self {
        let ipv6 = subnet.cidr.addr().is_ipv6();
        let range = network.range.as_ref();
        let dns = range.filter(|_| !ipv6).map(|range| range.dns.iter().map(ToString::to_string).collect());
        let mode = ipv6.then_some(IPV6_MODE);
        Self {
            id: subnet.id.hyphenated().to_string(),
            name: subnet.name.clone(),
            network_id: network.id.to_string(),
            cidr: subnet.cidr.to_string(),
            gateway_ip: subnet.gateway.to_string(),
            ip_version: if ipv6 { 6 } else { 4 },
            enable_dhcp: range.is_some_and(|range| range.dhcp_enable),
            dns_nameservers: dns.unwrap_or_default(),
            allocation_pools: AllocationPool::of(subnet),
            host_routes: [],
            ipv6_address_mode: mode,
            ipv6_ra_mode: mode,
            subnetpool_id: None,
            tenant_id: network.project.to_string(),
            project_id: network.project.to_string(),
            created_at: network.created_at.without_zone(),
            updated_at: network.updated_at.without_zone(),
        }
    }
}

/// How guests get IPv6 addresses (rule V6-1).
pub(crate) const IPV6_MODE: &str = "dhcpv6-stateful";

/// What a Neutron subnet is made from or changed to.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NeutronSubnetFields {
    /// At most 255 characters; the network's name is shown when it is left out.
    pub(crate) name: Option<String>,
    pub(crate) network_id: Option<String>,
    /// IPv4: in 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16, at most /28. IPv6: a /64 that is free in the installation;
    /// chosen by the server when absent.
    pub(crate) cidr: Option<String>,
    /// The first host address when absent.
    pub(crate) gateway_ip: Option<String>,
    /// 4 (when absent) or 6.
    pub(crate) ip_version: Option<Number>,
    /// When it is made only `true`.
    pub(crate) enable_dhcp: Option<bool>,
    /// At most 5; IPv4 only.
    pub(crate) dns_nameservers: Option<Vec<String>>,
    /// Only all addresses but the reserved ones; CIDR reservations keep others back.
    pub(crate) allocation_pools: Option<Vec<AllocationPool>>,
    /// Only empty: routes are in route tables.
    pub(crate) host_routes: Option<Vec<Value>>,
    /// Only `dhcpv6-stateful`, of an IPv6 subnet.
    pub(crate) ipv6_address_mode: Option<String>,
    /// Only `dhcpv6-stateful`, of an IPv6 subnet.
    pub(crate) ipv6_ra_mode: Option<String>,
}

/// A router: a VPC.
#[derive(Serialize, ToSchema)]
pub(crate) struct RouterV2 {
    pub(crate) id: String,
    name: String,
    status: &'static str,
    admin_state_up: bool,
    /// Always `null`: there is no network outside.
    #[schema(value_type = Option<Object>)]
    external_gateway_info: (),
    /// Always empty: routes are in route tables.
    #[schema(value_type = Vec<Object>)]
    routes: [(); 0],
    tenant_id: String,
    project_id: String,
    created_at: String,
    updated_at: String,
}

impl RouterV2 {
    pub(crate) fn new(vpc: &Vpc) -> Self {
        Self {
            id: vpc.id.to_string(),
            name: vpc.name.clone(),
            status: ACTIVE,
            admin_state_up: true,
            external_gateway_info: (),
            routes: [],
            tenant_id: vpc.project.to_string(),
            project_id: vpc.project.to_string(),
            created_at: vpc.created_at.without_zone(),
            updated_at: vpc.updated_at.without_zone(),
        }
    }
}

/// What a router is made from or changed to.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct RouterFields {
    /// 0 to 64 characters; unique in the project when not empty.
    pub(crate) name: Option<String>,
    /// Only `true`.
    pub(crate) admin_state_up: Option<bool>,
    /// Only empty: there is no network outside.
    pub(crate) external_gateway_info: Option<serde_json::Map<String, Value>>,
    /// Only empty: routes are in route tables.
    pub(crate) routes: Option<Vec<Value>>,
}

/// Which network a router gets or loses.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct RouterInterfaceRequest {
    /// A Neutron subnet of the network.
    pub(crate) subnet_id: Option<String>,
    /// The router's port in the network; only to remove it.
    pub(crate) port_id: Option<String>,
}

/// A router's interface in a network.
#[derive(Serialize, ToSchema)]
pub(crate) struct RouterInterface {
    /// The router.
    id: String,
    subnet_id: String,
    /// The router's port: the gateway.
    port_id: String,
    tenant_id: String,
    project_id: String,
}

impl RouterInterface {
    pub(crate) fn new(router: String, network: &NetworkView, subnet_id: String) -> Self {
        Self {
            id: router,
            subnet_id,
            port_id: router_interface(network.id).hyphenated().to_string(),
            tenant_id: network.project.to_string(),
            project_id: network.project.to_string(),
        }
    }
}

/// How many addresses a Neutron subnet has.
#[derive(Serialize, ToSchema)]
pub(crate) struct SubnetIpAvailability {
    subnet_id: String,
    subnet_name: String,
    ip_version: u8,
    cidr: String,
    /// Without the reserved ones.
    #[schema(value_type = u64)]
    total_ips: u128,
    /// Those of ports.
    #[schema(value_type = u64)]
    used_ips: u128,
}

/// How many addresses a network has: the sums over its Neutron subnets.
#[derive(Serialize, ToSchema)]
pub(crate) struct NetworkIpAvailability {
    pub(crate) network_id: String,
    network_name: String,
    tenant_id: String,
    project_id: String,
    #[schema(value_type = u64)]
    total_ips: u128,
    #[schema(value_type = u64)]
    used_ips: u128,
    subnet_ip_availability: Vec<SubnetIpAvailability>,
}

impl NetworkIpAvailability {
    /// Counts the Neutron subnets that pass the filter.
    pub(crate) fn new(catalog: &Catalog, network: &NetworkView, filter: impl Fn(u8) -> bool) -> Self {
        let subnets: Vec<SubnetIpAvailability> = network
            .subnets()
            .iter()
            .map(|subnet| {
                let count = address_count(catalog, network.id, subnet);
                SubnetIpAvailability {
                    subnet_id: subnet.id.hyphenated().to_string(),
                    subnet_name: subnet.name.clone(),
                    ip_version: if subnet.cidr.addr().is_ipv6() { 6 } else { 4 },
                    cidr: subnet.cidr.to_string(),
                    total_ips: count.total,
                    used_ips: count.used,
                }
            })
            .filter(|subnet| filter(subnet.ip_version))
            .collect();
        Self {
            network_id: network.id.to_string(),
            network_name: network.name.clone(),
            tenant_id: network.project.to_string(),
            project_id: network.project.to_string(),
            total_ips: subnets.iter().map(|subnet| subnet.total_ips).sum(),
            used_ips: subnets.iter().map(|subnet| subnet.used_ips).sum(),
            subnet_ip_availability: subnets,
        }
    }
}

request! {
    /// Create or update a network.
    NetworkRequest { network: NetworkFields }
    /// Create or update a Neutron subnet.
    NeutronSubnetRequest { subnet: NeutronSubnetFields }
    /// Create or update a router.
    RouterRequest { router: RouterFields }
}
body! {
    /// A network.
    NetworkBody { "network" network: NetworkV2 }
    /// A Neutron subnet.
    NeutronSubnetBody { "subnet" subnet: NeutronSubnetV2 }
    /// A router.
    RouterBody { "router" router: RouterV2 }
    /// The addresses of a network.
    NetworkIpAvailabilityBody { "network_ip_availability" network_ip_availability: NetworkIpAvailability }
}
list_v2! {
    /// Networks.
    NetworkListV2 { networks: NetworkV2, networks_links }
    /// Neutron subnets.
    NeutronSubnetListV2 { subnets: NeutronSubnetV2, subnets_links }
    /// Routers.
    RouterListV2 { routers: RouterV2, routers_links }
    /// The addresses of networks.
    NetworkIpAvailabilityList { network_ip_availabilities: NetworkIpAvailability, network_ip_availabilities_links }
}
