//! Subnets (rules NET-3, NET-4, EF-8, RT-10).

use std::net::Ipv4Addr;

use catalog::Catalog;
use ipnet::{IpNet, Ipv4Net};
use model::{
    DhcpOption, Kind, NextHop, Subnet, SubnetId, VpcId, validate_description, validate_name, validate_subnet_cidr,
};

use crate::error::SubnetUse;
use crate::vpc::{overlap, own_vpc, validate_canonical};
use crate::{Caller, Changes, Context, Error, Outcome, Quota, Warning};

/// A subnet to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateSubnet {
    /// The VPC.
    pub vpc: VpcId,
    /// 1 to 64 characters.
    pub name: String,
    /// At most 255 characters.
    pub description: String,
    /// Inside one range of the VPC, at most /29; never changes.
    pub cidr: Ipv4Net,
    /// Gateway; the first address when left out.
    pub gateway: Option<Ipv4Addr>,
    /// Whether it shall have an IPv6 range.
    pub ipv6: bool,
    /// Whether DHCP answers.
    pub dhcp_enable: bool,
    /// DNS servers for the guests.
    pub dns: Vec<Ipv4Addr>,
    /// Availability zone; may be empty.
    pub availability_zone: String,
    /// DHCP options (api-vpc section 5.3).
    pub dhcp_options: Vec<DhcpOption>,
}

impl CreateSubnet {
    /// A subnet with everything else as when left out.
    #[must_use]
    pub fn new(vpc: VpcId, name: impl Into<String>, cidr: Ipv4Net) -> Self {
        Self {
            vpc,
            name: name.into(),
            description: String::new(),
            cidr,
            gateway: None,
            ipv6: false,
            dhcp_enable: true,
            dns: Vec::new(),
            availability_zone: String::new(),
            dhcp_options: Vec::new(),
        }
    }
}

/// One DHCP option to set, or with no value to clear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DhcpOptionChange {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Option<String>,
}

/// What to change of a subnet; `None` leaves a field as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateSubnet {
    /// The VPC that the call names; must be the subnet's.
    pub vpc: Option<VpcId>,
    /// New name.
    pub name: Option<String>,
    /// New description.
    pub description: Option<String>,
    /// Whether it shall have an IPv6 range.
    pub ipv6: Option<bool>,
    /// Whether DHCP answers.
    pub dhcp_enable: Option<bool>,
    /// New DNS servers.
    pub dns: Option<Vec<Ipv4Addr>>,
    /// Options to set or clear; others stay.
    pub dhcp_options: Vec<DhcpOptionChange>,
}

/// Makes a subnet on the VPC's default route table.
///
/// # Errors
/// Range outside of the VPC's, overlapping another subnet or too small; a gateway that is no host address of it; fields
/// not well formed; quota. IPv6 is [`Error::NotSupported`].
pub fn create_subnet(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    request: CreateSubnet,
) -> Result<Outcome<Subnet>, Error> {
    let vpc = own_vpc(catalog, caller, request.vpc)?;
    validate_name(&request.name)?;
    validate_description(&request.description)?;
    let cidr = request.cidr;
    validate_canonical(cidr)?;
    validate_subnet_cidr(cidr)?;
    if !vpc.cidrs().any(|block| block.contains(&cidr)) {
        return Err(Error::CidrNotInVpc { cidr, blocks: vpc.cidrs().collect() });
    }
    if let Some(other) = catalog.subnets_of(vpc.id).find(|other| overlap(other.cidr, cidr)) {
        return Err(Error::SubnetOverlap { cidr, existing: other.cidr, name: other.name.clone() });
    }
    let gateway = request.gateway.unwrap_or_else(|| Ipv4Addr::from(u32::from(cidr.network()).saturating_add(1)));
    validate_gateway(cidr, gateway)?;
    refuse_ipv6(request.ipv6)?;
    validate_dns(&request.dns, ctx)?;
    validate_zone(&request.availability_zone, &vpc.region, ctx)?;
    for option in &request.dhcp_options {
        validate_dhcp_option(&option.name, &option.value)?;
    }
    let used = catalog.subnets_of_project(vpc.project).count();
    if used >= ctx.limits.subnets {
        return Err(Error::QuotaExceeded { resource: Quota::Subnets, used, limit: ctx.limits.subnets });
    }

    let subnet = Subnet {
        id: SubnetId::new(ctx.ids.uuid()),
        neutron_subnet_id: ctx.ids.uuid(),
        project: vpc.project,
        region: vpc.region.clone(),
        vpc: vpc.id,
        route_table: vpc.default_route_table,
        name: request.name,
        description: request.description,
        cidr,
        gateway,
        ipv6: None,
        dhcp_enable: request.dhcp_enable,
        dns: request.dns,
        availability_zone: request.availability_zone,
        dhcp_options: request.dhcp_options,
        created_at: ctx.now,
        updated_at: ctx.now,
    };
    let covered: Vec<IpNet> = catalog
        .routes_of_vpc(vpc.id)
        .map(|route| route.destination)
        .filter(|destination| matches!(destination, IpNet::V4(net) if overlap(*net, cidr)))
        .collect();
    let mut changes = Changes::new();
    changes.lock(catalog, Kind::Vpc, vpc.id);
    changes.lock(catalog, Kind::Project, vpc.project);
    changes.create(subnet.clone());
    let mut warnings = Vec::new();
    if !covered.is_empty() {
        warnings.push(Warning::SubnetShadowsRoutes { subnet: subnet.id, destinations: covered });
    }
    Ok(Outcome::new(subnet, changes).with_warnings(warnings))
}

