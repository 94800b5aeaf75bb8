//! Properties over random configurations and packets.

use std::collections::BTreeSet;

use abi::{CROSSING_ACTIVE, CROSSING_PENDING, DropReason};
use proptest::prelude::*;
use sim::Outcome;
use sim::frame::{
    TcpFlags, answer, arp_request, link_local, neighbor_advertisement, neighbor_solicitation, router_solicitation,
};

use crate::dhcp;
use crate::net::{A, Dual, DualVpcs, Host, Net, TwoVpcs, dual_vpcs, id, ip, ip6, two_vpcs};

/// VPC `n` has 10.n.0.0/16 and one host; VNIs are 1 to `VPCS`.
const VPCS: u32 = 5;

#[derive(Clone, Debug)]
struct Topology {
    /// Peering `i`: its two VPCs, and whether it is ACTIVE.
    peerings: Vec<(u32, u32, bool)>,
    /// In a VPC's table, the range of another VPC by a peering.
    routes: BTreeSet<(u32, u32, usize)>,
}

fn topology() -> impl Strategy<Value = Topology> {
    let pair = (1..=VPCS, 1..VPCS).prop_map(|(one, step)| (one, (one + step - 1) % VPCS + 1));
    let peerings = proptest::collection::vec((pair, proptest::bool::weighted(0.8)), 1..8);
    peerings
        .prop_map(|peerings| {
            peerings.into_iter().map(|((one, other), active)| (one, other, active)).collect::<Vec<_>>()
        })
        .prop_flat_map(|peerings| {
            let route = (1..=VPCS, 1..=VPCS, 0..peerings.len());
            (Just(peerings), proptest::collection::btree_set(route, 0..40))
        })
        .prop_map(|(peerings, routes)| Topology { peerings, routes })
}

impl Topology {
    fn build(&self) -> (Net, Vec<Host>) {
        let mut net = Net::new();
        let mut hosts = Vec::new();
        for vni in 1..=VPCS {
            net.vpc(vni, &format!("10.{vni}.0.0/16"));
            net.subnet(vni, vni, &format!("10.{vni}.0.0/24"));
            hosts.push(net.host(100 + vni, vni, vni, &format!("10.{vni}.0.10")));
        }
        for (i, &(one, other, active)) in self.peerings.iter().enumerate() {
            net.peering_in_state(i as u32, one, other, if active { CROSSING_ACTIVE } else { CROSSING_PENDING });
        }
        for (&(vni, to), &peering) in &self.by_destination() {
            net.route_to_peering(vni, &format!("10.{to}.0.0/16"), peering as u32);
        }
        (net, hosts)
    }

    /// One route for each destination in a table (rule RT-8): the last one.
    fn by_destination(&self) -> std::collections::BTreeMap<(u32, u32), usize> {
        self.routes
            .iter()
            .filter(|&&(vni, _, peering)| {
                let (one, other, _) = self.peerings[peering];
                vni == one || vni == other
            })
            .map(|&(vni, to, peering)| ((vni, to), peering))
            .collect()
    }

    /// Whether ACTIVE peerings and routes lead from one VPC to another, step by step; an independent answer.
    fn leads(&self, from: u32, to: u32) -> bool {
        let routes = self.by_destination();
        let (mut at, mut arrived_by) = (from, None);
        for _ in 0..=16 {
            if at == to {
                return true;
            }
            let Some(&peering) = routes.get(&(at, to)) else { return false };
            let (one, other, active) = self.peerings[peering];
            if !active || arrived_by == Some(peering) {
                return false;
            }
            at = if at == one { other } else { one };
            arrived_by = Some(peering);
        }
        false
    }
}

