//! Ports on the wire: what they are given beside addresses and groups, and v3 (api-vpc §6).

use serde_json::{Value, json};

use crate::fixture::{Client, World, fields, id, ids, refused};

struct Place {
    world: World,
    subnet: String,
}

async fn place() -> Place {
    let world = World::new().await;
    let vpc = world.a.vpc("VPC-A", "10.0.0.0/16").await;
    let subnet = world.a.subnet(&vpc, "s", "10.0.0.0/24").await;
    Place { world, subnet }
}

impl Place {
    async fn make(&self, more: Value) -> Value {
        self.try_make(more).await.expect(201)["port"].clone()
    }

    async fn try_make(&self, more: Value) -> crate::fixture::Reply {
        let mut port = json!({"network_id": self.subnet});
        port.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.world.a.post("/v2.0/ports", json!({ "port": port })).await
    }

    async fn change(&self, port: &Value, change: Value) -> crate::fixture::Reply {
        self.world.a.put(&format!("/v2.0/ports/{}", id(port)), json!({ "port": change })).await
    }
}

async fn group(client: &Client, name: &str) -> String {
    let body = json!({"security_group": {"name": name}});
    id(&client.post("/v1/{p}/security-groups", body).await.expect(200)["security_group"])
}

/// CHK-8, api-vpc §6.1: given in v2.0, shown in both families.
#[tokio::test]
async fn port_security_is_switched_off_and_on() {
    let place = place().await;
    let port = place.make(json!({"port_security_enabled": false})).await;
    assert_eq!(port["port_security_enabled"], false);
    let shown = place.world.a.get(&format!("/v1/{{p}}/ports/{}", id(&port))).await.expect(200);
    assert_eq!(shown["port"]["port_security_enabled"], false);
    let renamed = place.change(&port, json!({"name": "n", "port_security_enabled": null})).await.expect(200);
    assert_eq!(renamed["port"]["port_security_enabled"], false);
    let on = place.change(&port, json!({"port_security_enabled": true})).await.expect(200);
    assert_eq!(on["port"]["port_security_enabled"], true);
}

/// api-vpc §6.3.
#[tokio::test]
async fn a_profile_is_what_was_set_in_it() {
    let place = place().await;
    assert_eq!(place.make(json!({})).await["binding:profile"], json!({}));
    let given = json!({"disable_security_groups": true, "tcp_srvports": "443  80", "udp_srvports": "53"});
    let port = place.make(json!({ "binding:profile": given })).await;
    let shown = json!({"disable_security_groups": true, "tcp_srvports": "443 80", "udp_srvports": "53"});
    assert_eq!(port["binding:profile"], shown);
    let change = json!({"binding:profile": {"tcp_srvports": "22", "disable_security_groups": true}});
    let changed = place.change(&port, change).await.expect(200);
    assert_eq!(changed["port"]["binding:profile"], json!({"disable_security_groups": true, "tcp_srvports": "22"}));
    let cleared = place.change(&port, json!({"binding:profile": {}})).await.expect(200);
    assert_eq!(cleared["port"]["binding:profile"], json!({"disable_security_groups": true}));

    let many: Vec<String> = (1..=16).map(|port: u16| port.to_string()).collect();
    for wrong in [
        json!({"disable_security_groups": false}),
        json!({"internal_elb": true}),
        json!({"tcp_srvports": "0"}),
        json!({"tcp_srvports": "65536"}),
        json!({"tcp_srvports": "80,443"}),
        json!({"tcp_srvports": 80}),
        json!({"udp_srvports": many.join(" ")}),
        json!({"anything": 1}),
    ] {
        let reply = place.try_make(json!({ "binding:profile": wrong })).await;
        let (status, code, _) = reply.refusal();
        assert_eq!((status, code.as_str()), (400, "InvalidInput"), "{wrong}");
    }
    let plain = place.make(json!({})).await;
    let late = place.change(&plain, json!({"binding:profile": {"disable_security_groups": true}})).await;
    assert_eq!(late.status, 400);
    assert!(late.message().contains("only set when the port is made"), "{}", late.message());
}

