//! Tokens (api-iam §5). A token's text is shown once; its hash is stored.

use std::sync::Arc;

use axum::extract::State as AxumState;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use catalog::Catalog;
use control::CreateToken;
use model::{Account, Project, Timestamp, Token, User};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::audit;
use crate::auth::{Scope, claimed, header, secret};
use crate::error::Problem;
use crate::extract::Json as Body;
use crate::frame::Frame;
use crate::query::Query;
use crate::state::State;

/// How long a token is good, in seconds: 24 hours (limits §1.2).
const LIFETIME: i64 = 24 * 3600;

const SUBJECT_TOKEN: HeaderName = HeaderName::from_static("x-subject-token");

/// Ask for a token.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct TokenRequest {
    auth: Auth,
}

#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Auth {
    identity: IdentityFields,
    scope: Option<ScopeFields>,
}

#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct IdentityFields {
    /// `["password"]` or `["token"]`.
    methods: Vec<String>,
    password: Option<PasswordLogin>,
    token: Option<TokenFields>,
}

#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct PasswordLogin {
    user: LoginUser,
}

/// A user by id, or by name and account.
#[derive(Deserialize, ToSchema)]
pub(crate) struct LoginUser {
    id: Option<String>,
    name: Option<String>,
    domain: Option<Named>,
    password: String,
}

impl std::fmt::Debug for LoginUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoginUser").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}

#[derive(Deserialize, ToSchema)]
pub(crate) struct TokenFields {
    id: Option<String>,
}

impl std::fmt::Debug for TokenFields {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenFields")
    }
}

/// What the token shall be good for; the account when neither is given, the project when both are.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ScopeFields {
    project: Option<Named>,
    domain: Option<Named>,
}

/// Something by id or by name; `domain` is the account of a project that is named.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(no_recursion)]
pub(crate) struct Named {
    id: Option<String>,
    name: Option<String>,
    domain: Option<Box<Named>>,
}

/// Issue a token for a password, or for another token. The token is in the header X-Subject-Token.
#[utoipa::path(post, path = "/v3/auth/tokens", tag = "Tokens", operation_id = "createToken",
    params(("nocatalog" = Option<String>, Query)), request_body = TokenRequest,
    responses((status = 201, description = "`token`; its text is in the header X-Subject-Token")))]
pub(crate) async fn issue(
    AxumState(state): AxumState<State>,
    frame: Frame,
    headers: HeaderMap,
    query: Query,
    Body(request): Body<TokenRequest>,
) -> Result<Response, Problem> {
    let identity = request.auth.identity;
    let catalog = state.catalog();
    let fresh = state.now().plus_seconds(LIFETIME);
    let (user, method, password_hash, expires_at) = match identity.methods.first().map(String::as_str) {
        Some("password") => {
            let fields = identity.password.ok_or_else(|| malformed("identity.password is missing"))?;
            let user = by_password(&state, &catalog, fields.user).await?;
            let hash = user.password_hash.clone();
            (user, "password", Some(hash), fresh)
        }
        Some("token") => {
            let text = identity.token.and_then(|token| token.id);
            let text = text.as_deref().or(header(&headers, "x-auth-token")?);
            let text = text.ok_or_else(|| malformed("identity.token.id is missing"))?;
            // It ends with the token that it is made from: nobody stays in without a password for ever.
            let (user, expires_at) = by_token(&state, &catalog, text)?;
            (user, "token", None, expires_at.min(fresh))
        }
        Some(other) => {
            let other: String = other.chars().take(32).collect();
            return Err(malformed(format!("the method `{other}` is not supported; use password or token")));
        }
        None => return Err(malformed("identity.methods is empty")),
    };
    let account = catalog.account(user.account).ok_or_else(wrong_login)?;
    if let Some(attempt) = audit::current() {
        attempt.proves(account, &user);
    }
    let project = scope(&catalog, account, request.auth.scope)?;
    let text = secret::token()?;
    let request = CreateToken {
        hash: secret::hash(&text),
        user: user.id,
        project: project.as_ref().map(|project| project.id),
        methods: vec![method.to_owned()],
        expires_at,
        password_hash,
    };
    let token = state.record(|catalog, ctx| control::create_token(catalog, ctx, request.clone())).await?;
    let body = describe(&catalog, &token, &frame, &query)?;
    Ok(super::traced(with_subject(StatusCode::CREATED, &text, body), &frame))
}

