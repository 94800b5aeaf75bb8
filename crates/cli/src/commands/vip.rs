//! `causeway vip`.

use clap::Subcommand;
use client::types::{BoundPort, ClaimRequest, FixedIp, PortCreate, Vip, VipBinding, VipFilter};

use super::common::{Deletions, NamesById, report};
use super::subnet::vpc_id;
use crate::app::App;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::names::{self, Named};
use crate::output::{Details, Table};
use crate::session::Session;

const OWNER: &str = "neutron:VIP_PORT";

/// A command of virtual IPs.
#[derive(Debug, Subcommand)]
pub(crate) enum VipCommand {
    /// List virtual IPs with the servers that hold them
    #[command(alias = "ls", after_help = "Examples:\n  causeway vip list\n  causeway vip list --vpc VPC-B")]
    List {
        /// Only those in this VPC
        #[arg(long)]
        vpc: Option<String>,
    },
    /// Show a virtual IP with the servers that it is bound to
    #[command(after_help = "Examples:\n  causeway vip show VIP-B\n  causeway vip show 172.17.0.100")]
    Show {
        /// Name, id or address
        vip: String,
    },
    /// Create a virtual IP: an address of a subnet that servers of the subnet can take over from each other
    #[command(
        after_help = "Examples:\n  causeway vip create VIP-B --subnet Subnet-B01\n  causeway vip create VIP-B --subnet Subnet-B01 --ip 172.17.0.100 --bind ECS-B01 --bind ECS-B02"
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
        /// A server to bind it to, as `causeway vip bind` does
        #[arg(long = "bind", value_name = "SERVER")]
        servers: Vec<String>,
    },
    /// Delete virtual IPs
    #[command(alias = "rm", after_help = "Examples:\n  causeway vip delete VIP-B")]
    Delete {
        /// Names, ids or addresses
        #[arg(required = true, value_name = "VIP")]
        vips: Vec<String>,
    },
    /// Let servers of the subnet claim a virtual IP, and switch their source and destination check off
    #[command(
        after_help = "Examples:\n  causeway vip bind VIP-B ECS-B01 ECS-B02\n  causeway vip bind VIP-B ECS-B01 --keep-check"
    )]
    Bind {
        /// Name, id or address
        vip: String,
        /// Servers of the subnet, by name or id
        #[arg(required = true, value_name = "SERVER")]
        servers: Vec<String>,
        /// Leave the source and destination check as it is
        #[arg(long)]
        keep_check: bool,
    },
    /// Take a virtual IP off servers; their source and destination check stays as it is
    #[command(after_help = "Examples:\n  causeway vip unbind VIP-B ECS-B02")]
    Unbind {
        /// Name, id or address
        vip: String,
        /// Servers, by name or id
        #[arg(required = true, value_name = "SERVER")]
        servers: Vec<String>,
    },
    /// Let a server announce a virtual IP as its own: traffic goes to it if the address is bound to it
    #[command(
        after_help = "Examples:\n  causeway vip claim VIP-B ECS-B02\n  causeway vip claim VIP-B ECS-B02 --configure --release"
    )]
    Claim {
        /// Name, id or address
        vip: String,
        /// The server, by name or id
        server: String,
        /// Give the address to the server's interface before
        #[arg(long)]
        configure: bool,
        /// Take the address off the interface of the server that held it
        #[arg(long)]
        release: bool,
    },
}

