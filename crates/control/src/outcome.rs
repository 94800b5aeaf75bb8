//! What a use case answers.

use ipnet::Ipv4Net;
use model::SubnetId;

use crate::Changes;

/// A success that is not committed yet.
#[derive(Clone, Debug)]
pub struct Outcome<T> {
    /// The object as it will be, or what else was asked for.
    pub value: T,
    /// What to commit.
    pub changes: Changes,
    /// What the caller should know (lifecycle section 3); the API body stays as documented.
    pub warnings: Vec<Warning>,
}

impl<T> Outcome<T> {
    /// An outcome without warnings.
    #[must_use]
    pub fn new(value: T, changes: Changes) -> Self {
        Self { value, changes, warnings: Vec::new() }
    }

    /// The same with warnings.
    #[must_use]
    pub fn with_warnings(mut self, warnings: Vec<Warning>) -> Self {
        self.warnings = warnings;
        self
    }
}

/// Something that will not work as the caller may expect. Its text is for the user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    /// The CIDRs of the two VPCs overlap, but not all their subnets do (rule PEER-13).
    #[error(
        "The VPCs overlap. Connect only the subnets that do not overlap ({}), or single servers, with routes to those.",
        listed(usable)
    )]
    CidrsOverlap {
        /// Subnets without overlap that the reader may know of.
        usable: Vec<Ipv4Net>,
    },
    /// All subnets of one side overlap the other side's (rule PEER-13).
    #[error("The VPCs overlap completely. No traffic can pass; choose other CIDRs.")]
    CidrsOverlapCompletely,
    /// The VPCs are at different edge sites (rule EDGE-2).
    #[error("VPCs at different edge sites cannot communicate through peering.")]
    DifferentEdgeSites,
    /// Shown with every peering (rule PEER-2).
    #[error("Routes are needed in the route tables of both VPCs before traffic can pass.")]
    RoutesNeeded,
    /// A new route's destination contains subnets of the VPC, which stay local (rule RT-9).
    #[error(
        "The route to {destination} contains your own subnets {}: packets to them stay in the VPC.",
        listed(subnets)
    )]
    RouteShadowed {
        /// The route's destination.
        destination: ipnet::IpNet,
        /// The subnets that shadow it.
        subnets: Vec<ipnet::IpNet>,
    },
    /// A new subnet covers routes of the VPC, fully or in part (rule RT-10).
    #[error("The subnet covers the custom routes {}: packets to the subnet stay in the VPC.", listed(destinations))]
    SubnetShadowsRoutes {
        /// The new subnet.
        subnet: SubnetId,
        /// Destinations of the routes.
        destinations: Vec<ipnet::IpNet>,
    },
    /// IPv6 was turned on for a subnet that has ports already (rule V6-1).
    #[error(
        "{ports} existing ports of the subnet stay without IPv6 address; give them one by asking for it in an update \
         of the port, or make them anew."
    )]
    PortsWithoutIpv6 {
        /// How many.
        ports: usize,
    },
}

fn listed<T: std::fmt::Display>(items: &[T]) -> String {
    if items.is_empty() {
        return "none yet".to_owned();
    }
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
