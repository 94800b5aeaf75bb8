//! Frames: the trait that reads them, the headers in them, and what the pipeline knows about one.

use abi::{Address, DropReason, FAMILY_V4, FlowKey};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::icmp;

/// EtherType of ARP.
pub const ETHERTYPE_ARP: [u8; 2] = [0x08, 0x06];
/// EtherType of IPv4.
pub const ETHERTYPE_IPV4: [u8; 2] = [0x08, 0x00];
/// EtherType of IPv6.
pub const ETHERTYPE_IPV6: [u8; 2] = [0x86, 0xdd];

/// IP protocol number of ICMP.
pub const PROTOCOL_ICMP: u8 = 1;
/// IP protocol number of TCP.
pub const PROTOCOL_TCP: u8 = 6;
/// IP protocol number of UDP.
pub const PROTOCOL_UDP: u8 = 17;

/// The pipeline reads nothing behind this many bytes of a frame: Ethernet, IPv4 with options, an ICMP error, the IPv4
/// header with options that it quotes, and the eight bytes behind that one.
pub const MAX_HEADER_BYTES: u32 = 14 + 60 + 8 + 60 + 8;

/// A type that any bytes at any place may be read as.
pub trait Header: FromBytes + IntoBytes + KnownLayout + Immutable + Unaligned {}
impl<T: FromBytes + IntoBytes + KnownLayout + Immutable + Unaligned> Header for T {}

/// One Ethernet frame.
///
/// `at` and `at_mut` return `None` when the frame is too short. They are never asked for a type of one byte (the
/// verifier learns nothing from the comparison that the compiler makes of it).
pub trait Packet {
    /// Length of the frame in bytes, Ethernet header included.
    fn len(&self) -> u32;
    /// Whether the frame has no bytes.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Whether a VLAN tag stands beside the frame instead of in it, where the kernel puts it.
    fn is_tagged(&self) -> bool {
        false
    }
    /// The header at a byte offset.
    fn at<H: Header>(&self, offset: usize) -> Option<&H>;
    /// The header at a byte offset, to be written.
    fn at_mut<H: Header>(&mut self, offset: usize) -> Option<&mut H>;
}

/// Ethernet II.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct EthernetHeader {
    /// To whom.
    pub destination: [u8; 6],
    /// From whom.
    pub source: [u8; 6],
    /// What follows, in network byte order.
    pub ethertype: [u8; 2],
}

/// ARP for IPv4 over Ethernet (RFC 826).
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct ArpPacket {
    /// 1: Ethernet.
    pub hardware_type: [u8; 2],
    /// 0x0800: IPv4.
    pub protocol_type: [u8; 2],
    /// 6 and 4: lengths of the addresses.
    pub lengths: [u8; 2],
    /// 1: request, 2: reply.
    pub operation: [u8; 2],
    /// The sender's hardware address.
    pub sender_mac: [u8; 6],
    /// The sender's protocol address.
    pub sender: [u8; 4],
    /// The target's hardware address.
    pub target_mac: [u8; 6],
    /// The target's protocol address.
    pub target: [u8; 4],
}

/// IPv4 without options (RFC 791).
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Ipv4Header {
    /// Version and header length in words.
    pub version_ihl: u8,
    /// Type of service.
    pub tos: u8,
    /// Length of the packet, header included.
    pub total_len: [u8; 2],
    /// Identification.
    pub identification: [u8; 2],
    /// Flags and offset in units of eight bytes.
    pub fragment: [u8; 2],
    /// Time to live.
    pub ttl: u8,
    /// What follows.
    pub protocol: u8,
    /// Checksum of the header.
    pub checksum: [u8; 2],
    /// From whom.
    pub source: [u8; 4],
    /// To whom.
    pub destination: [u8; 4],
}

/// TCP without options (RFC 9293).
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct TcpHeader {
    /// Source port.
    pub source_port: [u8; 2],
    /// Destination port.
    pub destination_port: [u8; 2],
    /// Sequence number.
    pub sequence: [u8; 4],
    /// Acknowledgement number.
    pub acknowledgement: [u8; 4],
    /// Header length in words.
    pub offset: u8,
    /// Flags: FIN 1, SYN 2, RST 4, PSH 8, ACK 16.
    pub flags: u8,
    /// Window.
    pub window: [u8; 2],
    /// Checksum.
    pub checksum: [u8; 2],
    /// Urgent pointer.
    pub urgent: [u8; 2],
}

/// UDP (RFC 768).
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct UdpHeader {
    /// Source port.
    pub source_port: [u8; 2],
    /// Destination port.
    pub destination_port: [u8; 2],
    /// Length, header included.
    pub len: [u8; 2],
    /// Checksum.
    pub checksum: [u8; 2],
}

