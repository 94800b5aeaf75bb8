//! VPCs, v1 and v3 (api-vpc §4).

use axum::Json;
use axum::extract::{Path, State as AxumState};
use axum::http::StatusCode;
use axum::response::Response;
use control::{CreateVpc, UpdateVpc};
use ipnet::Ipv4Net;
use model::{EdgeSiteId, Kind, TagCharacters, Vpc, VpcId};

use crate::auth::Identity;
use crate::error::Problem;
use crate::extract::{Json as Body, cidr, path_id, required, unavailable};
use crate::frame::Frame;
use crate::query::{Query, v1_page, v3_page};
use crate::state::{Done, State};
use crate::vpc::tags::tag_filter;
use crate::wire::{
    ExtendCidrRequest, VpcBody, VpcBodyV3, VpcFields, VpcListBody, VpcListV3, VpcRequest, VpcRequestV3, VpcV1, VpcV3,
    new_tags, no_tags,
};

/// List VPCs.
#[utoipa::path(get, path = "/v1/{project_id}/vpcs", tag = "VPCs", operation_id = "listVpcs",
    params(("id" = Option<String>, Query), ("enterprise_project_id" = Option<String>, Query),
        ("tags" = Option<String>, Query), ("tags-any" = Option<String>, Query), ("not-tags" = Option<String>, Query),
        ("not-tags-any" = Option<String>, Query)),
    responses((status = 200, body = VpcListBody)))]
pub(crate) async fn list(
    AxumState(state): AxumState<State>,
    identity: Identity,
    query: Query,
) -> Result<Json<VpcListBody>, Problem> {
    let catalog = state.catalog();
    let tags = tag_filter(&query);
    let vpcs: Vec<VpcV1> = control::vpcs(&catalog, &identity.project_caller()?)
        .iter()
        .filter(|vpc| query.is("id", vpc.id) && query.enterprise(&vpc.enterprise_project_id))
        .filter(|vpc| tags.passes(&vpc.tags))
        .map(|vpc| VpcV1::new(vpc))
        .collect();
    Ok(Json(VpcListBody { vpcs: v1_page(&query, vpcs, |vpc| vpc.id.clone())? }))
}

/// Create a VPC with its default route table.
#[utoipa::path(post, path = "/v1/{project_id}/vpcs", tag = "VPCs", operation_id = "createVpc",
    request_body = VpcRequest, responses((status = 200, body = VpcBody)))]
pub(crate) async fn create(
    AxumState(state): AxumState<State>,
    identity: Identity,
    Body(request): Body<VpcRequest>,
) -> Result<Response, Problem> {
    let request = new_vpc(request.vpc, TagCharacters::Letters)?;
    let done = state
        .commit(&identity.project_caller()?, move |catalog, caller, ctx| {
            control::create_vpc(catalog, caller, ctx, request.clone())
        })
        .await?;
    Ok(done.reply(StatusCode::OK, |vpc, _| VpcBody { vpc: VpcV1::new(vpc) }))
}

/// Show a VPC.
#[utoipa::path(get, path = "/v1/{project_id}/vpcs/{vpc_id}", tag = "VPCs", operation_id = "showVpc",
    responses((status = 200, body = VpcBody)))]
pub(crate) async fn show(
    AxumState(state): AxumState<State>,
    Path((_, id)): Path<(String, String)>,
    identity: Identity,
    frame: Frame,
) -> Result<Json<VpcBody>, Problem> {
    let id: VpcId = path_id(&frame, Kind::Vpc, &id)?;
    let vpc = control::vpc(&state.catalog(), &identity.project_caller()?, id)?;
    Ok(Json(VpcBody { vpc: VpcV1::new(&vpc) }))
}

/// Change a VPC's name, description, primary range or switches.
#[utoipa::path(put, path = "/v1/{project_id}/vpcs/{vpc_id}", tag = "VPCs", operation_id = "updateVpc",
    request_body = VpcRequest, responses((status = 200, body = VpcBody)))]
