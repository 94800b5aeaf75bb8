//! IP address groups on the wire (api-vpc §10), and the rules that name them.

use serde_json::{Value, json};

use crate::fixture::{World, fields, id, ids, refused};

const NOWHERE: &str = "00000000-0000-4000-8000-000000000000";

async fn group(world: &World, name: &str, set: Value) -> Value {
    let body = json!({"address_group": {"name": name, "ip_version": 4, "ip_set": set}});
    world.a.post("/v3/{p}/vpc/address-groups", body).await.expect(201)["address_group"].clone()
}

async fn security_group(world: &World) -> String {
    let reply = world.a.post("/v3/{p}/vpc/security-groups", json!({"security_group": {"name": "sg"}})).await;
    id(&reply.expect(201)["security_group"])
}

#[tokio::test]
async fn entries_keep_order_and_spelling_in_both_sets() {
    let world = World::new().await;
    let set = json!(["192.168.5.0/24", "10.0.0.9-10.0.0.12", "10.0.0.1"]);
    let made = group(&world, "office", set.clone()).await;
    assert_eq!(
        fields(&made),
        [
            "created_at",
            "description",
            "enterprise_project_id",
            "id",
            "ip_extra_set",
            "ip_set",
            "ip_version",
            "max_capacity",
            "name",
            "status",
            "status_message",
            "tags",
            "tenant_id",
            "updated_at"
        ]
    );
    assert_eq!((&made["ip_set"], &made["max_capacity"], &made["status"]), (&set, &json!(20), &json!("NORMAL")));
    assert_eq!(made["ip_extra_set"][1], json!({"ip": "10.0.0.9-10.0.0.12", "remarks": ""}));
    let path = format!("/v3/{{p}}/vpc/address-groups/{}", id(&made));
    assert_eq!(world.a.get(&path).await.expect(200)["address_group"], made);
    let extra = json!([{"ip": "2001:DB8::/32", "remarks": "lab"}, {"ip": "2001:db9::1"}]);
    let body = json!({"address_group": {"name": "six", "ip_version": "6", "ip_extra_set": extra}});
    let six = world.a.post("/v3/{p}/vpc/address-groups", body).await.expect(201)["address_group"].clone();
    assert_eq!(six["ip_set"], json!(["2001:DB8::/32", "2001:db9::1"]));
    assert_eq!((&six["ip_extra_set"][0]["remarks"], &six["ip_version"]), (&json!("lab"), &json!(6)));

    let change = json!({"address_group": {"description": "new", "ip_set": ["10.9.0.0/16"], "max_capacity": "5"}});
    let changed = world.a.put(&path, change).await.expect(200)["address_group"].clone();
    assert_eq!((&changed["name"], &changed["ip_set"]), (&json!("office"), &json!(["10.9.0.0/16"])));
    assert_eq!((&changed["description"], &changed["max_capacity"]), (&json!("new"), &json!(5)));
    let find = async |query: &str| {
        let list = world.a.get(&format!("/v3/{{p}}/vpc/address-groups?{query}")).await.expect(200);
        assert!(list["page_info"]["current_count"].is_number());
        ids(&list["address_groups"]).len()
    };
    assert_eq!((find("").await, find("name=six").await, find("ip_version=4").await), (2, 1, 1));
    assert_eq!((find("description=new").await, find("limit=1").await, find("id=x").await), (1, 1, 0));
    world.a.delete(&path).await.expect(204);
    assert_eq!(world.a.get(&path).await.refusal(), refused(404, "VPC.2204", "not_found"));
}

#[tokio::test]
async fn wrong_groups_are_refused() {
    let world = World::new().await;
    for (fields, internal) in [
        (json!({"ip_version": 4}), "invalid_request"),
        (json!({"name": "g"}), "invalid_request"),
        (json!({"name": "g", "ip_version": 5}), "invalid_request"),
        (json!({"name": "", "ip_version": 4}), "invalid_name"),
        (json!({"name": "g", "ip_version": 4, "description": "<"}), "invalid_description"),
        (json!({"name": "g", "ip_version": 4, "ip_set": ["::1"]}), "invalid_parameter"),
        (json!({"name": "g", "ip_version": 4, "ip_set": ["web"]}), "invalid_parameter"),
        (json!({"name": "g", "ip_version": 4, "ip_set": ["10.0.0.2-10.0.0.1"]}), "invalid_parameter"),
        (json!({"name": "g", "ip_version": 4, "ip_set": ["10.0.0.1", "10.0.0.1/32"]}), "invalid_parameter"),
        (json!({"name": "g", "ip_version": 4, "max_capacity": 21}), "invalid_parameter"),
        (json!({"name": "g", "ip_version": 4, "max_capacity": -1}), "invalid_request"),
        (json!({"name": "g", "ip_version": 4, "max_capacity": 0, "ip_set": ["10.0.0.1"]}), "invalid_parameter"),
        (
            json!({"name": "g", "ip_version": 4, "ip_set": ["10.0.0.1"], "ip_extra_set": [{"ip": "10.0.0.2"}]}),
            "invalid_request",
        ),
        (json!({"name": "g", "ip_version": 4, "ip_set": "10.0.0.1"}), "invalid_body"),
    ] {
        let reply = world.a.post("/v3/{p}/vpc/address-groups", json!({"address_group": fields})).await;
        assert_eq!(reply.refusal(), refused(400, "VPC.2500", internal), "{fields}");
    }
    assert_eq!(world.a.get("/v3/{p}/vpc/address-groups").await.expect(200)["address_groups"], json!([]));
    let own = format!("/v3/{{p}}/vpc/address-groups/{}", id(&group(&world, "g", json!([])).await));
    let missing = refused(404, "VPC.2204", "not_found");
    assert_eq!(world.b.get(&own).await.refusal(), missing);
    assert_eq!(world.b.delete(&own).await.refusal(), missing);
    assert_eq!(world.b.delete(&format!("{own}/force")).await.refusal(), missing);
    assert_eq!(world.b.put(&own, json!({"address_group": {"name": "x"}})).await.refusal(), missing);
    assert_eq!(world.a.get(&format!("/v3/{{p}}/vpc/address-groups/{NOWHERE}")).await.refusal(), missing);
}

