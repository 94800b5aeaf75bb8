//! What must hold of every catalog that use cases have made, whatever the order they came in.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use catalog::Catalog;
use model::{Claim, MacAddress, NextHop, PeeringStatus, Remote};

use crate::Limits;
use crate::vpc::overlap;

/// Checks everything; panics with the broken rule.
pub(super) fn check(catalog: &Catalog, limits: &Limits) {
    accounts(catalog);
    vpcs(catalog, limits);
    subnets_and_ports(catalog);
    tables_and_routes(catalog, limits);
    peerings(catalog, limits);
    groups(catalog, limits);
}

fn accounts(catalog: &Catalog) {
    let names: BTreeSet<_> = catalog.accounts().map(|account| &account.name).collect();
    assert_eq!(names.len(), catalog.accounts().count(), "account names are unique");
    for account in catalog.accounts() {
        let claim = catalog.claim(&Claim::account_name(&account.name));
        assert_eq!(claim, Some(format!("account/{}", account.id).as_str()));
    }
    for user in catalog.users() {
        assert!(catalog.account(user.account).is_some(), "users have an account");
        assert_eq!(catalog.user_by_name(user.account, &user.name), Some(user), "user names are unique");
    }
    for project in catalog.projects() {
        let defaults = catalog.security_groups_of(project.id).filter(|group| group.default).count();
        assert_eq!(defaults, 1, "SG-10");
        let here = catalog.projects_of(project.account).filter(|other| other.region == project.region).count();
        assert_eq!(here, 1, "one project for each region");
    }
}

fn vpcs(catalog: &Catalog, limits: &Limits) {
    let mut vnis = BTreeMap::new();
    for vpc in catalog.vpcs() {
        assert!(catalog.project(vpc.project).is_some());
        assert!(vnis.insert(vpc.vni, format!("vpc/{}", vpc.id)).is_none(), "VNIs are unique");
        let defaults: Vec<_> = catalog.route_tables_of(vpc.id).filter(|table| table.default).map(|t| t.id).collect();
        assert_eq!(defaults, [vpc.default_route_table], "RT-1");
        let cidrs: Vec<_> = vpc.cidrs().collect();
        for (position, cidr) in cidrs.iter().enumerate() {
            assert!(!cidrs[..position].iter().any(|other| overlap(*other, *cidr)), "NET-2");
        }
        if !vpc.name.is_empty() {
            let named = catalog.vpcs_of(vpc.project).filter(|other| other.name == vpc.name).count();
            assert_eq!(named, 1, "VPC names are unique in a project");
        }
    }
    for peering in catalog.peerings() {
        for end in [peering.requester, peering.accepter] {
            assert!(vnis.insert(end.entry_vni, format!("peering/{}", peering.id)).is_none(), "VNIs are unique");
        }
    }
    for (vni, owner) in &vnis {
        assert_eq!(catalog.claim(&Claim::vni(*vni)), Some(owner.as_str()), "VNIs are claimed by who has them");
    }
    for project in catalog.projects() {
        assert!(catalog.vpcs_of(project.id).count() <= limits.vpcs);
        assert!(catalog.subnets_of_project(project.id).count() <= limits.subnets);
    }
}

fn subnets_and_ports(catalog: &Catalog) {
    for subnet in catalog.subnets() {
        let vpc = catalog.vpc(subnet.vpc).expect("a subnet has a VPC");
        assert!(vpc.cidrs().any(|block| block.contains(&subnet.cidr)), "NET-3");
        for other in catalog.subnets_of(subnet.vpc).filter(|other| other.id != subnet.id) {
            assert!(!overlap(other.cidr, subnet.cidr), "NET-3: {} and {}", other.cidr, subnet.cidr);
        }
        let table = catalog.route_table(subnet.route_table).expect("a subnet has a table");
        assert_eq!(table.vpc, subnet.vpc, "RT-1");
    }
    let (mut addresses, mut macs) = (BTreeSet::new(), BTreeSet::new());
    for port in catalog.ports() {
        let subnet = catalog.subnet(port.subnet).expect("a port has a subnet");
        assert_eq!(port.vpc, subnet.vpc);
        assert!(subnet.cidr.contains(&port.ipv4) && !subnet.reserved().contains(&port.ipv4), "NET-4");
        assert!(addresses.insert((port.subnet, port.ipv4)), "an address is given once");
        assert!(macs.insert(port.mac), "a hardware address is given once");
        assert_ne!(port.mac, MacAddress(abi::GATEWAY_MAC), "L2-1");
        let claim = catalog.claim(&Claim::mac(port.mac));
        assert_eq!(claim, Some(format!("port/{}", port.id).as_str()));
        assert!(!port.security_groups.is_empty());
        for group in &port.security_groups {
            assert!(catalog.security_group(*group).is_some(), "a port's groups exist");
        }
        if let Some(server) = port.server {
            assert!(catalog.server(server).is_some(), "a port's server exists");
        }
    }
    for server in catalog.servers() {
        assert_eq!(catalog.port(server.port).and_then(|port| port.server), Some(server.id), "a server has its port");
    }
}

