//! `causeway-bench`: what a peering costs, as ratios against a direct veth pair and a Linux router with nftables, and what
//! the API does, as ratios against moto's server (module `api`).
//!
//! Four paths between two network namespaces stand at the same time: a veth pair from one to the other; two servers in
//! peered VPCs of a Causeway server that runs in this process; two more such servers, with network ACLs, many
//! security-group rules and many routes; a third namespace that routes, with a stateful nftables filter. Rounds measure
//! all of them in turn, by IPv4 and IPv6, so that other load on the machine meets all of them; what counts is the
//! median of the ratios of neighbours in one round, and the middle half of these ratios says how far to trust it.
//! The kernel programs alone are measured by `BPF_PROG_TEST_RUN`, in the same variations.
//!
//! The exit code is 0 whatever the numbers are, 1 when something did not work (no segmentation offload, damaged
//! checksums, a path that does not carry packets), 2 for wrong usage, 130 after Ctrl-C. Nothing stays on the machine.
#![forbid(unsafe_code)]

mod api;
mod cancel;
mod counters;
mod cpu;
mod leftovers;
mod machine;
mod options;
mod path;
mod program;
mod ratio;
mod report;
mod rounds;
mod tools;
mod traffic;

use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;

use crate::api::ApiReport;
use crate::cancel::{Cancel, Cancelled};
use crate::machine::{Load, Machine};
use crate::options::{Options, Part};
use crate::path::Causeway;
use crate::report::Report;

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    let cancel = Cancel::default();
    cancel.on_signals();
    match run(options, cancel).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) if error.is::<Cancelled>() => {
            eprintln!("stopped; everything is taken down");
            ExitCode::from(130)
        }
        Err(error) => {
            eprintln!("causeway-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Measures and reports; whether everything worked.
async fn run(options: Options, cancel: Cancel) -> anyhow::Result<bool> {
    let api = if options.measures(Part::Api) {
        let (plan, cancel) = (options.api()?, cancel.clone());
        let measured = tokio::task::spawn_blocking(move || api::measure(&plan, &cancel)).await;
        Some(measured.context("the measurement panicked")??)
    } else {
        None
    };
    if !options.measures(Part::Paths) {
        if let Some(api) = &api {
            print!("{api}");
            write_json(&options, api)?;
        }
        return Ok(true);
    }
    tools::check()?;
    leftovers::remove().await;
    let before = Load::now();
    let causeway = Causeway::start(&cancel).await?;
    // A panic or an error in between must not keep the server's namespaces on the machine.
    let measured = {
        let peerings = causeway.paths.clone();
        tokio::task::spawn_blocking(move || measure(&options, &peerings, &cancel, before, api)).await
    };
    let removed = causeway.remove().await;
    let works = measured.context("the measurement panicked")??;
    removed?;
    Ok(works)
}

fn measure(
    options: &Options,
    peerings: &[path::Path],
    cancel: &Cancel,
    before: Load,
    api: Option<ApiReport>,
) -> anyhow::Result<bool> {
    let direct = path::direct()?;
    let router = path::router()?;
    let paths = direct.paths.iter().chain(peerings).chain(&router.paths).collect();
    let rounds = rounds::run(options, paths, cancel)?;
    cancel.check()?;
    eprintln!("the kernel programs alone");
    let programs = program::measure(options.program_rounds())?;
    let machine = Machine { before, after: Load::now(), ..Machine::here() };
    let report = Report::new(machine, options, rounds, programs, api);
    print!("{report}");
    write_json(options, &report)?;
    Ok(report.works())
}

fn write_json(options: &Options, report: &impl serde::Serialize) -> anyhow::Result<()> {
    if let Some(file) = &options.json {
        let text = serde_json::to_string_pretty(report)?;
        std::fs::write(file, text + "\n").with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}
