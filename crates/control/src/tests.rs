#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

mod accounts;
mod address_groups;
mod addresses;
mod concurrency;
pub(crate) mod fixture;
mod groups;
mod interleaving;
mod invariants;
mod ipv6;
mod limits;
mod network_acl_policies;
mod network_acls;
mod networks;
mod peerings;
mod permissions;
mod policies;
mod port_options;
mod properties;
mod reservations;
mod routes;
mod supplementary;
mod tags;
mod vips;
mod visibility;
mod vpcs;
