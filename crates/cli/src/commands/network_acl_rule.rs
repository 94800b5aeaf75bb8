//! `causeway network-acl rule`.

use clap::Subcommand;
use client::types::{NetworkAcl, NetworkAclInsertion, NetworkAclRule, NetworkAclRuleCreate};

use super::common::{Deletions, NamesById, report};
use super::security_group::{Action, Direction, is_address};
use crate::app::App;
use crate::failure::{Failure, Result};
use crate::names::{self, Named};
use crate::output::Table;
use crate::session::Session;

/// A command of the rules of network ACLs.
#[derive(Debug, Subcommand)]
pub(crate) enum AclRuleCommand {
    /// List the rules of a network ACL in the order in which they are asked
    #[command(alias = "ls", after_help = "Examples:\n  causeway network-acl rule list acl-web")]
    List {
        /// Name or id of the ACL
        acl: String,
    },
    /// Add a rule in front of all others, behind one of them, or at the end
    #[command(
        visible_alias = "create",
        after_help = "Examples:\n  causeway network-acl rule add acl-web ingress tcp --port 80,443\n  causeway network-acl rule add acl-web ingress tcp --port 445 --action deny --name no-smb\n  causeway network-acl rule add acl-web ingress --source offices --after no-smb\n  causeway network-acl rule add acl-web egress --destination 10.0.0.0/8 --last"
    )]
    Add {
        /// Name or id of the ACL
        acl: String,
        /// Whether it is about packets that enter the subnets or leave them
        direction: Direction,
        /// tcp, udp, icmp, icmpv6 or a number; any if not given
        protocol: Option<String>,
        /// Whether to let them pass
        #[arg(long, value_enum, default_value_t)]
        action: Action,
        /// Where they come from: a CIDR, an address, or name or id of an address group; any if not given
        #[arg(long, value_name = "CIDR|GROUP")]
        source: Option<String>,
        /// Where they go to: a CIDR, an address, or name or id of an address group; any if not given
        #[arg(long, value_name = "CIDR|GROUP")]
        destination: Option<String>,
        /// Source ports, such as 80, 1-1024 or 22,3389; any if not given
        #[arg(long, value_name = "PORTS")]
        source_port: Option<String>,
        /// Destination ports, such as 80, 1-1024 or 22,3389; any if not given
        #[arg(long, value_name = "PORTS")]
        port: Option<String>,
        /// Make it a rule for IPv6
        #[arg(long)]
        ipv6: bool,
        /// Put it behind this rule of the same direction; name or id
        #[arg(long, value_name = "RULE", conflicts_with = "last")]
        after: Option<String>,
        /// Put it behind all others
        #[arg(long)]
        last: bool,
        /// A name for it
        #[arg(long)]
        name: Option<String>,
        /// Free text
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
    },
    /// Remove rules
    #[command(
        visible_alias = "delete",
        alias = "rm",
        after_help = "Examples:\n  causeway network-acl rule remove acl-web no-smb\n  causeway network-acl rule remove acl-web 3d2f…9c"
    )]
    Remove {
        /// Name or id of the ACL
        acl: String,
        /// Names or ids
        #[arg(required = true, value_name = "RULE")]
        rules: Vec<String>,
    },
}

/// A rule goes by its name where it has one.
impl Named for NetworkAclRule {
    fn id(&self) -> &str {
        &self.id
    }

    fn name(&self) -> &str {
        &self.name
    }
}

