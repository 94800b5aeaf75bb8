//! What many callers see together.

use std::collections::BTreeSet;

use store::{Commit, CommitError, Options, Revision, Store};
use tokio::task::JoinSet;

use crate::backend::{Backend, contents, read_to, replay};

const TASKS: u64 = 64;

fn number(value: &[u8]) -> u64 {
    std::str::from_utf8(value).unwrap().parse().unwrap()
}

/// Adds one to `key` by reading and committing until nobody was in between.
async fn increment(store: &Store, key: &str) -> Revision {
    loop {
        let snapshot = store.snapshot().await.unwrap();
        let commit = match snapshot.entry(key) {
            Some(entry) => {
                let next = number(&entry.value) + 1;
                Commit::new().unchanged(key, entry.mod_revision).put(key, next.to_string().as_bytes())
            }
            None => Commit::new().absent(key).put(key, *b"1"),
        };
        match store.commit(commit).await {
            Ok(revision) => return revision,
            Err(CommitError::Conflict { revision, .. }) => assert!(revision > snapshot.revision),
            Err(error) => panic!("{error}"),
        }
    }
}

pub async fn no_increment_is_lost_among_contending_tasks(backend: &Backend) {
    let bench = backend.open().await;
    let mut watch = bench.store.watch(Revision::ZERO).await.unwrap();
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let store = bench.store.clone();
        tasks.spawn(async move {
            // Two counters: contention on each, and commits of one between those of the other.
            for round in 0..4 {
                increment(&store, if (task + round) % 2 == 0 { "even" } else { "odd" }).await;
            }
        });
    }
    tasks.join_all().await;

    let snapshot = bench.store.snapshot().await.unwrap();
    assert_eq!(snapshot.revision, Revision(TASKS * 4));
    for key in ["even", "odd"] {
        assert_eq!(number(&snapshot.entry(key).unwrap().value), TASKS * 2);
    }
    // Linear: in the order of revisions every counter takes every value once.
    let mut seen = [0_u64, 0];
    for set in read_to(&mut watch, snapshot.revision).await {
        let counter = &mut seen[usize::from(set.changes[0].key == "odd")];
        assert_eq!(number(set.changes[0].value.as_deref().unwrap()), *counter + 1);
        *counter += 1;
    }
}

pub async fn revisions_answered_are_distinct_and_without_gaps(backend: &Backend) {
    let bench = backend.open_with(Options { queue: 3, batch: 5, ..Options::default() }).await;
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let store = bench.store.clone();
        tasks.spawn(async move {
            let mut last = Revision::ZERO;
            let mut revisions = Vec::new();
            for round in 0..8 {
                let at = store.commit(Commit::new().put(format!("{task}/{round}"), *b"")).await.unwrap();
                assert!(at > last);
                last = at;
                revisions.push(at.0);
            }
            revisions
        });
    }
    let revisions: BTreeSet<u64> = tasks.join_all().await.into_iter().flatten().collect();
    assert_eq!(revisions, (1..=TASKS * 8).collect());
}

pub async fn guards_prevent_write_skew(backend: &Backend) {
    let bench = backend.open().await;
    let first = bench.store.commit(Commit::new().put("on/a", *b"").put("on/b", *b"")).await.unwrap();
    // Each may switch itself off as long as the other one is on.
    let off = |own: &str, other: &str| bench.store.commit(Commit::new().unchanged(other, first).delete(own));
    let (a, b) = tokio::join!(off("on/a", "on/b"), off("on/b", "on/a"));
    assert!(a.is_ok() != b.is_ok(), "{a:?} {b:?}");
    assert_eq!(bench.store.snapshot().await.unwrap().entries.len(), 1);
}

pub async fn snapshots_never_show_half_a_commit(backend: &Backend) {
    let bench = backend.open().await;
    let mut tasks = JoinSet::new();
    for task in 0..8_u64 {
        let store = bench.store.clone();
        tasks.spawn(async move {
            for round in 0..30 {
                let value = format!("{task}/{round}");
                store.commit(Commit::new().put("left", value.as_bytes()).put("right", value.as_bytes())).await.unwrap();
            }
        });
    }
    let mut last = Revision::ZERO;
    while last < Revision(8 * 30) {
        let snapshot = bench.store.snapshot().await.unwrap();
        assert!(snapshot.revision >= last);
        last = snapshot.revision;
        assert_eq!(snapshot.entry("left").map(|e| &e.value), snapshot.entry("right").map(|e| &e.value));
        assert!(snapshot.entries.iter().all(|entry| entry.mod_revision <= snapshot.revision));
        tokio::task::yield_now().await;
    }
    tasks.join_all().await;
}

pub async fn watches_beside_writers_rebuild_the_same_state(backend: &Backend) {
    const WRITERS: u64 = 16;
    const ROUNDS: u64 = 25;
    let bench = backend.open().await;
    let mut writers = JoinSet::new();
    for task in 0..WRITERS {
        let store = bench.store.clone();
        writers.spawn(async move {
            for round in 0..ROUNDS {
                let key = format!("k{}", (task * 7 + round) % 11);
                let commit = match (task + round) % 4 {
                    0 => Commit::new().delete(key),
                    1 => Commit::new().put(key.clone(), *b"1").touch(key),
                    _ => Commit::new().put(key, round.to_string().as_bytes()).delete("k0"),
                };
                store.commit(commit).await.unwrap();
            }
        });
    }
    let mut watchers = JoinSet::new();
    for _ in 0..8 {
        let store = bench.store.clone();
        watchers.spawn(async move {
            // From wherever the writers are now: what the snapshot has not, the watch has.
            let snapshot = store.snapshot().await.unwrap();
            let mut state = contents(&snapshot);
            let mut watch = store.watch(snapshot.revision).await.unwrap();
            for set in read_to(&mut watch, Revision(WRITERS * ROUNDS)).await {
                replay(&mut state, &set);
            }
            state
        });
    }
    writers.join_all().await;
    let expected = contents(&bench.store.snapshot().await.unwrap());
    for state in watchers.join_all().await {
        assert_eq!(state, expected);
    }
}

pub async fn closing_answers_every_commit_in_flight(backend: &Backend) {
    let bench = backend.open_with(Options { queue: 4, batch: 2, ..Options::default() }).await;
    let mut watch = bench.store.watch(Revision::ZERO).await.unwrap();
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let store = bench.store.clone();
        tasks.spawn(async move { store.commit(Commit::new().put(format!("{task}"), *b"")).await });
    }
    watch.next().await.unwrap();
    bench.store.close().await.unwrap();
    let mut done = 0;
    for answer in tasks.join_all().await {
        match answer {
            Ok(_) => done += 1,
            Err(CommitError::Closed) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(bench.store.revision(), Revision(done));
    assert_eq!(read_to(&mut watch, Revision(done)).await.len() as u64, done - 1);
}
