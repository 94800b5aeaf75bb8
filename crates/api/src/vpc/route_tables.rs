//! Route tables, v1 (api-vpc §3).

use axum::Json;
use axum::extract::{Path, State as AxumState};
use axum::http::StatusCode;
use axum::response::Response;
use control::{CreateRouteTable, NewRoute, NextHopSpec, UpdateAssociations, UpdateRouteTable};
use ipnet::IpNet;
use model::{Kind, NextHopType, RouteTable, RouteTableId, SubnetId};

use crate::auth::Identity;
use crate::error::Problem;
use crate::extract::{Json as Body, destination, id, path_id, required};
use crate::frame::Frame;
use crate::query::{Query, v1_page};
use crate::state::{Done, State};
use crate::wire::{
    RouteFields, TableActionRequest, TableBody, TableListBody, TableRequest, TableUpdateRequest, TableV1,
};

/// List route tables, without their routes.
#[utoipa::path(get, path = "/v1/{project_id}/routetables", tag = "Route tables", operation_id = "listRouteTables",
    params(("id" = Option<String>, Query), ("vpc_id" = Option<String>, Query), ("subnet_id" = Option<String>, Query)),
    responses((status = 200, body = TableListBody)))]
pub(crate) async fn list(
    AxumState(state): AxumState<State>,
    identity: Identity,
    query: Query,
) -> Result<Json<TableListBody>, Problem> {
    let catalog = state.catalog();
    let of_subnet = query.one("subnet_id").map(|text| {
        let subnet = text.parse().ok().and_then(|id: SubnetId| catalog.subnet(id));
        subnet.map(|subnet| subnet.route_table)
    });
    let tables: Vec<_> = control::route_tables(&catalog, &identity.project_caller()?)
        .into_iter()
        .filter(|table| query.is("id", table.id) && query.is("vpc_id", table.vpc))
        .filter(|table| of_subnet.is_none_or(|wanted| wanted == Some(table.id)))
        .collect();
    let tables = v1_page(&query, tables, |table| table.id.to_string())?;
    Ok(Json(TableListBody { routetables: tables.iter().map(|table| TableV1::item(&catalog, table)).collect() }))
}

/// Create a custom route table.
#[utoipa::path(post, path = "/v1/{project_id}/routetables", tag = "Route tables", operation_id = "createRouteTable",
    request_body = TableRequest, responses((status = 200, body = TableBody)))]
pub(crate) async fn create(
    AxumState(state): AxumState<State>,
    identity: Identity,
    Body(request): Body<TableRequest>,
) -> Result<Response, Problem> {
    let fields = request.routetable;
    let request = CreateRouteTable {
        vpc: id(&required(fields.vpc_id, "routetable.vpc_id")?, "routetable.vpc_id")?,
        name: fields.name.unwrap_or_default(),
        description: fields.description.unwrap_or_default(),
        routes: fields.routes.unwrap_or_default().into_iter().map(new_route).collect::<Result<_, _>>()?,
    };
    let done = state
        .commit(&identity.project_caller()?, move |catalog, caller, ctx| {
            control::create_route_table(catalog, caller, ctx, request.clone())
        })
        .await?;
    reply(&done, &identity)
}

/// Show a route table with its routes.
#[utoipa::path(get, path = "/v1/{project_id}/routetables/{routetable_id}", tag = "Route tables",
    operation_id = "showRouteTable", responses((status = 200, body = TableBody)))]
pub(crate) async fn show(
    AxumState(state): AxumState<State>,
    Path((_, table)): Path<(String, String)>,
    identity: Identity,
    frame: Frame,
) -> Result<Json<TableBody>, Problem> {
    let table: RouteTableId = path_id(&frame, Kind::RouteTable, &table)?;
    let catalog = state.catalog();
    let view = control::route_table(&catalog, &identity.project_caller()?, table)?;
    Ok(Json(TableBody { routetable: TableV1::new(&catalog, &view) }))
}

/// Change a table's name, description and routes.
#[utoipa::path(put, path = "/v1/{project_id}/routetables/{routetable_id}", tag = "Route tables",
    operation_id = "updateRouteTable", request_body = TableUpdateRequest, responses((status = 200, body = TableBody)))]
