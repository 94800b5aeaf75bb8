//! The documents that are checked in are those of the code. `CAUSEWAY_BLESS=1` writes them.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use api::{Family, Problem, Resource, answer};
use axum::body::Body;
use axum::http::Request;
use control::{AddressGroupUse, CidrProblem, Error, GroupUse, Quota, SubnetUse, VpcUse};
use model::{
    AccountId, AddressGroupId, CidrError, CidrReservationId, Direction, Kind, NameError, NetworkAclId,
    NetworkAclPolicyId, NetworkAclRuleId, NextHopType, PeeringId, PeeringStatus, PortId, RouteTableId, SecurityGroupId,
    SecurityGroupRuleId, ServerId, SubnetId, TagError, VpcId,
};
use serde_json::Value;
use uuid::Uuid;

use crate::fixture::{World, checked_in};

#[tokio::test]
async fn the_openapi_document_is_checked_in() {
    let world = World::new().await;
    let served = world.raw(Request::get("/openapi.json").body(Body::empty()).unwrap()).await;
    assert_eq!(served.status.as_u16(), 200);
    assert_eq!(served.text, api::document());
    checked_in("openapi.json", &served.text);
}

/// Every operation has an id of its own, and a path parameter for each brace.
#[test]
fn operations_are_described() {
    let document: Value = serde_json::from_str(&api::document()).unwrap();
    let mut names = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap_or_else(|| panic!("{method} {path} has no id"));
            assert!(names.insert(name.to_owned()), "{name} twice");
            assert!(operation["summary"].is_string(), "{method} {path} has no summary");
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let in_path = parameters.iter().filter(|parameter| parameter["in"] == "path").count();
            assert_eq!(in_path, path.matches('{').count(), "{method} {path}");
        }
    }
    assert!(names.len() > 80, "{}", names.len());
}

/// A status that the document does not list is a fault of the server, so it lists them one by one.
#[test]
fn operations_name_their_refusals() {
    let document: Value = serde_json::from_str(&api::document()).unwrap();
    let statuses = |path: &str, method: &str| -> BTreeSet<String> {
        document["paths"][path][method]["responses"].as_object().unwrap().keys().cloned().collect()
    };
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let statuses = statuses(path, method);
            assert!(!statuses.contains("default"), "{method} {path}: {statuses:?}");
            assert!(statuses.contains("400") && statuses.contains("500"), "{method} {path}: {statuses:?}");
        }
    }
    let all = |codes: &[&str]| codes.iter().map(|code| (*code).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(
        statuses("/v1/{project_id}/vpcs", "get"),
        all(&["200", "400", "401", "403", "413", "500"]),
        "a list names no object"
    );
    assert_eq!(
        statuses("/v1/{project_id}/vpcs/{vpc_id}", "delete"),
        all(&["204", "400", "401", "403", "404", "409", "413", "500", "503"]),
    );
    assert_eq!(statuses("/v3", "get"), all(&["200", "400", "500"]), "no credentials, no 401");
}

