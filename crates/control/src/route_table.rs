//! Route tables (rules RT-1, RT-14, RT-15) and the routes in them; legacy routes (api-vpc section 2).

use std::collections::BTreeMap;
use std::sync::Arc;

use catalog::Catalog;
use ipnet::IpNet;
use model::{
    Kind, NextHopType, Route, RouteId, RouteTable, RouteTableId, SubnetId, Vpc, VpcId, validate_description,
    validate_name, validate_optional_name,
};

use crate::ipv6::validate_next_hop;
use crate::route::{NewRoute, new_route, resolve, system_routes};
use crate::subnet::own_subnet;
use crate::vpc::own_vpc;
use crate::{Caller, Changes, Context, Error, NextHopSpec, Outcome, Quota, Warning};

/// A custom route table to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateRouteTable {
    /// The VPC.
    pub vpc: VpcId,
    /// 0 to 64 characters.
    pub name: String,
    /// At most 255 characters.
    pub description: String,
    /// Its first routes, at most [`crate::Limits::routes_per_create`].
    pub routes: Vec<NewRoute>,
}

/// What to change of a table: first removals, then changes, then additions; all or nothing (api-vpc section 3.3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateRouteTable {
    /// New name.
    pub name: Option<String>,
    /// New description.
    pub description: Option<String>,
    /// Destinations of the routes to remove.
    pub remove: Vec<IpNet>,
    /// Routes to change, found by their destinations.
    pub modify: Vec<NewRoute>,
    /// Routes to add.
    pub add: Vec<NewRoute>,
}

/// Which subnets to put on a table and which to put back on the default table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateAssociations {
    /// Subnets that move to the table.
    pub associate: Vec<SubnetId>,
    /// Subnets that leave it for the default table.
    pub disassociate: Vec<SubnetId>,
}

/// A legacy route: an entry of the VPC's default table, to a peering.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateRoute {
    /// The VPC.
    pub vpc: VpcId,
    /// Destination.
    pub destination: IpNet,
    /// Must be of type peering.
    pub next_hop: NextHopSpec,
}

/// Makes a custom route table.
///
/// # Errors
/// Name or description not well formed; too many routes in one call; quotas; a route that is not allowed.
pub fn create_route_table(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    request: CreateRouteTable,
) -> Result<Outcome<RouteTable>, Error> {
    let vpc = own_vpc(catalog, caller, request.vpc)?;
    validate_optional_name(&request.name)?;
    validate_description(&request.description)?;
    if request.routes.len() > ctx.limits.routes_per_create {
        let most = ctx.limits.routes_per_create;
        return Err(Error::invalid("routes", format!("at most {most} routes can be given when a table is made")));
    }
    let used = catalog.route_tables_of(vpc.id).count();
    if used >= ctx.limits.route_tables_per_vpc {
        let limit = ctx.limits.route_tables_per_vpc;
        return Err(Error::QuotaExceeded { resource: Quota::RouteTables, used, limit });
    }
    let table = RouteTable {
        id: RouteTableId::new(ctx.ids.uuid()),
        project: vpc.project,
        region: vpc.region.clone(),
        vpc: vpc.id,
        name: request.name,
        description: request.description,
        default: false,
        created_at: ctx.now,
        updated_at: ctx.now,
    };
    let mut edit = Edit::new(catalog, vpc, &table);
    for route in &request.routes {
        edit.add(ctx, route)?;
    }
    let (mut changes, warnings) = edit.finish(ctx)?;
    changes.create(table.clone());
    Ok(Outcome::new(table, changes).with_warnings(warnings))
}

/// Changes a table's name, description and routes.
///
/// # Errors
/// Fields not well formed; a removal or change of a route that is not there; an addition that is not allowed; quota.
pub fn update_route_table(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    id: RouteTableId,
    request: UpdateRouteTable,
) -> Result<Outcome<RouteTable>, Error> {
    let (vpc, table) = own_table(catalog, caller, id)?;
    let mut table = RouteTable::clone(table);
    if let Some(name) = request.name {
        validate_name(&name)?;
        table.name = name;
    }
    if let Some(description) = request.description {
        validate_description(&description)?;
        table.description = description;
    }
    table.updated_at = ctx.now;
    let mut edit = Edit::new(catalog, vpc, &table);
    for destination in &request.remove {
        edit.remove(*destination)?;
    }
    for route in &request.modify {
        edit.modify(route)?;
    }
    for route in &request.add {
        edit.add(ctx, route)?;
    }
    let (mut changes, warnings) = edit.finish(ctx)?;
    changes.replace(catalog, table.clone());
    Ok(Outcome::new(table, changes).with_warnings(warnings))
}

