//! Network ACLs: their rules in order, and the subnets that they guard.

use std::collections::{BTreeMap, BTreeSet};

use client::types::{
    NetworkAcl as PresentAcl, NetworkAclCreate, NetworkAclFilter, NetworkAclInsertion, NetworkAclRule,
    NetworkAclRuleCreate, NetworkAclUpdate,
};
use client::{Client, Error};
use ipnet::IpNet;

use super::{Applied, ApplyError, ChangeKind, Placed, Run, failed};
use crate::document::{AclRule, NetworkAcl};

/// The rules of both directions, first the one that is asked first.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Lists {
    pub(crate) ingress: Vec<NetworkAclRuleCreate>,
    pub(crate) egress: Vec<NetworkAclRuleCreate>,
}

impl Run<'_, '_> {
    /// Makes the network ACLs of the document, and takes the document's subnets off all others.
    pub(super) async fn make_acls(&mut self) -> Result<(), ApplyError> {
        let there = self.present_acls().await?;
        self.free_subnets(&there).await?;
        for acl in &self.scenario.network_acls {
            let place = self.place_of(acl);
            let present = there.get(&(place.account.clone(), place.region.clone()));
            let present = present.and_then(|acls| acls.iter().find(|present| present.name == acl.name));
            self.make_acl(acl, place, present).await?;
        }
        Ok(())
    }

    /// The account and region of an ACL: those of its subnets, unless it says another account.
    fn place_of(&self, acl: &NetworkAcl) -> Placed {
        let vpc = acl.subnets.first().and_then(|subnet| self.vpc_of_subnet(subnet).ok());
        let place = vpc.cloned().unwrap_or_else(|| Placed {
            id: String::new(),
            account: self.defaults.account.clone(),
            region: self.defaults.region.clone(),
        });
        let account = acl.account.clone().unwrap_or(place.account);
        Placed { id: String::new(), account, region: place.region }
    }

    /// The ACLs that are there, of every account and region that has a VPC or ACL of the document.
    async fn present_acls(&self) -> Result<BTreeMap<(String, String), Vec<PresentAcl>>, ApplyError> {
        let vpcs = self.done.vpcs.values().cloned();
        let places: BTreeSet<(String, String)> = vpcs
            .chain(self.scenario.network_acls.iter().map(|acl| self.place_of(acl)))
            .map(|place| (place.account, place.region))
            .collect();
        let mut there = BTreeMap::new();
        for (account, region) in places {
            let client = self.access.client(&account, &region)?;
            let acls = client.list_network_acls(&NetworkAclFilter::default()).await;
            there.insert((account, region), acls.map_err(failed("list the network ACLs"))?);
        }
        Ok(there)
    }

    /// Takes subnets of the document off ACLs that are not to have them. A subnet has one ACL at most (rule ACL-1).
    async fn free_subnets(&mut self, there: &BTreeMap<(String, String), Vec<PresentAcl>>) -> Result<(), ApplyError> {
        let names: BTreeMap<String, String> =
            self.done.subnets.iter().map(|(name, placed)| (placed.id.clone(), name.clone())).collect();
        for ((account, region), acls) in there {
            for acl in acls {
                let wanted = self.scenario.network_acls.iter().find(|wanted| {
                    let place = self.place_of(wanted);
                    wanted.name == acl.name && (&place.account, &place.region) == (account, region)
                });
                let wrong = acl
                    .associations
                    .iter()
                    .filter_map(|subnet| names.get(&subnet.virsubnet_id))
                    .filter(|name| wanted.is_none_or(|wanted| !wanted.subnets.contains(name)));
                for name in wrong.cloned().collect::<Vec<_>>() {
                    let text = format!("network ACL {} off subnet {name}", acl.name);
                    if self.change(ChangeKind::Delete, &text) {
                        let subnet = Applied::find(&self.done.subnets, "subnet", &name)?.id.clone();
                        let client = self.access.client(account, region)?;
                        client.unguard_subnets(&acl.id, &[subnet]).await.map_err(failed(format!("take {text}")))?;
                    }
                }
            }
        }
        Ok(())
    }

