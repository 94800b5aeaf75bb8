//! Security groups and rules on the wire (api-vpc §8).

use serde_json::{Value, json};

use crate::fixture::{World, fields, id, ids, refused};

/// clients §6, trap 20; api-vpc §8.1: four default rules with priority 100.
#[tokio::test]
async fn a_group_has_three_views_and_four_rules() {
    let world = World::new().await;
    let reply = world
        .a
        .post("/v3/{p}/vpc/security-groups", json!({"security_group": {"name": "sg", "description": "d"}}))
        .await;
    let group = reply.expect(201)["security_group"].clone();
    let rules = group["security_group_rules"].as_array().unwrap();
    assert_eq!(rules.len(), 4);
    assert!(
        rules.iter().all(|rule| rule["priority"] == 100 && rule["action"] == "allow" && rule["protocol"].is_null())
    );
    assert_eq!(rules.iter().filter(|rule| rule["remote_group_id"] == group["id"]).count(), 2);
    assert_eq!(group["created_at"], "2026-01-02T03:04:05Z");

    let v1 =
        world.a.get(&format!("/v1/{{p}}/security-groups/{}", id(&group))).await.expect(200)["security_group"].clone();
    assert_eq!(fields(&v1), ["description", "enterprise_project_id", "id", "name", "security_group_rules", "vpc_id"]);
    let v2 = world.a.get(&format!("/v2.0/security-groups/{}", id(&group))).await.expect(200)["security_group"].clone();
    assert_eq!(v2["created_at"], "2026-01-02T03:04:05");
    assert_eq!(v2["tenant_id"], world.a.project);
    let item = world.a.get("/v3/{p}/vpc/security-groups?name=sg").await.expect(200)["security_groups"][0].clone();
    assert!(item.get("security_group_rules").is_none() && item["tags"] == json!([]));
    let path = format!("/v2.0/security-groups/{}", id(&group));
    let renamed = world.a.put(&path, json!({"security_group": {"name": "new"}})).await.expect(200);
    assert_eq!(renamed["security_group"]["name"], "new");
    let v3 = format!("/v3/{{p}}/vpc/security-groups/{}", id(&group));
    let renamed = world.a.put(&v3, json!({"security_group": {"description": "x"}})).await.expect(200);
    assert_eq!(renamed["security_group"]["description"], "x");
    for rule in ids(&group["security_group_rules"]) {
        world.a.delete(&format!("/v3/{{p}}/vpc/security-group-rules/{rule}")).await.expect(204);
    }
    assert_eq!(world.a.get(&v3).await.expect(200)["security_group"]["security_group_rules"], json!([]));
    world.a.delete(&format!("/v1/{{p}}/security-groups/{}", id(&group))).await.expect(204);
    assert_eq!(
        world.a.get(&format!("/v1/{{p}}/security-groups/{}", id(&group))).await.refusal(),
        refused(404, "VPC.0603", "not_found")
    );
    assert_eq!(world.a.get(&v3).await.refusal(), refused(404, "VPC.2204", "not_found"));
    assert_eq!(world.a.get(&path).await.refusal(), refused(404, "SecurityGroupNotFound", "not_found"));
}

async fn group(world: &World) -> String {
    let reply = world.a.post("/v1/{p}/security-groups", json!({"security_group": {"name": "sg"}})).await;
    id(&reply.expect(200)["security_group"])
}

