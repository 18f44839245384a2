//! `tail`.

use crate::{Outcome, line, open};
use eventring_log::Store;
use std::io::{self, Write};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

#[derive(Debug, clap::Args)]
pub(crate) struct Tail {
    /// The log
    file: PathBuf,
    /// How many of the last events
    #[arg(long, short = 'n', value_name = "EVENTS", default_value_t = 10)]
    events: u64,
    /// Go on with those that come
    #[arg(long, short)]
    follow: bool,
    /// How often to look for them, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 200, requires = "follow")]
    every: u64,
    /// As JSON lines
    #[arg(long)]
    json: bool,
}

impl Tail {
    pub(crate) fn run(self) -> Outcome {
        let store = open(&self.file)?;
        let end = store.extent()?.head.next;
        let mut next = end.saturating_sub(self.events);
        let mut output = io::stdout().lock();
        loop {
            let to = if self.follow { u64::MAX } else { end };
            let page = store.read(next..to)?;
            for entry in &page {
                let line = match self.json {
                    true => line::json(entry)?,
                    false => line::text(entry),
                };
                writeln!(output, "{line}")?;
                next = entry.sequence + 1;
            }
            output.flush()?;
            if page.is_empty() {
                if !self.follow {
                    return Ok(());
                }
                thread::sleep(Duration::from_millis(self.every));
            }
        }
    }
}
