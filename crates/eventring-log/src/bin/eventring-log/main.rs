//! Looks at event logs, also while they are written.

mod export;
mod line;
mod stats;
mod tail;
mod verify;

use clap::{Parser, Subcommand};
use eventring_log::{BoxError, Sqlite};
use std::error::Error;
use std::io;
use std::path::Path;
use std::process::ExitCode;

/// Looks at event logs, also while another process writes them
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check that a log is what was stored; name the first event that is missing or changed
    Verify(verify::Verify),
    /// Print the last events, and with -f those that come, until interrupted
    Tail(tail::Tail),
    /// Write events as JSON lines
    Export(export::Export),
    /// Print what a log says of itself
    Stats(stats::Stats),
}

type Outcome = Result<(), BoxError>;

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Verify(verify) => verify.run(),
        Command::Tail(tail) => tail.run(),
        Command::Export(export) => export.run(),
        Command::Stats(stats) => stats.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // Who reads what is printed has had enough.
        Err(error) if is_broken_pipe(&*error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("eventring-log: {error}");
            ExitCode::FAILURE
        }
    }
}

fn is_broken_pipe(error: &(dyn Error + 'static)) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// The log's store, or what is wrong with that file.
fn open(path: &Path) -> Result<Sqlite, String> {
    let shown = path.display();
    match path.try_exists() {
        Ok(false) => Err(format!("there is no file {shown}")),
        Err(error) => Err(format!("{shown}: {error}")),
        Ok(true) => Sqlite::open_read_only(path).map_err(|error| format!("{shown}: {error}")),
    }
}
