//! The flow table: generations, timeouts, and who evicts whom.

use std::time::Duration;

use abi::{CROSSING_PENDING, DropReason, FLOW_CLOSING, FLOW_REPLIED, PORT_RUNNING};
use pipeline::{PROTOCOL_TCP, Step};
use sim::frame::TcpFlags;
use sim::{Outcome, StateSize, World};

use crate::net::{A, B, Host, TwoVpcs, two_vpcs};

fn send(world: &mut World, from: &Host, mut frame: Vec<u8>) -> Outcome {
    world.send(from.ifindex, &mut frame)
}

/// Whether a packet is delivered by the fast path.
fn fast(world: &mut World, from: &Host, mut frame: Vec<u8>) -> bool {
    let (outcome, steps) = world.send_traced(from.ifindex, &mut frame);
    assert!(outcome.delivered_to().is_some(), "{outcome:?}");
    steps.iter().any(|step| matches!(step, Step::Flow { decided: true, .. }))
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// Neither side lets anything in of its own accord but what `a1` may open towards `b1`.
fn one_way() -> TwoVpcs {
    let mut vpcs = two_vpcs();
    let client = vpcs.net.policy_out_only(2);
    vpcs.net.port(&vpcs.a1, |port| port.policy = client);
    let server = vpcs.net.policy_in_only(3);
    vpcs.net.port(&vpcs.b1, |port| port.policy = server);
    vpcs
}

fn handshake(world: &mut World, a1: &Host, b1: &Host, port: u16) {
    assert!(!fast(world, a1, a1.to(b1).tcp(port, 80, TcpFlags::Syn)));
    assert!(!fast(world, b1, b1.to(a1).tcp(80, port, TcpFlags::SynAck)));
    assert!(!fast(world, a1, a1.to(b1).tcp(port, 80, TcpFlags::Ack)));
}

#[test]
fn a_known_flow_takes_the_fast_path_both_ways() {
    let TwoVpcs { net, a1, b1, .. } = one_way();
    let mut world = net.world();
    handshake(&mut world, &a1, &b1, 4000);
    for _ in 0..2 {
        assert!(fast(&mut world, &a1, a1.to(&b1).tcp(4000, 80, TcpFlags::Ack)));
        assert!(fast(&mut world, &b1, b1.to(&a1).tcp(80, 4000, TcpFlags::Ack)));
    }
    assert!(!fast(&mut world, &a1, a1.to(&b1).udp(4000, 80)));
    assert!(fast(&mut world, &a1, a1.to(&b1).udp(4000, 80)));
    assert!(!fast(&mut world, &a1, a1.to(&b1).echo_request(1, 1)));
    assert!(fast(&mut world, &a1, a1.to(&b1).echo_request(1, 2)));
}

/// PEER-6, RT-11: no connection state pins a path.
#[test]
fn a_bump_stops_flows_over_what_was_removed() {
    let TwoVpcs { mut net, a1, b1, .. } = one_way();
    let mut world = net.world();
    handshake(&mut world, &a1, &b1, 4000);
    let before = net.clone();
    net.peering_in_state(1, A, B, CROSSING_PENDING);
    net.update(&mut world, &before, &[A, B]);
    let not_active = Some(DropReason::PeeringNotActive);
    assert_eq!(send(&mut world, &a1, a1.to(&b1).tcp(4000, 80, TcpFlags::Ack)).reason(), not_active);
    assert_eq!(send(&mut world, &b1, b1.to(&a1).tcp(80, 4000, TcpFlags::Ack)).reason(), not_active);
    let pending = net.clone();
    net.peering(1, A, B);
    net.delete_route(B, "172.16.0.0/16");
    net.update(&mut world, &pending, &[A, B]);
    assert!(!fast(&mut world, &a1, a1.to(&b1).tcp(4000, 80, TcpFlags::Ack)));
    let no_route = Some(DropReason::NoRoute);
    assert_eq!(send(&mut world, &b1, b1.to(&a1).tcp(80, 4000, TcpFlags::Ack)).reason(), no_route);
}

/// Until the bump, what is known stays in force: tables are written first.
#[test]
fn a_decision_holds_until_its_generation_ends() {
    let TwoVpcs { mut net, a1, b1, .. } = one_way();
    let mut world = net.world();
    handshake(&mut world, &a1, &b1, 4000);
    let before = net.clone();
    net.delete_route(A, "172.17.0.0/16");
    net.update(&mut world, &before, &[]);
    assert!(fast(&mut world, &a1, a1.to(&b1).tcp(4000, 80, TcpFlags::Ack)));
    world.bump(A);
    let outcome = send(&mut world, &a1, a1.to(&b1).tcp(4000, 80, TcpFlags::Ack));
    assert_eq!(outcome.reason(), Some(DropReason::NoRoute));
}

/// CHK-6: on the next packet, and no connection is reset.
#[test]
fn the_check_changes_with_the_generation() {
    let TwoVpcs { mut net, a1, b1, .. } = one_way();
    let unchecked = net.clone();
    net.port(&a1, |port| port.flags = PORT_RUNNING);
    let forged = Host { ip: [172, 16, 0, 99].into(), ..a1 };
    let mut world = net.world();
    handshake(&mut world, &a1, &b1, 4000);
    assert!(!fast(&mut world, &a1, forged.to(&b1).udp(1, 2)));
    assert!(fast(&mut world, &a1, forged.to(&b1).udp(1, 2)));
    unchecked.update(&mut world, &net, &[A]);
    assert_eq!(send(&mut world, &a1, forged.to(&b1).udp(1, 2)).reason(), Some(DropReason::SourceCheck));
    assert!(!fast(&mut world, &a1, a1.to(&b1).tcp(4000, 80, TcpFlags::Ack)));
    assert!(fast(&mut world, &b1, b1.to(&a1).tcp(80, 4000, TcpFlags::Ack)));
}

/// Denials are not kept: an allowed packet passes at once, without a bump.
#[test]
fn denials_are_never_remembered() {
    let TwoVpcs { mut net, a1, b1, .. } = one_way();
    let allowed = net.clone();
    net.tables.identities.retain(|prefix, _| prefix.key.policy != net.tables.ports[&21].policy);
    let mut world = net.world();
    assert!(send(&mut world, &a1, a1.to(&b1).udp(1, 2)).reason().is_some());
    assert!(world.flows().is_empty());
    allowed.update(&mut world, &net, &[]);
    assert!(!fast(&mut world, &a1, a1.to(&b1).udp(1, 2)));
}

/// SG-5: how long a reply may take, and how long silence may last.
#[test]
fn flows_are_forgotten_after_their_time() {
    type Make = fn(&Host, &Host) -> (Vec<u8>, Vec<u8>);
    let tcp: Make = |a, b| (a.to(b).tcp(4000, 80, TcpFlags::Ack), b.to(a).tcp(80, 4000, TcpFlags::Ack));
    let udp: Make = |a, b| (a.to(b).udp(4000, 53), b.to(a).udp(53, 4000));
    let icmp: Make = |a, b| (a.to(b).echo_request(9, 1), b.to(a).echo_reply(9, 1));
    let gre: Make = |a, b| (a.to(b).ip(47), b.to(a).ip(47));
    for (make, one_way_secs, both_ways_secs) in [(tcp, 30, 600), (udp, 30, 180), (icmp, 30, 30), (gre, 30, 180)] {
        let TwoVpcs { net, a1, b1, .. } = one_way();
        let (request, reply) = make(&a1, &b1);
        for (silence, passes) in [(one_way_secs, true), (one_way_secs + 1, false)] {
            let mut world = net.world();
            fast(&mut world, &a1, request.clone());
            world.advance(seconds(silence));
            assert_eq!(send(&mut world, &b1, reply.clone()).delivered_to().is_some(), passes);
        }
        for (silence, passes) in [(both_ways_secs, true), (both_ways_secs + 1, false)] {
            let mut world = net.world();
            fast(&mut world, &a1, request.clone());
            fast(&mut world, &b1, reply.clone());
            world.advance(seconds(silence));
            assert_eq!(send(&mut world, &b1, reply.clone()).delivered_to().is_some(), passes);
        }
    }
}

/// SG-5: packets of either direction keep both entries alive, although only one is looked up.
#[test]
fn traffic_one_way_keeps_the_other_way_open() {
    let TwoVpcs { net, a1, b1, .. } = one_way();
    let mut world = net.world();
    fast(&mut world, &a1, a1.to(&b1).udp(4000, 53));
    for _ in 0..100 {
        world.advance(seconds(20));
        assert!(fast(&mut world, &a1, a1.to(&b1).udp(4000, 53)));
    }
    assert!(!fast(&mut world, &b1, b1.to(&a1).udp(53, 4000)));
}

/// SG-5: a connection that ended is forgotten soon, and its ports can be used again.
#[test]
fn a_closed_connection_is_forgotten_soon() {
    let TwoVpcs { net, a1, b1, .. } = one_way();
    let mut world = net.world();
    handshake(&mut world, &a1, &b1, 4000);
    assert!(!fast(&mut world, &a1, a1.to(&b1).tcp(4000, 80, TcpFlags::Fin)));
    assert!(world.flows().established().all(|(_, flow)| flow.flags & FLOW_CLOSING != 0));
    // Half closed: the other side still sends.
    fast(&mut world, &b1, b1.to(&a1).tcp(80, 4000, TcpFlags::Ack));
    world.advance(seconds(30));
    fast(&mut world, &b1, b1.to(&a1).tcp(80, 4000, TcpFlags::Fin));
    world.advance(seconds(31));
    assert!(send(&mut world, &b1, b1.to(&a1).tcp(80, 4000, TcpFlags::Ack)).reason().is_some());
    handshake(&mut world, &a1, &b1, 4000);
    assert!(world.flows().established().all(|(_, flow)| flow.flags & FLOW_CLOSING == 0));
}

/// A connection may be opened again at once by the same ports, and then starts anew.
#[test]
fn a_syn_after_the_end_starts_anew() {
    let TwoVpcs { net, a1, b1, .. } = one_way();
    let mut world = net.world();
    handshake(&mut world, &a1, &b1, 4000);
    fast(&mut world, &a1, a1.to(&b1).tcp(4000, 80, TcpFlags::Rst));
    fast(&mut world, &a1, a1.to(&b1).tcp(4000, 80, TcpFlags::Syn));
    assert_eq!(world.flows().established().count(), 0);
    assert!(world.flows().embryonic().all(|(_, flow)| flow.flags & (FLOW_CLOSING | FLOW_REPLIED) == 0));
    handshake(&mut world, &a1, &b1, 4000);
    assert!(fast(&mut world, &a1, a1.to(&b1).tcp(4000, 80, TcpFlags::Ack)));
}

/// A flow is established by the first packet after a reply, not by handshakes half done or refused.
#[test]
fn only_confirmed_flows_are_established() {
    let TwoVpcs { net, a1, b1, .. } = one_way();
    let mut world = net.world();
    let established = |world: &World| world.flows().established().count();
    fast(&mut world, &a1, a1.to(&b1).tcp(4000, 80, TcpFlags::Syn));
    for _ in 0..3 {
        fast(&mut world, &b1, b1.to(&a1).tcp(80, 4000, TcpFlags::SynAck));
        fast(&mut world, &a1, a1.to(&b1).tcp(4000, 80, TcpFlags::Syn));
    }
    fast(&mut world, &a1, a1.to(&b1).tcp(4001, 80, TcpFlags::Syn));
    fast(&mut world, &b1, b1.to(&a1).tcp(80, 4001, TcpFlags::Rst));
    // A scan that never completes a handshake.
    fast(&mut world, &a1, a1.to(&b1).tcp(4002, 80, TcpFlags::Syn));
    fast(&mut world, &b1, b1.to(&a1).tcp(80, 4002, TcpFlags::SynAck));
    fast(&mut world, &a1, a1.to(&b1).tcp(4002, 80, TcpFlags::Rst));
    fast(&mut world, &a1, a1.to(&b1).udp(4000, 53));
    fast(&mut world, &b1, b1.to(&a1).udp(53, 4000));
    assert_eq!(established(&world), 0);
    fast(&mut world, &a1, a1.to(&b1).tcp(4000, 80, TcpFlags::Ack));
    assert_eq!(established(&world), 2);
    fast(&mut world, &a1, a1.to(&b1).udp(4000, 53));
    assert_eq!(established(&world), 4);
    assert!(world.flows().embryonic().all(|(key, _)| key.protocol == PROTOCOL_TCP));
}

/// A flood of new flows, answered or not, leaves established ones alone.
#[test]
fn embryonic_flows_never_evict_established_ones() {
    let TwoVpcs { net, a1, a2, b1, .. } = one_way();
    let mut world = World::with_size(&net.tables, StateSize { flows: 8, new_flows: 8, fragments: 8 });
    handshake(&mut world, &a1, &b1, 4000);
    for port in 10_000..11_000 {
        send(&mut world, &a2, a2.to(&b1).tcp(port, 80, TcpFlags::Syn));
        send(&mut world, &b1, b1.to(&a2).tcp(80, port, TcpFlags::SynAck));
        send(&mut world, &a2, a2.to(&b1).udp(port, 53));
    }
    assert!(world.flows().len() <= 16);
    assert!(fast(&mut world, &a1, a1.to(&b1).tcp(4000, 80, TcpFlags::Ack)));
    assert!(fast(&mut world, &b1, b1.to(&a1).tcp(80, 4000, TcpFlags::Ack)));
}

/// The replier's entry may be evicted while the requester's lives on: the requester makes it again.
#[test]
fn a_lost_entry_at_the_other_end_is_made_again() {
    let TwoVpcs { net, a1, a2, b1, .. } = one_way();
    let mut world = World::with_size(&net.tables, StateSize { flows: 8, new_flows: 4, fragments: 8 });
    let request = || a1.to(&b1).udp(4000, 53);
    fast(&mut world, &a1, request());
    for port in 1.. {
        // Using the requester's entry keeps it; the replier's goes.
        fast(&mut world, &a1, request());
        send(&mut world, &a2, a2.to(&b1).udp(port, 53));
        if !world.flows().embryonic().any(|(key, _)| key.ifindex == b1.ifindex && key.destination_port == [15, 160]) {
            break;
        }
    }
    assert!(send(&mut world, &b1, b1.to(&a1).udp(53, 4000)).reason().is_some());
    world.advance(seconds(2));
    assert!(!fast(&mut world, &a1, request()));
    assert!(!fast(&mut world, &b1, b1.to(&a1).udp(53, 4000)));
}

/// An established connection that is silent for too long is new, and passes where the rules allow it.
#[test]
fn an_expired_connection_is_judged_as_new() {
    let TwoVpcs { net, a1, b1, .. } = one_way();
    let mut world = net.world();
    handshake(&mut world, &a1, &b1, 4000);
    world.advance(seconds(601));
    assert!(send(&mut world, &b1, b1.to(&a1).tcp(80, 4000, TcpFlags::Ack)).reason().is_some());
    assert!(!fast(&mut world, &a1, a1.to(&b1).tcp(4000, 80, TcpFlags::Ack)));
    assert!(!fast(&mut world, &b1, b1.to(&a1).tcp(80, 4000, TcpFlags::Ack)));
}
