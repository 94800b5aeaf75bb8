use model::{NextHopType, RouteTable, Subnet, Vpc};

use super::fixture::{World, dest, net, via_peering, via_server};
use crate::{
    Caller, CreatePort, CreateRoute, CreateRouteTable, Error, Limits, NewRoute, NextHopSpec, RouteState,
    UpdateAssociations, UpdateRouteTable, Warning, add_secondary_cidrs, create_port, create_route, create_route_table,
    create_subnet, delete_route, delete_route_table, delete_subnet, reject_peering, route_table, routes, stop_server,
    update_associations, update_route_table,
};

struct Setup {
    world: World,
    a: Caller,
    vpc: Vpc,
    subnet: Subnet,
    peer: Vpc,
    peering: model::PeeringId,
}

/// VPC 10.0.0.0/16 with subnet 10.0.1.0/24, peered with VPC 10.1.0.0/16 of the same account.
fn setup() -> Setup {
    let mut world = World::new();
    let a = world.a.clone();
    let vpc = world.vpc(&a, "vpc", "10.0.0.0/16");
    let peer = world.vpc(&a, "peer", "10.1.0.0/16");
    let subnet = world.subnet(&a, vpc.id, "10.0.1.0/24");
    let peering = world.peer(&a, vpc.id, peer.id).id;
    Setup { world, a, vpc, subnet, peer, peering }
}

impl Setup {
    fn add(&mut self, route: NewRoute) -> Result<Vec<Warning>, Error> {
        let a = self.a.clone();
        self.world.add_route(&a, self.vpc.default_route_table, route)
    }

    fn code(&mut self, route: NewRoute) -> &'static str {
        self.add(route).unwrap_err().code()
    }

    fn table(&mut self, name: &str) -> RouteTable {
        let (a, vpc) = (self.a.clone(), self.vpc.id);
        let request = CreateRouteTable { vpc, name: name.into(), description: String::new(), routes: Vec::new() };
        self.world.ok(|c, x| create_route_table(c, &a, x, request))
    }

    fn states(&self) -> Vec<(String, RouteState)> {
        let view = route_table(&self.world.catalog, &self.a, self.vpc.default_route_table).unwrap();
        view.routes.into_iter().map(|view| (view.route.destination.to_string(), view.state)).collect()
    }
}

/// RT-8.
#[test]
fn a_destination_is_unique_in_its_table() {
    let mut s = setup();
    let (peering, a) = (s.peering, s.a.clone());
    s.add(via_peering("10.1.0.0/16", peering)).unwrap();
    assert_eq!(s.code(via_peering("10.1.0.0/16", peering)), "route_duplicate_destination");
    let server = s.world.server(&a, s.subnet.id, "s").id;
    assert_eq!(s.code(via_server("10.1.0.0/16", server)), "route_duplicate_destination");
    // Another table is another matter, and so is another prefix length.
    s.add(via_peering("10.1.0.0/17", peering)).unwrap();
    let other = s.table("other").id;
    s.world.route(&a, other, "10.1.0.0/16", peering);
    assert_eq!(s.code(via_peering("10.1.0.1/16", peering)), "invalid_cidr");
}

/// RT-9.
#[test]
fn a_destination_inside_a_system_route_is_refused_and_one_that_contains_subnets_is_not() {
    let mut s = setup();
    let peering = s.peering;
    for inside in ["10.0.1.0/24", "10.0.1.7/32", "100.64.0.0/10", "100.100.0.0/16", "198.19.129.0/24", "127.0.0.1/32"] {
        assert_eq!(s.code(via_peering(inside, peering)), "route_conflicts_with_local", "{inside}");
    }
    let warnings = s.add(via_peering("10.0.0.0/16", peering)).unwrap();
    let subnets = vec![dest("10.0.1.0/24")];
    assert_eq!(warnings, [Warning::RouteShadowed { destination: dest("10.0.0.0/16"), subnets }]);
    assert!(s.add(via_peering("10.0.2.0/24", peering)).unwrap().is_empty(), "no subnet there (RT-6)");
    assert!(s.add(via_peering("::/0", peering)).unwrap().is_empty());
}

