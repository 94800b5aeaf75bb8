//! Pages through the router (api-vpc §0.4; clients §6, traps 6, 7, 27).

use serde_json::json;

use crate::fixture::{World, ids, refused};

async fn seven(world: &World) -> Vec<String> {
    let mut made = Vec::new();
    for n in 0..7 {
        made.push(world.a.vpc(&format!("v{n}"), &format!("10.{n}.0.0/16")).await);
    }
    made.sort();
    made
}

#[tokio::test]
async fn v1_lists_end_with_an_empty_page() {
    let world = World::new().await;
    let all = seven(&world).await;
    assert_eq!(ids(&world.a.get("/v1/{p}/vpcs").await.expect(200)["vpcs"]), all);
    let mut seen = Vec::new();
    let mut marker = String::new();
    loop {
        let page = world.a.get(&format!("/v1/{{p}}/vpcs?limit=3&marker={marker}")).await.expect(200);
        let page = ids(&page["vpcs"]);
        let Some(last) = page.last() else { break };
        marker.clone_from(last);
        seen.extend(page);
    }
    assert_eq!(seen, all);
    let reply = world.a.get("/v1/{p}/vpcs?limit=x").await;
    assert_eq!(reply.refusal(), refused(400, "VPC.0101", "invalid_request"));
}

#[tokio::test]
async fn v3_lists_say_what_follows() {
    let world = World::new().await;
    let all = seven(&world).await;
    let mut seen = Vec::new();
    let mut target = "/v3/{p}/vpc/vpcs?limit=3".to_owned();
    loop {
        let page = world.a.get(&target).await.expect(200);
        let info = &page["page_info"];
        let page = ids(&page["vpcs"]);
        assert_eq!(info["current_count"], page.len());
        assert_eq!(info["previous_marker"], page[0].as_str());
        seen.extend(page);
        match info.get("next_marker") {
            Some(next) => target = format!("/v3/{{p}}/vpc/vpcs?limit=3&marker={}", next.as_str().unwrap()),
            None => break,
        }
    }
    assert_eq!(seen, all);
    let last = all.last().unwrap();
    let past = world.a.get(&format!("/v3/{{p}}/vpc/vpcs?marker={last}")).await.expect(200);
    assert_eq!((&past["vpcs"], &past["page_info"]), (&json!([]), &json!({"current_count": 0})));
    let two = world.a.get(&format!("/v3/{{p}}/vpc/vpcs?id={}&id={}&name=v0,v1", all[0], all[1])).await.expect(200);
    assert!(ids(&two["vpcs"]).len() <= 2);
    assert_eq!(world.a.get("/v3/{p}/vpc/vpcs?limit=2001").await.status.as_u16(), 400);
}

/// The Terraform provider follows `peerings_links[rel=next].href`.
#[tokio::test]
async fn v2_links_lead_to_the_next_page_and_keep_the_filters() {
    let world = World::new().await;
    let vpcs = seven(&world).await;
    let mut all = Vec::new();
    for peer in &vpcs[1..] {
        let made = world.a.ask(&vpcs[0], peer, &world.a.project).await.expect(201);
        all.push(crate::fixture::id(&made["peering"]));
    }
    all.sort();
    let mut seen = Vec::new();
    let mut target = format!("/v2.0/vpc/peerings?limit=4&vpc_id={}", vpcs[0]);
    loop {
        let page = world.a.get(&target).await.expect(200);
        seen.extend(ids(&page["peerings"]));
        let links = page.get("peerings_links").and_then(|links| links.as_array()).cloned().unwrap_or_default();
        let Some(next) = links.iter().find(|link| link["rel"] == "next") else { break };
        let href = next["href"].as_str().unwrap();
        let (host, path) = href.split_at("http://api.example".len());
        assert_eq!(host, "http://api.example");
        assert!(path.contains(&format!("vpc_id={}", vpcs[0])), "{path}");
        target = path.to_owned();
    }
    assert_eq!(seen, all);
    for marker in ["not-an-id!", "abc", "-", &all[0][..35], &format!("{}0", all[0]), &format!("urn:uuid:{}", all[0])] {
        let reply = world.a.get(&format!("/v2.0/vpc/peerings?marker={marker}")).await;
        assert_eq!(reply.refusal(), refused(400, "InvalidInput", "invalid_request"), "{marker}");
    }
    for marker in [all[3].to_uppercase(), all[3].replace('-', "")] {
        let page = world.a.get(&format!("/v2.0/vpc/peerings?marker={marker}")).await.expect(200);
        assert_eq!(ids(&page["peerings"]), all[4..], "{marker}");
    }
    let back =
        world.a.get(&format!("/v2.0/vpc/peerings?limit=2&page_reverse=True&marker={}", all[4])).await.expect(200);
    assert_eq!(ids(&back["peerings"]), all[2..4]);
}
