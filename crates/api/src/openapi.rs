//! The OpenAPI document: what the handlers declare, and what holds for all of them.

mod parameters;
mod refusals;

use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityRequirement, SecurityScheme};

const DESCRIPTION: &str = "The network and identity API of Huawei Cloud as far as Causeway serves it, and Causeway's \
    own API under /causeway/v1. Every answer carries X-Request-Id; every refusal X-Causeway-Error with Causeway's own \
    code; a success may carry X-Causeway-Warnings, a percent-encoded JSON array of sentences.";

#[derive(utoipa::OpenApi)]
#[openapi(info(title = "Causeway", description = DESCRIPTION, license(name = "Apache-2.0")))]
struct Base;

/// The document without operations.
pub(crate) fn base() -> OpenApi {
    Base::openapi()
}

/// Adds what holds for all operations and writes the document.
pub(crate) fn text(mut document: OpenApi) -> String {
    let components = document.components.get_or_insert_with(Default::default);
    let header =
        |name: &str, text: &str| SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description(name, text)));
    components.add_security_scheme("token", header("X-Auth-Token", "A token from POST /v3/auth/tokens."));
    components.add_security_scheme(
        "signature",
        header("Authorization", "SDK-HMAC-SHA256 (or V11-HMAC-SHA256) with an access key; X-Sdk-Date is signed."),
    );
    refusals::schemas(components);
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            complete(path, method, operation);
        }
    }
    let mut value = serde_json::to_value(&document).unwrap_or_default();
    // The file that is checked in must not depend on the features that serde_json happens to be built with.
    value.sort_all_objects();
    let mut text = serde_json::to_string_pretty(&value).unwrap_or_default();
    text.push('\n');
    text
}

/// The operations of a path, by method.
pub(crate) fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    [
        ("get", item.get.as_mut()),
        ("post", item.post.as_mut()),
        ("put", item.put.as_mut()),
        ("patch", item.patch.as_mut()),
        ("delete", item.delete.as_mut()),
        ("head", item.head.as_mut()),
    ]
    .into_iter()
    .filter_map(|(method, operation)| operation.map(|operation| (method, operation)))
}

/// Parameters, credentials and refusals.
fn complete(path: &str, method: &str, operation: &mut Operation) {
    parameters::describe(path, method, operation);
    if !refusals::OPEN.contains(&(path, method)) {
        let none: [&str; 0] = [];
        operation.security =
            Some(vec![SecurityRequirement::new("token", none), SecurityRequirement::new("signature", none)]);
    }
    refusals::describe(path, method, operation);
}
