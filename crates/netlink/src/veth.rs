//! A workload's veth pair: the host's end, which has no address ever, and the workload's end with all it needs to talk.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::os::fd::{AsFd, AsRawFd};

use ipnet::IpNet;
use netlink_packet_route::link::{InfoData, InfoKind, InfoVeth, LinkMessage};
use nix::errno::Errno;
use rtnetlink::{LinkMessageBuilder, LinkUnspec, LinkVeth};

use crate::error::Result;
use crate::link::{LinkState, Mac, ShowMac, check_name};
use crate::session::{AddressUse, AssignedAddress, Session, session};
use crate::sysctl::write_here;
use crate::{Error, Namespace, NamespaceRef, Object};

/// How many free interface indexes are tried.
const INDEX_TRIES: usize = 64;

/// A veth pair as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VethSpec {
    /// Name of the host's end, at most 15 bytes, unique in the host's namespace.
    pub host_name: String,
    /// Address of the host's end: the gateway's, so that frames to the gateway are taken for the host's.
    pub host_mac: Mac,
    /// Alias of the host's end. It tells our links from others: a link of that name with another alias is left alone.
    pub alias: String,
    /// Whether to switch the host's end on. `false` leaves it as it is, and a new one off, so that a program can be
    /// attached before the first frame.
    pub host_up: bool,
    /// Largest packet in bytes at the workload's end (MTU-1).
    pub mtu: u32,
    /// The same at the host's end: how large a packet of a workload may be to be seen there at all. With more than `mtu`,
    /// one that is too large can be answered instead of vanishing (MTU-3).
    pub host_mtu: u32,
    /// The largest interface index that the host's end may have.
    pub max_index: u32,
    /// Where the workload's end is.
    pub namespace: NamespaceRef,
    /// Name of the workload's end, such as `eth0`.
    pub name: String,
    /// Address of the workload's end.
    pub mac: Mac,
    /// All addresses of the workload's end with the prefix lengths of their subnets, the first of a family being the
    /// source of what the workload sends. Others are removed, except those of one address (/32, /128): the workload's own,
    /// such as a virtual IP that it took.
    pub addresses: Vec<IpNet>,
    /// Default gateways, at most one of a family; taken to be on the link. Without one, no default route by this link.
    pub gateways: Vec<IpAddr>,
}

/// A veth pair as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VethState {
    /// The host's end.
    pub host: LinkState,
    /// The workload's end.
    pub workload: LinkState,
    /// What had to be done, in order. Empty when all was right.
    pub changes: Vec<Change>,
}

/// One thing that was not as it should be, and was made so.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Change {
    /// There was no pair.
    Created,
    /// There was a link of that name whose other end was not where it should be: it was replaced.
    Recreated,
    /// The address of the link was another.
    Mac {
        /// Name of the link.
        link: String,
        /// Its address now.
        mac: Mac,
    },
    /// The MTU of the link was another.
    Mtu {
        /// Name of the link.
        link: String,
        /// Its MTU now, in bytes.
        mtu: u32,
    },
    /// The link had no alias.
    Alias,
    /// The link was off.
    Up {
        /// Name of the link.
        link: String,
    },
    /// A parameter below `/proc/sys` had another value.
    Sysctl {
        /// Its path there.
        path: String,
    },
    /// The address was missing.
    AddressAdded(IpNet),
    /// The address should not have been there.
    AddressRemoved {
        /// Name of the link.
        link: String,
        /// The address.
        address: IpNet,
    },
    /// The default route led elsewhere or nowhere.
    DefaultRoute(IpAddr),
    /// The default route should not have been there.
    DefaultRouteRemoved,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Change::Created => f.write_str("created"),
            Change::Recreated => f.write_str("replaced, its other end was elsewhere"),
            Change::Mac { link, mac } => write!(f, "{link}: address {}", ShowMac(*mac)),
            Change::Mtu { link, mtu } => write!(f, "{link}: MTU {mtu}"),
            Change::Alias => f.write_str("alias"),
            Change::Up { link } => write!(f, "{link}: up"),
            Change::Sysctl { path } => write!(f, "sysctl {path}"),
            Change::AddressAdded(address) => write!(f, "address {address}"),
            Change::AddressRemoved { link, address } => write!(f, "{link}: address {address} removed"),
            Change::DefaultRoute(gateway) => write!(f, "default route via {gateway}"),
            Change::DefaultRouteRemoved => f.write_str("default route removed"),
        }
    }
}

