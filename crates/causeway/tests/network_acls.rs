//! Network ACLs and address groups through the whole binary: the command line, the second form of the API, and a
//! document that is applied again (rules ACL-1, ACL-3, ACL-8, SG-1).
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failure here is the failure of the test")]

mod common;

use std::process::Command;

use client::types::{NetworkAclFilter, Protocol, ServerFilter, Target, TraceRequest};
use client::{Client, Method};
use common::{TestServer, binary};
use serde_json::{Value, json};
use suite::{Document, Scenario};

const NETWORK: &str = "\
vpcs:
- {name: VPC-A, cidrs: [172.16.0.0/16]}
subnets:
- {name: Subnet-A01, vpc: VPC-A, cidr: 172.16.0.0/24}
- {name: Subnet-A02, vpc: VPC-A, cidr: 172.16.1.0/24}
workloads:
- {name: ECS-A01, subnet: Subnet-A01, ip: 172.16.0.11}
- {name: ECS-A02, subnet: Subnet-A02, ip: 172.16.1.11}
";

fn network(more: &str) -> Scenario {
    Document::parse(&format!("{NETWORK}{more}"), "a test").unwrap().scenarios.remove(0)
}

async fn id_of(client: &Client, name: &str) -> String {
    let filter = ServerFilter { name: Some(name.to_owned()), ..ServerFilter::default() };
    client.list_servers(&filter).await.unwrap().remove(0).id
}

/// Why a TCP packet from ECS-A01 to this port of ECS-A02 does not arrive; empty when it does.
async fn reason(client: &Client, port: u16) -> String {
    let to = Target::Server { server: id_of(client, "ECS-A02").await, family: None };
    let from = id_of(client, "ECS-A01").await;
    let question = TraceRequest { from, to, protocol: Protocol::Tcp, port: Some(port) };
    client.trace(&question).await.unwrap().verdict.reason.unwrap_or_default()
}

