//! What the tests of the agent share: a network made by use cases, and an agent that follows it.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::sync::Arc;
use std::time::Duration;

use agent::{Agent, KernelAgent, Options, Probe, ProbeService};
use control::{
    Caller, CreateAccount, CreatePeering, CreatePort, CreateServer, CreateSubnet, CreateVpc, Driver, NewRoute,
    ServerPort, Settings,
};
use model::{NextHopType, PeeringId, Server, ServerId, Site, SubnetId, VpcId};

/// An account's network.
pub struct Net {
    pub driver: Driver,
    pub caller: Caller,
}

impl Net {
    pub async fn new() -> Self {
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
    pub async fn vpc(&self, n: u8) -> (VpcId, Server) {
        let (vpc, subnet) = self.subnet(n).await;
        let server = self.server(subnet, &format!("w{n}"), &format!("10.{n}.0.10")).await;
        (vpc, server)
    }

    /// A VPC `10.n.0.0/16` with a subnet `10.n.0.0/24`.
    pub async fn subnet(&self, n: u8) -> (VpcId, SubnetId) {
        let (d, c) = (&self.driver, &self.caller);
        let request = CreateVpc {
            name: format!("v{n}"),
            cidr: Some(format!("10.{n}.0.0/16").parse().unwrap()),
            ..CreateVpc::default()
        };
        let vpc = d.execute(|k, x| control::create_vpc(k, c, x, request.clone())).await.unwrap().value;
        let request = CreateSubnet::new(vpc.id, format!("s{n}"), format!("10.{n}.0.0/24").parse().unwrap());
        let subnet = d.execute(|k, x| control::create_subnet(k, c, x, request.clone())).await.unwrap().value;
        (vpc.id, subnet.id)
    }

    /// A server at an address.
    pub async fn server(&self, subnet: SubnetId, name: &str, address: &str) -> Server {
        let port = CreatePort { address: Some(address.parse().unwrap()), ..CreatePort::new(subnet) };
        self.server_at(name, ServerPort::New(port)).await
    }

    /// A server at a port.
    pub async fn server_at(&self, name: &str, port: ServerPort) -> Server {
        let (d, c) = (&self.driver, &self.caller);
        let request = CreateServer {
            name: name.to_owned(),
            kind: model::ServerKind::Ecs,
            vpc: None,
            port,
            availability_zone: String::new(),
        };
        d.execute(|k, x| control::create_server(k, c, x, request.clone())).await.unwrap().value
    }

    pub async fn delete(&self, server: &Server) {
        let (d, c) = (&self.driver, &self.caller);
        d.execute(|k, x| control::delete_server(k, c, x, server.id)).await.unwrap();
    }

    pub async fn stop(&self, server: &Server) {
        let (d, c) = (&self.driver, &self.caller);
        d.execute(|k, x| control::stop_server(k, c, x, server.id)).await.unwrap();
    }

    pub async fn start(&self, server: &Server) {
        let (d, c) = (&self.driver, &self.caller);
        d.execute(|k, x| control::start_server(k, c, x, server.id)).await.unwrap();
    }

    pub fn revision(&self) -> u64 {
        self.driver.catalog().revision().0
    }

    /// Starts an agent that follows.
    pub async fn agent(&self, options: &Options) -> Arc<KernelAgent> {
        let updates = self.driver.watch();
        let (catalog, options) = (updates.catalog().clone(), options.clone());
        let started = tokio::task::spawn_blocking(move || KernelAgent::start(&options, &catalog)).await.unwrap();
        let (agent, feed) = started.unwrap();
        follow(updates, feed);
        agent
    }

    /// Waits until everything is in force.
    pub async fn settled(&self, agent: &KernelAgent) {
        agent.settled(self.revision()).await.unwrap();
    }

    pub async fn peer(&self, a: VpcId, b: VpcId) -> PeeringId {
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

    pub async fn route(&self, vpc: VpcId, destination: &str, peering: PeeringId) {
        let (d, c) = (&self.driver, &self.caller);
        let table = d.catalog().vpc(vpc).unwrap().default_route_table;
        let update = control::UpdateRouteTable {
            add: vec![NewRoute::new(destination.parse().unwrap(), NextHopType::Peering, peering)],
            ..control::UpdateRouteTable::default()
        };
        d.execute(|k, x| control::update_route_table(k, c, x, table, update.clone())).await.unwrap();
    }
}

fn follow(mut updates: control::Subscription, feed: agent::Feed) {
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

pub fn ping(from: ServerId, to: ServerId, address: &str) -> Probe {
    Probe {
        from,
        address: address.parse().unwrap(),
        intended: Some(to),
        service: ProbeService::Icmp,
        timeout: Duration::from_millis(500),
    }
}

/// Options of an instance that no other test has.
pub fn options(test: &str) -> Options {
    Options::new(&format!("t{}{test}", std::process::id()))
}

/// Whether there is a kernel data plane; says loudly when not.
pub fn kernel_or_skip(test: &str) -> bool {
    if let Err(missing) = agent::kernel_supported() {
        eprintln!("SKIPPED {test}: needs root and BPF: {missing}");
        return false;
    }
    true
}
