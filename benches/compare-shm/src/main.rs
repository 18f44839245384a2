//! `eventring-shm` beside other ways from one process to another, each as its own page says is fastest.
//! Both sides are processes, each on a processor of its own; every reply is checked in full.

#[path = "../../compare/src/bars.rs"]
mod bars;
mod links;
mod own;
mod plot;
mod scenarios;
mod stats;

use clap::Parser;
use std::path::PathBuf;

/// What is sent: a number and 56 bytes that follow from it.
pub(crate) type Message = [u8; 64];

pub(crate) fn message(number: u64) -> Message {
    let mut message = [number as u8; 64];
    message[..8].copy_from_slice(&number.to_ne_bytes());
    message
}

pub(crate) fn number(message: &Message) -> u64 {
    let number = u64::from_ne_bytes(message[..8].try_into().expect("eight bytes"));
    assert_eq!(
        *message,
        self::message(number),
        "a message that is not whole"
    );
    number
}

/// The first three are of times that `--plot` draws; those from the fifth on are of `eventring-shm` alone.
const SCENARIOS: [&str; 9] = [
    "publish", "spin", "sleep", "drain", "sizes", "batches", "readers", "wake", "recovery",
];

/// Compares `eventring-shm` with its peers.
#[derive(Parser)]
struct Arguments {
    /// Only these scenarios
    #[arg(value_parser = SCENARIOS)]
    scenarios: Vec<String>,
    /// Rounds, in which all take their turns; the median counts
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// Events or round trips in each turn
    #[arg(long, default_value_t = 20_000)]
    trips: u64,
    /// Draws the times into this file (SVG)
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// The other side of a round trip (used by the program itself)
    #[arg(long, hide = true)]
    echo: Option<String>,
    #[arg(long, hide = true)]
    base: Option<PathBuf>,
    /// A reader (the same)
    #[arg(long, hide = true)]
    read: bool,
}

fn main() {
    let arguments = Arguments::parse();
    if let (Some(link), Some(base)) = (&arguments.echo, &arguments.base) {
        return scenarios::echo(link, base, arguments.trips);
    }
    if let (true, Some(ring)) = (arguments.read, &arguments.base) {
        return own::read(ring);
    }
    let wanted = |name: &str| {
        arguments.scenarios.is_empty() || arguments.scenarios.iter().any(|wanted| wanted == name)
    };
    let (rounds, trips) = (arguments.rounds, arguments.trips);
    if arguments.plot.is_some() && !SCENARIOS[..3].iter().copied().any(wanted) {
        fail("--plot draws times: of publish, spin or sleep, and none of them is wanted");
    }
    let mut tables = Vec::new();
    if wanted("publish") {
        tables.push(scenarios::publish(rounds, 50 * trips));
    }
    if wanted("spin") {
        tables.push(scenarios::round_trips(
            "spin",
            links::SPINNING,
            rounds,
            trips,
        ));
    }
    if wanted("sleep") {
        tables.push(scenarios::round_trips(
            "sleep",
            links::SLEEPING,
            rounds,
            trips / 4,
        ));
    }
    if wanted("drain") {
        scenarios::drain(rounds);
    }
    if wanted("sizes") {
        own::sizes(rounds, trips);
    }
    if wanted("batches") {
        own::batches(rounds, 50 * trips);
    }
    if wanted("readers") {
        own::readers(rounds, 50 * trips);
    }
    if wanted("wake") {
        own::wake(rounds);
    }
    if wanted("recovery") {
        own::recovery(rounds);
    }
    if let Some(file) = arguments.plot
        && let Err(error) = plot::plot(&file, &tables)
    {
        fail(&format!("cannot write {}: {error}", file.display()));
    }
}

fn fail(why: &str) -> ! {
    eprintln!("compare-shm: {why}");
    std::process::exit(1);
}
