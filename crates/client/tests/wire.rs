//! The client against a real socket: what arrives verifies, what comes back is understood.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::{Arc, Mutex};

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{Response, StatusCode};
use client::types::{
    PasswordLogin, PeeringCreate, PeeringVpc, Protocol, RouteChanges, RouteDestination, RouteSpec, RouteTableUpdate,
    ServerUpdate, SubnetFilter, Target, TokenScope, TraceRequest, VpcCreate, VpcFilter,
};
use client::{Client, ClientConfig, Error, Method};
use serde_json::{Value, json};
use signing::Authorization;
use tokio::net::TcpListener;

const PROJECT: &str = "0605767a9980d5792f4fc00ce5a7a1f1";

/// What arrived: method, path with query, the project header, body.
#[derive(Debug, Clone, PartialEq)]
struct Arrived {
    request: String,
    project: Option<String>,
    signed: bool,
    body: Value,
}

/// A server that checks signatures, remembers what arrived and answers what it is told to.
struct Server {
    endpoint: String,
    arrived: Arc<Mutex<Vec<Arrived>>>,
}

impl Server {
    async fn start(answer: impl Fn(&str) -> (u16, String) + Clone + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let arrived = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&arrived);
        let app = axum::Router::new().fallback(move |request: Request| {
            let (answer, log) = (answer.clone(), Arc::clone(&log));
            async move {
                let (parts, body) = request.into_parts();
                let body = to_bytes(body, usize::MAX).await.unwrap();
                let headers = parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
                let (path, query) = (parts.uri.path(), parts.uri.query().unwrap_or_default());
                let wire = signing::Request::new(parts.method.as_str(), path, query, headers, &body);
                let signed = parts.headers.get("authorization").is_some_and(|header| {
                    let authorization = Authorization::parse(header.to_str().unwrap()).unwrap();
                    assert_eq!(authorization.access_key, "AK");
                    signing::verify(&wire, &authorization, "SK").unwrap();
                    assert!(authorization.signs("host"));
                    true
                });
                let request = format!("{} {}", parts.method, parts.uri);
                let (status, text) = answer(&request);
                let project = parts.headers.get("x-project-id").map(|id| id.to_str().unwrap().to_owned());
                let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
                log.lock().unwrap().push(Arrived { request, project, signed, body });
                Response::builder()
                    .status(StatusCode::from_u16(status).unwrap())
                    .header("content-type", "application/json")
                    .header("x-request-id", "req-1")
                    .header("x-subject-token", "tok")
                    .body(Body::from(text))
                    .unwrap()
            }
        });
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { endpoint, arrived }
    }

    fn client(&self) -> Client {
        client(&self.endpoint).with_project(PROJECT)
    }

    fn arrived(&self) -> Vec<Arrived> {
        self.arrived.lock().unwrap().clone()
    }

    fn requests(&self) -> Vec<String> {
        self.arrived().into_iter().map(|arrived| arrived.request).collect()
    }
}

fn client(endpoint: &str) -> Client {
    Client::new(ClientConfig {
        endpoint: endpoint.to_owned(),
        access_key: "AK".to_owned(),
        secret_key: "SK".to_owned(),
        ..ClientConfig::default()
    })
    .unwrap()
}

