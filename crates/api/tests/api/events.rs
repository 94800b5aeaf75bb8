//! The audit log (lifecycle section 8): every change has its event, refusals have theirs, and nobody reads another's.

use std::sync::atomic::Ordering;

use api::Connection;
use axum::body::Body;
use axum::http::{HeaderValue, Method, Request};
use serde_json::{Value, json};

use crate::fixture::{Client, PASSWORD, Reply, World, id, send};

/// Events of the whole account that a query chooses, the newest first.
async fn events(client: &Client, query: &str) -> Vec<Value> {
    let request = client.request_in("", Method::GET, &format!("/causeway/v1/events?limit=2000&{query}"), "");
    let page = send(&client.router, request).await.expect(200);
    assert_eq!(page["page_info"]["next_marker"], Value::Null);
    page["events"].as_array().unwrap().clone()
}

/// The one event of a call.
#[track_caller]
fn only(events: &[Value]) -> Value {
    assert_eq!(events.len(), 1, "{events:#?}");
    events[0].clone()
}

async fn event_of(client: &Client, reply: &Reply) -> Value {
    only(&events(client, &format!("request_id={}", reply.header("x-request-id"))).await)
}

/// Checks that a call was one success in the log; answers its body.
async fn did(client: &Client, reply: Reply, operation: &str, kind: &str) -> Value {
    assert!(reply.status.is_success(), "{operation}: {reply:?}");
    let event = event_of(client, &reply).await;
    assert_eq!((&event["operation"], &event["result"]), (&json!(operation), &json!("success")), "{event:#}");
    assert_eq!(event["resource"]["type"], kind, "{event:#}");
    assert_eq!(event["actor"]["user_id"], client.user.to_string(), "{event:#}");
    assert!(!event["changes"].as_array().unwrap().is_empty(), "{event:#}");
    if reply.text.is_empty() { Value::Null } else { reply.json() }
}

