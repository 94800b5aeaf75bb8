//! The engine of `check` against a server that answers as it is told to: what it asks, in which order, and what it
//! makes of the answers. What a real server answers is tested with the real server.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::Response;
use client::{Client, ClientConfig};
use serde_json::{Value, json};
use suite::check::{BoxFuture, CheckError, CheckOptions, Item, Place, Progress, Report, Stage, Staged, check};
use suite::{Document, Scenario};
use tokio::net::TcpListener;

/// What the servers of a stage answer, and what was asked of them.
#[derive(Default)]
struct Script {
    /// Answers to `POST /causeway/v1/trace` by `from-to`.
    traces: BTreeMap<String, Value>,
    /// Answers to `POST /causeway/v1/probe` by `from-to`, one after the other; the last one stays.
    probes: Mutex<BTreeMap<String, Vec<Value>>>,
    /// Status, code and cause for `PUT …/routetables/…`.
    refuse_routes: Option<(u16, &'static str)>,
    asked: Mutex<Vec<String>>,
    started: AtomicUsize,
    stopped: Arc<AtomicUsize>,
}

/// Ids are the kind and the name, so that a script can be written down.
fn answer(script: &Script, method: &str, path: &str, next_page: bool, body: &Value) -> (u16, Value) {
    let name = |root: &str| body[root]["name"].as_str().unwrap_or_default().to_owned();
    let made = |root: &str| {
        let mut object = body[root].clone();
        object["id"] = json!(name(root));
        (201, json!({ root: object }))
    };
    let pair = || format!("{}-{}", body["from"].as_str().unwrap(), body["to"]["server"].as_str().unwrap_or("address"));
    let resource = path.rsplit('/').find(|part| !part.is_empty()).unwrap_or_default();
    match (method, resource) {
        ("GET", "accounts") => (200, json!({"accounts": []})),
        ("POST", "accounts") => (
            201,
            json!({"account": {"name": body["name"]}, "access_key": {"access": "AK", "secret": "SK"},
                   "projects": [{"id": "p1", "name": "region-1"}, {"id": "p2", "name": "region-2"}]}),
        ),
        ("POST", "trace") => (200, json!({"verdict": script.traces[&pair()]})),
        ("POST", "probe") => {
            let mut probes = script.probes.lock().unwrap();
            let answers = probes.get_mut(&pair()).unwrap();
            (200, if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() })
        }
        ("GET", "routetables") if next_page => (200, json!({"routetables": []})),
        ("GET", "routetables") => (200, json!({"routetables": [{"id": "rtb", "default": true}]})),
        ("GET", "rtb") => (200, json!({"routetable": {"id": "rtb", "routes": [{"type": "local"}]}})),
        ("PUT", "rtb") => match script.refuse_routes {
            Some((status, message)) => (status, json!({"code": "VPC.2706", "message": message})),
            None => (200, json!({"routetable": {"id": "rtb"}})),
        },
        ("GET", "vpcs" | "subnets" | "firewalls" | "servers" | "security-groups" | "peerings") => {
            (200, json!({resource.replace('-', "_"): []}))
        }
        ("GET", _) => (200, json!({"security_group": {"id": resource}})),
        ("POST", "vpcs") => made("vpc"),
        ("POST", "subnets") => made("subnet"),
        ("POST", "servers") => made("server"),
        ("POST", "security-groups") => made("security_group"),
        ("POST", "security-group-rules") => made("security_group_rule"),
        _ => panic!("{method} {path}"),
    }
}

struct FakeStage(Arc<Script>);

impl Stage for FakeStage {
    fn start<'a>(&'a self, _: &'a Place) -> BoxFuture<'a, Result<Staged, String>> {
        Box::pin(async move {
            let script = Arc::clone(&self.0);
            script.started.fetch_add(1, Ordering::SeqCst);
            let stopped = Arc::clone(&script.stopped);
            let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| error.to_string())?;
            let endpoint = format!("http://{}", listener.local_addr().unwrap());
            let app = axum::Router::new().fallback(move |request: Request| {
                let script = Arc::clone(&script);
                async move {
                    let (parts, body) = request.into_parts();
                    let body = to_bytes(body, usize::MAX).await.unwrap();
                    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
                    let (method, path) = (parts.method.as_str(), parts.uri.path());
                    script.asked.lock().unwrap().push(format!("{method} {path} {body}"));
                    let next_page = parts.uri.query().is_some_and(|query| query.contains("marker="));
                    let (status, answer) = answer(&script, method, path, next_page, &body);
                    let mut response = Response::builder().status(status);
                    if status >= 400 {
                        response = response.header("x-causeway-error", answer["message"].as_str().unwrap());
                    }
                    response.body(Body::from(answer.to_string())).unwrap()
                }
            });
            let serving = tokio::spawn(async move { axum::serve(listener, app).await });
            let operator = Client::new(ClientConfig {
                endpoint,
                access_key: "AK".into(),
                secret_key: "SK".into(),
                ..ClientConfig::default()
            })
            .map_err(|error| error.to_string())?;
            let stop = Box::pin(async move {
                serving.abort();
                stopped.fetch_add(1, Ordering::SeqCst);
                Ok(())
            });
            Ok(Staged { operator, stop })
        })
    }
}

