//! Ports in v3 (api-vpc §6.4).

use catalog::Catalog;
use model::Port;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{
    AddressPairV1, DhcpOptionV1, Tag, body_v3, lease_option, list_v3, pairs, port_status, profile, vif_details, zone_of,
};

/// An address of a port, with the Neutron subnet id of its family.
#[derive(Serialize, ToSchema)]
pub(crate) struct PrivateIpV3 {
    subnet_cidr_id: String,
    ip_address: String,
}

/// A port as v3 shows it. What no part of an installation has, such as hosts and flavors, is empty.
#[derive(Serialize, ToSchema)]
pub(crate) struct PortV3 {
    pub(crate) id: String,
    name: String,
    description: String,
    admin_state_up: bool,
    status: &'static str,
    mac_address: String,
    device_id: String,
    device_owner: String,
    virsubnet_id: String,
    vpc_id: String,
    /// The project that owns the VPC.
    vpc_tenant_id: String,
    private_ips: Vec<PrivateIpV3>,
    security_groups: Vec<String>,
    allowed_address_pairs: Vec<AddressPairV1>,
    extra_dhcp_opts: Vec<DhcpOptionV1>,
    port_security_enabled: bool,
    #[serde(rename = "binding:host_id")]
    host_id: &'static str,
    #[serde(rename = "binding:profile")]
    profile: Value,
    #[serde(rename = "binding:vif_details")]
    vif_details: Value,
    #[serde(rename = "binding:vif_type")]
    vif_type: &'static str,
    #[serde(rename = "binding:vnic_type")]
    vnic_type: &'static str,
    #[serde(rename = "binding:migration_info")]
    migration_info: Value,
    instance_id: &'static str,
    instance_type: &'static str,
    instance_info: Value,
    ecs_flavor: &'static str,
    vtep_ip: &'static str,
    position_type: &'static str,
    enable_efi: bool,
    scope: &'static str,
    zone_id: String,
    project_id: String,
    tenant_id: String,
    tags: Vec<Tag>,
    created_at: String,
    updated_at: String,
}

impl PortV3 {
    pub(crate) fn new(catalog: &Catalog, port: &Port) -> Self {
        let subnet = catalog.subnet(port.subnet);
        let private_ips = [
            subnet.map(|subnet| (subnet.neutron_subnet_id, port.ipv4.to_string())),
            port.ipv6.and_then(|ip| Some((subnet?.ipv6?.neutron_subnet_id, ip.to_string()))),
        ];
        let private_ip = |(id, ip_address): (uuid::Uuid, String)| PrivateIpV3 {
            subnet_cidr_id: id.hyphenated().to_string(),
            ip_address,
        };
        let vpc_project = catalog.vpc(port.vpc).map(|vpc| vpc.project.to_string());
        let subnet_zone = subnet.map(|subnet| subnet.availability_zone.clone());
        Self {
            id: port.id.to_string(),
            name: port.name.clone(),
            description: port.description.clone(),
            admin_state_up: true,
            status: port_status(catalog, port),
            mac_address: port.mac.to_string(),
            device_id: port.server.map(|server| server.to_string()).unwrap_or_default(),
            device_owner: port.device_owner.clone(),
            virsubnet_id: port.subnet.to_string(),
            vpc_id: port.vpc.to_string(),
            vpc_tenant_id: vpc_project.unwrap_or_default(),
            private_ips: private_ips.into_iter().flatten().map(private_ip).collect(),
            security_groups: port.security_groups.iter().map(ToString::to_string).collect(),
            allowed_address_pairs: pairs(port),
            extra_dhcp_opts: lease_option(port),
            port_security_enabled: port.port_security_enabled,
            host_id: "",
            profile: profile(port),
            vif_details: vif_details(port),
            vif_type: "",
            vnic_type: "normal",
            migration_info: json!({}),
            instance_id: "",
            instance_type: "",
            instance_info: json!({}),
            ecs_flavor: "",
            vtep_ip: "",
            position_type: "center",
            enable_efi: false,
            scope: "center",
            zone_id: zone_of(port).or(subnet_zone).unwrap_or_default(),
            project_id: port.project.to_string(),
            tenant_id: port.project.to_string(),
            tags: Tag::list(&port.tags),
            created_at: port.created_at.to_string(),
            updated_at: port.updated_at.to_string(),
        }
    }
}

/// Security groups to put among those of a port.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct InsertGroupsFields {
    pub(crate) security_groups: Option<Vec<String>>,
    /// Their place, counted from 0; the end without it.
    #[schema(value_type = Option<i64>)]
    pub(crate) index: Option<crate::lenient::Number>,
}

/// Put security groups among those of a port.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct InsertGroupsRequest {
    pub(crate) port: InsertGroupsFields,
    pub(crate) dry_run: Option<bool>,
}

/// Security groups to take off a port.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct RemoveGroupsFields {
    pub(crate) security_groups: Option<Vec<String>>,
}

/// Take security groups off a port.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct RemoveGroupsRequest {
    pub(crate) port: RemoveGroupsFields,
    pub(crate) dry_run: Option<bool>,
}

body_v3! {
    /// A port, v3.
    PortBodyV3 { port: PortV3 }
}
list_v3! {
    /// Ports, v3.
    PortListV3 { ports: PortV3 }
}
