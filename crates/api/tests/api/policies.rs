//! Policies decide who may do what (api-iam §9).

use axum::body::Body;
use axum::http::{HeaderValue, Method, Request};
use serde_json::{Value, json};

use crate::fixture::{Client, Reply, World, id, ids, refused};
use crate::users::user;

const ROLES: &str = "/v3.0/OS-ROLE/roles";

pub fn document(statements: Value) -> Value {
    json!({"Version": "1.1", "Statement": statements})
}

pub async fn create(client: &Client, name: &str, policy: Value) -> Reply {
    client
        .post(ROLES, json!({"role": {"display_name": name, "type": "AX", "description": "d", "policy": policy}}))
        .await
}

pub async fn builtin(world: &World, name: &str) -> String {
    let list = world.b.get("/v3/roles").await.expect(200);
    let roles = list["roles"].as_array().unwrap();
    id(roles.iter().find(|role| role["display_name"] == name).unwrap_or_else(|| panic!("no {name}")))
}

pub async fn attach(world: &World, user: &str, policy: &str, project: Option<&str>) {
    let mut body = json!({"policy_id": policy});
    if let Some(project) = project {
        body["project_id"] = json!(project);
    }
    world.b.post(&format!("/causeway/v1/users/{user}/policies"), body).await.expect(200);
}

/// A policy of these statements, attached to a user.
pub async fn grant(world: &World, user: &str, name: &str, statements: Value) -> String {
    let policy = id(&create(&world.b, name, document(statements)).await.expect(201)["role"]);
    attach(world, user, &policy, None).await;
    policy
}

async fn token(world: &World, name: &str, scope: Value) -> (String, Value) {
    let body = json!({"auth": {"identity": {"methods": ["password"], "password": {"user": {
        "name": name, "password": "Secret-1", "domain": {"name": "acct-b"}}}}, "scope": scope}});
    let reply = world.raw(Request::post("/v3/auth/tokens").body(Body::from(body.to_string())).unwrap()).await;
    (reply.header("x-subject-token").to_owned(), reply.expect(201)["token"].clone())
}

const DENIED: &str = "policy_denied";

/// Every family says it in its own words, with the action.
#[tokio::test]
async fn what_no_policy_allows_is_denied_in_the_words_of_each_family() {
    let world = World::new().await;
    let (_, ann) = user(&world, "ann").await;
    for (method, target, action, code) in [
        (Method::GET, "/v1/{p}/vpcs", "vpc:vpcs:list", "VPC.2201"),
        (Method::GET, "/v3/{p}/vpc/firewalls", "vpc:firewalls:list", "VPC.2201"),
        (Method::GET, "/v2.0/vpc/peerings", "vpc:peerings:get", "PolicyNotAuthorized"),
        (Method::PUT, "/v2.0/vpc/peerings/x/accept", "vpc:peerings:accept", "PolicyNotAuthorized"),
        (Method::GET, ROLES, "iam:roles:listRoles", "IAM.0003"),
        (Method::GET, "/v3/roles", "iam:roles:listRoles", "403"),
        (Method::GET, "/causeway/v1/servers", "causeway:servers:list", DENIED),
        (Method::GET, "/causeway/v1/accounts", "causeway:accounts:list", DENIED),
    ] {
        let reply = ann.call(method, target, "").await;
        assert_eq!(reply.refusal(), refused(403, code, DENIED), "{target}");
        assert_eq!(reply.message(), format!("Policy doesn't allow {action} to be performed"));
    }
}

/// api-iam §9.4: the ready-made policies.
#[tokio::test]
async fn built_in_policies_allow_what_their_names_say() {
    let world = World::new().await;
    let vpc = world.b.vpc("v", "10.0.0.0/16").await;
    for (name, reads, writes, servers, users) in [
        ("VPC ReadOnlyAccess", true, false, false, false),
        ("VPC FullAccess", true, true, false, false),
        ("ReadOnlyAccess", true, false, true, true),
        ("Causeway FullAccess", true, true, true, false),
        ("Tenant Administrator", true, true, true, false),
        ("admin", true, true, true, true),
    ] {
        let (ann, client) = user(&world, &name.replace(' ', "-")).await;
        let policy = builtin(&world, name).await;
        attach(&world, &ann, &policy, None).await;
        let made = json!({"vpc": {"name": ann, "cidr": "10.1.0.0/16"}});
        let may = |reply: &Reply| match reply.status.as_u16() {
            403 => false,
            200..300 => true,
            _ => panic!("{name}: {reply:?}"),
        };
        assert_eq!(may(&client.get(&format!("/v1/{{p}}/vpcs/{vpc}")).await), reads, "{name}");
        assert_eq!(may(&client.get("/v2.0/vpc/peerings").await), reads, "{name}");
        assert_eq!(may(&client.post("/v1/{p}/vpcs", made).await), writes, "{name}");
        assert_eq!(may(&client.get("/causeway/v1/servers").await), servers, "{name}");
        let others = client.get(&format!("/v3/users/{}", world.b.user)).await;
        assert_eq!(may(&others), users, "{name}");
        assert_eq!(
            may(&client.post("/v3/users", json!({"user": {"name": format!("by-{ann}")}})).await),
            name == "admin"
        );
        // Tokens tell.
        let (_, body) = token(&world, &name.replace(' ', "-"), json!({})).await;
        assert_eq!(body["roles"].as_array().unwrap().len(), 1, "{body}");
    }
}

