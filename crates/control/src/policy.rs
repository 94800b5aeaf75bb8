//! Policies of accounts, and which users have them (api-iam section 9).

use std::sync::Arc;

use catalog::Catalog;
use model::{
    Attachment, Builtin, Kind, Policy, PolicyDocument, PolicyId, PolicyScope, ProjectId, User, UserId, builtins,
    validate_description,
};

use crate::user::{end_tokens, is_administrator, managed_user, own_user};
use crate::{Caller, Changes, Context, Error, Outcome, Quota};

/// Most characters of a policy's name.
const NAME_LIMIT: usize = 128;

/// A policy to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatePolicy {
    /// 1 to 128 characters, unique in the account and among the built-in ones.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Free text in Chinese.
    pub description_cn: String,
    /// Where it is meant to be attached.
    pub scope: PolicyScope,
    /// What it says.
    pub document: PolicyDocument,
}

/// What to change of a policy; `None` leaves a field as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdatePolicy {
    /// New name.
    pub name: Option<String>,
    /// New text.
    pub description: Option<String>,
    /// New text in Chinese.
    pub description_cn: Option<String>,
    /// Where it is meant to be attached.
    pub scope: Option<PolicyScope>,
    /// What it says from now on. Ends the tokens of the users that have it.
    pub document: Option<PolicyDocument>,
}

/// A policy of either kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnyPolicy {
    /// One that every installation has.
    Builtin(&'static Builtin),
    /// One that the account has made.
    Custom(Arc<Policy>),
}

impl AnyPolicy {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> PolicyId {
        match self {
            Self::Builtin(builtin) => builtin.id,
            Self::Custom(policy) => policy.id,
        }
    }

    /// What people call it.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Builtin(builtin) => builtin.display_name,
            Self::Custom(policy) => &policy.name,
        }
    }

    /// What it says.
    #[must_use]
    pub fn document(&self) -> &PolicyDocument {
        match self {
            Self::Builtin(builtin) => &builtin.document,
            Self::Custom(policy) => &policy.document,
        }
    }
}

/// Makes a policy of the caller's account.
///
/// # Errors
/// Name or description not well formed, name taken; quota.
pub fn create_policy(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    request: CreatePolicy,
) -> Result<Outcome<Policy>, Error> {
    let account = caller.account;
    if catalog.account(account).is_none() {
        return Err(Error::not_found(Kind::Account, account));
    }
    validate_description(&request.description)?;
    validate_description(&request.description_cn)?;
    free_name(catalog, caller, &request.name)?;
    let (used, limit) = (catalog.policies_of(account).count(), ctx.limits.policies);
    if used >= limit {
        return Err(Error::QuotaExceeded { resource: Quota::Policies, used, limit });
    }
    let policy = Policy {
        id: PolicyId::new(ctx.ids.uuid()),
        account,
        name: request.name,
        description: request.description,
        description_cn: request.description_cn,
        scope: request.scope,
        document: request.document,
        created_at: ctx.now,
        updated_at: ctx.now,
    };
    let mut changes = Changes::new();
    changes.lock(catalog, Kind::Account, account);
    changes.create(policy.clone());
    Ok(Outcome::new(policy, changes))
}

/// Changes a policy. When it says something else, the tokens of the users that have it end (api-iam section 5.2).
///
/// # Errors
/// [`Error::NotFound`]; [`Error::NotAuthorized`] for a built-in one; name or description not well formed, name taken.
pub fn update_policy(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    id: PolicyId,
    request: UpdatePolicy,
) -> Result<Outcome<Policy>, Error> {
    let mut policy = own_policy(catalog, caller, id)?.clone();
    let mut changes = Changes::new();
    if let Some(name) = request.name.filter(|name| *name != policy.name) {
        free_name(catalog, caller, &name)?;
        changes.lock(catalog, Kind::Account, policy.account);
        policy.name = name;
    }
    for (text, of) in
        [(request.description, &mut policy.description), (request.description_cn, &mut policy.description_cn)]
    {
        if let Some(text) = text {
            validate_description(&text)?;
            *of = text;
        }
    }
    policy.scope = request.scope.unwrap_or(policy.scope);
    if let Some(document) = request.document.filter(|document| *document != policy.document) {
        policy.document = document;
        for user in holders(catalog, &policy) {
            end_tokens(catalog, user.id, &mut changes);
        }
    }
    policy.updated_at = ctx.now;
    changes.replace(catalog, policy.clone());
    Ok(Outcome::new(policy, changes))
}

