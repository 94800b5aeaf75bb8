//! Sources: sizes, crate docs, names, words, where `unsafe` may stand.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};

/// A file longer than this has two subjects.
const MAX_LINES: usize = 600;

/// Crates that may say `unsafe`.
const UNSAFE: [&str; 3] = ["bpf/", "crates/datapath/", "crates/netlink/"];

/// Names that say nothing, at the end of a type's or module's name.
const EMPTY_NAMES: [&str; 6] = ["Manager", "Helper", "Helpers", "Util", "Utils", "utils"];

/// Text that belongs to a machine or a moment and not to the source.
const WORDS: [&str; 6] = [
    concat!("/wo", "rk/"),
    concat!("FIX", "ME"),
    concat!("XX", "X:"),
    concat!("HA", "CK"),
    concat!("TO", "DO"),
    concat!("lorem", " ipsum"),
];

pub fn check(root: &Path, findings: &mut Vec<String>) -> Result<()> {
    for folder in ["crates", "bpf", "xtask"] {
        for path in super::files(&root.join(folder), "rs")? {
            let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
            let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
            file(&name, &text, findings);
        }
    }
    Ok(())
}

fn file(name: &str, text: &str, findings: &mut Vec<String>) {
    let count = text.lines().count();
    if count > MAX_LINES {
        findings.push(format!("{name}: {count} lines, at most {MAX_LINES} have one subject"));
    }
    if name.ends_with("src/lib.rs") && !text.starts_with("//!") {
        findings.push(format!("{name}: no crate documentation"));
    }
    let unsafe_is_at_home = UNSAFE.iter().any(|folder| name.starts_with(folder));
    for (number, line) in text.lines().enumerate() {
        let at = format!("{name}:{}", number + 1);
        if let Some(word) = WORDS.iter().find(|word| line.contains(**word)) {
            findings.push(format!("{at}: says `{word}`"));
        }
        if let Some(defined) = definition(line)
            && EMPTY_NAMES.iter().any(|empty| defined.ends_with(empty))
        {
            findings.push(format!("{at}: `{defined}` does not say what it is"));
        }
        if line.trim_start().trim_start_matches("pub ").starts_with(concat!("fn ", "get_")) {
            findings.push(format!("{at}: accessors have no `{}` prefix", concat!("get", "_")));
        }
        if !unsafe_is_at_home && line.contains(concat!("allow(unsafe", "_code")) {
            findings.push(format!("{at}: unsafe code is at home in {}", UNSAFE.join(", ")));
        }
    }
}

/// The name that a line defines, if it defines a type or a module.
fn definition(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let line = line.strip_prefix("pub ").or_else(|| line.strip_prefix("pub(crate) ")).unwrap_or(line);
    let rest = ["struct ", "enum ", "trait ", "type ", "mod "].iter().find_map(|keyword| line.strip_prefix(keyword))?;
    rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(name: &str, text: &str) -> Vec<String> {
        let mut findings = Vec::new();
        file(name, text, &mut findings);
        findings
    }

    #[test]
    fn a_good_file_has_no_finding() {
        assert_eq!(findings("crates/model/src/lib.rs", "//! Docs.\npub struct Vpc;\n"), Vec::<String>::new());
    }

    #[test]
    fn names_that_say_nothing_are_found() {
        let text = concat!("pub struct Route", "Manager {\n}\nmod net_", "utils;\npub fn ", "get_route() {}\n");
        assert_eq!(findings("crates/model/src/route.rs", text).len(), 3);
    }

    #[test]
    fn long_files_and_missing_crate_docs_are_found() {
        assert_eq!(findings("crates/model/src/lib.rs", &"\n".repeat(MAX_LINES + 1)).len(), 2);
    }

    #[test]
    fn unsafe_code_outside_its_crates_is_found() {
        let text = concat!("#![allow(unsafe", "_code)]\n");
        assert_eq!(findings("crates/model/src/id.rs", text).len(), 1);
        assert_eq!(findings("crates/datapath/src/pod.rs", text).len(), 0);
    }
}
