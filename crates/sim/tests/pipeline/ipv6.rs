//! IPv6 packets.

use std::net::Ipv6Addr;

use abi::{CONTEXT_OUT, DropReason, GATEWAY_LINK_LOCAL, GATEWAY_MAC, NO_ADDRESS, ORIGIN_VPC, ROUTE_INSTANCE};
use etherparse::{NetSlice, SlicedPacket, TransportSlice};
use pipeline::{PROTOCOL_ICMPV6, PROTOCOL_TCP, PROTOCOL_UDP};
use sim::frame::{Ends, TcpFlags};
use sim::{Outcome, World};

use crate::net::{A, B, Dual, DualVpcs, dual_vpcs, id, ip6, table};

fn send(world: &mut World, from: &Dual, mut frame: Vec<u8>) -> Outcome {
    world.send(from.host.ifindex, &mut frame)
}

fn refused(world: &mut World, from: &Dual, frame: Vec<u8>) -> Option<DropReason> {
    send(world, from, frame).reason()
}

fn delivered(world: &mut World, from: &Dual, frame: Vec<u8>) -> Option<u32> {
    send(world, from, frame).delivered_to()
}

/// An IPv6 packet made of headers: the first one's number, then the bytes behind the fixed header.
fn packet(ends: &Ends, next_header: u8, body: &[u8]) -> Vec<u8> {
    let mut frame = ends.ip(NO_NEXT);
    frame.truncate(14 + 40);
    frame[20] = next_header;
    frame[18..20].copy_from_slice(&u16::try_from(body.len()).unwrap().to_be_bytes());
    frame.extend(body);
    frame
}

/// What stands behind the fixed header.
fn body(frame: &[u8]) -> &[u8] {
    &frame[54..]
}

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const NO_NEXT: u8 = 59;
const OPTIONS: u8 = 60;

/// An options header of `units` times eight bytes, padded.
fn options(next: u8, units: u8) -> Vec<u8> {
    let len = usize::from(units) * 8;
    let mut header = vec![next, units - 1, 1, 4, 0, 0, 0, 0];
    header.resize(len, 0);
    header
}

fn fragment(next: u8, offset: u16, more: bool, identification: u32) -> Vec<u8> {
    let mut header = vec![next, 0];
    header.extend((offset | u16::from(more)).to_be_bytes());
    header.extend(identification.to_be_bytes());
    header
}

/// V6-3, V6-4, PEER-11: inside the subnet, between subnets and over a peering, hop limit unchanged.
#[test]
fn packets_reach_their_destination_unchanged() {
    let DualVpcs { net, a1, a2, a3, b1 } = dual_vpcs();
    for to in [a2, a3, b1] {
        let mut world = net.world();
        for frame in [
            a1.to(&to).echo_request(7, 1),
            a1.to(&to).udp(4000, 53),
            a1.to(&to).tcp(4000, 80, TcpFlags::Syn),
            a1.to(&to).ip(47),
        ] {
            let mut arrived = frame.clone();
            let outcome = world.send(a1.host.ifindex, &mut arrived);
            assert_eq!(outcome.delivered_to(), Some(to.host.ifindex));
            assert_eq!(arrived[..6], to.host.mac);
            assert_eq!(arrived[12..], frame[12..]);
        }
        // Answers, then the fast path both ways.
        for _ in 0..3 {
            assert_eq!(delivered(&mut world, &to, to.to(&a1).udp(53, 4000)), Some(a1.host.ifindex));
            assert_eq!(delivered(&mut world, &a1, a1.to(&to).udp(4000, 53)), Some(to.host.ifindex));
        }
        assert_eq!(delivered(&mut world, &to, to.to(&a1).echo_reply(7, 1)), Some(a1.host.ifindex));
    }
}

/// V6-5: routes of one family say nothing about the other.
#[test]
fn families_have_their_own_routes() {
    let DualVpcs { mut net, a1, b1, .. } = dual_vpcs();
    net.delete_route(A, "2001:db8:b::/64");
    let mut world = net.world();
    assert_eq!(refused(&mut world, &a1, a1.to(&b1).udp(1, 2)), Some(DropReason::NoRoute));
    let four = a1.host.to(&b1.host).udp(1, 2);
    assert_eq!(delivered(&mut world, &a1, four), Some(b1.host.ifindex));
    let DualVpcs { mut net, a1, b1, .. } = dual_vpcs();
    net.delete_route(A, "172.17.0.0/16");
    let mut world = net.world();
    assert_eq!(delivered(&mut world, &a1, a1.to(&b1).udp(1, 2)), Some(b1.host.ifindex));
    assert_eq!(refused(&mut world, &a1, a1.host.to(&b1.host).udp(1, 2)), Some(DropReason::NoRoute));
}