#[tokio::test]
async fn an_administrator_of_the_operators_account_is_an_operator_and_its_other_users_are_not() {
    let world = World::new().await;
    let as_a = World { b: world.a.clone(), ..world };
    let (ann, client) = user(&as_a, "ann").await;
    attach(&as_a, &ann, &builtin(&as_a, "Causeway FullAccess").await, None).await;
    let reply = client.get("/causeway/v1/accounts").await;
    assert_eq!(reply.refusal(), refused(403, "not_authorized", "not_authorized"));
    attach(&as_a, &ann, &builtin(&as_a, "admin").await, None).await;
    client.get("/causeway/v1/accounts").await.expect(200);
}

#[tokio::test]
async fn a_policy_may_be_good_for_one_project_only() {
    let world = World::new().await;
    let (ann, client) = user(&world, "ann").await;
    let full = builtin(&world, "VPC FullAccess").await;
    attach(&world, &ann, &full, Some(&world.b.second_project)).await;
    let list = |project: String| {
        let request = client.request_in(&project, Method::GET, "/v1/{p}/vpcs", "");
        world.raw(request)
    };
    list(world.b.second_project.clone()).await.expect(200);
    assert_eq!(list(world.b.project.clone()).await.refusal(), refused(403, "VPC.2201", DENIED));
    let (_, here) = token(&world, "ann", json!({"project": {"name": "region-1"}})).await;
    let (_, there) = token(&world, "ann", json!({"project": {"name": "region-2"}})).await;
    assert_eq!((&here["roles"], &there["roles"][0]["name"]), (&json!([]), &json!("vpc_full")));
    let path = format!("/causeway/v1/users/{ann}/policies");
    let listed = world.b.get(&path).await.expect(200);
    assert_eq!(listed["policies"][0]["project_id"], world.b.second_project);
    assert_eq!(world.b.delete(&format!("{path}/{full}")).await.refusal(), refused(404, "not_found", "not_found"));
    world.b.delete(&format!("{path}/{full}?project_id={}", world.b.second_project)).await.expect(204);
    assert_eq!(list(world.b.second_project.clone()).await.refusal(), refused(403, "VPC.2201", DENIED));
    let foreign = json!({"policy_id": full, "project_id": world.a.project});
    assert_eq!(world.b.post(&path, foreign).await.refusal(), refused(404, "not_found", "not_found"));
}

/// What goes across the projects of an account for administrators does not for who has one project only.
#[tokio::test]
async fn a_policy_for_one_project_shows_no_server_of_another() {
    let world = World::new().await;
    let vpc = world.b.vpc("v", "10.0.0.0/16").await;
    let subnet = world.b.subnet(&vpc, "s", "10.0.0.0/24").await;
    let server = id(&world.b.server("one", &subnet).await);
    let (ann, client) = user(&world, "ann").await;
    attach(&world, &ann, &builtin(&world, "Causeway FullAccess").await, Some(&world.b.second_project)).await;
    let show = format!("/causeway/v1/servers/{server}");
    let trace = json!({"from": server, "to": {"server": server}, "protocol": "icmp"}).to_string();
    for (method, target, body) in [
        (Method::GET, show.as_str(), ""),
        (Method::POST, "/causeway/v1/trace", trace.as_str()),
        (Method::POST, "/causeway/v1/probe", trace.as_str()),
        (Method::DELETE, show.as_str(), ""),
    ] {
        let reply = world.raw(client.request_in(&world.b.second_project, method, target, body)).await;
        assert_eq!(reply.refusal(), refused(404, "not_found", "not_found"), "{target}");
    }
    let request = world.b.request_in(&world.b.second_project, Method::GET, &show, "");
    world.raw(request).await.expect(200);
}

