use std::net::Ipv4Addr;

use model::{Claim, PeeringStatus};

use super::fixture::{World, net, via_peering};
use crate::{
    CidrProblem, CreateSubnet, CreateVpc, DhcpOptionChange, DnsChange, DnsEntry, Error, Limits, Quota, SubnetUse,
    UpdateSubnet, UpdateVpc, VpcUse, Warning, add_secondary_cidrs, create_subnet, create_vpc, delete_subnet,
    delete_vpc, reject_peering, remove_secondary_cidrs, update_subnet, update_vpc,
};

fn code(world: &mut World, request: CreateVpc) -> &'static str {
    let a = world.a.clone();
    world.refused(|c, x| create_vpc(c, &a, x, request)).code()
}

/// RT-1.
#[test]
fn a_vpc_comes_with_its_default_table() {
    let mut world = World::new();
    let a = world.a.clone();
    let vpc = world.vpc(&a, "vpc-a", "10.0.0.0/16");
    let table = world.catalog.route_table(vpc.default_route_table).unwrap();
    assert!(table.default);
    assert_eq!((table.vpc, table.name.as_str()), (vpc.id, "rtb-vpc-a"));
    assert_eq!(world.catalog.claim(&Claim::vni(vpc.vni)), Some(format!("vpc/{}", vpc.id).as_str()));
}

/// NET-1, EDGE-1, api-vpc section 4.2.
#[test]
fn malformed_vpcs_are_refused() {
    let mut world = World::new();
    let a = world.a.clone();
    world.vpc(&a, "taken", "10.0.0.0/16");
    let with = |name: &str, cidr: Option<&str>, edge: Option<&str>| CreateVpc {
        name: name.into(),
        cidr: cidr.map(|cidr| cidr.parse().unwrap()),
        edge_site: edge.map(Into::into),
        ..CreateVpc::default()
    };
    assert_eq!(code(&mut world, with("a b", None, None)), "invalid_name");
    assert_eq!(code(&mut world, with("taken", None, None)), "name_taken");
    assert_eq!(code(&mut world, with("x", Some("8.8.0.0/16"), None)), "invalid_cidr");
    assert_eq!(code(&mut world, with("x", Some("10.0.0.1/16"), None)), "invalid_cidr");
    assert_eq!(code(&mut world, with("x", None, Some("edge-9"))), "invalid_parameter");
    let description = CreateVpc { description: "<".into(), ..CreateVpc::default() };
    assert_eq!(code(&mut world, description), "invalid_description");
    let enterprise = CreateVpc { enterprise_project_id: Some("x".into()), ..CreateVpc::default() };
    assert_eq!(code(&mut world, enterprise), "invalid_parameter");
    // Names are unique in a project, empty ones excepted, and another account's do not matter.
    let b = world.b.clone();
    world.vpc(&b, "taken", "10.0.0.0/16");
    world.ok(|c, x| create_vpc(c, &a, x, CreateVpc::default()));
    world.ok(|c, x| create_vpc(c, &a, x, CreateVpc::default()));
}

#[test]
fn the_vpc_quota_counts_the_project() {
    let mut world = World::new();
    world.limits = Limits { vpcs: 1, ..Limits::default() };
    let (a, b) = (world.a.clone(), world.b.clone());
    world.vpc(&a, "one", "10.0.0.0/16");
    world.vpc(&b, "one", "10.0.0.0/16");
    let error = world.refused(|c, x| create_vpc(c, &a, x, CreateVpc::default()));
    assert_eq!(error, Error::QuotaExceeded { resource: Quota::Vpcs, used: 1, limit: 1 });
}

#[test]
fn a_call_without_project_cannot_make_vpcs() {
    let mut world = World::new();
    let operator = world.operator.clone();
    assert_eq!(world.refused(|c, x| create_vpc(c, &operator, x, CreateVpc::default())), Error::NoProject);
}

