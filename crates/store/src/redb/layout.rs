//! The tables of the file, as `docs/design/store.md` describes them.

use ::redb::{ReadableTable, TableDefinition};

use crate::Revision;

/// The format that this program writes, and the newest one that it reads.
pub(super) const FORMAT: u64 = 1;

/// Counters, by name.
pub(super) const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
/// In `META`: the format of everything else.
pub(super) const META_FORMAT: &str = "format";
/// In `META`: the last revision committed.
pub(super) const META_REVISION: &str = "revision";
/// In `META`: the last revision removed from `LOG`.
pub(super) const META_COMPACTED: &str = "compacted";

/// Key to the revision that last wrote it, and its value.
pub(super) const ENTRIES: TableDefinition<'_, &str, (u64, &[u8])> = TableDefinition::new("entries");

/// Revision and key to the value after that revision; `None` if the key was deleted.
pub(super) const LOG: TableDefinition<'_, (u64, &str), Option<&[u8]>> = TableDefinition::new("log");

/// Rows of journals by name and id. A file of a store that never had one is without the table.
pub(super) const JOURNAL: TableDefinition<'_, (&str, u128), &[u8]> = TableDefinition::new("journal");

/// The counters that belong to one state of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) revision: Revision,
    pub(super) compacted: Revision,
}

impl Head {
    /// Reads the counters; those that are missing are an error, because they are written at creation.
    pub(super) fn read(meta: &impl ReadableTable<&'static str, u64>) -> Result<Self, ::redb::Error> {
        let read = |name: &'static str| match meta.get(name)? {
            Some(value) => Ok(Revision(value.value())),
            None => Err(::redb::Error::Corrupted(format!("counter {name} is missing"))),
        };
        let head = Self { revision: read(META_REVISION)?, compacted: read(META_COMPACTED)? };
        if head.compacted > head.revision {
            return Err(::redb::Error::Corrupted(format!(
                "log is compacted to {} but the last revision is {}",
                head.compacted, head.revision
            )));
        }
        Ok(head)
    }
}
