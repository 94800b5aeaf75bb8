//! Source and destination checks, route tables, next hops, peering crossings, edge sites.

use abi::{
    CROSSING_EXPIRED, CROSSING_PENDING, CROSSING_REJECTED, DropReason, PORT_CHECKED, PORT_RUNNING, ROUTE_LOCAL,
    ROUTE_NAT, ROUTE_PEERING, ROUTE_SYSTEM,
};
use pipeline::Step;
use sim::frame::{TcpFlags, answer};
use sim::{Outcome, World};

use crate::net::{A, B, C, Host, Net, TwoVpcs, address, id, ip, table, two_vpcs};

fn ping(world: &mut World, from: &Host, to: &str) -> Outcome {
    world.send(from.ifindex, &mut from.towards(ip(to)).echo_request(1, 1))
}

fn dropped(vni: u32, reason: DropReason) -> Outcome {
    Outcome::Dropped { vni, reason }
}

fn delivered(vni: u32, to: &Host) -> Outcome {
    Outcome::Delivered { ifindex: to.ifindex, vni }
}

/// Sends a request and what the receiver answers; both must arrive.
fn both_ways(world: &mut World, from: &Host, to: &Host) {
    let mut frame = from.to(to).tcp(4000, 5432, TcpFlags::Syn);
    assert_eq!(world.send(from.ifindex, &mut frame).delivered_to(), Some(to.ifindex));
    let mut reply = answer(&frame).unwrap();
    assert_eq!(world.send(to.ifindex, &mut reply).delivered_to(), Some(from.ifindex));
}

/// CHK-2, CHK-4.
#[test]
fn only_own_addresses_are_sent_with_the_check_on() {
    let TwoVpcs { mut net, a1, a2, b1, .. } = two_vpcs();
    net.holds(&a1, "172.16.0.11");
    let forged = a1.posing_as(ip("172.16.0.99"), b1.ip).udp(1, 2);
    let others = a1.posing_as(a2.ip, b1.ip).udp(1, 2);
    let held = a1.posing_as(ip("172.16.0.11"), b1.ip).udp(1, 2);
    let nobody = a1.posing_as(ip("0.0.0.0"), b1.ip).udp(1, 2);
    let mut world = net.world();
    assert_eq!(world.send(11, &mut forged.clone()), dropped(A, DropReason::SourceCheck));
    assert_eq!(world.send(11, &mut others.clone()), dropped(A, DropReason::SourceCheck));
    assert_eq!(world.send(11, &mut held.clone()), delivered(B, &b1));
    net.port(&a1, |port| port.flags = PORT_RUNNING);
    let mut world = net.world();
    assert_eq!(world.send(11, &mut forged.clone()), delivered(B, &b1));
    assert_eq!(world.send(11, &mut nobody.clone()), dropped(A, DropReason::SourceCheck));
}

/// NET-6, PEER-2: a pair of routes joins, each direction needs its own.
#[test]
fn packets_cross_an_active_peering_with_routes_both_ways() {
    let TwoVpcs { mut net, a1, a2, a3, b1 } = two_vpcs();
    let mut world = net.world();
    both_ways(&mut world, &a1, &b1);
    both_ways(&mut world, &b1, &a3);
    both_ways(&mut world, &a1, &a2);
    both_ways(&mut world, &a1, &a3);
    net.delete_route(B, "172.16.0.0/16");
    let mut world = net.world();
    assert_eq!(ping(&mut world, &a1, "172.17.0.40"), delivered(B, &b1));
    let mut reply = b1.to(&a1).echo_reply(1, 1);
    assert_eq!(world.send(21, &mut reply), dropped(B, DropReason::NoRoute));
}

/// NET-5, PEER-2.
#[test]
fn a_peering_without_routes_carries_nothing() {
    let TwoVpcs { mut net, a1, .. } = two_vpcs();
    net.delete_route(A, "172.17.0.0/16");
    assert_eq!(ping(&mut net.world(), &a1, "172.17.0.40"), dropped(A, DropReason::NoRoute));
}

