//! Users, their passwords and access keys (api-iam §5, §6).

use axum::body::Body;
use axum::http::{HeaderValue, Method, Request};
use serde_json::{Value, json};

use crate::fixture::{Client, PASSWORD, Reply, World, fields, id, ids, refused};
use crate::policies::{attach, builtin};

const KEYS: &str = "/v3.0/OS-CREDENTIAL/credentials";

/// A user of b's account, and somebody who signs as it.
pub async fn user(world: &World, name: &str) -> (String, Client) {
    let made = world.b.post("/v3/users", json!({"user": {"name": name, "password": "Secret-1"}})).await;
    let user = id(&made.expect(201)["user"]);
    let key = world.b.post(KEYS, json!({"credential": {"user_id": user}})).await.expect(201)["credential"].clone();
    let text = |name: &str| key[name].as_str().unwrap().to_owned();
    let client = Client {
        access_key: text("access"),
        secret_key: text("secret"),
        user: user.parse().unwrap(),
        ..world.b.clone()
    };
    (user, client)
}

async fn login(world: &World, name: &str, password: &str) -> Reply {
    let body = json!({"auth": {"identity": {"methods": ["password"], "password": {"user": {
        "name": name, "password": password, "domain": {"name": "acct-b"}}}}}});
    world.raw(Request::post("/v3/auth/tokens").body(Body::from(body.to_string())).unwrap()).await
}

async fn with_token(world: &World, token: &str) -> Reply {
    let mut request = Request::get("/v3/auth/domains").body(Body::empty()).unwrap();
    request.headers_mut().insert("x-auth-token", HeaderValue::from_str(token).unwrap());
    world.raw(request).await
}

async fn patch(client: &Client, target: &str, body: Value) -> Reply {
    client.call(Method::PATCH, target, &body.to_string()).await
}

#[tokio::test]
async fn a_user_is_made_shown_changed_and_deleted() {
    let world = World::new().await;
    let (b, a) = (&world.b, &world.a);
    let wanted = json!({"user": {"name": "ann", "password": "Secret-1", "description": "d", "enabled": true,
        "domain_id": b.account.to_string()}});
    let made = b.post("/v3/users", wanted).await.expect(201)["user"].clone();
    assert_eq!((&made["name"], &made["description"], &made["enabled"]), (&json!("ann"), &json!("d"), &json!(true)));
    assert_eq!((&made["domain_id"], &made["pwd_status"]), (&json!(b.account.to_string()), &json!(false)));
    let path = format!("/v3/users/{}", id(&made));
    assert_eq!(b.get(&path).await.expect(200)["user"], made);
    let detailed = b.get(&format!("/v3.0/OS-USER/users/{}", id(&made))).await.expect(200)["user"].clone();
    assert_eq!((&detailed["is_domain_owner"], &detailed["access_mode"]), (&json!(false), &json!("default")));
    assert_eq!(detailed["create_time"], "2026-01-02T03:04:05.000000Z");
    login(&world, "ann", "Secret-1").await.expect(201);

    let changed = patch(b, &path, json!({"user": {"name": "eve", "enabled": false}})).await.expect(200);
    assert_eq!((&changed["user"]["name"], &changed["user"]["enabled"]), (&json!("eve"), &json!(false)));
    assert_eq!(login(&world, "eve", "Secret-1").await.status, 401);
    let disabled = b.get("/v3/users?enabled=false").await.expect(200);
    assert_eq!(ids(&disabled["users"]), [id(&made)]);

    // Another account has no such user; the operator has.
    let stranger = world.another("acct-c").await;
    assert_eq!(stranger.get(&path).await.refusal(), refused(404, "404", "not_found"));
    assert_eq!(
        patch(&stranger, &path, json!({"user": {"name": "x"}})).await.refusal(),
        refused(404, "404", "not_found")
    );
    a.get(&path).await.expect(200);
    b.delete(&path).await.expect(204);
    assert_eq!(b.get(&path).await.refusal(), refused(404, "404", "not_found"));
}

