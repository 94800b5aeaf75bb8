//! The flow table, fragments and drop counters: what the pipeline writes.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::{Address, Id, Mac};

/// The port's rules allowed packets of this tuple out: the reverse may come in (rule SG-4).
pub const FLOW_OUT_ALLOWED: u8 = 1;
/// The port's rules allowed packets of the reverse tuple in: this tuple may go out (rule SG-4).
pub const FLOW_IN_ALLOWED: u8 = 2;
/// Packets were seen both ways.
pub const FLOW_REPLIED: u8 = 4;
/// `action`, `ifindex`, `dmac`, `smac` and `vni` hold the outcome under `generation`.
pub const FLOW_RESOLVED: u8 = 8;
/// FIN or RST was seen: times out soon.
pub const FLOW_CLOSING: u8 = 16;
/// The sender of the packets let in by [`FLOW_IN_ALLOWED`] had its check off.
pub const FLOW_SENDER_UNCHECKED: u8 = 32;
/// The packets let in by [`FLOW_IN_ALLOWED`] come from the port's own subnet: no network ACL has a say (rule ACL-2).
pub const FLOW_SAME_SUBNET: u8 = 64;

/// A packet that originates in the VPC (rule SG-7).
pub const ORIGIN_VPC: u8 = 1;
/// A packet that arrived through a peering.
pub const ORIGIN_PEERING: u8 = 2;
/// A packet emitted by a port whose check is off.
pub const ORIGIN_UNCHECKED: u8 = 3;

/// Key of maps `FLOWS` and `NEW_FLOWS` (LRU hash): a tuple **as the port sends it**, whichever way a packet goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct FlowKey {
    /// The port's attachment (see [`crate::attachment`]).
    pub ifindex: u32,
    /// The port's side's L4 port in network byte order; ICMP: the identifier of a request it sends.
    pub source_port: [u8; 2],
    /// The other side's L4 port; ICMP: the identifier of a reply that the port sends.
    pub destination_port: [u8; 2],
    /// The port's side's address (or, for a forwarding port, the source that it sends).
    pub source: Address,
    /// The other side's address.
    pub destination: Address,
    /// IP protocol number.
    pub protocol: u8,
    /// Address family.
    pub family: u8,
    /// Zero.
    pub pad: [u8; 2],
}

/// State of a tuple at a port. Value of maps `FLOWS` and `NEW_FLOWS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Flow {
    /// Whose entry it is: the port's id and the tuple, folded. An entry with another tag is of a port that had the
    /// interface index before, or was given to another flow while it was read.
    pub tag: u64,
    /// Generation of the port's VPC under which the outcome was decided.
    pub generation: u64,
    /// When a packet of the flow was last seen in either direction, with a grain of one second or finer.
    pub seen: u64,
    /// Attachment to deliver to (see [`crate::attachment`]).
    pub ifindex: u32,
    /// VPC that the packet ends in.
    pub vni: u32,
    /// Destination hardware address to write.
    pub dmac: Mac,
    /// Source hardware address to write.
    pub smac: Mac,
    /// `FLOW_*`.
    pub flags: u8,
    /// How the packets let in by [`FLOW_IN_ALLOWED`] arrived: `ORIGIN_*`, 0 when none was.
    pub origin: u8,
    /// The pipeline's action for packets of the flow.
    pub action: u8,
    /// Zero.
    pub pad: u8,
    /// Policy under which [`FLOW_IN_ALLOWED`] was decided is the port's; this is the generation it was decided at.
    pub in_generation: u64,
    /// Host to tunnel to, for a flow that leaves this host.
    pub vtep: Address,
}

/// Key of map `FRAGMENTS` (LRU hash): a fragmented packet on its way (rule PEER-17).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct FragmentKey {
    /// Attachment that the packet came in by (see [`crate::attachment`]).
    pub ifindex: u32,
    /// Identification of the packet (IPv4: in the first two bytes).
    pub identification: [u8; 4],
    /// Source address.
    pub source: Address,
    /// Destination address.
    pub destination: Address,
    /// IP protocol number; IPv6: zero.
    pub protocol: u8,
    /// Address family.
    pub family: u8,
    /// Zero.
    pub pad: [u8; 2],
}

/// The ports that only the first fragment has. Value of map `FRAGMENTS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct FragmentPorts {
    /// As [`FlowKey::source_port`].
    pub source_port: [u8; 2],
    /// As [`FlowKey::destination_port`].
    pub destination_port: [u8; 2],
    /// As [`crate::RuleKey::service`].
    pub service: [u8; 2],
    /// IP protocol number; the later fragments of an IPv6 packet need not say it.
    pub protocol: u8,
    /// Zero.
    pub pad: u8,
}

/// Key of map `DROPS` (per-CPU LRU hash): the VPC in which packets were dropped, and why (rule DIAG-5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct DropCounterKey {
    /// The VPC.
    pub vni: u32,
    /// [`crate::DropReason`] as a number.
    pub reason: u32,
}

/// What was dropped. Value of map `DROPS`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct DropCounter {
    /// Packets.
    pub packets: u64,
    /// Bytes with the Ethernet header.
    pub bytes: u64,
    /// The port that sent the latest one.
    pub latest_port: Id,
}

/// One dropped packet as an example (rule DIAG-5). Record of ring buffer `EVENTS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct DropSample {
    /// When.
    pub time: u64,
    /// The VPC in which it was dropped.
    pub vni: u32,
    /// [`crate::DropReason`] as a number.
    pub reason: u32,
    /// Interface that it came in by.
    pub ifindex: u32,
    /// Bytes with the Ethernet header.
    pub len: u32,
    /// Source address; zero when it is no IP packet, like what follows.
    pub source: Address,
    /// Destination address.
    pub destination: Address,
    /// First two bytes of the L4 header: TCP and UDP source port.
    pub source_port: [u8; 2],
    /// The two bytes behind: TCP and UDP destination port.
    pub destination_port: [u8; 2],
    /// IP protocol number; that of the first extension header, if an IPv6 packet has any.
    pub protocol: u8,
    /// Address family; 0 when it is no IP packet.
    pub family: u8,
    /// Zero.
    pub pad: [u8; 2],
}

/// A port claims a virtual IP that is bound to it and that it does not hold (rule VIP-3). Record of ring buffer
/// `CLAIMS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Claim {
    /// The port.
    pub port: Id,
    /// Its VPC.
    pub vni: u32,
    /// Its attachment (see [`crate::attachment`]).
    pub ifindex: u32,
    /// The virtual IP.
    pub address: Address,
    /// Address family.
    pub family: u8,
    /// Zero.
    pub pad: [u8; 7],
}

/// The last claim of a virtual IP that was reported, so that a port that repeats itself does not fill the ring buffer.
/// Value of map `CLAIMED` (least recently used hash), whose key is [`crate::EndpointKey`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Claimed {
    /// The port.
    pub port: Id,
    /// When, in nanoseconds since boot.
    pub time: u64,
}
