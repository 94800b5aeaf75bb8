//! Promises about real packets, kept by the built binary in network namespaces.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failure here is the failure of the test")]

mod common;

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use client::types::{Protocol, ReachRequest, Server};
use common::{TestServer, kernel_or_skip, scenario, topology, wait_for};
use netlink::Namespace;
use netlink::probe::{Probe, Proto, Responder, probe};
use netlink::sockets::ProbeSockets;

/// Numbered datagrams sent every millisecond to an echo server in another namespace; counts what comes back.
struct EchoStream {
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
    echo: JoinHandle<()>,
    sender: JoinHandle<(u64, u64, Duration)>,
}

impl EchoStream {
    fn start(from: &Namespace, to: &Namespace, address: IpAddr) -> Self {
        const PORT: u16 = 7007;
        let stop = Arc::new(AtomicBool::new(false));
        let any: IpAddr = if address.is_ipv6() { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() };
        let far = ProbeSockets::in_namespace(to).udp(SocketAddr::from((any, PORT))).unwrap();
        far.set_nonblocking(false).unwrap();
        far.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let echo_stop = stop.clone();
        let echo = std::thread::spawn(move || {
            let mut buffer = [0; 64];
            while !echo_stop.load(Ordering::Relaxed) {
                if let Ok((length, peer)) = far.recv_from(&mut buffer) {
                    // A sender that is gone already is no failure of the path.
                    let _ = far.send_to(&buffer[..length], peer);
                }
            }
        });
        let near = ProbeSockets::in_namespace(from).udp_to(None, SocketAddr::from((address, PORT))).unwrap();
        let sent = Arc::new(AtomicU64::new(0));
        let (sender_stop, counter) = (stop.clone(), sent.clone());
        let sender = std::thread::spawn(move || send(&near, &sender_stop, &counter));
        Self { stop, sent, echo, sender }
    }

    /// Waits until `more` datagrams were sent from now on.
    fn wait_for(&self, more: u64) {
        let goal = self.sent.load(Ordering::Relaxed) + more;
        wait_for("the stream's progress", Duration::from_secs(20), || {
            (self.sent.load(Ordering::Relaxed) >= goal).then_some(())
        });
    }

    /// Sent, answered, and the longest silence between two answers.
    fn finish(self) -> (u64, u64, Duration) {
        self.stop.store(true, Ordering::Relaxed);
        let counted = self.sender.join().unwrap();
        self.echo.join().unwrap();
        counted
    }
}

fn send(socket: &UdpSocket, stop: &AtomicBool, counter: &AtomicU64) -> (u64, u64, Duration) {
    socket.set_nonblocking(false).unwrap();
    // Also the pace of sending: one datagram for each wait of a millisecond.
    socket.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
    let (mut sent, mut answered, mut silence, mut last) = (0u64, 0, Duration::ZERO, Instant::now());
    let mut buffer = [0; 64];
    let mut receive = |answered: &mut u64, last: &mut Instant| {
        while socket.recv(&mut buffer).is_ok() {
            silence = silence.max(last.elapsed());
            *answered += 1;
            *last = Instant::now();
        }
    };
    while !stop.load(Ordering::Relaxed) {
        if socket.send(&sent.to_be_bytes()).is_ok() {
            sent += 1;
            counter.store(sent, Ordering::Relaxed);
        }
        receive(&mut answered, &mut last);
    }
    let end = Instant::now() + Duration::from_secs(1);
    while answered < sent && Instant::now() < end {
        receive(&mut answered, &mut last);
    }
    (sent, answered, silence)
}

async fn server_named(server: &TestServer, name: &str) -> Server {
    let all = server.client().list_servers(&client::types::ServerFilter::default()).await.unwrap();
    all.into_iter().find(|s| s.name == name).unwrap_or_else(|| panic!("no server {name}"))
}

async fn namespace_of(server: &TestServer, name: &str) -> Namespace {
    Namespace::open(&server_named(server, name).await.namespace.unwrap()).unwrap()
}

