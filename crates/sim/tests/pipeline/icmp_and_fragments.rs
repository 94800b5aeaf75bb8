//! ICMP errors and fragmented packets.

use abi::DropReason;
use pipeline::{PROTOCOL_ICMP, PROTOCOL_UDP};
use sim::frame::{Ends, TcpFlags};
use sim::{Outcome, World};

use crate::net::{A, B, Host, TwoVpcs, ip, two_vpcs};

const MORE: u16 = 0x2000;

fn send(world: &mut World, from: &Host, mut frame: Vec<u8>) -> Outcome {
    world.send(from.ifindex, &mut frame)
}

/// `a1` may only open flows, `b1` only lets UDP 53 in; neither has a rule for ICMP.
fn guarded() -> TwoVpcs {
    let mut vpcs = two_vpcs();
    let client = vpcs.net.policy_out_only(2);
    vpcs.net.port(&vpcs.a1, |port| port.policy = client);
    let server = vpcs.net.policy_in(3, PROTOCOL_UDP, [0, 53]);
    vpcs.net.tables.identities.retain(|prefix, _| prefix.key.policy != server || prefix.key.context != 0);
    vpcs.net.port(&vpcs.b1, |port| port.policy = server);
    vpcs
}

/// SG-4: an error belongs to the flow that it is about.
#[test]
fn errors_about_a_flow_pass_without_a_rule() {
    let TwoVpcs { net, a1, b1, .. } = guarded();
    let mut world = net.world();
    let request = a1.to(&b1).udp(4000, 53);
    let refused = Outcome::Dropped { vni: B, reason: DropReason::SecurityGroup };
    for kind in [3, 4, 5, 11, 12] {
        let error = b1.to(&a1).icmp_quoting(kind, 3, &request);
        assert_eq!(send(&mut net.world(), &b1, error), refused);
    }
    // Permission in is current as of now, not as of the beginning.
    world.bump(B);
    assert_eq!(send(&mut world, &a1, request.clone()).delivered_to(), Some(b1.ifindex));
    let flows = world.flows().len();
    for kind in [3, 4, 5, 11, 12] {
        let error = b1.to(&a1).icmp_quoting(kind, 3, &request);
        assert_eq!(send(&mut world, &b1, error).delivered_to(), Some(a1.ifindex), "{kind}");
    }
    // Never kept.
    assert_eq!(world.flows().len(), flows);
    // About the reply, by the one who asked.
    let reply = b1.to(&a1).udp(53, 4000);
    let error = a1.to(&b1).icmp_quoting(3, 3, &reply);
    assert_eq!(send(&mut world, &a1, error).delivered_to(), Some(b1.ifindex));
    assert_eq!(send(&mut world, &b1, reply).delivered_to(), Some(a1.ifindex));
}

/// An error that quotes another flow, or one sent by somebody else, is a packet as any other.
#[test]
fn errors_about_something_else_need_a_rule() {
    let TwoVpcs { net, a1, a2, b1, .. } = guarded();
    let mut world = net.world();
    let request = a1.to(&b1).udp(4000, 53);
    assert_eq!(send(&mut world, &a1, request.clone()).delivered_to(), Some(b1.ifindex));
    let refused = Some(DropReason::SecurityGroup);
    let other = a1.to(&b1).udp(4001, 53);
    assert_eq!(send(&mut world, &b1, b1.to(&a1).icmp_quoting(3, 3, &other)).reason(), refused);
    // Goes to another than the one whose packet it quotes, although that one has a flow of the same ports.
    assert_eq!(send(&mut world, &a2, a2.to(&b1).udp(4000, 53)).delivered_to(), Some(b1.ifindex));
    assert_eq!(send(&mut world, &b1, b1.to(&a2).icmp_quoting(3, 3, &request)).reason(), refused);
    // Quotes too little.
    let cut = b1.to(&a1).icmp_quoting(3, 3, &request[..14 + 20]);
    assert_eq!(send(&mut world, &b1, cut).reason(), refused);
    // Quotes a later fragment, which has no ports.
    let mut fragment = request.clone();
    fragment[21] = 9;
    assert_eq!(send(&mut world, &b1, b1.to(&a1).icmp_quoting(3, 3, &fragment)).reason(), refused);
    // An outsider who may send everything, about a flow that is not his.
    let error = a2.to(&a1).icmp_quoting(3, 3, &request);
    assert_eq!(send(&mut world, &a2, error).reason(), refused);
}

