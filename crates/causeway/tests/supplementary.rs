//! Supplementary network interfaces with real packets: frames with VLAN tags out of a namespace and into it.
//!
//! The guest reads and writes tags itself, through a packet socket: so the test needs no VLAN interfaces of the kernel,
//! and sees the tags as they are.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failure here is the failure of the test")]

mod common;

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use client::types::{Server, ServerFilter};
use client::{Client, Method};
use common::{TestServer, kernel_or_skip, scenario};
use netlink::Namespace;
use netlink::probe::{Probe, Proto, probe};
use serde_json::{Value, json};

const DEADLINE: Duration = Duration::from_secs(5);
const SHORT: Duration = Duration::from_millis(700);
const ADDRESS: &str = "172.16.1.200";

/// A guest with a packet socket: `answer` replies to echo requests that come with the tag, with the tag; `ask` sends one
/// and succeeds when the reply comes back with the tag.
const GUEST: &str = r"
import socket, struct, sys, time
what, vlan, mac, own, other = sys.argv[1], int(sys.argv[2]), bytes.fromhex(sys.argv[3].replace(':', '')), *map(
    socket.inet_aton, sys.argv[4:6])
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
s.bind(('eth0', 0))
s.setsockopt(263, 8, 1)  # SOL_PACKET, PACKET_AUXDATA

def total(data):
    data += bytes(len(data) % 2)
    n = sum(struct.unpack(f'!{len(data) // 2}H', data))
    while n >> 16: n = (n & 0xffff) + (n >> 16)
    return ~n & 0xffff

def send(to, destination, kind, rest):
    icmp = bytes([kind, 0, 0, 0]) + rest
    icmp = icmp[:2] + struct.pack('!H', total(icmp)) + icmp[4:]
    ip = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 20 + len(icmp), 0, 0x4000, 64, 1, 0, own, destination)
    ip = ip[:10] + struct.pack('!H', total(ip)) + ip[12:]
    s.send(to + mac + struct.pack('!HHH', 0x8100, vlan, 0x0800) + ip + icmp)

def tagged():
    data, ancillary, _, address = s.recvmsg(65536, 256)
    if address[2] == socket.PACKET_OUTGOING: return None
    tags = [struct.unpack('IIIHHHH', body[:20])[5] & 0xfff for level, kind, body in ancillary if (level, kind) == (263, 8)]
    if tags != [vlan] or data[:6] != mac or data[12:14] != b'\x08\x00' or data[23] != 1 or data[30:34] != own: return None
    return data

if what == 'ask':
    s.settimeout(0.2)
    end = time.monotonic() + float(sys.argv[6])
    while time.monotonic() < end:
        send(bytes.fromhex('fa163effffff'), other, 8, b'\x12\x34\x00\x01hello')
        try:
            data = tagged()
            while data is None or data[34] != 0 or data[26:30] != other: data = tagged()
            sys.exit(0)
        except TimeoutError: pass
    sys.exit(1)
print('ready', flush=True)
while True:
    data = tagged()
    if data and data[34] == 8: send(data[6:12], data[26:30], 0, data[38:14 + int.from_bytes(data[16:18])])
";

async fn server_named(client: &Client, name: &str) -> Server {
    let filter = ServerFilter { name: Some(name.to_owned()), ..ServerFilter::default() };
    client.list_servers(&filter).await.unwrap().remove(0)
}

fn inside(server: &Server) -> Namespace {
    Namespace::open(server.namespace.as_deref().unwrap()).unwrap()
}

/// A guest of a server, with a hardware address.
struct Guest<'a> {
    server: &'a Server,
    mac: &'a str,
}

impl Guest<'_> {
    fn command(&self, arguments: &[&str]) -> Command {
        let namespace = self.server.namespace.as_deref().unwrap();
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/run/netns/{namespace}")).args(["python3", "-c", GUEST]).args(arguments);
        command
    }

    /// Whether an echo request with this tag is answered.
    fn asks(&self, vlan: &str, to: &str, seconds: &str) -> bool {
        self.command(&["ask", vlan, self.mac, ADDRESS, to, seconds]).status().unwrap().success()
    }

    /// Answers echo requests that come with this tag.
    fn answers(&self, vlan: &str) -> Answering {
        let mut command = self.command(&["answer", vlan, self.mac, ADDRESS, ADDRESS]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = [0; 6];
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut line).unwrap();
        Answering(child)
    }
}

/// A guest that answers until the test is over.
struct Answering(Child);

