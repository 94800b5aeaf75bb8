//! Ports (api-vpc §6).

use catalog::Catalog;
use model::{CHECK_OFF_PAIR, MacAddress, Port, ServerState, Subnet};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{DhcpOptionV1, lease_option, profile, vif_details, zone_of};
use super::{body, list_v2, request, router_interface};
use crate::query::Query;

/// An address of a port. `subnet_id` is the Neutron subnet id of the address's family in answers; in requests the network
/// id will do too.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct FixedIp {
    pub(crate) subnet_id: Option<String>,
    pub(crate) ip_address: Option<String>,
}

/// An extra address that a port may use; `1.1.1.1/0` turns the source/destination check off.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct AddressPairV1 {
    pub(crate) ip_address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mac_address: Option<String>,
}

/// A port as both families show it.
#[derive(Serialize, ToSchema)]
pub(crate) struct PortObject {
    pub(crate) id: String,
    name: String,
    network_id: String,
    admin_state_up: bool,
    mac_address: String,
    fixed_ips: Vec<FixedIp>,
    device_id: String,
    device_owner: String,
    tenant_id: String,
    status: &'static str,
    security_groups: Vec<String>,
    allowed_address_pairs: Vec<AddressPairV1>,
    extra_dhcp_opts: Vec<DhcpOptionV1>,
    #[serde(rename = "binding:vnic_type")]
    vnic_type: &'static str,
    #[serde(rename = "binding:vif_details")]
    vif_details: Value,
    #[serde(rename = "binding:profile")]
    profile: Value,
    dns_name: String,
    dns_assignment: Vec<Value>,
    port_security_enabled: bool,
    created_at: String,
    updated_at: String,
    /// v1 only.
    #[serde(skip_serializing_if = "Option::is_none")]
    instance_id: Option<String>,
    /// v1 only.
    #[serde(skip_serializing_if = "Option::is_none")]
    instance_type: Option<String>,
    /// v1 only.
    #[serde(skip_serializing_if = "Option::is_none")]
    zone_id: Option<String>,
    /// v1 only.
    #[serde(skip_serializing_if = "Option::is_none")]
    enable_efi: Option<bool>,
    /// v2.0 only.
    #[serde(skip_serializing_if = "Option::is_none")]
    project_id: Option<String>,
}

impl PortObject {
    pub(crate) fn v1(catalog: &Catalog, port: &Port) -> Self {
        let zone = catalog.subnet(port.subnet).map(|subnet| subnet.availability_zone.clone());
        Self {
            instance_id: Some(String::new()),
            instance_type: Some(String::new()),
            zone_id: Some(zone_of(port).or(zone).unwrap_or_default()),
            enable_efi: Some(false),
            ..Self::common(catalog, port)
        }
    }

    pub(crate) fn v2(catalog: &Catalog, port: &Port) -> Self {
        Self { project_id: Some(port.project.to_string()), ..Self::common(catalog, port) }
    }

    /// The gateway of a subnet in v2.0: the port of the router, which is the VPC, in the subnet's network.
    pub(crate) fn router_interface(subnet: &Subnet) -> Self {
        let v6 = subnet.ipv6.map(|v6| FixedIp {
            subnet_id: Some(v6.neutron_subnet_id.hyphenated().to_string()),
            ip_address: Some(v6.gateway.to_string()),
        });
        let v4 = FixedIp {
            subnet_id: Some(subnet.neutron_subnet_id.hyphenated().to_string()),
            ip_address: Some(subnet.gateway.to_string()),
        };
        Self {
            id: router_interface(subnet.id).hyphenated().to_string(),
            name: String::new(),
            network_id: subnet.id.to_string(),
            admin_state_up: true,
            mac_address: MacAddress(abi::GATEWAY_MAC).to_string(),
            fixed_ips: std::iter::once(v4).chain(v6).collect(),
            device_id: subnet.vpc.to_string(),
            device_owner: ROUTER_INTERFACE.to_owned(),
            tenant_id: subnet.project.to_string(),
            status: "ACTIVE",
            security_groups: Vec::new(),
            allowed_address_pairs: Vec::new(),
            extra_dhcp_opts: Vec::new(),
            vnic_type: "normal",
            vif_details: json!({}),
            profile: json!({}),
            dns_name: String::new(),
            dns_assignment: Vec::new(),
            port_security_enabled: false,
            created_at: subnet.created_at.without_zone(),
            updated_at: subnet.updated_at.without_zone(),
            instance_id: None,
            instance_type: None,
            zone_id: None,
            enable_efi: None,
            project_id: Some(subnet.project.to_string()),
        }
    }

