//! The audit log of a server with its store on disk.
#![allow(clippy::unwrap_used, reason = "a failure here is the failure of the test")]

use std::path::Path;

use client::types::{EventFilter, VpcCreate};
use client::{Client, ClientConfig};
use server::{DatapathChoice, FileConfig, RunningServer, ServerOptions};

async fn start(data: &Path, config: &str) -> (RunningServer, Client) {
    let options = ServerOptions {
        data: data.to_owned(),
        listen: "127.0.0.1:0".parse().unwrap(),
        tls: None,
        datapath: DatapathChoice::Sim,
        config: FileConfig::parse(config).unwrap(),
    };
    let running = server::start(options).await.unwrap();
    let own = running.credentials();
    let client = Client::new(ClientConfig {
        endpoint: running.endpoint().to_owned(),
        access_key: own.access_key.clone(),
        secret_key: own.secret_key.clone(),
        project_id: Some(own.projects[0].id.clone()),
        ..ClientConfig::default()
    })
    .unwrap();
    (running, client)
}

fn vpc(name: &str, cidr: &str) -> VpcCreate {
    VpcCreate { name: name.to_owned(), cidr: cidr.to_owned(), ..VpcCreate::default() }
}

/// The connection's address is in the event; refusals of the last moment are written before the store is closed.
#[tokio::test(flavor = "multi_thread")]
async fn events_are_there_after_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let (running, client) = start(data.path(), "").await;
    let made = client.create_vpc(&vpc("v", "10.0.0.0/16")).await.unwrap();
    let refused = client.create_vpc(&vpc("w", "224.0.0.0/16")).await.unwrap_err();
    running.stop().await.unwrap();

    let (running, client) = start(data.path(), "").await;
    let everything = EventFilter { operation: Some("createVpc".to_owned()), ..EventFilter::default() };
    let events = client.list_events(&everything, 10).await.unwrap();
    let [failure, success] = events.as_slice() else { panic!("{events:#?}") };
    assert_eq!(failure.request_id.as_deref(), refused.request_id());
    assert_eq!(failure.error.as_ref().unwrap().status, refused.status().unwrap());
    assert_eq!(success.resource.as_ref().unwrap().id, made.id);
    assert_eq!(success.source_address.as_deref(), Some("127.0.0.1"));
    assert!(success.user_agent.as_ref().unwrap().starts_with("causeway/"), "{success:?}");
    assert_eq!(client.show_event(&success.id).await.unwrap(), *success);
    // The first account has its own beginning in the log.
    let account = EventFilter { resource_type: Some("account".to_owned()), ..EventFilter::default() };
    let begun = client.with_project("").list_events(&account, 10).await.unwrap();
    assert_eq!((begun.len(), begun[0].actor.kind.as_str()), (1, "system"));
    running.stop().await.unwrap();
}

/// `events_per_account`: the background forgets what is more.
#[tokio::test(flavor = "multi_thread")]
async fn only_the_newest_events_are_kept() {
    let data = tempfile::tempdir().unwrap();
    let (running, client) = start(data.path(), "").await;
    for number in 0..8 {
        client.create_vpc(&vpc(&format!("v{number}"), "10.0.0.0/16")).await.unwrap();
    }
    running.stop().await.unwrap();
    let (running, client) = start(data.path(), "events_per_account = 5\n").await;
    let all = client.with_project("");
    let mut events = Vec::new();
    for _ in 0..100 {
        events = all.list_events(&EventFilter::default(), 100).await.unwrap();
        if events.len() == 5 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let names: Vec<_> = events.iter().map(|event| event.resource.as_ref().unwrap().name.as_str()).collect();
    assert_eq!(names, ["v7", "v6", "v5", "v4", "v3"]);
    running.stop().await.unwrap();
}
