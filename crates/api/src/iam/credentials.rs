//! Permanent access keys (api-iam §6).

use axum::Json;
use axum::extract::{Path, State as AxumState};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use control::CreateAccessKey;
use model::{AccessKey, AccessKeyId, UserId};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::auth::Identity;
use crate::error::Problem;
use crate::extract::{Json as Body, id};
use crate::query::Query;
use crate::state::State;

/// Ask for an access key.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct CredentialRequest {
    credential: CredentialFields,
}

#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct CredentialFields {
    /// The user; the caller when absent.
    user_id: Option<String>,
    #[allow(dead_code, reason = "accepted and not kept")]
    description: Option<String>,
}

/// List the access keys of a user of the caller's account, without their secrets.
#[utoipa::path(get, path = "/v3.0/OS-CREDENTIAL/credentials", tag = "Access keys", operation_id = "listCredentials",
    params(("user_id" = Option<String>, Query)), responses((status = 200, description = "`credentials`")))]
pub(crate) async fn list(
    AxumState(state): AxumState<State>,
    identity: Identity,
    query: Query,
) -> Result<Json<Value>, Problem> {
    let catalog = state.catalog();
    let user = user(&identity, query.one("user_id"))?;
    control::user(&catalog, &identity.account_caller(), user)?;
    let credentials: Vec<Value> = catalog.access_keys_of(user).map(|key| describe(key)).collect();
    Ok(Json(json!({"credentials": credentials})))
}

/// Make an access key. The secret is in this answer and nowhere else.
#[utoipa::path(post, path = "/v3.0/OS-CREDENTIAL/credentials", tag = "Access keys", operation_id = "createCredential",
    request_body = CredentialRequest, responses((status = 201, description = "`credential` with its `secret`")))]
pub(crate) async fn create(
    AxumState(state): AxumState<State>,
    identity: Identity,
    Body(request): Body<CredentialRequest>,
) -> Result<Response, Problem> {
    let user = user(&identity, request.credential.user_id.as_deref())?;
    let caller = identity.account_caller();
    let request = CreateAccessKey { user, given: None };
    let key = state.record(|catalog, ctx| control::create_access_key(catalog, &caller, ctx, request.clone())).await?;
    let mut credential = describe(&key);
    credential["secret"] = json!(key.secret);
    Ok((StatusCode::CREATED, Json(json!({"credential": credential}))).into_response())
}

/// Delete an access key; the tokens of its user end with it.
#[utoipa::path(delete, path = "/v3.0/OS-CREDENTIAL/credentials/{access_key}", tag = "Access keys",
    operation_id = "deleteCredential", responses((status = 204)))]
pub(crate) async fn delete(
    AxumState(state): AxumState<State>,
    Path(access_key): Path<String>,
    identity: Identity,
) -> Result<StatusCode, Problem> {
    let caller = identity.account_caller();
    let key = AccessKeyId(access_key);
    state.record(|catalog, ctx| control::delete_access_key(catalog, &caller, ctx, &key)).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn user(identity: &Identity, given: Option<&str>) -> Result<UserId, Problem> {
    given.filter(|text| !text.is_empty()).map_or(Ok(identity.user.id), |text| id(text, "user_id"))
}

fn describe(key: &AccessKey) -> Value {
    json!({
        "access": key.id, "user_id": key.user, "status": "active", "description": "",
        "create_time": key.created_at.with_micros(),
    })
}