/// V6-6: `0.0.0.0/0` does not cover `::/0`.
#[test]
fn families_have_their_own_rules() {
    let DualVpcs { mut net, a1, a2, .. } = dual_vpcs();
    let four_only = net.policy_out_only(9);
    net.port(&a1.host, |port| port.policy = four_only);
    let mut world = net.world();
    assert_eq!(refused(&mut world, &a1, a1.to(&a2).udp(1, 2)), Some(DropReason::SecurityGroup));
    assert_eq!(delivered(&mut world, &a1, a1.host.to(&a2.host).udp(1, 2)), Some(a2.host.ifindex));
    net.remote(four_only, CONTEXT_OUT, "::/0", crate::net::OPEN);
    assert_eq!(delivered(&mut net.world(), &a1, a1.to(&a2).udp(1, 2)), Some(a2.host.ifindex));
}

/// SG-4 for ICMPv6: type and code are the service; a reply passes, an unasked one does not.
#[test]
fn echo_is_a_flow_by_its_identifier() {
    let DualVpcs { mut net, a1, a2, .. } = dual_vpcs();
    let pings = net.policy_in(4, PROTOCOL_ICMPV6, [128, 0]);
    for context in ORIGIN_VPC..=3 {
        net.remote(pings, context, "::/0", pings);
    }
    net.remote(pings, CONTEXT_OUT, "::/0", crate::net::OPEN);
    net.port(&a2.host, |port| port.policy = pings);
    let mut world = net.world();
    assert_eq!(refused(&mut world, &a1, a1.to(&a2).echo_reply(7, 1)), Some(DropReason::SecurityGroup));
    assert_eq!(delivered(&mut world, &a1, a1.to(&a2).echo_request(7, 1)), Some(a2.host.ifindex));
    assert_eq!(refused(&mut world, &a1, a1.to(&a2).udp(1, 2)), Some(DropReason::SecurityGroup));
    assert_eq!(delivered(&mut world, &a2, a2.to(&a1).echo_request(9, 1)), Some(a1.host.ifindex));
    assert_eq!(delivered(&mut world, &a1, a1.to(&a2).echo_reply(9, 1)), Some(a2.host.ifindex));
    assert_eq!(refused(&mut world, &a1, a1.to(&a2).echo_reply(10, 1)), Some(DropReason::SecurityGroup));
    // Let in, and still so after a change elsewhere: judged by the request that the reply answers.
    world.bump(A);
    assert_eq!(delivered(&mut world, &a2, a2.to(&a1).echo_reply(7, 1)), Some(a1.host.ifindex));
}

/// CHK-2.
#[test]
fn foreign_sources_need_the_check_off() {
    let DualVpcs { mut net, a1, a2, b1, .. } = dual_vpcs();
    let forged = a1.posing_as(ip6("2001:db8:a::99"), b1.ip).udp(1, 2);
    let stolen = a1.posing_as(a2.ip, b1.ip).udp(1, 2);
    let mut world = net.world();
    for frame in [&forged, &stolen] {
        assert_eq!(refused(&mut world, &a1, frame.clone()), Some(DropReason::SourceCheck));
    }
    net.port(&a1.host, |port| port.flags &= !abi::PORT_CHECKED);
    let mut world = net.world();
    for frame in [forged, stolen] {
        assert_eq!(delivered(&mut world, &a1, frame), Some(b1.host.ifindex));
    }
    // No router forwards these, whatever the check.
    for source in ["::", "::1", "fe80::1", "ff02::1"] {
        let frame = a1.posing_as(ip6(source), b1.ip).udp(1, 2);
        assert_eq!(refused(&mut world, &a1, frame), Some(DropReason::SourceCheck), "{source}");
    }
}

