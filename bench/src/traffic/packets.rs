//! Small UDP packets, as many as the path carries.
//!
//! Sender and receiver are threads of this process. The sender never runs ahead of the receiver by more than its socket
//! holds, so nothing is lost for want of a buffer and the processor time by *delivered* packet is that of a packet's
//! whole way. The receiver looks every half a millisecond instead of sleeping in the kernel: waking it up for each
//! packet would cost more than the packet, and how often that happens would depend on the load.

use std::io::{IoSlice, IoSliceMut};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use netlink::run_in;
use nix::errno::Errno;
use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::socket::{MsgFlags, MultiHeaders, recvmmsg, sendmmsg, setsockopt, sockopt};
use nix::unistd::Pid;
use serde::Serialize;

use crate::cancel::Cancel;
use crate::cpu;
use crate::path::{Path, port};

/// Makes a frame of 64 bytes with Ethernet (14), IPv4 (20) and UDP (8) headers, of 84 bytes with those of IPv6 (40).
const PAYLOAD: usize = 22;
/// Packets by system call.
const BATCH: usize = 64;
/// How far the sender may be ahead of the receiver, in packets.
const WINDOW: u64 = 4096;
/// Holds more than the window: the kernel counts some 800 bytes for a small packet.
const BUFFER: usize = 16 << 20;
/// How often the receiver looks when there is little.
const PAUSE: Duration = Duration::from_micros(500);
/// Without progress for this long, packets that are on the way are lost.
const LOST: Duration = Duration::from_millis(200);
/// Until the first packets have come and gone.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a flow of small packets did.
#[derive(Clone, Debug, Serialize)]
pub struct Packets {
    /// Packets that were sent.
    pub sent: u64,
    /// Packets that arrived.
    pub delivered: u64,
    /// Delivered packets per second.
    pub per_second: f64,
    /// Processor time by delivered packet in nanoseconds: sending, the way, receiving.
    pub cpu_ns: f64,
    #[serde(skip)]
    sent_for: Duration,
    #[serde(skip)]
    busy: Duration,
}

impl Packets {
    #[allow(clippy::cast_precision_loss, reason = "numbers of packets")]
    fn new(sent: u64, delivered: u64, sent_for: Duration, busy: Duration) -> Self {
        let count = delivered as f64;
        Self {
            sent,
            delivered,
            per_second: count / sent_for.as_secs_f64(),
            cpu_ns: busy.as_secs_f64() * 1e9 / count,
            sent_for,
            busy,
        }
    }

    /// This and a later measurement of the same path as one.
    pub fn with(self, later: &Self) -> Self {
        Self::new(
            self.sent + later.sent,
            self.delivered + later.delivered,
            self.sent_for + later.sent_for,
            self.busy + later.busy,
        )
    }
}

/// Sends for `length`.
///
/// # Errors
/// The path carries nothing; [`crate::cancel::Cancelled`].
pub fn send(path: &Path, length: Duration, cancel: &Cancel) -> anyhow::Result<Packets> {
    let (sender, receiver) = connect(path, cancel)?;
    let (done, sent, received) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let elsewhere = cpu::elsewhere();
    let start = Instant::now();
    let (sending, receiving) = thread::scope(|scope| {
        let receiving = scope.spawn(|| {
            stay_on(1);
            measured(|| receive(&receiver, &received, &sent, &done))
        });
        let sending = scope.spawn(|| {
            stay_on(0);
            let result = measured(|| transmit(&sender, start + length, &sent, &received, cancel));
            done.store(true, Ordering::Release);
            result
        });
        (sending.join(), receiving.join())
    });
    let (sending_time, sent_for) = sending.map_err(|_| anyhow!("the sender panicked"))?;
    let (receiving_time, result) = receiving.map_err(|_| anyhow!("the receiver panicked"))?;
    result.context("cannot receive")?;
    let sent_for = sent_for.with_context(|| format!("cannot send over the {}", path.kind.name()))?;
    cancel.check()?;
    let busy = sending_time + receiving_time + cpu::elsewhere().saturating_sub(elsewhere);
    let (sent, delivered) = (sent.into_inner(), received.into_inner());
    if delivered == 0 {
        bail!("the {} delivered none of {sent} packets", path.kind.name());
    }
    Ok(Packets::new(sent, delivered, sent_for, busy))
}

