//! Against `tracing-appender`'s `non_blocking`, in turns: what a record costs who logs it, records a second into a
//! file, and what a slow disk loses, told or not. Both have room for 8192 records, and write lines of 100 bytes.
//!
//! `cargo bench -p eventring-tracing`
#![allow(missing_docs)]

use eventring_tracing::{LogBus, Sink};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};

const CAPACITY: usize = 8192;
const ROUNDS: usize = 7;
const LINE: [u8; 100] = {
    let mut line = [b'x'; 100];
    line[99] = b'\n';
    line
};

/// A log into this writer, its handle cloned for each thread that logs, and what ends it.
trait Peer {
    type Handle: Clone + Send;
    type Guard;

    fn start(writer: impl Write + Send + 'static, lossy: bool) -> (Self::Handle, Self::Guard);
    fn log(handle: &mut Self::Handle);
}

struct Ours;

impl Peer for Ours {
    type Handle = LogBus;
    type Guard = eventring_tracing::Guard;

    fn start(writer: impl Write + Send + 'static, lossy: bool) -> (LogBus, Self::Guard) {
        let sink = Sink::new("file", writer);
        let sink = if lossy { sink.lossy() } else { sink };
        let builder = LogBus::builder().drain(Duration::from_secs(60));
        builder.capacity(CAPACITY).sink(sink).start().unwrap()
    }

    fn log(log: &mut LogBus) {
        (&*log).write_all(&LINE).unwrap();
    }
}

struct Appender;

impl Peer for Appender {
    type Handle = NonBlocking;
    type Guard = WorkerGuard;

    fn start(writer: impl Write + Send + 'static, lossy: bool) -> (NonBlocking, WorkerGuard) {
        let builder = NonBlockingBuilder::default().lossy(lossy);
        builder.buffered_lines_limit(CAPACITY).finish(writer)
    }

    fn log(log: &mut NonBlocking) {
        log.write_all(&LINE).unwrap();
    }
}

/// Logs so many records from so many threads; the nanoseconds until all are logged, and until all are written.
fn run<P: Peer>(path: &Path, threads: usize, records: usize) -> [f64; 2] {
    let file = File::create(path).unwrap();
    let (handle, guard) = P::start(file, false);
    let each = records / threads;
    let started = Instant::now();
    thread::scope(|scope| {
        for _ in 0..threads {
            let mut handle = handle.clone();
            scope.spawn(move || (0..each).for_each(|_| P::log(&mut handle)));
        }
    });
    let logged = started.elapsed();
    drop(guard);
    // The appender's guard waits for a second at most.
    while fs::metadata(path).unwrap().len() < (each * threads * LINE.len()) as u64 {
        thread::yield_now();
    }
    let written = started.elapsed();
    assert_eq!(
        fs::metadata(path).unwrap().len(),
        (each * threads * LINE.len()) as u64
    );
    [logged, written].map(|time| time.as_nanos() as f64 / (each * threads) as f64)
}

/// 20 MB/s, and 20 microseconds for each write.
struct SlowDisk(File);

impl Write for SlowDisk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let due = Instant::now() + Duration::from_nanos(20_000 + 50 * bytes.len() as u64);
        let written = self.0.write(bytes)?;
        while Instant::now() < due {
            thread::yield_now();
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Of so many records: how many are written, and how many the file says are lost.
fn slow<P: Peer>(path: &Path, records: usize) -> [f64; 2] {
    let (mut handle, guard) = P::start(SlowDisk(File::create(path).unwrap()), true);
    (0..records).for_each(|_| P::log(&mut handle));
    drop(guard);
    let text = fs::read_to_string(path).unwrap();
    let (told, written): (Vec<_>, Vec<_>) = text.lines().partition(|line| line.starts_with("... "));
    let number = |line: &&str| line.split(' ').nth(1).unwrap().parse::<f64>().unwrap();
    [
        written.len() as f64,
        told.iter().map(number).sum::<f64>() + 0.0, // of nothing, it is -0.0
    ]
}

fn medians<const N: usize>(rounds: &[[f64; N]]) -> [f64; N] {
    std::array::from_fn(|index| {
        let mut values: Vec<f64> = rounds.iter().map(|round| round[index]).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    })
}

/// Both sides in turns, and their medians.
fn turns<const N: usize>(
    mut ours: impl FnMut() -> [f64; N],
    mut appender: impl FnMut() -> [f64; N],
) -> [[f64; N]; 2] {
    let mut rounds = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        rounds[0].push(ours());
        rounds[1].push(appender());
    }
    rounds.map(|rounds| medians(&rounds))
}

fn main() {
    let directory = tempfile::tempdir().unwrap();
    let path = &directory.path().join("bench.log");
    println!("medians of {ROUNDS} rounds in turns: eventring-tracing, tracing-appender, ratio");
    println!(
        "\nns a record for who logs, a burst of {} that fits",
        CAPACITY / 2
    );
    for threads in [1, 2, 4, 8] {
        let burst = CAPACITY / 2;
        let [ours, theirs] = turns(
            || run::<Ours>(path, threads, burst),
            || run::<Appender>(path, threads, burst),
        );
        row(threads, ours[0], theirs[0]);
    }
    println!("\nthousand records a second into a file, who logs waits for room");
    for threads in [1, 2, 4, 8] {
        let [ours, theirs] = turns(
            || run::<Ours>(path, threads, 200_000),
            || run::<Appender>(path, threads, 200_000),
        );
        row(threads, 1e6 / ours[1], 1e6 / theirs[1]);
    }
    let records = 100_000;
    let [ours, theirs] = turns(
        || slow::<Ours>(path, records),
        || slow::<Appender>(path, records),
    );
    println!("\na slow disk, nobody waits: of {records} records written, told to be lost, neither");
    for (name, [written, told]) in [("eventring-tracing", ours), ("tracing-appender", theirs)] {
        let neither = records as f64 - written - told;
        println!("{name:>18} {written:>8} {told:>8} {neither:>8}");
    }
}

fn row(threads: usize, ours: f64, theirs: f64) {
    println!(
        "{threads:>2} threads {ours:>9.0} {theirs:>9.0} {:>6.2}",
        ours / theirs
    );
}
