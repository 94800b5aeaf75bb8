//! DHCP of both families, byte by byte.

use std::net::Ipv6Addr;

use abi::{DropReason, FAMILY_V4, GATEWAY_LINK_LOCAL, GATEWAY_MAC, LEASE_INFINITE, Mac, SUBNET_DHCP, SUBNET_IPV6};
use etherparse::{NetSlice, PacketBuilder, SlicedPacket, TransportSlice};
use sim::frame::{arp_request, link_local};
use sim::{Outcome, World};

use crate::net::{A, B, Dual, DualVpcs, Net, address, dual_vpcs, ip, ip6};

const SERVER: [u8; 4] = [172, 16, 0, 254];
const OWN: [u8; 4] = [172, 16, 0, 10];
const ANYWHERE: [u8; 4] = [255; 4];
const COOKIE: [u8; 4] = [99, 130, 83, 99];

pub fn told() -> (Net, Dual) {
    let DualVpcs { mut net, a1, .. } = dual_vpcs();
    net.port(&a1.host, |port| port.mtu = 1450);
    net.tell(1, |subnet| {
        subnet.flags = SUBNET_DHCP | SUBNET_IPV6;
        subnet.prefix_v6 = address("2001:db8:a::");
        subnet.gateway_v6 = address("2001:db8:a::1");
        subnet.gateway = [172, 16, 0, 1];
        subnet.mask = [255, 255, 255, 0];
        subnet.dhcp_server = SERVER;
        subnet.dns = [[100, 125, 1, 250], [8, 8, 8, 8]];
        subnet.ntp = [[10, 0, 0, 1], [10, 0, 0, 2], [0; 4], [0; 4]];
        subnet.lease_seconds = 365 * 86400;
        subnet.lease_seconds_v6 = 7200;
        subnet.domain_len = 12;
        subnet.domain[..12].copy_from_slice(b"example.test");
    });
    (net, a1)
}

/// A client's message: what it has, whether it must be told by broadcast, and its options.
pub fn request(mac: Mac, client: [u8; 4], broadcast: bool, options: &[u8]) -> Vec<u8> {
    let mut message = vec![1, 1, 6, 0, 0xde, 0xad, 0xbe, 0xef, 0, 3, if broadcast { 0x80 } else { 0 }, 0];
    message.extend(client);
    message.extend([0; 12]);
    message.extend(mac);
    message.extend([0; 10 + 64 + 128]);
    message.extend(COOKIE);
    message.extend(options);
    message.push(255);
    let (source, destination, dmac) =
        if client == [0; 4] { ([0; 4], ANYWHERE, [0xff; 6]) } else { (client, SERVER, GATEWAY_MAC) };
    let mut frame = Vec::new();
    PacketBuilder::ethernet2(mac, dmac).ipv4(source, destination, 64).udp(68, 67).write(&mut frame, &message).unwrap();
    frame
}

/// The parts of a reply that differ, options without padding.
#[derive(Debug, PartialEq, Eq)]
struct Reply {
    mac: Mac,
    to: [u8; 4],
    client: [u8; 4],
    yours: [u8; 4],
    options: Vec<(u8, Vec<u8>)>,
}

fn read(frame: &[u8]) -> Reply {
    let sliced = SlicedPacket::from_ethernet(frame).unwrap();
    let (Some(NetSlice::Ipv4(ip)), Some(TransportSlice::Udp(udp))) = (&sliced.net, &sliced.transport) else {
        panic!("{sliced:?}")
    };
    assert_eq!(frame[6..12], GATEWAY_MAC);
    assert_eq!(ip.header().source(), SERVER);
    assert_eq!(ip.header().header_checksum(), ip.header().to_header().calc_header_checksum());
    assert_eq!((udp.source_port(), udp.destination_port(), udp.checksum()), (67, 68, 0));
    assert_eq!(usize::from(udp.length()) + 34, frame.len());
    let message = udp.payload();
    assert!(message.len() >= 300, "RFC 951");
    assert_eq!(message[..8], [2, 1, 6, 0, 0xde, 0xad, 0xbe, 0xef]);
    assert_eq!(message[20..28], [0; 8], "no server to boot from, no relay");
    assert_eq!(&message[28..34], frame_mac(frame));
    assert_eq!(message[34..236], [0; 202]);
    assert_eq!(message[236..240], COOKIE);
    let (mut options, mut rest) = (Vec::new(), &message[240..]);
    while rest[0] != 255 {
        if rest[0] == 0 {
            rest = &rest[1..];
            continue;
        }
        let len = usize::from(rest[1]);
        options.push((rest[0], rest[2..2 + len].to_vec()));
        rest = &rest[2 + len..];
    }
    Reply {
        mac: frame[..6].try_into().unwrap(),
        to: ip.header().destination(),
        client: message[12..16].try_into().unwrap(),
        yours: message[16..20].try_into().unwrap(),
        options,
    }
}