/// Makes both sockets and sends a packet there, back and there, so that both filters know the flow as established.
fn connect(path: &Path, cancel: &Cancel) -> anyhow::Result<(UdpSocket, UdpSocket)> {
    let listen = SocketAddr::from((path.any(), port::PACKETS));
    let receiver = run_in(&path.receiver, || UdpSocket::bind(listen))?.context("cannot listen for packets")?;
    let sender = run_in(&path.sender, || {
        let socket = UdpSocket::bind((path.any(), 0))?;
        socket.connect(path.to(port::PACKETS)).map(|()| socket)
    })?
    .with_context(|| format!("the {} has no route", path.kind.name()))?;
    setsockopt(&receiver, sockopt::RcvBufForce, &BUFFER)?;
    setsockopt(&sender, sockopt::SndBufForce, &BUFFER)?;
    let wait = Some(Duration::from_millis(100));
    sender.set_read_timeout(wait)?;
    receiver.set_read_timeout(wait)?;
    let (mut buffer, end) = ([0; PAYLOAD], Instant::now() + PATIENCE);
    loop {
        cancel.check()?;
        sender.send(&[0; PAYLOAD])?;
        if let Ok((_, from)) = receiver.recv_from(&mut buffer) {
            receiver.send_to(&[0; PAYLOAD], from)?;
            if sender.recv(&mut buffer).is_ok() {
                sender.send(&[0; PAYLOAD])?;
                let _ = receiver.recv_from(&mut buffer);
                // Takes away what earlier tries left.
                receiver.set_nonblocking(true)?;
                while receiver.recv_from(&mut buffer).is_ok() {}
                return Ok((sender, receiver));
            }
        }
        if Instant::now() > end {
            bail!("the {} carries no packets", path.kind.name());
        }
    }
}

/// Sends until `end`; for how long it really did.
fn transmit(
    socket: &UdpSocket,
    end: Instant,
    sent: &AtomicU64,
    received: &AtomicU64,
    cancel: &Cancel,
) -> nix::Result<Duration> {
    let start = Instant::now();
    let payload = [0; PAYLOAD];
    let messages = vec![[IoSlice::new(&payload)]; BATCH];
    let addresses = vec![None::<()>; BATCH];
    let mut headers = MultiHeaders::preallocate(BATCH, None);
    let (mut count, mut lost) = (0, 0);
    while Instant::now() < end && !cancel.is_set() {
        let mut arrived = received.load(Ordering::Acquire);
        let mut progress = Instant::now();
        while count - lost - arrived.min(count - lost) > WINDOW {
            thread::sleep(Duration::from_micros(50));
            let now = received.load(Ordering::Acquire);
            if now != arrived {
                (arrived, progress) = (now, Instant::now());
            } else if progress.elapsed() > LOST {
                lost = count - arrived;
            }
        }
        match sendmmsg(socket.as_raw_fd(), &mut headers, &messages, &addresses, [], MsgFlags::empty()) {
            Ok(results) => count += results.count() as u64,
            // The queue of an interface was full.
            Err(Errno::ENOBUFS | Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
        sent.store(count, Ordering::Release);
    }
    Ok(start.elapsed())
}

/// Receives until the sender is done and all has arrived, or nothing comes any more.
fn receive(socket: &UdpSocket, received: &AtomicU64, sent: &AtomicU64, done: &AtomicBool) -> nix::Result<()> {
    let mut buffers = vec![[0; PAYLOAD]; BATCH];
    let mut headers = MultiHeaders::<()>::preallocate(BATCH, None);
    let mut count = 0;
    let mut progress = Instant::now();
    loop {
        let mut messages: Vec<_> = buffers.iter_mut().map(|buffer| [IoSliceMut::new(buffer)]).collect();
        let got = match recvmmsg(socket.as_raw_fd(), &mut headers, &mut messages, MsgFlags::MSG_DONTWAIT, None) {
            Ok(results) => results.count(),
            Err(Errno::EAGAIN | Errno::EINTR) => 0,
            Err(errno) => return Err(errno),
        };
        if got > 0 {
            count += got as u64;
            received.store(count, Ordering::Release);
            progress = Instant::now();
        }
        if got < BATCH {
            let finished = done.load(Ordering::Acquire);
            if finished && (count >= sent.load(Ordering::Acquire) || progress.elapsed() > LOST) {
                return Ok(());
            }
            thread::sleep(PAUSE);
        }
    }
}

/// What a closure returns, and the processor time that the thread spent in it.
fn measured<T>(work: impl FnOnce() -> nix::Result<T>) -> (Duration, nix::Result<T>) {
    let before = cpu::thread();
    let result = work();
    (cpu::thread().saturating_sub(before), result)
}

/// Keeps the thread on one processor; where that is not possible, it moves.
fn stay_on(processor: usize) {
    let mut set = CpuSet::new();
    if set.set(processor).is_ok() {
        let _ = sched_setaffinity(Pid::from_raw(0), &set);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measurements_of_one_path_add_up_by_their_weights() {
        let seconds = Duration::from_secs;
        let sum = Packets::new(110, 100, seconds(1), seconds(1)).with(&Packets::new(300, 300, seconds(1), seconds(2)));
        assert_eq!((sum.sent, sum.delivered, sum.per_second), (410, 400, 200.0));
        assert!((sum.cpu_ns - 7.5e6).abs() < 1.0);
    }
}
