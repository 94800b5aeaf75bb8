//! Flow state: what was decided about a tuple, and what it permits (rules SG-4 to SG-6).
//!
//! Each port has its own entry of a tuple, keyed as that port sends it, so one flow between two ports is two entries
//! and a reply finds the entry that the request left at the replier. A flow starts in `NEW_FLOWS`; the first packet
//! after one that went the other way moves both entries to `FLOWS`. A port that only opens flows, or only gets
//! handshakes half done, thus never evicts an established one.

use core::mem::swap;

use abi::{
    Address, DropReason, FLOW_CLOSING, FLOW_IN_ALLOWED, FLOW_OUT_ALLOWED, FLOW_REPLIED, FLOW_RESOLVED,
    FLOW_SAME_SUBNET, FLOW_SENDER_UNCHECKED, Flow, FlowKey, Id,
};

use crate::header::{PROTOCOL_ICMP, PROTOCOL_ICMPV6, PROTOCOL_TCP};
use crate::packet::{CLOSES, ECHO_REPLY, ECHO_REQUEST, ICMP_ERROR, Meta, SYN, UNTRACKED};
use crate::{Flows, Step, Trace, Verdict};

const SECOND_NS: u64 = 1_000_000_000;

/// How long an established TCP connection is remembered (rule SG-5).
pub const TCP_REPLIED_TIMEOUT_NS: u64 = 600 * SECOND_NS;
/// How long an echo is remembered.
pub const ICMP_TIMEOUT_NS: u64 = 30 * SECOND_NS;
/// How long a flow of another protocol is remembered that was seen both ways.
pub const REPLIED_TIMEOUT_NS: u64 = 180 * SECOND_NS;
/// How long any flow is remembered that was seen one way, or that is closing.
pub const ONE_WAY_TIMEOUT_NS: u64 = 30 * SECOND_NS;
/// A flow entry's `seen` is written again when it is older than this.
pub const REFRESH_NS: u64 = SECOND_NS;

/// How long an entry with these `FLOW_*` flags is remembered after its last packet.
#[must_use]
#[inline(always)]
pub const fn timeout_ns(protocol: u8, flags: u8) -> u64 {
    if flags & FLOW_CLOSING != 0 || flags & FLOW_REPLIED == 0 {
        ONE_WAY_TIMEOUT_NS
    } else if protocol == PROTOCOL_TCP {
        TCP_REPLIED_TIMEOUT_NS
    } else if protocol == PROTOCOL_ICMP || protocol == PROTOCOL_ICMPV6 {
        ICMP_TIMEOUT_NS
    } else {
        REPLIED_TIMEOUT_NS
    }
}

/// Makes of a tuple as one port sends it the tuple as the port at the other end sends it.
#[inline(always)]
pub const fn reverse(key: &mut FlowKey, ifindex: u32) {
    swap(&mut key.source, &mut key.destination);
    swap(&mut key.source_port, &mut key.destination_port);
    key.ifindex = ifindex;
}

/// The tag of the entry that a port has of a tuple: see [`Flow::tag`].
#[must_use]
#[inline(always)]
pub const fn tag(key: &FlowKey, port: &Id) -> u64 {
    let [a, b] = key.source_port;
    let [c, d] = key.destination_port;
    let rest = u64::from_ne_bytes([a, b, c, d, key.protocol, key.family, 0, 0]);
    u64::from_ne_bytes(*port)
        ^ rest.rotate_left(24)
        ^ folded(&key.source).rotate_left(7)
        ^ folded(&key.destination).rotate_left(41)
}

#[inline(always)]
const fn folded(address: &Address) -> u64 {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = *address;
    u64::from_ne_bytes([a, b, c, d, e, f, g, h]) ^ u64::from_ne_bytes([i, j, k, l, m, n, o, p]).rotate_left(13)
}

/// An empty entry.
const EMPTY: Flow = Flow {
    tag: 0,
    generation: 0,
    seen: 0,
    ifindex: 0,
    vni: 0,
    dmac: [0; 6],
    smac: [0; 6],
    flags: 0,
    origin: 0,
    action: 0,
    pad: 0,
    in_generation: 0,
    vtep: [0; 16],
};

/// What the slow path needs to know of an entry.
#[derive(Clone, Copy)]
pub(crate) struct State {
    /// `FLOW_*`; 0 when there is no live entry.
    pub flags: u8,
    /// As [`Flow::origin`].
    pub origin: u8,
    /// Whether the entry is in `FLOWS`.
    pub established: bool,
    /// Whether the port's rules stopped letting the flow in.
    pub revoked: bool,
    /// As [`Flow::in_generation`].
    pub in_generation: u64,
}

