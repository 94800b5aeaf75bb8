//! Virtual IPs with their holders, and claims (Causeway's own operations).

use serde::{Deserialize, Serialize};

/// A virtual IP. It is made, renamed and deleted as a [`super::Port`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Vip {
    /// Id of its port.
    pub id: String,
    /// 0 to 255 characters.
    pub name: String,
    /// The VPC.
    pub vpc_id: String,
    /// The subnet.
    pub subnet_id: String,
    /// IPv4 address.
    pub ip_address: String,
    /// IPv6 address, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipv6_address: Option<String>,
    /// The ports that it is bound to, by address.
    pub bound: Vec<BoundPort>,
    /// The bound port that traffic goes to; none until one has claimed it.
    pub holder: Option<BoundPort>,
    /// UTC.
    pub created_at: String,
}

/// A port that a virtual IP is bound to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BoundPort {
    /// UUID.
    pub port_id: String,
    /// Its own address.
    pub ip_address: String,
    /// The server that has the port; empty when none has.
    pub server_id: String,
    /// That server's name.
    pub server_name: String,
}

/// Which virtual IPs to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct VipFilter {
    /// Of this name.
    pub name: Option<String>,
    /// With this address.
    pub ip_address: Option<String>,
    /// In this VPC.
    pub vpc_id: Option<String>,
    /// In this subnet.
    pub subnet_id: Option<String>,
}

/// Whom a virtual IP is to be bound to or taken off: a port, or the primary port of a server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct VipBinding {
    /// The port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port_id: Option<String>,
    /// The server, when no port is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_id: Option<String>,
    /// Binding: leave the source/destination check as it is; turned off if not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_check: Option<bool>,
}

impl VipBinding {
    /// The primary port of a server, whose check is turned off.
    #[must_use]
    pub fn server(id: &str) -> Self {
        Self { server_id: Some(id.to_owned()), ..Self::default() }
    }
}

/// What a server announces as its own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ClaimRequest {
    /// IPv4 or IPv6 address.
    pub address: String,
    /// The port that announces it; chosen by the server if not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port_id: Option<String>,
    /// Give the address to the server's interface before; not if not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub configure: Option<bool>,
    /// Take the address off the former holder's interface before; not if not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<bool>,
}

/// What came of a claim.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Claim {
    /// The address.
    pub address: String,
    /// The port that announced it.
    pub port_id: String,
    /// The virtual IP of this address that is bound to the port; none when nothing has changed for that reason.
    pub vip_id: Option<String>,
    /// The port that holds it now.
    pub holder_port_id: Option<String>,
    /// Whether that is the port that announced it.
    pub effective: bool,
}
