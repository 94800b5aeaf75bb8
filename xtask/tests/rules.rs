//! Every rule of the specification is named by a test.
//!
//! A test names a rule by its id as a whole word: in the test's name, its doc comment, a comment of an assertion, or
//! in the `rules:` list of a scenario. What cannot be tested yet stands in [`ELSEWHERE`] with the reason, and nothing
//! stays there that has a test.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failure here is the failure of the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Where rules are written down.
const SPECS: [&str; 2] = ["spec/behaviour.md", "spec/lifecycle.md"];

/// Folders with sources of tests.
const SOURCES: [&str; 4] = ["crates", "bench", "xtask", "tests"];

/// The project's own suite: its scenarios are tests, but for those that the Internet edge has to come for.
const SUITE: &str = "spec/topologies.yaml";

/// What a scenario that needs the Internet edge has.
const INTERNET_EDGE: [&str; 2] = [" eip: ", "\n  nat_gateways:"];

/// Rules without a test, and why.
const ELSEWHERE: [(&str, &str); 23] = [
    ("EIP-1", EDGE),
    ("EIP-2", EDGE),
    ("EIP-3", EDGE),
    ("EIP-4", EDGE),
    ("EIP-5", EDGE),
    ("EIP-6", EDGE),
    ("EIP-7", EDGE),
    ("EIP-8", EDGE),
    ("EXIT-3", EDGE),
    ("EXIT-4", EDGE),
    ("EXIT-5", EDGE),
    ("NAT-1", EDGE),
    ("NAT-2", EDGE),
    ("NAT-3", EDGE),
    ("NAT-4", EDGE),
    ("NAT-5", EDGE),
    ("NAT-6", EDGE),
    ("NAT-7", EDGE),
    ("NAT-8", EDGE),
    ("NH-5", EDGE),
    ("RT-2c", EDGE),
    ("RT-2d", EDGE),
    ("PEER-16", "a VPC cannot be shared yet"),
];

/// A reason of [`ELSEWHERE`].
const EDGE: &str = "elastic IPs and NAT gateways come with the Internet edge";

#[test]
fn every_rule_is_named_by_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let rules: BTreeSet<String> =
        SPECS.iter().flat_map(|spec| rule_ids(&fs::read_to_string(root.join(spec)).unwrap())).collect();
    assert!(rules.len() > 150, "only {} rules were found: has the specification another form now?", rules.len());
    let mut words = BTreeSet::new();
    let mut files = Vec::new();
    SOURCES.iter().for_each(|folder| collect(&root.join(folder), &mut files));
    for file in files.iter().filter(|file| !file.ends_with("xtask/tests/rules.rs")) {
        words_of(&test_text(file, &fs::read_to_string(file).unwrap()), &mut words);
    }
    words_of(&forwarded(&fs::read_to_string(root.join(SUITE)).unwrap()), &mut words);

    let elsewhere: BTreeMap<&str, &str> = ELSEWHERE.into_iter().collect();
    let unnamed: Vec<&String> =
        rules.iter().filter(|rule| !words.contains(*rule) && !elsewhere.contains_key(rule.as_str())).collect();
    assert!(unnamed.is_empty(), "rules that no test names: {unnamed:?}");
    let needless: Vec<&&str> =
        elsewhere.keys().filter(|rule| words.contains(**rule) || !rules.contains(**rule)).collect();
    assert!(needless.is_empty(), "ELSEWHERE lists rules that have a test or are none: {needless:?}");
}

/// The ids in the first column of a table, or at the start of a paragraph with a full stop behind.
fn rule_ids(spec: &str) -> Vec<String> {
    let first = |line: &str| match line.strip_prefix("| ") {
        Some(row) => row.split_once(" |").map(|(id, _)| id.to_owned()),
        None => line.split_once(". ").map(|(id, _)| id.to_owned()),
    };
    spec.lines().filter_map(first).filter(|id| is_rule(id)).collect()
}

/// Whether a word is the id of a rule: a name in capitals, a hyphen, a number, at most a letter behind.
fn is_rule(word: &str) -> bool {
    let Some((family, number)) = word.split_once('-') else { return false };
    let number = number.strip_suffix(|last: char| last.is_ascii_lowercase()).unwrap_or(number);
    family.starts_with(|first: char| first.is_ascii_uppercase())
        && family.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        && !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// The words that could be ids.
fn words_of(text: &str, words: &mut BTreeSet<String>) {
    let apart = |character: char| !(character.is_ascii_alphanumeric() || character == '-' || character == '_');
    words.extend(text.split(apart).filter(|word| is_rule(word)).map(str::to_owned));
}

/// All files below a folder, but for what builds leave.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with('.') || name == "target" || name == "__pycache__" || name == "node_modules" {
            continue;
        }
        if path.is_dir() {
            collect(&path, files);
        } else if ["rs", "py", "yaml"].iter().any(|extension| name.ends_with(&format!(".{extension}"))) {
            files.push(path);
        }
    }
}

/// The part of a source that is a test: everything in a folder or file `tests`, else what stands behind the attribute.
fn test_text(file: &Path, text: &str) -> String {
    let inside = file.components().any(|part| part.as_os_str() == "tests");
    if inside || file.file_stem().is_some_and(|stem| stem == "tests") {
        return text.to_owned();
    }
    text.split_once("#[cfg(test)]\nmod tests {").map(|(_, tests)| tests.to_owned()).unwrap_or_default()
}

/// The scenarios of a suite that need no Internet edge.
fn forwarded(suite: &str) -> String {
    let scenarios = suite.split("\n- id: ").skip(1);
    scenarios.filter(|scenario| !INTERNET_EDGE.iter().any(|key| scenario.contains(key))).collect::<Vec<_>>().join("\n")
}

#[test]
fn ids_are_found_where_rules_are_written() {
    let spec =
        "| id | rule |\n| NET-1 | A VPC (RT-9). |\n| RT-2a | Arriving. |\nNH-9. Deleting\nSee RT-4. More\n| no-1 | x |";
    assert_eq!(rule_ids(spec), ["NET-1", "RT-2a", "NH-9"]);
}

#[test]
fn a_rule_is_named_by_a_whole_word() {
    let mut words = BTreeSet::new();
    words_of("/// NET-1, RT-2a: V6-3. [ACL-4] X-NET-5 PEER-6x_y SG-7-8 vip-1 DIAG-", &mut words);
    assert_eq!(words.into_iter().collect::<Vec<_>>(), ["ACL-4", "NET-1", "RT-2a", "V6-3"]);
}

#[test]
fn only_tests_count() {
    let text = "//! NET-1\n#[cfg(test)]\nmod tests {\n // NET-2\n}";
    assert!(!test_text(Path::new("a/src/b.rs"), text).contains("NET-1"));
    assert!(test_text(Path::new("a/src/b.rs"), text).contains("NET-2"));
    assert!(test_text(Path::new("a/src/b/tests.rs"), text).contains("NET-1"));
    assert!(test_text(Path::new("a/tests/b.rs"), text).contains("NET-1"));
    let suite = "version: 1\n- id: a\n  rules: [NET-1]\n- id: b\n  rules: [EIP-1]\n  workloads:\n  - {name: x, eip: 198.51.100.1}\n";
    assert_eq!(forwarded(suite), "a\n  rules: [NET-1]");
}
