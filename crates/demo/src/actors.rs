//! Programs inside the servers' network namespaces.

use std::collections::BTreeMap;
use std::process::{Output, Stdio};
use std::time::Duration;

use netlink::Namespace;
use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::DemoError;
use crate::error::machine;

/// No program of the story takes longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// The servers' namespaces, open: they can be looked into even when their names are gone.
#[derive(Default)]
pub(crate) struct Actors {
    namespaces: BTreeMap<String, Namespace>,
}

impl Actors {
    /// Opens the namespace of a server.
    pub(crate) fn add(&mut self, server: &str, namespace: &str) -> Result<(), DemoError> {
        self.namespaces.insert(server.to_owned(), Namespace::open(namespace)?);
        Ok(())
    }

    pub(crate) fn namespace(&self, server: &str) -> Result<&Namespace, DemoError> {
        self.namespaces.get(server).ok_or_else(|| DemoError::Program {
            program: server.to_owned(),
            why: "has no network namespace".to_owned(),
        })
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (&String, &Namespace)> {
        self.namespaces.iter()
    }

    /// Starts a program in a server; it is killed when the child is dropped.
    pub(crate) fn spawn(&self, server: &str, command: &mut Command) -> Result<Child, DemoError> {
        let namespace = self.namespace(server)?;
        command.stdin(Stdio::null()).kill_on_drop(true);
        let runtime = Handle::current();
        let program = command.as_std().get_program().to_string_lossy().into_owned();
        let spawned = netlink::run_in(namespace, || {
            // The child is waited for by the runtime of the caller.
            let _inside = runtime.enter();
            command.spawn()
        })?;
        spawned.map_err(machine(format!("start {program} in {server}")))
    }

    /// Runs a program in a server to its end and returns what it printed.
    pub(crate) async fn output(&self, server: &str, command: &mut Command) -> Result<Output, DemoError> {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = self.spawn(server, command)?;
        let program = command.as_std().get_program().to_string_lossy().into_owned();
        match timeout(PATIENCE, child.wait_with_output()).await {
            Ok(output) => output.map_err(machine(format!("run {program} in {server}"))),
            Err(_) => Err(DemoError::Program { program, why: format!("did not end within {PATIENCE:?}") }),
        }
    }
}
