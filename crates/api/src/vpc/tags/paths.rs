//! The operations of tags, for each type of path that has them.

use axum::Json;
use axum::extract::{Path, State as AxumState};
use axum::response::Response;
use control::{PlainPort, SupplementaryPort};
use model::{AddressGroup, NetworkAcl, SecurityGroup, Subnet, TagCharacters, Vpc};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Call, Page};
use crate::auth::Identity;
use crate::error::Problem;
use crate::extract::Json as Body;
use crate::frame::Frame;
use crate::query::Query;
use crate::state::State;
use crate::wire::{
    ResourceQuery, TagActionRequest, TagCountBodyV3, TagRequest, TagValuesBody, TagValuesBodyV3, TaggedResources,
    TaggedResourcesV3, TagsBody, TagsBodyV3, TagsRequest,
};

/// The v2.0 operations of one type of path.
macro_rules! tags_v2 {
    ($module:ident $kind:ident $type:literal $id:literal $one:literal $many:literal $of_many:literal) => {
        mod $module {
            use super::*;

            #[doc = concat!("List the tags of ", $one, ".")]
            #[utoipa::path(get, summary = concat!("List the tags of ", $one, "."),
                path = concat!("/v2.0/{project_id}/", $type, "/{", $id, "}/tags"), tag = "Tags",
                operation_id = concat!("show", $of_many, "Tags"), responses((status = 200, body = TagsBody)))]
            pub(super) async fn show(
                AxumState(state): AxumState<State>,
                Path((_, id)): Path<(String, String)>,
                identity: Identity,
            ) -> Result<Json<TagsBody>, Problem> {
                Ok(Json(TagsBody { tags: Call { state, identity }.show::<$kind>(&id)? }))
            }

            #[doc = concat!("Give ", $one, " a tag.")]
            #[utoipa::path(post, summary = concat!("Give ", $one, " a tag."),
                path = concat!("/v2.0/{project_id}/", $type, "/{", $id, "}/tags"), tag = "Tags",
                operation_id = concat!("create", $of_many, "Tag"), request_body = TagRequest,
                responses((status = 204)))]
            pub(super) async fn create(
                AxumState(state): AxumState<State>,
                Path((_, id)): Path<(String, String)>,
                identity: Identity,
                Body(request): Body<TagRequest>,
            ) -> Result<Response, Problem> {
                Call { state, identity }.set_one::<$kind>(&id, request, TagCharacters::Letters).await
            }

            #[doc = concat!("Give ", $one, " tags or take some away, all or none.")]
            #[utoipa::path(post, summary = concat!("Give ", $one, " tags or take some away, all or none."),
                path = concat!("/v2.0/{project_id}/", $type, "/{", $id, "}/tags/action"), tag = "Tags",
                operation_id = concat!("batchChange", $of_many, "Tags"), request_body = TagActionRequest,
                responses((status = 204)))]
            pub(super) async fn action(
                AxumState(state): AxumState<State>,
                Path((_, id)): Path<(String, String)>,
                identity: Identity,
                Body(request): Body<TagActionRequest>,
            ) -> Result<Response, Problem> {
                let removal = concat!("/v2.0/{project_id}/", $type, "/{", $id, "}/tags/{key}");
                Call { state, identity }.act::<$kind>(&id, request, removal).await
            }

            #[doc = concat!("Take a tag from ", $one, ".")]
            #[utoipa::path(delete, summary = concat!("Take a tag from ", $one, "."),
                path = concat!("/v2.0/{project_id}/", $type, "/{", $id, "}/tags/{key}"),
                tag = "Tags", operation_id = concat!("delete", $of_many, "Tag"), responses((status = 204)))]
            pub(super) async fn delete(
                AxumState(state): AxumState<State>,
                Path((_, id, key)): Path<(String, String, String)>,
                identity: Identity,
            ) -> Result<Response, Problem> {
                Call { state, identity }.unset_one::<$kind>(&id, key).await
            }

            #[doc = concat!("List the keys and values of the tags of all ", $many, ".")]
            #[utoipa::path(get, summary = concat!("List the keys and values of the tags of all ", $many, "."),
                path = concat!("/v2.0/{project_id}/", $type, "/tags"), tag = "Tags",
                operation_id = concat!("list", $of_many, "Tags"), responses((status = 200, body = TagValuesBody)))]
            pub(super) async fn list(
                AxumState(state): AxumState<State>,
                identity: Identity,
            ) -> Result<Json<TagValuesBody>, Problem> {
                Ok(Json(TagValuesBody { tags: Call { state, identity }.in_use::<$kind>()? }))
            }

            #[doc = concat!("Find or count ", $many, " by tags and names.")]
            #[utoipa::path(post, summary = concat!("Find or count ", $many, " by tags and names."),
                path = concat!("/v2.0/{project_id}/", $type, "/resource_instances/action"),
                tag = "Tags", operation_id = concat!("list", $of_many, "sByTags"), request_body = ResourceQuery,
                responses((status = 200, body = TaggedResources)))]
            pub(super) async fn find(
                AxumState(state): AxumState<State>,
                identity: Identity,
                Body(query): Body<ResourceQuery>,
            ) -> Result<Json<TaggedResources>, Problem> {
                Ok(Json(Call { state, identity }.look::<$kind>(query)?))
            }

            pub(super) fn routes() -> OpenApiRouter<State> {
                OpenApiRouter::new()
                    .routes(routes!(show, create))
                    .routes(routes!(action))
                    .routes(routes!(delete))
                    .routes(routes!(list))
                    .routes(routes!(find))
            }
        }
    };
}

