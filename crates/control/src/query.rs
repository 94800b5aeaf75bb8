//! Reads: lists in the order of ids, and single objects, with what the caller may see.

use std::sync::Arc;

use catalog::Catalog;
use model::{
    Account, AddressGroup, AddressGroupId, CidrReservation, CidrReservationId, Kind, NetworkAcl, NetworkAclId,
    NetworkAclPolicy, NetworkAclPolicyId, NetworkAclRule, NetworkAclRuleId, Port, PortId, Project, ProjectId,
    SecurityGroup, SecurityGroupId, SecurityGroupRuleId, Server, ServerId, Subnet, SubnetId, User, UserId, Vpc, VpcId,
};

use crate::{Caller, Error};

/// The objects of every project that the caller sees, by id.
pub(crate) fn seen<'a, T, I, K>(
    catalog: &'a Catalog,
    caller: &Caller,
    of: impl Fn(ProjectId) -> I,
    id: impl Fn(&T) -> K,
) -> Vec<Arc<T>>
where
    T: 'a,
    I: Iterator<Item = &'a Arc<T>>,
    K: Ord,
{
    if let Some(project) = caller.project {
        return of(project).cloned().collect();
    }
    let projects = catalog.projects().filter(|project| caller.sees(catalog, project.id));
    let mut objects: Vec<_> = projects.flat_map(|project| of(project.id)).cloned().collect();
    objects.sort_unstable_by_key(|object| id(object));
    objects.dedup_by_key(|object| id(object));
    objects
}

macro_rules! reads {
    ($($one:ident $id:ty, $all:ident $of:ident => $kind:ident, $what:literal;)*) => {
        $(
            #[doc = concat!("A ", $what, " that the caller sees.")]
            ///
            /// # Errors
            /// [`Error::NotFound`], also for one of another account.
            pub fn $one(catalog: &Catalog, caller: &Caller, id: $id) -> Result<Arc<$kind>, Error> {
                let object = catalog.$one(id).filter(|object| caller.sees(catalog, object.project));
                object.cloned().ok_or_else(|| Error::not_found(Kind::$kind, id))
            }

            #[doc = concat!("Every ", $what, " that the caller sees, by id.")]
            #[must_use]
            pub fn $all(catalog: &Catalog, caller: &Caller) -> Vec<Arc<$kind>> {
                seen(catalog, caller, |project| catalog.$of(project), |object| object.id)
            }
        )*
    };
}

reads! {
    vpc VpcId, vpcs vpcs_of => Vpc, "VPC";
    subnet SubnetId, subnets subnets_of_project => Subnet, "subnet";
    security_group SecurityGroupId, security_groups security_groups_of => SecurityGroup, "security group";
    network_acl NetworkAclId, network_acls network_acls_of => NetworkAcl, "network ACL";
    network_acl_policy NetworkAclPolicyId, network_acl_policies network_acl_policies_of => NetworkAclPolicy,
        "network ACL policy";
    network_acl_rule NetworkAclRuleId, network_acl_rules network_acl_rules_of => NetworkAclRule, "network ACL rule";
    address_group AddressGroupId, address_groups address_groups_of => AddressGroup, "address group";
    port PortId, ports ports_of_project => Port, "port";
    server ServerId, servers servers_of => Server, "server";
    cidr_reservation CidrReservationId, cidr_reservations cidr_reservations_of => CidrReservation, "CIDR reservation";
}

/// The group that has a rule, if the caller sees it.
///
/// # Errors
/// [`Error::RuleNotFound`].
pub fn security_group_of_rule(
    catalog: &Catalog,
    caller: &Caller,
    rule: SecurityGroupRuleId,
) -> Result<Arc<SecurityGroup>, Error> {
    let group = catalog.security_group_of_rule(rule).filter(|group| caller.sees(catalog, group.project));
    group.cloned().ok_or_else(|| Error::RuleNotFound { id: rule.to_string() })
}

/// The default security group of the caller's project; `None` until it is needed first.
///
/// # Errors
/// [`Error::NoProject`].
pub fn default_security_group(catalog: &Catalog, caller: &Caller) -> Result<Option<Arc<SecurityGroup>>, Error> {
    Ok(catalog.default_security_group(caller.scope(catalog)?.id).cloned())
}

/// The accounts that the caller sees: its own, for an operator all.
#[must_use]
pub fn accounts(catalog: &Catalog, caller: &Caller) -> Vec<Arc<Account>> {
    catalog.accounts().filter(|account| caller.manages(account.id)).cloned().collect()
}

/// The projects of the caller's account, for an operator all, by id. The call's own project does not matter.
#[must_use]
pub fn projects(catalog: &Catalog, caller: &Caller) -> Vec<Arc<Project>> {
    catalog.projects().filter(|project| caller.manages(project.account)).cloned().collect()
}

/// One of [`projects`].
///
/// # Errors
/// [`Error::NotFound`].
pub fn project(catalog: &Catalog, caller: &Caller, id: ProjectId) -> Result<Arc<Project>, Error> {
    let project = catalog.project(id).filter(|project| caller.manages(project.account));
    project.cloned().ok_or_else(|| Error::not_found(Kind::Project, id))
}

/// The users of the caller's account, for an operator all, by id.
#[must_use]
pub fn users(catalog: &Catalog, caller: &Caller) -> Vec<Arc<User>> {
    catalog.users().filter(|user| caller.manages(user.account)).cloned().collect()
}

/// One of [`users`].
///
/// # Errors
/// [`Error::NotFound`].
pub fn user(catalog: &Catalog, caller: &Caller, id: UserId) -> Result<Arc<User>, Error> {
    let user = catalog.user(id).filter(|user| caller.manages(user.account));
    user.cloned().ok_or_else(|| Error::not_found(Kind::User, id))
}
