//! Projects, accounts, users, regions (api-iam §6). Nobody sees more than the own account.

use axum::Json;
use axum::extract::{Path, State as AxumState};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use model::Project;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::auth::Identity;
use crate::error::Problem;
use crate::frame::Frame;
use crate::query::Query;
use crate::state::State;

/// Links of a list or an object; there is always one page only.
#[derive(Serialize, ToSchema)]
pub(crate) struct Links {
    #[serde(rename = "self")]
    itself: String,
    previous: Option<String>,
    next: Option<String>,
}

impl Links {
    pub(super) fn of(url: String) -> Self {
        Self { itself: url, previous: None, next: None }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct ProjectObject {
    id: String,
    name: String,
    domain_id: String,
    parent_id: String,
    is_domain: bool,
    enabled: bool,
    description: String,
    links: Links,
}

impl ProjectObject {
    fn new(project: &Project, frame: &Frame) -> Self {
        Self {
            id: project.id.to_string(),
            name: project.name.clone(),
            domain_id: project.account.to_string(),
            parent_id: project.account.to_string(),
            is_domain: false,
            enabled: true,
            description: String::new(),
            links: Links::of(format!("{}/v3/projects/{}", frame.base, project.id)),
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct ProjectList {
    projects: Vec<ProjectObject>,
    links: Links,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct ProjectBody {
    project: ProjectObject,
}

fn list(state: &State, identity: &Identity, frame: &Frame, query: &Query) -> Json<ProjectList> {
    let catalog = state.catalog();
    let account = identity.account.id.to_string();
    let projects = catalog
        .projects_of(identity.account.id)
        .filter(|project| query.is("name", &project.name))
        .filter(|_| query.is("domain_id", &account) && query.is("parent_id", &account))
        .filter(|_| query.is("enabled", "true") && query.is("is_domain", "false"))
        .map(|project| ProjectObject::new(project, frame))
        .collect();
    Json(ProjectList { projects, links: Links::of(frame.url()) })
}

/// List the projects of the caller's account. With the name of a region there is exactly one.
#[utoipa::path(get, path = "/v3/projects", tag = "Projects", operation_id = "listProjects",
    responses((status = 200, body = ProjectList)))]
pub(crate) async fn projects(
    AxumState(state): AxumState<State>,
    identity: Identity,
    frame: Frame,
    query: Query,
) -> Response {
    super::traced(list(&state, &identity, &frame, &query).into_response(), &frame)
}

/// List the projects that the caller may use.
#[utoipa::path(get, path = "/v3/auth/projects", tag = "Projects", operation_id = "listOwnProjects",
    responses((status = 200, body = ProjectList)))]
pub(crate) async fn own_projects(
    AxumState(state): AxumState<State>,
    identity: Identity,
    frame: Frame,
    query: Query,
) -> Json<ProjectList> {
    list(&state, &identity, &frame, &query)
}

/// List the projects of a user of the caller's account.
#[utoipa::path(get, path = "/v3/users/{user_id}/projects", tag = "Projects", operation_id = "listUserProjects",
    responses((status = 200, body = ProjectList)))]
pub(crate) async fn projects_of_user(
    AxumState(state): AxumState<State>,
    Path(user): Path<String>,
    identity: Identity,
    frame: Frame,
    query: Query,
) -> Result<Json<ProjectList>, Problem> {
    let catalog = state.catalog();
    let id = user.parse().ok();
    if let Some(id) = id {
        identity.reach(id)?;
    }
    id.and_then(|id| catalog.user(id))
        .filter(|user| user.account == identity.account.id)
        .ok_or_else(|| missing("user", &user))?;
    Ok(list(&state, &identity, &frame, &query))
}

/// Show a project of the caller's account.
#[utoipa::path(get, path = "/v3/projects/{id}", tag = "Projects", operation_id = "showProject",
    responses((status = 200, body = ProjectBody)))]
pub(crate) async fn project(
    AxumState(state): AxumState<State>,
    Path(id): Path<String>,
    identity: Identity,
    frame: Frame,
) -> Result<Json<ProjectBody>, Problem> {
    let catalog = state.catalog();
    let project = id
        .parse()
        .ok()
        .and_then(|id| catalog.project(id))
        .filter(|project| project.account == identity.account.id)
        .ok_or_else(|| missing("project", &id))?;
    Ok(Json(ProjectBody { project: ProjectObject::new(project, &frame) }))
}

pub(super) fn missing(kind: &str, id: &str) -> Problem {
    let id: String = id.chars().take(64).collect();
    Problem::identity(StatusCode::NOT_FOUND, format!("Could not find {kind}: {id}."), "not_found")
}

/// Show the caller's account.
#[utoipa::path(get, path = "/v3/auth/domains", tag = "Accounts", operation_id = "listDomains",
    responses((status = 200, description = "`domains` with the caller's account, and `links`")))]
pub(crate) async fn domains(identity: Identity, frame: Frame, query: Query) -> Json<Value> {
    let account = &identity.account;
    let id = account.id.to_string();
    let domains: Vec<Value> = [account]
        .iter()
        .filter(|account| query.is("name", &account.name))
        .map(|account| {
            json!({"id": id, "name": account.name, "description": "", "enabled": true,
                   "links": {"self": format!("{}/v3/domains/{id}", frame.base)}})
        })
        .collect();
    Json(json!({"domains": domains, "links": Links::of(frame.url())}))
}

/// Show who calls. Clients that find no account with `/v3/auth/domains` ask here (api-iam §5.3).
#[utoipa::path(get, path = "/v5/caller-identity", tag = "Accounts", operation_id = "getCallerIdentity",
    responses((status = 200, description = "`account_id`, `principal_id` and `principal_urn`")))]
pub(crate) async fn caller_identity(identity: Identity) -> Json<Value> {
    let (account, user) = (&identity.account, &identity.user);
    let urn = format!("iam::{}:user:{}", account.id, user.name);
    Json(json!({"account_id": account.id, "principal_id": user.id, "principal_urn": urn}))
}

/// List the regions.
#[utoipa::path(get, path = "/v3/regions", tag = "Projects", operation_id = "listRegions",
    responses((status = 200, description = "`regions`, and `links`")))]
pub(crate) async fn regions(AxumState(state): AxumState<State>, _: Identity, frame: Frame) -> Json<Value> {
    let regions: Vec<Value> = state
        .regions()
        .iter()
        .map(|region| {
            let id = &region.id;
            json!({"id": id, "type": "public", "description": "", "parent_region_id": null,
                   "locales": {"en-us": id, "zh-cn": id},
                   "links": {"self": format!("{}/v3/regions/{id}", frame.base)}})
        })
        .collect();
    Json(json!({"regions": regions, "links": Links::of(frame.url())}))
}