/// Changes a subnet. Its range, gateway and VPC never change (rule NET-3).
///
/// # Errors
/// [`Error::SubnetNotInVpc`] when the call names another VPC; fields not well formed.
pub fn update_subnet(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    id: SubnetId,
    request: UpdateSubnet,
) -> Result<Outcome<Subnet>, Error> {
    let mut subnet = own_subnet(catalog, caller, id)?.clone();
    of_vpc(&subnet, request.vpc)?;
    if let Some(name) = request.name {
        validate_name(&name)?;
        subnet.name = name;
    }
    if let Some(description) = request.description {
        validate_description(&description)?;
        subnet.description = description;
    }
    refuse_ipv6(request.ipv6 == Some(true))?;
    if let Some(dhcp_enable) = request.dhcp_enable {
        subnet.dhcp_enable = dhcp_enable;
    }
    if let Some(dns) = request.dns {
        validate_dns(&dns, ctx)?;
        subnet.dns = dns;
    }
    for change in request.dhcp_options {
        match &change.value {
            Some(value) => validate_dhcp_option(&change.name, value)?,
            // Clearing needs a known name only.
            None if DHCP_OPTIONS.contains(&change.name.as_str()) => {}
            None => validate_dhcp_option(&change.name, "")?,
        }
        subnet.dhcp_options.retain(|option| option.name != change.name);
        if let Some(value) = change.value {
            subnet.dhcp_options.push(DhcpOption { name: change.name, value });
        }
    }
    subnet.updated_at = ctx.now;
    let mut changes = Changes::new();
    changes.replace(catalog, subnet.clone());
    Ok(Outcome::new(subnet, changes))
}

/// Deletes a subnet. `vpc` is the VPC that the call names, if it names one.
///
/// # Errors
/// [`Error::SubnetInUse`] while it has ports or is the place of a route's next hop (rule EF-8).
pub fn delete_subnet(
    catalog: &Catalog,
    caller: &Caller,
    _ctx: &mut Context<'_>,
    id: SubnetId,
    vpc: Option<VpcId>,
) -> Result<Outcome<()>, Error> {
    let subnet = own_subnet(catalog, caller, id)?;
    of_vpc(subnet, vpc)?;
    if let Some(by) = uses(catalog, subnet) {
        return Err(Error::SubnetInUse { subnet: id, by });
    }
    let mut changes = Changes::new();
    changes.lock(catalog, Kind::Vpc, subnet.vpc);
    changes.delete(catalog, Kind::Subnet, id);
    Ok(Outcome::new((), changes))
}

