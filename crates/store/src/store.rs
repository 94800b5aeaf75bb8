//! The handle that everything else holds.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::memory::Memory;
use crate::redb::Redb;
use crate::{
    Commit, CommitError, OpenError, Retention, Revision, Row, Snapshot, Span, StorageError, Watch, WatchError,
};

/// A store. Clones are handles to the same one; it closes with [`close`](Self::close) or with the last handle.
#[derive(Debug, Clone)]
pub struct Store {
    backend: Backend,
}

#[derive(Debug, Clone)]
enum Backend {
    Memory(Arc<Memory>),
    Redb(Arc<Redb>),
}

/// Limits of a store. None of them is stored: they may differ from one opening to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Change sets that the log keeps at least (at most an eighth more): how far back a watch can start.
    pub keep_log: u64,
    /// Commits that may wait for the writer; further callers wait for a place. At least 1 is used.
    pub queue: usize,
    /// Commits that share one transaction and one `fsync` at most. At least 1 is used.
    pub batch: usize,
    /// Memory for cached pages of the file, in bytes.
    pub cache_bytes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { keep_log: 10_000, queue: 1024, batch: 256, cache_bytes: 8 << 20 }
    }
}

/// A commit that stands in line.
#[derive(Debug)]
pub enum Submitted {
    /// The answer is there already.
    Decided(Result<Revision, CommitError>),
    /// The answer comes from the one who writes.
    Waiting(oneshot::Receiver<Result<Revision, CommitError>>),
}

impl Submitted {
    /// The answer to the commit, as [`Store::commit`] gives it.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub async fn done(self) -> Result<Revision, CommitError> {
        match self {
            Self::Decided(answer) => answer,
            // Only a writer that died leaves a commit without an answer.
            Self::Waiting(answer) => answer.await.unwrap_or(Err(CommitError::Storage(StorageError::Closed))),
        }
    }
}

impl Store {
    /// An empty store in memory. Only [`Options::keep_log`] matters to it.
    #[must_use]
    pub fn memory(options: Options) -> Self {
        Self { backend: Backend::Memory(Arc::new(Memory::new(options.keep_log))) }
    }

    /// Opens the store in the file at `path`, or creates it (readable by its owner only) in an existing directory.
    ///
    /// The file is locked until the store is closed, and all of it is read and checked, also after a crash.
    ///
    /// # Errors
    /// See [`OpenError`].
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn open(path: impl AsRef<Path>, options: Options) -> Result<Self, OpenError> {
        let redb = Redb::open(path.as_ref().to_owned(), options).await?;
        Ok(Self { backend: Backend::Redb(Arc::new(redb)) })
    }

    /// The last revision that watches can see; never below that of an answered commit.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.feed().head().revision
    }

    /// Everything that the store holds. It contains every commit that was answered before the call.
    ///
    /// # Errors
    /// [`StorageError`] if the backend cannot be read or (redb) is closed.
    pub async fn snapshot(&self) -> Result<Snapshot, StorageError> {
        match &self.backend {
            Backend::Memory(memory) => Ok(memory.snapshot()),
            Backend::Redb(redb) => redb.file().snapshot().await,
        }
    }

    /// Checks the guards and makes the writes, all or none, and answers the new revision once it is durable.
    ///
    /// Many callers at once share one `fsync`. Not cancel safe: a commit whose future is dropped may still happen.
    ///
    /// # Errors
    /// [`CommitError::Conflict`] and [`CommitError::Closed`] if nothing was written; after
    /// [`CommitError::Storage`] that is not known.
    pub async fn commit(&self, commit: Commit) -> Result<Revision, CommitError> {
        self.submit(commit).await.done().await
    }

    /// Puts a commit in line; returns when its place is certain. Commits are decided in the order in which they were
    /// submitted. The commit happens whether or not somebody waits for the answer.
    pub async fn submit(&self, commit: Commit) -> Submitted {
        match &self.backend {
            Backend::Memory(memory) => Submitted::Decided(memory.commit(commit)),
            Backend::Redb(redb) => redb.submit(commit).await,
        }
    }

    /// Rows of a journal, the newest first, at most `limit`. None of a journal that nothing was appended to.
    ///
    /// # Errors
    /// [`StorageError`] if the backend cannot be read or (redb) is closed.
    pub async fn journal(&self, name: &str, span: Span, limit: usize) -> Result<Vec<Row>, StorageError> {
        match &self.backend {
            Backend::Memory(memory) => Ok(memory.journal(name, span, limit)),
            Backend::Redb(redb) => redb.file().journal(name, span, limit).await,
        }
    }

    /// The names of the journals that have rows, ascending.
    ///
    /// # Errors
    /// As [`Store::journal`].
    pub async fn journals(&self) -> Result<Vec<String>, StorageError> {
        match &self.backend {
            Backend::Memory(memory) => Ok(memory.journals()),
            Backend::Redb(redb) => redb.file().journals().await,
        }
    }

    /// The oldest rows of a journal that are too many, at most `limit`: what a commit is to forget.
    ///
    /// # Errors
    /// As [`Store::journal`].
    pub async fn excess(&self, name: &str, retention: Retention, limit: usize) -> Result<Vec<u128>, StorageError> {
        match &self.backend {
            Backend::Memory(memory) => Ok(memory.excess(name, retention, limit)),
            Backend::Redb(redb) => redb.file().excess(name, retention, limit).await,
        }
    }

    /// Follows everything that comes after `from`: `watch(snapshot.revision)` misses nothing and repeats nothing.
    ///
    /// If the store has not reached `from` yet, the watch waits for the revision after it.
    ///
    /// # Errors
    /// [`WatchError::Compacted`] if the log does not go back that far, [`WatchError::Closed`] if the store is closed.
    // Asynchronous for the sake of backends behind a network.
    #[allow(clippy::unused_async, reason = "part of the interface that every backend has to offer")]
    pub async fn watch(&self, from: Revision) -> Result<Watch, WatchError> {
        let log = match &self.backend {
            Backend::Memory(_) => None,
            Backend::Redb(redb) => Some(redb.file().clone()),
        };
        Watch::new(from, Arc::clone(self.feed()), log)
    }

    /// Finishes the commits that are queued, ends the watches and releases the file, for all handles.
    ///
    /// Closing twice is fine. Dropping the last handle does the same, waits for it too, and ignores the error.
    ///
    /// # Errors
    /// [`StorageError`] if the file could not be marked as cleanly closed; every answered commit is durable anyway.
    pub async fn close(&self) -> Result<(), StorageError> {
        match &self.backend {
            Backend::Memory(memory) => {
                memory.close();
                Ok(())
            }
            Backend::Redb(redb) => redb.close().await,
        }
    }

    fn feed(&self) -> &Arc<crate::feed::Feed> {
        match &self.backend {
            Backend::Memory(memory) => memory.feed(),
            Backend::Redb(redb) => redb.feed(),
        }
    }
}