/// api-iam §9.3: deny first, then allow, else deny; resources and conditions narrow both.
#[tokio::test]
async fn statements_are_weighed_for_each_request() {
    let world = World::new().await;
    let (ann, client) = user(&world, "ann").await;
    let (one, two) = (world.b.vpc("one", "10.0.0.0/16").await, world.b.vpc("two", "10.1.0.0/16").await);
    let rename = |vpc: &str| {
        let (client, target) = (client.clone(), format!("/v1/{{p}}/vpcs/{vpc}"));
        async move { client.put(&target, json!({"vpc": {"description": "x"}})).await.status.as_u16() }
    };
    let allow = json!([{"Effect": "Allow", "Action": ["vpc:vpcs:update"], "Resource": [format!("vpc:*:*:vpc:{one}")]}]);
    grant(&world, &ann, "one", allow).await;
    assert_eq!((rename(&one).await, rename(&two).await), (200, 403));
    grant(&world, &ann, "both", json!([{"Effect": "Allow", "Action": ["vpc:*:*"]}])).await;
    assert_eq!((rename(&one).await, rename(&two).await), (200, 200));
    let deny = json!([{"Effect": "Deny", "Action": ["vpc:vpcs:update"], "Resource": [format!("vpc:region-1:*:vpc:{two}")],
        "Condition": {"StringEquals": {"g:UserName": ["ann"], "g:ProjectName": ["region-1"]},
                      "DateLessThan": {"g:CurrentTime": ["2026-01-02T04:00:00Z"]}}}]);
    grant(&world, &ann, "not two", deny).await;
    assert_eq!((rename(&one).await, rename(&two).await), (200, 403));
    // The condition on the time ends by itself.
    world.clock.fetch_add(3600, std::sync::atomic::Ordering::SeqCst);
    assert_eq!((rename(&one).await, rename(&two).await), (200, 200));
}

/// A statement may take away even what a user may do to itself.
#[tokio::test]
async fn a_denial_goes_before_what_everybody_may_do_to_itself() {
    let world = World::new().await;
    let (ann, client) = user(&world, "ann").await;
    client.get("/v3.0/OS-CREDENTIAL/credentials").await.expect(200);
    grant(&world, &ann, "no keys", json!([{"Effect": "Deny", "Action": ["iam:credentials:*"]}])).await;
    let reply = client.get("/v3.0/OS-CREDENTIAL/credentials").await;
    assert_eq!(reply.refusal(), refused(403, "IAM.0003", DENIED));
}

/// api-iam §9.2: the address that a connection comes from, which the server learns from the socket.
#[tokio::test]
async fn a_policy_may_ask_where_a_request_comes_from() {
    let world = World::new().await;
    let (ann, client) = user(&world, "ann").await;
    let statement = json!([{"Effect": "Allow", "Action": ["vpc:vpcs:list"],
        "Condition": {"IpAddress": {"g:SourceIp": ["10.0.0.0/8"]}}}]);
    grant(&world, &ann, "inside", statement).await;
    let from = |address: Option<&str>| {
        let mut request = client.request(Method::GET, "/v1/{p}/vpcs", "");
        if let Some(address) = address {
            let peer = std::net::SocketAddr::new(address.parse().unwrap(), 40000);
            request.extensions_mut().insert(api::Connection { peer, tls: false });
        }
        world.raw(request)
    };
    from(Some("10.1.2.3")).await.expect(200);
    from(Some("::ffff:10.1.2.3")).await.expect(200);
    assert_eq!(from(Some("192.0.2.1")).await.status, 403);
    assert_eq!(from(None).await.status, 403);
}

/// api-iam §5.2.
#[tokio::test]
async fn tokens_end_when_the_users_permissions_change() {
    let world = World::new().await;
    let (ann, _) = user(&world, "ann").await;
    let policy = grant(&world, &ann, "p", json!([{"Effect": "Allow", "Action": ["vpc:*:*"]}])).await;
    let alive = |token: String| {
        let mut request = Request::get("/v3/auth/domains").body(Body::empty()).unwrap();
        request.headers_mut().insert("x-auth-token", HeaderValue::from_str(&token).unwrap());
        world.raw(request)
    };
    let role = format!("{ROLES}/{policy}");
    let fresh = || async { token(&world, "ann", json!({})).await.0 };
    let one = fresh().await;
    let body = |fields: Value| json!({"role": fields}).to_string();
    world.b.call(Method::PATCH, &role, &body(json!({"description": "x"}))).await.expect(200);
    alive(one.clone()).await.expect(200);
    let reads = document(json!([{"Effect": "Allow", "Action": ["vpc:*:get"]}]));
    let changed = world.b.call(Method::PATCH, &role, &body(json!({"policy": reads}))).await.expect(200);
    assert_eq!(changed["role"]["policy"], reads);
    assert_eq!(alive(one).await.status, 401);
    let two = fresh().await;
    attach(&world, &ann, &builtin(&world, "ReadOnlyAccess").await, None).await;
    assert_eq!(alive(two).await.status, 401);
    let three = fresh().await;
    world.b.delete(&format!("/causeway/v1/users/{ann}/policies/{policy}")).await.expect(204);
    assert_eq!(alive(three).await.status, 401);
}

