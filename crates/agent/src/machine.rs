//! One machine and what Causeway made on it: brought to a catalog, update by update.
//!
//! The order of one update fails closed: links of new workloads are made and get the program while no table knows
//! them (their packets are dropped); then the tables are written and generations bumped; then the links of workloads
//! that are gone are removed. An error leaves the machine somewhere between; the next round goes on from there,
//! because each step compares before it acts.
//!
//! A workload that the machine refuses (somebody else's link has its name, say) holds up nobody else: it is kept as
//! failing and tried again, and the tables are written without it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use catalog::{Catalog, RecordChange};
use compiler::{Attachments, Compiler, DEFAULT_MTU, Settings};
use datapath::{Capacities, Datapath, LinkState, Usage};
use model::{PortId, Record, ServerId};
use netlink::Namespace;
use tables::{Delta, Tables};

use crate::crew::in_parallel;
use crate::feed::{Drops, Failing, words};
use crate::naming::{LINK_PREFIX, id_suffix, is_instance, link_alias_prefix, namespace_prefix};
use crate::workload::{Nic, Workload, remove_namespace};

/// What a machine refused.
#[derive(Debug, thiserror::Error)]
pub enum MachineError {
    /// The name cannot be part of names of namespaces, links and pins.
    #[error("`{0}` is no name for an instance: 1 to 32 lower-case letters and digits")]
    Instance(String),
    /// Links, namespaces, processes.
    #[error(transparent)]
    Network(#[from] netlink::Error),
    /// Programs, maps, pins.
    #[error(transparent)]
    Datapath(#[from] datapath::Error),
    /// No more threads.
    #[error("the agent's thread cannot be started")]
    Thread(#[source] std::io::Error),
}

/// What an agent is told about its machine.
#[derive(Clone, Debug)]
pub struct Options {
    /// Name of the installation on this machine: 1 to 32 lower-case letters and digits. No hyphens: what one instance's
    /// names begin with must not be the beginning of another's.
    pub instance: String,
    /// Mount point of the BPF file system.
    pub bpffs: PathBuf,
    /// Sizes of the kernel's maps.
    pub capacities: Capacities,
    /// Largest packet of every port in bytes (rule MTU-1).
    pub mtu: u16,
}

impl Options {
    /// The instance with the usual mount point, sizes and MTU.
    #[must_use]
    pub fn new(instance: &str) -> Self {
        Self {
            instance: instance.to_owned(),
            bpffs: PathBuf::from("/sys/fs/bpf"),
            capacities: Capacities::default(),
            mtu: DEFAULT_MTU,
        }
    }

    pub(crate) fn datapath(&self) -> Result<datapath::Options, MachineError> {
        if !is_instance(&self.instance) {
            return Err(MachineError::Instance(self.instance.clone()));
        }
        Ok(datapath::Options {
            instance: self.instance.clone(),
            bpffs: self.bpffs.clone(),
            capacities: self.capacities,
        })
    }

    /// Folder of the instance's pins.
    pub(crate) fn pins(&self) -> PathBuf {
        self.bpffs.join(format!("causeway-{}", self.instance))
    }
}

/// The revisions that a round goes over: those after the first number up to the second.
pub(crate) type Window = (u64, u64);

/// See the module's documentation.
pub(crate) struct Machine {
    instance: String,
    mtu: u16,
    host: Namespace,
    datapath: Datapath,
    compiler: Compiler,
    attachments: Attachments,
    workloads: BTreeMap<ServerId, Workload>,
    /// Gone from the catalog, not yet from the machine.
    leaving: BTreeMap<ServerId, Workload>,
    /// Taken off servers that stay, not yet removed.
    detached: BTreeMap<PortId, (ServerId, Nic)>,
    /// What could not be done for a workload, arriving or leaving.
    failing: BTreeMap<ServerId, Failing>,
}

impl Machine {
    /// Takes over what an earlier process left and brings it to `catalog`: what is right already is not touched.
    pub(crate) fn open(options: &Options, catalog: &Catalog) -> Result<Self, MachineError> {
        let host = Namespace::host()?;
        let datapath = Datapath::open(&options.datapath()?)?;
        let mut machine = Self {
            instance: options.instance.clone(),
            mtu: options.mtu,
            host,
            datapath,
            compiler: Compiler::new(Settings { mtu: options.mtu }),
            attachments: Attachments::default(),
            workloads: BTreeMap::new(),
            leaving: BTreeMap::new(),
            detached: BTreeMap::new(),
            failing: BTreeMap::new(),
        };
        // Programs first look into the tables when they are attached, and only new links lack one: those are off.
        let made = machine.make_links(catalog)?;
        machine.write_all(catalog)?;
        machine.datapath.activate()?;
        machine.switch_on(catalog, &made);
        machine.remove_strangers()?;
        Ok(machine)
    }

    /// Brings the machine from the last catalog to this one.
    pub(crate) fn update(
        &mut self,
        catalog: &Catalog,
        changes: &[RecordChange],
        window: Window,
    ) -> Result<(), MachineError> {
        let mut attached = Vec::new();
        let mut arriving = Vec::new();
        for id in touched_servers(catalog, changes) {
            let wanted = catalog.server(id).and_then(|s| Workload::wanted(catalog, &self.instance, self.mtu, s));
            let Some(wanted) = wanted else {
                self.failing.remove(&id);
                if let Some(gone) = self.workloads.remove(&id) {
                    for port in gone.ports() {
                        self.attachments.remove(&port);
                        attached.push((port, None));
                    }
                    self.leaving.insert(id, gone);
                }
                continue;
            };
            let fewer = self.workloads.get(&id).into_iter().flat_map(|old| &old.nics);
            for nic in fewer.filter(|nic| wanted.nics.iter().all(|kept| kept.port != nic.port)) {
                self.attachments.remove(&nic.port);
                attached.push((nic.port, None));
                self.detached.insert(nic.port, (id, nic.clone()));
            }
            let fewer = self.workloads.get(&id).into_iter().flat_map(|old| &old.vlans);
            for vlan in fewer.filter(|vlan| wanted.vlans.iter().all(|kept| kept.port != vlan.port)) {
                self.attachments.remove(&vlan.port);
                attached.push((vlan.port, None));
            }
            let linked = wanted.ports().all(|port| self.attachments.contains_key(&port));
            let right = self.workloads.get(&id) == Some(&wanted) && linked;
            if !right || self.failing.contains_key(&id) {
                arriving.push(wanted);
            }
        }
        self.arrive(catalog, arriving, &mut attached);
        let delta = self.compiler.follow(catalog, changes, &attached);
        self.datapath.apply(&delta)?;
        self.depart(window);
        Ok(())
    }

    /// Tries again what failed for single workloads.
    pub(crate) fn retry(&mut self, catalog: &Catalog) -> Result<(), MachineError> {
        let failing: Vec<ServerId> = self.failing.keys().copied().collect();
        let wanted = failing.iter().filter_map(|id| catalog.server(*id));
        let wanted = wanted.filter_map(|s| Workload::wanted(catalog, &self.instance, self.mtu, s)).collect();
        let mut attached = Vec::new();
        self.arrive(catalog, wanted, &mut attached);
        let delta = self.compiler.follow(catalog, &[], &attached);
        self.datapath.apply(&delta)?;
        self.depart((0, 0));
        Ok(())
    }

    /// Starts over after an error: compares everything with what is there.
    pub(crate) fn resync(&mut self, catalog: &Catalog) -> Result<(), MachineError> {
        // What has left the catalog is found below, among the strangers.
        self.workloads.retain(|id, _| catalog.server(*id).is_some());
        self.leaving.clear();
        self.failing.retain(|id, _| catalog.server(*id).is_some());
        let made = self.make_links(catalog)?;
        self.switch_on(catalog, &made);
        self.detached.clear();
        let ports: BTreeSet<_> = self.workloads.values().flat_map(Workload::ports).collect();
        self.attachments.retain(|port, _| ports.contains(port));
        self.write_all(catalog)?;
        self.remove_strangers()
    }

    /// Makes or repairs namespaces and links of all servers of the catalog; returns those that succeeded.
    fn make_links(&mut self, catalog: &Catalog) -> Result<Vec<ServerId>, MachineError> {
        let wanted: Vec<Workload> =
            catalog.servers().filter_map(|s| Workload::wanted(catalog, &self.instance, self.mtu, s)).collect();
        // A server that was given another name while nobody followed: its namespace has the old one.
        let mut known = BTreeMap::new();
        for name in Namespace::list(&namespace_prefix(&self.instance))? {
            known.insert(id_suffix(&name).to_owned(), name);
        }
        let former = |w: &Workload| known.get(id_suffix(&w.namespace)).cloned();
        let work = wanted.into_iter().map(|w| (former(&w), w)).map(|(former, w)| (w, former)).collect();
        let mut ids = Vec::new();
        for (id, links) in self.ensure(catalog, work) {
            self.attachments.extend(links);
            ids.push(id);
        }
        Ok(ids)
    }

    /// Makes or repairs namespaces and links, several at a time; returns each server that succeeded with the attachments
    /// of its ports.
    fn ensure(
        &mut self,
        catalog: &Catalog,
        work: Vec<(Workload, Option<String>)>,
    ) -> Vec<(ServerId, Vec<(PortId, u32)>)> {
        let host = &self.host;
        let results = in_parallel(&work, |(workload, former)| workload.ensure(host, former.as_deref()));
        let mut made = Vec::new();
        for ((workload, _), result) in work.into_iter().zip(results) {
            match result {
                Ok(links) => made.push((workload.server, links)),
                Err(error) => self.failed(workload.server, written(catalog, workload.server), &error),
            }
            self.workloads.insert(workload.server, workload);
        }
        made
    }

    /// Attaches the program and switches the host's ends on.
    fn switch_on(&mut self, catalog: &Catalog, servers: &[ServerId]) -> BTreeSet<ServerId> {
        let mut on = BTreeSet::new();
        for id in servers {
            let Some(workload) = self.workloads.get(id) else { continue };
            let switch = |datapath: &mut Datapath, nic: &Nic| -> Result<(), MachineError> {
                datapath.attach(nic.interface())?;
                nic.switch_on(&self.host)
            };
            match workload.nics.iter().try_for_each(|nic| switch(&mut self.datapath, nic)) {
                Ok(()) => {
                    self.failing.remove(id);
                    on.insert(*id);
                }
                Err(error) => self.failed(*id, written(catalog, *id), &error),
            }
        }
        on
    }

    /// Makes workloads that are new or differ, as far as that goes without the tables.
    fn arrive(&mut self, catalog: &Catalog, wanted: Vec<Workload>, attached: &mut Vec<(PortId, Option<u32>)>) {
        let former = |w: &Workload| self.workloads.get(&w.server).map(|old| old.namespace.clone());
        let work = wanted.into_iter().map(|w| (former(&w), w)).map(|(former, w)| (w, former)).collect();
        let made = self.ensure(catalog, work);
        let ids: Vec<ServerId> = made.iter().map(|(id, ..)| *id).collect();
        let on = self.switch_on(catalog, &ids);
        for (port, index) in made.into_iter().filter(|(id, _)| on.contains(id)).flat_map(|(_, links)| links) {
            // It may have come from another server: its link is a new one.
            self.detached.remove(&port);
            if self.attachments.insert(port, index) != Some(index) {
                attached.push((port, Some(index)));
            }
        }
    }

    /// Removes workloads that no table knows any more.
    fn depart(&mut self, window: Window) {
        let leaving: Vec<Workload> = std::mem::take(&mut self.leaving).into_values().collect();
        let host = &self.host;
        let results = in_parallel(&leaving, |workload| workload.remove(host));
        // The program goes with the link, its pin afterwards: a link without its program would hand the workload's
        // frames to the host's own stack.
        let gone = leaving.iter().zip(&results).filter(|(_, result)| result.is_ok());
        for nic in gone.flat_map(|(workload, _)| &workload.nics) {
            unpin(&mut self.datapath, nic);
        }
        for (workload, result) in leaving.into_iter().zip(results) {
            match result {
                Ok(()) => {
                    self.failing.remove(&workload.server);
                }
                Err(error) => {
                    self.failed(workload.server, window, &error);
                    self.leaving.insert(workload.server, workload);
                }
            }
        }
        for (port, (server, nic)) in std::mem::take(&mut self.detached) {
            match nic.remove(&self.host) {
                Ok(()) => unpin(&mut self.datapath, &nic),
                Err(error) => {
                    self.failed(server, window, &error);
                    self.detached.insert(port, (server, nic));
                }
            }
        }
    }

    fn failed(&mut self, server: ServerId, window: Window, error: &MachineError) {
        let trouble = words(error);
        let old = self.failing.get(&server);
        if old.is_none_or(|old| old.trouble != trouble) {
            tracing::error!(%server, error = %trouble, "a server's workload could not be made as it should be");
        }
        // A retry concerns those who wait already.
        let (after, until) = match old {
            Some(old) if window.0 >= window.1 => (old.after, old.until),
            _ => window,
        };
        self.failing.insert(server, Failing { after, until, trouble });
    }

    /// Makes the kernel's tables what the catalog says, and has every flow decided again.
    fn write_all(&mut self, catalog: &Catalog) -> Result<(), MachineError> {
        let present = self.datapath.snapshot()?;
        let wanted = self.compiler.full(catalog, &self.attachments);
        // All VPCs, whatever differs: who wrote the tables may have died before the generations were bumped.
        let bumped: BTreeSet<u32> = present.ports.values().chain(wanted.ports.values()).map(|p| p.vni).collect();
        let delta = Delta { bumped: bumped.clone(), ..Delta::between(&present, &wanted) };
        match self.datapath.apply(&delta) {
            Err(datapath::Error::Full { .. }) => {
                // New entries come before old ones go, which takes room for both. Without it: what is not wanted any
                // more goes first. The packets that needed it are dropped meanwhile.
                let present = self.datapath.snapshot()?;
                let kept = common(present.clone(), &wanted);
                self.datapath.apply(&Delta { bumped: bumped.clone(), ..Delta::between(&present, &kept) })?;
                self.datapath.apply(&Delta { bumped, ..Delta::between(&kept, &wanted) })?;
            }
            done => done?,
        }
        Ok(())
    }

    /// Removes links and namespaces of this instance that no server has.
    fn remove_strangers(&mut self) -> Result<(), MachineError> {
        let interfaces: BTreeSet<&str> =
            self.workloads.values().flat_map(|workload| &workload.nics).map(Nic::interface).collect();
        let namespaces: BTreeSet<&str> = self.workloads.values().map(|w| w.namespace.as_str()).collect();
        let names: Vec<String> = Namespace::list(&namespace_prefix(&self.instance))?
            .into_iter()
            .filter(|name| !namespaces.contains(name.as_str()))
            .collect();
        let alias = link_alias_prefix(&self.instance);
        for link in netlink::links(&self.host, LINK_PREFIX)? {
            let ours = link.alias.as_deref().is_some_and(|a| a.starts_with(&alias));
            if ours && !interfaces.contains(link.name.as_str()) {
                netlink::delete_link(&self.host, &link.name, link.alias.as_deref())?;
                self.datapath.detach(&link.name)?;
            }
        }
        // Who died while giving a namespace another name has left it with two: the old one goes, not what runs inside.
        let current: BTreeMap<&str, &str> = namespaces.iter().map(|name| (id_suffix(name), *name)).collect();
        let removed = in_parallel(&names, |name| {
            let same = current.get(id_suffix(name)).is_some_and(
                |current| matches!((Namespace::open(name), Namespace::open(current)), (Ok(a), Ok(b)) if a == b),
            );
            if same { Namespace::remove(name).map(drop).map_err(MachineError::from) } else { remove_namespace(name) }
        });
        // Pins of links that went with their namespaces.
        for (interface, state) in self.datapath.links()? {
            if state == LinkState::Gone {
                self.datapath.detach(&interface)?;
            }
        }
        removed.into_iter().collect()
    }

    /// Looks whether all workloads still have namespace and link; those that lost them count as failing, to be made
    /// again by [`Machine::retry`].
    pub(crate) fn audit(&mut self) -> Result<(), MachineError> {
        let links = netlink::links(&self.host, LINK_PREFIX)?;
        let links: BTreeMap<&str, u32> = links.iter().map(|link| (link.name.as_str(), link.index)).collect();
        for (id, workload) in &self.workloads {
            let linked = workload.nics.iter().all(|nic| {
                let index = links.get(nic.interface());
                index.is_some() && index == self.attachments.get(&nic.port)
            });
            let there = linked && Namespace::exists(&workload.namespace);
            if !there && !self.failing.contains_key(id) {
                let trouble = format!("namespace {} or its link has vanished", workload.namespace);
                tracing::warn!(server = %id, namespace = workload.namespace, "a workload has vanished; making it again");
                self.failing.insert(*id, Failing { after: 0, until: 0, trouble });
            }
        }
        Ok(())
    }

    /// The one reader of the claims that the programs report.
    pub(crate) fn claim_reader(&mut self) -> Option<datapath::ClaimReader> {
        self.datapath.claim_reader()
    }

    /// What could not be done for single workloads.
    pub(crate) fn failing(&self) -> &BTreeMap<ServerId, Failing> {
        &self.failing
    }

    /// How full the maps are.
    pub(crate) fn usage(&self) -> impl IntoIterator<Item = Usage> + use<> {
        self.datapath.usage()
    }

    /// Drop counters.
    pub(crate) fn drops(&self) -> Result<Drops, MachineError> {
        Ok(self.datapath.drops()?)
    }

    /// Takes everything away.
    pub(crate) fn remove_all(mut self) -> Result<(), MachineError> {
        self.workloads.clear();
        self.remove_strangers()?;
        self.datapath.remove_all()?;
        Ok(())
    }
}

/// Takes away what holds the program of a link that is gone.
fn unpin(datapath: &mut Datapath, nic: &Nic) {
    if let Err(error) = datapath.detach(nic.interface()) {
        tracing::warn!(interface = nic.interface(), %error, "a pin could not be removed");
    }
}

/// The revision in which a server or its ports were last written: who waits for it waits for the workload.
fn written(catalog: &Catalog, server: ServerId) -> Window {
    let own = catalog.server(server).map(|server| Record::Server((**server).clone()));
    let ports = catalog.ports_of_server(server).map(|port| Record::Port((**port).clone()));
    let revisions = own.into_iter().chain(ports).filter_map(|record| catalog.mod_revision(&record.key()));
    let revision = revisions.map(|revision| revision.0).max().unwrap_or(0);
    (revision.saturating_sub(1), revision)
}

/// The entries of `tables` whose keys `wanted` has as well.
fn common(mut tables: Tables, wanted: &Tables) -> Tables {
    tables.ports.retain(|key, _| wanted.ports.contains_key(key));
    tables.endpoints.retain(|key, _| wanted.endpoints.contains_key(key));
    tables.routes.retain(|key, _| wanted.routes.contains_key(key));
    tables.crossings.retain(|key, _| wanted.crossings.contains_key(key));
    tables.cidrs.retain(|key, _| wanted.cidrs.contains_key(key));
    tables.identities.retain(|key, _| wanted.identities.contains_key(key));
    tables.rules.retain(|key, _| wanted.rules.contains_key(key));
    tables.address_pairs.retain(|key, _| wanted.address_pairs.contains_key(key));
    tables.subnets.retain(|key, _| wanted.subnets.contains_key(key));
    tables.acls.retain(|key, _| wanted.acls.contains_key(key));
    tables.acl_addresses.retain(|key, _| wanted.acl_addresses.contains_key(key));
    tables.acl_ports.retain(|key, _| wanted.acl_ports.contains_key(key));
    tables
}

/// Servers whose workload may differ after these changes.
fn touched_servers(catalog: &Catalog, changes: &[RecordChange]) -> BTreeSet<ServerId> {
    let mut touched = BTreeSet::new();
    for record in changes.iter().flat_map(|c| [&c.old, &c.new]).flatten() {
        match record {
            Record::Server(server) => {
                touched.insert(server.id);
            }
            Record::Port(port) => touched.extend(port.server),
            Record::Subnet(subnet) => touched.extend(catalog.ports_in(subnet.id).filter_map(|p| p.server)),
            _ => {}
        }
    }
    touched
}
