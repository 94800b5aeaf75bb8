#![allow(clippy::unwrap_used, reason = "a failed lookup is the failure of the test")]

use abi::{AddressPair, LEASE_INFINITE, PAIR_USABLE, PAIR_VIP, ROUTE_INSTANCE, ROUTE_LOCAL, SUBNET_DHCP, SUBNET_IPV6};
use ipnet::IpNet;
use model::{DhcpOption, SubnetId};

use super::*;
use crate::Compiler;
use crate::fixture::Fixture;
use crate::key::{address_pair_key, route_key};

const NET: &str = "
    vpc A 10.0.0.0/16
    vpc B 10.1.0.0/16
    subnet S1 A 10.0.0.0/24 v6=2001:db8:1::/64
    subnet S2 A 10.0.1.0/24
    subnet SB B 10.1.0.0/24
    server a1 S1 10.0.0.10 ip6=2001:db8:1::10
    server a2 S1 10.0.0.20
    server a3 S2 10.0.1.30
    server b1 SB 10.1.0.40
    vip vip S1 10.0.0.200
    bind vip a1,a2
";

fn tables(fixture: &Fixture, vpc: &str) -> Tables {
    compile_vpc(&fixture.catalog, fixture.vpc(vpc), fixture.attachments(), Settings::default())
}

fn endpoint(fixture: &Fixture, ip: &str) -> Option<Endpoint> {
    let vpc = fixture.catalog.vpc(fixture.vpc("A")).unwrap();
    tables(fixture, "A").endpoints.get(&endpoint_key(vpc.vni, ip.parse().unwrap())).copied()
}

/// MTU-1: one for the installation.
#[test]
fn every_port_has_the_installations_mtu() {
    let fixture = Fixture::new(NET);
    let mtus = |settings| -> BTreeSet<u16> {
        let mut compiler = Compiler::new(settings);
        // Also when everything is compiled again.
        compiler.full(&fixture.catalog, fixture.attachments());
        compiler.full(&fixture.catalog, fixture.attachments()).ports.values().map(|port| port.mtu).collect()
    };
    assert_eq!(mtus(Settings::default()), BTreeSet::from([1500]));
    assert_eq!(mtus(Settings { mtu: 1450 }), BTreeSet::from([1450]));
}

/// ACL-1, ACL-8: all ports of a subnet and their addresses name the ACL in force; equal ACLs are one in the tables, which
/// goes with the last port that names it.
#[test]
fn ports_and_addresses_name_the_acl_of_their_subnet() {
    let mut fixture = Fixture::new(NET);
    fixture.run("acl one S1,SB\nacl-rule one in allow tcp any any dport=80\nacl other S2\nhold vip a2");
    let mut compiler = Compiler::default();
    let all = compiler.full(&fixture.catalog, fixture.attachments());
    fixture.take_changes();
    let acls: BTreeSet<Id> = all.ports.values().map(|port| port.acl).collect();
    assert_eq!(acls.len(), 2, "one with a rule, one without: {acls:?}");
    assert!(!acls.contains(&NO_ID));
    assert_eq!(all.acls.len(), 1, "an ACL without rules needs no entries");
    let s1 = all.ports.values().find(|port| port.ipv4 == [10, 0, 0, 10]).unwrap();
    let named = |endpoint: &&Endpoint| endpoint.kind == ENDPOINT_WORKLOAD && endpoint.subnet == s1.subnet;
    assert_eq!(all.endpoints.values().filter(named).filter(|endpoint| endpoint.acl == s1.acl).count(), 4);

    for (change, left) in [("guard one SB", 1), ("enable one off", 0), ("enable one on", 1), ("delete-server b1", 0)] {
        fixture.run(change);
        let changes = fixture.take_changes();
        compiler.update(&fixture.catalog, &changes, fixture.attachments());
        assert_eq!(compiler.tables().acls.len(), left, "{change}");
        assert_eq!(compiler.tables().acl_ports.is_empty(), left == 0, "{change}");
    }
}

/// VIP-3, VIP-4: a held virtual IP is its holder's address; one that nobody holds is nobody's.
#[test]
fn a_virtual_ip_is_an_endpoint_of_its_holder() {
    let mut fixture = Fixture::new(NET);
    assert_eq!(endpoint(&fixture, "10.0.0.200"), None);
    for (server, ip) in [("a1", "10.0.0.10"), ("a2", "10.0.0.20")] {
        fixture.run(&format!("hold vip {server}"));
        assert_eq!(endpoint(&fixture, "10.0.0.200"), endpoint(&fixture, ip));
        assert!(endpoint(&fixture, ip).is_some());
    }
    fixture.run("bind vip a1");
    assert_eq!(endpoint(&fixture, "10.0.0.200"), None, "the holder is not bound any more");
    fixture.run("hold vip a1\ndelete-server a1");
    assert_eq!(endpoint(&fixture, "10.0.0.200"), None, "the holder is gone");
}

/// CHK-2, VIP-3, VIP-5: what each port may use, and what it may claim.
#[test]
fn pairs_are_bound_virtual_ips_and_given_ranges() {
    let mut fixture = Fixture::new(NET);
    fixture.run("pairs a2 10.9.0.0/16,10.0.0.200,2001:db8:9::/48,1.1.1.1/0");
    let tables = tables(&fixture, "A");
    let port = |ip: [u8; 4]| tables.ports.values().find(|port| port.ipv4 == ip).unwrap().port;
    let pair = |port: Id, range: &str, flags: u8| {
        (address_pair_key(port, range.parse::<IpNet>().unwrap()), AddressPair { flags, pad: [0; 3] })
    };
    let expected = BTreeMap::from([
        pair(port([10, 0, 0, 10]), "10.0.0.200/32", PAIR_USABLE | PAIR_VIP),
        pair(port([10, 0, 0, 20]), "10.0.0.200/32", PAIR_USABLE | PAIR_VIP),
        pair(port([10, 0, 0, 20]), "10.9.0.0/16", PAIR_USABLE),
        pair(port([10, 0, 0, 20]), "2001:db8:9::/48", PAIR_USABLE),
    ]);
    assert_eq!(tables.address_pairs, expected);
}

