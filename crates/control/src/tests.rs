#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

mod accounts;
mod addresses;
mod concurrency;
mod fixture;
mod groups;
mod interleaving;
mod invariants;
mod peerings;
mod permissions;
mod properties;
mod routes;
mod visibility;
mod vpcs;
