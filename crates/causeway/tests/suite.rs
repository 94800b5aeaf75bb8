//! The project's own suite and the demonstration, as a user runs them.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failure here is the failure of the test")]

mod common;

use std::collections::BTreeSet;
use std::process::Command;

use common::{binary, kernel_or_skip, suite_file};
use serde_json::Value;

/// Scenarios that need what is not built yet. The list only ever gets shorter.
const UNSUPPORTED: [&str; 7] = [
    "cross-account-rejected",
    "different-regions-refused",
    "eip-not-shared",
    "eip-versus-routes",
    "nat-gateway-in-peer",
    "snat-server-in-peer",
    "snat-server-misconfigured",
];

fn check(datapath: &str) {
    let output = Command::new(binary())
        .args(["check", "-o", "json", "--datapath", datapath])
        .arg(suite_file())
        .output()
        .unwrap();
    let report: Vec<Value> = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    let unsupported: BTreeSet<&str> = report
        .iter()
        .filter(|item| item["got"].get("unsupported").is_some())
        .map(|item| item["scenario"].as_str().unwrap())
        .collect();
    let expected: BTreeSet<&str> = UNSUPPORTED.into_iter().collect();
    assert_eq!(unsupported, expected);
    let failed: Vec<&Value> =
        report.iter().filter(|item| item["pass"] != true && item["got"].get("unsupported").is_none()).collect();
    assert!(failed.is_empty(), "{}", serde_json::to_string_pretty(&failed).unwrap());
    assert!(report.len() > 150, "{} items", report.len());
    assert_eq!(output.status.code(), Some(1), "unsupported scenarios count as not passed");
}

#[test]
fn the_suite_passes_on_the_simulator() {
    check("sim");
}

#[test]
fn the_suite_passes_with_real_packets() {
    if kernel_or_skip("the_suite_passes_with_real_packets") {
        check("kernel");
    }
}

#[test]
fn one_supported_scenario_exits_with_success() {
    let status = Command::new(binary())
        .args(["check", "--datapath", "sim", "--scenario", "hub-explicit-transit"])
        .arg(suite_file())
        .status()
        .unwrap();
    assert!(status.success());
}

#[test]
fn the_demonstration_runs_and_leaves_nothing() {
    let datapath =
        if kernel_or_skip("the kernel half of the_demonstration_runs_and_leaves_nothing") { "kernel" } else { "sim" };
    let output = Command::new(binary()).args(["demo", "--datapath", datapath]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("All was as it should be"), "{text}");
}
