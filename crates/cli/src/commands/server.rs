//! `causeway server`.

use std::collections::BTreeMap;

use clap::{Subcommand, ValueEnum};
use client::types::{Server, ServerCreate, ServerFilter, ServerKind, ServerUpdate};

use super::common::{Deletions, NamesById, report};
use super::subnet::vpc_id;
use crate::app::App;
use crate::exit::Exit;
use crate::failure::Result;
use crate::output::{Details, Table};
use crate::progress::Progress;
use crate::session::Session;

/// A command of servers.
#[derive(Debug, Subcommand)]
pub(crate) enum ServerCommand {
    /// List the servers of the region, of a VPC or of a subnet
    #[command(alias = "ls", after_help = "Examples:\n  causeway server list\n  causeway server list --vpc VPC-A")]
    List {
        /// Only those in this VPC
        #[arg(long)]
        vpc: Option<String>,
        /// Only those in this subnet
        #[arg(long)]
        subnet: Option<String>,
    },
    /// Show a server
    #[command(after_help = "Examples:\n  causeway server show ECS-A01")]
    Show {
        /// Name or id
        server: String,
    },
    /// Create a server: a network namespace with an address in a subnet
    #[command(
        after_help = "Examples:\n  causeway server create ECS-A01 --subnet Subnet-A01\n  causeway server create ECS-A01 --subnet Subnet-A01 --ip 172.16.0.111 --group web --group ssh"
    )]
    Create {
        /// Its name
        name: String,
        /// The subnet it is in
        #[arg(long)]
        subnet: String,
        /// The VPC of the subnet, where several have a subnet of this name
        #[arg(long)]
        vpc: Option<String>,
        /// A free address of the subnet; one is chosen if not given
        #[arg(long, value_name = "ADDRESS")]
        ip: Option<String>,
        /// A security group it is in, the first being looked at first; the default one if none is given
        #[arg(long = "group", value_name = "GROUP")]
        groups: Vec<String>,
        /// What it is for
        #[arg(long, value_enum)]
        kind: Option<Kind>,
        /// Let it send and receive packets that are not its own, as a firewall does
        #[arg(long)]
        no_source_check: bool,
    },
    /// Delete servers
    #[command(alias = "rm", after_help = "Examples:\n  causeway server delete ECS-A01 ECS-A02")]
    Delete {
        /// Names or ids
        #[arg(required = true, value_name = "SERVER")]
        servers: Vec<String>,
    },
    /// Start servers that are stopped
    #[command(after_help = "Examples:\n  causeway server start ECS-A01")]
    Start {
        /// Names or ids
        #[arg(required = true, value_name = "SERVER")]
        servers: Vec<String>,
    },
    /// Stop servers, which keep their addresses
    #[command(after_help = "Examples:\n  causeway server stop ECS-A01")]
    Stop {
        /// Names or ids
        #[arg(required = true, value_name = "SERVER")]
        servers: Vec<String>,
    },
    /// Change the source and destination check
    #[command(after_help = "Examples:\n  causeway server update FW-1 --source-check off")]
    Update {
        /// Name or id
        server: String,
        /// Whether only its own address may be its packets' source or destination
        #[arg(long, value_enum)]
        source_check: Switch,
    },
}

/// What a server is for.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Kind {
    /// A general one
    Ecs,
    /// A database
    Rds,
    /// Hands packets on, having looked at them
    Firewall,
    /// Hands packets on under its own address
    SnatServer,
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Switch {
    On,
    Off,
}

impl From<Kind> for ServerKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Ecs => Self::Ecs,
            Kind::Rds => Self::Rds,
            Kind::Firewall => Self::Firewall,
            Kind::SnatServer => Self::SnatServer,
        }
    }
}

