//! The kernel programs: entry points over the packet pipeline.
//!
//! Nothing is decided here. A program makes the frame's headers linear, lets `pipeline` decide, and acts: hardware
//! addresses, redirects, counters.
#![no_std]
#![no_main]

mod act;
mod drops;
mod maps;
mod skb;

use aya_ebpf::{bindings::__sk_buff, macros::classifier, programs::TcContext};
use pipeline::{NoTrace, Verdict};

use crate::{
    maps::{Configuration, State},
    skb::Frame,
};

/// TCX ingress of the host's end of a workload's veth: every frame that the workload sends.
#[classifier]
pub fn from_workload(context: TcContext) -> i32 {
    let skb: *mut __sk_buff = context.skb.skb;
    let mut verdict = Verdict::NEW;
    let mut frame = Frame::new(skb);
    let ifindex = skb::ifindex(skb);
    pipeline::from_workload(&mut frame, ifindex, &Configuration::new(), &mut State, &mut NoTrace, &mut verdict);
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
