//! Supplementary network interfaces on the wire (api-vpc §11).

use serde_json::{Value, json};

use crate::fixture::{Reply, World, fields, id, ids};

const PATH: &str = "/v3/{p}/vpc/sub-network-interfaces";

struct Place {
    world: World,
    subnet: String,
    parent: String,
    server: Value,
}

async fn place() -> Place {
    let world = World::new().await;
    let vpc = world.a.vpc("VPC-A", "10.0.0.0/16").await;
    let own = world.a.subnet(&vpc, "own", "10.0.0.0/24").await;
    let subnet = world.a.subnet(&vpc, "other", "10.0.1.0/24").await;
    let server = world.a.server("host", &own).await;
    let parent = server["port_id"].as_str().unwrap().to_owned();
    Place { world, subnet, parent, server }
}

impl Place {
    async fn create(&self, more: Value) -> Reply {
        let mut fields = json!({"virsubnet_id": self.subnet, "parent_id": self.parent});
        fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.world.a.post(PATH, json!({ "sub_network_interface": fields })).await
    }

    async fn made(&self, more: Value) -> Value {
        self.create(more).await.expect(201)["sub_network_interface"].clone()
    }

    async fn count(&self) -> i64 {
        self.world.a.get(&format!("{PATH}/count")).await.expect(200)["sub_network_interfaces"].as_i64().unwrap()
    }
}

#[tokio::test]
async fn from_creation_to_deletion() {
    let place = place().await;
    let a = &place.world.a;
    let body = place
        .create(json!({"vlan_id": "100", "description": "d", "private_ip_address": "10.0.1.9",
        "tags": [{"key": "k"}]}))
        .await;
    let body = body.expect(201);
    assert_eq!(fields(&body), ["request_id", "sub_network_interface"]);
    let made = &body["sub_network_interface"];
    assert_eq!(
        fields(made),
        [
            "allowed_address_pairs",
            "created_at",
            "description",
            "id",
            "instance_id",
            "instance_type",
            "ipv6_ip_address",
            "mac_address",
            "parent_device_id",
            "parent_id",
            "private_ip_address",
            "project_id",
            "scope",
            "security_enabled",
            "security_groups",
            "state",
            "tags",
            "updated_at",
            "virsubnet_id",
            "vlan_id",
            "vpc_id",
        ]
    );
    assert_eq!((&made["vlan_id"], &made["state"], &made["description"]), (&json!(100), &json!("NORMAL"), &json!("d")));
    assert_eq!((&made["parent_id"], &made["parent_device_id"]), (&json!(place.parent), &place.server["id"]));
    assert_eq!((&made["private_ip_address"], &made["ipv6_ip_address"]), (&json!("10.0.1.9"), &json!("")));
    assert_eq!(made["tags"], json!([{"key": "k", "value": ""}]));
    let path = format!("{PATH}/{}", id(made));
    assert_eq!(a.get(&path).await.expect(200)["sub_network_interface"], *made);
    // It is a port as well.
    let port = a.get(&format!("/v1/{{p}}/ports/{}", id(made))).await.expect(200)["port"].clone();
    let details = json!({"primary_interface": false, "vlan_id": 100, "parent_id": place.parent,
        "parent_device_id": place.server["id"]});
    assert_eq!((&port["binding:vif_details"], &port["device_owner"]), (&details, &json!("compute:subeni")));
    assert_eq!(a.delete(&format!("/v1/{{p}}/ports/{}", id(made))).await.status, 400);
    assert_eq!(a.delete(&format!("/v1/{{p}}/ports/{}", place.parent)).await.status, 400);

    let change = json!({"sub_network_interface": {"description": "e",
        "allowed_address_pairs": [{"ip_address": "10.9.0.0/16"}]}});
    let changed = a.put(&path, change).await.expect(200)["sub_network_interface"].clone();
    assert_eq!(changed["description"], "e");
    assert_eq!(changed["allowed_address_pairs"][0]["ip_address"], "10.9.0.0/16");
    for fixed in [json!({"vlan_id": "7"}), json!({"tags": [{"key": "l"}]})] {
        assert_eq!(a.put(&path, json!({ "sub_network_interface": fixed })).await.status, 400);
    }
    assert_eq!(place.world.b.get(&path).await.status, 404);
    assert_eq!(place.count().await, 1);
    assert_eq!(a.delete(&path).await.status, 204);
    assert_eq!(a.get(&path).await.status, 404);
    assert_eq!(place.count().await, 0);
}

