//! Flow logs, v1 (api-vpc §14): not supported. There are none, and none can be made; every operation says so.

use axum::Json;
use axum::extract::Path;
use axum::response::Response;
use control::Error;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::auth::Identity;
use crate::error::Problem;
use crate::extract::Json as Body;
use crate::query::{Query, v1_page};

/// Flow logs.
#[derive(Serialize, ToSchema)]
pub(crate) struct FlowLogList {
    /// Always empty.
    #[schema(value_type = Vec<Object>)]
    flow_logs: Vec<()>,
}

/// List flow logs: there are none.
#[utoipa::path(get, path = "/v1/{project_id}/fl/flow_logs", tag = "Flow logs", operation_id = "listFlowLogs",
    responses((status = 200, body = FlowLogList)))]
pub(crate) async fn list(identity: Identity, query: Query) -> Result<Json<FlowLogList>, Problem> {
    identity.project()?;
    Ok(Json(FlowLogList { flow_logs: v1_page(&query, Vec::new(), |()| String::new())? }))
}

/// Create a flow log: refused, flow logs are not supported.
#[utoipa::path(post, path = "/v1/{project_id}/fl/flow_logs", tag = "Flow logs", operation_id = "createFlowLog",
    request_body = Object, responses((status = 400, description = "Not supported")))]
pub(crate) async fn create(identity: Identity, Body(_): Body<Value>) -> Result<Response, Problem> {
    identity.project()?;
    let text = "flow logs are not supported: this installation writes none; remove the flow log from the request";
    Err(Error::NotSupported(text.to_owned()).into())
}

/// Show a flow log: there is none.
#[utoipa::path(get, path = "/v1/{project_id}/fl/flow_logs/{flowlog_id}", tag = "Flow logs",
    operation_id = "showFlowLog", responses((status = 404, description = "There is none")))]
pub(crate) async fn show(Path((_, id)): Path<(String, String)>, identity: Identity) -> Result<Response, Problem> {
    missing(&identity, &id)
}

/// Change a flow log: there is none.
#[utoipa::path(put, path = "/v1/{project_id}/fl/flow_logs/{flowlog_id}", tag = "Flow logs",
    operation_id = "updateFlowLog", request_body = Object, responses((status = 404, description = "There is none")))]
pub(crate) async fn update(
    Path((_, id)): Path<(String, String)>,
    identity: Identity,
    Body(_): Body<Value>,
) -> Result<Response, Problem> {
    missing(&identity, &id)
}

/// Delete a flow log: there is none.
#[utoipa::path(delete, path = "/v1/{project_id}/fl/flow_logs/{flowlog_id}", tag = "Flow logs",
    operation_id = "deleteFlowLog", responses((status = 404, description = "There is none")))]
pub(crate) async fn delete(Path((_, id)): Path<(String, String)>, identity: Identity) -> Result<Response, Problem> {
    missing(&identity, &id)
}

fn missing(identity: &Identity, id: &str) -> Result<Response, Problem> {
    identity.project()?;
    let id: String = id.chars().take(64).collect();
    Err(Problem::not_found(format!("flow log {id} not found; flow logs are not supported")))
}
