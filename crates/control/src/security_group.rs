//! Security groups (rules SG-2, SG-10, SG-12; api-vpc section 8.1).

use std::sync::Arc;

use catalog::Catalog;
use model::{
    Direction, IpVersion, Kind, Project, ProjectId, Remote, RuleAction, SecurityGroup, SecurityGroupId,
    SecurityGroupRule, SecurityGroupRuleId, ServiceRange, Tags, validate_description, validate_name,
};

use crate::enterprise_project::{DEFAULT_ENTERPRISE_PROJECT, named_or_default};
use crate::error::GroupUse;
use crate::security_rule::within_rule_quota;
use crate::tags::within_limit;
use crate::{Caller, Changes, Context, Error, Outcome, Quota};

/// A security group to make; it gets the four default rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CreateSecurityGroup {
    /// 1 to 64 characters, not unique.
    pub name: String,
    /// At most 255 characters.
    pub description: String,
    /// `"0"` when left out.
    pub enterprise_project_id: Option<String>,
    /// Tags.
    pub tags: Tags,
}

/// What to change of a group; `None` leaves a field as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateSecurityGroup {
    /// New name.
    pub name: Option<String>,
    /// New description.
    pub description: Option<String>,
}

/// The name of the group that every project has (rule SG-10).
pub(crate) const DEFAULT_NAME: &str = "default";

/// Makes a security group with rules that let its members reach each other and everything outside.
///
/// # Errors
/// Name or description not well formed; quota.
pub fn create_security_group(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    request: CreateSecurityGroup,
) -> Result<Outcome<SecurityGroup>, Error> {
    let project = caller.scope(catalog)?;
    validate_name(&request.name)?;
    validate_description(&request.description)?;
    let enterprise_project_id = named_or_default(request.enterprise_project_id)?;
    within_limit(&request.tags, ctx.limits)?;
    let used = catalog.security_groups_of(project.id).count();
    if used >= ctx.limits.security_groups {
        let limit = ctx.limits.security_groups;
        return Err(Error::QuotaExceeded { resource: Quota::SecurityGroups, used, limit });
    }
    let mut group = empty_group(ctx, project, request.name);
    group.description = request.description;
    group.enterprise_project_id = enterprise_project_id;
    group.tags = request.tags;
    group.rules = member_rules(ctx, group.id);
    within_rule_quota(catalog, ctx, project.id, 0, group.rules.len())?;
    let mut changes = Changes::new();
    changes.lock(catalog, Kind::Project, project.id);
    changes.create(group.clone());
    Ok(Outcome::new(group, changes))
}

/// Changes a group's name and description.
///
/// # Errors
/// [`Error::DefaultGroup`] for a new name of the default group; fields not well formed.
pub fn update_security_group(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    id: SecurityGroupId,
    request: UpdateSecurityGroup,
) -> Result<Outcome<SecurityGroup>, Error> {
    let mut group = SecurityGroup::clone(own_group(catalog, caller, id)?);
    if let Some(name) = request.name
        && name != group.name
    {
        validate_name(&name)?;
        if group.default {
            return Err(Error::DefaultGroup { group: id });
        }
        group.name = name;
    }
    if let Some(description) = request.description {
        validate_description(&description)?;
        group.description = description;
    }
    group.updated_at = ctx.now;
    let mut changes = Changes::new();
    changes.replace(catalog, group.clone());
    Ok(Outcome::new(group, changes))
}

/// Deletes a group that is not the default one.
///
/// # Errors
/// [`Error::DefaultGroup`]; [`Error::GroupInUse`] while ports are in it or rules of other groups name it.
pub fn delete_security_group(
    catalog: &Catalog,
    caller: &Caller,
    _ctx: &mut Context<'_>,
    id: SecurityGroupId,
) -> Result<Outcome<()>, Error> {
    let group = own_group(catalog, caller, id)?;
    if group.default {
        return Err(Error::DefaultGroup { group: id });
    }
    let ports: Vec<_> = catalog.ports_with_group(id).map(|port| port.id).collect();
    if !ports.is_empty() {
        return Err(Error::GroupInUse { group: id, by: GroupUse::Ports(ports) });
    }
    let groups: Vec<_> =
        catalog.security_groups_naming(id).map(|other| other.id).filter(|other| *other != id).collect();
    if !groups.is_empty() {
        return Err(Error::GroupInUse { group: id, by: GroupUse::Rules(groups) });
    }
    // Whoever begins to use the group touches it, so this fails then.
    let mut changes = Changes::new();
    changes.delete(catalog, Kind::SecurityGroup, id);
    Ok(Outcome::new((), changes))
}

