//! Security groups and their rules.

use std::collections::{BTreeMap, BTreeSet};

use client::types::{SecurityGroupCreate, SecurityGroupFilter, SecurityGroupRule, SecurityGroupRuleCreate};

use super::{Applied, ApplyError, ChangeKind, Placed, Run, failed};
use crate::document::{GroupRule, SecurityGroup, Workload};

/// The group of workloads without `sgs`: allows everything both ways.
pub const ALLOW_ALL: &str = "allow-all";
/// The group of workloads with an empty `sgs`: denies everything (rule SG-3). The API has no port without a group.
pub const DENY_ALL: &str = "deny-all";
/// The group that every project has (rule SG-10).
pub const DEFAULT: &str = "default";

/// A rule as it is compared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rule {
    direction: String,
    ethertype: String,
    protocol: Option<String>,
    multiport: Option<String>,
    prefix: Option<String>,
    group: Option<String>,
    action: String,
    priority: u32,
}

impl Run<'_, '_> {
    pub(super) async fn make_groups(&mut self) -> Result<(), ApplyError> {
        let wanted = self.groups_wanted()?;
        // All groups first: rules may name any of them.
        for (account, region, name) in wanted.keys() {
            self.make_group(account, region, name).await?;
        }
        for ((account, region, name), rules) in &wanted {
            if let Some(rules) = rules {
                self.make_rules(account, region, name, rules).await?;
            }
        }
        Ok(())
    }

    /// The groups that workloads and the document name, by account, region and name; with the rules they are to have,
    /// or none where they are to stay as they are.
    #[allow(clippy::type_complexity, reason = "a local table; a name for it would say less")]
    fn groups_wanted(&self) -> Result<BTreeMap<(String, String, String), Option<Vec<GroupRule>>>, ApplyError> {
        let mut wanted = BTreeMap::new();
        for workload in &self.scenario.workloads {
            let vpc = self.vpc_of_subnet(&workload.subnet)?;
            for name in group_names(workload) {
                let rules = self.rules_of(&vpc.account, &name);
                wanted.insert((vpc.account.clone(), vpc.region.clone(), name), rules);
            }
        }
        for group in &self.scenario.security_groups {
            let account = group.account.clone().unwrap_or_else(|| self.defaults.account.clone());
            let regions: BTreeSet<String> =
                self.done.vpcs.values().filter(|v| v.account == account).map(|v| v.region.clone()).collect();
            let regions = if regions.is_empty() { BTreeSet::from([self.defaults.region.clone()]) } else { regions };
            for region in regions {
                wanted.insert((account.clone(), region, group.name.clone()), Some(group.rules.clone()));
            }
        }
        Ok(wanted)
    }

    fn rules_of(&self, account: &str, name: &str) -> Option<Vec<GroupRule>> {
        let of_account =
            |g: &&SecurityGroup| g.name == name && g.account.as_deref().unwrap_or(&self.defaults.account) == account;
        if let Some(group) = self.scenario.security_groups.iter().find(of_account) {
            return Some(group.rules.clone());
        }
        if name == DENY_ALL {
            return Some(Vec::new());
        }
        (name == ALLOW_ALL).then(|| {
            let rule =
                |dir: &str, version| GroupRule { dir: dir.to_owned(), version: Some(version), ..GroupRule::default() };
            vec![rule("in", 4), rule("in", 6), rule("out", 4), rule("out", 6)]
        })
    }

    async fn make_group(&mut self, account: &str, region: &str, name: &str) -> Result<(), ApplyError> {
        let client = self.access.client(account, region)?;
        let filter = SecurityGroupFilter { name: vec![name.to_owned()], ..SecurityGroupFilter::default() };
        let there = client.list_security_groups(&filter).await.map_err(failed("list the security groups"))?;
        let mut id = there.into_iter().find(|g| g.name == name).map(|g| g.id).unwrap_or_default();
        if id.is_empty() && self.change(ChangeKind::Create, format!("security group {name}")) {
            let group = SecurityGroupCreate { name: name.to_owned(), description: None };
            let made = client.create_security_group(&group).await;
            id = made.map_err(failed(format!("create security group {name}")))?.id;
        }
        self.done.groups.insert((account.to_owned(), region.to_owned(), name.to_owned()), id);
        Ok(())
    }

    async fn make_rules(
        &mut self,
        account: &str,
        region: &str,
        name: &str,
        rules: &[GroupRule],
    ) -> Result<(), ApplyError> {
        let client = self.access.client(account, region)?;
        let key = (account.to_owned(), region.to_owned(), name.to_owned());
        let id = self.done.groups.get(&key).cloned().unwrap_or_default();
        let mut wanted = BTreeSet::new();
        for rule in rules {
            wanted.insert(wanted_rule(&self.done, account, region, rule)?);
        }
        let mut there = BTreeMap::new();
        if !id.is_empty() {
            let group = client.show_security_group(&id).await.map_err(failed(format!("read security group {name}")))?;
            there.extend(group.security_group_rules.into_iter().map(|rule| (present_rule(&rule), rule.id)));
        }
        for rule in wanted.iter().filter(|r| !there.contains_key(r)) {
            let text = format!("security group {name} rule {}", describe(&self.done, rule));
            if self.change(ChangeKind::Create, &text) {
                let made = client.create_security_group_rule(&request(&id, rule)).await;
                made.map_err(failed(format!("add {text}")))?;
            }
        }
        for (rule, rule_id) in there.iter().filter(|(r, _)| !wanted.contains(r)) {
            let text = format!("security group {name} rule {}", describe(&self.done, rule));
            if self.change(ChangeKind::Delete, &text) {
                client.delete_security_group_rule(rule_id).await.map_err(failed(format!("delete {text}")))?;
            }
        }
        Ok(())
    }
}

