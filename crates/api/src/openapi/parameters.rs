//! Parameters that many operations share.

use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Required};

use crate::family::Family;
use crate::query::PAGE_LIMIT;

/// Lists without pages.
const WHOLE: [&str; 1] = ["listQuotas"];

/// Adds the parameters in the path, and those of pages to lists (api-vpc §0.4).
pub(super) fn describe(path: &str, method: &str, operation: &mut Operation) {
    let id = operation.operation_id.clone().unwrap_or_default();
    let parameters = operation.parameters.get_or_insert_with(Vec::new);
    for name in path.split(['{', '}']).skip(1).step_by(2) {
        add(parameters, name, ParameterIn::Path, text());
    }
    let family = Family::of(&path.replace("{project_id}", &"0".repeat(32)));
    let is_list = method == "get" && id.starts_with("list") && !path.ends_with('}') && !WHOLE.contains(&id.as_str());
    // Lists of tags are paged by offset, and say so themselves.
    if !is_list || !Family::NETWORK.contains(&family) || path.ends_with("/tags") {
        return;
    }
    let mut limit = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0));
    if family == Family::V3 {
        limit = limit.maximum(Some(PAGE_LIMIT));
    }
    add(parameters, "limit", ParameterIn::Query, limit);
    add(parameters, "marker", ParameterIn::Query, text().format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid))));
    if family == Family::Neutron {
        add(parameters, "page_reverse", ParameterIn::Query, ObjectBuilder::new().schema_type(Type::Boolean));
    }
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

/// Adds a parameter unless the operation declares it itself.
fn add(parameters: &mut Vec<RefOr<Parameter>>, name: &str, place: ParameterIn, schema: ObjectBuilder) {
    let named = |parameter: &RefOr<Parameter>| matches!(parameter, RefOr::T(parameter) if parameter.name == name);
    if parameters.iter().any(named) {
        return;
    }
    let required = if place == ParameterIn::Path { Required::True } else { Required::False };
    let parameter = ParameterBuilder::new().name(name).parameter_in(place).required(required).schema(Some(schema));
    parameters.push(RefOr::T(parameter.build()));
}
