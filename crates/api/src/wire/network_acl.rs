//! Network ACLs as v3 shows them: firewalls (api-vpc §9.1); and how their rules are spelled in both forms.

use control::{AclAddressUpdate, NewNetworkAclRule, UpdateNetworkAclRule};
use model::{AclAddress, IpVersion, NetworkAcl, NetworkAclRule, Protocol, RuleAction, ServiceRange};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::{NewTag, Tag, body_v3, list_v3, parse_multiport, parse_protocol};
use crate::lenient::{Number, Text};

/// A network ACL.
#[derive(Serialize, ToSchema)]
pub(crate) struct FirewallV3 {
    pub(crate) id: String,
    name: String,
    description: String,
    project_id: String,
    created_at: String,
    updated_at: String,
    admin_state_up: bool,
    /// `ACTIVE` when it guards a subnet, else `INACTIVE`.
    status: &'static str,
    enterprise_project_id: String,
    tags: Vec<Tag>,
    associations: Vec<AssociationV3>,
    /// In their order; absent in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    ingress_rules: Option<Vec<FirewallRuleV3>>,
    /// In their order; absent in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    egress_rules: Option<Vec<FirewallRuleV3>>,
    /// Always `normal`.
    #[serde(rename = "type")]
    kind: &'static str,
}

/// The only type of network ACLs that there is here.
pub(crate) const FIREWALL_TYPE: &str = "normal";

impl FirewallV3 {
    /// The ACL with its rules.
    pub(crate) fn new(acl: &NetworkAcl) -> Self {
        let rules = |rules: &[NetworkAclRule]| Some(rules.iter().map(FirewallRuleV3::new).collect());
        Self { ingress_rules: rules(&acl.ingress), egress_rules: rules(&acl.egress), ..Self::item(acl) }
    }

    /// The ACL in a list.
    pub(crate) fn item(acl: &NetworkAcl) -> Self {
        Self {
            id: acl.id.to_string(),
            name: acl.name.clone(),
            description: acl.description.clone(),
            project_id: acl.project.to_string(),
            created_at: acl.created_at.with_zone(),
            updated_at: acl.updated_at.with_zone(),
            admin_state_up: acl.enabled,
            status: acl_status(acl),
            enterprise_project_id: acl.enterprise_project_id.clone(),
            tags: Tag::list(&acl.tags),
            associations: acl
                .subnets
                .iter()
                .map(|subnet| AssociationV3 { virsubnet_id: Some(subnet.to_string()) })
                .collect(),
            ingress_rules: None,
            egress_rules: None,
            kind: FIREWALL_TYPE,
        }
    }
}

/// Whether an ACL has an effect somewhere, in the words of both forms.
pub(crate) fn acl_status(acl: &NetworkAcl) -> &'static str {
    if acl.enabled && !acl.subnets.is_empty() { "ACTIVE" } else { "INACTIVE" }
}

/// A subnet under an ACL.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct AssociationV3 {
    pub(crate) virsubnet_id: Option<String>,
}

/// A rule of a network ACL.
#[derive(Serialize, ToSchema)]
pub(crate) struct FirewallRuleV3 {
    pub(crate) id: String,
    name: String,
    description: String,
    /// `allow` or `deny`.
    action: &'static str,
    /// `any` for all.
    protocol: String,
    ip_version: u8,
    /// `null` for any address.
    source_ip_address: Option<String>,
    destination_ip_address: Option<String>,
    /// `80`, `1-30` or `22,3389,80`; `null` for all.
    source_port: Option<String>,
    destination_port: Option<String>,
    source_address_group_id: Option<String>,
    destination_address_group_id: Option<String>,
    enabled: bool,
}

impl FirewallRuleV3 {
    fn new(rule: &NetworkAclRule) -> Self {
        Self {
            id: rule.id.to_string(),
            name: rule.name.clone(),
            description: rule.description.clone(),
            action: acl_action(rule.action),
            protocol: rule.protocol.map_or_else(|| "any".to_owned(), |protocol| protocol.to_string()),
            ip_version: version_number(rule.version),
            source_ip_address: acl_address(rule.source),
            destination_ip_address: acl_address(rule.destination),
            source_port: ports(&rule.source_ports, '-'),
            destination_port: ports(&rule.destination_ports, '-'),
            source_address_group_id: address_group(rule.source),
            destination_address_group_id: address_group(rule.destination),
            enabled: rule.enabled,
        }
    }
}

