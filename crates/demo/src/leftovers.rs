//! Looking whether everything of an installation is gone.

use std::fs;
use std::path::Path;

use netlink::{NAMESPACE_DIR, Namespace, links, processes_in};

use crate::actors::Actors;

/// Host ends of all veth pairs of Causeway begin with this.
const LINK_PREFIX: &str = "cw";

/// What of instance `instance` is left on the machine, each in words. `actors` are the namespaces as they were: they
/// tell whether a process is still inside one that has lost its name.
pub(crate) fn find(instance: &str, actors: &Actors) -> Vec<String> {
    let mut left = Vec::new();
    let prefix = format!("cw-{instance}-");
    if let Ok(entries) = fs::read_dir(NAMESPACE_DIR) {
        let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        left.extend(names.filter(|name| name.starts_with(&prefix)).map(|name| format!("network namespace {name}")));
    }
    let alias = format!("causeway:{instance}:");
    match Namespace::host().and_then(|host| links(&host, LINK_PREFIX)) {
        Ok(all) => {
            let own = all.into_iter().filter(|link| link.alias.as_deref().is_some_and(|text| text.starts_with(&alias)));
            left.extend(own.map(|link| format!("link {}", link.name)));
        }
        Err(error) => left.push(format!("links cannot be listed: {error}")),
    }
    let pins = format!("/sys/fs/bpf/causeway-{instance}");
    if Path::new(&pins).exists() {
        left.push(format!("pins in {pins}"));
    }
    for (server, namespace) in actors.all() {
        match processes_in(namespace) {
            Ok(pids) => left.extend(pids.iter().map(|pid| format!("process {pid} in {server}"))),
            Err(error) => left.push(format!("processes of {server} cannot be listed: {error}")),
        }
    }
    left.sort_unstable();
    left
}
