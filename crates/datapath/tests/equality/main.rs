//! The kernel program and the simulator do the same with every packet: the same verdict, the same bytes, the same flows.
//!
//! Both are built from one pipeline, so a difference is one of compilers, of maps, or of what stands around it.

#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

mod address;
mod answer;
#[path = "../common/mod.rs"]
mod common;
mod dhcp;
mod discovery;
mod ipv6;
mod packet;
mod policy;
mod random;
mod seen;
mod topology;
mod transport;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use abi::{Claim, Flow, FlowKey};
use common::{in_namespace, object, veth};
use datapath::{
    Capacities, Error,
    testrun::{Outcome, TestDatapath},
};
use random::Random;
use seen::Seen;
use sim::World;
use tables::{Delta, Tables};
use topology::VPCS;

/// Configurations, one changed into the next, and packets for each.
const CONFIGURATIONS: u64 = 1200;
const PACKETS: usize = 200;
/// Fewer pairs would prove too little: some frames are too short for the kernel to run a program on.
const PAIRS: usize = 200_000;

/// Flows are forgotten after this time at the latest: the simulator's clock stands still, and none may expire.
const FORGET_AFTER: Duration = Duration::from_secs(10);

/// `TC_ACT_SHOT` and `TC_ACT_REDIRECT` of `linux/pkt_cls.h`.
const SHOT: u32 = 2;
const REDIRECT: u32 = 7;

#[test]
fn the_kernel_and_the_simulator_agree_on_every_packet() {
    in_namespace(|| {
        let interfaces: Vec<u32> = (0..10).map(|number| veth(&format!("eq{number}"))).collect();
        let tagged = |interface: usize, vlan: u32| abi::attachment(interfaces[interface], vlan);
        // Three are supplementary interfaces; of the others one has none of these VLANs, two no port at all.
        let supplementary = [tagged(0, 100), tagged(0, 4094), tagged(1, 100)];
        let known = [&interfaces[..8], &supplementary].concat();
        let strange = [tagged(0, 7), tagged(1, abi::OTHER_TAG), tagged(8, 100)];
        let others = [&interfaces[8..], &strange].concat();
        let capacities = Capacities { flows: 65_536, new_flows: 65_536, ..Capacities::default() };
        let mut kernel = TestDatapath::load(&object(), &capacities).unwrap();
        let mut world = World::load(&Tables::default());
        let mut tables = Tables::default();
        let mut seen = Seen::default();
        let mut forgotten = Instant::now();
        let (mut kernel_claims, mut world_claims) = (ChangedClaims::default(), ChangedClaims::default());
        let configurations = if std::env::var_os("CAUSEWAY_SOAK").is_some() { 20 } else { 1 } * CONFIGURATIONS;
        for seed in 0..configurations {
            let mut random = Random::new(seed);
            let (next, places) = topology::random(&mut random, &known);
            let bumped: BTreeSet<u32> = (1..=VPCS.into()).filter(|_| random.percent(70)).collect();
            let delta = Delta { bumped, ..Delta::between(&tables, &next) };
            kernel.apply(&delta).unwrap();
            world.apply(&delta);
            tables = next;
            if random.percent(30) || forgotten.elapsed() > FORGET_AFTER {
                kernel.forget_flows().unwrap();
                world.forget_flows();
                forgotten = Instant::now();
            }
            compare(seed, &mut random, (&mut kernel, &mut world), (&places, &others), &mut seen);
            let claims = (kernel_claims.changes(kernel.claims()), world_claims.changes(world.take_claims()));
            assert_eq!(claims.0, claims.1, "seed {seed}");
            assert_eq!(flows(kernel.flows().unwrap()), world_flows(&world), "seed {seed}");
        }
        println!("{seen:?}");
        seen.assert_enough(PAIRS);
        let counted: BTreeMap<_, _> =
            kernel.drops().unwrap().into_iter().map(|(k, v)| (k, (v.packets, v.bytes))).collect();
        let expected = world.drops().iter().map(|(k, v)| (*k, (v.packets, v.bytes))).collect();
        assert_eq!(counted, expected);
    });
}

/// Sends frames through both; those that are delivered may be answered later.
fn compare(
    seed: u64,
    random: &mut Random,
    (kernel, world): (&mut TestDatapath, &mut World),
    (places, others): (&[topology::Place], &[u32]),
    seen: &mut Seen,
) {
    let mut earlier = Vec::new();
    for number in 0..PACKETS {
        let sent = packet::random(random, places, others, &earlier);
        let outcome = match kernel.run(&sent.frame, sent.ifindex) {
            // The kernel does not run programs on what it thinks is no frame.
            Err(Error::TestRun(_)) if sent.frame.len() < 62 => continue,
            outcome => outcome.unwrap(),
        };
        let mut frame = sent.frame.clone();
        let expected = world.send(sent.ifindex, &mut frame);
        let expected = as_kernel(expected, sent.ifindex, outcome.vni, frame);
        let got = Outcome { duration: expected.duration, ..outcome };
        assert_eq!(got, expected, "seed {seed}, packet {number}: {sent:02x?}");
        seen.add(&sent.frame, got.action, got.reason, &got.frame);
        seen.add_tags(sent.ifindex, got.action, got.ifindex);
        if got.action == 1 {
            earlier.push(packet::Sent { ifindex: got.ifindex, frame: got.frame });
        }
    }
}

/// What the test object reports for an outcome of the simulator, which says no VPC (`vni`) of what goes no way.
fn as_kernel(outcome: sim::Outcome, own: u32, vni: u32, frame: Vec<u8>) -> Outcome {
    let (action, reason, ifindex, vni, result) = match outcome {
        sim::Outcome::Dropped { vni, reason } => (0, reason as u32, 0, vni, SHOT),
        sim::Outcome::Delivered { ifindex, vni } => (1, 0, ifindex, vni, REDIRECT),
        sim::Outcome::Replied => (2, 0, own, vni, REDIRECT),
        sim::Outcome::Consumed => (3, 0, 0, vni, SHOT),
    };
    Outcome { action, reason, ifindex, vni, result, frame, duration: Duration::ZERO }
}

/// Claims without those that repeat the last one of their virtual IP, which the kernel leaves out for a while.
#[derive(Default)]
struct ChangedClaims(BTreeMap<(u32, u8, abi::Address), abi::Id>);

impl ChangedClaims {
    fn changes(&mut self, mut claims: Vec<Claim>) -> Vec<Claim> {
        claims.retain(|claim| {
            let vip = (claim.vni, claim.family, claim.address);
            self.0.insert(vip, claim.port) != Some(claim.port)
        });
        claims
    }
}

/// Flows without the time of their last packet, which the two worlds measure by different clocks.
fn flows(maps: [BTreeMap<FlowKey, Flow>; 2]) -> [BTreeMap<FlowKey, Flow>; 2] {
    maps.map(|map| map.into_iter().map(|(key, flow)| (key, Flow { seen: 0, ..flow })).collect())
}

fn world_flows(world: &World) -> [BTreeMap<FlowKey, Flow>; 2] {
    let state = world.flows();
    flows([
        state.established().map(|(key, flow)| (*key, *flow)).collect(),
        state.embryonic().map(|(key, flow)| (*key, *flow)).collect(),
    ])
}