/// What would not be kept is refused, and so is what is not well formed.
#[tokio::test]
async fn a_user_that_cannot_be_as_it_is_wanted_is_refused() {
    let world = World::new().await;
    user(&world, "taken").await;
    for (fields, keystone, own) in [
        (json!({}), "invalid_request", "IAM.0011"),
        (json!({"name": "a b"}), "invalid_name", "IAM.0007"),
        (json!({"name": "taken"}), "name_taken", "1109"),
        (json!({"name": "x", "password": "short"}), "weak_password", "1118"),
        (json!({"name": "x", "password": "lowercase"}), "weak_password", "1118"),
        (json!({"name": "user12", "password": "USER12"}), "weak_password", "1118"),
        (json!({"name": "x", "email": "a@example.com"}), "not_supported", "IAM.0007"),
        (json!({"name": "x", "pwd_status": true}), "not_supported", "IAM.0007"),
        (json!({"name": "x", "access_mode": "console"}), "not_supported", "IAM.0007"),
        (json!({"name": "x", "domain_id": world.a.account.to_string()}), "not_found", "IAM.0004"),
    ] {
        let reply = world.b.post("/v3/users", json!({"user": fields})).await;
        assert_eq!(reply.header("x-causeway-error"), keystone, "{fields} {reply:?}");
        let reply = world.b.post("/v3.0/OS-USER/users", json!({"user": fields})).await;
        assert_eq!(reply.refusal().1, own, "{fields}");
    }
    let list = world.b.get("/v3/users").await.expect(200);
    assert_eq!(list["users"].as_array().unwrap().len(), 2, "{list}");
}

/// api-iam §9.3: the first user is the account's root.
#[tokio::test]
async fn the_first_user_stays() {
    let world = World::new().await;
    let path = format!("/v3/users/{}", world.b.user);
    assert_eq!(world.b.delete(&path).await.refusal(), refused(403, "403", "not_authorized"));
    let off = patch(&world.b, &path, json!({"user": {"enabled": false}})).await;
    assert_eq!(off.refusal(), refused(403, "403", "not_authorized"));
}

#[tokio::test]
async fn a_user_changes_its_own_password_and_its_tokens_end() {
    let world = World::new().await;
    let (ann, as_ann) = user(&world, "ann").await;
    let token = login(&world, "ann", "Secret-1").await.header("x-subject-token").to_owned();
    with_token(&world, &token).await.expect(200);
    let path = format!("/v3/users/{ann}/password");
    let body = |old: &str, new: &str| json!({"user": {"original_password": old, "password": new}});
    for (body, code) in [
        (body("wrong", "Secret-2"), "wrong_password"),
        (body("Secret-1", "Secret-1"), "same_password"),
        (body("Secret-1", "weak"), "weak_password"),
    ] {
        let reply = as_ann.post(&path, body).await;
        assert_eq!((reply.status.as_u16(), reply.header("x-causeway-error")), (400, code));
    }
    with_token(&world, &token).await.expect(200);
    as_ann.post(&path, body("Secret-1", "Secret-2")).await.expect(204);
    assert_eq!(with_token(&world, &token).await.status, 401);
    assert_eq!(login(&world, "ann", "Secret-1").await.status, 401);
    login(&world, "ann", "Secret-2").await.expect(201);
    // Nobody else's, not even with the right one.
    let reply = world.b.post(&path, body("Secret-2", "Secret-3")).await;
    assert_eq!(reply.refusal(), refused(403, "403", "not_own_password"));
    let others = format!("/v3/users/{}/password", world.b.user);
    assert_eq!(as_ann.post(&others, body(PASSWORD, "Secret-3")).await.refusal(), refused(403, "403", "policy_denied"));
}

/// A user without any policy sees itself, its keys and how to find its way; nothing else.
#[tokio::test]
async fn a_user_manages_itself_and_nobody_else() {
    let world = World::new().await;
    let (ann, as_ann) = user(&world, "ann").await;
    let (eve, _) = user(&world, "eve").await;
    as_ann.get(&format!("/v3/users/{ann}")).await.expect(200);
    assert_eq!(ids(&as_ann.get("/v3/users").await.expect(200)["users"]), std::slice::from_ref(&ann));
    as_ann.get("/v3/projects?name=region-1").await.expect(200);
    as_ann.get("/v3/auth/domains").await.expect(200);
    assert_eq!(as_ann.get(&format!("/v3/users/{eve}")).await.refusal(), refused(403, "403", "policy_denied"));
    let made =
        as_ann.post(KEYS, json!({"credential": {"description": "mine"}})).await.expect(201)["credential"].clone();
    assert_eq!((&made["user_id"], &made["description"]), (&json!(ann), &json!("mine")));
    let theirs = as_ann.get(&format!("{KEYS}?user_id={eve}")).await;
    assert_eq!(theirs.refusal(), refused(403, "IAM.0003", "policy_denied"));
    assert_eq!(theirs.message(), "Policy doesn't allow iam:credentials:listCredentials to be performed");
    let reply = as_ann.post(KEYS, json!({"credential": {"user_id": eve}})).await;
    assert_eq!(reply.refusal(), refused(403, "IAM.0003", "policy_denied"));
    let reply = as_ann.post("/v3/users", json!({"user": {"name": "more"}})).await;
    assert_eq!(reply.refusal(), refused(403, "403", "policy_denied"));
    assert_eq!(as_ann.get("/v1/{p}/vpcs").await.refusal(), refused(403, "VPC.2201", "policy_denied"));
}

