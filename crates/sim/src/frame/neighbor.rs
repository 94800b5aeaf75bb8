//! Neighbor discovery (RFC 4861) as workloads speak it.

use std::net::Ipv6Addr;

use abi::Mac;
use etherparse::PacketBuilder;

use super::written;

/// Of all messages of neighbor discovery: one that was forwarded has less and is not believed.
const HOP_LIMIT: u8 = 255;
const ROUTER_SOLICITATION: u8 = 133;
const NEIGHBOR_SOLICITATION: u8 = 135;
const NEIGHBOR_ADVERTISEMENT: u8 = 136;
const OPTION_SOURCE_ADDRESS: u8 = 1;
const OPTION_TARGET_ADDRESS: u8 = 2;
/// The override flag of an advertisement: the receiver replaces what it knew.
const OVERRIDE: u8 = 0x20;
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
const ALL_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);

/// The link-local address that an interface makes of its hardware address (RFC 4291 appendix A).
#[must_use]
pub fn link_local(mac: Mac) -> Ipv6Addr {
    let [a, b, c, d, e, f] = mac;
    Ipv6Addr::from([0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ 2, b, c, 0xff, 0xfe, d, e, f])
}

/// A neighbor solicitation: who has `target`? Sent to the target's solicited-node multicast address.
#[must_use]
pub fn neighbor_solicitation(mac: Mac, source: Ipv6Addr, target: Ipv6Addr) -> Vec<u8> {
    let [.., x, y, z] = target.octets();
    let group = Ipv6Addr::from([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, x, y, z]);
    let body = [&target.octets()[..], &option(OPTION_SOURCE_ADDRESS, mac)].concat();
    multicast(mac, source, group, NEIGHBOR_SOLICITATION, [0; 4], &body)
}

/// An unsolicited neighbor advertisement to all nodes: `target` is here now (rule VIP-3).
#[must_use]
pub fn neighbor_advertisement(mac: Mac, source: Ipv6Addr, target: Ipv6Addr) -> Vec<u8> {
    let body = [&target.octets()[..], &option(OPTION_TARGET_ADDRESS, mac)].concat();
    multicast(mac, source, ALL_NODES, NEIGHBOR_ADVERTISEMENT, [OVERRIDE, 0, 0, 0], &body)
}

/// A router solicitation to all routers (rule V6-2).
#[must_use]
pub fn router_solicitation(mac: Mac, source: Ipv6Addr) -> Vec<u8> {
    multicast(mac, source, ALL_ROUTERS, ROUTER_SOLICITATION, [0; 4], &option(OPTION_SOURCE_ADDRESS, mac))
}

/// A link-layer address option, of one unit of eight bytes.
fn option(kind: u8, [a, b, c, d, e, f]: Mac) -> [u8; 8] {
    [kind, 1, a, b, c, d, e, f]
}

/// A message to a multicast address, on the hardware address that it maps to (RFC 2464 section 7).
fn multicast(mac: Mac, source: Ipv6Addr, group: Ipv6Addr, kind: u8, rest: [u8; 4], body: &[u8]) -> Vec<u8> {
    let [.., w, x, y, z] = group.octets();
    let headers =
        PacketBuilder::ethernet2(mac, [0x33, 0x33, w, x, y, z]).ipv6(source.octets(), group.octets(), HOP_LIMIT);
    written(|frame| headers.icmpv6_raw(kind, 0, rest).write(frame, body))
}

#[cfg(test)]
mod tests {
    use etherparse::{Icmpv6Type, NetSlice, SlicedPacket, TransportSlice};

    use super::*;

    const MAC: Mac = [0xfa, 0x16, 0x3e, 0, 0, 1];

    fn ip(text: &str) -> Ipv6Addr {
        text.parse().unwrap_or(Ipv6Addr::UNSPECIFIED)
    }

    /// RFC 4861 sections 4.1, 4.3, 4.4: types, hop limit, checksums, where they go.
    #[test]
    fn messages_are_well_formed() {
        let (source, target) = (ip("2001:db8::2"), ip("2001:db8::3:4567"));
        let frames = [
            (neighbor_solicitation(MAC, source, target), 135, ip("ff02::1:ff03:4567"), 24),
            (neighbor_advertisement(MAC, source, target), 136, ip("ff02::1"), 24),
            (router_solicitation(MAC, link_local(MAC)), 133, ip("ff02::2"), 8),
        ];
        for (frame, kind, group, body) in frames {
            let sliced = SlicedPacket::from_ethernet(&frame).unwrap_or_else(|error| panic!("{error}"));
            let Some(NetSlice::Ipv6(packet)) = &sliced.net else { panic!("IPv6") };
            let header = packet.header();
            assert_eq!((header.hop_limit(), header.destination_addr()), (255, group));
            let Some(TransportSlice::Icmpv6(icmp)) = sliced.transport else { panic!("ICMPv6") };
            assert_eq!((icmp.type_u8(), icmp.payload().len()), (kind, body));
            assert!(icmp.is_checksum_valid(header.source(), header.destination()));
            assert!(!matches!(icmp.icmp_type(), Icmpv6Type::EchoRequest(_)));
            assert_eq!(frame.get(..2), Some(&[0x33, 0x33][..]));
        }
    }

    #[test]
    fn the_gateway_s_link_local_address_is_made_of_its_hardware_address() {
        assert_eq!(link_local(abi::GATEWAY_MAC), ip("fe80::f816:3eff:feff:ffff"));
    }
}
