//! One run of the command.

use std::process::ExitCode;

use clap::Parser;
use nix::unistd::Uid;
use tokio::runtime::Runtime;

use crate::args::{Cli, Command};
use crate::commands;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::{self, Printer};
use crate::session::Session;
use crate::settings::{Flags, Profiles, Settings, find_local};

/// What every command works with.
#[derive(Clone, Debug)]
pub(crate) struct App {
    /// Prints results.
    pub(crate) printer: Printer,
    /// Flags that all commands have.
    pub(crate) flags: Flags,
}

/// A variable of the environment, if it is set and UTF-8.
pub(crate) fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Whether the caller is root.
pub(crate) fn is_root() -> bool {
    Uid::effective().is_root()
}

impl App {
    /// The profiles of the caller.
    pub(crate) fn profiles(&self) -> Result<Profiles> {
        Profiles::read(Profiles::default_path(&environment))
    }

    /// Where to call, as whom.
    pub(crate) fn settings(&self, profiles: &Profiles) -> Result<Settings> {
        Settings::resolve(&self.flags, &environment, profiles, |endpoint| find_local(is_root(), &environment, endpoint))
    }

    /// Begins to talk to the server.
    pub(crate) async fn session(&self) -> Result<Session> {
        Session::open(&self.settings(&self.profiles()?)?).await
    }
}

/// Runs the command of the process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    // Prints help, versions and mistakes itself and ends with 0 or 2.
    let cli = Cli::parse();
    match run(cli) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            output::fail(&failure);
            failure.exit.into()
        }
    }
}

fn run(cli: Cli) -> Result<Exit> {
    let app = App { printer: Printer::new(cli.global.output), flags: cli.global.flags() };
    let runtime = Runtime::new().map_err(|error| Failure::internal(format!("cannot start: {error}")))?;
    let exit = match cli.command {
        Command::Exec(args) => {
            let entry = runtime.block_on(commands::exec::prepare(args, &app))?;
            // The namespace is entered by one thread, which must be the only one.
            drop(runtime);
            return Err(entry.enter());
        }
        command => runtime.block_on(dispatch(command, &app)),
    };
    // A thread that waits for input that never comes must not hold the process.
    runtime.shutdown_background();
    exit
}

async fn dispatch(command: Command, app: &App) -> Result<Exit> {
    match command {
        Command::Demo(args) => commands::demo::run(args, app).await,
        Command::Serve(args) => commands::serve::run(args, app).await,
        Command::Apply(args) => commands::apply::run(args, app).await,
        Command::Down(args) => commands::down::run(args, app).await,
        Command::Status => commands::status::run(app).await,
        Command::Trace(args) => commands::trace::run(args, app).await,
        Command::Doctor(args) => commands::doctor::run(args, app).await,
        Command::Reach(args) => commands::reach::run(args, app).await,
        Command::Check(args) => commands::check::run(args, app).await,
        // Runs without a runtime.
        Command::Exec(_) => Ok(Exit::Done),
        Command::Vpc(args) => commands::vpc::run(args.command, app).await,
        Command::Subnet(args) => commands::subnet::run(args.command, app).await,
        Command::Peering(args) => commands::peering::run(args.command, app).await,
        Command::RouteTable(args) => commands::route_table::run(args.command, app).await,
        Command::Route(args) => commands::route::run(args.command, app).await,
        Command::Server(args) => commands::server::run(args.command, app).await,
        Command::Vip(args) => commands::vip::run(args.command, app).await,
        Command::SecurityGroup(args) => commands::security_group::run(args.command, app).await,
        Command::NetworkAcl(args) => commands::network_acl::run(args.command, app).await,
        Command::AddressGroup(args) => commands::address_group::run(args.command, app).await,
        Command::Tag(args) => commands::tag::run(args.command, app).await,
        Command::Account(args) => commands::account::run(args.command, app).await,
        Command::Events(args) => commands::events::run(args, app).await,
        Command::User(args) => commands::user::run(args.command, app).await,
        Command::AccessKey(args) => commands::access_key::run(args.command, app).await,
        Command::Policy(args) => commands::policy::run(args.command, app).await,
        Command::Config(args) => commands::config::run(args.command, app),
        Command::Completion(args) => commands::completion::run(args, app),
        Command::Version => commands::version::run(app),
    }
}
