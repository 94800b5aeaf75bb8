//! Networks, Neutron subnets and routers on the wire (api-vpc §5.6), and the same objects in v1 and v3 (§5.2, §5.5).

use serde_json::{Value, json};

use crate::fixture::{World, fields, id, ids, refused};

const NOWHERE: &str = "00000000-0000-4000-8000-000000000000";

async fn network(world: &World, name: &str) -> Value {
    let body = json!({"network": {"name": name, "admin_state_up": true, "provider:network_type": "geneve"}});
    world.a.post("/v2.0/networks", body).await.expect(201)["network"].clone()
}

async fn subnet(world: &World, network: &str, cidr: &str) -> Value {
    let body = json!({"subnet": {"name": "sub", "network_id": network, "cidr": cidr, "ip_version": 4}});
    world.a.post("/v2.0/subnets", body).await.expect(201)["subnet"].clone()
}

async fn router(world: &World, name: &str) -> String {
    id(&world.a.post("/v2.0/routers", json!({"router": {"name": name}})).await.expect(201)["router"])
}

#[tokio::test]
async fn a_network_joins_a_vpc_by_a_router_interface_and_is_the_same_in_every_family() {
    let world = World::new().await;
    let made = network(&world, "net").await;
    assert_eq!(
        fields(&made),
        [
            "admin_state_up",
            "availability_zone_hints",
            "availability_zones",
            "created_at",
            "dns_domain",
            "id",
            "name",
            "port_security_enabled",
            "project_id",
            "provider:network_type",
            "router:external",
            "shared",
            "status",
            "subnets",
            "tenant_id",
            "updated_at"
        ]
    );
    let net = id(&made);
    assert_eq!((&made["subnets"], &made["status"]), (&json!([]), &json!("ACTIVE")));
    // Without a range v1 and v3 have nothing to show.
    let v1 = format!("/v1/{{p}}/subnets/{net}");
    assert_eq!(world.a.get(&v1).await.refusal(), refused(404, "VPC.0202", "not_found"));
    let sub = subnet(&world, &net, "10.9.0.0/24").await;
    let neutron = id(&sub);
    assert_ne!(neutron, net);
    assert_eq!(sub["allocation_pools"], json!([{"start": "10.9.0.2", "end": "10.9.0.252"}]));
    assert_eq!((&sub["gateway_ip"], &sub["ip_version"]), (&json!("10.9.0.1"), &json!(4)));
    assert_eq!((&sub["ipv6_ra_mode"], &sub["host_routes"]), (&Value::Null, &json!([])));
    let shown = world.a.get(&v1).await.expect(200)["subnet"].clone();
    assert_eq!((&shown["status"], &shown["vpc_id"]), (&json!("UNKNOWN"), &json!("")));
    assert_eq!((&shown["neutron_subnet_id"], &shown["name"]), (&json!(neutron), &json!("net")));
    assert_eq!(shown["available_ip_address_count"], 251);
    let v3 = format!("/v3/{{p}}/vpc/virsubnets/{net}");
    assert_eq!(world.a.get(&v3).await.expect(200)["virsubnet"]["status"], "UNKNOWN");
    // Nothing can be on it yet, and a client that deletes must not take it for gone.
    let port = json!({"port": {"network_id": net}});
    let apart = world.a.post("/v2.0/ports", port.clone()).await;
    assert_eq!(apart.refusal(), refused(409, "NetworkNotAttached", "network_not_attached"));
    assert!(apart.message().contains("router interface"), "{}", apart.message());
    let vpc = router(&world, "router").await;
    let v1_delete = format!("/v1/{{p}}/vpcs/{vpc}/subnets/{net}");
    assert_eq!(world.a.delete(&v1_delete).await.refusal(), refused(409, "VPC.0205", "network_not_attached"));

    let add = format!("/v2.0/routers/{vpc}/add_router_interface");
    let interface = world.a.put(&add, json!({"subnet_id": neutron})).await.expect(200);
    assert_eq!(fields(&interface), ["id", "port_id", "project_id", "subnet_id", "tenant_id"]);
    assert_eq!((&interface["id"], &interface["subnet_id"]), (&json!(vpc), &json!(neutron)));
    let gateway = world.a.get(&format!("/v2.0/ports/{}", interface["port_id"].as_str().unwrap())).await.expect(200);
    assert_eq!(gateway["port"]["fixed_ips"], json!([{"subnet_id": neutron, "ip_address": "10.9.0.1"}]));
    let shown = world.a.get(&v1).await.expect(200)["subnet"].clone();
    assert_eq!((&shown["status"], &shown["vpc_id"]), (&json!("ACTIVE"), &json!(vpc)));
    let v3_shown = world.a.get(&v3).await.expect(200)["virsubnet"].clone();
    assert_eq!((&v3_shown["vpc_id"], &v3_shown["status"]), (&json!(vpc), &json!("ACTIVE")));
    let range = json!({"id": neutron, "ip_version": "4", "cidr": "10.9.0.0/24", "gateway_ip": "10.9.0.1",
        "enable_dhcp": true});
    assert_eq!(v3_shown["subnet_cidrs"], json!([range]));
    let port = id(&world.a.post("/v2.0/ports", port).await.expect(201)["port"]);
    let table = world.a.default_table(&vpc).await;
    let routes = world.a.get(&format!("/v1/{{p}}/routetables/{table}")).await.expect(200)["routetable"].clone();
    let local =
        |routes: &Value| routes["routes"].as_array().unwrap().iter().any(|route| route["destination"] == "10.9.0.0/24");
    assert!(local(&routes));

    let remove = format!("/v2.0/routers/{vpc}/remove_router_interface");
    let by_subnet = json!({"subnet_id": neutron});
    assert_eq!(world.a.put(&remove, by_subnet).await.refusal(), refused(409, "SubnetInUse", "subnet_in_use"));
    let deleted = world.a.delete(&format!("/v2.0/networks/{net}")).await;
    assert_eq!(deleted.refusal(), refused(409, "NetworkInUse", "network_attached"));
    let deleted = world.a.delete(&format!("/v2.0/subnets/{neutron}")).await;
    assert_eq!(deleted.refusal(), refused(409, "SubnetInUse", "network_attached"));
    let deleted = world.a.delete(&format!("/v2.0/routers/{vpc}")).await;
    assert_eq!(deleted.refusal(), refused(409, "RouterInUse", "vpc_in_use"));
    world.a.delete(&format!("/v2.0/ports/{port}")).await.expect(204);
    world.a.put(&remove, json!({"port_id": interface["port_id"]})).await.expect(200);
    assert_eq!(world.a.get(&v1).await.expect(200)["subnet"]["status"], "UNKNOWN");
    world.a.delete(&format!("/v2.0/subnets/{neutron}")).await.expect(204);
    world.a.delete(&format!("/v2.0/networks/{net}")).await.expect(204);
    world.a.delete(&format!("/v2.0/routers/{vpc}")).await.expect(204);
    let gone = world.a.get(&format!("/v2.0/networks/{net}")).await;
    assert_eq!(gone.refusal(), refused(404, "NetworkNotFound", "not_found"));
}

