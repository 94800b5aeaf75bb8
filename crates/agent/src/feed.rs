//! How changes reach an agent, and how it tells what is in force.

use std::collections::BTreeMap;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use abi::{DropCounter, DropCounterKey};
use catalog::{Catalog, RecordChange};
use tokio::sync::{oneshot, watch};

use crate::AgentError;

/// How long a caller waits for a revision to be in force.
const PATIENCE: Duration = Duration::from_secs(10);

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
}

/// Waits until `revision` is in force.
pub(crate) async fn settled(mut progress: watch::Receiver<Progress>, revision: u64) -> Result<(), AgentError> {
    let started = Instant::now();
    let reached = tokio::time::timeout(PATIENCE, progress.wait_for(|p| p.revision >= revision)).await;
    let reached = reached.map(|answer| answer.is_ok());
    let last_error = match reached {
        Ok(true) => return Ok(()),
        Ok(false) => "the agent has stopped".to_owned(),
        Err(_) => progress.borrow().trouble.clone().unwrap_or_else(|| "it is still at work".to_owned()),
    };
    Err(AgentError::NotSettled { revision, waited: started.elapsed(), last_error })
}
