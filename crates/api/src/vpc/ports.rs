//! Ports, v1 and v2.0 (api-vpc §6).

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State as AxumState};
use axum::http::StatusCode;
use axum::response::Response;
use catalog::Catalog;
use control::{Caller, CreatePort, PortIpv6, UpdatePort};
use model::{AddressPair, Kind, Port, PortId, SecurityGroupId, SubnetId, VpcId};

use crate::auth::Identity;
use crate::error::Problem;
use crate::extract::{Json as Body, id, ip, path_id, required};
use crate::frame::Frame;
use crate::query::{Query, v1_page, v2_page};
use crate::state::{Done, State};
use crate::wire::{
    AddressPairV1, FixedIp, PortBody, PortFields, PortListBody, PortListV2, PortObject, PortRequest, ROUTER_INTERFACE,
    changed_profile, lease, new_profile, port_status, subnet_of_interface,
};

/// List ports.
#[utoipa::path(get, path = "/v1/{project_id}/ports", tag = "Ports", operation_id = "listPorts",
    params(("id" = Option<String>, Query), ("name" = Option<String>, Query), ("network_id" = Option<String>, Query),
        ("mac_address" = Option<String>, Query), ("device_id" = Option<String>, Query),
        ("device_owner" = Option<String>, Query), ("status" = Option<String>, Query),
        ("security_groups" = Option<String>, Query), ("fixed_ips" = Option<String>, Query),
        ("enterprise_project_id" = Option<String>, Query)),
    responses((status = 200, body = PortListBody)))]
pub(crate) async fn list(
    AxumState(state): AxumState<State>,
    identity: Identity,
    query: Query,
) -> Result<Json<PortListBody>, Problem> {
    let catalog = state.catalog();
    let ports = v1_page(&query, filtered(&catalog, &identity, &query)?, |port| port.id.to_string())?;
    Ok(Json(PortListBody { ports: ports.iter().map(|port| PortObject::v1(&catalog, port)).collect() }))
}

/// Create a port.
#[utoipa::path(post, path = "/v1/{project_id}/ports", tag = "Ports", operation_id = "createPort",
    request_body = PortRequest, responses((status = 200, body = PortBody)))]
pub(crate) async fn create(
    AxumState(state): AxumState<State>,
    identity: Identity,
    Body(request): Body<PortRequest>,
) -> Result<Response, Problem> {
    let done = add(&state, &identity, request.port).await?;
    Ok(done.reply(StatusCode::OK, |port, catalog| PortBody { port: PortObject::v1(catalog, port) }))
}

/// Show a port.
#[utoipa::path(get, path = "/v1/{project_id}/ports/{port_id}", tag = "Ports", operation_id = "showPort",
    responses((status = 200, body = PortBody)))]
pub(crate) async fn show(
    AxumState(state): AxumState<State>,
    Path((_, port)): Path<(String, String)>,
    identity: Identity,
    frame: Frame,
) -> Result<Json<PortBody>, Problem> {
    let catalog = state.catalog();
    let port = control::port(&catalog, &identity.project_caller()?, path_id(&frame, Kind::Port, &port)?)?;
    Ok(Json(PortBody { port: PortObject::v1(&catalog, &port) }))
}

/// Change a port's name, security groups or extra addresses; `null` leaves a field as it is.
#[utoipa::path(put, path = "/v1/{project_id}/ports/{port_id}", tag = "Ports", operation_id = "updatePort",
    request_body = PortRequest, responses((status = 200, body = PortBody)))]
pub(crate) async fn update(
    AxumState(state): AxumState<State>,
    Path((_, port)): Path<(String, String)>,
    identity: Identity,
    frame: Frame,
    Body(request): Body<PortRequest>,
) -> Result<Response, Problem> {
    let done = change(&state, &identity, path_id(&frame, Kind::Port, &port)?, request.port).await?;
    Ok(done.reply(StatusCode::OK, |port, catalog| PortBody { port: PortObject::v1(catalog, port) }))
}

/// Delete a port that is attached to nothing.
#[utoipa::path(delete, path = "/v1/{project_id}/ports/{port_id}", tag = "Ports", operation_id = "deletePort",
    responses((status = 204)))]
pub(crate) async fn delete(
    AxumState(state): AxumState<State>,
    Path((_, port)): Path<(String, String)>,
    identity: Identity,
    frame: Frame,
) -> Result<Response, Problem> {
    remove(&state, &identity, path_id(&frame, Kind::Port, &port)?).await
}

