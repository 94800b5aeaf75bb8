//! Every limit that an installation can set holds (limits sections 1.1 and 1.2). Those that need a longer story are
//! tested with their objects; here each is set to its smallest value.

use model::{Direction, IpVersion};

use super::fixture::{World, net, via_peering};
use crate::{
    CreatePort, CreateRouteTable, CreateSecurityGroup, CreateSubnet, CreateVpc, Error, NewSecurityGroupRule, Quota,
    UpdateAssociations, add_secondary_cidrs, create_port, create_route_table, create_security_group,
    create_security_group_rules, create_subnet, create_vpc, update_associations,
};

fn quota(error: &Error) -> Quota {
    match error {
        Error::QuotaExceeded { resource, .. } => *resource,
        other => panic!("{other}"),
    }
}

#[test]
fn objects_of_a_project_are_counted() {
    let mut world = World::new();
    let a = world.a.clone();
    let vpc = world.vpc(&a, "vpc", "10.0.0.0/16").id;
    world.subnet(&a, vpc, "10.0.0.0/24");
    world.limits.vpcs = 1;
    world.limits.subnets = 1;
    world.limits.security_groups = 0;
    assert_eq!(quota(&world.refused(|c, x| create_vpc(c, &a, x, CreateVpc::default()))), Quota::Vpcs);
    let subnet = CreateSubnet::new(vpc, "s", net("10.0.1.0/24"));
    assert_eq!(quota(&world.refused(|c, x| create_subnet(c, &a, x, subnet))), Quota::Subnets);
    let group = CreateSecurityGroup { name: "g".into(), ..CreateSecurityGroup::default() };
    assert_eq!(quota(&world.refused(|c, x| create_security_group(c, &a, x, group))), Quota::SecurityGroups);
    // What another project has does not count.
    let b = world.b.clone();
    world.vpc(&b, "vpc", "10.0.0.0/16");
}

#[test]
fn what_a_vpc_has_is_counted() {
    let mut world = World::new();
    let a = world.a.clone();
    let vpc = world.vpc(&a, "vpc", "10.0.0.0/16");
    world.limits.secondary_cidrs = 1;
    world.limits.route_tables_per_vpc = 1;
    world.limits.subnets_per_association = 1;
    let both = [net("10.1.0.0/16"), net("10.2.0.0/16")];
    assert_eq!(quota(&world.refused(|c, x| add_secondary_cidrs(c, &a, x, vpc.id, &both))), Quota::SecondaryCidrs);
    world.ok(|c, x| add_secondary_cidrs(c, &a, x, vpc.id, &both[..1]));
    let table = CreateRouteTable { vpc: vpc.id, name: "t".into(), description: String::new(), routes: Vec::new() };
    assert_eq!(quota(&world.refused(|c, x| create_route_table(c, &a, x, table.clone()))), Quota::RouteTables);
    world.limits.route_tables_per_vpc = 2;
    world.limits.routes_per_create = 1;
    let peer = world.vpc(&a, "peer", "10.9.0.0/16").id;
    let peering = world.peer(&a, vpc.id, peer).id;
    let routes = vec![via_peering("10.9.0.0/16", peering), via_peering("10.8.0.0/16", peering)];
    let many = CreateRouteTable { routes, ..table.clone() };
    assert_eq!(world.refused(|c, x| create_route_table(c, &a, x, many)).code(), "invalid_parameter");
    let table = world.ok(|c, x| create_route_table(c, &a, x, table)).id;
    let subnets = ["10.0.1.0/24", "10.0.2.0/24"].map(|cidr| world.subnet(&a, vpc.id, cidr).id);
    let request = UpdateAssociations { associate: subnets.to_vec(), ..UpdateAssociations::default() };
    let error = world.refused(|c, x| update_associations(c, &a, x, table, &request));
    assert_eq!(error.code(), "invalid_parameter");
}

