//! What a policy says holds whichever way a request takes: no detour leads around a limit or a denial (api-iam §9).

use axum::http::Method;
use serde_json::json;

use crate::fixture::{Reply, World, id, refused};
use crate::policies::{attach, builtin, create, document, grant};
use crate::users::user;

const DENIED: &str = "policy_denied";

#[track_caller]
fn denied(reply: &Reply) {
    let (status, _, internal) = reply.refusal();
    assert_eq!((status, internal.as_str()), (403, DENIED), "{reply:?}");
}

/// Users, policies and enterprise projects belong to the account: who may do all in one project reaches none of them.
#[tokio::test]
async fn rights_in_one_project_are_no_rights_in_the_account() {
    let world = World::new().await;
    let vpc = world.b.vpc("elsewhere", "10.0.0.0/16").await;
    let (ann, client) = user(&world, "ann").await;
    let all = json!([{"Effect": "Allow", "Action": ["iam:*:*", "eps:*:*", "vpc:*:*"]}]);
    let policy = id(&create(&world.b, "all", document(all)).await.expect(201)["role"]);
    attach(&world, &ann, &policy, Some(&world.b.second_project)).await;
    let there = |method: Method, target: &str, body: serde_json::Value| {
        world.raw(client.request_in(&world.b.second_project, method, target, &body.to_string()))
    };
    there(Method::POST, "/v1/{p}/vpcs", json!({"vpc": {"name": "own"}})).await.expect(200);
    denied(&there(Method::POST, "/v3/users", json!({"user": {"name": "bob"}})).await);
    let admin = builtin(&world, "admin").await;
    denied(&there(Method::POST, &format!("/causeway/v1/users/{ann}/policies"), json!({"policy_id": admin})).await);
    let filter = "/v1.0/enterprise-projects/0/resources/filter";
    denied(&there(Method::POST, filter, json!({"resource_types": ["vpcs"]})).await);
    let migrate = "/v1.0/enterprise-projects/0/resources-migrate";
    denied(&there(Method::POST, migrate, json!({"resource_id": vpc, "resource_type": "vpcs"})).await);
    // In all of the account it is another matter.
    attach(&world, &ann, &policy, None).await;
    there(Method::POST, "/v3/users", json!({"user": {"name": "bob"}})).await.expect(201);
    there(Method::POST, filter, json!({"resource_types": ["vpcs"]})).await.expect(200);
}

/// A call that names no project sees them all, so what is denied in one of them is denied to it.
#[tokio::test]
async fn a_denial_in_a_project_holds_for_a_call_that_names_none() {
    let world = World::new().await;
    let vpc = world.b.vpc("v", "10.0.0.0/16").await;
    let subnet = world.b.subnet(&vpc, "s", "10.0.0.0/24").await;
    let server = format!("/causeway/v1/servers/{}", id(&world.b.server("one", &subnet).await));
    let deny = |more: serde_json::Value| {
        let mut statement = json!({"Effect": "Deny", "Action": ["causeway:servers:*"]});
        statement.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!([statement])
    };
    for (name, project, statements) in [
        ("attached", Some(world.b.project.as_str()), deny(json!({}))),
        ("region", None, deny(json!({"Resource": ["causeway:region-1:*:server:*"]}))),
        ("name", None, deny(json!({"Condition": {"StringEquals": {"g:ProjectName": ["region-1"]}}}))),
        ("elsewhere", None, deny(json!({"Condition": {"StringNotEquals": {"g:ProjectName": ["region-2"]}}}))),
    ] {
        let (ann, client) = user(&world, name).await;
        attach(&world, &ann, &builtin(&world, "Causeway FullAccess").await, None).await;
        let with = |project: &str, method| world.raw(client.request_in(project, method, &server, ""));
        with("", Method::GET).await.expect(200);
        let policy = id(&create(&world.b, name, document(statements)).await.expect(201)["role"]);
        attach(&world, &ann, &policy, project).await;
        for project in [&world.b.project, ""] {
            denied(&with(project, Method::DELETE).await);
            denied(&with(project, Method::GET).await);
        }
        let list = client.request_in(&world.b.second_project, Method::GET, "/causeway/v1/servers", "");
        world.raw(list).await.expect(200);
    }
}

