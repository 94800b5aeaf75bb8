//! The catalog and what can be asked of it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use ipnet::{IpNet, Ipv4Net};
use model::{
    AccessKey, AccessKeyId, Account, AccountId, AddressGroup, AddressGroupId, CidrReservation, CidrReservationId,
    MacAddress, Network, NetworkAcl, NetworkAclId, NetworkAclPolicy, NetworkAclPolicyId, NetworkAclRule,
    NetworkAclRuleId, NextHop, Peering, PeeringId, Policy, PolicyId, Port, PortId, Project, ProjectId, Record,
    RegionId, Route, RouteId, RouteTable, RouteTableId, SecurityGroup, SecurityGroupId, SecurityGroupRuleId, Server,
    ServerId, Subnet, SubnetId, Timestamp, Token, User, UserId, Vni, Vpc, VpcId,
};
use store::{ChangeSet, Revision, Snapshot};
use uuid::Uuid;

use crate::change::{CatalogError, RecordChange};
use crate::indexes::{Indexes, VniOwner, pair};
use crate::objects::Objects;

/// A write that is on its way to the store.
#[derive(Clone, Copy, Debug)]
pub enum Foreseen<'a> {
    /// Makes or replaces a record.
    Put(&'a Record),
    /// Removes the record with this key.
    Delete(&'a str),
    /// Gives the record with this key a new revision.
    Touch(&'a str),
}

/// The objects of the installation at one revision of the store.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Catalog {
    revision: Revision,
    objects: Objects,
    indexes: Indexes,
}

impl Catalog {
    /// Builds the catalog of a snapshot.
    ///
    /// # Errors
    /// [`CatalogError::Record`] and [`CatalogError::WrongKey`] for a record that cannot be understood.
    pub fn from_snapshot(snapshot: &Snapshot) -> Result<Self, CatalogError> {
        let mut catalog = Self { revision: snapshot.revision, ..Self::default() };
        for entry in &snapshot.entries {
            let record = decode(&entry.key, &entry.value)?;
            catalog.put(record, entry.mod_revision);
        }
        Ok(catalog)
    }

    /// The catalog after a change set, and what the set did to objects.
    ///
    /// # Errors
    /// [`CatalogError::OutOfOrder`] for a set of a revision that the catalog already has; otherwise as
    /// [`Catalog::from_snapshot`].
    pub fn apply(&self, set: &ChangeSet) -> Result<(Self, Vec<RecordChange>), CatalogError> {
        if set.revision <= self.revision {
            return Err(CatalogError::OutOfOrder { given: set.revision, have: self.revision });
        }
        let mut next = self.clone();
        next.revision = set.revision;
        let mut changes = Vec::with_capacity(set.changes.len());
        for change in &set.changes {
            let (old, new) = match &change.value {
                Some(value) => {
                    let new = decode(&change.key, value)?;
                    (next.put(new.clone(), change.mod_revision), Some(new))
                }
                None => (next.remove(&change.key), None),
            };
            if old != new {
                changes.push(RecordChange { key: change.key.to_string(), old, new });
            }
        }
        Ok((next, changes))
    }

    /// The catalog as it will be when these writes become the store's next revision. As [`Catalog::apply`] of the change
    /// set that the store makes of them, before the store has made it.
    #[must_use]
    pub fn foresee<'a>(&self, writes: impl IntoIterator<Item = Foreseen<'a>>) -> Self {
        let mut next = self.clone();
        next.revision = self.revision.next();
        for write in writes {
            match write {
                Foreseen::Put(record) => {
                    next.put(record.clone(), next.revision);
                }
                Foreseen::Delete(key) => {
                    next.remove(key);
                }
                Foreseen::Touch(key) => next.objects.touch(key, next.revision),
            }
        }
        next
    }

    /// The store's revision that the catalog shows.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// The revision in which the record with this key was last written; `None` when there is none.
    #[must_use]
    pub fn mod_revision(&self, key: &str) -> Option<Revision> {
        self.objects.revision(key)
    }

    /// The object whose record has this key.
    #[must_use]
    pub fn record(&self, key: &str) -> Option<Record> {
        self.objects.record(key)
    }

    /// The number of objects of all kinds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether there is no object at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn put(&mut self, record: Record, revision: Revision) -> Option<Record> {
        // The old record's index entries go first: both records may share some.
        let key = record.key();
        let old = self.remove(&key);
        self.indexes.set(&record, true);
        self.objects.put(record, revision);
        old
    }

    fn remove(&mut self, key: &str) -> Option<Record> {
        let old = self.objects.remove(key)?;
        self.indexes.set(&old, false);
        Some(old)
    }
}

