//! Starts over folders that are not as they should be: each refusal is a sentence, and the next start works.
#![allow(clippy::unwrap_used, reason = "a failure here is the failure of the test")]

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use server::{Credentials, DatapathChoice, FileConfig, RegionConfig, RunningServer, ServerOptions, StartError};

fn options(data: &Path) -> ServerOptions {
    ServerOptions {
        data: data.to_owned(),
        listen: "127.0.0.1:0".parse().unwrap(),
        tls: None,
        datapath: DatapathChoice::Sim,
        config: FileConfig::default(),
    }
}

async fn start(data: &Path) -> RunningServer {
    server::start(options(data)).await.unwrap()
}

/// The error of a start, with its causes.
async fn refusal(options: ServerOptions) -> String {
    let error = server::start(options).await.err().unwrap();
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_or_damaged_instance_file_is_said_and_can_be_put_back() {
    let data = tempfile::tempdir().unwrap();
    let running = start(data.path()).await;
    let name = running.instance().to_owned();
    running.stop().await.unwrap();
    let file = data.path().join("instance");
    fs::remove_file(&file).unwrap();
    let text = refusal(options(data.path())).await;
    assert!(text.contains("instance is missing") && text.contains("/sys/fs/bpf/causeway-"), "{text}");
    assert!(!file.exists(), "no name was made up for what another name is needed");
    assert!(matches!(server::remove_leftovers(data.path()).await, Err(StartError::NoInstance { .. })));
    for damaged in [&b""[..], b"../x", b"Upper", b"\xff\xfe", b"a-b"] {
        fs::write(&file, damaged).unwrap();
        let text = refusal(options(data.path())).await;
        assert!(text.contains("instance is damaged: it holds"), "{text}");
        assert!(matches!(server::remove_leftovers(data.path()).await, Err(StartError::BadInstance { .. })));
    }
    fs::write(&file, format!("{name}\n")).unwrap();
    let running = start(data.path()).await;
    assert_eq!(running.instance(), name);
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_fails_leaves_the_folder_free() {
    let data = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap();
    let text = refusal(ServerOptions { listen, ..options(data.path()) }).await;
    assert!(text.contains(&format!("cannot listen on {listen}: ")) && text.contains("--listen"), "{text}");
    // A crash between the store and the first account.
    start(data.path()).await.stop().await.unwrap();
    fs::write(data.path().join(Credentials::FILE), "{").unwrap();
    let text = refusal(options(data.path())).await;
    assert!(text.contains("credentials.json cannot be used"), "{text}");
    fs::remove_file(data.path().join(Credentials::FILE)).unwrap();
    start(data.path()).await.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_cannot_be_used_and_a_damaged_store_are_said() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("file");
    fs::write(&file, "").unwrap();
    let text = refusal(options(&file)).await;
    assert!(text.contains("the data folder") && text.contains("cannot be used: "), "{text}");
    let text = refusal(options(Path::new("/proc/causeway"))).await;
    assert!(text.contains("the data folder /proc/causeway cannot be used: "), "{text}");

    let folder = data.path().join("data");
    start(&folder).await.stop().await.unwrap();
    let store = folder.join("causeway.redb");
    let mut bytes = fs::read(&store).unwrap();
    for byte in bytes.iter_mut().take(8192).skip(16) {
        *byte ^= 0x5a;
    }
    fs::write(&store, &bytes).unwrap();
    let text = refusal(options(&folder)).await;
    assert!(text.contains("causeway.redb") && text.contains("is damaged"), "{text}");
    // What is on the machine can be taken away all the same.
    server::remove_leftovers(&folder).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn regions_may_come_and_go() {
    let data = tempfile::tempdir().unwrap();
    let running = start(data.path()).await;
    let first = running.credentials().clone();
    running.stop().await.unwrap();
    let with = |regions: &[&str]| ServerOptions {
        config: FileConfig {
            regions: regions.iter().map(|r| RegionConfig::named(r)).collect(),
            ..FileConfig::default()
        },
        ..options(data.path())
    };
    let running = server::start(with(&["region-3", "region-1"])).await.unwrap();
    let regions: Vec<_> = running.credentials().projects.iter().map(|p| p.region.clone()).collect();
    assert_eq!(regions, ["region-3", "region-1"]);
    assert_eq!(running.credentials().projects[1].id, first.projects[0].id, "a project keeps its id");
    running.stop().await.unwrap();
    let running = start(data.path()).await;
    assert_eq!(running.credentials().projects, first.projects, "a region that comes back has its project again");
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn leftovers_of_a_running_server_and_of_no_server_are_none() {
    let data = tempfile::tempdir().unwrap();
    server::remove_leftovers(data.path()).await.unwrap();
    assert!(!data.path().join("instance").exists(), "asking makes nothing");
    let running = start(data.path()).await;
    let error = server::remove_leftovers(data.path()).await.unwrap_err();
    assert!(matches!(error, StartError::Running { .. }), "{error}");
    running.stop().await.unwrap();
    server::remove_leftovers(data.path()).await.unwrap();
}

/// What the kernel data plane left is not followed by the simulator: its packets stop, and flow again with the kernel.
#[tokio::test(flavor = "multi_thread")]
async fn the_data_plane_may_change_from_start_to_start() {
    if let Err(missing) = server::kernel_supported() {
        eprintln!("SKIPPED the_data_plane_may_change_from_start_to_start: needs root and BPF: {missing}");
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let kernel = || ServerOptions { datapath: DatapathChoice::Kernel, ..options(data.path()) };
    for _ in 0..2 {
        let running = server::start(kernel()).await.unwrap();
        assert!(running.is_kernel());
        running.stop().await.unwrap();
        let running = start(data.path()).await;
        assert!(!running.is_kernel());
        running.stop().await.unwrap();
    }
    let instance = fs::read_to_string(data.path().join("instance")).unwrap();
    let pins = Path::new("/sys/fs/bpf").join(format!("causeway-{instance}"));
    assert!(pins.exists());
    start(data.path()).await.stop_and_remove().await.unwrap();
    assert!(!pins.exists(), "also what an earlier start made is taken away");
}