/// NET-2, EF-9.
#[test]
fn secondary_ranges_come_and_go() {
    let mut world = World::new();
    let a = world.a.clone();
    let vpc = world.vpc(&a, "vpc", "10.0.0.0/16").id;
    let mut add = |cidrs: &[&str]| {
        let cidrs: Vec<_> = cidrs.iter().map(|cidr| net(cidr)).collect();
        world.call(|c, x| add_secondary_cidrs(c, &a, x, vpc, &cidrs)).map(|_| ()).map_err(|error| error.code())
    };
    assert_eq!(add(&["100.20.0.0/16", "10.1.0.0/16"]), Ok(()));
    assert_eq!(add(&["10.0.8.0/24"]), Err("cidr_overlap"));
    assert_eq!(add(&["100.20.1.0/24"]), Err("cidr_overlap"));
    assert_eq!(add(&["100.64.0.0/16"]), Err("invalid_cidr"));
    assert_eq!(add(&["10.2.0.0/16", "10.2.0.0/16"]), Err("cidr_overlap"));
    assert_eq!(add(&[]), Err("invalid_parameter"));
    assert_eq!(add(&["10.3.0.0/16", "10.4.0.0/16", "10.5.0.0/16", "10.6.0.0/16"]), Err("quota_exceeded"));

    let subnet = world.subnet(&a, vpc, "100.20.0.0/24").id;
    let remove = |world: &mut World, cidr: &str| {
        world.call(|c, x| remove_secondary_cidrs(c, &a, x, vpc, &[net(cidr)])).map(|_| ())
    };
    let in_use = CidrProblem::HasSubnets { subnets: vec![net("100.20.0.0/24")] };
    let expected = Error::VpcCidr { cidr: net("100.20.0.0/16"), problem: in_use };
    assert_eq!(remove(&mut world, "100.20.0.0/16"), Err(expected));
    assert_eq!(remove(&mut world, "10.0.0.0/16").unwrap_err().code(), "cidr_not_found");
    world.ok(|c, x| delete_subnet(c, &a, x, subnet, Some(vpc)));
    assert_eq!(remove(&mut world, "100.20.0.0/16"), Ok(()));
    assert_eq!(world.catalog.vpc(vpc).unwrap().secondary_cidrs, [net("10.1.0.0/16")]);
}

#[test]
fn the_primary_range_can_change_while_it_contains_every_subnet() {
    let mut world = World::new();
    let a = world.a.clone();
    let vpc = world.vpc(&a, "vpc", "10.0.0.0/16").id;
    world.subnet(&a, vpc, "10.0.1.0/24");
    let mut update = |cidr: &str| {
        let request = UpdateVpc { cidr: Some(net(cidr)), ..UpdateVpc::default() };
        world.call(|c, x| update_vpc(c, &a, x, vpc, request)).map(|_| ()).map_err(|error| error.code())
    };
    assert_eq!(update("10.0.0.0/20"), Ok(()));
    assert_eq!(update("10.0.2.0/24"), Err("cidr_leaves_out_subnet"));
    assert_eq!(update("8.0.0.0/16"), Err("invalid_cidr"));
    let rename = UpdateVpc { name: Some("new".into()), description: Some("d".into()), ..UpdateVpc::default() };
    let vpc = world.ok(|c, x| update_vpc(c, &a, x, vpc, rename));
    assert_eq!((vpc.name.as_str(), vpc.description.as_str()), ("new", "d"));
    assert_eq!(vpc.cidr, Some(net("10.0.0.0/20")));
}

