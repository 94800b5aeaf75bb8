//! A stream of requests that goes on while something changes: `ping`, or UDP datagrams where there is no `ping`.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Stdio;
use std::time::{Duration, Instant};

use netlink::sockets::ProbeSockets;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::UdpSocket;
use tokio::process::Command;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::DemoError;
use crate::actors::Actors;
use crate::error::machine;

/// Between two requests.
const EVERY: Duration = Duration::from_millis(50);
/// Of the UDP responder.
const PORT: u16 = 9000;
/// How long `ping` may take to end.
const LAST_LINES: Duration = Duration::from_secs(5);
/// What happened and was not looked at yet; far more than a story is long.
const PENDING: usize = 4096;

/// Whether this machine has the `ping` whose output is understood.
pub(crate) async fn has_ping() -> bool {
    let asked = Command::new("ping").arg("-V").stdin(Stdio::null()).stderr(Stdio::null()).output().await;
    asked.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("iputils"))
}

/// What happened to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Answered,
    Unanswered,
}

/// A stream at work; it ends when this is dropped.
pub(crate) struct Stream {
    /// What one would type.
    pub(crate) command: String,
    tasks: JoinSet<()>,
    events: Receiver<(Instant, Event)>,
    ping: Option<Pid>,
}

/// What became of a stream around a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) answered_before: usize,
    pub(crate) unanswered_before: usize,
    pub(crate) answered_after: usize,
    pub(crate) unanswered_after: usize,
    /// From the moment to the last answer, if one came after it.
    pub(crate) last_answer: Option<Duration>,
}

impl Stream {
    /// `ping` from a server to an address.
    pub(crate) fn ping(actors: &Actors, from: &str, to: &str) -> Result<Self, DemoError> {
        let seconds = format!("{}", EVERY.as_secs_f64());
        let mut command = Command::new("ping");
        command.env("LC_ALL", "C").args(["-n", "-O", "-i", &seconds, to]).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = actors.spawn(from, &mut command)?;
        let ping = child.id().and_then(|pid| i32::try_from(pid).ok()).map(Pid::from_raw);
        let (sender, events) = channel(PENDING);
        let mut tasks = JoinSet::new();
        if let Some(output) = child.stdout.take() {
            tasks.spawn(async move {
                let mut lines = BufReader::new(output).lines();
                while let Ok(Some(line)) = lines.next_line().await {
                    if let Some(event) = read_line(&line)
                        && sender.send((Instant::now(), event)).await.is_err()
                    {
                        break;
                    }
                }
                // The child is killed where it is dropped; it lives as long as its output.
                let _ = child.wait().await;
            });
        }
        Ok(Self { command: format!("ping -i {seconds} {to}"), tasks, events, ping })
    }

