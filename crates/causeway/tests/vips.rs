//! Virtual IPs: what the API says of them, and real packets (rules VIP-1 to VIP-6, NH-3, NH-4, CHK-3, CHK-5).
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failure here is the failure of the test")]

mod common;

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use client::Client;
use client::types::{
    ClaimRequest, FixedIp, PortCreate, ProbeRequest, Protocol, RouteSpec, Server, ServerFilter, Target, TraceRequest,
    Vip, VipBinding, VipFilter,
};
use common::{TestServer, kernel_or_skip, scenario, topology, wait_for};
use netlink::Namespace;
use netlink::probe::{Probe, Proto, Responder, probe};
use netlink::sockets::ProbeSockets;

/// How long a move may take (rule VIP-3).
const MOVE: Duration = Duration::from_secs(1);
/// How long the suite waits for anything else.
const LONG: Duration = Duration::from_secs(20);

async fn server_named(client: &Client, name: &str) -> Server {
    let filter = ServerFilter { name: Some(name.to_owned()), ..ServerFilter::default() };
    client.list_servers(&filter).await.unwrap().into_iter().next().unwrap_or_else(|| panic!("no server {name}"))
}

async fn vip_named(client: &Client, name: &str) -> Vip {
    let filter = VipFilter { name: Some(name.to_owned()), ..VipFilter::default() };
    client.list_vips(&filter).await.unwrap().into_iter().next().unwrap_or_else(|| panic!("no virtual IP {name}"))
}

fn holder(vip: &Vip) -> &str {
    vip.holder.as_ref().map_or("", |holder| &holder.server_name)
}

fn inside(server: &Server) -> Namespace {
    Namespace::open(server.namespace.as_deref().unwrap()).unwrap()
}

fn claim(address: &str) -> ClaimRequest {
    ClaimRequest { address: address.to_owned(), ..ClaimRequest::default() }
}

/// VIP-1, VIP-3, VIP-4, VIP-6, VIP-8, CHK-5 over the API of a server without packets.
#[tokio::test(flavor = "multi_thread")]
async fn a_virtual_ip_moves_with_claims_and_traces_follow() {
    let server = TestServer::start("sim");
    server.apply(&scenario("vip-over-peering")).await;
    let client = server.client();
    let vip = vip_named(&client, "VIP-B").await;
    assert_eq!((vip.bound.len(), holder(&vip)), (2, "ECS-B-active"));
    assert_eq!(client.show_port(&vip.id).await.unwrap().status, "DOWN", "api-vpc section 6.1");
    let (from, standby) = (server_named(&client, "ECS-A01").await, server_named(&client, "ECS-B-standby").await);
    assert!(standby.source_dest_check, "the document does not turn it off");
    let question = TraceRequest {
        from: from.id.clone(),
        to: Target::Address { address: vip.ip_address.clone(), intended: None, to_vpc: Some(vip.vpc_id.clone()) },
        protocol: Protocol::Tcp,
        port: Some(80),
    };
    let delivered = async || {
        let verdict = client.trace(&question).await.unwrap().verdict;
        verdict.delivered_to_name.or(verdict.reason)
    };
    assert_eq!(delivered().await.as_deref(), Some("ECS-B-active"));

    let done = client.claim_address(&standby.id, &claim(&vip.ip_address)).await.unwrap();
    assert!(done.effective && done.vip_id.as_ref() == Some(&vip.id));
    assert_eq!(done.holder_port_id.as_deref(), Some(standby.port_id.as_str()));
    assert_eq!(delivered().await.as_deref(), Some("ECS-B-standby"));
    let again = client.claim_address(&standby.id, &claim(&vip.ip_address)).await.unwrap();
    assert_eq!(again, done, "claiming again changes nothing");

    let ignored = client.claim_address(&from.id, &claim(&vip.ip_address)).await.unwrap();
    assert!(!ignored.effective && ignored.vip_id.is_none());
    assert_eq!(holder(&client.show_vip(&vip.id).await.unwrap()), "ECS-B-standby");

    let unbound = client.unbind_vip(&vip.id, &VipBinding::server(&standby.id)).await.unwrap();
    assert_eq!((unbound.bound.len(), unbound.holder), (1, None));
    assert_eq!(delivered().await.as_deref(), Some("no_such_host"));
    let bound = client.bind_vip(&vip.id, &VipBinding::server(&standby.id)).await.unwrap();
    assert_eq!((bound.bound.len(), bound.holder), (2, None));
    assert!(!client.show_server(&standby.id).await.unwrap().source_dest_check, "CHK-5");

    client.stop_server(&standby.id).await.unwrap();
    let stopped = client.claim_address(&standby.id, &claim(&vip.ip_address)).await.unwrap_err();
    assert_eq!(stopped.status(), Some(409), "{stopped}");
    let wrong = client.claim_address(&from.id, &claim("here")).await.unwrap_err();
    assert_eq!(wrong.status(), Some(400), "{wrong}");
}

