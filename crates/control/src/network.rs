//! Networks and Neutron subnets (api-vpc §5.6). Until a network is on a router it is a record of its own; then it is a
//! subnet of the VPC, see [`crate::add_router_interface`].

use std::net::Ipv4Addr;

use catalog::Catalog;
use ipnet::{Ipv4Net, Ipv6Net};
use model::{
    Claim, Ipv6Range, Kind, NameError, Network, NetworkRange, NeutronNames, ProjectId, Subnet, SubnetId, Tags,
    validate_primary_cidr,
};
use uuid::Uuid;

use crate::error::SubnetUse;
use crate::ipv6::new_range;
use crate::network_view::NetworkView;
use crate::subnet::{turned_on, validate_dns, validate_gateway};
use crate::vpc::validate_canonical;
use crate::{Caller, Changes, Context, Error, Outcome, Quota};

/// A name that no network may have (limits section 3).
const RESERVED_NAME: &str = "admin_external_net";

/// A Neutron subnet to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateNeutronSubnet {
    /// The network that it is on.
    pub network: SubnetId,
    /// Its own name, 0 to 255 characters; it shows the network's when left out.
    pub name: Option<String>,
    /// Its range.
    pub range: NewNeutronRange,
}

/// The range of a Neutron subnet to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewNeutronRange {
    /// The first one of a network.
    V4 {
        /// In 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16, at most /28.
        cidr: Ipv4Net,
        /// The first address when left out.
        gateway: Option<Ipv4Addr>,
        /// DNS servers for the guests.
        dns: Vec<Ipv4Addr>,
    },
    /// One beside the IPv4 range (rule V6-1).
    V6 {
        /// A /64 that is free in the installation; one of the installation's when left out.
        cidr: Option<Ipv6Net>,
    },
}

/// What to change of a Neutron subnet; `None` leaves a field as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateNeutronSubnet {
    /// New name.
    pub name: Option<String>,
    /// New DNS servers; of the IPv4 range only.
    pub dns: Option<Vec<Ipv4Addr>>,
    /// Whether DHCP answers; of the IPv4 range only.
    pub dhcp_enable: Option<bool>,
}

/// Makes a network that is on no router.
///
/// # Errors
/// Name not well formed; quota of subnets.
pub fn create_network(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    name: String,
) -> Result<Outcome<NetworkView>, Error> {
    let project = caller.scope(catalog)?;
    validate_network_name(&name)?;
    within_quota(catalog, ctx, project.id)?;
    let network = Network {
        id: SubnetId::new(ctx.ids.uuid()),
        project: project.id,
        region: project.region.clone(),
        name,
        range: None,
        created_at: ctx.now,
        updated_at: ctx.now,
    };
    let mut changes = Changes::new();
    changes.lock(catalog, Kind::Project, project.id);
    changes.create(network.clone());
    Ok(Outcome::new(NetworkView::from(&network), changes))
}

/// Changes a network's name: in a VPC it is the subnet's.
///
/// # Errors
/// Name not well formed.
pub fn update_network(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    id: SubnetId,
    name: Option<String>,
) -> Result<Outcome<NetworkView>, Error> {
    if let Some(name) = &name {
        validate_network_name(name)?;
    }
    change(catalog, caller, ctx, id, |place, _, _| {
        if let Some(name) = name {
            *place.name = name;
        }
        Ok(())
    })
}

/// Deletes a network that is on no router, with its Neutron subnets.
///
/// # Errors
/// [`Error::NetworkAttached`].
pub fn delete_network(
    catalog: &Catalog,
    caller: &Caller,
    _ctx: &mut Context<'_>,
    id: SubnetId,
) -> Result<Outcome<()>, Error> {
    let network = own_network(catalog, caller, id)?;
    let mut changes = Changes::new();
    if let Some(ipv6) = network.range.as_ref().and_then(|range| range.ipv6) {
        changes.unclaim(&Claim::ipv6_prefix(ipv6.cidr));
    }
    changes.delete(catalog, Kind::Network, id);
    Ok(Outcome::new((), changes))
}