fn links(server: &TestServer) -> Vec<(String, u32)> {
    let prefix = format!("causeway:{}:", server.instance());
    let all = netlink::links(&Namespace::host().unwrap(), "cw").unwrap();
    all.into_iter()
        .filter(|l| l.alias.as_deref().is_some_and(|a| a.starts_with(&prefix)))
        .map(|l| (l.name, l.index))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn packets_go_on_without_the_server_and_a_restart_loses_none() {
    if !kernel_or_skip("packets_go_on_without_the_server_and_a_restart_loses_none") {
        return;
    }
    let mut server = TestServer::start("kernel");
    server.apply(&scenario("two-vpcs-ipv4")).await;
    let (a, b) = (namespace_of(&server, "ECS-A01").await, namespace_of(&server, "RDS-B01").await);
    let (a2, b2) = (namespace_of(&server, "ECS-A02").await, namespace_of(&server, "RDS-B02").await);
    let before = links(&server);
    assert_eq!(before.len(), 4);

    let stream = EchoStream::start(&a, &b, "172.17.0.21".parse().unwrap());
    stream.wait_for(50);
    server.kill();
    stream.wait_for(50);
    // A flow that nobody has seen before, with no control plane at all.
    let _responder = Responder::start(&b2, "RDS-B02", &[Proto::Tcp(5432)]).unwrap();
    let fresh =
        probe(&Probe::new(&a2, "172.17.1.38".parse().unwrap(), Proto::Tcp(5432)).deadline(Duration::from_secs(5)));
    assert!(fresh.unwrap().replied, "a new flow needs no server");
    server.restart();
    let known = server.client().list_servers(&client::types::ServerFilter::default()).await.unwrap();
    assert_eq!(known.len(), 4, "nothing that was acknowledged is lost");
    stream.wait_for(50);
    let (sent, answered, silence) = stream.finish();
    assert_eq!(links(&server), before, "no link was made anew");
    assert_eq!(sent, answered, "datagrams lost while the server was killed and restarted; longest silence {silence:?}");
}

/// V6-2, V6-4: IPv6 crosses a peering from the first packet on, survives a kill, and a restart takes over addresses and
/// routes as they are.
#[tokio::test(flavor = "multi_thread")]
async fn ipv6_goes_on_without_the_server_and_a_restart_loses_nothing() {
    if !kernel_or_skip("ipv6_goes_on_without_the_server_and_a_restart_loses_nothing") {
        return;
    }
    let mut server = TestServer::start("kernel");
    server.apply(&scenario("ipv6-dual-stack")).await;
    let (a, b) = (namespace_of(&server, "ECS-A01").await, namespace_of(&server, "ECS-B01").await);
    let (there, back): (IpAddr, IpAddr) =
        ("2407:c080:802:c37::139".parse().unwrap(), "2407:c080:802:c34::111".parse().unwrap());
    let ping = |from: &Namespace, to: IpAddr| {
        let first = Probe::new(from, to, Proto::Icmp).deadline(Duration::from_millis(900));
        probe(&first).unwrap().replied
    };
    // Nobody waits for the detection of duplicate addresses.
    assert!(ping(&a, there) && ping(&b, back), "V6-4: echo across the peering");
    assert!(ping(&a, "2407:c080:802:c34::1".parse().unwrap()), "L2-1: the gateway answers");
    let _responder = Responder::start(&b, "ECS-B01", &[Proto::Tcp(443)]).unwrap();
    let connected = probe(&Probe::new(&a, there, Proto::Tcp(443)).deadline(Duration::from_secs(5))).unwrap();
    assert!(connected.replied, "TCP over IPv6");
    let state = |namespace: &Namespace| {
        let read = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
        netlink::run_in(namespace, || {
            [read("/proc/thread-self/net/if_inet6"), read("/proc/thread-self/net/ipv6_route")]
        })
        .unwrap()
    };
    let before = (links(&server), state(&a)[0].clone(), routes(&state(&a)[1]));
    assert!(before.1.contains("2407c08008020c340000000000000111"), "{}", before.1);

    let stream = EchoStream::start(&a, &b, there);
    stream.wait_for(50);
    server.kill();
    stream.wait_for(50);
    assert!(ping(&b, back), "a new flow needs no server");
    server.restart();
    stream.wait_for(50);
    let (sent, answered, silence) = stream.finish();
    assert_eq!(sent, answered, "datagrams lost over the restart; longest silence {silence:?}");
    assert_eq!((links(&server), state(&a)[0].clone(), routes(&state(&a)[1])), before, "nothing was made anew");
}

/// Destination, prefix length and gateway of the IPv6 routes by `eth0`; the rest are counters.
fn routes(text: &str) -> Vec<[String; 3]> {
    let lines = text.lines().filter(|line| line.trim_end().ends_with("eth0"));
    let mut routes: Vec<[String; 3]> = lines
        .map(|line| {
            let mut fields = line.split_whitespace().map(str::to_owned);
            let mut field = |n| fields.nth(n).unwrap_or_default();
            [field(0), field(0), field(2)]
        })
        .filter(|[destination, ..]| !destination.starts_with("ff"))
        .collect();
    routes.sort();
    // The kernel keeps copies of routes that are in use.
    routes.dedup();
    routes
}

/// PEER-6, RT-11: established flows stop when the call returns.
#[tokio::test(flavor = "multi_thread")]
async fn deleting_a_peering_stops_an_established_connection_at_once() {
    if !kernel_or_skip("deleting_a_peering_stops_an_established_connection_at_once") {
        return;
    }
    let server = TestServer::start("kernel");
    let (_, applied) = server.apply(&scenario("two-vpcs-ipv4")).await;
    let (a, b) = (namespace_of(&server, "ECS-A01").await, namespace_of(&server, "RDS-B01").await);
    let listener = ProbeSockets::in_namespace(&b).tcp_listener("0.0.0.0:5432".parse().unwrap()).unwrap();
    listener.set_nonblocking(false).unwrap();
    let mut near = ProbeSockets::in_namespace(&a)
        .tcp_connect(None, "172.17.0.21:5432".parse().unwrap(), Duration::from_secs(5))
        .unwrap();
    let (mut far, from) = listener.accept().unwrap();
    assert_eq!(from.ip().to_string(), "172.16.0.111", "NET-7: the sender's own address arrives");
    far.set_nonblocking(false).unwrap();
    near.set_nonblocking(false).unwrap();
    far.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let mut buffer = [0; 5];
    near.write_all(b"hello").unwrap();
    far.read_exact(&mut buffer).unwrap();

    server.client().delete_peering(&applied.peerings["Peering-AB"].id).await.unwrap();
    // The answer is there: from now on nothing crosses, in either direction.
    near.write_all(b"after").unwrap();
    far.write_all(b"after").unwrap();
    far.set_read_timeout(Some(Duration::from_millis(700))).unwrap();
    near.set_read_timeout(Some(Duration::from_millis(700))).unwrap();
    let (one, other) = (far.read(&mut [0; 16]), near.read(&mut [0; 16]));
    assert!(one.is_err(), "a packet crossed a deleted peering: {one:?}");
    assert!(other.is_err(), "a packet crossed a deleted peering: {other:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tcp_stream_travels_in_segments_larger_than_the_mtu() {
    if !kernel_or_skip("a_tcp_stream_travels_in_segments_larger_than_the_mtu") {
        return;
    }
    const BYTES: usize = 64 << 20;
    let server = TestServer::start("kernel");
    server.apply(&scenario("two-vpcs-ipv4")).await;
    let (a, b) = (namespace_of(&server, "ECS-A01").await, namespace_of(&server, "RDS-B01").await);
    let listener = ProbeSockets::in_namespace(&b).tcp_listener("0.0.0.0:9000".parse().unwrap()).unwrap();
    listener.set_nonblocking(false).unwrap();
    let before = received(&b);
    let receiver = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_nonblocking(false).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let (mut total, mut sum, mut buffer) = (0, 0u64, vec![0; 1 << 16]);
        while let Ok(length) = stream.read(&mut buffer) {
            if length == 0 {
                break;
            }
            sum += buffer[..length].iter().map(|b| u64::from(*b)).sum::<u64>();
            total += length;
        }
        (total, sum)
    });
    let mut near = ProbeSockets::in_namespace(&a)
        .tcp_connect(None, "172.17.0.21:9000".parse().unwrap(), Duration::from_secs(5))
        .unwrap();
    near.set_nonblocking(false).unwrap();
    near.set_write_timeout(Some(Duration::from_secs(20))).unwrap();
    let block: Vec<u8> = (0..1 << 16).map(|i: u32| (i % 251) as u8).collect();
    for _ in 0..BYTES / block.len() {
        near.write_all(&block).unwrap();
    }
    drop(near);
    let (total, sum) = receiver.join().unwrap();
    let expected = block.iter().map(|b| u64::from(*b)).sum::<u64>() * (BYTES / block.len()) as u64;
    assert_eq!((total, sum), (BYTES, expected), "every byte arrives unchanged");
    let after = received(&b);
    let average = (after.0 - before.0) / (after.1 - before.1).max(1);
    assert!(average > 3000, "{average} bytes a packet: segmentation offload does not go end to end");
}

