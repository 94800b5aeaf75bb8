//! Tags on the wire (api-vpc §13, api-errors §3.7).

use serde_json::{Value, json};

use crate::fixture::{Client, World, id, ids, refused};

const NOWHERE: &str = "00000000-0000-4000-8000-000000000000";

/// An object of every kind with tags: its path in the family that has its tags.
async fn objects(client: &Client) -> Vec<(&'static str, String, String)> {
    let vpc = client.vpc("vpc", "10.0.0.0/16").await;
    let subnet = client.subnet(&vpc, "subnet", "10.0.0.0/24").await;
    let body = json!({"port": {"network_id": subnet}});
    let port = id(&client.post("/v1/{p}/ports", body).await.expect(200)["port"]);
    let server = client.server("host", &subnet).await;
    let body = json!({"sub_network_interface": {"virsubnet_id": subnet, "parent_id": server["port_id"]}});
    let sub = client.post("/v3/{p}/vpc/sub-network-interfaces", body).await.expect(201);
    let sub = id(&sub["sub_network_interface"]);
    let body = json!({"security_group": {"name": "group"}});
    let group = id(&client.post("/v3/{p}/vpc/security-groups", body).await.expect(201)["security_group"]);
    let acl =
        id(&client.post("/v3/{p}/vpc/firewalls", json!({"firewall": {"name": "acl"}})).await.expect(201)["firewall"]);
    let body = json!({"address_group": {"name": "addresses", "ip_version": 4}});
    let addresses = id(&client.post("/v3/{p}/vpc/address-groups", body).await.expect(201)["address_group"]);
    [
        ("/v2.0/{p}/vpcs", vpc),
        ("/v2.0/{p}/subnets", subnet),
        ("/v2.0/{p}/security-groups", group),
        ("/v3/{p}/firewalls", acl),
        ("/v3/{p}/ports", port),
        ("/v3/{p}/sub-network-interfaces", sub),
        ("/v3/{p}/address-groups", addresses),
    ]
    .into_iter()
    .map(|(base, id)| (base, format!("{base}/{id}/tags"), id))
    .collect()
}

async fn batch(client: &Client, path: &str, action: &str, tags: Value) -> crate::fixture::Reply {
    if path.starts_with("/v3") {
        client.post(&format!("{path}/{action}"), json!({"tags": tags})).await
    } else {
        client.post(&format!("{path}/action"), json!({"action": action, "tags": tags})).await
    }
}

fn tag(key: &str, value: &str) -> Value {
    json!({"key": key, "value": value})
}

#[tokio::test]
async fn every_type_lives_through_the_same_calls() {
    let world = World::new().await;
    for (base, path, object) in objects(&world.a).await {
        let shown = async || world.a.get(&path).await.expect(200)["tags"].clone();
        assert_eq!(shown().await, json!([]), "{base}");
        // One tag, and a missing value, which is the empty one (clients §6, trap 14).
        assert_eq!(world.a.post(&path, json!({"tag": tag("env", "test")})).await.expect(204), Value::Null);
        batch(&world.a, &path, "create", json!([{"key": "team"}, tag("env", "prod")])).await.expect(204);
        assert_eq!(shown().await, json!([tag("env", "prod"), tag("team", "")]));
        // Removing is idempotent, and needs no value.
        batch(&world.a, &path, "delete", json!([{"key": "team"}, tag("never there, of no form *", "x")]))
            .await
            .expect(204);
        batch(&world.a, &path, "delete", json!([{"key": "team"}])).await.expect(204);
        assert_eq!(shown().await, json!([tag("env", "prod")]));
        assert_eq!(
            world.a.get(&format!("{base}/tags")).await.expect(200)["tags"],
            json!([{"key": "env", "values": ["prod"]}])
        );
        world.a.post(&path, json!({"tag": tag("a-键", "值.1")})).await.expect(204);
        world.a.delete(&format!("{path}/a-%E9%94%AE")).await.expect(204);
        world.a.delete(&format!("{path}/env")).await.expect(204);
        // The single deletion is not idempotent (api-vpc §13.1).
        assert_eq!(world.a.delete(&format!("{path}/env")).await.refusal(), refused(404, "VPC.2204", "tag_not_found"));
        assert_eq!(shown().await, json!([]));

        let missing = path.replace(&object, NOWHERE);
        assert_eq!(world.a.get(&missing).await.refusal(), refused(404, "VPC.2204", "not_found"), "{base}");
        assert_eq!(world.b.get(&path).await.refusal(), refused(404, "VPC.2204", "not_found"), "{base}");
        let reply = world.b.post(&path, json!({"tag": tag("k", "v")})).await;
        assert_eq!(reply.refusal(), refused(404, "VPC.2204", "not_found"));
        let reply = batch(&world.b, &path, "delete", json!([{"key": "k"}])).await;
        assert_eq!(reply.refusal(), refused(404, "VPC.2204", "not_found"));
        let reply = world.a.get(&path.replace(&object, "no-id")).await;
        assert_eq!(
            (reply.refusal(), reply.message().as_str()),
            (refused(400, "VPC.1801", "invalid_tags"), "resource id is invalid.")
        );
    }
}