#[tokio::test]
async fn every_change_of_the_network_leaves_one_event() {
    let world = World::new().await;
    let a = &world.a;
    let body = json!({"vpc": {"name": "one", "cidr": "10.0.0.0/16"}});
    let vpc = id(&did(a, a.post("/v1/{p}/vpcs", body).await, "createVpc", "vpc").await["vpc"]);
    let own = format!("/v1/{{p}}/vpcs/{vpc}");
    did(a, a.put(&own, json!({"vpc": {"name": "two"}})).await, "updateVpc", "vpc").await;
    let block = json!({"vpc": {"extend_cidrs": ["10.1.0.0/16"]}});
    let v3 = format!("/v3/{{p}}/vpc/vpcs/{vpc}");
    did(a, a.put(&format!("{v3}/add-extend-cidr"), block.clone()).await, "addVpcExtendCidr", "vpc").await;
    did(a, a.put(&format!("{v3}/remove-extend-cidr"), block).await, "removeVpcExtendCidr", "vpc").await;

    let body = json!({"subnet": {"name": "s", "cidr": "10.0.0.0/24", "gateway_ip": "10.0.0.1", "vpc_id": vpc}});
    let subnet = id(&did(a, a.post("/v1/{p}/subnets", body).await, "createSubnet", "subnet").await["subnet"]);
    let within = format!("{own}/subnets/{subnet}");
    did(a, a.put(&within, json!({"subnet": {"name": "t"}})).await, "updateSubnet", "subnet").await;

    let body = json!({"port": {"network_id": subnet}});
    let port = id(&did(a, a.post("/v1/{p}/ports", body).await, "createPort", "port").await["port"]);
    let path = format!("/v2.0/ports/{port}");
    did(a, a.put(&path, json!({"port": {"name": "renamed"}})).await, "updatePortV2", "port").await;
    let body = json!({"server": {"name": "srv", "subnet_id": subnet}});
    let made = did(a, a.post("/causeway/v1/servers", body).await, "createServer", "server").await;
    let server = format!("/causeway/v1/servers/{}", id(&made["server"]));
    did(a, a.post(&format!("{server}/action"), json!({"stop": {}})).await, "serverAction", "server").await;
    did(a, a.post(&format!("{server}/ports"), json!({"port_id": port})).await, "attachPort", "server").await;
    did(a, a.delete(&format!("{server}/ports/{port}")).await, "detachPort", "port").await;
    let body = json!({"port": {"network_id": subnet, "device_owner": "neutron:VIP_PORT"}});
    let vip = id(&did(a, a.post("/v1/{p}/ports", body).await, "createPort", "port").await["port"]);
    let bind = json!({"server_id": id(&made["server"])});
    let path = format!("/causeway/v1/vips/{vip}");
    did(a, a.post(&format!("{path}/bind"), bind.clone()).await, "bindVip", "port").await;
    did(a, a.post(&format!("{path}/unbind"), bind).await, "unbindVip", "port").await;
    did(a, a.delete(&format!("/v1/{{p}}/ports/{vip}")).await, "deletePort", "port").await;
    did(a, a.delete(&format!("/v2.0/ports/{port}")).await, "deletePortV2", "port").await;
    did(a, a.delete(&server).await, "deleteServer", "server").await;

    let body = json!({"routetable": {"name": "custom", "vpc_id": vpc}});
    let made = did(a, a.post("/v1/{p}/routetables", body).await, "createRouteTable", "route-table").await;
    let table = format!("/v1/{{p}}/routetables/{}", id(&made["routetable"]));
    did(a, a.put(&table, json!({"routetable": {"name": "new"}})).await, "updateRouteTable", "route-table").await;
    let body = json!({"routetable": {"subnets": {"associate": [subnet]}}});
    did(a, a.post(&format!("{table}/action"), body).await, "associateRouteTable", "route-table").await;
    let body = json!({"routetable": {"subnets": {"disassociate": [subnet]}}});
    did(a, a.post(&format!("{table}/action"), body).await, "associateRouteTable", "route-table").await;
    did(a, a.delete(&table).await, "deleteRouteTable", "route-table").await;
    did(a, a.delete(&within).await, "deleteSubnet", "subnet").await;
    did(a, a.delete(&own).await, "deleteVpc", "vpc").await;
}

#[tokio::test]
async fn every_change_of_a_policy_leaves_one_event() {
    let world = World::new().await;
    let a = &world.a;
    let body = json!({"security_group": {"name": "sg"}});
    let reply = a.post("/v3/{p}/vpc/security-groups", body).await;
    let group = id(&did(a, reply, "createSecurityGroupV3", "security-group").await["security_group"]);
    let path = format!("/v3/{{p}}/vpc/security-groups/{group}");
    let reply = a.put(&path, json!({"security_group": {"name": "new"}})).await;
    did(a, reply, "updateSecurityGroupV3", "security-group").await;
    let rule = json!({"security_group_rule": {"security_group_id": group, "direction": "ingress", "protocol": "tcp",
        "multiport": "22", "remote_ip_prefix": "10.0.0.0/8"}});
    let reply = a.post("/v3/{p}/vpc/security-group-rules", rule).await;
    let rule = id(&did(a, reply, "createSecurityGroupRuleV3", "security-group-rule").await["security_group_rule"]);
    let of_rule = only(&events(a, &format!("resource_id={rule}")).await);
    assert_eq!(of_rule["changes"][0]["fields"], json!(["rules"]), "{of_rule:#}");
    let made = json!({"type": "security-group-rule", "id": rule, "name": "", "change": "created", "fields": []});
    assert_eq!(of_rule["changes"][1], made);
    let reply = a.delete(&format!("/v3/{{p}}/vpc/security-group-rules/{rule}")).await;
    did(a, reply, "deleteSecurityGroupRuleV3", "security-group-rule").await;
    did(a, a.delete(&path).await, "deleteSecurityGroupV3", "security-group").await;

    let reply = a.post("/v3/{p}/vpc/firewalls", json!({"firewall": {"name": "acl"}})).await;
    let acl = id(&did(a, reply, "addFirewall", "network-acl").await["firewall"]);
    let path = format!("/v3/{{p}}/vpc/firewalls/{acl}");
    let reply = a.put(&path, json!({"firewall": {"name": "other"}})).await;
    did(a, reply, "updateFirewall", "network-acl").await;
    did(a, a.delete(&path).await, "deleteFirewall", "network-acl").await;

    let body = json!({"address_group": {"name": "ag", "ip_version": 4, "ip_set": ["10.0.0.1"]}});
    let reply = a.post("/v3/{p}/vpc/address-groups", body).await;
    let group = id(&did(a, reply, "createAddressGroup", "address-group").await["address_group"]);
    let path = format!("/v3/{{p}}/vpc/address-groups/{group}");
    let reply = a.put(&path, json!({"address_group": {"name": "bg"}})).await;
    did(a, reply, "updateAddressGroup", "address-group").await;
    did(a, a.delete(&path).await, "deleteAddressGroup", "address-group").await;
}

