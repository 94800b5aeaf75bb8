//! A frame in a byte buffer.

use pipeline::{Header, Packet};

/// The bytes of a frame, and the VLAN whose tag stands beside them.
pub(super) struct Buffer<'a> {
    pub bytes: &'a mut Vec<u8>,
    pub vlan: u32,
}

impl Packet for Buffer<'_> {
    fn len(&self) -> u32 {
        u32::try_from(self.bytes.len()).unwrap_or(u32::MAX)
    }

    fn vlan(&self) -> u32 {
        self.vlan
    }

    fn at<H: Header>(&self, offset: usize) -> Option<&H> {
        let (header, _) = H::ref_from_prefix(self.bytes.get(offset..)?).ok()?;
        Some(header)
    }

    fn at_mut<H: Header>(&mut self, offset: usize) -> Option<&mut H> {
        let (header, _) = H::mut_from_prefix(self.bytes.get_mut(offset..)?).ok()?;
        Some(header)
    }

    fn resize(&mut self, len: u32) -> bool {
        self.bytes.resize(len as usize, 0);
        true
    }

    fn prepend(&mut self, bytes: u32) -> bool {
        self.bytes.splice(..0, (0..bytes).map(|_| 0));
        true
    }
}