/// SG-4: a request is no reply, even with the identifier by which requests of both sides have one tuple.
#[test]
fn echo_requests_need_a_rule_whatever_their_identifier() {
    let TwoVpcs { mut net, a1, b1, .. } = guarded();
    let open = net.policy_in(6, PROTOCOL_ICMP, [8, 0]);
    net.port(&b1, |port| port.policy = open);
    let mut world = net.world();
    for identifier in [0, 8, 7] {
        for _ in 0..2 {
            let request = a1.to(&b1).echo_request(identifier, 1);
            assert_eq!(send(&mut world, &a1, request).delivered_to(), Some(b1.ifindex), "{identifier}");
            let reply = b1.to(&a1).echo_reply(identifier, 1);
            assert_eq!(send(&mut world, &b1, reply).delivered_to(), Some(a1.ifindex), "{identifier}");
            let asked_back = b1.to(&a1).echo_request(identifier, 1);
            assert_eq!(send(&mut world, &b1, asked_back).reason(), Some(DropReason::SecurityGroup), "{identifier}");
        }
    }
}

/// Errors about echo and TCP.
#[test]
fn errors_about_echo_and_tcp_find_their_flow() {
    let TwoVpcs { mut net, a1, b1, .. } = guarded();
    let deaf = net.policy_in_only(5);
    net.port(&b1, |port| port.policy = deaf);
    let mut world = net.world();
    for request in [a1.to(&b1).echo_request(7, 1), a1.to(&b1).tcp(4000, 80, TcpFlags::Syn), a1.to(&b1).ip(47)] {
        assert_eq!(send(&mut world, &a1, request.clone()).delivered_to(), Some(b1.ifindex));
        let error = b1.to(&a1).icmp_quoting(11, 0, &request);
        assert_eq!(send(&mut world, &b1, error).delivered_to(), Some(a1.ifindex));
    }
}

/// SG-6: errors of a flow that is no longer let in are refused as its packets are.
#[test]
fn errors_of_a_denied_flow_are_refused() {
    let TwoVpcs { mut net, a1, b1, .. } = guarded();
    let mut world = net.world();
    let request = a1.to(&b1).udp(4000, 53);
    assert_eq!(send(&mut world, &a1, request.clone()).delivered_to(), Some(b1.ifindex));
    let before = net.clone();
    net.deny(crate::net::id(b'g', 3));
    net.update(&mut world, &before, &[A, B]);
    let error = b1.to(&a1).icmp_quoting(3, 3, &request);
    assert_eq!(send(&mut world, &b1, error).reason(), Some(DropReason::SecurityGroup));
}

/// SG-6: nor may a rule of the sender alone make the receiver take them for those of its flow.
#[test]
fn errors_of_a_denied_flow_need_the_receivers_rules() {
    let TwoVpcs { mut net, a1, b1, .. } = guarded();
    let server = net.policy_in(3, PROTOCOL_UDP, [0, 53]);
    let mut world = net.world();
    let request = a1.to(&b1).udp(4000, 53);
    assert_eq!(send(&mut world, &a1, request.clone()).delivered_to(), Some(b1.ifindex));
    let before = net.clone();
    net.deny(server);
    net.update(&mut world, &before, &[A, B]);
    let outcome = send(&mut world, &b1, b1.to(&a1).icmp_quoting(3, 3, &request));
    assert_eq!(outcome, Outcome::Dropped { vni: A, reason: DropReason::SecurityGroup });
}

