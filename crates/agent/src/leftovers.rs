//! What an instance left on a machine when no agent of it runs.

use datapath::Datapath;
use netlink::Namespace;
use tables::{Change, Delta};

use crate::crew::in_parallel;
use crate::naming::{LINK_PREFIX, link_alias_prefix, namespace_prefix};
use crate::workload::remove_namespace;
use crate::{MachineError, Options};

/// Takes away whatever an instance that does not run left on the machine: links, namespaces with their processes,
/// programs, maps, pins. Nothing is touched while an agent of the instance runs.
///
/// # Errors
/// [`MachineError`] when an agent has the instance, or something resists; then the rest is gone.
pub fn remove_leftovers(options: &Options) -> Result<(), MachineError> {
    let datapath = options.datapath()?;
    // Held until all is gone, so that no agent starts meanwhile. Pins that cannot be opened have no owner either.
    let owned = if options.pins().exists() {
        match Datapath::open(&datapath) {
            Ok(owned) => Some(owned),
            Err(busy @ datapath::Error::Busy { .. }) => return Err(busy.into()),
            Err(_) => None,
        }
    } else {
        None
    };
    // Links before programs: a link without its program would hand packets to the host.
    let host = Namespace::host()?;
    let names = Namespace::list(&namespace_prefix(&options.instance))?;
    let removed: Result<(), MachineError> = in_parallel(&names, |name| remove_namespace(name)).into_iter().collect();
    let alias = link_alias_prefix(&options.instance);
    for link in netlink::links(&host, LINK_PREFIX)? {
        if link.alias.as_deref().is_some_and(|a| a.starts_with(&alias)) {
            netlink::delete_link(&host, &link.name, link.alias.as_deref())?;
        }
    }
    match owned {
        Some(owned) => owned.remove_all()?,
        None => datapath::remove_instance(&datapath)?,
    }
    removed
}

/// Stops the packets of an instance whose agent does not run, and leaves the rest to be taken over later; `false` when
/// there was nothing to stop. For a start without packets over a network that has some: what nobody follows any more
/// must not go on by the tables of yesterday.
///
/// # Errors
/// [`MachineError`] when an agent has the instance, or the kernel refuses.
pub fn suspend(options: &Options) -> Result<bool, MachineError> {
    let datapath = options.datapath()?;
    if !options.pins().exists() {
        return Ok(false);
    }
    let mut datapath = Datapath::open(&datapath)?;
    let ports = datapath.snapshot()?.ports;
    let delta = Delta {
        changes: ports.keys().map(|index| Change::Port(*index, None)).collect(),
        bumped: ports.values().map(|port| port.vni).collect(),
    };
    datapath.apply(&delta)?;
    // Links that use other maps than the pinned ones get the program that sees these.
    datapath.activate()?;
    Ok(!ports.is_empty())
}
