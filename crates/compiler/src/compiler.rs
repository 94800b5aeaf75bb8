//! The tables of a host, kept up to date change by change.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use abi::{CidrKey, Id};
use catalog::{Catalog, RecordChange};
use model::{NextHop, Peering, PeeringStatus, Port, PortId, Record, SecurityGroupId, Server, VpcId};
use tables::{Delta, Prefix, Tables};

use crate::fragment::{Attachments, Fragment, IN_USE, Settings};
use crate::policy::{Dependencies, Rules};
use crate::scope::{leads, overlap};

/// The fragments of all VPCs, and who has to be compiled again when something changes.
///
/// After any sequence of [`Compiler::update`] its tables equal those of a [`Compiler::full`] over the same catalog and
/// attachments.
#[derive(Debug, Default)]
pub struct Compiler {
    settings: Settings,
    catalog: Catalog,
    attachments: Attachments,
    fragments: BTreeMap<VpcId, Fragment>,
    /// Classes in use, with the number of fragments that use each.
    classes: BTreeMap<Id, (usize, Rules)>,
    /// Network ACLs in use, with the number of fragments that use each.
    acls: BTreeMap<Id, (usize, Tables)>,
    /// Ranges of the installation, with the number of VPCs that have each.
    ranges: BTreeMap<Prefix<CidrKey>, usize>,
    /// For each VPC those whose policies rest on its members.
    readers: BTreeMap<VpcId, BTreeSet<VpcId>>,
    /// For each group the VPCs whose policies rest on all its members.
    watchers: BTreeMap<SecurityGroupId, BTreeSet<VpcId>>,
    components: Components,
}

