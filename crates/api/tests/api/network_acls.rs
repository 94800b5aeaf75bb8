//! Network ACLs on the wire, v3 (api-vpc §9.1).

use axum::http::Method;
use serde_json::{Value, json};

use crate::fixture::{World, fields, id, ids, refused};

const NOWHERE: &str = "00000000-0000-4000-8000-000000000000";

async fn acl(world: &World, name: &str) -> String {
    id(&world.a.post("/v3/{p}/vpc/firewalls", json!({"firewall": {"name": name}})).await.expect(201)["firewall"])
}

fn rule(name: &str) -> Value {
    json!({"name": name, "action": "allow", "protocol": "tcp", "ip_version": 4})
}

fn names(rules: &Value) -> Vec<&str> {
    rules.as_array().unwrap().iter().map(|rule| rule["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_acl_has_two_views() {
    let world = World::new().await;
    let body = json!({"firewall": {"name": "acl", "description": "d", "admin_state_up": false, "type": "normal",
        "enterprise_project_id": "0", "tags": []}});
    let reply = world.a.post("/v3/{p}/vpc/firewalls", body).await;
    let made = reply.expect(201);
    assert_eq!(made["request_id"], reply.header("x-request-id"));
    let acl = &made["firewall"];
    let item = [
        "admin_state_up",
        "associations",
        "created_at",
        "description",
        "enterprise_project_id",
        "id",
        "name",
        "project_id",
        "status",
        "tags",
        "type",
        "updated_at",
    ];
    let mut full = item.to_vec();
    full.extend(["egress_rules", "ingress_rules"]);
    full.sort_unstable();
    assert_eq!(fields(acl), full);
    assert_eq!(
        (&acl["admin_state_up"], &acl["status"], &acl["type"]),
        (&json!(false), &json!("INACTIVE"), &json!("normal"))
    );
    assert_eq!((&acl["project_id"], &acl["created_at"]), (&json!(world.a.project), &json!("2026-01-02T03:04:05Z")));
    assert_eq!((&acl["ingress_rules"], &acl["associations"]), (&json!([]), &json!([])));
    let path = format!("/v3/{{p}}/vpc/firewalls/{}", id(acl));
    assert_eq!(&world.a.get(&path).await.expect(200)["firewall"], acl);
    let list = world.a.get("/v3/{p}/vpc/firewalls").await.expect(200);
    assert_eq!(fields(&list), ["firewalls", "page_info", "request_id"]);
    assert_eq!(fields(&list["firewalls"][0]), item);

    let change = json!({"firewall": {"name": "new", "admin_state_up": true}});
    let changed = world.a.put(&path, change).await.expect(200)["firewall"].clone();
    assert_eq!(
        (&changed["name"], &changed["description"], &changed["admin_state_up"]),
        (&json!("new"), &json!("d"), &json!(true))
    );
    assert_eq!(world.a.delete(&path).await.expect(204), Value::Null);
    assert_eq!(world.a.get(&path).await.refusal(), refused(404, "VPC.2204", "not_found"));
    assert_eq!(world.a.delete(&path).await.refusal(), refused(404, "VPC.2204", "not_found"));
}

/// ACL-3: the order is the one that the client gave, and every call answers the whole ACL.
#[tokio::test]
async fn rules_keep_their_order_and_show_every_field() {
    let world = World::new().await;
    let path = format!("/v3/{{p}}/vpc/firewalls/{}", acl(&world, "acl").await);
    let insert = format!("{path}/insert-rules");
    let full = json!({"name": "c", "description": "d", "action": "deny", "protocol": "tcp", "ip_version": 4,
        "source_ip_address": "10.0.0.7/24", "destination_ip_address": "10.1.0.1", "source_port": "1-1024",
        "destination_port": "22,80-90", "enabled": false});
    let body = json!({"firewall": {"ingress_rules": [full, rule("d")], "egress_rules": [rule("e")]}});
    let made = world.a.put(&insert, body).await.expect(200)["firewall"].clone();
    let c = &made["ingress_rules"][0];
    assert_eq!(
        fields(c),
        [
            "action",
            "description",
            "destination_address_group_id",
            "destination_ip_address",
            "destination_port",
            "enabled",
            "id",
            "ip_version",
            "name",
            "protocol",
            "source_address_group_id",
            "source_ip_address",
            "source_port"
        ]
    );
    assert_eq!((&c["source_ip_address"], &c["destination_ip_address"]), (&json!("10.0.0.0/24"), &json!("10.1.0.1")));
    assert_eq!((&c["source_port"], &c["destination_port"]), (&json!("1-1024"), &json!("22,80-90")));
    assert_eq!((&c["action"], &c["enabled"], &c["ip_version"]), (&json!("deny"), &json!(false), &json!(4)));
    let d = &made["ingress_rules"][1];
    assert_eq!((&d["source_ip_address"], &d["source_port"], &d["enabled"]), (&Value::Null, &Value::Null, &json!(true)));

    let any = json!({"action": "allow", "protocol": "any", "ip_version": "6", "name": "a"});
    world.a.put(&insert, json!({"firewall": {"ingress_rules": [any, rule("b")]}})).await.expect(200);
    let body = json!({"firewall": {"ingress_rules": [rule("c1")], "insert_after_rule": c["id"]}});
    let now = world.a.put(&insert, body).await.expect(200)["firewall"].clone();
    assert_eq!(names(&now["ingress_rules"]), ["a", "b", "c", "c1", "d"]);
    assert_eq!(names(&now["egress_rules"]), ["e"]);
    assert_eq!(
        (&now["ingress_rules"][0]["protocol"], &now["ingress_rules"][0]["ip_version"]),
        (&json!("any"), &json!(6))
    );

    let change = json!({"firewall": {"ingress_rules": [{"id": c["id"], "name": "C", "source_ip_address": null,
        "destination_port": "443"}]}});
    let now = world.a.put(&format!("{path}/update-rules"), change).await.expect(200)["firewall"].clone();
    let changed = &now["ingress_rules"][2];
    assert_eq!((&changed["name"], &changed["source_ip_address"]), (&json!("C"), &Value::Null));
    assert_eq!((&changed["destination_port"], &changed["destination_ip_address"]), (&json!("443"), &json!("10.1.0.1")));

    let gone = ids(&now["ingress_rules"]);
    let gone = json!({"firewall": {"ingress_rules": [{"id": gone[0]}, {"id": gone[4]}],
        "egress_rules": [{"id": now["egress_rules"][0]["id"]}]}});
    let now = world.a.put(&format!("{path}/remove-rules"), gone).await.expect(200)["firewall"].clone();
    assert_eq!(names(&now["ingress_rules"]), ["b", "C", "c1"]);
    assert_eq!(now["egress_rules"], json!([]));
    assert_eq!(world.a.get(&path).await.expect(200)["firewall"], now);
}

/// ACL-1.
#[tokio::test]
async fn subnets_come_under_an_acl_and_leave_it() {
    let world = World::new().await;
    let vpc = world.a.vpc("VPC-A", "172.16.0.0/16").await;
    let (one, two) =
        (world.a.subnet(&vpc, "one", "172.16.1.0/24").await, world.a.subnet(&vpc, "two", "172.16.2.0/24").await);
    let (first, second) = (acl(&world, "first").await, acl(&world, "second").await);
    let call = async |acl: &str, what: &str, subnets: &[&str]| {
        let subnets: Vec<_> = subnets.iter().map(|subnet| json!({"virsubnet_id": subnet})).collect();
        world.a.put(&format!("/v3/{{p}}/vpc/firewalls/{acl}/{what}-subnets"), json!({"subnets": subnets})).await
    };
    let on = call(&first, "associate", &[&one, &two]).await.expect(200)["firewall"].clone();
    assert_eq!(on["associations"].as_array().unwrap().len(), 2);
    assert_eq!(on["status"], "ACTIVE");
    let taken = call(&second, "associate", &[&one]).await;
    assert_eq!(taken.refusal(), refused(409, "VPC.2500", "subnet_has_network_acl"));
    assert!(taken.message().contains("`first`"), "{}", taken.message());
    assert_eq!(call(&second, "associate", &[NOWHERE]).await.refusal(), refused(404, "VPC.2204", "not_found"));
    assert_eq!(call(&second, "associate", &["x"]).await.refusal(), refused(400, "VPC.2500", "invalid_request"));
    assert_eq!(call(&second, "associate", &[]).await.refusal(), refused(400, "VPC.2500", "invalid_parameter"));
    assert_eq!(
        call(&second, "disassociate", &[&one]).await.refusal(),
        refused(400, "VPC.2500", "subnet_not_on_network_acl")
    );
    let busy = world.a.delete(&format!("/v3/{{p}}/vpc/firewalls/{first}")).await;
    assert_eq!(busy.refusal(), refused(409, "VPC.0107", "network_acl_in_use"));
    call(&first, "disassociate", &[&one]).await.expect(200);
    call(&second, "associate", &[&one]).await.expect(200);
    world.a.delete(&format!("/v1/{{p}}/vpcs/{vpc}/subnets/{two}")).await.expect(204);
    let left = world.a.get(&format!("/v3/{{p}}/vpc/firewalls/{first}")).await.expect(200)["firewall"].clone();
    assert_eq!((&left["associations"], &left["status"]), (&json!([]), &json!("INACTIVE")));
    world.a.delete(&format!("/v3/{{p}}/vpc/firewalls/{first}")).await.expect(204);
}

/// api-vpc §0.4 and §0.5; clients §3.4: paged by the last id until empty.
#[tokio::test]
async fn acls_are_filtered_and_paged() {
    let world = World::new().await;
    let vpc = world.a.vpc("VPC-A", "172.16.0.0/16").await;
    let subnet = world.a.subnet(&vpc, "one", "172.16.1.0/24").await;
    let mut all = Vec::new();
    for name in ["a", "b", "c"] {
        all.push(acl(&world, name).await);
    }
    let body = json!({"subnets": [{"virsubnet_id": subnet}]});
    world.a.put(&format!("/v3/{{p}}/vpc/firewalls/{}/associate-subnets", all[0]), body).await.expect(200);
    let down = json!({"firewall": {"admin_state_up": false}});
    world.a.put(&format!("/v3/{{p}}/vpc/firewalls/{}", all[1]), down).await.expect(200);
    let find = async |query: &str| {
        let list = world.a.get(&format!("/v3/{{p}}/vpc/firewalls?{query}")).await.expect(200);
        names(&list["firewalls"]).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(find("name=b").await, ["b"]);
    assert_eq!(find(&format!("id={}", all[2])).await, ["c"]);
    assert_eq!(find("status=ACTIVE").await, ["a"]);
    assert_eq!(find("admin_state_up=false").await, ["b"]);
    assert_eq!(find("name=a&name=c&enterprise_project_id=0").await.len(), 2);
    assert_eq!(find("enterprise_project_id=all_granted_eps").await.len(), 3);
    assert!(find(&format!("enterprise_project_id={NOWHERE}")).await.is_empty());
    all.sort_unstable();
    let (mut seen, mut marker) = (Vec::new(), String::new());
    loop {
        let list = world.a.get(&format!("/v3/{{p}}/vpc/firewalls?limit=2&marker={marker}")).await.expect(200);
        let page = ids(&list["firewalls"]);
        assert_eq!(list["page_info"]["current_count"], page.len());
        let Some(last) = page.last() else { break };
        marker.clone_from(last);
        seen.extend(page);
    }
    assert_eq!(seen, all);
    assert!(world.b.get("/v3/{p}/vpc/firewalls").await.expect(200)["firewalls"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn wrong_bodies_are_refused_and_change_nothing() {
    let world = World::new().await;
    let invalid = |internal| refused(400, "VPC.2500", internal);
    for (body, internal) in [
        (json!({"firewall": {"name": "a b"}}), "invalid_name"),
        (json!({"firewall": {"name": "n".repeat(65)}}), "invalid_name"),
        (json!({"firewall": {"description": "<"}}), "invalid_description"),
        (json!({"firewall": {"type": "clouddcn"}}), "not_supported"),
        (json!({"firewall": 7}), "invalid_body"),
        (json!({}), "invalid_body"),
    ] {
        let reply = world.a.post("/v3/{p}/vpc/firewalls", body.clone()).await;
        assert_eq!(reply.refusal(), invalid(internal), "{body}");
    }
    let path = format!("/v3/{{p}}/vpc/firewalls/{}", acl(&world, "acl").await);
    let insert = format!("{path}/insert-rules");
    let made = world.a.put(&insert, json!({"firewall": {"ingress_rules": [rule("r")]}})).await.expect(200);
    let r = made["firewall"]["ingress_rules"][0]["id"].clone();
    for (change, internal) in [
        (json!({"action": null}), "invalid_request"),
        (json!({"action": "maybe"}), "invalid_request"),
        (json!({"protocol": null}), "invalid_request"),
        (json!({"protocol": "htpp"}), "invalid_request"),
        (json!({"protocol": "256"}), "invalid_request"),
        (json!({"ip_version": null}), "invalid_request"),
        (json!({"ip_version": 5}), "invalid_request"),
        (json!({"ip_version": "four"}), "invalid_body"),
        (json!({"protocol": "icmpv6"}), "invalid_parameter"),
        (json!({"protocol": "icmp", "destination_port": "80"}), "invalid_parameter"),
        (json!({"protocol": "any", "source_port": "80"}), "invalid_parameter"),
        (json!({"source_ip_address": "nowhere"}), "invalid_request"),
        (json!({"source_ip_address": "::/0"}), "invalid_parameter"),
        (json!({"source_ip_address": "10.0.0.0/8", "source_address_group_id": NOWHERE}), "invalid_request"),
        (json!({"source_address_group_id": "x"}), "invalid_request"),
        (json!({"destination_port": "0"}), "invalid_request"),
        (json!({"destination_port": "90-80"}), "invalid_request"),
        (json!({"destination_port": "80:90"}), "invalid_request"),
        (json!({"destination_port": vec!["1"; 21].join(",")}), "invalid_parameter"),
        (json!({"name": "a b"}), "invalid_name"),
    ] {
        let mut fields = rule("new");
        fields.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let reply = world.a.put(&insert, json!({"firewall": {"ingress_rules": [rule("first"), fields]}})).await;
        assert_eq!(reply.refusal(), invalid(internal), "{change}");
    }
    let group = json!({"firewall": {"egress_rules": [{"action": "allow", "protocol": "any", "ip_version": 4,
        "destination_address_group_id": NOWHERE}]}});
    assert_eq!(world.a.put(&insert, group).await.refusal(), refused(404, "VPC.2204", "not_found"));
    for (what, firewall, internal) in [
        ("insert", json!({}), "invalid_parameter"),
        ("insert", json!({"ingress_rules": [rule("x")], "insert_after_rule": NOWHERE}), "rule_not_in_network_acl"),
        ("insert", json!({"ingress_rules": [rule("x")], "insert_after_rule": "x"}), "invalid_request"),
        ("insert", json!({"egress_rules": [rule("x")], "insert_after_rule": r}), "rule_not_in_network_acl"),
        (
            "insert",
            json!({"egress_rules": [rule("x")], "ingress_rules": [rule("y")], "insert_after_rule": r}),
            "invalid_parameter",
        ),
        ("update", json!({"ingress_rules": [{"name": "x"}]}), "invalid_request"),
        ("update", json!({"egress_rules": [{"id": r}]}), "rule_not_in_network_acl"),
        (
            "update",
            json!({"ingress_rules": [{"id": r, "ip_version": 6, "source_ip_address": "10.0.0.0/8"}]}),
            "invalid_parameter",
        ),
        ("remove", json!({"ingress_rules": [{"id": r}, {"id": NOWHERE}]}), "rule_not_in_network_acl"),
        ("remove", json!({"ingress_rules": [{"id": r}, {"id": r}]}), "invalid_parameter"),
        ("remove", json!({}), "invalid_parameter"),
    ] {
        let reply = world.a.put(&format!("{path}/{what}-rules"), json!({"firewall": firewall})).await;
        assert_eq!(reply.refusal(), invalid(internal), "{what} {firewall}");
    }
    assert_eq!(world.a.get(&path).await.expect(200)["firewall"]["ingress_rules"], made["firewall"]["ingress_rules"]);
}

/// lifecycle §2.
#[tokio::test]
async fn another_account_finds_no_acl() {
    let world = World::new().await;
    let id = acl(&world, "acl").await;
    let path = format!("/v3/{{p}}/vpc/firewalls/{id}");
    let missing = refused(404, "VPC.2204", "not_found");
    assert_eq!(world.b.get(&path).await.refusal(), missing);
    assert_eq!(world.b.delete(&path).await.refusal(), missing);
    assert_eq!(world.b.put(&path, json!({"firewall": {"name": "mine"}})).await.refusal(), missing);
    let insert = json!({"firewall": {"ingress_rules": [rule("r")]}});
    assert_eq!(world.b.put(&format!("{path}/insert-rules"), insert).await.refusal(), missing);
    let vpc = world.b.vpc("VPC-B", "172.16.0.0/16").await;
    let theirs = world.b.subnet(&vpc, "s", "172.16.0.0/24").await;
    let body = json!({"subnets": [{"virsubnet_id": theirs}]});
    assert_eq!(world.a.put(&format!("{path}/associate-subnets"), body).await.refusal(), missing);
    let reply = world.a.get(&format!("/v3/{}/vpc/firewalls/{id}", world.b.project)).await;
    assert_eq!(reply.refusal(), refused(400, "VPC.0007", "wrong_project"));
    let reply = world.a.call(Method::GET, "/v3/{p}/vpc/firewalls/x", "").await;
    assert_eq!(reply.refusal(), missing);
}

/// A dry run of any call checks and changes nothing.
#[tokio::test]
async fn a_dry_run_changes_nothing() {
    let world = World::new().await;
    let dry = json!({"dry_run": true, "firewall": {"name": "acl"}});
    world.a.post("/v3/{p}/vpc/firewalls", dry).await.expect(202);
    assert_eq!(world.a.get("/v3/{p}/vpc/firewalls").await.expect(200)["firewalls"], json!([]));
    let path = format!("/v3/{{p}}/vpc/firewalls/{}", acl(&world, "acl").await);
    let body = json!({"dry_run": true, "firewall": {"ingress_rules": [rule("r")]}});
    world.a.put(&format!("{path}/insert-rules"), body).await.expect(202);
    let body = json!({"dry_run": true, "firewall": {"ingress_rules": [{"id": NOWHERE}]}});
    let refusal = world.a.put(&format!("{path}/remove-rules"), body).await.refusal();
    assert_eq!(refusal, refused(400, "VPC.2500", "rule_not_in_network_acl"));
    assert_eq!(world.a.get(&path).await.expect(200)["firewall"]["ingress_rules"], json!([]));
}

/// limits §1.1.
#[tokio::test]
async fn acls_and_address_groups_count_against_their_quotas() {
    let world = World::new().await;
    acl(&world, "acl").await;
    let quota = world.a.get("/v1/{p}/quotas?type=firewall").await.expect(200);
    let expected = json!([{"type": "firewall", "used": 1, "quota": 200, "min": 0}]);
    assert_eq!(quota["quotas"]["resources"], expected);
    for n in 0..10 {
        let body = json!({"address_group": {"name": format!("g{n}"), "ip_version": 4}});
        world.a.post("/v3/{p}/vpc/address-groups", body).await.expect(201);
    }
    let body = json!({"address_group": {"name": "more", "ip_version": 4}});
    let refusal = world.a.post("/v3/{p}/vpc/address-groups", body).await.refusal();
    assert_eq!(refusal, refused(409, "VPC.2500", "quota_exceeded"));
    let quota = world.a.get("/v1/{p}/quotas?type=address_group").await.expect(200);
    assert_eq!(quota["quotas"]["resources"][0]["used"], 10);
}