/// The v3 operations of one type of path.
macro_rules! tags_v3 {
    ($module:ident $kind:ident $type:literal $id:literal $one:literal $many:literal $of_many:literal) => {
        mod $module {
            use super::*;

            #[doc = concat!("List the tags of ", $one, ".")]
            #[utoipa::path(get, summary = concat!("List the tags of ", $one, "."),
                path = concat!("/v3/{project_id}/", $type, "/{", $id, "}/tags"), tag = "Tags",
                operation_id = concat!("show", $of_many, "Tags"), responses((status = 200, body = TagsBodyV3)))]
            pub(super) async fn show(
                AxumState(state): AxumState<State>,
                Path((_, id)): Path<(String, String)>,
                identity: Identity,
                frame: Frame,
            ) -> Result<Json<TagsBodyV3>, Problem> {
                let tags = Call { state, identity }.show::<$kind>(&id)?;
                Ok(Json(TagsBodyV3 { request_id: frame.request_id, tags }))
            }

            #[doc = concat!("Give ", $one, " a tag.")]
            #[utoipa::path(post, summary = concat!("Give ", $one, " a tag."),
                path = concat!("/v3/{project_id}/", $type, "/{", $id, "}/tags"), tag = "Tags",
                operation_id = concat!("create", $of_many, "Tag"), request_body = TagRequest,
                responses((status = 204)))]
            pub(super) async fn create(
                AxumState(state): AxumState<State>,
                Path((_, id)): Path<(String, String)>,
                identity: Identity,
                Body(request): Body<TagRequest>,
            ) -> Result<Response, Problem> {
                Call { state, identity }.set_one::<$kind>(&id, request, TagCharacters::Text).await
            }

            #[doc = concat!("Give ", $one, " tags, all or none.")]
            #[utoipa::path(post, summary = concat!("Give ", $one, " tags, all or none."),
                path = concat!("/v3/{project_id}/", $type, "/{", $id, "}/tags/create"), tag = "Tags",
                operation_id = concat!("batchCreate", $of_many, "Tags"), request_body = TagsRequest,
                responses((status = 204)))]
            pub(super) async fn create_batch(
                AxumState(state): AxumState<State>,
                Path((_, id)): Path<(String, String)>,
                identity: Identity,
                Body(request): Body<TagsRequest>,
            ) -> Result<Response, Problem> {
                Call { state, identity }.set::<$kind>(&id, request.tags, TagCharacters::Text).await
            }

            #[doc = concat!("Take tags from ", $one, "; those that it has not are nothing to do.")]
            #[utoipa::path(post, summary = concat!("Take tags from ", $one, "; those that it has not are nothing to do."),
                path = concat!("/v3/{project_id}/", $type, "/{", $id, "}/tags/delete"), tag = "Tags",
                operation_id = concat!("batchDelete", $of_many, "Tags"), request_body = TagsRequest,
                responses((status = 204)))]
            pub(super) async fn delete_batch(
                AxumState(state): AxumState<State>,
                Path((_, id)): Path<(String, String)>,
                identity: Identity,
                Body(request): Body<TagsRequest>,
            ) -> Result<Response, Problem> {
                Call { state, identity }.unset::<$kind>(&id, request.tags).await
            }

            #[doc = concat!("Take a tag from ", $one, ".")]
            #[utoipa::path(delete, summary = concat!("Take a tag from ", $one, "."),
                path = concat!("/v3/{project_id}/", $type, "/{", $id, "}/tags/{tag_key}"),
                tag = "Tags", operation_id = concat!("delete", $of_many, "Tag"), responses((status = 204)))]
            pub(super) async fn delete(
                AxumState(state): AxumState<State>,
                Path((_, id, key)): Path<(String, String, String)>,
                identity: Identity,
            ) -> Result<Response, Problem> {
                Call { state, identity }.unset_one::<$kind>(&id, key).await
            }

            #[doc = concat!("List the keys and values of the tags of all ", $many, ".")]
            #[utoipa::path(get, summary = concat!("List the keys and values of the tags of all ", $many, "."),
                path = concat!("/v3/{project_id}/", $type, "/tags"), tag = "Tags",
                operation_id = concat!("list", $of_many, "Tags"),
                params(("limit" = Option<i64>, Query), ("offset" = Option<i64>, Query)),
                responses((status = 200, body = TagValuesBodyV3)))]
            pub(super) async fn list(
                AxumState(state): AxumState<State>,
                identity: Identity,
                frame: Frame,
                query: Query,
            ) -> Result<Json<TagValuesBodyV3>, Problem> {
                let tags = Call { state, identity }.in_use::<$kind>()?;
                let total_count = tags.len();
                let tags = Page::of(&query)?.cut(tags);
                Ok(Json(TagValuesBodyV3 { request_id: frame.request_id, tags, total_count }))
            }

            #[doc = concat!("Find ", $many, " by tags and names.")]
            #[utoipa::path(post, summary = concat!("Find ", $many, " by tags and names."),
                path = concat!("/v3/{project_id}/", $type, "/resource-instances/filter"),
                tag = "Tags", operation_id = concat!("list", $of_many, "sByTags"),
                params(("limit" = Option<i64>, Query), ("offset" = Option<i64>, Query)), request_body = ResourceQuery,
                responses((status = 200, body = TaggedResourcesV3)))]
            pub(super) async fn find(
                AxumState(state): AxumState<State>,
                identity: Identity,
                frame: Frame,
                query: Query,
                Body(wanted): Body<ResourceQuery>,
            ) -> Result<Json<TaggedResourcesV3>, Problem> {
                let page = Page::of(&query)?;
                let found = Call { state, identity }.find::<$kind>(wanted)?;
                let total_count = found.len();
                Ok(Json(TaggedResourcesV3 { request_id: frame.request_id, resources: page.cut(found), total_count }))
            }

            #[doc = concat!("Count ", $many, " by tags and names.")]
            #[utoipa::path(post, summary = concat!("Count ", $many, " by tags and names."),
                path = concat!("/v3/{project_id}/", $type, "/resource-instances/count"),
                tag = "Tags", operation_id = concat!("count", $of_many, "sByTags"), request_body = ResourceQuery,
                responses((status = 200, body = TagCountBodyV3)))]
            pub(super) async fn count(
                AxumState(state): AxumState<State>,
                identity: Identity,
                frame: Frame,
                Body(wanted): Body<ResourceQuery>,
            ) -> Result<Json<TagCountBodyV3>, Problem> {
                let total_count = Call { state, identity }.find::<$kind>(wanted)?.len();
                Ok(Json(TagCountBodyV3 { request_id: frame.request_id, total_count }))
            }

            pub(super) fn routes() -> OpenApiRouter<State> {
                OpenApiRouter::new()
                    .routes(routes!(show, create))
                    .routes(routes!(create_batch))
                    .routes(routes!(delete_batch))
                    .routes(routes!(delete))
                    .routes(routes!(list))
                    .routes(routes!(find))
                    .routes(routes!(count))
            }
        }
    };
}

