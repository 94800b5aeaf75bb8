//! A point in time to wait until.

use std::time::{Duration, Instant};

use nix::poll::PollTimeout;

/// When waiting ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    end: Instant,
}

impl Deadline {
    pub(crate) fn after(time: Duration) -> Self {
        Deadline { end: after(time) }
    }

    /// The earlier of the two.
    pub(crate) fn or_after(self, time: Duration) -> Self {
        Deadline { end: self.end.min(after(time)) }
    }

    pub(crate) fn is_over(self) -> bool {
        Instant::now() >= self.end
    }

    /// What is left, rounded up to whole milliseconds: `poll` must not return a moment too early, again and again.
    pub(crate) fn timeout(self) -> PollTimeout {
        let left = self.end.saturating_duration_since(Instant::now());
        let millis = i32::try_from(left.as_micros().div_ceil(1000)).unwrap_or(i32::MAX);
        PollTimeout::try_from(millis).unwrap_or(PollTimeout::MAX)
    }
}

/// At most a year ahead: longer durations, which could overflow the clock, are as good as for ever.
fn after(time: Duration) -> Instant {
    Instant::now() + time.min(Duration::from_secs(365 * 24 * 3600))
}
