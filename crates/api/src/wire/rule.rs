//! Security group rules (api-vpc §8.2), and how ports, ICMP types and protocols are spelled.

use model::{IpVersion, Protocol, Remote, SecurityGroup, SecurityGroupRule, ServiceRange};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{body, body_v3, list_v2, list_v3, request};
use crate::lenient::{Number, Text};

/// A rule as v1 and v2.0 show it.
#[derive(Serialize, ToSchema)]
pub(crate) struct RuleV1 {
    pub(crate) id: String,
    security_group_id: String,
    direction: &'static str,
    ethertype: &'static str,
    /// `null` for all.
    protocol: Option<String>,
    /// First port, or ICMP type; `null` for all and for lists of ports.
    port_range_min: Option<u16>,
    /// Last port, or ICMP code.
    port_range_max: Option<u16>,
    remote_ip_prefix: Option<String>,
    remote_group_id: Option<String>,
    remote_address_group_id: Option<String>,
    description: String,
    tenant_id: String,
    /// v2.0 only.
    #[serde(skip_serializing_if = "Option::is_none")]
    project_id: Option<String>,
    /// v2.0 only.
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<String>,
    /// v2.0 only.
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_at: Option<String>,
}

impl RuleV1 {
    pub(crate) fn v1(group: &SecurityGroup, rule: &SecurityGroupRule) -> Self {
        let (port_range_min, port_range_max) = port_range(rule);
        let remote = RemoteFields::of(&rule.remote);
        Self {
            id: rule.id.to_string(),
            security_group_id: group.id.to_string(),
            direction: direction(rule),
            ethertype: ethertype(rule),
            protocol: rule.protocol.map(|protocol| protocol.to_string()),
            port_range_min,
            port_range_max,
            remote_ip_prefix: remote.prefix,
            remote_group_id: remote.group,
            remote_address_group_id: remote.address_group,
            description: rule.description.clone(),
            tenant_id: group.project.to_string(),
            project_id: None,
            created_at: None,
            updated_at: None,
        }
    }

    pub(crate) fn port_range_min(&self) -> Option<u16> {
        self.port_range_min
    }

    pub(crate) fn port_range_max(&self) -> Option<u16> {
        self.port_range_max
    }

    pub(crate) fn v2(group: &SecurityGroup, rule: &SecurityGroupRule) -> Self {
        Self {
            project_id: Some(group.project.to_string()),
            created_at: Some(rule.created_at.without_zone()),
            // A rule cannot be changed.
            updated_at: Some(rule.created_at.without_zone()),
            ..Self::v1(group, rule)
        }
    }
}

/// A rule as v3 shows it.
#[derive(Serialize, ToSchema)]
pub(crate) struct RuleV3 {
    pub(crate) id: String,
    security_group_id: String,
    direction: &'static str,
    ethertype: &'static str,
    protocol: Option<String>,
    /// `80`, `1-30` or `22,3389,80`; `null` for all.
    multiport: Option<String>,
    remote_ip_prefix: Option<String>,
    remote_group_id: Option<String>,
    remote_address_group_id: Option<String>,
    action: &'static str,
    /// 1 (first) to 100.
    priority: u8,
    enabled: bool,
    description: String,
    project_id: String,
    created_at: String,
    updated_at: String,
}

impl RuleV3 {
    pub(crate) fn new(group: &SecurityGroup, rule: &SecurityGroupRule) -> Self {
        let remote = RemoteFields::of(&rule.remote);
        Self {
            id: rule.id.to_string(),
            security_group_id: group.id.to_string(),
            direction: direction(rule),
            ethertype: ethertype(rule),
            protocol: rule.protocol.map(|protocol| protocol.to_string()),
            multiport: multiport(rule),
            remote_ip_prefix: remote.prefix,
            remote_group_id: remote.group,
            remote_address_group_id: remote.address_group,
            action: action(rule),
            priority: rule.priority,
            enabled: rule.enabled,
            description: rule.description.clone(),
            project_id: group.project.to_string(),
            created_at: rule.created_at.with_zone(),
            updated_at: rule.created_at.with_zone(),
        }
    }
}

struct RemoteFields {
    prefix: Option<String>,
    group: Option<String>,
    address_group: Option<String>,
}

impl RemoteFields {
    fn of(remote: &Remote) -> Self {
        let mut fields = Self { prefix: None, group: None, address_group: None };
        match remote {
            Remote::Any => {}
            Remote::Cidr(net) => fields.prefix = Some(net.to_string()),
            Remote::Group(id) => fields.group = Some(id.to_string()),
            Remote::AddressGroup(id) => fields.address_group = Some(id.to_string()),
        }
        fields
    }
}

pub(crate) fn direction(rule: &SecurityGroupRule) -> &'static str {
    match rule.direction {
        model::Direction::Ingress => "ingress",
        model::Direction::Egress => "egress",
    }
}

