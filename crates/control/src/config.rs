//! What an installation can set: quotas, regions, times.

use std::net::Ipv6Addr;

use ipnet::Ipv6Net;
use model::{EdgeSiteId, RegionId};
use serde::{Deserialize, Serialize};

/// Quotas and limits. The defaults are the documented ones (limits section 1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Limits {
    /// VPCs in a project.
    pub vpcs: usize,
    /// Secondary CIDR blocks of a VPC.
    pub secondary_cidrs: usize,
    /// Subnets in a project.
    pub subnets: usize,
    /// Route tables of a VPC, the default one included (rule RT-14).
    pub route_tables_per_vpc: usize,
    /// Custom routes over all tables of a VPC (rule RT-14).
    pub routes_per_vpc: usize,
    /// Routes in one call that makes a route table (api-vpc section 3.3).
    pub routes_per_create: usize,
    /// Subnets in one call that associates or disassociates.
    pub subnets_per_association: usize,
    /// Peering connections of a project: active ones, and pending ones that it requested (lifecycle section 3).
    pub peerings: usize,
    /// Security groups in a project (rule SG-12).
    pub security_groups: usize,
    /// Rules in all security groups of a project.
    pub security_group_rules: usize,
    /// Rules in one security group (rule SG-12).
    pub rules_per_group: usize,
    /// Security groups on one port (rule SG-12).
    pub groups_per_port: usize,
    /// Network ACLs in a project (limits section 1.2).
    pub network_acls: usize,
    /// Rules in one direction of a network ACL; never more than the forwarding tables have room for (256).
    pub rules_per_network_acl: usize,
    /// Rules of all network ACLs of a project, those in no ACL included.
    pub network_acl_rules: usize,
    /// Network ACL policies in a project; those of ACLs count.
    pub network_acl_policies: usize,
    /// Address groups in a project.
    pub address_groups: usize,
    /// Entries of one address group (api-vpc section 10).
    pub addresses_per_group: u32,
    /// Port ranges in one rule.
    pub services_per_rule: usize,
    /// Extra address pairs of a port.
    pub address_pairs_per_port: usize,
    /// Access keys of a user.
    pub access_keys_per_user: usize,
    /// DNS servers of a subnet.
    pub dns_servers: usize,
    /// CIDR reservations of a subnet (limits section 2.6).
    pub cidr_reservations_per_subnet: usize,
    /// NTP servers of a subnet.
    pub ntp_servers: usize,
    /// Tags of one object.
    pub tags_per_resource: usize,
    /// Users of an account.
    pub users: usize,
    /// Policies that an account has made.
    pub policies: usize,
    /// Policies of a user.
    pub policies_per_user: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            vpcs: 150,
            secondary_cidrs: 5,
            subnets: 400,
            route_tables_per_vpc: 5,
            routes_per_vpc: 1000,
            routes_per_create: 5,
            subnets_per_association: 100,
            peerings: 50,
            security_groups: 100,
            security_group_rules: 5000,
            rules_per_group: 50,
            groups_per_port: 5,
            network_acls: 200,
            rules_per_network_acl: 100,
            network_acl_rules: 10_000,
            network_acl_policies: 800,
            address_groups: 10,
            addresses_per_group: 20,
            services_per_rule: 20,
            address_pairs_per_port: 10,
            access_keys_per_user: 2,
            dns_servers: 5,
            cidr_reservations_per_subnet: 20,
            ntp_servers: 4,
            tags_per_resource: 10,
            users: 50,
            policies: 200,
            policies_per_user: 20,
        }
    }
}

/// A region with its places.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Region {
    /// Its id.
    pub id: RegionId,
    /// Availability zones. With none listed, any name is accepted.
    #[serde(default)]
    pub availability_zones: Vec<String>,
    /// Edge sites (rule EDGE-1).
    #[serde(default)]
    pub edge_sites: Vec<EdgeSiteId>,
}

/// The installation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// Its regions; an account has one project in each.
    pub regions: Vec<Region>,
    /// Seconds after which an unanswered peering request expires (rule LC-3); `None` for never.
    pub peering_expiry_secs: Option<i64>,
    /// Where the IPv6 prefixes of subnets come from, a /64 each (rule V6-1): at most a /64 itself, of addresses that
    /// workloads can have.
    pub ipv6_prefix: Ipv6Net,
}

/// [`Config::ipv6_prefix`] unless set: unique local (RFC 4193), for 65,536 subnets. Whoever joins installations sets
/// another one in each.
pub const DEFAULT_IPV6_PREFIX: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0xfd63, 0x6175, 0x7365, 0, 0, 0, 0, 0), 48);

impl Default for Config {
    fn default() -> Self {
        let region = Region { id: RegionId::from("region-1"), availability_zones: Vec::new(), edge_sites: Vec::new() };
        Self { regions: vec![region], peering_expiry_secs: Some(7 * 24 * 3600), ipv6_prefix: DEFAULT_IPV6_PREFIX }
    }
}

impl Config {
    /// The region with this id.
    #[must_use]
    pub fn region(&self, id: &RegionId) -> Option<&Region> {
        self.regions.iter().find(|region| region.id == *id)
    }
}
