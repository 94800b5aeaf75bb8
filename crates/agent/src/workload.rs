//! A server's workload: its namespace and its veths.

use std::net::IpAddr;
use std::time::Duration;

use abi::GATEWAY_MAC;
use catalog::Catalog;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use model::{Port, PortId, Server, ServerId, ServerKind, ServerState};
use netlink::{Namespace, NamespaceRef, ReversePathFilter, VethSpec};

use crate::MachineError;
use crate::naming::{host_interface, link_alias, namespace, workload_interface};

/// Of the host's ends: every packet that a workload can send reaches the program, which answers the ones that are too
/// large (rule MTU-3).
const HOST_MTU: u32 = 65_535;
/// How long processes get to end by themselves when their server is stopped or deleted.
const GRACE: Duration = Duration::from_millis(500);

/// A workload as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    /// The server.
    pub server: ServerId,
    /// Name of its namespace.
    pub namespace: String,
    /// Whether it is to run; a stopped one has no processes.
    pub running: bool,
    /// What it forwards, if anything.
    kind: ServerKind,
    /// Its ports, the primary one first.
    pub nics: Vec<Nic>,
}

/// A port of a workload as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nic {
    /// The port.
    pub port: PortId,
    veth: VethSpec,
}

impl Workload {
    /// The workload that a server of the catalog is to have; `None` while its port or subnet is not there. `mtu` is the
    /// installation's, in bytes (rule MTU-1).
    pub fn wanted(catalog: &Catalog, instance: &str, mtu: u16, server: &Server) -> Option<Self> {
        let namespace = namespace(instance, server);
        let mut ports: Vec<&Port> = catalog.ports_of_server(server.id).map(AsRef::as_ref).collect();
        ports.sort_by_key(|port| port.device_index);
        let primary = ports.first().is_some_and(|port| port.id == server.port);
        let nics = ports.into_iter().map(|port| Nic::wanted(catalog, instance, &namespace, mtu, port));
        let nics = primary.then(|| nics.collect::<Option<Vec<_>>>())??;
        let running = server.state == ServerState::Running;
        Some(Self { server: server.id, namespace, running, kind: server.kind, nics })
    }

    /// Makes namespace and veths, or repairs what differs; returns the interface index of each port's host end, which is
    /// still off when it is new. A namespace of the name `former` becomes this one, with all that runs in it.
    pub fn ensure(&self, host: &Namespace, former: Option<&str>) -> Result<Vec<(PortId, u32)>, MachineError> {
        if let Some(former) = former.filter(|former| *former != self.namespace) {
            Namespace::rename(former, &self.namespace)?;
        }
        let (inside, _) = Namespace::ensure(&self.namespace)?;
        let mut made = Vec::with_capacity(self.nics.len());
        for nic in &self.nics {
            made.push((nic.port, netlink::ensure_veth(host, &nic.veth)?.host.index));
        }
        netlink::set_forwarding(&inside, self.kind.forwards())?;
        if self.kind.forwards() {
            netlink::set_reverse_path_filter(&inside, ReversePathFilter::Off)?;
            netlink::set_send_redirects(&inside, false)?;
        }
        if !self.running {
            netlink::end_processes(&inside, GRACE)?;
        }
        Ok(made)
    }

    /// Ends its processes and removes links and namespace.
    pub fn remove(&self, host: &Namespace) -> Result<(), MachineError> {
        remove_namespace(&self.namespace)?;
        self.nics.iter().try_for_each(|nic| nic.remove(host))
    }
}

impl Nic {
    fn wanted(catalog: &Catalog, instance: &str, namespace: &str, mtu: u16, port: &Port) -> Option<Self> {
        let subnet = catalog.subnet(port.subnet)?;
        // A length of a parsed range is valid for its family.
        let mut addresses = vec![IpNet::V4(Ipv4Net::new(port.ipv4, subnet.cidr.prefix_len()).ok()?)];
        let mut gateways = vec![IpAddr::V4(subnet.gateway)];
        if let (Some(address), Some(range)) = (port.ipv6, subnet.ipv6) {
            addresses.push(IpNet::V6(Ipv6Net::new(address, range.cidr.prefix_len()).ok()?));
            // Not the gateway's link-local address, which router advertisements name: with a global one the kernel of a
            // forwarding workload sends no redirects.
            gateways.push(IpAddr::V6(range.gateway));
        }
        if port.device_index > 0 {
            // One default route for each workload: by the primary port.
            gateways.clear();
        }
        let veth = VethSpec {
            host_name: host_interface(port.id),
            host_mac: GATEWAY_MAC,
            alias: link_alias(instance, port.id),
            host_up: false,
            mtu: u32::from(mtu),
            host_mtu: HOST_MTU,
            namespace: NamespaceRef::Named(namespace.to_owned()),
            name: workload_interface(port),
            mac: port.mac.0,
            addresses,
            gateways,
        };
        Some(Self { port: port.id, veth })
    }

    /// Name of the host's end of the veth.
    pub fn interface(&self) -> &str {
        &self.veth.host_name
    }

    /// Switches the host's end on: to be called when the program is attached.
    pub fn switch_on(&self, host: &Namespace) -> Result<(), MachineError> {
        netlink::set_link_up(host, &self.veth.host_name, true)?;
        Ok(())
    }

    /// Removes the link; fine when it went with its namespace.
    pub fn remove(&self, host: &Namespace) -> Result<(), MachineError> {
        netlink::delete_link(host, &self.veth.host_name, Some(&self.veth.alias))?;
        Ok(())
    }
}

/// Ends the processes of a namespace and removes it; fine when it is not there.
pub fn remove_namespace(name: &str) -> Result<(), MachineError> {
    if Namespace::exists(name) {
        let inside = Namespace::open(name)?;
        netlink::end_processes(&inside, GRACE)?;
    }
    Namespace::remove(name)?;
    Ok(())
}
