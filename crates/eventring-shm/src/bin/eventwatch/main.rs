//! Looks at event rings from outside.

mod info;
mod output;
mod record;
mod replay;
mod watch;

use clap::{Parser, Subcommand};
use eventring_shm::{EventRing, OpenError, resolve};
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Looks at event rings from outside, without disturbing who writes them.
///
/// NAME is a path, or a name without a slash for one in $EVENTRING_DIR or /dev/shm.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// What a ring says of itself, and who writes it
    Info {
        /// Of which ring
        name: PathBuf,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// How fast it is written: a line for each second
    Stat {
        /// Of which ring
        name: PathBuf,
        /// End after so many lines
        #[arg(long)]
        count: Option<u64>,
    },
    /// Its events, as they come
    Watch(watch::Watch),
    /// Its events to a file, as they come, until interrupted or the ring is closed
    Record {
        /// Of which ring
        name: PathBuf,
        /// The file
        file: PathBuf,
        /// End after so many events
        #[arg(long)]
        count: Option<u64>,
    },
    /// All that can be read now to a file, as a ring that is closed
    Snapshot {
        /// Of which ring
        name: PathBuf,
        /// The file
        file: PathBuf,
    },
    /// A recording or a snapshot into a ring, which is made if there is none
    Replay(replay::Replay),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Info { name, json } => info::info(&name, json),
        Command::Stat { name, count } => info::stat(&name, count),
        Command::Watch(watch) => watch.run(),
        Command::Record { name, file, count } => record::record(&name, &file, count),
        Command::Snapshot { name, file } => record::snapshot(&name, &file),
        Command::Replay(replay) => replay.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // Who reads what is printed has had enough.
        Err(error) if is_broken_pipe(&*error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("eventwatch: {error}");
            ExitCode::FAILURE
        }
    }
}

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn is_broken_pipe(error: &(dyn std::error::Error + 'static)) -> bool {
    let error = error.downcast_ref::<std::io::Error>();
    error.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

/// Opens a ring, or says which one it could not open.
fn open(name: &Path) -> Result<EventRing, String> {
    let path = resolve(name);
    EventRing::open(&path).map_err(|error| told(&path, &error))
}

fn told(path: &Path, error: &OpenError) -> String {
    match error.is_not_found() {
        true => format!("there is no ring {}; `watch` waits for one", path.display()),
        false => of(path)(error),
    }
}

/// Which file it is that something is wrong with.
fn of<E: Display>(path: &Path) -> impl Fn(E) -> String {
    move |error| format!("{}: {error}", path.display())
}
