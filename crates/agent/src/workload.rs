//! A server's workload: its namespace, its veths, and the VLAN interfaces on them.

use std::net::IpAddr;
use std::time::Duration;

use abi::{GATEWAY_MAC, MAX_IFINDEX, attachment};
use catalog::Catalog;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use model::{Port, PortId, Server, ServerId, ServerKind, ServerState};
use netlink::{Namespace, NamespaceRef, ReversePathFilter, VethSpec, VlanSpec};

use crate::MachineError;
use crate::naming::{carrier_interface, host_interface, link_alias, link_alias_prefix, namespace, workload_interface};

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
    /// Its ports with an interface of their own, the primary one first.
    pub nics: Vec<Nic>,
    /// Its supplementary interfaces (api-vpc section 11).
    pub vlans: Vec<Vlan>,
    /// What the aliases of all links of the instance begin with.
    aliases: String,
}

/// A supplementary interface of a workload as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vlan {
    /// The port.
    pub port: PortId,
    /// The port of the interface that carries it.
    parent: PortId,
    spec: VlanSpec,
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
        let ports = catalog.ports_of_server(server.id).map(AsRef::as_ref);
        let (vlans, mut ports): (Vec<&Port>, Vec<&Port>) = ports.partition(|port| port.is_supplementary());
        ports.sort_by_key(|port| port.device_index);
        let vlans = vlans.into_iter().map(|port| Vlan::wanted(catalog, instance, &namespace, mtu, port));
        let vlans = vlans.collect::<Option<Vec<_>>>()?;
        let primary = ports.first().is_some_and(|port| port.id == server.port);
        let nics = ports.into_iter().map(|port| Nic::wanted(catalog, instance, &namespace, mtu, port));
        let nics = primary.then(|| nics.collect::<Option<Vec<_>>>())??;
        let running = server.state == ServerState::Running;
        let aliases = link_alias_prefix(instance);
        Some(Self { server: server.id, namespace, running, kind: server.kind, nics, vlans, aliases })
    }

    /// All its ports.
    pub fn ports(&self) -> impl Iterator<Item = PortId> {
        self.nics.iter().map(|nic| nic.port).chain(self.vlans.iter().map(|vlan| vlan.port))
    }

    /// Makes namespace and links, or repairs what differs; returns each port's attachment, whose host end is still off when
    /// it is new. A namespace of the name `former` becomes this one, with all that runs in it.
    pub fn ensure(&self, host: &Namespace, former: Option<&str>) -> Result<Vec<(PortId, u32)>, MachineError> {
        if let Some(former) = former.filter(|former| *former != self.namespace) {
            Namespace::rename(former, &self.namespace)?;
        }
        let (inside, _) = Namespace::ensure(&self.namespace)?;
        let mut made = Vec::with_capacity(self.nics.len());
        for nic in &self.nics {
            made.push((nic.port, netlink::ensure_veth(host, &nic.veth)?.host.index));
        }
        let keep = self.vlans.iter().map(|vlan| vlan.spec.name.as_str()).collect();
        netlink::remove_vlans(&inside, &self.aliases, &keep)?;
        for vlan in &self.vlans {
            match netlink::ensure_vlan(&vlan.spec) {
                // Its packets are forwarded all the same: whoever runs in the namespace may read and write tags itself.
                Err(error) if error.is_unsupported() => {
                    let interface = &vlan.spec.name;
                    tracing::warn!(interface, %error, "this kernel has no VLAN interfaces; the guest has to take tagged frames");
                }
                made => drop(made?),
            }
            // Its parent is one of the interfaces above; were it not, nobody would send its frames.
            let parent = made.iter().find(|(port, _)| *port == vlan.parent).map(|(_, index)| *index);
            made.extend(parent.map(|index| (vlan.port, attachment(index, vlan.spec.vlan.into()))));
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
        let addresses = addresses(catalog, port)?;
        let mut gateways = vec![IpAddr::V4(subnet.gateway)];
        if let (Some(_), Some(range)) = (port.ipv6, subnet.ipv6) {
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
            max_index: MAX_IFINDEX,
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

impl Vlan {
    /// `None` while its subnet is not there, or it is attached to no port.
    fn wanted(catalog: &Catalog, instance: &str, namespace: &str, mtu: u16, port: &Port) -> Option<Self> {
        let parent = port.parent()?;
        let spec = VlanSpec {
            namespace: NamespaceRef::Named(namespace.to_owned()),
            parent: carrier_interface(port),
            name: workload_interface(port),
            alias: link_alias(instance, port.id),
            vlan: parent.vlan,
            mac: port.mac.0,
            mtu: u32::from(mtu),
            addresses: addresses(catalog, port)?,
        };
        Some(Self { port: port.id, parent: parent.port, spec })
    }
}

/// The addresses of a port with the prefix lengths of its subnet, which is `None` while that is not there.
fn addresses(catalog: &Catalog, port: &Port) -> Option<Vec<IpNet>> {
    let subnet = catalog.subnet(port.subnet)?;
    // A length of a parsed range is valid for its family.
    let mut addresses = vec![IpNet::V4(Ipv4Net::new(port.ipv4, subnet.cidr.prefix_len()).ok()?)];
    if let (Some(address), Some(range)) = (port.ipv6, subnet.ipv6) {
        addresses.push(IpNet::V6(Ipv6Net::new(address, range.cidr.prefix_len()).ok()?));
    }
    Some(addresses)
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
