//! `causeway vpc`.

use clap::Subcommand;
use client::types::{SubnetFilter, Vpc, VpcCreate, VpcFilter, VpcV3};
use serde::Serialize;

use super::common::{Deletions, NamesById, report};
use crate::app::App;
use crate::exit::Exit;
use crate::failure::Result;
use crate::output::{Details, Table};
use crate::session::Session;

/// A command of VPCs.
#[derive(Debug, Subcommand)]
pub(crate) enum VpcCommand {
    /// List the VPCs of the region
    #[command(
        alias = "ls",
        after_help = "Examples:\n  causeway vpc list\n  causeway vpc list --region region-2 -o json"
    )]
    List,
    /// Show a VPC with its subnets, route tables and peering connections
    #[command(after_help = "Examples:\n  causeway vpc show VPC-A")]
    Show {
        /// Name or id
        vpc: String,
    },
    /// Create a VPC
    #[command(
        after_help = "Examples:\n  causeway vpc create VPC-A --cidr 172.16.0.0/16\n  causeway vpc create VPC-B --cidr 10.0.0.0/8 --cidr 192.168.0.0/24 --description production"
    )]
    Create {
        /// Its name
        name: String,
        /// Its primary CIDR; the second and further ones are secondary CIDRs
        #[arg(long, required = true, value_name = "CIDR")]
        cidr: Vec<String>,
        /// Free text
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
        /// The edge site of the region that it lies in
        #[arg(long, value_name = "SITE")]
        edge_site: Option<String>,
    },
    /// Delete VPCs, which must be empty
    #[command(alias = "rm", after_help = "Examples:\n  causeway vpc delete VPC-A VPC-B")]
    Delete {
        /// Names or ids
        #[arg(required = true, value_name = "VPC")]
        vpcs: Vec<String>,
    },
    /// Add secondary CIDRs
    #[command(after_help = "Examples:\n  causeway vpc add-cidr VPC-A 100.64.0.0/16")]
    AddCidr {
        /// Name or id
        vpc: String,
        /// What to add
        #[arg(required = true, value_name = "CIDR")]
        cidrs: Vec<String>,
    },
    /// Remove secondary CIDRs, which no subnet may use
    #[command(after_help = "Examples:\n  causeway vpc remove-cidr VPC-A 100.64.0.0/16")]
    RemoveCidr {
        /// Name or id
        vpc: String,
        /// What to remove
        #[arg(required = true, value_name = "CIDR")]
        cidrs: Vec<String>,
    },
}

/// A VPC with what only one of the two families of operations shows.
#[derive(Debug, Serialize)]
struct FullVpc {
    #[serde(flatten)]
    vpc: Vpc,
    extend_cidrs: Vec<String>,
}

impl FullVpc {
    fn new(vpc: Vpc, all: &[VpcV3]) -> Self {
        let extend_cidrs = all.iter().find(|v| v.id == vpc.id).map(|v| v.extend_cidrs.clone()).unwrap_or_default();
        Self { vpc, extend_cidrs }
    }

    fn cidrs(&self) -> String {
        std::iter::once(&self.vpc.cidr).chain(&self.extend_cidrs).cloned().collect::<Vec<_>>().join(" ")
    }
}

