//! Explanations and measurements: trace, reach, probe.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A protocol to trace or probe with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// Echo requests; no port.
    #[default]
    Icmp,
    /// TCP; needs a port.
    Tcp,
    /// UDP; needs a port.
    Udp,
}

/// No protocol has this name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("unknown protocol {0:?}; it is icmp, tcp or udp")]
pub struct UnknownProtocol(pub String);

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Icmp => "icmp",
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        })
    }
}

impl FromStr for Protocol {
    type Err = UnknownProtocol;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.to_ascii_lowercase().as_str() {
            "icmp" => Ok(Self::Icmp),
            "tcp" => Ok(Self::Tcp),
            "udp" => Ok(Self::Udp),
            _ => Err(UnknownProtocol(text.to_owned())),
        }
    }
}

/// Whereto.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Target {
    /// A server, by id.
    Server {
        /// Its id.
        server: String,
        /// 6 for its IPv6 address; its IPv4 address if not set.
        #[serde(skip_serializing_if = "Option::is_none")]
        family: Option<u8>,
    },
    /// An address, whoever has it.
    Address {
        /// The address.
        address: String,
        /// The id of the server one means by it, so that an answer by another one can be told.
        #[serde(skip_serializing_if = "Option::is_none")]
        intended: Option<String>,
        /// The id of the VPC in which one means it.
        #[serde(skip_serializing_if = "Option::is_none")]
        to_vpc: Option<String>,
    },
}

impl Target {
    /// A server, by id, at its IPv4 address.
    #[must_use]
    pub fn server(id: &str) -> Self {
        Self::Server { server: id.to_owned(), family: None }
    }

    /// A server, by id, at its IPv6 address.
    #[must_use]
    pub fn server_v6(id: &str) -> Self {
        Self::Server { server: id.to_owned(), family: Some(6) }
    }

    /// An address, whoever has it.
    #[must_use]
    pub fn address(address: &str) -> Self {
        Self::Address { address: address.to_owned(), intended: None, to_vpc: None }
    }
}

/// What to explain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TraceRequest {
    /// The id of the sending server.
    pub from: String,
    /// Whereto.
    pub to: Target,
    /// With what.
    pub protocol: Protocol,
    /// The destination port of TCP and UDP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}

/// What happens, step by step and in both directions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TraceAnswer {
    /// The outcome.
    pub verdict: Verdict,
    /// The way there.
    pub forward: Vec<Step>,
    /// The way back; empty if the way there ends early.
    #[serde(rename = "return")]
    pub back: Vec<Step>,
}

/// The outcome of a trace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Verdict {
    /// Whether a request arrives where it is meant to and its reply comes back.
    pub reachable: bool,
    /// The drop reason, where it is not reachable.
    pub reason: Option<String>,
    /// `forward` or `return`: the direction that fails.
    pub leg: Option<String>,
    /// The id of the VPC in which it fails.
    pub at: Option<String>,
    /// The name of that VPC.
    pub at_name: Option<String>,
    /// The id of the server that gets the packet.
    pub delivered_to: Option<String>,
    /// The name of that server.
    pub delivered_to_name: Option<String>,
    /// The source address the receiver sees.
    pub observed_source: Option<String>,
    /// The names of what it passes on the way there.
    pub via: Vec<String>,
    /// The names of what it passes on the way back.
    pub return_via: Vec<String>,
    /// A few sentences for people.
    pub explanation: String,
    /// The commands of `repairs` alone.
    pub fix: Vec<String>,
    /// What to change, in the order in which it must be done.
    pub repairs: Vec<Repair>,
    /// Why nothing can be changed, or what has to happen after the repairs.
    pub repair_note: Option<String>,
}

/// A change that helps.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Repair {
    /// What it is, such as `add_route`.
    pub kind: String,
    /// The command line that makes it.
    pub command: String,
    /// What it is made with, by name.
    pub arguments: BTreeMap<String, String>,
    /// Whether the caller's own account has to make it.
    pub own: bool,
    /// The account that has to make it, where the caller may know.
    pub account: Option<String>,
    /// What it opens or takes away besides what was asked for.
    pub warning: Option<String>,
}

/// One step of a way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Step {
    /// Where: a server, a VPC, a peering.
    pub place: String,
    /// The name of the VPC, where there is one.
    pub vpc: Option<String>,
    /// The name of the subnet, where there is one.
    pub subnet: Option<String>,
    /// What is looked at: source check, security group, route, ...
    pub kind: String,
    /// What was found.
    pub detail: String,
    /// What came of it, where it decides something.
    pub verdict: Option<String>,
    /// The routes that cover the destination but lost.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<LostRoute>,
    /// The ids of the objects that it is about, by what they are.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub ids: BTreeMap<String, String>,
}

/// A route that covers the destination but lost.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LostRoute {
    /// Destination and next hop.
    pub route: String,
    /// Why it lost.
    pub why: String,
}

/// What was found out about a peering.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Diagnosis {
    /// Its id.
    pub peering: String,
    /// Its name.
    pub name: String,
    /// Its status.
    pub status: String,
    /// There is no problem that the caller can see.
    pub healthy: bool,
    /// The checklist.
    pub items: Vec<Finding>,
}

/// One line of the checklist.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Finding {
    /// What was looked at.
    pub check: String,
    /// `this`, `other` or `both`.
    pub side: String,
    /// `ok`, `problem` or `unknown`.
    pub finding: String,
    /// A sentence or two for people.
    pub text: String,
    /// Changes that mend it, in their order.
    pub repairs: Vec<Repair>,
}

/// Whom to try with whom.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ReachRequest {
    /// Ids; every server the caller sees if empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub servers: Vec<String>,
    /// With what.
    pub protocol: Protocol,
    /// The destination port of TCP and UDP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// 6 for IPv6 addresses; IPv4 ones if not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family: Option<u8>,
    /// Whether to send packets too.
    pub measure: bool,
}

/// Who reaches whom.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReachAnswer {
    /// The servers, in the order of the request.
    pub servers: Vec<ReachServer>,
    /// All ordered pairs.
    pub matrix: Vec<MatrixCell>,
}

/// A server of a matrix.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReachServer {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The name of its VPC.
    pub vpc_name: String,
}

/// One ordered pair.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MatrixCell {
    /// The id of the sender.
    pub from: String,
    /// The id of the receiver.
    pub to: String,
    /// What the tracer says.
    pub traced: Traced,
    /// What packets say, where they were sent.
    pub measured: Option<Measured>,
}

/// What the tracer says of a pair.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Traced {
    /// As [`Verdict::reachable`].
    pub reachable: bool,
    /// As [`Verdict::reason`].
    pub reason: Option<String>,
    /// As [`Verdict::leg`].
    pub leg: Option<String>,
    /// As [`Verdict::at`].
    pub at: Option<String>,
}

/// What packets say of a pair.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Measured {
    /// Whether the right one replied.
    pub reachable: bool,
}

/// What to send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProbeRequest {
    /// The id of the sending server.
    pub from: String,
    /// Whereto.
    pub to: Target,
    /// With what.
    pub protocol: Protocol,
    /// The destination port of TCP and UDP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// How long to wait for a reply, in milliseconds; the server's own choice if not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
}

/// What became of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProbeAnswer {
    /// Whether a reply came back.
    pub replied: bool,
    /// Whether the request was seen to arrive.
    pub delivered: bool,
    /// The source address the receiver saw.
    pub observed_source: Option<String>,
    /// Who replied.
    pub answered_by: Option<String>,
    /// Round trip in microseconds.
    pub rtt_us: Option<u64>,
}
