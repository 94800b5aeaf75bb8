//! One machine and what Causeway made on it: brought to a catalog, update by update.
//!
//! The order of one update fails closed: links of new workloads are made and get the program while no table knows
//! them (their packets are dropped); then the tables are written and generations bumped; then the links of workloads
//! that are gone are removed. An error leaves the machine somewhere between; the next round goes on from there,
//! because each step compares before it acts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use catalog::{Catalog, RecordChange};
use compiler::{Attachments, Compiler};
use datapath::Datapath;
use model::{Record, ServerId};
use netlink::Namespace;
use tables::{Delta, Tables};

use crate::naming::{LINK_PREFIX, link_alias_prefix, namespace_prefix};
use crate::workload::{Workload, remove_namespace};

/// What a machine refused.
#[derive(Debug, thiserror::Error)]
pub enum MachineError {
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
    /// Name of the installation on this machine: 1 to 32 of `a-z`, `0-9` and `-`.
    pub instance: String,
    /// Mount point of the BPF file system.
    pub bpffs: PathBuf,
}

impl Options {
    /// The instance with the usual mount point.
    #[must_use]
    pub fn new(instance: &str) -> Self {
        Self { instance: instance.to_owned(), bpffs: PathBuf::from("/sys/fs/bpf") }
    }

    fn datapath(&self) -> datapath::Options {
        datapath::Options { bpffs: self.bpffs.clone(), ..datapath::Options::new(&self.instance) }
    }
}

/// See the module's documentation.
pub(crate) struct Machine {
    instance: String,
    host: Namespace,
    pub(crate) datapath: Datapath,
    compiler: Compiler,
    attachments: Attachments,
    workloads: BTreeMap<ServerId, Workload>,
    /// Written to the compiler's tables but not yet to the kernel, because an earlier round failed.
    owed: Delta,
    /// Gone from the catalog, not yet from the machine.
    leaving: Vec<Workload>,
}

impl Machine {
    /// Takes over what an earlier process left and brings it to `catalog`: what is right already is not touched.
    pub(crate) fn open(options: &Options, catalog: &Catalog) -> Result<Self, MachineError> {
        let host = Namespace::host()?;
        let datapath = Datapath::open(&options.datapath())?;
        let mut machine = Self {
            instance: options.instance.clone(),
            host,
            datapath,
            compiler: Compiler::default(),
            attachments: Attachments::default(),
            workloads: BTreeMap::new(),
            owed: Delta::default(),
            leaving: Vec::new(),
        };
        for server in catalog.servers() {
            if let Some(workload) = Workload::wanted(catalog, &machine.instance, server) {
                let index = workload.ensure(&machine.host)?;
                machine.attachments.insert(workload.port, index);
                machine.workloads.insert(workload.server, workload);
            }
        }
        let present = machine.datapath.snapshot()?;
        let wanted = machine.compiler.full(catalog, &machine.attachments);
        let mut delta = Delta::between(&present, &wanted);
        if !delta.changes.is_empty() {
            delta.bumped = all_vnis(&present, &wanted);
        }
        machine.datapath.apply(&delta)?;
        machine.datapath.activate()?;
        for workload in machine.workloads.values() {
            machine.datapath.attach(workload.interface())?;
            workload.switch_on(&machine.host)?;
        }
        machine.remove_strangers()?;
        Ok(machine)
    }

    /// Brings the machine from the last catalog to this one.
    pub(crate) fn update(&mut self, catalog: &Catalog, changes: &[RecordChange]) -> Result<(), MachineError> {
        let touched = touched_servers(catalog, changes);
        let mut arriving = Vec::new();
        for id in touched {
            let wanted = catalog.server(id).and_then(|s| Workload::wanted(catalog, &self.instance, s));
            let Some(wanted) = wanted else {
                if let Some(gone) = self.workloads.remove(&id) {
                    self.attachments.remove(&gone.port);
                    self.leaving.push(gone);
                }
                continue;
            };
            if self.workloads.get(&id) == Some(&wanted) && self.attachments.contains_key(&wanted.port) {
                continue;
            }
            self.workloads.insert(id, wanted.clone());
            arriving.push(wanted);
        }
        for workload in &arriving {
            let index = workload.ensure(&self.host)?;
            self.datapath.attach(workload.interface())?;
            workload.switch_on(&self.host)?;
            self.attachments.insert(workload.port, index);
        }
        let delta = self.compiler.update(catalog, changes, &self.attachments);
        self.owed.changes.extend(delta.changes);
        self.owed.bumped.extend(delta.bumped);
        self.settle()
    }