/// SG-1: a remote may be an address group, in every family that shows rules.
#[tokio::test]
async fn a_security_group_rule_names_an_address_group() {
    let world = World::new().await;
    let sg = security_group(&world).await;
    let addresses = id(&group(&world, "office", json!(["10.0.0.0/8"])).await);
    let rule = |change: Value| {
        let mut rule = json!({"security_group_id": sg, "direction": "ingress", "protocol": "tcp", "multiport": "80",
            "remote_address_group_id": addresses});
        rule.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        json!({"security_group_rule": rule})
    };
    let made = world.a.post("/v3/{p}/vpc/security-group-rules", rule(json!({}))).await.expect(201);
    let made = &made["security_group_rule"];
    assert_eq!((&made["remote_address_group_id"], &made["remote_ip_prefix"]), (&json!(addresses), &Value::Null));
    let v1 = world.a.get(&format!("/v1/{{p}}/security-group-rules/{}", id(made))).await.expect(200);
    assert_eq!(v1["security_group_rule"]["remote_address_group_id"], json!(addresses));
    let query = format!("/v3/{{p}}/vpc/security-group-rules?remote_address_group_id={addresses}");
    assert_eq!(ids(&world.a.get(&query).await.expect(200)["security_group_rules"]), [id(made)]);
    for (change, internal) in [
        (json!({"remote_address_group_id": NOWHERE}), "not_found"),
        (json!({"remote_address_group_id": "x"}), "invalid_request"),
        (json!({"ethertype": "IPv6"}), "invalid_parameter"),
        (json!({"remote_group_id": sg}), "invalid_request"),
    ] {
        let reply = world.a.post("/v3/{p}/vpc/security-group-rules", rule(change.clone())).await;
        assert_eq!(reply.refusal(), refused(400, "VPC.0601", internal), "{change}");
    }
}

/// api-vpc §10: 409 while rules name the group; by force the rules go as well.
#[tokio::test]
async fn a_group_in_use_is_listed_with_its_users_and_deleted_by_force() {
    let world = World::new().await;
    let sg = security_group(&world).await;
    let addresses = id(&group(&world, "office", json!(["10.0.0.0/8"])).await);
    let rule = json!({"security_group_rule": {"security_group_id": sg, "direction": "ingress",
        "remote_address_group_id": addresses}});
    world.a.post("/v3/{p}/vpc/security-group-rules", rule).await.expect(201);
    let acl = world.a.post("/v3/{p}/vpc/firewalls", json!({"firewall": {"name": "acl"}})).await.expect(201);
    let acl = id(&acl["firewall"]);
    let rules = json!({"firewall": {"ingress_rules": [{"action": "deny", "protocol": "any", "ip_version": 4,
        "source_address_group_id": addresses}]}});
    let made = world.a.put(&format!("/v3/{{p}}/vpc/firewalls/{acl}/insert-rules"), rules).await.expect(200);
    assert_eq!(made["firewall"]["ingress_rules"][0]["source_address_group_id"], json!(addresses));
    let list = world.a.get(&format!("/v3/{{p}}/vpc/list-address-groups-dependency?id={addresses}")).await.expect(200);
    let users = json!([{"type": "sg", "instance_id": sg, "instance_name": "sg"},
        {"type": "acl", "instance_id": acl, "instance_name": "acl"}]);
    assert_eq!(list["address_groups"][0]["dependency"], users);
    let path = format!("/v3/{{p}}/vpc/address-groups/{addresses}");
    let busy = world.a.delete(&path).await;
    assert_eq!(busy.refusal(), refused(409, "VPC.2204", "address_group_in_use"));
    assert!(busy.message().contains("security groups sg"), "{}", busy.message());
    world.a.delete(&format!("{path}/force")).await.expect(204);
    assert_eq!(world.a.get(&path).await.refusal(), refused(404, "VPC.2204", "not_found"));
    let left = world.a.get(&format!("/v3/{{p}}/vpc/firewalls/{acl}")).await.expect(200);
    assert_eq!(left["firewall"]["ingress_rules"], json!([]));
    let rules = world.a.get(&format!("/v3/{{p}}/vpc/security-group-rules?security_group_id={sg}")).await.expect(200);
    assert_eq!(rules["security_group_rules"].as_array().unwrap().len(), 4);
}