/// The client's hardware address in a reply.
fn frame_mac(frame: &[u8]) -> &[u8] {
    &frame[42 + 28..42 + 34]
}

fn ask(world: &mut World, from: &Dual, mut frame: Vec<u8>) -> Reply {
    assert_eq!(world.send(from.host.ifindex, &mut frame), Outcome::Replied);
    read(&frame)
}

fn outcome(world: &mut World, from: &Dual, mut frame: Vec<u8>) -> Outcome {
    let before = frame.clone();
    let outcome = world.send(from.host.ifindex, &mut frame);
    if matches!(outcome, Outcome::Delivered { .. }) {
        assert_eq!(before[12..], frame[12..]);
    }
    outcome
}

/// All that the subnet says, with the message type and the client's identifier.
fn everything(kind: u8, id: Option<&[u8]>) -> Vec<(u8, Vec<u8>)> {
    let mut options = vec![
        (53, vec![kind]),
        (54, SERVER.to_vec()),
        (51, 31_536_000_u32.to_be_bytes().to_vec()),
        (58, 15_768_000_u32.to_be_bytes().to_vec()),
        (59, 27_594_000_u32.to_be_bytes().to_vec()),
        (1, vec![255, 255, 255, 0]),
        (3, vec![172, 16, 0, 1]),
        (6, vec![100, 125, 1, 250, 8, 8, 8, 8]),
        (42, vec![10, 0, 0, 1, 10, 0, 0, 2]),
        (26, vec![0x05, 0xaa]),
        (15, b"example.test".to_vec()),
    ];
    options.extend(id.map(|id| (61, id.to_vec())));
    options
}

/// L2-5, MTU-1: a discovery is offered the port's address with all that the subnet says, by whom the client can hear.
#[test]
fn an_address_is_offered_and_leased() {
    let (net, a1) = told();
    let mut world = net.world();
    let mac = a1.host.mac;
    let id = [&[1][..], &mac].concat();
    let with_id = [&[61, 7][..], &id].concat();
    for (broadcast, to) in [(false, (mac, OWN)), (true, ([0xff; 6], ANYWHERE))] {
        for (kind, answer, more) in [(1, 2, vec![]), (3, 5, [&[50, 4][..], &OWN, &[54, 4], &SERVER].concat())] {
            let options = [&[53, 1, kind][..], &with_id, &more, &[55, 3, 1, 3, 6], &[0; 7]].concat();
            let reply = ask(&mut world, &a1, request(mac, [0; 4], broadcast, &options));
            let options = everything(answer, Some(&id));
            assert_eq!(reply, Reply { mac: to.0, to: to.1, client: [0; 4], yours: OWN, options });
        }
    }
    // The shortest message, and one with nothing behind its type.
    let reply = ask(&mut world, &a1, request(mac, [0; 4], false, &[53, 1, 1]));
    assert_eq!(reply.options, everything(2, None));
    assert_eq!(world.flows().len(), 0);
}

/// RFC 2131 section 4.3.2: to whom renewals go, and what they are told.
#[test]
fn a_lease_is_renewed_and_rebound() {
    let (net, a1) = told();
    let mut world = net.world();
    let mac = a1.host.mac;
    let renewal = request(mac, OWN, false, &[53, 1, 3]);
    let mut rebinding = renewal.clone();
    rebinding[..6].copy_from_slice(&[0xff; 6]);
    rebinding[30..34].copy_from_slice(&ANYWHERE);
    for frame in [renewal, rebinding] {
        let reply = ask(&mut world, &a1, frame);
        assert_eq!(reply, Reply { mac, to: OWN, client: OWN, yours: OWN, options: everything(5, None) });
    }
    // After a restart.
    let again = request(mac, [0; 4], true, &[&[53, 1, 3, 50, 4][..], &OWN].concat());
    assert_eq!(ask(&mut world, &a1, again).options, everything(5, None));
    // The server's address can be found, by those who have it in their subnet.
    let server = ip("172.16.0.254");
    let mut frame = arp_request(mac, a1.host.ip, server);
    assert_eq!(world.send(a1.host.ifindex, &mut frame), Outcome::Replied);
    assert_eq!(frame[22..32], [&GATEWAY_MAC[..], &SERVER].concat());
}

