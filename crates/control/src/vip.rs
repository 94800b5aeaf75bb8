//! Virtual IPs: binding, and who holds them (rules VIP-1, VIP-3, VIP-7, CHK-5; api-vpc section 6.2).
//!
//! A virtual IP is a port that no server owns. Its bindings are addresses of other ports in its own address pairs, as
//! the API has it; its holder is the bound port that claimed it last.

use std::net::IpAddr;
use std::sync::Arc;

use catalog::Catalog;
use model::{AddressPair, Kind, Port, PortId, Record, ServerState};

use crate::port::own_port;
use crate::{Caller, Changes, Context, Error, Outcome, UpdatePort, update_port};

/// A virtual IP with the ports that it is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VipView {
    /// Its port.
    pub port: Arc<Port>,
    /// The ports that it is bound to, by address.
    pub bound: Vec<Arc<Port>>,
    /// The bound port that traffic goes to; `None` until one has claimed it (rule VIP-4).
    pub holder: Option<Arc<Port>>,
}

impl VipView {
    fn new(catalog: &Catalog, port: &Arc<Port>) -> Self {
        let bound: Vec<_> = catalog.bound_ports(port).cloned().collect();
        let holder = bound.iter().find(|bound| port.holder == Some(bound.id)).cloned();
        Self { port: Arc::clone(port), bound, holder }
    }
}

/// What became of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// The port is the holder of this virtual IP from now on.
    Moved(PortId),
    /// The port holds this virtual IP already.
    Held(PortId),
    /// The address is no virtual IP bound to the port, or the port's server does not run: nothing changes.
    Ignored,
}

/// A virtual IP that the caller sees.
///
/// # Errors
/// [`Error::NotFound`], also for a port that is no virtual IP.
pub fn vip(catalog: &Catalog, caller: &Caller, id: PortId) -> Result<VipView, Error> {
    let port = catalog.port(id).filter(|port| port.is_vip() && caller.sees(catalog, port.project));
    port.map(|port| VipView::new(catalog, port)).ok_or_else(|| Error::not_found(Kind::Port, id))
}

/// The virtual IPs that the caller sees, by id.
#[must_use]
pub fn vips(catalog: &Catalog, caller: &Caller) -> Vec<VipView> {
    let ports = crate::query::ports(catalog, caller);
    ports.iter().filter(|port| port.is_vip()).map(|port| VipView::new(catalog, port)).collect()
}

/// Binds a virtual IP to a port of its subnet and turns the port's source/destination check off, as the console does
/// (rule CHK-5); with `keep_check` the check stays as it is, as when the address pairs are written by the API. Bound
/// already: only the check is looked after.
///
/// # Errors
/// [`Error::NotFound`]; a port of another subnet or one that is itself a virtual IP; a second port for an IPv6 virtual
/// IP (rule VIP-7).
pub fn bind_vip(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    vip: PortId,
    port: PortId,
    keep_check: bool,
) -> Result<Outcome<Port>, Error> {
    let (vip, port) = (own_vip(catalog, caller, vip)?, own_port(catalog, caller, port)?);
    if port.is_vip() || port.subnet != vip.subnet {
        let reason = format!("{} is not a port of a server in subnet {} of the virtual IP", port.id, vip.subnet);
        return Err(Error::invalid("port_id", reason));
    }
    let mut changes = Changes::new();
    let mut bound = vip.clone();
    if !vip.bindings().any(|address| port.addresses().any(|own| own == address)) {
        let mut pairs = vip.allowed_address_pairs.clone();
        pairs.push(AddressPair::of(port.ipv4));
        let request = UpdatePort { allowed_address_pairs: Some(pairs), ..UpdatePort::default() };
        let outcome = update_port(catalog, caller, ctx, vip.id, request)?;
        bound = outcome.value;
        changes.merge(outcome.changes);
    }
    if port.source_dest_check && !keep_check {
        let request = UpdatePort { source_dest_check: Some(false), ..UpdatePort::default() };
        changes.merge(update_port(catalog, caller, ctx, port.id, request)?.changes);
    }
    Ok(Outcome::new(bound, changes))
}

/// Takes a virtual IP off a port; a holder loses it (rule VIP-4). The port's check stays as it is (rule CHK-5). Not
/// bound: nothing changes.
///
/// # Errors
/// [`Error::NotFound`].
pub fn unbind_vip(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    vip: PortId,
    port: PortId,
) -> Result<Outcome<Port>, Error> {
    let (vip, port) = (own_vip(catalog, caller, vip)?, own_port(catalog, caller, port)?);
    let mut changes = Changes::new();
    let Some(unbound) = without(vip, port) else { return Ok(Outcome::new(vip.clone(), changes)) };
    let unbound = Port { updated_at: ctx.now, ..unbound };
    changes.replace(catalog, unbound.clone());
    Ok(Outcome::new(unbound, changes))
}