/// Does it.
pub(crate) async fn run(command: VpcCommand, app: &App) -> Result<Exit> {
    let session = app.session().await?;
    let printer = app.printer;
    match command {
        VpcCommand::List => {
            let all = session.client.list_vpcs_v3(&VpcFilter::default()).await?;
            let vpcs: Vec<FullVpc> = session.vpcs().await?.into_iter().map(|vpc| FullVpc::new(vpc, &all)).collect();
            printer.list(&vpcs, || {
                let mut table = Table::new(["NAME", "CIDRS", "STATUS", "EDGE SITE", "ID"])
                    .empty("there are no VPCs in this region");
                for full in &vpcs {
                    table.row([&full.vpc.name, &full.cidrs(), &full.vpc.status, &full.vpc.edge_site, &full.vpc.id]);
                }
                table
            })?;
        }
        VpcCommand::Show { vpc } => show(&session, app, &vpc).await?,
        VpcCommand::Create { name, cidr, description, edge_site } => {
            let (primary, secondary) = cidr.split_first().map(|(p, s)| (p.clone(), s.to_vec())).unwrap_or_default();
            let wanted = VpcCreate { name, cidr: primary, description, edge_site, ..VpcCreate::default() };
            let vpc = session.client.create_vpc(&wanted).await?;
            let mut full = FullVpc { vpc, extend_cidrs: Vec::new() };
            if !secondary.is_empty() {
                match session.client.add_extend_cidrs(&full.vpc.id, &secondary).await {
                    Ok(vpc) => full.extend_cidrs = vpc.extend_cidrs,
                    Err(error) => {
                        // Nothing half-made; the refusal is what counts.
                        let _ = session.client.delete_vpc(&full.vpc.id).await;
                        return Err(error.into());
                    }
                }
            }
            let rest = format!("VPC {} {} ({})", full.vpc.name, full.cidrs(), full.vpc.id);
            report(printer, &full, "created", &rest)?;
        }
        VpcCommand::Delete { vpcs } => {
            let mut deletions = Deletions::default();
            for wanted in &vpcs {
                let vpc = session.vpc(wanted).await?;
                session.client.delete_vpc(&vpc.id).await?;
                deletions.done(printer, "VPC", &vpc.id, &vpc.name)?;
            }
            deletions.end(printer)?;
        }
        VpcCommand::AddCidr { vpc, cidrs } => {
            let vpc = session.vpc(&vpc).await?;
            let changed = session.client.add_extend_cidrs(&vpc.id, &cidrs).await?;
            report(printer, &changed, "added", &format!("{} to VPC {}", cidrs.join(" "), vpc.name))?;
        }
        VpcCommand::RemoveCidr { vpc, cidrs } => {
            let vpc = session.vpc(&vpc).await?;
            let changed = session.client.remove_extend_cidrs(&vpc.id, &cidrs).await?;
            report(printer, &changed, "removed", &format!("{} from VPC {}", cidrs.join(" "), vpc.name))?;
        }
    }
    Ok(Exit::Done)
}

async fn show(session: &Session, app: &App, wanted: &str) -> Result<()> {
    let vpc = session.vpc(wanted).await?;
    let all = session.client.list_vpcs_v3(&VpcFilter { id: vec![vpc.id.clone()], ..VpcFilter::default() }).await?;
    let full = FullVpc::new(vpc, &all);
    if !app.printer.for_people() {
        return app.printer.data(&full);
    }
    let filter = SubnetFilter { vpc_id: Some(full.vpc.id.clone()) };
    let subnets = session.client.list_subnets(&filter).await?;
    let tables = session.tables(Some(&full.vpc)).await?;
    let vpcs = session.vpcs().await?;
    let names = NamesById::new(vpcs.iter().map(|vpc| (vpc.id.as_str(), vpc.name.as_str())));
    let peerings = session.peerings().await?;
    let peerings = peerings.iter().filter_map(|peering| {
        let (local, peer) = (&peering.request_vpc_info.vpc_id, &peering.accept_vpc_info.vpc_id);
        let other = if *local == full.vpc.id { peer } else { local };
        (*local == full.vpc.id || *peer == full.vpc.id)
            .then(|| format!("{} {} with {}", peering.name, peering.status, names.of(other)))
    });
    let vpc = &full.vpc;
    let details = Details::default()
        .field("name", &vpc.name)
        .field("id", &vpc.id)
        .field("cidr", &vpc.cidr)
        .field("secondary cidrs", full.extend_cidrs.join(" "))
        .field("status", &vpc.status)
        .field("edge site", &vpc.edge_site)
        .field("description", &vpc.description)
        .field("project", &vpc.tenant_id)
        .field("created", &vpc.created_at)
        .fields("subnets", subnets.iter().map(|subnet| format!("{} {}", subnet.name, subnet.cidr)))
        .fields("route tables", tables.iter().map(crate::names::Named::label))
        .fields("peerings", peerings);
    app.printer.text(&details.render())
}

#[cfg(test)]
mod tests {
    use crate::testing::group_help;

    #[test]
    fn help() {
        let commands = ["list", "show", "create", "delete", "add-cidr", "remove-cidr"];
        insta::assert_snapshot!(group_help(&["vpc"], &commands));
    }
}
