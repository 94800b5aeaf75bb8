//! Networks as every family shows them, in a VPC or not (api-vpc §5.1, §5.6), and how many of their addresses are in use
//! (§7.2).

use std::sync::Arc;

use catalog::Catalog;
use ipnet::IpNet;
use model::{Kind, Network, NetworkRange, ProjectId, Span, Subnet, SubnetId, Timestamp, VpcId, gaps};
use uuid::Uuid;

use crate::address::{count, taken_v4};
use crate::{Caller, Error};

/// A network with its Neutron subnets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkView {
    /// The network id.
    pub id: SubnetId,
    /// The owner's project.
    pub project: ProjectId,
    /// The VPC; `None` while it is on no router.
    pub vpc: Option<VpcId>,
    /// The network's name: that of the subnet in v1 and v3.
    pub name: String,
    /// The Neutron subnets; `None` before the first one is made.
    pub range: Option<NetworkRange>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// One Neutron subnet of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NeutronSubnet {
    /// The Neutron subnet id.
    pub id: Uuid,
    /// Its name; the network's when it has none of its own.
    pub name: String,
    /// Its range.
    pub cidr: IpNet,
    /// Addresses that workloads can have.
    pub pools: Vec<Span>,
    /// Gateway address.
    pub gateway: std::net::IpAddr,
}

/// How many addresses a Neutron subnet has for workloads, and how many of these ports have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressCount {
    /// All but the reserved ones.
    pub total: u128,
    /// Those of ports.
    pub used: u128,
}

impl From<&Subnet> for NetworkView {
    fn from(subnet: &Subnet) -> Self {
        Self {
            id: subnet.id,
            project: subnet.project,
            vpc: Some(subnet.vpc),
            name: subnet.name.clone(),
            range: Some(NetworkRange::of(subnet)),
            created_at: subnet.created_at,
            updated_at: subnet.updated_at,
        }
    }
}

impl From<&Network> for NetworkView {
    fn from(network: &Network) -> Self {
        Self {
            id: network.id,
            project: network.project,
            vpc: None,
            name: network.name.clone(),
            range: network.range.clone(),
            created_at: network.created_at,
            updated_at: network.updated_at,
        }
    }
}

impl NetworkView {
    /// Its Neutron subnets, IPv4 first.
    #[must_use]
    pub fn subnets(&self) -> Vec<NeutronSubnet> {
        let Some(range) = &self.range else { return Vec::new() };
        let name = |own: &Option<String>| own.clone().unwrap_or_else(|| self.name.clone());
        let v4 = NeutronSubnet {
            id: range.neutron_subnet_id,
            name: name(&range.neutron_names.v4),
            cidr: range.cidr.into(),
            pools: gaps(Span::of(range.cidr.into()), &model::reserved_spans(range.cidr, range.gateway)),
            gateway: range.gateway.into(),
        };
        let v6 = range.ipv6.map(|v6| NeutronSubnet {
            id: v6.neutron_subnet_id,
            name: name(&range.neutron_names.v6),
            cidr: v6.cidr.into(),
            pools: gaps(Span::of(v6.cidr.into()), &model::reserved_spans_v6(v6.cidr, v6.gateway)),
            gateway: v6.gateway.into(),
        });
        std::iter::once(v4).chain(v6).collect()
    }
}

/// How many addresses of a Neutron subnet there are and are in use (api-vpc §7.2).
#[must_use]
pub fn address_count(catalog: &Catalog, network: SubnetId, subnet: &NeutronSubnet) -> AddressCount {
    let open = |address| subnet.pools.iter().any(|pool| pool.overlaps(Span::one(address)));
    let used = match subnet.cidr {
        IpNet::V4(_) => catalog.addresses_in(network).filter(|address| open((*address).into())).count(),
        IpNet::V6(_) => catalog.ipv6_addresses_in(network).filter(|address| open((*address).into())).count(),
    };
    AddressCount { total: count(&subnet.pools), used: used as u128 }
}

/// How many IPv4 addresses of a network are given out to who asks for none: neither reserved nor in use nor in a CIDR
/// reservation (api-vpc §5.2, §16).
#[must_use]
pub fn free_addresses(catalog: &Catalog, network: SubnetId, range: &NetworkRange) -> u64 {
    let taken = taken_v4(catalog, network, range.cidr, range.gateway);
    u64::try_from(count(&gaps(Span::of(range.cidr.into()), &taken))).unwrap_or(u64::MAX)
}

/// A network that the caller sees.
///
/// # Errors
/// [`Error::NotFound`], also for one of another account.
pub fn network(catalog: &Catalog, caller: &Caller, id: SubnetId) -> Result<NetworkView, Error> {
    let of_vpc = catalog.subnet(id).map(|subnet| NetworkView::from(subnet.as_ref()));
    let found = of_vpc.or_else(|| catalog.network(id).map(|network| NetworkView::from(network.as_ref())));
    let found = found.filter(|network| caller.sees(catalog, network.project));
    found.ok_or_else(|| Error::not_found(Kind::Network, id))
}

/// The network of a Neutron subnet of either family that the caller sees.
///
/// # Errors
/// [`Error::NotFound`], also for one of another account.
pub fn network_of(catalog: &Catalog, caller: &Caller, neutron_subnet: Uuid) -> Result<NetworkView, Error> {
    let of_vpc = catalog.subnet_by_neutron_id(neutron_subnet).map(|subnet| NetworkView::from(subnet.as_ref()));
    let other = || catalog.network_by_neutron_id(neutron_subnet).map(|network| NetworkView::from(network.as_ref()));
    let found = of_vpc.or_else(other).filter(|network| caller.sees(catalog, network.project));
    found.ok_or_else(|| Error::not_found(Kind::Subnet, neutron_subnet.hyphenated()))
}

/// Every network that the caller sees, by id.
#[must_use]
pub fn networks(catalog: &Catalog, caller: &Caller) -> Vec<NetworkView> {
    let apart: Vec<Arc<Network>> =
        crate::query::seen(catalog, caller, |project| catalog.networks_of(project), |network| network.id);
    let mut networks: Vec<NetworkView> =
        crate::subnets(catalog, caller).iter().map(|subnet| NetworkView::from(subnet.as_ref())).collect();
    networks.extend(apart.iter().map(|network| NetworkView::from(network.as_ref())));
    networks.sort_unstable_by_key(|network| network.id);
    networks
}
