//! What is measured.

use crate::links::{Link, Open, PUBLISHING, SLEEPING, SPINNING, Side};
use crate::stats::{Series, Table, table};
use crate::{message, number};
use eventring_shm::{EventReader, EventRing, Kind, NextResult};
use rustix::thread::{CpuSet, sched_setaffinity};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// This process stays on that processor.
pub(crate) fn pin(processor: usize) {
    let mut set = CpuSet::new();
    set.set(processor);
    sched_setaffinity(None, &set).expect("there are two processors");
}

/// A directory in shared memory that goes when this is dropped.
pub(crate) struct Home(PathBuf);

impl Home {
    /// Each has a name of its own: some of the peers leave things behind.
    pub(crate) fn new() -> Self {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let home = PathBuf::from(format!("/dev/shm/compare-{}-{number}", std::process::id()));
        std::fs::create_dir(&home).unwrap();
        Self(home)
    }

    pub(crate) fn ring(&self) -> PathBuf {
        self.0.join("ring")
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn series(links: &[(&'static str, Open)]) -> Vec<Series> {
    links
        .iter()
        .map(|(name, _)| Series {
            name,
            values: Vec::new(),
        })
        .collect()
}

/// One process publishes, nobody receives: nanoseconds for each event.
pub(crate) fn publish(rounds: usize, events: u64) -> Table {
    pin(0);
    let mut all = series(PUBLISHING);
    for _ in 0..rounds {
        for ((_, open), series) in PUBLISHING.iter().zip(&mut all) {
            let home = Home::new();
            let mut link = open(Side::Alone, &home.ring());
            let started = Instant::now();
            for number in 0..events {
                link.send(&message(number));
            }
            series
                .values
                .push(started.elapsed().as_nanos() as f64 / events as f64);
        }
    }
    table("publish, nobody receives", "ns", all)
}

/// There and back between two processes: nanoseconds for each round trip.
pub(crate) fn round_trips(
    name: &str,
    links: &'static [(&'static str, Open)],
    rounds: usize,
    trips: u64,
) -> Table {
    pin(0);
    let mut all = series(links);
    for _ in 0..rounds {
        for ((link, open), series) in links.iter().zip(&mut all) {
            let home = Home::new();
            series
                .values
                .push(round_trip(link, *open, &home.ring(), trips));
        }
    }
    table(&format!("{name}: there and back"), "ns", all)
}

fn round_trip(name: &str, open: Open, base: &Path, trips: u64) -> f64 {
    let mut link = open(Side::Near, base);
    let mut far = Command::new(std::env::current_exe().unwrap())
        .arg(format!("--echo={name}"))
        .arg("--base")
        .arg(base)
        .arg(format!("--trips={trips}"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut lines = BufReader::new(far.stdout.take().unwrap());
    // Who listens is connected to before it says so.
    while !line.trim().ends_with("ready") {
        line.clear();
        assert_ne!(
            lines.read_line(&mut line).unwrap(),
            0,
            "{name}: the far side died"
        );
    }
    link.meet();
    let warm = trips / 10;
    let mut started = Instant::now();
    for trip in 0..warm + trips {
        if trip == warm {
            started = Instant::now();
        }
        link.send(&message(trip));
        assert_eq!(number(&link.receive()), trip);
    }
    let nanos = started.elapsed().as_nanos() as f64 / trips as f64;
    assert!(far.wait().unwrap().success());
    nanos
}

/// The far side.
pub(crate) fn echo(name: &str, base: &Path, trips: u64) {
    pin(1);
    let mut links = SPINNING.iter().chain(SLEEPING);
    let (_, open) = links
        .find(|(link, _)| *link == name)
        .expect("a link of that name");
    let mut link: Box<dyn Link> = open(Side::Far, base);
    println!("ready");
    for trip in 0..trips / 10 + trips {
        let message = link.receive();
        assert_eq!(number(&message), trip);
        link.send(&message);
    }
}

/// A reader that is behind, with payloads of 4 KiB: gigabytes each second, beside a plain copy.
pub(crate) fn drain(rounds: usize) {
    pin(0);
    const EVENTS: usize = 4096;
    const LEN: usize = 4096;
    let ring = EventRing::builder()
        .descriptors(8192)
        .payload(32 << 20)
        .memfd("drain")
        .unwrap();
    let mut publisher = ring.publisher().unwrap();
    let payload = vec![7; LEN];
    for _ in 0..EVENTS {
        publisher.publish(Kind(1), &payload).unwrap();
    }
    let plain = vec![7u8; EVENTS * LEN];
    let mut all = vec![
        Series {
            name: "eventring-shm",
            values: Vec::new(),
        },
        Series {
            name: "a plain copy of as much",
            values: Vec::new(),
        },
    ];
    let mut out = vec![0; LEN];
    let speed = |started: Instant| (EVENTS * LEN) as f64 / started.elapsed().as_nanos() as f64;
    for _ in 0..rounds {
        let mut reader = EventReader::new(&ring);
        reader.seek(eventring::Start::Oldest);
        let started = Instant::now();
        for _ in 0..EVENTS {
            let NextResult::Ready(event) = reader.next_descriptor() else {
                panic!("it is there")
            };
            event.payload().copy_to(&mut out).unwrap();
            assert_eq!(std::hint::black_box(&out)[LEN - 1], 7);
        }
        all[0].values.push(speed(started));
        let started = Instant::now();
        for chunk in plain.chunks_exact(LEN) {
            out.copy_from_slice(chunk);
            assert_eq!(std::hint::black_box(&out)[LEN - 1], 7);
        }
        all[1].values.push(speed(started));
    }
    table("drain payloads of 4 KiB", "GB/s", all);
}