/// NH-8, EXIT-6, and section 5: what a route names must exist in the VPC of the table.
#[test]
fn next_hops_belong_to_the_vpc_and_to_a_supported_type() {
    let mut s = setup();
    let (a, b) = (s.a.clone(), s.world.b.clone());
    let elsewhere = s.world.subnet(&a, s.peer.id, "10.1.1.0/24").id;
    let far = s.world.server(&a, elsewhere, "far");
    let third = s.world.vpc(&a, "third", "10.2.0.0/16").id;
    let others = s.world.peer(&a, s.peer.id, third).id;
    let foreign = s.world.vpc(&b, "foreign", "10.0.0.0/16").id;
    let mut code = |kind, next_hop: String| s.code(NewRoute::new(dest("10.9.0.0/16"), kind, next_hop));
    for (kind, id) in [
        (NextHopType::Peering, others.to_string()),
        (NextHopType::Peering, "nonsense".into()),
        (NextHopType::Peering, far.id.to_string()),
        (NextHopType::Ecs, far.id.to_string()),
        (NextHopType::Ecs, foreign.to_string()),
        (NextHopType::Eni, far.port.to_string()),
        (NextHopType::Vip, "10.0.1.9".into()),
        (NextHopType::Vip, "fd00::1".into()),
    ] {
        assert_eq!(code(kind, id.clone()), "next_hop_not_in_vpc", "{kind} {id}");
    }
    for kind in ["nat", "local", "vpn", "dc", "er", "cfw", "egw", "bms", "cce", "cc"] {
        assert_eq!(code(kind.parse().unwrap(), "x".into()), "next_hop_type_not_supported", "{kind}");
    }
    let local = s.world.server(&a, s.subnet.id, "local");
    let vip = CreatePort { device_owner: "neutron:VIP_PORT".into(), ..CreatePort::new(s.subnet.id) };
    let vip = s.world.ok(|c, x| create_port(c, &a, x, vip));
    s.add(NewRoute::new(dest("10.9.0.0/16"), NextHopType::Ecs, local.id)).unwrap();
    s.add(NewRoute::new(dest("10.10.0.0/16"), NextHopType::Eni, local.port)).unwrap();
    s.add(NewRoute::new(dest("10.11.0.0/16"), NextHopType::Vip, vip.ipv4)).unwrap();
    // A virtual IP is named by its address only.
    assert_eq!(s.code(NewRoute::new(dest("10.12.0.0/16"), NextHopType::Eni, vip.id)), "next_hop_not_in_vpc");
}

/// api-vpc section 3.3: del, mod, add; all or nothing.
#[test]
fn an_update_removes_then_changes_then_adds_all_or_nothing() {
    let mut s = setup();
    let (a, table, peering) = (s.a.clone(), s.vpc.default_route_table, s.peering);
    let server = s.world.server(&a, s.subnet.id, "s").id;
    s.add(via_peering("10.1.0.0/16", peering)).unwrap();
    s.add(via_peering("10.2.0.0/16", peering)).unwrap();
    let changed = NewRoute { description: Some("new".into()), ..via_server("10.2.0.0/16", server) };
    let request = UpdateRouteTable {
        name: Some("name".into()),
        remove: vec![dest("10.1.0.0/16")],
        modify: vec![changed],
        add: (1..=6)
            .map(|n| via_peering(&format!("10.{n}0.0.0/16"), peering))
            .chain([via_peering("10.1.0.0/16", peering)])
            .collect(),
        ..UpdateRouteTable::default()
    };
    let before = s.world.catalog.route_for(table, dest("10.2.0.0/16")).unwrap().clone();
    let updated = s.world.ok(|c, x| update_route_table(c, &a, x, table, request));
    assert_eq!(updated.name, "name");
    assert_eq!(s.world.catalog.routes_of(table).count(), 8);
    let after = s.world.catalog.route_for(table, dest("10.2.0.0/16")).unwrap();
    assert_eq!((after.id, after.description.as_str()), (before.id, "new"));
    assert_eq!(after.next_hop, model::NextHop::Ecs(server));

    let mut refused = |request: UpdateRouteTable| s.world.refused(|c, x| update_route_table(c, &a, x, table, request));
    let unknown = UpdateRouteTable { remove: vec![dest("10.99.0.0/16")], ..UpdateRouteTable::default() };
    assert_eq!(refused(unknown), Error::RouteNotFound { destination: dest("10.99.0.0/16") });
    let system = UpdateRouteTable { remove: vec![dest("10.0.1.0/24")], ..UpdateRouteTable::default() };
    assert_eq!(refused(system), Error::SystemRoute { destination: dest("10.0.1.0/24") });
    let modify = vec![via_peering("100.64.0.0/10", peering)];
    assert_eq!(refused(UpdateRouteTable { modify, ..UpdateRouteTable::default() }).code(), "system_route");
    let nameless = UpdateRouteTable { name: Some(String::new()), ..UpdateRouteTable::default() };
    assert_eq!(refused(nameless).code(), "invalid_name");
}