/// PEER-4, PEER-5: dropped in the VPC that the packet is in, and no shorter prefix is tried (RT-12).
#[test]
fn a_peering_that_is_not_active_passes_nothing() {
    let TwoVpcs { mut net, a1, b1, .. } = two_vpcs();
    net.vpc(C, "172.18.0.0/16");
    net.peering(2, A, C);
    net.route_to_peering(A, "0.0.0.0/0", 2);
    for state in [CROSSING_PENDING, CROSSING_REJECTED, CROSSING_EXPIRED, 0] {
        net.peering_in_state(1, A, B, state);
        let mut world = net.world();
        assert_eq!(ping(&mut world, &a1, "172.17.0.40"), dropped(A, DropReason::PeeringNotActive));
        assert_eq!(ping(&mut world, &b1, "172.16.0.10"), dropped(B, DropReason::PeeringNotActive));
    }
}

/// A route may be seen a moment before or after its peering.
#[test]
fn a_route_to_a_peering_that_is_not_there_passes_nothing() {
    let TwoVpcs { mut net, a1, .. } = two_vpcs();
    net.tables.crossings.clear();
    assert_eq!(ping(&mut net.world(), &a1, "172.17.0.40"), dropped(A, DropReason::InconsistentTables));
}

/// PEER-7: the three reasons for a packet that arrived and matches nothing.
#[test]
fn what_arrives_and_matches_nothing_is_dropped_with_the_right_reason() {
    let TwoVpcs { mut net, a1, .. } = two_vpcs();
    net.vpc(C, "203.0.113.0/24");
    net.route_to_peering(A, "0.0.0.0/0", 1);
    let mut world = net.world();
    let cases = [
        ("172.17.9.9", DropReason::NoSuchHost),
        ("8.8.8.8", DropReason::EipNotShared),
        ("172.32.0.1", DropReason::EipNotShared),
        ("10.1.1.1", DropReason::NonTransitive),
        ("172.31.0.1", DropReason::NonTransitive),
        ("192.168.7.7", DropReason::NonTransitive),
        ("100.64.0.1", DropReason::NonTransitive),
        ("100.128.0.1", DropReason::EipNotShared),
        ("203.0.113.5", DropReason::NonTransitive),
    ];
    for (to, reason) in cases {
        assert_eq!(ping(&mut world, &a1, to), dropped(B, reason), "{to}");
    }
}

/// NH-1.
#[test]
fn an_address_that_nobody_holds_is_no_such_host() {
    let TwoVpcs { mut net, a1, a2, b1, .. } = two_vpcs();
    let mut world = net.world();
    assert_eq!(ping(&mut world, &a1, "172.16.0.99"), dropped(A, DropReason::NoSuchHost));
    assert_eq!(ping(&mut world, &a1, "172.17.0.99"), dropped(B, DropReason::NoSuchHost));
    net.port(&a2, |port| port.flags = PORT_CHECKED);
    net.tables.endpoints.values_mut().filter(|e| e.ifindex == b1.ifindex).for_each(|e| e.ifindex = 0);
    let mut world = net.world();
    assert_eq!(ping(&mut world, &a1, "172.16.0.20"), dropped(A, DropReason::NoSuchHost));
    assert_eq!(ping(&mut world, &a1, "172.17.0.40"), dropped(B, DropReason::NoSuchHost));
}

/// RT-3.
#[test]
fn system_ranges_and_unbuilt_next_hops_deliver_nothing() {
    let TwoVpcs { mut net, a1, .. } = two_vpcs();
    net.route_to(table(A), "100.64.0.0/10", ROUTE_SYSTEM, id(b'y', 1), [0; 16]);
    net.route_to(table(A), "8.0.0.0/8", ROUTE_NAT, id(b'n', 1), [0; 16]);
    net.route_to(table(A), "9.0.0.0/8", 77, id(b'n', 1), [0; 16]);
    let mut world = net.world();
    assert_eq!(ping(&mut world, &a1, "100.64.0.1"), dropped(A, DropReason::NoSuchHost));
    assert_eq!(ping(&mut world, &a1, "8.8.8.8"), dropped(A, DropReason::NextHopDown));
    assert_eq!(ping(&mut world, &a1, "9.9.9.9"), dropped(A, DropReason::NextHopDown));
}

