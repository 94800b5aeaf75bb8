//! One change of the configuration: what it does to a catalog. It goes through the use case that the API runs for the
//! same request, so what would be refused is never proposed.

use std::collections::BTreeMap;
use std::net::IpAddr;

use catalog::Catalog;
use control::{
    Caller, Config, Context, CreatePeering, CreateSecurityGroupRules, Error, Ids, InsertNetworkAclRules, Limits,
    NewNetworkAclRule, NewRoute, NewSecurityGroupRule, UpdatePort, UpdateRouteTable,
};
use ipnet::IpNet;
use model::{
    AccountId, AclAddress, Direction, IpVersion, NetworkAclId, NextHop, PeeringId, PortId, ProjectId, Protocol, Remote,
    RouteTableId, RuleAction, SecurityGroupId, SecurityGroupRuleId, ServerId, ServiceRange, SubnetId, Timestamp,
    UserId, VpcId,
};
use uuid::Uuid;

/// A change of the configuration. Each is one command of the command line and one call of the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Ask for a peering connection; active at once within one account.
    CreatePeering {
        /// Its name.
        name: String,
        /// The VPC of the account that asks.
        local: VpcId,
        /// The other VPC.
        peer: VpcId,
        /// The other VPC's project, when it is another account's.
        peer_project: Option<ProjectId>,
    },
    /// Accept a request.
    AcceptPeering {
        /// The peering.
        peering: PeeringId,
    },
    /// Delete a peering with all routes to it.
    DeletePeering {
        /// The peering.
        peering: PeeringId,
    },
    /// Add a custom route.
    AddRoute {
        /// The table.
        table: RouteTableId,
        /// Its destination.
        destination: IpNet,
        /// Where it leads.
        next_hop: NextHop,
    },
    /// Delete a custom route.
    DeleteRoute {
        /// The table.
        table: RouteTableId,
        /// Its destination.
        destination: IpNet,
    },
    /// Delete a subnet that nothing uses.
    DeleteSubnet {
        /// The subnet.
        subnet: SubnetId,
    },
    /// Let a stopped server run.
    StartServer {
        /// The server.
        server: ServerId,
    },
    /// Turn the source/destination check of a server's primary port off (rule CHK-4).
    TurnCheckOff {
        /// The server.
        server: ServerId,
        /// Its primary port.
        port: PortId,
    },
    /// Let a server that a virtual IP is bound to claim it (rule VIP-3).
    ClaimVip {
        /// The virtual IP's port.
        vip: PortId,
        /// Its address.
        address: IpAddr,
        /// The server.
        server: ServerId,
        /// The server's port that the address is bound to.
        port: PortId,
    },
    /// Add a rule that allows to a security group.
    AddRule {
        /// The group.
        group: SecurityGroupId,
        /// Which way, seen from the members.
        direction: Direction,
        /// Protocol; every one when `None`.
        protocol: Option<Protocol>,
        /// Destination port; every one when `None`.
        service: Option<u16>,
        /// The other side.
        remote: IpNet,
        /// 1 (first) to 100.
        priority: u8,
    },
    /// Put a rule that allows in front of a network ACL's rules.
    AddAclRule {
        /// The ACL.
        acl: NetworkAclId,
        /// Which way, seen from the subnets.
        direction: Direction,
        /// Protocol.
        protocol: Protocol,
        /// Source address.
        source: IpAddr,
        /// Destination address.
        destination: IpAddr,
        /// Source port; every one when `None`.
        source_port: Option<u16>,
        /// Destination port; every one when `None`.
        destination_port: Option<u16>,
    },
    /// Delete a rule of a security group.
    DeleteRule {
        /// The group.
        group: SecurityGroupId,
        /// The rule.
        rule: SecurityGroupRuleId,
    },
}

