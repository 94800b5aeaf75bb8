//! Subnets, v1 (api-vpc §5).

use std::net::Ipv4Addr;

use axum::Json;
use axum::extract::{Path, State as AxumState};
use axum::http::StatusCode;
use axum::response::Response;
use control::{CreateSubnet, DhcpOptionChange, DnsChange, DnsEntry, UpdateSubnet};
use model::{DhcpOption, Kind, SubnetId, TagCharacters, VpcId};

use crate::auth::Identity;
use crate::error::Problem;
use crate::extract::{Json as Body, cidr, cidr_v6, id, ipv4, path_id, required};
use crate::frame::Frame;
use crate::query::{Query, v1_page};
use crate::state::State;
use crate::vpc::tags::tag_filter;
use crate::wire::{
    DhcpOptionV1, SubnetBody, SubnetFields, SubnetListBody, SubnetRequest, SubnetUpdated, SubnetUpdatedBody, SubnetV1,
    new_tags, no_tags,
};

/// List subnets.
#[utoipa::path(get, path = "/v1/{project_id}/subnets", tag = "Subnets", operation_id = "listSubnets",
    params(("vpc_id" = Option<String>, Query), ("tags" = Option<String>, Query), ("tags-any" = Option<String>, Query),
        ("not-tags" = Option<String>, Query), ("not-tags-any" = Option<String>, Query)),
    responses((status = 200, body = SubnetListBody)))]
pub(crate) async fn list(
    AxumState(state): AxumState<State>,
    identity: Identity,
    query: Query,
) -> Result<Json<SubnetListBody>, Problem> {
    let catalog = state.catalog();
    // Networks on no router are in no VPC (api-vpc §5.6).
    let tags = tag_filter(&query);
    let subnets: Vec<_> = control::networks(&catalog, &identity.project_caller()?)
        .into_iter()
        .filter(|network| network.range.as_ref().is_some_and(|range| tags.passes(&range.tags)))
        .filter(|network| query.is("vpc_id", network.vpc.map(|vpc| vpc.to_string()).unwrap_or_default()))
        .collect();
    let subnets = v1_page(&query, subnets, |subnet| subnet.id.to_string())?;
    Ok(Json(SubnetListBody { subnets: subnets.iter().filter_map(|subnet| SubnetV1::of(&catalog, subnet)).collect() }))
}

/// Create a subnet. It joins the VPC's default route table. With `ipv6_enable` it gets a /64: `cidr_v6`, or one of the
/// installation's.
#[utoipa::path(post, path = "/v1/{project_id}/subnets", tag = "Subnets", operation_id = "createSubnet",
    request_body = SubnetRequest, responses((status = 200, body = SubnetBody)))]
pub(crate) async fn create(
    AxumState(state): AxumState<State>,
    identity: Identity,
    Body(request): Body<SubnetRequest>,
) -> Result<Response, Problem> {
    let request = new_subnet(request.subnet)?;
    let done = state
        .commit(&identity.project_caller()?, move |catalog, caller, ctx| {
            control::create_subnet(catalog, caller, ctx, request.clone())
        })
        .await?;
    Ok(done.reply(StatusCode::OK, |subnet, catalog| SubnetBody { subnet: SubnetV1::new(catalog, subnet) }))
}

/// Show a subnet.
#[utoipa::path(get, path = "/v1/{project_id}/subnets/{subnet_id}", tag = "Subnets", operation_id = "showSubnet",
    responses((status = 200, body = SubnetBody)))]
pub(crate) async fn show(
    AxumState(state): AxumState<State>,
    Path((_, subnet)): Path<(String, String)>,
    identity: Identity,
    frame: Frame,
) -> Result<Json<SubnetBody>, Problem> {
    let subnet: SubnetId = path_id(&frame, Kind::Subnet, &subnet)?;
    let catalog = state.catalog();
    let missing = || control::Error::NotFound { kind: Kind::Subnet, id: subnet.to_string() };
    let network = control::network(&catalog, &identity.project_caller()?, subnet).map_err(|_| missing())?;
    Ok(Json(SubnetBody { subnet: SubnetV1::of(&catalog, &network).ok_or_else(missing)? }))
}

/// Change a subnet's name, description, DHCP or DNS, or turn IPv6 on. Ports that exist then stay without IPv6 address
/// until an update of the port asks for one.
#[utoipa::path(put, path = "/v1/{project_id}/vpcs/{vpc_id}/subnets/{subnet_id}", tag = "Subnets",
    operation_id = "updateSubnet", request_body = SubnetRequest, responses((status = 200, body = SubnetUpdatedBody)))]
pub(crate) async fn update(
    AxumState(state): AxumState<State>,
    Path((_, vpc, subnet)): Path<(String, String, String)>,
    identity: Identity,
    frame: Frame,
    Body(request): Body<SubnetRequest>,
) -> Result<Response, Problem> {
    let vpc: VpcId = path_id(&frame, Kind::Vpc, &vpc)?;
    let subnet: SubnetId = path_id(&frame, Kind::Subnet, &subnet)?;
    let request = changed_subnet(vpc, request.subnet)?;
    let done = state
        .commit(&identity.project_caller()?, move |catalog, caller, ctx| {
            control::update_subnet(catalog, caller, ctx, subnet, request.clone())
        })
        .await?;
    Ok(done.reply(StatusCode::OK, |subnet, _| SubnetUpdatedBody { subnet: SubnetUpdated::new(subnet) }))
}

