//! Rules of security groups (rules SG-1, SG-8, SG-12; api-vpc section 8.2).

use catalog::Catalog;
use model::{
    Direction, IpVersion, Kind, ProjectId, Protocol, Remote, RuleAction, SecurityGroup, SecurityGroupId,
    SecurityGroupRule, SecurityGroupRuleId, ServiceRange, validate_description,
};

use crate::security_group::own_group;
use crate::{Caller, Changes, Context, Error, Outcome, Quota};

/// A rule to make. Rules are never changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSecurityGroupRule {
    /// Which way.
    pub direction: Direction,
    /// Allow or deny.
    pub action: RuleAction,
    /// 1 (first) to 100. Clients that leave it out mean 1 (api-vpc section 8.2).
    pub priority: u8,
    /// Address family.
    pub version: IpVersion,
    /// `None` for all.
    pub protocol: Option<Protocol>,
    /// Destination ports, or ICMP `type << 8 | code`; empty for all.
    pub services: Vec<ServiceRange>,
    /// The other side. A range is stored in canonical form.
    pub remote: Remote,
    /// At most 255 characters.
    pub description: String,
    /// Whether it has an effect.
    pub enabled: bool,
}

impl NewSecurityGroupRule {
    /// A rule that allows everything in this direction from and to anywhere over IPv4.
    #[must_use]
    pub fn allow(direction: Direction) -> Self {
        Self {
            direction,
            action: RuleAction::Allow,
            priority: 1,
            version: IpVersion::V4,
            protocol: None,
            services: Vec::new(),
            remote: Remote::Any,
            description: String::new(),
            enabled: true,
        }
    }
}

/// Rules to add to one group, all or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateSecurityGroupRules {
    /// The group.
    pub group: SecurityGroupId,
    /// The rules.
    pub rules: Vec<NewSecurityGroupRule>,
    /// Leave out rules that the group has already, instead of refusing them.
    pub ignore_duplicates: bool,
}

/// Adds rules to a group; answers the new ones in the order given.
///
/// # Errors
/// A rule that is not well formed, names a group of another account or region ([`Error::NotFound`], rule SG-8), or is
/// there already; quotas.
pub fn create_security_group_rules(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    request: CreateSecurityGroupRules,
) -> Result<Outcome<Vec<SecurityGroupRule>>, Error> {
    let mut group = SecurityGroup::clone(own_group(catalog, caller, request.group)?);
    let before = group.rules.len();
    let mut changes = Changes::new();
    let mut added = Vec::with_capacity(request.rules.len());
    for mut rule in request.rules {
        validate(&mut rule, ctx)?;
        name_remote(catalog, &group, &rule, &mut changes)?;
        let rule = SecurityGroupRule {
            id: SecurityGroupRuleId::new(ctx.ids.uuid()),
            direction: rule.direction,
            action: rule.action,
            priority: rule.priority,
            version: rule.version,
            protocol: rule.protocol,
            services: rule.services,
            remote: rule.remote,
            description: rule.description,
            enabled: rule.enabled,
            created_at: ctx.now,
        };
        match group.rules.iter().find(|other| same(other, &rule)) {
            Some(_) if request.ignore_duplicates => {}
            Some(other) => return Err(Error::RuleExists { group: group.id, rule: other.id }),
            None => {
                group.rules.push(rule.clone());
                added.push(rule);
            }
        }
    }
    if added.is_empty() {
        return Ok(Outcome::new(added, Changes::new()));
    }
    within_rule_quota(catalog, ctx, group.project, before, added.len())?;
    group.rules.sort_unstable_by_key(|rule| rule.id);
    group.updated_at = ctx.now;
    changes.lock(catalog, Kind::Project, group.project);
    changes.replace(catalog, group);
    Ok(Outcome::new(added, changes))
}

/// Whether a group with some rules, and its project, may have so many more.
pub(crate) fn within_rule_quota(
    catalog: &Catalog,
    ctx: &Context<'_>,
    project: ProjectId,
    before: usize,
    more: usize,
) -> Result<(), Error> {
    let all: usize = catalog.security_groups_of(project).map(|group| group.rules.len()).sum();
    for (used, limit) in [(before, ctx.limits.rules_per_group), (all, ctx.limits.security_group_rules)] {
        if used + more > limit {
            return Err(Error::QuotaExceeded { resource: Quota::SecurityGroupRules, used, limit });
        }
    }
    Ok(())
}

