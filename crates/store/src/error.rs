//! What can go wrong, per operation.

use std::path::PathBuf;
use std::sync::Arc;

use crate::Revision;

/// Why a store could not be opened. Nothing was changed in the file except for the backend's own recovery.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file is locked: another process (or another `Store` in this one) has it.
    #[error("store {path} is already open in another process")]
    AlreadyOpen {
        /// The file.
        path: PathBuf,
    },
    /// The file is not a store, or a part of it is not what was written.
    #[error("store {path} is damaged: {reason}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// The file was written by a later version of this program.
    #[error("store {path} has format {found}, this program knows formats up to {supported}")]
    NewerFormat {
        /// The file.
        path: PathBuf,
        /// The format of the file.
        found: u64,
        /// The newest format that this program knows.
        supported: u64,
    },
    /// The file could not be created, read or written.
    #[error("store {path} cannot be opened")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
    /// Any other failure of the backend.
    #[error("store {path} cannot be opened")]
    Storage {
        /// The file.
        path: PathBuf,
        /// What the backend said.
        #[source]
        source: StorageError,
    },
}

/// Why a commit was not answered with a revision.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CommitError {
    /// A guard did not hold, or a key to touch did not exist. Nothing was written.
    #[error("key {key} changed before revision {revision}")]
    Conflict {
        /// The first key that was not as expected.
        key: String,
        /// The state that the commit was checked against. A retry makes sense once its author has seen this revision.
        revision: Revision,
    },
    /// The store is closed. Nothing was written.
    #[error("store is closed")]
    Closed,
    /// The backend failed. Whether the commit happened is not known until the store is opened again.
    #[error("commit failed, its outcome is unknown")]
    Storage(#[source] StorageError),
}

/// Why a watch ended.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WatchError {
    /// The log no longer has the change that comes next: take a new snapshot and watch from there.
    #[error("changes up to revision {compacted} were compacted, the watch stands at {position}")]
    Compacted {
        /// The revision that the watch has seen.
        position: Revision,
        /// The last revision that the log does not have any more: the oldest from which a watch can start.
        compacted: Revision,
    },
    /// The store is closed and every change that it published was yielded.
    #[error("store is closed")]
    Closed,
    /// The log could not be read.
    #[error("change log cannot be read")]
    Storage(#[source] StorageError),
}

/// The backend failed. Cheap to clone: one failure may answer many commits.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// redb failed.
    #[error("redb failed")]
    Redb(#[source] Arc<::redb::Error>),
    /// The store is closed, or its writer stopped before it answered.
    #[error("storage is closed")]
    Closed,
    /// A commit failed before this one, so that the state on disk is not known; the store has to be opened again.
    #[error("storage stopped after an earlier failure")]
    Failed(#[source] Arc<::redb::Error>),
}

impl From<::redb::Error> for StorageError {
    fn from(error: ::redb::Error) -> Self {
        match error {
            ::redb::Error::DatabaseClosed => Self::Closed,
            error => Self::Redb(Arc::new(error)),
        }
    }
}
