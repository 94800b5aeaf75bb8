//! `causeway check`.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::Args;
use client::{Client, ClientConfig};
use server::{DatapathChoice, FileConfig, RegionConfig, ServerOptions, kernel_supported};
use suite::Document;
use suite::check::{BoxFuture, CheckError, CheckOptions, Item, Place, Progress as Event, Report, Stage, Staged, check};

use crate::app::App;
use crate::exit::Exit;
use crate::failure::{Failure, Result, chain};
use crate::output::{BAD, CHANGED, GOOD, Printer, STRONG, note, styled};
use crate::progress::Progress;

/// What to check.
#[derive(Debug, Args)]
#[command(after_help = "\
Each scenario is applied to a server of its own, which is started for it and removed afterwards. With the kernel data \
plane every question is asked of the tracer and of real packets, and both must say what the file expects; with the \
simulator of the tracer alone. Scenarios that need what there is not yet are reported as unsupported and count as not \
passed. The exit code is 0 only if everything passed.

Examples:
  causeway check spec/topologies.yaml
  causeway check spec/topologies.yaml --scenario two-vpcs-ipv4 --datapath kernel
  causeway check mine.yaml --datapath sim -o json")]
pub(crate) struct CheckArgs {
    /// The file, in the format of spec/topologies.yaml
    file: PathBuf,
    /// What forwards packets: kernel, sim, or auto for the kernel where it can
    #[arg(long, value_name = "KIND", default_value_t)]
    datapath: DatapathChoice,
    /// Only this scenario; may be given several times
    #[arg(long, value_name = "ID")]
    scenario: Vec<String>,
}

/// Does it.
pub(crate) async fn run(args: CheckArgs, app: &App) -> Result<Exit> {
    let path = args.file.display().to_string();
    let document = Document::read(&args.file)?;
    let scenarios = document.select(&args.scenario, &path)?;
    let measure = match (args.datapath, kernel_supported()) {
        (DatapathChoice::Sim, _) => false,
        (DatapathChoice::Auto | DatapathChoice::Kernel, Ok(())) => true,
        (DatapathChoice::Kernel, Err(missing)) => {
            return Err(Failure::refused(format!("the kernel data plane cannot run here: {missing}"))
                .hint("--datapath sim checks without packets"));
        }
        (DatapathChoice::Auto, Err(missing)) => {
            note(format_args!("checking with the simulator, without packets, because {missing}"));
            false
        }
    };
    let folder = tempfile::Builder::new()
        .prefix("causeway-check-")
        .tempdir()
        .map_err(|error| Failure::internal(format!("cannot make a temporary folder: {error}")))?;
    let datapath = if measure { DatapathChoice::Kernel } else { DatapathChoice::Sim };
    let stage = InProcess { folder: folder.path().to_owned(), datapath };

    let progress = Progress::new("checking");
    let mut teller = Teller::new(app.printer, &progress);
    let mut on_progress = |event: Event<'_>| teller.tell(event);
    let mut options = CheckOptions {
        measure,
        on_progress: &mut on_progress,
        interrupt: Box::pin(async {
            // Without signals it cannot be interrupted gracefully; that is no reason to end at once.
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        }),
    };
    let report = check(&stage, &scenarios, &document.defaults, &mut options).await;
    drop(options);
    if report.is_ok() {
        teller.end_scenario();
    }
    drop(progress);
    let report = report.map_err(failure)?;
    if app.printer.for_people() {
        app.printer.line(summary(&report))?
    } else {
        app.printer.data(&report)?
    }
    Ok(if report.passed() { Exit::Done } else { Exit::No })
}

fn failure(error: CheckError) -> Failure {
    let message = chain(&error);
    match error {
        CheckError::Document { .. } => Failure::usage(message),
        CheckError::Start { .. } | CheckError::Stop { .. } => Failure::internal(message),
        CheckError::Interrupted => Failure { exit: Exit::No, message, hint: None },
    }
}

/// Starts servers in this process.
struct InProcess {
    folder: PathBuf,
    datapath: DatapathChoice,
}

impl Stage for InProcess {
    fn start<'a>(&'a self, place: &'a Place) -> BoxFuture<'a, Result<Staged, String>> {
        Box::pin(async move {
            let data = tempfile::tempdir_in(&self.folder).map_err(|error| error.to_string())?;
            let config = FileConfig {
                regions: place
                    .regions
                    .iter()
                    .map(|(id, edge_sites)| RegionConfig {
                        id: id.clone(),
                        availability_zones: vec![format!("{id}a")],
                        edge_sites: edge_sites.iter().cloned().collect(),
                    })
                    .collect(),
                ..FileConfig::default()
            };
            let options = ServerOptions {
                data: data.path().to_owned(),
                listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
                tls: None,
                datapath: self.datapath,
                config,
            };
            let running = server::start(options).await.map_err(|error| chain(&error))?;
            let credentials = running.credentials();
            let operator = Client::new(ClientConfig {
                endpoint: running.endpoint().to_owned(),
                access_key: credentials.access_key.clone(),
                secret_key: credentials.secret_key.clone(),
                ..ClientConfig::default()
            });
            match operator {
                Ok(operator) => Ok(Staged {
                    operator,
                    stop: Box::pin(async move {
                        let stopped = running.stop_and_remove().await.map_err(|error| chain(&error));
                        drop(data);
                        stopped
                    }),
                }),
                Err(error) => {
                    let _ = running.stop_and_remove().await;
                    Err(chain(&error))
                }
            }
        })
    }
}

