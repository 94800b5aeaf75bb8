use model::{NextHop, PeeringStatus, ProjectId, VpcId};
use uuid::Uuid;

use super::fixture::{World, net};
use crate::{
    Caller, CreatePeering, CreateVpc, Error, Limits, Quota, UpdatePeering, Warning, accept_peering, create_peering,
    create_vpc, delete_peering, delete_vpc, expire_due, reject_peering, update_peering,
};

struct Setup {
    world: World,
    a: Caller,
    b: Caller,
    a1: VpcId,
    a2: VpcId,
    b1: VpcId,
}

fn setup() -> Setup {
    let mut world = World::new();
    let (a, b) = (world.a.clone(), world.b.clone());
    let a1 = world.vpc(&a, "a1", "10.1.0.0/16").id;
    let a2 = world.vpc(&a, "a2", "10.2.0.0/16").id;
    let b1 = world.vpc(&b, "b1", "10.3.0.0/16").id;
    Setup { world, a, b, a1, a2, b1 }
}

impl Setup {
    fn request(&self, local: VpcId, peer: VpcId) -> CreatePeering {
        self.world.peering_request(local, peer)
    }

    fn refused(&mut self, request: CreatePeering) -> Error {
        let a = self.a.clone();
        self.world.refused(|c, x| create_peering(c, &a, x, request))
    }
}

/// LC-1, EF-1.
#[test]
fn a_peering_within_an_account_is_active_at_once_and_adds_no_route() {
    let mut s = setup();
    let a = s.a.clone();
    let request = CreatePeering { peer_project: None, ..s.request(s.a1, s.a2) };
    let (peering, warnings) = s.world.call(|c, x| create_peering(c, &a, x, request)).unwrap();
    assert_eq!((peering.status, peering.expires_at), (PeeringStatus::Active, None));
    assert_eq!(warnings, [Warning::RoutesNeeded]);
    assert_eq!(s.world.catalog.routes().count(), 0);
    let vnis = [peering.requester.entry_vni, peering.accepter.entry_vni];
    assert_ne!(vnis[0], vnis[1]);
    for vni in vnis {
        assert!(s.world.catalog.vni_owner(vni).is_some());
    }
}

/// LC-2, EF-2.
#[test]
fn a_peering_across_accounts_waits_for_the_accepter() {
    let mut s = setup();
    let (a, b) = (s.a.clone(), s.b.clone());
    let peering = s.world.peer(&a, s.a1, s.b1);
    assert_eq!(peering.status, PeeringStatus::PendingAcceptance);
    assert_eq!(peering.expires_at, Some(s.world.now.plus_seconds(7 * 24 * 3600)));
    let accepted = s.world.ok(|c, x| accept_peering(c, &b, x, peering.id));
    assert_eq!(accepted.status, PeeringStatus::Active);
    assert_eq!(accepted.expires_at, None);
}

