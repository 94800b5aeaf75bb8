//! Enterprise projects (api-vpc §0.3 and §18).

use serde_json::{Value, json};

use crate::fixture::{Client, World, id, ids, refused};

const ENTERPRISE: &str = "0f3c52c0-87b4-4dc4-8bd4-1f9d8b1d6e5a";
const OTHER: &str = "8b1d6e5a-87b4-4dc4-8bd4-1f9d0f3c52c0";

async fn migrate(client: &Client, target: &str, kind: &str, id: &str) -> crate::fixture::Reply {
    let body = json!({"resource_id": id, "resource_type": kind, "project_id": client.project, "region_id": "region-1"});
    client.post(&format!("/v1.0/enterprise-projects/{target}/resources-migrate"), body).await
}

async fn inside(client: &Client, target: &str, kinds: &[&str]) -> Value {
    let body = json!({"projects": [client.project], "resource_types": kinds});
    client.post(&format!("/v1.0/enterprise-projects/{target}/resources/filter"), body).await.expect(200)
}

/// What the Terraform provider does when the enterprise project of an object changes.
#[tokio::test]
async fn objects_of_every_type_move() {
    let world = World::new().await;
    let vpc = world.a.vpc("vpc", "10.0.0.0/16").await;
    let body = json!({"security_group": {"name": "group"}});
    let group = id(&world.a.post("/v3/{p}/vpc/security-groups", body).await.expect(201)["security_group"]);
    let acl =
        id(&world.a.post("/v3/{p}/vpc/firewalls", json!({"firewall": {"name": "acl"}})).await.expect(201)["firewall"]);
    let body = json!({"address_group": {"name": "addresses", "ip_version": 4}});
    let addresses = id(&world.a.post("/v3/{p}/vpc/address-groups", body).await.expect(201)["address_group"]);
    for (kind, id, path, member) in [
        ("vpcs", &vpc, "/v1/{p}/vpcs", "vpc"),
        ("security-groups", &group, "/v3/{p}/vpc/security-groups", "security_group"),
        ("firewalls", &acl, "/v3/{p}/vpc/firewalls", "firewall"),
        ("address-groups", &addresses, "/v3/{p}/vpc/address-groups", "address_group"),
    ] {
        assert_eq!(inside(&world.a, ENTERPRISE, &[kind]).await["resources"], json!([]));
        migrate(&world.a, ENTERPRISE, kind, id).await.expect(204);
        let found = inside(&world.a, ENTERPRISE, &[kind]).await;
        assert_eq!((&found["total_count"], &found["errors"]), (&json!(1), &json!([])));
        assert_eq!(found["resources"][0]["resource_id"], **id);
        assert_eq!(found["resources"][0]["enterprise_project_id"], ENTERPRISE);
        assert_eq!(found["resources"][0]["project_name"], "region-1");
        let shown = world.a.get(&format!("{path}/{id}")).await.expect(200);
        assert_eq!(shown[member]["enterprise_project_id"], ENTERPRISE);
        // Its list, with the filter in all its forms.
        let plural = format!("{member}s");
        let list = async |query: &str| ids(&world.a.get(&format!("{path}?{query}")).await.expect(200)[&plural]);
        for query in ["", &format!("enterprise_project_id={ENTERPRISE}"), "enterprise_project_id=all_granted_eps"] {
            assert!(list(query).await.contains(id), "{path}?{query}");
        }
        for query in ["enterprise_project_id=0", &format!("enterprise_project_id={OTHER}")] {
            assert!(!list(query).await.contains(id), "{path}?{query}");
        }
        // Another account's is none of this one's.
        let reply = migrate(&world.b, ENTERPRISE, kind, id).await;
        assert_eq!(reply.status.as_u16(), 404, "{reply:?}");
        assert_eq!(inside(&world.b, ENTERPRISE, &[kind]).await["total_count"], 0);
    }
    let list = world.a.get("/v1.0/enterprise-projects").await.expect(200);
    assert_eq!(list["total_count"], 2);
    assert_eq!(ids(&list["enterprise_projects"]), ["0", ENTERPRISE]);
    assert_eq!(
        (&list["enterprise_projects"][0]["name"], &list["enterprise_projects"][0]["status"]),
        (&json!("default"), &json!(1))
    );
    let one = world.a.get("/v1.0/enterprise-projects?id=0&limit=1").await.expect(200);
    assert_eq!(ids(&one["enterprise_projects"]), ["0"]);
    world.a.get(&format!("/v1.0/enterprise-projects/{ENTERPRISE}")).await.expect(200);
    assert_eq!(ids(&world.b.get("/v1.0/enterprise-projects").await.expect(200)["enterprise_projects"]), ["0"]);
    migrate(&world.a, "0", "vpcs", &vpc).await.expect(204);
    assert_eq!(world.a.get(&format!("/v1/{{p}}/vpcs/{vpc}")).await.expect(200)["vpc"]["enterprise_project_id"], "0");
}

