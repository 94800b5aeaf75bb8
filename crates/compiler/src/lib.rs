//! Desired state to forwarding tables: a pure function.
//!
//! [`compile_vpc`] turns one VPC of a catalog into a fragment of [`tables::Tables`]; [`Compiler`] holds the fragments
//! of all VPCs and, told what changed in the catalog, gives the [`tables::Delta`] that brings a host's tables up to
//! date. Work for a change is bounded by the VPCs that it touches, not by the installation.
//!
//! What is decided here, so that the pipeline only has to look up: the order of preference of routes (rules RT-4,
//! RT-5), the priorities of security group rules (rule SG-3), who is meant by a group named as a remote (rule SG-7),
//! which rules of a network ACL match an address or port (rule ACL-3), who gets packets for a virtual IP (rule VIP-3).
//! The same catalog and attachments always give the same tables, whatever way led there.
//!
//! Not here: validation of the desired state (`control`), writing tables (`agent`), what a packet does (`pipeline`).
#![forbid(unsafe_code)]

mod acl;
mod compiler;
#[cfg(any(test, feature = "fixture"))]
pub mod fixture;
mod fragment;
mod guard;
mod hash;
mod key;
mod paint;
mod policy;
mod route;
mod scope;
mod subnet;
mod vip;

pub use acl::acl_rule;
pub use compiler::Compiler;
pub use fragment::{Attachments, DEFAULT_MTU, Settings, compile_installation, compile_vpc};
pub use guard::rules_before_acl;
pub use hash::{edge_site_id, policy_id};
pub use key::{address, endpoint_key, ip_address};
