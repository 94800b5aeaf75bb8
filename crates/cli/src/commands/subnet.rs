//! `causeway subnet`.

use std::net::Ipv4Addr;

use clap::Subcommand;
use client::types::{ServerFilter, Subnet, SubnetCreate, SubnetUpdate};

use super::common::{Deletions, NamesById, addresses, report};
use crate::app::App;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::{Details, Table};
use crate::session::Session;

/// A command of subnets.
#[derive(Debug, Subcommand)]
pub(crate) enum SubnetCommand {
    /// List the subnets of the region or of a VPC
    #[command(alias = "ls", after_help = "Examples:\n  causeway subnet list\n  causeway subnet list --vpc VPC-A")]
    List {
        /// Only those of this VPC
        #[arg(long)]
        vpc: Option<String>,
    },
    /// Show a subnet and the servers in it
    #[command(after_help = "Examples:\n  causeway subnet show Subnet-A01")]
    Show {
        /// Name or id
        subnet: String,
        /// The VPC it is in, where several have a subnet of this name
        #[arg(long)]
        vpc: Option<String>,
    },
    /// Create a subnet
    #[command(
        after_help = "Examples:\n  causeway subnet create Subnet-A01 --vpc VPC-A --cidr 172.16.0.0/24\n  causeway subnet create Subnet-A02 --vpc VPC-A --cidr 172.16.1.0/24 --ipv6"
    )]
    Create {
        /// Its name
        name: String,
        /// The VPC it is in
        #[arg(long)]
        vpc: String,
        /// Its CIDR, inside one of the VPC's
        #[arg(long)]
        cidr: String,
        /// The gateway's address; the first one of the CIDR if not given
        #[arg(long, value_name = "ADDRESS")]
        gateway: Option<String>,
        /// Give it an IPv6 prefix too, which stays
        #[arg(long)]
        ipv6: bool,
        /// The IPv6 prefix, a /64 that no other subnet has; one is chosen if not given
        #[arg(long, value_name = "CIDR", requires = "ipv6")]
        cidr_v6: Option<String>,
        /// Free text
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
    },
    /// Turn IPv6 on for a subnet, which stays
    #[command(
        after_help = "Servers that are in the subnet get an IPv6 address with `causeway server update NAME --ipv6-address auto`.\n\nExamples:\n  causeway subnet update Subnet-A01 --ipv6"
    )]
    Update {
        /// Name or id
        subnet: String,
        /// The VPC it is in, where several have a subnet of this name
        #[arg(long)]
        vpc: Option<String>,
        /// Give it an IPv6 prefix
        #[arg(long, required = true)]
        ipv6: bool,
    },
    /// Delete subnets, which must be empty
    #[command(
        alias = "rm",
        after_help = "Examples:\n  causeway subnet delete Subnet-A01\n  causeway subnet delete default --vpc VPC-A"
    )]
    Delete {
        /// Names or ids
        #[arg(required = true, value_name = "SUBNET")]
        subnets: Vec<String>,
        /// The VPC they are in, where several have subnets of these names
        #[arg(long)]
        vpc: Option<String>,
    },
}

