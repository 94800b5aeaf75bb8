//! Dual-stack subnets, ports, routes and servers on the wire (rules V6-1 to V6-4; api-vpc §0.3, §5, §6).

use serde_json::{Value, json};

use crate::fixture::{World, id, refused};

const PREFIX: &str = "2407:c080:802:c34::/64";

/// A dual-stack subnet of a new VPC.
async fn dual(world: &World, name: &str, cidr_v6: Option<&str>) -> Value {
    let vpc = world.a.vpc(name, "172.16.0.0/16").await;
    let mut subnet = json!({"name": name, "vpc_id": vpc, "cidr": "172.16.0.0/24", "gateway_ip": "172.16.0.1",
        "ipv6_enable": true});
    if let Some(cidr_v6) = cidr_v6 {
        subnet["cidr_v6"] = json!(cidr_v6);
    }
    world.a.post("/v1/{p}/subnets", json!({"subnet": subnet})).await.expect(200)["subnet"].clone()
}

/// api-vpc §0.3: the IPv6 fields are there on dual-stack subnets and left out on others.
#[tokio::test]
async fn a_dual_stack_subnet_shows_its_ipv6_range() {
    let world = World::new().await;
    let subnet = dual(&world, "s", Some(PREFIX)).await;
    assert_eq!((&subnet["ipv6_enable"], &subnet["cidr_v6"]), (&json!(true), &json!(PREFIX)));
    assert_eq!(subnet["gateway_ip_v6"], "2407:c080:802:c34::1");
    let v6 = subnet["neutron_subnet_id_v6"].as_str().unwrap();
    assert!(v6.len() == 36 && ![&subnet["id"], &subnet["neutron_subnet_id"]].contains(&&json!(v6)));

    let chosen = dual(&world, "t", None).await;
    assert!(chosen["cidr_v6"].as_str().unwrap().ends_with("::/64"), "{chosen}");
    let vpc = world.a.vpc("plain", "10.0.0.0/16").await;
    let plain = world.a.subnet(&vpc, "plain", "10.0.0.0/24").await;
    let plain = world.a.get(&format!("/v1/{{p}}/subnets/{plain}")).await.expect(200)["subnet"].clone();
    assert_eq!(plain["ipv6_enable"], false);
    for absent in ["cidr_v6", "gateway_ip_v6", "neutron_subnet_id_v6"] {
        assert_eq!(plain.get(absent), None, "{absent}");
    }
}

/// V6-1: a prefix that is not free or not for subnets is refused; IPv6 is turned on once and for all.
#[tokio::test]
async fn ipv6_prefixes_are_checked_and_stay() {
    let world = World::new().await;
    dual(&world, "s", Some(PREFIX)).await;
    let vpc = world.a.vpc("VPC", "10.0.0.0/16").await;
    let make = async |cidr_v6: &str, on: bool| {
        let subnet = json!({"name": "n", "vpc_id": vpc, "cidr": "10.0.0.0/24", "gateway_ip": "10.0.0.1",
            "ipv6_enable": on, "cidr_v6": cidr_v6});
        world.a.post("/v1/{p}/subnets", json!({"subnet": subnet})).await
    };
    assert_eq!(make(PREFIX, true).await.refusal(), refused(400, "VPC.0204", "ipv6_prefix_in_use"));
    for wrong in ["2001:db8::/48", "fe80::/64", "10.0.0.0/8", "x"] {
        assert_eq!(make(wrong, true).await.refusal(), refused(400, "VPC.0212", "invalid_cidr"), "{wrong}");
    }
    assert_eq!(make("2001:db8::/64", false).await.refusal(), refused(400, "VPC.0201", "invalid_parameter"));

    let plain = world.a.subnet(&vpc, "plain", "10.0.1.0/24").await;
    let path = format!("/v1/{{p}}/vpcs/{vpc}/subnets/{plain}");
    let turn = async |on: bool| world.a.put(&path, json!({"subnet": {"name": "plain", "ipv6_enable": on}})).await;
    turn(true).await.expect(200);
    let now = world.a.get(&format!("/v1/{{p}}/subnets/{plain}")).await.expect(200)["subnet"].clone();
    assert!(now["cidr_v6"].is_string(), "{now}");
    assert_eq!(turn(false).await.refusal(), refused(400, "VPC.0201", "invalid_parameter"));
    world.a.put(&path, json!({"subnet": {"name": "plain"}})).await.expect(200);
}

