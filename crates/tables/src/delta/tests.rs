use abi::{ACL_EGRESS, ACL_SOURCE, ACL_WORDS, FAMILY_V4, PAIR_USABLE, ROUTE_CLOSED, ROUTE_LOCAL};

use super::*;

fn cidr(vni: u8) -> Prefix<CidrKey> {
    Prefix { bits: 48, key: CidrKey { vni: [0, 0, 0, vni], family: 4, address: [10; 16] } }
}

fn route(table: u8, bits: u32) -> Prefix<RouteKey> {
    Prefix { bits: 72 + bits, key: RouteKey { table: [table; 8], family: FAMILY_V4, address: [0; 16] } }
}

fn local(target: u8) -> Route {
    Route { target: [target; 8], route: [0; 8], next_hop: [0; 16], kind: ROUTE_LOCAL, prefix_len: 0, pad: [0; 6] }
}

fn port(table: u8) -> Port {
    Port {
        port: [1; 8],
        subnet: [1; 8],
        table: [table; 8],
        policy: [1; 8],
        acl: [0; 8],
        vni: 1,
        edge_site: 0,
        mac: [2; 6],
        flags: 0,
        pad: 0,
        mtu: 1500,
        lease_hours: 0,
        ipv4: [10, 0, 0, 1],
        ipv6: [0; 16],
    }
}

#[test]
fn applying_the_difference_gives_the_new_tables() {
    let old = Tables { cidrs: BTreeMap::from([(cidr(1), 1), (cidr(2), 1)]), ..Tables::default() };
    let new = Tables { cidrs: BTreeMap::from([(cidr(2), 2), (cidr(3), 1)]), ..Tables::default() };
    let delta = Delta::between(&old, &new);
    assert_eq!(delta.changes.len(), 3);
    let mut got = old;
    got.apply(&delta);
    assert_eq!(got, new);
}

#[test]
fn long_prefixes_are_written_first_and_removed_last() {
    let ports = BTreeMap::from([(1, port(1))]);
    let routes = |prefixes: &[(u32, u8)]| prefixes.iter().map(|(bits, to)| (route(1, *bits), local(*to))).collect();
    let old = Tables { ports: ports.clone(), routes: routes(&[(8, 1), (20, 1), (24, 1)]), ..Tables::default() };
    let new = Tables { ports, routes: routes(&[(8, 2), (16, 2)]), ..Tables::default() };
    let lengths: Vec<(u32, bool)> = Delta::between(&old, &new)
        .changes
        .iter()
        .filter_map(|change| match change {
            Change::Route(prefix, value) => Some((prefix.bits - 72, value.is_some())),
            _ => None,
        })
        .collect();
    assert_eq!(lengths, [(16, true), (8, true), (20, false), (24, false)]);
}

#[test]
fn what_differs_in_two_places_is_closed_first() {
    let tables = |to: u8, extra: bool| {
        let mut routes = BTreeMap::from([(route(1, 8), local(to)), (route(2, 8), local(to)), (route(3, 8), local(9))]);
        routes.extend(extra.then(|| (route(3, 16), local(9))));
        Tables { ports: BTreeMap::from([(1, port(to))]), routes, ..Tables::default() }
    };
    let (old, new) = (tables(1, false), tables(2, true));
    let delta = Delta::between(&old, &new);
    let mut got = old;
    for change in &delta.changes[..4] {
        got.apply(&Delta { changes: vec![*change], ..Delta::default() });
    }
    assert_eq!(got.ports[&1].table, abi::NO_ID);
    let closed: Vec<_> = got.routes.iter().filter(|(_, route)| route.kind == ROUTE_CLOSED).map(|(k, _)| *k).collect();
    assert_eq!(closed, [route(1, 8), route(2, 8), route(3, 16)]);
    got.apply(&delta);
    assert_eq!(got, new);
}

fn acl(id: u8, allow: u64) -> Tables {
    let key = AclKey { acl: [id; 8], direction: ACL_EGRESS, family: FAMILY_V4, pad: [0; 6] };
    let address =
        AclAddressKey { acl: [id; 8], direction: ACL_EGRESS, side: ACL_SOURCE, family: FAMILY_V4, address: [0; 16] };
    let rules = AclRules { words: [[id; 8]; ACL_WORDS] };
    Tables {
        acls: BTreeMap::from([(key, Acl { allow: [allow; ACL_WORDS] })]),
        acl_addresses: BTreeMap::from([(Prefix { bits: abi::prefix_base::ACL_ADDRESS, key: address }, rules)]),
        ports: BTreeMap::from([(1, Port { acl: [id; 8], ..port(1) })]),
        ..Tables::default()
    }
}

fn step(change: &Change) -> (&'static str, bool) {
    match change {
        Change::Acl(_, value) => ("acl", value.is_some()),
        Change::AclAddress(_, value) => ("address", value.is_some()),
        Change::Port(_, value) => ("port", value.is_some()),
        _ => ("other", true),
    }
}

/// ACL-3: the ACL that a port names is whole whenever it is named.
#[test]
fn a_network_acl_is_written_before_its_port_and_removed_after() {
    let delta = Delta::between(&acl(1, 1), &acl(2, 1));
    let steps: Vec<_> = delta.changes.iter().map(step).collect();
    assert_eq!(steps, [("address", true), ("acl", true), ("port", true), ("acl", false), ("address", false)]);
}

/// ACL-3: should two ACLs have the same id, packets are denied while one becomes the other.
#[test]
fn a_network_acl_that_changes_in_place_denies_meanwhile() {
    let delta = Delta::between(&acl(1, 1), &acl(1, 2));
    let steps: Vec<_> = delta.changes.iter().map(step).collect();
    assert_eq!(steps, [("acl", false), ("acl", true)]);
}

/// CHK-2, CHK-3: what the pairs of two ports let through is not mixed.
#[test]
fn address_pairs_of_two_ports_are_closed_first() {
    let pairs = |ports: &[u8]| {
        let pair = |port: &u8| {
            let key = AddressPairKey { port: [*port; 8], family: FAMILY_V4, address: [0; 16] };
            let prefix = Prefix { bits: abi::prefix_base::ADDRESS_PAIR + 8, key };
            (prefix, AddressPair { flags: PAIR_USABLE, pad: [0; 3] })
        };
        Tables { address_pairs: ports.iter().map(pair).collect(), ..Tables::default() }
    };
    let (old, new) = (pairs(&[1, 2]), pairs(&[2, 3]));
    let delta = Delta::between(&old, &new);
    let first = |change: &Change| match change {
        Change::AddressPair(prefix, value) => (prefix.key.port[0], value.map(|pair| pair.flags)),
        _ => (0, None),
    };
    let steps: Vec<_> = delta.changes.iter().map(first).collect();
    assert_eq!(steps, [(1, Some(0)), (3, Some(PAIR_USABLE)), (1, None)]);
    // One port's pairs are never mixed.
    assert_eq!(Delta::between(&pairs(&[2]), &pairs(&[2, 3])).changes.len(), 1);
}
