//! Users (api-iam §6): the Keystone form under `/v3`, the service's own under `/v3.0/OS-USER`.

use axum::Json;
use axum::extract::{Path, State as AxumState};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use catalog::Catalog;
use control::{CreateUser, UpdateUser};
use model::{Kind, User, UserId};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::directory::{Links, missing};
use crate::auth::Identity;
use crate::error::Problem;
use crate::extract::{Json as Body, id, path_id, required};
use crate::frame::Frame;
use crate::query::Query;
use crate::state::State;

/// A user to make or to change.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct UserRequest {
    user: UserFields,
}

#[derive(Deserialize, ToSchema)]
pub(crate) struct UserFields {
    name: Option<String>,
    /// The account; the caller's when absent.
    domain_id: Option<String>,
    /// 6 to 32 characters of at least two kinds. Without one the user has access keys only.
    password: Option<String>,
    enabled: Option<bool>,
    description: Option<String>,
    /// Only false: nobody is made to change a password.
    pwd_status: Option<bool>,
    /// Only `default`.
    access_mode: Option<String>,
    /// Not kept: must be empty.
    email: Option<String>,
    /// Not kept: must be empty.
    phone: Option<String>,
    /// Not kept: must be empty.
    areacode: Option<String>,
    /// Not kept: must be empty.
    xuser_id: Option<String>,
    /// Not kept: must be empty.
    xuser_type: Option<String>,
}

impl std::fmt::Debug for UserFields {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UserFields").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A new password and the one before.
#[derive(Deserialize, ToSchema)]
pub(crate) struct PasswordRequest {
    user: PasswordFields,
}

#[derive(Deserialize, ToSchema)]
pub(crate) struct PasswordFields {
    password: String,
    original_password: String,
}

impl std::fmt::Debug for PasswordRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordRequest")
    }
}

impl UserFields {
    /// Refuses what nothing here would keep: dropped silently, a client would take it for in force.
    fn check(&self) -> Result<(), Problem> {
        let texts = [
            ("email", &self.email),
            ("phone", &self.phone),
            ("areacode", &self.areacode),
            ("xuser_id", &self.xuser_id),
            ("xuser_type", &self.xuser_type),
        ];
        let given = texts.iter().find(|(_, text)| text.as_ref().is_some_and(|text| !text.is_empty()));
        let field = match given {
            Some((name, _)) => Some(*name),
            None if self.pwd_status == Some(true) => Some("pwd_status"),
            None if self.access_mode.as_deref().is_some_and(|mode| mode != "default") => Some("access_mode"),
            None => None,
        };
        match field {
            Some(field) => {
                let text = format!("{field} is not available in this installation; leave it out");
                Err(control::Error::NotSupported(text).into())
            }
            None => Ok(()),
        }
    }
}

/// The Argon2id hash of a password that is not too weak.
async fn hashed(state: &State, user: &str, password: String) -> Result<String, Problem> {
    let kinds: [fn(&char) -> bool; 3] = [char::is_ascii_lowercase, char::is_ascii_uppercase, char::is_ascii_digit];
    let special = password.chars().any(|c| !c.is_ascii_alphanumeric());
    let kinds = kinds.iter().filter(|kind| password.chars().any(|c| kind(&c))).count() + usize::from(special);
    let length = password.chars().count();
    let name: String = user.to_lowercase();
    let alike = |text: &str| text == name || text.chars().rev().eq(name.chars());
    if !(6..=32).contains(&length) || kinds < 2 || alike(&password.to_lowercase()) {
        let text = "The password is too weak: 6 to 32 characters of at least two kinds (lower case, upper case, digits, \
                    others) are expected, and not the user's name.";
        return Err(Problem::coded(StatusCode::BAD_REQUEST, "1118", text, "weak_password"));
    }
    state.passwords.hash(password).await
}

async fn make(state: &State, identity: &Identity, fields: UserFields) -> Result<User, Problem> {
    fields.check()?;
    let name = required(fields.name, "name")?;
    let account = match fields.domain_id.as_deref().filter(|text| !text.is_empty()) {
        Some(text) => id(text, "domain_id")?,
        None => identity.account.id,
    };
    let password_hash = match fields.password {
        Some(password) => {
            identity.permanent()?;
            hashed(state, &name, password).await?
        }
        None => String::new(),
    };
    let request = CreateUser {
        account,
        name,
        password_hash,
        enabled: fields.enabled.unwrap_or(true),
        description: fields.description.unwrap_or_default(),
    };
    let caller = identity.account_caller();
    state.record(|catalog, ctx| control::create_user(catalog, &caller, ctx, request.clone())).await
}

