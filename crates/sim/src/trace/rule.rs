//! Rules of security groups and network ACLs for people.

use catalog::Catalog;
use model::{
    AclAddress, Direction, NetworkAclId, NetworkAclRuleId, Protocol, Remote, RuleAction, SecurityGroupId,
    SecurityGroupRuleId, ServiceRange,
};

use super::name;

/// A rule of a security group: `web allows tcp 80,443 with 10.0.0.0/8 (priority 1, rule …)`.
pub(super) fn of_group(catalog: &Catalog, group: SecurityGroupId, rule: SecurityGroupRuleId) -> String {
    let group_name = name::group(catalog, group);
    let found = catalog.security_group(group).and_then(|group| group.rules.iter().find(|r| r.id == rule));
    let Some(found) = found else { return format!("a rule of {group_name}") };
    let remote = match found.remote {
        Remote::Any => "any address".to_owned(),
        Remote::Cidr(range) => range.to_string(),
        Remote::Group(id) => format!("group {}", name::group(catalog, id)),
        Remote::AddressGroup(id) => format!("address group {id}"),
    };
    format!(
        "{group_name} {} {}{} with {remote} (priority {}, rule {rule})",
        verb(found.action),
        protocol(found.protocol),
        ports(&found.services),
        found.priority
    )
}

/// A rule of a network ACL: `acl-1 denies tcp 22 from 10.0.0.0/8 to any address (rule 3, …)`.
pub(super) fn of_acl(
    catalog: &Catalog,
    acl: NetworkAclId,
    direction: Direction,
    (rule, number): (NetworkAclRuleId, usize),
) -> String {
    let acl_name = name::network_acl(catalog, acl);
    let found = catalog.network_acl(acl).and_then(|acl| acl.rules(direction).iter().find(|r| r.id == rule));
    let Some(found) = found else { return format!("a rule of {acl_name}") };
    let address = |address: AclAddress| match address {
        AclAddress::Any => "any address".to_owned(),
        AclAddress::Host(address) => address.to_string(),
        AclAddress::Cidr(range) => range.to_string(),
        AclAddress::AddressGroup(id) => format!("address group {id}"),
    };
    let from_port =
        if found.source_ports.is_empty() { String::new() } else { format!(" port{}", ports(&found.source_ports)) };
    format!(
        "{acl_name} {} {}{} from {}{from_port} to {} (rule {number}, {rule})",
        verb(found.action),
        protocol(found.protocol),
        ports(&found.destination_ports),
        address(found.source),
        address(found.destination),
    )
}

const fn verb(action: RuleAction) -> &'static str {
    match action {
        RuleAction::Allow => "allows",
        RuleAction::Deny => "denies",
    }
}

fn protocol(protocol: Option<Protocol>) -> String {
    protocol.map_or_else(|| "all protocols".to_owned(), |protocol| protocol.to_string())
}

/// Ports with a blank in front; nothing for all.
fn ports(ranges: &[ServiceRange]) -> String {
    let text = |range: &ServiceRange| {
        if range.first == range.last { range.first.to_string() } else { format!("{}-{}", range.first, range.last) }
    };
    let ranges: Vec<String> = ranges.iter().map(text).collect();
    if ranges.is_empty() { String::new() } else { format!(" {}", ranges.join(",")) }
}
