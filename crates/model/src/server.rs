//! Servers: the workloads.

use serde::{Deserialize, Serialize};

use crate::{PortId, ProjectId, RegionId, ServerId, Timestamp};

/// What a server is for: decides what Causeway prepares in its namespace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServerKind {
    /// A plain server.
    #[default]
    Ecs,
    /// A database server; differs from `Ecs` in name only.
    Rds,
    /// Forwards packets unchanged.
    Firewall,
    /// Forwards packets and translates their source.
    SnatServer,
}

impl ServerKind {
    /// Whether its guest forwards packets that are not for it.
    #[must_use]
    pub const fn forwards(self) -> bool {
        matches!(self, Self::Firewall | Self::SnatServer)
    }

    /// The kind as the API spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ecs => "ecs",
            Self::Rds => "rds",
            Self::Firewall => "firewall",
            Self::SnatServer => "snat-server",
        }
    }
}

/// Whether a server is to run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ServerState {
    /// It runs (API: `ACTIVE`).
    #[default]
    Running,
    /// It is stopped (API: `SHUTOFF`): packets to it are dropped.
    Stopped,
}

/// A workload: a network namespace with one port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// Its id.
    pub id: ServerId,
    /// The owner's project.
    pub project: ProjectId,
    /// The project's region.
    pub region: RegionId,
    /// Name, 1 to 64 characters.
    pub name: String,
    /// What it is for.
    pub kind: ServerKind,
    /// Whether it is to run.
    pub state: ServerState,
    /// Its primary port.
    pub port: PortId,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}
