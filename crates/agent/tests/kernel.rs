//! The agent on a real kernel: from use cases to packets, adoption, and a clean end.
#![allow(clippy::unwrap_used, reason = "a failure here is the failure of the test")]

mod common;

use agent::Agent;
use common::{Net, kernel_or_skip, options, ping};

#[tokio::test(flavor = "multi_thread")]
async fn a_use_case_becomes_packets_and_an_agent_takes_over_what_it_finds() {
    if !kernel_or_skip("a_use_case_becomes_packets_and_an_agent_takes_over_what_it_finds") {
        return;
    }
    let net = Net::new().await;
    let options = options("over");
    let agent = net.agent(&options).await;
    let (a, one) = net.vpc(1).await;
    let (b, two) = net.vpc(2).await;
    net.settled(&agent).await;
    let report = agent.probe(ping(one.id, two.id, "10.2.0.10")).await.unwrap();
    assert!(!report.replied && !report.delivered, "NET-5: {report:?}");

    let peering = net.peer(a, b).await;
    net.route(a, "10.2.0.0/16", peering).await;
    net.route(b, "10.1.0.0/16", peering).await;
    net.settled(&agent).await;
    let report = agent.probe(ping(one.id, two.id, "10.2.0.10")).await.unwrap();
    assert!(report.replied && report.delivered, "PEER-2: {report:?}");
    let drops = agent.drops().await.unwrap();
    assert!(drops.iter().any(|d| d.vpc == Some(a) && d.reason == "no_route"), "DIAG-5: {drops:?}");

    agent.stop(false).await.unwrap();
    let agent = net.agent(&options).await;
    let report = agent.probe(ping(two.id, one.id, "10.1.0.10")).await.unwrap();
    assert!(report.replied, "after a take-over: {report:?}");
    agent.stop(true).await.unwrap();
    let left = netlink::Namespace::list(&agent::namespace_prefix(&options.instance)).unwrap();
    assert!(left.is_empty(), "{left:?}");
    assert!(!options.bpffs.join(format!("causeway-{}", options.instance)).exists());
}

/// V6-1, V6-2, MTU-1, MTU-3: a workload has both addresses and gateways at once and the installation's MTU; IPv6 is off
/// where there is no address; a firewall forwards both families and sends no redirects.
#[tokio::test(flavor = "multi_thread")]
async fn a_dual_stack_workload_is_configured_for_both_families() {
    if !kernel_or_skip("a_dual_stack_workload_is_configured_for_both_families") {
        return;
    }
    let net = Net::new().await;
    let options = agent::Options { mtu: 1400, ..options("dual") };
    let agent = net.agent(&options).await;
    let (vpc, plain) = net.vpc(1).await;
    let (d, c) = (&net.driver, &net.caller);
    let request = control::CreateSubnet {
        ipv6: true,
        cidr_v6: Some("2001:db8:1::/64".parse().unwrap()),
        ..control::CreateSubnet::new(vpc, "dual", "10.1.9.0/24".parse().unwrap())
    };
    let subnet = d.execute(|k, x| control::create_subnet(k, c, x, request.clone())).await.unwrap().value.id;
    let port = control::CreatePort {
        ipv6: control::PortIpv6::Address("2001:db8:1::111".parse().unwrap()),
        ..control::CreatePort::new(subnet)
    };
    let request = control::CreateServer {
        name: "fw".to_owned(),
        kind: model::ServerKind::Firewall,
        vpc: None,
        port: control::ServerPort::New(port),
        availability_zone: String::new(),
    };
    let firewall = d.execute(|k, x| control::create_server(k, c, x, request.clone())).await.unwrap().value;
    net.settled(&agent).await;

    let inside =
        |server: &model::Server| netlink::Namespace::open(&agent::namespace(&options.instance, server)).unwrap();
    let (plain, firewall_inside) = (inside(&plain), inside(&firewall));
    let sysctl = |namespace: &netlink::Namespace, path: &str| netlink::read_sysctl_in(namespace, path).unwrap();
    assert_eq!(sysctl(&plain, "net/ipv6/conf/eth0/disable_ipv6"), "1");
    assert_eq!(sysctl(&plain, "net/ipv4/ip_forward"), "0");
    for (path, value) in [
        ("net/ipv6/conf/eth0/disable_ipv6", "0"),
        ("net/ipv6/conf/eth0/accept_ra", "0"),
        ("net/ipv6/conf/all/forwarding", "1"),
        ("net/ipv4/ip_forward", "1"),
        ("net/ipv4/conf/all/send_redirects", "0"),
        ("net/ipv4/conf/eth0/send_redirects", "0"),
    ] {
        assert_eq!(sysctl(&firewall_inside, path), value, "{path}");
    }
    let read =
        |file: &str| netlink::run_in(&firewall_inside, || std::fs::read_to_string(file).unwrap_or_default()).unwrap();
    // Address, prefix length 64, global, no flag but "permanent" (usable at once).
    let addresses = read("/proc/thread-self/net/if_inet6");
    let line = addresses.lines().find(|line| line.starts_with("20010db8000100000000000000000111")).unwrap();
    let fields: Vec<&str> = line.split_whitespace().collect();
    assert_eq!((fields[2], fields[3]), ("40", "00"), "{line}");
    assert_eq!(u32::from_str_radix(fields[4], 16).unwrap() & 0x40, 0, "not tentative: {line}");
    let routes = read("/proc/thread-self/net/ipv6_route");
    let gateway = "20010db8000100000000000000000001";
    let default = |line: &&str| line.starts_with(&"0".repeat(32)) && line.contains(gateway) && line.contains("eth0");
    assert_eq!(routes.lines().filter(default).count(), 1, "{routes}");

    let far = netlink::link(&firewall_inside, "eth0").unwrap().unwrap();
    let near = netlink::link(&netlink::Namespace::host().unwrap(), &agent::host_interface(firewall.port)).unwrap();
    assert_eq!((far.mtu, near.unwrap().mtu), (1400, 65_535), "larger packets reach the program");
    agent.stop(true).await.unwrap();
}
