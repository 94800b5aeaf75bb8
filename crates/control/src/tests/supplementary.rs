use std::collections::BTreeSet;

use model::{NextHop, NextHopType, ParentInterface, Port, PortId, SubnetId, VIP_OWNER};

use super::fixture::{World, dest};
use crate::{
    AttachSupplementary, Caller, CreatePort, CreateSupplementary, Error, NewRoute, PortIpv6, UpdatePort, attach_port,
    attach_supplementary, create_port, create_supplementaries, create_supplementary, delete_port, delete_server,
    delete_supplementary, detach_port, detach_supplementary, migrate_supplementaries, update_supplementary,
};

struct Setup {
    world: World,
    a: Caller,
    /// The parents' subnet, and another one of the VPC.
    subnets: [SubnetId; 2],
    server: model::Server,
}

fn setup() -> Setup {
    let mut world = World::new();
    let a = world.a.clone();
    let vpc = world.vpc(&a, "vpc", "10.0.0.0/16").id;
    let subnets = ["10.0.0.0/24", "10.0.1.0/24"].map(|cidr| world.subnet(&a, vpc, cidr).id);
    let server = world.server(&a, subnets[0], "host");
    Setup { world, a, subnets, server }
}

fn new(subnet: SubnetId, parent: PortId) -> CreateSupplementary {
    CreateSupplementary {
        subnet,
        parent,
        vlan: None,
        description: String::new(),
        address: None,
        ipv6: PortIpv6::None,
        security_groups: None,
        allowed_address_pairs: Vec::new(),
        tags: model::Tags::default(),
    }
}

impl Setup {
    fn make(&mut self, request: CreateSupplementary) -> Port {
        let a = self.a.clone();
        self.world.ok(|c, x| create_supplementary(c, &a, x, request.clone()))
    }

    fn refused(&mut self, request: CreateSupplementary) -> Error {
        let a = self.a.clone();
        self.world.refused(|c, x| create_supplementary(c, &a, x, request.clone()))
    }

    fn port(&self, id: PortId) -> &Port {
        self.world.catalog.port(id).unwrap()
    }

    fn free_port(&mut self) -> Port {
        let (a, subnet) = (self.a.clone(), self.subnets[0]);
        self.world.ok(|c, x| create_port(c, &a, x, CreatePort::new(subnet)))
    }
}

/// api-vpc section 11: any subnet of the VPC; the lowest free VLAN, or the one that is asked for.
#[test]
fn a_supplementary_interface_gets_a_vlan_of_its_parent() {
    let mut s = setup();
    let (parent, [_, other]) = (s.server.port, s.subnets);
    let first = s.make(new(other, parent));
    assert_eq!(first.parent(), Some(ParentInterface { port: parent, vlan: 1 }));
    assert_eq!((first.server, first.device_index, first.subnet), (Some(s.server.id), 0, other));
    assert_eq!(s.make(CreateSupplementary { vlan: Some(3), ..new(other, parent) }).parent().unwrap().vlan, 3);
    assert_eq!(s.make(new(other, parent)).parent().unwrap().vlan, 2);
    assert_eq!(s.make(new(other, parent)).parent().unwrap().vlan, 4);
    let taken = s.refused(CreateSupplementary { vlan: Some(1), ..new(other, parent) });
    assert_eq!(taken, Error::VlanInUse { parent, vlan: 1, interface: first.id });
    for vlan in [0, 4095] {
        let error = s.refused(CreateSupplementary { vlan: Some(vlan), ..new(other, parent) });
        assert_eq!(error.code(), "invalid_parameter", "{vlan}");
    }
    // Another parent has VLANs of its own.
    let free = s.free_port().id;
    assert_eq!(s.make(new(other, free)).parent().unwrap().vlan, 1);
}

