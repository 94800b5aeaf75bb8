//! The identity service (api-iam §4 to §6).

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};

use crate::fixture::{PASSWORD, Reply, World, fields, refused};

fn login(user: &str, domain: &str, password: &str, scope: Value) -> Value {
    let mut auth = json!({"identity": {"methods": ["password"], "password": {"user": {
        "name": user, "password": password, "domain": {"name": domain}}}}});
    if !scope.is_null() {
        auth["scope"] = scope;
    }
    json!({"auth": auth})
}

async fn issue(world: &World, body: Value) -> Reply {
    world.raw(Request::post("/v3/auth/tokens").body(Body::from(body.to_string())).unwrap()).await
}

async fn about(world: &World, method: Method, token: &str, subject: &str) -> Reply {
    let request = Request::builder()
        .method(method)
        .uri("/v3/auth/tokens")
        .header("x-auth-token", token)
        .header("x-subject-token", subject);
    world.raw(request.body(Body::empty()).unwrap()).await
}

/// api-iam §5.1.
#[tokio::test]
async fn a_password_buys_a_token_of_the_named_project() {
    let world = World::new().await;
    let scope = json!({"project": {"name": "region-2", "domain": {"name": "acct-a"}}});
    let reply = issue(&world, login("acct-a-user", "acct-a", PASSWORD, scope)).await;
    let token = reply.expect(201)["token"].clone();
    assert!(reply.header("x-subject-token").len() > 32);
    assert_eq!(fields(&token), ["catalog", "expires_at", "issued_at", "methods", "project", "roles", "user"]);
    assert_eq!(token["issued_at"], "2026-01-02T03:04:05.000000Z");
    assert_eq!(token["expires_at"], "2026-01-03T03:04:05.000000Z");
    assert_eq!(token["project"]["id"], world.a.second_project);
    assert_eq!(token["project"]["domain"]["id"], world.a.account.to_string());
    assert_eq!(token["methods"], json!(["password"]));
    let services = token["catalog"].as_array().unwrap();
    let vpc = services.iter().find(|service| service["type"] == "vpc").unwrap();
    assert_eq!(vpc["endpoints"][0]["region"], "region-2");
    assert!(vpc["endpoints"][0]["url"].as_str().unwrap().ends_with(&world.a.second_project));
}

#[tokio::test]
async fn without_a_scope_the_token_is_the_accounts() {
    let world = World::new().await;
    for scope in [Value::Null, json!({"domain": {"id": world.a.account.to_string()}})] {
        let token = issue(&world, login("acct-a-user", "acct-a", PASSWORD, scope)).await.expect(201)["token"].clone();
        assert_eq!(token["domain"]["name"], "acct-a");
        assert!(token.get("project").is_none());
    }
    let by_id = json!({"auth": {"identity": {"methods": ["password"],
        "password": {"user": {"id": world.a.user.to_string(), "password": PASSWORD}}}}});
    issue(&world, by_id).await.expect(201);
}

/// One answer for every login that fails.
#[tokio::test]
async fn wrong_logins_do_not_tell_what_is_wrong() {
    let world = World::new().await;
    for (user, domain, password) in [
        ("acct-a-user", "acct-a", "wrong"),
        ("nobody", "acct-a", PASSWORD),
        ("acct-a-user", "acct-b", PASSWORD),
        ("acct-a-user", "nowhere", PASSWORD),
    ] {
        let reply = issue(&world, login(user, domain, password, Value::Null)).await;
        assert_eq!(
            reply.json(),
            json!({"error": {"code": 401, "message": "The username or password is wrong.", "title": "Unauthorized"}})
        );
    }
}