/// Deletes a custom table with its routes.
///
/// # Errors
/// [`Error::DefaultTable`]; [`Error::TableInUse`] while subnets are associated (rule RT-15).
pub fn delete_route_table(
    catalog: &Catalog,
    caller: &Caller,
    _ctx: &mut Context<'_>,
    id: RouteTableId,
) -> Result<Outcome<()>, Error> {
    let (vpc, table) = own_table(catalog, caller, id)?;
    if table.default {
        return Err(Error::DefaultTable { table: id, reason: "it cannot be deleted; it goes with the VPC" });
    }
    let subnets: Vec<_> = catalog.subnets_on_table(id).map(|subnet| subnet.id).collect();
    if !subnets.is_empty() {
        return Err(Error::TableInUse { table: id, subnets });
    }
    let mut changes = Changes::new();
    changes.lock(catalog, Kind::Vpc, vpc.id);
    for route in catalog.routes_of(id) {
        changes.delete(catalog, Kind::Route, route.id);
    }
    changes.delete(catalog, Kind::RouteTable, id);
    Ok(Outcome::new((), changes))
}

/// Moves subnets to a table, or back to the default table.
///
/// # Errors
/// A subnet of another VPC or of nobody; one that is not on the table that it shall leave; the default table cannot be
/// left; too many subnets in one call.
pub fn update_associations(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    id: RouteTableId,
    request: &UpdateAssociations,
) -> Result<Outcome<RouteTable>, Error> {
    let (vpc, table) = own_table(catalog, caller, id)?;
    let most = ctx.limits.subnets_per_association;
    if request.associate.len() > most || request.disassociate.len() > most {
        return Err(Error::invalid("subnets", format!("at most {most} subnets can be given in one call")));
    }
    if let Some(both) = request.associate.iter().find(|subnet| request.disassociate.contains(subnet)) {
        return Err(Error::invalid("subnets", format!("{both} is to be associated and disassociated at once")));
    }
    if table.default && !request.disassociate.is_empty() {
        let reason = "subnets leave it by being associated with another table";
        return Err(Error::DefaultTable { table: id, reason });
    }
    let mut changes = Changes::new();
    changes.lock(catalog, Kind::Vpc, vpc.id);
    let moves = request.associate.iter().map(|subnet| (*subnet, id));
    let returns = request.disassociate.iter().map(|subnet| (*subnet, vpc.default_route_table));
    for (subnet, target) in moves.chain(returns) {
        let subnet = own_subnet(catalog, caller, subnet)?;
        if subnet.vpc != vpc.id {
            return Err(Error::SubnetNotInVpc { subnet: subnet.id, vpc: vpc.id });
        }
        if target != id && subnet.route_table != id {
            return Err(Error::SubnetNotOnTable { subnet: subnet.id, table: id });
        }
        let mut subnet = subnet.clone();
        subnet.route_table = target;
        changes.replace(catalog, subnet);
    }
    let table = RouteTable { updated_at: ctx.now, ..RouteTable::clone(table) };
    changes.replace(catalog, table.clone());
    Ok(Outcome::new(table, changes))
}

/// Adds a legacy route: one to a peering, in the VPC's default table.
///
/// # Errors
/// A type other than peering; otherwise as for an addition to a table.
pub fn create_route(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    request: CreateRoute,
) -> Result<Outcome<Route>, Error> {
    let vpc = own_vpc(catalog, caller, request.vpc)?;
    if request.next_hop.kind != NextHopType::Peering {
        return Err(Error::invalid("type", "only peering is possible here; use a route table for other types"));
    }
    let (_, table) = own_table(catalog, caller, vpc.default_route_table)?;
    let mut edit = Edit::new(catalog, vpc, table);
    let request = NewRoute { destination: request.destination, next_hop: request.next_hop, description: None };
    let route = edit.add(ctx, &request)?;
    let (changes, warnings) = edit.finish(ctx)?;
    Ok(Outcome::new(route, changes).with_warnings(warnings))
}

