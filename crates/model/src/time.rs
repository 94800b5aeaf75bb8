//! Points in time as the store keeps them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A point in time, UTC, with seconds as the grain of everything the API shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(jiff::Timestamp);

impl Timestamp {
    /// The time with this many seconds since 1970; out of range means the nearest that can be told.
    #[must_use]
    pub fn from_unix_seconds(seconds: i64) -> Self {
        Self(jiff::Timestamp::from_second(seconds).unwrap_or(if seconds < 0 {
            jiff::Timestamp::MIN
        } else {
            jiff::Timestamp::MAX
        }))
    }

    /// Seconds since 1970.
    #[must_use]
    pub fn unix_seconds(self) -> i64 {
        self.0.as_second()
    }

    /// The time `seconds` later.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self::from_unix_seconds(self.unix_seconds().saturating_add(seconds))
    }

    /// `yyyy-MM-ddTHH:mm:ss` without a zone, as the v1 and v2.0 families show it (api-vpc §0.3).
    #[must_use]
    pub fn without_zone(self) -> String {
        self.0.strftime("%Y-%m-%dT%H:%M:%S").to_string()
    }

    /// `yyyy-MM-ddTHH:mm:ssZ`, as the v3 family shows it.
    #[must_use]
    pub fn with_zone(self) -> String {
        self.0.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    /// With microseconds and `Z`, as tokens show it (api-iam §5.1).
    #[must_use]
    pub fn with_micros(self) -> String {
        self.0.strftime("%Y-%m-%dT%H:%M:%S.000000Z").to_string()
    }
}

impl From<jiff::Timestamp> for Timestamp {
    fn from(time: jiff::Timestamp) -> Self {
        Self::from_unix_seconds(time.as_second())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.with_zone())
    }
}