pub(crate) async fn update(
    AxumState(state): AxumState<State>,
    Path((_, id)): Path<(String, String)>,
    identity: Identity,
    frame: Frame,
    Body(request): Body<VpcRequest>,
) -> Result<Response, Problem> {
    let id: VpcId = path_id(&frame, Kind::Vpc, &id)?;
    let request = changed_vpc(request.vpc, true)?;
    let done = change(&state, &identity, id, request).await?;
    Ok(done.reply(StatusCode::OK, |vpc, _| VpcBody { vpc: VpcV1::new(vpc) }))
}

/// Delete a VPC that is not in use.
#[utoipa::path(delete, path = "/v1/{project_id}/vpcs/{vpc_id}", tag = "VPCs", operation_id = "deleteVpc",
    responses((status = 204)))]
pub(crate) async fn delete(
    AxumState(state): AxumState<State>,
    Path((_, id)): Path<(String, String)>,
    identity: Identity,
    frame: Frame,
) -> Result<Response, Problem> {
    remove(&state, &identity, path_id(&frame, Kind::Vpc, &id)?).await
}

/// List VPCs.
#[utoipa::path(get, path = "/v3/{project_id}/vpc/vpcs", tag = "VPCs", operation_id = "listVpcsV3",
    params(("id" = Option<String>, Query), ("name" = Option<String>, Query), ("description" = Option<String>, Query),
        ("cidr" = Option<String>, Query), ("enterprise_project_id" = Option<String>, Query)),
    responses((status = 200, body = VpcListV3)))]
pub(crate) async fn list_v3(
    AxumState(state): AxumState<State>,
    identity: Identity,
    frame: Frame,
    query: Query,
) -> Result<Json<VpcListV3>, Problem> {
    let catalog = state.catalog();
    let vpcs: Vec<_> = control::vpcs(&catalog, &identity.project_caller()?)
        .into_iter()
        .filter(|vpc| query.any("id", vpc.id) && query.any("name", &vpc.name))
        .filter(|vpc| query.any("description", &vpc.description) && query.enterprise(&vpc.enterprise_project_id))
        .filter(|vpc| query.any("cidr", vpc.cidr.map(|cidr| cidr.to_string()).unwrap_or_default()))
        .collect();
    let (vpcs, page_info) = v3_page(&query, vpcs, |vpc| vpc.id.to_string())?;
    let vpcs = vpcs.iter().map(|vpc| VpcV3::new(&catalog, vpc)).collect();
    Ok(Json(VpcListV3 { request_id: frame.request_id, vpcs, page_info }))
}

/// Create a VPC with its default route table.
#[utoipa::path(post, path = "/v3/{project_id}/vpc/vpcs", tag = "VPCs", operation_id = "createVpcV3",
    request_body = VpcRequestV3,
    responses((status = 201, body = VpcBodyV3), (status = 202, description = "Dry run: all is well")))]
pub(crate) async fn create_v3(
    AxumState(state): AxumState<State>,
    identity: Identity,
    frame: Frame,
    Body(body): Body<VpcRequestV3>,
) -> Result<Response, Problem> {
    let request = new_vpc(body.vpc, TagCharacters::Text)?;
    let caller = identity.project_caller()?;
    let create = move |catalog: &_, caller: &_, ctx: &mut control::Context<'_>| {
        control::create_vpc(catalog, caller, ctx, request.clone())
    };
    if body.dry_run == Some(true) {
        return state.rehearse(&caller, &frame, create);
    }
    let done = state.commit(&caller, create).await?;
    Ok(reply_v3(&done, StatusCode::CREATED, frame))
}

/// Show a VPC with its secondary ranges.
#[utoipa::path(get, path = "/v3/{project_id}/vpc/vpcs/{vpc_id}", tag = "VPCs", operation_id = "showVpcV3",
    responses((status = 200, body = VpcBodyV3)))]