#[tokio::test]
async fn subnets_and_ports_are_in_their_vpcs_enterprise_project() {
    let world = World::new().await;
    let body = json!({"vpc": {"name": "vpc", "cidr": "10.0.0.0/16", "enterprise_project_id": ENTERPRISE}});
    let vpc = id(&world.a.post("/v1/{p}/vpcs", body).await.expect(200)["vpc"]);
    let subnet = world.a.subnet(&vpc, "subnet", "10.0.0.0/24").await;
    let port = id(&world.a.post("/v1/{p}/ports", json!({"port": {"network_id": subnet}})).await.expect(200)["port"]);
    for (query, there) in [("", true), ("all_granted_eps", true), (ENTERPRISE, true), ("0", false)] {
        let list = world.a.get(&format!("/v1/{{p}}/ports?enterprise_project_id={query}")).await.expect(200);
        assert_eq!(ids(&list["ports"]).contains(&port), there, "{query}");
    }
}

#[tokio::test]
async fn wrong_calls_are_refused_in_the_services_own_form() {
    let world = World::new().await;
    let vpc = world.a.vpc("vpc", "10.0.0.0/16").await;
    let reply = migrate(&world.a, "not-an-id", "vpcs", &vpc).await;
    assert_eq!(reply.status.as_u16(), 400);
    assert_eq!(reply.json()["error"]["error_code"], "EPS.0002");
    assert!(reply.json()["error"]["error_msg"].as_str().unwrap().contains("UUID"));
    let reply = migrate(&world.a, ENTERPRISE, "ecs", &vpc).await;
    assert_eq!((reply.status.as_u16(), &reply.json()["error"]["error_code"]), (400, &json!("EPS.0002")));
    let reply = migrate(&world.a, ENTERPRISE, "vpcs", "no id").await;
    assert_eq!((reply.status.as_u16(), &reply.json()["error"]["error_code"]), (404, &json!("EPS.0005")));
    let body = json!({"resource_id": vpc, "resource_type": "vpcs", "project_id": world.b.project});
    let path = format!("/v1.0/enterprise-projects/{ENTERPRISE}/resources-migrate");
    assert_eq!(world.a.post(&path, body).await.status.as_u16(), 404);
    let body = json!({"resource_id": vpc, "resource_type": "vpcs", "associated": true});
    assert_eq!(world.a.post(&path, body).await.status.as_u16(), 400);
    assert_eq!(world.a.get(&format!("/v1.0/enterprise-projects/{ENTERPRISE}")).await.status.as_u16(), 404);
    let found = inside(&world.a, "0", &["vpcs", "ecs"]).await;
    assert_eq!((&found["total_count"], &found["errors"][0]["resource_type"]), (&json!(1), &json!("ecs")));
    // At creation: one code for all objects (api-errors §3.1).
    for (path, root) in [
        ("/v1/{p}/vpcs", "vpc"),
        ("/v3/{p}/vpc/vpcs", "vpc"),
        ("/v1/{p}/security-groups", "security_group"),
        ("/v3/{p}/vpc/security-groups", "security_group"),
        ("/v3/{p}/vpc/firewalls", "firewall"),
        ("/v3/{p}/vpc/address-groups", "address_group"),
    ] {
        let mut object = json!({"name": "x", "enterprise_project_id": "x"});
        match root {
            "vpc" => object["cidr"] = json!("10.0.0.0/16"),
            "address_group" => object["ip_version"] = json!(4),
            _ => {}
        }
        let refusal = world.a.post(path, json!({ root: object })).await.refusal();
        assert_eq!(refusal, refused(400, "VPC.0011", "invalid_parameter"), "{path}");
    }
}
