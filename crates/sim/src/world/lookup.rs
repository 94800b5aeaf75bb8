//! The tables, ready to be looked up.

use std::collections::BTreeMap;

use abi::{
    CidrKey, Crossing, CrossingKey, Endpoint, EndpointKey, Identity, IdentityKey, Port, Route, RouteKey, Rule, RuleKey,
    generation_index,
};
use pipeline::Lpm;
use tables::{Change, Tables};

use super::lpm::LpmTable;

/// All tables of a host and its generations.
#[derive(Debug, Default)]
pub(super) struct Lookup {
    ports: BTreeMap<u32, Port>,
    endpoints: BTreeMap<EndpointKey, Endpoint>,
    routes: LpmTable<RouteKey, Route>,
    crossings: BTreeMap<CrossingKey, Crossing>,
    cidrs: LpmTable<CidrKey, u32>,
    identities: LpmTable<IdentityKey, Identity>,
    rules: LpmTable<RuleKey, Rule>,
    generations: BTreeMap<u32, u64>,
}

impl Lookup {
    pub fn new(tables: &Tables) -> Self {
        Self {
            ports: tables.ports.clone(),
            endpoints: tables.endpoints.clone(),
            routes: LpmTable::new(&tables.routes),
            crossings: tables.crossings.clone(),
            cidrs: LpmTable::new(&tables.cidrs),
            identities: LpmTable::new(&tables.identities),
            rules: LpmTable::new(&tables.rules),
            generations: BTreeMap::new(),
        }
    }

    pub fn change(&mut self, change: &Change) {
        match change {
            Change::Port(key, value) => put(&mut self.ports, *key, *value),
            Change::Endpoint(key, value) => put(&mut self.endpoints, *key, *value),
            Change::Route(prefix, value) => self.routes.change(prefix, *value),
            Change::Crossing(key, value) => put(&mut self.crossings, *key, *value),
            Change::Cidr(prefix, value) => self.cidrs.change(prefix, *value),
            Change::Identity(prefix, value) => self.identities.change(prefix, *value),
            Change::Rule(prefix, value) => self.rules.change(prefix, *value),
        }
    }

    pub fn bump(&mut self, vni: u32) {
        *self.generations.entry(generation_index(vni)).or_default() += 1;
    }
}

fn put<K: Ord, V>(table: &mut BTreeMap<K, V>, key: K, value: Option<V>) {
    match value {
        Some(value) => table.insert(key, value),
        None => table.remove(&key),
    };
}

impl pipeline::Tables for Lookup {
    fn port(&self, ifindex: u32) -> Option<&Port> {
        self.ports.get(&ifindex)
    }

    fn endpoint(&self, key: &EndpointKey) -> Option<&Endpoint> {
        self.endpoints.get(key)
    }

    fn route(&self, key: &Lpm<RouteKey>) -> Option<&Route> {
        self.routes.lookup(key)
    }

    fn crossing(&self, key: &CrossingKey) -> Option<&Crossing> {
        self.crossings.get(key)
    }

    fn cidr(&self, key: &Lpm<CidrKey>) -> Option<&u32> {
        self.cidrs.lookup(key)
    }

    fn identity(&self, key: &Lpm<IdentityKey>) -> Option<&Identity> {
        self.identities.lookup(key)
    }

    fn rule(&self, key: &Lpm<RuleKey>) -> Option<&Rule> {
        self.rules.lookup(key)
    }

    fn generation(&self, vni: u32) -> u64 {
        self.generations.get(&generation_index(vni)).copied().unwrap_or(0)
    }
}
