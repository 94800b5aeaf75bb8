//! Ports (API specification of VPC, section 6.1).

use serde::{Deserialize, Serialize};

/// A port: what attaches something to a subnet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Port {
    /// UUID.
    pub id: String,
    /// 0 to 255 characters.
    pub name: String,
    /// The subnet.
    pub network_id: String,
    /// Always true.
    pub admin_state_up: bool,
    /// `fa:16:3e:xx:xx:xx`.
    pub mac_address: String,
    /// Its addresses.
    pub fixed_ips: Vec<FixedIp>,
    /// What it is attached to; empty when free.
    pub device_id: String,
    /// What kind of thing that is; `neutron:VIP_PORT` for a virtual IP.
    pub device_owner: String,
    /// The project.
    pub tenant_id: String,
    /// `ACTIVE`, `BUILD` or `DOWN`.
    pub status: String,
    /// Ids in the order of their priority.
    pub security_groups: Vec<String>,
    /// Further source addresses.
    pub allowed_address_pairs: Vec<AddressPair>,
    /// The owner's instance.
    pub instance_id: String,
    /// What kind of instance that is, such as `RDS`.
    pub instance_type: String,
    /// `yyyy-MM-ddTHH:mm:ss`, UTC.
    pub created_at: String,
}

/// An address of a port.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FixedIp {
    /// The subnet's [`super::Subnet::neutron_subnet_id`], or its `neutron_subnet_id_v6` for an IPv6 address.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub subnet_id: String,
    /// The address; chosen by the server if empty in a request.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub ip_address: String,
}

/// Source addresses that a port may use besides its own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AddressPair {
    /// Address or prefix; `1.1.1.1/0` switches the source and destination check off.
    pub ip_address: String,
    /// The port's own if empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub mac_address: String,
}

/// A new port.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PortCreate {
    /// The subnet.
    pub network_id: String,
    /// 0 to 255 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Empty, or `neutron:VIP_PORT`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_owner: Option<String>,
    /// Chosen by the server if empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fixed_ips: Vec<FixedIp>,
    /// The project's default group if not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security_groups: Option<Vec<String>>,
    /// Further source addresses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_address_pairs: Vec<AddressPair>,
}

/// Changes of a port; what is not set stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PortUpdate {
    /// The new name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// An IPv6 address for a port that has none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fixed_ips: Vec<FixedIp>,
    /// The new groups in the order of their priority.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security_groups: Option<Vec<String>>,
    /// The new pairs; an empty list clears them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_address_pairs: Option<Vec<AddressPair>>,
}

/// Which ports to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PortFilter {
    /// Of this name.
    pub name: Option<String>,
    /// Of this subnet.
    pub network_id: Option<String>,
    /// With this hardware address.
    pub mac_address: Option<String>,
    /// Attached to this.
    pub device_id: Option<String>,
    /// Of this kind.
    pub device_owner: Option<String>,
    /// In any of these groups.
    pub security_groups: Vec<String>,
    /// `ip_address=<address>` or `subnet_id=<id>`.
    pub fixed_ips: Vec<String>,
}
