//! Neighbour discovery and router advertisements, byte by byte.

use std::net::Ipv6Addr;

use abi::{DropReason, FAMILY_V6, GATEWAY_LINK_LOCAL, GATEWAY_MAC, Mac, PAIR_USABLE, PAIR_VIP, SUBNET_IPV6};
use etherparse::PacketBuilder;
use sim::frame::{link_local, neighbor_advertisement, neighbor_solicitation, router_solicitation};
use sim::{Outcome, World};

use crate::net::{Dual, DualVpcs, Net, address, dual_vpcs, ip6};

const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
const ALL_NODES_MAC: Mac = [0x33, 0x33, 0, 0, 0, 1];
const GATEWAY: Ipv6Addr = Ipv6Addr::from_octets(GATEWAY_LINK_LOCAL);

fn send(world: &mut World, from: &Dual, frame: &[u8]) -> (Outcome, Vec<u8>) {
    let mut frame = frame.to_vec();
    (world.send(from.host.ifindex, &mut frame), frame)
}

fn refused(world: &mut World, from: &Dual, frame: &[u8]) -> Option<DropReason> {
    send(world, from, frame).0.reason()
}

/// An ICMPv6 message of neighbour discovery.
fn message(macs: [Mac; 2], source: Ipv6Addr, destination: Ipv6Addr, kind: u8, rest: [u8; 4], body: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    PacketBuilder::ethernet2(macs[0], macs[1])
        .ipv6(source.octets(), destination.octets(), 255)
        .icmpv6_raw(kind, 0, rest)
        .write(&mut frame, body)
        .unwrap();
    frame
}

/// The advertisement of `target`, with the flags router 0x80, solicited 0x40, override 0x20.
fn advertisement(macs: [Mac; 2], target: Ipv6Addr, destination: Ipv6Addr, flags: u8) -> Vec<u8> {
    let body = [&target.octets()[..], &[2, 1], &macs[0]].concat();
    message(macs, target, destination, 136, [flags, 0, 0, 0], &body)
}

/// The port's interface has its link-local address, and its own one.
fn sources(port: &Dual) -> [Ipv6Addr; 2] {
    [link_local(port.host.mac), port.ip]
}

/// L2-1, V6-2: by its link-local and its global address.
#[test]
fn the_gateway_is_found() {
    let DualVpcs { net, a1, .. } = dual_vpcs();
    let mut world = net.world();
    for target in [GATEWAY, ip6("2001:db8:a::1")] {
        for source in sources(&a1) {
            let (outcome, frame) = send(&mut world, &a1, &neighbor_solicitation(a1.host.mac, source, target));
            assert_eq!(outcome, Outcome::Replied);
            assert_eq!(frame, advertisement([GATEWAY_MAC, a1.host.mac], target, source, 0xe0));
        }
    }
    assert_eq!(world.flows().len(), 0);
}

/// L2-2: answered for running workloads of the same subnet, whatever their security groups.
#[test]
fn neighbours_are_found() {
    let DualVpcs { mut net, a1, a2, a3, b1 } = dual_vpcs();
    net.port(&a2.host, |port| port.policy = abi::NO_ID);
    let mut world = net.world();
    for source in sources(&a1) {
        let solicitation = neighbor_solicitation(a1.host.mac, source, a2.ip);
        let (outcome, frame) = send(&mut world, &a1, &solicitation);
        assert_eq!(outcome, Outcome::Replied);
        assert_eq!(frame, advertisement([a2.host.mac, a1.host.mac], a2.ip, source, 0x60));
        // Linux leaves the option out when it asks a single neighbour, and adds others.
        let mut short = solicitation.clone();
        short.truncate(78);
        short[19] -= 8;
        let mut long = solicitation.clone();
        long.extend([14, 1, 1, 2, 3, 4, 5, 6]);
        long[19] += 8;
        for variant in [short, long] {
            assert_eq!(send(&mut world, &a1, &variant), (Outcome::Replied, frame.clone()));
        }
    }
    let ask = |target: Ipv6Addr| neighbor_solicitation(a1.host.mac, a1.ip, target);
    let ignored = Some(DropReason::NeighbourIgnored);
    for target in [a3.ip, b1.ip, ip6("2001:db8:a::99"), ip6("2001:db8:a:1::1"), link_local(a2.host.mac)] {
        assert_eq!(refused(&mut world, &a1, &ask(target)), ignored, "{target}");
    }
    net.port(&a2.host, |port| port.flags &= !abi::PORT_RUNNING);
    assert_eq!(refused(&mut net.world(), &a1, &ask(a2.ip)), ignored);
}