/// api-vpc §8.2, the cross-family view; clients §6, trap 28.
#[tokio::test]
async fn ports_of_a_rule_are_spelled_by_family() {
    let world = World::new().await;
    let sg = group(&world).await;
    let rule = |extra: Value| {
        let mut rule = json!({"security_group_id": sg, "direction": "ingress", "protocol": "tcp"});
        rule.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        json!({"security_group_rule": rule})
    };
    for (given, multiport, min, max) in [
        (json!({"multiport": "80"}), json!("80"), json!(80), json!(80)),
        (json!({"multiport": "1-30"}), json!("1-30"), json!(1), json!(30)),
        (json!({"multiport": "22,3389,80"}), json!("22,3389,80"), Value::Null, Value::Null),
        (json!({"multiport": 443}), json!("443"), json!(443), json!(443)),
    ] {
        let made = world.a.post("/v3/{p}/vpc/security-group-rules", rule(given)).await.expect(201);
        let v3 = &made["security_group_rule"];
        assert_eq!((&v3["multiport"], &v3["priority"]), (&multiport, &json!(1)));
        let v1 = world.a.get(&format!("/v1/{{p}}/security-group-rules/{}", id(v3))).await.expect(200);
        let v1 = &v1["security_group_rule"];
        assert_eq!((&v1["port_range_min"], &v1["port_range_max"]), (&min, &max));
    }
    let v1 = rule(json!({"port_range_min": "8080", "port_range_max": 8081, "remote_ip_prefix": "10.0.0.7/24"}));
    let made = world.a.post("/v1/{p}/security-group-rules", v1).await.expect(200)["security_group_rule"].clone();
    assert_eq!(made["remote_ip_prefix"], "10.0.0.0/24");
    let v3 = world.a.get(&format!("/v3/{{p}}/vpc/security-group-rules/{}", id(&made))).await.expect(200);
    assert_eq!(v3["security_group_rule"]["multiport"], "8080-8081");
    let icmp = json!({"security_group_rule": {"security_group_id": sg, "direction": "ingress", "protocol": "icmp",
        "port_range_min": 8, "port_range_max": 0}});
    let made = world.a.post("/v2.0/security-group-rules", icmp).await.expect(201)["security_group_rule"].clone();
    assert_eq!((&made["port_range_min"], &made["port_range_max"]), (&json!(8), &json!(0)));
    assert_eq!(made["created_at"], "2026-01-02T03:04:05");
    let v3 = world.a.get(&format!("/v3/{{p}}/vpc/security-group-rules/{}", id(&made))).await.expect(200);
    assert_eq!(v3["security_group_rule"]["multiport"], Value::Null);
    let v6 = rule(json!({"ethertype": "IPv6", "remote_ip_prefix": "2001:558:FC00::/39"}));
    let made = world.a.post("/v3/{p}/vpc/security-group-rules", v6).await.expect(201);
    assert_eq!(made["security_group_rule"]["remote_ip_prefix"], "2001:558:fc00::/39");
}

#[tokio::test]
async fn rules_are_checked() {
    let world = World::new().await;
    let sg = group(&world).await;
    let good = json!({"security_group_id": sg, "direction": "ingress", "protocol": "tcp", "multiport": "80"});
    let post = async |change: Value| {
        let mut rule = good.clone();
        rule.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        world.a.post("/v3/{p}/vpc/security-group-rules", json!({"security_group_rule": rule})).await
    };
    for (change, internal) in [
        (json!({"direction": "up"}), "invalid_request"),
        (json!({"direction": null}), "invalid_request"),
        (json!({"protocol": "htpp"}), "invalid_request"),
        (json!({"multiport": "0"}), "invalid_request"),
        (json!({"priority": 101}), "invalid_request"),
        (json!({"action": "maybe"}), "invalid_request"),
        (json!({"remote_ip_prefix": "nowhere"}), "invalid_cidr"),
        (json!({"remote_ip_prefix": "10.0.0.0/8", "remote_group_id": sg}), "invalid_request"),
    ] {
        assert_eq!(post(change.clone()).await.refusal(), refused(400, "VPC.0601", internal), "{change}");
    }
    post(json!({"priority": "50"})).await.expect(201);
    assert_eq!(post(json!({"priority": 50})).await.refusal(), refused(409, "VPC.0602", "rule_exists"));
    let missing = "00000000-0000-4000-8000-000000000000";
    // 404 would mean that v3 has no such rules.
    for nowhere in [json!({"security_group_id": missing}), json!({"priority": 2, "remote_group_id": missing})] {
        assert_eq!(post(nowhere.clone()).await.refusal(), refused(400, "VPC.0601", "not_found"), "{nowhere}");
    }
    let v1 = json!({"security_group_rule": {"security_group_id": missing, "direction": "ingress"}});
    let v1 = world.a.post("/v1/{p}/security-group-rules", v1).await;
    assert_eq!(v1.refusal(), refused(404, "VPC.0603", "not_found"));
    let v1 = world.a.get(&format!("/v1/{{p}}/security-group-rules/{missing}")).await;
    assert_eq!(v1.refusal(), refused(404, "VPC.0603", "not_found"));
    let v2 = world.a.delete(&format!("/v2.0/security-group-rules/{missing}")).await;
    assert_eq!(v2.refusal(), refused(404, "SecurityGroupRuleNotFound", "not_found"));
}

