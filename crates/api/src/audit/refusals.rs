//! Refusals on their way into the log: written soon after their answers, many in one commit, and never more than there is
//! room for.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use control::Driver;
use model::{AccountId, Event};
use tokio::sync::watch;

/// Refusals that wait to be written; more than these are counted and forgotten.
const ROOM: usize = 4096;
/// Refusals in one commit.
const BATCH: usize = 256;
/// How long refusals are gathered for a commit.
const GATHER: Duration = Duration::from_millis(10);
/// Refusals of callers who did not prove who they are that an account's log takes in a minute: nobody shall fill the log of
/// an account whose access key or user's name is all that he has.
const UNPROVEN_PER_MINUTE: u32 = 20;
/// How long a reader of the log waits for the refusals before it.
const PATIENCE: Duration = Duration::from_secs(1);

/// The queue.
#[derive(Clone, Debug)]
pub(crate) struct Refusals(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    queue: Mutex<Queue>,
    /// How many have come out of the queue since the start.
    done: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Event>,
    /// How many have been put in since the start.
    taken: u64,
    /// Whether a task writes.
    writing: bool,
    /// How many found no room since it was last told.
    dropped: u64,
    /// How many were more than their account's share since it was last told.
    capped: u64,
    /// The minute since 1970 that is counted.
    minute: i64,
    counts: HashMap<AccountId, u32>,
}

impl Default for Refusals {
    fn default() -> Self {
        Self(Arc::new(Shared { queue: Mutex::default(), done: watch::Sender::new(0) }))
    }
}

impl Refusals {
    /// Takes a refusal. Never waits.
    pub(super) fn put(&self, driver: Arc<Driver>, event: Event, proven: bool) {
        // Without a runtime nobody would write it; there is none only while one ends.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let mut queue = self.queue();
        if !queue.accept(event, proven) || queue.writing {
            return;
        }
        queue.writing = true;
        drop(queue);
        runtime.spawn(self.clone().write(driver));
    }

    /// Waits until everything that was put before is written, or given up, or the time is up.
    pub(crate) async fn written(&self) {
        let taken = self.queue().taken;
        let mut done = self.0.done.subscribe();
        let _ = tokio::time::timeout(PATIENCE, done.wait_for(|done| *done >= taken)).await;
    }

    /// Writes until there is nothing to write.
    async fn write(self, driver: Arc<Driver>) {
        loop {
            tokio::time::sleep(GATHER).await;
            let batch = {
                let mut queue = self.queue();
                queue.tell();
                if queue.waiting.is_empty() {
                    queue.writing = false;
                    return;
                }
                let count = queue.waiting.len().min(BATCH);
                queue.waiting.drain(..count).collect::<Vec<_>>()
            };
            if let Err(error) = driver.record_refusals(&batch).await {
                tracing::warn!(%error, count = batch.len(), "refusals could not be written into the audit log");
            }
            self.0.done.send_modify(|done| *done += batch.len() as u64);
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    /// Takes the event in, if there is room and it is within its account's share.
    fn accept(&mut self, event: Event, proven: bool) -> bool {
        if !proven {
            let minute = event.time.unix_seconds().div_euclid(60);
            if minute != self.minute {
                self.minute = minute;
                self.counts.clear();
            }
            let count = self.counts.entry(event.account).or_default();
            if *count >= UNPROVEN_PER_MINUTE {
                self.capped += 1;
                return false;
            }
            *count += 1;
        }
        if self.waiting.len() >= ROOM {
            self.dropped += 1;
            return false;
        }
        self.taken += 1;
        self.waiting.push_back(event);
        true
    }

    /// Says in the server's log what the audit log does not have.
    fn tell(&mut self) {
        if self.dropped > 0 {
            let count = std::mem::take(&mut self.dropped);
            tracing::warn!(count, "refusals came faster than the audit log takes them; these are not in it");
        }
        if self.capped > 0 {
            let count = std::mem::take(&mut self.capped);
            tracing::warn!(count, "more unproven callers than an account's audit log takes; these are not in it");
        }
    }
}

#[cfg(test)]
mod tests {
    use control::{Origin, Who};
    use model::{EventResult, Timestamp, UserId};
    use uuid::Uuid;

    use super::*;

    fn refusal(account: u128, second: i64) -> Event {
        let who = Who::User {
            account: AccountId::new(Uuid::from_u128(account)),
            account_name: String::new(),
            user: UserId::new(Uuid::nil()),
            user_name: String::new(),
            proven: false,
        };
        let origin = Origin { who, ..Origin::system("createVpc") };
        let (code, error) = (String::new(), String::new());
        let result = EventResult::Failure { status: 401, code, error, message: String::new() };
        match origin.refused(Timestamp::from_unix_seconds(second), result) {
            Some(event) => event,
            None => panic!("a user's refusal is an event"),
        }
    }

    #[test]
    fn nobody_fills_an_accounts_log_without_a_proof() {
        let mut queue = Queue::default();
        let taken = |queue: &mut Queue, account, second| {
            (0..100).filter(|_| queue.accept(refusal(account, second), false)).count()
        };
        assert_eq!(taken(&mut queue, 1, 60), UNPROVEN_PER_MINUTE as usize);
        assert_eq!(taken(&mut queue, 2, 60), UNPROVEN_PER_MINUTE as usize, "another account has a share of its own");
        assert_eq!(taken(&mut queue, 1, 119), 0);
        assert_eq!(taken(&mut queue, 1, 120), UNPROVEN_PER_MINUTE as usize);
        assert_eq!(queue.capped, 80 + 80 + 100 + 80);
        assert!((0..100).all(|_| queue.accept(refusal(1, 120), true)), "who has proved who it is has no share");
    }

    #[test]
    fn what_finds_no_room_is_counted() {
        let mut queue = Queue::default();
        let taken = (0..ROOM + 7).filter(|_| queue.accept(refusal(1, 60), true)).count();
        assert_eq!((taken, queue.dropped, queue.waiting.len()), (ROOM, 7, ROOM));
    }
}
