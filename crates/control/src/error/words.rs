//! The words that messages are made of.

use std::fmt;

use model::{Direction, Kind};

pub(super) fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Account => "account",
        Kind::Project => "project",
        Kind::User => "user",
        Kind::AccessKey => "access key",
        Kind::Token => "token",
        Kind::Vpc => "VPC",
        Kind::Subnet => "subnet",
        Kind::RouteTable => "route table",
        Kind::Route => "route",
        Kind::Peering => "peering connection",
        Kind::SecurityGroup => "security group",
        Kind::NetworkAcl => "network ACL",
        Kind::NetworkAclPolicy => "network ACL policy",
        Kind::NetworkAclRule => "network ACL rule",
        Kind::AddressGroup => "address group",
        Kind::Port => "port",
        Kind::Server => "server",
        Kind::Claim => "claim",
        Kind::Network => "network",
        Kind::CidrReservation => "CIDR reservation",
        Kind::Policy => "policy",
    }
}

pub(super) fn direction_name(direction: Direction) -> &'static str {
    match direction {
        Direction::Ingress => "ingress",
        Direction::Egress => "egress",
    }
}

/// The first few of a list in words.
pub(super) fn listed<T: fmt::Display>(items: &[T]) -> String {
    const SHOWN: usize = 10;
    let shown = items.iter().take(SHOWN).map(ToString::to_string).collect::<Vec<_>>().join(", ");
    match items.len().checked_sub(SHOWN) {
        None | Some(0) => shown,
        Some(more) => format!("{shown} and {more} more"),
    }
}
