//! Disks that lose what was not synced, and disks that fail: what a killed process cannot show.

#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use ::redb::StorageBackend;
use tokio::sync::oneshot;

use super::{Message, Redb, open};
use crate::{Commit, CommitError, OpenError, Options, Revision, Snapshot, StorageError, WatchError};

const SECTOR: usize = 512;

/// A disk that knows what would be left of it without power. Clones are the same disk.
#[derive(Debug, Clone, Default)]
struct Disk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// What reads see.
    cached: Vec<u8>,
    /// What the last sync left.
    synced: Vec<u8>,
    /// What happened since.
    pending: Vec<Operation>,
    syncs: u64,
    /// Syncs and writes fail from now on.
    broken: bool,
}

#[derive(Debug, Clone)]
enum Operation {
    SetLen(usize),
    Write(usize, Vec<u8>),
}

impl Operation {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::SetLen(len) => bytes.resize(*len, 0),
            Self::Write(at, data) => {
                let end = at + data.len();
                if bytes.len() < end {
                    bytes.resize(end, 0);
                }
                bytes[*at..end].copy_from_slice(data);
            }
        }
    }

    /// The parts that reach a disk independently of each other.
    fn sectors(&self) -> Vec<Self> {
        match self {
            Self::SetLen(_) => vec![self.clone()],
            Self::Write(at, data) => (0_usize..)
                .zip(data.chunks(SECTOR))
                .map(|(index, sector)| Self::Write(at + index * SECTOR, sector.to_vec()))
                .collect(),
        }
    }
}

