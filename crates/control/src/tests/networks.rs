//! Networks on no router, and how they become subnets of a VPC and leave it again (api-vpc §5.6).

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use model::{Claim, NetworkRange, SubnetId, VpcId};

use super::fixture::{World, net, via_peering};
use super::interleaving::Bench;
use crate::error::{AccountUse, SubnetUse};
use crate::{
    Caller, CreateCidrReservation, CreateNeutronSubnet, CreatePort, CreateSubnet, CreateVpc, Error, Limits,
    NetworkView, NewNeutronRange, Quota, UpdateNeutronSubnet, UpdateSubnet, UpdateVpc, add_router_interface,
    create_cidr_reservation, create_network, create_neutron_subnet, create_port, create_subnet, create_vpc,
    delete_account, delete_network, delete_neutron_subnet, delete_port, delete_subnet, delete_vpc, network, network_of,
    networks, remove_router_interface, subnet, update_network, update_neutron_subnet, update_subnet, update_vpc,
};

fn setup() -> (World, Caller) {
    let world = World::new();
    let a = world.a.clone();
    (world, a)
}

fn bare(world: &mut World, caller: &Caller, name: &str) -> SubnetId {
    world.ok(|c, x| create_network(c, caller, x, name.into())).id
}

fn v4(network: SubnetId, cidr: &str) -> CreateNeutronSubnet {
    let range = NewNeutronRange::V4 { cidr: net(cidr), gateway: None, dns: Vec::new() };
    CreateNeutronSubnet { network, name: None, range }
}

fn v6(network: SubnetId) -> CreateNeutronSubnet {
    CreateNeutronSubnet { network, name: Some("six".into()), range: NewNeutronRange::V6 { cidr: None } }
}

fn ranged(world: &mut World, caller: &Caller, name: &str, cidr: &str) -> NetworkView {
    let id = bare(world, caller, name);
    world.ok(|c, x| create_neutron_subnet(c, caller, x, v4(id, cidr)))
}

fn neutron(view: &NetworkView) -> uuid::Uuid {
    view.range.as_ref().unwrap().neutron_subnet_id
}

fn router(world: &mut World, caller: &Caller, name: &str) -> VpcId {
    let request = CreateVpc { name: name.into(), ..CreateVpc::default() };
    world.ok(|c, x| create_vpc(c, caller, x, request)).id
}

#[test]
fn a_network_becomes_a_subnet_with_the_same_ids_and_comes_back() {
    let (mut world, a) = setup();
    let id = bare(&mut world, &a, "net");
    assert_eq!(network(&world.catalog, &a, id).unwrap().range, None);
    let made = world.ok(|c, x| create_neutron_subnet(c, &a, x, v4(id, "10.9.0.0/24")));
    let dual = world.ok(|c, x| create_neutron_subnet(c, &a, x, v6(id)));
    let prefix = dual.range.as_ref().unwrap().ipv6.unwrap();
    let claim = Claim::ipv6_prefix(prefix.cidr);
    assert_eq!(world.catalog.claim(&claim), Some(format!("network/{id}").as_str()));
    assert_eq!(dual.subnets().iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["net", "six"]);

    let vpc = router(&mut world, &a, "router");
    // By either of its Neutron subnets.
    let attached = world.ok(|c, x| add_router_interface(c, &a, x, vpc, prefix.neutron_subnet_id));
    assert_eq!((attached.id, attached.vpc, &attached.range), (id, Some(vpc), &dual.range));
    let of_vpc = subnet(&world.catalog, &a, id).unwrap();
    assert_eq!(of_vpc.route_table, world.catalog.vpc(vpc).unwrap().default_route_table);
    assert_eq!(world.catalog.claim(&claim), Some(format!("subnet/{id}").as_str()));
    assert!(world.catalog.network(id).is_none());
    assert_eq!(network_of(&world.catalog, &a, neutron(&made)).unwrap(), attached);
    super::invariants::check(&world.catalog, &world.limits);
    // Once more is no change.
    let outcome = world.run(|c, x| add_router_interface(c, &a, x, vpc, neutron(&made))).unwrap();
    assert!(outcome.changes.is_empty());

    let changed = UpdateSubnet { name: Some("v1-name".into()), ..UpdateSubnet::default() };
    world.ok(|c, x| update_subnet(c, &a, x, id, changed));
    let back = world.ok(|c, x| remove_router_interface(c, &a, x, vpc, neutron(&made)));
    assert_eq!((back.id, back.vpc, back.name.as_str(), &back.range), (id, None, "v1-name", &dual.range));
    assert!(world.catalog.subnet(id).is_none());
    assert_eq!(world.catalog.claim(&claim), Some(format!("network/{id}").as_str()));
    assert_eq!(networks(&world.catalog, &a), [back]);
    super::invariants::check(&world.catalog, &world.limits);

    world.ok(|c, x| delete_network(c, &a, x, id));
    assert!(networks(&world.catalog, &a).is_empty());
    assert_eq!(world.catalog.claim(&claim), None);
    world.ok(|c, x| delete_vpc(c, &a, x, vpc));
}