pub(crate) fn ethertype(rule: &SecurityGroupRule) -> &'static str {
    match rule.version {
        IpVersion::V4 => "IPv4",
        IpVersion::V6 => "IPv6",
    }
}

pub(crate) fn action(rule: &SecurityGroupRule) -> &'static str {
    match rule.action {
        model::RuleAction::Allow => "allow",
        model::RuleAction::Deny => "deny",
    }
}

/// The remote range as the families show it.
pub(crate) fn remote_prefix(rule: &SecurityGroupRule) -> Option<String> {
    RemoteFields::of(&rule.remote).prefix
}

/// The remote group as the families show it.
pub(crate) fn remote_group(rule: &SecurityGroupRule) -> Option<String> {
    RemoteFields::of(&rule.remote).group
}

/// The remote address group as the families show it.
pub(crate) fn remote_address_group(rule: &SecurityGroupRule) -> Option<String> {
    RemoteFields::of(&rule.remote).address_group
}

/// Whether a rule's services are ICMP types and codes.
pub(crate) fn is_icmp(protocol: Option<Protocol>) -> bool {
    matches!(protocol, Some(Protocol::ICMP | Protocol::ICMPV6))
}

/// `port_range_min` and `port_range_max`: the only range, or ICMP type and code.
fn port_range(rule: &SecurityGroupRule) -> (Option<u16>, Option<u16>) {
    match rule.services.as_slice() {
        [only] if is_icmp(rule.protocol) => {
            let code = (only.first == only.last).then_some(only.first & 0xff);
            (Some(only.first >> 8), code)
        }
        [only] => (Some(only.first), Some(only.last)),
        _ => (None, None),
    }
}

/// `multiport`; `null` for ICMP, whose types have no form in v3.
fn multiport(rule: &SecurityGroupRule) -> Option<String> {
    if rule.services.is_empty() || is_icmp(rule.protocol) {
        return None;
    }
    let ranges = rule.services.iter().map(|range| {
        if range.first == range.last { range.first.to_string() } else { format!("{}-{}", range.first, range.last) }
    });
    Some(ranges.collect::<Vec<_>>().join(","))
}

/// What a rule is made from, in any family.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(crate) struct RuleFields {
    pub(crate) security_group_id: Option<String>,
    pub(crate) direction: Option<String>,
    pub(crate) ethertype: Option<String>,
    pub(crate) protocol: Option<Text>,
    /// v1 and v2.0.
    pub(crate) port_range_min: Option<Number>,
    /// v1 and v2.0.
    pub(crate) port_range_max: Option<Number>,
    /// v3.
    pub(crate) multiport: Option<Text>,
    pub(crate) remote_ip_prefix: Option<String>,
    pub(crate) remote_group_id: Option<String>,
    pub(crate) remote_address_group_id: Option<String>,
    /// v3.
    pub(crate) action: Option<String>,
    /// v3; 1 when absent.
    pub(crate) priority: Option<Number>,
    /// v3.
    pub(crate) enabled: Option<bool>,
    pub(crate) description: Option<String>,
}

/// A protocol by name or number; `None` for all.
///
/// # Errors
/// A sentence that says what is allowed.
pub(crate) fn parse_protocol(text: Option<&str>) -> Result<Option<Protocol>, String> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    let number = match text.to_ascii_lowercase().as_str() {
        "any" | "all" => return Ok(None),
        "tcp" => 6,
        "udp" => 17,
        "icmp" => 1,
        "icmpv6" | "ipv6-icmp" | "icmp6" => 58,
        // The names that Neutron clients know.
        "igmp" => 2,
        "egp" => 8,
        "dccp" => 33,
        "rsvp" => 46,
        "gre" => 47,
        "esp" => 50,
        "ah" => 51,
        "ospf" => 89,
        "pgm" => 113,
        "vrrp" => 112,
        "sctp" => 132,
        "udplite" => 136,
        other => other
            .parse()
            .map_err(|_| "it is null for all, tcp, udp, icmp, icmpv6 or a number from 0 to 255".to_owned())?,
    };
    Ok(Some(Protocol(number)))
}

/// The services of v1's two numbers.
///
/// # Errors
/// A sentence that says what is allowed.
pub(crate) fn parse_port_range(
    protocol: Option<Protocol>,
    min: Option<Number>,
    max: Option<Number>,
) -> Result<Vec<ServiceRange>, String> {
    if is_icmp(protocol) {
        let byte = |number: Number, what: &str| {
            u16::try_from(number.0).ok().filter(|byte| *byte < 256).ok_or(format!("an ICMP {what} is 0 to 255"))
        };
        let min = min.map(|number| byte(number, "type")).transpose()?;
        let max = max.map(|number| byte(number, "code")).transpose()?;
        return match (min, max) {
            (None, None) => Ok(Vec::new()),
            (None, Some(_)) => Err("an ICMP code (port_range_max) needs a type (port_range_min)".to_owned()),
            (Some(kind), None) => Ok(vec![ServiceRange { first: kind << 8, last: (kind << 8) | 0xff }]),
            (Some(kind), Some(code)) => Ok(vec![ServiceRange { first: (kind << 8) | code, last: (kind << 8) | code }]),
        };
    }
    let port = |number: Number| {
        u16::try_from(number.0).ok().filter(|port| *port > 0).ok_or_else(|| "ports are 1 to 65535".to_owned())
    };
    match (min.map(port).transpose()?, max.map(port).transpose()?) {
        (None, None) => Ok(Vec::new()),
        (Some(first), Some(last)) if first <= last => Ok(vec![ServiceRange { first, last }]),
        (Some(_), Some(_)) => Err("port_range_min must not be larger than port_range_max".to_owned()),
        _ => Err("port_range_min and port_range_max go together".to_owned()),
    }
}