/// One of each refusal.
fn refusals() -> Vec<(&'static str, Error)> {
    let uuid = Uuid::nil();
    let net = "10.0.0.0/24".parse().unwrap();
    let destination = ipnet::IpNet::V4(net);
    let (vpc, subnet, port) = (VpcId::new(uuid), SubnetId::new(uuid), PortId::new(uuid));
    let (peering, group, table) = (PeeringId::new(uuid), SecurityGroupId::new(uuid), RouteTableId::new(uuid));
    let server = ServerId::new(uuid);
    let (acl, policy) = (NetworkAclId::new(uuid), NetworkAclPolicyId::new(uuid));
    let rule = NetworkAclRuleId::new(uuid);
    let id = String::new();
    let missing = |kind| Error::NotFound { kind, id: String::new() };
    let quota = |resource| Error::QuotaExceeded { resource, used: 1, limit: 1 };
    let name = || NameError::Length { what: "name", length: 0, min: 1, max: 64 };
    vec![
        ("VPC missing", missing(Kind::Vpc)),
        ("subnet missing", missing(Kind::Subnet)),
        ("route table missing", missing(Kind::RouteTable)),
        ("route missing", missing(Kind::Route)),
        ("peering missing", missing(Kind::Peering)),
        ("security group missing", missing(Kind::SecurityGroup)),
        ("port missing", missing(Kind::Port)),
        ("server missing", missing(Kind::Server)),
        ("network ACL missing", missing(Kind::NetworkAcl)),
        ("network ACL policy missing", missing(Kind::NetworkAclPolicy)),
        ("network ACL rule missing", missing(Kind::NetworkAclRule)),
        ("address group missing", missing(Kind::AddressGroup)),
        ("project missing", missing(Kind::Project)),
        ("rule missing", Error::RuleNotFound { id: id.clone() }),
        ("not the caller's role", Error::NotAuthorized(String::new())),
        ("no project named", Error::NoProject),
        ("name", Error::InvalidName(name())),
        ("description", Error::InvalidDescription(name())),
        ("other field", Error::InvalidParameter { field: "x", reason: String::new() }),
        ("enterprise project", Error::InvalidParameter { field: "enterprise_project_id", reason: String::new() }),
        ("VPC name in use", Error::NameTaken { kind: Kind::Vpc, name: id.clone() }),
        ("other name in use", Error::NameTaken { kind: Kind::Account, name: id.clone() }),
        ("VPC quota", quota(Quota::Vpcs)),
        ("subnet quota", quota(Quota::Subnets)),
        ("route quota", quota(Quota::Routes)),
        ("peering quota", quota(Quota::Peerings)),
        ("security group quota", quota(Quota::SecurityGroups)),
        ("rule quota", quota(Quota::SecurityGroupRules)),
        ("network ACL quota", quota(Quota::NetworkAcls)),
        ("address group quota", quota(Quota::AddressGroups)),
        ("tags", Error::InvalidTags(TagError::Length)),
        ("no such tag", Error::TagNotFound { key: String::new() }),
        ("not supported", Error::NotSupported(String::new())),
        ("installation exhausted", Error::Exhausted { what: "x" }),
        ("CIDR", Error::InvalidCidr(CidrError::Syntax(String::new()))),
        ("secondary CIDR overlaps", Error::VpcCidr { cidr: net, problem: CidrProblem::Overlaps { with: net } }),
        ("secondary CIDR unknown", Error::VpcCidr { cidr: net, problem: CidrProblem::NotOfVpc }),
        ("secondary CIDR in use", Error::VpcCidr { cidr: net, problem: CidrProblem::HasSubnets { subnets: vec![] } }),
        ("CIDR leaves out a subnet", Error::VpcCidr { cidr: net, problem: CidrProblem::LeavesOut { subnet: net } }),
        ("VPC has subnets", Error::VpcInUse { vpc, by: vec![VpcUse::Subnets(vec![])] }),
        ("VPC has peerings", Error::VpcInUse { vpc, by: vec![VpcUse::Peerings(vec![])] }),
        ("VPC has routes", Error::VpcInUse { vpc, by: vec![VpcUse::Routes(vec![])] }),
        ("subnet outside the VPC", Error::CidrNotInVpc { cidr: net, blocks: vec![] }),
        ("subnet overlaps", Error::SubnetOverlap { cidr: net, existing: net, name: id.clone() }),
        ("IPv6 prefix in use", Error::Ipv6PrefixInUse { cidr: "2001:db8::/64".parse().unwrap() }),
        ("subnet of another VPC", Error::SubnetNotInVpc { subnet, vpc }),
        ("subnet has servers", Error::SubnetInUse { subnet, by: SubnetUse::Servers(vec![]) }),
        ("subnet has private addresses", Error::SubnetInUse { subnet, by: SubnetUse::PrivateIps(vec![]) }),
        ("subnet has next hops", Error::SubnetInUse { subnet, by: SubnetUse::Routes(vec![]) }),
        ("address not usable", Error::InvalidAddress { address: [10, 0, 0, 0].into(), cidr: destination, reason: "x" }),
        ("address in use", Error::AddressInUse { address: [10, 0, 0, 0].into(), port }),
        ("subnet full", Error::NoFreeAddress { subnet, cidr: destination }),
        ("port of a server", Error::PortInUse { port, server }),
        ("next hop of routes", Error::NextHopInUse { kind: Kind::Port, id, routes: vec![] }),
        ("destination repeats", Error::RouteDuplicateDestination { destination }),
        ("destination inside a local route", Error::RouteConflictsWithLocal { destination, local: destination }),
        ("next hop not in the VPC", Error::NextHopNotInVpc { kind: NextHopType::Peering, next_hop: String::new() }),
        ("next hop of the other family", Error::NextHopFamily { kind: NextHopType::Ecs, destination }),
        ("next hop's state", Error::NextHopState { peering, status: PeeringStatus::Rejected }),
        ("next-hop type", Error::NextHopTypeNotSupported { kind: NextHopType::Vpn }),
        ("no such route in the table", Error::RouteNotFound { destination }),
        ("system route", Error::SystemRoute { destination }),
        ("default table", Error::DefaultTable { table, reason: "x" }),
        ("table in use", Error::TableInUse { table, subnets: vec![] }),
        ("subnet not on the table", Error::SubnetNotOnTable { subnet, table }),
        ("peer VPC missing", Error::PeerNotFound),
        ("different regions", Error::DifferentRegion),
        ("same VPC", Error::SelfPeering),
        ("second peering", Error::DuplicatePeering { peering, name: String::new(), status: PeeringStatus::Active }),
        ("peering's state", Error::InvalidState { peering, status: PeeringStatus::Active, operation: "accepted" }),
        ("group in use", Error::GroupInUse { group, by: GroupUse::Ports(vec![]) }),
        ("default group", Error::DefaultGroup { group }),
        ("rule exists", Error::RuleExists { group, rule: SecurityGroupRuleId::new(uuid) }),
        ("subnet has another network ACL", Error::SubnetHasNetworkAcl { subnet, acl, name: String::new() }),
        ("subnet not under the network ACL", Error::SubnetNotOnNetworkAcl { subnet, acl }),
        ("network ACL has subnets", Error::NetworkAclInUse { acl, subnets: vec![] }),
        ("rule not in the network ACL", Error::RuleNotInNetworkAcl { rule, acl, direction: Direction::Ingress }),
        ("network ACL policy in use", Error::NetworkAclPolicyInUse { policy, acls: vec![] }),
        ("network ACL rule in use", Error::NetworkAclRuleInUse { rule, policies: vec![] }),
        ("rule in the policy already", Error::RuleInPolicy { rule, policy }),
        ("rule not in the policy", Error::RuleNotInPolicy { rule, policy }),
        (
            "address group in use",
            Error::AddressGroupInUse { group: AddressGroupId::new(uuid), by: AddressGroupUse::SecurityGroups(vec![]) },
        ),
        ("network missing", missing(Kind::Network)),
        ("CIDR reservation missing", missing(Kind::CidrReservation)),
        ("network on no router", Error::NetworkNotAttached { network: subnet }),
        ("network on a router", Error::NetworkAttached { network: subnet, vpc }),
        ("subnet not on the router", Error::RouterInterfaceNotFound { router: vpc, subnet: uuid }),
        (
            "CIDR reservation overlaps",
            Error::CidrReservationOverlap {
                cidr: destination,
                existing: destination,
                id: CidrReservationId::new(uuid),
            },
        ),
        ("no block of this size", Error::NoFreeBlock { subnet, cidr: destination, mask: 28 }),
        ("subnet has an IPv6 range", Error::SubnetInUse { subnet, by: SubnetUse::Ipv6("fd00::/64".parse().unwrap()) }),
        ("subnet has reservations", Error::SubnetInUse { subnet, by: SubnetUse::CidrReservations(vec![]) }),
        ("reservation quota", quota(Quota::CidrReservations)),
        ("policy in use", Error::PolicyInUse { policy: model::PolicyId::new(uuid), users: vec![] }),
        ("account in use", Error::AccountInUse { account: AccountId::new(uuid), by: vec![] }),
        ("too many changes at once", Error::Busy),
        ("store out of order", Error::Unavailable(String::new())),
    ]
}