/// Show a token: the caller's own, or another of the caller's account, named in X-Subject-Token.
#[utoipa::path(get, path = "/v3/auth/tokens", tag = "Tokens", operation_id = "showToken",
    params(("nocatalog" = Option<String>, Query), ("X-Subject-Token" = String, Header)),
    responses((status = 200, description = "`token`")))]
pub(crate) async fn show(
    AxumState(state): AxumState<State>,
    identity: crate::auth::Identity,
    frame: Frame,
    headers: HeaderMap,
    query: Query,
) -> Result<Response, Problem> {
    let catalog = state.catalog();
    let (text, token) = subject(&state, &catalog, &identity, &headers)?;
    Ok(with_subject(StatusCode::OK, text, describe(&catalog, &token, &frame, &query)?))
}

/// Say whether a token is good.
#[utoipa::path(head, path = "/v3/auth/tokens", tag = "Tokens", operation_id = "checkToken",
    params(("X-Subject-Token" = String, Header)), responses((status = 200, description = "It is")))]
pub(crate) async fn check(
    AxumState(state): AxumState<State>,
    identity: crate::auth::Identity,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (text, _) = subject(&state, &state.catalog(), &identity, &headers)?;
    let mut response = StatusCode::OK.into_response();
    if let Ok(text) = HeaderValue::from_str(text) {
        response.headers_mut().insert(SUBJECT_TOKEN, text);
    }
    Ok(response)
}

/// Revoke a token.
#[utoipa::path(delete, path = "/v3/auth/tokens", tag = "Tokens", operation_id = "deleteToken",
    params(("X-Subject-Token" = String, Header)), responses((status = 204)))]
pub(crate) async fn revoke(
    AxumState(state): AxumState<State>,
    identity: crate::auth::Identity,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let (_, token) = subject(&state, &state.catalog(), &identity, &headers)?;
    state.record(|catalog, _| Ok(control::revoke_token(catalog, &token.hash))).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn malformed(detail: impl std::fmt::Display) -> Problem {
    Problem::identity(StatusCode::BAD_REQUEST, format!("The request body is invalid: {detail}"), "invalid_body")
}

/// One answer for every login that fails: it tells nobody which users there are.
fn wrong_login() -> Problem {
    Problem::identity(StatusCode::UNAUTHORIZED, "The username or password is wrong.", "wrong_login")
}

async fn by_password(state: &State, catalog: &Catalog, fields: LoginUser) -> Result<Arc<User>, Problem> {
    let user = match (&fields.id, &fields.name) {
        (Some(id), _) => id.parse().ok().and_then(|id| catalog.user(id)),
        (None, Some(name)) => {
            let domain = fields.domain.ok_or_else(|| malformed("user.name needs user.domain"))?;
            account(catalog, &domain).and_then(|account| catalog.user_by_name(account.id, name))
        }
        (None, None) => return Err(malformed("user.id or user.name is missing")),
    };
    if let Some(user) = user {
        claimed(catalog, user.id);
    }
    let user = user.filter(|user| user.enabled).cloned();
    let hash = user.as_ref().map(|user| user.password_hash.clone());
    if state.passwords.matches(fields.password, hash).await? {
        user.ok_or_else(wrong_login)
    } else {
        Err(wrong_login())
    }
}

fn by_token(state: &State, catalog: &Catalog, text: &str) -> Result<(Arc<User>, Timestamp), Problem> {
    let refused = || Problem::identity(StatusCode::UNAUTHORIZED, "The token is invalid or expired.", "unknown_token");
    let token = catalog.token(&secret::hash(text)).ok_or_else(refused)?;
    claimed(catalog, token.user);
    if token.expires_at <= state.now() {
        return Err(refused());
    }
    let user = catalog.user(token.user).filter(|user| user.enabled).ok_or_else(refused)?;
    Ok((Arc::clone(user), token.expires_at))
}

fn account<'a>(catalog: &'a Catalog, named: &Named) -> Option<&'a Arc<Account>> {
    match (&named.id, &named.name) {
        (Some(id), _) => id.parse().ok().and_then(|id| catalog.account(id)),
        (None, Some(name)) => catalog.account_by_name(name),
        (None, None) => None,
    }
}

