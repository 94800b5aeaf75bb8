//! What keeps a peering connection from working, for the eyes of one of its parties (lifecycle sections 4 and 7).

use axum::Json;
use axum::extract::{Path, State as AxumState};
use model::{Kind, PeeringId};
use serde::Serialize;
use sim::doctor::examine;
use utoipa::ToSchema;

use super::repair::{Eyes, RepairObject};
use super::trace::compute;
use crate::auth::Identity;
use crate::error::Problem;
use crate::extract::path_id;
use crate::frame::Frame;
use crate::state::State;

/// The checklist for a peering connection.
#[derive(Serialize, ToSchema)]
pub(crate) struct DiagnosisObject {
    /// Id of the peering connection.
    peering: String,
    name: String,
    status: &'static str,
    /// There is no problem that the caller can see.
    healthy: bool,
    /// In the order in which the documents go through them.
    items: Vec<ItemObject>,
}

/// One line of the checklist.
#[derive(Serialize, ToSchema)]
pub(crate) struct ItemObject {
    /// `state`, `edge-sites`, `overlap`, `routes`, `shadowed-routes`, `security-groups`, `network-acls`, `servers`,
    /// `next-hops` or `guests`.
    check: &'static str,
    /// `this`: the caller's VPC (the requester's for who is on both sides); `other`; `both`.
    side: &'static str,
    /// `ok`, `problem`, or `unknown` for what the caller or the platform cannot see.
    finding: &'static str,
    /// A sentence or two for people.
    text: String,
    /// Changes that mend it, in their order.
    repairs: Vec<RepairObject>,
}

/// Examine a peering connection: what is in order, what is not and what to do, what the caller cannot know.
#[utoipa::path(get, path = "/causeway/v1/peerings/{id}/doctor", tag = "Causeway", operation_id = "examinePeering",
    responses((status = 200, body = DiagnosisObject)))]
pub(crate) async fn doctor(
    AxumState(state): AxumState<State>,
    Path(peering): Path<String>,
    identity: Identity,
    frame: Frame,
) -> Result<Json<DiagnosisObject>, Problem> {
    let id: PeeringId = path_id(&frame, Kind::Peering, &peering)?;
    let catalog = state.catalog();
    // Who is no party to it does not learn that it exists.
    let view = control::peering(&catalog, &identity.caller(), id)?;
    let (eyes, limits) = (Eyes::of(&identity), state.limits().clone());
    let answer = compute(move || {
        let diagnosis = examine(&catalog, id, eyes.viewer, &limits)?;
        let healthy = diagnosis.healthy();
        let items = diagnosis.items.into_iter().map(|item| ItemObject {
            check: item.check,
            side: item.side.as_str(),
            finding: item.finding.as_str(),
            text: item.text,
            repairs: item.repairs.into_iter().map(|repair| RepairObject::new(&catalog, repair, eyes)).collect(),
        });
        Some(DiagnosisObject {
            peering: id.to_string(),
            name: view.peering.name.clone(),
            status: view.peering.status.as_str(),
            healthy,
            items: items.collect(),
        })
    });
    // It was there a moment ago, in the same catalog: an end is gone.
    let answer = answer.await?.ok_or_else(|| Problem::internal("a VPC of the peering is gone"))?;
    Ok(Json(answer))
}
