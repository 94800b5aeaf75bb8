//! Ports, v3: read, and the order of their security groups (api-vpc §6.4).

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State as AxumState};
use axum::http::StatusCode;
use axum::response::Response;
use catalog::Catalog;
use control::{Caller, Context, Error, Outcome};
use model::{Kind, Port, PortId};

use super::ports::groups;
use crate::auth::Identity;
use crate::error::Problem;
use crate::extract::{Json as Body, path_id, required};
use crate::frame::Frame;
use crate::query::{Query, v3_page};
use crate::state::State;
use crate::wire::{InsertGroupsRequest, PortBodyV3, PortListV3, PortV3, RemoveGroupsRequest, pairs, port_status};

/// List ports.
#[utoipa::path(get, path = "/v3/{project_id}/ports", tag = "Ports", operation_id = "listPortsV3",
    params(("id" = Option<Vec<String>>, Query), ("name" = Option<Vec<String>>, Query),
        ("admin_state_up" = Option<bool>, Query), ("status" = Option<String>, Query),
        ("virsubnet_id" = Option<Vec<String>>, Query), ("vpc_id" = Option<Vec<String>>, Query),
        ("device_id" = Option<Vec<String>>, Query), ("device_owner" = Option<Vec<String>>, Query),
        ("device_owner_prefixlike" = Option<String>, Query), ("mac_address" = Option<Vec<String>>, Query),
        ("description" = Option<Vec<String>>, Query), ("private_ips" = Option<Vec<String>>, Query),
        ("security_groups" = Option<Vec<String>>, Query), ("allowed_address_pairs" = Option<Vec<String>>, Query),
        ("binding:host_id" = Option<Vec<String>>, Query), ("instance_id" = Option<String>, Query),
        ("instance_type" = Option<String>, Query)),
    responses((status = 200, body = PortListV3)))]
pub(crate) async fn list(
    AxumState(state): AxumState<State>,
    identity: Identity,
    frame: Frame,
    query: Query,
) -> Result<Json<PortListV3>, Problem> {
    let catalog = state.catalog();
    let ports = filtered(&catalog, &identity.project_caller()?, &query);
    let (ports, page_info) = v3_page(&query, ports, |port| port.id.to_string())?;
    let ports = ports.iter().map(|port| PortV3::new(&catalog, port)).collect();
    Ok(Json(PortListV3 { request_id: frame.request_id, ports, page_info }))
}

/// Show a port.
#[utoipa::path(get, path = "/v3/{project_id}/ports/{port_id}", tag = "Ports", operation_id = "showPortV3",
    responses((status = 200, body = PortBodyV3)))]
pub(crate) async fn show(
    AxumState(state): AxumState<State>,
    Path((_, port)): Path<(String, String)>,
    identity: Identity,
    frame: Frame,
) -> Result<Json<PortBodyV3>, Problem> {
    let catalog = state.catalog();
    let port = control::port(&catalog, &identity.project_caller()?, path_id(&frame, Kind::Port, &port)?)?;
    Ok(Json(PortBodyV3 { request_id: frame.request_id, port: PortV3::new(&catalog, &port) }))
}

/// Put security groups among those of a port.
#[utoipa::path(put, path = "/v3/{project_id}/ports/{port_id}/insert-security-groups", tag = "Ports",
    operation_id = "insertPortSecurityGroups", request_body = InsertGroupsRequest,
    responses((status = 200, body = PortBodyV3), (status = 202, description = "Dry run: all is well")))]
pub(crate) async fn insert_security_groups(
    AxumState(state): AxumState<State>,
    Path((_, port)): Path<(String, String)>,
    identity: Identity,
    frame: Frame,
    Body(request): Body<InsertGroupsRequest>,
) -> Result<Response, Problem> {
    let port: PortId = path_id(&frame, Kind::Port, &port)?;
    let added = required(groups(request.port.security_groups)?, "port.security_groups")?;
    if added.is_empty() {
        return Err(Problem::invalid("port.security_groups: at least one security group is expected"));
    }
    let index = request.port.index.map(|index| usize::try_from(index.0)).transpose();
    let index = index.map_err(|_| Problem::invalid("port.index: a place from 0 is expected"))?;
    let use_case: UseCase =
        Box::new(move |catalog, caller, ctx| control::insert_port_groups(catalog, caller, ctx, port, &added, index));
    carry_out(&state, &identity, frame, request.dry_run, use_case).await
}

