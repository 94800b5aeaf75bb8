//! Route choice against the rules as they are written, for random subnets, tables and destinations.
#![allow(clippy::unwrap_used, reason = "a failed lookup is the failure of the test")]

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use abi::DropReason;
use compiler::Compiler;
use compiler::fixture::Fixture;
use ipnet::Ipv4Net;
use model::SYSTEM_RANGES;
use proptest::prelude::*;
use sim::frame::Ends;
use sim::{Outcome, World};

/// VPC `V` with a sender and three peers, each of which takes any address it is asked for: a firewall at `10.p.0.5`,
/// to which its default table leads everything.
const PEERS: usize = 3;

fn fixture(subnets: &[Ipv4Net], routes: &BTreeMap<Ipv4Net, usize>) -> Fixture {
    let mut fixture = Fixture::new(
        "vpc V 10.0.0.0/8
         subnet home V 10.200.0.0/24
         server sender home 10.200.0.5
         server own home 10.200.0.6 check=off",
    );
    for (number, subnet) in subnets.iter().enumerate() {
        fixture.run(&format!("subnet S{number} V {subnet}"));
    }
    for peer in 0..PEERS {
        fixture.run(&format!(
            "vpc P{peer} 172.{}.0.0/16
             subnet F{peer} P{peer} 172.{}.0.0/24
             server fw{peer} F{peer} 172.{}.0.5 check=off
             peering X{peer} V P{peer}
             route rtb-P{peer} 0.0.0.0/0 fw{peer}",
            16 + peer,
            16 + peer,
            16 + peer
        ));
    }
    for (destination, to) in routes {
        let to = if *to < PEERS { format!("X{to}") } else { "own".to_owned() };
        fixture.run(&format!("route rtb-V {destination} {to}"));
    }
    fixture
}

/// Addresses that are close to each other, so that prefixes meet.
fn address() -> impl Strategy<Value = Ipv4Addr> {
    let first = prop::sample::select(vec![0, 10, 10, 10, 100, 192, 198, 203]);
    let second = prop::sample::select(vec![0, 1, 2, 19, 64, 127, 128, 200]);
    (first, second, 0_u8..4, prop::sample::select(vec![0, 1, 5, 127, 128, 255]))
        .prop_map(|(a, b, c, d)| Ipv4Addr::new(a, b, c, d))
}

fn range() -> impl Strategy<Value = Ipv4Net> {
    let length = prop::sample::select(vec![0, 1, 7, 8, 9, 15, 16, 17, 22, 24, 25, 31, 32]);
    (address(), length).prop_map(|(address, length)| Ipv4Net::new(address, length).unwrap().trunc())
}

/// Rules RT-3 to RT-7 word by word.
fn chosen(destination: Ipv4Addr, subnets: &[Ipv4Net], routes: &BTreeMap<Ipv4Net, usize>) -> Result<usize, DropReason> {
    let home: Ipv4Net = "10.200.0.0/24".parse().unwrap();
    if SYSTEM_RANGES.iter().chain(subnets).chain([&home]).any(|range| range.contains(&destination)) {
        return Err(DropReason::NoSuchHost);
    }
    let custom = routes.iter().filter(|(range, _)| range.contains(&destination));
    custom.max_by_key(|(range, _)| range.prefix_len()).map(|(_, to)| *to).ok_or(DropReason::NoRoute)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    /// RT-4, RT-5, RT-6, RT-7, RT-12: local and system ranges win over everything, then the longest prefix, from /0 to /32.
    #[test]
    fn the_right_route_is_chosen_for_every_address(
        subnets in prop::collection::vec((0_u8..4, 0_u8..4, prop::sample::select(vec![16, 22, 24, 25, 29])), 0..4),
        routes in prop::collection::btree_map(range(), 0..=PEERS, 0..12),
        destinations in prop::collection::vec(address(), 20),
    ) {
        let mut disjoint: Vec<Ipv4Net> = Vec::new();
        for (b, c, length) in subnets {
            let subnet = Ipv4Net::new(Ipv4Addr::new(10, b, c, 0), length).unwrap().trunc();
            if !disjoint.iter().any(|other| other.contains(&subnet) || subnet.contains(other)) {
                disjoint.push(subnet);
            }
        }
        let fixture = fixture(&disjoint, &routes);
        let mut world = World::load(&Compiler::default().full(&fixture.catalog, fixture.attachments()));
        let port = |name: &str| fixture.catalog.port(fixture.catalog.server(fixture.server(name)).unwrap().port).unwrap();
        let ifindex = |name: &str| fixture.attachments()[&port(name).id];
        let sender = port("sender");
        // Each range's first and last address, and the neighbours of those, beside the random ones.
        let edges = routes.keys().chain(&disjoint).flat_map(|range| {
            let (first, last) = (u32::from(range.network()), u32::from(range.broadcast()));
            [first, last, first.wrapping_sub(1), last.wrapping_add(1)].map(Ipv4Addr::from)
        });
        for destination in destinations.iter().copied().chain(edges) {
            // What never leaves the subnet, and gateways, have rules of their own; two addresses are somebody's.
            let [a, b, ..] = destination.octets();
            if destination == sender.ipv4 || destination == port("own").ipv4 {
                continue;
            }
            if a >= 224 || a == 127 || (a == 169 && b == 254) || destination.is_unspecified() {
                continue;
            }
            let ends = Ends::by_gateway(sender.mac.0, sender.ipv4, destination);
            world.forget_flows();
            let outcome = world.send(ifindex("sender"), &mut ends.udp(1, 2));
            let expected = chosen(destination, &disjoint, &routes);
            let got = match outcome {
                Outcome::Delivered { ifindex: to, .. } if to == ifindex("own") => Ok(PEERS),
                Outcome::Delivered { ifindex: to, .. } => {
                    Ok((0..PEERS).find(|peer| ifindex(&format!("fw{peer}")) == to).unwrap())
                }
                Outcome::Dropped { reason: DropReason::GatewayService, .. } => continue,
                outcome => Err(outcome.reason().unwrap()),
            };
            // In the peer the same holds: its own subnet is local to it.
            let elsewhere = (0..PEERS).any(|peer| Ok(peer) == expected && a == 172 && b == 16 + peer as u8);
            prop_assert!(got == expected || elsewhere, "{destination}: {got:?} instead of {expected:?}");
        }
    }
}
