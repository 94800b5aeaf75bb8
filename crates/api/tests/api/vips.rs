//! Virtual IPs and extension interfaces on the wire (api-vpc §6; Causeway's own operations).

use std::net::IpAddr;
use std::time::Duration;

use agent::Announcement;
use serde_json::{Value, json};

use crate::fixture::{World, fields, id, refused};

struct Place {
    world: World,
    subnet: String,
    vip: Value,
    servers: [Value; 2],
}

fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object[field].as_str().unwrap_or_else(|| panic!("no {field} in {object}"))
}

async fn place() -> Place {
    let world = World::new().await;
    let vpc = world.a.vpc("VPC-A", "10.0.0.0/16").await;
    let subnet = world.a.subnet(&vpc, "s", "10.0.0.0/24").await;
    let body = json!({"port": {"network_id": subnet, "name": "VIP-A", "device_owner": "neutron:VIP_PORT",
        "fixed_ips": [{"ip_address": "10.0.0.100"}]}});
    let vip = world.a.post("/v1/{p}/ports", body).await.expect(200)["port"].clone();
    let servers = [world.a.server("one", &subnet).await, world.a.server("two", &subnet).await];
    Place { world, subnet, vip, servers }
}

impl Place {
    fn path(&self, rest: &str) -> String {
        format!("/causeway/v1/vips/{}{rest}", id(&self.vip))
    }

    async fn show(&self) -> Value {
        self.world.a.get(&self.path("")).await.expect(200)["vip"].clone()
    }

    async fn pairs(&self, addresses: &[&str]) -> crate::fixture::Reply {
        let pairs: Vec<Value> = addresses.iter().map(|address| json!({"ip_address": address})).collect();
        let body = json!({"port": {"allowed_address_pairs": pairs}});
        self.world.a.put(&format!("/v2.0/ports/{}", id(&self.vip)), body).await
    }
}

/// VIP-1, api-vpc §6.2: as the Terraform provider does it.
#[tokio::test]
async fn the_address_pairs_of_a_virtual_ip_are_its_bindings() {
    let place = place().await;
    assert_eq!((text(&place.vip, "status"), text(&place.vip, "device_id")), ("DOWN", ""));
    let shown = place.show().await;
    assert_eq!(
        shown,
        json!({"id": id(&place.vip), "name": "VIP-A", "vpc_id": shown["vpc_id"], "subnet_id": place.subnet,
            "ip_address": "10.0.0.100", "bound": [], "holder": null, "created_at": "2026-01-02T03:04:05Z"})
    );
    let [one, two] = place.servers.each_ref().map(|server| text(server, "ip_address").to_owned());
    place.pairs(&[&one, &two]).await.expect(200);
    let shown = place.show().await;
    let names: Vec<&str> = shown["bound"].as_array().unwrap().iter().map(|port| text(port, "server_name")).collect();
    assert_eq!(names, ["one", "two"]);
    assert_eq!(fields(&shown["bound"][0]), ["ip_address", "port_id", "server_id", "server_name"]);
    let server = place.world.a.get(&format!("/causeway/v1/servers/{}", id(&place.servers[0]))).await.expect(200);
    assert_eq!(server["server"]["source_dest_check"], true, "CHK-5: not through the API");
    // The switch on the server's own port, as the provider sets it.
    let own = format!("/v2.0/ports/{}", text(&place.servers[0], "port_id"));
    let body = json!({"port": {"allowed_address_pairs": [{"ip_address": "1.1.1.1/0"}]}});
    let own = place.world.a.put(&own, body).await.expect(200);
    assert_eq!(own["port"]["allowed_address_pairs"][0]["ip_address"], "1.1.1.1/0");
    for wrong in ["10.0.0.0/24", "10.0.0.77", "1.1.1.1/0", "10.0.0.100"] {
        assert_eq!(place.pairs(&[wrong]).await.refusal(), refused(400, "InvalidInput", "invalid_parameter"), "{wrong}");
    }
    assert_eq!(place.pairs(&["0.0.0.0/0"]).await.refusal(), refused(400, "InvalidInput", "invalid_parameter"));
    let cleared = place.pairs(&[]).await.expect(200);
    assert_eq!(cleared["port"]["allowed_address_pairs"], json!([]));
    assert_eq!(place.show().await["bound"], json!([]));
}

