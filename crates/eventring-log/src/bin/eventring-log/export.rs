//! `export`.

use crate::verify::progress;
use crate::{Outcome, line, open};
use eventring_log::Store;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(crate) struct Export {
    /// The log
    file: PathBuf,
    /// The first event [default: the log's]
    #[arg(long, value_name = "NUMBER")]
    from: Option<u64>,
    /// The event after the last one [default: the log's end, as it is now]
    #[arg(long, value_name = "NUMBER")]
    to: Option<u64>,
    /// Where to [default: to standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Export {
    pub(crate) fn run(self) -> Outcome {
        let store = open(&self.file)?;
        let extent = store.extent()?;
        let first = extent.anchor.next;
        let mut next = self.from.unwrap_or(first).max(first);
        let end = extent.head.next;
        let to = self.to.unwrap_or(end).min(end);
        let mut output: Box<dyn Write> = match &self.output {
            Some(path) => Box::new(BufWriter::new(
                File::create(path).map_err(|error| format!("{}: {error}", path.display()))?,
            )),
            None => Box::new(BufWriter::new(io::stdout().lock())),
        };
        let bar = progress(to.saturating_sub(next));
        while next < to {
            let page = store.read(next..to)?;
            let missing = || format!("event {next} is missing: `verify` tells more");
            let last = page.last().ok_or_else(missing)?.sequence;
            for entry in &page {
                writeln!(output, "{}", line::json(entry)?)?;
            }
            bar.inc(last + 1 - next);
            next = last + 1;
        }
        bar.finish_and_clear();
        Ok(output.flush()?)
    }
}
