//! Access keys. Secrets leave this module once, when they are made; what is stored is sealed.

use std::fmt;

use catalog::Catalog;
use model::{AccessKey, AccessKeyId, KeySecret, Kind, Temporary, User, UserId, validate_description};

use crate::user::{end_tokens, managed_user};
use crate::{Caller, Changes, Context, Error, Outcome, Quota, Vault};

const PUBLIC: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const SECRET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Temporary access keys of a user at the same time: each is gone after a day at the latest.
const TEMPORARY_LIMIT: usize = 100;

/// An access key to make.
#[derive(Clone, PartialEq, Eq)]
pub struct CreateAccessKey {
    /// The user.
    pub user: UserId,
    /// Public half and secret to use, for set-ups that need fixed ones; made up when left out.
    pub given: Option<(AccessKeyId, String)>,
    /// Free text.
    pub description: String,
}

impl CreateAccessKey {
    /// A key that is made up, without a text.
    #[must_use]
    pub fn new(user: UserId) -> Self {
        Self { user, given: None, description: String::new() }
    }
}

impl fmt::Debug for CreateAccessKey {
    /// Leaves the secret out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreateAccessKey").field("user", &self.user).finish_non_exhaustive()
    }
}

/// An access key that was just made, with its secret in clear.
#[derive(Clone, PartialEq, Eq)]
pub struct NewAccessKey {
    /// The key as it is stored.
    pub key: AccessKey,
    /// The secret half.
    pub secret: String,
}

impl fmt::Debug for NewAccessKey {
    /// Leaves the secret out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewAccessKey").field("key", &self.key).finish_non_exhaustive()
    }
}

/// What to change of an access key; `None` leaves a field as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateAccessKey {
    /// Whether it is good for anything.
    pub enabled: Option<bool>,
    /// New text.
    pub description: Option<String>,
}

/// Makes an access key: 20 characters `[A-Z0-9]` and a secret of 40 characters (api-iam section 1).
///
/// # Errors
/// [`Error::NotFound`]; [`Error::NotAuthorized`] for somebody with more rights; quota; a given key that exists or is not
/// well formed.
pub fn create_access_key(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    vault: &Vault,
    request: CreateAccessKey,
) -> Result<Outcome<NewAccessKey>, Error> {
    let user = managed_user(catalog, caller, request.user)?;
    let permanent = catalog.access_keys_of(user.id).filter(|key| key.temporary.is_none());
    let (used, limit) = (permanent.count(), ctx.limits.access_keys_per_user);
    if used >= limit {
        return Err(Error::QuotaExceeded { resource: Quota::AccessKeys, used, limit });
    }
    let mut changes = Changes::new();
    changes.lock(catalog, Kind::User, user.id);
    let made = make(catalog, ctx, vault, user, request, &mut changes)?;
    Ok(Outcome::new(made, changes))
}

fn make(
    catalog: &Catalog,
    ctx: &mut Context<'_>,
    vault: &Vault,
    user: &User,
    request: CreateAccessKey,
    changes: &mut Changes,
) -> Result<NewAccessKey, Error> {
    validate_description(&request.description)?;
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
    let key = AccessKey {
        secret: vault.seal(ctx, &id, &secret)?,
        id,
        user: user.id,
        account: user.account,
        created_at: ctx.now,
        enabled: true,
        description: request.description,
        temporary: None,
    };
    changes.create(key.clone());
    Ok(NewAccessKey { key, secret })
}

/// Makes a temporary access key of the caller (api-iam section 5.3). It ends with the caller's tokens.
///
/// # Errors
/// [`Error::NotFound`] for a user that is gone; quota.
pub fn create_temporary_key(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    vault: &Vault,
    temporary: Temporary,
) -> Result<Outcome<NewAccessKey>, Error> {
    let user = managed_user(catalog, caller, caller.user)?;
    let used = catalog.access_keys_of(user.id).filter(|key| key.temporary.is_some()).count();
    if used >= TEMPORARY_LIMIT {
        return Err(Error::QuotaExceeded { resource: Quota::AccessKeys, used, limit: TEMPORARY_LIMIT });
    }
    let mut changes = Changes::new();
    // Disabling the user or changing its password ends the keys that it sees: none may come in between.
    changes.lock(catalog, Kind::User, user.id);
    let mut made = make(catalog, ctx, vault, user, CreateAccessKey::new(user.id), &mut Changes::new())?;
    made.key.temporary = Some(temporary);
    changes.create(made.key.clone());
    Ok(Outcome::new(made, changes))
}