/// Does it.
pub(crate) async fn run(command: ServerCommand, app: &App) -> Result<Exit> {
    let session = app.session().await?;
    let printer = app.printer;
    match command {
        ServerCommand::List { vpc, subnet } => list(&session, app, vpc.as_deref(), subnet.as_deref()).await?,
        ServerCommand::Show { server } => show(&session, app, &server).await?,
        ServerCommand::Create { name, subnet, vpc, ip, groups, kind, no_source_check } => {
            let vpc_id = vpc_id(&session, vpc.as_deref()).await?;
            let subnet = session.subnet(&subnet, vpc_id.as_deref()).await?;
            let mut group_ids = Vec::new();
            for group in &groups {
                group_ids.push(session.security_group(group).await?.id);
            }
            let wanted = ServerCreate {
                name,
                subnet_id: subnet.id,
                ip_address: ip,
                security_groups: Some(group_ids).filter(|ids| !ids.is_empty()),
                kind: kind.map(Into::into),
                source_dest_check: no_source_check.then_some(false),
            };
            let progress = Progress::new("creating the server");
            let server = session.client.create_server(&wanted).await?;
            drop(progress);
            let rest = format!("server {} {} in {} ({})", server.name, server.ip_address, subnet.name, server.id);
            report(printer, &server, "created", &rest)?;
        }
        ServerCommand::Delete { servers } => {
            let progress = Progress::new("deleting servers");
            let mut deletions = Deletions::default();
            for wanted in &servers {
                let server = session.server(wanted).await?;
                session.client.delete_server(&server.id).await?;
                progress.above(|| deletions.done(printer, "server", &server.id, &server.name))?;
            }
            drop(progress);
            deletions.end(printer)?;
        }
        ServerCommand::Start { servers } => act(&session, app, &servers, Switch::On).await?,
        ServerCommand::Stop { servers } => act(&session, app, &servers, Switch::Off).await?,
        ServerCommand::Update { server, source_check } => {
            let server = session.server(&server).await?;
            let changes = ServerUpdate { source_dest_check: Some(source_check == Switch::On) };
            let server = session.client.update_server(&server.id, &changes).await?;
            let state = if server.source_dest_check { "on" } else { "off" };
            report(printer, &server, "updated", &format!("server {}: source check {state}", server.name))?;
        }
    }
    Ok(Exit::Done)
}

async fn list(session: &Session, app: &App, vpc: Option<&str>, subnet: Option<&str>) -> Result<()> {
    let vpc_id = vpc_id(session, vpc).await?;
    let subnet_id = match subnet {
        Some(subnet) => Some(session.subnet(subnet, vpc_id.as_deref()).await?.id),
        None => None,
    };
    let servers = session.servers(&ServerFilter { vpc_id, subnet_id, ..ServerFilter::default() }).await?;
    let names = if app.printer.for_people() { Some(around(session).await?) } else { None };
    app.printer.list(&servers, || {
        let mut table =
            Table::new(["NAME", "STATUS", "ADDRESS", "VPC", "SUBNET", "KIND", "ID"]).empty("there are no servers");
        for server in &servers {
            let name = |id: &str| names.as_ref().map_or_else(String::new, |names| names.of(id));
            let (vpc, subnet) = (name(&server.vpc_id), name(&server.subnet_id));
            table.row([&server.name, &server.status, &server.ip_address, &vpc, &subnet, &server.kind, &server.id]);
        }
        table
    })
}

/// The names of VPCs and subnets.
async fn around(session: &Session) -> Result<NamesById> {
    let (vpcs, subnets) = (session.vpcs().await?, session.subnets(None).await?);
    let names: BTreeMap<&str, &str> = vpcs
        .iter()
        .map(|vpc| (vpc.id.as_str(), vpc.name.as_str()))
        .chain(subnets.iter().map(|subnet| (subnet.id.as_str(), subnet.name.as_str())))
        .collect();
    Ok(NamesById::new(names))
}

async fn show(session: &Session, app: &App, wanted: &str) -> Result<()> {
    let server = session.server(wanted).await?;
    if !app.printer.for_people() {
        return app.printer.data(&server);
    }
    let names = around(session).await?;
    let groups = session.security_groups().await?;
    let groups = NamesById::new(groups.iter().map(|group| (group.id.as_str(), group.name.as_str())));
    let Server { namespace, .. } = &server;
    let details = Details::default()
        .field("name", &server.name)
        .field("id", &server.id)
        .field("kind", &server.kind)
        .field("status", &server.status)
        .field("region", &server.region)
        .field("vpc", names.of(&server.vpc_id))
        .field("subnet", names.of(&server.subnet_id))
        .field("address", &server.ip_address)
        .field("mac", &server.mac_address)
        .field("port", &server.port_id)
        .fields("security groups", server.security_groups.iter().map(|id| groups.of(id)))
        .field("source check", if server.source_dest_check { "on" } else { "off" })
        .field("namespace", namespace.as_deref().unwrap_or("none: the data plane is the simulator"))
        .field("created", &server.created_at);
    app.printer.text(&details.render())
}

async fn act(session: &Session, app: &App, servers: &[String], to: Switch) -> Result<()> {
    let mut changed = Vec::new();
    for wanted in servers {
        let server = session.server(wanted).await?;
        match to {
            Switch::On => session.client.start_server(&server.id).await?,
            Switch::Off => session.client.stop_server(&server.id).await?,
        }
        app.printer.line(format_args!(
            "{} server {}",
            if to == Switch::On { "started" } else { "stopped" },
            server.name
        ))?;
        changed.push(session.client.show_server(&server.id).await?);
    }
    if app.printer.for_people() { Ok(()) } else { app.printer.data(&changed) }
}

#[cfg(test)]
mod tests {
    use crate::testing::group_help;

    #[test]
    fn help() {
        let commands = ["list", "show", "create", "delete", "start", "stop", "update"];
        insta::assert_snapshot!(group_help(&["server"], &commands));
    }
}
