//! Ping-pong of one byte over TCP.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use netlink::run_in;
use serde::Serialize;

use crate::cancel::Cancel;
use crate::path::{Path, port};

/// For a connection, and for each answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a ping-pong took.
#[derive(Clone, Debug, Serialize)]
pub struct Latency {
    /// Median round trip in microseconds.
    pub p50_us: f64,
    /// Number of round trips.
    pub count: usize,
}

/// Plays for `length`.
///
/// # Errors
/// No connection; [`crate::cancel::Cancelled`].
pub fn measure(path: &Path, length: Duration, cancel: &Cancel) -> anyhow::Result<Latency> {
    let listen = SocketAddr::from((path.any(), port::LATENCY));
    let listener = run_in(&path.receiver, || TcpListener::bind(listen))??;
    let to = path.to(port::LATENCY);
    let client = run_in(&path.sender, || TcpStream::connect_timeout(&to, PATIENCE))?
        .with_context(|| format!("no connection over the {}", path.kind.name()))?;
    let (server, _) = listener.accept()?;
    for end in [&client, &server] {
        end.set_nodelay(true)?;
        end.set_read_timeout(Some(PATIENCE))?;
    }
    thread::scope(|scope| {
        let answering = scope.spawn(|| answer(server));
        let times = ask(client, length, cancel);
        answering.join().map_err(|_| anyhow!("the answering thread panicked"))?.context("cannot answer")?;
        cancel.check()?;
        let mut times = times.with_context(|| format!("no answer over the {}", path.kind.name()))?;
        times.sort_unstable();
        let median = times.get(times.len() / 2).context("no round trip in time")?;
        Ok(Latency { p50_us: median.as_secs_f64() * 1e6, count: times.len() })
    })
}

/// Round trips until the time is over. The connection is closed when this returns.
fn ask(mut stream: TcpStream, length: Duration, cancel: &Cancel) -> std::io::Result<Vec<Duration>> {
    let mut times = Vec::with_capacity(1 << 16);
    let end = Instant::now() + length;
    let mut start = Instant::now();
    while start < end && !cancel.is_set() {
        stream.write_all(&[0])?;
        stream.read_exact(&mut [0])?;
        let now = Instant::now();
        times.push(now - start);
        start = now;
    }
    Ok(times)
}

fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    let mut byte = [0];
    while stream.read(&mut byte)? == 1 {
        stream.write_all(&byte)?;
    }
    Ok(())
}
