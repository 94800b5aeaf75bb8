//! Security groups in all three families (api-vpc §8.1).

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State as AxumState};
use axum::http::StatusCode;
use axum::response::Response;
use catalog::Catalog;
use control::{Caller, Context, CreateSecurityGroup, Error, Outcome, UpdateSecurityGroup};
use model::{Kind, SecurityGroup, SecurityGroupId, TagCharacters};

use crate::auth::Identity;
use crate::error::Problem;
use crate::extract::{Json as Body, path_id, required};
use crate::frame::Frame;
use crate::query::{Query, v1_page, v2_page, v3_page};
use crate::state::{Done, State};
use crate::wire::{
    GroupBodyV1, GroupBodyV2, GroupBodyV3, GroupFields, GroupListV1, GroupListV2, GroupListV3, GroupRequest,
    GroupRequestV3, GroupV1, GroupV2, GroupV3, new_tags, no_tags,
};

/// List security groups.
#[utoipa::path(get, path = "/v1/{project_id}/security-groups", tag = "Security groups",
    operation_id = "listSecurityGroups",
    params(("vpc_id" = Option<String>, Query), ("enterprise_project_id" = Option<String>, Query)),
    responses((status = 200, body = GroupListV1)))]
pub(crate) async fn list(
    AxumState(state): AxumState<State>,
    identity: Identity,
    query: Query,
) -> Result<Json<GroupListV1>, Problem> {
    // `vpc_id` is accepted and has no effect: groups belong to no VPC.
    let groups = control::security_groups(&state.catalog(), &identity.project_caller()?)
        .into_iter()
        .filter(|group| query.enterprise(&group.enterprise_project_id))
        .collect();
    let groups: Vec<Arc<SecurityGroup>> = v1_page(&query, groups, |group: &Arc<SecurityGroup>| group.id.to_string())?;
    Ok(Json(GroupListV1 { security_groups: groups.iter().map(|group| GroupV1::new(group)).collect() }))
}

/// Create a security group with its four default rules.
#[utoipa::path(post, path = "/v1/{project_id}/security-groups", tag = "Security groups",
    operation_id = "createSecurityGroup", request_body = GroupRequest,
    responses((status = 200, body = GroupBodyV1)))]
pub(crate) async fn create(
    AxumState(state): AxumState<State>,
    identity: Identity,
    Body(request): Body<GroupRequest>,
) -> Result<Response, Problem> {
    let done =
        state.commit(&identity.project_caller()?, creation(request.security_group, TagCharacters::Letters)?).await?;
    Ok(done.reply(StatusCode::OK, |group, _| GroupBodyV1 { security_group: GroupV1::new(group) }))
}

/// Show a security group with its rules.
#[utoipa::path(get, path = "/v1/{project_id}/security-groups/{group_id}", tag = "Security groups",
    operation_id = "showSecurityGroup", responses((status = 200, body = GroupBodyV1)))]
pub(crate) async fn show(
    AxumState(state): AxumState<State>,
    Path((_, group)): Path<(String, String)>,
    identity: Identity,
    frame: Frame,
) -> Result<Json<GroupBodyV1>, Problem> {
    let group = find(&state, &identity, &frame, &group)?;
    Ok(Json(GroupBodyV1 { security_group: GroupV1::new(&group) }))
}

/// Delete a security group that is not in use.
#[utoipa::path(delete, path = "/v1/{project_id}/security-groups/{group_id}", tag = "Security groups",
    operation_id = "deleteSecurityGroup", responses((status = 204)))]
pub(crate) async fn delete(
    AxumState(state): AxumState<State>,
    Path((_, group)): Path<(String, String)>,
    identity: Identity,
    frame: Frame,
) -> Result<Response, Problem> {
    remove(&state, &identity, path_id(&frame, Kind::SecurityGroup, &group)?).await
}

/// List security groups.
#[utoipa::path(get, path = "/v2.0/security-groups", tag = "Security groups", operation_id = "listSecurityGroupsV2",
    params(("id" = Option<String>, Query), ("name" = Option<String>, Query), ("description" = Option<String>, Query),
        ("tenant_id" = Option<String>, Query)),
    responses((status = 200, body = GroupListV2)))]
pub(crate) async fn list_v2(
    AxumState(state): AxumState<State>,
    identity: Identity,
    frame: Frame,
    query: Query,
) -> Result<Json<GroupListV2>, Problem> {
    let groups: Vec<_> = control::security_groups(&state.catalog(), &identity.project_caller()?)
        .into_iter()
        .filter(|group| query.is("id", group.id) && query.is("name", &group.name))
        .filter(|group| query.is("description", &group.description))
        .filter(|group| query.is("tenant_id", group.project))
        .collect();
    let (groups, security_groups_links) = v2_page(&query, &frame.url(), groups, |group| group.id.to_string())?;
    let security_groups = groups.iter().map(|group| GroupV2::new(group)).collect();
    Ok(Json(GroupListV2 { security_groups, security_groups_links }))
}

