//! A machine in memory: records what it is asked, keeps the state that the kernel would, and fails on demand.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::errno::Errno;

use crate::link::check_name;
use crate::{
    Change, Error, LinkState, Links, NamespaceRef, Object, Peer, Result, ReversePathFilter, VethSpec, VethState,
};

/// [`Links`] without a kernel. Two namespaces made one after the other are told apart by name alone; a path is taken to
/// exist, the host's namespace does.
#[derive(Debug, Default)]
pub struct FakeLinks {
    machine: Mutex<Machine>,
}

#[derive(Debug, Default)]
struct Machine {
    calls: Vec<String>,
    /// Calls still to come before one fails, and how.
    failing: Option<(usize, Errno)>,
    namespaces: BTreeMap<String, Vec<i32>>,
    links: BTreeMap<String, Link>,
    sysctls: BTreeMap<(NamespaceRef, String), String>,
    last_index: u32,
}

#[derive(Debug, Clone)]
struct Link {
    state: LinkState,
    /// As the pair is; `None` for a link of somebody else.
    veth: Option<VethSpec>,
    far_index: u32,
}

impl FakeLinks {
    /// All calls so far, such as `ensure_veth cw1`, oldest first.
    #[must_use]
    pub fn calls(&self) -> Vec<String> {
        self.lock().calls.clone()
    }

