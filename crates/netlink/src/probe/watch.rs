//! Looking for a probe's request where it may come in.
//!
//! A packet socket sees what reaches a namespace's stack, whether the stack takes it, forwards it or has no use for it.
//! The request is recognised by what no translation on its way changes: the token in its payload, or the initial
//! sequence number of the TCP connection, which a packet socket at the sender learns.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsFd, BorrowedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, poll};

use super::{Probe, Proto, Sighting};
use crate::deadline::Deadline;
use crate::error::Context;
use crate::sockets::{Direction, PacketSocket, ProbeSockets};
use crate::{Object, Result};

/// Bytes of the random payload by which a request is known.
pub(super) const TOKEN_LENGTH: usize = 16;

/// Enough of a packet: IPv4 header with all options, TCP header or ICMP header, token.
const SNAP_LENGTH: usize = 128;

/// The packet sockets of one probe, and what they have seen.
pub(super) struct Watchers {
    /// At the sender, for the initial sequence number.
    sender: Option<PacketSocket>,
    sent: Vec<Seen>,
    places: Vec<Place>,
}

struct Place {
    socket: PacketSocket,
    seen: Vec<Seen>,
}

/// A packet that might be the request.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    source: IpAddr,
    destination: IpAddr,
    mark: Mark,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Mark {
    Echo([u8; TOKEN_LENGTH]),
    Datagram([u8; TOKEN_LENGTH]),
    Syn { sequence: u32, from: u16, to: u16 },
}

impl Watchers {
    pub(super) fn open(probe: &Probe) -> Result<Self> {
        let mut places = Vec::with_capacity(probe.watch.len());
        for watch in &probe.watch {
            let socket = ProbeSockets::in_namespace(&watch.namespace).packets()?;
            places.push(Place { socket, seen: Vec::new() });
        }
        let sender = match probe.proto {
            Proto::Tcp(_) if !places.is_empty() => Some(ProbeSockets::in_namespace(&probe.from).packets()?),
            _ => None,
        };
        Ok(Watchers { sender, sent: Vec::new(), places })
    }

    /// Waits until `fd` is ready or the time is over (`false`), and empties the packet sockets meanwhile.
    pub(super) fn wait(&mut self, fd: BorrowedFd<'_>, events: PollFlags, end: Deadline) -> Result<bool> {
        loop {
            let mut fds = vec![PollFd::new(fd, events)];
            fds.extend(self.sockets().map(|socket| PollFd::new(socket.as_fd(), PollFlags::POLLIN)));
            let polled = poll(&mut fds, end.timeout());
            let ready = |fd: &PollFd<'_>| fd.any().unwrap_or(true);
            let (own, packets) = (fds.first().is_some_and(ready), fds.iter().skip(1).any(ready));
            match polled {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno).context("wait for", || Object::Thread("probe")),
            }
            if packets {
                self.drain();
            }
            if polled.is_ok() && own {
                return Ok(true);
            }
            if end.is_over() {
                return Ok(false);
            }
        }
    }

    /// Where the request of `probe` was seen. For TCP the connection's local port is found by the sender's own packets.
    pub(super) fn finish(mut self, probe: &Probe, token: &[u8; TOKEN_LENGTH]) -> Vec<Sighting> {
        self.drain();
        let is_request = |seen: &Seen| match &seen.mark {
            Mark::Echo(found) => probe.proto == Proto::Icmp && found == token,
            Mark::Datagram(found) => matches!(probe.proto, Proto::Udp(_)) && found == token,
            Mark::Syn { sequence, .. } => {
                self.sent.iter().any(|sent| matches!(&sent.mark, Mark::Syn { sequence: own, .. } if own == sequence))
            }
        };
        let mut sightings = Vec::new();
        for (place, watch) in self.places.iter().zip(&probe.watch) {
            if let Some(seen) = place.seen.iter().find(|seen| is_request(seen)) {
                sightings.push(Sighting {
                    name: watch.name.clone(),
                    source: seen.source,
                    destination: seen.destination,
                });
            }
        }
        sightings
    }

    /// Forgets what the sender sent but the one connection from `port`: other probes send from there too.
    pub(super) fn sent_from(&mut self, port: u16, destination: IpAddr) {
        self.drain();
        self.sent.retain(|sent| {
            sent.destination == destination && matches!(sent.mark, Mark::Syn { from, .. } if from == port)
        });
    }

    fn sockets(&self) -> impl Iterator<Item = &PacketSocket> {
        self.sender.iter().chain(self.places.iter().map(|place| &place.socket))
    }

    fn drain(&mut self) {
        if let Some(sender) = &self.sender {
            read_all(sender, Direction::Sent, &mut self.sent);
        }
        for place in &mut self.places {
            read_all(&place.socket, Direction::Received, &mut place.seen);
        }
    }
}