#[test]
fn not_every_port_can_carry_one() {
    let mut s = setup();
    let (a, [subnet, _]) = (s.a.clone(), s.subnets);
    let vip = CreatePort { device_owner: VIP_OWNER.into(), ..CreatePort::new(subnet) };
    let vip = s.world.ok(|c, x| create_port(c, &a, x, vip.clone())).id;
    let sub = s.make(new(subnet, s.server.port)).id;
    let elsewhere = s.world.vpc(&a, "other", "10.0.0.0/16").id;
    let elsewhere = s.world.subnet(&a, elsewhere, "10.0.0.0/24").id;
    for (subnet, parent, code) in [
        (subnet, vip, "invalid_parameter"),
        (subnet, sub, "invalid_parameter"),
        (elsewhere, s.server.port, "invalid_parameter"),
        (subnet, PortId::new(uuid::Uuid::from_u128(77)), "not_found"),
    ] {
        assert_eq!(s.refused(new(subnet, parent)).code(), code);
    }
    let stranger = s.world.b.clone();
    let theirs = s.world.vpc(&stranger, "theirs", "10.0.0.0/16").id;
    let theirs = s.world.subnet(&stranger, theirs, "10.0.0.0/24").id;
    let request = new(theirs, s.server.port);
    assert_eq!(s.world.refused(|c, x| create_supplementary(c, &stranger, x, request.clone())).code(), "not_found");
}

/// All or none, each with an address, a hardware address and a VLAN of its own.
#[test]
fn several_are_made_at_once() {
    let mut s = setup();
    let (a, request) = (s.a.clone(), new(s.subnets[1], s.server.port));
    let made = s.world.ok(|c, x| create_supplementaries(c, &a, x, &request, 20));
    assert_eq!(made.len(), 20);
    let vlans: BTreeSet<u16> = made.iter().map(|port| port.parent().unwrap().vlan).collect();
    assert_eq!(vlans, (1..=20).collect());
    assert_eq!(made.iter().map(|port| (port.ipv4, port.mac)).collect::<BTreeSet<_>>().len(), 20);
    assert_eq!(s.world.catalog.supplementary_ports_of(s.server.port).count(), 20);
    for count in [0, 21] {
        let error = s.world.refused(|c, x| create_supplementaries(c, &a, x, &request, count));
        assert_eq!(error.code(), "invalid_parameter");
    }
}

/// It is where its parent is: at a server, at none, detached when the parent goes with its server.
#[test]
fn it_follows_its_parent() {
    let mut s = setup();
    let a = s.a.clone();
    let parent = s.free_port();
    let sub = s.make(new(s.subnets[1], parent.id));
    assert_eq!(sub.server, None);
    s.world.ok(|c, x| attach_port(c, &a, x, s.server.id, parent.id));
    assert_eq!((s.port(sub.id).server, s.port(sub.id).device_index), (Some(s.server.id), 1));
    assert_eq!(s.world.refused(|c, x| attach_port(c, &a, x, s.server.id, sub.id)).code(), "invalid_parameter");
    assert_eq!(s.world.refused(|c, x| detach_port(c, &a, x, s.server.id, sub.id)).code(), "not_found");
    s.world.ok(|c, x| detach_port(c, &a, x, s.server.id, parent.id));
    assert_eq!((s.port(sub.id).server, s.port(sub.id).device_index), (None, 0));
    assert_eq!(s.world.refused(|c, x| delete_port(c, &a, x, parent.id)).code(), "port_carries_interfaces");

    let of_server = s.make(new(s.subnets[1], s.server.port));
    s.world.ok(|c, x| delete_server(c, &a, x, s.server.id));
    assert_eq!((s.port(of_server.id).server, s.port(of_server.id).parent()), (None, None));
    assert!(s.port(of_server.id).is_supplementary());
    assert_eq!(s.world.refused(|c, x| delete_port(c, &a, x, of_server.id)).code(), "invalid_parameter");
    s.world.ok(|c, x| delete_supplementary(c, &a, x, of_server.id));
    s.world.ok(|c, x| delete_supplementary(c, &a, x, sub.id));
    s.world.ok(|c, x| delete_port(c, &a, x, parent.id));
}

