//! What one caller sees.

use std::sync::Arc;
use std::time::Duration;

use store::{Change, Commit, CommitError, Options, Revision, Store, WatchError};

use crate::backend::{Backend, contents, read_to};

fn conflict(result: Result<Revision, CommitError>) -> (String, Revision) {
    match result {
        Err(CommitError::Conflict { key, revision }) => (key, revision),
        other => panic!("expected a conflict, got {other:?}"),
    }
}

async fn value(store: &Store, key: &str) -> Option<(Revision, Vec<u8>)> {
    let snapshot = store.snapshot().await.unwrap();
    snapshot.entry(key).map(|entry| (entry.mod_revision, entry.value.to_vec()))
}

async fn put(store: &Store, key: &str, value: &str) -> Revision {
    store.commit(Commit::new().put(key, value.as_bytes())).await.unwrap()
}

fn change(key: &str, value: Option<&str>, revision: Revision) -> Change {
    Change { key: key.to_owned(), value: value.map(|value| Arc::from(value.as_bytes())), mod_revision: revision }
}

pub async fn a_new_store_is_empty_at_revision_zero(backend: &Backend) {
    let bench = backend.open().await;
    let snapshot = bench.store.snapshot().await.unwrap();
    assert_eq!(snapshot.revision, Revision::ZERO);
    assert!(snapshot.entries.is_empty());
    assert_eq!(bench.store.revision(), Revision::ZERO);
}

pub async fn every_commit_gets_the_next_revision(backend: &Backend) {
    let bench = backend.open().await;
    for expected in 1..=20 {
        assert_eq!(put(&bench.store, "k", "v").await, Revision(expected));
        assert_eq!(bench.store.revision(), Revision(expected));
    }
    assert_eq!(value(&bench.store, "k").await, Some((Revision(20), b"v".to_vec())));
}

pub async fn an_absent_guard_refuses_an_existing_key(backend: &Backend) {
    let bench = backend.open().await;
    let create = || bench.store.commit(Commit::new().absent("a").put("a", *b"1"));
    assert_eq!(create().await.unwrap(), Revision(1));
    assert_eq!(conflict(create().await), ("a".to_owned(), Revision(1)));
    bench.store.commit(Commit::new().delete("a")).await.unwrap();
    assert_eq!(create().await.unwrap(), Revision(3));
}

pub async fn an_unchanged_guard_refuses_any_other_revision(backend: &Backend) {
    let bench = backend.open().await;
    let old = put(&bench.store, "a", "1").await;
    let new = put(&bench.store, "a", "2").await;
    for wrong in [Revision::ZERO, old, new.next()] {
        let result = bench.store.commit(Commit::new().unchanged("a", wrong).put("a", *b"3")).await;
        assert_eq!(conflict(result).0, "a");
    }
    let missing = bench.store.commit(Commit::new().unchanged("b", Revision::ZERO).put("b", *b"")).await;
    assert_eq!(conflict(missing).0, "b");
    bench.store.commit(Commit::new().unchanged("a", new).put("a", *b"3")).await.unwrap();
}

pub async fn a_deleted_and_recreated_key_does_not_pass_for_the_old_one(backend: &Backend) {
    let bench = backend.open().await;
    let seen = put(&bench.store, "a", "same").await;
    bench.store.commit(Commit::new().delete("a")).await.unwrap();
    put(&bench.store, "a", "same").await;
    conflict(bench.store.commit(Commit::new().unchanged("a", seen).delete("a")).await);
}

pub async fn a_refused_commit_writes_nothing_and_takes_no_revision(backend: &Backend) {
    let bench = backend.open().await;
    let first = put(&bench.store, "a", "1").await;
    let before = bench.store.snapshot().await.unwrap();
    let commit = Commit::new().unchanged("a", first).absent("a").put("a", *b"2").put("b", *b"2").delete("a");
    conflict(bench.store.commit(commit).await);
    // The touch comes after writes that would be possible.
    conflict(bench.store.commit(Commit::new().put("b", *b"2").touch("missing")).await);
    assert_eq!(bench.store.snapshot().await.unwrap(), before);
    assert_eq!(put(&bench.store, "c", "1").await, first.next());
}

