//! Scenarios beyond the project's own suite, in the same format, written from the rules alone: every one must pass on
//! both data planes.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failure here is the failure of the test")]

mod common;

use std::path::PathBuf;
use std::process::Command;
use std::thread;

use common::{binary, kernel_or_skip};
use serde_json::Value;

/// Scenarios mostly wait for packets that should not come: so many are checked at once.
const SHARDS: usize = 4;

/// What packets do: routes, transit, overlap, groups, edge sites.
const PACKETS: &str = "packets.yaml";
/// What operations do and refuse: lifecycle sections 2, 3 and 5, limits, visibility.
const CONTROL: &str = "control.yaml";

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios").join(name)
}

/// Checks some scenarios; returns how many items there were and those that failed.
fn check(name: &str, datapath: &str, ids: &[String]) -> (usize, Vec<Value>) {
    let mut command = Command::new(binary());
    command.args(["check", "-o", "json", "--datapath", datapath]);
    for id in ids {
        command.args(["--scenario", id]);
    }
    let output = command.arg(file(name)).output().unwrap();
    let report: Vec<Value> = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    let items = report.len();
    let failed: Vec<Value> = report.into_iter().filter(|item| item["pass"] != true).collect();
    assert_eq!(output.status.success(), failed.is_empty(), "exit code and report differ");
    (items, failed)
}

fn check_all(name: &str, datapath: &str) {
    let text = std::fs::read_to_string(file(name)).unwrap();
    let ids: Vec<String> = text.lines().filter_map(|line| line.strip_prefix("- id: ")).map(str::to_owned).collect();
    assert!(ids.len() >= 36, "{} scenarios", ids.len());
    let shards = (0..SHARDS).map(|shard| ids.iter().skip(shard).step_by(SHARDS).cloned().collect::<Vec<_>>());
    let results: Vec<(usize, Vec<Value>)> = thread::scope(|scope| {
        let running: Vec<_> = shards.map(|ids| scope.spawn(move || check(name, datapath, &ids))).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let failed: Vec<&Value> = results.iter().flat_map(|(_, failed)| failed).collect();
    assert!(failed.is_empty(), "{}", serde_json::to_string_pretty(&failed).unwrap());
    let items: usize = results.iter().map(|(items, _)| items).sum();
    assert!(items > 400, "{items} items");
}

#[test]
fn packets_go_where_the_rules_say_on_the_simulator() {
    check_all(PACKETS, "sim");
}

#[test]
fn packets_go_where_the_rules_say_with_real_packets() {
    if kernel_or_skip("packets_go_where_the_rules_say_with_real_packets") {
        check_all(PACKETS, "kernel");
    }
}

#[test]
fn operations_do_and_refuse_what_the_rules_say_on_the_simulator() {
    check_all(CONTROL, "sim");
}

#[test]
fn operations_do_and_refuse_what_the_rules_say_with_real_packets() {
    if kernel_or_skip("operations_do_and_refuse_what_the_rules_say_with_real_packets") {
        check_all(CONTROL, "kernel");
    }
}
