#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Instant;

use super::*;
use crate::sockets::ProbeSockets;
use crate::testing::{TestNamespace, root};
use crate::{NamespaceRef, VethSpec, ensure_veth, set_forwarding, set_reverse_path_filter};

/// Two namespaces joined by a router's two links: A (10.1.0.2), router, B (10.2.0.2).
struct Net {
    a: TestNamespace,
    router: TestNamespace,
    b: TestNamespace,
}

const A: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 1, 0, 2));
const B: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 2, 0, 2));

impl Net {
    fn new() -> Self {
        let net = Net { a: TestNamespace::new("a"), router: TestNamespace::new("r"), b: TestNamespace::new("b") };
        for (end, name, number) in [(&net.a, "cwa", 1), (&net.b, "cwb", 2)] {
            let mac = [2, 0, 0, 0, number, 1];
            let spec = VethSpec {
                host_name: name.into(),
                host_mac: mac,
                alias: "test".into(),
                host_up: true,
                mtu: 1500,
                host_mtu: 1500,
                max_index: u32::MAX,
                namespace: NamespaceRef::Named(end.name().into()),
                name: "eth0".into(),
                mac: [2, 0, 0, 0, number, 2],
                addresses: vec![
                    format!("10.{number}.0.2/24").parse().unwrap(),
                    format!("2001:db8:{number}::2/64").parse().unwrap(),
                ],
                gateways: vec![
                    format!("10.{number}.0.1").parse().unwrap(),
                    format!("2001:db8:{number}::1").parse().unwrap(),
                ],
            };
            ensure_veth(&net.router, &spec).unwrap();
            net.ip(&format!("addr add 10.{number}.0.1/24 dev {name}"));
            for (parameter, value) in [("accept_dad", "0"), ("disable_ipv6", "0")] {
                crate::write_sysctl_in(&net.router, &format!("net/ipv6/conf/{name}/{parameter}"), value).unwrap();
            }
            net.ip(&format!("addr add 2001:db8:{number}::1/64 dev {name} nodad"));
        }
        set_forwarding(&net.router, true).unwrap();
        set_reverse_path_filter(&net.router, crate::ReversePathFilter::Off).unwrap();
        net
    }

    fn ip(&self, arguments: &str) {
        let mut command = std::process::Command::new("ip");
        let status = command.args(["-n", self.router.name()]).args(arguments.split(' ')).status().unwrap();
        assert!(status.success(), "ip {arguments}");
    }

    fn probe(&self, proto: Proto) -> Probe {
        // Generous: a positive probe ends at once, and the machine may be busy.
        Probe::new(&self.a, B, proto).deadline(Duration::from_secs(5)).watch(&self.router, "router").watch(&self.b, "b")
    }
}

#[test]
fn every_protocol_tells_who_answered_and_what_source_was_seen() {
    root!();
    let net = Net::new();
    let ports = [Proto::Icmp, Proto::Tcp(80), Proto::Udp(53)];
    let responder = Responder::start(&net.b, "RDS-B01", &ports).unwrap();
    assert!(responder.occupied().is_empty());
    for proto in ports {
        let result = probe(&net.probe(proto)).unwrap();
        assert!(result.replied && result.delivered_to_watched && !result.refused, "{proto:?}: {result:?}");
        assert_eq!(result.observed_source, Some(A), "{proto:?}");
        let name = (proto != Proto::Icmp).then(|| "RDS-B01".to_owned());
        assert_eq!(result.answered_by, name);
        assert!(result.rtt.is_some_and(|rtt| rtt < Duration::from_secs(5)));
        let seen = |name: &str| Sighting { name: name.into(), source: A, destination: B };
        assert_eq!(result.sightings, [seen("router"), seen("b")], "{proto:?}");
    }
}

#[test]
fn ipv6_is_probed_the_same_way() {
    root!();
    let net = Net::new();
    let ports = [Proto::Icmp, Proto::Tcp(80), Proto::Udp(53)];
    let _responder = Responder::start(&net.b, "RDS-B01", &ports).unwrap();
    for proto in ports {
        let mut one = net.probe(proto);
        one.destination = "2001:db8:2::2".parse().unwrap();
        let result = probe(&one).unwrap();
        assert!(result.replied && result.delivered_to("b"), "{proto:?}: {result:?}");
        assert_eq!(result.observed_source, Some("2001:db8:1::2".parse().unwrap()), "{proto:?}");
    }
}

#[test]
fn a_request_whose_answer_is_lost_is_seen_as_delivered() {
    root!();
    let net = Net::new();
    let _responder = Responder::start(&net.b, "b", &[Proto::Tcp(80), Proto::Udp(53)]).unwrap();
    let mut command = std::process::Command::new("ip");
    assert!(command.args(["-n", net.b.name(), "route", "del", "default"]).status().unwrap().success());
    for proto in [Proto::Icmp, Proto::Tcp(80), Proto::Udp(53)] {
        let start = Instant::now();
        let result = probe(&net.probe(proto).deadline(DEFAULT_DEADLINE)).unwrap();
        assert!(!result.replied && result.delivered_to("b"), "{proto:?}: {result:?}");
        assert_eq!(result.observed_source, Some(A));
        assert!(start.elapsed() >= DEFAULT_DEADLINE);
    }
}

