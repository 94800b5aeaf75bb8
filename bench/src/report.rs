//! What the run found, for people and as JSON.

use std::fmt;

use serde::Serialize;

use crate::api::ApiReport;
use crate::machine::{Load, Machine};
use crate::options::Options;
use crate::path::{Kind, ROUTES, RULES};
use crate::program::Programs;
use crate::ratio::Spread;
use crate::rounds::{Measured, Round, Rounds};

/// TCP throughput against the direct pair.
const AIM_TCP: f64 = 0.95;
/// Processor time by small packet: how much less than the router.
const AIM_CPU: f64 = 1.5;
/// Of an established flow's packet, whatever is configured and over IPv6: how much more than with nothing configured.
const AIM_MORE: f64 = 1.05;
/// Nanoseconds of an established flow's packet in the program.
const AIM_ESTABLISHED: f64 = 120.0;

/// What is compared with what.
const RATIOS: [(Kind, Kind); 9] = [
    (Kind::Causeway, Kind::Direct),
    (Kind::Router, Kind::Direct),
    (Kind::Causeway, Kind::Router),
    (Kind::Configured, Kind::Direct),
    (Kind::Configured, Kind::Causeway),
    (Kind::Causeway6, Kind::Direct6),
    (Kind::Router6, Kind::Direct6),
    (Kind::Causeway6, Kind::Router6),
    (Kind::Configured6, Kind::Causeway6),
];

/// All ways, in the order of the tables.
const KINDS: [Kind; 8] = [
    Kind::Direct,
    Kind::Causeway,
    Kind::Configured,
    Kind::Router,
    Kind::Direct6,
    Kind::Causeway6,
    Kind::Configured6,
    Kind::Router6,
];

/// The ways through Causeway.
const THROUGH: [Kind; 4] = [Kind::Causeway, Kind::Configured, Kind::Causeway6, Kind::Configured6];

/// Everything.
#[derive(Debug, Serialize)]
pub struct Report<'a> {
    machine: Machine,
    options: &'a Options,
    summary: Summary,
    program: Programs,
    #[serde(flatten)]
    measured: Rounds,
    #[serde(skip_serializing_if = "Option::is_none")]
    api: Option<ApiReport>,
}

/// Ratios of the paths. Each is the median over the rounds of the ratio within one round.
#[derive(Debug, Serialize)]
struct Summary {
    ratios: Vec<Ratios>,
    /// Processor time by small packet that the path itself takes, that is without what the direct pair takes.
    path_cpu_ns: PathCost,
    absolutes: Vec<Absolutes>,
}

#[derive(Debug, Serialize)]
struct Ratios {
    of: Kind,
    to: Kind,
    tcp_throughput: Option<Spread>,
    tcp_cpu_per_byte: Option<Spread>,
    udp_packets_per_second: Option<Spread>,
    udp_cpu_per_packet: Option<Spread>,
    latency_p50: Option<Spread>,
}

#[derive(Debug, Serialize)]
struct PathCost {
    causeway: Option<Spread>,
    router: Option<Spread>,
}

#[derive(Debug, Serialize)]
struct Absolutes {
    path: Kind,
    tcp_gbit_per_second: Option<Spread>,
    udp_kilopackets_per_second: Option<Spread>,
    udp_cpu_ns: Option<Spread>,
    latency_p50_us: Option<Spread>,
    mean_segment_bytes: Option<Spread>,
    tcp_retransmits: u64,
    udp_lost: u64,
}

impl<'a> Report<'a> {
    /// Works the rounds out.
    pub fn new(
        machine: Machine,
        options: &'a Options,
        measured: Rounds,
        program: Programs,
        api: Option<ApiReport>,
    ) -> Self {
        let rounds = &measured.rounds;
        let over_direct =
            |kind| {
                Spread::of(rounds.iter().filter_map(|round| {
                    Some(round.get(&kind)?.packets.cpu_ns - round.get(&Kind::Direct)?.packets.cpu_ns)
                }))
            };
        let summary = Summary {
            ratios: RATIOS.into_iter().map(|(of, to)| ratios(rounds, of, to)).collect(),
            path_cpu_ns: PathCost { causeway: over_direct(Kind::Causeway), router: over_direct(Kind::Router) },
            absolutes: KINDS.map(|kind| absolutes(rounds, kind)).into(),
        };
        Self { machine, options, summary, program, measured, api }
    }

