//! Why no change of the configuration helps, and what does.

use abi::DropReason;
use catalog::Catalog;
use model::AccountId;

use super::candidates::Case;
use super::ways::live_peering;
use crate::trace::{Trace, name};

const BUG: &str = "This is not for you to repair: the tables do not agree with each other. Report it with this trace.";

/// A sentence for a refusal that no command lifts.
pub(super) fn irreparable(catalog: &Catalog, trace: &Trace, viewer: Option<AccountId>) -> String {
    let Some(reason) = trace.verdict.reason else { return "Nothing is known about why it does not arrive.".to_owned() };
    let case = Case::of(catalog, trace, viewer);
    let text = match reason {
        DropReason::NoRoute | DropReason::NoReturnRoute | DropReason::NonTransitive => {
            return case.map_or_else(|| "No route helps.".to_owned(), |case| case.no_way());
        }
        DropReason::LocalRoutePreferred => {
            "No route can help: local routes win over every other one. Move one of the two servers to a subnet whose \
             addresses the other VPC does not use."
        }
        DropReason::EipNotShared => {
            "A peering gives no access to the Internet. That takes a NAT gateway, or an SNAT server with an EIP, in the \
             peer VPC and a default route to it in that VPC's default route table; this installation has neither NAT \
             gateways nor EIPs."
        }
        DropReason::NoSnatRule => "An SNAT rule for the source is missing; this installation has no NAT gateways.",
        DropReason::EdgeSite => {
            "No setting lifts this. Place one of the two servers in a VPC at the same edge site or in the centre, or \
             relay by a server of your own in the centre."
        }
        DropReason::DifferentRegion => {
            "No setting lifts this. Place both servers in one region, or connect the regions by other means."
        }
        DropReason::NoSuchHost | DropReason::Misrouted => {
            return case.map_or_else(|| "Nobody has the address.".to_owned(), |case| case.nobody());
        }
        DropReason::SourceCheck => {
            "The packet meets an extension port, whose check no command turns off; send by the server's primary port."
        }
        DropReason::SecurityGroup => "No rule can be added: the port has no security group, or its groups are full.",
        DropReason::NetworkAcl => "No rule can be added: check the quota of the network ACL.",
        DropReason::PeeringNotActive => "The VPCs cannot be peered anew: check the quota of peering connections.",
        DropReason::NextHopDown | DropReason::NextHopNotForwarding => {
            "There is no other way to the destination. Let the route name a server that runs and forwards (kind \
             firewall), or have the guest of a virtual IP's bound server claim the address."
        }
        DropReason::RoutingLoop => "There is no other way to the destination: check for whom the address is meant.",
        DropReason::GatewayService => {
            "The gateway is no server: it answers pings of its own subnet. Ask about a server's address."
        }
        DropReason::NotForwarded => "Such addresses never leave the subnet. Use the address of a server.",
        DropReason::Malformed | DropReason::UnsupportedProtocol => {
            "The guest has to send well-formed IPv4, or IPv6 on a subnet that has it; no setting changes that."
        }
        DropReason::SpoofedMac => "The guest has to send with the hardware address of its interface, always.",
        DropReason::FragmentUnknown => "The first fragment was lost or came late; the sender has to send again.",
        DropReason::DhcpServer => "Guests cannot be DHCP servers: the platform is. Set DNS and lease at the subnet.",
        DropReason::RouterAdvertisement => "Guests cannot be routers of the subnet: the platform is.",
        DropReason::ArpIgnored | DropReason::NeighbourIgnored | DropReason::DhcpIgnored => {
            "Nothing is lost: the message needs no answer."
        }
        DropReason::PacketTooBig => {
            "The guest has to keep to the MTU that the platform tells it; check the MTU of its interface."
        }
        DropReason::WorkloadStopped => "Start the server: `causeway server start`.",
        DropReason::UnknownPort | DropReason::InconsistentTables => BUG,
    };
    text.to_owned()
}

impl Case<'_> {
    /// No route leads there.
    fn no_way(&self) -> String {
        let Some(meant) = self.meant else {
            let public = match self.destination {
                std::net::IpAddr::V4(address) => !address.is_private() && !address.is_link_local(),
                std::net::IpAddr::V6(_) => false,
            };
            return if public {
                format!(
                    "{} is in no VPC. The Internet is reached by NAT gateways and EIPs, which this installation does not \
                     have.",
                    self.destination
                )
            } else {
                format!(
                    "It is not known in which VPC {} is meant: nobody has the address, or several have. Name the VPC.",
                    self.destination
                )
            };
        };
        if meant == self.at {
            return format!("No subnet of {} contains {}.", name::vpc(self.catalog, meant), self.destination);
        }
        match live_peering(self.catalog, self.at, meant) {
            Some(_) => format!("No route to {} can be added: check the quota of routes.", self.destination),
            None => "The VPCs cannot be peered: check quotas and regions.".to_owned(),
        }
    }

    /// Nobody has the address, or somebody else.
    fn nobody(&self) -> String {
        let vips = self.catalog.ports_of_vpc(self.at).filter(|port| port.is_vip());
        if vips.into_iter().any(|vip| vip.addresses().any(|address| address == self.destination)) {
            return format!(
                "{} is a virtual IP that is bound to no server: bind it to some (`causeway vip bind`), and let one claim \
                 it (`causeway vip claim`).",
                self.destination
            );
        }
        match self.trace.verdict.delivered_to {
            Some(server) => format!(
                "{} is the address of {}; ask about the address that the server you mean has.",
                self.destination,
                name::server(self.catalog, server)
            ),
            None => format!("No server has the address {}: check the address.", self.destination),
        }
    }
}
