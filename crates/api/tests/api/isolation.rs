//! Who gets at what: every operation of the OpenAPI document, tried by everybody who may not.
//!
//! [`table::ROWS`] says how each operation is asked for validly; an operation without a row fails the test, and so does a
//! row that its owner cannot call. What the others are answered is written to `docs/api/isolation.md`.

mod objects;
mod table;
mod tags;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use axum::body::Body;
use axum::http::{HeaderValue, Method, Request};
use serde_json::Value;

use self::objects::Objects;
use self::table::{Row, rows};
use crate::fixture::{Client, Reply, checked_in, send};

/// An operation of the document.
struct Operation {
    method: Method,
    path: String,
    /// Whether it needs no credentials.
    open: bool,
}

fn operations() -> BTreeMap<String, Operation> {
    let document: Value = serde_json::from_str(&api::document()).unwrap();
    let mut all = BTreeMap::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Some(id) = operation["operationId"].as_str() else { continue };
            let method = method.to_uppercase().parse().unwrap();
            let operation = Operation { method, path: path.clone(), open: operation.get("security").is_none() };
            assert!(all.insert(id.to_owned(), operation).is_none(), "two operations are called {id}");
        }
    }
    all
}

/// Whether a target is one of a path's template.
fn is_of(target: &str, path: &str) -> bool {
    let target: Vec<&str> = target.split('?').next().unwrap().split('/').collect();
    let path: Vec<&str> = path.split('/').collect();
    target.len() == path.len()
        && target.iter().zip(&path).all(|(have, want)| {
            want.starts_with('{') && (have.starts_with('$') || *have == "{p}" || !have.is_empty()) || have == want
        })
}

impl Row {
    fn is(&self, flag: &str) -> bool {
        self.flags.split(' ').any(|have| have == flag)
    }

    /// Whether the request says anything of the owner's objects.
    fn names_objects(&self) -> bool {
        self.target.contains('$') || self.body.contains('$') || self.is("subject")
    }

    async fn send(&self, client: &Client, project: &str, operation: &Operation, objects: &Objects) -> Reply {
        send(&client.router, self.request(client, project, operation, objects)).await
    }

    fn request(&self, client: &Client, project: &str, operation: &Operation, objects: &Objects) -> Request<Body> {
        let (target, body) = (objects.fill(self.target), objects.fill(self.body));
        let body = body.replace("{p}", project);
        let mut request = client.request_in(project, operation.method.clone(), &target, &body);
        if self.is("subject") {
            let token = HeaderValue::from_str(objects.of("token")).unwrap();
            request.headers_mut().insert("x-subject-token", token);
        }
        request
    }

    /// What whoever has the right to ask is answered about objects that nobody can have.
    #[track_caller]
    fn is_refused_to_everybody(&self, operation: &Operation, reply: &Reply) {
        let creates = operation.method == Method::POST;
        let want = if creates { (400, "not_supported") } else { (404, "not_found") };
        assert_eq!((reply.status.as_u16(), reply.header("x-causeway-error")), want, "{}: {reply:?}", self.operation);
        assert!(reply.message().contains("not supported"), "{}: {reply:?}", self.operation);
    }

    fn reads(&self, operation: &Operation) -> bool {
        matches!(operation.method, Method::GET | Method::HEAD) || self.is("reads")
    }
}

fn cell(reply: &Reply) -> String {
    if reply.status.is_success() || reply.text.is_empty() {
        return reply.status.as_u16().to_string();
    }
    let (status, code, internal) = reply.refusal();
    let code = if code == status.to_string() { internal } else { code };
    format!("{status} {code}")
}

/// Each row asks for what its operation is, and is allowed to its owner: else a refusal to others would say nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_row_is_a_valid_request_of_its_owner() {
    let operations = operations();
    let listed: BTreeSet<&str> = rows().map(|row| row.operation).collect();
    assert_eq!(listed.len(), rows().count(), "an operation is there twice");
    let closed = operations.iter().filter(|(_, operation)| !operation.open).map(|(id, _)| id.as_str());
    let missing: Vec<&str> = closed.filter(|id| !listed.contains(id)).collect();
    assert!(missing.is_empty(), "operations without a row in isolation/table.rs: {missing:?}");
    let shared = Objects::new().await;
    for row in rows() {
        let operation = operations.get(row.operation).unwrap_or_else(|| panic!("{} is not served", row.operation));
        assert!(is_of(row.target, &operation.path), "{}: {} is none of {}", row.operation, row.target, operation.path);
        // What changes something gets a world of its own.
        let own;
        let objects = if row.reads(operation) {
            &shared
        } else {
            own = Objects::new().await;
            &own
        };
        let caller = if row.is("operators") { &objects.world.a } else { &objects.owner };
        let project = caller.project.clone();
        let reply = row.send(caller, &project, operation, objects).await;
        if row.is("unsupported") {
            row.is_refused_to_everybody(operation, &reply);
        } else {
            assert!(reply.status.is_success(), "{}: {reply:?}", row.operation);
        }
    }
}

