//! Which files the objects are made of, and the record of their hashes.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};

use super::OBJECTS;

/// The record, relative to the repository.
const RECORD: &str = "bpf/sources.sha256";

/// What the objects are made of: files, and folders taken whole.
const SOURCES: [&str; 8] = [
    "bpf/.cargo/config.toml",
    "bpf/Cargo.lock",
    "bpf/Cargo.toml",
    "bpf/src",
    "crates/abi/Cargo.toml",
    "crates/abi/src",
    "crates/pipeline/Cargo.toml",
    "crates/pipeline/src",
];

/// Writes the record of the files as they are.
pub fn record(root: &Path) -> Result<()> {
    let lines: String = hashes(root)?.iter().map(|(path, hash)| format!("{hash}  {path}\n")).collect();
    fs::write(root.join(RECORD), lines).with_context(|| format!("writing {RECORD}"))
}

/// One sentence for each file that is not as recorded.
pub fn differences(root: &Path) -> Result<Vec<String>> {
    let text = fs::read_to_string(root.join(RECORD)).with_context(|| format!("reading {RECORD}"))?;
    let recorded: BTreeMap<String, String> =
        text.lines().filter_map(|line| line.split_once("  ")).map(|(hash, path)| (path.into(), hash.into())).collect();
    let found = hashes(root)?;
    let mut differences = Vec::new();
    for (path, hash) in &found {
        match recorded.get(path) {
            None => differences.push(format!("{path}: new")),
            Some(was) if was != hash => differences.push(format!("{path}: changed")),
            Some(_) => {}
        }
    }
    differences.extend(recorded.keys().filter(|path| !found.contains_key(*path)).map(|path| format!("{path}: gone")));
    Ok(differences)
}

fn hashes(root: &Path) -> Result<BTreeMap<String, String>> {
    let objects = OBJECTS.iter().map(|object| format!("bpf/{}", object.file));
    files(root)?
        .into_iter()
        .chain(objects)
        .map(|path| {
            let bytes = fs::read(root.join(&path)).with_context(|| format!("reading {path}"))?;
            Ok((path, hex::encode(Sha256::digest(bytes))))
        })
        .collect()
}

/// All source files, relative to the repository; tests in files of their own do not reach the objects.
pub fn files(root: &Path) -> Result<Vec<String>> {
    let mut files = Vec::new();
    for source in SOURCES {
        collect(root, &PathBuf::from(source), &mut files)?;
    }
    files.sort();
    Ok(files)
}

fn collect(root: &Path, path: &Path, files: &mut Vec<String>) -> Result<()> {
    let full = root.join(path);
    if full.is_dir() {
        for entry in fs::read_dir(&full).with_context(|| format!("listing {}", path.display()))? {
            let name = entry?.file_name();
            if name != "tests" && name != "tests.rs" {
                collect(root, &path.join(name), files)?;
            }
        }
    } else {
        files.push(path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))?.to_owned());
    }
    Ok(())
}
