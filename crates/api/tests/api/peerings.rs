//! Peering connections and legacy routes on the wire (api-vpc §1, §2; lifecycle).

use serde_json::{Value, json};

use crate::fixture::{World, fields, id, ids, refused};

/// Two VPCs of a's and one of b's.
async fn vpcs(world: &World) -> (String, String, String) {
    let a = world.a.vpc("VPC-A", "172.16.0.0/16").await;
    let b = world.a.vpc("VPC-B", "172.17.0.0/16").await;
    let c = world.b.vpc("VPC-C", "172.18.0.0/16").await;
    (a, b, c)
}

/// clients §6, traps 1, 2, 3, 5.
#[tokio::test]
async fn in_one_account_a_peering_is_active_in_the_answer() {
    let world = World::new().await;
    let (a, b, _) = vpcs(&world).await;
    let body = json!({"peering": {"name": "Peering-AB", "description": "d", "request_vpc_info": {"vpc_id": a},
        "accept_vpc_info": {"vpc_id": b}}});
    let reply = world.a.post("/v2.0/vpc/peerings", body).await;
    let peering = reply.expect(201)["peering"].clone();
    assert_eq!(
        fields(&peering),
        ["accept_vpc_info", "created_at", "description", "id", "name", "request_vpc_info", "status", "updated_at"]
    );
    assert_eq!(peering["status"], "ACTIVE");
    assert_eq!(peering["request_vpc_info"], json!({"vpc_id": a, "tenant_id": world.a.project}));
    assert_eq!(peering["accept_vpc_info"], json!({"vpc_id": b, "tenant_id": world.a.project}));
    assert_eq!(peering["created_at"], "2026-01-02T03:04:05");
    // The body stays as documented; what the caller should know is in a header.
    let warnings = percent_decoded(reply.header("x-causeway-warnings"));
    assert!(warnings.contains("Routes are needed"), "{warnings}");
    let shown = world.a.get(&format!("/v2.0/vpc/peerings/{}", id(&peering))).await.expect(200);
    assert_eq!(shown, json!({"peering": peering}));
}

fn percent_decoded(text: &str) -> String {
    let query = format!("w={text}").replace('+', "%2B");
    let uri: axum::http::Uri = format!("/?{query}").parse().unwrap();
    let pairs = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&uri).unwrap().0;
    pairs[0].1.clone()
}

/// clients §6, trap 1; lifecycle LC-2.
#[tokio::test]
async fn across_accounts_the_accepter_accepts_and_the_answer_is_bare() {
    let world = World::new().await;
    let (a, _, c) = vpcs(&world).await;
    let asked = world.a.ask(&a, &c, &world.b.project).await.expect(201)["peering"].clone();
    assert_eq!(asked["status"], "PENDING_ACCEPTANCE");
    let path = format!("/v2.0/vpc/peerings/{}", id(&asked));

    let own = world.a.put(&format!("{path}/accept"), Value::Null).await;
    assert_eq!(own.refusal(), refused(403, "PolicyNotAuthorized", "not_authorized"));
    // Terraform sends neither a body nor a content type.
    let accepted = world.b.call(axum::http::Method::PUT, &format!("{path}/accept"), "").await.expect(200);
    assert_eq!((accepted["status"].as_str(), accepted["id"].as_str()), (Some("ACTIVE"), asked["id"].as_str()));
    assert!(accepted.get("peering").is_none());
    let again = world.b.put(&format!("{path}/accept"), Value::Null).await;
    assert_eq!(again.refusal(), refused(409, "PeeringStatusInvalid", "invalid_state"));

    world.b.delete(&path).await.expect(204);
    for client in [&world.a, &world.b] {
        assert_eq!(client.get(&path).await.refusal(), refused(404, "PeeringNotFound", "not_found"));
        assert_eq!(client.delete(&path).await.refusal(), refused(404, "PeeringNotFound", "not_found"));
    }
}

#[tokio::test]
async fn a_rejected_request_is_final_and_a_new_one_is_possible() {
    let world = World::new().await;
    let (a, _, c) = vpcs(&world).await;
    let asked = world.a.ask(&a, &c, &world.b.project).await.expect(201)["peering"].clone();
    let path = format!("/v2.0/vpc/peerings/{}", id(&asked));
    let rejected = world.b.put(&format!("{path}/reject"), json!({})).await.expect(200);
    assert_eq!(rejected["status"], "REJECTED");
    assert_eq!(world.b.put(&format!("{path}/accept"), json!({})).await.status.as_u16(), 409);
    world.a.ask(&a, &c, &world.b.project).await.expect(201);
}

