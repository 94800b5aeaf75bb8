//! Request and answer of each protocol.

use std::io::{ErrorKind, Read};
use std::net::{IpAddr, Shutdown, SocketAddr};
use std::os::fd::{AsFd, AsRawFd};
use std::time::Instant;

use nix::errno::Errno;
use nix::poll::PollFlags;
use nix::sys::socket::{MsgFlags, SockaddrStorage, recv, sendto};
use serde::{Deserialize, Serialize};

use super::watch::{TOKEN_LENGTH, Watchers};
use super::{Probe, ProbeResult};
use crate::deadline::Deadline;
use crate::error::errno_of;
use crate::sockets::{icmp_here, local_port, tcp_connecting_here, udp_to_here};
use crate::{Result, run_in};

/// The line that a responder answers with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Answer {
    /// Name of the responder.
    pub(super) server: String,
    /// Source address of the request as the responder saw it.
    pub(super) source: IpAddr,
}

/// Longest answer that is read, in bytes.
const ANSWER_LENGTH: usize = 512;

/// A request without an answer is sent so many times within the deadline.
const TRIES: u32 = 3;

fn gave_up(errno: Errno) -> ProbeResult {
    ProbeResult { refused: errno == Errno::ECONNREFUSED, error: Some(errno), ..ProbeResult::default() }
}

fn replied(since: Instant) -> ProbeResult {
    ProbeResult { replied: true, rtt: Some(since.elapsed()), ..ProbeResult::default() }
}

fn add_answer(result: &mut ProbeResult, answer: &[u8]) {
    if let Ok(answer) = serde_json::from_slice::<Answer>(answer) {
        result.answered_by = Some(answer.server);
        result.observed_source = Some(answer.source);
    }
}

pub(super) fn icmp(
    probe: &Probe,
    token: &[u8; TOKEN_LENGTH],
    end: Deadline,
    watchers: &mut Watchers,
) -> Result<ProbeResult> {
    let ipv6 = probe.destination.is_ipv6();
    let socket = match run_in(&probe.from, || icmp_here(probe.source, ipv6))? {
        Ok(socket) => socket,
        Err(errno @ (Errno::EPERM | Errno::EACCES)) => return Err(cannot_open(probe, errno)),
        Err(errno) => return Ok(gave_up(errno)),
    };
    let to = SockaddrStorage::from(SocketAddr::new(probe.destination, 0));
    let mut sent = Vec::new();
    for sequence in 0..TRIES {
        let request = echo_request(ipv6, sequence, token);
        sent.push(Instant::now());
        match sendto(socket.as_raw_fd(), &request, &to, MsgFlags::empty()) {
            Ok(_) | Err(Errno::EAGAIN | Errno::ENOBUFS | Errno::EINTR) => {}
            Err(errno) => return Ok(gave_up(errno)),
        }
        let until = if sequence + 1 == TRIES { end } else { end.or_after(probe.deadline / TRIES) };
        while watchers.wait(socket.as_fd(), PollFlags::POLLIN, until)? {
            let mut packet = [0; 256];
            let Ok(length) = recv(socket.as_raw_fd(), &mut packet, MsgFlags::empty()) else { continue };
            let answered = packet.get(..length).and_then(|packet| answered_sequence(ipv6, packet, token));
            if let Some(since) = answered.and_then(|sequence| sent.get(usize::from(sequence))) {
                return Ok(replied(*since));
            }
            if until.is_over() {
                break; // Others' replies must not keep it waiting.
            }
        }
    }
    Ok(ProbeResult::default())
}

