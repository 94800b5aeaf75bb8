//! What the tests of the kernel data plane share: a namespace of their own, two peered VPCs, frames.

#![allow(dead_code, reason = "each test uses a part")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step fails the test")]

use std::{path::PathBuf, process::Command, sync::mpsc, thread};

use abi::{
    CONTEXT_IN_PEERING, CONTEXT_IN_UNCHECKED, CONTEXT_IN_VPC, CONTEXT_OUT, CROSSING_ACTIVE, Crossing, CrossingKey,
    ENDPOINT_GATEWAY, ENDPOINT_WORKLOAD, Endpoint, EndpointKey, FAMILY_V4, GATEWAY_MAC, Id, Identity, IdentityKey, Mac,
    NO_ID, PORT_CHECKED, PORT_RUNNING, Port, ROUTE_LOCAL, ROUTE_PEERING, RULE_ALLOW, Route, RouteKey, Rule, RuleKey,
    prefix_base,
};
use datapath::Datapath;
use nix::sched::{CloneFlags, unshare};
use tables::{Prefix, Tables};

/// Runs `test` on a thread with a network namespace of its own, which goes with the thread; without root or BPF it
/// says so and does not run it.
pub fn in_namespace(test: impl FnOnce() + Send + 'static) {
    if let Err(missing) = Datapath::supported() {
        println!("skipped: needs root and BPF ({missing})");
        return;
    }
    let body = move || {
        unshare(CloneFlags::CLONE_NEWNET).expect("a network namespace");
        test();
    };
    if let Err(panic) = thread::spawn(body).join() {
        std::panic::resume_unwind(panic);
    }
}

/// The object with readable verdicts.
pub fn object() -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../bpf/causeway-testrun.bpf.o");
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Makes an interface (one end of a veth) in the thread's namespace and returns its index.
pub fn veth(name: &str) -> u32 {
    ip(&["link", "add", name, "type", "veth", "peer", "name", &format!("{name}p")]);
    ip(&["link", "set", name, "up"]);
    nix::net::if_::if_nametoindex(name).expect("the interface just made")
}

pub fn ip(arguments: &[&str]) {
    let status = Command::new("ip").args(arguments).status().expect("the program ip");
    assert!(status.success(), "ip {}", arguments.join(" "));
}

/// An id that is easy to recognise in a dump.
pub const fn id(kind: u8, number: u8) -> Id {
    [kind, 0, 0, 0, 0, 0, 0, number]
}

pub const fn v4(address: [u8; 4]) -> abi::Address {
    let [a, b, c, d] = address;
    [a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
}

/// A workload of [`peered`].
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    pub ifindex: u32,
    pub vni: u32,
    pub address: [u8; 4],
    pub mac: Mac,
}

/// One workload for each interface in VPC 1 (10.1.0.0/24) and VPC 2 (10.2.0.0/24) in turn, everything allowed, the
/// VPCs peered.
pub fn peered(interfaces: &[u32]) -> (Tables, Vec<Workload>) {
    let mut tables = Tables::default();
    let mut workloads = Vec::new();
    let policy = id(b'P', 1);
    for (number, ifindex) in interfaces.iter().enumerate() {
        let number = u8::try_from(number).unwrap();
        let vpc = 1 + number % 2;
        let workload = Workload {
            ifindex: *ifindex,
            vni: vpc.into(),
            address: [10, vpc, 0, 10 + number],
            mac: [2, 0, 0, 0, vpc, number],
        };
        let (port, subnet) = (id(b'p', number), id(b's', vpc));
        let flags = PORT_CHECKED | PORT_RUNNING;
        let table = id(b't', vpc);
        let mac = workload.mac;
        tables.ports.insert(
            *ifindex,
            Port {
                port,
                subnet,
                table,
                policy,
                acl: NO_ID,
                vni: workload.vni,
                edge_site: 0,
                mac,
                flags,
                pad: 0,
                mtu: 1500,
                lease_hours: 0,
                ipv4: workload.address,
                ipv6: [0; 16],
            },
        );
        tables.endpoints.insert(
            endpoint_key(workload.vni, workload.address),
            Endpoint {
                port,
                subnet,
                policy,
                acl: NO_ID,
                ifindex: *ifindex,
                mac,
                kind: ENDPOINT_WORKLOAD,
                flags,
                vtep: [0; 16],
                pad: [0; 4],
            },
        );
        workloads.push(workload);
    }
    let peering = id(b'x', 1);
    for vpc in [1, 2] {
        let (other, vni) = (3 - vpc, u32::from(vpc));
        let table = id(b't', vpc);
        let gateway = Endpoint {
            port: NO_ID,
            subnet: id(b's', vpc),
            policy: NO_ID,
            acl: NO_ID,
            ifindex: 0,
            mac: GATEWAY_MAC,
            kind: ENDPOINT_GATEWAY,
            flags: PORT_RUNNING,
            vtep: [0; 16],
            pad: [0; 4],
        };
        tables.endpoints.insert(endpoint_key(vni, [10, vpc, 0, 1]), gateway);
        let local = route(id(b's', vpc), ROUTE_LOCAL, 24);
        tables.routes.insert(route_prefix(table, [10, vpc, 0, 0], 24), local);
        tables.routes.insert(route_prefix(table, [10, other, 0, 0], 16), route(peering, ROUTE_PEERING, 16));
        tables.crossings.insert(
            CrossingKey { peering, from_vni: vni, pad: [0; 4] },
            Crossing {
                table: id(b't', other),
                vni: other.into(),
                entry_vni: 100 + u32::from(other),
                edge_site: 0,
                state: CROSSING_ACTIVE,
                pad: [0; 3],
            },
        );
    }
    let class = id(b'c', 1);
    for context in [CONTEXT_OUT, CONTEXT_IN_VPC, CONTEXT_IN_PEERING, CONTEXT_IN_UNCHECKED] {
        let key = IdentityKey { policy, context, family: FAMILY_V4, address: [0; 16] };
        tables.identities.insert(Prefix { bits: prefix_base::IDENTITY, key }, Identity { class });
    }
    tables.rules.insert(
        Prefix { bits: prefix_base::RULE_ANY_PROTOCOL, key: RuleKey { class, protocol: 0, service: [0; 2] } },
        Rule { rule: id(b'r', 1), verdict: RULE_ALLOW, pad: [0; 7] },
    );
    (tables, workloads)
}

