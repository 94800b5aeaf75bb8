//! `causeway down`.

use std::io::{self, BufRead, IsTerminal};
use std::path::{Path, PathBuf};

use clap::Args;
use server::Credentials;
use suite::{Access, AccountAccess, ApplyOptions, ChangeLine, remove, remove_all};

use super::accounts::{Prepared, prepare, read};
use super::apply::{Reporter, summary};
use crate::app::{App, environment, is_root};
use crate::exit::Exit;
use crate::failure::{Failure, Result, chain};
use crate::output::{STRONG, note, styled};
use crate::progress::Progress;
use crate::session::Session;
use crate::settings::answers;

/// What to delete.
#[derive(Debug, Args)]
#[command(after_help = "\
With a file: the VPCs that it names with all that is in them, and the security groups that it names. Without one: all \
servers, peering connections, routes, subnets, VPCs and security groups of your account, in all regions. Accounts stay.

With --leftovers: what a server that no longer runs left on this machine so that packets keep flowing, namespaces, links, \
programs and maps; a server that is started with the same folder makes them again.

Examples:
  causeway down -f network.yaml
  causeway down --yes
  causeway down --leftovers --data /var/lib/causeway")]
pub(crate) struct DownArgs {
    /// The file that was applied; - for the standard input
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// The scenario, if the file has several
    #[arg(long, value_name = "ID", requires = "file")]
    scenario: Option<String>,
    /// Only tell what would be deleted
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    /// Take away what a server that no longer runs left on this machine
    #[arg(long, conflicts_with_all = ["file", "dry_run"])]
    leftovers: bool,
    /// The folder of that server
    #[arg(long, value_name = "DIR", env = "CAUSEWAY_DATA", hide_env_values = true)]
    data: Option<PathBuf>,
}

/// Does it.
pub(crate) async fn run(args: DownArgs, app: &App) -> Result<Exit> {
    if args.leftovers {
        let data = args.data.unwrap_or_else(|| server::default_data(is_root(), &environment));
        return leftovers(&data, app).await;
    }
    let changes = match &args.file {
        Some(file) => {
            let (scenario, defaults) = read(file, args.scenario.as_deref())?;
            let Prepared { scenario, defaults, mut access, session: _session } =
                prepare(app, scenario, defaults).await?;
            let progress = Progress::new("deleting");
            let mut reporter = Reporter::new(app.printer, &progress);
            let mut on_change = |line: &ChangeLine| reporter.change(line);
            let mut options = options(args.dry_run, &mut on_change);
            remove(&mut access, &scenario, &defaults, &mut options).await?
        }
        None => {
            let profiles = app.profiles()?;
            let settings = app.settings(&profiles)?;
            let session = Session::open(&settings).await?;
            let status = session.client.status().await?;
            if !args.yes && !args.dry_run && !confirmed(&status.account.name, &session.endpoint)? {
                note("nothing was deleted");
                return Ok(Exit::No);
            }
            let (_, key) = settings.required()?;
            let projects = session.projects().await?;
            let regions: Vec<String> = projects.iter().map(|(region, _)| region.clone()).collect();
            let mut access = Access::new(session.client.clone(), false);
            let own = AccountAccess {
                access_key: key.value.access.clone(),
                secret_key: key.value.secret.clone(),
                projects: projects.into_iter().collect(),
            };
            access.add(&status.account.name, own);
            let progress = Progress::new("deleting");
            let mut reporter = Reporter::new(app.printer, &progress);
            let mut on_change = |line: &ChangeLine| reporter.change(line);
            let mut options = options(args.dry_run, &mut on_change);
            remove_all(&mut access, &status.account.name, &regions, &mut options).await?
        }
    };
    summary(app.printer, &changes, args.dry_run)?;
    Ok(Exit::Done)
}

async fn leftovers(data: &Path, app: &App) -> Result<Exit> {
    if !data.is_dir() {
        return Err(Failure::not_found(format!("there is no folder {}", data.display())));
    }
    if let Ok(Some(credentials)) = Credentials::read(data)
        && answers(&credentials.endpoint)
    {
        return Err(Failure::refused(format!(
            "the server of {} still runs at {}",
            data.display(),
            credentials.endpoint
        ))
        .hint("stop it first, with Ctrl-C or SIGTERM"));
    }
    if !is_root() {
        return Err(
            Failure::forbidden("only root can take namespaces and programs away").hint("run it again with sudo")
        );
    }
    let progress = Progress::new("taking everything away");
    let removed = server::remove_leftovers(data).await;
    drop(progress);
    removed.map_err(|error| Failure::internal(chain(&error)))?;
    app.printer.line(format_args!("nothing of {} is left on this machine but the folder itself", data.display()))?;
    Ok(Exit::Done)
}

fn options<'a>(dry_run: bool, on_change: &'a mut (dyn FnMut(&ChangeLine) + Send)) -> ApplyOptions<'a> {
    // Deleting makes no accounts.
    ApplyOptions { dry_run, on_change, on_account: Box::leak(Box::new(|_: &str, _: &AccountAccess| {})) }
}

/// Asks on a terminal; without one the answer has to be on the command line.
fn confirmed(account: &str, endpoint: &str) -> Result<bool> {
    if !io::stdin().is_terminal() {
        return Err(Failure::usage(format!("this deletes everything of account {account}; say --yes to do it")));
    }
    note(format_args!("This deletes everything of account {} at {endpoint}.", styled(STRONG, account)));
    note(format_args!("Type the account's name to go on:"));
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).map_err(|error| Failure::internal(format!("cannot read: {error}")))?;
    Ok(answer.trim() == account)
}

#[cfg(test)]
mod tests {
    use crate::testing;

    #[test]
    fn help() {
        insta::assert_snapshot!(testing::help(&["down"]));
    }
}
