//! `causeway apply`.

use std::path::PathBuf;
use std::sync::Mutex;

use clap::Args;
use serde::Serialize;
use suite::{AccountAccess, ApplyOptions, ChangeKind, ChangeLine};

use super::accounts::{Prepared, prepare, profile_of, read};
use crate::app::App;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::{BAD, CHANGED, GOOD, Printer, note, styled, warn};
use crate::progress::Progress;
use crate::session::{Session, is_about_routes_to_come};
use crate::settings::Profiles;

/// What to apply.
#[derive(Debug, Args)]
#[command(after_help = "\
The file owns what is inside the VPCs that it names: subnets, servers, route tables, routes, and the peering connections \
that they request. What is there and not in the file is deleted. VPCs that it does not name are left alone. Applying \
twice changes nothing the second time.

Accounts of the file other than yours are those of the profiles of their names; an operator makes those that are missing.

Examples:
  causeway apply -f network.yaml
  causeway apply -f network.yaml --dry-run
  causeway apply -f spec/topologies.yaml --scenario two-vpcs-ipv4
  generate | causeway apply -f -")]
pub(crate) struct ApplyArgs {
    /// The file, in the format of spec/topologies.yaml; - for the standard input
    #[arg(short, long, value_name = "FILE")]
    file: PathBuf,
    /// The scenario, if the file has several
    #[arg(long, value_name = "ID")]
    scenario: Option<String>,
    /// Only tell what would be changed
    #[arg(long)]
    dry_run: bool,
}

/// A change for programs.
#[derive(Debug, Serialize)]
struct Change {
    change: &'static str,
    what: String,
}

/// Does it.
pub(crate) async fn run(args: ApplyArgs, app: &App) -> Result<Exit> {
    let (scenario, defaults) = read(&args.file, args.scenario.as_deref())?;
    let Prepared { scenario, defaults, mut access, session } = prepare(app, scenario, defaults).await?;
    let progress = Progress::new("applying");
    let profiles = Mutex::new(app.profiles()?);
    let mut reporter = Reporter::new(app.printer, &progress);
    let mut on_account = |name: &str, made: &AccountAccess| {
        progress.above(|| note(keep(&profiles, &session, name, made)));
    };
    let mut on_change = |line: &ChangeLine| reporter.change(line);
    let mut options = ApplyOptions { dry_run: args.dry_run, on_change: &mut on_change, on_account: &mut on_account };
    let applied = suite::apply(&mut access, &scenario, &defaults, &mut options).await;
    drop(progress);
    // The file has the routes too, or means to have none.
    session.client.take_warnings().iter().filter(|text| !is_about_routes_to_come(text)).for_each(warn);
    match applied {
        Ok(applied) => summary(app.printer, &applied.changes, args.dry_run)?,
        Err(error) => {
            let failure = Failure::from(error);
            let hint = "what was done before stays; apply again to go on from there";
            return Err(if failure.hint.is_none() { failure.hint(hint) } else { failure });
        }
    }
    Ok(Exit::Done)
}

/// Keeps the key of an account that was made; what to tell about it.
fn keep(profiles: &Mutex<Profiles>, session: &Session, name: &str, made: &AccountAccess) -> String {
    let mut profiles = profiles.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    match profiles.store(name, profile_of(session, made)) {
        Ok(saved) => format!("made account {name}; its key is profile `{}` in {}", saved.name, saved.path.display()),
        Err(failure) => format!("made account {name}, but its key could not be kept: {}", failure.message),
    }
}

/// Prints changes as they are made.
pub(crate) struct Reporter<'a> {
    printer: Printer,
    progress: &'a Progress,
}

impl<'a> Reporter<'a> {
    pub(crate) fn new(printer: Printer, progress: &'a Progress) -> Self {
        Self { printer, progress }
    }

    pub(crate) fn change(&mut self, line: &ChangeLine) {
        let style = match line.kind {
            ChangeKind::Create => GOOD,
            ChangeKind::Update => CHANGED,
            ChangeKind::Delete => BAD,
        };
        self.progress.say(&line.text);
        // Output that cannot be written must not leave the work half done; the summary reports it again.
        let _ = self.progress.above(|| self.printer.line(styled(style, line)));
    }
}

/// The last line for people, all changes for programs.
pub(crate) fn summary(printer: Printer, changes: &[ChangeLine], dry_run: bool) -> Result<()> {
    if !printer.for_people() {
        let changes: Vec<Change> = changes
            .iter()
            .map(|line| Change {
                change: match line.kind {
                    ChangeKind::Create => "create",
                    ChangeKind::Update => "update",
                    ChangeKind::Delete => "delete",
                },
                what: line.text.clone(),
            })
            .collect();
        return printer.data(&changes);
    }
    printer.line(sentence(changes, dry_run))
}

fn sentence(changes: &[ChangeLine], dry_run: bool) -> String {
    if changes.is_empty() {
        return "nothing to change".to_owned();
    }
    let parts: Vec<String> =
        [(ChangeKind::Create, "created"), (ChangeKind::Update, "changed"), (ChangeKind::Delete, "deleted")]
            .into_iter()
            .map(|(kind, verb)| (changes.iter().filter(|line| line.kind == kind).count(), verb))
            .filter(|(count, _)| *count > 0)
            .map(|(count, verb)| format!("{count} {verb}"))
            .collect();
    if dry_run { format!("would be: {}; nothing was changed", parts.join(", ")) } else { parts.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn help() {
        insta::assert_snapshot!(testing::help(&["apply"]));
    }

    #[test]
    fn the_summary_counts() {
        let line = |kind| ChangeLine { kind, text: "vpc a".to_owned() };
        assert_eq!(sentence(&[], false), "nothing to change");
        let all = [line(ChangeKind::Delete), line(ChangeKind::Create), line(ChangeKind::Create)];
        assert_eq!(sentence(&all, false), "2 created, 1 deleted");
        assert_eq!(sentence(&all[..1], true), "would be: 1 deleted; nothing was changed");
    }
}
