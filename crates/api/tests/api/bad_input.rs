//! Whatever is sent is answered in the family's words with a sentence that helps, and nothing is half-made.

use axum::http::Method;
use serde_json::{Value, json};

use crate::fixture::{World, fields, id, refused};

/// The same mistake in every family: the body's shape is the family's (api-errors §1).
#[tokio::test]
async fn a_body_that_is_not_json_is_refused_in_the_shape_of_the_family() {
    let world = World::new().await;
    for body in ["{", "", "[1]", "nonsense", "{\"vpc\": 7}"] {
        let v1 = world.a.call(Method::POST, "/v1/{p}/vpcs", body).await;
        assert_eq!(v1.refusal(), refused(400, "VPC.0101", "invalid_body"), "{body}");
        assert_eq!(fields(&v1.json()), ["code", "message"]);
        let v2 = world.a.call(Method::POST, "/v2.0/vpc/peerings", body).await;
        assert_eq!(v2.refusal(), refused(400, "HTTPBadRequest", "invalid_body"), "{body}");
        assert_eq!(fields(&v2.json()), ["NeutronError"]);
        assert_eq!(fields(&v2.json()["NeutronError"]), ["detail", "message", "type"]);
        let v3 = world.a.call(Method::POST, "/v3/{p}/vpc/security-groups", body).await;
        assert_eq!(v3.refusal(), refused(400, "VPC.0601", "invalid_body"), "{body}");
        assert_eq!(fields(&v3.json()), ["error_code", "error_msg", "request_id"]);
        assert_eq!(v3.json()["request_id"], v3.header("x-request-id"));
        let own = world.a.call(Method::POST, "/causeway/v1/servers", body).await;
        assert_eq!(own.refusal(), refused(400, "invalid_body", "invalid_body"), "{body}");
        let keystone = world.a.call(Method::POST, "/v3/auth/tokens", body).await;
        assert_eq!(fields(&keystone.json()["error"]), ["code", "message", "title"]);
    }
    let reply = world.a.call(Method::POST, "/v1/{p}/vpcs", "{\"vpc\": 7}").await;
    assert!(reply.message().contains("expected struct VpcFields") || reply.message().contains("form"), "{reply:?}");
}

