//! IP address groups, v3 (api-vpc §10).

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State as AxumState};
use axum::http::StatusCode;
use axum::response::Response;
use catalog::Catalog;
use control::{Caller, Context, CreateAddressGroup, Error, NewAddressEntry, Outcome, UpdateAddressGroup};
use model::{AddressGroup, AddressGroupId, IpVersion, Kind, TagCharacters};

use crate::auth::Identity;
use crate::error::Problem;
use crate::extract::{Json as Body, path_id, required};
use crate::frame::Frame;
use crate::lenient::Number;
use crate::query::{Query, v3_page};
use crate::state::State;
use crate::wire::{
    AddressGroupBody, AddressGroupDependencyList, AddressGroupDependencyV3, AddressGroupFields, AddressGroupList,
    AddressGroupRequest, AddressGroupV3, DependencyV3, new_tags, no_tags, version_number,
};

/// List address groups.
#[utoipa::path(get, path = "/v3/{project_id}/vpc/address-groups", tag = "Address groups",
    operation_id = "listAddressGroups",
    params(("id" = Option<String>, Query), ("name" = Option<String>, Query), ("description" = Option<String>, Query),
        ("ip_version" = Option<String>, Query), ("enterprise_project_id" = Option<String>, Query)),
    responses((status = 200, body = AddressGroupList)))]
pub(crate) async fn list(
    AxumState(state): AxumState<State>,
    identity: Identity,
    frame: Frame,
    query: Query,
) -> Result<Json<AddressGroupList>, Problem> {
    let groups: Vec<_> = filtered(&state.catalog(), &identity.project_caller()?, &query)
        .into_iter()
        .filter(|group| query.any("name", &group.name) && query.any("description", &group.description))
        .filter(|group| query.any("ip_version", version_number(group.version)))
        .collect();
    let (groups, page_info) = v3_page(&query, groups, |group| group.id.to_string())?;
    let address_groups = groups.iter().map(|group| AddressGroupV3::new(group)).collect();
    Ok(Json(AddressGroupList { request_id: frame.request_id, address_groups, page_info }))
}

/// Create an address group.
#[utoipa::path(post, path = "/v3/{project_id}/vpc/address-groups", tag = "Address groups",
    operation_id = "createAddressGroup", request_body = AddressGroupRequest,
    responses((status = 201, body = AddressGroupBody), (status = 202, description = "Dry run: all is well")))]
pub(crate) async fn create(
    AxumState(state): AxumState<State>,
    identity: Identity,
    frame: Frame,
    Body(request): Body<AddressGroupRequest>,
) -> Result<Response, Problem> {
    let mut fields = request.address_group;
    let group = CreateAddressGroup {
        tags: new_tags(fields.tags.take(), TagCharacters::Text)?,
        addresses: entries(&mut fields)?.unwrap_or_default(),
        name: required(fields.name, "address_group.name")?,
        description: fields.description.unwrap_or_default(),
        enterprise_project_id: fields.enterprise_project_id.filter(|id| !id.is_empty()),
        version: match required(fields.ip_version, "address_group.ip_version")?.0 {
            4 => IpVersion::V4,
            6 => IpVersion::V6,
            _ => return Err(Problem::invalid("address_group.ip_version: 4 or 6 is expected")),
        },
        max_capacity: capacity(fields.max_capacity)?,
    };
    let create: UseCase =
        Box::new(move |catalog, caller, ctx| control::create_address_group(catalog, caller, ctx, group.clone()));
    carry_out(&state, &identity, frame, request.dry_run, StatusCode::CREATED, create).await
}

/// Show an address group.
#[utoipa::path(get, path = "/v3/{project_id}/vpc/address-groups/{address_group_id}", tag = "Address groups",
    operation_id = "showAddressGroup", responses((status = 200, body = AddressGroupBody)))]
pub(crate) async fn show(
    AxumState(state): AxumState<State>,
    Path((_, group)): Path<(String, String)>,
    identity: Identity,
    frame: Frame,
) -> Result<Json<AddressGroupBody>, Problem> {
    let group = path_id(&frame, Kind::AddressGroup, &group)?;
    let group = control::address_group(&state.catalog(), &identity.project_caller()?, group)?;
    Ok(Json(AddressGroupBody { request_id: frame.request_id, address_group: AddressGroupV3::new(&group) }))
}

/// Change an address group, and what the rules that name it match.
#[utoipa::path(put, path = "/v3/{project_id}/vpc/address-groups/{address_group_id}", tag = "Address groups",
    operation_id = "updateAddressGroup", request_body = AddressGroupRequest,
    responses((status = 200, body = AddressGroupBody), (status = 202, description = "Dry run: all is well")))]
pub(crate) async fn update(
    AxumState(state): AxumState<State>,
    Path((_, group)): Path<(String, String)>,
    identity: Identity,
    frame: Frame,
    Body(request): Body<AddressGroupRequest>,
) -> Result<Response, Problem> {
    let group: AddressGroupId = path_id(&frame, Kind::AddressGroup, &group)?;
    let mut fields = request.address_group;
    no_tags(fields.tags.as_ref(), "address_group.tags")?;
    let update = UpdateAddressGroup {
        addresses: entries(&mut fields)?,
        name: fields.name,
        description: fields.description,
        max_capacity: capacity(fields.max_capacity)?,
    };
    let update: UseCase = Box::new(move |catalog, caller, ctx| {
        control::update_address_group(catalog, caller, ctx, group, update.clone())
    });
    carry_out(&state, &identity, frame, request.dry_run, StatusCode::OK, update).await
}