/// The resource in whose calls a refusal is at home.
fn home(error: &Error) -> Resource {
    match error {
        Error::NotFound { kind, .. } => match kind {
            Kind::Subnet => Resource::Subnet,
            Kind::Network => Resource::Network,
            Kind::CidrReservation => Resource::Other,
            Kind::RouteTable => Resource::RouteTable,
            Kind::Route => Resource::Route,
            Kind::Peering => Resource::Peering,
            Kind::SecurityGroup => Resource::SecurityGroup,
            Kind::Port => Resource::Port,
            Kind::NetworkAcl | Kind::NetworkAclPolicy | Kind::NetworkAclRule | Kind::AddressGroup => Resource::Other,
            _ => Resource::Vpc,
        },
        Error::TagNotFound { .. } => Resource::Tag,
        Error::CidrNotInVpc { .. }
        | Error::SubnetOverlap { .. }
        | Error::Ipv6PrefixInUse { .. }
        | Error::SubnetNotInVpc { .. }
        | Error::SubnetInUse { .. }
        | Error::NetworkNotAttached { .. } => Resource::Subnet,
        Error::NetworkAttached { .. } => Resource::Network,
        Error::RouterInterfaceNotFound { .. } => Resource::Router,
        Error::CidrReservationOverlap { .. } | Error::NoFreeBlock { .. } => Resource::Other,
        Error::InvalidAddress { .. }
        | Error::AddressInUse { .. }
        | Error::NoFreeAddress { .. }
        | Error::PortInUse { .. } => Resource::Port,
        Error::PeerNotFound
        | Error::DifferentRegion
        | Error::SelfPeering
        | Error::DuplicatePeering { .. }
        | Error::InvalidState { .. } => Resource::Peering,
        Error::RouteNotFound { .. } | Error::NextHopNotInVpc { .. } | Error::NextHopFamily { .. } => {
            Resource::RouteTable
        }
        Error::GroupInUse { .. }
        | Error::DefaultGroup { .. }
        | Error::RuleExists { .. }
        | Error::RuleNotFound { .. } => Resource::SecurityGroup,
        Error::SubnetHasNetworkAcl { .. }
        | Error::SubnetNotOnNetworkAcl { .. }
        | Error::NetworkAclInUse { .. }
        | Error::RuleNotInNetworkAcl { .. }
        | Error::NetworkAclPolicyInUse { .. }
        | Error::NetworkAclRuleInUse { .. }
        | Error::RuleInPolicy { .. }
        | Error::RuleNotInPolicy { .. }
        | Error::AddressGroupInUse { .. } => Resource::Other,
        _ => Resource::Vpc,
    }
}

