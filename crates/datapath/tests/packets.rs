//! Real packets between real namespaces, through the program on real interfaces.

#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

mod common;

use std::{
    collections::BTreeSet,
    fs,
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream, UdpSocket},
    os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd},
    process::{self, Command, Stdio},
    time::{Duration, Instant},
};

use abi::CROSSING_EXPIRED;
use common::{Guest, Workload, in_namespace, ip, peered, udp, v4};
use datapath::{Capacities, Datapath, Options, remove_instance};
use nix::libc;
use tables::{Change, Delta, Tables};

/// Four guests, two in each VPC, plugged in; taken away with the test.
struct Host {
    options: Options,
    datapath: Option<Datapath>,
    tables: Tables,
    guests: Vec<Guest>,
}

impl Host {
    fn new(name: &str) -> Self {
        let mut options = Options::new(&format!("test-{}-{name}", process::id()));
        options.capacities = Capacities { flows: 1024, new_flows: 1024, ..Capacities::default() };
        let guests: Vec<Guest> = (0..4).map(|_| Guest::new()).collect();
        let interfaces: Vec<u32> =
            guests.iter().zip(0..).map(|(guest, number)| guest.plug(&format!("cw{number}"), number)).collect();
        let (tables, _) = peered(&interfaces);
        let mut host = Self { options, datapath: None, tables: Tables::default(), guests };
        host.datapath = Some(Datapath::open(&host.options).unwrap());
        host.become_(tables);
        for number in 0..4 {
            host.datapath.as_mut().unwrap().attach(&format!("cw{number}")).unwrap();
        }
        host
    }

    fn become_(&mut self, tables: Tables) {
        let delta = Delta { bumped: BTreeSet::from([1, 2]), ..Delta::between(&self.tables, &tables) };
        self.datapath.as_mut().unwrap().apply(&delta).unwrap();
        self.tables = tables;
    }

    /// Whether three echo requests of `size` bytes are all answered.
    fn ping(&self, from: usize, to: &'static str, size: u32) -> bool {
        self.guests[from].run(move || {
            let size = size.to_string();
            let mut ping = Command::new("ping");
            ping.args(["-n", "-q", "-c", "3", "-i", "0.05", "-w", "2", "-s", &size, to]);
            ping.stdout(Stdio::null()).status().unwrap().success()
        })
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        drop(self.datapath.take());
        let removed = remove_instance(&self.options);
        if !std::thread::panicking() {
            removed.unwrap();
        }
    }
}

/// Sends a frame as it is.
#[allow(unsafe_code, reason = "packet sockets have no safe interface")]
fn send_raw(interface: &str, frame: &[u8]) {
    let index = nix::net::if_::if_nametoindex(interface).unwrap();
    let address = libc::sockaddr_ll {
        sll_family: libc::AF_PACKET as u16,
        sll_protocol: 0,
        sll_ifindex: index as i32,
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 6,
        sll_addr: [0; 8],
    };
    let len = size_of::<libc::sockaddr_ll>() as u32;
    // SAFETY: no pointers; the descriptor is checked and owned from here on.
    let socket = unsafe {
        let socket = libc::socket(libc::AF_PACKET, libc::SOCK_RAW, 0);
        assert!(socket >= 0);
        OwnedFd::from_raw_fd(socket)
    };
    // SAFETY: the frame and the address live as long as the call, and the lengths are theirs.
    let sent = unsafe {
        libc::sendto(socket.as_raw_fd(), frame.as_ptr().cast(), frame.len(), 0, (&raw const address).cast(), len)
    };
    assert_eq!(usize::try_from(sent), Ok(frame.len()));
}

#[test]
fn neighbours_peers_and_gateways_answer() {
    in_namespace(|| {
        let mut host = Host::new("ping");
        assert!(host.ping(0, "10.1.0.12", 56), "a neighbour");
        assert!(host.ping(0, "10.1.0.1", 56), "the gateway");
        assert!(host.ping(0, "10.2.0.11", 56), "a workload of the peer");
        assert!(host.ping(3, "10.1.0.10", 56), "and back");
        assert!(host.ping(0, "10.2.0.11", 4000), "in fragments");
        assert!(!host.ping(0, "10.2.0.99", 56), "nobody");
        assert!(!host.ping(0, "10.2.0.1", 56), "the peer's gateway");
        let drops = host.datapath.as_ref().unwrap().drops().unwrap();
        let count = |reason: abi::DropReason| {
            drops.iter().filter(|(key, _)| key.reason == reason as u32).map(|(_, drop)| drop.packets).sum::<u64>()
        };
        assert!(count(abi::DropReason::NoSuchHost) >= 3, "{drops:?}");
        assert!(count(abi::DropReason::GatewayService) >= 3, "{drops:?}");

        let samples = host.datapath.as_mut().unwrap().drop_samples();
        let nobody = samples.iter().find(|sample| sample.reason == abi::DropReason::NoSuchHost as u32).unwrap();
        assert_eq!((nobody.source, nobody.destination), (v4([10, 1, 0, 10]), v4([10, 2, 0, 99])));
        assert_eq!((nobody.vni, nobody.protocol, nobody.family), (2, 1, abi::FAMILY_V4));
        assert!(host.datapath.as_mut().unwrap().drop_samples().is_empty(), "each is told once");
    });
}

