//! What is asked of `eventring-shm` alone: sizes, batches, several readers, several sleepers, recovery.

use crate::scenarios::{Home, pin};
use crate::stats::{Series, table};
use eventring::Start;
use eventring_shm::{Clock, EventRing, Kind, Publisher};
use rustix::time::{ClockId, clock_gettime};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

fn nanos(clock: ClockId) -> u64 {
    let now = clock_gettime(clock);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

fn series<const N: usize>(names: [&'static str; N]) -> Vec<Series> {
    let empty = |name| Series {
        name,
        values: Vec::new(),
    };
    names.map(empty).into()
}

/// Events that a ring has seen before: enough to have touched all of its memory.
const FULL: u64 = 1 << 14;

/// Without a clock, with room for 64 payloads of 64 KiB.
fn publisher(path: &Path) -> Publisher {
    let builder = EventRing::builder().descriptors(FULL).payload(256 * FULL);
    let mut publisher = builder.create(path).unwrap().publisher().unwrap();
    publisher.set_clock(Clock::Off);
    for _ in 0..FULL {
        publisher.publish(Kind(0), &[7; 256]).unwrap();
    }
    publisher
}

/// Nobody receives: nanoseconds for each event.
fn timed(events: u64, publish: impl FnOnce(&mut Publisher)) -> f64 {
    let home = Home::new();
    let mut publisher = publisher(&home.ring());
    let started = Instant::now();
    publish(&mut publisher);
    let time = started.elapsed().as_nanos() as f64 / events as f64;
    assert_eq!(publisher.event_ring().tail(), FULL + events);
    time
}

/// Payloads of 8 bytes to 64 KiB.
pub(crate) fn sizes(rounds: usize, events: u64) {
    pin(0);
    let mut all = series(["8 bytes", "64 bytes", "512 bytes", "4 KiB", "64 KiB"]);
    for _ in 0..rounds {
        for (series, len) in all.iter_mut().zip([8, 64, 512, 4096, 65536]) {
            let payload = vec![7; len];
            series.values.push(timed(events, |publisher| {
                for _ in 0..events {
                    publisher.publish(Kind(1), &payload).unwrap();
                }
            }));
        }
    }
    table("publish, by the length of the payload", "ns", all);
}

/// 64 bytes, by `publish_many`.
pub(crate) fn batches(rounds: usize, events: u64) {
    pin(0);
    let events = events.next_multiple_of(64);
    let mut all = series(["one by one", "8 at once", "64 at once"]);
    for _ in 0..rounds {
        for (series, batch) in all.iter_mut().zip([1, 8, 64]) {
            series.values.push(timed(events, |publisher| {
                for _ in 0..events / batch {
                    let events = (0..batch).map(|_| (Kind(1), [7; 64]));
                    publisher.publish_many(events).unwrap();
                }
            }));
        }
    }
    table("publish 64 bytes by publish_many", "ns for each", all);
}

/// One publishes as fast as it can; so many processes on the other processor receive, or miss.
pub(crate) fn readers(rounds: usize, events: u64) {
    pin(0);
    let names = ["1 reader", "2 readers", "4 readers"];
    let (mut times, mut received, mut cpu) = (series(names), series(names), series(names));
    for _ in 0..rounds {
        for (index, count) in [1, 2, 4].into_iter().enumerate() {
            let home = Home::new();
            let mut publisher = publisher(&home.ring());
            let readers: Vec<Reader> = (0..count).map(|_| Reader::start(&home.ring())).collect();
            let started = Instant::now();
            for number in 0..events {
                publisher.publish(Kind(1), &crate::message(number)).unwrap();
            }
            let time = started.elapsed().as_nanos() as f64 / events as f64;
            times[index].values.push(time);
            publisher.close();
            for [got, missed, nanos] in readers.into_iter().map(Reader::end) {
                assert_eq!(got + missed, events, "each is received or missed");
                received[index]
                    .values
                    .push(got as f64 * 100.0 / events as f64);
                cpu[index].values.push(nanos as f64 / events as f64);
            }
        }
    }
    table("flat out, 64 bytes: publish", "ns", times);
    table("the same: received, the rest missed", "%", received);
    table(
        "the same: processor time of a reader",
        "ns for each published",
        cpu,
    );
}

/// So many processes sleep: what the publish costs, and when the last one has the event.
pub(crate) fn wake(rounds: usize) {
    pin(0);
    const EVENTS: usize = 50;
    let names = ["1 process", "10 processes"];
    let (mut costs, mut delays) = (series(names), series(names));
    for _ in 0..rounds {
        for (index, count) in [1, 10].into_iter().enumerate() {
            let home = Home::new();
            let mut publisher = publisher(&home.ring());
            let readers: Vec<Reader> = (0..count).map(|_| Reader::start(&home.ring())).collect();
            for _ in 0..EVENTS {
                // Long enough for all to be asleep again.
                std::thread::sleep(Duration::from_millis(4));
                let before = nanos(ClockId::Monotonic);
                publisher
                    .publish_with(Kind(2), [before, 0, 0, 0], b"")
                    .unwrap();
                let cost = nanos(ClockId::Monotonic) - before;
                costs[index].values.push(cost as f64 / 1e3);
            }
            publisher.close();
            let ends: Vec<_> = readers.into_iter().map(Reader::delays).collect();
            delays[index].values.extend((0..EVENTS).map(|event| {
                let last = ends.iter().map(|delays| delays[event]).max();
                last.expect("somebody slept") as f64 / 1e3
            }));
        }
    }
    table("a publish that wakes", "µs", costs);
    table("until the last one has the event", "µs", delays);
}

/// From nothing to the first event, and from a full ring whose writer is gone to the next event.
pub(crate) fn recovery(rounds: usize) {
    pin(0);
    let mut all = series(["a new ring", "one that was left full"]);
    for _ in 0..rounds {
        let home = Home::new();
        for series in &mut all {
            let started = Instant::now();
            let ring = EventRing::builder().create_or_recover(home.ring()).unwrap();
            let mut publisher = ring.publisher().unwrap();
            publisher.publish(Kind(1), &[7; 64]).unwrap();
            let time = started.elapsed().as_nanos();
            series.values.push(time as f64 / 1e3);
            for _ in 1..1 << 15 {
                publisher.publish(Kind(1), &[7; 256]).unwrap();
            }
        }
        assert_eq!(EventRing::open(home.ring()).unwrap().tail(), 1 << 16);
    }
    table(
        "until a writer has published, in a ring of 5 MiB",
        "µs",
        all,
    );
}

/// A process that receives until the ring is closed.
struct Reader {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Reader {
    fn start(ring: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .arg("--read")
            .arg("--base")
            .arg(ring)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        Self { child, out }
    }

    /// What it says at the end.
    fn said(mut self) -> Vec<u64> {
        let mut text = String::new();
        self.out.read_to_string(&mut text).unwrap();
        assert!(self.child.wait().unwrap().success());
        text.split_whitespace()
            .map(|word| word.parse().unwrap())
            .collect()
    }

    /// Received, missed, nanoseconds of processor time.
    fn end(self) -> [u64; 3] {
        self.said()[..3].try_into().unwrap()
    }

    fn delays(self) -> Vec<u64> {
        let said = self.said();
        assert_eq!(said[1], 0, "it missed events that it slept for");
        said[3..].to_vec()
    }
}

/// That process.
pub(crate) fn read(ring: &Path) {
    pin(1);
    let mut receiver = EventRing::open(ring).unwrap().subscribe(Start::Next);
    println!("ready");
    let (mut received, mut delays) = (0u64, Vec::new());
    let read = |event: eventring_shm::EventRef<'_>| match event.kind {
        Kind(1) => {
            crate::number(event.payload.try_into().expect("a message"));
            None
        }
        _ => Some(nanos(ClockId::Monotonic) - event.ext[0]),
    };
    while let Some(delay) = receiver.recv_with_blocking(read) {
        received += 1;
        delays.extend(delay);
    }
    println!(
        "{received} {} {}",
        receiver.missed(),
        nanos(ClockId::ProcessCPUTime)
    );
    delays.iter().for_each(|delay| println!("{delay}"));
}