/// Applying a document twice changes nothing the second time, also with virtual IPs.
#[tokio::test(flavor = "multi_thread")]
async fn a_topology_with_virtual_ips_is_applied_once() {
    let server = TestServer::start("sim");
    let wanted = scenario("vip-over-peering");
    let (_, first) = server.apply(&wanted).await;
    assert!(first.changes.iter().any(|line| line.to_string().contains("VIP-B")));
    let (_, second) = server.apply(&wanted).await;
    assert_eq!(second.changes, [], "nothing differs");
    let mut changed = wanted.clone();
    changed.vips[0].holder = Some("ECS-B-standby".to_owned());
    changed.vips[0].bound.remove(0);
    let (_, third) = server.apply(&changed).await;
    assert_eq!(third.changes.len(), 2, "{:?}", third.changes);
    let vip = vip_named(&server.client(), "VIP-B").await;
    assert_eq!((vip.bound.len(), holder(&vip)), (1, "ECS-B-standby"));
    changed.vips.clear();
    server.apply(&changed).await;
    assert_eq!(server.client().list_vips(&VipFilter::default()).await.unwrap(), []);
}

/// Requests sent all the time to a virtual IP; tells who answered when.
struct Questions {
    stop: Arc<AtomicBool>,
    asking: JoinHandle<Vec<(Instant, Option<String>)>>,
}

const PORT: u16 = 7011;

impl Questions {
    fn start(from: &Namespace, to: IpAddr) -> Self {
        let socket = ProbeSockets::in_namespace(from).udp_to(None, SocketAddr::from((to, PORT))).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let asked = stop.clone();
        Self { stop, asking: std::thread::spawn(move || ask(&socket, &asked)) }
    }

    /// Every answer, or missing answer, with its time.
    fn finish(self) -> Vec<(Instant, Option<String>)> {
        self.stop.store(true, Ordering::Relaxed);
        self.asking.join().unwrap()
    }
}

fn ask(socket: &UdpSocket, stop: &AtomicBool) -> Vec<(Instant, Option<String>)> {
    socket.set_nonblocking(false).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let mut answers = Vec::new();
    let mut buffer = [0; 512];
    while !stop.load(Ordering::Relaxed) {
        let _ = socket.send(b"who?");
        let length = socket.recv(&mut buffer).ok();
        let text = length.and_then(|length| String::from_utf8(buffer[..length].to_vec()).ok());
        let name = text.and_then(|text| {
            let answer: serde_json::Value = serde_json::from_str(text.trim()).ok()?;
            Some(answer.get("server")?.as_str()?.to_owned())
        });
        answers.push((Instant::now(), name));
        std::thread::sleep(Duration::from_millis(1));
    }
    answers
}

