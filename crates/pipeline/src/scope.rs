//! What a port may send at all: its own addresses, to destinations that can leave the subnet.

use abi::{Address, DropReason, PORT_CHECKED, Port};

use crate::packet::Meta;
use crate::{Step, Tables, Trace, vip};

/// CHK-2: with the check on, a port sends only its own addresses and those bound to it.
#[inline(always)]
pub(crate) fn source_check<T: Tables, R: Trace>(
    tables: &T,
    port: &Port,
    family: u8,
    source: &Address,
    trace: &mut R,
) -> Result<(), DropReason> {
    let checked = port.flags & PORT_CHECKED != 0;
    let mut passed = true;
    if checked {
        passed = vip::may_use(tables, port.vni, &port.port, family, source);
    }
    trace.step(|| Step::SourceCheck { port: port.port, checked, passed });
    if passed { Ok(()) } else { Err(DropReason::SourceCheck) }
}

/// What never leaves the subnet, whatever the routes say (rules L2-6, L2-7), and IPv4 packets of a source that cannot be
/// a workload's, whether the check is on or off.
#[inline(always)]
pub(crate) fn leaves_subnet(meta: &Meta, multicast: bool) -> Result<(), DropReason> {
    if multicast || stays(&meta.key.destination) {
        return Err(DropReason::NotForwarded);
    }
    let [a, b, c, d, ..] = meta.source;
    if a | b | c | d == 0 || stays(&meta.source) {
        return Err(DropReason::SourceCheck);
    }
    Ok(())
}

/// As [`leaves_subnet`] for IPv6. Link-local sources are for the link only, whether the check is on or off (RFC 4291,
/// section 2.5.6).
#[inline(always)]
pub(crate) fn leaves_subnet_v6(meta: &Meta, multicast: bool) -> Result<(), DropReason> {
    if multicast || stays_v6(&meta.key.destination) {
        return Err(DropReason::NotForwarded);
    }
    if stays_v6(&meta.source) {
        return Err(DropReason::SourceCheck);
    }
    Ok(())
}

/// Whether it is fe80::/10.
#[inline(always)]
pub(crate) const fn is_link_local(address: &Address) -> bool {
    let [a, b, ..] = *address;
    a == 0xfe && b & 0xc0 == 0x80
}

/// 255.255.255.255, 224.0.0.0/4, 169.254.0.0/16, 127.0.0.0/8.
#[inline(always)]
const fn stays(address: &Address) -> bool {
    let [a, b, c, d, ..] = *address;
    (a & b & c & d == 255) || a & 0xf0 == 224 || (a == 169 && b == 254) || a == 127
}

/// ff00::/8, fe80::/10, ::1 and the unspecified address.
#[inline(always)]
const fn stays_v6(address: &Address) -> bool {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = *address;
    let rest = a | b | c | d | e | f | g | h | i | j | k | l | m | n | o;
    a == 0xff || is_link_local(address) || (rest == 0 && p <= 1)
}
