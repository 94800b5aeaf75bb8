//! `causeway policy`.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use client::types::{Policy, PolicyCreate, User};
use serde_json::Value;

use super::common::{Deletions, report};
use crate::app::App;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::names;
use crate::output::{Details, Table};
use crate::session::Session;

/// A command of policies.
#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// List the policies: the built-in ones and the account's own, or those that a user has
    #[command(alias = "ls", after_help = "Examples:\n  causeway policy list\n  causeway policy list --user ann")]
    List {
        /// Whose
        #[arg(long)]
        user: Option<String>,
    },
    /// Show a policy
    #[command(after_help = "Examples:\n  causeway policy show \"VPC ReadOnlyAccess\"")]
    Show {
        /// Name or id
        policy: String,
    },
    /// Create a policy from a JSON file with `Version` and `Statement`
    #[command(
        after_help = "Examples:\n  causeway policy create peering-admin -f peering-admin.json\n\nA file that lets its user accept peering requests, and see what they are about:\n  {\"Version\": \"1.1\", \"Statement\": [\n    {\"Effect\": \"Allow\", \"Action\": [\"vpc:peerings:*\", \"vpc:vpcs:get\", \"vpc:vpcs:list\"]}]}"
    )]
    Create {
        /// Its name
        name: String,
        /// The file; - for the standard input
        #[arg(short, long)]
        file: PathBuf,
        /// Free text
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
    },
    /// Delete policies, which no user may have
    #[command(alias = "rm", after_help = "Examples:\n  causeway policy delete peering-admin")]
    Delete {
        /// Names or ids
        #[arg(required = true, value_name = "POLICY")]
        policies: Vec<String>,
    },
    /// Give a user a policy
    #[command(
        after_help = "Examples:\n  causeway policy attach peering-admin ann\n  causeway policy attach \"VPC FullAccess\" ann --in region-1"
    )]
    Attach {
        /// Name or id
        policy: String,
        /// Name or id of the user
        user: String,
        /// The one region that it shall be good for
        #[arg(long = "in", value_name = "REGION")]
        region: Option<String>,
    },
    /// Take a policy from a user
    #[command(
        after_help = "Examples:\n  causeway policy detach peering-admin ann\n  causeway policy detach \"VPC FullAccess\" ann --in region-1"
    )]
    Detach {
        /// Name or id
        policy: String,
        /// Name or id of the user
        user: String,
        /// The region that it is good for, if it is for one only
        #[arg(long = "in", value_name = "REGION")]
        region: Option<String>,
    },
}

/// Does it.
pub(crate) async fn run(command: PolicyCommand, app: &App) -> Result<Exit> {
    let session = app.session().await?;
    let printer = app.printer;
    match command {
        PolicyCommand::List { user: None } => {
            let policies = session.client.list_policies().await?;
            printer.list(&policies, || {
                let mut table = Table::new(["NAME", "KIND", "DESCRIPTION", "ID"]).empty("there are no policies");
                for policy in &policies {
                    table.row([policy.display_name.as_str(), kind(policy), &policy.description, &policy.id]);
                }
                table
            })?;
        }
        PolicyCommand::List { user: Some(user) } => {
            let user = find_user(&session, &user).await?;
            let policies = session.client.list_user_policies(&user.id).await?;
            let projects = session.projects().await?;
            let region = |id: &str| {
                let named = projects.iter().find(|(_, project)| project == id);
                named.map_or_else(|| id.to_owned(), |(name, _)| name.clone())
            };
            printer.list(&policies, || {
                let empty = format!("{} has no policies and may do nothing but manage itself", user.name);
                let mut table = Table::new(["NAME", "REGION", "ID"]).empty(empty);
                for policy in &policies {
                    table.row([policy.name.as_str(), &region(&policy.project_id), &policy.id]);
                }
                table
            })?;
        }
        PolicyCommand::Show { policy } => {
            let all = session.client.list_policies().await?;
            let policy = find_policy(&policy, &all)?;
            printer.one(policy, || {
                Details::default()
                    .field("name", &policy.display_name)
                    .field("id", &policy.id)
                    .field("kind", kind(policy))
                    .field("description", &policy.description)
                    .fields("policy", pretty(&policy.policy))
                    .render()
            })?;
        }
        PolicyCommand::Create { name, file, description } => {
            let policy = read(&file)?;
            let wanted = PolicyCreate { display_name: name, kind: "AX".to_owned(), description, policy };
            let made = session.client.create_policy(&wanted).await?;
            report(printer, &made, "created", &format!("policy {} ({})", made.display_name, made.id))?;
        }
        PolicyCommand::Delete { policies } => {
            let all = session.client.list_policies().await?;
            let mut deletions = Deletions::default();
            for wanted in &policies {
                let policy = find_policy(wanted, &all)?;
                session.client.delete_policy(&policy.id).await?;
                deletions.done(printer, "policy", &policy.id, &policy.display_name)?;
            }
            deletions.end(printer)?;
        }
        PolicyCommand::Attach { policy, user, region } => {
            let (policy, user) = pair(&session, &policy, &user).await?;
            let project = project(&session, region.as_deref()).await?;
            session.client.attach_policy(&user.id, &policy.id, project.as_deref()).await?;
            report(printer, &policy, "attached", &format!("policy {} to {}", policy.display_name, user.name))?;
        }
        PolicyCommand::Detach { policy, user, region } => {
            let (policy, user) = pair(&session, &policy, &user).await?;
            let project = project(&session, region.as_deref()).await?;
            session.client.detach_policy(&user.id, &policy.id, project.as_deref()).await?;
            report(printer, &policy, "detached", &format!("policy {} from {}", policy.display_name, user.name))?;
        }
    }
    Ok(Exit::Done)
}

/// The policy with this name or id.
pub(crate) fn find_policy<'a>(wanted: &str, all: &'a [Policy]) -> Result<&'a Policy> {
    names::find("policy", wanted, all)
}

async fn find_user(session: &Session, wanted: &str) -> Result<User> {
    let all = session.client.list_users().await?;
    names::find("user", wanted, &all).cloned()
}

async fn pair(session: &Session, policy: &str, user: &str) -> Result<(Policy, User)> {
    let all = session.client.list_policies().await?;
    let policy = find_policy(policy, &all)?.clone();
    Ok((policy, find_user(session, user).await?))
}

/// The id of a region's project.
async fn project(session: &Session, region: Option<&str>) -> Result<Option<String>> {
    match region {
        Some(region) => Ok(Some(session.client.project_named(region).await?.id)),
        None => Ok(None),
    }
}

fn kind(policy: &Policy) -> &'static str {
    if policy.catalog == "CUSTOMED" { "own" } else { "built-in" }
}

fn pretty(document: &Value) -> Vec<String> {
    let text = serde_json::to_string_pretty(document).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn read(file: &Path) -> Result<Value> {
    let path = file.display();
    let text = if file.as_os_str() == "-" {
        std::io::read_to_string(std::io::stdin())
            .map_err(|error| Failure::usage(format!("cannot read the standard input: {error}")))?
    } else {
        std::fs::read_to_string(file).map_err(|error| Failure::usage(format!("cannot read {path}: {error}")))?
    };
    serde_json::from_str(&text).map_err(|error| Failure::usage(format!("{path} is not JSON: {error}")))
}

#[cfg(test)]
mod tests {
    use crate::testing::group_help;

    #[test]
    fn help() {
        let commands = ["list", "show", "create", "delete", "attach", "detach"];
        insta::assert_snapshot!(group_help(&["policy"], &commands));
    }
}
