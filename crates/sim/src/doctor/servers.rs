//! Are servers up, and are those that routes name ready to forward? (Rules NH-7, CHK-3.)

use model::{NextHop, Port, Route, Server, ServerState};

use super::{End, Exam, Item, listed};
use crate::trace::{Change, name};

impl Exam<'_> {
    /// Stopped servers and next hops of one end.
    pub(super) fn servers(&self, near: &End<'_>) -> Vec<Item> {
        if !near.known {
            let text = format!("Whether the servers of {} run is its owner's to see.", self.name(near));
            return vec![self.not_told("servers", near, text)];
        }
        let ports = self.catalog.ports_of_vpc(near.vpc.id);
        let mut stopped: Vec<&Server> = ports
            .filter_map(|port| self.catalog.server(port.server?))
            .filter(|server| server.state == ServerState::Stopped)
            .map(AsRef::as_ref)
            .collect();
        stopped.sort_by(|a, b| a.name.cmp(&b.name));
        stopped.dedup_by_key(|server| server.id);
        let mut items = vec![if stopped.is_empty() {
            self.item("servers", near.side, false, format!("No server of {} is stopped.", self.name(near)))
        } else {
            let names: Vec<String> = stopped.iter().map(|server| server.name.clone()).collect();
            let text = format!("Stopped, so that nothing answers there: {}.", listed(&names));
            let mut item = self.item("servers", near.side, true, text);
            let starts = stopped.iter().map(|server| (Change::StartServer { server: server.id }, None));
            item.repairs = self.plan(starts);
            item
        }];
        items.extend(self.next_hops(near));
        items
    }

    /// The servers and addresses that routes of one end name.
    fn next_hops(&self, near: &End<'_>) -> Option<Item> {
        let mut texts = Vec::new();
        let mut repairs = Vec::new();
        let mut seen = Vec::new();
        for route in self.catalog.routes_of_vpc(near.vpc.id) {
            if matches!(route.next_hop, NextHop::Peering(_)) || seen.contains(&route.next_hop) {
                continue;
            }
            seen.push(route.next_hop);
            let (what, hop) = (name::next_hop(self.catalog, route.next_hop), self.hop(route));
            let Some((port, server)) = hop else {
                texts.push(format!(
                    "{what}, which routes name, is not there or is held by nobody: packets to it are dropped."
                ));
                continue;
            };
            if server.state == ServerState::Stopped {
                texts.push(format!(
                    "{what}, which routes name, is stopped: packets to it are dropped, not sent elsewhere."
                ));
                repairs.extend(self.plan([(Change::StartServer { server: server.id }, None)]));
            } else if !server.kind.forwards() {
                texts.push(format!("{what}, which routes name, is of a kind that does not forward packets."));
            }
            if port.is_checked() {
                texts.push(format!("{what} has its source/destination check on, so it gets no packets to forward."));
                if server.port == port.id {
                    let warning = format!("{} may then send and receive packets with any address", server.name);
                    let change = Change::TurnCheckOff { server: server.id, port: port.id };
                    repairs.extend(self.plan([(change, Some(warning))]));
                }
            }
        }
        if seen.is_empty() {
            return None;
        }
        let problem = !texts.is_empty();
        if !problem {
            texts.push(format!("Every next hop that routes of {} name runs and can forward.", self.name(near)));
        }
        let mut item = self.item("next-hops", near.side, problem, texts.join(" "));
        item.repairs = repairs;
        Some(item)
    }

    /// The port and server that a route leads to, where there is one.
    fn hop(&self, route: &Route) -> Option<(&Port, &Server)> {
        let port = match route.next_hop {
            NextHop::Ecs(server) => self.catalog.server(server)?.port,
            NextHop::Eni(port) | NextHop::Subeni(port) => port,
            NextHop::Vip(address) => {
                let mut ports = self.catalog.ports_of_vpc(route.vpc).filter(|port| port.is_vip());
                ports.find(|vip| vip.addresses().any(|own| own == address))?.holder?
            }
            NextHop::Peering(_) | NextHop::Nat(_) => return None,
        };
        let port = self.catalog.port(port)?;
        Some((port, self.catalog.server(port.server?)?))
    }
}
