//! What a person sees of long steps: a bar or spinner on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::db::embedded;

/// Steps on standard error.
pub struct Steps {
    bar: Option<ProgressBar>,
}

impl Steps {
    #[must_use]
    pub fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new_spinner();
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        Self { bar }
    }

    /// Says what is being done now.
    pub fn say(&self, message: &str) {
        match &self.bar {
            Some(bar) => bar.set_message(message.to_owned()),
            None => eprintln!("{message}"),
        }
    }

    /// Says it to who sits at a terminal and waits, and writes no line elsewhere.
    pub fn whisper(&self, message: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(message.to_owned());
        }
    }

    /// Says how much of something countable is done.
    pub fn count(&self, done: usize, total: usize) {
        let Some(bar) = &self.bar else { return };
        if bar.length().is_none()
            && let Ok(style) = ProgressStyle::with_template("{msg} {pos}/{len} {wide_bar} {eta}")
        {
            bar.set_style(style);
            bar.set_length(u64::try_from(total).unwrap_or_default());
        }
        bar.set_position(u64::try_from(done).unwrap_or_default());
    }

    /// Leaves the terminal clean.
    pub fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}

impl embedded::Progress for Steps {
    fn step(&self, message: &str) {
        self.say(message);
    }

    fn bytes(&self, done: u64, total: Option<u64>) {
        let Some(bar) = &self.bar else { return };
        if let (Some(total), Ok(style)) =
            (total, ProgressStyle::with_template("{msg} {bytes}/{total_bytes} {wide_bar} {eta}"))
        {
            bar.set_style(style);
            bar.set_length(total);
        }
        bar.set_position(done);
    }
}
