//! `causeway user`.

use clap::Subcommand;
use client::types::{UserCreate, UserSecrets};

use super::common::Deletions;
use super::policy::find_policy;
use crate::app::App;
use crate::exit::Exit;
use crate::failure::Result;
use crate::names;
use crate::output::{Details, Table, note};
use crate::session::Session;
use crate::settings::Profile;

/// A command of users.
#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// List the users of the account
    #[command(alias = "ls", after_help = "Examples:\n  causeway user list")]
    List,
    /// Create a user with a password and an access key, which are shown this once
    #[command(
        after_help = "Examples:\n  causeway user create ann --policy \"VPC ReadOnlyAccess\" --save\n  causeway --profile acct-b/ann vpc list"
    )]
    Create {
        /// Its name
        name: String,
        /// A policy that it shall have, by name or id; several times for several. Without one it may do nothing
        #[arg(long = "policy", value_name = "POLICY")]
        policies: Vec<String>,
        /// Free text
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
        /// Keep its access key as the profile ACCOUNT/NAME
        #[arg(long)]
        save: bool,
    },
    /// Give a user a new password in the place of the old one; it is shown this once
    #[command(after_help = "Examples:\n  causeway user rotate ann")]
    Rotate {
        /// Name or id
        user: String,
    },
    /// Delete users with their access keys
    #[command(alias = "rm", after_help = "Examples:\n  causeway user delete ann")]
    Delete {
        /// Names or ids
        #[arg(required = true, value_name = "USER")]
        users: Vec<String>,
    },
}

/// Does it.
pub(crate) async fn run(command: UserCommand, app: &App) -> Result<Exit> {
    let session = app.session().await?;
    let printer = app.printer;
    match command {
        UserCommand::List => {
            let users = session.client.list_users().await?;
            printer.list(&users, || {
                let mut table = Table::new(["NAME", "ENABLED", "DESCRIPTION", "ID"]).empty("there are no users");
                for user in &users {
                    let enabled = if user.enabled { "yes" } else { "no" };
                    table.row([user.name.as_str(), enabled, &user.description, &user.id]);
                }
                table
            })?;
        }
        UserCommand::Create { name, policies, description, save } => {
            // What cannot be attached is known before anything is made.
            let known = if policies.is_empty() { Vec::new() } else { session.client.list_policies().await? };
            let policies = policies.iter().map(|wanted| find_policy(wanted, &known)).collect::<Result<Vec<_>>>()?;
            let user = session.client.create_user(&UserCreate { name, description }).await?;
            for policy in policies {
                session.client.attach_policy(&user.id, &policy.id, None).await?;
            }
            let key = session.client.create_access_key(Some(&user.id), None).await?;
            let made = UserSecrets { access_key: Some(key.clone()), ..session.client.rotate_user(&user.id).await? };
            let saved = if save {
                let profile = Profile {
                    endpoint: session.endpoint.clone(),
                    access_key: key.access.clone(),
                    secret_key: key.secret.clone(),
                    projects: session.projects().await?.into_iter().collect(),
                    ..Profile::default()
                };
                Some(app.profiles()?.store(&profile_name(&session, &user.name).await?, profile)?)
            } else {
                None
            };
            printer.one(&made, || secrets(&made))?;
            match saved {
                Some(saved) => note(format_args!("saved as profile `{}` in {}", saved.name, saved.path.display())),
                None => note("keep the secrets: they are shown this once"),
            }
        }
        UserCommand::Rotate { user } => {
            let all = session.client.list_users().await?;
            let user = names::find("user", &user, &all)?;
            let made = session.client.rotate_user(&user.id).await?;
            printer.one(&made, || secrets(&made))?;
            note("keep the password: it is shown this once");
        }
        UserCommand::Delete { users } => {
            let all = session.client.list_users().await?;
            let mut deletions = Deletions::default();
            for wanted in &users {
                let user = names::find("user", wanted, &all)?;
                session.client.delete_user(&user.id).await?;
                deletions.done(printer, "user", &user.id, &user.name)?;
                let profile = profile_name(&session, &user.name).await?;
                if let Some(profile) = app.profiles()?.forget(&profile, &session.endpoint)? {
                    note(format_args!("removed profile `{profile}`"));
                }
            }
            deletions.end(printer)?;
        }
    }
    Ok(Exit::Done)
}

/// The profile of a user: never that of an account, which goes by the account's name.
async fn profile_name(session: &Session, user: &str) -> Result<String> {
    let account = session.client.list_domains().await?.into_iter().next().map(|domain| domain.name);
    Ok(format!("{}/{user}", account.unwrap_or_default()))
}

fn secrets(made: &UserSecrets) -> String {
    let details = Details::default()
        .field("name", &made.user.name)
        .field("id", &made.user.id)
        .field("password", &made.user.password);
    match &made.access_key {
        Some(key) => details.field("access key", &key.access).field("secret key", &key.secret),
        None => details,
    }
    .render()
}

#[cfg(test)]
mod tests {
    use crate::testing::group_help;

    #[test]
    fn help() {
        insta::assert_snapshot!(group_help(&["user"], &["list", "create", "rotate", "delete"]));
    }
}
