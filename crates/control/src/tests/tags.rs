//! Tags and enterprise projects (api-vpc sections 0.3 and 13).

use model::{Kind, Record, TagCharacters, TagError, Tags, Vpc, VpcId};

use super::fixture::{World, net};
use crate::{
    CreateNetworkAcl, CreatePort, CreateSecurityGroup, CreateVpc, EnterpriseKind, Error, TagCondition, TagFilter,
    Tagged, add_tags, create_network_acl, create_port, create_security_group, create_vpc, delete_vpc,
    enterprise_projects, enterprise_resources, move_to_enterprise_project, objects_by_tags, remove_tag, remove_tags,
    tags, tags_in_use, update_vpc,
};

fn pairs(given: &[(&str, &str)]) -> Tags {
    let pairs = given.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    Tags::new(pairs, TagCharacters::Letters).unwrap()
}

fn many(count: usize) -> Tags {
    Tags::new((0..count).map(|n| (format!("k{n}"), String::new())), TagCharacters::Letters).unwrap()
}

fn shown(tags: &Tags) -> Vec<(&str, &str)> {
    tags.iter().collect()
}

/// The same for every kind: set, overwritten, taken away, gone.
fn live_through<T: Tagged>(world: &mut World, id: T::Id) {
    let a = world.a.clone();
    world.ok(|c, x| add_tags::<T>(c, &a, x, id, pairs(&[("env", "a"), ("team", "")])));
    world.ok(|c, x| add_tags::<T>(c, &a, x, id, pairs(&[("env", "b")])));
    assert_eq!(shown(&tags::<T>(&world.catalog, &a, id).unwrap()), [("env", "b"), ("team", "")], "{:?}", T::KIND);
    world.ok(|c, _| remove_tags::<T>(c, &a, id, &["team".to_owned(), "never there".to_owned()]));
    let error = world.refused(|c, _| remove_tag::<T>(c, &a, id, "team"));
    assert_eq!(error, Error::TagNotFound { key: "team".into() });
    world.ok(|c, _| remove_tag::<T>(c, &a, id, "env"));
    assert!(tags::<T>(&world.catalog, &a, id).unwrap().is_empty());
    // Others see nothing and change nothing.
    let b = world.b.clone();
    let missing = Error::NotFound { kind: T::KIND, id: id.to_string() };
    assert_eq!(tags::<T>(&world.catalog, &b, id).unwrap_err(), missing);
    assert_eq!(world.refused(|c, x| add_tags::<T>(c, &b, x, id, pairs(&[("k", "")]))), missing);
    assert_eq!(world.refused(|c, _| remove_tags::<T>(c, &b, id, &[])), missing);
}

#[test]
fn every_kind_with_tags_behaves_the_same() {
    let mut world = World::new();
    let a = world.a.clone();
    let vpc = world.vpc(&a, "vpc", "10.0.0.0/16");
    let subnet = world.subnet(&a, vpc.id, "10.0.0.0/24");
    let port = world.ok(|c, x| create_port(c, &a, x, CreatePort::new(subnet.id)));
    let group = CreateSecurityGroup { name: "g".into(), ..CreateSecurityGroup::default() };
    let group = world.ok(|c, x| create_security_group(c, &a, x, group));
    let acl = world.ok(|c, x| create_network_acl(c, &a, x, CreateNetworkAcl::default()));
    live_through::<Vpc>(&mut world, vpc.id);
    live_through::<model::Subnet>(&mut world, subnet.id);
    live_through::<crate::PlainPort>(&mut world, port.id);
    live_through::<model::SecurityGroup>(&mut world, group.id);
    live_through::<model::NetworkAcl>(&mut world, acl.id);
}

/// limits section 1.2.
#[test]
fn an_object_has_ten_tags_at_most_and_a_batch_is_whole_or_nothing() {
    let mut world = World::new();
    let a = world.a.clone();
    let too_many = Error::InvalidTags(TagError::TooMany { limit: 10 });
    let request = CreateVpc { tags: many(11), ..CreateVpc::default() };
    assert_eq!(world.refused(|c, x| create_vpc(c, &a, x, request)), too_many);
    let request = CreateVpc { tags: many(9), ..CreateVpc::default() };
    let vpc = world.ok(|c, x| create_vpc(c, &a, x, request)).id;
    let batch = pairs(&[("k0", "new"), ("x", ""), ("y", "")]);
    assert_eq!(world.refused(|c, x| add_tags::<Vpc>(c, &a, x, vpc, batch)), too_many);
    assert_eq!(tags::<Vpc>(&world.catalog, &a, vpc).unwrap(), many(9), "nothing of the batch is there");
    // Overwriting takes no room.
    world.ok(|c, x| add_tags::<Vpc>(c, &a, x, vpc, pairs(&[("k0", "new"), ("x", "")])));
    world.limits.tags_per_resource = 3;
    let error = world.refused(|c, x| add_tags::<Vpc>(c, &a, x, vpc, pairs(&[("z", "")])));
    assert_eq!(error.to_string(), "number of tags exceeds max num of 3.");
}

