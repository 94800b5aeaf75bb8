//! Route tables (api-vpc §3).

use catalog::Catalog;
use control::{RouteTableView, RouteView};
use ipnet::IpNet;
use model::RouteTable;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{body, request};

/// A route in a table.
#[derive(Serialize, ToSchema)]
pub(crate) struct RouteV1 {
    #[serde(rename = "type")]
    kind: String,
    destination: String,
    /// `-` for a system route.
    nexthop: String,
    description: String,
    /// Whether it is a system route, which cannot be changed.
    system: bool,
}

impl RouteV1 {
    fn system(destination: IpNet) -> Self {
        Self {
            kind: "local".to_owned(),
            destination: destination.to_string(),
            nexthop: "-".to_owned(),
            description: String::new(),
            system: true,
        }
    }

    fn custom(view: &RouteView) -> Self {
        Self {
            kind: view.route.next_hop.kind().to_string(),
            destination: view.route.destination.to_string(),
            nexthop: view.route.next_hop.to_string(),
            description: view.route.description.clone(),
            system: false,
        }
    }
}

/// A subnet that uses a table.
#[derive(Serialize, ToSchema)]
pub(crate) struct TableSubnet {
    id: String,
}

/// A route table.
#[derive(Serialize, ToSchema)]
pub(crate) struct TableV1 {
    pub(crate) id: String,
    name: String,
    description: String,
    /// Present in lists too: clients find the default table by it (clients §6, trap 17).
    default: bool,
    /// Absent in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    routes: Option<Vec<RouteV1>>,
    subnets: Vec<TableSubnet>,
    tenant_id: String,
    vpc_id: String,
    created_at: String,
    updated_at: String,
}

impl TableV1 {
    /// The table in a list.
    pub(crate) fn item(catalog: &Catalog, table: &RouteTable) -> Self {
        let subnets = catalog.subnets_on_table(table.id).map(|subnet| TableSubnet { id: subnet.id.to_string() });
        Self {
            id: table.id.to_string(),
            name: table.name.clone(),
            description: table.description.clone(),
            default: table.default,
            routes: None,
            subnets: subnets.collect(),
            tenant_id: table.project.to_string(),
            vpc_id: table.vpc.to_string(),
            created_at: table.created_at.without_zone(),
            updated_at: table.updated_at.without_zone(),
        }
    }

    /// The table with its routes: system routes first.
    pub(crate) fn new(catalog: &Catalog, view: &RouteTableView) -> Self {
        // 127.0.0.0/8 exists implicitly and is not shown (api-vpc §3.5).
        let system = view.system.iter().map(|route| route.destination).filter(|net| !net.addr().is_loopback());
        let routes = system.map(RouteV1::system).chain(view.routes.iter().map(RouteV1::custom)).collect();
        Self { routes: Some(routes), ..Self::item(catalog, &view.table) }
    }
}

/// A route to add or to change.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct RouteFields {
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    pub(crate) destination: Option<String>,
    pub(crate) nexthop: Option<String>,
    pub(crate) description: Option<String>,
}

/// What a table is made from.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct TableFields {
    pub(crate) vpc_id: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    /// At most 5.
    pub(crate) routes: Option<Vec<RouteFields>>,
}

/// What to change of a table.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct TableChanges {
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) routes: Option<RouteChanges>,
}

/// Which routes to change: removals go first, then changes, then additions; all or nothing.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct RouteChanges {
    pub(crate) add: Option<Vec<RouteFields>>,
    #[serde(rename = "mod")]
    pub(crate) modify: Option<Vec<RouteFields>>,
    /// Only `destination` counts.
    pub(crate) del: Option<Vec<RouteFields>>,
}

/// Which subnets to move.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct TableAction {
    pub(crate) subnets: Option<SubnetMoves>,
}

/// Subnets that come to the table, and subnets that go back to the default table.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct SubnetMoves {
    pub(crate) associate: Option<Vec<String>>,
    pub(crate) disassociate: Option<Vec<String>>,
}

request! {
    /// Create a table.
    TableRequest { routetable: TableFields }
    /// Change a table.
    TableUpdateRequest { routetable: TableChanges }
    /// Move subnets.
    TableActionRequest { routetable: TableAction }
}
body! {
    /// A route table.
    TableBody { "routetable" routetable: TableV1 }
    /// Route tables.
    TableListBody { "routetables" routetables: Vec<TableV1> }
}
