//! What happens to one packet: the only implementation of every forwarding rule.
//!
//! The crate is compiled twice: into the kernel programs and into the simulator. It has no allocator, no clock and no
//! I/O: packets come in by [`Packet`], configuration by [`Tables`], state and time by [`Flows`], and what must be done
//! with a packet goes out as a flat [`Verdict`]. The pipeline *decides* (and makes of a frame the platform's answer, where
//! there is one); the caller redirects, rewrites hardware addresses and counts.
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
//! # Parts
//!
//! [`from_workload`] is the whole pipeline. In the kernel it is several programs that call each other, one for each
//! [`Part`]: the verifier walks every way through a program, and no program needs to hold what a packet of another kind
//! meets. Each part reads the frame and the port anew.
//!
//! # Not here
//!
//! NAT, elastic IPs and tunnels: such packets are dropped with a reason. IPv4 packets larger than the MTU are not
//! fragmented, router advertisements are sent when they are asked for only, and DHCP relays are not served.
#![no_std]
#![forbid(unsafe_code)]

mod acl;
mod arp;
mod checksum;
mod deliver;
mod dhcp;
mod dhcpv6;
mod egress;
mod env;
mod flow;
mod fragment;
mod header;
mod icmp;
mod icmpv6;
mod ipv4;
mod ipv6;
mod mtu;
mod nd;
mod packet;
mod part;
mod policy;
mod ra;
mod route;
mod scope;
mod sender;
mod trace;
mod verdict;
mod vip;

pub use env::{
    Flows, Lpm, Tables, acl_address_key, acl_port_key, address_pair_key, cidr_key, crossing_key, endpoint_key,
    identity_key, route_key, rule_key,
};
pub use flow::{
    ICMP_TIMEOUT_NS, ONE_WAY_TIMEOUT_NS, REFRESH_NS, REPLIED_TIMEOUT_NS, TCP_REPLIED_TIMEOUT_NS, reverse, timeout_ns,
};
pub use header::{
    ArpPacket, ETHERTYPE_ARP, ETHERTYPE_IPV4, ETHERTYPE_IPV6, EthernetHeader, Header, IcmpHeader, Ipv4Header,
    Ipv6Header, PROTOCOL_ICMP, PROTOCOL_ICMPV6, PROTOCOL_TCP, PROTOCOL_UDP, TcpHeader, UdpHeader,
};
pub use packet::{MAX_HEADER_BYTES, MAX_HEADER_BYTES_V6, Packet};
pub use part::{dhcp, dhcpv6, enter, from_workload, ipv6, neighbour, too_big};
pub use trace::{NoTrace, Step, Trace};
pub use verdict::{Action, Part, Verdict};