/// List ports.
#[utoipa::path(get, path = "/v2.0/ports", tag = "Ports", operation_id = "listPortsV2",
    params(("id" = Option<String>, Query), ("name" = Option<String>, Query), ("network_id" = Option<String>, Query),
        ("mac_address" = Option<String>, Query), ("device_id" = Option<String>, Query),
        ("device_owner" = Option<String>, Query), ("status" = Option<String>, Query),
        ("security_groups" = Option<String>, Query), ("fixed_ips" = Option<String>, Query),
        ("tenant_id" = Option<String>, Query)),
    responses((status = 200, body = PortListV2)))]
pub(crate) async fn list_v2(
    AxumState(state): AxumState<State>,
    identity: Identity,
    frame: Frame,
    query: Query,
) -> Result<Json<PortListV2>, Problem> {
    let catalog = state.catalog();
    if asks_for_router_interfaces(&catalog, &query) {
        let ports = router_interfaces(&catalog, &identity.project_caller()?, &query);
        let (ports, ports_links) = v2_page(&query, &frame.url(), ports, |port| port.id.clone())?;
        return Ok(Json(PortListV2 { ports, ports_links }));
    }
    let ports = filtered(&catalog, &identity, &query)?;
    let (ports, ports_links) = v2_page(&query, &frame.url(), ports, |port| port.id.to_string())?;
    Ok(Json(PortListV2 { ports: ports.iter().map(|port| PortObject::v2(&catalog, port)).collect(), ports_links }))
}

/// Create a port.
#[utoipa::path(post, path = "/v2.0/ports", tag = "Ports", operation_id = "createPortV2",
    request_body = PortRequest, responses((status = 201, body = PortBody)))]
pub(crate) async fn create_v2(
    AxumState(state): AxumState<State>,
    identity: Identity,
    Body(request): Body<PortRequest>,
) -> Result<Response, Problem> {
    let done = add(&state, &identity, request.port).await?;
    Ok(done.reply(StatusCode::CREATED, |port, catalog| PortBody { port: PortObject::v2(catalog, port) }))
}

/// Show a port.
#[utoipa::path(get, path = "/v2.0/ports/{port_id}", tag = "Ports", operation_id = "showPortV2",
    responses((status = 200, body = PortBody)))]
pub(crate) async fn show_v2(
    AxumState(state): AxumState<State>,
    Path(port): Path<String>,
    identity: Identity,
    frame: Frame,
) -> Result<Json<PortBody>, Problem> {
    let catalog = state.catalog();
    let (id, caller) = (path_id::<PortId>(&frame, Kind::Port, &port)?, identity.project_caller()?);
    if let Ok(subnet) = control::subnet(&catalog, &caller, subnet_of_interface(id.uuid())) {
        return Ok(Json(PortBody { port: PortObject::router_interface(&subnet) }));
    }
    let port = control::port(&catalog, &caller, id)?;
    Ok(Json(PortBody { port: PortObject::v2(&catalog, &port) }))
}

/// Gateways are nobody's ports: they are listed for who asks for them by their owner, or for what is on a router.
fn asks_for_router_interfaces(catalog: &Catalog, query: &Query) -> bool {
    let of_router = || {
        let device = query.one("device_id").and_then(|device| device.parse().ok());
        device.is_some_and(|vpc: VpcId| catalog.vpc(vpc).is_some())
    };
    query.one("device_owner").map_or_else(of_router, |owner| owner == ROUTER_INTERFACE)
}

/// The gateways of the caller's subnets that pass the query's filters, by id.
fn router_interfaces(catalog: &Catalog, caller: &Caller, query: &Query) -> Vec<PortObject> {
    let mut ports: Vec<PortObject> = control::subnets(catalog, caller)
        .iter()
        .filter(|subnet| query.is("network_id", subnet.id))
        .filter(|subnet| query.is("device_id", subnet.vpc))
        .filter(|subnet| query.is("tenant_id", subnet.project))
        .map(|subnet| PortObject::router_interface(subnet))
        .filter(|port| query.any("id", &port.id) && port.passes(query))
        .collect();
    ports.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    ports
}

/// Change a port's name, security groups, extra addresses, lease, profile or port security.
#[utoipa::path(put, path = "/v2.0/ports/{port_id}", tag = "Ports", operation_id = "updatePortV2",
    request_body = PortRequest, responses((status = 200, body = PortBody)))]
pub(crate) async fn update_v2(
    AxumState(state): AxumState<State>,
    Path(port): Path<String>,
    identity: Identity,
    frame: Frame,
    Body(request): Body<PortRequest>,
) -> Result<Response, Problem> {
    let port = path_id(&frame, Kind::Port, &port)?;
    if request.port.is_empty() {
        return Err(Problem::invalid("port: at least one field is expected"));
    }
    let done = change(&state, &identity, port, request.port).await?;
    Ok(done.reply(StatusCode::OK, |port, catalog| PortBody { port: PortObject::v2(catalog, port) }))
}

