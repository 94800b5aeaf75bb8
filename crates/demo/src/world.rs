//! The installation that the story happens in: the server, the callers, the objects by their names.

use std::collections::BTreeMap;

use client::types::{
    AccountCreate, AccountCreated, Peering, PeeringCreate, PeeringVpc, ProbeAnswer, ProbeRequest, Protocol,
    ReachRequest, RouteChanges, RouteSpec, RouteTableUpdate, Target, TraceAnswer, TraceRequest,
};
use client::{Client, ClientConfig};
use server::RunningServer;
use suite::{Access, AccountAccess, Applied, ApplyOptions, Placed, Scenario, apply};

use crate::DemoError;
use crate::actors::Actors;
use crate::database::Databases;
use crate::error::api;
use crate::matrix::Matrix;
use crate::topology::{ACCOUNT_A, ACCOUNT_B, Topology};

/// How long to wait for a reply that should not come, in milliseconds.
const SHORT_MS: u64 = 300;
/// How long to wait for a reply that should come, or when packets and tracer disagree.
const LONG_MS: u64 = 1000;
/// So often a request is sent at most when its reply is missing.
const TRIES: usize = 3;

/// The installation.
pub(crate) struct World {
    pub(crate) server: RunningServer,
    pub(crate) topology: Topology,
    pub(crate) actors: Actors,
    pub(crate) databases: Databases,
    pub(crate) applied: Applied,
    /// Account A with its secrets, once it is made.
    pub(crate) account_a: Option<AccountCreated>,
    operator: Client,
    access: Access,
}

/// A client that calls as the operator.
pub(crate) fn operator(server: &RunningServer) -> Result<Client, DemoError> {
    let credentials = server.credentials();
    let config = ClientConfig {
        endpoint: credentials.endpoint.clone(),
        access_key: credentials.access_key.clone(),
        secret_key: credentials.secret_key.clone(),
        ..ClientConfig::default()
    };
    Client::new(config).map_err(api("use the server's address"))
}

/// What the tracer says of a packet and what became of one that was sent.
pub(crate) struct Finding {
    pub(crate) trace: TraceAnswer,
    /// Whether the request arrived where it should and the reply came back; none without packets.
    pub(crate) measured: Option<bool>,
    pub(crate) probe: Option<ProbeAnswer>,
}

impl World {
    /// Around a server that was just started, which `operator` calls.
    pub(crate) fn new(server: RunningServer, operator: Client, topology: Topology, databases: Databases) -> Self {
        Self {
            access: Access::new(operator.clone(), false),
            operator,
            topology,
            actors: Actors::default(),
            databases,
            applied: Applied::default(),
            account_a: None,
            server,
        }
    }

    /// Makes both accounts.
    pub(crate) async fn make_accounts(&mut self) -> Result<(), DemoError> {
        for name in [ACCOUNT_A, ACCOUNT_B] {
            let wanted = AccountCreate { name: name.to_owned(), site: Some(self.topology.defaults.site.clone()) };
            let made = self.operator.create_account(&wanted).await.map_err(api(format!("make account {name}")))?;
            self.access.add(name, AccountAccess::from(&made));
            if name == ACCOUNT_A {
                self.account_a = Some(made);
            }
        }
        Ok(())
    }

    /// Makes VPCs, subnets and servers as a scenario says, and opens the servers' namespaces.
    pub(crate) async fn build(&mut self, scenario: &Scenario) -> Result<(), DemoError> {
        let mut options = ApplyOptions { dry_run: false, on_change: &mut |_| {}, on_account: &mut |_, _| {} };
        let done = apply(&mut self.access, scenario, &self.topology.defaults, &mut options).await.map_err(Box::new)?;
        for (name, placed) in &done.servers {
            let made = self.client(&placed.account)?.show_server(&placed.id).await;
            let made = made.map_err(api(format!("read server {name}")))?;
            if let Some(namespace) = &made.namespace {
                self.actors.add(name, namespace)?;
            }
        }
        self.applied.vpcs.extend(done.vpcs);
        self.applied.subnets.extend(done.subnets);
        self.applied.tables.extend(done.tables);
        self.applied.servers.extend(done.servers);
        Ok(())
    }

    /// Calls as an account.
    pub(crate) fn client(&self, account: &str) -> Result<Client, DemoError> {
        Ok(self.access.client(account, &self.topology.defaults.region).map_err(Box::new)?)
    }

    /// The address of a server of the topology.
    pub(crate) fn address(&self, server: &str) -> &str {
        let all = self.topology.account_a.workloads.iter().chain(&self.topology.account_b.workloads);
        let found = all.into_iter().find(|workload| workload.name == server);
        found.and_then(|workload| workload.ip.as_deref()).unwrap_or_default()
    }

    /// Whether packets flow.
    pub(crate) fn has_packets(&self) -> bool {
        self.server.is_kernel()
    }