/// Lifecycle section 3, REG-1: each check with its error, and the earlier one answers.
#[test]
fn the_checks_of_a_new_peering_run_in_their_order() {
    let mut s = setup();
    let (a, nowhere) = (s.a.clone(), VpcId::new(Uuid::from_u128(1)));
    let stranger = ProjectId::new(Uuid::from_u128(1));
    let b_project = s.world.project(&s.b);
    let abroad = s.world.elsewhere(&a);
    let b_abroad = s.world.elsewhere(&s.b);
    let far = s.world.vpc(&abroad, "far", "10.9.0.0/16");
    let b_far = s.world.vpc(&s.b.clone(), "unused", "10.8.0.0/16").id;
    let b_far_away = s.world.vpc(&b_abroad, "far", "10.9.0.0/16").id;
    let base = s.request(s.a1, s.a2);

    // 1, before everything else.
    let mut wrong = CreatePeering { name: String::new(), local_vpc: nowhere, ..base.clone() };
    assert_eq!(s.refused(wrong.clone()).code(), "invalid_name");
    wrong.name = "x".repeat(65);
    assert_eq!(s.refused(wrong.clone()).code(), "invalid_name");
    wrong.name = "ok".into();
    wrong.description = "<".into();
    assert_eq!(s.refused(wrong.clone()).code(), "invalid_description");
    // 2, before the peer is looked at.
    wrong.description.clear();
    wrong.peer_vpc = nowhere;
    assert_eq!(s.refused(wrong).code(), "not_found");
    assert_eq!(s.refused(CreatePeering { local_vpc: s.b1, ..base.clone() }).code(), "not_found");
    assert_eq!(s.refused(CreatePeering { local_vpc: far.id, ..base.clone() }).code(), "not_found", "other region");
    assert_eq!(s.refused(CreatePeering { local_project: Some(b_project), ..base.clone() }).code(), "not_found");
    // 3 and 4: one text for all.
    let other = |peer_vpc, peer_project| CreatePeering { peer_vpc, peer_project, ..base.clone() };
    for request in [
        other(nowhere, None),
        other(nowhere, Some(b_project)),
        other(s.b1, None),
        other(s.b1, a.project),
        other(s.b1, Some(stranger)),
        other(s.a2, Some(b_project)),
        other(s.a1, Some(b_project)),
        other(b_far_away, Some(b_project)),
        other(b_far_away, b_abroad.project),
    ] {
        assert_eq!(s.refused(request.clone()), Error::PeerNotFound, "{request:?}");
    }
    // 5.
    assert_eq!(s.refused(other(far.id, None)), Error::DifferentRegion);
    assert_eq!(s.refused(other(far.id, Some(far.project))), Error::DifferentRegion);
    // 6.
    assert_eq!(s.refused(other(s.a1, None)), Error::SelfPeering);
    // 8, before 9, in both directions.
    let existing = s.world.peer(&a, s.a1, s.a2);
    s.world.limits = Limits { peerings: 1, ..Limits::default() };
    let (name, status) = (existing.name.clone(), existing.status);
    let duplicate = Error::DuplicatePeering { peering: existing.id, name, status };
    assert_eq!(s.refused(base.clone()), duplicate);
    assert!(duplicate.to_string().contains("peering (ACTIVE)"));
    let reverse = s.request(s.a2, s.a1);
    assert_eq!(s.refused(reverse), duplicate);
    // 9.
    let quota = Error::QuotaExceeded { resource: Quota::Peerings, used: 1, limit: 1 };
    assert_eq!(s.refused(other(b_far, Some(b_project))), quota);
}

/// Lifecycle section 3, check 8: REJECTED and EXPIRED ones do not count.
#[test]
fn a_new_request_is_possible_after_a_rejected_one() {
    let mut s = setup();
    let (a, b) = (s.a.clone(), s.b.clone());
    let first = s.world.peer(&a, s.a1, s.b1).id;
    let request = s.request(s.a1, s.b1);
    assert_eq!(s.refused(request).code(), "duplicate_peering");
    s.world.ok(|c, x| reject_peering(c, &b, x, first));
    let second = s.world.peer(&a, s.a1, s.b1).id;
    s.world.ok(|c, x| accept_peering(c, &b, x, second));
    assert_eq!(s.world.catalog.peering_between(s.a1, s.b1).count(), 2);
}

/// Lifecycle section 3: pending ones count for the requester only, rejected ones for nobody, accepting checks again.
#[test]
fn the_peering_quota_counts_what_it_should() {
    let mut s = setup();
    let (a, b) = (s.a.clone(), s.b.clone());
    s.world.limits = Limits { peerings: 1, ..Limits::default() };
    let b2 = s.world.vpc(&b, "b2", "10.4.0.0/16").id;
    let b3 = s.world.vpc(&b, "b3", "10.5.0.0/16").id;
    let pending = s.world.peer(&a, s.a1, s.b1).id;
    let other = s.request(s.a1, s.a2);
    assert_eq!(s.refused(other).code(), "quota_exceeded");
    let own = s.world.peer(&b, b2, b3).id;
    let error = s.world.refused(|c, x| accept_peering(c, &b, x, pending));
    assert_eq!(error.code(), "quota_exceeded");
    assert_eq!(s.world.catalog.peering(pending).unwrap().status, PeeringStatus::PendingAcceptance);
    s.world.ok(|c, x| delete_peering(c, &b, x, own));
    s.world.ok(|c, x| accept_peering(c, &b, x, pending));
    let request = s.world.peering_request(b2, b3);
    assert_eq!(s.world.refused(|c, x| create_peering(c, &b, x, request)).code(), "quota_exceeded");
}