/// L2-7, PEER-12.
#[test]
fn addresses_of_the_link_are_not_forwarded() {
    let DualVpcs { mut net, a1, .. } = dual_vpcs();
    net.route_to_peering(A, "::/0", 1);
    let mut world = net.world();
    for destination in ["ff02::1", "ff05::2", "ff0e::1", "fe80::1", "febf::1", "::1", "::"] {
        let frame = a1.towards(ip6(destination)).udp(1, 2);
        assert_eq!(refused(&mut world, &a1, frame), Some(DropReason::NotForwarded), "{destination}");
    }
    let mut frame = a1.towards(ip6("2001:db8:b::40")).udp(1, 2);
    frame[..6].copy_from_slice(&[0x33, 0x33, 0, 0, 0, 1]);
    assert_eq!(refused(&mut world, &a1, frame), Some(DropReason::NotForwarded));
}

/// A port without an IPv6 address takes no part in IPv6.
#[test]
fn a_port_of_ipv4_alone_sends_no_ipv6() {
    let DualVpcs { mut net, a1, a2, .. } = dual_vpcs();
    net.port(&a1.host, |port| port.ipv6 = NO_ADDRESS);
    assert_eq!(refused(&mut net.world(), &a1, a1.to(&a2).udp(1, 2)), Some(DropReason::UnsupportedProtocol));
}

/// PEER-7.
#[test]
fn after_a_peering_the_reason_tells_what_is_missing() {
    let DualVpcs { mut net, a1, .. } = dual_vpcs();
    net.route_to_peering(A, "::/0", 1);
    net.vpc(crate::net::C, "2001:db8:c::/64");
    let mut world = net.world();
    for (destination, reason) in [
        ("2001:db8:b::99", DropReason::NoSuchHost),
        ("2001:db8:c::1", DropReason::NonTransitive),
        ("2606:4700::1111", DropReason::EipNotShared),
    ] {
        let outcome = send(&mut world, &a1, a1.towards(ip6(destination)).udp(1, 2));
        assert_eq!(outcome, Outcome::Dropped { vni: B, reason }, "{destination}");
    }
}

/// NH-2, CHK-3, V6-4: an instance as next hop.
#[test]
fn a_route_hands_packets_to_an_instance() {
    let DualVpcs { mut net, a1, a2, .. } = dual_vpcs();
    net.route_to(table(A), "2001:db8:f::/64", ROUTE_INSTANCE, id(b'p', a2.host.ifindex), a2.ip.octets());
    let frame = a1.towards(ip6("2001:db8:f::1")).udp(1, 2);
    assert_eq!(refused(&mut net.world(), &a1, frame.clone()), Some(DropReason::SourceCheck));
    net.port(&a2.host, |port| port.flags &= !abi::PORT_CHECKED);
    assert_eq!(delivered(&mut net.world(), &a1, frame), Some(a2.host.ifindex));
}

/// L2-1, V6-2: the gateway answers echo requests by either address, and nothing else.
#[test]
fn the_gateway_answers_echo() {
    let DualVpcs { mut net, a1, a3, .. } = dual_vpcs();
    let closed = net.policy_out_only(6);
    net.port(&a1.host, |port| port.policy = closed);
    let mut world = net.world();
    let gateway = ip6("2001:db8:a::1");
    let link_local = Ipv6Addr::from(GATEWAY_LINK_LOCAL);
    let own_link_local = ip6("fe80::ff:fe00:b");
    for (source, target) in [(a1.ip, gateway), (a1.ip, link_local), (own_link_local, link_local)] {
        let mut frame = a1.posing_as(source, target).echo_request(7, 3);
        assert_eq!(world.send(a1.host.ifindex, &mut frame), Outcome::Replied, "{source} {target}");
        let expected = Ends { source_mac: GATEWAY_MAC, destination_mac: a1.host.mac, ..a1.posing_as(target, source) };
        assert_eq!(frame, expected.echo_reply(7, 3));
    }
    let service = Some(DropReason::GatewayService);
    assert_eq!(refused(&mut world, &a1, a1.towards(gateway).udp(1, 53)), service);
    assert_eq!(refused(&mut world, &a1, a1.towards(gateway).tcp(1, 53, TcpFlags::Syn)), service);
    // Of another subnet.
    assert_eq!(refused(&mut world, &a3, a3.towards(gateway).echo_request(7, 3)), service);
    // A link-local source reaches no global address.
    let frame = a1.posing_as(own_link_local, gateway).echo_request(7, 3);
    assert_eq!(refused(&mut world, &a1, frame), Some(DropReason::SourceCheck));
}

