//! A trace for people: the verdict, the way there and the way back, place by place, and what to change.

use anstyle::Style;
use client::types::{LostRoute, Repair, Step, TraceAnswer, Verdict};

use super::{Flow, path};
use crate::output::{BAD, CHANGED, FAINT, GOOD, STRONG, styled};

/// Text is folded to no fewer columns than this, however narrow the terminal is.
const MIN_ROOM: usize = 30;

/// What was asked.
pub(super) struct Question<'a> {
    pub(super) from: &'a str,
    pub(super) to: &'a str,
    pub(super) flow: Flow,
}

/// The whole text for so many columns: the verdict and what it means, both ways as drawings and step by step, what to
/// change.
pub(super) fn draw(question: &Question<'_>, answer: &TraceAnswer, width: usize) -> String {
    let verdict = &answer.verdict;
    let mut text = format!("{}\n", headline(question, verdict));
    if !verdict.explanation.is_empty() {
        text.push_str(&folded("", verdict.explanation.trim_end(), width));
    }
    for (title, steps) in [("request", &answer.forward), ("reply", &answer.back)] {
        if !steps.is_empty() {
            text.push_str(&format!("\n{}\n", styled(STRONG, title)));
            text.push_str(&path::draw(steps, width));
            text.push_str(&leg(steps, width));
        }
    }
    if !verdict.repairs.is_empty() {
        text.push_str(&format!("\n{}\n", styled(STRONG, "to make it reachable")));
        text.push_str(&repairs(&verdict.repairs, 2, width));
    }
    if let Some(note) = &verdict.repair_note {
        text.push('\n');
        text.push_str(&folded("", note, width));
    }
    text
}

/// What to change, in order, so many columns in; who has to do it, where that is somebody else; what it opens besides.
pub(crate) fn repairs(repairs: &[Repair], indent: usize, width: usize) -> String {
    let blank = " ".repeat(indent);
    let mut text = String::new();
    for repair in repairs {
        if !repair.own {
            let whose =
                repair.account.as_ref().map_or("the other account".to_owned(), |name| format!("account {name}"));
            text.push_str(&format!("{blank}{}\n", styled(FAINT, format_args!("as {whose}:"))));
        }
        // Never folded: it is there to be copied.
        text.push_str(&format!("{blank}{}\n", repair.command));
        if let Some(warning) = &repair.warning {
            text.push_str(&folded(&format!("{blank}  {} ", styled(CHANGED, "warning:")), warning, width));
        }
    }
    text
}

fn headline(question: &Question<'_>, verdict: &Verdict) -> String {
    let Question { from, to, flow } = question;
    let mut line = format!("{} → {} {flow}: ", styled(STRONG, from), styled(STRONG, to));
    if verdict.reachable {
        line.push_str(&styled(GOOD.bold(), "reachable"));
        if !verdict.via.is_empty() {
            line.push_str(&format!(" via {}", verdict.via.join(", ")));
        }
        if let Some(source) = &verdict.observed_source {
            line.push_str(&format!(", seen from {source}"));
        }
        return line;
    }
    line.push_str(&styled(BAD.bold(), "not reachable"));
    if let Some(reason) = &verdict.reason {
        line.push_str(&format!(", {reason}"));
    }
    if let Some(at) = verdict.at_name.as_ref().or(verdict.at.as_ref()) {
        line.push_str(&format!(" in {at}"));
    }
    if verdict.leg.as_deref() == Some("return") {
        line.push_str(" on the way back");
    }
    line
}

/// The columns of a step.
struct Row<'a> {
    step: &'a Step,
    place: &'a str,
}

/// One way: a head for each VPC, under it a line for each step. A place is named once.
fn leg(steps: &[Step], width_of_all: usize) -> String {
    let place_width = width(steps.iter().map(|step| step.place.as_str()));
    let kind_width = width(steps.iter().map(|step| step.kind.as_str()));
    let mut text = String::new();
    let mut vpc: Option<&str> = None;
    let mut place = "";
    for step in steps {
        if step.vpc.as_deref() != vpc
            && let Some(name) = step.vpc.as_deref()
        {
            text.push_str(&format!("  {}\n", styled(Style::new().underline(), name)));
            vpc = Some(name);
            place = "";
        }
        let row = Row { step, place: if step.place == place { "" } else { &step.place } };
        place = &step.place;
        text.push_str(&line(&row, place_width, kind_width, width_of_all));
    }
    text
}

