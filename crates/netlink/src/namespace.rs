//! Named network namespaces, as `ip netns` makes them.
//!
//! A named namespace is a bind mount of the namespace's file below `/run/netns`; `ip netns exec`, `nsenter --net=` and
//! this crate find it there. It lives until the mount, the last process, socket and open file of it are gone.

use std::fmt;
use std::fs::{DirBuilder, File, OpenOptions};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io, thread};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::sys::statfs::{NSFS_MAGIC, fstatfs, statfs};

use crate::error::Context;
use crate::{Error, Object, Result};

/// Where named namespaces are.
pub const NAMESPACE_DIR: &str = "/run/netns";

/// Says which namespace is meant, without opening it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NamespaceRef {
    /// The namespace that this process's main thread is in.
    Host,
    /// A namespace below [`NAMESPACE_DIR`].
    Named(String),
    /// A namespace file anywhere, such as `/proc/PID/ns/net`.
    Path(PathBuf),
}

impl NamespaceRef {
    /// Opens it.
    ///
    /// # Errors
    /// As [`Namespace::open`].
    pub fn open(&self) -> Result<Namespace> {
        match self {
            NamespaceRef::Host => Namespace::host(),
            NamespaceRef::Named(name) => Namespace::open(name),
            NamespaceRef::Path(path) => Namespace::open_path(path),
        }
    }
}

impl fmt::Display for NamespaceRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NamespaceRef::Host => f.write_str("host"),
            NamespaceRef::Named(name) => f.write_str(name),
            NamespaceRef::Path(path) => write!(f, "{}", path.display()),
        }
    }
}

/// What tells two namespaces of one machine apart while both exist: device and inode of the namespace's file.
/// The kernel reuses inodes, so it says nothing about a namespace that is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NamespaceId {
    device: u64,
    inode: u64,
}

impl NamespaceId {
    pub(crate) fn of(metadata: &fs::Metadata) -> Self {
        NamespaceId { device: metadata.dev(), inode: metadata.ino() }
    }
}

/// An open network namespace. Cheap to clone; keeps the namespace alive even when its name is removed.
#[derive(Debug, Clone)]
pub struct Namespace {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    file: File,
    label: String,
    id: NamespaceId,
}

impl Namespace {
    /// Makes the namespace `name` and opens it. Its loopback interface is down and nothing else is in it.
    ///
    /// # Errors
    /// [`Error::Refused`] with EEXIST when the name is taken; [`Error::Invalid`] for a bad name;
    /// [`Error::Refused`] with EPERM without CAP_SYS_ADMIN.
    pub fn create(name: &str) -> Result<Self> {
        let path = named_path(name)?;
        let object = || Object::Namespace(name.to_owned());
        let _lock = shared_directory().context("prepare the folder of", object)?;
        if is_leftover(&path) {
            // A creator that died between making the file and mounting on it leaves a plain empty file.
            fs::remove_file(&path).context("clear the remains of", object)?;
        }
        OpenOptions::new().read(true).write(true).create_new(true).mode(0o000).open(&path).context("create", object)?;
        let mounted = thread::scope(|scope| {
            let thread = thread::Builder::new().name("netns-new".into()).spawn_scoped(scope, || {
                unshare(CloneFlags::CLONE_NEWNET)?;
                // `/proc/self` would be the main thread's.
                mount(Some("/proc/thread-self/ns/net"), &path, None::<&str>, MsFlags::MS_BIND, None::<&str>)
            })?;
            thread.join().unwrap_or(Err(Errno::EIO)).map_err(io::Error::from)
        });
        if let Err(error) = mounted {
            let _ = fs::remove_file(&path);
            return Err(error).context("create", object);
        }
        Self::open_as(&path, name.to_owned())
    }

    /// Opens the namespace `name`, making it first if need be. The flag says whether it was made.
    ///
    /// # Errors
    /// As [`Namespace::create`] and [`Namespace::open`].
    pub fn ensure(name: &str) -> Result<(Self, bool)> {
        match Self::open(name) {
            Err(error) if error.is_not_found() => match Self::create(name) {
                // Somebody else was faster.
                Err(error) if error.errno() == Some(Errno::EEXIST) => Ok((Self::open(name)?, false)),
                made => Ok((made?, true)),
            },
            opened => Ok((opened?, false)),
        }
    }

    /// Opens the namespace `name` below [`NAMESPACE_DIR`].
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none, also when there is a file of that name that is no namespace.
    pub fn open(name: &str) -> Result<Self> {
        Self::open_as(&named_path(name)?, name.to_owned())
    }

    /// Opens a namespace by the path of its file, such as `/proc/PID/ns/net`.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none.
    pub fn open_path(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Self::open_as(path, path.display().to_string())
    }

