//! What a run that was killed left on the machine.

use std::path::Path;
use std::time::Duration;
use std::{env, fs, process};

use netlink::Namespace;

/// First letters of the names of all namespaces of the benchmark itself; the process's number follows.
pub const NAMESPACES: &str = "cwb-";
/// First letters of the names of data folders; the process's number follows.
pub const FOLDERS: &str = "causeway-bench-";

/// What the names of this process's namespaces begin with.
pub fn namespace(name: &str) -> String {
    format!("{NAMESPACES}{}-{name}", process::id())
}

/// Removes what processes that no longer run have left. What cannot be removed is told and left alone.
pub async fn remove() {
    for name in Namespace::list(NAMESPACES).unwrap_or_default() {
        if is_dead(&name, NAMESPACES) {
            eprintln!("removing namespace {name} of an earlier run");
            remove_namespace(&name);
        }
    }
    for entry in fs::read_dir(env::temp_dir()).into_iter().flatten().flatten() {
        if entry.file_name().to_str().is_some_and(|name| is_dead(name, FOLDERS)) {
            eprintln!("removing what the server of an earlier run left");
            remove_server(&entry.path()).await;
        }
    }
}

async fn remove_server(data: &Path) {
    match server::remove_leftovers(data).await {
        Ok(()) => {
            let _ = fs::remove_dir_all(data);
        }
        Err(error) => eprintln!("{}: {error}", data.display()),
    }
}

/// Ends the processes of a namespace and removes it.
pub fn remove_namespace(name: &str) {
    let removed = Namespace::open(name)
        .and_then(|namespace| netlink::end_processes(&namespace, Duration::from_millis(200)))
        .and_then(|_| Namespace::remove(name));
    if let Err(error) = removed {
        eprintln!("namespace {name} stays: {error}");
    }
}

/// Whether the name has the prefix and the number of a process that is not there.
fn is_dead(name: &str, prefix: &str) -> bool {
    let pid = name.strip_prefix(prefix).and_then(|rest| rest.split('-').next()?.parse::<u32>().ok());
    pid.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_names_a_dead_process_is_a_leftover() {
        assert!(!is_dead(&namespace("direct-a"), NAMESPACES));
        assert!(!is_dead("cwb-x", NAMESPACES));
        assert!(!is_dead("other-4000000000", NAMESPACES));
        assert!(is_dead("cwb-4000000000-direct-a", NAMESPACES));
    }
}
