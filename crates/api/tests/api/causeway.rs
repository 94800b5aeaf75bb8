//! Causeway's own API: status, servers, traces, matrices, probes, explanations.

use agent::{DatapathKind, ProbeService};
use serde_json::{Value, json};

use crate::fixture::{World, fields, id, refused};

/// Two peered VPCs with routes and a server in each; answers the servers and the peering.
async fn peered(world: &World) -> (Value, Value, String) {
    let (a, b) = (world.a.vpc("VPC-A", "172.16.0.0/16").await, world.a.vpc("VPC-B", "172.17.0.0/16").await);
    let (sa, sb) = (world.a.subnet(&a, "A01", "172.16.0.0/24").await, world.a.subnet(&b, "B01", "172.17.0.0/24").await);
    let peering = id(&world.a.ask(&a, &b, &world.a.project).await.expect(201)["peering"]);
    for (vpc, destination) in [(&a, "172.17.0.0/16"), (&b, "172.16.0.0/16")] {
        let route =
            json!({"route": {"type": "peering", "nexthop": peering, "destination": destination, "vpc_id": vpc}});
        world.a.post("/v2.0/vpc/routes", route).await.expect(201);
    }
    (world.a.server("ECS-A01", &sa).await, world.a.server("RDS-B01", &sb).await, peering)
}

#[tokio::test]
async fn the_status_says_what_forwards_and_what_there_is() {
    let world = World::new().await;
    peered(&world).await;
    let status = world.a.get("/causeway/v1/status").await.expect(200);
    assert_eq!(
        fields(&status),
        ["account", "counts", "datapath", "datapath_note", "projects", "regions", "revision", "version"]
    );
    assert_eq!(status["datapath"], "kernel");
    assert_eq!(
        status["counts"],
        json!({"vpcs": 2, "subnets": 2, "ports": 2, "servers": 2, "peerings": 1, "routes": 2})
    );
    assert_eq!(status["regions"][0]["edge_sites"], json!(["edge-1", "edge-2"]));
    let other = world.b.get("/causeway/v1/status").await.expect(200);
    assert_eq!(other["counts"]["vpcs"], 0);
    assert_eq!(other["account"]["operator"], false);
}

#[tokio::test]
async fn servers_are_made_changed_stopped_and_deleted() {
    let world = World::new().await;
    let vpc = world.a.vpc("VPC-A", "172.16.0.0/16").await;
    let subnet = world.a.subnet(&vpc, "s", "172.16.0.0/24").await;
    let body = json!({"server": {"name": "FW", "subnet_id": subnet, "ip_address": "172.16.0.10", "kind": "firewall",
        "source_dest_check": false}});
    let server = world.a.post("/causeway/v1/servers", body).await.expect(201)["server"].clone();
    assert_eq!(
        fields(&server),
        [
            "created_at",
            "id",
            "ip_address",
            "kind",
            "mac_address",
            "name",
            "namespace",
            "port_id",
            "region",
            "security_groups",
            "source_dest_check",
            "status",
            "subnet_id",
            "vpc_id"
        ]
    );
    assert_eq!((&server["kind"], &server["status"]), (&json!("firewall"), &json!("ACTIVE")));
    assert_eq!((&server["ip_address"], &server["vpc_id"]), (&json!("172.16.0.10"), &json!(vpc)));
    assert_eq!((&server["namespace"], &server["source_dest_check"]), (&json!("cw-FW"), &json!(false)));

    let path = format!("/causeway/v1/servers/{}", id(&server));
    let changed = world.a.put(&path, json!({"server": {"source_dest_check": true}})).await.expect(200);
    assert_eq!(changed["server"]["source_dest_check"], true);
    assert_eq!(world.a.put(&path, json!({"server": {}})).await.status.as_u16(), 400);
    let stopped = world.a.post(&format!("{path}/action"), json!({"stop": {}})).await.expect(200);
    assert_eq!(stopped["server"]["status"], "SHUTOFF");
    let started = world.a.post(&format!("{path}/action"), json!({"start": {}})).await.expect(200);
    assert_eq!(started["server"]["status"], "ACTIVE");
    assert_eq!(world.a.post(&format!("{path}/action"), json!({"dance": {}})).await.status.as_u16(), 400);

    let found = world.a.get("/causeway/v1/servers?name=FW").await.expect(200);
    assert_eq!(found["servers"].as_array().unwrap().len(), 1);
    assert_eq!(world.b.get(&path).await.refusal(), refused(404, "not_found", "not_found"));
    assert_eq!(world.b.delete(&path).await.refusal(), refused(404, "not_found", "not_found"));
    world.a.delete(&path).await.expect(204);
    assert_eq!(world.a.get(&path).await.refusal(), refused(404, "not_found", "not_found"));
}

