//! Installations from a few lines of text, for tests.
//!
//! One statement on each line; names stand for ids, and everything that a statement does not say has the defaults of
//! the topology suite (account `acct-a`, region `region-1`, the centre, check on, a group that allows everything).
//!
//! ```text
//! vpc VPC-A 172.16.0.0/16,100.20.0.0/16 account=acct-b region=region-2 edge=edge-1
//! subnet Subnet-A01 VPC-A 172.16.0.0/24
//! table rtb-custom VPC-A Subnet-A01,Subnet-A02
//! group sg-web account=acct-a
//! rule sg-web in allow 1 tcp/80-90 sg:sg-web
//! server ECS-A01 Subnet-A01 172.16.0.111 kind=firewall groups=sg-web,sg-db check=off
//! peering Peering-AB VPC-A VPC-B status=PENDING_ACCEPTANCE
//! route rtb-VPC-A 172.17.0.0/16 Peering-AB
//! addresses office 10.0.0.1-10.0.0.9,10.1.0.0/16
//! acl acl-db Subnet-A01,Subnet-A02 enabled=off
//! acl-rule acl-db in allow tcp ag:office any sport=1024-65535 dport=5432
//! vip VIP-A Subnet-A01 172.16.0.200
//! bind VIP-A ECS-A01,ECS-A02
//! hold VIP-A ECS-A01
//! eni ENI-A ECS-A01 Subnet-A02 172.16.1.9
//! sub SUB-A ECS-A01 Subnet-A02 172.16.1.10 vlan=100 groups=sg-web
//! ```
//! A subnet has IPv6 with `v6=2001:db8::/64`, a server with `ip6=2001:db8::5`. A route's next hop is a peering, a server,
//! an extension NIC or the address of a virtual IP. A remote is a range, `sg:GROUP`, `ag:ADDRESSES`, `any` or `any6`.
//!
//! For changes: `status PEERING STATUS`, `delete-peering NAME`, `delete-route TABLE DESTINATION`, `delete-subnet NAME`,
//! `delete-server NAME`, `delete-rules GROUP`, `associate SUBNET TABLE`, `stop SERVER`, `start SERVER`,
//! `check SERVER on|off`, `groups SERVER GROUP,…`; `enable ACL on|off`, `guard ACL SUBNET,…`, `delete-acl-rules ACL`,
//! `delete-acl NAME`, `set-addresses NAME ADDRESSES`; `hold VIP -` for no holder, `bind VIP -` for nobody,
//! `delete-vip NAME`, `pairs SERVER RANGE,…`; of a server's primary port or another port by its name `security PORT on|off`,
//! `profile PORT [disabled] tcp=PORT,… udp=PORT,…`, `lease PORT 5h`, `unsub SUB` for a supplementary one that is detached.
//!
//! Any mistake in the text panics: it is a mistake in a test.
#![allow(clippy::unwrap_used, missing_docs, reason = "test support: a mistake in the text is a failed test")]

mod acl;
pub mod churn;
mod group;
mod network;
mod port;
mod vip;

use std::collections::BTreeMap;
use std::sync::Arc;

use catalog::{Catalog, RecordChange};
use model::{
    Account, AccountId, MacAddress, Peering, PeeringId, Port, PortId, Project, ProjectId, Record, RegionId,
    RouteTableId, SecurityGroup, Server, ServerId, ServerKind, ServerState, Site, Subnet, SubnetId, Timestamp, Vni,
    VpcId,
};
use store::{Change, ChangeSet};
use uuid::Uuid;

use crate::Attachments;
use network::peering_status;

/// An installation that tests make and change.
#[derive(Clone, Default)]
pub struct Fixture {
    pub catalog: Catalog,
    changes: Vec<RecordChange>,
    names: BTreeMap<String, Uuid>,
    attachments: Attachments,
    made: u64,
}

type Options<'a> = BTreeMap<&'a str, &'a str>;

