//! The agent on a real kernel: from use cases to packets, adoption, and a clean end.
#![allow(clippy::unwrap_used, reason = "a failure here is the failure of the test")]

use std::sync::Arc;
use std::time::Duration;

use agent::{Agent, KernelAgent, Options, Probe, ProbeService};
use control::{
    Caller, CreateAccount, CreatePeering, CreatePort, CreateServer, CreateSubnet, CreateVpc, Driver, NewRoute,
    ServerPort, Settings,
};
use model::{NextHopType, PeeringId, Server, ServerId, Site, VpcId};

struct Net {
    driver: Driver,
    caller: Caller,
}

impl Net {
    async fn new() -> Self {
        let store = store::Store::memory(store::Options::default());
        let (driver, follower) = Driver::open(store, Settings::default()).await.unwrap();
        tokio::spawn(follower.run());
        let request =
            CreateAccount { name: "a".into(), site: Site::Cn, user_name: "a".into(), password_hash: "none".into() };
        let made = driver.execute(|c, x| control::create_bootstrap_account(c, x, request.clone())).await.unwrap().value;
        let caller =
            Caller { account: made.account.id, user: made.user.id, project: Some(made.projects[0].id), operator: true };
        Self { driver, caller }
    }

    /// A VPC `10.n.0.0/16` with a subnet and a server at `.10`.
    async fn vpc(&self, n: u8) -> (VpcId, Server) {
        let (d, c) = (&self.driver, &self.caller);
        let request = CreateVpc {
            name: format!("v{n}"),
            cidr: Some(format!("10.{n}.0.0/16").parse().unwrap()),
            ..CreateVpc::default()
        };
        let vpc = d.execute(|k, x| control::create_vpc(k, c, x, request.clone())).await.unwrap().value;
        let request = CreateSubnet::new(vpc.id, format!("s{n}"), format!("10.{n}.0.0/24").parse().unwrap());
        let subnet = d.execute(|k, x| control::create_subnet(k, c, x, request.clone())).await.unwrap().value;
        let address = Some(format!("10.{n}.0.10").parse().unwrap());
        let request = CreateServer {
            name: format!("w{n}"),
            kind: model::ServerKind::Ecs,
            vpc: None,
            port: ServerPort::New(CreatePort { address, ..CreatePort::new(subnet.id) }),
            availability_zone: String::new(),
        };
        let server = d.execute(|k, x| control::create_server(k, c, x, request.clone())).await.unwrap().value;
        (vpc.id, server)
    }

    async fn peer(&self, a: VpcId, b: VpcId) -> PeeringId {
        let (d, c) = (&self.driver, &self.caller);
        let request = CreatePeering {
            name: "p".into(),
            description: String::new(),
            local_vpc: a,
            local_project: None,
            peer_vpc: b,
            peer_project: None,
        };
        d.execute(|k, x| control::create_peering(k, c, x, request.clone())).await.unwrap().value.id
    }

    async fn route(&self, vpc: VpcId, destination: &str, peering: PeeringId) {
        let (d, c) = (&self.driver, &self.caller);
        let table = d.catalog().vpc(vpc).unwrap().default_route_table;
        let update = control::UpdateRouteTable {
            add: vec![NewRoute::new(destination.parse().unwrap(), NextHopType::Peering, peering)],
            ..control::UpdateRouteTable::default()
        };
        d.execute(|k, x| control::update_route_table(k, c, x, table, update.clone())).await.unwrap();
    }
}

fn follow(driver: &Driver, feed: agent::Feed) {
    let mut updates = driver.watch();
    tokio::spawn(async move {
        while let Some(update) = updates.next().await {
            let update = match update {
                control::Update::Changes { catalog, changes } => {
                    agent::Update { catalog, changes: Some(changes.to_vec()) }
                }
                control::Update::Resync { catalog } => agent::Update { catalog, changes: None },
            };
            if !feed.push(update) {
                return;
            }
        }
    });
}

fn ping(from: ServerId, to: ServerId, address: &str) -> Probe {
    Probe {
        from,
        address: address.parse().unwrap(),
        intended: Some(to),
        service: ProbeService::Icmp,
        timeout: Duration::from_millis(500),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_use_case_becomes_packets_and_an_agent_takes_over_what_it_finds() {
    if let Err(missing) = agent::kernel_supported() {
        eprintln!("SKIPPED: needs root and BPF: {missing}");
        return;
    }
    let net = Net::new().await;
    let options = Options::new(&format!("t{}", std::process::id()));
    let catalog = net.driver.catalog();
    let start = {
        let options = options.clone();
        move |catalog: Arc<catalog::Catalog>| {
            let options = options.clone();
            tokio::task::spawn_blocking(move || KernelAgent::start(&options, &catalog).unwrap())
        }
    };
    let (agent, feed) = start(catalog).await.unwrap();
    follow(&net.driver, feed);
    let (a, one) = net.vpc(1).await;
    let (b, two) = net.vpc(2).await;
    let revision = || net.driver.catalog().revision().0;
    agent.settled(revision()).await.unwrap();
    let report = agent.probe(ping(one.id, two.id, "10.2.0.10")).await.unwrap();
    assert!(!report.replied && !report.delivered, "NET-5: {report:?}");

    let peering = net.peer(a, b).await;
    net.route(a, "10.2.0.0/16", peering).await;
    net.route(b, "10.1.0.0/16", peering).await;
    agent.settled(revision()).await.unwrap();
    let report = agent.probe(ping(one.id, two.id, "10.2.0.10")).await.unwrap();
    assert!(report.replied && report.delivered, "PEER-2: {report:?}");
    let drops = agent.drops().await.unwrap();
    assert!(drops.iter().any(|d| d.vpc == Some(a) && d.reason == "no_route"), "DIAG-5: {drops:?}");

    agent.stop(false).await.unwrap();
    let (agent, _feed) = start(net.driver.catalog()).await.unwrap();
    let report = agent.probe(ping(two.id, one.id, "10.1.0.10")).await.unwrap();
    assert!(report.replied, "after a take-over: {report:?}");
    agent.stop(true).await.unwrap();
    let left = netlink::Namespace::list(&agent::namespace_prefix(&options.instance)).unwrap();
    assert!(left.is_empty(), "{left:?}");
    assert!(!options.bpffs.join(format!("causeway-{}", options.instance)).exists());
}
