//! The ways from one object to others, kept in step with the records.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use model::{
    AccessKeyId, AccountId, AddressGroupId, CidrReservationId, MacAddress, NetworkAclId, NetworkAclPolicyId,
    NetworkAclRuleId, NextHop, PeeringId, PeeringStatus, PolicyId, PortId, ProjectId, Record, Remote, RouteId,
    RouteTableId, SecurityGroupId, SecurityGroupRuleId, ServerId, SubnetId, Timestamp, UserId, Vni, VpcId,
};
use uuid::Uuid;

use crate::index::{Index, Smallest};

/// What a VNI names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum VniOwner {
    /// A VPC.
    Vpc(VpcId),
    /// A peering connection entered from outside into the VPC at this end.
    Entry(PeeringId, VpcId),
}

impl VniOwner {
    /// The key of the record that holds the VNI.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Vpc(id) => format!("{}/{id}", model::Kind::Vpc.prefix()),
            Self::Entry(id, _) => format!("{}/{id}", model::Kind::Peering.prefix()),
        }
    }
}

impl Smallest for VniOwner {
    fn smallest() -> Self {
        Self::Vpc(VpcId::smallest())
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Indexes {
    pub(crate) account_names: Index<String, AccountId>,
    pub(crate) account_projects: Index<AccountId, ProjectId>,
    pub(crate) account_users: Index<AccountId, UserId>,
    pub(crate) user_names: Index<(AccountId, String), UserId>,
    pub(crate) user_access_keys: Index<UserId, AccessKeyId>,
    pub(crate) user_tokens: Index<UserId, String>,
    pub(crate) token_expiries: Index<Timestamp, String>,
    pub(crate) project_vpcs: Index<ProjectId, VpcId>,
    pub(crate) project_subnets: Index<ProjectId, SubnetId>,
    pub(crate) project_tables: Index<ProjectId, RouteTableId>,
    pub(crate) project_peerings: Index<ProjectId, PeeringId>,
    pub(crate) project_groups: Index<ProjectId, SecurityGroupId>,
    pub(crate) project_default_groups: Index<ProjectId, SecurityGroupId>,
    pub(crate) project_ports: Index<ProjectId, PortId>,
    pub(crate) project_servers: Index<ProjectId, ServerId>,
    pub(crate) vpc_subnets: Index<VpcId, SubnetId>,
    pub(crate) vpc_tables: Index<VpcId, RouteTableId>,
    pub(crate) vpc_routes: Index<VpcId, RouteId>,
    pub(crate) vpc_peerings: Index<VpcId, PeeringId>,
    pub(crate) vpc_ports: Index<VpcId, PortId>,
    pub(crate) vpc_pairs: Index<[VpcId; 2], PeeringId>,
    pub(crate) table_routes: Index<RouteTableId, RouteId>,
    pub(crate) table_subnets: Index<RouteTableId, SubnetId>,
    pub(crate) destinations: Index<(RouteTableId, IpNet), RouteId>,
    pub(crate) next_hops: Index<NextHop, RouteId>,
    pub(crate) neutron_subnets: Index<Uuid, SubnetId>,
    pub(crate) project_networks: Index<ProjectId, SubnetId>,
    pub(crate) neutron_networks: Index<Uuid, SubnetId>,
    pub(crate) subnet_cidr_reservations: Index<SubnetId, CidrReservationId>,
    pub(crate) project_cidr_reservations: Index<ProjectId, CidrReservationId>,
    pub(crate) subnet_ports: Index<SubnetId, PortId>,
    pub(crate) addresses: Index<(SubnetId, Ipv4Addr), PortId>,
    pub(crate) addresses_v6: Index<(SubnetId, Ipv6Addr), PortId>,
    pub(crate) bindings: Index<(SubnetId, IpAddr), PortId>,
    pub(crate) macs: Index<MacAddress, PortId>,
    pub(crate) group_ports: Index<SecurityGroupId, PortId>,
    pub(crate) group_namers: Index<SecurityGroupId, SecurityGroupId>,
    pub(crate) group_rules: Index<SecurityGroupRuleId, SecurityGroupId>,
    pub(crate) project_network_acls: Index<ProjectId, NetworkAclId>,
    pub(crate) project_network_acl_policies: Index<ProjectId, NetworkAclPolicyId>,
    pub(crate) project_network_acl_rules: Index<ProjectId, NetworkAclRuleId>,
    pub(crate) project_address_groups: Index<ProjectId, AddressGroupId>,
    pub(crate) subnet_network_acls: Index<SubnetId, NetworkAclId>,
    pub(crate) policy_network_acls: Index<NetworkAclPolicyId, NetworkAclId>,
    pub(crate) rule_policies: Index<NetworkAclRuleId, NetworkAclPolicyId>,
    pub(crate) address_group_network_acls: Index<AddressGroupId, NetworkAclId>,
    pub(crate) address_group_rules: Index<AddressGroupId, NetworkAclRuleId>,
    pub(crate) address_group_security_groups: Index<AddressGroupId, SecurityGroupId>,
    pub(crate) server_ports: Index<ServerId, PortId>,
    pub(crate) parent_ports: Index<PortId, PortId>,
    pub(crate) vnis: Index<Vni, VniOwner>,
    pub(crate) expiries: Index<Timestamp, PeeringId>,
    pub(crate) account_policies: Index<AccountId, PolicyId>,
}

/// The key of a pair of VPCs, whichever made the request.
pub(crate) fn pair(a: VpcId, b: VpcId) -> [VpcId; 2] {
    if a <= b { [a, b] } else { [b, a] }
}

impl Indexes {
    /// Puts what the record says into the indexes when `present`, else takes it out.
    pub(crate) fn set(&mut self, record: &Record, present: bool) {
        match record {
            Record::Account(account) => self.account_names.set(account.name.clone(), account.id, present),
            Record::Project(project) => self.account_projects.set(project.account, project.id, present),
            Record::User(user) => {
                self.account_users.set(user.account, user.id, present);
                self.user_names.set((user.account, user.name.clone()), user.id, present);
            }
            Record::AccessKey(key) => self.user_access_keys.set(key.user, key.id.clone(), present),
            Record::Token(token) => {
                self.user_tokens.set(token.user, token.hash.clone(), present);
                self.token_expiries.set(token.expires_at, token.hash.clone(), present);
            }
            Record::Vpc(vpc) => {
                self.project_vpcs.set(vpc.project, vpc.id, present);
                self.vnis.set(vpc.vni, VniOwner::Vpc(vpc.id), present);
            }
            Record::Subnet(subnet) => {
                self.project_subnets.set(subnet.project, subnet.id, present);
                self.vpc_subnets.set(subnet.vpc, subnet.id, present);
                self.table_subnets.set(subnet.route_table, subnet.id, present);
                self.neutron_subnets.set(subnet.neutron_subnet_id, subnet.id, present);
                if let Some(ipv6) = subnet.ipv6 {
                    self.neutron_subnets.set(ipv6.neutron_subnet_id, subnet.id, present);
                }
            }
            Record::RouteTable(table) => {
                self.project_tables.set(table.project, table.id, present);
                self.vpc_tables.set(table.vpc, table.id, present);
            }
            Record::Route(route) => {
                self.vpc_routes.set(route.vpc, route.id, present);
                self.table_routes.set(route.table, route.id, present);
                self.destinations.set((route.table, route.destination), route.id, present);
                self.next_hops.set(route.next_hop, route.id, present);
            }
            Record::Peering(peering) => {
                for end in [&peering.requester, &peering.accepter] {
                    self.project_peerings.set(end.project, peering.id, present);
                    self.vpc_peerings.set(end.vpc, peering.id, present);
                    self.vnis.set(end.entry_vni, VniOwner::Entry(peering.id, end.vpc), present);
                }
                self.vpc_pairs.set(pair(peering.requester.vpc, peering.accepter.vpc), peering.id, present);
                if peering.status == PeeringStatus::PendingAcceptance
                    && let Some(expires_at) = peering.expires_at
                {
                    self.expiries.set(expires_at, peering.id, present);
                }
            }
            Record::SecurityGroup(group) => {
                self.project_groups.set(group.project, group.id, present);
                if group.default {
                    self.project_default_groups.set(group.project, group.id, present);
                }
                for rule in &group.rules {
                    self.group_rules.set(rule.id, group.id, present);
                    match rule.remote {
                        Remote::Group(named) => self.group_namers.set(named, group.id, present),
                        Remote::AddressGroup(named) => {
                            self.address_group_security_groups.set(named, group.id, present);
                        }
                        Remote::Any | Remote::Cidr(_) => {}
                    }
                }
            }
            Record::NetworkAcl(acl) => {
                self.project_network_acls.set(acl.project, acl.id, present);
                for subnet in &acl.subnets {
                    self.subnet_network_acls.set(*subnet, acl.id, present);
                }
                for policy in [acl.ingress_policy, acl.egress_policy].into_iter().flatten() {
                    self.policy_network_acls.set(policy, acl.id, present);
                }
                for group in acl.address_groups() {
                    self.address_group_network_acls.set(group, acl.id, present);
                }
            }
            Record::NetworkAclPolicy(policy) => {
                self.project_network_acl_policies.set(policy.project, policy.id, present);
                for rule in &policy.rules {
                    self.rule_policies.set(*rule, policy.id, present);
                }
            }
            Record::NetworkAclRule(rule) => {
                self.project_network_acl_rules.set(rule.project, rule.id, present);
                for group in rule.address_groups() {
                    self.address_group_rules.set(group, rule.id, present);
                }
            }
            Record::AddressGroup(group) => self.project_address_groups.set(group.project, group.id, present),
            Record::Port(port) => {
                self.project_ports.set(port.project, port.id, present);
                self.vpc_ports.set(port.vpc, port.id, present);
                self.subnet_ports.set(port.subnet, port.id, present);
                self.addresses.set((port.subnet, port.ipv4), port.id, present);
                if let Some(ipv6) = port.ipv6 {
                    self.addresses_v6.set((port.subnet, ipv6), port.id, present);
                }
                for address in port.bindings() {
                    self.bindings.set((port.subnet, address), port.id, present);
                }
                self.macs.set(port.mac, port.id, present);
                for group in &port.security_groups {
                    self.group_ports.set(*group, port.id, present);
                }
                if let Some(server) = port.server {
                    self.server_ports.set(server, port.id, present);
                }
                if let Some(parent) = port.parent() {
                    self.parent_ports.set(parent.port, port.id, present);
                }
            }
            Record::Server(server) => self.project_servers.set(server.project, server.id, present),
            Record::Claim(_) => {}
            Record::Network(network) => {
                self.project_networks.set(network.project, network.id, present);
                if let Some(range) = &network.range {
                    self.neutron_networks.set(range.neutron_subnet_id, network.id, present);
                    if let Some(ipv6) = range.ipv6 {
                        self.neutron_networks.set(ipv6.neutron_subnet_id, network.id, present);
                    }
                }
            }
            Record::CidrReservation(reservation) => {
                self.project_cidr_reservations.set(reservation.project, reservation.id, present);
                self.subnet_cidr_reservations.set(reservation.subnet, reservation.id, present);
            }
            Record::Policy(policy) => self.account_policies.set(policy.account, policy.id, present),
        }
    }
}
