#![allow(clippy::unwrap_used, reason = "a failed lookup is the failure of the test")]

use proptest::prelude::*;

use super::*;
use crate::compile_vpc;
use crate::fixture::Fixture;
use crate::fixture::churn::{START, change};

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
                    parts.extend(compile_vpc(&fixture.catalog, vpc.id, fixture.attachments(), Settings::default()));
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
