//! Rules V6-1, V6-3, V6-4, RT-3, RT-9, RT-13: dual-stack subnets, their ports and routes.

use std::net::Ipv6Addr;

use model::{NextHopType, Port, RouteTableId, Subnet, SubnetId, Vpc};

use super::fixture::{World, dest, net, server_request, via_peering, via_server};
use crate::{
    Caller, CreatePort, CreateSubnet, Error, NewRoute, PortIpv6, RouteState, ServerPort, UpdatePort, UpdateSubnet,
    Warning, create_port, create_server, create_subnet, delete_subnet, route_table, update_port, update_subnet,
};

const PREFIX: &str = "2407:c080:802:c34::/64";

fn setup() -> (World, Caller, Vpc) {
    let mut world = World::new();
    let a = world.a.clone();
    let vpc = world.vpc(&a, "vpc", "10.0.0.0/16");
    (world, a, vpc)
}

fn dual(
    world: &mut World,
    caller: &Caller,
    vpc: &Vpc,
    cidr: &str,
    cidr_v6: Option<&str>,
) -> Result<(Subnet, Vec<Warning>), Error> {
    let mut request = CreateSubnet::new(vpc.id, "s", net(cidr));
    request.ipv6 = true;
    request.cidr_v6 = cidr_v6.map(|text| text.parse().unwrap());
    world.call(|c, x| create_subnet(c, caller, x, request))
}

fn port(world: &mut World, caller: &Caller, subnet: SubnetId, ipv6: PortIpv6) -> Result<Port, Error> {
    let request = CreatePort { ipv6, ..CreatePort::new(subnet) };
    world.call(|c, x| create_port(c, caller, x, request)).map(|(port, _)| port)
}

fn address(text: &str) -> PortIpv6 {
    PortIpv6::Address(text.parse().unwrap())
}

fn turn(world: &mut World, caller: &Caller, subnet: &Subnet, on: bool) -> Result<(Subnet, Vec<Warning>), Error> {
    let request = UpdateSubnet { ipv6: Some(on), ..UpdateSubnet::default() };
    world.call(|c, x| update_subnet(c, caller, x, subnet.id, request))
}

/// V6-1: a /64 of the installation's prefix, with the first address as gateway, which nobody else has.
#[test]
fn each_subnet_gets_a_prefix_of_its_own() {
    let (mut world, a, vpc) = setup();
    let mut seen = std::collections::BTreeSet::new();
    for n in 0..20 {
        let (subnet, _) = dual(&mut world, &a, &vpc, &format!("10.0.{n}.0/24"), None).unwrap();
        let ipv6 = subnet.ipv6.unwrap();
        assert_eq!(ipv6.cidr.prefix_len(), 64);
        assert!(world.config.ipv6_prefix.contains(&ipv6.cidr), "{}", ipv6.cidr);
        assert_eq!(u128::from(ipv6.gateway), u128::from(ipv6.cidr.network()) + 1);
        assert!(![subnet.id.uuid(), subnet.neutron_subnet_id].contains(&ipv6.neutron_subnet_id));
        assert!(seen.insert(ipv6.cidr));
    }
}

/// V6-1: all prefixes are given out before the installation has none left, and a deleted subnet gives its back.
#[test]
fn every_prefix_is_given_out_and_comes_back() {
    let (mut world, a, vpc) = setup();
    world.config.ipv6_prefix = "2001:db8:0:10::/62".parse().unwrap();
    let mut subnets: Vec<_> =
        (0..4).map(|n| dual(&mut world, &a, &vpc, &format!("10.0.{n}.0/24"), None).unwrap().0).collect();
    let full = dual(&mut world, &a, &vpc, "10.0.9.0/24", None).unwrap_err();
    assert_eq!((full.code(), full.to_string().contains("IPv6 prefix")), ("exhausted", true));
    let gone = subnets.remove(2);
    world.ok(|c, x| delete_subnet(c, &a, x, gone.id, None));
    let (next, _) = dual(&mut world, &a, &vpc, "10.0.9.0/24", None).unwrap();
    assert_eq!(next.ipv6.unwrap().cidr, gone.ipv6.unwrap().cidr);
}

/// V6-1: a prefix that is asked for must be a free /64 for workloads; whose it is stays unsaid.
#[test]
fn a_prefix_can_be_chosen_when_it_is_free() {
    let (mut world, a, vpc) = setup();
    let chosen = dual(&mut world, &a, &vpc, "10.0.1.0/24", Some(PREFIX)).unwrap().0.ipv6.unwrap();
    assert_eq!(chosen.cidr, PREFIX.parse().unwrap());
    assert_eq!(chosen.gateway, "2407:c080:802:c34::1".parse::<Ipv6Addr>().unwrap());
    let b = world.b.clone();
    let theirs = world.vpc(&b, "vpc", "10.0.0.0/16");
    let error = dual(&mut world, &b, &theirs, "10.0.1.0/24", Some(PREFIX)).unwrap_err();
    assert_eq!(error, Error::Ipv6PrefixInUse { cidr: PREFIX.parse().unwrap() });
    for wrong in ["2001:db8::/63", "2001:db8::/65", "2001:db8::1/64", "fe80::/64", "ff02::/64", "::/64"] {
        assert_eq!(
            dual(&mut world, &a, &vpc, "10.0.2.0/24", Some(wrong)).unwrap_err().code(),
            "invalid_cidr",
            "{wrong}"
        );
    }
}