/// PEER-6, EF-4: the peering and every route to it, in all tables of both VPCs, in one commit; other routes stay.
#[test]
fn deletion_takes_all_routes_of_both_sides_along() {
    let mut s = setup();
    let (a, b) = (s.a.clone(), s.b.clone());
    let peering = s.world.peer(&a, s.a1, s.b1);
    let other = s.world.peer(&a, s.a1, s.a2).id;
    s.world.ok(|c, x| accept_peering(c, &b, x, peering.id));
    let table = |world: &World, vpc| world.catalog.vpc(vpc).unwrap().default_route_table;
    let (ta, tb) = (table(&s.world, s.a1), table(&s.world, s.b1));
    s.world.route(&a, ta, "10.3.0.0/16", peering.id);
    s.world.route(&a, ta, "10.3.1.0/24", peering.id);
    s.world.route(&a, ta, "10.2.0.0/16", other);
    s.world.route(&b, tb, "10.1.0.0/16", peering.id);
    let deleted = s.world.ok(|c, x| delete_peering(c, &b, x, peering.id));
    assert_eq!(deleted.id, peering.id);
    let left: Vec<_> = s.world.catalog.routes().map(|route| route.next_hop).collect();
    assert_eq!(left, [NextHop::Peering(other)]);
    assert_eq!(s.world.refused(|c, x| delete_peering(c, &a, x, peering.id)).code(), "not_found", "LC-5");
}

/// LC-3, LC-4.
#[test]
fn requests_expire_and_stay_expired() {
    let mut s = setup();
    let (a, b) = (s.a.clone(), s.b.clone());
    let pending = s.world.peer(&a, s.a1, s.b1).id;
    let deadline = s.world.now.plus_seconds(7 * 24 * 3600);
    let early = deadline.plus_seconds(-1);
    assert!(s.world.ok(|c, _| Ok(expire_due(c, early, 10))).is_empty());
    // Due is due, whether or not the task has run.
    s.world.now = deadline;
    assert_eq!(s.world.refused(|c, x| accept_peering(c, &b, x, pending)).code(), "invalid_state");
    assert_eq!(s.world.ok(|c, _| Ok(expire_due(c, deadline, 10))), [pending]);
    assert_eq!(s.world.catalog.peering(pending).unwrap().status, PeeringStatus::Expired);
    assert!(s.world.ok(|c, _| Ok(expire_due(c, deadline, 10))).is_empty());

    s.world.config.peering_expiry_secs = None;
    assert_eq!(s.world.peer(&a, s.a1, s.b1).expires_at, None, "expiry can be off");
}

#[test]
fn an_update_needs_something_to_change() {
    let mut s = setup();
    let a = s.a.clone();
    let id = s.world.peer(&a, s.a1, s.a2).id;
    let empty = UpdatePeering::default();
    assert_eq!(s.world.refused(|c, x| update_peering(c, &a, x, id, empty)).code(), "invalid_parameter");
    let request = UpdatePeering { name: Some("new".into()), description: Some("text".into()) };
    let updated = s.world.ok(|c, x| update_peering(c, &a, x, id, request));
    assert_eq!((updated.name.as_str(), updated.description.as_str()), ("new", "text"));
    let wrong = UpdatePeering { name: Some("a b".into()), description: None };
    assert_eq!(s.world.refused(|c, x| update_peering(c, &a, x, id, wrong)).code(), "invalid_name");
}