/// api-vpc §5.1, §6.1: one address of each family, with the Neutron id of its range; an IPv6 address on request.
#[tokio::test]
async fn ports_have_an_address_of_each_family() {
    let world = World::new().await;
    let subnet = dual(&world, "s", Some(PREFIX)).await;
    let (network, v4, v6) = (id(&subnet), &subnet["neutron_subnet_id"], &subnet["neutron_subnet_id_v6"]);
    let make = async |fixed_ips: Value| {
        let port = json!({"port": {"network_id": network, "fixed_ips": fixed_ips}});
        world.a.post("/v1/{p}/ports", port).await
    };
    let both = make(json!([])).await.expect(200)["port"].clone();
    assert_eq!(
        both["fixed_ips"],
        json!([{"subnet_id": v4, "ip_address": "172.16.0.2"},
            {"subnet_id": v6, "ip_address": "2407:c080:802:c34::2"}])
    );
    let chosen = json!([{"subnet_id": v6, "ip_address": "2407:C080:802:C34:0::111"}, {"ip_address": "172.16.0.111"}]);
    let chosen = make(chosen).await.expect(200)["port"].clone();
    assert_eq!(chosen["fixed_ips"][1], json!({"subnet_id": v6, "ip_address": "2407:c080:802:c34::111"}));
    assert_eq!(chosen["fixed_ips"][0]["ip_address"], "172.16.0.111");
    let by_id = make(json!([{"subnet_id": v6}, {"subnet_id": network}])).await.expect(200);
    assert_eq!(by_id["port"]["fixed_ips"][1]["ip_address"], "2407:c080:802:c34::3");

    let taken = json!([{"ip_address": "2407:c080:802:c34::111"}]);
    assert_eq!(make(taken).await.refusal(), refused(409, "VPC.0701", "address_in_use"));
    for wrong in [
        json!([{"ip_address": "2407:c080:802:c34::1"}]),
        json!([{"ip_address": "2407:c080:802:c35::2"}]),
        json!([{"subnet_id": v4, "ip_address": "2407:c080:802:c34::9"}]),
        json!([{"subnet_id": v6, "ip_address": "172.16.0.9"}]),
        json!([{"subnet_id": v6}, {"ip_address": "2407:c080:802:c34::9"}]),
        json!([{"ip_address": "x"}]),
    ] {
        assert_eq!(make(wrong.clone()).await.refusal().0, 400, "{wrong}");
    }

    let found = async |filter: &str| world.a.get(&format!("/v1/{{p}}/ports?fixed_ips={filter}")).await.expect(200);
    let one = found("ip_address=2407:c080:802:c34::111").await;
    assert_eq!(one["ports"].as_array().unwrap().len(), 1);
    assert_eq!(id(&one["ports"][0]), id(&chosen));
    let all = found(&format!("subnet_id={}", v6.as_str().unwrap())).await;
    assert_eq!(all["ports"].as_array().unwrap().len(), 3);
}

/// clients §3.9: the provider asks for the one address that it names, and takes the first for it.
#[tokio::test]
async fn the_ipv6_address_of_a_virtual_ip_comes_first() {
    let world = World::new().await;
    let subnet = dual(&world, "s", Some(PREFIX)).await;
    let make = async |range: &Value| {
        let port = json!({"port": {"network_id": id(&subnet), "device_owner": "neutron:VIP_PORT",
            "fixed_ips": [{"subnet_id": range}]}});
        world.a.post("/v1/{p}/ports", port).await.expect(200)["port"]["fixed_ips"].clone()
    };
    for family in ["neutron_subnet_id", "neutron_subnet_id_v6"] {
        assert_eq!(make(&subnet[family]).await[0]["subnet_id"], subnet[family], "{family}");
    }
}