/// RT-2: the table of the subnet; RT-2a: the default table on arrival.
#[test]
fn a_custom_table_serves_its_subnet_and_not_what_arrives() {
    let TwoVpcs { mut net, a1, a3, b1, .. } = two_vpcs();
    let custom = id(b't', 77);
    net.route_to(custom, "172.16.0.0/24", ROUTE_LOCAL, id(b's', 1), [0; 16]);
    net.route_to(custom, "172.16.1.0/24", ROUTE_LOCAL, id(b's', 2), [0; 16]);
    net.port(&a3, |port| port.table = custom);
    let mut world = net.world();
    assert_eq!(ping(&mut world, &a1, "172.17.0.40"), delivered(B, &b1));
    assert_eq!(ping(&mut world, &a3, "172.17.0.40"), dropped(A, DropReason::NoRoute));
    assert_eq!(ping(&mut world, &a3, "172.16.0.10"), delivered(A, &a1));
    assert_eq!(ping(&mut world, &b1, "172.16.1.30"), delivered(A, &a3));
}

/// RT-7: the longest prefix wins among many.
#[test]
fn the_longest_prefix_wins() {
    let TwoVpcs { mut net, a1, b1, .. } = two_vpcs();
    net.vpc(C, "172.18.0.0/16");
    net.subnet(C, 4, "172.18.0.0/24");
    let c1 = net.host(31, C, 4, "172.17.0.41");
    net.route_to(table(C), "172.17.0.41/32", ROUTE_LOCAL, id(b's', 4), [0; 16]);
    net.peering(2, A, C);
    net.route_to_peering(A, "172.17.0.41/32", 2);
    for third in 0..=255 {
        net.route_to_peering(A, &format!("10.0.{third}.0/24"), 2);
    }
    let mut world = net.world();
    assert_eq!(ping(&mut world, &a1, "172.17.0.41"), delivered(C, &c1));
    assert_eq!(ping(&mut world, &a1, "172.17.0.40"), delivered(B, &b1));
}

/// A hub H (A) with spokes B and C: peerings 1 (A-B) and 2 (A-C).
fn hub() -> (TwoVpcs, Host) {
    let mut vpcs = two_vpcs();
    let net = &mut vpcs.net;
    net.vpc(C, "172.18.0.0/16");
    net.subnet(C, 4, "172.18.0.0/24");
    let c1 = net.host(31, C, 4, "172.18.0.50");
    net.peering(2, A, C);
    net.route_to_peering(A, "172.18.0.0/16", 2);
    net.route_to_peering(C, "172.16.0.0/16", 2);
    (vpcs, c1)
}

/// PEER-8.
#[test]
fn peering_is_not_transitive() {
    let (TwoVpcs { mut net, b1, .. }, c1) = hub();
    assert_eq!(ping(&mut net.world(), &b1, "172.18.0.50"), dropped(B, DropReason::NoRoute));
    net.delete_route(A, "172.18.0.0/16");
    net.route_to_peering(B, "172.18.0.0/16", 1);
    assert_eq!(ping(&mut net.world(), &b1, "172.18.0.50"), dropped(A, DropReason::NonTransitive));
    assert_eq!(ping(&mut net.world(), &c1, "172.17.0.40"), dropped(C, DropReason::NoRoute));
}

/// PEER-9.
#[test]
fn routes_on_every_hop_make_transit() {
    let (TwoVpcs { mut net, b1, .. }, c1) = hub();
    net.route_to_peering(B, "172.18.0.0/16", 1);
    net.route_to_peering(C, "172.17.0.0/16", 2);
    let mut world = net.world();
    both_ways(&mut world, &b1, &c1);
    let (outcome, steps) = world.send_traced(21, &mut b1.to(&c1).udp(1, 2));
    assert_eq!(outcome, delivered(C, &c1));
    let crossed: Vec<(u32, u32)> = steps
        .iter()
        .filter_map(|step| match *step {
            Step::Crossing { from, to, crossed: true, .. } => Some((from, to)),
            _ => None,
        })
        .collect();
    assert_eq!(crossed, [(B, A), (A, C)]);
}

/// PEER-10.
#[test]
fn a_packet_does_not_go_back_by_the_peering_it_came_by() {
    let TwoVpcs { mut net, a1, .. } = two_vpcs();
    net.route_to_peering(A, "10.0.0.0/8", 1);
    net.route_to_peering(B, "10.0.0.0/8", 1);
    assert_eq!(ping(&mut net.world(), &a1, "10.1.2.3"), dropped(B, DropReason::RoutingLoop));
}

