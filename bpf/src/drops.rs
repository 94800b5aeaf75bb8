//! Dropped packets: counted all, shown some (rule DIAG-5).

use abi::{DropCounter, DropCounterKey, DropSample, FAMILY_V4};
use aya_ebpf::{
    bindings::{__sk_buff, BPF_NOEXIST, BPF_RB_NO_WAKEUP},
    helpers::bpf_ktime_get_coarse_ns,
};
use pipeline::{ETHERTYPE_IPV4, EthernetHeader, Ipv4Header, Packet as _, Tables as _, Verdict};

use crate::{
    maps::{Configuration, DROPS, EVENTS, SAMPLED},
    skb::{self, Frame},
};

/// An example is taken at most so often for each VPC, reason and CPU.
const INTERVAL_NS: u64 = 1_000_000_000;

/// Counts a dropped frame, and shows it if none like it was shown lately.
#[inline(always)]
pub fn record(skb: *mut __sk_buff, verdict: &Verdict) {
    let key = DropCounterKey { vni: verdict.vni, reason: verdict.reason };
    count(skb, &key);
    // SAFETY: no arguments.
    let now = unsafe { bpf_ktime_get_coarse_ns() };
    if is_due(&key, now) {
        show(skb, &key, now);
    }
}

#[inline(always)]
fn count(skb: *mut __sk_buff, key: &DropCounterKey) {
    let bytes = skb::len(skb) as u64;
    let port = match Configuration::new().port(skb::ifindex(skb)) {
        Some(port) => port.port,
        None => abi::NO_ID,
    };
    let Some(counter) = DROPS.get_ptr_mut(key) else {
        let first = DropCounter { packets: 1, bytes, latest_port: port };
        let _ = DROPS.insert(key, first, BPF_NOEXIST as u64);
        return;
    };
    // SAFETY: the pointer was just returned by the map, and is this CPU's own counter.
    unsafe {
        (*counter).packets += 1;
        (*counter).bytes += bytes;
        (*counter).latest_port = port;
    }
}

/// Whether it is time for another example; if so, it counts as taken.
#[inline(always)]
fn is_due(key: &DropCounterKey, now: u64) -> bool {
    let Some(last) = SAMPLED.get_ptr_mut(key) else {
        return SAMPLED.insert(key, now, BPF_NOEXIST as u64).is_ok();
    };
    // SAFETY: the pointer was just returned by the map, and is this CPU's own value.
    unsafe {
        let due = now.saturating_sub(*last) >= INTERVAL_NS;
        if due {
            *last = now;
        }
        due
    }
}

/// Writes the example; nothing happens when the ring is full because nobody reads it.
#[inline(always)]
fn show(skb: *mut __sk_buff, key: &DropCounterKey, now: u64) {
    let Some(mut entry) = EVENTS.reserve::<DropSample>(0) else { return };
    let sample = entry.write(DropSample {
        time: now,
        vni: key.vni,
        reason: key.reason,
        ifindex: skb::ifindex(skb),
        len: skb::len(skb),
        source: [0; 16],
        destination: [0; 16],
        source_port: [0; 2],
        destination_port: [0; 2],
        protocol: 0,
        family: 0,
        pad: [0; 2],
    });
    let frame = Frame::again(skb);
    if let Some(ethernet) = frame.at::<EthernetHeader>(0)
        && ethernet.ethertype == ETHERTYPE_IPV4
        && let Some(ip) = frame.at::<Ipv4Header>(14)
    {
        sample.family = FAMILY_V4;
        sample.protocol = ip.protocol;
        let [a, b, c, d, ..] = &mut sample.source;
        [*a, *b, *c, *d] = ip.source;
        let [a, b, c, d, ..] = &mut sample.destination;
        [*a, *b, *c, *d] = ip.destination;
        if let Some([source, destination]) = frame.at::<[[u8; 2]; 2]>(14 + (ip.version_ihl & 15) as usize * 4) {
            sample.source_port = *source;
            sample.destination_port = *destination;
        }
    }
    entry.submit(BPF_RB_NO_WAKEUP as u64);
}
