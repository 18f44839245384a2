//! Several threads log to a file, which gets everything, to one that is slow, and to a live tail, which holds
//! nobody up: `cargo run -p eventring-tracing --example tracing_layer [FILE]`

use eventring_tracing::{LogBus, Sink};
use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;
use tracing::{info, warn};
use tracing_subscriber::prelude::*;

/// A file on a disk that takes a millisecond for each write.
struct SlowDisk(File);

impl Write for SlowDisk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        thread::sleep(Duration::from_millis(1));
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let default = || std::env::temp_dir().join("eventring-tracing-layer.log");
    let path = std::env::args_os()
        .nth(1)
        .map_or_else(default, PathBuf::from);
    let slow = path.with_extension("slow.log");
    let disk = SlowDisk(File::create(&slow)?);
    let (log, guard) = LogBus::builder()
        .capacity(64)
        .sink(Sink::new("file", File::create(&path)?)) // who logs waits for it
        .sink(
            Sink::new("slow", disk)
                .batch(8)
                .block_for(Duration::from_millis(5)),
        )
        .sink(Sink::new("stderr", io::stderr()).lossy())
        .start()?;
    tracing_subscriber::registry().with(log.layer()).init();

    thread::scope(|scope| {
        let work = || (0..1000).for_each(|number| info!(number, "work"));
        (0..4).for_each(|_| drop(scope.spawn(work)));
    });
    warn!(disk = "slow", "careful");
    guard.finish()?;

    println!("file: {} lines", fs::read_to_string(&path)?.lines().count());
    for sink in log.stats().sinks {
        let all = sink.written + sink.missed;
        println!("{}: {all} records, written or told to be lost", sink.name);
    }
    Ok(())
}
