//! Journals: rows beside the entries.

use store::{Commit, CommitError, Retention, Revision, Span};

use crate::backend::Backend;

const ALL: Span = Span { after: None, before: None };

/// The rows of a journal, the oldest first.
async fn rows(store: &store::Store, name: &str) -> Vec<(u128, String)> {
    let rows = store.journal(name, ALL, usize::MAX).await.unwrap();
    rows.iter().rev().map(|row| (row.id, String::from_utf8(row.value.to_vec()).unwrap())).collect()
}

pub async fn rows_come_with_their_commit_and_not_without(backend: &Backend) {
    let bench = backend.open().await;
    let commit = Commit::new().absent("a").put("a", *b"1").append("x", 10, *b"made a").append("y", 5, *b"seen");
    assert_eq!(bench.store.commit(commit.clone()).await.unwrap(), Revision(1));
    assert!(matches!(bench.store.commit(commit).await, Err(CommitError::Conflict { .. })));
    assert_eq!(rows(&bench.store, "x").await, [(10, "made a".to_owned())]);
    assert_eq!(rows(&bench.store, "y").await, [(5, "seen".to_owned())]);
    assert_eq!(bench.store.journals().await.unwrap(), ["x", "y"]);
    let snapshot = bench.store.snapshot().await.unwrap();
    assert_eq!(snapshot.entries.len(), 1, "rows are no entries: {snapshot:?}");
}

pub async fn rows_alone_take_no_revision_and_wake_no_watch(backend: &Backend) {
    let bench = backend.open().await;
    let mut watch = bench.store.watch(Revision::ZERO).await.unwrap();
    assert_eq!(bench.store.commit(Commit::new().append("x", 1, *b"1")).await.unwrap(), Revision::ZERO);
    assert_eq!(bench.store.commit(Commit::new().put("a", *b"1")).await.unwrap(), Revision(1));
    assert_eq!(watch.next().await.unwrap().changes[0].key, "a");
    assert_eq!(rows(&bench.store, "x").await.len(), 1);
}

pub async fn ids_ascend_in_the_order_of_commits(backend: &Backend) {
    let bench = backend.open().await;
    for id in [7, 7, 3, 20, 8] {
        let commit = Commit::new().append("x", id, id.to_string().as_bytes()).append("other", id, *b"-");
        bench.store.commit(commit).await.unwrap();
    }
    let ids: Vec<u128> = rows(&bench.store, "x").await.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, [7, 8, 9, 20, 21]);
    let newest = bench.store.journal("x", Span { after: Some(7), before: Some(21) }, 2).await.unwrap();
    assert_eq!(newest.iter().map(|row| row.id).collect::<Vec<_>>(), [20, 9]);
    assert!(bench.store.journal("x", Span { after: Some(20), before: Some(21) }, 9).await.unwrap().is_empty());
    assert!(bench.store.journal("nobody's", ALL, 9).await.unwrap().is_empty());
}

pub async fn ids_ascend_over_two_journals_that_are_read_together(backend: &Backend) {
    let bench = backend.open().await;
    for (name, other, id) in [("x", "y", 7), ("y", "x", 7), ("x", "y", 3), ("y", "x", 20), ("x", "y", 8)] {
        bench.store.commit(Commit::new().append_beside(name, other, id, *b"-")).await.unwrap();
    }
    let ids = async |name| rows(&bench.store, name).await.iter().map(|(id, _)| *id).collect::<Vec<u128>>();
    assert_eq!((ids("x").await, ids("y").await), (vec![7, 9, 21], vec![8, 20]));
}

pub async fn the_old_end_of_a_journal_can_be_forgotten(backend: &Backend) {
    let bench = backend.open().await;
    let mut commit = Commit::new();
    for id in 1..=10 {
        commit = commit.append("x", id, *b"-").append("y", id, *b"-");
    }
    bench.store.commit(commit).await.unwrap();
    let excess = async |rows, before, limit| bench.store.excess("x", Retention { rows, before }, limit).await.unwrap();
    assert_eq!(excess(Some(7), 0, 100).await, [1, 2, 3]);
    assert_eq!(excess(Some(7), 0, 2).await, [1, 2]);
    assert_eq!(excess(Some(7), 6, 100).await, [1, 2, 3, 4, 5]);
    assert_eq!(excess(None, 3, 100).await, [1, 2]);
    assert_eq!(excess(None, 0, 100).await, [0_u128; 0]);
    let forget = excess(Some(7), 0, 100).await.into_iter().fold(Commit::new(), |commit, id| commit.forget("x", id));
    bench.store.commit(forget.forget("x", 99).forget("nobody's", 1)).await.unwrap();
    assert_eq!(rows(&bench.store, "x").await.len(), 7);
    assert_eq!(rows(&bench.store, "y").await.len(), 10);
    let all = (1..=10).fold(Commit::new(), |commit, id| commit.forget("y", id));
    bench.store.commit(all).await.unwrap();
    assert_eq!(bench.store.journals().await.unwrap(), ["x"]);
}

pub async fn the_names_of_journals_are_found_among_many_rows(backend: &Backend) {
    let bench = backend.open().await;
    let mut commit = Commit::new();
    for (name, id) in [("b", 1), ("b", u128::MAX), ("a", 5), ("c", 0), ("", 4)] {
        commit = commit.append(name, id, *b"-");
    }
    bench.store.commit(commit).await.unwrap();
    assert_eq!(bench.store.journals().await.unwrap(), ["", "a", "b", "c"]);
}
