//! The two ways that Linux has by itself.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::process::Stdio;

use anyhow::{Context, ensure};
use netlink::{Namespace, run_in, set_forwarding};

use super::{Kind, Path, port};
use crate::leftovers;
use crate::tools::command;

/// A way, by IPv4 and IPv6, whose namespaces go when it is dropped.
#[derive(Debug)]
pub struct Standing {
    /// The way by IPv4, then that by IPv6.
    pub paths: [Path; 2],
    _namespaces: Vec<Removed>,
}

/// A namespace that is removed in the end, with its processes.
#[derive(Debug)]
pub struct Removed(pub Namespace);

impl Removed {
    /// Makes a namespace of this process.
    ///
    /// # Errors
    /// The kernel's.
    pub fn create(name: &str) -> anyhow::Result<Self> {
        Ok(Self(Namespace::create(&leftovers::namespace(name))?))
    }
}

impl Drop for Removed {
    fn drop(&mut self) {
        leftovers::remove_namespace(self.0.label());
    }
}

/// Two namespaces and a veth pair between them.
///
/// # Errors
/// What `ip` says.
pub fn direct() -> anyhow::Result<Standing> {
    let (a, b) = (Removed::create("direct-a")?, Removed::create("direct-b")?);
    let (left, right) = (a.0.label(), b.0.label());
    ip(None, &format!("link add name eth0 netns {left} type veth peer name eth0 netns {right}\n"))?;
    for (namespace, host) in [(&a.0, 1), (&b.0, 2)] {
        let addresses = format!("address add 10.0.0.{host}/24 dev eth0\naddress add fd00::{host}/64 dev eth0 nodad\n");
        ip(Some(namespace), &format!("{addresses}link set lo up\nlink set eth0 up\n"))?;
    }
    let paths = paths(
        [
            (Kind::Direct, Ipv4Addr::new(10, 0, 0, 2).into()),
            (Kind::Direct6, Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 2).into()),
        ],
        &a.0,
        &b.0,
    );
    Ok(Standing { paths, _namespaces: vec![a, b] })
}

/// Two namespaces, each with a veth pair to a third one that forwards what its filter accepts.
///
/// # Errors
/// What `ip` and `nft` say.
pub fn router() -> anyhow::Result<Standing> {
    let (a, b, middle) = (Removed::create("router-a")?, Removed::create("router-b")?, Removed::create("router")?);
    for (namespace, side, net, net6) in
        [(&a.0, "left", "172.16.0", "fd00:0:0:16"), (&b.0, "right", "172.17.0", "fd00:0:0:17")]
    {
        let (end, router) = (namespace.label(), middle.0.label());
        ip(None, &format!("link add name eth0 netns {end} type veth peer name {side} netns {router}\n"))?;
        ip(
            Some(&middle.0),
            &format!(
                "address add {net}.1/24 dev {side}\naddress add {net6}::1/64 dev {side} nodad\nlink set {side} up\n"
            ),
        )?;
        ip(
            Some(namespace),
            &format!(
                "address add {net}.2/24 dev eth0\naddress add {net6}::2/64 dev eth0 nodad\nlink set lo up\n\
                 link set eth0 up\nroute add default via {net}.1\nroute add default via {net6}::1\n"
            ),
        )?;
    }
    set_forwarding(&middle.0, true)?;
    input(run_in(&middle.0, || spawn("nft", &["-f", "-"]))??, "nft", &ruleset())?;
    let address6 = Ipv6Addr::new(0xfd00, 0, 0, 0x17, 0, 0, 0, 2);
    let paths =
        paths([(Kind::Router, Ipv4Addr::new(172, 17, 0, 2).into()), (Kind::Router6, address6.into())], &a.0, &b.0);
    Ok(Standing { paths, _namespaces: vec![a, b, middle] })
}

fn paths(ways: [(Kind, IpAddr); 2], sender: &Namespace, receiver: &Namespace) -> [Path; 2] {
    ways.map(|(kind, address)| Path { kind, sender: sender.clone(), receiver: receiver.clone(), address })
}

/// A filter as one would write it for two groups of machines: what is established passes at the first rule, new
/// connections by sets of addresses and services, the rest is dropped.
fn ruleset() -> String {
    format!(
        "table inet filter {{
            set clients {{
                type ipv4_addr; flags interval
                elements = {{ 172.16.0.0/24, 172.18.0.0/24, 172.19.4.0/22, 10.20.0.0/16 }}
            }}
            set servers {{
                type ipv4_addr; flags interval
                elements = {{ 172.17.0.0/24, 172.20.0.0/24, 10.30.0.0/16 }}
            }}
            set clients6 {{
                type ipv6_addr; flags interval
                elements = {{ fd00:0:0:16::/64, fd00:0:0:18::/64, fd00:0:1::/48 }}
            }}
            set servers6 {{
                type ipv6_addr; flags interval
                elements = {{ fd00:0:0:17::/64, fd00:0:0:20::/64, fd00:0:2::/48 }}
            }}
            set services {{
                type inet_proto . inet_service
                elements = {{ tcp . 22, tcp . 80, tcp . 443, tcp . 3306, tcp . 5432, tcp . 6379, udp . 53, udp . 123,
                    tcp . {stream}, tcp . {latency}, udp . {packets} }}
            }}
            chain forward {{
                type filter hook forward priority filter; policy drop
                ct state established accept
                ct state invalid drop
                ip saddr @clients ip daddr @servers meta l4proto . th dport @services accept
                ip saddr @clients ip daddr @servers icmp type echo-request accept
                ip6 saddr @clients6 ip6 daddr @servers6 meta l4proto . th dport @services accept
                icmpv6 type {{ nd-neighbor-solicit, nd-neighbor-advert, echo-request }} accept
            }}
        }}\n",
        stream = port::STREAM,
        latency = port::LATENCY,
        packets = port::PACKETS,
    )
}

/// Runs lines of `ip`, in a namespace or in that of this process. All lines or the first that fails.
///
/// # Errors
/// What it says.
pub fn ip(namespace: Option<&Namespace>, lines: &str) -> anyhow::Result<()> {
    let child = match namespace {
        Some(namespace) => run_in(namespace, || spawn("ip", &["-batch", "-"]))??,
        None => spawn("ip", &["-batch", "-"])?,
    };
    input(child, "ip", lines)
}

fn spawn(program: &str, arguments: &[&str]) -> anyhow::Result<std::process::Child> {
    let mut command = command(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    command.spawn().with_context(|| format!("cannot start {program}"))
}

fn input(mut child: std::process::Child, program: &str, text: &str) -> anyhow::Result<()> {
    if let Some(mut stdin) = child.stdin.take() {
        // If it ended early, what it says is the better message.
        let _ = stdin.write_all(text.as_bytes());
    }
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(())
}
