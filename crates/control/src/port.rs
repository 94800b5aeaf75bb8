//! Ports: addresses of a subnet in use, by servers, virtual IPs or nobody yet (rules NET-4, CHK-1; api-vpc section 6).

use std::net::Ipv4Addr;

use catalog::Catalog;
use model::{
    AddressPair, CHECK_OFF_PAIR, Claim, Kind, LeaseTime, MAX_SERVICE_PORTS, Port, PortId, PortProfile, SecurityGroupId,
    ServerId, Subnet, SubnetId, VIP_OWNER, validate_description,
};

use crate::address::free_v4;
use crate::ipv6::{PortIpv6, port_address};
use crate::route::routes_to_port;
use crate::security_group::default_group;
use crate::subnet::own_subnet;
use crate::vip::{release, with_bindings};
use crate::{Caller, Changes, Context, Error, Outcome, Quota};

/// A port to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatePort {
    /// The subnet.
    pub subnet: SubnetId,
    /// At most 255 characters.
    pub name: String,
    /// IPv4 address; the lowest free one outside of CIDR reservations when left out.
    pub address: Option<Ipv4Addr>,
    /// IPv6 address (rule V6-1).
    pub ipv6: PortIpv6,
    /// Security groups in order (rule SG-3); the project's default group when left out.
    pub security_groups: Option<Vec<SecurityGroupId>>,
    /// Extra addresses; [`CHECK_OFF_PAIR`] among them turns the source/destination check off.
    pub allowed_address_pairs: Vec<AddressPair>,
    /// `""`, or `neutron:VIP_PORT` for a virtual IP.
    pub device_owner: String,
    /// The source/destination check; with `None` the address pairs decide.
    pub source_dest_check: Option<bool>,
    /// Security groups and the checks against forged addresses apply (rule CHK-8).
    pub port_security_enabled: bool,
    /// Ways past the rules (api-vpc section 6.3).
    pub profile: PortProfile,
    /// Lease time; the subnet's with `None`.
    pub lease: Option<LeaseTime>,
}

impl CreatePort {
    /// A port with everything as when left out.
    #[must_use]
    pub fn new(subnet: SubnetId) -> Self {
        Self {
            subnet,
            name: String::new(),
            address: None,
            ipv6: PortIpv6::AsSubnet,
            security_groups: None,
            allowed_address_pairs: Vec::new(),
            device_owner: String::new(),
            source_dest_check: None,
            port_security_enabled: true,
            profile: PortProfile::default(),
            lease: None,
        }
    }
}

/// What to change of a port; `None` leaves a field as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdatePort {
    /// New name.
    pub name: Option<String>,
    /// An IPv6 address for a port that has none, on a subnet that got IPv6 later; an address that it has stays.
    pub ipv6: PortIpv6,
    /// New security groups, in order.
    pub security_groups: Option<Vec<SecurityGroupId>>,
    /// New extra addresses; an empty list clears them.
    pub allowed_address_pairs: Option<Vec<AddressPair>>,
    /// The source/destination check (rule CHK-6).
    pub source_dest_check: Option<bool>,
    /// Security groups and the checks against forged addresses apply (rule CHK-8).
    pub port_security_enabled: Option<bool>,
    /// New service ports.
    pub services: Option<ServicePorts>,
    /// New lease time; `Some(None)` for the subnet's.
    pub lease: Option<Option<LeaseTime>>,
    /// New description of a supplementary interface.
    pub description: Option<String>,
}

/// The service ports of a `binding:profile` (rule SG-14).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServicePorts {
    /// TCP.
    pub tcp: Vec<u16>,
    /// UDP.
    pub udp: Vec<u16>,
}

/// Makes a port.
///
/// # Errors
/// An address that is not one of the subnet's, reserved or in use; no address left; an unknown security group or too
/// many; fields not well formed.
pub fn create_port(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    request: CreatePort,
) -> Result<Outcome<Port>, Error> {
    if !["", VIP_OWNER].contains(&request.device_owner.as_str()) {
        return Err(Error::invalid("device_owner", format!("only empty and {VIP_OWNER} can be given")));
    }
    let mut changes = Changes::new();
    let port = new_port(catalog, caller, ctx, request, None, &mut changes)?;
    changes.create(port.clone());
    Ok(Outcome::new(port, changes))
}