impl Compiler {
    /// One that has no VPCs yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { settings, ..Self::default() }
    }

    /// Compiles everything and returns all tables. What was held before is forgotten; whoever has older tables in
    /// force compares the two and bumps the generations of all VPCs.
    pub fn full(&mut self, catalog: &Catalog, attachments: &Attachments) -> Tables {
        let settings = self.settings;
        *self = Self { catalog: catalog.clone(), attachments: attachments.clone(), ..Self::new(settings) };
        for vpc in catalog.vpcs() {
            if let Some(fragment) = Fragment::of(catalog, vpc.id, attachments, settings) {
                self.insert(vpc.id, fragment);
            }
        }
        self.tables()
    }

    /// All tables as they are after the last update.
    #[must_use]
    pub fn tables(&self) -> Tables {
        let mut tables = Tables::default();
        for fragment in self.fragments.values() {
            tables.extend(fragment.tables.clone());
        }
        tables.rules.extend(self.classes.values().flat_map(|(_, rules)| rules.iter().copied()));
        self.acls.values().for_each(|(_, acl)| tables.extend(acl.clone()));
        tables.cidrs.extend(self.ranges.keys().map(|range| (*range, IN_USE)));
        tables
    }

    /// The tables of one VPC, without the rules, network ACLs and ranges that VPCs share; `None` for a VPC that is not there.
    #[must_use]
    pub fn vpc_tables(&self, vpc: VpcId) -> Option<&Tables> {
        self.fragments.get(&vpc).map(|fragment| &fragment.tables)
    }

    /// Follows the catalog: `changes` are all changes since the catalog of the last call. Attachments are compared with
    /// those of the last call; see [`Compiler::follow`] for who knows what changed.
    ///
    /// VPCs to bump are those joined by ACTIVE peerings, before or after, to a VPC whose tables changed.
    pub fn update(&mut self, catalog: &Catalog, changes: &[RecordChange], attachments: &Attachments) -> Delta {
        let attached = attachment_changes(&self.attachments, attachments);
        self.follow(catalog, changes, &attached)
    }

    /// As [`Compiler::update`], given only the ports that are attached differently since the last call, with the
    /// interface index that each has now.
    pub fn follow(&mut self, catalog: &Catalog, changes: &[RecordChange], attached: &[(PortId, Option<u32>)]) -> Delta {
        let mut touched = BTreeSet::new();
        for change in changes {
            for record in [&change.old, &change.new].into_iter().flatten() {
                self.touch(catalog, record, &mut touched);
            }
        }
        for (port, ifindex) in attached {
            let ports = [self.catalog.port(*port), catalog.port(*port)];
            touched.extend(ports.into_iter().flatten().map(|port| port.vpc));
            match ifindex {
                Some(ifindex) => self.attachments.insert(*port, *ifindex),
                None => self.attachments.remove(port),
            };
        }
        let before = std::mem::replace(&mut self.catalog, catalog.clone());
        let joins = changes.iter().any(|change| {
            let records = [&change.old, &change.new];
            records.into_iter().flatten().any(|record| matches!(record, Record::Peering(_) | Record::Vpc(_)))
        });
        self.recompile(&before, &touched, joins)
    }

    /// Adds the VPCs whose fragments a record goes into.
    fn touch(&self, catalog: &Catalog, record: &Record, touched: &mut BTreeSet<VpcId>) {
        let catalogs = [&self.catalog, catalog];
        match record {
            Record::Vpc(vpc) => {
                // Peers name its default table, number and edge site.
                touched.insert(vpc.id);
                for catalog in catalogs {
                    touched.extend(catalog.peerings_of(vpc.id).flat_map(|peering| peering.vpcs()));
                }
            }
            Record::Subnet(subnet) => {
                touched.insert(subnet.vpc);
            }
            Record::RouteTable(table) => {
                touched.insert(table.vpc);
            }
            Record::Route(route) => {
                touched.insert(route.vpc);
                let NextHop::Peering(id) = route.next_hop else { return };
                for peering in catalogs.iter().filter_map(|catalog| catalog.peering(id)) {
                    self.touch_readers(peering, touched, |needs| {
                        needs.targets.iter().any(|target| overlap(*target, route.destination))
                    });
                }
            }
            Record::Peering(peering) => {
                touched.extend(peering.vpcs());
                self.touch_readers(peering, touched, |needs| {
                    catalogs.iter().any(|catalog| leads(catalog, peering.id, None, &needs.targets))
                });
            }
            Record::SecurityGroup(group) => {
                for catalog in catalogs {
                    touched.extend(catalog.ports_with_group(group.id).map(|port| port.vpc));
                }
            }
            Record::NetworkAcl(acl) => {
                for catalog in catalogs {
                    touched.extend(acl.subnets.iter().filter_map(|id| catalog.subnet(*id)).map(|subnet| subnet.vpc));
                }
            }
            Record::AddressGroup(group) => {
                for catalog in catalogs {
                    let subnets = catalog.network_acls_naming(group.id).flat_map(|acl| &acl.subnets);
                    touched.extend(subnets.filter_map(|id| catalog.subnet(*id)).map(|subnet| subnet.vpc));
                    let groups = catalog.security_groups_naming_addresses(group.id);
                    touched.extend(groups.flat_map(|group| catalog.ports_with_group(group.id)).map(|port| port.vpc));
                }
            }
            Record::Port(port) if port.is_vip() => {
                touched.insert(port.vpc);
                // Its address stands for who holds it (rule SG-7).
                for catalog in catalogs {
                    let holder = port.holder.and_then(|holder| catalog.port(holder));
                    holder.into_iter().for_each(|holder| self.touch_members(holder, touched));
                }
            }
            Record::Port(port) => self.touch_members(port, touched),
            Record::Server(server) => touched.extend(catalogs.iter().flat_map(|catalog| server_vpcs(catalog, server))),
            // No packet sees the other kinds.
            _ => {}
        }
    }

    /// VPCs in which packets arrive that crossed the peering, as far as `concerns` says.
    fn touch_readers(
        &self,
        peering: &Peering,
        touched: &mut BTreeSet<VpcId>,
        concerns: impl Fn(&Dependencies) -> bool,
    ) {
        for end in peering.vpcs() {
            let readers =
                self.readers.get(&end).into_iter().flatten().filter(|reader| {
                    self.fragments.get(reader).is_some_and(|fragment| concerns(&fragment.dependencies))
                });
            touched.extend(readers);
        }
    }

    /// The port's VPC, and those whose policies name one of its groups.
    fn touch_members(&self, port: &Port, touched: &mut BTreeSet<VpcId>) {
        touched.insert(port.vpc);
        for group in &port.security_groups {
            touched.extend(self.watchers.get(group).into_iter().flatten());
        }
        for reader in self.readers.get(&port.vpc).into_iter().flatten() {
            let Some(fragment) = self.fragments.get(reader) else { continue };
            let named = &fragment.dependencies.members;
            // A port with its check off matters to everyone it can reach (rule SG-7).
            if !port.is_checked() || port.security_groups.iter().any(|group| named.contains(group)) {
                touched.insert(*reader);
            }
        }
    }

    /// Compiles the touched VPCs again. `joins` tells whether peerings or VPCs changed, so that others may be joined now
    /// than were `before`.
    fn recompile(&mut self, before: &Catalog, touched: &BTreeSet<VpcId>, joins: bool) -> Delta {
        let fresh: BTreeMap<VpcId, Option<Fragment>> = touched.iter().map(|vpc| (*vpc, self.compiled(*vpc))).collect();
        // What VPCs share comes with the first that has it and goes with the last.
        let stale = touched.iter().filter_map(|vpc| self.fragments.get(vpc));
        let affected: Vec<&Fragment> = stale.chain(fresh.values().flatten()).collect();
        let parts = Parts {
            classes: affected.iter().flat_map(|fragment| fragment.classes.keys().copied()).collect(),
            acls: affected.iter().flat_map(|fragment| fragment.acls.keys().copied()).collect(),
            ranges: affected.iter().flat_map(|fragment| fragment.ranges.iter().copied()).collect(),
        };
        let mut old = self.shared(&parts);

        let mut own = Tables::default();
        let mut changed = BTreeSet::new();
        for (vpc, fragment) in fresh {
            let removed = self.remove(vpc).map(|removed| removed.tables).unwrap_or_default();
            let made = fragment.as_ref().map(|fragment| fragment.tables.clone()).unwrap_or_default();
            if let Some(fragment) = fragment {
                self.insert(vpc, fragment);
            }
            if removed != made {
                changed.insert(vpc);
                old.extend(removed);
                own.extend(made);
            }
        }
        let mut new = self.shared(&parts);
        new.extend(own);
        let mut delta = Delta::between(&old, &new);
        delta.bumped = self.components.joined(before, &changed);
        if joins {
            self.components = Components::default();
            delta.bumped.extend(self.components.joined(&self.catalog, &changed));
        }
        delta
    }

    fn compiled(&self, vpc: VpcId) -> Option<Fragment> {
        Fragment::of(&self.catalog, vpc, &self.attachments, self.settings)
    }

    /// The entries of these parts, as far as a VPC has them.
    fn shared(&self, parts: &Parts) -> Tables {
        let classes = parts.classes.iter().filter_map(|class| self.classes.get(class));
        let rules = classes.flat_map(|(_, rules)| rules.iter().copied());
        let cidrs = parts.ranges.iter().filter(|range| self.ranges.contains_key(range)).map(|range| (*range, IN_USE));
        let mut tables = Tables { rules: rules.collect(), cidrs: cidrs.collect(), ..Tables::default() };
        let acls = parts.acls.iter().filter_map(|acl| self.acls.get(acl));
        acls.for_each(|(_, acl)| tables.extend(acl.clone()));
        tables
    }

    fn insert(&mut self, vpc: VpcId, fragment: Fragment) {
        for (class, rules) in &fragment.classes {
            self.classes.entry(*class).or_insert_with(|| (0, rules.clone())).0 += 1;
        }
        for (id, acl) in &fragment.acls {
            self.acls.entry(*id).or_insert_with(|| (0, acl.clone())).0 += 1;
        }
        for range in &fragment.ranges {
            *self.ranges.entry(*range).or_default() += 1;
        }
        for source in &fragment.dependencies.sources {
            self.readers.entry(*source).or_default().insert(vpc);
        }
        // A VPC that has no source yet gets one when a peering of its own changes: it reads itself.
        self.readers.entry(vpc).or_default().insert(vpc);
        for group in &fragment.dependencies.members_anywhere {
            self.watchers.entry(*group).or_default().insert(vpc);
        }
        self.fragments.insert(vpc, fragment);
    }

    fn remove(&mut self, vpc: VpcId) -> Option<Fragment> {
        let fragment = self.fragments.remove(&vpc)?;
        for class in fragment.classes.keys() {
            release(&mut self.classes, class, |(uses, _)| uses);
        }
        for acl in fragment.acls.keys() {
            release(&mut self.acls, acl, |(uses, _)| uses);
        }
        for range in &fragment.ranges {
            release(&mut self.ranges, range, |uses| uses);
        }
        for source in fragment.dependencies.sources.iter().chain([&vpc]) {
            forget(&mut self.readers, source, &vpc);
        }
        for group in &fragment.dependencies.members_anywhere {
            forget(&mut self.watchers, group, &vpc);
        }
        Some(fragment)
    }
}

