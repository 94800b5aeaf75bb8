//! The way through Causeway: a server in this process, its real API, the kernel data plane.

use std::net::IpAddr;

use anyhow::{Context, ensure};
use client::{Client, ClientConfig};
use netlink::Namespace;
use server::{DatapathChoice, FileConfig, RunningServer, ServerOptions};
use suite::{Access, Applied, ApplyOptions, Document};
use tempfile::TempDir;

use super::{Kind, Path, ROUTES, RULES, port};
use crate::cancel::Cancel;
use crate::leftovers;

/// Sender and receiver of each way.
const PAIRS: [(Variant, &str, &str); 2] =
    [(Variant::Bare, "client", "server"), (Variant::Configured, "client-configured", "server-configured")];

/// What is in force beside the peering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Variant {
    /// The rules that the traffic needs.
    Bare,
    /// Network ACLs, many rules and many routes.
    Configured,
}

/// A server with peered VPCs. [`Causeway::remove`] takes it down.
pub struct Causeway {
    /// The ways from one server to another.
    pub paths: Vec<Path>,
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
            tls: None,
            datapath: DatapathChoice::Kernel,
            config: FileConfig::default(),
        })
        .await?;
        let made = async {
            cancel.check()?;
            topology(&server).await
        };
        match made.await {
            Ok(paths) => Ok(Self { paths, server, data }),
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

async fn topology(server: &RunningServer) -> anyhow::Result<Vec<Path>> {
    ensure!(server.is_kernel(), "{}", server.note());
    let credentials = server.credentials();
    let base = Client::new(ClientConfig {
        endpoint: credentials.endpoint.clone(),
        access_key: credentials.access_key.clone(),
        secret_key: credentials.secret_key.clone(),
        project_id: credentials.projects.first().map(|project| project.id.clone()),
        domain_id: None,
        ca_file: None,
    })?;
    let document = Document::parse(&document(), "the benchmark's topology")?;
    let [scenario] = document.scenarios.as_slice() else { anyhow::bail!("one topology is expected") };
    let mut access = Access::new(base, true);
    let mut options = ApplyOptions { dry_run: false, on_change: &mut |_| {}, on_account: &mut |_, _| {} };
    let applied = suite::apply(&mut access, scenario, &document.defaults, &mut options).await?;

    let mut paths = Vec::new();
    for (variant, sender, receiver) in PAIRS {
        let mut ends = Vec::new();
        for name in [sender, receiver] {
            let placed = Applied::find(&applied.servers, "server", name)?;
            let server = access.client(&placed.account, &placed.region)?.show_server(&placed.id).await?;
            let namespace = server.namespace.with_context(|| format!("the server {name} has no namespace"))?;
            ends.push(Namespace::open(&namespace)?);
        }
        let [sender, receiver] = <[Namespace; 2]>::try_from(ends).map_err(|_| anyhow::anyhow!("two servers"))?;
        let net = net(variant, Side::Receiver);
        let addresses: [IpAddr; 2] = [format!("{}.10", net.v4).parse()?, format!("{}::10", net.v6).parse()?];
        let kinds = match variant {
            Variant::Bare => [Kind::Causeway, Kind::Causeway6],
            Variant::Configured => [Kind::Configured, Kind::Configured6],
        };
        for (kind, address) in kinds.into_iter().zip(addresses) {
            paths.push(Path { kind, sender: sender.clone(), receiver: receiver.clone(), address });
        }
    }
    Ok(paths)
}

/// Which end of a way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Sender,
    Receiver,
}

/// Names and ranges of the VPC of an end.
struct Net {
    /// Last part of the names of its objects.
    name: &'static str,
    /// The first three bytes of the addresses of its subnet.
    v4: &'static str,
    /// The first four words of the IPv6 addresses of its subnet.
    v6: &'static str,
}

fn net(variant: Variant, side: Side) -> Net {
    let (name, v4, v6) = match (variant, side) {
        (Variant::Bare, Side::Sender) => ("a", "172.16.0", "2407:c080:802:16"),
        (Variant::Bare, Side::Receiver) => ("b", "172.17.0", "2407:c080:802:17"),
        (Variant::Configured, Side::Sender) => ("c", "172.18.0", "2407:c080:802:18"),
        (Variant::Configured, Side::Receiver) => ("d", "172.19.0", "2407:c080:802:19"),
    };
    Net { name, v4, v6 }
}

