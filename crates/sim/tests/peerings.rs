//! What a peering carries, by IPv4 and IPv6 alike.
#![allow(clippy::unwrap_used, reason = "a failed lookup is the failure of the test")]

use std::net::IpAddr;

use abi::DropReason;
use compiler::Compiler;
use compiler::fixture::Fixture;
use model::Port;
use sim::frame::Ends;
use sim::{Outcome, World};

const NETWORK: &str = "
    vpc A 10.1.0.0/16
    vpc B 10.2.0.0/16 account=acct-b
    subnet SA A 10.1.0.0/24 v6=2001:db8:1::/64
    subnet SB B 10.2.0.0/24 v6=2001:db8:2::/64
    server EA SA 10.1.0.5 ip6=2001:db8:1::5
    server EB SB 10.2.0.5 ip6=2001:db8:2::5
    peering P A B
";

/// Addresses of the two servers, by family.
const ENDS: [(&str, &str); 2] = [("10.1.0.5", "10.2.0.5"), ("2001:db8:1::5", "2001:db8:2::5")];

/// Routes by family, there and back.
const ROUTES: [[&str; 2]; 2] = [
    ["route rtb-A 10.2.0.0/16 P", "route rtb-B 10.1.0.0/16 P"],
    ["route rtb-A 2001:db8:2::/64 P", "route rtb-B 2001:db8:1::/64 P"],
];

fn port(fixture: &Fixture, server: &str) -> Port {
    let server = fixture.catalog.server(fixture.server(server)).unwrap();
    (**fixture.catalog.port(server.port).unwrap()).clone()
}

fn ifindex(fixture: &Fixture, server: &str) -> u32 {
    fixture.attachments()[&port(fixture, server).id]
}

fn world(fixture: &Fixture) -> World {
    World::load(&Compiler::default().full(&fixture.catalog, fixture.attachments()))
}

/// A packet of a server to an address.
fn send(world: &mut World, fixture: &Fixture, from: &str, (source, destination): (&str, &str), number: u16) -> Outcome {
    let address = |text: &str| text.parse::<IpAddr>().unwrap();
    let ends = Ends::by_gateway(port(fixture, from).mac.0, address(source), address(destination));
    world.send(ifindex(fixture, from), &mut ends.udp(number, 53))
}

/// NH-6, PEER-1: what matches a route to a peering is in the VPC at the other end, from either end.
#[test]
fn a_route_to_a_peering_leads_to_the_other_end() {
    let fixture = Fixture::new(&[NETWORK, &ROUTES.concat().join("\n")].concat());
    for (a, b) in ENDS {
        let mut world = world(&fixture);
        for (from, to, ends) in [("EA", "EB", (a, b)), ("EB", "EA", (b, a))] {
            let vni = fixture.catalog.vpc(port(&fixture, to).vpc).unwrap().vni.number();
            let expected = Outcome::Delivered { ifindex: ifindex(&fixture, to), vni };
            assert_eq!(send(&mut world, &fixture, from, ends, 1), expected, "{from} to {to}");
        }
    }
}

/// LC-6, PEER-4, PEER-5: in no other state than ACTIVE does anything pass, in either direction and family.
#[test]
fn only_an_active_peering_carries_packets() {
    for status in ["PENDING_ACCEPTANCE", "REJECTED", "EXPIRED"] {
        let mut fixture = Fixture::new(&[NETWORK, &ROUTES.concat().join("\n")].concat());
        fixture.run(&format!("status P {status}"));
        let mut world = world(&fixture);
        for (a, b) in ENDS {
            for (from, ends) in [("EA", (a, b)), ("EB", (b, a))] {
                let outcome = send(&mut world, &fixture, from, ends, 1);
                assert_eq!(outcome.reason(), Some(DropReason::PeeringNotActive), "{status}: {ends:?}");
            }
        }
    }
}

/// RT-13, V6-3, V6-5: a route of one family carries nothing of the other, not even a default route.
#[test]
fn routes_of_one_family_do_not_match_packets_of_the_other() {
    for (family, default) in [(0, "0.0.0.0/0"), (1, "::/0")] {
        for routes in [ROUTES[family].join("\n"), format!("route rtb-A {default} P\nroute rtb-B {default} P")] {
            let fixture = Fixture::new(&[NETWORK, &routes].concat());
            let mut world = world(&fixture);
            for (number, ends) in ENDS.into_iter().enumerate() {
                let outcome = send(&mut world, &fixture, "EA", ends, 1);
                let expected = (number != family).then_some(DropReason::NoRoute);
                assert_eq!(outcome.reason(), expected, "{routes}: {ends:?}");
            }
        }
    }
}

/// PEER-15: however many packets come at once, by however many flows, none is dropped for there being too many.
#[test]
fn a_peering_has_no_limit() {
    let fixture = Fixture::new(&[NETWORK, &ROUTES.concat().join("\n")].concat());
    for ends in ENDS {
        let mut world = world(&fixture);
        // The clock of the simulator stands still.
        for number in 0..20_000 {
            let outcome = send(&mut world, &fixture, "EA", ends, 1000 + number % 500);
            assert!(matches!(outcome, Outcome::Delivered { .. }), "packet {number}: {outcome:?}");
        }
        assert!(world.drops().is_empty());
    }
}