/// Delete an address group that no rule names.
#[utoipa::path(delete, path = "/v3/{project_id}/vpc/address-groups/{address_group_id}", tag = "Address groups",
    operation_id = "deleteAddressGroup", responses((status = 204)))]
pub(crate) async fn delete(
    AxumState(state): AxumState<State>,
    Path((_, group)): Path<(String, String)>,
    identity: Identity,
    frame: Frame,
) -> Result<Response, Problem> {
    let group = path_id(&frame, Kind::AddressGroup, &group)?;
    let done = state
        .commit(&identity.project_caller()?, move |catalog, caller, ctx| {
            control::delete_address_group(catalog, caller, ctx, group)
        })
        .await?;
    Ok(done.gone())
}

/// Delete an address group with every rule that names it.
#[utoipa::path(delete, path = "/v3/{project_id}/vpc/address-groups/{address_group_id}/force", tag = "Address groups",
    operation_id = "deleteAddressGroupForce", responses((status = 204)))]
pub(crate) async fn force_delete(
    AxumState(state): AxumState<State>,
    Path((_, group)): Path<(String, String)>,
    identity: Identity,
    frame: Frame,
) -> Result<Response, Problem> {
    let group = path_id(&frame, Kind::AddressGroup, &group)?;
    let done = state
        .commit(&identity.project_caller()?, move |catalog, caller, ctx| {
            control::force_delete_address_group(catalog, caller, ctx, group)
        })
        .await?;
    Ok(done.gone())
}

/// List what names address groups.
#[utoipa::path(get, path = "/v3/{project_id}/vpc/list-address-groups-dependency", tag = "Address groups",
    operation_id = "listAddressGroupsDependency",
    params(("id" = Option<String>, Query), ("enterprise_project_id" = Option<String>, Query)),
    responses((status = 200, body = AddressGroupDependencyList)))]
pub(crate) async fn dependencies(
    AxumState(state): AxumState<State>,
    identity: Identity,
    frame: Frame,
    query: Query,
) -> Result<Json<AddressGroupDependencyList>, Problem> {
    let catalog = state.catalog();
    let groups = filtered(&catalog, &identity.project_caller()?, &query);
    let (groups, page_info) = v3_page(&query, groups, |group| group.id.to_string())?;
    let address_groups = groups
        .iter()
        .map(|group| AddressGroupDependencyV3 {
            id: group.id.to_string(),
            enterprise_project_id: group.enterprise_project_id.clone(),
            dependency: users(&catalog, group.id),
        })
        .collect();
    Ok(Json(AddressGroupDependencyList { request_id: frame.request_id, address_groups, page_info }))
}

type UseCase = Box<dyn FnMut(&Catalog, &Caller, &mut Context<'_>) -> Result<Outcome<AddressGroup>, Error> + Send>;

async fn carry_out(
    state: &State,
    identity: &Identity,
    frame: Frame,
    dry_run: Option<bool>,
    status: StatusCode,
    use_case: UseCase,
) -> Result<Response, Problem> {
    let caller = identity.project_caller()?;
    if dry_run == Some(true) {
        return state.rehearse(&caller, &frame, use_case);
    }
    let done = state.commit(&caller, use_case).await?;
    Ok(done.reply(status, |group, _| AddressGroupBody {
        request_id: frame.request_id,
        address_group: AddressGroupV3::new(group),
    }))
}

fn filtered(catalog: &Catalog, caller: &Caller, query: &Query) -> Vec<Arc<AddressGroup>> {
    control::address_groups(catalog, caller)
        .into_iter()
        .filter(|group| query.any("id", group.id) && query.any_enterprise(&group.enterprise_project_id))
        .collect()
}

fn users(catalog: &Catalog, group: AddressGroupId) -> Vec<DependencyV3> {
    let groups = catalog.security_groups_naming_addresses(group).map(|group| DependencyV3 {
        kind: "sg",
        instance_id: group.id.to_string(),
        instance_name: group.name.clone(),
    });
    let acls = catalog.network_acls_naming(group).map(|acl| DependencyV3 {
        kind: "acl",
        instance_id: acl.id.to_string(),
        instance_name: acl.name.clone(),
    });
    groups.chain(acls).collect()
}

/// The entries of either form; `None` when neither came.
fn entries(fields: &mut AddressGroupFields) -> Result<Option<Vec<NewAddressEntry>>, Problem> {
    match (fields.ip_set.take(), fields.ip_extra_set.take()) {
        (Some(set), Some(extra)) if !set.is_empty() && !extra.is_empty() => {
            Err(Problem::invalid("address_group.ip_set and address_group.ip_extra_set exclude each other"))
        }
        (set, Some(extra)) if !extra.is_empty() || set.is_none() => {
            let entry = |extra: crate::wire::ExtraAddress| NewAddressEntry {
                text: extra.ip,
                remarks: extra.remarks.unwrap_or_default(),
            };
            Ok(Some(extra.into_iter().map(entry).collect()))
        }
        (set, _) => Ok(set.map(|set| set.into_iter().map(NewAddressEntry::new).collect())),
    }
}

fn capacity(number: Option<Number>) -> Result<Option<u32>, Problem> {
    let wrong = |_| Problem::invalid("address_group.max_capacity: a number from 0 is expected");
    number.map(|number| u32::try_from(number.0).map_err(wrong)).transpose()
}
