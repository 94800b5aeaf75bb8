//! Security groups and their state.

use std::time::Duration;

use abi::{CONTEXT_IN_PEERING, CONTEXT_IN_UNCHECKED, CONTEXT_IN_VPC, DropReason, NO_ID, PORT_RUNNING, RULE_ALLOW};
use pipeline::{PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP, Step};
use sim::frame::{TcpFlags, answer};
use sim::{Outcome, World};

use crate::net::{A, B, Host, Net, OPEN, TwoVpcs, id, two_vpcs};

const POSTGRES: [u8; 2] = 5432_u16.to_be_bytes();
const ECHO: [u8; 2] = [8, 0];

fn send(world: &mut World, from: &Host, mut frame: Vec<u8>) -> Outcome {
    world.send(from.ifindex, &mut frame)
}

fn refused(vni: u32) -> Outcome {
    Outcome::Dropped { vni, reason: DropReason::SecurityGroup }
}

fn tcp(from: &Host, to: &Host, flags: TcpFlags) -> Vec<u8> {
    from.to(to).tcp(4000, 5432, flags)
}

fn tcp_back(from: &Host, to: &Host, flags: TcpFlags) -> Vec<u8> {
    from.to(to).tcp(5432, 4000, flags)
}

/// VPC-B's host lets TCP 5432 in only, VPC-A's first host nothing; both let everything out.
fn guarded() -> TwoVpcs {
    let mut vpcs = two_vpcs();
    let net = &mut vpcs.net;
    let server = net.policy_in(1, PROTOCOL_TCP, POSTGRES);
    net.port(&vpcs.b1, |port| port.policy = server);
    let client = net.policy_out_only(2);
    net.port(&vpcs.a1, |port| port.policy = client);
    vpcs
}

/// Opens a connection from `a1` to `b1`.
fn handshake(world: &mut World, a1: &Host, b1: &Host) {
    assert_eq!(send(world, a1, tcp(a1, b1, TcpFlags::Syn)).delivered_to(), Some(b1.ifindex));
    assert_eq!(send(world, b1, tcp_back(b1, a1, TcpFlags::SynAck)).delivered_to(), Some(a1.ifindex));
    assert_eq!(send(world, a1, tcp(a1, b1, TcpFlags::Ack)).delivered_to(), Some(b1.ifindex));
}

/// SG-3.
#[test]
fn what_no_rule_names_is_denied_in_the_vpc_that_guards() {
    let TwoVpcs { mut net, a1, a2, b1, .. } = guarded();
    let mut world = net.world();
    assert_eq!(send(&mut world, &a1, a1.to(&b1).echo_request(1, 1)), refused(B));
    assert_eq!(send(&mut world, &a1, a1.to(&b1).tcp(4000, 22, TcpFlags::Syn)), refused(B));
    assert_eq!(send(&mut world, &a1, a1.to(&b1).udp(4000, 5432)), refused(B));
    assert_eq!(send(&mut world, &a2, a2.to(&a1).udp(4000, 5432)), refused(A));
    let mute = net.policy_in_only(3);
    net.port(&a2, |port| port.policy = mute);
    assert_eq!(send(&mut net.world(), &a2, a2.to(&b1).tcp(4000, 5432, TcpFlags::Syn)), refused(A));
}

/// SG-3: no group denies everything.
#[test]
fn a_port_without_groups_denies_everything() {
    let TwoVpcs { mut net, a1, a2, b1, .. } = two_vpcs();
    // Even if the tables had something under "no policy".
    net.remote(NO_ID, abi::CONTEXT_OUT, "0.0.0.0/0", OPEN);
    net.remote(NO_ID, CONTEXT_IN_VPC, "0.0.0.0/0", OPEN);
    net.port(&a1, |port| port.policy = NO_ID);
    let mut world = net.world();
    assert_eq!(send(&mut world, &a1, a1.to(&b1).udp(1, 2)), refused(A));
    assert_eq!(send(&mut world, &a2, a2.to(&a1).udp(1, 2)), refused(A));
}

/// SG-4.
#[test]
fn replies_pass_without_a_rule() {
    let TwoVpcs { mut net, a1, b1, .. } = guarded();
    // The server may send nothing of its own.
    let mute = net.policy_in(7, PROTOCOL_TCP, POSTGRES);
    net.tables.identities.retain(|prefix, _| prefix.key.policy != mute || prefix.key.context != abi::CONTEXT_OUT);
    net.port(&b1, |port| port.policy = mute);
    let mut world = net.world();
    let before = send(&mut world, &b1, tcp_back(&b1, &a1, TcpFlags::Ack));
    assert_eq!(before, refused(B));
    handshake(&mut world, &a1, &b1);
    for _ in 0..3 {
        assert_eq!(send(&mut world, &b1, tcp_back(&b1, &a1, TcpFlags::Ack)).delivered_to(), Some(a1.ifindex));
    }
    // Another tuple is another flow.
    assert_eq!(send(&mut world, &b1, b1.to(&a1).tcp(5432, 4001, TcpFlags::Ack)), refused(B));
}

