//! What only the backend with a file promises: opening, refusing, keeping.

#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use redb::{Database, TableDefinition};
use store::{Commit, OpenError, Options, Revision, StorageError, Store, WatchError};
use tempfile::TempDir;

const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");

fn place() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    (directory, path)
}

async fn open(path: &Path) -> Result<Store, OpenError> {
    Store::open(path, Options::default()).await
}

/// A closed store with `commits` commits.
async fn filled(path: &Path, commits: usize) {
    let store = open(path).await.unwrap();
    for number in 0..commits {
        let commit =
            Commit::new().put(format!("key/{number}"), vec![b'v'; 300]).put("last", number.to_string().as_bytes());
        store.commit(commit).await.unwrap();
    }
    store.close().await.unwrap();
}

#[tokio::test]
async fn everything_is_there_when_opened_again() {
    let (_directory, path) = place();
    let store = open(&path).await.unwrap();
    for number in 0..20_u8 {
        store.commit(Commit::new().put(format!("k/{}", number % 7), [number]).delete("k/3")).await.unwrap();
    }
    let before = store.snapshot().await.unwrap();
    store.close().await.unwrap();

    let store = open(&path).await.unwrap();
    assert_eq!(store.snapshot().await.unwrap(), before);
    assert_eq!(store.revision(), Revision(20));
    let mut watch = store.watch(Revision::ZERO).await.unwrap();
    for expected in 1..=20 {
        assert_eq!(watch.next().await.unwrap().revision, Revision(expected));
    }
    assert_eq!(store.commit(Commit::new().put("new", *b"")).await.unwrap(), Revision(21));
    assert_eq!(watch.next().await.unwrap().revision, Revision(21));
}

#[tokio::test]
async fn dropping_the_store_releases_the_file() {
    let (_directory, path) = place();
    for expected in 1..=5 {
        let store = open(&path).await.unwrap();
        assert_eq!(store.commit(Commit::new().put("a", *b"")).await.unwrap(), Revision(expected));
    }
}

#[tokio::test]
async fn a_watch_does_not_keep_the_file_open() {
    let (_directory, path) = place();
    filled(&path, 3).await;
    let store = open(&path).await.unwrap();
    let mut watch = store.watch(Revision::ZERO).await.unwrap();
    drop(store);
    let again = open(&path).await.unwrap();
    // What it still had to read is in a file that is not its own any more.
    assert!(matches!(watch.next().await, Err(WatchError::Closed)));
    again.close().await.unwrap();
}

#[tokio::test]
async fn a_second_opening_says_who_has_the_file() {
    let (_directory, path) = place();
    let store = open(&path).await.unwrap();
    let error = open(&path).await.unwrap_err();
    assert!(matches!(&error, OpenError::AlreadyOpen { path: named } if *named == path), "{error}");
    store.close().await.unwrap();
    open(&path).await.unwrap();
}

#[tokio::test]
async fn a_closed_store_cannot_be_read() {
    let (_directory, path) = place();
    let store = open(&path).await.unwrap();
    store.close().await.unwrap();
    assert!(matches!(store.snapshot().await, Err(StorageError::Closed)));
}