    /// Opens the namespace of this process (of its main thread).
    ///
    /// # Errors
    /// [`Error::Refused`] without `/proc`.
    pub fn host() -> Result<Self> {
        Self::open_as(Path::new("/proc/self/ns/net"), "host".to_owned())
    }

    fn open_as(path: &Path, label: String) -> Result<Self> {
        let object = || Object::Namespace(label.clone());
        let file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Error::NotFound(object())),
            opened => opened.context("open", object)?,
        };
        let kind = fstatfs(&file).context("open", object)?.filesystem_type();
        if kind != NSFS_MAGIC {
            return Err(Error::NotFound(object()));
        }
        let id = NamespaceId::of(&file.metadata().context("open", object)?);
        Ok(Namespace { inner: Arc::new(Inner { file, label, id }) })
    }

    /// Removes the name. The namespace itself goes, with all links in it, when nothing uses it any more: end its
    /// processes first ([`crate::end_processes`]). `false` when there was no such name.
    ///
    /// # Errors
    /// [`Error::Refused`] without CAP_SYS_ADMIN.
    pub fn remove(name: &str) -> Result<bool> {
        let path = named_path(name)?;
        let object = || Object::Namespace(name.to_owned());
        if let Err(error) = fs::symlink_metadata(&path) {
            return if error.kind() == io::ErrorKind::NotFound {
                Ok(false)
            } else {
                Err(error).context("remove", object)
            };
        }
        let _lock = shared_directory().context("prepare the folder of", object)?;
        loop {
            match umount2(&path, MntFlags::MNT_DETACH) {
                Ok(()) => {} // Mounts can be stacked: until there is none.
                Err(Errno::EINVAL | Errno::ENOENT) => break,
                Err(errno) => return Err(errno).context("unmount", object),
            }
        }
        match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            removed => removed.context("remove", object).map(|()| true),
        }
    }

    /// Gives the namespace `from` the name `to`; processes and links in it notice nothing. `false` when there is no
    /// namespace `from`, or there is one named `to` already.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a bad name; [`Error::Refused`] without CAP_SYS_ADMIN.
    pub fn rename(from: &str, to: &str) -> Result<bool> {
        let (old, new) = (named_path(from)?, named_path(to)?);
        let object = || Object::Namespace(from.to_owned());
        {
            let _lock = shared_directory().context("prepare the folder of", object)?;
            if !is_namespace(&old) || is_namespace(&new) {
                return Ok(false);
            }
            if is_leftover(&new) {
                fs::remove_file(&new).context("clear the remains of", object)?;
            }
            OpenOptions::new().write(true).create_new(true).mode(0o000).open(&new).context("rename", object)?;
            let none = None::<&str>;
            if let Err(errno) = mount(Some(&old), &new, none, MsFlags::MS_BIND, none) {
                let _ = fs::remove_file(&new);
                return Err(errno).context("rename", object);
            }
        }
        Self::remove(from)
    }

    /// Whether there is a namespace of that name.
    #[must_use]
    pub fn exists(name: &str) -> bool {
        named_path(name).is_ok_and(|path| is_namespace(&path))
    }

    /// Names of all namespaces that begin with `prefix`, sorted.
    ///
    /// # Errors
    /// [`Error::Refused`] when the folder cannot be read. No folder, no names.
    pub fn list(prefix: &str) -> Result<Vec<String>> {
        let object = || Object::Namespace(format!("{prefix}*"));
        let entries = match fs::read_dir(NAMESPACE_DIR) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.context("list", object)?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.context("list", object)?;
            if let Some(name) = entry.file_name().to_str()
                && name.starts_with(prefix)
                && is_namespace(&entry.path())
            {
                names.push(name.to_owned());
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// How messages call it: its name, its path, or `host`.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.inner.label
    }

    /// What tells it apart from other namespaces.
    #[must_use]
    pub fn id(&self) -> NamespaceId {
        self.inner.id
    }

    pub(crate) fn object(&self) -> Object {
        Object::Namespace(self.inner.label.clone())
    }
}

impl AsFd for Namespace {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.file.as_fd()
    }
}

/// Two handles are equal when they are the same namespace, however they were opened.
impl PartialEq for Namespace {
    fn eq(&self, other: &Self) -> bool {
        self.inner.id == other.inner.id
    }
}

impl Eq for Namespace {}

fn named_path(name: &str) -> Result<PathBuf> {
    let why = if name.is_empty() {
        "it is empty"
    } else if name.len() > 255 {
        "it is longer than 255 bytes"
    } else if name == "." || name == ".." || name.contains(['/', '\0']) {
        "it is no plain file name"
    } else {
        return Ok(Path::new(NAMESPACE_DIR).join(name));
    };
    Err(Error::Invalid { what: "namespace name", value: name.to_owned(), why })
}

