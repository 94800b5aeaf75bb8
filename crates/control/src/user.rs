//! Users, access keys and tokens.

use catalog::Catalog;
use model::{AccessKey, AccessKeyId, AccountId, Kind, ProjectId, Timestamp, Token, User, UserId, validate_name};

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
}

/// What to change of a user; `None` leaves a field as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateUser {
    /// New password's hash. Ends the user's tokens.
    pub password_hash: Option<String>,
    /// Whether it may log in. `false` ends the user's tokens.
    pub enabled: Option<bool>,
}

/// An access key to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateAccessKey {
    /// The user.
    pub user: UserId,
    /// Public half and secret to use, for set-ups that need fixed ones; made up when left out.
    pub given: Option<(AccessKeyId, String)>,
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
/// [`Error::NotFound`] for another account; name not well formed or taken.
pub fn create_user(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    request: CreateUser,
) -> Result<Outcome<User>, Error> {
    let account = catalog.account(request.account).filter(|account| caller.manages(account.id));
    let account = account.ok_or_else(|| Error::not_found(Kind::Account, request.account))?;
    validate_name(&request.name)?;
    if catalog.user_by_name(account.id, &request.name).is_some() {
        return Err(Error::NameTaken { kind: Kind::User, name: request.name });
    }
    let user = User {
        id: UserId::new(ctx.ids.uuid()),
        name: request.name,
        account: account.id,
        password_hash: request.password_hash,
        enabled: request.enabled,
        created_at: ctx.now,
    };
    let mut changes = Changes::new();
    changes.lock(catalog, Kind::Account, account.id);
    changes.create(user.clone());
    Ok(Outcome::new(user, changes))
}

/// Changes a user.
///
/// # Errors
/// [`Error::NotFound`].
pub fn update_user(
    catalog: &Catalog,
    caller: &Caller,
    _ctx: &mut Context<'_>,
    id: UserId,
    request: UpdateUser,
) -> Result<Outcome<User>, Error> {
    let mut user = own_user(catalog, caller, id)?.clone();
    let mut changes = Changes::new();
    if request.password_hash.is_some() || request.enabled == Some(false) {
        end_tokens(catalog, id, &mut changes);
    }
    user.password_hash = request.password_hash.unwrap_or(user.password_hash);
    user.enabled = request.enabled.unwrap_or(user.enabled);
    changes.replace(catalog, user.clone());
    Ok(Outcome::new(user, changes))
}

/// Deletes a user with its access keys and tokens. The last user of an account goes with the account only.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::NotAuthorized`] for the last one.
pub fn delete_user(
    catalog: &Catalog,
    caller: &Caller,
    _ctx: &mut Context<'_>,
    id: UserId,
) -> Result<Outcome<()>, Error> {
    let user = own_user(catalog, caller, id)?;
    if catalog.users_of(user.account).count() == 1 {
        return Err(Error::NotAuthorized("the last user of an account cannot be deleted".to_owned()));
    }
    let mut changes = Changes::new();
    changes.lock(catalog, Kind::Account, user.account);
    remove_user(catalog, user, &mut changes);
    Ok(Outcome::new((), changes))
}

/// Makes an access key: 20 characters `[A-Z0-9]` and a secret of 40 characters (api-iam section 1).
///
/// # Errors
/// [`Error::NotFound`]; quota; a given key that exists or is not well formed.
pub fn create_access_key(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    request: CreateAccessKey,
) -> Result<Outcome<AccessKey>, Error> {
    const PUBLIC: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    const SECRET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let user = own_user(catalog, caller, request.user)?;
    let used = catalog.access_keys_of(user.id).count();
    if used >= ctx.limits.access_keys_per_user {
        let limit = ctx.limits.access_keys_per_user;
        return Err(Error::QuotaExceeded { resource: Quota::AccessKeys, used, limit });
    }
    let (id, secret) = request.given.unwrap_or_else(|| (AccessKeyId(ctx.text(20, PUBLIC)), ctx.text(40, SECRET)));
    if id.0.len() != 20 || !id.0.bytes().all(|b| PUBLIC.contains(&b)) {
        return Err(Error::invalid("access", "20 characters A to Z and 0 to 9 are expected"));
    }
    if secret.len() < 16 || !secret.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(Error::invalid("secret", "at least 16 printable characters are expected"));
    }
    if catalog.access_key(&id).is_some() {
        return Err(Error::NameTaken { kind: Kind::AccessKey, name: id.0 });
    }
    let key = AccessKey { id, secret, user: user.id, account: user.account, created_at: ctx.now };
    let mut changes = Changes::new();
    changes.lock(catalog, Kind::User, user.id);
    changes.create(key.clone());
    Ok(Outcome::new(key, changes))
}

/// Deletes an access key and ends the tokens of its user.
///
/// # Errors
/// [`Error::NotFound`].
pub fn delete_access_key(
    catalog: &Catalog,
    caller: &Caller,
    _ctx: &mut Context<'_>,
    id: &AccessKeyId,
) -> Result<Outcome<()>, Error> {
    let key = catalog.access_key(id).filter(|key| caller.manages(key.account));
    let key = key.ok_or_else(|| Error::not_found(Kind::AccessKey, id))?;
    let mut changes = Changes::new();
    end_tokens(catalog, key.user, &mut changes);
    changes.delete(catalog, Kind::AccessKey, id);
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

/// Removes at most `most` tokens that have expired; answers how many.
#[must_use]
pub fn delete_expired_tokens(catalog: &Catalog, now: Timestamp, most: usize) -> Outcome<usize> {
    let mut changes = Changes::new();
    let mut removed = 0;
    for token in catalog.tokens_expiring_before(now).take(most) {
        changes.delete_unguarded(Kind::Token, &token.hash);
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

fn end_tokens(catalog: &Catalog, user: UserId, changes: &mut Changes) {
    for token in catalog.tokens_of(user) {
        changes.delete_unguarded(Kind::Token, &token.hash);
    }
}

fn own_user<'a>(catalog: &'a Catalog, caller: &Caller, id: UserId) -> Result<&'a User, Error> {
    catalog
        .user(id)
        .filter(|user| caller.manages(user.account))
        .map(AsRef::as_ref)
        .ok_or_else(|| Error::not_found(Kind::User, id))
}