/// CHK-5, and who sees what.
#[tokio::test]
async fn binding_through_our_own_operation_turns_the_check_off() {
    let place = place().await;
    let [one, two] = place.servers.each_ref();
    let a = &place.world.a;
    let bound = a.post(&place.path("/bind"), json!({"server_id": id(one)})).await.expect(200);
    assert_eq!(bound["vip"]["bound"][0]["server_name"], "one");
    let keep = json!({"port_id": text(two, "port_id"), "keep_check": true});
    assert_eq!(a.post(&place.path("/bind"), keep).await.expect(200)["vip"]["bound"].as_array().unwrap().len(), 2);
    let check = async |server: &Value| {
        let shown = a.get(&format!("/causeway/v1/servers/{}", id(server))).await.expect(200);
        shown["server"]["source_dest_check"].clone()
    };
    assert_eq!((check(one).await, check(two).await), (json!(false), json!(true)));
    let unbound = a.post(&place.path("/unbind"), json!({"server_id": id(one)})).await.expect(200);
    assert_eq!(unbound["vip"]["bound"][0]["server_name"], "two");
    assert_eq!(check(one).await, json!(false), "unbinding does not turn it on again");

    assert_eq!(a.post(&place.path("/bind"), json!({})).await.status, 400);
    let nobody = json!({"port_id": "00000000-0000-4000-8000-000000000000"});
    assert_eq!(a.post(&place.path("/bind"), nobody.clone()).await.status, 404);
    let plain = format!("/causeway/v1/vips/{}", text(one, "port_id"));
    assert_eq!(a.get(&plain).await.status, 404, "a port that is no virtual IP");
    let other = &place.world.b;
    assert_eq!(other.get(&place.path("")).await.status, 404);
    assert_eq!(other.post(&place.path("/bind"), nobody).await.status, 404);
    assert_eq!(other.get("/causeway/v1/vips").await.expect(200)["vips"], json!([]));
    let list = async |query: &str| {
        let list = a.get(&format!("/causeway/v1/vips?{query}")).await.expect(200);
        list["vips"].as_array().unwrap().len()
    };
    assert_eq!(list("").await, 1);
    for (query, count) in [("name=VIP-A", 1), ("name=other", 0), ("ip_address=10.0.0.100", 1)] {
        assert_eq!(list(query).await, count, "{query}");
    }
    assert_eq!(list(&format!("subnet_id={}", place.subnet)).await, 1);
}

/// VIP-3: a claim is a frame of the server; only what the data plane then reports makes a holder.
#[tokio::test(flavor = "multi_thread")]
async fn a_claim_is_announced_and_answered_when_it_is_in_force() {
    let place = place().await;
    let (a, agent) = (&place.world.a, &place.world.agent);
    let [one, two] = place.servers.each_ref();
    let claim = |server: &Value| format!("/causeway/v1/servers/{}/claim", id(server));
    let address: IpAddr = "10.0.0.100".parse().unwrap();
    let unbound = a.post(&claim(one), json!({"address": "10.0.0.100"})).await.expect(200);
    assert_eq!(
        unbound["claim"],
        json!({"address": "10.0.0.100", "port_id": one["port_id"], "vip_id": null, "holder_port_id": null,
            "effective": false})
    );
    let ids = |server: &Value| (id(server).parse().unwrap(), text(server, "port_id").parse().unwrap());
    let frame = |server: &Value| {
        let (server, port) = ids(server);
        Announcement { server, port, address, configure: false, release: None }
    };
    assert_eq!(agent.announced.lock().unwrap().split_off(0), [frame(one)], "the frame is sent all the same");

    for server in [one, two] {
        a.post(&place.path("/bind"), json!({"server_id": id(server)})).await.expect(200);
    }
    // What a server does when the data plane reports the claim.
    let take = async |port| {
        while agent.announced.lock().unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        place.world.driver.execute(|catalog, _| control::claim_vip(catalog, port, address)).await.unwrap();
    };
    let (target, body) = (claim(one), json!({"address": "10.0.0.100"}));
    let (reply, ()) = tokio::join!(a.post(&target, body), take(ids(one).1));
    let done = reply.expect(200);
    assert_eq!((&done["claim"]["effective"], &done["claim"]["holder_port_id"]), (&json!(true), &one["port_id"]));
    assert_eq!(place.show().await["holder"]["server_name"], "one");
    agent.announced.lock().unwrap().clear();

    let (target, body) = (claim(two), json!({"address": "10.0.0.100", "configure": true, "release": true}));
    let (reply, ()) = tokio::join!(a.post(&target, body), take(ids(two).1));
    assert_eq!(reply.expect(200)["claim"]["effective"], true);
    let announced = agent.announced.lock().unwrap().split_off(0);
    assert_eq!(announced, [Announcement { configure: true, release: Some(ids(one)), ..frame(two) }]);

    for wrong in [json!({}), json!({"address": "x"}), json!({"address": "10.0.0.100", "port_id": "x"})] {
        assert_eq!(a.post(&claim(one), wrong).await.status, 400);
    }
    let not_its_own = json!({"address": "10.0.0.100", "port_id": two["port_id"]});
    assert_eq!(a.post(&claim(one), not_its_own).await.status, 404);
    assert_eq!(place.world.b.post(&claim(one), json!({"address": "10.0.0.100"})).await.status, 404);
}

