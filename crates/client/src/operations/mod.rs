//! One method per operation. Ids in paths are percent-encoded here; bodies are in [`crate::types`].

mod address_group;
mod causeway;
mod event;
mod explain;
mod iam;
mod network_acl;
mod peering;
mod port;
mod route;
mod route_table;
mod security_group;
mod subnet;
mod tag;
mod user;
mod vip;
mod vpc;

use signing::encode as segment;