/// Does it.
pub(crate) async fn run(command: SubnetCommand, app: &App) -> Result<Exit> {
    let session = app.session().await?;
    let printer = app.printer;
    match command {
        SubnetCommand::List { vpc } => {
            let vpc_id = vpc_id(&session, vpc.as_deref()).await?;
            let subnets = session.subnets(vpc_id.as_deref()).await?;
            let vpcs = if printer.for_people() { session.vpcs().await? } else { Vec::new() };
            let names = NamesById::new(vpcs.iter().map(|vpc| (vpc.id.as_str(), vpc.name.as_str())));
            printer.list(&subnets, || {
                let mut table = Table::new(["NAME", "VPC", "CIDR", "GATEWAY", "IPV6", "STATUS", "ID"])
                    .empty("there are no subnets");
                for subnet in &subnets {
                    let vpc = names.of(&subnet.vpc_id);
                    let ipv6 = &subnet.cidr_v6.clone().unwrap_or_default();
                    let (name, cidr, gateway) = (&subnet.name, &subnet.cidr, &subnet.gateway_ip);
                    table.row([name, &vpc, cidr, gateway, ipv6, &subnet.status, &subnet.id]);
                }
                table
            })?;
        }
        SubnetCommand::Show { subnet, vpc } => {
            let vpc_id = vpc_id(&session, vpc.as_deref()).await?;
            let subnet = session.subnet(&subnet, vpc_id.as_deref()).await?;
            if !printer.for_people() {
                printer.data(&subnet)?;
                return Ok(Exit::Done);
            }
            let vpcs = session.vpcs().await?;
            let names = NamesById::new(vpcs.iter().map(|vpc| (vpc.id.as_str(), vpc.name.as_str())));
            let filter = ServerFilter { subnet_id: Some(subnet.id.clone()), ..ServerFilter::default() };
            let servers = session.servers(&filter).await?;
            let details = Details::default()
                .field("name", &subnet.name)
                .field("id", &subnet.id)
                .field("vpc", names.of(&subnet.vpc_id))
                .field("cidr", &subnet.cidr)
                .field("gateway", &subnet.gateway_ip)
                .field("ipv6 cidr", subnet.cidr_v6.as_deref().unwrap_or_default())
                .field("ipv6 gateway", subnet.gateway_ip_v6.as_deref().unwrap_or_default())
                .field("status", &subnet.status)
                .field("description", &subnet.description)
                .field("created", &subnet.created_at)
                .fields("servers", servers.iter().map(|server| format!("{} {}", server.name, addresses(server))));
            printer.text(&details.render())?;
        }
        SubnetCommand::Create { name, vpc, cidr, gateway, ipv6, cidr_v6, description } => {
            let vpc = session.vpc(&vpc).await?;
            // Of a CIDR that is none the server tells what is wrong with it.
            let gateway_ip = gateway.or_else(|| first_address(&cidr)).unwrap_or_default();
            if gateway_ip.is_empty() {
                return Err(Failure::usage(format!("`{cidr}` is no IPv4 CIDR, such as 172.16.0.0/24")));
            }
            let wanted = SubnetCreate {
                name,
                cidr,
                gateway_ip,
                vpc_id: vpc.id.clone(),
                description,
                ipv6_enable: ipv6.then_some(true),
                cidr_v6,
                ..SubnetCreate::default()
            };
            let subnet = session.client.create_subnet(&wanted).await?;
            let rest = format!("subnet {} {} in {} ({})", subnet.name, ranges(&subnet), vpc.name, subnet.id);
            report(printer, &subnet, "created", &rest)?;
        }
        SubnetCommand::Update { subnet, vpc, ipv6 } => {
            let vpc_id = vpc_id(&session, vpc.as_deref()).await?;
            let subnet = session.subnet(&subnet, vpc_id.as_deref()).await?;
            let changes = SubnetUpdate {
                name: subnet.name.clone(),
                ipv6_enable: ipv6.then_some(true),
                dhcp_enable: Some(subnet.dhcp_enable),
                ..SubnetUpdate::default()
            };
            session.client.update_subnet(&subnet.vpc_id, &subnet.id, &changes).await?;
            let subnet = session.client.show_subnet(&subnet.id).await?;
            report(printer, &subnet, "updated", &format!("subnet {} {}", subnet.name, ranges(&subnet)))?;
        }
        SubnetCommand::Delete { subnets, vpc } => {
            let vpc_id = vpc_id(&session, vpc.as_deref()).await?;
            let mut deletions = Deletions::default();
            for wanted in &subnets {
                let subnet = session.subnet(wanted, vpc_id.as_deref()).await?;
                session.client.delete_subnet(&subnet.vpc_id, &subnet.id).await?;
                deletions.done(printer, "subnet", &subnet.id, &subnet.name)?;
            }
            deletions.end(printer)?;
        }
    }
    Ok(Exit::Done)
}

/// The ranges of a subnet.
fn ranges(subnet: &Subnet) -> String {
    match &subnet.cidr_v6 {
        Some(ipv6) => format!("{} {ipv6}", subnet.cidr),
        None => subnet.cidr.clone(),
    }
}

/// The id of the VPC that is named, if one is.
pub(crate) async fn vpc_id(session: &Session, vpc: Option<&str>) -> Result<Option<String>> {
    match vpc {
        Some(vpc) => Ok(Some(session.vpc(vpc).await?.id)),
        None => Ok(None),
    }
}

/// The first address behind the network's own, if there is one.
fn first_address(cidr: &str) -> Option<String> {
    let (address, bits) = cidr.split_once('/')?;
    let address: Ipv4Addr = address.parse().ok()?;
    let bits: u32 = bits.parse().ok().filter(|bits| *bits < 32)?;
    let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
    Some(Ipv4Addr::from((u32::from(address) & mask) + 1).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::group_help;

    #[test]
    fn help() {
        insta::assert_snapshot!(group_help(&["subnet"], &["list", "show", "create", "update", "delete"]));
    }

    #[test]
    fn the_gateway_is_the_first_address() {
        assert_eq!(first_address("172.16.0.0/24").as_deref(), Some("172.16.0.1"));
        assert_eq!(first_address("172.16.0.77/28").as_deref(), Some("172.16.0.65"));
        assert_eq!(first_address("0.0.0.0/0").as_deref(), Some("0.0.0.1"));
        for wrong in ["172.16.0.0", "172.16.0.0/33", "172.16.0.0/32", "x/24", "fd00::/64"] {
            assert_eq!(first_address(wrong), None, "{wrong}");
        }
    }
}
