//! Measuring all paths in turn.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::cancel::Cancel;
use crate::counters;
use crate::options::Options;
use crate::path::{Kind, Path};
use crate::traffic::latency::{self, Latency};
use crate::traffic::packets::{self, Packets};
use crate::traffic::stream::{self, Stream};

/// Small packets are measured in so many turns by round: other load changes faster than a round takes.
const SLICES: u32 = 5;

/// One path in one round.
#[derive(Clone, Debug, Serialize)]
pub struct Measured {
    /// TCP throughput.
    pub stream: Stream,
    /// Small UDP packets.
    pub packets: Packets,
    /// Round trips.
    pub latency: Latency,
}

/// All paths, in one round.
pub type Round = BTreeMap<Kind, Measured>;

/// All rounds and what was counted meanwhile.
#[derive(Clone, Debug, Serialize)]
pub struct Rounds {
    /// In the order in which they were measured.
    pub rounds: Vec<Round>,
    /// Packets thrown away for their checksums, at both ends of each path.
    pub checksum_errors: BTreeMap<Kind, u64>,
}

/// Measures. Within a round each kind of traffic goes over all paths before the next one, so neighbours in time are
/// compared; every round begins with another path.
///
/// # Errors
/// A path that does not carry traffic; [`crate::cancel::Cancelled`].
pub fn run(options: &Options, mut paths: Vec<&Path>, cancel: &Cancel) -> anyhow::Result<Rounds> {
    let _listening = paths.iter().map(|path| stream::listen(path)).collect::<Result<Vec<_>, _>>()?;
    let before = checksum_errors(&paths)?;
    let mut rounds = Vec::new();
    for number in 1..=options.rounds() {
        let (mut streams, mut packets, mut latencies) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for path in paths.iter().copied() {
            streams.insert(path.kind, stream::send(path, options.tcp_seconds(), cancel)?);
        }
        for _ in 0..SLICES {
            for path in paths.iter().copied() {
                let slice = packets::send(path, options.udp() / SLICES, cancel)?;
                let sum = match packets.remove(&path.kind) {
                    Some(before) => Packets::with(before, &slice),
                    None => slice,
                };
                packets.insert(path.kind, sum);
            }
        }
        for path in paths.iter().copied() {
            latencies.insert(path.kind, latency::measure(path, options.latency(), cancel)?);
        }
        let round: Round = streams
            .into_iter()
            .zip(packets.into_values().zip(latencies.into_values()))
            .map(|((kind, stream), (packets, latency))| (kind, Measured { stream, packets, latency }))
            .collect();
        eprintln!("round {number}/{}: {}", options.rounds(), line(&round));
        rounds.push(round);
        paths.rotate_left(1);
    }
    let mut errors = checksum_errors(&paths)?;
    for (kind, count) in &mut errors {
        *count -= before.get(kind).copied().unwrap_or(0).min(*count);
    }
    Ok(Rounds { rounds, checksum_errors: errors })
}

fn checksum_errors(paths: &[&Path]) -> anyhow::Result<BTreeMap<Kind, u64>> {
    let both = |path: &&Path| {
        let (sender, receiver) = (counters::checksum_errors(&path.sender)?, counters::checksum_errors(&path.receiver)?);
        Ok((path.kind, sender + receiver))
    };
    paths.iter().map(both).collect()
}

/// For the one who waits.
fn line(round: &Round) -> String {
    let each = |value: fn(&Measured) -> f64, digits: usize| {
        round.values().map(|measured| format!("{:.digits$}", value(measured))).collect::<Vec<_>>().join(" ")
    };
    format!(
        "TCP {} Gbit/s, UDP {} ns/packet, round trip {} us ({})",
        each(|m| m.stream.bits_per_second / 1e9, 1),
        each(|m| m.packets.cpu_ns, 0),
        each(|m| m.latency.p50_us, 1),
        round.keys().map(|kind| kind.short()).collect::<Vec<_>>().join(", ")
    )
}
