//! The enterprise project service, as far as network objects are in enterprise projects (api-vpc §18): lists them, says
//! what is in one, and moves objects.

use axum::Json;
use axum::extract::{Path, State as AxumState};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use control::{Caller, DEFAULT_ENTERPRISE_PROJECT, EnterpriseKind, EnterpriseResource};
use model::ProjectId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::Identity;
use crate::error::Problem;
use crate::extract::{Json as Body, id as parse_id, required};
use crate::lenient::Number;
use crate::query::Query;
use crate::state::State;

/// Most items on a page, and how many there are when the client names no limit.
const PAGE: usize = 1000;

/// All operations; each needs credentials.
pub(crate) fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show)).routes(routes!(migrate)).routes(routes!(resources))
}

/// An enterprise project.
#[derive(Serialize, ToSchema)]
pub(crate) struct EnterpriseProject {
    id: String,
    /// `default` for the default one, else its id.
    name: String,
    description: &'static str,
    /// Always 1: enabled.
    status: u8,
    #[serde(rename = "type")]
    kind: &'static str,
    created_at: String,
    updated_at: String,
    delete_flag: bool,
}

/// Enterprise projects.
#[derive(Serialize, ToSchema)]
pub(crate) struct EnterpriseProjectList {
    enterprise_projects: Vec<EnterpriseProject>,
    total_count: usize,
}

/// An enterprise project.
#[derive(Serialize, ToSchema)]
pub(crate) struct EnterpriseProjectBody {
    enterprise_project: EnterpriseProject,
}

/// An object to move.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct MigrateResourceRequest {
    resource_id: Option<String>,
    /// `vpcs`, `security-groups`, `firewalls` or `address-groups`.
    resource_type: Option<String>,
    /// The object's project; any of the account's when absent.
    project_id: Option<String>,
    /// Accepted and of no effect: the project is in one region.
    #[allow(dead_code, reason = "read by the client's model only")]
    region_id: Option<String>,
    /// Only false: nothing goes along with an object.
    associated: Option<bool>,
}

/// Objects to look for.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ResourceFilter {
    /// Projects; all of the account's when absent.
    projects: Option<Vec<String>>,
    resource_types: Option<Vec<String>>,
    limit: Option<Number>,
    offset: Option<Number>,
    matches: Option<Vec<NameMatch>>,
}

/// A field to look for.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NameMatch {
    /// `resource_name`.
    key: Option<String>,
    /// A part of the name.
    value: Option<String>,
}

/// An object of an enterprise project.
#[derive(Serialize, ToSchema)]
pub(crate) struct EnterpriseResourceObject {
    enterprise_project_id: String,
    project_id: String,
    project_name: String,
    resource_id: String,
    resource_name: String,
    resource_type: &'static str,
    /// Always null.
    #[schema(value_type = Option<Object>)]
    resource_detail: (),
}

/// A type of object that could not be looked for.
#[derive(Serialize, ToSchema)]
pub(crate) struct ResourceError {
    error_code: &'static str,
    error_msg: &'static str,
    project_id: String,
    resource_type: String,
}

/// What is in an enterprise project: one page of it, and how much there is in all.
#[derive(Serialize, ToSchema)]
pub(crate) struct ResourceList {
    resources: Vec<EnterpriseResourceObject>,
    errors: Vec<ResourceError>,
    total_count: usize,
}

/// List enterprise projects: the default one, and those that something is in.
#[utoipa::path(get, path = "/v1.0/enterprise-projects", tag = "Enterprise projects",
    operation_id = "listEnterpriseProjects",
    params(("id" = Option<String>, Query), ("name" = Option<String>, Query), ("status" = Option<i64>, Query),
        ("type" = Option<String>, Query), ("limit" = Option<i64>, Query), ("offset" = Option<i64>, Query)),
    responses((status = 200, body = EnterpriseProjectList)))]
async fn list(
    AxumState(state): AxumState<State>,
    identity: Identity,
    query: Query,
) -> Result<Json<EnterpriseProjectList>, Problem> {
    let all = control::enterprise_projects(&state.catalog(), &own(&identity)).into_iter();
    let found: Vec<_> = all
        .map(|id| EnterpriseProject::new(&identity, id))
        .filter(|project| query.is("id", &project.id) && query.is("status", "1") && query.is("type", "prod"))
        .filter(|project| query.one("name").is_none_or(|part| project.name.contains(part)))
        .collect();
    let total_count = found.len();
    let number = |name: &'static str| {
        let number = |text: &str| text.parse().map(Number).map_err(|_| wrong_number(name));
        query.one(name).map(number).transpose()
    };
    let enterprise_projects = cut(found, number("limit")?, number("offset")?)?;
    Ok(Json(EnterpriseProjectList { enterprise_projects, total_count }))
}

/// Show an enterprise project: the default one, or one that something is in.
#[utoipa::path(get, path = "/v1.0/enterprise-projects/{enterprise_project_id}", tag = "Enterprise projects",
    operation_id = "showEnterpriseProject", responses((status = 200, body = EnterpriseProjectBody)))]
async fn show(
    AxumState(state): AxumState<State>,
    Path(id): Path<String>,
    identity: Identity,
) -> Result<Json<EnterpriseProjectBody>, Problem> {
    if !control::enterprise_projects(&state.catalog(), &own(&identity)).contains(&id) {
        let id: String = id.chars().take(64).collect();
        return Err(Problem::not_found(format!("enterprise project {id} not found: nothing is in it")));
    }
    Ok(Json(EnterpriseProjectBody { enterprise_project: EnterpriseProject::new(&identity, id) }))
}

