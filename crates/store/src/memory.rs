//! The backend that forgets: for tests and for installations that may.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::commit::{Plan, State, plan};
use crate::feed::{Feed, compaction};
use crate::journal::{excess, next_id};
use crate::{Commit, CommitError, Entry, Retention, Revision, Row, Snapshot, Span};

#[derive(Debug)]
pub(crate) struct Memory {
    state: Mutex<Entries>,
    feed: Arc<Feed>,
    keep_log: u64,
}

#[derive(Debug, Default)]
struct Entries {
    revision: Revision,
    compacted: Revision,
    by_key: BTreeMap<String, (Revision, Arc<[u8]>)>,
    journals: BTreeMap<String, BTreeMap<u128, Arc<[u8]>>>,
    closed: bool,
}

impl Memory {
    pub(crate) fn new(keep_log: u64) -> Self {
        // The feed is the whole log: only compaction removes from it.
        let feed = Arc::new(Feed::new(Revision::ZERO, Revision::ZERO, usize::MAX));
        Self { state: Mutex::default(), feed, keep_log }
    }

    pub(crate) fn feed(&self) -> &Arc<Feed> {
        &self.feed
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let state = self.state();
        let entry = |(key, (mod_revision, value)): (&String, &(Revision, Arc<[u8]>))| Entry {
            key: key.clone(),
            value: Arc::clone(value),
            mod_revision: *mod_revision,
        };
        Snapshot { revision: state.revision, entries: state.by_key.iter().map(entry).collect() }
    }

    pub(crate) fn journal(&self, name: &str, span: Span, limit: usize) -> Vec<Row> {
        let state = self.state();
        let (Some(rows), Some((first, last))) = (state.journals.get(name), span.ids()) else { return Vec::new() };
        let newest = rows.range(first..=last).rev().take(limit);
        newest.map(|(id, value)| Row { id: *id, value: Arc::clone(value) }).collect()
    }

    pub(crate) fn journals(&self) -> Vec<String> {
        self.state().journals.keys().cloned().collect()
    }

    pub(crate) fn excess(&self, name: &str, retention: Retention, limit: usize) -> Vec<u128> {
        let state = self.state();
        let Some(rows) = state.journals.get(name) else { return Vec::new() };
        let Ok(ids) = excess(rows.len(), rows.keys().map(|id| Ok::<_, Infallible>(*id)), retention, limit);
        ids
    }

    pub(crate) fn commit(&self, mut commit: Commit) -> Result<Revision, CommitError> {
        let mut state = self.state();
        if state.closed {
            return Err(CommitError::Closed);
        }
        let (appends, forgets) = (std::mem::take(&mut commit.appends), std::mem::take(&mut commit.forgets));
        let Ok(plan) = plan(commit, state.revision, &*state);
        let changes = match plan {
            Plan::Nothing => None,
            Plan::Conflict(conflict) => return Err(conflict),
            Plan::Changes(changes) => Some(changes),
        };
        for (journal, id) in forgets {
            if let Some(rows) = state.journals.get_mut(&journal) {
                rows.remove(&id);
                if rows.is_empty() {
                    state.journals.remove(&journal);
                }
            }
        }
        for append in appends {
            let named = [Some(&append.journal), append.beside.as_ref()].into_iter().flatten();
            let last = named.filter_map(|name| state.journals.get(name)?.last_key_value()).map(|(id, _)| *id).max();
            let id = next_id(append.id, last);
            state.journals.entry(append.journal).or_default().insert(id, append.value);
        }
        let Some(changes) = changes else { return Ok(state.revision) };
        for change in &changes.changes {
            match &change.value {
                Some(value) => {
                    state.by_key.insert(change.key.clone(), (change.mod_revision, Arc::clone(value)));
                }
                None => {
                    state.by_key.remove(&change.key);
                }
            }
        }
        state.revision = changes.revision;
        state.compacted = compaction(state.revision, state.compacted, self.keep_log);
        // Published under the lock: in the order of the revisions.
        self.feed.publish([Arc::new(changes)], state.compacted);
        Ok(state.revision)
    }

    pub(crate) fn close(&self) {
        self.state().closed = true;
        self.feed.close();
    }

    fn state(&self) -> MutexGuard<'_, Entries> {
        // Nothing panics between two changes that belong together.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.feed.close();
    }
}

impl State for Entries {
    type Error = Infallible;

    fn mod_revision(&self, key: &str) -> Result<Option<Revision>, Infallible> {
        Ok(self.by_key.get(key).map(|(mod_revision, _)| *mod_revision))
    }

    fn value(&self, key: &str) -> Result<Option<Arc<[u8]>>, Infallible> {
        Ok(self.by_key.get(key).map(|(_, value)| Arc::clone(value)))
    }
}
