//! The kernel programs: entry points over the packet pipeline.
//!
//! Nothing is decided here. There is a program for each part of the pipeline; the first is on the interfaces, the others
//! are called by the one before (see [`pipeline::Part`]). A program makes the frame's headers linear, lets `pipeline` decide, and acts: hardware
//! addresses, redirects, counters.
#![no_std]
#![no_main]

mod act;
mod drops;
mod maps;
mod skb;

use abi::DropReason;
use aya_ebpf::{bindings::__sk_buff, macros::classifier, programs::TcContext};
use pipeline::{Action, NoTrace, Part, Verdict};

use crate::{
    maps::{Configuration, State},
    skb::Frame,
};

/// TCX ingress of the host's end of a workload's veth: every frame that the workload sends.
#[classifier]
pub fn from_workload(context: TcContext) -> i32 {
    let skb: *mut __sk_buff = context.skb.skb;
    #[cfg(feature = "testrun")]
    skb::tag(skb);
    let mut verdict = Verdict::NEW;
    let mut frame = Frame::new(skb);
    let ifindex = skb::ifindex(skb);
    pipeline::enter(&mut frame, ifindex, &Configuration::new(), &mut State::new(skb), &mut NoTrace, &mut verdict);
    finish(context, &verdict)
}

/// [`pipeline::Part::Ipv6`].
#[classifier]
pub fn ipv6(context: TcContext) -> i32 {
    let skb: *mut __sk_buff = context.skb.skb;
    let mut verdict = Verdict::NEW;
    let mut frame = Frame::ipv6(skb);
    let ifindex = skb::ifindex(skb);
    pipeline::ipv6(&mut frame, ifindex, &Configuration::new(), &mut State::new(skb), &mut NoTrace, &mut verdict);
    finish(context, &verdict)
}

/// [`pipeline::Part::Neighbour`].
#[classifier]
pub fn neighbour(context: TcContext) -> i32 {
    let skb: *mut __sk_buff = context.skb.skb;
    let mut verdict = Verdict::NEW;
    let mut frame = Frame::again(skb);
    let ifindex = skb::ifindex(skb);
    pipeline::neighbour(&mut frame, ifindex, &Configuration::new(), &mut State::new(skb), &mut NoTrace, &mut verdict);
    finish(context, &verdict)
}

/// [`pipeline::Part::Dhcp`].
#[classifier]
pub fn dhcp(context: TcContext) -> i32 {
    let skb: *mut __sk_buff = context.skb.skb;
    let mut verdict = Verdict::NEW;
    let mut frame = Frame::whole(skb);
    let ifindex = skb::ifindex(skb);
    pipeline::dhcp(&mut frame, ifindex, &Configuration::new(), &mut State::new(skb), &mut NoTrace, &mut verdict);
    finish(context, &verdict)
}

/// [`pipeline::Part::Dhcpv6`].
#[classifier]
pub fn dhcpv6(context: TcContext) -> i32 {
    let skb: *mut __sk_buff = context.skb.skb;
    let mut verdict = Verdict::NEW;
    let mut frame = Frame::whole(skb);
    let ifindex = skb::ifindex(skb);
    pipeline::dhcpv6(&mut frame, ifindex, &Configuration::new(), &mut State::new(skb), &mut NoTrace, &mut verdict);
    finish(context, &verdict)
}

/// [`pipeline::Part::TooBig`].
#[classifier]
pub fn too_big(context: TcContext) -> i32 {
    let skb: *mut __sk_buff = context.skb.skb;
    let mut verdict = Verdict::NEW;
    let mut frame = Frame::again(skb);
    pipeline::too_big(&mut frame, skb::ifindex(skb), &Configuration::new(), &mut NoTrace, &mut verdict);
    finish(context, &verdict)
}

/// Goes on with the part of the pipeline that is named, or acts.
#[inline(always)]
fn finish(context: TcContext, verdict: &Verdict) -> i32 {
    let skb: *mut __sk_buff = context.skb.skb;
    let mut verdict = *verdict;
    if verdict.next != Part::None as u32 {
        // SAFETY: the context of the program. Returns only when there is no such program.
        let _ = unsafe { maps::PARTS.tail_call(&context, verdict.next) };
        verdict.action = Action::Drop as u32;
        verdict.reason = DropReason::InconsistentTables as u32;
    }
    #[cfg(feature = "testrun")]
    skb::report(skb, &verdict);
    act::act(skb, &verdict)
}

/// Does nothing: what a test run costs by itself.
#[cfg(feature = "testrun")]
#[classifier]
pub fn empty(_context: TcContext) -> i32 {
    0
}

#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

/// No helper in use asks for a licence compatible with the kernel's.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 11] = *b"Apache-2.0\0";
