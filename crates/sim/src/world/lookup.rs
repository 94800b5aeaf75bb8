//! The tables, ready to be looked up.

use std::collections::BTreeMap;

use abi::{
    Acl, AclAddressKey, AclKey, AclPortKey, AclRules, AddressPair, AddressPairKey, CidrKey, Crossing, CrossingKey,
    Endpoint, EndpointKey, Id, Identity, IdentityKey, Port, Route, RouteKey, Rule, RuleKey, Subnet, generation_index,
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
    address_pairs: LpmTable<AddressPairKey, AddressPair>,
    subnets: BTreeMap<Id, Subnet>,
    acls: BTreeMap<AclKey, Acl>,
    acl_addresses: LpmTable<AclAddressKey, AclRules>,
    acl_ports: LpmTable<AclPortKey, AclRules>,
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
            address_pairs: LpmTable::new(&tables.address_pairs),
            subnets: tables.subnets.clone(),
            acls: tables.acls.clone(),
            acl_addresses: LpmTable::new(&tables.acl_addresses),
            acl_ports: LpmTable::new(&tables.acl_ports),
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
            Change::AddressPair(prefix, value) => self.address_pairs.change(prefix, *value),
            Change::Subnet(key, value) => put(&mut self.subnets, *key, *value),
            Change::Acl(key, value) => put(&mut self.acls, *key, *value),
            Change::AclAddress(prefix, value) => self.acl_addresses.change(prefix, *value),
            Change::AclPort(prefix, value) => self.acl_ports.change(prefix, *value),
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

    fn address_pair(&self, key: &Lpm<AddressPairKey>) -> Option<&AddressPair> {
        self.address_pairs.lookup(key)
    }

    fn subnet(&self, id: &Id) -> Option<&Subnet> {
        self.subnets.get(id)
    }

    fn acl(&self, key: &AclKey) -> Option<&Acl> {
        self.acls.get(key)
    }

    fn acl_addresses(&self, key: &Lpm<AclAddressKey>) -> Option<&AclRules> {
        self.acl_addresses.lookup(key)
    }

    fn acl_ports(&self, key: &Lpm<AclPortKey>) -> Option<&AclRules> {
        self.acl_ports.lookup(key)
    }

    fn generation(&self, vni: u32) -> u64 {
        self.generations.get(&generation_index(vni)).copied().unwrap_or(0)
    }
}