/// ICMP (RFC 792), read as an echo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct IcmpHeader {
    /// Type and code.
    pub service: [u8; 2],
    /// Checksum of the message.
    pub checksum: [u8; 2],
    /// Identifier.
    pub identifier: [u8; 2],
    /// Sequence number.
    pub sequence: [u8; 2],
}

/// Offset of the network header.
pub(crate) const IP_OFFSET: usize = 14;

const TCP_FIN: u8 = 1;
const TCP_SYN: u8 = 2;
const TCP_RST: u8 = 4;
const TCP_ACK: u8 = 16;

/// A TCP segment that opens a connection: SYN without ACK.
pub(crate) const SYN: u32 = 1;
/// A TCP segment with SYN.
pub(crate) const ANY_SYN: u32 = 2;
/// A TCP segment with FIN or RST.
pub(crate) const CLOSES: u32 = 4;
/// A TCP segment with RST.
pub(crate) const RST: u32 = 8;
/// An ICMP echo request.
pub(crate) const ECHO_REQUEST: u32 = 16;
/// An ICMP echo reply.
pub(crate) const ECHO_REPLY: u32 = 32;
/// An ICMP error; [`Meta::key`] is that of the flow it is about.
pub(crate) const ICMP_ERROR: u32 = 64;
/// Belongs to no flow: the rules decide about each packet by itself.
pub(crate) const UNTRACKED: u32 = 128;
/// The first fragment of several.
pub(crate) const FIRST_FRAGMENT: u32 = 256;
/// A fragment without the L4 header.
pub(crate) const LATER_FRAGMENT: u32 = 512;

/// What is known about an IP packet. Made by [`parse`].
pub(crate) struct Meta {
    /// The packet's tuple at the port that sends it; for an ICMP error that of the flow it is about. The destination
    /// is the packet's own in either case.
    pub key: FlowKey,
    /// The packet's own source, also for an ICMP error.
    pub source: Address,
    /// As in [`abi::RuleKey::service`].
    pub service: [u8; 2],
    /// Identification, for fragments.
    pub identification: [u8; 2],
    /// The packet's own protocol.
    pub protocol: u8,
    /// Offset of the L4 header.
    pub l4: usize,
    /// [`SYN`] to [`LATER_FRAGMENT`].
    pub flags: u32,
}

impl Meta {
    /// Nothing known yet.
    #[inline(always)]
    pub const fn new(ifindex: u32) -> Self {
        Self {
            key: FlowKey {
                ifindex,
                source_port: [0; 2],
                destination_port: [0; 2],
                source: [0; 16],
                destination: [0; 16],
                protocol: 0,
                family: 0,
                pad: [0; 2],
            },
            source: [0; 16],
            service: [0; 2],
            identification: [0; 2],
            protocol: 0,
            l4: 0,
            flags: 0,
        }
    }

    /// Whether any of these flags is set.
    #[inline(always)]
    pub const fn is(&self, flags: u32) -> bool {
        self.flags & flags != 0
    }
}

/// An IPv4 address as it stands in keys.
#[inline(always)]
pub(crate) const fn address_v4(bytes: &[u8; 4]) -> Address {
    let [a, b, c, d] = *bytes;
    [a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
}

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
    meta.identification = ip.identification;
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
    transport(packet, total_len - header_len, meta)
}

/// Reads the L4 header, `len` being the bytes of the packet from there on.
#[inline(always)]
fn transport<P: Packet>(packet: &P, len: usize, meta: &mut Meta) -> Result<(), DropReason> {
    if meta.protocol == PROTOCOL_TCP {
        let Some(tcp) = packet.at::<TcpHeader>(meta.l4) else { return Err(DropReason::Malformed) };
        if len < 20 {
            return Err(DropReason::Malformed);
        }
        meta.key.source_port = tcp.source_port;
        meta.key.destination_port = tcp.destination_port;
        meta.service = tcp.destination_port;
        if tcp.flags & TCP_SYN != 0 {
            meta.flags |= if tcp.flags & TCP_ACK == 0 { SYN | ANY_SYN } else { ANY_SYN };
        }
        if tcp.flags & (TCP_FIN | TCP_RST) != 0 {
            meta.flags |= if tcp.flags & TCP_RST != 0 { CLOSES | RST } else { CLOSES };
        }
    } else if meta.protocol == PROTOCOL_UDP {
        let Some(udp) = packet.at::<UdpHeader>(meta.l4) else { return Err(DropReason::Malformed) };
        if len < 8 {
            return Err(DropReason::Malformed);
        }
        meta.key.source_port = udp.source_port;
        meta.key.destination_port = udp.destination_port;
        meta.service = udp.destination_port;
    } else if meta.protocol == PROTOCOL_ICMP {
        if len < 8 {
            return Err(DropReason::Malformed);
        }
        return icmp::parse(packet, len, meta);
    }
    Ok(())
}
