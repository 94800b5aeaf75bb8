//! The documents' checklist for one peering connection, in plain words (lifecycle section 7).
//!
//! [`examine`] goes through it for an account: what is in order, what is not and what to do, and what the account cannot
//! know because it is the other account's or a guest's business.

mod addresses;
mod policy;
mod routes;
mod servers;

#[cfg(test)]
mod tests;

use catalog::Catalog;
use control::Limits;
use ipnet::IpNet;
use model::{AccountId, Peering, PeeringEnd, PeeringId, PeeringStatus, Vpc};

use crate::trace::{Change, Repair, name, plan};

/// What a check came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// In order.
    Ok,
    /// Something keeps packets from passing, or may surprise.
    Problem,
    /// Not for this account, or not for the platform, to see.
    Unknown,
}

impl Finding {
    /// The finding as the API spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Problem => "problem",
            Self::Unknown => "unknown",
        }
    }
}

/// Whose end of the peering a check is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The VPC of the account that asks; the requester's for who is on both.
    This,
    /// The VPC at the other end.
    Other,
    /// Both, or neither.
    Both,
}

impl Side {
    /// The side as the API spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::This => "this",
            Self::Other => "other",
            Self::Both => "both",
        }
    }
}

/// One line of the checklist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What was looked at, such as `state` or `security-groups`.
    pub check: &'static str,
    /// Whose end it is about.
    pub side: Side,
    /// What came of it.
    pub finding: Finding,
    /// The finding in a sentence or two.
    pub text: String,
    /// Commands that mend it, in their order.
    pub repairs: Vec<Repair>,
}

/// What was found out about a peering.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// The peering.
    pub peering: PeeringId,
    /// The checklist, in the order in which the documents go through it.
    pub items: Vec<Item>,
}

impl Diagnosis {
    /// Whether there is no problem that the account can see.
    #[must_use]
    pub fn healthy(&self) -> bool {
        self.items.iter().all(|item| item.finding != Finding::Problem)
    }
}

/// Examines a peering for an account, or for an operator when `viewer` is `None`. `None` when there is no such peering.
/// Whether the account is a party to it is for the caller to check. `limits` are the installation's quotas.
#[must_use]
pub fn examine(catalog: &Catalog, peering: PeeringId, viewer: Option<AccountId>, limits: &Limits) -> Option<Diagnosis> {
    let peering = catalog.peering(peering)?;
    let end = |end: &PeeringEnd, side: Side| {
        let owner = catalog.account_of(end.project);
        Some(End {
            vpc: catalog.vpc(end.vpc)?,
            side,
            account: owner?,
            known: viewer.is_none_or(|viewer| owner == Some(viewer)),
            // Lifecycle section 4: the accepter judges by the requester's ranges, the requester sees the accepter's later.
            ranges_known: viewer.is_none_or(|viewer| owner == Some(viewer))
                || peering.status == PeeringStatus::Active
                || end.vpc == peering.requester.vpc,
        })
    };
    // Who accepts is at the other end of the request, but at this one of its own view.
    let accepts = viewer.is_some()
        && catalog.account_of(peering.accepter.project) == viewer
        && catalog.account_of(peering.requester.project) != viewer;
    let (this, other) =
        if accepts { (&peering.accepter, &peering.requester) } else { (&peering.requester, &peering.accepter) };
    let exam = Exam { catalog, limits, peering, this: end(this, Side::This)?, other: end(other, Side::Other)? };
    let mut items = vec![exam.state()];
    items.extend(exam.places());
    items.push(exam.overlap());
    for (near, far) in [(&exam.this, &exam.other), (&exam.other, &exam.this)] {
        items.extend(exam.routes(near, far));
        items.extend(exam.shadowed(near));
    }
    for (near, far) in [(&exam.this, &exam.other), (&exam.other, &exam.this)] {
        items.extend(exam.security_groups(near, far));
        items.extend(exam.network_acls(near, far));
        items.extend(exam.servers(near));
    }
    items.push(Item {
        check: "guests",
        side: Side::Both,
        finding: Finding::Unknown,
        text:
            "Firewalls and routes inside the servers, and whether a service listens, are not ours to see. Look there \
               when everything else is in order."
                .to_owned(),
        repairs: Vec::new(),
    });
    Some(Diagnosis { peering: peering.id, items })
}

/// One end of the peering, and how much of it the viewer may know.
struct End<'a> {
    vpc: &'a Vpc,
    side: Side,
    account: AccountId,
    /// Everything: it is the viewer's.
    known: bool,
    /// At least its ranges.
    ranges_known: bool,
}

struct Exam<'a> {
    catalog: &'a Catalog,
    limits: &'a Limits,
    peering: &'a Peering,
    this: End<'a>,
    other: End<'a>,
}

