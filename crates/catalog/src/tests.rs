#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use model::{
    Account, AccountId, AclAddress, AddressGroup, AddressGroupId, Direction, IpVersion, Kind, MacAddress, NetworkAcl,
    NetworkAclId, NetworkAclPolicy, NetworkAclPolicyId, NetworkAclRule, NetworkAclRuleId, NextHop, Peering, PeeringEnd,
    PeeringId, PeeringStatus, Port, PortId, Project, ProjectId, Record, RegionId, Remote, Route, RouteId, RouteTable,
    RouteTableId, RuleAction, SecurityGroup, SecurityGroupId, SecurityGroupRule, SecurityGroupRuleId, Server, ServerId,
    Subnet, SubnetId, Timestamp, Token, User, UserId, Vni, Vpc, VpcId,
};
use proptest::prelude::*;
use store::{Change, ChangeSet, Entry, Revision, Snapshot};
use uuid::Uuid;

use crate::{Catalog, CatalogError, Foreseen, VniOwner};

fn uuid(n: u8) -> Uuid {
    Uuid::from_u128(u128::from(n) + 1)
}

fn time() -> Timestamp {
    Timestamp::from_unix_seconds(1_700_000_000)
}

fn region(n: u8) -> RegionId {
    RegionId(format!("region-{}", n % 2))
}

