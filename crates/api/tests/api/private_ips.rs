//! Private IPs (api-vpc §7.1) and CIDR reservations (§16) on the wire.

use serde_json::{Value, json};

use crate::fixture::{World, fields, id, ids, refused};

const NOWHERE: &str = "00000000-0000-4000-8000-000000000000";
const RESERVATIONS: &str = "/v3/{p}/vpc/virsubnet-cidr-reservations";

async fn network(world: &World) -> String {
    let vpc = world.a.vpc("vpc", "10.0.0.0/16").await;
    world.a.subnet(&vpc, "s", "10.0.1.0/24").await
}

async fn apply(world: &World, ips: Value) -> crate::fixture::Reply {
    world.a.post("/v1/{p}/privateips", json!({"privateips": ips})).await
}

/// The codes are those of api-errors §3.4.
#[tokio::test]
async fn private_ips_are_ports_and_refusals_have_codes_of_their_own() {
    let world = World::new().await;
    let net = network(&world).await;
    let made = apply(&world, json!([{"subnet_id": net}, {"subnet_id": net, "ip_address": "10.0.1.2"}])).await;
    let made = made.expect(200)["privateips"].clone();
    assert_eq!(fields(&made[0]), ["device_owner", "id", "ip_address", "status", "subnet_id", "tenant_id"]);
    assert_eq!((&made[0]["ip_address"], &made[1]["ip_address"]), (&json!("10.0.1.3"), &json!("10.0.1.2")));
    assert_eq!((&made[0]["status"], &made[0]["device_owner"]), (&json!("DOWN"), &json!("")));
    let path = format!("/v1/{{p}}/privateips/{}", id(&made[0]));
    assert_eq!(world.a.get(&path).await.expect(200)["privateip"], made[0]);
    let port = world.a.get(&format!("/v1/{{p}}/ports/{}", id(&made[0]))).await.expect(200);
    assert_eq!(port["port"]["fixed_ips"][0]["ip_address"], "10.0.1.3");
    let server = world.a.server("srv", &net).await;
    let held = server["port_id"].as_str().unwrap();
    let list = world.a.get(&format!("/v1/{{p}}/subnets/{net}/privateips")).await.expect(200);
    assert_eq!(ids(&list["privateips"]).len(), 3);
    let last = ids(&list["privateips"])[2].clone();
    let rest = world.a.get(&format!("/v1/{{p}}/subnets/{net}/privateips?marker={last}")).await.expect(200);
    assert_eq!(rest["privateips"], json!([]));

    let refuse = async |ips: Value| apply(&world, ips).await.refusal();
    let one = |address: &str| json!([{"subnet_id": net, "ip_address": address}]);
    assert_eq!(refuse(one("10.0.1.2")).await, refused(500, "VPC.0701", "address_in_use"));
    assert_eq!(refuse(one("10.0.1.1")).await, refused(400, "VPC.0705", "invalid_address"));
    assert_eq!(refuse(one("10.0.2.1")).await, refused(400, "VPC.0705", "invalid_address"));
    assert_eq!(refuse(one("no address")).await, refused(400, "VPC.0702", "invalid_request"));
    assert_eq!(refuse(json!([])).await, refused(400, "VPC.0702", "invalid_parameter"));
    assert_eq!(refuse(json!([{"subnet_id": NOWHERE}])).await, refused(404, "VPC.2204", "not_found"));
    let lost = format!("/v1/{{p}}/privateips/{NOWHERE}");
    assert_eq!(world.a.get(&lost).await.refusal(), refused(404, "VPC.0704", "not_found"));
    assert_eq!(world.a.delete(&lost).await.refusal(), refused(404, "VPC.0704", "not_found"));
    let lost = world.a.get(&format!("/v1/{{p}}/subnets/{NOWHERE}/privateips")).await;
    assert_eq!(lost.refusal(), refused(404, "VPC.2204", "not_found"));
    let reply = world.a.delete(&format!("/v1/{{p}}/privateips/{held}")).await;
    assert_eq!(reply.refusal(), refused(409, "VPC.0707", "port_in_use"));
    world.a.delete(&path).await.expect(204);

    let vpc = world.a.vpc("small", "10.1.0.0/16").await;
    let small = world.a.subnet(&vpc, "small", "10.1.0.0/28").await;
    apply(&world, Value::Array(vec![json!({"subnet_id": small}); 11])).await.expect(200);
    assert_eq!(refuse(json!([{"subnet_id": small}])).await, refused(409, "VPC.0703", "no_free_address"));
}