/// Deletes a policy that no user has.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::NotAuthorized`] for a built-in one; [`Error::PolicyInUse`].
pub fn delete_policy(
    catalog: &Catalog,
    caller: &Caller,
    _ctx: &mut Context<'_>,
    id: PolicyId,
) -> Result<Outcome<()>, Error> {
    let policy = own_policy(catalog, caller, id)?;
    let users: Vec<String> = holders(catalog, policy).map(|user| user.name.clone()).collect();
    if !users.is_empty() {
        return Err(Error::PolicyInUse { policy: id, users });
    }
    let mut changes = Changes::new();
    changes.delete(catalog, Kind::Policy, id);
    Ok(Outcome::new((), changes))
}

/// Gives a user a policy, for all of its account or for one project. Has no effect when the user has it already.
///
/// # Errors
/// [`Error::NotFound`] for a user, policy or project that is not of the account; [`Error::NotAuthorized`] for the first
/// user, and for the administrators' policy unless by an administrator; quota.
pub fn attach_policy(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    id: UserId,
    attachment: Attachment,
) -> Result<Outcome<User>, Error> {
    let mut user = managed_user(catalog, caller, id)?.clone();
    let policy = policy_of_account(catalog, user.account, attachment.policy)?;
    if user.root {
        return Err(Error::NotAuthorized("the first user of an account may do everything already".to_owned()));
    }
    if matches!(policy, AnyPolicy::Builtin(builtin) if builtin.administrator) {
        if !is_administrator(catalog, caller) {
            return Err(Error::NotAuthorized("administrators are made by administrators only".to_owned()));
        }
        if attachment.project.is_some() {
            let reason = "an administrator is one of the whole account; leave the project out";
            return Err(Error::invalid("project_id", reason));
        }
    }
    if let Some(project) = attachment.project
        && catalog.account_of(project) != Some(user.account)
    {
        return Err(Error::not_found(Kind::Project, project));
    }
    let mut changes = Changes::new();
    let Err(place) = user.policies.binary_search(&attachment) else { return Ok(Outcome::new(user, changes)) };
    let (used, limit) = (user.policies.len(), ctx.limits.policies_per_user);
    if used >= limit {
        return Err(Error::QuotaExceeded { resource: Quota::PoliciesOfUser, used, limit });
    }
    user.policies.insert(place, attachment);
    if matches!(policy, AnyPolicy::Custom(_)) {
        changes.share(Kind::Policy, attachment.policy);
    }
    if let Some(project) = attachment.project {
        changes.share(Kind::Project, project);
    }
    end_tokens(catalog, id, &mut changes);
    changes.replace(catalog, user.clone());
    Ok(Outcome::new(user, changes))
}

/// Takes a policy from a user.
///
/// # Errors
/// [`Error::NotFound`] for another account's user, and for a policy that the user has not.
pub fn detach_policy(
    catalog: &Catalog,
    caller: &Caller,
    _ctx: &mut Context<'_>,
    id: UserId,
    policy: PolicyId,
    project: Option<ProjectId>,
) -> Result<Outcome<User>, Error> {
    let mut user = managed_user(catalog, caller, id)?.clone();
    let attachment = Attachment { policy, project };
    let Ok(place) = user.policies.binary_search(&attachment) else {
        return Err(Error::not_found(Kind::Policy, policy));
    };
    user.policies.remove(place);
    let mut changes = Changes::new();
    end_tokens(catalog, id, &mut changes);
    changes.replace(catalog, user.clone());
    Ok(Outcome::new(user, changes))
}