#[tokio::test]
async fn names_and_ranges_are_checked_with_a_sentence_that_helps() {
    let world = World::new().await;
    for (vpc, internal, hint) in [
        (json!({"name": "a b", "cidr": "10.0.0.0/16"}), "invalid_name", "contains ` `"),
        (json!({"name": "x".repeat(65)}), "invalid_name", "65 characters"),
        (json!({"name": "x", "description": "<"}), "invalid_description", "all characters but < and >"),
        (json!({"cidr": "10.0.0.0"}), "invalid_cidr", "such as 10.0.0.0/16"),
        (json!({"cidr": "10.0.0.1/16"}), "invalid_cidr", "write 10.0.0.0/16"),
        (json!({"cidr": "11.0.0.0/16"}), "invalid_cidr", "choose from 10.0.0.0/8"),
        (json!({"cidr": "10.0.0.0/29"}), "invalid_cidr", "/28"),
    ] {
        let reply = world.a.post("/v1/{p}/vpcs", json!({"vpc": vpc})).await;
        assert_eq!(reply.refusal(), refused(400, "VPC.0101", internal), "{vpc}");
        assert!(reply.message().contains(hint), "{}", reply.message());
    }
    world.a.vpc("taken", "10.0.0.0/16").await;
    let reply = world.a.post("/v1/{p}/vpcs", json!({"vpc": {"name": "taken"}})).await;
    assert_eq!(reply.refusal(), refused(400, "VPC.0115", "name_taken"));
    assert_eq!(world.a.get("/v1/{p}/vpcs").await.expect(200)["vpcs"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn subnets_must_fit() {
    let world = World::new().await;
    let vpc = world.a.vpc("VPC-A", "172.16.0.0/16").await;
    world.a.subnet(&vpc, "s", "172.16.0.0/24").await;
    let post = async |cidr: &str, gateway: Value, vpc: &str| {
        let body = json!({"subnet": {"name": "t", "cidr": cidr, "gateway_ip": gateway, "vpc_id": vpc}});
        world.a.post("/v1/{p}/subnets", body).await
    };
    let nowhere = "00000000-0000-4000-8000-000000000000";
    for (cidr, gateway, owner, expected) in [
        ("172.17.0.0/24", json!("172.17.0.1"), vpc.as_str(), refused(400, "VPC.0203", "cidr_not_in_vpc")),
        ("172.16.0.128/25", json!("172.16.0.129"), &vpc, refused(400, "VPC.0204", "subnet_overlap")),
        ("172.16.1.0/30", json!("172.16.1.1"), &vpc, refused(400, "VPC.0212", "invalid_cidr")),
        ("172.16.1.1/24", json!("172.16.1.1"), &vpc, refused(400, "VPC.0212", "invalid_cidr")),
        ("172.16.1.0/24", Value::Null, &vpc, refused(400, "VPC.0201", "invalid_request")),
        ("172.16.1.0/24", json!("gateway"), &vpc, refused(400, "VPC.0201", "invalid_request")),
        ("172.16.1.0/24", json!("172.16.1.1"), nowhere, refused(404, "VPC.0003", "not_found")),
    ] {
        assert_eq!(post(cidr, gateway, owner).await.refusal(), expected, "{cidr}");
    }
}

#[tokio::test]
async fn a_full_subnet_says_so() {
    let world = World::new().await;
    let vpc = world.a.vpc("VPC-A", "172.16.0.0/16").await;
    let subnet = world.a.subnet(&vpc, "s", "172.16.0.0/29").await;
    for _ in 0..3 {
        world.a.post("/v1/{p}/ports", json!({"port": {"network_id": subnet}})).await.expect(200);
    }
    let v1 = world.a.post("/v1/{p}/ports", json!({"port": {"network_id": subnet}})).await;
    assert_eq!(v1.refusal(), refused(409, "VPC.0703", "no_free_address"));
    let v2 = world.a.post("/v2.0/ports", json!({"port": {"network_id": subnet}})).await;
    assert_eq!(v2.refusal(), refused(409, "IpAddressGenerationFailure", "no_free_address"));
    let own = world.a.post("/causeway/v1/servers", json!({"server": {"name": "x", "subnet_id": subnet}})).await;
    assert_eq!(own.refusal(), refused(409, "no_free_address", "no_free_address"));
    assert_eq!(world.a.get("/causeway/v1/servers").await.expect(200)["servers"], json!([]), "nothing half-made");
    let reserved = json!({"port": {"network_id": subnet, "fixed_ips": [{"ip_address": "172.16.0.7"}]}});
    assert_eq!(world.a.post("/v1/{p}/ports", reserved).await.refusal(), refused(400, "VPC.2500", "invalid_address"));
}

/// An object of another account does not exist.
#[tokio::test]
async fn objects_of_others_are_not_found() {
    let world = World::new().await;
    let vpc = world.a.vpc("VPC-A", "172.16.0.0/16").await;
    let subnet = world.a.subnet(&vpc, "s", "172.16.0.0/24").await;
    let table = world.a.default_table(&vpc).await;
    for (path, code) in [
        (format!("/v1/{{p}}/vpcs/{vpc}"), "VPC.0003"),
        (format!("/v3/{{p}}/vpc/vpcs/{vpc}"), "VPC.2204"),
        (format!("/v1/{{p}}/subnets/{subnet}"), "VPC.0202"),
        (format!("/v1/{{p}}/routetables/{table}"), "VPC.2808"),
    ] {
        world.a.get(&path).await.expect(200);
        assert_eq!(world.b.get(&path).await.refusal(), refused(404, code, "not_found"), "{path}");
    }
    // The other region's project of the same account does not see it either.
    let request = world.a.request_in(&world.a.second_project, Method::GET, &format!("/v1/{{p}}/vpcs/{vpc}"), "");
    assert_eq!(world.raw(request).await.status.as_u16(), 404);
}

/// Ids that are none: v1 says what is wrong, the others that there is no such object.
#[tokio::test]
async fn malformed_ids_are_told() {
    let world = World::new().await;
    for (path, expected) in [
        ("/v1/{p}/vpcs/x", refused(400, "VPC.0101", "invalid_request")),
        ("/v1/{p}/subnets/x", refused(400, "VPC.0201", "invalid_request")),
        ("/v1/{p}/security-groups/x", refused(400, "VPC.0601", "invalid_request")),
        ("/v1/{p}/routetables/x", refused(404, "VPC.2808", "not_found")),
        ("/v1/{p}/ports/x", refused(404, "VPC.2502", "not_found")),
        ("/v3/{p}/vpc/vpcs/x", refused(404, "VPC.2204", "not_found")),
        ("/v2.0/vpc/peerings/x", refused(404, "PeeringNotFound", "not_found")),
        ("/causeway/v1/servers/x", refused(404, "not_found", "not_found")),
    ] {
        assert_eq!(world.a.get(path).await.refusal(), expected, "{path}");
    }
}

#[tokio::test]
async fn quotas_are_refused_with_numbers() {
    let world = World::new().await;
    let vpc = world.a.vpc("VPC-A", "172.16.0.0/16").await;
    for n in 0..4 {
        let body = json!({"routetable": {"vpc_id": vpc, "name": format!("t{n}")}});
        world.a.post("/v1/{p}/routetables", body).await.expect(200);
    }
    let reply = world.a.post("/v1/{p}/routetables", json!({"routetable": {"vpc_id": vpc, "name": "t9"}})).await;
    assert_eq!(reply.refusal(), refused(409, "VPC.2802", "quota_exceeded"));
    assert!(reply.message().contains("5 of 5"), "{}", reply.message());
}

/// Clients send bodies and content types where none are needed (api-vpc §0.2).
#[tokio::test]
async fn a_body_on_a_get_does_no_harm() {
    let world = World::new().await;
    let vpc = world.a.vpc("VPC-A", "172.16.0.0/16").await;
    world.a.call(Method::GET, &format!("/v1/{{p}}/vpcs/{vpc}"), "{}").await.expect(200);
    world.a.call(Method::DELETE, &format!("/v1/{{p}}/vpcs/{vpc}"), "{}").await.expect(204);
}

/// Two calls for the same thing at the same time: one wins, the other is refused, nothing breaks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_equal_peerings_one_is_made() {
    let world = World::new().await;
    let (a, b) = (world.a.vpc("A", "10.0.0.0/16").await, world.a.vpc("B", "10.1.0.0/16").await);
    let calls = (0..8).map(|_| {
        let (client, a, b) = (world.a.clone(), a.clone(), b.clone());
        tokio::spawn(async move { client.ask(&a, &b, &client.project).await.status.as_u16() })
    });
    let mut statuses = Vec::new();
    for call in calls {
        statuses.push(call.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses[..2], [201, 409]);
    let list = world.a.get("/v2.0/vpc/peerings").await.expect(200);
    assert_eq!(list["peerings"].as_array().unwrap().len(), 1);
    id(&list["peerings"][0]);
}