/// api-vpc §6.1, clients §6 trap 13: `null` leaves the lease as it is, an empty list takes it away.
#[tokio::test]
async fn a_lease_is_kept_as_it_was_given() {
    let place = place().await;
    let lease = |value: &str| json!([{"opt_name": "51", "opt_value": value}]);
    let port = place.make(json!({"extra_dhcp_opts": lease("-1h")})).await;
    assert_eq!(port["extra_dhcp_opts"], lease("-1h"));
    let path = format!("/v1/{{p}}/ports/{}", id(&port));
    let v1 = async |change: Value| {
        place.world.a.put(&path, json!({ "port": change })).await.expect(200)["port"]["extra_dhcp_opts"].clone()
    };
    let all = json!({"name": "n", "security_groups": null, "allowed_address_pairs": null, "extra_dhcp_opts": null});
    assert_eq!(v1(all).await, lease("-1h"));
    assert_eq!(v1(json!({"extra_dhcp_opts": lease("5h")})).await, lease("5h"));
    assert_eq!(v1(json!({"extra_dhcp_opts": []})).await, json!([]));
    for wrong in [
        lease("0h"),
        lease("30001h"),
        lease("5d"),
        json!([{"opt_name": "42", "opt_value": "x"}]),
        json!([{"opt_name": "51", "opt_value": "1h"}, {"opt_name": "51", "opt_value": "2h"}]),
    ] {
        let reply = place.try_make(json!({ "extra_dhcp_opts": wrong })).await;
        let (status, code, _) = reply.refusal();
        assert_eq!((status, code.as_str()), (400, "InvalidInput"), "{wrong}");
    }
}

/// What would have no effect is refused.
#[tokio::test]
async fn a_virtual_ip_takes_none_of_it() {
    let place = place().await;
    for more in [
        json!({"port_security_enabled": false}),
        json!({"binding:profile": {"tcp_srvports": "80"}}),
        json!({"extra_dhcp_opts": [{"opt_name": "51", "opt_value": "5h"}]}),
    ] {
        let mut vip = json!({"device_owner": "neutron:VIP_PORT"});
        vip.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assert_eq!(place.try_make(vip).await.refusal(), refused(400, "InvalidInput", "not_supported"));
    }
}

