//! The benchmark runs from start to end and leaves nothing.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a panic is how a test fails")]

use std::process::Command;

#[test]
fn a_quick_run_measures_all_paths_and_leaves_nothing() {
    let missing = ["ip", "iperf3", "nft"].into_iter().find(|program| {
        !["/usr/bin", "/usr/sbin", "/bin", "/sbin"].iter().any(|dir| std::path::Path::new(dir).join(program).exists())
    });
    if let Some(program) = missing {
        println!("skipped: needs {program}");
        return;
    }
    if let Err(missing) = datapath::Datapath::supported() {
        println!("skipped: {missing}");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("raw.json");
    let child = Command::new(env!("CARGO_BIN_EXE_causeway-bench"))
        .args(["--quick", "--only", "paths", "--json"])
        .arg(&json)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let pid = child.id();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("Aims"), "{text}");
    let raw: serde_json::Value = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
    assert_eq!(raw["rounds"].as_array().unwrap().len(), 2);
    for path in ["direct", "causeway", "configured", "router", "direct6", "causeway6", "configured6", "router6"] {
        assert!(raw["rounds"][0][path]["packets"]["delivered"].as_u64().unwrap() > 0, "{path}");
        assert_eq!(raw["checksum_errors"][path], 0, "{path}");
    }
    assert_eq!(netlink::Namespace::list(&format!("cwb-{pid}-")).unwrap(), [""; 0]);
}

/// Without moto: its rates are not ours to test. The server is the one that was built beside the benchmark.
#[test]
fn a_quick_run_measures_the_api_of_a_server_of_its_own() {
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_causeway-bench")).with_file_name("causeway");
    if !program.is_file() {
        println!("skipped: needs {}: cargo build --bin causeway", program.display());
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("raw.json");
    let bench = Command::new(env!("CARGO_BIN_EXE_causeway-bench"))
        .args(["--quick", "--only", "api", "--json"])
        .arg(&json)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&bench.stdout);
    assert!(bench.status.success(), "{text}{}", String::from_utf8_lossy(&bench.stderr));
    assert!(text.contains("objects listed, 16 connections"), "{text}");
    let raw: serde_json::Value = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
    let rounds = raw["rounds"].as_array().unwrap();
    assert_eq!(rounds.len(), 2);
    for round in rounds {
        for operation in ["create", "accept", "get", "list"] {
            assert!(round["causeway"][operation].as_f64().unwrap() > 0.0, "{operation}");
        }
        assert!(round["memory"][0].as_u64().unwrap() > 1 << 20);
    }
}