#[test]
fn a_network_on_no_router_does_nothing_that_a_subnet_does() {
    let (mut world, a) = setup();
    let id = ranged(&mut world, &a, "net", "10.9.0.0/24").id;
    let apart = Error::NetworkNotAttached { network: id };
    assert_eq!(world.refused(|c, x| create_port(c, &a, x, CreatePort::new(id))), apart);
    assert_eq!(world.refused(|c, x| update_subnet(c, &a, x, id, UpdateSubnet::default())), apart);
    assert_eq!(world.refused(|c, x| delete_subnet(c, &a, x, id, None)), apart);
    // Nobody else learns that it is there.
    let b = world.b.clone();
    assert!(matches!(world.refused(|c, x| create_port(c, &b, x, CreatePort::new(id))), Error::NotFound { .. }));
    assert!(matches!(world.refused(|c, x| delete_network(c, &b, x, id)), Error::NotFound { .. }));
    assert!(network(&world.catalog, &b, id).is_err() && networks(&world.catalog, &b).is_empty());
}

#[test]
fn a_network_in_use_stays_on_its_router() {
    let (mut world, a) = setup();
    let vpc = router(&mut world, &a, "r");
    let view = ranged(&mut world, &a, "net", "192.168.0.0/24");
    world.ok(|c, x| add_router_interface(c, &a, x, vpc, neutron(&view)));
    let attached = Error::NetworkAttached { network: view.id, vpc };
    assert_eq!(world.refused(|c, x| delete_network(c, &a, x, view.id)), attached);
    assert_eq!(world.refused(|c, x| delete_neutron_subnet(c, &a, x, neutron(&view))), attached);
    let other = router(&mut world, &a, "other");
    assert_eq!(world.refused(|c, x| add_router_interface(c, &a, x, other, neutron(&view))), attached);
    assert_eq!(
        world.refused(|c, x| remove_router_interface(c, &a, x, other, neutron(&view))),
        Error::RouterInterfaceNotFound { router: other, subnet: neutron(&view) }
    );
    let port = world.ok(|c, x| create_port(c, &a, x, CreatePort::new(view.id)));
    assert_eq!(port.ipv4, Ipv4Addr::new(192, 168, 0, 2));
    let by = SubnetUse::PrivateIps(vec![port.ipv4]);
    let error = world.refused(|c, x| remove_router_interface(c, &a, x, vpc, neutron(&view)));
    assert_eq!(error, Error::SubnetInUse { subnet: view.id, by });
    world.ok(|c, x| delete_port(c, &a, x, port.id));
    let request = CreateCidrReservation {
        subnet: view.id,
        version: model::IpVersion::V4,
        cidr: None,
        mask: Some(28),
        name: String::new(),
        description: String::new(),
    };
    world.ok(|c, x| create_cidr_reservation(c, &a, x, request));
    let error = world.refused(|c, x| remove_router_interface(c, &a, x, vpc, neutron(&view)));
    let by = SubnetUse::CidrReservations(vec!["192.168.0.16/28".parse().unwrap()]);
    assert_eq!(error, Error::SubnetInUse { subnet: view.id, by });
    // The whole subnet can go, with its reservations.
    world.ok(|c, x| delete_subnet(c, &a, x, view.id, Some(vpc)));
    assert_eq!(world.catalog.cidr_reservations().count(), 0);
}

