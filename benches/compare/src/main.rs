//! eventring against its peers, in one command:
//!
//! `cargo run --release -p eventring-compare -- [--quick] [--only SCENARIO,…] [--json FILE]
//! [--plot DIR]`, and `--memory` for what they allocate. `--help` lists the scenarios. `--smoke` runs
//! them just long enough to see that everything is delivered.
//!
//! # What is timed
//!
//! Nanoseconds per event *sent*, however many receive it: the median of the repetitions, and the
//! distance between their quartiles. A peer's ratio to eventring is the median of the ratios of
//! the repetitions, pair by pair, with the least and the greatest: above 1, eventring is faster.
//! Everyone's repetition i comes before anyone's repetition i + 1, and somebody else goes first
//! each time. Each repetition is a channel of its own: it, runtimes and tasks are set up before the
//! clock starts. How many events make a repetition is found beforehand, for each peer.
//!
//! Where events may be missed, the share of them that a receiver missed stands beside that: a
//! channel whose receivers miss more has had less to do.
//!
//! Some scenarios time something else, and say so in their table's title:
//!
//! * `laggards` with tasks: nanoseconds per delivery, of all receivers together, while a thread sends
//!   as fast as it can. Deliveries and sent events a second stand beside it. With one thread: an
//!   event sent and one `try_recv`, which gets an event or is told of lag, of one receiver after the
//!   other.
//! * `blocked`: the least and the most that one sender sent, as parts of the mean, stand beside.
//! * `committed`: with `512 at once` a task sends so many, then waits until all are stored; with `each` it
//!   waits after each event. To store is to count here. `eventring` commits batches that it has read in place,
//!   and senders wait for its watermark; `mpsc-ack` is a `tokio::sync::mpsc` with a `oneshot` beside each event;
//!   of `eventring-batch` (`recv_many`) nobody learns what is stored, so that its sender waits for room only.
//! * `release`: beside it, the time by the number of receivers.
//! * `latency`: the median from when an event was due (not from when it was sent: a sender that is
//!   late is not forgiven) until a task has it. The sender spins; all tasks are on one worker, which
//!   sleeps in between. The late ones stand beside it, in nanoseconds, of all repetitions together.
//! * `make`, `len`, `subscribe`: nanoseconds per channel, answer and receiver.
//! * `topics`: per event, of `eventring::Topics` (as `eventring`) and of what people write instead: a map of
//!   tokio's senders behind an `RwLock` (`tokio-rwlock`), a `DashMap` of them (`tokio-dashmap`), the
//!   former with a cursor for each receiver, to see what that takes (`tokio-cursors`), one bus for all, whose
//!   receivers look at each event and take those of their own topic (`eventring-filters`; not with 100,000
//!   topics: each event is looked at by so many). With no receivers, all have gone; tokio's senders stay,
//!   as nearly everybody leaves them there.
//!
//! What was delivered is checked after the clock has stopped: numbers of events and their sums
//! where nothing may be missed, else received + missed. If that is wrong, the run ends with an
//! error.
//!
//! # How fair is it
//!
//! * A scenario is written once, over the traits in `channel.rs`; a peer is one file that says how
//!   to use it, in the way that its own documentation calls fastest.
//! * All channels hold 1024 events, unless the scenario says otherwise, and all senders clone the
//!   event from the same few. An `Arc` they allocate anew for each event, as pipelines do. Receivers
//!   end up with an event of their own (`disruptor`'s clone it), but for `clone` with `4KiB-read`:
//!   there `eventring` and `disruptor` read it in place, which the others cannot.
//! * tokio has its feature `parking_lot`, which makes its broadcast channel faster; with
//!   `--no-default-features` before the `--` it has the locks that it comes with. It has no lossless
//!   mode. Where nothing may be lost, its sender yields (or spins) while more than 512
//!   events are unread, and looks before each event, as one would write it. Looking takes a few
//!   locks: `--pace 64` looks every 64 events only. Where the scenario waits for the receivers,
//!   nobody looks. `eventring-broadcast` does exactly the same.
//! * `eventring-batch`, and `disruptor` once more, send in batches of 64. The others have none.
//!   `eventring-batch` receives in batches of 64 (where nobody waits, it reads them in place and clones
//!   each event in its turn), `disruptor` always all that is there.
//! * Where nothing may be lost, eventring's strategy is `Block`, whose receivers gate: they take an
//!   event by one read-modify-write, lossy ones by that and a store. In `idle`, `flatout`,
//!   `churn`, `laggards`, `len` and `subscribe` it is `Overwrite`, and `async-broadcast` is in its overflow mode. `eventring-broadcast` is lossy
//!   everywhere, as tokio's is.
//! * eventring moves a value to an only receiver, `bus` to the last one; the others clone it.
//!
//! | peer | takes no part in | because |
//! |---|---|---|
//! | `disruptor` | anything with tasks; `churn`, `make`; `Arc` | threads only, receivers known beforehand; keeps what it is given |
//! | `bus` | anything with tasks; `churn`, `make` | threads only, publishing and subscribing exclude each other; starts a thread (36 µs) |
//! | `splaycast` | `tasks`, `producers`, `blocked`; anything without tasks | one sender, no lossless mode nor a way to see how far receivers are |
//! | `mpsc-fanout` | `idle`, `flatout`, `laggards`; `churn`, `len`, `subscribe` | a full queue keeps the oldest events; a `Vec` is not shared |
//! | `tokio`, `eventring-broadcast` | `blocked`, `committed` | no sender waits for room |
//! | `mpsc-ack` | all but `committed` | what people write for that |
//! | `async-broadcast`, `mpsc-fanout`, `disruptor`, `bus`, `splaycast` | `committed` | nobody learns what is stored |
//! | `eventring-batch` | `wake`, `latency`, `blocked`, `laggards`; others without it | single events; the same as `eventring` |

