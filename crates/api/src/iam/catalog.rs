//! The service catalog (api-iam §5.1, §6).

use axum::Json;
use serde_json::{Value, json};

use crate::auth::{Identity, Scope};
use crate::frame::Frame;

/// A service, by name, type and the version part of its address.
const SERVICES: [(&str, &str, &str); 5] = [
    ("iam", "identity", "v3"),
    ("vpc", "vpc", "v1/{project}"),
    ("vpcv2.0", "networkv2", "v2.0"),
    ("vpcv3", "vpcv3", "v3/{project}"),
    ("causeway", "causeway", "causeway/v1"),
];

/// Show the services that the caller's scope can use.
#[utoipa::path(get, path = "/v3/auth/catalog", tag = "Tokens", operation_id = "showCatalog",
    responses((status = 200, description = "`catalog`, and `links`")))]
pub(crate) async fn show(identity: Identity, frame: Frame) -> Json<Value> {
    Json(json!({"catalog": entries(&identity.scope, &frame), "links": {"self": frame.url()}}))
}

/// The services of a scope: those of a project only when there is one. One listener serves them all.
pub(super) fn entries(scope: &Scope, frame: &Frame) -> Vec<Value> {
    SERVICES
        .iter()
        .filter_map(|(name, kind, version)| {
            let (region, project) = match scope {
                Scope::Project(project) => (project.region.0.as_str(), Some(project.id.to_string())),
                Scope::Account => ("*", None),
            };
            let global = *kind == "identity";
            if project.is_none() && !global {
                return None;
            }
            let region = if global { "*" } else { region };
            let url =
                format!("{}/{}", frame.base, version.replace("{project}", project.as_deref().unwrap_or_default()));
            // Ids that are always the same for the same service: clients compare catalogs.
            let id = crate::auth::secret::hash(name)[..32].to_owned();
            let endpoint = json!({
                "id": crate::auth::secret::hash(&format!("{name}/{region}"))[..32],
                "interface": "public", "region": region, "region_id": region, "url": url,
            });
            Some(json!({"id": id, "name": name, "type": kind, "endpoints": [endpoint]}))
        })
        .collect()
}