/// api-errors §3.7, each with its text.
#[tokio::test]
async fn wrong_tags_are_refused_in_the_documented_words() {
    let world = World::new().await;
    let length = "Tag length is invalid. The key length must be in range [1,36] and value in range [0,43]";
    let many: Vec<Value> = (0..11).map(|n| tag(&format!("k{n}"), "")).collect();
    for (_, path, _) in objects(&world.a).await {
        for (tags, text) in [
            (json!(null), "Tag can not be null."),
            (json!([]), "Tag can not be null."),
            (json!([null]), "Tag can not be null."),
            (json!([{"key": "k", "value": null}]), "Tag value can not be null."),
            (json!([{"value": "v"}]), "Tag key can not be null."),
            (json!([tag("", "v")]), length),
            (json!([tag(&"k".repeat(37), "v")]), length),
            (json!([tag("k", &"v".repeat(44))]), length),
            (json!([tag("k", "a"), tag("k", "b")]), "Tag key is repeated."),
            (json!(many), "number of tags exceeds max num of 10."),
        ] {
            let reply = batch(&world.a, &path, "create", tags.clone()).await;
            let (status, code, internal) = reply.refusal();
            assert_eq!((status, code.as_str(), internal.as_str()), (400, "VPC.1801", "invalid_tags"), "{tags}");
            assert_eq!(reply.message(), text, "{path} {tags}");
        }
        let reply = batch(&world.a, &path, "create", json!([tag("a=b", "v")])).await;
        assert!(reply.message().starts_with("Tag key contains `=`"), "{reply:?}");
        let reply = batch(&world.a, &path, "delete", json!([tag("", "v")])).await;
        assert_eq!(reply.message(), "Tag key can not be null.");
        let reply = world.a.post(&path, json!({"tag": null})).await;
        assert_eq!(reply.message(), "Tag can not be null.");
        let reply = world.a.post(&path, json!([])).await;
        assert_eq!(reply.refusal(), refused(400, "VPC.1801", "invalid_body"));
        assert_eq!(world.a.get(&path).await.expect(200)["tags"], json!([]));
    }
    // Only v3 allows more characters than letters, digits and the like.
    for (_, path, _) in objects(&world.b).await {
        let status = batch(&world.b, &path, "create", json!([tag("cost center", "a/b:c")])).await.status;
        assert_eq!(status.as_u16(), if path.starts_with("/v3") { 204 } else { 400 }, "{path}");
    }
    let reply = batch(&world.a, &format!("/v2.0/{{p}}/vpcs/{NOWHERE}/tags"), "rename", json!([])).await;
    assert_eq!(reply.message(), "action is invalid.");
    for path in
        ["/v2.0/{p}/routers/x/tags", "/v2.0/{p}/routers/x/tags/action", "/v2.0/{p}/routers/resource_instances/action"]
    {
        let reply = world.a.post(path, json!({})).await;
        assert_eq!(reply.refusal(), refused(400, "VPC.1801", "invalid_tags"));
        assert_eq!(reply.message(), "Resource_type routers is invalid.");
    }
}

async fn tagged_vpc(client: &Client, name: &str, tags: Value) -> String {
    let body = json!({"vpc": {"name": name, "cidr": "10.0.0.0/16", "tags": tags}});
    id(&client.post("/v1/{p}/vpcs", body).await.expect(200)["vpc"])
}