#[tokio::test]
async fn reservations_keep_addresses_back() {
    let world = World::new().await;
    let net = network(&world).await;
    let wrap = |fields: Value| json!({"virsubnet_cidr_reservation": fields});
    let body = wrap(json!({"virsubnet_id": net, "ip_version": 4, "mask": "28", "name": "kept", "description": "d"}));
    let dry = json!({"dry_run": true, "virsubnet_cidr_reservation": body["virsubnet_cidr_reservation"]});
    world.a.post(RESERVATIONS, dry).await.expect(202);
    let made = world.a.post(RESERVATIONS, body).await.expect(201)["virsubnet_cidr_reservation"].clone();
    assert_eq!(
        fields(&made),
        [
            "cidr",
            "created_at",
            "description",
            "id",
            "ip_version",
            "name",
            "project_id",
            "updated_at",
            "virsubnet_id",
            "vpc_id"
        ]
    );
    assert_eq!((&made["cidr"], &made["ip_version"]), (&json!("10.0.1.16/28"), &json!(4)));
    let path = format!("{RESERVATIONS}/{}", id(&made));
    assert_eq!(world.a.get(&path).await.expect(200)["virsubnet_cidr_reservation"], made);
    let subnet = world.a.get(&format!("/v1/{{p}}/subnets/{net}")).await.expect(200)["subnet"].clone();
    assert_eq!(subnet["available_ip_address_count"], 235);
    let explicit = json!({"port": {"network_id": net, "fixed_ips": [{"ip_address": "10.0.1.20"}]}});
    world.a.post("/v1/{p}/ports", explicit).await.expect(200);

    let refuse = async |fields: Value| world.a.post(RESERVATIONS, wrap(fields)).await.refusal();
    let of = |cidr: &str| json!({"virsubnet_id": net, "ip_version": 4, "cidr": cidr});
    assert_eq!(refuse(of("10.0.1.16/30")).await, refused(409, "VPC.2500", "cidr_reservation_overlap"));
    assert_eq!(refuse(of("10.0.1.0/28")).await, refused(400, "VPC.2500", "invalid_parameter"));
    assert_eq!(refuse(of("fd00::/66")).await, refused(400, "VPC.2500", "invalid_request"));
    assert_eq!(
        refuse(json!({"virsubnet_id": net, "ip_version": 6, "mask": 80})).await,
        refused(400, "VPC.2500", "invalid_parameter")
    );
    assert_eq!(refuse(json!({"virsubnet_id": net, "mask": 28})).await, refused(400, "VPC.2500", "invalid_request"));
    assert_eq!(
        refuse(json!({"virsubnet_id": NOWHERE, "ip_version": 4, "mask": 28})).await,
        refused(404, "VPC.2204", "not_found")
    );

    let other = world.a.post(RESERVATIONS, wrap(of("10.0.1.64/27"))).await.expect(201);
    let other = id(&other["virsubnet_cidr_reservation"]);
    for (filter, count) in [
        (format!("virsubnet_id={net}"), 2),
        ("cidr=10.0.1.64/27".to_owned(), 1),
        ("ip_version=6".to_owned(), 0),
        ("name=kept,other".to_owned(), 1),
        ("description=d".to_owned(), 1),
        (format!("id={other}&id={NOWHERE}"), 1),
        ("enterprise_project_id=0".to_owned(), 2),
    ] {
        let list = world.a.get(&format!("{RESERVATIONS}?{filter}")).await.expect(200);
        assert_eq!(ids(&list["virsubnet_cidr_reservations"]).len(), count, "{filter}");
    }
    let changed = world.a.put(&path, wrap(json!({"name": "new"}))).await.expect(200);
    let changed = &changed["virsubnet_cidr_reservation"];
    assert_eq!((&changed["name"], &changed["description"]), (&json!("new"), &json!("d")));
    let moved = world.a.put(&path, wrap(json!({"cidr": "10.0.1.32/28"}))).await;
    assert_eq!(moved.refusal(), refused(400, "VPC.2500", "not_supported"));
    assert_eq!(world.b.get(&path).await.refusal(), refused(404, "VPC.2204", "not_found"));
    world.a.delete(&path).await.expect(204);
    assert_eq!(world.a.get(&path).await.refusal(), refused(404, "VPC.2204", "not_found"));
}
