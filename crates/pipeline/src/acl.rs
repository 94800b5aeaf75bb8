//! Network ACLs: four lookups tell which rules match, and the first of those decides (rules ACL-2 to ACL-7).

use abi::{
    ACL_DESTINATION, ACL_EGRESS, ACL_INGRESS, ACL_SOURCE, ACL_WORDS, Acl, AclKey, AclRules, Address, DropReason, Id,
    NO_ID, Port, ROUTE_LOCAL, ROUTE_SYSTEM,
};

use crate::env::is_same;
use crate::header::{PROTOCOL_TCP, PROTOCOL_UDP};
use crate::packet::Meta;
use crate::{Step, Tables, Trace, acl_address_key, acl_port_key, route_key};

/// A packet that enters or leaves a subnet, as the ACL sees it.
#[derive(Clone, Copy)]
pub(crate) struct Question<'a> {
    /// The port that sent it or is to get it, for the tracer.
    pub port: &'a Id,
    /// The ACL of the port's subnet; [`NO_ID`] when none is in force.
    pub acl: &'a Id,
    /// [`ACL_INGRESS`] or [`ACL_EGRESS`].
    pub direction: u8,
    /// Address family.
    pub family: u8,
    /// The packet's source.
    pub source: &'a Address,
    /// The packet's destination.
    pub destination: &'a Address,
    /// The packet's protocol.
    pub protocol: u8,
    /// The packet's source port; means nothing unless the protocol is TCP or UDP.
    pub source_port: [u8; 2],
    /// The packet's destination port; as above.
    pub destination_port: [u8; 2],
}

/// Whether the packet that `port` sends may leave its subnet (rule ACL-2). What stays inside and what goes to a
/// platform range is no business of the ACL (rule ACL-4).
#[inline(always)]
pub(crate) fn may_leave<T: Tables, R: Trace>(
    tables: &T,
    port: &Port,
    meta: &Meta,
    trace: &mut R,
) -> Result<(), DropReason> {
    if port.acl == NO_ID {
        return Ok(());
    }
    if let Some(route) = tables.route(&route_key(&port.table, meta.key.family, &meta.key.destination))
        && (route.kind == ROUTE_SYSTEM || (route.kind == ROUTE_LOCAL && route.target == port.subnet))
    {
        return Ok(());
    }
    let question = Question {
        port: &port.port,
        acl: &port.acl,
        direction: ACL_EGRESS,
        family: meta.key.family,
        source: &meta.source,
        destination: &meta.key.destination,
        protocol: meta.protocol,
        source_port: meta.key.source_port,
        destination_port: meta.key.destination_port,
    };
    decide(tables, question, trace)
}

/// Whether a packet may enter the subnet of the port with this id and ACL. `meta.key` is the receiver's already.
#[inline(always)]
pub(crate) fn may_enter<T: Tables, R: Trace>(
    tables: &T,
    port: &Id,
    acl: &Id,
    meta: &Meta,
    trace: &mut R,
) -> Result<(), DropReason> {
    let question = Question {
        port,
        acl,
        direction: ACL_INGRESS,
        family: meta.key.family,
        source: &meta.source,
        destination: &meta.key.source,
        protocol: meta.protocol,
        source_port: meta.key.destination_port,
        destination_port: meta.key.source_port,
    };
    decide(tables, question, trace)
}

/// Whether packets of the flow that `meta` belongs to may enter the sender's subnet: those that the port answers.
#[inline(always)]
pub(crate) fn may_still_enter<T: Tables, R: Trace>(
    tables: &T,
    port: &Port,
    meta: &Meta,
    trace: &mut R,
) -> Result<(), DropReason> {
    let question = Question {
        port: &port.port,
        acl: &port.acl,
        direction: ACL_INGRESS,
        family: meta.key.family,
        source: &meta.key.destination,
        destination: &meta.key.source,
        protocol: meta.key.protocol,
        source_port: meta.key.destination_port,
        destination_port: meta.key.source_port,
    };
    decide(tables, question, trace)
}