pub async fn a_commit_may_follow_one_revision_only(backend: &Backend) {
    let bench = backend.open().await;
    let first = bench.store.commit(Commit::new().put("a", *b"1").following(Revision::ZERO)).await.unwrap();
    for wrong in [Revision::ZERO, first.next()] {
        let refused = bench.store.commit(Commit::new().put("b", *b"1").following(wrong)).await.unwrap_err();
        assert!(matches!(refused, CommitError::Conflict { revision, .. } if revision == first), "{refused:?}");
    }
    bench.store.commit(Commit::new().append("x", 1, *b"1")).await.unwrap();
    assert_eq!(bench.store.commit(Commit::new().put("b", *b"1").following(first)).await.unwrap(), first.next());
}

pub async fn guards_see_the_state_before_the_writes_of_their_commit(backend: &Backend) {
    let bench = backend.open().await;
    let commit = Commit::new().put("a", *b"1").absent("a").absent("b").put("b", *b"1");
    assert_eq!(bench.store.commit(commit).await.unwrap(), Revision(1));
}

pub async fn a_touch_changes_the_revision_and_keeps_the_value(backend: &Backend) {
    let bench = backend.open().await;
    let created = put(&bench.store, "vpc/1", "v").await;
    let mut watch = bench.store.watch(created).await.unwrap();
    let touched = bench.store.commit(Commit::new().touch("vpc/1").put("subnet/1", *b"s")).await.unwrap();
    assert_eq!(value(&bench.store, "vpc/1").await, Some((touched, b"v".to_vec())));
    let set = watch.next().await.unwrap();
    assert_eq!(set.changes, [change("subnet/1", Some("s"), touched), change("vpc/1", Some("v"), touched)]);
    // This is what a touch is for: whoever deletes the VPC must have seen the subnet.
    conflict(bench.store.commit(Commit::new().unchanged("vpc/1", created).delete("vpc/1")).await);
}

pub async fn touching_a_missing_key_is_a_conflict(backend: &Backend) {
    let bench = backend.open().await;
    assert_eq!(conflict(bench.store.commit(Commit::new().touch("a")).await), ("a".to_owned(), Revision::ZERO));
    put(&bench.store, "a", "1").await;
    conflict(bench.store.commit(Commit::new().delete("a").touch("a")).await);
    bench.store.commit(Commit::new().put("b", *b"1").touch("b")).await.unwrap();
    assert_eq!(value(&bench.store, "b").await, Some((Revision(2), b"1".to_vec())));
}

pub async fn deleting_a_missing_key_is_no_change(backend: &Backend) {
    let bench = backend.open().await;
    let mut watch = bench.store.watch(Revision::ZERO).await.unwrap();
    assert_eq!(bench.store.commit(Commit::new().delete("a")).await.unwrap(), Revision(1));
    let set = watch.next().await.unwrap();
    assert_eq!((set.revision, set.changes.len()), (Revision(1), 0));
}

pub async fn of_several_writes_to_a_key_the_last_remains(backend: &Backend) {
    let bench = backend.open().await;
    put(&bench.store, "b", "old").await;
    let mut watch = bench.store.watch(Revision(1)).await.unwrap();
    let commit = Commit::new().put("c", *b"1").put("a", *b"1").delete("a").put("a", *b"2");
    let at = bench.store.commit(commit.put("b", *b"1").delete("b").delete("c")).await.unwrap();
    let set = watch.next().await.unwrap();
    assert_eq!(set.changes, [change("a", Some("2"), at), change("b", None, at)]);
}