/// VIP-2: the guest's own business.
fn take(server: &Server, address: IpAddr) -> Responder {
    let namespace = inside(server);
    netlink::take_address(&namespace, "eth0", address).unwrap();
    Responder::start(&namespace, &server.name, &[Proto::Udp(PORT)]).unwrap()
}

/// VIP-3: a move is in force within a second for a sender in a peered VPC, over an established flow.
#[tokio::test(flavor = "multi_thread")]
async fn a_virtual_ip_is_taken_over_within_a_second_across_a_peering() {
    if !kernel_or_skip("a_virtual_ip_is_taken_over_within_a_second_across_a_peering") {
        return;
    }
    let mut server = TestServer::start("kernel");
    server.apply(&scenario("vip-over-peering")).await;
    let client = server.client();
    let vip = vip_named(&client, "VIP-B").await;
    let address: IpAddr = vip.ip_address.parse().unwrap();
    let [from, active, standby] = [
        server_named(&client, "ECS-A01").await,
        server_named(&client, "ECS-B-active").await,
        server_named(&client, "ECS-B-standby").await,
    ];
    let responders = [take(&active, address), take(&standby, address)];
    let questions = Questions::start(&inside(&from), address);
    tokio::time::sleep(Duration::from_millis(200)).await;

    // The guests' own frames, no API call: what keepalived would send.
    let moved = Instant::now();
    netlink::announce(&inside(&standby), "eth0", address).unwrap();
    tokio::time::sleep(MOVE + Duration::from_millis(300)).await;
    let answers = questions.finish();
    let before: Vec<_> = answers.iter().filter(|(at, _)| *at < moved).filter_map(|(_, who)| who.as_deref()).collect();
    assert!(before.len() > 20 && before.iter().all(|who| *who == "ECS-B-active"), "{before:?}");
    let first = answers.iter().find(|(at, who)| *at >= moved && who.as_deref() == Some("ECS-B-standby"));
    let (first, _) = first.expect("the standby answers");
    assert!(first.duration_since(moved) < MOVE, "moved after {:?}", first.duration_since(moved));
    let after: Vec<_> = answers.iter().filter(|(at, _)| *at >= moved + MOVE).map(|(_, who)| who.as_deref()).collect();
    assert!(after.len() > 5 && after.iter().all(|who| *who == Some("ECS-B-standby")), "{after:?}");
    assert_eq!(holder(&client.show_vip(&vip.id).await.unwrap()), "ECS-B-standby");

    // A claim from another VPC, and from a server of the same subnet that it is not bound to: nothing changes.
    client.unbind_vip(&vip.id, &VipBinding::server(&active.id)).await.unwrap();
    for other in [&from, &active] {
        let ignored = client.claim_address(&other.id, &claim(&vip.ip_address)).await.unwrap();
        assert!(!ignored.effective, "{}", other.name);
    }
    let questions = Questions::start(&inside(&from), address);
    tokio::time::sleep(Duration::from_millis(400)).await;
    let answers = questions.finish();
    assert!(answers.iter().all(|(_, who)| who.as_deref().is_none_or(|who| who == "ECS-B-standby")), "{answers:?}");
    assert!(answers.iter().any(|(_, who)| who.is_some()));
    assert_eq!(holder(&client.show_vip(&vip.id).await.unwrap()), "ECS-B-standby");
    client.bind_vip(&vip.id, &VipBinding::server(&active.id)).await.unwrap();

    // Killed and started again: the holder and the guests' addresses stay.
    server.kill();
    server.restart();
    let client = server.client();
    assert_eq!(holder(&client.show_vip(&vip.id).await.unwrap()), "ECS-B-standby");
    let asked = Probe::new(&inside(&from), address, Proto::Udp(PORT)).deadline(Duration::from_secs(5));
    assert_eq!(probe(&asked).unwrap().answered_by.as_deref(), Some("ECS-B-standby"));

    // Claimed while nobody is there: in force when the server is back.
    server.kill();
    netlink::announce(&inside(&active), "eth0", address).unwrap();
    server.restart();
    wait_for("the claim made meanwhile", LONG, || {
        (probe(&asked).unwrap().answered_by.as_deref() == Some("ECS-B-active")).then_some(())
    });
    assert_eq!(holder(&server.client().show_vip(&vip.id).await.unwrap()), "ECS-B-active");
    drop(responders);
}

