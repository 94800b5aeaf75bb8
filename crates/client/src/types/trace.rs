//! Explanations and measurements: trace, reach, probe.

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
    /// A server, by id.
    #[must_use]
    pub fn server(id: &str) -> Self {
        Self::Server { server: id.to_owned() }
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
    /// What to change, most likely first.
    pub fix: Vec<String>,
}

/// One step of a way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Step {
    /// Where: a server, a VPC, a peering.
    pub place: String,
    /// The name of the VPC, where there is one.
    pub vpc: Option<String>,
    /// What is looked at: source check, security group, route, ...
    pub kind: String,
    /// What was found.
    pub detail: String,
    /// What came of it, where it decides something.
    pub verdict: Option<String>,
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