impl Disk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn holding(bytes: Vec<u8>) -> Self {
        Self(Arc::new(Mutex::new(State { cached: bytes.clone(), synced: bytes, ..State::default() })))
    }

    /// A disk as the power may leave it now: some sectors written since the last sync arrived, others did not.
    fn without_power(&self, random: &mut impl FnMut() -> u64) -> Self {
        let state = self.state();
        let mut bytes = state.synced.clone();
        // Sometimes nearly all arrives, sometimes hardly anything.
        let share = random() % 101;
        for sector in state.pending.iter().flat_map(Operation::sectors) {
            if random() % 100 < share {
                sector.apply(&mut bytes);
            }
        }
        Self::holding(bytes)
    }

    fn operate(&self, operation: Operation) -> io::Result<()> {
        let mut state = self.state();
        if state.broken {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        operation.apply(&mut state.cached);
        state.pending.push(operation);
        Ok(())
    }

    fn open(&self) -> Result<Redb, OpenError> {
        let (database, head) = open::open_backend(Path::new("disk"), self.clone(), 1 << 20)?;
        Ok(Redb::start(database, head, &Options { keep_log: 50, ..Options::default() }).unwrap())
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.state().cached.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.state();
        let start = usize::try_from(offset).unwrap();
        let bytes = state.cached.get(start..start + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(bytes);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.operate(Operation::SetLen(usize::try_from(len).unwrap()))
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.state();
        if state.broken {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        state.synced = state.cached.clone();
        state.pending.clear();
        state.syncs += 1;
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.operate(Operation::Write(usize::try_from(offset).unwrap(), data.to_vec()))
    }
}

/// Deterministic pseudo-random numbers (splitmix64).
fn random(mut state: u64) -> impl FnMut() -> u64 {
    move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

async fn snapshot(redb: &Redb) -> Snapshot {
    redb.file().snapshot().await.unwrap()
}

#[tokio::test]
async fn an_answered_commit_survives_a_loss_of_power() {
    let mut random = random(7);
    let mut disk = Disk::default();
    for _ in 0..40 {
        let redb = disk.open().unwrap();
        let start = snapshot(&redb).await.revision.0;
        for number in start + 1..=start + random() % 12 {
            let value = vec![b'v'; usize::try_from(random() % 3000).unwrap()];
            let commit = Commit::new().put("last", number.to_string().as_bytes());
            let commit = commit.put(format!("k/{}", random() % 20), value).delete(format!("k/{}", random() % 20));
            assert_eq!(redb.submit(commit).await.done().await.unwrap(), Revision(number));
            // Power may fail right after any answer: only the disk is left.
            let left = disk.without_power(&mut random);
            let expected = snapshot(&redb).await;
            assert_eq!(snapshot(&left.open().unwrap()).await, expected);
        }
        // The next round goes on with what this one left, closed or not.
        let left = disk.without_power(&mut random);
        drop(redb);
        disk = left;
    }
}

#[tokio::test]
async fn a_loss_of_power_within_a_commit_leaves_all_of_it_or_nothing() {
    let mut random = random(11);
    let disk = Disk::default();
    let redb = Arc::new(disk.open().unwrap());
    let writer = {
        let redb = Arc::clone(&redb);
        tokio::spawn(async move {
            for number in 1..=150_u64 {
                let value = number.to_string();
                let commit =
                    Commit::new().put("left", value.as_bytes()).put(format!("k/{}", number % 9), vec![1; 2000]);
                redb.submit(commit.put("right", value.as_bytes())).await.done().await.unwrap();
            }
        })
    };
    while !writer.is_finished() {
        let answered = redb.feed().head().revision;
        let left = disk.without_power(&mut random).open().unwrap();
        let found = snapshot(&left).await;
        assert!(found.revision >= answered);
        assert_eq!(found.entry("left").map(|e| &e.value), found.entry("right").map(|e| &e.value));
        let value = found.entry("left").map(|e| String::from_utf8(e.value.to_vec()).unwrap());
        assert_eq!(value.unwrap_or_else(|| "0".to_owned()), found.revision.to_string());
    }
    writer.await.unwrap();
}

#[tokio::test]
async fn commits_at_once_share_a_sync() {
    let disk = Disk::default();
    let redb = disk.open().unwrap();
    let before = disk.state().syncs;
    let answers: Vec<_> = {
        // The writer has to wait for the disk while the commits are queued.
        let _held = disk.state();
        let queue = redb.queue.as_ref().unwrap();
        let queued = (0..200).map(|number| {
            let (answer, answered) = oneshot::channel();
            let commit = Commit::new().put(format!("k/{number}"), *b"v");
            queue.try_send(Message::Commit { commit, answer }).unwrap();
            answered
        });
        queued.collect()
    };
    for (number, answer) in (1..).zip(answers) {
        assert_eq!(answer.await.unwrap().unwrap(), Revision(number));
    }
    let syncs = disk.state().syncs - before;
    assert!(syncs <= 4, "{syncs} syncs for 200 commits");
}

#[tokio::test]
async fn after_a_failure_of_the_disk_nothing_is_acknowledged_or_published() {
    let disk = Disk::default();
    let redb = disk.open().unwrap();
    redb.submit(Commit::new().put("a", *b"1")).await.done().await.unwrap();
    let before = snapshot(&redb).await;

    disk.state().broken = true;
    for _ in 0..3 {
        let error = redb.submit(Commit::new().put("a", *b"2")).await.done().await.unwrap_err();
        assert!(matches!(error, CommitError::Storage(_)), "{error:?}");
    }
    // The disk may come back; what it holds now is known only after it is read again.
    disk.state().broken = false;
    let error = redb.submit(Commit::new().put("a", *b"3")).await.done().await.unwrap_err();
    assert!(matches!(error, CommitError::Storage(StorageError::Failed(_) | StorageError::Redb(_))), "{error:?}");
    assert_eq!(redb.feed().head().revision, before.revision);
    let _ = redb.close().await;
    drop(redb);

    let redb = disk.open().unwrap();
    assert_eq!(snapshot(&redb).await, before);
    assert_eq!(redb.submit(Commit::new().put("a", *b"4")).await.done().await.unwrap(), before.revision.next());
}

#[tokio::test]
async fn the_end_of_the_store_ends_a_watch_also_after_a_failure() {
    let disk = Disk::default();
    let redb = disk.open().unwrap();
    let mut watch = crate::Watch::new(Revision::ZERO, Arc::clone(redb.feed()), Some(redb.file().clone())).unwrap();
    disk.state().broken = true;
    redb.submit(Commit::new().put("a", *b"1")).await.done().await.unwrap_err();
    drop(redb);
    assert!(matches!(watch.next().await, Err(WatchError::Closed)));
}
