//! Real packets, sent to see what arrives.
//!
//! A probe sends an ICMP echo request, opens a TCP connection, or sends a UDP datagram, and says whether an answer came
//! back, who answered, and which of the watched namespaces the request reached, with which source address. It ends as
//! soon as the answer is there; one without an answer costs its whole deadline, so run many side by side
//! ([`probe_all`]).
//!
//! Who answers: the kernel answers ICMP; for TCP and UDP start a [`Responder`] where nothing listens.

mod exchange;
mod responder;
mod watch;

use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;

use crate::deadline::Deadline;
use crate::{Namespace, Result};

pub use responder::{Responder, Responders};

/// How long a probe waits for its answer unless told otherwise.
pub const DEFAULT_DEADLINE: Duration = Duration::from_millis(300);

/// What a probe sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Proto {
    /// An ICMP (or ICMPv6) echo request.
    Icmp,
    /// A TCP connection to this port.
    Tcp(u16),
    /// A UDP datagram to this port.
    Udp(u16),
}

/// A namespace to look whether the request comes in there.
#[derive(Debug, Clone)]
pub struct Watch {
    /// The namespace.
    pub namespace: Namespace,
    /// What the result calls it.
    pub name: String,
}

/// One probe.
#[derive(Debug, Clone)]
pub struct Probe {
    /// Where it is sent.
    pub from: Namespace,
    /// Its source address; `None` lets the kernel choose. An IPv4 address that `from` does not have is sent too.
    pub source: Option<IpAddr>,
    /// Its destination address.
    pub destination: IpAddr,
    /// What is sent.
    pub proto: Proto,
    /// How long to wait for the answer.
    pub deadline: Duration,
    /// Where to look for the request. Each entry costs a packet socket.
    pub watch: Vec<Watch>,
}

impl Probe {
    /// A probe with the default deadline that watches nothing.
    #[must_use]
    pub fn new(from: &Namespace, destination: IpAddr, proto: Proto) -> Self {
        let from = from.clone();
        Probe { from, source: None, destination, proto, deadline: DEFAULT_DEADLINE, watch: Vec::new() }
    }

    /// Sends from this address.
    #[must_use]
    pub fn source(mut self, source: IpAddr) -> Self {
        self.source = Some(source);
        self
    }

    /// Waits this long.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Also looks for the request in this namespace.
    #[must_use]
    pub fn watch(mut self, namespace: &Namespace, name: impl Into<String>) -> Self {
        self.watch.push(Watch { namespace: namespace.clone(), name: name.into() });
        self
    }
}

/// The request, as it came in at a watched namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// The name of the [`Watch`].
    pub name: String,
    /// Source address it had there.
    pub source: IpAddr,
    /// Destination address it had there.
    pub destination: IpAddr,
}

/// What became of a probe.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProbeResult {
    /// The answer came back in time: the echo reply, the established connection, the datagram.
    pub replied: bool,
    /// The request came in at one of the watched namespaces at least.
    pub delivered_to_watched: bool,
    /// The source address that the request had where it arrived: as the responder saw it, else as the last of the
    /// watched namespaces that it reached did.
    pub observed_source: Option<IpAddr>,
    /// Name of the responder that answered; `None` for ICMP and for other servers.
    pub answered_by: Option<String>,
    /// From sending to the answer.
    pub rtt: Option<Duration>,
    /// The watched namespaces that the request reached, in the order of [`Probe::watch`].
    pub sightings: Vec<Sighting>,
    /// The answer was a refusal: a TCP reset or an ICMP "port unreachable". It was delivered, but nothing listens.
    pub refused: bool,
    /// Why the kernel of the sender gave up at once: ENETUNREACH without a route, EHOSTUNREACH…
    pub error: Option<Errno>,
}

impl ProbeResult {
    /// Whether the request came in at the watched namespace of that name.
    #[must_use]
    pub fn delivered_to(&self, name: &str) -> bool {
        self.sightings.iter().any(|sighting| sighting.name == name)
    }
}

/// Sends one probe and waits for what becomes of it, at most the deadline.
///
/// # Errors
/// Only when the probe could not be made: a namespace that cannot be entered, no CAP_NET_RAW. That nothing came back,
/// or that there is no route, is a result.
pub fn probe(probe: &Probe) -> Result<ProbeResult> {
    let mut token = [0; watch::TOKEN_LENGTH];
    getrandom::fill(&mut token).unwrap_or_else(|_| token = fallback_token());
    let mut watchers = watch::Watchers::open(probe)?;
    let end = Deadline::after(probe.deadline);
    let mut result = match probe.proto {
        Proto::Icmp => exchange::icmp(probe, &token, end, &mut watchers)?,
        Proto::Tcp(port) => exchange::tcp(probe, port, end, &mut watchers)?,
        Proto::Udp(port) => exchange::udp(probe, port, &token, end, &mut watchers)?,
    };
    result.sightings = watchers.finish(probe, &token);
    result.delivered_to_watched = !result.sightings.is_empty();
    if result.observed_source.is_none() {
        result.observed_source = result.sightings.last().map(|sighting| sighting.source);
    }
    Ok(result)
}

/// Sends many probes, at most `parallel` at a time (at least one), and returns their results in the order of the probes.
#[must_use]
pub fn probe_all(probes: &[Probe], parallel: usize) -> Vec<Result<ProbeResult>> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(probes.len()));
    let work = || {
        while let Some((index, one)) = {
            let index = next.fetch_add(1, Ordering::Relaxed);
            probes.get(index).map(|one| (index, one))
        } {
            let result = probe(one);
            results.lock().unwrap_or_else(PoisonError::into_inner).push((index, result));
        }
    };
    thread::scope(|scope| {
        for _ in 1..parallel.min(probes.len()) {
            // A thread that cannot be started leaves its work to the others; the last of them is this one.
            let _ = thread::Builder::new().name("probe".into()).spawn_scoped(scope, work);
        }
        work();
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_unstable_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Unique on this machine, which is all that a token has to be.
fn fallback_token() -> [u8; watch::TOKEN_LENGTH] {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed) as u64;
    let mut token = [0; watch::TOKEN_LENGTH];
    let (process, number) = token.split_at_mut(8);
    process.copy_from_slice(&u64::from(std::process::id()).to_be_bytes());
    number.copy_from_slice(&count.to_be_bytes());
    token
}

#[cfg(test)]
mod tests;
