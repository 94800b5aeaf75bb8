//! The tracer: what would happen to a request and to its reply, hop by hop (rules DIAG-1 to DIAG-5).
//!
//! [`Tracer`] compiles a catalog and sends real frames through the pipeline, the very code that the kernel runs; guests
//! that forward are played by the tracer. The answer is a [`Trace`]: a [`Verdict`] and the steps of both ways. For
//! people: [`render`] (a step), [`explain`] (what is wrong), [`repairs`] (the commands that put it right, tried out on a
//! copy of the catalog). [`redact`] takes out what is none of the viewer's business.
//!
//! Not here: what guests do with their own firewalls and routes, NAT and elastic IPs.

mod explain;
mod fact;
mod guest;
pub(crate) mod name;
mod packet;
mod redact;
mod render;
mod repair;
mod rule;
mod translate;
mod walk;

#[cfg(test)]
mod tests;

use std::net::IpAddr;

use abi::DropReason;
use model::{PeeringId, Protocol, ServerId, VpcId};

pub use explain::explain;
pub use fact::{Choice, Fact, Losing, LosingReason, Step};
pub use redact::redact;
pub use render::{LostRoute, StepText, render};
pub(crate) use repair::plan;
pub use repair::{Change, Repair, Repairs, repairs};
pub use walk::Tracer;

/// Can `from` reach `to`?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// The sender.
    pub from: ServerId,
    /// The receiver.
    pub to: Target,
    /// With what. ICMP means an echo request.
    pub protocol: Protocol,
    /// Destination port of TCP and UDP; means nothing for other protocols.
    pub port: u16,
}

/// Whom a question is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The private IPv4 address of a server; its IPv6 address is asked about as [`Target::Address`].
    Server(ServerId),
    /// An address.
    Address {
        /// The address.
        ip: IpAddr,
        /// The server that is meant to have it; `None` for whoever has it.
        intended: Option<ServerId>,
        /// The VPC in which it is meant; that of `intended` when `None`.
        to_vpc: Option<VpcId>,
    },
}

/// A question that has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TraceError {
    /// There is no such server, or it has no port.
    #[error("server {0} does not exist or has no network port")]
    UnknownServer(ServerId),
    /// The sender is stopped.
    #[error("server {0} is stopped: it sends nothing; start it first (`causeway server start`)")]
    SenderStopped(ServerId),
    /// The sender has no address of the destination's family.
    #[error("server {0} has no IPv6 address")]
    NoIpv6(ServerId),
}

/// Which way a packet was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Leg {
    /// The request.
    Forward,
    /// The reply.
    Return,
}

impl Leg {
    /// The leg as the API and the documents spell it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Return => "return",
        }
    }
}

/// The answer in short (rule DIAG-1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The request reaches the intended endpoint and its reply comes back.
    pub reachable: bool,
    /// Why not; `None` when reachable, or hidden from the viewer.
    pub reason: Option<DropReason>,
    /// Which way the packet was lost; [`Leg::Forward`] when reachable.
    pub leg: Leg,
    /// The VPC in which it was lost; `None` when reachable, hidden, or before the packet was sent.
    pub at: Option<VpcId>,
    /// The server that the request was delivered to.
    pub delivered_to: Option<ServerId>,
    /// The source address that this server saw.
    pub observed_source: Option<IpAddr>,
    /// Forwarding instances that the request passed, in order.
    pub via: Vec<ServerId>,
    /// Forwarding instances that the reply passed, in order.
    pub return_via: Vec<ServerId>,
    /// The loss is in a VPC of another account: no more than that is told (rule DIAG-5).
    pub hidden: bool,
}

impl Verdict {
    /// Reachable, or not for a reason to be filled in.
    const fn new(reachable: bool) -> Self {
        Self {
            reachable,
            reason: None,
            leg: Leg::Forward,
            at: None,
            delivered_to: None,
            observed_source: None,
            via: Vec::new(),
            return_via: Vec::new(),
            hidden: false,
        }
    }
}

/// The answer with the way to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// The question.
    pub question: Question,
    /// The address that the request was sent from.
    pub source: IpAddr,
    /// The address that it was sent to.
    pub destination: IpAddr,
    /// The VPC of the sender.
    pub from_vpc: VpcId,
    /// The VPC that the destination is meant in, as far as it is known.
    pub to_vpc: Option<VpcId>,
    /// The answer in short.
    pub verdict: Verdict,
    /// The steps of the request.
    pub forward: Vec<Step>,
    /// The steps of the reply; empty when the request did not arrive.
    pub back: Vec<Step>,
}

impl Trace {
    /// The steps of the way on which the packet was lost; of the request when it was not.
    #[must_use]
    pub fn lost_on(&self) -> &[Step] {
        match self.verdict.leg {
            Leg::Forward => &self.forward,
            Leg::Return => &self.back,
        }
    }

    /// Source, destination, and the VPC that the packets of a leg are meant for.
    #[must_use]
    pub fn ends(&self, leg: Leg) -> (IpAddr, IpAddr, Option<VpcId>) {
        match leg {
            Leg::Forward => (self.source, self.destination, self.to_vpc),
            Leg::Return => (self.destination, self.source, Some(self.from_vpc)),
        }
    }

    /// The peerings that the packets of both ways crossed or were to cross, in order.
    pub fn peerings(&self) -> impl Iterator<Item = PeeringId> {
        self.forward.iter().chain(&self.back).filter_map(|step| match step.fact {
            Fact::Crossing { peering, .. } => Some(peering),
            _ => None,
        })
    }
}
