//! The one thread that writes: takes what is queued, applies it in one transaction, answers after `fsync`.

use std::sync::Arc;

use ::redb::{ReadableTable, Table, WriteTransaction};
use tokio::sync::{mpsc, oneshot};

use super::File;
use super::layout::{ENTRIES, Head, JOURNAL, LOG, META, META_COMPACTED, META_REVISION};
use crate::commit::{Plan, State, plan};
use crate::feed::{Feed, compaction};
use crate::journal::next_id;
use crate::{Append, ChangeSet, Commit, CommitError, Options, Revision, StorageError};

type Answer = Result<Revision, CommitError>;

pub(super) enum Message {
    Commit { commit: Commit, answer: oneshot::Sender<Answer> },
    Close { answer: oneshot::Sender<Result<(), StorageError>> },
}

pub(super) struct Writer {
    file: File,
    feed: Arc<Feed>,
    head: Head,
    queue: mpsc::Receiver<Message>,
    batch: usize,
    keep_log: u64,
    /// Set by a transaction whose outcome is unknown: nothing may be built upon it.
    failed: Option<Arc<::redb::Error>>,
}

/// What a transaction did, to be published and answered.
struct Applied {
    head: Head,
    sets: Vec<Arc<ChangeSet>>,
    answers: Vec<Answer>,
    /// Whether a journal was written.
    journaled: bool,
}

impl Writer {
    pub(super) fn new(
        file: File,
        feed: Arc<Feed>,
        head: Head,
        queue: mpsc::Receiver<Message>,
        options: &Options,
    ) -> Self {
        Self { file, feed, head, queue, batch: options.batch.max(1), keep_log: options.keep_log, failed: None }
    }

    /// Runs until the store is closed or dropped, and closes the file.
    pub(super) fn run(mut self) {
        let closing = Closing { feed: Arc::clone(&self.feed), file: self.file.clone() };
        let mut messages = Vec::with_capacity(self.batch);
        let mut closers = Vec::new();
        while self.queue.blocking_recv_many(&mut messages, self.batch) > 0 {
            let mut commits = Vec::with_capacity(messages.len());
            let mut answers = Vec::with_capacity(messages.len());
            for message in messages.drain(..) {
                match message {
                    Message::Commit { commit, answer } => {
                        commits.push(commit);
                        answers.push(answer);
                    }
                    Message::Close { answer } => {
                        // What is queued already is still done; then the loop ends.
                        self.queue.close();
                        closers.push(answer);
                    }
                }
            }
            for (answer, result) in answers.into_iter().zip(self.batch(commits)) {
                // Whoever gave up waiting does not need the answer.
                let _ = answer.send(result);
            }
        }
        let result = self.file.close();
        if let Err(error) = &result {
            tracing::warn!(%error, "store file was not closed cleanly");
        }
        drop(closing);
        let result = result.map_err(StorageError::from);
        for closer in closers {
            let _ = closer.send(result.clone());
        }
    }

    /// Applies `commits` in this order, publishes what they did and returns one answer for each.
    fn batch(&mut self, commits: Vec<Commit>) -> Vec<Answer> {
        let count = commits.len();
        if count == 0 {
            return Vec::new();
        }
        let applied = match &self.failed {
            Some(error) => Err(StorageError::Failed(Arc::clone(error))),
            None => self.transaction(commits),
        };
        match applied {
            Ok(applied) => {
                self.head = applied.head;
                self.feed.publish(applied.sets, applied.head.compacted);
                applied.answers
            }
            Err(error) => {
                tracing::error!(%error, commits = count, "store transaction failed");
                vec![Err(CommitError::Storage(error)); count]
            }
        }
    }

