//! What has to be written to make one set of tables another.

mod close;

use std::collections::{BTreeMap, BTreeSet};

use abi::{
    Acl, AclAddressKey, AclKey, AclPortKey, AclRules, AddressPair, AddressPairKey, CidrKey, Crossing, CrossingKey,
    Endpoint, EndpointKey, Id, Identity, IdentityKey, Port, Route, RouteKey, Rule, RuleKey, Subnet,
};

use crate::{Prefix, Tables};

/// One entry to write (`Some`) or to remove (`None`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Of [`Tables::ports`].
    Port(u32, Option<Port>),
    /// Of [`Tables::endpoints`].
    Endpoint(EndpointKey, Option<Endpoint>),
    /// Of [`Tables::routes`].
    Route(Prefix<RouteKey>, Option<Route>),
    /// Of [`Tables::crossings`].
    Crossing(CrossingKey, Option<Crossing>),
    /// Of [`Tables::cidrs`].
    Cidr(Prefix<CidrKey>, Option<u32>),
    /// Of [`Tables::identities`].
    Identity(Prefix<IdentityKey>, Option<Identity>),
    /// Of [`Tables::rules`].
    Rule(Prefix<RuleKey>, Option<Rule>),
    /// Of [`Tables::address_pairs`].
    AddressPair(Prefix<AddressPairKey>, Option<AddressPair>),
    /// Of [`Tables::subnets`].
    Subnet(Id, Option<Subnet>),
    /// Of [`Tables::acls`].
    Acl(AclKey, Option<Acl>),
    /// Of [`Tables::acl_addresses`].
    AclAddress(Prefix<AclAddressKey>, Option<AclRules>),
    /// Of [`Tables::acl_ports`].
    AclPort(Prefix<AclPortKey>, Option<AclRules>),
}

/// Changes in the order in which they must be written, and the VPCs whose flows must be decided again afterwards.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delta {
    /// The changes, first to last.
    pub changes: Vec<Change>,
    /// VNIs whose generation has to be bumped **after** all changes are written.
    pub bumped: BTreeSet<u32>,
}

impl Delta {
    /// The changes that turn `old` into `new`; `bumped` is left empty.
    ///
    /// Maps do not change together, and a packet looks into many. So that none gets where it gets neither by `old` nor by
    /// `new`, wherever the writing stands:
    ///
    /// - What refers to nothing is written first (rules before the identities that name them, crossings and endpoints
    ///   before routes, all of them before ports).
    /// - In one longest-prefix-match table, long prefixes are written before short ones, and short ones removed before
    ///   long ones: an address then has its old value or its new one, never that of a prefix in between.
    /// - When a packet could meet the old value of one entry and the new value of another, all entries that differ are
    ///   closed first: removed, or set to a value by which nothing passes. For some microseconds the first packets of
    ///   flows that would use them are dropped; flows under way go on by what was decided about them.
    #[must_use]
    pub fn between(old: &Tables, new: &Tables) -> Self {
        let mut changes = Vec::new();
        if close::is_needed(old, new) {
            close::all(old, new, &mut changes);
        }
        // Write, from the leaves up.
        written(&old.acl_addresses, &new.acl_addresses, Change::AclAddress, &mut changes);
        written(&old.acl_ports, &new.acl_ports, Change::AclPort, &mut changes);
        written(&old.acls, &new.acls, Change::Acl, &mut changes);
        written(&old.rules, &new.rules, Change::Rule, &mut changes);
        written(&old.identities, &new.identities, Change::Identity, &mut changes);
        written(&old.cidrs, &new.cidrs, Change::Cidr, &mut changes);
        written(&old.endpoints, &new.endpoints, Change::Endpoint, &mut changes);
        written(&old.crossings, &new.crossings, Change::Crossing, &mut changes);
        written(&old.routes, &new.routes, Change::Route, &mut changes);
        written(&old.subnets, &new.subnets, Change::Subnet, &mut changes);
        written(&old.address_pairs, &new.address_pairs, Change::AddressPair, &mut changes);
        written(&old.ports, &new.ports, Change::Port, &mut changes);
        // Remove, from the root down.
        removed(&old.ports, &new.ports, Change::Port, &mut changes);
        removed(&old.address_pairs, &new.address_pairs, Change::AddressPair, &mut changes);
        removed(&old.subnets, &new.subnets, Change::Subnet, &mut changes);
        removed(&old.routes, &new.routes, Change::Route, &mut changes);
        removed(&old.crossings, &new.crossings, Change::Crossing, &mut changes);
        removed(&old.endpoints, &new.endpoints, Change::Endpoint, &mut changes);
        removed(&old.cidrs, &new.cidrs, Change::Cidr, &mut changes);
        removed(&old.identities, &new.identities, Change::Identity, &mut changes);
        removed(&old.rules, &new.rules, Change::Rule, &mut changes);
        removed(&old.acls, &new.acls, Change::Acl, &mut changes);
        removed(&old.acl_ports, &new.acl_ports, Change::AclPort, &mut changes);
        removed(&old.acl_addresses, &new.acl_addresses, Change::AclAddress, &mut changes);
        Self { changes, bumped: BTreeSet::new() }
    }

    /// Whether nothing has to be written or bumped.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.bumped.is_empty()
    }
}

fn written<K: Ord + Copy, V: PartialEq + Copy>(
    old: &BTreeMap<K, V>,
    new: &BTreeMap<K, V>,
    change: impl Fn(K, Option<V>) -> Change,
    changes: &mut Vec<Change>,
) {
    // Backwards: prefixes are ordered by their length first.
    changes.extend(new.iter().rev().filter(|(k, v)| old.get(k) != Some(v)).map(|(k, v)| change(*k, Some(*v))));
}

fn removed<K: Ord + Copy, V>(
    old: &BTreeMap<K, V>,
    new: &BTreeMap<K, V>,
    change: impl Fn(K, Option<V>) -> Change,
    changes: &mut Vec<Change>,
) {
    changes.extend(old.keys().filter(|k| !new.contains_key(k)).map(|k| change(*k, None)));
}

#[cfg(test)]
mod tests;
