//! `causeway doctor`.

use clap::Args;
use client::types::{Diagnosis, Finding};

use super::trace::{folded, repairs};
use crate::app::App;
use crate::exit::Exit;
use crate::failure::Result;
use crate::output::{BAD, CHANGED, FAINT, GOOD, STRONG, styled};
use crate::progress::Progress;

/// What to examine.
#[derive(Debug, Args)]
#[command(after_help = "\
The exit code is 0 if there is no problem that you can see, else 1.
What is the other account's business is shown as unknown.

Examples:
  causeway doctor Peering-AB
  causeway doctor Peering-AB -o json
  causeway --profile acct-b doctor Peering-AC")]
pub(crate) struct DoctorArgs {
    /// The peering connection: name or id
    peering: String,
}

/// Does it.
pub(crate) async fn run(args: DoctorArgs, app: &App) -> Result<Exit> {
    let session = app.session().await?;
    let peering = session.peering(&args.peering, None).await?;
    let progress = Progress::new("examining");
    let diagnosis = session.client.examine_peering(&peering.id).await?;
    drop(progress);
    let printer = app.printer;
    printer.one(&diagnosis, || printer.drawing(text(&diagnosis, printer.width())))?;
    Ok(if diagnosis.healthy { Exit::Done } else { Exit::No })
}

/// The checklist for people, for so many columns.
fn text(diagnosis: &Diagnosis, width: usize) -> String {
    let count = |finding: &str| diagnosis.items.iter().filter(|item| item.finding == finding).count();
    let (problems, unknown) = (count("problem"), count("unknown"));
    let verdict = match problems {
        0 => styled(GOOD.bold(), "no problem found"),
        1 => styled(BAD.bold(), "1 problem"),
        many => styled(BAD.bold(), format_args!("{many} problems")),
    };
    let mut out = format!("{} {}: {verdict}", styled(STRONG, &diagnosis.name), diagnosis.status);
    if unknown > 0 {
        out.push_str(&format!(", {unknown} not ours to see"));
    }
    out.push_str("\n\n");
    let columns = diagnosis.items.iter().map(|item| label(item).chars().count()).max().unwrap_or_default();
    for item in &diagnosis.items {
        let (mark, style) = match item.finding.as_str() {
            "ok" => ("✓", GOOD),
            "problem" => ("✗", BAD),
            _ => ("?", CHANGED),
        };
        let start = format!("{} {}  ", styled(style, mark), styled(FAINT, format_args!("{:columns$}", label(item))));
        out.push_str(&folded(&start, &item.text, width));
        out.push_str(&repairs(&item.repairs, columns + 4, width));
    }
    out
}

/// What was looked at, and on whose side.
fn label(item: &Finding) -> String {
    match item.side.as_str() {
        "this" => format!("{} (this side)", item.check),
        "other" => format!("{} (other side)", item.check),
        _ => item.check.clone(),
    }
}

#[cfg(test)]
mod tests {
    use client::types::Repair;

    use super::*;
    use crate::testing;

    #[test]
    fn help() {
        insta::assert_snapshot!(testing::help(&["doctor"]));
    }

    #[test]
    fn the_checklist_tells_what_is_wrong_and_what_to_do() {
        let item = |check: &str, side: &str, finding: &str, text: &str| Finding {
            check: check.to_owned(),
            side: side.to_owned(),
            finding: finding.to_owned(),
            text: text.to_owned(),
            repairs: Vec::new(),
        };
        let missing = Repair {
            command: "causeway route add rtb-VPC-A 172.17.0.0/16 peering Peering-AB".to_owned(),
            own: true,
            ..Repair::default()
        };
        let opened = Repair {
            command: "causeway security-group rule add sg-db ingress --remote 172.17.0.0/16".to_owned(),
            own: true,
            warning: Some("allows every protocol and port; narrow it with a protocol and --port".to_owned()),
            ..Repair::default()
        };
        let diagnosis = Diagnosis {
            peering: String::new(),
            name: "Peering-AB".to_owned(),
            status: "ACTIVE".to_owned(),
            healthy: false,
            items: vec![
                item("state", "both", "ok", "The peering Peering-AB is accepted."),
                Finding {
                    repairs: vec![missing],
                    ..item(
                        "routes",
                        "this",
                        "problem",
                        "Route table rtb-VPC-A (the default table, used by Subnet-A01) has no route to the peering \
                         Peering-AB: packets from these subnets find no way.",
                    )
                },
                item("routes", "other", "unknown", "Whether the peer VPC has routes back is its owner's to see."),
                Finding {
                    repairs: vec![opened],
                    ..item(
                        "security-groups",
                        "this",
                        "problem",
                        "The security groups of RDS-A01 let nothing in from the peer.",
                    )
                },
            ],
        };
        insta::assert_snapshot!(anstream::adapter::strip_str(&text(&diagnosis, 100)).to_string());
    }
}
