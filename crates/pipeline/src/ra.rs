//! Router advertisements: each one answers a solicitation (rule V6-2; RFC 4861, section 6.2).
//!
//! None is sent unasked, so everything that one says holds as long as a field can say.

use abi::{Address, DropReason, GATEWAY_LINK_LOCAL, GATEWAY_MAC, NO_ADDRESS, Port, SUBNET_IPV6};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::nd::{self, ALL_NODES, ALL_NODES_MAC, Destination, LinkAddress, MESSAGE, OPTION_SOURCE};
use crate::{Action, Packet, Tables, Verdict};

const ROUTER_ADVERTISEMENT: u8 = 134;

/// Addresses, and other configuration, are to be had by DHCP.
const MANAGED: u8 = 0x80;
const OTHER: u8 = 0x40;

/// The prefix is that of the link. Without the autonomous flag, guests make no addresses of it by themselves.
const ON_LINK: u8 = 0x80;

const OPTION_PREFIX: u8 = 3;
const OPTION_MTU: u8 = 5;
const PREFIX_LEN: u8 = 64;

/// Hop limit for guests to begin with (the value that IANA recommends).
const HOP_LIMIT: u8 = 64;

/// The message with its options.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Advertisement {
    service: [u8; 2],
    checksum: [u8; 2],
    hop_limit: u8,
    flags: u8,
    router_lifetime: [u8; 2],
    reachable_time: [u8; 4],
    retransmission_time: [u8; 4],
    source: LinkAddress,
    /// Type, length in units of eight bytes, two reserved bytes.
    mtu_option: [u8; 4],
    mtu: [u8; 4],
    /// Type, length, length of the prefix, flags.
    prefix_option: [u8; 4],
    valid_lifetime: [u8; 4],
    preferred_lifetime: [u8; 4],
    reserved: [u8; 4],
    prefix: Address,
}

const LEN: usize = size_of::<Advertisement>();

/// Turns a router solicitation from `source` into the advertisement of the subnet's gateway.
#[inline(always)]
pub(crate) fn advertise<P: Packet, T: Tables>(
    packet: &mut P,
    ifindex: u32,
    port: &Port,
    tables: &T,
    source: &Address,
    verdict: &mut Verdict,
) -> Result<(), DropReason> {
    let Some(subnet) = tables.subnet(&port.subnet) else { return Err(DropReason::NeighbourIgnored) };
    if subnet.flags & SUBNET_IPV6 == 0 {
        return Err(DropReason::NeighbourIgnored);
    }
    if !packet.resize((MESSAGE + LEN) as u32) {
        return Err(DropReason::NeighbourIgnored);
    }
    let mut to = Destination { mac: port.mac, address: *source };
    if *source == NO_ADDRESS {
        to = Destination { mac: ALL_NODES_MAC, address: ALL_NODES };
    }
    nd::headers(packet, &GATEWAY_MAC, &GATEWAY_LINK_LOCAL, &to, LEN as u16)?;
    let Some(message) = packet.at_mut::<Advertisement>(MESSAGE) else { return Err(DropReason::Malformed) };
    message.service = [ROUTER_ADVERTISEMENT, 0];
    message.checksum = [0; 2];
    message.hop_limit = HOP_LIMIT;
    message.flags = MANAGED | OTHER;
    message.router_lifetime = [0xff; 2];
    message.reachable_time = [0; 4];
    message.retransmission_time = [0; 4];
    message.source = LinkAddress { kind: OPTION_SOURCE, units: 1, mac: GATEWAY_MAC };
    message.mtu_option = [OPTION_MTU, 1, 0, 0];
    message.mtu = (port.mtu as u32).to_be_bytes();
    message.prefix_option = [OPTION_PREFIX, 4, PREFIX_LEN, ON_LINK];
    message.valid_lifetime = [0xff; 4];
    message.preferred_lifetime = [0xff; 4];
    message.reserved = [0; 4];
    message.prefix = subnet.prefix_v6;
    nd::complete::<P, { LEN / 2 }>(packet, &GATEWAY_LINK_LOCAL, &to.address)?;
    verdict.action = Action::Reply as u32;
    verdict.ifindex = ifindex;
    Ok(())
}