/// A kind, a network and a name that are none.
#[tokio::test]
async fn servers_are_checked() {
    let world = World::new().await;
    let vpc = world.a.vpc("VPC-A", "172.16.0.0/16").await;
    let subnet = world.a.subnet(&vpc, "s", "172.16.0.0/24").await;
    let nowhere = "00000000-0000-4000-8000-000000000000";
    for (server, status, internal) in [
        (json!({"name": "x", "subnet_id": subnet, "kind": "toaster"}), 400, "invalid_request"),
        (json!({"name": "", "subnet_id": subnet}), 400, "invalid_name"),
        (json!({"name": "x", "subnet_id": nowhere}), 404, "not_found"),
        (json!({"name": "x", "subnet_id": subnet, "security_groups": [nowhere]}), 404, "not_found"),
        (json!({"name": "x", "subnet_id": subnet, "ip_address": "10.0.0.1"}), 400, "invalid_address"),
        (json!({"name": "x"}), 400, "invalid_request"),
    ] {
        let reply = world.a.post("/causeway/v1/servers", json!({"server": server})).await;
        assert_eq!(reply.refusal(), refused(status, internal, internal), "{server}");
    }
}

/// Rule DIAG-1.
#[tokio::test]
async fn a_trace_explains_both_ways() {
    let world = World::new().await;
    let (a, b, peering) = peered(&world).await;
    let ask = json!({"from": id(&a), "to": {"server": id(&b)}, "protocol": "tcp", "port": 5432});
    let group = world.a.get("/v2.0/security-groups?name=default").await.expect(200)["security_groups"][0].clone();
    let open = json!({"security_group_rule": {"security_group_id": id(&group), "direction": "ingress",
        "protocol": "tcp", "multiport": "5432", "remote_ip_prefix": "172.16.0.0/12"}});
    world.a.post("/v3/{p}/vpc/security-group-rules", open).await.expect(201);
    let trace = world.a.post("/causeway/v1/trace", ask.clone()).await.expect(200);
    assert_eq!(fields(&trace), ["forward", "return", "verdict"]);
    assert_eq!(trace["verdict"]["reachable"], true, "{trace:#}");
    assert_eq!(trace["verdict"]["delivered_to_name"], "RDS-B01");
    assert_eq!(trace["verdict"]["observed_source"], a["ip_address"]);
    assert!(trace["forward"].as_array().unwrap().len() > 3);

    world.a.delete(&format!("/v2.0/vpc/peerings/{peering}")).await.expect(204);
    let trace = world.a.post("/causeway/v1/trace", ask).await.expect(200);
    let verdict = &trace["verdict"];
    assert_eq!((&verdict["reason"], &verdict["leg"]), (&json!("no_route"), &json!("forward")));
    assert_eq!((&verdict["at"], &verdict["at_name"]), (&a["vpc_id"], &json!("VPC-A")));
    assert!(!verdict["explanation"].as_str().unwrap().is_empty());
    let address = json!({"from": id(&a), "to": {"address": "172.16.0.99"}, "protocol": "icmp"});
    let trace = world.a.post("/causeway/v1/trace", address).await.expect(200);
    assert_eq!(trace["verdict"]["reason"], "no_such_host");
}

#[tokio::test]
async fn nobody_traces_from_or_to_what_is_not_theirs() {
    let world = World::new().await;
    let (a, b, _) = peered(&world).await;
    let ask = json!({"from": id(&a), "to": {"server": id(&b)}, "protocol": "icmp"});
    assert_eq!(world.b.post("/causeway/v1/trace", ask).await.refusal(), refused(404, "not_found", "not_found"));
    for wrong in [
        json!({"from": id(&a), "to": {"server": id(&b)}, "protocol": "tcp"}),
        json!({"from": id(&a), "to": {"server": id(&b)}, "protocol": "sctp", "port": 1}),
        json!({"from": id(&a), "to": {}, "protocol": "icmp"}),
        json!({"to": {"server": id(&b)}, "protocol": "icmp"}),
        json!({"from": id(&a), "to": {"address": "nowhere"}, "protocol": "icmp"}),
    ] {
        let reply = world.a.post("/causeway/v1/trace", wrong.clone()).await;
        assert_eq!(reply.refusal(), refused(400, "invalid_request", "invalid_request"), "{wrong}");
    }
}

