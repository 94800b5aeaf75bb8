//! Dropped packets: counted all, shown some (rule DIAG-5).

use abi::{DropCounter, DropCounterKey, DropSample, FAMILY_V4, FAMILY_V6};
use aya_ebpf::{
    bindings::{__sk_buff, BPF_NOEXIST, BPF_RB_NO_WAKEUP},
    helpers::bpf_ktime_get_coarse_ns,
};
use pipeline::{
    ETHERTYPE_IPV4, ETHERTYPE_IPV6, EthernetHeader, Ipv4Header, Ipv6Header, Packet as _, Tables as _, Verdict,
};

use crate::{
    maps::{Configuration, DROPS, EVENTS, SAMPLED},
    skb::{self, Frame},
};

/// An example is taken at most so often for each VPC, reason and CPU.
const INTERVAL_NS: u64 = 1_000_000_000;

/// Offset of the network header.
const IP: usize = 14;

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
    let port = match Configuration::new().port(skb::attachment(skb)) {
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
    if let Some(ethernet) = frame.at::<EthernetHeader>(0) {
        if ethernet.ethertype == ETHERTYPE_IPV4 {
            show_ipv4(&frame, sample);
        } else if ethernet.ethertype == ETHERTYPE_IPV6 {
            show_ipv6(&frame, sample);
        }
    }
    entry.submit(BPF_RB_NO_WAKEUP as u64);
}

#[inline(always)]
fn show_ipv4(frame: &Frame, sample: &mut DropSample) {
    let Some(ip) = frame.at::<Ipv4Header>(IP) else { return };
    sample.family = FAMILY_V4;
    sample.protocol = ip.protocol;
    let [a, b, c, d, ..] = &mut sample.source;
    [*a, *b, *c, *d] = ip.source;
    let [a, b, c, d, ..] = &mut sample.destination;
    [*a, *b, *c, *d] = ip.destination;
    show_ports(frame, IP + (ip.version_ihl & 15) as usize * 4, sample);
}

/// As it stands: the protocol, and ports, only when no extension header is in front of them.
#[inline(always)]
fn show_ipv6(frame: &Frame, sample: &mut DropSample) {
    let Some(ip) = frame.at::<Ipv6Header>(IP) else { return };
    sample.family = FAMILY_V6;
    sample.protocol = ip.next_header;
    sample.source = ip.source;
    sample.destination = ip.destination;
    show_ports(frame, IP + size_of::<Ipv6Header>(), sample);
}

#[inline(always)]
fn show_ports(frame: &Frame, at: usize, sample: &mut DropSample) {
    if let Some([source, destination]) = frame.at::<[[u8; 2]; 2]>(at) {
        sample.source_port = *source;
        sample.destination_port = *destination;
    }
}