pub(crate) async fn update(
    AxumState(state): AxumState<State>,
    Path((_, table)): Path<(String, String)>,
    identity: Identity,
    frame: Frame,
    Body(request): Body<TableUpdateRequest>,
) -> Result<Response, Problem> {
    let table: RouteTableId = path_id(&frame, Kind::RouteTable, &table)?;
    let fields = request.routetable;
    let mut request =
        UpdateRouteTable { name: fields.name, description: fields.description, ..UpdateRouteTable::default() };
    if let Some(routes) = fields.routes {
        let all = |routes: Option<Vec<RouteFields>>| -> Result<Vec<NewRoute>, Problem> {
            routes.unwrap_or_default().into_iter().map(new_route).collect()
        };
        request.add = all(routes.add)?;
        request.modify = all(routes.modify)?;
        request.remove = routes.del.unwrap_or_default().into_iter().map(destination_of).collect::<Result<_, _>>()?;
    }
    let done = state
        .commit(&identity.project_caller()?, move |catalog, caller, ctx| {
            control::update_route_table(catalog, caller, ctx, table, request.clone())
        })
        .await?;
    reply(&done, &identity)
}

/// Move subnets to this table, or from it back to the default table.
#[utoipa::path(post, path = "/v1/{project_id}/routetables/{routetable_id}/action", tag = "Route tables",
    operation_id = "associateRouteTable", request_body = TableActionRequest,
    responses((status = 200, body = TableBody)))]
pub(crate) async fn action(
    AxumState(state): AxumState<State>,
    Path((_, table)): Path<(String, String)>,
    identity: Identity,
    frame: Frame,
    Body(request): Body<TableActionRequest>,
) -> Result<Response, Problem> {
    let table: RouteTableId = path_id(&frame, Kind::RouteTable, &table)?;
    let moves = required(request.routetable.subnets, "routetable.subnets")?;
    let ids = |texts: Option<Vec<String>>, name: &str| -> Result<Vec<SubnetId>, Problem> {
        texts.unwrap_or_default().iter().map(|text| id(text, name)).collect()
    };
    let request = UpdateAssociations {
        associate: ids(moves.associate, "routetable.subnets.associate")?,
        disassociate: ids(moves.disassociate, "routetable.subnets.disassociate")?,
    };
    let done = state
        .commit(&identity.project_caller()?, move |catalog, caller, ctx| {
            control::update_associations(catalog, caller, ctx, table, &request)
        })
        .await?;
    reply(&done, &identity)
}

/// Delete a custom route table that no subnet uses.
#[utoipa::path(delete, path = "/v1/{project_id}/routetables/{routetable_id}", tag = "Route tables",
    operation_id = "deleteRouteTable", responses((status = 204)))]
pub(crate) async fn delete(
    AxumState(state): AxumState<State>,
    Path((_, table)): Path<(String, String)>,
    identity: Identity,
    frame: Frame,
) -> Result<Response, Problem> {
    let table: RouteTableId = path_id(&frame, Kind::RouteTable, &table)?;
    let done = state
        .commit(&identity.project_caller()?, move |catalog, caller, ctx| {
            control::delete_route_table(catalog, caller, ctx, table)
        })
        .await?;
    Ok(done.gone())
}

/// The table as it is in the catalog that has the change.
fn reply(done: &Done<RouteTable>, identity: &Identity) -> Result<Response, Problem> {
    let view = control::route_table(&done.catalog, &identity.project_caller()?, done.value.id)?;
    Ok(done.reply(StatusCode::OK, |_, catalog| TableBody { routetable: TableV1::new(catalog, &view) }))
}

fn new_route(fields: RouteFields) -> Result<NewRoute, Problem> {
    let kind = required(fields.kind, "the type of a route")?;
    let next_hop = required(fields.nexthop, "the nexthop of a route")?;
    Ok(NewRoute {
        destination: destination(&required(fields.destination, "the destination of a route")?)?,
        next_hop: NextHopSpec { kind: next_hop_type(&kind)?, id: next_hop },
        description: fields.description,
    })
}

fn destination_of(fields: RouteFields) -> Result<IpNet, Problem> {
    destination(&required(fields.destination, "the destination of a route")?)
}

/// A type by its name on the wire.
pub(super) fn next_hop_type(text: &str) -> Result<NextHopType, Problem> {
    text.parse().map_err(|()| {
        let shown: String = text.chars().take(32).collect();
        Problem::invalid(format!("`{shown}` is no next-hop type; use peering, ecs, eni, vip or nat"))
    })
}
