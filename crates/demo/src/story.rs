//! The six steps, but for the first and the last, which [`crate::run`] takes: something must be there to tell of, and
//! it must go away whatever happens in between.

use std::process::Output;
use std::time::{Duration, Instant};

use client::types::Protocol;
use tokio::process::Command;
use tokio::time::sleep;

use crate::DemoError;
use crate::database::PORT;
use crate::error::api;
use crate::stream::{Account, Stream, has_ping};
use crate::tell::Teller;
use crate::topology::{ACCOUNT_B, CIDR_A, CIDR_B, CIDR_C, ECS_A01, ECS_C01, RDS_B01, RDS_B02, VPC_A, VPC_B, VPC_C};
use crate::world::World;

const AB: &str = "Peering-AB";
const AC: &str = "Peering-AC";
const BC: &str = "Peering-BC";

const ACTIVE: &str = "ACTIVE";
const PENDING: &str = "PENDING_ACCEPTANCE";
const REJECTED: &str = "REJECTED";

/// Rule RT-11: nothing crosses later than this after a deletion was answered.
const LATEST: Duration = Duration::from_secs(1);
/// How long the stream goes on after the deletion.
const AFTERMATH: Duration = Duration::from_millis(1500);
/// So many answers before the deletion show that the stream works.
const ANSWERS: usize = 15;
/// How long these may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is expected of a packet.
enum Fate<'a> {
    Arrives,
    /// Reason and VPC.
    Lost(&'a str, &'a str),
}

/// Step 2: VPCs, subnets, servers, databases.
pub(crate) async fn build(world: &mut World, tell: &mut Teller) -> Result<(), DemoError> {
    tell.step(2, "Account A builds Figure 1 through the HTTP API");
    tell.busy("making VPCs, subnets and servers");
    world.make_accounts().await?;
    let scenario = world.topology.account_a.clone();
    world.build(&scenario).await?;
    for vpc in &scenario.vpcs {
        tell.check(true, &format!("{} {}", vpc.name, vpc.cidrs.join(" ")));
        for subnet in scenario.subnets.iter().filter(|subnet| subnet.vpc == vpc.name) {
            let servers = scenario.workloads.iter().filter(|workload| workload.subnet == subnet.name);
            let servers: Vec<String> = servers
                .map(|workload| format!("{} {}", workload.name, workload.ip.as_deref().unwrap_or_default()))
                .collect();
            tell.say(&format!("{} {}: {}", subnet.name, subnet.cidr, servers.join(", ")));
        }
    }
    if world.has_packets() {
        tell.say("Each server is a network namespace of this machine: `ip netns` lists them.");
        tell.busy("starting the databases");
        world.databases.start(&world.actors, &[RDS_B01, RDS_B02]).await?;
        tell.check(true, &world.databases.describe());
    } else {
        tell.say("The servers are records of the simulator: no namespaces, no packets, no databases.");
    }
    Ok(())
}

/// Step 3: isolated, then peered.
pub(crate) async fn peer(world: &mut World, tell: &mut Teller) -> Result<(), DemoError> {
    tell.step(3, "Two VPCs are isolated, until a peering connection and both routes join them");
    ping(world, tell, ECS_A01, RDS_B01, false).await?;
    packet(world, tell, ECS_A01, RDS_B01, Protocol::Icmp, &Fate::Lost("no_route", VPC_A)).await?;

    let made = world.request_peering(AB, VPC_A, VPC_B).await?;
    tell.check(made.status == ACTIVE, &format!("{AB} is {}: both VPCs are account A's", made.status));
    packet(world, tell, ECS_A01, RDS_B01, Protocol::Icmp, &Fate::Lost("no_route", VPC_A)).await?;
    world.add_route(VPC_A, CIDR_B, AB).await?;
    world.add_route(VPC_B, CIDR_A, AB).await?;
    tell.check(true, &format!("routes into {AB}: {CIDR_B} in {VPC_A}, {CIDR_A} in {VPC_B}"));

    ping(world, tell, ECS_A01, RDS_B01, true).await?;
    packet(world, tell, ECS_A01, RDS_B01, Protocol::Icmp, &Fate::Arrives).await?;
    packet(world, tell, ECS_A01, RDS_B01, Protocol::Tcp, &Fate::Arrives).await?;
    for database in [RDS_B01, RDS_B02] {
        query(world, tell, ECS_A01, database).await?;
    }
    let servers: Vec<String> = world.topology.account_a.workloads.iter().map(|w| w.name.clone()).collect();
    let servers: Vec<&str> = servers.iter().map(String::as_str).collect();
    matrix(world, tell, &servers, |_, _| true).await
}

