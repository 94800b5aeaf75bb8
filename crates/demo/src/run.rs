//! From the start of the server to the look at what is left of it.

use std::fs::Permissions;
use std::future::Future;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use server::{Credentials, DatapathChoice, FileConfig, Mark, Marker, NamedId, ProjectCredentials, ServerOptions};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::sleep;

use crate::database::Databases;
use crate::error::machine;
use crate::tell::Teller;
use crate::topology::{CIDR_A, CIDR_C, ECS_A01, RDS_B01, Topology};
use crate::world::{World, operator};
use crate::{DemoError, leftovers, story};

/// How long the temporary folder may resist.
const LAST_FILES: Duration = Duration::from_secs(5);

/// How to demonstrate.
#[derive(Clone, Copy, Debug, Default)]
pub struct DemoOptions {
    /// Keep everything up after the story, until Ctrl-C.
    pub stay: bool,
    /// Which data plane.
    pub datapath: DatapathChoice,
}

/// How it went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DemoOutcome {
    /// What differed from what was expected, and what was left on the machine, in order.
    pub differences: Vec<String>,
    /// The story was not told to its end.
    pub interrupted: bool,
    /// From the first to the last line.
    pub elapsed: Duration,
}

impl DemoOutcome {
    /// Whether all was as expected to the end.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.differences.is_empty() && !self.interrupted
    }
}

/// Demonstrates; writes the story to standard output. Ctrl-C, SIGTERM and SIGHUP end it early; everything is taken
/// away then too.
///
/// # Errors
/// [`DemoError`] when it could not go on; everything was taken away nevertheless, as far as the machine let it.
pub async fn run(options: DemoOptions) -> Result<DemoOutcome, DemoError> {
    let begun = Instant::now();
    let mut stop = Stop::new()?;
    let mut tell = Teller::new();
    let topology = Topology::read()?;
    let folder = tempfile::Builder::new().prefix("causeway-demo-").tempdir().map_err(machine("make a folder"))?;
    // The databases' user must get through to its own folder.
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o711)).map_err(machine("open the folder"))?;

    tell.title("Causeway: two VPCs, one peering connection");
    tell.step(1, "A server starts in this process, with a temporary data folder");
    tell.busy("loading the data plane");
    let databases = Databases::find(folder.path());
    let starting = server::start(ServerOptions {
        data: folder.path().join("server"),
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        tls: None,
        datapath: options.datapath,
        config: FileConfig::default(),
    });
    let preparing = async {
        // Without packets nobody could ask the databases.
        let packets = options.datapath != DatapathChoice::Sim && nix::unistd::geteuid().is_root();
        if packets { databases.prepare(&[CIDR_A, CIDR_C]).await } else { Ok(()) }
    };
    // Neither is dropped half-way: what a server makes on the machine would stay.
    let (server, prepared) = tokio::join!(starting, preparing);
    let server = server?;
    let mut world = match operator(&server) {
        Ok(operator) => World::new(server, operator, topology, databases),
        Err(error) => {
            server.stop_and_remove().await?;
            return Err(error);
        }
    };
    tell.check(true, &format!("API at {}, instance {}", world.server.endpoint(), world.server.instance()));
    tell.say(&format!("data plane: {}", world.server.note()));
    if !world.has_packets() && options.datapath != DatapathChoice::Sim {
        tell.say("Without packets the story is told with traces alone; run it as root to see packets.");
    }

    let told = stop.or(narrate(&mut world, &mut tell, prepared)).await;
    let interrupted = told.is_none();
    let mut told = told.unwrap_or(Ok(()));
    if interrupted {
        tell.say("Interrupted.");
    } else if told.is_ok() && options.stay {
        told = stay(&mut world, &mut tell, &mut stop, folder.path()).await;
    }

    tell.step(6, "Everything is taken away");
    take_away(world, &mut tell, folder).await;
    told?;
    let outcome = DemoOutcome { differences: tell.differences().to_vec(), interrupted, elapsed: begun.elapsed() };
    conclude(&outcome, &mut tell);
    Ok(outcome)
}

async fn narrate(world: &mut World, tell: &mut Teller, databases: Result<(), DemoError>) -> Result<(), DemoError> {
    databases?;
    story::build(world, tell).await?;
    story::peer(world, tell).await?;
    story::cross_account(world, tell).await?;
    story::delete(world, tell).await
}

/// Stops all and looks what is left.
async fn take_away(world: World, tell: &mut Teller, folder: tempfile::TempDir) {
    tell.busy("stopping databases and server");
    let World { server, mut databases, actors, .. } = world;
    let (instance, kernel) = (server.instance().to_owned(), server.is_kernel());
    databases.stop().await;
    let mut left = Vec::new();
    if let Err(error) = server.stop_and_remove().await {
        left.push(error.to_string());
    }
    if kernel {
        left.extend(leftovers::find(&instance, &actors));
    }
    drop(actors);
    if let Err(error) = remove(folder).await {
        left.push(format!("the temporary folder: {error}"));
    }
    if left.is_empty() {
        tell.check(
            true,
            &if kernel {
                format!("no namespace, link, pin or process of instance {instance} is left, and no file")
            } else {
                "no file is left".to_owned()
            },
        );
    }
    for what in &left {
        tell.check(false, &format!("left on the machine: {what}"));
    }
}

