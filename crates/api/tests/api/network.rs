//! VPCs, subnets, route tables, ports and quotas on the wire (api-vpc §3 to §6, §12).

use axum::http::Method;
use serde_json::{Value, json};

use crate::fixture::{World, fields, id, ids, refused};

/// clients §6, traps 2, 19: v1 says OK, v3 says ACTIVE.
#[tokio::test]
async fn a_vpc_has_two_views() {
    let world = World::new().await;
    let body = json!({"vpc": {"name": "VPC-A", "cidr": "172.16.0.0/16", "description": "d", "unknown": 1}});
    let vpc = world.a.post("/v1/{p}/vpcs", body).await.expect(200)["vpc"].clone();
    assert_eq!(
        vpc,
        json!({"id": id(&vpc), "name": "VPC-A", "description": "d", "cidr": "172.16.0.0/16", "status": "OK",
            "enterprise_project_id": "0", "routes": [], "enhanced_local_route": true, "enable_shared_snat": false,
            "block_service_endpoint_states": "off", "enable_network_address_usage_metrics": false,
            "tenant_id": world.a.project, "created_at": "2026-01-02T03:04:05", "updated_at": "2026-01-02T03:04:05"})
    );
    let v1 = world.a.get(&format!("/v1/{{p}}/vpcs/{}", id(&vpc))).await.expect(200);
    assert_eq!(v1, json!({"vpc": vpc}));
    let reply = world.a.get(&format!("/v3/{{p}}/vpc/vpcs/{}", id(&vpc))).await;
    let v3 = reply.expect(200);
    assert_eq!(v3["request_id"], reply.header("x-request-id"));
    assert_eq!(
        v3["vpc"],
        json!({"id": id(&vpc), "name": "VPC-A", "description": "d", "cidr": "172.16.0.0/16", "extend_cidrs": [],
            "status": "ACTIVE", "project_id": world.a.project, "enterprise_project_id": "0",
            "created_at": "2026-01-02T03:04:05Z", "updated_at": "2026-01-02T03:04:05Z",
            "cloud_resources": [{"resource_type": "routetable", "resource_count": 1}], "tags": [],
            "block_service_endpoint_states": "off", "enable_network_address_usage_metrics": false})
    );
}

/// api-vpc §4.1: what the provider's acceptance test does, and what only newer clients send.
#[tokio::test]
async fn a_vpcs_switches_are_kept() {
    let world = World::new().await;
    let body = json!({"vpc": {"name": "x", "cidr": "10.0.0.0/16", "enhanced_local_route": false,
        "block_service_endpoint_states": "on", "enable_network_address_usage_metrics": true,
        "enable_shared_snat": false}});
    let vpc = id(&world.a.post("/v1/{p}/vpcs", body).await.expect(200)["vpc"]);
    let path = format!("/v1/{{p}}/vpcs/{vpc}");
    let shown = world.a.get(&path).await.expect(200)["vpc"].clone();
    assert_eq!(
        (&shown["enhanced_local_route"], &shown["block_service_endpoint_states"]),
        (&json!(false), &json!("on"))
    );
    assert_eq!(shown["enable_network_address_usage_metrics"], true);
    let v3 = world.a.get(&format!("/v3/{{p}}/vpc/vpcs/{vpc}")).await.expect(200)["vpc"].clone();
    assert_eq!(
        (&v3["block_service_endpoint_states"], &v3["enable_network_address_usage_metrics"]),
        (&json!("on"), &json!(true))
    );
    let update = async |fields: serde_json::Value| world.a.put(&path, json!({"vpc": fields})).await;
    let changed = update(json!({"enhanced_local_route": true, "enable_network_address_usage_metrics": false})).await;
    let changed = changed.expect(200)["vpc"].clone();
    assert_eq!(
        (&changed["enhanced_local_route"], &changed["enable_network_address_usage_metrics"]),
        (&json!(true), &json!(false))
    );
    let refusal = update(json!({"enhanced_local_route": false})).await.refusal();
    assert_eq!(refusal, refused(400, "VPC.0101", "invalid_parameter"));
    let refusal = update(json!({"enable_shared_snat": true})).await.refusal();
    assert_eq!(refusal, refused(400, "VPC.0101", "not_supported"));
    let wrong = json!({"vpc": {"name": "y", "block_service_endpoint_states": "maybe"}});
    assert_eq!(world.a.post("/v1/{p}/vpcs", wrong).await.refusal(), refused(400, "VPC.0101", "invalid_request"));
    let subnet = json!({"subnet": {"name": "s", "cidr": "10.0.1.0/24", "gateway_ip": "10.0.1.1", "vpc_id": vpc,
        "enable_network_address_usage_metrics": true}});
    let subnet = world.a.post("/v1/{p}/subnets", subnet).await.expect(200)["subnet"].clone();
    assert_eq!((&subnet["enable_network_address_usage_metrics"], &subnet["scope"]), (&json!(true), &json!("center")));
    let change = json!({"subnet": {"name": "s", "enable_network_address_usage_metrics": false}});
    world.a.put(&format!("/v1/{{p}}/vpcs/{vpc}/subnets/{}", id(&subnet)), change).await.expect(200);
    let subnet = world.a.get(&format!("/v1/{{p}}/subnets/{}", id(&subnet))).await.expect(200)["subnet"].clone();
    assert_eq!(subnet["enable_network_address_usage_metrics"], false);
    let edge = json!({"vpc": {"name": "edge", "cidr": "10.0.0.0/16", "edge_site": "edge-1"}});
    let edge = id(&world.a.post("/v1/{p}/vpcs", edge).await.expect(200)["vpc"]);
    let subnet = world.a.subnet(&edge, "s", "10.0.1.0/24").await;
    assert_eq!(world.a.get(&format!("/v1/{{p}}/subnets/{subnet}")).await.expect(200)["subnet"]["scope"], "edge-1");
}

