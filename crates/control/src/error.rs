//! Why a use case refuses. Every message says what was wrong and what to do.

mod code;
mod detail;
mod words;

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use model::{
    AddressGroupId, CidrError, CidrReservationId, Direction, Kind, NameError, NetworkAclId, NetworkAclPolicyId,
    NetworkAclRuleId, NextHopType, PeeringId, PeeringStatus, PortId, RouteTableId, SecurityGroupId, ServerId, SubnetId,
    TagError, VpcId,
};

use words::{direction_name, kind_name, listed};

pub use detail::{AccountUse, AddressGroupUse, CidrProblem, GroupUse, Quota, SubnetUse, VpcUse};

/// A refusal. [`Error::code`] is the product's own name for it; the front ends map variants to their protocols.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No such object for this caller: also objects of accounts that it is no party to.
    #[error("{} {id} not found", kind_name(*kind))]
    NotFound {
        /// Kind of object.
        kind: Kind,
        /// The id or name that was asked for.
        id: String,
    },
    /// A security group rule is not a record of its own.
    #[error("security group rule {id} not found")]
    RuleNotFound {
        /// The rule's id.
        id: String,
    },
    /// The caller is a party but has not the role for this.
    #[error("not authorized: {0}")]
    NotAuthorized(String),
    /// The call needs a project and has none.
    #[error("the call is not scoped to a project; use credentials of a project")]
    NoProject,
    /// A name is not well formed.
    #[error("invalid name: {0}")]
    InvalidName(NameError),
    /// A description is not well formed.
    #[error("invalid description: {0}")]
    InvalidDescription(NameError),
    /// Another field is not well formed.
    #[error("invalid {field}: {reason}")]
    InvalidParameter {
        /// The field.
        field: &'static str,
        /// What is wrong with it and what is allowed.
        reason: String,
    },
    /// A name that must be unique is in use.
    #[error("{} name `{name}` is in use; choose another", kind_name(*kind))]
    NameTaken {
        /// Kind of object.
        kind: Kind,
        /// The name.
        name: String,
    },
    /// A quota is used up.
    #[error("quota exceeded for {resource}: {used} of {limit} in use; remove some or have the quota raised")]
    QuotaExceeded {
        /// What is limited.
        resource: Quota,
        /// How many there are.
        used: usize,
        /// How many are allowed.
        limit: usize,
    },
    /// Tags are not well formed, or too many.
    #[error("{0}")]
    InvalidTags(TagError),
    /// The object has no tag with this key.
    #[error("the object has no tag with the key `{key}`")]
    TagNotFound {
        /// The key.
        key: String,
    },
    /// Something that Causeway does not have.
    #[error("{0}")]
    NotSupported(String),
    /// A pool of the installation is used up.
    #[error("no {what} left in this installation")]
    Exhausted {
        /// What is used up.
        what: &'static str,
    },

    /// A range is not allowed where it was given (rules NET-1 to NET-3, RT-8).
    #[error("invalid CIDR: {0}")]
    InvalidCidr(CidrError),
    /// A range does not fit with the VPC's others.
    #[error("{cidr} {problem}")]
    VpcCidr {
        /// The range.
        cidr: Ipv4Net,
        /// What is wrong with it.
        problem: CidrProblem,
    },
    /// The VPC still has something (rule EF-7).
    #[error("VPC {vpc} is in use by {}; remove these first", listed(by))]
    VpcInUse {
        /// The VPC.
        vpc: VpcId,
        /// What it has.
        by: Vec<VpcUse>,
    },
    /// The subnet's range is in none of the VPC's (rule NET-3).
    #[error("{cidr} lies in no CIDR block of the VPC ({}); choose a range inside one of them", listed(blocks))]
    CidrNotInVpc {
        /// The subnet's range.
        cidr: Ipv4Net,
        /// The VPC's ranges.
        blocks: Vec<Ipv4Net>,
    },
    /// The subnet's range overlaps another subnet's (rule NET-3).
    #[error("{cidr} overlaps {existing} of subnet `{name}`; choose another range")]
    SubnetOverlap {
        /// The new range.
        cidr: Ipv4Net,
        /// The existing subnet's range.
        existing: Ipv4Net,
        /// Its name.
        name: String,
    },
    /// A subnet of the installation has the IPv6 prefix (rule V6-1); never says whose.
    #[error("{cidr} is in use in this installation; choose another prefix or leave it out")]
    Ipv6PrefixInUse {
        /// The prefix.
        cidr: Ipv6Net,
    },
    /// The subnet is not in the VPC that the call names.
    #[error("subnet {subnet} does not belong to VPC {vpc}")]
    SubnetNotInVpc {
        /// The subnet.
        subnet: SubnetId,
        /// The VPC.
        vpc: VpcId,
    },
    /// The subnet still has something (rule EF-8).
    #[error("subnet {subnet} is in use by {by}; remove it first")]
    SubnetInUse {
        /// The subnet.
        subnet: SubnetId,
        /// What it has.
        by: SubnetUse,
    },

    /// The address is not one of the subnet's, or reserved (rule NET-4).
    #[error("{address} cannot be used in {cidr}: {reason}")]
    InvalidAddress {
        /// The address.
        address: IpAddr,
        /// The subnet's range of the address's family.
        cidr: IpNet,
        /// Why.
        reason: &'static str,
    },
    /// Another port has the address.
    #[error("address {address} is in use by port {port}; choose another or leave it out")]
    AddressInUse {
        /// The address.
        address: IpAddr,
        /// The port that has it.
        port: PortId,
    },
    /// Every address of the subnet is in use.
    #[error("subnet {subnet} ({cidr}) has no free address; delete ports or use another subnet")]
    NoFreeAddress {
        /// The subnet.
        subnet: SubnetId,
        /// Its range.
        cidr: IpNet,
    },
    /// A port that a server holds goes with the server.
    #[error("port {port} is attached to server {server}; delete the server instead")]
    PortInUse {
        /// The port.
        port: PortId,
        /// The server.
        server: ServerId,
    },
    /// Supplementary network interfaces are attached to the port (api-vpc section 11).
    #[error(
        "port {port} carries supplementary network interfaces ({}); delete or detach them first",
        listed(interfaces)
    )]
    PortCarries {
        /// The port.
        port: PortId,
        /// The interfaces.
        interfaces: Vec<PortId>,
    },
    /// Another supplementary network interface of the port has the VLAN (api-vpc section 11).
    #[error("VLAN {vlan} of port {parent} is in use by {interface}; choose another or leave it out")]
    VlanInUse {
        /// The port that carries both.
        parent: PortId,
        /// The VLAN.
        vlan: u16,
        /// Who has it.
        interface: PortId,
    },
    /// Routes name the port, its virtual IP, or the server as next hop (rule NH-9).
    #[error("{} {id} is the next hop of routes to {}; delete the routes first", kind_name(*kind), listed(routes))]
    NextHopInUse {
        /// [`Kind::Port`] or [`Kind::Server`].
        kind: Kind,
        /// The object's id.
        id: String,
        /// Destinations of the routes.
        routes: Vec<IpNet>,
    },

    /// The table already has a route with this destination (rule RT-8).
    #[error("the route table already has a route to {destination}; change that route or delete it first")]
    RouteDuplicateDestination {
        /// The destination.
        destination: IpNet,
    },
    /// The destination equals or lies inside a system route (rule RT-9).
    #[error(
        "{destination} lies inside the system route {local}, which always wins; choose a destination outside of it"
    )]
    RouteConflictsWithLocal {
        /// The destination.
        destination: IpNet,
        /// The subnet's or platform's range.
        local: IpNet,
    },
    /// The next hop does not belong to the table's VPC (section 5 of the behaviour).
    #[error("next hop {next_hop} of type {kind} does not belong to the VPC of the route table")]
    NextHopNotInVpc {
        /// Its type.
        kind: NextHopType,
        /// Its id or address as given.
        next_hop: String,
    },
    /// The next hop has no address of the destination's family (rules V6-4, RT-13).
    #[error(
        "the next hop of type {kind} has no address of the family of {destination}; choose one that has, or a \
         destination of its own family"
    )]
    NextHopFamily {
        /// Its type.
        kind: NextHopType,
        /// The route's destination.
        destination: IpNet,
    },
    /// The next hop is a peering that can no longer become active (lifecycle section 2).
    #[error("peering {peering} is {status}: routes can be added to pending and active peerings only")]
    NextHopState {
        /// The peering.
        peering: PeeringId,
        /// Its state.
        status: PeeringStatus,
    },
    /// A next-hop type that Causeway does not have (rule NH-8).
    #[error("next hop type {kind} is not supported; use peering, ecs, eni or vip")]
    NextHopTypeNotSupported {
        /// The type.
        kind: NextHopType,
    },
    /// A change or removal names a destination that the table has no route to.
    #[error("the route table has no custom route to {destination}")]
    RouteNotFound {
        /// The destination.
        destination: IpNet,
    },
    /// System routes cannot be changed or removed (rule RT-3).
    #[error("the route to {destination} is a system route and cannot be changed or deleted")]
    SystemRoute {
        /// The destination.
        destination: IpNet,
    },
    /// The default table cannot be deleted, nor subnets be taken off it (rule RT-1).
    #[error("{table} is the default route table of its VPC: {reason}")]
    DefaultTable {
        /// The table.
        table: RouteTableId,
        /// What cannot be done and what can.
        reason: &'static str,
    },
    /// Subnets are associated with the table (rule RT-15).
    #[error("route table {table} is associated with subnets {}; disassociate them first", listed(subnets))]
    TableInUse {
        /// The table.
        table: RouteTableId,
        /// The subnets.
        subnets: Vec<SubnetId>,
    },
    /// The subnet is not on the table that it shall leave.
    #[error("subnet {subnet} is not associated with route table {table}")]
    SubnetNotOnTable {
        /// The subnet.
        subnet: SubnetId,
        /// The table.
        table: RouteTableId,
    },

    /// Project id and VPC id do not name a VPC of this region; never says which part was wrong.
    #[error(
        "Enter a valid VPC ID and project ID. The project ID must be the one of the peer VPC's region, and both VPCs must be in the same region."
    )]
    PeerNotFound,
    /// The VPCs are in different regions (rule REG-1).
    #[error(
        "Peering connects VPCs of one region only. For different regions use Cloud Connect, or EIPs if only a few servers need to talk."
    )]
    DifferentRegion,
    /// Both ends are the same VPC.
    #[error("Choose two different VPCs.")]
    SelfPeering,
    /// The two VPCs already have a pending or active peering.
    #[error("These VPCs already have the peering {name} ({status}).")]
    DuplicatePeering {
        /// The existing one.
        peering: PeeringId,
        /// Its name.
        name: String,
        /// Its state.
        status: PeeringStatus,
    },
    /// The operation is not possible in the peering's present state.
    #[error("peering {peering} is {status}: it cannot be {operation} any more")]
    InvalidState {
        /// The peering.
        peering: PeeringId,
        /// Its state.
        status: PeeringStatus,
        /// `accepted` or `rejected`.
        operation: &'static str,
    },

    /// Something still uses the security group.
    #[error("security group {group} is in use by {by}; remove it from these first")]
    GroupInUse {
        /// The group.
        group: SecurityGroupId,
        /// What uses it.
        by: GroupUse,
    },
    /// The default group cannot be deleted or renamed (rule SG-10).
    #[error("security group {group} is the default group of its project and cannot be deleted or renamed")]
    DefaultGroup {
        /// The group.
        group: SecurityGroupId,
    },
    /// The group has the very same rule already.
    #[error("security group {group} already has this rule ({rule})")]
    RuleExists {
        /// The group.
        group: SecurityGroupId,
        /// The existing rule's id.
        rule: model::SecurityGroupRuleId,
    },

    /// The subnet is under another network ACL (rule ACL-1).
    #[error("subnet {subnet} has the network ACL `{name}` ({acl}) already; disassociate it from that one first")]
    SubnetHasNetworkAcl {
        /// The subnet.
        subnet: SubnetId,
        /// The other ACL.
        acl: NetworkAclId,
        /// Its name.
        name: String,
    },
    /// The subnet is not under the ACL that it shall leave.
    #[error("subnet {subnet} is not associated with network ACL {acl}")]
    SubnetNotOnNetworkAcl {
        /// The subnet.
        subnet: SubnetId,
        /// The ACL.
        acl: NetworkAclId,
    },
    /// Subnets are under the ACL.
    #[error("network ACL {acl} is associated with subnets {}; disassociate them first", listed(subnets))]
    NetworkAclInUse {
        /// The ACL.
        acl: NetworkAclId,
        /// The subnets.
        subnets: Vec<SubnetId>,
    },
    /// The call names a rule that is not in the list that it was given for.
    #[error("rule {rule} is not in the {} rules of network ACL {acl}", direction_name(*direction))]
    RuleNotInNetworkAcl {
        /// The rule.
        rule: NetworkAclRuleId,
        /// The ACL.
        acl: NetworkAclId,
        /// Which of its lists.
        direction: Direction,
    },
    /// ACLs have the policy.
    #[error("network ACL policy {policy} is in use by network ACLs {}; take it off these first", listed(acls))]
    NetworkAclPolicyInUse {
        /// The policy.
        policy: NetworkAclPolicyId,
        /// The ACLs.
        acls: Vec<NetworkAclId>,
    },
    /// Policies have the rule.
    #[error("network ACL rule {rule} is in the policies {}; remove it from these first", listed(policies))]
    NetworkAclRuleInUse {
        /// The rule.
        rule: NetworkAclRuleId,
        /// The policies.
        policies: Vec<NetworkAclPolicyId>,
    },
    /// The policy has the rule already.
    #[error("network ACL rule {rule} is in policy {policy} already; remove it first to put it somewhere else")]
    RuleInPolicy {
        /// The rule.
        rule: NetworkAclRuleId,
        /// The policy.
        policy: NetworkAclPolicyId,
    },
    /// The policy has no such rule.
    #[error("network ACL rule {rule} is not in policy {policy}")]
    RuleNotInPolicy {
        /// The rule.
        rule: NetworkAclRuleId,
        /// The policy.
        policy: NetworkAclPolicyId,
    },
    /// Rules name the address group.
    #[error("address group {group} is in use by {by}; remove these rules first, or force the deletion")]
    AddressGroupInUse {
        /// The group.
        group: AddressGroupId,
        /// What names it.
        by: AddressGroupUse,
    },

    /// The network is on no router: it is in no VPC, and carries no packets (api-vpc §5.6).
    #[error("network {network} is on no router, so in no VPC; add a router interface for its subnet first")]
    NetworkNotAttached {
        /// The network.
        network: SubnetId,
    },
    /// The network is on a router: a subnet of a VPC (api-vpc §5.6).
    #[error("network {network} is on router {vpc}; remove the router interface of its subnet first")]
    NetworkAttached {
        /// The network.
        network: SubnetId,
        /// The router.
        vpc: VpcId,
    },
    /// The Neutron subnet is not on this router.
    #[error("router {router} has no interface in subnet {}", subnet.hyphenated())]
    RouterInterfaceNotFound {
        /// The router.
        router: VpcId,
        /// The Neutron subnet.
        subnet: uuid::Uuid,
    },
    /// A block has addresses of another reservation.
    #[error("{cidr} overlaps {existing}, which CIDR reservation {id} has; choose another block")]
    CidrReservationOverlap {
        /// The new block.
        cidr: IpNet,
        /// The other reservation's block.
        existing: IpNet,
        /// The other reservation.
        id: CidrReservationId,
    },
    /// No free block of this size is left in the subnet.
    #[error("subnet {subnet} ({cidr}) has no free /{mask} left; choose a longer mask or delete ports")]
    NoFreeBlock {
        /// The subnet.
        subnet: SubnetId,
        /// Its range.
        cidr: IpNet,
        /// The prefix length that was asked for.
        mask: u8,
    },

    /// The account still has something.
    #[error("account {account} still has {}; remove these first", listed(by))]
    AccountInUse {
        /// The account's id.
        account: model::AccountId,
        /// What it has.
        by: Vec<AccountUse>,
    },

    /// Users have the policy.
    #[error("policy {policy} is attached to the users {}; detach it from these first", listed(users))]
    PolicyInUse {
        /// The policy.
        policy: model::PolicyId,
        /// Names of the users.
        users: Vec<String>,
    },

    /// The driver met a conflict too often.
    #[error("too many changes to the same objects at once; try again")]
    Busy,
    /// The store or the catalog failed.
    #[error("the service cannot answer now: {0}")]
    Unavailable(String),
}

impl From<CidrError> for Error {
    fn from(error: CidrError) -> Self {
        Self::InvalidCidr(error)
    }
}

impl From<TagError> for Error {
    fn from(error: TagError) -> Self {
        Self::InvalidTags(error)
    }
}

impl From<NameError> for Error {
    fn from(error: NameError) -> Self {
        match error {
            NameError::Length { what: "description", .. } | NameError::Character { what: "description", .. } => {
                Self::InvalidDescription(error)
            }
            NameError::Length { .. } | NameError::Character { .. } => Self::InvalidName(error),
        }
    }
}
