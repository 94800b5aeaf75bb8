//! What operators may do to peering connections of others.

use axum::extract::{Path, State as AxumState};
use axum::response::Response;
use model::{Kind, PeeringId};

use crate::auth::Identity;
use crate::error::Problem;
use crate::extract::path_id;
use crate::frame::Frame;
use crate::state::State;

/// Expire a request that was not answered, as if its time were over. Operators only.
#[utoipa::path(post, path = "/causeway/v1/peerings/{id}/expire", tag = "Causeway", operation_id = "expirePeering",
    responses((status = 204)))]
pub(crate) async fn expire(
    AxumState(state): AxumState<State>,
    Path(peering): Path<String>,
    identity: Identity,
    frame: Frame,
) -> Result<Response, Problem> {
    if !identity.is_operator() {
        return Err(Problem::forbidden("only the operator's account may expire requests"));
    }
    let peering: PeeringId = path_id(&frame, Kind::Peering, &peering)?;
    let done = state
        .commit(&identity.account_caller(), move |catalog, caller, ctx| {
            control::expire_peering(catalog, caller, ctx, peering)
        })
        .await?;
    Ok(done.gone())
}
