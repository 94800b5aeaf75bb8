//! TLS beside the plain listener, and host names.
#![allow(clippy::unwrap_used, reason = "a failure here is the failure of the test")]

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use client::{Client, ClientConfig};
use reqwest::{Certificate, StatusCode, Version};
use serde_json::Value;
use server::{CertificateSource, DatapathChoice, FileConfig, RunningServer, ServerOptions, TlsOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

fn options(data: &Path, certificate: CertificateSource) -> ServerOptions {
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    ServerOptions {
        data: data.to_owned(),
        listen: any,
        tls: Some(TlsOptions { listen: any, certificate }),
        datapath: DatapathChoice::Sim,
        config: FileConfig::default(),
    }
}

async fn start(data: &Path) -> RunningServer {
    server::start(options(data, CertificateSource::Generated)).await.unwrap()
}

/// Where TLS is listened for.
fn address(running: &RunningServer) -> SocketAddr {
    running.tls().unwrap().endpoint.strip_prefix("https://").unwrap().parse().unwrap()
}

fn client(running: &RunningServer, endpoint: &str, ca_file: Option<PathBuf>) -> Client {
    let credentials = running.credentials();
    Client::new(ClientConfig {
        endpoint: endpoint.to_owned(),
        access_key: credentials.access_key.clone(),
        secret_key: credentials.secret_key.clone(),
        project_id: Some(credentials.projects[0].id.clone()),
        ca_file,
        ..ClientConfig::default()
    })
    .unwrap()
}

/// An HTTP client that finds every name of the domain at the TLS listener and trusts the file.
fn http(running: &RunningServer, ca_file: &Path) -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let trusted = Certificate::from_pem(&fs::read(ca_file).unwrap()).unwrap();
    let mut builder = reqwest::Client::builder().tls_certs_only([trusted]).no_proxy();
    for host in
        ["vpc.region-1.cloud.example", "vpc.region-2.cloud.example", "iam.region-1.cloud.example", "iam.cloud.example"]
    {
        builder = builder.resolve(host, address(running));
    }
    builder.build().unwrap()
}

/// A certificate for this machine that trusts itself, and its key.
fn pair(folder: &Path, name: &str) -> (PathBuf, PathBuf) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let files = (folder.join(format!("{name}.pem")), folder.join(format!("{name}.key")));
    fs::write(&files.0, made.cert.pem()).unwrap();
    fs::write(&files.1, made.signing_key.serialize_pem()).unwrap();
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_is_beside_the_plain_listener_for_who_trusts_the_authority() {
    let data = tempfile::tempdir().unwrap();
    let running = start(data.path()).await;
    let tls = running.tls().unwrap().clone();
    let ca_file = tls.ca_file.clone().unwrap();
    assert_eq!(ca_file, data.path().join("tls/ca.pem"));
    assert!(running.endpoint().starts_with("http://"), "the plain endpoint stays the one of the credentials");
    let plain = client(&running, running.endpoint(), None);
    assert_eq!(plain.list_vpcs().await.unwrap().len(), 0);
    for endpoint in [tls.endpoint.clone(), tls.endpoint.replace("127.0.0.1", "localhost")] {
        let secure = client(&running, &endpoint, Some(ca_file.clone()));
        assert_eq!(secure.list_vpcs().await.unwrap().len(), 0);
    }

    let (other, _) = pair(data.path(), "other");
    let untrusted = client(&running, &tls.endpoint, Some(other)).list_vpcs().await.unwrap_err().to_string();
    assert!(untrusted.contains("its certificate is not trusted here"), "{untrusted}");
    assert!(untrusted.contains("--ca-file"), "{untrusted}");
    running.stop().await.unwrap();

    // Who trusted the first start trusts the second.
    let running = start(data.path()).await;
    let endpoint = running.tls().unwrap().endpoint.clone();
    client(&running, &endpoint, Some(ca_file)).list_vpcs().await.unwrap();
    running.stop().await.unwrap();
}