/// The kernel puts a VLAN tag beside the frame, where its bytes do not show it.
#[test]
fn tagged_frames_are_dropped() {
    in_namespace(|| {
        let host = Host::new("vlan");
        let workload = |number: u8| Workload {
            ifindex: 0,
            vni: 1,
            address: [10, 1, 0, 10 + number],
            mac: [2, 0, 0, 0, 1, number],
        };
        let plain = udp(&workload(0), &workload(2), 7000, 7000);
        let mut tagged = plain.clone();
        tagged.splice(12..12, [0x81, 0x00, 0x00, 0x05]);
        let flows = || host.datapath.as_ref().unwrap().flows_len().unwrap().new;
        // What is delivered leaves an entry at both ends.
        host.guests[0].run(move || send_raw("cw0p", &tagged));
        assert_eq!(flows(), 0);
        host.guests[0].run(move || send_raw("cw0p", &plain));
        assert_eq!(flows(), 2);
    });
}

#[test]
fn a_stream_crosses_a_peering_with_segmentation_left_to_the_receiver() {
    const BYTES: usize = 64 << 20;
    in_namespace(|| {
        let host = Host::new("stream");
        for (server, address) in [(1, "10.2.0.11:5001"), (2, "10.1.0.12:5001")] {
            let listener = host.guests[server].run(move || TcpListener::bind(address).unwrap());
            let received = host.guests[server].start(move || {
                let (mut stream, _) = listener.accept().unwrap();
                let (mut buffer, mut count) = (vec![0; 1 << 20], 0);
                loop {
                    match stream.read(&mut buffer).unwrap() {
                        0 => return count,
                        n => count += n,
                    }
                }
            });
            host.guests[0].run(move || {
                let mut stream = TcpStream::connect(address).unwrap();
                let block = vec![7; 1 << 20];
                for _ in 0..BYTES >> 20 {
                    stream.write_all(&block).unwrap();
                }
                stream.shutdown(Shutdown::Write).unwrap();
            });
            assert_eq!(received.recv_timeout(Duration::from_secs(20)).unwrap(), BYTES);
        }
        // Segments of 64 KB: far fewer frames than 2 x 64 MB make at 1,500 bytes each.
        let text = std::fs::read_to_string("/proc/thread-self/net/dev").unwrap();
        let line = text.lines().find(|line| line.trim_start().starts_with("cw0:")).unwrap();
        let frames: usize = line.split_whitespace().nth(2).unwrap().parse().unwrap();
        assert!(frames < 2 * BYTES / 1500 / 2, "{frames} frames came from the sender");
    });
}

#[test]
fn a_peering_that_ends_stops_what_is_under_way() {
    in_namespace(|| {
        let mut host = Host::new("end");
        let socket = |number: usize, address: &'static str| {
            host.guests[number].run(move || {
                let socket = UdpSocket::bind(address).unwrap();
                socket.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
                socket
            })
        };
        // Sockets stay in the namespace that they were made in.
        let (a, b) = (socket(0, "10.1.0.10:7000"), socket(1, "10.2.0.11:7000"));
        let mut buffer = [0; 16];
        for _ in 0..3 {
            a.send_to(b"there", "10.2.0.11:7000").unwrap();
            assert_eq!(b.recv_from(&mut buffer).unwrap().0, 5);
            b.send_to(b"and back", "10.1.0.10:7000").unwrap();
            assert_eq!(a.recv_from(&mut buffer).unwrap().0, 8);
        }
        assert_eq!(host.datapath.as_ref().unwrap().flows_len().unwrap().established, 2);

        let whole = host.tables.clone();
        let mut ended = whole.clone();
        ended.crossings.values_mut().for_each(|crossing| crossing.state = CROSSING_EXPIRED);
        host.become_(ended);
        a.send_to(b"there", "10.2.0.11:7000").unwrap();
        b.recv_from(&mut buffer).unwrap_err();
        b.send_to(b"and back", "10.1.0.10:7000").unwrap();
        a.recv_from(&mut buffer).unwrap_err();

        host.become_(whole);
        a.send_to(b"there", "10.2.0.11:7000").unwrap();
        assert_eq!(b.recv_from(&mut buffer).unwrap().0, 5);
    });
}