/// Delete a port that is attached to nothing.
#[utoipa::path(delete, path = "/v2.0/ports/{port_id}", tag = "Ports", operation_id = "deletePortV2",
    responses((status = 204)))]
pub(crate) async fn delete_v2(
    AxumState(state): AxumState<State>,
    Path(port): Path<String>,
    identity: Identity,
    frame: Frame,
) -> Result<Response, Problem> {
    remove(&state, &identity, path_id(&frame, Kind::Port, &port)?).await
}

fn filtered(catalog: &Catalog, identity: &Identity, query: &Query) -> Result<Vec<Arc<Port>>, Problem> {
    let ports = control::ports(catalog, &identity.project_caller()?).into_iter().filter(|port| {
        let device = port.server.map(|server| server.to_string()).unwrap_or_default();
        let groups: Vec<String> = port.security_groups.iter().map(ToString::to_string).collect();
        query.any("id", port.id)
            && query.is("name", &port.name)
            && query.is("network_id", port.subnet)
            && query.is("mac_address", port.mac)
            && query.is("device_id", &device)
            && query.is("device_owner", &port.device_owner)
            && query.flag("admin_state_up", true)
            && query.flag("enable_efi", false)
            && query.is("tenant_id", port.project)
            && query.is("status", port_status(catalog, port))
            && query.any_holds("security_groups", |wanted| groups.iter().any(|group| group == wanted))
            && has_addresses(catalog, port, query)
            // A port is in its VPC's enterprise project.
            && catalog.vpc(port.vpc).is_none_or(|vpc| query.any_enterprise(&vpc.enterprise_project_id))
    });
    Ok(ports.collect())
}

/// `fixed_ips=ip_address=10.0.0.5&fixed_ips=subnet_id=…`: one of the addresses and one of the subnets (api-vpc §0.5).
fn has_addresses(catalog: &Catalog, port: &Port, query: &Query) -> bool {
    let subnet = catalog.subnet(port.subnet);
    query.each_key_holds("fixed_ips", |wanted| match wanted.split_once('=') {
        Some(("ip_address", address)) => {
            port.ipv4.to_string() == address || port.ipv6.is_some_and(|v6| v6.to_string() == address)
        }
        Some(("subnet_id", id)) => subnet.is_some_and(|subnet| {
            let v6 = subnet.ipv6.map(|v6| v6.neutron_subnet_id);
            subnet.id.to_string() == id
                || [Some(subnet.neutron_subnet_id), v6].into_iter().flatten().any(|n| n.to_string() == id)
        }),
        _ => false,
    })
}

async fn add(state: &State, identity: &Identity, fields: PortFields) -> Result<Done<Port>, Problem> {
    only_what_is_kept(&fields)?;
    let project = identity.project()?.id.to_string();
    if fields.tenant_id.as_ref().is_some_and(|tenant| !tenant.is_empty() && *tenant != project) {
        let message = format!("port.tenant_id can only be the project of the request, {project}; leave it out");
        return Err(Problem::invalid(message));
    }
    let network = required(fields.network_id, "port.network_id")?;
    let subnet: SubnetId = id(&network, "port.network_id")?;
    let (address, ipv6) = addresses(&state.catalog(), subnet, fields.fixed_ips.as_deref().unwrap_or_default())?;
    let request = CreatePort {
        name: fields.name.unwrap_or_default(),
        address,
        ipv6,
        security_groups: groups(fields.security_groups)?,
        allowed_address_pairs: pairs(fields.allowed_address_pairs.unwrap_or_default())?,
        device_owner: fields.device_owner.unwrap_or_default(),
        port_security_enabled: fields.port_security_enabled.unwrap_or(true),
        profile: fields.profile.as_ref().map(new_profile).transpose()?.unwrap_or_default(),
        lease: lease(fields.extra_dhcp_opts)?.flatten(),
        ..CreatePort::new(subnet)
    };
    state
        .commit(&identity.project_caller()?, move |catalog, caller, ctx| {
            control::create_port(catalog, caller, ctx, request.clone())
        })
        .await
}