    /// The calls so far, which are then forgotten.
    pub fn take_calls(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().calls)
    }

    /// Makes one call fail: the next one for 0, the one after for 1…
    pub fn fail(&self, after: usize, errno: Errno) {
        self.lock().failing = Some((after, errno));
    }

    /// Puts a link there that somebody else made.
    pub fn add_foreign_link(&self, name: &str, alias: &str) {
        let mut machine = self.lock();
        let index = machine.next_index();
        let state = LinkState {
            name: name.to_owned(),
            index,
            mac: Some([2, 0, 0, 0, 0, 0]),
            mtu: 1500,
            up: true,
            running: true,
            alias: (!alias.is_empty()).then(|| alias.to_owned()),
            kind: Some("dummy".to_owned()),
            peer: None,
        };
        machine.links.insert(name.to_owned(), Link { state, veth: None, far_index: 0 });
    }

    /// Puts processes into a namespace, until they are ended.
    pub fn add_processes(&self, namespace: &str, pids: &[i32]) {
        self.lock().namespaces.entry(namespace.to_owned()).or_default().extend(pids);
    }

    /// The pair behind a host's end, as it is now.
    #[must_use]
    pub fn veth(&self, host_name: &str) -> Option<VethSpec> {
        self.lock().links.get(host_name).and_then(|link| link.veth.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Machine> {
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes the call, and fails if it is its turn.
    fn call(&self, operation: &'static str, object: &str) -> Result<MutexGuard<'_, Machine>> {
        let mut machine = self.lock();
        machine.calls.push(format!("{operation} {object}"));
        match machine.failing.take() {
            Some((0, errno)) => {
                let object = Object::Link { name: object.to_owned(), namespace: "fake".to_owned() };
                Err(Error::Refused { action: operation, object, errno })
            }
            Some((more, errno)) => {
                machine.failing = Some((more - 1, errno));
                Ok(machine)
            }
            None => Ok(machine),
        }
    }
}

impl Machine {
    fn next_index(&mut self) -> u32 {
        self.last_index += 1;
        self.last_index
    }

    fn must_exist(&self, namespace: &NamespaceRef) -> Result<()> {
        match namespace {
            NamespaceRef::Named(name) if !self.namespaces.contains_key(name) => {
                Err(Error::NotFound(Object::Namespace(name.clone())))
            }
            _ => Ok(()),
        }
    }

    fn must_have(&mut self, name: &str) -> Result<&mut Link> {
        self.links.get_mut(name).ok_or_else(|| Error::NotFound(object(name)))
    }

    fn set_sysctl(&mut self, namespace: &NamespaceRef, path: &str, value: &str) -> Result<bool> {
        self.must_exist(namespace)?;
        Ok(self.sysctls.insert((namespace.clone(), path.to_owned()), value.to_owned()).as_deref() != Some(value))
    }
}

fn object(name: &str) -> Object {
    Object::Link { name: name.to_owned(), namespace: "fake".to_owned() }
}

fn foreign(name: &str, alias: Option<&str>) -> Error {
    Error::Foreign { object: object(name), found: format!("its alias is {:?}", alias.unwrap_or_default()) }
}

/// What turns the pair `is` into `wanted`.
fn difference(is: &VethSpec, wanted: &VethSpec) -> Vec<Change> {
    let mut changes = Vec::new();
    let ends = [
        (&wanted.host_name, is.host_mac, wanted.host_mac, is.host_mtu, wanted.host_mtu),
        (&wanted.name, is.mac, wanted.mac, is.mtu, wanted.mtu),
    ];
    for (link, old, new, old_mtu, mtu) in ends {
        if old != new {
            changes.push(Change::Mac { link: link.clone(), mac: new });
        }
        if old_mtu != mtu {
            changes.push(Change::Mtu { link: link.clone(), mtu });
        }
    }
    let removed = is.addresses.iter().filter(|address| !wanted.addresses.contains(address));
    changes.extend(removed.map(|&address| Change::AddressRemoved { link: wanted.name.clone(), address }));
    let added = wanted.addresses.iter().filter(|address| !is.addresses.contains(address));
    changes.extend(added.map(|&address| Change::AddressAdded(address)));
    let routes = wanted.gateways.iter().filter(|gateway| !is.gateways.contains(gateway));
    changes.extend(routes.map(|&gateway| Change::DefaultRoute(gateway)));
    if is.gateways.iter().any(|old| wanted.gateways.iter().all(|new| new.is_ipv4() != old.is_ipv4())) {
        changes.push(Change::DefaultRouteRemoved);
    }
    changes
}

impl Links for FakeLinks {
    fn ensure_namespace(&self, name: &str) -> Result<bool> {
        let mut machine = self.call("ensure_namespace", name)?;
        let made = !machine.namespaces.contains_key(name);
        machine.namespaces.entry(name.to_owned()).or_default();
        Ok(made)
    }

    fn remove_namespace(&self, name: &str) -> Result<bool> {
        let mut machine = self.call("remove_namespace", name)?;
        let gone = NamespaceRef::Named(name.to_owned());
        machine.links.retain(|_, link| link.veth.as_ref().is_none_or(|veth| veth.namespace != gone));
        machine.sysctls.retain(|(namespace, _), _| *namespace != gone);
        Ok(machine.namespaces.remove(name).is_some())
    }

    fn namespaces(&self, prefix: &str) -> Result<Vec<String>> {
        let machine = self.call("namespaces", prefix)?;
        Ok(machine.namespaces.keys().filter(|name| name.starts_with(prefix)).cloned().collect())
    }

    fn processes(&self, namespace: &NamespaceRef) -> Result<Vec<i32>> {
        let machine = self.call("processes", &namespace.to_string())?;
        machine.must_exist(namespace)?;
        Ok(machine.namespaces.get(&namespace.to_string()).cloned().unwrap_or_default())
    }

    fn end_processes(&self, namespace: &NamespaceRef, _grace: Duration) -> Result<usize> {
        let mut machine = self.call("end_processes", &namespace.to_string())?;
        machine.must_exist(namespace)?;
        Ok(machine.namespaces.get_mut(&namespace.to_string()).map(std::mem::take).unwrap_or_default().len())
    }

    fn ensure_veth(&self, spec: &VethSpec) -> Result<VethState> {
        let mut machine = self.call("ensure_veth", &spec.host_name)?;
        check_name(&spec.host_name)?;
        check_name(&spec.name)?;
        machine.must_exist(&spec.namespace)?;
        let (mut link, changes) = match machine.links.get(&spec.host_name).cloned() {
            Some(link) => match &link.veth {
                Some(is) if link.state.alias.as_deref() == Some(spec.alias.as_str()) => {
                    let moved = is.namespace != spec.namespace || is.name != spec.name;
                    let changes = if moved { vec![Change::Recreated] } else { difference(is, spec) };
                    (link, changes)
                }
                _ => return Err(foreign(&spec.host_name, link.state.alias.as_deref())),
            },
            None => {
                let (index, far_index) = (machine.next_index(), machine.next_index());
                let state = LinkState {
                    name: spec.host_name.clone(),
                    index,
                    mac: None,
                    mtu: 0,
                    up: false,
                    running: false,
                    alias: Some(spec.alias.clone()),
                    kind: Some("veth".to_owned()),
                    peer: Some(Peer { index: far_index, namespace_number: Some(0) }),
                };
                (Link { state, veth: None, far_index }, vec![Change::Created])
            }
        };
        let mut changes = changes;
        if spec.host_up && !link.state.up && !matches!(changes.first(), Some(Change::Created | Change::Recreated)) {
            changes.push(Change::Up { link: spec.host_name.clone() });
        }
        link.state.up |= spec.host_up;
        link.state.running = link.state.up;
        (link.state.mac, link.state.mtu) = (Some(spec.host_mac), spec.host_mtu);
        link.veth = Some(spec.clone());
        let workload = LinkState {
            name: spec.name.clone(),
            index: link.far_index,
            mac: Some(spec.mac),
            up: true,
            alias: None,
            peer: Some(Peer { index: link.state.index, namespace_number: Some(0) }),
            ..link.state.clone()
        };
        let host = link.state.clone();
        machine.links.insert(spec.host_name.clone(), link);
        Ok(VethState { host, workload, changes })
    }

    fn link(&self, name: &str) -> Result<Option<LinkState>> {
        let machine = self.call("link", name)?;
        Ok(machine.links.get(name).map(|link| link.state.clone()))
    }

    fn links(&self, prefix: &str) -> Result<Vec<LinkState>> {
        let machine = self.call("links", prefix)?;
        let found = machine.links.values().filter(|link| link.state.name.starts_with(prefix));
        Ok(found.map(|link| link.state.clone()).collect())
    }

    fn set_link_up(&self, name: &str, up: bool) -> Result<bool> {
        let mut machine = self.call(if up { "set_link_up" } else { "set_link_down" }, name)?;
        let link = machine.must_have(name)?;
        let changed = link.state.up != up;
        (link.state.up, link.state.running) = (up, up);
        Ok(changed)
    }

    fn set_link_alias(&self, name: &str, alias: &str) -> Result<bool> {
        let mut machine = self.call("set_link_alias", name)?;
        let link = machine.must_have(name)?;
        Ok(link.state.alias.replace(alias.to_owned()).as_deref() != Some(alias))
    }

    fn delete_link(&self, name: &str, owner: Option<&str>) -> Result<bool> {
        let mut machine = self.call("delete_link", name)?;
        let Some(link) = machine.links.get(name) else { return Ok(false) };
        let alias = link.state.alias.as_deref();
        if let Some(owner) = owner
            && !alias.unwrap_or_default().starts_with(owner)
        {
            return Err(foreign(name, alias));
        }
        Ok(machine.links.remove(name).is_some())
    }

    fn set_forwarding(&self, namespace: &NamespaceRef, on: bool) -> Result<bool> {
        let mut machine = self.call("set_forwarding", &format!("{namespace} {on}"))?;
        machine.set_sysctl(namespace, "net/ipv4/ip_forward", if on { "1" } else { "0" })
    }

    fn set_reverse_path_filter(&self, namespace: &NamespaceRef, filter: ReversePathFilter) -> Result<bool> {
        let mut machine = self.call("set_reverse_path_filter", &format!("{namespace} {filter:?}"))?;
        machine.set_sysctl(namespace, "net/ipv4/conf/all/rp_filter", filter.value())
    }

    fn write_sysctl(&self, namespace: &NamespaceRef, path: &str, value: &str) -> Result<bool> {
        let mut machine = self.call("write_sysctl", &format!("{namespace} {path}={value}"))?;
        machine.set_sysctl(namespace, path, value)
    }

    fn read_sysctl(&self, namespace: &NamespaceRef, path: &str) -> Result<String> {
        let machine = self.call("read_sysctl", &format!("{namespace} {path}"))?;
        machine.must_exist(namespace)?;
        let value = machine.sysctls.get(&(namespace.clone(), path.to_owned()));
        Ok(value.cloned().unwrap_or_else(|| "0".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
    use super::*;

    #[test]
    fn the_chosen_call_fails_once_and_all_are_recorded() {
        let fake = FakeLinks::default();
        fake.fail(1, Errno::EPERM);
        assert!(fake.ensure_namespace("a").unwrap());
        assert!(fake.ensure_namespace("b").unwrap_err().is_permission_denied());
        assert!(fake.ensure_namespace("b").unwrap());
        assert_eq!(fake.take_calls(), ["ensure_namespace a", "ensure_namespace b", "ensure_namespace b"]);
        assert!(fake.calls().is_empty());
    }

    #[test]
    fn links_of_others_are_foreign_and_processes_end_once() {
        let fake = FakeLinks::default();
        fake.add_foreign_link("cw1", "docker");
        assert!(matches!(fake.delete_link("cw1", Some("causeway:")), Err(Error::Foreign { .. })));
        fake.add_processes("a", &[4, 5]);
        let a = NamespaceRef::Named("a".into());
        assert_eq!(fake.end_processes(&a, Duration::ZERO).unwrap(), 2);
        assert!(fake.processes(&a).unwrap().is_empty());
    }
}
