//! Who gets in (api-iam §3, §8.1; api-vpc §0.2).

use axum::body::Body;
use axum::http::{HeaderValue, Method, Request};
use serde_json::json;

use crate::fixture::{Client, World, refused};

const LIST: &str = "/v1/{p}/vpcs";

fn gateway(internal: &str) -> (u16, String, String) {
    refused(401, "APIGW.0301", internal)
}

async fn tampered(world: &World, change: impl FnOnce(&mut Request<Body>)) -> crate::fixture::Reply {
    let mut request = world.a.request(Method::GET, LIST, "");
    change(&mut request);
    world.raw(request).await
}

/// The canonical request is echoed with bars for line feeds.
#[tokio::test]
async fn a_wrong_signature_is_refused_with_the_servers_canonical_request() {
    let world = World::new().await;
    let thief = Client { secret_key: "x".repeat(40), ..world.a.clone() };
    let reply = thief.get(LIST).await;
    assert_eq!(reply.refusal(), gateway("wrong_signature"));
    let start = format!(
        "Incorrect IAM authentication information: verify aksk signature fail, canonicalRequest:GET|/v1/{}/vpcs/||",
        world.a.project
    );
    assert!(reply.message().starts_with(&start), "{}", reply.message());
    assert_eq!(reply.json()["request_id"], reply.header("x-request-id"));
}

#[tokio::test]
async fn every_signed_part_counts() {
    let world = World::new().await;
    tampered(&world, |_| {}).await.expect(200);
    let query = tampered(&world, |request| *request.uri_mut() = format!("{}?limit=1", request.uri()).parse().unwrap());
    assert_eq!(query.await.refusal(), gateway("wrong_signature"));
    let header = tampered(&world, |request| {
        request.headers_mut().insert("host", HeaderValue::from_static("evil.example"));
    });
    assert_eq!(header.await.refusal(), gateway("wrong_signature"));
    let body = tampered(&world, |request| *request.body_mut() = Body::from("{}"));
    assert_eq!(body.await.refusal(), gateway("wrong_signature"));
    let missing = tampered(&world, |request| {
        request.headers_mut().remove("content-type");
    });
    assert_eq!(missing.await.refusal(), gateway("wrong_signature"));
}

/// api-iam §3.5.
#[tokio::test]
async fn a_signature_is_good_for_fifteen_minutes() {
    let world = World::new().await;
    for (later, good) in [(-900, true), (900, true), (901, false), (-901, false)] {
        let request = world.a.request(Method::GET, LIST, "");
        world.clock.fetch_add(later, std::sync::atomic::Ordering::SeqCst);
        let reply = world.raw(request).await;
        world.clock.fetch_sub(later, std::sync::atomic::Ordering::SeqCst);
        if good {
            reply.expect(200);
        } else {
            assert_eq!(reply.refusal(), gateway("expired_signature"), "{later}");
            assert!(reply.message().contains("calc ak sk signature fail:signature expired"), "{}", reply.message());
        }
    }
}

#[tokio::test]
async fn unknown_keys_and_schemes_and_no_credentials_are_told_apart() {
    let world = World::new().await;
    let stranger = Client { access_key: "NOBODYNOBODYNOBODY00".to_owned(), ..world.a.clone() };
    let reply = stranger.get(LIST).await;
    assert_eq!(reply.refusal(), gateway("unknown_access_key"));
    assert!(reply.message().ends_with("ak NOBODYNOBODYNOBODY00 not exist"), "{}", reply.message());

    let scheme = |value: &'static str| {
        tampered(&world, move |request| {
            request.headers_mut().insert("authorization", HeaderValue::from_static(value));
        })
    };
    assert_eq!(
        scheme("SDK-HMAC-SM3 Access=A, SignedHeaders=a, Signature=b").await.refusal(),
        gateway("bad_authorization")
    );
    assert_eq!(scheme("Basic dGVzdA==").await.refusal(), gateway("bad_authorization"));
    assert_eq!(scheme("").await.refusal(), gateway("no_credentials"));
    let security_token = tampered(&world, |request| {
        request.headers_mut().insert("x-security-token", HeaderValue::from_static("t"));
    });
    assert_eq!(security_token.await.refusal(), gateway("bad_security_token"));
    let domain = tampered(&world, |request| {
        let other = HeaderValue::from_str(&world.b.account.to_string()).unwrap();
        request.headers_mut().insert("x-domain-id", other);
    });
    assert_eq!(domain.await.refusal(), gateway("foreign_domain"));
}

/// api-vpc §0.2: path project ≠ credential project, in each family's words.
#[tokio::test]
async fn a_project_of_another_account_is_refused() {
    let world = World::new().await;
    for (path, project) in [("/v1/{}/vpcs", &world.b.project), ("/v3/{}/vpc/vpcs", &world.b.project)] {
        let reply = world.a.get(&path.replace("{}", project)).await;
        assert_eq!(reply.refusal(), refused(400, "VPC.0007", "wrong_project"));
        assert!(reply.message().starts_with("urlTenantId is not equal tokenTenantId"));
    }
    world.a.get(&LIST.replace("{p}", &world.a.second_project)).await.expect(200);
    let foreign = world.a.request_in(&world.b.project, Method::GET, "/v2.0/vpc/peerings", "");
    assert_eq!(world.raw(foreign).await.refusal(), refused(400, "HTTPBadRequest", "wrong_project"));
    let none = world.a.request_in("", Method::GET, "/v2.0/vpc/peerings", "");
    let reply = world.raw(none).await;
    assert_eq!(reply.refusal(), refused(400, "HTTPBadRequest", "no_project"));
    assert!(reply.message().contains("X-Project-Id"), "{}", reply.message());
}

