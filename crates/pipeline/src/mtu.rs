//! Packets larger than the MTU: told back to the sender (rule MTU-3).
//!
//! Not here: the fragmentation of IPv4 packets that allow it. A program at this place cannot make several packets of
//! one, so they are dropped as [`DropReason::PacketTooBig`]. A guest sends none, since its interface has the same MTU.

use abi::{Address, DropReason, GATEWAY_MAC, NO_ADDRESS, PORT_RUNNING, Port};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::header::{
    ETHERTYPE_IPV4, ETHERTYPE_IPV6, EthernetHeader, Ipv4Header, Ipv6Header, PROTOCOL_ICMP, PROTOCOL_ICMPV6,
    PROTOCOL_TCP, TcpHeader,
};
use crate::ipv6::HEADER_LEN;
use crate::nd::{self, Destination};
use crate::packet::{IP_OFFSET, Meta};
use crate::{Action, Packet, Tables, Verdict, checksum};

/// Where the ICMP message of an answer begins in IPv4.
const ICMP: usize = IP_OFFSET + 20;
/// Bytes of an ICMP header, of either family.
const ICMP_LEN: usize = 8;
/// Bytes put before the packet, which thereby is quoted where it is.
const BEFORE_V4: usize = 20 + ICMP_LEN;
const BEFORE_V6: usize = HEADER_LEN + ICMP_LEN;
/// Bytes quoted: an answer has at most 576 bytes (RFC 1812, section 4.3.2.3) or 1280 (RFC 4443, section 2.4). The packet
/// has more, being larger than the MTU.
const QUOTED_V4: usize = 576 - BEFORE_V4;
const QUOTED_V6: usize = 1280 - BEFORE_V6;

/// Type and code of "fragmentation needed", type of "packet too big".
const FRAGMENTATION_NEEDED: [u8; 2] = [3, 4];
const PACKET_TOO_BIG: u8 = 2;

const DONT_FRAGMENT: u8 = 0x40;

/// An ICMP error up to what it quotes.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct TooBig {
    service: [u8; 2],
    checksum: [u8; 2],
    /// The largest packet that would have passed; IPv4: in the last two bytes (RFC 1191, section 4).
    mtu: [u8; 4],
}

/// Whether the packet, or the packets that it is to be cut into, are larger than the MTU.
#[inline(always)]
pub(crate) fn exceeds<P: Packet>(packet: &P, port: &Port, meta: &Meta) -> bool {
    let mtu = port.mtu as usize;
    if packet.len() as usize <= IP_OFFSET + mtu {
        return false;
    }
    let payload = packet.gso_size() as usize;
    if payload == 0 {
        return true;
    }
    let mut header = 8;
    if meta.protocol == PROTOCOL_TCP {
        let Some(tcp) = packet.at::<TcpHeader>(meta.l4) else { return true };
        header = (tcp.offset >> 4) as usize * 4;
    }
    meta.l4 - IP_OFFSET + header + payload > mtu
}

/// Makes of a packet that [`exceeds`] the MTU what the gateway says about it.
#[inline(always)]
pub(crate) fn answer<P: Packet, T: Tables>(
    packet: &mut P,
    ifindex: u32,
    tables: &T,
    verdict: &mut Verdict,
) -> Result<(), DropReason> {
    let Some(port) = tables.port(ifindex) else { return Err(DropReason::UnknownPort) };
    verdict.vni = port.vni;
    if port.flags & PORT_RUNNING == 0 {
        return Err(DropReason::WorkloadStopped);
    }
    let Some(subnet) = tables.subnet(&port.subnet) else { return Err(DropReason::PacketTooBig) };
    let Some(ethernet) = packet.at::<EthernetHeader>(0) else { return Err(DropReason::Malformed) };
    if ethernet.ethertype == ETHERTYPE_IPV6 {
        let gateway = subnet.gateway_v6;
        packet_too_big(packet, port, &gateway)?;
    } else {
        let gateway = subnet.gateway;
        fragmentation_needed(packet, port, gateway)?;
    }
    verdict.action = Action::Reply as u32;
    verdict.ifindex = ifindex;
    Ok(())
}

