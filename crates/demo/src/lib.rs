//! The demonstration: two VPCs, four servers, a peering, real packets, an explanation.
//!
//! [`run`] starts a server of its own in a temporary folder, builds a topology through the public API, and tells in six
//! steps what a peering connection does, with `ping` and PostgreSQL inside the servers' network namespaces. It compares
//! all that happens with what should, and afterwards takes everything away and looks whether it is gone: also on
//! Ctrl-C, and after errors. Without root it tells the same story with the simulator, without packets.
#![forbid(unsafe_code)]

mod actors;
mod database;
mod error;
mod leftovers;
mod matrix;
mod postgres;
mod run;
mod story;
mod stream;
mod tell;
mod topology;
mod world;

pub use error::DemoError;
pub use run::{DemoOptions, DemoOutcome, run};
