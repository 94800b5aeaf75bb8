//! Which action each operation is (api-iam §9.4): the one table of the authorisation layer.
//!
//! Every operation of the OpenAPI document has a line here; a test fails when one is missing, and a request without a
//! line is refused. Adding an operation is adding a line.

mod table;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::LazyLock;

use table::RULES;

/// What an operation needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    method: &'static str,
    /// The path's template, as the router and the OpenAPI document write it.
    path: &'static str,
    /// `service:type:operation`; empty for what every user may do.
    pub(crate) action: &'static str,
    /// The type part of the resource.
    pub(crate) resource: &'static str,
    /// Whether a user may do it to itself unless a statement denies it.
    pub(crate) own: bool,
}

/// An operation that needs an action on a type of resource; the object is the last of the path's parameters.
const fn on(method: &'static str, path: &'static str, action: &'static str, resource: &'static str) -> Rule {
    Rule { method, path, action, resource, own: false }
}

/// The same, and a user may do it to itself: the handler asks [`super::Identity::reach`].
const fn own(method: &'static str, path: &'static str, action: &'static str, resource: &'static str) -> Rule {
    Rule { method, path, action, resource, own: true }
}

/// An operation that every user may do: what a client needs to find its way (api-iam §6).
const fn every(method: &'static str, path: &'static str) -> Rule {
    Rule { method, path, action: "", resource: "", own: false }
}

static BY_ROUTE: LazyLock<HashMap<(&str, &str), &Rule>> =
    LazyLock::new(|| RULES.iter().map(|rule| ((rule.method, rule.path), rule)).collect());

/// What a request needs by its method and the template of its path. A HEAD that has no line is the GET.
pub(crate) fn rule(method: &str, path: &str) -> Option<&'static Rule> {
    let found = BY_ROUTE.get(&(method, path)).copied();
    if method == "HEAD" { found.or_else(|| rule("GET", path)) } else { found }
}

/// Types of resources of the network service that have documented actions and no operation here: a policy may name them.
const NOT_SERVED: [&str; 4] = ["publicIps", "bandwidths", "floatingIps", "publicipTags"];

/// Whether a policy's action can have an effect: that of another service is none of ours, one of ours must exist.
pub(crate) fn is_registered(pattern: &str) -> bool {
    let mut parts = pattern.split(':');
    let (service, resource) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    if !["vpc", "iam", "eps", "causeway"].contains(&service) {
        return true;
    }
    NOT_SERVED.iter().any(|name| name.eq_ignore_ascii_case(resource))
        || RULES.iter().any(|rule| model::action_matches(pattern, rule.action))
}
