//! How a packet can get from a VPC to another: peerings that are there, and destinations that a route can have.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;

use catalog::Catalog;
use ipnet::IpNet;
use model::{AccountId, Peering, PeeringStatus, Route, RouteTableId, VpcId};

use crate::trace::name;

/// The peering between two VPCs that is or may become ACTIVE.
pub(crate) fn live_peering(catalog: &Catalog, a: VpcId, b: VpcId) -> Option<&Arc<Peering>> {
    catalog.peering_between(a, b).find(|peering| peering.status.is_live())
}

/// The shortest way between two VPCs over ACTIVE peerings, both included, if it has a VPC in between.
pub(crate) fn chain(catalog: &Catalog, from: VpcId, to: VpcId) -> Option<Vec<VpcId>> {
    let mut before = BTreeMap::from([(from, from)]);
    let mut open = VecDeque::from([from]);
    while let Some(vpc) = open.pop_front().filter(|vpc| *vpc != to) {
        for peering in catalog.peerings_of(vpc).filter(|peering| peering.status == PeeringStatus::Active) {
            if let Some(other) = peering.other_end(vpc).map(|end| end.vpc).filter(|other| !before.contains_key(other)) {
                before.insert(other, vpc);
                open.push_back(other);
            }
        }
    }
    let mut way = vec![to];
    let mut at = to;
    while at != from {
        at = *before.get(&at)?;
        way.push(at);
    }
    way.reverse();
    (way.len() > 2).then_some(way)
}

/// The custom route of a table that takes packets for an address, if no subnet of the VPC does (rule RT-7).
pub(super) fn best_route(catalog: &Catalog, table: RouteTableId, address: IpAddr) -> Option<&Arc<Route>> {
    let covering = catalog.routes_of(table).filter(|route| route.destination.contains(&address));
    covering.max_by_key(|route| route.destination.prefix_len())
}

/// A route that leads from a VPC to an address in another.
pub(crate) struct Ways<'a> {
    /// The catalog.
    pub(crate) catalog: &'a Catalog,
    /// The VPC that the packet is in.
    pub(crate) vpc: VpcId,
    /// The table that is looked up there.
    pub(crate) table: RouteTableId,
    /// The VPC that the packet is meant for.
    pub(crate) meant: VpcId,
    /// The address in that VPC.
    pub(crate) address: IpAddr,
    /// Whose eyes it is for.
    pub(crate) viewer: Option<AccountId>,
}

impl Ways<'_> {
    /// The range of the other VPC that the address is in: what the documents tell users to route to. `None` where the
    /// viewer does not know it (lifecycle section 4) or no route can have it (rules RT-8, RT-9).
    pub(crate) fn range(&self) -> Option<IpNet> {
        let IpAddr::V4(address) = self.address else { return self.subnet() };
        let active = live_peering(self.catalog, self.vpc, self.meant)
            .is_some_and(|peering| peering.status == PeeringStatus::Active || peering.accepter.vpc == self.vpc);
        let range = self.catalog.vpc(self.meant)?.range_of(address)?;
        Some(IpNet::V4(range)).filter(|range| (self.owner() || active) && self.free(range))
    }

    /// The subnet of the address, with the same exceptions.
    pub(crate) fn subnet(&self) -> Option<IpNet> {
        let subnets = self.catalog.subnets_of(self.meant);
        let mut ranges = subnets.flat_map(|subnet| {
            let v6 = subnet.ipv6.map(|range| IpNet::V6(range.cidr));
            [Some(IpNet::V4(subnet.cidr)), v6].into_iter().flatten()
        });
        let subnet = ranges.find(|range| range.contains(&self.address))?;
        Some(subnet).filter(|range| self.owner() && self.free(range))
    }

    /// The address alone.
    pub(crate) fn host(&self) -> IpNet {
        IpNet::from(self.address)
    }

    /// Whether a route to this destination can be added.
    fn free(&self, range: &IpNet) -> bool {
        let locals = self.catalog.subnets_of(self.vpc).flat_map(|subnet| {
            let v6 = subnet.ipv6.map(|range| IpNet::V6(range.cidr));
            [Some(IpNet::V4(subnet.cidr)), v6].into_iter().flatten()
        });
        let mut locals = locals.filter(|own| own.contains(range) || range.contains(own));
        self.catalog.route_for(self.table, *range).is_none() && locals.next().is_none()
    }

    fn owner(&self) -> bool {
        self.viewer.is_none_or(|viewer| name::owner(self.catalog, self.meant) == Some(viewer))
    }
}
