use std::net::IpAddr;

use model::{AddressPair, CHECK_OFF_PAIR, NextHopType, Port, PortId, Server, SubnetId, VIP_OWNER};

use super::fixture::{World, dest, server_request};
use crate::ipv6::PortIpv6;
use crate::{
    Caller, Claimed, CreatePort, CreateSubnet, Error, NewRoute, UpdatePort, attach_port, bind_vip, claim_vip,
    create_port, create_server, create_subnet, delete_port, delete_server, detach_port, stop_server, unbind_vip,
    update_port, vip, vips,
};

struct Setup {
    world: World,
    a: Caller,
    subnet: SubnetId,
    vip: Port,
    servers: [Server; 2],
}

fn setup() -> Setup {
    let mut world = World::new();
    let a = world.a.clone();
    let vpc = world.vpc(&a, "vpc", "10.0.0.0/16").id;
    let subnet = world.subnet(&a, vpc, "10.0.0.0/24").id;
    let vip = virtual_ip(&mut world, &a, subnet, Some("10.0.0.100"), PortIpv6::AsSubnet);
    let servers = ["one", "two"].map(|name| world.server(&a, subnet, name));
    Setup { world, a, subnet, vip, servers }
}

fn virtual_ip(world: &mut World, caller: &Caller, subnet: SubnetId, address: Option<&str>, ipv6: PortIpv6) -> Port {
    let address = address.map(|text| text.parse().unwrap());
    let request = CreatePort { address, ipv6, device_owner: VIP_OWNER.into(), ..CreatePort::new(subnet) };
    world.ok(|c, x| create_port(c, caller, x, request))
}

fn pairs(addresses: &[&str]) -> UpdatePort {
    let pairs = addresses.iter().map(AddressPair::of).collect();
    UpdatePort { allowed_address_pairs: Some(pairs), ..UpdatePort::default() }
}

impl Setup {
    fn address(&self, server: usize) -> String {
        self.world.catalog.port(self.servers[server].port).unwrap().ipv4.to_string()
    }

    fn set_pairs(&mut self, addresses: &[&str]) -> Result<Port, Error> {
        let (a, vip) = (self.a.clone(), self.vip.id);
        self.world.call(|c, x| update_port(c, &a, x, vip, pairs(addresses))).map(|(port, _)| port)
    }

    fn bind(&mut self, server: usize, keep_check: bool) -> Port {
        let (a, vip, port) = (self.a.clone(), self.vip.id, self.servers[server].port);
        self.world.ok(|c, x| bind_vip(c, &a, x, vip, port, keep_check))
    }

    fn claim(&mut self, port: PortId) -> Claimed {
        let address = IpAddr::V4(self.vip.ipv4);
        self.world.ok(|c, _| claim_vip(c, port, address))
    }

    fn holder(&self) -> Option<PortId> {
        self.world.catalog.port(self.vip.id).unwrap().holder
    }
}

/// api-vpc section 6.2, VIP-2: made free, bound to nobody, in the default group, no holder.
#[test]
fn a_virtual_ip_is_a_port_of_nobody() {
    let Setup { mut world, a, subnet, vip: made, servers } = setup();
    assert!(made.is_vip() && made.server.is_none() && made.holder.is_none() && made.source_dest_check);
    let default = world.catalog.default_security_group(made.project).unwrap().id;
    assert_eq!(made.security_groups, [default]);
    let group = crate::CreateSecurityGroup { name: "web".into(), ..crate::CreateSecurityGroup::default() };
    let group = world.ok(|c, x| crate::create_security_group(c, &a, x, group)).id;
    let custom = UpdatePort { security_groups: Some(vec![group]), ..UpdatePort::default() };
    assert_eq!(world.refused(|c, x| update_port(c, &a, x, made.id, custom)).code(), "invalid_parameter");
    let free = virtual_ip(&mut world, &a, subnet, None, PortIpv6::AsSubnet);
    assert_ne!(free.ipv4, made.ipv4);
    assert_eq!(vips(&world.catalog, &a).len(), 2);
    assert_eq!(vip(&world.catalog, &a, made.id).unwrap().bound, []);
    let plain = servers[0].port;
    assert_eq!(vip(&world.catalog, &a, plain).unwrap_err().code(), "not_found");
    let b = world.b.clone();
    assert_eq!(vip(&world.catalog, &b, made.id).unwrap_err().code(), "not_found", "of another account");
    assert_eq!(vips(&world.catalog, &b), []);
}

