//! Which frames were compared: too few kinds prove nothing.

use std::collections::BTreeMap;

use abi::{DropReason, NO_VLAN, attachment_vlan};

/// Reasons that the tracer alone gives, and one of what is not forwarded by this program.
const ELSEWHERE: [DropReason; 6] = [
    DropReason::NoReturnRoute,
    DropReason::LocalRoutePreferred,
    DropReason::Misrouted,
    DropReason::NextHopNotForwarding,
    DropReason::DifferentRegion,
    DropReason::NoSnatRule,
];

/// Everything that ports are answered.
const REPLIES: [&str; 9] = [
    "ARP reply",
    "echo reply",
    "ICMP fragmentation needed",
    "DHCP answer",
    "neighbour advertisement",
    "router advertisement",
    "ICMPv6 echo reply",
    "ICMPv6 packet too big",
    "DHCPv6 answer",
];

/// What was counted.
#[derive(Debug, Default)]
pub struct Seen {
    /// Pairs of what the kernel and what the simulator did.
    pub compared: usize,
    /// Those with IPv6 headers.
    version_6: usize,
    delivered: [usize; 2],
    consumed: usize,
    /// Delivered from a supplementary interface; delivered to one; answered there.
    tagged: [usize; 3],
    /// By reason.
    dropped: BTreeMap<u32, usize>,
    replies: BTreeMap<&'static str, usize>,
}

impl Seen {
    /// Counts a frame that went in and what came of it: the action, the reason, the frame afterwards.
    pub fn add(&mut self, sent: &[u8], action: u32, reason: u32, after: &[u8]) {
        let version_6 = usize::from(is_v6(sent));
        self.compared += 1;
        self.version_6 += version_6;
        match action {
            0 => *self.dropped.entry(reason).or_default() += 1,
            1 => self.delivered[version_6] += 1,
            2 => *self.replies.entry(reply(after)).or_default() += 1,
            _ => self.consumed += 1,
        }
    }

    /// Counts what supplementary interfaces sent and got.
    pub fn add_tags(&mut self, from: u32, action: u32, to: u32) {
        let counts = [action == 1 && attachment_vlan(from) != NO_VLAN, action == 1, action == 2];
        let to_tagged = attachment_vlan(to) != NO_VLAN;
        let [sent, got, answered] = counts;
        for (count, yes) in self.tagged.iter_mut().zip([sent, got && to_tagged, answered && to_tagged]) {
            *count += usize::from(yes);
        }
    }

    /// That enough was seen.
    pub fn assert_enough(&self, pairs: usize) {
        assert!(self.compared >= pairs, "{} pairs", self.compared);
        assert!(self.version_6 >= pairs / 3, "{} pairs of IPv6", self.version_6);
        assert!(self.delivered.iter().all(|count| *count >= pairs / 20), "too few were delivered: {self:?}");
        assert!(self.tagged.iter().all(|count| *count >= pairs / 100), "too few with tags: {self:?}");
        assert!(self.consumed > 0, "nothing was consumed: {self:?}");
        let never = |reason: &&DropReason| !self.dropped.contains_key(&(**reason as u32));
        let missing: Vec<_> =
            DropReason::ALL.iter().filter(never).filter(|reason| !ELSEWHERE.contains(reason)).collect();
        assert!(missing.is_empty(), "never a reason: {missing:?}; {self:?}");
        let missing: Vec<_> = REPLIES.iter().filter(|kind| !self.replies.contains_key(**kind)).collect();
        assert!(missing.is_empty(), "never a reply: {missing:?}; {self:?}");
    }
}

/// Whether a frame is of IPv6.
pub fn is_v6(frame: &[u8]) -> bool {
    frame.get(12..14) == Some(&[0x86, 0xdd])
}

/// What a frame from the gateway is.
fn reply(frame: &[u8]) -> &'static str {
    let byte = |at: usize| frame.get(at).copied().unwrap_or_default();
    match (byte(12), byte(13), byte(23), byte(34), byte(20), byte(54)) {
        (0x08, 0x06, ..) => "ARP reply",
        (0x08, 0x00, 1, 0, ..) => "echo reply",
        (0x08, 0x00, 1, 3, ..) => "ICMP fragmentation needed",
        (0x08, 0x00, 17, ..) => "DHCP answer",
        (0x86, 0xdd, .., 58, 136) => "neighbour advertisement",
        (0x86, 0xdd, .., 58, 134) => "router advertisement",
        (0x86, 0xdd, .., 58, 129) => "ICMPv6 echo reply",
        (0x86, 0xdd, .., 58, 2) => "ICMPv6 packet too big",
        (0x86, 0xdd, .., 17, _) => "DHCPv6 answer",
        _ => "something else",
    }
}