#[test]
fn tags_that_are_there_already_write_nothing() {
    let mut world = World::new();
    let a = world.a.clone();
    let request = CreateVpc { tags: pairs(&[("k", "v")]), ..CreateVpc::default() };
    let vpc = world.ok(|c, x| create_vpc(c, &a, x, request)).id;
    assert!(world.run(|c, x| add_tags::<Vpc>(c, &a, x, vpc, pairs(&[("k", "v")]))).unwrap().changes.is_empty());
    assert!(world.run(|c, _| remove_tags::<Vpc>(c, &a, vpc, &["x".to_owned()])).unwrap().changes.is_empty());
    world.ok(|c, x| delete_vpc(c, &a, x, vpc));
    assert!(tags_in_use::<Vpc>(&world.catalog, &a).is_empty(), "tags go with their object");
}

fn condition(key: &str, values: &[&str]) -> TagCondition {
    TagCondition { key: key.into(), values: values.iter().map(|value| (*value).to_owned()).collect() }
}

/// api-vpc section 13.1: keys with AND, values with OR, no value for any, `*` for a part.
#[test]
fn objects_are_found_by_their_tags_and_names() {
    let mut world = World::new();
    let (a, b) = (world.a.clone(), world.b.clone());
    let mut make = |caller: &crate::Caller, name: &str, given: &[(&str, &str)]| -> VpcId {
        let cidr = Some(net("10.0.0.0/16"));
        let request = CreateVpc { name: name.into(), cidr, tags: pairs(given), ..CreateVpc::default() };
        world.ok(|c, x| create_vpc(c, caller, x, request)).id
    };
    let web = make(&a, "web", &[("env", "prod"), ("team", "blue")]);
    let db = make(&a, "web-db", &[("env", "preprod")]);
    let plain = make(&a, "plain", &[]);
    make(&b, "web", &[("env", "prod")]);
    let found = |filter: TagFilter| {
        let mut ids: Vec<VpcId> = objects_by_tags::<Vpc>(&world.catalog, &a, &filter).iter().map(|v| v.id).collect();
        ids.sort_by_key(|id| [web, db, plain].iter().position(|other| other == id));
        ids
    };
    let all = |conditions: &[TagCondition]| found(TagFilter { all: conditions.to_vec(), ..TagFilter::default() });
    assert_eq!(found(TagFilter::default()), [web, db, plain]);
    assert_eq!(all(&[condition("env", &[])]), [web, db]);
    assert_eq!(all(&[condition("env", &["prod"])]), [web]);
    assert_eq!(all(&[condition("env", &["*prod"])]), [web, db]);
    assert_eq!(all(&[condition("env", &["x", "preprod"])]), [db]);
    assert_eq!(all(&[condition("env", &[]), condition("team", &["blue"])]), [web]);
    assert_eq!(all(&[condition("none", &[])]), []);
    let both = vec![condition("env", &["prod"]), condition("team", &["red", "blue"])];
    assert_eq!(found(TagFilter { any: both.clone(), ..TagFilter::default() }), [web]);
    assert_eq!(found(TagFilter { not_all: both.clone(), ..TagFilter::default() }), [db, plain]);
    let one = vec![condition("env", &["preprod"]), condition("team", &[])];
    assert_eq!(found(TagFilter { not_all: one.clone(), ..TagFilter::default() }), [web, db, plain]);
    assert_eq!(found(TagFilter { not_any: one, ..TagFilter::default() }), [plain]);
    assert_eq!(found(TagFilter { names: vec!["web".into()], ..TagFilter::default() }), [web, db]);
    assert_eq!(found(TagFilter { names: vec![String::new()], ..TagFilter::default() }), []);
    let used = tags_in_use::<Vpc>(&world.catalog, &a);
    let used: Vec<(&str, Vec<&str>)> =
        used.iter().map(|(k, v)| (k.as_str(), v.iter().map(String::as_str).collect())).collect();
    assert_eq!(used, [("env", vec!["preprod", "prod"]), ("team", vec!["blue"])]);
}

