#![allow(clippy::unwrap_used, reason = "literals")]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn document(statements: Value) -> PolicyDocument {
    PolicyDocument::parse(&json!({"Version": "1.1", "Statement": statements})).unwrap()
}

fn ask(documents: &[PolicyDocument], action: &str, resource: &str, facts: &Facts) -> Decision {
    decide(documents, &AccessRequest { action, resource, facts })
}

const ANY: &str = "vpc:region-1:d:vpc:*";

/// api-iam §9.1: every rule of the form, each with the error that names it.
#[test]
fn a_document_that_is_not_well_formed_is_refused_where_it_is_wrong() {
    let allow = |more: Value| {
        let mut statement = json!({"Effect": "Allow", "Action": ["vpc:vpcs:list"]});
        statement.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"Version": "1.1", "Statement": [statement]})
    };
    let nine = vec![json!({"Effect": "Allow", "Action": ["vpc:*:*"]}); 9];
    let many = vec!["vpc:vpcs:list"; 101];
    let long: Vec<String> = (0..100).map(|i| format!("vpc:{}{i}:list", "x".repeat(70))).collect();
    let eleven: Value = (0..11).map(|i| (format!("g:K{i}"), json!(["x"]))).collect::<serde_json::Map<_, _>>().into();
    for (value, expected) in [
        (json!([]), "policy: an object is expected"),
        (json!({"Version": "1.1", "Statement": [], "Id": 1}), "policy: `Id` is not a member"),
        (json!({"Statement": []}), "Version: the text \"1.1\" is expected"),
        (json!({"Version": "1.0", "Statement": []}), "Version: `1.0` is not supported"),
        (json!({"Version": "1.1", "Statement": {}}), "Statement: an array of statements is expected"),
        (json!({"Version": "1.1", "Statement": []}), "Statement: 0 statements"),
        (json!({"Version": "1.1", "Statement": nine}), "Statement: 9 statements"),
        (allow(json!({"Sid": "x"})), "Statement[0]: `Sid` is not a member"),
        (allow(json!({"Effect": "Maybe"})), "Statement[0].Effect: `Maybe` is not an effect"),
        (allow(json!({"Effect": 1})), "Statement[0].Effect: Allow or Deny is expected"),
        (allow(json!({"NotAction": ["vpc:*:*"]})), "Statement[0]: Action and NotAction exclude"),
        (allow(json!({"Action": []})), "Statement[0].Action: 0 actions"),
        (allow(json!({"Action": many})), "Statement[0].Action: 101 actions"),
        (allow(json!({"Action": long})), "the policy has "),
        (allow(json!({"Action": "vpc:*:*"})), "Statement[0].Action: an array of actions is expected"),
        (allow(json!({"Action": ["VPC:vpcs:list"]})), "Statement[0].Action: `VPC:vpcs:list` is not an action"),
        (allow(json!({"Action": ["vpc:vpcs"]})), "Statement[0].Action: `vpc:vpcs` is not an action"),
        (allow(json!({"Action": ["vpc:vpcs:l!st"]})), "Statement[0].Action: `vpc:vpcs:l!st` is not an action"),
        (allow(json!({"Resource": []})), "Statement[0].Resource: 0 resources"),
        (allow(json!({"Resource": ["vpc:*:*:vpc"]})), "Statement[0].Resource: `vpc:*:*:vpc` is not a resource"),
        (allow(json!({"Condition": {}})), "Statement[0].Condition: 0 conditions"),
        (allow(json!({"Condition": {"StringEquals": eleven}})), "Statement[0].Condition: 11 conditions"),
        (allow(json!({"Condition": {"Equals": {"g:UserName": ["x"]}}})), "Statement[0].Condition.Equals: this is not"),
        (allow(json!({"Condition": {"Bool": {"user": ["true"]}}})), "Statement[0].Condition.Bool.user: this is not a"),
        (
            allow(json!({"Condition": {"Bool": {"g:MFAPresent": ["no"]}}})),
            "Statement[0].Condition.Bool.g:MFAPresent: `no`",
        ),
        (
            allow(json!({"Condition": {"IpAddress": {"g:SourceIp": ["x"]}}})),
            "Statement[0].Condition.IpAddress.g:Source",
        ),
        (allow(json!({"Condition": {"DateLessThan": {"g:CurrentTime": ["soon"]}}})), "Statement[0].Condition.DateLess"),
        (
            allow(json!({"Effect": "Deny", "Condition": {"StringEquals": {"g:ResourceTag/a": ["x"]}}})),
            "Statement[0].Condition.StringEquals.g:ResourceTag/a: this installation never knows this key",
        ),
    ] {
        let error = PolicyDocument::parse(&value).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{value}: {error}");
    }
}