/// VIP-1, api-vpc section 6.2: the pairs of a virtual IP are addresses of servers of its subnet, and nothing else.
#[test]
fn binding_is_writing_the_addresses_of_servers_of_the_same_subnet() {
    let mut s = setup();
    let (one, two) = (s.address(0), s.address(1));
    let bound = s.set_pairs(&[&one, &two]).unwrap();
    assert_eq!(bound.allowed_address_pairs, [AddressPair::of(&one), AddressPair::of(&two)], "kept as given");
    let view = vip(&s.world.catalog, &s.a, s.vip.id).unwrap();
    assert_eq!(
        view.bound.iter().map(|port| port.server.unwrap()).collect::<Vec<_>>(),
        s.servers.each_ref().map(|s| s.id)
    );
    for server in &s.servers {
        let port = s.world.catalog.port(server.port).unwrap();
        assert!(port.source_dest_check, "CHK-5: the API leaves the check as it is");
        assert_eq!(s.world.catalog.vips_bound_to(port).map(|vip| vip.id).collect::<Vec<_>>(), [s.vip.id]);
    }
    let a = s.a.clone();
    let other_subnet = s.world.subnet(&a, s.vip.vpc, "10.0.1.0/24").id;
    let other = s.world.server(&a, other_subnet, "other");
    let other = s.world.catalog.port(other.port).unwrap().ipv4.to_string();
    let own = s.vip.ipv4.to_string();
    for wrong in [other.as_str(), "10.0.0.77", "10.0.0.0/24", CHECK_OFF_PAIR, &own] {
        let error = s.set_pairs(&[&one, wrong]).unwrap_err();
        assert_eq!(error.code(), "invalid_parameter", "{wrong}");
    }
    let renamed = UpdatePort { name: Some("db".into()), ..UpdatePort::default() };
    let id = s.vip.id;
    let renamed = s.world.ok(|c, x| update_port(c, &a, x, id, renamed));
    assert_eq!(renamed.allowed_address_pairs.len(), 2, "what is not given stays");
    assert_eq!(s.set_pairs(&[]).unwrap().allowed_address_pairs, []);
    assert_eq!(vip(&s.world.catalog, &s.a, s.vip.id).unwrap().bound, []);
}

/// CHK-5: the console turns the check off; nothing turns it on again.
#[test]
fn binding_as_the_console_does_turns_the_check_off() {
    let mut s = setup();
    s.bind(0, false);
    s.bind(1, true);
    let check =
        |s: &Setup| s.servers.each_ref().map(|server| s.world.catalog.port(server.port).unwrap().source_dest_check);
    assert_eq!(check(&s), [false, true]);
    let one = s.world.catalog.port(s.servers[0].port).unwrap();
    assert_eq!(one.allowed_address_pairs, [AddressPair::of(CHECK_OFF_PAIR)]);
    let (a, vip, port) = (s.a.clone(), s.vip.id, s.servers[0].port);
    s.world.ok(|c, x| unbind_vip(c, &a, x, vip, port));
    assert_eq!(check(&s), [false, true]);
    let again = s.world.run(|c, x| unbind_vip(c, &a, x, vip, port)).unwrap();
    assert!(again.changes.is_empty(), "unbinding twice changes nothing");
    let again = s.world.run(|c, x| bind_vip(c, &a, x, vip, s.servers[1].port, true)).unwrap();
    assert!(again.changes.is_empty(), "binding twice changes nothing");
    let elsewhere = s.world.subnet(&a, s.vip.vpc, "10.0.1.0/24").id;
    let other = s.world.server(&a, elsewhere, "other").port;
    assert_eq!(s.world.refused(|c, x| bind_vip(c, &a, x, vip, other, false)).code(), "invalid_parameter");
    assert_eq!(s.world.refused(|c, x| bind_vip(c, &a, x, vip, vip, false)).code(), "invalid_parameter");
    let b = s.world.b.clone();
    assert_eq!(s.world.refused(|c, x| bind_vip(c, &b, x, vip, port, false)).code(), "not_found");
}

