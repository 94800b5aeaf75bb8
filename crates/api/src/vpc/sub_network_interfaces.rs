//! Supplementary network interfaces, v3 (api-vpc §11).

use std::net::IpAddr;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State as AxumState};
use axum::http::StatusCode;
use axum::response::Response;
use catalog::Catalog;
use control::{AttachSupplementary, Caller, Context, CreateSupplementary, Error, Outcome, PortIpv6, UpdatePort};
use model::{Kind, Port, PortId, TagCharacters};

use super::ports::{groups, pairs};
use crate::auth::Identity;
use crate::error::Problem;
use crate::extract::{Json as Body, id, ip, ipv4, path_id, required};
use crate::frame::Frame;
use crate::lenient::Number;
use crate::query::{Query, v3_page};
use crate::state::State;
use crate::wire::{
    AttachSubNetworkInterfaceRequest, MigrateRequest, SubNetworkInterface, SubNetworkInterfaceBatchRequest,
    SubNetworkInterfaceBody, SubNetworkInterfaceCount, SubNetworkInterfaceFields, SubNetworkInterfaceList,
    SubNetworkInterfaceRequest, SubNetworkInterfacesBody, new_tags, no_tags,
};

/// List supplementary network interfaces.
#[utoipa::path(get, path = "/v3/{project_id}/vpc/sub-network-interfaces", tag = "Sub network interfaces",
    operation_id = "listSubNetworkInterfaces",
    params(("id" = Option<Vec<String>>, Query), ("virsubnet_id" = Option<Vec<String>>, Query),
        ("private_ip_address" = Option<Vec<String>>, Query), ("mac_address" = Option<Vec<String>>, Query),
        ("vpc_id" = Option<Vec<String>>, Query), ("description" = Option<Vec<String>>, Query),
        ("parent_id" = Option<Vec<String>>, Query)),
    responses((status = 200, body = SubNetworkInterfaceList)))]
pub(crate) async fn list(
    AxumState(state): AxumState<State>,
    identity: Identity,
    frame: Frame,
    query: Query,
) -> Result<Json<SubNetworkInterfaceList>, Problem> {
    let ports = filtered(&state.catalog(), &identity.project_caller()?, &query);
    let (ports, page_info) = v3_page(&query, ports, |port| port.id.to_string())?;
    let sub_network_interfaces = ports.iter().map(|port| SubNetworkInterface::new(port)).collect();
    Ok(Json(SubNetworkInterfaceList { request_id: frame.request_id, sub_network_interfaces, page_info }))
}

/// Count supplementary network interfaces.
#[utoipa::path(get, path = "/v3/{project_id}/vpc/sub-network-interfaces/count", tag = "Sub network interfaces",
    operation_id = "countSubNetworkInterfaces", responses((status = 200, body = SubNetworkInterfaceCount)))]
pub(crate) async fn count(
    AxumState(state): AxumState<State>,
    identity: Identity,
    frame: Frame,
    query: Query,
) -> Result<Json<SubNetworkInterfaceCount>, Problem> {
    let sub_network_interfaces = filtered(&state.catalog(), &identity.project_caller()?, &query).len();
    Ok(Json(SubNetworkInterfaceCount { request_id: frame.request_id, sub_network_interfaces }))
}

/// Create a supplementary network interface.
#[utoipa::path(post, path = "/v3/{project_id}/vpc/sub-network-interfaces", tag = "Sub network interfaces",
    operation_id = "createSubNetworkInterface", request_body = SubNetworkInterfaceRequest,
    responses((status = 201, body = SubNetworkInterfaceBody), (status = 202, description = "Dry run: all is well")))]
pub(crate) async fn create(
    AxumState(state): AxumState<State>,
    identity: Identity,
    frame: Frame,
    Body(request): Body<SubNetworkInterfaceRequest>,
) -> Result<Response, Problem> {
    let new = new_interface(&identity, request.sub_network_interface)?;
    let use_case: UseCase<Port> =
        Box::new(move |catalog, caller, ctx| control::create_supplementary(catalog, caller, ctx, new.clone()));
    one(&state, &identity, frame, request.dry_run, StatusCode::CREATED, use_case).await
}

/// Create several supplementary network interfaces alike, all or none.
#[utoipa::path(post, path = "/v3/{project_id}/vpc/sub-network-interfaces/batch-create",
    tag = "Sub network interfaces", operation_id = "batchCreateSubNetworkInterfaces",
    request_body = SubNetworkInterfaceBatchRequest,
    responses((status = 201, body = SubNetworkInterfacesBody), (status = 202, description = "Dry run: all is well")))]
