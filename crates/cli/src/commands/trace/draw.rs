//! A trace for people: the way there and the way back, place by place, then the verdict and what to change.

use anstyle::Style;
use client::types::{Step, TraceAnswer, Verdict};

use super::Flow;
use crate::output::{BAD, FAINT, GOOD, STRONG, styled};

/// What was asked.
pub(super) struct Question<'a> {
    pub(super) from: &'a str,
    pub(super) to: &'a str,
    pub(super) flow: Flow,
}

/// The whole text.
pub(super) fn draw(question: &Question<'_>, answer: &TraceAnswer) -> String {
    let verdict = &answer.verdict;
    let mut text = format!("{}\n", headline(question, verdict));
    for (title, steps) in [("request", &answer.forward), ("reply", &answer.back)] {
        if !steps.is_empty() {
            text.push_str(&format!("\n{}\n", styled(STRONG, title)));
            text.push_str(&leg(steps));
        }
    }
    if !verdict.explanation.is_empty() {
        text.push_str(&format!("\n{}\n", verdict.explanation.trim_end()));
    }
    if !verdict.fix.is_empty() {
        text.push_str(&format!("\n{}\n", styled(STRONG, "to make it reachable")));
        for fix in &verdict.fix {
            text.push_str(&format!("  {fix}\n"));
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
fn leg(steps: &[Step]) -> String {
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
        text.push_str(&line(&row, place_width, kind_width));
    }
    text
}

fn line(row: &Row<'_>, place_width: usize, kind_width: usize) -> String {
    let Step { kind, detail, verdict, .. } = row.step;
    let (mark, style) = match (verdict.as_deref(), kind.as_str()) {
        (Some("drop"), _) => ("✗", BAD),
        (Some(_), "peering") => ("⇄", GOOD),
        (Some(_), _) => ("✓", GOOD),
        (None, _) => ("·", FAINT),
    };
    let mut text = format!("  {} {}  ", styled(style, mark), pad(row.place, place_width));
    if detail.is_empty() {
        text.push_str(&styled(FAINT, kind));
    } else {
        text.push_str(&format!("{}  {detail}", styled(FAINT, pad(kind, kind_width))));
    }
    text.push('\n');
    text
}

fn width<'a>(texts: impl Iterator<Item = &'a str>) -> usize {
    texts.map(|text| text.chars().count()).max().unwrap_or_default()
}

fn pad(text: &str, width: usize) -> String {
    format!("{text:width$}")
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
        }
    }

    fn drawn(answer: &TraceAnswer) -> String {
        let flow = Flow { protocol: Protocol::Tcp, port: Some(5432) };
        anstream::adapter::strip_str(&draw(&Question { from: "ECS-A01", to: "RDS-B01", flow }, answer)).to_string()
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
            fix: vec!["causeway route add rtb-VPC-B 172.16.0.0/16 peering Peering-AB".to_owned()],
            ..Verdict::default()
        };
        let back = vec![
            step("RDS-B01", "VPC-B", "sent", "172.17.0.21 → 172.16.0.111", None),
            step("rtb-VPC-B", "VPC-B", "route", "no route", Some("drop")),
            step("VPC-B", "VPC-B", "dropped", "no_return_route", Some("drop")),
        ];
        insta::assert_snapshot!(drawn(&TraceAnswer { verdict, forward: forward(), back }));
    }
}
