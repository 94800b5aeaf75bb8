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
/// The same for IPv6: routes, transit, forwarding, groups, edge sites, changes.
const IPV6: &str = "ipv6.yaml";

/// Network ACLs: what they match, their order with groups, transit, changes.
const ACLS: &str = "network_acls.yaml";

/// Virtual IPs and instances as next hops: claims, bindings, what goes away.
const VIPS: &str = "virtual_ips.yaml";

/// Virtual IPs, forwarding instances, the check, groups and network ACLs together, in both families.
const GUARDS: &str = "guards.yaml";

/// Scenarios and items of the large files.
const MANY: (usize, usize) = (36, 400);
/// And of the file of network ACLs.
const ACLS_MANY: (usize, usize) = (8, 70);
/// And of the file of virtual IPs.
const VIPS_MANY: (usize, usize) = (5, 60);
/// And of the file of IPv6.
const IPV6_MANY: (usize, usize) = (10, 80);
/// And of the file of guards.
const GUARDS_MANY: (usize, usize) = (29, 430);

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

/// Checks all scenarios of a file: at least so many, with more than so many items.
fn check_all(name: &str, datapath: &str, (least, least_items): (usize, usize)) {
    let text = std::fs::read_to_string(file(name)).unwrap();
    let ids: Vec<String> = text.lines().filter_map(|line| line.strip_prefix("- id: ")).map(str::to_owned).collect();
    assert!(ids.len() >= least, "{} scenarios", ids.len());
    let shards = (0..SHARDS).map(|shard| ids.iter().skip(shard).step_by(SHARDS).cloned().collect::<Vec<_>>());
    let results: Vec<(usize, Vec<Value>)> = thread::scope(|scope| {
        let running: Vec<_> = shards.map(|ids| scope.spawn(move || check(name, datapath, &ids))).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let failed: Vec<&Value> = results.iter().flat_map(|(_, failed)| failed).collect();
    assert!(failed.is_empty(), "{}", serde_json::to_string_pretty(&failed).unwrap());
    let items: usize = results.iter().map(|(items, _)| items).sum();
    assert!(items > least_items, "{items} items");
}

#[test]
fn packets_go_where_the_rules_say_on_the_simulator() {
    check_all(PACKETS, "sim", MANY);
}

#[test]
fn packets_go_where_the_rules_say_with_real_packets() {
    if kernel_or_skip("packets_go_where_the_rules_say_with_real_packets") {
        check_all(PACKETS, "kernel", MANY);
    }
}

#[test]
fn operations_do_and_refuse_what_the_rules_say_on_the_simulator() {
    check_all(CONTROL, "sim", MANY);
}

#[test]
fn operations_do_and_refuse_what_the_rules_say_with_real_packets() {
    if kernel_or_skip("operations_do_and_refuse_what_the_rules_say_with_real_packets") {
        check_all(CONTROL, "kernel", MANY);
    }
}

/// ACL-1 to ACL-8, V6-6.
#[test]
fn network_acls_let_through_what_the_rules_say_on_the_simulator() {
    check_all(ACLS, "sim", ACLS_MANY);
}

/// ACL-1 to ACL-8, V6-6: the same with real packets.
#[test]
fn network_acls_let_through_what_the_rules_say_with_real_packets() {
    if kernel_or_skip("network_acls_let_through_what_the_rules_say_with_real_packets") {
        check_all(ACLS, "kernel", ACLS_MANY);
    }
}

/// V6-1 to V6-6: the test matrix of IPv4, in IPv6.
#[test]
fn ipv6_packets_go_where_the_rules_say_on_the_simulator() {
    check_all(IPV6, "sim", IPV6_MANY);
}

/// V6-1 to V6-6: the same with real packets.
#[test]
fn ipv6_packets_go_where_the_rules_say_with_real_packets() {
    if kernel_or_skip("ipv6_packets_go_where_the_rules_say_with_real_packets") {
        check_all(IPV6, "kernel", IPV6_MANY);
    }
}

#[test]
fn virtual_ips_move_as_the_rules_say_on_the_simulator() {
    check_all(VIPS, "sim", VIPS_MANY);
}

#[test]
fn virtual_ips_move_as_the_rules_say_with_real_packets() {
    if kernel_or_skip("virtual_ips_move_as_the_rules_say_with_real_packets") {
        check_all(VIPS, "kernel", VIPS_MANY);
    }
}

/// VIP-1 to VIP-8, NH-1 to NH-9, CHK-1 to CHK-6, V6-3 to V6-6, SG-7, SG-11, ACL-2 to ACL-7.
#[test]
fn guards_refuse_and_let_pass_what_the_rules_say_on_the_simulator() {
    check_all(GUARDS, "sim", GUARDS_MANY);
}

/// VIP-1 to VIP-8, NH-1 to NH-9, CHK-1 to CHK-6, V6-3 to V6-6, SG-7, SG-11, ACL-2 to ACL-7: the same with real packets.
#[test]
fn guards_refuse_and_let_pass_what_the_rules_say_with_real_packets() {
    if kernel_or_skip("guards_refuse_and_let_pass_what_the_rules_say_with_real_packets") {
        check_all(GUARDS, "kernel", GUARDS_MANY);
    }
}