/// Makes a veth pair as `spec` says, or repairs what differs; right things are not touched, so traffic goes on.
/// The host's ends are in `host`. The namespace's loopback is switched on too.
///
/// A pair of which only the names are right (the other end is in another namespace, or has another name) is replaced.
///
/// # Errors
/// [`Error::Foreign`] when `host_name` or `name` belongs to a link that is not ours; [`Error::NotFound`] when the
/// workload's namespace does not exist; [`Error::Refused`] otherwise. What was done before an error stays: call again.
pub fn ensure_veth(host: &Namespace, spec: &VethSpec) -> Result<VethState> {
    check_name(&spec.host_name)?;
    check_name(&spec.name)?;
    let namespace = spec.namespace.open()?;
    let mut changes = Vec::new();

    let far = session(&namespace, async |netlink| netlink.link(&spec.name).await)?;
    session(host, async |netlink| host_end(netlink, host, &namespace, far.as_ref(), spec, &mut changes).await)?;
    let workload = session(&namespace, async |netlink| workload_end(netlink, &namespace, spec, &mut changes).await)?;
    // Last, because `running` depends on the other end.
    let host = session(host, async |netlink| netlink.must_have(&spec.host_name).await)?;
    Ok(VethState { host, workload, changes })
}

async fn host_end(
    netlink: &Session<'_>,
    host: &Namespace,
    namespace: &Namespace,
    far: Option<&LinkState>,
    spec: &VethSpec,
    changes: &mut Vec<Change>,
) -> Result<()> {
    let name = &spec.host_name;
    let link = match netlink.link(name).await? {
        None => {
            not_taken(namespace, far)?;
            create(netlink, host, namespace, spec, changes, Change::Created).await?
        }
        Some(found) => {
            let alias = found.alias.as_deref().unwrap_or_default();
            // Without an alias it is ours if its creator died before setting it.
            if !found.is_veth() || !(alias.is_empty() || alias == spec.alias) {
                let kind = found.kind.as_deref().unwrap_or("another");
                let found = format!("it is a link of kind {kind} with alias {alias:?}");
                return Err(Error::Foreign { object: netlink.link_object(name), found });
            }
            if found.index <= spec.max_index && joins(netlink, &found, host, namespace, far).await? {
                found
            } else {
                not_taken(namespace, far)?;
                netlink.delete_link(&found).await?;
                create(netlink, host, namespace, spec, changes, Change::Recreated).await?
            }
        }
    };
    if link.alias.as_deref() != Some(spec.alias.as_str()) && !spec.alias.is_empty() {
        let message = LinkUnspec::new_with_index(link.index).alias(&spec.alias).build();
        netlink.change_link("name", name, message).await?;
        note(changes, Change::Alias);
    }
    // Before it is up: the kernel would give it an address and greet the neighbours.
    no_ipv6(host, name, true, changes)?;
    for assigned in netlink.addresses(&link).await? {
        let address = assigned.address;
        netlink.delete_address(&link, assigned).await?;
        note(changes, Change::AddressRemoved { link: name.clone(), address });
    }
    align(netlink, &link, spec.host_mac, spec.host_mtu, spec.host_up, changes).await
}

/// The name of the workload's end must be free, unless it is the pair's own.
fn not_taken(namespace: &Namespace, far: Option<&LinkState>) -> Result<()> {
    let Some(far) = far else { return Ok(()) };
    let object = Object::Link { name: far.name.clone(), namespace: namespace.label().to_owned() };
    let kind = far.kind.as_deref().unwrap_or("another");
    Err(Error::Foreign { object, found: format!("it is a link of kind {kind} that belongs to no pair of this port") })
}

async fn create(
    netlink: &Session<'_>,
    host: &Namespace,
    namespace: &Namespace,
    spec: &VethSpec,
    changes: &mut Vec<Change>,
    change: Change,
) -> Result<LinkState> {
    netlink.add_link(&spec.host_name, pair(host, namespace, spec, None)).await?;
    let made = netlink.must_have(&spec.host_name).await?;
    let made = if made.index > spec.max_index {
        netlink.delete_link(&made).await?;
        create_below(netlink, host, namespace, spec).await?
    } else {
        made
    };
    changes.push(change);
    Ok(made)
}

/// What makes a pair; without an index the kernel counts on from the last one that it gave out.
fn pair(host: &Namespace, namespace: &Namespace, spec: &VethSpec, index: Option<u32>) -> LinkMessage {
    let mut far =
        LinkMessageBuilder::<LinkUnspec>::new().name(spec.name.clone()).address(spec.mac.to_vec()).mtu(spec.mtu);
    if namespace != host {
        far = far.setns_by_fd(namespace.as_fd().as_raw_fd());
    }
    let mut near = LinkMessageBuilder::<LinkVeth>::new_with_info_kind(InfoKind::Veth)
        .name(spec.host_name.clone())
        .address(spec.host_mac.to_vec())
        .mtu(spec.host_mtu)
        .set_info_data(InfoData::Veth(InfoVeth::Peer(far.build())));
    if let Some(index) = index {
        near = near.index(index);
    }
    near.build()
}

