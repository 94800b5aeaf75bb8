//! The audit log's side of a request: what is known of it while it is served, and what becomes of its refusal.
//!
//! What a request changes is told by the driver, in the commit itself. It needs to know where the change comes from, and
//! that is known here: [`observe`] keeps an [`Attempt`] for the time that a request is served, authentication fills it in,
//! and [`crate::state::State`] hands it to the driver. A task's own variable carries it, so that no handler can forget it.

mod attempt;
mod operations;
mod refusals;
mod source;

use std::sync::Arc;

use axum::extract::{MatchedPath, RawPathParams, Request, State as AxumState};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use control::Origin;
use model::EventResult;

pub(crate) use attempt::{Attempt, current};
pub(crate) use operations::Operations;
pub(crate) use refusals::Refusals;

use crate::auth::{WRONG_SIGNATURE, last_object};
use crate::error::{Problem, answer};
use crate::frame::Frame;
use crate::serve::Connection;
use crate::state::State;

tokio::task_local! {
    /// The request that this task serves.
    static ATTEMPT: Arc<Attempt>;
}

/// Characters of a client's name for itself that are kept.
const USER_AGENT: usize = 256;
/// Characters of what an answer said that are kept.
const MESSAGE: usize = 512;

/// The middleware around every operation.
pub(crate) async fn observe(
    AxumState(state): AxumState<State>,
    path: MatchedPath,
    params: RawPathParams,
    frame: Frame,
    request: Request,
    next: Next,
) -> Response {
    let target = last_object(params.iter());
    let peer = request.extensions().get::<Connection>().map(|connection| connection.peer.ip());
    let user_agent = request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    let operations = state.operations();
    let attempt = Arc::new(Attempt::new(Origin {
        source: source::client(peer, request.headers(), state.names().trusted_proxies()),
        user_agent: user_agent.map(|text| text.chars().take(USER_AGENT).collect()),
        request_id: Some(frame.request_id.clone()),
        target: target.and_then(|id| operations::target(path.as_str(), id)),
        ..Origin::system(operations.id(request.method(), path.as_str()))
    }));
    let reads = operations.reads(request.method(), path.as_str());
    let unfinished = Unfinished { state: &state, attempt: &attempt, reads };
    let response = ATTEMPT.scope(Arc::clone(&attempt), next.run(request)).await;
    std::mem::forget(unfinished);

    if response.status().is_client_error() || response.status().is_server_error() {
        let result = match response.extensions().get::<Problem>() {
            Some(problem) => {
                let answer = answer(problem, frame.family, frame.resource);
                failure(answer.status, &answer.code, answer.internal, &answer.message)
            }
            None => failure(response.status(), "", "refused", "The request was refused."),
        };
        refuse(&state, &attempt, reads, result);
    }
    response
}

fn failure(status: StatusCode, code: &str, error: &str, message: &str) -> EventResult {
    // What was signed is in the answer, for who signed it; it may be long, and hold a security token.
    let message = if error == WRONG_SIGNATURE { "verify aksk signature fail" } else { message };
    let message = message.chars().take(MESSAGE).collect();
    EventResult::Failure { status: status.as_u16(), code: code.to_owned(), error: error.to_owned(), message }
}

/// Puts a refusal on the way into the log. Of reads only those whose credentials were refused are told.
fn refuse(state: &State, attempt: &Attempt, reads: bool, result: EventResult) {
    let proven = attempt.is_proven();
    if attempt.is_rehearsal() || (reads && proven) {
        return;
    }
    if let Some(event) = attempt.origin().refused(state.now(), result) {
        state.refusals().put(state.shared_driver(), event, proven);
    }
}

/// A request whose handler did not come to an end. Only a panic is told: when the client went away, nobody was refused
/// anything, and what was committed has its event.
struct Unfinished<'a> {
    state: &'a State,
    attempt: &'a Attempt,
    reads: bool,
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let message = "The system error. The server's log says more under this request id.";
            let result = failure(StatusCode::INTERNAL_SERVER_ERROR, "", "internal", message);
            refuse(self.state, self.attempt, self.reads, result);
        }
    }
}