/// Makes a Neutron subnet. A network gets its IPv4 range first, then perhaps an IPv6 range, which a subnet of a VPC can
/// get as well.
///
/// # Errors
/// A range that is not allowed, or that the network has already; a gateway that is no host address of it; an IPv6 prefix
/// in use, or none left; fields not well formed.
pub fn create_neutron_subnet(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    request: CreateNeutronSubnet,
) -> Result<Outcome<NetworkView>, Error> {
    if let Some(name) = &request.name {
        validate_neutron_name(name)?;
    }
    let (id, name) = (request.network, request.name);
    match request.range {
        NewNeutronRange::V4 { cidr, gateway, dns } => {
            validate_canonical(cidr)?;
            validate_primary_cidr(cidr).map_err(|_| {
                let ranges = "10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16, at most /28";
                Error::invalid("cidr", format!("{cidr}: a part of {ranges} is expected"))
            })?;
            let gateway = gateway.unwrap_or_else(|| Ipv4Addr::from(u32::from(cidr.network()).saturating_add(1)));
            validate_gateway(cidr, gateway)?;
            validate_dns(&dns, ctx)?;
            let has = crate::network(catalog, caller, id)?.range;
            if let Some(has) = has {
                let reason = format!("network {id} has the IPv4 subnet {} already; make another network", has.cidr);
                return Err(Error::invalid("network_id", reason));
            }
            let mut network = own_network(catalog, caller, id)?.clone();
            network.range = Some(NetworkRange {
                neutron_subnet_id: ctx.ids.uuid(),
                neutron_names: NeutronNames { v4: name, v6: None },
                description: String::new(),
                cidr,
                gateway,
                ipv6: None,
                dhcp_enable: true,
                dns,
                availability_zone: String::new(),
                dhcp_options: Vec::new(),
                tags: Tags::default(),
                address_usage_metrics: false,
            });
            network.updated_at = ctx.now;
            let mut changes = Changes::new();
            changes.replace(catalog, network.clone());
            Ok(Outcome::new(NetworkView::from(&network), changes))
        }
        NewNeutronRange::V6 { cidr } => create_v6(catalog, caller, ctx, id, name, cidr),
    }
}

fn create_v6(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    id: SubnetId,
    name: Option<String>,
    cidr: Option<Ipv6Net>,
) -> Result<Outcome<NetworkView>, Error> {
    let Some(range) = crate::network(catalog, caller, id)?.range else {
        return Err(Error::invalid("network_id", format!("network {id} needs an IPv4 subnet before an IPv6 one")));
    };
    if let Some(has) = range.ipv6 {
        let reason = format!("network {id} has the IPv6 subnet {} already", has.cidr);
        return Err(Error::invalid("network_id", reason));
    }
    let mut changes = Changes::new();
    if let Some(subnet) = catalog.subnet(id) {
        let mut subnet = Subnet::clone(subnet);
        let range = new_range(catalog, ctx, cidr, (Kind::Subnet, id), &mut changes)?;
        subnet.neutron_names.v6 = name;
        subnet.updated_at = ctx.now;
        let warnings = turned_on(catalog, &mut subnet, range, &mut changes);
        changes.replace(catalog, subnet.clone());
        return Ok(Outcome::new(NetworkView::from(&subnet), changes).with_warnings(warnings));
    }
    let mut network = own_network(catalog, caller, id)?.clone();
    let made = new_range(catalog, ctx, cidr, (Kind::Network, id), &mut changes)?;
    network.range = Some(NetworkRange {
        ipv6: Some(made),
        neutron_names: NeutronNames { v6: name, ..range.neutron_names.clone() },
        ..range
    });
    network.updated_at = ctx.now;
    changes.replace(catalog, network.clone());
    Ok(Outcome::new(NetworkView::from(&network), changes))
}

/// Changes a Neutron subnet. Its range and gateway never change (rule NET-3).
///
/// # Errors
/// Fields not well formed; DNS servers or DHCP of an IPv6 range, which has none of its own.
pub fn update_neutron_subnet(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    neutron_subnet: Uuid,
    request: UpdateNeutronSubnet,
) -> Result<Outcome<NetworkView>, Error> {
    if let Some(name) = &request.name {
        validate_neutron_name(name)?;
    }
    if let Some(dns) = &request.dns {
        validate_dns(dns, ctx)?;
    }
    let id = crate::network_of(catalog, caller, neutron_subnet)?.id;
    change(catalog, caller, ctx, id, |place, dhcp_enable, dns| {
        if place.neutron_subnet_id == Some(neutron_subnet) {
            if let Some(name) = request.name {
                place.neutron_names.v4 = Some(name);
            }
            *dhcp_enable = request.dhcp_enable.unwrap_or(*dhcp_enable);
            if let Some(wanted) = request.dns {
                *dns = wanted;
            }
            return Ok(());
        }
        if request.dns.is_some_and(|dns| !dns.is_empty()) {
            return Err(Error::invalid("dns_nameservers", "the IPv4 subnet of the network has the DNS servers"));
        }
        if request.dhcp_enable.is_some_and(|enable| enable != *dhcp_enable) {
            return Err(Error::invalid("enable_dhcp", "DHCP is on or off for both subnets: change the IPv4 one"));
        }
        if let Some(name) = request.name {
            place.neutron_names.v6 = Some(name);
        }
        Ok(())
    })
}