/// The project of the scope; nobody gets a token for another account.
fn scope(catalog: &Catalog, own: &Account, fields: Option<ScopeFields>) -> Result<Option<Arc<Project>>, Problem> {
    let refused = |what: &str| {
        Problem::identity(StatusCode::UNAUTHORIZED, format!("The {what} of the scope is not yours."), "foreign_scope")
    };
    let Some(fields) = fields else { return Ok(None) };
    match (fields.project, fields.domain) {
        (Some(named), _) => {
            if let Some(domain) = &named.domain
                && account(catalog, domain).is_none_or(|account| account.id != own.id)
            {
                return Err(refused("domain"));
            }
            let project = match (&named.id, &named.name) {
                (Some(id), _) => id.parse().ok().and_then(|id| catalog.project(id)),
                (None, Some(name)) => catalog.projects_of(own.id).find(|project| project.name == *name),
                (None, None) => return Err(malformed("scope.project has neither id nor name")),
            };
            let project = project.filter(|project| project.account == own.id);
            Ok(Some(Arc::clone(project.ok_or_else(|| refused("project"))?)))
        }
        (None, Some(named)) => match account(catalog, &named) {
            Some(account) if account.id == own.id => Ok(None),
            _ => Err(refused("domain")),
        },
        (None, None) => Ok(None),
    }
}

/// The token in X-Subject-Token, if it is one of the caller's account.
fn subject<'h>(
    state: &State,
    catalog: &Catalog,
    identity: &crate::auth::Identity,
    headers: &'h HeaderMap,
) -> Result<(&'h str, Arc<Token>), Problem> {
    let unknown = || {
        Problem::identity(StatusCode::NOT_FOUND, "X-Subject-Token is invalid in the request", "unknown_subject_token")
    };
    let text = header(headers, "x-subject-token")?.ok_or_else(unknown)?;
    let token = catalog.token(&secret::hash(text)).filter(|token| token.expires_at > state.now());
    let token = token.filter(|token| token.account == identity.account.id || identity.is_operator());
    Ok((text, Arc::clone(token.ok_or_else(unknown)?)))
}

fn with_subject(status: StatusCode, text: &str, body: Value) -> Response {
    let mut response = (status, axum::Json(body)).into_response();
    if let Ok(text) = HeaderValue::from_str(text) {
        response.headers_mut().insert(SUBJECT_TOKEN, text);
    }
    response
}

fn describe(catalog: &Catalog, token: &Token, frame: &Frame, query: &Query) -> Result<Value, Problem> {
    let gone = || Problem::identity(StatusCode::NOT_FOUND, "The token's user does not exist any more.", "not_found");
    let user = catalog.user(token.user).ok_or_else(gone)?;
    let account = catalog.account(token.account).ok_or_else(gone)?;
    let project = token.project.and_then(|id| catalog.project(id)).cloned();
    let domain = json!({"id": account.id, "name": account.name});
    let scope = project.clone().map_or(Scope::Account, Scope::Project);
    let services = match query.one("nocatalog") {
        Some(_) => Vec::new(),
        None => super::catalog::entries(catalog, account.id, &scope, frame),
    };
    let mut body = json!({
        "expires_at": token.expires_at.with_micros(),
        "issued_at": token.issued_at.with_micros(),
        "methods": token.methods,
        "user": {"id": user.id, "name": user.name, "domain": domain, "password_expires_at": ""},
        "roles": roles(catalog, user, token.project),
        "catalog": services,
    });
    match project {
        Some(project) => body["project"] = json!({"id": project.id, "name": project.name, "domain": domain}),
        None => body["domain"] = domain,
    }
    Ok(json!({"token": body}))
}

/// What the user may do where the token is good, by the names of its policies. Ids are always "0" (api-iam §5.1).
fn roles(catalog: &Catalog, user: &User, project: Option<model::ProjectId>) -> Vec<Value> {
    let role = |name: &str| json!({"id": "0", "name": name});
    if user.is_administrator() {
        return vec![role("te_admin")];
    }
    let policies = control::policies_in_force(catalog, user, project);
    policies
        .iter()
        .map(|policy| match policy {
            control::AnyPolicy::Builtin(builtin) => role(builtin.name),
            control::AnyPolicy::Custom(policy) => role(&policy.name),
        })
        .collect()
}
