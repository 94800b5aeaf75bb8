//! The OpenAPI document: what the handlers declare, and what holds for all of them.

use utoipa::OpenApi as _;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Content, OpenApi, Ref, RefOr, Required, ResponseBuilder, Schema};

use crate::family::Family;

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

/// Operations that need no credentials.
const OPEN: [(&str, &str); 3] = [("/", "get"), ("/v3", "get"), ("/v3/auth/tokens", "post")];

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
    for (name, fields) in [
        ("ErrorV1", &["code", "message"][..]),
        ("ErrorV3", &["request_id", "error_code", "error_msg"]),
        ("NeutronErrorFields", &["type", "message", "detail"]),
        ("KeystoneErrorFields", &["message", "title"]),
    ] {
        components.schemas.insert(name.to_owned(), RefOr::T(texts(fields)));
    }
    for (name, field, of) in
        [("ErrorNeutron", "NeutronError", "NeutronErrorFields"), ("ErrorKeystone", "error", "KeystoneErrorFields")]
    {
        let schema = ObjectBuilder::new().property(field, Ref::from_schema_name(of)).required(field).build();
        components.schemas.insert(name.to_owned(), RefOr::T(Schema::Object(schema)));
    }
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

fn texts(fields: &[&str]) -> Schema {
    let object = fields.iter().fold(ObjectBuilder::new(), |object, field| {
        object.property(*field, ObjectBuilder::new().schema_type(Type::String)).required(*field)
    });
    Schema::Object(object.build())
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    [
        ("get", item.get.as_mut()),
        ("post", item.post.as_mut()),
        ("put", item.put.as_mut()),
        ("delete", item.delete.as_mut()),
        ("head", item.head.as_mut()),
    ]
    .into_iter()
    .filter_map(|(method, operation)| operation.map(|operation| (method, operation)))
}

/// Path parameters, credentials and the family's error body.
fn complete(path: &str, method: &str, operation: &mut Operation) {
    let parameters = operation.parameters.get_or_insert_with(Vec::new);
    for name in path.split(['{', '}']).skip(1).step_by(2) {
        let named = |parameter: &RefOr<Parameter>| matches!(parameter, RefOr::T(parameter) if parameter.name == name);
        if !parameters.iter().any(named) {
            let schema = ObjectBuilder::new().schema_type(Type::String);
            let parameter = ParameterBuilder::new()
                .name(name)
                .parameter_in(ParameterIn::Path)
                .required(Required::True)
                .schema(Some(schema));
            parameters.push(RefOr::T(parameter.build()));
        }
    }
    if !OPEN.contains(&(path, method)) {
        let none: [&str; 0] = [];
        operation.security =
            Some(vec![SecurityRequirement::new("token", none), SecurityRequirement::new("signature", none)]);
    }
    let error = match Family::of(&path.replace("{project_id}", &"0".repeat(32))) {
        Family::V1 => "ErrorV1",
        Family::Neutron => "ErrorNeutron",
        Family::Keystone => "ErrorKeystone",
        Family::V3 | Family::Iam | Family::Causeway | Family::Gateway => "ErrorV3",
    };
    let response = ResponseBuilder::new()
        .description("Refused")
        .content("application/json", Content::new(Some(Ref::from_schema_name(error))))
        .build();
    operation.responses.responses.insert("default".to_owned(), RefOr::T(response));
}
