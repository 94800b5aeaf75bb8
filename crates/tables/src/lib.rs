//! The forwarding tables of one host as plain data, and the difference between two of them.
//!
//! The compiler makes [`Tables`]; the simulator looks them up; the datapath writes them into the kernel's maps. A
//! [`Delta`] lists what has to be written, in the order that never joins what is not joined: see [`Delta::between`].
#![forbid(unsafe_code)]

mod delta;

pub use delta::{Change, Delta};

use std::collections::BTreeMap;

use abi::{
    Acl, AclAddressKey, AclKey, AclPortKey, AclRules, AddressPair, AddressPairKey, CidrKey, Crossing, CrossingKey,
    Endpoint, EndpointKey, Id, Identity, IdentityKey, Port, Route, RouteKey, Rule, RuleKey, Subnet,
};
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// A prefix of a longest-prefix-match table: the whole prefix length in bits, and the key with the bits behind it zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix<K> {
    /// Bits of `key` that count, from its first byte on: the key's own base (`abi::prefix_base`) plus the address's.
    pub bits: u32,
    /// The key.
    pub key: K,
}

impl<K: FromBytes + IntoBytes + Immutable> Prefix<K> {
    /// The first `bits` bits of it.
    #[must_use]
    pub fn cut(mut self, bits: u32) -> Self {
        let whole = (bits / 8) as usize;
        for (i, byte) in self.key.as_mut_bytes().iter_mut().enumerate().skip(whole) {
            *byte &= if i == whole { !(0xff_u8.checked_shr(bits % 8).unwrap_or(0)) } else { 0 };
        }
        Self { bits, ..self }
    }
}

/// All that the pipeline looks up. Also a part of it: the compiler makes one value for each VPC.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tables {
    /// Attached ports by the interface index of the host's end.
    pub ports: BTreeMap<u32, Port>,
    /// Addresses.
    pub endpoints: BTreeMap<EndpointKey, Endpoint>,
    /// Routes of all tables.
    pub routes: BTreeMap<Prefix<RouteKey>, Route>,
    /// Peering crossings.
    pub crossings: BTreeMap<CrossingKey, Crossing>,
    /// Address ranges.
    pub cidrs: BTreeMap<Prefix<CidrKey>, u32>,
    /// Remote address to class.
    pub identities: BTreeMap<Prefix<IdentityKey>, Identity>,
    /// Class and service to verdict.
    pub rules: BTreeMap<Prefix<RuleKey>, Rule>,
    /// Addresses that ports may use beside their own.
    pub address_pairs: BTreeMap<Prefix<AddressPairKey>, AddressPair>,
    /// What the guests of a subnet are told.
    pub subnets: BTreeMap<Id, Subnet>,
    /// Which rules of a network ACL allow.
    pub acls: BTreeMap<AclKey, Acl>,
    /// Which rules of a network ACL match an address.
    pub acl_addresses: BTreeMap<Prefix<AclAddressKey>, AclRules>,
    /// Which rules of a network ACL match a protocol and port.
    pub acl_ports: BTreeMap<Prefix<AclPortKey>, AclRules>,
}

impl Tables {
    /// Adds all entries of `other`, which win over entries of the same key.
    pub fn extend(&mut self, other: Tables) {
        self.ports.extend(other.ports);
        self.endpoints.extend(other.endpoints);
        self.routes.extend(other.routes);
        self.crossings.extend(other.crossings);
        self.cidrs.extend(other.cidrs);
        self.identities.extend(other.identities);
        self.rules.extend(other.rules);
        self.address_pairs.extend(other.address_pairs);
        self.subnets.extend(other.subnets);
        self.acls.extend(other.acls);
        self.acl_addresses.extend(other.acl_addresses);
        self.acl_ports.extend(other.acl_ports);
    }

    /// Number of entries of all tables.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ports.len()
            + self.endpoints.len()
            + self.routes.len()
            + self.crossings.len()
            + self.cidrs.len()
            + self.identities.len()
            + self.rules.len()
            + self.address_pairs.len()
            + self.subnets.len()
            + self.acls.len()
            + self.acl_addresses.len()
            + self.acl_ports.len()
    }

    /// Whether no table has an entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Makes the changes of `delta`.
    pub fn apply(&mut self, delta: &Delta) {
        for change in &delta.changes {
            match change {
                Change::Port(key, value) => put(&mut self.ports, *key, *value),
                Change::Endpoint(key, value) => put(&mut self.endpoints, *key, *value),
                Change::Route(key, value) => put(&mut self.routes, *key, *value),
                Change::Crossing(key, value) => put(&mut self.crossings, *key, *value),
                Change::Cidr(key, value) => put(&mut self.cidrs, *key, *value),
                Change::Identity(key, value) => put(&mut self.identities, *key, *value),
                Change::Rule(key, value) => put(&mut self.rules, *key, *value),
                Change::AddressPair(key, value) => put(&mut self.address_pairs, *key, *value),
                Change::Subnet(key, value) => put(&mut self.subnets, *key, *value),
                Change::Acl(key, value) => put(&mut self.acls, *key, *value),
                Change::AclAddress(key, value) => put(&mut self.acl_addresses, *key, *value),
                Change::AclPort(key, value) => put(&mut self.acl_ports, *key, *value),
            }
        }
    }
}

fn put<K: Ord, V>(table: &mut BTreeMap<K, V>, key: K, value: Option<V>) {
    match value {
        Some(value) => table.insert(key, value),
        None => table.remove(&key),
    };
}
