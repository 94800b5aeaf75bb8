//! What the whole-binary tests share: a server of their own, clients, a topology, a clean end.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failure here is the failure of the test")]

pub mod fault;
pub mod random;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use client::{Client, ClientConfig};
use suite::{Access, AccountAccess, Applied, ApplyOptions, Defaults, Document, Scenario};
use tempfile::TempDir;

/// The built binary.
pub fn binary() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_causeway"))
}

/// The project's own suite.
pub fn suite_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec/topologies.yaml")
}

/// Whether the kernel data plane can run here; says loudly when not.
pub fn kernel_or_skip(test: &str) -> bool {
    if let Err(missing) = agent::kernel_supported() {
        eprintln!("SKIPPED {test}: the kernel data plane cannot run here: {missing}");
        return false;
    }
    true
}

/// Waits until `done` answers something, at most `limit`.
pub fn wait_for<T>(what: &str, limit: Duration, mut done: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + limit;
    loop {
        if let Some(value) = done() {
            return value;
        }
        assert!(Instant::now() < end, "{what} did not happen within {limit:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A server process with a data folder of its own. Dropping it kills it and takes away what it made.
pub struct TestServer {
    pub data: TempDir,
    datapath: &'static str,
    child: Child,
}

impl TestServer {
    pub fn start(datapath: &'static str) -> Self {
        let data = tempfile::tempdir().unwrap();
        let child = Self::spawn(data.path(), datapath);
        let server = Self { data, datapath, child };
        server.wait_ready();
        server
    }

    fn spawn(data: &Path, datapath: &str) -> Child {
        Command::new(binary())
            .args(["serve", "--listen", "127.0.0.1:0", "--datapath", datapath, "--data"])
            .arg(data)
            // Marks of killed servers stay with the test.
            .env("CAUSEWAY_RUN", data.join("run"))
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap()
    }

    fn wait_ready(&self) {
        wait_for("the server's start", Duration::from_secs(30), || {
            let credentials = server::Credentials::read(self.data.path()).ok()??;
            let address = credentials.endpoint.strip_prefix("http://")?.to_owned();
            std::net::TcpStream::connect(address).ok()
        });
    }

    /// Kills the process without warning.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts the process again over the same data.
    pub fn restart(&mut self) {
        self.child = Self::spawn(self.data.path(), self.datapath);
        self.wait_ready();
    }

    pub fn credentials(&self) -> server::Credentials {
        server::Credentials::read(self.data.path()).unwrap().unwrap()
    }

    pub fn instance(&self) -> String {
        std::fs::read_to_string(self.data.path().join("instance")).unwrap().trim().to_owned()
    }

    /// The operator's client, in the first region.
    pub fn client(&self) -> Client {
        let credentials = self.credentials();
        Client::new(ClientConfig {
            endpoint: credentials.endpoint.clone(),
            access_key: credentials.access_key.clone(),
            secret_key: credentials.secret_key.clone(),
            project_id: Some(credentials.projects[0].id.clone()),
            ..ClientConfig::default()
        })
        .unwrap()
    }

    /// Applies a topology; `acct-a` is the operator's account, others are made.
    pub async fn apply(&self, scenario: &Scenario) -> (Access, Applied) {
        self.apply_with(scenario, &[]).await
    }

    /// As [`Self::apply`], with accounts that are there already.
    pub async fn apply_with(&self, scenario: &Scenario, accounts: &[(&str, AccountAccess)]) -> (Access, Applied) {
        let credentials = self.credentials();
        let mut access = Access::new(self.client(), true);
        let projects: BTreeMap<String, String> =
            credentials.projects.iter().map(|p| (p.region.clone(), p.id.clone())).collect();
        access.add(
            "acct-a",
            AccountAccess {
                access_key: credentials.access_key.clone(),
                secret_key: credentials.secret_key.clone(),
                projects,
            },
        );
        for (name, account) in accounts {
            access.add(name, account.clone());
        }
        let mut options = ApplyOptions { dry_run: false, on_change: &mut |_| {}, on_account: &mut |_, _| {} };
        let applied = suite::apply(&mut access, scenario, &Defaults::default(), &mut options).await;
        let applied = applied.unwrap_or_else(|error| panic!("{}", chain(&error)));
        (access, applied)
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if self.datapath == "kernel" {
            let options = agent::Options::new(&self.instance());
            if let Err(error) = agent::remove_leftovers(&options) {
                eprintln!("left on the machine: {error}");
            }
        }
    }
}

/// A scenario of the project's suite.
pub fn scenario(id: &str) -> Scenario {
    let document = Document::read(&suite_file()).unwrap();
    document.scenarios.into_iter().find(|s| s.id == id).unwrap()
}

/// A topology from YAML.
pub fn topology(yaml: &str) -> Scenario {
    Document::parse(yaml, "test").unwrap_or_else(|error| panic!("{error}")).scenarios.remove(0)
}

/// An error with its causes.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