#[tokio::test]
async fn vpcs_are_changed_and_deleted() {
    let world = World::new().await;
    let vpc = world.a.vpc("VPC-A", "172.16.0.0/16").await;
    let path = format!("/v1/{{p}}/vpcs/{vpc}");
    let body = json!({"vpc": {"name": "new", "cidr": "172.16.0.0/12", "description": ""}});
    assert_eq!(world.a.put(&path, body).await.expect(200)["vpc"]["cidr"], "172.16.0.0/12");
    let v3 = format!("/v3/{{p}}/vpc/vpcs/{vpc}");
    assert_eq!(world.a.put(&v3, json!({"vpc": {"name": "v3"}})).await.expect(200)["vpc"]["name"], "v3");
    world.a.delete(&path).await.expect(204);
    assert_eq!(world.a.get(&path).await.refusal(), refused(404, "VPC.0003", "not_found"));
    assert_eq!(world.a.delete(&path).await.refusal(), refused(404, "VPC.0003", "not_found"));
    assert_eq!(world.a.get(&v3).await.refusal(), refused(404, "VPC.2204", "not_found"));
}

/// api-vpc §0.3: 202 and nothing changed.
#[tokio::test]
async fn a_dry_run_changes_nothing() {
    let world = World::new().await;
    let body = json!({"dry_run": true, "vpc": {"name": "x", "cidr": "10.0.0.0/16"}});
    let reply = world.a.post("/v3/{p}/vpc/vpcs", body).await;
    assert_eq!(fields(&reply.expect(202)), ["request_id"]);
    let wrong = json!({"dry_run": true, "vpc": {"name": "x", "cidr": "11.0.0.0/16"}});
    assert_eq!(world.a.post("/v3/{p}/vpc/vpcs", wrong).await.refusal(), refused(400, "VPC.0101", "invalid_cidr"));
    assert_eq!(world.a.get("/v1/{p}/vpcs").await.expect(200)["vpcs"], json!([]));
    let made = world.a.post("/v3/{p}/vpc/vpcs", json!({"vpc": {"name": "x", "cidr": "10.0.0.0/16"}})).await;
    assert_eq!(made.expect(201)["vpc"]["status"], "ACTIVE");
}