    async fn make_acl(
        &mut self,
        acl: &NetworkAcl,
        mut place: Placed,
        present: Option<&PresentAcl>,
    ) -> Result<(), ApplyError> {
        let client = self.client(&place)?;
        let name = &acl.name;
        let enabled = acl.enabled.unwrap_or(true);
        let mut now = PresentAcl { admin_state_up: enabled, ..PresentAcl::default() };
        if let Some(present) = present {
            now = client.show_network_acl(&present.id).await.map_err(failed(format!("read network ACL {name}")))?;
        } else if self.change(ChangeKind::Create, format!("network ACL {name}")) {
            let wanted =
                NetworkAclCreate { name: name.clone(), admin_state_up: Some(enabled), ..NetworkAclCreate::default() };
            now = client.create_network_acl(&wanted).await.map_err(failed(format!("create network ACL {name}")))?;
        }
        place.id.clone_from(&now.id);
        self.done.acls.insert(name.clone(), place);
        if now.admin_state_up != enabled {
            let text = format!("network ACL {name} {}", if enabled { "enabled" } else { "disabled" });
            if self.change(ChangeKind::Update, &text) {
                let update = NetworkAclUpdate { admin_state_up: Some(enabled), ..NetworkAclUpdate::default() };
                client.update_network_acl(&now.id, &update).await.map_err(failed(format!("make {text}")))?;
            }
        }
        self.make_acl_rules(&client, acl, &now).await?;
        let guarded: BTreeSet<&str> = now.associations.iter().map(|subnet| subnet.virsubnet_id.as_str()).collect();
        for subnet in &acl.subnets {
            let id = Applied::find(&self.done.subnets, "subnet", subnet)?.id.clone();
            let is = !id.is_empty() && guarded.contains(id.as_str());
            if !is && self.change(ChangeKind::Create, format!("network ACL {name} on subnet {subnet}")) {
                let done = client.guard_subnets(&now.id, &[id]).await;
                done.map_err(failed(format!("put network ACL {name} on subnet {subnet}")))?;
            }
        }
        Ok(())
    }

    /// Rules have an order, so a list that differs is replaced. The new rules go in front before the old ones go: there
    /// is no moment without rules.
    async fn make_acl_rules(&mut self, client: &Client, acl: &NetworkAcl, now: &PresentAcl) -> Result<(), ApplyError> {
        let wanted = lists(&acl.rules)?;
        let name = &acl.name;
        for (direction, wanted, present) in
            [("ingress", wanted.ingress, &now.ingress_rules), ("egress", wanted.egress, &now.egress_rules)]
        {
            let same = wanted.len() == present.len()
                && wanted.iter().zip(present).all(|(wanted, present)| *wanted == as_created(present));
            if same {
                continue;
            }
            let text = format!("network ACL {name} {direction} rules, {} now", wanted.len());
            if !self.change(ChangeKind::Update, &text) {
                continue;
            }
            let changing = || failed(format!("change the {direction} rules of network ACL {name}"));
            if !wanted.is_empty() {
                client
                    .insert_network_acl_rules(&now.id, &insertion(direction, wanted, None))
                    .await
                    .map_err(changing())?;
            }
            let old: Vec<String> = present.iter().map(|rule| rule.id.clone()).collect();
            if !old.is_empty() {
                let (ingress, egress) = if direction == "ingress" { (old, Vec::new()) } else { (Vec::new(), old) };
                client.remove_network_acl_rules(&now.id, &ingress, &egress).await.map_err(changing())?;
            }
        }
        Ok(())
    }

