//! Servers on this machine: their credentials, found by their data folders and marks.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use server::{Credentials, Marker};

use super::{Environment, set};
use crate::failure::{Failure, Result};

/// How long a server on this machine may take to accept a connection.
const PATIENCE: Duration = Duration::from_millis(500);

/// A server on this machine.
#[derive(Clone, Debug)]
pub(crate) struct Local {
    /// Its data folder.
    pub(crate) data: PathBuf,
    /// How to call it.
    pub(crate) credentials: Credentials,
}

/// Finds a server: that of `$CAUSEWAY_DATA` if it is set; else the one in the default data folder if it answers; else
/// the one that left a mark and answers. With `endpoint`, only the one that listens there, whether it answers or not.
pub(crate) fn find(root: bool, environment: Environment<'_>, endpoint: Option<&str>) -> Result<Option<Local>> {
    let wanted = |local: &Local| {
        let credentials = &local.credentials;
        let tls = credentials.tls.as_ref().map(|tls| tls.endpoint.as_str());
        endpoint
            .is_none_or(|endpoint| same(endpoint, &credentials.endpoint) || tls.is_some_and(|it| same(endpoint, it)))
    };
    if let Some(data) = set(environment, "CAUSEWAY_DATA").map(PathBuf::from) {
        return match read(&data)? {
            Some(local) => Ok(Some(local).filter(wanted)),
            None if endpoint.is_some() => Ok(None),
            None => Err(Failure::no_connection(format!(
                "CAUSEWAY_DATA is {}, but there is no {} in it",
                data.display(),
                Credentials::FILE
            ))
            .hint(format!("start a server with `causeway serve --data {}`", data.display()))),
        };
    }
    let default = server::default_data(root, environment);
    let at_default = read_if_allowed(&default)?;
    let marked = Marker::all(&Marker::folder(root, environment));
    if endpoint.is_some() {
        if let Some(local) = at_default.filter(wanted) {
            return Ok(Some(local));
        }
        for marker in &marked {
            if let Some(local) = read_if_allowed(&marker.data)?.filter(wanted) {
                return Ok(Some(local));
            }
        }
        return Ok(None);
    }
    if let Some(local) = at_default.as_ref().filter(|local| answers(&local.credentials.endpoint)) {
        return Ok(Some(local.clone()));
    }
    let mut alive = Vec::new();
    for marker in marked.iter().filter(|marker| answers(&marker.endpoint)) {
        // A mark may be older than the server that now listens at its endpoint.
        let local = read_if_allowed(&marker.data)?;
        alive.extend(local.filter(|local| local.credentials.endpoint == marker.endpoint));
    }
    if alive.len() > 1 {
        let all: Vec<String> =
            alive.iter().map(|l| format!("{} ({})", l.credentials.endpoint, l.data.display())).collect();
        return Err(Failure::usage(format!("{} servers run on this machine: {}", alive.len(), all.join(", ")))
            .hint("choose one with --endpoint, or with CAUSEWAY_DATA"));
    }
    // One that does not answer is still the best there is: the error then names where it was.
    Ok(alive.pop().or(at_default))
}

fn read(data: &Path) -> Result<Option<Local>> {
    match Credentials::read(data) {
        Ok(credentials) => Ok(credentials.map(|credentials| Local { data: data.to_owned(), credentials })),
        Err(error) => {
            let path = data.join(Credentials::FILE);
            let failure = Failure::no_connection(format!("cannot read {}: {error}", path.display()));
            Err(if error.kind() == io::ErrorKind::PermissionDenied {
                failure.hint("it belongs to the user who started the server")
            } else {
                failure
            })
        }
    }
}

/// As [`read`], but what belongs to somebody else is not there.
fn read_if_allowed(data: &Path) -> Result<Option<Local>> {
    match Credentials::read(data) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(None),
        _ => read(data),
    }
}

/// Whether something listens there.
pub(crate) fn answers(endpoint: &str) -> bool {
    let address = endpoint.trim_end_matches('/').split("://").last().and_then(|text| text.parse::<SocketAddr>().ok());
    address.is_some_and(|address| TcpStream::connect_timeout(&address, PATIENCE).is_ok())
}

