//! How changes reach an agent, and how it tells what is in force.

use std::collections::BTreeMap;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use abi::{DropCounter, DropCounterKey};
use catalog::{Catalog, RecordChange};
use model::ServerId;
use tokio::sync::{oneshot, watch};

use crate::AgentError;

/// How long a caller waits for a revision to be in force: less than the API waits, which then learns the reason.
const PATIENCE: Duration = Duration::from_secs(9);

/// A new catalog and what changed since the one before.
#[derive(Clone, Debug)]
pub struct Update {
    /// The catalog.
    pub catalog: Arc<Catalog>,
    /// All changes since the last update's catalog; `None` when they are not known and everything must be compared.
    pub changes: Option<Vec<RecordChange>>,
}

/// What comes into an agent's queue.
pub(crate) enum Message {
    /// The catalog has changed.
    Update(Update),
    /// Somebody asks for the drop counters.
    Drops(oneshot::Sender<Result<Drops, String>>),
    /// To stop, and with `remove` to take everything away first.
    Stop { remove: bool, done: oneshot::Sender<Result<(), String>> },
}

/// Drop counters as the data plane keeps them.
pub(crate) type Drops = BTreeMap<DropCounterKey, DropCounter>;

/// The sending end of an agent's queue.
#[derive(Clone)]
pub struct Feed(mpsc::Sender<Message>);

impl Feed {
    pub(crate) fn new() -> (Self, mpsc::Receiver<Message>) {
        let (sender, receiver) = mpsc::channel();
        (Self(sender), receiver)
    }

    /// Queues an update; `false` when the agent has stopped.
    #[must_use]
    pub fn push(&self, update: Update) -> bool {
        self.send(Message::Update(update))
    }

    pub(crate) fn send(&self, message: Message) -> bool {
        self.0.send(message).is_ok()
    }
}

/// What an agent has got to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress {
    /// Everything up to this revision is in force.
    pub(crate) revision: u64,
    /// Why the next one is not yet.
    pub(crate) trouble: Option<String>,
    /// Servers whose workloads are not as they should be.
    pub(crate) failing: BTreeMap<ServerId, Failing>,
}

/// What could not be done for one server, and who waits for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failing {
    /// It was first tried for the revisions after this one...
    pub(crate) after: u64,
    /// ...up to this one: who waits for one of them waits for this server.
    pub(crate) until: u64,
    /// Why.
    pub(crate) trouble: String,
}

impl Progress {
    /// What keeps a revision from being in force; `None` when it is.
    fn missing(&self, revision: u64) -> Option<&str> {
        if self.revision < revision {
            return Some(self.trouble.as_deref().unwrap_or("it is still at work"));
        }
        let mut failing = self.failing.values().filter(|f| f.after < revision && revision <= f.until);
        failing.next().map(|failing| failing.trouble.as_str())
    }
}

/// An error with its causes.
pub(crate) fn words(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// Waits until `revision` is in force.
pub(crate) async fn settled(mut progress: watch::Receiver<Progress>, revision: u64) -> Result<(), AgentError> {
    let started = Instant::now();
    let reached = tokio::time::timeout(PATIENCE, progress.wait_for(|p| p.missing(revision).is_none())).await;
    let reached = reached.map(|answer| answer.is_ok());
    let last_error = match reached {
        Ok(true) => return Ok(()),
        Ok(false) => "the agent has stopped".to_owned(),
        Err(_) => progress.borrow().missing(revision).unwrap_or("it is still at work").to_owned(),
    };
    Err(AgentError::NotSettled { revision, waited: started.elapsed(), last_error })
}