#[tokio::test]
async fn objects_are_found_by_their_tags() {
    let world = World::new().await;
    let web = tagged_vpc(&world.a, "web", json!(["env*prod", "team*blue"])).await;
    let db = tagged_vpc(&world.a, "web-db", json!(["env*preprod"])).await;
    let plain = tagged_vpc(&world.a, "plain", json!([])).await;
    tagged_vpc(&world.b, "web", json!(["env*prod"])).await;
    let path = "/v2.0/{p}/vpcs/resource_instances/action";
    let name =
        |id: &String| [(&web, "web"), (&db, "db"), (&plain, "plain")].iter().find(|(other, _)| *other == id).unwrap().1;
    let find = async |query: Value| {
        let mut query = query;
        query["action"] = json!("filter");
        let found = world.a.post(path, query.clone()).await.expect(200);
        query["action"] = json!("count");
        let count = world.a.post(path, query).await.expect(200);
        assert_eq!(count, json!({"total_count": found["total_count"]}));
        let resources = found["resources"].as_array().unwrap();
        let ids: Vec<String> = resources.iter().map(|r| r["resource_id"].as_str().unwrap().to_owned()).collect();
        let mut names: Vec<&str> = ids.iter().map(name).collect();
        names.sort_unstable();
        names.join(" ")
    };
    assert_eq!(find(json!({})).await, "db plain web");
    assert_eq!(find(json!({"tags": [{"key": "env", "values": []}]})).await, "db web");
    assert_eq!(find(json!({"tags": [{"key": "env"}]})).await, "db web");
    assert_eq!(find(json!({"tags": [{"key": "env", "values": ["x", "prod"]}]})).await, "web");
    assert_eq!(find(json!({"tags": [{"key": "env", "values": ["*prod"]}]})).await, "db web");
    let both = json!([{"key": "env", "values": ["*prod"]}, {"key": "team", "values": ["blue"]}]);
    assert_eq!(find(json!({"tags": both})).await, "web");
    assert_eq!(find(json!({"matches": [{"key": "resource_name", "value": "db"}]})).await, "db");
    assert_eq!(find(json!({"matches": [{"key": "resource_name", "value": "web"}], "tags": both})).await, "web");

    let first = world.a.post(path, json!({"action": "filter", "limit": "1", "offset": 0})).await.expect(200);
    let second = world.a.post(path, json!({"action": "filter", "limit": 2, "offset": "1"})).await.expect(200);
    let beyond = world.a.post(path, json!({"action": "filter", "limit": 2, "offset": 3})).await.expect(200);
    assert_eq!(first["resources"].as_array().unwrap().len(), 1);
    assert_eq!(second["resources"].as_array().unwrap().len(), 2);
    assert_eq!(beyond, json!({"resources": [], "total_count": 3}));
    assert_ne!(first["resources"][0], second["resources"][0]);
    let query = json!({"action": "filter", "matches": [{"key": "resource_name", "value": "db"}]});
    assert_eq!(
        world.a.post(path, query).await.expect(200)["resources"],
        json!([{"resource_id": db, "resource_name": "web-db", "resource_detail": null,
            "tags": [tag("env", "preprod")]}])
    );
}

