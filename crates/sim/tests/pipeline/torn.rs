//! Tables that are written while a packet is decided: the kernel may give the memory of a replaced entry to another key
//! while a program still reads it.

use std::cell::Cell;

use abi::{
    Acl, AclAddressKey, AclKey, AclPortKey, AclRules, AddressPair, AddressPairKey, CidrKey, Crossing, CrossingKey,
    Endpoint, EndpointKey, Id, Identity, IdentityKey, Port, Route, RouteKey, Rule, RuleKey, Subnet,
};
use pipeline::{Action, Header, Lpm, NoTrace, Packet, Verdict};
use tables::{Prefix, Tables};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::lab::Lab;
use crate::net::{A, B, TwoVpcs, two_vpcs};

struct Frame(Vec<u8>);

impl Packet for Frame {
    fn len(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap()
    }
    fn at<H: Header>(&self, offset: usize) -> Option<&H> {
        Some(H::ref_from_prefix(self.0.get(offset..)?).ok()?.0)
    }
    fn at_mut<H: Header>(&mut self, offset: usize) -> Option<&mut H> {
        Some(H::mut_from_prefix(self.0.get_mut(offset..)?).ok()?.0)
    }
    fn resize(&mut self, len: u32) -> bool {
        self.0.resize(usize::try_from(len).unwrap(), 0);
        true
    }
    fn prepend(&mut self, bytes: u32) -> bool {
        self.0.splice(..0, (0..bytes).map(|_| 0));
        true
    }
}

/// Which entry is replaced by an equal one behind the back of the packet.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Replaced {
    Nothing,
    Sender,
    Receiver,
    Crossing,
    Acl,
}

struct Written<'a> {
    tables: &'a Tables,
    copy: Tables,
    replaced: Replaced,
    receiver: EndpointKey,
    /// Lookups of the entry so far.
    seen: Cell<u32>,
}

impl Written<'_> {
    /// Whether the entry has been replaced by now: `after` lookups found the old one.
    fn late(&self, this: bool, after: u32) -> bool {
        if this {
            self.seen.set(self.seen.get() + 1);
        }
        this && self.seen.get() > after
    }
}

fn longest<'a, K, V>(table: &'a std::collections::BTreeMap<Prefix<K>, V>, lpm: &Lpm<K>) -> Option<&'a V>
where
    K: FromBytes + IntoBytes + Immutable + Copy + Ord,
{
    let key = Prefix { bits: lpm.bits, key: lpm.key };
    (0..=lpm.bits).rev().find_map(|bits| table.get(&key.cut(bits)))
}

impl pipeline::Tables for Written<'_> {
    fn port(&self, ifindex: u32) -> Option<&Port> {
        // The first lookup is for the fast path.
        let late = self.late(self.replaced == Replaced::Sender, 2);
        if late { self.copy.ports.get(&ifindex) } else { self.tables.ports.get(&ifindex) }
    }
    fn endpoint(&self, key: &EndpointKey) -> Option<&Endpoint> {
        // A gateway would be at the destination in the sender's VPC; this is the receiver's.
        let late = self.late(self.replaced == Replaced::Receiver && *key == self.receiver, 1);
        if late { self.copy.endpoints.get(key) } else { self.tables.endpoints.get(key) }
    }
    fn route(&self, key: &Lpm<RouteKey>) -> Option<&Route> {
        longest(&self.tables.routes, key)
    }
    fn crossing(&self, key: &CrossingKey) -> Option<&Crossing> {
        let late = self.late(self.replaced == Replaced::Crossing, 1);
        if late { self.copy.crossings.get(key) } else { self.tables.crossings.get(key) }
    }
    fn cidr(&self, key: &Lpm<CidrKey>) -> Option<&u32> {
        longest(&self.tables.cidrs, key)
    }
    fn identity(&self, key: &Lpm<IdentityKey>) -> Option<&Identity> {
        longest(&self.tables.identities, key)
    }
    fn rule(&self, key: &Lpm<RuleKey>) -> Option<&Rule> {
        longest(&self.tables.rules, key)
    }
    fn address_pair(&self, key: &Lpm<AddressPairKey>) -> Option<&AddressPair> {
        longest(&self.tables.address_pairs, key)
    }
    fn subnet(&self, id: &Id) -> Option<&Subnet> {
        self.tables.subnets.get(id)
    }
    fn acl(&self, key: &AclKey) -> Option<&Acl> {
        let late = self.late(self.replaced == Replaced::Acl, 1);
        if late { self.copy.acls.get(key) } else { self.tables.acls.get(key) }
    }
    fn acl_addresses(&self, key: &Lpm<AclAddressKey>) -> Option<&AclRules> {
        longest(&self.tables.acl_addresses, key)
    }
    fn acl_ports(&self, key: &Lpm<AclPortKey>) -> Option<&AclRules> {
        longest(&self.tables.acl_ports, key)
    }
    fn generation(&self, _vni: u32) -> u64 {
        1
    }
}

/// NET-5.
#[test]
fn an_entry_that_is_replaced_while_it_is_read_delivers_nothing() {
    let TwoVpcs { net, a1, b1, .. } = two_vpcs();
    let address = crate::net::address(&b1.ip.to_string());
    let receiver = EndpointKey { vni: B, family: abi::FAMILY_V4, pad: [0; 3], address };
    for replaced in [Replaced::Nothing, Replaced::Sender, Replaced::Receiver, Replaced::Crossing] {
        let tables = Written { tables: &net.tables, copy: net.tables.clone(), replaced, receiver, seen: Cell::new(0) };
        let mut frame = Frame(a1.to(&b1).udp(1, 2));
        let (mut flows, mut verdict) = (sim::FlowState::default(), Verdict::NEW);
        pipeline::from_workload(&mut frame, a1.ifindex, &tables, &mut flows, &mut NoTrace, &mut verdict);
        let delivered = verdict.action() == Action::Deliver;
        assert_eq!(delivered, replaced == Replaced::Nothing, "{replaced:?}");
        assert_eq!(verdict.vni, if replaced == Replaced::Crossing { A } else { B });
        assert_eq!(flows.is_empty(), !delivered);
    }
}

/// ACL-3: what is read of an ACL's entry after it went to another ACL lets nothing through.
#[test]
fn an_acl_that_is_replaced_while_it_is_read_lets_nothing_through() {
    let lab = Lab::new(
        "
        vpc A 10.0.0.0/16
        subnet S1 A 10.0.0.0/24
        subnet S2 A 10.0.1.0/24
        server a1 S1 10.0.0.10
        server a2 S2 10.0.1.20
        acl guard S1
        acl-rule guard out allow all any any
        ",
    );
    let tables = compiler::Compiler::default().full(&lab.fixture.catalog, lab.fixture.attachments());
    let receiver = EndpointKey { vni: 0, family: abi::FAMILY_V4, pad: [0; 3], address: [0; 16] };
    for replaced in [Replaced::Nothing, Replaced::Acl] {
        let world = Written { tables: &tables, copy: tables.clone(), replaced, receiver, seen: Cell::new(0) };
        let mut frame = Frame(lab.ends("a1", "a2").udp(1, 2));
        let (mut flows, mut verdict) = (sim::FlowState::default(), Verdict::NEW);
        pipeline::from_workload(&mut frame, lab.ifindex("a1"), &world, &mut flows, &mut NoTrace, &mut verdict);
        assert_eq!(verdict.action() == Action::Deliver, replaced == Replaced::Nothing);
        let reason = (replaced == Replaced::Acl).then_some(abi::DropReason::InconsistentTables);
        assert_eq!(verdict.reason(), reason);
    }
}