/// SG-4 for each protocol, with what the receiver itself answers.
#[test]
fn every_protocol_is_answered() {
    let TwoVpcs { mut net, a1, b1, .. } = two_vpcs();
    let mute = net.policy_in_only(7);
    net.port(&b1, |port| port.policy = mute);
    let client = net.policy_out_only(2);
    net.port(&a1, |port| port.policy = client);
    let mut world = net.world();
    let ends = a1.to(&b1);
    let requests = [ends.echo_request(5, 1), ends.echo_request(0, 1), ends.tcp(1, 2, TcpFlags::Syn), ends.udp(1, 2)];
    for mut frame in requests.into_iter().chain([ends.ip(47), ends.ip(132)]) {
        assert_eq!(world.send(a1.ifindex, &mut frame).delivered_to(), Some(b1.ifindex));
        let mut reply = answer(&frame).unwrap();
        assert_eq!(world.send(b1.ifindex, &mut reply).delivered_to(), Some(a1.ifindex), "{frame:x?}");
    }
}

/// SG-4: the reply of an echo is its reply, and not a request.
#[test]
fn an_echo_permits_its_reply_only() {
    let TwoVpcs { mut net, a1, b1, .. } = guarded();
    let server = net.policy_in(5, PROTOCOL_ICMP, ECHO);
    net.port(&b1, |port| port.policy = server);
    let mut world = net.world();
    assert_eq!(send(&mut world, &a1, a1.to(&b1).echo_request(7, 1)).delivered_to(), Some(b1.ifindex));
    assert_eq!(send(&mut world, &b1, b1.to(&a1).echo_reply(8, 1)), refused(A));
    assert_eq!(send(&mut world, &b1, b1.to(&a1).echo_request(7, 1)), refused(A));
    assert_eq!(send(&mut world, &b1, b1.to(&a1).echo_reply(7, 1)).delivered_to(), Some(a1.ifindex));
}

/// SG-4: an echo reply that answers nothing is judged by the rules and permits nothing.
#[test]
fn an_unasked_echo_reply_opens_nothing() {
    let TwoVpcs { mut net, a1, a2, .. } = two_vpcs();
    let closed = net.policy_out_only(4);
    net.port(&a1, |port| port.policy = closed);
    let mut world = net.world();
    assert_eq!(send(&mut world, &a1, a1.to(&a2).echo_reply(7, 1)).delivered_to(), Some(a2.ifindex));
    assert!(world.flows().is_empty());
    assert_eq!(send(&mut world, &a2, a2.to(&a1).echo_request(7, 1)), refused(A));
}

/// SG-6: denying an inbound flow stops it at once, both ways, and it does not come back by its own replies.
#[test]
fn a_denied_inbound_flow_stops_at_once() {
    let TwoVpcs { mut net, a2: a1, b1, .. } = guarded();
    let mut world = net.world();
    handshake(&mut world, &a1, &b1);
    let before = net.clone();
    net.deny(id(b'g', 1));
    net.update(&mut world, &before, &[A, B]);
    for _ in 0..5 {
        assert_eq!(send(&mut world, &a1, tcp(&a1, &b1, TcpFlags::Ack)), refused(B));
        // What the server still sends may leave by its own rules, but opens nothing.
        send(&mut world, &b1, tcp_back(&b1, &a1, TcpFlags::Ack));
        assert_eq!(send(&mut world, &a1, tcp(&a1, &b1, TcpFlags::Ack)), refused(B));
        world.advance(Duration::from_secs(400));
    }
    // Allowed again, it goes on.
    let denied = net.clone();
    net.policy_in(1, PROTOCOL_TCP, POSTGRES);
    net.update(&mut world, &denied, &[A, B]);
    assert_eq!(send(&mut world, &a1, tcp(&a1, &b1, TcpFlags::Ack)).delivered_to(), Some(b1.ifindex));
    assert_eq!(send(&mut world, &b1, tcp_back(&b1, &a1, TcpFlags::Ack)).delivered_to(), Some(a1.ifindex));
}

/// SG-6: where the server may send nothing of its own, its replies stop as well.
#[test]
fn replies_of_a_denied_inbound_flow_need_a_rule() {
    let TwoVpcs { mut net, a1, b1, .. } = guarded();
    net.tables.identities.retain(|prefix, _| prefix.key.policy != id(b'g', 1) || prefix.key.context != 0);
    let mut world = net.world();
    handshake(&mut world, &a1, &b1);
    let before = net.clone();
    net.deny(id(b'g', 1));
    net.update(&mut world, &before, &[A, B]);
    assert_eq!(send(&mut world, &b1, tcp_back(&b1, &a1, TcpFlags::Ack)), refused(B));
}

