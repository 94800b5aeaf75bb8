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
    /// The parameter of the path that names the object; `None` for the last one.
    object: Option<&'static str>,
}

/// Parameters that name no object: the project, and the key of a tag, which is about the object that has it.
pub(crate) const NO_OBJECT: [&str; 3] = ["project_id", "key", "tag_key"];

/// The id of the object that the last of a path's parameters names.
pub(crate) fn last_object<'a>(parameters: impl Iterator<Item = (&'a str, &'a str)>) -> Option<&'a str> {
    parameters.filter(|(name, _)| !NO_OBJECT.contains(name)).last().map(|(_, value)| value)
}

impl Rule {
    /// The same about the object that another parameter than the last names.
    const fn about(self, parameter: &'static str) -> Self {
        Self { object: Some(parameter), ..self }
    }

    /// Whether it is about what belongs to an account as a whole: only what a user may do in all of the account counts,
    /// whatever project a request names.
    pub(crate) fn is_account_wide(&self) -> bool {
        ["iam:", "eps:", "causeway:accounts:"].iter().any(|service| self.action.starts_with(service))
    }

    /// The id of the object among the parameters of a path.
    pub(crate) fn object<'a>(&self, mut parameters: impl Iterator<Item = (&'a str, &'a str)>) -> Option<&'a str> {
        match self.object {
            Some(object) => parameters.find(|(name, _)| *name == object).map(|(_, value)| value),
            None => last_object(parameters),
        }
    }

    /// Whether its paths name subnets by their Neutron ids.
    pub(crate) fn has_neutron_ids(&self) -> bool {
        self.path.starts_with("/v2.0/subnets/")
    }
}

/// An operation that needs an action on a type of resource; the object is the last of the path's parameters.
const fn on(method: &'static str, path: &'static str, action: &'static str, resource: &'static str) -> Rule {
    Rule { method, path, action, resource, own: false, object: None }
}

/// The same, and a user may do it to itself: the handler asks [`super::Identity::reach`].
const fn own(method: &'static str, path: &'static str, action: &'static str, resource: &'static str) -> Rule {
    Rule { method, path, action, resource, own: true, object: None }
}

/// An operation that every user may do: what a client needs to find its way (api-iam §6).
const fn every(method: &'static str, path: &'static str) -> Rule {
    Rule { method, path, action: "", resource: "", own: false, object: None }
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
