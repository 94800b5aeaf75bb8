//! What packets meet while and after an installation changes.
#![allow(clippy::unwrap_used, reason = "a failed lookup is the failure of the test")]

use std::collections::BTreeSet;
use std::net::IpAddr;

use abi::{CONTEXT_IN_VPC, CONTEXT_OUT, DropReason, Id, Identity, IdentityKey, RULE_ALLOW, Rule, RuleKey, prefix_base};
use compiler::Compiler;
use compiler::fixture::Fixture;
use compiler::fixture::churn::{START, change};
use proptest::prelude::*;
use sim::frame::{Ends, TcpFlags, answer};
use sim::{Outcome, World};
use tables::{Prefix, Tables};

/// Added to the start, so that much is reachable at first.
const MORE: &str = "
    rule g0 out allow 20 udp 0.0.0.0/0
    rule g1 in allow 30 udp 0.0.0.0/0
    rule g1 out allow 30 all 0.0.0.0/0
    rule g2 in allow 40 tcp/20-90 0.0.0.0/0
    rule g2 out allow 40 all 0.0.0.0/0
    peering second-34 V3 V4
    peering second-42 V4 V2
    route rtb-V2 10.0.0.0/24 first-02
    route rtb-V2 10.4.0.0/17 second-42
    route rtb-V3 10.0.0.0/8 first-23
    route rtb-V3 10.4.0.0/24 second-34
    route rtb-V4 10.3.0.0/16 second-34
    route rtb-V4 0.0.0.0/0 second-42
    route rtb-V2 2001:db8::/47 first-02
    route rtb-V3 2001:db8::/32 first-23
    rule g2 in allow 45 all ::/0
    rule g2 out allow 45 all ::/0
    server open-0 S0-0 10.0.0.6
    server open-2 S2-0 10.2.0.6
    server open-3 S3-0 10.3.0.6 check=off
    server open-4 S4-0 10.4.0.6
";

/// An installation after some changes.
fn changed(steps: &[(u8, u8, u8, u8)]) -> Fixture {
    let mut fixture = Fixture::new(START);
    fixture.run(MORE);
    steps.iter().enumerate().for_each(|(step, what)| change(&mut fixture, step, *what));
    fixture.take_changes();
    fixture
}

/// A workload with one of its addresses: its own, or a virtual IP that is bound to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Guest {
    ifindex: u32,
    mac: [u8; 6],
    ip: IpAddr,
}

impl Guest {
    fn to(&self, destination: IpAddr) -> Ends {
        Ends::by_gateway(self.mac, self.ip, destination)
    }

    /// Whether there are packets from it to an address.
    fn talks_to(&self, destination: IpAddr) -> bool {
        destination != self.ip && destination.is_ipv4() == self.ip.is_ipv4()
    }
}

fn guests(fixture: &Fixture) -> BTreeSet<Guest> {
    let mut guests = BTreeSet::new();
    for (id, ifindex) in fixture.attachments() {
        let Some(port) = fixture.catalog.port(*id) else { continue };
        let vips = fixture.catalog.vips_bound_to(port).flat_map(|vip| vip.addresses());
        guests.extend(port.addresses().chain(vips).map(|ip| Guest { ifindex: *ifindex, mac: port.mac.0, ip }));
    }
    guests
}

/// All addresses that somebody has, held by anyone or not.
fn destinations(fixture: &Fixture) -> BTreeSet<IpAddr> {
    fixture.catalog.ports().flat_map(|port| port.addresses()).collect()
}

/// Opening packets to an address: of each protocol, with services that rules name.
fn openers(ends: &Ends) -> Vec<Vec<u8>> {
    let tcp = [80, 85, 22, 7].map(|port| ends.tcp(4000, port, TcpFlags::Syn));
    tcp.into_iter().chain([ends.udp(4000, 80), ends.echo_request(7, 1), ends.ip(47)]).collect()
}

/// Where the protocol number, and behind the IP header the TCP flags, stand in a frame without options.
fn is_protocol(frame: &[u8], protocol: u8) -> bool {
    frame[if frame[12] == 8 { 23 } else { 20 }] == protocol
}

/// Makes a TCP segment one that follows a SYN.
fn acknowledge(frame: &mut [u8]) {
    frame[if frame[12] == 8 { 47 } else { 67 }] = 16;
}

const EVERYTHING: Id = *b"open all";

/// The tables with everything allowed in some contexts, by security groups and network ACLs.
fn opened(tables: &Tables, contexts: impl Fn(u8) -> bool) -> Tables {
    let mut tables = tables.clone();
    if contexts(CONTEXT_OUT) {
        tables.ports.values_mut().for_each(|port| port.acl = abi::NO_ID);
    }
    if contexts(CONTEXT_IN_VPC) {
        tables.endpoints.values_mut().for_each(|endpoint| endpoint.acl = abi::NO_ID);
    }
    tables.identities.retain(|prefix, _| !contexts(prefix.key.context));
    let policies: Vec<Id> = tables.ports.values().map(|port| port.policy).filter(|id| *id != abi::NO_ID).collect();
    for policy in policies {
        for context in (0..4).filter(|context| contexts(*context)) {
            for family in [abi::FAMILY_V4, abi::FAMILY_V6] {
                let key = IdentityKey { policy, context, family, address: [0; 16] };
                tables.identities.insert(Prefix { bits: prefix_base::IDENTITY, key }, Identity { class: EVERYTHING });
            }
        }
    }
    let key = RuleKey { class: EVERYTHING, protocol: 0, service: [0; 2] };
    let rule = Rule { rule: EVERYTHING, verdict: RULE_ALLOW, pad: [0; 7] };
    tables.rules.insert(Prefix { bits: prefix_base::RULE_ANY_PROTOCOL, key }, rule);
    tables
}