/// Deletes a Neutron subnet of a network that is on no router.
///
/// # Errors
/// [`Error::NetworkAttached`]; [`Error::SubnetInUse`] for the IPv4 range while there is an IPv6 one.
pub fn delete_neutron_subnet(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    neutron_subnet: Uuid,
) -> Result<Outcome<()>, Error> {
    let id = crate::network_of(catalog, caller, neutron_subnet)?.id;
    let mut network = own_network(catalog, caller, id)?.clone();
    let mut changes = Changes::new();
    let range = network.range.take().ok_or_else(|| Error::not_found(Kind::Subnet, neutron_subnet.hyphenated()))?;
    match range.ipv6 {
        Some(ipv6) if ipv6.neutron_subnet_id == neutron_subnet => {
            changes.unclaim(&Claim::ipv6_prefix(ipv6.cidr));
            let neutron_names = NeutronNames { v6: None, ..range.neutron_names.clone() };
            network.range = Some(NetworkRange { ipv6: None, neutron_names, ..range });
        }
        Some(ipv6) => {
            // By the id that the call names, which is not the network's.
            return Err(Error::SubnetInUse { subnet: SubnetId::new(neutron_subnet), by: SubnetUse::Ipv6(ipv6.cidr) });
        }
        None => {}
    }
    network.updated_at = ctx.now;
    changes.replace(catalog, network);
    Ok(Outcome::new((), changes))
}

/// What can be changed of a network wherever it is.
struct Place<'a> {
    name: &'a mut String,
    neutron_subnet_id: Option<Uuid>,
    neutron_names: &'a mut NeutronNames,
}

/// Changes the record of a network: the subnet of a VPC, or its own.
fn change(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &Context<'_>,
    id: SubnetId,
    edit: impl FnOnce(Place<'_>, &mut bool, &mut Vec<Ipv4Addr>) -> Result<(), Error>,
) -> Result<Outcome<NetworkView>, Error> {
    let view = crate::network(catalog, caller, id)?;
    let mut changes = Changes::new();
    if let Some(subnet) = catalog.subnet(id) {
        let mut subnet = Subnet::clone(subnet);
        let place = Place {
            name: &mut subnet.name,
            neutron_subnet_id: Some(subnet.neutron_subnet_id),
            neutron_names: &mut subnet.neutron_names,
        };
        edit(place, &mut subnet.dhcp_enable, &mut subnet.dns)?;
        subnet.updated_at = ctx.now;
        changes.replace(catalog, subnet.clone());
        return Ok(Outcome::new(NetworkView::from(&subnet), changes));
    }
    let mut network = own_network(catalog, caller, view.id)?.clone();
    let (mut names, mut dhcp, mut dns) = (NeutronNames::default(), true, Vec::new());
    let range = network.range.as_mut();
    let neutron_subnet_id = range.as_ref().map(|range| range.neutron_subnet_id);
    let (neutron_names, dhcp_enable, servers) = match range {
        Some(range) => (&mut range.neutron_names, &mut range.dhcp_enable, &mut range.dns),
        None => (&mut names, &mut dhcp, &mut dns),
    };
    edit(Place { name: &mut network.name, neutron_subnet_id, neutron_names }, dhcp_enable, servers)?;
    network.updated_at = ctx.now;
    changes.replace(catalog, network.clone());
    Ok(Outcome::new(NetworkView::from(&network), changes))
}

/// The network that is on no router, if the caller may change it.
pub(crate) fn own_network<'a>(catalog: &'a Catalog, caller: &Caller, id: SubnetId) -> Result<&'a Network, Error> {
    if let Some(subnet) = catalog.subnet(id).filter(|subnet| caller.sees(catalog, subnet.project)) {
        return Err(Error::NetworkAttached { network: id, vpc: subnet.vpc });
    }
    catalog
        .network(id)
        .filter(|network| caller.sees(catalog, network.project))
        .map(AsRef::as_ref)
        .ok_or_else(|| Error::not_found(Kind::Network, id))
}

/// Subnets and networks count together: each network becomes a subnet.
///
/// # Errors
/// [`Error::QuotaExceeded`].
pub(crate) fn within_quota(catalog: &Catalog, ctx: &Context<'_>, project: ProjectId) -> Result<(), Error> {
    let used = catalog.subnets_of_project(project).count() + catalog.networks_of(project).count();
    let limit = ctx.limits.subnets;
    if used >= limit { Err(Error::QuotaExceeded { resource: Quota::Subnets, used, limit }) } else { Ok(()) }
}

/// Gives the claim on an IPv6 prefix to the record that has it now.
pub(crate) fn hand_over(catalog: &Catalog, ipv6: Option<Ipv6Range>, owner: (Kind, SubnetId), changes: &mut Changes) {
    if let Some(ipv6) = ipv6 {
        let owner = crate::changes::key(owner.0, owner.1);
        changes.replace(catalog, Claim { name: Claim::ipv6_prefix(ipv6.cidr), owner });
    }
}

fn validate_network_name(name: &str) -> Result<(), Error> {
    if name == RESERVED_NAME {
        return Err(Error::invalid("name", format!("`{RESERVED_NAME}` is reserved; choose another")));
    }
    validate_neutron_name(name)
}

fn validate_neutron_name(name: &str) -> Result<(), Error> {
    let length = name.chars().count();
    if length > 255 {
        return Err(NameError::Length { what: "name", length, min: 0, max: 255 }.into());
    }
    Ok(())
}