pub(crate) async fn show_v3(
    AxumState(state): AxumState<State>,
    Path((_, id)): Path<(String, String)>,
    identity: Identity,
    frame: Frame,
) -> Result<Json<VpcBodyV3>, Problem> {
    let id: VpcId = path_id(&frame, Kind::Vpc, &id)?;
    let catalog = state.catalog();
    let vpc = control::vpc(&catalog, &identity.project_caller()?, id)?;
    Ok(Json(VpcBodyV3 { request_id: frame.request_id, vpc: VpcV3::new(&catalog, &vpc) }))
}

/// Change a VPC's name or description.
#[utoipa::path(put, path = "/v3/{project_id}/vpc/vpcs/{vpc_id}", tag = "VPCs", operation_id = "updateVpcV3",
    request_body = VpcRequestV3,
    responses((status = 200, body = VpcBodyV3), (status = 202, description = "Dry run: all is well")))]
pub(crate) async fn update_v3(
    AxumState(state): AxumState<State>,
    Path((_, id)): Path<(String, String)>,
    identity: Identity,
    frame: Frame,
    Body(body): Body<VpcRequestV3>,
) -> Result<Response, Problem> {
    let id: VpcId = path_id(&frame, Kind::Vpc, &id)?;
    let request = changed_vpc(body.vpc, false)?;
    if body.dry_run == Some(true) {
        return state.rehearse(&identity.project_caller()?, &frame, move |catalog, caller, ctx| {
            control::update_vpc(catalog, caller, ctx, id, request.clone())
        });
    }
    let done = change(&state, &identity, id, request).await?;
    Ok(reply_v3(&done, StatusCode::OK, frame))
}

/// Delete a VPC that is not in use.
#[utoipa::path(delete, path = "/v3/{project_id}/vpc/vpcs/{vpc_id}", tag = "VPCs", operation_id = "deleteVpcV3",
    responses((status = 204)))]
pub(crate) async fn delete_v3(
    AxumState(state): AxumState<State>,
    Path((_, id)): Path<(String, String)>,
    identity: Identity,
    frame: Frame,
) -> Result<Response, Problem> {
    remove(&state, &identity, path_id(&frame, Kind::Vpc, &id)?).await
}

/// Add secondary ranges.
#[utoipa::path(put, path = "/v3/{project_id}/vpc/vpcs/{vpc_id}/add-extend-cidr", tag = "VPCs",
    operation_id = "addVpcExtendCidr", request_body = ExtendCidrRequest,
    responses((status = 200, body = VpcBodyV3), (status = 202, description = "Dry run: all is well")))]
pub(crate) async fn add_cidr(
    AxumState(state): AxumState<State>,
    Path((_, id)): Path<(String, String)>,
    identity: Identity,
    frame: Frame,
    Body(body): Body<ExtendCidrRequest>,
) -> Result<Response, Problem> {
    let id: VpcId = path_id(&frame, Kind::Vpc, &id)?;
    let cidrs = extend_cidrs(&body)?;
    let caller = identity.project_caller()?;
    let add = move |catalog: &_, caller: &_, ctx: &mut control::Context<'_>| {
        control::add_secondary_cidrs(catalog, caller, ctx, id, &cidrs)
    };
    if body.dry_run == Some(true) {
        return state.rehearse(&caller, &frame, add);
    }
    let done = state.commit(&caller, add).await?;
    Ok(reply_v3(&done, StatusCode::OK, frame))
}

/// Remove secondary ranges in which there are no subnets.
#[utoipa::path(put, path = "/v3/{project_id}/vpc/vpcs/{vpc_id}/remove-extend-cidr", tag = "VPCs",
    operation_id = "removeVpcExtendCidr", request_body = ExtendCidrRequest,
    responses((status = 200, body = VpcBodyV3), (status = 202, description = "Dry run: all is well")))]
