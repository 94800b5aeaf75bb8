//! The driver's side of the audit log: writing events, reading and forgetting them.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use model::{AccountId, Event, EventId, EventResult, Timestamp};
use store::{Commit, Retention as Kept, Span};
use uuid::Uuid;

use super::Driver;
use crate::Error;

/// Rows that one commit forgets at most: a commit beside it waits for no longer than this takes.
const FORGET_BATCH: usize = 500;

/// How long events are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Events of an account, the newest ones, and as many refusals; `None` for any number.
    pub per_account: Option<usize>,
    /// Seconds after which an event is forgotten; `None` for never.
    pub seconds: Option<i64>,
}

impl Default for Retention {
    fn default() -> Self {
        Self { per_account: Some(10_000), seconds: Some(90 * 24 * 3600) }
    }
}

/// The journals that had events since they were counted last.
#[derive(Debug, Default)]
pub(super) struct Grown {
    names: Mutex<Option<BTreeSet<String>>>,
}

impl Grown {
    fn add(&self, name: &str) {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        // Before the first count all of them have to be counted anyway.
        if let Some(names) = names.as_mut()
            && !names.contains(name)
        {
            names.insert(name.to_owned());
        }
    }

    /// The journals to count; `None` for all.
    fn take(&self) -> Option<BTreeSet<String>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner).replace(BTreeSet::new())
    }
}

/// What happened in an account, and what was refused: apart, so that refusals, which anybody can cause, never push out
/// what happened.
fn journals(account: AccountId) -> [String; 2] {
    [format!("event/{account}"), format!("refusal/{account}")]
}

impl Driver {
    /// The commit with the events of what it does.
    pub(super) fn with_events(&self, mut commit: Commit, events: &[Event]) -> Result<Commit, Error> {
        for event in events {
            let [happened, refused] = journals(event.account);
            let is_success = matches!(event.result, EventResult::Success);
            let (name, beside) = if is_success { (happened, refused) } else { (refused, happened) };
            self.0.grown.add(&name);
            let value = event.encode().map_err(|error| Error::Unavailable(error.to_string()))?;
            let id = EventId::at(event.time, Uuid::new_v4()).uuid().as_u128();
            commit = commit.append_beside(name, beside, id, value);
        }
        Ok(commit)
    }

    /// Writes events of calls that changed nothing, in one commit.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the store failed.
    pub async fn record_refusals(&self, events: &[Event]) -> Result<(), Error> {
        let commit = self.with_events(Commit::new(), events)?;
        self.0.store.commit(commit).await.map(drop).map_err(|error| Error::Unavailable(error.to_string()))
    }

    /// Events of an account between two ids, both excluded, the newest first; at most `limit`, and fewer than that only
    /// when there are no more. An event that a later version wrote is left out.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the store failed.
    pub async fn events(
        &self,
        account: AccountId,
        after: Option<EventId>,
        before: Option<EventId>,
        limit: usize,
    ) -> Result<Vec<(EventId, Option<Event>)>, Error> {
        let span = Span { after: after.map(|id| id.uuid().as_u128()), before: before.map(|id| id.uuid().as_u128()) };
        let mut rows = Vec::new();
        for name in journals(account) {
            let found = self.0.store.journal(&name, span, limit).await;
            rows.extend(found.map_err(|error| Error::Unavailable(error.to_string()))?);
        }
        rows.sort_by_key(|row| std::cmp::Reverse(row.id));
        rows.truncate(limit);
        let read = |row: store::Row| {
            let event = Event::decode(&row.value);
            if let Err(error) = &event {
                tracing::warn!(%error, id = %Uuid::from_u128(row.id), "an event cannot be read");
            }
            (EventId::new(Uuid::from_u128(row.id)), event.ok())
        };
        Ok(rows.into_iter().map(read).collect())
    }

    /// An event of an account.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the store failed.
    pub async fn event(&self, account: AccountId, id: EventId) -> Result<Option<Event>, Error> {
        let number = id.uuid().as_u128();
        let beside = |number: Option<u128>| number.map(|number| EventId::new(Uuid::from_u128(number)));
        let (after, before) = (beside(number.checked_sub(1)), beside(number.checked_add(1)));
        Ok(self.events(account, after, before, 1).await?.into_iter().find_map(|(_, event)| event))
    }

    /// Forgets events that are too old or too many; answers how many. To be called every now and then.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the store failed.
    pub async fn prune_events(&self) -> Result<usize, Error> {
        let failed = |error: &dyn std::fmt::Display| Error::Unavailable(error.to_string());
        let retention = self.0.settings.events;
        let grown = self.0.grown.take();
        let before = match retention.seconds {
            Some(seconds) => EventId::first_of(self.now().plus_seconds(-seconds)),
            None => EventId::first_of(Timestamp::from_unix_seconds(0)),
        };
        let mut forgotten = 0;
        for name in self.0.store.journals().await.map_err(|error| failed(&error))? {
            // To count rows takes reading them: only where there are new ones.
            let counted = grown.as_ref().is_none_or(|grown| grown.contains(&name));
            let kept = Kept { rows: retention.per_account.filter(|_| counted), before };
            loop {
                let excess = self.0.store.excess(&name, kept, FORGET_BATCH).await.map_err(|error| failed(&error))?;
                if excess.is_empty() {
                    break;
                }
                let commit = excess.iter().fold(Commit::new(), |commit, id| commit.forget(name.clone(), *id));
                self.0.store.commit(commit).await.map_err(|error| failed(&error))?;
                forgotten += excess.len();
            }
        }
        Ok(forgotten)
    }
}
