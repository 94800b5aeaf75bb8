//! What a verdict means for a frame.

use abi::{Mac, NO_VLAN};
use aya_ebpf::{
    bindings::{__sk_buff, TC_ACT_SHOT},
    helpers::{bpf_redirect, bpf_redirect_peer, bpf_skb_change_type, bpf_skb_vlan_pop, bpf_skb_vlan_push},
};
use pipeline::{Action, Packet as _, Verdict};

use crate::{
    drops,
    skb::{self, DOT1Q, Frame},
};

/// The frame is for the namespace that it is in (`PACKET_HOST` of `linux/if_packet.h`).
const PACKET_HOST: u32 = 0;

const DROP: u32 = Action::Drop as u32;
const DELIVER: u32 = Action::Deliver as u32;
const REPLY: u32 = Action::Reply as u32;

/// Does what the verdict says and returns the program's result.
#[inline(always)]
pub fn act(skb: *mut __sk_buff, verdict: &Verdict) -> i32 {
    match verdict.action {
        DELIVER => deliver(skb, verdict),
        REPLY => {
            // SAFETY: no pointers.
            (unsafe { bpf_redirect(verdict.ifindex, 0) }) as i32
        }
        DROP => {
            drops::record(skb, verdict);
            TC_ACT_SHOT
        }
        _ => TC_ACT_SHOT,
    }
}

/// Hands the frame to the far end of the veth, past the receiving stack of the host.
#[inline(always)]
fn deliver(skb: *mut __sk_buff, verdict: &Verdict) -> i32 {
    let mut frame = Frame::again(skb);
    let Some(macs) = frame.at_mut::<[Mac; 2]>(0) else { return TC_ACT_SHOT };
    *macs = [verdict.dmac, verdict.smac];
    // Tags stand beside the frame: none of this moves its bytes.
    if skb::vlan(skb) != NO_VLAN {
        // SAFETY: the context of the program.
        let _ = unsafe { bpf_skb_vlan_pop(skb) };
    }
    if verdict.vlan != NO_VLAN {
        // SAFETY: as above.
        if unsafe { bpf_skb_vlan_push(skb, DOT1Q, verdict.vlan as u16) } != 0 {
            return TC_ACT_SHOT;
        }
    }
    // Judged by the address of the host's end of the sender's veth, a frame to a neighbour is for somebody else, and
    // the receiver's stack would drop it.
    // SAFETY: the context of the program; the kernel rewrites the access.
    if unsafe { (*skb).pkt_type } != PACKET_HOST {
        // SAFETY: the context of the program.
        let _ = unsafe { bpf_skb_change_type(skb, PACKET_HOST) };
    }
    // SAFETY: no pointers.
    (unsafe { bpf_redirect_peer(verdict.ifindex, 0) }) as i32
}