#[tokio::test]
async fn what_v1_made_is_a_network_a_subnet_and_a_router() {
    let world = World::new().await;
    let vpc = world.a.vpc("vpc", "10.0.0.0/16").await;
    let body = json!({"subnet": {"name": "six", "cidr": "10.0.1.0/24", "gateway_ip": "10.0.1.1", "vpc_id": vpc,
        "ipv6_enable": true, "dnsList": ["9.9.9.9"]}});
    let made = world.a.post("/v1/{p}/subnets", body).await.expect(200)["subnet"].clone();
    let net = id(&made);
    let path = format!("/v2.0/networks/{net}");
    let shown = world.a.get(&path).await.expect(200)["network"].clone();
    assert_eq!(shown["subnets"], json!([made["neutron_subnet_id"], made["neutron_subnet_id_v6"]]));
    let list = world.a.get(&format!("/v2.0/subnets?network_id={net}&ip_version=6")).await.expect(200);
    let six = &list["subnets"][0];
    assert_eq!((&six["id"], &six["cidr"]), (&made["neutron_subnet_id_v6"], &made["cidr_v6"]));
    assert_eq!((&six["ipv6_address_mode"], &six["dns_nameservers"]), (&json!("dhcpv6-stateful"), &json!([])));
    assert_eq!(six["allocation_pools"].as_array().unwrap().len(), 2);
    assert_eq!(world.a.get(&format!("/v2.0/routers/{vpc}")).await.expect(200)["router"]["name"], "vpc");
    assert_eq!(world.a.put(&path, json!({"network": {"name": "seven"}})).await.expect(200)["network"]["name"], "seven");
    let four = format!("/v2.0/subnets/{}", made["neutron_subnet_id"].as_str().unwrap());
    let change = json!({"subnet": {"name": "four", "dns_nameservers": ["1.1.1.1", "8.8.8.8"], "enable_dhcp": false}});
    let changed = world.a.put(&four, change).await.expect(200)["subnet"].clone();
    assert_eq!((&changed["name"], &changed["enable_dhcp"]), (&json!("four"), &json!(false)));
    let v1 = world.a.get(&format!("/v1/{{p}}/subnets/{net}")).await.expect(200)["subnet"].clone();
    assert_eq!((&v1["name"], &v1["dhcp_enable"]), (&json!("seven"), &json!(false)));
    assert_eq!((&v1["primary_dns"], &v1["secondary_dns"]), (&json!("1.1.1.1"), &json!("8.8.8.8")));
    world.a.put(&format!("/v2.0/routers/{vpc}"), json!({"router": {"name": "renamed"}})).await.expect(200);
    assert_eq!(world.a.get(&format!("/v1/{{p}}/vpcs/{vpc}")).await.expect(200)["vpc"]["name"], "renamed");
}