impl Drop for Answering {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn call(client: &Client, method: Method, rest: &str, body: Value) -> Value {
    let project = client.config().project_id.clone().unwrap();
    let path = format!("/v3/{project}/vpc/sub-network-interfaces{rest}");
    client.request(method, &path, &[], Some(&body)).await.unwrap()
}

/// Whether `from` gets an answer of the supplementary interface.
fn hears(from: &Server, deadline: Duration) -> bool {
    probe(&Probe::new(&inside(from), ADDRESS.parse().unwrap(), Proto::Icmp).deadline(deadline)).unwrap().replied
}

/// SUB-1, SUB-2, SUB-5, NH-1: from and to another subnet and over a peering, guarded by its own groups, on its own VLAN.
#[tokio::test(flavor = "multi_thread")]
async fn a_supplementary_interface_carries_packets_on_its_vlan() {
    if !kernel_or_skip("a_supplementary_interface_carries_packets_on_its_vlan") {
        return;
    }
    let mut server = TestServer::start("kernel");
    let (_, applied) = server.apply(&scenario("two-vpcs-ipv4")).await;
    let client = server.client();
    let host = server_named(&client, "ECS-A01").await;
    let (near, far) = (server_named(&client, "ECS-A02").await, server_named(&client, "RDS-B01").await);
    let open = client.show_port(&near.port_id).await.unwrap().security_groups;
    let fields = json!({"virsubnet_id": applied.subnets["Subnet-A02"].id, "parent_id": host.port_id, "vlan_id": "100",
        "private_ip_address": ADDRESS, "security_groups": open});
    let made = call(&client, Method::POST, "", json!({ "sub_network_interface": fields })).await;
    let made = &made["sub_network_interface"];
    let (id, mac) = (made["id"].as_str().unwrap(), made["mac_address"].as_str().unwrap());
    let guest = Guest { server: &host, mac };
    match netlink::link(&inside(&host), "eth0.100").unwrap() {
        Some(link) => assert_eq!((link.kind.as_deref(), link.up), (Some("vlan"), true)),
        None => eprintln!("SKIPPED in part: this kernel has no VLAN interfaces (CONFIG_VLAN_8021Q)"),
    }

    for to in [&near, &far] {
        assert!(guest.asks("100", &to.ip_address, "5"), "to {}", to.name);
    }
    let answering = guest.answers("100");
    for from in [&near, &far] {
        assert!(hears(from, DEADLINE), "from {}", from.name);
    }
    // SUB-2: with another tag nobody hears it, and without one its address is not its parent's to use.
    assert!(!guest.asks("101", &near.ip_address, "1"));
    assert!(!guest.asks("0", &near.ip_address, "1"));

    // SG-1: the groups of the interface, not of its parent, and at once.
    let project = client.config().project_id.clone().unwrap();
    let body = json!({"security_group": {"name": "shut"}});
    let shut = client.request(Method::POST, &format!("/v1/{project}/security-groups"), &[], Some(&body)).await.unwrap();
    let groups = json!({"sub_network_interface": {"security_groups": [shut["security_group"]["id"]]}});
    call(&client, Method::PUT, &format!("/{id}"), groups).await;
    assert!(!hears(&near, SHORT) && !hears(&far, SHORT));
    let parent = Probe::new(&inside(&near), host.ip_address.parse().unwrap(), Proto::Icmp).deadline(DEADLINE);
    assert!(probe(&parent).unwrap().replied, "the parent is guarded by its own");
    let groups = json!({"sub_network_interface": {"security_groups": open}});
    call(&client, Method::PUT, &format!("/{id}"), groups).await;
    assert!(hears(&near, DEADLINE));

    // It is there without the server and after a restart, moves to another VLAN, and away.
    server.kill();
    assert!(hears(&near, DEADLINE), "without the server");
    server.restart();
    let client = server.client();
    assert!(hears(&near, DEADLINE));
    let moved = json!({"migration_info": {"parent_id": host.port_id,
        "sub_network_interfaces": [{"id": id, "vlan_id": "7"}]}});
    call(&client, Method::PUT, "/migrate", moved).await;
    assert!(!hears(&near, SHORT) || netlink::link(&inside(&host), "eth0.7").unwrap().is_some());
    drop(answering);
    let _answering = guest.answers("7");
    assert!(hears(&near, DEADLINE) && !guest.asks("100", &near.ip_address, "1"));
    call(&client, Method::POST, &format!("/{id}/detach"), json!({})).await;
    assert!(!hears(&near, SHORT) && !guest.asks("7", &near.ip_address, "1"));
    assert!(netlink::link(&inside(&host), "eth0.7").unwrap().is_none());
}
