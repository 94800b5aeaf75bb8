//! Neutron subnets, v2.0 (api-vpc §5.6): the IPv4 and IPv6 ranges of networks.

use std::net::Ipv4Addr;

use axum::Json;
use axum::extract::{Path, State as AxumState};
use axum::http::StatusCode;
use axum::response::Response;
use control::{CreateNeutronSubnet, NetworkView, NeutronSubnet, NewNeutronRange, UpdateNeutronSubnet};
use ipnet::Ipv4Net;
use model::{Kind, Span, gaps, gateway_v6, reserved_spans};
use uuid::Uuid;

use crate::auth::Identity;
use crate::error::Problem;
use crate::extract::{Json as Body, cidr, cidr_v6, id, ipv4, required, supported, unavailable};
use crate::frame::Frame;
use crate::query::{Query, v2_page};
use crate::state::State;
use crate::wire::{
    AllocationPool, IPV6_MODE, NeutronSubnetBody, NeutronSubnetFields, NeutronSubnetListV2, NeutronSubnetRequest,
    NeutronSubnetV2,
};

/// List Neutron subnets.
#[utoipa::path(get, path = "/v2.0/subnets", tag = "Networks", operation_id = "listNeutronSubnets",
    params(("id" = Option<String>, Query), ("name" = Option<String>, Query), ("cidr" = Option<String>, Query),
        ("network_id" = Option<String>, Query), ("ip_version" = Option<String>, Query),
        ("gateway_ip" = Option<String>, Query), ("enable_dhcp" = Option<String>, Query),
        ("tenant_id" = Option<String>, Query), ("project_id" = Option<String>, Query)),
    responses((status = 200, body = NeutronSubnetListV2)))]
pub(crate) async fn list(
    AxumState(state): AxumState<State>,
    identity: Identity,
    frame: Frame,
    query: Query,
) -> Result<Json<NeutronSubnetListV2>, Problem> {
    let networks: Vec<NetworkView> = control::networks(&state.catalog(), &identity.project_caller()?)
        .into_iter()
        .filter(|network| query.is("network_id", network.id))
        .filter(|network| query.is("tenant_id", network.project))
        .filter(|network| query.is("project_id", network.project))
        .filter(|network| query.flag("enable_dhcp", network.range.as_ref().is_some_and(|range| range.dhcp_enable)))
        .collect();
    let mut subnets: Vec<(NeutronSubnet, &NetworkView)> = networks
        .iter()
        .flat_map(|network| network.subnets().into_iter().map(move |subnet| (subnet, network)))
        .filter(|(subnet, _)| query.is("id", subnet.id.hyphenated()) && query.is("name", &subnet.name))
        .filter(|(subnet, _)| query.is("cidr", subnet.cidr))
        .filter(|(subnet, _)| query.is("gateway_ip", subnet.gateway))
        .filter(|(subnet, _)| query.is("ip_version", if subnet.cidr.addr().is_ipv6() { "6" } else { "4" }))
        .collect();
    subnets.sort_unstable_by_key(|(subnet, _)| subnet.id);
    let (subnets, subnets_links) =
        v2_page(&query, &frame.url(), subnets, |(subnet, _)| subnet.id.hyphenated().to_string())?;
    let subnets = subnets.iter().map(|(subnet, network)| NeutronSubnetV2::new(network, subnet)).collect();
    Ok(Json(NeutronSubnetListV2 { subnets, subnets_links }))
}

/// Create a Neutron subnet: the IPv4 range of a network that has none, or an IPv6 range beside it.
#[utoipa::path(post, path = "/v2.0/subnets", tag = "Networks", operation_id = "createNeutronSubnet",
    request_body = NeutronSubnetRequest, responses((status = 201, body = NeutronSubnetBody)))]
pub(crate) async fn create(
    AxumState(state): AxumState<State>,
    identity: Identity,
    Body(request): Body<NeutronSubnetRequest>,
) -> Result<Response, Problem> {
    let request = new_subnet(request.subnet)?;
    let ipv6 = matches!(request.range, NewNeutronRange::V6 { .. });
    let done = state
        .commit(&identity.project_caller()?, move |catalog, caller, ctx| {
            control::create_neutron_subnet(catalog, caller, ctx, request.clone())
        })
        .await?;
    let made = done.value.subnets().into_iter().find(|subnet| subnet.cidr.addr().is_ipv6() == ipv6);
    let made = made.ok_or_else(|| Problem::internal("the new Neutron subnet is not on its network"))?;
    let body = |network: &NetworkView| NeutronSubnetBody { subnet: NeutronSubnetV2::new(network, &made) };
    Ok(done.reply(StatusCode::CREATED, |network, _| body(network)))
}