/// RFC 4862 section 5.4.
#[test]
fn duplicate_addresses_are_detected() {
    let DualVpcs { mut net, a1, a2, .. } = dual_vpcs();
    let detect = |target: Ipv6Addr| neighbor_solicitation(a1.host.mac, Ipv6Addr::UNSPECIFIED, target);
    let mut world = net.world();
    for own in [a1.ip, link_local(a1.host.mac)] {
        let (outcome, _) = send(&mut world, &a1, &detect(own));
        assert!(outcome == Outcome::Consumed || outcome.reason() == Some(DropReason::NeighbourIgnored), "{outcome:?}");
    }
    for (target, mac, flags) in
        [(a2.ip, a2.host.mac, 0x20), (ip6("2001:db8:a::1"), GATEWAY_MAC, 0xa0), (GATEWAY, GATEWAY_MAC, 0xa0)]
    {
        let expected = advertisement([mac, ALL_NODES_MAC], target, ALL_NODES, flags);
        assert_eq!(send(&mut world, &a1, &detect(target)), (Outcome::Replied, expected));
    }
    // Still somebody's while the workload is stopped.
    net.port(&a2.host, |port| port.flags &= !abi::PORT_RUNNING);
    assert_eq!(send(&mut net.world(), &a1, &detect(a2.ip)).0, Outcome::Replied);
}

/// L2-4, CHK-2: no false senders, and nothing from behind a router (RFC 4861 section 7.1.1).
#[test]
fn solicitations_must_be_the_neighbours_own() {
    let DualVpcs { mut net, a1, a2, .. } = dual_vpcs();
    let good = neighbor_solicitation(a1.host.mac, a1.ip, a2.ip);
    let mut foreign = good.clone();
    foreign[22..38].copy_from_slice(&ip6("2001:db8:a::77").octets());
    let mut world = net.world();
    assert_eq!(refused(&mut world, &a1, &foreign), Some(DropReason::SourceCheck));
    let mut other_mac = good.clone();
    other_mac[85] ^= 1;
    assert_eq!(refused(&mut world, &a1, &other_mac), Some(DropReason::SpoofedMac));
    let mut forwarded = good.clone();
    forwarded[21] = 254;
    assert_eq!(refused(&mut world, &a1, &forwarded), Some(DropReason::NeighbourIgnored));
    let mut code = good.clone();
    code[55] = 1;
    assert_eq!(refused(&mut world, &a1, &code), Some(DropReason::NeighbourIgnored));
    let mut cut = good.clone();
    cut.truncate(70);
    cut[19] = 16;
    assert_eq!(refused(&mut world, &a1, &cut), Some(DropReason::Malformed));
    // RFC 6980: not behind extension headers.
    let mut hidden = good[..54].to_vec();
    hidden[20] = 60;
    hidden[19] += 8;
    hidden.extend([58, 0, 1, 4, 0, 0, 0, 0]);
    hidden.extend(&good[54..]);
    assert_eq!(refused(&mut world, &a1, &hidden), Some(DropReason::NeighbourIgnored));
    net.port(&a1.host, |port| port.flags &= !abi::PORT_RUNNING);
    assert_eq!(refused(&mut net.world(), &a1, &good), Some(DropReason::WorkloadStopped));
}

/// L2-3, VIP-3: an advertisement claims a virtual IP bound to the port, and does nothing else.
#[test]
fn an_unsolicited_advertisement_claims_a_virtual_ip() {
    let DualVpcs { mut net, a1, a2, .. } = dual_vpcs();
    let vip = ip6("2001:db8:a::100");
    let key =
        abi::AddressPairKey { port: net.tables.ports[&a1.host.ifindex].port, family: FAMILY_V6, address: vip.octets() };
    let prefix = tables::Prefix { bits: abi::prefix_base::ADDRESS_PAIR + 128, key };
    net.tables.address_pairs.insert(prefix, abi::AddressPair { flags: PAIR_USABLE | PAIR_VIP, pad: [0; 3] });
    let mut world = net.world();
    for source in [link_local(a1.host.mac), a1.ip, vip] {
        let (outcome, _) = send(&mut world, &a1, &neighbor_advertisement(a1.host.mac, source, vip));
        assert_eq!(outcome, Outcome::Consumed);
        let [claim] = world.take_claims()[..] else { panic!("one claim") };
        assert_eq!((claim.family, claim.address, claim.ifindex), (FAMILY_V6, vip.octets(), a1.host.ifindex));
    }
    for target in [a1.ip, a2.ip, ip6("2001:db8:a::1")] {
        let (outcome, _) = send(&mut world, &a1, &neighbor_advertisement(a1.host.mac, a1.ip, target));
        assert_eq!(outcome, Outcome::Consumed);
    }
    assert_eq!(send(&mut world, &a2, &neighbor_advertisement(a2.host.mac, a2.ip, vip)).0, Outcome::Consumed);
    let forged = neighbor_advertisement(a2.host.mac, a1.ip, vip);
    assert_eq!(refused(&mut world, &a2, &forged), Some(DropReason::SourceCheck));
    assert!(world.take_claims().is_empty());
}

