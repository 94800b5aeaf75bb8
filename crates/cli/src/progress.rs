//! A sign of life for what takes longer than a moment; on terminals only.

use std::fmt::Display;
use std::io::{self, IsTerminal};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::task::JoinHandle;

/// What ends sooner shows nothing.
const DELAY: Duration = Duration::from_millis(700);
const TICK: Duration = Duration::from_millis(100);

/// A line at the bottom of the terminal; gone when dropped.
pub(crate) struct Progress {
    bar: ProgressBar,
    appearance: Option<JoinHandle<()>>,
}

impl Progress {
    /// Begins to wait, inside a runtime.
    pub(crate) fn new(what: impl Display) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()).with_message(what.to_string());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg} {elapsed}") {
            bar.set_style(style);
        }
        let appearance = io::stderr().is_terminal().then(|| {
            let bar = bar.clone();
            tokio::spawn(async move {
                tokio::time::sleep(DELAY).await;
                bar.set_draw_target(ProgressDrawTarget::stderr());
                bar.enable_steady_tick(TICK);
            })
        });
        Self { bar, appearance }
    }

    /// Prints something while the line is there.
    pub(crate) fn above<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }

    /// Says what is being done now.
    pub(crate) fn say(&self, what: impl Display) {
        self.bar.set_message(what.to_string());
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(appearance) = &self.appearance {
            appearance.abort();
        }
        self.bar.finish_and_clear();
    }
}