pub(crate) async fn create_batch(
    AxumState(state): AxumState<State>,
    identity: Identity,
    frame: Frame,
    Body(request): Body<SubNetworkInterfaceBatchRequest>,
) -> Result<Response, Problem> {
    let fields = request.sub_network_interface;
    for (given, name) in [
        (fields.vlan_id.is_some(), "vlan_id"),
        (fields.private_ip_address.is_some(), "private_ip_address"),
        (fields.ipv6_ip_address.is_some(), "ipv6_ip_address"),
    ] {
        if given {
            let text = format!("sub_network_interface.{name} cannot be given for several at once; leave it out");
            return Err(Problem::invalid(text));
        }
    }
    let new = new_interface(&identity, fields)?;
    let count = required(request.count, "count")?.0;
    let count = usize::try_from(count).unwrap_or(0);
    let use_case: UseCase<Vec<Port>> =
        Box::new(move |catalog, caller, ctx| control::create_supplementaries(catalog, caller, ctx, &new, count));
    several(&state, &identity, frame, request.dry_run, StatusCode::CREATED, use_case).await
}

/// Show a supplementary network interface.
#[utoipa::path(get, path = "/v3/{project_id}/vpc/sub-network-interfaces/{sub_network_interface_id}",
    tag = "Sub network interfaces", operation_id = "showSubNetworkInterface",
    responses((status = 200, body = SubNetworkInterfaceBody)))]
pub(crate) async fn show(
    AxumState(state): AxumState<State>,
    Path((_, port)): Path<(String, String)>,
    identity: Identity,
    frame: Frame,
) -> Result<Json<SubNetworkInterfaceBody>, Problem> {
    let id: PortId = path_id(&frame, Kind::Port, &port)?;
    let port = control::port(&state.catalog(), &identity.project_caller()?, id)?;
    if !port.is_supplementary() {
        return Err(Error::NotFound { kind: Kind::Port, id: id.to_string() }.into());
    }
    let sub_network_interface = SubNetworkInterface::new(&port);
    Ok(Json(SubNetworkInterfaceBody { request_id: frame.request_id, sub_network_interface }))
}

/// Change description, security groups or extra addresses of a supplementary network interface.
#[utoipa::path(put, path = "/v3/{project_id}/vpc/sub-network-interfaces/{sub_network_interface_id}",
    tag = "Sub network interfaces", operation_id = "updateSubNetworkInterface",
    request_body = SubNetworkInterfaceRequest,
    responses((status = 200, body = SubNetworkInterfaceBody), (status = 202, description = "Dry run: all is well")))]
pub(crate) async fn update(
    AxumState(state): AxumState<State>,
    Path((_, port)): Path<(String, String)>,
    identity: Identity,
    frame: Frame,
    Body(request): Body<SubNetworkInterfaceRequest>,
) -> Result<Response, Problem> {
    let port: PortId = path_id(&frame, Kind::Port, &port)?;
    let fields = request.sub_network_interface;
    for (given, name) in [
        (fields.virsubnet_id.is_some(), "virsubnet_id"),
        (fields.parent_id.is_some(), "parent_id"),
        (fields.vlan_id.is_some(), "vlan_id"),
        (fields.private_ip_address.is_some(), "private_ip_address"),
        (fields.ipv6_ip_address.is_some() || fields.ipv6_enable.is_some(), "ipv6_ip_address"),
    ] {
        if given {
            return Err(Problem::invalid(format!("sub_network_interface.{name} cannot be changed; leave it out")));
        }
    }
    no_tags(fields.tags.as_ref(), "sub_network_interface.tags")?;
    let update = UpdatePort {
        description: fields.description,
        security_groups: groups(fields.security_groups)?,
        allowed_address_pairs: fields.allowed_address_pairs.map(pairs).transpose()?,
        ..UpdatePort::default()
    };
    let use_case: UseCase<Port> =
        Box::new(move |catalog, caller, ctx| control::update_supplementary(catalog, caller, ctx, port, update.clone()));
    one(&state, &identity, frame, request.dry_run, StatusCode::OK, use_case).await
}