    /// Requests a peering connection as the owner of `local`.
    pub(crate) async fn request_peering(&mut self, name: &str, local: &str, peer: &str) -> Result<Peering, DemoError> {
        let local = find(&self.applied.vpcs, local)?.clone();
        let peer = find(&self.applied.vpcs, peer)?.clone();
        let tenant_id = if local.account == peer.account {
            String::new()
        } else {
            self.access.project(&peer.account, &peer.region).map_err(Box::new)?.to_owned()
        };
        let request = PeeringCreate {
            name: name.to_owned(),
            description: None,
            request_vpc_info: PeeringVpc { vpc_id: local.id.clone(), tenant_id: String::new() },
            accept_vpc_info: PeeringVpc { vpc_id: peer.id, tenant_id },
        };
        let made = self.client(&local.account)?.create_peering(&request).await;
        let made = made.map_err(api(format!("create {name}")))?;
        self.applied.peerings.insert(name.to_owned(), Placed { id: made.id.clone(), ..local });
        Ok(made)
    }

    /// The id of a peering connection of the story.
    pub(crate) fn peering(&self, name: &str) -> Result<&str, DemoError> {
        Ok(find(&self.applied.peerings, name)?.id.as_str())
    }

    /// Adds a route into a peering connection to a VPC's default table, as the VPC's owner.
    pub(crate) async fn add_route(&self, vpc: &str, destination: &str, peering: &str) -> Result<(), DemoError> {
        let table = find(&self.applied.tables, &Scenario::default_table(vpc))?;
        let route = RouteSpec {
            kind: "peering".to_owned(),
            destination: destination.to_owned(),
            nexthop: self.peering(peering)?.to_owned(),
            description: None,
        };
        let changes = RouteChanges { add: vec![route], ..RouteChanges::default() };
        let update = RouteTableUpdate { routes: Some(changes), ..RouteTableUpdate::default() };
        let updated = self.client(&table.account)?.update_route_table(&table.id, &update).await;
        updated.map(drop).map_err(api(format!("add the route {destination} of {vpc}")))
    }

    /// Destinations of the routes of a VPC's default table that lead into a peering connection.
    pub(crate) async fn routes_into(&self, vpc: &str, peering: &str) -> Result<Vec<String>, DemoError> {
        let table = find(&self.applied.tables, &Scenario::default_table(vpc))?;
        let id = self.peering(peering)?;
        let now = self.client(&table.account)?.show_route_table(&table.id).await;
        let now = now.map_err(api(format!("read the route table of {vpc}")))?;
        Ok(now.routes.into_iter().filter(|route| route.nexthop == id).map(|route| route.destination).collect())
    }

    /// Traces a packet, and sends an echo request where packets flow: other ports are the databases'. `hoped` says
    /// whether a missing reply is worth another try.
    pub(crate) async fn look(
        &self,
        from: &str,
        to: &str,
        protocol: Protocol,
        port: Option<u16>,
        hoped: bool,
    ) -> Result<Finding, DemoError> {
        let what = format!("{from} → {to}");
        let (from, to) = (find(&self.applied.servers, from)?, find(&self.applied.servers, to)?);
        let (from, to) = (from.id.clone(), Target::server(&to.id));
        let request = TraceRequest { from: from.clone(), to: to.clone(), protocol, port };
        let trace = self.operator.trace(&request).await.map_err(api(format!("trace {what}")))?;
        if !self.has_packets() || protocol != Protocol::Icmp {
            return Ok(Finding { trace, measured: None, probe: None });
        }
        let timeout_ms = Some(if hoped { LONG_MS } else { SHORT_MS });
        let request = ProbeRequest { from, to, protocol, port, timeout_ms };
        let mut probe = self.operator.probe(&request).await.map_err(api(format!("send packets {what}")))?;
        for _ in 1..TRIES {
            if !hoped || arrived(&probe) {
                break;
            }
            probe = self.operator.probe(&request).await.map_err(api(format!("send packets {what}")))?;
        }
        Ok(Finding { trace, measured: Some(arrived(&probe)), probe: Some(probe) })
    }

    /// Who reaches whom with echo requests. A pair that packets and tracer disagree on is tried again: a reply can be
    /// late on a busy machine.
    pub(crate) async fn matrix(&self, servers: &[&str]) -> Result<Matrix, DemoError> {
        let mut ids = Vec::new();
        for server in servers {
            ids.push(find(&self.applied.servers, server)?.id.clone());
        }
        let request = ReachRequest { servers: ids.clone(), measure: self.has_packets(), ..ReachRequest::default() };
        let answer = self.operator.reach(&request).await.map_err(api("measure who reaches whom"))?;
        let name = |id: &str| ids.iter().position(|own| own == id).and_then(|index| servers.get(index)).copied();
        let names = servers.iter().map(|name| (*name).to_owned()).collect();
        let mut matrix = Matrix { names, cells: BTreeMap::new() };
        for cell in answer.matrix {
            let (Some(from), Some(to)) = (name(&cell.from), name(&cell.to)) else { continue };
            if from == to {
                continue;
            }
            let mut measured = cell.measured.map(|measured| measured.reachable);
            if measured == Some(false) && cell.traced.reachable {
                measured = self.look(from, to, Protocol::Icmp, None, true).await?.measured;
            }
            matrix.cells.insert((from.to_owned(), to.to_owned()), (measured, cell.traced.reachable));
        }
        Ok(matrix)
    }
}

/// Whether the request arrived where it should and the reply came back.
fn arrived(probe: &ProbeAnswer) -> bool {
    probe.replied && probe.delivered
}

fn find<'a>(objects: &'a BTreeMap<String, Placed>, name: &str) -> Result<&'a Placed, DemoError> {
    objects.get(name).ok_or_else(|| DemoError::Topology(format!("there is no {name}")))
}