#[tokio::test]
async fn what_cannot_be_is_refused() {
    let place = place().await;
    place.made(json!({"vlan_id": 5})).await;
    for (more, status, what) in [
        (json!({"vlan_id": "5"}), 409_u16, "VLAN 5"),
        (json!({"vlan_id": "0"}), 400, "4094"),
        (json!({"vlan_id": "4095"}), 400, "4094"),
        (json!({"vlan_id": "70000"}), 400, "4094"),
        (json!({"parent_id": null}), 400, "parent_id"),
        (json!({"parent_id": "00000000-0000-4000-8000-000000000000"}), 404, "00000000"),
        (json!({"private_ip_address": "10.0.2.9"}), 400, "10.0.2.9"),
        (json!({"ipv6_enable": true}), 400, "IPv6"),
        (json!({"ipv6_ip_address": "10.0.1.9"}), 400, "10.0.1.9"),
        (json!({"project_id": "0605767a9980d5792f4fc00ce5a7a1f1"}), 403, "project"),
        (json!({"description": "<"}), 400, "description"),
        (json!({"tags": [{"value": "v"}]}), 400, "Tag key"),
    ] {
        let reply = place.create(more.clone()).await;
        assert_eq!(reply.status, status, "{more}: {}", reply.message());
        assert!(reply.message().contains(what), "{more}: {}", reply.message());
    }
    assert_eq!(place.count().await, 1);
}

/// limits: 1 to 20, all or none.
#[tokio::test]
async fn several_at_once() {
    let place = place().await;
    let batch = async |count: i64, more: Value| {
        let mut fields = json!({"virsubnet_id": place.subnet, "parent_id": place.parent});
        fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let body = json!({"sub_network_interface": fields, "count": count});
        place.world.a.post(&format!("{PATH}/batch-create"), body).await
    };
    let made = batch(3, json!({})).await.expect(201);
    let vlans: Vec<i64> =
        made["sub_network_interfaces"].as_array().unwrap().iter().map(|i| i["vlan_id"].as_i64().unwrap()).collect();
    assert_eq!(vlans, [1, 2, 3]);
    for count in [0, 21, -1] {
        assert_eq!(batch(count, json!({})).await.status, 400);
    }
    assert_eq!(batch(2, json!({"vlan_id": "9"})).await.status, 400);
    assert_eq!(place.count().await, 3);
    let list = async |query: String| {
        ids(&place.world.a.get(&format!("{PATH}?{query}")).await.expect(200)["sub_network_interfaces"])
    };
    let all = list(String::new()).await;
    assert_eq!(all.len(), 3);
    assert_eq!(list(format!("parent_id={}", place.parent)).await, all);
    assert_eq!(list(format!("id={},{}", all[0], all[1])).await, all[..2]);
    assert_eq!(list("private_ip_address=10.0.1.2&private_ip_address=10.0.1.3".into()).await.len(), 2);
    assert_eq!(list("description=x".into()).await.len(), 0);
}

#[tokio::test]
async fn it_is_detached_attached_and_moved() {
    let place = place().await;
    let a = &place.world.a;
    let made = place.made(json!({"vlan_id": "7"})).await;
    let path = format!("{PATH}/{}", id(&made));
    let attach = json!({"sub_network_interface": {"parent_id": place.parent, "security_enabled": false}});
    assert_eq!(a.post(&format!("{path}/attach"), attach.clone()).await.status, 400, "it is attached");
    let free = a.post(&format!("{path}/detach"), json!({})).await.expect(200)["sub_network_interface"].clone();
    assert_eq!((&free["state"], &free["parent_id"], &free["vlan_id"]), (&json!("UNBOUND"), &json!(""), &json!(0)));
    assert_eq!(free["parent_device_id"], "");
    let again = a.post(&format!("{path}/attach"), attach).await.expect(200)["sub_network_interface"].clone();
    assert_eq!((&again["state"], &again["vlan_id"]), (&json!("NORMAL"), &json!(1)));
    assert_eq!(again["security_enabled"], false);

    let body = json!({"port": {"network_id": place.subnet}});
    let target = id(&a.post("/v1/{p}/ports", body).await.expect(200)["port"]);
    let moving = json!({"migration_info": {"parent_id": target,
        "sub_network_interfaces": [{"id": id(&made), "vlan_id": "30"}]}});
    let moved = a.put(&format!("{PATH}/migrate"), moving).await.expect(200)["sub_network_interfaces"][0].clone();
    assert_eq!((&moved["parent_id"], &moved["vlan_id"]), (&json!(target), &json!(30)));
    assert_eq!(a.delete(&format!("/v1/{{p}}/ports/{target}")).await.status, 409, "it carries one");
    let plain = format!("{PATH}/{}", place.parent);
    assert_eq!(a.get(&plain).await.status, 404, "a port that is none");
    assert_eq!(a.post(&format!("{plain}/detach"), json!({})).await.status, 404);
}
