//! Reading the file beside the writer.

use std::sync::{Arc, PoisonError, RwLock};

use ::redb::{Database, ReadTransaction, ReadableDatabase, ReadableTable};

use super::layout::{ENTRIES, Head, LOG, META};
use crate::{Change, ChangeSet, Entry, Revision, Snapshot, StorageError, WatchError};

/// The open file, until the writer closes it. Clones share it.
#[derive(Clone)]
pub(crate) struct File {
    database: Arc<RwLock<Option<Database>>>,
}

impl std::fmt::Debug for File {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("File").finish_non_exhaustive()
    }
}

impl File {
    pub(super) fn new(database: Database) -> Self {
        Self { database: Arc::new(RwLock::new(Some(database))) }
    }

    /// Runs `f` on the open database; the file cannot be closed meanwhile, so `f` has to be short.
    pub(super) fn with<T>(&self, f: impl FnOnce(&Database) -> Result<T, ::redb::Error>) -> Result<T, ::redb::Error> {
        match &*self.database.read().unwrap_or_else(PoisonError::into_inner) {
            Some(database) => f(database),
            None => Err(::redb::Error::DatabaseClosed),
        }
    }

    /// Closes the file and releases its lock; reads in progress fail.
    pub(super) fn close(&self) -> Result<(), ::redb::Error> {
        match self.database.write().unwrap_or_else(PoisonError::into_inner).take() {
            Some(database) => Ok(database.close()?),
            None => Ok(()),
        }
    }

    /// Reads everything.
    pub(crate) async fn snapshot(&self) -> Result<Snapshot, StorageError> {
        Ok(self.clone().blocking(snapshot).await??)
    }

    /// Reads at most `limit` change sets after `position`.
    pub(crate) async fn log(self, position: Revision, limit: u64) -> Result<Vec<Arc<ChangeSet>>, WatchError> {
        let read = move |transaction| log(&transaction, position, limit);
        match self.blocking(read).await {
            Ok(Ok(Log::Sets(sets))) => Ok(sets),
            Ok(Ok(Log::Compacted(compacted))) => Err(WatchError::Compacted { position, compacted }),
            Ok(Err(error)) => Err(closed_or(error.into())),
            Err(error) => Err(closed_or(error)),
        }
    }

    /// Runs `read` on a new read transaction, away from the threads of the runtime.
    pub(super) async fn blocking<T: Send + 'static>(
        self,
        read: impl FnOnce(ReadTransaction) -> T + Send + 'static,
    ) -> Result<T, StorageError> {
        let task = tokio::task::spawn_blocking(move || {
            let transaction = self.with(|database| Ok(database.begin_read()?))?;
            Ok::<_, ::redb::Error>(read(transaction))
        });
        // The task fails only if the runtime shuts down or redb panics.
        Ok(task.await.map_err(|_| StorageError::Closed)??)
    }
}

enum Log {
    Sets(Vec<Arc<ChangeSet>>),
    Compacted(Revision),
}

fn snapshot(transaction: ReadTransaction) -> Result<Snapshot, ::redb::Error> {
    let Head { revision, .. } = Head::read(&transaction.open_table(META)?)?;
    let mut entries = Vec::new();
    for entry in transaction.open_table(ENTRIES)?.iter()? {
        let (key, stored) = entry?;
        let (mod_revision, value) = stored.value();
        let mod_revision = Revision(mod_revision);
        entries.push(Entry { key: key.value().to_owned(), value: Arc::from(value), mod_revision });
    }
    Ok(Snapshot { revision, entries })
}

fn log(transaction: &ReadTransaction, position: Revision, limit: u64) -> Result<Log, ::redb::Error> {
    let head = Head::read(&transaction.open_table(META)?)?;
    if position < head.compacted {
        return Ok(Log::Compacted(head.compacted));
    }
    let last = head.revision.min(Revision(position.0.saturating_add(limit)));
    // A commit that changed nothing has no rows in the log, but it has its revision.
    let mut sets: Vec<ChangeSet> = (position.0..last.0)
        .map(|before| ChangeSet { revision: Revision(before).next(), changes: Vec::new() })
        .collect();
    let rows = transaction.open_table(LOG)?;
    for row in rows.range((position.next().0, "")..(last.next().0, ""))? {
        let (at, value) = row?;
        let (revision, key) = at.value();
        let index = usize::try_from(revision - position.next().0).ok();
        let Some(set) = index.and_then(|index| sets.get_mut(index)) else {
            return Err(::redb::Error::Corrupted(format!("log row of revision {revision} is out of order")));
        };
        let value = value.value().map(Arc::from);
        set.changes.push(Change { key: key.to_owned(), value, mod_revision: set.revision });
    }
    Ok(Log::Sets(sets.into_iter().map(Arc::new).collect()))
}

fn closed_or(error: StorageError) -> WatchError {
    match error {
        StorageError::Closed => WatchError::Closed,
        error => WatchError::Storage(error),
    }
}
