//! ARP, hardware addresses, the gateway, and what stays in the subnet.

use abi::{DropReason, GATEWAY_MAC, PORT_CHECKED, PORT_RUNNING};
use etherparse::SlicedPacket;
use sim::frame::{Ends, TcpFlags, arp_request};
use sim::{Outcome, World};

use crate::net::{A, Host, TwoVpcs, ip, two_vpcs};

fn dropped(world: &mut World, host: &Host, mut frame: Vec<u8>) -> Option<DropReason> {
    world.send(host.ifindex, &mut frame).reason()
}

/// Who answered an ARP request: sender hardware address of the reply.
fn asked(world: &mut World, host: &Host, target: &str) -> Result<[u8; 6], Outcome> {
    let mut frame = arp_request(host.mac, host.ip, ip(target));
    match world.send(host.ifindex, &mut frame) {
        Outcome::Replied => {
            assert_eq!(frame[..6], host.mac);
            assert_eq!(frame[6..12], frame[22..28]);
            assert_eq!(frame[20..22], [0, 2]);
            assert_eq!(frame[28..32], ip(target).octets());
            assert_eq!(frame[32..38], host.mac);
            assert_eq!(frame[38..42], host.ip.octets());
            Ok(frame[22..28].try_into().unwrap())
        }
        outcome => Err(outcome),
    }
}

/// L2-1.
#[test]
fn the_gateway_of_the_own_subnet_answers_arp() {
    let TwoVpcs { net, a1, a3, .. } = two_vpcs();
    let mut world = net.world();
    assert_eq!(asked(&mut world, &a1, "172.16.0.1"), Ok(GATEWAY_MAC));
    assert_eq!(asked(&mut world, &a3, "172.16.1.1"), Ok(GATEWAY_MAC));
    let ignored = Outcome::Dropped { vni: A, reason: DropReason::ArpIgnored };
    assert_eq!(asked(&mut world, &a1, "172.16.1.1"), Err(ignored));
}

/// L2-2.
#[test]
fn arp_is_answered_for_running_neighbours_only() {
    let TwoVpcs { mut net, a1, a2, .. } = two_vpcs();
    let mut world = net.world();
    let ignored = Err(Outcome::Dropped { vni: A, reason: DropReason::ArpIgnored });
    assert_eq!(asked(&mut world, &a1, "172.16.0.20"), Ok(a2.mac));
    assert_eq!(asked(&mut world, &a1, "172.16.0.99"), ignored);
    assert_eq!(asked(&mut world, &a1, "172.16.1.30"), ignored);
    assert_eq!(asked(&mut world, &a1, "172.17.0.40"), ignored);
    net.port(&a2, |port| port.flags = PORT_CHECKED);
    assert_eq!(asked(&mut net.world(), &a1, "172.16.0.20"), ignored);
}

/// L2-3: gratuitous ARP and probes of the own address need no answer; a claim to another's address is refused.
#[test]
fn gratuitous_arp_is_taken_in() {
    let TwoVpcs { mut net, a1, a2, .. } = two_vpcs();
    net.holds(&a1, "172.16.0.11");
    let mut world = net.world();
    assert_eq!(asked(&mut world, &a1, "172.16.0.10"), Err(Outcome::Consumed));
    assert_eq!(asked(&mut world, &a1, "172.16.0.11"), Err(Outcome::Consumed));
    let claim = arp_request(a1.mac, a2.ip, a2.ip);
    assert_eq!(dropped(&mut world, &a1, claim), Some(DropReason::SourceCheck));
    let mut reply = arp_request(a1.mac, a1.ip, a2.ip);
    reply[21] = 2;
    assert_eq!(dropped(&mut world, &a1, reply), Some(DropReason::ArpIgnored));
}

/// L2-2: a guest that looks for a duplicate of an address before it takes it (RFC 5227) hears of it, with the check on.
#[test]
fn probes_without_a_sender_are_answered_as_questions_are() {
    let TwoVpcs { net, a1, a2, .. } = two_vpcs();
    let mut world = net.world();
    let nobody = ip("0.0.0.0");
    let mut taken = arp_request(a1.mac, nobody, a2.ip);
    assert_eq!(world.send(a1.ifindex, &mut taken), Outcome::Replied);
    let free = arp_request(a1.mac, nobody, ip("172.16.0.99"));
    assert_eq!(dropped(&mut world, &a1, free), Some(DropReason::ArpIgnored));
    let mut own = arp_request(a1.mac, nobody, a1.ip);
    assert_eq!(world.send(a1.ifindex, &mut own), Outcome::Consumed);
}