/// Take security groups off a port, which keeps at least one.
#[utoipa::path(put, path = "/v3/{project_id}/ports/{port_id}/remove-security-groups", tag = "Ports",
    operation_id = "removePortSecurityGroups", request_body = RemoveGroupsRequest,
    responses((status = 200, body = PortBodyV3), (status = 202, description = "Dry run: all is well")))]
pub(crate) async fn remove_security_groups(
    AxumState(state): AxumState<State>,
    Path((_, port)): Path<(String, String)>,
    identity: Identity,
    frame: Frame,
    Body(request): Body<RemoveGroupsRequest>,
) -> Result<Response, Problem> {
    let port: PortId = path_id(&frame, Kind::Port, &port)?;
    let removed = required(groups(request.port.security_groups)?, "port.security_groups")?;
    if removed.is_empty() {
        return Err(Problem::invalid("port.security_groups: at least one security group is expected"));
    }
    let use_case: UseCase =
        Box::new(move |catalog, caller, ctx| control::remove_port_groups(catalog, caller, ctx, port, &removed));
    carry_out(&state, &identity, frame, request.dry_run, use_case).await
}

type UseCase = Box<dyn FnMut(&Catalog, &Caller, &mut Context<'_>) -> Result<Outcome<Port>, Error> + Send>;

async fn carry_out(
    state: &State,
    identity: &Identity,
    frame: Frame,
    dry_run: Option<bool>,
    use_case: UseCase,
) -> Result<Response, Problem> {
    let caller = identity.project_caller()?;
    if dry_run == Some(true) {
        return state.rehearse(&caller, &frame, use_case);
    }
    let done = state.commit(&caller, use_case).await?;
    Ok(done.reply(StatusCode::OK, |port, catalog| PortBodyV3 {
        request_id: frame.request_id,
        port: PortV3::new(catalog, port),
    }))
}

fn filtered(catalog: &Catalog, caller: &Caller, query: &Query) -> Vec<Arc<Port>> {
    let ports = control::ports(catalog, caller).into_iter().filter(|port| {
        let device = port.server.map(|server| server.to_string()).unwrap_or_default();
        let groups: Vec<String> = port.security_groups.iter().map(ToString::to_string).collect();
        query.any("id", port.id)
            && query.any("name", &port.name)
            && query.flag("admin_state_up", true)
            && query.is("status", port_status(catalog, port))
            && query.any("virsubnet_id", port.subnet)
            && query.any("vpc_id", port.vpc)
            && query.any("device_id", &device)
            && query.any("device_owner", &port.device_owner)
            && query.one("device_owner_prefixlike").is_none_or(|prefix| port.device_owner.starts_with(prefix))
            && query.any("mac_address", port.mac)
            && query.any("description", &port.description)
            && ["binding:host_id", "instance_id", "instance_type"].iter().all(|name| query.any(name, ""))
            && query.any_holds("security_groups", |wanted| groups.iter().any(|group| group == wanted))
            && query.any_holds("private_ips", |wanted| has_address(catalog, port, wanted))
            && query.any_holds("allowed_address_pairs", |wanted| has_pair(port, wanted))
    });
    ports.collect()
}

/// `ip_address=<ip>` or `subnet_cidr_id=<id>`.
fn has_address(catalog: &Catalog, port: &Port, wanted: &str) -> bool {
    match wanted.split_once('=') {
        Some(("ip_address", address)) => port.addresses().any(|own| own.to_string() == address),
        Some(("subnet_cidr_id", id)) => catalog.subnet(port.subnet).is_some_and(|subnet| {
            let v6 = subnet.ipv6.filter(|_| port.ipv6.is_some()).map(|v6| v6.neutron_subnet_id);
            [Some(subnet.neutron_subnet_id), v6].into_iter().flatten().any(|neutron| neutron.to_string() == id)
        }),
        _ => false,
    }
}

/// `ip_address=<ip>` or `mac_address=<mac>`.
fn has_pair(port: &Port, wanted: &str) -> bool {
    let same = |shown: &Option<String>, wanted: &str| shown.as_deref() == Some(wanted);
    match wanted.split_once('=') {
        Some(("ip_address", address)) => pairs(port).iter().any(|pair| same(&pair.ip_address, address)),
        Some(("mac_address", mac)) => pairs(port).iter().any(|pair| same(&pair.mac_address, mac)),
        _ => false,
    }
}