pub async fn a_commit_without_writes_only_checks(backend: &Backend) {
    let bench = backend.open().await;
    let first = put(&bench.store, "a", "1").await;
    assert_eq!(bench.store.commit(Commit::new().unchanged("a", first)).await.unwrap(), first);
    assert_eq!(bench.store.commit(Commit::new()).await.unwrap(), first);
    conflict(bench.store.commit(Commit::new().absent("a")).await);
    assert_eq!(put(&bench.store, "a", "2").await, Revision(2));
}

pub async fn a_snapshot_is_ordered_and_does_not_change(backend: &Backend) {
    let bench = backend.open().await;
    for key in ["vpc/2", "port/9", "vpc/10", "a", "vpc/1"] {
        put(&bench.store, key, "old").await;
    }
    let snapshot = bench.store.snapshot().await.unwrap();
    bench.store.commit(Commit::new().delete("a").put("vpc/1", *b"new").put("z", *b"")).await.unwrap();
    let keys: Vec<&str> = snapshot.entries.iter().map(|entry| entry.key.as_str()).collect();
    assert_eq!(keys, ["a", "port/9", "vpc/1", "vpc/10", "vpc/2"]);
    assert_eq!(&*snapshot.entry("vpc/1").unwrap().value, b"old");
    assert_eq!(snapshot.prefix("vpc/").count(), 3);
}

pub async fn any_key_and_value_comes_back_as_it_was(backend: &Backend) {
    let bench = backend.open().await;
    let big = vec![7_u8; 3 << 20];
    let commit = Commit::new().put("", *b"empty key").put("k\0/ü", *b"").put("big", big.clone());
    let at = bench.store.commit(commit).await.unwrap();
    assert_eq!(value(&bench.store, "").await, Some((at, b"empty key".to_vec())));
    assert_eq!(value(&bench.store, "k\0/ü").await, Some((at, Vec::new())));
    assert_eq!(value(&bench.store, "big").await, Some((at, big)));
}

pub async fn a_watch_yields_every_commit_once_in_order(backend: &Backend) {
    let bench = backend.open().await;
    let mut watch = bench.store.watch(Revision::ZERO).await.unwrap();
    let mut late = None;
    for number in 1..=40 {
        put(&bench.store, &format!("k{}", number % 3), &number.to_string()).await;
        if number == 20 {
            late = Some(bench.store.watch(Revision(20)).await.unwrap());
        }
    }
    let sets = read_to(&mut watch, Revision(40)).await;
    for (number, set) in (1_u64..).zip(&sets) {
        let expected = change(&format!("k{}", number % 3), Some(&number.to_string()), Revision(number));
        assert_eq!(set.changes, [expected]);
    }
    assert_eq!(read_to(&mut late.unwrap(), Revision(40)).await, sets[20..]);
}

pub async fn a_watch_wakes_up_for_a_commit(backend: &Backend) {
    let bench = backend.open().await;
    let mut watch = bench.store.watch(Revision::ZERO).await.unwrap();
    let waiting = tokio::spawn(async move { watch.next().await.unwrap().revision });
    tokio::task::yield_now().await;
    put(&bench.store, "a", "1").await;
    assert_eq!(waiting.await.unwrap(), Revision(1));
}

pub async fn a_watch_may_start_anywhere_in_the_log(backend: &Backend) {
    let bench = backend.open().await;
    for number in 0..30 {
        put(&bench.store, "a", &number.to_string()).await;
    }
    for from in 0..=30 {
        let mut watch = bench.store.watch(Revision(from)).await.unwrap();
        assert_eq!(read_to(&mut watch, Revision(30)).await.len() as u64, 30 - from);
    }
}

