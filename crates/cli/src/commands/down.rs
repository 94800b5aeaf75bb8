//! `causeway down`.

use std::io::{self, BufRead, IsTerminal};
use std::path::PathBuf;

use clap::Args;
use suite::{Access, AccountAccess, ApplyOptions, ChangeLine, remove, remove_all};

use super::accounts::{Prepared, prepare, read};
use super::apply::{Reporter, summary};
use crate::app::App;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::{note, styled, STRONG};
use crate::progress::Progress;
use crate::session::Session;

/// What to delete.
#[derive(Debug, Args)]
#[command(after_help = "\
With a file: the VPCs that it names with all that is in them, and the security groups that it names. Without one: all \
servers, peering connections, routes, subnets, VPCs and security groups of your account, in all regions. Accounts stay.

Examples:
  causeway down -f network.yaml
  causeway down --yes")]
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
}

/// Does it.
pub(crate) async fn run(args: DownArgs, app: &App) -> Result<Exit> {
    let changes = match &args.file {
        Some(file) => {
            let (scenario, defaults) = read(file, args.scenario.as_deref())?;
            let Prepared { scenario, defaults, mut access, session: _session } = prepare(app, scenario, defaults).await?;
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
