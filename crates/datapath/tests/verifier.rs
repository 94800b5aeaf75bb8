//! The verifier accepts what ships, and how far it has to walk does not jump.

#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

mod common;

use std::collections::BTreeMap;

use common::{in_namespace, object};
use datapath::{Capacities, testrun::TestDatapath};

/// Programs, and the instructions that the verifier walked through when they were last looked at. The kernel's limit is
/// 1,000,000 for each.
const RECORD: &str = include_str!("verified_instructions.txt");

/// Small maps load faster.
const SMALL: Capacities = Capacities {
    ports: 16,
    endpoints: 16,
    routes: 16,
    crossings: 16,
    cidrs: 16,
    identities: 16,
    rules: 16,
    address_pairs: 16,
    subnets: 16,
    acls: 16,
    flows: 256,
    new_flows: 256,
    fragments: 256,
    drops: 256,
};

#[test]
fn the_verifiers_walk_does_not_jump() {
    in_namespace(|| {
        let walked = TestDatapath::load_shipped(&SMALL).unwrap().verified_instructions().unwrap();
        println!("the verifier walked through {walked:?}");
        let recorded: BTreeMap<&str, u32> = RECORD
            .lines()
            .map(|line| line.split_once(' ').unwrap())
            .map(|(program, count)| (program, count.parse().unwrap()))
            .collect();
        assert!(walked.keys().eq(recorded.keys()), "{:?} are on record", recorded.keys());
        for (program, walked) in walked {
            let recorded = recorded[program];
            assert!(
                walked <= recorded + recorded / 4,
                "the verifier walks through {walked} instructions of {program}, {recorded} on record: a change \
                 multiplied the paths (if that is meant, write the number to tests/verified_instructions.txt)"
            );
        }
    });
}

#[test]
fn both_objects_load() {
    in_namespace(|| {
        TestDatapath::load_shipped(&SMALL).unwrap();
        TestDatapath::load(&object(), &SMALL).unwrap();
    });
}
