//! `kill -9` of the server at any moment of API writes: the next start has everything that was acknowledged, and the
//! kernel has what the store says, no more and no less. Also bursts of writes.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failure here is the failure of the test")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, UNIX_EPOCH};

use client::types::{
    EventFilter, PeeringCreate, PeeringFilter, PeeringVpc, ServerCreate, ServerFilter, SubnetCreate, VpcCreate,
    VpcRouteCreate, VpcRouteFilter,
};
use client::{Client, Error};
use common::{TestServer, kernel_or_skip, wait_for};
use netlink::Namespace;

/// What was acknowledged: ids of objects that must be there (`true`) or must not (`false`). One whose call was cut off
/// is in neither state.
type Acknowledged = Arc<Mutex<BTreeMap<String, bool>>>;

/// A peering, two VPCs to write routes in, and two to join and part.
struct Ground {
    vpcs: Vec<String>,
    subnet: String,
    peering: String,
}

async fn subnet(client: &Client, n: usize) -> (String, String) {
    let vpc = VpcCreate { name: format!("v{n}"), cidr: format!("10.{n}.0.0/16"), ..VpcCreate::default() };
    let vpc = client.create_vpc(&vpc).await.unwrap();
    let subnet = SubnetCreate {
        name: format!("s{n}"),
        cidr: format!("10.{n}.0.0/20"),
        gateway_ip: format!("10.{n}.0.1"),
        vpc_id: vpc.id.clone(),
        ..SubnetCreate::default()
    };
    (vpc.id, client.create_subnet(&subnet).await.unwrap().id)
}

fn peering(name: &str, from: &str, to: &str) -> PeeringCreate {
    let end = |vpc: &str| PeeringVpc { vpc_id: vpc.to_owned(), ..PeeringVpc::default() };
    PeeringCreate {
        name: name.to_owned(),
        request_vpc_info: end(from),
        accept_vpc_info: end(to),
        ..PeeringCreate::default()
    }
}

impl Ground {
    async fn lay(client: &Client) -> Self {
        let (mut vpcs, mut subnets) = (Vec::new(), Vec::new());
        for n in 0..4 {
            let (vpc, subnet) = subnet(client, n).await;
            vpcs.push(vpc);
            subnets.push(subnet);
        }
        let peering = client.create_peering(&peering("kept", &vpcs[0], &vpcs[1])).await.unwrap().id;
        Self { vpcs, subnet: subnets.remove(0), peering }
    }
}

/// Makes and deletes until the server is gone. A refusal is a defect.
async fn churn(client: Client, ground: Arc<Ground>, kind: usize, known: Acknowledged) -> Result<(), Error> {
    let mut mine = Vec::new();
    for turn in 0.. {
        let id = match kind {
            0 | 1 => {
                let server = ServerCreate {
                    name: format!("w{kind}-{turn}"),
                    subnet_id: ground.subnet.clone(),
                    ..ServerCreate::default()
                };
                client.create_server(&server).await?.id
            }
            2 => {
                let route = VpcRouteCreate {
                    kind: "peering".to_owned(),
                    nexthop: ground.peering.clone(),
                    destination: format!("192.168.{}.0/24", unique(turn)),
                    vpc_id: ground.vpcs[0].clone(),
                };
                client.create_vpc_route(&route).await?.id
            }
            _ => client.create_peering(&peering("now-and-then", &ground.vpcs[2], &ground.vpcs[3])).await?.id,
        };
        known.lock().unwrap().insert(id.clone(), true);
        mine.push(id);
        // Of peerings there can be one, of the others some stay.
        if mine.len() > if kind == 3 { 0 } else { 2 } {
            let id = mine.remove(0);
            known.lock().unwrap().remove(&id);
            match kind {
                0 | 1 => client.delete_server(&id).await?,
                2 => client.delete_vpc_route(&id).await?,
                _ => client.delete_peering(&id).await?,
            }
            known.lock().unwrap().insert(id, false);
        }
    }
    Ok(())
}

fn unique(turn: usize) -> usize {
    turn % 200
}