const TOPOLOGY: &str = "
vpcs:
- {name: VPC-A, cidrs: [10.0.0.0/16]}
subnets:
- {name: Subnet-A, vpc: VPC-A, cidr: 10.0.0.0/24}
workloads:
- {name: a, subnet: Subnet-A, ip: 10.0.0.10}
- {name: b, subnet: Subnet-A, ip: 10.0.0.11}
";

fn scenario(rest: &str) -> Document {
    Document::parse(&format!("{TOPOLOGY}{rest}"), "test").unwrap()
}

async fn run(script: &Arc<Script>, document: &Document, measure: bool) -> Result<Report, CheckError> {
    run_until(script, document, measure, Box::pin(std::future::pending())).await
}

async fn run_until(
    script: &Arc<Script>,
    document: &Document,
    measure: bool,
    interrupt: BoxFuture<'_, ()>,
) -> Result<Report, CheckError> {
    let mut seen = Vec::new();
    let scenarios: Vec<&Scenario> = document.scenarios.iter().collect();
    let mut on_progress = |progress: Progress<'_>| {
        if let Progress::Item(item) = progress {
            seen.push(item.clone());
        }
    };
    let mut options = CheckOptions { measure, on_progress: &mut on_progress, interrupt };
    let report = check(&FakeStage(Arc::clone(script)), &scenarios, &document.defaults, &mut options).await;
    drop(options);
    assert_eq!(script.started.load(Ordering::SeqCst), script.stopped.load(Ordering::SeqCst), "servers are stopped");
    if let Ok(report) = &report {
        assert_eq!(report.items, seen, "what is reported is what was streamed");
    }
    report
}

fn reachable() -> Value {
    json!({"reachable": true, "observed_source": "10.0.0.10", "via": [], "return_via": []})
}

fn traces(verdict: Value) -> BTreeMap<String, Value> {
    [("a-b".to_owned(), verdict)].into()
}

fn probes(answers: &[Value]) -> Mutex<BTreeMap<String, Vec<Value>>> {
    Mutex::new([("a-b".to_owned(), answers.to_vec())].into())
}

const EXPECT: &str = "expect:\n- {from: a, to: b, proto: tcp, port: 80, reachable: true, observed_source: 10.0.0.10}\n";

#[tokio::test]
async fn a_traced_item_passes_and_reads_as_the_command_promises() {
    let script = Arc::new(Script { traces: traces(reachable()), ..Script::default() });
    let report = run(&script, &scenario(EXPECT), false).await.unwrap();
    assert!(report.passed());
    assert_eq!(
        serde_json::to_value(&report).unwrap(),
        json!([{
            "scenario": "topology", "kind": "expect", "step": null,
            "from": "a", "to": "b", "proto": "tcp", "port": 80,
            "expected": {"reachable": true, "observed_source": "10.0.0.10"},
            "got": {"reachable": true, "observed_source": "10.0.0.10", "via": [], "return_via": []},
            "pass": true,
        }])
    );
    assert!(!script.asked.lock().unwrap().iter().any(|asked| asked.contains("/probe")));
}

#[tokio::test]
async fn a_lost_packet_is_sent_again_and_the_last_try_counts() {
    let lost = json!({"replied": false, "delivered": false});
    let arrived = json!({"replied": true, "delivered": true, "observed_source": "10.0.0.10", "answered_by": "b"});
    let script = |answers: &[Value]| {
        Arc::new(Script { traces: traces(reachable()), probes: probes(answers), ..Script::default() })
    };
    let late = run(&script(&[lost.clone(), lost.clone(), arrived]), &scenario(EXPECT), true).await.unwrap();
    assert!(late.passed(), "{}", late.items[0]);
    assert_eq!(late.items[0].got.measured.as_ref().unwrap().tries, 3);
    let never = run(&script(&[lost]), &scenario(EXPECT), true).await.unwrap();
    assert!(!never.passed());
    let text = never.items[0].to_string();
    assert!(text.contains("packets say: the request did not arrive"), "{text}");
}

#[tokio::test]
async fn a_packet_that_should_not_arrive_and_does_is_reported_at_once() {
    let verdict = json!({"reachable": false, "reason": "no_route", "at": "VPC-A"});
    let leak = [json!({"replied": true, "delivered": true}), json!({"replied": false})];
    let script = Arc::new(Script { traces: traces(verdict), probes: probes(&leak), ..Script::default() });
    let document =
        scenario("expect:\n- {from: a, to: b, proto: icmp, reachable: false, reason: no_route, at: VPC-A}\n");
    let report = run(&script, &document, true).await.unwrap();
    assert!(!report.passed());
    assert_eq!(report.items[0].got.measured.as_ref().unwrap().tries, 1);
    assert_eq!(report.items[0].got.reachable, Some(false), "the tracer's verdict is kept beside it");
}

