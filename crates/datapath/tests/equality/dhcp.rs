//! Random DHCP messages (RFC 2131, RFC 8415): of clients, and of those that pretend to be servers.

use abi::{GATEWAY_MAC, Mac};

use super::{
    address::{Address, v6},
    ipv6,
    packet::ethernet,
    random::Random,
    topology::Place,
    transport::{UDP, checksum, seal_udp_v6},
};

const COOKIE: [u8; 4] = [99, 130, 83, 99];
/// All relay agents and servers.
const SERVERS: Address = v6([0xff02, 0, 0, 0, 0, 0, 1, 2]);

/// A DHCPv4 message in a frame.
pub fn version_4(random: &mut Random, from: Place, mac: Mac) -> Vec<u8> {
    let (network, subnet) = from.subnet;
    let server = [10, network, subnet, 254];
    let forged = random.percent(8);
    let kind = random.of(&[1, 1, 1, 3, 3, 3, 4, 7, 8, 2, 5, 6]);
    // Renewing: from the address to the server; else from nobody to everybody.
    let renews = random.percent(25);
    let held = if random.percent(90) { from.ipv4 } else { [10, network, subnet, random.byte(256)] };
    let mut message = vec![if forged { 2 } else { 1 }, 1, 6, 0, 0xab, 0xcd, 0, random.byte(4), 0, 0];
    message.extend(random.of(&[[0, 0], [0, 0], [0x80, 0]]));
    message.extend(if renews { held } else { [0; 4] });
    message.extend([0; 12]);
    message.extend(if random.percent(4) { [2; 6] } else { mac });
    message.extend([0; 10 + 64 + 128]);
    message.extend(if random.percent(3) { [0; 4] } else { COOKIE });
    if random.percent(5) {
        message.extend(vec![0; random.below(8)]);
    }
    if !random.percent(3) {
        message.extend([53, 1, kind]);
    }
    options(random, &mut message, held, server, mac);
    match random.below(30) {
        0 => message.extend([55, 200]),
        1 => message.truncate(random.below(message.len())),
        2 => {}
        _ => message.push(255),
    }
    if random.percent(40) {
        message.resize(message.len().max(300), 0);
    }
    let ports: [u16; 2] = if forged { [67, 68] } else { [68, 67] };
    let mut datagram = ports.map(u16::to_be_bytes).concat();
    datagram.extend(u16::try_from(8 + message.len()).unwrap().to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend(message);
    let (source, destination) = if renews { (held, server) } else { ([0; 4], [255; 4]) };
    let len = u16::try_from(20 + datagram.len()).unwrap().to_be_bytes();
    let mut packet = vec![0x45, 0, len[0], len[1], 0, 0, random.of(&[0, 0, 0x40, 0x20]), 0, 64, UDP, 0, 0];
    packet.extend(source);
    packet.extend(destination);
    let sum = checksum(&packet);
    packet[10..12].copy_from_slice(&sum);
    packet.extend(datagram);
    ethernet(if renews { GATEWAY_MAC } else { [0xff; 6] }, mac, 0x0800, &packet)
}

/// What clients put beside the type of a message, in any order.
fn options(random: &mut Random, message: &mut Vec<u8>, held: [u8; 4], server: [u8; 4], mac: Mac) {
    for _ in 0..random.below(5) {
        match random.below(6) {
            0 => message.extend([vec![50, 4], held.to_vec()].concat()),
            1 => message.extend([vec![54, 4], random.of(&[server, server, [10, 9, 9, 9]]).to_vec()].concat()),
            2 => message.extend([vec![61, 7, 1], mac.to_vec()].concat()),
            3 => message.extend([55, 7, 1, 3, 6, 15, 26, 42, 51]),
            4 => message.extend([12, 5, b'g', b'u', b'e', b's', b't']),
            _ => message.extend(vec![0; random.below(4)]),
        }
    }
}

/// A DHCPv6 message in a frame.
pub fn version_6(random: &mut Random, from: Place, mac: Mac) -> Vec<u8> {
    let forged = random.percent(8);
    let kind = if forged { random.of(&[2, 7, 13]) } else { random.of(&[1, 1, 1, 3, 3, 4, 5, 6, 8, 9, 11]) };
    let mut message = vec![kind, 0xab, 0xcd, random.byte(4)];
    let duid = [vec![0, 3, 0, 1], mac.to_vec()].concat();
    let mut option = |kind: u16, body: &[u8]| {
        message.extend(kind.to_be_bytes());
        message.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
        message.extend(body);
    };
    if !random.percent(5) {
        let longer = [duid.clone(), vec![7; random.below(20)]].concat();
        option(1, if random.percent(80) { &duid } else { &longer });
    }
    if random.percent(50) {
        let gateway = [vec![0, 3, 0, 1], GATEWAY_MAC.to_vec()].concat();
        option(2, if random.percent(85) { &gateway } else { &duid });
    }
    if random.percent(30) {
        option(8, &[0, 0]);
    }
    if random.percent(85) {
        let mut association = vec![0, 0, 0, random.byte(3), 0, 0, 0, 0, 0, 0, 0, 0];
        if random.percent(50) {
            let address = if random.percent(85) { from.ipv6 } else { SERVERS };
            association.extend([0, 5, 0, 24]);
            association.extend(address);
            association.extend([0; 8]);
        }
        option(3, &association);
    }
    if random.percent(20) {
        option(14, &[]);
    }
    if random.percent(50) {
        option(6, &[0, 23, 0, 24, 0, 56]);
    }
    match random.below(30) {
        0 => message.truncate(random.below(message.len())),
        1 => message.extend([0, 3, 0xff, 0xff]),
        _ => {}
    }
    let ports: [u16; 2] = if forged { [547, 546] } else { [546, 547] };
    let mut datagram = ports.map(u16::to_be_bytes).concat();
    datagram.extend(u16::try_from(8 + message.len()).unwrap().to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend(message);
    let source = if random.percent(92) { from.link_local() } else { from.ipv6 };
    let destination = if random.percent(90) { SERVERS } else { abi::GATEWAY_LINK_LOCAL };
    seal_udp_v6(&mut datagram, source, destination);
    let group = if destination == SERVERS { [0x33, 0x33, 0, 1, 0, 2] } else { GATEWAY_MAC };
    ethernet(group, mac, 0x86dd, &ipv6::plain(source, destination, UDP, 64, &datagram))
}
