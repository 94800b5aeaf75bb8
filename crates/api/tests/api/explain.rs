//! What the API tells about why packets do not arrive, and to whom: repairs of traces, the doctor.

use serde_json::{Value, json};

use crate::fixture::{World, fields, id, refused};

/// Two VPCs of one account, peered without routes, with a server in each; answers the servers and the peering.
async fn peered(world: &World) -> (Value, Value, String) {
    let (a, b) = (world.a.vpc("VPC-A", "172.16.0.0/16").await, world.a.vpc("VPC-B", "172.17.0.0/16").await);
    let (sa, sb) = (world.a.subnet(&a, "A01", "172.16.0.0/24").await, world.a.subnet(&b, "B01", "172.17.0.0/24").await);
    let peering = id(&world.a.ask(&a, &b, &world.a.project).await.expect(201)["peering"]);
    (world.a.server("ECS-A01", &sa).await, world.a.server("RDS-B01", &sb).await, peering)
}

/// Rule DIAG-1: the smallest set of changes, for programs and for people.
#[tokio::test]
async fn a_trace_proposes_repairs() {
    let world = World::new().await;
    let (a, b, peering) = peered(&world).await;
    let ask = json!({"from": id(&a), "to": {"server": id(&b)}, "protocol": "tcp", "port": 22});
    let trace = world.a.post("/causeway/v1/trace", ask).await.expect(200);
    let verdict = &trace["verdict"];
    let repairs = verdict["repairs"].as_array().unwrap();
    assert_eq!(repairs.len(), 2, "{verdict:#}");
    assert_eq!(fields(&repairs[0]), ["account", "arguments", "command", "kind", "own", "warning"]);
    assert_eq!((&repairs[0]["kind"], &repairs[0]["own"]), (&json!("add_route"), &json!(true)));
    let arguments = &repairs[0]["arguments"];
    assert_eq!(fields(arguments), ["destination", "next_hop", "next_hop_type", "table"]);
    assert_eq!((&arguments["next_hop"], &arguments["destination"]), (&json!(peering), &json!("172.17.0.0/24")));
    let commands: Vec<&Value> = repairs.iter().map(|repair| &repair["command"]).collect();
    assert_eq!(verdict["fix"].as_array().unwrap().iter().collect::<Vec<_>>(), commands);

    // What the arguments say, done by the API, is what the tracer promised.
    for repair in repairs {
        let arguments = &repair["arguments"];
        let route =
            json!({"type": "peering", "destination": arguments["destination"], "nexthop": arguments["next_hop"]});
        let path = format!("/v1/{{p}}/routetables/{}", arguments["table"].as_str().unwrap());
        world.a.put(&path, json!({"routetable": {"routes": {"add": [route]}}})).await.expect(200);
    }
    let ask = json!({"from": id(&a), "to": {"server": id(&b)}, "protocol": "tcp", "port": 22});
    let trace = world.a.post("/causeway/v1/trace", ask).await.expect(200);
    assert_eq!(trace["verdict"]["reachable"], true, "{trace:#}");
    assert_eq!((&trace["verdict"]["repairs"], trace["verdict"].get("repair_note")), (&json!([]), None));
    let sent = &trace["forward"][0];
    assert_eq!((&sent["kind"], &sent["subnet"], &sent["ids"]["server"]), (&json!("sent"), &json!("A01"), &a["id"]));
}

/// Lifecycle section 7: the checklist, and that it is empty of problems when routes are there.
#[tokio::test]
async fn the_doctor_goes_through_the_checklist() {
    let world = World::new().await;
    let (_, _, peering) = peered(&world).await;
    let path = format!("/causeway/v1/peerings/{peering}/doctor");
    let diagnosis = world.a.get(&path).await.expect(200);
    assert_eq!(fields(&diagnosis), ["healthy", "items", "name", "peering", "status"]);
    assert_eq!((&diagnosis["healthy"], &diagnosis["status"]), (&json!(false), &json!("ACTIVE")));
    let items = diagnosis["items"].as_array().unwrap();
    assert!(items.iter().all(|item| fields(item) == ["check", "finding", "repairs", "side", "text"]));
    let routes: Vec<&Value> = items.iter().filter(|item| item["check"] == "routes").collect();
    assert_eq!(routes.len(), 2);
    for item in routes {
        assert_eq!((&item["finding"], &item["repairs"][0]["kind"]), (&json!("problem"), &json!("add_route")));
        let arguments = &item["repairs"][0]["arguments"];
        let route = json!({"type": "peering", "destination": arguments["destination"], "nexthop": peering});
        let path = format!("/v1/{{p}}/routetables/{}", arguments["table"].as_str().unwrap());
        world.a.put(&path, json!({"routetable": {"routes": {"add": [route]}}})).await.expect(200);
    }
    let diagnosis = world.a.get(&path).await.expect(200);
    assert_eq!(diagnosis["healthy"], true, "{diagnosis:#}");
    assert_eq!(items.last().unwrap()["check"], "guests");
}

/// Lifecycle sections 2 and 4: parties see their own side; strangers do not learn that the peering exists.
#[tokio::test]
async fn the_doctor_tells_each_party_its_own_side() {
    let world = World::new().await;
    let (a, b) = (world.a.vpc("VPC-A", "172.16.0.0/16").await, world.b.vpc("VPC-B", "172.17.0.0/16").await);
    world.a.subnet(&a, "Secret", "172.16.0.0/24").await;
    world.b.subnet(&b, "B01", "172.17.0.0/24").await;
    let peering = id(&world.b.ask(&b, &a, &world.a.project).await.expect(201)["peering"]);
    let path = format!("/causeway/v1/peerings/{peering}/doctor");
    let seen = world.b.get(&path).await.expect(200);
    let text = seen.to_string();
    assert!(!text.contains("Secret") && !text.contains("VPC-A") && !text.contains("172.16."), "{text}");
    let state = &seen["items"][0];
    assert_eq!((&state["check"], &state["repairs"][0]["kind"]), (&json!("state"), &json!("accept_peering")));
    assert_eq!((&state["repairs"][0]["own"], state["repairs"][0].get("account")), (&json!(false), None));
    // The other party is an operator, who sees both sides.
    let other = world.a.get(&path).await.expect(200);
    assert_eq!((&other["items"][0]["repairs"][0]["own"], other.to_string().contains("B01")), (&json!(true), true));
    let nowhere = "/causeway/v1/peerings/00000000-0000-4000-8000-000000000000/doctor";
    assert_eq!(world.b.get(nowhere).await.refusal(), refused(404, "not_found", "not_found"));
    assert_eq!(world.b.get("/causeway/v1/peerings/nonsense/doctor").await.status.as_u16(), 404);
}
