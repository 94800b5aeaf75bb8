//! A server as a process of its own.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

/// A server that does not listen after this time is a failure.
const START: Duration = Duration::from_secs(60);

/// Ends with the value.
pub struct Process {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Process {
    /// Starts a server that is to listen on `address`, and waits until it does and `ready` holds.
    ///
    /// # Errors
    /// It ends before, or does not listen in time.
    pub fn start(command: &mut Command, address: SocketAddr, ready: impl Fn() -> bool) -> anyhow::Result<Self> {
        let program = command.get_program().to_string_lossy().into_owned();
        let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().with_context(|| format!("cannot start {program}"))?;
        let mut process = Self { child, address };
        let begun = Instant::now();
        while TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_err() || !ready() {
            if let Some(status) = process.child.try_wait()? {
                bail!("{program} ended at once: {status}");
            }
            if begun.elapsed() > START {
                bail!("{program} is not ready on {address} after {START:?}");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(process)
    }

    /// Resident memory in bytes.
    ///
    /// # Errors
    /// The kernel does not tell.
    pub fn memory(&self) -> anyhow::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        let kib = line.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok());
        Ok(kib.context("VmRSS is no number")? * 1024)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port of loopback that is free at this moment.
///
/// # Errors
/// None is.
pub fn free() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