#[tokio::test]
async fn rules_are_filtered_and_made_in_batches() {
    let world = World::new().await;
    let sg = group(&world).await;
    let batch = json!({"ignore_duplicate": true, "security_group_rules": [
        {"direction": "ingress", "protocol": "udp", "multiport": "53", "action": "deny", "priority": 5},
        {"direction": "ingress", "protocol": "udp", "multiport": "53", "action": "deny", "priority": 5},
        {"direction": "egress", "protocol": "tcp", "multiport": "443"}]});
    let path = format!("/v3/{{p}}/vpc/security-groups/{sg}/security-group-rules/batch-create");
    let made = world.a.post(&path, batch).await.expect(201);
    assert_eq!(made["security_group_rules"].as_array().unwrap().len(), 2);
    let find = async |query: &str| {
        let list = world.a.get(&format!("/v3/{{p}}/vpc/security-group-rules?security_group_id={sg}&{query}")).await;
        ids(&list.expect(200)["security_group_rules"]).len()
    };
    assert_eq!(find("").await, 6);
    assert_eq!(find("action=deny").await, 1);
    assert_eq!(find("priority=5,1").await, 2);
    assert_eq!(find("protocol=udp&protocol=tcp").await, 2);
    assert_eq!(find("direction=egress&ethertype=IPv4").await, 2);
    let v1 = world.a.get(&format!("/v1/{{p}}/security-group-rules?security_group_id={sg}")).await.expect(200);
    assert_eq!(ids(&v1["security_group_rules"]).len(), 6);
}

/// The group is the path's: without it there is no such object. What the rules name is a wrong field.
#[tokio::test]
async fn a_batch_is_rehearsed_and_says_which_group_is_missing() {
    let world = World::new().await;
    let sg = group(&world).await;
    let path = |group: &str| format!("/v3/{{p}}/vpc/security-groups/{group}/security-group-rules/batch-create");
    let batch = |dry_run: bool, rule: Value| json!({"dry_run": dry_run, "security_group_rules": [rule]});
    let web = json!({"direction": "ingress", "protocol": "tcp", "multiport": "80"});
    let reply = world.a.post(&path(&sg), batch(true, web.clone())).await;
    assert_eq!(fields(&reply.expect(202)), ["request_id"]);
    let rules = world.a.get(&format!("/v3/{{p}}/vpc/security-groups/{sg}")).await.expect(200);
    assert_eq!(ids(&rules["security_group"]["security_group_rules"]).len(), 4);
    let missing = "00000000-0000-4000-8000-000000000000";
    for dry_run in [true, false] {
        for nowhere in [missing, "x"] {
            let refusal = world.a.post(&path(nowhere), batch(dry_run, web.clone())).await.refusal();
            assert_eq!(refusal, refused(404, "VPC.2204", "not_found"), "{nowhere}");
        }
        let remote = json!({"direction": "ingress", "remote_group_id": missing});
        let refusal = world.a.post(&path(&sg), batch(dry_run, remote)).await.refusal();
        assert_eq!(refusal, refused(400, "VPC.0601", "not_found"));
    }
    world.a.post(&path(&sg), batch(false, web)).await.expect(201);
}

/// api-vpc §8.1: 409, so that clients wait.
#[tokio::test]
async fn groups_in_use_stay() {
    let world = World::new().await;
    let vpc = world.a.vpc("VPC-A", "172.16.0.0/16").await;
    let subnet = world.a.subnet(&vpc, "s", "172.16.0.0/24").await;
    let sg = group(&world).await;
    let body = json!({"port": {"network_id": subnet, "security_groups": [sg]}});
    world.a.post("/v1/{p}/ports", body).await.expect(200);
    assert_eq!(
        world.a.delete(&format!("/v1/{{p}}/security-groups/{sg}")).await.refusal(),
        refused(409, "VPC.0602", "group_in_use")
    );
    assert_eq!(
        world.a.delete(&format!("/v2.0/security-groups/{sg}")).await.refusal(),
        refused(409, "SecurityGroupInUse", "group_in_use")
    );
    world.a.post("/v1/{p}/ports", json!({"port": {"network_id": subnet}})).await.expect(200);
    let default = world.a.get("/v2.0/security-groups?name=default").await.expect(200);
    let default = ids(&default["security_groups"])[0].clone();
    let reply = world.a.delete(&format!("/v2.0/security-groups/{default}")).await;
    assert_eq!(reply.refusal(), refused(403, "SecurityGroupCannotRemoveDefault", "default_group"));
    let foreign = world.b.get(&format!("/v2.0/security-groups/{sg}")).await;
    assert_eq!(foreign.refusal(), refused(404, "SecurityGroupNotFound", "not_found"));
}
