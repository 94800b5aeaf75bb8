//! What packets meet while and after an installation changes.
#![allow(clippy::unwrap_used, reason = "a failed lookup is the failure of the test")]

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use abi::{CONTEXT_OUT, DropReason, GATEWAY_MAC, Id, Identity, IdentityKey, RULE_ALLOW, Rule, RuleKey, prefix_base};
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

/// A workload.
#[derive(Clone, Copy, Debug)]
struct Guest {
    ifindex: u32,
    mac: [u8; 6],
    ip: Ipv4Addr,
}

impl Guest {
    fn to(&self, destination: Ipv4Addr) -> Ends {
        Ends { source_mac: self.mac, destination_mac: GATEWAY_MAC, source: self.ip, destination }
    }
}

fn guests(fixture: &Fixture) -> BTreeMap<u32, Guest> {
    let attached = fixture.attachments().iter().filter_map(|(id, ifindex)| {
        let port = fixture.catalog.port(*id)?;
        Some((*ifindex, Guest { ifindex: *ifindex, mac: port.mac.0, ip: port.ipv4 }))
    });
    attached.collect()
}

/// Opening packets to an address: of each protocol, with services that rules name.
fn openers(ends: &Ends) -> Vec<Vec<u8>> {
    let tcp = [80, 85, 22, 7].map(|port| ends.tcp(4000, port, TcpFlags::Syn));
    tcp.into_iter().chain([ends.udp(4000, 80), ends.echo_request(7, 1), ends.ip(47)]).collect()
}

const EVERYTHING: Id = *b"open all";

/// The tables with everything allowed in some contexts.
fn opened(tables: &Tables, contexts: impl Fn(u8) -> bool) -> Tables {
    let mut tables = tables.clone();
    tables.identities.retain(|prefix, _| !contexts(prefix.key.context));
    let policies: Vec<Id> = tables.ports.values().map(|port| port.policy).filter(|id| *id != abi::NO_ID).collect();
    for policy in policies {
        for context in (0..4).filter(|context| contexts(*context)) {
            let key = IdentityKey { policy, context, family: abi::FAMILY_V4, address: [0; 16] };
            tables.identities.insert(Prefix { bits: prefix_base::IDENTITY, key }, Identity { class: EVERYTHING });
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
fn establish(world: &mut World, guests: &BTreeMap<u32, Guest>) -> Vec<Flow> {
    let mut flows = Vec::new();
    for guest in guests.values() {
        for other in guests.values().filter(|other| other.ip != guest.ip) {
            let ends = guest.to(other.ip);
            // Packets without ports are of one flow whoever opened it, which would then be known of neither.
            for opener in openers(&ends).into_iter().filter(|frame| frame[23] != 47) {
                let mut frame = opener.clone();
                let Some(to) = world.send(guest.ifindex, &mut frame).delivered_to() else { continue };
                let Some(mut reply) = answer(&frame) else { continue };
                if world.send(to, &mut reply.clone()).delivered_to() != Some(guest.ifindex) {
                    continue;
                }
                let mut request = opener;
                // What follows a SYN.
                if request[23] == 6 {
                    request[47] = 16;
                    reply[47] = 16;
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

    /// RT-11, PEER-6, SG-6: after a change each packet of an established flow goes where it would go in a world that
    /// never was another, or not at all; but for what a port opened itself, whose rules for sending count no more.
    #[test]
    fn established_flows_are_decided_again_after_every_change(before in steps(30), after in steps(6)) {
        let mut fixture = changed(&before);
        let mut compiler = Compiler::default();
        let old = compiler.full(&fixture.catalog, fixture.attachments());
        let mut world = World::load(&old);
        let flows = establish(&mut world, &guests(&fixture));
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
            let refused = got.reason() == Some(DropReason::SecurityGroup);
            prop_assert!(got == routed || got == fresh || refused, "reply {got:?}, fresh {fresh:?}, open {routed:?}");
            prop_assert!(fresh.delivered_to().is_none() || got == fresh, "reply {got:?}, fresh {fresh:?}");
        }
    }

    /// NET-5: tables do not change at once. Whatever is written already, no packet gets where it gets neither before nor
    /// after.
    #[test]
    fn a_change_half_written_passes_nothing_that_neither_side_passes(before in steps(20), after in steps(12)) {
        let mut fixture = changed(&before);
        let mut compiler = Compiler::default();
        let old = compiler.full(&fixture.catalog, fixture.attachments());
        let mut everyone = guests(&fixture);
        after.iter().enumerate().for_each(|(step, what)| change(&mut fixture, 100 + step, *what));
        everyone.extend(guests(&fixture));
        let changes = fixture.take_changes();
        let delta = compiler.update(&fixture.catalog, &changes, fixture.attachments());
        let new = compiler.tables();
        let (mut first, mut last) = (World::load(&old), World::load(&new));
        let mut packets = Vec::new();
        for guest in everyone.values() {
            for other in everyone.values().filter(|other| other.ip != guest.ip) {
                for frame in openers(&guest.to(other.ip)) {
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
