//! Are there routes to the peering, and do they do what they look like? (Rules PEER-2, RT-2, RT-5, RT-10.)

use std::collections::BTreeSet;

use ipnet::IpNet;
use model::{NextHop, Route, RouteTable, RouteTableId};

use super::{End, Exam, Item, listed, overlap};
use crate::trace::{Change, name};

impl Exam<'_> {
    /// Routes from the tables of one end to the other end, one item for each table that subnets use.
    pub(super) fn routes(&self, near: &End<'_>, far: &End<'_>) -> Vec<Item> {
        if !near.known {
            let ranges = self.ranges(far).iter().map(IpNet::to_string).collect::<Vec<_>>();
            let text = format!(
                "Whether {} has routes back is its owner's to see. Ask for {} → peering {} in the route table of every \
                 subnet there that is to answer.",
                self.name(near),
                listed(&ranges),
                self.peering.name
            );
            return vec![self.not_told("routes", near, text)];
        }
        let used: BTreeSet<RouteTableId> =
            self.catalog.subnets_of(near.vpc.id).map(|subnet| subnet.route_table).collect();
        if used.is_empty() {
            let text = format!("{} has no subnets, so there is nothing to route from.", self.name(near));
            return vec![self.item("routes", near.side, false, text)];
        }
        used.into_iter().filter_map(|table| self.catalog.route_table(table)).map(|t| self.table(t, near, far)).collect()
    }

    fn table(&self, table: &RouteTable, near: &End<'_>, far: &End<'_>) -> Item {
        let subnets: Vec<String> = self.catalog.subnets_on_table(table.id).map(|subnet| subnet.name.clone()).collect();
        let table_name = name::table(self.catalog, table.id);
        let which = if table.default { "the default table" } else { "a custom table" };
        let of = format!("Route table {table_name} ({which}, used by {})", listed(&subnets));
        let to_peering: Vec<IpNet> = self
            .catalog
            .routes_of(table.id)
            .filter(|route| route.next_hop == NextHop::Peering(self.peering.id))
            .map(|route| route.destination)
            .collect();
        if !to_peering.is_empty() {
            let told: Vec<String> = to_peering.iter().map(IpNet::to_string).collect();
            let mut text = format!("{of} sends {} to the peering.", listed(&told));
            if self.lacks_ipv6(table, &to_peering, far) {
                text.push_str(" Both sides have IPv6, but IPv6 has no route here: it does not follow IPv4's.");
            }
            let beside = far.ranges_known && !self.reaches(table.id, far);
            if beside {
                text.push_str(
                    " None of these covers a range of the peer VPC: the destination is wrong, unless the peer \
                               passes the packets on.",
                );
            }
            return self.item("routes", near.side, beside, text);
        }
        if let Some(route) = self.elsewhere(table.id, far) {
            let text = format!(
                "{of} sends {} to {}, not to the peering.",
                route.destination,
                name::next_hop(self.catalog, route.next_hop)
            );
            return self.item("routes", near.side, false, text);
        }
        let text =
            format!("{of} has no route to the peering {}: packets from these subnets find no way.", self.peering.name);
        let mut item = self.item("routes", near.side, true, text);
        let add = self.destinations(table.id, near, far).into_iter().map(|destination| {
            let next_hop = NextHop::Peering(self.peering.id);
            (Change::AddRoute { table: table.id, destination, next_hop }, None)
        });
        item.repairs = self.plan(add);
        if item.repairs.is_empty() && !far.ranges_known {
            item.text.push_str(" Ask the peer's owner for its range and add it.");
        }
        item
    }

    /// V6-5: whether subnets of both sides have IPv6, and only IPv4 is routed.
    fn lacks_ipv6(&self, table: &RouteTable, routed: &[IpNet], far: &End<'_>) -> bool {
        let here = self.catalog.subnets_on_table(table.id).any(|subnet| subnet.ipv6.is_some());
        let there = far.known && self.catalog.subnets_of(far.vpc.id).any(|subnet| subnet.ipv6.is_some());
        here && there && routed.iter().all(|range| range.addr().is_ipv4())
    }

    /// Whether a route of the table to this peering covers part of the far VPC.
    fn reaches(&self, table: RouteTableId, far: &End<'_>) -> bool {
        let theirs = self.ranges(far);
        let mut routes = self.catalog.routes_of(table).filter(|route| {
            route.next_hop == NextHop::Peering(self.peering.id)
                && theirs.iter().any(|range| overlap(range, &route.destination))
        });
        routes.next().is_some()
    }

    /// A route that carries packets to the far VPC by something else, such as a firewall.
    fn elsewhere(&self, table: RouteTableId, far: &End<'_>) -> Option<&Route> {
        if !far.ranges_known {
            return None;
        }
        let theirs = self.ranges(far);
        let mut routes = self.catalog.routes_of(table).filter(|route| {
            theirs.iter().any(|range| route.destination.contains(range) || range.contains(&route.destination))
                && !matches!(route.next_hop, NextHop::Peering(_))
        });
        routes.next().map(AsRef::as_ref)
    }

    /// What to route to the peering: the far VPC's ranges, or those of its subnets that do not overlap where the range
    /// does.
    fn destinations(&self, table: RouteTableId, near: &End<'_>, far: &End<'_>) -> Vec<IpNet> {
        if !far.ranges_known {
            return Vec::new();
        }
        let own = self.locals(near);
        let free = |range: &IpNet| {
            self.catalog.route_for(table, *range).is_none() && !own.iter().any(|(_, local)| overlap(local, range))
        };
        let whole: Vec<IpNet> = self.ranges(far).into_iter().filter(free).collect();
        if !whole.is_empty() || !far.known {
            return whole;
        }
        self.locals(far).into_iter().map(|(_, range)| range).filter(free).collect()
    }

    /// Routes to the peering that own subnets take packets from (rules RT-5, RT-10).
    pub(super) fn shadowed(&self, near: &End<'_>) -> Option<Item> {
        if !near.known {
            return None;
        }
        let routes: Vec<_> =
            self.catalog.routes_to_peering(self.peering.id).filter(|route| route.vpc == near.vpc.id).collect();
        if routes.is_empty() {
            return None;
        }
        let local = self.locals(near);
        let mut texts = Vec::new();
        let mut dead = false;
        for route in routes {
            let over: Vec<String> = local
                .iter()
                .filter(|(_, range)| overlap(range, &route.destination))
                .map(|(name, range)| format!("{name} ({range})"))
                .collect();
            if over.is_empty() {
                continue;
            }
            let whole = local.iter().any(|(_, range)| range.contains(&route.destination));
            dead |= whole;
            let how = if whole { "never matches: shadowed by" } else { "is shadowed in part: packets stay local in" };
            texts.push(format!(
                "Route {} in {} {how} your subnet{} {}.",
                route.destination,
                name::table(self.catalog, route.table),
                if over.len() == 1 { "" } else { "s" },
                listed(&over)
            ));
        }
        Some(if texts.is_empty() {
            let text = format!("No subnet of {} shadows a route to the peering.", self.name(near));
            self.item("shadowed-routes", near.side, false, text)
        } else {
            self.item("shadowed-routes", near.side, dead, texts.join(" "))
        })
    }
}