#[test]
fn the_table_of_errors_is_checked_in() {
    let mut text = String::from(
        "# Errors\n\nWhat each family answers to a refusal of a use case, in the calls of the object that it is about. \
         Written by a test of the\ncrate `api`; do not edit. `X-Causeway-Error` carries the code of the second column in \
         every family, and is the\n`error_code` under `/causeway/v1`.\n\n\
         | Refusal | `X-Causeway-Error` | v1 | v2.0 | v3 | `/causeway/v1` |\n| --- | --- | --- | --- | --- | --- |\n",
    );
    for (title, error) in refusals() {
        let resource = home(&error);
        let internal = error.code();
        let problem = Problem::from(error);
        let cell = |family| {
            let answer = answer(&problem, family, resource);
            assert!(answer.status.is_client_error() || answer.status.is_server_error(), "{title}");
            assert_eq!(answer.internal, internal);
            let only_v2 =
                matches!(resource, Resource::Peering | Resource::Route | Resource::Network | Resource::Router);
            if only_v2 && matches!(family, Family::V1 | Family::V3) {
                "–".to_owned()
            } else if family == Family::Causeway {
                answer.status.as_u16().to_string()
            } else {
                format!("{} {}", answer.status.as_u16(), answer.code)
            }
        };
        let (v1, v2, v3) = (cell(Family::V1), cell(Family::Neutron), cell(Family::V3));
        let own = cell(Family::Causeway);
        writeln!(text, "| {title} | `{internal}` | {v1} | {v2} | {v3} | {own} |").unwrap();
    }
    checked_in("errors.md", &text);
}

/// In every family a refusal has a code of that family and a status that clients act on (clients §2.2).
#[test]
fn codes_belong_to_their_family() {
    let resources = [
        Resource::Vpc,
        Resource::Subnet,
        Resource::RouteTable,
        Resource::Route,
        Resource::Peering,
        Resource::Port,
        Resource::SecurityGroup,
        Resource::SecurityGroupRule,
        Resource::Quota,
        Resource::Network,
        Resource::Router,
        Resource::PrivateIp,
        Resource::Tag,
        Resource::Other,
    ];
    for (title, error) in refusals() {
        let problem = Problem::from(error);
        for resource in resources {
            for family in Family::NETWORK {
                let answer = answer(&problem, family, resource);
                let code = answer.code.as_ref();
                match family {
                    Family::Neutron => {
                        assert!(code.starts_with(char::is_uppercase) && !code.contains('.'), "{title}: {code}");
                    }
                    _ => assert!(code.starts_with("VPC.") && code.len() == 8, "{title}: {code}"),
                }
            }
        }
    }
}