/// EF-7.
#[test]
fn a_vpc_in_use_says_by_what() {
    let mut world = World::new();
    let a = world.a.clone();
    let (x1, x2) = (world.vpc(&a, "x1", "10.0.0.0/16"), world.vpc(&a, "x2", "10.1.0.0/16"));
    world.subnet(&a, x1.id, "10.0.1.0/24");
    let peering = world.peer(&a, x1.id, x2.id);
    world.route(&a, x1.default_route_table, "10.1.0.0/16", peering.id);
    let error = world.refused(|c, x| delete_vpc(c, &a, x, x1.id));
    let by = vec![
        VpcUse::Subnets(vec!["subnet".into()]),
        VpcUse::Peerings(vec!["peering".into()]),
        VpcUse::Routes(vec!["10.1.0.0/16".parse().unwrap()]),
    ];
    assert_eq!(error, Error::VpcInUse { vpc: x1.id, by });
    assert!(
        error.to_string().contains("subnets subnet, active peering connections peering, custom routes to 10.1.0.0/16")
    );
}

/// EF-7: a stranger's request must not be able to hold somebody's VPC.
#[test]
fn peerings_that_are_not_active_go_with_the_vpc_and_take_their_routes_along() {
    let mut world = World::new();
    let (a, b) = (world.a.clone(), world.b.clone());
    let (mine, theirs) = (world.vpc(&a, "mine", "10.0.0.0/16"), world.vpc(&b, "theirs", "10.1.0.0/16"));
    let rejected = world.peer(&a, mine.id, theirs.id);
    world.route(&a, mine.default_route_table, "10.1.0.0/16", rejected.id);
    world.ok(|c, x| reject_peering(c, &b, x, rejected.id));
    let pending = world.peer(&a, mine.id, theirs.id);
    world.route(&a, mine.default_route_table, "10.1.1.0/24", pending.id);
    world.ok(|c, x| delete_vpc(c, &b, x, theirs.id));
    assert!(world.catalog.vpc(theirs.id).is_none());
    assert_eq!(world.catalog.peerings().count(), 0);
    assert_eq!(world.catalog.routes().count(), 0);
    assert_eq!(world.catalog.route_tables_of(theirs.id).count(), 0);
    // Nothing that was unique is left behind.
    for vni in [theirs.vni, pending.requester.entry_vni, pending.accepter.entry_vni, rejected.requester.entry_vni] {
        assert_eq!(world.catalog.claim(&Claim::vni(vni)), None);
    }
    assert_eq!(rejected.status, PeeringStatus::PendingAcceptance);
}

/// NET-3.
#[test]
fn subnets_lie_in_one_range_and_never_overlap() {
    let mut world = World::new();
    let a = world.a.clone();
    let vpc = world.vpc(&a, "vpc", "10.0.0.0/16").id;
    world.ok(|c, x| add_secondary_cidrs(c, &a, x, vpc, &[net("10.1.0.0/16")]));
    let subnet = world.subnet(&a, vpc, "10.0.0.0/24");
    assert_eq!(subnet.gateway.to_string(), "10.0.0.1");
    assert_ne!(subnet.id.uuid(), subnet.neutron_subnet_id);
    let mut create = |cidr: &str| {
        let request = CreateSubnet::new(vpc, "s", cidr.parse().unwrap());
        world.call(|c, x| create_subnet(c, &a, x, request)).map(|_| ()).map_err(|error| error.code())
    };
    assert_eq!(create("10.0.0.128/25"), Err("subnet_overlap"));
    assert_eq!(create("10.0.0.0/15"), Err("cidr_not_in_vpc"));
    assert_eq!(create("10.2.0.0/24"), Err("cidr_not_in_vpc"));
    assert_eq!(create("10.0.1.0/30"), Err("invalid_cidr"));
    assert_eq!(create("10.0.1.1/24"), Err("invalid_cidr"));
    assert_eq!(create("10.1.0.0/16"), Ok(()));
    assert_eq!(create("10.0.1.0/29"), Ok(()));
}

