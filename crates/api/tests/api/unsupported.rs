//! Flow logs and traffic mirrors (api-vpc §14 and §15): served, and clearly refused.

use axum::http::Method;
use serde_json::json;

use crate::fixture::{World, refused};

#[tokio::test]
async fn flow_logs_are_refused_in_clear_words() {
    let world = World::new().await;
    let path = "/v1/{p}/fl/flow_logs";
    assert_eq!(world.a.get(path).await.expect(200), json!({"flow_logs": []}));
    assert_eq!(world.a.get(&format!("{path}?limit=10&marker=00&name=x")).await.expect(200), json!({"flow_logs": []}));
    let wanted = json!({"flow_log": {"name": "f", "resource_type": "vpc", "resource_id": "x", "traffic_type": "all",
        "log_group_id": "g", "log_topic_id": "t"}});
    let reply = world.a.post(path, wanted.clone()).await;
    assert_eq!(reply.refusal(), refused(400, "VPC.2500", "not_supported"));
    assert!(reply.message().starts_with("flow logs are not supported"), "{reply:?}");
    let one = format!("{path}/00000000-0000-4000-8000-000000000000");
    for (method, body) in [(Method::GET, json!({})), (Method::PUT, wanted), (Method::DELETE, json!({}))] {
        let reply = world.a.call(method, &one, &body.to_string()).await;
        assert_eq!(reply.refusal(), refused(404, "VPC.2204", "not_found"));
    }
    let request = world.a.request_in("", Method::POST, &path.replace("{p}", &world.b.project), "{}");
    assert_eq!(world.raw(request).await.refusal().1, "VPC.0007");
}

#[tokio::test]
async fn traffic_mirrors_are_refused_in_clear_words() {
    let world = World::new().await;
    for kind in ["filter", "filter-rule", "session"] {
        let path = format!("/v3/{{p}}/vpc/traffic-mirror-{kind}s");
        let list = world.a.get(&path).await.expect(200);
        let member = format!("traffic_mirror_{}s", kind.replace('-', "_"));
        assert_eq!((&list[&member], &list["page_info"]["current_count"]), (&json!([]), &json!(0)));
        let reply = world.a.post(&path, json!({"traffic_mirror_filter": {"name": "f"}})).await;
        assert_eq!(reply.refusal(), refused(400, "VPC.2500", "not_supported"));
        assert!(reply.message().starts_with("traffic mirrors are not supported"), "{reply:?}");
        let one = format!("{path}/00000000-0000-4000-8000-000000000000");
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            assert_eq!(world.a.call(method, &one, "{}").await.refusal(), refused(404, "VPC.2204", "not_found"));
        }
        if kind == "session" {
            for action in ["add-sources", "remove-sources"] {
                let reply = world.a.put(&format!("{one}/{action}"), json!({})).await;
                assert_eq!(reply.refusal(), refused(404, "VPC.2204", "not_found"));
            }
        }
    }
}
