//! Manifests: dependencies point down, versions stand in one place, what must stay out stays out.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context as _, Result};
use toml::{Table, Value};

/// Crates that are compiled for the kernel as well and so use nothing but this.
const KERNEL_CRATES: [(&str, &[&str]); 2] = [("abi", &["zerocopy"]), ("pipeline", &["abi", "zerocopy"])];

/// Crates that would bring a second TLS or crypto library.
const FORBIDDEN_PACKAGES: [&str; 3] = ["aws-lc-sys", "openssl-sys", "native-tls"];

pub fn check(root: &Path, findings: &mut Vec<String>) -> Result<()> {
    let workspace = fs::read_to_string(root.join("Cargo.toml")).context("reading Cargo.toml")?;
    let order = order(&workspace);
    for (name, rank) in &order {
        let manifest = format!("crates/{name}/Cargo.toml");
        let text = fs::read_to_string(root.join(&manifest)).with_context(|| format!("reading {manifest}"))?;
        let table: Table = text.parse().with_context(|| format!("parsing {manifest}"))?;
        for dependency in keys(&table, "dependencies") {
            if order.get(&dependency).is_some_and(|other| other >= rank) {
                findings.push(format!("{manifest}: the dependency on {dependency} points up"));
            }
        }
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            unshared(&table, section, &manifest, findings);
        }
        if table.get("lints").and_then(|lints| lints.get("workspace")) != Some(&Value::Boolean(true)) {
            findings.push(format!("{manifest}: does not take the lints of the workspace"));
        }
    }
    for (name, allowed) in KERNEL_CRATES {
        let manifest = format!("crates/{name}/Cargo.toml");
        let table: Table = fs::read_to_string(root.join(&manifest))?.parse()?;
        for dependency in keys(&table, "dependencies").iter().filter(|name| !allowed.contains(&name.as_str())) {
            findings.push(format!("{manifest}: {dependency} would be compiled for the kernel"));
        }
    }
    let lock = fs::read_to_string(root.join("Cargo.lock")).context("reading Cargo.lock")?;
    for package in FORBIDDEN_PACKAGES.iter().filter(|package| lock.contains(&format!("name = \"{package}\""))) {
        findings.push(format!("Cargo.lock: {package} is in the tree"));
    }
    documented(root, &workspace, findings)
}

/// Our crates by rank: the workspace's manifest lists them lowest layer first.
fn order(workspace: &str) -> BTreeMap<String, usize> {
    workspace
        .lines()
        .filter_map(|line| line.split_once(" = { path = \"crates/"))
        .enumerate()
        .map(|(rank, (name, _))| (name.to_owned(), rank))
        .collect()
}

/// Versions are written once, in the workspace.
fn unshared(table: &Table, section: &str, manifest: &str, findings: &mut Vec<String>) {
    let Some(Value::Table(dependencies)) = table.get(section) else { return };
    for (name, value) in dependencies {
        if value.get("workspace") != Some(&Value::Boolean(true)) {
            findings.push(format!("{manifest}: {name} does not say `workspace = true`"));
        }
    }
}

/// Every crate of others has its reason in the documents, once there is such a document.
fn documented(root: &Path, workspace: &str, findings: &mut Vec<String>) -> Result<()> {
    let Ok(document) = fs::read_to_string(root.join("docs/dependencies.md")) else { return Ok(()) };
    let table: Table = workspace.parse().context("parsing Cargo.toml")?;
    let shared = table.get("workspace").and_then(|workspace| workspace.get("dependencies"));
    for (name, value) in shared.and_then(Value::as_table).into_iter().flatten() {
        if value.get("path").is_none() && !document.contains(&format!("`{name}`")) {
            findings.push(format!("docs/dependencies.md: no reason for {name}"));
        }
    }
    Ok(())
}

fn keys(table: &Table, section: &str) -> Vec<String> {
    table.get(section).and_then(Value::as_table).map(|section| section.keys().cloned().collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_follow_the_lines_of_the_manifest() {
        let text = "[workspace.dependencies]\nabi = { path = \"crates/abi\" }\nserde = \"1\"\n\
                    api = { path = \"crates/api\", package = \"x-api\" }\n";
        assert_eq!(order(text), BTreeMap::from([("abi".to_owned(), 0), ("api".to_owned(), 1)]));
    }
}