mod allocator;
mod args;
mod bars;
mod channel;
mod measure;
mod memory;
mod payload;
mod peers;
mod plot;
mod report;
mod scenarios;
mod stats;
mod tally;
mod watchdog;

use args::Args;
use clap::Parser;
use measure::{Measure, Plan};
use report::Figure;
use std::error::Error;
use std::fs::{OpenOptions, create_dir_all};
use std::path::Path;
use std::process::ExitCode;
use tally::Wrong;

#[global_allocator]
static ALLOCATOR: allocator::Counting = allocator::Counting;

fn main() -> ExitCode {
    let args = Args::parse();
    let done = if args.memory { count() } else { compare(&args) };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What tokio's broadcast channel locks with.
const LOCKS: &str = if cfg!(feature = "parking_lot") {
    "parking_lot's"
} else {
    "std's"
};

fn count() -> Result<(), Box<dyn Error>> {
    println!("{}", memory::table().map_err(|Wrong(what)| what)?);
    Ok(())
}

fn compare(args: &Args) -> Result<(), Box<dyn Error>> {
    // Better now than after all the measuring.
    if let Some(file) = &args.json {
        let opened = OpenOptions::new().append(true).create(true).open(file);
        opened.map_err(|error| cannot_write(file, &error))?;
    }
    if let Some(directory) = &args.plot {
        create_dir_all(directory).map_err(|error| cannot_write(directory, &error))?;
    }
    if cfg!(debug_assertions) {
        eprintln!("warning: not built with --release: the figures mean nothing");
    }
    println!("tokio with {LOCKS} locks");
    let scenarios = args.scenarios();
    let groups: Vec<_> = scenarios.iter().map(|scenario| scenario.groups()).collect();
    let contenders = groups.iter().flatten().map(|group| group.contenders.len());
    let measure = Measure::new(Plan::new(args), contenders.sum());
    let mut figures: Vec<Figure> = Vec::new();
    for (&scenario, groups) in scenarios.iter().zip(&groups) {
        measure
            .bar
            .suspend(|| println!("{}", report::head(scenario)));
        for group in groups {
            let (from, to) = (group.senders, group.receivers);
            let what = report::label(group.payload, group.variant);
            let name = format!("{}, {from} to {to}, {what}", scenario.name());
            let series = measure.group(&name, group).map_err(|Wrong(what)| what)?;
            let new = report::figures(scenario, group, &series);
            let rows = report::rows(&new, &series).join("\n");
            measure.bar.suspend(|| println!("{rows}"));
            figures.extend(new);
        }
    }
    measure.bar.finish_and_clear();
    if let Some(file) = &args.json {
        let json = serde_json::to_string_pretty(&figures)? + "\n";
        std::fs::write(file, json).map_err(|error| cannot_write(file, &error))?;
    }
    if let Some(directory) = &args.plot {
        for scenario in scenarios {
            let of = |figure: &&Figure| figure.scenario == scenario.name();
            let figures: Vec<_> = figures.iter().filter(of).collect();
            let file = directory.join(scenario.name() + ".svg");
            let plotted = plot::plot(&file, &scenario.about(), &figures);
            plotted.map_err(|error| cannot_write(&file, &error))?;
        }
    }
    Ok(())
}

fn cannot_write(path: &Path, error: &dyn std::fmt::Display) -> String {
    format!("{} cannot be written: {error}", path.display())
}