impl Change {
    /// The kind of change, as the API spells it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::CreatePeering { .. } => "create_peering",
            Self::AcceptPeering { .. } => "accept_peering",
            Self::DeletePeering { .. } => "delete_peering",
            Self::AddRoute { .. } => "add_route",
            Self::DeleteRoute { .. } => "delete_route",
            Self::DeleteSubnet { .. } => "delete_subnet",
            Self::StartServer { .. } => "start_server",
            Self::TurnCheckOff { .. } => "turn_check_off",
            Self::ClaimVip { .. } => "claim_vip",
            Self::AddRule { .. } => "add_security_group_rule",
            Self::AddAclRule { .. } => "add_network_acl_rule",
            Self::DeleteRule { .. } => "delete_security_group_rule",
        }
    }

    /// What the change is made with, by the names of this type's fields. Objects are named by their ids; a peering that an
    /// earlier change makes, by its name.
    pub(super) fn arguments(&self, before: &Catalog, now: &Catalog) -> BTreeMap<&'static str, String> {
        let way = |direction: &Direction| match direction {
            Direction::Ingress => "ingress".to_owned(),
            Direction::Egress => "egress".to_owned(),
        };
        let next_hop = |next_hop: &NextHop| match next_hop {
            NextHop::Peering(id) if before.peering(*id).is_none() => {
                now.peering(*id).map_or_else(|| id.to_string(), |peering| peering.name.clone())
            }
            other => other.to_string(),
        };
        let peering = |id: &PeeringId| next_hop(&NextHop::Peering(*id));
        let port = |port: &Option<u16>| port.map(|port| port.to_string());
        let mut named = BTreeMap::new();
        match self {
            Self::CreatePeering { name, local, peer, peer_project } => {
                named.extend([("name", name.clone()), ("local", local.to_string()), ("peer", peer.to_string())]);
                named.extend(peer_project.map(|project| ("peer_project", project.to_string())));
            }
            Self::AcceptPeering { peering: id } | Self::DeletePeering { peering: id } => {
                named.insert("peering", peering(id));
            }
            Self::AddRoute { table, destination, next_hop: hop } => {
                named.extend([("table", table.to_string()), ("destination", destination.to_string())]);
                named.extend([("next_hop_type", hop.kind().to_string()), ("next_hop", next_hop(hop))]);
            }
            Self::DeleteRoute { table, destination } => {
                named.extend([("table", table.to_string()), ("destination", destination.to_string())]);
            }
            Self::DeleteSubnet { subnet } => {
                named.insert("subnet", subnet.to_string());
            }
            Self::StartServer { server } => {
                named.insert("server", server.to_string());
            }
            Self::TurnCheckOff { server, port } => {
                named.extend([("server", server.to_string()), ("port", port.to_string())]);
            }
            Self::ClaimVip { vip, address, server, port } => {
                named.extend([("vip", vip.to_string()), ("address", address.to_string())]);
                named.extend([("server", server.to_string()), ("port", port.to_string())]);
            }
            Self::AddRule { group, direction, protocol, service, remote, priority } => {
                named.extend([("group", group.to_string()), ("direction", way(direction))]);
                named.extend([("remote", remote.to_string()), ("priority", priority.to_string())]);
                named.extend(protocol.map(|protocol| ("protocol", protocol.to_string())));
                named.extend(port(service).map(|port| ("service", port)));
            }
            Self::AddAclRule { acl, direction, protocol, source, destination, source_port, destination_port } => {
                named.extend([("acl", acl.to_string()), ("direction", way(direction))]);
                named.extend([("protocol", protocol.to_string()), ("source", source.to_string())]);
                named.insert("destination", destination.to_string());
                named.extend(port(source_port).map(|port| ("source_port", port)));
                named.extend(port(destination_port).map(|port| ("destination_port", port)));
            }
            Self::DeleteRule { group, rule } => {
                named.extend([("group", group.to_string()), ("rule", rule.to_string())]);
            }
        }
        named
    }

    /// The project in which the command is given.
    pub(super) fn project(&self, catalog: &Catalog) -> Option<ProjectId> {
        match self {
            Self::CreatePeering { local, .. } => catalog.vpc(*local).map(|vpc| vpc.project),
            Self::AcceptPeering { peering } => catalog.peering(*peering).map(|peering| peering.accepter.project),
            Self::DeletePeering { peering } => catalog.peering(*peering).map(|peering| peering.requester.project),
            Self::AddRoute { table, .. } | Self::DeleteRoute { table, .. } => {
                catalog.route_table(*table).map(|table| table.project)
            }
            Self::DeleteSubnet { subnet } => catalog.subnet(*subnet).map(|subnet| subnet.project),
            Self::StartServer { server } | Self::TurnCheckOff { server, .. } | Self::ClaimVip { server, .. } => {
                catalog.server(*server).map(|server| server.project)
            }
            Self::AddAclRule { acl, .. } => catalog.network_acl(*acl).map(|acl| acl.project),
            Self::AddRule { group, .. } | Self::DeleteRule { group, .. } => {
                catalog.security_group(*group).map(|group| group.project)
            }
        }
    }

    /// The catalog after the change, made by `account`. New objects get ids made from `seed`, the same ones each time.
    ///
    /// # Errors
    /// What the API would refuse the request with.
    pub fn apply(&self, catalog: &Catalog, account: AccountId, limits: &Limits, seed: u64) -> Result<Catalog, Error> {
        let caller = Caller { account, user: UserId::new(Uuid::nil()), project: None, operator: false };
        let config = Config::default();
        let mut ids = MadeUp { seed, count: 0 };
        // Requests that are due were expired by the installation's own clock already.
        let now = Timestamp::from_unix_seconds(0);
        let mut ctx = Context { now, limits, config: &config, ids: &mut ids };
        let changes = match self {
            Self::CreatePeering { name, local, peer, peer_project } => {
                let request = CreatePeering {
                    name: name.clone(),
                    description: String::new(),
                    local_vpc: *local,
                    local_project: None,
                    peer_vpc: *peer,
                    peer_project: *peer_project,
                };
                control::create_peering(catalog, &caller, &mut ctx, request)?.changes
            }
            Self::AcceptPeering { peering } => control::accept_peering(catalog, &caller, &mut ctx, *peering)?.changes,
            Self::DeletePeering { peering } => control::delete_peering(catalog, &caller, &mut ctx, *peering)?.changes,
            Self::AddRoute { table, destination, next_hop } => {
                let route = NewRoute::new(*destination, next_hop.kind(), next_hop);
                let request = UpdateRouteTable { add: vec![route], ..UpdateRouteTable::default() };
                control::update_route_table(catalog, &caller, &mut ctx, *table, request)?.changes
            }
            Self::DeleteRoute { table, destination } => {
                let request = UpdateRouteTable { remove: vec![*destination], ..UpdateRouteTable::default() };
                control::update_route_table(catalog, &caller, &mut ctx, *table, request)?.changes
            }
            Self::DeleteSubnet { subnet } => control::delete_subnet(catalog, &caller, &mut ctx, *subnet, None)?.changes,
            Self::StartServer { server } => control::start_server(catalog, &caller, &mut ctx, *server)?.changes,
            Self::TurnCheckOff { port, .. } => {
                let request = UpdatePort { source_dest_check: Some(false), ..UpdatePort::default() };
                control::update_port(catalog, &caller, &mut ctx, *port, request)?.changes
            }
            Self::ClaimVip { address, port, .. } => control::claim_vip(catalog, *port, *address)?.changes,
            Self::AddRule { group, direction, protocol, service, remote, priority } => {
                let rule = NewSecurityGroupRule {
                    direction: *direction,
                    action: RuleAction::Allow,
                    priority: *priority,
                    version: version(remote),
                    protocol: *protocol,
                    services: service.map(|port| ServiceRange { first: port, last: port }).into_iter().collect(),
                    remote: Remote::Cidr(*remote),
                    description: String::new(),
                    enabled: true,
                };
                let request = CreateSecurityGroupRules { group: *group, rules: vec![rule], ignore_duplicates: false };
                control::create_security_group_rules(catalog, &caller, &mut ctx, request)?.changes
            }
            Self::AddAclRule { acl, direction, protocol, source, destination, source_port, destination_port } => {
                let ports = |port: &Option<u16>| -> Vec<ServiceRange> {
                    port.map(|port| ServiceRange { first: port, last: port }).into_iter().collect()
                };
                let rule = NewNetworkAclRule {
                    version: version(&IpNet::from(*source)),
                    protocol: Some(*protocol),
                    source: AclAddress::Host(*source),
                    destination: AclAddress::Host(*destination),
                    source_ports: ports(source_port),
                    destination_ports: ports(destination_port),
                    ..NewNetworkAclRule::new(RuleAction::Allow)
                };
                let (ingress, egress) = match direction {
                    Direction::Ingress => (vec![rule], Vec::new()),
                    Direction::Egress => (Vec::new(), vec![rule]),
                };
                let request = InsertNetworkAclRules { acl: *acl, ingress, egress, after: None };
                control::insert_network_acl_rules(catalog, &caller, &mut ctx, request)?.changes
            }
            Self::DeleteRule { rule, .. } => {
                control::delete_security_group_rule(catalog, &caller, &mut ctx, *rule)?.changes
            }
        };
        let (next, _) = changes.preview(catalog).map_err(|error| Error::Unavailable(error.to_string()))?;
        Ok(next)
    }
}

/// The address family of a range.
pub(super) fn version(range: &IpNet) -> IpVersion {
    match range {
        IpNet::V4(_) => IpVersion::V4,
        IpNet::V6(_) => IpVersion::V6,
    }
}

/// Ids of objects that do not exist: the same for the same seed.
struct MadeUp {
    seed: u64,
    count: u64,
}

impl Ids for MadeUp {
    fn uuid(&mut self) -> Uuid {
        self.count += 1;
        let high = mix(self.seed.wrapping_mul(1 << 16).wrapping_add(self.count));
        Uuid::from_u64_pair(high, mix(high))
    }
}

/// Spreads a number over 64 bits (the finalizer of SplitMix64).
const fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
