//! What the server is and what there is.

use agent::DatapathKind;
use axum::Json;
use axum::extract::State as AxumState;
use serde::Serialize;
use utoipa::ToSchema;

use super::accounts::{AccountObject, ProjectName};
use crate::auth::Identity;
use crate::state::State;

/// The server, its data plane, and what the caller has.
#[derive(Serialize, ToSchema)]
pub(crate) struct Status {
    version: &'static str,
    /// `kernel` or `sim`.
    datapath: &'static str,
    /// A sentence that says what forwards, and why it was chosen.
    datapath_note: String,
    regions: Vec<RegionObject>,
    /// Revision of the store.
    revision: u64,
    counts: Counts,
    account: AccountObject,
    projects: Vec<ProjectName>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct RegionObject {
    id: String,
    edge_sites: Vec<String>,
    availability_zones: Vec<String>,
}

/// How many objects the caller sees: its account's, an operator all.
#[derive(Serialize, ToSchema)]
pub(crate) struct Counts {
    vpcs: usize,
    subnets: usize,
    ports: usize,
    servers: usize,
    peerings: usize,
    /// Custom routes.
    routes: usize,
}

/// Show the server's state.
#[utoipa::path(get, path = "/causeway/v1/status", tag = "Causeway", operation_id = "showStatus",
    responses((status = 200, body = Status)))]
pub(crate) async fn show(AxumState(state): AxumState<State>, identity: Identity) -> Json<Status> {
    let catalog = state.catalog();
    let caller = identity.account_caller();
    let vpcs = control::vpcs(&catalog, &caller);
    let counts = Counts {
        subnets: control::subnets(&catalog, &caller).len(),
        ports: control::ports(&catalog, &caller).len(),
        servers: control::servers(&catalog, &caller).len(),
        peerings: control::peerings(&catalog, &caller).len(),
        routes: vpcs.iter().map(|vpc| catalog.routes_of_vpc(vpc.id).count()).sum(),
        vpcs: vpcs.len(),
    };
    let regions = state
        .regions()
        .iter()
        .map(|region| RegionObject {
            id: region.id.to_string(),
            edge_sites: region.edge_sites.iter().map(ToString::to_string).collect(),
            availability_zones: region.availability_zones.clone(),
        })
        .collect();
    Json(Status {
        version: env!("CARGO_PKG_VERSION"),
        datapath: match state.agent().kind() {
            DatapathKind::Kernel => "kernel",
            DatapathKind::Sim => "sim",
        },
        datapath_note: state.agent().note(),
        regions,
        revision: catalog.revision().0,
        counts,
        account: AccountObject::new(&identity.account),
        projects: catalog.projects_of(identity.account.id).map(|project| ProjectName::new(project)).collect(),
    })
}
