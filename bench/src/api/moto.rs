//! moto's server under measurement: the EC2 API's words for the same. It keeps everything in memory, and its peerings wait
//! for acceptance within one account as well.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::Context;

use super::load::{self, Request};
use super::process::{Process, free};

/// A server with VPCs.
pub struct Moto {
    process: Process,
    /// VPCs of each side.
    vpcs: [Vec<String>; 2],
}

impl Moto {
    /// Starts a server and makes `side` VPCs for each side.
    ///
    /// # Errors
    /// It does not start, or answers something unexpected.
    pub fn start(program: &Path, side: usize) -> anyhow::Result<Self> {
        let address = free()?;
        let mut command = Command::new(program);
        command.args(["-H", &address.ip().to_string(), "-p", &address.port().to_string()]);
        let process = Process::start(&mut command, address, || true)?;
        let mut server = Self { process, vpcs: [Vec::new(), Vec::new()] };
        for place in 0..2 {
            for number in 0..side {
                let answer = load::one(address, server.create_vpc(place * side + number))?;
                server.vpcs[place].push(between(&answer, "<vpcId>", "</vpcId>")?);
            }
        }
        Ok(server)
    }

    fn create_vpc(&self, number: usize) -> Request {
        let cidr = format!("10.{}.{}.0%2F24", number / 256, number % 256);
        self.request(&format!("Action=CreateVpc&CidrBlock={cidr}"))
    }

    /// A request of the EC2 query API. moto reads region and account from the credential and checks no signature.
    fn request(&self, query: &str) -> Request {
        let body = format!("{query}&Version=2016-11-15");
        format!(
            "POST / HTTP/1.1\r\nhost: {}\r\ncontent-type: application/x-www-form-urlencoded\r\n\
             authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/ec2/aws4_request, \
             SignedHeaders=host, Signature=00\r\ncontent-length: {}\r\n\r\n{body}",
            self.process.address,
            body.len()
        )
        .into_bytes()
    }
}

/// The first text between two others.
fn between(answer: &[u8], from: &str, to: &str) -> anyhow::Result<String> {
    let text = String::from_utf8_lossy(answer);
    let found = text.split_once(from).and_then(|(_, rest)| rest.split_once(to)).map(|(found, _)| found.to_owned());
    found.with_context(|| format!("no {from} in an answer"))
}

impl super::Server for Moto {
    fn creations(&mut self, count: usize) -> anyhow::Result<Vec<Request>> {
        let pairs = self.vpcs[0].iter().flat_map(|a| self.vpcs[1].iter().map(move |b| (a, b))).take(count);
        Ok(pairs
            .map(|(a, b)| self.request(&format!("Action=CreateVpcPeeringConnection&VpcId={a}&PeerVpcId={b}")))
            .collect())
    }

    fn id(&self, answer: &[u8]) -> anyhow::Result<String> {
        between(answer, "<vpcPeeringConnectionId>", "<")
    }

    fn acceptance(&self, id: &str) -> anyhow::Result<Request> {
        Ok(self.request(&format!("Action=AcceptVpcPeeringConnection&VpcPeeringConnectionId={id}")))
    }

    fn deletion(&self, id: &str) -> anyhow::Result<Request> {
        Ok(self.request(&format!("Action=DeleteVpcPeeringConnection&VpcPeeringConnectionId={id}")))
    }

    fn get(&self, id: &str) -> anyhow::Result<Request> {
        Ok(self.request(&format!("Action=DescribeVpcPeeringConnections&VpcPeeringConnectionId.1={id}")))
    }

    fn list(&self) -> anyhow::Result<Request> {
        Ok(self.request("Action=DescribeVpcPeeringConnections"))
    }

    fn listed(&self, answer: &[u8]) -> usize {
        String::from_utf8_lossy(answer).matches("<vpcPeeringConnectionId>").count()
    }

    fn vpc(&self, number: usize) -> anyhow::Result<Request> {
        Ok(self.create_vpc(number))
    }

    fn address(&self) -> SocketAddr {
        self.process.address
    }

    fn memory(&self) -> anyhow::Result<u64> {
        self.process.memory()
    }
}