/// The verdict of the first rule that matches; what none matches is denied (rule ACL-3).
#[inline(always)]
fn decide<T: Tables, R: Trace>(tables: &T, question: Question<'_>, trace: &mut R) -> Result<(), DropReason> {
    let Question { port, acl, direction, family, source, destination, protocol, .. } = question;
    if *acl == NO_ID {
        return Ok(());
    }
    let step = |place: Option<u32>, allowed: bool| Step::NetworkAcl {
        port: *port,
        acl: *acl,
        direction,
        family,
        place,
        allowed,
    };
    // No entry: none of the rules is of this direction and family, or none has such an address or port.
    let deny = |trace: &mut R| {
        trace.step(|| step(None, false));
        Err(DropReason::NetworkAcl)
    };
    let acl_key = AclKey { acl: *acl, direction, family, pad: [0; 6] };
    let Some(rules) = tables.acl(&acl_key) else { return deny(trace) };

    let mut key = acl_address_key(acl, direction, ACL_SOURCE, family, source);
    let Some(by_source) = tables.acl_addresses(&key) else { return deny(trace) };
    key.key.side = ACL_DESTINATION;
    key.key.address = *destination;
    let Some(by_destination) = tables.acl_addresses(&key) else { return deny(trace) };

    let ported = protocol == PROTOCOL_TCP || protocol == PROTOCOL_UDP;
    let port_of = |port: [u8; 2]| if ported { port } else { [0; 2] };
    let mut key = acl_port_key(acl, direction, ACL_SOURCE, family, protocol, port_of(question.source_port));
    let Some(by_source_port) = tables.acl_ports(&key) else { return deny(trace) };
    key.key.side = ACL_DESTINATION;
    key.key.port = port_of(question.destination_port);
    let Some(by_destination_port) = tables.acl_ports(&key) else { return deny(trace) };

    let matching = Matching { by_source, by_destination, by_source_port, by_destination_port };
    let allowed = matching.first_allows(&rules.allow);
    // Had the entry been replaced meanwhile, the bits might be another ACL's.
    if !is_same::<Acl>(rules, tables.acl(&acl_key)) {
        return Err(DropReason::InconsistentTables);
    }
    trace.step(|| step(matching.place(), allowed));
    if allowed { Ok(()) } else { Err(DropReason::NetworkAcl) }
}

/// The rules that match in each respect.
#[derive(Clone, Copy)]
struct Matching<'a> {
    by_source: &'a AclRules,
    by_destination: &'a AclRules,
    by_source_port: &'a AclRules,
    by_destination_port: &'a AclRules,
}

impl Matching<'_> {
    /// The rules of one word that match in all respects.
    #[inline(always)]
    fn word(&self, word: impl Fn(&AclRules) -> [u8; 8]) -> u64 {
        u64::from_ne_bytes(word(self.by_source))
            & u64::from_ne_bytes(word(self.by_destination))
            & u64::from_ne_bytes(word(self.by_source_port))
            & u64::from_ne_bytes(word(self.by_destination_port))
    }

    /// Whether the first rule that matches in all respects is one of `allow`. Word by word: the kernel's stack has no
    /// room for all of them.
    #[inline(always)]
    fn first_allows(&self, allow: &[u64; ACL_WORDS]) -> bool {
        let word = self.word(|rules| rules.words[0]);
        if word != 0 {
            return first(word) & allow[0] != 0;
        }
        let word = self.word(|rules| rules.words[1]);
        if word != 0 {
            return first(word) & allow[1] != 0;
        }
        let word = self.word(|rules| rules.words[2]);
        if word != 0 {
            return first(word) & allow[2] != 0;
        }
        let word = self.word(|rules| rules.words[3]);
        first(word) & allow[3] != 0
    }

    /// The place of the first rule that matches in all respects.
    fn place(&self) -> Option<u32> {
        let words = [
            self.word(|rules| rules.words[0]),
            self.word(|rules| rules.words[1]),
            self.word(|rules| rules.words[2]),
            self.word(|rules| rules.words[3]),
        ];
        (0_u32..).step_by(64).zip(words).find_map(|(base, word)| (word != 0).then(|| base + word.trailing_zeros()))
    }
}

/// The lowest bit that is set.
#[inline(always)]
const fn first(word: u64) -> u64 {
    word & word.wrapping_neg()
}
