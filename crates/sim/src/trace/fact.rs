//! What a packet met, in terms of the catalog's objects.

use std::net::IpAddr;

use abi::DropReason;
use model::{
    Direction, NetworkAclId, NetworkAclRuleId, PeeringId, PeeringStatus, PortId, RouteId, RouteTableId,
    SecurityGroupId, SecurityGroupRuleId, ServerId, SubnetId, VpcId,
};

/// One step of a packet's way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The VPC that the packet was in; `None` when it is hidden from the viewer.
    pub vpc: Option<VpcId>,
    /// What happened.
    pub fact: Fact,
}

/// What happened to a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A server sent it.
    Sent {
        /// The server.
        server: ServerId,
        /// Its subnet.
        subnet: SubnetId,
        /// The subnet's route table.
        table: RouteTableId,
        /// The packet's source address.
        source: IpAddr,
        /// The packet's destination address.
        destination: IpAddr,
    },
    /// The sender's source check (rule CHK-2).
    SourceCheck {
        /// The server.
        server: ServerId,
        /// Its port.
        port: PortId,
        /// Whether the check is on.
        checked: bool,
        /// Whether the packet passed.
        passed: bool,
    },
    /// The security groups of a server's port were consulted.
    SecurityGroup {
        /// The server.
        server: ServerId,
        /// Its port.
        port: PortId,
        /// Which way, seen from the server.
        direction: Direction,
        /// The rule that decided, with its group; `None` when no rule matched, which denies, or when none was asked, which
        /// allows (rules SG-13, SG-14).
        rule: Option<(SecurityGroupId, SecurityGroupRuleId)>,
        /// Whether the packet passed.
        allowed: bool,
    },
    /// The network ACL of a subnet was consulted (rules ACL-2, ACL-6).
    NetworkAcl {
        /// The ACL.
        acl: NetworkAclId,
        /// The subnet that the packet leaves or enters.
        subnet: SubnetId,
        /// Which way, seen from the subnet.
        direction: Direction,
        /// The rule that decided and its place in the list, the first being 1; `None` when no rule matched, which denies, or
        /// when none was asked, which allows (rule SG-14).
        rule: Option<(NetworkAclRuleId, usize)>,
        /// Whether the packet passed.
        allowed: bool,
    },
    /// The packet belongs to a flow that security groups let pass (rule SG-4).
    Tracked {
        /// The server at whose port the flow is known.
        server: ServerId,
        /// Whether that server opened the flow; else it was let in.
        outbound: bool,
    },
    /// A route table was looked up.
    Route {
        /// The table.
        table: RouteTableId,
        /// What was chosen.
        choice: Choice,
        /// Custom routes that cover the destination but were not chosen. Routes of the other address family never do
        /// (rule RT-13).
        losing: Vec<Losing>,
        /// The chosen route's next hop takes no packets now. The route matches all the same: none is skipped in favour
        /// of a shorter prefix (rule RT-12).
        dead: bool,
    },
    /// A peering was to be crossed.
    Crossing {
        /// The peering.
        peering: PeeringId,
        /// The VPC at the other end.
        to: VpcId,
        /// The peering's state.
        status: PeeringStatus,
        /// Whether the packet crossed.
        crossed: bool,
    },
    /// The packet was to be handed to a server.
    HandOver {
        /// The server.
        server: ServerId,
        /// The address that it was found by.
        address: IpAddr,
        /// Whether a route names the server as next hop.
        next_hop: bool,
    },
    /// The receiver's destination check (rule CHK-3).
    DestinationCheck {
        /// The server.
        server: ServerId,
        /// Its port.
        port: PortId,
        /// Whether the check is on.
        checked: bool,
        /// Whether the packet passed.
        passed: bool,
    },
    /// The gateway of a subnet was addressed (rule L2-1).
    Gateway {
        /// The subnet.
        subnet: SubnetId,
        /// Whether it answers.
        answered: bool,
    },
    /// A guest forwards the packet.
    Forwarded {
        /// The server.
        server: ServerId,
    },
    /// A guest got a packet that is not for it, and does not forward.
    NotForwarding {
        /// The server.
        server: ServerId,
    },
    /// The packet arrived.
    Delivered {
        /// The server.
        server: ServerId,
    },
    /// The packet was lost.
    Dropped {
        /// Why.
        reason: DropReason,
    },
    /// What follows happens in VPCs of other accounts.
    LeftVpc,
    /// What went before happened in VPCs of other accounts.
    PeerSide,
}

/// What a route table said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The destination is in a subnet of the VPC.
    Local(SubnetId),
    /// The destination is in a system range (rule RT-3).
    System,
    /// A custom route.
    Custom(RouteId),
    /// No route.
    Nothing,
}

/// A route that covers the destination but was not chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Losing {
    /// The route.
    pub route: RouteId,
    /// Why it was not chosen.
    pub why: LosingReason,
}

/// Why a route was not chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LosingReason {
    /// Local routes win over every custom route (rule RT-5).
    Local,
    /// System routes do, too.
    System,
    /// The chosen route has a longer prefix (rule RT-7).
    Shorter,
}
