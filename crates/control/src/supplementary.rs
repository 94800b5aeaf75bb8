//! Supplementary network interfaces: ports whose frames are those of another port's interface with a VLAN tag (api-vpc
//! section 11).

use std::net::Ipv4Addr;

use catalog::Catalog;
use model::{
    AddressPair, Kind, ParentInterface, Port, PortId, SUPPLEMENTARY_OWNER, SecurityGroupId, SubnetId, Supplementary,
    Tags, VLANS, validate_description,
};

use crate::ipv6::PortIpv6;
use crate::port::{new_port, own_port, remove_port};
use crate::tags::within_limit;
use crate::vip::give_up;
use crate::{Caller, Changes, Context, CreatePort, Error, Outcome, UpdatePort, update_port};

/// As many are made by one call at most (limits).
pub const MAX_SUPPLEMENTARY_BATCH: usize = 20;

/// A supplementary network interface to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateSupplementary {
    /// Its subnet: any of the VPC that the parent is in.
    pub subnet: SubnetId,
    /// The port whose interface carries it.
    pub parent: PortId,
    /// VLAN of its frames, unique at the parent; the lowest free one with `None`.
    pub vlan: Option<u16>,
    /// At most 255 characters, without `<` and `>`.
    pub description: String,
    /// IPv4 address; the lowest free one when left out.
    pub address: Option<Ipv4Addr>,
    /// IPv6 address.
    pub ipv6: PortIpv6,
    /// Security groups in order; the project's default group when left out.
    pub security_groups: Option<Vec<SecurityGroupId>>,
    /// Extra addresses, as of any port.
    pub allowed_address_pairs: Vec<AddressPair>,
    /// Tags.
    pub tags: Tags,
}

/// Where to attach a supplementary interface, and what guards it there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachSupplementary {
    /// The port whose interface carries it.
    pub parent: PortId,
    /// New security groups; those that it has when left out.
    pub security_groups: Option<Vec<SecurityGroupId>>,
    /// Whether security groups and the checks against forged addresses apply; as it was when left out.
    pub security_enabled: Option<bool>,
}

/// Makes a supplementary network interface.
///
/// # Errors
/// As for a port; a parent that is none, of another VPC, a virtual IP or a supplementary interface itself;
/// [`Error::VlanInUse`]; a description that is not well formed.
pub fn create_supplementary(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    request: CreateSupplementary,
) -> Result<Outcome<Port>, Error> {
    validate_description(&request.description)?;
    within_limit(&request.tags, ctx.limits)?;
    let mut changes = Changes::new();
    let fields = CreatePort {
        address: request.address,
        ipv6: request.ipv6,
        security_groups: request.security_groups,
        allowed_address_pairs: request.allowed_address_pairs,
        device_owner: SUPPLEMENTARY_OWNER.to_owned(),
        ..CreatePort::new(request.subnet)
    };
    let mut port = new_port(catalog, caller, ctx, fields, None, &mut changes)?;
    port.description = request.description;
    port.tags = request.tags;
    bind(catalog, caller, &mut port, request.parent, request.vlan, &mut changes)?;
    changes.create(port.clone());
    Ok(Outcome::new(port, changes))
}

/// Makes several alike, each with the next free address and VLAN; all or none.
///
/// # Errors
/// A number that is not 1 to [`MAX_SUPPLEMENTARY_BATCH`]; as [`create_supplementary`].
pub fn create_supplementaries(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    request: &CreateSupplementary,
    count: usize,
) -> Result<Outcome<Vec<Port>>, Error> {
    if !(1..=MAX_SUPPLEMENTARY_BATCH).contains(&count) {
        return Err(Error::invalid("count", format!("1 to {MAX_SUPPLEMENTARY_BATCH} is expected")));
    }
    let mut changes = Changes::new();
    let mut made = Vec::with_capacity(count);
    let mut seen = catalog.clone();
    for _ in 0..count {
        let outcome = create_supplementary(&seen, caller, ctx, request.clone())?;
        let (after, _) = outcome.changes.preview(&seen).map_err(|error| Error::Unavailable(error.to_string()))?;
        seen = after;
        changes.merge(outcome.changes);
        made.push(outcome.value);
    }
    Ok(Outcome::new(made, changes))
}

