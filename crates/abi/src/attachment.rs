//! Attachments: where a port is attached to the host, as one number.
//!
//! The number stands in keys and values under the name `ifindex`: for a port with an interface of its own it is the
//! interface index of the host's end of the veth. A supplementary interface shares that of its parent and is told from it
//! by the VLAN of its frames, which stands in the upper bits.

/// The largest interface index that an attachment can have; the bits above are the VLAN's.
pub const MAX_IFINDEX: u32 = (1 << IFINDEX_BITS) - 1;

/// The frames of the attachment carry no tag.
pub const NO_VLAN: u32 = 0;

/// Frames with a tag that no attachment has: one of another kind than 802.1Q, or with VLAN id 0 or 4095.
pub const OTHER_TAG: u32 = 4095;

/// What an attachment is that cannot be: never a key of map `PORTS`.
pub const NO_ATTACHMENT: u32 = 0;

const IFINDEX_BITS: u32 = 20;

/// The attachment of an interface and a VLAN, which is [`NO_VLAN`] for frames without a tag.
#[must_use]
#[inline(always)]
pub const fn attachment(ifindex: u32, vlan: u32) -> u32 {
    if ifindex > MAX_IFINDEX || vlan > OTHER_TAG { NO_ATTACHMENT } else { ifindex | vlan << IFINDEX_BITS }
}

/// The interface index of an attachment.
#[must_use]
#[inline(always)]
pub const fn attachment_ifindex(attachment: u32) -> u32 {
    attachment & MAX_IFINDEX
}

/// The VLAN of an attachment, or [`NO_VLAN`].
#[must_use]
#[inline(always)]
pub const fn attachment_vlan(attachment: u32) -> u32 {
    attachment >> IFINDEX_BITS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attachment_is_an_interface_and_a_vlan() {
        for ifindex in [1, 77, MAX_IFINDEX] {
            assert_eq!(attachment(ifindex, NO_VLAN), ifindex);
            for vlan in [1, 100, 4094, OTHER_TAG] {
                let both = attachment(ifindex, vlan);
                assert_eq!((attachment_ifindex(both), attachment_vlan(both)), (ifindex, vlan));
            }
        }
    }

    /// No interface is taken for another one's VLAN.
    #[test]
    fn an_interface_index_that_is_too_large_is_nobodys() {
        for ifindex in [MAX_IFINDEX + 1, u32::MAX] {
            assert_eq!(attachment(ifindex, NO_VLAN), NO_ATTACHMENT);
            assert_eq!(attachment(ifindex, 1), NO_ATTACHMENT);
        }
        assert_eq!(attachment(1, OTHER_TAG + 1), NO_ATTACHMENT);
    }
}
