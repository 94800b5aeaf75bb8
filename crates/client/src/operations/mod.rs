//! One method per operation. Ids in paths are percent-encoded here; bodies are in [`crate::types`].

mod causeway;
mod explain;
mod iam;
mod peering;
mod port;
mod route;
mod route_table;
mod security_group;
mod subnet;
mod vpc;

use signing::encode as segment;