fn is_namespace(path: &Path) -> bool {
    statfs(path).is_ok_and(|found| found.filesystem_type() == NSFS_MAGIC)
}

fn is_leftover(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_file() && found.len() == 0) && !is_namespace(path)
}

/// Makes the folder a shared mount, as `ip netns` does, so that names made here and removed here also appear in and
/// vanish from other mount namespaces; otherwise a process there would keep a removed namespace alive. The lock (the
/// one `ip netns` takes) keeps two processes from stacking mounts.
fn shared_directory() -> io::Result<Flock<File>> {
    DirBuilder::new().recursive(true).mode(0o755).create(NAMESPACE_DIR)?;
    let folder = File::open(NAMESPACE_DIR)?;
    let lock = Flock::lock(folder, FlockArg::LockExclusive).map_err(|(_, errno)| io::Error::from(errno))?;
    let none = None::<&str>;
    let shared = || mount(none, NAMESPACE_DIR, none, MsFlags::MS_SHARED | MsFlags::MS_REC, none);
    match shared() {
        Err(Errno::EINVAL) => {
            // Not a mount point yet.
            mount(Some(NAMESPACE_DIR), NAMESPACE_DIR, none, MsFlags::MS_BIND | MsFlags::MS_REC, none)?;
            shared()?;
        }
        done => done?,
    }
    Ok(lock)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
    use super::*;
    use crate::testing::{root, unique};

    #[test]
    fn names_that_leave_the_folder_are_refused() {
        for name in ["", ".", "..", "a/b", "a\0b", &"x".repeat(256)] {
            assert!(matches!(Namespace::create(name), Err(Error::Invalid { .. })), "{name:?}");
            assert!(!Namespace::exists(name));
        }
    }

    #[test]
    fn a_namespace_is_made_found_by_ip_and_removed() {
        root!();
        let name = unique("life");
        assert!(!Namespace::exists(&name));
        assert!(Namespace::open(&name).is_err_and(|e| e.is_not_found()));
        let made = Namespace::create(&name).unwrap();
        assert_ne!(made, Namespace::host().unwrap());
        assert_eq!(made, Namespace::open_path(format!("{NAMESPACE_DIR}/{name}")).unwrap());
        assert_eq!(Namespace::create(&name).unwrap_err().errno(), Some(Errno::EEXIST));
        assert!(!Namespace::ensure(&name).unwrap().1);
        assert_eq!(Namespace::list(&name).unwrap(), [name.as_str()]);
        let shown = std::process::Command::new("ip").args(["netns", "exec", &name, "ip", "-br", "link"]).output();
        assert!(String::from_utf8(shown.unwrap().stdout).unwrap().starts_with("lo "));
        assert!(Namespace::remove(&name).unwrap());
        assert!(!Namespace::remove(&name).unwrap());
        assert!(!Namespace::exists(&name));
    }

    #[test]
    fn a_new_name_takes_the_namespace_with_it() {
        root!();
        let (old, new) = (unique("old"), unique("new"));
        let made = Namespace::create(&old).unwrap();
        assert!(Namespace::rename(&old, &new).unwrap());
        assert!(!Namespace::exists(&old));
        assert_eq!(Namespace::open(&new).unwrap(), made);
        assert!(!Namespace::rename(&old, &new).unwrap());
        assert!(Namespace::remove(&new).unwrap());
    }

    #[test]
    fn the_remains_of_a_creator_that_died_are_replaced() {
        root!();
        let name = unique("dead");
        drop(shared_directory().unwrap());
        fs::write(Path::new(NAMESPACE_DIR).join(&name), "").unwrap();
        assert!(!Namespace::exists(&name));
        assert!(Namespace::list(&name).unwrap().is_empty());
        assert!(Namespace::ensure(&name).unwrap().1);
        assert!(Namespace::remove(&name).unwrap());
    }

    #[test]
    fn many_creators_of_one_name_agree() {
        root!();
        let name = unique("race");
        let made: usize = thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| Namespace::ensure(&name).unwrap().1)).collect();
            threads.into_iter().map(|t| usize::from(t.join().unwrap())).sum()
        });
        assert_eq!(made, 1);
        assert!(Namespace::remove(&name).unwrap());
    }

    #[test]
    fn the_calling_thread_stays_where_it_is() {
        root!();
        let name = unique("stay");
        let made = Namespace::create(&name).unwrap();
        let inside = crate::run_in(&made, || Namespace::open_path("/proc/thread-self/ns/net").unwrap().id()).unwrap();
        assert_eq!(inside, made.id());
        assert_ne!(Namespace::open_path("/proc/thread-self/ns/net").unwrap().id(), made.id());
        Namespace::remove(&name).unwrap();
    }
}