/// api-vpc §4.4.
#[tokio::test]
async fn secondary_ranges_come_and_go() {
    let world = World::new().await;
    let vpc = world.a.vpc("VPC-A", "172.16.0.0/16").await;
    let (add, remove) =
        (format!("/v3/{{p}}/vpc/vpcs/{vpc}/add-extend-cidr"), format!("/v3/{{p}}/vpc/vpcs/{vpc}/remove-extend-cidr"));
    let cidrs = |list: &[&str]| json!({"vpc": {"extend_cidrs": list}});
    let both = world.a.put(&add, cidrs(&["168.10.0.0/16", "168.20.0.0/16"])).await.expect(200);
    assert_eq!(both["vpc"]["extend_cidrs"], json!(["168.10.0.0/16", "168.20.0.0/16"]));
    let subnet = world.a.subnet(&vpc, "s", "168.10.1.0/24").await;
    assert_eq!(
        world.a.put(&remove, cidrs(&["168.10.0.0/16"])).await.refusal(),
        refused(409, "VPC.0104", "cidr_in_use")
    );
    world.a.delete(&format!("/v1/{{p}}/vpcs/{vpc}/subnets/{subnet}")).await.expect(204);
    assert_eq!(
        world.a.put(&remove, cidrs(&["168.10.0.0/16"])).await.expect(200)["vpc"]["extend_cidrs"],
        json!(["168.20.0.0/16"])
    );
    for (path, cidr, internal) in [
        (&add, "172.16.4.0/24", "cidr_overlap"),
        (&add, "100.64.0.0/16", "invalid_cidr"),
        (&remove, "168.10.0.0/16", "cidr_not_found"),
    ] {
        assert_eq!(world.a.put(path, cidrs(&[cidr])).await.refusal(), refused(400, "VPC.0101", internal), "{cidr}");
    }
}

/// Causeway's own: the edge site of a VPC (rule EDGE-1).
#[tokio::test]
async fn an_edge_site_is_given_and_shown() {
    let world = World::new().await;
    let body = json!({"vpc": {"name": "e", "cidr": "10.0.0.0/16", "edge_site": "edge-1"}});
    assert_eq!(world.a.post("/v1/{p}/vpcs", body).await.expect(200)["vpc"]["edge_site"], "edge-1");
    let wrong = json!({"vpc": {"name": "f", "cidr": "10.0.0.0/16", "edge_site": "edge-9"}});
    assert_eq!(world.a.post("/v1/{p}/vpcs", wrong).await.status.as_u16(), 400);
}

/// clients §6, traps 22 and 26.
#[tokio::test]
async fn a_subnet_has_two_ids_and_its_update_answers_two_fields() {
    let world = World::new().await;
    let vpc = world.a.vpc("VPC-A", "172.16.0.0/16").await;
    let body = json!({"subnet": {"name": "s", "cidr": "172.16.0.0/24", "gateway_ip": "172.16.0.1", "vpc_id": vpc,
        "dnsList": ["8.8.8.8", "114.114.114.114"], "dhcp_enable": true, "ipv6_enable": false,
        "extra_dhcp_opts": [{"opt_name": "ntp", "opt_value": "10.0.0.1"}]}});
    let subnet = world.a.post("/v1/{p}/subnets", body).await.expect(200)["subnet"].clone();
    assert_eq!(subnet["id"], subnet["neutron_network_id"]);
    assert_ne!(subnet["id"], subnet["neutron_subnet_id"]);
    assert!(subnet.get("cidr_v6").is_none() && subnet.get("neutron_subnet_id_v6").is_none());
    assert_eq!(subnet["status"], "ACTIVE");
    assert_eq!((&subnet["primary_dns"], &subnet["secondary_dns"]), (&json!("8.8.8.8"), &json!("114.114.114.114")));
    assert_eq!(subnet["available_ip_address_count"], 251);
    assert_eq!(subnet["extra_dhcp_opts"], json!([{"opt_name": "ntp", "opt_value": "10.0.0.1"}]));

    let path = format!("/v1/{{p}}/vpcs/{vpc}/subnets/{}", id(&subnet));
    let update = json!({"subnet": {"name": "t", "dhcp_enable": true,
        "extra_dhcp_opts": [{"opt_name": "ntp", "opt_value": null}, {"opt_name": "domainname", "opt_value": null}]}});
    let updated = world.a.put(&path, update).await.expect(200);
    assert_eq!(updated, json!({"subnet": {"id": id(&subnet), "status": "ACTIVE"}}));
    let shown = world.a.get(&format!("/v1/{{p}}/subnets/{}", id(&subnet))).await.expect(200)["subnet"].clone();
    assert_eq!((&shown["name"], &shown["extra_dhcp_opts"]), (&json!("t"), &json!([])));
    assert_eq!(shown["dnsList"], json!(["8.8.8.8", "114.114.114.114"]), "what is not given stays");

    let other = world.a.vpc("VPC-B", "172.17.0.0/16").await;
    let wrong = format!("/v1/{{p}}/vpcs/{other}/subnets/{}", id(&subnet));
    assert_eq!(world.a.delete(&wrong).await.refusal(), refused(400, "VPC.0207", "subnet_not_in_vpc"));
    world.a.delete(&path).await.expect(204);
    assert_eq!(world.a.delete(&path).await.refusal(), refused(404, "VPC.0202", "not_found"));
}

