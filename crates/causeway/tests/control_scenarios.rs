//! Control operations and steps by the rules alone: `scenarios/control.yaml`, as a user would bring such a file.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failure here is the failure of the test")]

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::{binary, kernel_or_skip};
use serde_json::Value;

fn scenarios() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios/control.yaml")
}

fn check(datapath: &str) {
    let output =
        Command::new(binary()).args(["check", "-o", "json", "--datapath", datapath]).arg(scenarios()).output().unwrap();
    let report: Vec<Value> = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    let failed: Vec<&Value> = report.iter().filter(|item| item["pass"] != true).collect();
    assert!(failed.is_empty(), "{}", serde_json::to_string_pretty(&failed).unwrap());
    assert!(report.len() > 400, "{} items", report.len());
    assert!(output.status.success());
}

/// Lifecycle sections 2, 3 and 5.
#[test]
fn every_refusal_and_effect_of_the_rules_holds_on_the_simulator() {
    check("sim");
}

/// Lifecycle sections 2, 3 and 5.
#[test]
fn every_refusal_and_effect_of_the_rules_holds_with_real_packets() {
    if kernel_or_skip("every_refusal_and_effect_of_the_rules_holds_with_real_packets") {
        check("kernel");
    }
}