/// Step 4: another account.
pub(crate) async fn cross_account(world: &mut World, tell: &mut Teller) -> Result<(), DemoError> {
    tell.step(4, "Another account has to agree");
    tell.busy("building account B's VPC-C");
    let scenario = world.topology.account_b.clone();
    world.build(&scenario).await?;
    tell.check(true, &format!("account B's {VPC_C} {CIDR_C} with {ECS_C01} {}", world.address(ECS_C01)));

    let requested = world.request_peering(AC, VPC_A, VPC_C).await?;
    let said = format!("account A requests {AC}: it is {}", requested.status);
    tell.check(requested.status == PENDING, &said);
    world.add_route(VPC_A, CIDR_C, AC).await?;
    packet(world, tell, ECS_A01, ECS_C01, Protocol::Icmp, &Fate::Lost("peering_not_active", VPC_A)).await?;

    let account_b = world.client(ACCOUNT_B)?;
    let accepted = account_b.accept_peering(world.peering(AC)?).await.map_err(api(format!("accept {AC}")))?;
    world.add_route(VPC_C, CIDR_A, AC).await?;
    let said = format!("account B accepts, and adds its route: {AC} is {}", accepted.status);
    tell.check(accepted.status == ACTIVE, &said);
    ping(world, tell, ECS_A01, ECS_C01, true).await?;
    packet(world, tell, ECS_A01, ECS_C01, Protocol::Icmp, &Fate::Arrives).await?;

    world.request_peering(BC, VPC_B, VPC_C).await?;
    world.add_route(VPC_B, CIDR_C, BC).await?;
    let rejected = account_b.reject_peering(world.peering(BC)?).await.map_err(api(format!("reject {BC}")))?;
    let said = format!("account A requests {BC} too; account B rejects it: it is {}", rejected.status);
    tell.check(rejected.status == REJECTED, &said);
    packet(world, tell, RDS_B01, ECS_C01, Protocol::Icmp, &Fate::Lost("peering_not_active", VPC_B)).await?;

    tell.say(&format!("{VPC_A} is peered with both, but peering is not transitive: {VPC_B} and {VPC_C} stay apart."));
    let servers: Vec<String> = world.applied.servers.keys().cloned().collect();
    let servers: Vec<&str> = servers.iter().map(String::as_str).collect();
    let apart = |from: &str, to: &str| {
        let (of_b, of_c) = (|name: &str| name.starts_with("RDS-B"), |name: &str| name == ECS_C01);
        of_b(from) && of_c(to) || of_c(from) && of_b(to)
    };
    matrix(world, tell, &servers, |from, to| !apart(from, to)).await
}