#[test]
fn a_vpc_without_range_takes_any_private_subnet_and_another_only_what_is_inside() {
    let (mut world, a) = setup();
    let open = router(&mut world, &a, "open");
    for (cidr, number) in [("10.0.0.0/24", 1), ("172.16.0.0/28", 2), ("192.168.0.0/16", 3)] {
        let view = ranged(&mut world, &a, &format!("n{number}"), cidr);
        world.ok(|c, x| add_router_interface(c, &a, x, open, neutron(&view)));
    }
    let again = ranged(&mut world, &a, "n4", "10.0.0.128/25");
    let error = world.refused(|c, x| add_router_interface(c, &a, x, open, neutron(&again)));
    assert!(matches!(error, Error::SubnetOverlap { .. }), "{error:?}");
    let public = CreateSubnet::new(open, "p", net("8.8.8.0/24"));
    let error = world.refused(|c, x| create_subnet(c, &a, x, public));
    assert!(matches!(error, Error::CidrNotInVpc { .. }), "{error:?}");
    let ranges: Vec<Ipv4Net> = world.catalog.ranges_of(world.catalog.vpc(open).unwrap());
    assert_eq!(ranges.len(), 3);
    // A range that it gets later must contain them.
    let ranged_later = UpdateVpc { cidr: Some(net("10.0.0.0/8")), ..UpdateVpc::default() };
    assert!(matches!(world.refused(|c, x| update_vpc(c, &a, x, open, ranged_later)), Error::VpcCidr { .. }));
    super::invariants::check(&world.catalog, &world.limits);

    let vpc = world.vpc(&a, "closed", "10.1.0.0/16");
    let error = world.refused(|c, x| add_router_interface(c, &a, x, vpc.id, neutron(&again)));
    assert_eq!(error, Error::CidrNotInVpc { cidr: net("10.0.0.128/25"), blocks: vec![net("10.1.0.0/16")] });
    let inside = ranged(&mut world, &a, "n5", "10.1.2.0/24");
    world.ok(|c, x| add_router_interface(c, &a, x, vpc.id, neutron(&inside)));
}

/// RT-10: a network that joins a VPC warns of the routes that it covers, as a new subnet does.
#[test]
fn a_network_that_covers_routes_says_so() {
    let (mut world, a) = setup();
    let (x1, x2) = (world.vpc(&a, "x1", "10.0.0.0/16"), world.vpc(&a, "x2", "10.1.0.0/16"));
    let peering = world.peer(&a, x1.id, x2.id);
    world.add_route(&a, x1.default_route_table, via_peering("10.0.5.0/24", peering.id)).unwrap();
    let view = ranged(&mut world, &a, "net", "10.0.5.0/24");
    let (_, warnings) = world.call(|c, x| add_router_interface(c, &a, x, x1.id, neutron(&view))).unwrap();
    assert!(
        matches!(&warnings[..], [crate::Warning::SubnetShadowsRoutes { destinations, .. }] if destinations.len() == 1)
    );
}

#[test]
fn ranges_and_names_of_neutron_subnets_are_checked() {
    let (mut world, a) = setup();
    let id = bare(&mut world, &a, "");
    let refuse = |world: &mut World, request: CreateNeutronSubnet| {
        world.refused(|c, x| create_neutron_subnet(c, &a, x, request)).code()
    };
    for cidr in ["8.8.8.0/24", "10.0.0.0/29", "172.32.0.0/16"] {
        assert_eq!(refuse(&mut world, v4(id, cidr)), "invalid_parameter", "{cidr}");
    }
    assert_eq!(refuse(&mut world, v6(id)), "invalid_parameter", "IPv4 first");
    let gateway = |gateway: &str| CreateNeutronSubnet {
        range: NewNeutronRange::V4 {
            cidr: net("10.0.0.0/24"),
            gateway: Some(gateway.parse().unwrap()),
            dns: vec![Ipv4Addr::new(9, 9, 9, 9)],
        },
        ..v4(id, "10.0.0.0/24")
    };
    assert_eq!(refuse(&mut world, gateway("10.0.1.1")), "invalid_parameter");
    let made = world.ok(|c, x| create_neutron_subnet(c, &a, x, gateway("10.0.0.100")));
    let NetworkRange { gateway, dns, .. } = made.range.clone().unwrap();
    assert_eq!((gateway, dns.len()), (Ipv4Addr::new(10, 0, 0, 100), 1));
    assert_eq!(refuse(&mut world, v4(id, "10.5.0.0/24")), "invalid_parameter", "one range only");
    let six = world.ok(|c, x| create_neutron_subnet(c, &a, x, v6(id)));
    let six = six.range.unwrap().ipv6.unwrap();
    assert_eq!(refuse(&mut world, v6(id)), "invalid_parameter");
    let dns = UpdateNeutronSubnet { dns: Some(vec![Ipv4Addr::new(9, 9, 9, 9)]), ..UpdateNeutronSubnet::default() };
    let error = world.refused(|c, x| update_neutron_subnet(c, &a, x, six.neutron_subnet_id, dns.clone()));
    assert_eq!(error.code(), "invalid_parameter");
    let changed = UpdateNeutronSubnet { name: Some("four".into()), dns: Some(Vec::new()), dhcp_enable: Some(false) };
    let changed = world.ok(|c, x| update_neutron_subnet(c, &a, x, neutron(&made), changed));
    assert_eq!(changed.subnets().iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["four", "six"]);
    let range = changed.range.unwrap();
    assert!(range.dns.is_empty() && !range.dhcp_enable);
    assert_eq!(world.refused(|c, x| delete_neutron_subnet(c, &a, x, neutron(&made))).code(), "subnet_in_use");
    world.ok(|c, x| delete_neutron_subnet(c, &a, x, six.neutron_subnet_id));
    world.ok(|c, x| delete_neutron_subnet(c, &a, x, neutron(&made)));
    assert_eq!(network(&world.catalog, &a, id).unwrap().range, None);
    for name in ["admin_external_net".to_owned(), "n".repeat(256)] {
        assert!(world.run(|c, x| update_network(c, &a, x, id, Some(name))).is_err());
    }
    world.ok(|c, x| update_network(c, &a, x, id, Some("n".repeat(255))));
}

