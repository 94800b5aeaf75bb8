//! What each family says of a use case's refusal: the one table of statuses and codes (api-errors §3 to §5).

use axum::http::StatusCode;
use control::{CidrProblem, Error, Quota, SubnetUse, VpcUse};
use model::Kind;

use super::body::invalid_code;
use crate::family::{Family, Resource};

/// Status and code of a refusal in the v1 and v3 families, status and type in v2.0, and the status elsewhere.
struct Row {
    vpc: (StatusCode, &'static str),
    neutron: (StatusCode, &'static str),
    own: StatusCode,
}

/// A row with the same status in all families.
const fn row(status: StatusCode, vpc: &'static str, neutron: &'static str) -> Row {
    Row { vpc: (status, vpc), neutron: (status, neutron), own: status }
}

impl Row {
    /// Another status in v1 and v3.
    const fn vpc(mut self, status: StatusCode) -> Self {
        self.vpc.0 = status;
        self
    }

    /// Another status in v2.0.
    const fn neutron(mut self, status: StatusCode) -> Self {
        self.neutron.0 = status;
        self
    }
}

const BAD: StatusCode = StatusCode::BAD_REQUEST;
const FORBIDDEN: StatusCode = StatusCode::FORBIDDEN;
const MISSING: StatusCode = StatusCode::NOT_FOUND;
const CONFLICT: StatusCode = StatusCode::CONFLICT;
const FAILED: StatusCode = StatusCode::INTERNAL_SERVER_ERROR;
const UNAVAILABLE: StatusCode = StatusCode::SERVICE_UNAVAILABLE;

/// Status and code of a refusal for a family; the resource is the one of the path.
pub(super) fn status_and_code(error: &Error, family: Family, resource: Resource) -> (StatusCode, &'static str) {
    let row = decide(error, family, resource);
    match family {
        Family::V1 | Family::V3 => row.vpc,
        Family::Neutron => row.neutron,
        // The legacy codes of the user calls (api-iam §8.3).
        Family::Iam if matches!(error, Error::NameTaken { kind: Kind::User, .. }) => (BAD, "1109"),
        Family::Iam if matches!(error, Error::QuotaExceeded { resource: Quota::Users, .. }) => (BAD, "1115"),
        Family::Iam => (
            row.own,
            match row.own {
                FORBIDDEN => "IAM.0003",
                MISSING => "IAM.0004",
                CONFLICT => "IAM.0005",
                BAD => "IAM.0007",
                _ => "IAM.0006",
            },
        ),
        Family::Enterprise => (row.own, super::body::enterprise_code(row.own)),
        Family::Keystone | Family::Causeway | Family::Gateway => (row.own, error.code()),
    }
}

fn decide(error: &Error, family: Family, resource: Resource) -> Row {
    let invalid = |neutron| row(BAD, invalid_code(family, resource, neutron, "invalid_request"), neutron);
    match error {
        Error::NotFound { kind, .. } => missing(*kind, family, resource),
        Error::RuleNotFound { .. } => {
            row(MISSING, if family == Family::V3 { "VPC.2204" } else { "VPC.0603" }, "SecurityGroupRuleNotFound")
        }
        Error::NotAuthorized(_) => row(FORBIDDEN, "VPC.2701", "PolicyNotAuthorized"),
        Error::NoProject => row(BAD, "VPC.0007", "HTTPBadRequest"),
        // The same code whatever the object is (api-errors §3.1).
        Error::InvalidParameter { field: "enterprise_project_id", .. } => row(BAD, "VPC.0011", "InvalidInput"),
        Error::InvalidName(_)
        | Error::InvalidDescription(_)
        | Error::InvalidParameter { .. }
        | Error::NotSupported(_) => invalid("InvalidInput"),
        Error::InvalidTags(_) => row(BAD, "VPC.1801", "InvalidInput"),
        Error::TagNotFound { .. } => row(MISSING, "VPC.2204", "TagNotFound"),
        Error::NameTaken { kind: Kind::Vpc, .. } => row(CONFLICT, "VPC.0115", "RouterNameExists").vpc(BAD),
        Error::NameTaken { .. } => row(CONFLICT, "VPC.2500", "NameExists"),
        Error::QuotaExceeded { resource, .. } => row(CONFLICT, quota(*resource), "OverQuota"),
        Error::Exhausted { .. } => row(UNAVAILABLE, "VPC.2502", "ServiceUnavailable"),

        Error::InvalidCidr(_) if resource == Resource::Subnet => row(BAD, "VPC.0212", "InvalidInput"),
        Error::InvalidCidr(_) => invalid("InvalidInput"),
        Error::VpcCidr { problem, .. } => match problem {
            CidrProblem::Overlaps { .. } | CidrProblem::NotOfVpc => row(BAD, "VPC.0101", "InvalidInput"),
            CidrProblem::HasSubnets { .. } => row(CONFLICT, "VPC.0104", "RouterInUse"),
            CidrProblem::LeavesOut { .. } => row(BAD, "VPC.0117", "InvalidInput"),
        },
        Error::VpcInUse { by, .. } => row(CONFLICT, vpc_in_use(by), "RouterInUse"),
        Error::CidrNotInVpc { .. } => row(BAD, "VPC.0203", "InvalidInput"),
        Error::SubnetOverlap { .. } | Error::Ipv6PrefixInUse { .. } => row(BAD, "VPC.0204", "InvalidInput"),
        Error::SubnetNotInVpc { .. } if resource == Resource::RouteTable => row(BAD, "VPC.2807", "InvalidInput"),
        Error::SubnetNotInVpc { .. } => row(BAD, "VPC.0207", "InvalidInput"),
        // 400 would tell the Terraform provider that the subnet is gone; the documents say 500 (api-vpc §5.3).
        Error::SubnetInUse { by, .. } => {
            let code = match by {
                SubnetUse::PrivateIps(_) | SubnetUse::CidrReservations(_) | SubnetUse::Ipv6(_) => "VPC.0208",
                SubnetUse::Servers(_) => "VPC.0209",
                SubnetUse::Routes(_) => "VPC.0210",
            };
            row(CONFLICT, code, "SubnetInUse").vpc(FAILED)
        }

        Error::InvalidAddress { .. } if resource == Resource::PrivateIp => row(BAD, "VPC.0705", "InvalidIpForSubnet"),
        Error::InvalidAddress { .. } => invalid("InvalidIpForSubnet"),
        // The documents say 500 (api-errors §3.4).
        Error::AddressInUse { .. } if resource == Resource::PrivateIp => {
            row(CONFLICT, "VPC.0701", "IpAddressInUse").vpc(FAILED)
        }
        Error::AddressInUse { .. } => row(CONFLICT, "VPC.0701", "IpAddressInUse"),
        Error::NoFreeAddress { .. } => row(CONFLICT, "VPC.0703", "IpAddressGenerationFailure"),
        Error::PortInUse { .. } | Error::NextHopInUse { .. } if resource == Resource::PrivateIp => {
            row(CONFLICT, "VPC.0707", "PortInUse")
        }
        Error::PortInUse { .. } => row(CONFLICT, "VPC.2500", "PortInUse").vpc(BAD),
        Error::PortCarries { .. } => row(CONFLICT, "VPC.2500", "PortInUse"),
        Error::VlanInUse { .. } => row(CONFLICT, "VPC.2500", "VlanIdInUse"),
        Error::NextHopInUse { .. } => row(CONFLICT, "VPC.0210", "PortInUse"),

        Error::RouteDuplicateDestination { .. } => row(BAD, "VPC.2809", "RouteExists").neutron(CONFLICT),
        Error::RouteConflictsWithLocal { .. } | Error::SystemRoute { .. } => {
            row(BAD, "VPC.2809", "InvalidRouteDestination")
        }
        Error::NextHopNotInVpc { .. }
        | Error::NextHopFamily { .. }
        | Error::NextHopState { .. }
        | Error::NextHopTypeNotSupported { .. } => row(BAD, "VPC.2806", "InvalidRouteNexthop"),
        Error::RouteNotFound { .. } => row(BAD, "VPC.2805", "RouteNotFound").neutron(MISSING),
        Error::DefaultTable { .. } => row(BAD, "VPC.2803", "InvalidInput"),
        Error::TableInUse { .. } => row(CONFLICT, "VPC.2804", "RouteTableInUse"),
        Error::SubnetNotOnTable { .. } => row(BAD, "VPC.2807", "InvalidInput"),

        Error::PeerNotFound => row(MISSING, "VPC.0003", "VpcNotFound"),
        Error::DifferentRegion => row(BAD, "VPC.2500", "PeeringDifferentRegion"),
        Error::SelfPeering => row(BAD, "VPC.2500", "PeeringVpcSame"),
        Error::DuplicatePeering { .. } => row(CONFLICT, "VPC.2500", "PeeringExists"),
        Error::InvalidState { .. } => row(CONFLICT, "VPC.2500", "PeeringStatusInvalid"),

        Error::GroupInUse { .. } => row(CONFLICT, "VPC.0602", "SecurityGroupInUse"),
        // Not 409: a client that deletes would try again until its time-out.
        Error::DefaultGroup { .. } => row(FORBIDDEN, "VPC.0010", "SecurityGroupCannotRemoveDefault"),
        Error::RuleExists { .. } => row(CONFLICT, "VPC.0602", "SecurityGroupRuleExists"),
        Error::SubnetHasNetworkAcl { .. } => row(CONFLICT, "VPC.2500", "FirewallGroupPortInUse"),
        Error::SubnetNotOnNetworkAcl { .. } => row(BAD, "VPC.2500", "InvalidInput"),
        Error::NetworkAclInUse { .. } => row(CONFLICT, "VPC.0107", "FirewallGroupInUse"),
        // Not 404: a client that removes rules would take the ACL for gone.
        Error::RuleNotInNetworkAcl { .. } => row(BAD, "VPC.2500", "InvalidInput"),
        Error::NetworkAclPolicyInUse { .. } => row(CONFLICT, "VPC.2500", "FirewallPolicyInUse"),
        Error::NetworkAclRuleInUse { .. } => row(CONFLICT, "VPC.2500", "FirewallRuleInUse"),
        Error::RuleInPolicy { .. } => row(CONFLICT, "VPC.2500", "FirewallRuleAlreadyAssociated"),
        Error::RuleNotInPolicy { .. } => row(BAD, "VPC.2500", "FirewallRuleNotAssociatedWithPolicy"),
        Error::AddressGroupInUse { .. } => row(CONFLICT, "VPC.2204", "AddressGroupInUse"),
        // Not 400: a client that deletes a subnet would take it for gone.
        Error::NetworkNotAttached { .. } => {
            row(CONFLICT, if resource == Resource::Subnet { "VPC.0205" } else { "VPC.2500" }, "NetworkNotAttached")
        }
        Error::NetworkAttached { .. } => {
            row(CONFLICT, "VPC.2500", if resource == Resource::Subnet { "SubnetInUse" } else { "NetworkInUse" })
        }
        Error::RouterInterfaceNotFound { .. } => row(MISSING, "VPC.2204", "RouterInterfaceNotFoundForSubnet"),
        Error::CidrReservationOverlap { .. } => row(CONFLICT, "VPC.2500", "CidrReservationExists"),
        Error::NoFreeBlock { .. } => row(CONFLICT, "VPC.0703", "IpAddressGenerationFailure"),
        Error::AccountInUse { .. } => row(CONFLICT, "VPC.2500", "AccountInUse"),
        Error::PolicyInUse { .. } => row(CONFLICT, "VPC.2500", "PolicyInUse"),

        Error::Busy => match resource {
            Resource::Vpc => row(CONFLICT, "VPC.0103", "RouterInUse"),
            Resource::Peering => row(CONFLICT, "VPC.2502", "PeeringBusy"),
            _ => row(CONFLICT, "VPC.2502", "Conflict"),
        },
        Error::Unavailable(_) => row(UNAVAILABLE, "VPC.2502", "ServiceUnavailable"),
    }
}

/// Something is not there: the path's own object, or one that the body names.
fn missing(kind: Kind, family: Family, resource: Resource) -> Row {
    match (kind, resource) {
        // What a route goes to is a wrong field, not a missing object: 404 would mean that the table is gone.
        (Kind::Peering | Kind::Server | Kind::Port, Resource::RouteTable | Resource::Route) => {
            row(BAD, "VPC.2806", "InvalidRouteNexthop")
        }
        (Kind::Subnet, Resource::RouteTable) => row(BAD, "VPC.2807", "InvalidInput"),
        // Nor is an address group that a rule names: 404 would mean that v3 has no such rules.
        (Kind::AddressGroup, Resource::SecurityGroupRule) => row(BAD, "VPC.0601", "InvalidInput"),
        // Nor a security group, the rule's own or the other side.
        (Kind::SecurityGroup, Resource::SecurityGroupRule) if family == Family::V3 => {
            row(BAD, "VPC.0601", "InvalidInput")
        }
        _ if family == Family::V3 || (family == Family::V1 && resource == Resource::Tag) => {
            row(MISSING, "VPC.2204", "")
        }
        (Kind::Network | Kind::Subnet, Resource::IpAvailability) => row(BAD, "VPC.2302", "VPC.2302"),
        (Kind::Network | Kind::Subnet, Resource::PrivateIp) => row(MISSING, "VPC.2204", "NetworkNotFound"),
        (Kind::Port, Resource::PrivateIp) => row(MISSING, "VPC.0704", "PortNotFound"),
        (Kind::Vpc, Resource::Router) => row(MISSING, "VPC.0003", "RouterNotFound"),
        (Kind::Network, _) => row(MISSING, "VPC.0202", "NetworkNotFound"),
        (Kind::CidrReservation, _) => row(MISSING, "VPC.2204", "HTTPNotFound"),
        (Kind::Vpc, _) => row(MISSING, "VPC.0003", "VpcNotFound"),
        (Kind::Subnet, Resource::Port) => row(MISSING, "VPC.2204", "NetworkNotFound"),
        (Kind::Subnet, _) => row(MISSING, "VPC.0202", "SubnetNotFound"),
        (Kind::RouteTable, _) => row(MISSING, "VPC.2808", "RouteTableNotFound"),
        (Kind::Route, _) => row(MISSING, "VPC.2204", "RouteNotFound"),
        (Kind::Peering, _) => row(MISSING, "VPC.2204", "PeeringNotFound"),
        (Kind::SecurityGroup, _) => row(MISSING, "VPC.0603", "SecurityGroupNotFound"),
        (Kind::Port, _) => row(MISSING, "VPC.2502", "PortNotFound"),
        (Kind::NetworkAcl, _) => row(MISSING, "VPC.2204", "FirewallGroupNotFound"),
        (Kind::NetworkAclPolicy, _) => row(MISSING, "VPC.2204", "FirewallPolicyNotFound"),
        (Kind::NetworkAclRule, _) => row(MISSING, "VPC.2204", "FirewallRuleNotFound"),
        (Kind::AddressGroup, _) => row(MISSING, "VPC.2204", "AddressGroupNotFound"),
        (Kind::Project, _) => row(MISSING, "VPC.2204", "ProjectNotFound"),
        (Kind::Account | Kind::User | Kind::AccessKey | Kind::Token | Kind::Server | Kind::Claim | Kind::Policy, _) => {
            row(MISSING, "VPC.2204", "HTTPNotFound")
        }
    }
}

const fn quota(resource: Quota) -> &'static str {
    match resource {
        Quota::Vpcs | Quota::SecondaryCidrs => "VPC.0114",
        Quota::Subnets => "VPC.0202",
        Quota::RouteTables | Quota::Routes => "VPC.2802",
        Quota::NetworkAcls
        | Quota::RulesOfNetworkAcl
        | Quota::NetworkAclRules
        | Quota::NetworkAclPolicies
        | Quota::AddressGroups
        | Quota::Peerings
        | Quota::GroupsOfPort
        | Quota::CidrReservations
        | Quota::AccessKeys
        | Quota::Users
        | Quota::Policies
        | Quota::PoliciesOfUser => "VPC.2500",
        Quota::SecurityGroups => "VPC.0604",
        Quota::SecurityGroupRules => "VPC.0602",
    }
}

/// The documented code for the first kind of object that is in the way (api-vpc §4.2).
fn vpc_in_use(by: &[VpcUse]) -> &'static str {
    match by.first() {
        Some(VpcUse::Subnets(_)) => "VPC.0104",
        Some(VpcUse::Routes(_)) => "VPC.0120",
        Some(VpcUse::Peerings(_)) | None => "VPC.0108",
    }
}