/// V6-1: a port that was there before IPv6 gets an address when an update asks for one; its IPv4 address stays.
#[tokio::test]
async fn a_port_gets_its_ipv6_address_later() {
    let world = World::new().await;
    let vpc = world.a.vpc("VPC", "10.0.0.0/16").await;
    let subnet = world.a.subnet(&vpc, "s", "10.0.0.0/24").await;
    let server = world.a.server("old", &subnet).await;
    assert_eq!(server.get("ipv6_address"), None);
    let path = format!("/v1/{{p}}/ports/{}", server["port_id"].as_str().unwrap());
    let ask = async |fixed_ip: Value| world.a.put(&path, json!({"port": {"fixed_ips": [fixed_ip]}})).await;
    let turn = json!({"subnet": {"name": "s", "ipv6_enable": true}});
    assert_eq!(ask(json!({"ip_address": "2001:db8::2"})).await.refusal().0, 400);
    world.a.put(&format!("/v1/{{p}}/vpcs/{vpc}/subnets/{subnet}"), turn).await.expect(200);
    let shown = world.a.get(&path).await.expect(200)["port"].clone();
    assert_eq!(shown["fixed_ips"].as_array().unwrap().len(), 1, "none until asked");

    let v6 = world.a.get(&format!("/v1/{{p}}/subnets/{subnet}")).await.expect(200)["subnet"].clone();
    let given = ask(json!({"subnet_id": v6["neutron_subnet_id_v6"]})).await.expect(200)["port"].clone();
    assert_eq!(given["fixed_ips"][1]["subnet_id"], v6["neutron_subnet_id_v6"]);
    assert_eq!(ask(json!({"ip_address": "10.0.0.99"})).await.refusal().0, 400, "IPv4 addresses never change");

    let other = world.a.server("other", &subnet).await;
    assert!(other["ipv6_address"].is_string(), "{other}");
    let late = world.a.get(&format!("/causeway/v1/servers/{}", id(&server))).await.expect(200)["server"].clone();
    assert_eq!(late["ipv6_address"], given["fixed_ips"][1]["ip_address"]);
}

/// V6-4, RT-3, RT-8, RT-9: routes with IPv6 destinations.
#[tokio::test]
async fn routes_have_ipv6_destinations() {
    let world = World::new().await;
    let subnet = dual(&world, "s", Some(PREFIX)).await;
    let vpc = subnet["vpc_id"].as_str().unwrap();
    let other = world.a.vpc("other", "10.0.0.0/16").await;
    let plain = world.a.subnet(vpc, "plain", "172.16.1.0/24").await;
    let server = world.a.server("plain", &plain).await;
    let peering = world.a.ask(vpc, &other, &world.a.project).await.expect(201)["peering"].clone();
    let table = world.a.default_table(vpc).await;
    let path = format!("/v1/{{p}}/routetables/{table}");
    let add = async |kind: &str, hop: &str, to: &str| {
        let route = json!({"type": kind, "nexthop": hop, "destination": to});
        world.a.put(&path, json!({"routetable": {"routes": {"add": [route]}}})).await
    };
    let added = add("peering", &id(&peering), "2407:c080:802:c37::/64").await.expect(200);
    let routes = added["routetable"]["routes"].as_array().unwrap().clone();
    let with = |to: &str| routes.iter().find(|route| route["destination"] == to).unwrap_or(&Value::Null).clone();
    assert_eq!(with("2407:c080:802:c37::/64")["type"], "peering");
    assert_eq!((with(PREFIX)["type"].clone(), with(PREFIX)["nexthop"].clone()), (json!("local"), json!("-")));
    let server = id(&server);
    let nowhere = add("ecs", &server, "2001:db8::/48").await;
    assert_eq!(nowhere.refusal(), refused(400, "VPC.2806", "next_hop_family"));
    let inside = add("peering", &id(&peering), "2407:c080:802:c34::7/128").await;
    assert_eq!(inside.refusal(), refused(400, "VPC.2809", "route_conflicts_with_local"));
    assert_eq!(add("peering", &id(&peering), "2001:db8::1/64").await.refusal().2, "invalid_cidr");
    // clients §6, trap 16: what came back in another spelling would not be found again.
    for spelling in ["2001:DB8::/64", "2001:db8:0::/64", "2001:0db8::/64"] {
        let other = add("peering", &id(&peering), spelling).await;
        assert_eq!(other.refusal(), refused(400, "VPC.2801", "invalid_request"), "{spelling}");
        assert!(other.message().contains("`2001:db8::/64`"), "{}", other.message());
    }
}

