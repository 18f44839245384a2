//! A sink thread that is killed by a panic at random, a thousand times, over SQLite: every event that
//! was published is stored exactly once and in order, and `drained` is all that the end waits for.

use eventring::{EventBus, Receiver, WaitStrategy};
use futures::executor::block_on;
use rusqlite::Connection;
use std::hash::{BuildHasher, RandomState};
use std::panic::resume_unwind;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

const KILLS: u64 = 1_000;
const PUBLISHERS: u64 = 3;

/// Whose event it is, and which of its.
type Event = (u64, u64);

struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    /// Where a batch kills the sink: within it, between the two commits, or not at all.
    fn kill_at(&mut self, events: usize) -> Option<usize> {
        let at = self.below(2 * events as u64 + 2) as usize;
        (at <= events).then_some(at)
    }
}

fn connect(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    let pragmas = "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;";
    connection.execute_batch(pragmas).unwrap();
    connection
}

/// A panic without the hook's noise.
fn kill() -> ! {
    resume_unwind(Box::new("killed"))
}

/// Stores until the end, or until it is killed. What was stored, and not committed to the bus any more,
/// comes again, and is in the table already.
fn run_sink(path: &Path, receiver: &mut Receiver<Event>, mut random: Option<&mut Random>) {
    let mut connection = connect(path);
    while let Some(batch) = receiver.recv_batch_blocking(16) {
        let kill_at = random.as_mut().and_then(|one| one.kill_at(batch.len()));
        let transaction = connection.transaction().unwrap();
        for (index, (sequence, (publisher, number))) in batch.iter().enumerate() {
            if kill_at == Some(index) {
                kill();
            }
            let insert = "INSERT OR IGNORE INTO events VALUES (?, ?, ?)";
            transaction
                .execute(insert, (sequence, publisher, number))
                .unwrap();
        }
        transaction.commit().unwrap();
        if kill_at == Some(batch.len()) {
            kill();
        }
        batch.commit();
    }
}

#[test]
fn a_sink_that_is_killed_a_thousand_times() {
    let seed = RandomState::new().hash_one(0) | 1;
    println!("seed {seed}");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.sqlite");
    let table =
        "CREATE TABLE events (sequence INTEGER PRIMARY KEY, publisher INTEGER, number INTEGER)";
    connect(&path).execute_batch(table).unwrap();

    let bus = EventBus::with_strategy(64, WaitStrategy::Block);
    let mut receiver = bus.subscribe_committing();
    let enough = AtomicBool::new(false);
    thread::scope(|scope| {
        let publish = |publisher| {
            let published = (0_u64..).take_while(|number| {
                bus.publish_blocking((publisher, *number)).unwrap();
                !enough.load(Ordering::Relaxed)
            });
            published.count() as u64 + 1
        };
        let publishers: Vec<_> = (0..PUBLISHERS)
            .map(|publisher| scope.spawn(move || publish(publisher)))
            .collect();
        let sinks = scope.spawn(|| {
            let mut random = Random(seed);
            for _ in 0..KILLS {
                // A thread each, with the receiver of the one before.
                let killed = thread::scope(|scope| {
                    let sink = scope.spawn(|| run_sink(&path, &mut receiver, Some(&mut random)));
                    sink.join()
                });
                killed.unwrap_err();
            }
            enough.store(true, Ordering::Relaxed);
            run_sink(&path, &mut receiver, None);
        });
        let published: Vec<_> = publishers
            .into_iter()
            .map(|publisher| publisher.join().unwrap())
            .collect();
        bus.close();
        block_on(bus.drained());

        let connection = connect(&path);
        let query = "SELECT sequence, publisher, number FROM events ORDER BY sequence";
        let mut select = connection.prepare(query).unwrap();
        let rows = select.query_map((), |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))));
        let rows: Vec<(u64, Event)> = rows.unwrap().map(Result::unwrap).collect();
        assert_eq!(rows.len() as u64, bus.stats().published);
        let mut next = vec![0; PUBLISHERS as usize];
        for (expected, (sequence, (publisher, number))) in (0..).zip(rows) {
            assert_eq!(sequence, expected);
            assert_eq!(
                number, next[publisher as usize],
                "of {publisher}, at {sequence}"
            );
            next[publisher as usize] += 1;
        }
        assert_eq!(next, published);
        sinks.join().unwrap();
    });
}
