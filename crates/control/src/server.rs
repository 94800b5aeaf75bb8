//! Servers: workloads with a port (rule NH-9).

use catalog::Catalog;
use model::{Kind, Port, PortId, Server, ServerId, ServerKind, ServerState, VpcId, validate_name};

use crate::nic::detach;
use crate::port::{new_port, own_port, remove_port};
use crate::supplementary::{carry_along, unbind_all};
use crate::{Caller, Changes, Context, CreatePort, Error, Outcome};

/// A server to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateServer {
    /// 1 to 64 characters.
    pub name: String,
    /// What it is for.
    pub kind: ServerKind,
    /// The VPC that the call names; the port must be in it.
    pub vpc: Option<VpcId>,
    /// Its primary port.
    pub port: ServerPort,
    /// Availability zone; may be empty.
    pub availability_zone: String,
}

/// The primary port of a new server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerPort {
    /// One that is made with it.
    New(CreatePort),
    /// One that exists and that no server holds.
    Existing(PortId),
}

/// What to change of a server; `None` leaves a field as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateServer {
    /// New name.
    pub name: Option<String>,
}

/// Makes a server with its port, running.
///
/// # Errors
/// As for the port; a port of another VPC or with another server; name not well formed.
pub fn create_server(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    request: CreateServer,
) -> Result<Outcome<Server>, Error> {
    validate_name(&request.name)?;
    let id = ServerId::new(ctx.ids.uuid());
    let mut changes = Changes::new();
    let mut port = match request.port {
        ServerPort::New(port) => new_port(catalog, caller, ctx, port, Some(id), &mut changes)?,
        ServerPort::Existing(port) => free_port(catalog, caller, port)?.clone(),
    };
    if let Some(vpc) = request.vpc
        && port.vpc != vpc
    {
        return Err(Error::SubnetNotInVpc { subnet: port.subnet, vpc });
    }
    port.server = Some(id);
    port.device_owner = format!("compute:{}", request.availability_zone);
    port.updated_at = ctx.now;
    let server = Server {
        id,
        project: port.project,
        region: port.region.clone(),
        name: request.name,
        kind: request.kind,
        state: ServerState::Running,
        port: port.id,
        created_at: ctx.now,
        updated_at: ctx.now,
    };
    if catalog.port(port.id).is_some() {
        carry_along(catalog, ctx, &port, &mut changes);
        changes.replace(catalog, port);
    } else {
        changes.create(port);
    }
    changes.create(server.clone());
    Ok(Outcome::new(server, changes))
}

/// Changes a server's name.
///
/// # Errors
/// [`Error::NotFound`]; name not well formed.
pub fn update_server(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    id: ServerId,
    request: UpdateServer,
) -> Result<Outcome<Server>, Error> {
    let mut server = own_server(catalog, caller, id)?.clone();
    if let Some(name) = request.name {
        validate_name(&name)?;
        server.name = name;
    }
    server.updated_at = ctx.now;
    let mut changes = Changes::new();
    changes.replace(catalog, server.clone());
    Ok(Outcome::new(server, changes))
}

/// Lets a server run; one that runs goes on.
///
/// # Errors
/// [`Error::NotFound`].
pub fn start_server(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    id: ServerId,
) -> Result<Outcome<Server>, Error> {
    with_state(catalog, caller, ctx, id, ServerState::Running)
}

/// Stops a server; one that is stopped stays so. Routes to it keep matching and drop (rules NH-7, RT-12).
///
/// # Errors
/// [`Error::NotFound`].
pub fn stop_server(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    id: ServerId,
) -> Result<Outcome<Server>, Error> {
    with_state(catalog, caller, ctx, id, ServerState::Stopped)
}

/// Deletes a server with its primary port; ports that were attached to it are free again, and supplementary interfaces of
/// the primary port are detached.
///
/// # Errors
/// [`Error::NextHopInUse`] while a route names it or its primary port (rule NH-9).
pub fn delete_server(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    id: ServerId,
) -> Result<Outcome<()>, Error> {
    let server = own_server(catalog, caller, id)?;
    let routes: Vec<_> = catalog.routes_to_server(id).map(|route| route.destination).collect();
    if !routes.is_empty() {
        return Err(Error::NextHopInUse { kind: Kind::Server, id: id.to_string(), routes });
    }
    let mut changes = Changes::new();
    for port in catalog.ports_of_server(id).filter(|port| !port.is_supplementary()) {
        if port.id == server.port {
            unbind_all(catalog, ctx, port.id, &mut changes);
            remove_port(catalog, port, &mut changes)?;
        } else {
            detach(catalog, ctx, port, &mut changes);
        }
    }
    changes.delete(catalog, Kind::Server, id);
    Ok(Outcome::new((), changes))
}

fn with_state(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &Context<'_>,
    id: ServerId,
    state: ServerState,
) -> Result<Outcome<Server>, Error> {
    let server = own_server(catalog, caller, id)?;
    let mut changes = Changes::new();
    if server.state == state {
        return Ok(Outcome::new(server.clone(), changes));
    }
    let server = Server { state, updated_at: ctx.now, ..server.clone() };
    changes.replace(catalog, server.clone());
    Ok(Outcome::new(server, changes))
}

pub(crate) fn own_server<'a>(catalog: &'a Catalog, caller: &Caller, id: ServerId) -> Result<&'a Server, Error> {
    catalog
        .server(id)
        .filter(|server| caller.sees(catalog, server.project))
        .map(AsRef::as_ref)
        .ok_or_else(|| Error::not_found(Kind::Server, id))
}

pub(crate) fn free_port<'a>(catalog: &'a Catalog, caller: &Caller, id: PortId) -> Result<&'a Port, Error> {
    let port = own_port(catalog, caller, id)?;
    if let Some(server) = port.server.filter(|_| !port.is_supplementary()) {
        return Err(Error::PortInUse { port: id, server });
    }
    if port.is_vip() {
        return Err(Error::invalid("port_id", "a virtual IP cannot be a server's own port"));
    }
    if port.is_supplementary() {
        let reason = "a supplementary network interface is attached to a port, not to a server";
        return Err(Error::invalid("port_id", reason));
    }
    Ok(port)
}
