use std::net::Ipv4Addr;

use model::{AddressPair, CHECK_OFF_PAIR, Claim, MacAddress, NextHopType, Port, ServerState, SubnetId};

use super::fixture::{World, dest, server_request, via_server};
use crate::{
    Caller, CreatePort, Error, NewRoute, ServerPort, UpdatePort, UpdateServer, create_port, create_server, delete_port,
    delete_server, start_server, stop_server, update_port, update_server,
};

fn setup(cidr: &str) -> (World, Caller, SubnetId) {
    let mut world = World::new();
    let a = world.a.clone();
    let vpc = world.vpc(&a, "vpc", "10.0.0.0/16").id;
    let subnet = world.subnet(&a, vpc, cidr).id;
    (world, a, subnet)
}

fn port(world: &mut World, caller: &Caller, subnet: SubnetId, address: Option<&str>) -> Result<Port, Error> {
    let address = address.map(|text| text.parse().unwrap());
    let request = CreatePort { address, ..CreatePort::new(subnet) };
    world.call(|c, x| create_port(c, caller, x, request)).map(|(port, _)| port)
}

/// NET-4.
#[test]
fn the_lowest_free_address_is_given() {
    let (mut world, a, subnet) = setup("10.0.0.0/28");
    let mut given = Vec::new();
    for _ in 0..11 {
        given.push(port(&mut world, &a, subnet, None).unwrap().ipv4.octets()[3]);
    }
    assert_eq!(given, [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    let error = port(&mut world, &a, subnet, None).unwrap_err();
    assert_eq!(error.code(), "no_free_address");
    let middle = world.catalog.port_at(subnet, Ipv4Addr::new(10, 0, 0, 5)).unwrap().id;
    world.ok(|c, x| delete_port(c, &a, x, middle));
    assert_eq!(port(&mut world, &a, subnet, None).unwrap().ipv4.octets()[3], 5);
}

/// NET-4.
#[test]
fn a_given_address_must_be_free_and_allowed() {
    let (mut world, a, subnet) = setup("10.0.0.0/24");
    port(&mut world, &a, subnet, Some("10.0.0.77")).unwrap();
    let mut code = |address: &str| port(&mut world, &a, subnet, Some(address)).unwrap_err().code();
    assert_eq!(code("10.0.0.77"), "address_in_use");
    for reserved in ["10.0.0.0", "10.0.0.1", "10.0.0.253", "10.0.0.254", "10.0.0.255", "10.0.1.2"] {
        assert_eq!(code(reserved), "invalid_address", "{reserved}");
    }
}

/// L2-1: the gateway's address is never given to a port.
#[test]
fn hardware_addresses_are_unique_and_claimed() {
    let (mut world, a, subnet) = setup("10.0.0.0/24");
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..50 {
        let port = port(&mut world, &a, subnet, None).unwrap();
        assert_eq!(port.mac.0[..3], [0xfa, 0x16, 0x3e]);
        assert_ne!(port.mac, MacAddress(abi::GATEWAY_MAC));
        assert!(seen.insert(port.mac));
        assert!(world.catalog.claim(&Claim::mac(port.mac)).is_some());
    }
    let first = world.catalog.ports().next().unwrap().clone();
    world.ok(|c, x| delete_port(c, &a, x, first.id));
    assert!(world.catalog.claim(&Claim::mac(first.mac)).is_none());
}

/// CHK-1, CHK-6, api-vpc section 6.1.
#[test]
fn the_check_is_off_exactly_when_the_pair_is_there() {
    let (mut world, a, subnet) = setup("10.0.0.0/24");
    let port = port(&mut world, &a, subnet, None).unwrap();
    assert!(port.source_dest_check);
    let pair = |text: &str| AddressPair { ip_address: text.into(), mac_address: None };
    let mut update = |request: UpdatePort| {
        world.call(|c, x| update_port(c, &a, x, port.id, request)).map(|(port, _)| {
            let pairs: Vec<_> = port.allowed_address_pairs.into_iter().map(|pair| pair.ip_address).collect();
            (port.source_dest_check, pairs)
        })
    };
    let check = |on| UpdatePort { source_dest_check: Some(on), ..UpdatePort::default() };
    let pairs = |pairs| UpdatePort { allowed_address_pairs: Some(pairs), ..UpdatePort::default() };
    assert_eq!(update(check(false)).unwrap(), (false, vec![CHECK_OFF_PAIR.to_owned()]));
    assert_eq!(update(UpdatePort::default()).unwrap(), (false, vec![CHECK_OFF_PAIR.to_owned()]));
    assert_eq!(update(check(true)).unwrap(), (true, vec![]));
    let both = vec![pair(CHECK_OFF_PAIR), pair("10.0.0.9")];
    assert!(!update(pairs(both)).unwrap().0);
    assert_eq!(update(pairs(vec![])).unwrap(), (true, vec![]));
    for wrong in ["0.0.0.0/0", "0.0.0.0", "::/0", "x", "10.0.0.0/33"] {
        assert_eq!(update(pairs(vec![pair(wrong)])).unwrap_err().code(), "invalid_parameter", "{wrong}");
    }
}

#[test]
fn a_server_comes_and_goes_with_its_port() {
    let (mut world, a, subnet) = setup("10.0.0.0/24");
    let before = world.catalog.len();
    let server = world.server(&a, subnet, "ECS-A01");
    let port = world.catalog.port(server.port).unwrap().clone();
    assert_eq!((port.server, port.device_owner.as_str()), (Some(server.id), "compute:az1"));
    let default = world.catalog.default_security_group(port.project).unwrap().id;
    assert_eq!(port.security_groups, [default]);
    let error = world.refused(|c, x| delete_port(c, &a, x, port.id));
    assert_eq!(error, Error::PortInUse { port: port.id, server: server.id });
    let renamed = UpdateServer { name: Some("new".into()) };
    assert_eq!(world.ok(|c, x| update_server(c, &a, x, server.id, renamed)).name, "new");
    assert_eq!(world.ok(|c, x| stop_server(c, &a, x, server.id)).state, ServerState::Stopped);
    assert!(world.run(|c, x| stop_server(c, &a, x, server.id)).unwrap().changes.is_empty());
    assert_eq!(world.ok(|c, x| start_server(c, &a, x, server.id)).state, ServerState::Running);
    world.ok(|c, x| delete_server(c, &a, x, server.id));
    assert_eq!(world.catalog.len(), before);
}

#[test]
fn a_server_can_take_a_port_that_exists() {
    let (mut world, a, subnet) = setup("10.0.0.0/24");
    let port = port(&mut world, &a, subnet, Some("10.0.0.50")).unwrap();
    let mut request = server_request(subnet, "s");
    request.port = ServerPort::Existing(port.id);
    let server = world.ok(|c, x| create_server(c, &a, x, request.clone()));
    assert_eq!(world.catalog.port(port.id).unwrap().server, Some(server.id));
    assert_eq!(world.refused(|c, x| create_server(c, &a, x, request)).code(), "port_in_use");
    let other = world.vpc(&a, "other", "10.0.0.0/16").id;
    let mut request = server_request(subnet, "s");
    request.vpc = Some(other);
    assert_eq!(world.refused(|c, x| create_server(c, &a, x, request)).code(), "subnet_not_in_vpc");
}

/// NH-9.
#[test]
fn what_a_route_names_cannot_be_deleted() {
    let (mut world, a, subnet) = setup("10.0.0.0/24");
    let table = world.catalog.vpcs().next().unwrap().default_route_table;
    let server = world.server(&a, subnet, "firewall");
    world.add_route(&a, table, via_server("0.0.0.0/0", server.id)).unwrap();
    let error = world.refused(|c, x| delete_server(c, &a, x, server.id));
    assert_eq!(error.code(), "next_hop_in_use");
    assert!(error.to_string().contains("0.0.0.0/0"), "{error}");

    let plain = port(&mut world, &a, subnet, None).unwrap();
    world.add_route(&a, table, NewRoute::new(dest("1.0.0.0/8"), NextHopType::Eni, plain.id)).unwrap();
    assert_eq!(world.refused(|c, x| delete_port(c, &a, x, plain.id)).code(), "next_hop_in_use");

    let request = CreatePort { device_owner: "neutron:VIP_PORT".into(), ..CreatePort::new(subnet) };
    let vip = world.ok(|c, x| create_port(c, &a, x, request));
    world.add_route(&a, table, NewRoute::new(dest("2.0.0.0/8"), NextHopType::Vip, vip.ipv4)).unwrap();
    assert_eq!(world.refused(|c, x| delete_port(c, &a, x, vip.id)).code(), "next_hop_in_use");
}

#[test]
fn ports_use_groups_of_their_project_only() {
    let (mut world, a, subnet) = setup("10.0.0.0/24");
    let theirs = world.catalog.default_security_group(world.project(&world.b)).unwrap().id;
    let own = world.catalog.default_security_group(world.project(&a)).unwrap().id;
    let mut code = |groups: Vec<_>, device_owner: &str| {
        let device_owner = device_owner.to_owned();
        let request = CreatePort { security_groups: Some(groups), device_owner, ..CreatePort::new(subnet) };
        world.call(|c, x| create_port(c, &a, x, request)).map(|_| ()).map_err(|error| error.code())
    };
    assert_eq!(code(vec![theirs], ""), Err("not_found"));
    assert_eq!(code(vec![own, own], ""), Err("invalid_parameter"));
    assert_eq!(code(vec![own; 6], ""), Err("quota_exceeded"));
    assert_eq!(code(vec![own], "network:dhcp"), Err("invalid_parameter"));
    assert_eq!(code(vec![own], "neutron:VIP_PORT"), Ok(()));
}