impl Fixture {
    /// The installation of a text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut fixture = Self::default();
        fixture.run(text);
        fixture
    }

    /// Runs more statements.
    pub fn run(&mut self, text: &str) {
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            self.statement(line);
        }
    }

    /// The changes since the last call.
    pub fn take_changes(&mut self) -> Vec<RecordChange> {
        std::mem::take(&mut self.changes)
    }

    /// One attachment for each server that was made.
    #[must_use]
    pub fn attachments(&self) -> &Attachments {
        &self.attachments
    }

    #[must_use]
    pub fn id(&self, name: &str) -> Uuid {
        *self.names.get(name).unwrap_or_else(|| panic!("nothing is named {name}"))
    }

    /// The id of a name, if the name was ever given.
    #[must_use]
    pub fn id_of(&self, name: &str) -> Option<Uuid> {
        self.names.get(name).copied()
    }

    #[must_use]
    pub fn server(&self, name: &str) -> ServerId {
        ServerId::new(self.id(name))
    }

    #[must_use]
    pub fn vpc(&self, name: &str) -> VpcId {
        VpcId::new(self.id(name))
    }

    #[must_use]
    pub fn account(&self, name: &str) -> AccountId {
        AccountId::new(self.id(name))
    }

    /// Writes an object.
    pub fn put(&mut self, record: impl Into<Record>) {
        let record = record.into();
        let value = Some(Arc::from(record.encode().unwrap()));
        self.commit(record.key(), value);
    }

    /// Removes the object with a record key.
    pub fn delete(&mut self, key: String) {
        self.commit(key, None);
    }

    fn commit(&mut self, key: String, value: Option<Arc<[u8]>>) {
        let revision = self.catalog.revision().next();
        let set = ChangeSet { revision, changes: vec![Change { key, value, mod_revision: revision }] };
        let (catalog, changes) = self.catalog.apply(&set).unwrap();
        self.catalog = catalog;
        self.changes.extend(changes);
    }

    fn next(&mut self) -> u64 {
        self.made += 1;
        self.made
    }

    fn uuid(&mut self) -> Uuid {
        let number = u128::from(self.next());
        Uuid::from_u128(number << 72 | number)
    }

    fn name(&mut self, name: &str) -> Uuid {
        let id = self.uuid();
        assert!(self.names.insert(name.to_owned(), id).is_none(), "{name} is there already");
        id
    }

    fn statement(&mut self, line: &str) {
        if self.acl_statement(line) || self.vip_statement(line) || self.port_statement(line) {
            return;
        }
        let (options, words): (Vec<&str>, Vec<&str>) = line.split_whitespace().partition(|word| word.contains('='));
        let options: Options = options.iter().map(|option| option.split_once('=').unwrap()).collect();
        match words[..] {
            ["vpc", name, cidrs] => self.make_vpc(name, cidrs, &options),
            ["subnet", name, vpc, cidr] => self.make_subnet(name, vpc, cidr, &options),
            ["table", name, vpc, subnets] => self.make_table(name, vpc, subnets),
            ["group", name] => {
                let account = options.get("account").copied().unwrap_or("acct-a");
                self.make_group(name, account);
            }
            ["rule", group, direction, action, priority, service, remote] => {
                self.add_rule(group, direction, action, priority, service, remote);
            }
            ["server", name, subnet, ip] => self.make_server(name, subnet, ip, &options),
            ["peering", name, a, b] => self.make_peering(name, a, b, &options),
            ["route", table, destination, next_hop] => self.make_route(table, destination, next_hop),
            ["status", name, status] => {
                let peering = Peering { status: peering_status(status), ..self.peering(name) };
                self.put(peering);
            }
            ["delete-peering", name] => {
                let id = PeeringId::new(self.id(name));
                let routes: Vec<_> =
                    self.catalog.routes_to_peering(id).map(|r| Record::from((**r).clone()).key()).collect();
                routes.into_iter().for_each(|key| self.delete(key));
                self.delete(Record::from(self.peering(name)).key());
            }
            ["delete-route", table, destination] => {
                let table = RouteTableId::new(self.id(table));
                let route = self.catalog.route_for(table, destination.parse().unwrap()).unwrap();
                self.delete(Record::from((**route).clone()).key());
            }
            ["delete-subnet", name] => self.delete(format!("subnet/{}", self.id(name))),
            ["delete-server", name] => {
                let server = self.server_record(name);
                self.delete(format!("server/{}", server.id));
                self.delete(format!("port/{}", server.port));
                self.attachments.remove(&server.port);
            }
            ["delete-rules", name] => {
                let group = SecurityGroup { rules: Vec::new(), ..self.group(name) };
                self.put(group);
            }
            ["associate", subnet, table] => {
                let route_table = RouteTableId::new(self.id(table));
                let subnet = (**self.catalog.subnet(SubnetId::new(self.id(subnet))).unwrap()).clone();
                self.put(Subnet { route_table, ..subnet });
            }
            ["stop", name] => self.set_state(name, ServerState::Stopped),
            ["start", name] => self.set_state(name, ServerState::Running),
            ["check", name, on] => {
                let port = Port { source_dest_check: on == "on", ..self.port_of(name) };
                self.put(port);
            }
            ["groups", name, groups] => {
                let port = Port { security_groups: self.group_ids(groups), ..self.port_of(name) };
                self.put(port);
            }
            _ => panic!("`{line}` is no statement"),
        }
    }

    fn make_server(&mut self, name: &str, subnet: &str, ip: &str, options: &Options) {
        let subnet = self.catalog.subnet(SubnetId::new(self.id(subnet))).unwrap().clone();
        let project = self.catalog.project(subnet.project).unwrap().clone();
        let account = self.catalog.account(project.account).unwrap().name.clone();
        let groups = match options.get("groups") {
            Some(groups) => self.group_ids(groups),
            None => vec![self.open_group(&account)],
        };
        let id = ServerId::new(self.name(name));
        let port = PortId::new(self.uuid());
        let number = self.next();
        let [.., a, b, c] = number.to_be_bytes();
        let check = options.get("check").is_none_or(|check| *check == "on");
        self.put(Server {
            id,
            project: subnet.project,
            region: subnet.region.clone(),
            name: name.to_owned(),
            kind: match options.get("kind").copied().unwrap_or("ecs") {
                "rds" => ServerKind::Rds,
                "firewall" => ServerKind::Firewall,
                "snat-server" => ServerKind::SnatServer,
                _ => ServerKind::Ecs,
            },
            state: ServerState::Running,
            port,
            created_at: now(),
            updated_at: now(),
        });
        self.put(Port {
            id: port,
            project: subnet.project,
            region: subnet.region.clone(),
            subnet: subnet.id,
            vpc: subnet.vpc,
            name: String::new(),
            mac: MacAddress([0xfa, 0x16, 0x3e, a, b, c]),
            ipv4: ip.parse().unwrap(),
            ipv6: options.get("ip6").map(|ip| ip.parse().unwrap()),
            security_groups: groups,
            source_dest_check: check,
            allowed_address_pairs: Vec::new(),
            server: Some(id),
            device_owner: "compute:".to_owned(),
            holder: None,
            tags: model::Tags::default(),
            device_index: 0,
            port_security_enabled: true,
            profile: model::PortProfile::default(),
            lease: None,
            description: String::new(),
            supplementary: None,
            created_at: now(),
            updated_at: now(),
        });
        self.attachments.insert(port, u32::try_from(number).unwrap() + 100);
    }

    fn set_state(&mut self, name: &str, state: ServerState) {
        let server = Server { state, ..self.server_record(name) };
        self.put(server);
    }

    fn project(&mut self, account: &str, region: &RegionId) -> ProjectId {
        if !self.names.contains_key(account) {
            let id = AccountId::new(self.name(account));
            self.put(Account {
                id,
                name: account.to_owned(),
                site: Site::default(),
                operator: false,
                created_at: now(),
            });
        }
        let account = self.account(account);
        if let Some(project) = self.catalog.project_in(account, region) {
            return project.id;
        }
        let id = ProjectId::new(self.uuid());
        self.put(Project { id, name: region.to_string(), account, region: region.clone(), created_at: now() });
        id
    }

    fn vni(&mut self) -> Vni {
        Vni::new(u32::try_from(self.next()).unwrap() + 4096).unwrap()
    }

    fn peering(&self, name: &str) -> Peering {
        (**self.catalog.peering(PeeringId::new(self.id(name))).unwrap()).clone()
    }

    fn server_record(&self, name: &str) -> Server {
        (**self.catalog.server(self.server(name)).unwrap()).clone()
    }

    fn port_of(&self, server: &str) -> Port {
        (**self.catalog.port(self.server_record(server).port).unwrap()).clone()
    }
}

fn now() -> Timestamp {
    Timestamp::from_unix_seconds(1_800_000_000)
}
