//! Quotas: what is shown is what is configured, and what is configured is enforced (api-vpc §12, limits §1).

use agent::DatapathKind;
use control::Limits;
use serde_json::{Value, json};

use crate::fixture::{World, id, ids, refused};

/// Every type of limits §1.1, with its documented default where it is ours.
#[tokio::test]
async fn v1_lists_every_type() {
    let world = World::new().await;
    let list = world.a.get("/v1/{p}/quotas").await.expect(200);
    let found = |kind: &str| {
        let all = list["quotas"]["resources"].as_array().unwrap();
        let one = all.iter().find(|item| item["type"] == kind).unwrap_or_else(|| panic!("no {kind}"));
        // A project begins with its default group.
        let own = matches!(kind, "securityGroup" | "securityGroupRule");
        assert!(one["min"] == 0 && (one["used"] == 0 || own), "{one}");
        one["quota"].as_u64().unwrap()
    };
    for (kind, quota) in [
        ("vpc", 150),
        ("subnet", 400),
        ("securityGroup", 100),
        ("securityGroupRule", 5000),
        ("publicIp", 10),
        ("vpn", 5),
        ("vpngw", 2),
        ("vpcPeer", 50),
        ("loadbalancer", 10),
        ("listener", 10),
        ("physicalConnect", 10),
        ("virtualInterface", 50),
        ("firewall", 200),
        ("shareBandwidthIP", 20),
        ("shareBandwidth", 5),
        ("address_group", 10),
        ("flow_log", 10),
        ("routetableContainRoutes", 1000),
        ("vpcContainRoutetable", 5),
    ] {
        assert_eq!(found(kind), quota, "{kind}");
    }
    let refusal = world.a.get("/v1/{p}/quotas?type=none").await.refusal();
    assert_eq!(refusal, refused(400, "VPC.1207", "invalid_request"));
}

fn small() -> Limits {
    Limits {
        vpcs: 2,
        subnets: 1,
        peerings: 0,
        security_groups: 3,
        security_group_rules: 20,
        rules_per_group: 7,
        groups_per_port: 2,
        network_acls: 1,
        rules_per_network_acl: 9,
        address_groups: 1,
        addresses_per_group: 4,
        route_tables_per_vpc: 1,
        routes_per_vpc: 6,
        tags_per_resource: 2,
        cidr_reservations_per_subnet: 8,
        ..Limits::default()
    }
}

#[tokio::test]
async fn both_versions_show_what_is_configured() {
    let world = World::limited(DatapathKind::Kernel, small()).await;
    let v1 = async |kind: &str| {
        let list = world.a.get(&format!("/v1/{{p}}/quotas?type={kind}")).await.expect(200);
        list["quotas"]["resources"][0]["quota"].clone()
    };
    for (kind, quota) in [
        ("vpc", 2),
        ("subnet", 1),
        ("vpcPeer", 0),
        ("securityGroup", 3),
        ("securityGroupRule", 20),
        ("firewall", 1),
        ("address_group", 1),
        ("vpcContainRoutetable", 1),
        ("routetableContainRoutes", 6),
    ] {
        assert_eq!(v1(kind).await, quota, "{kind}");
    }
    let v3 = world.a.get("/v3/{p}/vpc/quotas").await.expect(200);
    assert_eq!(v3["request_id"].as_str().unwrap().len(), 32);
    for (name, quota) in [
        ("vpc", 2),
        ("virsubnet", 1),
        ("peering", 0),
        ("security_group", 3),
        ("security_group_rule", 20),
        ("secgroup_contain_rules", 7),
        ("eni_contain_secgroup", 2),
        ("acl_policy_contain_rules", 9),
        ("address_group", 1),
        ("address_group_contain_ipset", 4),
        ("virsubnet_contain_ipv4_cidr_reservations", 8),
        ("virsubnet_contain_ipv6_cidr_reservations", 8),
        // Nothing limits these here, or there are none.
        ("secgroup_referred_by_nic", -1),
        ("traffic_mirror_session", -1),
    ] {
        assert_eq!(v3["quota"][name], quota, "{name}");
    }
}

/// The documented codes (api-errors §3).
#[tokio::test]
async fn what_is_configured_is_enforced() {
    let world = World::limited(DatapathKind::Kernel, small()).await;
    let refusal = async |path: &str, body: Value| world.a.post(path, body).await.refusal();
    let exceeded = |code| refused(409, code, "quota_exceeded");
    let a = world.a.vpc("a", "10.0.0.0/16").await;
    let b = world.a.vpc("b", "10.1.0.0/16").await;
    assert_eq!(refusal("/v1/{p}/vpcs", json!({"vpc": {"name": "c"}})).await, exceeded("VPC.0114"));
    let subnet = world.a.subnet(&a, "s", "10.0.0.0/24").await;
    let body = json!({"subnet": {"name": "t", "cidr": "10.0.1.0/24", "gateway_ip": "10.0.1.1", "vpc_id": a}});
    assert_eq!(refusal("/v1/{p}/subnets", body).await, exceeded("VPC.0202"));
    assert_eq!(world.a.ask(&a, &b, &world.a.project).await.refusal(), exceeded("OverQuota"));
    assert_eq!(refusal("/v1/{p}/routetables", json!({"routetable": {"vpc_id": a}})).await, exceeded("VPC.2802"));
    let acl = json!({"firewall": {"name": "f"}});
    world.a.post("/v3/{p}/vpc/firewalls", acl.clone()).await.expect(201);
    assert_eq!(refusal("/v3/{p}/vpc/firewalls", acl).await, exceeded("VPC.2500"));
    let group = |set: Value| json!({"address_group": {"name": "g", "ip_version": 4, "ip_set": set}});
    let five = json!(["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5"]);
    assert_eq!(refusal("/v3/{p}/vpc/address-groups", group(five)).await.0, 400);
    world.a.post("/v3/{p}/vpc/address-groups", group(json!([]))).await.expect(201);
    assert_eq!(refusal("/v3/{p}/vpc/address-groups", group(json!([]))).await, exceeded("VPC.2500"));
    let group = json!({"security_group": {"name": "g"}});
    // With the default group there are three.
    let mut groups = ids(&world.a.get("/v1/{p}/security-groups").await.expect(200)["security_groups"]);
    for _ in groups.len()..3 {
        let made = world.a.post("/v3/{p}/vpc/security-groups", group.clone()).await.expect(201);
        groups.insert(0, id(&made["security_group"]));
    }
    assert_eq!(refusal("/v3/{p}/vpc/security-groups", group.clone()).await, exceeded("VPC.0604"));
    assert_eq!(refusal("/v2.0/security-groups", group).await, exceeded("OverQuota"));
    let body = json!({"port": {"network_id": subnet, "security_groups": groups}});
    assert_eq!(refusal("/v1/{p}/ports", body).await, exceeded("VPC.2500"));
    let rule = |port: u16| {
        json!({"security_group_rule": {"security_group_id": groups[0], "direction": "ingress", "protocol": "tcp",
            "multiport": port.to_string()}})
    };
    for port in 1..=3 {
        world.a.post("/v3/{p}/vpc/security-group-rules", rule(port)).await.expect(201);
    }
    assert_eq!(refusal("/v3/{p}/vpc/security-group-rules", rule(4)).await, exceeded("VPC.0602"));
    let tags = json!({"action": "create", "tags": [{"key": "a"}, {"key": "b"}, {"key": "c"}]});
    let reply = world.a.post(&format!("/v2.0/{{p}}/vpcs/{a}/tags/action"), tags).await;
    assert_eq!(reply.message(), "number of tags exceeds max num of 2.");
}
