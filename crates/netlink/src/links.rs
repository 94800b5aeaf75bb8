//! What an agent needs of the kernel, as a trait, so that its logic can be tested without one.

use std::time::Duration;

use crate::{
    LinkState, Namespace, NamespaceRef, Result, ReversePathFilter, VethSpec, VethState, delete_link, end_processes,
    ensure_veth, link, links, processes_in, read_sysctl_in, set_forwarding, set_link_alias, set_link_up,
    set_reverse_path_filter, write_sysctl_in,
};

/// Namespaces, links and parameters of one machine. Links without a namespace in the signature are those of the host's.
///
/// All operations are idempotent; a `bool` says whether anything had to be done. Errors are those of the function of the
/// same name in this crate.
pub trait Links: Send + Sync {
    /// Makes a named namespace unless there is one.
    ///
    /// # Errors
    /// As [`Namespace::ensure`].
    fn ensure_namespace(&self, name: &str) -> Result<bool>;

    /// Removes a named namespace; end its processes first.
    ///
    /// # Errors
    /// As [`Namespace::remove`].
    fn remove_namespace(&self, name: &str) -> Result<bool>;

    /// Names of the namespaces that begin with `prefix`, sorted.
    ///
    /// # Errors
    /// As [`Namespace::list`].
    fn namespaces(&self, prefix: &str) -> Result<Vec<String>>;

    /// Processes in a namespace.
    ///
    /// # Errors
    /// As [`processes_in`]; [`crate::Error::NotFound`] without the namespace.
    fn processes(&self, namespace: &NamespaceRef) -> Result<Vec<i32>>;

    /// Ends all processes in a namespace and says how many there were.
    ///
    /// # Errors
    /// As [`end_processes`]; [`crate::Error::NotFound`] without the namespace.
    fn end_processes(&self, namespace: &NamespaceRef, grace: Duration) -> Result<usize>;

    /// Makes a workload's veth pair as it should be.
    ///
    /// # Errors
    /// As [`ensure_veth`].
    fn ensure_veth(&self, spec: &VethSpec) -> Result<VethState>;

    /// A link by name.
    ///
    /// # Errors
    /// As [`link`].
    fn link(&self, name: &str) -> Result<Option<LinkState>>;

    /// Links whose names begin with `prefix`, sorted by name.
    ///
    /// # Errors
    /// As [`links`].
    fn links(&self, prefix: &str) -> Result<Vec<LinkState>>;

    /// Switches a link on or off.
    ///
    /// # Errors
    /// As [`set_link_up`].
    fn set_link_up(&self, name: &str, up: bool) -> Result<bool>;

    /// Attaches an alias.
    ///
    /// # Errors
    /// As [`set_link_alias`].
    fn set_link_alias(&self, name: &str, alias: &str) -> Result<bool>;

    /// Deletes a link, only if its alias begins with `owner` where that is given.
    ///
    /// # Errors
    /// As [`delete_link`].
    fn delete_link(&self, name: &str, owner: Option<&str>) -> Result<bool>;

    /// Switches forwarding of packets in a namespace on or off.
    ///
    /// # Errors
    /// As [`set_forwarding`]; [`crate::Error::NotFound`] without the namespace.
    fn set_forwarding(&self, namespace: &NamespaceRef, on: bool) -> Result<bool>;

    /// Sets the reverse path filter of a namespace.
    ///
    /// # Errors
    /// As [`set_reverse_path_filter`]; [`crate::Error::NotFound`] without the namespace.
    fn set_reverse_path_filter(&self, namespace: &NamespaceRef, filter: ReversePathFilter) -> Result<bool>;

    /// Sets a parameter in a namespace.
    ///
    /// # Errors
    /// As [`write_sysctl_in`]; [`crate::Error::NotFound`] without the namespace.
    fn write_sysctl(&self, namespace: &NamespaceRef, path: &str, value: &str) -> Result<bool>;

    /// Reads a parameter in a namespace.
    ///
    /// # Errors
    /// As [`read_sysctl_in`]; [`crate::Error::NotFound`] without the namespace.
    fn read_sysctl(&self, namespace: &NamespaceRef, path: &str) -> Result<String>;
}

/// The kernel's.
#[derive(Debug, Clone)]
pub struct HostLinks {
    host: Namespace,
}

impl HostLinks {
    /// With the host's ends of veth pairs in this process's namespace.
    ///
    /// # Errors
    /// As [`Namespace::host`].
    pub fn new() -> Result<Self> {
        Namespace::host().map(Self::in_namespace)
    }

    /// With the host's ends in another namespace: a machine of its own for tests.
    #[must_use]
    pub fn in_namespace(host: Namespace) -> Self {
        HostLinks { host }
    }

    /// The namespace of the host's ends.
    #[must_use]
    pub fn namespace(&self) -> &Namespace {
        &self.host
    }
}

impl Links for HostLinks {
    fn ensure_namespace(&self, name: &str) -> Result<bool> {
        Namespace::ensure(name).map(|(_, made)| made)
    }

    fn remove_namespace(&self, name: &str) -> Result<bool> {
        Namespace::remove(name)
    }

    fn namespaces(&self, prefix: &str) -> Result<Vec<String>> {
        Namespace::list(prefix)
    }

    fn processes(&self, namespace: &NamespaceRef) -> Result<Vec<i32>> {
        processes_in(&namespace.open()?)
    }

    fn end_processes(&self, namespace: &NamespaceRef, grace: Duration) -> Result<usize> {
        end_processes(&namespace.open()?, grace)
    }

    fn ensure_veth(&self, spec: &VethSpec) -> Result<VethState> {
        ensure_veth(&self.host, spec)
    }

    fn link(&self, name: &str) -> Result<Option<LinkState>> {
        link(&self.host, name)
    }

    fn links(&self, prefix: &str) -> Result<Vec<LinkState>> {
        links(&self.host, prefix)
    }

    fn set_link_up(&self, name: &str, up: bool) -> Result<bool> {
        set_link_up(&self.host, name, up)
    }

    fn set_link_alias(&self, name: &str, alias: &str) -> Result<bool> {
        set_link_alias(&self.host, name, alias)
    }

    fn delete_link(&self, name: &str, owner: Option<&str>) -> Result<bool> {
        delete_link(&self.host, name, owner)
    }

    fn set_forwarding(&self, namespace: &NamespaceRef, on: bool) -> Result<bool> {
        set_forwarding(&namespace.open()?, on)
    }

    fn set_reverse_path_filter(&self, namespace: &NamespaceRef, filter: ReversePathFilter) -> Result<bool> {
        set_reverse_path_filter(&namespace.open()?, filter)
    }

    fn write_sysctl(&self, namespace: &NamespaceRef, path: &str, value: &str) -> Result<bool> {
        write_sysctl_in(&namespace.open()?, path, value)
    }

    fn read_sysctl(&self, namespace: &NamespaceRef, path: &str) -> Result<String> {
        read_sysctl_in(&namespace.open()?, path)
    }
}

#[cfg(test)]
mod tests;
