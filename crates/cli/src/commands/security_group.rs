//! `causeway security-group`.

use clap::{Subcommand, ValueEnum};
use client::types::{SecurityGroupCreate, SecurityGroupRule, SecurityGroupRuleCreate, SecurityGroupRuleFilter};

use super::common::{Deletions, NamesById, report};
use crate::app::App;
use crate::args::Group;
use crate::exit::Exit;
use crate::failure::Result;
use crate::output::{Details, Table};
use crate::session::Session;

/// A command of security groups.
#[derive(Debug, Subcommand)]
pub(crate) enum SecurityGroupCommand {
    /// List the security groups of the region
    #[command(alias = "ls", after_help = "Examples:\n  causeway security-group list")]
    List,
    /// Show a security group with its rules
    #[command(after_help = "Examples:\n  causeway security-group show default")]
    Show {
        /// Name or id
        group: String,
    },
    /// Create a security group, which comes with the usual rules
    #[command(after_help = "Examples:\n  causeway security-group create web --description 'HTTP from everywhere'")]
    Create {
        /// Its name
        name: String,
        /// Free text
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
    },
    /// Delete security groups, which no server may use
    #[command(alias = "rm", after_help = "Examples:\n  causeway security-group delete web")]
    Delete {
        /// Names or ids
        #[arg(required = true, value_name = "GROUP")]
        groups: Vec<String>,
    },
    /// Rules of a security group
    Rule(Group<RuleCommand>),
}

/// A command of rules.
#[derive(Debug, Subcommand)]
pub(crate) enum RuleCommand {
    /// List the rules of a security group
    #[command(alias = "ls", after_help = "Examples:\n  causeway security-group rule list default")]
    List {
        /// Name or id
        group: String,
    },
    /// Add a rule
    #[command(
        visible_alias = "create",
        after_help = "Examples:\n  causeway security-group rule add web ingress tcp --port 80,443\n  causeway security-group rule add db ingress tcp --port 5432 --remote 172.16.0.0/24\n  causeway security-group rule add db ingress --remote web\n  causeway security-group rule add db ingress tcp --port 22 --remote-addresses offices\n  causeway security-group rule add db egress --action deny --remote 10.0.0.0/8 --priority 1"
    )]
    Add {
        /// Name or id of the group
        group: String,
        /// Whether it is about packets that come in or go out
        direction: Direction,
        /// tcp, udp, icmp or a number; any if not given
        protocol: Option<String>,
        /// Whether to let them pass
        #[arg(long, value_enum, default_value_t)]
        action: Action,
        /// Destination ports, such as 80, 1-1024 or 22,3389; any if not given
        #[arg(long, value_name = "PORTS")]
        port: Option<String>,
        /// The other end: a CIDR, an address, or name or id of a security group; any if not given
        #[arg(long, value_name = "CIDR|GROUP")]
        remote: Option<String>,
        /// The other end: name or id of an address group
        #[arg(long, value_name = "GROUP", conflicts_with = "remote")]
        remote_addresses: Option<String>,
        /// 1 to 100; 1 is looked at first
        #[arg(long)]
        priority: Option<u32>,
        /// Make it a rule for IPv6
        #[arg(long)]
        ipv6: bool,
        /// Free text
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
    },
    /// Delete rules
    #[command(alias = "rm", after_help = "Examples:\n  causeway security-group rule delete 3d2f…9c")]
    Delete {
        /// Ids
        #[arg(required = true, value_name = "ID")]
        rules: Vec<String>,
    },
}

/// Which packets a rule is about.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Direction {
    Ingress,
    Egress,
}

/// What a rule does.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum Action {
    #[default]
    Allow,
    Deny,
}

/// Does it.
pub(crate) async fn run(command: SecurityGroupCommand, app: &App) -> Result<Exit> {
    let session = app.session().await?;
    let printer = app.printer;
    match command {
        SecurityGroupCommand::List => {
            let groups = session.security_groups().await?;
            printer.list(&groups, || {
                let mut table = Table::new(["NAME", "DESCRIPTION", "ID"]).empty("there are no security groups");
                for group in &groups {
                    table.row([&group.name, &group.description, &group.id]);
                }
                table
            })?;
        }
        SecurityGroupCommand::Show { group } => {
            let group = session.security_group(&group).await?;
            let group = session.client.show_security_group(&group.id).await?;
            if !printer.for_people() {
                printer.data(&group)?;
                return Ok(Exit::Done);
            }
            let details = Details::default()
                .field("name", &group.name)
                .field("id", &group.id)
                .field("description", &group.description)
                .render();
            let table = rule_table(&session, &group.security_group_rules).await?;
            printer.text(&format!("{details}\n"))?;
            printer.list(&group.security_group_rules, || table)?;
        }
        SecurityGroupCommand::Create { name, description } => {
            let group = session.client.create_security_group(&SecurityGroupCreate { name, description }).await?;
            report(printer, &group, "created", &format!("security group {} ({})", group.name, group.id))?;
        }
        SecurityGroupCommand::Delete { groups } => {
            let mut deletions = Deletions::default();
            for wanted in &groups {
                let group = session.security_group(wanted).await?;
                session.client.delete_security_group(&group.id).await?;
                deletions.done(printer, "security group", &group.id, &group.name)?;
            }
            deletions.end(printer)?;
        }
        SecurityGroupCommand::Rule(rule) => run_rule(rule.command, &session, app).await?,
    }
    Ok(Exit::Done)
}

