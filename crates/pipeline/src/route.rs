//! Route tables and peering crossings (rules RT-2 to RT-7, PEER-4 to PEER-10).

use abi::{
    CROSSING_ACTIVE, DropReason, EndpointKey, FAMILY_V4, MAX_CROSSINGS, NO_ID, Port, ROUTE_INSTANCE, ROUTE_LOCAL,
    ROUTE_PEERING, ROUTE_SYSTEM,
};

use crate::env::is_same;
use crate::packet::Meta;
use crate::{Step, Tables, Trace, Verdict, cidr_key, crossing_key, route_key};

/// Where routes lead a packet.
pub(crate) struct Hop {
    /// Who gets the packet: the destination itself, or the next hop; with the VPC that it ends in.
    pub key: EndpointKey,
    /// How many peerings it crossed.
    pub crossings: u32,
    /// Whether a route names the one who gets it, instead of the packet's destination.
    pub handed: bool,
}

impl Hop {
    /// Nowhere yet.
    pub const NEW: Self =
        Self { key: EndpointKey { vni: 0, family: 0, pad: [0; 3], address: [0; 16] }, crossings: 0, handed: false };
}

/// Follows routes from the port's table on, through as many peerings as they say. `verdict.vni` is the VPC that the
/// packet is in at each moment, so also where it is dropped.
#[inline(always)]
pub(crate) fn walk<T: Tables, R: Trace>(
    tables: &T,
    port: &Port,
    meta: &Meta,
    trace: &mut R,
    verdict: &mut Verdict,
    hop: &mut Hop,
) -> Result<(), DropReason> {
    let mut key = route_key(&port.table, meta.key.family, &meta.key.destination);
    let mut arrived_by = NO_ID;
    loop {
        let Some(route) = tables.route(&key) else {
            trace.step(|| Step::NoRoute { vni: verdict.vni, table: key.key.table });
            return Err(unmatched(tables, meta, verdict.vni, hop.crossings));
        };
        trace.step(|| Step::Route {
            vni: verdict.vni,
            table: key.key.table,
            route: route.route,
            target: route.target,
            kind: route.kind,
            prefix_len: route.prefix_len,
            next_hop: route.next_hop,
        });
        if route.kind != ROUTE_PEERING {
            hop.key.vni = verdict.vni;
            hop.key.family = meta.key.family;
            if route.kind == ROUTE_LOCAL {
                hop.key.address = meta.key.destination;
                return Ok(());
            }
            if route.kind == ROUTE_INSTANCE {
                hop.key.address = route.next_hop;
                hop.handed = true;
                return Ok(());
            }
            // Anything else is a next hop that nobody stands for.
            return Err(if route.kind == ROUTE_SYSTEM { DropReason::NoSuchHost } else { DropReason::NextHopDown });
        }

        // Rules come before tables: a peering without a crossing is one that is just being made or removed.
        let from = verdict.vni;
        let crossing_key = crossing_key(&route.target, from);
        let Some(crossing) = tables.crossing(&crossing_key) else {
            return Err(DropReason::InconsistentTables);
        };
        let crossed = |crossed: bool| Step::Crossing {
            peering: route.target,
            from,
            to: crossing.vni,
            state: crossing.state,
            edge_site: crossing.edge_site,
            crossed,
        };
        if crossing.state != CROSSING_ACTIVE {
            trace.step(|| crossed(false));
            return Err(DropReason::PeeringNotActive);
        }
        if route.target == arrived_by || hop.crossings >= MAX_CROSSINGS {
            trace.step(|| crossed(false));
            return Err(DropReason::RoutingLoop);
        }
        // The origin's site, not that of the VPC passed through: no edge-to-edge transit (rule EDGE-4).
        if port.edge_site != 0 && crossing.edge_site != 0 && port.edge_site != crossing.edge_site {
            trace.step(|| crossed(false));
            return Err(DropReason::EdgeSite);
        }
        trace.step(|| crossed(true));
        hop.crossings += 1;
        arrived_by = route.target;
        let (vni, table) = (crossing.vni, crossing.table);
        // Had it been replaced meanwhile, it might lead through another peering.
        if !is_same(crossing, tables.crossing(&crossing_key)) {
            return Err(DropReason::InconsistentTables);
        }
        verdict.vni = vni;
        key.key.table = table;
    }
}

/// Why a packet that no route matches is dropped (rule PEER-7).
#[inline(always)]
fn unmatched<T: Tables>(tables: &T, meta: &Meta, vni: u32, crossings: u32) -> DropReason {
    if crossings == 0 {
        return DropReason::NoRoute;
    }
    let mut key = cidr_key(vni, meta.key.family, &meta.key.destination);
    if tables.cidr(&key).is_some() {
        return DropReason::NoSuchHost;
    }
    if is_private(meta) {
        return DropReason::NonTransitive;
    }
    key.key.vni = [0; 4];
    if tables.cidr(&key).is_some() { DropReason::NonTransitive } else { DropReason::EipNotShared }
}

/// Whether the destination is never public, whatever the ranges of the installation's VPCs.
#[inline(always)]
const fn is_private(meta: &Meta) -> bool {
    let [a, b, ..] = meta.key.destination;
    meta.key.family == FAMILY_V4
        && (a == 10
            || a == 127
            || a & 0xf0 == 224
            || (a == 172 && b & 0xf0 == 16)
            || (a == 192 && b == 168)
            || (a == 100 && b & 0xc0 == 64)
            || (a == 169 && b == 254))
}
