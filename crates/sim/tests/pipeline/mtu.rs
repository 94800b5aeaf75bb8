//! Packets larger than the MTU.

use abi::{DropReason, GATEWAY_MAC};
use etherparse::{NetSlice, PacketBuilder, SlicedPacket, TransportSlice};
use sim::frame::Ends;
use sim::{Outcome, World};

use crate::net::{A, Dual, DualVpcs, Net, address, dual_vpcs, ip, ip6};

const DONT_FRAGMENT: u8 = 0x40;

fn told(mtu: u16) -> (Net, Dual, Dual) {
    let DualVpcs { mut net, a1, b1, .. } = dual_vpcs();
    net.port(&a1.host, |port| port.mtu = mtu);
    net.tell(1, |subnet| {
        subnet.gateway = [172, 16, 0, 1];
        subnet.gateway_v6 = address("2001:db8:a::1");
    });
    (net, a1, b1)
}

/// A UDP packet of `len` bytes.
fn ipv4(from: &Dual, to: &Dual, len: u16) -> Vec<u8> {
    let mut frame = Vec::new();
    let payload: Vec<u8> = (0..len - 28).map(|i| i as u8).collect();
    PacketBuilder::ethernet2(from.host.mac, GATEWAY_MAC)
        .ipv4(from.host.ip.octets(), to.host.ip.octets(), 64)
        .udp(4000, 53)
        .write(&mut frame, &payload)
        .unwrap();
    frame[20] = DONT_FRAGMENT;
    frame
}

fn ipv6(from: &Dual, to: &Dual, len: u16) -> Vec<u8> {
    let mut frame = Vec::new();
    let payload: Vec<u8> = (0..len - 48).map(|i| i as u8).collect();
    PacketBuilder::ethernet2(from.host.mac, GATEWAY_MAC)
        .ipv6(from.ip.octets(), to.ip.octets(), 64)
        .udp(4000, 53)
        .write(&mut frame, &payload)
        .unwrap();
    frame
}

fn send(world: &mut World, from: &Dual, mut frame: Vec<u8>) -> Outcome {
    world.send(from.host.ifindex, &mut frame)
}

/// MTU-2: what is not larger passes, over a peering and on the fast path.
#[test]
fn packets_of_the_mtu_pass() {
    for mtu in [1500, 1450, 9000] {
        let (net, a1, b1) = told(mtu);
        let mut world = net.world();
        for _ in 0..3 {
            for frame in [ipv4(&a1, &b1, mtu), ipv6(&a1, &b1, mtu)] {
                assert_eq!(send(&mut world, &a1, frame).delivered_to(), Some(b1.host.ifindex));
            }
            for frame in [ipv4(&b1, &a1, 1500), ipv6(&b1, &a1, 1500)] {
                assert_eq!(send(&mut world, &b1, frame.clone()).delivered_to(), Some(a1.host.ifindex));
            }
        }
    }
}

/// MTU-3, RFC 1191: with DF the gateway of the sender's subnet says what would pass; flow or not.
#[test]
fn fragmentation_needed_is_told() {
    for mtu in [1500, 1450, 9000, 576] {
        let (net, a1, b1) = told(mtu);
        let mut world = net.world();
        for established in [false, true] {
            if established {
                assert!(send(&mut world, &a1, ipv4(&a1, &b1, 100)).delivered_to().is_some());
            }
            let sent = ipv4(&a1, &b1, mtu + 1);
            let mut frame = sent.clone();
            assert_eq!(world.send(a1.host.ifindex, &mut frame), Outcome::Replied);
            let sliced = SlicedPacket::from_ethernet(&frame).unwrap();
            let (Some(NetSlice::Ipv4(header)), Some(TransportSlice::Icmpv4(icmp))) = (&sliced.net, &sliced.transport)
            else {
                panic!("{sliced:?}")
            };
            assert_eq!(frame[..14], [&a1.host.mac[..], &GATEWAY_MAC, &[8, 0]].concat());
            let header = header.header().to_header();
            assert_eq!((header.source, header.destination), ([172, 16, 0, 1], a1.host.ip.octets()));
            assert_eq!((header.total_len, header.header_checksum), (576, header.calc_header_checksum()));
            let [high, low] = mtu.to_be_bytes();
            assert_eq!((icmp.type_u8(), icmp.code_u8(), icmp.bytes5to8()), (3, 4, [0, 0, high, low]));
            assert_eq!(icmp.checksum(), icmp.icmp_type().calc_checksum(icmp.payload()));
            assert_eq!(icmp.payload(), &sent[14..14 + 548]);
        }
    }
}

/// MTU-3, RFC 4443 section 3.2.
#[test]
fn packet_too_big_is_told() {
    for mtu in [1500_u16, 1450, 9000, 1280] {
        let (net, a1, b1) = told(mtu);
        let mut world = net.world();
        let sent = ipv6(&a1, &b1, mtu + 1);
        let mut frame = sent.clone();
        assert_eq!(world.send(a1.host.ifindex, &mut frame), Outcome::Replied);
        let gateway = Ends { source_mac: GATEWAY_MAC, ..a1.posing_as(ip6("2001:db8:a::1"), a1.ip) };
        let gateway = Ends { destination_mac: a1.host.mac, ..gateway };
        let mut expected = gateway.icmp_quoting_with(2, 0, u32::from(mtu).to_be_bytes(), &sent);
        expected[21] = 255;
        assert_eq!(frame, expected);
    }
}

/// An answer goes to the source that the packet has, so a router gets it for those behind it.
#[test]
fn the_answer_is_for_the_packet_s_source() {
    let (mut net, a1, b1) = told(1500);
    net.port(&a1.host, |port| port.flags &= !abi::PORT_CHECKED);
    let mut world = net.world();
    let mut frame = ipv4(&a1, &b1, 1501);
    frame[26..30].copy_from_slice(&ip("10.99.0.1").octets());
    assert_eq!(world.send(a1.host.ifindex, &mut frame), Outcome::Replied);
    assert_eq!(frame[30..34], ip("10.99.0.1").octets());
}

/// What no answer helps.
#[test]
fn other_packets_that_are_too_large_are_dropped() {
    let (mut net, a1, b1) = told(1500);
    let mut world = net.world();
    let too_big = Outcome::Dropped { vni: A, reason: DropReason::PacketTooBig };
    let large = ipv4(&a1, &b1, 1501);
    let mut may_fragment = large.clone();
    may_fragment[20] = 0;
    let mut error = large.clone();
    error[23] = 1;
    error[34] = 11;
    let mut error_v6 = ipv6(&a1, &b1, 1501);
    error_v6[20] = 58;
    error_v6[54] = 3;
    for frame in [may_fragment, error, error_v6] {
        assert_eq!(send(&mut world, &a1, frame), too_big);
    }
    // A later fragment, whose first one was short.
    let mut first = ipv4(&a1, &b1, 100);
    first[20] = 0x60;
    assert!(send(&mut world, &a1, first).delivered_to().is_some());
    let mut later = large.clone();
    later[20..22].copy_from_slice(&[DONT_FRAGMENT, 10]);
    assert_eq!(send(&mut world, &a1, later), too_big);
    net.tables.subnets.clear();
    assert_eq!(send(&mut net.world(), &a1, large), too_big);
}