/// Show a Neutron subnet.
#[utoipa::path(get, path = "/v2.0/subnets/{subnet_id}", tag = "Networks", operation_id = "showNeutronSubnet",
    responses((status = 200, body = NeutronSubnetBody)))]
pub(crate) async fn show(
    AxumState(state): AxumState<State>,
    Path(subnet): Path<String>,
    identity: Identity,
) -> Result<Json<NeutronSubnetBody>, Problem> {
    let id = neutron_id(&subnet)?;
    let network = control::network_of(&state.catalog(), &identity.project_caller()?, id)?;
    Ok(Json(NeutronSubnetBody { subnet: NeutronSubnetV2::new(&network, &of(&network, id)?) }))
}

/// Change a Neutron subnet's name, DNS servers or DHCP.
#[utoipa::path(put, path = "/v2.0/subnets/{subnet_id}", tag = "Networks", operation_id = "updateNeutronSubnet",
    request_body = NeutronSubnetRequest, responses((status = 200, body = NeutronSubnetBody)))]
pub(crate) async fn update(
    AxumState(state): AxumState<State>,
    Path(subnet): Path<String>,
    identity: Identity,
    Body(request): Body<NeutronSubnetRequest>,
) -> Result<Response, Problem> {
    let id = neutron_id(&subnet)?;
    let caller = identity.project_caller()?;
    let network = control::network_of(&state.catalog(), &caller, id)?;
    let request = changed_subnet(request.subnet, &network, &of(&network, id)?)?;
    let done = state
        .commit(&caller, move |catalog, caller, ctx| {
            control::update_neutron_subnet(catalog, caller, ctx, id, request.clone())
        })
        .await?;
    let changed = of(&done.value, id)?;
    Ok(done.reply(StatusCode::OK, |network, _| NeutronSubnetBody { subnet: NeutronSubnetV2::new(network, &changed) }))
}

/// Delete a Neutron subnet of a network that is on no router.
#[utoipa::path(delete, path = "/v2.0/subnets/{subnet_id}", tag = "Networks", operation_id = "deleteNeutronSubnet",
    responses((status = 204)))]
pub(crate) async fn delete(
    AxumState(state): AxumState<State>,
    Path(subnet): Path<String>,
    identity: Identity,
) -> Result<Response, Problem> {
    let id = neutron_id(&subnet)?;
    let done = state
        .commit(&identity.project_caller()?, move |catalog, caller, ctx| {
            control::delete_neutron_subnet(catalog, caller, ctx, id)
        })
        .await?;
    Ok(done.gone())
}

/// The id of a Neutron subnet in a path. One that is none names no subnet.
pub(super) fn neutron_id(text: &str) -> Result<Uuid, Problem> {
    // The form of every other id of the API.
    match text.parse::<model::SubnetId>() {
        Ok(id) => Ok(id.uuid()),
        Err(error) => Err(control::Error::NotFound { kind: Kind::Subnet, id: error.text }.into()),
    }
}

fn of(network: &NetworkView, id: Uuid) -> Result<NeutronSubnet, Problem> {
    let found = network.subnets().into_iter().find(|subnet| subnet.id == id);
    let missing = || control::Error::NotFound { kind: Kind::Subnet, id: id.hyphenated().to_string() };
    found.ok_or_else(|| missing().into())
}