/// The record of a new port, with the locks and claims that it needs.
pub(crate) fn new_port(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    request: CreatePort,
    server: Option<ServerId>,
    changes: &mut Changes,
) -> Result<Port, Error> {
    let subnet = own_subnet(catalog, caller, request.subnet)?;
    validate_port_name(&request.name)?;
    let ipv4 = match request.address {
        Some(address) => given_address(catalog, subnet, address)?,
        None => free_v4(catalog, subnet, &[])?,
    };
    let virtual_ip = request.device_owner == VIP_OWNER;
    validate_profile(&request.profile)?;
    let special = !request.port_security_enabled || request.profile != PortProfile::default();
    if virtual_ip && (special || request.lease.is_some()) {
        return Err(not_of_a_virtual_ip());
    }
    let ipv6 = port_address(catalog, subnet, request.ipv6, virtual_ip)?;
    let security_groups = match request.security_groups {
        Some(groups) if !groups.is_empty() => {
            use_groups(catalog, ctx, subnet, virtual_ip, &groups, changes)?;
            groups
        }
        _ => {
            let group = default_group(catalog, ctx, subnet.project, changes)?;
            changes.share(Kind::SecurityGroup, group);
            vec![group]
        }
    };
    validate_pairs(&request.allowed_address_pairs, ctx)?;
    let (allowed_address_pairs, source_dest_check) = if virtual_ip {
        (Vec::new(), true)
    } else {
        with_check(request.allowed_address_pairs.clone(), request.source_dest_check)
    };
    let mac = ctx.mac(catalog, changes)?;
    let id = PortId::new(ctx.ids.uuid());
    // The subnet's addresses are given out one after the other.
    changes.lock(catalog, Kind::Subnet, subnet.id);
    changes.claim(Claim::mac(mac), Kind::Port, id);
    let port = Port {
        id,
        project: subnet.project,
        region: subnet.region.clone(),
        subnet: subnet.id,
        vpc: subnet.vpc,
        name: request.name,
        mac,
        ipv4,
        ipv6,
        security_groups,
        source_dest_check,
        allowed_address_pairs,
        server,
        device_owner: request.device_owner,
        holder: None,
        tags: model::Tags::default(),
        device_index: 0,
        port_security_enabled: request.port_security_enabled,
        profile: request.profile,
        lease: request.lease,
        description: String::new(),
        supplementary: None,
        created_at: ctx.now,
        updated_at: ctx.now,
    };
    if virtual_ip { with_bindings(catalog, &port, request.allowed_address_pairs, changes) } else { Ok(port) }
}

/// Changes a port. Its addresses never change; an IPv6 address can be added.
///
/// # Errors
/// An unknown security group, too many or none; fields not well formed.
pub fn update_port(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    id: PortId,
    request: UpdatePort,
) -> Result<Outcome<Port>, Error> {
    let mut port = own_port(catalog, caller, id)?.clone();
    let mut changes = Changes::new();
    if let Some(name) = request.name {
        validate_port_name(&name)?;
        port.name = name;
    }
    if request.ipv6 != PortIpv6::AsSubnet {
        add_ipv6(catalog, &mut port, request.ipv6, &mut changes)?;
    }
    if let Some(groups) = request.security_groups
        && groups != port.security_groups
    {
        if groups.is_empty() {
            return Err(Error::invalid("security_groups", "at least one security group is expected"));
        }
        let subnet = catalog.subnet(port.subnet).ok_or_else(|| Error::not_found(Kind::Subnet, port.subnet))?;
        use_groups(catalog, ctx, subnet, port.is_vip(), &groups, &mut changes)?;
        port.security_groups = groups;
    }
    if let Some(pairs) = &request.allowed_address_pairs {
        validate_pairs(pairs, ctx)?;
    }
    if port.is_vip() {
        // Its address pairs are its bindings; it sends nothing that could be checked.
        let pairs = request.allowed_address_pairs.unwrap_or_else(|| port.allowed_address_pairs.clone());
        port = with_bindings(catalog, &port, pairs, &mut changes)?;
    } else if request.allowed_address_pairs.is_some() || request.source_dest_check.is_some() {
        let pairs = request.allowed_address_pairs.unwrap_or_else(|| port.allowed_address_pairs.clone());
        (port.allowed_address_pairs, port.source_dest_check) = with_check(pairs, request.source_dest_check);
    }
    let special = request.port_security_enabled == Some(false) || request.services.is_some();
    if port.is_vip() && (special || request.lease.as_ref().is_some_and(Option::is_some)) {
        return Err(not_of_a_virtual_ip());
    }
    port.port_security_enabled = request.port_security_enabled.unwrap_or(port.port_security_enabled);
    if let Some(ServicePorts { tcp, udp }) = request.services {
        port.profile = PortProfile { tcp_service_ports: tcp, udp_service_ports: udp, ..port.profile };
        validate_profile(&port.profile)?;
    }
    port.lease = request.lease.unwrap_or(port.lease);
    if let Some(description) = request.description {
        validate_description(&description)?;
        port.description = description;
    }
    port.updated_at = ctx.now;
    changes.replace(catalog, port.clone());
    Ok(Outcome::new(port, changes))
}

