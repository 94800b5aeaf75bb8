//! Accounts: operators make them, with a user, an access key and a project in each region.

use axum::Json;
use axum::extract::{Path, State as AxumState};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use control::{CreateAccessKey, CreateAccount, NewAccessKey, Outcome};
use model::{Account, AccountId, Kind, Project, Site, User};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::auth::{Identity, secret};
use crate::error::Problem;
use crate::extract::{Json as Body, path_id, required};
use crate::frame::Frame;
use crate::state::State;

/// An account.
#[derive(Serialize, ToSchema)]
pub(crate) struct AccountObject {
    id: String,
    name: String,
    /// `cn` or `intl`.
    site: &'static str,
    /// Whether it may make accounts and look into all of them.
    operator: bool,
}

impl AccountObject {
    pub(super) fn new(account: &Account) -> Self {
        let site = match account.site {
            Site::Cn => "cn",
            Site::Intl => "intl",
        };
        Self { id: account.id.to_string(), name: account.name.clone(), site, operator: account.operator }
    }
}

/// A project, named after its region.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProjectName {
    id: String,
    name: String,
}

impl ProjectName {
    pub(super) fn new(project: &Project) -> Self {
        Self { id: project.id.to_string(), name: project.name.clone() }
    }
}

/// Accounts.
#[derive(Serialize, ToSchema)]
pub(crate) struct AccountList {
    accounts: Vec<AccountObject>,
}

/// Make an account.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct AccountRequest {
    name: Option<String>,
    /// `cn` (default) or `intl`.
    site: Option<String>,
}

/// A new account. Password and secret are in this answer and nowhere else.
#[derive(Serialize, ToSchema)]
pub(crate) struct AccountMade {
    account: AccountObject,
    user: UserSecret,
    access_key: KeySecret,
    projects: Vec<ProjectName>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct UserSecret {
    id: String,
    name: String,
    password: String,
}

impl UserSecret {
    pub(super) fn new(user: &User, password: String) -> Self {
        Self { id: user.id.to_string(), name: user.name.clone(), password }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct KeySecret {
    access: String,
    secret: String,
}

impl KeySecret {
    pub(super) fn new(made: NewAccessKey) -> Self {
        Self { access: made.key.id.to_string(), secret: made.secret }
    }
}

/// List all accounts. Operators only.
#[utoipa::path(get, path = "/causeway/v1/accounts", tag = "Causeway", operation_id = "listAccounts",
    responses((status = 200, body = AccountList)))]
pub(crate) async fn list(AxumState(state): AxumState<State>, identity: Identity) -> Result<Json<AccountList>, Problem> {
    if !identity.is_operator() {
        return Err(Problem::forbidden("only the operator's account may list accounts"));
    }
    let accounts = control::accounts(&state.catalog(), &identity.account_caller());
    Ok(Json(AccountList { accounts: accounts.iter().map(|account| AccountObject::new(account)).collect() }))
}

/// Make an account. Operators only.
#[utoipa::path(post, path = "/causeway/v1/accounts", tag = "Causeway", operation_id = "createAccount",
    request_body = AccountRequest, responses((status = 201, body = AccountMade)))]
pub(crate) async fn create(
    AxumState(state): AxumState<State>,
    identity: Identity,
    Body(request): Body<AccountRequest>,
) -> Result<Response, Problem> {
    if !identity.is_operator() {
        return Err(Problem::forbidden("only the operator's account may make accounts"));
    }
    identity.permanent()?;
    let name = required(request.name, "name")?;
    let site = match request.site.as_deref().unwrap_or("cn") {
        "cn" => Site::Cn,
        "intl" => Site::Intl,
        _ => return Err(Problem::invalid("site: cn or intl is expected")),
    };
    let password = secret::password()?;
    let password_hash = state.passwords.hash(password.clone()).await?;
    let request = CreateAccount { name: name.clone(), site, user_name: name, password_hash };
    let caller = identity.account_caller();
    let (made, key) = state
        .record(|catalog, ctx| {
            // Account and key are one commit: there is never an account that nobody can use.
            let account = control::create_account(catalog, &caller, ctx, request.clone())?;
            let unreadable = |error: catalog::CatalogError| control::Error::Unavailable(error.to_string());
            let (with_account, _) = account.changes.preview(catalog).map_err(unreadable)?;
            let wanted = CreateAccessKey::new(account.value.user.id);
            let key = control::create_access_key(&with_account, &caller, ctx, state.vault(), wanted)?;
            let mut changes = account.changes;
            changes.merge(key.changes);
            Ok(Outcome::new((account.value, key.value), changes))
        })
        .await?;
    let body = describe(&made.account, &made.user, &made.projects, key, password);
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

/// Delete an account that has no VPCs and servers any more. Operators only.
#[utoipa::path(delete, path = "/causeway/v1/accounts/{id}", tag = "Causeway", operation_id = "deleteAccount",
    responses((status = 204)))]
pub(crate) async fn delete(
    AxumState(state): AxumState<State>,
    Path(account): Path<String>,
    identity: Identity,
    frame: Frame,
) -> Result<Response, Problem> {
    if !identity.is_operator() {
        return Err(Problem::forbidden("only the operator's account may delete accounts"));
    }
    let account: AccountId = path_id(&frame, Kind::Account, &account)?;
    let done = state
        .commit(&identity.account_caller(), move |catalog, caller, ctx| {
            control::delete_account(catalog, caller, ctx, account)
        })
        .await?;
    Ok(done.gone())
}

/// Give the first user of an account a new password and one new access key in the place of all that it has. Operators
/// only: the way back in for an account that has lost its secrets.
#[utoipa::path(post, path = "/causeway/v1/accounts/{id}/rotate", tag = "Causeway", operation_id = "rotateAccount",
    responses((status = 200, body = AccountMade)))]
pub(crate) async fn rotate(
    AxumState(state): AxumState<State>,
    Path(account): Path<String>,
    identity: Identity,
    frame: Frame,
) -> Result<Json<AccountMade>, Problem> {
    if !identity.is_operator() {
        return Err(Problem::forbidden("only the operator's account may replace an account's secrets"));
    }
    identity.permanent()?;
    let id: AccountId = path_id(&frame, Kind::Account, &account)?;
    let missing = || control::Error::NotFound { kind: Kind::Account, id: id.to_string() };
    let first = state.catalog().users_of(id).find(|user| user.root).map(|user| user.id).ok_or_else(missing)?;
    let password = secret::password()?;
    let hash = state.passwords.hash(password.clone()).await?;
    let caller = identity.account_caller();
    let (user, key) = state
        .record(|catalog, ctx| control::reset_user(catalog, &caller, ctx, state.vault(), first, hash.clone()))
        .await?;
    let catalog = state.catalog();
    let account = catalog.account(id).ok_or_else(missing)?;
    let projects: Vec<Project> = catalog.projects_of(id).map(|project| Project::clone(project)).collect();
    Ok(Json(describe(account, &user, &projects, key, password)))
}

fn describe(account: &Account, user: &User, projects: &[Project], key: NewAccessKey, password: String) -> AccountMade {
    AccountMade {
        account: AccountObject::new(account),
        user: UserSecret::new(user, password),
        access_key: KeySecret::new(key),
        projects: projects.iter().map(ProjectName::new).collect(),
    }
}