#[test]
fn malformed_subnets_are_refused() {
    let mut world = World::new();
    let a = world.a.clone();
    let vpc = world.vpc(&a, "vpc", "10.0.0.0/16").id;
    let mut create = |change: &dyn Fn(&mut CreateSubnet)| {
        let mut request = CreateSubnet::new(vpc, "s", net("10.0.0.0/24"));
        change(&mut request);
        world.refused(|c, x| create_subnet(c, &a, x, request)).code()
    };
    let option = |name: &str, value: &str| model::DhcpOption { name: name.into(), value: value.into() };
    assert_eq!(create(&|r| r.name.clear()), "invalid_name");
    assert_eq!(create(&|r| r.gateway = Some("10.0.1.1".parse().unwrap())), "invalid_parameter");
    assert_eq!(create(&|r| r.gateway = Some("10.0.0.255".parse().unwrap())), "invalid_parameter");
    assert_eq!(create(&|r| r.cidr_v6 = Some("2001:db8::/64".parse().unwrap())), "invalid_parameter");
    assert_eq!(create(&|r| r.availability_zone = "az9".into()), "invalid_parameter");
    assert_eq!(create(&|r| r.dns = vec!["8.8.8.8".parse().unwrap(); 6]), "invalid_parameter");
    assert_eq!(create(&|r| r.dhcp_options = vec![option("ntp", "10.0.0.2,10.0.0.2")]), "invalid_parameter");
    assert_eq!(create(&|r| r.dhcp_options = vec![option("ntp", "")]), "invalid_parameter");
    assert_eq!(create(&|r| r.dhcp_options = vec![option("addresstime", "30001h")]), "invalid_parameter");
    assert_eq!(create(&|r| r.dhcp_options = vec![option("addresstime", "+5h")]), "invalid_parameter");
    let twice = vec![option("addresstime", "1h"), option("addresstime", "2h")];
    assert_eq!(create(&|r| r.dhcp_options.clone_from(&twice)), "invalid_parameter");
    // Guests would not be told a longer one.
    let long = option("domainname", &format!("{}.{}", "a".repeat(40), "b".repeat(24)));
    assert_eq!(create(&|r| r.dhcp_options = vec![long.clone()]), "invalid_parameter");
    assert_eq!(create(&|r| r.dhcp_options = vec![option("other", "1")]), "invalid_parameter");
    world.limits.subnets = 0;
    let request = CreateSubnet::new(vpc, "s", net("10.0.0.0/24"));
    assert_eq!(world.refused(|c, x| create_subnet(c, &a, x, request)).code(), "quota_exceeded");
}

#[test]
fn dhcp_options_are_set_and_cleared_one_by_one() {
    let mut world = World::new();
    let a = world.a.clone();
    let vpc = world.vpc(&a, "vpc", "10.0.0.0/16").id;
    let other = world.vpc(&a, "other", "10.0.0.0/16").id;
    let subnet = world.subnet(&a, vpc, "10.0.0.0/24").id;
    let change = |name: &str, value: Option<&str>| DhcpOptionChange { name: name.into(), value: value.map(Into::into) };
    let mut update = |options: Vec<DhcpOptionChange>| {
        let request = UpdateSubnet { vpc: Some(vpc), dhcp_options: options, ..UpdateSubnet::default() };
        world
            .call(|c, x| update_subnet(c, &a, x, subnet, request))
            .map(|(subnet, _)| subnet.dhcp_options.into_iter().map(|option| option.name).collect::<Vec<_>>())
    };
    let set = vec![change("ntp", Some("10.0.0.2")), change("addresstime", Some("-1"))];
    assert_eq!(update(set).unwrap(), ["ntp", "addresstime"]);
    assert_eq!(update(vec![change("ntp", None)]).unwrap(), ["addresstime"]);
    assert_eq!(update(vec![change("what", None)]).unwrap_err().code(), "invalid_parameter");
    let wrong = UpdateSubnet { vpc: Some(other), ..UpdateSubnet::default() };
    assert_eq!(world.refused(|c, x| update_subnet(c, &a, x, subnet, wrong)).code(), "subnet_not_in_vpc");
}