/// Ids of everything that [`churn`] makes.
async fn everything(client: &Client) -> BTreeSet<String> {
    let servers = client.list_servers(&ServerFilter::default()).await.unwrap().into_iter().map(|s| s.id);
    let routes = client.list_vpc_routes(&VpcRouteFilter::default()).await.unwrap().into_iter().map(|r| r.id);
    let peerings = client.list_peerings(&PeeringFilter::default()).await.unwrap().into_iter().map(|p| p.id);
    servers.chain(routes).chain(peerings).collect()
}

/// What the audit log says since an event of the objects that [`churn`] makes: whether each is still there.
async fn told(client: &Client, last: &mut Option<String>) -> BTreeMap<String, bool> {
    let filter = EventFilter { after: last.clone(), result: Some("success".to_owned()), ..EventFilter::default() };
    let mut events = client.with_project("").list_events(&filter, usize::MAX).await.unwrap();
    events.reverse();
    if let Some(event) = events.last() {
        *last = Some(event.id.clone());
    }
    let changes = events.into_iter().flat_map(|event| event.changes);
    let changes = changes.filter(|change| ["server", "route", "peering"].contains(&change.kind.as_str()));
    changes.map(|change| (change.id, change.change != "deleted")).collect()
}

/// Deletes what the last round left, so that each begins alike.
async fn clear(client: &Client, ground: &Ground) {
    for server in client.list_servers(&ServerFilter::default()).await.unwrap() {
        client.delete_server(&server.id).await.unwrap();
    }
    let custom = client.list_vpc_routes(&VpcRouteFilter::default()).await.unwrap();
    for route in custom.into_iter().filter(|route| route.kind == "peering") {
        client.delete_vpc_route(&route.id).await.unwrap();
    }
    for peering in client.list_peerings(&PeeringFilter::default()).await.unwrap() {
        if peering.id != ground.peering {
            client.delete_peering(&peering.id).await.unwrap();
        }
    }
}

