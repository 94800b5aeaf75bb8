//! Private IPs: ports that are made for their address alone (api-vpc §7.1).

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use catalog::Catalog;
use model::{Port, SubnetId};

use crate::address::free_v4;
use crate::ipv6::PortIpv6;
use crate::port::new_port;
use crate::subnet::own_subnet;
use crate::{Caller, Changes, Context, CreatePort, Error, Outcome};

/// Most private IPs in one call (api-vpc §7.1).
const MOST_AT_ONCE: usize = 100;

/// A private IP to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewPrivateIp {
    /// The subnet.
    pub subnet: SubnetId,
    /// The address; the lowest free one when left out.
    pub address: Option<Ipv4Addr>,
}

/// Makes private IPs, all or none: ports without IPv6 address, in the order of the requests. Those that name an address
/// get theirs before the others choose.
///
/// # Errors
/// No request or more than 100; an address that is not one of the subnet's, reserved, in use or asked for twice; no
/// address left.
pub fn create_private_ips(
    catalog: &Catalog,
    caller: &Caller,
    ctx: &mut Context<'_>,
    requests: &[NewPrivateIp],
) -> Result<Outcome<Vec<Port>>, Error> {
    if requests.is_empty() || requests.len() > MOST_AT_ONCE {
        return Err(Error::invalid("privateips", format!("1 to {MOST_AT_ONCE} private IPs are expected in one call")));
    }
    let mut chosen: BTreeMap<SubnetId, Vec<Ipv4Addr>> = BTreeMap::new();
    for request in requests {
        own_subnet(catalog, caller, request.subnet)?;
        let Some(address) = request.address else { continue };
        let of_subnet = chosen.entry(request.subnet).or_default();
        if of_subnet.contains(&address) {
            return Err(Error::invalid("privateips", format!("{address} is asked for twice")));
        }
        of_subnet.push(address);
    }
    let mut changes = Changes::new();
    let mut ports = Vec::with_capacity(requests.len());
    for request in requests {
        let address = match request.address {
            Some(address) => address,
            None => {
                let of_subnet = chosen.entry(request.subnet).or_default();
                let address = free_v4(catalog, own_subnet(catalog, caller, request.subnet)?, of_subnet)?;
                of_subnet.push(address);
                address
            }
        };
        let port = CreatePort { address: Some(address), ipv6: PortIpv6::None, ..CreatePort::new(request.subnet) };
        let port = new_port(catalog, caller, ctx, port, None, &mut changes)?;
        changes.create(port.clone());
        ports.push(port);
    }
    Ok(Outcome::new(ports, changes))
}