fn decode(key: &str, value: &[u8]) -> Result<Record, CatalogError> {
    let record = Record::decode(key, value)?;
    let object = record.key();
    if object == key { Ok(record) } else { Err(CatalogError::WrongKey { key: key.to_owned(), object }) }
}

/// By id, and all of a kind in the order of ids.
macro_rules! lookups {
    ($($one:ident $all:ident $id:ty => $kind:ident, $what:literal;)*) => {
        impl Catalog {
            $(
                #[doc = concat!("The ", $what, " with this id.")]
                #[must_use]
                pub fn $one(&self, id: $id) -> Option<&Arc<$kind>> { self.objects.$all.object(&id) }

                #[doc = concat!("Every ", $what, ", by id.")]
                pub fn $all(&self) -> impl Iterator<Item = &Arc<$kind>> { self.objects.$all.objects() }
            )*
        }
    };
}

lookups! {
    account accounts AccountId => Account, "account";
    project projects ProjectId => Project, "project";
    user users UserId => User, "user";
    vpc vpcs VpcId => Vpc, "VPC";
    subnet subnets SubnetId => Subnet, "subnet";
    route_table route_tables RouteTableId => RouteTable, "route table";
    route routes RouteId => Route, "custom route";
    peering peerings PeeringId => Peering, "peering connection";
    security_group security_groups SecurityGroupId => SecurityGroup, "security group";
    network_acl network_acls NetworkAclId => NetworkAcl, "network ACL";
    network_acl_policy network_acl_policies NetworkAclPolicyId => NetworkAclPolicy, "network ACL policy";
    network_acl_rule network_acl_rules NetworkAclRuleId => NetworkAclRule, "network ACL rule";
    address_group address_groups AddressGroupId => AddressGroup, "address group";
    port ports PortId => Port, "port";
    server servers ServerId => Server, "server";
    network networks SubnetId => Network, "network that is in no VPC";
    cidr_reservation cidr_reservations CidrReservationId => CidrReservation, "CIDR reservation";
    policy policies PolicyId => Policy, "policy that an account has made";
}

/// Lists: an index key in, the objects out, by id.
macro_rules! lists {
    ($($name:ident($key:ident: $key_type:ty) $index:ident $table:ident => $kind:ident, $doc:literal;)*) => {
        impl Catalog {
            $(
                #[doc = $doc]
                pub fn $name(&self, $key: $key_type) -> impl Iterator<Item = &Arc<$kind>> {
                    self.indexes.$index.of($key).filter_map(|id| self.objects.$table.object(id))
                }
            )*
        }
    };
}

