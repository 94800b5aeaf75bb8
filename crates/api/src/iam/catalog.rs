//! The service catalog (api-iam §5.1, §6).

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::{Path, State as AxumState};
use catalog::Catalog;
use model::AccountId;
use serde_json::{Value, json};

use super::directory::{Links, missing};
use crate::auth::{Identity, Scope, secret};
use crate::error::Problem;
use crate::frame::Frame;
use crate::query::Query;
use crate::state::State;

/// A service.
struct Service {
    name: &'static str,
    /// What clients look for.
    kind: &'static str,
    /// The first label of its host (api-iam §2).
    host: &'static str,
    /// The version part of its address.
    path: &'static str,
    /// Whether it is one for all regions and needs no project.
    global: bool,
}

const fn regional(name: &'static str, kind: &'static str, host: &'static str, path: &'static str) -> Service {
    Service { name, kind, host, path, global: false }
}

/// All services. `network` is what OpenStack clients call `/v2.0`.
const SERVICES: &[Service] = &[
    Service { name: "iam", kind: "identity", host: "iam", path: "/v3", global: true },
    regional("vpc", "vpc", "vpc", "/v1/{project}"),
    regional("vpcv2.0", "networkv2", "vpc", "/v2.0"),
    regional("vpcv3", "vpcv3", "vpc", "/v3/{project}"),
    regional("neutron", "network", "vpc", "/v2.0"),
    regional("causeway", "causeway", "causeway", "/causeway/v1"),
];

/// Show the services that the caller's scope can use.
#[utoipa::path(get, path = "/v3/auth/catalog", tag = "Tokens", operation_id = "showCatalog",
    responses((status = 200, description = "`catalog`, and `links`")))]
pub(crate) async fn show(AxumState(state): AxumState<State>, identity: Identity, frame: Frame) -> Json<Value> {
    let entries = entries(&state.catalog(), identity.account.id, &identity.scope, &frame);
    Json(json!({"catalog": entries, "links": {"self": frame.url()}}))
}

/// The services of a scope: those of a project only when there is one. One listener serves them all. A global service has
/// an endpoint of the region `*`, and one for each region of the scope: clients that work in a region look there only.
pub(super) fn entries(catalog: &Catalog, account: AccountId, scope: &Scope, frame: &Frame) -> Vec<Value> {
    let (regions, project): (BTreeSet<String>, _) = match scope {
        Scope::Project(project) => ([project.region.to_string()].into(), Some(project.id.to_string())),
        Scope::Account => (catalog.projects_of(account).map(|project| project.region.to_string()).collect(), None),
    };
    let entry = |service: &Service| {
        let path = service.path.replace("{project}", project.as_deref().unwrap_or_default());
        let endpoint = |region: Option<&str>| {
            let name = region.unwrap_or("*");
            // Ids that are always the same for the same service: clients compare catalogs.
            let id = endpoint_id(service.name, name);
            let url = format!("{}{path}", frame.base_of(service.host, region));
            json!({"id": id, "interface": "public", "region": name, "region_id": name, "url": url})
        };
        let everywhere = service.global.then(|| endpoint(None));
        let endpoints: Vec<Value> =
            everywhere.into_iter().chain(regions.iter().map(|region| endpoint(Some(region)))).collect();
        let id = service_id(service.name);
        json!({"id": id, "name": service.name, "type": service.kind, "endpoints": endpoints})
    };
    SERVICES.iter().filter(|service| service.global || project.is_some()).map(entry).collect()
}

fn service_id(name: &str) -> String {
    secret::hash(name)[..32].to_owned()
}

fn endpoint_id(name: &str, region: &str) -> String {
    secret::hash(&format!("{name}/{region}"))[..32].to_owned()
}

fn described_services(frame: &Frame) -> Vec<Value> {
    let describe = |service: &Service| {
        let id = service_id(service.name);
        let links = Links::of(format!("{}/v3/services/{id}", frame.base));
        json!({"id": id, "name": service.name, "type": service.kind, "description": "", "enabled": true,
               "links": links})
    };
    SERVICES.iter().map(describe).collect()
}

/// The endpoints of every region: the project's id is left for the client to fill in.
fn described_endpoints(state: &State, frame: &Frame) -> Vec<Value> {
    let describe = |service: &Service, region: Option<&str>| {
        let name = region.unwrap_or("*");
        let id = endpoint_id(service.name, name);
        let path = service.path.replace("{project}", "$(tenant_id)s");
        json!({"id": id, "service_id": service_id(service.name), "interface": "public", "region": name,
               "region_id": name, "url": format!("{}{path}", frame.base_of(service.host, region)), "enabled": true,
               "links": Links::of(format!("{}/v3/endpoints/{id}", frame.base))})
    };
    let of = |service: &'static Service| {
        let everywhere = service.global.then(|| describe(service, None));
        let regions = state.regions().iter().map(move |region| describe(service, Some(&region.id.0)));
        everywhere.into_iter().chain(regions).collect::<Vec<_>>()
    };
    SERVICES.iter().flat_map(of).collect()
}

fn found(all: Vec<Value>, kind: &str, id: &str) -> Result<Json<Value>, Problem> {
    let one = all.into_iter().find(|one| one["id"] == id).ok_or_else(|| missing(kind, id))?;
    Ok(Json(json!({kind: one})))
}

fn passes(query: &Query, object: &Value, name: &str) -> bool {
    query.is(name, object[name].as_str().unwrap_or_default())
}

/// List the services.
#[utoipa::path(get, path = "/v3/services", tag = "Tokens", operation_id = "listServices",
    params(("type" = Option<String>, Query)), responses((status = 200, description = "`services`, and `links`")))]
pub(crate) async fn services(_: Identity, frame: Frame, query: Query) -> Json<Value> {
    let services = described_services(&frame).into_iter().filter(|service| passes(&query, service, "type"));
    Json(json!({"services": services.collect::<Vec<_>>(), "links": Links::of(frame.url())}))
}

/// Show a service.
#[utoipa::path(get, path = "/v3/services/{service_id}", tag = "Tokens", operation_id = "showService",
    responses((status = 200, description = "`service`")))]
pub(crate) async fn service(Path(id): Path<String>, _: Identity, frame: Frame) -> Result<Json<Value>, Problem> {
    found(described_services(&frame), "service", &id)
}

/// List where the services are.
#[utoipa::path(get, path = "/v3/endpoints", tag = "Tokens", operation_id = "listEndpoints",
    params(("interface" = Option<String>, Query), ("service_id" = Option<String>, Query)),
    responses((status = 200, description = "`endpoints`, and `links`")))]
pub(crate) async fn endpoints(
    AxumState(state): AxumState<State>,
    _: Identity,
    frame: Frame,
    query: Query,
) -> Json<Value> {
    let all = described_endpoints(&state, &frame).into_iter();
    let endpoints = all.filter(|one| passes(&query, one, "interface") && passes(&query, one, "service_id"));
    Json(json!({"endpoints": endpoints.collect::<Vec<_>>(), "links": Links::of(frame.url())}))
}

/// Show where a service is.
#[utoipa::path(get, path = "/v3/endpoints/{endpoint_id}", tag = "Tokens", operation_id = "showEndpoint",
    responses((status = 200, description = "`endpoint`")))]
pub(crate) async fn endpoint(
    AxumState(state): AxumState<State>,
    Path(id): Path<String>,
    _: Identity,
    frame: Frame,
) -> Result<Json<Value>, Problem> {
    found(described_endpoints(&state, &frame), "endpoint", &id)
}
