//! From addresses and ranges to table keys.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use abi::{
    Address, AddressPairKey, CidrKey, EndpointKey, FAMILY_V4, FAMILY_V6, Id, IdentityKey, RouteKey, prefix_base,
};
use ipnet::IpNet;
use model::Vni;
use tables::Prefix;

/// An address as it stands in keys: family and bytes.
#[must_use]
pub fn address(ip: IpAddr) -> (u8, Address) {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, d] = ip.octets();
            (FAMILY_V4, [a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
        }
        IpAddr::V6(ip) => (FAMILY_V6, ip.octets()),
    }
}

/// The reverse of [`address`].
#[must_use]
pub fn ip_address(family: u8, address: Address) -> IpAddr {
    let [a, b, c, d, ..] = address;
    if family == FAMILY_V4 { Ipv4Addr::new(a, b, c, d).into() } else { Ipv6Addr::from(address).into() }
}

/// The key of an address in a VPC.
#[must_use]
pub fn endpoint_key(vni: Vni, ip: IpAddr) -> EndpointKey {
    let (family, address) = address(ip);
    EndpointKey { vni: vni.number(), family, pad: [0; 3], address }
}

pub(crate) fn route_key(table: Id, destination: IpNet) -> Prefix<RouteKey> {
    let (family, address) = address(destination.network());
    let bits = prefix_base::ROUTE + u32::from(destination.prefix_len());
    Prefix { bits, key: RouteKey { table, family, address } }
}

/// `vni` 0 stands for the installation.
pub(crate) fn cidr_key(vni: u32, range: IpNet) -> Prefix<CidrKey> {
    let (family, address) = address(range.network());
    let bits = prefix_base::CIDR + u32::from(range.prefix_len());
    Prefix { bits, key: CidrKey { vni: vni.to_be_bytes(), family, address } }
}

pub(crate) fn address_pair_key(port: Id, range: IpNet) -> Prefix<AddressPairKey> {
    let (family, address) = address(range.network());
    let bits = prefix_base::ADDRESS_PAIR + u32::from(range.prefix_len());
    Prefix { bits, key: AddressPairKey { port, family, address } }
}

pub(crate) fn identity_key(policy: Id, context: u8, remote: IpNet) -> Prefix<IdentityKey> {
    let (family, address) = address(remote.network());
    let bits = prefix_base::IDENTITY + u32::from(remote.prefix_len());
    Prefix { bits, key: IdentityKey { policy, context, family, address } }
}