/// L2-4: a pair with another hardware address is of no use to a port that may send with its own only.
#[test]
fn a_pair_with_another_hardware_address_is_left_out() {
    let mut fixture = Fixture::new(NET);
    fixture.run("pairs a1 10.9.0.0/16\nbind vip -");
    let port = fixture.catalog.ports().find(|port| !port.allowed_address_pairs.is_empty()).unwrap().clone();
    for (mac, left) in [(port.mac, 1), (model::MacAddress([2; 6]), 0)] {
        let mut port = (*port).clone();
        port.allowed_address_pairs[0].mac_address = Some(mac);
        fixture.put(port);
        assert_eq!(tables(&fixture, "A").address_pairs.len(), left, "{mac}");
    }
}

/// NET-4, L2-5, V6-2: what the guests of a subnet are told.
#[test]
fn subnets_say_what_their_guests_are_told() {
    let mut fixture = Fixture::new(NET);
    let id = SubnetId::new(fixture.id("S1"));
    let told = |fixture: &Fixture| tables(fixture, "A").subnets[&id.table_id()];
    let plain = told(&fixture);
    assert_eq!((plain.gateway, plain.mask, plain.dhcp_server), ([10, 0, 0, 1], [255, 255, 255, 0], [10, 0, 0, 254]));
    assert_eq!((plain.flags, plain.domain_len), (SUBNET_DHCP | SUBNET_IPV6, 0));
    assert_eq!((plain.lease_seconds, plain.lease_seconds_v6), (365 * 86_400, 365 * 86_400));
    assert_eq!(plain.prefix_v6, "2001:db8:1::".parse::<std::net::Ipv6Addr>().unwrap().octets());
    assert_eq!(plain.gateway_v6, "2001:db8:1::1".parse::<std::net::Ipv6Addr>().unwrap().octets());
    let mut subnet = (**fixture.catalog.subnet(id).unwrap()).clone();
    subnet.dhcp_enable = false;
    subnet.dns = vec![[9, 9, 9, 9].into(), [8, 8, 8, 8].into(), [7, 7, 7, 7].into()];
    let option = |(name, value): (&str, &str)| DhcpOption { name: name.to_owned(), value: value.to_owned() };
    subnet.dhcp_options =
        [("ntp", "10.0.0.2, 10.0.0.3"), ("addresstime", "-1"), ("ipv6_addresstime", "2h"), ("domainname", "a.example")]
            .map(option)
            .to_vec();
    fixture.put(subnet);
    let told = told(&fixture);
    assert_eq!(told.flags, SUBNET_IPV6);
    assert_eq!(told.dns, [[9; 4], [8; 4]], "L2-5: at most two");
    assert_eq!(told.ntp, [[10, 0, 0, 2], [10, 0, 0, 3], [0; 4], [0; 4]]);
    assert_eq!((told.lease_seconds, told.lease_seconds_v6), (LEASE_INFINITE, 7200));
    assert_eq!(&told.domain[..usize::from(told.domain_len)], b"a.example");
}

/// V6-3, V6-4, NH-2 to NH-4: next hops of either family; one without an address of the family is not there.
#[test]
fn next_hops_are_addresses_of_the_destinations_family() {
    let mut fixture = Fixture::new(NET);
    fixture.run(
        "
        eni outer a2 S2 10.0.1.90
        route rtb-A 10.70.0.0/16 a1
        route rtb-A 10.71.0.0/16 outer
        route rtb-A 10.72.0.0/16 10.0.0.200
        route rtb-A 10.73.0.0/16 10.0.0.201
        route rtb-A 2001:db8:70::/48 a1
        route rtb-A 2001:db8:71::/48 outer
        route rtb-A 2001:db8:72::/48 10.0.0.200
    ",
    );
    let tables = tables(&fixture, "A");
    let table = fixture.catalog.vpc(fixture.vpc("A")).unwrap().default_route_table.table_id();
    let route = |range: &str| tables.routes[&route_key(table, range.parse().unwrap())];
    let hop = |range: &str| {
        let route = route(range);
        assert_eq!(route.kind, ROUTE_INSTANCE);
        let family = if range.contains(':') { abi::FAMILY_V6 } else { abi::FAMILY_V4 };
        crate::ip_address(family, route.next_hop).to_string()
    };
    assert_eq!(hop("10.70.0.0/16"), "10.0.0.10");
    assert_eq!(hop("10.71.0.0/16"), "10.0.1.90");
    assert_eq!(hop("10.72.0.0/16"), "10.0.0.200", "held or not: RT-12");
    assert_eq!(route("10.72.0.0/16").target, fixture.vip("vip").id.table_id());
    assert_eq!(hop("10.73.0.0/16"), "0.0.0.0", "no virtual IP");
    assert_eq!(hop("2001:db8:70::/48"), "2001:db8:1::10");
    assert_eq!(hop("2001:db8:71::/48"), "::");
    assert_eq!(hop("2001:db8:72::/48"), "::");
    assert_eq!(route("2001:db8:1::/64").kind, ROUTE_LOCAL);
}
