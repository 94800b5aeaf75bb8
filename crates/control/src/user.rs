//! Users and tokens.

use catalog::Catalog;
use model::{AccountId, Kind, ProjectId, Timestamp, Token, User, UserId, validate_description, validate_name};

use crate::{Caller, Changes, Context, Error, Outcome, Quota};

/// A user to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateUser {
    /// The account: the caller's own, for operators any.
    pub account: AccountId,
    /// 1 to 64 characters, unique in the account.
    pub name: String,
    /// Argon2id hash of the password, in PHC form.
    pub password_hash: String,
    /// Whether it may log in.
    pub enabled: bool,
    /// Free text.
    pub description: String,
}

/// What to change of a user; `None` leaves a field as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateUser {
    /// New name.
    pub name: Option<String>,
    /// New text.
    pub description: Option<String>,
    /// New password's hash. Ends the user's tokens.
    pub password_hash: Option<String>,
    /// The hash that the old password was checked against, if it was: must still be the user's.
    pub old_password_hash: Option<String>,
    /// Whether it may log in. `false` ends the user's tokens.
    pub enabled: Option<bool>,
}

/// A token to issue, after the front end has checked how the caller identified itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateToken {
    /// SHA-256 of the token's text, hexadecimal.
    pub hash: String,
    /// The user.
    pub user: UserId,
    /// The project, for a project-scoped token.
    pub project: Option<ProjectId>,
    /// How it was obtained: `password` or `token`.
    pub methods: Vec<String>,
    /// From when it is refused.
    pub expires_at: Timestamp,
    /// The hash that the password was checked against, if one was: must still be the user's.
    pub password_hash: Option<String>,
}

/// Makes a user.
///
/// # Errors
/// [`Error::NotFound`] for another account; name or description not well formed, name taken; quota.
pub fn create_user(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    request: CreateUser,
) -> Result<Outcome<User>, Error> {
    let account = catalog.account(request.account).filter(|account| caller.manages(account.id));
    let account = account.ok_or_else(|| Error::not_found(Kind::Account, request.account))?;
    validate_name(&request.name)?;
    validate_description(&request.description)?;
    if catalog.user_by_name(account.id, &request.name).is_some() {
        return Err(Error::NameTaken { kind: Kind::User, name: request.name });
    }
    let (used, limit) = (catalog.users_of(account.id).count(), ctx.limits.users);
    if used >= limit {
        return Err(Error::QuotaExceeded { resource: Quota::Users, used, limit });
    }
    let user = User {
        id: UserId::new(ctx.ids.uuid()),
        name: request.name,
        account: account.id,
        password_hash: request.password_hash,
        enabled: request.enabled,
        created_at: ctx.now,
        root: false,
        description: request.description,
        policies: Vec::new(),
    };
    let mut changes = Changes::new();
    changes.lock(catalog, Kind::Account, account.id);
    changes.create(user.clone());
    Ok(Outcome::new(user, changes))
}

/// Changes a user. An account's first user is changed by itself and by operators only, an administrator by
/// administrators only.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::NotAuthorized`], also for a first user that would disable itself, and for a password that
/// was changed meanwhile; name or description not well formed, name taken.
pub fn update_user(
    catalog: &Catalog,
    caller: &Caller,
    _ctx: &mut Context<'_>,
    id: UserId,
    request: UpdateUser,
) -> Result<Outcome<User>, Error> {
    let mut user = managed_user(catalog, caller, id)?.clone();
    let mut changes = Changes::new();
    if request.old_password_hash.is_some_and(|hash| hash != user.password_hash) {
        return Err(Error::NotAuthorized("the password was changed meanwhile".to_owned()));
    }
    if user.root && request.enabled == Some(false) && (!caller.operator || caller.user == id) {
        return Err(Error::NotAuthorized("the first user of an account cannot be disabled".to_owned()));
    }
    if let Some(name) = request.name.filter(|name| *name != user.name) {
        validate_name(&name)?;
        if catalog.user_by_name(user.account, &name).is_some() {
            return Err(Error::NameTaken { kind: Kind::User, name });
        }
        // Two users that take one name at the same time both write the account.
        changes.lock(catalog, Kind::Account, user.account);
        user.name = name;
    }
    if let Some(description) = request.description {
        validate_description(&description)?;
        user.description = description;
    }
    if request.password_hash.is_some() || request.enabled == Some(false) {
        end_tokens(catalog, id, &mut changes);
    }
    user.password_hash = request.password_hash.unwrap_or(user.password_hash);
    user.enabled = request.enabled.unwrap_or(user.enabled);
    changes.replace(catalog, user.clone());
    Ok(Outcome::new(user, changes))
}

