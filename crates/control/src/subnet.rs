//! Subnets (rules NET-3, NET-4, EF-8, RT-10, V6-1).

use std::net::Ipv4Addr;

use catalog::Catalog;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use model::{
    Claim, DhcpOption, Ipv6Range, Kind, NeutronNames, Subnet, SubnetId, Tags, VpcId, validate_description,
    validate_name, validate_subnet_cidr,
};

use crate::error::SubnetUse;
use crate::ipv6::new_range;
use crate::network::within_quota;
use crate::route::{ranges, routes_to_port};
use crate::router_interface::fits;
use crate::tags::within_limit;
use crate::vpc::{own_vpc, validate_canonical};
use crate::{Caller, Changes, Context, Error, Limits, Outcome, Warning};

/// A subnet to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateSubnet {
    /// The VPC.
    pub vpc: VpcId,
    /// 1 to 64 characters.
    pub name: String,
    /// At most 255 characters.
    pub description: String,
    /// Inside one range of the VPC, at most /29; never changes. A VPC without primary range takes any private one.
    pub cidr: Ipv4Net,
    /// Gateway; the first address when left out.
    pub gateway: Option<Ipv4Addr>,
    /// Whether it shall have an IPv6 range (rule V6-1).
    pub ipv6: bool,
    /// The IPv6 range, a /64 that is free in the installation; one of the installation's when left out. Only with
    /// `ipv6`.
    pub cidr_v6: Option<Ipv6Net>,
    /// Whether DHCP answers.
    pub dhcp_enable: bool,
    /// DNS servers for the guests.
    pub dns: Vec<Ipv4Addr>,
    /// Availability zone; may be empty.
    pub availability_zone: String,
    /// DHCP options (api-vpc section 5.3).
    pub dhcp_options: Vec<DhcpOption>,
    /// Tags.
    pub tags: Tags,
    /// Whether the use of addresses shall be measured.
    pub address_usage_metrics: bool,
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
            cidr_v6: None,
            dhcp_enable: true,
            dns: Vec::new(),
            availability_zone: String::new(),
            dhcp_options: Vec::new(),
            tags: Tags::default(),
            address_usage_metrics: false,
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

/// New DNS servers of a subnet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DnsChange {
    /// These instead of all that there are.
    All(Vec<Ipv4Addr>),
    /// The first and the second one; those behind stay.
    FirstTwo([DnsEntry; 2]),
}

/// What becomes of one DNS server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DnsEntry {
    /// It stays.
    Keep,
    /// It goes.
    Remove,
    /// This one instead, or as a new one.
    Set(Ipv4Addr),
}

impl DnsChange {
    /// The servers after the change.
    fn of(self, servers: Vec<Ipv4Addr>) -> Vec<Ipv4Addr> {
        let entries = match self {
            Self::All(servers) => return servers,
            Self::FirstTwo(entries) => entries,
        };
        let mut before = servers.into_iter();
        let mut after = Vec::new();
        for entry in entries {
            let server = before.next();
            match entry {
                DnsEntry::Keep => after.extend(server),
                DnsEntry::Remove => {}
                DnsEntry::Set(server) => after.push(server),
            }
        }
        after.extend(before);
        after
    }
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
    /// Whether it shall have an IPv6 range; one that it has stays (rule V6-1).
    pub ipv6: Option<bool>,
    /// Whether DHCP answers.
    pub dhcp_enable: Option<bool>,
    /// New DNS servers.
    pub dns: Option<DnsChange>,
    /// Options to set or clear; others stay.
    pub dhcp_options: Vec<DhcpOptionChange>,
    /// Whether the use of addresses shall be measured.
    pub address_usage_metrics: Option<bool>,
}