#[test]
fn what_is_well_formed_is_kept_as_it_came() {
    let given = json!({"Version": "1.1", "Statement": [
        {"Effect": "Allow", "Action": ["vpc:peerings:*", "vpc:vpcs:list"], "Resource": ["vpc:*:*:vpc:*"],
         "Condition": {"StringEquals": {"g:ProjectName": ["region-a"]}}},
        {"Effect": "Deny", "NotAction": ["vpc:*:get"]},
    ]});
    let document = PolicyDocument::parse(&given).unwrap();
    assert_eq!(document.to_value(), given);
    let stored = serde_json::to_string(&document).unwrap();
    assert_eq!(serde_json::from_str::<PolicyDocument>(&stored).unwrap(), document);
    for builtin in builtins() {
        assert_eq!(PolicyDocument::parse(&builtin.document.to_value()).unwrap(), builtin.document, "{}", builtin.name);
    }
}

/// api-iam §9.1: wildcards in any part; the service counts as written, the rest in any case of letters.
#[test]
fn actions_match_part_by_part() {
    for (pattern, action, matches) in [
        ("vpc:vpcs:list", "vpc:vpcs:list", true),
        ("vpc:VPCS:List", "vpc:vpcs:list", true),
        ("vpc:*:get*", "vpc:routeTables:get", true),
        ("vpc:*:get*", "vpc:routeTables:update", false),
        ("*:*:*", "causeway:servers:create", true),
        ("vpc:route*:*", "vpc:routeTables:associate", true),
        ("vpc:route*:*", "vpc:peerings:get", false),
        ("v*c:*:*", "vpc:x:y", true),
        ("vpc:*:*", "eip:x:y", false),
    ] {
        assert_eq!(action_matches(pattern, action), matches, "{pattern} {action}");
    }
}

/// api-iam §9.3.
#[test]
fn a_denial_wins_then_a_permission_else_nothing_is_said() {
    let facts = Facts::new();
    let all = document(json!([{"Effect": "allow", "Action": ["vpc:*:*"]}]));
    let not_delete = document(json!([{"Effect": "DENY", "Action": ["vpc:*:delete"]}]));
    let only_reads = document(json!([{"Effect": "Deny", "NotAction": ["vpc:*:get", "vpc:*:list"]}]));
    assert_eq!(ask(&[], "vpc:vpcs:list", ANY, &facts), Decision::Unsaid);
    assert_eq!(ask(std::slice::from_ref(&all), "vpc:vpcs:delete", ANY, &facts), Decision::Allowed);
    assert_eq!(ask(std::slice::from_ref(&all), "iam:users:list", ANY, &facts), Decision::Unsaid);
    for order in [[all.clone(), not_delete.clone()], [not_delete, all.clone()]] {
        assert_eq!(ask(&order, "vpc:vpcs:delete", ANY, &facts), Decision::Denied);
        assert_eq!(ask(&order, "vpc:vpcs:update", ANY, &facts), Decision::Allowed);
    }
    let reads = [all, only_reads];
    assert_eq!(ask(&reads, "vpc:vpcs:list", ANY, &facts), Decision::Allowed);
    assert_eq!(ask(&reads, "vpc:vpcs:update", ANY, &facts), Decision::Denied);
}

