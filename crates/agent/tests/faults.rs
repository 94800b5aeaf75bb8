//! What goes wrong on a machine, and how an agent goes on.
#![allow(clippy::unwrap_used, reason = "a failure here is the failure of the test")]

mod common;

use std::io::{Read, Write};
use std::process::Command;
use std::time::{Duration, Instant};

use agent::{Agent, AgentError, KernelAgent, Options};
use common::{Net, kernel_or_skip, options, ping};
use control::{CreatePort, ServerPort, UpdateServer};
use model::ServerId;
use netlink::Namespace;
use netlink::sockets::ProbeSockets;

fn ip(arguments: &[&str]) {
    let done = Command::new("ip").args(arguments).output().unwrap();
    assert!(done.status.success(), "ip {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
}

/// Pings until it is answered.
async fn reaches(agent: &KernelAgent, from: ServerId, to: ServerId, address: &str) {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        match agent.probe(ping(from, to, address)).await {
            Ok(report) if report.replied => return,
            report => assert!(Instant::now() < end, "{report:?}"),
        }
    }
}

async fn end(agent: &KernelAgent, options: &Options) {
    agent.stop(true).await.unwrap();
    assert_eq!(Namespace::list(&agent::namespace_prefix(&options.instance)).unwrap(), [] as [String; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_of_somebody_else_holds_up_only_the_server_that_needs_its_name() {
    if !kernel_or_skip("a_link_of_somebody_else_holds_up_only_the_server_that_needs_its_name") {
        return;
    }
    let net = Net::new().await;
    let options = options("foreign");
    let agent = net.agent(&options).await;
    let (_, subnet) = net.subnet(1).await;
    let one = net.server(subnet, "one", "10.1.0.10").await;
    let (d, c) = (&net.driver, &net.caller);
    let request = CreatePort { address: Some("10.1.0.20".parse().unwrap()), ..CreatePort::new(subnet) };
    let port = d.execute(|k, x| control::create_port(k, c, x, request.clone())).await.unwrap().value;
    let name = agent::host_interface(port.id);
    ip(&["link", "add", &name, "type", "veth", "peer", "name", &name.replacen("cw", "xx", 1)]);
    ip(&["link", "set", &name, "alias", "somebody"]);
    let two = net.server_at("two", ServerPort::Existing(port.id)).await;
    let refused = net.revision();
    let three = net.server(subnet, "three", "10.1.0.30").await;
    net.settled(&agent).await;
    reaches(&agent, one.id, three.id, "10.1.0.30").await;
    let error = agent.settled(refused).await.unwrap_err();
    assert!(matches!(&error, AgentError::NotSettled { last_error, .. } if last_error.contains(&name)), "{error}");
    // Also over a restart.
    agent.stop(false).await.unwrap();
    let agent = net.agent(&options).await;
    reaches(&agent, one.id, three.id, "10.1.0.30").await;
    ip(&["link", "del", &name]);
    reaches(&agent, one.id, two.id, "10.1.0.20").await;
    agent.settled(refused).await.unwrap();
    end(&agent, &options).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_that_vanished_is_made_again() {
    if !kernel_or_skip("a_namespace_that_vanished_is_made_again") {
        return;
    }
    let net = Net::new().await;
    let options = options("vanish");
    let agent = net.agent(&options).await;
    let (_, subnet) = net.subnet(1).await;
    let one = net.server(subnet, "one", "10.1.0.10").await;
    let two = net.server(subnet, "two", "10.1.0.20").await;
    net.settled(&agent).await;
    reaches(&agent, one.id, two.id, "10.1.0.20").await;
    ip(&["netns", "del", &agent::namespace(&options.instance, &two)]);
    let error = agent.probe(ping(two.id, one.id, "10.1.0.10")).await.unwrap_err();
    assert!(matches!(error, AgentError::NoWorkload(id) if id == two.id), "{error}");
    reaches(&agent, one.id, two.id, "10.1.0.20").await;
    // One that vanished and is deleted is no trouble.
    ip(&["netns", "del", &agent::namespace(&options.instance, &two)]);
    net.delete(&two).await;
    net.settled(&agent).await;
    end(&agent, &options).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_name_moves_the_namespace_with_its_processes() {
    if !kernel_or_skip("a_new_name_moves_the_namespace_with_its_processes") {
        return;
    }
    let net = Net::new().await;
    let options = options("name");
    let agent = net.agent(&options).await;
    let (_, one) = net.vpc(1).await;
    net.settled(&agent).await;
    let inside = Namespace::open(&agent::namespace(&options.instance, &one)).unwrap();
    let mut child = netlink::run_in(&inside, || Command::new("sleep").arg("60").spawn()).unwrap().unwrap();
    let rename = async |name: &str| {
        let (d, c) = (&net.driver, &net.caller);
        let update = UpdateServer { name: Some(name.to_owned()) };
        d.execute(|k, x| control::update_server(k, c, x, one.id, update.clone())).await.unwrap().value
    };
    let renamed = rename("\u{670d}\u{52a1}\u{5668}").await;
    net.settled(&agent).await;
    assert_eq!(Namespace::open(&agent::namespace(&options.instance, &renamed)).unwrap(), inside);
    // While nobody follows.
    agent.stop(false).await.unwrap();
    let renamed = rename("again").await;
    let agent = net.agent(&options).await;
    assert_eq!(Namespace::open(&agent::namespace(&options.instance, &renamed)).unwrap(), inside);
    let all = Namespace::list(&agent::namespace_prefix(&options.instance)).unwrap();
    assert_eq!(all.len(), 1, "{all:?}");
    assert!(child.try_wait().unwrap().is_none(), "a process of the server was ended");
    end(&agent, &options).await;
    child.wait().unwrap();
}

/// NH-7, RT-12.
#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_server_has_no_processes_and_no_packets_until_it_is_started() {
    if !kernel_or_skip("a_stopped_server_has_no_processes_and_no_packets_until_it_is_started") {
        return;
    }
    let net = Net::new().await;
    let options = options("stop");
    let agent = net.agent(&options).await;
    let (_, subnet) = net.subnet(1).await;
    let one = net.server(subnet, "one", "10.1.0.10").await;
    let two = net.server(subnet, "two", "10.1.0.20").await;
    net.settled(&agent).await;
    reaches(&agent, one.id, two.id, "10.1.0.20").await;
    let inside = Namespace::open(&agent::namespace(&options.instance, &two)).unwrap();
    let mut child = netlink::run_in(&inside, || Command::new("sleep").arg("60").spawn()).unwrap().unwrap();
    net.stop(&two).await;
    net.settled(&agent).await;
    assert!(!child.wait().unwrap().success(), "the process was ended by a signal");
    assert!(matches!(agent.probe(ping(two.id, one.id, "10.1.0.10")).await, Err(AgentError::NoWorkload(_))));
    assert!(!agent.probe(ping(one.id, two.id, "10.1.0.20")).await.unwrap().replied, "packets to a stopped server");
    // Whoever gets inside all the same sends nothing.
    let out = netlink::probe::Probe::new(&inside, "10.1.0.10".parse().unwrap(), netlink::probe::Proto::Icmp);
    assert!(!netlink::probe::probe(&out.deadline(Duration::from_millis(300))).unwrap().replied);
    net.start(&two).await;
    net.settled(&agent).await;
    reaches(&agent, one.id, two.id, "10.1.0.20").await;
    reaches(&agent, two.id, one.id, "10.1.0.10").await;
    end(&agent, &options).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_map_is_said_and_deleting_makes_room_again() {
    if !kernel_or_skip("a_full_map_is_said_and_deleting_makes_room_again") {
        return;
    }
    let net = Net::new().await;
    let mut options = options("full");
    options.capacities.ports = 2;
    let agent = net.agent(&options).await;
    let (_, subnet) = net.subnet(1).await;
    let one = net.server(subnet, "one", "10.1.0.10").await;
    net.settled(&agent).await;
    assert_eq!(agent.full(), None);
    let two = net.server(subnet, "two", "10.1.0.20").await;
    net.settled(&agent).await;
    assert!(agent.full().unwrap().contains("PORTS"));
    let three = net.server(subnet, "three", "10.1.0.30").await;
    let error = agent.settled(net.revision()).await.unwrap_err();
    assert!(error.to_string().contains("the map PORTS is full"), "{error}");
    assert!(agent.full().is_some());
    net.delete(&one).await;
    net.settled(&agent).await;
    reaches(&agent, two.id, three.id, "10.1.0.30").await;
    end(&agent, &options).await;
}

/// PEER-6, RT-11: tables that were written by an agent that died before the generations were bumped.
#[tokio::test(flavor = "multi_thread")]
async fn a_start_decides_established_flows_again_although_the_tables_are_right() {
    if !kernel_or_skip("a_start_decides_established_flows_again_although_the_tables_are_right") {
        return;
    }
    let net = Net::new().await;
    let options = options("bump");
    let agent = net.agent(&options).await;
    let (a, one) = net.vpc(1).await;
    let (b, two) = net.vpc(2).await;
    let peering = net.peer(a, b).await;
    net.route(a, "10.2.0.0/16", peering).await;
    net.route(b, "10.1.0.0/16", peering).await;
    net.settled(&agent).await;
    let open = |server| Namespace::open(&agent::namespace(&options.instance, server)).unwrap();
    let (near, far) = (open(&one), open(&two));
    let listener = ProbeSockets::in_namespace(&far).tcp_listener("0.0.0.0:9".parse().unwrap()).unwrap();
    listener.set_nonblocking(false).unwrap();
    let target = "10.2.0.10:9".parse().unwrap();
    let mut near = ProbeSockets::in_namespace(&near).tcp_connect(None, target, Duration::from_secs(5)).unwrap();
    let (mut far, _) = listener.accept().unwrap();
    near.set_nonblocking(false).unwrap();
    far.set_nonblocking(false).unwrap();
    far.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    near.write_all(b"x").unwrap();
    far.read_exact(&mut [0]).unwrap();
    agent.stop(false).await.unwrap();
    let (d, c) = (&net.driver, &net.caller);
    d.execute(|k, x| control::delete_peering(k, c, x, peering)).await.unwrap();
    {
        let mut datapath = datapath::Datapath::open(&datapath::Options::new(&options.instance)).unwrap();
        let present = datapath.snapshot().unwrap();
        let catalog = net.driver.catalog();
        let attachments = catalog.ports().filter_map(|port| {
            let link = netlink::link(&Namespace::host().unwrap(), &agent::host_interface(port.id)).unwrap()?;
            Some((port.id, link.index))
        });
        let wanted = compiler::Compiler::default().full(&catalog, &attachments.collect());
        assert_ne!(present, wanted);
        datapath.apply(&tables::Delta::between(&present, &wanted)).unwrap();
    }
    let agent = net.agent(&options).await;
    near.write_all(b"y").unwrap();
    far.set_read_timeout(Some(Duration::from_millis(700))).unwrap();
    assert!(far.read(&mut [0]).is_err(), "a packet crossed a deleted peering");
    end(&agent, &options).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_instances_share_a_machine_and_leftovers_of_a_running_one_are_left_alone() {
    if !kernel_or_skip("two_instances_share_a_machine_and_leftovers_of_a_running_one_are_left_alone") {
        return;
    }
    let (first, second) = (options("twin"), options("twins"));
    let (net, other) = (Net::new().await, Net::new().await);
    let (agent, neighbour) = (net.agent(&first).await, other.agent(&second).await);
    let (_, subnet) = net.subnet(1).await;
    let one = net.server(subnet, "one", "10.1.0.10").await;
    let two = net.server(subnet, "two", "10.1.0.20").await;
    let (_, same) = other.subnet(1).await;
    let three = other.server(same, "one", "10.1.0.10").await;
    let four = other.server(same, "two", "10.1.0.20").await;
    net.settled(&agent).await;
    other.settled(&neighbour).await;
    reaches(&agent, one.id, two.id, "10.1.0.20").await;
    reaches(&neighbour, three.id, four.id, "10.1.0.20").await;
    let refused = agent::remove_leftovers(&first).unwrap_err();
    assert!(refused.to_string().contains("another process owns"), "{refused}");
    reaches(&agent, one.id, two.id, "10.1.0.20").await;

    agent.stop(false).await.unwrap();
    assert!(agent::suspend(&first).unwrap(), "packets of an instance that nobody follows");
    let inside = Namespace::open(&agent::namespace(&first.instance, &one)).unwrap();
    let out = netlink::probe::Probe::new(&inside, "10.1.0.20".parse().unwrap(), netlink::probe::Proto::Icmp);
    assert!(!netlink::probe::probe(&out.deadline(Duration::from_millis(300))).unwrap().replied);
    let agent = net.agent(&first).await;
    reaches(&agent, one.id, two.id, "10.1.0.20").await;
    agent.stop(false).await.unwrap();
    agent::remove_leftovers(&first).unwrap();
    assert_eq!(Namespace::list(&agent::namespace_prefix(&first.instance)).unwrap(), [] as [String; 0]);
    assert!(!first.bpffs.join(format!("causeway-{}", first.instance)).exists());
    reaches(&neighbour, three.id, four.id, "10.1.0.20").await;
    end(&neighbour, &second).await;
}
