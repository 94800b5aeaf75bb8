//! VPCs (rules NET-1, NET-2, RT-1, EF-7, EF-9).

use ipnet::Ipv4Net;
use model::{
    CidrError, Claim, EdgeSiteId, Kind, PeeringStatus, RouteTable, RouteTableId, Tags, Vpc, VpcId,
    validate_description, validate_optional_name, validate_primary_cidr, validate_secondary_cidr,
};

use crate::enterprise_project::named_or_default;
use crate::error::{CidrProblem, VpcUse};
use crate::peering::remove_peering;
use crate::tags::within_limit;
use crate::{Caller, Changes, Context, Error, Outcome, Quota};
use catalog::Catalog;

/// A VPC to make, with its default route table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CreateVpc {
    /// 0 to 64 characters; unique in the project when not empty.
    pub name: String,
    /// At most 255 characters.
    pub description: String,
    /// Primary range (rule NET-1); may be left out.
    pub cidr: Option<Ipv4Net>,
    /// Edge site of the region; `None` for the centre.
    pub edge_site: Option<EdgeSiteId>,
    /// `"0"` when left out.
    pub enterprise_project_id: Option<String>,
    /// Tags.
    pub tags: Tags,
    /// On when left out (api-vpc section 4.1).
    pub enhanced_local_route: Option<bool>,
    /// Whether the platform's services shall not be reached (api-vpc section 4.1).
    pub block_service_endpoints: bool,
    /// Whether the use of addresses shall be measured.
    pub address_usage_metrics: bool,
}

/// What to change of a VPC; `None` leaves a field as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateVpc {
    /// New name.
    pub name: Option<String>,
    /// New description.
    pub description: Option<String>,
    /// New primary range: must contain every subnet that the secondary ranges do not.
    pub cidr: Option<Ipv4Net>,
    /// Can be turned on; once on it stays on.
    pub enhanced_local_route: Option<bool>,
    /// Whether the use of addresses shall be measured.
    pub address_usage_metrics: Option<bool>,
}

/// Makes a VPC and its default route table in the caller's project.
///
/// # Errors
/// Name, description or range not well formed; name taken; quota; unknown edge site.
pub fn create_vpc(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    request: CreateVpc,
) -> Result<Outcome<Vpc>, Error> {
    let project = caller.scope(catalog)?;
    validate_optional_name(&request.name)?;
    validate_description(&request.description)?;
    if let Some(cidr) = request.cidr {
        validate_canonical(cidr)?;
        validate_primary_cidr(cidr)?;
    }
    if let Some(site) = &request.edge_site
        && !ctx.config.region(&project.region).is_some_and(|region| region.edge_sites.contains(site))
    {
        return Err(Error::invalid("edge_site", format!("region {} has no edge site `{site}`", project.region)));
    }
    let enterprise_project_id = named_or_default(request.enterprise_project_id)?;
    within_limit(&request.tags, ctx.limits)?;
    name_is_free(catalog, project.id, None, &request.name)?;
    let used = catalog.vpcs_of(project.id).count();
    if used >= ctx.limits.vpcs {
        return Err(Error::QuotaExceeded { resource: Quota::Vpcs, used, limit: ctx.limits.vpcs });
    }

    let mut changes = Changes::new();
    changes.lock(catalog, Kind::Project, project.id);
    let vni = ctx.vni(catalog, &[])?;
    let vpc = Vpc {
        id: VpcId::new(ctx.ids.uuid()),
        project: project.id,
        region: project.region.clone(),
        name: request.name,
        description: request.description,
        cidr: request.cidr,
        secondary_cidrs: Vec::new(),
        edge_site: request.edge_site,
        vni,
        default_route_table: RouteTableId::new(ctx.ids.uuid()),
        enterprise_project_id,
        tags: request.tags,
        enhanced_local_route: request.enhanced_local_route.unwrap_or(true),
        block_service_endpoints: request.block_service_endpoints,
        address_usage_metrics: request.address_usage_metrics,
        created_at: ctx.now,
        updated_at: ctx.now,
    };
    let table = RouteTable {
        id: vpc.default_route_table,
        project: vpc.project,
        region: vpc.region.clone(),
        vpc: vpc.id,
        name: default_table_name(&vpc.name),
        description: String::new(),
        default: true,
        created_at: ctx.now,
        updated_at: ctx.now,
    };
    changes.claim(Claim::vni(vni), Kind::Vpc, vpc.id);
    changes.create(table);
    changes.create(vpc.clone());
    Ok(Outcome::new(vpc, changes))
}