/// L2-5: no address but the port's own.
#[test]
fn another_address_is_refused() {
    let (net, a1) = told();
    let mut world = net.world();
    let mac = a1.host.mac;
    let other = [172, 16, 0, 20];
    for (client, options) in [
        ([0; 4], [&[53, 1, 3, 50, 4][..], &other, &[54, 4], &SERVER].concat()),
        ([0; 4], [&[53, 1, 3, 50, 4][..], &other].concat()),
        (other, vec![53, 1, 3]),
    ] {
        let reply = ask(&mut world, &a1, request(mac, client, false, &options));
        let options = vec![(53, vec![6]), (54, SERVER.to_vec())];
        assert_eq!(reply, Reply { mac: [0xff; 6], to: ANYWHERE, client: [0; 4], yours: [0; 4], options });
    }
    // A wish in a discovery is only a wish.
    let wish = request(mac, [0; 4], false, &[&[53, 1, 1, 50, 4][..], &other].concat());
    assert_eq!(ask(&mut world, &a1, wish).yours, OWN);
}

/// RFC 2131 sections 4.3.4, 4.3.5.
#[test]
fn clients_with_an_address_get_the_rest() {
    let (net, a1) = told();
    let mut world = net.world();
    let mac = a1.host.mac;
    let reply = ask(&mut world, &a1, request(mac, OWN, false, &[53, 1, 8]));
    let options = everything(5, None).into_iter().filter(|(code, _)| ![51, 58, 59].contains(code)).collect();
    assert_eq!(reply, Reply { mac, to: OWN, client: OWN, yours: [0; 4], options });
    for kind in [4, 7] {
        let options = [&[53, 1, kind, 54, 4][..], &SERVER].concat();
        assert_eq!(outcome(&mut world, &a1, request(mac, OWN, false, &options)), Outcome::Consumed);
    }
}

/// Leases that do not end, and subnets that say little.
#[test]
fn what_a_subnet_does_not_say_is_left_out() {
    let (mut net, a1) = told();
    net.tell(1, |subnet| {
        subnet.lease_seconds = LEASE_INFINITE;
        subnet.dns = [[9, 9, 9, 9], [0; 4]];
        subnet.ntp = [[0; 4]; 4];
        subnet.domain_len = 0;
    });
    let reply = ask(&mut net.world(), &a1, request(a1.host.mac, [0; 4], false, &[53, 1, 1]));
    let mut expected = everything(2, None);
    for (code, value) in &mut expected {
        match code {
            51 | 58 | 59 => *value = vec![0xff; 4],
            6 => *value = vec![9, 9, 9, 9],
            _ => {}
        }
    }
    expected.retain(|(code, _)| ![42, 15].contains(code));
    assert_eq!(reply.options, expected);
}

/// What the platform does not answer.
#[test]
fn other_messages_are_ignored() {
    let (mut net, a1) = told();
    let mac = a1.host.mac;
    let ignored = Outcome::Dropped { vni: A, reason: DropReason::DhcpIgnored };
    let mut world = net.world();
    let discover = request(mac, [0; 4], false, &[53, 1, 1]);
    for (at, byte) in [(42, 2), (43, 2), (44, 7), (42 + 24, 1), (42 + 28, 0x55), (42 + 236, 0)] {
        let mut frame = discover.clone();
        frame[at] = byte;
        assert_eq!(outcome(&mut world, &a1, frame), ignored, "{at}");
    }
    for options in [
        vec![],
        vec![53, 1, 9],
        vec![53, 2, 1, 1],
        vec![53, 1, 3],
        // To another server.
        [&[53, 1, 3, 50, 4][..], &OWN, &[54, 4, 1, 2, 3, 4]].concat(),
        // Behind more than is looked at.
        [&[0; 90][..], &[53, 1, 1]].concat(),
    ] {
        assert_eq!(outcome(&mut world, &a1, request(mac, [0; 4], false, &options)), ignored, "{options:?}");
    }
    // Cut short anywhere before the end of the last option.
    for len in 42..discover.len() - 1 {
        let mut frame = discover[..len].to_vec();
        let total = u16::try_from(len - 14).unwrap().to_be_bytes();
        frame[16..18].copy_from_slice(&total);
        assert!(outcome(&mut world, &a1, frame).reason().is_some(), "{len}");
    }
    net.tell(1, |subnet| subnet.flags = 0);
    assert_eq!(outcome(&mut net.world(), &a1, discover.clone()), ignored);
    let arp = arp_request(mac, a1.host.ip, ip("172.16.0.254"));
    assert_eq!(outcome(&mut net.world(), &a1, arp).reason(), Some(DropReason::ArpIgnored));
    net.port(&a1.host, |port| port.flags &= !abi::PORT_RUNNING);
    assert_eq!(outcome(&mut net.world(), &a1, discover).reason(), Some(DropReason::WorkloadStopped));
}