/// An object of one of the kinds whose id and references come from small pools, so that they collide often: the catalog
/// must cope with contents that break the control plane's rules.
fn record(kind: u8, id: u8, a: u8, b: u8) -> Record {
    let project = ProjectId::new(uuid(a % 3));
    let region = region(a);
    let (created_at, updated_at) = (time(), time());
    let name = format!("n{}", b % 2);
    match kind % 16 {
        0 => Account { id: AccountId::new(uuid(id)), name, site: model::Site::Cn, operator: false, created_at }.into(),
        1 => Project { id: ProjectId::new(uuid(id)), name, account: AccountId::new(uuid(b % 3)), region, created_at }
            .into(),
        2 => User {
            id: UserId::new(uuid(id)),
            name,
            account: AccountId::new(uuid(a % 3)),
            password_hash: String::new(),
            enabled: true,
            created_at,
            root: b.is_multiple_of(2),
            description: String::new(),
            policies: Vec::new(),
        }
        .into(),
        3 => Token {
            hash: format!("t{id}"),
            user: UserId::new(uuid(a % 3)),
            account: AccountId::new(uuid(0)),
            project: None,
            methods: Vec::new(),
            issued_at: created_at,
            expires_at: created_at.plus_seconds(i64::from(b)),
        }
        .into(),
        4 => Vpc {
            id: VpcId::new(uuid(id)),
            project,
            region,
            name,
            description: String::new(),
            cidr: None,
            secondary_cidrs: Vec::new(),
            edge_site: None,
            vni: Vni::new(u32::from(b % 4) + 1).unwrap(),
            default_route_table: RouteTableId::new(uuid(b)),
            enterprise_project_id: "0".into(),
            tags: model::Tags::default(),
            enhanced_local_route: true,
            block_service_endpoints: false,
            address_usage_metrics: false,
            created_at,
            updated_at,
        }
        .into(),
        5 => Subnet {
            id: SubnetId::new(uuid(id)),
            neutron_subnet_id: uuid(100 + id % 3),
            neutron_names: model::NeutronNames::default(),
            project,
            region,
            vpc: VpcId::new(uuid(b % 3)),
            route_table: RouteTableId::new(uuid(a % 3)),
            name,
            description: String::new(),
            cidr: "10.0.0.0/24".parse().unwrap(),
            gateway: Ipv4Addr::new(10, 0, 0, 1),
            ipv6: None,
            dhcp_enable: true,
            dns: Vec::new(),
            availability_zone: String::new(),
            dhcp_options: Vec::new(),
            tags: model::Tags::default(),
            address_usage_metrics: false,
            created_at,
            updated_at,
        }
        .into(),
        6 => RouteTable {
            id: RouteTableId::new(uuid(id)),
            project,
            region,
            vpc: VpcId::new(uuid(b % 3)),
            name,
            description: String::new(),
            default: false,
            created_at,
            updated_at,
        }
        .into(),
        7 => Route {
            id: RouteId::new(uuid(id)),
            project,
            table: RouteTableId::new(uuid(a % 3)),
            vpc: VpcId::new(uuid(b % 3)),
            destination: format!("10.{}.0.0/16", b % 2).parse().unwrap(),
            next_hop: match b % 3 {
                0 => NextHop::Peering(PeeringId::new(uuid(a % 3))),
                1 => NextHop::Ecs(ServerId::new(uuid(a % 3))),
                _ => NextHop::Vip(Ipv4Addr::new(10, 0, 0, 9).into()),
            },
            description: String::new(),
            created_at,
        }
        .into(),
        8 => {
            let end = |n: u8| PeeringEnd {
                vpc: VpcId::new(uuid(n % 3)),
                project: ProjectId::new(uuid(n % 2)),
                entry_vni: Vni::new(u32::from(n % 5) + 1).unwrap(),
            };
            Peering {
                id: PeeringId::new(uuid(id)),
                name,
                description: String::new(),
                region,
                status: if a.is_multiple_of(2) { PeeringStatus::PendingAcceptance } else { PeeringStatus::Active },
                requester: end(a),
                accepter: end(b),
                created_at,
                updated_at,
                expires_at: (!b.is_multiple_of(3)).then(|| created_at.plus_seconds(i64::from(b))),
            }
            .into()
        }
        9 => SecurityGroup {
            id: SecurityGroupId::new(uuid(id)),
            project,
            region,
            name,
            description: String::new(),
            default: b.is_multiple_of(2),
            enterprise_project_id: "0".into(),
            tags: model::Tags::default(),
            rules: (0..b % 3)
                .map(|n| SecurityGroupRule {
                    id: SecurityGroupRuleId::new(uuid(n)),
                    direction: Direction::Ingress,
                    action: RuleAction::Allow,
                    priority: 1,
                    version: IpVersion::V4,
                    protocol: None,
                    services: Vec::new(),
                    remote: if n == 0 {
                        Remote::Group(SecurityGroupId::new(uuid((a + n) % 3)))
                    } else {
                        Remote::AddressGroup(AddressGroupId::new(uuid((a + n) % 3)))
                    },
                    description: String::new(),
                    enabled: true,
                    created_at,
                })
                .collect(),
            created_at,
            updated_at,
        }
        .into(),
        10 => Port {
            id: PortId::new(uuid(id)),
            project,
            region,
            subnet: SubnetId::new(uuid(a % 3)),
            vpc: VpcId::new(uuid(b % 3)),
            name,
            mac: MacAddress([0, 0, 0, 0, 0, b % 3]),
            ipv4: Ipv4Addr::new(10, 0, 0, b % 4),
            ipv6: None,
            security_groups: (0..a % 3).map(|n| SecurityGroupId::new(uuid(n))).collect(),
            source_dest_check: true,
            allowed_address_pairs: (0..a % 3).map(|n| model::AddressPair::of(Ipv4Addr::new(10, 0, 0, n))).collect(),
            server: b.is_multiple_of(2).then(|| ServerId::new(uuid(a % 3))),
            device_owner: if a.is_multiple_of(2) { model::VIP_OWNER.to_owned() } else { String::new() },
            holder: None,
            tags: model::Tags::default(),
            device_index: 0,
            port_security_enabled: true,
            profile: model::PortProfile::default(),
            lease: None,
            description: String::new(),
            supplementary: None,
            created_at,
            updated_at,
        }
        .into(),
        11 => NetworkAcl {
            id: NetworkAclId::new(uuid(id)),
            project,
            region,
            name,
            description: String::new(),
            enterprise_project_id: "0".into(),
            tags: model::Tags::default(),
            enabled: true,
            subnets: (0..a % 3).map(|n| SubnetId::new(uuid(n))).collect(),
            ingress_policy: b.is_multiple_of(2).then(|| NetworkAclPolicyId::new(uuid(a % 3))),
            egress_policy: Some(NetworkAclPolicyId::new(uuid(b % 3))),
            ingress: (0..b % 3).map(|n| acl_rule(n, a, b)).collect(),
            egress: (0..a % 2).map(|n| acl_rule(n, b, a)).collect(),
            created_at,
            updated_at,
        }
        .into(),
        12 => NetworkAclPolicy {
            id: NetworkAclPolicyId::new(uuid(id)),
            project,
            owner: None,
            name,
            description: String::new(),
            audited: false,
            rules: (0..b % 3).map(|n| NetworkAclRuleId::new(uuid(n))).collect(),
        }
        .into(),
        13 => acl_rule(id, a, b).into(),
        14 => AddressGroup {
            id: AddressGroupId::new(uuid(id)),
            project,
            region,
            name,
            description: String::new(),
            enterprise_project_id: "0".into(),
            tags: model::Tags::default(),
            version: IpVersion::V4,
            addresses: Vec::new(),
            max_capacity: 20,
            created_at,
            updated_at,
        }
        .into(),
        _ => Server {
            id: ServerId::new(uuid(id)),
            project,
            region,
            name,
            kind: model::ServerKind::Ecs,
            state: model::ServerState::Running,
            port: PortId::new(uuid(b)),
            created_at,
            updated_at,
        }
        .into(),
    }
}

