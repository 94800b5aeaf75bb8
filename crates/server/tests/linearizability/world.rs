//! A server with three accounts, and what their clients work on.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

use client::types::{AccountCreate, SubnetCreate, VpcCreate};
use client::{Client, ClientConfig};
use server::{DatapathChoice, FileConfig, RunningServer, ServerOptions};

use crate::peerings::Party;
use crate::{addresses, check, peerings};

pub type PeeringCall = check::Call<peerings::Op, peerings::Answer>;
pub type AddressCall = check::Call<addresses::Op, addresses::Answer>;

/// Numbers from a seed (SplitMix64).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        (!items.is_empty()).then(|| &items[self.below(items.len())])
    }
}

/// A VPC and its default route table.
pub struct Vpc {
    pub id: String,
    pub project: String,
    pub owner: Party,
    pub table: String,
}

/// What was done with some objects, and the ids that were seen on the way: those of the dead are worth asking for too.
pub struct Record<C> {
    calls: Mutex<Vec<C>>,
    ids: Mutex<Vec<String>>,
}

impl<C> Default for Record<C> {
    fn default() -> Self {
        Self { calls: Mutex::default(), ids: Mutex::default() }
    }
}

impl<C: Clone> Record<C> {
    pub fn add(&self, call: C) {
        self.calls.lock().unwrap().push(call);
    }

    pub fn calls(&self) -> Vec<C> {
        self.calls.lock().unwrap().clone()
    }

    pub fn ids(&self) -> MutexGuard<'_, Vec<String>> {
        self.ids.lock().unwrap()
    }

    /// One of the last few ids.
    pub fn recent(&self, random: &mut Random) -> Option<String> {
        let ids = self.ids();
        let start = ids.len().saturating_sub(4);
        random.pick(&ids[start..]).cloned()
    }
}

/// Two VPCs, their peerings and the routes into these.
pub struct Pair {
    pub ends: [usize; 2],
    pub record: Record<PeeringCall>,
    /// Ids of routes that were told.
    pub routes: Record<()>,
}

/// A subnet with room for eleven.
pub struct Subnet {
    pub id: String,
    pub owner: Party,
    /// `10.1.0.`
    pub prefix: String,
    pub record: Record<AddressCall>,
    /// Ids of servers; those in `record` are of ports.
    pub servers: Record<()>,
}

impl Subnet {
    /// The last byte of an address of the subnet.
    pub fn host(&self, address: &str) -> addresses::Host {
        address.strip_prefix(&self.prefix).and_then(|host| host.parse().ok()).unwrap()
    }
}

pub struct World {
    pub endpoint: String,
    /// Access key, secret key, project.
    keys: Vec<(String, String, String)>,
    pub vpcs: Vec<Vpc>,
    pub pairs: Vec<Pair>,
    pub subnets: Vec<Subnet>,
    clock: AtomicU64,
    pub calls: AtomicU64,
    pub busy: AtomicU64,
}

/// The owners of the VPCs, and which of them are joined.
const OWNERS: [Party; 5] = [0, 0, 1, 1, 2];
const PAIRS: [[usize; 2]; 6] = [[0, 2], [0, 3], [1, 2], [0, 1], [2, 4], [0, 4]];

impl World {
    pub async fn start(data: &std::path::Path) -> (RunningServer, Self) {
        let running = server::start(ServerOptions {
            data: data.to_owned(),
            listen: "127.0.0.1:0".parse().unwrap(),
            tls: None,
            datapath: DatapathChoice::Sim,
            config: FileConfig::default(),
        });
        let running = running.await.unwrap();
        let own = running.credentials();
        let endpoint = running.endpoint().to_owned();
        let mut keys = vec![(own.access_key.clone(), own.secret_key.clone(), own.projects.first().unwrap().id.clone())];
        let operator = client(&endpoint, &keys[0]);
        for name in ["account-b", "account-c"] {
            let request = AccountCreate { name: name.to_owned(), ..AccountCreate::default() };
            let made = operator.create_account(&request).await.unwrap();
            let project = made.projects.iter().find(|project| project.name == own.projects[0].name).unwrap();
            keys.push((made.access_key.access, made.access_key.secret, project.id.clone()));
        }
        let mut world = Self {
            endpoint,
            keys,
            vpcs: Vec::new(),
            pairs: PAIRS.map(|ends| Pair { ends, record: Record::default(), routes: Record::default() }).into(),
            subnets: Vec::new(),
            clock: AtomicU64::new(1),
            calls: AtomicU64::new(0),
            busy: AtomicU64::new(0),
        };
        for (number, owner) in OWNERS.into_iter().enumerate() {
            let client = world.client(owner);
            let cidr = format!("10.{number}.0.0/16");
            let vpc = VpcCreate { name: format!("vpc-{number}"), cidr, ..VpcCreate::default() };
            let vpc = client.create_vpc(&vpc).await.unwrap();
            let filter = client::types::RouteTableFilter { vpc_id: Some(vpc.id.clone()), ..Default::default() };
            let table =
                client.list_route_tables(&filter).await.unwrap().into_iter().find(|table| table.default).unwrap();
            if number < 3 {
                let prefix = format!("10.{number}.0.");
                let subnet = SubnetCreate {
                    name: format!("subnet-{number}"),
                    cidr: format!("{prefix}0/28"),
                    gateway_ip: format!("{prefix}1"),
                    vpc_id: vpc.id.clone(),
                    ..SubnetCreate::default()
                };
                let id = client.create_subnet(&subnet).await.unwrap().id;
                let (record, servers) = (Record::default(), Record::default());
                world.subnets.push(Subnet { id, owner, prefix, record, servers });
            }
            let project = world.keys[owner].2.clone();
            world.vpcs.push(Vpc { id: vpc.id, project, owner, table: table.id });
        }
        (running, world)
    }

    /// A client of an account with connections of its own.
    pub fn client(&self, party: Party) -> Client {
        client(&self.endpoint, &self.keys[party])
    }

    pub fn project(&self, party: Party) -> &str {
        &self.keys[party].2
    }

    pub fn parties(&self) -> usize {
        self.keys.len()
    }

    /// The next moment.
    pub fn now(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::SeqCst)
    }
}

fn client(endpoint: &str, (access, secret, project): &(String, String, String)) -> Client {
    Client::new(ClientConfig {
        endpoint: endpoint.to_owned(),
        access_key: access.clone(),
        secret_key: secret.clone(),
        project_id: Some(project.clone()),
        ..ClientConfig::default()
    })
    .unwrap()
}