#[test]
fn a_request_that_is_dropped_on_its_way_is_seen_only_before() {
    root!();
    let net = Net::new();
    net.ip("route add blackhole 10.2.0.2/32");
    for proto in [Proto::Icmp, Proto::Tcp(80), Proto::Udp(53)] {
        let result = probe(&net.probe(proto).deadline(DEFAULT_DEADLINE)).unwrap();
        assert!(!result.replied && result.delivered_to("router") && !result.delivered_to("b"), "{proto:?}: {result:?}");
    }
}

#[test]
fn a_source_that_the_sender_does_not_have_is_sent_as_it_is() {
    root!();
    let net = Net::new();
    let forged = IpAddr::V4(Ipv4Addr::new(10, 1, 0, 99));
    for proto in [Proto::Icmp, Proto::Tcp(80), Proto::Udp(53)] {
        let result = probe(&net.probe(proto).deadline(DEFAULT_DEADLINE).source(forged)).unwrap();
        assert!(!result.replied, "{proto:?}: {result:?}");
        assert_eq!(result.observed_source, Some(forged), "{proto:?}: {result:?}");
    }
}

#[test]
fn nobody_listening_is_a_refusal_and_no_route_an_error() {
    root!();
    let net = Net::new();
    for proto in [Proto::Tcp(80), Proto::Udp(53)] {
        let result = probe(&net.probe(proto)).unwrap();
        assert!(result.refused && !result.replied && result.delivered_to("b"), "{proto:?}: {result:?}");
    }
    let lonely = TestNamespace::new("lonely");
    for proto in [Proto::Icmp, Proto::Tcp(80), Proto::Udp(53)] {
        let result = probe(&Probe::new(&lonely, B, proto)).unwrap();
        assert_eq!(result.error, Some(Errno::ENETUNREACH), "{proto:?}");
    }
}

#[test]
fn another_server_on_the_port_counts_as_a_reply_without_a_name() {
    root!();
    let net = Net::new();
    let any = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 5432);
    let silent = ProbeSockets::in_namespace(&net.b).tcp_listener(any).unwrap();
    let responder = Responder::start(&net.b, "b", &[Proto::Tcp(5432)]).unwrap();
    assert_eq!(responder.occupied(), [Proto::Tcp(5432)]);
    let result = probe(&net.probe(Proto::Tcp(5432)).deadline(DEFAULT_DEADLINE)).unwrap();
    assert!(result.replied && result.answered_by.is_none(), "{result:?}");
    assert_eq!(result.observed_source, Some(A));
    drop(silent);
}

#[test]
fn an_address_that_was_added_answers_from_itself() {
    root!();
    let net = Net::new();
    let mut command = std::process::Command::new("ip");
    let added = command.args(["-n", net.b.name(), "addr", "add", "10.2.0.77/24", "dev", "eth0"]).status().unwrap();
    assert!(added.success());
    let _responder = Responder::start(&net.b, "b", &[Proto::Udp(53)]).unwrap();
    let mut one = net.probe(Proto::Udp(53));
    one.destination = Ipv4Addr::new(10, 2, 0, 77).into();
    assert_eq!(probe(&one).unwrap().answered_by.as_deref(), Some("b"));
}

#[test]
fn negative_probes_wait_side_by_side() {
    root!();
    let net = Net::new();
    let dead = |last: u8| IpAddr::V4(Ipv4Addr::new(10, 2, 9, last));
    net.ip("route add blackhole 10.2.9.0/24");
    let probes: Vec<Probe> = (0..60).map(|i| Probe::new(&net.a, dead(i), Proto::Udp(9)).watch(&net.b, "b")).collect();
    let start = Instant::now();
    let results = probe_all(&probes, 60);
    assert_eq!(results.len(), 60);
    assert!(results.iter().all(|result| result.as_ref().is_ok_and(|result| !result.replied)));
    // One after the other they would take 18 s.
    assert!(start.elapsed() < Duration::from_secs(6), "{:?}", start.elapsed());
}

#[test]
fn many_probes_share_one_responder_and_keep_their_answers_apart() {
    root!();
    let net = Net::new();
    let responders = Responders::default();
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                for proto in [Proto::Tcp(80), Proto::Udp(53), Proto::Icmp] {
                    let responder = responders.answer(&net.b, "b", &[proto]).unwrap();
                    assert!(responder.occupied().is_empty());
                    let result = probe(&net.probe(proto)).unwrap();
                    assert!(result.replied && result.delivered_to("b"), "{proto:?} {result:?}");
                }
            });
        }
    });
    // All ports are free again.
    let any = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 80);
    ProbeSockets::in_namespace(&net.b).tcp_listener(any).unwrap();
}