#[test]
fn it_is_detached_and_attached_again() {
    let mut s = setup();
    let a = s.a.clone();
    let (first, second) = (s.make(new(s.subnets[1], s.server.port)), s.make(new(s.subnets[1], s.server.port)));
    let attach = AttachSupplementary { parent: s.server.port, security_groups: None, security_enabled: Some(false) };
    let attached = s.world.refused(|c, x| attach_supplementary(c, &a, x, first.id, attach.clone()));
    assert_eq!(attached.code(), "invalid_parameter");
    let free = s.world.ok(|c, x| detach_supplementary(c, &a, x, first.id));
    assert_eq!((free.parent(), free.server, free.ipv4), (None, None, first.ipv4));
    assert!(s.world.run(|c, x| detach_supplementary(c, &a, x, first.id)).unwrap().changes.is_empty());
    let again = s.world.ok(|c, x| attach_supplementary(c, &a, x, first.id, attach.clone()));
    assert_eq!(again.parent(), Some(ParentInterface { port: s.server.port, vlan: 1 }), "the lowest free one");
    assert!(!again.port_security_enabled);
    assert_eq!(again.server, Some(s.server.id));
    let plain = s.free_port().id;
    assert_eq!(s.world.refused(|c, x| detach_supplementary(c, &a, x, plain)).code(), "not_found");
    let request = UpdatePort { description: Some("<".into()), ..UpdatePort::default() };
    let error = s.world.refused(|c, x| update_supplementary(c, &a, x, second.id, request.clone()));
    assert_eq!(error.code(), "invalid_description");
}

/// All or none; each keeps its VLAN unless it is given another.
#[test]
fn several_move_to_another_parent() {
    let mut s = setup();
    let a = s.a.clone();
    let target = s.free_port().id;
    let subs: Vec<PortId> = (0..3).map(|_| s.make(new(s.subnets[1], s.server.port)).id).collect();
    let there = s.make(CreateSupplementary { vlan: Some(2), ..new(s.subnets[1], target) }).id;
    let all: Vec<_> = subs.iter().map(|id| (*id, None)).collect();
    let error = s.world.refused(|c, x| migrate_supplementaries(c, &a, x, target, &all));
    assert_eq!(error, Error::VlanInUse { parent: target, vlan: 2, interface: there });
    assert_eq!(s.world.catalog.supplementary_ports_of(target).count(), 1);
    let all = [(subs[0], None), (subs[1], Some(9)), (subs[2], None)];
    let moved = s.world.ok(|c, x| migrate_supplementaries(c, &a, x, target, &all));
    let vlans: Vec<u16> = moved.iter().map(|port| port.parent().unwrap().vlan).collect();
    assert_eq!((vlans, s.world.catalog.supplementary_ports_of(target).count()), (vec![1, 9, 3], 4));
    assert!(moved.iter().all(|port| port.server.is_none()));
    for wrong in [vec![], vec![(subs[0], None), (subs[0], None)]] {
        let error = s.world.refused(|c, x| migrate_supplementaries(c, &a, x, target, &wrong));
        assert_eq!(error.code(), "invalid_parameter");
    }
}

/// NH-3, NH-9: a route names it by either type; it stays as long as one does.
#[test]
fn routes_lead_to_it() {
    let mut s = setup();
    let a = s.a.clone();
    let sub = s.make(new(s.subnets[1], s.server.port)).id;
    let table = s.world.catalog.vpcs().next().unwrap().default_route_table;
    let spec = |kind, to: &str| NewRoute::new(dest(to), kind, sub);
    s.world.add_route(&a, table, spec(NextHopType::Subeni, "192.168.0.0/24")).unwrap();
    s.world.add_route(&a, table, spec(NextHopType::Eni, "192.168.1.0/24")).unwrap();
    assert_eq!(s.world.catalog.routes_to(NextHop::Subeni(sub)).count(), 1);
    let error = s.world.refused(|c, x| delete_supplementary(c, &a, x, sub));
    assert!(matches!(&error, Error::NextHopInUse { routes, .. } if routes.len() == 2), "{error:?}");
    let plain = NewRoute::new(dest("192.168.2.0/24"), NextHopType::Subeni, s.server.port);
    assert_eq!(s.world.add_route(&a, table, plain).unwrap_err().code(), "next_hop_not_in_vpc");
}
