//! The owner's objects, one of each kind that a request can name, and the callers who are not to get at them.

use std::collections::BTreeMap;
use std::future::Future;

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use super::table::Row;
use crate::fixture::{Client, PASSWORD, Reply, World, id, send};

pub(super) struct Objects {
    pub(super) world: World,
    /// The first user of an ordinary account.
    pub(super) owner: Client,
    /// The first user of another one.
    pub(super) stranger: Client,
    /// A user of the owner's account who may only read.
    pub(super) reader: Client,
    named: BTreeMap<&'static str, String>,
}

impl Objects {
    pub(super) async fn new() -> Self {
        let world = World::new().await;
        let owner = world.b.clone();
        let stranger = world.another("acct-c").await;
        let mut objects = Self { reader: owner.clone(), named: BTreeMap::new(), stranger, owner, world };
        objects.network().await;
        objects.neutron().await;
        objects.rules().await;
        objects.addresses().await;
        objects.tags().await;
        objects.identity().await;
        objects
    }

    /// The text with `$name` replaced by what is so named.
    pub(super) fn fill(&self, text: &str) -> String {
        let mut text = text.to_owned();
        // The longer names first: `$vpc` is the beginning of `$vpc2`.
        for (name, value) in self.named.iter().rev() {
            text = text.replace(&format!("${name}"), value);
        }
        assert!(!text.contains('$'), "{text} names something that is not there");
        text
    }

    pub(super) fn of(&self, name: &str) -> &str {
        self.named.get(name).unwrap_or_else(|| panic!("no {name}"))
    }

    /// Waits for an answer; the store must be as before.
    #[track_caller]
    pub(super) fn unchanged(&self, answer: impl Future<Output = Reply>) -> impl Future<Output = Reply> {
        let driver = self.world.driver.clone();
        async move {
            let before = driver.catalog().revision();
            let reply = answer.await;
            assert_eq!(driver.catalog().revision(), before, "the store has changed: {reply:?}");
            reply
        }
    }

    /// An answer must have nothing of the owner's in it besides what the request itself said.
    pub(super) fn shows_nothing(&self, row: &Row, reply: &Reply) {
        let asked = self.fill(&format!("{} {}", row.target, row.body));
        for (name, value) in &self.named {
            if value.len() >= 20 && !asked.contains(value) {
                assert!(!reply.text.contains(value), "{} shows ${name}: {reply:?}", row.operation);
            }
        }
        assert!(!reply.text.contains("iso-"), "{} shows a name: {reply:?}", row.operation);
    }

    /// What the stranger's own log keeps of all the refusals: that they were, and no name of anything.
    pub(super) async fn refusals_show_no_name(&self) {
        let reply = self.stranger.get("/causeway/v1/events?result=failure&limit=2000").await;
        let count = reply.expect(200)["events"].as_array().unwrap().len();
        assert!(count > 100, "{count} refusals only");
        assert!(!reply.text.contains("iso-"), "the log of refusals shows a name: {reply:?}");
    }

    fn put(&mut self, name: &'static str, value: String) {
        self.named.insert(name, value);
    }

    async fn made(&mut self, name: &'static str, target: &str, key: &str, body: Value) -> Value {
        let (target, body) = (self.fill(target), self.fill(&body.to_string()));
        let reply = self.owner.post(&target, json!({key: serde_json::from_str::<Value>(&body).unwrap()})).await;
        assert!(reply.status.is_success(), "{name}: {reply:?}");
        let object = reply.json()[key].clone();
        self.put(name, id(&object));
        object
    }