/// Makes a subnet on the VPC's default route table.
///
/// # Errors
/// Range outside of the VPC's, overlapping another subnet or too small; a gateway that is no host address of it; fields
/// not well formed; quota; an IPv6 range that is not allowed or in use, or none left.
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
    fits(catalog, vpc, cidr)?;
    let gateway = request.gateway.unwrap_or_else(|| Ipv4Addr::from(u32::from(cidr.network()).saturating_add(1)));
    validate_gateway(cidr, gateway)?;
    if request.cidr_v6.is_some() && !request.ipv6 {
        return Err(Error::invalid("cidr_v6", "an IPv6 range needs ipv6_enable"));
    }
    validate_dns(&request.dns, ctx)?;
    validate_zone(&request.availability_zone, &vpc.region, ctx)?;
    for (position, option) in request.dhcp_options.iter().enumerate() {
        validate_dhcp_option(&option.name, &option.value, ctx.limits)?;
        if request.dhcp_options[..position].iter().any(|other| other.name == option.name) {
            let reason = format!("option `{}` is given twice", short(&option.name));
            return Err(Error::invalid("extra_dhcp_opts", reason));
        }
    }
    within_quota(catalog, ctx, vpc.project)?;
    within_limit(&request.tags, ctx.limits)?;

    let mut changes = Changes::new();
    let id = SubnetId::new(ctx.ids.uuid());
    let ipv6 =
        request.ipv6.then(|| new_range(catalog, ctx, request.cidr_v6, (Kind::Subnet, id), &mut changes)).transpose()?;
    let subnet = Subnet {
        id,
        neutron_subnet_id: ctx.ids.uuid(),
        neutron_names: NeutronNames::default(),
        project: vpc.project,
        region: vpc.region.clone(),
        vpc: vpc.id,
        route_table: vpc.default_route_table,
        name: request.name,
        description: request.description,
        cidr,
        gateway,
        ipv6,
        dhcp_enable: request.dhcp_enable,
        dns: request.dns,
        availability_zone: request.availability_zone,
        dhcp_options: request.dhcp_options,
        tags: request.tags,
        address_usage_metrics: request.address_usage_metrics,
        created_at: ctx.now,
        updated_at: ctx.now,
    };
    let warnings = shadows(catalog, &subnet, ranges(&subnet));
    changes.lock(catalog, Kind::Vpc, vpc.id);
    changes.lock(catalog, Kind::Project, vpc.project);
    changes.create(subnet.clone());
    Ok(Outcome::new(subnet, changes).with_warnings(warnings))
}

/// A warning when new local routes of a subnet cover custom routes of its VPC (rule RT-10).
pub(crate) fn shadows(catalog: &Catalog, subnet: &Subnet, ranges: impl Iterator<Item = IpNet>) -> Vec<Warning> {
    let ranges: Vec<_> = ranges.collect();
    let destinations: Vec<IpNet> = catalog
        .routes_of_vpc(subnet.vpc)
        .map(|route| route.destination)
        .filter(|route| ranges.iter().any(|range| range.contains(route) || route.contains(range)))
        .collect();
    let warning = Warning::SubnetShadowsRoutes { subnet: subnet.id, destinations };
    if matches!(&warning, Warning::SubnetShadowsRoutes { destinations, .. } if destinations.is_empty()) {
        Vec::new()
    } else {
        vec![warning]
    }
}

/// Changes a subnet. Its range, gateway and VPC never change (rule NET-3). IPv6 can be turned on; ports that exist stay
/// without IPv6 address until an update asks for one.
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
    let mut changes = Changes::new();
    let mut warnings = Vec::new();
    match (request.ipv6, subnet.ipv6) {
        (Some(true), None) => {
            let range = new_range(catalog, ctx, None, (Kind::Subnet, subnet.id), &mut changes)?;
            warnings = turned_on(catalog, &mut subnet, range, &mut changes);
        }
        (Some(false), Some(_)) => {
            return Err(Error::invalid("ipv6_enable", "IPv6 cannot be turned off again; make another subnet"));
        }
        _ => {}
    }
    if let Some(dhcp_enable) = request.dhcp_enable {
        subnet.dhcp_enable = dhcp_enable;
    }
    if let Some(change) = request.dns {
        subnet.dns = change.of(subnet.dns);
        validate_dns(&subnet.dns, ctx)?;
    }
    for change in request.dhcp_options {
        match &change.value {
            Some(value) => validate_dhcp_option(&change.name, value, ctx.limits)?,
            // Clearing needs a known name only.
            None if DHCP_OPTIONS.contains(&change.name.as_str()) => {}
            None => validate_dhcp_option(&change.name, "", ctx.limits)?,
        }
        subnet.dhcp_options.retain(|option| option.name != change.name);
        if let Some(value) = change.value {
            subnet.dhcp_options.push(DhcpOption { name: change.name, value });
        }
    }
    subnet.address_usage_metrics = request.address_usage_metrics.unwrap_or(subnet.address_usage_metrics);
    subnet.updated_at = ctx.now;
    changes.replace(catalog, subnet.clone());
    Ok(Outcome::new(subnet, changes).with_warnings(warnings))
}

/// Gives a subnet its IPv6 range, with what the caller should know.
pub(crate) fn turned_on(
    catalog: &Catalog,
    subnet: &mut Subnet,
    range: Ipv6Range,
    changes: &mut Changes,
) -> Vec<Warning> {
    subnet.ipv6 = Some(range);
    // A new local route: routes are added one after the other with it (rule RT-9).
    changes.lock(catalog, Kind::Vpc, subnet.vpc);
    let mut warnings = shadows(catalog, subnet, std::iter::once(IpNet::V6(range.cidr)));
    let ports = catalog.ports_in(subnet.id).filter(|port| port.server.is_some()).count();
    if ports > 0 {
        warnings.push(Warning::PortsWithoutIpv6 { ports });
    }
    warnings
}

