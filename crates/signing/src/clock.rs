//! `X-Sdk-Date`: its form and how far it may be from the server's clock.

use std::time::Duration;

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use thiserror::Error;

/// A request is refused when its date is further than this from the server's clock, in either direction.
pub const MAX_SKEW: Duration = Duration::from_secs(15 * 60);

const FORMAT: &str = "%Y%m%dT%H%M%SZ";

/// Why a date is refused. The text is the detail that stands in the answer (401 `APIGW.0301`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ClockError {
    /// Not of the form `YYYYMMDDTHHMMSSZ`, or no date of the calendar.
    #[error("X-Sdk-Date is not of the form YYYYMMDDTHHMMSSZ")]
    Malformed,
    /// Further than [`MAX_SKEW`] from `now`.
    #[error("calc ak sk signature fail:signature expired")]
    Expired,
}

/// Reads the value of `X-Sdk-Date`.
///
/// # Errors
/// [`ClockError::Malformed`].
pub fn parse_date(date: &str) -> Result<Timestamp, ClockError> {
    let shape = date.len() == 16
        && date.bytes().enumerate().all(|(at, byte)| match at {
            8 => byte == b'T',
            15 => byte == b'Z',
            _ => byte.is_ascii_digit(),
        });
    if !shape {
        return Err(ClockError::Malformed);
    }
    DateTime::strptime(FORMAT, date)
        .and_then(|time| time.to_zoned(TimeZone::UTC))
        .map(|zoned| zoned.timestamp())
        .map_err(|_| ClockError::Malformed)
}

/// Writes the value of `X-Sdk-Date`; parts of a second are cut off.
#[must_use]
pub fn format_date(now: Timestamp) -> String {
    now.strftime(FORMAT).to_string()
}

/// Checks a date against the clock; exactly [`MAX_SKEW`] is still good.
///
/// # Errors
/// [`ClockError`].
pub fn check_clock(date: &str, now: Timestamp) -> Result<(), ClockError> {
    let signed_at = parse_date(date)?;
    if signed_at.duration_since(now).unsigned_abs() > MAX_SKEW { Err(ClockError::Expired) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use super::*;

    /// Section 3.5.
    #[test]
    fn fifteen_minutes_either_way_are_good_and_a_second_more_is_not() {
        let now: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        for good in ["20260102T030405Z", "20260102T024905Z", "20260102T031905Z"] {
            assert_eq!(check_clock(good, now), Ok(()), "{good}");
        }
        for bad in ["20260102T024904Z", "20260102T031906Z", "20250102T030405Z"] {
            assert_eq!(check_clock(bad, now), Err(ClockError::Expired), "{bad}");
        }
    }

    /// Section 3.5.
    #[test]
    fn only_the_basic_form_in_utc_is_a_date() {
        for bad in [
            "",
            "2026-01-02T03:04:05Z",
            "20260102T030405",
            "20260102t030405z",
            "20261302T030405Z",
            "20260230T030405Z",
            "+0260102T030405Z",
            "20260102T030405Zé",
        ] {
            assert_eq!(parse_date(bad), Err(ClockError::Malformed), "{bad}");
        }
        let date = "20260102T030405Z";
        assert_eq!(format_date(parse_date(date).unwrap()), date);
    }
}