#[tokio::test]
async fn the_matrix_is_traced_and_measured() {
    let world = World::new().await;
    let (a, b, _) = peered(&world).await;
    let traced = world.a.post("/causeway/v1/reach", json!({"protocol": "icmp"})).await.expect(200);
    assert_eq!(traced["servers"].as_array().unwrap().len(), 2);
    let cells = traced["matrix"].as_array().unwrap();
    assert_eq!(cells.len(), 2);
    assert!(cells.iter().all(|cell| cell.get("measured").is_none() && cell["from"] != cell["to"]));

    let ask = json!({"servers": [id(&a), id(&b)], "protocol": "tcp", "port": 80, "measure": true});
    let measured = world.a.post("/causeway/v1/reach", ask).await.expect(200);
    assert!(measured["matrix"].as_array().unwrap().iter().all(|cell| cell["measured"]["reachable"] == true));
    assert_eq!(world.agent.probes.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_probe_sends_what_was_asked() {
    let world = World::new().await;
    let (a, b, _) = peered(&world).await;
    let ask = json!({"from": id(&a), "to": {"server": id(&b)}, "protocol": "udp", "port": 53, "timeout_ms": 250});
    let answer = world.a.post("/causeway/v1/probe", ask).await.expect(200);
    assert_eq!(answer, json!({"replied": true, "delivered": true, "observed_source": "10.0.0.9"}));
    let probe = world.agent.probes.lock().unwrap()[0].clone();
    assert_eq!((probe.service, probe.timeout.as_millis()), (ProbeService::Udp(53), 250));
    assert_eq!(probe.address.to_string(), b["ip_address"].as_str().unwrap());
}

#[tokio::test]
async fn the_simulator_has_no_packets_to_measure_with() {
    let world = World::with(DatapathKind::Sim).await;
    let (a, b, _) = peered(&world).await;
    assert!(a.get("namespace").is_none());
    let ask = json!({"from": id(&a), "to": {"server": id(&b)}, "protocol": "icmp"});
    assert_eq!(world.a.post("/causeway/v1/probe", ask).await.refusal(), refused(409, "no_packets", "no_packets"));
    let ask = json!({"protocol": "icmp", "measure": true});
    assert_eq!(world.a.post("/causeway/v1/reach", ask).await.refusal(), refused(409, "no_packets", "no_packets"));
    assert_eq!(world.a.get("/causeway/v1/status").await.expect(200)["datapath"], "sim");
}

#[tokio::test]
async fn warnings_and_states_of_routes_are_explained() {
    let world = World::new().await;
    let (a, b) = (world.a.vpc("A", "172.16.0.0/16").await, world.b.vpc("B", "172.17.0.0/16").await);
    let peering = id(&world.a.ask(&a, &b, &world.b.project).await.expect(201)["peering"]);
    let warnings = world.b.get(&format!("/causeway/v1/warnings/peerings/{peering}")).await.expect(200);
    assert!(warnings["warnings"][0].as_str().unwrap().contains("Routes are needed"));

    let table = world.a.default_table(&a).await;
    let add = json!({"routetable": {"routes": {"add": [
        {"type": "peering", "destination": "172.17.0.0/16", "nexthop": peering}]}}});
    world.a.put(&format!("/v1/{{p}}/routetables/{table}"), add).await.expect(200);
    let states = world.a.get(&format!("/causeway/v1/route-tables/{table}/routes")).await.expect(200);
    let routes = states["routes"].as_array().unwrap();
    let custom = routes.iter().find(|route| route["type"] == "peering").unwrap();
    assert_eq!(fields(custom), ["description", "destination", "id", "nexthop", "note", "state", "type"]);
    assert_eq!(custom["state"], "inactive");
    assert!(custom["note"].as_str().unwrap().contains("not accepted yet"));
    let foreign = world.b.get(&format!("/causeway/v1/route-tables/{table}/routes")).await;
    assert_eq!(foreign.refusal(), refused(404, "not_found", "not_found"));
}
