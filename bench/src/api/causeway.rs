//! Causeway under measurement: two accounts, signed requests, the embedded store on a disk.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::Context;
use serde_json::{Value, json};
use signing::{Credentials, Scheme};

use super::load::{self, Request};
use super::process::{Process, free};

/// What nobody has to stumble over.
const CONFIG: &str = "[limits]\nvpcs = 100000\npeerings = 100000\n";

/// A server with two accounts.
pub struct Causeway {
    process: Process,
    requester: Account,
    accepter: Account,
    /// VPCs of each side.
    vpcs: [Vec<String>; 2],
    /// Goes last: the server writes into it.
    _data: tempfile::TempDir,
}

struct Account {
    credentials: Credentials,
    project: String,
}

impl Causeway {
    /// Starts a server with an empty folder and makes `side` VPCs in each of two accounts.
    ///
    /// # Errors
    /// It does not start, or answers something unexpected.
    pub fn start(program: &Path, side: usize) -> anyhow::Result<Self> {
        // Beside the program: a temporary folder may lie in memory, where nothing is durable.
        let folder = program.parent().context("the program has no folder")?;
        let data = tempfile::Builder::new().prefix("causeway-bench-").tempdir_in(folder)?;
        let config = data.path().join("bench.toml");
        std::fs::write(&config, CONFIG)?;
        let address = free()?;
        let mut command = Command::new(program);
        command.args(["serve", "--datapath", "sim", "--listen", &address.to_string()]);
        command.arg("--data").arg(data.path()).arg("--config").arg(&config).env("CAUSEWAY_LOG", "error");
        let credentials = data.path().join("credentials.json");
        let process = Process::start(&mut command, address, || credentials.is_file())?;
        let known: Value = serde_json::from_slice(&std::fs::read(&credentials)?)?;
        let requester = Account {
            credentials: Credentials {
                access_key: text(&known["access_key"])?,
                secret_key: text(&known["secret_key"])?,
            },
            project: text(&known["projects"][0]["id"])?,
        };
        let made = requester.request("POST", address, "/causeway/v1/accounts", Some(&json!({"name": "accepter"})))?;
        let made: Value = serde_json::from_slice(&load::one(address, made)?)?;
        let accepter = Account {
            credentials: Credentials {
                access_key: text(&made["access_key"]["access"])?,
                secret_key: text(&made["access_key"]["secret"])?,
            },
            project: text(&made["projects"][0]["id"])?,
        };
        let mut server = Self { process, requester, accepter, vpcs: [Vec::new(), Vec::new()], _data: data };
        for place in 0..2 {
            for number in 0..side {
                let account = if place == 0 { &server.requester } else { &server.accepter };
                let answer = load::one(address, account.vpc(address, number)?)?;
                let answer: Value = serde_json::from_slice(&answer)?;
                server.vpcs[place].push(text(&answer["vpc"]["id"])?);
            }
        }
        Ok(server)
    }
}

impl Account {
    fn vpc(&self, address: SocketAddr, number: usize) -> anyhow::Result<Request> {
        let cidr = format!("10.{}.{}.0/24", number / 256, number % 256);
        let body = json!({"vpc": {"name": format!("vpc-{number}"), "cidr": cidr}});
        self.request("POST", address, &format!("/v1/{}/vpcs", self.project), Some(&body))
    }

    /// A signed request as the official clients make it.
    fn request(&self, method: &str, address: SocketAddr, path: &str, body: Option<&Value>) -> anyhow::Result<Request> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let host = address.to_string();
        let date = signing::format_date(jiff::Timestamp::now());
        let headers = [
            ("content-type", "application/json"),
            ("host", host.as_str()),
            ("x-project-id", self.project.as_str()),
            (signing::X_SDK_DATE, date.as_str()),
        ];
        let request = signing::Request::new(method, path, "", headers, body.as_bytes());
        let signed = signing::sign(&request, &self.credentials, &Scheme::Plain)?;
        let mut text = format!("{method} {path} HTTP/1.1\r\n");
        for (name, value) in headers.into_iter().chain([("authorization", signed.authorization.as_str())]) {
            write!(text, "{name}: {value}\r\n")?;
        }
        write!(text, "content-length: {}\r\n\r\n{body}", body.len())?;
        Ok(text.into_bytes())
    }
}

fn text(value: &Value) -> anyhow::Result<String> {
    value.as_str().map(str::to_owned).context("a text is missing in an answer")
}

impl super::Server for Causeway {
    fn creations(&mut self, count: usize) -> anyhow::Result<Vec<Request>> {
        let pairs = self.vpcs[0].iter().flat_map(|a| self.vpcs[1].iter().map(move |b| (a, b))).take(count);
        pairs
            .map(|(a, b)| {
                let body = json!({"peering": {
                    "name": "bench",
                    "request_vpc_info": {"vpc_id": a},
                    "accept_vpc_info": {"vpc_id": b, "tenant_id": self.accepter.project},
                }});
                self.requester.request("POST", self.process.address, "/v2.0/vpc/peerings", Some(&body))
            })
            .collect()
    }

    fn id(&self, answer: &[u8]) -> anyhow::Result<String> {
        let answer: Value = serde_json::from_slice(answer)?;
        text(&answer["peering"]["id"])
    }

    fn acceptance(&self, id: &str) -> anyhow::Result<Request> {
        self.accepter.request("PUT", self.process.address, &format!("/v2.0/vpc/peerings/{id}/accept"), None)
    }

    fn deletion(&self, id: &str) -> anyhow::Result<Request> {
        self.requester.request("DELETE", self.process.address, &format!("/v2.0/vpc/peerings/{id}"), None)
    }

    fn get(&self, id: &str) -> anyhow::Result<Request> {
        self.requester.request("GET", self.process.address, &format!("/v2.0/vpc/peerings/{id}"), None)
    }

    fn list(&self) -> anyhow::Result<Request> {
        self.requester.request("GET", self.process.address, "/v2.0/vpc/peerings", None)
    }

    fn listed(&self, answer: &[u8]) -> usize {
        serde_json::from_slice::<Value>(answer)
            .ok()
            .and_then(|answer| answer["peerings"].as_array().map(Vec::len))
            .unwrap_or_default()
    }

    fn vpc(&self, number: usize) -> anyhow::Result<Request> {
        self.requester.vpc(self.process.address, number)
    }

    fn address(&self) -> SocketAddr {
        self.process.address
    }

    fn memory(&self) -> anyhow::Result<u64> {
        self.process.memory()
    }
}
