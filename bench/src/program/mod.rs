//! The kernel programs alone: nanoseconds for one packet by the kernel's own measurement (`BPF_PROG_TEST_RUN`).

mod fixture;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use abi::FAMILY_V4;
use anyhow::{Context, bail, ensure};
use datapath::Capacities;
use datapath::testrun::TestDatapath;
use netlink::{Namespace, run_in};
use serde::Serialize;
use tables::{Delta, Tables};

use crate::path::{Removed, ip};
use crate::ratio::Spread;
use fixture::{End, Variation, ends, frame, tables};

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
    /// Instructions that the verifier walked through, by program.
    pub verified_instructions: BTreeMap<&'static str, u32>,
    /// A packet of an established flow in all variations, the first being the one above.
    pub established_as: Vec<Established>,
}

/// A packet of an established flow in one variation.
#[derive(Clone, Debug, Serialize)]
pub struct Established {
    /// [`Variation::name`].
    pub name: &'static str,
    /// [`Variation::configured`].
    pub configured: bool,
    /// As [`Programs::established_net`].
    pub net: Spread,
    /// Ratios to the first variation within a round.
    pub against_first: Spread,
    /// The same to the variation of its family with nothing configured.
    pub against_bare: Spread,
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

/// The object that ships with the tables of a variation, and a flow that both ends know.
struct Standing {
    datapath: TestDatapath,
    /// A packet of the flow.
    packet: Vec<u8>,
    variation: Variation,
}

impl Standing {
    fn new(variation: Variation, left: End, right: End) -> anyhow::Result<Self> {
        let mut datapath = TestDatapath::load_shipped(&Capacities::default())?;
        let bumped = BTreeSet::from([left.vni, right.vni]);
        let delta = Delta::between(&Tables::default(), &tables(left, right, variation));
        datapath.apply(&Delta { bumped, ..delta })?;
        let there = frame(left, right, variation.family, 1000, 2000);
        let back = frame(right, left, variation.family, 2000, 1000);
        for (frame, from) in [(&there, left), (&back, right), (&there, left), (&back, right)] {
            let result = datapath.run(frame, from.ifindex)?.result;
            let name = variation.name();
            ensure!(result == REDIRECT, "{name}: the program returned {result} for a packet that is allowed");
        }
        Ok(Self { datapath, packet: there, variation })
    }

    /// The time of one of many runs.
    fn repeat(&mut self, left: End) -> anyhow::Result<Duration> {
        let repeated = self.datapath.run_program("from_workload", &self.packet, left.ifindex, REPEAT)?;
        let (result, name) = (repeated.result, self.variation.name());
        ensure!(result == REDIRECT, "{name}: the program returned {result} in the end");
        Ok(repeated.duration)
    }
}

fn run(rounds: u32, left: End, right: End) -> anyhow::Result<Programs> {
    let mut variations = Vec::new();
    for variation in Variation::ALL {
        variations.push(Standing::new(variation, left, right)?);
    }
    // A copy, because the loader needs the bytes to be aligned.
    let aligned = TEST_OBJECT.to_vec();
    let mut test = TestDatapath::load(&aligned, &Capacities::default())?;

    let ns = |duration: Duration| duration.as_secs_f64() * 1e9;
    let (mut empty, mut first, mut empty_once) = (Vec::new(), Vec::new(), Vec::new());
    let mut established: Vec<Vec<f64>> = vec![Vec::new(); variations.len()];
    let there = frame(left, right, FAMILY_V4, 1000, 2000);
    for round in 0..rounds {
        empty.push(ns(test.run_program("empty", &there, left.ifindex, REPEAT)?.duration));
        for (standing, values) in variations.iter_mut().zip(&mut established) {
            values.push(ns(standing.repeat(left)?));
        }
        let Some(Standing { datapath: shipped, .. }) = variations.first_mut() else { bail!("no variation") };
        let (mut once, mut nothing) = (Vec::new(), Vec::new());
        for port in 0..FIRST {
            let round = u16::try_from(round % 1000)?;
            once.push(ns(shipped
                .run(&frame(left, right, FAMILY_V4, 2000 + port, 3000 + round), left.ifindex)?
                .duration));
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
    let Some((bare, standing)) = established.first().zip(variations.first_mut()) else { bail!("no variation") };
    let established_as = established.iter().zip(Variation::ALL).map(|(values, variation)| {
        let own = established.iter().zip(Variation::ALL).find(|(_, other)| *other == variation.bare());
        let against = |others: &[f64]| {
            let alone = |(whole, nothing): (&f64, &f64)| whole - nothing;
            let pairs = values.iter().zip(&empty).map(alone).zip(others.iter().zip(&empty).map(alone));
            Spread::of(pairs.map(|(value, other)| value / other)).context("no rounds")
        };
        anyhow::Ok(Established {
            name: variation.name(),
            configured: variation.configured,
            net: net(values, &empty)?,
            against_first: against(bare)?,
            against_bare: against(own.map_or(bare, |(values, _)| values))?,
        })
    });
    Ok(Programs {
        established_as: established_as.collect::<Result<_, _>>()?,
        empty: spread(&empty)?,
        established: spread(bare)?,
        established_net: net(bare, &empty)?,
        first: spread(&first)?,
        empty_once: spread(&empty_once)?,
        first_net: net(&first, &empty_once)?,
        verified_instructions: standing.datapath.verified_instructions()?,
    })
}
