//! Ways from one network namespace to another.

mod causeway;
mod linux;

use std::net::Ipv4Addr;

use netlink::Namespace;
use serde::Serialize;

pub use causeway::Causeway;
pub use linux::{Removed, direct, ip, router};

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A veth pair from one to the other.
    Direct,
    /// Two servers in peered VPCs.
    Causeway,
    /// A namespace in between that routes, with nftables.
    Router,
}

impl Kind {
    /// In sentences.
    pub fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct veth pair",
            Self::Causeway => "Causeway peering",
            Self::Router => "router with nftables",
        }
    }

    /// In tables.
    pub fn short(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Causeway => "Causeway",
            Self::Router => "router",
        }
    }
}

/// A way that stands. Cheap to clone; keeps nothing alive but the handles.
#[derive(Clone, Debug)]
pub struct Path {
    /// Which.
    pub kind: Kind,
    /// Where packets are sent. Its interface is `eth0`.
    pub sender: Namespace,
    /// Where they arrive. Its interface is `eth0`.
    pub receiver: Namespace,
    /// Address of the receiver.
    pub address: Ipv4Addr,
}

/// The interface of senders and receivers.
pub const INTERFACE: &str = "eth0";

/// Ports that the receivers listen on; the filters of router and security group open these and common services.
pub mod port {
    /// iperf3.
    pub const STREAM: u16 = 5201;
    /// Small packets.
    pub const PACKETS: u16 = 9000;
    /// Latency.
    pub const LATENCY: u16 = 9100;
}
