//! `causeway network-acl`.

use clap::Subcommand;
use client::types::{NetworkAcl, NetworkAclCreate, NetworkAclUpdate};

use super::common::{Deletions, NamesById, report};
use super::network_acl_rule::{AclRuleCommand, rule_table, run as run_rule};
use crate::app::App;
use crate::args::Group;
use crate::exit::Exit;
use crate::failure::Result;
use crate::names;
use crate::output::{Details, Table};
use crate::session::Session;

/// A command of network ACLs.
#[derive(Debug, Subcommand)]
pub(crate) enum NetworkAclCommand {
    /// List the network ACLs of the region
    #[command(alias = "ls", after_help = "Examples:\n  causeway network-acl list")]
    List,
    /// Show a network ACL with its subnets and rules
    #[command(after_help = "Examples:\n  causeway network-acl show acl-web")]
    Show {
        /// Name or id
        acl: String,
    },
    /// Create a network ACL, which denies everything until it has rules
    #[command(
        after_help = "Examples:\n  causeway network-acl create acl-web\n  causeway network-acl create acl-web --subnet Subnet-B01 --subnet Subnet-B02"
    )]
    Create {
        /// Its name
        name: String,
        /// Free text
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
        /// A subnet to guard; several times for several
        #[arg(long = "subnet", value_name = "SUBNET")]
        subnets: Vec<String>,
        /// Let it have no effect until it is enabled
        #[arg(long)]
        disabled: bool,
    },
    /// Delete network ACLs, which may guard no subnet
    #[command(
        alias = "rm",
        after_help = "Examples:\n  causeway network-acl delete acl-web\n  causeway network-acl delete acl-web --force"
    )]
    Delete {
        /// Names or ids
        #[arg(required = true, value_name = "ACL")]
        acls: Vec<String>,
        /// Take its subnets off first; everything may then enter and leave them
        #[arg(long)]
        force: bool,
    },
    /// Rules of a network ACL
    Rule(Group<AclRuleCommand>),
    /// Let a network ACL guard subnets
    #[command(after_help = "Examples:\n  causeway network-acl associate acl-web Subnet-B01 Subnet-B02")]
    Associate {
        /// Name or id of the ACL
        acl: String,
        /// Names or ids
        #[arg(required = true, value_name = "SUBNET")]
        subnets: Vec<String>,
    },
    /// Take subnets off a network ACL; everything may then enter and leave them
    #[command(after_help = "Examples:\n  causeway network-acl disassociate acl-web Subnet-B01")]
    Disassociate {
        /// Name or id of the ACL
        acl: String,
        /// Names or ids
        #[arg(required = true, value_name = "SUBNET")]
        subnets: Vec<String>,
    },
    /// Let a network ACL have an effect
    #[command(after_help = "Examples:\n  causeway network-acl enable acl-web")]
    Enable {
        /// Name or id
        acl: String,
    },
    /// Let a network ACL have no effect; everything may then enter and leave its subnets
    #[command(after_help = "Examples:\n  causeway network-acl disable acl-web")]
    Disable {
        /// Name or id
        acl: String,
    },
}

/// Does it.
pub(crate) async fn run(command: NetworkAclCommand, app: &App) -> Result<Exit> {
    let session = app.session().await?;
    let printer = app.printer;
    match command {
        NetworkAclCommand::List => list(&session, app).await?,
        NetworkAclCommand::Show { acl } => show(&session, app, &acl).await?,
        NetworkAclCommand::Create { name, description, subnets, disabled } => {
            // What is not there is found out before anything is made.
            let subnets = subnet_ids(&session, &subnets).await?;
            let wanted = NetworkAclCreate { name, description, admin_state_up: disabled.then_some(false) };
            let mut acl = session.client.create_network_acl(&wanted).await?;
            if !subnets.is_empty() {
                acl = session.client.guard_subnets(&acl.id, &subnets).await?;
            }
            report(printer, &acl, "created", &format!("network ACL {} ({})", acl.name, acl.id))?;
        }
        NetworkAclCommand::Delete { acls, force } => {
            let mut deletions = Deletions::default();
            for wanted in &acls {
                let acl = session.network_acl(wanted).await?;
                let subnets: Vec<String> = acl.associations.iter().map(|subnet| subnet.virsubnet_id.clone()).collect();
                if force && !subnets.is_empty() {
                    session.client.unguard_subnets(&acl.id, &subnets).await?;
                }
                session.client.delete_network_acl(&acl.id).await?;
                deletions.done(printer, "network ACL", &acl.id, &acl.name)?;
            }
            deletions.end(printer)?;
        }
        NetworkAclCommand::Rule(rule) => run_rule(rule.command, &session, app).await?,
        NetworkAclCommand::Associate { acl, subnets } => {
            let acl = session.network_acl(&acl).await?;
            let ids = subnet_ids(&session, &subnets).await?;
            let changed = session.client.guard_subnets(&acl.id, &ids).await?;
            report(printer, &changed, "associated", &format!("{} with {}", subnets.join(" "), acl.name))?;
        }
        NetworkAclCommand::Disassociate { acl, subnets } => {
            let acl = session.network_acl(&acl).await?;
            let ids = subnet_ids(&session, &subnets).await?;
            let changed = session.client.unguard_subnets(&acl.id, &ids).await?;
            report(printer, &changed, "disassociated", &format!("{} from {}", subnets.join(" "), acl.name))?;
        }
        NetworkAclCommand::Enable { acl } => switch(&session, app, &acl, true).await?,
        NetworkAclCommand::Disable { acl } => switch(&session, app, &acl, false).await?,
    }
    Ok(Exit::Done)
}

