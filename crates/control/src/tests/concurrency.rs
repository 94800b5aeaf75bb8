//! Many callers at once, through the driver, over a store in memory.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};

use catalog::Catalog;
use model::{PeeringStatus, Timestamp};
use store::{Commit, Options, Store};
use tokio::task::JoinSet;

use super::fixture::{account_request, config, net, server_request};
use super::invariants::check;
use super::properties::{Step, tight};
use crate::{
    Caller, CreatePeering, CreateSubnet, CreateVpc, Driver, Error, Limits, NewAccount, Settings, Update,
    accept_peering, create_account, create_bootstrap_account, create_peering, create_server, create_subnet, create_vpc,
    delete_peering, delete_security_group, reject_peering,
};

const TASKS: usize = 64;

struct Installation {
    driver: Driver,
    store: Store,
    follower: tokio::task::JoinHandle<Result<(), crate::DriverError>>,
    clock: Arc<AtomicI64>,
    a: Caller,
    b: Caller,
}

fn caller(made: &NewAccount) -> Caller {
    Caller {
        account: made.account.id,
        user: made.user.id,
        project: Some(made.projects[0].id),
        operator: made.account.operator,
    }
}

impl Installation {
    async fn new(limits: Limits) -> Self {
        Self::over(Store::memory(Options::default()), limits).await
    }

    async fn over(store: Store, limits: Limits) -> Self {
        let clock = Arc::new(AtomicI64::new(1_700_000_000));
        let time = Arc::clone(&clock);
        let settings = Settings {
            limits,
            config: config(),
            clock: Arc::new(move || Timestamp::from_unix_seconds(time.load(Ordering::Relaxed))),
            ..Settings::default()
        };
        let (driver, follower) = Driver::open(store.clone(), settings).await.unwrap();
        let follower = tokio::spawn(follower.run());
        let first = driver.execute(|c, x| create_bootstrap_account(c, x, account_request("op"))).await.unwrap();
        let operator = caller(&first.value);
        let mut callers = Vec::new();
        for name in ["a", "b"] {
            let made = driver.execute(|c, x| create_account(c, &operator, x, account_request(name))).await.unwrap();
            callers.push(caller(&made.value));
        }
        let [a, b] = <[Caller; 2]>::try_from(callers).unwrap();
        Self { driver, store, follower, clock, a, b }
    }

    async fn vpc(&self, who: &Caller, name: &str) -> model::Vpc {
        let cidr = Some(net("10.0.0.0/16"));
        let request = CreateVpc { name: name.into(), cidr, ..CreateVpc::default() };
        self.driver.execute(|c, x| create_vpc(c, who, x, request.clone())).await.unwrap().value
    }

    /// Runs one call in each of many tasks; how many succeeded.
    async fn race<F, R>(&self, call: F) -> usize
    where
        F: Fn(usize, Driver) -> R,
        R: Future<Output = bool> + Send + 'static,
    {
        let mut tasks = JoinSet::new();
        for n in 0..TASKS {
            tasks.spawn(call(n, self.driver.clone()));
        }
        let succeeded = tasks.join_all().await.into_iter().filter(|ok| *ok).count();
        self.settled().await;
        succeeded
    }

    /// The catalog equals one that is built anew, and every rule holds.
    async fn settled(&self) -> Arc<Catalog> {
        let catalog = self.driver.catalog();
        let built = Catalog::from_snapshot(&self.store.snapshot().await.unwrap()).unwrap();
        assert_eq!(*catalog, built);
        check(&catalog, &self.driver.settings().limits);
        catalog
    }