#[test]
fn networks_count_as_subnets_and_hold_their_account() {
    let (mut world, a) = setup();
    let id = bare(&mut world, &a, "net");
    let operator = world.operator.clone();
    let error = world.refused(|c, x| delete_account(c, &operator, x, a.account));
    assert_eq!(error, Error::AccountInUse { account: a.account, by: vec![AccountUse::Networks(1)] });
    world.limits.subnets = 1;
    let vpc = router(&mut world, &a, "r");
    let quota = Error::QuotaExceeded { resource: Quota::Subnets, used: 1, limit: 1 };
    assert_eq!(world.refused(|c, x| create_network(c, &a, x, String::new())), quota);
    let request = CreateSubnet::new(vpc, "s", net("10.0.0.0/24"));
    assert_eq!(world.refused(|c, x| create_subnet(c, &a, x, request)), quota);
    // To join a VPC is no growth.
    let view = world.ok(|c, x| create_neutron_subnet(c, &a, x, v4(id, "10.0.0.0/24")));
    world.ok(|c, x| add_router_interface(c, &a, x, vpc, neutron(&view)));
}

/// Each pair would lose or double something if both got through.
#[test]
fn pairs_about_one_network_conflict_in_either_order() {
    let mut bench = Bench::new(21, Limits::default());
    let a = bench.a.clone();
    let vpc = |name: &str| CreateVpc { name: name.into(), ..CreateVpc::default() };
    let (one, two) =
        (bench.ok(|c, x| create_vpc(c, &a, x, vpc("one"))).id, bench.ok(|c, x| create_vpc(c, &a, x, vpc("two"))).id);
    let mut ranged = |cidr: &str| {
        let id = bench.ok(|c, x| create_network(c, &a, x, String::new())).id;
        bench.ok(|c, x| create_neutron_subnet(c, &a, x, v4(id, cidr)))
    };
    let (apart, on) = (ranged("10.0.0.0/24"), ranged("10.0.1.0/24"));
    bench.ok(|c, x| add_router_interface(c, &a, x, one, neutron(&on)));
    let reservation = CreateCidrReservation {
        subnet: on.id,
        version: model::IpVersion::V4,
        cidr: None,
        mask: Some(30),
        name: String::new(),
        description: String::new(),
    };
    macro_rules! changes {
        ($use_case:expr) => {
            bench.decide($use_case).unwrap().changes
        };
    }
    let pairs = [
        (
            "two routers",
            changes!(|c, x| add_router_interface(c, &a, x, one, neutron(&apart))),
            changes!(|c, x| add_router_interface(c, &a, x, two, neutron(&apart))),
        ),
        (
            "join, delete the router",
            changes!(|c, x| add_router_interface(c, &a, x, two, neutron(&apart))),
            changes!(|c, x| delete_vpc(c, &a, x, two)),
        ),
        (
            "join, rename",
            changes!(|c, x| add_router_interface(c, &a, x, one, neutron(&apart))),
            changes!(|c, x| update_network(c, &a, x, apart.id, Some("new".into()))),
        ),
        (
            "leave, make a port",
            changes!(|c, x| remove_router_interface(c, &a, x, one, neutron(&on))),
            changes!(|c, x| create_port(c, &a, x, CreatePort::new(on.id))),
        ),
        (
            "leave, reserve",
            changes!(|c, x| remove_router_interface(c, &a, x, one, neutron(&on))),
            changes!(|c, x| create_cidr_reservation(c, &a, x, reservation.clone())),
        ),
        (
            "delete, reserve",
            changes!(|c, x| delete_subnet(c, &a, x, on.id, None)),
            changes!(|c, x| create_cidr_reservation(c, &a, x, reservation.clone())),
        ),
        (
            "reserve, make a port",
            changes!(|c, x| create_cidr_reservation(c, &a, x, reservation.clone())),
            changes!(|c, x| create_port(c, &a, x, CreatePort::new(on.id))),
        ),
        (
            "two networks for the last of the quota",
            changes!(|c, x| create_network(c, &a, x, String::new())),
            changes!(|c, x| create_network(c, &a, x, String::new())),
        ),
    ];
    for (what, first, second) in pairs {
        assert_eq!(bench.conflict([first, second]), [true; 2], "{what}");
    }
}