/// A chain of `peerings` peerings from VPC 1 on; the last VPC has the host.
fn chain(peerings: u32) -> (Net, Host, Host) {
    let mut net = Net::new();
    let first = net.host(1, 1, 1, "10.0.0.1");
    let last = net.host(2, peerings + 1, 2, "10.9.0.1");
    for n in 1..=peerings {
        net.peering(n, n, n + 1);
        net.route_to_peering(n, "10.9.0.0/16", n);
        net.route_to_peering(n + 1, "10.0.0.0/16", n);
    }
    net.route_to(table(1), "10.0.0.0/16", ROUTE_LOCAL, id(b's', 1), [0; 16]);
    net.route_to(table(peerings + 1), "10.9.0.0/16", ROUTE_LOCAL, id(b's', 2), [0; 16]);
    (net, first, last)
}

/// PEER-10.
#[test]
fn sixteen_peerings_may_be_crossed_and_no_more() {
    let (net, first, last) = chain(16);
    both_ways(&mut net.world(), &first, &last);
    let (net, first, _) = chain(17);
    assert_eq!(ping(&mut net.world(), &first, "10.9.0.1"), dropped(17, DropReason::RoutingLoop));
}

/// PEER-10: a ring of three peerings ends as well.
#[test]
fn a_ring_of_peerings_ends() {
    let TwoVpcs { mut net, a1, .. } = two_vpcs();
    net.peering(2, B, C);
    net.peering(3, C, A);
    net.route_to_peering(A, "10.0.0.0/8", 1);
    net.route_to_peering(B, "10.0.0.0/8", 2);
    net.route_to_peering(C, "10.0.0.0/8", 3);
    assert_eq!(ping(&mut net.world(), &a1, "10.1.2.3").reason(), Some(DropReason::RoutingLoop));
}

/// EDGE-2, EDGE-3.
#[test]
fn different_edge_sites_do_not_communicate() {
    let TwoVpcs { mut net, a1, b1, .. } = two_vpcs();
    net.edge_site(A, 1);
    both_ways(&mut net.world(), &a1, &b1);
    net.edge_site(B, 1);
    both_ways(&mut net.world(), &a1, &b1);
    net.edge_site(B, 2);
    assert_eq!(ping(&mut net.world(), &a1, "172.17.0.40"), dropped(A, DropReason::EdgeSite));
    assert_eq!(ping(&mut net.world(), &b1, "172.16.0.10"), dropped(B, DropReason::EdgeSite));
}

/// EDGE-4.
#[test]
fn the_centre_is_no_bridge_between_edge_sites() {
    let (TwoVpcs { mut net, a1, b1, .. }, c1) = hub();
    net.route_to_peering(B, "172.18.0.0/16", 1);
    net.route_to_peering(C, "172.17.0.0/16", 2);
    net.edge_site(B, 1);
    net.edge_site(C, 2);
    let mut world = net.world();
    assert_eq!(ping(&mut world, &b1, "172.18.0.50"), dropped(A, DropReason::EdgeSite));
    both_ways(&mut world, &a1, &b1);
    both_ways(&mut world, &a1, &c1);
}

/// NH-2, CHK-3, CHK-4, SG-11: an instance gets what a route sends it, unchanged, when its check is off.
#[test]
fn a_route_hands_packets_to_an_instance() {
    let TwoVpcs { mut net, a1, a2, a3, .. } = two_vpcs();
    net.route_to_instance(A, "192.0.2.0/24", &a2);
    net.route_to_instance(A, "172.16.0.21/32", &a2);
    let mut world = net.world();
    assert_eq!(ping(&mut world, &a1, "192.0.2.7"), dropped(A, DropReason::SourceCheck));
    net.port(&a2, |port| port.flags = PORT_RUNNING);
    let mut world = net.world();
    assert_eq!(ping(&mut world, &a1, "192.0.2.7"), delivered(A, &a2));
    assert_eq!(ping(&mut world, &a3, "192.0.2.7"), delivered(A, &a2));
    // NH-7: the emitter is the next hop.
    assert_eq!(ping(&mut world, &a2, "192.0.2.7"), dropped(A, DropReason::RoutingLoop));
    // The reply, re-sent by the instance with a source that is not its own.
    let mut reply = a2.posing_as(ip("192.0.2.7"), a1.ip).echo_reply(1, 1);
    assert_eq!(world.send(12, &mut reply), delivered(A, &a1));
    net.port(&a2, |port| port.flags = 0);
    assert_eq!(ping(&mut net.world(), &a1, "192.0.2.7"), dropped(A, DropReason::NextHopDown));
}

