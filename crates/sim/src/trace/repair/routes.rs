//! Proposals about routes and peerings.

use ipnet::IpNet;
use model::{NextHop, PeeringStatus, RouteTableId, ServerState, VpcId};

use super::Change;
use super::candidates::{Alternative, Case, Proposal};
use super::ways::{Ways, best_route, chain, live_peering};
use crate::trace::{Choice, name};

/// Hops of the lost leg that are looked at for a better route, from either end.
const HOPS: usize = 3;

impl Case<'_> {
    /// The table that was asked last has no route.
    pub(super) fn missing_route(&self) -> Vec<Alternative> {
        let Some((vpc, table, Choice::Nothing)) = self.lookups().pop() else { return Vec::new() };
        self.better_route(vpc, table)
    }

    /// A better route at one of the hops. Where the first hop led astray it is looked at first.
    pub(super) fn other_routes(&self, first_first: bool) -> Vec<Alternative> {
        let mut hops = self.lookups();
        if !first_first {
            hops.reverse();
        }
        let many = hops.len();
        let near = hops.into_iter().enumerate().filter(|(place, _)| *place < HOPS || *place + HOPS >= many);
        let mut tables: Vec<RouteTableId> = Vec::new();
        let mut found = Vec::new();
        for (place, (vpc, table, _)) in near {
            if tables.contains(&table) {
                continue;
            }
            tables.push(table);
            let penalty = u32::try_from(place).unwrap_or(0);
            found.extend(self.better_route(vpc, table).into_iter().map(|a| a.with_penalty(penalty)));
        }
        found
    }

    /// The chosen next hop takes no packets: it starts, or the packet goes around it.
    pub(super) fn next_hop_down(&self) -> Vec<Alternative> {
        let mut found = Vec::new();
        if let Some(route) = self.last_route() {
            let server = match route.next_hop {
                NextHop::Ecs(server) => Some(server),
                NextHop::Eni(port) | NextHop::Subeni(port) => self.catalog.port(port).and_then(|port| port.server),
                NextHop::Vip(address) => {
                    found.extend(self.vip(route.vpc, address).into_iter().flat_map(|vip| self.holder(vip, address)));
                    None
                }
                NextHop::Peering(_) | NextHop::Nat(_) => None,
            };
            found.extend(server.and_then(|server| self.start(server)));
        }
        found.extend(self.around_next_hop());
        found
    }

    /// Another way than by the next hop that was chosen last.
    pub(super) fn around_next_hop(&self) -> Vec<Alternative> {
        let Some(route) = self.last_route() else { return Vec::new() };
        let mut found: Vec<Alternative> = self.better_route(route.vpc, route.table);
        // A server that forwards, in place of one that does not or is down.
        let running = self.catalog.ports_of_vpc(route.vpc).filter_map(|port| self.catalog.server(port.server?));
        let forwarding = running.filter(|server| {
            server.kind.forwards()
                && server.state == ServerState::Running
                && route.next_hop != NextHop::Ecs(server.id)
                && self.catalog.port(server.port).is_some_and(|port| port.vpc == route.vpc)
        });
        let host = IpNet::from(self.destination);
        for server in forwarding.take(2) {
            let next_hop = NextHop::Ecs(server.id);
            found.extend(self.put_route(route.table, host, next_hop).map(|a| a.with_penalty(20)));
        }
        let warning = format!(
            "{} of {} no longer goes to {}",
            route.destination,
            name::table(self.catalog, route.table),
            name::next_hop(self.catalog, route.next_hop)
        );
        let delete = Change::DeleteRoute { table: route.table, destination: route.destination };
        found.push(Alternative::of(Proposal::new(delete).warn(Some(warning))).with_penalty(40));
        found
    }

    fn last_route(&self) -> Option<&model::Route> {
        let custom = self.lookups().into_iter().rev().find_map(|(_, _, choice)| match choice {
            Choice::Custom(route) => Some(route),
            _ => None,
        });
        self.catalog.route(custom?).map(AsRef::as_ref)
    }

    /// Routes from a table to the VPC that is meant.
    fn better_route(&self, vpc: VpcId, table: RouteTableId) -> Vec<Alternative> {
        let Some(meant) = self.meant.filter(|meant| *meant != vpc) else { return Vec::new() };
        let ways = Ways { catalog: self.catalog, vpc, table, meant, address: self.destination, viewer: self.viewer };
        let present = best_route(self.catalog, table, self.destination);
        // Where another route takes the packet, only the one address is taken from it.
        let destinations: Vec<IpNet> = match present {
            Some(_) => vec![ways.host()],
            None => ways.subnet().into_iter().chain([ways.host()]).collect(),
        };
        let mut found = Vec::new();
        for (penalty, destination) in (0..).zip(destinations) {
            let peering = live_peering(self.catalog, vpc, meant);
            if let Some(next_hop) = self.as_the_default_table(vpc, table) {
                let copied = self.put_route(table, destination, next_hop);
                found.extend(copied.map(|a| a.with_penalty(penalty)));
            }
            match peering {
                Some(peering) => {
                    let way = self.put_route(table, destination, NextHop::Peering(peering.id));
                    found.extend(way.map(|a| a.with_penalty(penalty)));
                }
                None => found.extend(self.new_peering(vpc, table, meant, destination).map(|a| a.with_penalty(penalty))),
            }
            found.extend(self.through_others(vpc, table, meant, destination).map(|a| a.with_penalty(penalty + 30)));
        }
        found
    }

    /// The next hop that the VPC's default table has for the packet, for a custom table that lacks the route.
    fn as_the_default_table(&self, vpc: VpcId, table: RouteTableId) -> Option<NextHop> {
        let default = self.catalog.vpc(vpc)?.default_route_table;
        if default == table {
            return None;
        }
        best_route(self.catalog, default, self.destination).map(|route| route.next_hop)
    }

    /// PEER-9: by VPCs in between. Who asks as an account must own them all.
    fn through_others(&self, vpc: VpcId, table: RouteTableId, meant: VpcId, destination: IpNet) -> Option<Alternative> {
        let way = chain(self.catalog, vpc, meant)?;
        let own = |vpc: &VpcId| self.viewer.is_none_or(|viewer| name::owner(self.catalog, *vpc) == Some(viewer));
        if !way.iter().all(own) {
            return None;
        }
        let next = *way.get(1)?;
        let peering = self.catalog.peering_between(vpc, next).find(|p| p.status == PeeringStatus::Active)?;
        let mut alternative = self.put_route(table, destination, NextHop::Peering(peering.id))?;
        let hop = alternative.changes.last_mut()?;
        let through = format!("sends the packets through {}", name::vpc(self.catalog, next));
        hop.warning = Some(match hop.warning.take() {
            Some(warning) => format!("{warning}; {through}"),
            None => through,
        });
        Some(alternative)
    }

    /// A new peering between two VPCs, with the route to it.
    fn new_peering(&self, vpc: VpcId, table: RouteTableId, meant: VpcId, destination: IpNet) -> Option<Alternative> {
        let create = Proposal::new(self.create_peering(vpc, meant)?);
        let (replaced, warning) = self.replacing(table, destination);
        let route = Proposal::route_to_peer(table, destination, vpc, meant).warn(warning);
        let changes = [Some(create), replaced, Some(route)].into_iter().flatten().collect();
        Some(Alternative { changes, penalty: 0 })
    }

    pub(super) fn create_peering(&self, local: VpcId, peer: VpcId) -> Option<Change> {
        let catalog = self.catalog;
        let same = name::owner(catalog, peer) == name::owner(catalog, local);
        let peer_project = if same { None } else { Some(catalog.vpc(peer)?.project) };
        Some(Change::CreatePeering { name: self.new_name(local, peer, same), local, peer, peer_project })
    }

    /// A name for a new peering that none of either project has. The peer's name is not told to other accounts.
    fn new_name(&self, local: VpcId, peer: VpcId, same: bool) -> String {
        let catalog = self.catalog;
        let local_name = name::vpc(catalog, local);
        let base =
            if same { format!("{local_name}-{}", name::vpc(catalog, peer)) } else { format!("{local_name}-peer") };
        let base: String = base.chars().take(60).collect();
        let projects = [local, peer].map(|vpc| catalog.vpc(vpc).map(|vpc| vpc.project));
        let taken = |name: &str| {
            projects.iter().flatten().any(|project| catalog.peerings_of_project(*project).any(|p| p.name == name))
        };
        let numbered = (2..100).map(|n| format!("{base}-{n}"));
        std::iter::once(base.clone()).chain(numbered).find(|name| !taken(name)).unwrap_or(base)
    }

    /// A route; in place of the one with the same destination, if there is one. `None` if that route is the same.
    fn put_route(&self, table: RouteTableId, destination: IpNet, next_hop: NextHop) -> Option<Alternative> {
        if self.catalog.route_for(table, destination).is_some_and(|route| route.next_hop == next_hop) {
            return None;
        }
        let (replaced, warning) = self.replacing(table, destination);
        let add = Proposal::new(Change::AddRoute { table, destination, next_hop }).warn(warning);
        Some(Alternative { changes: replaced.into_iter().chain([add]).collect(), penalty: 0 })
    }

    /// The removal of the route with this destination, and what a new one there takes away or opens.
    fn replacing(&self, table: RouteTableId, destination: IpNet) -> (Option<Proposal>, Option<String>) {
        let same = self.catalog.route_for(table, destination);
        let delete = same.map(|_| Proposal::new(Change::DeleteRoute { table, destination }));
        let warning = match best_route(self.catalog, table, self.destination) {
            Some(present) => {
                let (table, old) = (name::table(self.catalog, table), name::next_hop(self.catalog, present.next_hop));
                Some(match present.next_hop {
                    NextHop::Peering(_) | NextHop::Nat(_) => {
                        format!("from {table} packets to {} then no longer go to {old}", self.destination)
                    }
                    _ => format!("from {table} packets to {} then no longer pass {old}", self.destination),
                })
            }
            None => self.wide(destination),
        };
        (delete, warning)
    }

    /// What a route carries besides the packet in question.
    pub(super) fn wide(&self, destination: IpNet) -> Option<String> {
        (destination != IpNet::from(self.destination))
            .then(|| format!("carries packets to all of {destination}, not only to {}", self.destination))
    }
}
