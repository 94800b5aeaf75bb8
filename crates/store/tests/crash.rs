//! `kill -9` at any instant: every acknowledged commit is there, nothing is half there, the file opens.
//!
//! The test runs itself again as a child that commits and prints what was acknowledged, kills it, and looks at the file.

#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use store::{Commit, Options, Revision, Snapshot, Store};

/// Holds the path of the store, for the child only.
const CHILD: &str = "CAUSEWAY_STORE_CRASH_CHILD";
const KILLS: u64 = 200;
const TASKS: u64 = 4;

fn options() -> Options {
    Options { keep_log: 500, ..Options::default() }
}

fn number(snapshot: &Snapshot, key: &str) -> u64 {
    snapshot.entry(key).map_or(0, |entry| std::str::from_utf8(&entry.value).unwrap().parse().unwrap())
}

/// The child: nothing to do when the tests are run as usual.
#[test]
fn child_commits_until_it_is_killed() {
    let Some(path) = std::env::var_os(CHILD) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Store::open(PathBuf::from(path), options()).await.unwrap();
        let snapshot = store.snapshot().await.unwrap();
        println!("\nopen {}", snapshot.revision);
        let mut tasks = tokio::task::JoinSet::new();
        for task in 0..TASKS {
            let start = number(&snapshot, &format!("left/{task}"));
            tasks.spawn(commit_forever(store.clone(), task, start));
        }
        tasks.join_all().await;
    });
}

/// Each commit writes a pair, one of 16 keys of some size, and takes another one away.
async fn commit_forever(store: Store, task: u64, start: u64) {
    for next in start + 1.. {
        let value = next.to_string();
        let commit = Commit::new()
            .put(format!("left/{task}"), value.as_bytes())
            .put(format!("data/{task}/{}", next % 16), vec![b'd'; usize::try_from(next % 700).unwrap()])
            .delete(format!("data/{task}/{}", (next + 5) % 16))
            .put(format!("right/{task}"), value.as_bytes());
        let revision = store.commit(commit).await.unwrap();
        // One write to the pipe: a line is there or not.
        std::io::stdout().lock().write_all(format!("done {task} {next} {revision}\n").as_bytes()).unwrap();
    }
}

/// What the child said before it died.
#[derive(Debug, Default)]
struct Acknowledged {
    opened: Option<Revision>,
    last: Revision,
    by_task: BTreeMap<u64, u64>,
}

/// Runs a child on the file, for `life` after its first acknowledgement (or after its start, if `early`).
fn run_child(path: &Path, life: Duration, early: bool) -> Acknowledged {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_commits_until_it_is_killed", "--nocapture", "--test-threads=1"])
        .env(CHILD, path)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (first, started) = std::sync::mpsc::channel();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let reader = std::thread::spawn(move || {
        let mut acknowledged = Acknowledged::default();
        for line in lines.map_while(Result::ok) {
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["open", revision] => acknowledged.opened = Some(Revision(revision.parse().unwrap())),
                ["done", task, number, revision] => {
                    acknowledged.by_task.insert(task.parse().unwrap(), number.parse().unwrap());
                    acknowledged.last = acknowledged.last.max(Revision(revision.parse().unwrap()));
                    let _ = first.send(());
                }
                _ => {}
            }
        }
        acknowledged
    });
    if !early && started.recv_timeout(Duration::from_secs(20)).is_err() {
        child.kill().unwrap();
        let output = child.wait_with_output().unwrap();
        panic!("child did not commit: {}", String::from_utf8_lossy(&output.stderr));
    }
    std::thread::sleep(life);
    child.kill().unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.code().is_none(), "child ended by itself: {}", String::from_utf8_lossy(&output.stderr));
    reader.join().unwrap()
}

/// Deterministic pseudo-random numbers (splitmix64): the instants differ from kill to kill.
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Opens the file and checks it against what was acknowledged and against its last known state.
async fn check(path: &Path, before: &Snapshot, acknowledged: &Acknowledged) -> Snapshot {
    let store = Store::open(path, options()).await.unwrap();
    let snapshot = store.snapshot().await.unwrap();
    assert!(snapshot.revision >= before.revision && snapshot.revision >= acknowledged.last);
    if let Some(opened) = acknowledged.opened {
        assert_eq!(opened, before.revision, "the child saw another state than the parent before");
    }

    for task in 0..TASKS {
        let left = number(&snapshot, &format!("left/{task}"));
        assert_eq!(left, number(&snapshot, &format!("right/{task}")), "half a commit");
        match acknowledged.by_task.get(&task) {
            // One commit of the task may have been on its way.
            Some(&last) => assert!(left == last || left == last + 1, "task {task}: acknowledged {last}, found {left}"),
            None => assert!(left - number(before, &format!("left/{task}")) <= 1),
        }
    }

    // The log tells the same story as the entries.
    if let Ok(mut watch) = store.watch(before.revision).await {
        let mut state: BTreeMap<String, (Revision, Arc<[u8]>)> = BTreeMap::new();
        state.extend(before.entries.iter().map(|e| (e.key.clone(), (e.mod_revision, Arc::clone(&e.value)))));
        while watch.position() < snapshot.revision {
            let expected = watch.position().next();
            let set = watch.next().await.unwrap();
            assert_eq!(set.revision, expected);
            for change in &set.changes {
                match &change.value {
                    Some(value) => state.insert(change.key.clone(), (set.revision, Arc::clone(value))),
                    None => state.remove(&change.key),
                };
            }
        }
        let found: BTreeMap<String, (Revision, Arc<[u8]>)> =
            snapshot.entries.iter().map(|e| (e.key.clone(), (e.mod_revision, Arc::clone(&e.value)))).collect();
        assert_eq!(state, found);
    }
    store.close().await.unwrap();
    snapshot
}

#[test]
fn every_acknowledged_commit_survives_kill_9() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    let mut snapshot = Snapshot::default();
    let mut seed = 1;
    let begin = Instant::now();
    for kill in 0..KILLS {
        // Some die while they open or create the file.
        let early = kill % 5 == 0;
        let life = Duration::from_micros(random(&mut seed) % 40_000);
        let acknowledged = run_child(&path, life, early);
        snapshot = runtime.block_on(check(&path, &snapshot, &acknowledged));
    }
    assert!(snapshot.revision > Revision(KILLS), "the children hardly committed anything");
    println!("{KILLS} kills, {} commits, {:?}", snapshot.revision, begin.elapsed());
}