/// Two peered ports with both families, and all services in the first one's subnet.
fn told() -> (Net, Dual, Dual) {
    let (mut net, a1) = dhcp::told();
    let DualVpcs { b1, .. } = dual_vpcs();
    net.port(&a1.host, |port| port.mtu = 300);
    (net, a1, b1)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    /// NET-5, PEER-2, PEER-4, PEER-8, PEER-9: packets arrive exactly where ACTIVE peerings and routes lead.
    #[test]
    fn vpcs_exchange_packets_exactly_where_every_hop_says_so(topology in topology()) {
        let (net, hosts) = topology.build();
        let mut world = net.world();
        for from in 1..=VPCS {
            for to in (1..=VPCS).filter(|to| *to != from) {
                let (sender, receiver) = (hosts[from as usize - 1], hosts[to as usize - 1]);
                let mut frame = sender.to(&receiver).tcp(4000, 80, TcpFlags::Syn);
                let outcome = world.send(sender.ifindex, &mut frame);
                let arrived = outcome == Outcome::Delivered { ifindex: receiver.ifindex, vni: to };
                prop_assert_eq!(arrived, topology.leads(from, to), "{} to {}: {:?}", from, to, outcome);
                prop_assert!(arrived || outcome.reason().is_some());
                if arrived {
                    let mut reply = answer(&frame).unwrap();
                    let back = world.send(receiver.ifindex, &mut reply);
                    prop_assert_eq!(back.delivered_to() == Some(sender.ifindex), topology.leads(to, from));
                }
            }
        }
    }

    /// PEER-6, RT-11: what is removed carries nothing afterwards, also of flows that were established.
    #[test]
    fn removing_a_peering_or_a_route_stops_what_used_it(
        topology in topology(),
        victim in any::<proptest::sample::Index>(),
        remove_route in any::<bool>(),
    ) {
        let (net, hosts) = topology.build();
        let mut world = net.world();
        let exchange = |world: &mut sim::World, reachable: &dyn Fn(u32, u32) -> bool| {
            for _ in 0..3 {
                for (sender, from) in hosts.iter().zip(1..) {
                    for (receiver, to) in hosts.iter().zip(1..).filter(|(_, to)| *to != from) {
                        let outcome = world.send(sender.ifindex, &mut sender.to(receiver).udp(7, 7));
                        assert_eq!(outcome.delivered_to() == Some(receiver.ifindex), reachable(from, to));
                    }
                }
            }
        };
        exchange(&mut world, &|from, to| topology.leads(from, to));
        let mut after = topology.clone();
        if remove_route && !after.routes.is_empty() {
            let route = *victim.get(&Vec::from_iter(&after.routes));
            let route = *route;
            after.routes.remove(&route);
        } else {
            let peering = victim.index(after.peerings.len());
            after.peerings[peering].2 = false;
        }
        let (new, _) = after.build();
        new.update(&mut world, &net, &[1, 2, 3, 4, 5]);
        exchange(&mut world, &|from, to| after.leads(from, to));
    }

    /// No bytes make the pipeline panic, and nothing but a valid frame of the port itself comes through.
    #[test]
    fn no_bytes_make_the_pipeline_panic(
        frames in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..160), 1..20),
        from_port in any::<bool>(),
        ethertype in prop::sample::select(vec![[8, 0], [8, 6], [0x86, 0xdd]]),
    ) {
        let (net, Dual { host: a1, .. }, _) = told();
        let mut world = net.world();
        for mut frame in frames {
            if from_port && frame.len() >= 14 {
                frame[6..12].copy_from_slice(&a1.mac);
                frame[12..14].copy_from_slice(&ethertype);
            }
            let before = frame.clone();
            let outcome = world.send(a1.ifindex, &mut frame);
            if let Outcome::Dropped { .. } = outcome {
                prop_assert_eq!(&frame, &before);
            }
        }
    }

    /// Frames that are nearly right go deeper.
    #[test]
    fn no_changed_bytes_make_the_pipeline_panic(
        kind in 0_usize..18,
        changes in proptest::collection::vec((12_usize..110, any::<u8>()), 0..4),
        later in proptest::collection::vec((0_usize..400, any::<u8>()), 0..4),
        cut in proptest::option::of(0_usize..400),
    ) {
        let (net, a1, b1) = told();
        let mut world = net.world();
        let six = a1.to(&b1);
        let (a1, b1, six_a1, six_b1) = (a1.host, b1.host, a1, b1);
        let ends = a1.to(&b1);
        let a2 = ip("172.16.0.20");
        let source = link_local(a1.mac);
        let mut frame = match kind {
            0 => ends.tcp(1, 2, TcpFlags::Syn),
            1 => ends.udp(1, 2),
            2 => ends.echo_request(1, 2),
            3 => ends.icmp_quoting(3, 3, &b1.to(&a1).udp(2, 1)),
            4 => ends.icmp_quoting(11, 0, &b1.to(&a1).echo_request(2, 1)),
            5 => arp_request(a1.mac, a1.ip, a2),
            6 => ends.ip(47),
            7 => six.tcp(1, 2, TcpFlags::Syn),
            8 => six.udp(1, 2),
            9 => six.echo_request(1, 2),
            10 => six.icmp_quoting(1, 4, &six_b1.to(&six_a1).udp(2, 1)),
            11 => six.icmp_quoting(2, 0, &six_b1.to(&six_a1).tcp(2, 1, TcpFlags::Syn)),
            12 => neighbor_solicitation(a1.mac, source, ip6("2001:db8:a::20")),
            13 => router_solicitation(a1.mac, source),
            14 => neighbor_advertisement(a1.mac, source, ip6("2001:db8:a::100")),
            15 => dhcp::request(a1.mac, [0; 4], false, &[53, 1, 3, 50, 4, 172, 16, 0, 10, 61, 3, 1, 2, 3]),
            16 => dhcp::request6(&six_a1, 1, &[vec![0, 1, 0, 4, 0, 2, 1, 1], vec![0, 3, 0, 12], vec![0; 12]]),
            _ => a1.towards([172, 16, 0, 1].into()).echo_request(1, 1),
        };
        for (offset, byte) in changes.into_iter().chain(later) {
            if let Some(place) = frame.get_mut(offset) {
                *place = byte;
            }
        }
        frame.truncate(cut.unwrap_or(usize::MAX));
        for _ in 0..2 {
            let mut sent = frame.clone();
            let outcome = world.send(a1.ifindex, &mut sent);
            prop_assert_ne!(outcome.reason(), Some(DropReason::UnknownPort));
            if let Outcome::Dropped { .. } = outcome {
                prop_assert_eq!(&sent, &frame);
            }
        }
    }
}

/// The tables themselves may be nonsense.
#[test]
fn contradictory_tables_pass_nothing() {
    let TwoVpcs { mut net, a1, b1, .. } = two_vpcs();
    net.tables.crossings.values_mut().for_each(|crossing| crossing.table = id(b'?', 0));
    let outcome = net.world().send(a1.ifindex, &mut a1.to(&b1).udp(1, 2));
    assert_eq!(outcome.reason(), Some(DropReason::NoSuchHost));
    net.tables.endpoints.clear();
    let outcome = net.world().send(a1.ifindex, &mut a1.to(&b1).udp(1, 2));
    assert_eq!(outcome, Outcome::Dropped { vni: A, reason: DropReason::SourceCheck });
}