#[tokio::test]
async fn lists_filter_by_what_is_shown_and_have_pages() {
    let world = World::new().await;
    let mut made = Vec::new();
    for number in 0..3 {
        let network = id(&network(&world, &format!("n{number}")).await);
        subnet(&world, &network, &format!("10.{number}.0.0/24")).await;
        made.push(network);
    }
    made.sort();
    let vpc = router(&world, "r").await;
    let find = async |path: &str, key: &str| {
        let list = world.a.get(path).await.expect(200);
        ids(&list[key])
    };
    for (filter, count) in [
        ("name=n1", 1),
        ("status=ACTIVE", 3),
        ("status=DOWN", 0),
        ("shared=True", 0),
        ("router:external=false", 3),
        ("admin_state_up=true", 3),
        ("provider:network_type=vxlan", 0),
        (&format!("tenant_id={}", world.a.project), 3),
        (&format!("tenant_id={}", world.b.project), 0),
        (&format!("id={}", made[0]), 1),
    ] {
        assert_eq!(find(&format!("/v2.0/networks?{filter}"), "networks").await.len(), count, "{filter}");
    }
    for (filter, count) in [
        ("cidr=10.1.0.0/24", 1),
        ("gateway_ip=10.2.0.1", 1),
        ("name=sub", 3),
        ("enable_dhcp=true", 3),
        ("enable_dhcp=False", 0),
        ("ip_version=6", 0),
        (&format!("network_id={}", made[1]), 1),
    ] {
        assert_eq!(find(&format!("/v2.0/subnets?{filter}"), "subnets").await.len(), count, "{filter}");
    }
    assert_eq!(find("/v2.0/routers?name=r&admin_state_up=true", "routers").await, [vpc]);
    assert!(find("/v2.0/routers?status=ERROR", "routers").await.is_empty());
    let page = world.a.get("/v2.0/networks?limit=2").await.expect(200);
    assert_eq!(ids(&page["networks"]), made[..2]);
    let next = page["networks_links"][0]["href"].as_str().unwrap().split("example").nth(1).unwrap().to_owned();
    assert_eq!(find(&next, "networks").await, made[2..]);
    assert_eq!(world.a.get("/v2.0/routers?marker=!").await.refusal(), refused(400, "InvalidInput", "invalid_request"));
    // Another account sees nothing of it.
    assert_eq!(world.b.get("/v2.0/networks").await.expect(200)["networks"], json!([]));
    let theirs = world.b.get(&format!("/v2.0/networks/{}", made[0])).await;
    assert_eq!(theirs.refusal(), refused(404, "NetworkNotFound", "not_found"));
    let v1 = world.a.get("/v1/{p}/subnets").await.expect(200);
    assert_eq!(ids(&v1["subnets"]), made);
    assert_eq!(world.a.get(&format!("/v1/{{p}}/subnets?vpc_id={NOWHERE}")).await.expect(200)["subnets"], json!([]));
    for (filter, count) in [("status=UNKNOWN", 3), ("scope=center", 3), ("name=n0,n2", 2), ("zone_id=az9", 0)] {
        let found = find(&format!("/v3/{{p}}/vpc/virsubnets?{filter}"), "virsubnets").await;
        assert_eq!(found.len(), count, "{filter}");
    }
}

