//! Network ACLs and the subnets that they guard (rules ACL-1, ACL-8; api-vpc section 9).

use std::collections::BTreeSet;
use std::sync::Arc;

use catalog::Catalog;
use model::{
    Direction, Kind, NetworkAcl, NetworkAclId, NetworkAclPolicyId, Subnet, SubnetId, Tags, validate_description,
    validate_long_name, validate_optional_name,
};

use crate::enterprise_project::named_or_default;
use crate::network_acl_draft::{Draft, empty_acl};
use crate::network_acl_policy::own_policy;
use crate::subnet::own_subnet;
use crate::tags::within_limit;
use crate::{Caller, Changes, Context, Error, Outcome, Quota};

/// A network ACL to make; without rules it denies everything that enters or leaves its subnets (rule ACL-3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateNetworkAcl {
    /// At most 64 characters of names; 255 of any but `<` and `>` with [`CreateNetworkAcl::long_name`].
    pub name: String,
    /// Whether the name may be as long as the v2.0 family allows.
    pub long_name: bool,
    /// At most 255 characters.
    pub description: String,
    /// `"0"` when left out.
    pub enterprise_project_id: Option<String>,
    /// Tags.
    pub tags: Tags,
    /// Whether it has an effect (rule ACL-8).
    pub enabled: bool,
    /// The subnets to guard.
    pub subnets: BTreeSet<SubnetId>,
    /// A policy that exists, for packets that enter the subnets.
    pub ingress_policy: Option<NetworkAclPolicyId>,
    /// A policy that exists, for packets that leave the subnets.
    pub egress_policy: Option<NetworkAclPolicyId>,
}

impl Default for CreateNetworkAcl {
    fn default() -> Self {
        Self {
            name: String::new(),
            long_name: false,
            description: String::new(),
            enterprise_project_id: None,
            tags: Tags::default(),
            enabled: true,
            subnets: BTreeSet::new(),
            ingress_policy: None,
            egress_policy: None,
        }
    }
}

/// What to change of an ACL; `None` leaves a field as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateNetworkAcl {
    /// New name.
    pub name: Option<String>,
    /// Whether the name may be as long as the v2.0 family allows.
    pub long_name: bool,
    /// New description.
    pub description: Option<String>,
    /// Whether it has an effect (rule ACL-8).
    pub enabled: Option<bool>,
    /// The subnets to guard, in place of the present ones.
    pub subnets: Option<BTreeSet<SubnetId>>,
    /// The policy for packets that enter the subnets; `Some(None)` for none.
    pub ingress_policy: Option<Option<NetworkAclPolicyId>>,
    /// The policy for packets that leave the subnets; `Some(None)` for none.
    pub egress_policy: Option<Option<NetworkAclPolicyId>>,
}

/// Makes a network ACL.
///
/// # Errors
/// Fields not well formed; a subnet or policy of another project ([`Error::NotFound`]); a subnet that has an ACL; quota.
pub fn create_network_acl(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    request: CreateNetworkAcl,
) -> Result<Outcome<NetworkAcl>, Error> {
    let project = caller.scope(catalog)?;
    validate_acl_name(&request.name, request.long_name)?;
    validate_description(&request.description)?;
    let enterprise_project_id = named_or_default(request.enterprise_project_id)?;
    within_limit(&request.tags, ctx.limits)?;
    let used = catalog.network_acls_of(project.id).count();
    if used >= ctx.limits.network_acls {
        return Err(Error::QuotaExceeded { resource: Quota::NetworkAcls, used, limit: ctx.limits.network_acls });
    }
    let mut draft = Draft::new(catalog);
    let mut acl = empty_acl(NetworkAclId::new(ctx.ids.uuid()), project, ctx.now);
    acl.name = request.name;
    acl.description = request.description;
    acl.enterprise_project_id = enterprise_project_id;
    acl.tags = request.tags;
    acl.enabled = request.enabled;
    acl.ingress_policy = named_policy(catalog, caller, &acl, request.ingress_policy)?;
    acl.egress_policy = named_policy(catalog, caller, &acl, request.egress_policy)?;
    join(catalog, caller, &mut acl, &request.subnets, &mut draft.changes)?;
    draft.changes.lock(catalog, Kind::Project, project.id);
    finish(draft, ctx, acl)
}

