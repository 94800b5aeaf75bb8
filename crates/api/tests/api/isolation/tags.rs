//! The rows of the operations of tags: the same for each type of object that has tags.
//!
//! Each object has the tag `iso-key`, and no other.

use super::table::{Row, row};

/// The v2.0 operations: a type of path, an object of it, and the type's name in the ids of the operations.
macro_rules! v2 {
    ($type:literal $object:literal $of:literal) => {
        [
            row(concat!("show", $of, "Tags"), concat!("/v2.0/{p}/", $type, "/", $object, "/tags"), "", ""),
            row(
                concat!("create", $of, "Tag"),
                concat!("/v2.0/{p}/", $type, "/", $object, "/tags"),
                r#"{"tag":{"key":"new","value":"new"}}"#,
                "",
            ),
            row(
                concat!("batchChange", $of, "Tags"),
                concat!("/v2.0/{p}/", $type, "/", $object, "/tags/action"),
                r#"{"action":"create","tags":[{"key":"new","value":"new"}]}"#,
                "",
            ),
            row(concat!("delete", $of, "Tag"), concat!("/v2.0/{p}/", $type, "/", $object, "/tags/iso-key"), "", ""),
            row(concat!("list", $of, "Tags"), concat!("/v2.0/{p}/", $type, "/tags"), "", ""),
            row(
                concat!("list", $of, "sByTags"),
                concat!("/v2.0/{p}/", $type, "/resource_instances/action"),
                r#"{"action":"filter"}"#,
                "reads",
            ),
        ]
    };
}

/// The v3 operations.
macro_rules! v3 {
    ($type:literal $object:literal $of:literal) => {
        [
            row(concat!("show", $of, "Tags"), concat!("/v3/{p}/", $type, "/", $object, "/tags"), "", ""),
            row(
                concat!("create", $of, "Tag"),
                concat!("/v3/{p}/", $type, "/", $object, "/tags"),
                r#"{"tag":{"key":"new","value":"new"}}"#,
                "",
            ),
            row(
                concat!("batchCreate", $of, "Tags"),
                concat!("/v3/{p}/", $type, "/", $object, "/tags/create"),
                r#"{"tags":[{"key":"new","value":"new"}]}"#,
                "",
            ),
            row(
                concat!("batchDelete", $of, "Tags"),
                concat!("/v3/{p}/", $type, "/", $object, "/tags/delete"),
                r#"{"tags":[{"key":"iso-key"}]}"#,
                "",
            ),
            row(concat!("delete", $of, "Tag"), concat!("/v3/{p}/", $type, "/", $object, "/tags/iso-key"), "", ""),
            row(concat!("list", $of, "Tags"), concat!("/v3/{p}/", $type, "/tags"), "", ""),
            row(
                concat!("list", $of, "sByTags"),
                concat!("/v3/{p}/", $type, "/resource-instances/filter"),
                "{}",
                "reads",
            ),
            row(
                concat!("count", $of, "sByTags"),
                concat!("/v3/{p}/", $type, "/resource-instances/count"),
                "{}",
                "reads",
            ),
        ]
    };
}

static V2: [[Row; 6]; 3] = [
    v2! { "vpcs" "$vpc" "Vpc" },
    v2! { "subnets" "$subnet" "Subnet" },
    v2! { "security-groups" "$group" "SecurityGroup" },
];

static V3: [[Row; 8]; 4] = [
    v3! { "firewalls" "$acl" "Firewall" },
    v3! { "ports" "$port" "Port" },
    v3! { "sub-network-interfaces" "$sub" "SubNetworkInterface" },
    v3! { "address-groups" "$addresses" "AddressGroup" },
];

/// All of them.
pub(super) fn rows() -> impl Iterator<Item = &'static Row> {
    V2.iter().flatten().chain(V3.iter().flatten())
}