/// Removes a rule; answers it as it was.
///
/// # Errors
/// [`Error::RuleNotFound`].
pub fn delete_security_group_rule(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    id: SecurityGroupRuleId,
) -> Result<Outcome<SecurityGroupRule>, Error> {
    let not_found = || Error::RuleNotFound { id: id.to_string() };
    let group = catalog.security_group_of_rule(id).filter(|group| caller.sees(catalog, group.project));
    let mut group = SecurityGroup::clone(group.ok_or_else(not_found)?);
    let position = group.rules.iter().position(|rule| rule.id == id).ok_or_else(not_found)?;
    let rule = group.rules.remove(position);
    group.updated_at = ctx.now;
    let mut changes = Changes::new();
    changes.replace(catalog, group);
    Ok(Outcome::new(rule, changes))
}

/// Everything but id, description and time.
fn same(a: &SecurityGroupRule, b: &SecurityGroupRule) -> bool {
    let what = |rule: &SecurityGroupRule| {
        (rule.direction, rule.action, rule.priority, rule.version, rule.protocol, rule.remote, rule.enabled)
    };
    what(a) == what(b) && a.services == b.services
}

/// A group that a rule names must be of the same account and region (rule SG-8), an address group of the same project and
/// of the rule's family.
fn name_remote(
    catalog: &Catalog,
    group: &SecurityGroup,
    rule: &NewSecurityGroupRule,
    changes: &mut Changes,
) -> Result<(), Error> {
    match &rule.remote {
        Remote::Any | Remote::Cidr(_) => Ok(()),
        Remote::Group(id) => {
            let account = catalog.account_of(group.project);
            catalog
                .security_group(*id)
                .filter(|named| named.region == group.region && catalog.account_of(named.project) == account)
                .ok_or_else(|| Error::not_found(Kind::SecurityGroup, id))?;
            if *id != group.id {
                changes.share(Kind::SecurityGroup, id);
            }
            Ok(())
        }
        Remote::AddressGroup(id) => {
            let addresses = catalog
                .address_group(*id)
                .filter(|addresses| addresses.project == group.project)
                .ok_or_else(|| Error::not_found(Kind::AddressGroup, id))?;
            if addresses.version != rule.version {
                let reason = format!("address group {} is not of the rule's ethertype", addresses.name);
                return Err(Error::invalid("remote_address_group_id", reason));
            }
            changes.share(Kind::AddressGroup, id);
            Ok(())
        }
    }
}

fn validate(rule: &mut NewSecurityGroupRule, ctx: &Context<'_>) -> Result<(), Error> {
    validate_description(&rule.description)?;
    if !(1..=100).contains(&rule.priority) {
        return Err(Error::invalid("priority", format!("{} is not in 1 to 100", rule.priority)));
    }
    match (rule.protocol, rule.version) {
        (Some(Protocol::ICMP), IpVersion::V6) => {
            return Err(Error::invalid("protocol", "icmp is for IPv4; use icmpv6"));
        }
        (Some(Protocol::ICMPV6), IpVersion::V4) => {
            return Err(Error::invalid("protocol", "icmpv6 is for IPv6; use icmp"));
        }
        _ => {}
    }
    if let Remote::Cidr(net) = &mut rule.remote {
        let version = if net.addr().is_ipv4() { IpVersion::V4 } else { IpVersion::V6 };
        if version != rule.version {
            return Err(Error::invalid("remote_ip_prefix", format!("{net} is not of the rule's ethertype")));
        }
        *net = net.trunc();
    }
    validate_services(rule, ctx)
}

fn validate_services(rule: &NewSecurityGroupRule, ctx: &Context<'_>) -> Result<(), Error> {
    let most = ctx.limits.services_per_rule;
    if rule.services.len() > most {
        return Err(Error::invalid("multiport", format!("at most {most} ports and port ranges are allowed")));
    }
    let lowest = match rule.protocol {
        Some(Protocol::TCP | Protocol::UDP) => 1,
        Some(Protocol::ICMP | Protocol::ICMPV6) => 0,
        _ if rule.services.is_empty() => return Ok(()),
        _ => return Err(Error::invalid("multiport", "ports need the protocol tcp or udp")),
    };
    match rule.services.iter().find(|range| range.first < lowest || range.last < range.first) {
        Some(ServiceRange { first, last }) => Err(Error::invalid(
            "multiport",
            format!("{first}-{last} is no range of {lowest} to 65535 with the smaller number first"),
        )),
        None => Ok(()),
    }
}
