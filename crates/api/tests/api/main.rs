//! The API in the process: every family through the router, with the memory store and an agent that only says yes.
#![allow(clippy::unwrap_used, missing_docs, reason = "a failed step is the failure of the test")]

mod fixture;

mod accounts;
mod address_groups;
mod authentication;
mod bad_input;
mod causeway;
mod documents;
mod end_to_end;
mod enterprise;
mod events;
mod explain;
mod fwaas;
mod identity;
mod ipv6;
mod isolation;
mod limits;
mod network;
mod network_acls;
mod networks;
mod pages;
mod peerings;
mod policies;
mod ports;
mod private_ips;
mod reach_of_policies;
mod security;
mod serving;
mod sub_network_interfaces;
mod tags;
mod unsupported;
mod users;
mod vips;
