//! Random frames: most could come from an honest workload, the rest are cut, wrong or forged.

use abi::{FAMILY_V4, FAMILY_V6, GATEWAY_MAC, Mac};

use super::{
    address::{Address, v4},
    answer::answer,
    dhcp, discovery, ipv6,
    random::Random,
    topology::{Place, any_host, host},
    transport::{self, ICMP, TCP, UDP},
};

/// A frame with the interface that it comes in by.
#[derive(Clone, Debug)]
pub struct Sent {
    pub ifindex: u32,
    pub frame: Vec<u8>,
}

/// A frame from one of the ports; `earlier` are frames as they were delivered, with who got them.
pub fn random(random: &mut Random, places: &[Place], others: &[u32], earlier: &[Sent]) -> Sent {
    if !earlier.is_empty() && random.percent(40) {
        let delivered = &earlier[random.below(earlier.len())];
        if let Some(mut sent) = answer(random, places, delivered) {
            mutate(random, &mut sent.frame);
            return sent;
        }
    }
    let from = places[random.below(places.len())];
    let ifindex = if random.percent(2) { others[random.below(others.len())] } else { from.ifindex };
    let mac = if random.percent(2) { [2, 9, 9, 9, 9, 9] } else { from.mac };
    let mut frame = match random.below(100) {
        0..7 => arp(random, places, from, mac),
        7..18 => discovery::random(random, places, from, mac),
        18..24 => dhcp::version_4(random, from, mac),
        24..29 => dhcp::version_6(random, from, mac),
        29..63 => packet_v4(random, places, from, mac),
        _ => packet_v6(random, places, from, mac),
    };
    damage(random, &mut frame);
    Sent { ifindex, frame }
}

/// An Ethernet frame.
pub fn ethernet(to: Mac, from: Mac, ethertype: u16, payload: &[u8]) -> Vec<u8> {
    [to.as_slice(), &from, &ethertype.to_be_bytes(), payload].concat()
}

/// Where a workload sends: mostly the gateway, sometimes a neighbour or a group.
fn hardware(random: &mut Random, places: &[Place]) -> Mac {
    match random.below(20) {
        0 => random.of(&[[0x33, 0x33, 0, 0, 0, 1], [0x01, 0, 0x5e, 0, 0, 0xfb], [0xff; 6]]),
        1 | 2 => places[random.below(places.len())].mac,
        _ => GATEWAY_MAC,
    }
}

fn packet_v4(random: &mut Random, places: &[Place], from: Place, mac: Mac) -> Vec<u8> {
    let source = if random.percent(7) { address_v4(random, places) } else { from.ipv4 };
    let (network, subnet) = from.subnet;
    let destination = if random.percent(4) { [10, network, subnet, 1] } else { address_v4(random, places) };
    let protocol = random.of(&[TCP, TCP, TCP, UDP, UDP, ICMP, ICMP, 47]);
    let l4 = transport::random(random, protocol, v4(source), v4(destination), FAMILY_V4);
    ethernet(hardware(random, places), mac, 0x0800, &ipv4(random, source, destination, protocol, &l4))
}

fn packet_v6(random: &mut Random, places: &[Place], from: Place, mac: Mac) -> Vec<u8> {
    let source = match random.below(20) {
        0 => address_v6(random, places),
        1 => from.link_local(),
        _ => from.ipv6,
    };
    let (network, subnet) = from.subnet;
    let destination = if random.percent(4) { host(FAMILY_V6, network, subnet, 1) } else { address_v6(random, places) };
    let packet = ipv6::random(random, source, destination);
    ethernet(hardware(random, places), mac, 0x86dd, &packet)
}

pub fn address_v4(random: &mut Random, places: &[Place]) -> [u8; 4] {
    if random.percent(75) {
        return places[random.below(places.len())].ipv4;
    }
    let [a, b, c, d, ..] = any_host(random, FAMILY_V4);
    let special = [
        [255, 255, 255, 255],
        [224, 0, 0, 251],
        [169, 254, 169, 254],
        [127, 0, 0, 1],
        [0, 0, 0, 0],
        [8, 8, 8, 8],
        [198, 19, 130, 1],
        [100, 64, 0, 1],
        [10, 1, 0, 1],
        [10, 2, 1, 1],
        [10, 1, 0, 254],
        [a, b, c, d],
        [a, b, c, 255],
        [a, b, c, d],
    ];
    random.of(&special)
}

pub fn address_v6(random: &mut Random, places: &[Place]) -> Address {
    if random.percent(75) {
        return places[random.below(places.len())].ipv6;
    }
    let place = places[random.below(places.len())];
    let any = any_host(random, FAMILY_V6);
    let special = ipv6::special(random);
    random.of(&[any, any, special, special, place.link_local()])
}

fn arp(random: &mut Random, places: &[Place], from: Place, mac: Mac) -> Vec<u8> {
    let mut arp = vec![0, 1, 8, 0, 6, 4, 0, random.of(&[1, 1, 1, 1, 2])];
    arp.extend(if random.percent(5) { [2; 6] } else { mac });
    let (network, subnet) = from.subnet;
    let vip = [10, network, subnet, 200 + random.byte(8)];
    let sender = match random.below(10) {
        0 => address_v4(random, places),
        1 | 2 => vip,
        _ => from.ipv4,
    };
    arp.extend(sender);
    arp.extend([0; 6]);
    let other = address_v4(random, places);
    arp.extend(random.of(&[[10, network, subnet, 1], sender, vip, other, other]));
    if random.percent(5) {
        let at = random.below(8);
        arp[at] ^= 1;
    }
    ethernet([0xff; 6], mac, 0x0806, &arp)
}

fn ipv4(random: &mut Random, source: [u8; 4], destination: [u8; 4], protocol: u8, l4: &[u8]) -> Vec<u8> {
    let words: u8 = if random.percent(6) { 5 + random.byte(11) } else { 5 };
    let options = usize::from(words - 5) * 4;
    let len = u16::try_from(20 + options + l4.len()).unwrap().to_be_bytes();
    // Now and then the first fragment, a later one, one that overwrites headers, or one that may be made.
    let fragment: [u8; 2] =
        if random.percent(12) { random.of(&[[0x20, 0], [0, 2], [0x20, 4], [0, 1], [0, 0], [0, 0]]) } else { [0x40, 0] };
    let mut packet = vec![0x40 | words, 0, len[0], len[1], 0, random.byte(3), fragment[0], fragment[1]];
    packet.extend([64, protocol, 0, 0]);
    packet.extend(source);
    packet.extend(destination);
    packet.extend(vec![1; options]);
    let sum = transport::checksum(&packet);
    packet[10..12].copy_from_slice(&sum);
    packet.extend(l4);
    packet
}

fn damage(random: &mut Random, frame: &mut Vec<u8>) {
    if random.percent(4) {
        frame.truncate(14 + random.below(frame.len() - 14));
    }
    if random.percent(3) {
        let at = 12 + random.below(12);
        if let Some(byte) = frame.get_mut(at) {
            *byte = random.byte(256);
        }
    }
    if random.percent(2) {
        frame.extend(vec![0; random.below(30)]);
    }
    mutate(random, frame);
}

/// Changes a few bits anywhere behind the hardware addresses, in few frames.
fn mutate(random: &mut Random, frame: &mut [u8]) {
    if random.percent(6) {
        for _ in 0..1 + random.below(4) {
            let at = 12 + random.below(frame.len().min(130) - 12);
            frame[at] ^= 1 << random.below(8);
        }
    }
}
