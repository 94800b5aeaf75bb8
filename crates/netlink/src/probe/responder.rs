//! Servers that say who they are and whom they see.

use std::collections::BTreeMap;
use std::io::{self, IoSlice, IoSliceMut, PipeReader, PipeWriter, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, AsRawFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use nix::errno::Errno;
use nix::libc::{in_addr, in_pktinfo, in6_addr, in6_pktinfo};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, sendmsg, setsockopt, sockopt,
};

use super::Proto;
use super::exchange::Answer;
use crate::error::Context;
use crate::namespace::NamespaceId;
use crate::sockets::{tcp_listener_here, udp_here};
use crate::{Namespace, Object, Result, run_in};

/// Starts responders and shares those that several probes want at the same time.
#[derive(Debug, Clone, Default)]
pub struct Responders {
    running: Arc<Mutex<BTreeMap<Key, Running>>>,
}

type Key = (NamespaceId, Proto);

#[derive(Debug)]
struct Running {
    users: usize,
    /// Held for what its end does: stop the thread and close the sockets.
    _server: Server,
}

/// Answers on the ports it was started for as long as it exists: with one line of JSON,
/// `{"server":"NAME","source":"ADDRESS"}`, at once to each TCP connection, and to each UDP datagram from the address that
/// the datagram was sent to.
#[derive(Debug)]
pub struct Responder {
    running: Arc<Mutex<BTreeMap<Key, Running>>>,
    keys: Vec<Key>,
    occupied: Vec<Proto>,
}

impl Responders {
    /// Answers as `name` in `namespace` on all addresses and the given ports until the result is dropped. What somebody
    /// else listens on is left to them ([`Responder::occupied`]). ICMP needs no responder and is ignored.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] when a socket or thread cannot be made.
    pub fn answer(&self, namespace: &Namespace, name: &str, ports: &[Proto]) -> Result<Responder> {
        let mut responder = Responder { running: self.running.clone(), keys: Vec::new(), occupied: Vec::new() };
        let running = self.running.clone();
        let mut running = lock(&running);
        for &port in ports.iter().filter(|port| **port != Proto::Icmp) {
            let key = (namespace.id(), port);
            if let Some(shared) = running.get_mut(&key) {
                shared.users += 1;
            } else {
                match Server::start(namespace, name, port) {
                    Ok(server) => drop(running.insert(key, Running { users: 1, _server: server })),
                    Err(error) if error.errno() == Some(Errno::EADDRINUSE) => {
                        responder.occupied.push(port);
                        continue;
                    }
                    Err(error) => {
                        drop(running); // Dropping the responder takes the lock.
                        return Err(error);
                    }
                }
            }
            responder.keys.push(key);
        }
        Ok(responder)
    }
}

impl Responder {
    /// A responder of its own. Two for one port of one namespace see each other as somebody else: use [`Responders`]
    /// where that can happen.
    ///
    /// # Errors
    /// As [`Responders::answer`].
    pub fn start(namespace: &Namespace, name: &str, ports: &[Proto]) -> Result<Self> {
        Responders::default().answer(namespace, name, ports)
    }

    /// The ports on which something else listens already. A TCP probe of such a port shows a connection without a name.
    #[must_use]
    pub fn occupied(&self) -> &[Proto] {
        &self.occupied
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        // The lock is held until the sockets are closed, so that whoever comes next can bind them again.
        let mut running = lock(&self.running);
        for key in &self.keys {
            if let Some(shared) = running.get_mut(key) {
                shared.users -= 1;
                if shared.users == 0 {
                    running.remove(key);
                }
            }
        }
    }
}

fn lock(running: &Mutex<BTreeMap<Key, Running>>) -> MutexGuard<'_, BTreeMap<Key, Running>> {
    running.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The thread that serves one port.
#[derive(Debug)]
struct Server {
    /// Closing it ends the thread.
    stop: Option<PipeWriter>,
    thread: Option<JoinHandle<()>>,
}

enum Socket {
    Tcp(TcpListener),
    Udp(UdpSocket),
}

