//! The Internet checksum of messages that the platform writes itself (RFC 1071).
//!
//! Only of those: what guests send may have a checksum that the kernel completes later.

use abi::{Address, DropReason};

use crate::Packet;
use crate::header::Ipv4Header;
use crate::packet::IP_OFFSET;

/// Adds up words, in the byte order of the machine; the sum of so many words as a packet has does not overflow.
#[inline(always)]
pub(crate) fn sum<const N: usize>(words: &[[u8; 2]; N]) -> u32 {
    let mut sum = 0;
    let mut i = 0;
    while i < N {
        if let Some(word) = words.get(i) {
            sum += u16::from_ne_bytes(*word) as u32;
        }
        i += 1;
    }
    sum
}

/// The sum over the pseudo header of IPv6 (RFC 8200, section 8.1).
#[inline(always)]
pub(crate) fn pseudo_header(source: &Address, destination: &Address, len: u16, protocol: u8) -> u32 {
    let len = u16::from_ne_bytes(len.to_be_bytes()) as u32;
    let protocol = u16::from_ne_bytes([0, protocol]) as u32;
    address(source) + address(destination) + len + protocol
}

#[inline(always)]
const fn address(address: &Address) -> u32 {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = *address;
    u16::from_ne_bytes([a, b]) as u32
        + u16::from_ne_bytes([c, d]) as u32
        + u16::from_ne_bytes([e, f]) as u32
        + u16::from_ne_bytes([g, h]) as u32
        + u16::from_ne_bytes([i, j]) as u32
        + u16::from_ne_bytes([k, l]) as u32
        + u16::from_ne_bytes([m, n]) as u32
        + u16::from_ne_bytes([o, p]) as u32
}

/// The checksum to write for a sum.
#[inline(always)]
pub(crate) const fn folded(sum: u32) -> [u8; 2] {
    let sum = (sum & 0xffff) + (sum >> 16);
    let sum = (sum & 0xffff) + (sum >> 16);
    (!(sum as u16)).to_ne_bytes()
}

/// Writes the checksum of an IPv4 header without options, in whose place there must be zeros.
#[inline(always)]
pub(crate) fn complete_ipv4<P: Packet>(packet: &mut P) -> Result<(), DropReason> {
    let Some(words) = packet.at::<[[u8; 2]; 10]>(IP_OFFSET) else { return Err(DropReason::Malformed) };
    let checksum = folded(sum(words));
    let Some(ip) = packet.at_mut::<Ipv4Header>(IP_OFFSET) else { return Err(DropReason::Malformed) };
    ip.checksum = checksum;
    Ok(())
}
