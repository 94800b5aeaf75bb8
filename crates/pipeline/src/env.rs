//! What a stage may ask of its surroundings: read-only tables, and flows with a clock.

use abi::{
    Acl, AclAddressKey, AclKey, AclPortKey, AclRules, Address, AddressPair, AddressPairKey, CidrKey, Claim, Crossing,
    CrossingKey, Endpoint, EndpointKey, Flow, FlowKey, FragmentKey, FragmentPorts, Id, Identity, IdentityKey, Port,
    Route, RouteKey, Rule, RuleKey, Subnet, address_bits, prefix_base,
};

/// Key of a longest-prefix-match lookup, laid out as the kernel's `struct bpf_lpm_trie_key`: the number of leading bits
/// of `key` that count in host byte order, then the key. May have padding behind the key, never before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Lpm<K> {
    /// Bits of `key` that count; in a lookup all that the key and its address family have.
    pub bits: u32,
    /// The key.
    pub key: K,
}

/// The configuration that the control plane writes. Lookups return a reference into the table.
///
/// The kernel gives the memory of an entry of a hash map to another key as soon as it is replaced or removed, also while
/// a program reads it (`bpf_mem_cache_free` of `kernel/bpf/memalloc.c`). Whoever acts on an entry looks it up again
/// afterwards and compares the references.
pub trait Tables {
    /// The port with this attachment (see [`abi::attachment`]).
    fn port(&self, ifindex: u32) -> Option<&Port>;
    /// Who has an address.
    fn endpoint(&self, key: &EndpointKey) -> Option<&Endpoint>;
    /// The route with the longest matching prefix.
    fn route(&self, key: &Lpm<RouteKey>) -> Option<&Route>;
    /// The other end of a peering.
    fn crossing(&self, key: &CrossingKey) -> Option<&Crossing>;
    /// The range with the longest matching prefix; the value has no meaning yet.
    fn cidr(&self, key: &Lpm<CidrKey>) -> Option<&u32>;
    /// The class of a remote address, by the longest matching prefix.
    fn identity(&self, key: &Lpm<IdentityKey>) -> Option<&Identity>;
    /// The rule with the longest matching prefix.
    fn rule(&self, key: &Lpm<RuleKey>) -> Option<&Rule>;
    /// What a port may do with an address that is not its own, by the longest matching prefix.
    fn address_pair(&self, key: &Lpm<AddressPairKey>) -> Option<&AddressPair>;
    /// What the guests of a subnet are told.
    fn subnet(&self, id: &Id) -> Option<&Subnet>;
    /// Which rules of a network ACL allow.
    fn acl(&self, key: &AclKey) -> Option<&Acl>;
    /// Which rules of a network ACL match an address, by the longest matching prefix.
    fn acl_addresses(&self, key: &Lpm<AclAddressKey>) -> Option<&AclRules>;
    /// Which rules of a network ACL match a protocol and port, by the longest matching prefix.
    fn acl_ports(&self, key: &Lpm<AclPortKey>) -> Option<&AclRules>;
    /// The generation of a VPC, at [`abi::generation_index`]; 0 when there is none. Must be a real read each time: the
    /// decision kept with it relies on tables being read later.
    fn generation(&self, vni: u32) -> u64;
}

/// What the pipeline itself writes, and the clock.
///
/// All maps are LRU maps: an entry may vanish at any time, and a `put` may fail; both only cost a later packet a slow
/// path.
pub trait Flows {
    /// Nanoseconds of the monotonic clock; a coarse one will do.
    fn now(&self) -> u64;
    /// The entry in map `FLOWS`, where flows that were seen both ways are.
    fn flow(&self, key: &FlowKey) -> Option<&Flow>;
    /// Whether the entry still has the tag, read anew and after everything that was read of the entry before: an LRU map
    /// may give the memory of an entry to another one at any time, but writes the tag first.
    fn holds(&self, flow: &Flow, tag: u64) -> bool {
        flow.tag == tag
    }
    /// The entry in map `NEW_FLOWS`, where all others are, so that they can never evict an established one.
    fn new_flow(&self, key: &FlowKey) -> Option<&Flow>;
    /// Writes an entry to `FLOWS`.
    fn put_flow(&mut self, key: &FlowKey, flow: &Flow);
    /// Writes an entry to `NEW_FLOWS`.
    fn put_new_flow(&mut self, key: &FlowKey, flow: &Flow);
    /// Removes an entry from `FLOWS`, if there.
    fn delete_flow(&mut self, key: &FlowKey);
    /// Removes an entry from `NEW_FLOWS`, if there.
    fn delete_new_flow(&mut self, key: &FlowKey);
    /// Sets `seen` of an entry of `FLOWS` in place; whether there is one.
    fn touch_flow(&mut self, key: &FlowKey, seen: u64) -> bool;
    /// Sets `seen` of an entry of `NEW_FLOWS` in place; whether there is one.
    fn touch_new_flow(&mut self, key: &FlowKey, seen: u64) -> bool;
    /// The ports of a fragmented packet whose first fragment was seen.
    fn fragment(&self, key: &FragmentKey) -> Option<&FragmentPorts>;
    /// Remembers the ports of a fragmented packet.
    fn put_fragment(&mut self, key: &FragmentKey, ports: &FragmentPorts);
    /// Tells user space that a port claims a virtual IP; may be lost when nobody reads.
    fn claim(&mut self, claim: &Claim);
    /// Gives the number back.
    ///
    /// The kernel's verifier walks each of the ways that lead to a place by itself as long as it can tell them apart by
    /// a number on which something still depends. Of a number that comes from here it knows nothing, so it walks on
    /// once for all of them.
    fn forget(&mut self, number: u32) -> u32 {
        number
    }
}

