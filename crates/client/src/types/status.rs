//! What the installation is.

use serde::{Deserialize, Serialize};

use super::account::{Account, AccountProject};

/// The installation as the caller may see it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Status {
    /// The server's version.
    pub version: String,
    /// `kernel`, or `sim` where no packets flow.
    pub datapath: String,
    /// Why it is the one it is, for people.
    pub datapath_note: String,
    /// The regions.
    pub regions: Vec<Region>,
    /// The store's revision.
    pub revision: u64,
    /// How much there is.
    pub counts: Counts,
    /// The caller's account.
    pub account: Account,
    /// The caller's projects; their names are those of regions.
    pub projects: Vec<AccountProject>,
}

/// A region.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Region {
    /// Its name.
    pub id: String,
    /// Edge sites.
    pub edge_sites: Vec<String>,
    /// Availability zones.
    pub availability_zones: Vec<String>,
}

/// How many objects there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// VPCs.
    pub vpcs: u64,
    /// Subnets.
    pub subnets: u64,
    /// Ports.
    pub ports: u64,
    /// Servers.
    pub servers: u64,
    /// Peering connections.
    pub peerings: u64,
    /// Routes.
    pub routes: u64,
}
