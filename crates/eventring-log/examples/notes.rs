//! Notes that are kept: each line of the input is an event, answered when it is on disk. Started again, it
//! shows what was noted before, and numbers go on.
//!
//! `cargo run -p eventring-log --example notes -- [FILE]`

use clap::Parser;
use eventring::{EventBus, Start, WaitStrategy};
use eventring_log::{Json, Log, Options};
use futures::StreamExt;
use std::error::Error;
use std::path::PathBuf;
use tokio::io::{AsyncBufReadExt, BufReader};

/// Keeps notes: the lines that are typed, until the input ends
#[derive(Parser)]
struct Arguments {
    /// The file that they are kept in; it is made, or carried on
    #[arg(default_value = "notes.db")]
    file: PathBuf,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let Arguments { file } = Arguments::parse();
    let options = Options::new()
        .chained()
        .on_trouble(|trouble| eprintln!("{trouble}; again in {:?}", trouble.pause));
    let log = Log::<Json<String>>::open(&file, options)?;
    let bus = EventBus::builder()
        .strategy(WaitStrategy::Block)
        .first(log.next())
        .build()?;
    let attached = log.attach(&bus)?;
    let stored = attached.watermark();

    // What was noted, then what comes, once it is stored.
    let mut notes = log.subscribe_stored(&bus, Start::Oldest)?;
    let shown = tokio::spawn(async move {
        while let Some(note) = notes.next().await {
            match note {
                Ok((number, note)) => println!("{number}: {note}"),
                Err(error) => eprintln!("{error}"),
            }
        }
    });
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        let number = bus.publish(line).await?;
        stored.reached(number).await?; // now it can be answered
    }
    bus.close();
    attached.ended().await;
    shown.await?;
    println!("head {}", log.head()?);
    Ok(())
}