async fn run_rule(command: RuleCommand, session: &Session, app: &App) -> Result<()> {
    let printer = app.printer;
    match command {
        RuleCommand::List { group } => {
            let group = session.security_group(&group).await?;
            let filter =
                SecurityGroupRuleFilter { security_group_id: Some(group.id), ..SecurityGroupRuleFilter::default() };
            let rules = session.client.list_security_group_rules(&filter).await?;
            let table = rule_table(session, &rules).await?;
            printer.list(&rules, || table)
        }
        RuleCommand::Add {
            group,
            direction,
            action,
            protocol,
            port,
            remote,
            remote_addresses,
            priority,
            ipv6,
            description,
        } => {
            let group = session.security_group(&group).await?;
            let mut wanted = SecurityGroupRuleCreate {
                security_group_id: group.id,
                direction: match direction {
                    Direction::Ingress => "ingress".to_owned(),
                    Direction::Egress => "egress".to_owned(),
                },
                ethertype: Some(if ipv6 { "IPv6" } else { "IPv4" }.to_owned()),
                protocol,
                multiport: port,
                action: Some(match action {
                    Action::Allow => "allow".to_owned(),
                    Action::Deny => "deny".to_owned(),
                }),
                priority,
                description,
                ..SecurityGroupRuleCreate::default()
            };
            match remote {
                // What looks like an address is none of a group; groups may not be named so.
                Some(remote) if is_address(&remote) => wanted.remote_ip_prefix = Some(remote),
                Some(remote) => wanted.remote_group_id = Some(session.security_group(&remote).await?.id),
                None => {}
            }
            if let Some(addresses) = remote_addresses {
                wanted.remote_address_group_id = Some(session.address_group(&addresses).await?.id);
            }
            let rule = session.client.create_security_group_rule(&wanted).await?;
            report(printer, &rule, "added", &format!("rule to {}: {} ({})", group.name, summary(&rule), rule.id))
        }
        RuleCommand::Delete { rules } => {
            let mut deletions = Deletions::default();
            for id in &rules {
                session.client.delete_security_group_rule(id).await?;
                deletions.done(printer, "rule", id, id)?;
            }
            deletions.end(printer)
        }
    }
}

/// Whether a text is an address or a CIDR.
pub(super) fn is_address(text: &str) -> bool {
    let address = text.split_once('/').map_or(text, |(address, _)| address);
    address.parse::<std::net::IpAddr>().is_ok()
}

fn summary(rule: &SecurityGroupRule) -> String {
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "any".to_owned());
    format!("{} {} {} {}", rule.action, rule.direction, text(&rule.protocol), text(&rule.multiport))
}

async fn rule_table(session: &Session, rules: &[SecurityGroupRule]) -> Result<Table> {
    let groups = session.security_groups().await?;
    let names = NamesById::new(groups.iter().map(|group| (group.id.as_str(), group.name.as_str())));
    // Asked for only where a rule names one.
    let named = rules.iter().any(|rule| rule.remote_address_group_id.is_some());
    let addresses = if named { session.address_groups().await? } else { Vec::new() };
    let addresses = NamesById::new(addresses.iter().map(|group| (group.id.as_str(), group.name.as_str())));
    let mut table = Table::new(["DIRECTION", "ACTION", "PRIORITY", "FAMILY", "PROTOCOL", "PORTS", "REMOTE", "ID"])
        .empty("there are no rules");
    let mut rules: Vec<&SecurityGroupRule> = rules.iter().collect();
    rules.sort_by(|a, b| {
        (&b.direction, a.priority, &a.action, &a.id).cmp(&(&a.direction, b.priority, &b.action, &b.id))
    });
    for rule in rules {
        let any = |value: &Option<String>| value.clone().unwrap_or_else(|| "any".to_owned());
        let remote = match (&rule.remote_ip_prefix, &rule.remote_group_id, &rule.remote_address_group_id) {
            (Some(prefix), _, _) => prefix.clone(),
            (_, Some(group), _) => format!("group {}", names.of(group)),
            (_, _, Some(group)) => format!("addresses {}", addresses.of(group)),
            _ => "any".to_owned(),
        };
        table.row([
            &rule.direction,
            &rule.action,
            &rule.priority.to_string(),
            &rule.ethertype,
            &any(&rule.protocol),
            &any(&rule.multiport),
            &remote,
            &rule.id,
        ]);
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::group_help;

    #[test]
    fn help() {
        insta::assert_snapshot!(group_help(&["security-group"], &["list", "show", "create", "delete"]));
    }

    #[test]
    fn help_of_rules() {
        insta::assert_snapshot!(group_help(&["security-group", "rule"], &["list", "add", "delete"]));
    }

    #[test]
    fn remotes_are_addresses_or_groups() {
        for address in ["10.0.0.0/8", "10.1.2.3", "fd00::/64", "10.0.0.0/99"] {
            assert!(is_address(address), "{address}");
        }
        for group in ["web", "10.0.0", "sg-10.0.0.1", "0605767a-9980-d579-2f4f-c00ce5a7a1f1"] {
            assert!(!is_address(group), "{group}");
        }
    }
}