/// Two pairs of peered VPCs with security groups that open what the router's filter opens.
fn document() -> String {
    let mut sections: Vec<(&str, String)> =
        ["vpcs", "subnets", "security_groups", "workloads", "peerings", "routes", "network_acls"]
            .map(|key| (key, String::new()))
            .into();
    let mut add = |key: &str, item: String| {
        for (_, body) in sections.iter_mut().filter(|(name, _)| *name == key) {
            *body += &format!("- {{{item}}}\n");
        }
    };
    for (variant, sender, receiver) in PAIRS {
        let (near, far) = (net(variant, Side::Sender), net(variant, Side::Receiver));
        // A group may have 50 rules (rule SG-12), those that it is made with among them: they are in two.
        let peering = format!("peering-{}", near.name);
        let (mut groups, mut rest) = (Vec::new(), rules(variant, &near));
        while !rest.is_empty() {
            let group = format!("bench-{}-{}", near.name, groups.len() + 1);
            let rules: Vec<String> = rest.drain(..rest.len().min(RULES / 2)).collect();
            add("security_groups", format!("name: {group}, rules: [{}]", rules.join(", ")));
            groups.push(group);
        }
        let groups = groups.join(", ");
        add("peerings", format!("name: {peering}, local: vpc-{}, peer: vpc-{}, status: ACTIVE", near.name, far.name));
        for (workload, own, other) in [(sender, &near, &far), (receiver, &far, &near)] {
            let Net { name, v4, v6 } = own;
            add("vpcs", format!("name: vpc-{name}, cidrs: [{v4}.0/16]"));
            add("subnets", format!("name: subnet-{name}, vpc: vpc-{name}, cidr: {v4}.0/24, cidr6: \"{v6}::/64\""));
            add(
                "workloads",
                format!(
                    "name: {workload}, subnet: subnet-{name}, ip: {v4}.10, ip6: \"{v6}::10\", kind: ecs, sgs: [{groups}]"
                ),
            );
            let mut destinations = vec![format!("{}.0/16", other.v4), format!("{}::/64", other.v6)];
            if variant == Variant::Configured {
                destinations.extend((destinations.len()..ROUTES).map(|n| format!("10.{}.{}.0/24", n / 250, n % 250)));
                let name = format!("acl-{name}");
                add(
                    "network_acls",
                    format!("name: {name}, subnets: [subnet-{}], rules: [{}]", own.name, acl().join(", ")),
                );
            }
            for destination in destinations {
                add(
                    "routes",
                    format!(
                        "table: rtb-vpc-{name}, destination: \"{destination}\", next_hop_type: peering, next_hop: {peering}"
                    ),
                );
            }
        }
    }
    sections.iter().map(|(key, body)| format!("{key}:\n{body}")).collect()
}

/// The rules of a group: what the traffic needs stands last.
fn rules(variant: Variant, clients: &Net) -> Vec<String> {
    let rule = |version: u8, service: &str, remote: &str| {
        format!("{{dir: in, action: allow, priority: 1, version: {version}, {service}, remote: \"{remote}\"}}")
    };
    let mut rules = Vec::new();
    for (version, everything, remote) in
        [(4, "0.0.0.0/0", format!("{}.0/16", clients.v4)), (6, "::/0", format!("{}::/64", clients.v6))]
    {
        rules.push(rule(version, "proto: tcp, port: \"22,80,443,3306,5432,6379\"", &remote));
        rules.push(rule(version, &format!("proto: tcp, port: {}", port::STREAM), &remote));
        rules.push(rule(version, &format!("proto: tcp, port: {}", port::LATENCY), &remote));
        rules.push(rule(version, &format!("proto: udp, port: {}", port::PACKETS), &remote));
        rules.push(format!(
            "{{dir: out, action: allow, priority: 1, version: {version}, proto: all, remote: \"{everything}\"}}"
        ));
    }
    if variant == Variant::Configured {
        let more = rules.len()..RULES;
        let others = more.map(|n| rule(4, &format!("proto: tcp, port: {}", 1000 + n), &format!("10.{n}.0.0/16")));
        rules.splice(0..0, others.collect::<Vec<_>>());
    }
    rules
}

/// The rules of a network ACL: some that refuse others, then everything.
fn acl() -> Vec<String> {
    let mut rules = Vec::new();
    for (version, others, everything) in [(4, "192.168", "0.0.0.0/0"), (6, "2001:db8", "::/0")] {
        for direction in ["in", "out"] {
            for number in 0..10 {
                let source =
                    if version == 4 { format!("{others}.{number}.0/24") } else { format!("{others}:{number}::/48") };
                rules.push(format!(
                    "{{dir: {direction}, action: deny, priority: {}, version: {version}, proto: tcp, source: \"{source}\", destination: \"{everything}\", dport: 445}}",
                    rules.len() + 1
                ));
            }
            rules.push(format!(
                "{{dir: {direction}, action: allow, priority: {}, version: {version}, source: \"{everything}\", destination: \"{everything}\"}}",
                rules.len() + 1
            ));
        }
    }
    rules
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
    use super::*;

    #[test]
    fn the_topology_is_a_valid_document() {
        let parsed = Document::parse(&document(), "test").unwrap();
        let scenario = &parsed.scenarios[0];
        assert_eq!((scenario.peerings.len(), scenario.network_acls.len()), (2, 2));
        let routes = scenario.routes.iter().filter(|route| route.table == "rtb-vpc-d").count();
        let groups = scenario.security_groups.iter().filter(|group| group.name.starts_with("bench-c"));
        assert_eq!((routes, groups.map(|group| group.rules.len()).sum()), (ROUTES, RULES));
    }
}
