//! Security groups: remote address to class, class and service to verdict (rules SG-1 to SG-3).

use abi::{Address, Id, NO_ID, RULE_ALLOW};

use crate::{Step, Tables, Trace, identity_key, rule_key};

/// What a policy is asked about: one direction of a flow as the port sees it.
#[derive(Clone, Copy)]
pub(crate) struct Question<'a> {
    /// The port, for the tracer.
    pub port: &'a Id,
    /// The port's policy.
    pub policy: &'a Id,
    /// `abi::CONTEXT_*`.
    pub context: u8,
    /// Address family.
    pub family: u8,
    /// The remote address.
    pub remote: &'a Address,
    /// IP protocol.
    pub protocol: u8,
    /// As in [`abi::RuleKey::service`].
    pub service: [u8; 2],
}

/// Whether the rules allow it. What no rule names is denied.
#[inline(always)]
pub(crate) fn allowed<T: Tables, R: Trace>(tables: &T, question: Question<'_>, trace: &mut R) -> bool {
    let Question { port, policy, context, family, remote, protocol, service } = question;
    let step = |class: Id, rule: Id, allowed: bool| Step::SecurityGroup {
        port: *port,
        policy: *policy,
        context,
        class,
        rule,
        allowed,
    };
    // A port without groups denies everything, whatever stands in the tables under "no policy".
    if *policy == NO_ID {
        trace.step(|| step(NO_ID, NO_ID, false));
        return false;
    }
    let Some(identity) = tables.identity(&identity_key(policy, context, family, remote)) else {
        trace.step(|| step(NO_ID, NO_ID, false));
        return false;
    };
    let Some(rule) = tables.rule(&rule_key(&identity.class, protocol, service)) else {
        trace.step(|| step(identity.class, NO_ID, false));
        return false;
    };
    let allowed = rule.verdict == RULE_ALLOW;
    trace.step(|| step(identity.class, rule.rule, allowed));
    allowed
}
