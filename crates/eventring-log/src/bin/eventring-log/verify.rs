//! `verify`.

use crate::{Outcome, open};
use eventring_log::{Head, Log, Options, Raw};
use indicatif::{ProgressBar, ProgressStyle};
use std::path::PathBuf;

/// So many events for each step of the bar.
const STEP: u64 = 8192;

#[derive(Debug, clap::Args)]
pub(crate) struct Verify {
    /// The log
    file: PathBuf,
    /// The first event [default: the log's]
    #[arg(long, value_name = "NUMBER")]
    from: Option<u64>,
    /// The event after the last one, which has to be there [default: the log's end]
    #[arg(long, value_name = "NUMBER")]
    to: Option<u64>,
    /// A head that was kept elsewhere, as `stats` prints it: what was stored before it has to be there, unchanged
    #[arg(long)]
    head: Option<Head>,
}

impl Verify {
    pub(crate) fn run(self) -> Outcome {
        let store = open(&self.file)?;
        let log = Log::with_store(store, Raw, Options::new().read_only())?;
        let extent = log.extent()?;
        let from = self.from.unwrap_or(extent.anchor.next);
        let to = self.to.unwrap_or(extent.head.next).max(from);

        let bar = progress(to - from);
        let mut head = log.verify(from..from)?;
        while head.next < to {
            head = log.verify(head.next..to.min(head.next + STEP))?;
            bar.set_position(head.next - from);
        }
        bar.finish_and_clear();
        if let Some(kept) = self.head {
            log.verify_head(&kept)?;
        }

        let count = to - from;
        if !extent.chained {
            println!("{count} events, none missing; without hashes, no more than that can be told");
            return Ok(());
        }
        println!("{count} events, each as it was stored; head {head}");
        if self.head.is_none() {
            println!("that the end is not cut off shows only by a head kept elsewhere: --head");
        }
        Ok(())
    }
}

/// On the terminal, if there is one.
pub(crate) fn progress(events: u64) -> ProgressBar {
    let style = "{bar:40} {human_pos}/{human_len} events, {per_sec}, {eta} left";
    let style = ProgressStyle::with_template(style).expect("it is well formed");
    ProgressBar::new(events).with_style(style)
}
