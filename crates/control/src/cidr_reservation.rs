//! CIDR reservations of subnets (api-vpc §16): addresses that are given only to who asks for them by name.

use catalog::Catalog;
use ipnet::IpNet;
use model::{
    CidrError, CidrReservation, CidrReservationId, IpVersion, Kind, Span, SubnetId, reserved_spans, reserved_spans_v6,
    validate_description, validate_optional_name,
};

use crate::address::{free_block, taken_v4, taken_v6, used_within};
use crate::subnet::own_subnet;
use crate::{Caller, Changes, Context, Error, Outcome, Quota};

/// A CIDR reservation to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateCidrReservation {
    /// The subnet.
    pub subnet: SubnetId,
    /// The family.
    pub version: IpVersion,
    /// The block; the lowest free one of `mask` when left out.
    pub cidr: Option<IpNet>,
    /// The block's prefix length: at least the subnet's and two more.
    pub mask: Option<u8>,
    /// 0 to 64 characters.
    pub name: String,
    /// At most 255 characters.
    pub description: String,
}

/// What to change of a CIDR reservation; `None` leaves a field as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateCidrReservation {
    /// New name.
    pub name: Option<String>,
    /// New description.
    pub description: Option<String>,
}

/// Reserves a block of a subnet. Its addresses are not given out by themselves from then on.
///
/// # Errors
/// Neither block nor mask, or two that do not agree; a block outside of the subnet, too large, with a reserved address, an
/// address in use ([`Error::AddressInUse`]) or an address of another reservation; no block of this size left; quota;
/// fields not well formed.
pub fn create_cidr_reservation(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    request: CreateCidrReservation,
) -> Result<Outcome<CidrReservation>, Error> {
    let subnet = own_subnet(catalog, caller, request.subnet)?;
    validate_optional_name(&request.name)?;
    validate_description(&request.description)?;
    let (range, reserved, taken) = match (request.version, subnet.ipv6) {
        (IpVersion::V4, _) => (
            IpNet::V4(subnet.cidr),
            reserved_spans(subnet.cidr, subnet.gateway),
            taken_v4(catalog, subnet.id, subnet.cidr, subnet.gateway),
        ),
        (IpVersion::V6, Some(range)) => {
            (IpNet::V6(range.cidr), reserved_spans_v6(range.cidr, range.gateway), taken_v6(catalog, subnet.id, range))
        }
        (IpVersion::V6, None) => {
            let reason = format!("subnet `{}` has no IPv6; turn it on with ipv6_enable first", subnet.name);
            return Err(Error::invalid("ip_version", reason));
        }
    };
    let mask = match (request.cidr, request.mask) {
        (Some(cidr), Some(mask)) if cidr.prefix_len() != mask => {
            return Err(Error::invalid("mask", format!("{mask} is not the prefix length of {cidr}; leave one out")));
        }
        (Some(cidr), _) => cidr.prefix_len(),
        (None, Some(mask)) => mask,
        (None, None) => return Err(Error::invalid("cidr", "a CIDR block or a mask is expected")),
    };
    let smallest = range.prefix_len().saturating_add(2);
    if mask < smallest || mask > range.max_prefix_len() {
        let most = range.max_prefix_len();
        return Err(Error::invalid(
            "mask",
            format!("/{mask}: /{smallest} to /{most} is expected for a part of {range}"),
        ));
    }
    let cidr = match request.cidr {
        Some(cidr) => {
            may_be_reserved(catalog, subnet.id, range, &reserved, cidr)?;
            cidr
        }
        None => free_block(range, mask, &taken).ok_or(Error::NoFreeBlock { subnet: subnet.id, cidr: range, mask })?,
    };
    let (used, limit) = (catalog.cidr_reservations_in(subnet.id).count(), ctx.limits.cidr_reservations_per_subnet);
    if used >= limit {
        return Err(Error::QuotaExceeded { resource: Quota::CidrReservations, used, limit });
    }
    let reservation = CidrReservation {
        id: CidrReservationId::new(ctx.ids.uuid()),
        project: subnet.project,
        subnet: subnet.id,
        cidr,
        name: request.name,
        description: request.description,
        created_at: ctx.now,
        updated_at: ctx.now,
    };
    let mut changes = Changes::new();
    // The subnet's addresses are given out, and kept, one after the other.
    changes.lock(catalog, Kind::Subnet, subnet.id);
    changes.create(reservation.clone());
    Ok(Outcome::new(reservation, changes))
}

