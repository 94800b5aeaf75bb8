//! A world with two accounts in two regions, and clients that sign.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use agent::{Agent, AgentError, Answer, DatapathKind, DropCount, Probe, ProbeReport};
use argon2::Argon2;
use argon2::password_hash::PasswordHasher;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode};
use control::{Caller, Config, CreateAccessKey, CreateAccount, Driver, Limits, Outcome, Region, Retention, Settings};
use model::{AccountId, EdgeSiteId, RegionId, Server, Site, Timestamp, UserId};
use serde_json::{Value, json};
use signing::{Credentials, Scheme};
use store::{Options, Store};
use tower::ServiceExt;

/// The time at which every world starts: 2026-01-02T03:04:05Z.
pub const NOW: i64 = 1_767_323_045;

pub const PASSWORD: &str = "correct horse";

/// An agent that has everything in force at once, and answers probes as it is told.
pub struct FakeAgent {
    pub kind: DatapathKind,
    pub settled: AtomicU64,
    pub stuck: AtomicBool,
    /// Whether asking for its note panics.
    pub broken: AtomicBool,
    pub full: Mutex<Option<String>>,
    pub probes: Mutex<Vec<Probe>>,
    /// What servers announced; it has no effect here.
    pub announced: Mutex<Vec<agent::Announcement>>,
}

impl Agent for FakeAgent {
    fn announce(&self, announcement: agent::Announcement) -> Answer<'_, ()> {
        self.announced.lock().unwrap().push(announcement);
        Box::pin(async { Ok(()) })
    }

    fn claims(&self) -> agent::Claims {
        agent::Claims::default()
    }

    fn kind(&self) -> DatapathKind {
        self.kind
    }

    fn note(&self) -> String {
        assert!(!self.broken.load(Ordering::SeqCst), "the agent is broken");
        "a test".to_owned()
    }

    fn settled(&self, revision: u64) -> Answer<'_, ()> {
        self.settled.fetch_max(revision, Ordering::SeqCst);
        let stuck = self.stuck.load(Ordering::SeqCst);
        Box::pin(
            async move { if stuck { Err(AgentError::Machine("the machine is on fire".to_owned())) } else { Ok(()) } },
        )
    }

    fn probe(&self, probe: Probe) -> Answer<'_, ProbeReport> {
        self.probes.lock().unwrap().push(probe);
        Box::pin(async move {
            if self.kind == DatapathKind::Sim {
                return Err(AgentError::NoPackets);
            }
            let source = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 9));
            Ok(ProbeReport { replied: true, delivered: true, observed_source: Some(source), ..ProbeReport::default() })
        })
    }

    fn drops(&self) -> Answer<'_, Vec<DropCount>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn namespace(&self, server: &Server) -> Option<String> {
        (self.kind == DatapathKind::Kernel).then(|| format!("cw-{}", server.name))
    }

    fn full(&self) -> Option<String> {
        self.full.lock().unwrap().clone()
    }
}

pub struct World {
    pub router: Router,
    pub driver: Arc<Driver>,
    pub agent: Arc<FakeAgent>,
    pub clock: Arc<AtomicI64>,
    /// The operator's account.
    pub a: Client,
    /// Another account.
    pub b: Client,
}

/// Somebody who signs requests with an access key.
#[derive(Clone)]
pub struct Client {
    pub router: Router,
    pub clock: Arc<AtomicI64>,
    pub access_key: String,
    pub secret_key: String,
    pub account: AccountId,
    pub user: UserId,
    /// The project in region-1.
    pub project: String,
    /// The project in region-2.
    pub second_project: String,
}

#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The body of a success with this status.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        if self.text.is_empty() { Value::Null } else { self.json() }
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// Status, the family's code and Causeway's own code of a refusal.
    #[track_caller]
    pub fn refusal(&self) -> (u16, String, String) {
        let body = self.json();
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let code = text(&body["code"])
            .or_else(|| text(&body["error_code"]))
            .or_else(|| text(&body["NeutronError"]["type"]))
            .or_else(|| text(&body["error"]["error_code"]))
            .or_else(|| body["error"]["code"].as_u64().map(|code| code.to_string()));
        let code = code.unwrap_or_else(|| panic!("no code in {self:?}"));
        (self.status.as_u16(), code, self.header("x-causeway-error").to_owned())
    }

    pub fn message(&self) -> String {
        let body = self.json();
        ["/message", "/error_msg", "/NeutronError/message", "/error/message", "/error/error_msg"]
            .iter()
            .find_map(|path| body.pointer(path).and_then(Value::as_str))
            .unwrap_or_else(|| panic!("no message in {self:?}"))
            .to_owned()
    }
}

/// What [`Reply::refusal`] answers.
pub fn refused(status: u16, code: &str, internal: &str) -> (u16, String, String) {
    (status, code.to_owned(), internal.to_owned())
}

impl World {
    pub async fn new() -> Self {
        Self::with(DatapathKind::Kernel).await
    }