/// A packet to port 67 of somebody else is a packet as any other.
#[test]
fn only_the_platform_s_address_is_the_platform_s() {
    let (net, a1) = told();
    let mut world = net.world();
    let DualVpcs { a2, b1, .. } = dual_vpcs();
    for to in [a2, b1] {
        assert_eq!(outcome(&mut world, &a1, a1.host.to(&to.host).udp(68, 67)).delivered_to(), Some(to.host.ifindex));
        assert_eq!(outcome(&mut world, &a1, a1.to(&to).udp(546, 547)).delivered_to(), Some(to.host.ifindex));
    }
    // The same address in another VPC.
    let endpoint = net.tables.endpoints.keys().find(|key| key.vni == B && key.family == FAMILY_V4).copied();
    assert!(endpoint.is_some());
    let frame = b1.host.towards(ip("172.16.0.254")).udp(68, 67);
    assert_eq!(outcome(&mut world, &b1, frame), Outcome::Dropped { vni: A, reason: DropReason::NoSuchHost });
}

const DUID: &[u8] = &[0, 1, 0, 1, 0x2a, 0, 0, 1, 2, 0, 0, 0, 0, 11];

fn server_id() -> Vec<u8> {
    [&[0, 3, 0, 1][..], &GATEWAY_MAC].concat()
}

/// An option of DHCPv6.
fn option(code: u16, value: &[u8]) -> Vec<u8> {
    [&code.to_be_bytes()[..], &u16::try_from(value.len()).unwrap().to_be_bytes(), value].concat()
}

fn association(address: Option<Ipv6Addr>) -> Vec<u8> {
    let address = address.map(|ip| option(5, &[&ip.octets()[..], &[0; 8]].concat()));
    option(3, &[&[0, 0, 0, 7][..], &[0; 8], &address.unwrap_or_default()].concat())
}

/// A client's message of DHCPv6.
pub fn request6(from: &Dual, kind: u8, options: &[Vec<u8>]) -> Vec<u8> {
    let source = link_local(from.host.mac).octets();
    let message = [&[kind, 1, 2, 3][..], &options.concat()].concat();
    let mut frame = Vec::new();
    PacketBuilder::ethernet2(from.host.mac, [0x33, 0x33, 0, 1, 0, 2])
        .ipv6(source, ip6("ff02::1:2").octets(), 1)
        .udp(546, 547)
        .write(&mut frame, &message)
        .unwrap();
    frame
}

/// The platform's answer, with all checksums right.
fn reply6(to: &Dual, kind: u8, options: &[Vec<u8>]) -> Vec<u8> {
    let message = [&[kind, 1, 2, 3][..], &options.concat()].concat();
    let mut frame = Vec::new();
    PacketBuilder::ethernet2(GATEWAY_MAC, to.host.mac)
        .ipv6(GATEWAY_LINK_LOCAL, link_local(to.host.mac).octets(), 64)
        .udp(547, 546)
        .write(&mut frame, &message)
        .unwrap();
    frame
}

fn lease(from: &Dual, seconds: [u32; 3]) -> Vec<u8> {
    let [renewal, rebinding, lease] = seconds.map(u32::to_be_bytes);
    let address = option(5, &[&from.ip.octets()[..], &lease, &lease].concat());
    option(3, &[&[0, 0, 0, 7][..], &renewal, &rebinding, &address].concat())
}

/// V6-2: the port's address, by two messages or four.
#[test]
fn an_ipv6_address_is_leased() {
    let (net, a1) = told();
    let mut world = net.world();
    let hour = lease(&a1, [3600, 5760, 7200]);
    let (client, server) = (option(1, DUID), option(2, &server_id()));
    let rapid = option(14, &[]);
    let wishes = option(6, &[0, 23, 0, 24]);
    for (kind, asked, answer, told) in [
        (1, vec![client.clone(), wishes.clone(), association(None)], 2, vec![]),
        (1, vec![association(None), rapid.clone(), client.clone()], 7, vec![rapid.clone()]),
        (3, vec![client.clone(), server.clone(), association(Some(a1.ip))], 7, vec![]),
        (5, vec![client.clone(), server.clone(), association(Some(a1.ip)), rapid], 7, vec![]),
        (6, vec![client.clone(), association(Some(a1.ip))], 7, vec![]),
        // Another address than its own does not come true.
        (3, vec![client.clone(), server.clone(), association(Some(ip6("2001:db8:a::99")))], 7, vec![]),
    ] {
        let mut frame = request6(&a1, kind, &asked);
        assert_eq!(world.send(a1.host.ifindex, &mut frame), Outcome::Replied, "{kind}");
        let expected = [&[server.clone(), hour.clone()][..], &told, std::slice::from_ref(&client)].concat();
        assert_eq!(frame, reply6(&a1, answer, &expected), "{kind}");
    }
    assert_eq!(world.flows().len(), 0);
}