/// A server is made with the address that is asked for.
#[tokio::test]
async fn servers_are_dual_stack() {
    let world = World::new().await;
    let subnet = id(&dual(&world, "s", Some(PREFIX)).await);
    let make = async |address: &str| {
        let server = json!({"name": "ecs", "subnet_id": subnet, "ipv6_address": address});
        world.a.post("/causeway/v1/servers", json!({"server": server})).await
    };
    let made = make("2407:c080:802:c34::111").await.expect(201)["server"].clone();
    assert_eq!((&made["ip_address"], &made["ipv6_address"]), (&json!("172.16.0.2"), &json!("2407:c080:802:c34::111")));
    assert_eq!(make("auto").await.expect(201)["server"]["ipv6_address"], "2407:c080:802:c34::2");
    assert_eq!(make("172.16.0.9").await.refusal().0, 400);
}

/// The tracer's and the matrix's questions name a family; a server without IPv6 is named in the refusal.
#[tokio::test]
async fn questions_name_a_family() {
    let world = World::new().await;
    let subnet = dual(&world, "s", Some(PREFIX)).await;
    let vpc = subnet["vpc_id"].as_str().unwrap();
    let plain = world.a.subnet(vpc, "plain", "172.16.1.0/24").await;
    let (one, two) = (world.a.server("one", &id(&subnet)).await, world.a.server("two", &id(&subnet)).await);
    let old = world.a.server("old", &plain).await;
    let trace = async |from: &Value, to: Value| {
        world.a.post("/causeway/v1/trace", json!({"from": id(from), "to": to, "protocol": "icmp"})).await
    };
    let to_old = trace(&one, json!({"server": id(&old), "family": 6})).await;
    assert_eq!(to_old.refusal().0, 400);
    assert!(to_old.message().contains("`old` has no IPv6 address"), "{}", to_old.message());
    let from_old = trace(&old, json!({"address": two["ipv6_address"]})).await;
    assert!(from_old.message().contains("`old` has no IPv6 address"), "{}", from_old.message());
    assert_eq!(trace(&one, json!({"server": id(&two), "family": 5})).await.refusal().0, 400);
    let answer = trace(&one, json!({"server": id(&two), "family": 6})).await.expect(200);
    assert!(answer["verdict"]["reachable"].is_boolean(), "{answer}");

    let reach = async |body: Value| world.a.post("/causeway/v1/reach", body).await;
    let all = reach(json!({"protocol": "icmp", "family": 6})).await.expect(200);
    assert_eq!(all["servers"].as_array().unwrap().len(), 2, "those that have an IPv6 address");
    assert_eq!(all["matrix"].as_array().unwrap().len(), 2);
    let named = reach(json!({"protocol": "icmp", "family": 6, "servers": [id(&one), id(&old)]})).await;
    assert!(named.message().contains("`old` has no IPv6 address"), "{}", named.message());
}