async fn change(state: &State, identity: &Identity, id: UserId, fields: UserFields) -> Result<User, Problem> {
    fields.check()?;
    let caller = identity.account_caller();
    let user = control::user(&state.catalog(), &caller, id)?;
    if fields.domain_id.is_some_and(|domain| domain != user.account.to_string()) {
        return Err(Problem::invalid("domain_id: a user stays in its account"));
    }
    let password_hash = match fields.password {
        Some(password) => {
            identity.permanent()?;
            Some(hashed(state, fields.name.as_ref().unwrap_or(&user.name), password).await?)
        }
        None => None,
    };
    let update = UpdateUser {
        name: fields.name,
        description: fields.description,
        password_hash,
        old_password_hash: None,
        enabled: fields.enabled,
    };
    state.record(|catalog, ctx| control::update_user(catalog, &caller, ctx, id, update.clone())).await
}

/// A user of the caller's account whom the caller may look at.
fn seen(catalog: &Catalog, identity: &Identity, text: &str) -> Result<std::sync::Arc<User>, Problem> {
    let wrong = || missing("user", text);
    let id: UserId = text.parse().map_err(|_| wrong())?;
    identity.reach(id)?;
    control::user(catalog, &identity.account_caller(), id).map_err(|_| wrong())
}

fn keystone(user: &User, frame: &Frame) -> Value {
    json!({
        "id": user.id, "name": user.name, "domain_id": user.account, "enabled": user.enabled,
        "description": user.description, "password_expires_at": null, "pwd_status": false,
        "links": {"self": format!("{}/v3/users/{}", frame.base, user.id)},
    })
}

fn detailed(user: &User, frame: &Frame) -> Value {
    let mut body = keystone(user, frame);
    body["password_expires_at"] = json!("");
    body["is_domain_owner"] = json!(user.root);
    body["access_mode"] = json!("default");
    body["create_time"] = json!(user.created_at.with_micros());
    body["xuser_id"] = json!("");
    body["xuser_type"] = json!("");
    body["email"] = json!("");
    body["phone"] = json!("");
    body["areacode"] = json!("");
    body
}

/// List the users of the caller's account; the caller alone without the permission to list others.
#[utoipa::path(get, path = "/v3/users", tag = "Users", operation_id = "listUsers",
    responses((status = 200, description = "`users` of the caller's account, and `links`")))]
pub(crate) async fn list(
    AxumState(state): AxumState<State>,
    identity: Identity,
    frame: Frame,
    query: Query,
) -> Json<Value> {
    let catalog = state.catalog();
    let account = identity.account.id.to_string();
    let users: Vec<Value> = catalog
        .users_of(identity.account.id)
        .filter(|user| identity.reach(user.id).is_ok())
        .filter(|user| query.is("name", &user.name) && query.is("domain_id", &account))
        .filter(|user| query.flag("enabled", user.enabled))
        .map(|user| keystone(user, &frame))
        .collect();
    Json(json!({"users": users, "links": Links::of(frame.url())}))
}

/// Make a user. It has no permission until a policy is attached to it.
#[utoipa::path(post, path = "/v3/users", tag = "Users", operation_id = "createUser",
    request_body = UserRequest, responses((status = 201, description = "`user`")))]
pub(crate) async fn create(
    AxumState(state): AxumState<State>,
    identity: Identity,
    frame: Frame,
    Body(request): Body<UserRequest>,
) -> Result<Response, Problem> {
    let user = make(&state, &identity, request.user).await?;
    Ok((StatusCode::CREATED, Json(json!({"user": keystone(&user, &frame)}))).into_response())
}

/// Show a user of the caller's account.
#[utoipa::path(get, path = "/v3/users/{user_id}", tag = "Users", operation_id = "showUser",
    responses((status = 200, description = "`user`")))]
pub(crate) async fn show(
    AxumState(state): AxumState<State>,
    Path(user): Path<String>,
    identity: Identity,
    frame: Frame,
) -> Result<Json<Value>, Problem> {
    let user = seen(&state.catalog(), &identity, &user)?;
    Ok(Json(json!({"user": keystone(&user, &frame)})))
}

/// Change a user: its tokens end with a new password and when it is disabled.
#[utoipa::path(patch, path = "/v3/users/{user_id}", tag = "Users", operation_id = "updateUser",
    request_body = UserRequest, responses((status = 200, description = "`user`")))]