/// Puts security groups among those of a port, at a place counted from 0 or at the end (api-vpc section 6.4).
///
/// # Errors
/// A group that the port has already; a place beyond the end; as [`update_port`].
pub fn insert_port_groups(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    id: PortId,
    groups: &[SecurityGroupId],
    index: Option<usize>,
) -> Result<Outcome<Port>, Error> {
    let mut all = own_port(catalog, caller, id)?.security_groups.clone();
    if let Some(known) = groups.iter().find(|group| all.contains(group)) {
        return Err(Error::invalid("security_groups", format!("the port has security group {known} already")));
    }
    let index = index.unwrap_or(all.len());
    if index > all.len() {
        let reason = format!("the port has {} security groups; 0 to {} is expected", all.len(), all.len());
        return Err(Error::invalid("index", reason));
    }
    all.splice(index..index, groups.iter().copied());
    update_port(catalog, caller, ctx, id, UpdatePort { security_groups: Some(all), ..UpdatePort::default() })
}

/// Takes security groups off a port, which must keep one (api-vpc section 6.4).
///
/// # Errors
/// A group that the port does not have; all of its groups; as [`update_port`].
pub fn remove_port_groups(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    id: PortId,
    groups: &[SecurityGroupId],
) -> Result<Outcome<Port>, Error> {
    let mut kept = own_port(catalog, caller, id)?.security_groups.clone();
    for group in groups {
        if !kept.contains(group) {
            return Err(Error::invalid("security_groups", format!("the port does not have security group {group}")));
        }
        kept.retain(|kept| kept != group);
    }
    if kept.is_empty() {
        return Err(Error::invalid("security_groups", "a port keeps at least one security group"));
    }
    update_port(catalog, caller, ctx, id, UpdatePort { security_groups: Some(kept), ..UpdatePort::default() })
}

/// Gives a port its IPv6 address. Asking again for the one it has is no change; another is refused.
fn add_ipv6(catalog: &Catalog, port: &mut Port, wanted: PortIpv6, changes: &mut Changes) -> Result<(), Error> {
    match (port.ipv6, wanted) {
        (Some(has), PortIpv6::Address(address)) if has != address => {
            return Err(Error::invalid(
                "fixed_ips",
                format!("the port has the address {has}, which cannot be changed"),
            ));
        }
        (Some(_), _) => return Ok(()),
        (None, _) => {}
    }
    let subnet = catalog.subnet(port.subnet).ok_or_else(|| Error::not_found(Kind::Subnet, port.subnet))?;
    port.ipv6 = port_address(catalog, subnet, wanted, false)?;
    // The subnet's addresses are given out one after the other.
    changes.lock(catalog, Kind::Subnet, subnet.id);
    Ok(())
}

/// Deletes a port that no server holds.
///
/// # Errors
/// [`Error::PortInUse`]; [`Error::PortCarries`]; [`Error::NextHopInUse`] while a route names it or its virtual IP (rule
/// NH-9); a supplementary interface, which has a deletion of its own.
pub fn delete_port(
    catalog: &Catalog,
    caller: &Caller,
    _ctx: &mut Context<'_>,
    id: PortId,
) -> Result<Outcome<()>, Error> {
    let port = own_port(catalog, caller, id)?;
    if port.is_supplementary() {
        return Err(Error::invalid(
            "port_id",
            format!("port {id} is a supplementary network interface; delete it as such (sub-network-interfaces)"),
        ));
    }
    if let Some(server) = port.server {
        return Err(Error::PortInUse { port: id, server });
    }
    let carried: Vec<PortId> = catalog.supplementary_ports_of(id).map(|port| port.id).collect();
    if !carried.is_empty() {
        return Err(Error::PortCarries { port: id, interfaces: carried });
    }
    let mut changes = Changes::new();
    // Nothing may be attached to it meanwhile.
    changes.lock(catalog, Kind::Port, id);
    remove_port(catalog, port, &mut changes)?;
    Ok(Outcome::new((), changes))
}

/// Removes a port that no route names.
pub(crate) fn remove_port(catalog: &Catalog, port: &Port, changes: &mut Changes) -> Result<(), Error> {
    let mut routes: Vec<_> = routes_to_port(catalog, port.id).collect();
    if port.is_vip() {
        let vips = port.addresses().flat_map(|address| catalog.routes_to_vip(port.vpc, address));
        routes.extend(vips.map(|route| route.destination));
    }
    if !routes.is_empty() {
        return Err(Error::NextHopInUse { kind: Kind::Port, id: port.id.to_string(), routes });
    }
    release(catalog, port, changes);
    changes.unclaim(&Claim::mac(port.mac));
    changes.delete(catalog, Kind::Port, port.id);
    Ok(())
}

