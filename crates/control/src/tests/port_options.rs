use model::{Port, PortProfile, SecurityGroupId, SubnetId, VIP_OWNER};

use super::fixture::World;
use crate::{
    Caller, CreatePort, CreateSecurityGroup, ServicePorts, UpdatePort, create_port, create_security_group,
    insert_port_groups, remove_port_groups, update_port,
};

fn setup() -> (World, Caller, SubnetId) {
    let mut world = World::new();
    let a = world.a.clone();
    let vpc = world.vpc(&a, "vpc", "10.0.0.0/16").id;
    let subnet = world.subnet(&a, vpc, "10.0.0.0/24").id;
    (world, a, subnet)
}

fn make(world: &mut World, caller: &Caller, request: CreatePort) -> Port {
    world.ok(|c, x| create_port(c, caller, x, request.clone()))
}

fn update(world: &mut World, caller: &Caller, port: &Port, request: UpdatePort) -> Port {
    world.ok(|c, x| update_port(c, caller, x, port.id, request.clone()))
}

/// CHK-8: off, the check is off with it, and its own switch stays where it was.
#[test]
fn port_security_is_a_switch_above_the_others() {
    let (mut world, a, subnet) = setup();
    let port = make(&mut world, &a, CreatePort::new(subnet));
    assert!(port.port_security_enabled && port.is_checked() && port.has_security_groups());
    let switch = |on| UpdatePort { port_security_enabled: Some(on), ..UpdatePort::default() };
    let port = update(&mut world, &a, &port, switch(false));
    assert!(!port.is_checked() && !port.has_security_groups() && port.source_dest_check);
    assert!(!port.security_groups.is_empty(), "kept for when it is on again");
    let port = update(&mut world, &a, &port, UpdatePort { name: Some("n".into()), ..UpdatePort::default() });
    assert!(!port.port_security_enabled, "what is not said stays");
    assert!(update(&mut world, &a, &port, switch(true)).is_checked());
}

/// SG-13, SG-14, api-vpc section 6.3.
#[test]
fn a_profile_has_its_limits() {
    let (mut world, a, subnet) = setup();
    let profile = |tcp: Vec<u16>, udp| PortProfile {
        disable_security_groups: true,
        tcp_service_ports: tcp,
        udp_service_ports: udp,
    };
    let request = |profile| CreatePort { profile, ..CreatePort::new(subnet) };
    let port = make(&mut world, &a, request(profile((1..=10).collect(), (1..=5).collect())));
    assert!(!port.has_security_groups() && port.is_checked());
    for wrong in [profile((1..=10).collect(), (1..=6).collect()), profile(vec![0], vec![])] {
        let error = world.refused(|c, x| create_port(c, &a, x, request(wrong.clone())));
        assert_eq!(error.code(), "invalid_parameter");
    }
    let services =
        |tcp: Vec<u16>| UpdatePort { services: Some(ServicePorts { tcp, udp: vec![] }), ..UpdatePort::default() };
    let port = update(&mut world, &a, &port, services(vec![80]));
    assert_eq!(port.profile, profile(vec![80], vec![]), "that groups are disabled stays");
    let error = world.refused(|c, x| update_port(c, &a, x, port.id, services((1..=16).collect())));
    assert_eq!(error.code(), "invalid_parameter");
}

/// L2-5: a lease comes, stays and goes.
#[test]
fn a_lease_is_changed_only_when_it_is_named() {
    let (mut world, a, subnet) = setup();
    let lease = |text: &str| Some(text.parse().unwrap());
    let port = make(&mut world, &a, CreatePort { lease: lease("5h"), ..CreatePort::new(subnet) });
    let port = update(&mut world, &a, &port, UpdatePort::default());
    assert_eq!(port.lease, lease("5h"));
    let port = update(&mut world, &a, &port, UpdatePort { lease: Some(lease("-1")), ..UpdatePort::default() });
    assert_eq!(port.lease, lease("-1"));
    assert_eq!(update(&mut world, &a, &port, UpdatePort { lease: Some(None), ..UpdatePort::default() }).lease, None);
}

/// Nothing of it would have an effect on a virtual IP: it is refused.
#[test]
fn a_virtual_ip_has_none_of_it() {
    let (mut world, a, subnet) = setup();
    let vip = CreatePort { device_owner: VIP_OWNER.into(), ..CreatePort::new(subnet) };
    let lease: model::LeaseTime = "5h".parse().unwrap();
    let profile = PortProfile { tcp_service_ports: vec![80], ..PortProfile::default() };
    for wrong in [
        CreatePort { port_security_enabled: false, ..vip.clone() },
        CreatePort { profile, ..vip.clone() },
        CreatePort { lease: Some(lease.clone()), ..vip.clone() },
    ] {
        assert_eq!(world.refused(|c, x| create_port(c, &a, x, wrong.clone())).code(), "not_supported");
    }
    let vip = make(&mut world, &a, vip);
    for wrong in [
        UpdatePort { port_security_enabled: Some(false), ..UpdatePort::default() },
        UpdatePort { services: Some(ServicePorts::default()), ..UpdatePort::default() },
        UpdatePort { lease: Some(Some(lease)), ..UpdatePort::default() },
    ] {
        assert_eq!(world.refused(|c, x| update_port(c, &a, x, vip.id, wrong.clone())).code(), "not_supported");
    }
}

/// SG-3, api-vpc section 6.4: a place counted from 0, the end without one.
#[test]
fn groups_are_put_where_they_are_wanted_and_one_stays() {
    let (mut world, a, subnet) = setup();
    let mut group = |name: &str| -> SecurityGroupId {
        let request = CreateSecurityGroup { name: name.into(), ..CreateSecurityGroup::default() };
        world.ok(|c, x| create_security_group(c, &a, x, request.clone())).id
    };
    let [g, h, i] = ["g", "h", "i"].map(&mut group);
    let port = make(&mut world, &a, CreatePort { security_groups: Some(vec![g]), ..CreatePort::new(subnet) }).id;
    let mut insert =
        |groups: &[SecurityGroupId], index| world.call(|c, x| insert_port_groups(c, &a, x, port, groups, index));
    assert_eq!(insert(&[h], Some(0)).unwrap().0.security_groups, [h, g]);
    assert_eq!(insert(&[i], Some(1)).unwrap().0.security_groups, [h, i, g]);
    for (groups, index) in [(&[h][..], None), (&[][..], Some(4))] {
        assert_eq!(insert(groups, index).unwrap_err().code(), "invalid_parameter");
    }
    let mut remove = |groups: &[SecurityGroupId]| world.call(|c, x| remove_port_groups(c, &a, x, port, groups));
    assert_eq!(remove(&[i]).unwrap().0.security_groups, [h, g]);
    assert_eq!(remove(&[i]).unwrap_err().code(), "invalid_parameter");
    assert_eq!(remove(&[g, h]).unwrap_err().code(), "invalid_parameter", "one stays");
    let mut insert = |groups: &[SecurityGroupId]| world.call(|c, x| insert_port_groups(c, &a, x, port, groups, None));
    assert_eq!(insert(&[i]).unwrap().0.security_groups, [h, g, i]);
}