fn new_subnet(fields: NeutronSubnetFields) -> Result<CreateNeutronSubnet, Problem> {
    unavailable(fields.host_routes.as_ref(), "subnet.host_routes")?;
    supported(fields.enable_dhcp != Some(false), "subnet.enable_dhcp can only be true when the subnet is made")?;
    let network = required(fields.network_id, "subnet.network_id")?;
    let dns = dns(fields.dns_nameservers)?.unwrap_or_default();
    let text = fields.cidr.filter(|text| !text.is_empty());
    let gateway = fields.gateway_ip.filter(|text| !text.is_empty());
    let modes = [fields.ipv6_address_mode, fields.ipv6_ra_mode];
    let mut modes = modes.iter().flatten().filter(|mode| !mode.is_empty());
    let range = match fields.ip_version.map_or(4, |version| version.0) {
        4 => {
            supported(modes.next().is_none(), "subnet.ipv6_address_mode and ipv6_ra_mode are for IPv6 subnets")?;
            let cidr = cidr(&required(text, "subnet.cidr")?)?;
            let gateway = gateway.map(|text| ipv4(&text, "subnet.gateway_ip")).transpose()?;
            only_these_pools(fields.allocation_pools.as_ref(), &pools(cidr, gateway))?;
            NewNeutronRange::V4 { cidr, gateway, dns }
        }
        6 => {
            supported(
                modes.all(|mode| mode == IPV6_MODE),
                "subnet.ipv6_address_mode and ipv6_ra_mode can only be dhcpv6-stateful",
            )?;
            supported(dns.is_empty(), "subnet.dns_nameservers: the IPv4 subnet of the network has the DNS servers")?;
            let none = fields.allocation_pools.as_ref().is_none_or(Vec::is_empty);
            supported(none, "subnet.allocation_pools cannot be chosen for an IPv6 subnet; leave it out")?;
            let cidr = text.as_deref().map(cidr_v6).transpose()?;
            let first = cidr.map(|cidr| gateway_v6(cidr).to_string());
            supported(
                gateway.is_none() || gateway == first,
                "subnet.gateway_ip of an IPv6 subnet can only be its first address; leave it out",
            )?;
            NewNeutronRange::V6 { cidr }
        }
        _ => return Err(Problem::invalid("subnet.ip_version: 4 or 6 is expected")),
    };
    Ok(CreateNeutronSubnet { network: id(&network, "subnet.network_id")?, name: fields.name, range })
}

fn changed_subnet(
    fields: NeutronSubnetFields,
    network: &NetworkView,
    subnet: &NeutronSubnet,
) -> Result<UpdateNeutronSubnet, Problem> {
    unavailable(fields.host_routes.as_ref(), "subnet.host_routes")?;
    only_these_pools(fields.allocation_pools.as_ref(), &AllocationPool::of(subnet))?;
    let fixed = [
        (fields.cidr, subnet.cidr.to_string(), "subnet.cidr"),
        (fields.gateway_ip, subnet.gateway.to_string(), "subnet.gateway_ip"),
        (fields.network_id, network.id.to_string(), "subnet.network_id"),
    ];
    for (given, has, name) in fixed {
        if given.is_some_and(|given| given != has) {
            return Err(Problem::invalid(format!("{name} is {has} and cannot be changed; make another subnet")));
        }
    }
    Ok(UpdateNeutronSubnet { name: fields.name, dns: dns(fields.dns_nameservers)?, dhcp_enable: fields.enable_dhcp })
}

fn dns(texts: Option<Vec<String>>) -> Result<Option<Vec<Ipv4Addr>>, Problem> {
    texts.map(|texts| texts.iter().map(|text| ipv4(text, "subnet.dns_nameservers")).collect()).transpose()
}

/// The pools of an IPv4 range that is to be made: all but the reserved addresses.
fn pools(cidr: Ipv4Net, gateway: Option<Ipv4Addr>) -> Vec<AllocationPool> {
    let gateway = gateway.unwrap_or_else(|| Ipv4Addr::from(u32::from(cidr.network()).saturating_add(1)));
    let open = gaps(Span::of(cidr.into()), &reserved_spans(cidr, gateway));
    open.into_iter().map(|pool| AllocationPool::new(pool, false)).collect()
}

/// Refuses other pools than the ones there are: addresses are kept back by CIDR reservations.
fn only_these_pools(wanted: Option<&Vec<AllocationPool>>, pools: &[AllocationPool]) -> Result<(), Problem> {
    let same = wanted.is_none_or(|wanted| wanted.is_empty() || wanted == pools);
    let shown: Vec<String> = pools.iter().map(|pool| format!("{} to {}", pool.start, pool.end)).collect();
    supported(
        same,
        &format!(
            "subnet.allocation_pools can only be {}; keep addresses back with a CIDR reservation of the subnet",
            shown.join(", ")
        ),
    )
}
