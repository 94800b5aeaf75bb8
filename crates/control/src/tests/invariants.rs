//! What must hold of every catalog that use cases have made, whatever the order they came in.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use catalog::Catalog;
use model::{Claim, Direction, MacAddress, NetworkAclRule, NextHop, PeeringStatus, Remote};

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
    network_acls(catalog, limits);
    address_groups(catalog, limits);
    networks(catalog);
}

fn networks(catalog: &Catalog) {
    for network in catalog.networks() {
        assert!(catalog.subnet(network.id).is_none(), "a network is in a VPC or not");
        assert_eq!(catalog.ports_in(network.id).count() + catalog.cidr_reservations_in(network.id).count(), 0);
        if let Some(ipv6) = network.range.as_ref().and_then(|range| range.ipv6) {
            let claim = catalog.claim(&Claim::ipv6_prefix(ipv6.cidr));
            assert_eq!(claim, Some(format!("network/{}", network.id).as_str()));
        }
    }
    for reservation in catalog.cidr_reservations() {
        let subnet = catalog.subnet(reservation.subnet).expect("a reservation is in a subnet");
        assert_eq!(subnet.project, reservation.project);
        for other in catalog.cidr_reservations_in(subnet.id).filter(|other| other.id != reservation.id) {
            assert!(!other.cidr.contains(&reservation.cidr), "reservations share no address");
        }
    }
}

fn network_acls(catalog: &Catalog, limits: &Limits) {
    let mut guarded = BTreeSet::new();
    for acl in catalog.network_acls() {
        for subnet in &acl.subnets {
            assert!(guarded.insert(*subnet), "ACL-1: a subnet has at most one");
            let subnet = catalog.subnet(*subnet).expect("the subnets of an ACL exist");
            assert_eq!(subnet.project, acl.project);
            assert_eq!(catalog.network_acl_of_subnet(subnet.id).map(|acl| acl.id), Some(acl.id));
        }
        for direction in [Direction::Ingress, Direction::Egress] {
            let rules: Vec<_> = match acl.policy(direction) {
                None => Vec::new(),
                Some(policy) => {
                    let policy = catalog.network_acl_policy(policy).expect("the policies of an ACL exist");
                    let rule =
                        |id: &model::NetworkAclRuleId| catalog.network_acl_rule(*id).expect("listed rules exist");
                    policy.rules.iter().map(|id| NetworkAclRule::clone(rule(id))).collect()
                }
            };
            assert_eq!(acl.rules(direction), rules, "ACL-3: an ACL has the rules of its policies");
            assert!(rules.len() <= limits.rules_per_network_acl);
        }
    }
    for policy in catalog.network_acl_policies() {
        for rule in &policy.rules {
            let rule = catalog.network_acl_rule(*rule).expect("the rules of a policy exist");
            assert_eq!(rule.project, policy.project);
        }
        if let Some(owner) = policy.owner {
            assert!(
                catalog
                    .network_acl(owner)
                    .is_some_and(|acl| { [acl.ingress_policy, acl.egress_policy].contains(&Some(policy.id)) })
            );
        }
    }
    for project in catalog.projects() {
        assert!(catalog.network_acls_of(project.id).count() <= limits.network_acls);
        assert!(catalog.network_acl_policies_of(project.id).count() <= limits.network_acl_policies);
        assert!(catalog.network_acl_rules_of(project.id).count() <= limits.network_acl_rules);
    }
}