/// Changes a network ACL.
///
/// # Errors
/// As [`create_network_acl`].
pub fn update_network_acl(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    id: NetworkAclId,
    request: UpdateNetworkAcl,
) -> Result<Outcome<NetworkAcl>, Error> {
    let mut acl = NetworkAcl::clone(own_acl(catalog, caller, id)?);
    if let Some(name) = request.name {
        validate_acl_name(&name, request.long_name)?;
        acl.name = name;
    }
    if let Some(description) = request.description {
        validate_description(&description)?;
        acl.description = description;
    }
    acl.enabled = request.enabled.unwrap_or(acl.enabled);
    let mut draft = Draft::new(catalog);
    let before = [acl.ingress_policy, acl.egress_policy];
    if let Some(policy) = request.ingress_policy {
        acl.ingress_policy = named_policy(catalog, caller, &acl, policy)?;
    }
    if let Some(policy) = request.egress_policy {
        acl.egress_policy = named_policy(catalog, caller, &acl, policy)?;
    }
    // A policy that is taken off stands by itself from now on.
    for policy in
        before.into_iter().flatten().filter(|policy| ![acl.ingress_policy, acl.egress_policy].contains(&Some(*policy)))
    {
        if let Some(mut policy) = draft.policy(policy).filter(|policy| policy.owner == Some(id)) {
            policy.owner = None;
            draft.put_policy(policy);
        }
    }
    if let Some(wanted) = request.subnets {
        acl.subnets = acl.subnets.intersection(&wanted).copied().collect();
        join(catalog, caller, &mut acl, &wanted, &mut draft.changes)?;
    }
    finish(draft, ctx, acl)
}

/// Deletes a network ACL that guards no subnet, with the rules that were added to it directly.
///
/// # Errors
/// [`Error::NetworkAclInUse`] while it has subnets.
pub fn delete_network_acl(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    id: NetworkAclId,
) -> Result<Outcome<()>, Error> {
    let acl = own_acl(catalog, caller, id)?;
    if !acl.subnets.is_empty() {
        return Err(Error::NetworkAclInUse { acl: id, subnets: acl.subnets.iter().copied().collect() });
    }
    let mut draft = Draft::new(catalog);
    draft.remove_acl(id);
    let policies: BTreeSet<_> = [acl.ingress_policy, acl.egress_policy].into_iter().flatten().collect();
    for policy in policies {
        let Some(mut policy) = draft.policy(policy).filter(|policy| policy.owner == Some(id)) else { continue };
        if draft.acls_with(policy.id).is_empty() {
            draft.remove_policy(policy.id);
            policy.rules.iter().for_each(|rule| draft.drop_rule_without_policy(*rule));
        } else {
            policy.owner = None;
            draft.put_policy(policy);
        }
    }
    draft.settle(ctx)?;
    Ok(Outcome::new((), draft.into_changes()))
}

/// Puts subnets under a network ACL; those that are under it already stay.
///
/// # Errors
/// A subnet of another project ([`Error::NotFound`]), or one that has another ACL ([`Error::SubnetHasNetworkAcl`]).
pub fn associate_subnets(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    id: NetworkAclId,
    subnets: BTreeSet<SubnetId>,
) -> Result<Outcome<NetworkAcl>, Error> {
    let mut acl = NetworkAcl::clone(own_acl(catalog, caller, id)?);
    validate_count(&subnets, ctx)?;
    let mut draft = Draft::new(catalog);
    join(catalog, caller, &mut acl, &subnets, &mut draft.changes)?;
    finish(draft, ctx, acl)
}

/// Takes subnets off a network ACL.
///
/// # Errors
/// A subnet that is not under it ([`Error::SubnetNotOnNetworkAcl`]).
pub fn disassociate_subnets(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    id: NetworkAclId,
    subnets: BTreeSet<SubnetId>,
) -> Result<Outcome<NetworkAcl>, Error> {
    let mut acl = NetworkAcl::clone(own_acl(catalog, caller, id)?);
    validate_count(&subnets, ctx)?;
    for subnet in subnets {
        if !acl.subnets.remove(&subnet) {
            return Err(Error::SubnetNotOnNetworkAcl { subnet, acl: id });
        }
    }
    finish(Draft::new(catalog), ctx, acl)
}

