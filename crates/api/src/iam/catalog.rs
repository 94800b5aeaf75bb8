//! The service catalog (api-iam §5.1, §6).

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State as AxumState;
use catalog::Catalog;
use model::AccountId;
use serde_json::{Value, json};

use crate::auth::{Identity, Scope, secret};
use crate::frame::Frame;
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
            let id = secret::hash(&format!("{}/{name}", service.name))[..32].to_owned();
            let url = format!("{}{path}", frame.base_of(service.host, region));
            json!({"id": id, "interface": "public", "region": name, "region_id": name, "url": url})
        };
        let everywhere = service.global.then(|| endpoint(None));
        let endpoints: Vec<Value> =
            everywhere.into_iter().chain(regions.iter().map(|region| endpoint(Some(region)))).collect();
        let id = secret::hash(service.name)[..32].to_owned();
        json!({"id": id, "name": service.name, "type": service.kind, "endpoints": endpoints})
    };
    SERVICES.iter().filter(|service| service.global || project.is_some()).map(entry).collect()
}
