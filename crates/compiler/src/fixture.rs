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
//! ```
//! and, for changes, `status PEERING STATUS`, `delete-peering NAME`, `delete-route TABLE DESTINATION`,
//! `delete-subnet NAME`, `delete-server NAME`, `delete-rules GROUP`, `associate SUBNET TABLE`, `stop SERVER`,
//! `start SERVER`, `check SERVER on|off`, `groups SERVER GROUP,…`.
//!
//! Any mistake in the text panics: it is a mistake in a test.
#![allow(clippy::unwrap_used, missing_docs, reason = "test support: a mistake in the text is a failed test")]

pub mod churn;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use catalog::{Catalog, RecordChange};
use ipnet::{IpNet, Ipv4Net};
use model::{
    Account, AccountId, Direction, IpVersion, MacAddress, NextHop, Peering, PeeringEnd, PeeringId, PeeringStatus, Port,
    PortId, Project, ProjectId, Protocol, Record, RegionId, Remote, Route, RouteId, RouteTable, RouteTableId,
    RuleAction, SecurityGroup, SecurityGroupId, SecurityGroupRule, SecurityGroupRuleId, Server, ServerId, ServerKind,
    ServerState, ServiceRange, Site, Subnet, SubnetId, Timestamp, Vni, Vpc, VpcId,
};
use store::{Change, ChangeSet};
use uuid::Uuid;

