//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use serde::Serialize;

use crate::api::Plan;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Packets.
    Paths,
    /// The API.
    Api,
}

/// What a peering costs, as ratios against a direct veth pair and a Linux router with nftables, and what the API does,
/// as ratios against moto's server.
///
/// The paths need root, iperf3 and nft. The exit code does not depend on the numbers.
#[derive(Clone, Debug, Parser, Serialize)]
#[command(
    version,
    after_help = "Examples:
  causeway-bench                        everything, some eight minutes
  causeway-bench --only api             the API alone, without root
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
    /// Measures one part only
    #[arg(long, value_name = "PART")]
    pub only: Option<Part>,
    /// Rounds of the API
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    pub api_rounds: u32,
    /// The program causeway, whose API is measured; the one beside this program unless given
    #[arg(long, value_name = "FILE")]
    pub causeway: Option<PathBuf>,
    /// The program moto_server, which the API is compared with; without it there are no ratios
    #[arg(long, value_name = "FILE")]
    pub moto: Option<PathBuf>,
    /// Writes the raw rounds and the summary to this file
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

impl Options {
    /// Rounds on the wire.
    pub fn rounds(&self) -> u32 {
        if self.quick { 2 } else { self.rounds }
    }

    /// Whether to measure a part.
    pub fn measures(&self, part: Part) -> bool {
        self.only.is_none_or(|only| only == part)
    }

    /// What to do with the API.
    ///
    /// # Errors
    /// A program is not there.
    pub fn api(&self) -> anyhow::Result<Plan> {
        let beside = std::env::current_exe()?.with_file_name("causeway");
        let causeway = self.causeway.clone().unwrap_or(beside);
        for program in [Some(&causeway), self.moto.as_ref()].into_iter().flatten() {
            anyhow::ensure!(program.is_file(), "{} is not there; see make bench", program.display());
        }
        let (causeway, moto) = (causeway, self.moto.clone());
        Ok(if self.quick {
            Plan { rounds: 1, batches: 1, gets: [500, 20], lists: [5, 2], causeway, moto }
        } else {
            Plan { rounds: self.api_rounds, batches: 4, gets: [8000, 200], lists: [200, 10], causeway, moto }
        })
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
