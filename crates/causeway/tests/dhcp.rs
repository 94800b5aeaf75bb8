//! What guests are told, kept with the DHCP clients that Debian has and with the kernel's own IPv6.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failure here is the failure of the test")]

mod common;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use common::{TestServer, kernel_or_skip, topology, wait_for};
use netlink::Namespace;
use netlink::sockets::ProbeSockets;

const PATIENCE: Duration = Duration::from_secs(40);

/// Two guests with both families, each in a subnet of its own; the servers' namespaces by name.
async fn guests() -> (TestServer, String, String) {
    let server = TestServer::start("kernel");
    let yaml = "vpcs: [{name: v, cidrs: [10.0.0.0/16]}]
subnets:
- {name: s, vpc: v, cidr: 10.0.0.0/24, cidr6: \"2001:db8:5::/64\"}
- {name: t, vpc: v, cidr: 10.0.1.0/24, cidr6: \"2001:db8:6::/64\"}
security_groups:
- name: open
  rules:
  - {dir: out, remote: 0.0.0.0/0}
  - {dir: out, remote: \"::/0\", version: 6}
  - {dir: in, remote: 0.0.0.0/0}
  - {dir: in, remote: \"::/0\", version: 6}
workloads:
- {name: one, subnet: s, ip: 10.0.0.10, ip6: \"2001:db8:5::10\", sgs: [open]}
- {name: two, subnet: t, ip: 10.0.1.20, ip6: \"2001:db8:6::20\", sgs: [open]}
";
    server.apply(&topology(yaml)).await;
    let all = server.client().list_servers(&client::types::ServerFilter::default()).await.unwrap();
    let namespace = |name: &str| all.iter().find(|s| s.name == name).unwrap().namespace.clone().unwrap();
    let (one, two) = (namespace("one"), namespace("two"));
    (server, one, two)
}

/// A command that runs in a network namespace.
fn within(namespace: &str, program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("nsenter");
    command.arg(format!("--net=/run/netns/{namespace}")).arg(program).args(arguments).stdin(Stdio::null());
    command
}

/// What such a command says; it must succeed.
fn run(namespace: &str, program: &str, arguments: &[&str]) -> String {
    let output = within(namespace, program, arguments).output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Whether a program is there; says loudly when not.
fn installed_or_skip(test: &str, program: &str) -> bool {
    let found =
        ["/usr/sbin", "/sbin", "/usr/bin", "/bin"].iter().any(|folder| Path::new(folder).join(program).exists());
    if !found {
        eprintln!("SKIPPED {test}: {program} is not installed; scripts/setup.sh test installs it");
    }
    found
}

/// A script that a DHCP client calls: it writes down what it is told, a file for each call.
fn recorder(folder: &Path) -> PathBuf {
    let script = folder.join("record");
    fs::write(&script, format!("#!/bin/sh\nenv > {0}/told.$$.new\nmv {0}/told.$$.new {0}/told.$$\n", folder.display()))
        .unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    script
}

/// What the client was told in a call that contains all of these lines.
fn told(folder: &Path, lines: &[String]) -> Option<String> {
    let calls = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut calls = calls
        .filter(|path| path.file_stem().is_some_and(|stem| stem == "told") && !path.to_string_lossy().ends_with("new"));
    calls.find_map(|path| {
        let text = fs::read_to_string(path).ok()?;
        lines.iter().all(|line| text.lines().any(|l| l == line)).then_some(text)
    })
}

/// A client that runs until the test ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until the client was told all of it.
fn wait_until_told(client: &mut Running, folder: &Path, lines: &[&str]) {
    let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    wait_for(&format!("the client being told {lines:?}"), PATIENCE, || {
        if let Some(status) = client.0.try_wait().unwrap() {
            assert!(status.success() || told(folder, &lines).is_some(), "the client gave up: {status}");
        }
        told(folder, &lines)
    });
}

/// L2-5, MTU-1: with busybox.
#[tokio::test(flavor = "multi_thread")]
async fn udhcpc_gets_the_port_s_address() {
    let test = "udhcpc_gets_the_port_s_address";
    if !kernel_or_skip(test) || !installed_or_skip(test, "udhcpc") {
        return;
    }
    let (_server, one, _) = guests().await;
    let folder = tempfile::tempdir().unwrap();
    let script = recorder(folder.path());
    run(&one, "ip", &["address", "flush", "dev", "eth0"]);
    // A wish for another address is not fulfilled; the client takes what it is offered.
    let arguments = ["-i", "eth0", "-f", "-q", "-n", "-O", "mtu", "-r", "10.0.0.77", "-s", script.to_str().unwrap()];
    let mut client = Running(within(&one, "udhcpc", &arguments).spawn().unwrap());
    let lines = ["ip=10.0.0.10", "mask=24", "subnet=255.255.255.0", "router=10.0.0.1", "mtu=1500"];
    wait_until_told(&mut client, folder.path(), &lines);
}

/// L2-5, MTU-1: with ISC's client, which also renews at the server's address.
#[tokio::test(flavor = "multi_thread")]
async fn dhclient_gets_the_port_s_address() {
    let test = "dhclient_gets_the_port_s_address";
    if !kernel_or_skip(test) || !installed_or_skip(test, "dhclient") {
        return;
    }
    let (_server, one, _) = guests().await;
    let folder = tempfile::tempdir().unwrap();
    run(&one, "ip", &["address", "flush", "dev", "eth0"]);
    let mut client = dhclient(&one, "-4", folder.path());
    let lines = [
        "reason=BOUND",
        "new_ip_address=10.0.0.10",
        "new_subnet_mask=255.255.255.0",
        "new_routers=10.0.0.1",
        "new_interface_mtu=1500",
    ];
    wait_until_told(&mut client, folder.path(), &lines);
    let text = told(folder.path(), &["reason=BOUND".to_owned()]).unwrap();
    let server = text.lines().find_map(|line| line.strip_prefix("new_dhcp_server_identifier=")).unwrap();
    assert_eq!(server, "10.0.0.254", "NET-4");
    // It writes the lease down after it has told.
    wait_for("the lease on the disk", PATIENCE, || {
        let written = fs::read_to_string(folder.path().join("lease-4")).unwrap_or_default();
        written.contains("10.0.0.10").then_some(())
    });
    drop(client);
    // Again, as after a restart: it asks for what it had.
    let mut client = dhclient(&one, "-4", folder.path());
    wait_until_told(&mut client, folder.path(), &["reason=REBOOT", "new_ip_address=10.0.0.10"]);
}

/// V6-2: with ISC's client, after the router's advertisement.
#[tokio::test(flavor = "multi_thread")]
async fn dhclient_gets_the_port_s_ipv6_address() {
    let test = "dhclient_gets_the_port_s_ipv6_address";
    if !kernel_or_skip(test) || !installed_or_skip(test, "dhclient") {
        return;
    }
    let (_server, one, _) = guests().await;
    let folder = tempfile::tempdir().unwrap();
    with_link_local(&one);
    let mut client = dhclient(&one, "-6", folder.path());
    wait_until_told(&mut client, folder.path(), &["reason=BOUND6", "new_ip6_address=2001:db8:5::10"]);
    drop(client);
    // It still has the lease and asks whether that is good here.
    for entry in fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.file_stem().is_some_and(|stem| stem == "told") {
            fs::remove_file(path).unwrap();
        }
    }
    let mut client = dhclient(&one, "-6", folder.path());
    wait_until_told(&mut client, folder.path(), &["new_ip6_address=2001:db8:5::10"]);
    let log = fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(log.contains("Forming Confirm") && log.contains("status code Success"), "{log}");
}

fn dhclient(namespace: &str, family: &str, folder: &Path) -> Running {
    let file = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let script = recorder(folder);
    fs::write(file("conf"), "request subnet-mask, routers, domain-name-servers, interface-mtu;\n").unwrap();
    let (conf, lease, pid) = (file("conf"), file(&format!("lease{family}")), file("pid"));
    let arguments =
        [family, "-d", "-v", "-cf", &conf, "-lf", &lease, "-pf", &pid, "-sf", script.to_str().unwrap(), "eth0"];
    Running(within(namespace, "dhclient", &arguments).stderr(fs::File::create(file("log")).unwrap()).spawn().unwrap())
}

/// Takes the addresses away that the platform configured, and gives the interface its link-local one.
fn with_link_local(namespace: &str) {
    run(namespace, "ip", &["link", "set", "eth0", "down"]);
    for setting in ["addr_gen_mode=0", "accept_ra=2", "autoconf=1", "router_solicitations=5", "accept_dad=1"] {
        run(namespace, "sysctl", &["-q", "-w", &format!("net.ipv6.conf.eth0.{setting}")]);
    }
    run(namespace, "ip", &["link", "set", "eth0", "up"]);
    run(namespace, "ip", &["-6", "address", "flush", "dev", "eth0", "scope", "global"]);
    wait_for("a link-local address", PATIENCE, || {
        let addresses = run(namespace, "ip", &["-6", "-o", "address", "show", "dev", "eth0", "scope", "link"]);
        assert!(!addresses.contains("dadfailed"), "{addresses}");
        (addresses.contains("fe80:") && !addresses.contains("tentative")).then_some(())
    });
}

/// V6-2, MTU-1: the kernel asks for routers, finds the gateway, and makes no address by itself.
#[tokio::test(flavor = "multi_thread")]
async fn the_kernel_learns_the_router() {
    if !kernel_or_skip("the_kernel_learns_the_router") {
        return;
    }
    let (_server, one, _) = guests().await;
    with_link_local(&one);
    wait_for("a default route", PATIENCE, || {
        let routes = run(&one, "ip", &["-6", "route", "show", "dev", "eth0"]);
        let default = routes.lines().find(|line| line.starts_with("default") && line.contains("proto ra"))?;
        assert!(default.contains("via fe80::f816:3eff:feff:ffff"), "{default}");
        routes.contains("2001:db8:5::/64 proto kernel").then_some(())
    });
    let addresses = run(&one, "ip", &["-6", "-o", "address", "show", "dev", "eth0", "scope", "global"]);
    assert_eq!(addresses, "", "no autonomous addresses");
    run(&one, "ping", &["-6", "-c", "1", "-W", "5", "-I", "eth0", "fe80::f816:3eff:feff:ffff"]);
    run(&one, "ip", &["-6", "address", "add", "2001:db8:5::10/64", "dev", "eth0"]);
    wait_for("the address", PATIENCE, || {
        (!run(&one, "ip", &["-6", "-o", "address", "show", "dev", "eth0", "tentative"]).contains("2001")).then_some(())
    });
    for target in ["2001:db8:5::1", "2001:db8:6::20"] {
        run(&one, "ping", &["-6", "-c", "1", "-W", "5", target]);
    }
    // Somebody else's address is found out, because the platform answers for its owner (RFC 4862).
    run(&one, "ip", &["-6", "address", "add", "2001:db8:5::1/64", "dev", "eth0"]);
    wait_for("a duplicate", PATIENCE, || {
        run(&one, "ip", &["-6", "-o", "address", "show", "dev", "eth0"]).contains("dadfailed").then_some(())
    });
}

/// MTU-2, MTU-3: the gateway says what fits, and TCP finds its way with a guest that believed in larger packets.
#[tokio::test(flavor = "multi_thread")]
async fn guests_learn_the_mtu_of_the_path() {
    if !kernel_or_skip("guests_learn_the_mtu_of_the_path") {
        return;
    }
    let (_server, one, two) = guests().await;
    let ping = |family: &str, payload: &str, target: &str| {
        let arguments = [family, "-c", "1", "-W", "5", "-M", "do", "-s", payload, target];
        let output = within(&one, "ping", &arguments).output().unwrap();
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
        (output.status.success(), text)
    };
    assert!(ping("-4", "1472", "10.0.1.20").0, "MTU-2");
    assert!(ping("-6", "1452", "2001:db8:6::20").0, "MTU-2");
    for namespace in [&one, &two] {
        run(namespace, "ip", &["link", "set", "eth0", "mtu", "9000"]);
    }
    let (passed, text) = ping("-4", "1473", "10.0.1.20");
    assert!(!passed && text.contains("From 10.0.0.1 ") && text.contains("mtu = 1500"), "{text}");
    let (passed, text) = ping("-6", "1453", "2001:db8:6::20");
    assert!(!passed && text.contains("From 2001:db8:5::1 ") && text.contains("mtu=1500"), "{text}");

    run(&one, "ip", &["route", "flush", "cache"]);
    run(&one, "ip", &["-6", "route", "flush", "cache"]);
    let (one, two) = (Namespace::open(&one).unwrap(), Namespace::open(&two).unwrap());
    for address in ["10.0.1.20", "2001:db8:6::20"] {
        let address = SocketAddr::new(address.parse::<IpAddr>().unwrap(), 8080);
        let listener = ProbeSockets::in_namespace(&two).tcp_listener(address).unwrap();
        listener.set_nonblocking(false).unwrap();
        let receiver = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).map(|_| bytes.len()).unwrap()
        });
        let mut stream = ProbeSockets::in_namespace(&one).tcp_connect(None, address, PATIENCE).unwrap();
        stream.set_nonblocking(false).unwrap();
        stream.write_all(&vec![7; 1 << 20]).unwrap();
        drop(stream);
        assert_eq!(receiver.join().unwrap(), 1 << 20, "{address}");
    }
}