/// api-vpc §6.4.
#[tokio::test]
async fn a_port_in_v3() {
    let place = place().await;
    let a = &place.world.a;
    let port = place.make(json!({"name": "port-a", "fixed_ips": [{"ip_address": "10.0.0.9"}]})).await;
    let path = format!("/v3/{{p}}/ports/{}", id(&port));
    let body = a.get(&path).await.expect(200);
    assert_eq!(fields(&body), ["port", "request_id"]);
    let shown = &body["port"];
    for field in [
        "admin_state_up",
        "allowed_address_pairs",
        "binding:host_id",
        "binding:migration_info",
        "binding:profile",
        "binding:vif_details",
        "binding:vif_type",
        "binding:vnic_type",
        "created_at",
        "description",
        "device_id",
        "device_owner",
        "ecs_flavor",
        "enable_efi",
        "extra_dhcp_opts",
        "id",
        "instance_id",
        "instance_info",
        "instance_type",
        "mac_address",
        "name",
        "port_security_enabled",
        "position_type",
        "private_ips",
        "project_id",
        "scope",
        "security_groups",
        "status",
        "tags",
        "tenant_id",
        "updated_at",
        "virsubnet_id",
        "vpc_id",
        "vpc_tenant_id",
        "vtep_ip",
        "zone_id",
    ] {
        assert!(!shown[field].is_null(), "{field}");
    }
    let neutron = &port["fixed_ips"][0]["subnet_id"];
    assert_eq!(shown["private_ips"], json!([{"subnet_cidr_id": neutron, "ip_address": "10.0.0.9"}]));
    assert_eq!((&shown["virsubnet_id"], &shown["status"]), (&json!(place.subnet), &json!("DOWN")));
    assert!(shown["created_at"].as_str().unwrap().ends_with('Z'));
    assert_eq!(place.world.b.get(&path).await.status, 404);

    let other = place.make(json!({"name": "port-b", "device_owner": "neutron:VIP_PORT"})).await;
    let list = async |query: &str| {
        let body = a.get(&format!("/v3/{{p}}/ports?{query}")).await.expect(200);
        ids(&body["ports"])
    };
    let (one, two) = (id(&port), id(&other));
    let mut both = vec![one.clone(), two.clone()];
    both.sort();
    for (query, wanted) in [
        (String::new(), both.clone()),
        (format!("id={one}&id={two}"), both.clone()),
        (format!("id={one},{two}"), both.clone()),
        ("name=port-a".into(), vec![one.clone()]),
        ("name=port-a,port-b".into(), both.clone()),
        ("device_owner_prefixlike=neutron".into(), vec![two.clone()]),
        ("private_ips=ip_address=10.0.0.9".into(), vec![one.clone()]),
        (format!("private_ips=subnet_cidr_id={}", neutron.as_str().unwrap()), both.clone()),
        (format!("virsubnet_id={}", place.subnet), both.clone()),
        ("status=ACTIVE".into(), vec![]),
        ("admin_state_up=True".into(), both.clone()),
        ("admin_state_up=false".into(), vec![]),
        ("instance_type=RDS".into(), vec![]),
        ("allowed_address_pairs=ip_address=10.9.9.9".into(), vec![]),
    ] {
        assert_eq!(list(&query).await, wanted, "{query}");
    }
    let page = a.get("/v3/{p}/ports?limit=1").await.expect(200);
    assert_eq!((page["page_info"]["current_count"].as_i64(), ids(&page["ports"])), (Some(1), both[..1].to_vec()));
}

/// SG-3, api-vpc §6.4.
#[tokio::test]
async fn groups_of_a_port_are_put_and_taken_in_v3() {
    let place = place().await;
    let a = &place.world.a;
    let [g, h] = [group(a, "g").await, group(a, "h").await];
    let port = place.make(json!({"security_groups": [g]})).await;
    let call = async |what: &str, body: Value| {
        a.put(&format!("/v3/{{p}}/ports/{}/{what}-security-groups", id(&port)), body).await
    };
    let dry = json!({"port": {"security_groups": [h]}, "dry_run": true});
    assert_eq!(call("insert", dry).await.status, 202);
    let first = json!({"port": {"security_groups": [h], "index": 0}});
    assert_eq!(call("insert", first.clone()).await.expect(200)["port"]["security_groups"], json!([h, g]));
    assert_eq!(call("insert", first).await.refusal(), refused(400, "VPC.2500", "invalid_parameter"));
    let beyond = json!({"port": {"security_groups": [group(a, "i").await], "index": 3}});
    assert_eq!(call("insert", beyond).await.status, 400);
    let both = json!({"port": {"security_groups": [g, h]}});
    assert_eq!(call("remove", both).await.refusal(), refused(400, "VPC.2500", "invalid_parameter"));
    let one = json!({"port": {"security_groups": [h]}});
    assert_eq!(call("remove", one).await.expect(200)["port"]["security_groups"], json!([g]));
    for empty in [json!({"port": {}}), json!({"port": {"security_groups": []}})] {
        assert_eq!(call("insert", empty.clone()).await.status, 400);
        assert_eq!(call("remove", empty).await.status, 400);
    }
}