    fn common(catalog: &Catalog, port: &Port) -> Self {
        let subnet = catalog.subnet(port.subnet);
        let neutron = subnet.map(|subnet| subnet.neutron_subnet_id.hyphenated().to_string());
        let neutron_v6 = subnet.and_then(|subnet| subnet.ipv6).map(|v6| v6.neutron_subnet_id.hyphenated().to_string());
        let mut fixed_ips = vec![FixedIp { subnet_id: neutron, ip_address: Some(port.ipv4.to_string()) }];
        fixed_ips
            .extend(port.ipv6.map(|address| FixedIp { subnet_id: neutron_v6, ip_address: Some(address.to_string()) }));
        // A virtual IP has an IPv6 address only when it was asked for, and the Terraform provider takes the first
        // address for the one that it asked for (clients §3.9).
        if port.is_vip() {
            fixed_ips.reverse();
        }
        Self {
            id: port.id.to_string(),
            name: port.name.clone(),
            network_id: port.subnet.to_string(),
            admin_state_up: true,
            mac_address: port.mac.to_string(),
            fixed_ips,
            device_id: port.server.map(|server| server.to_string()).unwrap_or_default(),
            device_owner: port.device_owner.clone(),
            tenant_id: port.project.to_string(),
            status: port_status(catalog, port),
            security_groups: port.security_groups.iter().map(ToString::to_string).collect(),
            allowed_address_pairs: pairs(port),
            extra_dhcp_opts: lease_option(port),
            vnic_type: "normal",
            vif_details: vif_details(port),
            profile: profile(port),
            dns_name: String::new(),
            dns_assignment: Vec::new(),
            port_security_enabled: port.port_security_enabled,
            created_at: port.created_at.without_zone(),
            updated_at: port.updated_at.without_zone(),
            instance_id: None,
            instance_type: None,
            zone_id: None,
            enable_efi: None,
            project_id: None,
        }
    }
}

impl PortObject {
    /// Whether a router interface passes the filters that only what is shown decides.
    pub(crate) fn passes(&self, query: &Query) -> bool {
        let shown = |wanted: &str| {
            self.fixed_ips.iter().any(|fixed| match wanted.split_once('=') {
                Some(("ip_address", address)) => fixed.ip_address.as_deref() == Some(address),
                Some(("subnet_id", id)) => fixed.subnet_id.as_deref() == Some(id) || self.network_id == id,
                _ => false,
            })
        };
        query.is("name", &self.name)
            && query.is("mac_address", &self.mac_address)
            && query.is("status", self.status)
            && query.flag("admin_state_up", self.admin_state_up)
            && query.all("security_groups").next().is_none()
            && query.each_key_holds("fixed_ips", shown)
    }
}

/// The owner of the ports that are the gateways of subnets (api-vpc §6).
pub(crate) const ROUTER_INTERFACE: &str = "network:router_interface_distributed";

/// `ACTIVE` when something that runs is attached. A virtual IP is always `DOWN` (clients §6, trap 24).
pub(crate) fn port_status(catalog: &Catalog, port: &Port) -> &'static str {
    let running =
        port.server.and_then(|id| catalog.server(id)).is_some_and(|server| server.state == ServerState::Running);
    if running { "ACTIVE" } else { "DOWN" }
}

/// The pairs as they were given, and the switch when the check was turned off by other means (clients §6, trap 23).
pub(crate) fn pairs(port: &Port) -> Vec<AddressPairV1> {
    let pair =
        |address: &str, mac: String| AddressPairV1 { ip_address: Some(address.to_owned()), mac_address: Some(mac) };
    let mut pairs: Vec<AddressPairV1> = port
        .allowed_address_pairs
        .iter()
        .map(|given| pair(&given.ip_address, given.mac_address.unwrap_or(port.mac).to_string()))
        .collect();
    let shown = port.allowed_address_pairs.iter().any(|given| given.ip_address == CHECK_OFF_PAIR);
    if !port.source_dest_check && !shown {
        pairs.push(pair(CHECK_OFF_PAIR, port.mac.to_string()));
    }
    pairs
}

/// What a port is made from.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct PortFields {
    pub(crate) network_id: Option<String>,
    /// Only the project of the request.
    pub(crate) tenant_id: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) device_owner: Option<String>,
    /// At most one of each family. In an update only to give an IPv6 address to a port that has none.
    pub(crate) fixed_ips: Option<Vec<FixedIp>>,
    pub(crate) security_groups: Option<Vec<String>>,
    pub(crate) allowed_address_pairs: Option<Vec<AddressPairV1>>,
    /// Only `true`.
    pub(crate) admin_state_up: Option<bool>,
    /// `false`: neither security groups nor the checks against forged addresses apply. `1.1.1.1/0` among the address pairs
    /// turns the source/destination check off alone.
    pub(crate) port_security_enabled: Option<bool>,
    /// Only `normal`.
    #[serde(rename = "binding:vnic_type")]
    pub(crate) vnic_type: Option<String>,
    /// `disable_security_groups` (only `true`, only in a creation), `tcp_srvports` and `udp_srvports`.
    #[serde(rename = "binding:profile")]
    pub(crate) profile: Option<serde_json::Map<String, Value>>,
    /// Only `51`, the lease time: `<n>h`, or `-1` for one without end. An empty list takes it away.
    pub(crate) extra_dhcp_opts: Option<Vec<DhcpOptionV1>>,
}

impl PortFields {
    /// Whether nothing is given.
    pub(crate) const fn is_empty(&self) -> bool {
        matches!(
            self,
            Self {
                network_id: None,
                tenant_id: None,
                name: None,
                device_owner: None,
                fixed_ips: None,
                security_groups: None,
                allowed_address_pairs: None,
                admin_state_up: None,
                port_security_enabled: None,
                vnic_type: None,
                profile: None,
                extra_dhcp_opts: None,
            }
        )
    }
}

request! {
    /// Create or update a port.
    PortRequest { port: PortFields }
}
body! {
    /// A port.
    PortBody { "port" port: PortObject }
    /// Ports, v1.
    PortListBody { "ports" ports: Vec<PortObject> }
}
list_v2! {
    /// Ports, v2.0.
    PortListV2 { ports: PortObject, ports_links }
}
