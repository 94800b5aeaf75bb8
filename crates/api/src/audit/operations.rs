//! What a method and a path are called: the operation ids of the OpenAPI document.

use std::collections::HashMap;

use axum::http::Method;
use model::{EventResource, Kind};
use utoipa::openapi::OpenApi;
use utoipa::openapi::path::Operation;

use crate::auth::NO_OBJECT;
use crate::openapi::operations;

/// Operations that change nothing, though their method is not `GET`: they only ask.
const QUESTIONS: [&str; 3] = ["trace", "reach", "probe"];

/// How paths end that only look for objects.
const SEARCHES: [&str; 3] = ["/filter", "/count", "/resource_instances/action"];

/// Operation ids by path and method.
#[derive(Debug, Default)]
pub(crate) struct Operations(HashMap<String, HashMap<Method, String>>);

impl Operations {
    /// Those of an OpenAPI document.
    pub(crate) fn of(document: OpenApi) -> Self {
        let paths = document.paths.paths.into_iter();
        Self(paths.map(|(path, mut item)| (path, operations(&mut item).filter_map(named).collect())).collect())
    }

    /// The id of an operation; `unknown` for one that the document does not have.
    pub(crate) fn id(&self, method: &Method, path: &str) -> &str {
        self.0.get(path).and_then(|methods| methods.get(method)).map_or("unknown", String::as_str)
    }

    /// Whether an operation changes nothing by what it is.
    pub(crate) fn reads(&self, method: &Method, path: &str) -> bool {
        *method == Method::GET
            || *method == Method::HEAD
            || QUESTIONS.contains(&self.id(method, path))
            || SEARCHES.iter().any(|end| path.ends_with(end))
    }
}

fn named((method, operation): (&str, &mut Operation)) -> Option<(Method, String)> {
    Some((method.to_uppercase().parse().ok()?, operation.operation_id.take()?))
}

/// The object that the last parameter of a path names: its kind is said by the segment before.
pub(super) fn target(path: &str, id: &str) -> Option<EventResource> {
    let names_object = |segment: &str| {
        let name = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        name.is_some_and(|name| !NO_OBJECT.contains(&name))
    };
    let mut segments = path.rsplit('/').skip_while(|segment| !names_object(segment));
    segments.next()?;
    let collection = segments.next()?;
    let kind = match collection {
        "vpcs" | "routers" => Kind::Vpc.prefix(),
        "subnets" | "networks" => Kind::Subnet.prefix(),
        "virsubnet-cidr-reservations" => Kind::CidrReservation.prefix(),
        "routetables" => Kind::RouteTable.prefix(),
        "routes" => Kind::Route.prefix(),
        "peerings" => Kind::Peering.prefix(),
        "ports" | "vips" | "privateips" | "sub-network-interfaces" => Kind::Port.prefix(),
        "security-groups" => Kind::SecurityGroup.prefix(),
        "security-group-rules" => "security-group-rule",
        "firewalls" | "firewall_groups" => Kind::NetworkAcl.prefix(),
        "firewall_policies" => Kind::NetworkAclPolicy.prefix(),
        "firewall_rules" => Kind::NetworkAclRule.prefix(),
        "address-groups" => Kind::AddressGroup.prefix(),
        "servers" => Kind::Server.prefix(),
        "accounts" => Kind::Account.prefix(),
        "users" => Kind::User.prefix(),
        "projects" => Kind::Project.prefix(),
        "roles" | "policies" => Kind::Policy.prefix(),
        "credentials" | "access-keys" => Kind::AccessKey.prefix(),
        "network-ip-availabilities" | "virsubnets" => Kind::Subnet.prefix(),
        "route-tables" => Kind::RouteTable.prefix(),
        "enterprise-projects" => "enterprise-project",
        "flow_logs" => "flow-log",
        "traffic-mirror-filters" => "traffic-mirror-filter",
        "traffic-mirror-filter-rules" => "traffic-mirror-filter-rule",
        "traffic-mirror-sessions" => "traffic-mirror-session",
        "events" => "event",
        "extensions" => "extension",
        "services" => "service",
        "endpoints" => "endpoint",
        other => other,
    };
    // What a client wrote is repeated as far as an id can be.
    let id = id.chars().take(64).collect();
    Some(EventResource { kind: kind.to_owned(), id, name: String::new() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "literals")]
    use super::*;

    #[test]
    fn operations_are_named_as_in_the_document() {
        let operations = Operations::of(crate::router::described());
        assert_eq!(operations.id(&Method::POST, "/v1/{project_id}/vpcs"), "createVpc");
        assert_eq!(operations.id(&Method::PUT, "/v2.0/vpc/peerings/{peering_id}/accept"), "acceptVpcPeering");
        assert_eq!(operations.id(&Method::POST, "/nowhere"), "unknown");
        for question in QUESTIONS {
            let known = operations.0.values().flat_map(HashMap::values).any(|id| id == question);
            assert!(known, "{question} is no operation");
        }
        assert!(operations.reads(&Method::POST, "/causeway/v1/trace"));
        assert!(!operations.reads(&Method::POST, "/v1/{project_id}/vpcs"));
    }

    #[test]
    fn the_last_parameter_of_a_path_is_the_target() {
        let kind = |path| target(path, "x").map(|target| target.kind);
        assert_eq!(kind("/v1/{project_id}/vpcs/{vpc_id}/subnets/{subnet_id}").unwrap(), "subnet");
        assert_eq!(kind("/v2.0/vpc/peerings/{peering_id}/accept").unwrap(), "peering");
        assert_eq!(kind("/causeway/v1/vips/{id}/bind").unwrap(), "port");
        assert_eq!(kind("/causeway/v1/servers"), None);
        assert_eq!(kind("/v2.0/{project_id}/vpcs/{vpc_id}/tags/{key}").unwrap(), "vpc");
        assert_eq!(kind("/v3/{project_id}/ports/{port_id}/tags/{tag_key}").unwrap(), "port");
        assert_eq!(kind("/v3/{project_id}/ports/tags"), None);
    }

    /// A kind is one thing: no path's own word for many of them gets into the log.
    #[test]
    fn every_path_names_its_target_in_the_logs_words() {
        let mut kinds = std::collections::BTreeSet::new();
        for path in Operations::of(crate::router::described()).0.keys() {
            kinds.extend(target(path, "x").map(|target| target.kind));
        }
        let many: Vec<&String> = kinds.iter().filter(|kind| kind.ends_with('s') || kind.contains('_')).collect();
        assert!(many.is_empty(), "kinds without a line in target(): {many:?}");
        assert!(kinds.len() > 20, "{kinds:?}");
    }
}