    /// Deletes the ACLs of these names that guard no subnet any more.
    pub(super) async fn remove_acls(
        &mut self,
        client: &Client,
        named: impl Fn(&str) -> bool,
    ) -> Result<(), ApplyError> {
        let filter = NetworkAclFilter::default();
        for acl in client.list_network_acls(&filter).await.map_err(failed("list the network ACLs"))? {
            if !named(&acl.name) || !self.change(ChangeKind::Delete, format!("network ACL {}", acl.name)) {
                continue;
            }
            match client.delete_network_acl(&acl.id).await {
                // It guards a subnet of another VPC: it stays.
                Err(Error::Api { status: 409, .. }) => drop(self.done.changes.pop()),
                done => done.map_err(failed(format!("delete network ACL {}", acl.name)))?,
            }
        }
        Ok(())
    }
}

/// A request that puts rules of one direction in front of all others, or behind one.
pub(crate) fn insertion(
    direction: &str,
    rules: Vec<NetworkAclRuleCreate>,
    insert_after_rule: Option<String>,
) -> NetworkAclInsertion {
    let (ingress_rules, egress_rules) = if direction == "ingress" { (rules, Vec::new()) } else { (Vec::new(), rules) };
    NetworkAclInsertion { ingress_rules, egress_rules, insert_after_rule }
}

/// The rules of a document's ACL as the API has them: a list for each direction, in the order of priorities; of equal
/// ones, and of rules without, in the document's order.
///
/// # Errors
/// [`ApplyError::Unsupported`] for a direction that is none.
pub(crate) fn lists(rules: &[AclRule]) -> Result<Lists, ApplyError> {
    let mut sorted: Vec<&AclRule> = rules.iter().collect();
    sorted.sort_by_key(|rule| rule.priority.unwrap_or(u32::MAX));
    let mut lists = Lists::default();
    for rule in sorted {
        match direction(rule)? {
            "ingress" => lists.ingress.push(wanted_rule(rule)),
            _ => lists.egress.push(wanted_rule(rule)),
        }
    }
    Ok(lists)
}

/// `ingress` or `egress`.
///
/// # Errors
/// [`ApplyError::Unsupported`] for another word.
pub(crate) fn direction(rule: &AclRule) -> Result<&'static str, ApplyError> {
    match rule.dir.as_str() {
        "in" | "ingress" => Ok("ingress"),
        "out" | "egress" => Ok("egress"),
        other => Err(ApplyError::Unsupported(format!("network ACL rule direction `{other}`: write in or out"))),
    }
}

/// The request that makes a rule. The API has an order and no priorities: the description keeps the number, so that a
/// rule that is added later finds its place.
pub(crate) fn wanted_rule(rule: &AclRule) -> NetworkAclRuleCreate {
    let sides = [&rule.source, &rule.destination];
    // A rule without version is for IPv4, unless its ranges say otherwise.
    let ipv6 = match rule.version {
        Some(version) => version == 6,
        None => sides.into_iter().flatten().any(|address| address.contains(':')),
    };
    NetworkAclRuleCreate {
        name: None,
        description: rule.priority.map(|priority| format!("{PRIORITY}{priority}")),
        action: rule.action.clone().unwrap_or_else(|| "allow".to_owned()),
        // The document says icmp for both families.
        protocol: match rule.proto.as_deref() {
            None | Some("all" | "any") => "any".to_owned(),
            Some("icmp") if ipv6 => "icmpv6".to_owned(),
            Some(proto) => proto.to_owned(),
        },
        ip_version: if ipv6 { 6 } else { rule.version.unwrap_or(4) },
        source_ip_address: rule.source.as_deref().map(canonical),
        destination_ip_address: rule.destination.as_deref().map(canonical),
        source_port: rule.sport.clone().map(|ports| ports.0),
        destination_port: rule.dport.clone().map(|ports| ports.0),
        source_address_group_id: None,
        destination_address_group_id: None,
        enabled: Some(rule.enabled.unwrap_or(true)),
    }
}

const PRIORITY: &str = "priority ";

