//! The command line: commands, tables, messages.
//!
//! [`main`] reads the arguments and runs one command against a server's public HTTP API; `serve`, `demo` and `check` run
//! a server in this process. Results go to the standard output, as tables for people or as JSON or YAML for programs;
//! everything else goes to the standard error. Errors are one line and an exit code that means something.
//!
//! What it does not do: it knows no rules of networks. What is valid and what packets do, servers say.
#![forbid(unsafe_code)]

mod app;
mod args;
mod commands;
mod exit;
mod failure;
mod names;
mod output;
mod progress;
mod session;
mod settings;

pub use app::main;

#[cfg(test)]
mod testing;
