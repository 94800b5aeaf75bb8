//! What reviewers should not have to say: which way crates depend on each other, sizes of files, words.

mod manifests;
mod sources;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};

/// Runs every check and fails with all findings.
pub fn run(root: &Path) -> Result<()> {
    let mut findings = Vec::new();
    manifests::check(root, &mut findings)?;
    sources::check(root, &mut findings)?;
    if findings.is_empty() {
        println!("tidy: nothing to say");
        return Ok(());
    }
    findings.sort();
    for finding in &findings {
        eprintln!("  {finding}");
    }
    bail!("{} findings", findings.len())
}

/// All files below `folder` with the extension, in order, without build output.
fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("listing {}", folder.display()))? {
            let entry = entry?;
            let path = entry.path();
            if entry.file_type()?.is_dir() {
                if !matches!(entry.file_name().to_str(), Some("target" | "node_modules" | ".git")) {
                    open.push(path);
                }
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}