/// EV-8: the fields are named, their values are not told.
#[tokio::test]
async fn accounts_keys_and_logins_leave_events_without_secrets() {
    let world = World::new().await;
    let a = &world.a;
    let made = did(a, a.post("/causeway/v1/accounts", json!({"name": "new"})).await, "createAccount", "account").await;
    let account = id(&made["account"]);
    // The new account has an event of its own, and does not learn who the operator is.
    let theirs = events(a, &format!("account_id={account}")).await;
    let event = only(&theirs);
    assert_eq!((&event["operation"], &event["actor"]), (&json!("createAccount"), &json!({"type": "operator"})));
    assert_eq!((&event["request_id"], &event["source_address"]), (&Value::Null, &Value::Null));
    for secret in [&made["user"]["password"], &made["access_key"]["secret"]] {
        assert!(!event.to_string().contains(secret.as_str().unwrap()));
    }
    did(a, a.delete(&format!("/causeway/v1/accounts/{account}")).await, "deleteAccount", "account").await;

    let body = json!({"credential": {"user_id": a.user.to_string()}});
    let made = did(a, a.post("/v3.0/OS-CREDENTIAL/credentials", body).await, "createCredential", "access-key").await;
    let key = made["credential"]["access"].as_str().unwrap();
    let reply = a.delete(&format!("/v3.0/OS-CREDENTIAL/credentials/{key}")).await;
    did(a, reply, "deleteCredential", "access-key").await;

    let reply = login(&world, "acct-b", PASSWORD).await;
    let token = reply.header("x-subject-token").to_owned();
    did(&world.b, reply, "createToken", "token").await;
    let request = Request::delete("/v3/auth/tokens").header("x-auth-token", &token).header("x-subject-token", &token);
    let reply = world.raw(request.body(Body::empty()).unwrap()).await;
    did(&world.b, reply, "deleteToken", "token").await;
    assert!(!format!("{:?}", events(&world.b, "").await).contains(&token));
}

async fn login(world: &World, account: &str, password: &str) -> Reply {
    let user = json!({"name": format!("{account}-user"), "password": password, "domain": {"name": account}});
    let body = json!({"auth": {"identity": {"methods": ["password"], "password": {"user": user}}}});
    world.raw(Request::post("/v3/auth/tokens").body(Body::from(body.to_string())).unwrap()).await
}