/// Step 5: the peering is deleted while packets cross it.
pub(crate) async fn delete(world: &mut World, tell: &mut Teller) -> Result<(), DemoError> {
    let meanwhile = if world.has_packets() { " while packets cross it" } else { "" };
    tell.step(5, &format!("{AB} is deleted{meanwhile}"));
    let client = world.client(crate::topology::ACCOUNT_A)?;
    let id = world.peering(AB)?.to_owned();
    if world.has_packets() {
        let address = world.address(RDS_B01);
        let mut stream = if has_ping().await {
            Stream::ping(&world.actors, ECS_A01, address)?
        } else {
            Stream::udp(&world.actors, ECS_A01, (RDS_B01, address))?
        };
        tell.command(ECS_A01, &stream.command, &[]);
        tell.busy("answers come");
        let mut account = Account::default();
        let flowing = stream.answered(ANSWERS, PATIENCE, &mut account).await;
        client.delete_peering(&id).await.map_err(api(format!("delete {AB}")))?;
        let deleted = Instant::now();
        tell.busy("watching for answers that come too late");
        sleep(AFTERMATH).await;
        let account = stream.end(deleted, account).await;
        report(tell, flowing, account);
    } else {
        client.delete_peering(&id).await.map_err(api(format!("delete {AB}")))?;
    }
    for vpc in [VPC_A, VPC_B] {
        let left = world.routes_into(vpc, AB).await?;
        let said = if left.is_empty() { "is gone".to_owned() } else { format!("still leads to {}", left.join(", ")) };
        tell.check(left.is_empty(), &format!("the route of {vpc} into {AB} {said}"));
    }
    packet(world, tell, ECS_A01, RDS_B01, Protocol::Icmp, &Fate::Lost("no_route", VPC_A)).await?;
    packet(world, tell, RDS_B01, ECS_A01, Protocol::Icmp, &Fate::Lost("no_route", VPC_B)).await
}

/// Makes Peering-AB and its routes again, for exploring.
pub(crate) async fn restore(world: &mut World, tell: &mut Teller) -> Result<(), DemoError> {
    world.request_peering(AB, VPC_A, VPC_B).await?;
    world.add_route(VPC_A, CIDR_B, AB).await?;
    world.add_route(VPC_B, CIDR_A, AB).await?;
    tell.check(true, &format!("{AB} and its routes are there again"));
    Ok(())
}

fn report(tell: &mut Teller, flowing: bool, account: Account) {
    let Account { answered_before, unanswered_before, answered_after, unanswered_after, last_answer } = account;
    let before = format!("before: {answered_before} requests answered, {unanswered_before} not");
    // On a busy machine an answer can be later than the next request.
    tell.check(flowing && answered_before > unanswered_before, &before);
    let after = format!("after:  {answered_after} requests answered, {unanswered_after} not");
    let last = last_answer.map_or_else(
        || "none came after the deletion was answered".to_owned(),
        |last| format!("the last answer came {} ms after the deletion was answered", last.as_millis()),
    );
    let stopped = last_answer.is_none_or(|last| last <= LATEST) && unanswered_after > 0;
    tell.check(stopped, &format!("{after}; {last}"));
}

/// Compares a packet's fate, traced and, where packets flow, measured, with the expected one.
async fn packet(
    world: &World,
    tell: &mut Teller,
    from: &str,
    to: &str,
    protocol: Protocol,
    fate: &Fate<'_>,
) -> Result<(), DemoError> {
    let port = (protocol != Protocol::Icmp).then_some(PORT);
    let hoped = matches!(fate, Fate::Arrives);
    let found = world.look(from, to, protocol, port, hoped).await?;
    let verdict = &found.trace.verdict;
    let service = port.map_or_else(|| protocol.to_string(), |port| format!("{protocol}/{port}"));
    let outcome = if verdict.reachable {
        "reachable".to_owned()
    } else {
        let reason = verdict.reason.as_deref().unwrap_or("for no reason");
        let at = verdict.at_name.as_ref().map(|vpc| format!(" at {vpc}")).unwrap_or_default();
        format!("not reachable, {reason}{at}")
    };
    let traced = match fate {
        Fate::Arrives => verdict.reachable,
        Fate::Lost(reason, vpc) => {
            !verdict.reachable && verdict.reason.as_deref() == Some(reason) && verdict.at_name.as_deref() == Some(vpc)
        }
    };
    let measured = found.measured.is_none_or(|measured| measured == hoped);
    let text = format!("trace {from} → {to} {service}: {outcome}");
    if traced && measured {
        let packets = match found.measured {
            Some(true) => "; packets say the same: a reply comes back",
            Some(false) => "; packets say the same: no reply comes back",
            None => "",
        };
        tell.check(true, &format!("{text}{packets}"));
    } else {
        let expected = match fate {
            Fate::Arrives => "reachable".to_owned(),
            Fate::Lost(reason, vpc) => format!("not reachable, {reason} at {vpc}"),
        };
        let packets = found.measured.map(|came| if came { "a reply came" } else { "no reply came" });
        let packets = packets.map(|packets| format!("; packets: {packets}")).unwrap_or_default();
        tell.check(false, &format!("{text}{packets}; expected: {expected}"));
    }
    if let (Fate::Lost(..), true) = (fate, traced) {
        tell.explain(&verdict.explanation);
        for (number, fix) in verdict.fix.iter().enumerate() {
            tell.explain(&format!("{}{fix}", if number == 0 { "to change it: " } else { "              " }));
        }
    }
    if hoped && let Some(seen) = found.probe.as_ref().and_then(|probe| probe.observed_source.as_deref()) {
        let own = world.address(from);
        tell.check(seen == own, &format!("{to} sees the sender's own address {seen}: nothing is translated"));
    }
    Ok(())
}

