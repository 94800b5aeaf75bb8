#![allow(clippy::unwrap_used, reason = "a failed lookup is the failure of the test")]

use proptest::prelude::*;

use model::PeeringId;

use super::*;
use crate::compile_vpc;
use crate::fixture::Fixture;

/// VPCs that overlap in pairs, so that sharing of ranges and classes is met.
const START: &str = "
    group g0
    group g1
    group g2
    rule g0 in allow 10 all sg:g0
    rule g0 out allow 10 all 0.0.0.0/0
    rule g1 in allow 10 tcp/80 sg:g2
    rule g1 in deny 5 tcp/80-90 10.0.0.0/9
    rule g1 out allow 10 tcp sg:g0
    rule g2 in allow 1 icmp 0.0.0.0/0
    rule g2 out deny 2 udp sg:g1
    vpc V0 10.0.0.0/16
    vpc V1 10.0.0.0/16
    vpc V2 10.2.0.0/16 edge=e1
    vpc V3 10.3.0.0/16
    vpc V4 10.4.0.0/16
    subnet S0-0 V0 10.0.0.0/24
    subnet S2-0 V2 10.2.0.0/24
    subnet S3-0 V3 10.3.0.0/24
    subnet S4-0 V4 10.4.0.0/24
    server first-0 S0-0 10.0.0.5 groups=g0
    server first-2 S2-0 10.2.0.5 groups=g1
    server first-3 S3-0 10.3.0.5 groups=g2
    server first-4 S4-0 10.4.0.5 groups=g0,g1
    peering first-02 V0 V2
    peering first-23 V2 V3
    peering first-34 V3 V4 status=PENDING_ACCEPTANCE
    route rtb-V0 10.2.0.0/15 first-02
    route rtb-V2 10.3.0.0/16 first-23
";