    async fn network(&mut self) {
        for (name, cidr) in [("vpc", "10.0.0.0/16"), ("vpc2", "172.16.0.0/16"), ("vpc_empty", "192.168.0.0/16")] {
            let vpc = self.owner.vpc(&format!("iso-{}", name.replace('_', "-")), cidr).await;
            self.put(name, vpc);
        }
        let extend = json!({"vpc": {"extend_cidrs": ["168.20.0.0/16"]}});
        let path = self.fill("/v3/{p}/vpc/vpcs/$vpc_empty/add-extend-cidr");
        self.owner.put(&path, extend).await.expect(200);
        for (name, vpc, cidr) in [
            ("subnet", "vpc", "10.0.0.0/24"),
            ("subnet2", "vpc2", "172.16.0.0/24"),
            ("subnet_empty", "vpc", "10.0.9.0/24"),
            ("subnet_acl", "vpc", "10.0.8.0/24"),
        ] {
            let vpc = self.of(vpc).to_owned();
            let subnet = self.owner.subnet(&vpc, &format!("iso-{}", name.replace('_', "-")), cidr).await;
            self.put(name, subnet);
        }
        let table = self.owner.default_table(self.of("vpc")).await;
        self.put("table", table);
        self.made("table2", "/v1/{p}/routetables", "routetable", json!({"name": "iso-t", "vpc_id": "$vpc"})).await;
        let peer =
            json!({"name": "iso-p", "request_vpc_info": {"vpc_id": "$vpc"}, "accept_vpc_info": {"vpc_id": "$vpc2"}});
        self.made("peering", "/v2.0/vpc/peerings", "peering", peer).await;
        // Two requests of somebody else that wait for the owner's answer.
        let theirs = self.world.a.vpc("theirs", "10.99.0.0/16").await;
        let (vpc, project) = (self.of("vpc2").to_owned(), self.owner.project.clone());
        let asked = self.world.a.ask(&theirs, &vpc, &project).await;
        assert!(asked.status.is_success(), "{asked:?}");
        self.put("request", id(&asked.json()["peering"]));
        let route = json!({"type": "peering", "nexthop": "$peering", "destination": "172.16.0.0/24", "vpc_id": "$vpc"});
        self.made("route", "/v2.0/vpc/routes", "route", route).await;
        for name in ["server", "server2"] {
            let body = json!({"name": format!("iso-{name}"), "subnet_id": "$subnet"});
            let made = self.made(name, "/causeway/v1/servers", "server", body).await;
            let port = if name == "server" { "server_port" } else { "server2_port" };
            self.put(port, made["port_id"].as_str().unwrap().to_owned());
        }
        for name in ["port", "port_free", "nic"] {
            self.made(name, "/v1/{p}/ports", "port", json!({"network_id": "$subnet", "name": format!("iso-{name}")}))
                .await;
        }
        let nic = json!({"port_id": self.of("nic")});
        self.owner.post(&self.fill("/causeway/v1/servers/$server2/ports"), nic).await.expect(200);
        for (name, address) in [("vip", "10.0.0.100"), ("vip_bound", "10.0.0.101")] {
            let body = json!({"network_id": "$subnet", "name": format!("iso-{name}"),
                "device_owner": "neutron:VIP_PORT", "fixed_ips": [{"ip_address": address}]});
            self.made(name, "/v1/{p}/ports", "port", body).await;
        }
        let bind = json!({"server_id": self.of("server")});
        self.owner.post(&self.fill("/causeway/v1/vips/$vip_bound/bind"), bind).await.expect(200);
    }

    /// A network with a range and one without, neither of them on a router.
    async fn neutron(&mut self) {
        for name in ["network", "network_empty"] {
            let body = json!({"name": format!("iso-{}", name.replace('_', "-"))});
            self.made(name, "/v2.0/networks", "network", body).await;
        }
        let range = json!({"name": "iso-range", "network_id": "$network", "cidr": "192.168.5.0/24", "ip_version": 4});
        self.made("range", "/v2.0/subnets", "subnet", range).await;
        let path = self.fill("/v1/{p}/subnets/$subnet_empty");
        let subnet = self.owner.get(&path).await.expect(200)["subnet"].clone();
        self.put("range_of_empty", subnet["neutron_subnet_id"].as_str().unwrap().to_owned());
    }

    /// What is on subnets beside servers and their ports.
    async fn addresses(&mut self) {
        let body = json!({"privateips": [{"subnet_id": self.of("subnet")}]});
        let made = self.owner.post("/v1/{p}/privateips", body).await.expect(200);
        self.put("private_ip", id(&made["privateips"][0]));
        let body = json!({"name": "iso-kept", "virsubnet_id": "$subnet", "ip_version": 4, "cidr": "10.0.0.128/28"});
        let path = "/v3/{p}/vpc/virsubnet-cidr-reservations";
        self.made("reservation", path, "virsubnet_cidr_reservation", body).await;
        for name in ["sub", "sub_free"] {
            let body = json!({"virsubnet_id": "$subnet", "parent_id": "$server_port", "description": "iso-sub"});
            self.made(name, "/v3/{p}/vpc/sub-network-interfaces", "sub_network_interface", body).await;
        }
        let path = self.fill("/v3/{p}/vpc/sub-network-interfaces/$sub_free/detach");
        self.owner.post(&path, json!({})).await.expect(200);
        self.made("group_of_port", "/v1/{p}/security-groups", "security_group", json!({"name": "iso-gp"})).await;
        let path = self.fill("/v3/{p}/ports/$port_free/insert-security-groups");
        let groups = json!({"port": {"security_groups": [self.of("group_of_port")]}});
        self.owner.put(&path, groups).await.expect(200);
    }

    /// A tag for each object that the rows of tags are about, and an enterprise project with something in it.
    async fn tags(&mut self) {
        for path in [
            "/v2.0/{p}/vpcs/$vpc",
            "/v2.0/{p}/subnets/$subnet",
            "/v2.0/{p}/security-groups/$group",
            "/v3/{p}/firewalls/$acl",
            "/v3/{p}/ports/$port",
            "/v3/{p}/sub-network-interfaces/$sub",
            "/v3/{p}/address-groups/$addresses",
        ] {
            let tag = json!({"tag": {"key": "iso-key", "value": "iso-value"}});
            self.owner.post(&format!("{}/tags", self.fill(path)), tag).await.expect(204);
        }
        self.put("enterprise", "0f3c52c0-87b4-4dc4-8bd4-1f9d8b1d6e5a".to_owned());
        let body = json!({"resource_id": self.of("vpc2"), "resource_type": "vpcs"});
        let path = self.fill("/v1.0/enterprise-projects/$enterprise/resources-migrate");
        self.owner.post(&path, body).await.expect(204);
    }