const ENTERPRISE: &str = "0f3c52c0-87b4-4dc4-8bd4-1f9d8b1d6e5a";

#[test]
fn an_object_moves_to_another_enterprise_project_and_back() {
    let mut world = World::new();
    let (a, b) = (world.a.clone(), world.b.clone());
    let vpc = world.vpc(&a, "vpc", "10.0.0.0/16").id;
    let group = CreateSecurityGroup {
        name: "g".into(),
        enterprise_project_id: Some(ENTERPRISE.into()),
        ..CreateSecurityGroup::default()
    };
    let group = world.ok(|c, x| create_security_group(c, &a, x, group)).id;
    let of = |world: &World, caller: &crate::Caller| -> Vec<(EnterpriseKind, String)> {
        let resources = enterprise_resources(&world.catalog, caller).into_iter();
        resources.filter(|r| r.enterprise_project_id == ENTERPRISE).map(|r| (r.kind, r.id)).collect()
    };
    assert_eq!(of(&world, &a), [(EnterpriseKind::SecurityGroup, group.to_string())]);
    let id = vpc.to_string();
    world.ok(|c, x| move_to_enterprise_project(c, &a, x, EnterpriseKind::Vpc, &id, ENTERPRISE));
    assert_eq!(world.catalog.vpc(vpc).unwrap().enterprise_project_id, ENTERPRISE);
    assert_eq!(of(&world, &a).len(), 2);
    assert_eq!(of(&world, &b), []);
    assert_eq!(enterprise_projects(&world.catalog, &a).into_iter().collect::<Vec<_>>(), ["0", ENTERPRISE]);
    assert_eq!(enterprise_projects(&world.catalog, &b).into_iter().collect::<Vec<_>>(), ["0"]);

    let again = world.run(|c, x| move_to_enterprise_project(c, &a, x, EnterpriseKind::Vpc, &id, ENTERPRISE));
    assert!(again.unwrap().changes.is_empty());
    let error = world.refused(|c, x| move_to_enterprise_project(c, &b, x, EnterpriseKind::Vpc, &id, "0"));
    assert_eq!(error, Error::NotFound { kind: Kind::Vpc, id: id.clone() });
    let error = world.refused(|c, x| move_to_enterprise_project(c, &a, x, EnterpriseKind::NetworkAcl, &id, "0"));
    assert_eq!(error.code(), "not_found");
    let error = world.refused(|c, x| move_to_enterprise_project(c, &a, x, EnterpriseKind::Vpc, &id, "1"));
    assert_eq!(error.code(), "invalid_parameter");
    world.ok(|c, x| move_to_enterprise_project(c, &a, x, EnterpriseKind::Vpc, &id, "0"));
    assert_eq!(world.catalog.vpc(vpc).unwrap().enterprise_project_id, "0");
}

/// api-vpc section 4.1.
#[test]
fn the_enhanced_local_route_stays_on_once_it_is_on() {
    let mut world = World::new();
    let a = world.a.clone();
    assert!(world.vpc(&a, "on", "10.0.0.0/16").enhanced_local_route);
    let request = CreateVpc { enhanced_local_route: Some(false), ..CreateVpc::default() };
    let vpc = world.ok(|c, x| create_vpc(c, &a, x, request));
    assert!(!vpc.enhanced_local_route);
    let mut update = |wanted: Option<bool>| {
        let request = crate::UpdateVpc { enhanced_local_route: wanted, ..crate::UpdateVpc::default() };
        world.call(|c, x| update_vpc(c, &a, x, vpc.id, request)).map(|(vpc, _)| vpc.enhanced_local_route)
    };
    assert_eq!(update(Some(false)), Ok(false));
    assert_eq!(update(Some(true)), Ok(true));
    assert_eq!(update(None), Ok(true));
    assert_eq!(update(Some(false)).unwrap_err().code(), "invalid_parameter");
}

/// A record from before the fields were has no tags, and the switches as they were then.
#[test]
fn old_records_can_still_be_read() {
    let mut world = World::new();
    let a = world.a.clone();
    let vpc = world.vpc(&a, "vpc", "10.0.0.0/16");
    let record = Record::from(vpc);
    let text = String::from_utf8(record.encode().unwrap()).unwrap();
    let new = r#""tags":{},"enhanced_local_route":true,"block_service_endpoints":false,"address_usage_metrics":false,"#;
    let old = text.replace(new, "");
    assert!(old.len() < text.len() && !old.contains("tags"), "{text}");
    assert_eq!(Record::decode(&record.key(), old.as_bytes()).unwrap(), record);
}