/// Shows `ping` in a server, where there is one.
async fn ping(world: &World, tell: &mut Teller, from: &str, to: &str, answers: bool) -> Result<(), DemoError> {
    if !world.has_packets() || !has_ping().await {
        return Ok(());
    }
    tell.busy(&format!("ping {to} in {from}"));
    let address = world.address(to);
    let mut output = None;
    // A first reply can be late on a busy machine; one that should not come is never tried away.
    for wait in ["1", "3"] {
        let mut command = Command::new("ping");
        command.env("LC_ALL", "C").args(["-n", "-c", "3", "-i", "0.2", "-W", wait, address]);
        let done = world.actors.output(from, &mut command).await?;
        let good = done.status.success() == answers;
        output = Some(done);
        if good || !answers {
            break;
        }
    }
    let Some(Output { status, stdout, .. }) = output else { return Ok(()) };
    let text = String::from_utf8_lossy(&stdout);
    let told = text.lines().filter(|line| line.contains("bytes from") || line.contains("packets transmitted"));
    tell.command(from, &format!("ping -c 3 {address}"), &told.collect::<Vec<_>>());
    if status.success() != answers {
        let not = if answers { "is not answered" } else { "is answered, and should not be" };
        tell.check(false, &format!("ping {from} → {to} {not}"));
    }
    Ok(())
}

/// Asks a database.
async fn query(world: &World, tell: &mut Teller, from: &str, database: &str) -> Result<(), DemoError> {
    if !world.has_packets() {
        return Ok(());
    }
    tell.busy(&format!("asking {database}"));
    let (source, address) = (world.address(from), world.address(database));
    let answer = world.databases.ask(&world.actors, from, source, address).await?;
    tell.command(from, &answer.command, &answer.printed.lines().collect::<Vec<_>>());
    if answer.printed == answer.expected {
        tell.check(true, &format!("{database} answers, and sees {from}'s own address"));
    } else {
        tell.check(false, &format!("{database} should have answered: {}", answer.expected));
    }
    Ok(())
}

/// Shows who reaches whom.
async fn matrix(
    world: &World,
    tell: &mut Teller,
    servers: &[&str],
    expected: impl Fn(&str, &str) -> bool,
) -> Result<(), DemoError> {
    tell.busy("measuring who reaches whom");
    let matrix = world.matrix(servers).await?;
    tell.block(&matrix.lines());
    let complete = matrix.cells.len() == servers.len() * servers.len().saturating_sub(1);
    let differences: Vec<String> = matrix.disagreements().into_iter().chain(matrix.surprises(expected)).collect();
    for difference in &differences {
        tell.check(false, difference);
    }
    if !complete {
        tell.check(false, "the matrix does not have all pairs");
    } else if differences.is_empty() {
        let pairs = matrix.cells.len();
        tell.check(
            true,
            &if world.has_packets() {
                format!("all {pairs} pairs: packets and tracer agree, and it is as it should be")
            } else {
                format!("all {pairs} pairs are as they should be")
            },
        );
    }
    Ok(())
}
