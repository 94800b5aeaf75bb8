//! A commit, and the one place that says what its guards and writes mean.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::{Append, Change, ChangeSet, CommitError, Revision};

/// A set of writes that happen together, if every guard holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Commit {
    /// Checked against the state before any of this commit's own writes.
    pub guards: Vec<Guard>,
    /// The revision that must be the store's when the commit comes to it; `None` for any.
    pub follows: Option<Revision>,
    /// Done in this order; of several writes to one key the last one remains. Without writes a commit only checks its
    /// guards: it gets no revision of its own and answers the current one.
    pub writes: Vec<Write>,
    /// Rows that are appended to journals if every guard holds, in this order. A commit of nothing but rows is as durable
    /// as any other and gets no revision.
    pub appends: Vec<Append>,
    /// Rows that are taken out of journals, by name and id; those that are not there are no matter. They go before
    /// `appends` come.
    pub forgets: Vec<(String, u128)>,
}

/// A condition on one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    /// The key.
    pub key: String,
    /// `None`: the key must not exist. `Some`: it must exist and its `mod_revision` must be this one.
    pub expected: Option<Revision>,
}

/// One step of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// Creates the key or replaces its value.
    Put {
        /// The key.
        key: String,
        /// The new value.
        value: Arc<[u8]>,
    },
    /// Removes the key; nothing happens if it does not exist.
    Delete {
        /// The key.
        key: String,
    },
    /// Gives an existing key a new `mod_revision` and keeps its value, so that guards of others on it fail. Touching a
    /// key that does not exist is a conflict.
    Touch {
        /// The key.
        key: String,
    },
}

impl Commit {
    /// A commit without guards and writes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the guard that `key` does not exist.
    #[must_use]
    pub fn absent(mut self, key: impl Into<String>) -> Self {
        self.guards.push(Guard { key: key.into(), expected: None });
        self
    }

    /// Adds the guard that `key` exists and was last written at `revision`.
    #[must_use]
    pub fn unchanged(mut self, key: impl Into<String>, revision: Revision) -> Self {
        self.guards.push(Guard { key: key.into(), expected: Some(revision) });
        self
    }

    /// Adds the condition that the store is at `revision`: for what was decided on a state that is yet to come.
    #[must_use]
    pub fn following(self, revision: Revision) -> Self {
        Self { follows: Some(revision), ..self }
    }

    /// Adds a [`Write::Put`].
    #[must_use]
    pub fn put(mut self, key: impl Into<String>, value: impl Into<Arc<[u8]>>) -> Self {
        self.writes.push(Write::Put { key: key.into(), value: value.into() });
        self
    }

    /// Adds a [`Write::Delete`].
    #[must_use]
    pub fn delete(mut self, key: impl Into<String>) -> Self {
        self.writes.push(Write::Delete { key: key.into() });
        self
    }

    /// Adds a [`Write::Touch`].
    #[must_use]
    pub fn touch(mut self, key: impl Into<String>) -> Self {
        self.writes.push(Write::Touch { key: key.into() });
        self
    }

    /// Adds a row to a journal.
    #[must_use]
    pub fn append(mut self, journal: impl Into<String>, id: u128, value: impl Into<Arc<[u8]>>) -> Self {
        self.appends.push(Append { journal: journal.into(), beside: None, id, value: value.into() });
        self
    }

    /// Adds a row to a journal that is read together with another one: see [`Append::beside`].
    #[must_use]
    pub fn append_beside(
        mut self,
        journal: impl Into<String>,
        beside: impl Into<String>,
        id: u128,
        value: impl Into<Arc<[u8]>>,
    ) -> Self {
        let beside = Some(beside.into());
        self.appends.push(Append { journal: journal.into(), beside, id, value: value.into() });
        self
    }

    /// Takes a row out of a journal.
    #[must_use]
    pub fn forget(mut self, journal: impl Into<String>, id: u128) -> Self {
        self.forgets.push((journal.into(), id));
        self
    }
}

/// The state that a commit is checked against: the keys of a backend at one revision.
pub(crate) trait State {
    /// Why the backend could not be read.
    type Error;

    /// The revision that last wrote `key`, if it exists.
    fn mod_revision(&self, key: &str) -> Result<Option<Revision>, Self::Error>;

    /// The value of `key`, if it exists.
    fn value(&self, key: &str) -> Result<Option<Arc<[u8]>>, Self::Error>;
}

/// What a commit comes to.
pub(crate) enum Plan {
    /// The guards hold and there is nothing to write.
    Nothing,
    /// The guards hold; the backend has to make these changes.
    Changes(ChangeSet),
    /// A guard or a touch does not hold.
    Conflict(CommitError),
}

/// Decides what `commit` does to the entries of `state`, which is at revision `at`; its rows are the backend's to write
/// unless it is a conflict. Changes nothing.
pub(crate) fn plan<S: State>(commit: Commit, at: Revision, state: &S) -> Result<Plan, S::Error> {
    if commit.follows.is_some_and(|revision| revision != at) {
        return Ok(Plan::Conflict(CommitError::Conflict { key: String::new(), revision: at }));
    }
    for Guard { key, expected } in commit.guards {
        if state.mod_revision(&key)? != expected {
            return Ok(Plan::Conflict(CommitError::Conflict { key, revision: at }));
        }
    }
    if commit.writes.is_empty() {
        return Ok(Plan::Nothing);
    }

    let mut after: BTreeMap<String, Option<Arc<[u8]>>> = BTreeMap::new();
    for write in commit.writes {
        match write {
            Write::Put { key, value } => {
                after.insert(key, Some(value));
            }
            Write::Delete { key } => {
                after.insert(key, None);
            }
            Write::Touch { key } => {
                let value = match after.get(&key) {
                    Some(written) => written.clone(),
                    None => state.value(&key)?,
                };
                if value.is_none() {
                    return Ok(Plan::Conflict(CommitError::Conflict { key, revision: at }));
                }
                after.insert(key, value);
            }
        }
    }

    let revision = at.next();
    let mut changes = Vec::with_capacity(after.len());
    for (key, value) in after {
        if value.is_some() || state.mod_revision(&key)?.is_some() {
            changes.push(Change { key, value, mod_revision: revision });
        }
    }
    Ok(Plan::Changes(ChangeSet { revision, changes }))
}