fn address_groups(catalog: &Catalog, limits: &Limits) {
    let fits = |project, group, version| {
        let group = catalog.address_group(group).expect("SG-1: an address group that a rule names exists");
        assert_eq!((group.project, group.version), (project, version));
    };
    for rule in catalog.network_acl_rules() {
        rule.address_groups().for_each(|group| fits(rule.project, group, rule.version));
    }
    for group in catalog.security_groups() {
        for rule in &group.rules {
            if let Remote::AddressGroup(addresses) = rule.remote {
                fits(group.project, addresses, rule.version);
            }
        }
    }
    for project in catalog.projects() {
        assert!(catalog.address_groups_of(project.id).count() <= limits.address_groups);
    }
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
    let mut prefixes = BTreeSet::new();
    for subnet in catalog.subnets() {
        let vpc = catalog.vpc(subnet.vpc).expect("a subnet has a VPC");
        let inside = vpc.cidrs().any(|block| block.contains(&subnet.cidr));
        assert!(inside || vpc.cidr.is_none(), "NET-3");
        for other in catalog.subnets_of(subnet.vpc).filter(|other| other.id != subnet.id) {
            assert!(!overlap(other.cidr, subnet.cidr), "NET-3: {} and {}", other.cidr, subnet.cidr);
        }
        let table = catalog.route_table(subnet.route_table).expect("a subnet has a table");
        assert_eq!(table.vpc, subnet.vpc, "RT-1");
        if let Some(ipv6) = subnet.ipv6 {
            assert!(prefixes.insert(ipv6.cidr), "V6-1: prefixes are unique in the installation");
            let claim = catalog.claim(&Claim::ipv6_prefix(ipv6.cidr));
            assert_eq!(claim, Some(format!("subnet/{}", subnet.id).as_str()));
        }
    }
    let (mut addresses, mut macs) = (BTreeSet::new(), BTreeSet::new());
    for port in catalog.ports() {
        let subnet = catalog.subnet(port.subnet).expect("a port has a subnet");
        assert_eq!(port.vpc, subnet.vpc);
        assert!(subnet.cidr.contains(&port.ipv4) && !subnet.reserved().contains(&port.ipv4), "NET-4");
        for address in port.addresses() {
            assert!(addresses.insert((port.subnet, address)), "an address is given once");
        }
        if let Some(address) = port.ipv6 {
            let range = subnet.ipv6.expect("V6-1");
            assert!(range.cidr.contains(&address) && address != range.gateway, "V6-1: {address}");
        }
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
    for vip in catalog.ports().filter(|port| port.is_vip() || port.holder.is_some()) {
        let bound: Vec<_> = catalog.bound_ports(vip).map(|port| port.id).collect();
        let named: Vec<_> = vip.bindings().filter_map(|address| catalog.port_with(vip.subnet, address)).collect();
        assert_eq!(named.len(), vip.allowed_address_pairs.len(), "VIP-1: every binding names a port of the subnet");
        assert!(vip.holder.is_none_or(|holder| bound.contains(&holder)), "VIP-3: the holder is a bound port");
        let held = vip.holder.and_then(|holder| catalog.port(holder));
        assert!(held.is_none_or(|holder| holder.server.is_some()), "VIP-4");
        assert!(vip.ipv6.is_none() || bound.len() <= 1, "VIP-7");
        assert!(vip.server.is_none(), "VIP-1: owned by no NIC");
    }
    for server in catalog.servers() {
        let interfaces = || catalog.ports_of_server(server.id).filter(|port| !port.is_supplementary());
        let mut indexes: Vec<_> = interfaces().map(|port| port.device_index).collect();
        indexes.sort_unstable();
        indexes.dedup();
        assert_eq!(indexes.len(), interfaces().count(), "NH-3: interfaces have their own indexes");
        assert_eq!(catalog.port(server.port).map(|port| port.device_index), Some(0));
        assert_eq!(catalog.port(server.port).and_then(|port| port.server), Some(server.id), "a server has its port");
    }
    let mut vlans = BTreeSet::new();
    for port in catalog.ports().filter(|port| port.is_supplementary()) {
        let Some(parent) = port.parent() else {
            assert_eq!(port.server, None, "detached, it has no server");
            continue;
        };
        let carrier = catalog.port(parent.port).expect("the parent is there");
        assert!(vlans.insert((parent.port, parent.vlan)), "SUB-1: VLANs are unique at a parent");
        assert_eq!((carrier.vpc, carrier.is_supplementary() || carrier.is_vip()), (port.vpc, false));
        assert_eq!((carrier.server, carrier.device_index), (port.server, port.device_index));
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
            NextHop::Eni(id) | NextHop::Subeni(id) => catalog.port(id).is_some_and(|port| port.vpc == route.vpc),
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
