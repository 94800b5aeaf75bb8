//! Rules of network ACLs: what they are made from, and the calls that work on the lists of one ACL (rule ACL-3;
//! api-vpc section 9.1).

use std::collections::BTreeSet;

use catalog::Catalog;
use ipnet::IpNet;
use model::{
    AclAddress, Direction, IpVersion, Kind, NetworkAcl, NetworkAclId, NetworkAclRule, NetworkAclRuleId, ProjectId,
    Protocol, RuleAction, ServiceRange, validate_description,
};

use crate::network_acl::{finish, own_acl, policy_for, validate_acl_name};
use crate::network_acl_draft::Draft;
use crate::{Caller, Context, Error, Outcome};

/// A rule to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewNetworkAclRule {
    /// May be empty; at most 64 characters of names, or with [`NewNetworkAclRule::long_name`] 255 of any but `<` and `>`.
    pub name: String,
    /// Whether the name may be as long as the v2.0 family allows.
    pub long_name: bool,
    /// At most 255 characters.
    pub description: String,
    /// Allow or deny.
    pub action: RuleAction,
    /// Address family.
    pub version: IpVersion,
    /// `None` for all.
    pub protocol: Option<Protocol>,
    /// Source of the packet. A range is stored in canonical form.
    pub source: AclAddress,
    /// Destination of the packet. A range is stored in canonical form.
    pub destination: AclAddress,
    /// Source ports; empty for all. Only with TCP and UDP.
    pub source_ports: Vec<ServiceRange>,
    /// Destination ports; empty for all. Only with TCP and UDP.
    pub destination_ports: Vec<ServiceRange>,
    /// Whether it has an effect.
    pub enabled: bool,
}

impl NewNetworkAclRule {
    /// A rule for every IPv4 packet.
    #[must_use]
    pub fn new(action: RuleAction) -> Self {
        Self {
            name: String::new(),
            long_name: false,
            description: String::new(),
            action,
            version: IpVersion::V4,
            protocol: None,
            source: AclAddress::Any,
            destination: AclAddress::Any,
            source_ports: Vec::new(),
            destination_ports: Vec::new(),
            enabled: true,
        }
    }
}

/// What to change of a rule; `None` leaves a field as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateNetworkAclRule {
    /// New name.
    pub name: Option<String>,
    /// Whether the name may be as long as the v2.0 family allows.
    pub long_name: bool,
    /// New description.
    pub description: Option<String>,
    /// New action.
    pub action: Option<RuleAction>,
    /// New address family.
    pub version: Option<IpVersion>,
    /// New protocol; `Some(None)` for all.
    pub protocol: Option<Option<Protocol>>,
    /// New source.
    pub source: AclAddressUpdate,
    /// New destination.
    pub destination: AclAddressUpdate,
    /// New source ports.
    pub source_ports: Option<Vec<ServiceRange>>,
    /// New destination ports.
    pub destination_ports: Option<Vec<ServiceRange>>,
    /// Whether it has an effect.
    pub enabled: Option<bool>,
}

/// What becomes of one side of a rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AclAddressUpdate {
    /// It stays.
    #[default]
    Keep,
    /// It becomes this one.
    Set(AclAddress),
    /// An address or range becomes any address; an address group stays.
    ClearAddress,
    /// An address group becomes any address; an address or range stays.
    ClearGroup,
}

impl AclAddressUpdate {
    fn apply(self, present: AclAddress) -> AclAddress {
        match (self, present) {
            (Self::Set(address), _) => canonical(address),
            (Self::ClearAddress, AclAddress::Host(_) | AclAddress::Cidr(_))
            | (Self::ClearGroup, AclAddress::AddressGroup(_)) => AclAddress::Any,
            _ => present,
        }
    }
}

/// Rules to add to one ACL, all or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InsertNetworkAclRules {
    /// The ACL.
    pub acl: NetworkAclId,
    /// Rules for packets that enter the subnets, in their order.
    pub ingress: Vec<NewNetworkAclRule>,
    /// Rules for packets that leave the subnets, in their order.
    pub egress: Vec<NewNetworkAclRule>,
    /// The rule to put them behind; without it they go in front of all others.
    pub after: Option<NetworkAclRuleId>,
}