lists! {
    users_of(account: AccountId) account_users users => User, "The users of an account.";
    access_keys_of(user: UserId) user_access_keys access_keys => AccessKey, "The access keys of a user.";
    tokens_of(user: UserId) user_tokens tokens => Token, "The tokens of a user, expired ones included.";
    projects_of(account: AccountId) account_projects projects => Project, "The projects of an account.";
    vpcs_of(project: ProjectId) project_vpcs vpcs => Vpc, "The VPCs of a project.";
    subnets_of(vpc: VpcId) vpc_subnets subnets => Subnet, "The subnets of a VPC.";
    subnets_of_project(project: ProjectId) project_subnets subnets => Subnet, "The subnets of a project.";
    subnets_on_table(table: RouteTableId) table_subnets subnets => Subnet, "The subnets associated with a route table.";
    route_tables_of(vpc: VpcId) vpc_tables route_tables => RouteTable, "The route tables of a VPC.";
    route_tables_of_project(project: ProjectId) project_tables route_tables => RouteTable,
        "The route tables of a project.";
    routes_of(table: RouteTableId) table_routes routes => Route, "The custom routes of a table.";
    routes_of_vpc(vpc: VpcId) vpc_routes routes => Route, "The custom routes of all tables of a VPC.";
    routes_to(next_hop: NextHop) next_hops routes => Route,
        "The routes with this next hop; for a virtual IP those of every VPC that has a route to this address.";
    peerings_of(vpc: VpcId) vpc_peerings peerings => Peering, "The peering connections with an end in a VPC.";
    peerings_of_project(project: ProjectId) project_peerings peerings => Peering,
        "The peering connections with an end in a project.";
    security_groups_of(project: ProjectId) project_groups security_groups => SecurityGroup,
        "The security groups of a project.";
    security_groups_naming(group: SecurityGroupId) group_namers security_groups => SecurityGroup,
        "The groups with a rule whose remote is this group, itself included.";
    network_acls_of(project: ProjectId) project_network_acls network_acls => NetworkAcl,
        "The network ACLs of a project.";
    network_acls_with_policy(policy: NetworkAclPolicyId) policy_network_acls network_acls => NetworkAcl,
        "The network ACLs that have a policy in either direction.";
    network_acls_naming(group: AddressGroupId) address_group_network_acls network_acls => NetworkAcl,
        "The network ACLs with a rule that names an address group.";
    network_acl_policies_of(project: ProjectId) project_network_acl_policies network_acl_policies => NetworkAclPolicy,
        "The network ACL policies of a project.";
    network_acl_policies_with_rule(rule: NetworkAclRuleId) rule_policies network_acl_policies => NetworkAclPolicy,
        "The policies that a network ACL rule is in.";
    network_acl_rules_of(project: ProjectId) project_network_acl_rules network_acl_rules => NetworkAclRule,
        "The network ACL rules of a project.";
    network_acl_rules_naming(group: AddressGroupId) address_group_rules network_acl_rules => NetworkAclRule,
        "The network ACL rules that name an address group, those that are in no policy included.";
    address_groups_of(project: ProjectId) project_address_groups address_groups => AddressGroup,
        "The address groups of a project.";
    security_groups_naming_addresses(group: AddressGroupId) address_group_security_groups security_groups
        => SecurityGroup, "The security groups with a rule whose remote is an address group.";
    ports_in(subnet: SubnetId) subnet_ports ports => Port, "The ports in a subnet.";
    ports_of_vpc(vpc: VpcId) vpc_ports ports => Port, "The ports in a VPC.";
    ports_of_project(project: ProjectId) project_ports ports => Port, "The ports of a project.";
    ports_with_group(group: SecurityGroupId) group_ports ports => Port, "The members of a security group.";
    ports_of_server(server: ServerId) server_ports ports => Port, "The ports attached to a server.";
    supplementary_ports_of(parent: PortId) parent_ports ports => Port,
        "The supplementary network interfaces attached to a port.";
    servers_of(project: ProjectId) project_servers servers => Server, "The servers of a project.";
    networks_of(project: ProjectId) project_networks networks => Network,
        "The networks of a project that are in no VPC.";
    cidr_reservations_in(subnet: SubnetId) subnet_cidr_reservations cidr_reservations => CidrReservation,
        "The CIDR reservations of a subnet.";
    cidr_reservations_of(project: ProjectId) project_cidr_reservations cidr_reservations => CidrReservation,
        "The CIDR reservations of a project.";
    policies_of(account: AccountId) account_policies policies => Policy, "The policies that an account has made.";
}

impl Catalog {
    /// The access key with this public half.
    #[must_use]
    pub fn access_key(&self, id: &AccessKeyId) -> Option<&Arc<AccessKey>> {
        self.objects.access_keys.object(id)
    }

    /// Every access key, by its public half.
    pub fn access_keys(&self) -> impl Iterator<Item = &Arc<AccessKey>> {
        self.objects.access_keys.objects()
    }

    /// The token with this hash.
    #[must_use]
    pub fn token(&self, hash: &str) -> Option<&Arc<Token>> {
        self.objects.tokens.object(&hash.to_owned())
    }

    /// Every token, by hash.
    pub fn tokens(&self) -> impl Iterator<Item = &Arc<Token>> {
        self.objects.tokens.objects()
    }

    /// The tokens that are refused from before this time on, earliest first.
    pub fn tokens_expiring_before(&self, time: Timestamp) -> impl Iterator<Item = &Arc<Token>> {
        self.indexes.token_expiries.before(time).filter_map(|(_, hash)| self.objects.tokens.object(hash))
    }

