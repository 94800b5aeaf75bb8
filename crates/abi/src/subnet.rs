//! Subnets: what their guests are told by DHCP and router advertisements.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::Address;

/// The subnet answers DHCPv4 (rule L2-5).
pub const SUBNET_DHCP: u8 = 1;
/// The subnet has an IPv6 range: routers are advertised and DHCPv6 is answered (rule V6-2).
pub const SUBNET_IPV6: u8 = 2;

/// A lease that never ends, in seconds (RFC 2131, section 3.3; RFC 8415, section 7.7).
pub const LEASE_INFINITE: u32 = u32::MAX;

/// What guests are told. Value of map `SUBNETS`, hash, keyed by the subnet's id ([`crate::Id`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Subnet {
    /// The first 64 bits of the IPv6 range with the rest zero; zero without IPv6.
    pub prefix_v6: Address,
    /// Gateway address of the IPv6 range; zero without IPv6.
    pub gateway_v6: Address,
    /// Gateway address: router option of DHCPv4.
    pub gateway: [u8; 4],
    /// Mask of the IPv4 range.
    pub mask: [u8; 4],
    /// The platform's DHCP address in the subnet: server identifier (rule NET-4).
    pub dhcp_server: [u8; 4],
    /// DNS servers; zero where there is none.
    pub dns: [[u8; 4]; 2],
    /// NTP servers; zero where there is none.
    pub ntp: [[u8; 4]; 4],
    /// Lease time of IPv4 addresses in seconds, host byte order; [`LEASE_INFINITE`].
    pub lease_seconds: u32,
    /// Lease time of IPv6 addresses in seconds, host byte order; [`LEASE_INFINITE`].
    pub lease_seconds_v6: u32,
    /// [`SUBNET_DHCP`], [`SUBNET_IPV6`].
    pub flags: u8,
    /// Number of bytes of `domain` in use.
    pub domain_len: u8,
    /// Zero.
    pub pad: [u8; 2],
    /// Domain name of the guests in ASCII, zero behind `domain_len`.
    pub domain: [u8; DOMAIN_BYTES],
}

/// The longest domain name that is told.
pub const DOMAIN_BYTES: usize = 64;