/// Whether a second lookup found the entry that was read since the first, which then was nobody else's meanwhile.
#[must_use]
#[inline(always)]
pub(crate) fn is_same<T>(entry: &T, again: Option<&T>) -> bool {
    let Some(again) = again else { return false };
    core::ptr::eq(entry, again)
}

/// Key of the address `address` in the VPC `vni`.
#[must_use]
#[inline(always)]
pub const fn endpoint_key(vni: u32, family: u8, address: &Address) -> EndpointKey {
    EndpointKey { vni, family, pad: [0; 3], address: *address }
}

/// Key that looks `address` up in a route table.
#[must_use]
#[inline(always)]
pub const fn route_key(table: &Id, family: u8, address: &Address) -> Lpm<RouteKey> {
    Lpm { bits: prefix_base::ROUTE + address_bits(family), key: RouteKey { table: *table, family, address: *address } }
}

/// Key of a peering entered from the VPC `from_vni`.
#[must_use]
#[inline(always)]
pub const fn crossing_key(peering: &Id, from_vni: u32) -> CrossingKey {
    CrossingKey { peering: *peering, from_vni, pad: [0; 4] }
}

/// Key that asks whether `address` lies in a range of the VPC `vni`, or with VNI 0 of any VPC.
#[must_use]
#[inline(always)]
pub const fn cidr_key(vni: u32, family: u8, address: &Address) -> Lpm<CidrKey> {
    Lpm {
        bits: prefix_base::CIDR + address_bits(family),
        key: CidrKey { vni: vni.to_be_bytes(), family, address: *address },
    }
}

/// Key that looks up the class of a remote address for a policy; `context` is one of `abi::CONTEXT_*`.
#[must_use]
#[inline(always)]
pub const fn identity_key(policy: &Id, context: u8, family: u8, address: &Address) -> Lpm<IdentityKey> {
    Lpm {
        bits: prefix_base::IDENTITY + address_bits(family),
        key: IdentityKey { policy: *policy, context, family, address: *address },
    }
}

/// Key that looks up the verdict of a class for a protocol and service (see [`RuleKey::service`]).
#[must_use]
#[inline(always)]
pub const fn rule_key(class: &Id, protocol: u8, service: [u8; 2]) -> Lpm<RuleKey> {
    Lpm { bits: prefix_base::RULE_PROTOCOL + 16, key: RuleKey { class: *class, protocol, service } }
}

/// Key that asks what the port `port` may do with `address`.
#[must_use]
#[inline(always)]
pub const fn address_pair_key(port: &Id, family: u8, address: &Address) -> Lpm<AddressPairKey> {
    Lpm {
        bits: prefix_base::ADDRESS_PAIR + address_bits(family),
        key: AddressPairKey { port: *port, family, address: *address },
    }
}

/// Key that asks which rules match an address; `direction` and `side` are of `abi::ACL_*`.
#[must_use]
#[inline(always)]
pub const fn acl_address_key(acl: &Id, direction: u8, side: u8, family: u8, address: &Address) -> Lpm<AclAddressKey> {
    Lpm {
        bits: prefix_base::ACL_ADDRESS + address_bits(family),
        key: AclAddressKey { acl: *acl, direction, side, family, address: *address },
    }
}

/// Key that asks which rules match a protocol and port; `direction` and `side` are of `abi::ACL_*`.
#[must_use]
#[inline(always)]
pub const fn acl_port_key(
    acl: &Id,
    direction: u8,
    side: u8,
    family: u8,
    protocol: u8,
    port: [u8; 2],
) -> Lpm<AclPortKey> {
    Lpm { bits: prefix_base::ACL_PROTOCOL + 16, key: AclPortKey { acl: *acl, direction, side, family, protocol, port } }
}