/// CHK-2, CHK-4.
#[test]
fn arp_senders_are_checked_as_sources_are() {
    let TwoVpcs { mut net, a1, a2, .. } = two_vpcs();
    let frame = arp_request(a1.mac, ip("172.16.0.77"), a2.ip);
    assert_eq!(dropped(&mut net.world(), &a1, frame.clone()), Some(DropReason::SourceCheck));
    net.port(&a1, |port| port.flags = PORT_RUNNING);
    assert_eq!(dropped(&mut net.world(), &a1, frame), None);
}

/// L2-4.
#[test]
fn foreign_hardware_addresses_are_dropped_even_with_the_check_off() {
    let TwoVpcs { mut net, a1, a2, .. } = two_vpcs();
    net.port(&a1, |port| port.flags = PORT_RUNNING);
    let mut world = net.world();
    let spoofed = Some(DropReason::SpoofedMac);
    let forged = Host { mac: a2.mac, ..a1 };
    assert_eq!(dropped(&mut world, &a1, forged.to(&a2).echo_request(1, 1)), spoofed);
    assert_eq!(dropped(&mut world, &a1, arp_request(a2.mac, a1.ip, a2.ip)), spoofed);
    let mut inner = arp_request(a1.mac, a1.ip, a2.ip);
    inner[22..28].copy_from_slice(&a2.mac);
    assert_eq!(dropped(&mut world, &a1, inner), spoofed);
}

/// L2-1: even when no rule lets anything in or out.
#[test]
fn the_gateway_answers_echo_whatever_the_rules() {
    let TwoVpcs { mut net, a1, .. } = two_vpcs();
    net.port(&a1, |port| port.policy = abi::NO_ID);
    let mut world = net.world();
    let mut frame = a1.towards(ip("172.16.0.1")).echo_request(77, 3);
    assert_eq!(world.send(a1.ifindex, &mut frame), Outcome::Replied);
    let expected = Ends {
        source_mac: GATEWAY_MAC,
        destination_mac: a1.mac,
        source: ip("172.16.0.1").into(),
        destination: a1.ip.into(),
    };
    assert_eq!(frame, expected.echo_reply(77, 3));
    SlicedPacket::from_ethernet(&frame).unwrap();
    assert!(world.flows().is_empty());
}

/// L2-1.
#[test]
fn a_gateway_answers_nothing_else_and_nobody_else() {
    let TwoVpcs { mut net, a1, a3, b1, .. } = two_vpcs();
    let closed = net.policy_in_only(9);
    net.port(&a3, |port| port.policy = closed);
    let mut world = net.world();
    let refused = Some(DropReason::GatewayService);
    let gateway = ip("172.16.0.1");
    assert_eq!(dropped(&mut world, &a1, a1.towards(gateway).tcp(4000, 80, TcpFlags::Syn)), refused);
    assert_eq!(dropped(&mut world, &a1, a1.towards(gateway).udp(4000, 53)), refused);
    assert_eq!(dropped(&mut world, &a1, a1.towards(gateway).echo_reply(1, 1)), refused);
    assert_eq!(dropped(&mut world, &a3, a3.towards(gateway).echo_request(1, 1)), refused);
    assert_eq!(dropped(&mut world, &b1, b1.towards(gateway).echo_request(1, 1)), refused);
}

/// L2-7, PEER-12.
#[test]
fn broadcast_multicast_link_local_and_loopback_stay_in_the_subnet() {
    let TwoVpcs { mut net, a1, .. } = two_vpcs();
    net.route_to_peering(A, "0.0.0.0/0", 1);
    let mut world = net.world();
    for destination in ["255.255.255.255", "224.0.0.251", "239.1.2.3", "169.254.169.254", "127.0.0.1"] {
        let frame = a1.towards(ip(destination)).udp(4000, 4000);
        assert_eq!(dropped(&mut world, &a1, frame), Some(DropReason::NotForwarded), "{destination}");
    }
    // Nor do sources that answers would have to go to, with the check off as well.
    net.port(&a1, |port| port.flags = PORT_RUNNING);
    let mut unchecked = net.world();
    for source in ["255.255.255.255", "224.0.0.251", "169.254.169.254", "127.0.0.1", "0.0.0.0"] {
        let frame = a1.posing_as(ip(source), ip("172.17.0.40")).udp(4000, 4000);
        assert_eq!(dropped(&mut unchecked, &a1, frame), Some(DropReason::SourceCheck), "{source}");
    }
    let mut multicast = a1.towards(ip("172.17.0.40")).udp(4000, 4000);
    multicast[..6].copy_from_slice(&[0xff; 6]);
    assert_eq!(dropped(&mut world, &a1, multicast), Some(DropReason::NotForwarded));
}