/// Changes description, security groups or address pairs.
///
/// # Errors
/// [`Error::NotFound`]; as [`update_port`].
pub fn update_supplementary(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    id: PortId,
    request: UpdatePort,
) -> Result<Outcome<Port>, Error> {
    own_supplementary(catalog, caller, id)?;
    update_port(catalog, caller, ctx, id, request)
}

/// Deletes one, attached or not.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::NextHopInUse`] while a route names it (rule NH-9).
pub fn delete_supplementary(
    catalog: &Catalog,
    caller: &Caller,
    _ctx: &mut Context<'_>,
    id: PortId,
) -> Result<Outcome<()>, Error> {
    let port = own_supplementary(catalog, caller, id)?;
    let mut changes = Changes::new();
    remove_port(catalog, port, &mut changes)?;
    Ok(Outcome::new((), changes))
}

/// Attaches one that is detached, with the lowest free VLAN.
///
/// # Errors
/// [`Error::NotFound`]; one that is attached; a parent as in [`create_supplementary`]; security groups as in
/// [`update_port`].
pub fn attach_supplementary(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    id: PortId,
    request: AttachSupplementary,
) -> Result<Outcome<Port>, Error> {
    if let Some(parent) = own_supplementary(catalog, caller, id)?.parent() {
        let reason = format!("{id} is attached to port {} already; detach it first", parent.port);
        return Err(Error::invalid("sub_network_interface_id", reason));
    }
    let fields = UpdatePort {
        security_groups: request.security_groups,
        port_security_enabled: request.security_enabled,
        ..UpdatePort::default()
    };
    let Outcome { value: mut port, mut changes, .. } = update_port(catalog, caller, ctx, id, fields)?;
    bind(catalog, caller, &mut port, request.parent, None, &mut changes)?;
    changes.replace(catalog, port.clone());
    Ok(Outcome::new(port, changes))
}

/// Detaches one; it keeps addresses, groups and id. Routes that name it stay and drop (rule NH-7). Detached already:
/// nothing changes.
///
/// # Errors
/// [`Error::NotFound`].
pub fn detach_supplementary(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    id: PortId,
) -> Result<Outcome<Port>, Error> {
    let port = own_supplementary(catalog, caller, id)?;
    let mut changes = Changes::new();
    if port.parent().is_none() {
        return Ok(Outcome::new(port.clone(), changes));
    }
    let free = unbound(catalog, ctx, port, &mut changes);
    Ok(Outcome::new(free, changes))
}

/// Moves several to another parent at once; all or none. Each keeps its VLAN unless another is given.
///
/// # Errors
/// No interface or one twice; [`Error::NotFound`]; a parent as in [`create_supplementary`]; [`Error::VlanInUse`].
pub fn migrate_supplementaries(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    parent: PortId,
    interfaces: &[(PortId, Option<u16>)],
) -> Result<Outcome<Vec<Port>>, Error> {
    if interfaces.is_empty() {
        return Err(Error::invalid("sub_network_interfaces", "at least one is expected"));
    }
    let mut changes = Changes::new();
    let mut moved = Vec::with_capacity(interfaces.len());
    let mut seen = catalog.clone();
    for (place, (id, vlan)) in interfaces.iter().enumerate() {
        if interfaces[..place].iter().any(|(other, _)| other == id) {
            return Err(Error::invalid("sub_network_interfaces", format!("{id} is given twice")));
        }
        let mut port = own_supplementary(&seen, caller, *id)?.clone();
        let mut step = Changes::new();
        give_up(&seen, &port, &mut step);
        let vlan = vlan.or(port.parent().map(|parent| parent.vlan));
        bind(&seen, caller, &mut port, parent, vlan, &mut step)?;
        port.updated_at = ctx.now;
        step.replace(&seen, port.clone());
        let (after, _) = step.preview(&seen).map_err(|error| Error::Unavailable(error.to_string()))?;
        seen = after;
        changes.merge(step);
        moved.push(port);
    }
    Ok(Outcome::new(moved, changes))
}

