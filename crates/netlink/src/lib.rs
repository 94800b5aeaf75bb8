//! Links, addresses, namespaces and sockets inside namespaces behind a small safe interface.
//!
//! What it is: the one crate that talks to Linux about network namespaces ([`Namespace`], [`run_in`]), interfaces
//! ([`ensure_veth`], [`link()`], [`links`]), kernel parameters ([`write_sysctl_in`]), processes in a namespace
//! ([`processes_in`], [`end_processes`]), sockets bound to a namespace ([`sockets`]) and real packets sent to see what
//! arrives ([`probe`]). [`Links`] is the part of it that an agent needs, as a trait, with the kernel ([`HostLinks`]) and
//! a recording fake ([`fake::FakeLinks`]) behind it.
//!
//! What it guarantees: no thread of the caller ever changes its namespace; every `ensure` is idempotent, says what it
//! changed and leaves alone what is right or not ours; every error names the object and the kernel's number.
//!
//! What it does not do: it loads no programs (crate `datapath`), computes no names, and knows nothing about VPCs.
//!
//! All operations block, from 50 µs to the tens of milliseconds the kernel takes to delete a link, and none needs an
//! async runtime: call them from threads that may block. They need CAP_NET_ADMIN and CAP_SYS_ADMIN (`setns`, mounts),
//! probes CAP_NET_RAW as well. Minimum kernel 5.4 (`pidfd_open` came with 5.3).

mod announce;
mod deadline;
mod enter;
mod error;
pub mod fake;
mod link;
mod links;
mod namespace;
pub mod probe;
mod process;
mod session;
pub mod sockets;
mod sysctl;
mod veth;
mod vlan;

#[cfg(test)]
mod testing;

pub use announce::{Announcer, announce, announcement, give_up_address, take_address};
pub use enter::run_in;
pub use error::{Error, Object, Result};
pub use link::{LINK_NAME_MAX, LinkState, Mac, Peer, delete_link, link, links, set_link_alias, set_link_up};
pub use links::{HostLinks, Links};
pub use namespace::{NAMESPACE_DIR, Namespace, NamespaceId, NamespaceRef};
pub use process::{end_processes, processes_in};
pub use sysctl::{
    ReversePathFilter, read_sysctl_in, set_forwarding, set_reverse_path_filter, set_send_redirects, write_sysctl_in,
};
pub use veth::{Change, VethSpec, VethState, ensure_veth};
pub use vlan::{VlanSpec, ensure_vlan, remove_vlans};
