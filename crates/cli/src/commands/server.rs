//! `causeway server`.

use std::collections::BTreeMap;

use clap::{Subcommand, ValueEnum};
use client::types::{FixedIp, Port, PortCreate, Server, ServerCreate, ServerFilter, ServerKind, ServerUpdate};

use super::common::{Deletions, NamesById, addresses, report};
use super::subnet::vpc_id;
use crate::app::App;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
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
        /// A free IPv6 address of a subnet with IPv6; one is chosen if not given
        #[arg(long, value_name = "ADDRESS")]
        ipv6_address: Option<String>,
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
    /// Give a server one more interface: in a subnet of its VPC, or at a port that exists
    #[command(
        after_help = "Examples:\n  causeway server attach FW-1 --subnet Subnet-B01\n  causeway server attach FW-1 --subnet Subnet-B01 --ip 172.16.1.20\n  causeway server attach FW-1 --port 5e1c…07"
    )]
    Attach {
        /// Name or id
        server: String,
        /// The subnet that the interface is in
        #[arg(long, required_unless_present = "port")]
        subnet: Option<String>,
        /// A free address of the subnet; one is chosen if not given
        #[arg(long, value_name = "ADDRESS", conflicts_with = "port")]
        ip: Option<String>,
        /// A port that nothing is attached to
        #[arg(long, value_name = "ID", conflicts_with = "subnet")]
        port: Option<String>,
    },
    /// Take an interface off a server; its port stays unless it is to be deleted
    #[command(
        after_help = "Examples:\n  causeway server detach FW-1 172.16.1.20\n  causeway server detach FW-1 172.16.1.20 --delete"
    )]
    Detach {
        /// Name or id
        server: String,
        /// Address or id of the port
        port: String,
        /// Delete the port too
        #[arg(long)]
        delete: bool,
    },
    /// Change the source and destination check, or give it an IPv6 address
    #[command(
        after_help = "Examples:\n  causeway server update FW-1 --source-check off\n  causeway server update ECS-A01 --ipv6-address auto"
    )]
    Update {
        /// Name or id
        server: String,
        /// Whether only its own address may be its packets' source or destination
        #[arg(long, value_enum, required_unless_present = "ipv6_address")]
        source_check: Option<Switch>,
        /// An IPv6 address for a server that has none, in a subnet with IPv6; `auto` chooses one
        #[arg(long, value_name = "ADDRESS")]
        ipv6_address: Option<String>,
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
        ServerCommand::Create { name, subnet, vpc, ip, ipv6_address, groups, kind, no_source_check } => {
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
                ipv6_address,
                security_groups: Some(group_ids).filter(|ids| !ids.is_empty()),
                kind: kind.map(Into::into),
                source_dest_check: no_source_check.then_some(false),
            };
            let progress = Progress::new("creating the server");
            let server = session.client.create_server(&wanted).await?;
            drop(progress);
            let rest = format!("server {} {} in {} ({})", server.name, addresses(&server), subnet.name, server.id);
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
        ServerCommand::Attach { server, subnet, ip, port } => {
            let server = session.server(&server).await?;
            let port = match port {
                Some(port) => port,
                None => {
                    let subnet = session.subnet(&subnet.unwrap_or_default(), Some(&server.vpc_id)).await?;
                    let address = ip.map(|ip_address| FixedIp { ip_address, ..FixedIp::default() });
                    let groups = Some(server.security_groups.clone()).filter(|groups| !groups.is_empty());
                    let wanted = PortCreate {
                        network_id: subnet.id,
                        fixed_ips: address.into_iter().collect(),
                        security_groups: groups,
                        ..PortCreate::default()
                    };
                    session.client.create_port(&wanted).await?.id
                }
            };
            let port = session.client.attach_port(&server.id, &port).await?;
            let rest = format!("interface {} ({}) to server {}", address_of(&port), port.id, server.name);
            report(printer, &port, "attached", &rest)?;
        }
        ServerCommand::Detach { server, port, delete } => {
            let server = session.server(&server).await?;
            let ports = session.client.list_server_ports(&server.id).await?;
            let is_meant = |one: &&Port| one.id == port || one.fixed_ips.iter().any(|ip| ip.ip_address == port);
            let Some(found) = ports.iter().find(is_meant) else {
                let has = ports.iter().map(address_of).collect::<Vec<_>>().join(", ");
                let failure = Failure::not_found(format!("server {} has no interface `{port}`", server.name));
                return Err(failure.hint(format!("it has {has}")));
            };
            session.client.detach_port(&server.id, &found.id).await?;
            let mut rest = format!("interface {} from server {}", address_of(found), server.name);
            if delete {
                session.client.delete_port(&found.id).await?;
                rest.push_str(" and deleted it");
            }
            report(printer, found, "detached", &rest)?;
        }
        ServerCommand::Start { servers } => act(&session, app, &servers, Switch::On).await?,
        ServerCommand::Stop { servers } => act(&session, app, &servers, Switch::Off).await?,
        ServerCommand::Update { server, source_check, ipv6_address } => {
            let server = session.server(&server).await?;
            let source_dest_check = source_check.map(|check| check == Switch::On);
            let changes = ServerUpdate { source_dest_check, ipv6_address };
            let server = session.client.update_server(&server.id, &changes).await?;
            let state = if server.source_dest_check { "on" } else { "off" };
            let rest = format!("server {} {}: source check {state}", server.name, addresses(&server));
            report(printer, &server, "updated", &rest)?;
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
            let addresses = addresses(server);
            table.row([&server.name, &server.status, &addresses, &vpc, &subnet, &server.kind, &server.id]);
        }
        table
    })
}

/// The first address of a port.
fn address_of(port: &Port) -> String {
    port.fixed_ips.first().map(|ip| ip.ip_address.clone()).unwrap_or_default()
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
        .field("ipv6 address", server.ipv6_address.as_deref().unwrap_or_default())
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
        let commands = ["list", "show", "create", "delete", "attach", "detach", "start", "stop", "update"];
        insta::assert_snapshot!(group_help(&["server"], &commands));
    }
}
