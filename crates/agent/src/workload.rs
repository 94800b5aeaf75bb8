//! A server's workload: its namespace and its veth.

use std::net::IpAddr;
use std::time::Duration;

use abi::GATEWAY_MAC;
use catalog::Catalog;
use ipnet::{IpNet, Ipv4Net};
use model::{PortId, Server, ServerId, ServerKind, ServerState};
use netlink::{Namespace, NamespaceRef, ReversePathFilter, VethSpec};

use crate::MachineError;
use crate::naming::{host_interface, link_alias, namespace};

/// Largest packet of every port (rule MTU-1).
const MTU: u32 = 1500;
/// How long processes get to end by themselves when their server is stopped or deleted.
const GRACE: Duration = Duration::from_millis(500);

/// A workload as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    /// The server.
    pub server: ServerId,
    /// Its port.
    pub port: PortId,
    /// Name of its namespace.
    pub namespace: String,
    /// Whether it is to run; a stopped one has no processes.
    pub running: bool,
    /// What it forwards, if anything.
    kind: ServerKind,
    veth: VethSpec,
}

impl Workload {
    /// The workload that a server of the catalog is to have; `None` while its port or subnet is not there.
    pub fn wanted(catalog: &Catalog, instance: &str, server: &Server) -> Option<Self> {
        let port = catalog.port(server.port)?;
        let subnet = catalog.subnet(port.subnet)?;
        let name = namespace(instance, server);
        // A length of a parsed range is valid for its family.
        let address = Ipv4Net::new(port.ipv4, subnet.cidr.prefix_len()).ok()?;
        let veth = VethSpec {
            host_name: host_interface(port.id),
            host_mac: GATEWAY_MAC,
            alias: link_alias(instance, port.id),
            host_up: false,
            mtu: MTU,
            namespace: NamespaceRef::Named(name.clone()),
            name: "eth0".to_owned(),
            mac: port.mac.0,
            addresses: vec![IpNet::V4(address)],
            gateways: vec![IpAddr::V4(subnet.gateway)],
        };
        Some(Self {
            server: server.id,
            port: port.id,
            namespace: name,
            running: server.state == ServerState::Running,
            kind: server.kind,
            veth,
        })
    }

    /// Name of the host's end of the veth.
    pub fn interface(&self) -> &str {
        &self.veth.host_name
    }

    /// Makes namespace and veth, or repairs what differs; returns the interface index of the host's end, which is
    /// still off when it is new. A namespace of the name `former` becomes this one, with all that runs in it.
    pub fn ensure(&self, host: &Namespace, former: Option<&str>) -> Result<u32, MachineError> {
        if let Some(former) = former.filter(|former| *former != self.namespace) {
            Namespace::rename(former, &self.namespace)?;
        }
        let (inside, _) = Namespace::ensure(&self.namespace)?;
        let state = netlink::ensure_veth(host, &self.veth)?;
        netlink::set_forwarding(&inside, self.kind.forwards())?;
        if self.kind.forwards() {
            netlink::set_reverse_path_filter(&inside, ReversePathFilter::Off)?;
        }
        if !self.running {
            netlink::end_processes(&inside, GRACE)?;
        }
        Ok(state.host.index)
    }

    /// Switches the host's end on: to be called when the program is attached.
    pub fn switch_on(&self, host: &Namespace) -> Result<(), MachineError> {
        netlink::set_link_up(host, &self.veth.host_name, true)?;
        Ok(())
    }

    /// Ends its processes and removes link and namespace.
    pub fn remove(&self, host: &Namespace) -> Result<(), MachineError> {
        remove_namespace(&self.namespace)?;
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