#[tokio::test]
async fn an_inactive_key_is_refused_and_a_rotated_one_is_another() {
    let world = World::new().await;
    let (_, ann) = user(&world, "ann").await;
    let path = format!("{KEYS}/{}", ann.access_key);
    let shown = ann.get(&path).await.expect(200)["credential"].clone();
    assert_eq!(fields(&shown), ["access", "create_time", "description", "status", "user_id"]);
    let token = login(&world, "ann", "Secret-1").await.header("x-subject-token").to_owned();
    let off = json!({"credential": {"status": "inactive", "description": "off"}});
    let changed = world.b.put(&path, off).await.expect(200)["credential"].clone();
    assert_eq!((&changed["status"], &changed["description"]), (&json!("inactive"), &json!("off")));
    assert_eq!(with_token(&world, &token).await.status, 401, "tokens end when keys change");
    assert_eq!(ann.get("/v3/auth/domains").await.refusal(), refused(401, "APIGW.0301", "inactive_access_key"));
    let thief = Client { secret_key: "x".repeat(40), ..ann.clone() };
    assert_eq!(thief.get("/v3/auth/domains").await.refusal(), refused(401, "APIGW.0301", "wrong_signature"));
    let wrong = world.b.put(&path, json!({"credential": {"status": "off"}})).await;
    assert_eq!(wrong.refusal(), refused(400, "IAM.0011", "invalid_request"));
    world.b.put(&path, json!({"credential": {"status": "active"}})).await.expect(200);
    ann.get("/v3/auth/domains").await.expect(200);

    let rotate = format!("/causeway/v1/access-keys/{}/rotate", ann.access_key);
    let made = ann.post(&rotate, json!({})).await.expect(201)["access_key"].clone();
    assert_eq!(ann.get("/v3/auth/domains").await.refusal(), refused(401, "APIGW.0301", "unknown_access_key"));
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    let again = Client { access_key: text("access"), secret_key: text("secret"), ..ann };
    again.get("/v3/auth/domains").await.expect(200);
    let who = again.get("/v5/caller-identity").await.expect(200);
    assert_eq!(who["account_id"], world.b.account.to_string());
    assert_eq!(who["principal_urn"], format!("iam::{}:user:ann", world.b.account));
}