/// RFC 8200 section 4: what is behind extension headers counts.
#[test]
fn rules_see_what_is_behind_extension_headers() {
    let DualVpcs { mut net, a1, b1, .. } = dual_vpcs();
    let dns = net.policy_in(3, PROTOCOL_UDP, [0, 53]);
    net.remote(dns, abi::CONTEXT_IN_PEERING, "::/0", dns);
    net.port(&b1.host, |port| port.policy = dns);
    let ends = a1.to(&b1);
    let authentication = [vec![PROTOCOL_UDP, 4], vec![0; 22]].concat();
    for port in [53, 54] {
        let udp = ends.udp(4000, port);
        let chains = [
            (HOP_BY_HOP, options(PROTOCOL_UDP, 1)),
            (HOP_BY_HOP, [options(OPTIONS, 2), options(PROTOCOL_UDP, 3)].concat()),
            (OPTIONS, options(PROTOCOL_UDP, 16)),
            // A source route at its end.
            (ROUTING, vec![PROTOCOL_UDP, 0, 4, 0, 0, 0, 0, 0]),
            (FRAGMENT, fragment(PROTOCOL_UDP, 0, false, 1)),
            (AUTHENTICATION, authentication.clone()),
            (
                HOP_BY_HOP,
                [
                    options(OPTIONS, 1),
                    options(ROUTING, 1),
                    vec![FRAGMENT, 0, 4, 0, 0, 0, 0, 0],
                    fragment(AUTHENTICATION, 0, false, 1),
                    [vec![OPTIONS, 4], vec![0; 22]].concat(),
                    options(PROTOCOL_UDP, 1),
                ]
                .concat(),
            ),
        ];
        for (first, chain) in chains {
            let frame = packet(&ends, first, &[&chain[..], body(&udp)].concat());
            let outcome = send(&mut net.world(), &a1, frame);
            if port == 53 {
                assert_eq!(outcome.delivered_to(), Some(b1.host.ifindex), "{first} {chain:?}");
            } else {
                let reason = DropReason::SecurityGroup;
                assert_eq!(outcome, Outcome::Dropped { vni: B, reason }, "{first} {chain:?}");
            }
        }
    }
}

/// RFC 5095, RFC 8200 section 4.1, and headers that do not fit.
#[test]
fn misleading_header_chains_are_refused() {
    let DualVpcs { net, a1, b1, .. } = dual_vpcs();
    let ends = a1.to(&b1);
    let udp = ends.udp(4000, 53);
    let chains = [
        // Source routes: type 0 in any case, others unless at their end.
        (ROUTING, vec![PROTOCOL_UDP, 0, 0, 0, 0, 0, 0, 0]),
        (ROUTING, [vec![PROTOCOL_UDP, 2, 4, 1, 0, 0, 0, 0], b1.ip.octets().to_vec()].concat()),
        // Hop-by-hop options are in front only.
        (OPTIONS, [options(HOP_BY_HOP, 1), options(PROTOCOL_UDP, 1)].concat()),
        // Too many and too long.
        (OPTIONS, [options(OPTIONS, 1).repeat(6), options(PROTOCOL_UDP, 1)].concat()),
        (OPTIONS, options(PROTOCOL_UDP, 33)),
        // A fragment of a fragment.
        (FRAGMENT, [fragment(FRAGMENT, 0, true, 1), fragment(PROTOCOL_UDP, 0, false, 1)].concat()),
        // The first fragment has all headers (RFC 7112).
        (FRAGMENT, fragment(OPTIONS, 0, true, 1)),
    ];
    for (first, chain) in chains {
        let rest = if chain.len() == 8 && chain[0] == OPTIONS { &[] } else { body(&udp) };
        let frame = packet(&ends, first, &[&chain[..], rest].concat());
        let reason = refused(&mut net.world(), &a1, frame);
        assert_eq!(reason, Some(DropReason::Malformed), "{first} {chain:?}");
    }
    // Lengths.
    let mut world = net.world();
    let mut long = udp.clone();
    long[19] += 1;
    let mut four = udp.clone();
    four[14] = 0x45;
    for frame in [long, four, udp[..40].to_vec(), packet(&ends, PROTOCOL_UDP, &[0; 7]), packet(&ends, 6, &[0; 19])] {
        assert_eq!(refused(&mut world, &a1, frame), Some(DropReason::Malformed));
    }
    assert_eq!(delivered(&mut world, &a1, packet(&ends, NO_NEXT, &[])), Some(b1.host.ifindex));
}