/// VIP-3: two servers that claim against each other all the time keep nobody else's virtual IP from moving in time.
#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_claims_starves_nobody() {
    if !kernel_or_skip("a_storm_of_claims_starves_nobody") {
        return;
    }
    let server = TestServer::start("kernel");
    server
        .apply(&topology(
            "vpcs:\n- {name: v, cidrs: [10.0.0.0/16]}\n- {name: w, cidrs: [10.1.0.0/16]}\n\
             subnets:\n- {name: s, vpc: v, cidr: 10.0.0.0/24}\n- {name: t, vpc: w, cidr: 10.1.0.0/24}\n\
             workloads:\n- {name: n1, subnet: s}\n- {name: n2, subnet: s}\n- {name: p1, subnet: t}\n- {name: p2, subnet: t}\n\
             vips:\n- {name: noisy, subnet: s, ip: 10.0.0.100, bound: [n1, n2]}\n\
             - {name: quiet, subnet: t, ip: 10.1.0.100, bound: [p1, p2], holder: p1}\n",
        ))
        .await;
    let client = server.client();
    let stop = Arc::new(AtomicBool::new(false));
    let mut storm = Vec::new();
    for name in ["n1", "n2"] {
        let announcer = netlink::Announcer::new(&inside(&server_named(&client, name).await), "eth0").unwrap();
        let stop = stop.clone();
        storm.push(std::thread::spawn(move || {
            let mut sent = 0_u32;
            while !stop.load(Ordering::Relaxed) {
                // The kernel may have no room for one more at the moment.
                sent += u32::from(announcer.announce("10.0.0.100".parse().unwrap()).is_ok());
            }
            sent
        }));
    }
    let quiet = vip_named(&client, "quiet").await;
    for name in ["p2", "p1", "p2"] {
        let claimant = server_named(&client, name).await;
        let start = Instant::now();
        netlink::announce(&inside(&claimant), "eth0", "10.1.0.100".parse().unwrap()).unwrap();
        loop {
            if holder(&client.show_vip(&quiet.id).await.unwrap()) == name {
                break;
            }
            assert!(start.elapsed() < MOVE, "{name} is not the holder after {:?}", start.elapsed());
        }
    }
    stop.store(true, Ordering::Relaxed);
    let sent: u32 = storm.into_iter().map(|thread| thread.join().unwrap()).sum();
    assert!(sent > 1000, "{sent} claims are no storm");
}