/// Delete a subnet that is not in use.
#[utoipa::path(delete, path = "/v1/{project_id}/vpcs/{vpc_id}/subnets/{subnet_id}", tag = "Subnets",
    operation_id = "deleteSubnet", responses((status = 204)))]
pub(crate) async fn delete(
    AxumState(state): AxumState<State>,
    Path((_, vpc, subnet)): Path<(String, String, String)>,
    identity: Identity,
    frame: Frame,
) -> Result<Response, Problem> {
    let vpc: VpcId = path_id(&frame, Kind::Vpc, &vpc)?;
    let subnet: SubnetId = path_id(&frame, Kind::Subnet, &subnet)?;
    let done = state
        .commit(&identity.project_caller()?, move |catalog, caller, ctx| {
            control::delete_subnet(catalog, caller, ctx, subnet, Some(vpc))
        })
        .await?;
    Ok(done.gone())
}

fn new_subnet(fields: SubnetFields) -> Result<CreateSubnet, Problem> {
    let dns = new_dns(&fields)?;
    let gateway = required(fields.gateway_ip, "subnet.gateway_ip")?;
    let options = fields.extra_dhcp_opts.unwrap_or_default().into_iter();
    Ok(CreateSubnet {
        vpc: id(&required(fields.vpc_id, "subnet.vpc_id")?, "subnet.vpc_id")?,
        name: required(fields.name, "subnet.name")?,
        description: fields.description.unwrap_or_default(),
        cidr: cidr(&required(fields.cidr, "subnet.cidr")?)?,
        gateway: Some(ipv4(&gateway, "subnet.gateway_ip")?),
        ipv6: fields.ipv6_enable.unwrap_or(false),
        cidr_v6: fields.cidr_v6.as_deref().filter(|text| !text.is_empty()).map(cidr_v6).transpose()?,
        dhcp_enable: fields.dhcp_enable.unwrap_or(true),
        dns,
        availability_zone: fields.availability_zone.unwrap_or_default(),
        // A new subnet has nothing to clear.
        dhcp_options: options
            .filter_map(|option| option.opt_value.map(|value| DhcpOption { name: option.opt_name, value }))
            .collect(),
        tags: new_tags(fields.tags, TagCharacters::Letters)?,
        address_usage_metrics: fields.enable_network_address_usage_metrics.unwrap_or(false),
    })
}

fn changed_subnet(vpc: VpcId, fields: SubnetFields) -> Result<UpdateSubnet, Problem> {
    no_tags(fields.tags.as_ref(), "subnet.tags")?;
    let dns = changed_dns(&fields)?;
    let change = |option: DhcpOptionV1| DhcpOptionChange { name: option.opt_name, value: option.opt_value };
    Ok(UpdateSubnet {
        vpc: Some(vpc),
        name: Some(required(fields.name, "subnet.name")?),
        description: fields.description,
        ipv6: fields.ipv6_enable,
        // Missing means on (api-vpc §5.3).
        dhcp_enable: Some(fields.dhcp_enable.unwrap_or(true)),
        dns,
        dhcp_options: fields.extra_dhcp_opts.unwrap_or_default().into_iter().map(change).collect(),
        address_usage_metrics: fields.enable_network_address_usage_metrics,
    })
}

const DNS_LIST: &str = "subnet.dnsList";
const PRIMARY_DNS: &str = "subnet.primary_dns";
const SECONDARY_DNS: &str = "subnet.secondary_dns";

/// The DNS servers of a new subnet: the list, else primary and secondary (api-vpc §5.3).
fn new_dns(fields: &SubnetFields) -> Result<Vec<Ipv4Addr>, Problem> {
    if let Some(list) = fields.dns_list.as_ref().filter(|list| !list.is_empty()) {
        return list.iter().map(|text| ipv4(text, DNS_LIST)).collect();
    }
    [(&fields.primary_dns, PRIMARY_DNS), (&fields.secondary_dns, SECONDARY_DNS)]
        .into_iter()
        .filter_map(|(text, name)| text.as_ref().filter(|text| !text.is_empty()).map(|text| ipv4(text, name)))
        .collect()
}

/// New DNS servers. A list replaces all; else primary and secondary are the first two of those that there are, and one
/// that is not named stays.
fn changed_dns(fields: &SubnetFields) -> Result<Option<DnsChange>, Problem> {
    if fields.dns_list.is_some() {
        return Ok(Some(DnsChange::All(new_dns(fields)?)));
    }
    if fields.primary_dns.is_none() && fields.secondary_dns.is_none() {
        return Ok(None);
    }
    let entry = |text: &Option<String>, name| match text.as_deref() {
        None => Ok(DnsEntry::Keep),
        Some("") => Ok(DnsEntry::Remove),
        Some(text) => ipv4(text, name).map(DnsEntry::Set),
    };
    let primary = entry(&fields.primary_dns, PRIMARY_DNS)?;
    Ok(Some(DnsChange::FirstTwo([primary, entry(&fields.secondary_dns, SECONDARY_DNS)?])))
}