use crate::Attachments;

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
        let (options, words): (Vec<&str>, Vec<&str>) = line.split_whitespace().partition(|word| word.contains('='));
        let options: Options = options.iter().map(|option| option.split_once('=').unwrap()).collect();
        match words[..] {
            ["vpc", name, cidrs] => self.make_vpc(name, cidrs, &options),
            ["subnet", name, vpc, cidr] => self.make_subnet(name, vpc, cidr),
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

    fn make_vpc(&mut self, name: &str, cidrs: &str, options: &Options) {
        let region = RegionId::from(options.get("region").copied().unwrap_or("region-1"));
        let project = self.project(options.get("account").copied().unwrap_or("acct-a"), &region);
        let id = VpcId::new(self.name(name));
        let table = RouteTableId::new(self.name(&format!("rtb-{name}")));
        let mut cidrs = cidrs.split(',').map(|cidr| cidr.parse::<Ipv4Net>().unwrap());
        let vpc = Vpc {
            id,
            project,
            region: region.clone(),
            name: name.to_owned(),
            description: String::new(),
            cidr: cidrs.next(),
            secondary_cidrs: cidrs.collect(),
            edge_site: options.get("edge").map(|site| (*site).into()),
            vni: self.vni(),
            default_route_table: table,
            enterprise_project_id: "0".to_owned(),
            created_at: now(),
            updated_at: now(),
        };
        self.put(vpc);
        self.put_table(table, &format!("rtb-{name}"), id, true);
    }

    fn put_table(&mut self, id: RouteTableId, name: &str, vpc: VpcId, default: bool) {
        let vpc = self.catalog.vpc(vpc).unwrap();
        let table = RouteTable {
            id,
            project: vpc.project,
            region: vpc.region.clone(),
            vpc: vpc.id,
            name: name.to_owned(),
            description: String::new(),
            default,
            created_at: now(),
            updated_at: now(),
        };
        self.put(table);
    }

    fn make_table(&mut self, name: &str, vpc: &str, subnets: &str) {
        let id = RouteTableId::new(self.name(name));
        self.put_table(id, name, self.vpc(vpc), false);
        subnets.split(',').for_each(|subnet| self.statement(&format!("associate {subnet} {name}")));
    }

    fn make_subnet(&mut self, name: &str, vpc: &str, cidr: &str) {
        let id = SubnetId::new(self.name(name));
        let neutron_subnet_id = self.uuid();
        let vpc = self.catalog.vpc(self.vpc(vpc)).unwrap();
        let cidr: Ipv4Net = cidr.parse().unwrap();
        let subnet = Subnet {
            id,
            neutron_subnet_id,
            project: vpc.project,
            region: vpc.region.clone(),
            vpc: vpc.id,
            route_table: vpc.default_route_table,
            name: name.to_owned(),
            description: String::new(),
            cidr,
            gateway: Ipv4Addr::from(u32::from(cidr.network()) + 1),
            ipv6: None,
            dhcp_enable: true,
            dns: Vec::new(),
            availability_zone: String::new(),
            dhcp_options: Vec::new(),
            created_at: now(),
            updated_at: now(),
        };
        self.put(subnet);
    }

    fn make_group(&mut self, name: &str, account: &str) {
        let region = RegionId::from("region-1");
        let project = self.project(account, &region);
        let id = SecurityGroupId::new(self.name(name));
        let group = SecurityGroup {
            id,
            project,
            region,
            name: name.to_owned(),
            description: String::new(),
            default: name == "default",
            enterprise_project_id: "0".to_owned(),
            rules: Vec::new(),
            created_at: now(),
            updated_at: now(),
        };
        self.put(group);
    }

    fn add_rule(&mut self, group: &str, direction: &str, action: &str, priority: &str, service: &str, remote: &str) {
        let mut group = self.group(group);
        let (protocol, ports) = service.split_once('/').unwrap_or((service, ""));
        let rule = SecurityGroupRule {
            id: SecurityGroupRuleId::new(self.uuid()),
            direction: if direction == "in" { Direction::Ingress } else { Direction::Egress },
            action: if action == "allow" { RuleAction::Allow } else { RuleAction::Deny },
            priority: priority.parse().unwrap(),
            version: IpVersion::V4,
            protocol: match protocol {
                "all" => None,
                "icmp" => Some(Protocol::ICMP),
                "tcp" => Some(Protocol::TCP),
                "udp" => Some(Protocol::UDP),
                number => Some(Protocol(number.parse().unwrap())),
            },
            services: ports
                .split(',')
                .filter(|range| !range.is_empty())
                .map(|range| {
                    let (first, last) = range.split_once('-').unwrap_or((range, range));
                    ServiceRange { first: first.parse().unwrap(), last: last.parse().unwrap() }
                })
                .collect(),
            remote: match remote.strip_prefix("sg:") {
                Some(name) => Remote::Group(SecurityGroupId::new(self.id(name))),
                None => Remote::Cidr(remote.parse::<IpNet>().unwrap()),
            },
            description: String::new(),
            enabled: true,
            created_at: now(),
        };
        group.rules.push(rule);
        group.rules.sort_by_key(|rule| rule.id);
        self.put(group);
    }

    fn group_ids(&self, groups: &str) -> Vec<SecurityGroupId> {
        groups.split(',').filter(|name| !name.is_empty()).map(|name| SecurityGroupId::new(self.id(name))).collect()
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
            ipv6: None,
            security_groups: groups,
            source_dest_check: check,
            allowed_address_pairs: Vec::new(),
            server: Some(id),
            device_owner: "compute:".to_owned(),
            created_at: now(),
            updated_at: now(),
        });
        self.attachments.insert(port, u32::try_from(number).unwrap() + 100);
    }

    /// The group of an account that allows everything both ways.
    fn open_group(&mut self, account: &str) -> SecurityGroupId {
        let name = format!("open-{account}");
        if !self.names.contains_key(&name) {
            self.make_group(&name, account);
            self.add_rule(&name, "in", "allow", "1", "all", "0.0.0.0/0");
            self.add_rule(&name, "out", "allow", "1", "all", "0.0.0.0/0");
        }
        SecurityGroupId::new(self.id(&name))
    }

    fn make_peering(&mut self, name: &str, a: &str, b: &str, options: &Options) {
        let id = PeeringId::new(self.name(name));
        let [requester, accepter] = [a, b].map(|name| {
            let vpc = self.catalog.vpc(self.vpc(name)).unwrap().clone();
            PeeringEnd { vpc: vpc.id, project: vpc.project, entry_vni: self.vni() }
        });
        let region = self.catalog.vpc(requester.vpc).unwrap().region.clone();
        let peering = Peering {
            id,
            name: name.to_owned(),
            description: String::new(),
            region,
            status: peering_status(options.get("status").copied().unwrap_or("ACTIVE")),
            requester,
            accepter,
            created_at: now(),
            updated_at: now(),
            expires_at: None,
        };
        self.put(peering);
    }

    fn make_route(&mut self, table: &str, destination: &str, next_hop: &str) {
        let table = self.catalog.route_table(RouteTableId::new(self.id(table))).unwrap().clone();
        let route = Route {
            id: RouteId::new(self.uuid()),
            project: table.project,
            table: table.id,
            vpc: table.vpc,
            destination: destination.parse().unwrap(),
            next_hop: match next_hop.parse() {
                Ok(address) => NextHop::Vip(address),
                Err(_) if self.catalog.peering(PeeringId::new(self.id(next_hop))).is_some() => {
                    NextHop::Peering(PeeringId::new(self.id(next_hop)))
                }
                Err(_) => NextHop::Ecs(self.server(next_hop)),
            },
            description: String::new(),
            created_at: now(),
        };
        self.put(route);
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

    fn group(&self, name: &str) -> SecurityGroup {
        (**self.catalog.security_group(SecurityGroupId::new(self.id(name))).unwrap()).clone()
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

fn peering_status(text: &str) -> PeeringStatus {
    match text {
        "ACTIVE" => PeeringStatus::Active,
        "PENDING_ACCEPTANCE" => PeeringStatus::PendingAcceptance,
        "REJECTED" => PeeringStatus::Rejected,
        "EXPIRED" => PeeringStatus::Expired,
        _ => panic!("{text} is no status of a peering"),
    }
}
