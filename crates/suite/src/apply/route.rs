//! Custom routes.

use std::collections::BTreeMap;

use client::types::{RouteChanges, RouteSpec, RouteTableUpdate};

use super::{Applied, ApplyError, ChangeKind, Run, failed};
use crate::document::Route;

impl Run<'_, '_> {
    /// Adds what is missing and changes what leads elsewhere, of the routes to peerings that are to end or of all others;
    /// one call for each table, all or nothing.
    pub(super) async fn make_routes(&mut self, ended: bool) -> Result<(), ApplyError> {
        let mut by_table: BTreeMap<&str, Vec<&Route>> = BTreeMap::new();
        for route in self.scenario.routes.iter().filter(|route| self.leads_to_ended(route) == ended) {
            by_table.entry(&route.table).or_default().push(route);
        }
        for (table, routes) in by_table {
            let placed = Applied::find(&self.done.tables, "route table", table)?.clone();
            let client = self.client(&placed)?;
            let mut there = BTreeMap::new();
            if !placed.id.is_empty() {
                let now = client.show_route_table(&placed.id).await;
                let now = now.map_err(failed(format!("read route table {table}")))?;
                let custom = now.routes.into_iter().filter(|r| r.kind != "local");
                there.extend(custom.map(|r| (r.destination, (r.kind, r.nexthop))));
            }
            let mut changes = RouteChanges::default();
            for route in routes {
                let spec = RouteSpec {
                    kind: route.next_hop_type.clone(),
                    destination: route.destination.clone(),
                    nexthop: next_hop(&self.done, &route.next_hop_type, &route.next_hop),
                    description: None,
                };
                let text = format!("route {} → {} in {table}", route.destination, route.next_hop);
                match there.get(&route.destination) {
                    Some((kind, hop)) if *kind == spec.kind && *hop == spec.nexthop => {}
                    Some(_) => {
                        if self.change(ChangeKind::Update, text) {
                            changes.modify.push(spec);
                        }
                    }
                    None => {
                        if self.change(ChangeKind::Create, text) {
                            changes.add.push(spec);
                        }
                    }
                }
            }
            if changes != RouteChanges::default() {
                let update = RouteTableUpdate { routes: Some(changes), ..RouteTableUpdate::default() };
                let updated = client.update_route_table(&placed.id, &update).await;
                updated.map_err(failed(format!("change the routes of {table}")))?;
            }
        }
        Ok(())
    }
}

/// The wire's next hop for a name of the document: an id where the name is one of the document's objects, else the
/// name itself, which the server judges.
pub(crate) fn next_hop(done: &Applied, kind: &str, name: &str) -> String {
    let objects = match kind {
        "peering" => &done.peerings,
        "ecs" => &done.servers,
        // A server's name stands for its primary interface.
        "eni" => return done.ports.get(name).cloned().unwrap_or_else(|| name.to_owned()),
        "vip" => return done.vip_addresses.get(name).cloned().unwrap_or_else(|| name.to_owned()),
        _ => return name.to_owned(),
    };
    objects.get(name).map_or_else(|| name.to_owned(), |placed| placed.id.clone())
}
