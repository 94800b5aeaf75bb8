//! Random messages of neighbour and router discovery (RFC 4861), and of listeners (RFC 3810).

use abi::{GATEWAY_LINK_LOCAL, GATEWAY_MAC, Mac};

use super::{
    address::{Address, v6},
    ipv6,
    packet::{address_v6, ethernet},
    random::Random,
    topology::{Place, host},
    transport::{ICMPV6, seal_icmpv6},
};

const ROUTER_SOLICITATION: u8 = 133;
const ROUTER_ADVERTISEMENT: u8 = 134;
const NEIGHBOUR_SOLICITATION: u8 = 135;
const NEIGHBOUR_ADVERTISEMENT: u8 = 136;
const REDIRECT: u8 = 137;
const LISTENER_REPORT: u8 = 143;

const ALL_NODES: Address = v6([0xff02, 0, 0, 0, 0, 0, 0, 1]);
const ALL_ROUTERS: Address = v6([0xff02, 0, 0, 0, 0, 0, 0, 2]);

/// A frame of a workload, or of one that pretends to be a router.
pub fn random(random: &mut Random, places: &[Place], from: Place, mac: Mac) -> Vec<u8> {
    let (network, subnet) = from.subnet;
    let own = random.of(&[from.ipv6, from.ipv6, from.link_local()]);
    let vip = host(6, network, subnet, 200 + random.byte(8));
    let neighbour = places[random.below(places.len())];
    let target = match random.below(10) {
        0..3 => random.of(&[GATEWAY_LINK_LOCAL, host(6, network, subnet, 1)]),
        3..6 => random.of(&[neighbour.ipv6, neighbour.link_local()]),
        6 => vip,
        7 => own,
        _ => address_v6(random, places),
    };
    let stated = if random.percent(6) { [2; 6] } else { mac };
    let option = |kind: u8| [vec![kind, 1], stated.to_vec()].concat();
    let claimed = random.of(&[own, own, vip, vip, target]);
    let unspecified = random.percent(20);
    let kind = random.of(&[
        ROUTER_SOLICITATION,
        NEIGHBOUR_SOLICITATION,
        NEIGHBOUR_SOLICITATION,
        NEIGHBOUR_SOLICITATION,
        NEIGHBOUR_ADVERTISEMENT,
        NEIGHBOUR_ADVERTISEMENT,
        ROUTER_ADVERTISEMENT,
        REDIRECT,
        LISTENER_REPORT,
    ]);
    let (source, destination, body) = match kind {
        NEIGHBOUR_SOLICITATION => {
            let destination = if random.percent(70) { solicited_node(target) } else { target };
            let mut body = [vec![0; 4], target.to_vec()].concat();
            if !unspecified && random.percent(90) {
                body.extend(option(1));
            }
            (own, destination, body)
        }
        NEIGHBOUR_ADVERTISEMENT => {
            let flags = random.of(&[0x20, 0x20, 0x60, 0, 0xa0]);
            let mut body = [vec![flags, 0, 0, 0], claimed.to_vec()].concat();
            if random.percent(85) {
                body.extend(option(2));
            }
            let destination = if random.percent(70) { ALL_NODES } else { target };
            (random.of(&[own, claimed]), destination, body)
        }
        ROUTER_ADVERTISEMENT => {
            let body = [vec![64, 0x80, 0x07, 0x08, 0, 0, 0, 0, 0, 0, 0, 0], option(1)].concat();
            (from.link_local(), ALL_NODES, body)
        }
        REDIRECT => ([own, GATEWAY_LINK_LOCAL][random.below(2)], neighbour.ipv6, vec![0; 36]),
        LISTENER_REPORT => (own, v6([0xff02, 0, 0, 0, 0, 0, 0, 0x16]), vec![0, 0, 0, 0]),
        _ => (from.link_local(), ALL_ROUTERS, [vec![0; 4], option(1)].concat()),
    };
    let source = if unspecified { [0; 16] } else { source };
    // Options may go wrong in many ways: no length, cut off, another one before, too many.
    let mut body = body;
    match random.below(40) {
        0 => body.extend([3, 0]),
        1 => body.truncate(random.below(body.len() + 1)),
        2 => body.extend([14, 1, 0, 1, 2, 3, 4, 5]),
        3 => body.extend(vec![1; 40]),
        _ => {}
    }
    let mut message = [vec![kind, if random.percent(3) { 1 } else { 0 }, 0, 0], body].concat();
    if !random.percent(3) {
        seal_icmpv6(&mut message, source, destination);
    }
    let hops = if random.percent(4) { 64 } else { 255 };
    let headers: &[u8] = if kind == LISTENER_REPORT || random.percent(3) { &[0] } else { &[] };
    let packet = ipv6::chained(random, source, destination, hops, headers, ICMPV6, &message);
    ethernet(hardware(random, destination), mac, 0x86dd, &packet)
}

/// The solicited-node group of an address (RFC 4291, section 2.7.1).
fn solicited_node(address: Address) -> Address {
    let mut group = v6([0xff02, 0, 0, 0, 0, 1, 0xff00, 0]);
    group[13..].copy_from_slice(&address[13..]);
    group
}

/// The hardware address of a group, or the gateway's.
fn hardware(random: &mut Random, destination: Address) -> Mac {
    let [.., a, b, c, d] = destination;
    if destination[0] == 0xff && !random.percent(3) { [0x33, 0x33, a, b, c, d] } else { GATEWAY_MAC }
}