fn line(row: &Row<'_>, place_width: usize, kind_width: usize, width: usize) -> String {
    let Step { kind, detail, verdict, lost, .. } = row.step;
    let (mark, style) = match (verdict.as_deref(), kind.as_str()) {
        (Some("drop"), _) => ("✗", BAD),
        (Some(_), "peering") => ("⇄", GOOD),
        (Some(_), _) => ("✓", GOOD),
        (None, _) => ("·", FAINT),
    };
    let start = format!("  {} {}  ", styled(style, mark), pad(row.place, place_width));
    if detail.is_empty() {
        return format!("{start}{}\n", styled(FAINT, kind));
    }
    let mut text = folded(&format!("{start}{}  ", styled(FAINT, pad(kind, kind_width))), detail, width);
    let blank = " ".repeat(place_width + 6);
    for LostRoute { route, why } in lost {
        let start = format!("{blank}{}  ", styled(FAINT, pad("lost", kind_width)));
        text.push_str(&folded(&start, &format!("{route}: {why}"), width));
    }
    text
}

/// A text behind a start, in lines of so many columns, all as far in as the first. Words are kept whole.
pub(crate) fn folded(start: &str, text: &str, width: usize) -> String {
    let indent = path::columns(&anstream::adapter::strip_str(start).to_string());
    let room = width.saturating_sub(indent).max(MIN_ROOM);
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if path::columns(line) + 1 + path::columns(word) <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    let mut out = String::from(start);
    out.push_str(&lines.join(&format!("\n{}", " ".repeat(indent))));
    out.push('\n');
    out
}

fn width<'a>(texts: impl Iterator<Item = &'a str>) -> usize {
    texts.map(path::columns).max().unwrap_or_default()
}

fn pad(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(path::columns(text))))
}

#[cfg(test)]
mod tests {
    use client::types::Protocol;

    use super::*;

    fn step(place: &str, vpc: &str, kind: &str, detail: &str, verdict: Option<&str>) -> Step {
        Step {
            place: place.to_owned(),
            vpc: Some(vpc.to_owned()),
            kind: kind.to_owned(),
            detail: detail.to_owned(),
            verdict: verdict.map(str::to_owned),
            ..Step::default()
        }
    }

    fn drawn(answer: &TraceAnswer) -> String {
        let flow = Flow { protocol: Protocol::Tcp, port: Some(5432) };
        anstream::adapter::strip_str(&draw(&Question { from: "ECS-A01", to: "RDS-B01", flow }, answer, 100)).to_string()
    }

    fn forward() -> Vec<Step> {
        let pass = Some("pass");
        vec![
            step("ECS-A01", "VPC-A", "sent", "172.16.0.111 → 172.17.0.21", None),
            step("ECS-A01", "VPC-A", "source-check", "check is on", pass),
            step("rtb-VPC-A", "VPC-A", "route", "172.17.0.0/16 → Peering-AB", pass),
            step("Peering-AB", "VPC-A", "peering", "ACTIVE, to VPC-B", pass),
            step("rtb-VPC-B", "VPC-B", "route", "172.17.0.0/24 → local, subnet Subnet-B01", pass),
            step("RDS-B01", "VPC-B", "delivered", "", pass),
        ]
    }

    #[test]
    fn both_ways_are_drawn() {
        let verdict = Verdict {
            reachable: true,
            via: vec!["FW-1".to_owned()],
            observed_source: Some("172.16.0.111".to_owned()),
            explanation: "The request arrives and the reply comes back.".to_owned(),
            ..Verdict::default()
        };
        let back = vec![step("RDS-B01", "VPC-B", "sent", "172.17.0.21 → 172.16.0.111", None)];
        insta::assert_snapshot!(drawn(&TraceAnswer { verdict, forward: forward(), back }));
    }

    #[test]
    fn a_failure_says_where_why_and_what_to_change() {
        let verdict = Verdict {
            reachable: false,
            reason: Some("no_return_route".to_owned()),
            leg: Some("return".to_owned()),
            at_name: Some("VPC-B".to_owned()),
            explanation: "The request arrives, but the reply finds no route in VPC-B.".to_owned(),
            repairs: vec![
                Repair {
                    command: "causeway peering accept Peering-AB".to_owned(),
                    account: Some("acct-b".to_owned()),
                    ..Repair::default()
                },
                Repair {
                    command: "causeway route add rtb-VPC-B 172.16.0.0/24 peering Peering-AB".to_owned(),
                    own: true,
                    warning: Some("carries packets to all of 172.16.0.0/24, not only to 172.16.0.111".to_owned()),
                    ..Repair::default()
                },
            ],
            repair_note: Some("The other account has to act; ask again when it has.".to_owned()),
            ..Verdict::default()
        };
        let back = vec![
            step("RDS-B01", "VPC-B", "sent", "172.17.0.21 → 172.16.0.111", None),
            Step {
                lost: vec![LostRoute { route: "0.0.0.0/0 → ecs FW".to_owned(), why: "shorter prefix".to_owned() }],
                ..step("rtb-VPC-B", "VPC-B", "route", "no route", Some("drop"))
            },
            step("VPC-B", "VPC-B", "dropped", "no_return_route", Some("drop")),
        ];
        insta::assert_snapshot!(drawn(&TraceAnswer { verdict, forward: forward(), back }));
    }
}