    /// One transaction, from begin to `fsync`.
    fn transaction(&mut self, commits: Vec<Commit>) -> Result<Applied, StorageError> {
        let transaction = self.file.with(|database| Ok(database.begin_write()?))?;
        let applied = apply(&transaction, self.head, self.keep_log, commits)?;
        if applied.sets.is_empty() && !applied.journaled {
            transaction.abort().map_err(::redb::Error::from)?;
            return Ok(applied);
        }
        transaction.commit().map_err(|error| {
            let error = Arc::new(::redb::Error::from(error));
            self.failed = Some(Arc::clone(&error));
            StorageError::Redb(error)
        })?;
        Ok(applied)
    }
}

/// Ends the store however the writer ends.
struct Closing {
    feed: Arc<Feed>,
    file: File,
}

impl Drop for Closing {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = self.file.close();
        }
        self.feed.close();
    }
}

fn apply(
    transaction: &WriteTransaction,
    mut head: Head,
    keep_log: u64,
    commits: Vec<Commit>,
) -> Result<Applied, ::redb::Error> {
    let mut entries = transaction.open_table(ENTRIES)?;
    let mut log = transaction.open_table(LOG)?;
    let mut sets = Vec::new();
    let mut answers = Vec::with_capacity(commits.len());

    let mut journaled = false;

    for mut commit in commits {
        let (appends, forgets) = (std::mem::take(&mut commit.appends), std::mem::take(&mut commit.forgets));
        let plan = plan(commit, head.revision, &entries)?;
        let has_rows = !appends.is_empty() || !forgets.is_empty();
        if has_rows && !matches!(plan, Plan::Conflict(_)) {
            write_journals(transaction, appends, forgets)?;
            journaled = true;
        }
        let changes = match plan {
            Plan::Nothing => {
                answers.push(Ok(head.revision));
                continue;
            }
            Plan::Conflict(conflict) => {
                answers.push(Err(conflict));
                continue;
            }
            Plan::Changes(changes) => changes,
        };
        let revision = changes.revision;
        for change in &changes.changes {
            let key = change.key.as_str();
            match &change.value {
                Some(value) => entries.insert(key, (revision.0, &**value))?,
                None => entries.remove(key)?,
            };
            log.insert((revision.0, key), change.value.as_deref())?;
        }
        head.revision = revision;
        answers.push(Ok(revision));
        sets.push(Arc::new(changes));
    }

    if !sets.is_empty() {
        let compacted = compaction(head.revision, head.compacted, keep_log);
        if compacted > head.compacted {
            log.retain_in(..(compacted.next().0, ""), |_, _| false)?;
            head.compacted = compacted;
        }
        let mut meta = transaction.open_table(META)?;
        meta.insert(META_REVISION, head.revision.0)?;
        meta.insert(META_COMPACTED, head.compacted.0)?;
    }
    Ok(Applied { head, sets, answers, journaled })
}

/// Takes rows out of journals and puts rows in.
fn write_journals(
    transaction: &WriteTransaction,
    appends: Vec<Append>,
    forgets: Vec<(String, u128)>,
) -> Result<(), ::redb::Error> {
    let mut journals = transaction.open_table(JOURNAL)?;
    for (journal, id) in &forgets {
        journals.remove((journal.as_str(), *id))?;
    }
    for Append { journal, beside, id, value } in &appends {
        let mut last = None;
        for name in [Some(journal), beside.as_ref()].into_iter().flatten() {
            let name = name.as_str();
            let row = journals.range((name, 0)..=(name, u128::MAX))?.next_back().transpose()?;
            last = last.max(row.map(|(key, _)| key.value().1));
        }
        journals.insert((journal.as_str(), next_id(*id, last)), &**value)?;
    }
    Ok(())
}

impl State for Table<'_, &'static str, (u64, &'static [u8])> {
    type Error = ::redb::Error;

    fn mod_revision(&self, key: &str) -> Result<Option<Revision>, ::redb::Error> {
        Ok(self.get(key)?.map(|stored| Revision(stored.value().0)))
    }

    fn value(&self, key: &str) -> Result<Option<Arc<[u8]>>, ::redb::Error> {
        Ok(self.get(key)?.map(|stored| Arc::from(stored.value().1)))
    }
}