/// Where a packet gets to in these tables, by itself.
fn alone(tables: &Tables, ifindex: u32, frame: &[u8]) -> Outcome {
    World::load(tables).send(ifindex, &mut frame.to_vec())
}

fn steps(max: usize) -> impl Strategy<Value = Vec<(u8, u8, u8, u8)>> {
    proptest::collection::vec(any::<(u8, u8, u8, u8)>(), 1..max)
}

/// A flow that was established.
struct Flow {
    from: u32,
    to: u32,
    request: Vec<u8>,
    reply: Vec<u8>,
}

/// All flows that guests can establish, established in `world`.
fn establish(world: &mut World, guests: &BTreeSet<Guest>, destinations: &BTreeSet<IpAddr>) -> Vec<Flow> {
    let mut flows = Vec::new();
    for guest in guests {
        for destination in destinations.iter().filter(|ip| guest.talks_to(**ip)) {
            let ends = guest.to(*destination);
            // Packets without ports are of one flow whoever opened it, which would then be known of neither.
            for opener in openers(&ends).into_iter().filter(|frame| !is_protocol(frame, 47)) {
                let mut frame = opener.clone();
                let Some(to) = world.send(guest.ifindex, &mut frame).delivered_to() else { continue };
                let Some(mut reply) = answer(&frame) else { continue };
                if world.send(to, &mut reply.clone()).delivered_to() != Some(guest.ifindex) {
                    continue;
                }
                let mut request = opener;
                // What follows a SYN.
                if is_protocol(&request, 6) {
                    acknowledge(&mut request);
                    acknowledge(&mut reply);
                }
                world.send(guest.ifindex, &mut request.clone());
                world.send(to, &mut reply.clone());
                flows.push(Flow { from: guest.ifindex, to, request, reply });
            }
        }
    }
    flows
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    /// RT-11, PEER-6, SG-6, ACL-5, VIP-3: after a change each packet of an established flow goes where it would go in a world that
    /// never was another, or not at all; but for what a port opened itself, whose rules for sending count no more.
    #[test]
    fn established_flows_are_decided_again_after_every_change(before in steps(30), after in steps(6)) {
        let mut fixture = changed(&before);
        let mut compiler = Compiler::default();
        let old = compiler.full(&fixture.catalog, fixture.attachments());
        let mut world = World::load(&old);
        let flows = establish(&mut world, &guests(&fixture), &destinations(&fixture));
        after.iter().enumerate().for_each(|(step, what)| change(&mut fixture, 100 + step, *what));
        let changes = fixture.take_changes();
        world.apply(&compiler.update(&fixture.catalog, &changes, fixture.attachments()));

        let new = compiler.tables();
        let (any_out, open) = (opened(&new, |context| context == CONTEXT_OUT), opened(&new, |_| true));
        for flow in &flows {
            let got = world.send(flow.from, &mut flow.request.clone());
            let fresh = alone(&new, flow.from, &flow.request);
            let tracked = alone(&any_out, flow.from, &flow.request);
            prop_assert!(got == tracked || got == fresh, "request {got:?}, fresh {fresh:?}, tracked {tracked:?}");
            prop_assert!(fresh.delivered_to().is_none() || got == fresh, "request {got:?}, fresh {fresh:?}");

            let got = world.send(flow.to, &mut flow.reply.clone());
            let fresh = alone(&new, flow.to, &flow.reply);
            let routed = alone(&open, flow.to, &flow.reply);
            let refused = matches!(got.reason(), Some(DropReason::SecurityGroup | DropReason::NetworkAcl));
            prop_assert!(got == routed || got == fresh || refused, "reply {got:?}, fresh {fresh:?}, open {routed:?}");
            prop_assert!(fresh.delivered_to().is_none() || got == fresh, "reply {got:?}, fresh {fresh:?}");
        }
    }

    /// NET-5, ACL-3, CHK-2: tables do not change at once. Whatever is written already, no packet gets where it gets neither before nor
    /// after.
    #[test]
    fn a_change_half_written_passes_nothing_that_neither_side_passes(before in steps(20), after in steps(12)) {
        let mut fixture = changed(&before);
        let mut compiler = Compiler::default();
        let old = compiler.full(&fixture.catalog, fixture.attachments());
        let (mut everyone, mut everywhere) = (guests(&fixture), destinations(&fixture));
        after.iter().enumerate().for_each(|(step, what)| change(&mut fixture, 100 + step, *what));
        everyone.extend(guests(&fixture));
        everywhere.extend(destinations(&fixture));
        let changes = fixture.take_changes();
        let delta = compiler.update(&fixture.catalog, &changes, fixture.attachments());
        let new = compiler.tables();
        let (mut first, mut last) = (World::load(&old), World::load(&new));
        let mut packets = Vec::new();
        for guest in &everyone {
            for destination in everywhere.iter().filter(|ip| guest.talks_to(**ip)) {
                for frame in openers(&guest.to(*destination)) {
                    let ends = [&mut first, &mut last].map(|world| world.send(guest.ifindex, &mut frame.clone()).delivered_to());
                    packets.push((guest.ifindex, frame, ends));
                }
            }
        }
        let mut world = World::load(&old);
        for (written, one) in delta.changes.iter().enumerate() {
            world.apply(&tables::Delta { changes: vec![*one], ..tables::Delta::default() });
            world.forget_flows();
            for (ifindex, frame, ends) in &packets {
                let got = world.send(*ifindex, &mut frame.clone()).delivered_to();
                prop_assert!(
                    got.is_none() || ends.contains(&got),
                    "after {written} of {:#?}: {ifindex} sends {frame:?} to {got:?} instead of {ends:?}", delta.changes
                );
                world.forget_flows();
            }
        }
    }
}