fn may_be_reserved(
    catalog: &Catalog,
    subnet: SubnetId,
    range: IpNet,
    reserved: &[Span],
    cidr: IpNet,
) -> Result<(), Error> {
    if cidr.addr() != cidr.network() {
        let (given, canonical) = (cidr.to_string(), cidr.trunc().to_string());
        return Err(Error::InvalidCidr(CidrError::HostBits { given, canonical }));
    }
    if !range.contains(&cidr) {
        return Err(Error::invalid("cidr", format!("{cidr} is no part of {range}")));
    }
    let span = Span::of(cidr);
    if reserved.iter().any(|other| other.overlaps(span)) {
        let reason = format!("{cidr} has addresses that the subnet needs itself (first, gateway or last ones)");
        return Err(Error::invalid("cidr", reason));
    }
    if let Some(other) = catalog.cidr_reservations_in(subnet).find(|other| Span::of(other.cidr).overlaps(span)) {
        return Err(Error::CidrReservationOverlap { cidr, existing: other.cidr, id: other.id });
    }
    if let Some(address) = used_within(catalog, subnet, span, matches!(cidr, IpNet::V6(_)))
        && let Some(port) = catalog.port_with(subnet, address)
    {
        return Err(Error::AddressInUse { address, port: port.id });
    }
    Ok(())
}

/// Changes a CIDR reservation's name or description.
///
/// # Errors
/// Fields not well formed.
pub fn update_cidr_reservation(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    id: CidrReservationId,
    request: UpdateCidrReservation,
) -> Result<Outcome<CidrReservation>, Error> {
    let mut reservation = own_cidr_reservation(catalog, caller, id)?.clone();
    if let Some(name) = request.name {
        validate_optional_name(&name)?;
        reservation.name = name;
    }
    if let Some(description) = request.description {
        validate_description(&description)?;
        reservation.description = description;
    }
    reservation.updated_at = ctx.now;
    let mut changes = Changes::new();
    changes.replace(catalog, reservation.clone());
    Ok(Outcome::new(reservation, changes))
}

/// Gives a reserved block back. Ports that have addresses of it keep them.
///
/// # Errors
/// [`Error::NotFound`].
pub fn delete_cidr_reservation(
    catalog: &Catalog,
    caller: &Caller,
    _ctx: &mut Context<'_>,
    id: CidrReservationId,
) -> Result<Outcome<()>, Error> {
    let reservation = own_cidr_reservation(catalog, caller, id)?;
    let mut changes = Changes::new();
    changes.delete(catalog, Kind::CidrReservation, reservation.id);
    Ok(Outcome::new((), changes))
}

/// Removes the reservations of a subnet that goes.
pub(crate) fn remove_all(catalog: &Catalog, subnet: SubnetId, changes: &mut Changes) {
    for reservation in catalog.cidr_reservations_in(subnet) {
        changes.delete(catalog, Kind::CidrReservation, reservation.id);
    }
}

fn own_cidr_reservation<'a>(
    catalog: &'a Catalog,
    caller: &Caller,
    id: CidrReservationId,
) -> Result<&'a CidrReservation, Error> {
    catalog
        .cidr_reservation(id)
        .filter(|reservation| caller.sees(catalog, reservation.project))
        .map(AsRef::as_ref)
        .ok_or_else(|| Error::not_found(Kind::CidrReservation, id))
}
