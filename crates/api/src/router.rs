//! All routes and what is around them.

use std::any::Any;
use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::http::header;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use crate::audit::observe;
use crate::auth::{authenticate, authorize};
use crate::error::Problem;
use crate::extract::BODY_LIMIT;
use crate::frame::{Framing, frame};
use crate::state::State;
use crate::{causeway, enterprise, iam, openapi, vpc};

/// Serves the API. Needs a multi-threaded Tokio runtime: passwords are checked on blocking threads.
pub fn router(state: State) -> Router {
    let (routes, document) = parts(&state);
    let names = state.names();
    state.name_operations(document);
    let routes = routes
        .route("/openapi.json", get(served_document))
        .fallback(|| async {
            Problem::no_such_api("The API does not exist or has not been published in the environment.")
        })
        .method_not_allowed_fallback(|| async { Problem::no_such_api("The API does not exist.") })
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(state);
    // The frame must see requests before they are routed, so the routes are a service inside a router without any.
    let framing = Framing { ids: Arc::new(|| Uuid::new_v4().simple().to_string()), names };
    let around =
        ServiceBuilder::new().layer(from_fn_with_state(framing, frame)).layer(CatchPanicLayer::custom(panicked));
    Router::new().fallback_service(routes).layer(around)
}

/// The OpenAPI document, as `/openapi.json` serves it.
#[must_use]
pub fn document() -> String {
    openapi::text(described())
}

/// What the handlers declare.
pub(crate) fn described() -> OpenApi {
    routes(&|router| router).split_for_parts().1
}

/// Written when somebody asks for it: a megabyte that most servers never need.
async fn served_document() -> Result<Response, Problem> {
    static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| document().into());
    let text = tokio::task::spawn_blocking(|| DOCUMENT.clone()).await.map_err(Problem::internal)?;
    Ok(([(header::CONTENT_TYPE, "application/json")], text).into_response())
}

fn parts(state: &State) -> (Router<State>, OpenApi) {
    // The layer that is added last runs first.
    let guard = |router: OpenApiRouter<State>| {
        let authorized = router.route_layer(from_fn_with_state(state.clone(), authorize));
        authorized.route_layer(from_fn_with_state(state.clone(), authenticate))
    };
    routes(&guard).route_layer(from_fn_with_state(state.clone(), observe)).split_for_parts()
}

/// The routes, those that need credentials behind `guard`.
fn routes(guard: &dyn Fn(OpenApiRouter<State>) -> OpenApiRouter<State>) -> OpenApiRouter<State> {
    let closed = OpenApiRouter::with_openapi(openapi::base())
        .merge(vpc::routes())
        .merge(iam::closed())
        .merge(enterprise::routes())
        .merge(causeway::routes());
    guard(closed).merge(iam::open()).merge(vpc::unknown())
}

#[allow(clippy::needless_pass_by_value, reason = "the layer's signature")]
fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("unknown");
    Problem::internal(format!("a handler panicked: {text}")).into_response()
}