#[tokio::test]
async fn what_would_have_no_effect_is_refused() {
    let world = World::new().await;
    let net = id(&network(&world, "net").await);
    let unsupported = refused(400, "InvalidInput", "not_supported");
    for field in [
        json!({"shared": true}),
        json!({"router:external": true}),
        json!({"admin_state_up": false}),
        json!({"provider:network_type": "vlan"}),
        json!({"port_security_enabled": false}),
    ] {
        let reply = world.a.post("/v2.0/networks", json!({"network": field})).await;
        assert_eq!(reply.refusal(), unsupported, "{field}");
    }
    for (extra, internal) in [
        (json!({"enable_dhcp": false}), "not_supported"),
        (json!({"host_routes": [{"destination": "0.0.0.0/0", "nexthop": "10.0.0.9"}]}), "not_supported"),
        (json!({"allocation_pools": [{"start": "10.0.0.9", "end": "10.0.0.20"}]}), "not_supported"),
        (json!({"ipv6_ra_mode": "slaac"}), "not_supported"),
        (json!({"ip_version": 5}), "invalid_request"),
        (json!({"cidr": null}), "invalid_request"),
        (json!({"cidr": "8.8.8.0/24"}), "invalid_parameter"),
    ] {
        let mut body = json!({"network_id": net, "cidr": "10.0.0.0/24"});
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let reply = world.a.post("/v2.0/subnets", json!({"subnet": body})).await;
        assert_eq!(reply.refusal(), refused(400, "InvalidInput", internal), "{extra}");
    }
    let lost = json!({"subnet": {"network_id": NOWHERE, "cidr": "10.0.0.0/24"}});
    assert_eq!(world.a.post("/v2.0/subnets", lost).await.refusal(), refused(404, "NetworkNotFound", "not_found"));
    for field in [
        json!({"admin_state_up": false}),
        json!({"external_gateway_info": {"network_id": NOWHERE}}),
        json!({"routes": [{"destination": "0.0.0.0/0", "nexthop": "10.0.0.9"}]}),
    ] {
        let reply = world.a.post("/v2.0/routers", json!({"router": field})).await;
        assert_eq!(reply.refusal(), unsupported, "{field}");
    }
    let sub = id(&subnet(&world, &net, "10.0.0.0/24").await);
    let path = format!("/v2.0/subnets/{sub}");
    for change in [json!({"cidr": "10.0.0.0/25"}), json!({"gateway_ip": "10.0.0.9"}), json!({"network_id": NOWHERE})] {
        let reply = world.a.put(&path, json!({"subnet": change})).await;
        assert_eq!(reply.refusal(), refused(400, "InvalidInput", "invalid_request"), "{change}");
    }
    // What is as it is may be said again.
    let same = json!({"subnet": {"gateway_ip": "10.0.0.1",
        "allocation_pools": [{"start": "10.0.0.2", "end": "10.0.0.252"}]}});
    world.a.put(&path, same).await.expect(200);
    let vpc = router(&world, "r").await;
    let add = format!("/v2.0/routers/{vpc}/add_router_interface");
    assert_eq!(world.a.put(&add, json!({"port_id": NOWHERE})).await.refusal(), unsupported);
    assert_eq!(world.a.put(&add, json!({})).await.refusal(), refused(400, "InvalidInput", "invalid_request"));
    let unknown = world.a.put(&add, json!({"subnet_id": NOWHERE})).await;
    assert_eq!(unknown.refusal(), refused(404, "SubnetNotFound", "not_found"));
    let remove = format!("/v2.0/routers/{vpc}/remove_router_interface");
    let apart = world.a.put(&remove, json!({"subnet_id": sub})).await;
    assert_eq!(apart.refusal(), refused(404, "RouterInterfaceNotFoundForSubnet", "router_interface_not_found"));
    let lost = format!("/v2.0/routers/{NOWHERE}");
    assert_eq!(world.a.get(&lost).await.refusal(), refused(404, "RouterNotFound", "not_found"));
    let twice = world.a.post("/v2.0/routers", json!({"router": {"name": "r"}})).await;
    assert_eq!(twice.refusal(), refused(409, "RouterNameExists", "name_taken"));
}