fn uses(catalog: &Catalog, subnet: &Subnet) -> Option<SubnetUse> {
    let mut routes = Vec::new();
    let mut servers = Vec::new();
    let mut addresses = Vec::new();
    for port in catalog.ports_in(subnet.id) {
        routes.extend(catalog.routes_to(NextHop::Eni(port.id)).map(|route| route.destination));
        routes.extend(catalog.routes_to_vip(subnet.vpc, port.ipv4.into()).map(|route| route.destination));
        match port.server {
            Some(server) => {
                routes.extend(catalog.routes_to_server(server).map(|route| route.destination));
                servers.push(server);
            }
            None => addresses.push(port.ipv4),
        }
    }
    servers.dedup();
    if !routes.is_empty() {
        Some(SubnetUse::Routes(routes))
    } else if !servers.is_empty() {
        Some(SubnetUse::Servers(servers))
    } else if !addresses.is_empty() {
        Some(SubnetUse::PrivateIps(addresses))
    } else {
        None
    }
}

/// The subnet, if the caller may change it.
pub(crate) fn own_subnet<'a>(catalog: &'a Catalog, caller: &Caller, id: SubnetId) -> Result<&'a Subnet, Error> {
    catalog
        .subnet(id)
        .filter(|subnet| caller.sees(catalog, subnet.project))
        .map(AsRef::as_ref)
        .ok_or_else(|| Error::not_found(Kind::Subnet, id))
}

fn of_vpc(subnet: &Subnet, vpc: Option<VpcId>) -> Result<(), Error> {
    match vpc {
        Some(vpc) if vpc != subnet.vpc => Err(Error::SubnetNotInVpc { subnet: subnet.id, vpc }),
        _ => Ok(()),
    }
}

fn validate_gateway(cidr: Ipv4Net, gateway: Ipv4Addr) -> Result<(), Error> {
    let reason = if !cidr.contains(&gateway) {
        "it is outside of the subnet"
    } else if gateway == cidr.network() || gateway == cidr.broadcast() {
        "the first and last address are the network's own"
    } else {
        return Ok(());
    };
    Err(Error::invalid("gateway_ip", format!("{gateway} cannot be the gateway of {cidr}: {reason}")))
}

fn refuse_ipv6(wanted: bool) -> Result<(), Error> {
    if wanted {
        Err(Error::NotSupported(
            "IPv6 subnets are not available in this installation; leave ipv6_enable out".to_owned(),
        ))
    } else {
        Ok(())
    }
}

fn validate_dns(dns: &[Ipv4Addr], ctx: &Context<'_>) -> Result<(), Error> {
    if dns.len() > ctx.limits.dns_servers {
        return Err(Error::invalid("dnsList", format!("at most {} DNS servers are allowed", ctx.limits.dns_servers)));
    }
    Ok(())
}

fn validate_zone(zone: &str, region: &model::RegionId, ctx: &Context<'_>) -> Result<(), Error> {
    let zones = ctx.config.region(region).map_or(&[][..], |region| &region.availability_zones);
    if zone.is_empty() || zones.is_empty() || zones.iter().any(|known| known == zone) {
        Ok(())
    } else {
        Err(Error::invalid("availability_zone", format!("region {region} has no zone `{}`", short(zone))))
    }
}

const DHCP_OPTIONS: [&str; 4] = ["ntp", "addresstime", "ipv6_addresstime", "domainname"];

/// api-vpc section 5.3: the four options and their values.
fn validate_dhcp_option(name: &str, value: &str) -> Result<(), Error> {
    let problem = match name {
        "ntp" => {
            let servers: Vec<Option<Ipv4Addr>> = value.split(',').map(|s| s.trim().parse().ok()).collect();
            let mut distinct = servers.clone();
            distinct.sort_unstable();
            distinct.dedup();
            (servers.contains(&None) || servers.len() > 4 || distinct.len() != servers.len())
                .then_some("one to four different IPv4 addresses with commas between them are expected")
        }
        "addresstime" | "ipv6_addresstime" => {
            let hours = value.strip_suffix('h').and_then(|hours| hours.parse::<u32>().ok());
            let allowed = value == "-1" || hours.is_some_and(|hours| (1..=30_000).contains(&hours));
            (!allowed).then_some("-1 or 1h to 30000h is expected")
        }
        "domainname" => {
            let allowed = !value.is_empty()
                && value.len() <= 253
                && value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.');
            (!allowed).then_some("a domain name is expected")
        }
        _ => Some("known options are ntp, addresstime, ipv6_addresstime and domainname"),
    };
    match problem {
        Some(problem) => Err(Error::invalid("extra_dhcp_opts", format!("option `{}`: {problem}", short(name)))),
        None => Ok(()),
    }
}

fn short(text: &str) -> String {
    text.chars().take(64).collect()
}