/// NH-3: a second interface sends, receives, and takes packets of a route that names it.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_has_one_more_interface() {
    if !kernel_or_skip("a_server_has_one_more_interface") {
        return;
    }
    let mut server = TestServer::start("kernel");
    let (_, applied) = server
        .apply(&topology(
            "vpcs:\n- {name: v, cidrs: [10.0.0.0/16]}\n\
             subnets:\n- {name: s, vpc: v, cidr: 10.0.0.0/24}\n- {name: t, vpc: v, cidr: 10.0.1.0/24}\n\
             workloads:\n- {name: fw, subnet: s, ip: 10.0.0.10, kind: firewall, src_dst_check: false}\n\
             - {name: near, subnet: t, ip: 10.0.1.10}\n",
        ))
        .await;
    let client = server.client();
    let (firewall, near) = (server_named(&client, "fw").await, server_named(&client, "near").await);
    let second = PortCreate {
        network_id: applied.subnets["t"].id.clone(),
        fixed_ips: vec![FixedIp { ip_address: "10.0.1.20".to_owned(), ..FixedIp::default() }],
        security_groups: Some(near.security_groups.clone()),
        allowed_address_pairs: vec![client::types::AddressPair {
            ip_address: "1.1.1.1/0".into(),
            mac_address: String::new(),
        }],
        ..PortCreate::default()
    };
    let second = client.create_port(&second).await.unwrap();
    let attached = client.attach_port(&firewall.id, &second.id).await.unwrap();
    assert_eq!((attached.device_id.as_str(), attached.status.as_str()), (firewall.id.as_str(), "ACTIVE"));
    let ports = client.list_server_ports(&firewall.id).await.unwrap();
    assert_eq!(ports.iter().map(|port| &port.id).collect::<Vec<_>>(), [&firewall.port_id, &second.id]);

    let deadline = Duration::from_secs(5);
    let ping = |address: &str| {
        let asked = Probe::new(&inside(&near), address.parse().unwrap(), Proto::Icmp).deadline(deadline);
        probe(&asked.watch(&inside(&firewall), "fw")).unwrap()
    };
    assert!(ping("10.0.1.20").replied, "the second interface answers");
    let table = &applied.tables["rtb-v"].id;
    let route = RouteSpec {
        kind: "eni".to_owned(),
        destination: "192.168.7.0/24".to_owned(),
        nexthop: second.id.clone(),
        description: None,
    };
    let change = |changes| client::types::RouteTableUpdate { routes: Some(changes), ..Default::default() };
    let added = client::types::RouteChanges { add: vec![route], ..Default::default() };
    client.update_route_table(table, &change(added)).await.unwrap();
    assert!(ping("192.168.7.7").delivered_to("fw"), "NH-3: handed to the interface that the route names");

    // The interface survives a restart and goes when it is detached; the route then leads nowhere (NH-7).
    server.kill();
    server.restart();
    let client = server.client();
    assert!(ping("10.0.1.20").replied);
    client.detach_port(&firewall.id, &second.id).await.unwrap();
    assert!(netlink::link(&inside(&firewall), "eth1").unwrap().is_none(), "its link is gone");
    assert!(!ping("192.168.7.7").delivered_to("fw"));
    let states = client.route_states(table).await.unwrap();
    let state = states.iter().find(|route| route.destination == "192.168.7.0/24").unwrap();
    assert!(state.note.contains("attached to no server"), "{}", state.note);
    assert_eq!(client.show_port(&second.id).await.unwrap().device_id, "", "the port stays");
    let other = client.attach_port(&near.id, &second.id).await.unwrap();
    assert_eq!(other.device_id, near.id);
    assert!(netlink::link(&inside(&near), "eth1").unwrap().is_some());
}

/// VIP-5, VIP-8: the probe of the API is answered by the holder, over the route of a peered VPC.
#[tokio::test(flavor = "multi_thread")]
async fn a_probe_of_a_virtual_ip_is_answered_by_its_holder() {
    if !kernel_or_skip("a_probe_of_a_virtual_ip_is_answered_by_its_holder") {
        return;
    }
    let server = TestServer::start("kernel");
    server.apply(&scenario("vip-over-peering")).await;
    let client = server.client();
    let vip = vip_named(&client, "VIP-B").await;
    let (from, standby) = (server_named(&client, "ECS-A01").await, server_named(&client, "ECS-B-standby").await);
    let take_over = ClaimRequest { configure: Some(true), release: Some(true), ..claim(&vip.ip_address) };
    assert!(client.claim_address(&standby.id, &take_over).await.unwrap().effective);
    for (protocol, port) in [(Protocol::Icmp, None), (Protocol::Tcp, Some(80)), (Protocol::Udp, Some(53))] {
        let asked = ProbeRequest {
            from: from.id.clone(),
            to: Target::Address {
                address: vip.ip_address.clone(),
                intended: Some(standby.id.clone()),
                to_vpc: Some(vip.vpc_id.clone()),
            },
            protocol,
            port,
            timeout_ms: Some(3000),
        };
        let answer = client.probe(&asked).await.unwrap();
        assert!(answer.replied && answer.delivered, "{protocol}: {answer:?}");
        assert_eq!(answer.observed_source.as_deref(), Some(from.ip_address.as_str()));
    }
}