/// RT-14.
#[test]
fn routes_and_tables_are_limited_for_each_vpc() {
    let mut s = setup();
    let (a, vpc, peering) = (s.a.clone(), s.vpc.id, s.peering);
    s.world.limits = Limits { routes_per_vpc: 2, route_tables_per_vpc: 2, ..Limits::default() };
    let custom = s.table("custom").id;
    s.world.route(&a, custom, "10.1.0.0/16", peering);
    s.add(via_peering("10.1.0.0/16", peering)).unwrap();
    assert_eq!(s.code(via_peering("10.2.0.0/16", peering)), "quota_exceeded");
    // One out, one in.
    let swap = UpdateRouteTable {
        remove: vec![dest("10.1.0.0/16")],
        add: vec![via_peering("10.2.0.0/16", peering)],
        ..UpdateRouteTable::default()
    };
    s.world.ok(|c, x| update_route_table(c, &a, x, custom, swap));
    let request = |routes| CreateRouteTable { vpc, name: String::new(), description: String::new(), routes };
    assert_eq!(s.world.refused(|c, x| create_route_table(c, &a, x, request(vec![]))).code(), "quota_exceeded");
    s.world.limits = Limits::default();
    let six = (0..6).map(|n| via_peering(&format!("10.1{n}.0.0/16"), peering)).collect();
    assert_eq!(s.world.refused(|c, x| create_route_table(c, &a, x, request(six))).code(), "invalid_parameter");
}

/// RT-1, RT-15, EF-10.
#[test]
fn subnets_move_between_tables() {
    let mut s = setup();
    let (a, default, subnet) = (s.a.clone(), s.vpc.default_route_table, s.subnet.id);
    let custom = s.table("custom").id;
    let foreign = s.world.subnet(&a, s.peer.id, "10.1.1.0/24").id;
    let on = |associate: &[_]| UpdateAssociations { associate: associate.to_vec(), disassociate: Vec::new() };
    let off = |disassociate: &[_]| UpdateAssociations { associate: Vec::new(), disassociate: disassociate.to_vec() };
    let update = |world: &mut World, table, request: UpdateAssociations| {
        world.call(|c, x| update_associations(c, &a, x, table, &request)).map(|_| ()).map_err(|error| error.code())
    };
    assert_eq!(update(&mut s.world, custom, off(&[subnet])), Err("subnet_not_on_table"));
    assert_eq!(update(&mut s.world, custom, on(&[foreign])), Err("subnet_not_in_vpc"));
    assert_eq!(update(&mut s.world, custom, on(&[subnet])), Ok(()));
    assert_eq!(s.world.catalog.subnet(subnet).unwrap().route_table, custom);
    let error = s.world.refused(|c, x| delete_route_table(c, &a, x, custom));
    assert_eq!(error, Error::TableInUse { table: custom, subnets: vec![subnet] });
    assert_eq!(update(&mut s.world, default, off(&[subnet])), Err("default_table"));
    let both = UpdateAssociations { associate: vec![subnet], disassociate: vec![subnet] };
    assert_eq!(update(&mut s.world, custom, both), Err("invalid_parameter"));
    assert_eq!(update(&mut s.world, custom, off(&[subnet])), Ok(()));
    assert_eq!(s.world.catalog.subnet(subnet).unwrap().route_table, default);
    s.world.route(&a, custom, "10.1.0.0/16", s.peering);
    s.world.ok(|c, x| delete_route_table(c, &a, x, custom));
    assert_eq!(s.world.catalog.routes().count(), 0);
    assert_eq!(s.world.refused(|c, x| delete_route_table(c, &a, x, default)).code(), "default_table");
}

/// api-vpc section 2.
#[test]
fn legacy_routes_are_those_of_the_default_table() {
    let mut s = setup();
    let (a, vpc, peering) = (s.a.clone(), s.vpc.id, s.peering);
    let request =
        |kind, to: &str| CreateRoute { vpc, destination: dest(to), next_hop: NextHopSpec::new(kind, peering) };
    let route = s.world.ok(|c, x| create_route(c, &a, x, request(NextHopType::Peering, "10.1.0.0/16")));
    assert_eq!(route.table, s.vpc.default_route_table);
    assert_eq!(routes(&s.world.catalog, &a).len(), 1);
    let again = s.world.refused(|c, x| create_route(c, &a, x, request(NextHopType::Peering, "10.1.0.0/16")));
    assert_eq!(again.code(), "route_duplicate_destination");
    let other = s.world.refused(|c, x| create_route(c, &a, x, request(NextHopType::Ecs, "10.2.0.0/16")));
    assert_eq!(other.code(), "invalid_parameter");
    let b = s.world.b.clone();
    assert_eq!(s.world.refused(|c, x| delete_route(c, &b, x, route.id)).code(), "not_found");
    s.world.ok(|c, x| delete_route(c, &a, x, route.id));
    assert!(routes(&s.world.catalog, &a).is_empty());
}