/// Bytes and packets that came in by `eth0` of a namespace.
fn received(namespace: &Namespace) -> (u64, u64) {
    let text = netlink::run_in(namespace, || std::fs::read_to_string("/proc/thread-self/net/dev")).unwrap().unwrap();
    let line = text.lines().find(|l| l.trim_start().starts_with("eth0:")).unwrap();
    let fields: Vec<u64> = line.split(':').nth(1).unwrap().split_whitespace().filter_map(|f| f.parse().ok()).collect();
    (fields[0], fields[1])
}

/// L2-1, L2-2, L2-4, CHK-2, PEER-11: what a guest sees of its subnet.
#[tokio::test(flavor = "multi_thread")]
async fn a_subnet_looks_like_one_to_its_guests() {
    if !kernel_or_skip("a_subnet_looks_like_one_to_its_guests") {
        return;
    }
    let server = TestServer::start("kernel");
    server
        .apply(&topology(
            "vpcs: [{name: v, cidrs: [10.0.0.0/16]}]
subnets: [{name: s, vpc: v, cidr: 10.0.0.0/24}, {name: t, vpc: v, cidr: 10.0.1.0/24}]
workloads:
- {name: one, subnet: s, ip: 10.0.0.10}
- {name: two, subnet: s, ip: 10.0.0.20}
- {name: three, subnet: t, ip: 10.0.1.30}
",
        ))
        .await;
    let one = namespace_of(&server, "one").await;
    let two = namespace_of(&server, "two").await;
    let three = namespace_of(&server, "three").await;
    let ping = |from: &Namespace, to: &str| {
        probe(&Probe::new(from, to.parse().unwrap(), Proto::Icmp).deadline(Duration::from_millis(800))).unwrap()
    };
    assert!(ping(&one, "10.0.0.1").replied, "the gateway answers its own subnet");
    assert!(!ping(&one, "10.0.1.1").replied, "the gateway of another subnet does not");
    assert!(ping(&one, "10.0.0.20").replied, "NET-6: within the subnet");
    assert!(ping(&one, "10.0.1.30").replied, "NET-6: to another subnet");
    assert!(!ping(&one, "10.0.0.77").replied, "nobody has that address");
    let forged = Probe::new(&one, "10.0.0.20".parse().unwrap(), Proto::Icmp)
        .source("10.0.0.99".parse().unwrap())
        .watch(&two, "two")
        .deadline(Duration::from_millis(500));
    assert!(!probe(&forged).unwrap().delivered_to_watched, "CHK-2: a forged source goes nowhere");
    drop(three);
}

