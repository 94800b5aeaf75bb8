//! What has to be written to make one set of tables another.

use std::collections::{BTreeMap, BTreeSet};

use abi::{
    CidrKey, Crossing, CrossingKey, Endpoint, EndpointKey, Identity, IdentityKey, Port, Route, RouteKey, Rule, RuleKey,
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
    /// Maps do not change together, so the order fails closed: what refers to nothing is written first (rules before
    /// the identities that name them, crossings and endpoints before routes, all of them before ports), and what is
    /// referred to is removed last.
    #[must_use]
    pub fn between(old: &Tables, new: &Tables) -> Self {
        let mut changes = Vec::new();
        // Write, from the leaves up.
        written(&old.rules, &new.rules, Change::Rule, &mut changes);
        written(&old.identities, &new.identities, Change::Identity, &mut changes);
        written(&old.cidrs, &new.cidrs, Change::Cidr, &mut changes);
        written(&old.endpoints, &new.endpoints, Change::Endpoint, &mut changes);
        written(&old.crossings, &new.crossings, Change::Crossing, &mut changes);
        written(&old.routes, &new.routes, Change::Route, &mut changes);
        written(&old.ports, &new.ports, Change::Port, &mut changes);
        // Remove, from the root down.
        removed(&old.ports, &new.ports, Change::Port, &mut changes);
        removed(&old.routes, &new.routes, Change::Route, &mut changes);
        removed(&old.crossings, &new.crossings, Change::Crossing, &mut changes);
        removed(&old.endpoints, &new.endpoints, Change::Endpoint, &mut changes);
        removed(&old.cidrs, &new.cidrs, Change::Cidr, &mut changes);
        removed(&old.identities, &new.identities, Change::Identity, &mut changes);
        removed(&old.rules, &new.rules, Change::Rule, &mut changes);
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
    changes.extend(new.iter().filter(|(k, v)| old.get(k) != Some(v)).map(|(k, v)| change(*k, Some(*v))));
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
mod tests {
    use super::*;

    fn cidr(vni: u8) -> Prefix<CidrKey> {
        Prefix { bits: 48, key: CidrKey { vni: [0, 0, 0, vni], family: 4, address: [10; 16] } }
    }

    #[test]
    fn applying_the_difference_gives_the_new_tables() {
        let old = Tables { cidrs: BTreeMap::from([(cidr(1), 1), (cidr(2), 1)]), ..Tables::default() };
        let new = Tables { cidrs: BTreeMap::from([(cidr(2), 2), (cidr(3), 1)]), ..Tables::default() };
        let delta = Delta::between(&old, &new);
        assert_eq!(delta.changes.len(), 3);
        let mut got = old;
        got.apply(&delta);
        assert_eq!(got, new);
    }
}
