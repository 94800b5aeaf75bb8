//! Neighbour discovery: the platform answers for everyone (rules L2-1 to L2-3, V6-2; RFC 4861).

use abi::{
    Address, DropReason, ENDPOINT_GATEWAY, FAMILY_V6, GATEWAY_LINK_LOCAL, GATEWAY_MAC, Mac, NO_ADDRESS, PORT_RUNNING,
    Port,
};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::header::{EthernetHeader, IcmpHeader, Ipv6Header, PROTOCOL_ICMPV6};
use crate::ipv6::HEADER_LEN;
use crate::packet::{ECHO_REQUEST, IP_OFFSET, Meta};
use crate::{
    Action, Flows, Packet, Part, Step, Tables, Trace, Verdict, checksum, endpoint_key, icmpv6, ra, scope, vip,
};

/// Where the ICMPv6 message begins: nothing may stand before it (RFC 6980).
pub(crate) const MESSAGE: usize = IP_OFFSET + HEADER_LEN;

/// What was forwarded has less, and must not be believed.
const HOP_LIMIT: u8 = 255;

const ROUTER_SOLICITATION: u8 = 133;
const NEIGHBOUR_SOLICITATION: u8 = 135;
const NEIGHBOUR_ADVERTISEMENT: u8 = 136;

/// Option types: hardware address of the sender, of the target; both are one unit of eight bytes.
pub(crate) const OPTION_SOURCE: u8 = 1;
const OPTION_TARGET: u8 = 2;

/// Flags of an advertisement.
const ROUTER: u8 = 0x80;
const SOLICITED: u8 = 0x40;
const OVERRIDE: u8 = 0x20;

/// All nodes of the link, and the hardware address that it maps to (RFC 2464, section 7).
pub(crate) const ALL_NODES: Address = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
pub(crate) const ALL_NODES_MAC: Mac = [0x33, 0x33, 0, 0, 0, 1];

/// A neighbour solicitation or advertisement up to its options.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Neighbour {
    service: [u8; 2],
    checksum: [u8; 2],
    flags: [u8; 4],
    target: Address,
}

/// Bytes of [`Neighbour`], and of an option with a hardware address.
const NEIGHBOUR_LEN: usize = 24;
const OPTION_LEN: usize = 8;

/// An option with a hardware address.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct LinkAddress {
    /// [`OPTION_SOURCE`] …
    pub kind: u8,
    /// 1: eight bytes.
    pub units: u8,
    /// The address.
    pub mac: Mac,
}

/// Finds out whether an IPv6 packet is for the link alone ([`Part::Neighbour`]).
#[inline(always)]
pub(crate) fn screen(meta: &Meta, verdict: &mut Verdict) {
    if meta.protocol != PROTOCOL_ICMPV6 {
        return;
    }
    let [kind, _] = meta.service;
    if icmpv6::is_link_local(kind) || (meta.is(ECHO_REQUEST) && meta.key.destination == GATEWAY_LINK_LOCAL) {
        verdict.next = Part::Neighbour as u32;
    }
}