/// The services of v3's text.
///
/// # Errors
/// A sentence that says what is allowed.
pub(crate) fn parse_multiport(text: &str) -> Result<Vec<ServiceRange>, String> {
    let wrong = || "write ports as `80`, `1-30` or `22,3389,80`, each from 1 to 65535".to_owned();
    let port = |text: &str| text.trim().parse::<u16>().ok().filter(|port| *port > 0).ok_or_else(wrong);
    text.split(',')
        .map(|part| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let range = ServiceRange { first: port(first)?, last: port(last)? };
            if range.first <= range.last { Ok(range) } else { Err(wrong()) }
        })
        .collect()
}

request! {
    /// Create a rule, v1 and v2.0.
    RuleRequest { security_group_rule: RuleFields }
}

/// Create a rule, v3.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct RuleRequestV3 {
    /// Only check; answered with 202 when all is well.
    pub(crate) dry_run: Option<bool>,
    pub(crate) security_group_rule: RuleFields,
}

/// Create several rules of one group, v3.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct RuleBatchRequest {
    /// Only check; answered with 202 when all is well.
    pub(crate) dry_run: Option<bool>,
    pub(crate) security_group_rules: Vec<RuleFields>,
    /// Leave out rules that the group has already, rather than refuse.
    pub(crate) ignore_duplicate: Option<bool>,
}

body! {
    /// A rule, v1 and v2.0.
    RuleBodyV1 { "security_group_rule" security_group_rule: RuleV1 }
    /// Rules, v1.
    RuleListV1 { "security_group_rules" security_group_rules: Vec<RuleV1> }
}
list_v2! {
    /// Rules, v2.0.
    RuleListV2 { security_group_rules: RuleV1, security_group_rules_links }
}
body_v3! {
    /// A rule, v3.
    RuleBodyV3 { security_group_rule: RuleV3 }
    /// The rules of a batch, v3.
    RuleBatchBody { security_group_rules: Vec<RuleV3> }
}
list_v3! {
    /// Rules, v3.
    RuleListV3 { security_group_rules: RuleV3 }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed parse is the failure of the test")]
    use super::*;

    fn range(first: u16, last: u16) -> ServiceRange {
        ServiceRange { first, last }
    }

    /// api-vpc §8.2.
    #[test]
    fn ports_are_read_from_both_spellings() {
        let tcp = Some(Protocol::TCP);
        assert_eq!(parse_multiport("22,3389,80").unwrap(), [range(22, 22), range(3389, 3389), range(80, 80)]);
        assert_eq!(parse_multiport("1-30").unwrap(), [range(1, 30)]);
        assert_eq!(parse_port_range(tcp, Some(Number(1)), Some(Number(30))).unwrap(), [range(1, 30)]);
        for wrong in ["", "0", "30-1", "1-2-3", "70000", "http"] {
            assert!(parse_multiport(wrong).is_err(), "{wrong}");
        }
        assert!(parse_port_range(tcp, Some(Number(80)), None).is_err());
        assert!(parse_port_range(tcp, Some(Number(81)), Some(Number(80))).is_err());
    }

    /// api-vpc §8.2: min is the type, max the code.
    #[test]
    fn icmp_types_and_codes_are_read_from_the_range() {
        let icmp = Some(Protocol::ICMP);
        assert_eq!(parse_port_range(icmp, Some(Number(8)), Some(Number(0))).unwrap(), [range(0x800, 0x800)]);
        assert_eq!(parse_port_range(icmp, Some(Number(3)), None).unwrap(), [range(0x300, 0x3ff)]);
        assert!(parse_port_range(icmp, None, Some(Number(0))).is_err());
        assert!(parse_port_range(icmp, Some(Number(256)), None).is_err());
    }

    #[test]
    fn protocols_are_names_or_numbers() {
        assert_eq!(parse_protocol(Some("TCP")), Ok(Some(Protocol::TCP)));
        assert_eq!(parse_protocol(Some("58")), Ok(Some(Protocol::ICMPV6)));
        assert_eq!(parse_protocol(None), Ok(None));
        assert!(parse_protocol(Some("256")).is_err());
        assert!(parse_protocol(Some("htpp")).is_err());
    }
}