/// The codes of the specification's scenarios, in the API's words (api-errors §4).
#[tokio::test]
async fn refused_requests_say_why() {
    let world = World::new().await;
    let (a, b, c) = vpcs(&world).await;
    let far = world.a.request_in(
        &world.a.second_project,
        axum::http::Method::POST,
        "/v1/{p}/vpcs",
        &json!({"vpc": {"name": "far", "cidr": "10.0.0.0/16"}}).to_string(),
    );
    let far = id(&world.raw(far).await.expect(200)["vpc"]);
    world.a.ask(&a, &b, &world.a.project).await.expect(201);

    let nowhere = "00000000-0000-4000-8000-000000000000";
    for (local, peer, project, expected) in [
        (&b, &a, &world.a.project, refused(409, "PeeringExists", "duplicate_peering")),
        (&a, &a, &world.a.project, refused(400, "PeeringVpcSame", "self_peering")),
        (&a, &far, &world.a.second_project, refused(400, "PeeringDifferentRegion", "different_region")),
        (&a, &c, &world.a.project, refused(404, "VpcNotFound", "peer_not_found")),
        (&a, &nowhere.to_owned(), &world.b.project, refused(404, "VpcNotFound", "peer_not_found")),
        (&c, &a, &world.a.project, refused(404, "VpcNotFound", "not_found")),
    ] {
        assert_eq!(world.a.ask(local, peer, project).await.refusal(), expected, "{local} {peer}");
    }
    for (peering, internal) in [
        (json!({"name": "", "request_vpc_info": {"vpc_id": a}, "accept_vpc_info": {"vpc_id": c}}), "invalid_name"),
        (
            json!({"name": "x", "description": "<b>", "request_vpc_info": {"vpc_id": a},
                "accept_vpc_info": {"vpc_id": c}}),
            "invalid_description",
        ),
        (json!({"name": "x", "accept_vpc_info": {"vpc_id": c}}), "invalid_request"),
        (
            json!({"name": "x", "request_vpc_info": {"vpc_id": "x"}, "accept_vpc_info": {"vpc_id": c}}),
            "invalid_request",
        ),
    ] {
        let reply = world.a.post("/v2.0/vpc/peerings", json!({"peering": peering})).await;
        assert_eq!(reply.refusal(), refused(400, "InvalidInput", internal));
    }
    // A third party does not learn that a peering exists.
    let list = world.a.get("/v2.0/vpc/peerings").await.expect(200);
    let path = format!("/v2.0/vpc/peerings/{}", ids(&list["peerings"])[0]);
    assert_eq!(world.b.get(&path).await.refusal(), refused(404, "PeeringNotFound", "not_found"));
    assert_eq!(world.a.put(&path, json!({"peering": {}})).await.status.as_u16(), 400);
    let renamed = world.a.put(&path, json!({"peering": {"name": "new", "description": ""}})).await.expect(200);
    assert_eq!(renamed["peering"]["name"], "new");
}

/// clients §6, trap 4.
#[tokio::test]
async fn filters_match_either_side() {
    let world = World::new().await;
    let (a, b, c) = vpcs(&world).await;
    let ab = id(&world.a.ask(&a, &b, &world.a.project).await.expect(201)["peering"]);
    let ac = id(&world.a.ask(&a, &c, &world.b.project).await.expect(201)["peering"]);
    let find = async |query: String| {
        let list = world.a.get(&format!("/v2.0/vpc/peerings?{query}")).await.expect(200);
        assert!(list.get("peerings_links").is_none(), "no links without a limit");
        ids(&list["peerings"])
    };
    let mut both = vec![ab.clone(), ac.clone()];
    both.sort();
    assert_eq!(find(String::new()).await, both);
    assert_eq!(find(format!("vpc_id={a}")).await, both);
    assert_eq!(find(format!("vpc_id={b}")).await, std::slice::from_ref(&ab));
    assert_eq!(find(format!("vpc_id={c}")).await, std::slice::from_ref(&ac));
    assert_eq!(find(format!("tenant_id={}", world.b.project)).await, std::slice::from_ref(&ac));
    assert_eq!(find("status=ACTIVE".to_owned()).await, std::slice::from_ref(&ab));
    assert_eq!(find(format!("id={ac}&name=p")).await, std::slice::from_ref(&ac));
    assert_eq!(find("name=other".to_owned()).await, Vec::<String>::new());
    // The other account sees the one it is a party to.
    assert_eq!(ids(&world.b.get("/v2.0/vpc/peerings").await.expect(200)["peerings"]), [ac]);
}