/// Answers a frame that [`screen`] has found, in place, or takes it in.
#[inline(always)]
pub(crate) fn answer<P: Packet, T: Tables, F: Flows, R: Trace>(
    packet: &mut P,
    ifindex: u32,
    port: &Port,
    tables: &T,
    flows: &mut F,
    trace: &mut R,
    verdict: &mut Verdict,
) -> Result<(), DropReason> {
    if port.flags & PORT_RUNNING == 0 {
        return Err(DropReason::WorkloadStopped);
    }
    let Some(ip) = packet.at::<Ipv6Header>(IP_OFFSET) else { return Err(DropReason::Malformed) };
    if ip.next_header != PROTOCOL_ICMPV6 {
        // Reports stand behind a hop-by-hop option; nobody here keeps groups.
        verdict.action = Action::Consume as u32;
        return if is_report(packet) { Ok(()) } else { Err(DropReason::NeighbourIgnored) };
    }
    let source = ip.source;
    let hop_limit = ip.hop_limit;
    let len = u16::from_be_bytes(ip.payload_len) as usize;
    let Some(icmp) = packet.at::<IcmpHeader>(MESSAGE) else { return Err(DropReason::Malformed) };
    let [kind, code] = icmp.service;
    if icmpv6::is_listener(kind) {
        verdict.action = Action::Consume as u32;
        return Ok(());
    }
    if !scope::is_link_local(&source) && source != NO_ADDRESS {
        scope::source_check(tables, port, FAMILY_V6, &source, trace)?;
    }
    if kind == icmpv6::TYPE_ECHO_REQUEST {
        return answer_echo(packet, ifindex, port, &source, trace, verdict);
    }
    if kind != ROUTER_SOLICITATION && kind != NEIGHBOUR_SOLICITATION && kind != NEIGHBOUR_ADVERTISEMENT {
        return Err(DropReason::RouterAdvertisement);
    }
    if hop_limit != HOP_LIMIT || code != 0 {
        return Err(DropReason::NeighbourIgnored);
    }
    if kind == ROUTER_SOLICITATION {
        return ra::advertise(packet, ifindex, port, tables, &source, verdict);
    }
    let Some(message) = packet.at::<Neighbour>(MESSAGE) else { return Err(DropReason::Malformed) };
    let target = message.target;
    let [flags, ..] = message.flags;
    if len < NEIGHBOUR_LEN {
        return Err(DropReason::Malformed);
    }
    // The first option, which is the only one that says an address here.
    if len >= NEIGHBOUR_LEN + OPTION_LEN {
        let Some(option) = packet.at::<LinkAddress>(MESSAGE + NEIGHBOUR_LEN) else { return Err(DropReason::Malformed) };
        if (option.kind == OPTION_SOURCE || option.kind == OPTION_TARGET) && option.mac != port.mac {
            return Err(DropReason::SpoofedMac);
        }
    }
    if kind == NEIGHBOUR_ADVERTISEMENT {
        // Nobody waits for an answer, and there are no caches to tell; but it may move a virtual IP.
        if flags & SOLICITED == 0 && source != NO_ADDRESS {
            vip::claim(tables, flows, port, ifindex, FAMILY_V6, &target);
        }
        verdict.action = Action::Consume as u32;
        return Ok(());
    }
    advertise(packet, ifindex, port, tables, &source, &target, trace, verdict)
}

/// Turns a neighbour solicitation into the advertisement for the one who has the address.
///
/// A solicitation without a source is duplicate address detection (RFC 4862): an answer says that another one has the
/// address, running or not.
#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "all of them are the solicitation's surroundings")]
fn advertise<P: Packet, T: Tables, R: Trace>(
    packet: &mut P,
    ifindex: u32,
    port: &Port,
    tables: &T,
    source: &Address,
    target: &Address,
    trace: &mut R,
    verdict: &mut Verdict,
) -> Result<(), DropReason> {
    let detection = *source == NO_ADDRESS;
    // By who is about to claim it: an answer would keep it from doing so.
    if detection && vip::is_bound(tables, port, FAMILY_V6, target) {
        verdict.action = Action::Consume as u32;
        return Ok(());
    }
    let mut mac = GATEWAY_MAC;
    let mut flags = ROUTER | OVERRIDE;
    if *target != GATEWAY_LINK_LOCAL {
        let Some(endpoint) = tables.endpoint(&endpoint_key(port.vni, FAMILY_V6, target)) else {
            return Err(DropReason::NeighbourIgnored);
        };
        if endpoint.subnet != port.subnet {
            return Err(DropReason::NeighbourIgnored);
        }
        if endpoint.kind != ENDPOINT_GATEWAY {
            // Silence says that nobody has it: to who has it, and to who is about to claim a virtual IP.
            if endpoint.port == port.port || (detection && vip::is_bound(tables, port, FAMILY_V6, target)) {
                verdict.action = Action::Consume as u32;
                return Ok(());
            }
            if endpoint.flags & PORT_RUNNING == 0 && !detection {
                return Err(DropReason::NeighbourIgnored);
            }
            mac = endpoint.mac;
            flags = OVERRIDE;
        }
    }
    trace.step(|| Step::Arp { target: *target, mac });

    let len = (MESSAGE + NEIGHBOUR_LEN + OPTION_LEN) as u32;
    if packet.len() != len && !packet.resize(len) {
        return Err(DropReason::NeighbourIgnored);
    }
    let mut to = Destination { mac: port.mac, address: *source };
    if detection {
        to = Destination { mac: ALL_NODES_MAC, address: ALL_NODES };
    } else {
        flags |= SOLICITED;
    }
    headers(packet, &mac, target, &to, (NEIGHBOUR_LEN + OPTION_LEN) as u16)?;
    let Some(message) = packet.at_mut::<Neighbour>(MESSAGE) else { return Err(DropReason::Malformed) };
    message.service = [NEIGHBOUR_ADVERTISEMENT, 0];
    message.checksum = [0; 2];
    message.flags = [flags, 0, 0, 0];
    let Some(option) = packet.at_mut::<LinkAddress>(MESSAGE + NEIGHBOUR_LEN) else { return Err(DropReason::Malformed) };
    *option = LinkAddress { kind: OPTION_TARGET, units: 1, mac };
    complete::<P, { (NEIGHBOUR_LEN + OPTION_LEN) / 2 }>(packet, target, &to.address)?;
    verdict.action = Action::Reply as u32;
    verdict.ifindex = ifindex;
    Ok(())
}

