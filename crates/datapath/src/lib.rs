//! Loads, pins and fills the kernel programs and their maps.
//!
//! [`Datapath`] is the one owner of an instance's kernel state: programs attached to the host's ends of veths by TCX
//! links, and the maps that they look packets up in. Links and maps are pinned in a BPF file system, so they outlive
//! the process: packets go on while nobody is there, and the next process adopts what it finds.
//!
//! # Guarantees
//!
//! - What [`Datapath::apply`] wrote is what [`Datapath::snapshot`] reads, also in another process.
//! - Opening changes no packet's way. Pins that are damaged, foreign or of other sizes are replaced; the programs in
//!   place keep using the maps that they have until [`Datapath::activate`].
//! - A program is replaced in one step: no packet meets an interface without one.
//! - A full map is a typed error, and [`Datapath::usage`] tells how far it is, so that the API can refuse in time.
//! - Two processes cannot own one instance.
//!
//! # Not here
//!
//! Interfaces and namespaces are made elsewhere; what the tables say is the compiler's business; what happens to a
//! packet is the pipeline's.

mod bpffs;
mod bytes;
mod claims;
mod counters;
mod error;
mod link;
mod load;
mod map;
mod open;
mod pin;
mod support;
mod sync;
pub mod testrun;

pub use claims::ClaimReader;
pub use counters::FlowCounts;
pub use error::Error;
pub use link::{Activated, LinkState};
pub use map::{Capacities, MapName, Usage};
pub use open::{Datapath, Found, Options, remove_instance};
pub use pin::Damage;
pub use support::Unsupported;