fn told() -> (Net, Dual) {
    let DualVpcs { mut net, a1, .. } = dual_vpcs();
    net.port(&a1.host, |port| port.mtu = 1450);
    net.tell(1, |subnet| {
        subnet.flags = SUBNET_IPV6;
        subnet.prefix_v6 = address("2001:db8:a::");
    });
    (net, a1)
}

/// V6-2, MTU-1: managed, no autonomous addresses, the prefix on link, the MTU, from the link-local gateway.
#[test]
fn a_router_solicitation_is_answered() {
    let (net, a1) = told();
    let mut body = vec![0, 0, 0, 0, 0, 0, 0, 0];
    body.extend([&[1, 1][..], &GATEWAY_MAC].concat());
    body.extend([5, 1, 0, 0, 0, 0, 0x05, 0xaa]);
    body.extend([3, 4, 64, 0x80]);
    body.extend([0xff; 8]);
    body.extend([0; 4]);
    body.extend(ip6("2001:db8:a::").octets());
    let mut world = net.world();
    for source in [link_local(a1.host.mac), a1.ip, Ipv6Addr::UNSPECIFIED] {
        let solicitation = router_solicitation(a1.host.mac, source);
        let (mac, to) = if source.is_unspecified() { (ALL_NODES_MAC, ALL_NODES) } else { (a1.host.mac, source) };
        let expected = message([GATEWAY_MAC, mac], GATEWAY, to, 134, [64, 0xc0, 0xff, 0xff], &body);
        assert_eq!(send(&mut world, &a1, &solicitation), (Outcome::Replied, expected.clone()));
        // Without options, as RFC 4861 wants it from the unspecified address.
        let mut bare = solicitation.clone();
        bare.truncate(62);
        bare[19] = 8;
        assert_eq!(send(&mut world, &a1, &bare), (Outcome::Replied, expected));
    }
    let (mut net, a1) = told();
    net.tell(1, |subnet| subnet.flags = 0);
    let solicitation = router_solicitation(a1.host.mac, a1.ip);
    assert_eq!(refused(&mut net.world(), &a1, &solicitation), Some(DropReason::NeighbourIgnored));
}

/// V6-2: no routers but the platform's.
#[test]
fn advertisements_and_redirects_of_routers_are_dropped() {
    let (net, a1) = told();
    let mut world = net.world();
    for source in sources(&a1) {
        for kind in [134, 137] {
            let frame = message([a1.host.mac, ALL_NODES_MAC], source, ALL_NODES, kind, [64, 0, 0xff, 0xff], &[0; 40]);
            assert_eq!(refused(&mut world, &a1, &frame), Some(DropReason::RouterAdvertisement));
        }
    }
}

/// PEER-12, L2-7: reports about multicast groups are taken in.
#[test]
fn listener_reports_are_consumed() {
    let (net, a1) = told();
    let mut world = net.world();
    for (kind, source) in [(143, Ipv6Addr::UNSPECIFIED), (143, link_local(a1.host.mac)), (131, a1.ip), (132, a1.ip)] {
        let report =
            message([a1.host.mac, [0x33, 0x33, 0, 0, 0, 0x16]], source, ip6("ff02::16"), kind, [0; 4], &[0; 20]);
        let mut alerting = report[..54].to_vec();
        alerting[20] = 0;
        alerting[19] += 8;
        alerting.extend([58, 0, 5, 2, 0, 0, 1, 0]);
        alerting.extend(&report[54..]);
        for frame in [report, alerting] {
            assert_eq!(send(&mut world, &a1, &frame).0, Outcome::Consumed, "{kind} {source}");
        }
    }
}