/// VIP-3: the last claim of a bound port counts, once; others change nothing.
#[test]
fn the_bound_port_that_claimed_last_holds_the_virtual_ip() {
    let mut s = setup();
    let [one, two] = s.servers.each_ref().map(|server| server.port);
    assert_eq!(s.claim(one), Claimed::Ignored, "not bound");
    s.bind(0, true);
    s.bind(1, true);
    assert_eq!(s.holder(), None, "binding alone makes no holder");
    assert_eq!(s.claim(one), Claimed::Moved(s.vip.id));
    assert_eq!(s.holder(), Some(one));
    let again = s.world.run(|c, _| claim_vip(c, one, IpAddr::V4(s.vip.ipv4))).unwrap();
    assert_eq!(again.value, Claimed::Held(s.vip.id));
    assert!(again.changes.is_empty(), "claiming twice is claiming once");
    assert_eq!(s.claim(two), Claimed::Moved(s.vip.id));
    assert_eq!(s.claim(one), Claimed::Moved(s.vip.id));
    let (a, server) = (s.a.clone(), s.servers[1].id);
    s.world.ok(|c, x| stop_server(c, &a, x, server));
    assert_eq!(s.claim(two), Claimed::Ignored, "stopped");
    assert_eq!(s.claim(s.vip.id), Claimed::Ignored, "a virtual IP claims nothing");
    let third = s.world.server(&a, s.subnet, "third").port;
    assert_eq!(s.claim(third), Claimed::Ignored, "not bound");
    let own = IpAddr::V4(s.world.catalog.port(third).unwrap().ipv4);
    assert_eq!(s.world.ok(|c, _| claim_vip(c, third, own)), Claimed::Ignored, "its own address is no virtual IP");
    assert_eq!(s.holder(), Some(one));
}

/// VIP-4: who is unbound, by whichever way, holds nothing; an update that keeps the holder bound keeps it.
#[test]
fn a_holder_that_is_unbound_loses_the_virtual_ip() {
    let mut s = setup();
    let [one, _] = s.servers.each_ref().map(|server| server.port);
    let (first, second) = (s.address(0), s.address(1));
    s.set_pairs(&[&first, &second]).unwrap();
    s.claim(one);
    assert_eq!(s.set_pairs(&[&first]).unwrap().holder, Some(one));
    assert_eq!(s.set_pairs(&[&second]).unwrap().holder, None);
    assert_eq!(s.set_pairs(&[&first]).unwrap().holder, None, "bound again, it has to claim again");
    s.claim(one);
    let (a, vip) = (s.a.clone(), s.vip.id);
    assert_eq!(s.world.ok(|c, x| unbind_vip(c, &a, x, vip, one)).holder, None);
}

/// A server that gets the address of one that is gone inherits no virtual IP.
#[test]
fn a_port_that_goes_away_is_taken_off_its_virtual_ips() {
    let mut s = setup();
    s.bind(0, true);
    s.bind(1, true);
    s.claim(s.servers[0].port);
    let address = s.world.catalog.port(s.servers[0].port).unwrap().ipv4;
    let (a, server) = (s.a.clone(), s.servers[0].id);
    s.world.ok(|c, x| delete_server(c, &a, x, server));
    let left = s.world.catalog.port(s.vip.id).unwrap().clone();
    assert_eq!(left.allowed_address_pairs, [AddressPair::of(s.address(1))]);
    assert_eq!(left.holder, None);
    let heir = s.world.server(&a, s.subnet, "heir").port;
    assert_eq!(s.world.catalog.port(heir).unwrap().ipv4, address);
    assert_eq!(s.claim(heir), Claimed::Ignored);
}