/// Removes the folder. A program that was killed a moment ago may still put a last file into it.
async fn remove(folder: tempfile::TempDir) -> std::io::Result<()> {
    let path = folder.keep();
    let late = Instant::now() + LAST_FILES;
    loop {
        match std::fs::remove_dir_all(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound && Instant::now() < late => sleep(LAST_FILES / 50).await,
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => return Ok(()),
        }
    }
}

fn conclude(outcome: &DemoOutcome, tell: &mut Teller) {
    let seconds = outcome.elapsed.as_secs_f32();
    match outcome.differences.as_slice() {
        [] if outcome.interrupted => tell.end(false, &format!("Interrupted after {seconds:.1} s.")),
        [] => tell.end(true, &format!("All was as it should be, in {seconds:.1} s.")),
        differences => {
            let title = match differences.len() {
                1 => "One thing was not as it should be:".to_owned(),
                many => format!("{many} things were not as they should be:"),
            };
            tell.end(false, &title);
            tell.block(differences);
        }
    }
}

/// Keeps everything up for exploring.
async fn stay(world: &mut World, tell: &mut Teller, stop: &mut Stop, folder: &Path) -> Result<(), DemoError> {
    match stop.or(story::restore(world, tell)).await {
        Some(done) => done?,
        None => return Ok(()),
    }
    let _mark = match leave_mark(world, folder) {
        Ok(mark) => Some(mark),
        Err(error) => {
            tell.say(&format!("Other terminals do not find the server by themselves: {error}"));
            None
        }
    };
    tell.say("");
    tell.say("Everything stays up until Ctrl-C. In another terminal, as account A:");
    let mut commands = vec![
        "causeway status".to_owned(),
        format!("causeway trace {ECS_A01} {RDS_B01} tcp/5432"),
        "causeway reach --measure".to_owned(),
        "causeway peering list".to_owned(),
    ];
    if world.has_packets() {
        commands.push(format!("causeway exec {ECS_A01} -- ping {}", world.address(RDS_B01)));
    }
    tell.block(&commands.iter().map(|command| format!("  {command}")).collect::<Vec<_>>());
    if let Some(account) = &world.account_a {
        let project = account.projects.iter().find(|project| project.name == world.topology.defaults.region);
        tell.say("or, where the server is not found by itself, with:");
        tell.block(&[
            format!("  export CAUSEWAY_ENDPOINT={}", world.server.endpoint()),
            format!("  export CAUSEWAY_ACCESS_KEY={}", account.access_key.access),
            format!("  export CAUSEWAY_SECRET_KEY={}", account.access_key.secret),
            format!("  export CAUSEWAY_PROJECT_ID={}", project.map_or("", |project| project.id.as_str())),
        ]);
    }
    stop.came().await;
    Ok(())
}

/// Lets the command line find the server, as account A.
fn leave_mark(world: &World, folder: &Path) -> Result<Mark, std::io::Error> {
    let account = world.account_a.as_ref().ok_or_else(|| std::io::Error::other("there is no account yet"))?;
    let data = folder.join("account-a");
    std::fs::create_dir(&data)?;
    std::fs::set_permissions(&data, Permissions::from_mode(0o700))?;
    let named = |id: &str, name: &str| NamedId { id: id.to_owned(), name: name.to_owned() };
    let project = |project: &client::types::AccountProject| ProjectCredentials {
        region: project.name.clone(),
        id: project.id.clone(),
        name: project.name.clone(),
    };
    let credentials = Credentials {
        endpoint: world.server.endpoint().to_owned(),
        tls: None,
        domain: named(&account.account.id, &account.account.name),
        user: named(&account.user.id, &account.user.name),
        password: account.user.password.clone(),
        access_key: account.access_key.access.clone(),
        secret_key: account.access_key.secret.clone(),
        projects: account.projects.iter().map(project).collect(),
    };
    credentials.write(&data)?;
    let environment = |name: &str| std::env::var(name).ok();
    let marks = Marker::folder(nix::unistd::geteuid().is_root(), &environment);
    let marker = Marker { endpoint: world.server.endpoint().to_owned(), data };
    marker.leave(&marks, &format!("demo-{}", world.server.instance()))
}

/// Ctrl-C, SIGTERM, and the end of the terminal. Once made, none of them ends the process any more.
struct Stop {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Stop {
    fn new() -> Result<Self, DemoError> {
        let listen = |kind| signal(kind).map_err(machine("listen for signals"));
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hang_up: listen(SignalKind::hangup())?,
        })
    }

    async fn came(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }

    /// Does `work` unless a signal comes first.
    async fn or<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.came() => None,
            done = work => Some(done),
        }
    }
}