/// api-vpc §0.5: a repeated key is an OR; of `fixed_ips`, whose values have keys of their own, for each of these.
#[tokio::test]
async fn repeated_filters_of_ports_take_any_of_the_values() {
    let place = place().await;
    let a = &place.world.a;
    let [g, h] = [group(a, "g").await, group(a, "h").await];
    let one = place.make(json!({"security_groups": [g], "fixed_ips": [{"ip_address": "10.0.0.8"}]})).await;
    let two = place.make(json!({"security_groups": [h], "fixed_ips": [{"ip_address": "10.0.0.9"}]})).await;
    let neutron = one["fixed_ips"][0]["subnet_id"].as_str().unwrap().to_owned();
    let mut both = vec![id(&one), id(&two)];
    both.sort();
    let (first, second) = ("fixed_ips=ip_address=10.0.0.8", "fixed_ips=ip_address=10.0.0.9");
    let nowhere = "00000000-0000-4000-8000-000000000000";
    for (query, wanted) in [
        (format!("security_groups={g}&security_groups={h}"), both.clone()),
        (format!("security_groups={g}&security_groups={nowhere}"), vec![id(&one)]),
        (format!("security_groups={nowhere}"), vec![]),
        (format!("{first}&{second}"), both.clone()),
        (format!("{second}&fixed_ips=subnet_id={neutron}"), vec![id(&two)]),
        (format!("{first}&{second}&fixed_ips=subnet_id={neutron}"), both.clone()),
        (format!("{first}&{second}&fixed_ips=subnet_id={nowhere}"), vec![]),
        (format!("fixed_ips=subnet_id={nowhere}&fixed_ips=subnet_id={neutron}"), both.clone()),
        ("fixed_ips=10.0.0.8".into(), vec![]),
    ] {
        for path in ["/v1/{p}/ports", "/v2.0/ports"] {
            let list = a.get(&format!("{path}?{query}")).await.expect(200);
            assert_eq!(ids(&list["ports"]), wanted, "{path}?{query}");
        }
    }
    // Gateways are listed apart.
    let of_router = "/v2.0/ports?device_owner=network:router_interface_distributed";
    for (query, count) in [
        ("fixed_ips=ip_address=10.0.0.1&fixed_ips=ip_address=10.0.0.2".to_owned(), 1),
        (format!("fixed_ips=ip_address=10.0.0.1&fixed_ips=subnet_id={nowhere}"), 0),
    ] {
        let list = a.get(&format!("{of_router}&{query}")).await.expect(200);
        assert_eq!(ids(&list["ports"]).len(), count, "{query}");
    }
}

/// api-vpc §6.3.
#[tokio::test]
async fn an_update_of_v2_names_a_field() {
    let place = place().await;
    let port = place.make(json!({"name": "n"})).await;
    for nothing in [json!({}), json!({"name": null}), json!({"unknown": 1})] {
        let reply = place.change(&port, nothing.clone()).await;
        assert_eq!(reply.refusal(), refused(400, "InvalidInput", "invalid_request"), "{nothing}");
        assert!(reply.message().contains("at least one field"), "{}", reply.message());
    }
    place.change(&port, json!({"name": ""})).await.expect(200);
    place.world.a.put(&format!("/v1/{{p}}/ports/{}", id(&port)), json!({"port": {}})).await.expect(200);
}

#[tokio::test]
async fn a_port_of_another_project_is_refused() {
    let place = place().await;
    let a = &place.world.a;
    let port = |tenant: &str| json!({"port": {"network_id": place.subnet, "tenant_id": tenant}});
    for tenant in [&a.second_project, &place.world.b.project, "x"] {
        let v1 = a.post("/v1/{p}/ports", port(tenant)).await;
        assert_eq!(v1.refusal(), refused(400, "VPC.2500", "invalid_request"), "{tenant}");
        assert!(v1.message().contains("tenant_id"), "{}", v1.message());
        let v2 = a.post("/v2.0/ports", port(tenant)).await;
        assert_eq!(v2.refusal(), refused(400, "InvalidInput", "invalid_request"), "{tenant}");
    }
    a.post("/v1/{p}/ports", port(&a.project)).await.expect(200);
    a.post("/v1/{p}/ports", port("")).await.expect(200);
}
