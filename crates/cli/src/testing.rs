//! What tests of commands share.

use clap::CommandFactory;

use crate::args::Cli;

/// The help of a command, 100 columns wide, without the options that all commands have.
pub(crate) fn help(path: &[&str]) -> String {
    let mut command = Cli::command().term_width(100);
    command.build();
    let mut at = &mut command;
    for name in path {
        at = at.find_subcommand_mut(name).unwrap_or_else(|| panic!("there is no command {name}"));
    }
    let text = at.clone().term_width(100).render_long_help().to_string();
    let mut kept = String::new();
    let mut skipping = false;
    for line in text.lines() {
        skipping = line == "Global options:" || skipping && (line.starts_with(' ') || line.is_empty());
        if !skipping {
            kept.push_str(line.trim_end());
            kept.push('\n');
        }
    }
    kept
}

/// The help of each command of a group, one after the other.
pub(crate) fn group_help(group: &[&str], commands: &[&str]) -> String {
    let all = commands.iter().map(|command| {
        let mut path = group.to_vec();
        path.push(command);
        help(&path)
    });
    all.collect::<Vec<_>>().join("\n---\n")
}
