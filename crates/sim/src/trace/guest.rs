//! Ids in the tables back to objects, and the guests that the tracer plays.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use abi::{Id, Mac};
use catalog::Catalog;
use compiler::Attachments;
use model::{
    PeeringId, PortId, RouteId, RouteTableId, SecurityGroupId, SecurityGroupRuleId, ServerId, ServerKind, SubnetId,
    VpcId,
};

/// A server as it stands behind an interface.
#[derive(Clone, Copy, Debug)]
pub(super) struct Guest {
    pub(super) server: ServerId,
    pub(super) kind: ServerKind,
    pub(super) vpc: VpcId,
    pub(super) ifindex: u32,
    pub(super) mac: Mac,
    pub(super) ipv4: Ipv4Addr,
    pub(super) ipv6: Option<Ipv6Addr>,
}

impl Guest {
    /// Its own address of the family of `other`.
    pub(super) fn address_for(&self, other: IpAddr) -> Option<IpAddr> {
        match other {
            IpAddr::V4(_) => Some(IpAddr::V4(self.ipv4)),
            IpAddr::V6(_) => self.ipv6.map(IpAddr::V6),
        }
    }
}

/// The objects of some VPCs by the ids that stand in their tables.
#[derive(Debug, Default)]
pub(super) struct Objects {
    pub(super) vpcs: BTreeMap<u32, VpcId>,
    pub(super) subnets: BTreeMap<Id, SubnetId>,
    pub(super) tables: BTreeMap<Id, RouteTableId>,
    pub(super) routes: BTreeMap<Id, RouteId>,
    pub(super) peerings: BTreeMap<Id, PeeringId>,
    pub(super) rules: BTreeMap<Id, (SecurityGroupId, SecurityGroupRuleId)>,
    pub(super) ports: BTreeMap<Id, (ServerId, PortId)>,
    pub(super) guests: BTreeMap<u32, Guest>,
    pub(super) servers: BTreeMap<ServerId, u32>,
    pub(super) attachments: Attachments,
    /// Virtual IPs by the interface of their holders (rule VIP-3).
    held: BTreeSet<(u32, IpAddr)>,
}

impl Objects {
    /// Notes everything of a VPC and gives each server's port an interface index.
    pub(super) fn add(&mut self, catalog: &Catalog, vpc: VpcId) {
        let Some(vpc) = catalog.vpc(vpc) else { return };
        self.vpcs.insert(vpc.vni.number(), vpc.id);
        self.subnets.extend(catalog.subnets_of(vpc.id).map(|subnet| (subnet.id.table_id(), subnet.id)));
        self.tables.extend(catalog.route_tables_of(vpc.id).map(|table| (table.id.table_id(), table.id)));
        self.routes.extend(catalog.routes_of_vpc(vpc.id).map(|route| (route.id.table_id(), route.id)));
        self.peerings.extend(catalog.peerings_of(vpc.id).map(|peering| (peering.id.table_id(), peering.id)));
        for port in catalog.ports_of_vpc(vpc.id) {
            for group in port.security_groups.iter().filter_map(|group| catalog.security_group(*group)) {
                let missing = group.rules.first().is_some_and(|rule| !self.rules.contains_key(&rule.id.table_id()));
                if missing {
                    self.rules.extend(group.rules.iter().map(|rule| (rule.id.table_id(), (group.id, rule.id))));
                }
            }
            let Some(server) = port.server.and_then(|server| catalog.server(server)) else { continue };
            let ifindex = self.next_ifindex();
            self.attachments.insert(port.id, ifindex);
            let held = catalog.vips_bound_to(port).filter(|vip| vip.holder == Some(port.id));
            self.held
                .extend(held.flat_map(|vip| vip.addresses().map(|address| (ifindex, address)).collect::<Vec<_>>()));
            self.ports.insert(port.id.table_id(), (server.id, port.id));
            self.guests.insert(
                ifindex,
                Guest {
                    server: server.id,
                    kind: server.kind,
                    vpc: vpc.id,
                    ifindex,
                    mac: port.mac.0,
                    ipv4: port.ipv4,
                    ipv6: port.ipv6,
                },
            );
            if is_primary(server.port, port.id, self.servers.contains_key(&server.id)) {
                self.servers.insert(server.id, ifindex);
            }
        }
    }

    /// Whether a guest has an address: its own, or a virtual IP that it holds.
    pub(super) fn has(&self, guest: &Guest, address: IpAddr) -> bool {
        guest.address_for(address) == Some(address) || self.held.contains(&(guest.ifindex, address))
    }

    /// The guest of a server, at its primary port.
    pub(super) fn guest(&self, server: ServerId) -> Option<&Guest> {
        self.guests.get(self.servers.get(&server)?)
    }

    fn next_ifindex(&self) -> u32 {
        u32::try_from(self.guests.len()).unwrap_or(u32::MAX - 1).saturating_add(1)
    }
}

fn is_primary(primary: PortId, port: PortId, known: bool) -> bool {
    primary == port || !known
}
