//! `causeway access-key`.

use clap::Subcommand;
use client::types::SecretKey;

use super::common::Deletions;
use crate::app::App;
use crate::exit::Exit;
use crate::failure::Result;
use crate::names;
use crate::output::{Details, Table, note};
use crate::session::Session;

/// A command of access keys.
#[derive(Debug, Subcommand)]
pub(crate) enum AccessKeyCommand {
    /// List access keys, without their secrets
    #[command(
        alias = "ls",
        after_help = "Examples:\n  causeway access-key list\n  causeway access-key list --user ann"
    )]
    List {
        /// Whose; one's own if not given
        #[arg(long)]
        user: Option<String>,
    },
    /// Create an access key; its secret is shown this once
    #[command(after_help = "Examples:\n  causeway access-key create --description laptop")]
    Create {
        /// For whom; oneself if not given
        #[arg(long)]
        user: Option<String>,
        /// Free text
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
    },
    /// Make an access key in the place of an old one, in one step; its secret is shown this once
    #[command(after_help = "Examples:\n  causeway access-key rotate 5QJ0AK1EXAMPLE0KEY00")]
    Rotate {
        /// The access key that ends
        access_key: String,
    },
    /// Delete access keys
    #[command(alias = "rm", after_help = "Examples:\n  causeway access-key delete 5QJ0AK1EXAMPLE0KEY00")]
    Delete {
        /// Access keys
        #[arg(required = true, value_name = "ACCESS_KEY")]
        access_keys: Vec<String>,
    },
}

/// Does it.
pub(crate) async fn run(command: AccessKeyCommand, app: &App) -> Result<Exit> {
    let session = app.session().await?;
    let printer = app.printer;
    match command {
        AccessKeyCommand::List { user } => {
            let user = id_of(&session, user.as_deref()).await?;
            let keys = session.client.list_access_keys(user.as_deref()).await?;
            printer.list(&keys, || {
                let headings = ["ACCESS KEY", "STATUS", "CREATED", "DESCRIPTION"];
                let mut table = Table::new(headings).empty("there are no access keys");
                for key in &keys {
                    table.row([&key.access, &key.status, &key.create_time, &key.description]);
                }
                table
            })?;
        }
        AccessKeyCommand::Create { user, description } => {
            let user = id_of(&session, user.as_deref()).await?;
            let key = session.client.create_access_key(user.as_deref(), description.as_deref()).await?;
            show(app, &key)?;
        }
        AccessKeyCommand::Rotate { access_key } => {
            let key = session.client.rotate_access_key(&access_key).await?;
            show(app, &key)?;
        }
        AccessKeyCommand::Delete { access_keys } => {
            let mut deletions = Deletions::default();
            for key in &access_keys {
                session.client.delete_access_key(key).await?;
                deletions.done(printer, "access key", key, key)?;
            }
            deletions.end(printer)?;
        }
    }
    Ok(Exit::Done)
}

async fn id_of(session: &Session, user: Option<&str>) -> Result<Option<String>> {
    let Some(user) = user else { return Ok(None) };
    let all = session.client.list_users().await?;
    Ok(Some(names::find("user", user, &all)?.id.clone()))
}

fn show(app: &App, key: &SecretKey) -> Result<()> {
    app.printer
        .one(key, || Details::default().field("access key", &key.access).field("secret key", &key.secret).render())?;
    note("keep the secret: it is shown this once");
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::group_help;

    #[test]
    fn help() {
        insta::assert_snapshot!(group_help(&["access-key"], &["list", "create", "rotate", "delete"]));
    }
}
