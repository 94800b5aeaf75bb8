//! Medians and the middle half.

use std::fmt;

use serde::Serialize;

/// The middle of some values and the range that their middle half lies in.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// Median.
    pub median: f64,
    /// First quartile.
    pub low: f64,
    /// Third quartile.
    pub high: f64,
    /// Number of values.
    pub count: usize,
}

impl Spread {
    /// `None` without values; values that are not finite do not count.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
        values.sort_by(f64::total_cmp);
        let count = values.len();
        (count > 0).then(|| Self {
            median: quantile(&values, 0.5),
            low: quantile(&values, 0.25),
            high: quantile(&values, 0.75),
            count,
        })
    }
}

/// By linear interpolation between the neighbours.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    #[allow(clippy::cast_precision_loss, reason = "a number of rounds")]
    let place = (sorted.len() - 1) as f64 * share;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and the length")]
    let (low, high) = (place.floor() as usize, place.ceil() as usize);
    let weight = place - place.floor();
    sorted[low] * (1.0 - weight) + sorted[high] * weight
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = f.precision().unwrap_or(2);
        write!(f, "{:.digits$} [{:.digits$}-{:.digits$}]", self.median, self.low, self.high)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
    use super::*;

    #[test]
    fn the_median_lies_between_the_quartiles() {
        let spread = Spread::of([4.0, 1.0, f64::NAN, 3.0, 2.0, 5.0, f64::INFINITY]).unwrap();
        assert_eq!((spread.low, spread.median, spread.high, spread.count), (2.0, 3.0, 4.0, 5));
        assert_eq!(spread.to_string(), "3.00 [2.00-4.00]");
        assert_eq!(format!("{spread:.0}"), "3 [2-4]");
        assert_eq!(Spread::of([1.0, 2.0]).unwrap().median, 1.5);
        assert_eq!(Spread::of([]), None);
    }
}
