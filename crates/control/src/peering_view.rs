//! What each account sees of a peering (lifecycle section 4).

use std::sync::Arc;

use catalog::Catalog;
use ipnet::Ipv4Net;
use model::{AccountId, Peering, PeeringEnd, PeeringId, PeeringStatus, ProjectId, Side, VpcId};

use crate::peering::{own_peering, sides};
use crate::route_view::route_view;
use crate::vpc::overlap;
use crate::{Caller, Error, RouteView, Warning};

/// A peering as one account sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeeringView {
    /// The peering. Its ids and state are for both accounts to see.
    pub peering: Arc<Peering>,
    /// The side that the caller's console calls local: the requester's when the caller is on both.
    pub side: Side,
    /// Whether both VPCs are in one account.
    pub same_account: bool,
    /// The requester's end.
    pub requester: EndView,
    /// The accepter's end.
    pub accepter: EndView,
    /// What will not work as expected, for the caller's eyes.
    pub warnings: Vec<Warning>,
}

/// One end of a peering as one account sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndView {
    /// The VPC's id.
    pub vpc: VpcId,
    /// Its project.
    pub project: ProjectId,
    /// Its name; `None` for the other account's.
    pub name: Option<String>,
    /// Its ranges; `None` where they are not the caller's business yet.
    pub cidrs: Option<Vec<Ipv4Net>>,
    /// Its routes to this peering, by destination; `None` for the other account's.
    pub routes: Option<Vec<RouteView>>,
}

impl PeeringView {
    /// The end that the caller's console calls local.
    #[must_use]
    pub fn local(&self) -> &EndView {
        match self.side {
            Side::Requester => &self.requester,
            Side::Accepter => &self.accepter,
        }
    }

    /// The other end.
    #[must_use]
    pub fn peer(&self) -> &EndView {
        match self.side {
            Side::Requester => &self.accepter,
            Side::Accepter => &self.requester,
        }
    }
}

/// A peering that the caller is a party to, in every state.
///
/// # Errors
/// [`Error::NotFound`].
pub fn peering(catalog: &Catalog, caller: &Caller, id: PeeringId) -> Result<PeeringView, Error> {
    let (_, sides) = own_peering(catalog, caller, id)?;
    let peering = catalog.peering(id).ok_or_else(|| Error::not_found(model::Kind::Peering, id))?;
    let same_account = same_account(catalog, peering);
    Ok(PeeringView {
        side: sides.first().copied().unwrap_or(Side::Requester),
        same_account,
        requester: end_view(catalog, peering, Side::Requester, same_account || sides.contains(&Side::Requester)),
        accepter: end_view(catalog, peering, Side::Accepter, same_account || sides.contains(&Side::Accepter)),
        warnings: warnings(catalog, caller, peering),
        peering: Arc::clone(peering),
    })
}

/// The peerings that the caller is a party to, in every state, by id.
#[must_use]
pub fn peerings(catalog: &Catalog, caller: &Caller) -> Vec<Arc<Peering>> {
    crate::query::seen(catalog, caller, |project| catalog.peerings_of_project(project), |peering| peering.id)
}

fn end_view(catalog: &Catalog, peering: &Peering, side: Side, own: bool) -> EndView {
    let end = end(peering, side);
    let vpc = catalog.vpc(end.vpc);
    // The accepter judges the request by the requester's ranges; the requester sees the accepter's once it is accepted.
    let ranges = own || side == Side::Requester || peering.status == PeeringStatus::Active;
    let routes = |vpc: &model::Vpc| {
        let mut routes: Vec<_> = catalog
            .routes_to_peering(peering.id)
            .filter(|route| route.vpc == vpc.id)
            .map(|route| route_view(catalog, vpc, route))
            .collect();
        routes.sort_unstable_by_key(|view| (view.route.destination, view.route.table));
        routes
    };
    EndView {
        vpc: end.vpc,
        project: end.project,
        name: vpc.filter(|_| own).map(|vpc| vpc.name.clone()),
        cidrs: vpc.filter(|_| ranges).map(|vpc| vpc.cidrs().collect()),
        routes: vpc.filter(|_| own).map(|vpc| routes(vpc)),
    }
}

fn end(peering: &Peering, side: Side) -> &PeeringEnd {
    match side {
        Side::Requester => &peering.requester,
        Side::Accepter => &peering.accepter,
    }
}

fn same_account(catalog: &Catalog, peering: &Peering) -> bool {
    let account = |end: &PeeringEnd| -> Option<AccountId> { catalog.account_of(end.project) };
    account(&peering.requester) == account(&peering.accepter)
}

/// The warnings about a peering (lifecycle section 3). Of a request across accounts the requester does not learn what it
/// says about the peer's addresses and place before it is accepted.
pub(crate) fn warnings(catalog: &Catalog, caller: &Caller, peering: &Peering) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let sides = sides(catalog, caller, peering);
    let same_account = same_account(catalog, peering);
    let informed = same_account || sides.contains(&Side::Accepter) || peering.status == PeeringStatus::Active;
    if informed && let (Some(a), Some(b)) = (catalog.vpc(peering.requester.vpc), catalog.vpc(peering.accepter.vpc)) {
        let theirs = catalog.ranges_of(b);
        if catalog.ranges_of(a).iter().any(|mine| theirs.iter().any(|theirs| overlap(*mine, *theirs))) {
            let subnets = |vpc: VpcId| -> Vec<Ipv4Net> { catalog.subnets_of(vpc).map(|s| s.cidr).collect() };
            warnings.extend(overlap_warning([&subnets(a.id), &subnets(b.id)], |side| {
                same_account || sides.contains(&side)
            }));
        }
        if let (Some(a), Some(b)) = (&a.edge_site, &b.edge_site)
            && a != b
        {
            warnings.push(Warning::DifferentEdgeSites);
        }
    }
    warnings.push(Warning::RoutesNeeded);
    warnings
}

/// Complete overlap when all subnets of one side overlap the other side's; else the subnets that can be connected, of the
/// sides that the reader may know.
fn overlap_warning([a, b]: [&[Ipv4Net]; 2], known: impl Fn(Side) -> bool) -> Option<Warning> {
    let free = |own: &[Ipv4Net], other: &[Ipv4Net]| -> Vec<Ipv4Net> {
        own.iter().copied().filter(|net| !other.iter().any(|theirs| overlap(*net, *theirs))).collect()
    };
    let (free_a, free_b) = (free(a, b), free(b, a));
    if (!a.is_empty() && free_a.is_empty()) || (!b.is_empty() && free_b.is_empty()) {
        return Some(Warning::CidrsOverlapCompletely);
    }
    let mut usable = Vec::new();
    for (side, free) in [(Side::Requester, free_a), (Side::Accepter, free_b)] {
        if known(side) {
            usable.extend(free);
        }
    }
    usable.sort_unstable();
    usable.dedup();
    Some(Warning::CidrsOverlap { usable })
}
