//! Sinks that are stuck until the test lets them go on.

use crate::common::{LIMIT, Step, Written, count, gated};
use eventring_tracing::{LogBus, Sink};
use std::io::Write;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(1);

fn numbers(numbers: std::ops::Range<u32>) -> Vec<String> {
    numbers.map(|number| number.to_string()).collect()
}

/// 0, what was lost, and the newest ones: what a sink with four places gets that was stuck in 0.
fn gap(lost: u32, end: u32) -> Vec<String> {
    let told = format!("... {lost} records lost: the sink was too slow");
    [vec!["0".to_owned(), told], numbers(end - 4..end)].concat()
}

#[test]
fn a_lossy_sink_holds_nobody_up_and_tells_what_it_missed_in_its_place() {
    let (writer, gate) = gated();
    let all = Written::default();
    let (log, guard) = LogBus::builder()
        .capacity(4)
        .sink(Sink::new("all", all.clone()))
        .sink(Sink::new("stuck", writer).lossy())
        .start()
        .unwrap();
    count(&log, 0..1);
    gate.entered();
    count(&log, 1..20);
    let written = gate.open();
    guard.finish().unwrap();
    assert_eq!(all.lines(), numbers(0..20));
    assert_eq!(written.lines(), gap(15, 20));
    let stuck = &log.stats().sinks[1];
    assert_eq!((stuck.written, stuck.missed, stuck.untold), (5, 15, 0));
}

/// The same of one that blocks for a time, while the sink beside it gets everything; and once more when it came
/// back.
#[test]
fn patience_ends_and_the_others_miss_nothing() {
    let (writer, gate) = gated();
    let all = Written::default();
    let (log, guard) = LogBus::builder()
        .capacity(4)
        .sink(Sink::new("all", all.clone()))
        .sink(Sink::new("stuck", writer).block_for(SHORT).batch(1))
        .start()
        .unwrap();
    count(&log, 0..1);
    gate.entered();
    count(&log, 1..20);
    for _ in 0..3 {
        gate.step(Step::Take);
        gate.entered(); // the notice, 16, 17
    }
    count(&log, 20..40);
    let written = gate.open();
    guard.finish().unwrap();
    assert_eq!(all.lines(), numbers(0..40));
    let mut expected = gap(15, 20);
    expected.truncate(4);
    expected.extend(gap(18, 40).split_off(1));
    assert_eq!(written.lines(), expected);
    let stuck = &log.stats().sinks[1];
    assert_eq!((stuck.written, stuck.missed, stuck.untold), (7, 33, 0));
}

/// One that has all the patience loses nothing, as one that blocks.
#[test]
fn who_blocks_waits() {
    for patience in [None, Some(LIMIT)] {
        let (writer, gate) = gated();
        let sink = Sink::new("sink", writer).batch(1);
        let sink = match patience {
            Some(patience) => sink.block_for(patience),
            None => sink,
        };
        let (log, guard) = LogBus::builder().capacity(4).sink(sink).start().unwrap();
        let (logged, seen) = mpsc::channel();
        let logging = log.clone();
        let logger = thread::spawn(move || {
            for number in 0..20 {
                count(&logging, number..number + 1);
                let _ = logged.send(number);
            }
        });
        // One is being written, four are in the ring.
        for number in 0..5 {
            assert_eq!(seen.recv_timeout(LIMIT), Ok(number));
        }
        for number in 5..20 {
            assert_eq!(seen.try_recv().ok(), None);
            gate.step(Step::Take);
            assert_eq!(seen.recv_timeout(LIMIT), Ok(number));
        }
        let written = gate.open();
        logger.join().unwrap();
        guard.finish().unwrap();
        assert_eq!(written.lines(), numbers(0..20));
    }
}

#[test]
fn a_flush_and_a_guard_wait_no_longer_than_they_may() {
    let (writer, gate) = gated();
    let sink = Sink::new("stuck", writer);
    let builder = LogBus::builder().drain(SHORT).sink(sink);
    let (log, guard) = builder.start().unwrap();
    count(&log, 0..1);
    gate.entered();
    count(&log, 1..3);
    let unwritten = log.flush_timeout(SHORT).unwrap_err();
    assert_eq!(unwritten.to_string(), "stuck: 3 not written in time");
    let unwritten = guard.finish().unwrap_err();
    assert_eq!(
        (unwritten.sinks[0].records, unwritten.sinks[0].untold),
        (3, 0)
    );
    // It goes on nevertheless, for as long as the process lives.
    let written = gate.open();
    log.flush().unwrap();
    assert_eq!(written.lines(), numbers(0..3));
}

/// Who waits for a sink is not left waiting when the log ends.
#[test]
fn the_end_lets_go_who_waits() {
    let (writer, gate) = gated();
    let sink = Sink::new("stuck", writer).batch(1);
    let builder = LogBus::builder().capacity(1).drain(SHORT).sink(sink);
    let (log, guard) = builder.start().unwrap();
    count(&log, 0..1);
    gate.entered();
    count(&log, 1..2);
    thread::scope(|scope| {
        let waits = scope.spawn(|| writeln!(&log, "2"));
        guard.finish().unwrap_err();
        assert!(waits.join().unwrap().is_err());
    });
    assert_eq!(log.stats().late, 1);
    let written = gate.open();
    log.flush().unwrap();
    assert_eq!(written.lines(), numbers(0..2));
}
