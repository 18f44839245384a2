//! `stats`.

use crate::{Outcome, open};
use eventring_log::{Extent, Store};
use indicatif::{HumanBytes, HumanCount};
use serde_json::json;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(crate) struct Stats {
    /// The log
    file: PathBuf,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Stats {
    pub(crate) fn run(self) -> Outcome {
        let store = open(&self.file)?;
        let Extent {
            chained,
            anchor,
            head,
        } = store.extent()?;
        let (first, next) = (anchor.next, head.next);
        let on_disk = self.on_disk()?;
        let heads = chained.then(|| (anchor.to_string(), head.to_string()));
        if self.json {
            let (anchor, head) = heads.unzip();
            let stats = json!({
                "events": next - first, "first": first, "next": next, "bytes_on_disk": on_disk,
                "chained": chained, "anchor": anchor, "head": head,
            });
            println!("{stats}");
            return Ok(());
        }
        println!("events   {} ({first} to {next})", HumanCount(next - first));
        println!("on disk  {}", HumanBytes(on_disk));
        match heads {
            Some((anchor, head)) => println!("head     {head}\nanchor   {anchor}"),
            None => println!("head     none: it has no hashes"),
        }
        Ok(())
    }

    /// The file, and what is not moved into it yet.
    fn on_disk(&self) -> Result<u64, std::io::Error> {
        let mut journal = self.file.clone().into_os_string();
        journal.push("-wal");
        let journal = std::fs::metadata(journal).map_or(0, |file| file.len());
        Ok(std::fs::metadata(&self.file)?.len() + journal)
    }
}