/// Attaches an interface to a port, and with it to the server that has that.
fn bind(
    catalog: &Catalog,
    caller: &Caller,
    port: &mut Port,
    parent: PortId,
    vlan: Option<u16>,
    changes: &mut Changes,
) -> Result<(), Error> {
    let carrier = own_port(catalog, caller, parent)?;
    if carrier.is_vip() || carrier.is_supplementary() {
        let what = if carrier.is_vip() { "a virtual IP" } else { "a supplementary network interface itself" };
        return Err(Error::invalid("parent_id", format!("port {parent} is {what}; name the port of an interface")));
    }
    if carrier.vpc != port.vpc {
        let reason = format!("port {parent} is not in VPC {} of the subnet", port.vpc);
        return Err(Error::invalid("parent_id", reason));
    }
    let vlan = match vlan {
        Some(vlan) if !VLANS.contains(&vlan) => {
            return Err(Error::invalid("vlan_id", format!("{} to {} is expected", VLANS.start(), VLANS.end())));
        }
        Some(vlan) => match holder(catalog, parent, vlan) {
            Some(other) if other != port.id => return Err(Error::VlanInUse { parent, vlan, interface: other }),
            _ => vlan,
        },
        None => {
            let free = VLANS.into_iter().find(|vlan| holder(catalog, parent, *vlan).is_none());
            free.ok_or(Error::Exhausted { what: "VLAN at the port" })?
        }
    };
    // Two at once must not get the same VLAN, and the port must not go or change its server meanwhile.
    changes.lock(catalog, Kind::Port, parent);
    port.supplementary = Some(Supplementary { parent: Some(ParentInterface { port: parent, vlan }) });
    port.server = carrier.server;
    port.device_index = carrier.device_index;
    Ok(())
}

/// Who has a VLAN of a port.
fn holder(catalog: &Catalog, parent: PortId, vlan: u16) -> Option<PortId> {
    let with_vlan = |port: &&std::sync::Arc<Port>| port.parent().is_some_and(|parent| parent.vlan == vlan);
    catalog.supplementary_ports_of(parent).find(with_vlan).map(|port| port.id)
}

/// Lets the interfaces that a port carries follow it to its server, or off it.
pub(crate) fn carry_along(catalog: &Catalog, ctx: &Context<'_>, carrier: &Port, changes: &mut Changes) {
    for port in catalog.supplementary_ports_of(carrier.id) {
        let moved = Port {
            server: carrier.server,
            device_index: carrier.device_index,
            updated_at: ctx.now,
            ..Port::clone(port)
        };
        if carrier.server.is_none() {
            give_up(catalog, port, changes);
        }
        changes.replace(catalog, moved);
    }
}

/// Detaches all interfaces that a port carries.
pub(crate) fn unbind_all(catalog: &Catalog, ctx: &Context<'_>, carrier: PortId, changes: &mut Changes) {
    for port in catalog.supplementary_ports_of(carrier) {
        unbound(catalog, ctx, port, changes);
    }
}

fn unbound(catalog: &Catalog, ctx: &Context<'_>, port: &Port, changes: &mut Changes) -> Port {
    let free = Port {
        server: None,
        device_index: 0,
        supplementary: Some(Supplementary { parent: None }),
        updated_at: ctx.now,
        ..port.clone()
    };
    changes.replace(catalog, free.clone());
    give_up(catalog, port, changes);
    free
}

/// The supplementary interface, if the caller may change it.
fn own_supplementary<'a>(catalog: &'a Catalog, caller: &Caller, id: PortId) -> Result<&'a Port, Error> {
    own_port(catalog, caller, id)
        .ok()
        .filter(|port| port.is_supplementary())
        .ok_or_else(|| Error::not_found(Kind::Port, id))
}