/// PEER-17: ports are known from the first fragment, whatever the later ones say that they are part of.
#[test]
fn later_fragments_follow_the_first() {
    let DualVpcs { mut net, a1, b1, .. } = dual_vpcs();
    let dns = net.policy_in(3, PROTOCOL_UDP, [0, 53]);
    net.remote(dns, abi::CONTEXT_IN_PEERING, "::/0", dns);
    net.port(&b1.host, |port| port.policy = dns);
    let mut world = net.world();
    let ends = a1.to(&b1);
    let later = |id: u32, next: u8| packet(&ends, FRAGMENT, &[&fragment(next, 1232, false, id)[..], b"rest"].concat());
    let first = |id: u32, port: u16| {
        let chain = [fragment(OPTIONS, 0, true, id), options(PROTOCOL_UDP, 1)].concat();
        packet(&ends, FRAGMENT, &[&chain[..], body(&ends.udp(4000, port))].concat())
    };
    assert_eq!(refused(&mut world, &a1, later(1, OPTIONS)), Some(DropReason::FragmentUnknown));
    assert_eq!(delivered(&mut world, &a1, first(0x0001_0001, 53)), Some(b1.host.ifindex));
    // All 32 bits of the identification count.
    assert_eq!(refused(&mut world, &a1, later(1, OPTIONS)), Some(DropReason::FragmentUnknown));
    for next in [OPTIONS, PROTOCOL_UDP, PROTOCOL_TCP] {
        assert_eq!(delivered(&mut world, &a1, later(0x0001_0001, next)), Some(b1.host.ifindex), "{next}");
    }
    assert_eq!(refused(&mut world, &a1, first(2, 54)), Some(DropReason::SecurityGroup));
    assert_eq!(refused(&mut world, &a1, later(2, PROTOCOL_UDP)), Some(DropReason::SecurityGroup));
    // Overwriting the flags of a TCP header.
    let tiny = packet(&ends, FRAGMENT, &[&fragment(PROTOCOL_TCP, 8, false, 3)[..], b"rest"].concat());
    assert_eq!(refused(&mut world, &a1, tiny), Some(DropReason::Malformed));
}

/// L2-1: a long ping to the gateway comes back in its fragments.
#[test]
fn the_gateway_answers_a_fragmented_echo() {
    let DualVpcs { net, a1, .. } = dual_vpcs();
    let mut world = net.world();
    let ends = a1.towards(ip6("2001:db8:a::1"));
    let request = ends.echo_request(7, 1);
    let mut first = packet(&ends, FRAGMENT, &[&fragment(PROTOCOL_ICMPV6, 0, true, 1)[..], body(&request)].concat());
    let mut later = packet(&ends, FRAGMENT, &[&fragment(PROTOCOL_ICMPV6, 1232, false, 1)[..], b"rest"].concat());
    assert_eq!(world.send(a1.host.ifindex, &mut first), Outcome::Replied);
    assert_eq!(world.send(a1.host.ifindex, &mut later), Outcome::Replied);
    assert_eq!(first[62], 129);
    assert_eq!(later[22..38], ip6("2001:db8:a::1").octets());
    assert_eq!(later[62..], *b"rest");
}

/// SG-4: an error belongs to the flow that it is about, and passes with its checksum untouched.
#[test]
fn errors_about_a_flow_pass_without_a_rule() {
    let DualVpcs { mut net, a1, b1, .. } = dual_vpcs();
    let client = net.policy_out_only(2);
    net.remote(client, CONTEXT_OUT, "::/0", crate::net::OPEN);
    net.port(&a1.host, |port| port.policy = client);
    let ends = a1.to(&b1);
    let extended = packet(&ends, OPTIONS, &[&options(PROTOCOL_UDP, 2)[..], body(&ends.udp(4000, 53))].concat());
    for request in
        [ends.udp(4000, 53), ends.tcp(4000, 80, TcpFlags::Syn), ends.echo_request(7, 1), ends.ip(47), extended]
    {
        let mut world = net.world();
        let error = |kind: u8| b1.to(&a1).icmp_quoting_with(kind, 0, 1280_u32.to_be_bytes(), &request);
        assert_eq!(refused(&mut world, &b1, error(1)), Some(DropReason::SecurityGroup));
        assert_eq!(delivered(&mut world, &a1, request.clone()), Some(b1.host.ifindex));
        let flows = world.flows().len();
        for kind in 1..=4 {
            let mut frame = error(kind);
            assert_eq!(world.send(b1.host.ifindex, &mut frame).delivered_to(), Some(a1.host.ifindex), "{kind}");
            assert_eq!(frame[14..], error(kind)[14..]);
            let sliced = SlicedPacket::from_ethernet(&frame).unwrap();
            let (Some(NetSlice::Ipv6(ip)), Some(TransportSlice::Icmpv6(icmp))) = (&sliced.net, &sliced.transport)
            else {
                panic!("{sliced:?}")
            };
            assert!(icmp.is_checksum_valid(ip.header().source(), ip.header().destination()));
        }
        assert_eq!(world.flows().len(), flows);
    }
}