pub const fn endpoint_key(vni: u32, address: [u8; 4]) -> EndpointKey {
    EndpointKey { vni, family: FAMILY_V4, pad: [0; 3], address: v4(address) }
}

pub const fn route_prefix(table: Id, address: [u8; 4], bits: u32) -> Prefix<RouteKey> {
    Prefix { bits: prefix_base::ROUTE + bits, key: RouteKey { table, family: FAMILY_V4, address: v4(address) } }
}

const fn route(target: Id, kind: u8, prefix_len: u8) -> Route {
    Route { target, route: target, next_hop: [0; 16], kind, prefix_len, pad: [0; 6] }
}

/// An IPv4 frame from one workload to another: straight in one subnet, else to the gateway.
pub fn frame(from: &Workload, to: &Workload, protocol: u8, l4: &[u8]) -> Vec<u8> {
    let dmac = if from.vni == to.vni { to.mac } else { GATEWAY_MAC };
    let mut frame = Vec::new();
    frame.extend(dmac);
    frame.extend(from.mac);
    frame.extend([0x08, 0x00]);
    let len = u16::try_from(20 + l4.len()).unwrap().to_be_bytes();
    frame.extend([0x45, 0, len[0], len[1], 0, 1, 0x40, 0, 64, protocol, 0, 0]);
    frame.extend(from.address);
    frame.extend(to.address);
    frame.extend(l4);
    frame
}

pub fn udp(from: &Workload, to: &Workload, source: u16, destination: u16) -> Vec<u8> {
    let mut l4 = Vec::new();
    l4.extend(source.to_be_bytes());
    l4.extend(destination.to_be_bytes());
    l4.extend([0, 8 + 22, 0, 0]);
    l4.extend([0; 22]);
    frame(from, to, 17, &l4)
}

/// A thread in a network namespace of its own, which stands for a workload.
pub struct Guest {
    jobs: Option<mpsc::Sender<Box<dyn FnOnce() + Send>>>,
    thread: Option<thread::JoinHandle<()>>,
    tid: i32,
}

impl Guest {
    pub fn new() -> Self {
        let (jobs, queue) = mpsc::channel::<Box<dyn FnOnce() + Send>>();
        let (tell, told) = mpsc::channel();
        let thread = thread::spawn(move || {
            unshare(CloneFlags::CLONE_NEWNET).expect("a network namespace");
            ip(&["link", "set", "lo", "up"]);
            tell.send(nix::unistd::gettid().as_raw()).expect("the test waits");
            queue.into_iter().for_each(|job| job());
        });
        Self { jobs: Some(jobs), tid: told.recv().expect("the guest starts"), thread: Some(thread) }
    }

    /// Starts `job` in the guest; its result comes by the channel.
    pub fn start<R: Send + 'static>(&self, job: impl FnOnce() -> R + Send + 'static) -> mpsc::Receiver<R> {
        let (tell, told) = mpsc::channel();
        let job = Box::new(move || drop(tell.send(job())));
        self.jobs.as_ref().expect("the guest runs").send(job).expect("the guest runs");
        told
    }

    /// Runs `job` in the guest.
    pub fn run<R: Send + 'static>(&self, job: impl FnOnce() -> R + Send + 'static) -> R {
        self.start(job).recv().expect("the job ends")
    }

    /// Makes a veth whose far end is the guest's, with the workload's addresses; returns the index of the host's end.
    pub fn plug(&self, interface: &str, number: u8) -> u32 {
        let index = veth(interface);
        let gateway = mac_text(&GATEWAY_MAC);
        ip(&["link", "set", interface, "address", &gateway]);
        let vpc = 1 + number % 2;
        let mac = mac_text(&[2, 0, 0, 0, vpc, number]);
        let far = format!("{interface}p");
        ip(&["link", "set", &far, "address", &mac, "netns", &self.tid.to_string()]);
        self.run(move || {
            ip(&["address", "add", &format!("10.{vpc}.0.{}/24", 10 + number), "dev", &far]);
            ip(&["link", "set", &far, "up"]);
            ip(&["route", "add", "default", "via", &format!("10.{vpc}.0.1")]);
        });
        index
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn mac_text(mac: &Mac) -> String {
    mac.map(|byte| format!("{byte:02x}")).join(":")
}
