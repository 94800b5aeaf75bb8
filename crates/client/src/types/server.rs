//! Servers: workloads with an address in a subnet.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::yes;

/// A server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// UUID.
    #[serde(default)]
    pub id: String,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// `ecs`, `rds`, `firewall` or `snat-server`.
    #[serde(default)]
    pub kind: String,
    /// `ACTIVE`, `SHUTOFF` or `BUILD`.
    #[serde(default)]
    pub status: String,
    /// The region.
    #[serde(default)]
    pub region: String,
    /// The VPC.
    #[serde(default)]
    pub vpc_id: String,
    /// The subnet.
    #[serde(default)]
    pub subnet_id: String,
    /// Its port.
    #[serde(default)]
    pub port_id: String,
    /// Its address.
    #[serde(default)]
    pub ip_address: String,
    /// Its IPv6 address, if it has one.
    #[serde(default)]
    pub ipv6_address: Option<String>,
    /// `fa:16:3e:xx:xx:xx`.
    #[serde(default)]
    pub mac_address: String,
    /// Ids in the order of their priority.
    #[serde(default)]
    pub security_groups: Vec<String>,
    /// Whether only its own address may be its packets' source or destination.
    #[serde(default = "yes")]
    pub source_dest_check: bool,
    /// The network namespace it runs in; none in the simulator.
    #[serde(default)]
    pub namespace: Option<String>,
    /// UTC.
    #[serde(default)]
    pub created_at: String,
}

/// What a server is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServerKind {
    /// A general one.
    Ecs,
    /// A database.
    Rds,
    /// Hands packets on, having looked at them.
    Firewall,
    /// Hands packets on under its own address.
    SnatServer,
}

impl fmt::Display for ServerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ecs => "ecs",
            Self::Rds => "rds",
            Self::Firewall => "firewall",
            Self::SnatServer => "snat-server",
        })
    }
}

/// A new server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ServerCreate {
    /// Its name.
    pub name: String,
    /// The subnet.
    pub subnet_id: String,
    /// A free address of the subnet; chosen by the server if not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_address: Option<String>,
    /// A free IPv6 address of the subnet, or `auto`; chosen by the server if not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipv6_address: Option<String>,
    /// The project's default group if not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security_groups: Option<Vec<String>>,
    /// A general one if not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<ServerKind>,
    /// On if not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_dest_check: Option<bool>,
}

/// Changes of a server; what is not set stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ServerUpdate {
    /// Whether only its own address may be its packets' source or destination.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_dest_check: Option<bool>,
    /// An IPv6 address for a server that has none, or `auto`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipv6_address: Option<String>,
}

/// Which servers to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ServerFilter {
    /// Of this name.
    pub name: Option<String>,
    /// In this VPC.
    pub vpc_id: Option<String>,
    /// In this subnet.
    pub subnet_id: Option<String>,
}