/// The project's default group; made on first need (rule SG-10).
pub(crate) fn default_group(
    catalog: &Catalog,
    ctx: &mut Context<'_>,
    project: ProjectId,
    changes: &mut Changes,
) -> Result<SecurityGroupId, Error> {
    if let Some(group) = catalog.default_security_group(project) {
        return Ok(group.id);
    }
    let project = catalog.project(project).ok_or_else(|| Error::not_found(Kind::Project, project))?;
    changes.lock(catalog, Kind::Project, project.id);
    let group = new_default_group(ctx, project);
    let id = group.id;
    changes.create(group);
    Ok(id)
}

/// The default group of a project: out everything, in everything from members and SSH and RDP from anywhere.
pub(crate) fn new_default_group(ctx: &mut Context<'_>, project: &Project) -> SecurityGroup {
    let mut group = empty_group(ctx, project, DEFAULT_NAME.to_owned());
    group.description = "Default security group".to_owned();
    group.default = true;
    group.rules = member_rules(ctx, group.id);
    for port in [22, 3389] {
        group.rules.push(SecurityGroupRule {
            protocol: Some(model::Protocol::TCP),
            services: vec![ServiceRange { first: port, last: port }],
            ..any_rule(ctx, Direction::Ingress, IpVersion::V4)
        });
    }
    group.rules.sort_unstable_by_key(|rule| rule.id);
    group
}

fn empty_group(ctx: &mut Context<'_>, project: &Project, name: String) -> SecurityGroup {
    SecurityGroup {
        id: SecurityGroupId::new(ctx.ids.uuid()),
        project: project.id,
        region: project.region.clone(),
        name,
        description: String::new(),
        default: false,
        enterprise_project_id: DEFAULT_ENTERPRISE_PROJECT.to_owned(),
        tags: Tags::default(),
        rules: Vec::new(),
        created_at: ctx.now,
        updated_at: ctx.now,
    }
}

/// The rules that api-vpc section 8.1 gives a new group: out everything, in from members, for both families.
fn member_rules(ctx: &mut Context<'_>, group: SecurityGroupId) -> Vec<SecurityGroupRule> {
    let mut rules = Vec::with_capacity(4);
    for version in [IpVersion::V4, IpVersion::V6] {
        rules.push(any_rule(ctx, Direction::Egress, version));
        let remote = Remote::Group(group);
        rules.push(SecurityGroupRule { remote, ..any_rule(ctx, Direction::Ingress, version) });
    }
    rules.sort_unstable_by_key(|rule| rule.id);
    rules
}

fn any_rule(ctx: &mut Context<'_>, direction: Direction, version: IpVersion) -> SecurityGroupRule {
    SecurityGroupRule {
        id: SecurityGroupRuleId::new(ctx.ids.uuid()),
        direction,
        action: RuleAction::Allow,
        priority: 100,
        version,
        protocol: None,
        services: Vec::new(),
        remote: Remote::Any,
        description: String::new(),
        enabled: true,
        created_at: ctx.now,
    }
}

/// The group, if the caller may change it.
pub(crate) fn own_group<'a>(
    catalog: &'a Catalog,
    caller: &Caller,
    id: SecurityGroupId,
) -> Result<&'a Arc<SecurityGroup>, Error> {
    catalog
        .security_group(id)
        .filter(|group| caller.sees(catalog, group.project))
        .ok_or_else(|| Error::not_found(Kind::SecurityGroup, id))
}
