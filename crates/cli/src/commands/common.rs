//! What commands of several groups share.

use std::collections::BTreeMap;

use client::types::Server;
use serde::Serialize;

use crate::failure::Result;
use crate::output::{GOOD, Printer, styled};

/// What a deletion is for programs.
#[derive(Debug, Serialize)]
pub(crate) struct Deleted {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) deleted: bool,
}

/// Reports deletions: a line for each as it happens, one array for programs at the end.
#[derive(Debug, Default)]
pub(crate) struct Deletions(Vec<Deleted>);

impl Deletions {
    /// One is done.
    pub(crate) fn done(&mut self, printer: Printer, kind: &str, id: &str, name: &str) -> Result<()> {
        self.0.push(Deleted { id: id.to_owned(), name: name.to_owned(), deleted: true });
        printer.line(format_args!("deleted {kind} {name}"))
    }

    /// All are done.
    pub(crate) fn end(self, printer: Printer) -> Result<()> {
        if printer.for_people() { Ok(()) } else { printer.data(&self.0) }
    }
}

/// Reports something that was made or changed: one line for people, the object for programs.
pub(crate) fn report<T: Serialize>(printer: Printer, object: &T, verb: &str, rest: &str) -> Result<()> {
    printer.one(object, || format!("{} {rest}\n", styled(GOOD, verb)))
}

/// The addresses of a server, IPv4 first.
pub(crate) fn addresses(server: &Server) -> String {
    match &server.ipv6_address {
        Some(ipv6) => format!("{} {ipv6}", server.ip_address),
        None => server.ip_address.clone(),
    }
}

/// Names by id.
pub(crate) struct NamesById(BTreeMap<String, String>);

impl NamesById {
    pub(crate) fn new<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self(pairs.into_iter().map(|(id, name)| (id.to_owned(), name.to_owned())).collect())
    }

    /// The name, or the id of what has no name or cannot be seen.
    pub(crate) fn of(&self, id: &str) -> String {
        self.0.get(id).filter(|name| !name.is_empty()).cloned().unwrap_or_else(|| id.to_owned())
    }

    /// Whether the caller sees it.
    pub(crate) fn knows(&self, id: &str) -> bool {
        self.0.contains_key(id)
    }
}
