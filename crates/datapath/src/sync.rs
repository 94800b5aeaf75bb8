//! Tables to maps and back.

use std::collections::BTreeSet;

use tables::{Change, Delta, Tables};

use crate::{
    Datapath, Error, MapName, Usage,
    map::{Maps, Table},
};

impl Datapath {
    /// Makes the changes in their order, then bumps the generations, which makes flows be decided again.
    ///
    /// # Errors
    ///
    /// [`Error::Full`], [`Error::Map`]. The changes before the one that failed are made, and the generations are bumped
    /// all the same, so that no flow goes on by an outcome that the tables no longer give.
    pub fn apply(&mut self, delta: &Delta) -> Result<(), Error> {
        self.loaded.maps.apply(delta)
    }

    /// The tables as the kernel has them.
    ///
    /// # Errors
    ///
    /// [`Error::Map`].
    pub fn snapshot(&self) -> Result<Tables, Error> {
        self.loaded.maps.snapshot()
    }

    /// How full the maps of tables are. Costs nothing.
    #[must_use]
    pub fn usage(&self) -> [Usage; 12] {
        let maps = &self.loaded.maps;
        [
            maps.ports.usage(),
            maps.endpoints.usage(),
            maps.routes.usage(),
            maps.crossings.usage(),
            maps.cidrs.usage(),
            maps.identities.usage(),
            maps.rules.usage(),
            maps.address_pairs.usage(),
            maps.subnets.usage(),
            maps.acls.usage(),
            maps.acl_addresses.usage(),
            maps.acl_ports.usage(),
        ]
    }
}

impl Maps {
    /// See [`Datapath::apply`].
    pub fn apply(&mut self, delta: &Delta) -> Result<(), Error> {
        let changed = delta.changes.iter().try_for_each(|change| self.change(change));
        // Every one, also after one that failed.
        let bumped = delta.bumped.iter().map(|vni| self.bump(*vni)).fold(Ok(()), Result::and);
        changed.and(bumped)
    }

    fn change(&mut self, change: &Change) -> Result<(), Error> {
        match *change {
            Change::Port(key, value) => write(&mut self.ports, key, value),
            Change::Endpoint(key, value) => write(&mut self.endpoints, key, value),
            Change::Route(key, value) => write(&mut self.routes, key, value),
            Change::Crossing(key, value) => write(&mut self.crossings, key, value),
            Change::Cidr(key, value) => write(&mut self.cidrs, key, value),
            Change::Identity(key, value) => write(&mut self.identities, key, value),
            Change::Rule(key, value) => write(&mut self.rules, key, value),
            Change::AddressPair(key, value) => write(&mut self.address_pairs, key, value),
            Change::Subnet(key, value) => write(&mut self.subnets, key, value),
            Change::Acl(key, value) => write(&mut self.acls, key, value),
            Change::AclAddress(key, value) => write(&mut self.acl_addresses, key, value),
            Change::AclPort(key, value) => write(&mut self.acl_ports, key, value),
        }
    }

    /// Makes all flows be decided again.
    pub fn bump_all(&mut self) -> Result<(), Error> {
        let vnis: BTreeSet<u32> = self.ports.read()?.values().map(|port| port.vni).collect();
        vnis.into_iter().try_for_each(|vni| self.bump(vni))
    }

    fn bump(&mut self, vni: u32) -> Result<(), Error> {
        let failed = |error| Error::Map { map: MapName::Generations, source: Box::new(error) };
        let index = abi::generation_index(vni);
        let generation = self.generations.get(&index, 0).map_err(failed)?;
        self.generations.set(index, generation.wrapping_add(1), 0).map_err(failed)
    }

    /// See [`Datapath::snapshot`].
    pub fn snapshot(&self) -> Result<Tables, Error> {
        Ok(Tables {
            ports: self.ports.read()?,
            endpoints: self.endpoints.read()?,
            routes: self.routes.read()?,
            crossings: self.crossings.read()?,
            cidrs: self.cidrs.read()?,
            identities: self.identities.read()?,
            rules: self.rules.read()?,
            address_pairs: self.address_pairs.read()?,
            subnets: self.subnets.read()?,
            acls: self.acls.read()?,
            acl_addresses: self.acl_addresses.read()?,
            acl_ports: self.acl_ports.read()?,
        })
    }
}

fn write<T: Table>(table: &mut T, key: T::Key, value: Option<T::Value>) -> Result<(), Error> {
    match value {
        Some(value) => table.put(key, value),
        None => table.delete(key),
    }
}
