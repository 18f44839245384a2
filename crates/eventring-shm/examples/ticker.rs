//! Publishes the lines of a file or of standard input, or a clock's ticks, into a ring that other
//! processes watch:
//!
//! ```sh
//! cargo run --release -p eventring-shm --example ticker
//! cargo run --release -p eventring-shm --bin eventwatch -- watch ticker
//! ```
//!
//! Kill it and start it again: who watches sees that another process writes, and no gap.

use clap::Parser;
use eventring_shm::{EventRing, Kind, OpenError, Publisher, resolve};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::time::Duration;

const TICK: Kind = Kind(1);
const LINE: Kind = Kind(2);

#[derive(Parser)]
struct Arguments {
    /// Lines to publish; `-`: standard input; a clock's ticks if not given
    input: Option<PathBuf>,
    /// The ring: a path, or a name in $EVENTRING_DIR or /dev/shm
    #[arg(long, default_value = "ticker")]
    name: PathBuf,
    /// Milliseconds between ticks
    #[arg(long, default_value_t = 1000)]
    every: u64,
    /// End after so many ticks, and close the ring
    #[arg(long)]
    count: Option<u64>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::parse();
    let path = resolve(&arguments.name);
    let ring = EventRing::builder().create_or_recover(&path)?;
    let mut publisher = match ring.publisher() {
        Err(OpenError::WriterExists { pid }) => {
            return Err(format!("process {pid} is a ticker already; stop it first").into());
        }
        publisher => publisher?,
    };
    eprintln!(
        "ticker: {} goes on at {} ({:?})",
        path.display(),
        ring.tail(),
        ring.origin()
    );
    match arguments.input {
        Some(input) if input.as_os_str() == "-" => lines(&mut publisher, std::io::stdin().lock())?,
        Some(input) => lines(&mut publisher, BufReader::new(File::open(input)?))?,
        None => ticks(&mut publisher, arguments.every, arguments.count)?,
    }
    publisher.close();
    Ok(())
}

fn lines(publisher: &mut Publisher, input: impl BufRead) -> Result<(), Box<dyn std::error::Error>> {
    for line in input.split(b'\n') {
        publisher.publish_or_truncate(LINE, &line?)?;
    }
    Ok(())
}

fn ticks(
    publisher: &mut Publisher,
    every: u64,
    count: Option<u64>,
) -> Result<(), Box<dyn std::error::Error>> {
    for tick in 0..count.unwrap_or(u64::MAX) {
        publisher.publish(TICK, format!("tick {tick}").as_bytes())?;
        std::thread::sleep(Duration::from_millis(every));
    }
    Ok(())
}
