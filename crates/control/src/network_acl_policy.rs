//! Policies and rules of network ACLs as objects of their own: the v2.0 form (api-vpc section 9.2).
//!
//! The objects are those of the other form: a policy made here can be put on any number of ACLs, and what is done to it
//! or to one of its rules holds for all of them.

use std::sync::Arc;

use catalog::Catalog;
use model::{
    Kind, NetworkAclPolicy, NetworkAclPolicyId, NetworkAclRule, NetworkAclRuleId, validate_description,
    validate_long_name,
};

use crate::network_acl_draft::Draft;
use crate::network_acl_rule::{change, make};
use crate::{Caller, Context, Error, NewNetworkAclRule, Outcome, UpdateNetworkAclRule};

/// A policy to make.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CreateNetworkAclPolicy {
    /// At most 255 characters.
    pub name: String,
    /// At most 255 characters.
    pub description: String,
    /// Whether it is declared reviewed.
    pub audited: bool,
    /// Its rules in their order, none twice.
    pub rules: Vec<NetworkAclRuleId>,
}

/// What to change of a policy; `None` leaves a field as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateNetworkAclPolicy {
    /// New name.
    pub name: Option<String>,
    /// New description.
    pub description: Option<String>,
    /// Whether it is declared reviewed.
    pub audited: Option<bool>,
    /// Its rules in their order, in place of the present ones.
    pub rules: Option<Vec<NetworkAclRuleId>>,
}

/// Where a rule goes in a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RulePlace {
    /// In front of all.
    First,
    /// Before this one.
    Before(NetworkAclRuleId),
    /// Behind this one.
    After(NetworkAclRuleId),
}

/// Makes a policy.
///
/// # Errors
/// Fields not well formed; a rule of another project, or one twice; quotas.
pub fn create_network_acl_policy(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    request: CreateNetworkAclPolicy,
) -> Result<Outcome<NetworkAclPolicy>, Error> {
    let project = caller.scope(catalog)?;
    validate_long_name(&request.name)?;
    validate_description(&request.description)?;
    let policy = NetworkAclPolicy {
        id: NetworkAclPolicyId::new(ctx.ids.uuid()),
        project: project.id,
        owner: None,
        name: request.name,
        description: request.description,
        audited: request.audited,
        rules: request.rules,
    };
    write_policy(catalog, caller, ctx, policy)
}

/// Changes a policy, and with it every ACL that has it.
///
/// # Errors
/// As [`create_network_acl_policy`].
pub fn update_network_acl_policy(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    id: NetworkAclPolicyId,
    request: UpdateNetworkAclPolicy,
) -> Result<Outcome<NetworkAclPolicy>, Error> {
    let mut policy = NetworkAclPolicy::clone(own_policy(catalog, caller, id)?);
    if let Some(name) = request.name {
        validate_long_name(&name)?;
        policy.name = name;
    }
    if let Some(description) = request.description {
        validate_description(&description)?;
        policy.description = description;
    }
    policy.audited = request.audited.unwrap_or(policy.audited);
    policy.rules = request.rules.unwrap_or(policy.rules);
    write_policy(catalog, caller, ctx, policy)
}

/// Deletes a policy that no ACL has; its rules stay.
///
/// # Errors
/// [`Error::NetworkAclPolicyInUse`].
pub fn delete_network_acl_policy(
    catalog: &Catalog,
    caller: &Caller,
    _ctx: &mut Context<'_>,
    id: NetworkAclPolicyId,
) -> Result<Outcome<()>, Error> {
    own_policy(catalog, caller, id)?;
    let acls: Vec<_> = catalog.network_acls_with_policy(id).map(|acl| acl.id).collect();
    if !acls.is_empty() {
        return Err(Error::NetworkAclPolicyInUse { policy: id, acls });
    }
    let mut draft = Draft::new(catalog);
    draft.remove_policy(id);
    Ok(Outcome::new((), draft.into_changes()))
}

/// Puts a rule into a policy.
///
/// # Errors
/// The rule is in the policy already ([`Error::RuleInPolicy`]), or the one that says where is not
/// ([`Error::RuleNotInPolicy`]); quotas.
pub fn insert_rule_into_policy(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    id: NetworkAclPolicyId,
    rule: NetworkAclRuleId,
    place: RulePlace,
) -> Result<Outcome<NetworkAclPolicy>, Error> {
    let mut policy = NetworkAclPolicy::clone(own_policy(catalog, caller, id)?);
    own_rule(catalog, caller, rule)?;
    if policy.rules.contains(&rule) {
        return Err(Error::RuleInPolicy { rule, policy: id });
    }
    let index = match place {
        RulePlace::First => 0,
        RulePlace::Before(other) => position(&policy, other)?,
        RulePlace::After(other) => position(&policy, other)? + 1,
    };
    policy.rules.insert(index, rule);
    write_policy(catalog, caller, ctx, policy)
}