fn read_all(socket: &PacketSocket, direction: Direction, seen: &mut Vec<Seen>) {
    let mut buffer = [0; SNAP_LENGTH];
    loop {
        match socket.receive(&mut buffer) {
            Ok(Some((length, found))) if found == direction => {
                seen.extend(buffer.get(..length).and_then(parse));
            }
            Ok(Some(_)) | Err(Errno::EINTR) => {}
            // ENETDOWN: a link went down; the next look tells more.
            Ok(None) | Err(_) => return,
        }
    }
}

/// Takes from an IP packet what tells a probe's request; `None` for anything that is none.
fn parse(packet: &[u8]) -> Option<Seen> {
    let (source, destination, protocol, payload): (IpAddr, IpAddr, u8, &[u8]) = match packet.first()? >> 4 {
        4 => {
            let header = packet.first_chunk::<20>()?;
            let fragment_offset = u16::from_be_bytes([header[6] & 0x1f, header[7]]);
            if fragment_offset != 0 {
                return None;
            }
            let source: [u8; 4] = header[12..16].try_into().ok()?;
            let destination: [u8; 4] = header[16..20].try_into().ok()?;
            let payload = packet.get(usize::from(header[0] & 0x0f) * 4..)?;
            (Ipv4Addr::from(source).into(), Ipv4Addr::from(destination).into(), header[9], payload)
        }
        6 => {
            let header = packet.first_chunk::<40>()?;
            let source: [u8; 16] = header[8..24].try_into().ok()?;
            let destination: [u8; 16] = header[24..40].try_into().ok()?;
            (Ipv6Addr::from(source).into(), Ipv6Addr::from(destination).into(), header[6], packet.get(40..)?)
        }
        _ => return None,
    };
    const ECHO_REQUESTS: [(u8, u8); 2] = [(1, 8), (58, 128)];
    const FLAGS: u8 = 0x17; // FIN, SYN, RST, ACK
    const SYN: u8 = 0x02;
    let token = || payload.get(8..)?.first_chunk::<TOKEN_LENGTH>().copied();
    let mark = match protocol {
        1 | 58 if ECHO_REQUESTS.contains(&(protocol, *payload.first()?)) => Mark::Echo(token()?),
        17 => Mark::Datagram(token()?),
        6 => {
            let header = payload.first_chunk::<20>()?;
            if header[13] & FLAGS != SYN {
                return None;
            }
            Mark::Syn {
                sequence: u32::from_be_bytes([header[4], header[5], header[6], header[7]]),
                from: u16::from_be_bytes([header[0], header[1]]),
                to: u16::from_be_bytes([header[2], header[3]]),
            }
        }
        _ => return None,
    };
    Some(Seen { source, destination, mark })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_cut_anywhere_are_no_request() {
        let mut packet = vec![0x45, 0, 0, 44, 0, 0, 0x40, 0, 64, 1, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        packet.extend([8, 0, 0, 0, 0, 1, 0, 1]);
        packet.extend([7; TOKEN_LENGTH]);
        let whole = parse(&packet).map(|seen| (seen.source, seen.mark));
        assert_eq!(whole, Some((Ipv4Addr::new(10, 0, 0, 1).into(), Mark::Echo([7; TOKEN_LENGTH]))));
        for length in 0..packet.len() {
            assert_eq!(parse(&packet[..length]), None, "{length} bytes");
        }
        packet[7] = 1;
        assert_eq!(parse(&packet), None, "a later fragment");
    }
}
