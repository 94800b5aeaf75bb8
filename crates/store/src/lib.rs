//! Snapshot, atomic commit with guards and watch over a memory or redb backend.
//!
//! The vocabulary is etcd's. The store maps keys (`vpc/<uuid>`) to values (bytes). Every [`Commit`] that writes gets a
//! [`Revision`] of its own, one higher than the last; every [`Entry`] remembers the revision that last wrote it; a
//! [`Guard`] names the revision that a commit's author saw, and the commit happens only if it is still current.
//!
//! Guaranteed by every backend, and proved by one conformance suite (`tests/conformance.rs`):
//! - A commit happens completely or not at all, and is answered after it is as durable as the backend promises
//!   (redb: after `fsync`). Commits are serialised in the order of their revisions.
//! - A [`Watch`] yields one [`ChangeSet`] per revision, in order and without gaps, or fails with
//!   [`WatchError::Compacted`]. What a commit answered is visible to every snapshot and watch that starts afterwards.
//! - Nothing here grows without bound: the queue of commits, the change log and what a watch buffers are limited.
//! - A journal ([`Append`]) is written with commits and read by id; snapshots and watches know nothing of it.
//!
//! Not done here: values have no meaning to the store; no key is reserved; there is no time, no lease, no partial read.
//! The layout of the redb file is described in `docs/design/store.md`.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use store::{Commit, Options, Store};
//!
//! let store = Store::memory(Options::default());
//! let first = store.commit(Commit::new().absent("vpc/a").put("vpc/a", *b"one")).await?;
//! let mut watch = store.watch(first).await?;
//!
//! store.commit(Commit::new().unchanged("vpc/a", first).put("vpc/a", *b"two")).await?;
//! let changes = watch.next().await?;
//! assert_eq!(changes.changes[0].value.as_deref(), Some(&b"two"[..]));
//! # Ok(()) }
//! ```

mod commit;
mod entry;
mod error;
mod feed;
mod journal;
mod memory;
mod redb;
mod store;
mod watch;

pub use commit::{Commit, Guard, Write};
pub use entry::{Change, ChangeSet, Entry, Revision, Snapshot};
pub use error::{CommitError, OpenError, StorageError, WatchError};
pub use journal::{Append, Retention, Row, Span};
pub use store::{Options, Store, Submitted};
pub use watch::Watch;