/// Changes an access key; the tokens of its user end when it is turned on or off.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::NotAuthorized`] for a key of somebody with more rights; description not well formed.
pub fn update_access_key(
    catalog: &Catalog,
    caller: &Caller,
    _ctx: &mut Context<'_>,
    id: &AccessKeyId,
    request: UpdateAccessKey,
) -> Result<Outcome<AccessKey>, Error> {
    let mut key = managed_key(catalog, caller, id)?.clone();
    let mut changes = Changes::new();
    if let Some(enabled) = request.enabled.filter(|enabled| *enabled != key.enabled) {
        key.enabled = enabled;
        end_tokens(catalog, key.user, &mut changes);
    }
    if let Some(description) = request.description {
        validate_description(&description)?;
        key.description = description;
    }
    changes.replace(catalog, key.clone());
    Ok(Outcome::new(key, changes))
}

/// Deletes an access key and ends the tokens of its user.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::NotAuthorized`] for a key of somebody with more rights.
pub fn delete_access_key(
    catalog: &Catalog,
    caller: &Caller,
    _ctx: &mut Context<'_>,
    id: &AccessKeyId,
) -> Result<Outcome<()>, Error> {
    let key = managed_key(catalog, caller, id)?;
    let mut changes = Changes::new();
    end_tokens(catalog, key.user, &mut changes);
    changes.delete(catalog, Kind::AccessKey, id);
    Ok(Outcome::new((), changes))
}

/// Makes a new access key in the place of an old one, in one step; the tokens of its user end.
///
/// # Errors
/// As [`delete_access_key`].
pub fn rotate_access_key(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    vault: &Vault,
    id: &AccessKeyId,
) -> Result<Outcome<NewAccessKey>, Error> {
    let old = managed_key(catalog, caller, id)?;
    let user = managed_user(catalog, caller, old.user)?;
    let request = CreateAccessKey { description: old.description.clone(), ..CreateAccessKey::new(user.id) };
    let Outcome { changes: mut all, .. } = delete_access_key(catalog, caller, ctx, id)?;
    all.lock(catalog, Kind::User, user.id);
    let made = make(catalog, ctx, vault, user, request, &mut all)?;
    Ok(Outcome::new(made, all))
}

/// Gives a user a new password and one new access key in the place of all that it has, and enables it: the way back in
/// for who has lost them, and the way out for who has found them.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::NotAuthorized`] for somebody with more rights.
pub fn reset_user(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    vault: &Vault,
    id: UserId,
    password_hash: String,
) -> Result<Outcome<(User, NewAccessKey)>, Error> {
    let mut user = managed_user(catalog, caller, id)?.clone();
    let mut changes = Changes::new();
    for key in catalog.access_keys_of(id) {
        changes.delete(catalog, Kind::AccessKey, &key.id);
    }
    end_tokens(catalog, id, &mut changes);
    user.password_hash = password_hash;
    user.enabled = true;
    changes.replace(catalog, user.clone());
    let made = make(catalog, ctx, vault, &user, CreateAccessKey::new(id), &mut changes)?;
    Ok(Outcome::new((user, made), changes))
}

/// Seals the secrets that a store of an earlier version has in clear; answers how many.
///
/// # Errors
/// [`Error::Unavailable`]; never for secrets of a sane length.
pub fn seal_access_keys(catalog: &Catalog, ctx: &mut Context<'_>, vault: &Vault) -> Result<Outcome<usize>, Error> {
    let mut changes = Changes::new();
    let mut sealed = 0;
    for key in catalog.access_keys() {
        if let KeySecret::Clear(secret) = &key.secret {
            let secret = vault.seal(ctx, &key.id, secret)?;
            changes.replace(catalog, AccessKey { secret, ..AccessKey::clone(key) });
            sealed += 1;
        }
    }
    Ok(Outcome::new(sealed, changes))
}

/// A key of a user whom the caller may change.
fn managed_key<'a>(catalog: &'a Catalog, caller: &Caller, id: &AccessKeyId) -> Result<&'a AccessKey, Error> {
    let key = catalog.access_key(id).filter(|key| caller.manages(key.account) && key.temporary.is_none());
    let key = key.ok_or_else(|| Error::not_found(Kind::AccessKey, id))?;
    managed_user(catalog, caller, key.user)?;
    Ok(key)
}
