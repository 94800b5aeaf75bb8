//! Ways from one network namespace to another.

mod causeway;
mod linux;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

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
    /// The same with network ACLs, [`RULES`] security-group rules and [`ROUTES`] routes in place.
    Configured,
    /// A namespace in between that routes, with nftables.
    Router,
    /// As [`Kind::Direct`], over IPv6.
    Direct6,
    /// As [`Kind::Causeway`], over IPv6.
    Causeway6,
    /// As [`Kind::Configured`], over IPv6.
    Configured6,
    /// As [`Kind::Router`], over IPv6.
    Router6,
}

/// Security-group rules of a configured way.
pub const RULES: usize = 50;
/// Custom routes of each VPC of a configured way: as many as it may have (rule RT-14).
pub const ROUTES: usize = 1000;

impl Kind {
    /// In sentences.
    pub fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct veth pair",
            Self::Causeway => "Causeway peering",
            Self::Configured => "Causeway peering with ACLs, rules and routes",
            Self::Router => "router with nftables",
            Self::Direct6 => "direct veth pair over IPv6",
            Self::Causeway6 => "Causeway peering over IPv6",
            Self::Configured6 => "Causeway peering with ACLs, rules and routes over IPv6",
            Self::Router6 => "router with nftables over IPv6",
        }
    }

    /// In tables.
    pub fn short(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Causeway => "Causeway",
            Self::Configured => "configured",
            Self::Router => "router",
            Self::Direct6 => "direct v6",
            Self::Causeway6 => "Causeway v6",
            Self::Configured6 => "configured v6",
            Self::Router6 => "router v6",
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
    pub address: IpAddr,
}

impl Path {
    /// Every address of the receiver's family, to listen at.
    pub fn any(&self) -> IpAddr {
        match self.address {
            IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        }
    }

    /// A port of the receiver.
    pub fn to(&self, port: u16) -> SocketAddr {
        (self.address, port).into()
    }
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