/// A command against the server: its exit code, and what it printed as JSON.
fn cli(server: &TestServer, args: &[&str]) -> (i32, serde_json::Value, String) {
    let home = server.data.path();
    let mut command = std::process::Command::new(common::binary());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CAUSEWAY_") || name.starts_with("XDG_")) {
        command.env_remove(name);
    }
    command.env("HOME", home).env("CAUSEWAY_RUN", home.join("run")).env("CAUSEWAY_DATA", home);
    let ran = command.args(["-o", "json"]).args(args).output().unwrap();
    let text = String::from_utf8_lossy(&ran.stderr).into_owned();
    (ran.status.code().unwrap(), serde_json::from_slice(&ran.stdout).unwrap_or_default(), text)
}

/// The life of a virtual IP and of a second interface on the command line.
#[tokio::test(flavor = "multi_thread")]
async fn virtual_ips_and_interfaces_on_the_command_line() {
    let server = TestServer::start("sim");
    server.apply(&scenario("two-vpcs-ipv4")).await;
    let [first, second] = ["RDS-B01", "RDS-B02"];
    let one = server_named(&server.client(), first).await;
    let subnet = server.client().show_subnet(&one.subnet_id).await.unwrap().name;
    let run = |args: &[&str]| {
        let (code, json, text) = cli(&server, args);
        assert_eq!(code, 0, "{args:?}: {text}");
        json
    };
    let refused = |args: &[&str], exit: i32, hint: &str| {
        let (code, _, text) = cli(&server, args);
        assert!(code == exit && text.contains(hint), "{args:?}: {code}, {text}");
    };
    assert_eq!(run(&["vip", "list"]), serde_json::json!([]));
    let made = run(&["vip", "create", "db", "--subnet", &subnet, "--ip", "172.17.0.200"]);
    assert_eq!((&made["ip_address"], &made["holder"]), (&"172.17.0.200".into(), &serde_json::Value::Null));
    refused(&["vip", "claim", "db", first], 5, &format!("causeway vip bind db {first}"));
    refused(&["vip", "bind", "db", second], 5, "subnet");
    refused(&["vip", "show", "dbs"], 4, "did you mean `db`");
    let bound = run(&["vip", "bind", "172.17.0.200", first]);
    assert_eq!(bound["bound"][0]["server_name"], first);
    assert!(!server_named(&server.client(), first).await.source_dest_check, "CHK-5");
    assert_eq!(run(&["vip", "claim", "db", first])["effective"], true);
    assert_eq!(run(&["vip", "show", "db"])["holder"]["server_name"], first);
    run(&["route", "add", "rtb-VPC-B", "192.168.0.0/24", "vip", "172.17.0.200"]);
    refused(&["vip", "delete", "db"], 5, "192.168.0.0/24");
    run(&["route", "delete", "rtb-VPC-B", "192.168.0.0/24"]);
    assert_eq!(run(&["vip", "unbind", "db", first])["holder"], serde_json::Value::Null);
    assert_eq!(run(&["vip", "delete", "db"])[0]["name"], "db");

    let attached = run(&["server", "attach", second, "--subnet", &subnet, "--ip", "172.17.0.201"]);
    assert_eq!(attached["device_id"], server_named(&server.client(), second).await.id.as_str());
    refused(&["server", "detach", second, "172.17.0.202"], 4, "172.17.0.201");
    run(&["server", "detach", second, "172.17.0.201", "--delete"]);
    let ports = server.client().list_ports(&client::types::PortFilter::default()).await.unwrap();
    assert_eq!(ports.len(), 4, "the port went with its interface");
}