pub(crate) async fn remove_cidr(
    AxumState(state): AxumState<State>,
    Path((_, id)): Path<(String, String)>,
    identity: Identity,
    frame: Frame,
    Body(body): Body<ExtendCidrRequest>,
) -> Result<Response, Problem> {
    let id: VpcId = path_id(&frame, Kind::Vpc, &id)?;
    let cidrs = extend_cidrs(&body)?;
    let caller = identity.project_caller()?;
    let remove = move |catalog: &_, caller: &_, ctx: &mut control::Context<'_>| {
        control::remove_secondary_cidrs(catalog, caller, ctx, id, &cidrs)
    };
    if body.dry_run == Some(true) {
        return state.rehearse(&caller, &frame, remove);
    }
    let done = state.commit(&caller, remove).await?;
    Ok(reply_v3(&done, StatusCode::OK, frame))
}

fn new_vpc(fields: VpcFields, characters: TagCharacters) -> Result<CreateVpc, Problem> {
    no_shared_snat(&fields)?;
    Ok(CreateVpc {
        name: fields.name.unwrap_or_default(),
        description: fields.description.unwrap_or_default(),
        cidr: primary(fields.cidr)?,
        edge_site: fields.edge_site.filter(|site| !site.is_empty()).map(EdgeSiteId),
        enterprise_project_id: fields.enterprise_project_id,
        tags: new_tags(fields.tags, characters)?,
        enhanced_local_route: fields.enhanced_local_route,
        block_service_endpoints: match fields.block_service_endpoint_states.as_deref() {
            None | Some("" | "off") => false,
            Some("on") => true,
            Some(_) => return Err(Problem::invalid("vpc.block_service_endpoint_states: on or off is expected")),
        },
        address_usage_metrics: fields.enable_network_address_usage_metrics.unwrap_or(false),
    })
}

fn changed_vpc(fields: VpcFields, with_cidr: bool) -> Result<UpdateVpc, Problem> {
    unavailable(fields.routes.as_ref(), "vpc.routes")?;
    no_tags(fields.tags.as_ref(), "vpc.tags")?;
    no_shared_snat(&fields)?;
    let cidr = if with_cidr { primary(fields.cidr)? } else { None };
    Ok(UpdateVpc {
        name: fields.name,
        description: fields.description,
        cidr,
        enhanced_local_route: fields.enhanced_local_route,
        address_usage_metrics: fields.enable_network_address_usage_metrics,
    })
}

/// There is no SNAT that VPCs could share.
fn no_shared_snat(fields: &VpcFields) -> Result<(), Problem> {
    if fields.enable_shared_snat == Some(true) {
        let text = "vpc.enable_shared_snat is not available in this installation; leave it out or set it to false";
        return Err(control::Error::NotSupported(text.to_owned()).into());
    }
    Ok(())
}

/// The primary range; an empty text is none (api-vpc §4.2).
fn primary(text: Option<String>) -> Result<Option<Ipv4Net>, Problem> {
    text.filter(|text| !text.is_empty()).map(|text| cidr(&text)).transpose()
}

fn extend_cidrs(body: &ExtendCidrRequest) -> Result<Vec<Ipv4Net>, Problem> {
    required(body.vpc.extend_cidrs.as_ref(), "vpc.extend_cidrs")?.iter().map(|text| cidr(text)).collect()
}

async fn change(state: &State, identity: &Identity, id: VpcId, request: UpdateVpc) -> Result<Done<Vpc>, Problem> {
    state
        .commit(&identity.project_caller()?, move |catalog, caller, ctx| {
            control::update_vpc(catalog, caller, ctx, id, request.clone())
        })
        .await
}

async fn remove(state: &State, identity: &Identity, id: VpcId) -> Result<Response, Problem> {
    let caller = identity.project_caller()?;
    let done = state.commit(&caller, move |catalog, caller, ctx| control::delete_vpc(catalog, caller, ctx, id)).await?;
    Ok(done.gone())
}

fn reply_v3(done: &Done<Vpc>, status: StatusCode, frame: Frame) -> Response {
    done.reply(status, |vpc, catalog| VpcBodyV3 { request_id: frame.request_id, vpc: VpcV3::new(catalog, vpc) })
}