/// Does it.
pub(super) async fn run(command: AclRuleCommand, session: &Session, app: &App) -> Result<()> {
    let printer = app.printer;
    match command {
        AclRuleCommand::List { acl } => {
            let acl = whole(session, &acl).await?;
            if !printer.for_people() {
                let rules = [("ingress_rules", &acl.ingress_rules), ("egress_rules", &acl.egress_rules)];
                return printer.data(&std::collections::BTreeMap::from(rules));
            }
            let table = rule_table(session, &acl).await?;
            printer.list(&acl.ingress_rules, || table)
        }
        AclRuleCommand::Add {
            acl,
            direction,
            protocol,
            action,
            source,
            destination,
            source_port,
            port,
            ipv6,
            after,
            last,
            name,
            description,
        } => {
            let acl = whole(session, &acl).await?;
            let mut rule = NetworkAclRuleCreate {
                name,
                description,
                action: match action {
                    Action::Allow => "allow".to_owned(),
                    Action::Deny => "deny".to_owned(),
                },
                protocol: protocol.unwrap_or_else(|| "any".to_owned()),
                ip_version: if ipv6 { 6 } else { 4 },
                source_port,
                destination_port: port,
                ..NetworkAclRuleCreate::default()
            };
            (rule.source_ip_address, rule.source_address_group_id) = side(session, source).await?;
            (rule.destination_ip_address, rule.destination_address_group_id) = side(session, destination).await?;
            let present = match direction {
                Direction::Ingress => &acl.ingress_rules,
                Direction::Egress => &acl.egress_rules,
            };
            let insert_after_rule = match after {
                Some(after) => Some(names::find("rule", &after, present)?.id.clone()),
                None => present.last().filter(|_| last).map(|rule| rule.id.clone()),
            };
            let mut insertion = NetworkAclInsertion { insert_after_rule, ..NetworkAclInsertion::default() };
            match direction {
                Direction::Ingress => insertion.ingress_rules.push(rule),
                Direction::Egress => insertion.egress_rules.push(rule),
            }
            let changed = session.client.insert_network_acl_rules(&acl.id, &insertion).await?;
            let made = new_rule(&acl, &changed)?;
            report(printer, made, "added", &format!("rule to {}: {} ({})", acl.name, summary(made), made.id))
        }
        AclRuleCommand::Remove { acl, rules } => {
            let acl = whole(session, &acl).await?;
            let all: Vec<NetworkAclRule> = acl.ingress_rules.iter().chain(&acl.egress_rules).cloned().collect();
            let mut found = Vec::with_capacity(rules.len());
            for wanted in &rules {
                found.push(names::find("rule", wanted, &all)?);
            }
            let of = |list: &[NetworkAclRule]| -> Vec<String> {
                let listed = found.iter().filter(|rule| list.iter().any(|other| other.id == rule.id));
                listed.map(|rule| rule.id.clone()).collect()
            };
            let (ingress, egress) = (of(&acl.ingress_rules), of(&acl.egress_rules));
            session.client.remove_network_acl_rules(&acl.id, &ingress, &egress).await?;
            let mut deletions = Deletions::default();
            for rule in found {
                let label = if rule.name.is_empty() { &rule.id } else { &rule.name };
                deletions.done(printer, "rule", &rule.id, label)?;
            }
            deletions.end(printer)
        }
    }
}

async fn whole(session: &Session, acl: &str) -> Result<NetworkAcl> {
    let acl = session.network_acl(acl).await?;
    Ok(session.client.show_network_acl(&acl.id).await?)
}

/// The rule that an ACL has now and had not before.
fn new_rule<'a>(before: &NetworkAcl, now: &'a NetworkAcl) -> Result<&'a NetworkAclRule> {
    let had = |id: &str| before.ingress_rules.iter().chain(&before.egress_rules).any(|rule| rule.id == id);
    let made = now.ingress_rules.iter().chain(&now.egress_rules).find(|rule| !had(&rule.id));
    made.ok_or_else(|| Failure::internal("the server's answer has no new rule"))
}

/// An address, or the id of an address group. What looks like an address is none of a group.
async fn side(session: &Session, wanted: Option<String>) -> Result<(Option<String>, Option<String>)> {
    Ok(match wanted {
        None => (None, None),
        Some(address) if is_address(&address) => (Some(address), None),
        Some(group) => (None, Some(session.address_group(&group).await?.id)),
    })
}

fn summary(rule: &NetworkAclRule) -> String {
    let ports = rule.destination_port.as_deref().unwrap_or("any");
    format!("{} {} {ports}", rule.action, rule.protocol)
}

/// The rules of both directions in their order, with what is asked last.
pub(super) async fn rule_table(session: &Session, acl: &NetworkAcl) -> Result<Table> {
    let all = || acl.ingress_rules.iter().chain(&acl.egress_rules);
    let named = all().any(|rule| rule.source_address_group_id.is_some() || rule.destination_address_group_id.is_some());
    let groups = if named { session.address_groups().await? } else { Vec::new() };
    let groups = NamesById::new(groups.iter().map(|group| (group.id.as_str(), group.name.as_str())));
    let side = |address: &Option<String>, group: &Option<String>| match (address, group) {
        (Some(address), _) => address.clone(),
        (None, Some(group)) => format!("addresses {}", groups.of(group)),
        (None, None) => "any".to_owned(),
    };
    let any = |value: &Option<String>| value.clone().unwrap_or_else(|| "any".to_owned());
    let mut table = Table::new([
        "DIRECTION",
        "PLACE",
        "ACTION",
        "FAMILY",
        "PROTOCOL",
        "SOURCE",
        "SOURCE PORTS",
        "DESTINATION",
        "PORTS",
        "ENABLED",
        "NAME",
        "ID",
    ]);
    for (direction, rules) in [("ingress", &acl.ingress_rules), ("egress", &acl.egress_rules)] {
        for (place, rule) in rules.iter().enumerate() {
            table.row([
                direction,
                &(place + 1).to_string(),
                &rule.action,
                &format!("IPv{}", rule.ip_version),
                &rule.protocol,
                &side(&rule.source_ip_address, &rule.source_address_group_id),
                &any(&rule.source_port),
                &side(&rule.destination_ip_address, &rule.destination_address_group_id),
                &any(&rule.destination_port),
                if rule.enabled { "yes" } else { "no" },
                &rule.name,
                &rule.id,
            ]);
        }
        table.row([direction, "last", "deny", "any", "any", "any", "any", "any", "any", "yes", "built in", ""]);
    }
    Ok(table)
}