/// Whom a message goes to.
pub(crate) struct Destination {
    /// Hardware address.
    pub mac: Mac,
    /// Address.
    pub address: Address,
}

/// Writes the headers before an ICMPv6 message of `len` bytes.
#[inline(always)]
pub(crate) fn headers<P: Packet>(
    packet: &mut P,
    from_mac: &Mac,
    from: &Address,
    to: &Destination,
    len: u16,
) -> Result<(), DropReason> {
    let Some(ethernet) = packet.at_mut::<EthernetHeader>(0) else { return Err(DropReason::Malformed) };
    ethernet.destination = to.mac;
    ethernet.source = *from_mac;
    let Some(ip) = packet.at_mut::<Ipv6Header>(IP_OFFSET) else { return Err(DropReason::Malformed) };
    ip.version_class_label = [0x60, 0, 0, 0];
    ip.payload_len = len.to_be_bytes();
    ip.next_header = PROTOCOL_ICMPV6;
    ip.hop_limit = HOP_LIMIT;
    ip.source = *from;
    ip.destination = to.address;
    Ok(())
}

/// Writes the checksum of an ICMPv6 message of `WORDS` words, in whose place there must be zeros.
#[inline(always)]
pub(crate) fn complete<P: Packet, const WORDS: usize>(
    packet: &mut P,
    from: &Address,
    to: &Address,
) -> Result<(), DropReason> {
    let Some(words) = packet.at::<[[u8; 2]; WORDS]>(MESSAGE) else { return Err(DropReason::Malformed) };
    let sum = checksum::sum(words) + checksum::pseudo_header(from, to, WORDS as u16 * 2, PROTOCOL_ICMPV6);
    let Some(icmp) = packet.at_mut::<IcmpHeader>(MESSAGE) else { return Err(DropReason::Malformed) };
    icmp.checksum = checksum::folded(sum);
    Ok(())
}

/// Answers an echo request to the gateway's link-local address (rule L2-1).
#[inline(always)]
fn answer_echo<P: Packet, R: Trace>(
    packet: &mut P,
    ifindex: u32,
    port: &Port,
    source: &Address,
    trace: &mut R,
    verdict: &mut Verdict,
) -> Result<(), DropReason> {
    if *source == NO_ADDRESS {
        return Err(DropReason::SourceCheck);
    }
    trace.step(|| Step::Gateway { subnet: port.subnet, answered: true });
    let mut meta = Meta::new(ifindex);
    meta.l4 = MESSAGE;
    icmpv6::answer(packet, port, &meta, verdict)
}

/// Whether a message of multicast listener discovery stands behind hop-by-hop options, where it has to be.
#[inline(always)]
fn is_report<P: Packet>(packet: &P) -> bool {
    let Some(options) = packet.at::<[u8; 8]>(MESSAGE) else { return false };
    let [next_header, units, ..] = *options;
    let Some(icmp) = packet.at::<IcmpHeader>(MESSAGE + 8) else { return false };
    let [kind, _] = icmp.service;
    next_header == PROTOCOL_ICMPV6 && units == 0 && icmpv6::is_listener(kind)
}