/// Whether two endpoints are written differently at most in a slash at the end and in the name of this machine.
fn same(one: &str, other: &str) -> bool {
    let plain = |text: &str| text.trim_end_matches('/').replace("//localhost:", "//127.0.0.1:");
    plain(one) == plain(other)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use std::net::TcpListener;

    use server::{NamedId, ProjectCredentials};

    use super::*;
    use crate::exit::Exit;

    fn place(data: &Path, endpoint: &str) {
        let id = |name: &str| NamedId { id: name.to_owned(), name: name.to_owned() };
        let project = ProjectCredentials { region: "r".to_owned(), id: "p".to_owned(), name: "r".to_owned() };
        let credentials = Credentials {
            endpoint: endpoint.to_owned(),
            tls: None,
            domain: id("d"),
            user: id("u"),
            password: String::new(),
            access_key: "AK".to_owned(),
            secret_key: "SK".to_owned(),
            projects: vec![project],
        };
        std::fs::create_dir_all(data).unwrap();
        credentials.write(data).unwrap();
    }

    /// An environment whose folders are inside `folder`.
    fn inside(folder: &Path) -> impl Fn(&str) -> Option<String> {
        let folder = folder.to_owned();
        move |name| match name {
            "XDG_STATE_HOME" => Some(folder.join("state").display().to_string()),
            "CAUSEWAY_RUN" => Some(folder.join("run").display().to_string()),
            _ => None,
        }
    }

    fn listening() -> (TcpListener, String) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        (listener, endpoint)
    }

    #[test]
    fn a_server_is_found_by_its_default_folder_or_by_its_mark() {
        let folder = tempfile::tempdir().unwrap();
        let environment = inside(folder.path());
        assert!(find(false, &environment, None).unwrap().is_none());

        let (listener, endpoint) = listening();
        let own = folder.path().join("own");
        place(&own, &endpoint);
        let run = folder.path().join("run");
        let stale = Marker { endpoint: "http://127.0.0.1:1".to_owned(), data: folder.path().join("gone") };
        let _stale = stale.leave(&run, "stale").unwrap();
        let _mark = Marker { endpoint: endpoint.clone(), data: own.clone() }.leave(&run, "own").unwrap();
        assert_eq!(find(false, &environment, None).unwrap().unwrap().data, own);
        assert_eq!(find(false, &environment, Some(&endpoint)).unwrap().unwrap().data, own);
        assert!(find(false, &environment, Some("http://127.0.0.1:2")).unwrap().is_none());

        // The default folder's server goes first, as long as it answers.
        let default = folder.path().join("state/causeway");
        place(&default, "http://127.0.0.1:1");
        assert_eq!(find(false, &environment, None).unwrap().unwrap().data, own);
        place(&default, &endpoint);
        assert_eq!(find(false, &environment, None).unwrap().unwrap().data, default);
        drop(listener);
    }

    #[test]
    fn two_marked_servers_are_a_question() {
        let folder = tempfile::tempdir().unwrap();
        let environment = inside(folder.path());
        let mut kept = Vec::new();
        for name in ["a", "b"] {
            let (listener, endpoint) = listening();
            let data = folder.path().join(name);
            place(&data, &endpoint);
            kept.push((listener, Marker { endpoint, data }.leave(&folder.path().join("run"), name).unwrap()));
        }
        let failure = find(false, &environment, None).unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        assert!(failure.message.starts_with("2 servers run on this machine: http://127.0.0.1:"), "{}", failure.message);
    }

    #[test]
    fn a_data_folder_that_is_named_must_have_credentials() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().display().to_string();
        let environment = move |name: &str| (name == "CAUSEWAY_DATA").then(|| data.clone());
        let failure = find(false, &environment, None).unwrap_err();
        assert_eq!(failure.exit, Exit::NoConnection);
        place(folder.path(), "http://127.0.0.1:1");
        assert_eq!(find(false, &environment, None).unwrap().unwrap().credentials.access_key, "AK");
        std::fs::write(folder.path().join(Credentials::FILE), "{").unwrap();
        assert!(find(false, &environment, None).unwrap_err().message.contains("cannot read"));
    }
}