#[test]
fn resources_narrow_a_statement() {
    let facts = Facts::new();
    let one = [document(json!([{"Effect": "Allow", "Action": ["vpc:*:*"], "Resource": ["vpc:region-1:*:vpc:v-1"]}]))];
    assert_eq!(ask(&one, "vpc:vpcs:get", "vpc:region-1:d:vpc:v-1", &facts), Decision::Allowed);
    assert_eq!(ask(&one, "vpc:vpcs:get", "vpc:region-1:d:vpc:v-2", &facts), Decision::Unsaid);
    assert_eq!(ask(&one, "vpc:vpcs:get", "vpc:region-2:d:vpc:v-1", &facts), Decision::Unsaid);
    // A call that is about no single object is covered by a wildcard only.
    assert_eq!(ask(&one, "vpc:vpcs:list", ANY, &facts), Decision::Unsaid);
    let wide = [document(json!([{"Effect": "Allow", "Action": ["vpc:*:*"], "Resource": ["vpc:*:*:vpc:*"]}]))];
    assert_eq!(ask(&wide, "vpc:vpcs:list", ANY, &facts), Decision::Allowed);
}

/// api-iam §9.2: every operator, what is like it and what is not, and a key that is missing.
#[test]
fn each_operator_holds_for_what_it_says() {
    for (operator, wanted, passes, fails) in [
        ("StringEquals", &["a", "b"][..], "b", "B"),
        ("StringNotEquals", &["a", "b"], "c", "b"),
        ("StringEqualsIgnoreCase", &["Ab"], "aB", "a"),
        ("StringNotEqualsIgnoreCase", &["Ab", "x"], "c", "ab"),
        ("StringMatch", &["region-?", "x*"], "region-1", "region-12"),
        ("StringNotMatch", &["r*", "x*"], "abc", "xyz"),
        ("StringStartWith", &["dev-"], "dev-1", "a-dev-"),
        ("StringNotStartWith", &["dev-", "test-"], "prod-1", "test-1"),
        ("StringEndWith", &["-a"], "x-a", "-ab"),
        ("StringNotEndWith", &["-a"], "b", "b-a"),
        ("NumberEquals", &["10"], "10.0", "11"),
        ("NumberNotEquals", &["10", "11"], "12", "11"),
        ("NumberLessThan", &["10"], "9", "10"),
        ("NumberLessThanEquals", &["10"], "10", "10.5"),
        ("NumberGreaterThan", &["10"], "11", "10"),
        ("NumberGreaterThanEquals", &["10"], "10", "9"),
        ("DateLessThan", &["2026-01-02T00:00:00Z"], "2026-01-01T23:59:59Z", "2026-01-02T00:00:00Z"),
        ("DateLessThanEquals", &["2026-01-02T00:00:00Z"], "2026-01-02T00:00:00Z", "2026-01-02T00:00:01Z"),
        ("DateGreaterThan", &["2026-01-02T00:00:00Z"], "2026-01-02T00:00:01Z", "2026-01-02T00:00:00Z"),
        ("DateGreaterThanEquals", &["2026-01-02T00:00:00Z"], "2026-01-02T01:00:00+01:00", "2026-01-01T00:00:00Z"),
        ("Bool", &["true"], "True", "false"),
        ("IpAddress", &["10.0.0.0/8", "fd00::/8"], "10.1.2.3", "11.0.0.1"),
        ("NotIpAddress", &["10.0.0.0/8", "192.168.0.1"], "192.168.0.2", "192.168.0.1"),
    ] {
        let wanted: Vec<String> = wanted.iter().map(|text| (*text).to_owned()).collect();
        let holds = |operator: &str, have: &[&str]| {
            let have: Vec<String> = have.iter().map(|text| (*text).to_owned()).collect();
            operator.parse::<Condition>().unwrap().holds(&have, &wanted)
        };
        assert!(holds(operator, &[passes]) && !holds(operator, &[fails]), "{operator}");
        assert!(!holds(operator, &[]) && holds(&format!("{operator}IfExists"), &[]), "{operator}: a missing key");
        assert!(!holds(&format!("{operator}IfExists"), &[fails]), "{operator}");
        let (any, all) = (format!("ForAnyValue:{operator}"), format!("ForAllValues:{operator}"));
        assert!(holds(&any, &[fails, passes]) && !holds(&any, &[fails]), "{any}");
        assert!(holds(&all, &[passes]) && !holds(&all, &[passes, fails]), "{all}");
    }
    let null = |wanted: &str, have: &[String]| "Null".parse::<Condition>().unwrap().holds(have, &[wanted.to_owned()]);
    assert!(
        null("true", &[])
            && !null("false", &[])
            && null("false", &["x".to_owned()])
            && !null("true", &["x".to_owned()])
    );
    for wrong in ["", "String", "ForSome:Bool", "NullIfExists", "stringequals"] {
        assert!(wrong.parse::<Condition>().is_err(), "{wrong}");
    }
}