/// Takes a subnet that is deleted off its network ACL. The subnet's deletion guards the subnet.
pub(crate) fn leave(catalog: &Catalog, ctx: &Context<'_>, subnet: &Subnet, changes: &mut Changes) {
    if let Some(acl) = catalog.network_acl_of_subnet(subnet.id) {
        let mut acl = NetworkAcl::clone(acl);
        acl.subnets.remove(&subnet.id);
        acl.updated_at = ctx.now;
        changes.replace(catalog, acl);
    }
}

/// The ACL, if the caller may change it.
pub(crate) fn own_acl<'a>(
    catalog: &'a Catalog,
    caller: &Caller,
    id: NetworkAclId,
) -> Result<&'a Arc<NetworkAcl>, Error> {
    catalog
        .network_acl(id)
        .filter(|acl| caller.sees(catalog, acl.project))
        .ok_or_else(|| Error::not_found(Kind::NetworkAcl, id))
}

/// The policy for the rules that are added to an ACL directly.
pub(crate) fn policy_for(
    draft: &mut Draft<'_>,
    ctx: &mut Context<'_>,
    acl: &mut NetworkAcl,
    direction: Direction,
) -> Result<model::NetworkAclPolicy, Error> {
    if let Some(id) = acl.policy(direction) {
        return draft.policy(id).ok_or_else(|| Error::not_found(Kind::NetworkAclPolicy, id));
    }
    let policy = model::NetworkAclPolicy {
        id: NetworkAclPolicyId::new(ctx.ids.uuid()),
        project: acl.project,
        owner: Some(acl.id),
        name: String::new(),
        description: String::new(),
        audited: false,
        rules: Vec::new(),
    };
    match direction {
        Direction::Ingress => acl.ingress_policy = Some(policy.id),
        Direction::Egress => acl.egress_policy = Some(policy.id),
    }
    draft.put_acl(acl.clone());
    Ok(policy)
}

/// Writes the ACL and what hangs on it.
pub(crate) fn finish(mut draft: Draft<'_>, ctx: &Context<'_>, acl: NetworkAcl) -> Result<Outcome<NetworkAcl>, Error> {
    let id = acl.id;
    draft.put_acl(acl);
    draft.settle(ctx)?;
    let acl = draft.acl(id).ok_or_else(|| Error::not_found(Kind::NetworkAcl, id))?;
    Ok(Outcome::new(acl, draft.into_changes()))
}

fn join(
    catalog: &Catalog,
    caller: &Caller,
    acl: &mut NetworkAcl,
    subnets: &BTreeSet<SubnetId>,
    changes: &mut Changes,
) -> Result<(), Error> {
    for id in subnets {
        let subnet = own_subnet(catalog, caller, *id)?;
        if subnet.project != acl.project {
            return Err(Error::not_found(Kind::Subnet, id));
        }
        if let Some(other) = catalog.network_acl_of_subnet(*id).filter(|other| other.id != acl.id) {
            return Err(Error::SubnetHasNetworkAcl { subnet: *id, acl: other.id, name: other.name.clone() });
        }
        if acl.subnets.insert(*id) {
            // Another ACL that would take the same subnet looked at it as well.
            changes.lock(catalog, Kind::Subnet, id);
        }
    }
    Ok(())
}

fn named_policy(
    catalog: &Catalog,
    caller: &Caller,
    acl: &NetworkAcl,
    policy: Option<NetworkAclPolicyId>,
) -> Result<Option<NetworkAclPolicyId>, Error> {
    let Some(id) = policy else { return Ok(None) };
    let policy = own_policy(catalog, caller, id)?;
    if policy.project == acl.project { Ok(Some(id)) } else { Err(Error::not_found(Kind::NetworkAclPolicy, id)) }
}

fn validate_count(subnets: &BTreeSet<SubnetId>, ctx: &Context<'_>) -> Result<(), Error> {
    let most = ctx.limits.subnets_per_association;
    if subnets.is_empty() || subnets.len() > most {
        return Err(Error::invalid("subnets", format!("1 to {most} subnets are expected in one call")));
    }
    Ok(())
}

/// The name of an ACL or rule: each form has its own lengths and characters (limits section 3).
pub(crate) fn validate_acl_name(name: &str, long: bool) -> Result<(), Error> {
    let checked = if long { validate_long_name(name) } else { validate_optional_name(name) };
    checked.map_err(Error::from)
}