/// Another account, another project, a user who may only read, nobody, and somebody of yesterday: for each operation the
/// answer, and that nothing has changed and nothing was seen.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_gets_at_what_is_not_theirs() {
    let operations = operations();
    let objects = Objects::new().await;
    let mut text = String::from(
        "# Who gets at what\n\nWhat each operation answers to callers who may not use it on somebody else's objects. \
         Written by a test of the crate `api`;\ndo not edit. After each of these requests the store was as before, and no \
         answer had anything of the owner's in it.\n\n\
         - **Another account**: an administrator of another account, on the owner's objects.\n\
         - **Foreign project**: the same, with the owner's project in the path and in `X-Project-Id`.\n\
         - **Another region**: the owner's account, with its project in another region.\n\
         - **Read only**: a user of the owner's account with `ReadOnlyAccess`.\n\
         - **Nobody**: no credentials. **Stale**: a token that was revoked.\n\n\
         A dash: the request is about the caller's own account or names nothing of the owner's; 2xx: it shows the \
         caller's own\nobjects only. What 400 and 404 say about flow logs and traffic mirrors, they say to everybody.\n\n\
         | Operation | Another account | Foreign project | Another region | Read only | Nobody | Stale |\n\
         | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    let (owner, stranger, reader) = (&objects.owner, &objects.stranger, &objects.reader);
    let (near, far) = (owner.project.as_str(), owner.second_project.as_str());
    for row in rows() {
        let operation = &operations[row.operation];
        let what = row.operation;
        let dash = || "–".to_owned();
        let reads = row.reads(operation);

        // What it answers says something about the owner's objects.
        let tells = row.names_objects() || reads || row.is("unsupported");

        let other = if tells {
            let reply = objects.unchanged(row.send(stranger, &stranger.project, operation, &objects)).await;
            objects.shows_nothing(row, &reply);
            if row.is("operators") {
                assert_eq!(reply.status, 403, "{what} by another account: {reply:?}");
            } else if row.is("unsupported") {
                row.is_refused_to_everybody(operation, &reply);
            } else if row.names_objects() {
                assert!(matches!(reply.status.as_u16(), 400 | 404), "{what} by another account: {reply:?}");
            } else {
                assert!(reply.status.is_success(), "{what} by another account: {reply:?}");
            }
            cell(&reply)
        } else {
            dash()
        };

        let reply = objects.unchanged(row.send(stranger, near, operation, &objects)).await;
        objects.shows_nothing(row, &reply);
        let refusal = (reply.status.as_u16(), reply.header("x-causeway-error"));
        assert_eq!(refusal, (400, "wrong_project"), "{what} in a foreign project: {reply:?}");
        let foreign = cell(&reply);

        let region = if row.is("account") || row.is("operators") || !tells {
            dash()
        } else {
            let reply = objects.unchanged(row.send(owner, far, operation, &objects)).await;
            objects.shows_nothing(row, &reply);
            if row.is("unsupported") {
                row.is_refused_to_everybody(operation, &reply);
            } else if row.names_objects() {
                assert!(matches!(reply.status.as_u16(), 400 | 404), "{what} in another region: {reply:?}");
            } else {
                assert!(reply.status.is_success(), "{what} in another region: {reply:?}");
            }
            cell(&reply)
        };

        let read_only = if row.is("every") && !reads {
            dash()
        } else {
            let reply = objects.unchanged(row.send(reader, near, operation, &objects)).await;
            if row.is("operators") {
                assert_eq!(reply.status, 403, "{what} by a reader: {reply:?}");
            } else if reads && row.is("unsupported") {
                row.is_refused_to_everybody(operation, &reply);
            } else if reads {
                assert!(reply.status.is_success(), "{what} by a reader: {reply:?}");
            } else {
                assert_eq!((reply.status.as_u16(), reply.header("x-causeway-error")), (403, "policy_denied"), "{what}");
            }
            cell(&reply)
        };

        let mut request = row.request(owner, near, operation, &objects);
        request.headers_mut().remove("authorization");
        let reply = objects.unchanged(send(&owner.router, request)).await;
        assert_eq!(reply.status, 401, "{what} by nobody: {reply:?}");
        let nobody = cell(&reply);

        let mut request = row.request(owner, near, operation, &objects);
        request.headers_mut().insert("x-auth-token", HeaderValue::from_str(objects.of("stale")).unwrap());
        let reply = objects.unchanged(send(&owner.router, request)).await;
        assert_eq!(reply.status, 401, "{what} with a stale token: {reply:?}");
        let stale = cell(&reply);

        writeln!(text, "| `{what}` | {other} | {foreign} | {region} | {read_only} | {nobody} | {stale} |").unwrap();
    }
    objects.refusals_show_no_name().await;
    let open: Vec<String> =
        operations.iter().filter(|(_, operation)| operation.open).map(|(id, _)| format!("`{id}`")).collect();
    writeln!(text, "\nOpen to everybody: {}.", open.join(", ")).unwrap();
    checked_in("isolation.md", &text);
}

/// The world of the table is what the table says: a reader who may not write, a token that was good.
#[tokio::test]
async fn the_callers_of_the_table_are_who_they_seem() {
    let objects = Objects::new().await;
    let list = objects.reader.get("/v1/{p}/vpcs").await.expect(200);
    assert!(list["vpcs"].as_array().unwrap().len() > 1, "{list}");
    assert!(objects.stranger.get("/v1/{p}/vpcs").await.expect(200)["vpcs"].as_array().unwrap().is_empty());
    assert_ne!(objects.stranger.account, objects.owner.account);
    assert_eq!(objects.reader.account, objects.owner.account);
}