/// api-vpc §5.3: the change is made to the servers that the subnet has when it is committed.
#[test]
fn a_dns_server_that_is_not_named_stays() {
    let mut world = World::new();
    let a = world.a.clone();
    let vpc = world.vpc(&a, "vpc", "10.0.0.0/16").id;
    let subnet = world.subnet(&a, vpc, "10.0.0.0/24").id;
    let address = |last: u8| Ipv4Addr::new(9, 9, 9, last);
    let mut update = |dns: DnsChange| {
        let request = UpdateSubnet { dns: Some(dns), ..UpdateSubnet::default() };
        let changed = world.call(|c, x| update_subnet(c, &a, x, subnet, request));
        changed.map(|(subnet, _)| subnet.dns.iter().map(|server| server.octets()[3]).collect::<Vec<_>>())
    };
    for (entries, wanted) in [
        ([DnsEntry::Set(address(7)), DnsEntry::Keep], vec![7, 2, 3, 4, 5]),
        ([DnsEntry::Keep, DnsEntry::Set(address(7))], vec![1, 7, 3, 4, 5]),
        ([DnsEntry::Keep, DnsEntry::Remove], vec![1, 3, 4, 5]),
        ([DnsEntry::Remove, DnsEntry::Set(address(7))], vec![7, 3, 4, 5]),
        ([DnsEntry::Remove, DnsEntry::Remove], vec![3, 4, 5]),
    ] {
        update(DnsChange::All((1..=5).map(address).collect())).unwrap();
        assert_eq!(update(DnsChange::FirstTwo(entries)).unwrap(), wanted, "{entries:?}");
    }
    let six = (1..=6).map(address).collect();
    assert_eq!(update(DnsChange::All(six)).unwrap_err().code(), "invalid_parameter");
    assert_eq!(update(DnsChange::All(Vec::new())).unwrap(), Vec::<u8>::new());
    assert_eq!(update(DnsChange::FirstTwo([DnsEntry::Keep, DnsEntry::Set(address(7))])).unwrap(), [7]);
}

/// EF-8.
#[test]
fn a_subnet_in_use_says_by_what() {
    let mut world = World::new();
    let a = world.a.clone();
    let vpc = world.vpc(&a, "vpc", "10.0.0.0/16");
    let subnet = world.subnet(&a, vpc.id, "10.0.0.0/24").id;
    let server = world.server(&a, subnet, "server");
    let error = world.refused(|c, x| delete_subnet(c, &a, x, subnet, None));
    assert_eq!(error, Error::SubnetInUse { subnet, by: SubnetUse::Servers(vec![server.id]) });
    let route = super::fixture::via_server("0.0.0.0/0", server.id);
    world.add_route(&a, vpc.default_route_table, route).unwrap();
    let error = world.refused(|c, x| delete_subnet(c, &a, x, subnet, None));
    let by = SubnetUse::Routes(vec!["0.0.0.0/0".parse().unwrap()]);
    assert_eq!(error, Error::SubnetInUse { subnet, by });
}

/// EF-8, RT-10: routes of other VPCs do not block; a new subnet over a route is accepted with a warning.
#[test]
fn a_new_subnet_may_shadow_routes() {
    let mut world = World::new();
    let a = world.a.clone();
    let (x1, x2) = (world.vpc(&a, "x1", "10.0.0.0/16"), world.vpc(&a, "x2", "10.1.0.0/16"));
    let subnet = world.subnet(&a, x2.id, "10.1.0.0/24").id;
    let peering = world.peer(&a, x1.id, x2.id).id;
    world.route(&a, x1.default_route_table, "10.1.0.0/24", peering);
    world.ok(|c, x| delete_subnet(c, &a, x, subnet, None));

    world.add_route(&a, x1.default_route_table, via_peering("10.0.8.0/24", peering)).unwrap();
    let request = CreateSubnet::new(x1.id, "s", net("10.0.8.0/23"));
    let (subnet, warnings) = world.call(|c, x| create_subnet(c, &a, x, request)).unwrap();
    let destinations = vec!["10.0.8.0/24".parse().unwrap()];
    assert_eq!(warnings, [Warning::SubnetShadowsRoutes { subnet: subnet.id, destinations }]);
}