/// Puts rules into an ACL's lists; answers the ACL.
///
/// # Errors
/// No rule; a rule that is not well formed or names an address group of another project; with `after`, rules of both
/// directions, or a rule there that is not in the list ([`Error::RuleNotInNetworkAcl`]); quotas.
pub fn insert_network_acl_rules(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    request: InsertNetworkAclRules,
) -> Result<Outcome<NetworkAcl>, Error> {
    let mut acl = NetworkAcl::clone(own_acl(catalog, caller, request.acl)?);
    let lists = [(Direction::Ingress, request.ingress), (Direction::Egress, request.egress)];
    match lists.iter().filter(|(_, rules)| !rules.is_empty()).count() {
        0 => return Err(Error::invalid("ingress_rules", "at least one rule is expected, there or in egress_rules")),
        2 if request.after.is_some() => {
            return Err(Error::invalid("insert_after_rule", "only rules of one direction can be put behind a rule"));
        }
        _ => {}
    }
    let mut draft = Draft::new(catalog);
    for (direction, rules) in lists {
        if rules.is_empty() {
            continue;
        }
        let mut policy = policy_for(&mut draft, ctx, &mut acl, direction)?;
        let place = match request.after {
            None => 0,
            Some(after) => position(&policy.rules, after, &acl, direction)? + 1,
        };
        let mut ids = Vec::with_capacity(rules.len());
        for rule in rules {
            let rule = make(catalog, ctx, acl.project, rule)?;
            ids.push(rule.id);
            draft.put_rule(rule);
        }
        policy.rules.splice(place..place, ids);
        draft.put_policy(policy);
    }
    finish(draft, ctx, acl)
}

/// Changes rules of an ACL, all or none; answers the ACL.
///
/// # Errors
/// No rule, or one twice; a rule that is not in the list that it was given for ([`Error::RuleNotInNetworkAcl`]); a rule
/// that would not be well formed.
pub fn update_network_acl_rules(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    acl: NetworkAclId,
    ingress: Vec<(NetworkAclRuleId, UpdateNetworkAclRule)>,
    egress: Vec<(NetworkAclRuleId, UpdateNetworkAclRule)>,
) -> Result<Outcome<NetworkAcl>, Error> {
    let acl = NetworkAcl::clone(own_acl(catalog, caller, acl)?);
    let lists = [(Direction::Ingress, ingress), (Direction::Egress, egress)];
    named_once(lists.iter().map(|(_, rules)| rules.iter().map(|(id, _)| *id)))?;
    let mut draft = Draft::new(catalog);
    for (direction, rules) in lists {
        for (id, update) in rules {
            let policy = acl.policy(direction).and_then(|policy| draft.policy(policy));
            position(&policy.map(|policy| policy.rules).unwrap_or_default(), id, &acl, direction)?;
            let rule = draft.rule(id).ok_or_else(|| Error::not_found(Kind::NetworkAclRule, id))?;
            draft.put_rule(change(catalog, ctx, rule, update)?);
        }
    }
    finish(draft, ctx, acl)
}

/// Takes rules out of an ACL's lists, all or none; answers the ACL. Rules that were made for this ACL are deleted with it;
/// those of a policy that was made by itself stay, as that policy's do. A policy for both directions loses a rule once.
///
/// # Errors
/// No rule, or one twice; a rule that is not in the list that it was given for ([`Error::RuleNotInNetworkAcl`]).
pub fn remove_network_acl_rules(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    acl: NetworkAclId,
    ingress: &[NetworkAclRuleId],
    egress: &[NetworkAclRuleId],
) -> Result<Outcome<NetworkAcl>, Error> {
    let acl = NetworkAcl::clone(own_acl(catalog, caller, acl)?);
    let lists = [(Direction::Ingress, ingress), (Direction::Egress, egress)];
    named_once(lists.iter().map(|(_, rules)| rules.iter().copied()))?;
    let mut draft = Draft::new(catalog);
    let both = acl.ingress_policy.is_some() && acl.ingress_policy == acl.egress_policy;
    let mut own = Vec::new();
    for (direction, rules) in lists {
        let gone = |id: &NetworkAclRuleId| both && direction == Direction::Egress && ingress.contains(id);
        for id in rules.iter().filter(|id| !gone(id)) {
            let missing = Error::RuleNotInNetworkAcl { rule: *id, acl: acl.id, direction };
            let policy = acl.policy(direction).and_then(|policy| draft.policy(policy));
            let mut policy = policy.ok_or_else(|| missing.clone())?;
            policy.rules.remove(position(&policy.rules, *id, &acl, direction)?);
            own.extend((policy.owner == Some(acl.id)).then_some(*id));
            draft.put_policy(policy);
        }
    }
    for id in own {
        draft.drop_rule_without_policy(id);
    }
    finish(draft, ctx, acl)
}

/// A new rule with its id.
pub(crate) fn make(
    catalog: &Catalog,
    ctx: &mut Context<'_>,
    project: ProjectId,
    rule: NewNetworkAclRule,
) -> Result<NetworkAclRule, Error> {
    let long_name = rule.long_name;
    let rule = NetworkAclRule {
        id: NetworkAclRuleId::new(ctx.ids.uuid()),
        project,
        name: rule.name,
        description: rule.description,
        action: rule.action,
        version: rule.version,
        protocol: rule.protocol,
        source: canonical(rule.source),
        destination: canonical(rule.destination),
        source_ports: rule.source_ports,
        destination_ports: rule.destination_ports,
        enabled: rule.enabled,
    };
    validate_acl_name(&rule.name, long_name)?;
    validate(catalog, &rule, ctx)?;
    Ok(rule)
}

