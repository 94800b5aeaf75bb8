//! What a command prints: tables for people, JSON and YAML for programs.

mod table;

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use anstyle::{AnsiColor, Style};
use clap::ValueEnum;
use serde::Serialize;

use crate::failure::{Failure, Result};

pub(crate) use table::{Details, Table};

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
    /// For programs and people.
    Yaml,
}

/// Columns where there is no terminal to fit into.
const WIDTH: usize = 120;

/// What something good looks like on a terminal.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// What something bad looks like.
pub(crate) const BAD: Style = AnsiColor::Red.on_default();
/// What something changed looks like.
pub(crate) const CHANGED: Style = AnsiColor::Yellow.on_default();
/// What is less important.
pub(crate) const FAINT: Style = Style::new().dimmed();
/// What is more important.
pub(crate) const STRONG: Style = Style::new().bold();

/// A text in a style; styles vanish where there is no terminal.
pub(crate) fn styled(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}

/// Prints results on the standard output and notes on the standard error.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Printer {
    format: Format,
    terminal: bool,
}

impl Printer {
    /// Finds out by itself whether a person reads.
    pub(crate) fn new(format: Format) -> Self {
        Self { format, terminal: io::stdout().is_terminal() }
    }

    /// How many columns text may take: the terminal's, or so many as lines in files have.
    pub(crate) fn width(self) -> usize {
        let terminal = self.terminal.then(terminal_size::terminal_size).flatten();
        terminal.map_or(WIDTH, |(width, _)| usize::from(width.0))
    }

    /// Text in the characters that the reader's terminal has: drawings become plain ASCII on a dumb one.
    pub(crate) fn drawing(self, text: String) -> String {
        let dumb = std::env::var("TERM").is_ok_and(|term| term == "dumb");
        if dumb { ascii(&text) } else { text }
    }

    /// Whether results are for people.
    pub(crate) fn for_people(self) -> bool {
        self.format == Format::Table
    }

    /// Many objects: a table, or an array.
    pub(crate) fn list<T: Serialize>(self, items: &[T], table: impl FnOnce() -> Table) -> Result<()> {
        match self.format {
            Format::Table => self.text(&table().render(self.terminal)),
            _ => self.data(&items),
        }
    }

    /// One object: text for people, or the object itself.
    pub(crate) fn one<T: Serialize>(self, item: &T, text: impl FnOnce() -> String) -> Result<()> {
        match self.format {
            Format::Table => self.text(&text()),
            _ => self.data(item),
        }
    }

    /// A line for people alone; nothing in the other formats.
    pub(crate) fn line(self, line: impl Display) -> Result<()> {
        if self.for_people() { self.text(&format!("{line}\n")) } else { Ok(()) }
    }

    /// Something for programs, whatever the format is; JSON if it is the one for people.
    pub(crate) fn data<T: Serialize>(self, data: &T) -> Result<()> {
        let text = match self.format {
            Format::Yaml => serde_saphyr::to_string(data).map_err(|error| Failure::internal(error.to_string()))?,
            _ => serde_json::to_string_pretty(data).map_err(|error| Failure::internal(error.to_string()))?,
        };
        self.text(&format!("{}\n", text.trim_end()))
    }

    /// Text as it is. A reader that has gone away, as `head` does, is no reason to stop what is being done.
    pub(crate) fn text(self, text: &str) -> Result<()> {
        let mut out = anstream::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(Failure::internal(format!("cannot write the output: {error}")))
            }
            _ => Ok(()),
        }
    }
}

/// The same drawing in ASCII.
fn ascii(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '─' => plain.push('-'),
            '│' => plain.push('|'),
            '┌' | '┐' | '└' | '┘' | '├' | '┤' | '┬' => plain.push('+'),
            '▶' => plain.push('>'),
            '▼' => plain.push('v'),
            '✓' => plain.push('+'),
            '✗' => plain.push('x'),
            '·' => plain.push('.'),
            '⇄' => plain.push('='),
            '→' => plain.push_str("->"),
            '…' => plain.push_str("..."),
            other => plain.push(other),
        }
    }
    plain
}

/// A line on the standard error, for people who watch.
pub(crate) fn note(line: impl Display) {
    // There is nowhere left to report that it cannot be written.
    let _ = writeln!(anstream::stderr().lock(), "{line}");
}

/// A warning on the standard error.
pub(crate) fn warn(text: impl Display) {
    note(format_args!("{} {text}", styled(CHANGED, "warning:")));
}

/// A failure on the standard error.
pub(crate) fn fail(failure: &Failure) {
    note(format_args!("{} {}", styled(BAD.bold(), "error:"), failure.message));
    if let Some(hint) = &failure.hint {
        note(format_args!("{} {hint}", styled(STRONG, "hint:")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawings_have_an_ascii_form_of_the_same_shape() {
        assert_eq!(ascii("┌─ A ─┐\n│ ✗ x ├──▶\n└──┬──┘\n"), "+- A -+\n| x x +-->\n+--+--+\n");
        assert_eq!(ascii("10.0.0.1 → 数据库"), "10.0.0.1 -> 数据库");
    }
}