#[inline(always)]
fn fragmentation_needed<P: Packet>(packet: &mut P, port: &Port, gateway: [u8; 4]) -> Result<(), DropReason> {
    let Some(ip) = packet.at::<Ipv4Header>(IP_OFFSET) else { return Err(DropReason::Malformed) };
    let source = ip.source;
    let [flags, offset] = ip.fragment;
    // Not about a later fragment (RFC 1122, section 3.2.2), not without a sender to tell.
    if flags & DONT_FRAGMENT == 0 || flags & 0x1f != 0 || offset != 0 || gateway == [0; 4] || source == [0; 4] {
        return Err(DropReason::PacketTooBig);
    }
    if ip.protocol == PROTOCOL_ICMP {
        let l4 = IP_OFFSET + (ip.version_ihl & 15) as usize * 4;
        let Some([kind, _]) = packet.at::<[u8; 2]>(l4) else { return Err(DropReason::Malformed) };
        // Nor about an error; those are the messages that are neither echo nor question nor answer.
        if matches!(*kind, 3 | 4 | 5 | 11 | 12) {
            return Err(DropReason::PacketTooBig);
        }
    }
    if !packet.resize((IP_OFFSET + QUOTED_V4) as u32) || !packet.prepend(BEFORE_V4 as u32) {
        return Err(DropReason::PacketTooBig);
    }
    let Some(ethernet) = packet.at_mut::<EthernetHeader>(0) else { return Err(DropReason::Malformed) };
    ethernet.destination = port.mac;
    ethernet.source = GATEWAY_MAC;
    ethernet.ethertype = ETHERTYPE_IPV4;
    let Some(ip) = packet.at_mut::<Ipv4Header>(IP_OFFSET) else { return Err(DropReason::Malformed) };
    *ip = Ipv4Header {
        version_ihl: 0x45,
        tos: 0,
        total_len: ((BEFORE_V4 + QUOTED_V4) as u16).to_be_bytes(),
        identification: [0; 2],
        fragment: [0; 2],
        ttl: 64,
        protocol: PROTOCOL_ICMP,
        checksum: [0; 2],
        source: gateway,
        destination: source,
    };
    checksum::complete_ipv4(packet)?;
    let Some(icmp) = packet.at_mut::<TooBig>(ICMP) else { return Err(DropReason::Malformed) };
    let [high, low] = port.mtu.to_be_bytes();
    *icmp = TooBig { service: FRAGMENTATION_NEEDED, checksum: [0; 2], mtu: [0, 0, high, low] };
    let Some(words) = packet.at::<[[u8; 2]; (ICMP_LEN + QUOTED_V4) / 2]>(ICMP) else {
        return Err(DropReason::Malformed);
    };
    let sum = checksum::sum(words);
    let Some(icmp) = packet.at_mut::<TooBig>(ICMP) else { return Err(DropReason::Malformed) };
    icmp.checksum = checksum::folded(sum);
    Ok(())
}

#[inline(always)]
fn packet_too_big<P: Packet>(packet: &mut P, port: &Port, gateway: &Address) -> Result<(), DropReason> {
    let Some(ip) = packet.at::<Ipv6Header>(IP_OFFSET) else { return Err(DropReason::Malformed) };
    let source = ip.source;
    if *gateway == NO_ADDRESS || source == NO_ADDRESS {
        return Err(DropReason::PacketTooBig);
    }
    if ip.next_header == PROTOCOL_ICMPV6 {
        let Some([kind, _]) = packet.at::<[u8; 2]>(nd::MESSAGE) else { return Err(DropReason::Malformed) };
        // Types below 128 are errors.
        if *kind < 128 {
            return Err(DropReason::PacketTooBig);
        }
    }
    if !packet.resize((IP_OFFSET + QUOTED_V6) as u32) || !packet.prepend(BEFORE_V6 as u32) {
        return Err(DropReason::PacketTooBig);
    }
    let to = Destination { mac: port.mac, address: source };
    nd::headers(packet, &GATEWAY_MAC, gateway, &to, (ICMP_LEN + QUOTED_V6) as u16)?;
    let Some(ethernet) = packet.at_mut::<EthernetHeader>(0) else { return Err(DropReason::Malformed) };
    ethernet.ethertype = ETHERTYPE_IPV6;
    let Some(icmp) = packet.at_mut::<TooBig>(nd::MESSAGE) else { return Err(DropReason::Malformed) };
    let mtu = (port.mtu as u32).to_be_bytes();
    *icmp = TooBig { service: [PACKET_TOO_BIG, 0], checksum: [0; 2], mtu };
    nd::complete::<P, { (ICMP_LEN + QUOTED_V6) / 2 }>(packet, gateway, &source)
}
