//! Policies (api-iam §9): the built-in ones under `/v3/roles`, the account's own under `/v3.0/OS-ROLE/roles`.

use axum::Json;
use axum::extract::{Path, State as AxumState};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use control::{AnyPolicy, CreatePolicy, UpdatePolicy};
use model::{Builtin, Kind, Policy, PolicyDocument, PolicyError, PolicyId, PolicyScope, Timestamp, builtins};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::directory::{Links, missing};
use crate::auth::{Identity, is_registered};
use crate::error::Problem;
use crate::extract::{Json as Body, path_id, required};
use crate::frame::Frame;
use crate::query::Query;
use crate::state::State;

/// Most policies on a page.
const PER_PAGE: usize = 300;

/// A policy to make or to change.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct RoleRequest {
    role: RoleFields,
}

#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct RoleFields {
    /// 1 to 128 characters, unique in the account.
    display_name: Option<String>,
    /// `AX` for policies of the whole account, `XA` for those of projects.
    #[serde(rename = "type")]
    scope: Option<String>,
    description: Option<String>,
    description_cn: Option<String>,
    /// `Version` and `Statement`.
    policy: Option<Value>,
}

fn scope(text: &str) -> Result<PolicyScope, Problem> {
    match text {
        "AX" => Ok(PolicyScope::Account),
        "XA" => Ok(PolicyScope::Project),
        _ => Err(Problem::invalid("type: AX (the whole account) or XA (projects) is expected")),
    }
}

fn scope_text(scope: PolicyScope) -> &'static str {
    match scope {
        PolicyScope::Account => "AX",
        PolicyScope::Project => "XA",
    }
}

/// A document that has effect, or the documented code of what is wrong with it (api-iam §8.3).
fn document(value: &Value) -> Result<PolicyDocument, Problem> {
    let bad = |code, message: String| Problem::coded(StatusCode::BAD_REQUEST, code, message, "invalid_policy");
    let document = PolicyDocument::parse(value).map_err(|error| {
        let code = match &error {
            PolicyError::Version(_) => "IAM.1024",
            PolicyError::Statements(_) => "IAM.1028",
            PolicyError::Effect { .. } => "IAM.1029",
            PolicyError::ActionAndNotAction(_) => "IAM.1031",
            PolicyError::Actions { .. } => "IAM.1033",
            PolicyError::Action { .. } => "IAM.1035",
            PolicyError::Resources { .. } => "IAM.1040",
            PolicyError::Conditions { .. } => "IAM.1050",
            PolicyError::Resource { .. } | PolicyError::Condition { .. } => "IAM.0073",
            PolicyError::Form { .. } | PolicyError::UnknownMember { .. } | PolicyError::TooLong(_) => "IAM.0011",
        };
        bad(code, error.to_string())
    })?;
    let actions =
        document.statements.iter().flat_map(|statement| statement.actions.iter().chain(&statement.not_actions));
    for action in actions {
        if !is_registered(action) {
            let shown: String = action.chars().take(64).collect();
            return Err(bad(
                "IAM.1036",
                format!("Action: there is no action `{shown}`; the statement would do nothing"),
            ));
        }
    }
    Ok(document)
}

fn describe_builtin(policy: &Builtin, frame: &Frame) -> Value {
    json!({
        "id": policy.id, "name": policy.name, "display_name": policy.display_name, "catalog": policy.catalog,
        "type": scope_text(policy.scope), "description": policy.description, "description_cn": policy.description,
        "domain_id": null, "flag": "fine_grained", "policy": policy.document.to_value(),
        "links": Links::of(format!("{}/v3/roles/{}", frame.base, policy.id)),
    })
}

