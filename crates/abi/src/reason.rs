//! Why packets are dropped: one numbered list for the kernel, the simulator, counters, traces and the API.

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $number:literal $code:literal,)*) => {
        /// Why a packet was dropped. Numbers are stable and never reused; codes 1 to 63 are those of the behaviour
        /// rules, section 16, codes from 64 on are the pipeline's own.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u32)]
        pub enum DropReason { $($(#[$doc])* $name = $number,)* }

        impl DropReason {
            /// All reasons, by number.
            pub const ALL: &'static [DropReason] = &[$(DropReason::$name,)*];

            /// The reason's code as the API and the documents spell it.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(DropReason::$name => $code,)* }
            }

            /// The reason with this number.
            #[must_use]
            pub const fn from_number(number: u32) -> Option<Self> {
                match number { $($number => Some(DropReason::$name),)* _ => None }
            }
        }
    };
}

reasons! {
    /// The table of the sending subnet has no route for the destination.
    NoRoute = 1 "no_route",
    /// The replier's subnet table has no route for the reply (named by the tracer).
    NoReturnRoute = 2 "no_return_route",
    /// The matched route's peering is not ACTIVE.
    PeeringNotActive = 3 "peering_not_active",
    /// A subnet of the sending VPC covers the destination (named by the tracer).
    LocalRoutePreferred = 4 "local_route_preferred",
    /// A route carried the packet into another VPC than intended (named by the tracer).
    Misrouted = 5 "misrouted",
    /// Arrived over a peering; neither this VPC nor its default table knows the private destination.
    NonTransitive = 6 "non_transitive",
    /// Arrived over a peering for a public destination; the default table offers no exit.
    EipNotShared = 7 "eip_not_shared",
    /// Right VPC, but nobody there has the address.
    NoSuchHost = 8 "no_such_host",
    /// Dropped by the source/destination check of a port.
    SourceCheck = 9 "source_check",
    /// Refused by a security group.
    SecurityGroup = 10 "security_group",
    /// Refused by a network ACL.
    NetworkAcl = 11 "network_acl",
    /// The NAT gateway or SNAT server has no rule for the source.
    NoSnatRule = 12 "no_snat_rule",
    /// The instance, virtual IP or gateway named by the route is not there.
    NextHopDown = 13 "next_hop_down",
    /// The instance named by the route does not forward (named by the tracer).
    NextHopNotForwarding = 14 "next_hop_not_forwarding",
    /// The packet would go back where it came from, or exceeds the crossing budget.
    RoutingLoop = 15 "routing_loop",
    /// The peering would join two different edge sites.
    EdgeSite = 16 "edge_site",
    /// The endpoints are in different regions (named by the tracer).
    DifferentRegion = 17 "different_region",

    /// Headers are cut short or contradict themselves.
    Malformed = 64 "malformed",
    /// Neither ARP nor an IP version that the subnet has.
    UnsupportedProtocol = 65 "unsupported_protocol",
    /// The interface is not a known port.
    UnknownPort = 66 "unknown_port",
    /// The source hardware address is not the port's (rule L2-4).
    SpoofedMac = 67 "spoofed_mac",
    /// Broadcast, multicast, link-local or loopback destination: never leaves the subnet (rule L2-7).
    NotForwarded = 68 "not_forwarded",
    /// A later fragment whose first fragment was not seen (rule PEER-17).
    FragmentUnknown = 69 "fragment_unknown",
    /// A server-to-client DHCP message from a workload (rule L2-6).
    DhcpServer = 70 "dhcp_server",
    /// An ARP frame that needs no answer (rules L2-2, L2-3).
    ArpIgnored = 71 "arp_ignored",
    /// The gateway answers echo requests of its own subnet only (rule L2-1).
    GatewayService = 72 "gateway_service",
    /// Tables name something that is not there yet: refused until they agree.
    InconsistentTables = 73 "inconsistent_tables",
    /// The workload that sent it is stopped.
    WorkloadStopped = 74 "workload_stopped",
    /// A router advertisement or redirect from a workload (rule V6-2).
    RouterAdvertisement = 75 "router_advertisement",
    /// A neighbour discovery message that needs no answer (rules L2-2, L2-3, V6-2).
    NeighbourIgnored = 76 "neighbour_ignored",
    /// A DHCP message that needs no answer (rule L2-5).
    DhcpIgnored = 77 "dhcp_ignored",
    /// Larger than the MTU, and not to be answered with an ICMP error (rule MTU-3).
    PacketTooBig = 78 "packet_too_big",
}