/// Where a rule of this priority goes in a list: the rule to put it behind, `None` for in front of all.
pub(crate) fn place(priority: Option<u32>, list: &[NetworkAclRule]) -> Option<&NetworkAclRule> {
    let wanted = priority.unwrap_or(u32::MAX);
    let number = |rule: &NetworkAclRule| rule.description.strip_prefix(PRIORITY).and_then(|text| text.parse().ok());
    list.iter().rfind(|rule| number(rule).unwrap_or(u32::MAX) <= wanted)
}

/// A range as the API shows it. What is none is the server's to refuse.
fn canonical(text: &str) -> String {
    text.parse::<IpNet>().map_or_else(|_| text.to_owned(), |net| net.trunc().to_string())
}

/// A present rule as the request that would make it.
pub(crate) fn as_created(rule: &NetworkAclRule) -> NetworkAclRuleCreate {
    NetworkAclRuleCreate {
        // Names are nobody's business here.
        name: None,
        description: Some(rule.description.clone()).filter(|text| !text.is_empty()),
        action: rule.action.clone(),
        protocol: rule.protocol.clone(),
        ip_version: rule.ip_version,
        source_ip_address: rule.source_ip_address.clone(),
        destination_ip_address: rule.destination_ip_address.clone(),
        source_port: rule.source_port.clone(),
        destination_port: rule.destination_port.clone(),
        source_address_group_id: rule.source_address_group_id.clone(),
        destination_address_group_id: rule.destination_address_group_id.clone(),
        enabled: Some(rule.enabled),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use super::*;

    fn rule(dir: &str, priority: Option<u32>, proto: &str) -> AclRule {
        AclRule { dir: dir.to_owned(), priority, proto: Some(proto.to_owned()), ..AclRule::default() }
    }

    /// ACL-3: smaller numbers are asked first.
    #[test]
    fn rules_are_listed_by_direction_in_the_order_of_priorities() {
        let rules = [
            rule("in", Some(20), "udp"),
            rule("out", Some(1), "tcp"),
            rule("in", None, "any"),
            rule("in", Some(3), "icmp"),
        ];
        let lists = lists(&rules).unwrap();
        let protocols = |list: &[NetworkAclRuleCreate]| list.iter().map(|r| r.protocol.clone()).collect::<Vec<_>>();
        assert_eq!(protocols(&lists.ingress), ["icmp", "udp", "any"]);
        assert_eq!(protocols(&lists.egress), ["tcp"]);
        assert!(super::lists(&[rule("up", None, "tcp")]).is_err());
    }

    /// V6-6: a rule is for one family, that of its ranges where it does not say.
    #[test]
    fn a_rule_without_version_is_for_the_family_of_its_ranges() {
        let six = AclRule { source: Some("2001:DB8::1/32".to_owned()), ..rule("in", None, "icmp") };
        let made = wanted_rule(&six);
        assert_eq!((made.ip_version, made.protocol.as_str()), (6, "icmpv6"));
        assert_eq!(made.source_ip_address.as_deref(), Some("2001:db8::/32"));
        assert_eq!(wanted_rule(&rule("in", None, "icmp")).ip_version, 4);
    }

    #[test]
    fn a_rule_that_is_added_finds_the_place_of_its_priority() {
        let list: Vec<NetworkAclRule> = ["1", "5", "5", ""]
            .iter()
            .enumerate()
            .map(|(n, text)| {
                let description = if text.is_empty() { String::new() } else { format!("{PRIORITY}{text}") };
                serde_json::from_value(serde_json::json!({"id": n.to_string(), "description": description})).unwrap()
            })
            .collect();
        let behind = |priority| place(priority, &list).map(|rule| rule.id.as_str());
        assert_eq!(behind(Some(0)), None);
        assert_eq!(behind(Some(1)), Some("0"));
        assert_eq!(behind(Some(5)), Some("2"));
        assert_eq!(behind(None), Some("3"));
    }
}
