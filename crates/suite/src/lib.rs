//! Topology documents: parsing, applying to a server, checking what packets do.
//!
//! A document says which VPCs, subnets, servers, peerings and routes there are to be ([`Document`]). [`apply`] makes a
//! server so through the public API, changing only what differs; [`check`] applies each scenario of a suite to a fresh
//! server and compares what packets do with what the document expects.
#![forbid(unsafe_code)]

mod access;
mod apply;
pub mod check;
mod document;

pub use access::{Access, AccessError, AccountAccess};
pub use apply::{
    Applied, ApplyError, ApplyOptions, ChangeKind, ChangeLine, Placed, accounts, apply, remove, remove_all,
};
pub use document::{
    Control, Defaults, Document, DocumentError, Expect, GroupRule, NatGateway, NetworkAcl, Operation, Peering, Ports,
    Route, RouteTable, Scenario, SecurityGroup, Step, Subnet, Vip, Vpc, Workload, suggestion,
};
