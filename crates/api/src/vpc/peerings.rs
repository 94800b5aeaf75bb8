//! Peering connections, v2.0 (api-vpc §1).

use axum::Json;
use axum::extract::{Path, State as AxumState};
use axum::http::StatusCode;
use axum::response::Response;
use control::{CreatePeering, UpdatePeering};
use model::{Kind, PeeringId, ProjectId};

use crate::auth::Identity;
use crate::error::Problem;
use crate::extract::{Json as Body, id, path_id, required};
use crate::frame::Frame;
use crate::query::{Query, v2_page};
use crate::state::State;
use crate::wire::{PeeringBody, PeeringList, PeeringObject, PeeringRequest};

/// List the peering connections with the caller's project on either side.
#[utoipa::path(get, path = "/v2.0/vpc/peerings", tag = "Peering connections", operation_id = "listVpcPeerings",
    params(("id" = Option<String>, Query), ("name" = Option<String>, Query), ("status" = Option<String>, Query),
        ("tenant_id" = Option<String>, Query), ("vpc_id" = Option<String>, Query)),
    responses((status = 200, body = PeeringList)))]
pub(crate) async fn list(
    AxumState(state): AxumState<State>,
    identity: Identity,
    frame: Frame,
    query: Query,
) -> Result<Json<PeeringList>, Problem> {
    let peerings: Vec<_> = control::peerings(&state.catalog(), &identity.project_caller()?)
        .into_iter()
        .filter(|peering| query.is("id", peering.id) && query.is("name", &peering.name))
        .filter(|peering| query.is("status", peering.status.as_str()))
        // Both filters match either side (clients §6, trap 4).
        .filter(|peering| {
            let projects = [peering.requester.project, peering.accepter.project];
            query.is_one_of("vpc_id", peering.vpcs()) && query.is_one_of("tenant_id", projects)
        })
        .collect();
    let (peerings, peerings_links) = v2_page(&query, &frame.url(), peerings, |peering| peering.id.to_string())?;
    let peerings = peerings.iter().map(|peering| PeeringObject::new(peering)).collect();
    Ok(Json(PeeringList { peerings, peerings_links }))
}

/// Ask for a peering connection. Between VPCs of one account it is active at once; another account has to accept it.
#[utoipa::path(post, path = "/v2.0/vpc/peerings", tag = "Peering connections", operation_id = "createVpcPeering",
    request_body = PeeringRequest, responses((status = 201, body = PeeringBody)))]
pub(crate) async fn create(
    AxumState(state): AxumState<State>,
    identity: Identity,
    Body(request): Body<PeeringRequest>,
) -> Result<Response, Problem> {
    let fields = request.peering;
    let local = required(fields.request_vpc_info, "peering.request_vpc_info")?;
    let peer = required(fields.accept_vpc_info, "peering.accept_vpc_info")?;
    let project = |text: Option<String>, name: &str| -> Result<Option<ProjectId>, Problem> {
        text.filter(|text| !text.is_empty()).map(|text| id(&text, name)).transpose()
    };
    let local_vpc = required(local.vpc_id, "peering.request_vpc_info.vpc_id")?;
    let peer_vpc = required(peer.vpc_id, "peering.accept_vpc_info.vpc_id")?;
    let request = CreatePeering {
        name: required(fields.name, "peering.name")?,
        description: fields.description.unwrap_or_default(),
        local_vpc: id(&local_vpc, "peering.request_vpc_info.vpc_id")?,
        local_project: project(local.tenant_id, "peering.request_vpc_info.tenant_id")?,
        peer_vpc: id(&peer_vpc, "peering.accept_vpc_info.vpc_id")?,
        peer_project: project(peer.tenant_id, "peering.accept_vpc_info.tenant_id")?,
    };
    let done = state
        .commit(&identity.project_caller()?, move |catalog, caller, ctx| {
            control::create_peering(catalog, caller, ctx, request.clone())
        })
        .await?;
    Ok(done.reply(StatusCode::CREATED, |peering, _| PeeringBody { peering: PeeringObject::new(peering) }))
}