/// A rule with changes.
pub(crate) fn change(
    catalog: &Catalog,
    ctx: &Context<'_>,
    mut rule: NetworkAclRule,
    update: UpdateNetworkAclRule,
) -> Result<NetworkAclRule, Error> {
    if let Some(name) = update.name {
        validate_acl_name(&name, update.long_name)?;
        rule.name = name;
    }
    rule.description = update.description.unwrap_or(rule.description);
    rule.action = update.action.unwrap_or(rule.action);
    rule.version = update.version.unwrap_or(rule.version);
    rule.protocol = update.protocol.unwrap_or(rule.protocol);
    rule.source = update.source.apply(rule.source);
    rule.destination = update.destination.apply(rule.destination);
    rule.source_ports = update.source_ports.unwrap_or(rule.source_ports);
    rule.destination_ports = update.destination_ports.unwrap_or(rule.destination_ports);
    rule.enabled = update.enabled.unwrap_or(rule.enabled);
    validate(catalog, &rule, ctx)?;
    Ok(rule)
}

fn canonical(address: AclAddress) -> AclAddress {
    match address {
        AclAddress::Cidr(net) => AclAddress::Cidr(net.trunc()),
        other => other,
    }
}

fn validate(catalog: &Catalog, rule: &NetworkAclRule, ctx: &Context<'_>) -> Result<(), Error> {
    validate_description(&rule.description)?;
    match (rule.protocol, rule.version) {
        (Some(Protocol::ICMP), IpVersion::V6) => {
            return Err(Error::invalid("protocol", "icmp is for IPv4; use icmpv6 with IP version 6"));
        }
        (Some(Protocol::ICMPV6), IpVersion::V4) => {
            return Err(Error::invalid("protocol", "icmpv6 is for IPv6; use icmp with IP version 4"));
        }
        _ => {}
    }
    validate_address(catalog, rule, rule.source, "source_ip_address", "source_address_group_id")?;
    validate_address(catalog, rule, rule.destination, "destination_ip_address", "destination_address_group_id")?;
    for (ports, field) in [(&rule.source_ports, "source_port"), (&rule.destination_ports, "destination_port")] {
        validate_ports(ports, rule.protocol, field, ctx)?;
    }
    Ok(())
}

fn validate_address(
    catalog: &Catalog,
    rule: &NetworkAclRule,
    address: AclAddress,
    field: &'static str,
    group_field: &'static str,
) -> Result<(), Error> {
    let (version, field) = match address {
        AclAddress::Any => return Ok(()),
        AclAddress::Host(_) | AclAddress::Cidr(_) => (address.net().as_ref().map(version_of), field),
        AclAddress::AddressGroup(id) => {
            let group = catalog.address_group(id).filter(|group| group.project == rule.project);
            let group = group.ok_or_else(|| Error::not_found(Kind::AddressGroup, id))?;
            (Some(group.version), group_field)
        }
    };
    if version == Some(rule.version) {
        Ok(())
    } else {
        Err(Error::invalid(field, "it is not of the rule's IP version; change ip_version or the address"))
    }
}

pub(crate) fn version_of(net: &IpNet) -> IpVersion {
    if net.addr().is_ipv4() { IpVersion::V4 } else { IpVersion::V6 }
}

fn validate_ports(
    ports: &[ServiceRange],
    protocol: Option<Protocol>,
    field: &'static str,
    ctx: &Context<'_>,
) -> Result<(), Error> {
    let most = ctx.limits.services_per_rule;
    if ports.len() > most {
        return Err(Error::invalid(field, format!("at most {most} ports and port ranges are allowed")));
    }
    if !ports.is_empty() && !matches!(protocol, Some(Protocol::TCP | Protocol::UDP)) {
        return Err(Error::invalid(field, "ports need the protocol tcp or udp"));
    }
    match ports.iter().find(|range| range.first == 0 || range.last < range.first) {
        Some(ServiceRange { first, last }) => {
            let reason = format!("{first}-{last} is no range of 1 to 65535 with the smaller number first");
            Err(Error::invalid(field, reason))
        }
        None => Ok(()),
    }
}

/// The place of a rule in the list of one direction.
fn position(
    rules: &[NetworkAclRuleId],
    rule: NetworkAclRuleId,
    acl: &NetworkAcl,
    direction: Direction,
) -> Result<usize, Error> {
    let missing = Error::RuleNotInNetworkAcl { rule, acl: acl.id, direction };
    rules.iter().position(|other| *other == rule).ok_or(missing)
}

/// The lists name at least one rule, and none twice in one list.
fn named_once<I: Iterator<Item = NetworkAclRuleId>>(lists: impl Iterator<Item = I>) -> Result<(), Error> {
    let mut any = false;
    for list in lists {
        let mut seen = BTreeSet::new();
        for rule in list {
            any = true;
            if !seen.insert(rule) {
                return Err(Error::invalid("rules", format!("rule {rule} is named twice")));
            }
        }
    }
    if any { Ok(()) } else { Err(Error::invalid("rules", "at least one rule is expected")) }
}