/// Deletes a user with its access keys and tokens. The first user of an account goes with the account only.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::NotAuthorized`] for the first one, and for an administrator unless by another.
pub fn delete_user(
    catalog: &Catalog,
    caller: &Caller,
    _ctx: &mut Context<'_>,
    id: UserId,
) -> Result<Outcome<()>, Error> {
    let user = own_user(catalog, caller, id)?;
    if user.root {
        return Err(Error::NotAuthorized("the first user of an account cannot be deleted".to_owned()));
    }
    let user = managed_user(catalog, caller, id)?;
    let mut changes = Changes::new();
    changes.lock(catalog, Kind::Account, user.account);
    remove_user(catalog, user, &mut changes);
    Ok(Outcome::new((), changes))
}

/// Issues a token.
///
/// # Errors
/// [`Error::NotFound`] for a user that is gone or disabled, or a project of another account.
pub fn create_token(catalog: &Catalog, ctx: &mut Context<'_>, request: CreateToken) -> Result<Outcome<Token>, Error> {
    let user = catalog.user(request.user).filter(|user| user.enabled);
    let user = user.ok_or_else(|| Error::not_found(Kind::User, request.user))?;
    if request.password_hash.is_some_and(|hash| hash != user.password_hash) {
        return Err(Error::NotAuthorized("the password was changed meanwhile".to_owned()));
    }
    if let Some(project) = request.project
        && catalog.account_of(project) != Some(user.account)
    {
        return Err(Error::not_found(Kind::Project, project));
    }
    let token = Token {
        hash: request.hash,
        user: user.id,
        account: user.account,
        project: request.project,
        methods: request.methods,
        issued_at: ctx.now,
        expires_at: request.expires_at,
    };
    let mut changes = Changes::new();
    // Disabling the user or changing its password ends the tokens that it sees: none may come in between.
    changes.lock(catalog, Kind::User, user.id);
    changes.create(token.clone());
    Ok(Outcome::new(token, changes))
}

/// Ends a token; one that is unknown has ended already.
#[must_use]
pub fn revoke_token(catalog: &Catalog, hash: &str) -> Outcome<()> {
    let mut changes = Changes::new();
    if catalog.token(hash).is_some() {
        changes.delete_unguarded(Kind::Token, hash);
    }
    Outcome::new((), changes)
}

/// Removes at most `most` tokens and temporary access keys that have expired; answers how many.
#[must_use]
pub fn delete_expired_tokens(catalog: &Catalog, now: Timestamp, most: usize) -> Outcome<usize> {
    let mut changes = Changes::new();
    let mut removed = 0;
    for token in catalog.tokens_expiring_before(now).take(most) {
        changes.delete_unguarded(Kind::Token, &token.hash);
        removed += 1;
    }
    let over = |key: &model::AccessKey| key.temporary.as_ref().is_some_and(|temporary| temporary.expires_at < now);
    for key in catalog.access_keys().filter(|key| over(key)).take(most.saturating_sub(removed)) {
        changes.delete_unguarded(Kind::AccessKey, &key.id);
        removed += 1;
    }
    Outcome::new(removed, changes)
}

/// Removes a user with its access keys and tokens.
pub(crate) fn remove_user(catalog: &Catalog, user: &User, changes: &mut Changes) {
    for key in catalog.access_keys_of(user.id) {
        changes.delete(catalog, Kind::AccessKey, &key.id);
    }
    end_tokens(catalog, user.id, changes);
    changes.delete(catalog, Kind::User, user.id);
}

/// Ends every token and temporary access key of a user: what it rests on has changed (api-iam section 5.2).
pub(crate) fn end_tokens(catalog: &Catalog, user: UserId, changes: &mut Changes) {
    for token in catalog.tokens_of(user) {
        changes.delete_unguarded(Kind::Token, &token.hash);
    }
    for key in catalog.access_keys_of(user).filter(|key| key.temporary.is_some()) {
        changes.delete_unguarded(Kind::AccessKey, &key.id);
    }
}

/// A user whom the caller may change: nobody gets more rights by changing somebody who has them.
pub(crate) fn managed_user<'a>(catalog: &'a Catalog, caller: &Caller, id: UserId) -> Result<&'a User, Error> {
    let user = own_user(catalog, caller, id)?;
    if caller.operator || caller.user == id {
        return Ok(user);
    }
    if user.root {
        let text = "the first user of an account is changed by itself only, or by an operator";
        return Err(Error::NotAuthorized(text.to_owned()));
    }
    if user.is_administrator() && !is_administrator(catalog, caller) {
        return Err(Error::NotAuthorized("an administrator is changed by administrators only".to_owned()));
    }
    Ok(user)
}

/// Whether the caller may do everything in its account.
pub(crate) fn is_administrator(catalog: &Catalog, caller: &Caller) -> bool {
    caller.operator || catalog.user(caller.user).is_some_and(|user| user.is_administrator())
}

/// A user whom the caller sees.
pub(crate) fn own_user<'a>(catalog: &'a Catalog, caller: &Caller, id: UserId) -> Result<&'a User, Error> {
    catalog
        .user(id)
        .filter(|user| caller.manages(user.account))
        .map(AsRef::as_ref)
        .ok_or_else(|| Error::not_found(Kind::User, id))
}
