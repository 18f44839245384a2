//! Whatever happens to a sink, its output is what was logged, but that what is missing is told where it would be.

use eventring_tracing::{LogBus, Sink};
use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::path::Path;
use std::thread;
use std::time::Duration;

const THREADS: u32 = 4;
const RECORDS: u32 = 1500;

/// A small generator (xorshift): good enough to choose by.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

/// A file that takes its time, takes a part, fails or panics, now and then.
struct Moody {
    file: File,
    random: Random,
    fails: bool,
}

impl Write for Moody {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.random.below(64) {
            0..4 => thread::sleep(Duration::from_micros(self.random.below(2000))),
            4..8 if self.fails => return Err(io::Error::other("a mood")),
            8 if self.fails => std::panic::panic_any("a mood"),
            _ => {}
        }
        let some = match self.random.below(4) {
            0 => 1 + self.random.below(bytes.len() as u64) as usize,
            _ => bytes.len(),
        };
        self.file.write(&bytes[..some])
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// The output as it would be of all records: `None` where one is missing.
fn replay(text: &str, all: &[&str]) -> (usize, usize) {
    let (mut next, mut lost) = (0, 0);
    for line in text.lines() {
        match line.strip_prefix("... ") {
            Some(told) => {
                let (count, why) = told.split_once(' ').unwrap();
                assert!(why.starts_with("record"), "{line}");
                let count: usize = count.parse().unwrap();
                next += count;
                lost += count;
            }
            None => {
                assert_eq!(line, all[next], "at {next}");
                next += 1;
            }
        }
    }
    (next, lost)
}

#[test]
fn told_and_written_is_logged_and_in_its_place() {
    let seed = RandomState::new().hash_one(0) | 1;
    println!("seed {seed}");
    let mut random = Random(seed);
    for _ in 0..4 {
        let directory = tempfile::tempdir().unwrap();
        round(directory.path(), &mut random);
    }
}

fn round(directory: &Path, random: &mut Random) {
    let path = |name: &str| directory.join(name);
    let mut moody = |name: &str, fails: bool| {
        let writer = Moody {
            file: File::create(path(name)).unwrap(),
            random: Random(random.below(u64::MAX) | 1),
            fails,
        };
        Sink::new(name, writer).batch(1 + random.below(20) as usize)
    };
    let patience = Duration::from_micros(200);
    let names = ["all", "block", "lossy", "patient", "hasty"];
    let sinks = [
        moody(names[0], false),
        moody(names[1], true),
        moody(names[2], true).lossy(),
        moody(names[3], true).block_for(patience),
        moody(names[4], true).block_for(Duration::ZERO),
    ];
    let builder = LogBus::builder().capacity(1 + random.below(40) as usize);
    let builder = sinks
        .into_iter()
        .fold(builder, |builder, sink| builder.sink(sink));
    let (log, guard) = builder.start().unwrap();
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let log = &log;
            scope.spawn(move || {
                for number in 0..RECORDS {
                    writeln!(&*log, "{thread} {number}").unwrap();
                    if number % 100 == 0 {
                        let _ = log.flush(); // some fail
                    }
                }
            });
        }
    });
    // The writers may fail at the very end, too.
    let unwritten = guard
        .finish()
        .err()
        .map_or_else(Vec::new, |unwritten| unwritten.sinks);

    let logged = (THREADS * RECORDS) as usize;
    let all = fs::read_to_string(path("all")).unwrap();
    let all: Vec<&str> = all.lines().collect();
    assert_eq!(all.len(), logged);
    let mut expected = [0; THREADS as usize];
    for line in &all {
        let (thread, number) = line.split_once(' ').unwrap();
        let next = &mut expected[thread.parse::<usize>().unwrap()];
        assert_eq!(number.parse(), Ok(*next));
        *next += 1;
    }
    for (name, stats) in names.iter().zip(log.stats().sinks) {
        let text = fs::read_to_string(path(name)).unwrap();
        if unwritten.iter().any(|one| one.sink == *name) {
            // It ends in a loss that could not be told, or within a line.
            assert_eq!(
                stats.written + stats.missed + stats.failed,
                logged as u64,
                "{name}"
            );
            continue;
        }
        let (seen, lost) = replay(&text, &all);
        assert_eq!(seen, logged, "{name}: {stats:?}");
        assert_eq!(lost as u64, stats.missed + stats.failed, "{name}");
        assert_eq!(stats.written as usize, logged - lost, "{name}");
        println!("{name}: {} missed, {} failed", stats.missed, stats.failed);
    }
    let stats = log.stats();
    assert_eq!((stats.sinks[0].missed, stats.sinks[1].missed), (0, 0));
}
