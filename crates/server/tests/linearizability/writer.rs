//! One of many clients: does things by chance and writes down what came of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

use client::types::{
    FixedIp, PeeringCreate, PeeringVpc, PortCreate, RouteChanges, RouteDestination, RouteSpec, RouteTableUpdate,
    ServerCreate, VpcRouteCreate,
};
use client::{Client, Error, Method};
use serde_json::Value;

use crate::addresses::{self, FREE};
use crate::check::Call;
use crate::peerings::{self, Status};
use crate::world::{Pair, Random, Subnet, World};

/// Destinations of routes between two VPCs: few, so that calls meet.
const DESTINATIONS: usize = 4;

pub struct Writer<'a> {
    pub world: &'a World,
    pub random: Random,
    /// One for each account.
    pub clients: Vec<Client>,
    /// For names that nobody else gives.
    pub number: usize,
}

/// The destination of a route that the routes of a pair can have.
pub fn destination(pair: usize, number: u8) -> String {
    format!("172.{}.{number}.0/24", 20 + pair)
}

impl Writer<'_> {
    /// Does `count` things, or fewer if the time is up.
    pub async fn run(&mut self, count: usize, until: std::time::Instant) {
        for step in 0..count {
            if std::time::Instant::now() >= until {
                return;
            }
            if self.random.below(3) == 0 {
                let subnet = self.random.below(self.world.subnets.len());
                self.address(&self.world.subnets[subnet], step).await;
            } else {
                let pair = self.random.below(self.world.pairs.len());
                self.peering(pair, &self.world.pairs[pair]).await;
            }
        }
    }

    async fn peering(&mut self, number: usize, pair: &Pair) {
        let world = self.world;
        let end = self.random.below(2);
        let (here, there) = (&world.vpcs[pair.ends[end]], &world.vpcs[pair.ends[1 - end]]);
        // Mostly one of the two accounts; now and then a stranger.
        let by = match self.random.below(10) {
            0 => self.random.below(world.parties()),
            1..=4 => there.owner,
            _ => here.owner,
        };
        let known =
            pair.record.recent(&mut self.random).unwrap_or_else(|| "0".repeat(8) + "-0000-4000-8000-000000000000");
        let destination_number = u8::try_from(self.random.below(DESTINATIONS)).unwrap();
        let (own, caller) = (self.clients[here.owner].clone(), self.clients[by].clone());
        let began = world.now();
        let (op, answer) = match self.random.below(16) {
            0..=2 => {
                let request = PeeringCreate {
                    name: "p".to_owned(),
                    description: None,
                    request_vpc_info: PeeringVpc { vpc_id: here.id.clone(), tenant_id: here.project.clone() },
                    accept_vpc_info: PeeringVpc { vpc_id: there.id.clone(), tenant_id: there.project.clone() },
                };
                let made = own.create_peering(&request).await.map(|peering| {
                    pair.record.ids().push(peering.id.clone());
                    peerings::Answer::Made(peering.id)
                });
                (peerings::Op::Create { requester: here.owner, accepter: there.owner }, made)
            }
            3..=4 => {
                let done = caller.accept_peering(&known).await.map(|_| peerings::Answer::Done);
                (peerings::Op::Accept { id: known, by }, done)
            }
            5 => {
                let done = caller.reject_peering(&known).await.map(|_| peerings::Answer::Done);
                (peerings::Op::Reject { id: known, by }, done)
            }
            6..=7 => {
                let done = caller.delete_peering(&known).await.map(|()| peerings::Answer::Done);
                (peerings::Op::Delete { id: known, by }, done)
            }
            8..=9 => {
                let seen = caller.show_peering(&known).await.map(|peering| match peering.status.as_str() {
                    "PENDING_ACCEPTANCE" => peerings::Answer::Status(Status::Pending),
                    "ACTIVE" => peerings::Answer::Status(Status::Active),
                    "REJECTED" => peerings::Answer::Status(Status::Rejected),
                    other => panic!("a state that is none: {other}"),
                });
                (peerings::Op::Show { id: known, by }, seen)
            }
            10..=11 => {
                let spec = RouteSpec {
                    kind: "peering".to_owned(),
                    destination: destination(number, destination_number),
                    nexthop: known.clone(),
                    description: None,
                };
                let done = change_routes(&own, &here.table, vec![spec], Vec::new()).await;
                (peerings::Op::AddRoute { end, destination: destination_number, peering: known }, done)
            }
            12 => {
                let route = VpcRouteCreate {
                    kind: "peering".to_owned(),
                    nexthop: known.clone(),
                    destination: destination(number, destination_number),
                    vpc_id: here.id.clone(),
                };
                let made = own.create_vpc_route(&route).await.map(|route| {
                    pair.routes.ids().push(route.id.clone());
                    peerings::Answer::Made(route.id)
                });
                (peerings::Op::AddRoute { end, destination: destination_number, peering: known }, made)
            }
            13 => {
                let gone = RouteDestination { destination: destination(number, destination_number) };
                let done = change_routes(&own, &here.table, Vec::new(), vec![gone]).await;
                (peerings::Op::DropRoute { end, destination: destination_number }, done)
            }
            14 if pair.routes.ids().last().is_some() => {
                let id = pair.routes.recent(&mut self.random).unwrap();
                // A route is its owner's alone: the other account is told that there is none. So both are asked, and the
                // call is the one of whom it may be.
                let done = self.drop_route(pair, &id).await;
                (peerings::Op::DropRouteById { id }, done)
            }
            _ => {
                let seen = own.show_route_table(&here.table).await.map(|table| {
                    let mut seen = BTreeMap::new();
                    for route in table.routes {
                        if let Some(of) = (0..DESTINATIONS)
                            .map(|of| u8::try_from(of).unwrap())
                            .find(|of| destination(number, *of) == route.destination)
                        {
                            assert!(seen.insert(of, route.nexthop).is_none(), "a destination twice in a table");
                        }
                    }
                    peerings::Answer::Routes(seen)
                });
                (peerings::Op::Routes { end }, seen)
            }
        };
        let answer = self.answer(answer, peerings::Answer::Refused);
        pair.record.add(Call { op, answer, began, ended: world.now() });
    }

    /// Deletes a route by its id, as the account of one end and then as that of the other.
    async fn drop_route(&self, pair: &Pair, id: &str) -> Result<peerings::Answer, Error> {
        let [one, other] = pair.ends.map(|end| &self.clients[self.world.vpcs[end].owner]);
        match one.delete_vpc_route(id).await {
            Err(error) if error.cause() == Some("not_found") => other.delete_vpc_route(id).await,
            answer => answer,
        }
        .map(|()| peerings::Answer::Done)
    }

    async fn address(&mut self, subnet: &Subnet, step: usize) {
        let world = self.world;
        let client = self.clients[subnet.owner].clone();
        let wanted = (self.random.below(2) == 0).then(|| {
            let room = usize::from(FREE.end() - FREE.start()) + 1;
            FREE.start() + u8::try_from(self.random.below(room)).unwrap()
        });
        let text = wanted.map(|host| format!("{}{host}", subnet.prefix));
        let host = |address: &str| subnet.host(address);
        let (port, server) = (subnet.record.recent(&mut self.random), subnet.servers.recent(&mut self.random));
        let began = world.now();
        let (op, answer) = match (self.random.below(10), port, server) {
            (0..=2, _, _) => {
                let fixed_ips = text.map(|ip_address| FixedIp { ip_address, ..FixedIp::default() });
                let request = PortCreate {
                    network_id: subnet.id.clone(),
                    fixed_ips: fixed_ips.into_iter().collect(),
                    ..PortCreate::default()
                };
                let made = client.create_port(&request).await.map(|port| {
                    subnet.record.ids().push(port.id.clone());
                    addresses::Answer::Made { address: host(&port.fixed_ips[0].ip_address), id: port.id }
                });
                (addresses::Op::Create { address: wanted }, made)
            }
            (3..=4, _, _) => {
                let request = ServerCreate {
                    name: format!("s-{}-{step}", self.number),
                    subnet_id: subnet.id.clone(),
                    ip_address: text,
                    ..ServerCreate::default()
                };
                let made = client.create_server(&request).await.map(|server| {
                    subnet.servers.ids().push(server.id.clone());
                    addresses::Answer::Made { address: host(&server.ip_address), id: server.id }
                });
                (addresses::Op::Create { address: wanted }, made)
            }
            (5..=6, Some(id), _) => {
                let done = client.delete_port(&id).await.map(|()| addresses::Answer::Done);
                (addresses::Op::Delete { id }, done)
            }
            (7..=8, _, Some(id)) => {
                let done = client.delete_server(&id).await.map(|()| addresses::Answer::Done);
                (addresses::Op::Delete { id }, done)
            }
            _ => (addresses::Op::Held, held(&client, world.project(subnet.owner), subnet).await),
        };
        let answer = self.answer(answer, addresses::Answer::Refused);
        subnet.record.add(Call { op, answer, began, ended: world.now() });
    }

    /// The answer of a call that was answered. Anything but a refusal for a reason is a failure of the server.
    fn answer<A>(&self, answer: Result<A, Error>, refused: impl FnOnce(String) -> A) -> A {
        self.world.calls.fetch_add(1, Ordering::Relaxed);
        match answer {
            Ok(answer) => answer,
            Err(error) => {
                let cause = error.cause().map(str::to_owned);
                let cause = cause.unwrap_or_else(|| panic!("a call without an answer: {error}"));
                if cause == "busy" {
                    self.world.busy.fetch_add(1, Ordering::Relaxed);
                } else {
                    assert!(error.status().is_some_and(|status| status < 500), "the server failed: {error}");
                }
                refused(cause)
            }
        }
    }
}

/// The addresses that are held, by one page: several pages are no picture of one moment.
async fn held(client: &Client, project: &str, subnet: &Subnet) -> Result<addresses::Answer, Error> {
    let path = format!("/v1/{project}/ports");
    let query = [("network_id".to_owned(), subnet.id.clone()), ("limit".to_owned(), "2000".to_owned())];
    let page = client.request(Method::GET, &path, &query, None).await?;
    let ports = page["ports"].as_array().unwrap();
    let address = |port: &Value| subnet.host(port["fixed_ips"][0]["ip_address"].as_str().unwrap());
    let hosts: BTreeSet<_> = ports.iter().map(address).collect();
    assert_eq!(hosts.len(), ports.len(), "an address is held twice: {page}");
    Ok(addresses::Answer::Held(hosts))
}

async fn change_routes(
    client: &Client,
    table: &str,
    add: Vec<RouteSpec>,
    delete: Vec<RouteDestination>,
) -> Result<peerings::Answer, Error> {
    let routes = Some(RouteChanges { add, delete, modify: Vec::new() });
    let update = RouteTableUpdate { routes, ..RouteTableUpdate::default() };
    client.update_route_table(table, &update).await.map(|_| peerings::Answer::Done)
}
