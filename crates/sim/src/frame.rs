//! Frames as workloads send them: what the tracer sends, and what tests need.
//!
//! All checksums are right. Payloads are short and fixed: nothing in the pipeline depends on them. Each function makes a
//! frame of the family of the addresses that it is given; a frame whose ends are of different families is empty, and no
//! port takes it.

mod neighbor;

use std::net::{IpAddr, Ipv4Addr};

use abi::{GATEWAY_MAC, Mac};
use etherparse::{
    ArpHardwareId, ArpOperation, ArpPacket, EtherType, Icmpv4Type, Icmpv6Type, IpHeaders, NetSlice, PacketBuilder,
    PacketBuilderStep, SlicedPacket, TransportSlice, ip_number,
};

pub use neighbor::{link_local, neighbor_advertisement, neighbor_solicitation, router_solicitation};

/// Time to live of the frames made here, as Linux sends them.
pub const TTL: u8 = 64;

const PAYLOAD: &[u8] = b"causeway";
const TCP_WINDOW: u16 = 64_240;

/// Who sends a frame, and to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// Hardware address of the sender's interface.
    pub source_mac: Mac,
    /// Hardware address that the sender found by ARP or neighbor discovery; the gateway's for anything outside the subnet.
    pub destination_mac: Mac,
    /// The sender's address.
    pub source: IpAddr,
    /// The receiver's address.
    pub destination: IpAddr,
}

impl Ends {
    /// A frame sent by way of the gateway. The pipeline treats frames inside a subnet no different.
    #[must_use]
    pub fn by_gateway(source_mac: Mac, source: impl Into<IpAddr>, destination: impl Into<IpAddr>) -> Self {
        Self { source_mac, destination_mac: GATEWAY_MAC, source: source.into(), destination: destination.into() }
    }

    /// A frame with the ends' headers and what `rest` adds.
    fn frame<E>(&self, rest: impl FnOnce(PacketBuilderStep<IpHeaders>, &mut Vec<u8>) -> Result<(), E>) -> Vec<u8> {
        let ethernet = PacketBuilder::ethernet2(self.source_mac, self.destination_mac);
        let headers = match (self.source, self.destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => ethernet.ipv4(source.octets(), destination.octets(), TTL),
            (IpAddr::V6(source), IpAddr::V6(destination)) => ethernet.ipv6(source.octets(), destination.octets(), TTL),
            _ => return Vec::new(),
        };
        written(|frame| rest(headers, frame))
    }

    /// An echo request of ICMP or ICMPv6.
    #[must_use]
    pub fn echo_request(&self, identifier: u16, sequence: u16) -> Vec<u8> {
        self.frame(|ip, frame| match self.source {
            IpAddr::V4(_) => ip.icmpv4_echo_request(identifier, sequence).write(frame, PAYLOAD),
            IpAddr::V6(_) => ip.icmpv6_echo_request(identifier, sequence).write(frame, PAYLOAD),
        })
    }

    /// An echo reply of ICMP or ICMPv6.
    #[must_use]
    pub fn echo_reply(&self, identifier: u16, sequence: u16) -> Vec<u8> {
        self.frame(|ip, frame| match self.source {
            IpAddr::V4(_) => ip.icmpv4_echo_reply(identifier, sequence).write(frame, PAYLOAD),
            IpAddr::V6(_) => ip.icmpv6_echo_reply(identifier, sequence).write(frame, PAYLOAD),
        })
    }

    /// An ICMP or ICMPv6 message of any type that quotes the beginning of a frame's packet, as errors do: of IPv4 its
    /// header and eight bytes more, of IPv6 as much as fits into 1,280 bytes.
    #[must_use]
    pub fn icmp_quoting(&self, kind: u8, code: u8, frame: &[u8]) -> Vec<u8> {
        self.icmp_quoting_with(kind, code, [0; 4], frame)
    }

    /// The same with the second four bytes of the ICMP header: an MTU, a pointer.
    #[must_use]
    pub fn icmp_quoting_with(&self, kind: u8, code: u8, rest: [u8; 4], frame: &[u8]) -> Vec<u8> {
        /// RFC 4443 section 2.4 (c): the smallest MTU without the headers of IPv6 and ICMPv6.
        const QUOTED_V6: usize = 1280 - 40 - 8;
        let packet = frame.get(14..).unwrap_or_default();
        let length = match self.source {
            IpAddr::V4(_) => packet.first().map_or(20, |byte| usize::from(byte & 15) * 4) + 8,
            IpAddr::V6(_) => QUOTED_V6,
        };
        let quoted = packet.get(..length).unwrap_or(packet);
        self.frame(|ip, out| match self.source {
            IpAddr::V4(_) => ip.icmpv4_raw(kind, code, rest).write(out, quoted),
            IpAddr::V6(_) => ip.icmpv6_raw(kind, code, rest).write(out, quoted),
        })
    }