/// The port, if the caller may change it.
pub(crate) fn own_port<'a>(catalog: &'a Catalog, caller: &Caller, id: PortId) -> Result<&'a Port, Error> {
    catalog
        .port(id)
        .filter(|port| caller.sees(catalog, port.project))
        .map(AsRef::as_ref)
        .ok_or_else(|| Error::not_found(Kind::Port, id))
}

fn given_address(catalog: &Catalog, subnet: &Subnet, address: Ipv4Addr) -> Result<Ipv4Addr, Error> {
    let reason = if !subnet.cidr.contains(&address) {
        "it is outside of the subnet"
    } else if subnet.reserved().contains(&address) {
        "it is reserved"
    } else {
        return match catalog.port_at(subnet.id, address) {
            Some(port) => Err(Error::AddressInUse { address: address.into(), port: port.id }),
            None => Ok(address),
        };
    };
    Err(Error::InvalidAddress { address: address.into(), cidr: subnet.cidr.into(), reason })
}

/// Checks the groups of a port and locks them, shared.
fn use_groups(
    catalog: &Catalog,
    ctx: &Context<'_>,
    subnet: &Subnet,
    virtual_ip: bool,
    groups: &[SecurityGroupId],
    changes: &mut Changes,
) -> Result<(), Error> {
    let limit = ctx.limits.groups_per_port;
    if groups.len() > limit {
        return Err(Error::QuotaExceeded { resource: Quota::GroupsOfPort, used: groups.len(), limit });
    }
    for (position, id) in groups.iter().enumerate() {
        if groups[..position].contains(id) {
            return Err(Error::invalid("security_groups", format!("{id} is given twice")));
        }
        let group = catalog.security_group(*id).filter(|group| group.project == subnet.project);
        let group = group.ok_or_else(|| Error::not_found(Kind::SecurityGroup, id))?;
        if virtual_ip && !group.default {
            return Err(Error::invalid("security_groups", "a virtual IP keeps the default security group"));
        }
        changes.share(Kind::SecurityGroup, id);
    }
    Ok(())
}

/// Brings the pairs and the source/destination check together: it is off exactly when [`CHECK_OFF_PAIR`] is there.
fn with_check(mut pairs: Vec<AddressPair>, check: Option<bool>) -> (Vec<AddressPair>, bool) {
    let off = pairs.iter().any(AddressPair::turns_check_off);
    match check {
        Some(true) => pairs.retain(|pair| !pair.turns_check_off()),
        Some(false) if !off => {
            pairs.push(AddressPair::of(CHECK_OFF_PAIR));
        }
        _ => {}
    }
    (pairs, check.unwrap_or(!off))
}

fn validate_pairs(pairs: &[AddressPair], ctx: &Context<'_>) -> Result<(), Error> {
    let most = ctx.limits.address_pairs_per_port;
    // The one that turns the check off comes by itself when a virtual IP is bound.
    if pairs.iter().filter(|pair| !pair.turns_check_off()).count() > most {
        return Err(Error::invalid("allowed_address_pairs", format!("at most {most} address pairs are allowed")));
    }
    for pair in pairs {
        let range = pair.range().filter(|range| range.prefix_len() > 0 && !range.addr().is_unspecified());
        if range.is_none() && !pair.turns_check_off() {
            let text: String = pair.ip_address.chars().take(64).collect();
            let reason = format!("`{text}`: an address or a range is expected; {CHECK_OFF_PAIR} turns the check off");
            return Err(Error::invalid("allowed_address_pairs", reason));
        }
    }
    Ok(())
}

/// The limits of api-vpc section 6.3.
fn validate_profile(profile: &PortProfile) -> Result<(), Error> {
    let ports = || profile.tcp_service_ports.iter().chain(&profile.udp_service_ports);
    if ports().any(|port| *port == 0) {
        return Err(Error::invalid("binding:profile", "service ports are 1 to 65535"));
    }
    let count = ports().count();
    if count > MAX_SERVICE_PORTS {
        let reason = format!("{count} service ports; at most {MAX_SERVICE_PORTS} are allowed, TCP and UDP together");
        return Err(Error::invalid("binding:profile", reason));
    }
    Ok(())
}

fn not_of_a_virtual_ip() -> Error {
    Error::NotSupported(
        "a virtual IP has no interface: port_security_enabled, binding:profile and extra_dhcp_opts can be set on the \
         ports that it is bound to"
            .to_owned(),
    )
}

fn validate_port_name(name: &str) -> Result<(), Error> {
    let length = name.chars().count();
    if length > 255 {
        return Err(model::NameError::Length { what: "name", length, min: 0, max: 255 }.into());
    }
    Ok(())
}
