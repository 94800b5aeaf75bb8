//! Security groups, compiled to two lookups: remote address to class, class and service to verdict.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::{Address, Id};

/// Sent by the port: `address` is the destination.
pub const CONTEXT_OUT: u8 = 0;
/// Delivered to the port, sent in the same VPC (rule SG-7): `address` is the source.
pub const CONTEXT_IN_VPC: u8 = 1;
/// Delivered to the port, arrived through a peering.
pub const CONTEXT_IN_PEERING: u8 = 2;
/// Delivered to the port, emitted by a port whose check is off.
pub const CONTEXT_IN_UNCHECKED: u8 = 3;

/// The rule lets the packet pass.
pub const RULE_ALLOW: u8 = 1;
/// The rule refuses the packet.
pub const RULE_DENY: u8 = 2;

/// Key of map `IDENTITIES` (longest prefix match); the prefix length is [`crate::prefix_base::IDENTITY`] plus that of
/// the remote range. No match means that no rule names the address: denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct IdentityKey {
    /// The policy: one for each VPC and ordered list of groups.
    pub policy: Id,
    /// `CONTEXT_*`.
    pub context: u8,
    /// Address family.
    pub family: u8,
    /// The remote address.
    pub address: Address,
}

/// The class of a remote address. Value of map `IDENTITIES`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Identity {
    /// Content hash of the ordered rules that apply to the address.
    pub class: Id,
}

/// Key of map `RULES` (longest prefix match), see [`crate::prefix_base::RULE_ANY_PROTOCOL`] and
/// [`crate::prefix_base::RULE_PROTOCOL`]. Priorities are resolved by the compiler: the longest prefix is the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct RuleKey {
    /// The class.
    pub class: Id,
    /// IP protocol number.
    pub protocol: u8,
    /// Destination port in network byte order; for ICMP type and code; zero for other protocols.
    pub service: [u8; 2],
}

/// A verdict. Value of map `RULES`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Rule {
    /// The rule that decided, for the tracer.
    pub rule: Id,
    /// [`RULE_ALLOW`] or [`RULE_DENY`].
    pub verdict: u8,
    /// Zero.
    pub pad: [u8; 7],
}
