//! Traffic mirrors, v3 (api-vpc §15): not supported. There are no filters, rules and sessions, and none can be made;
//! every operation says so.

use axum::Json;
use axum::extract::Path;
use axum::response::Response;
use control::Error;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::Identity;
use crate::error::Problem;
use crate::extract::Json as Body;
use crate::frame::Frame;
use crate::query::{Query, v3_page};
use crate::state::State;
use crate::wire::list_v3;

/// Something that cannot be made.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub(crate) struct TrafficMirrorObject {}

list_v3! {
    /// Filters of traffic mirrors: always none.
    TrafficMirrorFilterList { traffic_mirror_filters: TrafficMirrorObject }
    /// Rules of filters of traffic mirrors: always none.
    TrafficMirrorFilterRuleList { traffic_mirror_filter_rules: TrafficMirrorObject }
    /// Sessions of traffic mirrors: always none.
    TrafficMirrorSessionList { traffic_mirror_sessions: TrafficMirrorObject }
}

fn refused(identity: &Identity) -> Result<Response, Problem> {
    identity.project()?;
    let text = "traffic mirrors are not supported: this installation copies no packets; remove the filter, rule or \
                session from the request";
    Err(Error::NotSupported(text.to_owned()).into())
}

fn missing(identity: &Identity, what: &str, id: &str) -> Result<Response, Problem> {
    identity.project()?;
    let id: String = id.chars().take(64).collect();
    Err(Problem::not_found(format!("{what} {id} not found; traffic mirrors are not supported")))
}

macro_rules! mirrors {
    ($module:ident $list:ident $field:ident $type:literal $id:literal $one:literal $many:literal $name:literal) => {
        mod $module {
            use super::*;

            #[doc = concat!("List ", $many, ": there are none.")]
            #[utoipa::path(get, summary = concat!("List ", $many, ": there are none."),
                path = concat!("/v3/{project_id}/vpc/", $type), tag = "Traffic mirrors",
                operation_id = concat!("list", $name, "s"), responses((status = 200, body = $list)))]
            pub(super) async fn list(identity: Identity, frame: Frame, query: Query) -> Result<Json<$list>, Problem> {
                identity.project()?;
                let (none, page_info) = v3_page(&query, Vec::new(), |_| String::new())?;
                Ok(Json($list { request_id: frame.request_id, $field: none, page_info }))
            }

            #[doc = concat!("Create a ", $one, ": refused, traffic mirrors are not supported.")]
            #[utoipa::path(post, summary = concat!("Create a ", $one, ": refused, traffic mirrors are not supported."),
                path = concat!("/v3/{project_id}/vpc/", $type), tag = "Traffic mirrors",
                operation_id = concat!("create", $name), request_body = Object,
                responses((status = 400, description = "Not supported")))]
            pub(super) async fn create(identity: Identity, Body(_): Body<Value>) -> Result<Response, Problem> {
                refused(&identity)
            }

            #[doc = concat!("Show a ", $one, ": there is none.")]
            #[utoipa::path(get, summary = concat!("Show a ", $one, ": there is none."),
                path = concat!("/v3/{project_id}/vpc/", $type, "/{", $id, "}"), tag = "Traffic mirrors",
                operation_id = concat!("show", $name), responses((status = 404, description = "There is none")))]
            pub(super) async fn show(
                Path((_, id)): Path<(String, String)>,
                identity: Identity,
            ) -> Result<Response, Problem> {
                missing(&identity, $one, &id)
            }

            #[doc = concat!("Change a ", $one, ": there is none.")]
            #[utoipa::path(put, summary = concat!("Change a ", $one, ": there is none."),
                path = concat!("/v3/{project_id}/vpc/", $type, "/{", $id, "}"), tag = "Traffic mirrors",
                operation_id = concat!("update", $name), request_body = Object,
                responses((status = 404, description = "There is none")))]
            pub(super) async fn update(
                Path((_, id)): Path<(String, String)>,
                identity: Identity,
                Body(_): Body<Value>,
            ) -> Result<Response, Problem> {
                missing(&identity, $one, &id)
            }

            #[doc = concat!("Delete a ", $one, ": there is none.")]
            #[utoipa::path(delete, summary = concat!("Delete a ", $one, ": there is none."),
                path = concat!("/v3/{project_id}/vpc/", $type, "/{", $id, "}"),
                tag = "Traffic mirrors", operation_id = concat!("delete", $name),
                responses((status = 404, description = "There is none")))]
            pub(super) async fn delete(
                Path((_, id)): Path<(String, String)>,
                identity: Identity,
            ) -> Result<Response, Problem> {
                missing(&identity, $one, &id)
            }

            pub(super) fn routes() -> OpenApiRouter<State> {
                OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(show, update, delete))
            }
        }
    };
}

mirrors! {
    filters TrafficMirrorFilterList traffic_mirror_filters "traffic-mirror-filters" "traffic_mirror_filter_id"
    "filter of traffic mirrors" "filters of traffic mirrors" "TrafficMirrorFilter"
}
mirrors! {
    rules TrafficMirrorFilterRuleList traffic_mirror_filter_rules "traffic-mirror-filter-rules"
    "traffic_mirror_filter_rule_id" "rule of a traffic mirror's filter" "rules of filters of traffic mirrors"
    "TrafficMirrorFilterRule"
}
mirrors! {
    sessions TrafficMirrorSessionList traffic_mirror_sessions "traffic-mirror-sessions" "traffic_mirror_session_id"
    "session of a traffic mirror" "sessions of traffic mirrors" "TrafficMirrorSession"
}

/// Add sources to a session of a traffic mirror: there is none.
#[utoipa::path(put, path = "/v3/{project_id}/vpc/traffic-mirror-sessions/{traffic_mirror_session_id}/add-sources",
    tag = "Traffic mirrors", operation_id = "addSourcesToTrafficMirrorSession", request_body = Object,
    responses((status = 404, description = "There is none")))]
async fn add_sources(
    Path((_, id)): Path<(String, String)>,
    identity: Identity,
    Body(_): Body<Value>,
) -> Result<Response, Problem> {
    missing(&identity, "session of a traffic mirror", &id)
}

/// Remove sources from a session of a traffic mirror: there is none.
#[utoipa::path(put, path = "/v3/{project_id}/vpc/traffic-mirror-sessions/{traffic_mirror_session_id}/remove-sources",
    tag = "Traffic mirrors", operation_id = "removeSourcesFromTrafficMirrorSession", request_body = Object,
    responses((status = 404, description = "There is none")))]
async fn remove_sources(
    Path((_, id)): Path<(String, String)>,
    identity: Identity,
    Body(_): Body<Value>,
) -> Result<Response, Problem> {
    missing(&identity, "session of a traffic mirror", &id)
}

/// All operations; each needs credentials.
pub(super) fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .merge(filters::routes())
        .merge(rules::routes())
        .merge(sessions::routes())
        .routes(routes!(add_sources))
        .routes(routes!(remove_sources))
}