/// NH-9, EF-8: what names it or lies in it.
#[tokio::test]
async fn a_virtual_ip_that_is_used_stays() {
    let place = place().await;
    let a = &place.world.a;
    let shown = place.show().await;
    let table = a.default_table(text(&shown, "vpc_id")).await;
    let route = json!({"type": "vip", "destination": "192.168.0.0/24", "nexthop": "10.0.0.100"});
    let path = format!("/v1/{{p}}/routetables/{table}");
    a.put(&path, json!({"routetable": {"routes": {"add": [route]}}})).await.expect(200);
    let port = format!("/v1/{{p}}/ports/{}", id(&place.vip));
    assert_eq!(a.delete(&port).await.refusal().2, "next_hop_in_use");
    let wrong = json!({"type": "vip", "destination": "192.168.1.0/24", "nexthop": place.servers[0]["ip_address"]});
    let refusal = a.put(&path, json!({"routetable": {"routes": {"add": [wrong]}}})).await.refusal();
    assert_eq!(refusal.2, "next_hop_not_in_vpc");
    let states = a.get(&format!("/causeway/v1/route-tables/{table}/routes")).await.expect(200);
    let states = states["routes"].as_array().unwrap();
    let state = states.iter().find(|route| route["type"] == "vip").unwrap();
    assert_eq!((text(state, "state"), text(state, "nexthop")), ("active", "10.0.0.100"));
    assert!(text(state, "note").contains("No server has claimed"), "NH-4: {state}");
    let gone = json!({"destination": "192.168.0.0/24"});
    a.put(&path, json!({"routetable": {"routes": {"del": [gone]}}})).await.expect(200);
    for server in &place.servers {
        a.delete(&format!("/causeway/v1/servers/{}", id(server))).await.expect(204);
    }
    let subnet = format!("/v1/{{p}}/vpcs/{}/subnets/{}", text(&shown, "vpc_id"), place.subnet);
    assert_eq!(a.delete(&subnet).await.refusal().2, "subnet_in_use");
    a.delete(&port).await.expect(204);
    a.delete(&subnet).await.expect(204);
}

/// NH-3.
#[tokio::test]
async fn a_server_gets_and_loses_further_ports() {
    let place = place().await;
    let a = &place.world.a;
    let [one, two] = place.servers.each_ref();
    let body = json!({"port": {"network_id": place.subnet, "name": "second"}});
    let port = a.post("/v1/{p}/ports", body).await.expect(200)["port"].clone();
    let ports = format!("/causeway/v1/servers/{}/ports", id(one));
    let attached = a.post(&ports, json!({"port_id": id(&port)})).await.expect(200);
    assert_eq!((text(&attached["port"], "device_id"), text(&attached["port"], "status")), (id(one).as_str(), "ACTIVE"));
    let primary = |port: &Value| port["binding:vif_details"]["primary_interface"].clone();
    assert_eq!(primary(&attached["port"]), false);
    let list = a.get(&ports).await.expect(200)["ports"].clone();
    assert_eq!([id(&list[0]), id(&list[1])], [text(one, "port_id").to_owned(), id(&port)]);
    assert_eq!(primary(&list[0]), true);
    let other = format!("/causeway/v1/servers/{}/ports", id(two));
    assert_eq!(a.post(&other, json!({"port_id": id(&port)})).await.refusal().2, "port_in_use");
    assert_eq!(a.post(&other, json!({"port_id": id(&place.vip)})).await.status, 400);
    assert_eq!(a.post(&other, json!({})).await.status, 400);
    let refusal = a.delete(&format!("/v1/{{p}}/ports/{}", id(&port))).await.refusal();
    assert_eq!(refusal, refused(400, "VPC.2500", "port_in_use"));
    assert_eq!(a.delete(&format!("{ports}/{}", text(one, "port_id"))).await.status, 400);
    assert_eq!(a.delete(&format!("{other}/{}", id(&port))).await.status, 404);
    assert_eq!(place.world.b.get(&ports).await.status, 404);
    a.delete(&format!("{ports}/{}", id(&port))).await.expect(204);
    a.delete(&format!("/v1/{{p}}/ports/{}", id(&port))).await.expect(204);
}