const ROUTE: &str = "op: add_route, table: rtb-VPC-A, destination: 10.9.0.0/16, next_hop_type: peering, next_hop: p";

#[tokio::test]
async fn control_operations_compare_causes_and_leave_no_trace() {
    let control = format!(
        "control:\n- {{{ROUTE}, result: refused, error: next_hop_not_in_vpc}}\n\
         - {{{ROUTE}, result: refused, error: route_duplicate_destination}}\n\
         - {{{ROUTE}, result: accepted}}\n"
    );
    let refuse_routes = Some((400, "next_hop_not_in_vpc"));
    let script = Arc::new(Script { refuse_routes, ..Script::default() });
    let report = run(&script, &scenario(&control), false).await.unwrap();
    assert_eq!(report.items.iter().map(|item| item.pass).collect::<Vec<_>>(), [true, false, false]);
    assert_eq!(script.started.load(Ordering::SeqCst), 1, "nothing was changed");

    let script = Arc::new(Script::default());
    let report = run(&script, &scenario(&control), false).await.unwrap();
    assert_eq!(report.items.iter().map(|item| item.pass).collect::<Vec<_>>(), [false, false, true]);
    assert_eq!(script.started.load(Ordering::SeqCst), 3, "each accepted one is undone for the next");
}

#[tokio::test]
async fn steps_are_taken_in_order_and_a_refused_one_fails_what_follows() {
    let steps = format!(
        "steps:\n- do: {{op: add_subnet, name: Subnet-B, vpc: VPC-A, cidr: 10.0.1.0/24}}\n  routes_left: []\n  \
         expect:\n  - {{from: a, to: b, proto: icmp, reachable: true}}\n\
         - do: {{{ROUTE}}}\n  expect:\n  - {{from: a, to: b, proto: icmp, reachable: true}}\n"
    );
    let refuse_routes = Some((409, "invalid_state"));
    let script = Arc::new(Script { traces: traces(reachable()), refuse_routes, ..Script::default() });
    let report = run(&script, &scenario(&steps), false).await.unwrap();
    let told: Vec<(Option<usize>, bool)> = report.items.iter().map(|item| (item.step, item.pass)).collect();
    assert_eq!(told, [(Some(1), true), (Some(2), false), (Some(2), false)]);
    assert_eq!(report.items[1].got.error.as_deref(), Some("invalid_state"));
    assert_eq!(report.items[2].got.error.as_deref(), Some("step 2 was refused"));
}

#[tokio::test]
async fn what_is_not_supported_is_said_without_starting_anything() {
    let script = Arc::new(Script::default());
    let document = scenario(&format!("{EXPECT}nat_gateways:\n- {{name: n, vpc: VPC-A}}\n"));
    let report = run(&script, &document, false).await.unwrap();
    let item: &Item = &report.items[0];
    assert_eq!((item.pass, item.got.unsupported.as_deref()), (false, Some("NAT gateways")));
    assert!(item.to_string().ends_with("unsupported: needs NAT gateways"), "{item}");
    assert_eq!((report.counts(), script.started.load(Ordering::SeqCst)), ((0, 0, 1), 0));
}

#[tokio::test]
async fn mistakes_in_the_document_are_found_before_anything_is_started() {
    for rest in [
        "expect:\n- {from: a, to: b, proto: icmp, reachable: false, reason: because}\n",
        "control:\n- {op: delete_vpc, vpc: VPC-A, result: maybe}\n",
        "steps:\n- do: {op: set_check, workload: a}\n",
        "steps:\n- do: {op: delete_vpc, vpc: VPC-A}\n  routes_left: [x]\n",
    ] {
        let script = Arc::new(Script::default());
        let error = run(&script, &scenario(rest), false).await.unwrap_err();
        assert!(matches!(error, CheckError::Document { .. }), "{error}");
        assert_eq!(script.started.load(Ordering::SeqCst), 0);
    }
}

/// One operation that there is not yet must not keep the rest of a file from being checked.
#[tokio::test]
async fn an_operation_that_is_not_known_fails_its_own_item_only() {
    let script = Arc::new(Script { traces: traces(reachable()), ..Script::default() });
    let document = scenario(&format!("{EXPECT}control:\n- {{op: fly, result: accepted}}\n"));
    let report = run(&script, &document, false).await.unwrap();
    assert!(report.items[0].pass && !report.items[1].pass);
    assert_eq!(report.items[1].got.unsupported.as_deref(), Some("the operation `fly`"));
}

#[tokio::test]
async fn an_interrupted_check_takes_away_what_it_started() {
    let script = Arc::new(Script { traces: traces(reachable()), ..Script::default() });
    let error = run_until(&script, &scenario(EXPECT), false, Box::pin(async {})).await.unwrap_err();
    assert!(matches!(error, CheckError::Interrupted));
    assert_eq!(script.stopped.load(Ordering::SeqCst), 1);
}
