//! Ports (attachments of workloads) and endpoints (addresses).

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::{Address, Id, Mac};

/// The source/destination check is on (rule CHK-1).
pub const PORT_CHECKED: u8 = 1;
/// The workload runs; a packet to a port without this flag is dropped.
pub const PORT_RUNNING: u8 = 2;

/// Endpoint of a workload: packets to it are delivered to its port.
pub const ENDPOINT_WORKLOAD: u8 = 1;
/// Gateway address of a subnet: answers ARP and echo, nothing else (rule L2-1).
pub const ENDPOINT_GATEWAY: u8 = 2;

/// One attached port. Map `PORTS`, hash, keyed by the interface index of the host's end of the veth (`u32`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Port {
    /// The port's id.
    pub port: Id,
    /// The subnet that the port is in.
    pub subnet: Id,
    /// The route table of that subnet (rule RT-2).
    pub table: Id,
    /// The policy made from the port's security groups; [`crate::NO_ID`] denies everything (rule SG-3).
    pub policy: Id,
    /// The VPC.
    pub vni: u32,
    /// Edge site of the VPC, 0 for the centre (rule EDGE-1).
    pub edge_site: u32,
    /// Hardware address of the workload's end.
    pub mac: Mac,
    /// [`PORT_CHECKED`], [`PORT_RUNNING`].
    pub flags: u8,
    /// Zero.
    pub pad: u8,
}

/// Key of map `ENDPOINTS` (hash): an address in a VPC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct EndpointKey {
    /// The VPC.
    pub vni: u32,
    /// [`crate::FAMILY_V4`] or [`crate::FAMILY_V6`].
    pub family: u8,
    /// Zero.
    pub pad: [u8; 3],
    /// The address.
    pub address: Address,
}

/// Who has an address. Value of map `ENDPOINTS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Endpoint {
    /// The port that holds the address; [`crate::NO_ID`] for a gateway.
    pub port: Id,
    /// The subnet of the address.
    pub subnet: Id,
    /// The policy of the port's security groups.
    pub policy: Id,
    /// Interface index of the host's end of the port's veth; 0 when it is not on this host.
    pub ifindex: u32,
    /// Hardware address of the workload's end, or the gateway's.
    pub mac: Mac,
    /// [`ENDPOINT_WORKLOAD`] or [`ENDPOINT_GATEWAY`].
    pub kind: u8,
    /// [`PORT_CHECKED`], [`PORT_RUNNING`].
    pub flags: u8,
    /// Address of the host that has the port, for an endpoint of another host; zero on this one.
    pub vtep: Address,
    /// Zero.
    pub pad: [u8; 4],
}