/// The object of a request is the one that it is about, under whichever of its ids, not what the path ends with.
#[tokio::test]
async fn a_denial_about_an_object_holds_on_every_path_to_it() {
    let world = World::new().await;
    let vpc = world.b.vpc("v", "10.0.0.0/16").await;
    let subnet = world.b.subnet(&vpc, "s", "10.0.0.0/24").await;
    let shown = world.b.get(&format!("/v1/{{p}}/subnets/{subnet}")).await.expect(200);
    let neutron = shown["subnet"]["neutron_subnet_id"].as_str().unwrap().to_owned();
    let tags = format!("/v2.0/{{p}}/vpcs/{vpc}/tags");
    world.b.post(&tags, json!({"tag": {"key": "keep", "value": "x"}})).await;
    let (bob, _) = user(&world, "bob").await;
    let reader = builtin(&world, "ReadOnlyAccess").await;
    attach(&world, &bob, &reader, None).await;
    let (ann, client) = user(&world, "ann").await;
    attach(&world, &ann, &builtin(&world, "VPC FullAccess").await, None).await;
    grant(&world, &ann, "permissions", json!([{"Effect": "Allow", "Action": ["iam:permissions:*"]}])).await;
    let deny = json!([
        {"Effect": "Deny", "Action": ["vpc:vpcTags:*"], "Resource": [format!("vpc:*:*:vpc:{vpc}")]},
        {"Effect": "Deny", "Action": ["vpc:subnets:*"], "Resource": [format!("vpc:*:*:subnet:{subnet}")]},
        {"Effect": "Deny", "Action": ["iam:permissions:*"], "Resource": [format!("iam:*:*:user:{bob}")]}]);
    grant(&world, &ann, "deny", deny).await;
    denied(&client.get(&tags).await);
    denied(&client.delete(&format!("{tags}/keep")).await);
    denied(&client.get(&format!("/v1/{{p}}/subnets/{subnet}")).await);
    denied(&client.get(&format!("/v2.0/subnets/{neutron}")).await);
    let update = json!({"subnet": {"dns_nameservers": ["6.6.6.6"]}});
    denied(&client.put(&format!("/v2.0/subnets/{neutron}"), update).await);
    denied(&client.delete(&format!("/causeway/v1/users/{bob}/policies/{reader}")).await);
}

/// An operation that does what another one does asks for what the other one asks for.
#[tokio::test]
async fn no_operation_does_what_another_one_is_denied_for() {
    let world = World::new().await;
    let vpc = world.b.vpc("v", "10.0.0.0/16").await;
    let tags = format!("/v2.0/{{p}}/vpcs/{vpc}/tags");
    world.b.post(&tags, json!({"tag": {"key": "keep", "value": "x"}})).await;
    let (ann, client) = user(&world, "ann").await;
    attach(&world, &ann, &builtin(&world, "VPC FullAccess").await, None).await;
    attach(&world, &ann, &builtin(&world, "ReadOnlyAccess").await, None).await;
    grant(&world, &ann, "deny", json!([{"Effect": "Deny", "Action": ["vpc:vpcTags:delete"]}])).await;
    let batch = |action: &str| json!({"action": action, "tags": [{"key": "keep", "value": "y"}]});
    assert_eq!(client.post(&format!("{tags}/action"), batch("create")).await.status, 204);
    denied(&client.post(&format!("{tags}/action"), batch("delete")).await);
    assert_eq!(world.b.get(&tags).await.expect(200)["tags"][0]["value"], "y");
    // A reader computes what packets would do, and sends none.
    let subnet = world.b.subnet(&vpc, "s", "10.0.0.0/24").await;
    let server = id(&world.b.server("one", &subnet).await);
    let reach = |measure: bool| json!({"servers": [server], "protocol": "icmp", "measure": measure});
    client.post("/causeway/v1/reach", reach(false)).await.expect(200);
    denied(&client.post("/causeway/v1/reach", reach(true)).await);
}

/// A condition on what is never known would hold always, and limit nothing.
#[tokio::test]
async fn a_condition_that_always_holds_is_refused() {
    let world = World::new().await;
    for condition in [
        json!({"StringEqualsIfExists": {"g:EnterpriseProjectId": ["0"]}}),
        json!({"Null": {"g:ResourceTag/team": ["true"]}}),
    ] {
        let statement = json!([{"Effect": "Allow", "Action": ["vpc:*:*"], "Condition": condition}]);
        let reply = create(&world.b, "p", document(statement)).await;
        assert_eq!(reply.status, 400, "{reply:?}");
        assert!(reply.message().contains("limit nothing"), "{reply:?}");
    }
    let known = json!([{"Effect": "Allow", "Action": ["vpc:*:*"],
        "Condition": {"StringEqualsIfExists": {"g:ProjectName": ["region-1"]}}}]);
    create(&world.b, "p", document(known)).await.expect(201);
}

/// Also an operator's first user is not disabled by itself: nobody could let it in again.
#[tokio::test]
async fn nobody_locks_itself_out() {
    let world = World::new().await;
    let me = format!("/v3/users/{}", world.a.user);
    let reply = world.a.call(Method::PATCH, &me, r#"{"user": {"enabled": false}}"#).await;
    assert_eq!(reply.status, 403, "{reply:?}");
    world.a.get(&me).await.expect(200);
    assert_ne!(reply.refusal(), refused(403, "403", DENIED));
}
