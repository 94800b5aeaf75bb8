//! The kernel programs alone: nanoseconds for one packet by the kernel's own measurement (`BPF_PROG_TEST_RUN`).

mod fixture;

use std::collections::BTreeSet;

use anyhow::{Context, ensure};
use datapath::Capacities;
use datapath::testrun::TestDatapath;
use netlink::{Namespace, run_in};
use serde::Serialize;
use tables::{Delta, Tables};

use crate::path::{Removed, ip};
use crate::ratio::Spread;
use fixture::{End, ends, frame, tables};

/// The object with the empty program.
const TEST_OBJECT: &[u8] = include_bytes!("../../../bpf/causeway-testrun.bpf.o");
/// Runs by measurement of what repeats.
const REPEAT: u32 = 200_000;
/// First packets by round.
const FIRST: u16 = 500;
/// `TC_ACT_REDIRECT` (`linux/pkt_cls.h`): what the program returns for a packet that it delivers.
const REDIRECT: u32 = 7;

/// Nanoseconds by packet.
#[derive(Clone, Debug, Serialize)]
pub struct Programs {
    /// An empty program, run again and again: what a test run costs by itself.
    pub empty: Spread,
    /// A packet over a peering, of a flow that both ends know, run again and again.
    pub established: Spread,
    /// Differences of neighbours: established, without the test run.
    pub established_net: Spread,
    /// The first packet of a flow over a peering, one run each with cold caches: source check, rules of both ends,
    /// routes, crossing, two new entries.
    pub first: Spread,
    /// An empty program, one run each.
    pub empty_once: Spread,
    /// The same as `established_net` for first packets.
    pub first_net: Spread,
    /// Instructions that the verifier walked through.
    pub verified_instructions: u32,
}

/// Measures the object that ships.
///
/// # Errors
/// The kernel does not load it, or it does not deliver the packets.
pub fn measure(rounds: u32) -> anyhow::Result<Programs> {
    let namespace = Removed::create("program")?;
    // A packet comes in by an interface that must be there; nothing is sent by it.
    ip(Some(&namespace.0), "link add name left type veth peer name right\n")?;
    let index = |name| {
        let link = netlink::link(&namespace.0, name)?.with_context(|| format!("no interface {name}"))?;
        anyhow::Ok(link.index)
    };
    let (left, right) = ends(index("left")?, index("right")?);
    in_namespace(&namespace.0, rounds, left, right)
}

fn in_namespace(namespace: &Namespace, rounds: u32, left: End, right: End) -> anyhow::Result<Programs> {
    run_in(namespace, || run(rounds, left, right))?
}

fn run(rounds: u32, left: End, right: End) -> anyhow::Result<Programs> {
    let mut shipped = TestDatapath::load_shipped(&Capacities::default())?;
    let tables = tables(left, right);
    let bumped = BTreeSet::from([left.vni, right.vni]);
    shipped.apply(&Delta { bumped, ..Delta::between(&Tables::default(), &tables) })?;
    // A copy, because the loader needs the bytes to be aligned.
    let aligned = TEST_OBJECT.to_vec();
    let mut test = TestDatapath::load(&aligned, &Capacities::default())?;

    let (there, back) = (frame(left, right, 1000, 2000), frame(right, left, 2000, 1000));
    for (frame, from) in [(&there, left), (&back, right), (&there, left), (&back, right)] {
        let result = shipped.run(frame, from.ifindex)?.result;
        ensure!(result == REDIRECT, "the program returned {result} for a packet that is allowed");
    }
    let ns = |duration: std::time::Duration| duration.as_secs_f64() * 1e9;
    let (mut empty, mut established, mut first, mut empty_once) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        empty.push(ns(test.run_program("empty", &there, left.ifindex, REPEAT)?.duration));
        let repeated = shipped.run_program("from_workload", &there, left.ifindex, REPEAT)?;
        ensure!(repeated.result == REDIRECT, "the program returned {} in the end", repeated.result);
        established.push(ns(repeated.duration));
        let (mut once, mut nothing) = (Vec::new(), Vec::new());
        for port in 0..FIRST {
            let round = u16::try_from(round % 1000)?;
            once.push(ns(shipped.run(&frame(left, right, 2000 + port, 3000 + round), left.ifindex)?.duration));
            nothing.push(ns(test.run_program("empty", &there, left.ifindex, 1)?.duration));
        }
        let median = |values| Spread::of(values).map_or(f64::NAN, |spread: Spread| spread.median);
        first.push(median(once));
        empty_once.push(median(nothing));
    }
    let spread = |values: &[f64]| Spread::of(values.iter().copied()).context("no rounds");
    let net = |whole: &[f64], nothing: &[f64]| {
        Spread::of(whole.iter().zip(nothing).map(|(whole, nothing)| whole - nothing)).context("no rounds")
    };
    Ok(Programs {
        empty: spread(&empty)?,
        established: spread(&established)?,
        established_net: net(&established, &empty)?,
        first: spread(&first)?,
        empty_once: spread(&empty_once)?,
        first_net: net(&first, &empty_once)?,
        verified_instructions: shipped.verified_instructions()?,
    })
}
