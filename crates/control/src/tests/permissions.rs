//! The table "who may do what" of lifecycle section 2, literally.

use model::{Peering, PeeringStatus};

use super::fixture::{World, via_peering};
use crate::{
    Caller, Error, UpdatePeering, accept_peering, delete_peering, expire_due, peering, peerings, reject_peering,
    update_peering,
};

/// R: the requester may; A: the accepter may; `R=error`: the requester is refused with this error.
const TABLE: &str = "
    | operation                                | PENDING_ACCEPTANCE    | ACTIVE          | REJECTED        | EXPIRED         |
    | view                                     | R A                   | R A             | R A             | R A             |
    | list                                     | R A                   | R A             | R A             | R A             |
    | update                                   | R A                   | R A             | R A             | R A             |
    | accept                                   | A R=not_authorized    | R=invalid_state A=invalid_state | R=invalid_state A=invalid_state | R=invalid_state A=invalid_state |
    | reject                                   | A R=not_authorized    | R=invalid_state A=invalid_state | R=invalid_state A=invalid_state | R=invalid_state A=invalid_state |
    | delete                                   | R A                   | R A             | R A             | R A             |
    | route                                    | R A                   | R A             | R=invalid_state A=invalid_state | R=invalid_state A=invalid_state |
";

fn in_state(status: &str) -> (World, Peering) {
    let mut world = World::new();
    let (a, b) = (world.a.clone(), world.b.clone());
    let (mine, theirs) = (world.vpc(&a, "a1", "10.1.0.0/16").id, world.vpc(&b, "b1", "10.2.0.0/16").id);
    let id = world.peer(&a, mine, theirs).id;
    match status {
        "PENDING_ACCEPTANCE" => {}
        "ACTIVE" => drop(world.ok(|c, x| accept_peering(c, &b, x, id))),
        "REJECTED" => drop(world.ok(|c, x| reject_peering(c, &b, x, id))),
        "EXPIRED" => {
            world.now = world.now.plus_seconds(8 * 24 * 3600);
            let now = world.now;
            assert_eq!(world.ok(|c, _| Ok(expire_due(c, now, 10))), [id]);
        }
        other => panic!("{other}"),
    }
    let peering = Peering::clone(world.catalog.peering(id).unwrap());
    assert_eq!(peering.status.as_str(), status);
    (world, peering)
}

fn attempt(world: &mut World, who: &Caller, operation: &str, target: &Peering) -> Result<(), Error> {
    let id = target.id;
    match operation {
        "view" => peering(&world.catalog, who, id).map(|_| ()),
        "list" => match peerings(&world.catalog, who).iter().any(|peering| peering.id == id) {
            true => Ok(()),
            false => Err(Error::not_found(model::Kind::Peering, id)),
        },
        "update" => {
            let request = UpdatePeering { name: Some("new".into()), description: None };
            world.call(|c, x| update_peering(c, who, x, id, request)).map(|_| ())
        }
        "accept" => world.call(|c, x| accept_peering(c, who, x, id)).map(|_| ()),
        "reject" => world.call(|c, x| reject_peering(c, who, x, id)).map(|_| ()),
        "delete" => world.call(|c, x| delete_peering(c, who, x, id)).map(|_| ()),
        "route" => {
            let end = if *who == world.a { &target.requester } else { &target.accepter };
            let table = world.catalog.vpc(end.vpc).unwrap().default_route_table;
            world.add_route(who, table, via_peering("10.99.0.0/16", id)).map(|_| ())
        }
        other => panic!("{other}"),
    }
}

#[test]
fn requester_and_accepter_may_do_what_the_table_says() {
    let rows: Vec<Vec<&str>> = TABLE
        .lines()
        .filter(|line| line.contains('|'))
        .map(|line| line.trim().trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    let (header, rows) = rows.split_first().unwrap();
    let mut cells = 0;
    for row in rows {
        for (status, cell) in header[1..].iter().zip(&row[1..]) {
            for who in ["R", "A"] {
                let expected = cell
                    .split_whitespace()
                    .find_map(|word| match word.split_once('=') {
                        Some((party, error)) => (party == who).then_some(Err(error)),
                        None => (word == who).then_some(Ok(())),
                    })
                    .unwrap();
                let (mut world, target) = in_state(status);
                let caller = if who == "R" { world.a.clone() } else { world.b.clone() };
                let got = attempt(&mut world, &caller, row[0], &target).map_err(|error| error.code());
                assert_eq!(got, expected, "{who} {} in {status}", row[0]);
                cells += 1;
            }
        }
    }
    assert_eq!(cells, 7 * 4 * 2);
}

/// Lifecycle section 2: existence is not revealed to third accounts, whatever they try.
#[test]
fn a_third_account_finds_nothing() {
    for status in ["PENDING_ACCEPTANCE", "ACTIVE", "REJECTED", "EXPIRED"] {
        for operation in ["view", "list", "update", "accept", "reject", "delete"] {
            let (mut world, target) = in_state(status);
            let third = world.c.clone();
            let got = attempt(&mut world, &third, operation, &target).map_err(|error| error.code());
            assert_eq!(got, Err("not_found"), "{operation} in {status}");
        }
        // Nor does it learn more by trying to route to it.
        let (mut world, target) = in_state(status);
        let third = world.c.clone();
        let table = world.vpc(&third, "c1", "10.1.0.0/16").default_route_table;
        let error = world.add_route(&third, table, via_peering("10.99.0.0/16", target.id)).unwrap_err();
        assert_eq!(error.code(), "next_hop_not_in_vpc");
    }
}

/// LC-4, LC-5: only the documented transitions happen.
#[test]
fn states_change_only_as_drawn() {
    for status in ["ACTIVE", "REJECTED", "EXPIRED"] {
        let (mut world, target) = in_state(status);
        world.now = world.now.plus_seconds(365 * 24 * 3600);
        let (now, b) = (world.now, world.b.clone());
        assert!(world.ok(|c, _| Ok(expire_due(c, now, 10))).is_empty());
        assert!(world.call(|c, x| accept_peering(c, &b, x, target.id)).is_err());
        let after = world.catalog.peering(target.id).unwrap().status;
        assert_eq!(after, target.status);
        assert_eq!(after == PeeringStatus::Active, status == "ACTIVE");
    }
}
