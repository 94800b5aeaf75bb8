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
