//! All that a person sees: the story on standard output, a spinner on the terminal while something takes its time.
//!
//! Colours are for terminals; piped output is plain text.

use std::io::Write;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressStyle};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const TYPED: Style = AnsiColor::Cyan.on_default();

/// How many steps the story has.
const STEPS: usize = 6;

/// Tells the story, and remembers what differed.
pub(crate) struct Teller {
    spinner: Option<ProgressBar>,
    differences: Vec<String>,
}

impl Teller {
    pub(crate) fn new() -> Self {
        Self { spinner: None, differences: Vec::new() }
    }

    /// What differed from what was expected, in order.
    pub(crate) fn differences(&self) -> &[String] {
        &self.differences
    }

    pub(crate) fn title(&mut self, text: &str) {
        self.line(&format!("{BOLD}{text}{BOLD:#}"));
    }

    /// Begins a step.
    pub(crate) fn step(&mut self, number: usize, text: &str) {
        self.line(&format!("\n{BOLD}{number}/{STEPS}  {text}{BOLD:#}"));
    }

    /// A sentence of the story.
    pub(crate) fn say(&mut self, text: &str) {
        self.line(&format!("     {text}"));
    }

    /// A sentence that explains.
    pub(crate) fn explain(&mut self, text: &str) {
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            self.line(&format!("     {DIM}{line}{DIM:#}"));
        }
    }

    /// What is going on until the next line.
    pub(crate) fn busy(&mut self, text: &str) {
        let spinner = self.spinner.get_or_insert_with(|| {
            let spinner = ProgressBar::new_spinner();
            // A template that cannot be read leaves indicatif's own style.
            if let Ok(style) = ProgressStyle::with_template("  {spinner}  {msg} {elapsed}") {
                spinner.set_style(style);
            }
            spinner.enable_steady_tick(Duration::from_millis(100));
            spinner
        });
        spinner.set_message(text.to_owned());
    }

    /// Something that was to be so: said where it is, kept as a difference where it is not. Returns whether it is.
    pub(crate) fn check(&mut self, is_so: bool, text: &str) -> bool {
        if is_so {
            self.line(&format!("  {GOOD}✓{GOOD:#}  {text}"));
        } else {
            self.line(&format!("  {BAD}✗  {text}{BAD:#}"));
            self.differences.push(text.to_owned());
        }
        is_so
    }

    /// A command in a server and what it prints.
    pub(crate) fn command(&mut self, server: &str, command: &str, output: &[&str]) {
        self.line(&format!("     {TYPED}{server}$ {command}{TYPED:#}"));
        for line in output {
            self.line(&format!("       {line}"));
        }
    }

    /// Lines that keep their form.
    pub(crate) fn block(&mut self, lines: &[String]) {
        for line in lines {
            self.line(&format!("     {line}"));
        }
    }

    /// Ends the story with one sentence.
    pub(crate) fn end(&mut self, good: bool, text: &str) {
        let style = if good { GOOD } else { BAD };
        self.line(&format!("\n{style}{text}{style:#}"));
    }

    fn line(&mut self, text: &str) {
        if let Some(spinner) = self.spinner.take() {
            spinner.finish_and_clear();
        }
        // Nobody may be reading any more, as with `| head`: the story goes on to its end, so that nothing is left.
        let _ = writeln!(anstream::stdout(), "{text}");
    }
}