/// Delete a supplementary network interface.
#[utoipa::path(delete, path = "/v3/{project_id}/vpc/sub-network-interfaces/{sub_network_interface_id}",
    tag = "Sub network interfaces", operation_id = "deleteSubNetworkInterface", responses((status = 204)))]
pub(crate) async fn delete(
    AxumState(state): AxumState<State>,
    Path((_, port)): Path<(String, String)>,
    identity: Identity,
    frame: Frame,
) -> Result<Response, Problem> {
    let port: PortId = path_id(&frame, Kind::Port, &port)?;
    let caller = identity.project_caller()?;
    let done = state
        .commit(&caller, move |catalog, caller, ctx| control::delete_supplementary(catalog, caller, ctx, port))
        .await?;
    Ok(done.gone())
}

/// Attach a detached supplementary network interface to a port, with the lowest free VLAN.
#[utoipa::path(post, path = "/v3/{project_id}/vpc/sub-network-interfaces/{sub_network_interface_id}/attach",
    tag = "Sub network interfaces", operation_id = "attachSubNetworkInterface",
    request_body = AttachSubNetworkInterfaceRequest,
    responses((status = 200, body = SubNetworkInterfaceBody), (status = 202, description = "Dry run: all is well")))]
pub(crate) async fn attach(
    AxumState(state): AxumState<State>,
    Path((_, port)): Path<(String, String)>,
    identity: Identity,
    frame: Frame,
    Body(request): Body<AttachSubNetworkInterfaceRequest>,
) -> Result<Response, Problem> {
    let port: PortId = path_id(&frame, Kind::Port, &port)?;
    let fields = request.sub_network_interface;
    let attach = AttachSupplementary {
        parent: id(&required(fields.parent_id, "sub_network_interface.parent_id")?, "sub_network_interface.parent_id")?,
        security_groups: groups(fields.security_groups)?,
        security_enabled: fields.security_enabled,
    };
    let use_case: UseCase<Port> =
        Box::new(move |catalog, caller, ctx| control::attach_supplementary(catalog, caller, ctx, port, attach.clone()));
    one(&state, &identity, frame, request.dry_run, StatusCode::OK, use_case).await
}

/// Detach a supplementary network interface from its port; it stays.
#[utoipa::path(post, path = "/v3/{project_id}/vpc/sub-network-interfaces/{sub_network_interface_id}/detach",
    tag = "Sub network interfaces", operation_id = "detachSubNetworkInterface",
    responses((status = 200, body = SubNetworkInterfaceBody)))]
pub(crate) async fn detach(
    AxumState(state): AxumState<State>,
    Path((_, port)): Path<(String, String)>,
    identity: Identity,
    frame: Frame,
) -> Result<Response, Problem> {
    let port: PortId = path_id(&frame, Kind::Port, &port)?;
    let use_case: UseCase<Port> =
        Box::new(move |catalog, caller, ctx| control::detach_supplementary(catalog, caller, ctx, port));
    one(&state, &identity, frame, None, StatusCode::OK, use_case).await
}

/// Move supplementary network interfaces to another port, all or none.
#[utoipa::path(put, path = "/v3/{project_id}/vpc/sub-network-interfaces/migrate", tag = "Sub network interfaces",
    operation_id = "migrateSubNetworkInterfaces", request_body = MigrateRequest,
    responses((status = 200, body = SubNetworkInterfacesBody), (status = 202, description = "Dry run: all is well")))]
pub(crate) async fn migrate(
    AxumState(state): AxumState<State>,
    identity: Identity,
    frame: Frame,
    Body(request): Body<MigrateRequest>,
) -> Result<Response, Problem> {
    let info = request.migration_info;
    let parent: PortId = id(&required(info.parent_id, "migration_info.parent_id")?, "migration_info.parent_id")?;
    let moving = required(info.sub_network_interfaces, "migration_info.sub_network_interfaces")?;
    let interface = |moving: crate::wire::MovingInterface| {
        let name = "migration_info.sub_network_interfaces.id";
        Ok((id(&required(moving.id, name)?, name)?, vlan(moving.vlan_id)?))
    };
    let moving: Vec<(PortId, Option<u16>)> = moving.into_iter().map(interface).collect::<Result<_, Problem>>()?;
    let use_case: UseCase<Vec<Port>> =
        Box::new(move |catalog, caller, ctx| control::migrate_supplementaries(catalog, caller, ctx, parent, &moving));
    several(&state, &identity, frame, request.dry_run, StatusCode::OK, use_case).await
}