/// What VPCs share.
struct Parts {
    classes: BTreeSet<Id>,
    acls: BTreeSet<Id>,
    ranges: BTreeSet<Prefix<CidrKey>>,
}

/// Takes one use away, and the entry with the last.
fn release<K: Ord, V>(uses: &mut BTreeMap<K, V>, key: &K, count: impl Fn(&mut V) -> &mut usize) {
    if let Some(value) = uses.get_mut(key) {
        let count = count(value);
        *count = count.saturating_sub(1);
        if *count == 0 {
            uses.remove(key);
        }
    }
}

/// Takes one member out of a set, and the set with the last.
fn forget<K: Ord, V: Ord>(sets: &mut BTreeMap<K, BTreeSet<V>>, key: &K, member: &V) {
    if let Some(set) = sets.get_mut(key) {
        set.remove(member);
        if set.is_empty() {
            sets.remove(key);
        }
    }
}

/// The ports that are attached differently, with the interface index that they have now.
fn attachment_changes(old: &Attachments, new: &Attachments) -> Vec<(PortId, Option<u32>)> {
    if old == new {
        return Vec::new();
    }
    let gone = old.keys().filter(|port| !new.contains_key(port)).map(|port| (*port, None));
    let come = new.iter().filter(|(port, ifindex)| old.get(port) != Some(ifindex));
    gone.chain(come.map(|(port, ifindex)| (*port, Some(*ifindex)))).collect()
}