/// EV-2, EV-4: both sides have the transitions, each the routes of its own side (lifecycle sections 4 and 8).
#[tokio::test]
async fn both_accounts_of_a_peering_have_its_life_and_each_its_own_side() {
    let world = World::new().await;
    let (a, b) = (&world.a, &world.b);
    let (left, right) = (a.vpc("secret-a", "10.0.0.0/16").await, b.vpc("secret-b", "10.1.0.0/16").await);
    let asked = a.ask(&left, &right, &b.project).await;
    let peering = id(&did(a, asked, "createVpcPeering", "peering").await["peering"]);
    let path = format!("/v2.0/vpc/peerings/{peering}");
    did(b, b.put(&format!("{path}/accept"), json!({})).await, "acceptVpcPeering", "peering").await;
    for (client, vpc, count) in [(a, &left, 1), (b, &right, 2)] {
        for number in 0..count {
            let route = json!({"route": {"type": "peering", "nexthop": peering, "vpc_id": vpc,
                "destination": format!("10.{}.0.0/16", 100 + number)}});
            did(client, client.post("/v2.0/vpc/routes", route).await, "createVpcRoute", "route").await;
        }
    }
    did(b, b.delete(&path).await, "deleteVpcPeering", "peering").await;

    for (client, other, vpc, routes) in [(a, b, &left, 1), (b, a, &right, 2)] {
        let mut life = events(client, "resource_type=peering").await;
        life.retain(|event| event["resource"]["id"] == peering);
        life.reverse();
        let told: Vec<_> = life.iter().map(|event| event["operation"].as_str().unwrap()).collect();
        assert_eq!(told, ["createVpcPeering", "acceptVpcPeering", "deleteVpcPeering"]);
        let states: Vec<_> = life
            .iter()
            .map(|event| {
                let changes = event["changes"].as_array().unwrap();
                let change = changes.iter().find(|change| change["id"] == peering).unwrap();
                (change["old_state"].as_str(), change["new_state"].as_str())
            })
            .collect();
        let (pending, active) = (Some("PENDING_ACCEPTANCE"), Some("ACTIVE"));
        assert_eq!(states, [(None, pending), (pending, active), (active, Some("DELETED"))]);
        assert_eq!(life[2]["routes_removed"], json!([{"vpc_id": vpc, "count": routes}]), "{:#}", life[2]);
        // Of the other account nothing but what the peering itself says.
        let by_other: Vec<_> = life.iter().filter(|event| event["actor"]["type"] != "user").collect();
        assert!(!by_other.is_empty());
        for event in by_other {
            assert_eq!(event["actor"], json!({"type": "peer", "project_id": other.project}));
            assert_eq!((&event["request_id"], &event["user_agent"]), (&Value::Null, &Value::Null));
        }
        let text = format!("{:?}", events(client, "").await);
        let name = if client.account == a.account { "secret-b" } else { "secret-a" };
        for hidden in [name.to_owned(), other.user.to_string(), other.account.to_string()] {
            assert!(!text.contains(&hidden), "{hidden} in {text}");
        }
    }
}

/// EV-3: what else the other party did by the same call is its business.
#[tokio::test]
async fn a_peering_that_goes_with_its_vpc_is_a_deleted_peering_to_the_other_account() {
    let world = World::new().await;
    let (a, b) = (&world.a, &world.b);
    let (left, right) = (a.vpc("l", "10.0.0.0/16").await, b.vpc("hidden", "10.1.0.0/16").await);
    let peering = id(&a.ask(&left, &right, &b.project).await.expect(201)["peering"]);
    let reply = b.delete(&format!("/v1/{{p}}/vpcs/{right}")).await;
    let own = event_of(b, &reply).await;
    assert_eq!((&own["operation"], &own["resource"]["id"]), (&json!("deleteVpc"), &json!(right)));
    let told = only(&events(a, &format!("resource_id={peering}&operation=deleteVpc,deleteVpcPeering")).await);
    assert_eq!((&told["operation"], &told["resource"]["id"]), (&json!("deleteVpcPeering"), &json!(peering)));
    assert_eq!(told["changes"].as_array().unwrap().len(), 1, "{told:#}");
    assert!(!told.to_string().contains("hidden"));
}

