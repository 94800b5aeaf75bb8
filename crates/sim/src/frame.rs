//! Frames as workloads send them: what the tracer sends, and what tests need.
//!
//! All checksums are right. Payloads are short and fixed: nothing in the pipeline depends on them.

use std::net::Ipv4Addr;

use abi::{GATEWAY_MAC, Mac};
use etherparse::{
    ArpHardwareId, ArpOperation, ArpPacket, EtherType, Icmpv4Slice, Icmpv4Type, NetSlice, PacketBuilder,
    PacketBuilderStep, SlicedPacket, TransportSlice, ip_number,
};

/// Time to live of the frames made here, as Linux sends them.
pub const TTL: u8 = 64;

const PAYLOAD: &[u8] = b"causeway";
const TCP_WINDOW: u16 = 64_240;

/// Who sends a frame, and to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// Hardware address of the sender's interface.
    pub source_mac: Mac,
    /// Hardware address that the sender found by ARP; the gateway's for anything outside the subnet.
    pub destination_mac: Mac,
    /// The sender's address.
    pub source: Ipv4Addr,
    /// The receiver's address.
    pub destination: Ipv4Addr,
}

impl Ends {
    /// A frame sent by way of the gateway. The pipeline treats frames inside a subnet no different.
    #[must_use]
    pub fn by_gateway(source_mac: Mac, source: Ipv4Addr, destination: Ipv4Addr) -> Self {
        Self { source_mac, destination_mac: GATEWAY_MAC, source, destination }
    }

    fn ipv4(&self) -> PacketBuilderStep<etherparse::IpHeaders> {
        PacketBuilder::ethernet2(self.source_mac, self.destination_mac).ipv4(
            self.source.octets(),
            self.destination.octets(),
            TTL,
        )
    }

    /// An ICMP echo request.
    #[must_use]
    pub fn echo_request(&self, identifier: u16, sequence: u16) -> Vec<u8> {
        written(|frame| self.ipv4().icmpv4_echo_request(identifier, sequence).write(frame, PAYLOAD))
    }

    /// An ICMP echo reply.
    #[must_use]
    pub fn echo_reply(&self, identifier: u16, sequence: u16) -> Vec<u8> {
        written(|frame| self.ipv4().icmpv4_echo_reply(identifier, sequence).write(frame, PAYLOAD))
    }

    /// An ICMP message of any type that quotes the beginning of a frame's packet, as errors do: its IPv4 header and
    /// eight bytes more.
    #[must_use]
    pub fn icmp_quoting(&self, kind: u8, code: u8, frame: &[u8]) -> Vec<u8> {
        let packet = frame.get(14..).unwrap_or_default();
        let header_len = packet.first().map_or(20, |byte| usize::from(byte & 15) * 4);
        let quoted = packet.get(..header_len + 8).unwrap_or(packet);
        written(|out| self.ipv4().icmpv4_raw(kind, code, [0; 4]).write(out, quoted))
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
        written(|frame| self.ipv4().tcp_header(tcp).write(frame, &[]))
    }

    /// A UDP datagram.
    #[must_use]
    pub fn udp(&self, source_port: u16, destination_port: u16) -> Vec<u8> {
        written(|frame| self.ipv4().udp(source_port, destination_port).write(frame, PAYLOAD))
    }

    /// A packet of any other IP protocol.
    #[must_use]
    pub fn ip(&self, protocol: u8) -> Vec<u8> {
        written(|frame| self.ipv4().write(frame, protocol.into(), PAYLOAD))
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
    let Some(NetSlice::Ipv4(ip)) = &sliced.net else { return None };
    let etherparse::LinkSlice::Ethernet2(ethernet) = sliced.link? else { return None };
    let ends = Ends {
        source_mac: ethernet.destination(),
        destination_mac: ethernet.source(),
        source: ip.header().destination_addr(),
        destination: ip.header().source_addr(),
    };
    match sliced.transport {
        Some(TransportSlice::Icmpv4(icmp)) => echo_answer(&ends, &icmp),
        Some(TransportSlice::Tcp(tcp)) => {
            let flags = match (tcp.syn(), tcp.ack(), tcp.rst()) {
                (_, _, true) => return None,
                (true, false, _) => TcpFlags::SynAck,
                _ => TcpFlags::Ack,
            };
            Some(ends.tcp(tcp.destination_port(), tcp.source_port(), flags))
        }
        Some(TransportSlice::Udp(udp)) => Some(ends.udp(udp.destination_port(), udp.source_port())),
        Some(_) => None,
        None if ip.payload_ip_number() == ip_number::ICMP => None,
        None => Some(ends.ip(ip.header().protocol().0)),
    }
}

fn echo_answer(ends: &Ends, icmp: &Icmpv4Slice<'_>) -> Option<Vec<u8>> {
    match icmp.icmp_type() {
        Icmpv4Type::EchoRequest(echo) => Some(ends.echo_reply(echo.id, echo.seq)),
        _ => None,
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
