//! Routes, peering crossings and address ranges.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::{Address, Id};

/// About to change: nothing passes.
pub const ROUTE_CLOSED: u8 = 0;
/// The destination lies in a subnet of the VPC (rule NH-1). `target` is the subnet.
pub const ROUTE_LOCAL: u8 = 1;
/// The destination lies in a system range (rule RT-3): nothing is delivered.
pub const ROUTE_SYSTEM: u8 = 2;
/// The packet enters the VPC at the other end of a peering (rule NH-6). `target` is the peering.
pub const ROUTE_PEERING: u8 = 3;
/// The packet is handed to an instance or virtual IP of the VPC at `next_hop` (rules NH-2 to NH-4). `target` is the
/// object named by the route.
pub const ROUTE_INSTANCE: u8 = 4;
/// The packet is handed to a NAT gateway (rule NH-5). `target` is the gateway.
pub const ROUTE_NAT: u8 = 5;

/// Peering state as in [`Crossing::state`]: about to change, passes nothing.
pub const CROSSING_CLOSED: u8 = 0;
/// Passes traffic.
pub const CROSSING_ACTIVE: u8 = 1;
/// Not accepted yet.
pub const CROSSING_PENDING: u8 = 2;
/// Rejected by the accepter.
pub const CROSSING_REJECTED: u8 = 3;
/// Not answered in time.
pub const CROSSING_EXPIRED: u8 = 4;

/// Key of map `ROUTES` (longest prefix match); the prefix length is [`crate::prefix_base::ROUTE`] plus that of the
/// destination.
///
/// The compiler leaves out custom routes inside a local subnet, so that the longest prefix is the right one by
/// construction (rules RT-4, RT-5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct RouteKey {
    /// The route table.
    pub table: Id,
    /// Address family; keeps IPv4 and IPv6 apart (rule RT-13).
    pub family: u8,
    /// The destination.
    pub address: Address,
}

/// A route. Value of map `ROUTES`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Route {
    /// What the route names: subnet, peering, instance …, by `kind`.
    pub target: Id,
    /// The route's own id (the subnet's for a local route), for the tracer.
    pub route: Id,
    /// Address of the next hop in this VPC for [`ROUTE_INSTANCE`]; else zero.
    pub next_hop: Address,
    /// `ROUTE_*`.
    pub kind: u8,
    /// Length of the destination prefix in bits (0 marks a default route, which an EIP goes before: rule RT-4).
    pub prefix_len: u8,
    /// Zero.
    pub pad: [u8; 6],
}

/// Key of map `CROSSINGS` (hash): a peering, entered from one of its VPCs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct CrossingKey {
    /// The peering connection.
    pub peering: Id,
    /// The VPC that the packet comes from.
    pub from_vni: u32,
    /// Zero.
    pub pad: [u8; 4],
}

/// What is at the other end of a peering. Value of map `CROSSINGS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Crossing {
    /// The default route table of the entered VPC (rule RT-2a).
    pub table: Id,
    /// The entered VPC.
    pub vni: u32,
    /// VNI that says on the wire "entered `vni` by this peering".
    pub entry_vni: u32,
    /// Edge site of the entered VPC, 0 for the centre (rule EDGE-4).
    pub edge_site: u32,
    /// `CROSSING_*`; only [`CROSSING_ACTIVE`] passes (rule PEER-4).
    pub state: u8,
    /// Zero.
    pub pad: [u8; 3],
}

/// Key of map `CIDRS` (longest prefix match, value `u32`): ranges of a VPC; with VNI 0 those of all VPCs of the
/// installation. Tells `no_such_host`, `eip_not_shared` and `non_transitive` apart (rule PEER-7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct CidrKey {
    /// The VPC's VNI in big-endian bytes; zero for the installation.
    pub vni: [u8; 4],
    /// Address family.
    pub family: u8,
    /// The address.
    pub address: Address,
}
