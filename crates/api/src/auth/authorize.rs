//! Whether the caller may do what the request wants (api-iam §9.3). The only place that decides it.

use axum::extract::{MatchedPath, RawPathParams, Request, State as AxumState};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use catalog::Catalog;
use model::{AccessRequest, Decision, Facts, Project};

use super::actions::{self, Rule};
use super::{Identity, Scope};
use crate::audit;
use crate::error::Problem;
use crate::state::State;

/// Lets only requests through that the caller's policies allow; runs behind [`super::authenticate`].
pub(crate) async fn authorize(
    AxumState(state): AxumState<State>,
    matched: MatchedPath,
    params: RawPathParams,
    mut request: Request,
    next: Next,
) -> Response {
    let Some(rule) = actions::rule(request.method().as_str(), matched.as_str()) else {
        return Problem::internal(format!("{} {} has no action", request.method(), matched.as_str())).into_response();
    };
    let Some(identity) = request.extensions_mut().get_mut::<Identity>() else {
        return Problem::internal("authorisation is not behind authentication").into_response();
    };
    let object = rule.object(params.iter());
    match decide(&state, identity, rule, object) {
        Decision::Allowed => {}
        Decision::Unsaid if rule.own => identity.own_only = Some(rule.action),
        Decision::Unsaid | Decision::Denied => return Problem::denied(rule.action).into_response(),
    }
    next.run(request).await
}

/// Refuses what an operation does besides its own when the caller may not do that: as the operation with this method and
/// path, on this object.
///
/// # Errors
/// 403 with the action that is missing.
pub(crate) fn also(
    state: &State,
    identity: &Identity,
    method: &str,
    path: &str,
    object: Option<&str>,
) -> Result<(), Problem> {
    let rule = actions::rule(method, path);
    let rule = rule.ok_or_else(|| Problem::internal(format!("{method} {path} has no action")))?;
    match decide(state, identity, rule, object) {
        Decision::Allowed => Ok(()),
        Decision::Unsaid | Decision::Denied => Err(Problem::denied(rule.action)),
    }
}

fn decide(state: &State, identity: &Identity, rule: &Rule, object: Option<&str>) -> Decision {
    if rule.action.is_empty() || identity.user.is_administrator() {
        return Decision::Allowed;
    }
    let catalog = state.catalog();
    let subnet = object.filter(|_| rule.has_neutron_ids()).and_then(|object| subnet_of(&catalog, object));
    let object = subnet.as_deref().or(object).unwrap_or("*");
    let decide = |project: Option<&Project>| decide_in(&catalog, state, identity, (rule, object), project);
    match &identity.scope {
        _ if rule.is_account_wide() => decide(None),
        Scope::Project(project) => decide(Some(project)),
        // The call sees all projects, so it has to be allowed in each of them.
        Scope::Account => {
            let strictest = |a: Decision, b: Decision| match (a, b) {
                (Decision::Denied, _) | (_, Decision::Denied) => Decision::Denied,
                (Decision::Unsaid, _) | (_, Decision::Unsaid) => Decision::Unsaid,
                (Decision::Allowed, Decision::Allowed) => Decision::Allowed,
            };
            let projects = catalog.projects_of(identity.account.id);
            projects.map(|project| decide(Some(project))).fold(decide(None), strictest)
        }
    }
}

/// Decides in one project, or in none.
fn decide_in(
    catalog: &Catalog,
    state: &State,
    identity: &Identity,
    (rule, object): (&Rule, &str),
    project: Option<&Project>,
) -> Decision {
    let region = project.map_or("*", |project| project.region.0.as_str());
    let service = rule.action.split(':').next().unwrap_or_default();
    let resource = format!("{service}:{region}:{}:{}:{object}", identity.account.id, rule.resource);
    let policies = control::policies_in_force(catalog, &identity.user, project.map(|project| project.id));
    let facts = facts(state, identity, rule, project);
    let request = AccessRequest { action: rule.action, resource: &resource, facts: &facts };
    model::decide(policies.iter().map(control::AnyPolicy::document), &request)
}

/// The id of the subnet that policies know, of one that is named by a Neutron id.
fn subnet_of(catalog: &Catalog, neutron: &str) -> Option<String> {
    let id = neutron.parse().ok()?;
    let subnet = catalog.subnet_by_neutron_id(id).map(|subnet| subnet.id);
    subnet.or_else(|| catalog.network_by_neutron_id(id).map(|network| network.id)).map(|id| id.to_string())
}

/// What conditions can ask about (api-iam §9.2).
fn facts(state: &State, identity: &Identity, rule: &Rule, project: Option<&Project>) -> Facts {
    let facts = Facts::new()
        .with("g:CurrentTime", state.now().with_zone())
        .with("g:DomainId", identity.account.id.to_string())
        .with("g:DomainName", identity.account.name.clone())
        // There is no second factor here, so nobody has shown one.
        .with("g:MFAPresent", "false")
        .with("g:ServiceName", rule.action.split(':').next().unwrap_or_default())
        .with("g:UserId", identity.user.id.to_string())
        .with("g:UserName", identity.user.name.clone());
    let facts = match audit::current().and_then(|attempt| attempt.origin().source) {
        Some(address) => facts.with("g:SourceIp", address.to_canonical().to_string()),
        None => facts,
    };
    match project {
        Some(project) => facts.with("g:ProjectName", project.name.clone()),
        None => facts,
    }
}
