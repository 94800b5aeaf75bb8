//! Extension interfaces: further ports of a server (rule NH-3).

use catalog::Catalog;
use model::{Kind, Port, PortId, ServerId};

use crate::port::own_port;
use crate::server::{free_port, own_server};
use crate::supplementary::carry_along;
use crate::vip::give_up;
use crate::{Caller, Changes, Context, Error, Outcome};

/// Attaches a free port of the server's VPC to it as one more interface. Attached to it already: nothing changes.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::PortInUse`] by another server; a virtual IP; a port of another VPC; [`Error::Exhausted`]
/// when the server has 256 interfaces.
pub fn attach_port(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    server: ServerId,
    port: PortId,
) -> Result<Outcome<Port>, Error> {
    let server = own_server(catalog, caller, server)?;
    let mut changes = Changes::new();
    let wanted = own_port(catalog, caller, port)?;
    if wanted.server == Some(server.id) && !wanted.is_supplementary() {
        return Ok(Outcome::new(wanted.clone(), changes));
    }
    let port = free_port(catalog, caller, port)?;
    let primary = catalog.port(server.port).ok_or_else(|| Error::not_found(Kind::Port, server.port))?;
    if port.vpc != primary.vpc {
        let reason = format!("port {} is not in VPC {} of the server", port.id, primary.vpc);
        return Err(Error::invalid("port_id", reason));
    }
    let used = |index: u8| catalog.ports_of_server(server.id).any(|port| port.device_index == index);
    let index = (1..=u8::MAX).find(|index| !used(*index));
    let port = Port {
        server: Some(server.id),
        device_owner: primary.device_owner.clone(),
        device_index: index.ok_or(Error::Exhausted { what: "interfaces of the server" })?,
        updated_at: ctx.now,
        ..port.clone()
    };
    // Two ports at once must not get the same index.
    changes.lock(catalog, Kind::Server, server.id);
    carry_along(catalog, ctx, &port, &mut changes);
    changes.replace(catalog, port.clone());
    Ok(Outcome::new(port, changes))
}

/// Detaches an extension interface; the port stays. Routes that name it stay too and drop (rule NH-7).
///
/// # Errors
/// [`Error::NotFound`], also for a port that is not the server's; the server's primary port.
pub fn detach_port(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    server: ServerId,
    port: PortId,
) -> Result<Outcome<Port>, Error> {
    let server = own_server(catalog, caller, server)?;
    let port = own_port(catalog, caller, port)?;
    if port.server != Some(server.id) || port.is_supplementary() {
        return Err(Error::not_found(Kind::Port, port.id));
    }
    if server.port == port.id {
        return Err(Error::invalid("port_id", "the primary port of a server goes with the server"));
    }
    let mut changes = Changes::new();
    let port = detach(catalog, ctx, port, &mut changes);
    Ok(Outcome::new(port, changes))
}

/// Takes a port off its server; virtual IPs that it holds have no holder any more (rule VIP-4).
pub(crate) fn detach(catalog: &Catalog, ctx: &Context<'_>, port: &Port, changes: &mut Changes) -> Port {
    let free = Port { server: None, device_owner: String::new(), device_index: 0, updated_at: ctx.now, ..port.clone() };
    changes.replace(catalog, free.clone());
    give_up(catalog, port, changes);
    carry_along(catalog, ctx, &free, changes);
    free
}