pub(crate) async fn update(
    AxumState(state): AxumState<State>,
    Path(user): Path<String>,
    identity: Identity,
    frame: Frame,
    Body(request): Body<UserRequest>,
) -> Result<Json<Value>, Problem> {
    let user = change(&state, &identity, path_id(&frame, Kind::User, &user)?, request.user).await?;
    Ok(Json(json!({"user": keystone(&user, &frame)})))
}

/// Delete a user with its access keys and tokens.
#[utoipa::path(delete, path = "/v3/users/{user_id}", tag = "Users", operation_id = "deleteUser",
    responses((status = 204)))]
pub(crate) async fn delete(
    AxumState(state): AxumState<State>,
    Path(user): Path<String>,
    identity: Identity,
    frame: Frame,
) -> Result<StatusCode, Problem> {
    let id: UserId = path_id(&frame, Kind::User, &user)?;
    let caller = identity.account_caller();
    state.record(|catalog, ctx| control::delete_user(catalog, &caller, ctx, id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Change the caller's own password. Its tokens end.
#[utoipa::path(post, path = "/v3/users/{user_id}/password", tag = "Users", operation_id = "updateUserPassword",
    request_body = PasswordRequest, responses((status = 204)))]
pub(crate) async fn change_password(
    AxumState(state): AxumState<State>,
    Path(user): Path<String>,
    identity: Identity,
    Body(request): Body<PasswordRequest>,
) -> Result<StatusCode, Problem> {
    let catalog = state.catalog();
    let user = seen(&catalog, &identity, &user)?;
    if user.id != identity.user.id {
        return Err(Problem::identity(
            StatusCode::FORBIDDEN,
            "A user changes its own password only; an administrator sets one with PATCH.",
            "not_own_password",
        ));
    }
    let old = user.password_hash.clone();
    let fields = request.user;
    if !state.passwords.matches(fields.original_password.clone(), Some(old.clone())).await? {
        return Err(Problem::coded(
            StatusCode::BAD_REQUEST,
            "1103",
            "The original password is wrong.",
            "wrong_password",
        ));
    }
    if fields.password == fields.original_password {
        let text = "The new password must be different from the old password.";
        return Err(Problem::coded(StatusCode::BAD_REQUEST, "1108", text, "same_password"));
    }
    let hash = hashed(&state, &user.name, fields.password).await?;
    let update = UpdateUser { password_hash: Some(hash), old_password_hash: Some(old), ..UpdateUser::default() };
    let caller = identity.account_caller();
    state.record(|catalog, ctx| control::update_user(catalog, &caller, ctx, user.id, update.clone())).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Make a user.
#[utoipa::path(post, path = "/v3.0/OS-USER/users", tag = "Users", operation_id = "createUserDetailed",
    request_body = UserRequest, responses((status = 201, description = "`user`")))]
pub(crate) async fn create_detailed(
    AxumState(state): AxumState<State>,
    identity: Identity,
    frame: Frame,
    Body(request): Body<UserRequest>,
) -> Result<Response, Problem> {
    let user = make(&state, &identity, request.user).await?;
    Ok((StatusCode::CREATED, Json(json!({"user": detailed(&user, &frame)}))).into_response())
}

/// Show a user of the caller's account, with what only this form tells.
#[utoipa::path(get, path = "/v3.0/OS-USER/users/{user_id}", tag = "Users", operation_id = "showUserDetailed",
    responses((status = 200, description = "`user`")))]
pub(crate) async fn show_detailed(
    AxumState(state): AxumState<State>,
    Path(user): Path<String>,
    identity: Identity,
    frame: Frame,
) -> Result<Json<Value>, Problem> {
    let user = seen(&state.catalog(), &identity, &user)?;
    Ok(Json(json!({"user": detailed(&user, &frame)})))
}

/// Change a user.
#[utoipa::path(put, path = "/v3.0/OS-USER/users/{user_id}", tag = "Users", operation_id = "updateUserDetailed",
    request_body = UserRequest, responses((status = 200, description = "`user`")))]
pub(crate) async fn update_detailed(
    AxumState(state): AxumState<State>,
    Path(user): Path<String>,
    identity: Identity,
    frame: Frame,
    Body(request): Body<UserRequest>,
) -> Result<Json<Value>, Problem> {
    let user = change(&state, &identity, path_id(&frame, Kind::User, &user)?, request.user).await?;
    Ok(Json(json!({"user": detailed(&user, &frame)})))
}