#[tokio::test]
async fn policies_are_made_listed_and_deleted() {
    let world = World::new().await;
    let policy = document(json!([{"Effect": "Allow", "Action": ["vpc:vpcs:list"]}]));
    let made = create(&world.b, "mine", policy.clone()).await.expect(201)["role"].clone();
    assert_eq!((&made["display_name"], &made["type"], &made["policy"]), (&json!("mine"), &json!("AX"), &policy));
    assert_eq!((&made["catalog"], &made["domain_id"]), (&json!("CUSTOMED"), &json!(world.b.account.to_string())));
    assert_eq!(made["created_time"], "1767323045000");
    let path = format!("{ROLES}/{}", id(&made));
    assert_eq!(world.b.get(&path).await.expect(200)["role"], made);
    create(&world.b, "other", policy.clone()).await.expect(201);
    let page = world.b.get(&format!("{ROLES}?page=2&per_page=1")).await.expect(200);
    assert_eq!((ids(&page["roles"]).len(), &page["total_number"]), (1, &json!(2)));
    for wrong in ["page=1", "page=0&per_page=1", "page=1&per_page=301", "page=x&per_page=1"] {
        let reply = world.b.get(&format!("{ROLES}?{wrong}")).await;
        assert_eq!(reply.refusal(), refused(400, "IAM.0011", "invalid_request"), "{wrong}");
    }
    // Others have none of it.
    assert_eq!(world.a.get(ROLES).await.expect(200)["roles"], json!([]));
    assert_eq!(world.a.get(&path).await.refusal(), refused(404, "IAM.0004", "not_found"));
    let reply = create(&world.b, "mine", policy.clone()).await;
    assert_eq!(reply.refusal(), refused(409, "IAM.0005", "name_taken"));
    let fixed = builtin(&world, "VPC FullAccess").await;
    world.b.get(&format!("/v3/roles/{fixed}")).await.expect(200);
    assert_eq!(world.b.delete(&format!("{ROLES}/{fixed}")).await.refusal(), refused(403, "IAM.0003", "not_authorized"));
    let (ann, _) = user(&world, "ann").await;
    attach(&world, &ann, &id(&made), None).await;
    let reply = world.b.delete(&path).await;
    assert_eq!(reply.refusal(), refused(409, "IAM.0005", "policy_in_use"));
    assert!(reply.message().contains("ann"), "{}", reply.message());
    world.b.delete(&format!("/causeway/v1/users/{ann}/policies/{}", id(&made))).await.expect(204);
    world.b.delete(&path).await.expect(200);
    assert_eq!(world.b.get(&path).await.refusal(), refused(404, "IAM.0004", "not_found"));
}

/// api-iam §8.3: each mistake has its code.
#[tokio::test]
async fn a_wrong_document_is_refused_with_its_code() {
    let world = World::new().await;
    let statement = |fields: Value| {
        let mut statement = json!({"Effect": "Allow", "Action": ["vpc:*:*"]});
        statement.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        document(json!([statement]))
    };
    for (policy, code) in [
        (json!({"Version": "1.0", "Statement": []}), "IAM.1024"),
        (document(json!([])), "IAM.1028"),
        (statement(json!({"Effect": "Perhaps"})), "IAM.1029"),
        (statement(json!({"NotAction": ["vpc:*:*"]})), "IAM.1031"),
        (statement(json!({"Action": vec!["vpc:*:*"; 101]})), "IAM.1033"),
        (statement(json!({"Action": ["vpc:vpcs"]})), "IAM.1035"),
        (statement(json!({"Action": ["vpc:vpcs:lst"]})), "IAM.1036"),
        (statement(json!({"Resource": []})), "IAM.1040"),
        (statement(json!({"Resource": ["x"]})), "IAM.0073"),
        (statement(json!({"Condition": {}})), "IAM.1050"),
        (statement(json!({"Condition": {"Like": {"g:UserName": ["x"]}}})), "IAM.0073"),
        (statement(json!({"Sid": "x"})), "IAM.0011"),
        (json!("text"), "IAM.0011"),
    ] {
        let reply = create(&world.b, "p", policy.clone()).await;
        assert_eq!(reply.refusal(), refused(400, code, "invalid_policy"), "{policy}");
    }
    assert_eq!(world.b.get(ROLES).await.expect(200)["total_number"], 0);
}