/// V6-1: IPv6 can be turned on later and never off; ports that exist get an address when they ask for one.
#[test]
fn ipv6_is_turned_on_later_and_stays() {
    let (mut world, a, vpc) = setup();
    let subnet = world.subnet(&a, vpc.id, "10.0.1.0/24");
    let server = world.server(&a, subnet.id, "old");
    assert_eq!(turn(&mut world, &a, &subnet, false).unwrap().0.ipv6, None, "off already");
    let (on, warnings) = turn(&mut world, &a, &subnet, true).unwrap();
    let range = on.ipv6.unwrap();
    assert_eq!(warnings, [Warning::PortsWithoutIpv6 { ports: 1 }]);
    assert_eq!(turn(&mut world, &a, &subnet, true).unwrap().0.ipv6, Some(range), "on already");
    assert_eq!(turn(&mut world, &a, &subnet, false).unwrap_err().code(), "invalid_parameter");

    let old = world.catalog.port(server.port).unwrap().clone();
    assert_eq!(old.ipv6, None);
    let mut ask = |ipv6| {
        let request = UpdatePort { ipv6, ..UpdatePort::default() };
        world.call(|c, x| update_port(c, &a, x, old.id, request)).map(|(port, _)| port.ipv6)
    };
    let first = Ipv6Addr::from(u128::from(range.cidr.network()) + 2);
    assert_eq!(ask(PortIpv6::AsSubnet).unwrap(), None);
    assert_eq!(ask(PortIpv6::Automatic).unwrap(), Some(first));
    assert_eq!(ask(PortIpv6::Address(first)).unwrap(), Some(first), "the same again");
    let other = Ipv6Addr::from(u128::from(first) + 1);
    assert_eq!(ask(PortIpv6::Address(other)).unwrap_err().code(), "invalid_parameter");
}

/// V6-1: on a dual-stack subnet a port gets the lowest free address, or the one it asks for.
#[test]
fn ports_get_ipv6_addresses() {
    let (mut world, a, vpc) = setup();
    let subnet = dual(&mut world, &a, &vpc, "10.0.1.0/24", Some(PREFIX)).unwrap().0;
    let mut given = |ipv6| port(&mut world, &a, subnet.id, ipv6).map(|port| port.ipv6.unwrap().to_string());
    assert_eq!(given(PortIpv6::AsSubnet).unwrap(), "2407:c080:802:c34::2");
    assert_eq!(given(address("2407:c080:802:c34::3")).unwrap(), "2407:c080:802:c34::3");
    assert_eq!(given(address("2407:c080:802:c34::111")).unwrap(), "2407:c080:802:c34::111");
    assert_eq!(given(PortIpv6::Automatic).unwrap(), "2407:c080:802:c34::4");
    assert_eq!(given(address("2407:c080:802:c34::111")).unwrap_err().code(), "address_in_use");
    for wrong in ["2407:c080:802:c34::", "2407:c080:802:c34::1", "2407:c080:802:c35::2", "fe80::2"] {
        assert_eq!(given(address(wrong)).unwrap_err().code(), "invalid_address", "{wrong}");
    }

    let only_v4 = world.subnet(&a, vpc.id, "10.0.2.0/24").id;
    assert_eq!(port(&mut world, &a, only_v4, PortIpv6::AsSubnet).unwrap().ipv6, None);
    assert_eq!(port(&mut world, &a, only_v4, PortIpv6::Automatic).unwrap_err().code(), "invalid_parameter");
    assert_eq!(port(&mut world, &a, only_v4, address("2001:db8::2")).unwrap_err().code(), "invalid_parameter");
}

/// VIP-7: an IPv6 virtual IP can be bound to one port only, so it is made when it is asked for.
#[test]
fn a_virtual_ip_gets_an_ipv6_address_only_when_asked() {
    let (mut world, a, vpc) = setup();
    let subnet = dual(&mut world, &a, &vpc, "10.0.1.0/24", Some(PREFIX)).unwrap().0;
    let mut vip = |ipv6| {
        let device_owner = "neutron:VIP_PORT".to_owned();
        let request = CreatePort { ipv6, device_owner, ..CreatePort::new(subnet.id) };
        world.ok(|c, x| create_port(c, &a, x, request)).ipv6
    };
    assert_eq!(vip(PortIpv6::AsSubnet), None);
    assert_eq!(vip(PortIpv6::Automatic), Some("2407:c080:802:c34::2".parse().unwrap()));
}

