//! `causeway reach`.

use std::collections::BTreeMap;

use clap::Args;
use client::types::{MatrixCell, ReachAnswer, ReachRequest, Server, ServerFilter};

use super::common::NamesById;
use super::trace::Flow;
use crate::app::App;
use crate::exit::Exit;
use crate::failure::Result;
use crate::names;
use crate::output::{BAD, STRONG, Table, styled, warn};
use crate::progress::Progress;

/// More columns than these have numbers instead of names.
const NAMED_COLUMNS: usize = 8;

/// Whom to try with whom.
#[derive(Debug, Args)]
#[command(after_help = "\
A tick says that the request arrives and its reply comes back. With --measure each cell has what the tracer says and what \
packets say; the exit code is 1 if the two differ anywhere.

Examples:
  causeway reach
  causeway reach --proto tcp/5432 ECS-A01 RDS-B01 RDS-B02
  causeway reach --measure")]
pub(crate) struct ReachArgs {
    /// Names or ids; all servers of the region if none is given
    #[arg(value_name = "SERVER")]
    servers: Vec<String>,
    /// icmp, tcp/PORT or udp/PORT
    #[arg(long, default_value_t, value_name = "PROTO[/PORT]")]
    proto: Flow,
    /// Ask about IPv6: of all servers those that have an IPv6 address
    #[arg(short = '6', long)]
    ipv6: bool,
    /// Send packets too, which needs the kernel data plane
    #[arg(long)]
    measure: bool,
}

/// Does it.
pub(crate) async fn run(args: ReachArgs, app: &App) -> Result<Exit> {
    let session = app.session().await?;
    let all = session.servers(&ServerFilter::default()).await?;
    let vpcs = session.vpcs().await?;
    let vpc_names = NamesById::new(vpcs.iter().map(|vpc| (vpc.id.as_str(), vpc.name.as_str())));
    let mut servers = Vec::new();
    if args.servers.is_empty() {
        // Servers of a VPC beside each other.
        let mut all: Vec<&Server> = all.iter().filter(|server| !args.ipv6 || server.ipv6_address.is_some()).collect();
        all.sort_by_key(|server| vpc_names.of(&server.vpc_id));
        servers.extend(all.iter().map(|server| server.id.clone()));
    }
    for wanted in &args.servers {
        let id = &names::find("server", wanted, &all)?.id;
        if !servers.contains(id) {
            servers.push(id.clone());
        }
    }
    let Flow { protocol, port } = args.proto;
    let request = ReachRequest { servers, protocol, port, family: args.ipv6.then_some(6), measure: args.measure };
    let progress = Progress::new(if args.measure { "sending packets" } else { "tracing" });
    let answer = session.client.reach(&request).await?;
    drop(progress);
    if app.printer.for_people() {
        app.printer.text(&text(&answer, args.proto, &vpc_names))?;
    } else {
        app.printer.data(&answer)?;
    }
    if args.measure && !answer.matrix.is_empty() && answer.matrix.iter().all(|cell| cell.measured.is_none()) {
        warn("no packets were sent: the data plane of this server is the simulator");
    }
    Ok(if answer.matrix.iter().any(differs) { Exit::No } else { Exit::Done })
}

fn differs(cell: &MatrixCell) -> bool {
    cell.measured.is_some_and(|measured| measured.reachable != cell.traced.reachable)
}

fn tick(reachable: bool) -> &'static str {
    if reachable { "✓" } else { "✗" }
}

fn text(answer: &ReachAnswer, flow: Flow, vpc_names: &NamesById) -> String {
    if answer.servers.is_empty() {
        return "there are no servers\n".to_owned();
    }
    let cells: BTreeMap<(&str, &str), &MatrixCell> =
        answer.matrix.iter().map(|cell| ((cell.from.as_str(), cell.to.as_str()), cell)).collect();
    let measured = answer.matrix.iter().any(|cell| cell.measured.is_some());
    let numbered = answer.servers.len() > NAMED_COLUMNS;
    let mut head = vec![if numbered { format!("{flow}  FROM \\ TO") } else { "FROM \\ TO".to_owned() }];
    head.extend(
        answer.servers.iter().enumerate().map(
            |(index, server)| {
                if numbered { (index + 1).to_string() } else { server.name.clone() }
            },
        ),
    );
    let mut table = Table::with_head(head);
    for (index, from) in answer.servers.iter().enumerate() {
        let name =
            if from.vpc_name.is_empty() { from.name.clone() } else { format!("{} ({})", from.name, from.vpc_name) };
        let mut row = vec![if numbered { format!("{} {name}", index + 1) } else { name }];
        for to in &answer.servers {
            row.push(match cells.get(&(from.id.as_str(), to.id.as_str())) {
                None => "·".to_owned(),
                Some(MatrixCell { traced, measured: None, .. }) => tick(traced.reachable).to_owned(),
                Some(MatrixCell { traced, measured: Some(measured), .. }) => {
                    format!("{} {}", tick(traced.reachable), tick(measured.reachable))
                }
            });
        }
        table.row(row);
    }
    let mut text = table.render(false);
    if measured {
        text.push_str("\nleft: as computed; right: as measured with packets\n");
    }
    text.push_str(&reasons(answer, vpc_names));
    text
}