/// limits section 1.2: 4 NTP and 5 DNS servers unless set otherwise.
#[test]
fn the_servers_that_a_subnet_names_are_counted() {
    let mut world = World::new();
    let a = world.a.clone();
    let vpc = world.vpc(&a, "vpc", "10.0.0.0/16").id;
    let with = |dns: usize, ntp: usize| {
        let mut request = CreateSubnet::new(vpc, "s", net("10.0.0.0/24"));
        request.dns = (1..=dns).map(|n| format!("10.9.0.{n}").parse().unwrap()).collect();
        let value = (1..=ntp).map(|n| format!("10.9.1.{n}")).collect::<Vec<_>>().join(",");
        request.dhcp_options = vec![model::DhcpOption { name: "ntp".into(), value }];
        request
    };
    for (dns, ntp) in [(6, 4), (5, 5)] {
        assert_eq!(world.refused(|c, x| create_subnet(c, &a, x, with(dns, ntp))).code(), "invalid_parameter");
    }
    assert!(world.run(|c, x| create_subnet(c, &a, x, with(5, 4))).is_ok());
    world.limits.ntp_servers = 2;
    world.limits.dns_servers = 1;
    for (dns, ntp) in [(1, 3), (2, 2)] {
        assert_eq!(world.refused(|c, x| create_subnet(c, &a, x, with(dns, ntp))).code(), "invalid_parameter");
    }
    assert!(world.run(|c, x| create_subnet(c, &a, x, with(1, 2))).is_ok());
}

#[test]
fn groups_and_addresses_of_a_port_are_counted() {
    let mut world = World::new();
    let a = world.a.clone();
    let vpc = world.vpc(&a, "vpc", "10.0.0.0/16").id;
    let subnet = world.subnet(&a, vpc, "10.0.0.0/24").id;
    let mut group = |name: &str| {
        let request = CreateSecurityGroup { name: name.into(), ..CreateSecurityGroup::default() };
        world.ok(|c, x| create_security_group(c, &a, x, request)).id
    };
    let groups = vec![group("g"), group("h")];
    world.limits.groups_per_port = 1;
    world.limits.address_pairs_per_port = 1;
    let request = CreatePort { security_groups: Some(groups), ..CreatePort::new(subnet) };
    assert_eq!(quota(&world.refused(|c, x| create_port(c, &a, x, request))), Quota::GroupsOfPort);
    let pairs = ["10.1.0.1", "10.1.0.2"].map(model::AddressPair::of).to_vec();
    let request = CreatePort { allowed_address_pairs: pairs, ..CreatePort::new(subnet) };
    assert_eq!(world.refused(|c, x| create_port(c, &a, x, request)).code(), "invalid_parameter");
}

/// limits section 1.2: at most 20 port ranges in a rule.
#[test]
fn the_ports_of_a_rule_are_counted() {
    let mut world = World::new();
    let a = world.a.clone();
    let request = CreateSecurityGroup { name: "g".into(), ..CreateSecurityGroup::default() };
    let group = world.ok(|c, x| create_security_group(c, &a, x, request)).id;
    let mut rule = |ports: u16| {
        let services = (0..ports).map(|n| model::ServiceRange { first: 2 * n + 1, last: 2 * n + 1 }).collect();
        let rule = NewSecurityGroupRule {
            protocol: Some(model::Protocol::TCP),
            services,
            version: IpVersion::V4,
            ..NewSecurityGroupRule::allow(Direction::Ingress)
        };
        let request = crate::CreateSecurityGroupRules { group, rules: vec![rule], ignore_duplicates: false };
        world.run(|c, x| create_security_group_rules(c, &a, x, request)).map(|_| ()).map_err(|error| error.code())
    };
    assert_eq!(rule(20), Ok(()));
    assert_eq!(rule(21), Err("invalid_parameter"));
}

/// The rules that a group begins with count as well.
#[test]
fn the_rules_of_a_new_group_are_counted() {
    let mut world = World::new();
    let a = world.a.clone();
    let group = |name: &str| CreateSecurityGroup { name: name.into(), ..CreateSecurityGroup::default() };
    let first = world.ok(|c, x| create_security_group(c, &a, x, group("first")));
    let project = world.project(&a);
    let used: usize = world.catalog.security_groups_of(project).map(|group| group.rules.len()).sum();
    world.limits.security_group_rules = used + first.rules.len() - 1;
    let refused = world.refused(|c, x| create_security_group(c, &a, x, group("second")));
    assert_eq!(quota(&refused), Quota::SecurityGroupRules);
    world.limits.security_group_rules += 1;
    world.ok(|c, x| create_security_group(c, &a, x, group("second")));
}
