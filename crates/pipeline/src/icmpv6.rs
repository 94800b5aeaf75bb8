//! ICMPv6: which messages belong to which flow, and the gateway's echo reply (RFC 4443).

use core::mem::swap;

use abi::{DropReason, GATEWAY_MAC, Port};

use crate::header::{EthernetHeader, IcmpHeader, Ipv6Header, PROTOCOL_ICMPV6, PROTOCOL_TCP, PROTOCOL_UDP, UdpHeader};
use crate::ipv6::{self, Chain, HEADER_LEN};
use crate::packet::{ECHO_REPLY, ECHO_REQUEST, ICMP_ERROR, IP_OFFSET, LATER_FRAGMENT, Meta, Packet, UNTRACKED};
use crate::{Action, Flows, Verdict, icmp};

/// Type of an echo request.
pub(crate) const TYPE_ECHO_REQUEST: u8 = 128;
/// Type of an echo reply.
pub(crate) const TYPE_ECHO_REPLY: u8 = 129;
/// Types of multicast listener discovery (RFC 2710): query, report, done.
const TYPE_LISTENER_FIRST: u8 = 130;
const TYPE_LISTENER_LAST: u8 = 132;
/// Types of neighbour discovery (RFC 4861): router solicitation and advertisement, neighbour solicitation and
/// advertisement, redirect.
const TYPE_NEIGHBOUR_FIRST: u8 = 133;
const TYPE_NEIGHBOUR_LAST: u8 = 137;
/// Type of the listener report of version 2 (RFC 3810).
const TYPE_LISTENER_REPORT_V2: u8 = 143;

/// Type and code of the packets that an echo reply answers.
pub(crate) const SERVICE_ECHO_REQUEST: [u8; 2] = [TYPE_ECHO_REQUEST, 0];

/// Whether messages of this type concern a link alone: neighbour discovery and multicast listener discovery.
#[inline(always)]
pub(crate) const fn is_link_local(kind: u8) -> bool {
    is_listener(kind) || (kind >= TYPE_NEIGHBOUR_FIRST && kind <= TYPE_NEIGHBOUR_LAST)
}

/// Whether it is a message of multicast listener discovery.
#[inline(always)]
pub(crate) const fn is_listener(kind: u8) -> bool {
    (kind >= TYPE_LISTENER_FIRST && kind <= TYPE_LISTENER_LAST) || kind == TYPE_LISTENER_REPORT_V2
}

/// Whether messages of this type quote the packet that they are about: destination unreachable, packet too big, time
/// exceeded, parameter problem.
#[inline(always)]
const fn is_error(kind: u8) -> bool {
    kind >= 1 && kind <= 4
}

/// Reads an ICMPv6 message of `len` bytes, as [`icmp::parse`] does.
#[inline(always)]
pub(crate) fn parse<P: Packet, F: Flows>(
    packet: &P,
    flows: &mut F,
    len: usize,
    meta: &mut Meta,
) -> Result<(), DropReason> {
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
    } else if is_error(kind) && quoted(packet, flows, meta.l4 + len, meta) {
        meta.flags |= ICMP_ERROR;
    } else {
        meta.flags |= UNTRACKED;
    }
    Ok(())
}

/// Puts the tuple of the packet that an error quotes, turned round, into `meta.key`. False leaves the key as it is:
/// the quotation is cut short before `end`, belongs to no flow, or was not sent by whom the error goes to.
#[inline(always)]
fn quoted<P: Packet, F: Flows>(packet: &P, flows: &mut F, end: usize, meta: &mut Meta) -> bool {
    let start = meta.l4 + 8;
    let Some(ip) = packet.at::<Ipv6Header>(start) else { return false };
    let [version, ..] = ip.version_class_label;
    if version >> 4 != 6 || ip.source != meta.key.destination {
        return false;
    }
    let mut chain = Chain::new(ip.next_header, start + HEADER_LEN);
    let destination = ip.destination;
    if ipv6::walk(packet, flows, &mut chain).is_err() || chain.flags & LATER_FRAGMENT != 0 || chain.offset + 8 > end {
        return false;
    }
    if chain.protocol == PROTOCOL_TCP || chain.protocol == PROTOCOL_UDP {
        // Both protocols begin with the ports; eight bytes are all that is read.
        let Some(ports) = packet.at::<UdpHeader>(chain.offset) else { return false };
        meta.key.source_port = ports.destination_port;
        meta.key.destination_port = ports.source_port;
    } else if chain.protocol == PROTOCOL_ICMPV6 {
        let Some(icmp) = packet.at::<IcmpHeader>(chain.offset) else { return false };
        let [kind, _] = icmp.service;
        if kind == TYPE_ECHO_REQUEST {
            meta.key.destination_port = icmp.identifier;
        } else if kind == TYPE_ECHO_REPLY {
            meta.key.source_port = icmp.identifier;
        } else {
            return false;
        }
    }
    meta.key.protocol = chain.protocol;
    meta.key.source = destination;
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
    let Some(ip) = packet.at_mut::<Ipv6Header>(IP_OFFSET) else { return Err(DropReason::Malformed) };
    // The sum over the pseudo header does not change when two of its parts change places.
    swap(&mut ip.source, &mut ip.destination);
    if !meta.is(LATER_FRAGMENT) {
        let Some(icmp) = packet.at_mut::<IcmpHeader>(meta.l4) else { return Err(DropReason::Malformed) };
        let [kind, code] = icmp.service;
        icmp.service = [TYPE_ECHO_REPLY, code];
        icmp.checksum = icmp::checksum_with_type(icmp.checksum, kind, TYPE_ECHO_REPLY);
    }
    verdict.action = Action::Reply as u32;
    verdict.ifindex = meta.key.ifindex;
    Ok(())
}
