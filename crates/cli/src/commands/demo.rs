//! `causeway demo`.

use clap::Args;
use demo::{DemoError, DemoOptions};
use server::{DatapathChoice, StartError};

use crate::app::App;
use crate::exit::Exit;
use crate::failure::{Failure, Result, chain};

/// How to show it.
#[derive(Debug, Args)]
#[command(after_help = "\
Starts a server in this process with a temporary folder, makes two VPCs with four servers through the public API, and \
shows with real packets what a peering connection does. Everything is taken away at the end. The exit code is 1 if \
anything was not as expected.

Examples:
  causeway demo
  causeway demo --stay
  causeway demo --datapath sim")]
pub(crate) struct DemoArgs {
    /// Keep everything up afterwards, until Ctrl-C
    #[arg(long)]
    stay: bool,
    /// What forwards packets: auto, kernel or sim
    #[arg(long, value_name = "KIND", default_value_t)]
    datapath: DatapathChoice,
}

/// Does it.
pub(crate) async fn run(args: DemoArgs, _app: &App) -> Result<Exit> {
    let options = DemoOptions { stay: args.stay, datapath: args.datapath };
    match demo::run(options).await {
        Ok(outcome) if outcome.is_good() => Ok(Exit::Done),
        // The demonstration has told what differed.
        Ok(_) => Ok(Exit::No),
        Err(error) => {
            let message = chain(&error);
            Err(match error {
                DemoError::Start(StartError::NoKernel(_)) => Failure::refused(message),
                _ => Failure::internal(message),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing;

    #[test]
    fn help() {
        insta::assert_snapshot!(testing::help(&["demo"]));
    }
}
