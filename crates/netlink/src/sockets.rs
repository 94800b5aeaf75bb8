//! Sockets inside a namespace.
//!
//! A socket belongs for ever to the namespace of the thread that made it, so it is made on a thread that has entered
//! the namespace and used anywhere. All are non-blocking and closed on `exec`; wait for them with `poll`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::socket::{
    AddressFamily, Backlog, LinkAddr, SockFlag, SockProtocol, SockType, SockaddrStorage, bind, connect, getsockname,
    listen, recvfrom, setsockopt, socket, sockopt,
};

use crate::deadline::Deadline;
use crate::error::Context;
use crate::{Namespace, Object, Result, run_in};

/// Opens sockets in one namespace.
#[derive(Debug, Clone)]
pub struct ProbeSockets {
    namespace: Namespace,
}

impl ProbeSockets {
    /// Sockets of this namespace.
    #[must_use]
    pub fn in_namespace(namespace: &Namespace) -> Self {
        ProbeSockets { namespace: namespace.clone() }
    }

    /// A UDP socket bound to `address` (port 0: any).
    ///
    /// # Errors
    /// [`crate::Error::Refused`]: EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT…
    pub fn udp(&self, address: SocketAddr) -> Result<UdpSocket> {
        self.open(&format!("udp {address}"), || udp_here(address))
    }

    /// A UDP socket that talks to `to` alone, from `source` or the address that the kernel chooses.
    ///
    /// # Errors
    /// [`crate::Error::Refused`]: ENETUNREACH…
    pub fn udp_to(&self, source: Option<IpAddr>, to: SocketAddr) -> Result<UdpSocket> {
        self.open(&format!("udp to {to}"), || udp_to_here(source, to))
    }

    /// A TCP socket that listens at `address`.
    ///
    /// # Errors
    /// [`crate::Error::Refused`]: EADDRINUSE when somebody listens there already, …
    pub fn tcp_listener(&self, address: SocketAddr) -> Result<TcpListener> {
        self.open(&format!("tcp {address}"), || tcp_listener_here(address))
    }

    /// A TCP connection to `to`, from `source` or the address that the kernel chooses, established within the deadline.
    ///
    /// # Errors
    /// [`crate::Error::Refused`]: ETIMEDOUT, ECONNREFUSED, ENETUNREACH…
    pub fn tcp_connect(
        &self,
        source: Option<IpAddr>,
        to: SocketAddr,
        deadline: std::time::Duration,
    ) -> Result<TcpStream> {
        let name = format!("tcp to {to}");
        let end = Deadline::after(deadline);
        let stream = self.open(&name, || tcp_connecting_here(source, to))?;
        let established = || {
            loop {
                let mut fds = [PollFd::new(stream.as_fd(), PollFlags::POLLOUT)];
                match poll(&mut fds, end.timeout()) {
                    Ok(0) if end.is_over() => return Err(Errno::ETIMEDOUT),
                    Ok(0) | Err(Errno::EINTR) => {}
                    Ok(_) => return stream.take_error().map_err(|_| Errno::EIO),
                    Err(errno) => return Err(errno),
                }
            }
        };
        match established().context("connect", || self.object(&name))? {
            Some(error) => Err(error).context("connect", || self.object(&name)),
            None => Ok(stream),
        }
    }

    /// A raw ICMP socket (ICMPv6 with `ipv6`). What it receives begins with the IP header for IPv4 and with the ICMPv6
    /// header for IPv6. Needs CAP_NET_RAW.
    ///
    /// # Errors
    /// [`crate::Error::Refused`]: EPERM…
    pub fn icmp(&self, source: Option<IpAddr>, ipv6: bool) -> Result<OwnedFd> {
        self.open("icmp", || icmp_here(source, ipv6))
    }

    /// A packet socket that sees all packets of all links, in and out. Needs CAP_NET_RAW.
    ///
    /// # Errors
    /// [`crate::Error::Refused`]: EPERM…
    pub fn packets(&self) -> Result<PacketSocket> {
        self.open("packet", packets_here)
    }

    fn open<T: Send>(&self, name: &str, make: impl FnOnce() -> nix::Result<T> + Send) -> Result<T> {
        run_in(&self.namespace, make)?.context("open", || self.object(name))
    }

    fn object(&self, name: &str) -> Object {
        Object::Socket { socket: name.to_owned(), namespace: self.namespace.label().to_owned() }
    }
}

/// Which way a packet went that a [`PacketSocket`] saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// It came in and is for this namespace's stack, to take or to forward.
    Received,
    /// This namespace sent it.
    Sent,
    /// It came in and is not for this namespace: broadcast, multicast, or another's link layer address.
    Other,
}

/// An AF_PACKET socket without link layer headers.
#[derive(Debug)]
pub struct PacketSocket {
    fd: OwnedFd,
}

