//! The BPF file system: mounting it, the folder of an instance, and its owner's lock.

use std::{
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    fcntl::{Flock, FlockArg},
    mount::{MsFlags, mount},
    sys::statfs::{FsType, statfs},
};

use crate::Error;

/// Where the BPF file system is by convention.
pub(crate) const DEFAULT: &str = "/sys/fs/bpf";

/// `BPF_FS_MAGIC` of `linux/magic.h`.
const MAGIC: i64 = 0xcafe_4a11;

/// How long another owner of an instance is waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// Whether a BPF file system is mounted at or above `path`.
pub(crate) fn is_mounted(path: &Path) -> bool {
    statfs(path).is_ok_and(|found| found.filesystem_type() == FsType(MAGIC as _))
}

/// Mounts a BPF file system at `path` unless there is one.
pub(crate) fn ensure_mounted(path: &Path) -> Result<(), Error> {
    if is_mounted(path) {
        return Ok(());
    }
    let failed = |source| Error::Bpffs { path: path.into(), source };
    fs::create_dir_all(path).map_err(failed)?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    mount(Some("bpf"), path, Some("bpf"), flags, Some("mode=0700")).map_err(|errno| failed(errno.into()))
}

/// Makes a folder that only its owner may enter; fine if it is there.
pub(crate) fn make_folder(path: &Path) -> Result<(), Error> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(Error::Bpffs { path: path.into(), source: error })
        }
        _ => Ok(()),
    }
}

/// Removes a file or a folder with all that is in it; fine if it is not there.
pub(crate) fn remove(path: &Path) -> Result<(), Error> {
    let removed = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::Bpffs { path: path.into(), source: error }),
        _ => Ok(()),
    }
}

/// Names in a folder, in order; none when there is no folder.
pub(crate) fn names(path: &Path) -> Result<Vec<String>, Error> {
    let failed = |source| Error::Bpffs { path: path.into(), source };
    let entries = match fs::read_dir(path) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        entries => entries.map_err(failed)?,
    };
    let mut names = Vec::new();
    for entry in entries {
        names.push(entry.map_err(failed)?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// The right to an instance, held as long as the value (and lost with the process).
#[derive(Debug)]
pub(crate) struct Lock(#[expect(dead_code, reason = "held for what dropping it does")] Flock<File>);

impl Lock {
    /// Takes the lock on the folder `path`. A process that was just killed may take a moment to let go of it.
    pub(crate) fn take(path: &Path) -> Result<Self, Error> {
        let mut folder = File::open(path).map_err(|source| Error::Bpffs { path: path.into(), source })?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            match Flock::lock(folder, FlockArg::LockExclusiveNonblock) {
                Ok(lock) => return Ok(Self(lock)),
                Err((again, Errno::EAGAIN)) if Instant::now() < deadline => {
                    folder = again;
                    thread::sleep(Duration::from_millis(10));
                }
                Err((_, Errno::EAGAIN)) => return Err(Error::Busy { path: path.into() }),
                Err((_, errno)) => return Err(Error::Bpffs { path: path.into(), source: errno.into() }),
            }
        }
    }
}

/// A name as it may stand in a BPF file system, which reserves dots.
pub(crate) fn escape(name: &str) -> String {
    name.replace('%', "%25").replace('.', "%2e")
}

/// The name that [`escape`] was given.
pub(crate) fn unescape(name: &str) -> String {
    name.replace("%2e", ".").replace("%25", "%")
}

/// Folder of an instance, with the checks that its name deserves.
pub(crate) fn instance_folder(bpffs: &Path, instance: &str) -> Result<PathBuf, Error> {
    let fits = (1..=32).contains(&instance.len())
        && instance.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !fits {
        return Err(Error::InstanceName { name: instance.into() });
    }
    Ok(bpffs.join(format!("causeway-{instance}")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

    use super::*;

    #[test]
    fn interface_names_survive_escaping() {
        for name in ["cw0", "a.b", "100%.2e", "%2e", "a%25"] {
            let escaped = escape(name);
            assert!(!escaped.contains('.'));
            assert_eq!(unescape(&escaped), name);
        }
    }

    #[test]
    fn only_plain_names_name_an_instance() {
        assert!(instance_folder(Path::new("/b"), "default").is_ok());
        for bad in ["", "../x", "a.b", "A", "a/b", &"x".repeat(33)] {
            assert!(matches!(instance_folder(Path::new("/b"), bad), Err(Error::InstanceName { .. })), "{bad}");
        }
    }
}
