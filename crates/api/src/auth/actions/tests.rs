//! That the table is whole, and its words are what policies rest on.

use std::collections::BTreeSet;

use super::table::RULES;
use super::*;

/// Nothing is served that nobody has thought about, and no line is for something that is not served.
#[test]
fn every_operation_has_its_line() {
    let document: serde_json::Value = serde_json::from_str(&crate::document()).unwrap_or_default();
    let mut served = BTreeSet::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            if operation.get("security").is_some() {
                served.insert(format!("{} {path}", method.to_uppercase()));
            }
        }
    }
    let listed: BTreeSet<String> = RULES.iter().map(|rule| format!("{} {}", rule.method, rule.path)).collect();
    assert_eq!(listed.len(), RULES.len(), "a line is there twice");
    let missing: Vec<_> = served.difference(&listed).collect();
    assert!(missing.is_empty(), "operations without a line in actions.rs: {missing:#?}");
    let unserved: Vec<_> = listed.difference(&served).collect();
    assert!(unserved.is_empty(), "lines in actions.rs that nothing serves: {unserved:#?}");
}

/// Reading is called so: the built-in policies that only read rest on it.
#[test]
fn what_reads_is_called_get_or_list_and_what_writes_is_not() {
    for rule in RULES.iter().filter(|rule| !rule.action.is_empty()) {
        let parts: Vec<&str> = rule.action.split(':').collect();
        assert_eq!(parts.len(), 3, "{rule:?}");
        let reads = ["get", "list", "trace"].iter().any(|verb| parts[2].starts_with(verb));
        let only_asks = matches!(rule.path, "/causeway/v1/trace" | "/causeway/v1/reach")
            || ["/filter", "/count", "/resource_instances/action"].iter().any(|end| rule.path.ends_with(end));
        assert_eq!(reads, matches!(rule.method, "GET" | "HEAD") || only_asks, "{rule:?}");
        assert!(!rule.resource.is_empty(), "{rule:?}");
    }
}

#[test]
fn a_misspelt_action_is_found_out() {
    for good in ["vpc:vpcs:list", "vpc:*:get*", "VPC:x:y", "vpc:publicIps:create", "nat:x:y", "causeway:*:*"] {
        assert!(is_registered(good), "{good}");
    }
    for bad in ["vpc:vpc:list", "vpc:vpcs:lst", "iam:*:frob", "causeway:servers:reboot"] {
        assert!(!is_registered(bad), "{bad}");
    }
}