/// Changes a VPC's name, description, primary range or switches.
///
/// # Errors
/// As for creation; [`CidrProblem::LeavesOut`] when a subnet would be outside of the new range.
pub fn update_vpc(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    id: VpcId,
    request: UpdateVpc,
) -> Result<Outcome<Vpc>, Error> {
    let mut vpc = own_vpc(catalog, caller, id)?.clone();
    let mut changes = Changes::new();
    if let Some(name) = request.name
        && name != vpc.name
    {
        validate_optional_name(&name)?;
        name_is_free(catalog, vpc.project, Some(id), &name)?;
        changes.lock(catalog, Kind::Project, vpc.project);
        vpc.name = name;
    }
    if let Some(description) = request.description {
        validate_description(&description)?;
        vpc.description = description;
    }
    if let Some(cidr) = request.cidr
        && vpc.cidr != Some(cidr)
    {
        validate_canonical(cidr)?;
        validate_primary_cidr(cidr)?;
        if let Some(with) = vpc.secondary_cidrs.iter().find(|other| overlap(**other, cidr)) {
            return Err(Error::VpcCidr { cidr, problem: CidrProblem::Overlaps { with: *with } });
        }
        vpc.cidr = Some(cidr);
        let outside = catalog.subnets_of(id).find(|subnet| !vpc.cidrs().any(|block| block.contains(&subnet.cidr)));
        if let Some(subnet) = outside {
            return Err(Error::VpcCidr { cidr, problem: CidrProblem::LeavesOut { subnet: subnet.cidr } });
        }
    }
    match request.enhanced_local_route {
        Some(false) if vpc.enhanced_local_route => {
            return Err(Error::invalid("enhanced_local_route", "it is on and cannot be turned off again"));
        }
        wanted => vpc.enhanced_local_route = wanted.unwrap_or(vpc.enhanced_local_route),
    }
    vpc.address_usage_metrics = request.address_usage_metrics.unwrap_or(vpc.address_usage_metrics);
    vpc.updated_at = ctx.now;
    changes.replace(catalog, vpc.clone());
    Ok(Outcome::new(vpc, changes))
}

/// Adds secondary ranges, all or none (rules NET-2, EF-9).
///
/// # Errors
/// A range that is refused, overlaps one of the VPC's, or exceeds the quota.
pub fn add_secondary_cidrs(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    id: VpcId,
    cidrs: &[Ipv4Net],
) -> Result<Outcome<Vpc>, Error> {
    let mut vpc = own_vpc(catalog, caller, id)?.clone();
    not_empty(cidrs)?;
    for cidr in cidrs {
        validate_canonical(*cidr)?;
        validate_secondary_cidr(*cidr)?;
        if let Some(with) = vpc.cidrs().find(|other| overlap(*other, *cidr)) {
            return Err(Error::VpcCidr { cidr: *cidr, problem: CidrProblem::Overlaps { with } });
        }
        vpc.secondary_cidrs.push(*cidr);
    }
    if vpc.secondary_cidrs.len() > ctx.limits.secondary_cidrs {
        let used = vpc.secondary_cidrs.len() - cidrs.len();
        return Err(Error::QuotaExceeded { resource: Quota::SecondaryCidrs, used, limit: ctx.limits.secondary_cidrs });
    }
    vpc.updated_at = ctx.now;
    let mut changes = Changes::new();
    changes.replace(catalog, vpc.clone());
    Ok(Outcome::new(vpc, changes))
}