    /// A TCP segment.
    #[must_use]
    pub fn tcp(&self, source_port: u16, destination_port: u16, flags: TcpFlags) -> Vec<u8> {
        let mut tcp = etherparse::TcpHeader::new(source_port, destination_port, 1, TCP_WINDOW);
        tcp.syn = matches!(flags, TcpFlags::Syn | TcpFlags::SynAck);
        tcp.ack = !matches!(flags, TcpFlags::Syn);
        tcp.fin = matches!(flags, TcpFlags::Fin);
        tcp.rst = matches!(flags, TcpFlags::Rst);
        tcp.acknowledgment_number = u32::from(tcp.ack);
        self.frame(|ip, frame| ip.tcp_header(tcp).write(frame, &[]))
    }

    /// A UDP datagram.
    #[must_use]
    pub fn udp(&self, source_port: u16, destination_port: u16) -> Vec<u8> {
        self.frame(|ip, frame| ip.udp(source_port, destination_port).write(frame, PAYLOAD))
    }

    /// A packet of any other IP protocol.
    #[must_use]
    pub fn ip(&self, protocol: u8) -> Vec<u8> {
        self.frame(|ip, frame| ip.write(frame, protocol.into(), PAYLOAD))
    }
}

/// What a TCP segment says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TcpFlags {
    /// SYN: opens a connection.
    Syn,
    /// SYN and ACK: accepts it.
    SynAck,
    /// ACK: everything in between.
    Ack,
    /// FIN and ACK: closes one direction.
    Fin,
    /// RST and ACK: refuses or aborts.
    Rst,
}

/// An ARP request, broadcast.
#[must_use]
pub fn arp_request(sender_mac: Mac, sender: Ipv4Addr, target: Ipv4Addr) -> Vec<u8> {
    let arp = ArpPacket::new(
        ArpHardwareId::ETHERNET,
        EtherType::IPV4,
        ArpOperation::REQUEST,
        &sender_mac,
        &sender.octets(),
        &[0; 6],
        &target.octets(),
    );
    match arp {
        Ok(arp) => written(|frame| PacketBuilder::ethernet2(sender_mac, [0xff; 6]).arp(arp).write(frame)),
        Err(_) => Vec::new(),
    }
}

/// What a workload without firewall or listener rules of its own would answer to a delivered frame: an echo reply, a
/// SYN-ACK, an ACK, or a datagram back. `None` for what asks for no answer.
///
/// Hardware addresses are turned round as well, so `frame` is to be as it was delivered.
#[must_use]
pub fn answer(frame: &[u8]) -> Option<Vec<u8>> {
    let sliced = SlicedPacket::from_ethernet(frame).ok()?;
    let etherparse::LinkSlice::Ethernet2(ethernet) = sliced.link? else { return None };
    let (from, to, protocol) = match &sliced.net? {
        NetSlice::Ipv4(ip) => {
            let header = ip.header();
            (header.source_addr().into(), header.destination_addr().into(), ip.payload_ip_number())
        }
        NetSlice::Ipv6(ip) => {
            let header = ip.header();
            (header.source_addr().into(), header.destination_addr().into(), ip.payload().ip_number)
        }
        _ => return None,
    };
    let ends =
        Ends { source_mac: ethernet.destination(), destination_mac: ethernet.source(), source: to, destination: from };
    match sliced.transport {
        Some(TransportSlice::Icmpv4(icmp)) => match icmp.icmp_type() {
            Icmpv4Type::EchoRequest(echo) => Some(ends.echo_reply(echo.id, echo.seq)),
            _ => None,
        },
        Some(TransportSlice::Icmpv6(icmp)) => match icmp.icmp_type() {
            Icmpv6Type::EchoRequest(echo) => Some(ends.echo_reply(echo.id, echo.seq)),
            _ => None,
        },
        Some(TransportSlice::Tcp(tcp)) => {
            let flags = match (tcp.syn(), tcp.ack(), tcp.rst()) {
                (_, _, true) => return None,
                (true, false, _) => TcpFlags::SynAck,
                _ => TcpFlags::Ack,
            };
            Some(ends.tcp(tcp.destination_port(), tcp.source_port(), flags))
        }
        Some(TransportSlice::Udp(udp)) => Some(ends.udp(udp.destination_port(), udp.source_port())),
        Some(TransportSlice::Igmp(_)) => None,
        None if [ip_number::ICMP, ip_number::IPV6_ICMP].contains(&protocol) => None,
        None => Some(ends.ip(protocol.0)),
    }
}

/// Writing a short frame to memory does not fail; if it did, the frame would be empty and no port would take it.
fn written<E>(write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Vec<u8> {
    let mut frame = Vec::new();
    if write(&mut frame).is_err() {
        frame.clear();
    }
    frame
}

#[cfg(test)]
mod tests;