    /// What did not work, in sentences. Slowness is none of it.
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let through: Vec<_> =
            self.measured.rounds.iter().flat_map(|round| THROUGH.iter().filter_map(|kind| round.get(kind))).collect();
        let cut = through.iter().filter(|measured| !measured.stream.is_offloaded()).count();
        if cut > 0 {
            faults.push(format!("segments were cut to packets in {cut} of {} streams", through.len()));
        }
        for (kind, count) in &self.measured.checksum_errors {
            if *count > 0 {
                faults.push(format!("the {} delivered {count} packets with wrong checksums", kind.name()));
            }
        }
        faults
    }

    /// Whether everything worked, however fast.
    pub fn works(&self) -> bool {
        self.faults().is_empty()
    }

    fn ratio(&self, of: Kind, to: Kind) -> Option<&Ratios> {
        self.summary.ratios.iter().find(|ratios| (ratios.of, ratios.to) == (of, to))
    }
}

fn ratios(rounds: &[Round], of: Kind, to: Kind) -> Ratios {
    let spread = |value: fn(&Measured) -> f64| {
        Spread::of(rounds.iter().filter_map(|round| Some(value(round.get(&of)?) / value(round.get(&to)?))))
    };
    Ratios {
        of,
        to,
        tcp_throughput: spread(|m| m.stream.bits_per_second),
        tcp_cpu_per_byte: spread(|m| m.stream.cpu_ns_per_kb),
        udp_packets_per_second: spread(|m| m.packets.per_second),
        udp_cpu_per_packet: spread(|m| m.packets.cpu_ns),
        latency_p50: spread(|m| m.latency.p50_us),
    }
}

#[allow(clippy::cast_precision_loss, reason = "sizes of segments")]
fn absolutes(rounds: &[Round], path: Kind) -> Absolutes {
    let measured = || rounds.iter().filter_map(|round| round.get(&path));
    let spread = |value: fn(&Measured) -> f64| Spread::of(measured().map(value));
    Absolutes {
        path,
        tcp_gbit_per_second: spread(|m| m.stream.bits_per_second / 1e9),
        udp_kilopackets_per_second: spread(|m| m.packets.per_second / 1e3),
        udp_cpu_ns: spread(|m| m.packets.cpu_ns),
        latency_p50_us: spread(|m| m.latency.p50_us),
        mean_segment_bytes: spread(|m| m.stream.mean_segment as f64),
        tcp_retransmits: measured().map(|m| m.stream.retransmits).sum(),
        udp_lost: measured().map(|m| m.packets.sent.saturating_sub(m.packets.delivered)).sum(),
    }
}

