//! Journals: rows beside the entries, for what is written once, read in order and forgotten from its old end.
//!
//! A row goes with a commit, so that what happened and the account of it are one transaction. It is in no snapshot, no watch
//! and no change log: journals may be many times larger than what the store is about, and cost nothing until they are read.

use std::sync::Arc;

/// A row to append. The store raises the id where needed, so that the ids of a journal ascend in the order of commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Append {
    /// The journal's name.
    pub journal: String,
    /// A journal that is read together with it: ids ascend in the order of commits over both.
    pub beside: Option<String>,
    /// The id that the row gets, unless the last one of these journals is not smaller: then it gets the one after that.
    pub id: u128,
    /// The row.
    pub value: Arc<[u8]>,
}

/// A row of a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its id.
    pub id: u128,
    /// What was appended.
    pub value: Arc<[u8]>,
}

/// Which rows of a journal: those between two ids, both excluded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Span {
    /// Only rows behind this id.
    pub after: Option<u128>,
    /// Only rows before this id.
    pub before: Option<u128>,
}

impl Span {
    /// The smallest and the largest id inside; `None` when there is none.
    pub(crate) fn ids(self) -> Option<(u128, u128)> {
        let first = self.after.map_or(Some(0), |id| id.checked_add(1))?;
        let last = self.before.map_or(Some(u128::MAX), |id| id.checked_sub(1))?;
        (first <= last).then_some((first, last))
    }
}

/// Which rows of a journal are too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Rows that stay at most, the newest ones; `None` for any number.
    pub rows: Option<usize>,
    /// Rows before this id go, however few there are.
    pub before: u128,
}

/// The id that a row gets behind the last one of its journal.
pub(crate) fn next_id(wanted: u128, last: Option<u128>) -> u128 {
    last.map_or(wanted, |last| wanted.max(last.saturating_add(1)))
}

/// Chooses from a journal's ids, ascending, the oldest ones that have to go, at most `limit`.
pub(crate) fn excess<E>(
    rows: usize,
    ids: impl Iterator<Item = Result<u128, E>>,
    retention: Retention,
    limit: usize,
) -> Result<Vec<u128>, E> {
    let surplus = retention.rows.map_or(0, |kept| rows.saturating_sub(kept));
    let mut chosen = Vec::new();
    for (index, id) in ids.enumerate() {
        let id = id?;
        if chosen.len() == limit || (index >= surplus && id >= retention.before) {
            break;
        }
        chosen.push(id);
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_a_journal_ascend_whatever_is_wanted() {
        assert_eq!(next_id(7, None), 7);
        assert_eq!(next_id(9, Some(7)), 9);
        assert_eq!(next_id(7, Some(7)), 8);
        assert_eq!(next_id(3, Some(7)), 8);
    }

    #[test]
    fn a_span_excludes_its_ends() {
        let span = |after, before| Span { after, before }.ids();
        assert_eq!(span(None, None), Some((0, u128::MAX)));
        assert_eq!(span(Some(3), Some(7)), Some((4, 6)));
        assert_eq!(span(Some(3), Some(4)), None);
        assert_eq!(span(Some(u128::MAX), None), None);
        assert_eq!(span(None, Some(0)), None);
    }
}
