//! Many at once: 64 clients of three accounts create, accept, reject and delete peerings, add and remove routes, and make
//! and delete ports and servers on the same VPCs; a checker then says whether what they were told could have happened one
//! after the other (lifecycle sections 2 to 5; rule LC-7). The server is a real one with its store on disk.
//!
//! `CAUSEWAY_SEED` sets the seed, `CAUSEWAY_SOAK` runs for five minutes.
#![allow(clippy::unwrap_used, missing_docs, reason = "a failed step is the failure of the test")]

mod addresses;
mod check;
mod peerings;
mod world;
mod writer;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use client::types::{PeeringFilter, PortCreate, PortFilter, RouteTableFilter};

use crate::addresses::FREE;
use crate::world::{Random, World};
use crate::writer::Writer;

const WRITERS: usize = 64;
/// Calls of one writer in one round.
const CALLS: usize = 60;
/// How long the calls of a round may take.
const ROUND: Duration = Duration::from_secs(20);
/// How long a soak takes.
const SOAK: Duration = Duration::from_secs(300);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_64_writers_are_told_could_have_happened_one_after_the_other() {
    let seed = std::env::var("CAUSEWAY_SEED").ok().and_then(|seed| seed.parse().ok());
    let mut seed = seed.unwrap_or_else(|| u64::from(std::process::id()) ^ started());
    let end = Instant::now() + if std::env::var_os("CAUSEWAY_SOAK").is_some() { SOAK } else { Duration::ZERO };
    loop {
        round(seed).await;
        if Instant::now() >= end {
            return;
        }
        seed = seed.wrapping_add(1);
    }
}

fn started() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    u64::from(now.subsec_nanos()) << 20
}

async fn round(seed: u64) {
    let told = format!("CAUSEWAY_SEED={seed}");
    println!("{told}");
    let data = tempfile::tempdir().unwrap();
    let (running, world) = World::start(data.path()).await;
    let world = Arc::new(world);
    let until = Instant::now() + ROUND;
    let mut writers = Vec::new();
    for number in 0..WRITERS {
        let world = Arc::clone(&world);
        writers.push(tokio::spawn(async move {
            let clients = (0..world.parties()).map(|party| world.client(party)).collect();
            let random = Random(seed.wrapping_mul(1_000_003).wrapping_add(number as u64));
            Writer { world: &world, random, clients, number }.run(CALLS, until).await;
        }));
    }
    for writer in writers {
        writer.await.unwrap_or_else(|error| panic!("{told}: {error}"));
    }

    let (calls, busy) = (world.calls.load(Ordering::Relaxed), world.busy.load(Ordering::Relaxed));
    let mut histories = Vec::new();
    for (number, pair) in world.pairs.iter().enumerate() {
        let calls = pair.record.calls();
        histories.push(calls.len());
        if let Err(why) = check::check::<peerings::Pair>(&calls) {
            panic!("{told}: pair {number}: {why}");
        }
    }
    for (number, subnet) in world.subnets.iter().enumerate() {
        let calls = subnet.record.calls();
        histories.push(calls.len());
        if let Err(why) = check::check::<addresses::Subnet>(&calls) {
            panic!("{told}: subnet {number}: {why}");
        }
    }
    println!("{calls} calls, {busy} busy, histories {histories:?}");
    assert!(calls >= 500, "{told}: only {calls} calls in {ROUND:?}: the histories say little");
    assert!(busy * 20 <= calls, "{told}: {busy} of {calls} calls were turned away");

    invariants(&world, &told).await;
    running.stop().await.unwrap();
}

/// What holds in the end, as each account sees it.
async fn invariants(world: &World, told: &str) {
    let mut states: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut live: BTreeMap<[String; 2], usize> = BTreeMap::new();
    let mut counted: BTreeMap<usize, usize> = BTreeMap::new();
    for party in 0..world.parties() {
        for peering in world.client(party).list_peerings(&PeeringFilter::default()).await.unwrap() {
            let first_seen = !states.contains_key(&peering.id);
            states.entry(peering.id).or_default().insert(peering.status.clone());
            let [requester, accepter] = [&peering.request_vpc_info, &peering.accept_vpc_info];
            let is_live = peering.status != "REJECTED";
            let own = world.project(party);
            let counts = match peering.status.as_str() {
                "ACTIVE" => true,
                "PENDING_ACCEPTANCE" => requester.tenant_id == own,
                _ => false,
            };
            *counted.entry(party).or_default() += usize::from(counts);
            if first_seen && is_live {
                let mut pair = [requester.vpc_id.clone(), accepter.vpc_id.clone()];
                pair.sort();
                *live.entry(pair).or_default() += 1;
            }
        }
    }
    assert!(states.values().all(|seen| seen.len() == 1), "{told}: two accounts see two states: {states:?}");
    assert!(live.values().all(|count| *count == 1), "{told}: a pair is joined twice: {live:?}");

    for party in 0..world.parties() {
        let client = world.client(party);
        let path = format!("/v1/{}/quotas", world.project(party));
        let query = [("type".to_owned(), "vpcPeer".to_owned())];
        let quotas = client.request(client::Method::GET, &path, &query, None).await.unwrap();
        let used = quotas["quotas"]["resources"][0]["used"].as_u64().unwrap();
        let expected = counted.get(&party).copied().unwrap_or_default() as u64;
        assert_eq!(used, expected, "{told}: quota of account {party}: {quotas}");

        let tables = client.list_route_tables(&RouteTableFilter::default()).await.unwrap();
        for table in tables {
            for route in client.show_route_table(&table.id).await.unwrap().routes {
                let orphan = route.kind == "peering" && !states.contains_key(&route.nexthop);
                assert!(!orphan, "{told}: a route without its peering: {route:?}");
            }
        }
    }

    // Every address that nobody holds can be had: none is lost.
    for subnet in &world.subnets {
        let client = world.client(subnet.owner);
        let filter = PortFilter { network_id: Some(subnet.id.clone()), ..PortFilter::default() };
        let used = client.list_ports(&filter).await.unwrap().len();
        let mut free = 0;
        let refusal = loop {
            let request = PortCreate { network_id: subnet.id.clone(), ..PortCreate::default() };
            match client.create_port(&request).await {
                Ok(_) => free += 1,
                Err(error) => break error,
            }
        };
        assert_eq!(refusal.cause(), Some("no_free_address"), "{told}: {refusal}");
        assert_eq!(used + free, FREE.count(), "{told}: addresses of {}", subnet.id);
        let ports = client.list_ports(&filter).await.unwrap();
        let addresses: BTreeSet<&str> = ports.iter().map(|port| port.fixed_ips[0].ip_address.as_str()).collect();
        assert_eq!(addresses.len(), ports.len(), "{told}: an address is held twice");
    }
}
