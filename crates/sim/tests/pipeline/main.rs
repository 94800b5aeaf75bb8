//! The forwarding rules, checked packet by packet against the pipeline over in-memory tables.
#![allow(clippy::unwrap_used, reason = "a test that fails here should say so")]

mod adversary;
mod dhcp;
mod flows;
mod icmp_and_fragments;
mod ipv6;
mod isolation;
mod lab;
mod layer2;
mod mtu;
mod neighbours;
mod net;
mod network_acls;
mod port_options;
mod routing;
mod security_groups;
mod supplementary;
mod torn;
mod virtual_ips;