async fn change(state: &State, identity: &Identity, port: PortId, fields: PortFields) -> Result<Done<Port>, Problem> {
    only_what_is_kept(&fields)?;
    let services = match &fields.profile {
        Some(profile) => {
            let now = control::port(&state.catalog(), &identity.project_caller()?, port)?;
            Some(changed_profile(&now, profile)?)
        }
        None => None,
    };
    let ipv6 = match fields.fixed_ips.as_deref() {
        Some(fixed_ips) if !fixed_ips.is_empty() => {
            let catalog = state.catalog();
            let port = control::port(&catalog, &identity.project_caller()?, port)?;
            let (address, ipv6) = addresses(&catalog, port.subnet, fixed_ips)?;
            if address.is_some_and(|address| address != port.ipv4) {
                return Err(Problem::invalid("port.fixed_ips: the IPv4 address of a port cannot be changed"));
            }
            ipv6
        }
        _ => PortIpv6::AsSubnet,
    };
    let request = UpdatePort {
        name: fields.name,
        ipv6,
        security_groups: groups(fields.security_groups)?,
        allowed_address_pairs: fields.allowed_address_pairs.map(pairs).transpose()?,
        port_security_enabled: fields.port_security_enabled,
        services,
        lease: lease(fields.extra_dhcp_opts)?,
        ..UpdatePort::default()
    };
    state
        .commit(&identity.project_caller()?, move |catalog, caller, ctx| {
            control::update_port(catalog, caller, ctx, port, request.clone())
        })
        .await
}

async fn remove(state: &State, identity: &Identity, port: PortId) -> Result<Response, Problem> {
    let caller = identity.project_caller()?;
    let done =
        state.commit(&caller, move |catalog, caller, ctx| control::delete_port(catalog, caller, ctx, port)).await?;
    Ok(done.gone())
}

/// Refuses what would be accepted elsewhere and have no effect here (api-vpc §6.1, §6.3).
fn only_what_is_kept(fields: &PortFields) -> Result<(), Problem> {
    let refused = |text: &str| Err(control::Error::NotSupported(text.to_owned()).into());
    if fields.admin_state_up == Some(false) {
        return refused("port.admin_state_up can only be true");
    }
    if fields.vnic_type.as_deref().is_some_and(|kind| !["", "normal"].contains(&kind)) {
        return refused("port.binding:vnic_type can only be normal");
    }
    Ok(())
}

/// The addresses that are asked for, at most one of each family. A `subnet_id` beside an address must be this subnet, by
/// its network id or by the Neutron id of the address's family; alone, the Neutron id of the IPv6 range asks for any
/// IPv6 address.
fn addresses(
    catalog: &Catalog,
    subnet: SubnetId,
    fixed_ips: &[FixedIp],
) -> Result<(Option<Ipv4Addr>, PortIpv6), Problem> {
    let known = catalog.subnet(subnet);
    let neutron_v4 = known.map(|subnet| subnet.neutron_subnet_id.hyphenated().to_string());
    let neutron_v6 = known.and_then(|subnet| subnet.ipv6).map(|v6| v6.neutron_subnet_id.hyphenated().to_string());
    let (mut ipv4, mut ipv6) = (Vec::new(), Vec::new());
    for fixed_ip in fixed_ips {
        let given = fixed_ip.subnet_id.as_deref().filter(|given| !given.is_empty());
        let text = fixed_ip.ip_address.as_deref().filter(|text| !text.is_empty());
        let address = text.map(|text| ip(text, "port.fixed_ips.ip_address")).transpose()?;
        let by_network = given == Some(subnet.to_string().as_str());
        let of_v6 = given.is_some() && given == neutron_v6.as_deref();
        let of_v4 = given.is_some() && given == neutron_v4.as_deref();
        // A subnet that does not exist is refused by the use case.
        let here = given.is_none() || by_network || known.is_none();
        match address {
            Some(IpAddr::V4(address)) if here || of_v4 => ipv4.push(Some(address)),
            Some(IpAddr::V6(address)) if here || of_v6 => ipv6.push(PortIpv6::Address(address)),
            None if of_v6 => ipv6.push(PortIpv6::Automatic),
            None if here || of_v4 => ipv4.push(None),
            _ => return Err(Problem::invalid("port.fixed_ips.subnet_id is not the subnet of port.network_id")),
        }
    }
    if ipv4.len() > 1 || ipv6.len() > 1 {
        return Err(Problem::invalid("port.fixed_ips: a port has one IPv4 address and at most one IPv6 address"));
    }
    Ok((ipv4.pop().flatten(), ipv6.pop().unwrap_or_default()))
}

pub(super) fn groups(texts: Option<Vec<String>>) -> Result<Option<Vec<SecurityGroupId>>, Problem> {
    texts.map(|texts| texts.iter().map(|text| id(text, "port.security_groups")).collect()).transpose()
}

pub(super) fn pairs(pairs: Vec<AddressPairV1>) -> Result<Vec<AddressPair>, Problem> {
    pairs
        .into_iter()
        .map(|pair| {
            let mac = pair.mac_address.filter(|mac| !mac.is_empty()).map(|mac| mac.parse()).transpose();
            Ok(AddressPair {
                ip_address: required(pair.ip_address, "port.allowed_address_pairs.ip_address")?,
                mac_address: mac.map_err(|error| Problem::invalid(format!("port.allowed_address_pairs: {error}")))?,
            })
        })
        .collect()
}
