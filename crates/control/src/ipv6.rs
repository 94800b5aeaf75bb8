//! IPv6 of subnets and ports (rules V6-1, V6-4): which prefix a subnet gets, which address a port gets.

use std::net::Ipv6Addr;

use catalog::Catalog;
use ipnet::{IpNet, Ipv6Net};
use model::{Claim, Ipv6Range, Kind, NextHop, Subnet, SubnetId, gateway_v6, is_reserved_v6, validate_subnet_cidr_v6};

use crate::address::free_v6;
use crate::{Changes, Context, Error};

/// Which IPv6 address a port shall have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PortIpv6 {
    /// The lowest free one on a dual-stack subnet, none on another. A virtual IP gets none: an IPv6 one can be bound to
    /// a single port (rule VIP-7), so it has to be asked for.
    #[default]
    AsSubnet,
    /// None, also on a dual-stack subnet.
    None,
    /// The lowest free one; refused where the subnet has no IPv6.
    Automatic,
    /// This one.
    Address(Ipv6Addr),
}

/// The IPv6 range of a subnet: the prefix that is asked for, or one of the installation's (rule V6-1).
///
/// # Errors
/// A prefix that is no /64, not for workloads, or in use anywhere in the installation; none left.
pub(crate) fn new_range(
    catalog: &Catalog,
    ctx: &mut Context<'_>,
    wanted: Option<Ipv6Net>,
    owner: (Kind, SubnetId),
    changes: &mut Changes,
) -> Result<Ipv6Range, Error> {
    let cidr = match wanted {
        Some(cidr) => {
            validate_subnet_cidr_v6(cidr)?;
            if in_use(catalog, cidr) {
                return Err(Error::Ipv6PrefixInUse { cidr });
            }
            cidr
        }
        None => free_prefix(catalog, ctx)?,
    };
    // Two subnets that are made at the same time, anywhere in the installation, never get the same prefix.
    changes.claim(Claim::ipv6_prefix(cidr), owner.0, owner.1);
    Ok(Ipv6Range { neutron_subnet_id: ctx.ids.uuid(), cidr, gateway: gateway_v6(cidr) })
}

fn in_use(catalog: &Catalog, prefix: Ipv6Net) -> bool {
    catalog.claim(&Claim::ipv6_prefix(prefix)).is_some()
}

/// A free /64 of the installation's prefix. The search begins anywhere, so that calls at the same time seldom meet.
fn free_prefix(catalog: &Catalog, ctx: &mut Context<'_>) -> Result<Ipv6Net, Error> {
    const SHIFT: u32 = 64;
    let pool = ctx.config.ipv6_prefix;
    let bits = 64_u32.saturating_sub(u32::from(pool.prefix_len()));
    let last = u64::MAX.checked_shr(64 - bits).unwrap_or(0);
    let base = u128::from(pool.network());
    let start = (u64::from(ctx.ids.number()) << 32 | u64::from(ctx.ids.number())) & last;
    for step in 0..=last {
        let index = start.wrapping_add(step) & last;
        let network = Ipv6Addr::from(base | u128::from(index) << SHIFT);
        if let Ok(prefix) = Ipv6Net::new(network, 64)
            && !in_use(catalog, prefix)
        {
            return Ok(prefix);
        }
    }
    Err(Error::Exhausted { what: "IPv6 prefix" })
}

/// The IPv6 address of a port, if it is to have one.
///
/// # Errors
/// A subnet without IPv6; an address that is not one of the subnet's, reserved or in use.
pub(crate) fn port_address(
    catalog: &Catalog,
    subnet: &Subnet,
    wanted: PortIpv6,
    virtual_ip: bool,
) -> Result<Option<Ipv6Addr>, Error> {
    let Some(range) = subnet.ipv6 else {
        return match wanted {
            PortIpv6::AsSubnet | PortIpv6::None => Ok(None),
            PortIpv6::Automatic | PortIpv6::Address(_) => Err(Error::invalid(
                "fixed_ips",
                format!("subnet `{}` has no IPv6; turn it on with ipv6_enable first", subnet.name),
            )),
        };
    };
    match wanted {
        PortIpv6::None => Ok(None),
        PortIpv6::AsSubnet if virtual_ip => Ok(None),
        PortIpv6::AsSubnet | PortIpv6::Automatic => free_v6(catalog, subnet.id, range).map(Some),
        PortIpv6::Address(address) => given_address(catalog, subnet, range, address).map(Some),
    }
}

fn given_address(catalog: &Catalog, subnet: &Subnet, range: Ipv6Range, address: Ipv6Addr) -> Result<Ipv6Addr, Error> {
    let reason = if !range.cidr.contains(&address) {
        "it is outside of the subnet"
    } else if is_reserved_v6(range.cidr, range.gateway, address) {
        "it is reserved"
    } else {
        return match catalog.port_at_v6(subnet.id, address) {
            Some(port) => Err(Error::AddressInUse { address: address.into(), port: port.id }),
            None => Ok(address),
        };
    };
    Err(Error::InvalidAddress { address: address.into(), cidr: range.cidr.into(), reason })
}

/// A route to IPv6 destinations needs a next hop with an IPv6 address, one to IPv4 destinations one with IPv4 (rules
/// V6-4, RT-13). Peerings carry both.
///
/// # Errors
/// [`Error::NextHopFamily`].
pub(crate) fn validate_next_hop(catalog: &Catalog, destination: IpNet, next_hop: NextHop) -> Result<(), Error> {
    let reached = match (next_hop, destination) {
        (NextHop::Peering(_) | NextHop::Nat(_), _) => true,
        (NextHop::Vip(address), _) => address.is_ipv6() == matches!(destination, IpNet::V6(_)),
        (NextHop::Ecs(_) | NextHop::Eni(_) | NextHop::Subeni(_), IpNet::V4(_)) => true,
        (NextHop::Ecs(server), IpNet::V6(_)) => {
            let port = catalog.server(server).and_then(|server| catalog.port(server.port));
            port.is_some_and(|port| port.ipv6.is_some())
        }
        (NextHop::Eni(port) | NextHop::Subeni(port), IpNet::V6(_)) => {
            catalog.port(port).is_some_and(|port| port.ipv6.is_some())
        }
    };
    if reached { Ok(()) } else { Err(Error::NextHopFamily { kind: next_hop.kind(), destination }) }
}