/// A command of the built binary against the server, with its arguments separated by spaces.
fn causeway(server: &TestServer, arguments: &str) -> (i32, String) {
    let credentials = server.credentials();
    let output = Command::new(binary())
        .args(arguments.split_whitespace())
        .env("HOME", server.data.path())
        .env("CAUSEWAY_RUN", server.data.path().join("run"))
        .env("CAUSEWAY_ENDPOINT", credentials.endpoint)
        .env("CAUSEWAY_ACCESS_KEY", credentials.access_key)
        .env("CAUSEWAY_SECRET_KEY", credentials.secret_key)
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

#[track_caller]
fn done(server: &TestServer, arguments: &str) -> String {
    let (code, text) = causeway(server, arguments);
    assert_eq!(code, 0, "{arguments}: {text}");
    text
}

/// ACL-1, ACL-3, ACL-8 with the commands of a user.
#[tokio::test(flavor = "multi_thread")]
async fn an_acl_is_managed_by_commands() {
    let server = TestServer::start("sim");
    server.apply(&network("")).await;
    let client = server.client();
    assert!(done(&server, "network-acl list").contains("NAME"));
    done(&server, "network-acl create acl-web --subnet Subnet-A02 --description guard");
    assert_eq!(reason(&client, 80).await, "network_acl", "no rules yet");
    done(&server, "address-group create clients 172.16.0.11 10.0.0.0/8");
    done(&server, "network-acl rule add acl-web ingress tcp --port 80-90 --source clients --name web");
    assert_eq!(reason(&client, 80).await, "");
    assert_eq!(reason(&client, 91).await, "network_acl");
    done(&server, "network-acl rule add acl-web ingress tcp --port 81 --action deny --name no-81");
    done(&server, "network-acl rule add acl-web ingress tcp --port 82 --action deny --name no-82 --last");
    assert_eq!(reason(&client, 81).await, "network_acl", "the newest rule goes in front");
    assert_eq!(reason(&client, 82).await, "", "the last one is asked last");
    done(&server, "network-acl rule add acl-web egress --destination 172.16.0.0/16");
    let shown: Value = serde_json::from_str(&done(&server, "network-acl show acl-web -o json")).unwrap();
    let names: Vec<&str> =
        shown["ingress_rules"].as_array().unwrap().iter().map(|rule| rule["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["no-81", "web", "no-82"]);
    let text = done(&server, "network-acl show acl-web");
    for part in ["Subnet-A02", "addresses clients", "80-90", "built in", "172.16.0.0/16"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(done(&server, "network-acl list").contains("Subnet-A02"));
    assert!(done(&server, "address-group show clients").contains("network ACL acl-web"));
    done(&server, "address-group update clients --address 10.0.0.0/8");
    assert_eq!(reason(&client, 80).await, "network_acl", "the address left the group");
    done(&server, "network-acl disable acl-web");
    assert_eq!(reason(&client, 81).await, "");
    done(&server, "network-acl enable acl-web");

    let (code, text) = causeway(&server, "network-acl show acl-wep");
    assert!(code != 0 && text.contains("did you mean `acl-web`?"), "{text}");
    let (code, text) = causeway(&server, "network-acl rule remove acl-web no-83");
    assert!(code != 0 && text.contains("no-8"), "{text}");
    let (code, text) = causeway(&server, "network-acl delete acl-web");
    assert!(code != 0 && text.contains("disassociate"), "{text}");
    let (code, text) = causeway(&server, "address-group delete clients");
    assert!(code != 0 && text.contains("acl-web"), "{text}");
    done(&server, "network-acl rule remove acl-web no-81 no-82");
    done(&server, "address-group delete clients --force");
    assert_eq!(client.list_network_acls(&NetworkAclFilter::default()).await.unwrap().len(), 1);
    done(&server, "network-acl disassociate acl-web Subnet-A02");
    assert_eq!(reason(&client, 91).await, "");
    done(&server, "network-acl associate acl-web Subnet-A02");
    assert_eq!(reason(&client, 80).await, "network_acl");
    done(&server, "network-acl delete acl-web --force");
    assert_eq!(reason(&client, 80).await, "");
    let (code, text) = causeway(&server, "address-group show clients");
    assert!(code != 0 && text.contains("no address group"), "{text}");
}

/// SG-1: the remote of a security group rule is an address group.
#[tokio::test(flavor = "multi_thread")]
async fn a_security_group_rule_follows_its_address_group() {
    let server = TestServer::start("sim");
    let groups = "security_groups:\n- {name: db, rules: [{dir: out}]}\n";
    let mut wanted = network(groups);
    wanted.workloads[1].sgs = Some(vec!["db".to_owned()]);
    server.apply(&wanted).await;
    let client = server.client();
    done(&server, "address-group create clients 172.16.0.10-172.16.0.12");
    done(&server, "security-group rule add db ingress tcp --port 5432 --remote-addresses clients");
    assert_eq!(reason(&client, 5432).await, "");
    assert!(done(&server, "security-group show db").contains("addresses clients"));
    done(&server, "address-group update clients --address 172.16.0.12");
    assert_eq!(reason(&client, 5432).await, "security_group");
    done(&server, "address-group update clients --address 172.16.0.0/28");
    assert_eq!(reason(&client, 5432).await, "");
    done(&server, "address-group delete clients --force");
    assert_eq!(reason(&client, 5432).await, "security_group");
}

/// ACL-3, api-vpc section 9.2: what is done in the v2.0 form is done to packets.
#[tokio::test(flavor = "multi_thread")]
async fn firewall_groups_policies_and_rules_take_effect() {
    let server = TestServer::start("sim");
    server.apply(&network("")).await;
    let client = server.client();
    let call = async |method: Method, path: &str, body: Value| {
        let path = format!("/v2.0/{path}");
        client.request(method, &path, &[], Some(&body)).await.unwrap()
    };
    let made = async |path: &str, root: &str, body: Value| {
        let answer = call(Method::POST, &format!("fwaas/{path}"), json!({ root: body })).await;
        answer[root]["id"].as_str().unwrap().to_owned()
    };
    let rule = async |action: &str, port: &str| {
        let body = json!({"action": action, "protocol": "tcp", "destination_port": port});
        made("firewall_rules", "firewall_rule", body).await
    };
    let (allow, deny) = (rule("allow", "80:90").await, rule("deny", "85").await);
    let policy = made("firewall_policies", "firewall_policy", json!({"firewall_rules": [allow]})).await;
    let subnet = client.list_subnets(&client::types::SubnetFilter::default()).await.unwrap();
    let subnet = subnet.into_iter().find(|subnet| subnet.name == "Subnet-A02").unwrap().id;
    let query = [("device_owner", "network:router_interface_distributed"), ("network_id", subnet.as_str())];
    let query: Vec<(String, String)> = query.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let ports = client.request(Method::GET, "/v2.0/ports", &query, None).await.unwrap();
    let port = ports["ports"][0]["id"].clone();
    assert_eq!(reason(&client, 91).await, "");
    let group = json!({"ingress_firewall_policy_id": policy, "ports": [port]});
    let group = made("firewall_groups", "firewall_group", group).await;
    assert_eq!((reason(&client, 85).await.as_str(), reason(&client, 91).await.as_str()), ("", "network_acl"));
    let policy = format!("fwaas/firewall_policies/{policy}");
    call(Method::PUT, &format!("{policy}/insert_rule"), json!({"firewall_rule_id": deny, "insert_after": allow})).await;
    assert_eq!(reason(&client, 85).await, "", "behind the rule that allows");
    call(Method::PUT, &format!("{policy}/remove_rule"), json!({"firewall_rule_id": deny})).await;
    call(Method::PUT, &format!("{policy}/insert_rule"), json!({"firewall_rule_id": deny, "insert_before": allow}))
        .await;
    assert_eq!((reason(&client, 85).await.as_str(), reason(&client, 84).await.as_str()), ("network_acl", ""));
    let change = json!({"firewall_rule": {"destination_port": "84", "source_ip_address": "172.16.0.11"}});
    call(Method::PUT, &format!("fwaas/firewall_rules/{deny}"), change).await;
    assert_eq!((reason(&client, 85).await.as_str(), reason(&client, 84).await.as_str()), ("", "network_acl"));
    let down = json!({"firewall_group": {"admin_state_up": false}});
    call(Method::PUT, &format!("fwaas/firewall_groups/{group}"), down).await;
    assert_eq!(reason(&client, 91).await, "", "ACL-8");
    let none = json!({"firewall_group": {"admin_state_up": true, "ports": []}});
    call(Method::PUT, &format!("fwaas/firewall_groups/{group}"), none).await;
    assert_eq!(reason(&client, 91).await, "", "it guards nothing");
}

/// Applying a document twice changes nothing the second time, also with network ACLs.
#[tokio::test(flavor = "multi_thread")]
async fn a_topology_with_network_acls_is_applied_once() {
    let server = TestServer::start("sim");
    let acls = "network_acls:\n- {name: acl, subnets: [Subnet-A02], rules: [\
        {dir: in, priority: 2, proto: tcp, source: 172.16.0.0/24, dport: \"80,443\"}, {dir: in, priority: 1, action: deny, \
        proto: tcp, dport: 443}, {dir: out, proto: icmp, destination: 172.16.0.11}]}\n";
    let wanted = network(acls);
    let (_, first) = server.apply(&wanted).await;
    assert!(first.changes.iter().any(|line| line.to_string().contains("network ACL acl")));
    let client = server.client();
    assert_eq!((reason(&client, 80).await.as_str(), reason(&client, 443).await.as_str()), ("", "network_acl"));
    let (_, second) = server.apply(&wanted).await;
    assert_eq!(second.changes, [], "nothing differs");

    let mut changed = wanted.clone();
    changed.network_acls[0].rules.remove(1);
    changed.network_acls[0].subnets.push("Subnet-A01".to_owned());
    let (_, third) = server.apply(&changed).await;
    assert_eq!(third.changes.len(), 2, "{:?}", third.changes);
    // Out of Subnet-A01 goes ICMP only now.
    assert_eq!(reason(&client, 443).await, "network_acl");
    changed.network_acls[0].subnets.remove(1);
    server.apply(&changed).await;
    assert_eq!(reason(&client, 443).await, "");
    changed.network_acls.clear();
    server.apply(&changed).await;
    assert_eq!(reason(&client, 22).await, "", "no subnet of the document is under an ACL");
}