fn describe_custom(policy: &Policy, frame: &Frame, place: &str) -> Value {
    let millis = |time: Timestamp| (time.unix_seconds() * 1000).to_string();
    json!({
        "id": policy.id, "name": format!("custom_{}", policy.id), "display_name": policy.name, "catalog": "CUSTOMED",
        "type": scope_text(policy.scope), "description": policy.description, "description_cn": policy.description_cn,
        "domain_id": policy.account, "flag": "fine_grained", "policy": policy.document.to_value(),
        "created_time": millis(policy.created_at), "updated_time": millis(policy.updated_at),
        "links": Links::of(format!("{}{place}/{}", frame.base, policy.id)),
    })
}

const BUILTIN: &str = "/v3/roles";
const CUSTOM: &str = "/v3.0/OS-ROLE/roles";

/// One page: `page` from 1 and `per_page`, both or neither.
fn page(query: &Query, items: Vec<Value>, frame: &Frame) -> Result<Json<Value>, Problem> {
    let number = |name: &'static str, most: usize| {
        let wrong = || Problem::invalid(format!("{name}: a whole number from 1 to {most} is expected"));
        let parsed = |text: &str| text.parse().ok().filter(|number| (1..=most).contains(number)).ok_or_else(wrong);
        query.one(name).map(parsed).transpose()
    };
    let total = items.len();
    let roles: Vec<Value> = match (number("page", usize::MAX)?, number("per_page", PER_PAGE)?) {
        (None, None) => items,
        (Some(page), Some(size)) => items.into_iter().skip((page - 1).saturating_mul(size)).take(size).collect(),
        _ => return Err(Problem::invalid("page and per_page go together")),
    };
    Ok(Json(json!({"roles": roles, "total_number": total, "links": Links::of(frame.url())})))
}

/// List the built-in policies; with `domain_id`, the account's own.
#[utoipa::path(get, path = "/v3/roles", tag = "Policies", operation_id = "listRoles",
    responses((status = 200, description = "`roles`, `total_number`, and `links`")))]
pub(crate) async fn list(
    AxumState(state): AxumState<State>,
    identity: Identity,
    frame: Frame,
    query: Query,
) -> Result<Json<Value>, Problem> {
    let items: Vec<Value> = match query.one("domain_id") {
        None => builtins().iter().map(|policy| describe_builtin(policy, &frame)).collect(),
        Some(domain) if domain == identity.account.id.to_string() => {
            let own = control::policies(&state.catalog(), &identity.account_caller());
            own.iter().map(|policy| describe_custom(policy, &frame, BUILTIN)).collect()
        }
        Some(_) => Vec::new(),
    };
    let passes = |item: &Value, name: &str| query.is(name, item[name].as_str().unwrap_or_default());
    let items = items
        .into_iter()
        .filter(|item| ["name", "display_name", "type", "catalog"].iter().all(|name| passes(item, name)));
    page(&query, items.collect(), &frame)
}

/// Show a policy of either kind.
#[utoipa::path(get, path = "/v3/roles/{role_id}", tag = "Policies", operation_id = "showRole",
    responses((status = 200, description = "`role`")))]
pub(crate) async fn show(
    AxumState(state): AxumState<State>,
    Path(role): Path<String>,
    identity: Identity,
    frame: Frame,
) -> Result<Json<Value>, Problem> {
    let wrong = || missing("role", &role);
    let id: PolicyId = role.parse().map_err(|_| wrong())?;
    let found = control::policy(&state.catalog(), &identity.account_caller(), id).map_err(|_| wrong())?;
    Ok(Json(json!({"role": match found {
        AnyPolicy::Builtin(policy) => describe_builtin(policy, &frame),
        AnyPolicy::Custom(policy) => describe_custom(&policy, &frame, BUILTIN),
    }})))
}

/// List the account's own policies.
#[utoipa::path(get, path = "/v3.0/OS-ROLE/roles", tag = "Policies", operation_id = "listCustomPolicies",
    responses((status = 200, description = "`roles`, `total_number`, and `links`")))]
pub(crate) async fn list_custom(
    AxumState(state): AxumState<State>,
    identity: Identity,
    frame: Frame,
    query: Query,
) -> Result<Json<Value>, Problem> {
    let own = control::policies(&state.catalog(), &identity.account_caller());
    page(&query, own.iter().map(|policy| describe_custom(policy, &frame, CUSTOM)).collect(), &frame)
}

