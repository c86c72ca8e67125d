//! One moving line on stderr, where somebody watches it; and Ctrl-C while a command asks the systems.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::output::{say, stderr_is_watched};
use super::runtime;
use crate::engine::driver::steps::Steps;
use crate::error::{Outcome, Report};
use crate::model::text::printable;

const APART: Duration = Duration::from_millis(200);

/// The line. Nothing where stderr is no terminal.
pub struct Progress(Option<ProgressBar>);

impl Progress {
    #[must_use]
    pub fn start() -> Self {
        if !stderr_is_watched() {
            return Self(None);
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(APART);
        Self(Some(bar))
    }

    pub fn show(&self, line: &str) {
        if let Some(bar) = &self.0 {
            bar.set_message(printable(line).into_owned());
        }
    }

    /// A line that stays.
    pub fn tell(&self, text: &str) {
        match &self.0 {
            Some(bar) => bar.println(printable(text)),
            None => say(text),
        }
    }

    pub fn finish(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

/// Does the work, shows what it is at, and ends it at Ctrl-C. `kept` says then what became of what was under way.
///
/// # Errors
/// Those of the work, and the interruption.
pub async fn attend<T>(steps: &Steps, kept: &str, work: impl Future<Output = Outcome<T>>) -> Outcome<T> {
    let progress = Progress::start();
    let ended = watch(steps, kept, &progress, work).await;
    progress.finish();
    ended
}

async fn watch<T>(
    steps: &Steps,
    kept: &str,
    progress: &Progress,
    work: impl Future<Output = Outcome<T>>,
) -> Outcome<T> {
    let (interrupted, mut ticks) = (runtime::interrupted(), tokio::time::interval(APART));
    tokio::pin!(work, interrupted);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            stopped = &mut interrupted => {
                stopped?;
                return Err(Report::failed("interrupted").hint(kept));
            }
            _ = ticks.tick() => {
                if let Some(line) = steps.line() {
                    progress.show(&line);
                }
                if let Some(text) = steps.said() {
                    progress.tell(&text);
                }
            }
        }
    }
}
