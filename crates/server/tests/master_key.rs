//! Secrets at rest: sealed with the data folder's master key, without which a server does not start.
#![allow(clippy::unwrap_used, reason = "a failure here is the failure of the test")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use client::types::UserCreate;
use client::{Client, ClientConfig};
use server::{Credentials, DatapathChoice, FileConfig, ServerOptions, StartError};
use store::{Commit, Options, Store, Write};

const STORE: &str = "causeway.redb";
const KEY: &str = "master.key";

fn options(data: &Path) -> ServerOptions {
    ServerOptions {
        data: data.to_owned(),
        listen: "127.0.0.1:0".parse().unwrap(),
        tls: None,
        datapath: DatapathChoice::Sim,
        config: FileConfig::default(),
    }
}

fn client(endpoint: &str, access_key: &str, secret_key: &str) -> Client {
    Client::new(ClientConfig {
        endpoint: endpoint.to_owned(),
        access_key: access_key.to_owned(),
        secret_key: secret_key.to_owned(),
        project_id: None,
        domain_id: None,
        ca_file: None,
    })
    .unwrap()
}

fn caller(credentials: &Credentials) -> Client {
    client(&credentials.endpoint, &credentials.access_key, &credentials.secret_key)
}

async fn refused(data: &Path) -> StartError {
    server::start(options(data)).await.err().expect("the server started")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_has_no_secret_in_clear() {
    let data = tempfile::tempdir().unwrap();
    let running = server::start(options(data.path())).await.unwrap();
    let credentials = running.credentials().clone();
    let operator = caller(&credentials);
    let user = operator.create_user(&UserCreate { name: "ann".to_owned(), description: None }).await.unwrap();
    let password = operator.rotate_user(&user.id).await.unwrap().user.password;
    let made = operator.create_access_key(Some(&user.id), None).await.unwrap();
    let rotated = operator.rotate_access_key(&made.access).await.unwrap();
    client(&credentials.endpoint, &rotated.access, &rotated.secret).list_domains().await.unwrap();
    running.stop().await.unwrap();

    let file = fs::read(data.path().join(STORE)).unwrap();
    let there = |text: &str| file.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(there(&rotated.access), "the search finds what is there");
    let first = (credentials.secret_key.as_str(), "the first account's secret");
    for (secret, what) in [
        first,
        (&credentials.password, "its password"),
        (&made.secret, "a rotated secret"),
        (&rotated.secret, "a secret"),
        (&password, "a password"),
    ] {
        assert!(secret.len() >= 16 && !there(secret), "{what} is in the store in clear");
    }
    let key = fs::read_to_string(data.path().join(KEY)).unwrap();
    assert!(!there(key.trim()), "the master key is in the store");
    assert_eq!(fs::metadata(data.path().join(KEY)).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_master_key_a_server_does_not_start() {
    let data = tempfile::tempdir().unwrap();
    let running = server::start(options(data.path())).await.unwrap();
    running.stop().await.unwrap();
    let file = data.path().join(KEY);
    let key = fs::read(&file).unwrap();

    fs::remove_file(&file).unwrap();
    let error = refused(data.path()).await;
    assert!(matches!(error, StartError::NoMasterKey { .. }), "{error}");
    assert!(error.to_string().contains("master.key is missing"), "{error}");
    assert!(!file.exists(), "a refused start must not make another key");

    fs::write(&file, "0".repeat(64)).unwrap();
    let error = refused(data.path()).await;
    assert!(matches!(error, StartError::WrongMasterKey { .. }), "{error}");

    for damaged in ["", "abc", &"x".repeat(64), &"0".repeat(65)] {
        fs::write(&file, damaged).unwrap();
        let error = refused(data.path()).await;
        assert!(matches!(error, StartError::BadMasterKey { .. }), "{damaged}: {error}");
    }

    fs::write(&file, &key).unwrap();
    let running = server::start(options(data.path())).await.unwrap();
    caller(running.credentials()).list_domains().await.unwrap();
    running.stop().await.unwrap();
    assert_eq!(fs::read(&file).unwrap(), key);
}

/// The first versions had no master key, kept secrets in clear, and knew neither roots nor policies.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_an_earlier_version_is_sealed_at_the_start() {
    let data = tempfile::tempdir().unwrap();
    let running = server::start(options(data.path())).await.unwrap();
    let credentials = running.credentials().clone();
    running.stop().await.unwrap();
    fs::remove_file(data.path().join(KEY)).unwrap();
    let store = Store::open(data.path().join(STORE), Options::default()).await.unwrap();
    let mut writes = Vec::new();
    for entry in &store.snapshot().await.unwrap().entries {
        let mut value: serde_json::Value = serde_json::from_slice(&entry.value).unwrap();
        let fields = value.as_object_mut().unwrap();
        if entry.key.starts_with("access-key/") {
            fields.insert("secret".to_owned(), credentials.secret_key.clone().into());
        } else if !entry.key.starts_with("user/") {
            continue;
        }
        for new in ["enabled", "description", "root", "policies"] {
            if entry.key.starts_with("access-key/") || new != "enabled" {
                fields.remove(new);
            }
        }
        let value = serde_json::to_vec(&value).unwrap().into();
        writes.push(Write::Put { key: entry.key.to_string(), value });
    }
    assert_eq!(writes.len(), 2);
    store.commit(Commit { writes, ..Commit::default() }).await.unwrap();
    store.close().await.unwrap();
    drop(store);

    let running = server::start(options(data.path())).await.unwrap();
    let again = running.credentials().clone();
    assert_eq!(again.secret_key, credentials.secret_key);
    // The old key signs on, and its user is the root of its account.
    let user = UserCreate { name: "ann".to_owned(), description: None };
    caller(&again).create_user(&user).await.unwrap();
    running.stop().await.unwrap();
    assert!(data.path().join(KEY).exists());
    let store = Store::open(data.path().join(STORE), Options::default()).await.unwrap();
    for entry in &store.snapshot().await.unwrap().entries {
        let text = String::from_utf8_lossy(&entry.value).into_owned();
        assert!(!text.contains(&credentials.secret_key), "{} is in clear", entry.key);
    }
}