/// A spread or a dash, with so many digits.
fn cell(spread: Option<Spread>, digits: usize) -> String {
    spread.map_or_else(|| "-".to_owned(), |spread| format!("{spread:.digits$}"))
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let machine = &self.machine;
        writeln!(f, "kernel {}, {} x {}", machine.kernel, machine.cpus, machine.cpu)?;
        for (when, load) in [("before", &machine.before), ("after", &machine.after)] {
            writeln!(f, "load {when}: {}", words(load))?;
        }
        let rounds = self.measured.rounds.len();
        writeln!(
            f,
            "{rounds} rounds of {} s TCP, {} ms UDP, {} ms round trips",
            self.options.tcp_seconds(),
            self.options.udp().as_millis(),
            self.options.latency().as_millis()
        )?;

        writeln!(f, "\nRatios within a round: median [middle half]")?;
        let columns = ["", "TCP throughput", "TCP CPU/byte", "UDP packets/s", "UDP CPU/packet", "round trip p50"];
        row(f, &columns.map(str::to_owned))?;
        for ratios in &self.summary.ratios {
            row(
                f,
                &[
                    format!("{} / {}", ratios.of.short(), ratios.to.short()),
                    cell(ratios.tcp_throughput, 2),
                    cell(ratios.tcp_cpu_per_byte, 2),
                    cell(ratios.udp_packets_per_second, 2),
                    cell(ratios.udp_cpu_per_packet, 2),
                    cell(ratios.latency_p50, 2),
                ],
            )?;
        }
        writeln!(
            f,
            "\nAbsolute values: median [middle half]; they swing with the load. UDP frames have 64 bytes, v6: 84"
        )?;
        let columns = ["", "TCP Gbit/s", "bytes/segment", "UDP 1000 packets/s", "UDP CPU ns/packet", "round trip us"];
        row(f, &columns.map(str::to_owned))?;
        for absolutes in &self.summary.absolutes {
            row(
                f,
                &[
                    absolutes.path.short().to_owned(),
                    cell(absolutes.tcp_gbit_per_second, 1),
                    cell(absolutes.mean_segment_bytes, 0),
                    cell(absolutes.udp_kilopackets_per_second, 0),
                    cell(absolutes.udp_cpu_ns, 0),
                    cell(absolutes.latency_p50_us, 1),
                ],
            )?;
        }
        let cost = &self.summary.path_cpu_ns;
        writeln!(
            f,
            "  CPU ns/packet is that of sender, way and receiver. The way alone, that is beyond the direct pair:"
        )?;
        writeln!(f, "    Causeway {}, router {}", cell(cost.causeway, 0), cell(cost.router, 0))?;
        for absolutes in self.summary.absolutes.iter().filter(|absolutes| absolutes.udp_lost > 0) {
            writeln!(f, "  {}: {} UDP packets lost", absolutes.path.name(), absolutes.udp_lost)?;
        }

        let program = &self.program;
        writeln!(f, "\nThe program by BPF_PROG_TEST_RUN, over a peering, in ns: median [middle half]")?;
        writeln!(f, "  empty program            {:.0}", program.empty)?;
        writeln!(f, "  established flow         {:.0}, net {:.0}", program.established, program.established_net)?;
        writeln!(f, "  empty program, one run   {:.0}", program.empty_once)?;
        writeln!(
            f,
            "  first packet, one run    {:.0}, net {:.0} (cold caches: an upper bound)",
            program.first, program.first_net
        )?;
        let verified = program.verified_instructions.iter().map(|(name, count)| format!("{name} {count}"));
        writeln!(f, "  instructions verified    {}", verified.collect::<Vec<_>>().join(", "))?;
        writeln!(
            f,
            "  established flow, net, and against {}; configured: ACLs, {RULES} rules, {ROUTES} routes",
            program.established_as.first().map_or("the first", |first| first.name)
        )?;
        for variation in &program.established_as {
            writeln!(f, "    {:22} {:.0}, {:.2}", variation.name, variation.net, variation.against_first)?;
        }

        self.aims(f)?;
        writeln!(f, "\nSegments through the peering are not cut, checksums are right:")?;
        let faults = self.faults();
        if faults.is_empty() {
            writeln!(f, "  yes")?;
        }
        faults.iter().try_for_each(|fault| writeln!(f, "  no: {fault}"))?;
        match &self.api {
            Some(api) => write!(f, "\n{api}"),
            None => Ok(()),
        }
    }
}

