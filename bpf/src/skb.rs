//! The kernel's socket buffer as the pipeline's packet.

use abi::{NO_VLAN, OTHER_TAG};
use aya_ebpf::{
    bindings::__sk_buff,
    helpers::{bpf_skb_change_head, bpf_skb_change_tail, bpf_skb_pull_data},
};
use pipeline::{Header, MAX_HEADER_BYTES, MAX_HEADER_BYTES_V6, PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP, Packet};

/// Ethernet with ARP; Ethernet, IPv4 and UDP; the most that needs no look into the packet.
const SHORT_HEADERS: u32 = 14 + 28;
/// Ethernet, IPv4 and TCP without options.
const TCP_HEADERS: u32 = 14 + 20 + 20;
/// Offset of the byte with version and header length of IPv4, and of the protocol.
const VERSION: usize = 14;
const PROTOCOL: usize = 14 + 9;
/// Ethernet, IPv6 and TCP without options.
const TCP_HEADERS_V6: u32 = 14 + 40 + 20;
/// Offset of the protocol of IPv6, with the hop limit behind it.
const NEXT_HEADER: usize = 14 + 6;

/// The interface that the frame came in by.
#[inline(always)]
pub fn ifindex(skb: *mut __sk_buff) -> u32 {
    // SAFETY: the context of the program; the kernel rewrites the access.
    unsafe { (*skb).ifindex }
}

/// Tag protocol of 802.1Q as the kernel has it: in network byte order.
pub const DOT1Q: u16 = 0x8100_u16.to_be();
/// Bits of the VLAN id in the tag control information.
const VLAN_ID: u32 = 0xfff;

/// The VLAN of the frame; see [`Packet::vlan`].
#[inline(always)]
pub fn vlan(skb: *mut __sk_buff) -> u32 {
    // SAFETY: as for `ifindex`.
    let (present, proto, tci) = unsafe { ((*skb).vlan_present, (*skb).vlan_proto, (*skb).vlan_tci) };
    if present == 0 {
        return NO_VLAN;
    }
    let id = tci & VLAN_ID;
    if proto != DOT1Q as u32 || id == 0 { OTHER_TAG } else { id }
}

/// Whose frame it is.
#[inline(always)]
pub fn attachment(skb: *mut __sk_buff) -> u32 {
    abi::attachment(ifindex(skb), vlan(skb))
}

/// Length of the frame with its Ethernet header.
#[inline(always)]
pub fn len(skb: *mut __sk_buff) -> u32 {
    // SAFETY: as for `ifindex`.
    unsafe { (*skb).len }
}

/// A frame whose headers lie in one piece of memory.
pub struct Frame {
    skb: *mut __sk_buff,
}

impl Frame {
    /// Makes linear what the pipeline reads. The payload stays where it is: pulling it in would cost a copy for each
    /// segment of a stream.
    #[inline(always)]
    pub fn new(skb: *mut __sk_buff) -> Self {
        let frame = Self { skb };
        frame.pull(SHORT_HEADERS);
        // Two bytes each, since the verifier learns nothing from the bounds check of one.
        let (Some(version), Some(protocol)) = (frame.at::<[u8; 2]>(VERSION), frame.at::<[u8; 2]>(PROTOCOL)) else {
            return frame;
        };
        if version[0] >> 4 != 4 {
            // Nothing that the first program reads.
        } else if version[0] != 0x45 || protocol[0] == PROTOCOL_ICMP {
            frame.pull(MAX_HEADER_BYTES);
        } else if protocol[0] == PROTOCOL_TCP {
            frame.pull(TCP_HEADERS);
        }
        frame
    }

    /// As [`Frame::new`] for an IPv6 frame.
    #[inline(always)]
    pub fn ipv6(skb: *mut __sk_buff) -> Self {
        let frame = Self { skb };
        frame.pull(TCP_HEADERS_V6);
        let Some([protocol, _]) = frame.at::<[u8; 2]>(NEXT_HEADER) else { return frame };
        if *protocol != PROTOCOL_TCP && *protocol != PROTOCOL_UDP {
            frame.pull(MAX_HEADER_BYTES_V6);
        }
        frame
    }

