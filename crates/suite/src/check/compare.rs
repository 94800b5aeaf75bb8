//! Whether what there was is what was expected. Pure.

use client::types::Verdict;

use super::item::{Measurement, Outcome};
use crate::apply::Applied;
use crate::document::Expect;

const FORWARD: &str = "forward";
const RETURN: &str = "return";

/// What an expectation says, as it is reported.
pub(super) fn expected(expect: &Expect) -> Outcome {
    let leg = || expect.leg.clone().unwrap_or_else(|| FORWARD.to_owned());
    Outcome {
        reachable: Some(expect.reachable),
        reason: expect.reason.clone(),
        leg: (!expect.reachable).then(leg),
        at: expect.at.clone(),
        observed_source: expect.observed_source.clone(),
        delivered_to: expect.delivered_to.clone(),
        via: expect.via.clone(),
        return_via: expect.return_via.clone(),
        ..Outcome::default()
    }
}

/// What the tracer says, in the document's names.
pub(super) fn traced(verdict: Verdict, applied: &Applied) -> Outcome {
    let name = |objects: &std::collections::BTreeMap<String, crate::apply::Placed>, id: Option<String>| {
        let id = id?;
        objects.iter().find(|(_, placed)| placed.id == id).map(|(name, _)| name.clone())
    };
    let lost = !verdict.reachable;
    Outcome {
        reachable: Some(verdict.reachable),
        reason: verdict.reason.filter(|_| lost),
        leg: lost.then(|| verdict.leg.unwrap_or_else(|| FORWARD.to_owned())),
        at: name(&applied.vpcs, verdict.at).or(verdict.at_name).filter(|_| lost),
        observed_source: verdict.observed_source,
        delivered_to: name(&applied.servers, verdict.delivered_to).or(verdict.delivered_to_name),
        via: Some(verdict.via),
        return_via: Some(verdict.return_via),
        ..Outcome::default()
    }
}

/// Whether the tracer's verdict is the expected one. What the document does not say may be anything.
pub(super) fn verdict_agrees(expect: &Expect, got: &Outcome) -> bool {
    let said = |expected: &Option<String>, got: &Option<String>| expected.is_none() || expected == got;
    let passed = |expected: &Option<Vec<String>>, got: &Option<Vec<String>>| expected.is_none() || expected == got;
    got.error.is_none()
        && got.reachable == Some(expect.reachable)
        && said(&expect.reason, &got.reason)
        && (expect.reachable || got.leg.as_deref() == Some(expect.leg.as_deref().unwrap_or(FORWARD)))
        && said(&expect.at, &got.at)
        && said(&expect.observed_source, &got.observed_source)
        && said(&expect.delivered_to, &got.delivered_to)
        && passed(&expect.via, &got.via)
        && passed(&expect.return_via, &got.return_via)
}

/// What packets may do, and what the expectation says that they do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Agreement {
    /// As expected.
    Yes,
    /// Less than expected: it may have been lost, or late, on a busy machine. Worth another try.
    TooLittle,
    /// More than expected: no other try can undo that it happened.
    TooMuch,
}

/// Whether packets did what is expected. `intended` says whether a particular server was meant: only of that one can
/// be told whether the request arrived.
pub(super) fn measurement_agrees(expect: &Expect, measured: &Measurement, intended: bool) -> Agreement {
    if measured.reachable && !expect.reachable {
        return Agreement::TooMuch;
    }
    let arrives = expect.reachable || expect.leg.as_deref() == Some(RETURN);
    if intended && measured.delivered && !arrives {
        return Agreement::TooMuch;
    }
    let too_little = expect.reachable && !measured.reachable || intended && arrives && !measured.delivered;
    let unseen = arrives && expect.observed_source.is_some() && measured.observed_source.is_none() && intended;
    if too_little || unseen {
        return Agreement::TooLittle;
    }
    match (&expect.observed_source, &measured.observed_source) {
        (Some(expected), Some(seen)) if expected != seen => Agreement::TooMuch,
        _ => Agreement::Yes,
    }
}