/// One random change, written so that it is possible in the installation as it is; else nothing.
fn change(fixture: &mut Fixture, step: usize, (what, a, b, c): (u8, u8, u8, u8)) {
    let vpc = a % 5;
    let name = |kind: &str| format!("{kind}{step}");
    let is = |fixture: &Fixture, kind: &str, id: &str| {
        fixture.id_of(id).is_some_and(|id| fixture.catalog.mod_revision(&format!("{kind}/{id}")).is_some())
    };
    let pick = |names: Vec<String>| names.get(usize::from(c) % names.len().max(1)).cloned();
    let a_peering = |fixture: &Fixture| pick(fixture.catalog.peerings().map(|peering| peering.name.clone()).collect());
    let a_server = |fixture: &Fixture| pick(fixture.catalog.servers().map(|server| server.name.clone()).collect());
    let subnet = format!("S{vpc}-{}", b % 3);
    let base = if vpc < 2 { 0 } else { vpc };
    match what % 13 {
        0 | 1 if !is(fixture, "subnet", &subnet) && fixture.id_of(&subnet).is_none() => {
            fixture.run(&format!("subnet {subnet} V{vpc} 10.{base}.{}.0/24", b % 3));
        }
        2..=4 if is(fixture, "subnet", &subnet) => {
            let groups = ["g0", "g1", "g2", "g1,g0", ""][usize::from(c % 5)];
            let check = if c % 7 == 0 { "off" } else { "on" };
            let host = 10 + step % 200;
            let server = name("E");
            fixture.run(&format!("server {server} {subnet} 10.{base}.{}.{host} groups={groups} check={check}", b % 3));
        }
        5 if a % 5 != b % 5 => {
            let status = ["ACTIVE", "ACTIVE", "PENDING_ACCEPTANCE"][usize::from(c % 3)];
            fixture.run(&format!("peering {} V{vpc} V{} status={status}", name("P"), b % 5));
        }
        6 | 7 => {
            let Some(peering) = a_peering(fixture) else { return };
            let record = fixture.catalog.peering(PeeringId::new(fixture.id(&peering))).unwrap().clone();
            let end = if b % 2 == 0 { record.requester.vpc } else { record.accepter.vpc };
            let table = format!("rtb-{}", fixture.catalog.vpc(end).unwrap().name);
            let destination = ["10.0.0.0/16", "10.2.0.0/15", "10.4.1.0/24", "0.0.0.0/0"][usize::from(a % 4)];
            let table_id = fixture.catalog.vpc(end).unwrap().default_route_table;
            if fixture.catalog.route_for(table_id, destination.parse().unwrap()).is_none() {
                fixture.run(&format!("route {table} {destination} {peering}"));
            }
        }
        8 => {
            let Some(peering) = a_peering(fixture) else { return };
            let status = ["ACTIVE", "REJECTED"][usize::from(a % 2)];
            match b % 3 {
                0 => fixture.run(&format!("delete-peering {peering}")),
                _ => fixture.run(&format!("status {peering} {status}")),
            }
        }
        9 => {
            let Some(server) = a_server(fixture) else { return };
            match b % 5 {
                0 => fixture.run(&format!("delete-server {server}")),
                1 => fixture.run(&format!("stop {server}")),
                2 => fixture.run(&format!("check {server} {}", ["on", "off"][usize::from(a % 2)])),
                3 => fixture.run(&format!("groups {server} {}", ["g0", "g2,g1", "g1"][usize::from(a % 3)])),
                _ => {
                    let vpc = fixture
                        .catalog
                        .port(fixture.catalog.server(fixture.server(&server)).unwrap().port)
                        .unwrap()
                        .vpc;
                    let table = fixture.catalog.vpc(vpc).unwrap();
                    if fixture.catalog.route_for(table.default_route_table, "10.0.0.0/8".parse().unwrap()).is_none() {
                        fixture.run(&format!("route rtb-{} 10.0.0.0/8 {server}", table.name.clone()));
                    }
                }
            }
        }
        10 => {
            let group = format!("g{}", a % 3);
            let remote = ["sg:g0", "sg:g1", "0.0.0.0/0", "10.2.0.0/16"][usize::from(b % 4)];
            let direction = ["in", "out"][usize::from(c % 2)];
            fixture.run(&format!("rule {group} {direction} allow {} tcp/{} {remote}", b % 9 + 1, 1 + u16::from(c)));
        }
        11 => fixture.run(&format!("delete-rules g{}", a % 3)),
        12 if is(fixture, "subnet", &subnet) => {
            let id = model::SubnetId::new(fixture.id(&subnet));
            if fixture.catalog.ports_in(id).next().is_none() {
                fixture.run(&format!("delete-subnet {subnet}"));
            }
        }
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// Whatever way led to a state, its tables are the same.
    #[test]
    fn updates_give_the_tables_of_a_full_compilation(
        steps in prop::collection::vec(any::<(u8, u8, u8, u8)>(), 1..50),
        every in 1usize..3,
    ) {
        let mut fixture = Fixture::new(START);
        fixture.take_changes();
        let mut compiler = Compiler::default();
        let mut tables = compiler.full(&fixture.catalog, fixture.attachments());
        for (step, what) in steps.iter().enumerate() {
            change(&mut fixture, step, *what);
            if step % every == 0 || step + 1 == steps.len() {
                let changes = fixture.take_changes();
                let delta = compiler.update(&fixture.catalog, &changes, fixture.attachments());
                tables.apply(&delta);
                prop_assert_eq!(delta.changes.is_empty(), delta.bumped.is_empty());
                let full = Compiler::default().full(&fixture.catalog, fixture.attachments());
                prop_assert_eq!(&compiler.tables(), &full);
                prop_assert_eq!(&tables, &full);
                let mut parts = Tables::default();
                for vpc in fixture.catalog.vpcs() {
                    parts.extend(compile_vpc(&fixture.catalog, vpc.id, fixture.attachments()));
                }
                prop_assert_eq!(&parts, &full);
            }
        }
    }
}

fn updated(text: &str, change: &str) -> (Fixture, Delta) {
    let mut fixture = Fixture::new(text);
    fixture.take_changes();
    let mut compiler = Compiler::default();
    compiler.full(&fixture.catalog, fixture.attachments());
    fixture.run(change);
    let changes = fixture.take_changes();
    let delta = compiler.update(&fixture.catalog, &changes, fixture.attachments());
    (fixture, delta)
}

const CHAIN: &str = "
    vpc A 10.1.0.0/16
    vpc B 10.2.0.0/16
    vpc C 10.3.0.0/16
    vpc D 10.4.0.0/16
    peering AB A B
    peering BC B C
    peering CD C D status=PENDING_ACCEPTANCE
";

/// RT-11: flows of every VPC that a packet through the changed one can be of are decided again.
#[test]
fn the_connected_component_is_bumped_and_nothing_else() {
    let (fixture, delta) = updated(CHAIN, "route rtb-A 10.2.0.0/16 AB");
    let vnis = ["A", "B", "C"].map(|name| fixture.catalog.vpc(fixture.vpc(name)).unwrap().vni.number());
    assert_eq!(delta.bumped, BTreeSet::from(vnis));
    assert_eq!(delta.changes.len(), 1);
}

/// PEER-6: what was joined before a peering is deleted is bumped on both sides.
#[test]
fn both_sides_of_a_deleted_peering_are_bumped() {
    let (_, delta) = updated(CHAIN, "delete-peering BC");
    assert_eq!(delta.bumped.len(), 3);
}

#[test]
fn a_change_without_effect_on_packets_is_no_change() {
    let (_, delta) = updated(CHAIN, "group unused");
    assert!(delta.is_empty());
}
