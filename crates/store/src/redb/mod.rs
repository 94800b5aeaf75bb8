//! The backend in one file: durable, crash safe, for one process.

mod file;
mod journal;
mod layout;
mod open;
#[cfg(test)]
mod tests;
mod writer;

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::{mpsc, oneshot};

use ::redb::Database;
pub(crate) use file::File;
use layout::Head;
use writer::{Message, Writer};

use crate::feed::Feed;
use crate::{Commit, CommitError, OpenError, Options, StorageError, Submitted};

/// Change sets that stay in memory for watches; older ones are read from the file.
const RECENT: usize = 1024;

/// The running backend: the file for reading, and the thread that writes it.
#[derive(Debug)]
pub(crate) struct Redb {
    file: File,
    feed: Arc<Feed>,
    /// `None` only while dropping.
    queue: Option<mpsc::Sender<Message>>,
    writer: Option<JoinHandle<()>>,
}

impl Redb {
    pub(crate) async fn open(path: PathBuf, options: Options) -> Result<Self, OpenError> {
        let opening = path.clone();
        let opened = tokio::task::spawn_blocking(move || open::open(&opening, options.cache_bytes)).await;
        let (database, head) = opened.map_err(|panic| open::damaged(&path, panic))??;
        Self::start(database, head, &options).map_err(|source| OpenError::Io { path, source })
    }

    /// Starts the writer on an open database.
    fn start(database: Database, head: Head, options: &Options) -> std::io::Result<Self> {
        let file = File::new(database);
        let recent = RECENT.min(usize::try_from(options.keep_log).unwrap_or(RECENT));
        let feed = Arc::new(Feed::new(head.revision, head.compacted, recent));
        let (queue, jobs) = mpsc::channel(options.queue.max(1));
        let writer = Writer::new(file.clone(), Arc::clone(&feed), head, jobs, options);
        let thread = std::thread::Builder::new().name("store-writer".to_owned());
        let writer = thread.spawn(|| writer.run())?;
        Ok(Self { file, feed, queue: Some(queue), writer: Some(writer) })
    }

    pub(crate) fn feed(&self) -> &Arc<Feed> {
        &self.feed
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    pub(crate) async fn submit(&self, commit: Commit) -> Submitted {
        let (answer, answered) = oneshot::channel();
        let Some(queue) = &self.queue else { return Submitted::Decided(Err(CommitError::Closed)) };
        match queue.send(Message::Commit { commit, answer }).await {
            Ok(()) => Submitted::Waiting(answered),
            Err(_) => Submitted::Decided(Err(CommitError::Closed)),
        }
    }

    pub(crate) async fn close(&self) -> Result<(), StorageError> {
        let (answer, answered) = oneshot::channel();
        let result = match &self.queue {
            Some(queue) if queue.send(Message::Close { answer }).await.is_ok() => answered.await.unwrap_or(Ok(())),
            _ => Ok(()),
        };
        // Whoever closes second has to find the file released as well. An error means that the feed is gone, with
        // the writer.
        let _ = self.feed.subscribe().wait_for(|head| head.closed).await;
        result
    }
}

impl Drop for Redb {
    fn drop(&mut self) {
        // The writer ends when the queue does. It is waited for, so that whoever drops a store can open it again.
        self.queue = None;
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!("store writer panicked");
        }
    }
}