impl Report<'_> {
    fn aims(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tcp = self.ratio(Kind::Causeway, Kind::Direct).and_then(|ratios| ratios.tcp_throughput);
        // Turned round, so that more is better.
        let router_over =
            |kind| {
                Spread::of(self.measured.rounds.iter().filter_map(|round| {
                    Some(round.get(&Kind::Router)?.packets.cpu_ns / round.get(&kind)?.packets.cpu_ns)
                }))
            };
        let (cpu, ceiling) = (router_over(Kind::Causeway), router_over(Kind::Direct));
        let cost = &self.summary.path_cpu_ns;
        let established = self.program.established_net;
        writeln!(f, "\nAims")?;
        let reached = |is: bool| if is { "reached" } else { "missed" };
        let at_least = |spread: Option<Spread>, aim| reached(spread.is_some_and(|spread| spread.median >= aim));
        writeln!(f, "  TCP against the direct pair, at least {AIM_TCP}: {}  {}", cell(tcp, 2), at_least(tcp, AIM_TCP))?;
        let whole = at_least(cpu, AIM_CPU);
        writeln!(f, "  CPU by small packet, router / Causeway, at least {AIM_CPU}:")?;
        writeln!(f, "    with both ends' sockets: {}  {whole}", cell(cpu, 2))?;
        writeln!(f, "      (a path that costs nothing would have {}: router / direct)", cell(ceiling, 2))?;
        if let (Some(causeway), Some(router)) = (cost.causeway, cost.router) {
            // The difference can be nothing or less when the machine is noisy: then it counts as one nanosecond.
            let times = router.median / causeway.median.max(1.0);
            let alone = reached(times >= AIM_CPU);
            writeln!(
                f,
                "    the way alone: {:.0} ns / {:.0} ns = {times:.1}  {alone}",
                router.median, causeway.median
            )?;
        }
        writeln!(f, "  packet of an established flow, against nothing configured, at most {AIM_MORE}:")?;
        for variation in self.program.established_as.iter().filter(|variation| variation.configured) {
            let (ratio, name) = (variation.against_bare, variation.name);
            writeln!(f, "    the program alone, {name}: {ratio:.2}  {}", reached(ratio.median <= AIM_MORE))?;
        }
        for (of, to) in [(Kind::Configured, Kind::Causeway), (Kind::Configured6, Kind::Causeway6)] {
            let ratio = self.ratio(of, to).and_then(|ratios| ratios.udp_cpu_per_packet);
            let within = reached(ratio.is_some_and(|ratio| ratio.median <= AIM_MORE));
            writeln!(f, "    CPU by packet, {} / {}: {}  {within}", of.short(), to.short(), cell(ratio, 2))?;
        }
        // What the ends' own IPv6 costs more than their IPv4 is no part of the way.
        let six_over_four = Spread::of(self.measured.rounds.iter().filter_map(|round| {
            let cpu = |kind| Some(round.get(&kind)?.packets.cpu_ns);
            let over_direct = |of, direct| Some(cpu(of)? / cpu(direct)?);
            Some(over_direct(Kind::Causeway6, Kind::Direct6)? / over_direct(Kind::Causeway, Kind::Direct)?)
        }));
        let within = reached(six_over_four.is_some_and(|ratio| ratio.median <= AIM_MORE));
        writeln!(f, "    CPU by packet against the direct pair, IPv6 / IPv4: {}  {within}", cell(six_over_four, 2))?;
        for (kind, direct) in [(Kind::Configured, Kind::Direct), (Kind::Causeway6, Kind::Direct6)] {
            let tcp = self.ratio(kind, direct).and_then(|ratios| ratios.tcp_throughput);
            let aim = at_least(tcp, AIM_TCP);
            writeln!(
                f,
                "  TCP {} against {}, at least {AIM_TCP}: {}  {aim}",
                kind.short(),
                direct.short(),
                cell(tcp, 2)
            )?;
        }
        writeln!(
            f,
            "  established flow without the empty program, at most {AIM_ESTABLISHED} ns: {established:.0}  {}",
            reached(established.median <= AIM_ESTABLISHED)
        )
    }
}

fn words(load: &Load) -> String {
    let pressure = load
        .pressure
        .map_or_else(String::new, |share| format!("; in {share} % of the last 10 s some task waited for a processor"));
    format!("{}{pressure}", load.average)
}

/// The first column is for names.
fn row(f: &mut fmt::Formatter<'_>, cells: &[String; 6]) -> fmt::Result {
    let [name, rest @ ..] = cells;
    let mut line = format!("  {name:29}");
    for cell in rest {
        line += &format!("{cell:22}");
    }
    writeln!(f, "{}", line.trim_end())
}
