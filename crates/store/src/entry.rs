//! What a store holds and what a watch yields.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The number of a commit: 1 for the first one in the life of a store, then one more for each commit that writes.
///
/// It never goes back, also not over a restart. 0 is the empty store that nothing was committed to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(pub u64);

impl Revision {
    /// The revision before the first commit.
    pub const ZERO: Self = Self(0);

    /// The revision of the commit that follows this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A key with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key, such as `vpc/<uuid>`.
    pub key: String,
    /// The value; shared, never copied by the store.
    pub value: Arc<[u8]>,
    /// The last commit that put or touched this key; what a [`Guard`](crate::Guard) compares with.
    pub mod_revision: Revision,
}

/// Everything that the store holds at one revision.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The last commit that this snapshot contains. A watch from here yields exactly what is missing.
    pub revision: Revision,
    /// All entries, in ascending byte order of their keys.
    pub entries: Vec<Entry>,
}

impl Snapshot {
    /// The entry with this key.
    #[must_use]
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        let index = self.entries.binary_search_by(|entry| entry.key.as_str().cmp(key)).ok()?;
        self.entries.get(index)
    }

    /// The entries whose keys start with `prefix`, in ascending order.
    pub fn prefix<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a Entry> {
        let start = self.entries.partition_point(|entry| entry.key.as_str() < prefix);
        self.entries.iter().skip(start).take_while(move |entry| entry.key.starts_with(prefix))
    }
}

/// What one commit did to one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The key.
    pub key: String,
    /// The value after the commit (the old one if it was only touched); `None` if the key was deleted.
    pub value: Option<Arc<[u8]>>,
    /// The commit that made this change; the same as [`ChangeSet::revision`].
    pub mod_revision: Revision,
}

/// What one commit did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeSet {
    /// The revision of the commit.
    pub revision: Revision,
    /// One change per key, in ascending order of keys. Empty if the commit only deleted keys that did not exist.
    pub changes: Vec<Change>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test may panic")]

    use super::*;

    fn snapshot(keys: &[&str]) -> Snapshot {
        let entry = |key: &&str| Entry { key: (*key).to_owned(), value: Arc::from(*b"v"), mod_revision: Revision(1) };
        Snapshot { revision: Revision(1), entries: keys.iter().map(entry).collect() }
    }

    #[test]
    fn a_prefix_selects_its_keys_and_no_neighbours() {
        let snapshot = snapshot(&["port/1", "vpc/1", "vpc/2", "vpc0", "vpcx/1"]);
        let keys: Vec<&str> = snapshot.prefix("vpc/").map(|entry| entry.key.as_str()).collect();
        assert_eq!(keys, ["vpc/1", "vpc/2"]);
        assert_eq!(snapshot.prefix("zone/").count(), 0);
        assert_eq!(snapshot.prefix("").count(), 5);
    }

    #[test]
    fn an_entry_is_found_by_its_key() {
        let snapshot = snapshot(&["a", "b", "c"]);
        assert_eq!(snapshot.entry("b").unwrap().key, "b");
        assert!(snapshot.entry("bb").is_none());
    }
}
