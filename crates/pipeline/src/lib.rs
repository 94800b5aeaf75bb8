//! What happens to one packet: the only implementation of every forwarding rule.
//!
//! The crate is compiled twice: into the kernel programs and into the simulator. It has no allocator, no clock and no
//! I/O: packets come in by [`Packet`], configuration by [`Tables`], state and time by [`Flows`], and what must be done
//! with a packet goes out as a flat [`Verdict`]. The pipeline *decides* (and writes the few bytes of an ARP or echo
//! reply); the caller redirects, rewrites hardware addresses and counts.
//!
//! # Guarantees
//!
//! - No packet enters another VPC but by an ACTIVE crossing that a route names (rules NET-5, PEER-4).
//! - No panics, whatever the bytes of a packet or the contents of the tables.
//! - A decision kept in a flow entry carries a generation read before any table that it rests on, so that tables
//!   written first and generations bumped afterwards leave no stale decision in force (rules RT-11, PEER-6).
//! - Denials are never kept.
//!
//! # Style
//!
//! The kernel's verifier refuses any value that is undefined on some path, although no CPU would mind. Hence: lookups
//! return `Option<&T>`, fallible stages return `Result<(), DropReason>` (one register), results of several fields go
//! into zero-initialised out-parameters, nothing is indexed, everything is `#[inline(always)]`, and large keys are
//! changed in place instead of being built twice (the stack has 512 bytes).
//!
//! # Not here
//!
//! NAT, elastic IPs, DHCP, network ACLs, IPv6 frames and tunnels: such packets are dropped with a reason.
#![no_std]
#![forbid(unsafe_code)]

mod arp;
mod deliver;
mod egress;
mod env;
mod flow;
mod fragment;
mod icmp;
mod packet;
mod policy;
mod route;
mod scope;
mod trace;
mod verdict;

pub use egress::from_workload;
pub use env::{Flows, Lpm, Tables, cidr_key, crossing_key, endpoint_key, identity_key, route_key, rule_key};
pub use flow::{
    ICMP_TIMEOUT_NS, ONE_WAY_TIMEOUT_NS, REFRESH_NS, REPLIED_TIMEOUT_NS, TCP_REPLIED_TIMEOUT_NS, reverse, timeout_ns,
};
pub use packet::{
    ArpPacket, ETHERTYPE_ARP, ETHERTYPE_IPV4, ETHERTYPE_IPV6, EthernetHeader, Header, IcmpHeader, Ipv4Header,
    MAX_HEADER_BYTES, PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP, Packet, TcpHeader, UdpHeader,
};
pub use trace::{NoTrace, Step, Trace};
pub use verdict::{Action, Verdict};
