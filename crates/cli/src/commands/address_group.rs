//! `causeway address-group`.

use clap::Subcommand;
use client::types::{AddressGroupCreate, AddressGroupUpdate};

use super::common::{Deletions, report};
use crate::app::App;
use crate::exit::Exit;
use crate::failure::Result;
use crate::output::{Details, Table};
use crate::session::Session;

/// A command of address groups.
#[derive(Debug, Subcommand)]
pub(crate) enum AddressGroupCommand {
    /// List the address groups of the region
    #[command(alias = "ls", after_help = "Examples:\n  causeway address-group list")]
    List,
    /// Show an address group, and whose rules name it
    #[command(after_help = "Examples:\n  causeway address-group show offices")]
    Show {
        /// Name or id
        group: String,
    },
    /// Create an address group
    #[command(
        after_help = "Examples:\n  causeway address-group create offices 10.1.0.0/16 192.168.5.7 192.168.9.10-192.168.9.20\n  causeway address-group create lab fd00:5::/64 --ipv6"
    )]
    Create {
        /// Its name
        name: String,
        /// Addresses, ranges first-last and CIDR blocks
        #[arg(value_name = "ADDRESS")]
        addresses: Vec<String>,
        /// Make it a group of IPv6 addresses
        #[arg(long)]
        ipv6: bool,
        /// Free text
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
    },
    /// Replace the addresses, the name or the text of an address group
    #[command(
        after_help = "Examples:\n  causeway address-group update offices --address 10.1.0.0/16 --address 10.2.0.0/16\n  causeway address-group update offices --name branches"
    )]
    Update {
        /// Name or id
        group: String,
        /// An address, a range or a CIDR block; several times for several, in place of all present ones
        #[arg(long = "address", value_name = "ADDRESS")]
        addresses: Vec<String>,
        /// A new name
        #[arg(long)]
        name: Option<String>,
        /// A new text
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
    },
    /// Delete address groups, which no rule may name
    #[command(
        alias = "rm",
        after_help = "Examples:\n  causeway address-group delete offices\n  causeway address-group delete offices --force"
    )]
    Delete {
        /// Names or ids
        #[arg(required = true, value_name = "GROUP")]
        groups: Vec<String>,
        /// Delete the rules that name it as well
        #[arg(long)]
        force: bool,
    },
}

/// Does it.
pub(crate) async fn run(command: AddressGroupCommand, app: &App) -> Result<Exit> {
    let session = app.session().await?;
    let printer = app.printer;
    match command {
        AddressGroupCommand::List => {
            let groups = session.address_groups().await?;
            printer.list(&groups, || {
                let headings = ["NAME", "FAMILY", "ADDRESSES", "DESCRIPTION", "ID"];
                let mut table = Table::new(headings).empty("there are no address groups");
                for group in &groups {
                    let family = format!("IPv{}", group.ip_version);
                    table.row([&group.name, &family, &group.ip_set.join(" "), &group.description, &group.id]);
                }
                table
            })?;
        }
        AddressGroupCommand::Show { group } => show(&session, app, &group).await?,
        AddressGroupCommand::Create { name, addresses, ipv6, description } => {
            let ip_version = if ipv6 { 6 } else { 4 };
            let wanted = AddressGroupCreate {
                name,
                description,
                ip_version,
                ip_set: addresses,
                ..AddressGroupCreate::default()
            };
            let group = session.client.create_address_group(&wanted).await?;
            report(printer, &group, "created", &format!("address group {} ({})", group.name, group.id))?;
        }
        AddressGroupCommand::Update { group, addresses, name, description } => {
            let group = session.address_group(&group).await?;
            let ip_set = (!addresses.is_empty()).then_some(addresses);
            let changes = AddressGroupUpdate { name, description, ip_set, ..AddressGroupUpdate::default() };
            let changed = session.client.update_address_group(&group.id, &changes).await?;
            report(printer, &changed, "updated", &format!("address group {}", changed.name))?;
        }
        AddressGroupCommand::Delete { groups, force } => {
            let mut deletions = Deletions::default();
            for wanted in &groups {
                let group = session.address_group(wanted).await?;
                if force {
                    session.client.force_delete_address_group(&group.id).await?;
                } else {
                    session.client.delete_address_group(&group.id).await?;
                }
                deletions.done(printer, "address group", &group.id, &group.name)?;
            }
            deletions.end(printer)?;
        }
    }
    Ok(Exit::Done)
}

async fn show(session: &Session, app: &App, wanted: &str) -> Result<()> {
    let group = session.address_group(wanted).await?;
    if !app.printer.for_people() {
        return app.printer.data(&group);
    }
    let users = session.client.list_address_group_dependencies(std::slice::from_ref(&group.id)).await?;
    let users = users.into_iter().flat_map(|of| of.dependency).map(|user| {
        let kind = if user.kind == "acl" { "network ACL" } else { "security group" };
        format!("{kind} {}", if user.instance_name.is_empty() { user.instance_id } else { user.instance_name })
    });
    let details = Details::default()
        .field("name", &group.name)
        .field("id", &group.id)
        .field("description", &group.description)
        .field("family", format!("IPv{}", group.ip_version))
        .fields("addresses", group.ip_set.iter().cloned())
        .fields("named by", users);
    app.printer.text(&details.render())
}

#[cfg(test)]
mod tests {
    use crate::testing::group_help;

    #[test]
    fn help() {
        insta::assert_snapshot!(group_help(&["address-group"], &["list", "show", "create", "update", "delete"]));
    }
}