/// The groups of a workload, in order.
pub(super) fn group_names(workload: &Workload) -> Vec<String> {
    match &workload.sgs {
        None => vec![ALLOW_ALL.to_owned()],
        Some(none) if none.is_empty() => vec![DENY_ALL.to_owned()],
        Some(names) => names.clone(),
    }
}

/// The request that makes a rule of the document in the group `id`.
///
/// # Errors
/// [`ApplyError::Unknown`] for a remote group that is not there; [`ApplyError::Unsupported`] for a wrong direction.
pub(crate) fn rule_request(
    done: &Applied,
    account: &str,
    region: &str,
    id: &str,
    rule: &GroupRule,
) -> Result<SecurityGroupRuleCreate, ApplyError> {
    Ok(request(id, &wanted_rule(done, account, region, rule)?))
}

/// The id of the rule of a group that is as the document says; what the document says where there is none, for the
/// server to judge.
///
/// # Errors
/// As of [`rule_request`].
pub(crate) fn find_rule(
    done: &Applied,
    group: &Placed,
    rule: &GroupRule,
    present: &[SecurityGroupRule],
) -> Result<String, ApplyError> {
    let wanted = wanted_rule(done, &group.account, &group.region, rule)?;
    let found = present.iter().find(|there| present_rule(there) == wanted);
    Ok(found.map_or_else(|| "no-such-rule".to_owned(), |there| there.id.clone()))
}

fn request(id: &str, rule: &Rule) -> SecurityGroupRuleCreate {
    SecurityGroupRuleCreate {
        security_group_id: id.to_owned(),
        direction: rule.direction.clone(),
        ethertype: Some(rule.ethertype.clone()),
        protocol: rule.protocol.clone(),
        multiport: rule.multiport.clone(),
        remote_ip_prefix: rule.prefix.clone(),
        remote_group_id: rule.group.clone(),
        action: Some(rule.action.clone()),
        priority: Some(rule.priority),
        ..SecurityGroupRuleCreate::default()
    }
}

fn wanted_rule(done: &Applied, account: &str, region: &str, rule: &GroupRule) -> Result<Rule, ApplyError> {
    let direction = match rule.dir.as_str() {
        "in" | "ingress" => "ingress",
        "out" | "egress" => "egress",
        other => return Err(ApplyError::Unsupported(format!("rule direction `{other}`: write in or out"))),
    };
    let (mut prefix, mut group) = (None, None);
    match rule.remote.as_deref() {
        None => {}
        Some(remote) => match remote.strip_prefix("sg:") {
            None => prefix = Some(remote.to_owned()),
            Some(name) => {
                // A group of another account keeps its name as id: the server is the one to refuse it.
                let own = done.groups.get(&(account.to_owned(), region.to_owned(), name.to_owned()));
                let any = done.groups.iter().find(|((_, _, n), _)| n == name).map(|(_, id)| id);
                group = Some(own.or(any).cloned().unwrap_or_else(|| name.to_owned()));
            }
        },
    }
    // A rule without version is for IPv4, unless its range says otherwise.
    let ipv6 = match rule.version {
        Some(version) => version == 6,
        None => prefix.as_deref().is_some_and(|prefix: &str| prefix.contains(':')),
    };
    Ok(Rule {
        direction: direction.to_owned(),
        ethertype: if ipv6 { "IPv6" } else { "IPv4" }.to_owned(),
        // The document says icmp for both families.
        protocol: rule.proto.clone().filter(|p| p != "all" && p != "any").map(|proto| match proto.as_str() {
            "icmp" if ipv6 => "icmpv6".to_owned(),
            _ => proto,
        }),
        multiport: rule.port.clone().map(|p| p.0),
        prefix,
        group,
        action: rule.action.clone().unwrap_or_else(|| "allow".to_owned()),
        priority: rule.priority.unwrap_or(1).into(),
    })
}

fn present_rule(rule: &SecurityGroupRule) -> Rule {
    Rule {
        direction: rule.direction.clone(),
        ethertype: rule.ethertype.clone(),
        protocol: rule.protocol.clone(),
        multiport: rule.multiport.clone(),
        prefix: rule.remote_ip_prefix.clone(),
        group: rule.remote_group_id.clone(),
        action: rule.action.clone(),
        priority: rule.priority,
    }
}

/// A rule in words; groups of the document by their names.
fn describe(done: &Applied, rule: &Rule) -> String {
    let protocol = rule.protocol.as_deref().unwrap_or("all");
    let ports = rule.multiport.as_ref().map(|p| format!("/{p}")).unwrap_or_default();
    let remote = match (&rule.prefix, &rule.group) {
        (Some(prefix), _) => prefix.clone(),
        (None, Some(id)) => {
            let known = done.groups.iter().find(|(_, known)| *known == id);
            format!("group {}", known.map_or(id.as_str(), |((_, _, name), _)| name))
        }
        (None, None) => "any".to_owned(),
    };
    let Rule { direction, action, ethertype, priority, .. } = rule;
    format!("{direction} {action} {ethertype} {protocol}{ports} {remote} priority {priority}")
}
