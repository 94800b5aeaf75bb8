//! `causeway peering`.

use clap::{Subcommand, ValueEnum};
use client::types::{Peering, PeeringCreate, PeeringUpdate, PeeringVpc};

use super::common::{Deletions, NamesById, report};
use crate::app::App;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::names;
use crate::output::{self, Details, Table};
use crate::session::{Session, is_about_routes_to_come};
use crate::settings::Flags;

const PENDING: &str = "PENDING_ACCEPTANCE";

/// A command of peering connections.
#[derive(Debug, Subcommand)]
pub(crate) enum PeeringCommand {
    /// List the peering connections of your VPCs, whoever requested them
    #[command(
        alias = "ls",
        after_help = "Examples:\n  causeway peering list\n  causeway peering list --vpc VPC-A --status pending-acceptance"
    )]
    List {
        /// Only those of this VPC
        #[arg(long)]
        vpc: Option<String>,
        /// Only those in this status
        #[arg(long, value_enum)]
        status: Option<Status>,
    },
    /// Show a peering connection
    #[command(after_help = "Examples:\n  causeway peering show Peering-AB")]
    Show {
        /// Name or id
        peering: String,
    },
    /// Create a peering connection; one between two accounts waits for the other to accept
    #[command(
        after_help = "Examples:\n  causeway peering create Peering-AB --vpc VPC-A --peer-vpc VPC-B\n  causeway peering create Peering-AC --vpc VPC-A --peer-vpc 66f2…d3 --peer-project 0605…f1\n  causeway peering create Peering-AC --vpc VPC-A --peer-vpc VPC-C --peer-profile acct-b"
    )]
    Create {
        /// Its name
        name: String,
        /// Your VPC
        #[arg(long)]
        vpc: String,
        /// The other VPC: name or id of yours, id of another account's
        #[arg(long, value_name = "VPC")]
        peer_vpc: String,
        /// The project that the other VPC is in, if it is another account's
        #[arg(long, value_name = "ID")]
        peer_project: Option<String>,
        /// The profile of the other account, which then need not tell you ids
        #[arg(long, value_name = "PROFILE", conflicts_with = "peer_project")]
        peer_profile: Option<String>,
        /// Free text
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
    },
    /// Accept a request for a peering with one of your VPCs
    #[command(
        after_help = "Examples:\n  causeway peering accept Peering-AC\n  causeway --profile acct-b peering accept Peering-AC"
    )]
    Accept {
        /// Name or id
        peering: String,
    },
    /// Reject a request for a peering with one of your VPCs
    #[command(after_help = "Examples:\n  causeway peering reject Peering-AC")]
    Reject {
        /// Name or id
        peering: String,
    },
    /// Change name or description
    #[command(
        after_help = "Examples:\n  causeway peering update Peering-AB --name production --description 'to the databases'"
    )]
    Update {
        /// Name or id
        peering: String,
        /// The new name
        #[arg(long, required_unless_present = "description")]
        name: Option<String>,
        /// The new text
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
    },
    /// Delete peering connections, with the routes that lead into them on both sides
    #[command(alias = "rm", after_help = "Examples:\n  causeway peering delete Peering-AB")]
    Delete {
        /// Names or ids
        #[arg(required = true, value_name = "PEERING")]
        peerings: Vec<String>,
    },
}

/// A status as it is written on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Status {
    PendingAcceptance,
    Active,
    Rejected,
    Expired,
}

impl Status {
    fn wire(self) -> &'static str {
        match self {
            Self::PendingAcceptance => PENDING,
            Self::Active => "ACTIVE",
            Self::Rejected => "REJECTED",
            Self::Expired => "EXPIRED",
        }
    }
}

