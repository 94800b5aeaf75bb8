//! Network ACLs on the wire, v2.0: firewall groups, policies and rules (api-vpc §9.2).

use serde_json::{Value, json};

use crate::fixture::{World, fields, id, ids, refused};

const NOWHERE: &str = "00000000-0000-4000-8000-000000000000";

async fn rule(world: &World, name: &str) -> String {
    let body = json!({"firewall_rule": {"name": name, "action": "allow"}});
    id(&world.a.post("/v2.0/fwaas/firewall_rules", body).await.expect(201)["firewall_rule"])
}

async fn policy(world: &World, rules: &[&str]) -> String {
    let body = json!({"firewall_policy": {"name": "policy", "firewall_rules": rules}});
    id(&world.a.post("/v2.0/fwaas/firewall_policies", body).await.expect(201)["firewall_policy"])
}

/// The names of the rules that v3 shows for one direction of an ACL.
async fn names(world: &World, acl: &str, direction: &str) -> String {
    let acl = world.a.get(&format!("/v3/{{p}}/vpc/firewalls/{acl}")).await.expect(200);
    let rules = acl["firewall"][direction].as_array().unwrap().clone();
    rules.iter().map(|rule| rule["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn groups_policies_and_rules_have_their_fields() {
    let world = World::new().await;
    let full = json!({"firewall_rule": {"name": "a name", "description": "d", "action": "deny", "protocol": "tcp",
        "source_port": "1:1024", "destination_port": 80, "ip_version": 4, "source_ip_address": "10.0.0.0/8",
        "destination_ip_address": "10.1.0.1", "enabled": false}});
    let made = world.a.post("/v2.0/fwaas/firewall_rules", full.clone()).await.expect(201)["firewall_rule"].clone();
    for (field, value) in full["firewall_rule"].as_object().unwrap() {
        let shown = made[field].as_str().map_or(made[field].to_string(), str::to_owned);
        assert_eq!(shown, value.as_str().map_or(value.to_string(), str::to_owned), "{field}");
    }
    assert_eq!((&made["tenant_id"], &made["public"]), (&json!(world.a.project), &json!(false)));
    let bare = world.a.post("/v2.0/fwaas/firewall_rules", json!({"firewall_rule": {}})).await.expect(201);
    let bare = &bare["firewall_rule"];
    assert_eq!((&bare["action"], &bare["protocol"], &bare["enabled"]), (&json!("deny"), &Value::Null, &json!(true)));

    let body = json!({"firewall_policy": {"name": "p", "audited": true, "firewall_rules": [id(&made), id(bare)]}});
    let policy = world.a.post("/v2.0/fwaas/firewall_policies", body).await.expect(201)["firewall_policy"].clone();
    assert_eq!(
        fields(&policy),
        ["audited", "description", "firewall_rules", "id", "name", "project_id", "public", "tenant_id"]
    );
    assert_eq!(policy["firewall_rules"], json!([id(&made), id(bare)]));
    let body = json!({"firewall_group": {"name": "g", "ingress_firewall_policy_id": id(&policy)}});
    let group = world.a.post("/v2.0/fwaas/firewall_groups", body).await.expect(201)["firewall_group"].clone();
    assert_eq!(
        fields(&group),
        [
            "admin_state_up",
            "created_at",
            "description",
            "egress_firewall_policy_id",
            "id",
            "ingress_firewall_policy_id",
            "name",
            "ports",
            "project_id",
            "public",
            "status",
            "tenant_id",
            "updated_at"
        ]
    );
    assert_eq!((&group["created_at"], &group["ports"]), (&json!("2026-01-02T03:04:05"), &json!([])));
    for (path, key, object) in [
        ("firewall_rules", "firewall_rule", &made),
        ("firewall_policies", "firewall_policy", &policy),
        ("firewall_groups", "firewall_group", &group),
    ] {
        let one = format!("/v2.0/fwaas/{path}/{}", id(object));
        assert_eq!(&world.a.get(&one).await.expect(200)[key], object);
        let list = world.a.get(&format!("/v2.0/fwaas/{path}?id={}", id(object))).await.expect(200);
        assert_eq!(list[path], json!([object]));
        let found = world.b.get(&one).await.refusal();
        assert_eq!((found.0, found.2.as_str()), (404, "not_found"));
    }
}

/// ACL-3: the second form works on the objects of the first.
#[tokio::test]
async fn a_policy_change_is_a_change_of_the_acl() {
    let world = World::new().await;
    let (a, b, c) = (rule(&world, "a").await, rule(&world, "b").await, rule(&world, "c").await);
    let policy = policy(&world, &[&a, &b]).await;
    let body = json!({"firewall_group": {"ingress_firewall_policy_id": policy, "egress_firewall_policy_id": policy}});
    let group = id(&world.a.post("/v2.0/fwaas/firewall_groups", body).await.expect(201)["firewall_group"]);
    assert_eq!(names(&world, &group, "ingress_rules").await, "ab");
    let insert = format!("/v2.0/fwaas/firewall_policies/{policy}/insert_rule");
    let body = json!({"firewall_rule_id": c, "insert_before": b, "insert_after": b});
    let answer = world.a.put(&insert, body.clone()).await.expect(200);
    assert_eq!((&answer["id"], &answer["firewall_rules"]), (&json!(policy), &json!([a, c, b])));
    assert_eq!(names(&world, &group, "egress_rules").await, "acb");
    let again = world.a.put(&insert, body).await.refusal();
    assert_eq!(again, refused(409, "FirewallRuleAlreadyAssociated", "rule_in_policy"));
    let remove = format!("/v2.0/fwaas/firewall_policies/{policy}/remove_rule");
    let answer = world.a.put(&remove, json!({"firewall_rule_id": a})).await.expect(200);
    assert_eq!(answer["firewall_rules"], json!([c, b]));
    let again = world.a.put(&remove, json!({"firewall_rule_id": a})).await.refusal();
    assert_eq!(again, refused(400, "FirewallRuleNotAssociatedWithPolicy", "rule_not_in_policy"));
    world.a.put(&insert, json!({"firewall_rule_id": a, "insert_after": c, "insert_before": ""})).await.expect(200);
    let change = json!({"firewall_rule": {"name": "x", "destination_ip_address": null}});
    world.a.put(&format!("/v2.0/fwaas/firewall_rules/{b}"), change).await.expect(200);
    assert_eq!(names(&world, &group, "ingress_rules").await, "cax");

    let busy = world.a.delete(&format!("/v2.0/fwaas/firewall_policies/{policy}")).await.refusal();
    assert_eq!(busy, refused(409, "FirewallPolicyInUse", "network_acl_policy_in_use"));
    let busy = world.a.delete(&format!("/v2.0/fwaas/firewall_rules/{a}")).await.refusal();
    assert_eq!(busy, refused(409, "FirewallRuleInUse", "network_acl_rule_in_use"));
    world.a.delete(&format!("/v2.0/fwaas/firewall_groups/{group}")).await.expect(204);
    world.a.delete(&format!("/v2.0/fwaas/firewall_policies/{policy}")).await.expect(204);
    world.a.delete(&format!("/v2.0/fwaas/firewall_rules/{a}")).await.expect(204);
}

/// api-vpc §9: what v3 makes is there in v2.0 as well.
#[tokio::test]
async fn a_firewall_of_v3_is_a_group_with_policies() {
    let world = World::new().await;
    let acl = id(&world.a.post("/v3/{p}/vpc/firewalls", json!({"firewall": {}})).await.expect(201)["firewall"]);
    let rules = json!({"firewall": {"egress_rules": [{"name": "r", "action": "allow", "protocol": "udp",
        "ip_version": 4, "destination_port": "53,123"}]}});
    world.a.put(&format!("/v3/{{p}}/vpc/firewalls/{acl}/insert-rules"), rules).await.expect(200);
    let group = world.a.get(&format!("/v2.0/fwaas/firewall_groups/{acl}")).await.expect(200)["firewall_group"].clone();
    assert_eq!(group["ingress_firewall_policy_id"], Value::Null);
    let policy = group["egress_firewall_policy_id"].as_str().unwrap();
    let policy = world.a.get(&format!("/v2.0/fwaas/firewall_policies/{policy}")).await.expect(200);
    let policy = &policy["firewall_policy"];
    let rule = policy["firewall_rules"][0].as_str().unwrap();
    let rule = world.a.get(&format!("/v2.0/fwaas/firewall_rules/{rule}")).await.expect(200)["firewall_rule"].clone();
    assert_eq!((&rule["name"], &rule["destination_port"]), (&json!("r"), &json!("53,123")));
    world
        .a
        .put(
            &format!("/v2.0/fwaas/firewall_policies/{}/remove_rule", id(policy)),
            json!({"firewall_rule_id": id(&rule)}),
        )
        .await
        .expect(200);
    assert_eq!(names(&world, &acl, "egress_rules").await, "");
    let off = json!({"firewall_group": {"egress_firewall_policy_id": null, "name": "with spaces"}});
    let changed = world.a.put(&format!("/v2.0/fwaas/firewall_groups/{acl}"), off).await.expect(200);
    assert_eq!(changed["firewall_group"]["egress_firewall_policy_id"], Value::Null);
    assert_eq!(changed["firewall_group"]["name"], "with spaces");
}

/// ACL-1: subnets are named by their router interfaces here.
#[tokio::test]
async fn ports_of_a_group_are_the_router_interfaces_of_its_subnets() {
    let world = World::new().await;
    let vpc = world.a.vpc("VPC-A", "172.16.0.0/16").await;
    let subnet = world.a.subnet(&vpc, "s", "172.16.0.0/24").await;
    let acl = id(&world.a.post("/v3/{p}/vpc/firewalls", json!({"firewall": {}})).await.expect(201)["firewall"]);
    let body = json!({"subnets": [{"virsubnet_id": subnet}]});
    world.a.put(&format!("/v3/{{p}}/vpc/firewalls/{acl}/associate-subnets"), body).await.expect(200);
    let path = format!("/v2.0/fwaas/firewall_groups/{acl}");
    let group = world.a.get(&path).await.expect(200)["firewall_group"].clone();
    let query = format!("/v2.0/ports?device_owner=network:router_interface_distributed&network_id={subnet}");
    let interfaces = world.a.get(&query).await.expect(200)["ports"].clone();
    assert_eq!(group["ports"], json!(ids(&interfaces)));
    let (interface, status) = (&interfaces[0], &group["status"]);
    assert_eq!((&interface["device_id"], status), (&json!(vpc), &json!("ACTIVE")));
    assert_eq!(interface["fixed_ips"][0]["ip_address"], "172.16.0.1");
    let shown = world.a.get(&format!("/v2.0/ports/{}", id(interface))).await.expect(200);
    assert_eq!(&shown["port"], interface);
    let foreign = world.b.get(&format!("/v2.0/ports/{}", id(interface))).await.refusal();
    assert_eq!(foreign, refused(404, "PortNotFound", "not_found"));
    assert!(world.a.get("/v2.0/ports").await.expect(200)["ports"].as_array().unwrap().is_empty());
    let busy = world.a.delete(&path).await.refusal();
    assert_eq!(busy, refused(409, "FirewallGroupInUse", "network_acl_in_use"));
    let other = json!({"firewall_group": {"ports": group["ports"]}});
    let taken = world.a.post("/v2.0/fwaas/firewall_groups", other.clone()).await.refusal();
    assert_eq!(taken, refused(409, "FirewallGroupPortInUse", "subnet_has_network_acl"));
    let none = world.a.put(&path, json!({"firewall_group": {"ports": []}})).await.expect(200);
    assert_eq!(none["firewall_group"]["ports"], json!([]));
    let made = world.a.post("/v2.0/fwaas/firewall_groups", other).await.expect(201)["firewall_group"].clone();
    let v3 = world.a.get(&format!("/v3/{{p}}/vpc/firewalls/{}", id(&made))).await.expect(200);
    assert_eq!(v3["firewall"]["associations"], json!([{"virsubnet_id": subnet}]));
    let nowhere = world.a.put(&path, json!({"firewall_group": {"ports": [NOWHERE]}})).await.refusal();
    assert_eq!(nowhere, refused(404, "SubnetNotFound", "not_found"));
}

#[tokio::test]
async fn wrong_bodies_are_refused_in_neutrons_words() {
    let world = World::new().await;
    let (r, policy) = (rule(&world, "r").await, policy(&world, &[]).await);
    for (change, internal) in [
        (json!({"action": "reject"}), "invalid_request"),
        (json!({"protocol": "htpp"}), "invalid_request"),
        (json!({"protocol": "tcp", "destination_port": "80-90"}), "invalid_request"),
        (json!({"protocol": "tcp", "source_port": "90:80"}), "invalid_request"),
        (json!({"destination_port": "80"}), "invalid_parameter"),
        (json!({"ip_version": 6, "source_ip_address": "10.0.0.1"}), "invalid_parameter"),
        (json!({"public": true}), "not_supported"),
        (json!({"source_address_group_id": NOWHERE}), "not_supported"),
        (json!({"name": "n".repeat(256)}), "invalid_name"),
    ] {
        let body = json!({"firewall_rule": change});
        let made = world.a.post("/v2.0/fwaas/firewall_rules", body.clone()).await.refusal();
        assert_eq!(made, refused(400, "InvalidInput", internal), "{change}");
        let changed = world.a.put(&format!("/v2.0/fwaas/firewall_rules/{r}"), body).await.refusal();
        assert_eq!(changed, refused(400, "InvalidInput", internal), "{change}");
    }
    let reply =
        world.a.post("/v2.0/fwaas/firewall_policies", json!({"firewall_policy": {"firewall_rules": [NOWHERE]}}));
    assert_eq!(reply.await.refusal(), refused(404, "FirewallRuleNotFound", "not_found"));
    let reply = world.a.post("/v2.0/fwaas/firewall_policies", json!({"firewall_policy": {"firewall_rules": [r, r]}}));
    assert_eq!(reply.await.refusal(), refused(400, "InvalidInput", "invalid_parameter"));
    let body = json!({"firewall_group": {"ingress_firewall_policy_id": NOWHERE}});
    let reply = world.a.post("/v2.0/fwaas/firewall_groups", body).await;
    assert_eq!(reply.refusal(), refused(404, "FirewallPolicyNotFound", "not_found"));
    let insert = format!("/v2.0/fwaas/firewall_policies/{policy}/insert_rule");
    assert_eq!(world.a.put(&insert, json!({})).await.refusal(), refused(400, "InvalidInput", "invalid_request"));
    let reply = world.a.put(&insert, json!({"firewall_rule_id": r, "insert_before": NOWHERE})).await;
    assert_eq!(reply.refusal(), refused(400, "FirewallRuleNotAssociatedWithPolicy", "rule_not_in_policy"));
    for (path, kind) in [
        ("firewall_groups", "FirewallGroupNotFound"),
        ("firewall_policies", "FirewallPolicyNotFound"),
        ("firewall_rules", "FirewallRuleNotFound"),
    ] {
        for missing in [NOWHERE, "x"] {
            let reply = world.a.get(&format!("/v2.0/fwaas/{path}/{missing}")).await;
            assert_eq!(reply.refusal(), refused(404, kind, "not_found"), "{path}");
        }
    }
}

/// api-vpc §0.4.
#[tokio::test]
async fn lists_have_links_to_their_pages() {
    let world = World::new().await;
    let mut made = Vec::new();
    for name in ["a", "b", "c"] {
        made.push(rule(&world, name).await);
    }
    made.sort_unstable();
    let page = world.a.get("/v2.0/fwaas/firewall_rules?limit=2").await.expect(200);
    assert_eq!(ids(&page["firewall_rules"]), made[..2]);
    let next = page["firewall_rules_links"][0]["marker"].as_str().unwrap();
    let page = world.a.get(&format!("/v2.0/fwaas/firewall_rules?limit=2&marker={next}")).await.expect(200);
    assert_eq!(ids(&page["firewall_rules"]), made[2..]);
    let found = world.a.get("/v2.0/fwaas/firewall_rules?name=b&action=allow&enabled=True").await.expect(200);
    assert_eq!(ids(&found["firewall_rules"]).len(), 1);
}