/// api-iam §9.2: keys under an operator and operators are joined by AND.
#[test]
fn all_conditions_must_hold() {
    let policy = [document(json!([{"Effect": "Allow", "Action": ["vpc:*:*"], "Condition": {
        "StringEquals": {"g:ProjectName": ["region-1"], "g:UserName": ["ann", "bob"]},
        "IpAddress": {"g:SourceIp": ["10.0.0.0/8"]}}}]))];
    let facts = |project: &str, user: &str, ip: &str| {
        Facts::new().with("g:ProjectName", project).with("g:UserName", user).with("g:SourceIp", ip)
    };
    let ask = |facts: &Facts| ask(&policy, "vpc:vpcs:list", ANY, facts);
    assert_eq!(ask(&facts("region-1", "bob", "10.0.0.9")), Decision::Allowed);
    assert_eq!(ask(&facts("region-2", "bob", "10.0.0.9")), Decision::Unsaid);
    assert_eq!(ask(&facts("region-1", "eve", "10.0.0.9")), Decision::Unsaid);
    assert_eq!(ask(&facts("region-1", "bob", "11.0.0.9")), Decision::Unsaid);
    assert_eq!(ask(&Facts::new().with("g:ProjectName", "region-1")), Decision::Unsaid);
}

fn slow_match(pattern: &[char], text: &[char]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some(('*', rest)), _) => {
            slow_match(rest, text) || text.split_first().is_some_and(|(_, text)| slow_match(pattern, text))
        }
        (Some((p, rest)), Some((t, text))) => (p == t || *p == '?') && slow_match(rest, text),
        _ => false,
    }
}

proptest! {
    #[test]
    fn wildcards_match_as_their_definition_says(pattern in "[ab*?]{0,8}", text in "[ab]{0,8}") {
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        prop_assert_eq!(matches(&pattern, &text, true), slow_match(&chars(&pattern), &chars(&text)));
    }

    /// More denials never allow more, more permissions never allow less, and the order does not matter.
    #[test]
    fn decisions_are_monotonic(
        actions in proptest::collection::vec((any::<bool>(), "vpc:(\\*|a|b):(\\*|get|list)"), 0..6),
        extra in "vpc:(\\*|a|b):(\\*|get|list)",
        asked in "vpc:(a|b):(get|list)",
    ) {
        let statement = |allow: bool, action: &str| {
            document(json!([{"Effect": if allow { "Allow" } else { "Deny" }, "Action": [action]}]))
        };
        let documents: Vec<_> = actions.iter().map(|(allow, action)| statement(*allow, action)).collect();
        let with = |more: PolicyDocument| documents.iter().cloned().chain([more]).collect::<Vec<_>>();
        let facts = Facts::new();
        let before = ask(&documents, &asked, ANY, &facts);
        let reversed: Vec<_> = documents.iter().rev().cloned().collect();
        prop_assert_eq!(before, ask(&reversed, &asked, ANY, &facts));
        if before != Decision::Allowed {
            prop_assert_ne!(ask(&with(statement(false, &extra)), &asked, ANY, &facts), Decision::Allowed);
        }
        if before == Decision::Allowed {
            prop_assert_eq!(ask(&with(statement(true, &extra)), &asked, ANY, &facts), Decision::Allowed);
        }
    }
}