impl PacketSocket {
    /// The next packet, from its IP header on, cut to the buffer; `None` when there is none now.
    ///
    /// # Errors
    /// The kernel's: ENETDOWN when a link went down.
    pub fn receive(&self, buffer: &mut [u8]) -> nix::Result<Option<(usize, Direction)>> {
        const PACKET_HOST: u8 = 0;
        const PACKET_OUTGOING: u8 = 4;
        match recvfrom::<LinkAddr>(self.fd.as_raw_fd(), buffer) {
            Ok((length, from)) => {
                let direction = match from.map(|address| address.pkttype()) {
                    Some(PACKET_HOST) => Direction::Received,
                    Some(PACKET_OUTGOING) => Direction::Sent,
                    _ => Direction::Other,
                };
                Ok(Some((length, direction)))
            }
            Err(Errno::EAGAIN) => Ok(None),
            Err(errno) => Err(errno),
        }
    }
}

impl AsFd for PacketSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

// The functions below make a socket in the namespace of the calling thread.

pub(crate) fn udp_here(address: SocketAddr) -> nix::Result<UdpSocket> {
    let fd = inet(address.ip(), SockType::Datagram, None)?;
    bind(fd.as_raw_fd(), &SockaddrStorage::from(address))?;
    Ok(UdpSocket::from(fd))
}

pub(crate) fn udp_to_here(source: Option<IpAddr>, to: SocketAddr) -> nix::Result<UdpSocket> {
    let fd = inet(to.ip(), SockType::Datagram, None)?;
    bind_source(&fd, source)?;
    connect(fd.as_raw_fd(), &SockaddrStorage::from(to))?;
    Ok(UdpSocket::from(fd))
}

pub(crate) fn tcp_listener_here(address: SocketAddr) -> nix::Result<TcpListener> {
    let fd = inet(address.ip(), SockType::Stream, None)?;
    setsockopt(&fd, sockopt::ReuseAddr, &true)?;
    bind(fd.as_raw_fd(), &SockaddrStorage::from(address))?;
    listen(&fd, Backlog::new(128)?)?;
    Ok(TcpListener::from(fd))
}

/// A connection that may still be in the making: wait until it is writable, then ask for its error.
pub(crate) fn tcp_connecting_here(source: Option<IpAddr>, to: SocketAddr) -> nix::Result<TcpStream> {
    let fd = inet(to.ip(), SockType::Stream, None)?;
    bind_source(&fd, source)?;
    match connect(fd.as_raw_fd(), &SockaddrStorage::from(to)) {
        Ok(()) | Err(Errno::EINPROGRESS) => Ok(TcpStream::from(fd)),
        Err(errno) => Err(errno),
    }
}

pub(crate) fn icmp_here(source: Option<IpAddr>, ipv6: bool) -> nix::Result<OwnedFd> {
    let (any, protocol) = if ipv6 {
        (IpAddr::V6(Ipv6Addr::UNSPECIFIED), SockProtocol::IcmpV6)
    } else {
        (IpAddr::V4(Ipv4Addr::UNSPECIFIED), SockProtocol::Icmp)
    };
    let fd = inet(any, SockType::Raw, Some(protocol))?;
    bind_source(&fd, source)?;
    Ok(fd)
}

pub(crate) fn packets_here() -> nix::Result<PacketSocket> {
    // Not bound: all links, from the first packet on.
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let fd = socket(AddressFamily::Packet, SockType::Datagram, flags, SockProtocol::EthAll)?;
    // Room for what a busy link brings until the next look; without the capability the default must do.
    let _ = setsockopt(&fd, sockopt::RcvBufForce, &(4 << 20));
    Ok(PacketSocket { fd })
}

fn inet(address: IpAddr, kind: SockType, protocol: Option<SockProtocol>) -> nix::Result<OwnedFd> {
    let family = if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    let fd = socket(family, kind, SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC, protocol)?;
    if address.is_ipv6() && kind != SockType::Raw {
        // One socket per family, so that both can be bound to the same port.
        setsockopt(&fd, sockopt::Ipv6V6Only, &true)?;
    }
    Ok(fd)
}

/// Binds to the source, even to one that the namespace does not have: that is how a forged source is probed.
fn bind_source(fd: &OwnedFd, source: Option<IpAddr>) -> nix::Result<()> {
    let Some(source) = source else { return Ok(()) };
    let address = SockaddrStorage::from(SocketAddr::new(source, 0));
    match bind(fd.as_raw_fd(), &address) {
        Err(Errno::EADDRNOTAVAIL) if source.is_ipv4() => {
            setsockopt(fd, sockopt::IpTransparent, &true)?;
            bind(fd.as_raw_fd(), &address)
        }
        bound => bound,
    }
}

/// The address that a socket is bound to.
pub(crate) fn local_port(fd: &impl AsRawFd) -> nix::Result<u16> {
    let address: SockaddrStorage = getsockname(fd.as_raw_fd())?;
    let v4 = address.as_sockaddr_in().map(|address| address.port());
    Ok(v4.or_else(|| address.as_sockaddr_in6().map(|address| address.port())).unwrap_or_default())
}
