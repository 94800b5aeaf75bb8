//! Which parts of OpenStack's network API there are, v2.0: clients ask before they use what not every cloud has
//! (api-vpc §0.1).

use axum::Json;
use axum::extract::Path;
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::Problem;

/// An extension of OpenStack's network API.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct ExtensionObject {
    /// What clients look for.
    alias: &'static str,
    name: &'static str,
    description: &'static str,
    /// The definition's date.
    updated: &'static str,
    /// Always empty.
    links: Vec<String>,
}

/// The extensions.
#[derive(Serialize, ToSchema)]
pub(crate) struct ExtensionList {
    extensions: Vec<ExtensionObject>,
}

/// One extension.
#[derive(Serialize, ToSchema)]
pub(crate) struct ExtensionBody {
    extension: ExtensionObject,
}

/// What is served of what OpenStack counts as extensions.
const EXTENSIONS: [(&str, &str, &str, &str); 8] = [
    (
        "allowed-address-pairs",
        "Allowed Address Pairs",
        "Addresses of a port beside its own",
        "2013-07-23T10:00:00-00:00",
    ),
    ("binding", "Port Binding", "Where a port is bound", "2014-02-03T10:00:00-00:00"),
    ("extra_dhcp_opt", "Neutron Extra DHCP options", "The lease time of a port", "2013-03-17T12:00:00-00:00"),
    (
        "fwaas_v2",
        "Firewall service v2",
        "Groups of network ACLs, their policies and rules",
        "2016-08-16T00:00:00-00:00",
    ),
    (
        "network-ip-availability",
        "Network IP Availability",
        "How many addresses of networks are in use",
        "2015-09-24T00:00:00-00:00",
    ),
    ("port-security", "Port Security", "Ports without checks of sources", "2012-07-23T10:00:00-00:00"),
    ("router", "Neutron L3 Router", "VPCs, and the networks that are on them", "2012-07-20T10:00:00-00:00"),
    ("security-group", "security-group", "Security groups and their rules", "2012-10-05T10:00:00-00:00"),
];

fn all() -> impl Iterator<Item = ExtensionObject> {
    let object =
        |(alias, name, description, updated)| ExtensionObject { alias, name, description, updated, links: Vec::new() };
    EXTENSIONS.into_iter().map(object)
}

/// List the extensions of OpenStack's network API that there are.
#[utoipa::path(get, path = "/v2.0/extensions", tag = "Versions", operation_id = "neutronListExtensions",
    responses((status = 200, body = ExtensionList)))]
pub(crate) async fn list() -> Json<ExtensionList> {
    Json(ExtensionList { extensions: all().collect() })
}

/// Show an extension.
#[utoipa::path(get, path = "/v2.0/extensions/{alias}", tag = "Versions", operation_id = "neutronShowExtension",
    responses((status = 200, body = ExtensionBody)))]
pub(crate) async fn show(Path(alias): Path<String>) -> Result<Json<ExtensionBody>, Problem> {
    match all().find(|extension| extension.alias == alias) {
        Some(extension) => Ok(Json(ExtensionBody { extension })),
        None => {
            let alias: String = alias.chars().take(64).collect();
            Err(Problem::not_found(format!("Extension with alias {alias} does not exist")))
        }
    }
}
