#![allow(clippy::unwrap_used, reason = "a failed lookup is the failure of the test")]

use std::net::Ipv4Addr;

use abi::FAMILY_V4;
use ipnet::Ipv4Net;
use model::VpcId;
use proptest::prelude::*;

use crate::fixture::Fixture;
use crate::{Attachments, Settings, compile_vpc};

use super::*;

/// What the table gives: the target of the longest matching prefix.
fn longest_match(tables: &Tables, table: Id, ip: Ipv4Addr) -> Option<(u8, Id)> {
    let covers = |prefix: &tables::Prefix<abi::RouteKey>| {
        let [a, b, c, d, ..] = prefix.key.address;
        let net = Ipv4Net::new(Ipv4Addr::new(a, b, c, d), (prefix.bits - 72) as u8).unwrap();
        prefix.key.table == table && prefix.key.family == FAMILY_V4 && net.contains(&ip)
    };
    tables.routes.iter().filter(|(p, _)| covers(p)).max_by_key(|(p, _)| p.bits).map(|(_, r)| (r.kind, r.route))
}

/// RT-4 and RT-5 as they are written: classes first, then the longest prefix.
fn preferred(catalog: &Catalog, vpc: VpcId, ip: Ipv4Addr) -> Option<(u8, Id)> {
    if SYSTEM_RANGES.iter().any(|range| range.contains(&ip)) {
        return Some((ROUTE_SYSTEM, NO_ID));
    }
    if let Some(subnet) = catalog.subnets_of(vpc).find(|subnet| subnet.cidr.contains(&ip)) {
        return Some((ROUTE_LOCAL, subnet.id.table_id()));
    }
    let table = catalog.vpc(vpc).unwrap().default_route_table;
    catalog
        .routes_of(table)
        .filter(|route| route.destination.contains(&IpAddr::V4(ip)))
        .max_by_key(|route| route.destination.prefix_len())
        .map(|route| (ROUTE_PEERING, route.id.table_id()))
}

proptest! {
    /// RT-4, RT-5, RT-6, RT-7.
    #[test]
    fn the_longest_prefix_is_the_preferred_route(
        subnets in prop::collection::btree_set((0u8..2, 0u8..4), 0..5),
        routes in prop::collection::btree_map((0u8..2, 0u8..4, 0u8..64), 6u8..33, 0..8),
        asked in prop::collection::vec((0u8..2, 0u8..4, 0u8..64), 8),
        far in any::<[u8; 4]>(),
    ) {
        let mut fixture = Fixture::new("vpc A 10.0.0.0/8\nvpc B 10.0.0.0/8\npeering P A B");
        for (i, (high, low)) in subnets.iter().enumerate() {
            fixture.run(&format!("subnet S{i} A 10.{high}.{low}.0/27"));
        }
        let table = fixture.catalog.vpc(fixture.vpc("A")).unwrap().default_route_table;
        for ((a, b, c), length) in routes {
            let destination = Ipv4Net::new(Ipv4Addr::new(10, a, b, c), length).unwrap().trunc();
            if fixture.catalog.route_for(table, destination.into()).is_none() {
                fixture.run(&format!("route rtb-A {destination} P"));
            }
        }
        let vpc = fixture.vpc("A");
        let tables = compile_vpc(&fixture.catalog, vpc, &Attachments::new(), Settings::default());
        let near = asked.into_iter().map(|(a, b, c)| Ipv4Addr::new(10, a, b, c));
        for ip in near.chain([Ipv4Addr::from(far), Ipv4Addr::new(100, 64, 1, 1), Ipv4Addr::LOCALHOST]) {
            prop_assert_eq!(
                longest_match(&tables, table.table_id(), ip),
                preferred(&fixture.catalog, vpc, ip),
                "{}", ip
            );
        }
    }
}

/// NH-7: a route to a server that is gone stays, and names an address that nobody has.
#[test]
fn a_route_to_a_deleted_server_stays_without_a_next_hop() {
    let mut fixture =
        Fixture::new("vpc A 10.0.0.0/16\nsubnet S A 10.0.0.0/24\nserver E S 10.0.0.9\nroute rtb-A 0.0.0.0/0 E");
    let of = |fixture: &Fixture| {
        let tables = compile_vpc(&fixture.catalog, fixture.vpc("A"), fixture.attachments(), Settings::default());
        *tables.routes.values().find(|route| route.kind == ROUTE_INSTANCE).unwrap()
    };
    assert_eq!(of(&fixture).next_hop[..4], [10, 0, 0, 9]);
    fixture.run("delete-server E");
    assert_eq!(of(&fixture).next_hop, [0; 16]);
}

/// PEER-5: a peering in any state has a crossing, so that the pipeline can say why it does not carry.
#[test]
fn both_ends_of_a_pending_peering_have_a_crossing() {
    let fixture = Fixture::new("vpc A 10.0.0.0/16\nvpc B 10.1.0.0/16 edge=e\npeering P A B status=PENDING_ACCEPTANCE");
    for (vpc, edge) in [("A", true), ("B", false)] {
        let tables = compile_vpc(&fixture.catalog, fixture.vpc(vpc), &Attachments::new(), Settings::default());
        let crossing = tables.crossings.values().next().unwrap();
        assert_eq!((crossing.state, crossing.edge_site != 0), (CROSSING_PENDING, edge));
    }
}