/// clients §6, traps 11 and 12.
#[tokio::test]
async fn what_is_in_use_stays_and_the_status_makes_clients_wait() {
    let world = World::new().await;
    let vpc = world.a.vpc("VPC-A", "172.16.0.0/16").await;
    let subnet = world.a.subnet(&vpc, "s", "172.16.0.0/24").await;
    let reply = world.a.delete(&format!("/v1/{{p}}/vpcs/{vpc}")).await;
    assert_eq!(reply.refusal(), refused(409, "VPC.0104", "vpc_in_use"));
    let port = world.a.post("/v1/{p}/ports", json!({"port": {"network_id": subnet}})).await.expect(200);
    let path = format!("/v1/{{p}}/vpcs/{vpc}/subnets/{subnet}");
    assert_eq!(world.a.delete(&path).await.refusal(), refused(500, "VPC.0208", "subnet_in_use"));
    world.a.delete(&format!("/v1/{{p}}/ports/{}", id(&port["port"]))).await.expect(204);
    world.a.server("ECS", &subnet).await;
    assert_eq!(world.a.delete(&path).await.refusal(), refused(500, "VPC.0209", "subnet_in_use"));
    let peer = world.a.vpc("VPC-B", "172.17.0.0/16").await;
    world.a.ask(&peer, &vpc, &world.a.project).await.expect(201);
    let reply = world.a.delete(&format!("/v1/{{p}}/vpcs/{peer}")).await;
    assert_eq!(reply.refusal(), refused(409, "VPC.0108", "vpc_in_use"));
}

/// clients §6, traps 16, 17, 18.
#[tokio::test]
async fn route_tables_show_routes_only_one_by_one() {
    let world = World::new().await;
    let (a, b) = (world.a.vpc("VPC-A", "172.16.0.0/16").await, world.a.vpc("VPC-B", "172.17.0.0/16").await);
    let subnet = world.a.subnet(&a, "s", "172.16.0.0/24").await;
    let peering = id(&world.a.ask(&a, &b, &world.a.project).await.expect(201)["peering"]);
    let list = world.a.get(&format!("/v1/{{p}}/routetables?vpc_id={a}")).await.expect(200);
    let table = &list["routetables"][0];
    assert!(table.get("routes").is_none());
    assert_eq!((&table["default"], &table["name"]), (&json!(true), &json!("rtb-VPC-A")));
    assert_eq!(table["subnets"], json!([{"id": subnet}]));

    let path = format!("/v1/{{p}}/routetables/{}", id(table));
    let locals = |shown: &Value| -> Vec<String> {
        let routes = shown["routetable"]["routes"].as_array().unwrap();
        let local = routes.iter().filter(|route| route["type"] == "local");
        local.map(|route| route["destination"].as_str().unwrap().to_owned()).collect()
    };
    let shown = world.a.get(&path).await.expect(200);
    assert_eq!(locals(&shown), ["100.64.0.0/10", "172.16.0.0/24", "198.19.128.0/20"]);
    let local = &shown["routetable"]["routes"][0];
    assert_eq!((&local["nexthop"], &local["system"]), (&json!("-"), &json!(true)));

    // Six at once, though creation takes five; then delete, change and add in one call.
    let route = |n: u8| json!({"type": "peering", "destination": format!("10.{n}.0.0/16"), "nexthop": peering});
    let six: Vec<_> = (0..6).map(route).collect();
    world.a.put(&path, json!({"routetable": {"routes": {"add": six}}})).await.expect(200);
    let mut changed = route(1);
    changed["description"] = json!("changed");
    let body = json!({"routetable": {"name": "main", "routes": {
        "del": [route(0)], "mod": [changed], "add": [route(7)]}}});
    let updated = world.a.put(&path, body).await.expect(200)["routetable"].clone();
    assert_eq!(updated["name"], "main");
    let custom: Vec<_> =
        updated["routes"].as_array().unwrap().iter().filter(|route| route["system"] == false).collect();
    assert_eq!(custom.len(), 6);
    assert_eq!(
        custom[0],
        &json!({"type": "peering", "destination": "10.1.0.0/16", "nexthop": peering,
        "description": "changed", "system": false})
    );

    for (routes, expected) in [
        (json!({"add": [route(1)]}), refused(400, "VPC.2809", "route_duplicate_destination")),
        (json!({"del": [{"destination": "10.99.0.0/16"}]}), refused(400, "VPC.2805", "route_not_found")),
        (
            json!({"add": [{"type": "peering", "destination": "172.16.0.128/25", "nexthop": peering}]}),
            refused(400, "VPC.2809", "route_conflicts_with_local"),
        ),
        (
            json!({"add": [{"type": "peering", "destination": "10.1.1.1/16", "nexthop": peering}]}),
            refused(400, "VPC.2801", "invalid_cidr"),
        ),
        (
            json!({"add": [{"type": "vpn", "destination": "10.77.0.0/16", "nexthop": peering}]}),
            refused(400, "VPC.2806", "next_hop_type_not_supported"),
        ),
        (
            json!({"add": [{"type": "ecs", "destination": "10.77.0.0/16", "nexthop": peering}]}),
            refused(400, "VPC.2806", "next_hop_not_in_vpc"),
        ),
        (json!({"del": [{"destination": "172.16.0.0/24"}]}), refused(400, "VPC.2809", "system_route")),
    ] {
        let reply = world.a.put(&path, json!({"routetable": {"routes": routes}})).await;
        assert_eq!(reply.refusal(), expected, "{routes}");
    }
    assert_eq!(world.a.delete(&path).await.refusal(), refused(400, "VPC.2803", "default_table"));
}