/// The tracer's verdict equals what real packets do, over random topologies.
#[tokio::test(flavor = "multi_thread")]
async fn what_trace_says_is_what_arrives() {
    if !kernel_or_skip("what_trace_says_is_what_arrives") {
        return;
    }
    let rounds = if std::env::var_os("CAUSEWAY_SOAK").is_some() { 40 } else { 3 };
    let seed = std::env::var("CAUSEWAY_SEED")
        .ok()
        .and_then(|s| s.parse().ok())
        .unwrap_or_else(|| u64::from(std::process::id()) ^ std::time::UNIX_EPOCH.elapsed().map_or(1, |d| d.as_secs()));
    let server = TestServer::start("kernel");
    let mut random = Random(seed | 1);
    for round in 0..rounds {
        let yaml = random_topology(&mut random);
        server.apply(&topology(&yaml)).await;
        for (protocol, port) in [(Protocol::Icmp, None), (Protocol::Tcp, Some(8080)), (Protocol::Udp, Some(53))] {
            let request = ReachRequest { protocol, port, measure: true, ..ReachRequest::default() };
            let answer = server.client().reach(&request).await.unwrap();
            assert!(!answer.matrix.is_empty());
            for cell in &answer.matrix {
                let measured = cell.measured.expect("a measured cell").reachable;
                let name = |id: &str| answer.servers.iter().find(|s| s.id == id).map(|s| s.name.clone());
                assert_eq!(
                    cell.traced.reachable,
                    measured,
                    "{:?} to {:?} by {protocol}: traced {:?}, measured {measured}; CAUSEWAY_SEED={seed}, round {round}, topology:\n{yaml}",
                    name(&cell.from),
                    name(&cell.to),
                    cell.traced,
                );
            }
        }
    }
}

