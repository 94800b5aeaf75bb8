//! What the network API has no field for: warnings about peerings, states of routes.

use axum::Json;
use axum::extract::{Path, State as AxumState};
use model::{Kind, PeeringId, RouteTableId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::Identity;
use crate::error::Problem;
use crate::extract::path_id;
use crate::frame::Frame;
use crate::state::State;
use crate::wire::body;

/// A route and what becomes of packets that it could match.
#[derive(Serialize, ToSchema)]
pub(crate) struct RouteStateObject {
    /// Empty for a system route.
    id: String,
    #[serde(rename = "type")]
    kind: String,
    destination: String,
    nexthop: String,
    description: String,
    /// `active`, `inactive`, `shadowed` or `partly_shadowed`.
    state: &'static str,
    /// Why it is not plainly active; else empty.
    note: String,
}

body! {
    /// Sentences for the user.
    WarningList { "warnings" warnings: Vec<String> }
    /// The routes of a table, system routes first.
    RouteStateList { "routes" routes: Vec<RouteStateObject> }
}

/// Show what will not work as expected about a peering connection.
#[utoipa::path(get, path = "/causeway/v1/warnings/peerings/{id}", tag = "Causeway",
    operation_id = "showPeeringWarnings", responses((status = 200, body = WarningList)))]
pub(crate) async fn peering_warnings(
    AxumState(state): AxumState<State>,
    Path(peering): Path<String>,
    identity: Identity,
    frame: Frame,
) -> Result<Json<WarningList>, Problem> {
    let peering: PeeringId = path_id(&frame, Kind::Peering, &peering)?;
    let view = control::peering(&state.catalog(), &identity.caller(), peering)?;
    Ok(Json(WarningList { warnings: view.warnings.iter().map(ToString::to_string).collect() }))
}

/// Show the routes of a table with their states.
#[utoipa::path(get, path = "/causeway/v1/route-tables/{id}/routes", tag = "Causeway",
    operation_id = "showRouteStates", responses((status = 200, body = RouteStateList)))]
pub(crate) async fn route_states(
    AxumState(state): AxumState<State>,
    Path(table): Path<String>,
    identity: Identity,
    frame: Frame,
) -> Result<Json<RouteStateList>, Problem> {
    let table: RouteTableId = path_id(&frame, Kind::RouteTable, &table)?;
    let view = control::route_table(&state.catalog(), &identity.caller(), table)?;
    // 127.0.0.0/8 exists implicitly and is not shown (api-vpc §3.5).
    let system = view.system.iter().filter(|route| !route.destination.addr().is_loopback());
    let system = system.map(|route| RouteStateObject {
        id: String::new(),
        kind: "local".to_owned(),
        destination: route.destination.to_string(),
        nexthop: "-".to_owned(),
        description: String::new(),
        state: control::RouteState::Active.as_str(),
        note: String::new(),
    });
    let custom = view.routes.iter().map(|view| RouteStateObject {
        id: view.route.id.to_string(),
        kind: view.route.next_hop.kind().to_string(),
        destination: view.route.destination.to_string(),
        nexthop: view.route.next_hop.to_string(),
        description: view.route.description.clone(),
        state: view.state.as_str(),
        note: view.note.clone().unwrap_or_default(),
    });
    Ok(Json(RouteStateList { routes: system.chain(custom).collect() }))
}