/// Compares the kernel with the store of a server that does not run.
async fn kernel_equals_store(server: &TestServer) {
    let store = store::Store::open(server.data.path().join("causeway.redb"), store::Options::default()).await.unwrap();
    let catalog = catalog::Catalog::from_snapshot(&store.snapshot().await.unwrap()).unwrap();
    store.close().await.unwrap();
    let instance = server.instance();

    let names: BTreeSet<String> = catalog.servers().map(|server| agent::namespace(&instance, server)).collect();
    let found: BTreeSet<String> = Namespace::list(&agent::namespace_prefix(&instance)).unwrap().into_iter().collect();
    assert_eq!(found, names, "namespaces");

    let alias = format!("causeway:{instance}:");
    let links = netlink::links(&Namespace::host().unwrap(), "cw").unwrap();
    let mut links: BTreeMap<String, u32> = links
        .into_iter()
        .filter(|link| link.alias.as_deref().is_some_and(|a| a.starts_with(&alias)))
        .map(|link| (link.name, link.index))
        .collect();
    let ports = catalog.servers().filter_map(|server| catalog.port(server.port));
    let attachments = ports.map(|port| (port.id, links.remove(&agent::host_interface(port.id)).expect("a link")));
    let wanted = compiler::Compiler::default().full(&catalog, &attachments.collect());
    assert!(links.is_empty(), "links of nobody: {links:?}");
    let datapath = datapath::Datapath::open(&datapath::Options::new(&instance)).unwrap();
    assert_eq!(datapath.snapshot().unwrap(), wanted, "tables");
    let attached = datapath.links().unwrap();
    assert!(attached.values().all(|state| matches!(state, datapath::LinkState::Attached(_))), "{attached:?}");
    assert_eq!(attached.len(), names.len(), "programs on links");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_comes_back_with_all_that_it_acknowledged() {
    let kernel = kernel_or_skip("the part of a_killed_server_comes_back_with_all_that_it_acknowledged with packets");
    let kills = if std::env::var_os("CAUSEWAY_SOAK").is_some() { 200 } else { 20 };
    let seed = std::env::var("CAUSEWAY_SEED").ok().and_then(|s| s.parse().ok());
    let mut random: u64 = seed.unwrap_or_else(|| UNIX_EPOCH.elapsed().unwrap().subsec_nanos().into());
    println!("CAUSEWAY_SEED={random}");
    let mut server = TestServer::start(if kernel { "kernel" } else { "sim" });
    let ground = Arc::new(Ground::lay(&server.client()).await);
    let mut last_event = None;
    for kill in 0..kills {
        let known = Acknowledged::default();
        let client = server.client();
        let workers: Vec<_> =
            (0..4).map(|kind| tokio::spawn(churn(client.clone(), ground.clone(), kind, known.clone()))).collect();
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        tokio::time::sleep(Duration::from_millis((random >> 33) % 400)).await;
        server.kill();
        for worker in workers {
            let error = worker.await.unwrap().expect_err("goes on until the server is gone");
            assert_eq!(error.status(), None, "kill {kill}: the server refused: {error}");
        }
        server.restart();
        let there = everything(&server.client()).await;
        for (id, exists) in known.lock().unwrap().iter() {
            assert_eq!(there.contains(id), *exists, "kill {kill}: object {id} was acknowledged otherwise");
        }
        assert!(there.contains(&ground.peering), "kill {kill}");
        // No change without its event, no event without its change (rule EV-1).
        let told = told(&server.client(), &mut last_event).await;
        for (id, exists) in &told {
            assert_eq!(there.contains(id), *exists, "kill {kill}: the audit log says otherwise of {id}");
        }
        for id in &there {
            assert!(told.contains_key(id) || *id == ground.peering, "kill {kill}: the audit log has nothing of {id}");
        }
        if kernel {
            server.kill();
            kernel_equals_store(&server).await;
            server.restart();
        }
        clear(&server.client(), &ground).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_servers_made_at_once_are_all_there() {
    if !kernel_or_skip("two_hundred_servers_made_at_once_are_all_there") {
        return;
    }
    const SERVERS: usize = 200;
    let mut server = TestServer::start("kernel");
    let client = server.client();
    let (_, subnet) = subnet(&client, 1).await;
    let started = Instant::now();
    let make = |n: usize| {
        let (client, subnet) = (client.clone(), subnet.clone());
        let request = ServerCreate { name: format!("w{n}"), subnet_id: subnet, ..ServerCreate::default() };
        tokio::spawn(async move { client.create_server(&request).await })
    };
    let made: Vec<_> = (0..SERVERS).map(make).collect();
    let mut addresses = BTreeSet::new();
    let mut last = String::new();
    for one in made {
        let one = one.await.unwrap().unwrap();
        addresses.insert(one.ip_address);
        last = one.id;
    }
    println!("{SERVERS} servers made at once in {:?}", started.elapsed());
    assert_eq!(addresses.len(), SERVERS, "an address was given twice");
    // On a busy machine an answer says that its change is not in force yet. A later change is in force after all of them.
    let prefix = agent::namespace_prefix(&server.instance());
    wait_for("all namespaces", Duration::from_secs(60), || {
        (Namespace::list(&prefix).unwrap().len() == SERVERS).then_some(())
    });
    let again = client::types::ServerUpdate { source_dest_check: Some(true), ..Default::default() };
    client.update_server(&last, &again).await.unwrap();
    server.kill();
    kernel_equals_store(&server).await;
    let started = Instant::now();
    server.restart();
    let all = server.client().list_servers(&ServerFilter::default()).await.unwrap();
    println!("started over {SERVERS} servers in {:?}", started.elapsed());
    let client = server.client();
    let started = Instant::now();
    let gone: Vec<_> = all
        .into_iter()
        .map(|one| {
            let client = client.clone();
            tokio::spawn(async move { client.delete_server(&one.id).await })
        })
        .collect();
    for one in gone {
        one.await.unwrap().unwrap();
    }
    println!("{SERVERS} servers deleted at once in {:?}", started.elapsed());
    wait_for("the end of all namespaces", Duration::from_secs(10), || {
        Namespace::list(&prefix).unwrap().is_empty().then_some(())
    });
    server.kill();
    kernel_equals_store(&server).await;
    server.restart();
}
