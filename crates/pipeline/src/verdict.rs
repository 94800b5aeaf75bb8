//! What to do with a packet, as flat data.

use abi::{DropReason, Mac};

/// What the caller must do. The numbers are stored in flow entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u32)]
pub enum Action {
    /// Drop the packet and count [`Verdict::reason`] for [`Verdict::vni`].
    Drop = 0,
    /// Write [`Verdict::dmac`] and [`Verdict::smac`], then hand the frame to the workload behind [`Verdict::ifindex`].
    Deliver = 1,
    /// The frame is now the answer: send it out of [`Verdict::ifindex`], back to the workload it came from.
    Reply = 2,
    /// Taken in by the platform: drop the frame, count nothing.
    Consume = 3,
}

/// The parts of the pipeline: what a frame meets after [`crate::enter`]. The kernel runs each as a program of its own,
/// since its verifier walks every way through a program; the simulator calls one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u32)]
pub enum Part {
    /// None: the verdict is complete.
    None = 0,
    /// [`crate::ipv6`]: forwards an IPv6 packet.
    Ipv6 = 1,
    /// [`crate::neighbour`]: answers ARP, neighbour discovery, and echo to the gateway's link-local address.
    Neighbour = 2,
    /// [`crate::dhcp`]: answers DHCP.
    Dhcp = 3,
    /// [`crate::too_big`]: answers a packet that is larger than the MTU.
    TooBig = 4,
    /// [`crate::dhcpv6`]: answers DHCP for IPv6.
    Dhcpv6 = 5,
}

impl Action {
    /// The action with this number.
    #[must_use]
    pub const fn from_number(number: u32) -> Option<Self> {
        match number {
            0 => Some(Self::Drop),
            1 => Some(Self::Deliver),
            2 => Some(Self::Reply),
            3 => Some(Self::Consume),
            _ => None,
        }
    }
}

/// The pipeline's decision about one packet. Flat and always fully written: see the style section of the crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Verdict {
    /// [`Action`] as a number.
    pub action: u32,
    /// [`DropReason`] as a number; 0 unless the packet is dropped.
    pub reason: u32,
    /// Interface index of the host's end of the veth to deliver or reply to; else 0.
    pub ifindex: u32,
    /// VLAN that the delivered frame carries; [`abi::NO_VLAN`] for none, whatever tag it had. A reply keeps its tag.
    pub vlan: u32,
    /// The VPC in which the packet was dropped or delivered; 0 when the port is unknown.
    pub vni: u32,
    /// [`Part`] as a number: which part of the pipeline decides in place of this verdict. 0 outside the kernel programs.
    pub next: u32,
    /// Destination hardware address to write before delivery.
    pub dmac: Mac,
    /// Source hardware address to write before delivery.
    pub smac: Mac,
}

impl Verdict {
    /// A drop without a reason: what an unfinished decision is.
    pub const NEW: Self = Self {
        action: Action::Drop as u32,
        reason: 0,
        ifindex: 0,
        vlan: abi::NO_VLAN,
        vni: 0,
        next: 0,
        dmac: [0; 6],
        smac: [0; 6],
    };

    /// The action as an enum; for user space.
    #[must_use]
    pub const fn action(&self) -> Action {
        match Action::from_number(self.action) {
            Some(action) => action,
            None => Action::Drop,
        }
    }

    /// Why the packet was dropped, if it was; for user space.
    #[must_use]
    pub const fn reason(&self) -> Option<DropReason> {
        DropReason::from_number(self.reason)
    }
}