/// api-vpc §3.2, §3.3.
#[tokio::test]
async fn subnets_move_between_tables() {
    let world = World::new().await;
    let vpc = world.a.vpc("VPC-A", "172.16.0.0/16").await;
    let subnet = world.a.subnet(&vpc, "s", "172.16.0.0/24").await;
    let made = world.a.post("/v1/{p}/routetables", json!({"routetable": {"vpc_id": vpc, "name": "custom"}})).await;
    let table = id(&made.expect(200)["routetable"]);
    let path = format!("/v1/{{p}}/routetables/{table}");
    let action = |key: &str| json!({"routetable": {"subnets": {key: [subnet]}}});
    let moved = world.a.post(&format!("{path}/action"), action("associate")).await.expect(200);
    assert_eq!(moved["routetable"]["subnets"], json!([{"id": subnet}]));
    let found = world.a.get(&format!("/v1/{{p}}/routetables?subnet_id={subnet}")).await.expect(200);
    assert_eq!(ids(&found["routetables"]), std::slice::from_ref(&table));
    assert_eq!(world.a.delete(&path).await.refusal(), refused(409, "VPC.2804", "table_in_use"));
    let back = world.a.post(&format!("{path}/action"), action("disassociate")).await.expect(200);
    assert_eq!(back["routetable"]["subnets"], json!([]));
    let again = world.a.post(&format!("{path}/action"), action("disassociate")).await;
    assert_eq!(again.refusal(), refused(400, "VPC.2807", "subnet_not_on_table"));
    let nowhere = json!({"routetable": {"subnets": {"associate": ["00000000-0000-4000-8000-000000000000"]}}});
    assert_eq!(world.a.post(&format!("{path}/action"), nowhere).await.refusal(), refused(400, "VPC.2807", "not_found"));
    world.a.delete(&path).await.expect(204);
    assert_eq!(world.a.get(&path).await.refusal(), refused(404, "VPC.2808", "not_found"));

    let many: Vec<_> =
        (0..6).map(|n| json!({"type": "ecs", "destination": format!("10.{n}.0.0/16"), "nexthop": "x"})).collect();
    let body = json!({"routetable": {"vpc_id": vpc, "name": "t", "routes": many}});
    assert_eq!(
        world.a.post("/v1/{p}/routetables", body).await.refusal(),
        refused(400, "VPC.2801", "invalid_parameter")
    );
}

