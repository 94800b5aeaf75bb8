//! Random IPv6 packets: with extension headers, in fragments, and with too many of either.

use abi::{FAMILY_V6, GATEWAY_LINK_LOCAL};

use super::{
    address::{Address, v6},
    random::Random,
    transport::{self, ICMPV6, TCP, UDP},
};

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const DESTINATION_OPTIONS: u8 = 60;

/// An address with a meaning of its own.
pub fn special(random: &mut Random) -> Address {
    let all = [
        GATEWAY_LINK_LOCAL,
        v6([0xff02, 0, 0, 0, 0, 0, 0, 1]),
        v6([0xff02, 0, 0, 0, 0, 0, 0, 2]),
        v6([0xff02, 0, 0, 0, 0, 0, 1, 2]),
        v6([0xff05, 0, 0, 0, 0, 0, 0, 0xfb]),
        v6([0, 0, 0, 0, 0, 0, 0, 1]),
        v6([0, 0, 0, 0, 0, 0, 0, 0]),
        v6([0xfe80, 0, 0, 0, 0, 0, 0, 0x77]),
        v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 9]),
        v6([0xfd00, 0, 0, 1, 0, 0, 0, 1]),
        v6([0xfd00, 0, 0, 2, 1, 0, 0, 1]),
        v6([0, 0, 0, 0, 0, 0xffff, 0x0a01, 0x000a]),
    ];
    random.of(&all)
}

/// A packet.
pub fn random(random: &mut Random, source: Address, destination: Address) -> Vec<u8> {
    let protocol = random.of(&[TCP, TCP, TCP, UDP, UDP, ICMPV6, ICMPV6, 47, 59]);
    let l4 = transport::random(random, protocol, source, destination, FAMILY_V6);
    let hops = if random.percent(3) { random.byte(256) } else { 64 };
    let headers = match random.below(100) {
        0..80 => Vec::new(),
        80..86 => vec![FRAGMENT],
        86..90 => vec![random.of(&[HOP_BY_HOP, DESTINATION_OPTIONS, ROUTING, AUTHENTICATION])],
        90..94 => vec![HOP_BY_HOP, DESTINATION_OPTIONS, FRAGMENT],
        94..98 => (0..1 + random.below(4))
            .map(|_| random.of(&[DESTINATION_OPTIONS, ROUTING, AUTHENTICATION, FRAGMENT]))
            .collect(),
        // As many as none should have.
        _ => vec![DESTINATION_OPTIONS; 5 + random.below(6)],
    };
    chained(random, source, destination, hops, &headers, protocol, &l4)
}

/// A packet with extension headers in this order.
pub fn chained(
    random: &mut Random,
    source: Address,
    destination: Address,
    hops: u8,
    headers: &[u8],
    protocol: u8,
    l4: &[u8],
) -> Vec<u8> {
    let mut chain = Vec::new();
    for (place, header) in headers.iter().enumerate() {
        let next = headers.get(place + 1).copied().unwrap_or(protocol);
        chain.extend(extension(random, *header, next));
    }
    chain.extend(l4);
    let first = headers.first().copied().unwrap_or(protocol);
    plain(source, destination, first, hops, &chain)
}

/// A packet without extension headers.
pub fn plain(source: Address, destination: Address, protocol: u8, hops: u8, payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(payload.len()).unwrap().to_be_bytes();
    let mut packet = vec![0x60, 0, 0, 0, len[0], len[1], protocol, hops];
    packet.extend(source);
    packet.extend(destination);
    packet.extend(payload);
    packet
}

fn extension(random: &mut Random, kind: u8, next: u8) -> Vec<u8> {
    match kind {
        FRAGMENT => {
            // The first of several, a whole packet, a later one, the last, one that overwrites headers.
            let offset = random.of(&[[0, 1], [0, 1], [0, 0], [0x05, 0xa9], [0x05, 0xa8], [0, 8]]);
            vec![next, 0, offset[0], offset[1], 0, 0, 0, random.byte(3)]
        }
        // Length in words of four bytes, less two.
        AUTHENTICATION => [vec![next, 4, 0, 0], vec![7; 20]].concat(),
        // Length in words of eight bytes, less one.
        _ => {
            let words = if random.percent(90) { random.byte(3) } else { random.byte(30) };
            let padding = 6 + 8 * usize::from(words);
            let mut header = vec![next, words, 1, u8::try_from(padding - 2).unwrap()];
            header.extend(vec![0; padding - 2]);
            header
        }
    }
}
