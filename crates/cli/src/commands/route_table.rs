//! `causeway route-table`.

use clap::Subcommand;
use client::types::RouteTableCreate;

use super::common::{Deletions, NamesById, report};
use super::route::{StatedRoute, routes_of};
use crate::app::App;
use crate::exit::Exit;
use crate::failure::Result;
use crate::names::Named;
use crate::output::{Details, Table};
use crate::session::Session;

/// A command of route tables.
#[derive(Debug, Subcommand)]
pub(crate) enum RouteTableCommand {
    /// List the route tables of the region or of a VPC
    #[command(
        alias = "ls",
        after_help = "Examples:\n  causeway route-table list\n  causeway route-table list --vpc VPC-A"
    )]
    List {
        /// Only those of this VPC
        #[arg(long)]
        vpc: Option<String>,
    },
    /// Show a route table with its subnets and routes
    #[command(after_help = "Examples:\n  causeway route-table show rtb-VPC-A")]
    Show {
        /// Name or id; rtb- and the VPC's name for its default table
        table: String,
    },
    /// Create a custom route table
    #[command(after_help = "Examples:\n  causeway route-table create rtb-web --vpc VPC-A")]
    Create {
        /// Its name
        name: String,
        /// The VPC it is in
        #[arg(long)]
        vpc: String,
        /// Free text
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
    },
    /// Delete custom route tables, which no subnet may use
    #[command(alias = "rm", after_help = "Examples:\n  causeway route-table delete rtb-web")]
    Delete {
        /// Names or ids
        #[arg(required = true, value_name = "TABLE")]
        tables: Vec<String>,
    },
    /// Make subnets use a route table
    #[command(after_help = "Examples:\n  causeway route-table associate rtb-web Subnet-A01 Subnet-A02")]
    Associate {
        /// Name or id of the table
        table: String,
        /// Names or ids
        #[arg(required = true, value_name = "SUBNET")]
        subnets: Vec<String>,
    },
    /// Make subnets use the default route table again
    #[command(after_help = "Examples:\n  causeway route-table disassociate rtb-web Subnet-A01")]
    Disassociate {
        /// Name or id of the table
        table: String,
        /// Names or ids
        #[arg(required = true, value_name = "SUBNET")]
        subnets: Vec<String>,
    },
}

/// Does it.
pub(crate) async fn run(command: RouteTableCommand, app: &App) -> Result<Exit> {
    let session = app.session().await?;
    let printer = app.printer;
    match command {
        RouteTableCommand::List { vpc } => {
            let vpc = match vpc {
                Some(vpc) => Some(session.vpc(&vpc).await?),
                None => None,
            };
            let tables = session.tables(vpc.as_ref()).await?;
            let subnets = if printer.for_people() { session.subnets(None).await? } else { Vec::new() };
            let names = NamesById::new(subnets.iter().map(|subnet| (subnet.id.as_str(), subnet.name.as_str())));
            let plain: Vec<_> = tables.iter().map(|named| &named.table).collect();
            printer.list(&plain, || {
                let mut out =
                    Table::new(["NAME", "VPC", "DEFAULT", "SUBNETS", "ID"]).empty("there are no route tables");
                for named in &tables {
                    let subnets: Vec<String> = named.table.subnets.iter().map(|subnet| names.of(&subnet.id)).collect();
                    let default = if named.table.default { "yes" } else { "no" };
                    out.row([&named.label(), &named.vpc, default, &subnets.join(" "), &named.table.id]);
                }
                out
            })?;
        }
        RouteTableCommand::Show { table } => show(&session, app, &table).await?,
        RouteTableCommand::Create { name, vpc, description } => {
            let vpc = session.vpc(&vpc).await?;
            let wanted = RouteTableCreate { vpc_id: vpc.id, name, description, routes: Vec::new() };
            let table = session.client.create_route_table(&wanted).await?;
            let rest = format!("route table {} in {} ({})", table.name, vpc.name, table.id);
            report(printer, &table, "created", &rest)?;
        }
        RouteTableCommand::Delete { tables } => {
            let mut deletions = Deletions::default();
            for wanted in &tables {
                let named = session.table(wanted, None).await?;
                session.client.delete_route_table(&named.table.id).await?;
                deletions.done(printer, "route table", &named.table.id, &named.label())?;
            }
            deletions.end(printer)?;
        }
        RouteTableCommand::Associate { table, subnets } => {
            let (named, ids) = with_subnets(&session, &table, &subnets).await?;
            let changed = session.client.associate_subnets(&named.table.id, &ids).await?;
            report(printer, &changed, "associated", &format!("{} with {}", subnets.join(" "), named.label()))?;
        }
        RouteTableCommand::Disassociate { table, subnets } => {
            let (named, ids) = with_subnets(&session, &table, &subnets).await?;
            let changed = session.client.disassociate_subnets(&named.table.id, &ids).await?;
            report(printer, &changed, "disassociated", &format!("{} from {}", subnets.join(" "), named.label()))?;
        }
    }
    Ok(Exit::Done)
}

/// A table and the ids of subnets of its VPC.
async fn with_subnets(
    session: &Session,
    table: &str,
    subnets: &[String],
) -> Result<(crate::session::NamedTable, Vec<String>)> {
    let named = session.table(table, None).await?;
    let all = session.subnets(Some(&named.table.vpc_id)).await?;
    let mut ids = Vec::new();
    for wanted in subnets {
        ids.push(crate::names::find("subnet", wanted, &all)?.id.clone());
    }
    Ok((named, ids))
}

async fn show(session: &Session, app: &App, wanted: &str) -> Result<()> {
    let named = session.table(wanted, None).await?;
    if !app.printer.for_people() {
        return app.printer.data(&session.client.show_route_table(&named.table.id).await?);
    }
    let subnets = session.subnets(Some(&named.table.vpc_id)).await?;
    let names = NamesById::new(subnets.iter().map(|subnet| (subnet.id.as_str(), subnet.name.as_str())));
    let routes = routes_of(session, std::slice::from_ref(&named)).await?;
    let details = Details::default()
        .field("name", named.label())
        .field("id", &named.table.id)
        .field("vpc", &named.vpc)
        .field("default", if named.table.default { "yes" } else { "no" })
        .field("description", &named.table.description)
        .fields("subnets", named.table.subnets.iter().map(|subnet| names.of(&subnet.id)))
        .fields("routes", routes.iter().map(StatedRoute::summary));
    app.printer.text(&details.render())
}

#[cfg(test)]
mod tests {
    use crate::testing::group_help;

    #[test]
    fn help() {
        let commands = ["list", "show", "create", "delete", "associate", "disassociate"];
        insta::assert_snapshot!(group_help(&["route-table"], &commands));
    }
}
