//! Asking: what the tracer says of a packet, and what becomes of one that is sent.

use client::types::{ProbeRequest, Target, TraceRequest};
use client::{Error, Result};
use futures_util::{StreamExt, stream};

use super::compare::{Agreement, expected, measurement_agrees, traced, verdict_agrees};
use super::item::{Item, ItemKind, Measurement, Outcome, Subject};
use super::live::Live;
use super::question::{Question, To};

/// So many questions are under way at once.
const PARALLEL: usize = 16;
/// How long to wait for a reply that should not come, in milliseconds.
const SHORT_MS: u64 = 300;
/// How long to wait for a reply that should come, and for any the second time.
const LONG_MS: u64 = 1000;
/// So often packets are sent at most when fewer arrive than should.
const TRIES: u32 = 3;

/// Asks a list of questions; reports each answer when it and those before it are there.
pub(super) async fn ask(
    live: &Live<'_>,
    scenario: &str,
    step: Option<usize>,
    questions: &[Question<'_>],
    measure: bool,
    on_item: &mut (dyn FnMut(Item) + Send),
) {
    let mut answers = stream::iter(questions)
        .map(|question| async move { (question, answer(live, question, measure).await) })
        .buffered(PARALLEL);
    while let Some((question, (got, pass))) = answers.next().await {
        on_item(item(scenario, step, question.expect, got, pass));
    }
}

/// The item of an expectation.
pub(super) fn item(
    scenario: &str,
    step: Option<usize>,
    expect: &crate::document::Expect,
    got: Outcome,
    pass: bool,
) -> Item {
    Item {
        scenario: scenario.to_owned(),
        kind: ItemKind::Expect,
        step,
        subject: Subject::Packet {
            from: expect.from.clone(),
            to: expect.to.clone(),
            proto: expect.proto.clone(),
            port: expect.port,
            family: expect.family,
        },
        expected: expected(expect),
        got,
        pass,
    }
}

/// What there is, and whether it is as expected.
async fn answer(live: &Live<'_>, question: &Question<'_>, measure: bool) -> (Outcome, bool) {
    match try_answer(live, question, measure).await {
        Ok(answer) => answer,
        Err(error) => {
            let code = error.cause().or(error.code()).map(str::to_owned);
            let text = error.to_string();
            let outcome = Outcome { error: Some(code.unwrap_or_else(|| text.clone())), ..Outcome::default() };
            (Outcome { message: Some(text).filter(|text| outcome.error.as_ref() != Some(text)), ..outcome }, false)
        }
    }
}

async fn try_answer(live: &Live<'_>, question: &Question<'_>, measure: bool) -> Result<(Outcome, bool)> {
    let (expect, protocol) = (question.expect, question.protocol);
    let server = |name: &str| live.applied.servers.get(name).map(|placed| placed.id.clone());
    let Some(from) = server(&expect.from) else {
        return Err(Error::Invalid(format!("{} was deleted", expect.from)));
    };
    let (to, intended) = match question.to {
        To::Workload(name) => match (server(name), live.gone.get(name)) {
            (Some(id), _) if expect.family == Some(6) => (Target::server_v6(&id), Some((id, name))),
            (Some(id), _) => (Target::server(&id), Some((id, name))),
            (None, Some(gone)) => {
                let address = gone.address(expect.family);
                let address = address.ok_or_else(|| Error::Invalid(format!("{name} had no IPv6 address")))?.to_owned();
                (Target::Address { address, intended: None, to_vpc: Some(gone.vpc.clone()) }, None)
            }
            (None, None) => return Err(Error::Invalid(format!("{name} is not there"))),
        },
        To::Address { address, intended, to_vpc } => {
            let intended = intended.and_then(|name| Some((server(name)?, name)));
            let to = Target::Address {
                address: address.to_string(),
                intended: intended.as_ref().map(|(id, _)| id.clone()),
                to_vpc: to_vpc.and_then(|name| live.applied.vpcs.get(name)).map(|placed| placed.id.clone()),
            };
            (to, intended)
        }
        To::Vip(name) => {
            let (address, vpc, holder) = live.vip(name).await?;
            // Packets are to arrive where the document says, else where the virtual IP is.
            let named = expect.delivered_to.as_deref().and_then(|name| Some((server(name)?, name)));
            let intended = named.or_else(|| live.server_named(&holder?));
            (Target::Address { address, intended: None, to_vpc: Some(vpc) }, intended)
        }
    };
    let request = TraceRequest { from: from.clone(), to: to.clone(), protocol, port: expect.port };
    let mut got = traced(live.operator().trace(&request).await?.verdict, &live.applied);
    let mut pass = verdict_agrees(expect, &got);
    if measure {
        let timeout_ms = Some(if expect.reachable { LONG_MS } else { SHORT_MS });
        let (to, intended) = meant_at_address(live, question, to, intended, &got);
        let mut probe = ProbeRequest { from, to, protocol, port: expect.port, timeout_ms };
        let meant = intended.as_ref().map(|(id, name)| (id.as_str(), name.as_str()));
        for tries in 1..=TRIES {
            let measured = Measurement::new(live.operator().probe(&probe).await?, meant, tries);
            let agreement = measurement_agrees(expect, &measured, meant.is_some());
            got.measured = Some(measured);
            if agreement != Agreement::TooLittle {
                pass &= agreement == Agreement::Yes;
                break;
            }
            pass &= tries < TRIES;
            probe.timeout_ms = Some(LONG_MS);
        }
    }
    Ok((got, pass))
}

/// Who has to listen and to be watched when packets are sent to an address: the server that the document means, else
/// the one of `to_vpc` that has the address, else the one that the tracer says is there. Without one of them nobody
/// answers UDP or TCP, and a reply of a server in another VPC would count.
fn meant_at_address(
    live: &Live<'_>,
    question: &Question<'_>,
    to: Target,
    intended: Option<(String, &str)>,
    got: &Outcome,
) -> (Target, Option<(String, String)>) {
    let intended = intended.map(|(id, name)| (id, name.to_owned()));
    match (to, question.to) {
        (Target::Address { address, intended: None, to_vpc }, To::Address { to_vpc: named, .. }) => {
            let name = match named {
                Some(vpc) => live.workload_at(vpc, &address),
                None => got.delivered_to.as_deref(),
            };
            let server = name.and_then(|name| Some((live.applied.servers.get(name)?.id.clone(), name.to_owned())));
            (Target::Address { address, intended: server.as_ref().map(|(id, _)| id.clone()), to_vpc }, server)
        }
        (Target::Address { address, to_vpc, .. }, To::Vip(_)) => {
            (Target::Address { address, intended: intended.as_ref().map(|(id, _)| id.clone()), to_vpc }, intended)
        }
        (to, _) => (to, intended),
    }
}