    /// Does what is owed: tables to the kernel, workloads that are gone off the machine.
    fn settle(&mut self) -> Result<(), MachineError> {
        if !self.owed.is_empty() {
            self.datapath.apply(&self.owed)?;
            self.owed = Delta::default();
        }
        while let Some(workload) = self.leaving.last() {
            self.datapath.detach(workload.interface())?;
            workload.remove(&self.host)?;
            self.leaving.pop();
        }
        Ok(())
    }

    /// Starts over after an error: compares everything with what is there.
    pub(crate) fn resync(&mut self, catalog: &Catalog) -> Result<(), MachineError> {
        self.workloads.retain(|id, _| catalog.server(*id).is_some());
        for server in catalog.servers() {
            let Some(workload) = Workload::wanted(catalog, &self.instance, server) else { continue };
            let index = workload.ensure(&self.host)?;
            self.datapath.attach(workload.interface())?;
            workload.switch_on(&self.host)?;
            self.attachments.insert(workload.port, index);
            self.workloads.insert(workload.server, workload);
        }
        let ports: BTreeSet<_> = self.workloads.values().map(|w| w.port).collect();
        self.attachments.retain(|port, _| ports.contains(port));
        let present = self.datapath.snapshot()?;
        let wanted = self.compiler.full(catalog, &self.attachments);
        let mut delta = Delta::between(&present, &wanted);
        // What was bumped before the error is not known: all of them once more.
        delta.bumped = all_vnis(&present, &wanted);
        self.owed = delta;
        self.settle()?;
        self.remove_strangers()
    }

    /// Removes links and namespaces of this instance that no server has.
    fn remove_strangers(&mut self) -> Result<(), MachineError> {
        let interfaces: BTreeSet<&str> = self.workloads.values().map(Workload::interface).collect();
        let alias = link_alias_prefix(&self.instance);
        for link in netlink::links(&self.host, LINK_PREFIX)? {
            let ours = link.alias.as_deref().is_some_and(|a| a.starts_with(&alias));
            if ours && !interfaces.contains(link.name.as_str()) {
                self.datapath.detach(&link.name)?;
                netlink::delete_link(&self.host, &link.name, link.alias.as_deref())?;
            }
        }
        let namespaces: BTreeSet<&str> = self.workloads.values().map(|w| w.namespace.as_str()).collect();
        for name in Namespace::list(&namespace_prefix(&self.instance))? {
            if !namespaces.contains(name.as_str()) {
                remove_namespace(&name)?;
            }
        }
        Ok(())
    }

    /// The namespace of a server that runs here.
    pub(crate) fn namespace(&self, server: ServerId) -> Option<&str> {
        self.workloads.get(&server).filter(|w| w.running).map(|w| w.namespace.as_str())
    }

    /// Takes everything away.
    pub(crate) fn remove_all(self) -> Result<(), MachineError> {
        for workload in self.workloads.values().chain(&self.leaving) {
            workload.remove(&self.host)?;
        }
        self.datapath.remove_all()?;
        Ok(())
    }
}

/// Takes away whatever an instance that does not run left on the machine: links, namespaces with their processes,
/// programs, maps, pins.
///
/// # Errors
/// [`MachineError`] when something resists.
pub fn remove_leftovers(options: &Options) -> Result<(), MachineError> {
    let host = Namespace::host()?;
    for name in Namespace::list(&namespace_prefix(&options.instance))? {
        remove_namespace(&name)?;
    }
    let alias = link_alias_prefix(&options.instance);
    for link in netlink::links(&host, LINK_PREFIX)? {
        if link.alias.as_deref().is_some_and(|a| a.starts_with(&alias)) {
            netlink::delete_link(&host, &link.name, link.alias.as_deref())?;
        }
    }
    datapath::remove_instance(&options.datapath())?;
    Ok(())
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

/// The VPCs of all ports in either.
fn all_vnis(a: &Tables, b: &Tables) -> BTreeSet<u32> {
    a.ports.values().chain(b.ports.values()).map(|p| p.vni).collect()
}