pub(crate) fn acl_action(action: RuleAction) -> &'static str {
    match action {
        RuleAction::Allow => "allow",
        RuleAction::Deny => "deny",
    }
}

/// 4 or 6.
pub(crate) fn version_number(version: IpVersion) -> u8 {
    match version {
        IpVersion::V4 => 4,
        IpVersion::V6 => 6,
    }
}

/// An address or range; `None` for any address and for an address group.
pub(crate) fn acl_address(address: AclAddress) -> Option<String> {
    match address {
        AclAddress::Host(host) => Some(host.to_string()),
        AclAddress::Cidr(net) => Some(net.to_string()),
        AclAddress::Any | AclAddress::AddressGroup(_) => None,
    }
}

fn address_group(address: AclAddress) -> Option<String> {
    match address {
        AclAddress::AddressGroup(group) => Some(group.to_string()),
        AclAddress::Any | AclAddress::Host(_) | AclAddress::Cidr(_) => None,
    }
}

/// Ports with a sign between the ends of a range; `None` for all.
pub(crate) fn ports(ranges: &[ServiceRange], between: char) -> Option<String> {
    let texts = ranges.iter().map(|range| {
        if range.first == range.last {
            range.first.to_string()
        } else {
            format!("{}{between}{}", range.first, range.last)
        }
    });
    (!ranges.is_empty()).then(|| texts.collect::<Vec<_>>().join(","))
}

/// A field that may be absent, `null` or given.
pub(crate) type Maybe<T> = Option<Option<T>>;

/// Reads [`Maybe`]: with `#[serde(default)]`, `None` is absent and `Some(None)` is `null`.
pub(crate) fn maybe<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Maybe<T>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// What a rule is made from or changed to.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
pub(crate) struct FirewallRuleFields {
    /// Which rule; not when rules are inserted.
    pub(crate) id: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    /// `allow` or `deny`.
    pub(crate) action: Option<String>,
    /// `tcp`, `udp`, `icmp`, `icmpv6`, a number from 0 to 255, or `any`.
    #[serde(default, deserialize_with = "maybe")]
    #[schema(value_type = Option<String>)]
    pub(crate) protocol: Maybe<Text>,
    /// 4 or 6.
    pub(crate) ip_version: Option<Number>,
    /// An address or range.
    #[serde(default, deserialize_with = "maybe")]
    #[schema(value_type = Option<String>)]
    pub(crate) source_ip_address: Maybe<String>,
    #[serde(default, deserialize_with = "maybe")]
    #[schema(value_type = Option<String>)]
    pub(crate) destination_ip_address: Maybe<String>,
    /// `80`, `1-30` or `22,3389,80`; `1:30` in v2.0.
    #[serde(default, deserialize_with = "maybe")]
    #[schema(value_type = Option<String>)]
    pub(crate) source_port: Maybe<Text>,
    #[serde(default, deserialize_with = "maybe")]
    #[schema(value_type = Option<String>)]
    pub(crate) destination_port: Maybe<Text>,
    /// v3; excludes `source_ip_address`.
    #[serde(default, deserialize_with = "maybe")]
    #[schema(value_type = Option<String>)]
    pub(crate) source_address_group_id: Maybe<String>,
    /// v3; excludes `destination_ip_address`.
    #[serde(default, deserialize_with = "maybe")]
    #[schema(value_type = Option<String>)]
    pub(crate) destination_address_group_id: Maybe<String>,
    pub(crate) enabled: Option<bool>,
    /// v2.0; only `false`.
    pub(crate) public: Option<bool>,
}

/// The spelling of ports in a family.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum PortForm {
    /// Lists, and ranges with a hyphen.
    V3,
    /// One port or one range with a colon.
    V2,
}