/// SG-6: a flow that the port opened goes on when its outbound rules change; new ones do not.
#[test]
fn flows_that_the_port_opened_go_on() {
    let TwoVpcs { mut net, a1, b1, .. } = guarded();
    let mut world = net.world();
    handshake(&mut world, &a1, &b1);
    let before = net.clone();
    net.tables.identities.retain(|prefix, _| prefix.key.policy != id(b'g', 2));
    net.update(&mut world, &before, &[A, B]);
    assert_eq!(send(&mut world, &a1, tcp(&a1, &b1, TcpFlags::Ack)).delivered_to(), Some(b1.ifindex));
    assert_eq!(send(&mut world, &b1, tcp_back(&b1, &a1, TcpFlags::Ack)).delivered_to(), Some(a1.ifindex));
    assert_eq!(send(&mut world, &a1, a1.to(&b1).tcp(4001, 5432, TcpFlags::Syn)), refused(A));
    assert_eq!(send(&mut world, &a1, tcp(&a1, &b1, TcpFlags::Syn)), refused(A));
}

/// SG-6: a bump alone cuts nothing, in either direction.
#[test]
fn a_bump_without_a_change_cuts_no_replies() {
    let TwoVpcs { mut net, a1, b1, .. } = guarded();
    net.tables.identities.retain(|prefix, _| prefix.key.policy != id(b'g', 1) || prefix.key.context != 0);
    let mut world = net.world();
    handshake(&mut world, &a1, &b1);
    for _ in 0..3 {
        world.bump(A);
        world.bump(B);
        assert_eq!(send(&mut world, &b1, tcp_back(&b1, &a1, TcpFlags::Ack)).delivered_to(), Some(a1.ifindex));
        assert_eq!(send(&mut world, &a1, tcp(&a1, &b1, TcpFlags::Ack)).delivered_to(), Some(b1.ifindex));
    }
}

/// SG-4: a SYN is a new connection, whatever is known of the tuple.
#[test]
fn a_syn_is_judged_by_the_rules() {
    let TwoVpcs { net, a1, b1, .. } = guarded();
    let mut world = net.world();
    handshake(&mut world, &a1, &b1);
    assert_eq!(send(&mut world, &b1, tcp_back(&b1, &a1, TcpFlags::Syn)), refused(A));
    // And that changes nothing for the connection.
    assert_eq!(send(&mut world, &b1, tcp_back(&b1, &a1, TcpFlags::Ack)).delivered_to(), Some(a1.ifindex));
}

/// SG-7: rules see how a packet came.
#[test]
fn remote_groups_are_told_apart_by_where_the_packet_came_from() {
    for (context, by_neighbour, by_peering, by_unchecked) in [
        (CONTEXT_IN_VPC, true, false, false),
        (CONTEXT_IN_PEERING, false, true, false),
        (CONTEXT_IN_UNCHECKED, false, false, true),
    ] {
        let TwoVpcs { mut net, a1, a2, a3, b1 } = two_vpcs();
        let policy = id(b'g', 6);
        net.remote(policy, context, "0.0.0.0/0", OPEN);
        net.port(&a1, |port| port.policy = policy);
        net.port(&a3, |port| port.flags = PORT_RUNNING);
        let mut world = net.world();
        let mut arrives = |from: &Host| send(&mut world, from, from.to(&a1).udp(1, 2)).delivered_to().is_some();
        assert_eq!([arrives(&a2), arrives(&b1), arrives(&a3)], [by_neighbour, by_peering, by_unchecked]);
    }
}

/// SG-6, SG-7: replies to a flow are re-judged in the context that it came in.
#[test]
fn a_flow_is_judged_again_in_its_own_context() {
    let TwoVpcs { mut net, a1, b1, .. } = two_vpcs();
    let policy = id(b'g', 6);
    net.remote(policy, CONTEXT_IN_PEERING, "172.16.0.0/16", OPEN);
    net.port(&b1, |port| port.policy = policy);
    let mut world = net.world();
    assert_eq!(send(&mut world, &a1, a1.to(&b1).udp(4000, 53)).delivered_to(), Some(b1.ifindex));
    world.bump(B);
    assert_eq!(send(&mut world, &b1, b1.to(&a1).udp(53, 4000)).delivered_to(), Some(a1.ifindex));
}