/// api-vpc §7.2.
#[tokio::test]
async fn availability_counts_addresses_of_both_families() {
    let world = World::new().await;
    let vpc = world.a.vpc("vpc", "10.0.0.0/16").await;
    let body = json!({"subnet": {"name": "s", "cidr": "10.0.1.0/24", "gateway_ip": "10.0.1.1", "vpc_id": vpc,
        "ipv6_enable": true}});
    let made = world.a.post("/v1/{p}/subnets", body).await.expect(200)["subnet"].clone();
    let net = id(&made);
    world.a.post("/v1/{p}/ports", json!({"port": {"network_id": net}})).await.expect(200);
    let path = format!("/v2.0/network-ip-availabilities/{net}");
    let reply = world.a.get(&path).await;
    let shown = reply.expect(200)["network_ip_availability"].clone();
    // The sum has more than 64 bits: the digits are what clients read.
    assert!(reply.text.contains("\"total_ips\":18446744073709551737"), "{}", reply.text);
    assert_eq!((&shown["network_name"], &shown["used_ips"]), (&json!("s"), &json!(2)));
    let four = json!({"subnet_id": made["neutron_subnet_id"], "subnet_name": "s", "ip_version": 4,
        "cidr": "10.0.1.0/24", "total_ips": 251, "used_ips": 1});
    assert_eq!(shown["subnet_ip_availability"][0], four);
    assert_eq!(shown["subnet_ip_availability"][1]["total_ips"], json!(18_446_744_073_709_551_486_u64));
    let list = world.a.get("/v2.0/network-ip-availabilities?ip_version=4").await.expect(200);
    assert_eq!(list["network_ip_availabilities"][0]["subnet_ip_availability"], json!([four]));
    assert_eq!(list["network_ip_availabilities"][0]["total_ips"], 251);
    let lost = world.a.get(&format!("/v2.0/network-ip-availabilities/{NOWHERE}")).await;
    assert_eq!(lost.refusal(), refused(400, "VPC.2302", "not_found"));
    let wrong = world.a.get("/v2.0/network-ip-availabilities/here").await;
    assert_eq!(wrong.refusal(), refused(400, "VPC.2301", "invalid_request"));
}

/// api-errors §4: a conflict, which clients try again.
#[tokio::test]
async fn an_ipv4_subnet_stays_while_there_is_an_ipv6_one() {
    let world = World::new().await;
    let net = id(&network(&world, "net").await);
    let four = id(&subnet(&world, &net, "10.0.0.0/24").await);
    let six = json!({"subnet": {"network_id": net, "ip_version": 6}});
    let six = id(&world.a.post("/v2.0/subnets", six).await.expect(201)["subnet"]);
    let reply = world.a.delete(&format!("/v2.0/subnets/{four}")).await;
    assert_eq!(reply.refusal(), refused(409, "SubnetInUse", "subnet_in_use"));
    assert!(reply.message().contains(&four) && reply.message().contains("IPv6 subnet"), "{}", reply.message());
    world.a.delete(&format!("/v2.0/subnets/{six}")).await.expect(204);
    world.a.delete(&format!("/v2.0/subnets/{four}")).await.expect(204);
}
