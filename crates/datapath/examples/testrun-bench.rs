//! Nanoseconds per packet of the kernel program, by the kernel's own measurement (`BPF_PROG_TEST_RUN`).
//!
//!     cargo run --release -p causeway-datapath --example testrun-bench
//!
//! An empty program is measured in between, because a test run costs something by itself. Needs root; other load on
//! the machine shows, so look at the smallest values and at the differences of neighbours.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "an example that measures")]

#[path = "../tests/common/mod.rs"]
mod common;

use std::{collections::BTreeSet, time::Duration};

use common::{Workload, in_namespace, object, peered, udp, veth};
use datapath::{Capacities, testrun::TestDatapath};
use tables::{Delta, Tables};

const ROUNDS: usize = 21;
const REPEAT: u32 = 200_000;

fn main() {
    in_namespace(measure);
}

fn measure() {
    let interfaces: Vec<u32> = (0..4).map(|n| veth(&format!("bench{n}"))).collect();
    let (mut tables, workloads) = peered(&interfaces);
    // A run finds the frame as the one before left it, so the address that the program writes must be the sender's.
    for port in tables.ports.values_mut() {
        port.mac = abi::GATEWAY_MAC;
    }
    let workloads: Vec<Workload> =
        workloads.into_iter().map(|workload| Workload { mac: abi::GATEWAY_MAC, ..workload }).collect();
    let (a, b, neighbour) = (workloads[0], workloads[1], workloads[2]);

    let mut datapath = TestDatapath::load(&object(), &Capacities::default()).unwrap();
    let delta = Delta { bumped: BTreeSet::from([1, 2]), ..Delta::between(&Tables::default(), &tables) };
    datapath.apply(&delta).unwrap();

    for (name, from, to) in [("same subnet", a, neighbour), ("over a peering", a, b)] {
        let there = udp(&from, &to, 1000, 2000);
        let back = udp(&to, &from, 2000, 1000);
        for frame in [(&there, from), (&back, to), (&there, from), (&back, to)] {
            let outcome = datapath.run(frame.0, frame.1.ifindex).unwrap();
            assert_eq!((outcome.action, outcome.reason), (1, 0), "{outcome:?}");
        }
        let (mut nothing, mut hit, mut first) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            nothing.push(datapath.run_program("empty", &there, from.ifindex, REPEAT).unwrap().duration);
            hit.push(datapath.run_program("from_workload", &there, from.ifindex, REPEAT).unwrap().duration);
            for port in 0..500 {
                let fresh = udp(&from, &to, 2000 + port, 3000 + u16::try_from(round).unwrap());
                first.push(datapath.run(&fresh, from.ifindex).unwrap().duration);
            }
        }
        println!(
            "{name:15} empty {}  established {}  first packet (single cold runs) {}",
            text(&mut nothing),
            text(&mut hit),
            text(&mut first)
        );
    }
    println!("instructions verified: {:?}", datapath.verified_instructions().unwrap());
    println!("{:?}", datapath.flows_len().unwrap());
}

/// Smallest and median.
fn text(durations: &mut [Duration]) -> String {
    durations.sort();
    format!("{:>4} / {:>4} ns", durations[0].as_nanos(), durations[durations.len() / 2].as_nanos())
}