/// SG-1: ICMP rules name type and code.
#[test]
fn icmp_rules_match_type_and_code() {
    let TwoVpcs { mut net, a1, a2, .. } = two_vpcs();
    let policy = net.policy_in(8, PROTOCOL_ICMP, ECHO);
    net.port(&a2, |port| port.policy = policy);
    let mut world = net.world();
    assert_eq!(send(&mut world, &a1, a1.to(&a2).echo_request(1, 1)).delivered_to(), Some(a2.ifindex));
    assert_eq!(send(&mut world, &a1, a1.to(&a2).icmp_quoting(13, 0, &[])), refused(A));
}

/// SG-1: a port prefix stands for a range.
#[test]
fn port_prefixes_and_protocol_rules_match_by_the_longest() {
    let TwoVpcs { mut net, a1, a2, .. } = two_vpcs();
    let policy = net.policy_in(8, PROTOCOL_TCP, POSTGRES);
    for (bits, protocol, port) in [(72 + 6, PROTOCOL_TCP, 1024_u16), (72, PROTOCOL_UDP, 0)] {
        let key = abi::RuleKey { class: policy, protocol, service: port.to_be_bytes() };
        let rule = abi::Rule { rule: id(b'R', 1), verdict: RULE_ALLOW, pad: [0; 7] };
        net.tables.rules.insert(tables::Prefix { bits, key }, rule);
    }
    net.deny(policy);
    for (_, rule) in net.tables.rules.iter_mut().filter(|(prefix, _)| prefix.key.class == policy && prefix.bits < 88) {
        rule.verdict = RULE_ALLOW;
    }
    net.port(&a2, |port| port.policy = policy);
    let mut world = net.world();
    let mut arrives =
        |port: u16| send(&mut world, &a1, a1.to(&a2).tcp(9, port, TcpFlags::Syn)).delivered_to().is_some();
    assert_eq!([1023, 1024, 2047, 2048, 5432].map(&mut arrives), [false, true, true, false, false]);
    assert_eq!(send(&mut world, &a1, a1.to(&a2).udp(9, 5432)).delivered_to(), Some(a2.ifindex));
}

/// DIAG-3: the order of reasons.
#[test]
fn the_senders_rules_come_before_routes_and_the_receivers_before_its_check() {
    let TwoVpcs { mut net, a1, a2, a3, .. } = two_vpcs();
    let mute = net.policy_in_only(3);
    net.port(&a1, |port| port.policy = mute);
    assert_eq!(send(&mut net.world(), &a1, a1.towards([8, 8, 8, 8].into()).udp(1, 2)), refused(A));
    let deaf = net.policy_out_only(4);
    net.port(&a2, |port| port.policy = deaf);
    net.route_to_instance(A, "192.0.2.0/24", &a2);
    assert_eq!(send(&mut net.world(), &a3, a3.towards([192, 0, 2, 1].into()).udp(1, 2)), refused(A));
}

/// The tracer learns which rule of which port decided.
#[test]
fn the_trace_names_port_class_and_rule() {
    let TwoVpcs { net, a1, b1, .. } = guarded();
    let mut world = net.world();
    let (_, steps) = world.send_traced(a1.ifindex, &mut tcp(&a1, &b1, TcpFlags::Syn));
    let verdicts: Vec<_> = steps.iter().filter(|step| matches!(step, Step::SecurityGroup { .. })).collect();
    let rule = |port: &Host, policy, context, class, bits| Step::SecurityGroup {
        port: id(b'p', port.ifindex),
        policy,
        context,
        class,
        rule: id(b'R', bits),
        allowed: true,
    };
    let out = rule(&a1, id(b'g', 2), abi::CONTEXT_OUT, OPEN, 64);
    let inward = rule(&b1, id(b'g', 1), CONTEXT_IN_PEERING, id(b'g', 1), 88);
    assert_eq!(verdicts, [&out, &inward]);
    let (_, steps) = world.send_traced(b1.ifindex, &mut tcp_back(&b1, &a1, TcpFlags::SynAck));
    let tracked: Vec<_> = steps.iter().filter(|step| matches!(step, Step::Tracked { .. })).collect();
    assert_eq!(
        tracked,
        [
            &Step::Tracked { port: id(b'p', b1.ifindex), outbound: false },
            &Step::Tracked { port: id(b'p', a1.ifindex), outbound: true },
        ]
    );
}

/// SG-11, SG-4: without a single rule for them, pings both ways need a rule each.
#[test]
fn opening_one_way_does_not_open_the_other() {
    let TwoVpcs { net, a1, b1, .. } = guarded();
    let net: Net = net;
    let mut world = net.world();
    handshake(&mut world, &a1, &b1);
    assert_eq!(send(&mut world, &b1, b1.to(&a1).tcp(4000, 5432, TcpFlags::Syn)), refused(A));
}
