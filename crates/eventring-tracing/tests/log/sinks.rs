//! Sinks that keep up.

use crate::common::{LIMIT, Written, count};
use eventring_tracing::{LogBus, Sink, StartError};
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::sync::Arc;
use std::thread;
use tracing::{info, subscriber::with_default};
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::prelude::*;

/// More than the ring holds, from several threads, through the layer: all of it, each thread's in its order.
#[test]
fn a_file_gets_everything_in_the_order_of_each_thread() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.log");
    let file = File::create(&path).unwrap();
    let sink = Sink::new("file", file);
    let (log, guard) = LogBus::builder().capacity(16).sink(sink).start().unwrap();
    let layer = log.layer().without_time().with_target(false);
    let subscriber = Arc::new(tracing_subscriber::registry().with(layer));
    thread::scope(|scope| {
        for thread in 0..8 {
            let subscriber = Arc::clone(&subscriber);
            scope.spawn(move || {
                with_default(subscriber, || {
                    (0..1000).for_each(|number| info!(thread, number))
                });
            });
        }
    });
    guard.finish().unwrap();
    let mut next = [0; 8];
    for line in fs::read_to_string(path).unwrap().lines() {
        let fields = line.strip_prefix(" INFO thread=").unwrap();
        let (thread, number) = fields.split_once(" number=").unwrap();
        let next = &mut next[thread.parse::<usize>().unwrap()];
        assert_eq!(number.parse(), Ok(*next));
        *next += 1;
    }
    assert_eq!(next, [1000; 8]);
    let stats = log.stats();
    assert_eq!((stats.published, stats.sinks[0].written), (8000, 8000));
}

#[test]
fn every_sink_and_tail_gets_every_record() {
    let (one, other) = (Written::default(), Written::default());
    let (log, guard) = LogBus::builder()
        .sink(Sink::new("one", one.clone()))
        .sink(Sink::new("other", other.clone()).lossy())
        .start()
        .unwrap();
    let mut tail = log.tail();
    count(&log, 0..100);
    drop(guard);
    let expected: String = (0..100).map(|number| format!("{number}\n")).collect();
    assert_eq!(one.text(), expected);
    assert_eq!(other.text(), expected);
    let tailed: Vec<u8> = tail
        .blocking_iter()
        .flat_map(|record| record.to_vec())
        .collect();
    assert_eq!(tailed, expected.as_bytes());
}

/// Without the guard: a buffering writer is flushed too.
#[test]
fn what_is_flushed_is_in_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.log");
    let file = std::io::BufWriter::new(File::create(&path).unwrap());
    let (log, _guard) = LogBus::builder()
        .sink(Sink::new("file", file))
        .start()
        .unwrap();
    for number in 0..100 {
        count(&log, number..number + 1);
        log.flush().unwrap();
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        assert_eq!(lines as u32, number + 1);
    }
    log.flush_timeout(LIMIT).unwrap();
}

/// Somebody who always logs does not keep a flush waiting.
#[test]
fn a_flush_ends_while_others_log() {
    let sink = Sink::new("sink", Written::default());
    let (log, guard) = LogBus::builder().capacity(64).sink(sink).start().unwrap();
    thread::scope(|scope| {
        scope.spawn(|| while writeln!(&log, "and on").is_ok() {});
        for _ in 0..100 {
            log.flush_timeout(LIMIT).unwrap();
        }
        guard.finish().unwrap();
    });
}

#[test]
fn rolling_files() {
    let directory = tempfile::tempdir().unwrap();
    let rolling = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("app")
        .build(directory.path())
        .unwrap();
    let (log, guard) = LogBus::builder()
        .sink(Sink::new("file", rolling))
        .start()
        .unwrap();
    count(&log, 0..3);
    guard.finish().unwrap();
    let files = fs::read_dir(directory.path()).unwrap();
    // Two, if it is midnight.
    let text: String = files
        .map(|file| fs::read_to_string(file.unwrap().path()).unwrap())
        .collect();
    assert_eq!(text.lines().count(), 3);
}

#[test]
fn who_comes_after_the_end_is_told() {
    let written = Written::default();
    let sink = Sink::new("sink", written.clone());
    let (log, guard) = LogBus::builder().sink(sink).start().unwrap();
    count(&log, 0..1);
    guard.finish().unwrap();
    let late = writeln!(&log, "late").unwrap_err();
    assert_eq!(late.kind(), ErrorKind::BrokenPipe);
    assert_eq!((log.stats().published, log.stats().late), (1, 1));
    assert_eq!(written.text(), "0\n");
    log.flush().unwrap();
}

#[test]
fn what_cannot_be_started_is_said() {
    let empty = LogBus::builder().capacity(0).start().unwrap_err();
    assert_eq!(
        empty.to_string(),
        "the log's bus cannot be built: capacity is 0: a bus must hold at least 1 event"
    );
    let twice = LogBus::builder()
        .sink(Sink::new("file", Written::default()))
        .sink(Sink::new("file", Written::default()));
    let twice = twice.start().unwrap_err();
    assert!(matches!(&twice, StartError::Name(name) if name == "file"));
    assert_eq!(
        twice.to_string(),
        "two sinks are called \"file\": choose another name"
    );
}