/// PEER-13 and the warnings of lifecycle section 3.
#[test]
fn overlap_is_warned_about_with_the_subnets_that_can_be_connected() {
    let mut world = World::new();
    let a = world.a.clone();
    let (x1, x2) = (world.vpc(&a, "x1", "10.0.0.0/16").id, world.vpc(&a, "x2", "10.0.0.0/16").id);
    let warnings = |world: &mut World| {
        let request = world.peering_request(x1, x2);
        world.run(|c, x| create_peering(c, &a, x, request)).unwrap().warnings
    };
    world.subnet(&a, x1, "10.0.1.0/24");
    world.subnet(&a, x2, "10.0.1.0/24");
    assert_eq!(warnings(&mut world), [Warning::CidrsOverlapCompletely, Warning::RoutesNeeded]);
    world.subnet(&a, x1, "10.0.2.0/24");
    // All subnets of one side are enough.
    assert_eq!(warnings(&mut world), [Warning::CidrsOverlapCompletely, Warning::RoutesNeeded]);
    world.subnet(&a, x2, "10.0.3.0/24");
    let usable = vec![net("10.0.2.0/24"), net("10.0.3.0/24")];
    assert_eq!(warnings(&mut world), [Warning::CidrsOverlap { usable }, Warning::RoutesNeeded]);
}

/// Lifecycle section 3: the accepter is told before acceptance, the requester after it, and of its own subnets only.
#[test]
fn overlap_across_accounts_is_told_to_whom_it_concerns() {
    let mut world = World::new();
    let (a, b) = (world.a.clone(), world.b.clone());
    let (mine, theirs) = (world.vpc(&a, "m", "10.0.0.0/16").id, world.vpc(&b, "t", "10.0.0.0/16").id);
    world.subnet(&a, mine, "10.0.1.0/24");
    world.subnet(&b, theirs, "10.0.2.0/24");
    let request = world.peering_request(mine, theirs);
    let (peering, warnings) = world.call(|c, x| create_peering(c, &a, x, request)).unwrap();
    assert_eq!(warnings, [Warning::RoutesNeeded]);
    let seen = |world: &World, who: &Caller| crate::peering(&world.catalog, who, peering.id).unwrap().warnings;
    let overlap = |usable: &str| vec![Warning::CidrsOverlap { usable: vec![net(usable)] }, Warning::RoutesNeeded];
    assert_eq!(seen(&world, &a), [Warning::RoutesNeeded]);
    assert_eq!(seen(&world, &b), overlap("10.0.2.0/24"));
    let (_, warnings) = world.call(|c, x| accept_peering(c, &b, x, peering.id)).unwrap();
    assert_eq!(warnings, overlap("10.0.2.0/24"));
    assert_eq!(seen(&world, &a), overlap("10.0.1.0/24"));
}

/// EDGE-2.
#[test]
fn different_edge_sites_are_allowed_with_a_warning() {
    let mut world = World::new();
    let a = world.a.clone();
    let mut at = |name: &str, cidr: &str, site: Option<&str>| {
        let (name, cidr) = (name.to_owned(), Some(net(cidr)));
        let request = CreateVpc { name, cidr, edge_site: site.map(Into::into), ..CreateVpc::default() };
        world.ok(|c, x| create_vpc(c, &a, x, request)).id
    };
    let one = at("one", "10.1.0.0/16", Some("edge-1"));
    let two = at("two", "10.2.0.0/16", Some("edge-2"));
    let centre = at("centre", "10.3.0.0/16", None);
    let mut warnings = |local, peer| {
        let request = world.peering_request(local, peer);
        world.run(|c, x| create_peering(c, &a, x, request)).unwrap().warnings
    };
    assert_eq!(warnings(one, two), [Warning::DifferentEdgeSites, Warning::RoutesNeeded]);
    assert_eq!(warnings(one, centre), [Warning::RoutesNeeded]);
}

/// A VPC that is gone cannot be peered, and a request to it neither accepted.
#[test]
fn the_vpc_of_a_request_can_be_deleted_before_the_answer() {
    let mut s = setup();
    let (a, b) = (s.a.clone(), s.b.clone());
    let pending = s.world.peer(&a, s.a1, s.b1).id;
    s.world.ok(|c, x| delete_vpc(c, &a, x, s.a1));
    assert_eq!(s.world.refused(|c, x| accept_peering(c, &b, x, pending)).code(), "not_found");
}