    /// The key of the record that holds a claim, such as [`model::Claim::vni`].
    #[must_use]
    pub fn claim(&self, name: &str) -> Option<&str> {
        self.objects.claims.object(&name.to_owned()).map(|claim| claim.owner.as_str())
    }

    /// The account with this name.
    #[must_use]
    pub fn account_by_name(&self, name: &str) -> Option<&Arc<Account>> {
        self.account(*self.indexes.account_names.first(name.to_owned())?)
    }

    /// The user of an account with this name.
    #[must_use]
    pub fn user_by_name(&self, account: AccountId, name: &str) -> Option<&Arc<User>> {
        self.user(*self.indexes.user_names.first((account, name.to_owned()))?)
    }

    /// The project of an account in a region.
    #[must_use]
    pub fn project_in(&self, account: AccountId, region: &RegionId) -> Option<&Arc<Project>> {
        self.projects_of(account).find(|project| project.region == *region)
    }

    /// The account that owns a project.
    #[must_use]
    pub fn account_of(&self, project: ProjectId) -> Option<AccountId> {
        self.project(project).map(|project| project.account)
    }

    /// The subnet that a Neutron subnet id of either family names (api-vpc section 5.1).
    #[must_use]
    pub fn subnet_by_neutron_id(&self, id: Uuid) -> Option<&Arc<Subnet>> {
        self.subnet(*self.indexes.neutron_subnets.first(id)?)
    }

    /// The IPv4 ranges of a VPC: its CIDR blocks, and without a primary one the ranges of its subnets, which may lie
    /// anywhere then (api-vpc section 5.6).
    #[must_use]
    pub fn ranges_of(&self, vpc: &Vpc) -> Vec<Ipv4Net> {
        let mut ranges: Vec<Ipv4Net> = vpc.cidrs().collect();
        if vpc.cidr.is_none() {
            ranges.extend(self.subnets_of(vpc.id).map(|subnet| subnet.cidr));
        }
        ranges
    }

    /// The network in no VPC that a Neutron subnet id of either family names (api-vpc section 5.6).
    #[must_use]
    pub fn network_by_neutron_id(&self, id: Uuid) -> Option<&Arc<Network>> {
        self.network(*self.indexes.neutron_networks.first(id)?)
    }

    /// The route of a table with exactly this destination (rule RT-8).
    #[must_use]
    pub fn route_for(&self, table: RouteTableId, destination: IpNet) -> Option<&Arc<Route>> {
        self.route(*self.indexes.destinations.first((table, destination))?)
    }

    /// The routes to a peering connection, in every table of both VPCs.
    pub fn routes_to_peering(&self, peering: PeeringId) -> impl Iterator<Item = &Arc<Route>> {
        self.routes_to(NextHop::Peering(peering))
    }

    /// The routes to a server.
    pub fn routes_to_server(&self, server: ServerId) -> impl Iterator<Item = &Arc<Route>> {
        self.routes_to(NextHop::Ecs(server))
    }

    /// The routes of a VPC to a virtual IP.
    pub fn routes_to_vip(&self, vpc: VpcId, address: IpAddr) -> impl Iterator<Item = &Arc<Route>> {
        self.routes_to(NextHop::Vip(address)).filter(move |route| route.vpc == vpc)
    }

    /// The number of peering connections of all projects, in every state.
    #[must_use]
    pub fn peering_count(&self) -> usize {
        self.objects.peerings.len()
    }

    /// The peering connections between two VPCs, in either direction and in every state.
    pub fn peering_between(&self, a: VpcId, b: VpcId) -> impl Iterator<Item = &Arc<Peering>> {
        self.indexes.vpc_pairs.of(pair(a, b)).filter_map(|id| self.objects.peerings.object(id))
    }

    /// The requests that expire before this time, earliest first (rule LC-3).
    pub fn pending_expiring_before(&self, time: Timestamp) -> impl Iterator<Item = &Arc<Peering>> {
        self.indexes.expiries.before(time).filter_map(|(_, id)| self.objects.peerings.object(id))
    }

    /// A project's default security group (rule SG-10).
    #[must_use]
    pub fn default_security_group(&self, project: ProjectId) -> Option<&Arc<SecurityGroup>> {
        self.security_group(*self.indexes.project_default_groups.first(project)?)
    }

