//! Permanent access keys (api-iam §6).

use axum::Json;
use axum::extract::{Path, State as AxumState};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use catalog::Catalog;
use control::{CreateAccessKey, UpdateAccessKey};
use model::{AccessKey, AccessKeyId, Kind, Temporary, UserId};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::auth::{Identity, secret};
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
    description: Option<String>,
}

/// Change an access key.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct CredentialUpdate {
    credential: CredentialChange,
}

#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct CredentialChange {
    /// `active` or `inactive`: a request that is signed with an inactive key is refused.
    status: Option<String>,
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
    let credentials: Vec<Value> =
        catalog.access_keys_of(user).filter(|key| key.temporary.is_none()).map(|key| describe(key)).collect();
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
    identity.permanent()?;
    let user = user(&identity, request.credential.user_id.as_deref())?;
    let caller = identity.account_caller();
    let description = request.credential.description.unwrap_or_default();
    let request = CreateAccessKey { description, ..CreateAccessKey::new(user) };
    let vault = state.vault();
    let made =
        state.record(|catalog, ctx| control::create_access_key(catalog, &caller, ctx, vault, request.clone())).await?;
    let mut credential = describe(&made.key);
    credential["secret"] = json!(made.secret);
    Ok((StatusCode::CREATED, Json(json!({"credential": credential}))).into_response())
}

/// Show an access key, without its secret.
#[utoipa::path(get, path = "/v3.0/OS-CREDENTIAL/credentials/{access_key}", tag = "Access keys",
    operation_id = "showCredential", responses((status = 200, description = "`credential`")))]
pub(crate) async fn show(
    AxumState(state): AxumState<State>,
    Path(access_key): Path<String>,
    identity: Identity,
) -> Result<Json<Value>, Problem> {
    let catalog = state.catalog();
    let key = reach_key(&catalog, &identity, &AccessKeyId(access_key))?;
    Ok(Json(json!({"credential": describe(key)})))
}

/// Turn an access key on or off, or change its text; the tokens of its user end when it is turned on or off.
#[utoipa::path(put, path = "/v3.0/OS-CREDENTIAL/credentials/{access_key}", tag = "Access keys",
    operation_id = "updateCredential", request_body = CredentialUpdate,
    responses((status = 200, description = "`credential`")))]
pub(crate) async fn update(
    AxumState(state): AxumState<State>,
    Path(access_key): Path<String>,
    identity: Identity,
    Body(request): Body<CredentialUpdate>,
) -> Result<Json<Value>, Problem> {
    let id = AccessKeyId(access_key);
    reach_key(&state.catalog(), &identity, &id)?;
    let enabled = match request.credential.status.as_deref() {
        None => None,
        Some("active") => Some(true),
        Some("inactive") => Some(false),
        Some(_) => return Err(Problem::invalid("status: active or inactive is expected")),
    };
    let update = UpdateAccessKey { enabled, description: request.credential.description };
    let caller = identity.account_caller();
    let key =
        state.record(|catalog, ctx| control::update_access_key(catalog, &caller, ctx, &id, update.clone())).await?;
    Ok(Json(json!({"credential": describe(&key)})))
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
    reach_key(&state.catalog(), &identity, &key)?;
    state.record(|catalog, ctx| control::delete_access_key(catalog, &caller, ctx, &key)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ask for a temporary access key.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct TemporaryRequest {
    auth: TemporaryAuth,
}

#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct TemporaryAuth {
    identity: TemporaryIdentity,
}

#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct TemporaryIdentity {
    /// `["token"]`.
    methods: Vec<String>,
    token: Option<TemporaryToken>,
    /// Not available: a temporary key may do what its user may.
    policy: Option<Value>,
}

#[derive(Deserialize, ToSchema)]
pub(crate) struct TemporaryToken {
    /// A token of the caller; the one in X-Auth-Token when absent.
    id: Option<String>,
    /// 900 (default) to 86400 seconds.
    duration_seconds: Option<i64>,
}

impl std::fmt::Debug for TemporaryToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TemporaryToken")
    }
}

/// Make a temporary access key of the caller for a token. It is signed with like a permanent one, together with its
/// security token in X-Security-Token, and ends with the caller's tokens.
#[utoipa::path(post, path = "/v3.0/OS-CREDENTIAL/securitytokens", tag = "Access keys",
    operation_id = "createTemporaryCredential", request_body = TemporaryRequest,
    responses((status = 201, description = "`credential` with `access`, `secret`, `securitytoken` and `expires_at`")))]
pub(crate) async fn create_temporary(
    AxumState(state): AxumState<State>,
    identity: Identity,
    Body(request): Body<TemporaryRequest>,
) -> Result<Response, Problem> {
    let fields = request.auth.identity;
    if fields.methods != ["token"] {
        return Err(Problem::invalid("auth.identity.methods: only [\"token\"] is supported"));
    }
    if fields.policy.is_some() {
        // Dropped silently, the key could do more than its maker thinks.
        return Err(control::Error::NotSupported(
            "policy is not available for temporary keys; leave it out".to_owned(),
        )
        .into());
    }
    let token = fields.token.unwrap_or(TemporaryToken { id: None, duration_seconds: None });
    let seconds = token.duration_seconds.unwrap_or(900);
    if !(900..=86400).contains(&seconds) {
        return Err(Problem::invalid("duration_seconds: 900 to 86400 are expected"));
    }
    let good = match &token.id {
        Some(text) => state
            .catalog()
            .token(&secret::hash(text))
            .is_some_and(|token| token.user == identity.user.id && token.expires_at > state.now()),
        None => identity.token.is_some(),
    };
    if !good {
        return Err(Problem::invalid("a token of the caller is needed: in X-Auth-Token, or in auth.identity.token.id"));
    }
    let security_token = secret::token()?;
    let expires_at = state.now().plus_seconds(seconds);
    let temporary = Temporary { token_hash: secret::hash(&security_token), expires_at };
    let caller = identity.account_caller();
    let vault = state.vault();
    let made = state
        .record(|catalog, ctx| control::create_temporary_key(catalog, &caller, ctx, vault, temporary.clone()))
        .await?;
    let credential = json!({
        "access": made.key.id, "secret": made.secret, "securitytoken": security_token,
        "expires_at": expires_at.with_micros(),
    });
    Ok((StatusCode::CREATED, Json(json!({"credential": credential}))).into_response())
}

/// The user that the request is about, if the caller may reach it.
fn user(identity: &Identity, given: Option<&str>) -> Result<UserId, Problem> {
    let user = given.filter(|text| !text.is_empty()).map_or(Ok(identity.user.id), |text| id(text, "user_id"))?;
    identity.reach(user)?;
    Ok(user)
}

/// An access key of the caller's account, if the caller may reach its user.
pub(crate) fn reach_key<'a>(
    catalog: &'a Catalog,
    identity: &Identity,
    id: &AccessKeyId,
) -> Result<&'a AccessKey, Problem> {
    let key =
        catalog.access_key(id).filter(|key| identity.account_caller().manages(key.account) && key.temporary.is_none());
    let key = key.ok_or_else(|| control::Error::NotFound { kind: Kind::AccessKey, id: id.to_string() })?;
    identity.reach(key.user)?;
    Ok(key)
}

fn describe(key: &AccessKey) -> Value {
    json!({
        "access": key.id, "user_id": key.user, "status": if key.enabled { "active" } else { "inactive" },
        "description": key.description, "create_time": key.created_at.with_micros(),
    })
}