/// Deletes a custom route by its id.
///
/// # Errors
/// [`Error::NotFound`].
pub fn delete_route(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    id: RouteId,
) -> Result<Outcome<()>, Error> {
    let route = catalog
        .route(id)
        .filter(|route| caller.sees(catalog, route.project))
        .ok_or_else(|| Error::not_found(Kind::Route, id))?;
    let (vpc, table) = own_table(catalog, caller, route.table)?;
    let mut edit = Edit::new(catalog, vpc, table);
    edit.remove(route.destination)?;
    let (changes, _) = edit.finish(ctx)?;
    Ok(Outcome::new((), changes))
}

pub(crate) fn own_table<'a>(
    catalog: &'a Catalog,
    caller: &Caller,
    id: RouteTableId,
) -> Result<(&'a Vpc, &'a Arc<RouteTable>), Error> {
    let table = catalog
        .route_table(id)
        .filter(|table| caller.sees(catalog, table.project))
        .ok_or_else(|| Error::not_found(Kind::RouteTable, id))?;
    Ok((own_vpc(catalog, caller, table.vpc)?, table))
}

/// An edit of one table's routes. Everything in it happens together.
struct Edit<'a> {
    catalog: &'a Catalog,
    vpc: &'a Vpc,
    table: RouteTable,
    routes: BTreeMap<IpNet, Route>,
    before: usize,
    changes: Changes,
    warnings: Vec<Warning>,
}

impl<'a> Edit<'a> {
    fn new(catalog: &'a Catalog, vpc: &'a Vpc, table: &RouteTable) -> Self {
        let routes: BTreeMap<_, _> =
            catalog.routes_of(table.id).map(|route| (route.destination, Route::clone(route))).collect();
        let mut changes = Changes::new();
        // Subnets, routes and peerings of a VPC are changed one after the other: rules RT-8, RT-9 and RT-14 speak of
        // all of them.
        changes.lock(catalog, Kind::Vpc, vpc.id);
        let before = routes.len();
        Self { catalog, vpc, table: table.clone(), routes, before, changes, warnings: Vec::new() }
    }

    fn add(&mut self, ctx: &mut Context<'_>, request: &NewRoute) -> Result<Route, Error> {
        let (changes, warnings) = (&mut self.changes, &mut self.warnings);
        let route = new_route(self.catalog, ctx, self.vpc, &self.table, request, changes, warnings)?;
        if self.routes.contains_key(&route.destination) {
            return Err(Error::RouteDuplicateDestination { destination: route.destination });
        }
        self.routes.insert(route.destination, route.clone());
        self.changes.create(route.clone());
        Ok(route)
    }

    fn modify(&mut self, request: &NewRoute) -> Result<(), Error> {
        let Some(route) = self.routes.get_mut(&request.destination) else {
            return Err(missing(self.catalog, self.vpc, request.destination));
        };
        route.next_hop = resolve(self.catalog, self.vpc, &request.next_hop, &mut self.changes)?;
        validate_next_hop(self.catalog, route.destination, route.next_hop)?;
        if let Some(description) = &request.description {
            validate_description(description)?;
            route.description.clone_from(description);
        }
        self.changes.replace(self.catalog, route.clone());
        Ok(())
    }

    fn remove(&mut self, destination: IpNet) -> Result<(), Error> {
        let route = self.routes.remove(&destination).ok_or_else(|| missing(self.catalog, self.vpc, destination))?;
        self.changes.delete(self.catalog, Kind::Route, route.id);
        Ok(())
    }

    /// Checks the quota (rule RT-14).
    fn finish(self, ctx: &Context<'_>) -> Result<(Changes, Vec<Warning>), Error> {
        let limit = ctx.limits.routes_per_vpc;
        if self.routes.len() > self.before {
            let used = self.catalog.routes_of_vpc(self.vpc.id).count();
            if used - self.before + self.routes.len() > limit {
                return Err(Error::QuotaExceeded { resource: Quota::Routes, used, limit });
            }
        }
        Ok((self.changes, self.warnings))
    }
}

fn missing(catalog: &Catalog, vpc: &Vpc, destination: IpNet) -> Error {
    if system_routes(catalog, vpc).contains(&destination) {
        Error::SystemRoute { destination }
    } else {
        Error::RouteNotFound { destination }
    }
}
