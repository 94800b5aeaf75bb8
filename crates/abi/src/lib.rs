//! Map keys, map values and drop reasons, shared by the kernel programs and user space.
//!
//! Every type is `repr(C)` without implicit padding, so its bytes are its identity: the kernel hashes and compares map
//! keys byte by byte. The `zerocopy` derives prove the layouts; nothing here is `unsafe`.
//!
//! Conventions: addresses and ports are in **network byte order**; an address takes 16 bytes, an IPv4 address standing
//! in the first four with the rest zero, and the family stands beside it ([`FAMILY_V4`], [`FAMILY_V6`]). Ids of eight
//! bytes ([`Id`]) are the first half of the object's UUID, or a content hash where the compiler makes the object.
//! VNIs are 24-bit numbers in host byte order. Times are nanoseconds of the monotonic clock.
#![no_std]
#![forbid(unsafe_code)]

mod acl;
mod attachment;
mod flow;
mod forwarding;
mod policy;
mod port;
mod reason;
mod subnet;

pub use acl::{
    ACL_DESTINATION, ACL_EGRESS, ACL_INGRESS, ACL_RULES, ACL_SOURCE, ACL_WORDS, Acl, AclAddressKey, AclKey, AclPortKey,
    AclRules,
};
pub use attachment::{MAX_IFINDEX, NO_ATTACHMENT, NO_VLAN, OTHER_TAG, attachment, attachment_ifindex, attachment_vlan};
pub use flow::{
    Claim, Claimed, DropCounter, DropCounterKey, DropSample, FLOW_CLOSING, FLOW_IN_ALLOWED, FLOW_OUT_ALLOWED,
    FLOW_REPLIED, FLOW_RESOLVED, FLOW_SAME_SUBNET, FLOW_SENDER_UNCHECKED, Flow, FlowKey, FragmentKey, FragmentPorts,
    ORIGIN_PEERING, ORIGIN_UNCHECKED, ORIGIN_VPC,
};
pub use forwarding::{
    CROSSING_ACTIVE, CROSSING_CLOSED, CROSSING_EXPIRED, CROSSING_PENDING, CROSSING_REJECTED, CidrKey, Crossing,
    CrossingKey, ROUTE_CLOSED, ROUTE_INSTANCE, ROUTE_LOCAL, ROUTE_NAT, ROUTE_PEERING, ROUTE_SYSTEM, Route, RouteKey,
};
pub use policy::{
    CONTEXT_IN_PEERING, CONTEXT_IN_UNCHECKED, CONTEXT_IN_VPC, CONTEXT_OUT, Identity, IdentityKey, RULE_ALLOW,
    RULE_DENY, Rule, RuleKey,
};
pub use port::{
    AddressPair, AddressPairKey, ENDPOINT_GATEWAY, ENDPOINT_WORKLOAD, Endpoint, EndpointKey, LEASE_HOURS_INFINITE,
    PAIR_USABLE, PAIR_VIP, PORT_CHECKED, PORT_RUNNING, PORT_UNSECURED, Port,
};
pub use reason::DropReason;
pub use subnet::{DOMAIN_BYTES, LEASE_INFINITE, SUBNET_DHCP, SUBNET_IPV6, Subnet};

/// An object's id in the tables: the first eight bytes of its UUID, or a content hash. All zero means "none".
pub type Id = [u8; 8];

/// No object.
pub const NO_ID: Id = [0; 8];

/// An address of either family in network byte order; IPv4 stands in the first four bytes, the rest is zero.
pub type Address = [u8; 16];

/// No address: what stands where there is none.
pub const NO_ADDRESS: Address = [0; 16];

/// A hardware address.
pub type Mac = [u8; 6];

/// Address family IPv4, as it stands in keys.
pub const FAMILY_V4: u8 = 4;
/// Address family IPv6, as it stands in keys.
pub const FAMILY_V6: u8 = 6;

/// The gateway's hardware address: one for all subnets and hosts (rule L2-1). Never given to a port.
pub const GATEWAY_MAC: Mac = [0xfa, 0x16, 0x3e, 0xff, 0xff, 0xff];

/// The gateway's link-local address in every IPv6 subnet: EUI-64 of [`GATEWAY_MAC`] (RFC 4291, appendix A).
pub const GATEWAY_LINK_LOCAL: Address = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0xf8, 0x16, 0x3e, 0xff, 0xfe, 0xff, 0xff, 0xff];

/// A packet crosses at most this many peerings (rule PEER-10).
pub const MAX_CROSSINGS: u32 = 16;

/// Number of entries of the generation array; see [`generation_index`].
pub const GENERATIONS: u32 = 1 << 16;

/// Where the generation of a VPC stands. Two VPCs may share a place: a bump of either then only makes flows of both be
/// decided again, which costs a slow path and nothing else.
#[must_use]
#[inline(always)]
pub const fn generation_index(vni: u32) -> u32 {
    (vni ^ (vni >> 16)) & (GENERATIONS - 1)
}

/// The number of bits of the part of an LPM key that stands before the address, by key type.
pub mod prefix_base {
    /// [`crate::RouteKey`]: table and family.
    pub const ROUTE: u32 = 72;
    /// [`crate::CidrKey`]: VNI and family.
    pub const CIDR: u32 = 40;
    /// [`crate::IdentityKey`]: policy, context and family.
    pub const IDENTITY: u32 = 80;
    /// [`crate::AddressPairKey`]: port and family.
    pub const ADDRESS_PAIR: u32 = 72;
    /// [`crate::AclAddressKey`]: ACL, direction, side and family.
    pub const ACL_ADDRESS: u32 = 88;
    /// [`crate::AclPortKey`]: ACL, direction, side and family (matches any protocol).
    pub const ACL_ANY_PROTOCOL: u32 = 88;
    /// [`crate::AclPortKey`]: the same and the protocol; a port prefix of n bits adds n.
    pub const ACL_PROTOCOL: u32 = 96;
    /// [`crate::RuleKey`]: class alone (matches any protocol).
    pub const RULE_ANY_PROTOCOL: u32 = 64;
    /// [`crate::RuleKey`]: class and protocol; a port prefix of n bits adds n.
    pub const RULE_PROTOCOL: u32 = 72;
}

/// The number of bits of an address family's addresses.
#[must_use]
#[inline(always)]
pub const fn address_bits(family: u8) -> u32 {
    if family == FAMILY_V4 { 32 } else { 128 }
}