    pub async fn with(kind: DatapathKind) -> Self {
        Self::limited(kind, Limits::default()).await
    }

    pub async fn limited(kind: DatapathKind, limits: Limits) -> Self {
        Self::made(kind, Settings { limits, ..Settings::default() }).await
    }

    /// With logs that keep so many events.
    pub async fn keeping(events: usize) -> Self {
        let events = Retention { per_account: Some(events), ..Retention::default() };
        Self::made(DatapathKind::Kernel, Settings { events, ..Settings::default() }).await
    }

    async fn made(kind: DatapathKind, settings: Settings) -> Self {
        let clock = Arc::new(AtomicI64::new(NOW));
        let ticking = Arc::clone(&clock);
        let region = |id: &str| Region {
            id: RegionId::from(id),
            availability_zones: vec![format!("{id}a")],
            edge_sites: vec![EdgeSiteId::from("edge-1"), EdgeSiteId::from("edge-2")],
        };
        let settings = Settings {
            config: Config { regions: vec![region("region-1"), region("region-2")], ..Config::default() },
            clock: Arc::new(move || Timestamp::from_unix_seconds(ticking.load(Ordering::SeqCst))),
            ..settings
        };
        let (driver, follower) = Driver::open(Store::memory(Options::default()), settings).await.unwrap();
        // Ends with the test's runtime.
        tokio::spawn(follower.run());
        let driver = Arc::new(driver);
        let agent = Arc::new(FakeAgent {
            kind,
            settled: AtomicU64::new(0),
            stuck: AtomicBool::new(false),
            broken: AtomicBool::new(false),
            full: Mutex::new(None),
            probes: Mutex::new(Vec::new()),
            announced: Mutex::new(Vec::new()),
        });
        let router = api::router(api::State::new(Arc::clone(&driver), Arc::clone(&agent) as Arc<dyn Agent>));
        let a = account(&driver, &router, &clock, "acct-a", None).await;
        let operator = Caller { account: a.account, user: a.user, project: None, operator: true };
        let b = account(&driver, &router, &clock, "acct-b", Some(operator)).await;
        Self { router, driver, agent, clock, a, b }
    }

    /// One more account that is no operator.
    pub async fn another(&self, name: &str) -> Client {
        let operator = Caller { account: self.a.account, user: self.a.user, project: None, operator: true };
        account(&self.driver, &self.router, &self.clock, name, Some(operator)).await
    }

    /// A token of a client's user for its project in region-1.
    pub async fn token(&self, client: &Client, account: &str) -> String {
        let user = json!({"id": client.user.to_string(), "password": PASSWORD, "domain": {"name": account}});
        let body = json!({"auth": {"identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": {"id": client.project}}}});
        let request = Request::post("/v3/auth/tokens").body(Body::from(body.to_string())).unwrap();
        let reply = self.raw(request).await;
        reply.expect(201);
        reply.header("x-subject-token").to_owned()
    }

    pub async fn raw(&self, request: Request<Body>) -> Reply {
        send(&self.router, request).await
    }
}

async fn account(driver: &Driver, router: &Router, clock: &Arc<AtomicI64>, name: &str, by: Option<Caller>) -> Client {
    static HASH: OnceLock<String> = OnceLock::new();
    let hash = HASH.get_or_init(|| Argon2::default().hash_password(PASSWORD.as_bytes()).unwrap().to_string());
    let request = CreateAccount {
        name: name.to_owned(),
        site: Site::Cn,
        user_name: format!("{name}-user"),
        password_hash: hash.clone(),
    };
    let made = driver
        .execute(|catalog, ctx| match &by {
            None => control::create_bootstrap_account(catalog, ctx, request.clone()),
            Some(by) => control::create_account(catalog, by, ctx, request.clone()),
        })
        .await
        .unwrap()
        .value;
    let own = Caller { account: made.account.id, user: made.user.id, project: None, operator: false };
    let key = driver
        .execute(|catalog, ctx| {
            let key = CreateAccessKey::new(made.user.id);
            let vault = &driver.settings().vault;
            control::create_access_key(catalog, &own, ctx, vault, key).map(|o| Outcome::new(o.value, o.changes))
        })
        .await
        .unwrap()
        .value;
    Client {
        router: router.clone(),
        clock: Arc::clone(clock),
        access_key: key.key.id.to_string(),
        secret_key: key.secret,
        account: made.account.id,
        user: made.user.id,
        project: made.projects[0].id.to_string(),
        second_project: made.projects[1].id.to_string(),
    }
}

pub async fn send(router: &Router, request: Request<Body>) -> Reply {
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let reply =
        Reply { status: parts.status, headers: parts.headers, text: String::from_utf8(bytes.to_vec()).unwrap() };
    // Holds for every answer of every test (api-vpc §0.3).
    assert_eq!(reply.header("x-request-id").len(), 32, "{reply:?}");
    if !reply.text.is_empty() {
        assert!(reply.header("content-type").starts_with("application/json"), "{reply:?}");
    }
    if reply.status.is_client_error() || reply.status.is_server_error() {
        assert!(!reply.header("x-causeway-error").is_empty() || reply.text.is_empty(), "{reply:?}");
    }
    reply
}

