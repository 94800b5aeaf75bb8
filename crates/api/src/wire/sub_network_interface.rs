//! Supplementary network interfaces, which the API calls sub network interfaces (api-vpc §11).

use model::Port;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{AddressPairV1, NewTag, Tag, body_v3, list_v3, pairs};
use crate::lenient::Number;

/// A supplementary network interface.
#[derive(Serialize, ToSchema)]
pub(crate) struct SubNetworkInterface {
    pub(crate) id: String,
    virsubnet_id: String,
    private_ip_address: String,
    /// Empty without IPv6.
    ipv6_ip_address: String,
    mac_address: String,
    /// The port that carries it; empty while it is detached.
    parent_id: String,
    /// The server of that port, if it has one.
    parent_device_id: String,
    description: String,
    vpc_id: String,
    /// 0 while it is detached.
    vlan_id: u16,
    security_groups: Vec<String>,
    tags: Vec<Tag>,
    project_id: String,
    created_at: String,
    updated_at: String,
    allowed_address_pairs: Vec<AddressPairV1>,
    /// `NORMAL` when it is attached to a port, else `UNBOUND`.
    state: &'static str,
    instance_id: &'static str,
    instance_type: &'static str,
    scope: &'static str,
    security_enabled: bool,
}

impl SubNetworkInterface {
    pub(crate) fn new(port: &Port) -> Self {
        let parent = port.parent();
        Self {
            id: port.id.to_string(),
            virsubnet_id: port.subnet.to_string(),
            private_ip_address: port.ipv4.to_string(),
            ipv6_ip_address: port.ipv6.map(|address| address.to_string()).unwrap_or_default(),
            mac_address: port.mac.to_string(),
            parent_id: parent.map(|parent| parent.port.to_string()).unwrap_or_default(),
            parent_device_id: port.server.map(|server| server.to_string()).unwrap_or_default(),
            description: port.description.clone(),
            vpc_id: port.vpc.to_string(),
            vlan_id: parent.map_or(0, |parent| parent.vlan),
            security_groups: port.security_groups.iter().map(ToString::to_string).collect(),
            tags: Tag::list(&port.tags),
            project_id: port.project.to_string(),
            created_at: port.created_at.to_string(),
            updated_at: port.updated_at.to_string(),
            allowed_address_pairs: pairs(port),
            state: if parent.is_some() { "NORMAL" } else { "UNBOUND" },
            instance_id: "",
            instance_type: "",
            scope: "center",
            security_enabled: port.port_security_enabled,
        }
    }
}

/// What a supplementary network interface is made from or changed by.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct SubNetworkInterfaceFields {
    pub(crate) virsubnet_id: Option<String>,
    pub(crate) parent_id: Option<String>,
    /// 1 to 4094, unique at the parent; the lowest free one when it is left out.
    #[schema(value_type = Option<String>)]
    pub(crate) vlan_id: Option<Number>,
    pub(crate) description: Option<String>,
    pub(crate) ipv6_enable: Option<bool>,
    pub(crate) private_ip_address: Option<String>,
    pub(crate) ipv6_ip_address: Option<String>,
    pub(crate) security_groups: Option<Vec<String>>,
    pub(crate) allowed_address_pairs: Option<Vec<AddressPairV1>>,
    /// Only the caller's own.
    pub(crate) project_id: Option<String>,
    /// Only empty.
    pub(crate) tags: Option<Vec<NewTag>>,
}

/// Create or update a supplementary network interface.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct SubNetworkInterfaceRequest {
    pub(crate) sub_network_interface: SubNetworkInterfaceFields,
    pub(crate) dry_run: Option<bool>,
}

/// Create several alike.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct SubNetworkInterfaceBatchRequest {
    pub(crate) sub_network_interface: SubNetworkInterfaceFields,
    /// 1 to 20.
    #[schema(value_type = i64)]
    pub(crate) count: Option<Number>,
    pub(crate) dry_run: Option<bool>,
}

/// Where to attach one.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct AttachFields {
    pub(crate) parent_id: Option<String>,
    /// Those that it has when it is left out.
    pub(crate) security_groups: Option<Vec<String>>,
    /// `false`: security groups and the checks against forged addresses do not apply.
    pub(crate) security_enabled: Option<bool>,
}

/// Attach one to a port.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct AttachSubNetworkInterfaceRequest {
    pub(crate) sub_network_interface: AttachFields,
    pub(crate) dry_run: Option<bool>,
}

/// One that moves.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct MovingInterface {
    pub(crate) id: Option<String>,
    /// Its VLAN at the new parent; the one that it has when it is left out.
    #[schema(value_type = Option<String>)]
    pub(crate) vlan_id: Option<Number>,
}

/// Where several move to.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct MigrationInfo {
    pub(crate) parent_id: Option<String>,
    pub(crate) sub_network_interfaces: Option<Vec<MovingInterface>>,
}

/// Move several to another port.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct MigrateRequest {
    pub(crate) migration_info: MigrationInfo,
    pub(crate) dry_run: Option<bool>,
}

body_v3! {
    /// A supplementary network interface.
    SubNetworkInterfaceBody { sub_network_interface: SubNetworkInterface }
    /// Those that a call made or moved.
    SubNetworkInterfacesBody { sub_network_interfaces: Vec<SubNetworkInterface> }
    /// How many there are.
    SubNetworkInterfaceCount { sub_network_interfaces: usize }
}
list_v3! {
    /// Supplementary network interfaces.
    SubNetworkInterfaceList { sub_network_interfaces: SubNetworkInterface }
}