    async fn rules(&mut self) {
        self.made("group", "/v1/{p}/security-groups", "security_group", json!({"name": "iso-g"})).await;
        let rule = json!({"security_group_id": "$group", "direction": "ingress", "protocol": "tcp",
            "port_range_min": 1, "port_range_max": 2});
        self.made("rule", "/v1/{p}/security-group-rules", "security_group_rule", rule).await;
        self.made("acl", "/v3/{p}/vpc/firewalls", "firewall", json!({"name": "iso-acl"})).await;
        self.made("acl_empty", "/v3/{p}/vpc/firewalls", "firewall", json!({"name": "iso-acl2"})).await;
        let rules = json!({"firewall": {"ingress_rules": [{"name": "iso-r", "action": "allow", "protocol": "tcp",
            "ip_version": 4}]}});
        let path = self.fill("/v3/{p}/vpc/firewalls/$acl/insert-rules");
        let acl = self.owner.put(&path, rules).await.expect(200);
        self.put("acl_rule", id(&acl["firewall"]["ingress_rules"][0]));
        let path = self.fill("/v3/{p}/vpc/firewalls/$acl/associate-subnets");
        let subnets = json!({"subnets": [{"virsubnet_id": self.of("subnet_acl")}]});
        self.owner.put(&path, subnets).await.expect(200);
        for name in ["fw_rule", "fw_rule_free"] {
            let body = json!({"name": format!("iso-{name}"), "action": "allow", "protocol": "tcp"});
            self.made(name, "/v2.0/fwaas/firewall_rules", "firewall_rule", body).await;
        }
        let policy = json!({"name": "iso-fp", "firewall_rules": ["$fw_rule"]});
        self.made("fw_policy", "/v2.0/fwaas/firewall_policies", "firewall_policy", policy).await;
        self.made("fw_group", "/v2.0/fwaas/firewall_groups", "firewall_group", json!({"name": "iso-fg"})).await;
        let addresses = json!({"name": "iso-ag", "ip_version": 4, "ip_set": ["10.1.0.0/16"]});
        self.made("addresses", "/v3/{p}/vpc/address-groups", "address_group", addresses).await;
    }

    async fn identity(&mut self) {
        const KEYS: &str = "/v3.0/OS-CREDENTIAL/credentials";
        self.put("account", self.owner.account.to_string());
        let empty = self.world.another("acct-empty").await;
        self.put("account_empty", empty.account.to_string());
        self.put("project", self.owner.project.clone());
        self.put("password", PASSWORD.to_owned());
        self.put("owner", self.owner.user.to_string());
        let events = self.owner.get("/causeway/v1/events?operation=createVpc&limit=1").await.expect(200);
        self.put("event", id(&events["events"][0]));
        for name in ["user", "reader"] {
            self.made(name, "/v3/users", "user", json!({"name": format!("iso-{name}")})).await;
        }
        let policies = self.owner.get("/v3/roles?display_name=ReadOnlyAccess").await.expect(200);
        let reads = id(&policies["roles"][0]);
        for name in ["policy", "policy_held"] {
            let document = json!({"Version": "1.1", "Statement": [{"Effect": "Allow", "Action": ["vpc:vpcs:list"]}]});
            let body = json!({"display_name": format!("iso-{name}"), "type": "AX", "policy": document});
            self.made(name, "/v3.0/OS-ROLE/roles", "role", body).await;
        }
        for (user, policy) in [("reader", reads.as_str()), ("user", self.of("policy_held"))] {
            let path = format!("/causeway/v1/users/{}/policies", self.of(user));
            self.owner.post(&path, json!({"policy_id": policy})).await.expect(200);
        }
        for (user, key) in [("reader", "reader_key"), ("user", "key")] {
            let body = json!({"credential": {"user_id": self.of(user)}});
            let made = self.owner.post(KEYS, body).await.expect(201)["credential"].clone();
            let text = |name: &str| made[name].as_str().unwrap().to_owned();
            self.put(key, text("access"));
            if user == "reader" {
                self.reader = Client {
                    access_key: text("access"),
                    secret_key: text("secret"),
                    user: self.of("reader").parse().unwrap(),
                    ..self.owner.clone()
                };
            }
        }
        for name in ["token", "stale"] {
            let token = self.world.token(&self.owner, "acct-b").await;
            self.put(name, token);
        }
        let revoke = Request::delete("/v3/auth/tokens")
            .header("x-auth-token", self.of("token"))
            .header("x-subject-token", self.of("stale"))
            .body(Body::empty())
            .unwrap();
        send(&self.owner.router, revoke).await.expect(204);
    }
}