/// Deletes a subnet with its CIDR reservations; it leaves its network ACL. `vpc` is the VPC that the call names, if it names one.
///
/// # Errors
/// [`Error::SubnetInUse`] while it has ports or is the place of a route's next hop (rule EF-8).
pub fn delete_subnet(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    id: SubnetId,
    vpc: Option<VpcId>,
) -> Result<Outcome<()>, Error> {
    let subnet = own_subnet(catalog, caller, id)?;
    of_vpc(subnet, vpc)?;
    if let Some(by) = uses(catalog, subnet) {
        return Err(Error::SubnetInUse { subnet: id, by });
    }
    let mut changes = Changes::new();
    if let Some(ipv6) = subnet.ipv6 {
        changes.unclaim(&Claim::ipv6_prefix(ipv6.cidr));
    }
    crate::cidr_reservation::remove_all(catalog, id, &mut changes);
    leave_vpc(catalog, ctx, subnet, &mut changes);
    Ok(Outcome::new((), changes))
}

/// Takes a subnet out of its VPC, for good or to be a network on no router (api-vpc §5.6).
pub(crate) fn leave_vpc(catalog: &Catalog, ctx: &Context<'_>, subnet: &Subnet, changes: &mut Changes) {
    changes.lock(catalog, Kind::Vpc, subnet.vpc);
    crate::network_acl::leave(catalog, ctx, subnet, changes);
    changes.delete(catalog, Kind::Subnet, subnet.id);
}

/// What uses a subnet (rule EF-8).
pub(crate) fn uses(catalog: &Catalog, subnet: &Subnet) -> Option<SubnetUse> {
    let mut routes = Vec::new();
    let mut servers = Vec::new();
    let mut addresses = Vec::new();
    for port in catalog.ports_in(subnet.id) {
        routes.extend(routes_to_port(catalog, port.id));
        let vips = port.addresses().flat_map(|address| catalog.routes_to_vip(subnet.vpc, address));
        routes.extend(vips.map(|route| route.destination));
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
    // What the Neutron views made and no router has yet can do nothing that a subnet of a VPC can.
    if catalog.network(id).is_some_and(|network| caller.sees(catalog, network.project)) {
        return Err(Error::NetworkNotAttached { network: id });
    }
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

pub(crate) fn validate_gateway(cidr: Ipv4Net, gateway: Ipv4Addr) -> Result<(), Error> {
    let reason = if !cidr.contains(&gateway) {
        "it is outside of the subnet"
    } else if gateway == cidr.network() || gateway == cidr.broadcast() {
        "the first and last address are the network's own"
    } else {
        return Ok(());
    };
    Err(Error::invalid("gateway_ip", format!("{gateway} cannot be the gateway of {cidr}: {reason}")))
}

pub(crate) fn validate_dns(dns: &[Ipv4Addr], ctx: &Context<'_>) -> Result<(), Error> {
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

/// Characters of a domain name that guests are told: as many as the data plane has room for.
const DOMAIN_NAME: usize = 64;

const DHCP_OPTIONS: [&str; 4] = ["ntp", "addresstime", "ipv6_addresstime", "domainname"];

/// api-vpc section 5.3: the four options and their values.
fn validate_dhcp_option(name: &str, value: &str, limits: &Limits) -> Result<(), Error> {
    let most = limits.ntp_servers;
    let problem = match name {
        "ntp" => {
            let servers: Vec<Option<Ipv4Addr>> = value.split(',').map(|s| s.trim().parse().ok()).collect();
            let mut distinct = servers.clone();
            distinct.sort_unstable();
            distinct.dedup();
            (servers.contains(&None) || servers.len() > most || distinct.len() != servers.len())
                .then(|| format!("one to {most} different IPv4 addresses with commas between them are expected"))
        }
        "addresstime" | "ipv6_addresstime" => {
            let hours = value.strip_suffix('h').filter(|hours| hours.bytes().all(|byte| byte.is_ascii_digit()));
            let hours = hours.and_then(|hours| hours.parse::<u32>().ok());
            let allowed = value == "-1" || hours.is_some_and(|hours| (1..=30_000).contains(&hours));
            (!allowed).then(|| "-1 or 1h to 30000h is expected".to_owned())
        }
        "domainname" => {
            let allowed = !value.is_empty()
                && value.len() <= DOMAIN_NAME
                && value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.');
            (!allowed).then(|| format!("a domain name of at most {DOMAIN_NAME} characters is expected"))
        }
        _ => Some("known options are ntp, addresstime, ipv6_addresstime and domainname".to_owned()),
    };
    match problem {
        Some(problem) => Err(Error::invalid("extra_dhcp_opts", format!("option `{}`: {problem}", short(name)))),
        None => Ok(()),
    }
}

fn short(text: &str) -> String {
    text.chars().take(64).collect()
}