tags_v2! { vpcs Vpc "vpcs" "vpc_id" "a VPC" "VPCs" "Vpc" }
tags_v2! { subnets Subnet "subnets" "subnet_id" "a subnet" "subnets" "Subnet" }
tags_v2! { groups SecurityGroup "security-groups" "security_group_id" "a security group" "security groups" "SecurityGroup" }
tags_v3! { acls NetworkAcl "firewalls" "firewall_id" "a network ACL" "network ACLs" "Firewall" }
tags_v3! { ports PlainPort "ports" "port_id" "a port" "ports" "Port" }
tags_v3! {
    sub_interfaces SupplementaryPort "sub-network-interfaces" "sub_network_interface_id" "a supplementary interface"
    "supplementary interfaces" "SubNetworkInterface"
}
tags_v3! { address_groups AddressGroup "address-groups" "address_group_id" "an address group" "address groups" "AddressGroup" }

/// A v2.0 type of path that has no tags.
async fn unknown_type(Path(parts): Path<Vec<(String, String)>>) -> Problem {
    let kind = parts.into_iter().find(|(name, _)| name == "resource_type").map(|(_, value)| value);
    let kind: String = kind.unwrap_or_default().chars().take(64).collect();
    Problem::tag(format!("Resource_type {kind} is invalid."))
}

/// What is asked of types of path that have no tags; needs no credentials, and is in no document.
pub(in crate::vpc) fn unknown() -> OpenApiRouter<State> {
    let unknown = || axum::routing::any(unknown_type);
    OpenApiRouter::new()
        .route("/v2.0/{project_id}/{resource_type}/{resource_id}/tags", unknown())
        .route("/v2.0/{project_id}/{resource_type}/{resource_id}/tags/action", unknown())
        .route("/v2.0/{project_id}/{resource_type}/{resource_id}/tags/{key}", unknown())
        .route("/v2.0/{project_id}/{resource_type}/resource_instances/action", unknown())
}

/// All operations of tags; each needs credentials.
pub(in crate::vpc) fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .merge(vpcs::routes())
        .merge(subnets::routes())
        .merge(groups::routes())
        .merge(acls::routes())
        .merge(ports::routes())
        .merge(sub_interfaces::routes())
        .merge(address_groups::routes())
}