/// Create a security group with its four default rules.
#[utoipa::path(post, path = "/v2.0/security-groups", tag = "Security groups", operation_id = "createSecurityGroupV2",
    request_body = GroupRequest, responses((status = 201, body = GroupBodyV2)))]
pub(crate) async fn create_v2(
    AxumState(state): AxumState<State>,
    identity: Identity,
    Body(request): Body<GroupRequest>,
) -> Result<Response, Problem> {
    let done =
        state.commit(&identity.project_caller()?, creation(request.security_group, TagCharacters::Letters)?).await?;
    Ok(done.reply(StatusCode::CREATED, |group, _| GroupBodyV2 { security_group: GroupV2::new(group) }))
}

/// Show a security group with its rules.
#[utoipa::path(get, path = "/v2.0/security-groups/{group_id}", tag = "Security groups",
    operation_id = "showSecurityGroupV2", responses((status = 200, body = GroupBodyV2)))]
pub(crate) async fn show_v2(
    AxumState(state): AxumState<State>,
    Path(group): Path<String>,
    identity: Identity,
    frame: Frame,
) -> Result<Json<GroupBodyV2>, Problem> {
    let group = find(&state, &identity, &frame, &group)?;
    Ok(Json(GroupBodyV2 { security_group: GroupV2::new(&group) }))
}

/// Change a security group's name or description.
#[utoipa::path(put, path = "/v2.0/security-groups/{group_id}", tag = "Security groups",
    operation_id = "updateSecurityGroupV2", request_body = GroupRequest, responses((status = 200, body = GroupBodyV2)))]
pub(crate) async fn update_v2(
    AxumState(state): AxumState<State>,
    Path(group): Path<String>,
    identity: Identity,
    frame: Frame,
    Body(request): Body<GroupRequest>,
) -> Result<Response, Problem> {
    let group = path_id(&frame, Kind::SecurityGroup, &group)?;
    let done = state.commit(&identity.project_caller()?, change(group, request.security_group)?).await?;
    Ok(done.reply(StatusCode::OK, |group, _| GroupBodyV2 { security_group: GroupV2::new(group) }))
}

/// Delete a security group that is not in use.
#[utoipa::path(delete, path = "/v2.0/security-groups/{group_id}", tag = "Security groups",
    operation_id = "deleteSecurityGroupV2", responses((status = 204)))]
pub(crate) async fn delete_v2(
    AxumState(state): AxumState<State>,
    Path(group): Path<String>,
    identity: Identity,
    frame: Frame,
) -> Result<Response, Problem> {
    remove(&state, &identity, path_id(&frame, Kind::SecurityGroup, &group)?).await
}

/// List security groups, without their rules.
#[utoipa::path(get, path = "/v3/{project_id}/vpc/security-groups", tag = "Security groups",
    operation_id = "listSecurityGroupsV3",
    params(("id" = Option<String>, Query), ("name" = Option<String>, Query), ("description" = Option<String>, Query),
        ("enterprise_project_id" = Option<String>, Query)),
    responses((status = 200, body = GroupListV3)))]
pub(crate) async fn list_v3(
    AxumState(state): AxumState<State>,
    identity: Identity,
    frame: Frame,
    query: Query,
) -> Result<Json<GroupListV3>, Problem> {
    let groups: Vec<_> = control::security_groups(&state.catalog(), &identity.project_caller()?)
        .into_iter()
        .filter(|group| query.any("id", group.id) && query.any("name", &group.name))
        .filter(|group| query.any("description", &group.description) && query.enterprise(&group.enterprise_project_id))
        .collect();
    let (groups, page_info) = v3_page(&query, groups, |group| group.id.to_string())?;
    let security_groups = groups.iter().map(|group| GroupV3::item(group)).collect();
    Ok(Json(GroupListV3 { request_id: frame.request_id, security_groups, page_info }))
}

/// Create a security group with its four default rules.
#[utoipa::path(post, path = "/v3/{project_id}/vpc/security-groups", tag = "Security groups",
    operation_id = "createSecurityGroupV3", request_body = GroupRequestV3,
    responses((status = 201, body = GroupBodyV3), (status = 202, description = "Dry run: all is well")))]
