//! The objects as the network API shows them. Huawei's field names live here and end here.

mod address_group;
mod fwaas;
mod network;
mod network_acl;
mod peering;
mod port;
mod port_options;
mod port_v3;
mod private_ip;
mod route_table;
mod rule;
mod security_group;
mod sub_network_interface;
mod subnet;
mod tag;
mod virsubnet;
mod vpc;

pub(crate) use address_group::*;
pub(crate) use fwaas::*;
pub(crate) use network::*;
pub(crate) use network_acl::*;
pub(crate) use peering::*;
pub(crate) use port::*;
pub(crate) use port_options::*;
pub(crate) use port_v3::*;
pub(crate) use private_ip::*;
pub(crate) use route_table::*;
pub(crate) use rule::*;
pub(crate) use security_group::*;
pub(crate) use sub_network_interface::*;
pub(crate) use subnet::*;
pub(crate) use tag::*;
pub(crate) use virsubnet::*;
pub(crate) use vpc::*;

/// Defines an object with one field: the root key that every body of a family has.
macro_rules! body {
    ($($(#[$doc:meta])* $name:ident { $key:literal $field:ident: $type:ty })*) => {
        $(
            $(#[$doc])*
            #[derive(serde::Serialize, utoipa::ToSchema)]
            pub(crate) struct $name {
                #[serde(rename = $key)]
                pub(crate) $field: $type,
            }
        )*
    };
}

/// Defines the body of a request: one root key.
macro_rules! request {
    ($($(#[$doc:meta])* $name:ident { $field:ident: $type:ty })*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, serde::Deserialize, utoipa::ToSchema)]
            pub(crate) struct $name {
                pub(crate) $field: $type,
            }
        )*
    };
}

/// Defines the body of a v3 answer: the request's id and one root key.
macro_rules! body_v3 {
    ($($(#[$doc:meta])* $name:ident { $field:ident: $type:ty })*) => {
        $(
            $(#[$doc])*
            #[derive(serde::Serialize, utoipa::ToSchema)]
            pub(crate) struct $name {
                pub(crate) request_id: String,
                pub(crate) $field: $type,
            }
        )*
    };
}

/// Defines the body of a v3 list: the request's id, the items and what is known of the page.
macro_rules! list_v3 {
    ($($(#[$doc:meta])* $name:ident { $field:ident: $type:ty })*) => {
        $(
            $(#[$doc])*
            #[derive(serde::Serialize, utoipa::ToSchema)]
            pub(crate) struct $name {
                pub(crate) request_id: String,
                pub(crate) $field: Vec<$type>,
                pub(crate) page_info: crate::query::PageInfo,
            }
        )*
    };
}

/// Defines the body of a v2.0 list: the items, and links when there are other pages.
macro_rules! list_v2 {
    ($($(#[$doc:meta])* $name:ident { $field:ident: $type:ty, $links:ident })*) => {
        $(
            $(#[$doc])*
            #[derive(serde::Serialize, utoipa::ToSchema)]
            pub(crate) struct $name {
                pub(crate) $field: Vec<$type>,
                #[serde(skip_serializing_if = "Vec::is_empty")]
                pub(crate) $links: Vec<crate::query::Link>,
            }
        )*
    };
}

pub(crate) use {body, body_v3, list_v2, list_v3, request};