/// A policy that the caller sees: a built-in one or one of its account.
///
/// # Errors
/// [`Error::NotFound`].
pub fn policy(catalog: &Catalog, caller: &Caller, id: PolicyId) -> Result<AnyPolicy, Error> {
    policy_of_account(catalog, caller.account, id)
}

/// The policies that the caller's account has made, by id.
#[must_use]
pub fn policies(catalog: &Catalog, caller: &Caller) -> Vec<Arc<Policy>> {
    catalog.policies_of(caller.account).cloned().collect()
}

/// The policies that a user has, those that count for a call in this project: `None` for a call without one.
pub fn policies_in_force(catalog: &Catalog, user: &User, project: Option<ProjectId>) -> Vec<AnyPolicy> {
    let covering = user.policies.iter().filter(|attachment| attachment.covers(project));
    covering.filter_map(|attachment| policy_of_account(catalog, user.account, attachment.policy).ok()).collect()
}

/// Every policy of a user whom the caller sees, with the project that it is good for.
///
/// # Errors
/// [`Error::NotFound`].
pub fn attachments(
    catalog: &Catalog,
    caller: &Caller,
    id: UserId,
) -> Result<Vec<(AnyPolicy, Option<ProjectId>)>, Error> {
    let user = own_user(catalog, caller, id)?;
    let found = |at: &Attachment| Some((policy_of_account(catalog, user.account, at.policy).ok()?, at.project));
    Ok(user.policies.iter().filter_map(found).collect())
}

fn policy_of_account(catalog: &Catalog, account: model::AccountId, id: PolicyId) -> Result<AnyPolicy, Error> {
    if let Some(builtin) = builtins().iter().find(|builtin| builtin.id == id) {
        return Ok(AnyPolicy::Builtin(builtin));
    }
    let policy = catalog.policy(id).filter(|policy| policy.account == account);
    policy.cloned().map(AnyPolicy::Custom).ok_or_else(|| Error::not_found(Kind::Policy, id))
}

/// A policy that the caller's account may change.
fn own_policy<'a>(catalog: &'a Catalog, caller: &Caller, id: PolicyId) -> Result<&'a Policy, Error> {
    if builtins().iter().any(|builtin| builtin.id == id) {
        return Err(Error::NotAuthorized("a built-in policy cannot be changed or deleted".to_owned()));
    }
    let policy = catalog.policy(id).filter(|policy| policy.account == caller.account);
    policy.map(AsRef::as_ref).ok_or_else(|| Error::not_found(Kind::Policy, id))
}

fn holders<'a>(catalog: &'a Catalog, policy: &Policy) -> impl Iterator<Item = &'a Arc<User>> {
    let id = policy.id;
    catalog.users_of(policy.account).filter(move |user| user.policies.iter().any(|at| at.policy == id))
}

fn free_name(catalog: &Catalog, caller: &Caller, name: &str) -> Result<(), Error> {
    let length = name.chars().count();
    if length == 0 || length > NAME_LIMIT || name.trim() != name {
        return Err(Error::invalid("name", "1 to 128 characters without space around them are expected"));
    }
    if let Some(wrong) = name.chars().find(|c| c.is_control() || "<>\"'&\\/".contains(*c)) {
        return Err(Error::invalid("name", format!("`{}` is not allowed in a policy's name", wrong.escape_default())));
    }
    let builtin = builtins().iter().any(|builtin| builtin.display_name == name || builtin.name == name);
    if builtin || catalog.policies_of(caller.account).any(|policy| policy.name == name) {
        return Err(Error::NameTaken { kind: Kind::Policy, name: name.to_owned() });
    }
    Ok(())
}