/// RT-10, EF-3, EF-9: routes are shown as shadowed while subnets cover them, and come back.
#[test]
fn the_state_of_a_route_follows_subnets_and_peering() {
    let mut s = setup();
    let (a, vpc, peering) = (s.a.clone(), s.vpc.id, s.peering);
    s.world.ok(|c, x| add_secondary_cidrs(c, &a, x, vpc, &[net("100.20.0.0/16")]));
    s.add(via_peering("100.20.0.0/24", peering)).unwrap();
    s.add(via_peering("10.0.0.0/16", peering)).unwrap();
    let (full, part) = ("100.20.0.0/24".to_owned(), "10.0.0.0/16".to_owned());
    let expected = |state| vec![(part.clone(), RouteState::PartlyShadowed), (full.clone(), state)];
    assert_eq!(s.states(), expected(RouteState::Active));
    // Two halves cover all of it.
    let half = s.world.subnet(&a, vpc, "100.20.0.0/25").id;
    assert_eq!(s.states(), expected(RouteState::PartlyShadowed));
    s.world.subnet(&a, vpc, "100.20.0.128/25");
    assert_eq!(s.states(), expected(RouteState::Shadowed));
    s.world.ok(|c, x| delete_subnet(c, &a, x, half, None));
    assert_eq!(s.states(), expected(RouteState::PartlyShadowed));
    let wide = crate::CreateSubnet::new(vpc, "w", net("100.20.2.0/23"));
    s.world.ok(|c, x| create_subnet(c, &a, x, wide));

    let view = route_table(&s.world.catalog, &a, s.vpc.default_route_table).unwrap();
    let system: Vec<_> = view.system.iter().map(|route| route.destination.to_string()).collect();
    for wanted in ["100.64.0.0/10", "198.19.128.0/20", "10.0.1.0/24", "100.20.2.0/23"] {
        assert!(system.iter().any(|route| route == wanted), "{wanted}");
    }
    assert_eq!(view.subnets.len(), 3);
}

/// EF-3, PEER-5, RT-12.
#[test]
fn routes_to_a_peering_that_is_not_active_are_inactive() {
    let mut s = setup();
    let (a, b) = (s.a.clone(), s.world.b.clone());
    let theirs = s.world.vpc(&b, "theirs", "10.3.0.0/16").id;
    let pending = s.world.peer(&a, s.vpc.id, theirs).id;
    s.add(via_peering("10.3.0.0/16", pending)).unwrap();
    assert_eq!(s.states(), [("10.3.0.0/16".to_owned(), RouteState::Inactive)]);
    s.world.ok(|c, x| reject_peering(c, &b, x, pending));
    assert_eq!(s.states(), [("10.3.0.0/16".to_owned(), RouteState::Inactive)]);
    assert_eq!(s.code(via_peering("10.4.0.0/16", pending)), "invalid_state");

    let server = s.world.server(&a, s.subnet.id, "s").id;
    s.add(via_server("0.0.0.0/0", server)).unwrap();
    s.world.ok(|c, x| stop_server(c, &a, x, server));
    let view = route_table(&s.world.catalog, &a, s.vpc.default_route_table).unwrap();
    assert_eq!(view.routes[0].state, RouteState::PartlyShadowed, "a stopped server takes no route away");
    assert!(view.routes[0].note.is_some());
}

/// L2-7: what never leaves a subnet is no destination; what only contains it is one.
#[test]
fn a_route_that_can_have_no_effect_is_refused() {
    let mut setup = setup();
    let peering = setup.peering;
    for destination in [
        "169.254.0.0/16",
        "169.254.169.254/32",
        "224.0.0.0/4",
        "239.1.0.0/16",
        "255.255.255.255/32",
        "ff00::/8",
        "ff02::1/128",
        "fe80::/10",
        "fe80::/64",
        "::1/128",
    ] {
        assert_eq!(setup.code(via_peering(destination, peering)), "invalid_parameter", "{destination}");
    }
    for destination in ["168.0.0.0/6", "0.0.0.0/0", "::/0", "2001:db8::/32"] {
        setup.add(via_peering(destination, peering)).unwrap();
    }
}
