//! Which policies a user has, and new passwords and keys in the place of old ones.

use axum::Json;
use axum::extract::{Path, State as AxumState};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use control::{AnyPolicy, UpdateUser};
use model::{AccessKeyId, Attachment, Kind, PolicyId, ProjectId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::accounts::{KeySecret, UserSecret};
use crate::auth::{Identity, secret};
use crate::error::Problem;
use crate::extract::{Json as Body, id, path_id, required};
use crate::frame::Frame;
use crate::query::Query;
use crate::state::State;

/// A policy that a user has.
#[derive(Serialize, ToSchema)]
pub(crate) struct AttachedPolicy {
    /// The policy's id.
    id: String,
    /// What people call it.
    name: String,
    /// Whether every installation has it.
    builtin: bool,
    /// The one project that it is good for; null for all of the account.
    project_id: Option<String>,
}

impl AttachedPolicy {
    fn new(policy: &AnyPolicy, project: Option<ProjectId>) -> Self {
        Self {
            id: policy.id().to_string(),
            name: policy.name().to_owned(),
            builtin: matches!(policy, AnyPolicy::Builtin(_)),
            project_id: project.map(|project| project.to_string()),
        }
    }
}

/// Policies of a user.
#[derive(Serialize, ToSchema)]
pub(crate) struct AttachedPolicies {
    policies: Vec<AttachedPolicy>,
}

/// Give a user a policy.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct AttachPolicyRequest {
    /// The policy's id, built-in or the account's own.
    policy_id: Option<String>,
    /// The one project that it shall be good for; all of the account when absent.
    project_id: Option<String>,
}

/// A new password. It is in this answer and nowhere else.
#[derive(Serialize, ToSchema)]
pub(crate) struct UserRotated {
    user: UserSecret,
}

/// A new access key. Its secret is in this answer and nowhere else.
#[derive(Serialize, ToSchema)]
pub(crate) struct KeyRotated {
    access_key: KeySecret,
}

fn listed(state: &State, identity: &Identity, user: UserId) -> Result<Json<AttachedPolicies>, Problem> {
    let attached = control::attachments(&state.catalog(), &identity.account_caller(), user)?;
    let policies = attached.iter().map(|(policy, project)| AttachedPolicy::new(policy, *project)).collect();
    Ok(Json(AttachedPolicies { policies }))
}

/// List the policies that a user has.
#[utoipa::path(get, path = "/causeway/v1/users/{id}/policies", tag = "Causeway", operation_id = "listUserPolicies",
    responses((status = 200, body = AttachedPolicies)))]
pub(crate) async fn list(
    AxumState(state): AxumState<State>,
    Path(user): Path<String>,
    identity: Identity,
    frame: Frame,
) -> Result<Json<AttachedPolicies>, Problem> {
    let user: UserId = path_id(&frame, Kind::User, &user)?;
    identity.reach(user)?;
    listed(&state, &identity, user)
}

/// Give a user a policy, for all of its account or for one project. Its tokens end.
#[utoipa::path(post, path = "/causeway/v1/users/{id}/policies", tag = "Causeway", operation_id = "attachPolicy",
    request_body = AttachPolicyRequest, responses((status = 200, body = AttachedPolicies)))]
pub(crate) async fn attach(
    AxumState(state): AxumState<State>,
    Path(user): Path<String>,
    identity: Identity,
    frame: Frame,
    Body(request): Body<AttachPolicyRequest>,
) -> Result<Json<AttachedPolicies>, Problem> {
    let user: UserId = path_id(&frame, Kind::User, &user)?;
    let attachment = Attachment {
        policy: id(&required(request.policy_id, "policy_id")?, "policy_id")?,
        project: request.project_id.as_deref().map(|text| id(text, "project_id")).transpose()?,
    };
    let caller = identity.account_caller();
    state.record(|catalog, ctx| control::attach_policy(catalog, &caller, ctx, user, attachment)).await?;
    listed(&state, &identity, user)
}

/// Take a policy from a user: the attachment for `project_id`, or the one for all of the account. Its tokens end.
#[utoipa::path(delete, path = "/causeway/v1/users/{id}/policies/{policy_id}", tag = "Causeway",
    operation_id = "detachPolicy", params(("project_id" = Option<String>, Query)), responses((status = 204)))]
pub(crate) async fn detach(
    AxumState(state): AxumState<State>,
    Path((user, policy)): Path<(String, String)>,
    identity: Identity,
    frame: Frame,
    query: Query,
) -> Result<StatusCode, Problem> {
    let user: UserId = path_id(&frame, Kind::User, &user)?;
    let policy: PolicyId = path_id(&frame, Kind::Policy, &policy)?;
    let project = query.one("project_id").map(|text| id(text, "project_id")).transpose()?;
    let caller = identity.account_caller();
    state.record(|catalog, ctx| control::detach_policy(catalog, &caller, ctx, user, policy, project)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Give a user a new password in the place of the old one. Its tokens end.
#[utoipa::path(post, path = "/causeway/v1/users/{id}/rotate", tag = "Causeway", operation_id = "rotatePassword",
    responses((status = 200, body = UserRotated)))]
pub(crate) async fn rotate(
    AxumState(state): AxumState<State>,
    Path(user): Path<String>,
    identity: Identity,
    frame: Frame,
) -> Result<Json<UserRotated>, Problem> {
    let user: UserId = path_id(&frame, Kind::User, &user)?;
    identity.permanent()?;
    let caller = identity.account_caller();
    control::user(&state.catalog(), &caller, user)?;
    let password = secret::password()?;
    let hash = state.passwords.hash(password.clone()).await?;
    let update = UpdateUser { password_hash: Some(hash), ..UpdateUser::default() };
    let user = state.record(|catalog, ctx| control::update_user(catalog, &caller, ctx, user, update.clone())).await?;
    Ok(Json(UserRotated { user: UserSecret::new(&user, password) }))
}

/// Make an access key in the place of an old one, in one step. The tokens of its user end.
#[utoipa::path(post, path = "/causeway/v1/access-keys/{access_key}/rotate", tag = "Causeway",
    operation_id = "rotateAccessKey", responses((status = 201, body = KeyRotated)))]
pub(crate) async fn rotate_key(
    AxumState(state): AxumState<State>,
    Path(access_key): Path<String>,
    identity: Identity,
) -> Result<Response, Problem> {
    let key = AccessKeyId(access_key);
    identity.permanent()?;
    crate::iam::reach_key(&state.catalog(), &identity, &key)?;
    let caller = identity.account_caller();
    let made =
        state.record(|catalog, ctx| control::rotate_access_key(catalog, &caller, ctx, state.vault(), &key)).await?;
    Ok((StatusCode::CREATED, Json(KeyRotated { access_key: KeySecret::new(made) })).into_response())
}