/// A port has claimed an address with gratuitous ARP or an unsolicited neighbour advertisement: if that is a virtual IP
/// bound to it, it becomes the holder (rule VIP-3). No caller: the data plane has seen the frame.
///
/// # Errors
/// None of its own.
pub fn claim_vip(catalog: &Catalog, port: PortId, address: IpAddr) -> Result<Outcome<Claimed>, Error> {
    let mut changes = Changes::new();
    let claimed = match claimable_vip(catalog, port, address) {
        None => Claimed::Ignored,
        Some(vip) if vip.holder == Some(port) => Claimed::Held(vip.id),
        Some(vip) => {
            // The virtual IP's own record decides about binding and holder; its port must still be at a server that runs.
            changes.observe(catalog, Kind::Port, port);
            if let Some(server) = catalog.port(port).and_then(|port| port.server) {
                changes.observe(catalog, Kind::Server, server);
            }
            changes.replace(catalog, Port { holder: Some(port), ..Port::clone(vip) });
            Claimed::Moved(vip.id)
        }
    };
    Ok(Outcome::new(claimed, changes))
}

/// The virtual IP that a port may claim with this address: one bound to it, while its server runs.
#[must_use]
pub fn claimable_vip(catalog: &Catalog, port: PortId, address: IpAddr) -> Option<&Arc<Port>> {
    let port = catalog.port(port)?;
    let runs = catalog.server(port.server?).is_some_and(|server| server.state == ServerState::Running);
    let vip = catalog.vip_at(port.subnet, address)?;
    (runs && catalog.bound_ports(vip).any(|bound| bound.id == port.id)).then_some(vip)
}

/// New bindings of a virtual IP: each the address of a server's port in the same subnet (rule VIP-1), for an IPv6 one
/// only one port (rule VIP-7). A holder that is among them goes on; another one loses it.
pub(crate) fn with_bindings(
    catalog: &Catalog,
    vip: &Port,
    pairs: Vec<AddressPair>,
    changes: &mut Changes,
) -> Result<Port, Error> {
    for pair in &pairs {
        let at = |address| catalog.port_with(vip.subnet, address).filter(|port| !port.is_vip());
        let Some(port) = pair.address().and_then(at) else {
            let text: String = pair.ip_address.chars().take(64).collect();
            let reason = format!(
                "`{text}`: a virtual IP is bound to servers of its own subnet; the address of one of their ports is \
                 expected"
            );
            return Err(Error::invalid("allowed_address_pairs", reason));
        };
        // It cannot go while it is being bound: deletion takes it off the virtual IPs that it knows of.
        changes.share(Kind::Port, port.id);
    }
    let vip = Port { allowed_address_pairs: pairs, ..vip.clone() };
    let bound: Vec<PortId> = catalog.bound_ports(&vip).map(|port| port.id).collect();
    if vip.ipv6.is_some() && bound.len() > 1 {
        return Err(Error::invalid("allowed_address_pairs", "an IPv6 virtual IP is bound to one port only"));
    }
    // Without an IPv6 address of its own a port neither claims nor answers for one.
    let without = catalog.bound_ports(&vip).find(|port| vip.ipv6.is_some() && port.ipv6.is_none());
    if let Some(port) = without {
        let reason = format!("an IPv6 virtual IP is bound to a port with an IPv6 address; port {} has none", port.id);
        return Err(Error::invalid("allowed_address_pairs", reason));
    }
    let holder = vip.holder.filter(|holder| bound.contains(holder));
    Ok(Port { holder, ..vip })
}

/// Takes a port that goes away off every virtual IP: its address may be another server's tomorrow.
pub(crate) fn release(catalog: &Catalog, port: &Port, changes: &mut Changes) {
    for vip in catalog.vips_bound_to(port) {
        if let Some(unbound) = without(&latest(vip, changes), port) {
            changes.replace(catalog, unbound);
        }
    }
}

/// Takes the virtual IPs that a port holds away from it; they stay bound to it.
pub(crate) fn give_up(catalog: &Catalog, port: &Port, changes: &mut Changes) {
    for vip in catalog.vips_bound_to(port).filter(|vip| vip.holder == Some(port.id)) {
        let vip = latest(vip, changes);
        changes.replace(catalog, Port { holder: None, ..vip });
    }
}

/// A port as these changes have it already: several ports of one server may be bound to one virtual IP.
fn latest(port: &Port, changes: &Changes) -> Port {
    let changed = changes.puts().find_map(|record| match record {
        Record::Port(changed) if changed.id == port.id => Some(changed.clone()),
        _ => None,
    });
    changed.unwrap_or_else(|| port.clone())
}

/// The virtual IP without its binding to a port; `None` when it is not bound to it.
fn without(vip: &Port, port: &Port) -> Option<Port> {
    let mut unbound = vip.clone();
    let names = |pair: &AddressPair| pair.address().is_some_and(|address| port.addresses().any(|own| own == address));
    unbound.allowed_address_pairs.retain(|pair| !names(pair));
    if unbound.allowed_address_pairs.len() == vip.allowed_address_pairs.len() {
        return None;
    }
    unbound.holder = vip.holder.filter(|holder| *holder != port.id);
    Some(unbound)
}

fn own_vip<'a>(catalog: &'a Catalog, caller: &Caller, id: PortId) -> Result<&'a Port, Error> {
    let port = own_port(catalog, caller, id)?;
    if port.is_vip() { Ok(port) } else { Err(Error::not_found(Kind::Port, id)) }
}
