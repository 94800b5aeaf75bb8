//! The backends under test, and what all claims need.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use store::{ChangeSet, Options, Revision, Snapshot, Store, Watch};
use tempfile::TempDir;

#[derive(Debug, Clone, Copy)]
pub enum Backend {
    Memory,
    Redb,
}

/// A store with the directory that it lives in.
pub struct Bench {
    pub store: Store,
    // After the store: fields are dropped in this order.
    _directory: Option<TempDir>,
}

impl Backend {
    pub async fn open(&self) -> Bench {
        self.open_with(Options::default()).await
    }

    pub async fn open_with(&self, options: Options) -> Bench {
        match self {
            Self::Memory => Bench { store: Store::memory(options), _directory: None },
            Self::Redb => {
                let directory = tempfile::tempdir().unwrap();
                let store = Store::open(directory.path().join("store"), options).await.unwrap();
                Bench { store, _directory: Some(directory) }
            }
        }
    }
}

/// Fails a test that hangs.
pub async fn within_deadline<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), future).await.expect("test hangs")
}

/// A state, as a snapshot shows it and as change sets build it.
pub type Contents = BTreeMap<String, (Revision, Arc<[u8]>)>;

pub fn contents(snapshot: &Snapshot) -> Contents {
    let entry = |entry: &store::Entry| (entry.key.clone(), (entry.mod_revision, Arc::clone(&entry.value)));
    snapshot.entries.iter().map(entry).collect()
}

pub fn replay(contents: &mut Contents, set: &ChangeSet) {
    for change in &set.changes {
        assert_eq!(change.mod_revision, set.revision);
        match &change.value {
            Some(value) => contents.insert(change.key.clone(), (change.mod_revision, Arc::clone(value))),
            None => contents.remove(&change.key),
        };
    }
}

/// Reads change sets up to `last` and checks that none is missing.
pub async fn read_to(watch: &mut Watch, last: Revision) -> Vec<Arc<ChangeSet>> {
    let mut sets = Vec::new();
    while watch.position() < last {
        let expected = watch.position().next();
        let set = watch.next().await.unwrap();
        assert_eq!(set.revision, expected);
        assert_eq!(watch.position(), expected);
        sets.push(set);
    }
    sets
}
