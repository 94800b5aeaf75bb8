//! Version documents (api-iam §4, api-vpc §0.1).

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, http::HeaderValue};
use serde_json::{Value, json};

use crate::frame::Frame;

/// List the versions of the API; the identity service's when the host name begins with `iam`.
#[utoipa::path(get, path = "/", tag = "Versions", operation_id = "listVersions", responses(
    (status = 200, description = "Versions of the network API"),
    (status = 300, description = "Versions of the identity API"),
))]
pub(crate) async fn root(frame: Frame) -> Response {
    if frame.named().is_some_and(|named| named.service.eq_ignore_ascii_case("iam")) {
        let body = json!({"versions": {"values": [identity(&frame)]}});
        return (StatusCode::MULTIPLE_CHOICES, Json(body)).into_response();
    }
    let versions: Vec<Value> = ["v1", "v2.0", "v3"].iter().map(|id| network(id, &frame)).collect();
    Json(json!({"versions": versions})).into_response()
}

/// Show the version of the network API that OpenStack clients speak.
#[utoipa::path(get, path = "/v2.0", tag = "Versions", operation_id = "showNetworkVersion",
    responses((status = 200, description = "The version")))]
pub(crate) async fn show_network(frame: Frame) -> Response {
    let mut response = Json(json!({"version": network("v2.0", &frame)})).into_response();
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("host"));
    response
}

fn network(id: &str, frame: &Frame) -> Value {
    let links = [json!({"href": format!("{}/{id}/", frame.base), "rel": "self"})];
    json!({"id": id, "status": "CURRENT", "links": links})
}

/// Show the version of the identity API.
#[utoipa::path(get, path = "/v3", tag = "Versions", operation_id = "showIdentityVersion",
    responses((status = 200, description = "The version")))]
pub(crate) async fn show(frame: Frame) -> Response {
    let mut response = Json(json!({"version": identity(&frame)})).into_response();
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("host"));
    response
}

/// The link must name the host that the client used: the Terraform client goes on there.
fn identity(frame: &Frame) -> Value {
    json!({
        "id": "v3.6",
        "status": "stable",
        "updated": "2016-04-04T00:00:00Z",
        "links": [{"rel": "self", "href": format!("{}/v3/", frame.base)}],
        "media-types": [{"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}],
    })
}
