//! Users, their policies and their secrets.

use serde_json::Value;

use crate::Bench;

/// A user may do what its policies say; secrets are shown once, and can be replaced.
#[test]
fn users_have_policies_and_secrets_that_can_be_replaced() {
    let bench = Bench::start();
    let read = ["user", "create", "ann", "--policy", "VPC ReadOnlyAccess", "--save", "-o", "json"];
    let made = bench.run_all(&read).exits(0);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let key = text(&made.json()["access_key"]["access"]);
    assert!(text(&made.json()["user"]["password"]).len() >= 16, "{made:?}");
    assert!(made.err.contains("saved as profile `admin/ann`"), "{}", made.err);
    bench.run("--profile admin/ann vpc list").exits(0);
    let denied = bench.run("--profile admin/ann vpc create X --cidr 10.0.0.0/16").exits(6);
    assert!(denied.err.contains("Policy doesn't allow vpc:vpcs:create to be performed"), "{}", denied.err);

    let file = bench.home().join("policy.json");
    let policy = r#"{"Version": "1.1", "Statement": [{"Effect": "Allow", "Action": ["vpc:vpcs:create"]}]}"#;
    std::fs::write(&file, policy.replace("vpcs", "vcps")).unwrap();
    let file = file.to_str().unwrap();
    let wrong = bench.run_all(&["policy", "create", "makers", "-f", file]).exits(5);
    assert!(wrong.err.contains("there is no action `vpc:vcps:create`"), "{}", wrong.err);
    std::fs::write(file, policy).unwrap();
    bench.run_all(&["policy", "create", "makers", "-f", file]).exits(0);
    bench.run("policy attach makers ann --in region-1").exits(0);
    let had = bench.run("policy list --user ann").exits(0);
    assert!(had.out.contains("VPC ReadOnlyAccess") && had.out.contains("makers"), "{}", had.out);
    bench.run("--profile admin/ann vpc create X --cidr 10.0.0.0/16").exits(0);
    bench.run("--profile admin/ann --region region-2 vpc create Y --cidr 10.0.0.0/16").exits(6);
    bench.run("policy delete makers").exits(5);
    bench.run("policy detach makers ann --in region-1").exits(0);
    bench.run("policy delete makers").exits(0);
    bench.run("policy show makers").exits(4);

    let rotated = bench.run_all(&["access-key", "rotate", &key, "-o", "json"]).exits(0).json();
    assert_ne!(text(&rotated["access"]), key);
    bench.run("--profile admin/ann vpc list").exits(6);
    let keys = bench.run("access-key list --user ann -o json").exits(0).json();
    assert_eq!(keys.as_array().unwrap().len(), 1, "{keys}");
    assert!(keys[0].get("secret").is_none());

    bench.run("account create acct-b --save").exits(0);
    bench.run("--profile acct-b vpc list").exits(0);
    bench.run("account rotate acct-b").exits(0);
    bench.run("--profile acct-b vpc list").exits(6);
    bench.run("account rotate acct-b --save").exits(0);
    bench.run("--profile acct-b vpc list").exits(0);
    bench.run("user delete ann").exits(0);
    assert!(!bench.run("user list").exits(0).out.contains("ann"));
}