/// Makes a pair whose host's end has an index that was given out before and is free again.
async fn create_below(
    netlink: &Session<'_>,
    host: &Namespace,
    namespace: &Namespace,
    spec: &VethSpec,
) -> Result<LinkState> {
    let used: BTreeSet<u32> = netlink.links("").await?.iter().map(|link| link.index).collect();
    let name = &spec.host_name;
    let mut refused = Errno::EBUSY;
    // Somebody else may take one at the same time.
    for index in (1..=spec.max_index).filter(|index| !used.contains(index)).take(INDEX_TRIES) {
        match netlink.add_link(name, pair(host, namespace, spec, Some(index))).await {
            Ok(()) => return netlink.must_have(name).await,
            Err(error) => match error.errno() {
                Some(errno @ (Errno::EBUSY | Errno::EEXIST)) => refused = errno,
                _ => return Err(error),
            },
        }
    }
    let action = "find a free interface index for";
    Err(Error::Refused { action, object: netlink.link_object(name), errno: refused })
}

/// Whether `near` and `far` are two ends of one pair, `far` being in `namespace`.
async fn joins(
    netlink: &Session<'_>,
    near: &LinkState,
    host: &Namespace,
    namespace: &Namespace,
    far: Option<&LinkState>,
) -> Result<bool> {
    let (Some(peer), Some(far)) = (near.peer, far) else { return Ok(false) };
    if peer.index != far.index || far.peer.is_none_or(|back| back.index != near.index) {
        return Ok(false);
    }
    // Numbers of links repeat from namespace to namespace: only the namespace's own number decides.
    match peer.namespace_number {
        None => Ok(namespace == host),
        Some(number) => Ok(netlink.number_of(namespace).await? == Some(number)),
    }
}

async fn workload_end(
    netlink: &Session<'_>,
    namespace: &Namespace,
    spec: &VethSpec,
    changes: &mut Vec<Change>,
) -> Result<LinkState> {
    let link = netlink.must_have(&spec.name).await?;
    let lo = netlink.must_have("lo").await?;
    up(netlink, &lo, changes).await?;
    // A workload without IPv6 addresses must not send router solicitations and the like.
    let off = spec.addresses.iter().all(|a| a.addr().is_ipv4());
    if !off {
        static_ipv6(namespace, &spec.name, changes)?;
    }
    no_ipv6(namespace, &spec.name, off, changes)?;
    align(netlink, &link, spec.mac, spec.mtu, true, changes).await?;
    addresses(netlink, &link, &spec.addresses, changes).await?;
    default_routes(netlink, &link, &spec.gateways, changes).await?;
    netlink.must_have(&spec.name).await
}

pub(crate) async fn addresses(
    netlink: &Session<'_>,
    link: &LinkState,
    wanted: &[IpNet],
    changes: &mut Vec<Change>,
) -> Result<()> {
    let is = netlink.addresses(link).await?;
    let present: BTreeSet<IpNet> = is.iter().map(|assigned| assigned.address).collect();
    // The kernel takes the oldest address of a subnet as source. If the wanted first is not the oldest, start over.
    let first = |is_v4: bool| wanted.iter().find(|a| a.addr().is_ipv4() == is_v4);
    // One address alone is of the workload's own making: a virtual IP that it took (rule VIP-2). It stays.
    let own = |address: &IpNet| address.prefix_len() == address.max_prefix_len() && !wanted.contains(address);
    let counts = |a: &AssignedAddress| !a.link_local && !own(&a.address);
    let oldest = |is_v4: bool| is.iter().find(|a| a.address.addr().is_ipv4() == is_v4 && counts(a));
    let reorder = |is_v4: bool| first(is_v4).is_some() && first(is_v4) != oldest(is_v4).map(|a| &a.address);
    let (reorder_v4, reorder_v6) = (reorder(true), reorder(false));
    let mut kept = BTreeSet::new();
    for assigned in is {
        let address = assigned.address;
        let reorder = if address.addr().is_ipv4() { reorder_v4 } else { reorder_v6 };
        if assigned.link_local || own(&address) || (wanted.contains(&address) && !reorder) {
            kept.insert(address);
            continue;
        }
        netlink.delete_address(link, assigned).await?;
        if !wanted.contains(&address) {
            note(changes, Change::AddressRemoved { link: link.name.clone(), address });
        }
    }
    for &address in wanted.iter().filter(|address| !kept.contains(address)) {
        // Removing the first address of a subnet removes the others of that subnet too, so `kept` may be wrong: adding
        // what is there is harmless.
        netlink.add_address(link, address, AddressUse::Source).await?;
        if !present.contains(&address) {
            note(changes, Change::AddressAdded(address));
        }
    }
    // Those that went with another one.
    let now: BTreeSet<IpNet> = netlink.addresses(link).await?.iter().map(|assigned| assigned.address).collect();
    for &address in wanted.iter().filter(|address| !now.contains(address)) {
        netlink.add_address(link, address, AddressUse::Source).await?;
    }
    Ok(())
}