/// VIP-7, and V6-1: it has an IPv6 address when one is asked for.
#[test]
fn an_ipv6_virtual_ip_is_bound_to_one_port_only() {
    let mut s = setup();
    let a = s.a.clone();
    let mut request = CreateSubnet::new(s.vip.vpc, "dual", super::fixture::net("10.0.2.0/24"));
    request.ipv6 = true;
    let subnet = s.world.ok(|c, x| create_subnet(c, &a, x, request)).id;
    let servers = ["v1", "v2"].map(|name| s.world.ok(|c, x| create_server(c, &a, x, server_request(subnet, name))));
    let plain = virtual_ip(&mut s.world, &a, subnet, None, PortIpv6::AsSubnet);
    assert_eq!(plain.ipv6, None, "or it could be bound to one port only");
    for server in &servers {
        s.world.ok(|c, x| bind_vip(c, &a, x, plain.id, server.port, true));
    }
    let dual = virtual_ip(&mut s.world, &a, subnet, None, PortIpv6::Automatic);
    let address = IpAddr::V6(dual.ipv6.unwrap());
    s.world.ok(|c, x| bind_vip(c, &a, x, dual.id, servers[0].port, true));
    let error = s.world.refused(|c, x| bind_vip(c, &a, x, dual.id, servers[1].port, true));
    assert_eq!(error.code(), "invalid_parameter");
    let more = UpdatePort { ipv6: PortIpv6::Automatic, ..UpdatePort::default() };
    assert_eq!(s.world.refused(|c, x| update_port(c, &a, x, plain.id, more)).code(), "invalid_parameter");
    assert_eq!(s.world.ok(|c, _| claim_vip(c, servers[1].port, address)), Claimed::Ignored);
    assert_eq!(s.world.ok(|c, _| claim_vip(c, servers[0].port, address)), Claimed::Moved(dual.id));
}

/// NH-4, NH-9: a route may name it, and then it stays.
#[test]
fn a_virtual_ip_that_a_route_names_cannot_be_deleted() {
    let mut s = setup();
    let a = s.a.clone();
    let table = s.world.catalog.vpc(s.vip.vpc).unwrap().default_route_table;
    let route = |hop: &dyn ToString| NewRoute::new(dest("1.0.0.0/8"), NextHopType::Vip, hop.to_string());
    let own = s.address(0);
    assert_eq!(s.world.add_route(&a, table, route(&own)).unwrap_err().code(), "next_hop_not_in_vpc");
    s.world.add_route(&a, table, route(&s.vip.ipv4)).unwrap();
    let note = |s: &Setup| crate::route_table(&s.world.catalog, &s.a, table).unwrap().routes[0].note.clone();
    assert!(note(&s).unwrap().contains("No server has claimed"));
    s.bind(0, false);
    s.claim(s.servers[0].port);
    assert_eq!(note(&s), None);
    let server = s.servers[0].id;
    s.world.ok(|c, x| stop_server(c, &a, x, server));
    assert!(note(&s).unwrap().contains("stopped"));
    let id = s.vip.id;
    assert_eq!(s.world.refused(|c, x| delete_port(c, &a, x, id)).code(), "next_hop_in_use");
    let remove = crate::UpdateRouteTable { remove: vec![dest("1.0.0.0/8")], ..crate::UpdateRouteTable::default() };
    s.world.ok(|c, x| crate::update_route_table(c, &a, x, table, remove));
    s.world.ok(|c, x| delete_port(c, &a, x, id));
}