fn tables_and_routes(catalog: &Catalog, limits: &Limits) {
    let mut destinations = BTreeSet::new();
    for route in catalog.routes() {
        let table = catalog.route_table(route.table).expect("a route has a table");
        assert_eq!(table.vpc, route.vpc);
        assert!(destinations.insert((route.table, route.destination)), "RT-8");
        let here = match route.next_hop {
            NextHop::Peering(id) => catalog.peering(id).is_some_and(|peering| peering.end_of(route.vpc).is_some()),
            NextHop::Ecs(id) => {
                let server = catalog.server(id).expect("NH-9");
                catalog.port(server.port).is_some_and(|port| port.vpc == route.vpc)
            }
            NextHop::Eni(id) => catalog.port(id).is_some_and(|port| port.vpc == route.vpc),
            NextHop::Vip(IpAddr::V4(address)) => catalog
                .ports_of_vpc(route.vpc)
                .any(|port| port.ipv4 == address && port.device_owner == "neutron:VIP_PORT"),
            NextHop::Vip(IpAddr::V6(_)) | NextHop::Nat(_) => false,
        };
        assert!(here, "no orphan route: {route:?}");
    }
    for vpc in catalog.vpcs() {
        assert!(catalog.routes_of_vpc(vpc.id).count() <= limits.routes_per_vpc, "RT-14");
        assert!(catalog.route_tables_of(vpc.id).count() <= limits.route_tables_per_vpc, "RT-14");
    }
    for table in catalog.route_tables() {
        assert!(catalog.vpc(table.vpc).is_some());
    }
}

fn peerings(catalog: &Catalog, limits: &Limits) {
    let mut live = BTreeSet::new();
    for peering in catalog.peerings() {
        let mut vpcs = peering.vpcs();
        for (vpc, project) in vpcs.iter().zip([peering.requester.project, peering.accepter.project]) {
            let vpc = catalog.vpc(*vpc).expect("both VPCs of a peering exist");
            assert_eq!((vpc.project, &vpc.region), (project, &peering.region), "PEER-1");
        }
        assert_ne!(vpcs[0], vpcs[1], "PEER-1");
        vpcs.sort_unstable();
        assert!(!peering.status.is_live() || live.insert(vpcs), "one live peering for each pair");
    }
    for project in catalog.projects() {
        let counts = catalog.peerings_of_project(project.id).filter(|peering| match peering.status {
            PeeringStatus::Active => true,
            PeeringStatus::PendingAcceptance => peering.requester.project == project.id,
            PeeringStatus::Rejected | PeeringStatus::Expired => false,
        });
        assert!(counts.count() <= limits.peerings);
    }
}

fn groups(catalog: &Catalog, limits: &Limits) {
    for group in catalog.security_groups() {
        assert!(catalog.project(group.project).is_some());
        assert!(group.rules.len() <= limits.rules_per_group, "SG-12");
        for rule in &group.rules {
            if let Remote::Group(id) = rule.remote {
                let named = catalog.security_group(id).expect("a group that a rule names exists");
                assert_eq!(catalog.account_of(named.project), catalog.account_of(group.project), "SG-8");
            }
        }
    }
    for project in catalog.projects() {
        assert!(catalog.security_groups_of(project.id).count() <= limits.security_groups, "SG-12");
    }
}
