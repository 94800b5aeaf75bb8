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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use client::types::ProbeAnswer;

    use super::*;
    use crate::apply::Placed;

    fn expect(fields: serde_json::Value) -> Expect {
        let mut all = serde_json::json!({"from": "a", "to": "b", "proto": "icmp"});
        all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        serde_json::from_value(all).unwrap()
    }

    fn verdict(fields: serde_json::Value) -> Outcome {
        let vpc = Placed { id: "id-b".into(), ..Placed::default() };
        let applied = Applied { vpcs: [("VPC-B".to_owned(), vpc)].into(), ..Applied::default() };
        traced(serde_json::from_value(fields).unwrap(), &applied)
    }

    fn measured(replied: bool, delivered: bool, source: Option<&str>, by: Option<&str>) -> Measurement {
        let answer = ProbeAnswer {
            replied,
            delivered,
            observed_source: source.map(str::to_owned),
            answered_by: by.map(str::to_owned),
            rtt_us: None,
        };
        Measurement::new(answer, Some(("id-of-b", "b")), 1)
    }

    #[test]
    fn a_verdict_agrees_when_all_that_the_document_says_is_so() {
        let lost = serde_json::json!({"reachable": false, "reason": "no_return_route", "leg": "return", "at": "id-b"});
        let expected = expect(serde_json::json!(
            {"reachable": false, "reason": "no_return_route", "leg": "return", "at": "VPC-B"}
        ));
        assert!(verdict_agrees(&expected, &verdict(lost.clone())));
        for (field, other) in [("reachable", "true"), ("reason", "\"no_route\""), ("leg", "null"), ("at", "\"id-a\"")] {
            let mut differs = lost.clone();
            differs[field] = serde_json::from_str(other).unwrap();
            assert!(!verdict_agrees(&expected, &verdict(differs)), "{field}");
        }
    }

    #[test]
    fn the_leg_is_forward_unless_given_and_what_is_not_said_may_be_anything() {
        let expected = expect(serde_json::json!({"reachable": false, "reason": "different_region"}));
        assert!(verdict_agrees(&expected, &verdict(serde_json::json!({"reason": "different_region", "at": "id-x"}))));
        let returning = serde_json::json!({"reason": "different_region", "leg": "return"});
        assert!(!verdict_agrees(&expected, &verdict(returning)));
        let through = serde_json::json!({"reachable": true, "via": ["fw"], "observed_source": "10.0.0.1"});
        assert!(verdict_agrees(&expect(serde_json::json!({"reachable": true})), &verdict(through.clone())));
        assert!(verdict_agrees(
            &expect(serde_json::json!({"reachable": true, "via": ["fw"]})),
            &verdict(through.clone())
        ));
        assert!(!verdict_agrees(&expect(serde_json::json!({"reachable": true, "via": []})), &verdict(through.clone())));
        let source = expect(serde_json::json!({"reachable": true, "observed_source": "10.0.0.2"}));
        assert!(!verdict_agrees(&source, &verdict(through)));
    }

    #[test]
    fn a_reply_that_should_not_be_is_never_retried_away() {
        let unreachable = expect(serde_json::json!({"reachable": false, "reason": "no_route"}));
        let agreement = |m: &Measurement| measurement_agrees(&unreachable, m, true);
        assert_eq!(agreement(&measured(true, true, None, None)), Agreement::TooMuch);
        assert_eq!(agreement(&measured(false, true, None, None)), Agreement::TooMuch);
        assert_eq!(agreement(&measured(false, false, None, None)), Agreement::Yes);
    }

    #[test]
    fn a_reply_by_somebody_else_is_no_reply() {
        let misrouted = expect(serde_json::json!({"reachable": false, "reason": "misrouted"}));
        for other in [measured(true, false, None, None), measured(true, false, None, Some("c"))] {
            assert!(!other.reachable);
            assert_eq!(measurement_agrees(&misrouted, &other, true), Agreement::Yes);
        }
        assert!(measured(true, true, None, Some("b")).reachable);
        assert!(measured(true, true, None, Some("id-of-b")).reachable);
    }

    #[test]
    fn a_reply_that_is_missing_is_worth_another_try() {
        let reachable = expect(serde_json::json!({"reachable": true, "observed_source": "10.0.0.1"}));
        let agreement = |m: &Measurement| measurement_agrees(&reachable, m, true);
        assert_eq!(agreement(&measured(false, false, None, None)), Agreement::TooLittle);
        assert_eq!(agreement(&measured(false, true, Some("10.0.0.1"), None)), Agreement::TooLittle);
        assert_eq!(agreement(&measured(true, true, None, None)), Agreement::TooLittle);
        assert_eq!(agreement(&measured(true, true, Some("10.0.0.9"), None)), Agreement::TooMuch);
        assert_eq!(agreement(&measured(true, true, Some("10.0.0.1"), None)), Agreement::Yes);
    }

    #[test]
    fn what_fails_on_the_way_back_must_have_arrived() {
        let expected = expect(serde_json::json!({"reachable": false, "reason": "misrouted", "leg": "return"}));
        let agreement = |m: &Measurement| measurement_agrees(&expected, m, true);
        assert_eq!(agreement(&measured(false, true, None, None)), Agreement::Yes);
        assert_eq!(agreement(&measured(false, false, None, None)), Agreement::TooLittle);
        assert_eq!(agreement(&measured(true, true, None, None)), Agreement::TooMuch);
    }
}