pub async fn a_watch_from_a_compacted_revision_is_refused(backend: &Backend) {
    let bench = backend.open_with(Options { keep_log: 8, ..Options::default() }).await;
    for _ in 0..30 {
        put(&bench.store, "a", "1").await;
    }
    let Err(WatchError::Compacted { position, compacted }) = bench.store.watch(Revision::ZERO).await else {
        panic!("a log of 8 does not go back by 30");
    };
    assert_eq!(position, Revision::ZERO);
    assert!((Revision(21)..=Revision(22)).contains(&compacted), "{compacted}");
    let before = Revision(compacted.0 - 1);
    assert!(matches!(bench.store.watch(before).await, Err(WatchError::Compacted { .. })));
    let mut oldest = bench.store.watch(compacted).await.unwrap();
    read_to(&mut oldest, Revision(30)).await;
}

pub async fn a_watch_that_falls_behind_the_log_is_told(backend: &Backend) {
    let bench = backend.open_with(Options { keep_log: 4, ..Options::default() }).await;
    put(&bench.store, "a", "1").await;
    let mut watch = bench.store.watch(Revision::ZERO).await.unwrap();
    read_to(&mut watch, Revision(1)).await;
    for _ in 0..20 {
        put(&bench.store, "a", "1").await;
    }
    let error = watch.next().await.unwrap_err();
    assert!(matches!(error, WatchError::Compacted { position: Revision(1), .. }), "{error}");
}

pub async fn a_watch_from_the_future_waits_for_it(backend: &Backend) {
    let bench = backend.open().await;
    let mut watch = bench.store.watch(Revision(3)).await.unwrap();
    for _ in 0..4 {
        put(&bench.store, "a", "1").await;
    }
    assert_eq!(watch.next().await.unwrap().revision, Revision(4));
}

pub async fn a_watch_that_is_not_awaited_to_the_end_loses_nothing(backend: &Backend) {
    let bench = backend.open().await;
    let mut watch = bench.store.watch(Revision::ZERO).await.unwrap();
    for number in 1..=30 {
        // Most of these give up before there is anything.
        let _ = tokio::time::timeout(Duration::from_micros(10 * (number % 3)), async {
            let position = watch.position();
            assert_eq!(watch.next().await.unwrap().revision, position.next());
        })
        .await;
        put(&bench.store, "a", "1").await;
    }
    read_to(&mut watch, Revision(30)).await;
}

pub async fn an_answered_commit_is_seen_by_snapshot_and_watch(backend: &Backend) {
    let bench = backend.open().await;
    for number in 1..=20 {
        let at = put(&bench.store, "a", &number.to_string()).await;
        let snapshot = bench.store.snapshot().await.unwrap();
        assert!(snapshot.revision >= at);
        assert_eq!(contents(&snapshot)["a"].0, at);
        let mut watch = bench.store.watch(Revision(at.0 - 1)).await.unwrap();
        assert_eq!(watch.next().await.unwrap().revision, at);
    }
}

pub async fn a_closed_store_refuses_commits_and_ends_watches(backend: &Backend) {
    let bench = backend.open().await;
    put(&bench.store, "a", "1").await;
    let mut behind = bench.store.watch(Revision::ZERO).await.unwrap();
    let mut waiting = bench.store.watch(Revision(1)).await.unwrap();
    let waiting = tokio::spawn(async move { waiting.next().await });
    let other = bench.store.clone();
    bench.store.close().await.unwrap();
    other.close().await.unwrap();
    assert!(matches!(other.commit(Commit::new().put("a", *b"2")).await, Err(CommitError::Closed)));
    assert!(matches!(other.watch(Revision(1)).await, Err(WatchError::Closed)));
    assert!(matches!(waiting.await.unwrap(), Err(WatchError::Closed)));
    assert_eq!(behind.next().await.unwrap().revision, Revision(1));
    assert!(matches!(behind.next().await, Err(WatchError::Closed)));
}

pub async fn dropping_the_last_handle_ends_watches(backend: &Backend) {
    let bench = backend.open().await;
    put(&bench.store, "a", "1").await;
    let mut watch = bench.store.watch(Revision(1)).await.unwrap();
    drop(bench);
    assert!(matches!(watch.next().await, Err(WatchError::Closed)));
}
