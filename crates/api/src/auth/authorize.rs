//! Whether the caller may do what the request wants (api-iam §9.3). The only place that decides it.

use axum::extract::{MatchedPath, RawPathParams, Request, State as AxumState};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use model::{AccessRequest, Decision, Facts};

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
    let object = params.iter().filter(|(name, _)| *name != "project_id").last().map(|(_, value)| value);
    match decide(&state, identity, rule, object) {
        Decision::Allowed => {}
        Decision::Unsaid if rule.own => identity.own_only = Some(rule.action),
        Decision::Unsaid | Decision::Denied => return Problem::denied(rule.action).into_response(),
    }
    next.run(request).await
}

fn decide(state: &State, identity: &Identity, rule: &Rule, object: Option<&str>) -> Decision {
    if rule.action.is_empty() || identity.user.is_administrator() {
        return Decision::Allowed;
    }
    let (project, region) = match &identity.scope {
        Scope::Project(project) => (Some(project.id), project.region.0.as_str()),
        Scope::Account => (None, "*"),
    };
    let service = rule.action.split(':').next().unwrap_or_default();
    let resource = format!("{service}:{region}:{}:{}:{}", identity.account.id, rule.resource, object.unwrap_or("*"));
    let policies = control::policies_in_force(&state.catalog(), &identity.user, project);
    let facts = facts(state, identity, rule);
    let request = AccessRequest { action: rule.action, resource: &resource, facts: &facts };
    model::decide(policies.iter().map(control::AnyPolicy::document), &request)
}

/// What conditions can ask about (api-iam §9.2).
fn facts(state: &State, identity: &Identity, rule: &Rule) -> Facts {
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
    match &identity.scope {
        Scope::Project(project) => facts.with("g:ProjectName", project.name.clone()),
        Scope::Account => facts,
    }
}