/// The VPCs that a server's ports are in, or that have routes to it.
fn server_vpcs(catalog: &Catalog, server: &Server) -> impl Iterator<Item = VpcId> {
    let ports = catalog.ports_of_server(server.id).chain(catalog.port(server.port)).map(|port| port.vpc);
    ports.chain(catalog.routes_to_server(server.id).map(|route| route.vpc))
}

/// Which VPCs are joined by ACTIVE peerings, directly or by others: where a flow that they see can be kept.
#[derive(Debug, Default)]
struct Components(BTreeMap<VpcId, Arc<BTreeSet<u32>>>);

impl Components {
    /// The VNIs of these VPCs and of all that are joined to them. The catalog must have the same VPCs and peerings each
    /// time.
    fn joined(&mut self, catalog: &Catalog, vpcs: &BTreeSet<VpcId>) -> BTreeSet<u32> {
        let mut vnis = BTreeSet::new();
        for vpc in vpcs.iter().filter_map(|vpc| catalog.vpc(*vpc)) {
            if vnis.contains(&vpc.vni.number()) {
                continue;
            }
            if !self.0.contains_key(&vpc.id) {
                self.find(catalog, vpc.id);
            }
            vnis.extend(self.0.get(&vpc.id).into_iter().flat_map(|component| component.iter()));
        }
        vnis
    }

    fn find(&mut self, catalog: &Catalog, vpc: VpcId) {
        let mut seen = BTreeSet::from([vpc]);
        let mut open = vec![vpc];
        while let Some(vpc) = open.pop() {
            for peering in catalog.peerings_of(vpc).filter(|peering| peering.status == PeeringStatus::Active) {
                open.extend(peering.vpcs().into_iter().filter(|end| seen.insert(*end)));
            }
        }
        let vnis: BTreeSet<u32> = seen.iter().filter_map(|vpc| catalog.vpc(*vpc)).map(|vpc| vpc.vni.number()).collect();
        let vnis = Arc::new(vnis);
        self.0.extend(seen.into_iter().map(|vpc| (vpc, Arc::clone(&vnis))));
    }
}

#[cfg(test)]
mod tests;