#[tokio::test]
async fn what_is_sent_verifies_at_the_other_end() {
    let server =
        Server::start(|_| (200, r#"{"vpc":{"id":"v","name":"demo","description":null,"new":1}}"#.into())).await;
    let create = VpcCreate {
        name: "demo".into(),
        cidr: "10.0.0.0/16".into(),
        edge_site: Some("edge-1".into()),
        ..VpcCreate::default()
    };
    let vpc = server.client().create_vpc(&create).await.unwrap();
    assert_eq!((vpc.id.as_str(), vpc.name.as_str(), vpc.description.as_str()), ("v", "demo", ""));
    server.client().show_vpc("a b/é?#%").await.unwrap();

    let arrived = server.arrived();
    let body = json!({"vpc": {"name": "demo", "cidr": "10.0.0.0/16", "edge_site": "edge-1"}});
    assert_eq!(
        arrived[0],
        Arrived { request: format!("POST /v1/{PROJECT}/vpcs"), project: Some(PROJECT.into()), signed: true, body }
    );
    assert_eq!(arrived[1].request, format!("GET /v1/{PROJECT}/vpcs/a%20b%2F%C3%A9%3F%23%25"));
    assert!(arrived[1].signed);
}

#[tokio::test]
async fn lists_follow_markers_with_their_filter() {
    let server = Server::start(|request| {
        let page = if request.contains("marker=b") {
            r#"{"subnets":[{"id":"c"}]}"#
        } else if request.contains("marker=c") {
            r#"{"subnets":[]}"#
        } else {
            r#"{"subnets":[{"id":"a"},{"id":"b"}]}"#
        };
        (200, page.to_owned())
    })
    .await;
    let subnets = server.client().list_subnets(&SubnetFilter { vpc_id: Some("v 1".into()) }).await.unwrap();
    let ids: Vec<&str> = subnets.iter().map(|subnet| subnet.id.as_str()).collect();
    assert_eq!(ids, ["a", "b", "c"]);
    let base = format!("GET /v1/{PROJECT}/subnets?limit=500&");
    assert_eq!(
        server.requests(),
        [format!("{base}vpc_id=v%201"), format!("{base}marker=b&vpc_id=v%201"), format!("{base}marker=c&vpc_id=v%201")]
    );
}

#[tokio::test]
async fn v3_filters_repeat_their_names() {
    let server = Server::start(|_| (200, r#"{"vpcs":[],"page_info":{"current_count":0}}"#.into())).await;
    let filter = VpcFilter { name: vec!["b".into(), "a".into()], ..VpcFilter::default() };
    assert_eq!(server.client().list_vpcs_v3(&filter).await.unwrap(), []);
    assert_eq!(server.requests(), [format!("GET /v3/{PROJECT}/vpc/vpcs?limit=500&name=a&name=b")]);
}

/// VPC, section 1.2: accept and reject have no body and answer the bare object.
#[tokio::test]
async fn peerings_are_accepted_without_a_body_and_a_root() {
    let server = Server::start(|request| {
        let peering = r#"{"id":"p","status":"ACTIVE","request_vpc_info":{"vpc_id":"v","tenant_id":"t"}}"#;
        let bare = request.ends_with("/accept");
        (200, if bare { peering.to_owned() } else { format!(r#"{{"peering":{peering}}}"#) })
    })
    .await;
    let client = server.client();
    let create = PeeringCreate {
        name: "a-b".into(),
        description: None,
        request_vpc_info: PeeringVpc { vpc_id: "v".into(), tenant_id: String::new() },
        accept_vpc_info: PeeringVpc { vpc_id: "w".into(), tenant_id: "t".into() },
    };
    let created = client.create_peering(&create).await.unwrap();
    let accepted = client.accept_peering("p").await.unwrap();
    assert_eq!(created, accepted);
    assert_eq!(accepted.request_vpc_info.tenant_id, "t");
    let arrived = server.arrived();
    assert_eq!(
        arrived[0].body,
        json!({"peering": {"name": "a-b", "request_vpc_info": {"vpc_id": "v"},
            "accept_vpc_info": {"vpc_id": "w", "tenant_id": "t"}}})
    );
    assert_eq!(arrived[0].project.as_deref(), Some(PROJECT));
    assert_eq!((arrived[1].request.as_str(), &arrived[1].body), ("PUT /v2.0/vpc/peerings/p/accept", &Value::Null));
}

#[tokio::test]
async fn route_changes_have_the_names_of_the_wire() {
    let server = Server::start(|_| (200, r#"{"routetable":{"id":"r","default":true}}"#.into())).await;
    let routes = RouteChanges {
        add: vec![RouteSpec {
            kind: "peering".into(),
            destination: "10.1.0.0/16".into(),
            nexthop: "p".into(),
            description: None,
        }],
        modify: Vec::new(),
        delete: vec![RouteDestination { destination: "10.2.0.0/16".into() }],
    };
    let update = RouteTableUpdate { routes: Some(routes), ..RouteTableUpdate::default() };
    assert!(server.client().update_route_table("r", &update).await.unwrap().default);
    server.client().associate_subnets("r", &["s".to_owned()]).await.unwrap();
    let arrived = server.arrived();
    assert_eq!(
        arrived[0].body,
        json!({"routetable": {"routes": {
            "add": [{"type": "peering", "destination": "10.1.0.0/16", "nexthop": "p"}],
            "del": [{"destination": "10.2.0.0/16"}]}}})
    );
    assert_eq!(arrived[1].body, json!({"routetable": {"subnets": {"associate": ["s"]}}}));
}

#[tokio::test]
async fn refusals_carry_code_message_and_request_id() {
    let server = Server::start(|request| match request {
        "DELETE /v2.0/vpc/peerings/p" => {
            (409, r#"{"NeutronError":{"type":"PeeringBusy","message":"busy","detail":""}}"#.to_owned())
        }
        _ => (404, r#"{"code":"VPC.0003","message":"VPC does not exist."}"#.to_owned()),
    })
    .await;
    let busy = server.client().delete_peering("p").await.unwrap_err();
    assert!(busy.is_conflict());
    assert_eq!((busy.code(), busy.request_id()), (Some("PeeringBusy"), Some("req-1")));
    assert_eq!(busy.to_string(), "busy (PeeringBusy, HTTP 409)");
    let gone = server.client().show_vpc("v").await.unwrap_err();
    assert!(gone.is_not_found());
    assert_eq!(gone.to_string(), "VPC does not exist. (VPC.0003, HTTP 404)");
}

#[tokio::test]
async fn traces_are_read_tolerantly() {
    let server = Server::start(|_| {
        let answer = json!({
            "verdict": {"reachable": false, "reason": "NonTransitive", "leg": "forward", "at": "v", "via": null, "more": {}},
            "forward": [{"place": "ECS-A01", "kind": "source_check", "detail": "ok", "vpc": null}],
            "return": [],
        });
        (200, answer.to_string())
    })
    .await;
    let request = TraceRequest {
        from: "s".into(),
        to: Target::Address { address: "10.0.0.1".into(), intended: Some("t".into()), to_vpc: None },
        protocol: Protocol::Tcp,
        port: Some(5432),
    };
    let answer = server.client().trace(&request).await.unwrap();
    assert_eq!(answer.verdict.reason.as_deref(), Some("NonTransitive"));
    assert_eq!((answer.forward.len(), answer.back.len()), (1, 0));
    assert_eq!(
        server.arrived()[0].body,
        json!({"from": "s", "to": {"address": "10.0.0.1", "intended": "t"}, "protocol": "tcp", "port": 5432})
    );
}

#[tokio::test]
async fn actions_need_no_body_in_the_answer() {
    let server = Server::start(|request| match request.split(' ').next() {
        Some("GET") => (200, r#"{"server":{"id":"s","source_dest_check":false}}"#.to_owned()),
        _ => (204, String::new()),
    })
    .await;
    let client = server.client();
    client.stop_server("s").await.unwrap();
    let changed = client
        .update_server("s", &ServerUpdate { source_dest_check: Some(false), ..ServerUpdate::default() })
        .await
        .unwrap();
    assert!(!changed.source_dest_check);
    let arrived = server.arrived();
    assert_eq!(arrived[0].body, json!({"stop": {}}));
    assert_eq!(arrived[1].body, json!({"server": {"source_dest_check": false}}));
}

/// IAM, section 5.1: the token is in a header, and no signature is needed.
#[tokio::test]
async fn a_password_buys_a_token() {
    let server =
        Server::start(|_| (201, r#"{"token":{"expires_at":"e","project":{"id":"p","name":"region-a"}}}"#.into())).await;
    let login = PasswordLogin {
        user: "u".into(),
        password: "hush".into(),
        domain: "d".into(),
        scope: TokenScope::Project("region-a".into()),
    };
    let token = server.client().create_token(&login).await.unwrap();
    assert_eq!((token.value.as_str(), token.expires_at.as_str()), ("tok", "e"));
    assert!(!format!("{token:?}{login:?}").contains("hush"));
    let arrived = &server.arrived()[0];
    assert!(!arrived.signed);
    assert_eq!(arrived.body["auth"]["scope"], json!({"project": {"name": "region-a", "domain": {"name": "d"}}}));
}

#[tokio::test]
async fn an_unknown_region_names_the_known_ones() {
    let server = Server::start(|request| {
        let named = request.contains("name=");
        let all = r#"{"projects":[{"id":"1","name":"region-a"},{"id":"2","name":"region-b"}]}"#;
        (200, if named { r#"{"projects":[]}"#.to_owned() } else { all.to_owned() })
    })
    .await;
    let error = client(&server.endpoint).project_named("region-x").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the account has no project named \"region-x\"; projects are named after regions: region-a, region-b"
    );
    assert_eq!(server.arrived()[0].project, None);
}

#[tokio::test]
async fn a_project_is_needed_where_the_path_has_one() {
    let error = client("http://127.0.0.1:1").list_vpcs().await.unwrap_err();
    assert!(matches!(error, Error::NoProject));
}

#[tokio::test]
async fn nobody_listening_is_said_in_a_sentence() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = client(&endpoint).status().await.unwrap_err();
    assert!(matches!(error, Error::Connect { .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        format!(
            "cannot reach the API server at {endpoint}: nothing listens there (connection refused); \
             start the server with `causeway serve`, or name another endpoint"
        )
    );
}

#[tokio::test]
async fn a_connection_that_breaks_off_is_not_a_missing_server() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            drop(stream);
        }
    });
    let error = client(&endpoint).status().await.unwrap_err();
    assert!(matches!(error, Error::Transport { .. }), "{error:?}");
}

#[tokio::test]
async fn another_program_behind_the_endpoint_is_told() {
    let server = Server::start(|_| (200, "<html>hello</html>".into())).await;
    let error = server.client().status().await.unwrap_err();
    assert_eq!(error.to_string(), "unexpected answer to GET /causeway/v1/status: it is not JSON: <html>hello</html>");
    let server = Server::start(|_| (200, r#"{"unrelated":1}"#.into())).await;
    let error = server.client().show_vpc("v").await.unwrap_err();
    assert!(error.to_string().ends_with(r#"it has no "vpc""#), "{error}");
}

#[tokio::test]
async fn a_line_feed_in_a_key_is_refused_before_it_is_sent() {
    let server = Server::start(|_| (200, "{}".into())).await;
    let client = client(&server.endpoint).with_key("A\nK", "SK");
    let error = client.request(Method::GET, "/", &[], None).await.unwrap_err();
    assert!(matches!(error, Error::Invalid(_)), "{error}");
    assert_eq!(server.requests(), Vec::<String>::new());
}

/// Operations are used from tasks.
#[test]
fn futures_can_be_sent_between_threads() {
    fn assert_send<T: Send>(_: T) {}
    let client = client("http://127.0.0.1:1").with_project(PROJECT);
    assert_send(client.list_vpcs());
    assert_send(client.create_vpc(&VpcCreate::default()));
    assert_send(client.project_named("r"));
}