impl FirewallRuleFields {
    /// The change that the fields ask for.
    ///
    /// # Errors
    /// The field and a sentence that says what is allowed.
    pub(crate) fn update(&self, form: PortForm) -> Result<UpdateNetworkAclRule, (&'static str, String)> {
        let action = match self.action.as_deref() {
            None => None,
            Some("allow") => Some(RuleAction::Allow),
            Some("deny") => Some(RuleAction::Deny),
            Some(_) => return Err(("action", "allow or deny is expected".to_owned())),
        };
        let version = match self.ip_version.map(|number| number.0) {
            None => None,
            Some(4) => Some(IpVersion::V4),
            Some(6) => Some(IpVersion::V6),
            Some(_) => return Err(("ip_version", "4 or 6 is expected".to_owned())),
        };
        let protocol = self.protocol.as_ref().map(|text| acl_protocol(text.as_ref().map(|text| text.0.as_str())));
        let side = |address, group, fields: [&'static str; 2]| side(address, group, fields);
        Ok(UpdateNetworkAclRule {
            name: self.name.clone(),
            long_name: form == PortForm::V2,
            description: self.description.clone(),
            action,
            version,
            protocol: protocol.transpose().map_err(|reason| ("protocol", reason))?,
            source: side(
                &self.source_ip_address,
                &self.source_address_group_id,
                ["source_ip_address", "source_address_group_id"],
            )?,
            destination: side(
                &self.destination_ip_address,
                &self.destination_address_group_id,
                ["destination_ip_address", "destination_address_group_id"],
            )?,
            source_ports: read_ports(&self.source_port, form).map_err(|reason| ("source_port", reason))?,
            destination_ports: read_ports(&self.destination_port, form)
                .map_err(|reason| ("destination_port", reason))?,
            enabled: self.enabled,
        })
    }

    /// The rule that the fields describe; `action` is what it does when they do not say.
    ///
    /// # Errors
    /// As [`FirewallRuleFields::update`].
    pub(crate) fn creation(
        &self,
        form: PortForm,
        action: RuleAction,
    ) -> Result<NewNetworkAclRule, (&'static str, String)> {
        let given = self.update(form)?;
        let address = |update: AclAddressUpdate| match update {
            AclAddressUpdate::Set(address) => address,
            AclAddressUpdate::Keep | AclAddressUpdate::ClearAddress | AclAddressUpdate::ClearGroup => AclAddress::Any,
        };
        Ok(NewNetworkAclRule {
            name: given.name.unwrap_or_default(),
            long_name: given.long_name,
            description: given.description.unwrap_or_default(),
            action: given.action.unwrap_or(action),
            version: given.version.unwrap_or(IpVersion::V4),
            protocol: given.protocol.flatten(),
            source: address(given.source),
            destination: address(given.destination),
            source_ports: given.source_ports.unwrap_or_default(),
            destination_ports: given.destination_ports.unwrap_or_default(),
            enabled: given.enabled.unwrap_or(true),
        })
    }
}

fn acl_protocol(text: Option<&str>) -> Result<Option<Protocol>, String> {
    parse_protocol(text)
        .map_err(|_| "it is tcp, udp, icmp, icmpv6, a number from 0 to 255, or any for all protocols".to_owned())
}

fn side(
    address: &Maybe<String>,
    group: &Maybe<String>,
    [address_field, group_field]: [&'static str; 2],
) -> Result<AclAddressUpdate, (&'static str, String)> {
    let given = |value: &Maybe<String>| value.clone().flatten().filter(|text| !text.is_empty());
    match (given(address), given(group)) {
        (Some(_), Some(_)) => Err((address_field, format!("{address_field} and {group_field} exclude each other"))),
        (Some(address), None) => {
            parse_address(&address).map(AclAddressUpdate::Set).map_err(|error| (address_field, error))
        }
        (None, Some(group)) => group
            .parse()
            .map(|group| AclAddressUpdate::Set(AclAddress::AddressGroup(group)))
            .map_err(|error: model::IdError| (group_field, error.to_string())),
        (None, None) => Ok(match (address, group) {
            (Some(_), Some(_)) => AclAddressUpdate::Set(AclAddress::Any),
            (Some(_), None) => AclAddressUpdate::ClearAddress,
            (None, Some(_)) => AclAddressUpdate::ClearGroup,
            (None, None) => AclAddressUpdate::Keep,
        }),
    }
}

fn parse_address(text: &str) -> Result<AclAddress, String> {
    if let Ok(host) = text.parse() {
        return Ok(AclAddress::Host(host));
    }
    let wrong = || format!("`{}` is not an address or CIDR block", text.chars().take(64).collect::<String>());
    text.parse().map(|net: ipnet::IpNet| AclAddress::Cidr(net.trunc())).map_err(|_| wrong())
}

fn read_ports(value: &Maybe<Text>, form: PortForm) -> Result<Option<Vec<ServiceRange>>, String> {
    let Some(value) = value else { return Ok(None) };
    let Some(text) = value.as_ref().map(|text| text.0.as_str()).filter(|text| !text.is_empty()) else {
        return Ok(Some(Vec::new()));
    };
    match form {
        PortForm::V3 => parse_multiport(text).map(Some),
        PortForm::V2 if text.contains([',', '-']) => Err(WRONG_PORTS.to_owned()),
        PortForm::V2 => parse_multiport(&text.replace(':', "-")).map(Some).map_err(|_| WRONG_PORTS.to_owned()),
    }
}

const WRONG_PORTS: &str = "write a port as `80` and a range as `1:30`, each from 1 to 65535";

/// What an ACL is made from or changed to.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(crate) struct FirewallFields {
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) enterprise_project_id: Option<String>,
    /// Only when it is made.
    pub(crate) tags: Option<Vec<NewTag>>,
    /// Whether it has an effect; true when absent.
    pub(crate) admin_state_up: Option<bool>,
    /// Only `normal`.
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
}

