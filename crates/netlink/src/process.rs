//! Processes that are in a namespace, found and ended before the namespace is removed.

use std::fs;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::error::Context;
use crate::namespace::NamespaceId;
use crate::{Namespace, Object, Result};

/// How long processes that were killed may take to be gone; more means that the kernel holds them.
const KILL_PATIENCE: Duration = Duration::from_secs(10);

/// Processes (not threads) whose main thread is in `namespace`, in ascending order, without this process. Zombies are
/// in no namespace.
///
/// # Errors
/// [`crate::Error::Refused`] when `/proc` cannot be read.
pub fn processes_in(namespace: &Namespace) -> Result<Vec<i32>> {
    let own = i32::try_from(std::process::id()).unwrap_or_default();
    let mut pids = Vec::new();
    for entry in fs::read_dir("/proc").context("list the processes of", || namespace.object())? {
        let entry = entry.context("list the processes of", || namespace.object())?;
        if let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok())
            && pid != own
            && is_in(pid, namespace)
        {
            pids.push(pid);
        }
    }
    pids.sort_unstable();
    Ok(pids)
}

/// Ends all processes in `namespace`: SIGTERM, and SIGKILL to those that are still there after `grace`. Returns how many
/// there were. Also catches what they start meanwhile. This process is spared.
///
/// # Errors
/// [`crate::Error::Refused`] when a process may not be signalled (EPERM), or is not gone 10 s after SIGKILL (ETIMEDOUT).
pub fn end_processes(namespace: &Namespace, grace: Duration) -> Result<usize> {
    let start = Instant::now();
    let mut ended = 0;
    let mut asked = Vec::new();
    loop {
        let killing = start.elapsed() >= grace;
        let mut waiting = Vec::new();
        for pid in processes_in(namespace)? {
            let Some(process) = PidFd::open(pid)? else { continue };
            // Only now is it certain that the number is not another process's.
            if !is_in(pid, namespace) {
                continue;
            }
            if !asked.contains(&pid) {
                asked.push(pid);
                ended += 1;
                process.signal(if killing { libc::SIGKILL } else { libc::SIGTERM })?;
            } else if killing {
                process.signal(libc::SIGKILL)?;
            }
            waiting.push(process);
        }
        let Some(first) = waiting.first() else { return Ok(ended) };
        let patience = if killing { grace.saturating_add(KILL_PATIENCE) } else { grace };
        let left = patience.saturating_sub(start.elapsed());
        if killing && left.is_zero() {
            return Err(Errno::ETIMEDOUT).context("kill", || Object::Process(first.pid));
        }
        // One by one: each wait is for an event, and the next look finds who is left.
        first.wait(left)?;
    }
}

fn is_in(pid: i32, namespace: &Namespace) -> bool {
    fs::metadata(format!("/proc/{pid}/ns/net")).is_ok_and(|found| NamespaceId::of(&found) == namespace.id())
}

/// A process by file descriptor: unlike its number it never comes to mean another process.
struct PidFd {
    pid: i32,
    fd: OwnedFd,
}

impl PidFd {
    /// `None` when there is no such process.
    fn open(pid: i32) -> Result<Option<Self>> {
        match pidfd_open(pid) {
            Ok(fd) => Ok(Some(PidFd { pid, fd })),
            Err(Errno::ESRCH | Errno::EINVAL) => Ok(None),
            Err(errno) => Err(errno).context("open", || Object::Process(pid)),
        }
    }

    fn signal(&self, signal: i32) -> Result<()> {
        match pidfd_send_signal(self.fd.as_raw_fd(), signal) {
            Err(Errno::ESRCH) => Ok(()),
            done => done.context("signal", || Object::Process(self.pid)),
        }
    }

    /// Until it has ended or the time is over.
    fn wait(&self, time: Duration) -> Result<()> {
        let timeout = PollTimeout::try_from(time.max(Duration::from_millis(1))).unwrap_or(PollTimeout::MAX);
        match poll(&mut [PollFd::new(self.fd.as_fd(), PollFlags::POLLIN)], timeout) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(errno) => Err(errno).context("wait for", || Object::Process(self.pid)),
        }
    }
}

// `nix` and the stable standard library have neither call.

#[allow(unsafe_code, reason = "no library in use wraps the call")]
fn pidfd_open(pid: i32) -> nix::Result<OwnedFd> {
    // SAFETY: `pidfd_open(pid_t, unsigned int)` takes two integers and touches no memory of ours.
    let fd = Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) })?;
    let fd = RawFd::try_from(fd).map_err(|_| Errno::EBADF)?;
    // SAFETY: the kernel has just made this descriptor for us, so it is open and nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

#[allow(unsafe_code, reason = "no library in use wraps the call")]
fn pidfd_send_signal(fd: RawFd, signal: i32) -> nix::Result<()> {
    let no_info = std::ptr::null::<libc::siginfo_t>();
    // SAFETY: `pidfd_send_signal(int, int, siginfo_t *, unsigned int)` reads the info only when it is not null; the
    // descriptor is checked by the kernel.
    Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_send_signal, fd, signal, no_info, 0) }).map(drop)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
    use std::io::Read;
    use std::os::unix::process::ExitStatusExt;
    use std::process::{Child, Command};

    use super::*;
    use crate::run_in;
    use crate::testing::{TestNamespace, root};

    fn start(namespace: &Namespace, script: &str) -> Child {
        run_in(namespace, || Command::new("sh").args(["-c", script]).spawn().unwrap()).unwrap()
    }

    #[test]
    fn only_processes_of_the_namespace_are_found() {
        root!();
        let (here, there) = (TestNamespace::new("pid"), TestNamespace::new("pid2"));
        let (mut a, mut b) = (start(&here, "exec sleep 60"), start(&there, "exec sleep 60"));
        assert_eq!(processes_in(&here).unwrap(), [i32::try_from(a.id()).unwrap()]);
        assert_eq!(end_processes(&here, Duration::from_secs(5)).unwrap(), 1);
        assert_eq!(a.wait().unwrap().signal(), Some(libc::SIGTERM));
        assert!(b.try_wait().unwrap().is_none());
        assert_eq!(end_processes(&there, Duration::ZERO).unwrap(), 1);
        assert_eq!(b.wait().unwrap().signal(), Some(libc::SIGKILL));
        assert_eq!(end_processes(&here, Duration::ZERO).unwrap(), 0);
    }

    #[test]
    fn a_process_that_ignores_the_request_is_killed_after_the_grace() {
        root!();
        let ns = TestNamespace::new("deaf");
        let (mut ready, tell) = std::io::pipe().unwrap();
        let script = "trap '' TERM; echo; while :; do sleep 60; done";
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdout(tell);
        let mut child = run_in(&ns, || command.spawn().unwrap()).unwrap();
        ready.read_exact(&mut [0]).unwrap();
        assert!(end_processes(&ns, Duration::from_millis(100)).unwrap() >= 1);
        assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGKILL));
        assert!(processes_in(&ns).unwrap().is_empty());
    }
}