fn acl_rule(id: u8, a: u8, b: u8) -> NetworkAclRule {
    let side = |n: u8| match n % 4 {
        0 => AclAddress::AddressGroup(AddressGroupId::new(uuid(n / 4))),
        _ => AclAddress::Any,
    };
    NetworkAclRule {
        id: NetworkAclRuleId::new(uuid(id)),
        project: ProjectId::new(uuid(a % 3)),
        name: String::new(),
        description: String::new(),
        action: RuleAction::Allow,
        version: IpVersion::V4,
        protocol: None,
        source: side(a),
        destination: side(b),
        source_ports: Vec::new(),
        destination_ports: Vec::new(),
        enabled: true,
    }
}

/// A commit: puts, deletions and touches of records from small pools.
fn commits() -> impl Strategy<Value = Vec<Vec<(u8, Record)>>> {
    let step = (0..4_u8, 0..16_u8, 0..4_u8, 0..12_u8, 0..12_u8);
    let step = step.prop_map(|(action, kind, id, a, b)| (action, record(kind, id, a, b)));
    proptest::collection::vec(proptest::collection::vec(step, 1..6), 1..40)
}

/// The store's part: change sets and the state that they add up to.
fn replay(commits: &[Vec<(u8, Record)>]) -> (Vec<ChangeSet>, Snapshot) {
    let mut state: BTreeMap<String, (Arc<[u8]>, Revision)> = BTreeMap::new();
    let mut revision = Revision::ZERO;
    let mut sets = Vec::new();
    for commit in commits {
        revision = revision.next();
        let mut changes = BTreeMap::new();
        for (action, record) in commit {
            let key = record.key();
            let value: Option<Arc<[u8]>> = match action {
                0 => None,
                1 => state.get(&key).map(|(value, _)| Arc::clone(value)),
                _ => Some(record.encode().unwrap().into()),
            };
            changes.insert(key, value);
        }
        for (key, value) in &changes {
            match value {
                Some(value) => drop(state.insert(key.clone(), (Arc::clone(value), revision))),
                None => drop(state.remove(key)),
            }
        }
        let changes = changes.into_iter().map(|(key, value)| Change { key, value, mod_revision: revision }).collect();
        sets.push(ChangeSet { revision, changes });
    }
    let entries = state.into_iter().map(|(key, (value, mod_revision))| Entry { key, value, mod_revision }).collect();
    (sets, Snapshot { revision, entries })
}

fn ids<'a, T: 'a, K>(objects: impl Iterator<Item = &'a Arc<T>>, id: impl Fn(&T) -> K) -> Vec<K> {
    objects.map(|object| id(object)).collect()
}