/// What is behind each cross, and where measurement and computation differ.
fn reasons(answer: &ReachAnswer, vpc_names: &NamesById) -> String {
    let names = NamesById::new(answer.servers.iter().map(|server| (server.id.as_str(), server.name.as_str())));
    let pair = |cell: &MatrixCell| format!("{} → {}", names.of(&cell.from), names.of(&cell.to));
    // Pairs with one reason are told together.
    let mut by_reason: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for cell in answer.matrix.iter().filter(|cell| !cell.traced.reachable) {
        let traced = &cell.traced;
        let mut why = traced.reason.clone().unwrap_or_else(|| "not reachable".to_owned());
        if let Some(at) = &traced.at {
            why.push_str(&format!(" in {}", vpc_names.of(at)));
        }
        if traced.leg.as_deref() == Some("return") {
            why.push_str(", on the way back");
        }
        by_reason.entry(why).or_default().push(pair(cell));
    }
    let mut text = String::new();
    for (why, pairs) in by_reason {
        text.push_str(&format!("\n{} {}\n", styled(BAD, "✗"), styled(STRONG, why)));
        for pair in pairs {
            text.push_str(&format!("    {pair}\n"));
        }
    }
    let differing: Vec<&MatrixCell> = answer.matrix.iter().filter(|cell| differs(cell)).collect();
    if !differing.is_empty() {
        text.push_str(&format!("\n{}\n", styled(BAD, "measured and computed differ")));
        for cell in differing {
            text.push_str(&format!("    {}\n", pair(cell)));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use client::types::{Measured, ReachServer, Traced};

    use super::*;
    use crate::testing;

    #[test]
    fn help() {
        insta::assert_snapshot!(testing::help(&["reach"]));
    }

    fn answer(measured: bool) -> ReachAnswer {
        let servers: Vec<ReachServer> = ["ECS-A01", "RDS-B01", "RDS-B02"]
            .iter()
            .enumerate()
            .map(|(i, name)| ReachServer {
                id: i.to_string(),
                name: (*name).to_owned(),
                vpc_name: if i == 0 { "VPC-A" } else { "VPC-B" }.to_owned(),
            })
            .collect();
        let mut matrix = Vec::new();
        for from in &servers {
            for to in servers.iter().filter(|to| to.id != from.id) {
                let reachable = from.vpc_name == to.vpc_name || from.id == "1" || to.id == "1";
                let traced = Traced {
                    reachable,
                    reason: (!reachable).then(|| "no_route".to_owned()),
                    leg: (!reachable).then(|| if from.id == "0" { "forward" } else { "return" }.to_owned()),
                    at: (!reachable).then(|| "a".to_owned()),
                };
                let wrong = from.id == "2" && to.id == "1";
                let measured = measured.then_some(Measured { reachable: reachable && !wrong });
                matrix.push(MatrixCell { from: from.id.clone(), to: to.id.clone(), traced, measured });
            }
        }
        ReachAnswer { servers, matrix }
    }

    fn shown(answer: &ReachAnswer) -> String {
        let names = NamesById::new([("a", "VPC-A")]);
        anstream::adapter::strip_str(&text(answer, Flow::default(), &names)).to_string()
    }

    #[test]
    fn the_matrix_has_reasons_below() {
        insta::assert_snapshot!(shown(&answer(false)));
    }

    #[test]
    fn a_measured_matrix_shows_both_and_what_differs() {
        let answer = answer(true);
        assert!(answer.matrix.iter().any(differs));
        insta::assert_snapshot!(shown(&answer));
    }

    #[test]
    fn many_servers_have_numbers() {
        let servers = (0..9)
            .map(|i| ReachServer { id: i.to_string(), name: format!("S{i}"), vpc_name: "V".to_owned() })
            .collect();
        let text = shown(&ReachAnswer { servers, matrix: Vec::new() });
        assert!(text.starts_with("icmp  FROM \\ TO  1  2  3  4  5  6  7  8  9\n1 S0 (V) "), "{text}");
    }
}