/// RFC 792 and RFC 4443 §4.1; the checksum of ICMPv6 is the kernel's work.
fn echo_request(ipv6: bool, sequence: u32, token: &[u8; TOKEN_LENGTH]) -> [u8; 8 + TOKEN_LENGTH] {
    let mut request = [0; 8 + TOKEN_LENGTH];
    request[0] = if ipv6 { 128 } else { 8 };
    request[4..6].copy_from_slice(&token[..2]);
    request[7] = sequence as u8;
    request[8..].copy_from_slice(token);
    if !ipv6 {
        let mut sum: u32 = request.chunks_exact(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        request[2..4].copy_from_slice(&(!(sum as u16)).to_be_bytes());
    }
    request
}

/// The sequence number of the request that a packet answers, if it is an echo reply with the token.
fn answered_sequence(ipv6: bool, packet: &[u8], token: &[u8; TOKEN_LENGTH]) -> Option<u8> {
    let reply = if ipv6 { packet } else { packet.get(usize::from(packet.first()? & 0x0f) * 4..)? };
    let kind = if ipv6 { 129 } else { 0 };
    let is_ours = *reply.first()? == kind && reply.get(8..)?.starts_with(token);
    if is_ours { reply.get(7).copied() } else { None }
}

pub(super) fn udp(
    probe: &Probe,
    port: u16,
    token: &[u8; TOKEN_LENGTH],
    end: Deadline,
    watchers: &mut Watchers,
) -> Result<ProbeResult> {
    let to = SocketAddr::new(probe.destination, port);
    let socket = match run_in(&probe.from, || udp_to_here(probe.source, to))? {
        Ok(socket) => socket,
        Err(errno) => return Ok(gave_up(errno)),
    };
    let mut since = Instant::now();
    for attempt in 0..TRIES {
        since = if attempt == 0 { Instant::now() } else { since };
        if let Err(error) = socket.send(token)
            && error.kind() != ErrorKind::WouldBlock
        {
            return Ok(gave_up(errno_of(&error)));
        }
        let until = if attempt + 1 == TRIES { end } else { end.or_after(probe.deadline / TRIES) };
        while watchers.wait(socket.as_fd(), PollFlags::POLLIN, until)? {
            let mut answer = [0; ANSWER_LENGTH];
            match socket.recv(&mut answer) {
                Ok(length) => {
                    let mut result = replied(since);
                    add_answer(&mut result, answer.get(..length).unwrap_or_default());
                    return Ok(result);
                }
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
                Err(error) => return Ok(gave_up(errno_of(&error))),
            }
        }
    }
    Ok(ProbeResult::default())
}

pub(super) fn tcp(probe: &Probe, port: u16, end: Deadline, watchers: &mut Watchers) -> Result<ProbeResult> {
    let to = SocketAddr::new(probe.destination, port);
    let since = Instant::now();
    let mut stream = match run_in(&probe.from, || tcp_connecting_here(probe.source, to))? {
        Ok(stream) => stream,
        Err(errno) => return Ok(gave_up(errno)),
    };
    let from = local_port(&stream).unwrap_or_default();
    let established = watchers.wait(stream.as_fd(), PollFlags::POLLOUT, end)?;
    let outcome = stream.take_error().ok().flatten();
    let mut result = match outcome {
        Some(error) => gave_up(errno_of(&error)),
        None if established => replied(since),
        None => ProbeResult::default(),
    };
    watchers.sent_from(from, probe.destination);
    if !result.replied {
        return Ok(result);
    }
    // A server that waits for its client to speak first ends the connection now instead of keeping the probe waiting.
    let _ = stream.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    while answer.len() < ANSWER_LENGTH && watchers.wait(stream.as_fd(), PollFlags::POLLIN, end)? {
        let mut part = [0; ANSWER_LENGTH];
        match stream.read(&mut part) {
            Ok(0) => break,
            Ok(length) => answer.extend_from_slice(part.get(..length).unwrap_or_default()),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => continue,
            Err(_) => break,
        }
        if answer.contains(&b'\n') {
            break;
        }
    }
    add_answer(&mut result, &answer);
    Ok(result)
}

fn cannot_open(probe: &Probe, errno: Errno) -> crate::Error {
    let object = crate::Object::Socket { socket: "icmp".into(), namespace: probe.from.label().to_owned() };
    crate::Error::Refused { action: "open", object, errno }
}