proptest! {
    #[test]
    fn applying_changes_one_by_one_equals_building_from_the_snapshot(commits in commits()) {
        let (sets, snapshot) = replay(&commits);
        let mut applied = Catalog::default();
        for set in &sets {
            let (next, changes) = applied.apply(set).unwrap();
            for change in &changes {
                prop_assert_ne!(&change.old, &change.new);
                prop_assert_eq!(change.new.is_some(), next.mod_revision(&change.key) == Some(set.revision));
            }
            let records: Vec<_> = set
                .changes
                .iter()
                .map(|change| change.value.as_ref().map(|value| Record::decode(&change.key, value).unwrap()))
                .collect();
            let foreseen = applied.foresee(set.changes.iter().zip(&records).map(|(write, record)| match record {
                Some(record) if changes.iter().any(|change| change.key == write.key) => Foreseen::Put(record),
                Some(_) => Foreseen::Touch(&write.key),
                None => Foreseen::Delete(&write.key),
            }));
            prop_assert_eq!(&foreseen, &next);
            applied = next;
        }
        let built = Catalog::from_snapshot(&snapshot).unwrap();
        prop_assert_eq!(built.len(), snapshot.entries.len());
        for entry in &snapshot.entries {
            prop_assert_eq!(built.mod_revision(&entry.key), Some(entry.mod_revision));
        }
        prop_assert_eq!(applied, built);
    }

    #[test]
    fn indexes_agree_with_linear_scans(commits in commits()) {
        let (_, snapshot) = replay(&commits);
        let catalog = Catalog::from_snapshot(&snapshot).unwrap();
        for n in 0..4 {
            let (account, project, user) = (AccountId::new(uuid(n)), ProjectId::new(uuid(n)), UserId::new(uuid(n)));
            let (vpc, subnet, table) = (VpcId::new(uuid(n)), SubnetId::new(uuid(n)), RouteTableId::new(uuid(n)));
            let (group, server) = (SecurityGroupId::new(uuid(n)), ServerId::new(uuid(n)));
            let peering = PeeringId::new(uuid(n));
            macro_rules! same {
                ($list:expr, $all:ident, $of:expr) => {
                    let scan: Vec<_> = catalog.$all().filter($of).cloned().collect();
                    prop_assert_eq!($list.cloned().collect::<Vec<_>>(), scan);
                };
            }
            same!(catalog.users_of(account), users, |o| o.account == account);
            same!(catalog.projects_of(account), projects, |o| o.account == account);
            same!(catalog.tokens_of(user), tokens, |o| o.user == user);
            same!(catalog.vpcs_of(project), vpcs, |o| o.project == project);
            same!(catalog.subnets_of_project(project), subnets, |o| o.project == project);
            same!(catalog.subnets_of(vpc), subnets, |o| o.vpc == vpc);
            same!(catalog.subnets_on_table(table), subnets, |o| o.route_table == table);
            same!(catalog.route_tables_of(vpc), route_tables, |o| o.vpc == vpc);
            same!(catalog.route_tables_of_project(project), route_tables, |o| o.project == project);
            same!(catalog.routes_of(table), routes, |o| o.table == table);
            same!(catalog.routes_of_vpc(vpc), routes, |o| o.vpc == vpc);
            same!(catalog.routes_to_peering(peering), routes, |o| o.next_hop == NextHop::Peering(peering));
            same!(catalog.routes_to_server(server), routes, |o| o.next_hop == NextHop::Ecs(server));
            same!(catalog.peerings_of(vpc), peerings, |o| o.end_of(vpc).is_some());
            same!(catalog.peerings_of_project(project), peerings, |o| {
                o.requester.project == project || o.accepter.project == project
            });
            same!(catalog.security_groups_of(project), security_groups, |o| o.project == project);
            same!(catalog.security_groups_naming(group), security_groups, |o| {
                o.rules.iter().any(|rule| rule.remote == Remote::Group(group))
            });
            let (policy, rule) = (NetworkAclPolicyId::new(uuid(n)), NetworkAclRuleId::new(uuid(n)));
            let addresses = AddressGroupId::new(uuid(n));
            same!(catalog.network_acls_of(project), network_acls, |o| o.project == project);
            same!(catalog.network_acl_policies_of(project), network_acl_policies, |o| o.project == project);
            same!(catalog.network_acl_rules_of(project), network_acl_rules, |o| o.project == project);
            same!(catalog.address_groups_of(project), address_groups, |o| o.project == project);
            same!(catalog.network_acls_with_policy(policy), network_acls, |o| {
                o.ingress_policy == Some(policy) || o.egress_policy == Some(policy)
            });
            same!(catalog.network_acl_policies_with_rule(rule), network_acl_policies, |o| o.rules.contains(&rule));
            let names = |rule: &NetworkAclRule| {
                [rule.source, rule.destination].contains(&AclAddress::AddressGroup(addresses))
            };
            same!(catalog.network_acls_naming(addresses), network_acls, |o| {
                o.ingress.iter().chain(&o.egress).any(names)
            });
            same!(catalog.network_acl_rules_naming(addresses), network_acl_rules, |o| names(o));
            same!(catalog.security_groups_naming_addresses(addresses), security_groups, |o| {
                o.rules.iter().any(|rule| rule.remote == Remote::AddressGroup(addresses))
            });
            let guards = catalog.network_acls().find(|o| o.subnets.contains(&subnet));
            prop_assert_eq!(catalog.network_acl_of_subnet(subnet), guards);
            same!(catalog.ports_in(subnet), ports, |o| o.subnet == subnet);
            same!(catalog.ports_of_vpc(vpc), ports, |o| o.vpc == vpc);
            same!(catalog.ports_of_project(project), ports, |o| o.project == project);
            same!(catalog.ports_with_group(group), ports, |o| o.security_groups.contains(&group));
            same!(catalog.ports_of_server(server), ports, |o| o.server == Some(server));
            let port = catalog.ports().find(|o| o.subnet == subnet && !o.is_vip());
            if let Some(port) = port {
                // VIP-1: of the same subnet, and the port's address stands in the pairs.
                same!(catalog.vips_bound_to(port), ports, |o| {
                    o.is_vip() && o.subnet == subnet && o.bindings().any(|address| address == port.ipv4)
                });
            }
            same!(catalog.servers_of(project), servers, |o| o.project == project);
            for other in 0..4 {
                let other = VpcId::new(uuid(other));
                let between = |o: &&Arc<Peering>| {
                    o.vpcs() == [vpc, other] || o.vpcs() == [other, vpc]
                };
                same!(catalog.peering_between(vpc, other), peerings, between);
                let address = Ipv4Addr::new(10, 0, 0, n);
                let at = catalog.ports().find(|o| o.subnet == subnet && o.ipv4 == address);
                prop_assert_eq!(catalog.port_at(subnet, address), at);
                let vip = at.filter(|port| port.is_vip());
                prop_assert_eq!(catalog.vip_at(subnet, address.into()), vip);
                if let Some(vip) = vip {
                    let bound = ids(catalog.bound_ports(vip), |o| o.id);
                    let named = |o: &Arc<Port>| vip.bindings().any(|address| catalog.vip_at(subnet, address).is_none()
                        && catalog.port_at(subnet, o.ipv4) == Some(o) && address == o.ipv4);
                    let scan = catalog.ports().filter(|o| o.subnet == subnet && named(o));
                    let mut expected: Vec<_> = scan.map(|o| (o.ipv4, o.id)).collect();
                    expected.sort_unstable();
                    prop_assert_eq!(bound, expected.into_iter().map(|(_, id)| id).collect::<Vec<_>>());
                }
                let destination = format!("10.{}.0.0/16", n % 2).parse().unwrap();
                let route = catalog.routes().find(|o| o.table == table && o.destination == destination);
                prop_assert_eq!(catalog.route_for(table, destination), route);
            }
            let default = catalog.security_groups().find(|o| o.project == project && o.default);
            prop_assert_eq!(catalog.default_security_group(project), default);
            let name = format!("n{n}");
            prop_assert_eq!(catalog.account_by_name(&name), catalog.accounts().find(|o| o.name == name));
            let named = catalog.users().find(|o| o.account == account && o.name == name);
            prop_assert_eq!(catalog.user_by_name(account, &name), named);
            let here = catalog.projects().find(|o| o.account == account && o.region == region(n));
            prop_assert_eq!(catalog.project_in(account, &region(n)), here);
            let mac = MacAddress([0, 0, 0, 0, 0, n]);
            prop_assert_eq!(catalog.mac_in_use(mac), catalog.ports().any(|o| o.mac == mac));
            let neutron = catalog.subnets().find(|o| o.neutron_subnet_id == uuid(100 + n));
            prop_assert_eq!(catalog.subnet_by_neutron_id(uuid(100 + n)), neutron);
            let rule = SecurityGroupRuleId::new(uuid(n));
            let with_rule = catalog.security_groups().find(|o| o.rules.iter().any(|other| other.id == rule));
            prop_assert_eq!(catalog.security_group_of_rule(rule), with_rule);
        }
        for n in 1..8 {
            let vni = Vni::new(n).unwrap();
            let vpc = catalog.vpcs().find(|o| o.vni == vni).map(|o| VniOwner::Vpc(o.id));
            let entry = catalog.peerings().any(|o| o.requester.entry_vni == vni || o.accepter.entry_vni == vni);
            match catalog.vni_owner(vni) {
                Some(VniOwner::Entry(..)) => prop_assert!(vpc.is_none() && entry),
                owner => {
                    prop_assert_eq!(owner, vpc);
                    prop_assert!(owner.is_some() || !entry);
                }
            }
        }
        for after in [0, 3, 8, 20] {
            let end = time().plus_seconds(after);
            let mut due = ids(catalog.pending_expiring_before(end), |o| o.id);
            due.sort_unstable();
            let scan = ids(catalog.peerings(), |o| o.id);
            let pending = |id: &PeeringId| {
                let peering = catalog.peering(*id).unwrap();
                peering.status == PeeringStatus::PendingAcceptance && peering.expires_at.is_some_and(|at| at < end)
            };
            prop_assert_eq!(due, scan.into_iter().filter(pending).collect::<Vec<_>>());
            let mut expired = ids(catalog.tokens_expiring_before(end), |o| o.hash.clone());
            expired.sort_unstable();
            let scan = catalog.tokens().filter(|o| o.expires_at < end);
            prop_assert_eq!(expired, ids(scan, |o| o.hash.clone()));
        }
    }
}