    /// The network ACL that guards a subnet, whether it is enabled or not (rules ACL-1, ACL-8).
    #[must_use]
    pub fn network_acl_of_subnet(&self, subnet: SubnetId) -> Option<&Arc<NetworkAcl>> {
        self.network_acl(*self.indexes.subnet_network_acls.first(subnet)?)
    }

    /// The group that has a rule.
    #[must_use]
    pub fn security_group_of_rule(&self, rule: SecurityGroupRuleId) -> Option<&Arc<SecurityGroup>> {
        self.security_group(*self.indexes.group_rules.first(rule)?)
    }

    /// The port that holds an IPv4 address of a subnet.
    #[must_use]
    pub fn port_at(&self, subnet: SubnetId, address: Ipv4Addr) -> Option<&Arc<Port>> {
        self.port(*self.indexes.addresses.first((subnet, address))?)
    }

    /// The port that holds an IPv6 address of a subnet.
    #[must_use]
    pub fn port_at_v6(&self, subnet: SubnetId, address: Ipv6Addr) -> Option<&Arc<Port>> {
        self.port(*self.indexes.addresses_v6.first((subnet, address))?)
    }

    /// The port that holds an address of a subnet.
    #[must_use]
    pub fn port_with(&self, subnet: SubnetId, address: IpAddr) -> Option<&Arc<Port>> {
        match address {
            IpAddr::V4(address) => self.port_at(subnet, address),
            IpAddr::V6(address) => self.port_at_v6(subnet, address),
        }
    }

    /// The virtual IP of a subnet with this address.
    #[must_use]
    pub fn vip_at(&self, subnet: SubnetId, address: IpAddr) -> Option<&Arc<Port>> {
        self.port_with(subnet, address).filter(|port| port.is_vip())
    }

    /// The ports that a virtual IP is bound to, by address: those of its subnet whose address stands in its address
    /// pairs (rule VIP-1; api-vpc section 6.2). None for any other port.
    pub fn bound_ports<'a>(&'a self, vip: &Port) -> impl Iterator<Item = &'a Arc<Port>> + use<'a> {
        let mut bound: Vec<_> = vip
            .bindings()
            .filter_map(|address| self.port_with(vip.subnet, address))
            .filter(|port| !port.is_vip())
            .collect();
        bound.sort_unstable_by_key(|port| (port.ipv4, port.id));
        bound.dedup_by_key(|port| port.id);
        bound.into_iter()
    }

    /// The virtual IPs bound to a port, by id (rule VIP-1). None for a virtual IP.
    pub fn vips_bound_to<'a>(&'a self, port: &Port) -> impl Iterator<Item = &'a Arc<Port>> + use<'a> {
        let mut vips: Vec<_> = if port.is_vip() {
            Vec::new()
        } else {
            port.addresses()
                .flat_map(|address| self.indexes.bindings.of((port.subnet, address)))
                .filter_map(|id| self.port(*id))
                .collect()
        };
        vips.sort_unstable_by_key(|vip| vip.id);
        vips.dedup_by_key(|vip| vip.id);
        vips.into_iter()
    }

    /// The IPv6 addresses of a subnet that ports hold, ascending.
    pub fn ipv6_addresses_in(&self, subnet: SubnetId) -> impl Iterator<Item = Ipv6Addr> {
        self.indexes
            .addresses_v6
            .from((subnet, Ipv6Addr::UNSPECIFIED))
            .map(|(key, _)| *key)
            .take_while(move |(of, _)| *of == subnet)
            .map(|(_, address)| address)
    }

    /// The IPv4 addresses of a subnet that ports hold, ascending.
    pub fn addresses_in(&self, subnet: SubnetId) -> impl Iterator<Item = Ipv4Addr> {
        self.indexes
            .addresses
            .from((subnet, Ipv4Addr::UNSPECIFIED))
            .map(|(key, _)| *key)
            .take_while(move |(of, _)| *of == subnet)
            .map(|(_, address)| address)
    }

    /// What a VNI names.
    #[must_use]
    pub fn vni_owner(&self, vni: Vni) -> Option<VniOwner> {
        self.indexes.vnis.first(vni).copied()
    }

    /// Whether a port has this hardware address.
    #[must_use]
    pub fn mac_in_use(&self, mac: MacAddress) -> bool {
        self.indexes.macs.first(mac).is_some()
    }
}
