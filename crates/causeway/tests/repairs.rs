//! What the tracer proposes against a fault makes the traffic pass, with real packets.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failure here is the failure of the test")]

mod common;

use std::process::{Command, Output};
use std::sync::Arc;
use std::time::{Duration, Instant, UNIX_EPOCH};

use client::Client;
use client::types::{AccountCreate, ProbeRequest, Protocol, Target};
use common::fault::{self, Case, Fault, Sections};
use common::random::Random;
use common::{TestServer, binary, kernel_or_skip};
use futures_util::{StreamExt as _, stream};
use serde_json::Value;
use suite::{AccountAccess, Applied};

/// How many are asked about and repaired at once.
const PARALLEL: usize = 4;
/// Until real packets pass after the last command.
const PATIENCE: Duration = Duration::from_secs(5);

/// A server with the networks, and the keys of both accounts.
struct Bench {
    server: TestServer,
    client: Client,
    applied: Applied,
    other: AccountAccess,
}

/// DIAG-1, LC-2, EF-2, RT-7, RT-10, SG-3, ACL-3, ACL-6, CHK-3, NH-7: for every kind of fault in a working network, the
/// commands that `causeway trace` prints, run as they stand, make a packet that did not pass arrive, and its reply.
#[tokio::test(flavor = "multi_thread")]
async fn the_commands_that_the_tracer_proposes_make_ipv4_packets_pass() {
    if kernel_or_skip("the_commands_that_the_tracer_proposes_make_ipv4_packets_pass") {
        repair_all(false).await;
    }
}

/// V6-4, V6-5, V6-6: the same over IPv6.
#[tokio::test(flavor = "multi_thread")]
async fn the_commands_that_the_tracer_proposes_make_ipv6_packets_pass() {
    if kernel_or_skip("the_commands_that_the_tracer_proposes_make_ipv6_packets_pass") {
        repair_all(true).await;
    }
}

/// Each fault once, in a network of its own.
async fn repair_all(six: bool) {
    let seed = std::env::var("CAUSEWAY_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(|| u64::from(std::process::id()) ^ UNIX_EPOCH.elapsed().map_or(1, |time| time.as_secs()));
    let mut random = Random::new(seed);
    let mut sections = Sections::default();
    let faults = Fault::ALL.into_iter().filter(|fault| !six || fault.exists_over_ipv6());
    let cases: Vec<Case> =
        faults.enumerate().map(|(number, fault)| fault::add(&mut sections, &mut random, number, fault, six)).collect();
    let bench = Arc::new(Bench::start(&sections.yaml(), &cases).await);
    let failed: Vec<String> = stream::iter(cases.clone())
        .map(|case| try_out(bench.clone(), case))
        .buffer_unordered(PARALLEL)
        .filter_map(|failure| async { failure })
        .collect()
        .await;
    assert!(failed.is_empty(), "CAUSEWAY_SEED={seed}: {} of {}\n{}", failed.len(), cases.len(), failed.join("\n"));
}

/// What is wrong with the repairs of a case.
async fn try_out(bench: Arc<Bench>, case: Case) -> Option<String> {
    let repairing = {
        let (bench, case) = (bench.clone(), case.clone());
        tokio::task::spawn_blocking(move || bench.repair(&case))
    };
    match repairing.await.unwrap() {
        Ok(commands) => bench.passes(&case).await.err().map(|error| format!("{case:?}: {error}; {commands:#?}")),
        Err(error) => Some(format!("{case:?}: {error}")),
    }
}

impl Bench {
    async fn start(yaml: &str, cases: &[Case]) -> Self {
        let server = TestServer::start("kernel");
        let client = server.client();
        let wanted = AccountCreate { name: "acct-b".to_owned(), site: Some("cn".to_owned()) };
        let other = AccountAccess::from(&client.create_account(&wanted).await.unwrap());
        let (_, applied) = server.apply_with(&common::topology(yaml), &[("acct-b", other.clone())]).await;
        for stopped in cases.iter().filter_map(|case| case.stopped.as_ref()) {
            client.stop_server(&applied.servers[stopped].id).await.unwrap();
        }
        Self { server, client, applied, other }
    }

    /// Asks, and runs what is proposed; the commands, or what is wrong.
    fn repair(&self, case: &Case) -> Result<Vec<String>, String> {
        let before = self.trace(case)?;
        let verdict = &before["verdict"];
        if verdict["reachable"] != false || verdict["reason"] != case.fault.reason() {
            return Err(format!("not broken as meant: {verdict:#}"));
        }
        let repairs = verdict["repairs"].as_array().cloned().unwrap_or_default();
        if repairs.is_empty() {
            return Err(format!("nothing is proposed: {verdict:#}"));
        }
        let mut commands = Vec::new();
        for repair in repairs {
            let command = repair["command"].as_str().ok_or("a repair without a command")?.to_owned();
            let output = self.shell(&command, repair["account"].as_str());
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            commands.push(command);
            if !output.status.success() {
                return Err(format!("{commands:#?} failed: {said}"));
            }
        }
        let after = self.trace(case)?;
        match after["verdict"]["reachable"] == true {
            true => Ok(commands),
            false => Err(format!("not reachable after {commands:#?}: {:#}", after["verdict"])),
        }
    }

    fn trace(&self, case: &Case) -> Result<Value, String> {
        let Case { from, address, flow, .. } = case;
        // Another account's server has no name here.
        let to = &self.applied.servers[&case.to].id;
        let output = self.shell(&format!("causeway trace {from} {address} {flow} --intended {to} -o json"), None);
        serde_json::from_slice(&output.stdout)
            .map_err(|error| format!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
    }

    /// Runs a command line as a user would, with the keys of an account.
    fn shell(&self, line: &str, account: Option<&str>) -> Output {
        let own = self.server.credentials();
        let (access, secret) = match account {
            Some("acct-b") => (&self.other.access_key, &self.other.secret_key),
            _ => (&own.access_key, &own.secret_key),
        };
        let folder = binary().parent().unwrap().to_owned();
        let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default());
        let mut command = Command::new("sh");
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CAUSEWAY_") || name.starts_with("XDG_"))
        {
            command.env_remove(name);
        }
        command.args(["-c", line]).env("PATH", path).env("HOME", self.server.data.path());
        command.env("CAUSEWAY_ENDPOINT", &own.endpoint);
        command.env("CAUSEWAY_ACCESS_KEY", access).env("CAUSEWAY_SECRET_KEY", secret);
        command.output().unwrap()
    }

    /// Whether a packet arrives at the one who is meant, and its reply comes back.
    async fn passes(&self, case: &Case) -> Result<(), String> {
        let (protocol, port) = match case.flow.split_once('/') {
            Some((protocol, port)) => (protocol.parse().unwrap(), Some(port.parse().unwrap())),
            None => (Protocol::Icmp, None),
        };
        let id = |name: &str| self.applied.servers[name].id.clone();
        let to = Target::Address { address: case.address.clone(), intended: Some(id(&case.to)), to_vpc: None };
        let probe = ProbeRequest { from: id(&case.from), to, protocol, port, timeout_ms: Some(1000) };
        let end = Instant::now() + PATIENCE;
        loop {
            let seen = self.client.probe(&probe).await.map_err(|error| error.to_string())?;
            if seen.delivered && seen.replied {
                return Ok(());
            }
            if Instant::now() > end {
                return Err(format!("the packet still does not pass: {seen:?}"));
            }
        }
    }
}
