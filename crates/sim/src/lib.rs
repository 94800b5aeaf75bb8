//! The pipeline over in-memory tables: simulator, tracer and reachability.
//!
//! [`World`] is one host's data plane without a kernel: it takes the same [`tables::Tables`], the same deltas and the
//! same frames, and runs the same pipeline, so what it says about a packet is what the kernel does with it. Time stands
//! still unless it is told to move; nothing here is random. It does not carry packets between processes.
#![forbid(unsafe_code)]

pub mod doctor;
pub mod frame;
pub mod reach;
pub mod trace;
mod world;

pub use world::{FlowState, Outcome, StateSize, World};
