//! Any sequence of commits, compared with the simplest thing that could be right.

use std::collections::BTreeMap;

use proptest::prelude::*;
use store::{Commit, CommitError, Guard, Options, Revision, Store, Write};

use crate::backend::{Contents, contents, read_to, replay, within_deadline};

const KEYS: [&str; 4] = ["a", "a/b", "b", "port/1"];

/// What a test does next. Revisions of guards are given as an age, so that many of them are right.
#[derive(Debug, Clone)]
enum Step {
    Commit { guards: Vec<(usize, Expected)>, writes: Vec<(usize, Kind)> },
    Reopen,
}

#[derive(Debug, Clone)]
enum Expected {
    AsItIs,
    Absent,
    Revision(u64),
}

#[derive(Debug, Clone)]
enum Kind {
    Put(u8),
    Delete,
    Touch,
}

fn step() -> impl Strategy<Value = Step> {
    let key = || 0..KEYS.len();
    let expected = prop_oneof![6 => Just(Expected::AsItIs), 1 => Just(Expected::Absent), 1 => (0..20_u64).prop_map(Expected::Revision)];
    let kind = prop_oneof![4 => any::<u8>().prop_map(Kind::Put), 2 => Just(Kind::Delete), 1 => Just(Kind::Touch)];
    let guards = prop::collection::vec((key(), expected), 0..3);
    let writes = prop::collection::vec((key(), kind), 0..4);
    prop_oneof![
        12 => (guards, writes).prop_map(|(guards, writes)| Step::Commit { guards, writes }),
        1 => Just(Step::Reopen),
    ]
}

/// The state after every revision; the last one is current.
struct Model {
    history: Vec<Contents>,
}

impl Model {
    fn new() -> Self {
        Self { history: vec![BTreeMap::new()] }
    }

    fn current(&self) -> &Contents {
        self.history.last().unwrap()
    }

    fn revision(&self) -> Revision {
        Revision(self.history.len() as u64 - 1)
    }

    fn commit(&mut self, commit: &Commit) -> Option<Revision> {
        let holds = |guard: &Guard| self.current().get(&guard.key).map(|(revision, _)| *revision) == guard.expected;
        if !commit.guards.iter().all(holds) {
            return None;
        }
        if commit.writes.is_empty() {
            return Some(self.revision());
        }
        let mut state = self.current().clone();
        let revision = self.revision().next();
        for write in &commit.writes {
            match write {
                Write::Put { key, value } => {
                    state.insert(key.clone(), (revision, value.clone()));
                }
                Write::Delete { key } => {
                    state.remove(key);
                }
                Write::Touch { key } => state.get_mut(key)?.0 = revision,
            }
        }
        self.history.push(state);
        Some(revision)
    }
}

fn concrete(model: &Model, guards: &[(usize, Expected)], writes: &[(usize, Kind)]) -> Commit {
    let guard = |(key, expected): &(usize, Expected)| {
        let key = KEYS[*key];
        let expected = match expected {
            Expected::AsItIs => model.current().get(key).map(|(revision, _)| *revision),
            Expected::Absent => None,
            Expected::Revision(age) => Some(Revision(model.revision().0.saturating_sub(*age))),
        };
        Guard { key: key.to_owned(), expected }
    };
    let write = |(key, kind): &(usize, Kind)| {
        let key = KEYS[*key].to_owned();
        match kind {
            Kind::Put(value) => Write::Put { key, value: [*value].as_slice().into() },
            Kind::Delete => Write::Delete { key },
            Kind::Touch => Write::Touch { key },
        }
    };
    let (guards, writes) = (guards.iter().map(guard).collect(), writes.iter().map(write).collect());
    Commit { guards, writes, ..Commit::default() }
}

async fn compare(mut store: Store, steps: Vec<Step>, reopen: Option<&std::path::Path>) {
    let mut model = Model::new();
    for step in steps {
        match (step, reopen) {
            (Step::Commit { guards, writes }, _) => {
                let commit = concrete(&model, &guards, &writes);
                let before = model.revision();
                match (store.commit(commit.clone()).await, model.commit(&commit)) {
                    (Ok(revision), Some(expected)) => assert_eq!(revision, expected),
                    (Err(CommitError::Conflict { revision, .. }), None) => assert_eq!(revision, before),
                    (result, expected) => panic!("{commit:?} gave {result:?}, expected {expected:?}"),
                }
            }
            (Step::Reopen, Some(path)) => {
                store.close().await.unwrap();
                store = Store::open(path, Options::default()).await.unwrap();
            }
            (Step::Reopen, None) => {}
        }
        let snapshot = store.snapshot().await.unwrap();
        assert_eq!((snapshot.revision, &contents(&snapshot)), (model.revision(), model.current()));
        assert_eq!(store.revision(), model.revision());
    }
    // From every revision of the past, the watch leads through every later state.
    let mut watch = store.watch(Revision::ZERO).await.unwrap();
    let mut state = Contents::new();
    for (set, expected) in read_to(&mut watch, model.revision()).await.iter().zip(&model.history[1..]) {
        let before = state.clone();
        replay(&mut state, set);
        assert_eq!(&state, expected);
        let changed = set.changes.iter().all(|change| before.get(&change.key) != state.get(&change.key));
        assert!(changed, "{set:?} has a change that changes nothing");
        assert!(set.changes.is_sorted_by(|a, b| a.key < b.key));
    }
    store.close().await.unwrap();
}

fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(within_deadline(test));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn memory_behaves_like_the_model(steps in prop::collection::vec(step(), 1..60)) {
        run(compare(Store::memory(Options::default()), steps, None));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    #[test]
    fn redb_behaves_like_the_model_also_when_reopened(steps in prop::collection::vec(step(), 1..40)) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("store");
        run(async {
            let store = Store::open(&path, Options::default()).await.unwrap();
            compare(store, steps, Some(&path)).await;
        });
    }
}
