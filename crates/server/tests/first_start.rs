//! A server's first start, its credentials, and a second start over the same folder.
#![allow(clippy::unwrap_used, reason = "a failure here is the failure of the test")]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use client::types::{Protocol, Target, TraceRequest};
use client::{Client, ClientConfig};
use server::{Credentials, DatapathChoice, FileConfig, ServerOptions, StartError};
use suite::{Access, AccountAccess, ApplyOptions, Defaults, Document};

fn options(data: &Path) -> ServerOptions {
    ServerOptions {
        data: data.to_owned(),
        listen: "127.0.0.1:0".parse().unwrap(),
        tls: None,
        datapath: DatapathChoice::Sim,
        config: FileConfig::default(),
    }
}

fn client(credentials: &Credentials) -> Client {
    Client::new(ClientConfig {
        endpoint: credentials.endpoint.clone(),
        access_key: credentials.access_key.clone(),
        secret_key: credentials.secret_key.clone(),
        project_id: Some(credentials.projects[0].id.clone()),
        ..ClientConfig::default()
    })
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_start_makes_an_account_and_later_ones_keep_it() {
    let data = tempfile::tempdir().unwrap();
    let running = server::start(options(data.path())).await.unwrap();
    let first = running.credentials().clone();
    let file = data.path().join(Credentials::FILE);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(first.projects.len(), 2);
    let status = client(&first).status().await.unwrap();
    assert_eq!(status.datapath, "sim");

    let second = server::start(options(data.path())).await.err().unwrap();
    assert!(matches!(second, StartError::Open(_)), "two servers on one folder: {second}");

    running.stop().await.unwrap();
    let running = server::start(options(data.path())).await.unwrap();
    let again = running.credentials().clone();
    assert_eq!(
        (&again.access_key, &again.password, &again.projects),
        (&first.access_key, &first.password, &first.projects)
    );
    client(&again).list_vpcs().await.unwrap();
    running.stop().await.unwrap();

    // A lost file is made anew; the old key no longer works.
    std::fs::remove_file(&file).unwrap();
    let running = server::start(options(data.path())).await.unwrap();
    let fresh = running.credentials().clone();
    client(&fresh).list_vpcs().await.unwrap();
    let stale = Credentials { endpoint: fresh.endpoint.clone(), ..first };
    assert_eq!(client(&stale).list_vpcs().await.unwrap_err().status(), Some(401));
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topology_is_applied_twice_and_traced() {
    let data = tempfile::tempdir().unwrap();
    let running = server::start(options(data.path())).await.unwrap();
    let credentials = running.credentials().clone();
    let suite = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec/topologies.yaml");
    let document = Document::read(&suite).unwrap();
    let scenario = document.scenarios.iter().find(|s| s.id == "two-vpcs-ipv4").unwrap();
    let mut access = Access::new(client(&credentials), true);
    access.add(
        "acct-a",
        AccountAccess {
            access_key: credentials.access_key.clone(),
            secret_key: credentials.secret_key.clone(),
            projects: credentials.projects.iter().map(|p| (p.region.clone(), p.id.clone())).collect(),
        },
    );
    let mut options = ApplyOptions { dry_run: false, on_change: &mut |_| {}, on_account: &mut |_, _| {} };
    let first = suite::apply(&mut access, scenario, &Defaults::default(), &mut options).await.unwrap();
    assert!(first.changes.len() >= 12, "{:?}", first.changes);
    let again = suite::apply(&mut access, scenario, &Defaults::default(), &mut options).await.unwrap();
    assert_eq!(again.changes, [], "applying twice changes nothing");

    let answer = client(&credentials)
        .trace(&TraceRequest {
            from: first.servers["ECS-A01"].id.clone(),
            to: Target::server(&first.servers["RDS-B01"].id),
            protocol: Protocol::Icmp,
            port: None,
        })
        .await
        .unwrap();
    assert!(answer.verdict.reachable, "{answer:?}");

    let removed = suite::remove(&mut access, scenario, &Defaults::default(), &mut options).await.unwrap();
    assert!(!removed.is_empty());
    assert_eq!(client(&credentials).list_vpcs().await.unwrap(), []);
    running.stop().await.unwrap();
}