type UseCase<T> = Box<dyn FnMut(&Catalog, &Caller, &mut Context<'_>) -> Result<Outcome<T>, Error> + Send>;

async fn one(
    state: &State,
    identity: &Identity,
    frame: Frame,
    dry_run: Option<bool>,
    status: StatusCode,
    use_case: UseCase<Port>,
) -> Result<Response, Problem> {
    let caller = identity.project_caller()?;
    if dry_run == Some(true) {
        return state.rehearse(&caller, &frame, use_case);
    }
    let done = state.commit(&caller, use_case).await?;
    Ok(done.reply(status, |port, _| SubNetworkInterfaceBody {
        request_id: frame.request_id,
        sub_network_interface: SubNetworkInterface::new(port),
    }))
}

async fn several(
    state: &State,
    identity: &Identity,
    frame: Frame,
    dry_run: Option<bool>,
    status: StatusCode,
    use_case: UseCase<Vec<Port>>,
) -> Result<Response, Problem> {
    let caller = identity.project_caller()?;
    if dry_run == Some(true) {
        return state.rehearse(&caller, &frame, use_case);
    }
    let done = state.commit(&caller, use_case).await?;
    Ok(done.reply(status, |ports, _| SubNetworkInterfacesBody {
        request_id: frame.request_id,
        sub_network_interfaces: ports.iter().map(SubNetworkInterface::new).collect(),
    }))
}

fn filtered(catalog: &Catalog, caller: &Caller, query: &Query) -> Vec<Arc<Port>> {
    let ports = control::ports(catalog, caller).into_iter().filter(|port| port.is_supplementary());
    let wanted = ports.filter(|port| {
        let parent = port.parent().map(|parent| parent.port.to_string()).unwrap_or_default();
        query.any("id", port.id)
            && query.any("virsubnet_id", port.subnet)
            && query.any("private_ip_address", port.ipv4)
            && query.any("mac_address", port.mac)
            && query.any("vpc_id", port.vpc)
            && query.any("description", &port.description)
            && query.any("parent_id", &parent)
    });
    wanted.collect()
}

fn new_interface(identity: &Identity, fields: SubNetworkInterfaceFields) -> Result<CreateSupplementary, Problem> {
    let own = identity.project_caller()?.project.map(|project| project.to_string()).unwrap_or_default();
    if fields.project_id.is_some_and(|project| !project.is_empty() && project != own) {
        let text = "sub_network_interface.project_id: only the project of the call can be named";
        return Err(Error::NotAuthorized(text.to_owned()).into());
    }
    let subnet = required(fields.virsubnet_id, "sub_network_interface.virsubnet_id")?;
    let parent = required(fields.parent_id, "sub_network_interface.parent_id")?;
    let address = fields.private_ip_address.filter(|text| !text.is_empty());
    let given = fields.ipv6_ip_address.filter(|text| !text.is_empty());
    let given = given.map(|text| ip(&text, "sub_network_interface.ipv6_ip_address")).transpose()?;
    let ipv6 = match (given, fields.ipv6_enable.unwrap_or(false)) {
        (Some(IpAddr::V6(address)), _) => PortIpv6::Address(address),
        (Some(IpAddr::V4(address)), _) => {
            let text = format!("sub_network_interface.ipv6_ip_address: `{address}` is not an IPv6 address");
            return Err(Problem::invalid(text));
        }
        (None, true) => PortIpv6::Automatic,
        (None, false) => PortIpv6::None,
    };
    Ok(CreateSupplementary {
        subnet: id(&subnet, "sub_network_interface.virsubnet_id")?,
        parent: id(&parent, "sub_network_interface.parent_id")?,
        vlan: vlan(fields.vlan_id)?,
        description: fields.description.unwrap_or_default(),
        address: address.map(|text| ipv4(&text, "sub_network_interface.private_ip_address")).transpose()?,
        ipv6,
        security_groups: groups(fields.security_groups)?,
        allowed_address_pairs: pairs(fields.allowed_address_pairs.unwrap_or_default())?,
        tags: new_tags(fields.tags, TagCharacters::Text)?,
    })
}

/// A VLAN id; the use case says which ones there are.
fn vlan(number: Option<Number>) -> Result<Option<u16>, Problem> {
    let wrong = |_| Problem::invalid("vlan_id: 1 to 4094 is expected");
    number.map(|number| u16::try_from(number.0).map_err(wrong)).transpose()
}
