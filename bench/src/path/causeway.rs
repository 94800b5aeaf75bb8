//! The way through Causeway: a server in this process, its real API, the kernel data plane.

use anyhow::{Context, ensure};
use client::{Client, ClientConfig};
use netlink::Namespace;
use server::{DatapathChoice, FileConfig, RunningServer, ServerOptions};
use suite::{Access, Applied, ApplyOptions, Document};
use tempfile::TempDir;

use super::{Kind, Path, port};
use crate::cancel::Cancel;
use crate::leftovers;

const SENDER: &str = "client";
const RECEIVER: &str = "server";

/// A server with two peered VPCs. [`Causeway::remove`] takes it down.
pub struct Causeway {
    /// The way from one server to the other.
    pub path: Path,
    server: RunningServer,
    data: TempDir,
}

impl Causeway {
    /// Starts a server, makes the topology and finds the namespaces of its servers.
    ///
    /// # Errors
    /// What the server says; nothing is left then.
    pub async fn start(cancel: &Cancel) -> anyhow::Result<Self> {
        let prefix = format!("{}{}-", leftovers::FOLDERS, std::process::id());
        let data = tempfile::Builder::new().prefix(&prefix).tempdir()?;
        let server = server::start(ServerOptions {
            data: data.path().to_owned(),
            listen: ([127, 0, 0, 1], 0).into(),
            datapath: DatapathChoice::Kernel,
            config: FileConfig::default(),
        })
        .await?;
        let made = async {
            cancel.check()?;
            topology(&server).await
        };
        match made.await {
            Ok(path) => Ok(Self { path, server, data }),
            Err(error) => {
                server.stop_and_remove().await?;
                Err(error)
            }
        }
    }

    /// Takes everything away: namespaces, links, programs, maps, data.
    ///
    /// # Errors
    /// What could not be removed.
    pub async fn remove(self) -> anyhow::Result<()> {
        self.server.stop_and_remove().await?;
        self.data.close().context("cannot remove the data folder")
    }
}

async fn topology(server: &RunningServer) -> anyhow::Result<Path> {
    ensure!(server.is_kernel(), "{}", server.note());
    let credentials = server.credentials();
    let base = Client::new(ClientConfig {
        endpoint: credentials.endpoint.clone(),
        access_key: credentials.access_key.clone(),
        secret_key: credentials.secret_key.clone(),
        project_id: credentials.projects.first().map(|project| project.id.clone()),
        domain_id: None,
    })?;
    let document = Document::parse(&document(), "the benchmark's topology")?;
    let [scenario] = document.scenarios.as_slice() else { anyhow::bail!("one topology is expected") };
    let mut access = Access::new(base, true);
    let mut options = ApplyOptions { dry_run: false, on_change: &mut |_| {}, on_account: &mut |_, _| {} };
    let applied = suite::apply(&mut access, scenario, &document.defaults, &mut options).await?;

    let mut namespaces = Vec::new();
    let mut address = None;
    for name in [SENDER, RECEIVER] {
        let placed = Applied::find(&applied.servers, "server", name)?;
        let server = access.client(&placed.account, &placed.region)?.show_server(&placed.id).await?;
        let namespace = server.namespace.with_context(|| format!("the server {name} has no namespace"))?;
        namespaces.push(Namespace::open(&namespace)?);
        address = Some(server.ip_address);
    }
    let [sender, receiver] = <[Namespace; 2]>::try_from(namespaces).map_err(|_| anyhow::anyhow!("two servers"))?;
    let address = address.unwrap_or_default();
    let address = address.parse().with_context(|| format!("`{address}` is not an IPv4 address"))?;
    Ok(Path { kind: Kind::Causeway, sender, receiver, address })
}

/// Two peered VPCs with a security group that opens what the router's filter opens.
fn document() -> String {
    format!(
        "vpcs:
- {{name: vpc-a, cidrs: [172.16.0.0/16]}}
- {{name: vpc-b, cidrs: [172.17.0.0/16]}}
subnets:
- {{name: subnet-a, vpc: vpc-a, cidr: 172.16.0.0/24}}
- {{name: subnet-b, vpc: vpc-b, cidr: 172.17.0.0/24}}
security_groups:
- name: bench
  rules:
  - {{dir: in, action: allow, priority: 1, version: 4, proto: tcp, port: \"22,80,443,3306,5432,6379\", remote: 172.16.0.0/16}}
  - {{dir: in, action: allow, priority: 1, version: 4, proto: tcp, port: {stream}, remote: 172.16.0.0/16}}
  - {{dir: in, action: allow, priority: 1, version: 4, proto: tcp, port: {latency}, remote: 172.16.0.0/16}}
  - {{dir: in, action: allow, priority: 1, version: 4, proto: udp, port: {packets}, remote: 172.16.0.0/16}}
  - {{dir: out, action: allow, priority: 1, version: 4, proto: all, remote: 0.0.0.0/0}}
workloads:
- {{name: {SENDER}, subnet: subnet-a, ip: 172.16.0.10, kind: ecs, sgs: [bench]}}
- {{name: {RECEIVER}, subnet: subnet-b, ip: 172.17.0.10, kind: ecs, sgs: [bench]}}
peerings:
- {{name: peering, local: vpc-a, peer: vpc-b, status: ACTIVE}}
routes:
- {{table: rtb-vpc-a, destination: 172.17.0.0/16, next_hop_type: peering, next_hop: peering}}
- {{table: rtb-vpc-b, destination: 172.16.0.0/16, next_hop_type: peering, next_hop: peering}}
",
        stream = port::STREAM,
        latency = port::LATENCY,
        packets = port::PACKETS,
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
    use super::*;

    #[test]
    fn the_topology_is_a_valid_document() {
        let parsed = Document::parse(&document(), "test").unwrap();
        assert_eq!(parsed.scenarios[0].peerings.len(), 1);
    }
}