/// xorshift: enough for shuffling topologies, and the seed repeats it.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

/// Four VPCs, some of them with the same ranges, random peerings, random routes, groups with and without access.
fn random_topology(random: &mut Random) -> String {
    let ranges = ["10.1", "10.2", "10.3", "10.1"];
    let mut yaml = String::from("vpcs:\n");
    for (i, range) in ranges.iter().enumerate() {
        yaml += &format!("- {{name: v{i}, cidrs: [{range}.0.0/16]}}\n");
    }
    yaml += "subnets:\n";
    for (i, range) in ranges.iter().enumerate() {
        for j in 0..2 {
            // The two VPCs with one range have one subnet in common and one of their own.
            let third = if i == 3 && j == 1 { 9 } else { j };
            yaml += &format!("- {{name: s{i}{j}, vpc: v{i}, cidr: {range}.{third}.0/24}}\n");
        }
    }
    yaml += "security_groups:\n- name: closed\n  rules:\n  - {dir: out, remote: 0.0.0.0/0}\n  - {dir: in, remote: \"sg:closed\"}\n  - {dir: in, proto: tcp, port: 8080, remote: 10.2.0.0/16}\n";
    yaml += "workloads:\n";
    for (i, range) in ranges.iter().enumerate() {
        for j in 0..2 {
            let third = if i == 3 && j == 1 { 9 } else { j };
            let group = if random.below(3) == 0 { ", sgs: [closed]" } else { "" };
            yaml += &format!("- {{name: w{i}{j}, subnet: s{i}{j}, ip: {range}.{third}.{}{group}}}\n", 10 + i);
        }
    }
    let mut peerings = String::new();
    let mut routes = String::new();
    for i in 0..4 {
        for j in i + 1..4 {
            if random.below(3) == 0 {
                continue;
            }
            peerings += &format!("- {{name: p{i}{j}, local: v{i}, peer: v{j}}}\n");
            for (from, to) in [(i, j), (j, i)] {
                let wide = random.below(2) == 0;
                let length = if wide { 16 } else { 24 };
                let third = if wide { 0 } else { random.below(3) * 4 % 11 };
                let destination = format!("{}.{third}.0/{length}", ranges[to]);
                let line = format!("table: rtb-v{from}, destination: {destination},");
                let local = !wide && ranges[from] == ranges[to] && third <= 1;
                if random.below(5) != 0 && !routes.contains(&line) && !local {
                    routes += &format!("- {{{line} next_hop_type: peering, next_hop: p{i}{j}}}\n");
                }
            }
        }
    }
    for (key, body) in [("peerings", peerings), ("routes", routes)] {
        yaml += &if body.is_empty() { format!("{key}: []\n") } else { format!("{key}:\n{body}") };
    }
    yaml
}

/// The next start finds what a killed server left half-made.
#[tokio::test(flavor = "multi_thread")]
async fn strangers_of_the_same_instance_are_removed_and_others_left_alone() {
    if !kernel_or_skip("strangers_of_the_same_instance_are_removed_and_others_left_alone") {
        return;
    }
    let mut server = TestServer::start("kernel");
    let prefix = agent::namespace_prefix(&server.instance());
    server.kill();
    let stranger = format!("{prefix}stranger-abcdef");
    let other = format!("cw-other{}-x", std::process::id());
    Namespace::create(&stranger).unwrap();
    Namespace::create(&other).unwrap();
    server.restart();
    wait_for("the stranger's end", Duration::from_secs(5), || (!Namespace::exists(&stranger)).then_some(()));
    let left_alone = Namespace::exists(&other);
    Namespace::remove(&other).unwrap();
    assert!(left_alone, "a namespace of another instance was removed");
}