/// EV-1: a change that others were faster with has one event, that of the try that got through.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_at_once_have_one_event_each() {
    let world = World::new().await;
    let b = &world.b;
    let vpc = b.vpc("v", "10.0.0.0/16").await;
    let subnet = b.subnet(&vpc, "s", "10.0.0.0/24").await;
    let calls = (0..40).map(|_| {
        let (b, body) = (b.clone(), json!({"port": {"network_id": subnet}}));
        tokio::spawn(async move { b.post("/v1/{p}/ports", body).await })
    });
    let mut made = Vec::new();
    for call in calls.collect::<Vec<_>>() {
        made.push(id(&call.await.unwrap().expect(200)["port"]));
    }
    let mut told: Vec<_> = events(b, "operation=createPort").await.iter().map(|event| id(&event["resource"])).collect();
    made.sort();
    told.sort();
    assert_eq!(told, made);
}

#[tokio::test]
async fn the_server_itself_is_the_actor_of_an_expiry() {
    let world = World::new().await;
    let (a, b) = (&world.a, &world.b);
    let (left, right) = (a.vpc("l", "10.0.0.0/16").await, b.vpc("r", "10.1.0.0/16").await);
    let peering = id(&a.ask(&left, &right, &b.project).await.expect(201)["peering"]);
    world.clock.fetch_add(8 * 24 * 3600, Ordering::SeqCst);
    assert_eq!(world.driver.expire_due().await.unwrap(), 1);
    for client in [a, b] {
        let event = only(&events(client, &format!("operation=expirePeering&resource_id={peering}")).await);
        assert_eq!(event["actor"], json!({"type": "system"}));
        assert_eq!(event["changes"][0]["new_state"], "EXPIRED");
        assert_eq!(event["project_id"], client.project);
    }
}

/// EV-5: for the caller's account alone, and no reads.
#[tokio::test]
async fn refusals_are_told_with_what_their_answers_said() {
    let world = World::new().await;
    let (a, b) = (&world.a, &world.b);
    let vpc = a.vpc("v", "10.0.0.0/16").await;
    let before = events(b, "").await.len();
    let reply = b.delete(&format!("/v1/{{p}}/vpcs/{vpc}")).await;
    let event = event_of(b, &reply).await;
    let (status, code, internal) = reply.refusal();
    let told = json!({"status": status, "code": code, "error": internal, "message": reply.message()});
    assert_eq!((&event["result"], &event["error"]), (&json!("failure"), &told));
    assert_eq!(event["operation"], "deleteVpc");
    assert_eq!(event["resource"], json!({"type": "vpc", "id": vpc, "name": ""}));
    assert_eq!(event["project_id"], b.project);
    assert_eq!(event["changes"], json!([]));
    // A body that cannot be read is a refusal as well.
    let reply = b.call(Method::POST, "/v1/{p}/vpcs", "{").await;
    assert_eq!(event_of(b, &reply).await["error"]["error"], "invalid_body");
    // Reads, questions, rehearsals and what changes nothing are no events.
    assert_eq!(b.get(&format!("/v1/{{p}}/vpcs/{vpc}")).await.status, 404);
    assert_eq!(b.post("/causeway/v1/trace", json!({})).await.status, 400);
    let dry = json!({"dry_run": true, "vpc": {"name": "dry", "cidr": "10.0.0.0/16"}});
    b.post("/v3/{p}/vpc/vpcs", dry).await.expect(202);
    let dry = json!({"dry_run": true, "vpc": {"name": "dry", "cidr": "224.0.0.0/16"}});
    assert_eq!(b.post("/v3/{p}/vpc/vpcs", dry).await.status, 400);
    assert_eq!(events(b, "").await.len(), before + 2);
    // The owner has nothing of it.
    assert!(events(a, "result=failure").await.is_empty());
}

