//! The sender's side: may the packet go out (rules SG-3 to SG-6, ACL-5, ACL-6).

use abi::{CONTEXT_OUT, DropReason, FAMILY_V4, FLOW_IN_ALLOWED, FLOW_OUT_ALLOWED, FLOW_SAME_SUBNET, Port};

use crate::flow::State;
use crate::header::{PROTOCOL_ICMP, PROTOCOL_ICMPV6, PROTOCOL_TCP, PROTOCOL_UDP};
use crate::packet::{ECHO_REQUEST, ICMP_ERROR, Meta, SYN};
use crate::policy::Question;
use crate::{Step, Tables, Trace, acl, icmp, icmpv6, policy};

/// Whether the sender's security groups and the network ACL of its subnet let the packet out, by its flow or by a rule.
/// `state` becomes what the entry has to say afterwards.
#[inline(always)]
pub(crate) fn may_send<T: Tables, R: Trace>(
    tables: &T,
    port: &Port,
    meta: &Meta,
    generation: u64,
    state: &mut State,
    trace: &mut R,
) -> Result<(), DropReason> {
    if !meta.is(SYN) {
        // A flow that the port opened goes on, whatever became of its rules (rule SG-6).
        if state.has(FLOW_OUT_ALLOWED) {
            trace.step(|| Step::Tracked { port: port.port, outbound: true });
            return Ok(());
        }
        // A request answers nothing, even where its identifier makes its tuple that of the other side's requests (0).
        if state.has(FLOW_IN_ALLOWED) && !meta.is(ECHO_REQUEST) {
            // Something may have changed since the flow was let in: would its packets still be (rule SG-6)?
            if state.in_generation == generation || is_still_let_in(tables, port, meta, state, trace) {
                state.in_generation = generation;
                trace.step(|| Step::Tracked { port: port.port, outbound: false });
                return Ok(());
            }
            state.revoked = true;
        }
    }
    let question = Question {
        port: &port.port,
        policy: &port.policy,
        context: CONTEXT_OUT,
        family: meta.key.family,
        remote: &meta.key.destination,
        protocol: meta.protocol,
        service: meta.service,
    };
    if !policy::allowed(tables, question, trace) {
        return Err(DropReason::SecurityGroup);
    }
    acl::may_leave(tables, port, meta, trace)?;
    // An error that only a rule let out is not about a flow of the port.
    if !meta.is(ICMP_ERROR) {
        state.flags |= FLOW_OUT_ALLOWED;
    }
    Ok(())
}

/// Whether the rules as they are now let in the packets that the port answers.
#[inline(always)]
fn is_still_let_in<T: Tables, R: Trace>(tables: &T, port: &Port, meta: &Meta, state: &State, trace: &mut R) -> bool {
    if !state.has(FLOW_SAME_SUBNET) && acl::may_still_enter(tables, port, meta, trace).is_err() {
        return false;
    }
    let question = Question {
        port: &port.port,
        policy: &port.policy,
        context: state.origin,
        family: meta.key.family,
        remote: &meta.key.destination,
        protocol: meta.key.protocol,
        service: reverse_service(meta),
    };
    policy::allowed(tables, question, trace)
}

/// The service of the packets that come the other way in the flow.
#[inline(always)]
const fn reverse_service(meta: &Meta) -> [u8; 2] {
    match meta.key.protocol {
        PROTOCOL_TCP | PROTOCOL_UDP => meta.key.source_port,
        PROTOCOL_ICMP if meta.key.family == FAMILY_V4 => icmp::SERVICE_ECHO_REQUEST,
        PROTOCOL_ICMPV6 if meta.key.family != FAMILY_V4 => icmpv6::SERVICE_ECHO_REQUEST,
        _ => [0; 2],
    }
}