/// Tells people what happens: a line for each scenario, below it what differs.
struct Teller<'a> {
    printer: Printer,
    progress: &'a Progress,
    scenario: Option<String>,
    items: Vec<Item>,
}

impl<'a> Teller<'a> {
    fn new(printer: Printer, progress: &'a Progress) -> Self {
        Self { printer, progress, scenario: None, items: Vec::new() }
    }

    fn tell(&mut self, event: Event<'_>) {
        match event {
            Event::Scenario(scenario, count) => {
                self.end_scenario();
                self.progress.say(format_args!("{} ({count} items)", scenario.id));
                self.scenario = Some(scenario.id.clone());
            }
            Event::Item(item) => self.items.push(item.clone()),
        }
    }

    fn end_scenario(&mut self) {
        let items = std::mem::take(&mut self.items);
        if let Some(scenario) = self.scenario.take() {
            let text = told(&scenario, &items);
            // What cannot be written now is in the summary's exit code.
            let _ = self.progress.above(|| self.printer.line(text));
        }
    }
}

fn told(scenario: &str, items: &[Item]) -> String {
    let passed = items.iter().filter(|item| item.pass).count();
    if let Some(what) = items.iter().find_map(|item| item.got.unsupported.as_ref()) {
        return format!("{} {scenario}  unsupported: needs {what} ({} items)", styled(CHANGED, "-"), items.len());
    }
    if passed == items.len() {
        return format!("{} {scenario}  {passed} passed", styled(GOOD, "✓"));
    }
    let mut text = format!("{} {scenario}  {} of {} differ", styled(BAD, "✗"), items.len() - passed, items.len());
    for item in items.iter().filter(|item| !item.pass) {
        text.push_str(&format!("\n    {item}"));
    }
    text
}

fn summary(report: &Report) -> String {
    let (passed, differed, unsupported) = report.counts();
    let verdict = if report.passed() { styled(GOOD.bold(), "passed") } else { styled(BAD.bold(), "not passed") };
    let mut parts = vec![format!("{passed} items passed")];
    if differed > 0 {
        parts.push(format!("{differed} differed"));
    }
    if unsupported > 0 {
        parts.push(format!("{unsupported} unsupported"));
    }
    format!("{verdict}: {}", styled(STRONG, parts.join(", ")))
}

#[cfg(test)]
mod tests {
    use suite::check::{ItemKind, Outcome, Subject};

    use super::*;
    use crate::testing;

    #[test]
    fn help() {
        insta::assert_snapshot!(testing::help(&["check"]));
    }

    fn item(pass: bool, unsupported: Option<&str>) -> Item {
        let reachable = |reachable, reason: Option<&str>| Outcome {
            reachable: Some(reachable),
            reason: reason.map(str::to_owned),
            unsupported: unsupported.map(str::to_owned),
            ..Outcome::default()
        };
        Item {
            scenario: "s".to_owned(),
            kind: ItemKind::Expect,
            step: None,
            subject: Subject::Packet {
                from: "a".to_owned(),
                to: "b".to_owned(),
                proto: "icmp".to_owned(),
                port: None,
                family: None,
            },
            expected: reachable(true, None),
            got: if pass { reachable(true, None) } else { reachable(false, Some("no_route")) },
            pass,
        }
    }

    #[test]
    fn scenarios_are_told_with_what_differs() {
        let plain = |text: String| anstream::adapter::strip_str(&text).to_string();
        assert_eq!(plain(told("s", &[item(true, None)])), "✓ s  1 passed");
        let text = plain(told("s", &[item(true, None), item(false, None)]));
        assert!(text.starts_with("✗ s  1 of 2 differ\n    s: a → b icmp\n"), "{text}");
        assert!(text.contains("got       not reachable: no_route"), "{text}");
        let text = plain(told("s", &[item(false, Some("NAT gateways"))]));
        assert_eq!(text, "- s  unsupported: needs NAT gateways (1 items)");
        let report = Report { items: vec![item(true, None), item(false, Some("x"))] };
        assert_eq!(plain(summary(&report)), "not passed: 1 items passed, 1 unsupported");
    }
}