/// EV-6.
#[tokio::test]
async fn who_proves_nothing_is_told_to_the_account_he_names_and_not_too_often() {
    let world = World::new().await;
    let thief = Client { secret_key: "x".repeat(40), ..world.b.clone() };
    let reply = thief.get("/v1/{p}/vpcs").await;
    let event = event_of(&world.b, &reply).await;
    assert_eq!((&event["operation"], &event["error"]["error"]), (&json!("listVpcs"), &json!("wrong_signature")));
    assert_eq!(
        event["actor"],
        json!({"type": "unproven", "user_id": world.b.user.to_string(), "user_name": "acct-b-user"})
    );
    // What was signed stays between the two: it may be long, and hold a token.
    assert!(reply.message().contains("canonicalRequest"), "{reply:?}");
    assert_eq!(event["error"]["message"], "verify aksk signature fail");
    let reply = login(&world, "acct-b", "wrong").await;
    assert_eq!(event_of(&world.b, &reply).await["error"]["error"], "wrong_login");
    for _ in 0..40 {
        thief.delete("/v1/{p}/vpcs/x").await;
    }
    let told = events(&world.b, "result=failure").await.len();
    assert_eq!(told, 20, "twenty in a minute and no more");
    world.clock.fetch_add(60, Ordering::SeqCst);
    thief.delete("/v1/{p}/vpcs/x").await;
    assert_eq!(events(&world.b, "result=failure").await.len(), 21);
    // A key that nobody has is nobody's.
    let nobody = Client { access_key: "NOBODY".to_owned(), ..thief };
    let reply = nobody.delete("/v1/{p}/vpcs/x").await;
    for client in [&world.a, &world.b] {
        assert!(events(client, &format!("request_id={}", reply.header("x-request-id"))).await.is_empty());
    }
}

#[tokio::test]
async fn nobody_reads_the_events_of_another_account() {
    let world = World::new().await;
    let (a, b) = (&world.a, &world.b);
    a.vpc("mine", "10.0.0.0/16").await;
    let event = id(&events(a, "operation=createVpc").await[0]);
    assert!(events(b, "operation=createVpc").await.is_empty());
    let path = format!("/causeway/v1/events/{event}");
    assert_eq!(a.get(&path).await.expect(200)["event"]["operation"], "createVpc");
    assert_eq!(b.get(&path).await.refusal().2, "not_found");
    for target in [path.clone(), "/causeway/v1/events".to_owned()] {
        let reply = b.get(&format!("{target}?account_id={}", a.account)).await;
        assert_eq!(reply.refusal().2, "not_authorized");
    }
    assert_eq!(b.get(&format!("/causeway/v1/events?account_id={}", b.account)).await.status, 200);
    // The operator reads those of others by asking for them.
    b.vpc("theirs", "10.0.0.0/16").await;
    assert!(events(a, "").await.iter().all(|event| event["resource"]["name"] != "theirs"));
    let theirs = events(a, &format!("account_id={}&operation=createVpc", b.account)).await;
    assert_eq!(only(&theirs)["resource"]["name"], "theirs");
    // Of another project there is nothing in a project's list.
    let list = send(&a.router, a.request_in(&a.second_project, Method::GET, "/causeway/v1/events", "")).await;
    assert_eq!(list.expect(200)["events"], json!([]));
    assert_eq!(a.get("/causeway/v1/events?operation=createVpc").await.expect(200)["events"][0]["id"], event);
}