/// api-iam §2, §4: both HTTP versions; links carry the scheme, the host and the port that the client used.
#[tokio::test(flavor = "multi_thread")]
async fn links_and_catalogs_go_on_where_the_client_is() {
    let data = tempfile::tempdir().unwrap();
    let running = start(data.path()).await;
    let http = http(&running, &data.path().join("tls/ca.pem"));
    let port = address(&running).port();
    let vpc = format!("https://vpc.region-1.cloud.example:{port}");
    let answer = http.get(&vpc).send().await.unwrap();
    assert_eq!((answer.version(), answer.status()), (Version::HTTP_2, StatusCode::OK));
    let versions: Value = answer.json().await.unwrap();
    assert_eq!(versions["versions"][1]["links"][0]["href"], format!("{vpc}/v2.0/"));

    for host in ["iam.region-1.cloud.example", "iam.cloud.example"] {
        let base = format!("https://{host}:{port}");
        let answer = http.get(&base).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::MULTIPLE_CHOICES, "{host}");
        let versions: Value = answer.json().await.unwrap();
        assert_eq!(versions["versions"]["values"][0]["links"][0]["href"], format!("{base}/v3/"));
    }

    let credentials = running.credentials();
    let login = serde_json::json!({"auth": {
        "identity": {"methods": ["password"], "password": {"user": {
            "name": credentials.user.name, "password": credentials.password, "domain": {"name": credentials.domain.name},
        }}},
        "scope": {"project": {"name": "region-2"}},
    }});
    let tokens = format!("https://iam.region-1.cloud.example:{port}/v3/auth/tokens");
    let token: Value = http.post(&tokens).json(&login).send().await.unwrap().json().await.unwrap();
    let urls: Vec<(&str, &str)> = token["token"]["catalog"]
        .as_array()
        .unwrap()
        .iter()
        .map(|service| (service["type"].as_str().unwrap(), service["endpoints"][0]["url"].as_str().unwrap()))
        .collect();
    let project = &credentials.projects[1].id;
    let url = |kind: &str| urls.iter().find(|(it, _)| *it == kind).unwrap().1.to_owned();
    assert_eq!(url("identity"), format!("https://iam.cloud.example:{port}/v3"));
    assert_eq!(url("vpc"), format!("https://vpc.region-2.cloud.example:{port}/v1/{project}"));
    // By address, everything stays at the address.
    let tokens = format!("https://{}/v3/auth/tokens", address(&running));
    let token: Value = http.post(&tokens).json(&login).send().await.unwrap().json().await.unwrap();
    let first = token["token"]["catalog"][0]["endpoints"][0]["url"].as_str().unwrap();
    assert_eq!(first, format!("https://{}/v3", address(&running)));
    running.stop().await.unwrap();
}

/// HTTP/2 has no `Host`; a signature that covers it is made over the authority.
#[tokio::test(flavor = "multi_thread")]
async fn a_signed_host_verifies_over_http_2_and_names_the_region() {
    let data = tempfile::tempdir().unwrap();
    let running = start(data.path()).await;
    let http = http(&running, &data.path().join("tls/ca.pem"));
    let host = format!("vpc.region-2.cloud.example:{}", address(&running).port());
    let credentials = running.credentials();
    let keys =
        signing::Credentials { access_key: credentials.access_key.clone(), secret_key: credentials.secret_key.clone() };
    let date = signing::format_date(jiff::Timestamp::now());
    let path = "/v2.0/vpc/peerings";
    let signed = |host: &str| {
        let headers = [("host", host), ("x-sdk-date", date.as_str())];
        let request = signing::Request::new("GET", path, "", headers, b"");
        signing::sign(&request, &keys, &signing::Scheme::Plain).unwrap().authorization
    };
    let ask = |authorization: String| {
        let request = http.get(format!("https://{host}{path}"));
        request.header("x-sdk-date", &date).header("authorization", authorization).send()
    };
    let answer = ask(signed(&host)).await.unwrap();
    assert_eq!((answer.version(), answer.status()), (Version::HTTP_2, StatusCode::OK));
    let without_port = ask(signed("vpc.region-2.cloud.example")).await.unwrap();
    assert_eq!(without_port.status(), StatusCode::UNAUTHORIZED);
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_and_broken_handshakes_hold_up_nobody() {
    let data = tempfile::tempdir().unwrap();
    let running = start(data.path()).await;
    let address = address(&running);
    let mut idle = Vec::new();
    for _ in 0..64 {
        idle.push(TcpStream::connect(address).await.unwrap());
    }
    // Plain HTTP where TLS is spoken: an alert, and the end.
    let mut plain = TcpStream::connect(address).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    tokio::time::timeout(Duration::from_secs(5), plain.read_to_end(&mut answer)).await.unwrap().unwrap();
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");

    let tls = running.tls().unwrap().clone();
    let began = Instant::now();
    client(&running, &tls.endpoint, tls.ca_file).list_vpcs().await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    let began = Instant::now();
    running.stop().await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(8), "a stop waits for no handshake: {:?}", began.elapsed());
    drop(idle);
}

