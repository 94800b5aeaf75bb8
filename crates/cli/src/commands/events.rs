//! `causeway events`: the audit log of an account.

use std::time::Duration;

use clap::{Args, ValueEnum};
use client::Client;
use client::types::{Event, EventFilter};
use jiff::{SignedDuration, Timestamp};

use crate::app::App;
use crate::exit::Exit;
use crate::failure::Result;
use crate::output::{BAD, Details, Printer, Table, styled};

/// How often new events are asked for.
const POLL: Duration = Duration::from_secs(1);

const EXAMPLES: &str = "\
Examples:
  causeway events
  causeway events --since 2h --result failure
  causeway events --resource 5f9e1f3c-7d2a-4c39-9c8e-3a2b1c0d9e8f
  causeway events --operation deleteVpcPeering,acceptVpcPeering
  causeway events --follow";

/// What of the log to show.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct EventsArgs {
    /// Show one event with all that is known of it
    #[arg(value_name = "EVENT", conflicts_with_all = ["since", "until", "resource", "follow"])]
    event: Option<String>,
    /// From this time on: 90s, 30m, 2h or 7d ago, or 2026-01-02T03:04:05Z
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Timestamp>,
    /// Before this time
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Timestamp>,
    /// About the object with this id, or changing it
    #[arg(long, value_name = "ID")]
    resource: Option<String>,
    /// About objects of this kind, such as vpc, peering or security-group
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// Operation ids, separated by commas, such as createVpc
    #[arg(long, value_name = "OPERATION")]
    operation: Option<String>,
    /// By the user of this name or id
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// Only what succeeded, or only what did not
    #[arg(long, value_enum)]
    result: Option<Outcome>,
    /// Of another account; for operators
    #[arg(long, value_name = "ID")]
    account_id: Option<String>,
    /// Of the project alone, not of all of the account
    #[arg(long)]
    project: bool,
    /// At most this many
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 50, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=100_000))]
    limit: usize,
    /// Go on and show events as they come
    #[arg(short, long)]
    follow: bool,
}

/// What came of a call.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Outcome {
    /// It is in force
    Success,
    /// It was refused
    Failure,
}

/// Does it.
pub(crate) async fn run(args: EventsArgs, app: &App) -> Result<Exit> {
    let session = app.session().await?;
    let client = if args.project { session.client.clone() } else { session.client.with_project("") };
    if let Some(id) = &args.event {
        let event = client.show_event(id).await?;
        app.printer.one(&event, || details(&event))?;
        return Ok(Exit::Done);
    }
    let filter = filter(&args);
    let mut events = client.list_events(&filter, args.limit).await?;
    if !args.follow {
        app.printer.list(&events, || table(&events))?;
        return Ok(Exit::Done);
    }
    events.reverse();
    follow(&client, filter, events, app.printer).await
}

fn filter(args: &EventsArgs) -> EventFilter {
    EventFilter {
        since: args.since.map(|time| time.to_string()),
        until: args.until.map(|time| time.to_string()),
        operation: args.operation.clone(),
        resource_id: args.resource.clone(),
        resource_type: args.kind.clone(),
        user: args.user.clone(),
        result: args.result.map(|result| match result {
            Outcome::Success => "success".to_owned(),
            Outcome::Failure => "failure".to_owned(),
        }),
        account_id: args.account_id.clone(),
        ..EventFilter::default()
    }
}

/// Shows events in their order, and then those that come. Ends with the process.
async fn follow(client: &Client, mut filter: EventFilter, mut events: Vec<Event>, printer: Printer) -> Result<Exit> {
    loop {
        for event in &events {
            if printer.for_people() {
                printer.line(line(event))?;
            } else {
                printer.data(event)?;
            }
        }
        if let Some(last) = events.last() {
            filter.after = Some(last.id.clone());
        }
        tokio::time::sleep(POLL).await;
        events = client.list_events(&filter, usize::MAX).await?;
        events.reverse();
    }
}

fn table(events: &[Event]) -> Table {
    let head = ["TIME", "RESULT", "OPERATION", "BY", "RESOURCE", "FROM", "ID"];
    let mut table = Table::new(head).empty("there are no such events");
    for event in events {
        let (result, by, about) = (result(event), by(event), about(event));
        let source = event.source_address.as_deref().unwrap_or_default();
        table.row([event.time.as_str(), &result, &event.operation, &by, &about, source, &event.id]);
    }
    table
}

/// One event in one line.
fn line(event: &Event) -> String {
    let result = match &event.error {
        None => "success".to_owned(),
        Some(error) => styled(BAD, format_args!("{} {}", error.status, error.message)),
    };
    format!("{} {} by {}: {} {result}", event.time, event.operation, by(event), about(event))
}

fn result(event: &Event) -> String {
    event.error.as_ref().map_or_else(|| event.result.clone(), |error| format!("{} {}", error.status, error.error))
}

