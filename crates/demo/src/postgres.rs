//! PostgreSQL inside a server: its own data folder, an unprivileged user, everything on its own disk in a temporary
//! folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User, chown};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use crate::DemoError;
use crate::actors::Actors;
use crate::error::machine;

/// Where Debian has the programs, one folder for each major version.
const INSTALLED: &str = "/usr/lib/postgresql";
/// Its messages, in its data folder.
const LOG: &str = "log";
/// How long a server may take until it answers.
const START: Duration = Duration::from_secs(30);
/// How long a server may take until it has stopped.
const STOP: Duration = Duration::from_secs(5);
/// How often its state is looked at: it only writes a file.
const LOOK: Duration = Duration::from_millis(20);

/// An installation and a data folder to copy: `initdb` takes a second, a copy does not.
pub(crate) struct Postgres {
    programs: PathBuf,
    version: u32,
    user: User,
    template: PathBuf,
}

/// A server at work.
pub(crate) struct PostgresServer {
    name: String,
    data: PathBuf,
    child: Child,
}

impl Postgres {
    /// The newest installed version with a user to run it as; `None` without one.
    pub(crate) fn find(folder: &Path) -> Option<Self> {
        let versions = fs::read_dir(INSTALLED).ok()?.flatten().filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse::<u32>().ok()?;
            let programs = entry.path().join("bin");
            ["postgres", "initdb", "psql"]
                .iter()
                .all(|name| programs.join(name).exists())
                .then_some((version, programs))
        });
        let (version, programs) = versions.max()?;
        let user = |name| User::from_name(name).ok().flatten();
        let user = user("postgres").or_else(|| user("nobody"))?;
        Some(Self { programs, version, user, template: folder.join("template") })
    }

    pub(crate) fn version(&self) -> u32 {
        self.version
    }

    /// Makes the data folder that servers get copies of.
    pub(crate) async fn prepare(&self, clients: &[&str]) -> Result<(), DemoError> {
        self.own_folder(&self.template)?;
        let output = self
            .program("initdb")
            .args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--pgdata"])
            .arg(&self.template)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .map_err(machine("run initdb"))?;
        if !output.status.success() {
            return Err(failed("initdb", &output.stderr));
        }
        // Only from where the story asks.
        let rules: String = clients.iter().map(|range| format!("host all all {range} trust\n")).collect();
        let path = self.template.join("pg_hba.conf");
        let mut text = fs::read_to_string(&path).map_err(machine("read pg_hba.conf"))?;
        text.push_str(&rules);
        fs::write(&path, text).map_err(machine("write pg_hba.conf"))
    }

    /// Launches a server in the namespace of `name`; [`PostgresServer::ready`] waits until it answers.
    pub(crate) async fn launch(&self, actors: &Actors, name: &str, folder: &Path) -> Result<PostgresServer, DemoError> {
        let data = folder.join(name);
        let copied = Command::new("cp")
            .args(["-a", "--"])
            .args([&self.template, &data])
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .status()
            .await
            .map_err(machine("copy a data folder"))?;
        if !copied.success() {
            return Err(DemoError::Program { program: "cp".to_owned(), why: "cannot copy a data folder".to_owned() });
        }
        let log = fs::File::create(data.join(LOG)).map_err(machine("write PostgreSQL's log"))?;
        let log_too = log.try_clone().map_err(machine("write PostgreSQL's log"))?;
        let mut command = self.program("postgres");
        command.arg("-D").arg(&data).stdout(log).stderr(log_too);
        let socket = format!("unix_socket_directories={}", data.display());
        // Small, and without a promise to survive a crash: nothing in it lasts longer than the story.
        for setting in [
            "listen_addresses=*",
            &socket,
            "fsync=off",
            "shared_buffers=8MB",
            "max_connections=10",
            "max_wal_senders=0",
            "wal_level=minimal",
            "dynamic_shared_memory_type=mmap",
            "autovacuum=off",
        ] {
            command.args(["-c", setting]);
        }
        let child = actors.spawn(name, &mut command)?;
        Ok(PostgresServer { name: name.to_owned(), data, child })
    }

    /// Asks a server from another one, as `psql` prints it without decoration.
    pub(crate) async fn query(
        &self,
        actors: &Actors,
        from: &str,
        address: &str,
        sql: &str,
    ) -> Result<Result<String, String>, DemoError> {
        let mut command = self.program("psql");
        command
            .env("PGCONNECT_TIMEOUT", "5")
            .args(["-X", "-At", "-h", address, "-U", "postgres", "-c", sql, "postgres"]);
        let output = actors.output(from, &mut command).await?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        Ok(if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) })
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        command
            .uid(self.user.uid.as_raw())
            .gid(self.user.gid.as_raw())
            .current_dir("/")
            .env_clear()
            .envs([("LANG", "C"), ("PATH", "/usr/bin:/bin")]);
        command
    }

    fn own_folder(&self, folder: &Path) -> Result<(), DemoError> {
        let what = || machine(format!("make {}", folder.display()));
        fs::create_dir_all(folder).map_err(what())?;
        chown(folder, Some(self.user.uid), Some(self.user.gid)).map_err(std::io::Error::from).map_err(what())
    }
}

impl PostgresServer {
    /// Waits until it says that it answers.
    pub(crate) async fn ready(&mut self) -> Result<(), DemoError> {
        let late = Instant::now() + START;
        loop {
            // The last line of this file is the state, as pg_ctl reads it.
            let state = fs::read_to_string(self.data.join("postmaster.pid")).unwrap_or_default();
            if state.lines().nth(7).is_some_and(|state| state.trim() == "ready") {
                return Ok(());
            }
            let ended = self.child.try_wait().map_err(machine("watch PostgreSQL"))?;
            if ended.is_some() || Instant::now() > late {
                return Err(failed("postgres", &fs::read(self.data.join(LOG)).unwrap_or_default()));
            }
            sleep(LOOK).await;
        }
    }

    /// Stops it, so that it can take away what it shares with its own processes.
    pub(crate) async fn stop(mut self) {
        if let Some(pid) = self.child.id().and_then(|pid| i32::try_from(pid).ok()) {
            // "Fast": open connections are closed. One that is gone already cannot be told.
            let _ = kill(Pid::from_raw(pid), Signal::SIGINT);
        }
        if timeout(STOP, self.child.wait()).await.is_err() {
            let _ = self.child.kill().await;
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

fn failed(program: &str, output: &[u8]) -> DemoError {
    let text = String::from_utf8_lossy(output);
    let last: Vec<&str> = text.lines().rev().take(3).collect();
    let last: Vec<&str> = last.into_iter().rev().collect();
    DemoError::Program { program: program.to_owned(), why: format!("failed: {}", last.join(" / ")) }
}