    /// The frame in one piece.
    #[inline(always)]
    pub fn whole(skb: *mut __sk_buff) -> Self {
        let frame = Self { skb };
        frame.pull(len(skb));
        frame
    }

    /// The frame of which [`Frame::new`] was made before.
    #[inline(always)]
    pub const fn again(skb: *mut __sk_buff) -> Self {
        Self { skb }
    }

    /// Makes `bytes` bytes linear, or the whole frame when it is shorter. Failure leaves a frame that is too short for
    /// its headers, which the pipeline drops.
    #[inline(always)]
    fn pull(&self, bytes: u32) {
        // SAFETY: the context of the program; the kernel rewrites the accesses.
        let (start, end) = unsafe { ((*self.skb).data as usize, (*self.skb).data_end as usize) };
        if start + bytes as usize > end {
            let len = len(self.skb);
            if end - start < len as usize {
                // SAFETY: the context of the program; packet pointers are read again afterwards.
                let _ = unsafe { bpf_skb_pull_data(self.skb, if len < bytes { len } else { bytes }) };
            }
        }
    }

    #[inline(always)]
    fn pointer<H>(&self, offset: usize) -> Option<*mut H> {
        // SAFETY: as for `pull`.
        let (start, end) = unsafe { ((*self.skb).data as usize, (*self.skb).data_end as usize) };
        let header = start + offset;
        if header + size_of::<H>() > end {
            return None;
        }
        Some(header as *mut H)
    }
}

impl Packet for Frame {
    #[inline(always)]
    fn len(&self) -> u32 {
        len(self.skb)
    }

    #[inline(always)]
    fn vlan(&self) -> u32 {
        vlan(self.skb)
    }

    #[inline(always)]
    fn gso_size(&self) -> u32 {
        // SAFETY: as for `pull`.
        unsafe { (*self.skb).gso_size }
    }

    #[inline(always)]
    fn resize(&mut self, len: u32) -> bool {
        // SAFETY: the context of the program; packet pointers are read again afterwards.
        if unsafe { bpf_skb_change_tail(self.skb, len, 0) } != 0 {
            return false;
        }
        self.pull(len);
        true
    }

    #[inline(always)]
    fn prepend(&mut self, bytes: u32) -> bool {
        // SAFETY: as for `resize`.
        (unsafe { bpf_skb_change_head(self.skb, bytes, 0) }) == 0
    }

    #[inline(always)]
    fn at<H: Header>(&self, offset: usize) -> Option<&H> {
        let Some(header) = self.pointer::<H>(offset) else { return None };
        // SAFETY: within the packet; any bytes at any alignment are an `H`.
        Some(unsafe { &*header })
    }

    #[inline(always)]
    fn at_mut<H: Header>(&mut self, offset: usize) -> Option<&mut H> {
        let Some(header) = self.pointer::<H>(offset) else { return None };
        // SAFETY: as for `at`; the frame is borrowed exclusively.
        Some(unsafe { &mut *header })
    }
}

/// Shows the verdict where a test run returns it.
#[cfg(feature = "testrun")]
#[inline(always)]
pub fn report(skb: *mut __sk_buff, verdict: &pipeline::Verdict) {
    // SAFETY: the context of the program. One field at a time: the verifier refuses a reference into the context.
    unsafe {
        (&raw mut (*skb).cb[0]).write_volatile(verdict.action);
        (&raw mut (*skb).cb[1]).write_volatile(verdict.reason);
        (&raw mut (*skb).cb[2]).write_volatile(verdict.ifindex);
        (&raw mut (*skb).cb[3]).write_volatile(verdict.vni);
        (&raw mut (*skb).cb[4]).write_volatile(verdict.vlan);
    }
}

/// Gives the frame the tag that stands in its mark: a test run cannot give it one otherwise.
#[cfg(feature = "testrun")]
#[inline(always)]
pub fn tag(skb: *mut __sk_buff) {
    // SAFETY: the context of the program; packet pointers are made afterwards.
    unsafe {
        let vlan = (*skb).mark;
        if vlan != 0 {
            let _ = aya_ebpf::helpers::bpf_skb_vlan_push(skb, DOT1Q, vlan as u16);
        }
    }
}