/// Cuts a frame's packet at a multiple of eight bytes of payload.
fn fragments(frame: &[u8], at: usize, identification: u16) -> [Vec<u8>; 2] {
    let (head, payload) = frame.split_at(34);
    let build = |payload: &[u8], fragment: u16| {
        let mut out = head.to_vec();
        out.extend(payload);
        out[16..18].copy_from_slice(&u16::try_from(20 + payload.len()).unwrap().to_be_bytes());
        out[18..20].copy_from_slice(&identification.to_be_bytes());
        out[20..22].copy_from_slice(&fragment.to_be_bytes());
        out
    };
    let offset = u16::try_from(at / 8).unwrap();
    [build(&payload[..at], MORE), build(&payload[at..], offset)]
}

/// PEER-17.
#[test]
fn later_fragments_follow_the_first() {
    let TwoVpcs { net, a1, b1, .. } = guarded();
    let mut world = net.world();
    let [first, later] = fragments(&a1.to(&b1).udp(4000, 53), 8, 77);
    assert_eq!(send(&mut world, &a1, later.clone()).reason(), Some(DropReason::FragmentUnknown));
    assert_eq!(send(&mut world, &a1, first).delivered_to(), Some(b1.ifindex));
    assert_eq!(send(&mut world, &a1, later).delivered_to(), Some(b1.ifindex));
    let [_, other] = fragments(&a1.to(&b1).udp(4000, 53), 8, 78);
    assert_eq!(send(&mut world, &a1, other).reason(), Some(DropReason::FragmentUnknown));
}

/// PEER-17: a fragment is judged by the ports of the first one.
#[test]
fn later_fragments_are_refused_with_the_first() {
    let TwoVpcs { net, a1, b1, .. } = guarded();
    let mut world = net.world();
    let [first, later] = fragments(&a1.to(&b1).udp(4000, 54), 8, 77);
    assert_eq!(send(&mut world, &a1, first).reason(), Some(DropReason::SecurityGroup));
    assert_eq!(send(&mut world, &a1, later).reason(), Some(DropReason::SecurityGroup));
}

/// PEER-17 for echo, both ways, and protocols without ports.
#[test]
fn fragmented_echo_and_portless_packets_pass() {
    let TwoVpcs { net, a1, a2, .. } = two_vpcs();
    let mut world = net.world();
    for (from, to, frame) in [(a1, a2, a1.to(&a2).echo_request(7, 1)), (a2, a1, a2.to(&a1).echo_reply(7, 1))] {
        for fragment in fragments(&frame, 8, 5) {
            assert_eq!(send(&mut world, &from, fragment).delivered_to(), Some(to.ifindex));
        }
    }
    let mut gre = a1.to(&a2).ip(47);
    gre.extend([0; 8]);
    let [_, later] = fragments(&gre, 8, 6);
    assert_eq!(send(&mut world, &a1, later).delivered_to(), Some(a2.ifindex));
}

/// L2-1 with a ping larger than the MTU.
#[test]
fn the_gateway_answers_fragmented_echo() {
    let TwoVpcs { net, a1, .. } = two_vpcs();
    let mut world = net.world();
    let gateway = ip("172.16.0.1");
    let replied = Ends {
        source_mac: abi::GATEWAY_MAC,
        destination_mac: a1.mac,
        source: gateway.into(),
        destination: a1.ip.into(),
    };
    let expected = fragments(&replied.echo_reply(7, 1), 8, 5);
    for (mut fragment, expected) in fragments(&a1.towards(gateway).echo_request(7, 1), 8, 5).into_iter().zip(expected) {
        assert_eq!(world.send(a1.ifindex, &mut fragment), Outcome::Replied);
        assert_eq!(fragment[..24], expected[..24]);
        assert_eq!(fragment[26..], expected[26..]);
    }
}

/// RFC 3128: a fragment that would overwrite the flags of the first one.
#[test]
fn tcp_fragments_do_not_overlap_the_header() {
    let TwoVpcs { net, a1, a2, .. } = two_vpcs();
    let mut world = net.world();
    let [first, later] = fragments(&a1.to(&a2).tcp(1, 2, TcpFlags::Ack), 8, 5);
    assert_eq!(send(&mut world, &a1, first).reason(), Some(DropReason::Malformed));
    assert_eq!(send(&mut world, &a1, later).reason(), Some(DropReason::Malformed));
}
