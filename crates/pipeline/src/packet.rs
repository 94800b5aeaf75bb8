//! Frames: the trait that reads and changes them, and what the pipeline knows about one.

use abi::{Address, DropReason, FlowKey};

use crate::header::{Header, PROTOCOL_TCP, PROTOCOL_UDP, TcpHeader, UdpHeader};

/// The pipeline reads nothing behind this many bytes of an IPv4 frame: Ethernet, IPv4 with options, an ICMP error, the
/// IPv4 header with options that it quotes, and the eight bytes behind that one.
pub const MAX_HEADER_BYTES: u32 = 14 + 60 + 8 + 60 + 8;

/// The same for an IPv6 frame: Ethernet, IPv6, extension headers, an ICMPv6 error, the IPv6 header that it quotes, its
/// extension headers, and the eight bytes behind those.
pub const MAX_HEADER_BYTES_V6: u32 = 14 + 2 * (40 + MAX_EXTENSION_BYTES as u32 + 8);

/// Extension headers of IPv6 that are longer together are not forwarded.
pub(crate) const MAX_EXTENSION_BYTES: usize = 256;

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
    /// The VLAN whose tag stands beside the frame instead of in it, where the kernel puts it: [`abi::NO_VLAN`] without a
    /// tag, [`abi::OTHER_TAG`] for one that is no attachment's.
    fn vlan(&self) -> u32 {
        abi::NO_VLAN
    }
    /// Bytes of payload in each segment that the frame stands for, when it is to be cut into such; else 0.
    fn gso_size(&self) -> u32 {
        0
    }
    /// The header at a byte offset.
    fn at<H: Header>(&self, offset: usize) -> Option<&H>;
    /// The header at a byte offset, to be written.
    fn at_mut<H: Header>(&mut self, offset: usize) -> Option<&mut H>;
    /// Cuts the frame off, or adds zeros behind it, so that it has `len` bytes, all of which can be read afterwards.
    /// False when that cannot be; then the frame is of no more use.
    fn resize(&mut self, len: u32) -> bool;
    /// Adds `bytes` zeros before the frame. As [`Packet::resize`] otherwise.
    fn prepend(&mut self, bytes: u32) -> bool;
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
    pub identification: [u8; 4],
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
            identification: [0; 4],
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

/// Reads the header of TCP or UDP, `len` being the bytes of the packet from there on. Others have none that matters.
#[inline(always)]
pub(crate) fn transport<P: Packet>(packet: &P, len: usize, meta: &mut Meta) -> Result<(), DropReason> {
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
    }
    Ok(())
}
