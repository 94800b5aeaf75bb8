//! Private IPs, v1 (api-vpc §7.1).

use catalog::Catalog;
use model::Port;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{body, port_status};

/// A private IP: a port by its IPv4 address.
#[derive(Serialize, ToSchema)]
pub(crate) struct PrivateIpV1 {
    /// The port's id.
    pub(crate) id: String,
    status: &'static str,
    /// The network id.
    subnet_id: String,
    tenant_id: String,
    /// Empty while nothing uses it.
    device_owner: String,
    ip_address: String,
}

impl PrivateIpV1 {
    pub(crate) fn new(catalog: &Catalog, port: &Port) -> Self {
        Self {
            id: port.id.to_string(),
            status: port_status(catalog, port),
            subnet_id: port.subnet.to_string(),
            tenant_id: port.project.to_string(),
            device_owner: port.device_owner.clone(),
            ip_address: port.ipv4.to_string(),
        }
    }
}

/// What a private IP is made from.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct PrivateIpFields {
    /// The network id.
    pub(crate) subnet_id: Option<String>,
    /// The lowest free one when absent.
    pub(crate) ip_address: Option<String>,
}

/// Apply for private IPs.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct PrivateIpRequest {
    /// 1 to 100.
    pub(crate) privateips: Vec<PrivateIpFields>,
}

body! {
    /// A private IP.
    PrivateIpBody { "privateip" privateip: PrivateIpV1 }
    /// Private IPs.
    PrivateIpListBody { "privateips" privateips: Vec<PrivateIpV1> }
}
