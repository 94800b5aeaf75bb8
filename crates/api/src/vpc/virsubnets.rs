//! Subnets, v3 (api-vpc §5.5).

use axum::Json;
use axum::extract::{Path, State as AxumState};
use control::NetworkView;
use model::{Kind, SubnetId};

use crate::auth::Identity;
use crate::error::Problem;
use crate::extract::path_id;
use crate::frame::Frame;
use crate::query::{Query, v3_page};
use crate::state::State;
use crate::wire::{SCOPE, VirsubnetBody, VirsubnetList, VirsubnetV3, subnet_status};

/// List subnets.
#[utoipa::path(get, path = "/v3/{project_id}/vpc/virsubnets", tag = "Subnets", operation_id = "listVirsubnets",
    params(("id" = Option<String>, Query), ("name" = Option<String>, Query), ("vpc_id" = Option<String>, Query),
        ("status" = Option<String>, Query), ("scope" = Option<String>, Query), ("zone_id" = Option<String>, Query),
        ("description" = Option<String>, Query)),
    responses((status = 200, body = VirsubnetList)))]
pub(crate) async fn list(
    AxumState(state): AxumState<State>,
    identity: Identity,
    frame: Frame,
    query: Query,
) -> Result<Json<VirsubnetList>, Problem> {
    let networks: Vec<NetworkView> = control::networks(&state.catalog(), &identity.project_caller()?)
        .into_iter()
        .filter(|network| query.any("id", network.id) && query.any("name", &network.name))
        .filter(|network| query.any("vpc_id", network.vpc.map(|vpc| vpc.to_string()).unwrap_or_default()))
        .filter(|network| query.any("status", subnet_status(network)) && query.any("scope", SCOPE))
        .filter(|network| {
            network.range.as_ref().is_some_and(|range| {
                query.any("zone_id", &range.availability_zone) && query.any("description", &range.description)
            })
        })
        .collect();
    let (networks, page_info) = v3_page(&query, networks, |network| network.id.to_string())?;
    let virsubnets = networks.iter().filter_map(VirsubnetV3::new).collect();
    Ok(Json(VirsubnetList { request_id: frame.request_id, virsubnets, page_info }))
}

/// Show a subnet.
#[utoipa::path(get, path = "/v3/{project_id}/vpc/virsubnets/{virsubnet_id}", tag = "Subnets",
    operation_id = "showVirsubnet", responses((status = 200, body = VirsubnetBody)))]
pub(crate) async fn show(
    AxumState(state): AxumState<State>,
    Path((_, subnet)): Path<(String, String)>,
    identity: Identity,
    frame: Frame,
) -> Result<Json<VirsubnetBody>, Problem> {
    let id: SubnetId = path_id(&frame, Kind::Subnet, &subnet)?;
    let network = control::network(&state.catalog(), &identity.project_caller()?, id)?;
    let virsubnet = VirsubnetV3::new(&network);
    let virsubnet =
        virsubnet.ok_or_else(|| control::Error::NotFound { kind: Kind::Subnet, id: network.id.to_string() })?;
    Ok(Json(VirsubnetBody { request_id: frame.request_id, virsubnet }))
}