/// Rules to insert or change.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(crate) struct FirewallRulesFields {
    pub(crate) ingress_rules: Option<Vec<FirewallRuleFields>>,
    pub(crate) egress_rules: Option<Vec<FirewallRuleFields>>,
    /// The rule to put the new ones behind; in front of all when absent. Only when rules are inserted.
    pub(crate) insert_after_rule: Option<String>,
}

macro_rules! dry_request {
    ($($(#[$doc:meta])* $name:ident { $field:ident: $type:ty })*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Deserialize, ToSchema)]
            pub(crate) struct $name {
                /// Only check; answered with 202 when all is well.
                pub(crate) dry_run: Option<bool>,
                pub(crate) $field: $type,
            }
        )*
    };
}

dry_request! {
    /// Create or update a network ACL.
    FirewallRequest { firewall: FirewallFields }
    /// Insert, change or remove rules.
    FirewallRulesRequest { firewall: FirewallRulesFields }
    /// Put subnets under a network ACL, or take them off.
    FirewallSubnetsRequest { subnets: Vec<AssociationV3> }
}
body_v3! {
    /// A network ACL.
    FirewallBody { firewall: FirewallV3 }
}
list_v3! {
    /// Network ACLs, without their rules.
    FirewallList { firewalls: FirewallV3 }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed parse is the failure of the test")]
    use super::*;

    fn fields(json: serde_json::Value) -> FirewallRuleFields {
        serde_json::from_value(json).unwrap()
    }

    /// ACL-3, api-vpc §9: what a change of one side does depends on which of its two fields came.
    #[test]
    fn an_address_and_an_address_group_take_each_others_place() {
        let group = "0605767a-9980-4579-8f4f-c00ce5a7a1f1";
        let source = |json| fields(json).update(PortForm::V3).map(|update| update.source);
        let cidr = AclAddressUpdate::Set(AclAddress::Cidr("10.0.0.0/24".parse().unwrap()));
        assert_eq!(source(serde_json::json!({})), Ok(AclAddressUpdate::Keep));
        assert_eq!(source(serde_json::json!({"source_ip_address": null})), Ok(AclAddressUpdate::ClearAddress));
        assert_eq!(source(serde_json::json!({"source_address_group_id": ""})), Ok(AclAddressUpdate::ClearGroup));
        let both = serde_json::json!({"source_ip_address": "10.0.0.9/24", "source_address_group_id": ""});
        assert_eq!(source(both), Ok(cidr));
        let both = serde_json::json!({"source_ip_address": "10.0.0.0/24", "source_address_group_id": group});
        assert_eq!(source(both).unwrap_err().0, "source_ip_address");
        assert_eq!(
            source(serde_json::json!({"source_address_group_id": "web"})).unwrap_err().0,
            "source_address_group_id"
        );
    }

    /// api-vpc §9.1 and §9.2: the spellings of ports.
    #[test]
    fn each_form_reads_its_own_spelling_of_ports() {
        let ports = |text: &str, form| fields(serde_json::json!({"destination_port": text})).update(form);
        let many = ports("22,80-90", PortForm::V3).unwrap().destination_ports.unwrap();
        assert_eq!(super::ports(&many, '-').as_deref(), Some("22,80-90"));
        let range = ports("80:90", PortForm::V2).unwrap().destination_ports.unwrap();
        assert_eq!(super::ports(&range, ':').as_deref(), Some("80:90"));
        for (text, form) in
            [("80:90", PortForm::V3), ("80-90", PortForm::V2), ("80,90", PortForm::V2), ("0", PortForm::V3)]
        {
            assert_eq!(ports(text, form).unwrap_err().0, "destination_port", "{text}");
        }
        assert_eq!(ports("", PortForm::V3).unwrap().destination_ports, Some(Vec::new()));
    }
}
