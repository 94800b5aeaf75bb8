//! Whether policies allow a call (api-iam §9.3).

use super::{Condition, Effect, Facts, PolicyDocument, Statement, matches};

/// A call that wants to be allowed.
#[derive(Clone, Copy, Debug)]
pub struct AccessRequest<'a> {
    /// `service:type:operation`.
    pub action: &'a str,
    /// `service:region:account:type:id`; the id is `*` when the call is about no single object.
    pub resource: &'a str,
    /// What conditions can ask about.
    pub facts: &'a Facts,
}

/// What the policies of a user say of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A statement allows it and none denies it.
    Allowed,
    /// A statement denies it.
    Denied,
    /// No statement says anything: refused unless it is something that everybody may do.
    Unsaid,
}

/// Decides: a denial first, then a permission, else nothing was said.
pub fn decide<'d>(documents: impl IntoIterator<Item = &'d PolicyDocument>, request: &AccessRequest<'_>) -> Decision {
    let mut decision = Decision::Unsaid;
    for statement in documents.into_iter().flat_map(|document| &document.statements) {
        if !statement.applies(request) {
            continue;
        }
        match statement.effect {
            Effect::Deny => return Decision::Denied,
            Effect::Allow => decision = Decision::Allowed,
        }
    }
    decision
}

impl Statement {
    fn applies(&self, request: &AccessRequest<'_>) -> bool {
        let acts = if self.not_actions.is_empty() {
            self.actions.iter().any(|pattern| action_matches(pattern, request.action))
        } else {
            !self.not_actions.iter().any(|pattern| action_matches(pattern, request.action))
        };
        acts && (self.resources.is_empty()
            || self.resources.iter().any(|pattern| resource_matches(pattern, request.resource)))
            && self.conditions.iter().all(|(operator, keys)| match operator.parse::<Condition>() {
                Ok(condition) => keys.iter().all(|(key, values)| condition.holds(request.facts.get(key), values)),
                // Parsing lets none through: a document of a later version. What is not understood denies.
                Err(_) => self.effect == Effect::Deny,
            })
    }
}

/// Whether an action's pattern covers an action. The service counts as written, the rest in any case of letters.
#[must_use]
pub fn action_matches(pattern: &str, action: &str) -> bool {
    let (mut patterns, mut parts) = (pattern.splitn(3, ':'), action.splitn(3, ':'));
    let service = match (patterns.next(), parts.next()) {
        (Some(pattern), Some(part)) => matches(pattern, part, false),
        _ => false,
    };
    let rest = |pattern: Option<&str>, part: Option<&str>| match (pattern, part) {
        (Some(pattern), Some(part)) => matches(&pattern.to_ascii_lowercase(), &part.to_ascii_lowercase(), false),
        _ => false,
    };
    service && rest(patterns.next(), parts.next()) && rest(patterns.next(), parts.next())
}

fn resource_matches(pattern: &str, resource: &str) -> bool {
    let (mut patterns, mut parts) = (pattern.splitn(5, ':'), resource.splitn(5, ':'));
    (0..5).all(|_| match (patterns.next(), parts.next()) {
        (Some(pattern), Some(part)) => matches(pattern, part, false),
        _ => false,
    })
}