#[tokio::test]
async fn a_query_of_another_form_is_refused_in_the_documented_words() {
    let world = World::new().await;
    let many: Vec<Value> = (0..11).map(|n| json!({"key": format!("k{n}")})).collect();
    let values: Vec<String> = (0..11).map(|n| n.to_string()).collect();
    let long = "x".repeat(256);
    let number = |name: &str| format!("{name} in resourceInstancesReq is invalid.");
    let cases = [
        (json!({"tags": [null]}), "Tag can not be null.".to_owned()),
        (json!({"tags": [{"key": ""}]}), "Tag key can not be null.".to_owned()),
        (json!({"tags": [{"key": "k", "values": [null]}]}), "Tag value can not be null.".to_owned()),
        (json!({"tags": [{"key": "k"}, {"key": "k"}]}), "Tag key is repeated.".to_owned()),
        (json!({"tags": many}), "number of tags exceeds max num of 10.".to_owned()),
        (json!({"tags": [{"key": "k", "values": values}]}), "number of tags exceeds max num of 10.".to_owned()),
        (
            json!({"tags": [{"key": "k", "values": ["a", "a"]}]}),
            "Value of tags in resourceInstancesReq is duplicate.".to_owned(),
        ),
        (json!({"matches": []}), "The number of Matches in resourceInstancesReq is 0.".to_owned()),
        (json!({"matches": [null]}), "The list of matches contains null.".to_owned()),
        (json!({"matches": [{"key": "id", "value": "x"}]}), "The key of matches is invalid.".to_owned()),
        (
            json!({"matches": [{"key": "resource_name"}]}),
            "The value of Matches in resourceInstancesReq is null.".to_owned(),
        ),
        (
            json!({"matches": [{"key": "resource_name", "value": long}]}),
            "The value's length of Matches in resourceInstancesReq is more than 255.".to_owned(),
        ),
    ];
    for (query, text) in &cases {
        let mut v2 = query.clone();
        v2["action"] = json!("filter");
        for (path, body) in [
            ("/v2.0/{p}/subnets/resource_instances/action", &v2),
            ("/v3/{p}/firewalls/resource-instances/filter", query),
            ("/v3/{p}/ports/resource-instances/count", query),
        ] {
            let reply = world.a.post(path, body.clone()).await;
            assert_eq!(reply.refusal(), refused(400, "VPC.1801", "invalid_tags"), "{path} {body}");
            assert_eq!(reply.message(), *text, "{path}");
        }
    }
    for (limit, offset, name) in [
        (json!(0), json!(0), "Limit"),
        (json!(1001), json!(0), "Limit"),
        (json!("many"), json!(0), "Limit"),
        (json!(1), json!(-1), "Offset"),
        (json!(1), json!("x"), "Offset"),
    ] {
        let body = json!({"action": "filter", "limit": limit, "offset": offset});
        assert_eq!(world.a.post("/v2.0/{p}/vpcs/resource_instances/action", body).await.message(), number(name));
        let text = |value: &Value| value.to_string().replace('"', "");
        let path = format!("/v3/{{p}}/ports/resource-instances/filter?limit={}&offset={}", text(&limit), text(&offset));
        assert_eq!(world.a.post(&path, json!({})).await.message(), number(name));
    }
    let reply = world.a.post("/v2.0/{p}/vpcs/resource_instances/action", json!({})).await;
    assert_eq!(reply.message(), "action is invalid.");
}

