//! Which other VPCs' packets can arrive in a VPC, as far as routes tell.
//!
//! A group named as a remote means the members in other VPCs, for packets that arrived through a peering (rule SG-7).
//! Of an account's thousands of VPCs only those matter from which a packet can arrive at all: each hop must have a
//! route, to an ACTIVE peering that leads here, for an address that is delivered here. The walk below follows such
//! routes backwards. It may find too many (it looks at each hop's routes on their own), never too few, as long as guests
//! on the way leave destinations as they are.

use std::collections::BTreeSet;

use catalog::Catalog;
use ipnet::IpNet;
use model::{NextHop, PeeringId, PeeringStatus, VpcId};

/// The destinations that an endpoint of the VPC may be handed: its subnets, and what its routes give to instances.
pub(crate) fn targets(catalog: &Catalog, vpc: VpcId) -> Vec<IpNet> {
    let subnets = catalog
        .subnets_of(vpc)
        .flat_map(|subnet| [Some(IpNet::V4(subnet.cidr)), subnet.ipv6.map(|range| IpNet::V6(range.cidr))])
        .flatten();
    let handed = catalog
        .routes_of_vpc(vpc)
        .filter(|route| !matches!(route.next_hop, NextHop::Peering(_)))
        .map(|route| route.destination);
    let mut targets: Vec<IpNet> = subnets.chain(handed).collect();
    targets.sort_unstable();
    targets.dedup();
    targets
}

/// The other VPCs whose packets can arrive in the VPC for one of `targets`.
pub(crate) fn sources(catalog: &Catalog, vpc: VpcId, targets: &[IpNet]) -> BTreeSet<VpcId> {
    let mut sources = BTreeSet::new();
    let mut entered = vec![vpc];
    while let Some(to) = entered.pop() {
        for peering in catalog.peerings_of(to).filter(|peering| peering.status == PeeringStatus::Active) {
            let Some(from) = peering.other_end(to).map(|end| end.vpc) else { continue };
            if from != vpc && !sources.contains(&from) && leads(catalog, peering.id, Some(from), targets) {
                sources.insert(from);
                entered.push(from);
            }
        }
    }
    sources
}

/// Whether a route to the peering (of one VPC, or of either) is for some address of `targets`.
pub(crate) fn leads(catalog: &Catalog, peering: PeeringId, from: Option<VpcId>, targets: &[IpNet]) -> bool {
    catalog.routes_to_peering(peering).any(|route| {
        from.is_none_or(|from| route.vpc == from) && targets.iter().any(|t| overlap(*t, route.destination))
    })
}

/// Whether two ranges have an address in common.
pub(crate) fn overlap(a: IpNet, b: IpNet) -> bool {
    a.contains(&b) || b.contains(&a)
}