/// Identifiers of odd and of extreme lengths; a lease that does not end.
#[test]
fn the_client_s_identifier_is_sent_back() {
    let (mut net, a1) = told();
    net.tell(1, |subnet| subnet.lease_seconds_v6 = LEASE_INFINITE);
    let mut world = net.world();
    let mut lengths = vec![];
    for len in 1..80_u8 {
        let client = option(1, &(1..=len).collect::<Vec<_>>());
        let mut frame = request6(&a1, 1, &[client.clone(), association(None)]);
        if world.send(a1.host.ifindex, &mut frame) == Outcome::Replied {
            let expected = [option(2, &server_id()), lease(&a1, [LEASE_INFINITE; 3]), client];
            assert_eq!(frame, reply6(&a1, 2, &expected), "{len}");
            lengths.push(len);
        }
    }
    assert_eq!(lengths, (1..=64).collect::<Vec<_>>());
}

/// RFC 8415 sections 18.3.3, 18.3.6 to 18.3.8.
#[test]
fn other_requests_of_dhcpv6_are_answered() {
    let (net, a1) = told();
    let mut world = net.world();
    let (client, server) = (option(1, DUID), option(2, &server_id()));
    let success = option(13, &[0, 0]);
    for (kind, asked, told) in [
        (4, vec![client.clone(), association(Some(a1.ip))], vec![success.clone(), client.clone()]),
        (4, vec![client.clone(), association(Some(ip6("2001:db8:b::10")))], vec![option(13, &[0, 4]), client.clone()]),
        (8, vec![client.clone(), server.clone(), association(Some(a1.ip))], vec![success.clone(), client.clone()]),
        (9, vec![client.clone(), server.clone(), association(Some(a1.ip))], vec![success, client.clone()]),
        (11, vec![client.clone()], vec![client.clone()]),
        (11, vec![], vec![]),
    ] {
        let mut frame = request6(&a1, kind, &asked);
        assert_eq!(world.send(a1.host.ifindex, &mut frame), Outcome::Replied, "{kind}");
        assert_eq!(frame, reply6(&a1, 7, &[&[server.clone()][..], &told].concat()), "{kind}");
    }
}

/// RFC 8415 section 16, and what nobody here serves.
#[test]
fn other_messages_of_dhcpv6_are_ignored() {
    let (mut net, a1) = told();
    let mut world = net.world();
    let (client, server) = (option(1, DUID), option(2, &server_id()));
    let other = option(2, &[0, 3, 0, 1, 2, 0, 0, 0, 0, 1]);
    let ia = association(None);
    let ignored = Outcome::Dropped { vni: A, reason: DropReason::DhcpIgnored };
    for (kind, options) in [
        (1, vec![ia.clone()]),
        (1, vec![client.clone()]),
        (1, vec![client.clone(), server.clone(), ia.clone()]),
        (3, vec![client.clone(), ia.clone()]),
        (3, vec![client.clone(), other.clone(), ia.clone()]),
        (5, vec![client.clone(), other.clone(), ia.clone()]),
        (6, vec![client.clone(), server.clone(), ia.clone()]),
        (8, vec![client.clone(), ia.clone()]),
        (11, vec![client.clone(), other.clone()]),
        (2, vec![client.clone(), server.clone(), ia.clone()]),
        (7, vec![client.clone(), server.clone(), ia.clone()]),
        (12, vec![]),
    ] {
        assert_eq!(outcome(&mut world, &a1, request6(&a1, kind, &options)), ignored, "{kind}");
    }
    let good = request6(&a1, 1, &[client, ia]);
    let mut global = good.clone();
    global[22..38].copy_from_slice(&a1.ip.octets());
    assert_eq!(outcome(&mut world, &a1, global), ignored);
    // L2-6.
    let offer = a1.posing_as(link_local(a1.host.mac), ip6("fe80::1")).udp(547, 546);
    assert_eq!(outcome(&mut world, &a1, offer), Outcome::Dropped { vni: A, reason: DropReason::DhcpServer });
    net.tell(1, |subnet| subnet.flags = SUBNET_DHCP);
    assert_eq!(outcome(&mut net.world(), &a1, good), ignored);
}
