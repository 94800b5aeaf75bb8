//! Publication of change sets from the one who commits to those who watch.
//!
//! Watches pull: each has its own position, and the feed only wakes it up. So a slow watch costs nothing and delays
//! nobody; if it falls behind the log it is told so.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::{ChangeSet, Revision};

/// The most recent change sets, and the signal that there are more.
#[derive(Debug)]
pub(crate) struct Feed {
    recent: Mutex<Recent>,
    head: watch::Sender<Head>,
    /// How many change sets stay in memory, whatever the backend's log keeps.
    capacity: usize,
}

/// What a sleeping watch waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) revision: Revision,
    pub(crate) closed: bool,
}

#[derive(Debug)]
struct Recent {
    /// Consecutive revisions, the last one is `revision`.
    sets: VecDeque<Arc<ChangeSet>>,
    revision: Revision,
    compacted: Revision,
}

/// What comes after a position.
#[derive(Debug)]
pub(crate) enum Following {
    Set(Arc<ChangeSet>),
    /// In the backend's log, no longer in memory.
    InLog,
    Compacted(Revision),
    Nothing,
}

impl Feed {
    pub(crate) fn new(revision: Revision, compacted: Revision, capacity: usize) -> Self {
        let recent = Recent { sets: VecDeque::new(), revision, compacted };
        Self { recent: Mutex::new(recent), head: watch::Sender::new(Head { revision, closed: false }), capacity }
    }

    /// Makes commits visible. `sets` continue where the feed ends; `compacted` is the last revision not in the log.
    pub(crate) fn publish(&self, sets: impl IntoIterator<Item = Arc<ChangeSet>>, compacted: Revision) {
        let revision = {
            let mut recent = self.recent();
            for set in sets {
                debug_assert_eq!(set.revision, recent.revision.next());
                recent.revision = set.revision;
                recent.sets.push_back(set);
            }
            recent.compacted = compacted;
            while recent.sets.len() > self.capacity
                || recent.sets.front().is_some_and(|first| first.revision <= compacted)
            {
                recent.sets.pop_front();
            }
            recent.revision
        };
        self.head.send_modify(|head| head.revision = revision);
    }

    /// Tells every watch that nothing more will come.
    pub(crate) fn close(&self) {
        self.head.send_modify(|head| head.closed = true);
    }

    pub(crate) fn head(&self) -> Head {
        *self.head.borrow()
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<Head> {
        self.head.subscribe()
    }

    /// Finds the change set that a watch at `position` has to yield next.
    pub(crate) fn following(&self, position: Revision) -> Following {
        let recent = self.recent();
        if position < recent.compacted {
            return Following::Compacted(recent.compacted);
        }
        if position >= recent.revision {
            return Following::Nothing;
        }
        let Some(first) = recent.sets.front() else { return Following::InLog };
        let Some(index) = position.next().0.checked_sub(first.revision.0) else { return Following::InLog };
        match usize::try_from(index).ok().and_then(|index| recent.sets.get(index)) {
            Some(set) => Following::Set(Arc::clone(set)),
            None => Following::InLog,
        }
    }

    fn recent(&self) -> MutexGuard<'_, Recent> {
        // Nothing panics between two changes that belong together, so a poisoned feed is still a consistent one.
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Decides how far the log is compacted after `revision`, given how far it is now: at least `keep` change sets stay.
///
/// It moves in steps of an eighth of `keep`, so that most commits do not have to remove anything.
pub(crate) fn compaction(revision: Revision, compacted: Revision, keep: u64) -> Revision {
    let limit = keep.saturating_add(keep / 8);
    if revision.0.saturating_sub(compacted.0) <= limit { compacted } else { Revision(revision.0 - keep) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compaction_keeps_at_least_what_is_configured() {
        let mut compacted = Revision::ZERO;
        for revision in 1..1000 {
            compacted = compaction(Revision(revision), compacted, 80);
            let kept = revision - compacted.0;
            assert!(kept >= revision.min(80) && kept <= 90, "{kept} kept at {revision}");
        }
        assert_eq!(compaction(Revision(5), Revision(4), 0), Revision(5));
    }
}
