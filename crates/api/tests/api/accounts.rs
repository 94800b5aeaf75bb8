//! Accounts under `/causeway/v1`: operators only.

use serde_json::{Value, json};

use crate::fixture::{Client, World, refused};

#[tokio::test]
async fn an_operator_makes_an_account_that_can_be_used_at_once() {
    let world = World::new().await;
    let reply = world.a.post("/causeway/v1/accounts", json!({"name": "acct-c", "site": "intl"})).await;
    let made = reply.expect(201);
    assert_eq!((&made["account"]["site"], &made["account"]["operator"]), (&json!("intl"), &json!(false)));
    assert_eq!(made["projects"].as_array().unwrap().len(), 2);
    assert!(made["user"]["password"].as_str().unwrap().len() >= 16);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let client = Client {
        access_key: text(&made["access_key"]["access"]),
        secret_key: text(&made["access_key"]["secret"]),
        project: text(&made["projects"][0]["id"]),
        ..world.b.clone()
    };
    client.vpc("VPC-C", "10.0.0.0/16").await;
    let login = json!({"auth": {"identity": {"methods": ["password"], "password": {"user": {
        "name": made["user"]["name"], "password": made["user"]["password"], "domain": {"name": "acct-c"}}}}}});
    let request = axum::http::Request::post("/v3/auth/tokens").body(axum::body::Body::from(login.to_string())).unwrap();
    world.raw(request).await.expect(201);

    let path = format!("/causeway/v1/accounts/{}", text(&made["account"]["id"]));
    assert_eq!(world.a.delete(&path).await.refusal(), refused(409, "account_in_use", "account_in_use"));
    let list = client.get("/v1/{p}/vpcs").await.expect(200);
    client.delete(&format!("/v1/{{p}}/vpcs/{}", text(&list["vpcs"][0]["id"]))).await.expect(204);
    world.a.delete(&path).await.expect(204);
    assert_eq!(client.get("/v1/{p}/vpcs").await.refusal(), refused(401, "APIGW.0301", "unknown_access_key"));
    assert_eq!(world.a.delete(&path).await.refusal(), refused(404, "not_found", "not_found"));
}

#[tokio::test]
async fn nobody_else_makes_or_sees_accounts() {
    let world = World::new().await;
    const ACCOUNTS: &str = "/causeway/v1/accounts";
    let denied = refused(403, "not_authorized", "not_authorized");
    assert_eq!(world.b.post(ACCOUNTS, json!({"name": "x"})).await.refusal(), denied);
    assert_eq!(world.b.get(ACCOUNTS).await.refusal(), denied);
    assert_eq!(world.b.delete(&format!("{ACCOUNTS}/{}", world.b.account)).await.refusal(), denied);
    let list = world.a.get(ACCOUNTS).await.expect(200);
    assert_eq!(list["accounts"].as_array().unwrap().len(), 2);
    assert_eq!(
        world.a.post(ACCOUNTS, json!({"name": "acct-b"})).await.refusal(),
        refused(409, "name_taken", "name_taken")
    );
    assert_eq!(world.a.post(ACCOUNTS, json!({})).await.refusal(), refused(400, "invalid_request", "invalid_request"));
}