/// L2-6.
#[test]
fn workloads_are_no_dhcp_servers() {
    let TwoVpcs { net, a1, a2, .. } = two_vpcs();
    let mut world = net.world();
    assert_eq!(dropped(&mut world, &a1, a1.to(&a2).udp(67, 68)), Some(DropReason::DhcpServer));
    let offer = a1.towards(ip("255.255.255.255")).udp(67, 68);
    assert_eq!(dropped(&mut world, &a1, offer), Some(DropReason::DhcpServer));
    let discover = a1.posing_as(ip("0.0.0.0"), ip("255.255.255.255")).udp(68, 67);
    // The subnet has no DHCP.
    assert_eq!(dropped(&mut world, &a1, discover), Some(DropReason::DhcpIgnored));
}

#[test]
fn frames_that_make_no_sense_are_dropped() {
    let TwoVpcs { net, a1, a2, .. } = two_vpcs();
    let mut world = net.world();
    let good = a1.to(&a2).tcp(4000, 80, TcpFlags::Syn);
    assert_eq!(world.send(99, &mut good.clone()), Outcome::Dropped { vni: 0, reason: DropReason::UnknownPort });
    let mut ipv6 = good.clone();
    ipv6[12..14].copy_from_slice(&[0x86, 0xdd]);
    assert_eq!(dropped(&mut world, &a1, ipv6), Some(DropReason::UnsupportedProtocol));
    let malformed = Some(DropReason::Malformed);
    for len in [0, 13, 14, 33, 34, 53] {
        assert_eq!(dropped(&mut world, &a1, good[..len].to_vec()), malformed, "{len}");
    }
    for (offset, byte) in [(14, 0x65), (14, 0x44), (16, 0xff), (17, 19)] {
        let mut bad = good.clone();
        bad[offset] = byte;
        assert_eq!(dropped(&mut world, &a1, bad), malformed, "{offset} {byte}");
    }
    // An L4 header that only the padding of the frame makes whole.
    let mut short = good.clone();
    short[17] = 39;
    assert_eq!(dropped(&mut world, &a1, short), malformed);
    let mut padded = good;
    padded.extend([0; 6]);
    assert_eq!(dropped(&mut world, &a1, padded), None);
    let arp = arp_request(a1.mac, a1.ip, a2.ip);
    assert_eq!(dropped(&mut world, &a1, arp[..41].to_vec()), malformed);
    for offset in [15, 16, 18, 19] {
        let mut bad = arp.clone();
        bad[offset] ^= 0x40;
        assert_eq!(dropped(&mut world, &a1, bad), malformed, "{offset}");
    }
}

/// L2-4; the receiver sees a neighbour's own address, and the gateway's for everyone else.
#[test]
fn hardware_addresses_are_rewritten_on_delivery() {
    let TwoVpcs { net, a1, a2, a3, b1 } = two_vpcs();
    let mut world = net.world();
    for (to, smac) in [(a2, a1.mac), (a3, GATEWAY_MAC), (b1, GATEWAY_MAC)] {
        // The second one takes the fast path.
        for _ in 0..2 {
            let sent = a1.to(&to).udp(4000, 53);
            let mut frame = sent.clone();
            assert_eq!(world.send(a1.ifindex, &mut frame).delivered_to(), Some(to.ifindex));
            assert_eq!(frame[..6], to.mac);
            assert_eq!(frame[6..12], smac);
            // PEER-11, NET-7: nothing else changes, neither addresses nor the time to live.
            assert_eq!(frame[12..], sent[12..]);
        }
    }
}

/// DIAG-5.
#[test]
fn drops_are_counted_by_vpc_and_reason() {
    let TwoVpcs { net, a1, .. } = two_vpcs();
    let mut world = net.world();
    let frame = a1.towards(ip("8.8.8.8")).echo_request(1, 1);
    for _ in 0..3 {
        assert_eq!(dropped(&mut world, &a1, frame.clone()), Some(DropReason::NoRoute));
    }
    let (key, counter) = world.drops().first_key_value().unwrap();
    assert_eq!((key.vni, key.reason), (A, DropReason::NoRoute as u32));
    assert_eq!((counter.packets, counter.bytes), (3, 3 * frame.len() as u64));
    assert_eq!(counter.latest_port, net.tables.ports[&a1.ifindex].port);
}
