//! What stands behind the IP header.

use abi::FAMILY_V4;

use super::{address::Address, random::Random};

pub const ICMP: u8 = 1;
pub const TCP: u8 = 6;
pub const UDP: u8 = 17;
pub const ICMPV6: u8 = 58;

/// A segment, datagram or message between two addresses.
pub fn random(random: &mut Random, protocol: u8, source: Address, destination: Address, family: u8) -> Vec<u8> {
    let ports: [u16; 2] = [random.of(&[1000, 1001, 67, 68, 546]), random.of(&[80, 443, 800, 68, 1000, 547])];
    // Around the sizes that are too large for some ports.
    let size = match random.below(30) {
        0 => 500 + random.below(700),
        1 => 1200 + random.below(350),
        2 => 1400 + random.below(1200),
        _ => 10,
    };
    let mut l4 = Vec::new();
    match protocol {
        TCP => {
            l4.extend(ports.map(u16::to_be_bytes).concat());
            l4.extend([0; 8]);
            let any = random.byte(64);
            let flags = random.of(&[2, 2, 2, 16, 16, 18, 17, 4, 20, any]);
            l4.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
            l4.extend(vec![0x55; size]);
        }
        UDP => {
            l4.extend(ports.map(u16::to_be_bytes).concat());
            l4.extend(u16::try_from(8 + size).unwrap().to_be_bytes());
            l4.extend([0, 0]);
            l4.extend(vec![0x55; size]);
        }
        ICMP => {
            let kind = random.of(&[8, 8, 8, 0, 3, 11, 12, 5, 13, 17]);
            let code = if kind == 3 { random.of(&[0, 1, 3, 4]) } else { 0 };
            l4.extend([kind, code, 0x12, 0x34, 0, random.of(&[1, 2]), 0, 1]);
            if matches!(kind, 0 | 8) {
                l4.extend(vec![0x55; size]);
            } else {
                l4.extend(quoted(random, source, destination, family));
            }
        }
        ICMPV6 => {
            let kind = random.of(&[128, 128, 128, 129, 1, 2, 3, 4, 130, 143]);
            l4.extend([kind, 0, 0, 0, 0, random.of(&[1, 2]), 0, 1]);
            if matches!(kind, 128 | 129) {
                l4.extend(vec![0x55; size]);
            } else {
                l4.extend(quoted(random, source, destination, family));
            }
            seal_icmpv6(&mut l4, source, destination);
        }
        _ => l4.extend([0x55; 12]),
    }
    l4
}

/// What an error quotes: some packet the other way.
fn quoted(random: &mut Random, source: Address, destination: Address, family: u8) -> Vec<u8> {
    let mut quoted = Vec::new();
    let protocol = random.of(&[TCP, UDP, if family == FAMILY_V4 { ICMP } else { ICMPV6 }, 47]);
    if family == FAMILY_V4 {
        quoted.extend([0x45, 0, 0, 40, 0, 1, 0, 0, 64, protocol, 0, 0]);
        quoted.extend(&destination[..4]);
        quoted.extend(&source[..4]);
    } else {
        quoted.extend([0x60, 0, 0, 0, 0, 20, protocol, 64]);
        quoted.extend(destination);
        quoted.extend(source);
    }
    let ports = [random.of(&[80u16, 443, 1000]), random.of(&[1000, 1001])];
    match protocol {
        ICMP => quoted.extend([8, 0, 0, 0, 0, 1, 0, 1]),
        ICMPV6 => quoted.extend([128, 0, 0, 0, 0, 1, 0, 1]),
        _ => quoted.extend([ports.map(u16::to_be_bytes).concat(), vec![0, 1, 0, 0]].concat()),
    }
    if random.percent(8) {
        quoted.truncate(random.below(quoted.len()));
    }
    quoted
}

/// Writes the checksum of an ICMPv6 message.
pub fn seal_icmpv6(message: &mut [u8], source: Address, destination: Address) {
    let sum = checksum(&[pseudo(source, destination, message.len(), ICMPV6).as_slice(), message].concat());
    message[2..4].copy_from_slice(&sum);
}

/// Writes the checksum of a UDP datagram over IPv6.
pub fn seal_udp_v6(datagram: &mut [u8], source: Address, destination: Address) {
    let sum = checksum(&[pseudo(source, destination, datagram.len(), UDP).as_slice(), datagram].concat());
    datagram[6..8].copy_from_slice(&sum);
}

/// The pseudo header of IPv6 (RFC 8200, section 8.1).
fn pseudo(source: Address, destination: Address, len: usize, protocol: u8) -> Vec<u8> {
    let len = u32::try_from(len).unwrap().to_be_bytes();
    [source.as_slice(), &destination, &len, &[0, 0, 0, protocol]].concat()
}

/// The checksum of the Internet (RFC 1071) of bytes whose own checksum field is zero.
pub fn checksum(bytes: &[u8]) -> [u8; 2] {
    let words = bytes.chunks(2).map(|pair| u64::from(pair[0]) << 8 | u64::from(*pair.get(1).unwrap_or(&0)));
    let mut sum: u64 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    (!u16::try_from(sum).unwrap()).to_be_bytes()
}
