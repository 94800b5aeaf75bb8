//! Following the changes from a revision on.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::watch;

use crate::feed::{Feed, Following, Head};
use crate::redb::File;
use crate::{ChangeSet, Revision, WatchError};

/// Change sets read from a backend's log at once: bounds what a watch far behind holds in memory.
const READ_AHEAD: u64 = 256;

/// Yields every change after a revision, in order and without gaps.
///
/// A watch may be as slow as it likes; if the log is compacted past its position it fails with
/// [`WatchError::Compacted`] instead of leaving something out. It does not keep the store open.
#[derive(Debug)]
pub struct Watch {
    position: Revision,
    feed: Arc<Feed>,
    head: watch::Receiver<Head>,
    /// The log on disk, for backends whose feed does not hold all of the log.
    log: Option<File>,
    read_ahead: VecDeque<Arc<ChangeSet>>,
}

impl Watch {
    pub(crate) fn new(after: Revision, feed: Arc<Feed>, log: Option<File>) -> Result<Self, WatchError> {
        if feed.head().closed {
            return Err(WatchError::Closed);
        }
        if let Following::Compacted(compacted) = feed.following(after) {
            return Err(WatchError::Compacted { position: after, compacted });
        }
        let head = feed.subscribe();
        Ok(Self { position: after, feed, head, log, read_ahead: VecDeque::new() })
    }

    /// The last revision that this watch yielded, or the one it started from.
    #[must_use]
    pub fn position(&self) -> Revision {
        self.position
    }

    /// Waits for the change set of the revision after [`position`](Self::position).
    ///
    /// Cancel safe: if the future is dropped, nothing is lost.
    ///
    /// # Errors
    /// [`WatchError::Compacted`] if the log does not have it any more, [`WatchError::Closed`] if the store is closed
    /// and everything before was yielded, [`WatchError::Storage`] if the log cannot be read.
    pub async fn next(&mut self) -> Result<Arc<ChangeSet>, WatchError> {
        loop {
            // Marked as seen before looking, so that what is published in between wakes the wait below.
            let closed = self.head.borrow_and_update().closed;
            if let Some(set) = self.read_ahead.pop_front() {
                self.position = set.revision;
                return Ok(set);
            }
            match (self.feed.following(self.position), &self.log) {
                (Following::Set(set), _) => {
                    self.position = set.revision;
                    return Ok(set);
                }
                (Following::InLog, Some(log)) => {
                    self.read_ahead = log.clone().log(self.position, READ_AHEAD).await?.into();
                    if self.read_ahead.is_empty() {
                        return Err(WatchError::Closed);
                    }
                }
                (Following::InLog, None) => {
                    return Err(WatchError::Compacted {
                        position: self.position,
                        compacted: self.feed.head().revision,
                    });
                }
                (Following::Compacted(compacted), _) => {
                    return Err(WatchError::Compacted { position: self.position, compacted });
                }
                (Following::Nothing, _) if closed => return Err(WatchError::Closed),
                (Following::Nothing, _) => self.head.changed().await.map_err(|_| WatchError::Closed)?,
            }
        }
    }
}
