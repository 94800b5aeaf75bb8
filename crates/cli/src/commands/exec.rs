//! `causeway exec`.

use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, setns, unshare};

use crate::app::{App, is_root};
use crate::failure::{Failure, Result};

/// Where named network namespaces are.
const NAMESPACES: &str = "/run/netns";

/// What to run where.
#[derive(Debug, Args)]
#[command(after_help = "\
Enters the network namespace of the server, which must run on this machine; needs root. Files and processes are those of \
the machine. The command sees the server's name in CAUSEWAY_SERVER; the exit code is the command's.

Examples:
  causeway exec ECS-A01 -- ping -c 3 172.17.0.21
  causeway exec ECS-A01 -- psql -h 172.17.0.21 -U postgres
  causeway exec ECS-A01")]
pub(crate) struct ExecArgs {
    /// Name or id
    server: String,
    /// The command and its arguments; a shell if none is given
    #[arg(last = true, value_name = "CMD")]
    command: Vec<String>,
}

/// A server that can be entered.
#[derive(Debug)]
pub(crate) struct Entry {
    server: String,
    namespace: PathBuf,
    command: Vec<String>,
}

/// Finds the server's namespace.
pub(crate) async fn prepare(args: ExecArgs, app: &App) -> Result<Entry> {
    let session = app.session().await?;
    let server = session.server(&args.server).await?;
    let Some(namespace) = server.namespace.filter(|name| !name.is_empty()) else {
        return Err(Failure::refused(format!(
            "there is nothing to enter: {} is computed by the simulator, which has no namespaces",
            server.name
        ))
        .hint("start the server as root with `causeway serve --datapath kernel`; `causeway trace` works with both"));
    };
    let namespace = Path::new(NAMESPACES).join(namespace);
    if !namespace.exists() {
        return Err(match server.status.as_str() {
            "SHUTOFF" => Failure::refused(format!("{} is stopped", server.name))
                .hint(format!("causeway server start {}", server.name)),
            _ => Failure::refused(format!(
                "{} does not run on this machine: there is no {}",
                server.name,
                namespace.display()
            )),
        });
    }
    if !is_root() {
        return Err(Failure::forbidden("only root can enter a network namespace").hint("run it again with sudo"));
    }
    let command = if args.command.is_empty() {
        vec![std::env::var("SHELL").ok().filter(|shell| !shell.is_empty()).unwrap_or_else(|| "/bin/sh".to_owned())]
    } else {
        args.command
    };
    Ok(Entry { server: server.name, namespace, command })
}

impl Entry {
    /// Becomes the command, inside. Returns only if that cannot be done. The process must have one thread.
    pub(crate) fn enter(self) -> Failure {
        if let Err(error) = self.enter_namespace() {
            return Failure::internal(format!("cannot enter {}: {error}", self.namespace.display()));
        }
        // What is under /sys is the namespace's that mounted it. Without its own view of it a command still works, but
        // sees the machine's interfaces there.
        let _ = own_sysfs();
        let [program, arguments @ ..] = self.command.as_slice() else {
            return Failure::usage("no command is given");
        };
        let error = Command::new(program).args(arguments).env("CAUSEWAY_SERVER", &self.server).exec();
        match error.kind() {
            io::ErrorKind::NotFound => Failure::not_found(format!("there is no command `{program}` on this machine")),
            io::ErrorKind::PermissionDenied => Failure::forbidden(format!("`{program}` cannot be run: {error}")),
            _ => Failure::internal(format!("`{program}` cannot be run: {error}")),
        }
    }

    fn enter_namespace(&self) -> io::Result<()> {
        Ok(setns(File::open(&self.namespace)?, CloneFlags::CLONE_NEWNET)?)
    }
}

/// Mounts the namespace's own /sys, for this process alone.
fn own_sysfs() -> nix::Result<()> {
    const NONE: Option<&str> = None;
    unshare(CloneFlags::CLONE_NEWNS)?;
    mount(NONE, "/", NONE, MsFlags::MS_SLAVE | MsFlags::MS_REC, NONE)?;
    umount2("/sys", MntFlags::MNT_DETACH)?;
    mount(Some("sysfs"), "/sys", Some("sysfs"), MsFlags::empty(), NONE)?;
    // Mounted below /sys before; some commands look at them.
    let _ = mount(Some("bpf"), "/sys/fs/bpf", Some("bpf"), MsFlags::empty(), NONE);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing;

    #[test]
    fn help() {
        insta::assert_snapshot!(testing::help(&["exec"]));
    }
}
