//! `causeway account`, for operators.

use clap::{Subcommand, ValueEnum};
use client::types::{AccountCreate, AccountCreated};

use super::accounts::profile_of;
use super::common::Deletions;
use crate::app::App;
use crate::exit::Exit;
use crate::failure::Result;
use crate::names;
use crate::output::{Details, Table, note};
use crate::session::Session;

/// A command of accounts.
#[derive(Debug, Subcommand)]
pub(crate) enum AccountCommand {
    /// List all accounts
    #[command(alias = "ls", after_help = "Examples:\n  causeway account list")]
    List,
    /// Create an account with a first user and an access key, which is shown this once
    #[command(after_help = "Examples:\n  causeway account create acct-b --save\n  causeway --profile acct-b vpc list")]
    Create {
        /// Its name
        name: String,
        /// The site it belongs to; the server's own choice if not given
        #[arg(long, value_enum)]
        site: Option<Site>,
        /// Keep its access key as a profile of its name
        #[arg(long)]
        save: bool,
    },
    /// Give the first user of an account a new password and access key in the place of all that it has; they are shown
    /// this once
    #[command(after_help = "Examples:\n  causeway account rotate acct-b --save")]
    Rotate {
        /// Name or id
        account: String,
        /// Keep its access key as a profile of its name
        #[arg(long)]
        save: bool,
    },
    /// Delete an account that has nothing left
    #[command(alias = "rm", after_help = "Examples:\n  causeway account delete acct-b")]
    Delete {
        /// Names or ids
        #[arg(required = true, value_name = "ACCOUNT")]
        accounts: Vec<String>,
    },
}

/// A site.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Site {
    /// Chinese mainland
    Cn,
    /// International
    Intl,
}

/// Does it.
pub(crate) async fn run(command: AccountCommand, app: &App) -> Result<Exit> {
    let session = app.session().await?;
    let printer = app.printer;
    match command {
        AccountCommand::List => {
            let accounts = session.client.list_accounts().await?;
            printer.list(&accounts, || {
                let mut table = Table::new(["NAME", "SITE", "OPERATOR", "ID"]).empty("there are no accounts");
                for account in &accounts {
                    table.row([
                        account.name.as_str(),
                        &account.site,
                        if account.operator { "yes" } else { "no" },
                        &account.id,
                    ]);
                }
                table
            })?;
        }
        AccountCommand::Create { name, site, save } => {
            let site = site.map(|site| match site {
                Site::Cn => "cn".to_owned(),
                Site::Intl => "intl".to_owned(),
            });
            let created = session.client.create_account(&AccountCreate { name, site }).await?;
            show(app, &session, &created, save)?;
        }
        AccountCommand::Rotate { account, save } => {
            let all = session.client.list_accounts().await?;
            let account = names::find("account", &account, &all)?;
            show(app, &session, &session.client.rotate_account(&account.id).await?, save)?;
        }
        AccountCommand::Delete { accounts } => {
            let all = session.client.list_accounts().await?;
            let mut deletions = Deletions::default();
            for wanted in &accounts {
                let account = names::find("account", wanted, &all)?;
                session.client.delete_account(&account.id).await?;
                deletions.done(printer, "account", &account.id, &account.name)?;
                if let Some(profile) = app.profiles()?.forget(&account.name, &session.endpoint)? {
                    note(format_args!("removed profile `{profile}`"));
                }
            }
            deletions.end(printer)?;
        }
    }
    Ok(Exit::Done)
}

/// Shows an account's secrets, and keeps its access key if that is wanted.
fn show(app: &App, session: &Session, made: &AccountCreated, save: bool) -> Result<()> {
    let saved = if save {
        let access = suite::AccountAccess::from(made);
        Some(app.profiles()?.store(&made.account.name, profile_of(session, &access))?)
    } else {
        None
    };
    app.printer.one(made, || {
        Details::default()
            .field("name", &made.account.name)
            .field("id", &made.account.id)
            .field("site", &made.account.site)
            .field("user", &made.user.name)
            .field("password", &made.user.password)
            .field("access key", &made.access_key.access)
            .field("secret key", &made.access_key.secret)
            .fields("projects", made.projects.iter().map(|p| format!("{} {}", p.name, p.id)))
            .render()
    })?;
    match saved {
        Some(saved) => note(format_args!("saved as profile `{}` in {}", saved.name, saved.path.display())),
        None => note("keep the secrets: they are shown this once"),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::group_help;

    #[test]
    fn help() {
        insta::assert_snapshot!(group_help(&["account"], &["list", "create", "rotate", "delete"]));
    }
}
