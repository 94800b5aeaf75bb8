//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use serde::Serialize;

/// What a peering costs, as ratios against a direct veth pair and a Linux router with nftables.
///
/// Needs root, iperf3 and nft. The exit code does not depend on the numbers.
#[derive(Clone, Debug, Parser, Serialize)]
#[command(
    version,
    after_help = "Examples:
  causeway-bench                        9 rounds, some four minutes
  causeway-bench --rounds 30 --json raw.json
  causeway-bench --quick                does everything work? one minute"
)]
pub struct Options {
    /// Rounds; each measures all paths
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..))]
    pub rounds: u32,
    /// Length of one TCP measurement in seconds
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=60))]
    pub tcp_seconds: u32,
    /// UDP by path and round in milliseconds
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u64).range(50..=60_000))]
    pub udp_millis: u64,
    /// Length of one latency measurement in milliseconds
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u64).range(50..=60_000))]
    pub latency_millis: u64,
    /// Two short rounds, to see that everything works; the ratios mean little
    #[arg(long, conflicts_with_all = ["rounds", "tcp_seconds", "udp_millis", "latency_millis"])]
    pub quick: bool,
    /// Writes the raw rounds and the summary to this file
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

impl Options {
    /// Rounds on the wire.
    pub fn rounds(&self) -> u32 {
        if self.quick { 2 } else { self.rounds }
    }

    /// Rounds of the kernel programs alone.
    pub fn program_rounds(&self) -> u32 {
        if self.quick { 5 } else { 31 }
    }

    /// Seconds of one TCP measurement.
    pub fn tcp_seconds(&self) -> u32 {
        if self.quick { 1 } else { self.tcp_seconds }
    }

    /// One UDP measurement.
    pub fn udp(&self) -> Duration {
        Duration::from_millis(if self.quick { 300 } else { self.udp_millis })
    }

    /// One latency measurement.
    pub fn latency(&self) -> Duration {
        Duration::from_millis(if self.quick { 200 } else { self.latency_millis })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Options::command().debug_assert();
    }
}
