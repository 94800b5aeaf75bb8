//! One TCP stream, by iperf3.

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::Stdio;
use std::time::{Duration, Instant};
use std::{fs, thread};

use anyhow::{Context, bail, ensure};
use netlink::{Namespace, run_in};
use serde::Serialize;

use super::Process;
use crate::cancel::Cancel;
use crate::counters::LinkCounters;
use crate::path::{INTERFACE, Path, port};
use crate::tools::command;

/// Until iperf3 listens, and beyond a measurement's length until it has ended.
const PATIENCE: Duration = Duration::from_secs(20);
/// A frame of this size or less went through the MTU of 1500 bytes.
const LARGEST_FRAME: u64 = 1514;

/// What one stream did.
#[derive(Clone, Debug, Serialize)]
pub struct Stream {
    /// Bits per second at the receiver.
    pub bits_per_second: f64,
    /// Processor time of both iperf3 processes by received kilobyte, in nanoseconds.
    pub cpu_ns_per_kb: f64,
    /// Segments that TCP sent again.
    pub retransmits: u64,
    /// Mean size in bytes of what arrived at the receiver's interface.
    pub mean_segment: u64,
}

impl Stream {
    /// Whether segments crossed without being cut to packets.
    pub fn is_offloaded(&self) -> bool {
        self.mean_segment > LARGEST_FRAME
    }
}

/// Starts iperf3 at the receiver and waits until it listens.
///
/// # Errors
/// It does not listen.
pub fn listen(path: &Path) -> anyhow::Result<Process> {
    let mut process = start(&path.receiver, &["--server", family(path)])?;
    let table = if path.address.is_ipv6() { "tcp6" } else { "tcp" };
    let table = format!("/proc/{}/net/{table}", process.0.id());
    let end = Instant::now() + PATIENCE;
    while !fs::read_to_string(&table).is_ok_and(|table| is_listening(&table, port::STREAM)) {
        if let Some(status) = process.0.try_wait()? {
            bail!("iperf3 ended instead of listening: {status}");
        }
        ensure!(Instant::now() < end, "iperf3 does not listen");
        thread::sleep(Duration::from_millis(10));
    }
    Ok(process)
}

/// Sends as fast as it goes for `seconds`.
///
/// # Errors
/// What iperf3 says; [`crate::cancel::Cancelled`].
pub fn send(path: &Path, seconds: u32, cancel: &Cancel) -> anyhow::Result<Stream> {
    let before = LinkCounters::read(&path.receiver, INTERFACE)?;
    let (address, seconds_text) = (path.address.to_string(), seconds.to_string());
    // Without reports in between, what it writes fits the pipe, so it may be read at the end.
    let arguments = ["--client", &address, family(path), "--time", &seconds_text, "--json", "--interval", "0"];
    let mut process = start(&path.sender, &arguments)?;
    let end = Instant::now() + Duration::from_secs(seconds.into()) + PATIENCE;
    while process.0.try_wait()?.is_none() {
        cancel.check()?;
        ensure!(Instant::now() < end, "iperf3 over the {} does not end", path.kind.name());
        thread::sleep(Duration::from_millis(20));
    }
    let mut text = String::new();
    process.0.stdout.take().context("iperf3 has no output")?.read_to_string(&mut text)?;
    let arrived = LinkCounters::read(&path.receiver, INTERFACE)?.since(before);
    let result: serde_json::Value =
        serde_json::from_str(&text).with_context(|| format!("iperf3 over the {}: {text}", path.kind.name()))?;
    if let Some(error) = result.get("error").and_then(|error| error.as_str()) {
        bail!("iperf3 over the {}: {error}", path.kind.name());
    }
    let number = |pointer: &str| {
        result.pointer(pointer).and_then(serde_json::Value::as_f64).with_context(|| format!("iperf3 says no {pointer}"))
    };
    let percent =
        number("/end/cpu_utilization_percent/host_total")? + number("/end/cpu_utilization_percent/remote_total")?;
    let busy_ns = percent / 100.0 * number("/end/sum_received/seconds")? * 1e9;
    Ok(Stream {
        bits_per_second: number("/end/sum_received/bits_per_second")?,
        cpu_ns_per_kb: busy_ns / (number("/end/sum_received/bytes")? / 1000.0),
        retransmits: result.pointer("/end/sum_sent/retransmits").and_then(serde_json::Value::as_u64).unwrap_or(0),
        mean_segment: arrived.mean(),
    })
}

/// The option of iperf3 for the family of a path.
fn family(path: &Path) -> &'static str {
    if path.address.is_ipv6() { "-6" } else { "-4" }
}

fn start(namespace: &Namespace, arguments: &[&str]) -> anyhow::Result<Process> {
    let child = run_in(namespace, || {
        let mut command = command("iperf3");
        command.args(arguments).args(["--port", &port::STREAM.to_string()]);
        let output = if arguments.contains(&"--json") { Stdio::piped() } else { Stdio::null() };
        command.stdin(Stdio::null()).stdout(output).stderr(Stdio::null());
        // Ctrl-C is for us: we end it.
        command.process_group(0).spawn()
    })?;
    Ok(Process(child.context("cannot start iperf3")?))
}

/// Whether a table like `/proc/net/tcp` has a socket that listens on the port.
fn is_listening(table: &str, port: u16) -> bool {
    const LISTEN: &str = "0A";
    let end = format!(":{port:04X}");
    table.lines().any(|line| {
        let mut fields = line.split_whitespace().skip(1);
        fields.next().is_some_and(|local| local.ends_with(&end)) && fields.nth(1) == Some(LISTEN)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_is_told_from_a_connection() {
        let table = "  sl  local_address rem_address   st tx_queue\n   0: 00000000:1451 00000000:0000 0A 0:0\n   \
                     1: 0100007F:0050 0100007F:9999 01 0:0";
        assert!(is_listening(table, 5201));
        assert!(!is_listening(table, 80));
        assert!(!is_listening(table, 22));
    }
}
