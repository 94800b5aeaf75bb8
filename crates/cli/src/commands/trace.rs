//! `causeway trace`.

mod draw;
mod path;

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use clap::Args;
use client::types::{Protocol, ServerFilter, Target, TraceRequest};

use crate::app::App;
use crate::exit::Exit;
use crate::failure::Result;
use crate::names::{self, Named};
use crate::progress::Progress;

pub(crate) use draw::{folded, repairs};

/// What to explain.
#[derive(Debug, Args)]
#[command(after_help = "\
The exit code is 0 if the request arrives and its reply comes back, else 1.

Examples:
  causeway trace ECS-A01 RDS-B01
  causeway trace ECS-A01 RDS-B01 tcp/5432
  causeway trace ECS-A01 172.17.0.21 udp/53
  causeway trace ECS-A01 10.0.0.5 tcp/22 --to-vpc VPC-B -o json")]
pub(crate) struct TraceArgs {
    /// The sending server: name or id
    from: String,
    /// The receiving server, name or id, or an address
    to: String,
    /// icmp, tcp/PORT or udp/PORT
    #[arg(default_value_t, value_name = "PROTO[/PORT]")]
    flow: Flow,
    /// The server that is meant by the address: an answer by another one does not count
    #[arg(long, value_name = "SERVER")]
    intended: Option<String>,
    /// Ask about IPv6: the servers' IPv6 addresses
    #[arg(short = '6', long)]
    ipv6: bool,
    /// The VPC in which the address is meant
    #[arg(long, value_name = "VPC")]
    to_vpc: Option<String>,
}

/// A protocol with the port that it needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flow {
    pub(crate) protocol: Protocol,
    pub(crate) port: Option<u16>,
}

impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => write!(f, "{}/{port}", self.protocol),
            None => write!(f, "{}", self.protocol),
        }
    }
}

impl FromStr for Flow {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (protocol, port) = text.split_once('/').map_or((text, None), |(protocol, port)| (protocol, Some(port)));
        let protocol: Protocol =
            protocol.parse().map_err(|_| format!("`{protocol}` is no protocol; write icmp, tcp/PORT or udp/PORT"))?;
        let port = match (protocol, port) {
            (Protocol::Icmp, None) => None,
            (Protocol::Icmp, Some(_)) => return Err("icmp has no ports".to_owned()),
            (_, None) => return Err(format!("{protocol} needs a port, such as {protocol}/5432")),
            (_, Some(port)) => match port.parse() {
                Ok(port) if port > 0 => Some(port),
                _ => return Err(format!("`{port}` is no port; ports are 1 to 65535")),
            },
        };
        Ok(Self { protocol, port })
    }
}

/// Does it.
pub(crate) async fn run(args: TraceArgs, app: &App) -> Result<Exit> {
    let session = app.session().await?;
    let servers = session.servers(&ServerFilter::default()).await?;
    let from = id_of("server", &args.from, &servers)?;
    let from_name = servers.iter().find(|server| server.id == from).map_or(args.from.as_str(), |server| &server.name);
    let is_address = args.to.parse::<IpAddr>().is_ok();
    let to = if is_address {
        let intended = match &args.intended {
            Some(server) => Some(id_of("server", server, &servers)?),
            None => None,
        };
        let to_vpc = match &args.to_vpc {
            Some(vpc) => Some(id_of("VPC", vpc, &session.vpcs().await?)?),
            None => None,
        };
        Target::Address { address: args.to.clone(), intended, to_vpc }
    } else if args.ipv6 {
        Target::server_v6(&id_of("server", &args.to, &servers)?)
    } else {
        Target::server(&id_of("server", &args.to, &servers)?)
    };
    let request = TraceRequest { from: from.clone(), to, protocol: args.flow.protocol, port: args.flow.port };
    let progress = Progress::new("tracing");
    let answer = session.client.trace(&request).await?;
    drop(progress);
    let question = draw::Question { from: from_name, to: &args.to, flow: args.flow };
    let printer = app.printer;
    printer.one(&answer, || printer.drawing(draw::draw(&question, &answer, printer.width())))?;
    Ok(if answer.verdict.reachable { Exit::Done } else { Exit::No })
}

/// The id of what is named. An id that is not among them may be another account's: the server knows who may ask.
fn id_of<T: Named>(kind: &str, wanted: &str, all: &[T]) -> Result<String> {
    match names::find(kind, wanted, all) {
        Err(_) if names::is_id(wanted) => Ok(wanted.to_owned()),
        found => found.map(|item| item.id().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use super::*;
    use crate::testing;

    #[test]
    fn help() {
        insta::assert_snapshot!(testing::help(&["trace"]));
    }

    #[test]
    fn flows_are_written_as_protocol_and_port() {
        for text in ["icmp", "tcp/5432", "udp/53"] {
            assert_eq!(text.parse::<Flow>().unwrap().to_string(), text);
        }
        assert_eq!("TCP/80".parse::<Flow>().unwrap(), Flow { protocol: Protocol::Tcp, port: Some(80) });
        for (text, why) in [
            ("tcp", "tcp needs a port, such as tcp/5432"),
            ("icmp/8", "icmp has no ports"),
            ("tcp/0", "`0` is no port; ports are 1 to 65535"),
            ("udp/65536", "`65536` is no port; ports are 1 to 65535"),
            ("sctp/1", "`sctp` is no protocol; write icmp, tcp/PORT or udp/PORT"),
            ("", "`` is no protocol; write icmp, tcp/PORT or udp/PORT"),
        ] {
            assert_eq!(text.parse::<Flow>().unwrap_err(), why);
        }
    }
}