/// api-vpc §2: one store, two views; deleting the peering deletes routes on both sides (rule EF-4).
#[tokio::test]
async fn legacy_routes_and_the_default_table_are_two_views_of_the_same() {
    let world = World::new().await;
    let (a, b, _) = vpcs(&world).await;
    let peering = id(&world.a.ask(&a, &b, &world.a.project).await.expect(201)["peering"]);
    let (table_a, table_b) = (world.a.default_table(&a).await, world.a.default_table(&b).await);

    let route = json!({"route": {"type": "peering", "nexthop": peering, "destination": "172.17.0.0/16", "vpc_id": a,
        "tenant_id": world.a.project}});
    let made = world.a.post("/v2.0/vpc/routes", route.clone()).await.expect(201)["route"].clone();
    assert_eq!(fields(&made), ["destination", "id", "nexthop", "tenant_id", "type", "vpc_id"]);
    let shown = world.a.get(&format!("/v1/{{p}}/routetables/{table_a}")).await.expect(200);
    let routes = shown["routetable"]["routes"].as_array().unwrap();
    let custom: Vec<_> = routes.iter().filter(|route| route["type"] != "local").collect();
    assert_eq!(custom.len(), 1);
    assert_eq!(custom[0]["nexthop"], peering);

    let add = json!({"routetable": {"routes": {"add": [
        {"type": "peering", "destination": "172.16.0.0/16", "nexthop": peering, "description": "back"}]}}});
    world.a.put(&format!("/v1/{{p}}/routetables/{table_b}"), add).await.expect(200);
    let list = world.a.get("/v2.0/vpc/routes?type=peering").await.expect(200);
    assert_eq!(list["routes"].as_array().unwrap().len(), 2);
    let only = world.a.get(&format!("/v2.0/vpc/routes?vpc_id={a}")).await.expect(200);
    assert_eq!(ids(&only["routes"]), [id(&made)]);

    assert_eq!(
        world.a.post("/v2.0/vpc/routes", route).await.refusal(),
        refused(409, "RouteExists", "route_duplicate_destination")
    );
    let path = format!("/v2.0/vpc/routes/{}", id(&made));
    world.a.get(&path).await.expect(200);
    assert_eq!(world.b.get(&path).await.refusal(), refused(404, "RouteNotFound", "not_found"));
    world.a.delete(&path).await.expect(204);
    assert_eq!(world.a.delete(&path).await.refusal(), refused(404, "RouteNotFound", "not_found"));

    world.a.delete(&format!("/v2.0/vpc/peerings/{peering}")).await.expect(204);
    assert_eq!(world.a.get("/v2.0/vpc/routes").await.expect(200)["routes"], json!([]));
}

/// api-errors §4.
#[tokio::test]
async fn legacy_routes_are_checked() {
    let world = World::new().await;
    let (a, b, _) = vpcs(&world).await;
    world.a.subnet(&a, "s", "172.16.0.0/24").await;
    let peering = id(&world.a.ask(&a, &b, &world.a.project).await.expect(201)["peering"]);
    let nowhere = "00000000-0000-4000-8000-000000000000";
    for (kind, hop, destination, vpc, expected) in [
        ("peering", nowhere, "10.0.0.0/8", a.as_str(), refused(400, "InvalidRouteNexthop", "next_hop_not_in_vpc")),
        ("ecs", nowhere, "10.0.0.0/8", &a, refused(400, "InvalidInput", "invalid_parameter")),
        ("bus", nowhere, "10.0.0.0/8", &a, refused(400, "InvalidInput", "invalid_request")),
        (
            "peering",
            &peering,
            "172.16.0.0/25",
            &a,
            refused(400, "InvalidRouteDestination", "route_conflicts_with_local"),
        ),
        ("peering", &peering, "10.0.0.1/8", &a, refused(400, "InvalidInput", "invalid_cidr")),
        ("peering", &peering, "10.0.0.0/8", nowhere, refused(404, "VpcNotFound", "not_found")),
    ] {
        let route = json!({"route": {"type": kind, "nexthop": hop, "destination": destination, "vpc_id": vpc}});
        let reply = world.a.post("/v2.0/vpc/routes", route).await;
        assert_eq!(reply.refusal(), expected, "{kind} {destination}");
    }
}