impl Exam<'_> {
    fn item(&self, check: &'static str, side: Side, problem: bool, text: impl Into<String>) -> Item {
        let finding = if problem { Finding::Problem } else { Finding::Ok };
        Item { check, side, finding, text: text.into(), repairs: Vec::new() }
    }

    /// A check that the other account would have to make.
    fn not_told(&self, check: &'static str, end: &End<'_>, text: impl Into<String>) -> Item {
        Item { check, side: end.side, finding: Finding::Unknown, text: text.into(), repairs: Vec::new() }
    }

    /// PEER-4, lifecycle section 2.
    fn state(&self) -> Item {
        let name = &self.peering.name;
        let mut item = match self.peering.status {
            PeeringStatus::Active => self.item("state", Side::Both, false, format!("The peering {name} is accepted.")),
            PeeringStatus::PendingAcceptance => {
                let text = format!("The peering {name} is not accepted yet: nothing passes in either direction.");
                let mut item = self.item("state", Side::Both, true, text);
                item.repairs = self.plan([(Change::AcceptPeering { peering: self.peering.id }, None)]);
                item
            }
            status @ (PeeringStatus::Rejected | PeeringStatus::Expired) => {
                let what = if status == PeeringStatus::Rejected { "was rejected" } else { "has expired" };
                let text = format!(
                    "The peering {name} {what} and stays so: nothing passes. Delete it, with the routes to it, and make \
                     a new request."
                );
                let mut item = self.item("state", Side::Both, true, text);
                item.repairs = self.again();
                item
            }
        };
        if item.finding == Finding::Ok && !self.same_account() {
            item.text.push_str(" Either account can delete it at any time.");
        }
        item
    }

    /// The dead peering goes and a new one comes.
    fn again(&self) -> Vec<Repair> {
        let routes =
            self.catalog.routes_to_peering(self.peering.id).filter(|route| route.vpc == self.this.vpc.id).count();
        let warning = format!("your routes to it ({routes}) go with it and have to be added again");
        let create = Change::CreatePeering {
            name: self.peering.name.clone(),
            local: self.this.vpc.id,
            peer: self.other.vpc.id,
            peer_project: (!self.same_account()).then_some(self.other.vpc.project),
        };
        self.plan([(Change::DeletePeering { peering: self.peering.id }, Some(warning)), (create, None)])
    }

    /// Changes as commands of the account at this end, where it is the one that can make them.
    fn plan(&self, changes: impl IntoIterator<Item = (Change, Option<String>)>) -> Vec<Repair> {
        plan(self.catalog, self.limits, self.this.account, changes)
    }

    fn same_account(&self) -> bool {
        self.this.account == self.other.account
    }

    /// EDGE-2.
    fn places(&self) -> Option<Item> {
        let (this, other) = (self.this.vpc.edge_site.as_ref(), self.other.vpc.edge_site.as_ref());
        if !(self.other.known || self.peering.status == PeeringStatus::Active || self.other.ranges_known) {
            return Some(self.not_told(
                "edge-sites",
                &self.other,
                "Where the peer VPC is placed is told after acceptance.",
            ));
        }
        match (this, other) {
            (None, None) => None,
            (Some(this), Some(other)) if this != other => Some(self.item(
                "edge-sites",
                Side::Both,
                true,
                "The VPCs are at different edge sites, which cannot communicate through peering. No setting lifts this; \
                 relay by a server of your own in the centre.",
            )),
            _ => Some(self.item("edge-sites", Side::Both, false, "The VPCs are not at two different edge sites.")),
        }
    }

    /// The IPv4 ranges of an end and, where they are the viewer's to know, the IPv6 ranges of its subnets.
    fn ranges(&self, end: &End<'_>) -> Vec<IpNet> {
        let subnets = self.catalog.subnets_of(end.vpc.id).filter(|_| end.known);
        let v6 = subnets.filter_map(|subnet| subnet.ipv6.map(|range| IpNet::V6(range.cidr)));
        // Without a primary block the ranges of its subnets count, which are the viewer's to know or not as well.
        let v4 = if end.known { self.catalog.ranges_of(end.vpc) } else { end.vpc.cidrs().collect() };
        v4.into_iter().map(IpNet::V4).chain(v6).collect()
    }

    /// The VPC's name, or its id where the name is none of the viewer's business.
    fn name(&self, end: &End<'_>) -> String {
        if end.known { name::vpc(self.catalog, end.vpc.id) } else { format!("the peer VPC {}", end.vpc.id) }
    }
}

fn overlap(a: &IpNet, b: &IpNet) -> bool {
    a.contains(b) || b.contains(a)
}

/// Names for a sentence: all of a few, else the first ones and how many more.
fn listed(names: &[String]) -> String {
    const TOLD: usize = 5;
    match names.get(..TOLD).filter(|_| names.len() > TOLD) {
        Some(first) => format!("{} and {} more", first.join(", "), names.len() - TOLD),
        None => names.join(", "),
    }
}
