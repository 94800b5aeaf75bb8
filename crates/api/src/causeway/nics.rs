//! Extension interfaces of servers (rule NH-3): further ports, each one more interface of the workload.

use axum::Json;
use axum::extract::{Path, State as AxumState};
use axum::http::StatusCode;
use axum::response::Response;
use model::{Kind, PortId, ServerId};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::auth::Identity;
use crate::error::Problem;
use crate::extract::{Json as Body, id, path_id, required};
use crate::frame::Frame;
use crate::state::State;
use crate::wire::{PortBody, PortListBody, PortObject};

/// A port to attach.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct AttachRequest {
    /// Id of a free port in the server's VPC.
    port_id: Option<String>,
}

/// List the ports of a server, in the order of its interfaces `eth0`, `eth1`, …
#[utoipa::path(get, path = "/causeway/v1/servers/{id}/ports", tag = "Causeway", operation_id = "listServerPorts",
    responses((status = 200, body = PortListBody)))]
pub(crate) async fn list(
    AxumState(state): AxumState<State>,
    Path(server): Path<String>,
    identity: Identity,
    frame: Frame,
) -> Result<Json<PortListBody>, Problem> {
    let catalog = state.catalog();
    let server = control::server(&catalog, &identity.caller(), path_id(&frame, Kind::Server, &server)?)?;
    let ports = catalog.ports_of_server(server.id);
    let mut ports: Vec<_> = ports.filter(|port| !port.is_supplementary()).collect();
    ports.sort_by_key(|port| port.device_index);
    Ok(Json(PortListBody { ports: ports.into_iter().map(|port| PortObject::v1(&catalog, port)).collect() }))
}

/// Attach a free port of the server's VPC to it as one more interface. Answered when it can send and receive.
#[utoipa::path(post, path = "/causeway/v1/servers/{id}/ports", tag = "Causeway", operation_id = "attachPort",
    request_body = AttachRequest, responses((status = 200, body = PortBody)))]
pub(crate) async fn attach(
    AxumState(state): AxumState<State>,
    Path(server): Path<String>,
    identity: Identity,
    frame: Frame,
    Body(request): Body<AttachRequest>,
) -> Result<Response, Problem> {
    let server: ServerId = path_id(&frame, Kind::Server, &server)?;
    let port: PortId = id(&required(request.port_id, "port_id")?, "port_id")?;
    let done = state
        .commit(&identity.caller(), move |catalog, caller, ctx| {
            control::attach_port(catalog, caller, ctx, server, port)
        })
        .await?;
    Ok(done.reply(StatusCode::OK, |port, catalog| PortBody { port: PortObject::v1(catalog, port) }))
}

/// Detach a port that was attached; the port stays.
#[utoipa::path(delete, path = "/causeway/v1/servers/{id}/ports/{port_id}", tag = "Causeway",
    operation_id = "detachPort", responses((status = 204)))]
pub(crate) async fn detach(
    AxumState(state): AxumState<State>,
    Path((server, port)): Path<(String, String)>,
    identity: Identity,
    frame: Frame,
) -> Result<Response, Problem> {
    let server: ServerId = path_id(&frame, Kind::Server, &server)?;
    let port: PortId = path_id(&frame, Kind::Port, &port)?;
    let done = state
        .commit(&identity.caller(), move |catalog, caller, ctx| {
            control::detach_port(catalog, caller, ctx, server, port)
        })
        .await?;
    Ok(done.gone())
}
