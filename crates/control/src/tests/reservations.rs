//! CIDR reservations and private IPs: which addresses are given to whom (api-vpc §7.1, §7.2, §16; rule NET-4).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use model::{CidrReservation, IpVersion, Subnet, SubnetId, VIP_OWNER};

use super::fixture::{World, net};
use crate::{
    AddressCount, Caller, CreateCidrReservation, CreatePort, CreateSubnet, Error, NetworkView, NewPrivateIp, PortIpv6,
    Quota, UpdateCidrReservation, address_count, create_cidr_reservation, create_port, create_private_ips,
    create_subnet, delete_cidr_reservation, free_addresses, update_cidr_reservation,
};

fn setup() -> (World, Caller, Subnet) {
    let mut world = World::new();
    let a = world.a.clone();
    let vpc = world.vpc(&a, "vpc", "10.0.0.0/16");
    let mut request = CreateSubnet::new(vpc.id, "s", net("10.0.0.0/24"));
    request.ipv6 = true;
    let subnet = world.ok(|c, x| create_subnet(c, &a, x, request));
    (world, a, subnet)
}

fn request(subnet: SubnetId, cidr: Option<&str>, mask: Option<u8>) -> CreateCidrReservation {
    let cidr: Option<ipnet::IpNet> = cidr.map(|cidr| cidr.parse().unwrap());
    let version = if cidr.is_some_and(|cidr| cidr.addr().is_ipv6()) { IpVersion::V6 } else { IpVersion::V4 };
    CreateCidrReservation { subnet, version, cidr, mask, name: "r".into(), description: String::new() }
}

fn reserve(world: &mut World, caller: &Caller, wanted: CreateCidrReservation) -> Result<CidrReservation, Error> {
    world.call(|c, x| create_cidr_reservation(c, caller, x, wanted)).map(|(reservation, _)| reservation)
}

fn at(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, last)
}

fn ip(subnet: &Subnet, address: Option<u8>) -> NewPrivateIp {
    NewPrivateIp { subnet: subnet.id, address: address.map(at) }
}

/// §16: reserved addresses are given to who names them, and to nobody else.
#[test]
fn reserved_addresses_are_not_given_by_themselves() {
    let (mut world, a, subnet) = setup();
    let free = |world: &World| free_addresses(&world.catalog, subnet.id, &model::NetworkRange::of(&subnet));
    assert_eq!(free(&world), 251);
    let low = reserve(&mut world, &a, request(subnet.id, Some("10.0.0.4/30"), None)).unwrap();
    assert_eq!(free(&world), 247);
    let prefix = subnet.ipv6.unwrap().cidr;
    let v6 = format!("{}/126", Ipv6Addr::from(u128::from(prefix.network()) + 4));
    reserve(&mut world, &a, request(subnet.id, Some(&v6), None)).unwrap();
    let port = |world: &mut World| world.ok(|c, x| create_port(c, &a, x, CreatePort::new(subnet.id)));
    let made: Vec<_> = (0..4).map(|_| port(&mut world)).collect();
    assert_eq!(made.iter().map(|port| port.ipv4).collect::<Vec<_>>(), [at(2), at(3), at(8), at(9)]);
    let interface = |port: &model::Port| (u128::from(port.ipv6.unwrap()) & 0xffff) as u16;
    assert_eq!(made.iter().map(interface).collect::<Vec<_>>(), [2, 3, 8, 9]);
    let explicit = CreatePort { address: Some(at(5)), ..CreatePort::new(subnet.id) };
    let explicit = CreatePort { ipv6: PortIpv6::Address((u128::from(prefix.network()) + 6).into()), ..explicit };
    let named = world.ok(|c, x| create_port(c, &a, x, explicit));
    assert_eq!((named.ipv4, interface(&named)), (at(5), 6));
    // A used address of a reservation is not free twice: 251 - 4 reserved - 4 ports outside.
    assert_eq!(free(&world), 243);
    let vip = CreatePort { device_owner: VIP_OWNER.into(), ..CreatePort::new(subnet.id) };
    assert_eq!(world.ok(|c, x| create_port(c, &a, x, vip)).ipv4, at(10));
    super::invariants::check(&world.catalog, &world.limits);
    world.ok(|c, x| delete_cidr_reservation(c, &a, x, low.id));
    assert_eq!(port(&mut world).ipv4, at(4));
}

