//! The forwarding rules, checked packet by packet against the pipeline over in-memory tables.
#![allow(clippy::unwrap_used, reason = "a test that fails here should say so")]

mod adversary;
mod flows;
mod icmp_and_fragments;
mod isolation;
mod layer2;
mod net;
mod routing;
mod security_groups;
mod torn;