/// api-iam §2: a host may name the region.
#[tokio::test]
async fn the_host_names_the_region_when_nothing_else_names_a_project() {
    let world = World::new().await;
    world.a.vpc("one", "10.0.0.0/16").await;
    let mut request = world.a.request_in("", Method::GET, "/v2.0/security-groups", "");
    // The host is signed: sign it again.
    request.headers_mut().insert("host", HeaderValue::from_static("vpc.region-2.cloud.example"));
    let headers: Vec<_> = request
        .headers()
        .iter()
        .filter(|(name, _)| *name != "authorization")
        .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
        .collect();
    let pairs = headers.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
    let key = signing::Credentials { access_key: world.a.access_key.clone(), secret_key: world.a.secret_key.clone() };
    let text = signing::Request::new("GET", "/v2.0/security-groups", "", pairs, b"");
    let signed = signing::sign(&text, &key, &signing::Scheme::Plain).unwrap().authorization;
    request.headers_mut().insert("authorization", HeaderValue::from_str(&signed).unwrap());
    world.raw(request).await.expect(200);
}

/// api-iam §6: `auth_url` with a slash at its end; the signature covers the path as it was sent.
#[tokio::test]
async fn doubled_slashes_are_tolerated_and_signed_as_sent() {
    let world = World::new().await;
    let reply = world.a.get("/v3//projects?name=region-1").await.expect(200);
    assert_eq!(reply["projects"].as_array().unwrap().len(), 1);
}

async fn token(world: &World, scope: serde_json::Value) -> String {
    let body = json!({"auth": {"identity": {"methods": ["password"], "password": {"user": {
        "name": "acct-a-user", "password": crate::fixture::PASSWORD, "domain": {"name": "acct-a"}}}}, "scope": scope}});
    let request = Request::post("/v3/auth/tokens").body(Body::from(body.to_string())).unwrap();
    let reply = world.raw(request).await;
    reply.expect(201);
    reply.header("x-subject-token").to_owned()
}

async fn with_token(world: &World, token: &str, target: &str) -> crate::fixture::Reply {
    let request = Request::get(target).header("x-auth-token", token).body(Body::empty()).unwrap();
    world.raw(request).await
}

/// api-iam §3.11.
#[tokio::test]
async fn a_token_goes_before_a_signature_and_ends() {
    let world = World::new().await;
    let list = LIST.replace("{p}", &world.a.project);
    let good = token(&world, json!({"project": {"id": world.a.project}})).await;
    with_token(&world, &good, &list).await.expect(200);
    with_token(&world, &good, "/v2.0/vpc/peerings").await.expect(200);
    // The token decides, and it is not good: the good signature beside it does not help.
    let both = tampered(&world, |request| {
        request.headers_mut().insert("x-auth-token", HeaderValue::from_static("nonsense"));
    });
    let both = both.await;
    assert_eq!(both.refusal(), gateway("unknown_token"));
    assert!(both.message().ends_with("decrypt token fail"));

    let other = LIST.replace("{p}", &world.a.second_project);
    assert_eq!(with_token(&world, &good, &other).await.refusal(), refused(400, "VPC.0007", "wrong_project"));

    world.clock.fetch_add(24 * 3600, std::sync::atomic::Ordering::SeqCst);
    let reply = with_token(&world, &good, &list).await;
    assert_eq!(reply.refusal(), gateway("expired_token"));
    assert!(reply.message().ends_with("token expires"));
}

/// api-vpc §0.2.
#[tokio::test]
async fn a_token_of_the_account_is_not_enough_for_the_network() {
    let world = World::new().await;
    let wide = token(&world, json!({"domain": {"name": "acct-a"}})).await;
    with_token(&world, &wide, "/v3/auth/domains").await.expect(200);
    let list = LIST.replace("{p}", &world.a.project);
    assert_eq!(with_token(&world, &wide, &list).await.refusal(), refused(400, "VPC.0007", "wrong_project"));
    let reply = with_token(&world, &wide, "/v2.0/vpc/peerings").await;
    assert_eq!(reply.refusal(), refused(400, "HTTPBadRequest", "no_project"));
}

/// api-iam §8.1.
#[tokio::test]
async fn what_does_not_exist_is_the_gateways_404() {
    let world = World::new().await;
    for target in ["/nowhere", "/v1/x/y/z", "/v9"] {
        let reply = world.a.get(target).await;
        assert_eq!(reply.refusal(), refused(404, "APIGW.0101", "unknown_api"), "{target}");
    }
    let reply = world.a.call(Method::PATCH, LIST, "").await;
    assert_eq!(reply.refusal(), refused(404, "APIGW.0101", "unknown_api"));
    assert_eq!(reply.message(), "The API does not exist.");
}

/// api-vpc §0.2.
#[tokio::test]
async fn bodies_of_more_than_twelve_mebibytes_are_refused() {
    let world = World::new().await;
    let huge = " ".repeat(12 * 1024 * 1024 + 1);
    let reply = world.a.call(Method::POST, LIST, &huge).await;
    assert_eq!(reply.refusal(), refused(413, "APIGW.0201", "request_too_large"));
    let open = Request::post("/v3/auth/tokens").body(Body::from(huge)).unwrap();
    assert_eq!(world.raw(open).await.refusal(), refused(413, "APIGW.0201", "request_too_large"));
}