/// §16: a subnet whose other addresses are all in use has none left, however much is reserved.
#[test]
fn a_subnet_that_is_reserved_has_no_free_address() {
    let (mut world, a, _) = setup();
    let vpc = world.catalog.vpcs().next().unwrap().id;
    let small = world.subnet(&a, vpc, "10.0.9.0/28");
    reserve(&mut world, &a, request(small.id, Some("10.0.9.4/30"), None)).unwrap();
    reserve(&mut world, &a, request(small.id, Some("10.0.9.8/30"), None)).unwrap();
    for _ in 0..3 {
        world.ok(|c, x| create_port(c, &a, x, CreatePort::new(small.id)));
    }
    let error = world.refused(|c, x| create_port(c, &a, x, CreatePort::new(small.id)));
    assert_eq!(error, Error::NoFreeAddress { subnet: small.id, cidr: small.cidr.into() });
}

/// §16, limits §2.6.
#[test]
fn a_reservation_is_a_free_part_of_its_subnet() {
    let (mut world, a, subnet) = setup();
    world.ok(|c, x| create_port(c, &a, x, CreatePort { address: Some(at(70)), ..CreatePort::new(subnet.id) }));
    let refuse =
        |world: &mut World, cidr: Option<&str>, mask| reserve(world, &a, request(subnet.id, cidr, mask)).unwrap_err();
    for (cidr, mask, code) in [
        (None, None, "invalid_parameter"),
        (Some("10.0.0.128/28"), Some(27), "invalid_parameter"),
        (Some("10.0.0.0/25"), None, "invalid_parameter"),
        (None, Some(25), "invalid_parameter"),
        (None, Some(33), "invalid_parameter"),
        (Some("10.0.1.0/28"), None, "invalid_parameter"),
        (Some("10.0.0.0/28"), None, "invalid_parameter"),
        (Some("10.0.0.1/32"), None, "invalid_parameter"),
        (Some("10.0.0.252/31"), None, "invalid_parameter"),
        (Some("10.0.0.130/28"), None, "invalid_cidr"),
        (Some("10.0.0.64/26"), None, "address_in_use"),
    ] {
        assert_eq!(refuse(&mut world, cidr, mask).code(), code, "{cidr:?} {mask:?}");
    }
    // .0 is the network's, .70 in use, .192 ends with the reserved ones: one /26 is left.
    let chosen = reserve(&mut world, &a, request(subnet.id, None, Some(26))).unwrap();
    assert_eq!(chosen.cidr.to_string(), "10.0.0.128/26");
    assert_eq!(refuse(&mut world, None, Some(26)).code(), "no_free_block");
    let overlap = refuse(&mut world, Some("10.0.0.144/28"), None);
    assert_eq!(
        overlap,
        Error::CidrReservationOverlap { cidr: "10.0.0.144/28".parse().unwrap(), existing: chosen.cidr, id: chosen.id }
    );
    let both = reserve(&mut world, &a, request(subnet.id, Some("10.0.0.16/28"), Some(28))).unwrap();
    assert_eq!(both.cidr.to_string(), "10.0.0.16/28");
    let v6 = CreateCidrReservation { version: IpVersion::V6, ..request(subnet.id, None, Some(66)) };
    let v6 = reserve(&mut world, &a, v6).unwrap();
    assert!(subnet.ipv6.unwrap().cidr.contains(&match v6.cidr {
        ipnet::IpNet::V6(cidr) => cidr,
        ipnet::IpNet::V4(_) => panic!("{v6:?}"),
    }));
    let six = CreateCidrReservation { version: IpVersion::V6, ..request(subnet.id, None, Some(65)) };
    assert_eq!(reserve(&mut world, &a, six).unwrap_err().code(), "invalid_parameter");

    let change = UpdateCidrReservation { name: Some("other".into()), description: Some("d".into()) };
    let changed = world.ok(|c, x| update_cidr_reservation(c, &a, x, both.id, change));
    assert_eq!((changed.name.as_str(), changed.description.as_str(), changed.cidr), ("other", "d", both.cidr));
    let b = world.b.clone();
    assert!(matches!(world.refused(|c, x| delete_cidr_reservation(c, &b, x, both.id)), Error::NotFound { .. }));
    world.limits.cidr_reservations_per_subnet = 3;
    let quota = refuse(&mut world, None, Some(32));
    assert_eq!(quota, Error::QuotaExceeded { resource: Quota::CidrReservations, used: 3, limit: 3 });
    super::invariants::check(&world.catalog, &world.limits);
}

