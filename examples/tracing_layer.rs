//! A `tracing` layer that publishes log records to a file, which gets all of them, and to a live
//! tail, which never slows anybody down: `cargo run --example tracing_layer [FILE]`
//!
//! The layer must never log into itself: formatting a field or writing the file may log as well,
//! and the file's thread would wait for itself once the bus is full. So what a thread logs while it
//! works for the log is not published, but counted.
//!
//! While the bus is full, because the file is slow, those who log wait: nothing is lost. Where they
//! must not be held up, `WaitStrategy::DropNewest` hands records back instead.

use eventring::{EventBus, Lagged, Receiver, WaitStrategy};
use std::cell::Cell;
use std::fmt::{self, Debug, Formatter};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use tracing::field::Field;
use tracing::{Event, Subscriber, info, warn};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// Cheap to clone, as an event should be.
type Record = Arc<str>;

struct BusLayer(EventBus<Record>);

impl<S: Subscriber> Layer<S> for BusLayer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let Some(_inside) = Inside::enter() else {
            FROM_INSIDE.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let mut line = event.metadata().level().to_string();
        event
            .record(&mut |field: &Field, value: &dyn Debug| line += &format!(" {field}={value:?}"));
        if let Err(closed) = self.0.publish_blocking(line.into()) {
            eprintln!("too late for the log: {}", closed.into_event());
        }
    }
}

static FROM_INSIDE: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// This thread works for the log, until this is dropped.
struct Inside;

impl Inside {
    fn enter() -> Option<Self> {
        (!INSIDE.replace(true)).then_some(Self)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.set(false);
    }
}

fn write_file(mut records: Receiver<Record>, path: &Path) -> io::Result<()> {
    let _inside = Inside::enter();
    let mut file = BufWriter::new(File::create(path)?);
    for record in records.blocking_iter() {
        writeln!(file, "{record}")?;
    }
    info!("the log itself has something to say");
    file.flush()
}

/// Shows what it can on stderr, and returns how many records that was, with those it missed.
fn tail(records: Receiver<Record>) -> u64 {
    let _inside = Inside::enter();
    let (mut records, mut told) = (records.with_lag(), 0);
    while let Some(record) = records.recv_blocking() {
        told += match record {
            Ok(record) => {
                eprintln!("{record}");
                1
            }
            Err(Lagged(missed)) => {
                eprintln!("... missed {missed}");
                missed
            }
        };
    }
    told
}

/// Logs while it is being logged.
struct Chatty;

impl Debug for Chatty {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        warn!("somebody looks at me");
        f.write_str("Chatty")
    }
}

fn main() -> io::Result<()> {
    let default = || std::env::temp_dir().join("eventring-tracing-layer.log");
    let path = std::env::args_os()
        .nth(1)
        .map_or_else(default, PathBuf::from);
    let bus = EventBus::with_strategy(64, WaitStrategy::Block);
    let (all, live) = (bus.subscribe(), bus.subscribe_lossy());
    let layer = BusLayer(bus.clone());
    tracing_subscriber::registry().with(layer).init();

    let seen = thread::spawn(|| tail(live));
    let log = thread::spawn(move || write_file(all, &path).and_then(|()| fs::read_to_string(path)));
    thread::scope(|scope| {
        let work = || (0..1000).for_each(|number| info!(number, "work"));
        (0..4).for_each(|_| drop(scope.spawn(work)));
    });
    warn!(value = ?Chatty, "careful");
    // The subscriber is global and keeps its handle: closing ends both receivers all the same.
    bus.close();

    println!("file: {} records", log.join().unwrap()?.lines().count());
    println!("tail: {} records, shown or missed", seen.join().unwrap());
    println!(
        "from inside: {} records, not published",
        FROM_INSIDE.load(Ordering::Relaxed)
    );
    Ok(())
}
