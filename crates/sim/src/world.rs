//! One host's data plane in memory: the tables, the flows, and the pipeline over them.

mod buffer;
mod lookup;
mod lpm;
mod lru;
mod state;

use std::collections::BTreeMap;
use std::time::Duration;

use abi::{Claim, DropCounter, DropCounterKey, DropReason, NO_ID, attachment_ifindex, attachment_vlan};
use pipeline::{Action, NoTrace, Step, Tables as _, Trace, Verdict};
use tables::{Delta, Tables};

use buffer::Buffer;
use lookup::Lookup;
pub use state::{FlowState, StateSize};

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Dropped and counted.
    Dropped {
        /// The VPC; 0 when the port is unknown.
        vni: u32,
        /// Why.
        reason: DropReason,
    },
    /// The frame, hardware addresses rewritten, was handed to the workload behind an interface.
    Delivered {
        /// The attachment (see [`abi::attachment`]).
        ifindex: u32,
        /// The VPC.
        vni: u32,
    },
    /// The frame is now the platform's answer and went back to its sender.
    Replied,
    /// The platform took the frame in.
    Consumed,
}

impl Outcome {
    /// The interface that the frame was delivered to.
    #[must_use]
    pub fn delivered_to(&self) -> Option<u32> {
        match *self {
            Self::Delivered { ifindex, .. } => Some(ifindex),
            _ => None,
        }
    }

    /// Why the frame was dropped.
    #[must_use]
    pub fn reason(&self) -> Option<DropReason> {
        match *self {
            Self::Dropped { reason, .. } => Some(reason),
            _ => None,
        }
    }
}

/// Tables, generations, flows, drop counters and a clock that stands still unless it is told to move.
///
/// Behaves as the kernel's maps do: longest prefix match over bits, LRU maps that forget, generations per
/// [`abi::generation_index`].
#[derive(Debug, Default)]
pub struct World {
    lookup: Lookup,
    state: FlowState,
    drops: BTreeMap<DropCounterKey, DropCounter>,
}

impl World {
    /// A world with these tables, no flows, and time zero.
    #[must_use]
    pub fn load(tables: &Tables) -> Self {
        Self::with_size(tables, StateSize::default())
    }

    /// As [`World::load`], with maps of another size.
    #[must_use]
    pub fn with_size(tables: &Tables, size: StateSize) -> Self {
        Self { lookup: Lookup::new(tables), state: FlowState::new(size), drops: BTreeMap::new() }
    }

    /// Makes the changes of `delta` in their order, then bumps the generations that it names.
    pub fn apply(&mut self, delta: &Delta) {
        for change in &delta.changes {
            self.lookup.change(change);
        }
        for vni in &delta.bumped {
            self.bump(*vni);
        }
    }

    /// Makes the flows of a VPC be decided again.
    pub fn bump(&mut self, vni: u32) {
        self.lookup.bump(vni);
    }

    /// The generation of a VPC.
    #[must_use]
    pub fn generation(&self, vni: u32) -> u64 {
        self.lookup.generation(vni)
    }

    /// Time since the start.
    #[must_use]
    pub fn now(&self) -> Duration {
        Duration::from_nanos(self.state.clock)
    }

    /// Lets time pass.
    pub fn advance(&mut self, by: Duration) {
        self.state.clock = self.state.clock.saturating_add(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX));
    }

    /// The flow maps.
    #[must_use]
    pub fn flows(&self) -> &FlowState {
        &self.state
    }

    /// Takes the claims of virtual IPs made since the last call (rule VIP-3), oldest first.
    pub fn take_claims(&mut self) -> Vec<Claim> {
        std::mem::take(&mut self.state.claims)
    }

    /// Forgets all flows and fragments, so that the next question is answered without the state of the one before.
    pub fn forget_flows(&mut self) {
        self.state.clear();
    }

    /// What was dropped so far, by VPC and reason (rule DIAG-5).
    #[must_use]
    pub fn drops(&self) -> &BTreeMap<DropCounterKey, DropCounter> {
        &self.drops
    }

    /// Lets the workload behind the attachment `ifindex` send a frame: with a tag beside it, if the attachment has a VLAN
    /// (see [`abi::attachment`]). Afterwards `frame` is as it was delivered or replied; a dropped
    /// one is unchanged.
    pub fn send(&mut self, ifindex: u32, frame: &mut Vec<u8>) -> Outcome {
        self.act(ifindex, frame, &mut NoTrace)
    }

    /// As [`World::send`], and tells every step.
    pub fn send_traced(&mut self, ifindex: u32, frame: &mut Vec<u8>) -> (Outcome, Vec<Step>) {
        let mut steps = Recorder(Vec::new());
        let outcome = self.act(ifindex, frame, &mut steps);
        (outcome, steps.0)
    }

    /// The pipeline's verdict alone. State changes as with [`World::send`], hardware addresses do not.
    pub fn decide(&mut self, ifindex: u32, frame: &mut Vec<u8>) -> Verdict {
        self.verdict(ifindex, frame, &mut NoTrace)
    }

    fn verdict<R: Trace>(&mut self, attachment: u32, frame: &mut Vec<u8>, trace: &mut R) -> Verdict {
        let mut verdict = Verdict::NEW;
        let mut packet = Buffer { bytes: frame, vlan: attachment_vlan(attachment) };
        let ifindex = attachment_ifindex(attachment);
        pipeline::from_workload(&mut packet, ifindex, &self.lookup, &mut self.state, trace, &mut verdict);
        verdict
    }

    fn act<R: Trace>(&mut self, ifindex: u32, frame: &mut Vec<u8>, trace: &mut R) -> Outcome {
        let verdict = self.verdict(ifindex, frame, trace);
        match verdict.action() {
            Action::Deliver => {
                let ifindex = abi::attachment(verdict.ifindex, verdict.vlan);
                if let Some((macs, _)) = frame.split_first_chunk_mut::<12>() {
                    let (dmac, smac) = macs.split_at_mut(6);
                    dmac.copy_from_slice(&verdict.dmac);
                    smac.copy_from_slice(&verdict.smac);
                }
                Outcome::Delivered { ifindex, vni: verdict.vni }
            }
            Action::Reply => Outcome::Replied,
            Action::Consume => Outcome::Consumed,
            Action::Drop => {
                let reason = verdict.reason().unwrap_or(DropReason::InconsistentTables);
                self.count(ifindex, verdict.vni, reason, frame.len());
                Outcome::Dropped { vni: verdict.vni, reason }
            }
        }
    }

    fn count(&mut self, ifindex: u32, vni: u32, reason: DropReason, bytes: usize) {
        let latest_port = self.lookup.port(ifindex).map_or(NO_ID, |port| port.port);
        let counter = self.drops.entry(DropCounterKey { vni, reason: reason as u32 }).or_default();
        counter.packets += 1;
        counter.bytes += bytes as u64;
        counter.latest_port = latest_port;
    }
}

/// Keeps all steps.
struct Recorder(Vec<Step>);

impl Trace for Recorder {
    fn step(&mut self, f: impl FnOnce() -> Step) {
        self.0.push(f());
    }
}
