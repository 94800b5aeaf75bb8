//! ICMP: which messages belong to which flow, and the gateway's echo reply.

use core::mem::swap;

use abi::{DropReason, GATEWAY_MAC, Port};

use crate::header::{EthernetHeader, IcmpHeader, Ipv4Header, PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP, UdpHeader};
use crate::packet::{
    ECHO_REPLY, ECHO_REQUEST, ICMP_ERROR, IP_OFFSET, LATER_FRAGMENT, Meta, Packet, UNTRACKED, address_v4,
};
use crate::{Action, Verdict};

/// Type of an echo reply.
const TYPE_ECHO_REPLY: u8 = 0;
/// Type of an echo request.
const TYPE_ECHO_REQUEST: u8 = 8;

/// Type and code of the packets that an echo reply answers.
pub(crate) const SERVICE_ECHO_REQUEST: [u8; 2] = [TYPE_ECHO_REQUEST, 0];

/// Whether messages of this type quote the packet that they are about: destination unreachable, source quench,
/// redirect, time exceeded, parameter problem (RFC 792).
#[inline(always)]
const fn is_error(kind: u8) -> bool {
    kind == 3 || kind == 4 || kind == 5 || kind == 11 || kind == 12
}

/// Reads an ICMP message of `len` bytes.
///
/// Echo messages are flows by their identifier; an error belongs to the flow of the packet that it quotes; everything
/// else is judged by itself.
#[inline(always)]
pub(crate) fn parse<P: Packet>(packet: &P, len: usize, meta: &mut Meta) -> Result<(), DropReason> {
    if len < 8 {
        return Err(DropReason::Malformed);
    }
    let Some(icmp) = packet.at::<IcmpHeader>(meta.l4) else { return Err(DropReason::Malformed) };
    let [kind, _] = icmp.service;
    meta.service = icmp.service;
    if kind == TYPE_ECHO_REQUEST {
        meta.key.source_port = icmp.identifier;
        meta.flags |= ECHO_REQUEST;
    } else if kind == TYPE_ECHO_REPLY {
        meta.key.destination_port = icmp.identifier;
        meta.flags |= ECHO_REPLY;
    } else if is_error(kind) && quoted(packet, len, meta) {
        meta.flags |= ICMP_ERROR;
    } else {
        meta.flags |= UNTRACKED;
    }
    Ok(())
}

/// Puts the tuple of the packet that an error quotes, turned round, into `meta.key`. False leaves the key as it is:
/// the quotation is cut short, belongs to no flow, or was not sent by whom the error goes to.
#[inline(always)]
fn quoted<P: Packet>(packet: &P, len: usize, meta: &mut Meta) -> bool {
    let start = meta.l4 + 8;
    let Some(ip) = packet.at::<Ipv4Header>(start) else { return false };
    let header_len = (ip.version_ihl & 15) as usize * 4;
    if ip.version_ihl >> 4 != 4 || header_len < 20 || len < 8 + header_len + 8 {
        return false;
    }
    if u16::from_be_bytes(ip.fragment) & 0x1fff != 0 || address_v4(&ip.source) != meta.key.destination {
        return false;
    }
    if ip.protocol == PROTOCOL_TCP || ip.protocol == PROTOCOL_UDP {
        // Both protocols begin with the ports; eight bytes are all that is sure to be there.
        let Some(ports) = packet.at::<UdpHeader>(start + header_len) else { return false };
        meta.key.source_port = ports.destination_port;
        meta.key.destination_port = ports.source_port;
    } else if ip.protocol == PROTOCOL_ICMP {
        let Some(icmp) = packet.at::<IcmpHeader>(start + header_len) else { return false };
        let [kind, _] = icmp.service;
        if kind == TYPE_ECHO_REQUEST {
            meta.key.destination_port = icmp.identifier;
        } else if kind == TYPE_ECHO_REPLY {
            meta.key.source_port = icmp.identifier;
        } else {
            return false;
        }
    }
    meta.key.protocol = ip.protocol;
    meta.key.source = address_v4(&ip.destination);
    true
}

/// Sets the flags of a later fragment, whose type is known from the first one.
#[inline(always)]
pub(crate) fn classify_fragment(meta: &mut Meta) {
    let [kind, _] = meta.service;
    meta.flags |= if kind == TYPE_ECHO_REQUEST {
        ECHO_REQUEST
    } else if kind == TYPE_ECHO_REPLY {
        ECHO_REPLY
    } else {
        UNTRACKED
    };
}

/// Turns an echo request to the gateway into its reply (rule L2-1).
#[inline(always)]
pub(crate) fn answer<P: Packet>(
    packet: &mut P,
    port: &Port,
    meta: &Meta,
    verdict: &mut Verdict,
) -> Result<(), DropReason> {
    let Some(ethernet) = packet.at_mut::<EthernetHeader>(0) else { return Err(DropReason::Malformed) };
    ethernet.destination = port.mac;
    ethernet.source = GATEWAY_MAC;
    let Some(ip) = packet.at_mut::<Ipv4Header>(IP_OFFSET) else { return Err(DropReason::Malformed) };
    // The sum over the header does not change when two of its words change places.
    swap(&mut ip.source, &mut ip.destination);
    if !meta.is(LATER_FRAGMENT) {
        let Some(icmp) = packet.at_mut::<IcmpHeader>(meta.l4) else { return Err(DropReason::Malformed) };
        let [kind, code] = icmp.service;
        icmp.service = [TYPE_ECHO_REPLY, code];
        icmp.checksum = checksum_with_type(icmp.checksum, kind, TYPE_ECHO_REPLY);
    }
    verdict.action = Action::Reply as u32;
    verdict.ifindex = meta.key.ifindex;
    Ok(())
}

/// The checksum after the type changed (RFC 1624, equation 3). ICMP has no partial checksums, so changing it here is
/// right.
#[inline(always)]
pub(crate) const fn checksum_with_type(checksum: [u8; 2], from: u8, to: u8) -> [u8; 2] {
    let [from, to] = [(from as u32) << 8, (to as u32) << 8];
    let sum = !u16::from_be_bytes(checksum) as u32 + (from ^ 0xffff) + to;
    let folded = (sum & 0xffff) + (sum >> 16);
    // A carry of the carry.
    let folded = (folded & 0xffff) + (folded >> 16);
    (!(folded as u16)).to_be_bytes()
}