#[tokio::test(flavor = "multi_thread")]
async fn certificate_files_are_read_again_and_connections_stay() {
    let data = tempfile::tempdir().unwrap();
    let (certificate, key) = pair(data.path(), "server");
    let (second, second_key) = pair(data.path(), "second");
    let first = data.path().join("first.pem");
    fs::copy(&certificate, &first).unwrap();
    let files = CertificateSource::Files { certificate: certificate.clone(), key: key.clone() };
    let running = server::start(options(data.path(), files)).await.unwrap();
    let tls = running.tls().unwrap().clone();
    assert_eq!(tls.ca_file, None, "whom to trust is not ours to say");
    let old = client(&running, &tls.endpoint, Some(first));
    old.list_vpcs().await.unwrap();

    // Half of a new pair is no pair: the old one stays.
    fs::copy(&second, &certificate).unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    let new = || client(&running, &tls.endpoint, Some(second.clone()));
    assert!(new().list_vpcs().await.is_err());
    fs::copy(&second_key, &key).unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while let Err(error) = new().list_vpcs().await {
        assert!(Instant::now() < deadline, "{error}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    // Its connection is older than the new certificate, which it would not trust.
    old.list_vpcs().await.unwrap();
    running.stop().await.unwrap();
}

/// What is wrong is said, and the folder is free for the next try.
#[tokio::test(flavor = "multi_thread")]
async fn a_start_without_a_usable_certificate_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let (certificate, key) = pair(data.path(), "one");
    let (_, other) = pair(data.path(), "other");
    let nowhere = data.path().join("nowhere.pem");
    for (certificate, key, message) in [
        (&nowhere, &key, "cannot read"),
        (&key, &key, "holds no certificate"),
        (&certificate, &certificate, "holds no private key"),
        (&certificate, &other, "is not that of the certificate"),
    ] {
        let files = CertificateSource::Files { certificate: certificate.clone(), key: key.clone() };
        let error = server::start(options(data.path(), files)).await.err().unwrap().to_string();
        assert!(error.contains(message), "{error}");
    }
    let running = server::start(options(data.path(), CertificateSource::Files { certificate, key })).await.unwrap();
    running.stop().await.unwrap();

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut options = options(data.path(), CertificateSource::Generated);
    options.tls.as_mut().unwrap().listen = taken.local_addr().unwrap();
    let error = server::start(options).await.err().unwrap().to_string();
    assert!(error.contains("for TLS") && error.contains("--tls-listen"), "{error}");
}

/// A proxy that ends TLS is believed when it is one of ours.
#[tokio::test(flavor = "multi_thread")]
async fn only_a_trusted_proxy_says_that_the_client_used_tls() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    for (config, scheme) in
        [("", "http"), ("trusted_proxies = [\"127.0.0.0/8\"]", "https"), ("trusted_proxies = [\"10.0.0.0/8\"]", "http")]
    {
        let data = tempfile::tempdir().unwrap();
        let config = FileConfig::parse(config).unwrap();
        let options = ServerOptions { config, tls: None, ..options(data.path(), CertificateSource::Generated) };
        let running = server::start(options).await.unwrap();
        assert_eq!(running.tls(), None);
        let http = reqwest::Client::builder().tls_certs_only([]).no_proxy().build().unwrap();
        let ask = |forwarded: &'static str| {
            let request = http.get(format!("{}/v3", running.endpoint())).header("x-forwarded-proto", forwarded);
            async move { request.send().await.unwrap().json::<Value>().await.unwrap() }
        };
        let host = running.endpoint().strip_prefix("http://").unwrap();
        let link = |version: &Value| version["version"]["links"][0]["href"].as_str().unwrap().to_owned();
        assert_eq!(link(&ask("https").await), format!("{scheme}://{host}/v3/"));
        assert_eq!(link(&ask("http").await), format!("http://{host}/v3/"));
        running.stop().await.unwrap();
    }
}
