//! What each account sees (lifecycle section 4).

use model::{Kind, Side};

use super::fixture::{World, net};
use crate::{
    Caller, CreateRouteTable, Error, UpdateSubnet, UpdateVpc, accept_peering, create_route_table, create_subnet,
    delete_security_group, delete_server, delete_subnet, delete_vpc, peering, port, ports, reject_peering, route_table,
    route_tables, routes, security_group, security_groups, server, servers, stop_server, subnet, subnets,
    update_subnet, update_vpc, vpc, vpcs,
};

#[test]
fn objects_of_other_accounts_and_regions_are_not_found() {
    let mut world = World::new();
    let a = world.a.clone();
    let mine = world.vpc(&a, "vpc", "10.0.0.0/16");
    let net1 = world.subnet(&a, mine.id, "10.0.1.0/24").id;
    let machine = world.server(&a, net1, "s");
    let group = world.catalog.default_security_group(mine.project).unwrap().id;
    for stranger in [world.b.clone(), world.elsewhere(&a)] {
        let who = &stranger;
        let c = world.catalog.clone();
        assert_eq!(vpc(&c, who, mine.id), Err(Error::not_found(Kind::Vpc, mine.id)));
        assert_eq!(subnet(&c, who, net1).unwrap_err().code(), "not_found");
        assert_eq!(server(&c, who, machine.id).unwrap_err().code(), "not_found");
        assert_eq!(port(&c, who, machine.port).unwrap_err().code(), "not_found");
        assert_eq!(security_group(&c, who, group).unwrap_err().code(), "not_found");
        assert_eq!(route_table(&c, who, mine.default_route_table).unwrap_err().code(), "not_found");
        assert!(vpcs(&c, who).is_empty() && subnets(&c, who).is_empty() && servers(&c, who).is_empty());
        assert!(ports(&c, who).is_empty() && route_tables(&c, who).is_empty() && routes(&c, who).is_empty());
        assert!(security_groups(&c, who).iter().all(|other| other.id != group));
        let codes = [
            world.refused(|c, x| update_vpc(c, who, x, mine.id, UpdateVpc::default())).code(),
            world.refused(|c, x| delete_vpc(c, who, x, mine.id)).code(),
            world
                .refused(|c, x| create_subnet(c, who, x, crate::CreateSubnet::new(mine.id, "s", net("10.0.2.0/24"))))
                .code(),
            world.refused(|c, x| update_subnet(c, who, x, net1, UpdateSubnet::default())).code(),
            world.refused(|c, x| delete_subnet(c, who, x, net1, None)).code(),
            world.refused(|c, x| stop_server(c, who, x, machine.id)).code(),
            world.refused(|c, x| delete_server(c, who, x, machine.id)).code(),
            world.refused(|c, x| delete_security_group(c, who, x, group)).code(),
            world
                .refused(|c, x| {
                    let request = CreateRouteTable {
                        vpc: mine.id,
                        name: String::new(),
                        description: String::new(),
                        routes: Vec::new(),
                    };
                    create_route_table(c, who, x, request)
                })
                .code(),
        ];
        assert_eq!(codes, ["not_found"; 9]);
    }
}

#[test]
fn without_a_project_an_account_sees_its_own_and_an_operator_everything() {
    let mut world = World::new();
    let (a, b) = (world.a.clone(), world.b.clone());
    world.vpc(&a, "one", "10.0.0.0/16");
    let abroad = world.elsewhere(&a);
    world.vpc(&abroad, "two", "10.0.0.0/16");
    world.vpc(&b, "three", "10.0.0.0/16");
    let seen = |caller: &Caller| vpcs(&world.catalog, caller).len();
    assert_eq!(seen(&a), 1);
    assert_eq!(seen(&Caller { project: None, ..a.clone() }), 2);
    assert_eq!(seen(&world.operator), 3);
}

#[test]
fn within_an_account_a_peering_shows_everything_of_both_sides() {
    let mut world = World::new();
    let a = world.a.clone();
    let (x1, x2) = (world.vpc(&a, "x1", "10.1.0.0/16"), world.vpc(&a, "x2", "10.2.0.0/16"));
    let id = world.peer(&a, x1.id, x2.id).id;
    world.route(&a, x2.default_route_table, "10.1.0.0/16", id);
    let view = peering(&world.catalog, &a, id).unwrap();
    assert!(view.same_account);
    assert_eq!(view.side, Side::Requester);
    assert_eq!(view.local().name.as_deref(), Some("x1"));
    assert_eq!(view.peer().name.as_deref(), Some("x2"));
    assert_eq!(view.peer().cidrs, Some(vec![net("10.2.0.0/16")]));
    assert_eq!(view.local().routes.as_ref().map(Vec::len), Some(0));
    assert_eq!(view.peer().routes.as_ref().map(Vec::len), Some(1));
}

#[test]
fn across_accounts_each_side_sees_its_own_and_ranges_when_they_are_its_business() {
    let mut world = World::new();
    let (a, b) = (world.a.clone(), world.b.clone());
    let (mine, theirs) = (world.vpc(&a, "mine", "10.1.0.0/16"), world.vpc(&b, "theirs", "10.2.0.0/16"));
    let id = world.peer(&a, mine.id, theirs.id).id;
    world.route(&a, mine.default_route_table, "10.2.0.0/16", id);
    let ranges = |world: &World, who: &Caller| {
        let view = peering(&world.catalog, who, id).unwrap();
        assert!(!view.same_account);
        // Ids always, names and routes of the other side never.
        assert_eq!([view.requester.vpc, view.accepter.vpc], [mine.id, theirs.id]);
        assert!(view.local().name.is_some() && view.peer().name.is_none());
        assert!(view.local().routes.is_some() && view.peer().routes.is_none());
        assert!(view.local().cidrs.is_some());
        view.peer().cidrs.is_some()
    };
    assert!(!ranges(&world, &a), "the peer's ranges are not the requester's business yet");
    assert!(ranges(&world, &b), "the accepter judges the request by them");
    assert_eq!(peering(&world.catalog, &b, id).unwrap().side, Side::Accepter);
    let mut accepted = World { catalog: world.catalog.clone(), ..World::new() };
    accepted.ok(|c, x| accept_peering(c, &b, x, id));
    assert!(ranges(&accepted, &a) && ranges(&accepted, &b));
    world.ok(|c, x| reject_peering(c, &b, x, id));
    assert!(!ranges(&world, &a) && ranges(&world, &b));
}