pub(crate) async fn create_v3(
    AxumState(state): AxumState<State>,
    identity: Identity,
    frame: Frame,
    Body(request): Body<GroupRequestV3>,
) -> Result<Response, Problem> {
    let caller = identity.project_caller()?;
    let create = creation(request.security_group, TagCharacters::Text)?;
    if request.dry_run == Some(true) {
        return state.rehearse(&caller, &frame, create);
    }
    let done = state.commit(&caller, create).await?;
    Ok(reply_v3(&done, StatusCode::CREATED, frame))
}

/// Show a security group with its rules.
#[utoipa::path(get, path = "/v3/{project_id}/vpc/security-groups/{group_id}", tag = "Security groups",
    operation_id = "showSecurityGroupV3", responses((status = 200, body = GroupBodyV3)))]
pub(crate) async fn show_v3(
    AxumState(state): AxumState<State>,
    Path((_, group)): Path<(String, String)>,
    identity: Identity,
    frame: Frame,
) -> Result<Json<GroupBodyV3>, Problem> {
    let group = find(&state, &identity, &frame, &group)?;
    Ok(Json(GroupBodyV3 { request_id: frame.request_id, security_group: GroupV3::new(&group) }))
}

/// Change a security group's name or description.
#[utoipa::path(put, path = "/v3/{project_id}/vpc/security-groups/{group_id}", tag = "Security groups",
    operation_id = "updateSecurityGroupV3", request_body = GroupRequestV3,
    responses((status = 200, body = GroupBodyV3), (status = 202, description = "Dry run: all is well")))]
pub(crate) async fn update_v3(
    AxumState(state): AxumState<State>,
    Path((_, group)): Path<(String, String)>,
    identity: Identity,
    frame: Frame,
    Body(request): Body<GroupRequestV3>,
) -> Result<Response, Problem> {
    let group = path_id(&frame, Kind::SecurityGroup, &group)?;
    let caller = identity.project_caller()?;
    let update = change(group, request.security_group)?;
    if request.dry_run == Some(true) {
        return state.rehearse(&caller, &frame, update);
    }
    let done = state.commit(&caller, update).await?;
    Ok(reply_v3(&done, StatusCode::OK, frame))
}

/// Delete a security group that is not in use.
#[utoipa::path(delete, path = "/v3/{project_id}/vpc/security-groups/{group_id}", tag = "Security groups",
    operation_id = "deleteSecurityGroupV3", responses((status = 204)))]
pub(crate) async fn delete_v3(
    AxumState(state): AxumState<State>,
    Path((_, group)): Path<(String, String)>,
    identity: Identity,
    frame: Frame,
) -> Result<Response, Problem> {
    remove(&state, &identity, path_id(&frame, Kind::SecurityGroup, &group)?).await
}

type UseCase = Box<dyn FnMut(&Catalog, &Caller, &mut Context<'_>) -> Result<Outcome<SecurityGroup>, Error> + Send>;

fn creation(fields: GroupFields, characters: TagCharacters) -> Result<UseCase, Problem> {
    let request = CreateSecurityGroup {
        name: required(fields.name, "security_group.name")?,
        description: fields.description.unwrap_or_default(),
        enterprise_project_id: fields.enterprise_project_id.filter(|id| !id.is_empty()),
        tags: new_tags(fields.tags, characters)?,
    };
    Ok(Box::new(move |catalog, caller, ctx| control::create_security_group(catalog, caller, ctx, request.clone())))
}

fn change(group: SecurityGroupId, fields: GroupFields) -> Result<UseCase, Problem> {
    no_tags(fields.tags.as_ref(), "security_group.tags")?;
    let request = UpdateSecurityGroup { name: fields.name, description: fields.description };
    let change: UseCase = Box::new(move |catalog, caller, ctx| {
        control::update_security_group(catalog, caller, ctx, group, request.clone())
    });
    Ok(change)
}

fn find(state: &State, identity: &Identity, frame: &Frame, group: &str) -> Result<Arc<SecurityGroup>, Problem> {
    let group: SecurityGroupId = path_id(frame, Kind::SecurityGroup, group)?;
    Ok(control::security_group(&state.catalog(), &identity.project_caller()?, group)?)
}

async fn remove(state: &State, identity: &Identity, group: SecurityGroupId) -> Result<Response, Problem> {
    let done = state
        .commit(&identity.project_caller()?, move |catalog, caller, ctx| {
            control::delete_security_group(catalog, caller, ctx, group)
        })
        .await?;
    Ok(done.gone())
}

fn reply_v3(done: &Done<SecurityGroup>, status: StatusCode, frame: Frame) -> Response {
    done.reply(status, |group, _| GroupBodyV3 { request_id: frame.request_id, security_group: GroupV3::new(group) })
}