impl State {
    /// No entry.
    pub const NONE: Self = Self { flags: 0, origin: 0, established: false, revoked: false, in_generation: 0 };

    /// Whether any of these flags is set.
    #[inline(always)]
    pub const fn has(&self, flags: u8) -> bool {
        self.flags & flags != 0
    }
}

/// Whether an entry still counts for this packet. A new connection does not inherit from a closing one.
#[inline(always)]
const fn alive(flow: &Flow, meta: &Meta, now: u64) -> bool {
    now.saturating_sub(flow.seen) <= timeout_ns(meta.key.protocol, flow.flags)
        && !(meta.is(SYN) && flow.flags & FLOW_CLOSING != 0)
}

/// The live entry at `meta.key` that has this tag.
#[inline(always)]
fn live<'f, F: Flows>(flows: &'f F, meta: &Meta, tag: u64, now: u64, established: &mut bool) -> Option<&'f Flow> {
    *established = true;
    let mut found = flows.flow(&meta.key);
    if found.is_none() {
        *established = false;
        found = flows.new_flow(&meta.key);
    }
    let flow = found?;
    if flow.tag == tag && alive(flow, meta, now) { Some(flow) } else { None }
}

/// The fast path: acts on what was decided before. True when the verdict is complete.
///
/// One lookup, but once in [`REFRESH_NS`], when both entries of the flow are refreshed; if the other end's is gone
/// (LRU), the slow path must make it again, or replies would be refused.
#[inline(always)]
pub(crate) fn hit<F: Flows, R: Trace>(
    flows: &mut F,
    meta: &mut Meta,
    port: &Id,
    generation: u64,
    now: u64,
    trace: &mut R,
    verdict: &mut Verdict,
) -> bool {
    // Packets that open or close a connection change state; errors and the untracked have no entry of their own.
    if meta.is(SYN | CLOSES | ICMP_ERROR | UNTRACKED) {
        return false;
    }
    // With this identifier requests of both sides have one tuple, but the entry may stand for replies alone.
    if meta.is(ECHO_REQUEST) && meta.key.source_port == [0; 2] {
        return false;
    }
    let mut established = false;
    let tag = tag(&meta.key, port);
    let Some(flow) = live(flows, meta, tag, now, &mut established) else { return false };
    if flow.flags & FLOW_RESOLVED == 0 || flow.generation != generation {
        return false;
    }
    // Seen both ways, but not moved yet: the slow path does that.
    if !established && flow.flags & FLOW_REPLIED != 0 {
        return false;
    }
    verdict.action = flow.action as u32;
    verdict.ifindex = flow.ifindex;
    verdict.vni = flow.vni;
    verdict.dmac = flow.dmac;
    verdict.smac = flow.smac;
    let flags = flow.flags;
    let seen = flow.seen;
    if !flows.holds(flow, tag) {
        return false;
    }
    if now.saturating_sub(seen) > REFRESH_NS && !refresh(flows, meta, verdict.ifindex, now) {
        return false;
    }
    trace.step(|| Step::Flow { ifindex: meta.key.ifindex, flags, decided: true });
    true
}

/// Writes `seen` of both entries; false when the other end's is gone.
#[inline(always)]
fn refresh<F: Flows>(flows: &mut F, meta: &mut Meta, other: u32, now: u64) -> bool {
    let own = meta.key.ifindex;
    reverse(&mut meta.key, other);
    let complete = touch(flows, &meta.key, now);
    reverse(&mut meta.key, own);
    touch(flows, &meta.key, now) && complete
}

/// Writes `seen` of an entry, wherever it is; whether there is one.
#[inline(always)]
pub(crate) fn touch<F: Flows>(flows: &mut F, key: &FlowKey, now: u64) -> bool {
    flows.touch_flow(key, now) || flows.touch_new_flow(key, now)
}

/// Reads the port's live entry at `meta.key` into `state`, which must be [`State::NONE`]. Fails when the entry went to
/// another flow meanwhile, which is too rare for a way of its own.
#[inline(always)]
pub(crate) fn find<F: Flows, R: Trace>(
    flows: &F,
    meta: &Meta,
    port: &Id,
    now: u64,
    state: &mut State,
    trace: &mut R,
) -> Result<(), DropReason> {
    if meta.is(UNTRACKED) {
        return Ok(());
    }
    let mut established = false;
    let tag = tag(&meta.key, port);
    if let Some(flow) = live(flows, meta, tag, now, &mut established) {
        state.flags = flow.flags;
        state.origin = flow.origin;
        state.in_generation = flow.in_generation;
        state.established = established;
        if !flows.holds(flow, tag) {
            return Err(DropReason::InconsistentTables);
        }
    }
    trace.step(|| Step::Flow { ifindex: meta.key.ifindex, flags: state.flags, decided: false });
    Ok(())
}

