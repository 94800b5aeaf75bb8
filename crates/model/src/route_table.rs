//! Route tables, routes, next hops.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{PeeringId, PortId, ProjectId, RegionId, RouteId, RouteTableId, ServerId, Timestamp, VpcId};

/// A route table of a VPC (rule RT-1). Its routes are records of their own; its subnets name it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteTable {
    /// Its id.
    pub id: RouteTableId,
    /// The owner's project.
    pub project: ProjectId,
    /// The project's region.
    pub region: RegionId,
    /// The VPC.
    pub vpc: VpcId,
    /// Name; the default table is named `rtb-<VPC name>`.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Whether it is the VPC's default table.
    pub default: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A custom route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Its id (legacy routes show it).
    pub id: RouteId,
    /// The owner's project.
    pub project: ProjectId,
    /// The table it is in.
    pub table: RouteTableId,
    /// The table's VPC.
    pub vpc: VpcId,
    /// Destination in canonical form (rule RT-8); unique in the table.
    pub destination: IpNet,
    /// Where packets go.
    pub next_hop: NextHop,
    /// Free text.
    pub description: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// The next hop of a custom route (behaviour section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "type", content = "id", rename_all = "lowercase")]
pub enum NextHop {
    /// A peering connection with an end in the VPC (rule NH-6).
    Peering(PeeringId),
    /// The primary port of a server (rule NH-2).
    Ecs(ServerId),
    /// An extension port (rule NH-3).
    Eni(PortId),
    /// A supplementary network interface (rule NH-3).
    Subeni(PortId),
    /// A virtual IP, by its address (rule NH-4).
    Vip(IpAddr),
    /// A NAT gateway (rule NH-5).
    Nat(Uuid),
}

impl NextHop {
    /// The type's name on the wire.
    #[must_use]
    pub fn kind(&self) -> NextHopType {
        match self {
            Self::Peering(_) => NextHopType::Peering,
            Self::Ecs(_) => NextHopType::Ecs,
            Self::Eni(_) => NextHopType::Eni,
            Self::Subeni(_) => NextHopType::Subeni,
            Self::Vip(_) => NextHopType::Vip,
            Self::Nat(_) => NextHopType::Nat,
        }
    }
}

impl fmt::Display for NextHop {
    /// The next hop's id or address, as the wire shows it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Peering(id) => id.fmt(f),
            Self::Ecs(id) => id.fmt(f),
            Self::Eni(id) | Self::Subeni(id) => id.fmt(f),
            Self::Vip(address) => address.fmt(f),
            Self::Nat(id) => id.hyphenated().fmt(f),
        }
    }
}

/// Every next-hop type that the product we follow knows; some are refused (rule NH-8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the names are the wire's")]
pub enum NextHopType {
    Peering,
    Ecs,
    Eni,
    Vip,
    Nat,
    Local,
    Vpn,
    Dc,
    Cc,
    Egw,
    Er,
    Subeni,
    Cfw,
    Bms,
    Cce,
}

impl NextHopType {
    const NAMES: [(&'static str, NextHopType); 15] = [
        ("peering", Self::Peering),
        ("ecs", Self::Ecs),
        ("eni", Self::Eni),
        ("vip", Self::Vip),
        ("nat", Self::Nat),
        ("local", Self::Local),
        ("vpn", Self::Vpn),
        ("dc", Self::Dc),
        ("cc", Self::Cc),
        ("egw", Self::Egw),
        ("er", Self::Er),
        ("subeni", Self::Subeni),
        ("cfw", Self::Cfw),
        ("bms", Self::Bms),
        ("cce", Self::Cce),
    ];
}

impl fmt::Display for NextHopType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::NAMES.iter().find(|(_, t)| t == self).map_or("?", |(n, _)| n))
    }
}

impl FromStr for NextHopType {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::NAMES.iter().find(|(n, _)| *n == text).map(|(_, t)| *t).ok_or(())
    }
}
