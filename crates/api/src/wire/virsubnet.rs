//! Subnets and their CIDR reservations, v3 (api-vpc §5.5, §16).

use catalog::Catalog;
use control::NetworkView;
use model::CidrReservation;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Tag, body_v3, list_v3};
use crate::lenient::Number;

/// One range of a subnet.
#[derive(Serialize, ToSchema)]
pub(crate) struct SubnetCidrV3 {
    /// The Neutron subnet id.
    id: String,
    /// `4` or `6`.
    ip_version: &'static str,
    cidr: String,
    gateway_ip: String,
    enable_dhcp: bool,
}

/// A DHCP option with the family that it is for.
#[derive(Serialize, ToSchema)]
pub(crate) struct DhcpOptionV3 {
    opt_name: String,
    opt_value: String,
    ip_version: u8,
}

/// A subnet as v3 shows it.
#[derive(Serialize, ToSchema)]
pub(crate) struct VirsubnetV3 {
    /// The network id.
    pub(crate) id: String,
    name: String,
    description: String,
    dns_nameservers: Vec<String>,
    zone_id: String,
    /// Empty while it is on no router.
    vpc_id: String,
    /// `ACTIVE`, or `UNKNOWN` while it is on no router.
    status: &'static str,
    project_id: String,
    scope: &'static str,
    subnet_cidrs: Vec<SubnetCidrV3>,
    tags: Vec<Tag>,
    extra_dhcp_opts: Vec<DhcpOptionV3>,
    created_at: String,
    updated_at: String,
}

/// Where subnets are: at no edge site.
pub(crate) const SCOPE: &str = "center";

/// The status of a subnet in v1 and v3.
pub(crate) fn subnet_status(network: &NetworkView) -> &'static str {
    if network.vpc.is_some() { "ACTIVE" } else { "UNKNOWN" }
}

impl VirsubnetV3 {
    /// `None` for a network without a range.
    pub(crate) fn new(network: &NetworkView) -> Option<Self> {
        let range = network.range.as_ref()?;
        let cidrs = network.subnets().into_iter().map(|subnet| SubnetCidrV3 {
            id: subnet.id.hyphenated().to_string(),
            ip_version: if subnet.cidr.addr().is_ipv6() { "6" } else { "4" },
            cidr: subnet.cidr.to_string(),
            gateway_ip: subnet.gateway.to_string(),
            enable_dhcp: range.dhcp_enable,
        });
        let options = range.dhcp_options.iter().map(|option| DhcpOptionV3 {
            opt_name: option.name.clone(),
            opt_value: option.value.clone(),
            ip_version: if option.name.starts_with("ipv6_") { 6 } else { 4 },
        });
        Some(Self {
            id: network.id.to_string(),
            name: network.name.clone(),
            description: range.description.clone(),
            dns_nameservers: range.dns.iter().map(ToString::to_string).collect(),
            zone_id: range.availability_zone.clone(),
            vpc_id: network.vpc.map(|vpc| vpc.to_string()).unwrap_or_default(),
            status: subnet_status(network),
            project_id: network.project.to_string(),
            scope: SCOPE,
            subnet_cidrs: cidrs.collect(),
            tags: Tag::list(&range.tags),
            extra_dhcp_opts: options.collect(),
            created_at: network.created_at.with_zone(),
            updated_at: network.updated_at.with_zone(),
        })
    }
}

/// A reserved part of a subnet.
#[derive(Serialize, ToSchema)]
pub(crate) struct CidrReservationV3 {
    pub(crate) id: String,
    virsubnet_id: String,
    vpc_id: String,
    ip_version: u8,
    cidr: String,
    name: String,
    description: String,
    project_id: String,
    created_at: String,
    updated_at: String,
}

impl CidrReservationV3 {
    pub(crate) fn new(catalog: &Catalog, reservation: &CidrReservation) -> Self {
        Self {
            id: reservation.id.to_string(),
            virsubnet_id: reservation.subnet.to_string(),
            vpc_id: catalog.subnet(reservation.subnet).map(|subnet| subnet.vpc.to_string()).unwrap_or_default(),
            ip_version: if reservation.cidr.addr().is_ipv6() { 6 } else { 4 },
            cidr: reservation.cidr.to_string(),
            name: reservation.name.clone(),
            description: reservation.description.clone(),
            project_id: reservation.project.to_string(),
            created_at: reservation.created_at.with_zone(),
            updated_at: reservation.updated_at.with_zone(),
        }
    }
}

/// What a CIDR reservation is made from or changed to.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct CidrReservationFields {
    /// The network id; only when it is made.
    pub(crate) virsubnet_id: Option<String>,
    /// 4 or 6; only when it is made.
    pub(crate) ip_version: Option<Number>,
    /// The block; only when it is made. The lowest free one of `mask` when absent.
    pub(crate) cidr: Option<String>,
    /// The block's prefix length, at least the subnet's and two more; only when it is made.
    pub(crate) mask: Option<Number>,
    /// At most 64 characters.
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
}

/// Create or update a CIDR reservation.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct CidrReservationRequest {
    /// Only check; answered with 202 when all is well.
    pub(crate) dry_run: Option<bool>,
    pub(crate) virsubnet_cidr_reservation: CidrReservationFields,
}

body_v3! {
    /// A subnet, v3.
    VirsubnetBody { virsubnet: VirsubnetV3 }
    /// A CIDR reservation.
    CidrReservationBody { virsubnet_cidr_reservation: CidrReservationV3 }
}
list_v3! {
    /// Subnets, v3.
    VirsubnetList { virsubnets: VirsubnetV3 }
    /// CIDR reservations.
    CidrReservationList { virsubnet_cidr_reservations: CidrReservationV3 }
}
