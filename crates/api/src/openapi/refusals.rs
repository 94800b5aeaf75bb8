//! What each operation may answer besides success: a status that is not listed here is a fault of the server.

use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{AnyOfBuilder, Components, ObjectBuilder, Type};
use utoipa::openapi::{Content, Ref, RefOr, ResponseBuilder, Schema};

use crate::family::Family;

/// Operations that need no credentials.
pub(super) const OPEN: [(&str, &str); 4] =
    [("/", "get"), ("/v2.0", "get"), ("/v3", "get"), ("/v3/auth/tokens", "post")];

/// The gateway's own envelope: authentication and sizes, whatever the path (api-iam §8.1).
const GATEWAY: &str = "ErrorV3";

/// Adds the bodies of refusals to the document's schemas (api-errors §1).
pub(super) fn schemas(components: &mut Components) {
    for (name, fields) in [
        ("ErrorV1", &["code", "message"][..]),
        ("ErrorV3", &["request_id", "error_code", "error_msg"]),
        ("ErrorIam", &["error_code", "error_msg"]),
        ("NeutronErrorFields", &["type", "message", "detail"]),
        ("EnterpriseErrorFields", &["error_code", "error_msg"]),
    ] {
        components.schemas.insert(name.to_owned(), RefOr::T(Schema::Object(texts(fields).build())));
    }
    let code = ObjectBuilder::new().schema_type(Type::Integer).description(Some("The status of the answer."));
    let keystone = texts(&["message", "title"]).property("code", code).required("code");
    components.schemas.insert("KeystoneErrorFields".to_owned(), RefOr::T(Schema::Object(keystone.build())));
    for (name, field, of) in [
        ("ErrorNeutron", "NeutronError", "NeutronErrorFields"),
        ("ErrorKeystone", "error", "KeystoneErrorFields"),
        ("ErrorEnterprise", "error", "EnterpriseErrorFields"),
    ] {
        let schema = ObjectBuilder::new().property(field, Ref::from_schema_name(of)).required(field).build();
        components.schemas.insert(name.to_owned(), RefOr::T(Schema::Object(schema)));
    }
}

fn texts(fields: &[&str]) -> ObjectBuilder {
    fields.iter().fold(ObjectBuilder::new(), |object, field| {
        object.property(*field, ObjectBuilder::new().schema_type(Type::String)).required(*field)
    })
}

/// Lists the refusals of an operation, each with its reason and the body of its family.
pub(super) fn describe(path: &str, method: &str, operation: &mut Operation) {
    let family = Family::of(&path.replace("{project_id}", &"0".repeat(32)));
    for (status, reason) in statuses(path, method, family) {
        let mut response = ResponseBuilder::new().description(reason);
        // An answer to HEAD has no body.
        if method != "head" {
            response = response.content("application/json", Content::new(Some(schema(status, family))));
        }
        operation.responses.responses.entry(status.to_string()).or_insert_with(|| RefOr::T(response.build()));
    }
}

/// The statuses that an operation may refuse with, each with its reason.
fn statuses(path: &str, method: &str, family: Family) -> Vec<(u16, &'static str)> {
    let open = OPEN.contains(&(path, method));
    let login = path == "/v3/auth/tokens" && method == "post";
    let reads = matches!(method, "get" | "head");
    let names_an_object = path.replace("{project_id}", "").contains('{') || path == "/v3/auth/tokens";
    let mut statuses = vec![
        (400, "The request is malformed, or what it asks for cannot be."),
        (500, "The server's own fault; its log says more under the answer's request id."),
    ];
    if !open || login {
        statuses.push((401, "No credentials, or wrong ones."));
        statuses.push((413, "The body is larger than 12 MiB."));
    }
    if !open {
        statuses.push((403, "The caller may not do this."));
    }
    // A body names objects as well.
    if names_an_object || (!reads && !login) {
        statuses.push((404, "There is no such object, or it is not visible to the caller."));
    }
    if !reads {
        statuses.push((409, "Another object, a quota or a change in progress is in the way."));
        statuses.push((503, "The installation has no room, or its store does not answer."));
    }
    if family == Family::Causeway && !reads {
        statuses.push((504, "The data plane did not have the state in force in time."));
    }
    // The documented answer to a subnet that is in use (api-vpc §5.3): 400 would tell the Terraform provider that it is
    // gone.
    if path == "/v1/{project_id}/vpcs/{vpc_id}/subnets/{subnet_id}" && method == "delete" {
        statuses.retain(|(status, _)| *status != 500);
        statuses
            .push((500, "The subnet is in use, as the code says (VPC.0208 to VPC.0210); or the server's own fault."));
    }
    statuses
}

/// The body of a refusal.
fn schema(status: u16, family: Family) -> RefOr<Schema> {
    let own = match family {
        Family::V1 => "ErrorV1",
        Family::Neutron => "ErrorNeutron",
        Family::Keystone => "ErrorKeystone",
        Family::Iam => "ErrorIam",
        Family::Enterprise => "ErrorEnterprise",
        Family::V3 | Family::Causeway | Family::Gateway => GATEWAY,
    };
    let reference = |name| RefOr::Ref(Ref::from_schema_name(name));
    match status {
        413 => reference(GATEWAY),
        // The gateway refuses credentials, a request that breaks off, and a parameter that makes another path of it; the
        // identity service refuses a login in its own words.
        400 | 401 | 404 if own != GATEWAY => {
            let either = AnyOfBuilder::new().item(Ref::from_schema_name(own)).item(Ref::from_schema_name(GATEWAY));
            RefOr::T(Schema::AnyOf(either.build()))
        }
        _ => reference(own),
    }
}