#[tokio::test]
async fn a_scope_of_somebody_else_is_refused() {
    let world = World::new().await;
    for scope in [
        json!({"project": {"id": world.b.project}}),
        json!({"project": {"name": "region-1", "domain": {"name": "acct-b"}}}),
        json!({"domain": {"name": "acct-b"}}),
        json!({"project": {"name": "region-9"}}),
    ] {
        let reply = issue(&world, login("acct-a-user", "acct-a", PASSWORD, scope)).await;
        assert_eq!(reply.refusal(), refused(401, "401", "foreign_scope"));
    }
    for body in [json!({"auth": {"identity": {"methods": ["totp"]}}}), json!({"auth": {"identity": {"methods": []}}})] {
        let reply = issue(&world, body).await;
        assert_eq!(reply.refusal(), refused(400, "400", "invalid_body"));
        assert!(reply.message().starts_with("The request body is invalid"), "{}", reply.message());
    }
}

/// api-iam §5.2.
#[tokio::test]
async fn tokens_are_shown_checked_exchanged_and_revoked() {
    let world = World::new().await;
    let reply = issue(&world, login("acct-a-user", "acct-a", PASSWORD, Value::Null)).await;
    let token = reply.header("x-subject-token").to_owned();

    let shown = about(&world, Method::GET, &token, &token).await;
    assert_eq!(shown.expect(200)["token"]["user"]["name"], "acct-a-user");
    assert_eq!(shown.header("x-subject-token"), token);
    about(&world, Method::HEAD, &token, &token).await.expect(200);
    assert_eq!(
        about(&world, Method::GET, &token, "nonsense").await.refusal(),
        refused(404, "404", "unknown_subject_token")
    );

    let exchange = json!({"auth": {"identity": {"methods": ["token"], "token": {"id": token}},
        "scope": {"project": {"id": world.a.project}}}});
    world.clock.fetch_add(3600, std::sync::atomic::Ordering::SeqCst);
    let exchanged = issue(&world, exchange.clone()).await;
    let body = exchanged.expect(201)["token"].clone();
    assert_eq!(body["methods"], json!(["token"]));
    assert_eq!(body["expires_at"], "2026-01-03T03:04:05.000000Z", "it must not outlive the first");

    about(&world, Method::DELETE, &token, &token).await.expect(204);
    assert_eq!(about(&world, Method::GET, &token, &token).await.status.as_u16(), 401);
    assert_eq!(issue(&world, exchange).await.refusal(), refused(401, "401", "unknown_token"));
}

/// Other accounts' tokens do not exist for a caller that is no operator.
#[tokio::test]
async fn tokens_of_others_are_not_shown() {
    let world = World::new().await;
    let a = issue(&world, login("acct-a-user", "acct-a", PASSWORD, Value::Null)).await;
    let b = issue(&world, login("acct-b-user", "acct-b", PASSWORD, Value::Null)).await;
    let (a, b) = (a.header("x-subject-token").to_owned(), b.header("x-subject-token").to_owned());
    assert_eq!(about(&world, Method::GET, &b, &a).await.status.as_u16(), 404);
    about(&world, Method::GET, &a, &b).await.expect(200);
}

/// api-iam §6, hard rules for discovery.
#[tokio::test]
async fn the_projects_of_a_region_are_exactly_one() {
    let world = World::new().await;
    let list = world.b.get("/v3/projects?name=region-1").await;
    assert_eq!(list.header("x-iam-trace-id"), list.header("x-request-id"));
    let list = list.expect(200);
    assert_eq!(list["projects"].as_array().unwrap().len(), 1);
    let project = &list["projects"][0];
    assert_eq!(
        fields(project),
        ["description", "domain_id", "enabled", "id", "is_domain", "links", "name", "parent_id"]
    );
    assert_eq!(project["id"], world.b.project);
    assert_eq!(list["links"]["next"], Value::Null);
    assert_eq!(world.b.get("/v3/projects").await.expect(200)["projects"].as_array().unwrap().len(), 2);
    let foreign = format!("/v3/projects?domain_id={}", world.a.account);
    assert_eq!(world.b.get(&foreign).await.expect(200)["projects"], json!([]));
    world.b.get(&format!("/v3/projects/{}", world.b.project)).await.expect(200);
    let reply = world.b.get(&format!("/v3/projects/{}", world.a.project)).await;
    assert_eq!(reply.refusal(), refused(404, "404", "not_found"));
}

