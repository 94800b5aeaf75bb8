//! What a packet met on its way, for those who want to know.

use abi::{Address, DropReason, Id, Mac};

/// Receives the steps of a packet's way. The kernel uses [`NoTrace`], with which everything about tracing vanishes.
pub trait Trace {
    /// Takes one step; `f` makes it only if it is wanted.
    fn step(&mut self, f: impl FnOnce() -> Step);
}

/// Wants to know nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTrace;

impl Trace for NoTrace {
    #[inline(always)]
    fn step(&mut self, _f: impl FnOnce() -> Step) {}
}

/// One thing that happened to a packet. Ids are as they stand in the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The packet was sent by a port.
    Sent {
        /// The port.
        port: Id,
        /// Its VPC.
        vni: u32,
        /// Its subnet.
        subnet: Id,
        /// The route table of the subnet.
        table: Id,
    },
    /// The flow table was asked.
    Flow {
        /// The port whose entry was looked up.
        ifindex: u32,
        /// Whether there is a live entry (`FLOW_*` flags; 0 when not).
        flags: u8,
        /// Whether the entry decided about the packet, so that nothing else was looked up.
        decided: bool,
    },
    /// CHK-2: source check of the sender.
    SourceCheck {
        /// The sender's port.
        port: Id,
        /// Whether the check is on.
        checked: bool,
        /// Whether the packet passed.
        passed: bool,
    },
    /// CHK-3: destination check of the receiver.
    DestinationCheck {
        /// The receiver's port.
        port: Id,
        /// Whether the check is on.
        checked: bool,
        /// Whether the packet passed.
        passed: bool,
    },
    /// The gateway of the sender's subnet was addressed (rule L2-1).
    Gateway {
        /// The subnet of the gateway.
        subnet: Id,
        /// Whether it answers.
        answered: bool,
    },
    /// An ARP request for an address (rules L2-1, L2-2).
    Arp {
        /// The address asked for.
        target: Address,
        /// Who has it.
        mac: Mac,
    },
    /// A port's security groups were consulted.
    SecurityGroup {
        /// The port.
        port: Id,
        /// The policy made from its groups.
        policy: Id,
        /// `abi::CONTEXT_*`: sent by the port, or how it came to the port.
        context: u8,
        /// The class of the remote address; [`abi::NO_ID`] when no rule names the address.
        class: Id,
        /// The rule that decided; [`abi::NO_ID`] when none matched.
        rule: Id,
        /// Whether the packet may pass.
        allowed: bool,
    },
    /// The network ACL of a port's subnet was consulted (rule ACL-6). Not where it has no say: without an ACL in force,
    /// inside the subnet, and in an allowed flow.
    NetworkAcl {
        /// The port that sent the packet, or is to get it.
        port: Id,
        /// Content hash of the ACL.
        acl: Id,
        /// `abi::ACL_INGRESS` or `abi::ACL_EGRESS`.
        direction: u8,
        /// Address family of the packet.
        family: u8,
        /// Place of the rule that decided among the ACL's rules of this direction and family that are enabled, the first
        /// being 0; `None` when none matched, which denies.
        place: Option<u32>,
        /// Whether the packet may pass.
        allowed: bool,
    },
    /// A port's security groups were not consulted because the packet belongs to an allowed flow (rule SG-4).
    Tracked {
        /// The port.
        port: Id,
        /// Whether the port opened the flow (else it was let in).
        outbound: bool,
    },
    /// A route matched.
    Route {
        /// The VPC of the table.
        vni: u32,
        /// The route table.
        table: Id,
        /// The route.
        route: Id,
        /// What it names.
        target: Id,
        /// `abi::ROUTE_*`.
        kind: u8,
        /// Length of its prefix in bits.
        prefix_len: u8,
        /// Address of the next hop, for an instance.
        next_hop: Address,
    },
    /// No route matched.
    NoRoute {
        /// The VPC of the table.
        vni: u32,
        /// The route table.
        table: Id,
    },
    /// A peering was to be crossed.
    Crossing {
        /// The peering connection.
        peering: Id,
        /// The VPC that the packet comes from.
        from: u32,
        /// The VPC at the other end.
        to: u32,
        /// `abi::CROSSING_*`.
        state: u8,
        /// Edge site of the VPC at the other end.
        edge_site: u32,
        /// Whether the packet crossed.
        crossed: bool,
    },
    /// The packet is to be handed to a port.
    HandOver {
        /// The VPC.
        vni: u32,
        /// The address that the port was found by.
        address: Address,
        /// The port.
        port: Id,
        /// Its subnet.
        subnet: Id,
        /// Interface index of the host's end of its veth.
        ifindex: u32,
    },
    /// The packet was dropped.
    Dropped {
        /// The VPC.
        vni: u32,
        /// Why.
        reason: DropReason,
    },
    /// The packet was delivered.
    Delivered {
        /// The VPC.
        vni: u32,
        /// Interface index of the host's end of the veth.
        ifindex: u32,
    },
}