async fn list(session: &Session, app: &App) -> Result<()> {
    let acls = session.network_acls().await?;
    let names = subnet_names(session, app).await?;
    app.printer.list(&acls, || {
        let mut table =
            Table::new(["NAME", "ENABLED", "SUBNETS", "DESCRIPTION", "ID"]).empty("there are no network ACLs");
        for acl in &acls {
            let subnets = subnets_of(acl, &names).join(" ");
            table.row([&acl.name, yes_or_no(acl.admin_state_up), &subnets, &acl.description, &acl.id]);
        }
        table
    })
}

async fn show(session: &Session, app: &App, wanted: &str) -> Result<()> {
    let acl = session.network_acl(wanted).await?;
    let acl = session.client.show_network_acl(&acl.id).await?;
    let printer = app.printer;
    if !printer.for_people() {
        return printer.data(&acl);
    }
    let names = subnet_names(session, app).await?;
    let details = Details::default()
        .field("name", &acl.name)
        .field("id", &acl.id)
        .field("description", &acl.description)
        .field("enabled", yes_or_no(acl.admin_state_up))
        .fields("subnets", subnets_of(&acl, &names))
        .render();
    printer.text(&format!("{details}\n"))?;
    let table = rule_table(session, &acl).await?;
    printer.list(&acl.ingress_rules, || table)
}

async fn switch(session: &Session, app: &App, wanted: &str, on: bool) -> Result<()> {
    let acl = session.network_acl(wanted).await?;
    let update = NetworkAclUpdate { admin_state_up: Some(on), ..NetworkAclUpdate::default() };
    let changed = session.client.update_network_acl(&acl.id, &update).await?;
    report(app.printer, &changed, if on { "enabled" } else { "disabled" }, &format!("network ACL {}", acl.name))
}

async fn subnet_ids(session: &Session, subnets: &[String]) -> Result<Vec<String>> {
    if subnets.is_empty() {
        return Ok(Vec::new());
    }
    let all = session.subnets(None).await?;
    let mut ids = Vec::with_capacity(subnets.len());
    for wanted in subnets {
        ids.push(names::find("subnet", wanted, &all)?.id.clone());
    }
    Ok(ids)
}

async fn subnet_names(session: &Session, app: &App) -> Result<NamesById> {
    let subnets = if app.printer.for_people() { session.subnets(None).await? } else { Vec::new() };
    Ok(NamesById::new(subnets.iter().map(|subnet| (subnet.id.as_str(), subnet.name.as_str()))))
}

fn subnets_of(acl: &NetworkAcl, names: &NamesById) -> Vec<String> {
    acl.associations.iter().map(|subnet| names.of(&subnet.virsubnet_id)).collect()
}

fn yes_or_no(value: bool) -> &'static str {
    if value { "yes" } else { "no" }
}

#[cfg(test)]
mod tests {
    use crate::testing::group_help;

    #[test]
    fn help() {
        let commands = ["list", "show", "create", "delete", "associate", "disassociate", "enable", "disable"];
        insta::assert_snapshot!(group_help(&["network-acl"], &commands));
    }

    #[test]
    fn help_of_rules() {
        insta::assert_snapshot!(group_help(&["network-acl", "rule"], &["list", "add", "remove"]));
    }
}
