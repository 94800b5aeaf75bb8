//! Makes a machine equal to the tables: workloads, links, programs, maps; and probes what really arrives.
//!
//! Guarantees: [`Agent::settled`] returns only when everything up to a revision is in force. Everything is found again
//! after a crash: an agent that starts compares what is there with what should be and changes only what differs.
//! Does not decide anything: what should be comes from the catalog by way of the compiler.
#![forbid(unsafe_code)]

mod claims;
mod contract;
mod crew;
mod feed;
mod kernel;
mod leftovers;
mod machine;
mod naming;
mod simulated;
mod workload;

pub use claims::{Claims, claimant};
pub use compiler::DEFAULT_MTU;
pub use contract::{
    Agent, AgentError, Announcement, Answer, DatapathKind, DropCount, Probe, ProbeReport, ProbeService,
};
pub use feed::{Feed, Update};
pub use kernel::{KernelAgent, kernel_supported};
pub use leftovers::{remove_leftovers, suspend};
pub use machine::{MachineError, Options};
pub use naming::{host_interface, is_instance, namespace, namespace_prefix};
pub use simulated::SimulatedAgent;