/// clients §6, traps 13, 22, 23.
#[tokio::test]
async fn ports_keep_what_null_leaves_and_show_what_was_given() {
    let world = World::new().await;
    let vpc = world.a.vpc("VPC-A", "172.16.0.0/16").await;
    let subnet = world.a.subnet(&vpc, "s", "172.16.0.0/24").await;
    let neutron = world.a.get(&format!("/v1/{{p}}/subnets/{subnet}")).await.expect(200)["subnet"]["neutron_subnet_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let body = json!({"port": {"network_id": subnet, "name": "vip", "device_owner": "neutron:VIP_PORT",
        "fixed_ips": [{"subnet_id": neutron, "ip_address": "172.16.0.50"}]}});
    let vip = world.a.post("/v1/{p}/ports", body.clone()).await.expect(200)["port"].clone();
    assert_eq!(vip["fixed_ips"], json!([{"subnet_id": neutron, "ip_address": "172.16.0.50"}]));
    assert_eq!((&vip["status"], &vip["device_id"]), (&json!("DOWN"), &json!("")));
    assert!(vip["mac_address"].as_str().unwrap().starts_with("fa:16:3e:"));
    for field in ["binding:vnic_type", "binding:profile", "instance_id", "zone_id", "enable_efi"] {
        assert!(vip.get(field).is_some(), "{field}");
    }
    assert_eq!(world.a.post("/v1/{p}/ports", body).await.refusal(), refused(409, "VPC.0701", "address_in_use"));

    let port = world.a.post("/v2.0/ports", json!({"port": {"network_id": subnet}})).await.expect(201)["port"].clone();
    assert!(port.get("instance_id").is_none() && port["project_id"] == world.a.project.as_str());
    let path = format!("/v1/{{p}}/ports/{}", id(&port));
    let pairs = json!([{"ip_address": "1.1.1.1/0"}]);
    let shown = world.a.put(&path, json!({"port": {"allowed_address_pairs": pairs}})).await.expect(200);
    assert_eq!(shown["port"]["allowed_address_pairs"][0]["ip_address"], "1.1.1.1/0");
    let nulls = json!({"port": {"name": "n", "security_groups": null, "allowed_address_pairs": null,
        "extra_dhcp_opts": null}});
    let kept = world.a.put(&path, nulls).await.expect(200)["port"].clone();
    assert_eq!((&kept["name"], &kept["security_groups"]), (&json!("n"), &port["security_groups"]));
    assert_eq!(kept["allowed_address_pairs"][0]["ip_address"], "1.1.1.1/0");
    let cleared = world.a.put(&path, json!({"port": {"allowed_address_pairs": []}})).await.expect(200);
    assert_eq!(cleared["port"]["allowed_address_pairs"], json!([]));

    let find = async |query: &str| ids(&world.a.get(&format!("/v1/{{p}}/ports?{query}")).await.expect(200)["ports"]);
    assert_eq!(find("fixed_ips=ip_address=172.16.0.50").await, [id(&vip)]);
    assert_eq!(find(&format!("fixed_ips=subnet_id={neutron}")).await.len(), 2);
    assert_eq!(find("device_owner=neutron:VIP_PORT").await, [id(&vip)]);
    assert_eq!(find(&format!("id={}&id={}", id(&vip), id(&port))).await.len(), 2);
    world.a.delete(&path).await.expect(204);
    assert_eq!(world.a.get(&path).await.refusal(), refused(404, "VPC.2502", "not_found"));
    let v2 = format!("/v2.0/ports/{}", id(&port));
    assert_eq!(world.a.get(&v2).await.refusal(), refused(404, "PortNotFound", "not_found"));
}

/// api-vpc §6.1.
#[tokio::test]
async fn a_port_of_a_server_cannot_be_deleted() {
    let world = World::new().await;
    let vpc = world.a.vpc("VPC-A", "172.16.0.0/16").await;
    let subnet = world.a.subnet(&vpc, "s", "172.16.0.0/24").await;
    let port = world.a.server("ECS", &subnet).await["port_id"].as_str().unwrap().to_owned();
    let v1 = world.a.delete(&format!("/v1/{{p}}/ports/{port}")).await;
    assert_eq!(v1.refusal(), refused(400, "VPC.2500", "port_in_use"));
    let v2 = world.a.delete(&format!("/v2.0/ports/{port}")).await;
    assert_eq!(v2.refusal(), refused(409, "PortInUse", "port_in_use"));
    let shown = world.a.get(&format!("/v2.0/ports/{port}")).await.expect(200);
    assert_eq!(shown["port"]["status"], "ACTIVE");
}