#[tokio::test]
async fn the_directory_shows_the_own_account_only() {
    let world = World::new().await;
    let domains = world.b.get("/v3/auth/domains").await.expect(200);
    assert_eq!(domains["domains"].as_array().unwrap().len(), 1);
    assert_eq!(domains["domains"][0]["id"], world.b.account.to_string());
    let users = world.b.get("/v3/users?name=acct-b-user").await.expect(200);
    assert_eq!(users["users"][0]["id"], world.b.user.to_string());
    assert_eq!(world.b.get("/v3/users?name=acct-a-user").await.expect(200)["users"], json!([]));
    let own = format!("/v3/users/{}/projects", world.b.user);
    assert_eq!(world.b.get(&own).await.expect(200)["projects"].as_array().unwrap().len(), 2);
    assert_eq!(world.b.get(&format!("/v3/users/{}/projects", world.a.user)).await.status.as_u16(), 404);
    assert_eq!(world.b.get("/v3/auth/projects").await.expect(200)["projects"].as_array().unwrap().len(), 2);
    let regions = world.b.get("/v3/regions").await.expect(200);
    assert_eq!(regions["regions"][1]["id"], "region-2");
    let catalog = world.b.get("/v3/auth/catalog").await.expect(200);
    assert!(catalog["catalog"].as_array().unwrap().iter().any(|service| service["type"] == "networkv2"));
}

/// api-iam §6: the secret appears once.
#[tokio::test]
async fn access_keys_are_made_listed_and_deleted() {
    let world = World::new().await;
    const KEYS: &str = "/v3.0/OS-CREDENTIAL/credentials";
    let made = world.b.post(KEYS, json!({"credential": {"user_id": world.b.user.to_string()}})).await;
    let key = made.expect(201)["credential"].clone();
    assert_eq!((key["access"].as_str().unwrap().len(), key["secret"].as_str().unwrap().len()), (20, 40));
    let reply = world.b.post(KEYS, json!({"credential": {}})).await;
    assert_eq!(reply.refusal(), refused(409, "IAM.0005", "quota_exceeded"));
    let list = world.b.get(KEYS).await.expect(200);
    assert_eq!(list["credentials"].as_array().unwrap().len(), 2);
    assert!(list["credentials"][0].get("secret").is_none());

    let foreign = format!("{KEYS}?user_id={}", world.a.user);
    assert_eq!(world.b.get(&foreign).await.refusal(), refused(404, "IAM.0004", "not_found"));
    let access = key["access"].as_str().unwrap();
    world.b.delete(&format!("{KEYS}/{access}")).await.expect(204);
    assert_eq!(world.b.delete(&format!("{KEYS}/{access}")).await.refusal(), refused(404, "IAM.0004", "not_found"));
}

/// api-iam §4: routed by host first; the link names the host that was asked.
#[tokio::test]
async fn the_version_documents_depend_on_the_host() {
    let world = World::new().await;
    let get = |host: &'static str, path: &'static str| {
        let request = Request::get(path).header("host", host).body(Body::empty()).unwrap();
        world.raw(request)
    };
    let iam = get("iam.region-1.cloud.example:8080", "/").await.expect(300);
    let version = &iam["versions"]["values"][0];
    assert_eq!((&version["id"], &version["status"]), (&json!("v3.6"), &json!("stable")));
    assert_eq!(version["links"][0]["href"], "http://iam.region-1.cloud.example:8080/v3/");
    let network = get("vpc.region-1.cloud.example", "/").await.expect(200);
    assert_eq!(network["versions"][1]["id"], "v2.0");
    for path in ["/v3", "/v3/"] {
        assert_eq!(get("127.0.0.1", path).await.expect(200)["version"]["id"], "v3.6");
    }
}