fn by(event: &Event) -> String {
    let actor = &event.actor;
    match (&actor.user_name, &actor.project_id) {
        (Some(name), _) if actor.kind == "unproven" => format!("{name} (not proven)"),
        (Some(name), _) => name.clone(),
        (None, Some(project)) => format!("peer {project}"),
        (None, None) => actor.kind.clone(),
    }
}

fn about(event: &Event) -> String {
    let Some(resource) = &event.resource else { return String::new() };
    let name = if resource.name.is_empty() { &resource.id } else { &resource.name };
    let change = event.changes.iter().find(|change| change.id == resource.id);
    let state = change.and_then(|change| change.new_state.as_ref()).map(|state| format!(" ({state})"));
    format!("{} {name}{}", resource.kind, state.unwrap_or_default())
}

fn details(event: &Event) -> String {
    let changes = event.changes.iter().map(|change| {
        let name = if change.name.is_empty() { String::new() } else { format!(" {}", change.name) };
        let states = match (&change.old_state, &change.new_state) {
            (Some(old), Some(new)) if old != new => format!(": {old} -> {new}"),
            (None, Some(state)) => format!(": {state}"),
            _ if change.fields.is_empty() => String::new(),
            _ => format!(": {}", change.fields.join(", ")),
        };
        format!("{} {}{name} ({}){states}", change.change, change.kind, change.id)
    });
    let more = (event.more_changes > 0).then(|| format!("and {} more", event.more_changes));
    let routes = event.routes_removed.iter().map(|routes| format!("{} of VPC {}", routes.count, routes.vpc_id));
    let error = event.error.as_ref().map(|error| format!("{} ({}, HTTP {})", error.message, error.code, error.status));
    Details::default()
        .field("id", &event.id)
        .field("time", &event.time)
        .field("operation", &event.operation)
        .field("result", &event.result)
        .field("error", error.unwrap_or_default())
        .field("by", by(event))
        .field("account", event.actor.account_name.as_deref().unwrap_or_default())
        .field("from", event.source_address.as_deref().unwrap_or_default())
        .field("client", event.user_agent.as_deref().unwrap_or_default())
        .field("request", event.request_id.as_deref().unwrap_or_default())
        .field("project", event.project_id.as_deref().unwrap_or_default())
        .field("resource", about(event))
        .fields("changes", changes.chain(more))
        .fields("routes removed", routes)
        .render()
}

/// A time, or how long ago it was.
fn moment(text: &str) -> Result<Timestamp, String> {
    let wrong = || format!("`{text}` is no time; write 2h, 30m or 7d for so long ago, or 2026-01-02T03:04:05Z");
    if let Ok(time) = text.parse() {
        return Ok(time);
    }
    let unit = text.chars().last().ok_or_else(wrong)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 24 * 3600,
        _ => return Err(wrong()),
    };
    let count: i64 = text.trim_end_matches(unit).parse().map_err(|_| wrong())?;
    let ago = count.checked_mul(seconds).filter(|ago| *ago >= 0).ok_or_else(wrong)?;
    Timestamp::now().checked_sub(SignedDuration::from_secs(ago)).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use client::types::{EventActor, EventChange, EventError, EventResource};

    use super::*;

    #[test]
    fn times_are_absolute_or_so_long_ago() {
        assert_eq!(moment("2026-01-02T03:04:05Z").unwrap().as_second(), 1_767_323_045);
        let ago = |text| Timestamp::now().as_second() - moment(text).unwrap().as_second();
        for (text, seconds) in [("90s", 90), ("30m", 1800), ("2h", 7200), ("7d", 604_800), ("0s", 0)] {
            assert!((seconds..seconds + 5).contains(&ago(text)), "{text}");
        }
        for wrong in ["", "h", "2", "2w", "-2h", "yesterday", "99999999999999999999d", "9223372036854775807d"] {
            assert!(moment(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_event_in_a_line_says_who_did_what_and_what_came_of_it() {
        let resource = EventResource { kind: "peering".to_owned(), id: "p".to_owned(), name: "AB".to_owned() };
        let change = EventChange { id: "p".to_owned(), new_state: Some("ACTIVE".to_owned()), ..EventChange::default() };
        let actor = EventActor { kind: "user".to_owned(), user_name: Some("ann".to_owned()), ..EventActor::default() };
        let mut event = Event {
            time: "2026-01-02T03:04:05Z".to_owned(),
            operation: "acceptVpcPeering".to_owned(),
            result: "success".to_owned(),
            actor,
            resource: Some(resource),
            changes: vec![change],
            ..Event::default()
        };
        assert_eq!(line(&event), "2026-01-02T03:04:05Z acceptVpcPeering by ann: peering AB (ACTIVE) success");
        assert!(details(&event).contains("peering AB (ACTIVE)"));
        event.actor = EventActor { kind: "peer".to_owned(), project_id: Some("0605".to_owned()), ..Default::default() };
        event.error = Some(EventError { status: 409, error: "duplicate".to_owned(), ..EventError::default() });
        assert_eq!((by(&event), result(&event)), ("peer 0605".to_owned(), "409 duplicate".to_owned()));
    }
}
