//! Marks of running servers: how the command line finds a server that was started with a data folder of its own.
//!
//! A mark is a file with the endpoint and the data folder, readable by its owner only, in a folder that does not survive
//! a reboot. A clean exit removes it; one that a crash left behind names an endpoint where nothing answers, so who reads
//! marks has to try.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::credentials::write_private;

/// Where a running server is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Marker {
    /// `http://address:port`.
    pub endpoint: String,
    /// The folder with its `credentials.json`.
    pub data: PathBuf,
}

/// A mark that was left; dropping it removes it.
#[derive(Debug)]
pub struct Mark {
    path: PathBuf,
}

impl Drop for Mark {
    fn drop(&mut self) {
        // Whoever finds it finds nothing at its endpoint.
        let _ = fs::remove_file(&self.path);
    }
}

impl Marker {
    /// Leaves the mark in `folder`, which is made when missing. `name` distinguishes servers on this machine, such as
    /// the instance's.
    ///
    /// # Errors
    /// The folder cannot be made or written to. A server works without a mark.
    pub fn leave(&self, folder: &Path, name: &str) -> io::Result<Mark> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let path = folder.join(format!("{name}.json"));
        write_private(&path, &serde_json::to_vec(self).map_err(io::Error::other)?)?;
        Ok(Mark { path })
    }

    /// All marks of a folder that can be read, ordered; none when there is no folder.
    #[must_use]
    pub fn all(folder: &Path) -> Vec<Self> {
        let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
        let mut marks: Vec<Self> = entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
            .filter_map(|path| serde_json::from_slice(&fs::read(path).ok()?).ok())
            .collect();
        marks.sort();
        marks
    }

    /// The folder of marks of the calling user: `$CAUSEWAY_RUN`, else `/run/causeway` for root, else
    /// `$XDG_RUNTIME_DIR/causeway`, else `run` in the folder of the user's own state.
    #[must_use]
    pub fn folder(root: bool, environment: &dyn Fn(&str) -> Option<String>) -> PathBuf {
        let set = |name: &str| environment(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        if let Some(folder) = set("CAUSEWAY_RUN") {
            return folder;
        }
        if root {
            return PathBuf::from("/run/causeway");
        }
        match set("XDG_RUNTIME_DIR") {
            Some(folder) => folder.join("causeway"),
            None => default_data(false, environment).join("run"),
        }
    }
}

/// The data folder of a server that is not told another: `/var/lib/causeway` for root, else
/// `$XDG_STATE_HOME/causeway`, else `~/.local/state/causeway`.
#[must_use]
pub fn default_data(root: bool, environment: &dyn Fn(&str) -> Option<String>) -> PathBuf {
    let set = |name: &str| environment(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if root {
        return PathBuf::from("/var/lib/causeway");
    }
    let state = set("XDG_STATE_HOME").or_else(|| set("HOME").map(|home| home.join(".local/state")));
    state.unwrap_or_else(|| PathBuf::from(".")).join("causeway")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_mark_is_found_private_and_gone_when_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("run");
        let marker = Marker { endpoint: "http://127.0.0.1:1".to_owned(), data: PathBuf::from("/srv/x") };
        let mark = marker.leave(&folder, "abc").unwrap();
        fs::write(folder.join("broken.json"), "{").unwrap();
        assert_eq!(Marker::all(&folder), std::slice::from_ref(&marker));
        assert_eq!(fs::metadata(folder.join("abc.json")).unwrap().permissions().mode() & 0o777, 0o600);
        drop(mark);
        assert!(Marker::all(&folder).is_empty());
        assert!(Marker::all(Path::new("/nowhere")).is_empty());
    }

    #[test]
    fn folders_follow_the_user_and_the_environment() {
        let none = |_: &str| None;
        assert_eq!(default_data(true, &none), Path::new("/var/lib/causeway"));
        assert_eq!(Marker::folder(true, &none), Path::new("/run/causeway"));
        let home = |name: &str| (name == "HOME").then(|| "/home/u".to_owned());
        assert_eq!(default_data(false, &home), Path::new("/home/u/.local/state/causeway"));
        assert_eq!(Marker::folder(false, &home), Path::new("/home/u/.local/state/causeway/run"));
        let set = |name: &str| Some(format!("/{name}"));
        assert_eq!(default_data(false, &set), Path::new("/XDG_STATE_HOME/causeway"));
        assert_eq!(Marker::folder(true, &set), Path::new("/CAUSEWAY_RUN"));
    }
}