    /// Datagrams from a server to another one that sends them back.
    pub(crate) fn udp(actors: &Actors, from: &str, to: (&str, &str)) -> Result<Self, DemoError> {
        let (name, address) = to;
        let ip: Ipv4Addr = address.parse().map_err(|_| DemoError::Topology(format!("{address} is no address")))?;
        let asynchronous = |socket| UdpSocket::from_std(socket).map_err(machine("use a UDP socket"));
        let server = ProbeSockets::in_namespace(actors.namespace(name)?);
        let server = asynchronous(server.udp(SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT)))?)?;
        let client = ProbeSockets::in_namespace(actors.namespace(from)?);
        let client = asynchronous(client.udp_to(None, SocketAddr::from((ip, PORT)))?)?;
        let (sender, events) = channel(PENDING);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut datagram = [0; 16];
            loop {
                if let Ok((length, peer)) = server.recv_from(&mut datagram).await {
                    let _ = server.send_to(datagram.get(..length).unwrap_or_default(), peer).await;
                }
            }
        });
        tasks.spawn(exchange(client, sender));
        Ok(Self { command: format!("UDP datagrams to {address}, 20 a second"), tasks, events, ping: None })
    }

    /// Waits until so many requests were answered; `false` if that takes longer than `patience`.
    pub(crate) async fn answered(&mut self, count: usize, patience: Duration, account: &mut Account) -> bool {
        let late = tokio::time::Instant::now() + patience;
        while account.answered_before < count {
            match tokio::time::timeout_at(late, self.events.recv()).await {
                Ok(Some((_, event))) => account.add_before(event),
                Ok(None) | Err(_) => return false,
            }
        }
        true
    }

    /// Ends the stream and counts what happened before and after `moment`.
    pub(crate) async fn end(mut self, moment: Instant, mut account: Account) -> Account {
        if let Some(pid) = self.ping.take() {
            // One that is gone already cannot be told.
            let _ = kill(pid, Signal::SIGINT);
            // It prints what it has; one that does not end is killed below.
            let _ = tokio::time::timeout(LAST_LINES, async { while self.tasks.join_next().await.is_some() {} }).await;
        }
        self.tasks.shutdown().await;
        self.events.close();
        while let Some((when, event)) = self.events.recv().await {
            match when.checked_duration_since(moment) {
                Some(after) => account.add_after(event, after),
                None => account.add_before(event),
            }
        }
        account
    }
}

impl Account {
    fn add_before(&mut self, event: Event) {
        match event {
            Event::Answered => self.answered_before += 1,
            Event::Unanswered => self.unanswered_before += 1,
        }
    }

    fn add_after(&mut self, event: Event, after: Duration) {
        match event {
            Event::Answered => {
                self.answered_after += 1;
                self.last_answer = Some(after);
            }
            Event::Unanswered => self.unanswered_after += 1,
        }
    }
}

/// Sends one request after the other.
async fn exchange(socket: UdpSocket, events: Sender<(Instant, Event)>) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for number in 0_u64.. {
        ticks.tick().await;
        // What the kernel refuses to send is unanswered too.
        let _ = socket.send(&number.to_be_bytes()).await;
        let answer = async {
            let mut datagram = [0; 16];
            loop {
                if let Ok(8) = socket.recv(&mut datagram).await
                    && datagram.first_chunk() == Some(&number.to_be_bytes())
                {
                    return;
                }
            }
        };
        let event = match tokio::time::timeout(EVERY, answer).await {
            Ok(()) => Event::Answered,
            Err(_) => Event::Unanswered,
        };
        if events.send((Instant::now(), event)).await.is_err() {
            return;
        }
    }
}

/// What a line of `ping -O` says.
fn read_line(line: &str) -> Option<Event> {
    if line.contains("bytes from") && line.contains("icmp_seq=") {
        Some(Event::Answered)
    } else if line.contains("no answer yet") || line.contains("Unreachable") {
        Some(Event::Unanswered)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_ping_are_understood() {
        for (line, event) in [
            ("PING 172.17.0.21 (172.17.0.21) 56(84) bytes of data.", None),
            ("64 bytes from 172.17.0.21: icmp_seq=1 ttl=64 time=0.071 ms", Some(Event::Answered)),
            ("no answer yet for icmp_seq=7", Some(Event::Unanswered)),
            ("From 172.16.0.1 icmp_seq=3 Destination Host Unreachable", Some(Event::Unanswered)),
            ("--- 172.17.0.21 ping statistics ---", None),
            ("", None),
        ] {
            assert_eq!(read_line(line), event, "{line}");
        }
    }

    #[test]
    fn the_last_answer_after_the_moment_is_kept() {
        let mut account = Account::default();
        account.add_before(Event::Answered);
        account.add_after(Event::Answered, Duration::from_millis(3));
        account.add_after(Event::Unanswered, Duration::from_millis(60));
        assert_eq!((account.answered_before, account.answered_after, account.unanswered_after), (1, 1, 1));
        assert_eq!(account.last_answer, Some(Duration::from_millis(3)));
    }
}
