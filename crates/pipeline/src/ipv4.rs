//! IPv4 headers.

use abi::{DropReason, FAMILY_V4};

use crate::header::{Ipv4Header, PROTOCOL_ICMP, PROTOCOL_TCP};
use crate::icmp;
use crate::packet::{FIRST_FRAGMENT, IP_OFFSET, LATER_FRAGMENT, Meta, Packet, address_v4, transport};

/// Reads the headers of an IPv4 frame into `meta`, which must be new.
///
/// A later fragment gets its ports from [`crate::fragment`].
#[inline(always)]
pub(crate) fn parse<P: Packet>(packet: &P, meta: &mut Meta) -> Result<(), DropReason> {
    let Some(ip) = packet.at::<Ipv4Header>(IP_OFFSET) else { return Err(DropReason::Malformed) };
    let header_len = (ip.version_ihl & 15) as usize * 4;
    let total_len = u16::from_be_bytes(ip.total_len) as usize;
    if ip.version_ihl >> 4 != 4 || header_len < 20 || total_len < header_len {
        return Err(DropReason::Malformed);
    }
    if IP_OFFSET + total_len > packet.len() as usize {
        return Err(DropReason::Malformed);
    }
    meta.key.family = FAMILY_V4;
    meta.key.protocol = ip.protocol;
    meta.key.source = address_v4(&ip.source);
    meta.key.destination = address_v4(&ip.destination);
    meta.source = address_v4(&ip.source);
    meta.protocol = ip.protocol;
    let [high, low] = ip.identification;
    meta.identification = [high, low, 0, 0];
    meta.l4 = IP_OFFSET + header_len;

    let fragment = u16::from_be_bytes(ip.fragment);
    let offset = fragment & 0x1fff;
    if offset != 0 {
        // A fragment at offset 1 could overwrite the flags that the first one was judged by (RFC 3128).
        if offset == 1 && ip.protocol == PROTOCOL_TCP {
            return Err(DropReason::Malformed);
        }
        meta.flags = LATER_FRAGMENT;
        return Ok(());
    }
    if fragment & 0x2000 != 0 {
        meta.flags = FIRST_FRAGMENT;
    }
    if ip.protocol == PROTOCOL_ICMP {
        return icmp::parse(packet, total_len - header_len, meta);
    }
    transport(packet, total_len - header_len, meta)
}