/// Does it.
pub(crate) async fn run(command: PeeringCommand, app: &App) -> Result<Exit> {
    let session = app.session().await?;
    let printer = app.printer;
    match command {
        PeeringCommand::List { vpc, status } => list(&session, app, vpc.as_deref(), status).await?,
        PeeringCommand::Show { peering } => {
            let peering = session.peering(&peering, None).await?;
            let vpcs = session.vpcs().await?;
            let names = NamesById::new(vpcs.iter().map(|vpc| (vpc.id.as_str(), vpc.name.as_str())));
            let warnings = session.client.peering_warnings(&peering.id).await.unwrap_or_default();
            let end = |info: &PeeringVpc| {
                let whose = if names.knows(&info.vpc_id) { "yours" } else { "of another account" };
                format!("{} ({whose}, project {})", names.of(&info.vpc_id), info.tenant_id)
            };
            printer.one(&peering, || {
                Details::default()
                    .field("name", &peering.name)
                    .field("id", &peering.id)
                    .field("status", &peering.status)
                    .field("requester", end(&peering.request_vpc_info))
                    .field("accepter", end(&peering.accept_vpc_info))
                    .field("description", &peering.description)
                    .field("created", &peering.created_at)
                    .field("updated", &peering.updated_at)
                    .render()
            })?;
            warnings.iter().filter(|text| !is_about_routes_to_come(text)).for_each(output::warn);
        }
        PeeringCommand::Create { name, vpc, peer_vpc, peer_project, peer_profile, description } => {
            let local = session.vpc(&vpc).await?;
            let accept_vpc_info = match peer_profile {
                Some(profile) => peer_of_profile(app, &session, &profile, &peer_vpc).await?,
                None => peer_of_caller(&session, &peer_vpc, peer_project).await?,
            };
            let wanted = PeeringCreate {
                name,
                description,
                request_vpc_info: PeeringVpc { vpc_id: local.id, tenant_id: String::new() },
                accept_vpc_info,
            };
            let peering = session.client.create_peering(&wanted).await?;
            let rest = format!("peering {} {} ({})", peering.name, peering.status, peering.id);
            report(printer, &peering, "created", &rest)?;
            if peering.status == PENDING {
                printer.line("nothing passes until the other account accepts it")?;
            }
        }
        PeeringCommand::Accept { peering } => {
            let peering = session.peering(&peering, Some(PENDING)).await?;
            let peering = session.client.accept_peering(&peering.id).await?;
            report(printer, &peering, "accepted", &format!("peering {} {}", peering.name, peering.status))?;
        }
        PeeringCommand::Reject { peering } => {
            let peering = session.peering(&peering, Some(PENDING)).await?;
            let peering = session.client.reject_peering(&peering.id).await?;
            report(printer, &peering, "rejected", &format!("peering {} {}", peering.name, peering.status))?;
        }
        PeeringCommand::Update { peering, name, description } => {
            let peering = session.peering(&peering, None).await?;
            let peering = session.client.update_peering(&peering.id, &PeeringUpdate { name, description }).await?;
            report(printer, &peering, "updated", &format!("peering {}", peering.name))?;
        }
        PeeringCommand::Delete { peerings } => {
            let mut deletions = Deletions::default();
            for wanted in &peerings {
                let peering = session.peering(wanted, None).await?;
                session.client.delete_peering(&peering.id).await?;
                deletions.done(printer, "peering", &peering.id, &peering.name)?;
            }
            deletions.end(printer)?;
        }
    }
    Ok(Exit::Done)
}

async fn list(session: &Session, app: &App, vpc: Option<&str>, status: Option<Status>) -> Result<()> {
    let vpcs = session.vpcs().await?;
    let vpc_id = vpc.map(|vpc| names::find("VPC", vpc, &vpcs).map(|vpc| vpc.id.clone())).transpose()?;
    let of_vpc = |peering: &Peering| {
        let ends = [&peering.request_vpc_info.vpc_id, &peering.accept_vpc_info.vpc_id];
        vpc_id.as_ref().is_none_or(|id| ends.contains(&id))
    };
    let mut peerings = session.peerings().await?;
    peerings.retain(|peering| of_vpc(peering) && status.is_none_or(|status| peering.status == status.wire()));
    let names = NamesById::new(vpcs.iter().map(|vpc| (vpc.id.as_str(), vpc.name.as_str())));
    app.printer.list(&peerings, || {
        let mut table =
            Table::new(["NAME", "STATUS", "REQUESTER", "ACCEPTER", "ID"]).empty("there are no peering connections");
        for peering in &peerings {
            let (requester, accepter) =
                (names.of(&peering.request_vpc_info.vpc_id), names.of(&peering.accept_vpc_info.vpc_id));
            table.row([&peering.name, &peering.status, &requester, &accepter, &peering.id]);
        }
        table
    })
}

/// A VPC of the caller by name or id, or one of another account by id and project.
async fn peer_of_caller(session: &Session, peer: &str, project: Option<String>) -> Result<PeeringVpc> {
    if let Some(tenant_id) = project {
        return Ok(PeeringVpc { vpc_id: peer.to_owned(), tenant_id });
    }
    let vpcs = session.vpcs().await?;
    match names::find("VPC", peer, &vpcs) {
        Ok(vpc) => Ok(PeeringVpc { vpc_id: vpc.id.clone(), tenant_id: String::new() }),
        Err(failure) if names::is_id(peer) => {
            Err(failure.hint("to name another account's VPC, give its project too: --peer-project"))
        }
        Err(failure) => Err(failure),
    }
}

/// A VPC of the account of a profile.
async fn peer_of_profile(app: &App, own: &Session, profile: &str, peer: &str) -> Result<PeeringVpc> {
    let region = Some(own.region.clone()).filter(|region| !region.is_empty());
    let (endpoint, ca_file) = (Some(own.endpoint.clone()), own.ca_file.clone());
    let flags = Flags { profile: Some(profile.to_owned()), endpoint, ca_file, region };
    let other =
        App { flags, ..app.clone() }.session().await.map_err(|f| f.while_doing(&format!("profile {profile}")))?;
    let vpc = other.vpc(peer).await.map_err(|f| f.while_doing(&format!("profile {profile}")))?;
    if vpc.tenant_id.is_empty() {
        return Err(Failure::internal(format!("the server does not say which project VPC {} is in", vpc.name)));
    }
    Ok(PeeringVpc { vpc_id: vpc.id, tenant_id: vpc.tenant_id })
}

#[cfg(test)]
mod tests {
    use crate::testing::group_help;

    #[test]
    fn help() {
        let commands = ["list", "show", "create", "accept", "reject", "update", "delete"];
        insta::assert_snapshot!(group_help(&["peering"], &commands));
    }
}