/// Move an object into this enterprise project.
#[utoipa::path(post, path = "/v1.0/enterprise-projects/{enterprise_project_id}/resources-migrate",
    tag = "Enterprise projects", operation_id = "migrateResource", request_body = MigrateResourceRequest,
    responses((status = 204)))]
async fn migrate(
    AxumState(state): AxumState<State>,
    Path(target): Path<String>,
    identity: Identity,
    Body(request): Body<MigrateResourceRequest>,
) -> Result<Response, Problem> {
    let wanted = required(request.resource_type, "resource_type")?;
    let kind = kind_of(&wanted).ok_or_else(|| {
        let wanted: String = wanted.chars().take(64).collect();
        Problem::invalid(format!("resource_type: `{wanted}` is not known; {TYPES} are"))
    })?;
    let object = required(request.resource_id, "resource_id")?;
    if request.associated == Some(true) {
        return Err(Problem::invalid("associated: nothing goes along with the object; leave it out"));
    }
    let project: Option<ProjectId> = match request.project_id.as_deref().filter(|text| !text.is_empty()) {
        Some(text) => Some(parse_id(text, "project_id")?),
        None => None,
    };
    let caller = own(&identity);
    if let Some(project) = project {
        // Names the project before the object is looked for in it.
        control::project(&state.catalog(), &caller, project)?;
    }
    let caller = Caller { project, ..caller };
    state
        .record(|catalog, ctx| control::move_to_enterprise_project(catalog, &caller, ctx, kind, &object, &target))
        .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// List what is in this enterprise project.
#[utoipa::path(post, path = "/v1.0/enterprise-projects/{enterprise_project_id}/resources/filter",
    tag = "Enterprise projects", operation_id = "showResourceBindEnterpriseProject", request_body = ResourceFilter,
    responses((status = 200, body = ResourceList)))]
async fn resources(
    AxumState(state): AxumState<State>,
    Path(wanted): Path<String>,
    identity: Identity,
    Body(request): Body<ResourceFilter>,
) -> Result<Json<ResourceList>, Problem> {
    let types = required(request.resource_types, "resource_types")?;
    let kinds: Vec<EnterpriseKind> = types.iter().filter_map(|text| kind_of(text)).collect();
    let unknown = types.into_iter().filter(|text| kind_of(text).is_none());
    let errors = unknown.map(|text| ResourceError {
        error_code: "EPS.0025",
        error_msg: "Invalid element in the resource type list.",
        project_id: String::new(),
        resource_type: text.chars().take(64).collect(),
    });
    let mut names = Vec::new();
    for field in request.matches.unwrap_or_default() {
        if field.key.as_deref() != Some("resource_name") {
            return Err(Problem::invalid("matches: the key can only be resource_name"));
        }
        names.push(required(field.value, "the value of matches")?);
    }
    let catalog = state.catalog();
    let in_projects = |project: ProjectId| match &request.projects {
        Some(projects) if !projects.is_empty() => projects.contains(&project.to_string()),
        _ => true,
    };
    let found: Vec<EnterpriseResource> = control::enterprise_resources(&catalog, &own(&identity))
        .into_iter()
        .filter(|resource| resource.enterprise_project_id == wanted && kinds.contains(&resource.kind))
        .filter(|resource| in_projects(resource.project) && names.iter().all(|name| resource.name.contains(name)))
        .collect();
    let total_count = found.len();
    let resources = cut(found, request.limit, request.offset)?
        .into_iter()
        .map(|resource| EnterpriseResourceObject {
            project_name: catalog.project(resource.project).map(|project| project.name.clone()).unwrap_or_default(),
            enterprise_project_id: resource.enterprise_project_id,
            project_id: resource.project.to_string(),
            resource_id: resource.id,
            resource_name: resource.name,
            resource_type: type_of(resource.kind),
            resource_detail: (),
        })
        .collect();
    Ok(Json(ResourceList { resources, errors: errors.collect(), total_count }))
}

impl EnterpriseProject {
    fn new(identity: &Identity, id: String) -> Self {
        let since = identity.account.created_at.with_zone();
        let name = if id == DEFAULT_ENTERPRISE_PROJECT { "default".to_owned() } else { id.clone() };
        Self {
            id,
            name,
            description: "",
            status: 1,
            kind: "prod",
            created_at: since.clone(),
            updated_at: since,
            delete_flag: false,
        }
    }
}

/// The caller with all of its own account, for an operator too.
fn own(identity: &Identity) -> Caller {
    Caller { operator: false, ..identity.account_caller() }
}

const TYPES: &str = "vpcs, security-groups, firewalls and address-groups";

/// The service's word for a kind of object.
const fn type_of(kind: EnterpriseKind) -> &'static str {
    match kind {
        EnterpriseKind::Vpc => "vpcs",
        EnterpriseKind::SecurityGroup => "security-groups",
        EnterpriseKind::NetworkAcl => "firewalls",
        EnterpriseKind::AddressGroup => "address-groups",
    }
}

fn kind_of(text: &str) -> Option<EnterpriseKind> {
    EnterpriseKind::ALL.into_iter().find(|kind| type_of(*kind) == text)
}

fn wrong_number(name: &str) -> Problem {
    Problem::invalid(format!("{name}: a whole number is expected, at most {PAGE} and not 0 for limit"))
}

fn cut<T>(items: Vec<T>, limit: Option<Number>, offset: Option<Number>) -> Result<Vec<T>, Problem> {
    let number = |number: Option<Number>, name: &str| {
        number.map(|number| usize::try_from(number.0).map_err(|_| wrong_number(name))).transpose()
    };
    let limit = number(limit, "limit")?.unwrap_or(PAGE);
    if !(1..=PAGE).contains(&limit) {
        return Err(wrong_number("limit"));
    }
    Ok(items.into_iter().skip(number(offset, "offset")?.unwrap_or(0)).take(limit).collect())
}