/// V6-3, RT-3, RT-9: the range is a local route; routes inside are refused, routes around it are told to be shadowed.
#[test]
fn an_ipv6_range_is_a_local_route_of_every_table() {
    let (mut world, a, vpc) = setup();
    let peer = world.vpc(&a, "peer", "10.1.0.0/16").id;
    let peering = world.peer(&a, vpc.id, peer).id;
    let table = vpc.default_route_table;
    world.add_route(&a, table, via_peering("2407:c080:802:c34::/65", peering)).unwrap();
    world.add_route(&a, table, via_peering("2407:c080:802::/48", peering)).unwrap();
    let (subnet, warnings) = dual(&mut world, &a, &vpc, "10.0.1.0/24", Some(PREFIX)).unwrap();
    let destinations = match &warnings[..] {
        [Warning::SubnetShadowsRoutes { subnet: of, destinations }] if *of == subnet.id => destinations,
        other => panic!("RT-10: {other:?}"),
    };
    assert_eq!(destinations.len(), 2);

    let view = route_table(&world.catalog, &a, table).unwrap();
    assert!(view.system.iter().any(|route| route.destination == dest(PREFIX)), "RT-3");
    let state = |to: &str| view.routes.iter().find(|route| route.route.destination == dest(to)).unwrap().state;
    assert_eq!(state("2407:c080:802:c34::/65"), RouteState::Shadowed);
    assert_eq!(state("2407:c080:802::/48"), RouteState::PartlyShadowed);

    for inside in [PREFIX, "2407:c080:802:c34:8000::/66", "2407:c080:802:c34::111/128"] {
        let error = world.add_route(&a, table, via_peering(inside, peering)).unwrap_err();
        assert_eq!(error.code(), "route_conflicts_with_local", "{inside}");
    }
    let error = world.add_route(&a, table, via_peering("2407:c080:802:c35::1/64", peering)).unwrap_err();
    assert_eq!(error.code(), "invalid_cidr", "RT-8");
    let warnings = world.add_route(&a, table, via_peering("::/0", peering)).unwrap();
    assert_eq!(warnings, [Warning::RouteShadowed { destination: dest("::/0"), subnets: vec![dest(PREFIX)] }]);
    // RT-13: a default route of one family says nothing about the other.
    world.add_route(&a, table, via_peering("0.0.0.0/0", peering)).unwrap();
}

/// V6-4: the instance that an IPv6 route names must have an IPv6 address.
#[test]
fn an_ipv6_route_needs_a_next_hop_with_ipv6() {
    let (mut world, a, vpc) = setup();
    let subnet = dual(&mut world, &a, &vpc, "10.0.1.0/24", Some(PREFIX)).unwrap().0;
    let only_v4 = world.subnet(&a, vpc.id, "10.0.2.0/24").id;
    let plain = world.server(&a, only_v4, "plain").id;
    let dual_stack = world.server(&a, subnet.id, "dual").id;
    let table: RouteTableId = vpc.default_route_table;
    let mut add = |route: NewRoute| world.add_route(&a, table, route).map(|_| ()).map_err(|error| error.code());
    assert_eq!(add(via_server("2001:db8::/48", plain)), Err("next_hop_family"));
    assert_eq!(add(via_server("2001:db8::/48", dual_stack)), Ok(()));
    assert_eq!(add(via_server("192.168.0.0/16", plain)), Ok(()));

    let eni = port(&mut world, &a, only_v4, PortIpv6::AsSubnet).unwrap().id;
    let mut add = |to: &str, hop: &dyn ToString, kind| {
        let route = NewRoute::new(dest(to), kind, hop.to_string());
        world.add_route(&a, table, route).map(|_| ()).map_err(|error| error.code())
    };
    assert_eq!(add("2001:db8:1::/48", &eni, NextHopType::Eni), Err("next_hop_family"));

    // A change of the next hop is checked as well.
    let change = crate::UpdateRouteTable {
        modify: vec![via_server("2001:db8::/48", plain)],
        ..crate::UpdateRouteTable::default()
    };
    let error = world.refused(|c, x| crate::update_route_table(c, &a, x, table, change));
    assert_eq!(error.code(), "next_hop_family");
}

/// A server that is made with its port gets both addresses.
#[test]
fn a_server_is_dual_stack_on_a_dual_stack_subnet() {
    let (mut world, a, vpc) = setup();
    let subnet = dual(&mut world, &a, &vpc, "10.0.1.0/24", Some(PREFIX)).unwrap().0;
    let mut request = server_request(subnet.id, "s");
    if let ServerPort::New(port) = &mut request.port {
        port.ipv6 = address("2407:c080:802:c34::111");
    }
    let server = world.ok(|c, x| create_server(c, &a, x, request));
    let port = world.catalog.port(server.port).unwrap();
    assert_eq!(port.addresses().map(|a| a.to_string()).collect::<Vec<_>>(), ["10.0.1.2", "2407:c080:802:c34::111"]);
    assert_eq!(world.catalog.port_at_v6(subnet.id, port.ipv6.unwrap()).unwrap().id, port.id);
}
