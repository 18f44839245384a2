//! A writer that is killed by `kill -9` at random, over and over.

use super::{checked, open};
use eventring::Start;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// From a variable, or what it is otherwise.
fn number(name: &str, otherwise: impl FnOnce() -> u64) -> u64 {
    std::env::var(name).map_or_else(|_| otherwise(), |text| text.parse().unwrap())
}

#[test]
fn a_writer_that_is_killed() {
    let seed = number("EVENTRING_LOG_SEED", || RandomState::new().hash_one(0) | 1);
    let seconds = number("EVENTRING_LOG_SECONDS", || 5);
    println!("EVENTRING_LOG_SEED={seed}");
    let mut random = Random(seed);
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("events.db");
    let until = Instant::now() + Duration::from_secs(seconds);
    let (mut rounds, mut stored) = (0, 0);
    while rounds < 3 || Instant::now() < until {
        let mut writer = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "writer", "--nocapture", "--test-threads=1"])
            .env("EVENTRING_LOG_WRITER", &path)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(writer.stderr.take().unwrap()).lines();
        // Within the first events, or after many of them; then within so many microseconds.
        for _ in 0..1 + random.below(200) {
            let line = lines.next().unwrap().unwrap();
            stored = line.parse::<u64>().expect(&line) + 1;
        }
        thread::sleep(Duration::from_micros(random.below(3000)));
        writer.kill().unwrap();
        writer.wait().unwrap();
        // What it said up to its death: a number goes out in one write.
        for line in lines.map(Result::unwrap).filter(|line| !line.is_empty()) {
            stored = line.parse::<u64>().expect(&line) + 1;
        }
        let log = open(&path);
        assert!(log.next() >= stored, "{} of {stored}", log.next());
        if rounds % 8 == 0 {
            checked(&log);
        }
        rounds += 1;
    }
    let log = open(&path);
    let events = checked(&log);
    let mut runs: Vec<u64> = events.iter().map(|(_, run)| *run).collect();
    runs.dedup();
    assert_eq!(
        runs.len() as u64,
        rounds,
        "each run stored events, in one piece"
    );
    // And a subscriber sees all of it.
    let bus = super::bus(&log);
    let attached = log.attach(&bus).unwrap();
    let subscription = log.subscribe(&bus, Start::Oldest).unwrap();
    drop(bus);
    let seen = futures::executor::block_on_stream(subscription);
    assert_eq!(seen.map(Result::unwrap).count(), events.len());
    attached.join().unwrap();
    println!("{rounds} kills, {} events", events.len());
}