/// The pager of clients: `offset` and `limit` until the list is empty (api-vpc §13.2).
#[tokio::test]
async fn v3_lists_of_tags_and_objects_have_pages() {
    let world = World::new().await;
    for n in 0..3 {
        let tags = json!([{"key": format!("k{n}"), "value": "v"}]);
        let body = json!({"firewall": {"name": format!("acl-{n}"), "tags": tags}});
        let made = world.a.post("/v3/{p}/vpc/firewalls", body).await.expect(201);
        assert_eq!(made["firewall"]["tags"], tags);
    }
    let list = async |query: &str| {
        let body = world.a.get(&format!("/v3/{{p}}/firewalls/tags{query}")).await.expect(200);
        assert_eq!((body["request_id"].as_str().unwrap().len(), &body["total_count"]), (32, &json!(3)));
        body["tags"].as_array().unwrap().iter().map(|tag| tag["key"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(list("").await, ["k0", "k1", "k2"]);
    assert_eq!(list("?offset=1&limit=1").await, ["k1"]);
    assert_eq!(list("?offset=3&limit=3").await, Vec::<String>::new());
    let find = async |query: &str| {
        let path = format!("/v3/{{p}}/firewalls/resource-instances/filter{query}");
        let body = world.a.post(&path, json!({"tags": [{"key": "k1", "values": ["v"]}]})).await.expect(200);
        assert_eq!(body["total_count"], 1);
        body["resources"].as_array().unwrap().len()
    };
    assert_eq!((find("").await, find("?offset=1").await), (1, 0));
    let count = world.a.post("/v3/{p}/firewalls/resource-instances/count", json!({})).await.expect(200);
    assert_eq!(count["total_count"], 3);
}

/// api-vpc §4.2, §5.3, §8.1, §9.1, §10.
#[tokio::test]
async fn objects_are_made_with_tags_and_show_them() {
    let world = World::new().await;
    let both = json!([tag("env", "prod"), tag("team", "")]);
    let texts = json!(["team", "env*prod"]);
    let vpc = tagged_vpc(&world.a, "v1", texts.clone()).await;
    assert_eq!(world.a.get(&format!("/v3/{{p}}/vpc/vpcs/{vpc}")).await.expect(200)["vpc"]["tags"], both);
    let body = json!({"vpc": {"name": "v3", "cidr": "10.1.0.0/16", "tags": both}});
    let made = world.a.post("/v3/{p}/vpc/vpcs", body).await.expect(201)["vpc"].clone();
    assert_eq!(made["tags"], both);
    assert_eq!(world.a.get(&format!("/v2.0/{{p}}/vpcs/{}/tags", id(&made))).await.expect(200)["tags"], both);
    let body =
        json!({"subnet": {"name": "s", "cidr": "10.0.0.0/24", "gateway_ip": "10.0.0.1", "vpc_id": vpc, "tags": texts}});
    let subnet = world.a.post("/v1/{p}/subnets", body).await.expect(200)["subnet"].clone();
    assert_eq!(subnet["tags"], both);
    let body = json!({"security_group": {"name": "g", "tags": both}});
    let group = world.a.post("/v3/{p}/vpc/security-groups", body).await.expect(201)["security_group"].clone();
    assert_eq!(group["tags"], both);
    let list = world.a.get("/v3/{p}/vpc/security-groups?name=g").await.expect(200);
    assert_eq!(list["security_groups"][0]["tags"], both);
    let body = json!({"address_group": {"name": "g", "ip_version": 4, "tags": both}});
    let group = world.a.post("/v3/{p}/vpc/address-groups", body).await.expect(201)["address_group"].clone();
    assert_eq!(group["tags"], both);

    let wrong = json!({"vpc": {"name": "w", "tags": ["a b*c"]}});
    assert_eq!(world.a.post("/v1/{p}/vpcs", wrong).await.refusal(), refused(400, "VPC.1801", "invalid_tags"));
    let many: Vec<String> = (0..11).map(|n| format!("k{n}*v")).collect();
    let reply = world.a.post("/v1/{p}/vpcs", json!({"vpc": {"name": "w", "tags": many}})).await;
    assert_eq!(reply.message(), "number of tags exceeds max num of 10.");
    // An update says that it is the wrong place.
    let body = json!({"vpc": {"name": "v1", "tags": texts}});
    let reply = world.a.put(&format!("/v1/{{p}}/vpcs/{vpc}"), body).await;
    assert_eq!(reply.refusal(), refused(400, "VPC.0101", "not_supported"));
}

/// api-vpc §4.2: the filters of the v1 lists.
#[tokio::test]
async fn v1_lists_are_filtered_by_tags() {
    let world = World::new().await;
    let web = tagged_vpc(&world.a, "web", json!(["env*prod", "team*blue"])).await;
    let db = tagged_vpc(&world.a, "db", json!(["env*test"])).await;
    let plain = tagged_vpc(&world.a, "plain", json!([])).await;
    let list = async |query: &str| {
        let mut found = ids(&world.a.get(&format!("/v1/{{p}}/vpcs?{query}")).await.expect(200)["vpcs"]);
        found.sort_by_key(|id| [&web, &db, &plain].iter().position(|other| *other == id));
        found
    };
    assert_eq!(list("tags=env").await, [web.clone(), db.clone()]);
    assert_eq!(list("tags=env*prod").await, std::slice::from_ref(&web));
    assert_eq!(list("tags=env*prod,env*test").await, [web.clone(), db.clone()]);
    assert_eq!(list("tags=env*prod,team*red").await, Vec::<String>::new());
    assert_eq!(list("tags-any=env*test,team*blue").await, [web.clone(), db.clone()]);
    assert_eq!(list("not-tags=env,team").await, [db.clone(), plain.clone()]);
    assert_eq!(list("not-tags-any=env*test,team").await, std::slice::from_ref(&plain));
    assert_eq!(list("tags=env&not-tags-any=team").await, std::slice::from_ref(&db));
    for (n, tags) in [(1, json!(["a*b"])), (2, json!([]))] {
        let body = json!({"subnet": {"name": format!("s{n}"), "cidr": format!("10.0.{n}.0/24"),
            "gateway_ip": format!("10.0.{n}.1"), "vpc_id": web, "tags": tags}});
        world.a.post("/v1/{p}/subnets", body).await.expect(200);
    }
    let named = async |query: &str| {
        let list = world.a.get(&format!("/v1/{{p}}/subnets?{query}")).await.expect(200);
        list["subnets"].as_array().unwrap().iter().map(|s| s["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(named("tags=a*b").await, ["s1"]);
    assert_eq!(named("not-tags=a").await, ["s2"]);
}