/// Show a peering connection.
#[utoipa::path(get, path = "/v2.0/vpc/peerings/{peering_id}", tag = "Peering connections",
    operation_id = "showVpcPeering", responses((status = 200, body = PeeringBody)))]
pub(crate) async fn show(
    AxumState(state): AxumState<State>,
    Path(peering): Path<String>,
    identity: Identity,
    frame: Frame,
) -> Result<Json<PeeringBody>, Problem> {
    let peering: PeeringId = path_id(&frame, Kind::Peering, &peering)?;
    let view = control::peering(&state.catalog(), &identity.project_caller()?, peering)?;
    Ok(Json(PeeringBody { peering: PeeringObject::new(&view.peering) }))
}

/// Change a peering connection's name or description.
#[utoipa::path(put, path = "/v2.0/vpc/peerings/{peering_id}", tag = "Peering connections",
    operation_id = "updateVpcPeering", request_body = PeeringRequest, responses((status = 200, body = PeeringBody)))]
pub(crate) async fn update(
    AxumState(state): AxumState<State>,
    Path(peering): Path<String>,
    identity: Identity,
    frame: Frame,
    Body(request): Body<PeeringRequest>,
) -> Result<Response, Problem> {
    let peering: PeeringId = path_id(&frame, Kind::Peering, &peering)?;
    let request = UpdatePeering { name: request.peering.name, description: request.peering.description };
    let done = state
        .commit(&identity.project_caller()?, move |catalog, caller, ctx| {
            control::update_peering(catalog, caller, ctx, peering, request.clone())
        })
        .await?;
    Ok(done.reply(StatusCode::OK, |peering, _| PeeringBody { peering: PeeringObject::new(peering) }))
}

/// Accept a request. The answer is the bare object.
#[utoipa::path(put, path = "/v2.0/vpc/peerings/{peering_id}/accept", tag = "Peering connections",
    operation_id = "acceptVpcPeering", responses((status = 200, body = PeeringObject)))]
pub(crate) async fn accept(
    AxumState(state): AxumState<State>,
    Path(peering): Path<String>,
    identity: Identity,
    frame: Frame,
) -> Result<Response, Problem> {
    let peering: PeeringId = path_id(&frame, Kind::Peering, &peering)?;
    let done = state
        .commit(&identity.project_caller()?, move |catalog, caller, ctx| {
            control::accept_peering(catalog, caller, ctx, peering)
        })
        .await?;
    Ok(done.reply(StatusCode::OK, |peering, _| PeeringObject::new(peering)))
}

/// Reject a request. The answer is the bare object.
#[utoipa::path(put, path = "/v2.0/vpc/peerings/{peering_id}/reject", tag = "Peering connections",
    operation_id = "rejectVpcPeering", responses((status = 200, body = PeeringObject)))]
pub(crate) async fn reject(
    AxumState(state): AxumState<State>,
    Path(peering): Path<String>,
    identity: Identity,
    frame: Frame,
) -> Result<Response, Problem> {
    let peering: PeeringId = path_id(&frame, Kind::Peering, &peering)?;
    let done = state
        .commit(&identity.project_caller()?, move |catalog, caller, ctx| {
            control::reject_peering(catalog, caller, ctx, peering)
        })
        .await?;
    Ok(done.reply(StatusCode::OK, |peering, _| PeeringObject::new(peering)))
}

/// Delete a peering connection, in any state, with every route to it on both sides.
#[utoipa::path(delete, path = "/v2.0/vpc/peerings/{peering_id}", tag = "Peering connections",
    operation_id = "deleteVpcPeering", responses((status = 204)))]
pub(crate) async fn delete(
    AxumState(state): AxumState<State>,
    Path(peering): Path<String>,
    identity: Identity,
    frame: Frame,
) -> Result<Response, Problem> {
    let peering: PeeringId = path_id(&frame, Kind::Peering, &peering)?;
    let done = state
        .commit(&identity.project_caller()?, move |catalog, caller, ctx| {
            control::delete_peering(catalog, caller, ctx, peering)
        })
        .await?;
    Ok(done.gone())
}
