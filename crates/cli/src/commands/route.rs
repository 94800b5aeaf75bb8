//! `causeway route`.

use clap::{Subcommand, ValueEnum};
use client::types::{RouteChanges, RouteDestination, RouteSpec, RouteState, RouteTableUpdate, ServerFilter};
use serde::Serialize;

use super::common::{Deletions, NamesById, report};
use crate::app::App;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::names::Named;
use crate::output::Table;
use crate::session::{NamedTable, Session};

/// A command of routes.
#[derive(Debug, Subcommand)]
pub(crate) enum RouteCommand {
    /// List the routes of a table, of a VPC or of the region, and whether they do anything
    #[command(
        alias = "ls",
        after_help = "Examples:\n  causeway route list\n  causeway route list rtb-VPC-A\n  causeway route list --vpc VPC-A"
    )]
    List {
        /// Name or id of a table; rtb- and the VPC's name for its default table
        #[arg(conflicts_with = "vpc")]
        table: Option<String>,
        /// The tables of this VPC
        #[arg(long)]
        vpc: Option<String>,
    },
    /// Add a route
    #[command(
        visible_alias = "create",
        after_help = "Examples:\n  causeway route add rtb-VPC-A 172.17.0.0/16 peering Peering-AB\n  causeway route add rtb-VPC-A 0.0.0.0/0 ecs FW-1"
    )]
    Add {
        /// Name or id of the table; rtb- and the VPC's name for its default table
        table: String,
        /// Where to: a CIDR
        destination: String,
        /// What the next hop is
        #[arg(value_enum, value_name = "TYPE")]
        kind: NextHopKind,
        /// What leads there: name or id of a peering connection or server, id of a port or NAT gateway, or a virtual IP's
        /// address
        next_hop: String,
        /// Free text
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
    },
    /// Delete routes
    #[command(alias = "rm", after_help = "Examples:\n  causeway route delete rtb-VPC-A 172.17.0.0/16")]
    Delete {
        /// Name or id of the table; rtb- and the VPC's name for its default table
        table: String,
        /// The routes' destinations
        #[arg(required = true, value_name = "DESTINATION")]
        destinations: Vec<String>,
    },
}

/// What a next hop is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum NextHopKind {
    /// A peering connection
    Peering,
    /// A server
    Ecs,
    /// A port
    Eni,
    /// A supplementary network interface
    Subeni,
    /// A virtual IP
    Vip,
    /// A NAT gateway
    Nat,
}

impl NextHopKind {
    fn wire(self) -> &'static str {
        match self {
            Self::Peering => "peering",
            Self::Ecs => "ecs",
            Self::Eni => "eni",
            Self::Subeni => "subeni",
            Self::Vip => "vip",
            Self::Nat => "nat",
        }
    }
}

/// A route with the names around it.
#[derive(Debug, Serialize)]
pub(crate) struct StatedRoute {
    table: String,
    table_id: String,
    vpc: String,
    #[serde(flatten)]
    route: RouteState,
    nexthop_name: String,
}

impl StatedRoute {
    /// The route on one line.
    pub(crate) fn summary(&self) -> String {
        let RouteState { destination, kind, state, note, .. } = &self.route;
        let next_hop = if kind == "local" { String::new() } else { format!(" {}", self.nexthop_name) };
        let note = if note.is_empty() { String::new() } else { format!(" ({note})") };
        format!("{destination} → {kind}{next_hop} {state}{note}")
    }
}

