//! What the rest of the server may ask of an agent.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::time::Duration;

use model::{PortId, Server, ServerId, VpcId};

use crate::Claims;

/// A future that an agent returns.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, AgentError>> + Send + 'a>>;

/// What an agent could not do.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AgentError {
    /// The data plane has no packets to measure with.
    #[error("the data plane is the simulator: there are no real packets to measure; ask for a trace instead")]
    NoPackets,
    /// The server is not known to this agent, or its workload is not there.
    #[error("server {0} has no running workload on this machine")]
    NoWorkload(ServerId),
    /// It did not become effective in time.
    #[error("revision {revision} was not in force after {waited:?}: {last_error}")]
    NotSettled {
        /// The revision that was waited for.
        revision: u64,
        /// How long.
        waited: Duration,
        /// What the agent said last.
        last_error: String,
    },
    /// The machine refused something.
    #[error("{0}")]
    Machine(String),
}

/// Which data plane forwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatapathKind {
    /// eBPF programs of this machine's kernel.
    Kernel,
    /// The simulator: no packets.
    Sim,
}

/// A protocol and port to probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeService {
    /// Echo request.
    Icmp,
    /// TCP connect.
    Tcp(u16),
    /// UDP request and answer.
    Udp(u16),
}

/// A question answered with real packets.
#[derive(Clone, Debug)]
pub struct Probe {
    /// The sender.
    pub from: ServerId,
    /// The address that packets are sent to.
    pub address: IpAddr,
    /// The server that is meant; it is watched for the request's arrival, and answers TCP and UDP.
    pub intended: Option<ServerId>,
    /// Protocol and port.
    pub service: ProbeService,
    /// How long to wait for the answer.
    pub timeout: Duration,
}

/// An address that a workload announces to its link by gratuitous ARP or an unsolicited neighbour advertisement: a claim,
/// when it is a virtual IP (rule VIP-3). What comes of it is the data plane's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// The server.
    pub server: ServerId,
    /// Its port that the frame leaves by.
    pub port: PortId,
    /// The address.
    pub address: IpAddr,
    /// Give the workload the address before (rule VIP-2: otherwise that is the guest's business).
    pub configure: bool,
    /// Take the address off this workload before: the server and its port that had it.
    pub release: Option<(ServerId, PortId)>,
}

/// What a probe saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProbeReport {
    /// An answer came back to the sender.
    pub replied: bool,
    /// The request arrived at the intended server.
    pub delivered: bool,
    /// The source address that the intended server saw.
    pub observed_source: Option<IpAddr>,
    /// Name of the server that answered, where the protocol can tell.
    pub answered_by: Option<String>,
    /// Time from request to answer.
    pub rtt: Option<Duration>,
}

/// Packets dropped in a VPC for a reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropCount {
    /// The VPC, where it still exists.
    pub vpc: Option<VpcId>,
    /// The reason's code.
    pub reason: &'static str,
    /// Packets.
    pub packets: u64,
    /// Bytes.
    pub bytes: u64,
}

/// A data plane at work.
pub trait Agent: Send + Sync {
    /// Which data plane forwards.
    fn kind(&self) -> DatapathKind;

    /// A sentence that says what forwards, and why it was chosen.
    fn note(&self) -> String;

    /// Returns when everything up to the store's revision `revision` is in force.
    fn settled(&self, revision: u64) -> Answer<'_, ()>;

    /// Sends real packets.
    fn probe(&self, probe: Probe) -> Answer<'_, ProbeReport>;

    /// Lets a workload announce an address. Returns when the frame has gone through the data plane.
    fn announce(&self, announcement: Announcement) -> Answer<'_, ()>;

    /// Claims of virtual IPs as the data plane reports them (rule VIP-3).
    fn claims(&self) -> Claims;

    /// Drop counters since the start of the data plane.
    fn drops(&self) -> Answer<'_, Vec<DropCount>>;

    /// Name of the network namespace that a server's workload runs in; `None` where the data plane has no workloads.
    fn namespace(&self, _server: &Server) -> Option<String> {
        None
    }

    /// A sentence that names the table that has no room for more, if one has: new objects must then be refused, or
    /// their packets would be dropped later.
    fn full(&self) -> Option<String> {
        None
    }
}