/// api-iam §5.3: a temporary key needs its security token, and ends by itself and with what it rests on.
#[tokio::test]
async fn a_temporary_key_is_as_good_as_its_user_for_a_while() {
    const TEMPORARY: &str = "/v3.0/OS-CREDENTIAL/securitytokens";
    let world = World::new().await;
    let (ann, as_ann) = user(&world, "ann").await;
    attach(&world, &ann, &builtin(&world, "admin").await, None).await;
    let token = login(&world, "ann", "Secret-1").await.header("x-subject-token").to_owned();
    let ask = |body: Value| {
        let request = Request::post(TEMPORARY).header("x-auth-token", &token).body(Body::from(body.to_string()));
        world.raw(request.unwrap())
    };
    let body = |token: Value| json!({"auth": {"identity": {"methods": ["token"], "token": token}}});
    for wrong in [
        json!({"auth": {"identity": {"methods": ["assume_role"]}}}),
        body(json!({"duration_seconds": 899})),
        body(json!({"duration_seconds": 86401})),
        body(json!({"id": "another token"})),
    ] {
        assert_eq!(ask(wrong).await.refusal(), refused(400, "IAM.0011", "invalid_request"));
    }
    let mut narrowed = body(json!({}));
    narrowed["auth"]["identity"]["policy"] = json!({"Version": "1.1", "Statement": []});
    assert_eq!(ask(narrowed).await.refusal(), refused(400, "IAM.0007", "not_supported"));
    // Who signs has to name a token.
    let signed = as_ann.post(TEMPORARY, json!({"auth": {"identity": {"methods": ["token"]}}})).await;
    assert_eq!(signed.refusal(), refused(400, "IAM.0011", "invalid_request"));
    let made = ask(body(json!({"duration_seconds": 1000}))).await.expect(201)["credential"].clone();
    assert_eq!(fields(&made), ["access", "expires_at", "secret", "securitytoken"]);
    assert_eq!(made["expires_at"], "2026-01-02T03:20:45.000000Z");
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    let temporary = Client { access_key: text("access"), secret_key: text("secret"), ..as_ann.clone() };
    let call = |method: Method, target: &str, body: &str, token: Option<&str>| {
        let mut request = temporary.request(method, target, body);
        if let Some(token) = token {
            request.headers_mut().insert("x-security-token", HeaderValue::from_str(token).unwrap());
        }
        world.raw(request)
    };
    let (right, me) = (text("securitytoken"), format!("/v3/users/{ann}"));
    call(Method::GET, &me, "", Some(&right)).await.expect(200);
    let missing = call(Method::GET, &me, "", None).await;
    assert_eq!(missing.refusal(), refused(401, "APIGW.0301", "no_security_token"));
    let wrong = call(Method::GET, &me, "", Some("wrong")).await;
    assert_eq!(wrong.refusal(), refused(401, "APIGW.0301", "bad_security_token"));
    // It is none of the permanent ones, and makes nothing that outlives it.
    let keys = as_ann.get(KEYS).await.expect(200);
    assert_eq!(keys["credentials"].as_array().unwrap().len(), 1);
    let lasting = call(Method::POST, KEYS, r#"{"credential": {}}"#, Some(&right)).await;
    assert_eq!(lasting.refusal(), refused(403, "IAM.0002", "temporary_credentials"));
    for (method, target, body) in [
        (Method::POST, "/v3/users", json!({"user": {"name": "later", "password": "Secret-2"}})),
        (Method::POST, "/v3.0/OS-USER/users", json!({"user": {"name": "later", "password": "Secret-2"}})),
        (Method::PATCH, &me, json!({"user": {"password": "Secret-2"}})),
    ] {
        let lasting = call(method, target, &body.to_string(), Some(&right)).await;
        let (status, _, internal) = lasting.refusal();
        assert_eq!((status, internal.as_str()), (403, "temporary_credentials"), "{target}");
    }
    world.clock.fetch_add(1000, std::sync::atomic::Ordering::SeqCst);
    let late = call(Method::GET, &me, "", Some(&right)).await;
    assert_eq!(late.refusal(), refused(401, "APIGW.0301", "expired_access_key"));
    world.clock.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
    call(Method::GET, &me, "", Some(&right)).await.expect(200);
    world.b.post(&format!("/causeway/v1/users/{ann}/rotate"), json!({})).await.expect(200);
    let ended = call(Method::GET, &me, "", Some(&right)).await;
    assert_eq!(ended.refusal(), refused(401, "APIGW.0301", "unknown_access_key"));
}

/// An operator gives an account that has lost its secrets new ones.
#[tokio::test]
async fn lost_secrets_are_replaced() {
    let world = World::new().await;
    let path = format!("/causeway/v1/accounts/{}/rotate", world.b.account);
    assert_eq!(world.b.post(&path, json!({})).await.refusal(), refused(403, "not_authorized", "not_authorized"));
    let made = world.a.post(&path, json!({})).await.expect(200);
    assert_eq!(world.b.get("/v1/{p}/vpcs").await.refusal(), refused(401, "APIGW.0301", "unknown_access_key"));
    assert_eq!(login(&world, "acct-b-user", PASSWORD).await.status, 401);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    login(&world, "acct-b-user", &text(&made["user"]["password"])).await.expect(201);
    let key = &made["access_key"];
    let b = Client { access_key: text(&key["access"]), secret_key: text(&key["secret"]), ..world.b.clone() };
    b.get("/v1/{p}/vpcs").await.expect(200);

    let (ann, _) = user(&World { b: b.clone(), ..world }, "ann").await;
    let rotated = b.post(&format!("/causeway/v1/users/{ann}/rotate"), json!({})).await.expect(200)["user"].clone();
    assert_eq!((&rotated["name"], text(&rotated["password"]).len()), (&json!("ann"), 24));
}

/// api-iam §6: what keystone clients look up.
#[tokio::test]
async fn services_and_endpoints_are_listed() {
    let world = World::new().await;
    let services = world.b.get("/v3/services?type=vpc").await.expect(200);
    let service = &services["services"][0];
    assert_eq!((&service["name"], &services["links"]["next"]), (&json!("vpc"), &Value::Null));
    let shown = world.b.get(&format!("/v3/services/{}", id(service))).await.expect(200);
    assert_eq!(shown["service"], *service);
    let endpoints = world.b.get(&format!("/v3/endpoints?service_id={}", id(service))).await.expect(200);
    let regions: Vec<&str> =
        endpoints["endpoints"].as_array().unwrap().iter().map(|one| one["region"].as_str().unwrap()).collect();
    assert_eq!(regions, ["region-1", "region-2"]);
    assert_eq!(world.b.get("/v3/endpoints/x").await.refusal(), refused(404, "404", "not_found"));
}
