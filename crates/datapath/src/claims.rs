//! The claims of virtual IPs that the programs report (rule VIP-3).

use std::os::fd::AsFd as _;
use std::time::Duration;

use abi::Claim;
use aya::maps::{MapData, RingBuf};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use zerocopy::FromBytes as _;

use crate::map::Maps;
use crate::{Datapath, Error, MapName};

/// Reads claims as they are made. Independent of the [`Datapath`] that it was taken from: may be used in another thread.
/// What nobody has read stays in the kernel's ring buffer, some 18,000 claims, also from one process to the next.
pub struct ClaimReader {
    ring: RingBuf<MapData>,
}

impl Datapath {
    /// The one reader of this data plane's claims; `None` when it was taken before.
    #[must_use]
    pub fn claim_reader(&mut self) -> Option<ClaimReader> {
        self.loaded.maps.claims.take().map(|ring| ClaimReader { ring })
    }
}

impl ClaimReader {
    /// Waits until there are claims, for `timeout` at most (whole milliseconds), and takes all, oldest first.
    ///
    /// # Errors
    ///
    /// [`Error::Map`] when the ring buffer cannot be waited for.
    pub fn read(&mut self, timeout: Duration) -> Result<Vec<Claim>, Error> {
        let claims = self.take();
        if !claims.is_empty() {
            return Ok(claims);
        }
        let timeout = PollTimeout::try_from(timeout).unwrap_or(PollTimeout::MAX);
        let polled = poll(&mut [PollFd::new(self.ring.as_fd(), PollFlags::POLLIN)], timeout);
        match polled {
            Ok(_) | Err(Errno::EINTR) => Ok(self.take()),
            Err(errno) => Err(Error::Map {
                map: MapName::Claims,
                source: Box::new(aya::maps::MapError::IoError(std::io::Error::from(errno))),
            }),
        }
    }

    /// What is there now.
    fn take(&mut self) -> Vec<Claim> {
        read_all(&mut self.ring)
    }
}

impl Maps {
    /// Claims since the last call, oldest first; none when a [`ClaimReader`] takes them.
    pub fn claims(&mut self) -> Vec<Claim> {
        self.claims.as_mut().map(read_all).unwrap_or_default()
    }
}

/// How many claims are taken at once: the kernel may write them as fast as they are read.
const AT_ONCE: usize = 32_768;

fn read_all(ring: &mut RingBuf<MapData>) -> Vec<Claim> {
    let mut claims = Vec::new();
    while claims.len() < AT_ONCE
        && let Some(record) = ring.next()
    {
        claims.extend(Claim::read_from_bytes(&record));
    }
    claims
}