/// Make a policy.
#[utoipa::path(post, path = "/v3.0/OS-ROLE/roles", tag = "Policies", operation_id = "createCustomPolicy",
    request_body = RoleRequest, responses((status = 201, description = "`role`")))]
pub(crate) async fn create(
    AxumState(state): AxumState<State>,
    identity: Identity,
    frame: Frame,
    Body(request): Body<RoleRequest>,
) -> Result<Response, Problem> {
    let fields = request.role;
    let wanted = CreatePolicy {
        name: required(fields.display_name, "display_name")?,
        description: fields.description.unwrap_or_default(),
        description_cn: fields.description_cn.unwrap_or_default(),
        scope: scope(&required(fields.scope, "type")?)?,
        document: document(&required(fields.policy, "policy")?)?,
    };
    let caller = identity.account_caller();
    let made = state.record(|catalog, ctx| control::create_policy(catalog, &caller, ctx, wanted.clone())).await?;
    Ok((StatusCode::CREATED, Json(json!({"role": describe_custom(&made, &frame, CUSTOM)}))).into_response())
}

/// Show one of the account's own policies.
#[utoipa::path(get, path = "/v3.0/OS-ROLE/roles/{role_id}", tag = "Policies", operation_id = "showCustomPolicy",
    responses((status = 200, description = "`role`")))]
pub(crate) async fn show_custom(
    AxumState(state): AxumState<State>,
    Path(role): Path<String>,
    identity: Identity,
    frame: Frame,
) -> Result<Json<Value>, Problem> {
    let id: PolicyId = path_id(&frame, Kind::Policy, &role)?;
    match control::policy(&state.catalog(), &identity.account_caller(), id)? {
        AnyPolicy::Custom(policy) => Ok(Json(json!({"role": describe_custom(&policy, &frame, CUSTOM)}))),
        AnyPolicy::Builtin(_) => Err(control::Error::NotFound { kind: Kind::Policy, id: id.to_string() }.into()),
    }
}

/// Change a policy. The tokens of the users that have it end when it says something else.
#[utoipa::path(patch, path = "/v3.0/OS-ROLE/roles/{role_id}", tag = "Policies", operation_id = "updateCustomPolicy",
    request_body = RoleRequest, responses((status = 200, description = "`role`")))]
pub(crate) async fn update(
    AxumState(state): AxumState<State>,
    Path(role): Path<String>,
    identity: Identity,
    frame: Frame,
    Body(request): Body<RoleRequest>,
) -> Result<Json<Value>, Problem> {
    let id: PolicyId = path_id(&frame, Kind::Policy, &role)?;
    let fields = request.role;
    let wanted = UpdatePolicy {
        name: fields.display_name,
        description: fields.description,
        description_cn: fields.description_cn,
        scope: fields.scope.as_deref().map(scope).transpose()?,
        document: fields.policy.as_ref().map(document).transpose()?,
    };
    let caller = identity.account_caller();
    let made = state.record(|catalog, ctx| control::update_policy(catalog, &caller, ctx, id, wanted.clone())).await?;
    Ok(Json(json!({"role": describe_custom(&made, &frame, CUSTOM)})))
}

/// Delete a policy that no user has.
#[utoipa::path(delete, path = "/v3.0/OS-ROLE/roles/{role_id}", tag = "Policies", operation_id = "deleteCustomPolicy",
    responses((status = 200, description = "Gone")))]
pub(crate) async fn delete(
    AxumState(state): AxumState<State>,
    Path(role): Path<String>,
    identity: Identity,
    frame: Frame,
) -> Result<Json<Value>, Problem> {
    let id: PolicyId = path_id(&frame, Kind::Policy, &role)?;
    let caller = identity.account_caller();
    state.record(|catalog, ctx| control::delete_policy(catalog, &caller, ctx, id)).await?;
    Ok(Json(json!({})))
}