/// PEER-6: a process killed between the last table and the generations leaves flows that go on; the next one ends them.
#[test]
fn a_change_cut_short_is_in_force_after_a_restart() {
    in_namespace(|| {
        let mut host = Host::new("cut");
        let socket = |number: usize, address: &'static str| {
            host.guests[number].run(move || {
                let socket = UdpSocket::bind(address).unwrap();
                socket.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
                socket
            })
        };
        let (a, b) = (socket(0, "10.1.0.10:7000"), socket(1, "10.2.0.11:7000"));
        let mut buffer = [0; 16];
        for _ in 0..3 {
            a.send_to(b"there", "10.2.0.11:7000").unwrap();
            assert_eq!(b.recv_from(&mut buffer).unwrap().0, 5);
            b.send_to(b"and back", "10.1.0.10:7000").unwrap();
            assert_eq!(a.recv_from(&mut buffer).unwrap().0, 8);
        }
        let mut ended = host.tables.clone();
        ended.crossings.values_mut().for_each(|crossing| crossing.state = CROSSING_EXPIRED);
        let mut datapath = host.datapath.take().unwrap();
        datapath.apply(&Delta::between(&host.tables, &ended)).unwrap();
        a.send_to(b"there", "10.2.0.11:7000").unwrap();
        assert_eq!(b.recv_from(&mut buffer).unwrap().0, 5);
        drop(datapath);
        let datapath = Datapath::open(&host.options).unwrap();
        assert_eq!(datapath.snapshot().unwrap(), ended);
        host.datapath = Some(datapath);
        a.send_to(b"there", "10.2.0.11:7000").unwrap();
        b.recv_from(&mut buffer).unwrap_err();
    });
}

#[test]
fn traffic_goes_on_without_a_process_and_through_a_restart() {
    in_namespace(|| {
        let mut host = Host::new("restart");
        let socket = |number: usize, address: &'static str| {
            host.guests[number].run(move || {
                let socket = UdpSocket::bind(address).unwrap();
                socket.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
                socket
            })
        };
        let (a, b) = (socket(0, "10.1.0.10:7000"), socket(1, "10.2.0.11:7000"));
        let echoes = |count: usize| {
            let mut buffer = [0; 16];
            for _ in 0..count {
                a.send_to(b"there", "10.2.0.11:7000").unwrap();
                assert_eq!(b.recv_from(&mut buffer).unwrap().0, 5);
                b.send_to(b"and back", "10.1.0.10:7000").unwrap();
                assert_eq!(a.recv_from(&mut buffer).unwrap().0, 8);
            }
        };
        echoes(100);
        drop(host.datapath.take());
        echoes(100);
        assert!(host.ping(2, "10.2.0.13", 56), "new flows work as well");
        for _ in 0..5 {
            let mut datapath = Datapath::open(&host.options).unwrap();
            assert_eq!(datapath.snapshot().unwrap(), host.tables);
            assert_eq!(datapath.activate().unwrap().updated.len(), 4);
            echoes(20);
            host.datapath = Some(datapath);
            drop(host.datapath.take());
        }
    });
}

/// NET-5: the kernel gives the memory of an entry that is replaced to another one at once, also while a program reads it.
#[test]
fn tables_that_are_rewritten_all_the_time_join_no_vpcs() {
    const TIME: Duration = Duration::from_secs(1);
    in_namespace(|| {
        let mut host = Host::new("churn");
        let mut apart = host.tables.clone();
        apart.crossings.clear();
        host.become_(apart.clone());
        let received = |host: &Host, number: usize| {
            host.guests[number].run(|| {
                let text = fs::read_to_string("/proc/thread-self/net/snmp").unwrap();
                let line = text.lines().filter(|line| line.starts_with("Ip:")).nth(1).unwrap();
                line.split_whitespace().nth(3).unwrap().parse::<u64>().unwrap()
            })
        };
        host.guests[0].run(|| ip(&["neighbour", "add", "10.1.0.12", "lladdr", "02:00:00:00:01:02", "dev", "cw0p"]));
        let [before1, before2, before3] = [1, 2, 3].map(|number| received(&host, number));
        // A source port for each datagram: all of them are first packets.
        let flood = host.guests[0].start(|| {
            let end = Instant::now() + TIME;
            let mut sent = 0_u64;
            while Instant::now() < end {
                for port in 20_000..21_000 {
                    let Ok(socket) = UdpSocket::bind(("10.1.0.10", port)) else { continue };
                    sent += u64::from(socket.send_to(b"first", ("10.1.0.12", 1 + (sent % 60_000) as u16)).is_ok());
                }
            }
            sent
        });
        // Endpoints of one VPC make room for those of the other.
        let keys: Vec<_> = apart.endpoints.keys().copied().collect();
        let end = Instant::now() + TIME;
        let datapath = host.datapath.as_mut().unwrap();
        while Instant::now() < end {
            for key in &keys {
                for value in [None, apart.endpoints.get(key).copied()] {
                    let other = keys.iter().find(|other| other.vni != key.vni).unwrap();
                    let changes = vec![
                        Change::Endpoint(*key, value),
                        Change::Endpoint(*other, None),
                        Change::Endpoint(*other, apart.endpoints.get(other).copied()),
                    ];
                    datapath.apply(&Delta { changes, bumped: BTreeSet::from([1, 2]) }).unwrap();
                }
            }
        }
        let sent = flood.recv().unwrap();
        let arrived = received(&host, 2) - before2;
        println!("{arrived} of {sent} datagrams arrived");
        assert!(arrived > 100, "some must arrive for the test to mean anything");
        assert_eq!([received(&host, 1), received(&host, 3)], [before1, before3]);
    });
}