/// NH-3: a server may have further interfaces; a port that is attached belongs to nobody else.
#[test]
fn a_port_is_attached_to_a_server_as_one_more_interface() {
    let mut s = setup();
    let (a, server) = (s.a.clone(), s.servers[0].id);
    let elsewhere = s.world.subnet(&a, s.vip.vpc, "10.0.1.0/24").id;
    let ports = [s.subnet, elsewhere].map(|subnet| s.world.ok(|c, x| create_port(c, &a, x, CreatePort::new(subnet))));
    let attached = ports.each_ref().map(|port| s.world.ok(|c, x| attach_port(c, &a, x, server, port.id)));
    assert_eq!(attached.each_ref().map(|port| port.device_index), [1, 2]);
    assert!(attached.iter().all(|port| port.server == Some(server) && port.device_owner == "compute:az1"));
    assert!(s.world.run(|c, x| attach_port(c, &a, x, server, ports[0].id)).unwrap().changes.is_empty());
    let other = s.servers[1].id;
    assert_eq!(s.world.refused(|c, x| attach_port(c, &a, x, other, ports[0].id)).code(), "port_in_use");
    let id = s.vip.id;
    assert_eq!(s.world.refused(|c, x| attach_port(c, &a, x, server, id)).code(), "invalid_parameter");
    assert_eq!(s.world.refused(|c, x| delete_port(c, &a, x, ports[0].id)).code(), "port_in_use");
    let far = s.world.vpc(&a, "far", "10.1.0.0/16").id;
    let far = s.world.subnet(&a, far, "10.1.0.0/24").id;
    let far = s.world.ok(|c, x| create_port(c, &a, x, CreatePort::new(far))).id;
    assert_eq!(s.world.refused(|c, x| attach_port(c, &a, x, server, far)).code(), "invalid_parameter");

    // A holder that is detached holds nothing; the index is free again.
    s.world.ok(|c, x| bind_vip(c, &a, x, id, ports[0].id, true));
    assert_eq!(s.claim(ports[0].id), Claimed::Moved(id));
    let free = s.world.ok(|c, x| detach_port(c, &a, x, server, ports[0].id));
    assert_eq!((free.server, free.device_owner.as_str(), free.device_index), (None, "", 0));
    assert_eq!(s.holder(), None);
    assert_eq!(s.claim(ports[0].id), Claimed::Ignored, "attached to nothing");
    assert_eq!(s.world.refused(|c, x| detach_port(c, &a, x, server, ports[0].id)).code(), "not_found");
    let primary = s.servers[0].port;
    assert_eq!(s.world.refused(|c, x| detach_port(c, &a, x, server, primary)).code(), "invalid_parameter");
    assert_eq!(s.world.ok(|c, x| attach_port(c, &a, x, server, ports[0].id)).device_index, 1);

    // With both its ports bound, one of them holding: deletion leaves neither.
    s.bind(0, true);
    assert_eq!(s.claim(ports[0].id), Claimed::Moved(id));
    s.world.ok(|c, x| delete_server(c, &a, x, server));
    assert_eq!(s.holder(), None);
    let left = s.world.catalog.port(id).unwrap();
    assert_eq!(left.allowed_address_pairs, [AddressPair::of(s.world.catalog.port(ports[0].id).unwrap().ipv4)]);
    assert!(ports.iter().all(|port| s.world.catalog.port(port.id).unwrap().server.is_none()), "they stay");
}

/// VIP-7: a port without an IPv6 address could neither claim an IPv6 virtual IP nor answer for it.
#[test]
fn an_ipv6_virtual_ip_needs_a_port_with_ipv6() {
    let mut world = World::new();
    let a = world.a.clone();
    let vpc = world.vpc(&a, "vpc", "10.0.0.0/16").id;
    let dual = CreateSubnet { ipv6: true, ..CreateSubnet::new(vpc, "dual", super::fixture::net("10.0.0.0/24")) };
    let subnet = world.ok(|c, x| create_subnet(c, &a, x, dual)).id;
    let vip = virtual_ip(&mut world, &a, subnet, Some("10.0.0.100"), PortIpv6::Automatic);
    assert!(vip.ipv6.is_some());
    let port = |world: &mut World, ipv6| {
        let request = CreatePort { ipv6, ..CreatePort::new(subnet) };
        world.ok(|c, x| create_port(c, &a, x, request))
    };
    let without = port(&mut world, PortIpv6::None);
    assert!(without.ipv6.is_none());
    let refused = world.refused(|c, x| update_port(c, &a, x, vip.id, pairs(&[&without.ipv4.to_string()])));
    assert!(refused.to_string().contains("has none"), "{refused}");
    let with = port(&mut world, PortIpv6::AsSubnet);
    world.ok(|c, x| update_port(c, &a, x, vip.id, pairs(&[&with.ipv4.to_string()])));
}

/// CHK-4: the pair that comes with a binding is none of those that a port may have, so what was read can be written.
#[test]
fn the_pair_that_turns_the_check_off_does_not_count() {
    let mut setup = setup();
    setup.world.limits.address_pairs_per_port = 1;
    let (a, port) = (setup.a.clone(), setup.servers[0].port);
    setup.world.ok(|c, x| update_port(c, &a, x, port, pairs(&["10.9.0.1"])));
    setup.bind(0, false);
    let read = setup.world.catalog.port(port).unwrap().allowed_address_pairs.clone();
    assert_eq!(read.len(), 2, "{read:?}");
    let written = UpdatePort { allowed_address_pairs: Some(read), ..UpdatePort::default() };
    setup.world.ok(|c, x| update_port(c, &a, x, port, written));
    let two = setup.world.refused(|c, x| update_port(c, &a, x, port, pairs(&["10.9.0.1", "10.9.0.2"])));
    assert_eq!(two.code(), "invalid_parameter");
}