#[tokio::test]
async fn only_the_owner_may_read_a_new_file() {
    let (_directory, path) = place();
    open(&path).await.unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn a_missing_directory_is_an_io_error() {
    let (directory, _) = place();
    let error = open(&directory.path().join("nowhere/store")).await.unwrap_err();
    assert!(matches!(error, OpenError::Io { .. }), "{error}");
    assert!(matches!(open(directory.path()).await, Err(OpenError::Io { .. })));
}

#[tokio::test]
async fn a_file_that_is_something_else_is_refused_and_left_alone() {
    let (_directory, path) = place();
    for text in ["x".to_owned(), "not a store, but a letter to my aunt\n".repeat(1000)] {
        std::fs::write(&path, &text).unwrap();
        let error = open(&path).await.unwrap_err();
        assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }
}

#[tokio::test]
async fn a_redb_file_of_another_program_is_refused() {
    let (_directory, path) = place();
    let table: TableDefinition<'_, u32, u32> = TableDefinition::new("theirs");
    let database = Database::create(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(table).unwrap().insert(1, 1).unwrap();
    transaction.commit().unwrap();
    drop(database);
    let error = open(&path).await.unwrap_err();
    assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}");
}

/// Changes one counter of a closed store.
fn set_counter(path: &Path, name: &str, value: Option<u64>) {
    let database = Database::open(path).unwrap();
    let transaction = database.begin_write().unwrap();
    {
        let mut meta = transaction.open_table(META).unwrap();
        match value {
            Some(value) => meta.insert(name, value).unwrap(),
            None => meta.remove(name).unwrap(),
        };
    }
    transaction.commit().unwrap();
}

#[tokio::test]
async fn a_newer_format_is_refused_and_named() {
    let (_directory, path) = place();
    filled(&path, 2).await;
    set_counter(&path, "format", Some(2));
    let error = open(&path).await.unwrap_err();
    assert!(matches!(error, OpenError::NewerFormat { found: 2, supported: 1, .. }), "{error:?}");
    set_counter(&path, "format", Some(1));
    assert_eq!(open(&path).await.unwrap().revision(), Revision(2));
}

#[tokio::test]
async fn counters_that_make_no_sense_are_damage() {
    let (_directory, path) = place();
    filled(&path, 2).await;
    for (name, wrong, right) in
        [("format", Some(0), 1), ("format", None, 1), ("revision", None, 2), ("compacted", Some(3), 0)]
    {
        set_counter(&path, name, wrong);
        let error = open(&path).await.unwrap_err();
        assert!(matches!(error, OpenError::Damaged { .. }), "{name}: {error:?}");
        set_counter(&path, name, Some(right));
    }
    open(&path).await.unwrap();
}

#[tokio::test]
async fn a_file_cut_short_is_damaged() {
    let (directory, path) = place();
    filled(&path, 60).await;
    let whole = std::fs::read(&path).unwrap();
    let cut = directory.path().join("cut");
    for length in [1, 100, 4096, whole.len() / 4, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&cut, &whole[..length]).unwrap();
        let error = open(&cut).await.unwrap_err();
        assert!(matches!(error, OpenError::Damaged { .. }), "{length} bytes: {error:?}");
    }
}

#[tokio::test]
async fn a_changed_page_is_noticed_or_does_not_matter() {
    let (directory, path) = place();
    filled(&path, 60).await;
    let store = open(&path).await.unwrap();
    let expected = store.snapshot().await.unwrap();
    store.close().await.unwrap();

    let whole = std::fs::read(&path).unwrap();
    let changed = directory.path().join("changed");
    let mut noticed = 0;
    for at in (0..whole.len()).step_by(whole.len() / 150) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x55;
        std::fs::write(&changed, &bytes).unwrap();
        match open(&changed).await {
            Err(OpenError::Damaged { .. }) => noticed += 1,
            Err(error) => panic!("byte {at}: {error:?}"),
            Ok(store) => assert_eq!(store.snapshot().await.unwrap(), expected, "byte {at}"),
        }
    }
    assert!(noticed > 5, "{noticed} of 150 changes were noticed");
}

#[tokio::test]
async fn an_interrupted_creation_is_finished_at_the_next_opening() {
    let (_directory, path) = place();
    std::fs::write(&path, b"").unwrap();
    assert_eq!(open(&path).await.unwrap().revision(), Revision::ZERO);
    std::fs::remove_file(&path).unwrap();
    drop(Database::create(&path).unwrap());
    assert_eq!(open(&path).await.unwrap().revision(), Revision::ZERO);
}

#[tokio::test]
async fn a_watch_reads_what_memory_no_longer_has_from_the_file() {
    let (_directory, path) = place();
    let store = open(&path).await.unwrap();
    // More than stays in memory and more than is read at once; some commits change nothing.
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..3000_u32 {
        let store = store.clone();
        let key = format!("k/{number}");
        let commit = if number % 5 == 0 { Commit::new().delete(key) } else { Commit::new().put(key, *b"v") };
        tasks.spawn(async move { store.commit(commit).await.unwrap() });
    }
    tasks.join_all().await;
    let mut watch = store.watch(Revision(10)).await.unwrap();
    let mut empty = 0;
    for expected in 11..=3000 {
        let set = watch.next().await.unwrap();
        assert_eq!(set.revision, Revision(expected));
        empty += u32::from(set.changes.is_empty());
    }
    assert!((590..=600).contains(&empty), "{empty}");
}

#[tokio::test]
async fn the_log_is_compacted_and_stays_so() {
    let (_directory, path) = place();
    let options = Options { keep_log: 16, ..Options::default() };
    let store = Store::open(&path, options.clone()).await.unwrap();
    for number in 0..100_u8 {
        store.commit(Commit::new().put("a", [number])).await.unwrap();
    }
    store.close().await.unwrap();
    let store = Store::open(&path, options).await.unwrap();
    let Err(WatchError::Compacted { compacted, .. }) = store.watch(Revision::ZERO).await else {
        panic!("a log of 16 does not go back by 100");
    };
    assert!((Revision(82)..=Revision(84)).contains(&compacted), "{compacted}");
    let mut watch = store.watch(compacted).await.unwrap();
    assert_eq!(watch.next().await.unwrap().revision, compacted.next());
}