#[test]
fn a_touch_changes_the_revision_and_is_not_reported() {
    let vpc = record(4, 1, 1, 1);
    let value: Arc<[u8]> = vpc.encode().unwrap().into();
    let set = |n: u64| {
        let change = Change { key: vpc.key(), value: Some(Arc::clone(&value)), mod_revision: Revision(n) };
        ChangeSet { revision: Revision(n), changes: vec![change] }
    };
    let (catalog, made) = Catalog::default().apply(&set(1)).unwrap();
    assert_eq!(made.len(), 1);
    let (catalog, touched) = catalog.apply(&set(2)).unwrap();
    assert!(touched.is_empty());
    assert_eq!(catalog.mod_revision(&vpc.key()), Some(Revision(2)));
    assert!(matches!(catalog.apply(&set(2)), Err(CatalogError::OutOfOrder { .. })));
}

#[test]
fn a_record_under_the_wrong_key_is_refused() {
    let value: Arc<[u8]> = record(4, 1, 1, 1).encode().unwrap().into();
    let entry = |key: String| Snapshot {
        revision: Revision(1),
        entries: vec![Entry { key, value: Arc::clone(&value), mod_revision: Revision(1) }],
    };
    let wrong = format!("{}/{}", Kind::Vpc.prefix(), VpcId::new(uuid(9)));
    assert!(matches!(Catalog::from_snapshot(&entry(wrong)), Err(CatalogError::WrongKey { .. })));
    assert!(matches!(Catalog::from_snapshot(&entry("what/1".into())), Err(CatalogError::Record(_))));
}