/// An error that quotes another flow, or too little, is a packet as any other.
#[test]
fn errors_about_something_else_need_a_rule() {
    let DualVpcs { mut net, a1, b1, .. } = dual_vpcs();
    let client = net.policy_out_only(2);
    net.remote(client, CONTEXT_OUT, "::/0", crate::net::OPEN);
    net.port(&a1.host, |port| port.policy = client);
    let mut world = net.world();
    let request = a1.to(&b1).udp(4000, 53);
    assert_eq!(delivered(&mut world, &a1, request.clone()), Some(b1.host.ifindex));
    let other = a1.to(&b1).udp(4001, 53);
    let later = packet(&a1.to(&b1), FRAGMENT, &[&fragment(PROTOCOL_UDP, 8, false, 1)[..], body(&request)].concat());
    let to_another = a1.posing_as(ip6("2001:db8:a::20"), b1.ip).udp(4000, 53);
    for quoted in [other, later, to_another, request[..14 + 40 + 7].to_vec(), request[..30].to_vec()] {
        let error = b1.to(&a1).icmp_quoting(1, 4, &quoted);
        assert_eq!(refused(&mut world, &b1, error), Some(DropReason::SecurityGroup), "{quoted:?}");
    }
}

/// PEER-11, SG-4: what a firewall in another VPC says about the packets that it is handed comes back over the peering
/// without a rule: that their time is up, that a port is closed, what size passes behind it.
#[test]
fn a_firewall_behind_a_peering_can_refuse() {
    let DualVpcs { mut net, a1, b1, .. } = dual_vpcs();
    let client = net.policy_out_only(2);
    net.remote(client, CONTEXT_OUT, "::/0", crate::net::OPEN);
    net.port(&a1.host, |port| port.policy = client);
    net.port(&b1.host, |port| port.flags &= !abi::PORT_CHECKED);
    net.route_to_peering(A, "2001:db8:f::/64", 1);
    net.route_to_peering(A, "10.99.0.0/16", 1);
    net.route_to(table(B), "2001:db8:f::/64", ROUTE_INSTANCE, id(b'p', b1.host.ifindex), b1.ip.octets());
    net.route_to_instance(B, "10.99.0.0/16", &b1.host);
    let mut world = net.world();
    for (kind, code) in [(1, 4), (2, 0), (3, 0), (4, 1)] {
        let request = a1.towards(ip6("2001:db8:f::9")).udp(4000 + u16::from(kind), 53);
        let error = b1.to(&a1).icmp_quoting_with(kind, code, 1400_u32.to_be_bytes(), &request);
        assert_eq!(refused(&mut world, &b1, error.clone()), Some(DropReason::SecurityGroup), "ICMPv6 {kind}");
        assert_eq!(delivered(&mut world, &a1, request), Some(b1.host.ifindex));
        assert_eq!(delivered(&mut world, &b1, error), Some(a1.host.ifindex), "ICMPv6 {kind}");
    }
    for (kind, code) in [(3, 3), (3, 4), (11, 0), (12, 0)] {
        let request = a1.host.towards(crate::net::ip("10.99.0.9")).udp(4000 + u16::from(kind + code), 53);
        let error = b1.host.to(&a1.host).icmp_quoting_with(kind, code, [0, 0, 5, 0x78], &request);
        assert_eq!(refused(&mut world, &b1, error.clone()), Some(DropReason::SecurityGroup), "ICMP {kind}");
        assert_eq!(delivered(&mut world, &a1, request), Some(b1.host.ifindex));
        assert_eq!(delivered(&mut world, &b1, error), Some(a1.host.ifindex), "ICMP {kind}");
    }
}
