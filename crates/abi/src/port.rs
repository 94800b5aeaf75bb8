//! Ports (attachments of workloads) and endpoints (addresses).

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::{Address, Id, Mac};

/// The source/destination check is on (rule CHK-1).
pub const PORT_CHECKED: u8 = 1;
/// The workload runs; a packet to a port without this flag is dropped.
pub const PORT_RUNNING: u8 = 2;

/// Port security is off: the port may also send what DHCP servers send (rule CHK-8). The other checks and the security
/// groups have flags and tables of their own.
pub const PORT_UNSECURED: u8 = 4;

/// A lease that never ends, in [`Port::lease_hours`].
pub const LEASE_HOURS_INFINITE: u16 = u16::MAX;

/// Endpoint of a workload: packets to it are delivered to its port.
pub const ENDPOINT_WORKLOAD: u8 = 1;
/// Gateway address of a subnet: answers ARP and echo, nothing else (rule L2-1).
pub const ENDPOINT_GATEWAY: u8 = 2;

/// One attached port. Map `PORTS`, hash, keyed by its attachment (see [`crate::attachment`]).
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
    /// The network ACL of the subnet; [`crate::NO_ID`] when it has none, or one without effect (rule ACL-8).
    pub acl: Id,
    /// The VPC.
    pub vni: u32,
    /// Edge site of the VPC, 0 for the centre (rule EDGE-1).
    pub edge_site: u32,
    /// Hardware address of the workload's end.
    pub mac: Mac,
    /// [`PORT_CHECKED`], [`PORT_RUNNING`], [`PORT_UNSECURED`].
    pub flags: u8,
    /// Zero.
    pub pad: u8,
    /// The largest IP packet in bytes, host byte order (rule MTU-1).
    pub mtu: u16,
    /// Lease time of its addresses in hours, host byte order; [`LEASE_HOURS_INFINITE`]; 0: the subnet's.
    pub lease_hours: u16,
    /// The port's IPv4 address (rule L2-5).
    pub ipv4: [u8; 4],
    /// The port's IPv6 address; zero when it has none (rule V6-2).
    pub ipv6: Address,
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
    /// The network ACL of the port's subnet; [`crate::NO_ID`] when there is none in force.
    pub acl: Id,
    /// The port's attachment (see [`crate::attachment`]); 0 when it is not on this host.
    pub ifindex: u32,
    /// Hardware address of the workload's end, or the gateway's.
    pub mac: Mac,
    /// [`ENDPOINT_WORKLOAD`] or [`ENDPOINT_GATEWAY`].
    pub kind: u8,
    /// As [`Port::flags`].
    pub flags: u8,
    /// Address of the host that has the port, for an endpoint of another host; zero on this one.
    pub vtep: Address,
    /// Zero.
    pub pad: [u8; 4],
}

/// The port may send from the address and receive for it (rule CHK-2).
pub const PAIR_USABLE: u8 = 1;
/// The address is a virtual IP bound to the port: it may claim it (rule VIP-3).
pub const PAIR_VIP: u8 = 2;

/// Key of map `ADDRESS_PAIRS` (longest prefix match); the prefix length is [`crate::prefix_base::ADDRESS_PAIR`] plus
/// that of the range. Addresses that a port may use beside its own: virtual IPs bound to it and its address pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct AddressPairKey {
    /// The port.
    pub port: Id,
    /// Address family.
    pub family: u8,
    /// The address.
    pub address: Address,
}

/// What a port may do with an address. Value of map `ADDRESS_PAIRS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct AddressPair {
    /// [`PAIR_USABLE`], [`PAIR_VIP`].
    pub flags: u8,
    /// Zero.
    pub pad: [u8; 3],
}