/// CHK-3: an address that the instance holds itself passes the check even when a route led there.
#[test]
fn a_route_to_an_instances_own_address_passes_its_check() {
    let TwoVpcs { mut net, a1, a2, .. } = two_vpcs();
    net.holds(&a2, "192.0.2.7");
    net.route_to_instance(A, "192.0.2.0/24", &a2);
    let mut world = net.world();
    assert_eq!(ping(&mut world, &a1, "192.0.2.7"), delivered(A, &a2));
    assert_eq!(ping(&mut world, &a1, "192.0.2.8"), dropped(A, DropReason::SourceCheck));
}

/// NH-7, RT-12.
#[test]
fn a_next_hop_that_is_not_there_drops() {
    let TwoVpcs { mut net, a1, .. } = two_vpcs();
    for (range, next_hop) in [("192.0.2.0/24", "172.16.0.99"), ("198.51.100.0/24", "172.16.0.1")] {
        net.route_to(table(A), range, abi::ROUTE_INSTANCE, id(b'p', 99), address(next_hop));
    }
    net.route_to(table(A), "0.0.0.0/0", ROUTE_PEERING, id(b'x', 1), [0; 16]);
    let mut world = net.world();
    assert_eq!(ping(&mut world, &a1, "192.0.2.7"), dropped(A, DropReason::NextHopDown));
    assert_eq!(ping(&mut world, &a1, "198.51.100.7"), dropped(A, DropReason::NextHopDown));
}

/// RT-2b, PEER-9: a firewall in the middle VPC, reached by the default table and re-sending by its own.
#[test]
fn a_firewall_in_the_hub_joins_spokes() {
    let (TwoVpcs { mut net, a1: firewall, b1, .. }, c1) = hub();
    net.port(&firewall, |port| {
        port.flags = PORT_RUNNING;
        port.table = id(b't', 88);
    });
    net.route_to_peering(B, "172.18.0.0/16", 1);
    net.route_to_peering(C, "172.17.0.0/16", 2);
    net.route_to_instance(A, "172.18.0.0/16", &firewall);
    net.route_to_instance(A, "172.17.0.0/16", &firewall);
    net.route_to(id(b't', 88), "172.17.0.0/16", ROUTE_PEERING, id(b'x', 1), [0; 16]);
    net.route_to(id(b't', 88), "172.18.0.0/16", ROUTE_PEERING, id(b'x', 2), [0; 16]);
    let mut world = net.world();
    let forward = |world: &mut World, from: &Host, to: &Host| {
        let frame = from.to(to).tcp(4000, 80, TcpFlags::Syn);
        assert_eq!(world.send(from.ifindex, &mut frame.clone()), delivered(A, &firewall));
        let mut again = firewall.posing_as(from.ip, to.ip).tcp(4000, 80, TcpFlags::Syn);
        assert_eq!(world.send(firewall.ifindex, &mut again).delivered_to(), Some(to.ifindex));
    };
    forward(&mut world, &b1, &c1);
    forward(&mut world, &c1, &b1);
}

/// Overlapping VPCs: equal addresses in two VPCs never meet (NET-5).
#[test]
fn equal_addresses_in_two_vpcs_are_two_things() {
    let mut net = Net::new();
    for (vni, first) in [(A, 10), (B, 20)] {
        net.vpc(vni, "10.0.0.0/16");
        net.subnet(vni, first, "10.0.0.0/24");
        net.host(first, vni, first, "10.0.0.10");
        net.host(first + 1, vni, first, "10.0.0.20");
    }
    let mut world = net.world();
    for first in [10, 20] {
        let host = Host { ifindex: first, mac: [2, 0, 0, 0, 0, first as u8], ip: ip("10.0.0.10") };
        assert_eq!(ping(&mut world, &host, "10.0.0.20").delivered_to(), Some(first + 1));
    }
}
