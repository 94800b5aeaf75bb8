//! The topology suite, as far as it has VPCs, subnets, peerings, route tables, security groups, accounts, regions and
//! edge sites: what the tracer says must be what the suite expects.
//!
//! Statements are those of [`compiler::fixture`]; a line `? FROM -> TO PROTO[/PORT]: EXPECTED` asks a question, in the
//! state that the lines above it made. `EXPECTED` is `ok`, or `[return] REASON [at VPC]`, then checks such as
//! `source=ADDRESS`, `via=SERVER,…`.
#![allow(clippy::unwrap_used, reason = "a mistake in the text is a failed test")]

mod documented;
mod special;

use compiler::fixture::Fixture;
use model::{Protocol, VpcId};
use sim::trace::{Leg, Question, Target, Trace, Tracer};

/// Runs statements and questions.
fn scenario(text: &str) {
    let mut fixture = Fixture::default();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        match line.strip_prefix("? ") {
            Some(question) => check(&fixture, question),
            None => fixture.run(line),
        }
    }
}

fn check(fixture: &Fixture, line: &str) {
    let (asked, expected) = line.split_once(": ").unwrap();
    let trace = ask(fixture, asked);
    let mut words: Vec<&str> = expected.split(' ').collect();
    let checks: Vec<&str> = words.extract_if(.., |word| word.contains('=')).collect();
    let verdict = &trace.verdict;
    let leg = if verdict.leg == Leg::Return { "return " } else { "" };
    let at = verdict.at.map(|vpc| format!(" at {}", name(fixture, vpc))).unwrap_or_default();
    let got = match verdict.reason {
        None if verdict.reachable => "ok".to_owned(),
        None => "lost".to_owned(),
        Some(reason) => format!("{leg}{}{at}", reason.code()),
    };
    assert_eq!(got, words.join(" "), "{asked}\n{trace:#?}");
    let names = |servers: &[model::ServerId]| -> String {
        let names: Vec<_> = servers.iter().map(|id| fixture.catalog.server(*id).unwrap().name.clone()).collect();
        names.join(",")
    };
    for check in checks {
        let (what, expected) = check.split_once('=').unwrap();
        let got = match what {
            "source" => verdict.observed_source.unwrap().to_string(),
            "via" => names(&verdict.via),
            "return_via" => names(&verdict.return_via),
            "delivered_to" => names(&[verdict.delivered_to.unwrap()]),
            _ => panic!("{what} is nothing to check"),
        };
        assert_eq!(got, expected, "{what} of {asked}");
    }
}

fn ask(fixture: &Fixture, asked: &str) -> Trace {
    let [from, "->", to, service] = asked.split(' ').collect::<Vec<_>>()[..] else {
        panic!("`{asked}` is no question")
    };
    let (protocol, port) = service.split_once('/').unwrap_or((service, "0"));
    let question = Question {
        from: fixture.server(from),
        to: match to.parse() {
            Ok(ip) => Target::Address { ip, intended: None, to_vpc: None },
            Err(_) => Target::Server(fixture.server(to)),
        },
        protocol: match protocol {
            "icmp" => Protocol::ICMP,
            "tcp" => Protocol::TCP,
            _ => Protocol::UDP,
        },
        port: port.parse().unwrap(),
    };
    let trace = Tracer::for_questions(&fixture.catalog, [&question]).ask(&question).unwrap();
    assert_eq!(trace, Tracer::new(&fixture.catalog).ask(&question).unwrap(), "what is left out does not matter");
    trace
}

fn name(fixture: &Fixture, vpc: VpcId) -> String {
    fixture.catalog.vpc(vpc).unwrap().name.clone()
}
