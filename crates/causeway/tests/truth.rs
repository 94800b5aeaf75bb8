//! What the tracer says is what real packets do, over random topologies with everything in them.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failure here is the failure of the test")]

mod common;

use std::collections::BTreeMap;
use std::time::UNIX_EPOCH;

use client::Client;
use client::types::{ProbeAnswer, ProbeRequest, Target, TraceRequest, Verdict};
use common::random::{Question, Random, Topology, questions, topology};
use common::{TestServer, kernel_or_skip};
use futures_util::{StreamExt as _, stream};
use suite::Applied;

/// Topologies, one after the other on servers of their own, and questions about each.
const TOPOLOGIES: usize = 5;
const QUESTIONS: usize = 210;
/// Fewer pairs in all would prove too little.
const ENOUGH: usize = 1000;

/// Probes under way at once.
const PARALLEL: usize = 24;
/// How long to wait for a packet that should not come, and for one that is late, in milliseconds.
const SHORT_MS: u64 = 300;
const LONG_MS: u64 = 1500;
/// How often packets are sent at most while they do less than the tracer says.
const TRIES: usize = 4;

/// DIAG-1, DIAG-2, RT-13, V6-5: over random dual-stack topologies with overlapping ranges, custom tables, groups,
/// network ACLs, virtual IPs, forwarding instances and stopped servers, each question's request arrives exactly where
/// the tracer says, and its reply comes back exactly when the tracer says.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_tracer_says_is_what_arrives() {
    if !kernel_or_skip("what_the_tracer_says_is_what_arrives") {
        return;
    }
    let soak = std::env::var_os("CAUSEWAY_SOAK").is_some();
    let seed = std::env::var("CAUSEWAY_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(|| u64::from(std::process::id()) ^ UNIX_EPOCH.elapsed().map_or(1, |time| time.as_secs()));
    let mut random = Random::new(seed);
    let mut seen = BTreeMap::new();
    let mut wrong = Vec::new();
    for number in 0..if soak { 20 * TOPOLOGIES } else { TOPOLOGIES } {
        let topology = topology(&mut random);
        let questions = questions(&mut random, &topology, QUESTIONS);
        let server = TestServer::start("kernel");
        let applied = apply(&server, &topology).await;
        let operator = server.client();
        let answers: Vec<_> = stream::iter(&questions)
            .map(|question| ask(&operator, &applied, question))
            .buffer_unordered(PARALLEL)
            .collect()
            .await;
        for (question, verdict, disagreement) in answers {
            let kind = (question.to.is_ipv6(), verdict.reason.clone().unwrap_or_default(), verdict.leg.clone());
            *seen.entry(kind).or_insert(0) += 1;
            if let Some(measured) = disagreement {
                wrong.push(format!("topology {number}: {question:?}\n  traced {verdict:?}\n  measured {measured:?}"));
            }
        }
        assert!(wrong.is_empty(), "CAUSEWAY_SEED={seed}:\n{}\n{}", wrong.join("\n"), topology.yaml);
    }
    println!("CAUSEWAY_SEED={seed}: {seen:?}");
    let pairs: usize = seen.values().sum();
    assert!(pairs >= ENOUGH, "only {pairs} pairs");
    for version_6 in [false, true] {
        let reachable = seen.get(&(version_6, String::new(), None)).copied().unwrap_or_default();
        assert!(reachable >= 20, "only {reachable} pairs reach each other, IPv6: {version_6}; {seen:?}");
    }
    assert!(seen.len() >= 15, "too few kinds of answers to prove anything: {seen:?}");
}

async fn apply(server: &TestServer, topology: &Topology) -> Applied {
    let (access, applied) = server.apply(&common::topology(&topology.yaml)).await;
    for stopped in topology.workloads.iter().filter(|workload| workload.stopped) {
        let placed = &applied.servers[&stopped.name];
        access.client(&placed.account, &placed.region).unwrap().stop_server(&placed.id).await.unwrap();
    }
    applied
}

/// The tracer's verdict, and what was measured where packets do something else.
async fn ask<'a>(
    client: &Client,
    applied: &Applied,
    question: &'a Question,
) -> (&'a Question, Verdict, Option<ProbeAnswer>) {
    let id = |name: &String| applied.servers[name].id.clone();
    let intended = question.intended.as_ref().map(id);
    let to = Target::Address { address: question.to.to_string(), intended, to_vpc: None };
    let (from, protocol, port) = (id(&question.from), question.protocol, question.port);
    let request = TraceRequest { from: from.clone(), to: to.clone(), protocol, port };
    let verdict = client.trace(&request).await.unwrap().verdict;
    // Somebody has to listen, also where nobody in particular is meant.
    let to = match (to, &verdict.delivered_to) {
        (Target::Address { address, intended: None, to_vpc }, Some(receiver)) => {
            Target::Address { address, intended: Some(receiver.clone()), to_vpc }
        }
        (to, _) => to,
    };
    let watched = !matches!(to, Target::Address { intended: None, .. });
    let timeout_ms = Some(if verdict.reachable { LONG_MS } else { SHORT_MS });
    let mut probe = ProbeRequest { from, to, protocol, port, timeout_ms };
    let mut measured = ProbeAnswer::default();
    for _ in 0..TRIES {
        measured = client.probe(&probe).await.unwrap();
        match agrees(watched, &verdict, &measured) {
            Agreement::Yes => return (question, verdict, None),
            Agreement::No => break,
            Agreement::TooLittle => probe.timeout_ms = Some(LONG_MS),
        }
    }
    (question, verdict, Some(measured))
}

/// Whether packets did what the tracer says.
enum Agreement {
    Yes,
    /// They did more: one arrived that cannot.
    No,
    /// They did less, as on a machine that is too busy.
    TooLittle,
}

fn agrees(watched: bool, verdict: &Verdict, measured: &ProbeAnswer) -> Agreement {
    let arrives = verdict.reachable || verdict.leg.as_deref() == Some("return");
    // Who gets a packet is only seen of a server that is watched.
    let arrived = if watched { measured.delivered } else { arrives };
    match (arrived == arrives, measured.replied == verdict.reachable) {
        (true, true) => Agreement::Yes,
        _ if measured.replied && !verdict.reachable || arrived && !arrives => Agreement::No,
        _ => Agreement::TooLittle,
    }
}
