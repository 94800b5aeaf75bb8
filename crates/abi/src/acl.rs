//! Network ACLs as bit vectors: each lookup tells which rules match in one respect, and the first rule that matches in
//! all of them decides (rule ACL-3).
//!
//! An ACL has at most [`ACL_RULES`] rules for each direction and address family. Bit `i` of a vector (bit `i % 64` of
//! word `i / 64`) stands for the rule at place `i` of those, counted in their order.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::{Address, Id};

/// Rules for one direction and family.
pub const ACL_RULES: u32 = 64 * ACL_WORDS as u32;
/// Words of a bit vector.
pub const ACL_WORDS: usize = 4;

/// Packets that enter the subnet.
pub const ACL_INGRESS: u8 = 0;
/// Packets that leave the subnet.
pub const ACL_EGRESS: u8 = 1;

/// The source address or port.
pub const ACL_SOURCE: u8 = 0;
/// The destination address or port.
pub const ACL_DESTINATION: u8 = 1;

/// Key of map `ACLS` (hash): the rules of one direction and family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct AclKey {
    /// Content hash of the ACL's rules.
    pub acl: Id,
    /// [`ACL_INGRESS`] or [`ACL_EGRESS`].
    pub direction: u8,
    /// Address family.
    pub family: u8,
    /// Zero.
    pub pad: [u8; 6],
}

/// Which rules allow. Value of map `ACLS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Acl {
    /// The rules that allow; the others deny.
    pub allow: [u64; ACL_WORDS],
}

/// Key of map `ACL_ADDRESSES` (longest prefix match); the prefix length is [`crate::prefix_base::ACL_ADDRESS`] plus that
/// of the range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct AclAddressKey {
    /// As [`AclKey::acl`].
    pub acl: Id,
    /// [`ACL_INGRESS`] or [`ACL_EGRESS`].
    pub direction: u8,
    /// [`ACL_SOURCE`] or [`ACL_DESTINATION`].
    pub side: u8,
    /// Address family.
    pub family: u8,
    /// The address.
    pub address: Address,
}

/// Key of map `ACL_PORTS` (longest prefix match), see [`crate::prefix_base::ACL_ANY_PROTOCOL`] and
/// [`crate::prefix_base::ACL_PROTOCOL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct AclPortKey {
    /// As [`AclKey::acl`].
    pub acl: Id,
    /// [`ACL_INGRESS`] or [`ACL_EGRESS`].
    pub direction: u8,
    /// [`ACL_SOURCE`] or [`ACL_DESTINATION`].
    pub side: u8,
    /// Address family.
    pub family: u8,
    /// IP protocol number.
    pub protocol: u8,
    /// TCP and UDP port in network byte order; zero for other protocols.
    pub port: [u8; 2],
}

/// The rules that match in one respect, as words in host byte order. Value of maps `ACL_ADDRESSES` and `ACL_PORTS`; a
/// trie's values stand at any address, so the words are bytes here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct AclRules {
    /// The words.
    pub words: [[u8; 8]; ACL_WORDS],
}
