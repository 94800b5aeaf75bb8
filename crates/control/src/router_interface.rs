//! Router interfaces: how a network joins a VPC and leaves it again (api-vpc §5.6). A router is a VPC.

use catalog::Catalog;
use ipnet::Ipv4Net;
use model::{Kind, Network, NetworkRange, Subnet, Vpc, VpcId, validate_primary_cidr};
use uuid::Uuid;

use crate::error::SubnetUse;
use crate::network::{hand_over, own_network};
use crate::network_view::NetworkView;
use crate::route::ranges;
use crate::subnet::{leave_vpc, shadows, uses};
use crate::vpc::{overlap, own_vpc};
use crate::{Caller, Changes, Context, Error, Outcome};

/// Puts the network of a Neutron subnet on a router: it becomes a subnet of the VPC, with the same ids, on the default
/// route table. With either of its Neutron subnets comes the other. On this router already: nothing changes.
///
/// # Errors
/// [`Error::NetworkAttached`] to another router; a range that does not fit into the VPC.
pub fn add_router_interface(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    router: VpcId,
    neutron_subnet: Uuid,
) -> Result<Outcome<NetworkView>, Error> {
    let vpc = own_vpc(catalog, caller, router)?;
    let view = crate::network_of(catalog, caller, neutron_subnet)?;
    let missing = || Error::not_found(Kind::Subnet, neutron_subnet.hyphenated());
    if view.project != vpc.project {
        return Err(missing());
    }
    if view.vpc == Some(router) {
        return Ok(Outcome::new(view, Changes::new()));
    }
    let network = own_network(catalog, caller, view.id)?;
    let range = network.range.clone().ok_or_else(missing)?;
    fits(catalog, vpc, range.cidr)?;
    let subnet = Subnet {
        id: network.id,
        neutron_subnet_id: range.neutron_subnet_id,
        neutron_names: range.neutron_names,
        project: network.project,
        region: network.region.clone(),
        vpc: vpc.id,
        route_table: vpc.default_route_table,
        name: network.name.clone(),
        description: range.description,
        cidr: range.cidr,
        gateway: range.gateway,
        ipv6: range.ipv6,
        dhcp_enable: range.dhcp_enable,
        dns: range.dns,
        availability_zone: range.availability_zone,
        dhcp_options: range.dhcp_options,
        tags: range.tags,
        address_usage_metrics: range.address_usage_metrics,
        created_at: network.created_at,
        updated_at: ctx.now,
    };
    let mut changes = Changes::new();
    changes.lock(catalog, Kind::Vpc, vpc.id);
    changes.delete(catalog, Kind::Network, network.id);
    hand_over(catalog, subnet.ipv6, (Kind::Subnet, subnet.id), &mut changes);
    changes.create(subnet.clone());
    let warnings = shadows(catalog, &subnet, ranges(&subnet));
    Ok(Outcome::new(NetworkView::from(&subnet), changes).with_warnings(warnings))
}

/// Takes the network of a Neutron subnet off a router: it is in no VPC any more, and keeps its ids.
///
/// # Errors
/// [`Error::RouterInterfaceNotFound`]; [`Error::SubnetInUse`] while it has ports, is the place of a route's next hop, or
/// has CIDR reservations.
pub fn remove_router_interface(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    router: VpcId,
    neutron_subnet: Uuid,
) -> Result<Outcome<NetworkView>, Error> {
    own_vpc(catalog, caller, router)?;
    let id = crate::network_of(catalog, caller, neutron_subnet)?.id;
    let subnet = catalog.subnet(id).filter(|subnet| subnet.vpc == router);
    let subnet = subnet.ok_or(Error::RouterInterfaceNotFound { router, subnet: neutron_subnet })?;
    let reserved: Vec<_> = catalog.cidr_reservations_in(id).map(|reservation| reservation.cidr).collect();
    let reserved = (!reserved.is_empty()).then_some(SubnetUse::CidrReservations(reserved));
    if let Some(by) = uses(catalog, subnet).or(reserved) {
        return Err(Error::SubnetInUse { subnet: id, by });
    }
    let network = Network {
        id,
        project: subnet.project,
        region: subnet.region.clone(),
        name: subnet.name.clone(),
        range: Some(NetworkRange::of(subnet)),
        created_at: subnet.created_at,
        updated_at: ctx.now,
    };
    let mut changes = Changes::new();
    leave_vpc(catalog, ctx, subnet, &mut changes);
    hand_over(catalog, subnet.ipv6, (Kind::Network, id), &mut changes);
    changes.create(network.clone());
    Ok(Outcome::new(NetworkView::from(&network), changes))
}

/// Whether a range may be that of a subnet of the VPC: inside one of its CIDR blocks, or for a VPC without primary block
/// (a router, see api-vpc §5.6) one that a primary block could be; and no other subnet's (rule NET-3).
///
/// # Errors
/// [`Error::CidrNotInVpc`], [`Error::SubnetOverlap`].
pub(crate) fn fits(catalog: &Catalog, vpc: &Vpc, cidr: Ipv4Net) -> Result<(), Error> {
    let inside = vpc.cidrs().any(|block| block.contains(&cidr));
    if !inside && (vpc.cidr.is_some() || validate_primary_cidr(cidr).is_err()) {
        return Err(Error::CidrNotInVpc { cidr, blocks: vpc.cidrs().collect() });
    }
    match catalog.subnets_of(vpc.id).find(|other| overlap(other.cidr, cidr)) {
        Some(other) => Err(Error::SubnetOverlap { cidr, existing: other.cidr, name: other.name.clone() }),
        None => Ok(()),
    }
}
