//! `causeway completion`.

use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};

use crate::app::App;
use crate::args::Cli;
use crate::exit::Exit;
use crate::failure::Result;

/// For which shell.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  causeway completion bash > /etc/bash_completion.d/causeway
  causeway completion zsh > ~/.zfunc/_causeway
  causeway completion fish > ~/.config/fish/completions/causeway.fish")]
pub(crate) struct CompletionArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Does it.
pub(crate) fn run(args: CompletionArgs, app: &App) -> Result<Exit> {
    let mut script = Vec::new();
    generate(args.shell, &mut Cli::command(), "causeway", &mut script);
    app.printer.text(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn help() {
        insta::assert_snapshot!(testing::help(&["completion"]));
    }

    #[test]
    fn every_shell_gets_a_script_with_the_commands() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let mut script = Vec::new();
            generate(shell, &mut Cli::command(), "causeway", &mut script);
            let script = String::from_utf8_lossy(&script);
            assert!(script.contains("route-table") && script.contains("trace"), "{shell}");
        }
    }
}