impl Named for Vip {
    fn id(&self) -> &str {
        &self.id
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn label(&self) -> String {
        if self.name.is_empty() { self.ip_address.clone() } else { self.name.clone() }
    }

    fn is_called(&self, name: &str) -> bool {
        !name.is_empty() && (self.name == name || self.ip_address == name || self.ipv6_address.as_deref() == Some(name))
    }
}

/// Does it.
pub(crate) async fn run(command: VipCommand, app: &App) -> Result<Exit> {
    let session = app.session().await?;
    let printer = app.printer;
    match command {
        VipCommand::List { vpc } => list(&session, app, vpc.as_deref()).await?,
        VipCommand::Show { vip } => show(&session, app, &vip).await?,
        VipCommand::Create { name, subnet, vpc, ip, servers } => {
            let vpc_id = vpc_id(&session, vpc.as_deref()).await?;
            let subnet = session.subnet(&subnet, vpc_id.as_deref()).await?;
            let servers = server_ids(&session, &servers).await?;
            let address = FixedIp { ip_address: ip.unwrap_or_default(), ..FixedIp::default() };
            let wanted = PortCreate {
                network_id: subnet.id,
                name: Some(name),
                device_owner: Some(OWNER.to_owned()),
                fixed_ips: Some(address).filter(|address| !address.ip_address.is_empty()).into_iter().collect(),
                ..PortCreate::default()
            };
            let port = session.client.create_port(&wanted).await?;
            for server in &servers {
                session.client.bind_vip(&port.id, &VipBinding::server(server)).await?;
            }
            let vip = session.client.show_vip(&port.id).await?;
            let rest = format!("virtual IP {} {} in {} ({})", vip.name, vip.ip_address, subnet.name, vip.id);
            report(printer, &vip, "created", &rest)?;
        }
        VipCommand::Delete { vips } => {
            let mut deletions = Deletions::default();
            for wanted in &vips {
                let vip = find(&session, wanted).await?;
                session.client.delete_port(&vip.id).await?;
                deletions.done(printer, "virtual IP", &vip.id, &vip.label())?;
            }
            deletions.end(printer)?;
        }
        VipCommand::Bind { vip, servers, keep_check } => {
            let mut vip = find(&session, &vip).await?;
            for server in server_ids(&session, &servers).await? {
                let binding = VipBinding { keep_check: Some(keep_check), ..VipBinding::server(&server) };
                vip = session.client.bind_vip(&vip.id, &binding).await?;
            }
            report(printer, &vip, "bound", &format!("virtual IP {} to {}", vip.label(), listed(&vip.bound)))?;
        }
        VipCommand::Unbind { vip, servers } => {
            let mut vip = find(&session, &vip).await?;
            for server in server_ids(&session, &servers).await? {
                vip = session.client.unbind_vip(&vip.id, &VipBinding::server(&server)).await?;
            }
            let left = if vip.bound.is_empty() { "no server".to_owned() } else { listed(&vip.bound) };
            report(printer, &vip, "unbound", &format!("virtual IP {}; it is bound to {left}", vip.label()))?;
        }
        VipCommand::Claim { vip, server, configure, release } => {
            let vip = find(&session, &vip).await?;
            let server = session.server(&server).await?;
            let request = ClaimRequest {
                address: vip.ip_address.clone(),
                configure: Some(configure),
                release: Some(release),
                ..ClaimRequest::default()
            };
            let claim = session.client.claim_address(&server.id, &request).await?;
            if !claim.effective {
                let why = format!("server {} announced {}, which changes nothing", server.name, vip.ip_address);
                let bind = format!("causeway vip bind {} {}", vip.label(), server.name);
                let not_bound = claim.vip_id.is_none();
                let failure = Failure::refused(why);
                return Err(if not_bound {
                    failure.hint(format!("the virtual IP is not bound to it; bind it: {bind}"))
                } else {
                    failure.hint("the claim was not taken in time; try again")
                });
            }
            report(printer, &claim, "claimed", &format!("virtual IP {} for {}", vip.label(), server.name))?;
        }
    }
    Ok(Exit::Done)
}

async fn all(session: &Session, filter: &VipFilter) -> Result<Vec<Vip>> {
    let mut vips = session.client.list_vips(filter).await?;
    vips.sort_by_cached_key(|vip| (vip.label(), vip.id.clone()));
    Ok(vips)
}

async fn find(session: &Session, wanted: &str) -> Result<Vip> {
    names::find("virtual IP", wanted, &all(session, &VipFilter::default()).await?).cloned()
}

async fn server_ids(session: &Session, servers: &[String]) -> Result<Vec<String>> {
    let mut ids = Vec::new();
    for server in servers {
        ids.push(session.server(server).await?.id);
    }
    Ok(ids)
}

async fn list(session: &Session, app: &App, vpc: Option<&str>) -> Result<()> {
    let filter = VipFilter { vpc_id: vpc_id(session, vpc).await?, ..VipFilter::default() };
    let vips = all(session, &filter).await?;
    let subnets = session.subnets(None).await?;
    let names = NamesById::new(subnets.iter().map(|subnet| (subnet.id.as_str(), subnet.name.as_str())));
    app.printer.list(&vips, || {
        let mut table =
            Table::new(["NAME", "ADDRESS", "SUBNET", "HOLDER", "BOUND TO", "ID"]).empty("there are no virtual IPs");
        for vip in &vips {
            let (holder, bound) = (vip.holder.as_ref().map_or_else(|| "-".to_owned(), who), listed(&vip.bound));
            table.row([&vip.name, &vip.ip_address, &names.of(&vip.subnet_id), &holder, &bound, &vip.id]);
        }
        table
    })
}

async fn show(session: &Session, app: &App, wanted: &str) -> Result<()> {
    let vip = find(session, wanted).await?;
    if !app.printer.for_people() {
        return app.printer.data(&vip);
    }
    let (vpcs, subnets) = (session.vpcs().await?, session.subnets(None).await?);
    let vpcs = NamesById::new(vpcs.iter().map(|vpc| (vpc.id.as_str(), vpc.name.as_str())));
    let subnets = NamesById::new(subnets.iter().map(|subnet| (subnet.id.as_str(), subnet.name.as_str())));
    let holder = vip.holder.as_ref().map_or_else(|| "none: no server has claimed it".to_owned(), who);
    let details = Details::default()
        .field("name", &vip.name)
        .field("id", &vip.id)
        .field("vpc", vpcs.of(&vip.vpc_id))
        .field("subnet", subnets.of(&vip.subnet_id))
        .field("address", &vip.ip_address)
        .field("ipv6 address", vip.ipv6_address.as_deref().unwrap_or_default())
        .field("holder", holder)
        .fields("bound to", vip.bound.iter().map(who))
        .field("created", &vip.created_at);
    app.printer.text(&details.render())
}

/// The server of a port, or the port's address when no server has it.
fn who(port: &BoundPort) -> String {
    if port.server_name.is_empty() { port.ip_address.clone() } else { port.server_name.clone() }
}

fn listed(ports: &[BoundPort]) -> String {
    ports.iter().map(who).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::group_help;

    #[test]
    fn help() {
        let commands = ["list", "show", "create", "delete", "bind", "unbind", "claim"];
        insta::assert_snapshot!(group_help(&["vip"], &commands));
    }

    #[test]
    fn a_virtual_ip_goes_by_name_and_addresses() {
        let vip = Vip { ip_address: "10.0.0.9".into(), ipv6_address: Some("fd00::9".into()), ..Vip::default() };
        assert_eq!(vip.label(), "10.0.0.9", "one without a name goes by its address");
        assert!(vip.is_called("10.0.0.9") && vip.is_called("fd00::9") && !vip.is_called(""));
        let named = Vip { name: "db".into(), ..vip };
        assert!(named.is_called("db") && named.is_called("10.0.0.9"));
        assert_eq!(named.label(), "db");
    }
}