impl Client {
    /// A request signed as the Python SDK signs: host and project included. `{p}` stands for the project in region-1.
    pub fn request(&self, method: Method, target: &str, body: &str) -> Request<Body> {
        self.request_in(&self.project, method, target, body)
    }

    pub fn request_in(&self, project: &str, method: Method, target: &str, body: &str) -> Request<Body> {
        let target = target.replace("{p}", project);
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let now = jiff::Timestamp::from_second(self.clock.load(Ordering::SeqCst)).unwrap();
        let mut headers = vec![
            ("host".to_owned(), "api.example".to_owned()),
            ("content-type".to_owned(), "application/json".to_owned()),
            ("x-sdk-date".to_owned(), signing::format_date(now)),
        ];
        if !project.is_empty() {
            headers.push(("x-project-id".to_owned(), project.to_owned()));
        }
        let signed = {
            let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
            let request = signing::Request::new(method.as_str(), path, query, headers, body.as_bytes());
            let key = Credentials { access_key: self.access_key.clone(), secret_key: self.secret_key.clone() };
            signing::sign(&request, &key, &Scheme::Plain).unwrap()
        };
        headers.push(("authorization".to_owned(), signed.authorization));
        let mut request = Request::new(Body::from(body.to_owned()));
        *request.method_mut() = method;
        *request.uri_mut() = target.parse().unwrap();
        for (name, value) in headers {
            let name: HeaderName = name.parse().unwrap();
            request.headers_mut().insert(name, HeaderValue::from_str(&value).unwrap());
        }
        request
    }

    pub async fn call(&self, method: Method, target: &str, body: &str) -> Reply {
        send(&self.router, self.request(method, target, body)).await
    }

    pub async fn get(&self, target: &str) -> Reply {
        self.call(Method::GET, target, "").await
    }

    pub async fn delete(&self, target: &str) -> Reply {
        self.call(Method::DELETE, target, "").await
    }

    pub async fn post(&self, target: &str, body: Value) -> Reply {
        self.call(Method::POST, target, &body.to_string()).await
    }

    pub async fn put(&self, target: &str, body: Value) -> Reply {
        self.call(Method::PUT, target, &body.to_string()).await
    }

    /// A VPC; answers its id.
    pub async fn vpc(&self, name: &str, cidr: &str) -> String {
        let reply = self.post("/v1/{p}/vpcs", json!({"vpc": {"name": name, "cidr": cidr}})).await;
        id(&reply.expect(200)["vpc"])
    }

    /// A subnet whose gateway is the first address; answers its id.
    pub async fn subnet(&self, vpc: &str, name: &str, cidr: &str) -> String {
        let net: ipnet::Ipv4Net = cidr.parse().unwrap();
        let gateway = Ipv4Addr::from(u32::from(net.network()) + 1);
        let body = json!({"subnet": {"name": name, "cidr": cidr, "gateway_ip": gateway, "vpc_id": vpc}});
        id(&self.post("/v1/{p}/subnets", body).await.expect(200)["subnet"])
    }

    /// The id of a VPC's default route table.
    pub async fn default_table(&self, vpc: &str) -> String {
        let list = self.get(&format!("/v1/{{p}}/routetables?vpc_id={vpc}")).await.expect(200);
        let tables = list["routetables"].as_array().unwrap();
        id(tables.iter().find(|table| table["default"] == true).unwrap())
    }

    /// A peering request to a VPC of a project.
    pub async fn ask(&self, local: &str, peer: &str, project: &str) -> Reply {
        let body = json!({"peering": {"name": "p", "request_vpc_info": {"vpc_id": local},
            "accept_vpc_info": {"vpc_id": peer, "tenant_id": project}}});
        self.post("/v2.0/vpc/peerings", body).await
    }

    /// A server; answers the whole object.
    pub async fn server(&self, name: &str, subnet: &str) -> Value {
        let reply = self.post("/causeway/v1/servers", json!({"server": {"name": name, "subnet_id": subnet}})).await;
        reply.expect(201)["server"].clone()
    }
}

pub fn id(object: &Value) -> String {
    object["id"].as_str().unwrap_or_else(|| panic!("no id in {object}")).to_owned()
}

/// The names of an object's fields, sorted.
pub fn fields(object: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = object.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

/// The ids of a list's items, in their order.
pub fn ids(list: &Value) -> Vec<String> {
    list.as_array().unwrap_or_else(|| panic!("no list: {list}")).iter().map(id).collect()
}

/// Compares a text with a file of `docs/api`; writes it with `CAUSEWAY_BLESS=1`.
pub fn checked_in(name: &str, text: &str) {
    let path = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/api").join(name);
    if std::env::var_os("CAUSEWAY_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(there == text, "docs/api/{name} is not what the code says; run the tests with CAUSEWAY_BLESS=1");
}