/// Takes a rule out of a policy; the rule stays.
///
/// # Errors
/// [`Error::RuleNotInPolicy`].
pub fn remove_rule_from_policy(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    id: NetworkAclPolicyId,
    rule: NetworkAclRuleId,
) -> Result<Outcome<NetworkAclPolicy>, Error> {
    let mut policy = NetworkAclPolicy::clone(own_policy(catalog, caller, id)?);
    policy.rules.remove(position(&policy, rule)?);
    write_policy(catalog, caller, ctx, policy)
}

/// Makes a rule that is in no policy yet.
///
/// # Errors
/// A rule that is not well formed; quota.
pub fn create_network_acl_rule(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    request: NewNetworkAclRule,
) -> Result<Outcome<NetworkAclRule>, Error> {
    let project = caller.scope(catalog)?.id;
    let rule = make(catalog, ctx, project, request)?;
    write_rule(catalog, ctx, rule)
}

/// Changes a rule, and with it every policy and ACL that has it.
///
/// # Errors
/// A rule that would not be well formed.
pub fn update_network_acl_rule(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    id: NetworkAclRuleId,
    request: UpdateNetworkAclRule,
) -> Result<Outcome<NetworkAclRule>, Error> {
    let rule = NetworkAclRule::clone(own_rule(catalog, caller, id)?);
    let rule = change(catalog, ctx, rule, request)?;
    write_rule(catalog, ctx, rule)
}

/// Deletes a rule that is in no policy.
///
/// # Errors
/// [`Error::NetworkAclRuleInUse`].
pub fn delete_network_acl_rule(
    catalog: &Catalog,
    caller: &Caller,
    _ctx: &mut Context<'_>,
    id: NetworkAclRuleId,
) -> Result<Outcome<()>, Error> {
    own_rule(catalog, caller, id)?;
    let policies: Vec<_> = catalog.network_acl_policies_with_rule(id).map(|policy| policy.id).collect();
    if !policies.is_empty() {
        return Err(Error::NetworkAclRuleInUse { rule: id, policies });
    }
    let mut draft = Draft::new(catalog);
    draft.remove_rule(id);
    Ok(Outcome::new((), draft.into_changes()))
}

fn write_policy(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &Context<'_>,
    policy: NetworkAclPolicy,
) -> Result<Outcome<NetworkAclPolicy>, Error> {
    for (index, id) in policy.rules.iter().enumerate() {
        let rule = own_rule(catalog, caller, *id)?;
        if rule.project != policy.project {
            return Err(Error::not_found(Kind::NetworkAclRule, id));
        }
        if policy.rules.iter().take(index).any(|other| other == id) {
            return Err(Error::invalid("firewall_rules", format!("rule {id} is named twice")));
        }
    }
    let mut draft = Draft::new(catalog);
    draft.put_policy(policy.clone());
    draft.settle(ctx)?;
    Ok(Outcome::new(policy, draft.into_changes()))
}

fn write_rule(catalog: &Catalog, ctx: &Context<'_>, rule: NetworkAclRule) -> Result<Outcome<NetworkAclRule>, Error> {
    let mut draft = Draft::new(catalog);
    draft.put_rule(rule.clone());
    draft.settle(ctx)?;
    Ok(Outcome::new(rule, draft.into_changes()))
}

/// The policy, if the caller may change it.
pub(crate) fn own_policy<'a>(
    catalog: &'a Catalog,
    caller: &Caller,
    id: NetworkAclPolicyId,
) -> Result<&'a Arc<NetworkAclPolicy>, Error> {
    catalog
        .network_acl_policy(id)
        .filter(|policy| caller.sees(catalog, policy.project))
        .ok_or_else(|| Error::not_found(Kind::NetworkAclPolicy, id))
}

fn own_rule<'a>(catalog: &'a Catalog, caller: &Caller, id: NetworkAclRuleId) -> Result<&'a Arc<NetworkAclRule>, Error> {
    catalog
        .network_acl_rule(id)
        .filter(|rule| caller.sees(catalog, rule.project))
        .ok_or_else(|| Error::not_found(Kind::NetworkAclRule, id))
}

fn position(policy: &NetworkAclPolicy, rule: NetworkAclRuleId) -> Result<usize, Error> {
    let place = policy.rules.iter().position(|other| *other == rule);
    place.ok_or(Error::RuleNotInPolicy { rule, policy: policy.id })
}
