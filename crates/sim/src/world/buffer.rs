//! A frame in a byte buffer.

use pipeline::{Header, Packet};

/// The bytes of a frame.
pub(super) struct Buffer<'a>(pub &'a mut Vec<u8>);

impl Packet for Buffer<'_> {
    fn len(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }

    fn at<H: Header>(&self, offset: usize) -> Option<&H> {
        let (header, _) = H::ref_from_prefix(self.0.get(offset..)?).ok()?;
        Some(header)
    }

    fn at_mut<H: Header>(&mut self, offset: usize) -> Option<&mut H> {
        let (header, _) = H::mut_from_prefix(self.0.get_mut(offset..)?).ok()?;
        Some(header)
    }

    fn resize(&mut self, len: u32) -> bool {
        self.0.resize(len as usize, 0);
        true
    }

    fn prepend(&mut self, bytes: u32) -> bool {
        self.0.splice(..0, (0..bytes).map(|_| 0));
        true
    }
}