/// §7.1.
#[test]
fn private_ips_are_made_all_or_none_in_order() {
    let (mut world, a, subnet) = setup();
    let wanted = [ip(&subnet, None), ip(&subnet, Some(2)), ip(&subnet, None), ip(&subnet, Some(9))];
    let ports = world.ok(|c, x| create_private_ips(c, &a, x, &wanted));
    assert_eq!(ports.iter().map(|port| port.ipv4).collect::<Vec<_>>(), [at(3), at(2), at(4), at(9)]);
    let macs: std::collections::BTreeSet<_> = ports.iter().map(|port| port.mac).collect();
    assert_eq!(macs.len(), 4);
    assert!(ports.iter().all(|port| port.ipv6.is_none() && port.device_owner.is_empty()));
    super::invariants::check(&world.catalog, &world.limits);

    let before = world.catalog.ports().count();
    let refuse =
        |world: &mut World, wanted: &[NewPrivateIp]| world.refused(|c, x| create_private_ips(c, &a, x, wanted)).code();
    assert_eq!(refuse(&mut world, &[ip(&subnet, Some(20)), ip(&subnet, Some(9))]), "address_in_use");
    assert_eq!(refuse(&mut world, &[ip(&subnet, Some(20)), ip(&subnet, Some(20))]), "invalid_parameter");
    assert_eq!(refuse(&mut world, &[ip(&subnet, Some(1))]), "invalid_address");
    assert_eq!(refuse(&mut world, &[]), "invalid_parameter");
    assert_eq!(refuse(&mut world, &[ip(&subnet, None); 101]), "invalid_parameter");
    let missing = NewPrivateIp { subnet: SubnetId::new(uuid::Uuid::nil()), address: None };
    assert_eq!(refuse(&mut world, &[ip(&subnet, None), missing]), "not_found");
    assert_eq!(world.catalog.ports().count(), before);
}

/// §5.4, §7.2.
#[test]
fn counts_leave_out_what_is_reserved() {
    let (mut world, a, subnet) = setup();
    world.ok(|c, x| create_port(c, &a, x, CreatePort::new(subnet.id)));
    world.ok(|c, x| create_private_ips(c, &a, x, &[ip(&subnet, Some(200))]));
    reserve(&mut world, &a, request(subnet.id, None, Some(28))).unwrap();
    let view = NetworkView::from(&subnet);
    let counts: Vec<AddressCount> =
        view.subnets().iter().map(|range| address_count(&world.catalog, subnet.id, range)).collect();
    assert_eq!(counts[0], AddressCount { total: 251, used: 2 });
    assert_eq!(counts[1], AddressCount { total: (1 << 64) - 130, used: 1 });
    assert_eq!(view.subnets()[0].gateway, IpAddr::V4(at(1)));
    // A gateway in the middle parts the addresses.
    let vpc = world.catalog.vpcs().next().unwrap().id;
    let mut middle = CreateSubnet::new(vpc, "m", net("10.0.2.0/24"));
    middle.gateway = Some(Ipv4Addr::new(10, 0, 2, 100));
    let middle = NetworkView::from(&world.ok(|c, x| create_subnet(c, &a, x, middle)));
    let pools = &middle.subnets()[0].pools;
    assert_eq!(
        pools.iter().map(|pool| (pool.first & 0xff, pool.last & 0xff)).collect::<Vec<_>>(),
        [(1, 99), (101, 252)]
    );
}
