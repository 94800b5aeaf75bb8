//! Random topologies: what must hold whatever is configured.
#![allow(clippy::unwrap_used, reason = "a failed lookup is the failure of the test")]

use std::collections::{BTreeMap, BTreeSet};

use compiler::fixture::Fixture;
use model::{Protocol, ServerId};
use proptest::prelude::*;
use sim::reach::reach;
use sim::trace::{Choice, Fact, Question, Target, Trace, Tracer};

const VPCS: usize = 6;

/// A topology with one server in each VPC `i`, at 10.i.0.5, and routes to whole VPCs only.
#[derive(Clone, Debug, Default)]
struct Topology {
    /// Peerings with their state, by pair (smaller first).
    peerings: BTreeMap<(usize, usize), bool>,
    /// For each VPC and destination the neighbour that the route's peering leads to.
    routes: BTreeMap<(usize, usize), usize>,
}

fn pair(a: usize, b: usize) -> (usize, usize) {
    (a.min(b), a.max(b))
}

impl Topology {
    fn fixture(&self) -> Fixture {
        let mut fixture = Fixture::default();
        for i in 0..VPCS {
            fixture
                .run(&format!("vpc V{i} 10.{i}.0.0/16\nsubnet S{i} V{i} 10.{i}.0.0/24\nserver E{i} S{i} 10.{i}.0.5"));
        }
        for ((a, b), active) in &self.peerings {
            let status = if *active { "ACTIVE" } else { "PENDING_ACCEPTANCE" };
            fixture.run(&format!("peering P{a}{b} V{a} V{b} status={status}"));
        }
        for ((from, to), by) in &self.routes {
            let (a, b) = pair(*from, *by);
            fixture.run(&format!("route rtb-V{from} 10.{to}.0.0/16 P{a}{b}"));
        }
        fixture
    }

    /// The rules as they are written: a route on every hop, only over ACTIVE peerings, never back by the same one.
    fn passes(&self, from: usize, to: usize) -> bool {
        let (mut at, mut arrived_by) = (from, None);
        for _ in 0..=16 {
            if at == to {
                return true;
            }
            let Some(by) = self.routes.get(&(at, to)) else { return false };
            let peering = pair(at, *by);
            if self.peerings.get(&peering) != Some(&true) || arrived_by == Some(peering) {
                return false;
            }
            (at, arrived_by) = (*by, Some(peering));
        }
        false
    }
}

fn topology() -> impl Strategy<Value = Topology> {
    let peerings = prop::collection::btree_map((0..VPCS, 0..VPCS), prop::bool::weighted(0.85), 3..12);
    let routes = prop::collection::vec((0..VPCS, any::<prop::sample::Index>()), 5..50);
    (peerings, routes).prop_map(|(peerings, routes)| {
        let peerings: BTreeMap<_, _> =
            peerings.into_iter().filter(|((a, b), _)| a != b).map(|((a, b), active)| (pair(a, b), active)).collect();
        let ends: Vec<(usize, usize)> = peerings.keys().flat_map(|(a, b)| [(*a, *b), (*b, *a)]).collect();
        let mut topology = Topology { peerings, ..Topology::default() };
        // The direct routes first, so that most neighbours talk; then random ones.
        for (from, by) in ends.iter().filter(|(from, by)| (from * 7 + by * 3) % 4 != 0) {
            topology.routes.insert((*from, *by), *by);
        }
        for (to, end) in routes {
            if let Some((from, by)) = ends.get(end.index(ends.len().max(1))).filter(|(from, _)| *from != to) {
                topology.routes.entry((*from, to)).or_insert(*by);
            }
        }
        topology
    })
}

fn servers(fixture: &Fixture) -> Vec<ServerId> {
    (0..VPCS).map(|i| fixture.server(&format!("E{i}"))).collect()
}

fn ask(fixture: &Fixture, from: usize, to: usize) -> Trace {
    let server = |i: usize| fixture.server(&format!("E{i}"));
    let question = Question { from: server(from), to: Target::Server(server(to)), protocol: Protocol::TCP, port: 80 };
    Tracer::new(&fixture.catalog).ask(&question).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// NET-5, PEER-2, PEER-4, PEER-8, PEER-9, PEER-10: reachable exactly if ACTIVE peerings and routes on every hop of
    /// both ways say so.
    #[test]
    fn only_peerings_and_routes_on_every_hop_join_vpcs(topology in topology()) {
        let fixture = topology.fixture();
        let servers = servers(&fixture);
        let index = |id: ServerId| servers.iter().position(|server| *server == id).unwrap();
        for cell in reach(&fixture.catalog, &servers, model::IpVersion::V4, Protocol::ICMP, 0) {
            let (from, to) = (index(cell.from), index(cell.to));
            let expected = topology.passes(from, to) && topology.passes(to, from);
            let verdict = cell.verdict.unwrap();
            prop_assert_eq!(verdict.reachable, expected, "{} to {}: {:?}", from, to, verdict);
        }
    }

    /// PEER-6, EF-6: each peering crossed and each route used is needed.
    #[test]
    fn taking_away_any_peering_or_route_on_the_way_stops_it(topology in topology()) {
        let fixture = topology.fixture();
        for (from, to) in (0..VPCS).flat_map(|from| (0..VPCS).map(move |to| (from, to))).filter(|(a, b)| a != b) {
            let trace = ask(&fixture, from, to);
            if !trace.verdict.reachable {
                continue;
            }
            let used: BTreeSet<String> = trace
                .peerings()
                .map(|id| format!("delete-peering {}", fixture.catalog.peering(id).unwrap().name))
                .chain(trace.forward.iter().chain(&trace.back).filter_map(|step| match step.fact {
                    Fact::Route { choice: Choice::Custom(route), .. } => {
                        let route = fixture.catalog.route(route).unwrap();
                        let table = &fixture.catalog.route_table(route.table).unwrap().name;
                        Some(format!("delete-route {table} {}", route.destination))
                    }
                    _ => None,
                }))
                .collect();
            prop_assert!(used.len() >= 3, "a peering and two routes at least");
            for statement in used {
                let mut without = fixture.clone();
                without.run(&statement);
                prop_assert!(!ask(&without, from, to).verdict.reachable, "{} still reaches {} after {}", from, to, statement);
            }
        }
    }

    /// PEER-8: neighbours that know only their neighbours keep third VPCs apart.
    #[test]
    fn peering_is_not_transitive(mut topology in topology()) {
        topology.routes.retain(|(_, to), by| to == by);
        let fixture = topology.fixture();
        let servers = servers(&fixture);
        for cell in reach(&fixture.catalog, &servers, model::IpVersion::V4, Protocol::TCP, 22) {
            let pair_of = |id: ServerId| servers.iter().position(|server| *server == id).unwrap();
            if topology.peerings.get(&pair(pair_of(cell.from), pair_of(cell.to))) != Some(&true) {
                prop_assert!(!cell.verdict.unwrap().reachable);
            }
        }
    }
}
