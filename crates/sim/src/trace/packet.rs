//! The packets that the tracer sends.

use std::net::IpAddr;

use abi::{GATEWAY_MAC, Mac};
use model::Protocol;

use super::Question;
use crate::frame::{Ends, TcpFlags};

const CLIENT_PORT: u16 = 40_000;
const ECHO_IDENTIFIER: u16 = 0x4357;

/// The frame that asks the question; empty, which no port takes, where the addresses are of different families.
pub(super) fn request(mac: Mac, source: IpAddr, destination: IpAddr, question: &Question) -> Vec<u8> {
    let ends = Ends::by_gateway(mac, source, destination);
    match question.protocol {
        Protocol::ICMP | Protocol::ICMPV6 => ends.echo_request(ECHO_IDENTIFIER, 1),
        Protocol::TCP => ends.tcp(CLIENT_PORT, question.port, TcpFlags::Syn),
        Protocol::UDP => ends.udp(CLIENT_PORT, question.port),
        Protocol(other) => ends.ip(other),
    }
}

/// The source address of an IP frame.
pub(super) fn source_of(frame: &[u8]) -> Option<IpAddr> {
    match frame.get(12..14)? {
        [0x08, 0x00] => {
            let octets: [u8; 4] = frame.get(26..30)?.try_into().ok()?;
            Some(IpAddr::from(octets))
        }
        [0x86, 0xdd] => {
            let octets: [u8; 16] = frame.get(22..38)?.try_into().ok()?;
            Some(IpAddr::from(octets))
        }
        _ => None,
    }
}

/// What a forwarding guest does: the packet goes out unchanged, from its interface to its gateway.
pub(super) fn readdress(frame: &mut [u8], mac: Mac) {
    let macs = GATEWAY_MAC.iter().chain(&mac);
    frame.iter_mut().zip(macs).for_each(|(byte, of_mac)| *byte = *of_mac);
}