impl Server {
    fn start(namespace: &Namespace, name: &str, port: Proto) -> Result<Self> {
        let object = || Object::Socket { socket: format!("{port:?}"), namespace: namespace.label().to_owned() };
        let sockets = run_in(namespace, || open(port))?.context("open", object)?;
        let (stopped, stop) = io::pipe().context("open", object)?;
        let name = name.to_owned();
        let serve = move || serve(&sockets, &stopped, &name);
        let thread = thread::Builder::new().name("responder".into()).spawn(serve).context("serve", object)?;
        Ok(Server { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// One socket per address family; IPv6 only where the kernel has it.
fn open(port: Proto) -> nix::Result<Vec<Socket>> {
    let mut sockets = Vec::new();
    for any in [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)] {
        let opened = match port {
            Proto::Tcp(port) => tcp_listener_here(SocketAddr::new(any, port)).map(Socket::Tcp),
            Proto::Udp(port) => udp_here(SocketAddr::new(any, port)).map(Socket::Udp),
            Proto::Icmp => continue,
        };
        match opened {
            Err(Errno::EAFNOSUPPORT | Errno::EADDRNOTAVAIL) if any.is_ipv6() => continue,
            opened => sockets.push(opened?),
        }
        match sockets.last() {
            Some(Socket::Udp(socket)) if any.is_ipv4() => setsockopt(socket, sockopt::Ipv4PacketInfo, &true)?,
            Some(Socket::Udp(socket)) => setsockopt(socket, sockopt::Ipv6RecvPacketInfo, &true)?,
            _ => {}
        }
    }
    Ok(sockets)
}

fn serve(sockets: &[Socket], stopped: &PipeReader, name: &str) {
    loop {
        let mut fds = vec![PollFd::new(stopped.as_fd(), PollFlags::POLLIN)];
        fds.extend(sockets.iter().map(|socket| {
            let fd = match socket {
                Socket::Tcp(socket) => socket.as_fd(),
                Socket::Udp(socket) => socket.as_fd(),
            };
            PollFd::new(fd, PollFlags::POLLIN)
        }));
        match poll(&mut fds, PollTimeout::NONE) {
            Err(Errno::EINTR) => continue,
            Err(_) => return,
            Ok(_) => {}
        }
        if fds.first().is_some_and(|fd| fd.any().unwrap_or(true)) {
            return;
        }
        for socket in sockets {
            match socket {
                Socket::Tcp(socket) => {
                    while let Ok((stream, from)) = socket.accept() {
                        // A client that is gone already needs no answer.
                        let _ = greet(stream, from.ip(), name);
                    }
                }
                Socket::Udp(socket) => while answer_datagram(socket, name).is_ok() {},
            }
        }
    }
}

fn line(name: &str, source: IpAddr) -> Vec<u8> {
    let answer = Answer { server: name.to_owned(), source: source.to_canonical() };
    let mut line = serde_json::to_vec(&answer).unwrap_or_default();
    line.push(b'\n');
    line
}

fn greet(mut stream: TcpStream, source: IpAddr, name: &str) -> io::Result<()> {
    stream.set_nonblocking(true)?;
    stream.write_all(&line(name, source))?;
    // What is unread at close makes the kernel reset the connection, and the answer might be lost with it.
    let _ = stream.read(&mut [0; 4096]);
    Ok(())
}

/// Answers one datagram; EAGAIN when there is none.
fn answer_datagram(socket: &UdpSocket, name: &str) -> nix::Result<()> {
    let mut space = nix::cmsg_space!(in6_pktinfo);
    let mut buffer = [0; 2048];
    let mut parts = [IoSliceMut::new(&mut buffer)];
    let received = recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut parts, Some(&mut space), MsgFlags::empty())?;
    let Some(from) = received.address else { return Ok(()) };
    let source = match (from.as_sockaddr_in(), from.as_sockaddr_in6()) {
        (Some(v4), _) => IpAddr::V4(v4.ip()),
        (_, Some(v6)) => IpAddr::V6(v6.ip()),
        _ => return Ok(()),
    };
    let mut to = (None, None);
    for message in received.cmsgs()? {
        match message {
            ControlMessageOwned::Ipv4PacketInfo(info) => to.0 = Some(info.ipi_addr),
            ControlMessageOwned::Ipv6PacketInfo(info) => to.1 = Some(info.ipi6_addr),
            _ => {}
        }
    }
    let answer = line(name, source);
    let parts = [IoSlice::new(&answer)];
    let sent = match to {
        (Some(address), _) => {
            let own = in_pktinfo { ipi_ifindex: 0, ipi_spec_dst: address, ipi_addr: in_addr { s_addr: 0 } };
            let control = [ControlMessage::Ipv4PacketInfo(&own)];
            sendmsg(socket.as_raw_fd(), &parts, &control, MsgFlags::empty(), Some(&from))
        }
        (_, Some(address)) => {
            let own = in6_pktinfo { ipi6_addr: in6_addr { s6_addr: address.s6_addr }, ipi6_ifindex: 0 };
            let control = [ControlMessage::Ipv6PacketInfo(&own)];
            sendmsg(socket.as_raw_fd(), &parts, &control, MsgFlags::empty(), Some(&from))
        }
        _ => sendmsg(socket.as_raw_fd(), &parts, &[], MsgFlags::empty(), Some(&from)),
    };
    // That one cannot be answered is no reason to leave the others waiting.
    let _ = sent;
    Ok(())
}