pub(crate) async fn default_routes(
    netlink: &Session<'_>,
    link: &LinkState,
    gateways: &[IpAddr],
    changes: &mut Vec<Change>,
) -> Result<()> {
    let mut right = BTreeSet::new();
    let mut wrong = Vec::new();
    for route in netlink.default_routes(link).await? {
        match route.gateway {
            Some(gateway) if route.onlink && gateways.contains(&gateway) => {
                right.insert(gateway);
            }
            _ => wrong.push(route),
        }
    }
    for route in wrong {
        let replaced = route.gateway.is_some_and(|old| gateways.iter().any(|new| new.is_ipv4() == old.is_ipv4()));
        netlink.delete_route(link, route).await?;
        if !replaced {
            note(changes, Change::DefaultRouteRemoved);
        }
    }
    for &gateway in gateways.iter().filter(|gateway| !right.contains(gateway)) {
        netlink.set_default_route(link, gateway).await?;
        note(changes, Change::DefaultRoute(gateway));
    }
    Ok(())
}

/// Makes address, MTU and state of a link right.
pub(crate) async fn align(
    netlink: &Session<'_>,
    link: &LinkState,
    mac: Mac,
    mtu: u32,
    switch_on: bool,
    changes: &mut Vec<Change>,
) -> Result<()> {
    let change = async |action, message: LinkMessage| netlink.change_link(action, &link.name, message).await;
    if link.mac != Some(mac) {
        change("set the address of", LinkUnspec::new_with_index(link.index).address(mac.to_vec()).build()).await?;
        note(changes, Change::Mac { link: link.name.clone(), mac });
    }
    if link.mtu != mtu {
        change("set the MTU of", LinkUnspec::new_with_index(link.index).mtu(mtu).build()).await?;
        note(changes, Change::Mtu { link: link.name.clone(), mtu });
    }
    if switch_on { up(netlink, link, changes).await } else { Ok(()) }
}

async fn up(netlink: &Session<'_>, link: &LinkState, changes: &mut Vec<Change>) -> Result<()> {
    if link.up {
        return Ok(());
    }
    netlink.change_link("switch on", &link.name, LinkUnspec::new_with_index(link.index).up().build()).await?;
    note(changes, Change::Up { link: link.name.clone() });
    Ok(())
}

/// On the thread of a session, which is in `namespace`.
pub(crate) fn no_ipv6(namespace: &Namespace, link: &str, off: bool, changes: &mut Vec<Change>) -> Result<()> {
    let path = format!("net/ipv6/conf/{link}/disable_ipv6");
    match write_here(namespace.label(), &path, if off { "1" } else { "0" }) {
        Ok(true) => note(changes, Change::Sysctl { path }),
        Ok(false) => {}
        // A kernel without IPv6 has nothing to switch off.
        Err(error) if error.is_not_found() && off => {}
        Err(error) => return Err(error),
    }
    Ok(())
}

/// Addresses and routes of the link are the ones in the specification, at once. Nothing is looked for (duplicates,
/// routers) and nothing is learned (routes and addresses of router advertisements, redirects): the control plane gives
/// the addresses out, and what the kernel added by itself would be removed as a stranger's on the next round.
///
/// On the thread of a session, which is in `namespace`. To be called before IPv6 is switched on.
pub(crate) fn static_ipv6(namespace: &Namespace, link: &str, changes: &mut Vec<Change>) -> Result<()> {
    for parameter in ["accept_dad", "accept_ra", "autoconf", "router_solicitations", "accept_redirects"] {
        let path = format!("net/ipv6/conf/{link}/{parameter}");
        if write_here(namespace.label(), &path, "0")? {
            note(changes, Change::Sysctl { path });
        }
    }
    Ok(())
}

/// Notes a repair; that all of a new pair is new needs no lines of its own.
pub(crate) fn note(changes: &mut Vec<Change>, change: Change) {
    if !matches!(changes.first(), Some(Change::Created | Change::Recreated)) {
        changes.push(change);
    }
}

#[cfg(test)]
mod tests;