/// Whether a delivered packet leaves entries. An echo reply that answers nothing must not, or it would permit requests
/// the other way; nor may the rest of a flow that is no longer let in, or it would let itself in again.
#[inline(always)]
pub(crate) const fn recorded(meta: &Meta, sender: &State) -> bool {
    !meta.is(ICMP_ERROR | UNTRACKED) && !sender.revoked && (!meta.is(ECHO_REPLY) || sender.has(FLOW_IN_ALLOWED))
}

/// What to write about a delivered packet.
pub(crate) struct Record {
    /// Generation of the sender's VPC, read before any table.
    pub generation: u64,
    /// Generation of the receiver's VPC, read before the receiver's policy.
    pub in_generation: u64,
    /// Time.
    pub now: u64,
    /// How the packet came: `ORIGIN_*`.
    pub origin: u8,
    /// Flags that both entries get.
    pub common: u8,
    /// Whether the receiver's rules were asked, and allowed it.
    pub let_in: bool,
    /// Whether it was sent in the receiver's subnet.
    pub same_subnet: bool,
    /// Whether the entries belong in `FLOWS`.
    pub established: bool,
}

/// Writes the entry of the receiver `port`, `meta.key` being the receiver's. Its own outcome, if it has one, stays.
/// Fails as [`find`] does.
#[inline(always)]
pub(crate) fn record_receiver<F: Flows>(
    flows: &mut F,
    meta: &Meta,
    port: &Id,
    record: &Record,
) -> Result<(), DropReason> {
    let mut flow = EMPTY;
    let mut established = false;
    let tag = tag(&meta.key, port);
    if let Some(old) = live(flows, meta, tag, record.now, &mut established) {
        flow = *old;
        if !flows.holds(old, tag) {
            return Err(DropReason::InconsistentTables);
        }
    }
    flow.tag = tag;
    flow.seen = record.now;
    flow.flags |= record.common;
    if record.let_in {
        flow.flags = (flow.flags & !(FLOW_SENDER_UNCHECKED | FLOW_SAME_SUBNET)) | FLOW_IN_ALLOWED;
        if record.origin == abi::ORIGIN_UNCHECKED {
            flow.flags |= FLOW_SENDER_UNCHECKED;
        }
        if record.same_subnet {
            flow.flags |= FLOW_SAME_SUBNET;
        }
        flow.origin = record.origin;
        flow.in_generation = record.in_generation;
    }
    store(flows, &meta.key, &flow, record.established);
    Ok(())
}

/// Writes the entry of the sender `port` with the outcome, `meta.key` being the sender's.
#[inline(always)]
pub(crate) fn record_sender<F: Flows>(
    flows: &mut F,
    meta: &Meta,
    port: &Id,
    record: &Record,
    sender: &State,
    verdict: &Verdict,
) {
    let flow = Flow {
        tag: tag(&meta.key, port),
        generation: record.generation,
        seen: record.now,
        ifindex: verdict.ifindex,
        vni: verdict.vni,
        dmac: verdict.dmac,
        smac: verdict.smac,
        flags: sender.flags | record.common | FLOW_RESOLVED,
        origin: sender.origin,
        action: verdict.action as u8,
        pad: 0,
        in_generation: sender.in_generation,
        vtep: [0; 16],
    };
    store(flows, &meta.key, &flow, record.established);
}

/// Writes an entry to one map and sees to it that the other has none.
#[inline(always)]
fn store<F: Flows>(flows: &mut F, key: &FlowKey, flow: &Flow, established: bool) {
    if established {
        flows.put_flow(key, flow);
        flows.delete_new_flow(key);
    } else {
        flows.put_new_flow(key, flow);
        flows.delete_flow(key);
    }
}

/// Flags for both entries of a delivered packet.
#[inline(always)]
pub(crate) const fn common_flags(meta: &Meta, sender: &State, receiver: &State) -> u8 {
    let answers = !meta.is(SYN) && (sender.has(FLOW_IN_ALLOWED) || receiver.has(FLOW_OUT_ALLOWED));
    let mut flags = (sender.flags | receiver.flags) & (FLOW_REPLIED | FLOW_CLOSING);
    if answers {
        flags |= FLOW_REPLIED;
    }
    if meta.is(CLOSES) {
        flags |= FLOW_CLOSING;
    }
    flags
}