/// Does it.
pub(crate) async fn run(command: RouteCommand, app: &App) -> Result<Exit> {
    let session = app.session().await?;
    let printer = app.printer;
    match command {
        RouteCommand::List { table, vpc } => {
            let tables = match (table, vpc) {
                (Some(table), _) => vec![session.table(&table, None).await?],
                (None, Some(vpc)) => session.tables(Some(&session.vpc(&vpc).await?)).await?,
                (None, None) => session.tables(None).await?,
            };
            let routes = routes_of(&session, &tables).await?;
            printer.list(&routes, || {
                let mut out = Table::new(["TABLE", "DESTINATION", "TYPE", "NEXT HOP", "STATE", "NOTE"])
                    .empty("there are no routes");
                for stated in &routes {
                    let RouteState { destination, kind, state, note, .. } = &stated.route;
                    out.row([&stated.table, destination, kind, &stated.nexthop_name, state, note]);
                }
                out
            })?;
        }
        RouteCommand::Add { table, destination, next_hop, kind, description } => {
            let named = session.table(&table, None).await?;
            let nexthop = match kind {
                NextHopKind::Peering => session.peering(&next_hop, Some("ACTIVE")).await?.id,
                NextHopKind::Ecs => session.server(&next_hop).await?.id,
                NextHopKind::Eni | NextHopKind::Subeni | NextHopKind::Vip | NextHopKind::Nat => next_hop.clone(),
            };
            let route =
                RouteSpec { kind: kind.wire().to_owned(), destination: destination.clone(), nexthop, description };
            let changes = RouteChanges { add: vec![route], ..RouteChanges::default() };
            let table = change(&session, &named, changes).await?;
            let added = table.routes.into_iter().find(|route| route.destination == destination).unwrap_or_default();
            report(printer, &added, "added", &format!("route {destination} → {next_hop} to {}", named.label()))?;
        }
        RouteCommand::Delete { table, destinations } => {
            let named = session.table(&table, None).await?;
            let there = session.client.show_route_table(&named.table.id).await?.routes;
            let mut delete: Vec<RouteDestination> = Vec::new();
            for wanted in &destinations {
                // Destinations are compared as text; a spelling that no route has would be refused without a suggestion.
                if !there.iter().any(|route| route.destination == *wanted) {
                    let custom = there.iter().filter(|route| route.kind != "local");
                    let like = suite::suggestion(wanted, custom.map(|route| route.destination.as_str()));
                    return Err(Failure::not_found(format!("{} has no route to `{wanted}`{like}", named.label())));
                }
                delete.push(RouteDestination { destination: wanted.clone() });
            }
            change(&session, &named, RouteChanges { delete, ..RouteChanges::default() }).await?;
            let mut deletions = Deletions::default();
            for destination in &destinations {
                deletions.done(printer, "route", destination, destination)?;
            }
            deletions.end(printer)?;
        }
    }
    Ok(Exit::Done)
}

async fn change(session: &Session, named: &NamedTable, routes: RouteChanges) -> Result<client::types::RouteTable> {
    let update = RouteTableUpdate { routes: Some(routes), ..RouteTableUpdate::default() };
    Ok(session.client.update_route_table(&named.table.id, &update).await?)
}

/// The routes of tables, with the names of their next hops.
pub(crate) async fn routes_of(session: &Session, tables: &[NamedTable]) -> Result<Vec<StatedRoute>> {
    let peerings = session.peerings().await?;
    let servers = session.servers(&ServerFilter::default()).await?;
    let hops = peerings.iter().map(|p| (p.id.as_str(), p.name.as_str()));
    let names = NamesById::new(hops.chain(servers.iter().map(|s| (s.id.as_str(), s.name.as_str()))));
    let mut routes = Vec::new();
    for named in tables {
        for route in session.client.route_states(&named.table.id).await? {
            let nexthop_name = if route.kind == "local" { String::new() } else { names.of(&route.nexthop) };
            let (table, table_id, vpc) = (named.label(), named.table.id.clone(), named.vpc.clone());
            routes.push(StatedRoute { table, table_id, vpc, route, nexthop_name });
        }
    }
    Ok(routes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::group_help;

    #[test]
    fn help() {
        insta::assert_snapshot!(group_help(&["route"], &["list", "add", "delete"]));
    }

    #[test]
    fn a_route_is_told_on_one_line() {
        let route = RouteState {
            kind: "peering".to_owned(),
            destination: "10.0.0.0/8".to_owned(),
            state: "inactive".to_owned(),
            note: "the peering is not active".to_owned(),
            ..RouteState::default()
        };
        let stated = StatedRoute {
            table: String::new(),
            table_id: String::new(),
            vpc: String::new(),
            route,
            nexthop_name: "Peering-AB".to_owned(),
        };
        assert_eq!(stated.summary(), "10.0.0.0/8 → peering Peering-AB inactive (the peering is not active)");
    }
}