/// Removes secondary ranges, all or none; their subnets must be gone (rule EF-9).
///
/// # Errors
/// A range that the VPC does not have, or one with subnets.
pub fn remove_secondary_cidrs(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    id: VpcId,
    cidrs: &[Ipv4Net],
) -> Result<Outcome<Vpc>, Error> {
    let mut vpc = own_vpc(catalog, caller, id)?.clone();
    not_empty(cidrs)?;
    for cidr in cidrs {
        let Some(position) = vpc.secondary_cidrs.iter().position(|other| other == cidr) else {
            return Err(Error::VpcCidr { cidr: *cidr, problem: CidrProblem::NotOfVpc });
        };
        let subnets: Vec<_> = catalog.subnets_of(id).map(|s| s.cidr).filter(|subnet| cidr.contains(subnet)).collect();
        if !subnets.is_empty() {
            return Err(Error::VpcCidr { cidr: *cidr, problem: CidrProblem::HasSubnets { subnets } });
        }
        vpc.secondary_cidrs.remove(position);
    }
    vpc.updated_at = ctx.now;
    let mut changes = Changes::new();
    changes.replace(catalog, vpc.clone());
    Ok(Outcome::new(vpc, changes))
}

/// Deletes a VPC with its route tables, and its peerings that are not active, with the routes to them (rule EF-7).
///
/// # Errors
/// [`Error::VpcInUse`] while it has subnets, an active peering or custom routes.
pub fn delete_vpc(catalog: &Catalog, caller: &Caller, _ctx: &mut Context<'_>, id: VpcId) -> Result<Outcome<()>, Error> {
    let vpc = own_vpc(catalog, caller, id)?;
    let mut by = Vec::new();
    let subnets: Vec<_> = catalog.subnets_of(id).map(|subnet| subnet.name.clone()).collect();
    if !subnets.is_empty() {
        by.push(VpcUse::Subnets(subnets));
    }
    let active: Vec<_> =
        catalog.peerings_of(id).filter(|p| p.status == PeeringStatus::Active).map(|p| p.name.clone()).collect();
    if !active.is_empty() {
        by.push(VpcUse::Peerings(active));
    }
    let routes: Vec<_> = catalog.routes_of_vpc(id).map(|route| route.destination).collect();
    if !routes.is_empty() {
        by.push(VpcUse::Routes(routes));
    }
    if !by.is_empty() {
        return Err(Error::VpcInUse { vpc: id, by });
    }

    let mut changes = Changes::new();
    for peering in catalog.peerings_of(id) {
        remove_peering(catalog, peering, &mut changes);
    }
    for table in catalog.route_tables_of(id) {
        changes.delete(catalog, Kind::RouteTable, table.id);
    }
    changes.unclaim(&Claim::vni(vpc.vni));
    changes.delete(catalog, Kind::Vpc, id);
    Ok(Outcome::new((), changes))
}

/// The VPC, if the caller may change it.
pub(crate) fn own_vpc<'a>(catalog: &'a Catalog, caller: &Caller, id: VpcId) -> Result<&'a Vpc, Error> {
    catalog
        .vpc(id)
        .filter(|vpc| caller.sees(catalog, vpc.project))
        .map(AsRef::as_ref)
        .ok_or_else(|| Error::not_found(Kind::Vpc, id))
}

/// Whether two ranges share an address.
pub(crate) fn overlap(a: Ipv4Net, b: Ipv4Net) -> bool {
    a.contains(&b) || b.contains(&a)
}

pub(crate) fn validate_canonical(cidr: Ipv4Net) -> Result<(), CidrError> {
    if cidr.addr() == cidr.network() {
        Ok(())
    } else {
        Err(CidrError::HostBits { given: cidr.to_string(), canonical: cidr.trunc().to_string() })
    }
}

/// The default table's name; a name that would be too long loses its end.
fn default_table_name(vpc: &str) -> String {
    format!("rtb-{vpc}").chars().take(64).collect()
}

fn not_empty(cidrs: &[Ipv4Net]) -> Result<(), Error> {
    if cidrs.is_empty() { Err(Error::invalid("extend_cidrs", "at least one CIDR block is expected")) } else { Ok(()) }
}

fn name_is_free(catalog: &Catalog, project: model::ProjectId, except: Option<VpcId>, name: &str) -> Result<(), Error> {
    let taken = !name.is_empty() && catalog.vpcs_of(project).any(|vpc| vpc.name == name && Some(vpc.id) != except);
    if taken { Err(Error::NameTaken { kind: Kind::Vpc, name: name.to_owned() }) } else { Ok(()) }
}