    async fn close(self) {
        self.store.close().await.unwrap();
        self.follower.await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_made_at_once_get_different_addresses() {
    let i = Installation::new(Limits::default()).await;
    let vpc = i.vpc(&i.a, "vpc").await.id;
    let request = CreateSubnet::new(vpc, "s", net("10.0.0.0/24"));
    let subnet = i.driver.execute(|c, x| create_subnet(c, &i.a, x, request.clone())).await.unwrap().value.id;
    let a = i.a.clone();
    let made = i
        .race(move |n, driver| {
            let a = a.clone();
            async move {
                let request = server_request(subnet, &format!("s{n}"));
                driver.execute(|c, x| create_server(c, &a, x, request.clone())).await.unwrap();
                true
            }
        })
        .await;
    assert_eq!(made, TASKS);
    let catalog = i.driver.catalog();
    let addresses: BTreeSet<_> = catalog.ports_in(subnet).map(|port| port.ipv4).collect();
    assert_eq!(addresses.len(), TASKS);
    assert_eq!(addresses.last().unwrap().octets()[3] as usize, TASKS + 1, "no address is skipped");
    i.close().await;
}

/// V6-1: two creations at once never get the same prefix, in whichever VPC or account.
#[tokio::test(flavor = "multi_thread")]
async fn ipv6_prefixes_given_at_once_are_unique() {
    let i = Installation::new(Limits::default()).await;
    let vpcs = [(i.a.clone(), i.vpc(&i.a, "vpc").await.id), (i.b.clone(), i.vpc(&i.b, "vpc").await.id)];
    let made = i
        .race(move |n, driver| {
            let (caller, vpc) = vpcs[n % 2].clone();
            async move {
                let mut request = CreateSubnet::new(vpc, "s", net(&format!("10.0.{n}.0/24")));
                request.ipv6 = true;
                // Half of them want one of four prefixes.
                let wanted = format!("2001:db8:0:{}::/64", n / 4 % 4).parse().unwrap();
                request.cidr_v6 = (n / 2 % 2 == 0).then_some(wanted);
                driver.execute(|c, x| create_subnet(c, &caller, x, request.clone())).await.is_ok()
            }
        })
        .await;
    assert_eq!(made, TASKS / 2 + 4);
    let catalog = i.driver.catalog();
    let prefixes: BTreeSet<_> = catalog.subnets().filter_map(|subnet| subnet.ipv6).map(|ipv6| ipv6.cidr).collect();
    assert_eq!(prefixes.len(), made);
    i.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn subnets_made_at_once_never_overlap() {
    let i = Installation::new(Limits::default()).await;
    let vpc = i.vpc(&i.a, "vpc").await.id;
    let a = i.a.clone();
    let made = i
        .race(move |n, driver| {
            let a = a.clone();
            async move {
                let request = CreateSubnet::new(vpc, "s", net(&format!("10.0.{}.0/24", n % 8)));
                driver.execute(|c, x| create_subnet(c, &a, x, request.clone())).await.is_ok()
            }
        })
        .await;
    assert_eq!(made, 8);
    i.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_and_quotas_hold_under_concurrency() {
    let i = Installation::new(Limits { vpcs: 5, ..Limits::default() }).await;
    let a = i.a.clone();
    let made = i
        .race(move |n, driver| {
            let a = a.clone();
            async move {
                let request = CreateVpc { name: format!("v{}", n % 16), ..CreateVpc::default() };
                driver.execute(|c, x| create_vpc(c, &a, x, request.clone())).await.is_ok()
            }
        })
        .await;
    assert_eq!(made, 5);
    i.close().await;
}

/// PEER-1: whichever side asks, and however often.
#[tokio::test(flavor = "multi_thread")]
async fn a_pair_of_vpcs_gets_one_peering() {
    let i = Installation::new(Limits::default()).await;
    let (one, two) = (i.vpc(&i.a, "one").await, i.vpc(&i.b, "two").await);
    let (a, b) = (i.a.clone(), i.b.clone());
    let made = i
        .race(move |n, driver| {
            let (who, local, peer) = if n % 2 == 0 { (a.clone(), &one, &two) } else { (b.clone(), &two, &one) };
            let request = CreatePeering {
                name: format!("p{n}"),
                description: String::new(),
                local_vpc: local.id,
                local_project: None,
                peer_vpc: peer.id,
                peer_project: Some(peer.project),
            };
            async move { driver.execute(|c, x| create_peering(c, &who, x, request.clone())).await.is_ok() }
        })
        .await;
    assert_eq!(made, 1);
    i.close().await;
}

/// LC-7: accept, reject, delete and expiry race; exactly one of accept, reject and expiry wins.
#[tokio::test(flavor = "multi_thread")]
async fn exactly_one_answer_to_a_request_wins() {
    for with_expiry in [false, true] {
        let i = Installation::new(Limits::default()).await;
        let (one, two) = (i.vpc(&i.a, "one").await, i.vpc(&i.b, "two").await);
        let request = CreatePeering {
            name: "p".into(),
            description: String::new(),
            local_vpc: one.id,
            local_project: None,
            peer_vpc: two.id,
            peer_project: Some(two.project),
        };
        let id = i.driver.execute(|c, x| create_peering(c, &i.a, x, request.clone())).await.unwrap().value.id;
        let (b, clock) = (i.b.clone(), Arc::clone(&i.clock));
        let won = i
            .race(move |n, driver| {
                let (b, clock) = (b.clone(), Arc::clone(&clock));
                async move {
                    match n % 3 {
                        0 => driver.execute(|c, x| accept_peering(c, &b, x, id)).await.is_ok(),
                        1 => driver.execute(|c, x| reject_peering(c, &b, x, id)).await.is_ok(),
                        _ if with_expiry => {
                            clock.fetch_add(24 * 3600, Ordering::Relaxed);
                            driver.expire_due().await.unwrap() > 0
                        }
                        _ => false,
                    }
                }
            })
            .await;
        assert_eq!(won, 1);
        let status = i.driver.catalog().peering(id).unwrap().status;
        assert_ne!(status, PeeringStatus::PendingAcceptance);
        let a = i.a.clone();
        let deleted = i
            .race(move |_, driver| {
                let a = a.clone();
                async move { driver.execute(|c, x| delete_peering(c, &a, x, id)).await.is_ok() }
            })
            .await;
        assert_eq!(deleted, 1);
        i.close().await;
    }
}

/// What is named must not disappear while it is being named.
#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_not_deleted_while_a_port_joins_it() {
    let i = Installation::new(Limits::default()).await;
    let vpc = i.vpc(&i.a, "vpc").await.id;
    let request = CreateSubnet::new(vpc, "s", net("10.0.0.0/24"));
    let subnet = i.driver.execute(|c, x| create_subnet(c, &i.a, x, request.clone())).await.unwrap().value.id;
    for _ in 0..8 {
        let request = crate::CreateSecurityGroup { name: "g".into(), ..crate::CreateSecurityGroup::default() };
        let made = i.driver.execute(|c, x| crate::create_security_group(c, &i.a, x, request.clone())).await;
        let (group, a) = (made.unwrap().value.id, i.a.clone());
        i.race(move |n, driver| {
            let a = a.clone();
            async move {
                if n % 4 == 0 {
                    return driver.execute(|c, x| delete_security_group(c, &a, x, group)).await.is_ok();
                }
                if n % 16 != 1 {
                    return false;
                }
                let port = crate::CreatePort { security_groups: Some(vec![group]), ..crate::CreatePort::new(subnet) };
                driver.execute(|c, x| crate::create_port(c, &a, x, port.clone())).await.is_ok()
            }
        })
        .await;
    }
    i.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn random_calls_at_once_keep_every_invariant() {
    let i = Installation::new(tight()).await;
    let callers = Arc::new([i.a.clone(), i.b.clone()]);
    let mut watch = i.driver.watch();
    let before = Catalog::clone(&i.driver.catalog());
    i.race(move |task, driver| {
        let callers = Arc::clone(&callers);
        async move {
            let mut ids = super::fixture::SeededIds::new(task as u64);
            for _ in 0..40 {
                let number = ids.next();
                let [operation, caller, a0, a1, b0, b1, c0, c1] = number.to_be_bytes();
                let [a, b, c] = [[a0, a1], [b0, b1], [c0, c1]].map(u16::from_be_bytes);
                let step = Step { operation, caller, a, b, c };
                match driver.execute(|catalog, ctx| step.run(catalog, ctx, callers.as_slice())).await {
                    Ok(_) => {}
                    Err(error) => assert!(!matches!(error.code(), "unavailable" | "busy"), "{error}"),
                }
            }
            true
        }
    })
    .await;
    // The subscription saw every change, in order and none twice.
    let end = i.driver.catalog();
    let (mut revision, mut resynced) = (before.revision(), false);
    while revision < end.revision() {
        let update = watch.next().await.unwrap();
        resynced |= matches!(update, Update::Resync { .. });
        let next = update.catalog().revision();
        assert!(resynced || next == revision.next());
        revision = next;
    }
    i.close().await;
    assert!(watch.next().await.is_none(), "subscriptions end with the store");
}

#[tokio::test]
async fn a_driver_whose_catalog_does_not_follow_refuses_writes() {
    let store = Store::memory(Options::default());
    let (driver, follower) = Driver::open(store, Settings::default()).await.unwrap();
    drop(follower);
    let error = driver.execute(|c, x| create_bootstrap_account(c, x, account_request("op"))).await.unwrap_err();
    assert_eq!(error.code(), "unavailable");
    assert!(driver.watch().next().await.is_none());
}

#[tokio::test]
async fn a_dry_run_commits_nothing() {
    let i = Installation::new(Limits::default()).await;
    let before = i.store.revision();
    let outcome = i.driver.dry_run(|c, x| create_vpc(c, &i.a, x, CreateVpc::default())).unwrap();
    assert!(!outcome.changes.is_empty());
    assert_eq!(i.store.revision(), before);
    i.close().await;
}

/// What a call decides on includes the commits that are on their way: nobody is sent back by them.
#[tokio::test(flavor = "multi_thread")]
async fn calls_on_the_same_project_do_not_wait_for_each_others_fsync() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("store"), Options::default()).await.unwrap();
    let i = Installation::over(store, Limits::default()).await;
    let (a, runs) = (i.a.clone(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&runs);
    let made = i
        .race(move |n, driver| {
            let (a, runs) = (a.clone(), Arc::clone(&counted));
            async move {
                let request = CreateVpc { name: format!("vpc-{n}"), ..CreateVpc::default() };
                let made = driver.execute(|c, x| {
                    runs.fetch_add(1, Ordering::Relaxed);
                    create_vpc(c, &a, x, request.clone())
                });
                made.await.is_ok()
            }
        })
        .await;
    assert_eq!((made, runs.load(Ordering::Relaxed)), (TASKS, TASKS));
    i.close().await;
}

/// Futures that do not come: another server changes the same objects all the time.
#[tokio::test(flavor = "multi_thread")]
async fn calls_succeed_and_quotas_hold_while_another_server_writes() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("store"), Options::default()).await.unwrap();
    let limits = Limits { vpcs: TASKS / 2, ..Limits::default() };
    let i = Installation::over(store.clone(), limits).await;
    let project = format!("project/{}", i.a.project.unwrap());
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let other = tokio::spawn(async move {
        let mut written = 0;
        while !stopped.load(Ordering::Relaxed) {
            store.commit(Commit::new().touch(project.clone())).await.unwrap();
            written += 1;
            tokio::time::sleep(std::time::Duration::from_millis(15)).await;
        }
        written
    });
    let mut tasks = JoinSet::new();
    for n in 0..TASKS {
        let (a, driver) = (i.a.clone(), i.driver.clone());
        tasks.spawn(async move {
            let request = CreateVpc { name: format!("vpc-{n}"), ..CreateVpc::default() };
            match driver.execute(|c, x| create_vpc(c, &a, x, request.clone())).await {
                Ok(_) => true,
                Err(Error::QuotaExceeded { .. }) => false,
                Err(error) => panic!("{error}"),
            }
        });
    }
    let made = tasks.join_all().await.into_iter().filter(|made| *made).count();
    stop.store(true, Ordering::Relaxed);
    assert!(other.await.unwrap() > 0);
    assert_eq!(made, TASKS / 2);
    // The last of the other server's writes comes to the catalog on its own.
    i.driver.reached(i.store.revision()).await.unwrap();
    i.settled().await;
    i.close().await;
}
