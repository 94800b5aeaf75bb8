//! Closing what differs before it is written: see [`super::Delta::between`].

use std::collections::{BTreeMap, BTreeSet};

use abi::{
    AddressPair, CONTEXT_OUT, CROSSING_CLOSED, Crossing, CrossingKey, Endpoint, EndpointKey, Id, Identity, NO_ID, Port,
    ROUTE_CLOSED, RULE_DENY, Route, Rule,
};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::Change;
use crate::{Prefix, Tables};

/// Lookups of which a packet does at most one, so that entries of one site can differ without two of them meeting.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Site {
    /// The sender.
    Port,
    /// An address: the source is one, the destination another.
    Endpoint(EndpointKey),
    /// A route table.
    Table(Id),
    /// A crossing.
    Crossing(CrossingKey),
    /// What the sender's policy says.
    Out,
    /// What the receiver's policy says.
    In,
    /// A class of addresses.
    Class(Id),
    /// What a port may use beside its own addresses: the sender is asked once, the receiver another time.
    AddressPairs(Id),
}

/// Whether one packet could meet an old value and a new one.
pub(super) fn is_needed(old: &Tables, new: &Tables) -> bool {
    // Nothing to mix with, and not worth the time.
    if old.is_empty() || new.is_empty() {
        return false;
    }
    let mut sites = BTreeSet::new();
    sites.extend(differing(&old.ports, &new.ports).take(1).map(|_| Site::Port));
    sites.extend(differing(&old.endpoints, &new.endpoints).take(2).map(|key| Site::Endpoint(*key)));
    sites.extend(differing(&old.crossings, &new.crossings).take(2).map(|key| Site::Crossing(*key)));
    sites.extend(differing(&old.routes, &new.routes).map(|prefix| Site::Table(prefix.key.table)));
    sites.extend(differing(&old.identities, &new.identities).map(|prefix| match prefix.key.context {
        CONTEXT_OUT => Site::Out,
        _ => Site::In,
    }));
    let (before, after) = (classes(old), classes(new));
    let rules = differing(&old.rules, &new.rules).map(|prefix| prefix.key.class);
    sites.extend(rules.filter(|class| before.contains(class) && after.contains(class)).map(Site::Class));
    let pairs = differing(&old.address_pairs, &new.address_pairs);
    sites.extend(pairs.map(|prefix| Site::AddressPairs(prefix.key.port)));
    // Of one network ACL a packet meets several entries.
    sites.len() > 1 || !changed_acls(old, new).is_empty()
}

/// Adds the changes by which nothing passes that would use an entry that differs.
pub(super) fn all(old: &Tables, new: &Tables, changes: &mut Vec<Change>) {
    exact(&old.ports, &new.ports, Change::Port, |port| Port { table: NO_ID, ..port }, changes);
    let unowned = |endpoint| Endpoint { port: NO_ID, ifindex: 0, ..endpoint };
    exact(&old.crossings, &new.crossings, Change::Crossing, |c| Crossing { state: CROSSING_CLOSED, ..c }, changes);
    prefixes(&old.routes, &new.routes, Change::Route, |route| Route { kind: ROUTE_CLOSED, ..route }, changes);
    exact(&old.endpoints, &new.endpoints, Change::Endpoint, unowned, changes);
    prefixes(&old.identities, &new.identities, Change::Identity, |_| Identity { class: NO_ID }, changes);
    let after = classes(new);
    // Of a class that goes, nothing refers to the rules any more.
    let kept = old.rules.iter().filter(|(prefix, _)| after.contains(&prefix.key.class)).map(|(p, rule)| (*p, *rule));
    prefixes(&kept.collect(), &new.rules, Change::Rule, |rule| Rule { verdict: RULE_DENY, ..rule }, changes);
    let unusable = |pair| AddressPair { flags: 0, ..pair };
    prefixes(&old.address_pairs, &new.address_pairs, Change::AddressPair, unusable, changes);
    // What has no entry denies.
    let changed = changed_acls(old, new);
    changes.extend(old.acls.keys().filter(|key| changed.contains(&key.acl)).map(|key| Change::Acl(*key, None)));
}

/// The network ACLs that are in both tables, but are not the same. Ids are hashes of the content, so there is none unless
/// two contents have the same hash; those of other ids are written before anything refers to them, and removed when
/// nothing does any more.
fn changed_acls(old: &Tables, new: &Tables) -> BTreeSet<Id> {
    let mut changed: BTreeSet<Id> = differing(&old.acls, &new.acls).map(|key| key.acl).collect();
    changed.extend(differing(&old.acl_addresses, &new.acl_addresses).map(|prefix| prefix.key.acl));
    changed.extend(differing(&old.acl_ports, &new.acl_ports).map(|prefix| prefix.key.acl));
    if changed.is_empty() {
        return changed;
    }
    let kept = |tables: &Tables| tables.acls.keys().map(|key| key.acl).collect::<BTreeSet<Id>>();
    let both: BTreeSet<Id> = kept(old).intersection(&kept(new)).copied().collect();
    changed.intersection(&both).copied().collect()
}

fn classes(tables: &Tables) -> BTreeSet<Id> {
    tables.rules.keys().map(|prefix| prefix.key.class).collect()
}

/// The keys whose entries differ.
fn differing<'a, K: Ord, V: PartialEq>(
    old: &'a BTreeMap<K, V>,
    new: &'a BTreeMap<K, V>,
) -> impl Iterator<Item = &'a K> {
    let gone = old.keys().filter(|key| !new.contains_key(key));
    new.iter().filter(|(key, value)| old.get(key) != Some(value)).map(|(key, _)| key).chain(gone)
}

/// What is not there passes nothing, so entries that go are removed at once.
fn exact<K: Ord + Copy, V: PartialEq + Copy>(
    old: &BTreeMap<K, V>,
    new: &BTreeMap<K, V>,
    change: impl Fn(K, Option<V>) -> Change,
    closed: impl Fn(V) -> V,
    changes: &mut Vec<Change>,
) {
    for (key, value) in old {
        match new.get(key) {
            Some(same) if same == value => {}
            Some(_) => changes.push(change(*key, Some(closed(*value)))),
            None => changes.push(change(*key, None)),
        }
    }
}

/// Where a prefix is not there a shorter one may be, so entries stay closed until all others are written.
fn prefixes<K: FromBytes + IntoBytes + Immutable + Ord + Copy, V: PartialEq + Copy>(
    old: &BTreeMap<Prefix<K>, V>,
    new: &BTreeMap<Prefix<K>, V>,
    change: impl Fn(Prefix<K>, Option<V>) -> Change,
    closed: impl Fn(V) -> V,
    changes: &mut Vec<Change>,
) {
    let lengths: BTreeSet<u32> = old.keys().map(|prefix| prefix.bits).collect();
    let covered = |prefix: &Prefix<K>| lengths.range(..prefix.bits).any(|bits| old.contains_key(&prefix.cut(*bits)));
    for (prefix, value) in old {
        if new.get(prefix) != Some(value) {
            changes.push(change(*prefix, Some(closed(*value))));
        }
    }
    for (prefix, value) in new {
        if !old.contains_key(prefix) && covered(prefix) {
            changes.push(change(*prefix, Some(closed(*value))));
        }
    }
}