#[tokio::test]
async fn events_come_in_pages_the_newest_first_and_through_filters() {
    let world = World::new().await;
    let b = &world.b;
    for number in 0..7 {
        world.clock.fetch_add(10, Ordering::SeqCst);
        b.vpc(&format!("v{number}"), &format!("10.{number}.0.0/16")).await;
    }
    let mut seen = Vec::new();
    let mut target = "/causeway/v1/events?operation=createVpc&limit=3".to_owned();
    loop {
        let page = b.get(&target).await.expect(200);
        seen.extend(
            page["events"]
                .as_array()
                .unwrap()
                .iter()
                .map(|event| (event["resource"]["name"].as_str().unwrap().to_owned(), id(event))),
        );
        match page["page_info"]["next_marker"].as_str() {
            Some(marker) => target = format!("/causeway/v1/events?operation=createVpc&limit=3&marker={marker}"),
            None => break,
        }
    }
    let names: Vec<_> = seen.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["v6", "v5", "v4", "v3", "v2", "v1", "v0"]);
    let times = "since=2026-01-02T03:04:25Z&until=2026-01-02T03:04:45Z";
    let some = events(b, &format!("{times}&operation=createVpc")).await;
    let names: Vec<_> = some.iter().map(|event| event["resource"]["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["v2", "v1"]);
    assert_eq!(some[0]["time"], "2026-01-02T03:04:35Z");
    let newer = events(b, &format!("after={}", seen[2].1)).await;
    assert_eq!(newer.len(), 2, "those behind the third newest");
    assert_eq!(events(b, &format!("user={}&resource_type=vpc", b.user)).await.len(), 7);
    assert_eq!(events(b, "user=acct-b-user&resource_type=vpc").await.len(), 7);
    assert!(events(b, "user=nobody").await.is_empty());
    assert!(events(b, "resource_id=nothing").await.is_empty());
    for wrong in ["since=yesterday", "result=maybe", "limit=0", "limit=2001", "marker=x", "after=x", "account_id=x"] {
        assert_eq!(b.get(&format!("/causeway/v1/events?{wrong}")).await.status, 400, "{wrong}");
    }
}

/// The address is the connection's; a header of the client's says nothing, as no proxy is trusted here.
#[tokio::test]
async fn an_event_says_where_the_call_came_from() {
    let world = World::new().await;
    let body = json!({"vpc": {"name": "v", "cidr": "10.0.0.0/16"}}).to_string();
    let mut request = world.b.request(Method::POST, "/v1/{p}/vpcs", &body);
    request.extensions_mut().insert(Connection { peer: "192.0.2.7:40000".parse().unwrap(), tls: false });
    request.headers_mut().insert("x-forwarded-for", HeaderValue::from_static("198.51.100.1"));
    request.headers_mut().insert("user-agent", HeaderValue::from_static("tool/1.0"));
    let reply = world.raw(request).await;
    let event = event_of(&world.b, &reply).await;
    assert_eq!((&event["source_address"], &event["user_agent"]), (&json!("192.0.2.7"), &json!("tool/1.0")));
}

/// EV-7: of ten thousand events the oldest go, and what is older than ninety days goes.
#[tokio::test]
async fn old_events_are_forgotten() {
    let world = World::new().await;
    world.b.vpc("old", "10.0.0.0/16").await;
    world.driver.prune_events().await.unwrap();
    assert!(!events(&world.b, "operation=createVpc").await.is_empty());
    world.clock.fetch_add(91 * 24 * 3600, Ordering::SeqCst);
    world.b.vpc("new", "10.1.0.0/16").await;
    assert!(world.driver.prune_events().await.unwrap() > 0);
    let left = events(&world.b, "").await;
    assert_eq!(only(&left)["resource"]["name"], "new");
}

/// EV-7: refusals, which anybody who has a key can make, push out refusals alone.
#[tokio::test]
async fn refusals_do_not_push_out_what_happened() {
    let world = World::keeping(3).await;
    world.b.vpc("kept", "10.0.0.0/16").await;
    for _ in 0..9 {
        world.b.delete("/v1/{p}/vpcs/x").await;
    }
    assert_eq!(events(&world.b, "result=failure").await.len(), 9);
    let order: Vec<Value> = events(&world.b, "").await.into_iter().map(|event| event["id"].clone()).collect();
    assert!(order.windows(2).all(|two| two[0].as_str() > two[1].as_str()), "{order:?}");
    world.driver.prune_events().await.unwrap();
    assert_eq!(events(&world.b, "result=failure").await.len(), 3);
    assert_eq!(only(&events(&world.b, "operation=createVpc").await)["resource"]["name"], "kept");
}