/// api-vpc §12.
#[tokio::test]
async fn quotas_count_what_there_is() {
    let world = World::new().await;
    world.a.vpc("VPC-A", "172.16.0.0/16").await;
    let all = world.a.get("/v1/{p}/quotas").await.expect(200);
    assert!(all["quotas"]["resources"].as_array().unwrap().len() > 15);
    let one = world.a.get("/v1/{p}/quotas?type=vpc").await.expect(200);
    assert_eq!(one, json!({"quotas": {"resources": [{"type": "vpc", "used": 1, "quota": 150, "min": 0}]}}));
    assert_eq!(world.a.get("/v1/{p}/quotas?type=bus").await.refusal(), refused(400, "VPC.1207", "invalid_request"));
}

/// A change is answered when the data plane has it; one that it does not get is answered with a warning.
#[tokio::test]
async fn answers_wait_for_the_data_plane() {
    use std::sync::atomic::Ordering;
    let world = World::new().await;
    world.a.vpc("VPC-A", "172.16.0.0/16").await;
    let revision = world.driver.catalog().revision().0;
    assert_eq!(world.agent.settled.load(Ordering::SeqCst), revision);
    world.agent.stuck.store(true, Ordering::SeqCst);
    let reply = world.a.post("/v1/{p}/vpcs", json!({"vpc": {"name": "x"}})).await;
    reply.expect(200);
    assert!(reply.header("x-causeway-warnings").contains("on%20fire"), "{reply:?}");
}

/// What has no room in the data plane is refused; deleting is always possible.
#[tokio::test]
async fn a_full_data_plane_refuses_new_objects() {
    let world = World::new().await;
    let vpc = world.a.vpc("VPC-A", "172.16.0.0/16").await;
    *world.agent.full.lock().unwrap() = Some("the table of ports has no room for more".to_owned());
    let reply = world.a.post("/v1/{p}/vpcs", json!({"vpc": {"name": "x"}})).await;
    assert_eq!(reply.refusal(), refused(409, "VPC.2502", "exhausted"));
    assert!(reply.message().contains("no room"));
    world.a.put(&format!("/v1/{{p}}/vpcs/{vpc}"), json!({"vpc": {"name": "y"}})).await.expect(200);
    world.a.call(Method::DELETE, &format!("/v1/{{p}}/vpcs/{vpc}"), "").await.expect(204);
}

/// api-vpc §5.3, §0.2: absent is not cleared.
#[tokio::test]
async fn one_dns_server_of_a_subnet_changes_and_the_other_stays() {
    let world = World::new().await;
    let vpc = world.a.vpc("VPC-A", "172.16.0.0/16").await;
    let subnet = world.a.subnet(&vpc, "s", "172.16.0.0/24").await;
    let update = async |fields: Value| {
        let mut body = json!({"name": "s"});
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        world.a.put(&format!("/v1/{{p}}/vpcs/{vpc}/subnets/{subnet}"), json!({ "subnet": body })).await.expect(200);
        let shown = world.a.get(&format!("/v1/{{p}}/subnets/{subnet}")).await.expect(200)["subnet"].clone();
        shown["dnsList"].clone()
    };
    for (change, wanted) in [
        (json!({"primary_dns": "9.9.9.9"}), json!(["9.9.9.9", "8.8.8.8"])),
        (json!({"secondary_dns": "9.9.9.9"}), json!(["1.1.1.1", "9.9.9.9"])),
        (json!({"primary_dns": null, "secondary_dns": "9.9.9.9"}), json!(["1.1.1.1", "9.9.9.9"])),
        (json!({"secondary_dns": ""}), json!(["1.1.1.1"])),
        (json!({"primary_dns": ""}), json!(["8.8.8.8"])),
        (json!({"primary_dns": "", "secondary_dns": ""}), json!([])),
        (json!({}), json!(["1.1.1.1", "8.8.8.8"])),
        (json!({"dnsList": ["9.9.9.9"]}), json!(["9.9.9.9"])),
        (json!({"dnsList": []}), json!([])),
    ] {
        let before = json!(["1.1.1.1", "8.8.8.8"]);
        assert_eq!(update(json!({ "dnsList": before })).await, before);
        assert_eq!(update(change.clone()).await, wanted, "{change}");
    }
}
